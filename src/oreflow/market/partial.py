"""Two partial-equilibrium trade models with their published formulae: GSIM and SMART, for cross-checks and teaching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oreflow.market.arrays import EconomyError, Floats


@dataclass(frozen=True, slots=True)
class GsimResult:
    """Answer of `solve_gsim`; proportional changes unless said otherwise, money in the unit of the trade matrix.

    Attributes:
        price: change of each exporter's world price, [R].
        output: change of each exporter's supply, [R].
        trade: change of trade volumes, [R, R] (row exporter, column importer).
        trade_value: new trade values at new world prices, money, [R, R].
        composite_price: change of each importer's composite consumer price, [R].
        producer_surplus, consumer_surplus, tariff_revenue, net: changes of welfare, money, [R].
    """

    price: Floats
    output: Floats
    trade: Floats
    trade_value: Floats
    composite_price: Floats
    producer_surplus: Floats
    consumer_surplus: Floats
    tariff_revenue: Floats
    net: Floats


def solve_gsim(
    trade: ArrayLike,
    tariffs_before: ArrayLike,
    tariffs_after: ArrayLike,
    *,
    demand_elasticity: float,
    supply_elasticity: float,
    substitution: float,
) -> GsimResult:
    """Return the effect of a change of tariffs in the global simulation model of Francois and Hall (2003).

    Args:
        trade: trade at world prices, money, row exporter, column importer, [R, R].
        tariffs_before: tariff factors (1 + rate), [R, R].
        tariffs_after: the same after the change, [R, R].
        demand_elasticity: of composite import demand, negative.
        supply_elasticity: of export supply, positive.
        substitution: elasticity between sources, positive.

    Raises:
        EconomyError: if the matrices are not square and alike.

    Example:
        >>> solve_gsim([[0, 1], [1, 0]], [[1, 1], [1, 1]], [[1, 1], [1, 1]], demand_elasticity=-1.25,
        ...            supply_elasticity=1.5, substitution=5).price.tolist()
        [0.0, 0.0]

    Source: Francois and Hall, Global Simulation Analysis of Industry-Level Trade Policy, v3.0, 21 April 2003.
    """
    m, before, after = (np.asarray(a, dtype=float) for a in (trade, tariffs_before, tariffs_after))
    if m.ndim != 2 or m.shape[0] != m.shape[1] or before.shape != m.shape or after.shape != m.shape:
        raise EconomyError(f"GSIM: found shapes {m.shape}, {before.shape}, {after.shape}; expected three equal squares")
    inside = m * before
    theta = inside / inside.sum(axis=0)
    phi = m / m.sum(axis=1, keepdims=True)
    own = theta * demand_elasticity - (1 - theta) * substitution
    cross = theta * (demand_elasticity + substitution)
    shock = after / before - 1
    r = len(m)
    # change of the trade r -> v:  own_rv (x_r + dT_rv) + sum over s != r of cross_sv (x_s + dT_sv)
    matrix = phi @ cross.T
    matrix[np.arange(r), np.arange(r)] = (phi * own).sum(axis=1)
    total = (cross * shock).sum(axis=0)
    constant = (phi * (own * shock + total[None, :] - cross * shock)).sum(axis=1)
    price = np.linalg.solve(matrix - supply_elasticity * np.eye(r), -constant)
    change = price[:, None] + shock
    volume = own * change + (cross * change).sum(axis=0)[None, :] - cross * change
    output = supply_elasticity * price
    value = m * (1 + volume) * (1 + price[:, None])
    # the consumer sees the change of price and tariff together
    seen = (1 + price[:, None]) * after / before - 1
    composite = (theta * seen).sum(axis=0)
    exports, imports = m.sum(axis=1), inside.sum(axis=0)
    producer = price * exports * (1 + 0.5 * supply_elasticity * price)
    consumer = 0.5 * demand_elasticity * composite**2 * imports * np.sign(composite) - imports * composite
    revenue = (value * (after - 1) - m * (before - 1)).sum(axis=0)
    return GsimResult(
        price, output, volume, value, composite, producer, consumer, revenue, producer + consumer + revenue
    )


@dataclass(frozen=True, slots=True)
class SmartResult:
    """Answer of `solve_smart`, money: trade creation, diversion from other partners, and revenue after."""

    creation: float
    diversion: float
    revenue: float
    revenue_change: float


def solve_smart(
    partner: float,
    rest: float,
    *,
    rate_before: float,
    rate_after: float,
    demand_elasticity: float,
    substitution: float,
    ratio: bool = False,
) -> SmartResult:
    """Return creation and diversion of trade when one partner's tariff changes, with infinite export supply.

    Args:
        partner: imports from the favoured partner, money.
        rest: imports from everybody else, money; they keep paying `rate_before`.
        rate_before: ad-valorem tariff, share.
        rate_after: the same after the change, for the favoured partner.
        demand_elasticity: of import demand, absolute value.
        substitution: elasticity between sources, absolute value.
        ratio: the Laird-Yeats version of diversion instead of its linear form.

    Raises:
        EconomyError: if imports are negative or zero in all.

    Example:
        >>> result = solve_smart(100, 200, rate_before=.2, rate_after=0, demand_elasticity=1.5, substitution=1.5)
        >>> round(result.creation, 6)
        25.0

    Source: Laird and Yeats (1986); Jammes and Olarreaga (2005).
    """
    if partner < 0 or rest < 0 or partner + rest <= 0:
        raise EconomyError(f"SMART: imports {partner:g} and {rest:g}; expected non-negative and not both zero")
    relative = (1 + rate_after) / (1 + rate_before) - 1
    creation = -partner * demand_elasticity * relative
    moved = -substitution * relative
    base = partner + rest + (partner * moved if ratio else 0.0)
    diversion = min(partner * rest * moved / base, rest)
    before = (partner + rest) * rate_before
    after = (partner + creation + diversion) * rate_after + (rest - diversion) * rate_before
    return SmartResult(creation, diversion, after, after - before)
