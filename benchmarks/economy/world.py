"""The world economy that the speed targets refer to (DESIGN section 11), and its variants as solver arrays.

One period has 464 markets (16 places x 29 commodities) and 6,316 activities with seed 0: mines in cost steps,
joint separation of 15 elements, metals, two magnet grades, demand in steps, trade on 40% of the ordered pairs,
storage between periods. The numbers are drawn in this order, so that every machine builds the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import CurveTable, EconomyArrays, Floats, Sparse

PLACES, CONCENTRATES, ELEMENTS, STEPS = 16, 8, 15, 12
COMMODITIES = CONCENTRATES + ELEMENTS + 4 + 2
OXIDE, METAL, MAGNET = CONCENTRATES, CONCENTRATES + ELEMENTS, CONCENTRATES + ELEMENTS + 4
SHARE = np.array([0.25, 0.45, 0.05, 0.17, 0.03, 0.01, 0.015, 0.002, 0.01, 0.002, 0.004, 0.001, 0.003, 0.0005, 0.05])
PRICE = np.array([1, 1, 60, 60, 3, 30, 25, 900, 250, 60, 40, 100, 15, 700, 6.0])
MAGNETS = (
    (20.0, ((0, 0.07), (1, 0.23)), 0),
    (25.0, ((0, 0.06), (1, 0.20), (2, 0.006), (3, 0.03)), 1),
)


@dataclass(frozen=True, slots=True)
class World:
    """Net outputs A (markets x activities), unit costs (negative: bids) and capacities (inf: none)."""

    A: Sparse
    cost: Floats
    upper: Floats
    periods: int


def build_world(periods: int = 1, seed: int = 0) -> World:
    """Return the world economy over some periods; period t is discounted by 1.05^-t."""
    rng = np.random.default_rng(seed)
    entries: list[tuple[int, int, float]] = []
    cost: list[float] = []
    upper: list[float] = []

    def market(t: int, place: int, commodity: int) -> int:
        return (t * PLACES + place) * COMMODITIES + commodity

    def add(unit_cost: float, capacity: float, net: list[tuple[int, float]]) -> None:
        entries.extend((row, len(cost), value) for row, value in net)
        cost.append(unit_cost)
        upper.append(capacity)

    for t in range(periods):
        discount = 1.05**-t
        for kind in range(CONCENTRATES):
            for _ in range(3):
                for step in range(5):
                    unit = discount * (5 + 3 * step + rng.uniform(0, 3))
                    capacity = rng.uniform(2, 15)
                    add(unit, capacity, [(market(t, int(rng.integers(PLACES)), kind), 1.0)])
        for place in range(PLACES):
            for kind in range(CONCENTRATES):
                basket = SHARE * rng.uniform(0.5, 1.5, ELEMENTS)
                basket /= basket.sum()
                unit = discount * (4 + rng.uniform(0, 8))
                made = [(market(t, place, OXIDE + e), float(0.9 * basket[e])) for e in range(ELEMENTS)]
                add(unit, rng.uniform(1, 60), [(market(t, place, kind), -1.0), *made])
            for k, e in enumerate((2, 3, 7, 8)):
                net = [(market(t, place, OXIDE + e), -1.17), (market(t, place, METAL + k), 1.0)]
                add(discount * 8, rng.uniform(5, 50), net)
            for unit, inputs, grade in MAGNETS:
                net = [(market(t, place, METAL + k), -share) for k, share in inputs]
                add(discount * unit, 50.0, [*net, (market(t, place, MAGNET + grade), 1.0)])
            for k in (*range(OXIDE, METAL), MAGNET, MAGNET + 1):
                price = PRICE[k - OXIDE] if k < METAL else 70.0
                for step in range(STEPS):
                    bid = -discount * price * (2.2 - 1.8 * step / STEPS)
                    width = rng.uniform(0.01, 3) / STEPS * (0.1 if k < METAL else 5)
                    add(float(bid), width, [(market(t, place, k), -1.0)])
        for k in range(COMMODITIES):
            for i in range(PLACES):
                for j in range(PLACES):
                    if i != j and rng.random() < 0.4:
                        freight = discount * (0.05 + rng.uniform(0, 0.5))
                        add(freight, np.inf, [(market(t, i, k), -1.0), (market(t, j, k), 1.0)])
        if t < periods - 1:
            for i in range(PLACES):
                for k in range(COMMODITIES):
                    add(discount * 0.2, np.inf, [(market(t, i, k), -1.0), (market(t + 1, i, k), 1.0)])
    rows, cols, data = zip(*entries, strict=True)
    shape = (periods * PLACES * COMMODITIES, len(cost))
    return World(sp.csc_array((data, (rows, cols)), shape=shape), np.array(cost), np.array(upper), periods)


def put_tariffs(world: World, rate: float = 0.4, share: float = 1 / 3, seed: int = 3) -> Sparse:
    """Return price coefficients B in which `share` of the trade links pay a tariff on the origin price."""
    B = world.A.copy()
    period = world.A.indices // (PLACES * COMMODITIES)
    open_ended = np.flatnonzero(np.isinf(world.upper))
    first, last = world.A.indptr[open_ended], world.A.indptr[open_ended + 1] - 1
    links = open_ended[period[first] == period[last]]
    for j in np.random.default_rng(seed).choice(links, int(len(links) * share), replace=False):
        span = slice(B.indptr[j], B.indptr[j + 1])
        B.data[span] = np.where(B.data[span] < 0, B.data[span] * (1 + rate), B.data[span])
    return B


def build_variant(world: World, variant: str, rate: float = 0.4) -> EconomyArrays:
    """Return solver arrays: `lp` (constant costs), `qp` (plus 0.01 x^2) or `tariff` (qp with B for A)."""
    m, n = world.A.shape
    slope = 0.0 if variant == "lp" else 0.02
    return EconomyArrays(
        A=world.A,
        B=put_tariffs(world, rate) if variant == "tariff" else world.A,
        curves=CurveTable.of(np.ones(n), a=world.cost, b=slope),
        upper=world.upper,
        fixed=np.zeros(m),
        equality=np.zeros(m, dtype=bool),
        G=sp.csr_array((0, n)),
        h=np.zeros(0),
    )
