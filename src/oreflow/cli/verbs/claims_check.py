"""`oreflow claims check FILE|- [--case CASE] [--json]`: what a case's claims say about the numbers of a text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import CaseOption, JsonOption
from oreflow.cli.output import emit_json, printable
from oreflow.core.errors import UsageError
from oreflow.facts.claimcheck import MAX_CHARACTERS, CheckContext, Finding, TextError, check_readable, check_text
from oreflow.facts.quantities import format_period


def command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A text file (UTF-8), or - for stdin.")],
    case: CaseOption = "kachin",
    report: Annotated[
        list[str] | None,
        typer.Option("--report", metavar="SOURCE", help="Source id of the report that the text is; may be repeated."),
    ] = None,
    written: Annotated[
        int | None, typer.Option("--written", metavar="YEAR", help='Year the text was written in, for "last year".')
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say of each number in a text which claims it matches, conflicts with or follows from."""
    text = read_text(file)
    check_readable(text)
    from oreflow.chain.case import load_case

    loaded = load_case(case)
    known = {source.id for source in loaded.ledger.sources}
    unknown = [name for name in report or [] if name not in known]
    if unknown:
        raise UsageError(
            f"--report {unknown[0]}: no such source in case {case}; `oreflow facts list {case}` shows them"
        )
    places = tuple((place.id, place.name) for place in loaded.places)
    context = CheckContext(places, tuple(report or ()), written)
    findings = check_text(text, loaded.ledger, context)
    if json:
        emit_json("claims check", {"findings": [describe_finding(found) for found in findings]}, case=case)
        return
    print_findings(findings)


def read_text(file: str) -> str:
    """Read the text to check.

    Args:
        file: path of a UTF-8 text, or - for stdin.

    Returns:
        The text.

    Raises:
        TextError: the file is too large or is no UTF-8 text.
        UsageError: there is no such file.

    Example:
        >>> read_text("no-such-file.txt")
        Traceback (most recent call last):
        ...
        oreflow.core.errors.UsageError: no-such-file.txt: no such file; give a text file, or - for stdin
    """
    limit = 4 * MAX_CHARACTERS
    if file == "-":
        data = sys.stdin.buffer.read(limit + 1)
        name = "stdin"
    else:
        path = Path(file)
        if not path.is_file():
            raise UsageError(f"{file}: no such file; give a text file, or - for stdin")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
        name = file
    if len(data) > limit:
        raise TextError(
            f"{name} is larger than {limit:,} bytes; expected a text of at most {MAX_CHARACTERS:,} characters"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextError(
            f"{name}: byte {error.start} is not UTF-8; expected plain English text in UTF-8: save the document as text"
        ) from error


def describe_finding(finding: Finding) -> dict[str, object]:
    """Return a finding as plain data for JSON.

    Args:
        finding: what the ledger says about one quantity.

    Returns:
        The quantity (text, position, value, range, unit, what it is about) and the verdict with its claims.

    Example:
        >>> from oreflow.facts.claimcheck import Evidence
        >>> found = check_text("China imported 44 kt of rare earths in 2024.", Evidence(()))
        >>> describe_finding(found[0])["verdict"]
        'not in the ledger'
    """
    quantity, topic = finding.quantity, finding.quantity.topic
    return {
        "text": quantity.text,
        "start": quantity.start,
        "end": quantity.end,
        "sentence": quantity.sentence,
        "value": quantity.value,
        "low": quantity.low,
        "high": quantity.high,
        "unit": quantity.unit,
        "basis": quantity.basis,
        "approximation": quantity.approximation,
        "measure": topic.measure,
        "form": topic.form,
        "origin": topic.origin,
        "destination": topic.destination,
        "place": topic.place,
        "elements": sorted(topic.elements),
        "product": topic.product,
        "period": format_period(topic.period) if topic.period else None,
        "period_origin": quantity.period_origin,
        "attribution": quantity.attribution,
        "verdict": finding.verdict,
        "summary": finding.summary,
        "claims": list(finding.claims),
        "independent_sources": finding.sources,
        "conflicting": list(finding.conflicting),
        "also_reported": list(finding.also_reported),
        "arithmetic": finding.arithmetic,
        "remarks": list(finding.remarks),
    }


def print_findings(findings: tuple[Finding, ...]) -> None:
    """Print findings one below the other, each with its remarks.

    Args:
        findings: what `check_text` returned.

    Example:
        >>> print_findings(())
        No quantity found: no number with a unit, a share or a counted noun.
    """
    if not findings:
        print("No quantity found: no number with a unit, a share or a counted noun.")
        return
    said: dict[str, int] = {}
    for number, finding in enumerate(findings, start=1):
        print(f"{number}. {printable(finding.quantity.text)} ({_about(finding)})")
        print(f"   {printable(finding.summary)}")
        if finding.verdict == "conflicts" and finding.arithmetic and finding.conflicting:
            print(f"   the claims give: {printable(finding.arithmetic)}")
        if finding.verdict != "conflicts" and finding.conflicting:
            print(f"   other claims differ: {printable(finding.cited(finding.conflicting))}")
        if finding.also_reported and finding.verdict != "also reported by":
            print(f"   also reported by: {printable(finding.cited(finding.also_reported))} (same report, no support)")
        for remark in finding.remarks:
            if remark not in said:
                print(f"   - {printable(remark)}")
        again = sorted({said[remark] for remark in finding.remarks if remark in said})
        if again:
            print(f"   - as under {', '.join(map(str, again))}")
        said.update((remark, number) for remark in finding.remarks if remark not in said)
    print()
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
    print(f"{len(findings)} quantities: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _about(finding: Finding) -> str:
    topic = finding.quantity.topic
    where = topic.place or " -> ".join(part for part in (topic.origin, topic.destination) if part)
    about = [topic.measure or "?", "" if topic.form == "level" else topic.form, where]
    when = format_period(topic.period) if topic.period else ""
    when += " from the text before" if when and finding.quantity.period_origin == "inherited" else ""
    about += ["+".join(sorted(topic.elements)), topic.product, when]
    return ", ".join(part for part in about if part)
