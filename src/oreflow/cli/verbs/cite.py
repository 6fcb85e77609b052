"""`oreflow cite CASE`: the sources that entered a case, for a reference manager."""

from __future__ import annotations

from typing import Annotated

import typer

from oreflow.cli.options import AsOfOption, CaseArgument, JsonOption


def command(
    case: CaseArgument = "kachin",
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="bibtex, ris or csl (CSL JSON).")] = "bibtex",
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Print the sources of the claims, assumptions and proposals that entered, as BibTeX, RIS or CSL JSON."""
    from oreflow.chain.case import load_case
    from oreflow.cli.output import emit_json, printable
    from oreflow.facts.citation import cite

    found = load_case(case, as_of=as_of)
    sources = found.entered_sources()
    text = cite(sources, form)
    if json:
        emit_json("cite", {"format": form, "text": text, "sources": sources}, case=found.id, as_of=as_of)
    else:
        print(printable(text), end="")
