"""Ad-valorem tariff or export tax on routes, with origin rule and exemptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from oreflow.market.terms import AdValorem
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="tariff",
    title="Tariff or export tax",
    target="route, leg, from->to, or place (all routes out)",
    magnitude="ad-valorem rate",
    unit="1",
    term="B_ij = A_ij (1 + t) on the origin price; CIF base also on freight",
    sign="t > 0 charges, t < 0 refunds",
    dual="none; revenue = t p_origin x",
    options="base fob|cif, commodities, exempt, destinations, origin, receiver",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return charges on the routes named; `origin` keeps goods of that origin only, `exempt` frees goods."""
    weight = context.in_force(instrument, year)
    if not weight:
        return ()
    routes = context.routes(
        instrument.target, context.words(instrument, "commodities"), context.words(instrument, "destinations")
    )
    exempt = context.commodities(context.words(instrument, "exempt"))
    origins = set(context.words(instrument, "origin"))
    origin_of = {row.id: row.origin for row in context.case.commodities}
    feeds = context.network.activities
    hit = tuple(
        j for j in routes if feeds[j].feed not in exempt and (not origins or origin_of[feeds[j].feed] in origins)
    )
    base: Literal["fob", "cif"] = "cif" if "cif" in context.words(instrument, "base") else "fob"
    receiver = instrument.receiver or instrument.actor
    return (AdValorem(hit, context.magnitude(instrument) * weight, receiver, instrument.id, base),) if hit else ()
