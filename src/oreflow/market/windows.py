"""Periods solved together with foresight, and window after window rolled through time.

A window of T periods is one bigger economy: the periods' own economies side by side, linked by stocks, goods underway
and investment. It is written in present-value prices (price of period t times (1 + r)^-(start_t - start_0)), so that a
stock is an ordinary activity (takes a tonne now, gives what is left of it later) and the window is an optimisation
problem wherever its periods are. Results are in current prices.

Sources: Samuelson (1952) and Takayama and Judge (1971), ch. 18, for trade over time; Wright and Williams (1991) for
storage; Hotelling (1931) for prices that rise with interest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Floats, Solution, Sparse, Status
from oreflow.market.continuation import walk
from oreflow.market.investment import Addition, Build
from oreflow.market.periods import Period, seen_share, share_within
from oreflow.market.presolve import solve_reduced
from oreflow.market.solve import SolveOptions
from oreflow.market.stocks import (
    LEAST_MEMORY,
    Consignment,
    DatedRelease,
    Expectation,
    Memory,
    PriceTrigger,
    Stock,
    StrategicStock,
    Transit,
)

_Entries = list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]]

EconomyOf = Callable[[Period, float], EconomyArrays]
"""Function of a period and of the date at which the window is solved that returns the economy expected then."""


@dataclass(frozen=True, slots=True)
class Dynamics:
    """What links the periods, and how the future is seen.

    Args:
        stocks, strategic: commercial stocks and stocks that follow a rule.
        transits: activities whose outputs arrive later.
        memories: demands with partial adjustment.
        builds: capacity that may be built with foresight inside a window.
        discount: r, share a year.
        expectation: of prices beyond the window.
    """

    stocks: tuple[Stock, ...] = ()
    strategic: tuple[StrategicStock, ...] = ()
    transits: tuple[Transit, ...] = ()
    memories: tuple[Memory, ...] = ()
    builds: tuple[Build, ...] = ()
    discount: float = 0.05
    expectation: Expectation = Expectation()


@dataclass(frozen=True, slots=True)
class State:
    """What one window hands to the next.

    Attributes:
        time: decimal year.
        stocks: t by stock at hand, what spoiled on the way left out, [S].
        strategic: t by strategic stock, [R].
        memory: past use relative to the reference, without unit, by memory, [D].
        underway: goods that have left and not arrived.
        prices: of the period before, USD/t, [m]; NaN where none is known (the anchor then stands in).
        trend: growth of the logarithm of the prices between the two periods before, a year, [m].
        origin: date of the opening stocks, decimal year; the use that stocks cover grows from there.
        additions: capacity decided so far.
    """

    time: float
    stocks: Floats
    strategic: Floats
    memory: Floats
    underway: tuple[Consignment, ...]
    prices: Floats
    trend: Floats
    origin: float
    additions: tuple[Addition, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Settings of a window.

    Args:
        solve: of the equilibrium.
        tolerance: largest relative change of demand's memory and of strategic stocks between two passes.
        passes: most passes over a window; one suffices without memories and price triggers.
    """

    solve: SolveOptions = SolveOptions()
    tolerance: float = 1e-8
    passes: int = 100


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """One period of a solved window, in current prices.

    Attributes:
        period: when.
        prices: USD/t, [m].
        levels: of the economy's own activities in the period, [n].
        capacity_rents: USD per unit, [n].
        group_rents: USD per unit of the limit, [g].
        stocks: t at the end of the period, [S].
        strategic: t at the end of the period, [R].
        sales: t sold (negative: bought) by strategic stocks in the period, [R].
        dated: t of them that a dated release put on the market, [R].
        memory: use relative to its reference, [D].
        built: capacity decided in the period, t a year, by build, [K].
        status: of the solve that the period comes from.
        arrays: the period's economy as it was solved: capacities built, demand with its memory, goods arriving.
    """

    period: Period
    prices: Floats
    levels: Floats
    capacity_rents: Floats
    group_rents: Floats
    stocks: Floats
    strategic: Floats
    sales: Floats
    dated: Floats
    memory: Floats
    built: Floats
    status: Status
    arrays: EconomyArrays


@dataclass(frozen=True, slots=True)
class WindowResult:
    """Answer of `solve_window`; a failed solve is a value with its cause.

    Attributes:
        periods: results in order.
        status, cause, residual: of the solve (the last pass), the cause empty where it is solved.
        passes: solves that demand's memory and the triggers took.
        iterations: Newton systems in all.
        opening: the state at the start.
        expected: prices beyond the window that the last period's holders went by, USD/t, [m].
        arrays, raw: the window's own economy and solution, in present-value prices, as a start for the next.
    """

    periods: tuple[PeriodResult, ...]
    status: Status
    cause: str
    residual: float
    passes: int
    iterations: int
    opening: State
    expected: Floats
    arrays: EconomyArrays
    raw: Solution

    @property
    def ok(self) -> bool:
        """True where the window is an equilibrium."""
        return self.status.ok

    @property
    def prices(self) -> Floats:
        """Prices by period and market, USD/t, [T, m]."""
        return np.array([result.prices for result in self.periods])

    @property
    def levels(self) -> Floats:
        """Levels by period and activity, [T, n]."""
        return np.array([result.levels for result in self.periods])

    @property
    def stocks(self) -> Floats:
        """Closing stocks by period, t, [T, S]."""
        return np.array([result.stocks for result in self.periods])


@dataclass(frozen=True, slots=True)
class Path:
    """Answer of `roll`: the kept periods, whether all are solved, and the window at which it ended if not.

    Attributes:
        periods: kept results in order.
        states: the state at the start of each kept period, and after the last.
        ok, cause: whether every window was solved, and in words which was not.
        iterations: Newton systems in all.
    """

    periods: tuple[PeriodResult, ...]
    states: tuple[State, ...]
    ok: bool
    cause: str
    iterations: int

    @property
    def prices(self) -> Floats:
        """Prices by period and market, USD/t, [T, m]."""
        return np.array([result.prices for result in self.periods])

    @property
    def levels(self) -> Floats:
        """Levels by period and activity, [T, n]."""
        return np.array([result.levels for result in self.periods])

    @property
    def stocks(self) -> Floats:
        """Closing stocks by period, t, [T, S]."""
        return np.array([result.stocks for result in self.periods])


def opening_state(
    dynamics: Dynamics, time: float, prices: Floats, *, underway: Sequence[Consignment] = (),
    additions: Sequence[Addition] = (),
) -> State:  # fmt: skip
    """Return the state in which every stock is at its opening level and demand is adjusted.

    Args:
        dynamics: what links the periods.
        time: decimal year.
        prices: of the period before (base year), USD/t, [m]; NaN where unknown.
        underway: goods that have left before and will arrive.
        additions: capacity decided before.

    Example:
        >>> opening_state(Dynamics(stocks=(Stock(0, 10.0, 5.0),)), 2025.0, np.array([5.0])).stocks.tolist()
        [10.0]
    """
    prices = np.asarray(prices, dtype=float)
    return State(
        time=time,
        stocks=np.array([stock.opening for stock in dynamics.stocks], dtype=float),
        strategic=np.array([stock.opening for stock in dynamics.strategic], dtype=float),
        memory=np.ones(len(dynamics.memories)),
        underway=tuple(underway),
        prices=prices,
        trend=np.zeros(len(prices)),
        origin=time,
        additions=tuple(additions),
    )


def steady_consignments(
    arrays: EconomyArrays, levels: Floats, transits: Sequence[Transit], period: Period
) -> tuple[Consignment, ...]:
    """Return the goods underway at the start of a period if flows were constant at the period's levels before.

    Args:
        arrays: the period's economy.
        levels: of its activities in the period, [n].
        transits: activities with a transit time.
        period: whose length the levels refer to.
    """
    goods = []
    for transit in transits:
        if transit.time > 0.0 and levels[transit.activity] > 0.0:
            for i, amount in _outputs(arrays.A, transit.activity):
                tonnes = amount * levels[transit.activity] * transit.time / period.length
                goods.append(Consignment(i, period.start, period.start + transit.time, tonnes))
    return tuple(goods)


def _outputs(matrix: Sparse, j: int) -> list[tuple[int, float]]:
    span = slice(matrix.indptr[j], matrix.indptr[j + 1])
    pairs = zip(matrix.indices[span].tolist(), matrix.data[span].tolist(), strict=True)
    return [(int(i), float(v)) for i, v in pairs if v > 0.0]


def _arrival_shares(period: Period, time: float, periods: Sequence[Period]) -> tuple[list[tuple[int, float]], float]:
    """Shares of what leaves evenly in a period that arrive in each later period, and the share beyond the last."""
    start, stop = period.start + time, period.stop + time
    shares = []
    for u, other in enumerate(periods):
        share = max(0.0, min(other.stop, stop) - max(other.start, start)) / period.length
        if share > 1e-12:
            shares.append((u, share))
    return shares, max(0.0, 1.0 - sum(share for _, share in shares))


def arrivals(window: WindowResult, dynamics: Dynamics, t: int) -> tuple[Floats, dict[int, float]]:
    """Return what reaches the markets of a period from departures earlier in its window, and what of its own does not.

    Args:
        window: solved.
        dynamics: with which it was solved.
        t: position of the period in the window.

    Returns:
        Tonnes that arrive by market, [m], and by activity with a transit time the share (0 to 1) of the period's own
        departures that arrives later.
    """
    periods = [result.period for result in window.periods]
    arrived, later = np.zeros(len(window.expected)), {}
    for transit in dynamics.transits:
        j = transit.activity
        own, _ = _arrival_shares(periods[t], transit.time, periods)
        later[j] = 1.0 - dict(own).get(t, 0.0)
        for result in window.periods[:t]:
            share = dict(_arrival_shares(result.period, transit.time, periods)[0]).get(t, 0.0)
            if share and result.levels[j] > 0.0:
                for i, amount in _outputs(result.arrays.A, j):
                    arrived[i] += share * amount * float(result.levels[j])
    return arrived, later


@dataclass(frozen=True, slots=True)
class _Layout:
    """Positions of the window's activities and groups."""

    m: int
    n: int
    stocks: NDArray[np.int64]  # [T, S]
    sales: NDArray[np.int64]  # [T, R], -1 without trigger
    purchases: NDArray[np.int64]  # [T, R]
    builds: NDArray[np.int64]  # [T, K]
    groups: tuple[slice, ...]
    built_rows: dict[tuple[int, int], int]  # (period, activity) -> row of G


class _Columns:
    """Collects the activities that link periods."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.physical: list[tuple[int, int, float]] = []
        self.priced: list[tuple[int, int, float]] = []
        self.limits: list[tuple[int, int, float]] = []
        self.curves: list[tuple[float, float, float, float, float, float]] = []
        self.upper: list[float] = []
        self.names: list[str] = []

    def add(
        self, name: str, net: Sequence[tuple[int, float]], curve: tuple[float, float, float, float, float, float],
        upper: float = np.inf, priced: Sequence[tuple[int, float]] | None = None,
    ) -> int:  # fmt: skip
        j = self.first + len(self.names)
        self.names.append(name)
        self.curves.append(curve)
        self.upper.append(upper)
        self.physical += [(i, j, v) for i, v in net]
        self.priced += [(i, j, v) for i, v in (net if priced is None else priced)]
        return j


def _check(dynamics: Dynamics, periods: Sequence[Period], economies: Sequence[EconomyArrays], state: State) -> None:
    if not periods or len(periods) != len(economies):
        raise EconomyError(f"window: {len(periods)} periods, {len(economies)} economies; expected as many, one or more")
    for before, after in pairwise(periods):
        if abs(before.stop - after.start) > 1e-6:
            raise EconomyError(f"window: a period ends at {before.stop:g} and the next starts at {after.start:g}; "
                               "expected periods without gaps")  # fmt: skip
    shapes = {economy.shape[:2] for economy in economies}
    if len(shapes) != 1:
        raise EconomyError(f"window: economies of shapes {sorted(shapes)}; expected the same markets and activities "
                           "in every period (give what is absent a capacity of 0)")  # fmt: skip
    m, n = shapes.pop()
    for what, position, size in (
        *(("stock: market", stock.market, m) for stock in dynamics.stocks),
        *(("strategic stock: market", reserve.market, m) for reserve in dynamics.strategic),
        *(("consignment: market", goods.market, m) for goods in state.underway),
        *(("transit: activity", transit.activity, n) for transit in dynamics.transits),
        *(("memory: activity", memory.activity, n) for memory in dynamics.memories),
        *(("build: activity", build.activity, n) for build in dynamics.builds),
        *(("addition: activity", addition.activity, n) for addition in state.additions),
    ):
        if not 0 <= position < size:
            raise EconomyError(f"{what} {position}; expected a position from 0 to {size - 1}")
    for memory in dynamics.memories:
        if not all(_adjusts(economy.curves, memory.activity) for economy in economies):
            raise EconomyError(f"memory of {economies[0].activity_name(memory.activity)}: its curve is not isoelastic "
                               "and no falling line; expected isoelastic or linear demand")  # fmt: skip
    sizes = (("stocks", state.stocks, len(dynamics.stocks)), ("strategic", state.strategic, len(dynamics.strategic)),
             ("memory", state.memory, len(dynamics.memories)), ("prices", state.prices, m),
             ("trend", state.trend, m))  # fmt: skip
    for name, array, size in sizes:
        if len(array) != size:
            raise EconomyError(f"state.{name} has {len(array)} entries; expected {size}")


def _with_additions(economy: EconomyArrays, period: Period, additions: Sequence[Addition]) -> EconomyArrays:
    if not additions:
        return economy
    upper = economy.upper.copy()
    for addition in additions:
        if np.isfinite(upper[addition.activity]):
            upper[addition.activity] += addition.available(period) * period.length
    return economy.with_(upper=np.maximum(upper, 0.0))


def _anchors(dynamics: Dynamics, before: Floats) -> Floats:
    if dynamics.expectation.anchor is not None:
        return np.asarray(dynamics.expectation.anchor, dtype=float)
    anchor = before.copy()
    for stock in dynamics.stocks:
        if stock.price > 0.0:
            anchor[stock.market] = stock.price
    return anchor


def expected_prices(dynamics: Dynamics, state: State, at: float) -> Floats:
    """Return the prices expected for a date by what is known at the state's, USD/t, [m]; NaN where nothing is known.

    Args:
        dynamics: whose expectation and anchors are used.
        state: prices of the period before and their trend.
        at: decimal year.
    """
    anchor = _anchors(dynamics, state.prices)
    before = np.where(np.isnan(state.prices), anchor, state.prices)
    return dynamics.expectation.prices(before, anchor, state.trend, state.time, at)


def _adjusts(curves: CurveTable, j: int) -> bool:
    """Whether a curve is one that demand's memory can move: isoelastic, or a line that falls from a choke price."""
    line = curves.kind[j] == CurveKind.LINEAR and curves.a[j] < 0.0 < curves.b[j]
    return bool(line or curves.kind[j] == CurveKind.ISOELASTIC)


def _demand_curves(economy: EconomyArrays, memories: Sequence[Memory], memory: Floats, length: float) -> EconomyArrays:
    """The economy with each remembered demand's short-run curve."""
    if not memories:
        return economy
    curves = economy.curves
    a, b, c = curves.a.copy(), curves.b.copy(), curves.c.copy()
    for k, demand in enumerate(memories):
        s, j, before = share_within(demand.speed, length), demand.activity, max(memory[k], LEAST_MEMORY)
        if curves.kind[j] == CurveKind.ISOELASTIC:
            b[j] = curves.b[j] * before ** (1.0 - s)
            c[j] = curves.c[j] * s
        else:  # x = s (-a - p) / b + (1 - s) times what was used before
            b[j] = curves.b[j] / s
            a[j] = curves.a[j] - b[j] * (1.0 - s) * before * demand.reference(curves)
    return economy.with_(curves=CurveTable(curves.kind, curves.shift, a, b, c, curves.d))


def build_window(
    periods: Sequence[Period], economies: Sequence[EconomyArrays], dynamics: Dynamics, state: State,
    memory: Floats | None = None, strategic: Floats | None = None,
) -> tuple[EconomyArrays, _Layout]:  # fmt: skip
    """Return the one big economy of a window in present-value prices, and where its parts are.

    Args:
        periods: T periods without gaps.
        economies: of the periods, levels in t in the period, with the additions of the state already in.
        dynamics: what links them.
        state: at the start.
        memory: demand's memory at the start of each period, [T, D]; None: that of the state throughout.
        strategic: strategic stocks at the start of each period, t, [T, R]; None: those of the state throughout.

    Raises:
        EconomyError: if shapes or positions disagree.
    """
    _check(dynamics, periods, economies, state)
    count = len(periods)
    m, n = economies[0].shape[:2]
    memory = np.tile(state.memory, (count, 1)) if memory is None else memory
    strategic = np.tile(state.strategic, (count, 1)) if strategic is None else strategic
    r, start = dynamics.discount, periods[0].start
    worth = np.array([(1.0 + r) ** -(period.start - start) for period in periods])
    end = periods[-1].stop
    solved = [
        _demand_curves(economy, dynamics.memories, memory[t], periods[t].length) for t, economy in enumerate(economies)
    ]
    late = {transit.activity: transit.time for transit in dynamics.transits if transit.time > 0.0}
    columns = _Columns(count * n)
    physical: _Entries = []
    priced: _Entries = []
    shift = [worth[t] * solved[t].curves.shift for t in range(count)]
    fixed = [solved[t].fixed.copy() for t in range(count)]
    for t, economy in enumerate(solved):
        for matrix, entries in ((economy.A, physical), (economy.B, priced)):
            coo = matrix.tocoo()
            moved = (coo.data > 0.0) & np.isin(coo.col, list(late)) if late else np.zeros(coo.nnz, dtype=bool)
            entries.append((coo.row[~moved] + t * m, coo.col[~moved] + t * n, coo.data[~moved]))
            for i, j, value in zip(coo.row[moved], coo.col[moved], coo.data[moved], strict=True):
                shares, beyond = _arrival_shares(periods[t], late[int(j)], periods)
                for u, share in shares:
                    entries.append((np.array([i + u * m]), np.array([j + t * n]), np.array([value * share])))
                if beyond > 1e-12 and entries is priced:
                    middle = max(end, periods[t].start + late[int(j)]) + 0.5 * beyond * periods[t].length
                    price = expected_prices(dynamics, state, middle)[i]
                    _known(price, economy, int(i))
                    shift[t][j] -= value * beyond * price * (1.0 + r) ** -(middle - start)
        for goods in state.underway:
            fixed[t][goods.market] -= goods.arriving(periods[t])
        for reserve in dynamics.strategic:
            if isinstance(reserve.rule, DatedRelease):
                fixed[t][reserve.market] -= _dated(reserve.rule, periods[t], start)
    for stock, held in zip(dynamics.stocks, state.stocks, strict=True):
        fixed[0][stock.market] -= held
    terminal = expected_prices(dynamics, state, end)
    stock_at = np.array(
        [[_stock_column(columns, stock, t, periods, dynamics, terminal, worth, economies[t], state.origin)
          for stock in dynamics.stocks] for t in range(count)], dtype=np.int64,
    ).reshape(count, len(dynamics.stocks))  # fmt: skip
    sales = np.full((count, len(dynamics.strategic)), -1, dtype=np.int64)
    purchases = sales.copy()
    for t, period in enumerate(periods):
        for k, reserve in enumerate(dynamics.strategic):
            rule, row = reserve.rule, t * m + reserve.market
            if isinstance(rule, PriceTrigger):
                most = rule.rate * period.length
                if np.isfinite(rule.sell_at):
                    curve = (CurveKind.CONSTANT, 0.0, rule.sell_at * worth[t], 0.0, 1.0, np.inf)
                    where = f"{economies[t].market_name(reserve.market)}, {period.start:g}"
                    name = f"sale of {reserve.holder} stock, {where}"
                    sales[t, k] = columns.add(name, [(row, 1.0)], curve, min(most, strategic[t, k]))
                if rule.buy_at > 0.0:
                    curve = (CurveKind.CONSTANT, 0.0, -rule.buy_at * worth[t], 0.0, 1.0, np.inf)
                    room = max(reserve.capacity - strategic[t, k], 0.0)
                    where = f"{economies[t].market_name(reserve.market)}, {period.start:g}"
                    name = f"purchase for {reserve.holder} stock, {where}"
                    purchases[t, k] = columns.add(name, [(row, -1.0)], curve, min(most, room))
    edges = np.cumsum([0, *(economy.shape[2] for economy in solved)])
    upper = [economy.upper.copy() for economy in solved]
    extra_h: list[float] = []
    extra_names: list[str] = []
    built_rows: dict[tuple[int, int], int] = {}
    group_entries: list[tuple[int, int, float]] = []
    for build in dynamics.builds:
        for t in range(count):
            j = build.activity
            if build.group is not None:
                built_rows[t, j] = int(edges[t]) + build.group
            elif (t, j) not in built_rows and np.isfinite(upper[t][j]):
                built_rows[t, j] = int(edges[-1]) + len(extra_h)
                group_entries.append((built_rows[t, j], t * n + j, 1.0))
                extra_h.append(float(upper[t][j]))
                extra_names.append(f"capacity of {economies[t].activity_name(j)}, {periods[t].start:g}")
                upper[t][j] = np.inf
    build_at = np.zeros((count, len(dynamics.builds)), dtype=np.int64)
    for k, build in enumerate(dynamics.builds):
        for t, period in enumerate(periods):
            online = [build.online(period, other) for other in periods]
            yearly = build.annual_charge(period.length, r)
            cost = sum(
                yearly * share * other.length * w for share, other, w in zip(online, periods, worth, strict=True)
            )
            curve = (CurveKind.CONSTANT, 0.0, cost, 0.0, 1.0, np.inf)
            allowed = build.allowed(period) if sum(online) > 0.0 else 0.0
            name = f"build {economies[t].activity_name(build.activity)}, {period.start:g}"
            build_at[t, k] = columns.add(name, [], curve, allowed)
            for u, share in enumerate(online):
                if share > 0.0 and (u, build.activity) in built_rows:
                    row = built_rows[u, build.activity]
                    group_entries.append((row, int(build_at[t, k]), -share * periods[u].length))
    arrays = _assemble(
        solved,
        columns,
        physical,
        priced,
        shift,
        fixed,
        upper,
        worth,
        edges,
        group_entries,
        extra_h,
        extra_names,
        periods,
    )
    groups = tuple(slice(int(edges[t]), int(edges[t + 1])) for t in range(count))
    return arrays, _Layout(m, n, stock_at, sales, purchases, build_at, groups, built_rows)


def _known(price: float, economy: EconomyArrays, market: int) -> None:
    if np.isnan(price):
        raise EconomyError(
            f"no price is expected for {economy.market_name(market)} beyond the window; give the state a price of the "
            "period before, or the expectation an anchor"
        )


def _dated(rule: DatedRelease, period: Period, known_at: float) -> float:
    seen = seen_share(period, known_at, rule.start, rule.stop, rule.announced)
    return rule.tonnes * seen * period.length / (rule.stop - rule.start)


def _stock_column(
    columns: _Columns, stock: Stock, t: int, periods: Sequence[Period], dynamics: Dynamics, terminal: Floats,
    worth: Floats, economy: EconomyArrays, origin: float,
) -> int:  # fmt: skip
    """Add the stock carried out of period t: what it costs, what it is worth now, and what is left of it later."""
    years, r, m = periods[t].length, dynamics.discount, economy.shape[0]
    kept, factor = stock.kept(years), (1.0 + r) ** -years
    name = f"stock of {stock.holder}, {economy.market_name(stock.market)}, end of {periods[t].start:g}"
    row, net = t * m + stock.market, [(t * m + stock.market, -1.0)]
    shift, value = stock.holding_cost * years, None
    if t + 1 < len(periods):
        net.append((row + m, kept))
    elif dynamics.expectation.within and dynamics.expectation.rule in ("anchor", "last"):
        # expected = left * (price of this period) + (1 - left) * anchor, coupled through the price coefficient
        left = dynamics.expectation.weight**years if dynamics.expectation.rule == "anchor" else 1.0
        anchor = 0.0 if left == 1.0 else float(_anchors(dynamics, np.full(economy.shape[0], np.nan))[stock.market])
        _known(anchor, economy, stock.market)
        value = [(row, -(1.0 - kept * factor * left))]
        shift -= kept * factor * (1.0 - left) * anchor
    else:
        _known(terminal[stock.market], economy, stock.market)
        shift -= kept * factor * float(terminal[stock.market])
    if stock.elasticity is None:
        flat = (CurveKind.CONSTANT, shift * worth[t], 0.0, 0.0, 1.0, np.inf)
        return columns.add(name, net, flat, stock.room, value)
    convenience = stock.base_convenience(years, r) * worth[t]
    desired = stock.level * (1.0 + stock.growth) ** (periods[t].start - origin)
    choke = convenience * stock.choke
    curve = (CurveKind.ISOELASTIC, shift * worth[t], convenience, desired, stock.elasticity, choke)
    return columns.add(name, net, curve, stock.room, value)


def _assemble(
    solved: Sequence[EconomyArrays], columns: _Columns, physical: _Entries, priced: _Entries, shift: list[Floats],
    fixed: list[Floats], upper: list[Floats],
    worth: Floats, edges: Floats, group_entries: list[tuple[int, int, float]], extra_h: list[float],
    extra_names: list[str], periods: Sequence[Period],
) -> EconomyArrays:  # fmt: skip
    """Put the periods side by side and append the linking activities and the limits of what is built."""
    count, m = len(solved), solved[0].shape[0]
    width, limits = columns.first + len(columns.names), int(edges[-1]) + len(extra_h)

    def matrix(blocks: _Entries, links: list[tuple[int, int, float]]) -> Sparse:
        rows, cols, data = zip(*links, strict=True) if links else ((), (), ())
        return sp.csc_array(
            (
                np.concatenate([*(block[2] for block in blocks), np.array(data, dtype=float)]),
                (
                    np.concatenate([*(block[0] for block in blocks), np.array(rows, dtype=np.int64)]),
                    np.concatenate([*(block[1] for block in blocks), np.array(cols, dtype=np.int64)]),
                ),
            ),
            shape=(count * m, width),
        )

    link = np.array(columns.curves, dtype=float).reshape(-1, 6)
    own = [economy.curves for economy in solved]
    curved = [curve.kind == CurveKind.ISOELASTIC for curve in own]
    scale_b = [np.where(bent, 1.0, w) for bent, w in zip(curved, worth, strict=True)]
    scale_d = [np.where(bent, w, 1.0) for bent, w in zip(curved, worth, strict=True)]
    table = CurveTable(
        np.concatenate([*(curve.kind for curve in own), link[:, 0].astype(np.int8)]),
        np.concatenate([*shift, link[:, 1]]),
        np.concatenate([*(w * curve.a for w, curve in zip(worth, own, strict=True)), link[:, 2]]),
        np.concatenate([*(s * curve.b for s, curve in zip(scale_b, own, strict=True)), link[:, 3]]),
        np.concatenate([*(curve.c for curve in own), link[:, 4]]),
        np.concatenate([*(s * curve.d for s, curve in zip(scale_d, own, strict=True)), link[:, 5]]),
    )
    blocks = []
    n = solved[0].shape[1]
    for t, economy in enumerate(solved):
        coo = economy.G.tocoo()
        blocks.append((coo.row + int(edges[t]), coo.col + t * n, coo.data))
    rows, cols, data = zip(*group_entries, strict=True) if group_entries else ((), (), ())
    g = sp.csr_array(
        (
            np.concatenate([*(block[2] for block in blocks), np.array(data, dtype=float)]),
            (
                np.concatenate([*(block[0] for block in blocks), np.array(rows, dtype=np.int64)]),
                np.concatenate([*(block[1] for block in blocks), np.array(cols, dtype=np.int64)]),
            ),
        ),
        shape=(limits, width),
    )
    coupling = None
    if any(economy.K is not None for economy in solved):
        parts = [sp.csc_array((n, n)) if e.K is None else w * e.K for w, e in zip(worth, solved, strict=True)]
        links = sp.csc_array((width - columns.first, width - columns.first))
        coupling = sp.csc_array(sp.block_diag([*parts, links], format="csc"))
    when = [f"{period.start:g}" for period in periods]
    return EconomyArrays(
        A=matrix(physical, columns.physical),
        B=matrix(priced, columns.priced),
        curves=table,
        upper=np.concatenate([*upper, np.array(columns.upper, dtype=float)]),
        fixed=np.concatenate(fixed),
        equality=np.concatenate([economy.equality for economy in solved]),
        G=g,
        h=np.concatenate([*(economy.h for economy in solved), np.array(extra_h, dtype=float)]),
        K=coupling,
        market_names=tuple(f"{e.market_name(i)}, {w}" for e, w in zip(solved, when, strict=True) for i in range(m)),
        activity_names=(
            *(f"{e.activity_name(j)}, {w}" for e, w in zip(solved, when, strict=True) for j in range(n)),
            *columns.names,
        ),
        group_names=(
            *(f"{e.group_name(k)}, {w}" for e, w in zip(solved, when, strict=True) for k in range(e.shape[2])),
            *extra_names,
        ),
    )


def solve_window(
    periods: Sequence[Period], economies: Sequence[EconomyArrays], dynamics: Dynamics, state: State,
    *, previous: WindowResult | None = None, options: WindowOptions = WindowOptions(),
) -> WindowResult:  # fmt: skip
    """Return the equilibrium of a window of periods whose agents foresee it (demand's memory excepted).

    Args:
        periods: T periods without gaps.
        economies: what holds in each, levels in t in the period (`to_period` makes one from yearly data), same markets
            and activities in all.
        dynamics: stocks, goods underway, memories, builds, discount and expectation.
        state: stocks and goods at the start; prices of the period before.
        previous: a solved window of the same markets, activities and dynamics to start from, as the one before.
        options: tolerances and limits.

    Returns:
        Prices, levels, stocks and rents by period, with a status; a solve that fails is a value with its cause.

    Raises:
        EconomyError: if shapes, positions or numbers contradict each other.

    Example:
        >>> state = opening_state(dynamics, 2025.0, prices)  # doctest: +SKIP
        >>> window = solve_window(periods, economies, dynamics, state)  # doctest: +SKIP
        >>> window.ok, window.prices, window.stocks  # doctest: +SKIP
    """
    economies = [_with_additions(e, p, state.additions) for e, p in zip(economies, periods, strict=True)]
    _check(dynamics, periods, economies, state)
    count = len(periods)
    warm = None
    memory = np.tile(state.memory, (count, 1))
    known: tuple[EconomyArrays, Solution] | None = None
    if previous is not None and previous.ok:
        warm = _shifted_start(previous, periods, economies, dynamics)
        memory = _shifted_memory(previous, periods)
        memory[0] = state.memory
        if not dynamics.builds and [result.period.length for result in previous.periods] == [p.length for p in periods]:
            known = _renamed(previous, periods), previous.raw
    strategic = np.tile(state.strategic, (count, 1))
    dated = _dated_sales(dynamics, periods, state)
    strategic = np.maximum(strategic - np.cumsum(np.vstack([np.zeros(dated.shape[1]), dated]), axis=0)[:-1], 0.0)
    cause, iterations, passes = "", 0, 0
    points: list[Floats] = []
    images: list[Floats] = []
    while True:
        arrays, layout = build_window(periods, economies, dynamics, state, memory, strategic)
        solution = solve_reduced(arrays, _fitting(warm, arrays), options.solve)
        if not solution.ok and warm is not None:
            iterations += solution.iterations
            solution = solve_reduced(arrays, None, options.solve)
        if not solution.ok and count > 1 and passes == 0:
            iterations += solution.iterations
            alone = _one_by_one(periods, economies, dynamics, state, options)
            if alone is not None:
                solution = solve_reduced(arrays, _fitting(alone, arrays), options.solve)
        if not solution.ok and known is not None:
            iterations += solution.iterations
            solution = walk(*known, arrays, options.solve)
        known = (arrays, solution) if solution.ok else None
        passes, iterations = passes + 1, iterations + solution.iterations
        if not solution.ok:
            break
        after_memory, after_strategic, _ = _carried(layout, periods, economies, dynamics, state, solution, dated)
        new_memory = np.vstack([state.memory, after_memory[:-1]])
        new_strategic = np.vstack([state.strategic, after_strategic[:-1]])
        change = float(np.abs(np.log(new_memory / memory)).max(initial=0.0))
        size = np.maximum(np.abs(strategic).max(initial=0.0), 1e-300)
        moved = float(np.abs(new_strategic - strategic).max(initial=0.0) / size)
        if max(change, moved) <= options.tolerance:
            break
        if passes >= options.passes:
            cause = (
                f"demand's memory or a strategic stock did not settle in {passes} passes: the last changed them by "
                f"{max(change, moved):.1e}; expected {options.tolerance:.0e} (shorten the periods, or raise `passes`)"
            )
            break
        if moved > options.tolerance or not dynamics.memories:
            points, images = [], []  # the trigger's bounds move: Anderson's history is void
            memory = new_memory
        else:
            points.append(np.log(memory).ravel())
            images.append(np.log(new_memory).ravel())
            memory = np.exp(_anderson(points[-5:], images[-5:])).reshape(memory.shape)
            memory[0] = state.memory
        strategic, warm = new_strategic, solution
    status = Status.ITERATION_LIMIT if cause else solution.status
    results = _results(layout, periods, economies, arrays, dynamics, state, solution, memory, dated, status)
    expected = expected_prices(dynamics, state, periods[-1].stop)
    return WindowResult(
        results,
        status,
        cause or solution.cause,
        solution.residual,
        passes,
        iterations,
        state,
        expected,
        arrays,
        solution,
    )


def _one_by_one(
    periods: Sequence[Period],
    economies: Sequence[EconomyArrays],
    dynamics: Dynamics,
    state: State,
    options: WindowOptions,
) -> Solution | None:
    """A start for a window from its periods solved in turn without foresight; None where one of them fails."""
    alone: list[PeriodResult] = []
    window: WindowResult | None = None
    plain = replace(state, additions=())
    for period, economy in zip(periods, economies, strict=True):
        window = solve_window([period], [economy], dynamics, plain, previous=window, options=options)
        if not window.ok:
            return None
        alone.append(window.periods[0])
        plain = replace(state_after(window, dynamics), additions=())
    if window is None:
        return None
    return _shifted_start(replace(window, periods=tuple(alone)), periods, economies, dynamics)


def _dated_sales(dynamics: Dynamics, periods: Sequence[Period], state: State) -> Floats:
    """Tonnes that dated releases put on the market by period, [T, R]."""
    return np.array(
        [
            [
                _dated(reserve.rule, period, periods[0].start) if isinstance(reserve.rule, DatedRelease) else 0.0
                for reserve in dynamics.strategic
            ]
            for period in periods
        ]
    ).reshape(len(periods), len(state.strategic))


def _fitting(start: Solution | None, arrays: EconomyArrays) -> Solution | None:
    if start is None or len(start.levels) != len(arrays.upper) or len(start.prices) != len(arrays.fixed):
        return None
    if len(start.group_rents) != len(arrays.h):
        return replace(start, group_rents=np.zeros(len(arrays.h)))
    return start


def _anderson(points: Sequence[Floats], images: Sequence[Floats]) -> Floats:
    """Next point of Anderson's iteration for a fixed point (Walker and Ni, 2011)."""
    gap = images[-1] - points[-1]
    if len(points) == 1:
        return images[-1]
    gaps = np.array([gap - (image - point) for point, image in zip(points[:-1], images[:-1], strict=True)]).T
    weights = np.linalg.lstsq(gaps, gap, rcond=1e-10)[0]
    back = np.array([images[-1] - image for image in images[:-1]]).T @ weights
    return np.asarray(points[-1] + np.clip(images[-1] - back - points[-1], -1.0, 1.0))


def _carried(
    layout: _Layout, periods: Sequence[Period], economies: Sequence[EconomyArrays], dynamics: Dynamics, state: State,
    solution: Solution, dated: Floats,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Memory [T, D], strategic stocks [T, R] at the end of each period, and their sales [T, R]."""
    count, levels = len(periods), solution.levels
    memory = np.empty((count, len(dynamics.memories)))
    for t, economy in enumerate(economies):
        for k, demand in enumerate(dynamics.memories):
            used = levels[t * layout.n + demand.activity] / demand.reference(economy.curves)
            memory[t, k] = max(used, LEAST_MEMORY)
    sold = np.where(layout.sales >= 0, levels[layout.sales], 0.0)
    sold = sold - np.where(layout.purchases >= 0, levels[layout.purchases], 0.0) + dated
    strategic = np.maximum(state.strategic - np.cumsum(sold, axis=0), 0.0)  # overdrawn in early passes only
    return memory, strategic, sold


def _results(
    layout: _Layout, periods: Sequence[Period], economies: Sequence[EconomyArrays], arrays: EconomyArrays,
    dynamics: Dynamics, state: State, solution: Solution, memory: Floats, dated: Floats, status: Status,
) -> tuple[PeriodResult, ...]:  # fmt: skip
    """Undo the present values and name the parts."""
    m, n, r = layout.m, layout.n, dynamics.discount
    after_memory, strategic, sold = _carried(layout, periods, economies, dynamics, state, solution, dated)
    out = []
    for t, (period, economy) in enumerate(zip(periods, economies, strict=True)):
        worth = (1.0 + r) ** -(period.start - periods[0].start)
        rents = solution.capacity_rents[t * n : (t + 1) * n] / worth
        upper = economy.upper.copy()
        for (u, j), row in layout.built_rows.items():
            if u == t and row >= layout.groups[-1].stop:
                rents[j] = solution.group_rents[row] / worth
                installed = -sum(
                    arrays.G[row, int(column)] * solution.levels[int(column)] for column in layout.builds.ravel()
                )
                upper[j] += installed
        fixed = arrays.fixed[t * m : (t + 1) * m]
        seen = _demand_curves(economy, dynamics.memories, memory[t], period.length)
        out.append(
            PeriodResult(
                period=period,
                prices=solution.prices[t * m : (t + 1) * m] / worth,
                levels=solution.levels[t * n : (t + 1) * n],
                capacity_rents=rents,
                group_rents=solution.group_rents[layout.groups[t]] / worth,
                stocks=solution.levels[layout.stocks[t]],
                strategic=strategic[t],
                sales=sold[t],
                dated=dated[t],
                memory=after_memory[t],
                built=solution.levels[layout.builds[t]],
                status=status,
                arrays=seen.with_(upper=upper, fixed=fixed),
            )
        )
    return tuple(out)


def state_after(window: WindowResult, dynamics: Dynamics, keep: int = 1) -> State:
    """Return the state that the first `keep` periods of a window leave.

    Args:
        window: solved.
        dynamics: with which it was solved.
        keep: periods, 1 to T.

    Raises:
        EconomyError: if the window is not solved or has fewer periods.
    """
    if not window.ok or not 1 <= keep <= len(window.periods):
        raise EconomyError(f"state after {keep} periods of a window of {len(window.periods)}, {window.status.value}; "
                           "expected a solved window with as many periods")  # fmt: skip
    opening, kept = window.opening, window.periods[:keep]
    last = kept[-1]
    time = last.period.stop
    goods = [goods for goods in opening.underway if goods.stop > time]
    late = {transit.activity: transit.time for transit in dynamics.transits if transit.time > 0.0}
    additions = list(opening.additions)
    for result in kept:
        for j, delay in late.items():
            if result.levels[j] > 0.0 and result.period.stop + delay > time:
                for i, amount in _outputs(result.arrays.A, j):
                    tonnes = amount * float(result.levels[j])
                    goods.append(Consignment(i, result.period.start + delay, result.period.stop + delay, tonnes))
        for build, size in zip(dynamics.builds, result.built, strict=True):
            if size > 0.0:
                additions.append(build.addition(result.period, float(size)))
    sound = np.array([stock.kept(last.period.length) for stock in dynamics.stocks])
    before = window.periods[keep - 2] if keep > 1 else None
    earlier = before.prices if before is not None else opening.prices
    years = last.period.length if before is None else last.period.start - before.period.start
    with np.errstate(all="ignore"):
        trend = np.log(last.prices / earlier) / years
    return State(
        time=time, stocks=last.stocks * sound, strategic=last.strategic, memory=last.memory, underway=tuple(goods),
        prices=last.prices, trend=np.where(np.isfinite(trend), trend, 0.0), origin=opening.origin,
        additions=tuple(additions),
    )  # fmt: skip


Between = Callable[[State, PeriodResult], tuple[Addition, ...]]
"""Decisions between windows: capacity added (or taken out) after a kept period, seen from the state it left."""


def roll(
    grid: Sequence[Period], economy: EconomyOf, dynamics: Dynamics, state: State, *, window: float = 1.0,
    beyond: float = 0.0, between: Between | None = None, options: WindowOptions = WindowOptions(),
) -> Path:  # fmt: skip
    """Return the path of an economy whose agents see `window` years ahead, solved window after window.

    Each window starts from the state left, sees what is known at its start, and keeps its first period. A window as
    long as a period is myopic; one as long as the grid is perfect foresight.

    Args:
        grid: the periods wanted, without gaps.
        economy: function (period, date at which the window is solved) that returns the period's economy as known then;
            `seen_share` says what an announced or unannounced measure counts. It is asked for periods up to `beyond`
            years after the grid.
        dynamics: what links the periods.
        state: at the start of the grid.
        window: years of foresight; at least the first period is solved.
        beyond: years after the grid that windows may reach into (ten for perfect foresight with investment), in periods
            as long as the last.
        between: decisions between windows, such as entry (`oreflow.market.investment.entry`).
        options: tolerances and limits.

    Returns:
        Kept periods and states; a window that finds no equilibrium ends the path with `ok` false and the cause.

    Raises:
        EconomyError: if the window is not positive, or data contradict each other.

    Example:
        >>> path = roll(periods_between(2025, 2030, 4), economy, dynamics, state, window=3.0)  # doctest: +SKIP
    """
    if not window > 0.0 or beyond < 0.0 or not grid:
        raise EconomyError(f"roll: window {window:g}, beyond {beyond:g}, {len(grid)} periods; expected a window above "
                           "0, beyond of 0 or more, and a period")  # fmt: skip
    last = grid[-1]
    longer = [*grid]
    while beyond > 0.0 and longer[-1].stop < last.stop + beyond - 1e-9:
        longer.append(Period(longer[-1].stop, last.length))
    kept: list[PeriodResult] = []
    states = [state]
    iterations = 0
    previous: WindowResult | None = None
    for k, first in enumerate(grid):
        ahead = [period for period in longer[k:] if period.start < first.start + window - 1e-9] or [first]
        economies = [economy(period, first.start) for period in ahead]
        result = solve_window(ahead, economies, dynamics, states[-1], previous=previous, options=options)
        iterations += result.iterations
        if not result.ok:
            cause = f"window of {first.start:g}: {result.status.value}: {result.cause}"
            return Path(tuple(kept), tuple(states), False, cause, iterations)
        kept.append(result.periods[0])
        after = state_after(result, dynamics)
        if between is not None:
            after = replace(after, additions=(*after.additions, *between(after, result.periods[0])))
        states.append(after)
        previous = result
    return Path(tuple(kept), tuple(states), True, "", iterations)


def _renamed(previous: WindowResult, periods: Sequence[Period]) -> EconomyArrays:
    """The last window's economy with its limits dated as the next one's, so that a walk between them can match them."""
    dated = zip(previous.periods, periods, strict=True)
    names = [f"{r.arrays.group_name(k)}, {p.start:g}" for r, p in dated for k in range(r.arrays.shape[2])]
    return previous.arrays.with_(group_names=tuple(names))


def _shifted_memory(previous: WindowResult, ahead: Sequence[Period]) -> Floats:
    """Demand's memory at the start of each period of the next window as the last window saw it, [T, D]."""
    by_stop = {round(result.period.stop, 6): result.memory for result in previous.periods}
    return np.array([by_stop.get(round(period.start, 6), previous.periods[-1].memory) for period in ahead])


def _shifted_start(
    previous: WindowResult, ahead: Sequence[Period], economies: Sequence[EconomyArrays], dynamics: Dynamics
) -> Solution | None:
    """A start for the next window: each period as the last window saw it, the new ones as its last period."""
    by_start = {round(result.period.start, 6): result for result in previous.periods}
    chosen = [by_start.get(round(period.start, 6), previous.periods[-1]) for period in ahead]
    worth = [(1.0 + dynamics.discount) ** -(period.start - ahead[0].start) for period in ahead]
    sales = []
    for result in chosen:
        for k, reserve in enumerate(dynamics.strategic):
            if isinstance(reserve.rule, PriceTrigger):
                if np.isfinite(reserve.rule.sell_at):
                    sales.append(max(float(result.sales[k]), 0.0))
                if reserve.rule.buy_at > 0.0:
                    sales.append(max(-float(result.sales[k]), 0.0))
    levels = np.concatenate([
        *(result.levels for result in chosen), *(result.stocks for result in chosen), np.array(sales),
        np.array([result.built for result in chosen]).T.ravel(),
    ])  # fmt: skip
    rents = [
        result.group_rents * w if len(result.group_rents) == economy.shape[2] else np.zeros(economy.shape[2])
        for result, economy, w in zip(chosen, economies, worth, strict=True)
    ]
    extra = dict.fromkeys(build.activity for build in dynamics.builds)
    limits: list[float] = []
    for build in extra:
        limits += [
            float(result.capacity_rents[build] * w)
            for result, economy, w in zip(chosen, economies, worth, strict=True)
            if np.isfinite(economy.upper[build])
        ]
    return replace(
        previous.raw,
        prices=np.concatenate([result.prices * w for result, w in zip(chosen, worth, strict=True)]),
        levels=levels,
        capacity_rents=np.zeros(len(levels)),
        group_rents=np.concatenate([*rents, np.array(limits)]),
    )
