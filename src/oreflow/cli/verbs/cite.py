"""`oreflow cite CASE|RUN`: the sources that entered a case or a run, for a reference manager."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import AsOfOption, JsonOption


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CASE|RUN",
            help="A case (a folder that holds case.yaml, or a bundled name), or the file of a run that compare wrote.",
        ),
    ] = "kachin",
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="bibtex, ris or csl (CSL JSON).")] = "bibtex",
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Print the sources of the claims, assumptions and proposals that entered, as BibTeX, RIS or CSL JSON."""
    from oreflow.cli.output import emit_json, printable
    from oreflow.core.errors import UsageError
    from oreflow.facts.citation import cite
    from oreflow.facts.claim import Source

    if Path(source).is_file():
        from oreflow.report.archive import read_document

        if as_of is not None:
            raise UsageError(f"--as-of {as_of}: {source} is a run, whose date is its own; leave the option out")
        run = read_document(Path(source))
        kept = run.evidence.sources
        entered = [Source(**kept[name]) for name in run.evidence.entered or kept]
        named, made = run.case.id, run.case.run
    else:
        from oreflow.chain.case import load_case

        case = load_case(source, as_of=as_of)
        entered, named, made = list(case.entered_sources()), case.id, None
    text = cite(entered, form)
    if json:
        emit_json("cite", {"format": form, "text": text, "sources": entered}, case=named, as_of=as_of, run=made)
    else:
        print(printable(text), end="")
