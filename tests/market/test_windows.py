"""Windows: rules of strategic stocks, memory, state, starts, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from oreflow.market.arrays import EconomyArrays, EconomyError, Status
from oreflow.market.economy import Bids, Economy, Isoelastic, Linear, LinearDemand, build_arrays, demand, supply
from oreflow.market.investment import Addition, Build
from oreflow.market.periods import Period, periods_between, scale_capacities, to_period
from oreflow.market.stocks import (
    Consignment,
    DatedRelease,
    Expectation,
    Memory,
    PriceTrigger,
    Stock,
    StrategicStock,
    Transit,
)
from oreflow.market.windows import Dynamics, WindowOptions, opening_state, roll, solve_window, state_after

PRICE = np.array([50.0])


def ore(capacity: float = np.inf) -> EconomyArrays:
    economy = Economy(
        ("ore",), (supply("ore", Linear(0.0, 0.5), capacity), demand("ore", Isoelastic(50.0, 100.0, -0.5)))
    )
    return build_arrays(economy)[0]


def years(capacities: list[float]) -> tuple[tuple[Period, ...], list[EconomyArrays]]:
    return periods_between(2025, 2025 + len(capacities)), [ore(c) for c in capacities]


def test_a_trigger_sells_at_its_price_until_it_is_empty_and_does_not_wait() -> None:
    reserve = StrategicStock(0, 30.0, PriceTrigger(sell_at=70.0, rate=25.0))
    dynamics = Dynamics(strategic=(reserve,), discount=0.0)
    grid, economies = years([100.0, 65.0, 65.0, 50.0])
    window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))
    assert window.ok
    sales = np.array([result.sales[0] for result in window.periods])
    prices = window.prices[:, 0]
    at_trigger = 100.0 * (70.0 / 50.0) ** -0.5
    assert sales[0] == pytest.approx(0.0, abs=1e-7)  # 50 USD/t: no sale
    assert sales[1] == pytest.approx(at_trigger - 65.0, rel=1e-6)
    assert sales[2] == pytest.approx(30.0 - sales[1], rel=1e-5)  # what is left, though the next year would pay more
    assert sales[3] == pytest.approx(0.0, abs=1e-4)
    assert prices[1] == pytest.approx(70.0, rel=1e-7)
    assert prices[3] > prices[2] > 70.0
    assert window.periods[-1].strategic[0] == pytest.approx(0.0, abs=1e-4)


def test_a_trigger_buys_at_its_floor_up_to_its_room() -> None:
    reserve = StrategicStock(0, 5.0, PriceTrigger(buy_at=60.0, rate=20.0), capacity=30.0)
    dynamics = Dynamics(strategic=(reserve,))
    grid, economies = years([np.inf] * 3)
    window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))
    bought = -np.array([result.sales[0] for result in window.periods])
    floor = 60.0 / 0.5 - 100.0 * (60.0 / 50.0) ** -0.5
    assert floor > 20.0
    assert bought == pytest.approx([20.0, 5.0, 0.0], abs=1e-6)
    assert [float(result.strategic[0]) for result in window.periods] == pytest.approx([25.0, 30.0, 30.0], abs=1e-6)


def test_a_dated_release_arrives_on_its_dates_and_is_foreseen_only_when_announced() -> None:
    def path(announced: float):
        release = DatedRelease(20.0, 2027.0, 2028.0, announced)
        dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0),), strategic=(StrategicStock(0, 20.0, release),))
        return roll(periods_between(2025, 2029, 2), lambda p, _: to_period(ore(), p.length), dynamics,
                    opening_state(dynamics, 2025.0, PRICE), window=3.0)  # fmt: skip

    told, untold = path(2024.0), path(np.inf)
    sales = np.array([result.sales[0] for result in told.periods])
    np.testing.assert_allclose(sales, [0, 0, 0, 0, 10, 10, 0, 0], atol=1e-9)
    assert told.periods[-1].strategic[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(untold.prices[:4, 0], 50.0, rtol=1e-8)
    assert told.prices[3, 0] < 49.0
    assert told.prices[4, 0] > untold.prices[4, 0]


def test_perishable_goods_are_stocked_less() -> None:
    def held(spoilage: float) -> float:
        stock = Stock(0, 1e-6, elasticity=None, spoilage=spoilage)
        dynamics = Dynamics(stocks=(stock,))
        grid, economies = years([100.0, 40.0])
        window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))
        assert window.ok
        kept = stock.kept(1.0)
        if window.stocks[0, 0] > 1e-6:
            assert window.prices[0, 0] == pytest.approx(kept * window.prices[1, 0] / 1.05, rel=1e-8)
        return float(window.stocks[0, 0])

    assert held(0.0) > held(0.3) > 0.0
    assert held(0.98) == pytest.approx(0.0, abs=1e-6)


def test_a_full_store_parts_the_prices() -> None:
    dynamics = Dynamics(stocks=(Stock(0, 0.0, elasticity=None, capacity=5.0),))
    grid, economies = years([100.0, 40.0])
    window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))
    assert window.stocks[0, 0] == pytest.approx(5.0)
    assert window.prices[1, 0] > 1.05 * window.prices[0, 0] + 1.0


def test_expectation_from_within_the_window_couples_exactly() -> None:
    """The last period's holders expect a mean of its price and the anchor."""
    weight, r = 0.6, 0.08
    stock = Stock(0, 20.0, 50.0, elasticity=-0.8)
    dynamics = Dynamics(stocks=(stock,), discount=r, expectation=Expectation(weight=weight, within=True))
    grid, economies = years([80.0])
    window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))
    assert window.ok
    price, held = window.prices[0, 0], window.stocks[0, 0]
    value = stock.base_convenience(1.0, r) * (held / 20.0) ** (1 / -0.8)
    assert price - value - (weight * price + (1 - weight) * 50.0) / (1 + r) == pytest.approx(0.0, abs=1e-7)
    assert price > 52.0


def test_several_holders_share_one_market() -> None:
    stocks = (Stock(0, 20.0, 50.0, holder="traders"), Stock(0, 10.0, 50.0, elasticity=-0.3, holder="makers"))
    dynamics = Dynamics(stocks=stocks)
    grid, economies = years([70.0])
    window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))
    for k, stock in enumerate(stocks):
        v = stock.base_convenience(1.0, 0.05) * (window.stocks[0, k] / stock.level) ** (1 / stock.elasticity)
        assert window.prices[0, 0] - v - window.expected[0] / 1.05 == pytest.approx(0.0, abs=1e-6)
    assert window.stocks[0, 0] / 20.0 < window.stocks[0, 1] / 10.0  # makers give up less


def test_a_stock_in_proportion_to_use_grows_with_it_across_windows() -> None:
    """Use grows 5% a year with supply: at constant prices the stock grows as much, window after window."""
    annual = build_arrays(Economy(("ore",), (supply("ore", 50.0), demand("ore", Isoelastic(50.0, 100.0, -0.5)))))[0]

    dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0, growth=0.05),), expectation=Expectation("last"))
    path = roll(periods_between(2025, 2030), lambda _p, _k: annual, dynamics, opening_state(dynamics, 2025.0, PRICE),
                window=2.0)  # fmt: skip
    np.testing.assert_allclose(path.stocks[:, 0], 20.0 * 1.05 ** np.arange(5.0), rtol=1e-6)


def test_additions_come_on_stream_at_their_date() -> None:
    dynamics = Dynamics()
    state = opening_state(dynamics, 2025.0, PRICE, additions=(Addition(0, 20.0, 2026.5),))
    grid, economies = years([60.0] * 3)
    window = solve_window(grid, economies, dynamics, state)
    np.testing.assert_allclose(window.levels[:, 0], [60.0, 70.0, 80.0], rtol=1e-8)


def test_what_is_built_stays_in_the_state() -> None:
    dynamics = Dynamics(builds=(Build(0, capex=40.0, life=10.0, lead=1.0, rate=7.0),))
    grid = periods_between(2025, 2029)
    path = roll(
        grid, lambda _p, _k: ore(60.0), dynamics, opening_state(dynamics, 2025.0, PRICE), window=4.0, beyond=10.0
    )
    assert path.ok
    np.testing.assert_allclose(path.levels[:, 0], [60.0, 67.0, 74.0, 81.0], rtol=1e-7)
    assert sum(addition.amount for addition in path.states[-1].additions) == pytest.approx(28.0, rel=1e-6)


def test_a_window_without_equilibrium_is_a_value_and_ends_a_path() -> None:
    economy = ore(10.0).with_(fixed=np.array([50.0]))
    dynamics = Dynamics()
    window = solve_window([Period(2025.0, 1.0)], [economy], dynamics, opening_state(dynamics, 2025.0, PRICE))
    assert window.status is Status.INFEASIBLE
    assert "ore" in window.cause
    path = roll(periods_between(2025, 2028), lambda p, _k: ore(90.0) if p.start < 2026 else economy, dynamics,
                opening_state(dynamics, 2025.0, PRICE), window=1.0)  # fmt: skip
    assert not path.ok
    assert len(path.periods) == 1
    assert path.cause.startswith("window of 2026: infeasible")
    with pytest.raises(EconomyError, match="expected a solved window"):
        state_after(window, dynamics)


def test_memory_that_does_not_settle_says_so() -> None:
    dynamics = Dynamics(memories=(Memory(1, 0.3),))
    grid, economies = years([60.0, 60.0, 60.0])
    window = solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE),
                          options=WindowOptions(passes=1))  # fmt: skip
    assert window.status is Status.ITERATION_LIMIT
    assert "did not settle in 1 passes" in window.cause
    assert not window.ok


def test_a_start_from_the_window_before_changes_nothing() -> None:
    dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0),), memories=(Memory(1, 0.4),))
    grid, economies = years([100.0, 70.0, 80.0, 90.0])
    first = solve_window(grid[:3], economies[:3], dynamics, opening_state(dynamics, 2025.0, PRICE))
    state = state_after(first, dynamics)
    cold = solve_window(grid[1:], economies[1:], dynamics, state)
    warm = solve_window(grid[1:], economies[1:], dynamics, state, previous=first)
    np.testing.assert_allclose(warm.prices, cold.prices, rtol=1e-7)
    np.testing.assert_allclose(warm.stocks, cold.stocks, rtol=1e-5)


def test_a_season_is_bridged_by_stocks() -> None:
    """Supply falls by 60% in the third quarter of every year: prices swing less the more is stocked before."""
    months = (1.0,) * 6 + (0.4,) * 3 + (1.0,) * 3
    from oreflow.market.periods import season_factor

    def swing(held: float) -> float:
        dynamics = Dynamics(stocks=(Stock(0, held, 50.0),)) if held else Dynamics()
        path = roll(
            periods_between(2025, 2028, 4),
            lambda p, _k: scale_capacities(to_period(ore(105.0), p.length), np.array([season_factor(p, months), 1.0])),
            dynamics, opening_state(dynamics, 2025.0, PRICE), window=1.0,
        )  # fmt: skip
        assert path.ok
        last = path.prices[-4:, 0]
        return float(last.max() / last.min())

    assert swing(0.0) > 3.0
    assert swing(30.0) < 1.3
    assert swing(5.0) > swing(30.0)


@pytest.mark.parametrize(
    ("dynamics", "message"),
    [
        (Dynamics(stocks=(Stock(3, 1.0, 5.0),)), "stock: market 3; expected a position from 0 to 0"),
        (Dynamics(transits=(Transit(7, 0.1),)), "transit: activity 7; expected a position from 0 to 1"),
        (Dynamics(memories=(Memory(0, 0.5),)), "its curve is not isoelastic"),
        (Dynamics(builds=(Build(5, 1.0, 1.0),)), "build: activity 5"),
    ],
)
def test_positions_and_curves_are_checked(dynamics: Dynamics, message: str) -> None:
    grid, economies = years([100.0])
    with pytest.raises(EconomyError, match=message):
        solve_window(grid, economies, dynamics, opening_state(dynamics, 2025.0, PRICE))


def test_shapes_dates_and_states_are_checked() -> None:
    grid, economies = years([100.0, 100.0])
    none = Dynamics()
    state = opening_state(none, 2025.0, PRICE)
    with pytest.raises(EconomyError, match="expected periods without gaps"):
        solve_window([grid[0], Period(2027.0, 1.0)], economies, none, state)
    other = build_arrays(Economy(("ore",), (supply("ore", 1.0), demand("ore", Bids(((1.0, 2.0), (1.0, 1.0)))))))[0]
    with pytest.raises(EconomyError, match="expected the same markets and activities"):
        solve_window(grid, [economies[0], other], none, state)
    with pytest.raises(EconomyError, match=r"state\.stocks has 0 entries; expected 1"):
        solve_window(grid, economies, Dynamics(stocks=(Stock(0, 1.0, 5.0),)), state)
    unknown = Dynamics(stocks=(Stock(0, 1.0, elasticity=None),))
    blank = replace(opening_state(unknown, 2025.0, PRICE), prices=np.array([np.nan]))
    with pytest.raises(EconomyError, match="no price is expected for ore beyond the window"):
        solve_window(grid, economies, unknown, blank)
    with pytest.raises(EconomyError, match="expected a window above 0"):
        roll(grid, lambda _p, _k: economies[0], none, state, window=0.0)


def test_goods_beyond_the_window_are_worth_what_is_expected() -> None:
    """A route that takes longer than the window ships until the expected price no longer pays for it."""
    from oreflow.market.economy import shipment

    annual, layout = build_arrays(
        Economy(
            ("mine", "port"),
            (supply("mine", Linear(0.0, 0.5)), shipment("mine", "port", 4.0, name="sea"),
             demand("port", Isoelastic(60.0, 50.0, -0.5))),
        )
    )  # fmt: skip
    sea = layout.columns["sea"][0]
    dynamics = Dynamics(
        transits=(Transit(sea, 1.5),), discount=0.1,
        expectation=Expectation("path", path=lambda _: np.array([np.nan, 70.0])),
    )  # fmt: skip
    state = opening_state(dynamics, 2025.0, np.array([50.0, 60.0]), underway=(Consignment(1, 2025.0, 2026.5, 75.0),))
    window = solve_window([Period(2025.0, 1.0)], [annual], dynamics, state)
    assert window.ok
    worth = 70.0 * 1.1**-2.0  # halfway through the arrivals, which run from 1.5 to 2.5 years after the start
    assert window.prices[0, 0] == pytest.approx(worth - 4.0, rel=1e-8)
    assert window.levels[0, 2] == pytest.approx(50.0, rel=1e-8)  # what was underway for this year
    after = state_after(window, dynamics)
    assert sum(goods.tonnes for goods in after.underway) == pytest.approx(75.0 + window.levels[0, sea], rel=1e-9)


def test_what_spoils_is_gone_from_the_next_window_too() -> None:
    annual = ore()
    dynamics = Dynamics(stocks=(Stock(0, 20.0, 50.0, spoilage=0.3),))
    state = opening_state(dynamics, 2025.0, np.array([50.0]))
    whole = solve_window(periods_between(2025, 2027), [annual, annual], dynamics, state)
    first = solve_window(periods_between(2025, 2026), [annual], dynamics, state)
    after = state_after(first, dynamics)
    assert after.stocks[0] == pytest.approx(0.7 * first.stocks[0, 0])
    assert state_after(whole, dynamics).stocks[0] == pytest.approx(0.7 * whole.stocks[0, 0])


def test_capacity_may_be_built_for_a_plant_of_several_activities() -> None:
    annual = ore()
    shared = annual.with_(G=sp.csr_array(np.array([[1.0, 0.0]])), h=np.array([60.0]))
    build = Build(0, capex=10.0, life=20.0, group=0)
    alone = Build(0, capex=10.0, life=20.0)
    state = opening_state(Dynamics(), 2025.0, np.array([50.0]))
    periods = periods_between(2025, 2028)
    by_group = solve_window(periods, [shared] * 3, Dynamics(builds=(build,)), state)
    upper = annual.with_(upper=np.array([60.0, np.inf]))
    by_own = solve_window(periods, [upper] * 3, Dynamics(builds=(alone,)), state)
    assert by_group.ok
    np.testing.assert_allclose(by_group.prices, by_own.prices, rtol=1e-7)
    np.testing.assert_allclose(by_group.periods[0].built, by_own.periods[0].built, rtol=1e-6)
    assert by_group.periods[0].built[0] > 10.0


@pytest.mark.parametrize("per_year", [1, 2])
def test_a_linear_use_closes_a_share_of_the_gap_in_tonnes(per_year: int) -> None:
    """At a constant price the gap to the line's own quantity shrinks by 1 - s a year, in periods of any length."""
    price, speed = 80.0, 0.4
    line = LinearDemand(150.0, 1.0)  # 100 t a year at 50 USD/t: elasticity -0.5
    annual = build_arrays(Economy(("ore",), (supply("ore", price), demand("ore", line))))[0]
    dynamics = Dynamics(memories=(Memory(1, speed, elasticity=-0.5),))
    grid = periods_between(2025, 2028, per_year)
    state = opening_state(dynamics, 2025.0, PRICE)
    path = roll(grid, lambda period, _: to_period(annual, period.length), dynamics, state, window=1.0 / per_year)
    assert path.ok
    used = np.array([result.levels[1] for result in path.periods]) * per_year
    kept = (1.0 - speed) ** (np.arange(1, len(grid) + 1) / per_year)
    assert used == pytest.approx(70.0 + (100.0 - 70.0) * kept, rel=1e-7)
