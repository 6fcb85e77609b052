"""Release of tied output: a share of what an operator makes may go to other buyers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import TieRelease
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="operator_release",
    title="Release of tied output",
    target="tie",
    magnitude="share of output free to go elsewhere",
    unit="1",
    term="weight of the tied process in the tie's limit",
    sign="larger frees more",
    dual="rent of the tie, USD/t, to the operator",
    options="",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return the free share of the ties named."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    share = context.magnitude(instrument) * weight
    return tuple(TieRelease(f"tie:{target}", share, instrument.id) for target in instrument.target)
