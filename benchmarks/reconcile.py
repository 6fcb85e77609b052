"""How long reconciliations take by size: analysis, one draw on a known structure, and all standard deviations.

Run as `python benchmarks/reconcile.py [LARGEST]`. Networks are trade-like: flows between places, by commodity,
most of them observed with a 30% error, all of them at least zero; `dense` has one commodity over all places.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from oreflow.baseline.mirror import MirrorReport, reconcile_mirror
from oreflow.baseline.reconcile import reconcile_arrays


@dataclass(frozen=True, slots=True)
class Size:
    """Flows, places and commodities of a network, and the share of flows that is observed."""

    flows: int
    places: int
    commodities: int
    observed: float


CASES: dict[str, Size] = {
    "small": Size(100, 10, 4, 0.8),
    "case": Size(1_000, 30, 10, 0.8),
    "sparse": Size(1_000, 30, 10, 0.5),
    "large": Size(10_000, 100, 20, 0.8),
    "large sparse": Size(10_000, 100, 20, 0.5),
    "dense": Size(10_000, 2_000, 1, 0.8),
}


def build(size: Size, seed: int = 0) -> tuple[sp.csr_array, np.ndarray, sp.csr_array]:
    """Observed rows, values and balances; every place also trades each commodity with the world outside."""
    rng = np.random.default_rng(seed)
    nodes = size.places * size.commodities
    layer = rng.integers(0, size.commodities, size.flows) * size.places
    start, end = layer + rng.integers(0, size.places, (2, size.flows))
    flow = np.arange(size.flows)
    outside = size.flows + np.arange(2 * nodes)
    inner = start != end
    rows = np.concatenate([start[inner], end[inner], np.arange(nodes), np.arange(nodes)])
    columns = np.concatenate([flow[inner], flow[inner], outside[:nodes], outside[nodes:]])
    data = np.concatenate([-np.ones(inner.sum()), np.ones(inner.sum()), np.ones(nodes), -np.ones(nodes)])
    total = size.flows + 2 * nodes
    balances = sp.csr_array((data, (rows, columns)), shape=(nodes, total))
    seen = np.flatnonzero(rng.random(total) < size.observed)
    observed = sp.csr_array((np.ones(seen.size), (np.arange(seen.size), seen)), shape=(seen.size, total))
    return observed, rng.lognormal(0.0, 1.0, seen.size), balances


def main(largest: int) -> None:
    print(
        f"{'case':<14}{'unknowns':>9}{'balances':>9}{'first, s':>10}{'draw, s':>9}{'with sds, s':>12}  status, bounds"
    )
    for name, size in CASES.items():
        if size.flows > largest:
            continue
        observed, values, balances = build(size)
        settings = (observed, values, 0.3 * values, balances, 0.0, 0.0, np.inf)
        clock = [time.perf_counter()]
        first = reconcile_arrays(*settings, standard_deviations=False)
        clock.append(time.perf_counter())
        reconcile_arrays(*settings, standard_deviations=False, structure=first.structure)
        clock.append(time.perf_counter())
        last = reconcile_arrays(*settings, structure=first.structure)
        clock.append(time.perf_counter())
        times = "".join(f"{b - a:>{w}.3f}" for a, b, w in zip(clock, clock[1:], (10, 9, 12), strict=False))
        print(
            f"{name:<14}{last.x.size:>9}{balances.shape[0]:>9}{times}  {last.status}, {np.count_nonzero(last.active)}"
        )
    rng = np.random.default_rng(0)
    places = [f"P{i}" for i in range(100)]
    reports = [
        MirrorReport(a, b, "REE", "2024", side, float(rng.lognormal(3.0, 1.0)), "CIF" if side == "importer" else "FOB")
        for a in places
        for b in places
        if a != b
        for side in ("exporter", "importer")
    ]
    start = time.perf_counter()
    estimate = reconcile_mirror(reports)
    print(f"mirror: {len(estimate.flows)} flows, {len(places)} reporters: {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
