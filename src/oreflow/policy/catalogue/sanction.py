"""Sanction with re-routing: the legal flow is cut and a dearer unrecorded one opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Scale
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="sanction",
    title="Sanction with re-routing",
    target="route, from->to, process or operator",
    magnitude="share of the legal flow left",
    unit="1",
    term="x <= share times base; a twin activity with marginal cost c + c0 + c1 x / K, x <= K",
    sign="smaller share is tighter",
    dual="rent of the bounds",
    options="c0, c1 (USD/t), K (t/yr): the unrecorded flow, a model construct that keeps its origin",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return bounds on the legal flow; the twin activities are added by `rerouted` before the run and charged here."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    routes = context.routes(instrument.target, context.words(instrument, "commodities"))
    legal = routes + (context.processes(instrument.target) if not routes else ())
    legal = tuple(j for j in legal if not context.network.activities[j].name.startswith("unrecorded:"))
    return (Scale(legal, 1.0 - weight * (1.0 - context.magnitude(instrument)), instrument.id),) if legal else ()
