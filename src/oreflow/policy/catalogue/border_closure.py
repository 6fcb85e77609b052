"""Closure of border legs to ore, in part or wholly, outward or inward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Scale
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="border_closure",
    title="Border closure",
    target="leg, route or from->to",
    magnitude="share left open",
    unit="1",
    term="x <= share times base-year flow on the routes over the leg",
    sign="smaller is tighter",
    dual="rent of the bound, to the controller of the leg",
    options="commodities (default: all), destinations (direction)",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return bounds on the routes over the legs named."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    routes = context.routes(
        instrument.target, context.words(instrument, "commodities"), context.words(instrument, "destinations")
    )
    return (Scale(routes, 1.0 - weight * (1.0 - context.magnitude(instrument)), instrument.id),) if routes else ()
