"""Compose proposals: `A + india-processing` is the instruments of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from oreflow.core.errors import UsageError

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Instrument, Proposal


@dataclass(frozen=True, slots=True)
class Composition:
    """Proposals put together: `name` in normal form (`A + india-processing`), parts, and all their instruments."""

    name: str
    parts: tuple[Proposal, ...]
    instruments: tuple[Instrument, ...]


def compose(case: Case, text: str) -> Composition:
    """Return the composition that a text names; blanks are optional and order does not matter.

    Main proposals come first and side measures after them, each in alphabetical order.

    Raises:
        UsageError: an unknown proposal (the message lists those that exist), the same one twice, or an empty part.

    Example:
        >>> compose(case, "india-processing+A").name  # doctest: +SKIP
        'A + india-processing'
    """
    known = {proposal.id: proposal for proposal in case.proposals}
    ids = [part.strip() for part in text.split("+")]
    for part in ids:
        if not part:
            raise UsageError(f"proposal {text!r} has an empty part; expected names joined by ' + '")
        if part not in known:
            near = get_close_matches(part, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"unknown proposal {part!r} in case {case.id}; known are {', '.join(sorted(known))}{hint}")
        if ids.count(part) > 1:
            raise UsageError(f"proposal {part!r} stands twice in {text!r}; name each once")
    parts = sorted((known[part] for part in ids), key=lambda p: (p.side_measure, p.id))
    instruments = tuple(instrument for part in parts for instrument in part.instruments)
    return Composition(" + ".join(part.id for part in parts), tuple(parts), instruments)


def compose_all(case: Case, texts: Iterable[str]) -> tuple[Composition, ...]:
    """Return compositions in the order given, the case's `compare` list where none is given; duplicates are refused.

    Raises:
        UsageError: as `compose`, or two texts that name the same composition.
    """
    wanted = [compose(case, text) for text in (tuple(texts) or case.compare)]
    names = [composition.name for composition in wanted]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"proposal {name!r} is asked for twice; name each once")
    return tuple(wanted)
