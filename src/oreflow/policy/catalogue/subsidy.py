"""Subsidy per unit of activity, paid from a public budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Specific
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="subsidy",
    title="Subsidy per unit",
    target="process, route or from->to",
    magnitude="USD per t of unit activity",
    unit="USD/t",
    term="negative specific charge",
    sign="positive pays the activity",
    dual="none; outlay = s x",
    options="payer",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return the payment on every unit of the activities named, borne by the payer."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    rows = {row.id for row in context.case.processes}
    hit = context.processes(tuple(t for t in instrument.target if t in rows))
    hit += context.routes(
        tuple(t for t in instrument.target if t not in rows), context.words(instrument, "commodities")
    )
    amount = -context.magnitude(instrument) * weight
    payer = instrument.payer or instrument.actor
    return (Specific(hit, (amount,) * len(hit), payer, instrument.id),) if hit else ()
