"""The command line's frame: verbs found, modules imported late, errors as lines and exit codes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from oreflow.cli import app
from oreflow.cli.options import AsOfOption, CaseArgument, SeedOption
from oreflow.core.errors import CaseError, MissingExtraError, OreflowError, Problem, UsageError

HEAVY = ("numpy", "scipy", "polars", "duckdb", "pydantic", "pint", "fastapi", "typer", "rich", "yaml")


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., None]], None]:
    """Register a function as the verbs `try` and `things list` of an otherwise empty command line."""

    def register(command: Callable[..., None]) -> None:
        module = ModuleType("oreflow_test_verb")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        described = app.Verb(module.__name__, "Try something")
        monkeypatch.setattr(app, "VERBS", {"try": described, "things list": described, "things find": described})

    return register


def test_every_verb_has_a_module_and_every_module_a_verb() -> None:
    folder = Path(app.__file__).parent / "verbs"
    modules = {f"oreflow.cli.verbs.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"}
    assert {verb.module for verb in app.VERBS.values()} == modules
    for name, verb in app.VERBS.items():
        assert verb.module.rpartition(".")[2].rstrip("_") == name.replace(" ", "_").replace("-", "_"), name
        assert 0 < len(verb.help) < 90, name


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["no-such-verb"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from oreflow.cli.app import main; main(sys.argv[1:]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", sorted(app.VERBS))
def test_every_verb_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main([*name.split(), "--help"]) == 0
    assert f"oreflow {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(app.VERBS))
def test_every_verb_refuses_an_unknown_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main([*name.split(), "--no-such-option"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"oreflow {name} --help" in captured.err


def test_help_lists_the_verbs(verb: Callable[[Callable[..., None]], None], capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        """Try."""

    verb(command)
    assert app.main([]) == 0
    out = capsys.readouterr().out
    assert "  things list  Try something\n" in out
    assert app.main(["things", "--help"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["  things list  Try something", "  things find  Try something"]


def test_arguments_and_shared_options_arrive(verb: Callable[[Callable[..., None]], None]) -> None:
    seen: list[object] = []

    def command(case: CaseArgument, as_of: AsOfOption = None, seed: SeedOption = 1) -> None:
        """Try."""
        seen.extend([case, as_of, seed])

    verb(command)
    assert app.main(["things", "list", "kachin", "--as-of", "2025-07-31", "--seed", "7"]) == 0
    assert seen == ["kachin", date(2025, 7, 31), 7]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tri"], "unknown verb 'tri'; did you mean try?"),
        (["things"], "'things' needs one more word: find, list"),
        (["things", "lsit"], "unknown verb 'things lsit'; did you mean list?"),
        (["--json", "try"], "unknown option '--json' before the verb"),
        (["try"], "CASE"),
        (["try", "kachin", "--as-of", "July"], "'July' is no date"),
        (["try", "kachin", "--seed", "x"], "--seed"),
        (["try", "kachin", "--seed", "-1"], "--seed"),
        (["try", "kachin", "extra"], "extra"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str],
    message: str,
    verb: Callable[[Callable[..., None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command(case: CaseArgument, as_of: AsOfOption = None, seed: SeedOption = 1) -> None:
        """Try."""

    verb(command)
    assert app.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.startswith("oreflow: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (OreflowError("the run\ndid not converge"), 1, "oreflow: the run did not converge\n"),
        (UsageError("unknown place 'Atlantis'"), 2, "oreflow: unknown place 'Atlantis'\n"),
        (MissingExtraError("install oreflow[pdf]"), 3, "oreflow: install oreflow[pdf]\n"),
        (PermissionError(errno.EACCES, "Permission denied", "x.csv"), 1, "oreflow: x.csv: Permission denied\n"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException,
    code: int,
    message: str,
    verb: Callable[[Callable[..., None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command() -> None:
        """Try."""
        raise error

    verb(command)
    assert app.main(["try"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err or code == app.INTERRUPTED


def test_all_problems_are_listed(
    verb: Callable[[Callable[..., None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [Problem("claims.csv", row, "unit", "'tonnnes'", "a known unit", "write t, kg or lb") for row in (2, 9)]

    def command() -> None:
        """Try."""
        raise CaseError(problems)

    verb(command)
    assert app.main(["try"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "oreflow: 2 problems found",
        "  claims.csv, row 2, column unit: found 'tonnnes'; expected a known unit; write t, kg or lb",
        "  claims.csv, row 9, column unit: found 'tonnnes'; expected a known unit; write t, kg or lb",
    ]


def test_a_fault_of_the_program_is_not_hidden(verb: Callable[[Callable[..., None]], None]) -> None:
    def command() -> None:
        """Try."""
        raise ZeroDivisionError("a fault")

    verb(command)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        app.main(["try"])


def test_a_name_that_the_terminal_cannot_show_is_no_fault() -> None:
    program = "import sys; from oreflow.cli.app import main; sys.exit(main(['größe']))"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=False)
    assert done.returncode == 2
    assert b"unknown verb 'gr\\xf6\\xdfe'" in done.stderr


def test_a_closed_pipe_ends_in_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = "import sys; from oreflow.cli.app import main; sys.exit(main(['--help']))"
    done = subprocess.run([sys.executable, "-u", "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
