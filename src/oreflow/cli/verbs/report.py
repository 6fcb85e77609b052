"""`oreflow report SOURCE`: report.html from a run that is already there, with nothing solved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import OutOption


def command(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A run's file, or a case that ships a run; kachin by default.")
    ] = "kachin",
    out: OutOption = Path("."),
) -> None:
    """Write report.html from a run's file, or from the run that ships with a case."""
    from oreflow.chain.case import case_folder
    from oreflow.cli.output import write_output
    from oreflow.report.archive import read_document
    from oreflow.report.html import render_report

    path = Path(source)
    document = read_document(path if path.is_file() else case_folder(source)[0])
    print(f"report: {write_output(out, 'report.html', render_report(document))}")
