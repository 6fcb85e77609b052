"""Investment with lead time: capacity that a public or private programme adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import CapacityAdd, Outlay
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="investment",
    title="Investment with lead time",
    target="process",
    magnitude="t per year added when complete",
    unit="t/yr",
    term="u_j + magnitude from start + lead_time, in equal steps over ramp_years",
    sign="positive adds",
    dual="capacity rent w >= 0, to the operator",
    options="lead_time, ramp_years, capex (USD, spread over the lead time), payer",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return the capacity on line in the year and the money spent in it."""
    start = instrument.start if instrument.start is not None else float(context.case.base_year)
    lead = context.option(instrument, "lead_time", 0.0)
    ramp = context.option(instrument, "ramp_years", 0.0)
    first, last = context.span(year)
    on_line = _average_ramp(first, last, start + lead, ramp)
    terms: list[Term] = []
    if on_line:
        size = context.magnitude(instrument) * on_line
        terms += [CapacityAdd(target, size, instrument.id) for target in instrument.target]
    capex = context.option(instrument, "capex", 0.0)
    span = max(lead, 1.0)
    spent = max(0.0, min(start + span, last) - max(start, first)) / span
    if capex and spent:
        receiver = context.network.activities[context.network.by_row[instrument.target[0]][0]].operator
        terms.append(Outlay(instrument.payer or instrument.actor, receiver, capex * spent, instrument.id))
    return tuple(terms)


def _average_ramp(first: float, last: float, start: float, ramp: float) -> float:
    """Return the mean between two dates of a ramp from 0 at `start` to 1 at `start + ramp`."""
    if ramp <= 0:
        return max(0.0, last - max(first, start)) / (last - first)

    def area(x: float) -> float:
        rise = min(max(x - start, 0.0), ramp)
        return rise * rise / (2.0 * ramp) + max(0.0, x - start - ramp)

    return (area(last) - area(first)) / (last - first)
