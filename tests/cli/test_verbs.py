"""What holds for every verb alike: an unknown case or folder is one line, exit code 2, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command

from oreflow.cli.app import VERBS, build_program, main


def words_with_case(name: str, case: str) -> list[str] | None:
    """The shortest command line of a verb that takes a CASE as an argument; None for the others."""
    words: list[str] = []
    has_case = False
    for parameter in get_command(build_program(name)).params:
        if parameter.param_type_name != "argument":
            continue
        if parameter.name == "case":
            has_case = True
            words.append(case)
        elif parameter.required:
            words.append("A")
    return [*name.split(), *words] if has_case else None


CASE_VERBS = [name for name in VERBS if words_with_case(name, "x")]


def test_most_verbs_take_a_case() -> None:
    assert {"compare", "solve", "unlock", "check", "facts list"} <= set(CASE_VERBS)


@pytest.mark.parametrize("name", CASE_VERBS)
@pytest.mark.parametrize(
    ("case", "message"), [("no-such-case", "'no-such-case'"), ("../no/folder", "no/folder"), (".", "case.yaml")]
)
def test_an_unknown_case_is_one_line(
    name: str,
    case: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = words_with_case(name, case)
    assert words is not None
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("oreflow: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert list(tmp_path.iterdir()) == []
