"""The options that verbs share, so that each is spelled and explained once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer


def read_date(text: str) -> date:
    """Read the date of `--as-of`.

    Args:
        text: a date as YYYY-MM-DD.

    Returns:
        The date.

    Raises:
        typer.BadParameter: the text is no such date.

    Example:
        >>> read_date("2025-07-31")
        datetime.date(2025, 7, 31)
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date; expected YYYY-MM-DD, as 2025-07-31") from error


CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="A folder that holds case.yaml, else the name of a bundled case.")
]
CaseOption = Annotated[
    str, typer.Option("--case", metavar="CASE", help="A folder that holds case.yaml, else the name of a bundled case.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout and nothing else.")]
AsOfOption = Annotated[
    date | None,
    typer.Option("--as-of", metavar="DATE", parser=read_date, help="Hide what was published after DATE."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws: same seed, same bytes.")]
PeriodsOption = Annotated[
    str | None,
    typer.Option("--periods", metavar="LENGTH", help="Length of a period: year, half, quarter or month; the case's."),
]
WindowOption = Annotated[
    float | None,
    typer.Option("--window", metavar="YEARS", help="Years foreseen; a period or less for none; the case's."),
]
ExpectationOption = Annotated[
    str | None,
    typer.Option(
        "--expectation", metavar="RULE", help="Prices beyond the window: anchor, last, trend or path; the case's."
    ),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder for files; only what oreflow wrote is replaced.")
]
