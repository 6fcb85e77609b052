"""`oreflow facts conflicts CASE [--json]`: where a case's claims contradict or repeat one another."""

from __future__ import annotations

from oreflow.cli.options import CaseArgument, JsonOption
from oreflow.cli.output import emit_json, emit_table, printable
from oreflow.facts.conflicts import Conflict, find_conflicts


def command(case: CaseArgument, json: JsonOption = False) -> None:
    """Show claims on one matter side by side: spread, independence, copies, series breaks, odd unit values."""
    from oreflow.chain.case import load_case

    loaded = load_case(case)
    places = tuple((place.id, place.name) for place in loaded.places)
    conflicts = find_conflicts(loaded.ledger.claims, loaded.ledger.sources, places=places)
    if json:
        emit_json("facts conflicts", {"conflicts": conflicts}, case=case)
        return
    print_conflicts(conflicts)


def print_conflicts(conflicts: tuple[Conflict, ...]) -> None:
    """Print conflicts, each with its claims side by side.

    Args:
        conflicts: what `find_conflicts` returned.

    Example:
        >>> print_conflicts(())
        No conflict found: no two claims on one matter differ by more than 2%.
    """
    if not conflicts:
        print("No conflict found: no two claims on one matter differ by more than 2%.")
        return
    for number, conflict in enumerate(conflicts, start=1):
        title = (
            f"{number}. {conflict.kind}: {conflict.subject}, {conflict.place}, {conflict.commodity}, {conflict.period}"
        )
        print(printable(title))
        print(f"   {printable(conflict.explanation)}")
        emit_table(
            ["claim", "value", "unit", "basis", "source", "grade", "vintage", "derived from", "origin group"],
            [
                (
                    side.claim, side.value, side.unit, side.basis, side.source, side.grade, side.vintage,
                    "; ".join(side.derived_from), side.group,
                )
                for side in conflict.sides
            ],
        )  # fmt: skip
    print("Claims of one origin group are not independent of one another.")
