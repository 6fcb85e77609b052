"""Levy at a mine or gate, per gross tonne or as a share of value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.chain.network import Kind
from oreflow.market.terms import AdValorem, Specific
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="levy",
    title="Levy at a mine or gate",
    target="process, route, leg, or place (all routes out)",
    magnitude="USD per gross tonne, or share of value",
    unit="USD/t_gross",
    term="specific charge: gross_per_t times the levy; base=value: ad-valorem on the origin price",
    sign="positive charges",
    dual="none; revenue = levy times gross tonnes",
    options="base gross|value, commodities, receiver",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return the charge on every unit made by the processes or moved by the routes named."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    rows = {row.id for row in context.case.processes}
    named = tuple(target for target in instrument.target if target in rows)
    others = tuple(target for target in instrument.target if target not in rows)
    goods = context.words(instrument, "commodities")
    hit = (context.processes(named) if named else ()) + (context.routes(others, goods) if others else ())
    receiver = instrument.receiver or instrument.actor
    amount = context.magnitude(instrument) * weight
    if "value" in context.words(instrument, "base"):
        return (AdValorem(hit, amount, receiver, instrument.id),)
    network = context.network
    amounts = []
    for j in hit:
        activity = network.activities[j]
        if activity.kind is Kind.ROUTE:
            gross = network.gross_per_t[activity.feed]
        else:
            made = [(network.markets[i].commodity, value) for i, value in activity.flows if value > 0]
            gross = sum(value * network.gross_per_t[commodity] for commodity, value in made)
        amounts.append(amount * gross)
    return (Specific(hit, tuple(amounts), receiver, instrument.id),) if hit else ()
