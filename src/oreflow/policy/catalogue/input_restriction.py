"""Restriction of an input: less reagent, fuel or equipment crosses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Scale
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="input_restriction",
    title="Restriction of inputs",
    target="route, leg or from->to of the inbound commodity",
    magnitude="share left",
    unit="1",
    term="x <= share times base-year flow of the input",
    sign="smaller is tighter",
    dual="rent of the bound",
    options="commodities",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return bounds on the inbound routes: the mine stops with its reagent, unlike a gate closed to ore."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    routes = context.routes(instrument.target, context.words(instrument, "commodities"))
    return (Scale(routes, 1.0 - weight * (1.0 - context.magnitude(instrument)), instrument.id),) if routes else ()
