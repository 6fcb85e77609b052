"""Export licence: a share granted, or its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Scale, Specific
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="licence",
    title="Export licence",
    target="place, route or from->to",
    magnitude="share of base-year exports granted (as: share) or USD per t (as: cost)",
    unit="1",
    term="x <= share times base-year flow, or a specific charge",
    sign="smaller share is tighter",
    dual="rent of the bound, to whoever holds the licence (the operator)",
    options="as share|cost, commodities, destinations, receiver",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return bounds at the granted share of base-year flows, or the licence's cost per tonne."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    routes = context.routes(
        instrument.target, context.words(instrument, "commodities"), context.words(instrument, "destinations")
    )
    if not routes:
        return ()
    amount = context.magnitude(instrument)
    if "cost" in context.words(instrument, "as"):
        receiver = instrument.receiver or instrument.actor
        return (Specific(routes, (amount * weight,) * len(routes), receiver, instrument.id),)
    return (Scale(routes, 1.0 - weight * (1.0 - amount), instrument.id),)
