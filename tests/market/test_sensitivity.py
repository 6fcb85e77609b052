"""Adjoint gradients against central differences of full solves."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow.market.arrays import CurveTable, EconomyArrays, EconomyError, Solution
from oreflow.market.generate import random_economy
from oreflow.market.sensitivity import Gradient, Outcome, differentiate
from oreflow.market.solve import SolveOptions, solve_economy

SHARP = SolveOptions(tolerance=1e-11)


def setting(seed: int) -> tuple[EconomyArrays, Solution, Outcome, Gradient]:
    economy = random_economy(seed, 40)
    solution = solve_economy(economy, options=SHARP)
    rng = np.random.default_rng(seed)
    flowing = abs(economy.A) @ solution.levels > 1e-3 * solution.levels.max()
    prices = rng.normal(size=len(flowing)) * flowing / np.maximum(solution.prices, 1.0)
    levels = rng.normal(size=len(solution.levels)) * (solution.levels > 0) / np.maximum(solution.levels, 1.0)
    outcome = Outcome(prices, levels)
    return economy, solution, outcome, differentiate(economy, solution, outcome)


def changed(economy: EconomyArrays, name: str, j: int, step: float) -> EconomyArrays:
    if name in ("upper", "fixed", "h"):
        value = getattr(economy, name).copy()
        value[j] += step
        return economy.with_(**{name: value})
    if name in ("A", "B", "G"):
        matrix = getattr(economy, name).copy()
        matrix.data[j] += step
        return economy.with_(**{name: matrix})
    columns = {f: getattr(economy.curves, f) for f in ("kind", "shift", "a", "b", "c", "d")}
    columns[name] = columns[name].copy()
    columns[name][j] += step
    return economy.with_(curves=CurveTable(**columns))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["shift", "a", "b", "c", "d", "upper", "fixed", "h", "A", "B", "G"])
def test_gradient_matches_central_differences(seed: int, name: str) -> None:
    economy, start, outcome, gradient = setting(seed)
    found = getattr(gradient, name)
    owner = np.repeat(np.arange(len(start.levels)), np.diff(economy.A.indptr))
    base = {
        "shift": np.abs(economy.curves.a), "a": economy.curves.a, "b": economy.curves.b, "c": economy.curves.c,
        "d": economy.curves.d, "G": economy.G.data,
        "upper": economy.upper, "fixed": abs(economy.A) @ start.levels, "h": economy.h,
        "A": economy.A.data, "B": economy.B.data,
    }[name]  # fmt: skip
    weight = np.abs(found * np.where(np.isfinite(base), base, 0.0))
    weight[~np.isfinite(weight)] = 0
    if name in ("A", "B"):
        weight *= start.levels[owner] > 1e-3
    checked = 0
    for j in np.argsort(-weight)[:4]:
        if weight[j] <= 1e-6 * weight.max(initial=0.0) or weight[j] == 0:
            continue
        step = 2e-6 * abs(base[j])
        up, down = (
            float(outcome.prices @ s.prices + outcome.levels @ s.levels)
            for s in (solve_economy(changed(economy, name, int(j), d), start, SHARP) for d in (step, -step))
        )
        assert found[j] == pytest.approx((up - down) / (2 * step), rel=2e-4), (name, int(j))
        checked += 1
    assert checked or name in ("h", "b", "d", "G"), "nothing to compare"


def test_wedge_and_refusals() -> None:
    economy, solution, outcome, gradient = setting(1)
    flows = [j for j, n in enumerate(economy.activity_names) if n.startswith("ship") and solution.levels[j] > 1]
    j = flows[0]
    at = economy.B.indptr[j] + int(np.argmin(economy.B.data[economy.B.indptr[j] : economy.B.indptr[j + 1]]))
    market = int(economy.B.indices[at])
    rate = 1e-6
    ends = []
    for sign in (1, -1):
        B = economy.B.copy()
        B.data[at] += sign * rate * economy.A.data[at]
        s = solve_economy(economy.with_(B=B), solution, SHARP)
        ends.append(float(outcome.prices @ s.prices + outcome.levels @ s.levels))
    assert gradient.wedge(economy, j, market) == pytest.approx((ends[0] - ends[1]) / (2 * rate), rel=1e-3, abs=1e-6)
    with pytest.raises(EconomyError, match="has no coefficient in"):
        gradient.wedge(economy, j, next(i for i in range(40) if i not in economy.A[:, [j]].nonzero()[0]))
    failed = solve_economy(random_economy(0, 24, blocked="world"))
    with pytest.raises(EconomyError, match="only an equilibrium has derivatives"):
        differentiate(economy, failed, outcome)


def test_degenerate_point_is_reported_as_one_sided() -> None:
    from oreflow.market.economy import Economy, LinearDemand, build_arrays, demand, supply

    arrays, _ = build_arrays(
        Economy(
            ("good",),
            (supply("good", 4.0, 6.0), supply("good", 5.0, name="dear"), demand("good", LinearDemand(11.0, 1.0))),
        )
    )  # at price 5 exactly the first 6 units are used up and the dear source stands at zero
    solution = solve_economy(arrays)
    gradient = differentiate(arrays, solution, Outcome(np.ones(1), np.zeros(3)))
    assert "dear" in gradient.one_sided


def test_gradient_by_a_coupling() -> None:
    from oreflow.market.economy import Coupling, Economy, Linear, LinearDemand, build_arrays, demand, shipment, supply

    def arrays_of(strength: float) -> EconomyArrays:
        links = tuple(shipment("o", "d", Linear(1.0, 1.0), name=name) for name in ("one", "two"))
        activities = (supply("o", 0.5), *links, demand("d", LinearDemand(10.0, 1.0)))
        return build_arrays(Economy(("o", "d"), activities, couplings=(Coupling("one", "two", strength),)))[0]

    arrays = arrays_of(0.5)
    outcome = Outcome(np.array([0.0, 1.0]), np.zeros(arrays.shape[1]))
    gradient = differentiate(arrays, solve_economy(arrays, options=SHARP), outcome)
    ends = [float(solve_economy(arrays_of(0.5 + d), options=SHARP).prices[1]) for d in (1e-5, -1e-5)]
    found = gradient.K
    assert found == pytest.approx([(ends[0] - ends[1]) / 2e-5], rel=1e-6)


def test_gradient_by_a_choke_price_that_binds() -> None:
    from oreflow.market.economy import Economy, Isoelastic, build_arrays, demand, supply

    arrays, _ = build_arrays(
        Economy(("good",), (supply("good", 1.0, 30.0), demand("good", Isoelastic(10.0, 100.0, -0.5, choke=40.0))))
    )
    solution = solve_economy(arrays, options=SHARP)
    gradient = differentiate(arrays, solution, Outcome(np.ones(1), np.zeros(2)))
    assert solution.prices[0] == pytest.approx(40.0)
    assert float(gradient.d[1]) == pytest.approx(1.0)  # the price is the choke price
    assert gradient.a[1] == 0.0


def test_gradient_by_the_weight_of_a_member() -> None:
    from oreflow.market.economy import Economy, Group, LinearDemand, build_arrays, demand, supply

    def arrays_of(weight: float) -> EconomyArrays:
        activities = (supply("good", 1.0), demand("good", LinearDemand(10.0, 1.0)))
        return build_arrays(Economy(("good",), activities, (Group("quota", {"supply good": weight}, 3.0),)))[0]

    arrays = arrays_of(1.5)
    gradient = differentiate(arrays, solve_economy(arrays, options=SHARP), Outcome(np.ones(1), np.zeros(2)))
    ends = [float(solve_economy(arrays_of(1.5 + d), options=SHARP).prices[0]) for d in (1e-5, -1e-5)]
    found = gradient.G
    assert found == pytest.approx([(ends[0] - ends[1]) / 2e-5], rel=1e-6)
    assert found == pytest.approx([3.0 / 1.5**2])
