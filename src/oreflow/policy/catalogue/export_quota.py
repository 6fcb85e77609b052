"""Quota on the sum of flows out of a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Quota
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="export_quota",
    title="Export quota",
    target="place or from->to",
    magnitude="t per year of the commodities",
    unit="t/yr",
    term="G x <= h over the routes out",
    sign="smaller is tighter",
    dual="quota rent l >= 0, USD/t, to the receiver",
    options="commodities, destinations, receiver, measure gross|basis",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return one quota over the routes named; the part of a year not in force stays free."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    routes = context.routes(
        instrument.target, context.words(instrument, "commodities"), context.words(instrument, "destinations")
    )
    if not routes:
        return ()
    gross = "gross" in context.words(instrument, "measure")
    network = context.network
    weights = tuple((j, network.gross_per_t[network.activities[j].feed] if gross else 1.0) for j in routes)
    limit = context.magnitude(instrument) / weight
    receiver = instrument.receiver or instrument.actor
    return (Quota(f"quota:{instrument.id}", weights, limit, receiver, instrument.id),)
