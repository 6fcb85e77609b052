"""Which places a name stands for: itself, the places below it, and the members of a group."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oreflow.chain.case import Case


def place_members(case: Case) -> dict[str, frozenset[str]]:
    """Return for each place and group of a case the places it stands for, itself included, to any depth."""
    below: dict[str, set[str]] = defaultdict(set)
    for place in case.places:
        below[place.id].add(place.id)
        if place.parent:
            below[place.parent].add(place.id)
    for row in case.groups:
        below[row.group].add(row.member)
    growing = True
    while growing:
        growing = False
        for places in below.values():
            wider = places.union(*(below.get(place, set()) for place in tuple(places)))
            if len(wider) > len(places):
                places |= wider
                growing = True
    return {name: frozenset(places) for name, places in below.items()}
