"""Prints the page of all verbs, `docs/cli.md`, from the verbs themselves: `python -m oreflow.cli.reference`."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any

from oreflow.cli.app import VERBS, build_program

_INTRODUCTION = """# Command line

`oreflow VERB [ARGUMENTS]`. A CASE is a folder that holds `case.yaml`, else the name of a bundled case. With `--json`,
standard output is one document and nothing else: `{"schema": "oreflow/<verb>/1", "case", "version", "seed", "run",
"as_of", "data"}`. Progress and errors go to standard error. A file is replaced only if oreflow wrote it.

Exit codes: 0 done; 1 the data or the model is at fault; 2 wrong usage; 3 a missing extra; 130 interrupted.

This page is printed from the program by `python -m oreflow.cli.reference > docs/cli.md`."""


def reference_page() -> str:
    """Return the page that documents every verb: its help, arguments and options.

    Returns:
        Markdown, ending with a line break.

    Example:
        >>> reference_page().splitlines()[0]
        '# Command line'
    """
    return "\n\n".join([_INTRODUCTION, *(_describe(name) for name in VERBS)]) + "\n"


def _describe(name: str) -> str:
    from typer.main import get_command

    command = get_command(build_program(name))
    lines = [f"## oreflow {name}", "", inspect.cleandoc(command.help or VERBS[name].help), ""]
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["| argument or option | meaning | default |", "| --- | --- | --- |", *rows]
    return "\n".join(lines).rstrip()


def _row(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    written = ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else parameter.metavar
    written = written or parameter.name.upper()
    if is_option and parameter.metavar:
        written += f" {parameter.metavar}"
    cells = (f"`{written}`", parameter.help or "", _default(parameter))
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _default(parameter: Any) -> str:
    default = parameter.default
    if parameter.required:
        return "required"
    if default is None or default is False or default in ("", ()):
        return ""
    return f"`{default.value if isinstance(default, Enum) else default}`"


if __name__ == "__main__":
    print(reference_page(), end="")
