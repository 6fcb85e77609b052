"""Ranges of outcomes over equilibria, and flows near a baseline where they are not unique."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow.market.arrays import EconomyError, Solution, Status
from oreflow.market.economy import Economy, Group, Linear, LinearDemand, build_arrays, demand, shipment, supply
from oreflow.market.equilibria import level_range, nearest_levels, price_range
from oreflow.market.generate import random_economy
from oreflow.market.residual import natural_residual
from oreflow.market.solve import solve_economy

ROUTES = Economy(
    ("mine", "plant", "elsewhere"),
    (
        supply("mine", 1.0, 20.0),
        shipment("mine", "plant", 2.0, 6.0, name="road"),
        shipment("mine", "plant", 2.0, name="rail"),
        shipment("mine", "plant", Linear(2.5, 0.5), name="air"),
        demand("plant", LinearDemand(13.0, 1.0)),
        shipment("plant", "elsewhere", 4.0, name="onward"),
    ),
)


def weights(name: str, size: int, names: tuple[str, ...]) -> np.ndarray:
    out = np.zeros(size)
    out[names.index(name)] = 1.0
    return out


def test_equal_cost_routes_are_intervals_and_the_rest_is_unique() -> None:
    arrays, _ = build_arrays(ROUTES)
    solution = solve_economy(arrays)
    names = arrays.activity_names
    assert solution.prices[1] == pytest.approx(3.0)
    total = solution.levels[names.index("demand plant")]
    air = solution.levels[names.index("air")]
    assert (total, air) == (pytest.approx(10.0), pytest.approx(1.0) if air > 0.5 else pytest.approx(0.0))
    road = level_range(arrays, solution, weights("road", 6, names))
    rail = level_range(arrays, solution, weights("rail", 6, names))
    assert (road.low, road.high) == (pytest.approx(0.0, abs=1e-7), pytest.approx(6.0))
    assert (rail.low, rail.high) == (pytest.approx(4.0), pytest.approx(10.0))
    assert road.is_wide()
    sold = level_range(arrays, solution, weights("demand plant", 6, names))
    assert not sold.is_wide(1e-6)
    both = weights("road", 6, names) + weights("rail", 6, names)
    assert not level_range(arrays, solution, both).is_wide(1e-6)


def test_flows_near_a_baseline_by_least_squares() -> None:
    arrays, _ = build_arrays(ROUTES)
    solution = solve_economy(arrays)
    names = arrays.activity_names
    for road in (1.0, 3.0, 9.0):
        reference = solution.levels.copy()
        reference[names.index("road")], reference[names.index("rail")] = road, 10.0 - road
        chosen = nearest_levels(arrays, solution, reference)
        assert chosen.levels[names.index("road")] == pytest.approx(min(road, 6.0), rel=1e-6)
        assert chosen.levels[names.index("rail")] == pytest.approx(10.0 - min(road, 6.0), rel=1e-6)
        rows, cols = natural_residual(arrays, chosen.levels, chosen.prices, chosen.group_rents)
        assert max(rows.max(), cols.max()) < 1e-8


def test_price_of_an_empty_market_is_an_interval() -> None:
    arrays, _ = build_arrays(ROUTES)
    solution = solve_economy(arrays)
    found = price_range(arrays, solution, np.array([0.0, 0.0, 1.0]))
    assert found.low == pytest.approx(0.0, abs=1e-7)
    assert found.high == pytest.approx(7.0, rel=1e-6)  # above it goods would be sent on
    plant = price_range(arrays, solution, np.array([0.0, 1.0, 0.0]))
    assert (plant.low, plant.high) == (pytest.approx(3.0), pytest.approx(3.0))


def test_split_of_a_rent_between_limits_in_series() -> None:
    activities = (supply("a", 1.0), demand("a", LinearDemand(10.0, 1.0)))
    limits = (Group("gate", {"supply a": 1.0}, 4.0), Group("road", {"supply a": 1.0}, 4.0))
    arrays, _ = build_arrays(Economy(("a",), activities, limits))
    solution = solve_economy(arrays)
    assert solution.group_rents.sum() == pytest.approx(5.0)
    assert solution.prices[0] == pytest.approx(6.0)


@pytest.mark.parametrize("seed", [2, 9])
def test_random_economies_stay_in_equilibrium_near_other_flows(seed: int) -> None:
    arrays = random_economy(seed, 40)
    solution = solve_economy(arrays)
    reference = solution.levels * np.random.default_rng(seed).uniform(0.5, 1.5, len(solution.levels))
    chosen = nearest_levels(arrays, solution, reference)
    rows, cols = natural_residual(arrays, chosen.levels, chosen.prices, chosen.group_rents)
    assert max(rows.max(), cols.max()) < 1e-6
    for j in np.argsort(-solution.levels)[:3]:
        one = np.zeros(len(solution.levels))
        one[j] = 1.0
        found = level_range(arrays, solution, one)
        assert found.low <= solution.levels[j] <= found.high
        assert found.low - 1e-6 <= chosen.levels[j] <= found.high + 1e-6 * found.high


def test_refusals() -> None:
    arrays, _ = build_arrays(ROUTES)
    solution = solve_economy(arrays)
    with pytest.raises(EconomyError, match=r"weights of levels have shape \(2,\); expected \(6,\)"):
        level_range(arrays, solution, np.zeros(2))
    failed = Solution(*(getattr(solution, f) for f in ("prices", "levels", "capacity_rents", "group_rents")),
                      Status.STALLED, 1.0, (), 1, {})  # fmt: skip
    with pytest.raises(EconomyError, match="is stalled; only an equilibrium has a range of prices"):
        price_range(arrays, failed, np.zeros(3))
