"""Unrecorded flows that a sanction with re-routing opens: twins of the sanctioned routes, with a rising cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oreflow.market.arrays import CurveKind
from oreflow.policy.context import Context
from oreflow.study.base import Base

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument

Floats = NDArray[np.float64]
PREFIX = "unrecorded:"


def with_unrecorded_flows(base: Base, instruments: tuple[Instrument, ...]) -> Base:
    """Return the base with a twin of every route that a sanction's `K` opens; the same base where there is none.

    A twin moves the same goods and keeps their origin; its marginal cost is the route's plus c0 + c1 x / K, up to K
    (t per year). It is a model construct and is reported as such.
    """
    twins: list[tuple[int, float, float, float]] = []
    for instrument in instruments:
        if instrument.type != "sanction" or not instrument.options.get("K"):
            continue
        routes = base.context.routes(instrument.target, base.context.words(instrument, "commodities"))
        size = base.context.option(instrument, "K", 0.0)
        first = base.context.option(instrument, "c0", 0.0)
        rise = base.context.option(instrument, "c1", 0.0)
        twins += [(j, size, first, rise) for j in routes]
    if not twins:
        return base
    network = base.network
    js = np.array([j for j, _, _, _ in twins])
    sizes = np.array([size for _, size, _, _ in twins])
    firsts = np.array([first for _, _, first, _ in twins])
    rises = np.array([rise for _, _, _, rise in twins])
    n = len(network.activities)
    activities = network.activities + tuple(
        replace(network.activities[j], name=PREFIX + network.activities[j].name) for j in js
    )
    legs = dict(network.route_legs)
    limits = list(network.limits)
    for k, j in enumerate(js):
        legs[n + k] = network.route_legs.get(int(j), ())
        for g, limit in enumerate(limits):
            weight = dict(limit.weights).get(int(j))
            if weight is not None and limit.kind == "leg":
                limits[g] = replace(limit, weights=(*limit.weights, (n + k, weight)))

    def twinned(column: Floats) -> Floats:
        return np.append(column, column[js])

    wider = replace(
        network, activities=activities, limits=tuple(limits), route_legs=legs,
        cost=np.append(network.cost, network.cost[js] + firsts), upper=np.append(network.upper, sizes),
        closed=np.append(network.closed, network.closed[js]), rent_to=network.rent_to + ("",) * len(js),
        elasticity=twinned(network.elasticity), reference=twinned(network.reference),
        demand_elasticity=twinned(network.demand_elasticity), adjustment=twinned(network.adjustment),
        growth=twinned(network.growth), choke=twinned(network.choke), saturation=twinned(network.saturation),
        reference_price=twinned(network.reference_price), holding_cost=twinned(network.holding_cost),
        opens=twinned(network.opens), spoilage=twinned(network.spoilage), room=twinned(network.room),
        convenience=twinned(network.convenience), transit=twinned(network.transit),
    )  # fmt: skip
    zeros = np.zeros(len(js))
    year = replace(base.year, levels=np.append(base.year.levels, zeros))
    calibration = replace(
        base.calibration, residuals=np.append(base.calibration.residuals, zeros),
        rents=np.append(base.calibration.rents, zeros),
        value=np.append(base.calibration.value, base.calibration.value[js]),
        used=np.append(base.calibration.used, zeros.astype(bool)),
    )  # fmt: skip
    return replace(
        base, network=wider, context=Context(base.case, base.values, wider), year=year, calibration=calibration,
        capacity=np.append(base.capacity, sizes),
        kind=np.append(base.kind, np.full(len(js), CurveKind.LINEAR, dtype=np.int8)),
        a=np.append(base.a, network.cost[js] + firsts), b=np.append(base.b, rises / np.maximum(sizes, 1e-9)),
        c=np.append(base.c, np.ones(len(js))), d=np.append(base.d, np.full(len(js), np.inf)),
        shift=np.append(base.shift, zeros),
    )  # fmt: skip
