"""Closed forms of the time model, and multi-period programmes that independent solvers answer too."""

from __future__ import annotations

from dataclasses import replace

import clarabel
import highspy
import numpy as np
import pytest
import scipy.sparse as sp

from oreflow.core.highs import quiet_highs
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays
from oreflow.market.economy import (
    Economy,
    Group,
    Isoelastic,
    Linear,
    LinearDemand,
    Wedge,
    build_arrays,
    demand,
    shipment,
    supply,
)
from oreflow.market.economy import solve as solve_named
from oreflow.market.generate import random_economy
from oreflow.market.investment import Build
from oreflow.market.periods import Period, periods_between, scale_capacities, seen_share, to_period
from oreflow.market.residual import natural_residual
from oreflow.market.solve import solve_economy
from oreflow.market.stocks import Expectation, Memory, Stock, Transit
from oreflow.market.windows import (
    Dynamics,
    build_window,
    opening_state,
    roll,
    solve_window,
    state_after,
    steady_consignments,
)


def ore(elasticity: float = -0.5, capacity: float = np.inf) -> EconomyArrays:
    """A market at 50 USD/t and 100 t a year: linear supply, isoelastic demand."""
    economy = Economy(
        ("ore",), (supply("ore", Linear(0.0, 0.5), capacity), demand("ore", Isoelastic(50.0, 100.0, elasticity)))
    )
    return build_arrays(economy)[0]


def banned(announced: float, start: float = 2027.0, left: float = 0.4):
    """An economy whose supply falls to `left` of 100 t a year from `start` on."""

    def economy(period: Period, known_at: float) -> EconomyArrays:
        shut = seen_share(period, known_at, start, announced=announced)
        return scale_capacities(to_period(ore(capacity=100.0), period.length), np.array([1 - (1 - left) * shut, 1.0]))

    return economy


def test_a_stock_without_convenience_earns_interest_and_its_cost() -> None:
    r, h = 0.07, 1.5
    dynamics = Dynamics(stocks=(Stock(0, 150.0, elasticity=None, holding_cost=h),), discount=r)
    state = replace(opening_state(dynamics, 2025.0, np.array([1.0])), prices=np.array([1.0]))
    grid = periods_between(2025, 2031)
    window = solve_window(grid, [to_period(ore(), 1.0)] * 6, dynamics, state)
    assert window.ok
    price, held = window.prices[:, 0], window.stocks[:, 0]
    inner = held[:-1] > 1e-6
    assert inner.sum() >= 2
    assert not inner.all()
    np.testing.assert_allclose(price[1:][inner], (1 + r) * (price[:-1][inner] + h), rtol=1e-9)
    assert (price[1:][~inner] <= (1 + r) * (price[:-1][~inner] + h) + 1e-9).all()


@pytest.mark.parametrize("per_year", [1, 2, 4, 12])
def test_the_base_year_stock_is_held_at_base_year_prices(per_year: int) -> None:
    stocks = (Stock(0, 40.0, 50.0, holding_cost=0.8, spoilage=0.03), Stock(0, 7.0, 50.0, elasticity=-0.4, holder="b"))
    dynamics = Dynamics(stocks=stocks, memories=(Memory(1, 0.4),))
    state = opening_state(dynamics, 2025.0, np.array([50.0]))
    # what spoils is replaced by a constant supply, so that the base year is stationary
    lost = 40.0 * (1 - stocks[0].kept(1.0 / per_year)) * per_year
    grid = periods_between(2025, 2027, per_year)
    annual = ore()
    first = to_period(annual, 1.0 / per_year)
    later = first.with_(fixed=np.array([-lost / per_year]))
    window = solve_window(grid, [first, *[later] * (len(grid) - 1)], dynamics, state)
    assert window.ok
    np.testing.assert_allclose(window.prices, 50.0, rtol=1e-9)
    np.testing.assert_allclose(window.stocks, [[40.0, 7.0]] * len(grid), rtol=1e-6)


def test_constant_data_in_quarters_change_nothing_without_stocks() -> None:
    economy = random_economy(3, 40, wedges=True)
    year = solve_economy(to_period(economy, 1.0))
    window = solve_window(periods_between(2025, 2026, 4), [to_period(economy, 0.25)] * 4, Dynamics(),
                          opening_state(Dynamics(), 2025.0, np.full(economy.shape[0], np.nan)))  # fmt: skip
    assert year.ok
    assert window.ok
    for prices in window.prices:
        np.testing.assert_allclose(prices, year.prices, rtol=1e-6, atol=1e-6 * year.prices.max())
    uses = economy.curves.kind == CurveKind.ISOELASTIC
    assert (year.levels[uses] > 0).sum() > 5
    np.testing.assert_allclose(window.levels.sum(axis=0)[uses], year.levels[uses], rtol=1e-6)


def test_quarters_with_stocks_differ_by_little(record_property) -> None:
    """A supply that falls by a fifth for two years: mean prices of years and of quarters, with a stock."""
    shock = {}
    for per_year in (1, 4, 12):
        dynamics = Dynamics(stocks=(Stock(0, 30.0, 50.0, elasticity=-0.5),))
        state = opening_state(dynamics, 2025.0, np.array([50.0]))
        grid = periods_between(2025, 2029, per_year)
        economies = [
            scale_capacities(
                to_period(ore(capacity=100.0), p.length), np.array([0.8 if p.start < 2027 - 1e-9 else 1.0, 1.0])
            )
            for p in grid
        ]
        window = solve_window(grid, economies, dynamics, state)
        assert window.ok
        shock[per_year] = window.prices[:, 0].reshape(4, per_year).mean(axis=1)
    difference = np.abs(shock[4] / shock[1] - 1).max()
    closer = np.abs(shock[12] / shock[4] - 1).max()
    record_property("years to quarters with stocks, largest relative difference of yearly prices", float(difference))
    assert shock[1][0] > 55.0
    assert difference < 0.03
    assert closer < 0.3 * difference


def test_a_window_over_all_years_is_one_big_problem_built_by_hand() -> None:
    r, grid = 0.06, periods_between(2025, 2029)
    capacity = [100.0, 60.0, 100.0, 80.0]
    stock = Stock(0, 25.0, 50.0, elasticity=-0.7, holding_cost=1.0)
    dynamics = Dynamics(stocks=(stock,), discount=r, expectation=Expectation(anchor=np.array([50.0]), weight=0.0))
    window = solve_window(grid, [ore(capacity=c) for c in capacity], dynamics,
                          opening_state(dynamics, 2025.0, np.array([50.0])))  # fmt: skip
    # by hand: current prices, so that the price coefficients of a stock are not its physical ones
    periods = 4
    a, b = np.zeros((periods, 3 * periods)), np.zeros((periods, 3 * periods))
    kind, shift, pa, pb, pc = [], [], [], [], []
    for t in range(periods):
        s, d, k = 3 * t, 3 * t + 1, 3 * t + 2
        a[t, s], a[t, d], a[t, k] = 1.0, -1.0, -1.0
        b[t, s], b[t, d], b[t, k] = 1.0, -1.0, -1.0
        if t + 1 < periods:
            a[t + 1, k], b[t + 1, k] = 1.0, 1.0 / (1 + r)
    for t in range(periods):
        kind += [CurveKind.LINEAR, CurveKind.ISOELASTIC, CurveKind.ISOELASTIC]
        shift += [0.0, 0.0, 1.0 - (50.0 / (1 + r) if t == periods - 1 else 0.0)]
        pa += [0.0, 50.0, 50.0 + 1.0 - 50.0 / (1 + r)]
        pb += [0.5, 100.0, 25.0]
        pc += [1.0, -0.5, -0.7]
    big = EconomyArrays(
        A=sp.csc_array(a),
        B=sp.csc_array(b),
        curves=CurveTable(
            np.array(kind), np.array(shift), np.array(pa), np.array(pb), np.array(pc), np.full(12, np.inf)
        ),
        upper=np.array([value for c in capacity for value in (c, np.inf, 250.0)]),
        fixed=np.array([-25.0, 0.0, 0.0, 0.0]),
        equality=np.zeros(periods, dtype=bool),
        G=sp.csr_array((0, 12)),
        h=np.zeros(0),
    )
    hand = solve_economy(big)
    assert window.ok
    assert hand.ok
    np.testing.assert_allclose(window.prices[:, 0], hand.prices, rtol=1e-7)
    np.testing.assert_allclose(window.stocks[:, 0], hand.levels[2::3], rtol=1e-6)
    assert np.ptp(window.stocks) > 5.0


@pytest.mark.parametrize("seed", range(3))
def test_prices_of_a_window_satisfy_every_period_and_every_stock(seed: int) -> None:
    """Judged by the conditions in current prices, not by the arrays that were solved."""
    annual = random_economy(seed, 24, wedges=True)
    base = solve_economy(annual)
    assert base.ok
    used = np.asarray(abs(annual.A) @ base.levels).ravel()
    priced = np.flatnonzero((base.prices > 1e-3 * base.prices.max()) & (used > 1e-3 * used.max()))[:4]
    assert len(priced) == 4
    stocks = tuple(Stock(int(i), 0.2 * used[i], float(base.prices[i]), elasticity=-0.6, spoilage=0.02) for i in priced)
    dynamics = Dynamics(stocks=stocks, discount=0.08)
    state = opening_state(dynamics, 2025.0, base.prices)
    grid = periods_between(2025, 2027, 2)
    economies = [to_period(annual.with_(upper=annual.upper * (0.8 if t < 2 else 1.0)), 0.5) for t in range(4)]
    window = solve_window(grid, economies, dynamics, state)
    assert window.ok
    n = len(grid)
    for t, result in enumerate(window.periods):
        carried = np.zeros(annual.shape[0])
        for k, stock in enumerate(stocks):
            opening = stock.opening if t == 0 else stock.kept(0.5) * window.stocks[t - 1, k]
            carried[stock.market] += opening - window.stocks[t, k]
            later = window.prices[t + 1, stock.market] if t + 1 < n else window.expected[stock.market]
            v = stock.base_convenience(0.5, 0.08) * (window.stocks[t, k] / stock.level) ** (1 / -0.6)
            gap = result.prices[stock.market] - v - stock.kept(0.5) * later / 1.08**0.5
            full = window.stocks[t, k] >= stock.room * (1 - 1e-9)
            assert gap <= 1e-6 * v if full else abs(gap) < 1e-6 * v
        rows, cols = natural_residual(economies[t].with_(fixed=economies[t].fixed - carried), result.levels,
                                      result.prices, result.group_rents)  # fmt: skip
        assert max(rows.max(), cols.max()) < 1e-6


def test_a_ban_announced_ahead_builds_stocks_before_it_and_an_unannounced_one_does_not() -> None:
    dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0),))
    state = opening_state(dynamics, 2025.0, np.array([50.0]))
    grid = periods_between(2025, 2028, 4)
    told = roll(grid, banned(2025.5), dynamics, state, window=2.0)
    untold = roll(grid, banned(np.inf), dynamics, state, window=2.0)
    assert told.ok
    assert untold.ok
    before = np.array([period.start < 2027.0 for period in grid])
    np.testing.assert_allclose(untold.stocks[before, 0], 20.0, rtol=1e-6)
    np.testing.assert_allclose(untold.prices[before, 0], 50.0, rtol=1e-8)
    np.testing.assert_allclose(told.stocks[:2, 0], 20.0, rtol=1e-6)  # nothing before it is announced
    assert told.stocks[before, 0][-1] > 1.5 * 20.0
    assert told.prices[before, 0][-1] > 52.0
    first = int(np.flatnonzero(~before)[0])
    assert told.prices[first, 0] < untold.prices[first, 0]


def test_myopic_agents_see_nothing_and_perfect_foresight_is_one_window() -> None:
    dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0),))
    state = opening_state(dynamics, 2025.0, np.array([50.0]))
    grid = periods_between(2025, 2029)
    myopic = roll(grid, banned(2024.0), dynamics, state, window=1.0)
    perfect = roll(grid, banned(2024.0), dynamics, state, window=4.0, beyond=0.0)
    whole = solve_window(grid, [banned(2024.0)(p, 2025.0) for p in grid], dynamics, state)
    assert myopic.ok
    np.testing.assert_allclose(myopic.prices[:2, 0], 50.0, rtol=1e-8)
    np.testing.assert_allclose(perfect.prices[0], whole.prices[0], rtol=1e-8)
    assert perfect.stocks[1, 0] > myopic.stocks[1, 0] + 1.0


def test_a_path_with_a_given_expectation_is_consistent_in_time() -> None:
    """Perfect foresight rolled with what the whole window expects gives the whole window's path back."""
    dynamics = Dynamics(
        stocks=(Stock(0, 20.0, 50.0),), expectation=Expectation("path", path=lambda _: np.array([60.0]))
    )
    state = opening_state(dynamics, 2025.0, np.array([50.0]))
    grid = periods_between(2025, 2029)
    rolled = roll(grid, banned(2024.0), dynamics, state, window=10.0)
    whole = solve_window(grid, [banned(2024.0)(p, 2025.0) for p in grid], dynamics, state)
    np.testing.assert_allclose(rolled.prices, whole.prices, rtol=1e-7)
    np.testing.assert_allclose(rolled.stocks, whole.stocks, rtol=1e-5)


def test_demand_remembers_and_ends_at_its_long_run_curve() -> None:
    s, e = 0.3, -0.8
    annual = build_arrays(Economy(("ore",), (supply("ore", 80.0), demand("ore", Isoelastic(50.0, 100.0, e)))))[0]
    dynamics = Dynamics(memories=(Memory(1, s),))
    grid = periods_between(2025, 2031)
    window = solve_window(grid, [annual] * 6, dynamics, opening_state(dynamics, 2025.0, np.array([50.0])))
    assert window.ok
    expected, memory = [], 100.0
    for _ in grid:  # d_t = d*(p)^s d_{t-1}^(1-s)
        memory = (100.0 * 1.6**e) ** s * memory ** (1 - s)
        expected.append(memory)
    np.testing.assert_allclose(window.levels[:, 1], expected, rtol=1e-7)
    quarters = solve_window(periods_between(2025, 2031, 4), [to_period(annual, 0.25)] * 24, dynamics,
                            opening_state(dynamics, 2025.0, np.array([50.0])))  # fmt: skip
    np.testing.assert_allclose(4 * quarters.levels[3::4, 1], expected, rtol=1e-6)


def test_capacity_with_a_lead_time_does_nothing_before_it() -> None:
    lead = 2.0
    annual = build_arrays(Economy(("ore",), (supply("ore", 10.0, 60.0), demand("ore", Isoelastic(50.0, 100.0, -0.5)))))[
        0
    ]
    grid = periods_between(2025, 2035)
    none = Dynamics(discount=0.05)
    some = Dynamics(builds=(Build(0, capex=100.0, life=20.0, lead=lead),), discount=0.05)
    prices = np.array([50.0])
    before = solve_window(grid, [annual] * 10, none, opening_state(none, 2025.0, prices))
    after = solve_window(grid, [annual] * 10, some, opening_state(some, 2025.0, prices))
    assert before.ok
    assert after.ok
    early = np.array([period.start < 2025.0 + lead for period in grid])
    np.testing.assert_allclose(after.prices[early], before.prices[early], rtol=1e-7)
    # from then on rents earn exactly the yearly charge: price = cost + charge
    charge = some.builds[0].annual_charge(1.0, 0.05)
    np.testing.assert_allclose(after.prices[~early, 0], 10.0 + charge, rtol=1e-7)
    assert (before.prices[~early, 0] > 100.0).all()
    # capex - discounted rents - scrap = 0 of the first decision, with what is left of its life as scrap
    rents = np.array([p.capacity_rents[0] for p in after.periods])
    worth = 1.05 ** -np.arange(10.0)
    scrap = sum(charge * 1.05**-t for t in range(10, 22))
    assert 100.0 - (rents * worth)[2:].sum() - scrap == pytest.approx(0.0, abs=1e-6)


def test_goods_underway_arrive_later_and_are_not_lost() -> None:
    """A route of half a year in quarters: cut at the origin, the destination feels it half a year later."""
    economy = Economy(
        ("mine", "port"),
        (
            supply("mine", Linear(0.0, 0.4)),
            shipment("mine", "port", 10.0, name="road"),
            demand("port", Isoelastic(50.0, 100.0, -0.4)),
        ),
    )
    annual, layout = build_arrays(economy)
    road = layout.columns["road"][0]
    transits = (Transit(road, 0.5),)
    dynamics = Dynamics(transits=transits, discount=0.0, expectation=Expectation("last"))
    base = solve_economy(annual)
    quarter = to_period(annual, 0.25)
    first = Period(2025.0, 0.25)
    underway = steady_consignments(quarter, base.levels * 0.25, transits, first)
    assert sum(goods.tonnes for goods in underway) == pytest.approx(0.5 * base.levels[road])
    state = opening_state(dynamics, 2025.0, base.prices, underway=underway)

    def cut(period: Period, known_at: float) -> EconomyArrays:
        factor = 1.0 - 0.6 * seen_share(period, known_at, 2025.0)
        bounded = quarter.with_(upper=np.array([base.levels[0] * 0.25, np.inf, np.inf]))
        return scale_capacities(bounded, np.array([factor, 1.0, 1.0]))

    grid = periods_between(2025, 2026, 4)
    path = roll(grid, cut, dynamics, state, window=0.25)
    assert path.ok
    sent, used = path.levels[:, road], path.levels[:, 2]
    np.testing.assert_allclose(used[:2], 0.25 * base.levels[road], rtol=1e-7)
    np.testing.assert_allclose(used[2:], sent[:2], rtol=1e-7)
    assert path.prices[2, 1] > 1.5 * path.prices[1, 1]
    # tonnes balance: what was underway and sent is used or still underway
    left = sum(g.tonnes * min(1.0, (g.stop - 2026.0) / (g.stop - g.start)) for g in path.states[-1].underway)
    assert sum(g.tonnes for g in underway) + sent.sum() == pytest.approx(used.sum() + left, rel=1e-9)


def test_price_places_part_by_what_stands_between_them() -> None:
    """One commodity at home, free on board and in Europe: licence quota, unrefunded VAT, duty and freight."""
    vat, duty, freight = 0.13, 0.03, 2.0

    def prices(licences: float) -> tuple[float, float, float, float]:
        economy = Economy(
            ("home", "fob", "europe"),
            (
                supply("home", Linear(0.0, 0.5)),
                shipment("home", "fob", 0.0, name="export", wedges=(Wedge("home", vat),)),
                shipment("fob", "europe", freight, name="sea", wedges=(Wedge("fob", duty, base="cif"),)),
                demand("home", Isoelastic(50.0, 70.0, -0.4), name="use at home"),
                demand("europe", Isoelastic(50.0, 30.0, -0.4), name="use in Europe"),
            ),
            groups=(Group("licences", {"export": 1.0}, licences),),
        )
        found = solve_named(economy)
        return found.price("home"), found.price("fob"), found.price("europe"), found.group_rent("licences")

    home, fob, europe, rent = prices(1e4)
    assert rent == pytest.approx(0.0, abs=1e-9)
    assert fob == pytest.approx(home * (1 + vat), rel=1e-9)
    assert europe == pytest.approx((fob + freight) * (1 + duty), rel=1e-9)
    home2, fob2, europe2, rent2 = prices(12.0)
    assert fob2 == pytest.approx(home2 * (1 + vat) + rent2, rel=1e-9)
    assert rent2 > 50.0
    assert home2 < home
    assert europe2 > 2.0 * europe


def _storage_programme(quadratic: bool):
    """Three places over eight half-years with stocks, costs linear or quadratic: a window and its arrays."""
    places = ("a", "b", "c")
    activities = [supply(p, Linear(10.0 * k + 5.0, 0.3 if quadratic else 0.0), 60.0) for k, p in enumerate(places)]
    for k, p in enumerate(places):
        activities.append(
            demand(p, LinearDemand(90.0 - 5 * k, 0.8), name=f"use {p}") if quadratic
            else supply(p, 200.0, name=f"backstop {p}")
        )  # fmt: skip
    activities += [shipment(p, q, 4.0, 20.0) for p in places for q in places if p != q]
    annual = build_arrays(Economy(places, tuple(activities)))[0]
    grid = periods_between(2025, 2029, 2)
    rng = np.random.default_rng(5)
    economies = []
    for period in grid:
        fixed = np.zeros(3) if quadratic else rng.uniform(10.0, 55.0, 3)
        factors = np.ones(annual.shape[1])
        factors[:3] = rng.uniform(0.3, 1.2, 3)
        economies.append(scale_capacities(to_period(annual.with_(fixed=fixed), period.length), factors))
    stocks = tuple(Stock(i, 8.0, elasticity=None, holding_cost=1.0, spoilage=0.04, capacity=30.0) for i in range(3))
    dynamics = Dynamics(stocks=stocks, discount=0.06, expectation=Expectation("path", path=lambda _: np.full(3, 20.0)))
    state = opening_state(dynamics, 2025.0, np.full(3, 20.0))
    return grid, economies, dynamics, state


def test_a_linear_multi_period_case_agrees_with_highs() -> None:
    grid, economies, dynamics, state = _storage_programme(quadratic=False)
    window = solve_window(grid, economies, dynamics, state)
    assert window.ok
    arrays, _ = build_window(grid, economies, dynamics, state)
    model = quiet_highs()
    n = arrays.shape[1]
    for j in range(n):
        model.addVar(0.0, min(arrays.upper[j], highspy.kHighsInf))
        model.changeColCost(j, float(arrays.curves.a[j] + arrays.curves.shift[j]))
    rows = sp.csr_array(arrays.A)
    for i in range(arrays.shape[0]):
        span = slice(rows.indptr[i], rows.indptr[i + 1])
        model.addRow(
            float(arrays.fixed[i]), highspy.kHighsInf, span.stop - span.start, rows.indices[span], rows.data[span]
        )
    model.run()
    cost = (arrays.curves.a + arrays.curves.shift) @ window.raw.levels
    assert cost == pytest.approx(model.getObjectiveValue(), rel=1e-9)
    assert window.stocks.max() > 1.0


def test_a_quadratic_multi_period_case_agrees_with_clarabel() -> None:
    grid, economies, dynamics, state = _storage_programme(quadratic=True)
    window = solve_window(grid, economies, dynamics, state)
    assert window.ok
    arrays, _ = build_window(grid, economies, dynamics, state)
    n = arrays.shape[1]
    slope = np.where(arrays.curves.kind == CurveKind.LINEAR, arrays.curves.b, 0.0)
    bounded = np.flatnonzero(np.isfinite(arrays.upper))
    eye = sp.eye_array(n, format="csc")
    a = sp.csc_matrix(sp.vstack([-arrays.A, -eye, eye[bounded]]))
    b = np.concatenate([-arrays.fixed, np.zeros(n), arrays.upper[bounded]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    solver = clarabel.DefaultSolver(
        sp.csc_matrix(sp.diags_array(slope)), arrays.curves.a + arrays.curves.shift, a, b,
        [clarabel.NonnegativeConeT(len(b))], settings,
    )  # fmt: skip
    answer = solver.solve()
    duals = np.array(answer.z)[: arrays.shape[0]]
    worth = np.repeat([1.06 ** -(p.start - 2025.0) for p in grid], 3)
    np.testing.assert_allclose(window.prices.ravel(), duals / worth, rtol=1e-5, atol=1e-4)
    assert window.stocks.max() > 1.0


def test_state_carries_over_exactly() -> None:
    """Two windows that share what they know give the same second year whether it is carried or not."""
    dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0),), memories=(Memory(1, 0.4),),
                        expectation=Expectation("path", path=lambda _: np.array([55.0])))  # fmt: skip
    grid = periods_between(2025, 2029)
    economies = [ore(capacity=c) for c in (100.0, 70.0, 70.0, 90.0)]
    whole = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, np.array([50.0])))
    rest = solve_window(grid[2:], economies[2:], dynamics, state_after(whole, dynamics, 2))
    np.testing.assert_allclose(rest.prices, whole.prices[2:], rtol=1e-7)
    np.testing.assert_allclose(rest.stocks, whole.stocks[2:], rtol=1e-5)
