"""Time from a case's own files, through `load_case` and `solve`, against closed forms."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.study.small_case import Small

import oreflow as of
from oreflow.api import Solved
from oreflow.market.economy import Economy, Isoelastic, Linear, build_arrays, demand, supply
from oreflow.market.solve import solve_economy
from oreflow.study.base import Settings
from oreflow.study.invariants import check_mass_balance, check_money, check_replication
from oreflow.study.outcome import YearResult

RATE = 0.1
BAN = "{id: ban, type: border_closure, target: road, start: 2027, actor: state, magnitude: '=assume(\"left\")'"
"""From 2027 the road carries two fifths of what it did."""
TARIFF = "{id: t, type: tariff, target: out, start: 2026, actor: state, magnitude: '=assume(\"rate\")'}"


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "small")


def solved(small: Small, proposal: str = "", **settings: object) -> Solved:
    """Solve, and check what must hold of every run."""
    found = of.solve(small.load(), proposal, Settings(**settings))  # type: ignore[arg-type]
    assert found.outcome.solved, found.outcome.cause
    for check in (check_replication, check_mass_balance, check_money):
        assert check(found.outcome).holds, check(found.outcome)
    return found


def level(found: Solved, record: YearResult, name: str) -> float:
    return float(record.levels[found.outcome.network.index[name]])


def price(found: Solved, record: YearResult, place: str = "HOME", good: str = "ore") -> float:
    return float(record.prices[found.outcome.network.market_index[place, good]])


def stock(small: Small, **columns: str) -> None:
    small.add(
        "stocks", **{
            "id": "store", "place": "AWAY", "commodity": "ore", "holder": "trade", "kind": "commercial",
            "opening": small.number(20.0, "t_goods"), **columns,
        }
    )  # fmt: skip


# windows, stocks and expectations


def test_a_stock_held_for_its_price_alone_earns_interest_and_its_cost(small: Small) -> None:
    stock(small, convenience="no", holding_cost=small.number(2.0, "USD/(t_goods*yr)"),
          capacity=small.number(500.0, "t_goods"))  # fmt: skip
    small.measure("ban", BAN + ", announced: 2024}")
    found = solved(small, "ban", window=6)
    records = found.outcome.years
    held = [level(found, r, "stock:store") for r in records]
    assert max(held[1:]) > 20.0
    for k, (now, then) in enumerate(pairwise(records[1:]), start=1):
        if held[k] > 1e-6:
            assert price(found, then, "AWAY") == pytest.approx((1 + RATE) * (price(found, now, "AWAY") + 2.0), rel=1e-7)


def test_a_ban_announced_ahead_builds_stocks_before_it_and_an_unannounced_one_does_not(small: Small) -> None:
    stock(small)
    small.measure("told", BAN + ", announced: 2025}")
    small.measure("sudden", BAN + "}")
    plain, told, sudden = (solved(small, name, window=3) for name in ("status-quo", "told", "sudden"))
    before = [[level(f, r, "stock:store") for r in f.outcome.years[1:3]] for f in (plain, told, sudden)]
    assert before[1][-1] > 1.05 * before[0][-1]
    np.testing.assert_allclose(before[2], before[0], rtol=1e-6)
    assert price(told, told.outcome.year(2026), "AWAY") > 1.01 * price(plain, plain.outcome.year(2026), "AWAY")
    assert price(told, told.outcome.year(2027), "AWAY") < 0.9 * price(sudden, sudden.outcome.year(2027), "AWAY")


def test_a_window_over_all_years_is_one_big_problem_built_by_hand(small: Small) -> None:
    stock(small, convenience="no", capacity=small.number(500.0, "t_goods"))
    small.end = 2027
    small.add(
        "expected_prices", place="AWAY", commodity="ore", year=2024, price=small.number(60.0, "USD/t_goods")
    )  # fmt: skip
    small.measure("ban", BAN + ", announced: 2024}")
    found = solved(small, "ban", window=3, rule="path")
    # one market a year and place, one activity a year for supply, use, road and store: present-value prices
    worth = [(1 + RATE) ** -k for k in range(3)]
    places = [f"{place}{k}" for k in range(3) for place in ("HOME", "AWAY")]
    parts = []
    for k, w in enumerate(worth):
        parts += [
            supply(f"HOME{k}", Linear(0.0, w * 50.0 / 140.0), 1e6),
            demand(f"HOME{k}", Isoelastic(w * 50.0, 100.0, -0.5)),
            demand(f"AWAY{k}", Isoelastic(w * 60.0, 40.0, -0.5)),
        ]  # fmt: skip
    arrays, _ = build_arrays(Economy(tuple(places), tuple(parts)))
    index = {name: i for i, name in enumerate(places)}
    columns = [((index[f"HOME{k}"], -1.0), (index[f"AWAY{k}"], 1.0), 10.0 * worth[k], np.inf if k < 2 else 16.0)
               for k in range(3)]  # fmt: skip
    columns += [((index[f"AWAY{k}"], -1.0), (index[f"AWAY{k + 1}"], 1.0), 0.0, 500.0) for k in range(2)]
    columns += [((index["AWAY2"], -1.0), None, -60.0 * worth[2] / (1 + RATE), 500.0)]
    prices = _with_columns(arrays, columns, opening={index["AWAY0"]: 20.0})
    for k in range(3):
        record = found.outcome.years[k + 1]
        for place in ("HOME", "AWAY"):
            assert price(found, record, place) == pytest.approx(prices[index[f"{place}{k}"]] / worth[k], rel=1e-6)


def _with_columns(arrays, columns, opening):  # type: ignore[no-untyped-def]
    """Solve an economy with further constant-cost activities and some goods at hand."""
    import scipy.sparse as sp

    from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays

    m, n, g = arrays.shape
    extra = np.zeros((m, len(columns)))
    for k, (take, give, _, _) in enumerate(columns):
        for end in (take, give):
            if end is not None:
                extra[end[0], k] = end[1]
    own, count = arrays.curves, len(columns)
    curves = CurveTable(
        np.concatenate([own.kind, np.full(count, CurveKind.CONSTANT, dtype=np.int8)]),
        np.concatenate([own.shift, np.zeros(count)]), np.concatenate([own.a, [c[2] for c in columns]]),
        np.concatenate([own.b, np.zeros(count)]), np.concatenate([own.c, np.ones(count)]),
        np.concatenate([own.d, np.full(count, np.inf)]),
    )  # fmt: skip
    matrix = sp.csc_array(sp.hstack([arrays.A, sp.csc_array(extra)]))
    fixed = arrays.fixed.copy()
    for i, tonnes in opening.items():
        fixed[i] -= tonnes
    wide = EconomyArrays(
        A=matrix, B=matrix, curves=curves, upper=np.concatenate([arrays.upper, [c[3] for c in columns]]), fixed=fixed,
        equality=arrays.equality, G=sp.csr_array((g, n + count)), h=arrays.h,
    )  # fmt: skip
    solution = solve_economy(wide)
    assert solution.ok
    return solution.prices


@pytest.mark.parametrize(("rule", "expected"), [("last", 60.0), ("anchor", 60.0), ("path", 80.0)])
def test_what_is_expected_beyond_the_window_decides_what_a_stock_is_worth(
    small: Small, rule: str, expected: float
) -> None:
    stock(small, convenience="no", holding_cost=small.number(1.0, "USD/(t_goods*yr)"),
          capacity=small.number(500.0, "t_goods"))  # fmt: skip
    small.add("expected_prices", place="AWAY", commodity="ore", year=2024, price=small.number(80.0, "USD/t_goods"))
    found = solved(small, window=1, rule=rule)
    record = found.outcome.year(2025)
    worth = expected / (1 + RATE) - 1.0
    if worth > 60.0:  # worth keeping: buyers bid up to what it is worth
        assert level(found, record, "stock:store") > 20.0
        assert price(found, record, "AWAY") == pytest.approx(worth, rel=1e-7)
    else:
        assert level(found, record, "stock:store") == pytest.approx(0.0, abs=1e-6)
        assert price(found, record, "AWAY") > worth


def test_the_trend_goes_on_and_dies_away(small: Small) -> None:
    stock(small)
    small.measure("ban", BAN + "}")
    trend, last = (solved(small, "ban", rule=rule) for rule in ("trend", "last"))
    # the price rises in 2027: who follows the trend holds more of it than who expects it to stay
    at = [level(f, f.outcome.year(2028), "stock:store") for f in (trend, last)]
    assert at[0] != pytest.approx(at[1], rel=1e-3)


def test_the_case_file_states_the_rules_and_a_run_may_ask_for_others(small: Small) -> None:
    stock(small)
    small.head = "periods: quarter\nwindow: 2\nexpectation: {rule: last, weight: '=assume(\"w\")'}\n"
    small.number(0.25, "1/yr", "w")
    small.end = 2025
    case = small.load()
    assert (case.time.periods, case.time.window, case.time.expectation) == ("quarter", 2.0, "last")
    assert [record.length for record in of.solve(case).outcome.periods[1:]] == [0.25] * 4
    assert of.solve(case, settings=Settings(periods="year", window=1, rule="anchor")).outcome.periods == ()


def test_a_store_spoils_and_is_bounded(small: Small) -> None:
    stock(small, spoilage=small.number(0.2, "1/yr"), capacity=small.number(25.0, "t_goods"))
    small.measure("ban", BAN + ", announced: 2024}")
    found = solved(small, "ban", window=4)
    held = [level(found, r, "stock:store") for r in found.outcome.years]
    assert max(held) == pytest.approx(25.0, rel=1e-6)  # full before the ban
    for before, record in zip(held, found.outcome.years[1:], strict=False):
        market = found.outcome.network.market_index["AWAY", "ore"]
        assert record.opening[market] == pytest.approx(0.8 * before, rel=1e-9)


def test_strategic_stocks_follow_their_rule(small: Small) -> None:
    small.add("stocks", id="dated", place="AWAY", commodity="ore", holder="state", kind="strategic",
              opening=small.number(30.0, "t_goods"), release=small.number(12.0, "t_goods"),
              release_from="2026-01-01", release_to="2028-01-01", announced="2025-01-01")  # fmt: skip
    small.add("stocks", id="price", place="AWAY", commodity="ore", holder="state", kind="strategic",
              opening=small.number(9.0, "t_goods"), sell_at=small.number(90.0, "USD/t_goods"))  # fmt: skip
    small.measure("ban", BAN + "}")
    found = solved(small, "ban", periods="quarter")
    left = {record.start: record.strategic for record in found.outcome.periods[1:]}
    assert left[2025.75]["dated"] == pytest.approx(30.0)
    assert left[2026.75]["dated"] == pytest.approx(24.0)
    assert left[2027.75]["dated"] == pytest.approx(18.0)
    assert left[2026.75]["price"] == pytest.approx(9.0)  # before the ban the price stays below
    assert left[2027.75]["price"] < 9.0
    sold = [r for r in found.outcome.periods if r.start >= 2027.0 and 1e-6 < r.strategic["price"] < 9.0 - 1e-6]
    for record in sold:
        assert price(found, record, "AWAY") == pytest.approx(90.0, rel=1e-6)


def test_a_reagent_stock_carries_the_mine_over_a_cut(small: Small) -> None:
    small.add("commodities", id="salt", name="salt", stage="reagent", basis="goods", market="local", disposal="free")
    small.add("recipes", recipe="mining", side="input", commodity="salt", coefficient=small.number(2.0, "1"))
    small.add("recipes", recipe="salt", side="output", commodity="salt", coefficient="=1")
    small.add("processes", id="salt_works", name="salt", kind="supply", place="AWAY", recipe="salt",
              cost=small.number(5.0, "USD/t_goods"))  # fmt: skip
    small.add("routes", id="in", **{"from": "AWAY"}, to="HOME", legs="road", commodities="salt")
    small.set("processes", "mine", cost=small.number(20.0, "USD/t_goods"))
    small.add("stocks", id="salt_store", place="HOME", commodity="salt", holder="miner", kind="commercial",
              opening=small.number(70.0, "t_goods"), spoilage=small.number(0.1, "1/yr"))  # fmt: skip
    small.measure(
        "cut", "{id: cut, type: input_restriction, target: in, start: 2026, actor: state, magnitude: '=0'}"
    )  # fmt: skip
    found = solved(small, "cut", periods="quarter", window=0.5)
    mined = {record.start: 4 * level(found, record, "mine") for record in found.outcome.periods[1:]}
    assert mined[2025.75] == pytest.approx(140.0, rel=0.05)
    assert 0.0 < mined[2026.0] < mined[2025.75]
    assert mined[2028.0] == pytest.approx(0.0, abs=1.0)


# periods below a year


@pytest.mark.parametrize("periods", ["half", "quarter", "month"])
def test_constant_data_in_shorter_periods_change_nothing_without_stocks(small: Small, periods: str) -> None:
    small.measure("tariff", TARIFF)
    small.number(0.3, "1", "rate")
    years, cut = solved(small, "tariff"), solved(small, "tariff", periods=periods, window=0.01)
    for a, b in zip(years.outcome.years, cut.outcome.years, strict=True):
        np.testing.assert_allclose(b.prices, a.prices, rtol=1e-6)
        np.testing.assert_allclose(b.levels, a.levels, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("periods", ["year", "half", "quarter", "month"])
@pytest.mark.parametrize("window", [0.01, 2.0])
def test_the_base_year_stock_is_held_at_base_year_prices(small: Small, periods: str, window: float) -> None:
    stock(small, holding_cost=small.number(3.0, "USD/(t_goods*yr)"))
    small.end = 2026
    found = solved(small, periods=periods, window=window)
    for record in found.outcome.records:
        assert price(found, record, "AWAY") == pytest.approx(60.0, rel=1e-7)
        assert level(found, record, "stock:store") == pytest.approx(20.0, rel=1e-5)


def test_quarters_with_stocks_differ_from_years_by_little(small: Small, record_property) -> None:  # type: ignore[no-untyped-def]
    stock(small)
    small.measure("ban", BAN + ", end: 2028}")
    years, quarters = (solved(small, "ban", periods=p, window=2) for p in ("year", "quarter"))
    gaps = [abs(price(quarters, b, "AWAY") / price(years, a, "AWAY") - 1.0)
            for a, b in zip(years.outcome.years, quarters.outcome.years, strict=True)]  # fmt: skip
    record_property("largest gap", max(gaps))
    assert max(g for g, r in zip(gaps, years.outcome.years, strict=True) if r.year < 2027) < 1e-3
    assert max(gaps) < 0.15


@pytest.mark.parametrize("periods", ["year", "quarter", "month"])
def test_use_adjusts_by_the_same_rule_in_periods_of_any_length(small: Small, periods: str) -> None:
    small.set("processes", "mine", elasticity="")  # at constant cost, so that the tax alone moves the price
    small.set("demands", "use_away", adjustment=small.number(0.4, "1/yr"))
    small.measure("tax", TARIFF)
    small.number(0.3, "1", "rate")
    found = solved(small, "tax", periods=periods, window=0.01)
    for record in found.outcome.records:
        years = max(record.start + record.length - 2026.0, 0.0)  # since the tax, at the end of the period
        asked = 40.0 * (75.0 / 60.0) ** (-0.5 * (1.0 - 0.6**years))
        assert level(found, record, "use:use_away") / record.length == pytest.approx(asked, rel=1e-6)


def test_a_season_moves_the_year_and_keeps_its_total(small: Small) -> None:
    small.set("processes", "mine", season="rain", elasticity="")
    small.add("seasons", season="rain", months="7;8;9", factor=small.number(0.4, "1"))
    small.set("processes", "mine", capacity=small.number(140.0, "t_goods/yr"))
    small.end = 2026
    found = solved(small, periods="quarter", window=0.01)
    at = found.outcome.network.index["mine"]
    room = [r.capacity[at] for r in found.outcome.periods[1:5]]
    mean = (3 + 0.4) / 4
    np.testing.assert_allclose(room, [35.0 / mean, 35.0 / mean, 35.0 * 0.4 / mean, 35.0 / mean], rtol=1e-9)
    assert found.outcome.year(2025).capacity[at] == pytest.approx(140.0)
    assert level(found, found.outcome.periods[3], "mine") == pytest.approx(35.0 * 0.4 / mean)
    assert price(found, found.outcome.periods[3]) > 1.5 * price(found, found.outcome.periods[1])
    stock(small)
    smooth = solved(small, periods="quarter", window=1)
    assert price(smooth, smooth.outcome.periods[3], "AWAY") < price(found, found.outcome.periods[3], "AWAY")


def test_a_year_is_what_its_periods_make(small: Small) -> None:
    small.set("processes", "mine", season="rain")
    small.add("seasons", season="rain", months="7;8;9", factor=small.number(0.2, "1"))
    stock(small)
    small.measure("tax", TARIFF.replace("2026", "2026.5"))
    small.number(0.3, "1", "rate")
    found = solved(small, "tax", periods="quarter")

    def paid(record: YearResult) -> float:
        lines = [line for line in record.charges.lines if line[4] == "t"]
        return sum(record.levels[j] * (rate * price(found, record) + amount) for j, rate, amount, _, _ in lines)

    for year in (2026, 2027):
        whole = found.outcome.year(year)
        parts = [record for record in found.outcome.periods if record.year == year and record.start >= 2025.0]
        assert len(parts) == 4
        assert paid(whole) == pytest.approx(sum(paid(part) for part in parts), rel=1e-9)
        assert paid(whole) > 0.0
        for name in ("mine", "use:use_home", "use:use_away"):
            assert level(found, whole, name) == pytest.approx(sum(level(found, part, name) for part in parts))
        assert level(found, whole, "stock:store") == level(found, parts[-1], "stock:store")
        net = found.outcome.network.matrix @ whole.levels + whole.opening
        np.testing.assert_allclose(net, 0.0, atol=1e-9)
        spread = [price(found, part) for part in parts]
        assert min(spread) < price(found, whole) < max(spread)


def test_a_road_shut_in_the_rains_carries_its_yearly_capacity_in_the_other_months(small: Small) -> None:
    small.set("legs", "road", capacity=small.number(60.0, "t_gross/yr"), season="rain",
              months_open=small.number(8.0, "month"))  # fmt: skip
    small.add("seasons", season="rain", months="6;7;8;9", factor="=0")
    small.end = 2025
    found = solved(small, periods="month", window=0.01)
    limits = {record.start: record.limits[0].limit for record in found.outcome.periods[1:]}
    assert [round(limit, 9) for limit in limits.values()] == [5.0] * 5 + [0.0] * 4 + [5.0] * 3
    assert sum(limits.values()) == pytest.approx(40.0)


def test_goods_underway_arrive_after_their_days_and_are_not_lost(small: Small) -> None:
    small.set("legs", "road", days=small.number(365.25 / 4, "day"))
    small.measure("ban", "{id: ban, type: border_closure, target: road, start: 2026, actor: state, magnitude: '=0'}")
    small.end = 2026
    found = solved(small, "ban", periods="quarter", window=0.01)
    used = {r.start: level(found, r, "use:use_away") for r in found.outcome.periods[1:]}
    left = {r.start: level(found, r, "out[ore]") for r in found.outcome.periods[1:]}
    assert left[2026.0] == pytest.approx(0.0, abs=1e-9)
    assert used[2026.0] == pytest.approx(left[2025.75], rel=1e-6)  # what left before the ban still arrives
    assert used[2026.25] == pytest.approx(0.0, abs=1e-3)
    assert used[2025.0] == pytest.approx(10.0, rel=1e-6)  # underway from the base year
    # the seller earns the price abroad a quarter later, less freight and interest
    assert price(found, found.outcome.periods[2]) <= price(found, found.outcome.periods[2], "AWAY") / (1 + RATE) ** 0.25


def test_price_places_part_by_the_tax_the_freight_and_the_rent_of_the_licence(small: Small) -> None:
    small.number(0.3, "1", "rate")
    small.measure("tax", TARIFF)
    small.measure(
        "licence", "{id: l, type: licence, target: HOME, start: 2026, actor: state, magnitude: '=assume(\"left\")'}"
    )
    taxed, bound = solved(small, "tax"), solved(small, "tax + licence")
    index = taxed.outcome.network.index["out[ore]"]
    for found, scarce in ((taxed, False), (bound, True)):
        record = found.outcome.year(2028)
        home, away, rent = price(found, record), price(found, record, "AWAY"), float(record.rents[index])
        assert away == pytest.approx(1.3 * home + 10.0 + rent, rel=1e-9)
        assert (rent > 1.0) == scarce


# capacity


def entering(small: Small, capex: float = 60.0, rate: float = 30.0) -> None:
    small.set(
        "processes", "mine", capacity=small.number(140.0, "t_goods/yr"), elasticity="",
        lead=small.number(2.0, "yr"), life=small.number(20.0, "yr"), entry_rate=small.number(rate, "t_goods/yr"),
        capex=small.number(capex, "USD*yr/t_goods"),
    )  # fmt: skip
    for use in ("use_home", "use_away"):
        small.set("demands", use, growth=small.number(0.05, "1/yr"))


def charge(capex: float, life: float = 20.0, lead: float = 2.0) -> float:
    """The yearly payment, at the start of each year of output, that repays capex with interest."""
    return capex * (1 + RATE) ** lead / sum((1 + RATE) ** -k for k in range(int(life)))


def test_entry_has_no_effect_before_its_lead_time_and_stops_where_it_only_just_pays(small: Small) -> None:
    entering(small)
    with_entry = solved(small, rule="last")
    small.set("processes", "mine", entry_rate="")
    without = solved(small, rule="last")
    for a, b in zip(with_entry.outcome.years[:3], without.outcome.years[:3], strict=True):
        np.testing.assert_allclose(a.prices, b.prices, rtol=1e-9)
    late = [price(f, f.outcome.year(2030)) for f in (with_entry, without)]
    assert late[0] < 0.9 * late[1]
    # the price that the last entrant leaves is his cost, capital included: exactly so in the year he was judged by
    assert late[0] == pytest.approx(50.0 + charge(60.0), rel=0.05)


def test_perfect_foresight_builds_until_the_rents_just_repay_it(small: Small) -> None:
    entering(small, rate=1000.0)
    small.end = 2034
    found = solved(small, window=10)
    years = [record for record in found.outcome.years if record.year >= 2028]
    for record in years:  # built every year, so that every year's price is cost plus the equal yearly charge
        assert price(found, record) == pytest.approx(50.0 + charge(60.0), rel=1e-5)
    assert price(found, found.outcome.year(2026)) > 50.0 + charge(60.0)  # nothing can come before its lead time


def test_entry_adds_to_a_plant_of_several_feeds(small: Small) -> None:
    for good in ("raw", "old"):
        small.add("commodities", id=good, name=good, stage="concentrate", basis="goods", market="local",
                  disposal="free", basket="all")  # fmt: skip
        small.add("recipes", recipe=good, side="output", commodity=good, coefficient="=1")
        small.add("processes", id=f"{good}_mine", name=good, kind="mine", place="HOME", recipe=good, operator="miner",
                  cost=small.number(20.0, "USD/t_goods"))  # fmt: skip
        small.add("observations", id=f"o_{good}", kind="output", process=f"{good}_mine",
                  value=small.number(70.0, "t_goods/yr"))  # fmt: skip
    small.add("baskets", basket="all", element="Xx", share="=1", normalise="no")
    small.rows["recipes"] = [row for row in small.rows["recipes"] if row["recipe"] != "mining"]
    small.add("recipes", recipe="mining", side="input", commodity="@feed", coefficient="=1")
    small.add("recipes", recipe="mining", side="output", commodity="ore", coefficient=small.number(1.0, "1"))
    entering(small)
    small.set("processes", "mine", feeds="raw;old", cost=small.number(30.0, "USD/t_goods"))
    with_entry = solved(small, rule="last")
    sizes = [next(x.limit for x in r.limits if x.name == "plant:mine") for r in with_entry.outcome.years]
    assert sizes[:3] == pytest.approx([140.0] * 3)
    assert sizes[-1] > 150.0
    last = with_entry.outcome.year(2030)
    cost = price(with_entry, last, good="raw") + 30.0
    assert price(with_entry, last) == pytest.approx(cost + charge(60.0), rel=1e-6)


def test_a_project_that_has_to_pay_waits_until_it_does(small: Small) -> None:
    small.set("processes", "mine", capacity=small.number(140.0, "t_goods/yr"), elasticity="",
              life=small.number(20.0, "yr"), capex=small.number(60.0, "USD*yr/t_goods"))  # fmt: skip
    small.add("projects", id="more", process="mine", capacity=small.number(20.0, "t_goods/yr"),
              start=small.number(2026.0, "year"), decision="if_it_pays")  # fmt: skip
    flat = solved(small, rule="last")
    assert [level(flat, r, "mine") for r in flat.outcome.years] == pytest.approx([140.0] * 7)
    for use in ("use_home", "use_away"):
        small.set("demands", use, growth=small.number(0.08, "1/yr"))
    grown = solved(small, rule="last")
    mined = [level(grown, r, "mine") for r in grown.outcome.years]
    assert mined[:2] == pytest.approx([140.0] * 2)
    assert max(mined) > 145.0
    small.set("projects", "more", decision="state", ramp=small.number(2.0, "yr"))
    for use in ("use_home", "use_away"):
        small.set("demands", use, growth="")
    state = solved(small, rule="last")
    sizes = [r.capacity[state.outcome.network.index["mine"]] for r in state.outcome.years]
    assert sizes[:5] == pytest.approx([140.0, 140.0, 145.0, 155.0, 160.0])  # whatever the price, over its ramp


def test_an_announced_project_is_foreseen_only_from_its_announcement(small: Small) -> None:
    stock(small)
    small.set("processes", "mine", capacity=small.number(140.0, "t_goods/yr"))
    for use in ("use_home", "use_away"):
        small.set("demands", use, growth=small.number(0.1, "1/yr"))
    small.add("projects", id="more", process="mine", capacity=small.number(100.0, "t_goods/yr"),
              start=small.number(2028.0, "year"))  # fmt: skip
    known = solved(small, window=3)
    small.set("projects", "more", announced="2028-01-01")
    secret = solved(small, window=3)
    assert price(known, known.outcome.year(2027), "AWAY") < price(secret, secret.outcome.year(2027), "AWAY") - 1e-3
    assert price(known, known.outcome.year(2028)) == pytest.approx(price(secret, secret.outcome.year(2028)), rel=0.05)


def test_a_plant_is_mothballed_after_a_fall_and_restarted_when_it_pays(small: Small) -> None:
    small.add("processes", id="dear", name="dear mine", kind="mine", place="HOME", recipe="mining", operator="miner",
              cost=small.number(48.0, "USD/t_goods"), capacity=small.number(40.0, "t_goods/yr"),
              fixed_cost=small.number(1.0, "USD/t_goods"), restart_cost=small.number(3.0, "USD*yr/t_goods"),
              restart_time=small.number(1.0, "yr"), rent_to="miner")  # fmt: skip
    small.end = 2032
    small.rows["observations"] = []
    small.add("observations", id="o1", kind="output", process="mine", value=small.number(100.0, "t_goods/yr"))
    small.add("observations", id="o2", kind="output", process="dear", value=small.number(40.0, "t_goods/yr"))
    help_for_others = "{id: s, type: subsidy, target: mine, start: 2026, end: 2029, actor: state, payer: state, "
    small.measure("flood", help_for_others + "magnitude: '=assume(\"gift\")'}")
    small.number(30.0, "USD/t_goods", "gift")
    found = solved(small, "flood", rule="last")
    sizes = {r.year: float(r.capacity[found.outcome.network.index["dear"]]) for r in found.outcome.years}
    # five years ahead a price below 48 loses 1 a year, 4.2 in all: more than the 3 that a restart costs
    assert price(found, found.outcome.year(2026)) < 48.0
    assert sizes[2026] == pytest.approx(40.0)  # the fall comes as a surprise
    assert sizes[2027] == sizes[2028] == 0.0
    # the subsidy has ended: the price of 2029 brings the decision at its end, and the plant runs a year later
    assert price(found, found.outcome.year(2029)) > 60.0
    assert sizes[2029] == sizes[2030] == 0.0
    assert sizes[2031] == pytest.approx(40.0)


def test_a_plant_between_the_two_thresholds_stays_as_it_is(small: Small) -> None:
    small.set("processes", "mine", fixed_cost=small.number(0.5, "USD/t_goods"), elasticity="",
              restart_cost=small.number(3.0, "USD*yr/t_goods"), capacity=small.number(200.0, "t_goods/yr"))  # fmt: skip
    found = solved(small)  # at a margin of nil it loses 2.1 in five years, less than a restart costs
    assert [level(found, r, "mine") for r in found.outcome.years] == pytest.approx([140.0] * 7)
    small.set("processes", "mine", retire_after=small.number(2.0, "yr"), fixed_cost=small.number(1.0, "USD/t_goods"))
    gone = solved(small, rule="last")  # 4.2 are more: mothballed at once, scrapped two years later
    assert max(level(gone, r, "mine") for r in gone.outcome.years[1:]) == 0.0


# grades


def grades(small: Small, cost: float, share: float = 0.6) -> None:
    """Magnets of which each takes 0.05 t of ore, and a grade that takes 0.02; both goods at constant cost."""
    small.add("commodities", id="magnet", name="magnet", stage="magnet", basis="goods", market="local", disposal="free")
    small.add("recipes", recipe="strong", side="output", commodity="magnet", coefficient="=1")
    small.add("recipes", recipe="strong", side="input", commodity="ore", coefficient=small.number(0.05, "1"))
    small.add("recipes", recipe="lean", side="output", commodity="magnet", coefficient="=1")
    small.add("recipes", recipe="lean", side="input", commodity="ore", coefficient=small.number(0.02, "1"))
    small.set("processes", "mine", elasticity="")
    small.add("processes", id="maker", name="magnets", kind="magnet", place="AWAY", recipe="strong", operator="trade",
              cost=small.number(7.0, "USD/t_goods"))  # fmt: skip
    small.add("demands", id="motors", place="AWAY", commodity="magnet", use="motors", form="isoelastic",
              quantity=small.number(100.0, "t_goods/yr"), price=small.number(10.0, "USD/t_goods"),
              elasticity=small.number(-0.5, "1"))  # fmt: skip
    small.add("observations", id="o9", kind="output", process="maker", value=small.number(100.0, "t_goods/yr"))
    small.rows["observations"][0]["value"] = small.number(145.0, "t_goods/yr")
    small.add("grades", id="lean_motors", replaces="maker", recipe="lean", qualification=small.number(2.0, "yr"),
              cost=small.number(cost, "USD*yr/t_goods"), share=small.number(share, "1"),
              running_cost=small.number(8.0, "USD/t_goods"), life=small.number(5.0, "yr"))  # fmt: skip


# ore abroad costs 60: the lean grade saves 0.03 x 60 = 1.8 USD a tonne of magnet and costs 1 more to make
ADVANTAGE = 0.8
WORTH = sum(ADVANTAGE * (1 + RATE) ** -(2 + k) for k in range(5))


@pytest.mark.parametrize("periods", ["year", "quarter"])
def test_a_grade_that_pays_counts_after_its_qualification_and_for_its_share(small: Small, periods: str) -> None:
    grades(small, cost=0.98 * WORTH)
    found = solved(small, periods=periods)
    made = {r.start: level(found, r, "grade:lean_motors") / r.length for r in found.outcome.records}
    for start, rate in made.items():  # decided at the end of the base year, qualified two years later
        assert rate == pytest.approx(60.0 if start >= 2027.0 else 0.0, abs=1e-6)
    ore = {r.year: level(found, r, "out[ore]") for r in found.outcome.years}
    assert ore[2026] == pytest.approx(45.0, rel=1e-6)
    assert ore[2027] == pytest.approx(40.0 + 40.0 * 0.05 + 60.0 * 0.02, rel=1e-6)


def test_a_grade_that_does_not_repay_its_qualification_is_not_decided(small: Small) -> None:
    grades(small, cost=1.02 * WORTH)
    found = solved(small)
    assert max(level(found, r, "grade:lean_motors") for r in found.outcome.years) == 0.0


def test_a_price_rise_makes_a_grade_pay_and_a_rate_spreads_it(small: Small) -> None:
    grades(small, cost=2.0 * WORTH)
    small.set("grades", "lean_motors", rate=small.number(0.25, "1/yr"))
    small.measure("tax", TARIFF)
    small.number(1.0, "1", "rate")
    found = solved(small, "tax", rule="last")
    made = {r.year: level(found, r, "grade:lean_motors") for r in found.outcome.years}
    assert made[2028] == 0.0  # the tax is seen at the end of 2026, the first share is qualified two years later
    assert made[2029] == pytest.approx(25.0, rel=1e-4)
    assert made[2030] == pytest.approx(50.0, rel=1e-4)


def test_a_use_may_change_to_another_good(small: Small) -> None:
    small.add("commodities", id="other", name="other", stage="metal", basis="goods", market="local", disposal="free")
    small.add("recipes", recipe="other", side="output", commodity="other", coefficient="=1")
    small.add("recipes", recipe="instead", side="output", commodity="ore", coefficient="=1")
    small.add("recipes", recipe="instead", side="input", commodity="other", coefficient=small.number(1.2, "1"))
    small.add("processes", id="other_works", name="other", kind="supply", place="AWAY", recipe="other",
              cost=small.number(40.0, "USD/t_goods"))  # fmt: skip
    small.add("demands", id="other_use", place="AWAY", commodity="other", use="rest", form="isoelastic",
              quantity=small.number(5.0, "t_goods/yr"), price=small.number(40.0, "USD/t_goods"),
              elasticity=small.number(-0.5, "1"))  # fmt: skip
    small.add("observations", id="o9", kind="output", process="other_works", value=small.number(5.0, "t_goods/yr"))
    small.add("grades", id="swap", replaces="use_away", recipe="instead", qualification=small.number(1.0, "yr"),
              cost=small.number(10.0, "USD*yr/t_goods"), share=small.number(0.5, "1"))  # fmt: skip
    found = solved(small)
    swapped = {r.year: level(found, r, "grade:swap") for r in found.outcome.years}
    assert swapped[2025] == 0.0
    assert swapped[2026] == pytest.approx(20.0, rel=1e-5)  # 1.2 x 40 = 48 instead of 60 for half of 40 t
