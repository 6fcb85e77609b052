"""A run in windows: periods solved together as far as they are foreseen, window after window.

A window begins at the start of each calendar year, and earlier whenever something becomes known that was not: its
periods up to the next such date are kept. Between windows capacity is decided (`oreflow.study.decisions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Solution, Sparse, Status
from oreflow.market.investment import PricesAt
from oreflow.market.periods import Period, periods_between
from oreflow.market.polish import close_balances
from oreflow.market.solve import SolveOptions
from oreflow.market.stocks import Stock
from oreflow.market.terms import Term
from oreflow.market.windows import (
    Dynamics,
    State,
    WindowOptions,
    WindowResult,
    arrivals,
    expected_prices,
    solve_window,
    state_after,
)
from oreflow.study.decisions import Commitments, builds_of, decide
from oreflow.study.foresight import (
    dynamics_of,
    period_economy,
    state_at_start,
    stock_positions,
    strategic_rows,
)

if TYPE_CHECKING:
    from oreflow.study.base import Base
    from oreflow.study.run import Assembled

Floats = NDArray[np.float64]
FORESEEN_MEMORY = 1e-3
"""Largest relative change of foreseen demand between two passes; in the first period of a window none is foreseen."""
ROUNDING = 1e-4
"""Largest share of a market's throughput that counts as rounding of its balance."""
DUST = 1e-9
"""Tonnes that are nothing."""
BEYOND = 10.0
"""Years past the case's end that windows with perfect foresight reach, so that the end does not decide investment."""

EconomyOf = Callable[[Period, Period, tuple[Term, ...]], "Assembled"]
"""Function (period, first period of the window, capacity decided) that returns the economy expected, in t a year."""
News = Callable[[Period], frozenset[str]]
"""Function of the first period of a window that returns what is known at its start."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kept period: its economy with stocks among its own activities, and its solution, in t in the period.

    `opening` [m]: what is there or arrives besides what activities of the period deliver at once, t. `marginal` [n]:
    marginal cost, for goods that arrive later less what they lose by it, USD per unit. `strategic`: t left by row.
    `cause`: why there is no equilibrium, empty where there is one.
    """

    period: Period
    assembled: Assembled
    arrays: EconomyArrays
    solution: Solution
    opening: Floats
    marginal: Floats
    strategic: Mapping[str, float]
    decided: tuple[Term, ...]
    cause: str = ""


def solve_periods(
    base: Base, start: tuple[Floats, Floats, EconomyArrays], economy: EconomyOf, news: News, until: int,
    draws: Mapping[str, float],
) -> Iterator[Step]:  # fmt: skip
    """Yield the periods after the base year, in order; one without an equilibrium is the last.

    Args:
        base: the prepared base year.
        start: levels [n], prices [m] and economy of the base year.
        economy: see `EconomyOf`; it is asked again at the start of every window.
        news: see `News`; a window ends early where it changes.
        until: last calendar year wanted.
        draws: uniform numbers by `project:ID`.
    """
    case, timing = base.case, base.timing
    foresees_all = timing.foresees and timing.window >= case.end_year - case.base_year
    builds = builds_of(base) if foresees_all else ()
    grid = periods_between(case.base_year + 1, until + 1, timing.per_year)
    last = case.end_year + 1 + (int(BEYOND) if builds else 0)
    horizon = grid if last <= until + 1 else (*grid, *periods_between(until + 1, last, timing.per_year))
    dynamics = dynamics_of(base, base.capacity, builds)
    state = state_at_start(base, dynamics, *start)
    committed = Commitments()
    window: WindowResult | None = None
    k = 0
    while k < len(grid):
        first = grid[k]

        def known(period: Period, terms: tuple[Term, ...], first: Period = first) -> Assembled:
            return economy(period, first, terms)

        prices = prices_ahead(dynamics, state, window, first.start)
        committed = decide(base, committed, first.start, prices, known, draws, foreseen=bool(builds))
        ahead = [p for p in horizon[k:] if p.start < first.start + timing.window - 1e-9] or [first]
        assembled = [known(p, committed.terms(p)) for p in ahead]
        if committed.cause:
            yield _failed(first, assembled[0], committed.cause)
            return
        economies = [
            period_economy(base, a.arrays, p, a.arrays.group_names) for a, p in zip(assembled, ahead, strict=True)
        ]
        dynamics = dynamics_of(base, assembled[0].arrays.upper, builds)
        options = WindowOptions(SolveOptions(tolerance=base.settings.tolerance), tolerance=FORESEEN_MEMORY)
        window = solve_window(ahead, economies, dynamics, state, previous=window, options=options)
        if not window.ok:
            yield _failed(first, assembled[0], f"{window.status.value}: {window.cause or _worst(window.raw)}", window)
            return
        keep = _kept(ahead, news, len(grid) - k)
        for t in range(keep):
            yield _step(base, window, t, assembled[t], dynamics, committed.terms(ahead[t]))
        state = replace(state_after(window, dynamics, keep), additions=())
        committed = _with_built(base, committed, window, dynamics, keep)
        k += keep


def _kept(ahead: Sequence[Period], news: News, most: int) -> int:
    """How many periods of a window stand: those of its first calendar year until something else becomes known."""
    known = news(ahead[0])
    year_end = np.floor(ahead[0].start + 1e-9) + 1.0
    for t, period in enumerate(ahead[:most]):
        if t and (period.start > year_end - 1e-9 or news(period) != known):
            return t
    return min(len(ahead), most)


def prices_ahead(dynamics: Dynamics, state: State, window: WindowResult | None, at: float) -> PricesAt:
    """Return the prices expected at a date, mean of the year that begins there: of the last window, and beyond it.

    Args:
        dynamics: whose expectation holds beyond the window.
        state: at `at`.
        window: the last one solved; its periods after `at` are what was foreseen. None: none yet.
        at: decimal year.
    """
    later = [result for result in window.periods if result.period.start > at - 1e-9] if window is not None else []

    def prices(when: float) -> Floats:
        shares = [(result.period.share(when, when + 1.0) * result.period.length, result.prices) for result in later]
        covered = sum(share for share, _ in shares)
        foreseen = sum((share * price for share, price in shares), np.zeros_like(state.prices))
        if covered >= 1.0 - 1e-9:
            return foreseen
        return foreseen + (1.0 - covered) * expected_prices(dynamics, state, when + 0.5 * covered)

    return prices


def _with_built(
    base: Base, committed: Commitments, window: WindowResult, dynamics: Dynamics, keep: int
) -> Commitments:  # fmt: skip
    """Add the capacity that was built in the kept periods of a window with perfect foresight."""
    built = []
    for result in window.periods[:keep]:
        for build, size in zip(dynamics.builds, result.built, strict=True):
            if size > 0.0:
                row = base.network.activities[build.activity].row
                built.append(replace(build.addition(result.period, float(size)), name=row))
    return replace(committed, additions=(*committed.additions, *built))


def _worst(solution: Solution) -> str:
    return ", ".join(f"{name} ({value:.2g})" for name, value in solution.worst[:3])


def _failed(period: Period, assembled: Assembled, cause: str, window: WindowResult | None = None) -> Step:
    arrays = assembled.arrays
    m, n, g = arrays.shape
    solution = Solution(
        prices=np.zeros(m), levels=np.zeros(n), capacity_rents=np.zeros(n), group_rents=np.zeros(g),
        status=Status.STALLED if window is None else window.status, residual=np.inf, worst=(), iterations=0,
        seconds={}, cause=cause,
    )  # fmt: skip
    return Step(period, assembled, arrays, solution, -arrays.fixed, np.zeros(n), {}, (), cause)


def _step(
    base: Base, window: WindowResult, t: int, assembled: Assembled, dynamics: Dynamics, decided: tuple[Term, ...]
) -> Step:  # fmt: skip
    """Put stocks back among the period's own activities, each worth later what the window says."""
    result, period = window.periods[t], window.periods[t].period
    stocks = stock_positions(base)
    held = dynamics.stocks[: len(stocks)]  # those of the case; further ones are goods that wait on their way
    after = window.periods[t + 1].prices if t + 1 < len(window.periods) else window.expected
    curves = _with_stocks(base, result.arrays.curves, held, stocks, period, after, window.opening.origin)
    levels, rents, upper = result.levels.copy(), result.capacity_rents.copy(), result.arrays.upper.copy()
    levels[stocks] = result.stocks[: len(stocks)]
    upper[stocks] = [stock.room for stock in held]
    arrived, elsewhere = arrivals(window, dynamics, t)
    arrays = result.arrays.with_(
        A=_delivered_at_once(result.arrays, elsewhere), curves=curves, upper=upper,
        fixed=_carried_in(window, t, dynamics, len(stocks)) - arrived,
    )  # fmt: skip
    cost = curves.marginal(np.maximum(levels, 1e-300))
    for j, stock in zip(stocks, held, strict=True):
        full = levels[j] >= upper[j] * (1.0 - 1e-9)
        rents[j] = max(-cost[j] - result.prices[stock.market], 0.0) if full else 0.0
    solution = replace(
        window.raw, prices=result.prices, levels=levels, capacity_rents=rents, group_rents=result.group_rents,
        status=window.status, residual=window.residual, iterations=window.iterations if t == 0 else 0,
        seconds=window.raw.seconds if t == 0 else {}, cause=window.cause,
    )  # fmt: skip
    solution = close_balances(arrays, solution)
    opening, marginal = -arrays.fixed, curves.marginal(np.maximum(solution.levels, 1e-300))
    if elsewhere:
        _sent_on(base, window, t, dynamics, elsewhere, solution.levels, opening, marginal)
        _close_waiting(base, dynamics.stocks[len(stocks) :], solution.levels, opening)
    strategic = {row.id: float(left) for row, left in zip(strategic_rows(base), result.strategic, strict=True)}
    return Step(period, assembled, arrays, solution, opening, marginal, strategic, decided)


def _carried_in(window: WindowResult, t: int, dynamics: Dynamics, own: int) -> Floats:
    """What a period needs besides its activities (negative: has at hand), t by market, [m].

    Stocks left by the period before, less what waits at its end, and what strategic stocks sell; the first `own` stocks
    are activities of the period and are bought there.
    """
    result = window.periods[t]
    fixed = result.arrays.fixed.copy()
    if t:
        before = window.periods[t - 1]
        for stock, tonnes in zip(dynamics.stocks, before.stocks, strict=True):
            fixed[stock.market] -= tonnes * stock.kept(before.period.length)
    for stock, tonnes in zip(dynamics.stocks[own:], result.stocks[own:], strict=True):
        fixed[stock.market] += tonnes
    for reserve, tonnes in zip(dynamics.strategic, result.sales - result.dated, strict=True):
        fixed[reserve.market] -= tonnes
    return fixed


def _delivered_at_once(arrays: EconomyArrays, elsewhere: Mapping[int, float]) -> Sparse:
    """The period's coefficients with of goods that are underway only what arrives within it."""
    if not elsewhere:
        return arrays.A
    matrix = arrays.A.copy()
    for j, later in elsewhere.items():
        column = matrix.data[matrix.indptr[j] : matrix.indptr[j + 1]]
        column[column > 0.0] *= 1.0 - later
    return matrix


def _sent_on(
    base: Base, window: WindowResult, t: int, dynamics: Dynamics, elsewhere: Mapping[int, float], levels: Floats,
    opening: Floats, marginal: Floats,
) -> None:  # fmt: skip
    """Take what arrives later out of the goods at hand; what a tonne loses by it is a cost of its way."""
    result, full = window.periods[t], base.network.matrix
    n, start = len(levels), window.periods[0].period.start
    worth = (1.0 + dynamics.discount) ** -(result.period.start - start)
    later = (window.arrays.B.T @ window.raw.prices - window.arrays.curves.shift)[t * n : (t + 1) * n] / worth
    now = result.arrays.B.T @ result.prices - result.arrays.curves.shift
    for j, share in elsewhere.items():
        span = slice(full.indptr[j], full.indptr[j + 1])
        opening[full.indices[span]] -= share * np.maximum(full.data[span], 0.0) * levels[j]
        marginal[j] += now[j] - later[j]


def _close_waiting(base: Base, waiting: Sequence[Stock], levels: Floats, opening: Floats) -> None:
    """Let goods that wait take up the rounding of their market's balance, as other levels do in `close_balances`."""
    network = base.network
    net = network.matrix @ levels + opening
    through = abs(network.matrix) @ levels + np.abs(opening)
    for stock in waiting:
        i = stock.market
        if abs(net[i]) <= max(ROUNDING * through[i], DUST):
            opening[i] -= net[i]


def _with_stocks(
    base: Base, own: CurveTable, held: Sequence[Stock], stocks: NDArray[np.int64], period: Period, after: Floats,
    origin: float,
) -> CurveTable:  # fmt: skip
    """The period's curves with those of its stocks: their convenience, and what a tonne is worth later."""
    years, r = period.length, base.discount
    kind, shift, a, b, c, d = own.kind.copy(), own.shift.copy(), own.a.copy(), own.b.copy(), own.c.copy(), own.d.copy()
    for j, stock in zip(stocks, held, strict=True):
        shift[j] = stock.holding_cost * years - stock.kept(years) * after[stock.market] / (1.0 + r) ** years
        if stock.elasticity is None:
            kind[j], a[j], b[j], c[j], d[j] = CurveKind.CONSTANT, 0.0, 0.0, 1.0, np.inf
        else:
            kind[j], a[j] = CurveKind.ISOELASTIC, stock.base_convenience(years, r)
            b[j] = stock.level * (1.0 + stock.growth) ** (period.start - origin)
            c[j], d[j] = stock.elasticity, np.inf
    return CurveTable(kind, shift, a, b, c, d)
