"""Infeasible sets in words, subsidised cycles, and what a stall says."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from oreflow.market.arrays import CurveTable, EconomyArrays, Status
from oreflow.market.economy import (
    Activity,
    Economy,
    Group,
    Isoelastic,
    LinearDemand,
    Market,
    Wedge,
    build_arrays,
    demand,
    shipment,
    solve,
    supply,
)
from oreflow.market.feasibility import check_feasibility, explain_failure, find_cycle_at, find_subsidised_cycle
from oreflow.market.generate import random_economy
from oreflow.market.solve import solve_economy


def starved(limit: float = 100.0) -> Economy:
    return Economy(
        ("mine", Market("plant", fixed=30.0), "elsewhere"),
        (
            supply("mine", 1.0, 50.0),
            shipment("mine", "plant", 1.0, 20.0, name="road"),
            shipment("mine", "elsewhere", 1.0, name="rail"),
            demand("elsewhere", LinearDemand(10.0, 1.0)),
        ),
        (Group("permits", {"rail": 1.0, "road": 1.0}, limit),),
    )


def test_irreducible_set_names_only_what_matters() -> None:
    arrays, _ = build_arrays(starved())
    found = check_feasibility(arrays)
    assert found is not None
    assert found.markets == ("plant",)
    assert found.activities == ("road",)
    assert found.groups == ()
    assert "market plant: 30 is needed at least" in found.text
    assert "capacity of road: at most 20" in found.text
    # irreducible: relaxing either member alone restores feasibility
    assert check_feasibility(arrays.with_(upper=arrays.upper + 10.0)) is None
    assert check_feasibility(arrays.with_(fixed=arrays.fixed * 2 / 3)) is None


def test_quota_in_the_set() -> None:
    found = check_feasibility(build_arrays(starved(limit=5.0))[0])
    assert found is not None
    assert set(found.groups) | set(found.activities) in ({"permits"}, {"road"})


def test_solve_reports_infeasible_and_names_the_set() -> None:
    result = solve(starved())
    assert result.status is Status.INFEASIBLE
    assert "capacity of road" in result.solution.cause
    assert "capacity of road" in explain_failure(result.arrays, result.solution)


def test_subsidised_cycle_is_found_before_solving() -> None:
    economy = Economy(
        ("a", "b"),
        (
            supply("a", 5.0),
            shipment("a", "b", 1.0, name="there"),
            shipment("b", "a", -3.0, name="back"),
            demand("b", LinearDemand(10.0, 1.0)),
        ),
    )
    cycle = find_subsidised_cycle(build_arrays(economy)[0])
    assert cycle is not None
    assert {name for name, _ in cycle.activities} == {"there", "back"}
    assert cycle.gain == pytest.approx(2.0)
    capped = economy.with_activities(shipment("b", "a", -3.0, 10.0, name="back"))
    assert find_subsidised_cycle(build_arrays(capped)[0]) is None


def test_feasible_random_economies_are_called_feasible() -> None:
    for seed in range(5):
        economy = random_economy(seed, 30)
        assert check_feasibility(economy) is None
        assert find_subsidised_cycle(economy) is None
        assert explain_failure(economy, solve_economy(economy)) == ""


def test_by_product_without_a_sink_is_named() -> None:
    economy = Economy(
        ("ore", "good", Market("tailings", disposal="none")),
        (
            supply("ore", 1.0),
            Activity("separate", {"ore": -1.0, "good": 0.5, "tailings": 0.5}),
            demand("good", LinearDemand(10.0, 1.0)),
            supply("good", 50.0, name="import"),
        ),
    )
    result = solve(economy)
    assert result.level("separate") == pytest.approx(0.0, abs=1e-9)  # feasible only by standing still
    forced = Economy((*economy.markets[:1], Market("good", fixed=5.0), economy.markets[2]), economy.activities[:3])
    failed = solve(forced)
    assert failed.status is Status.INFEASIBLE
    assert "market tailings: what arrives must be used" in failed.solution.cause


def test_demand_that_never_stops_needs_a_source() -> None:
    """Also where the only source makes a by-product that nothing takes and nobody may throw away."""
    use = demand("good", Isoelastic(10.0, 5.0, -0.5), name="use")
    separate = Activity("separate", {"ore": -1.0, "good": 0.5, "tailings": 0.5}, 1.0)
    economy = Economy(("ore", "good", Market("tailings", disposal="none")), (supply("ore", 1.0), separate, use))
    failed = solve(economy)
    assert failed.status is Status.INFEASIBLE
    assert "use wants something at any price, but nothing can supply good" in failed.solution.cause
    dump = Activity("dump", {"tailings": -1.0}, 0.2)
    assert solve(economy.with_activities(dump)).status.ok
    closed = economy.with_activities(dump, supply("ore", 1.0, 0.0))
    assert "nothing can supply good" in solve(closed).solution.cause


def test_cycle_that_only_wedges_pay_for_is_the_likely_cause() -> None:
    there = shipment("a", "b", 0.1, name="there", wedges=(Wedge("a", -0.5),))
    activities = (supply("a", 5.0), there, shipment("b", "a", 0.1, name="back"), demand("b", LinearDemand(10.0, 1.0)))
    failed = solve(Economy(("a", "b"), activities))
    assert not failed.status.ok
    assert "Worst residuals: " in failed.solution.cause
    assert "a cycle that wedges pay for: 1 of there, 1 of back earns" in failed.solution.cause
    assert explain_failure(failed.arrays, failed.solution) == failed.solution.cause


def test_cycles_end_the_solve_before_it_begins() -> None:
    economy = Economy(("a",), (supply("a", -5.0), demand("a", LinearDemand(10.0, 1.0))))
    failed = solve(economy)
    assert failed.solution.iterations == 0
    assert "a subsidised cycle: 1 of supply a earns 5 from nothing at any prices" in failed.solution.cause


def test_small_and_large_quantities_are_judged_alike() -> None:
    for unit in (1e-9, 1.0, 1e9):
        economy = Economy((Market("a", fixed=3 * unit),), (supply("a", 1.0, unit),))
        failed = solve(economy)
        assert failed.status is Status.INFEASIBLE
        assert f"least shortfall: {2 * unit:g} at a" in failed.solution.cause
        assert solve(economy.with_activities(supply("a", 1.0, 5 * unit))).status.ok


def test_long_sets_are_told_in_few_lines() -> None:
    found = check_feasibility(random_economy(4, 150, blocked="world"))
    assert found is not None
    assert len(found.activities) > 8
    assert "more capacities, together at most" in found.text
    assert len(found.text.splitlines()) < 40


def test_where_every_activity_has_a_limit_there_is_no_cycle_to_find() -> None:
    arrays = random_economy(1, 12)
    capped = arrays.with_(upper=np.ones(arrays.shape[1]))
    assert find_subsidised_cycle(capped) is None
    assert find_cycle_at(capped, np.ones(arrays.shape[0])) is None


@given(st.integers(0, 10**9))
def test_a_cycle_is_found_exactly_where_a_linear_programme_over_all_activities_earns(seed: int) -> None:
    """The activities that cannot be part of one are left out before; that must never hide one."""
    rng = np.random.default_rng(seed)
    m, n, g = 4, 7, 2
    matrix = rng.choice([-1.0, 0.0, 1.0], (m, n), p=[0.3, 0.4, 0.3])
    weights = rng.choice([-1.0, 0.0, 1.0], (g, n), p=[0.1, 0.7, 0.2])
    cost, equality = rng.integers(-3, 4, n).astype(float), rng.random(m) < 0.4
    arrays = EconomyArrays(
        A=sp.csc_array(matrix), B=sp.csc_array(matrix), curves=CurveTable.of(0, a=cost), upper=np.full(n, np.inf),
        fixed=np.zeros(m), equality=equality, G=sp.csr_array(weights), h=np.ones(g), K=None,
    )  # fmt: skip
    below, equal = np.vstack([-matrix[~equality], weights]), matrix[equality]
    best = linprog(
        cost, below, np.zeros(len(below)), equal if len(equal) else None, np.zeros(len(equal)) if len(equal) else None,
        (0.0, 1.0),
    )  # fmt: skip
    found = find_subsidised_cycle(arrays)
    assert (found is not None) == (best.fun < -1e-9)
    if found is not None:
        assert found.gain == pytest.approx(-best.fun)
        members = dict(found.activities)
        levels = np.array([members.get(arrays.activity_name(j), 0.0) for j in range(n)])
        assert (matrix @ levels >= -1e-9).all()
        assert np.abs(matrix[equality] @ levels).max(initial=0.0) < 1e-9
        assert (weights @ levels <= 1e-9).all()
