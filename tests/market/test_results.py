"""Derivatives by name against central differences of re-solved economies; ranges and flows near a baseline by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from oreflow.market.arrays import EconomyError, Status
from oreflow.market.economy import (
    Activity,
    Charge,
    Coupling,
    Economy,
    Group,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Power,
    Seller,
    Wedge,
    demand,
    shipment,
    solve,
    supply,
)
from oreflow.market.results import gradient, level_interval, near_baseline, price_interval, several
from oreflow.market.solve import SolveOptions

SHARP = SolveOptions(tolerance=1e-12)
PRICES = {"oxide": 1.0, "home": -0.5, "ore": 2.0}
LEVELS = {"separate": 0.3, "demand home": 1.0}


def build(**n: float) -> Economy:
    """Ore, two products of which one is a nuisance, a tariff on CIF, a quota, every kind of curve."""
    v = {
        "a": 1.0, "b": 0.05, "power_b": 0.02, "n": 1.5, "hyper_b": 6.0, "room": 9.0, "choke": 60.0, "slope": 1.5,
        "price": 12.0, "quantity": 5.0, "elasticity": -0.6, "rate": 0.3, "charge": 1.0, "retail": 0.1, "cap": 14.0,
        "yield": 0.6, "quota": 6.0, "fixed": 1.0, "freight": 1.0,
    } | n  # fmt: skip
    return Economy(
        ("ore", "oxide", Market("tailings", disposal=0.5), "home", Market("city", fixed=v["fixed"])),
        (
            supply("ore", Linear(v["a"], v["b"]), name="mine"),
            supply("ore", Power(1.5, v["power_b"], v["n"]), name="pit"),
            supply("oxide", Hyperbolic(9.0, v["hyper_b"], v["room"]), name="recycle"),
            Activity("separate", {"ore": -1.0, "oxide": v["yield"], "tailings": 0.4}, 2.0, v["cap"]),
            shipment(
                "oxide", "home", v["freight"],
                wedges=(Wedge("oxide", v["rate"], base="cif"), Charge(v["charge"])),
            ),
            shipment("oxide", "city", 0.5),
            demand("home", LinearDemand(v["choke"], v["slope"]), wedges=(Wedge("home", v["retail"]),)),
            demand("oxide", Isoelastic(v["price"], v["quantity"], v["elasticity"])),
        ),
        (Group("licence", {"oxide -> home": 1.0}, v["quota"]),),
    )  # fmt: skip


def outcome(economy: Economy) -> float:
    found = solve(economy, options=SHARP)
    assert found.status.ok
    return sum(w * found.price(m) for m, w in PRICES.items()) + sum(w * found.level(a) for a, w in LEVELS.items())


def difference(make: Callable[..., Economy], name: str, value: float, measure: Callable[[Economy], float]) -> float:
    step = 1e-5 * max(abs(value), 1e-2)
    return (measure(make(**{name: value + step})) - measure(make(**{name: value - step}))) / (2 * step)


def test_every_kind_of_number_against_central_differences() -> None:
    found = gradient(solve(build(), options=SHARP), prices=PRICES, levels=LEVELS)
    assert not found.one_sided
    asked: dict[tuple[str, float], float] = {
        ("a", 1.0): found.parameter("mine", "a"),
        ("b", 0.05): found.parameter("mine", "b"),
        ("power_b", 0.02): found.parameter("pit", "b"),
        ("n", 1.5): found.parameter("pit", "n"),
        ("hyper_b", 6.0): found.parameter("recycle", "b"),
        ("room", 9.0): found.parameter("recycle", "c"),
        ("choke", 60.0): found.parameter("demand home", "choke"),
        ("slope", 1.5): found.parameter("demand home", "slope"),
        ("price", 12.0): found.parameter("demand oxide", "price"),
        ("quantity", 5.0): found.parameter("demand oxide", "quantity"),
        ("elasticity", -0.6): found.parameter("demand oxide", "elasticity"),
        ("freight", 1.0): found.parameter("oxide -> home", "a"),
        ("rate", 0.3): found.wedge("oxide -> home", "oxide"),
        ("charge", 1.0): found.cost("oxide -> home"),
        ("retail", 0.1): found.wedge("demand home", "home"),
        ("cap", 14.0): found.capacity("separate"),
        ("yield", 0.6): found.coefficient("separate", "oxide"),
        ("quota", 6.0): found.limit("licence"),
        ("fixed", 1.0): found.fixed("city"),
    }
    for (name, value), derivative in asked.items():
        assert derivative == pytest.approx(difference(build, name, value, outcome), rel=1e-4, abs=1e-7), name
    assert sum(abs(derivative) > 1e-6 for derivative in asked.values()) >= 15


def game(**n: float) -> Economy:
    """A duopoly that faces isoelastic demand, taxed: the slope it reckons with moves with every number."""
    v = {"price": 5.0, "quantity": 100.0, "elasticity": -1.4, "cost": 2.0, "tax": 0.1, "reach": 0.8, "b": 0.03} | n
    return Economy(
        ("one", "two", "town"),
        (
            supply("one", Linear(v["cost"], v["b"])),
            supply("two", 2.5),
            Activity("one sells", {"one": -1.0, "town": v["reach"]}, 0.3, wedges=(Wedge("town", v["tax"]),)),
            Activity("two sells", {"two": -1.0, "town": 1.0}, 0.2),
            demand("town", Isoelastic(v["price"], v["quantity"], v["elasticity"])),
        ),
        sellers=(Seller("first", ("one sells",)), Seller("second", ("two sells",), 0.7)),
    )


def test_with_sellers_the_slopes_they_reckon_with_move_too() -> None:
    def measure(economy: Economy) -> float:
        found = solve(economy, options=SHARP)
        return found.price("town") + 0.1 * found.level("one sells")

    found = gradient(solve(game(), options=SHARP), prices={"town": 1.0}, levels={"one sells": 0.1})
    for (name, value), derivative in {
        ("price", 5.0): found.parameter("demand town", "price"),
        ("quantity", 100.0): found.parameter("demand town", "quantity"),
        ("elasticity", -1.4): found.parameter("demand town", "elasticity"),
        ("cost", 2.0): found.parameter("supply one", "a"),
        ("b", 0.03): found.parameter("supply one", "b"),
        ("tax", 0.1): found.wedge("one sells", "town"),
        ("reach", 0.8): found.coefficient("one sells", "town"),
    }.items():
        assert derivative == pytest.approx(difference(game, name, value, measure), rel=1e-4), name


def test_degenerate_point_has_the_derivative_of_one_side_and_says_so() -> None:
    """At price 5 the first 6 units are used up and the dear source stands at nil."""

    def degenerate(choke: float) -> Economy:
        use = demand("good", LinearDemand(choke, 1.0), name="use")
        return Economy(("good",), (supply("good", 4.0, 6.0), supply("good", 5.0, name="dear"), use))

    found = gradient(solve(degenerate(11.0)), prices={"good": 1.0})
    sides = [(solve(degenerate(11.0 + step)).price("good") - 5.0) / step for step in (1e-4, -1e-4)]
    assert sides == [pytest.approx(0.0, abs=1e-6), pytest.approx(1.0, rel=1e-6)]
    assert "dear" in found.one_sided
    assert found.parameter("use", "choke") in (pytest.approx(sides[0], abs=1e-6), pytest.approx(sides[1]))


def test_demand_held_at_its_choke_price_has_no_derivative() -> None:
    use = demand("good", Isoelastic(5.0, 100.0, -0.5, choke=20.0), name="use")
    economy = Economy(("good",), (supply("good", 1.0), use), sellers=(Seller("m", ("supply good",)),))
    with pytest.raises(EconomyError, match="use is held by a seller where its choke price begins"):
        gradient(solve(economy), prices={"good": 1.0})


def test_refusals_by_name() -> None:
    found = gradient(solve(build()), prices={"ore": 1.0})
    with pytest.raises(EconomyError, match="mine: its curve has no parameter elasticity; expected one of a, b"):
        found.parameter("mine", "elasticity")
    with pytest.raises(EconomyError, match="mine has no coefficient in home"):
        found.coefficient("mine", "home")
    with pytest.raises(EconomyError, match=r"unknown market hom; did you mean home\?"):
        gradient(solve(build()), prices={"hom": 1.0})


def roads() -> Any:
    economy = Economy(
        ("mine", Market("plant", fixed=10.0), "elsewhere"),
        (
            supply("mine", 1.0),
            shipment("mine", "plant", 2.0, 6.0, name="road"),
            shipment("mine", "plant", 2.0, name="rail"),
            shipment("plant", "elsewhere", 4.0, name="onward"),
        ),
    )
    return solve(economy)


def test_ranges_by_name() -> None:
    found = roads()
    road = level_interval(found, "road")
    assert (road.low, road.high) == (pytest.approx(0.0, abs=1e-9), pytest.approx(6.0))
    assert road.is_wide()
    both = level_interval(found, {"road": 1.0, "rail": 1.0})
    assert (both.low, both.high) == (pytest.approx(10.0), pytest.approx(10.0))
    idle = price_interval(found, "elsewhere")
    assert (idle.low, idle.high) == (pytest.approx(0.0, abs=1e-9), pytest.approx(7.0))


def test_flows_near_a_baseline_by_name() -> None:
    found = near_baseline(roads(), {"road": 2.0, "rail": 8.0})
    assert (found.level("road"), found.level("rail")) == (pytest.approx(2.0), pytest.approx(8.0))
    assert found.price("plant") == pytest.approx(3.0)
    assert replace(found).status.ok


def test_several_equilibria_of_falling_costs() -> None:
    """Cost 5 - x up to 4, demand 4 - x / 4: nothing (5 > 4), all (1 < 3), and 4 / 3 between them."""
    make = supply("good", Linear(5.0, 1.0), 4.0, name="make")
    economy = Economy(
        ("good",), (make, demand("good", LinearDemand(4.0, 0.25))), couplings=(Coupling("make", "make", -2.0),)
    )
    found = several(economy, starts=30, seed=2)
    levels = sorted(round(one.level("make"), 6) for one in found)
    assert {0.0, 4.0} <= set(levels) <= {0.0, round(4 / 3, 6), 4.0}
    assert all(one.status is Status.LOCALLY_SOLVED for one in found)
    assert len(several(build(), starts=6)) == 1
    with pytest.raises(EconomyError, match="seller first has power"):
        several(game())
