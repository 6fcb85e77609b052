"""Embargo: no legal flow on the routes named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Scale
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="embargo",
    title="Embargo",
    target="place, route or from->to",
    magnitude="none",
    unit="none",
    term="x <= 0 (part of a year in proportion)",
    sign="closes",
    dual="rent of the bound",
    options="commodities, destinations",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return bounds of nil on the routes named."""
    weight = context.in_force(instrument, year)
    routes = context.routes(
        instrument.target, context.words(instrument, "commodities"), context.words(instrument, "destinations")
    )
    return (Scale(routes, 1.0 - weight, instrument.id),) if weight and routes else ()
