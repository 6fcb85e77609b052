"""Infeasible sets in words, subsidised cycles, and what a stall says."""

from __future__ import annotations

import pytest

from oreflow.market.arrays import Status
from oreflow.market.economy import (
    Activity,
    Economy,
    Group,
    LinearDemand,
    Market,
    build_arrays,
    demand,
    shipment,
    solve,
    supply,
)
from oreflow.market.feasibility import check_feasibility, explain_failure, find_subsidised_cycle
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
