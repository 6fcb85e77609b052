"""A year of a run solved as the first of a window of years that its agents foresee.

The base year is history and is solved alone. From then on, with `Settings.window` above one year, holders of stock
see the years of the window as they are known at its start: measures from their announcement or start, projects,
growth. Trade links and consumers do not look ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oreflow.chain.network import Kind
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Solution
from oreflow.market.periods import Period, seen_share
from oreflow.market.solve import SolveOptions
from oreflow.market.stocks import LEAST_MEMORY, Expectation, Memory, Stock
from oreflow.market.windows import (
    Dynamics,
    State,
    WindowOptions,
    WindowResult,
    solve_window,
)

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.study.base import Base

Floats = NDArray[np.float64]
FORESEEN = 1e-7
"""Scaled residual at which a window counts as solved; the balances of its first year are then closed to rounding."""
FORESEEN_MEMORY = 1e-4
"""Largest relative change of foreseen demand between two passes over a window."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The first year of a solved window: its economy with what stocks are worth next year, and its solution."""

    arrays: EconomyArrays
    solution: Solution
    window: WindowResult


def known_instruments(instruments: tuple[Instrument, ...], year: int, seen_from: int) -> tuple[Instrument, ...]:
    """Return the measures that count in `year` for somebody who looks ahead from the start of `seen_from`.

    An announced measure is known from its announcement, any other from the year in which it starts.
    """
    whole = Period(float(year), 1.0)

    def seen(instrument: Instrument) -> bool:
        if year <= seen_from or instrument.start is None or instrument.start < seen_from + 1.0:
            return True
        announced = np.inf if instrument.announced is None else float(instrument.announced)
        return seen_share(whole, float(seen_from), float(instrument.start), np.inf, announced) > 0.0

    return tuple(instrument for instrument in instruments if seen(instrument))


def stock_positions(base: Base) -> NDArray[np.int64]:
    """Return the positions of the activities that are stocks, [S]."""
    activities = base.network.activities
    return np.array([j for j, activity in enumerate(activities) if activity.kind is Kind.STOCK], dtype=np.int64)


def solve_ahead(
    base: Base,
    years: Mapping[int, EconomyArrays],
    levels: Floats,
    prices: Floats,
    previous: WindowResult | None,
) -> Foreseen:
    """Return the first of some years that are solved together.

    Args:
        base: the prepared base year.
        years: economies of consecutive years after the base year as they are known now, levels in t a year.
        levels: of the year before, t, [n]; those of stocks are what is held.
        prices: of the year before, USD/t, [m].
        previous: window solved a year before, to start from.
    """
    first = min(years)
    periods = [Period(float(year), 1.0) for year in sorted(years)]
    stocks = stock_positions(base)
    memories = _memories(base)
    dynamics = Dynamics(
        stocks=tuple(_stock(base, int(j), float(levels[j]), years[first]) for j in stocks),
        memories=tuple(Memory(j, float(base.network.adjustment[j])) for j in memories),
        discount=base.discount,
        expectation=Expectation(weight=base.settings.expectation, anchor=np.maximum(base.calibration.prices, 1.0)),
    )
    state = State(
        time=float(first),
        stocks=levels[stocks],
        strategic=np.zeros(0),
        memory=np.array([max(levels[j] / _target(base, j, first - 1), LEAST_MEMORY) for j in memories]),
        underway=(),
        prices=np.maximum(prices, 1.0),
        trend=np.zeros(len(prices)),
        origin=float(first),
    )
    economies = [_long_run(base, years[year], year, stocks, memories) for year in sorted(years)]
    # the memory of the first year is known; later passes only refine what is foreseen of the others
    options = WindowOptions(SolveOptions(tolerance=max(base.settings.tolerance, FORESEEN)), tolerance=FORESEEN_MEMORY)
    window = solve_window(periods, economies, dynamics, state, previous=previous, options=options)
    return _first_year(base, years[first], window, stocks, dynamics)


def _memories(base: Base) -> tuple[int, ...]:
    return tuple(
        j
        for j, activity in enumerate(base.network.activities)
        if activity.kind is Kind.DEMAND and base.kind[j] == CurveKind.ISOELASTIC and base.network.adjustment[j] < 1.0
    )


def _target(base: Base, j: int, year: int) -> float:
    """Reference use of a demand in a year, t."""
    grown: float = base.year.levels[j] * (1.0 + base.network.growth[j]) ** (year - base.case.base_year)
    return max(grown, 1e-9)


def _stock(base: Base, j: int, held: float, economy: EconomyArrays) -> Stock:
    activity = base.network.activities[j]
    market = activity.flows[0][0]
    return Stock(
        market=market,
        opening=held,
        price=max(float(base.calibration.prices[market]), 1.0),
        desired=float(base.b[j]),
        elasticity=float(base.c[j]),
        holding_cost=float(base.network.holding_cost[j]),
        capacity=float(economy.upper[j]),
        holder=activity.row,
    )


def _long_run(
    base: Base, economy: EconomyArrays, year: int, stocks: NDArray[np.int64], memories: tuple[int, ...]
) -> EconomyArrays:
    """The year's economy with long-run demand and without its own stocks, which the window holds."""
    b, c, upper = economy.curves.b.copy(), economy.curves.c.copy(), economy.upper.copy()
    for j in memories:
        b[j], c[j] = _target(base, j, year), base.c[j]
    upper[stocks] = 0.0
    curves = economy.curves
    return economy.with_(
        curves=CurveTable(curves.kind, curves.shift, curves.a, b, c, curves.d),
        upper=upper,
        fixed=np.zeros_like(economy.fixed),
    )


def _first_year(
    base: Base, economy: EconomyArrays, window: WindowResult, stocks: NDArray[np.int64], dynamics: Dynamics
) -> Foreseen:
    """Put stocks back among the year's own activities, each worth next year what the window says."""
    result = window.periods[0]
    after = window.periods[1].prices if len(window.periods) > 1 else window.expected
    levels, rents, upper = result.levels.copy(), result.capacity_rents.copy(), result.arrays.upper.copy()
    curves = result.arrays.curves
    shift = curves.shift.copy()
    levels[stocks] = result.stocks
    upper[stocks] = economy.upper[stocks]
    for j, stock in zip(stocks, dynamics.stocks, strict=True):
        shift[j] = stock.holding_cost - after[stock.market] / (1.0 + base.discount)
    whole = CurveTable(curves.kind, shift, curves.a, curves.b, curves.c, curves.d)
    arrays = result.arrays.with_(curves=whole, upper=upper)
    cost = whole.marginal(np.maximum(levels, 1e-300))
    for j, stock in zip(stocks, dynamics.stocks, strict=True):
        full = levels[j] >= upper[j] * (1.0 - 1e-9)
        rents[j] = max(-cost[j] - result.prices[stock.market], 0.0) if full else 0.0
    solution = replace(
        window.raw,
        prices=result.prices,
        levels=levels,
        capacity_rents=rents,
        group_rents=result.group_rents,
        status=window.status,
        residual=window.residual,
        iterations=window.iterations,
        cause=window.cause,
    )
    return Foreseen(arrays, solution, window)
