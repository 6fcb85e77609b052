"""`oreflow facts list CASE`: the claims of a case, and how much rests on which grade."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from oreflow.cli.options import AsOfOption, CaseArgument, JsonOption

if TYPE_CHECKING:
    from oreflow.chain.case import Case
    from oreflow.facts.claim import Claim


def command(
    case: CaseArgument = "kachin",
    place: Annotated[str, typer.Option("--place", metavar="PLACE", help="Only claims about this place.")] = "",
    element: Annotated[str, typer.Option("--element", metavar="ELEMENT", help="Only claims about it, as Dy.")] = "",
    grade: Annotated[str, typer.Option("--grade", metavar="GRADE", help="Only claims of this grade, A to M.")] = "",
    unused: Annotated[bool, typer.Option("--unused", help="Only claims that no parameter rests on.")] = False,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """List the claims of a case with grade and independence, and the share of parameters by grade."""
    from oreflow.chain.case import load_case
    from oreflow.cli.output import emit_json, emit_table
    from oreflow.core.errors import UsageError
    from oreflow.facts.ledger import GRADES

    found = load_case(case, as_of=as_of)
    ledger = found.ledger
    claims = ledger.visible(as_of)
    if grade and grade not in GRADES:
        raise UsageError(f"unknown grade {grade!r}; expected one of {', '.join(GRADES)}")
    _known("place", place, {claim.place for claim in claims} | {row.id for row in found.places})
    _known("element", element, {claim.element for claim in claims} | {row.element for row in found.baskets})
    used = found.used_names()
    shown = [
        claim
        for claim in claims
        if (not place or claim.place.casefold() == place.casefold())
        and (not element or claim.element.casefold() == element.casefold())
        and (not grade or claim.grade == grade)
        and (not unused or f"claim:{claim.id}" not in used)
    ]
    summary = summarise(found)
    if json:
        rows = [_row(found, claim, f"claim:{claim.id}" in used) for claim in shown]
        emit_json("facts list", {"summary": summary, "claims": rows}, case=found.id, as_of=as_of)
        return
    emit_table(
        ["claim", "subject", "place", "element", "period", "value", "low", "high", "unit", "basis", "grade", "source",
         "used"],
        [
            [claim.id, claim.subject, claim.place, claim.element, claim.period, claim.value, claim.low, claim.high,
             claim.unit, claim.basis, ledger.independence_text(claim), claim.source,
             "yes" if f"claim:{claim.id}" in used else "no"]
            for claim in shown
        ],
        title=f"{found.id}: {len(shown)} of {len(claims)} claims",
        notes=[
            f"{summary['claims']} claims: {summary['used']} used (the shares of one deposit count once), "
            f"{summary['kept']} kept for checking; {summary['assumptions']} assumptions; "
            f"{summary['bare']} bare numbers",
            "used claims by grade: " + _counted(summary["by_grade"]),
            "parameters by the least trusted grade they rest on: " + _shares(summary["parameters_by_grade"]),
        ],
    )  # fmt: skip


def summarise(case: Case) -> dict[str, object]:
    """Return the counts of a case's evidence.

    Args:
        case: a checked case.

    Returns:
        `claims` (visible), `used` (a deposit's shares count once), `kept` (no parameter rests on them), `assumptions`,
        `bare` (parameters without evidence), `by_grade` (used claims by grade and independence), `parameters_by_grade`
        (share of parameters by the least trusted grade behind them, assumptions named so).
    """
    from oreflow.facts.claim import Claim
    from oreflow.facts.expression import Number
    from oreflow.facts.ledger import GRADES

    ledger = case.ledger
    used = case.used_names()
    claims = ledger.visible(case.as_of)
    used_claims = [claim for claim in claims if f"claim:{claim.id}" in used]
    grades = Counter(ledger.independence_text(claim) for claim in used_claims)
    bare = 0
    behind: Counter[str] = Counter()
    for cell in case.cells():
        names = ledger.reached(cell.references, case.as_of)
        if not names:
            structural = isinstance(cell.expr, Number) and cell.expr.value in (0.0, 1.0)
            bare += not structural
            continue
        rows = [ledger.row(name) for name in names if ledger.is_visible(name, case.as_of)]
        least = max(rows, key=lambda row: GRADES.index(row.grade))
        if isinstance(least, Claim):
            behind[ledger.independence_text(least)] += 1
        else:
            behind[f"{least.grade}, assumption"] += 1
    total = sum(behind.values())
    return {
        "claims": len(claims),
        "used": case.used_count(),
        "kept": len(claims) - len(used_claims),
        "assumptions": len(ledger.assumptions),
        "bare": bare,
        "by_grade": dict(sorted(grades.items())),
        "parameters_by_grade": {name: count / total for name, count in sorted(behind.items())},
    }


def _row(case: Case, claim: Claim, used: bool) -> dict[str, object]:
    source = case.ledger.source_by_id.get(claim.source)
    return {
        "id": claim.id, "subject": claim.subject, "place": claim.place, "commodity": claim.commodity,
        "element": claim.element, "period": claim.period, "value": claim.value, "low": claim.low, "high": claim.high,
        "unit": claim.unit, "basis": claim.basis, "grade": claim.grade,
        "independent": case.ledger.is_independent(claim), "independence": case.ledger.independence_text(claim),
        "derived_from": claim.derived_from, "attribution": claim.attribution, "used": used, "source": claim.source,
        "publisher": source.publisher if source else "", "title": source.title if source else "",
        "url": source.url if source else "", "citation": source.citation if source else "",
        "locator": claim.locator, "read_via": claim.read_via, "published": claim.published,
        "published_assumed": claim.published_assumed, "note": claim.note,
    }  # fmt: skip


def _known(option: str, value: str, known: set[str]) -> None:
    from difflib import get_close_matches

    from oreflow.core.errors import UsageError

    if value and value.casefold() not in {name.casefold() for name in known}:
        near = get_close_matches(value, sorted(known), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(known - {''})[:20])}"
        raise UsageError(f"unknown {option} {value!r}; {hint}")


def _counted(counts: object) -> str:
    return "; ".join(f"{name}: {count}" for name, count in counts.items()) if isinstance(counts, dict) else ""


def _shares(shares: object) -> str:
    return (
        "; ".join(f"{name}: {100 * share:.0f}%" for name, share in shares.items()) if isinstance(shares, dict) else ""
    )
