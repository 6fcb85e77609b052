"""What the equilibrium conditions leave open: ranges of outcomes, and one choice of flows by a stated rule.

At given prices the levels of a solution form a polytope: an activity whose marginal cost rises has one level, one with
a flat cost that just breaks even may stand anywhere between nil and its capacity as long as the balances hold. At given
levels the prices form a polytope in the same way. Both are exact where equilibrium prices (or quantities) are unique,
as in a convex economy; otherwise they hold for the solution at hand.

Sources: Cottle, Pang and Stone (2009), The Linear Complementarity Problem, ch. 3 (polyhedral solution sets);
Huangfu and Hall (2018) for HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Floats, Solution, Sparse

_CLOSE = 1e-7


@dataclass(frozen=True, slots=True)
class Interval:
    """Least and greatest value of an outcome over the equilibria considered, in the outcome's unit."""

    low: float
    high: float

    def is_wide(self, share: float = 0.01) -> bool:
        """True where the range exceeds `share` of its larger end: such an outcome is printed as an interval."""
        return self.high - self.low > share * max(abs(self.low), abs(self.high))


@dataclass(frozen=True, slots=True)
class _Freedom:
    """Bounds of the levels, and the rows whose balance must hold exactly, at the prices of a solution."""

    low: Floats
    high: Floats
    rows: Sparse
    least: Floats
    most: Floats


def level_range(arrays: EconomyArrays, solution: Solution, weights: Floats) -> Interval:
    """Return the range of `weights @ levels` over all levels that are an equilibrium at the solution's prices.

    Args:
        arrays: the economy, t and USD.
        solution: an equilibrium of it.
        weights: of the activities' levels, in units of the outcome per unit of the activity, [n].

    Returns:
        Both ends; equal (to rounding) where the outcome is unique.

    Raises:
        EconomyError: if the solution is not an equilibrium or the weights have another shape.

    Example:
        >>> level_range(arrays, solution, one_route).is_wide()  # doctest: +SKIP
    """
    _check(solution, weights, arrays.shape[1], "levels")
    freedom = _levels_at(arrays, solution)
    here = float(weights @ solution.levels)
    ends = [
        _optimum(sign * weights, freedom.rows, freedom.least, freedom.most, freedom.low, freedom.high, sign * here)
        for sign in (1.0, -1.0)
    ]
    return Interval(min(ends[0], here), max(-ends[1], here))


def price_range(arrays: EconomyArrays, solution: Solution, weights: Floats) -> Interval:
    """Return the range of `weights @ prices` over all prices that are an equilibrium at the solution's levels.

    Args:
        arrays: the economy, t and USD.
        solution: an equilibrium of it.
        weights: of the markets' prices, [m].

    Returns:
        Both ends; an end may be infinite (a market in which nothing moves has no upper price).

    Raises:
        EconomyError: if the solution is not an equilibrium or the weights have another shape.

    Example:
        >>> price_range(arrays, solution, one_market).high  # doctest: +SKIP
    """
    m, _, g = arrays.shape
    _check(solution, weights, m, "prices")
    x = solution.levels
    excess = np.concatenate([arrays.A @ x - arrays.fixed, arrays.h - arrays.G @ x])
    through = np.concatenate([abs(arrays.A) @ x + np.abs(arrays.fixed), abs(arrays.G) @ x + np.abs(arrays.h)])
    slack = excess > _CLOSE * through
    slack[:m] &= ~arrays.equality
    high = np.where(slack, 0.0, np.inf)
    low = np.where(np.concatenate([arrays.equality, np.zeros(g, dtype=bool)]), -np.inf, 0.0)
    cost = _marginal(arrays, x)
    used = x > _CLOSE * _reach(arrays, x)
    full = np.isfinite(arrays.upper) & (x >= arrays.upper * (1 - _CLOSE))
    earned: Sparse = sp.csr_array(sp.hstack([arrays.B.T, -sp.csr_array(arrays.G).T]))
    # revenue = cost where used below capacity, at most cost where idle, at least cost at capacity, any where shut
    most = np.where(full, np.inf, cost)
    least = np.where(used, cost, -np.inf)
    both = np.concatenate([solution.prices, solution.group_rents])
    reached = earned @ both
    room = _CLOSE * (np.abs(cost) + abs(earned) @ np.abs(both))
    # the solution itself stays inside although it holds only to rounding
    low, high = np.minimum(low, both), np.maximum(high, both)
    least, most = np.minimum(least, reached + room), np.maximum(most, reached - room)
    target = np.concatenate([weights, np.zeros(g)])
    here = float(target @ both)
    ends = [_optimum(sign * target, earned, least, most, low, high, sign * here) for sign in (1.0, -1.0)]
    return Interval(min(ends[0], here), max(-ends[1], here))


def nearest_levels(arrays: EconomyArrays, solution: Solution, reference: Floats) -> Solution:
    """Return the solution with, among all levels in equilibrium at its prices, those nearest to reference levels.

    The stated rule for flows that are not unique (equal-cost alternatives): least squares around the baseline, each
    difference relative to the size of the activity.

    Args:
        arrays: the economy, t and USD.
        solution: an equilibrium of it.
        reference: levels to stay near (the baseline's flows), units of the activity, [n].

    Returns:
        The solution with other levels; unchanged where they are unique.

    Raises:
        EconomyError: if the solution is not an equilibrium or the reference has another shape.

    Example:
        >>> nearest_levels(arrays, solution, baseline.levels).levels  # doctest: +SKIP
    """
    from oreflow.market.solve import solve_economy

    _check(solution, reference, arrays.shape[1], "levels")
    freedom = _levels_at(arrays, solution)
    open_ = np.flatnonzero(freedom.high > freedom.low)
    if not open_.size:
        return solution
    fixed_part = np.where(freedom.high > freedom.low, 0.0, solution.levels)
    exact = freedom.least == freedom.most
    moved = freedom.rows @ fixed_part
    # balances and limits alike are rows here: those that must hold exactly are equalities
    size = np.maximum(np.maximum(np.abs(reference), solution.levels)[open_], 1e-3 * solution.levels.max(initial=1e-300))
    part: Sparse = sp.csc_array(freedom.rows[:, open_])
    problem = EconomyArrays(
        A=part, B=part, curves=CurveTable.of(
            np.full(open_.size, CurveKind.LINEAR), a=-reference[open_] / size**2, b=1.0 / size**2
        ),
        upper=freedom.high[open_], fixed=freedom.least - moved, equality=exact,
        G=sp.csr_array((0, open_.size)), h=np.zeros(0),
    )  # fmt: skip
    nearest = solve_economy(problem)
    if not nearest.ok:
        return solution
    levels = fixed_part.copy()
    levels[open_] = nearest.levels
    return replace(solution, levels=levels)


def _check(solution: Solution, weights: Floats, count: int, what: str) -> None:
    if not solution.ok:
        raise EconomyError(f"the solution is {solution.status.value}; only an equilibrium has a range of {what}")
    if weights.shape != (count,):
        raise EconomyError(f"weights of {what} have shape {weights.shape}; expected ({count},)")


def _marginal(arrays: EconomyArrays, x: Floats) -> Floats:
    cost = arrays.curves.marginal(x)
    return cost if arrays.K is None else cost + arrays.K @ x


def _reach(arrays: EconomyArrays, x: Floats) -> Floats:
    """Throughput of the busiest market beside each activity, over its coefficient: what a level is small to."""
    through = abs(arrays.A) @ x + np.abs(arrays.fixed)
    entries: Any = sp.coo_array(arrays.A)
    reach = np.zeros(arrays.shape[1])
    np.maximum.at(reach, entries.col, through[entries.row] / np.maximum(np.abs(entries.data), 1e-300))
    return np.maximum(reach, 1e-300)


def _levels_at(arrays: EconomyArrays, solution: Solution) -> _Freedom:
    """Every condition on the levels that the solution's prices impose."""
    x = solution.levels
    cost = _marginal(arrays, x) + arrays.G.T @ solution.group_rents - arrays.B.T @ solution.prices
    turnover = np.abs(_marginal(arrays, x)) + abs(arrays.B).T @ np.abs(solution.prices) + 1e-300
    flat = np.isin(arrays.curves.kind, (CurveKind.CONSTANT, CurveKind.LINEAR, CurveKind.POWER, CurveKind.HYPERBOLIC))
    flat &= (arrays.curves.kind == CurveKind.CONSTANT) | (arrays.curves.b == 0)
    capped: npt.NDArray[np.bool_] = (arrays.curves.kind == CurveKind.ISOELASTIC) & np.isfinite(arrays.curves.d)
    if arrays.K is not None:
        coupled = (abs(arrays.K).sum(axis=0) + abs(arrays.K).sum(axis=1)) > 0
        flat &= ~np.asarray(coupled).ravel()
    even = flat & (np.abs(cost) <= _CLOSE * turnover)
    low, high = np.where(even, 0.0, x), np.where(even, arrays.upper, x)
    # demand at its choke price takes anything up to where its curve begins
    knee = arrays.curves.b * (np.where(capped, arrays.curves.d, 1.0) / np.maximum(arrays.curves.a, 1e-300)) ** np.where(
        capped, arrays.curves.c, 0.0
    )
    choked = capped & (x <= knee * (1 + _CLOSE)) & (np.abs(cost) <= _CLOSE * turnover)
    low, high = np.where(choked, 0.0, low), np.where(choked, np.minimum(knee, arrays.upper), high)
    rows: Sparse = sp.csr_array(sp.vstack([arrays.A, -arrays.G]))
    excess = rows @ x
    least = np.concatenate([arrays.fixed, -arrays.h])
    priced = np.concatenate([arrays.equality | (solution.prices > 0), solution.group_rents > 0])
    room = 1e-9 * (abs(rows) @ x + np.abs(least))
    # the solution itself stays inside although its balances close only to rounding
    most = np.where(priced, np.maximum(least, np.where(excess - least <= room, excess, least)), np.inf)
    least = np.minimum(least, excess)
    least = np.where(priced, excess, least)
    most = np.where(priced, excess, most)
    return _Freedom(low, high, rows, least, most)


def _optimum(
    cost: Floats, rows: Sparse, least: Floats, most: Floats, low: Floats, high: Floats, fallback: float
) -> float:
    """Least value of cost @ z; -inf where it has none, `fallback` where rounding leaves HiGHS without a point."""
    from scipy import optimize

    linprog: Any = optimize.linprog
    scale = float(np.abs(cost).max(initial=0.0))
    if scale == 0.0:
        return 0.0
    equal = least == most
    below, above = ~equal & np.isfinite(most), ~equal & np.isfinite(least)
    found = linprog(
        cost / scale, A_ub=sp.vstack([rows[below], -rows[above]]), b_ub=np.concatenate([most[below], -least[above]]),
        A_eq=rows[equal] if equal.any() else None, b_eq=most[equal] if equal.any() else None,
        bounds=np.column_stack([low, high]), method="highs",
    )  # fmt: skip
    if found.status == 3:
        return -np.inf
    return float(found.fun) * scale if found.status == 0 else fallback
