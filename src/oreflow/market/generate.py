"""Random economies for property tests and benchmarks: trade, joint products, wedges, isoelastic demand, by-products.

Every number is drawn from one seeded generator, so an economy is named by its seed and size.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays

Blocked = Literal["world", "roads", "quota", "sink"]
"""Why a random economy is infeasible: more needed than there is, than roads carry, than a quota lets in, or no sink."""


def random_economy(
    seed: int, markets: int = 60, *, wedges: bool = True, blocked: Blocked | None = None
) -> EconomyArrays:
    """Return a random economy with about `markets` markets.

    Ores are mined with constant, linear, power or hyperbolic cost, separated into several products in fixed shares
    (one of them wanted by nobody: a surplus by-product), traded, and demanded with isoelastic, linear or stepwise
    demand. Prices span six orders of magnitude.

    Args:
        seed: names the economy.
        markets: wanted number of markets; at least 8.
        wedges: put ad-valorem tariffs on about a third of the trade links.
        blocked: why it shall be infeasible; None: it is feasible.

    Returns:
        The economy, in t and USD/t.

    Example:
        >>> random_economy(1, 20).shape[0]
        20
    """
    rng = np.random.default_rng(seed)
    products = int(rng.integers(2, 5))
    ores = int(rng.integers(1, 3))
    goods = ores + products
    places = max(2, markets // goods)
    rows: list[int] = []
    cols: list[int] = []
    data: list[float] = []
    wedge: list[float] = []
    names: list[str] = []
    curves: list[tuple[int, float, float, float, float]] = []
    upper: list[float] = []

    value = 10.0 ** rng.uniform(0, 6, products)  # USD/t
    share = rng.dirichlet(np.ones(products)) * 0.9 + 0.1 / products
    volume = 10.0 ** rng.uniform(1, 4)  # t of ore a place
    ore_value = float(share @ value)

    def market(place: int, good: int) -> int:
        return place * goods + good

    def activity(
        name: str,
        outputs: list[tuple[int, float]],
        curve: tuple[int, float, float, float, float],
        limit: float = np.inf,
        ad_valorem: float = 0.0,
    ) -> None:
        for row, coefficient in outputs:
            rows.append(row)
            cols.append(len(names))
            data.append(coefficient)
            wedge.append(coefficient * (1 + ad_valorem) if coefficient < 0 else coefficient)
        names.append(name)
        curves.append(curve)
        upper.append(limit)

    inf = float("inf")
    for place in range(places):
        for ore in range(ores):
            cost = ore_value * rng.uniform(0.1, 0.6)
            size = volume * rng.uniform(0.3, 3)
            shape = int(rng.integers(0, 4))
            curve = {
                0: (CurveKind.CONSTANT, cost, 0.0, 1.0, inf),
                1: (CurveKind.LINEAR, cost, cost / size, 1.0, inf),
                2: (CurveKind.POWER, cost, cost / size**2, 2.0, inf),
                3: (CurveKind.HYPERBOLIC, cost, cost * size * 0.2, 1.5 * size, inf),
            }[shape]
            activity(f"mine {ore} at {place}", [(market(place, ore), 1.0)], curve, size)
        for ore in range(ores):
            basket = share * rng.uniform(0.5, 1.5, products)
            basket *= 0.95 / basket.sum()
            outputs = [(market(place, ore), -1.0)]
            outputs += [(market(place, ores + k), float(basket[k])) for k in range(products)]
            curve = (CurveKind.CONSTANT, ore_value * rng.uniform(0.02, 0.1), 0.0, 1.0, inf)
            activity(f"separate {ore} at {place}", outputs, curve, volume * rng.uniform(0.2, 4))
        for k in range(1, products):  # product 0 is wanted by nobody: in surplus wherever ore is separated
            price, size = value[k], volume * share[k] * rng.uniform(0.2, 2)
            taken = [(market(place, ores + k), -1.0)]
            form = int(rng.integers(0, 4))
            if form <= 1:
                choke = price * rng.uniform(3, 30) if form else inf
                elastic = -rng.uniform(0.15, 2.0)
                activity(f"use {k} at {place}", taken, (CurveKind.ISOELASTIC, price, size, elastic, choke))
            elif form == 2:
                activity(f"use {k} at {place}", taken, (CurveKind.LINEAR, -2 * price, price / size, 1.0, inf), 2 * size)
            else:
                for step in range(4):
                    bid = -price * (1.8 - 0.4 * step) * rng.uniform(0.95, 1.05)
                    activity(f"use {k} at {place} step {step}", taken, (0, bid, 0.0, 1.0, inf), size / 4)
    for good in range(goods):
        worth = ore_value if good < ores else value[good - ores]
        for i in range(places):
            for j in range(places):
                if i != j and rng.random() < min(1.0, 6 / places):
                    rate = rng.uniform(0.05, 0.5) if wedges and rng.random() < 0.34 else 0.0
                    freight = (CurveKind.CONSTANT, worth * rng.uniform(0.01, 0.2), 0.0, 1.0, inf)
                    flow = [(market(i, good), -1.0), (market(j, good), 1.0)]
                    activity(f"ship {good} from {i} to {j}", flow, freight, inf, rate)
    m, n = places * goods, len(names)
    kind, a, b, c, d = (np.array(column, dtype=float) for column in zip(*curves, strict=True))
    groups = min(3, places)
    quota = np.zeros((groups, n))
    for g in range(groups):
        members = [j for j, name in enumerate(names) if name.startswith("ship") and f"from {g} to" in name]
        quota[g, members] = 1.0
    economy = EconomyArrays(
        A=sp.csc_array((data, (rows, cols)), shape=(m, n)),
        B=sp.csc_array((wedge, (rows, cols)), shape=(m, n)),
        curves=CurveTable(kind.astype(np.int8), np.zeros(n), a, b, c, d),
        upper=np.array(upper),
        fixed=np.zeros(m),
        equality=np.zeros(m, dtype=bool),
        G=sp.csr_array(quota),
        h=volume * rng.uniform(0.1, 2.0, groups),
        market_names=tuple(f"good {i % goods} at {i // goods}" for i in range(m)),
        activity_names=tuple(names),
        group_names=tuple(f"export quota of {g}" for g in range(groups)),
    )
    if blocked is None:
        return economy
    place = int(rng.integers(places))
    return _block(economy, blocked, market(place, ores + 1), [market(p, ores) for p in range(places)], volume)


def _block(economy: EconomyArrays, how: Blocked, at: int, waste: list[int], volume: float) -> EconomyArrays:
    """Make an economy infeasible: `at` is the market whose need cannot be met, `waste` those of the by-product."""
    fixed, upper = economy.fixed.copy(), economy.upper.copy()
    row = sp.csr_array(economy.A)[[at]].tocoo()
    makes = row.col[row.data > 0]
    arriving = np.array([economy.activity_name(int(j)).startswith("ship") for j in makes])
    own = float(upper[makes[~arriving]] @ row.data[row.data > 0][~arriving])
    if how == "world":
        fixed[at] = 10 * volume * len(waste)
        return economy.with_(fixed=fixed)
    if how == "sink":  # nothing takes the by-product, nobody may throw it away, and the product comes with it
        equality = economy.equality.copy()
        equality[waste] = True
        fixed[at] = 0.1 * volume
        return economy.with_(fixed=fixed, equality=equality)
    room = 0.05 * volume * max(int(arriving.sum()), 1)
    fixed[at] = 2 * (own + room)
    if how == "roads":
        upper[makes[arriving]] = 0.05 * volume
        return economy.with_(fixed=fixed, upper=upper)
    quota = np.zeros((1, len(upper)))
    quota[0, makes[arriving]] = 1.0
    return economy.with_(
        fixed=fixed,
        G=sp.csr_array(sp.vstack([economy.G, sp.csr_array(quota)])),
        h=np.append(economy.h, room),
        group_names=(*economy.group_names, "import quota"),
    )
