"""Operators leave: crews, technology and finance go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Scale
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="operator_withdrawal",
    title="Withdrawal of operators",
    target="process or operator",
    magnitude="share of capacity left",
    unit="1",
    term="x <= share times capacity",
    sign="smaller is tighter",
    dual="capacity rent, to the operator",
    options="",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return bounds on the processes that the operators run."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    hit = context.processes(instrument.target)
    return (Scale(hit, 1.0 - weight * (1.0 - context.magnitude(instrument)), instrument.id),) if hit else ()
