"""The program `oreflow`: finds the verb, imports its module, runs it, and turns errors into lines and exit codes.

Neither the list of verbs nor `--help` imports anything heavy: a verb's module is imported when the verb runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

from oreflow import __version__
from oreflow.core.errors import OreflowError, ProblemsError, UsageError

if TYPE_CHECKING:
    from typer import Typer

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of the command line: the module that holds its function `command`, and one line of help."""

    module: str
    help: str


VERBS: dict[str, Verb] = {
    "show": Verb("oreflow.cli.verbs.show", "Show the run that ships with a case; nothing is solved"),
    "compare": Verb(
        "oreflow.cli.verbs.compare", "Compare proposals: central values, bands, what stops the tonnes, report.html"
    ),
    "solve": Verb("oreflow.cli.verbs.solve", "Solve one proposal with central values"),
    "unlock": Verb("oreflow.cli.verbs.unlock", "Which barriers stop the tonnes, and what lifting them would add"),
    "report": Verb("oreflow.cli.verbs.report", "Write report.html from a run that is already there"),
    "check": Verb("oreflow.cli.verbs.check", "Check a case: every problem with file, row, column and remedy"),
    "init": Verb("oreflow.cli.verbs.init", "Write a small two-country case that runs"),
    "facts list": Verb("oreflow.cli.verbs.facts_list", "List the claims of a case, and what rests on which grade"),
    "baseline": Verb(
        "oreflow.cli.verbs.baseline", "Show the reconciled base year: what crosses, how sure, where the price goes"
    ),
    "hindcast": Verb("oreflow.cli.verbs.hindcast", "Judge the model by past episodes: hits, scores, rows lost and why"),
    "cite": Verb("oreflow.cli.verbs.cite", "Print the sources that entered, as BibTeX, RIS or CSL JSON"),
    "import": Verb("oreflow.cli.verbs.import_", "Read files of statistics and add their claims to a case"),
    "facts conflicts": Verb("oreflow.cli.verbs.facts_conflicts", "Show where a case's claims differ or repeat"),
    "claims check": Verb("oreflow.cli.verbs.claims_check", "Check the numbers of a text against a case's claims"),
}
"""Verb, of one or two words -> its module and help, in the order in which `--help` lists them.

`"facts list": Verb("oreflow.cli.verbs.facts_list", "List the claims of a case")`; only what has a module stands here.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; the entry point of the program `oreflow`.

    Args:
        argv: the words after the program's name; `sys.argv[1:]` when None.

    Returns:
        0 done; 1 the data or the model is at fault; 2 wrong usage; 3 a missing extra; 130 interrupted.

    Example:
        >>> main(["--version"])  # doctest: +SKIP
        oreflow 0.1.0
        0
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(words)
    except ProblemsError as error:
        count = len(error.problems)
        _complain(f"oreflow: {count} problem{'' if count == 1 else 's'} found")
        for problem in error.problems:
            _complain(f"  {_one_line(problem)}")
        return error.exit_code
    except OreflowError as error:
        _complain(f"oreflow: {_one_line(error)}")
        return error.exit_code
    except BrokenPipeError:
        _discard_stdout()
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _complain(f"oreflow: {where}{error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        _complain("oreflow: interrupted")
        return INTERRUPTED


def load_command(name: str) -> Callable[..., None]:
    """Import a verb's module and return its function `command`.

    Args:
        name: a key of `VERBS`.

    Returns:
        The typed function that typer turns into the verb's command line.
    """
    command: Callable[..., None] = import_module(VERBS[name].module).command
    return command


def build_program(name: str) -> Typer:
    """Return the typer program of one verb.

    Args:
        name: a key of `VERBS`.

    Returns:
        A program with that one command.
    """
    import typer

    command = load_command(name)
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command(name=name, help=command.__doc__ or VERBS[name].help)(command)
    return program


def overview() -> str:
    """Return what `oreflow --help` prints: every verb with its line of help.

    Returns:
        The text, without a line break at its end.
    """
    return "\n".join(
        [
            "Usage: oreflow VERB [ARGUMENTS]",
            "",
            "Who gets the critical mineral, at what price, how soon, if a policy, a route",
            "or a power in control changes. `oreflow VERB --help` describes a verb.",
            "",
            *_verb_lines(""),
            "",
            "  --version  print the version",
            "  --help     print this text",
            "",
            "Exit codes: 0 done, 1 the data or the model is at fault, 2 wrong usage,",
            "3 an optional dependency is missing, 130 interrupted.",
        ]
    )


def _dispatch(words: list[str]) -> int:
    first = words[0] if words else "--help"
    if first in {"--help", "-h", "help"} and len(words) <= 1:
        print(overview())
        return 0
    if first == "--version":
        print(f"oreflow {__version__}")
        return 0
    if first.startswith("-"):
        raise UsageError(f"unknown option {first!r} before the verb; `oreflow --help` lists the verbs and options")
    for length in (2, 1):
        name = " ".join(words[:length])
        if len(words) >= length and name in VERBS:
            return _run(name, words[length:])
    members = {name.removeprefix(f"{first} ") for name in VERBS if name.startswith(f"{first} ")}
    if not members:
        raise UsageError(f"unknown verb {first!r}; {_suggest(first, {name.split()[0] for name in VERBS})}")
    if words[1:] in (["--help"], ["-h"]):
        print("\n".join([f"Usage: oreflow {first} VERB [ARGUMENTS]", "", *_verb_lines(f"{first} ")]))
        return 0
    if not words[1:]:
        raise UsageError(f"{first!r} needs one more word: {', '.join(sorted(members))}")
    raise UsageError(f"unknown verb {' '.join(words[:2])!r}; {_suggest(words[1], members)}")


def _run(name: str, arguments: list[str]) -> int:
    import typer

    try:
        outcome = build_program(name)(args=arguments, prog_name=f"oreflow {name}", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        raise UsageError(f"{message.rstrip('.')}; `oreflow {name} --help` lists the arguments and options") from error
    return outcome if isinstance(outcome, int) else 0


def _verb_lines(prefix: str) -> list[str]:
    shown = {name: verb.help for name, verb in VERBS.items() if name.startswith(prefix)}
    width = max((len(name) for name in shown), default=0)
    return [f"  {name:<{width}}  {text}" for name, text in shown.items()]


def _suggest(word: str, known: set[str]) -> str:
    close = get_close_matches(word, sorted(known), n=3)
    return f"did you mean {' or '.join(close)}?" if close else "`oreflow --help` lists the verbs"


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _complain(line: str) -> None:
    print(line, file=sys.stderr)


def _discard_stdout() -> None:
    """Let the interpreter's last flush of a closed pipe end in silence."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
