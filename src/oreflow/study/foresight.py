"""What a case says of time, as the time module of the market wants it: stocks, transit, memory, expectation, seasons.

The base year is history and is solved alone. From then on holders of stock see the periods of their window as they are
known at its start: measures from their announcement or start, projects, growth. Trade links and consumers do not look
ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oreflow.chain.folder import year_number
from oreflow.chain.network import Kind
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays
from oreflow.market.investment import Build
from oreflow.market.periods import Period, season_factor, seen_share, to_period
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
from oreflow.market.windows import Dynamics, State, steady_consignments

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.chain.tables import Cell, StockRow
    from oreflow.study.base import Base

Floats = NDArray[np.float64]
WAITING = 1.0
"""What a year of waiting at the place of arrival costs, as a share of the base-year price (an assumption)."""
LEAST_PRICE = 1.0
"""Least price that an expectation starts from, USD per t: a free good has no logarithm."""


def runs_in_periods(base: Base) -> bool:
    """Return whether a run needs the time module: anything beyond years solved one by one without decisions."""
    case, timing = base.case, base.timing
    return (
        timing.per_year > 1
        or timing.foresees
        or timing.rule != "anchor"
        or any(row.kind == "strategic" and row.has_rule for row in case.stocks)
        or bool(case.grades)
        or any(row.entry_rate is not None or row.fixed_cost is not None for row in case.processes)
        or any(row.decision == "if_it_pays" for row in case.projects)
    )


def known_instruments(instruments: tuple[Instrument, ...], period: Period, first: Period) -> tuple[Instrument, ...]:
    """Return the measures that count in `period` for somebody who looks ahead from the start of `first`.

    An announced measure is known from its announcement, any other from the period in which it starts.
    """

    def seen(instrument: Instrument) -> bool:
        if period.start <= first.start or instrument.start is None or instrument.start < first.stop:
            return True
        announced = np.inf if instrument.announced is None else float(instrument.announced)
        return seen_share(period, first.start, float(instrument.start), np.inf, announced) > 0.0

    return tuple(instrument for instrument in instruments if seen(instrument))


def stock_positions(base: Base) -> NDArray[np.int64]:
    """Return the positions of the activities that are stocks, [S]."""
    activities = base.network.activities
    return np.array([j for j, activity in enumerate(activities) if activity.kind is Kind.STOCK], dtype=np.int64)


def memory_positions(base: Base) -> tuple[int, ...]:
    """Return the positions of the demands that adjust over time."""
    return tuple(
        j
        for j, activity in enumerate(base.network.activities)
        if activity.kind is Kind.DEMAND and base.network.adjustment[j] < 1.0
    )


def years_since_base(base: Base, period: Period) -> float:
    """Return the years from the middle of the base year to the middle of a period; whole for a calendar year."""
    return (period.start + 0.5 * period.length) - (base.case.base_year + 0.5)


def reference_use(base: Base, j: int, period: Period) -> float:
    """Return the use of a demand at base-year prices, t a year."""
    grown: float = base.year.levels[j] * (1.0 + base.network.growth[j]) ** years_since_base(base, period)
    return max(grown, 1e-9)


def strategic_rows(base: Base) -> tuple[StockRow, ...]:
    """Return the strategic stocks that follow a rule, in the case's order."""
    return tuple(row for row in base.case.stocks if row.kind == "strategic" and row.has_rule)


def expectation_of(base: Base) -> Expectation:
    """Return how prices beyond the window are expected: the case's rule, with base-year prices as cost anchors."""
    anchor = np.maximum(base.calibration.prices, LEAST_PRICE)
    if base.timing.rule != "path":
        return Expectation(rule=base.timing.rule, weight=base.timing.weight, anchor=anchor)
    points: dict[int, list[tuple[float, float]]] = {}
    for row in base.case.expected_prices:
        i = base.network.market_index.get(base.network.market_key(row.place, row.commodity))
        if i is not None and row.price is not None:
            points.setdefault(i, []).append((row.year + 0.5, float(base.values[row.price])))
    lines = {i: tuple(np.array(sorted(rows)).T) for i, rows in points.items()}

    def path(at: float) -> Floats:
        found = anchor.copy()
        for i, (years, prices) in lines.items():
            found[i] = np.interp(at, years, prices)
        return found

    return Expectation(rule="path", anchor=anchor, path=path)


def dynamics_of(base: Base, room: Floats, builds: tuple[Build, ...] = ()) -> Dynamics:
    """Return what links the periods of a case.

    Args:
        base: the prepared base year.
        room: capacity of each stock, t, [n].
        builds: capacity that may be built with foresight.
    """
    network = base.network
    return Dynamics(
        stocks=(*(_stock(base, int(j), float(room[j])) for j in stock_positions(base)), *_waiting(base)),
        strategic=tuple(_strategic(base, row) for row in strategic_rows(base)),
        transits=transits_of(base),
        memories=tuple(
            Memory(j, float(network.adjustment[j]), network.line_elasticity(j)) for j in memory_positions(base)
        ),
        builds=builds,
        discount=base.discount,
        expectation=expectation_of(base),
    )


def transits_of(base: Base) -> tuple[Transit, ...]:
    """Return the routes whose goods are underway for some time; none in periods of a year."""
    if base.timing.per_year == 1:
        return ()
    return tuple(Transit(int(j), float(base.network.transit[j])) for j in np.flatnonzero(base.network.transit > 0.0))


def _stock(base: Base, j: int, room: float) -> Stock:
    network = base.network
    market = network.activities[j].flows[0][0]
    return Stock(
        market=market,
        opening=float(base.year.levels[j]),
        price=max(float(base.calibration.prices[market]), LEAST_PRICE),
        desired=float(base.b[j]),
        elasticity=float(base.c[j]) if network.convenience[j] else None,
        holding_cost=float(network.holding_cost[j]),
        spoilage=float(network.spoilage[j]),
        capacity=room,
        growth=float(network.growth[j]),
        holder=network.activities[j].row,
    )


def _waiting(base: Base) -> tuple[Stock, ...]:
    """Goods that have arrived and wait for a plant, where they may not be thrown away: at a cost that none seeks."""
    matrix = base.network.matrix
    disposal = {row.id: row.disposal for row in base.case.commodities}
    reached = {
        int(i)
        for transit in transits_of(base)
        for i, v in zip(
            matrix.indices[matrix.indptr[transit.activity] : matrix.indptr[transit.activity + 1]],
            matrix.data[matrix.indptr[transit.activity] : matrix.indptr[transit.activity + 1]],
            strict=True,
        )
        if v > 0.0
    }
    return tuple(
        Stock(
            market=i, opening=0.0, elasticity=None, holder="goods that wait",
            holding_cost=WAITING * max(float(base.calibration.prices[i]), LEAST_PRICE),
        )
        for i in sorted(reached)
        if disposal.get(base.network.markets[i].commodity) in ("none", "cost")
    )  # fmt: skip


def _strategic(base: Base, row: StockRow) -> StrategicStock:
    def number(cell: Cell | None, default: float) -> float:
        return default if cell is None else float(base.values[cell])

    rule: PriceTrigger | DatedRelease
    if row.release is not None:
        start, stop = year_number(row.release_from), year_number(row.release_to)
        announced = year_number(row.announced)
        rule = DatedRelease(
            number(row.release, 0.0), start or 0.0, stop or 0.0, np.inf if announced is None else announced
        )
    else:
        rule = PriceTrigger(number(row.sell_at, np.inf), number(row.buy_at, 0.0), number(row.rate, np.inf))
    return StrategicStock(
        market=base.network.market_index[base.network.market_key(row.place, row.commodity)],
        opening=number(row.opening, 0.0),
        rule=rule,
        capacity=number(row.capacity, np.inf),
        holder=row.holder or row.place,
    )


def state_at_start(base: Base, dynamics: Dynamics, levels: Floats, prices: Floats, annual: EconomyArrays) -> State:
    """Return what the base year hands to the first period.

    Args:
        base: the prepared base year.
        dynamics: what links the periods.
        levels: of the base year, t, [n].
        prices: of the base year, USD/t, [m].
        annual: its economy.
    """
    start, length = float(base.case.base_year + 1), base.timing.length
    underway: tuple[Consignment, ...] = steady_consignments(annual, levels, dynamics.transits, Period(start, 1.0))
    stocks = np.array([stock.opening * stock.kept(length) for stock in dynamics.stocks])
    own = stock_positions(base)
    stocks[: len(own)] *= levels[own] / np.maximum(base.year.levels[own], 1e-300)
    return State(
        time=start,
        stocks=stocks,
        strategic=np.array([reserve.opening for reserve in dynamics.strategic]),
        memory=np.ones(len(dynamics.memories)),
        underway=underway,
        prices=np.maximum(prices, LEAST_PRICE),
        trend=np.zeros(len(prices)),
        origin=start - 0.5 * (1.0 + length),  # use grows from the middle of the base year
    )


def period_economy(base: Base, annual: EconomyArrays, period: Period, limit_names: tuple[str, ...]) -> EconomyArrays:
    """Return the economy that the window holds: seasons in, long-run demand, and stocks left to the window.

    Args:
        base: the prepared base year.
        annual: the period's economy, levels in t a year.
        period: which.
        limit_names: of its group limits, [g].
    """
    a, b, c, upper = (part.copy() for part in (annual.curves.a, annual.curves.b, annual.curves.c, annual.upper))
    for j in memory_positions(base):
        use = reference_use(base, j, period)
        if base.kind[j] == CurveKind.LINEAR:
            a[j], b[j] = base.a[j], base.b[j] * max(base.year.levels[j], 1e-9) / use
        else:
            b[j], c[j] = use, base.c[j]
    upper[stock_positions(base)] = 0.0
    curves = annual.curves
    whole = annual.with_(
        curves=CurveTable(curves.kind, curves.shift, a, b, c, curves.d),
        upper=upper,
        fixed=np.zeros_like(annual.fixed),
    )
    if period.length >= 1.0:
        return to_period(whole, period.length) if period.length != 1.0 else whole
    return to_period(whole, period.length, **seasons_over(base, period, limit_names))


def seasons_over(base: Base, period: Period, limit_names: tuple[str, ...]) -> dict[str, Floats]:
    """Return `working` [n] and `limits` [g]: the seasons of activities and limits over a period, mean 1 over a year."""
    network = base.network
    over = {season: season_factor(period, months) for season, months in network.season_months.items()}
    working = np.ones(len(network.activities))
    for j, season in network.activity_seasons.items():
        working[j] = over[season]
    limits = np.array([over[network.limit_seasons[n]] if n in network.limit_seasons else 1.0 for n in limit_names])
    return {"working": working, "limits": limits}
