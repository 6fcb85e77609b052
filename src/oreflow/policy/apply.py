"""Lower the instruments of a proposal to the market terms of one year."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from oreflow.policy.catalogue import TYPES, lower_function
from oreflow.policy.context import Context, InstrumentError

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term


def lower_all(context: Context, instruments: Iterable[Instrument], year: int) -> tuple[Term, ...]:
    """Return the terms that all instruments make in a year, in their order.

    Raises:
        InstrumentError: an instrument of unknown type or with a target that the case does not hold.
    """
    terms: list[Term] = []
    for instrument in instruments:
        lower = lower_function(instrument.type)
        if lower is None:
            raise InstrumentError(
                f"instrument {instrument.id!r} has type {instrument.type!r}; known are {', '.join(TYPES)}"
            )
        unknown = [target for target in instrument.target if not context.known_target(target)]
        if unknown:
            raise InstrumentError(
                f"instrument {instrument.id!r} names {', '.join(map(repr, unknown))}, which the case does not hold; "
                "expected a place, group, process, route, leg, tie, actor or from->to"
            )
        terms.extend(lower(context, instrument, year))
    return tuple(terms)
