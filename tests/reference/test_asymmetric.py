"""Spatial equilibria that no surplus function has: asymmetric link costs and asymmetric cross-price demand.

The first are solved a second time as a complementarity problem of their own, written down from the formulae; the second
are judged by their own conditions.
"""

from __future__ import annotations

import numpy as np
import pytest

from oreflow.market.economy import (
    Coupling,
    Economy,
    Linear,
    LinearDemand,
    Power,
    demand,
    linear_demand_system,
    shipment,
    solve,
    supply,
)
from oreflow.market.mcp import CallableProblem, solve_mcp

Floats = np.ndarray


def test_asymmetric_link_costs_agree_with_the_general_kernel(scale: int) -> None:
    """Link k costs f + g x^n + sum of c x of other links, any of them, one way only."""
    for seed in range(4 * scale):
        rng = np.random.default_rng(seed)
        regions = int(rng.integers(2, 5))
        a, b = rng.uniform(5, 20, regions), rng.uniform(0.1, 1, regions)
        c, d = rng.uniform(20, 40, regions), rng.uniform(0.1, 1, regions)
        links = [(i, j) for i in range(regions) for j in range(regions) if i != j]
        n = len(links)
        f, g, power = rng.uniform(0.5, 3, n), rng.uniform(0.05, 0.5, n), rng.choice([1.0, 2.0, 4.0], n)
        cross = rng.uniform(0, 0.15, (n, n)) * (rng.random((n, n)) < 0.3)
        np.fill_diagonal(cross, 0.0)
        activities = [supply(f"r{i}", Linear(a[i], b[i])) for i in range(regions)]
        activities += [demand(f"r{i}", LinearDemand(c[i], d[i])) for i in range(regions)]
        activities += [
            shipment(f"r{i}", f"r{j}", Power(f[k], g[k], power[k]), name=f"link {k}") for k, (i, j) in enumerate(links)
        ]
        couplings = [Coupling(f"link {k}", f"link {q}", cross[k, q]) for k, q in zip(*np.nonzero(cross), strict=True)]
        found = solve(Economy(tuple(f"r{i}" for i in range(regions)), tuple(activities), couplings=tuple(couplings)))
        assert found.status.ok, seed

        ends = np.zeros((regions, n))
        for k, (i, j) in enumerate(links):
            ends[i, k], ends[j, k] = -1.0, 1.0

        def conditions(z: Floats, _ends: Floats = ends, _own: tuple = (a, b, c, d, f, g, power, cross)) -> Floats:
            a, b, c, d, f, g, power, cross = _own
            r = len(a)
            made, used, flow, price = np.split(z, [r, 2 * r, 2 * r + len(f)])
            cost = f + g * np.maximum(flow, 0) ** power + cross @ flow
            return np.concatenate(
                [a + b * made - price, price - c + d * used, cost - _ends.T @ price, made + _ends @ flow - used]
            )

        def slopes(z: Floats, _value=conditions) -> Floats:  # type: ignore[no-untyped-def]
            step = 1e-6 * np.eye(len(z))
            return np.array([(_value(z + e) - _value(z - e)) / 2e-6 for e in step]).T

        size = 3 * regions + n
        problem = CallableProblem(conditions, slopes, np.zeros(size), np.full(size, np.inf))
        other = solve_mcp(problem, np.full(size, 5.0))
        assert other.ok, seed
        _, _, flow, price = np.split(other.z, [regions, 2 * regions, 2 * regions + n])
        assert [found.price(f"r{i}") for i in range(regions)] == pytest.approx(price, rel=1e-6), seed
        assert [found.level(f"link {k}") for k in range(n)] == pytest.approx(flow, rel=1e-5, abs=1e-6), seed


def test_asymmetric_cross_price_demand(scale: int) -> None:
    """Two goods in some regions, d = a + B p with B not symmetric, freight between the regions."""
    for seed in range(4 * scale):
        rng = np.random.default_rng(100 + seed)
        regions, goods = int(rng.integers(2, 5)), 2
        markets = [[f"good {k} in {r}" for k in range(goods)] for r in range(regions)]
        systems, activities, couplings = [], [], []
        for r in range(regions):
            own = -rng.uniform(2, 10, goods)
            a = -own * rng.uniform(12, 25, goods)
            b = np.diag(own) + rng.uniform(-0.3, 0.3, (goods, goods)) * (1 - np.eye(goods)) * np.abs(own).min()
            uses, crossed = linear_demand_system(markets[r], a.tolist(), b.tolist())
            activities += [*uses, *(supply(m, Linear(rng.uniform(1, 4), rng.uniform(0.05, 0.2))) for m in markets[r])]
            couplings += crossed
            systems.append((a, b))
        freight = {
            (markets[i][k], markets[j][k]): float(rng.uniform(0.2, 2.0))
            for i in range(regions) for j in range(regions) if i != j for k in range(goods)
        }  # fmt: skip
        activities += [shipment(i, j, cost) for (i, j), cost in freight.items()]
        names = tuple(m for row in markets for m in row)
        found = solve(Economy(names, tuple(activities), couplings=tuple(couplings)))
        assert found.status.ok, seed
        for row, (a, b) in zip(markets, systems, strict=True):
            used = np.array([found.level(f"demand {m}") for m in row])
            price = np.array([found.price(m) for m in row])
            gap = price - np.linalg.solve(b, used - a)  # over what is offered for these quantities
            assert gap.min() >= -1e-8
            assert gap * used == pytest.approx(0.0, abs=1e-6)
            if (used > 0).all():
                assert used == pytest.approx(a + b @ price, rel=1e-8)
        for (i, j), cost in freight.items():
            gain = found.price(j) - found.price(i) - cost
            assert gain <= 1e-8
            assert gain * found.level(f"{i} -> {j}") == pytest.approx(0.0, abs=1e-6)
