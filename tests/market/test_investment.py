"""Pipelines, ramps, entry that has to pay, mothballing."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow.market.arrays import EconomyError
from oreflow.market.economy import Economy, Isoelastic, build_arrays, demand, supply
from oreflow.market.investment import Addition, Build, Candidate, Plant, Project, entry, pipeline, review
from oreflow.market.periods import Period, periods_between
from oreflow.market.windows import Dynamics, expected_prices, opening_state, roll


def ore(capacity: float, growth: float = 1.0):
    """A plant of 10 USD/t and demand of 100 t a year at 50 USD/t."""
    economy = Economy(("ore",), (supply("ore", 10.0, capacity), demand("ore", Isoelastic(50.0, 100.0 * growth, -0.5))))
    return build_arrays(economy)[0]


def test_capacity_rises_over_its_ramp_and_ends_with_its_life() -> None:
    addition = Addition(0, 100.0, 2026.0, 2030.0, ramp=2.0)
    means = [addition.available(period) for period in periods_between(2025, 2031)]
    assert means == pytest.approx([0.0, 25.0, 75.0, 100.0, 100.0, 0.0])
    quarters = [addition.available(period) for period in periods_between(2026, 2027, 4)]
    assert np.mean(quarters) == pytest.approx(25.0)
    assert Addition(0, 100.0, 2026.5).available(Period(2026.0, 1.0)) == pytest.approx(50.0)
    with pytest.raises(EconomyError, match="expected a start before the stop"):
        Addition(0, 1.0, 2026.0, 2026.0)


def test_projects_count_with_their_chance_or_stand_or_fall_with_a_draw() -> None:
    projects = (
        Project(0, 100.0, 2027.0, 0.3, name="a"),
        Project(0, 50.0, 2028.0, announced=2026.0, name="b"),
    )
    assert [(x.name, x.amount) for x in pipeline(projects, 2025.0)] == [("a", pytest.approx(30.0))]
    assert [x.name for x in pipeline(projects, 2026.0)] == ["a", "b"]
    assert [x.amount for x in pipeline(projects, 2026.0, {"a": 0.2})] == [100.0, 50.0]
    assert [x.name for x in pipeline(projects, 2026.0, {"a": 0.4})] == ["b"]
    with pytest.raises(EconomyError, match=r"probability 1\.2; expected 0 to 1"):
        Project(0, 1.0, 2027.0, 1.2)


@pytest.mark.parametrize(("discount", "risk", "lead"), [(0.05, 0.0, 0.0), (0.08, 0.04, 3.0), (0.0, 0.0, 2.0)])
def test_the_yearly_charge_repays_capex(discount: float, risk: float, lead: float) -> None:
    build = Build(0, capex=1000.0, life=15.0, lead=lead, risk=risk)
    charge = build.annual_charge(1.0, discount)
    rate = discount + risk
    assert sum(charge * (1 + rate) ** -(lead + k) for k in range(15)) == pytest.approx(1000.0, rel=1e-9)


def candidate(**changes) -> Candidate:
    return Candidate(
        **({"activity": 0, "cost": 10.0, "capex": 100.0, "life": 10.0, "lead": 2.0, "rate": 500.0} | changes)
    )


def test_entry_stops_where_the_price_with_all_entrants_only_just_pays() -> None:
    prices = np.array([200.0])
    decision = entry([candidate()], ore(30.0), Period(2027.0, 1.0), lambda _: prices, 2025.0, discount=0.08)
    assert decision.ok
    full_cost = 10.0 + candidate().charge(0.08)
    assert decision.solution is not None
    assert decision.solution.prices[0] == pytest.approx(full_cost, rel=1e-8)
    assert decision.amounts[0] == pytest.approx(100.0 * (full_cost / 50.0) ** -0.5 - 30.0, rel=1e-6)
    addition = decision.additions[0]
    assert (addition.start, addition.stop) == (2027.0, 2037.0)


def test_entry_is_at_most_the_pipeline_and_the_rate_and_nothing_enters_at_a_loss() -> None:
    scarce = ore(30.0)
    some = candidate(rate=4.0, announced=3.0)
    bounded = entry([some], scarce, Period(2027.0, 1.0), lambda _: np.array([200.0]), 2025.0, years=2.0)
    assert bounded.amounts == pytest.approx((11.0,))
    low = np.array([10.0 + 0.9 * candidate().charge(0.05)])
    refused = entry([candidate()], scarce, Period(2027.0, 1.0), lambda _: low, 2025.0)
    assert refused.values[0] < 0.0
    assert refused.additions == ()
    even = np.array([10.0 + candidate().charge(0.05)])
    assert candidate().value(scarce, lambda _: even, 2025.0, 0.05) == pytest.approx(0.0, abs=1e-9)
    risky = candidate(risk=0.1).value(scarce, lambda _: 1.2 * even, 2025.0, 0.05)
    assert risky < candidate().value(scarce, lambda _: 1.2 * even, 2025.0, 0.05)


def test_the_cheaper_candidate_enters_first() -> None:
    cheap, dear = candidate(cost=10.0, rate=20.0, name="cheap"), candidate(cost=25.0, name="dear")
    decision = entry([dear, cheap], ore(30.0), Period(2027.0, 1.0), lambda _: np.array([200.0]), 2025.0)
    assert decision.amounts[1] == pytest.approx(20.0, rel=1e-7)
    assert decision.solution is not None
    assert decision.solution.prices[0] == pytest.approx(25.0 + dear.charge(0.05), rel=1e-7)


def test_entry_between_windows_has_no_effect_before_its_lead_time() -> None:
    dynamics = Dynamics()
    state = opening_state(dynamics, 2025.0, np.array([50.0]))

    def decide(after, _result):
        then = ore(30.0).with_(upper=ore(30.0).upper + np.array([sum(a.amount for a in after.additions), 0.0]))
        grid = Period(after.time + 2.0, 1.0)
        return entry(
            [candidate(rate=12.0)], then, grid, lambda at: expected_prices(dynamics, after, at), after.time
        ).additions

    grid = periods_between(2025, 2033)
    path = roll(grid, lambda _p, _k: ore(30.0), dynamics, state, window=1.0, between=decide)
    plain = roll(grid, lambda _p, _k: ore(30.0), dynamics, state, window=1.0)
    assert path.ok
    np.testing.assert_allclose(
        path.prices[:3], plain.prices[:3], rtol=1e-9
    )  # decided at the end of 2025, there in 2028
    np.testing.assert_allclose(path.levels[3:6, 0], [42.0, 54.0, 66.0], rtol=1e-7)
    # the mean-reverting expectation lets nobody in once the price is back near its anchor; it never falls below cost
    assert path.prices[-1, 0] < 0.5 * plain.prices[-1, 0]
    assert path.prices.min() > 10.0


def test_a_plant_is_mothballed_late_and_restarts_late() -> None:
    arrays = ore(100.0)
    plant = Plant(0, 40.0, fixed=5.0, restart=12.0, time=0.5, retire=3.0)

    def at(price: float, plants, time: float = 2026.0):
        return review(plants, arrays, lambda _: np.array([price]), time, horizon=5.0, discount=0.0)

    for price in (15.0, 13.0, 17.0):  # value of five years at 10 + 5 +- less than 12 / 5
        assert at(price, [plant]) == ((plant,), ())
    (idle,), (taken,) = at(12.0, [plant])
    assert not idle.running
    assert (taken.amount, taken.start) == (-40.0, 2026.0)
    assert at(16.0, [idle], 2027.0) == ((idle,), ())
    (back,), (given,) = at(18.0, [idle], 2027.0)
    assert back.running
    assert (given.amount, given.start) == (40.0, 2027.5)
    assert at(16.0, [idle], 2029.5) == ((), ())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Build(0, -1.0, 5.0), "capex -1; expected 0 or more"),
        (lambda: Build(0, 1.0, 0.0), "life 0 years; expected above 0"),
        (lambda: Build(0, 1.0, 1.0, lead=-1.0), "lead -1 years"),
        (lambda: candidate(rate=-1.0), "rate -1 t a year in a year"),
        (lambda: Plant(0, 1.0, -1.0, 0.0), "fixed cost -1; expected 0 or more"),
        (lambda: Addition(0, 1.0, 2025.0, ramp=-1.0), "ramp -1 years"),
    ],
)
def test_numbers_outside_their_domain_are_refused(make, message: str) -> None:
    with pytest.raises(EconomyError, match=message):
        make()
