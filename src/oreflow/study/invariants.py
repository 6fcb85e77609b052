"""What must hold of every solved run: the base year replicates, goods balance, and every payment has a receiver."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from oreflow.baseline.calibrate import USED, price_coefficients
from oreflow.study.outcome import Outcome, YearResult


@dataclass(frozen=True, slots=True)
class Invariant:
    """One check: the worst relative miss, where it was met, and the tolerance."""

    name: str
    worst: float
    tolerance: float
    where: str

    @property
    def holds(self) -> bool:
        """Return whether the worst miss lies within the tolerance."""
        return self.worst <= self.tolerance


def check_replication(outcome: Outcome, tolerance: float = 1e-6) -> Invariant:
    """Return how far the first year is from the calibrated base year: levels, and prices of markets in use.

    A test of the code, never evidence about the world.
    """
    base, record = outcome.base, outcome.years[0]
    levels, prices = base.year.levels, base.calibration.prices
    n, active = len(levels), np.asarray(abs(base.network.matrix) @ levels) > USED
    by_level = np.abs(record.levels[:n] - levels) / np.maximum(levels, 1.0)
    by_price = np.where(active, np.abs(record.prices - prices) / np.maximum(prices, 1.0), 0.0)
    j, i = int(np.argmax(by_level)), int(np.argmax(by_price))
    if by_level[j] >= by_price[i]:
        return Invariant("replication", float(by_level[j]), tolerance, base.network.activities[j].name)
    return Invariant("replication", float(by_price[i]), tolerance, base.network.markets[i].name)


def check_mass_balance(outcome: Outcome, tolerance: float = 1e-9) -> Invariant:
    """Return the worst imbalance of any element at any place in any year, relative to its throughput there.

    What a free market leaves over is an explicit surplus; recovery losses are tailings of the process. Throughput
    below 1e-6 t counts as 1e-6 t. Commodities without a stated composition balance as themselves.
    """
    network = outcome.network
    disposal = {row.id: row.disposal for row in outcome.base.case.commodities}
    worst, where = 0.0, ""
    for record in outcome.records:
        net = network.matrix @ record.levels + record.opening
        through = abs(network.matrix) @ record.levels + record.opening
        missing: dict[tuple[str, str], float] = defaultdict(float)
        handled: dict[tuple[str, str], float] = defaultdict(float)
        for i, market in enumerate(network.markets):
            keeps = disposal.get(market.commodity) in ("none", "cost")
            miss = float(net[i]) if keeps else min(float(net[i]), 0.0)
            parts = network.composition.get(market.commodity, {market.commodity: 1.0})
            for element, share in parts.items():
                missing[market.place, element] += share * miss
                handled[market.place, element] += share * float(through[i])
        for key, miss in missing.items():
            size = abs(miss) / max(handled[key], 1e-6)
            if size > worst:
                worst, where = size, f"{key[1]} at {key[0]} in {record.year}"
    return Invariant("mass balance", worst, tolerance, where)


def check_money(outcome: Outcome, tolerance: float = 1e-9) -> Invariant:
    """Return the worst gap in any year between what is paid and what is received, relative to all turnover.

    Sales equal purchases plus what opening stocks fetch; and what an activity earns beyond its inputs goes without
    remainder to factors (its marginal cost), to receivers of charges, and to owners of capacity and of shared limits.
    """
    worst, where = 0.0, ""
    for record in outcome.records:
        for name, gap in _gaps(outcome, record).items():
            if gap > worst:
                worst, where = gap, f"{name} in {record.year}"
    return Invariant("money", worst, tolerance, where)


def _gaps(outcome: Outcome, record: YearResult) -> dict[str, float]:
    network, x, p = outcome.network, record.levels, record.prices
    turnover = max(float(np.abs(p) @ (abs(network.matrix) @ x)), 1e-9)
    sales = float(p @ (network.matrix @ x + record.opening))
    b = price_coefficients(network.matrix, record.charges.rate)
    weights = _weights(record, len(x))
    duals = record.limit_rents
    share = np.asarray(weights.T @ duals) if len(duals) else np.zeros(len(x))
    left = np.where(x > USED, b.T @ p - record.marginal - record.rents - share, 0.0)
    idle = np.where(np.isfinite(record.capacity), record.capacity - x, 0.0)
    limits = np.array([limit.limit for limit in record.limits])
    loose = float(duals @ (limits - weights @ x)) if len(duals) else 0.0
    return {
        "sales and purchases": abs(sales) / turnover,
        "earnings and their receivers": float(np.abs(left) @ x) / turnover,
        "rent of idle capacity": float(np.abs(record.rents * idle).sum()) / turnover,
        "rent of slack limits": abs(loose) / turnover,
    }


def _weights(record: YearResult, n: int) -> sp.csr_array:
    rows = [g for g, limit in enumerate(record.limits) for _ in limit.weights]
    columns = [j for limit in record.limits for j, _ in limit.weights]
    values = [w for limit in record.limits for _, w in limit.weights]
    return sp.csr_array((values, (rows, columns)), shape=(len(record.limits), n), dtype=float)
