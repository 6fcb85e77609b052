"""`oreflow show CASE`: the reference run that ships with a case, with nothing solved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import CaseArgument, JsonOption


def command(
    case: CaseArgument = "kachin",
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the indicators as CSV and nothing else.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write report.html into this folder.")
    ] = None,
) -> None:
    """Show the run that ships with a case: five sentences, the table, the largest doubts. Nothing is solved."""
    from oreflow.chain.case import case_folder
    from oreflow.cli.output import emit_json, write_output
    from oreflow.core.errors import UsageError
    from oreflow.report.archive import REFERENCE, read_document
    from oreflow.report.html import render_report
    from oreflow.report.tables import comparison_csv, comparison_json, print_comparison, print_sentences

    if json and csv:
        raise UsageError("--json and --csv both claim the standard output; give one of them")
    folder, _ = case_folder(case)
    if not (folder / REFERENCE).is_file():
        raise UsageError(f"case {case} ships no run; `oreflow compare {case}` makes one")
    document = read_document(folder)
    header = document.case
    path = write_output(out, "report.html", render_report(document)) if out is not None else None
    if json:
        data = comparison_json(document)
        emit_json("show", data, case=header.id, seed=header.seed, run=header.run, as_of=header.as_of)
    elif csv:
        print(comparison_csv(document), end="")
    else:
        print_sentences(document, file=sys.stdout)
        print_comparison(document, file=sys.stdout)
        if path is not None:
            print(f"report: {path}")
