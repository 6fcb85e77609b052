"""Work on a leg: a road, port or crossing is opened or widened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import LimitAdd, Open, Outlay
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="leg",
    title="Opening or widening a leg",
    target="leg",
    magnitude="capacity, gross t per year",
    unit="t_gross/yr",
    term="limit of the leg's shared capacity; lifts its closure",
    sign="positive opens",
    dual="leg rent l >= 0, USD per gross t, to the controller",
    options="lead_time, ramp_years, capex (USD), payer, adds yes|no (adds to what is there)",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return the leg's capacity in the year, its opening, and the money spent."""
    start = instrument.start if instrument.start is not None else float(context.case.base_year)
    lead = context.option(instrument, "lead_time", 0.0)
    ready = start + lead
    end = 1e9 if instrument.end is None else instrument.end
    first, last = context.span(year)
    weight = max(0.0, min(end, last) - max(ready, first)) / (last - first)
    terms: list[Term] = []
    if weight:
        size = context.magnitude(instrument) * weight
        replaces = "yes" not in context.words(instrument, "adds")
        terms += [LimitAdd(f"leg:{target}", size, instrument.id, replaces) for target in instrument.target]
        terms.append(Open(tuple(instrument.target), instrument.id))
    capex = context.option(instrument, "capex", 0.0)
    span = max(lead, 1.0)
    spent = max(0.0, min(start + span, last) - max(start, first)) / span
    if capex and spent:
        payer = instrument.payer or instrument.actor
        terms.append(Outlay(payer, instrument.receiver or "contractors", capex * spent, instrument.id))
    return tuple(terms)
