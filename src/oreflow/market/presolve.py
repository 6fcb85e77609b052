"""Take out of an economy what cannot run, and put it back after the solve.

An activity cannot run when its capacity is nil, or when it needs a good that nothing can supply; a market disappears
when no activity is left on it. The smaller economy has the same equilibria. A price of an empty market is not
determined: it is set inside the interval that keeps every activity on it idle, at the cheapest way of supplying it
where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Solution
from oreflow.market.solve import SolveOptions, solve_economy

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A smaller economy and the way back: positions of the activities, markets and groups that are left."""

    whole: EconomyArrays
    part: EconomyArrays
    activities: Ints
    markets: Ints
    groups: Ints

    def shrink(self, solution: Solution) -> Solution:
        """Return a solution of the whole as a starting point for the part."""
        return replace(
            solution,
            prices=solution.prices[self.markets],
            levels=solution.levels[self.activities],
            capacity_rents=solution.capacity_rents[self.activities],
            group_rents=solution.group_rents[self.groups]
            if len(solution.group_rents) == len(self.whole.h)
            else np.zeros(len(self.groups)),
        )

    def restore(self, solution: Solution) -> Solution:
        """Return a solution of the part in the shape of the whole, with prices for empty markets."""
        m, n = len(self.whole.fixed), len(self.whole.upper)
        levels, rents, prices, duals = np.zeros(n), np.zeros(n), np.full(m, np.nan), np.zeros(len(self.whole.h))
        levels[self.activities] = solution.levels
        rents[self.activities] = solution.capacity_rents
        prices[self.markets] = solution.prices
        duals[self.groups] = solution.group_rents
        prices = _empty_prices(self.whole, prices)
        _add_shut_rents(self.whole, prices, duals, np.setdiff1d(np.arange(len(duals)), self.groups))
        return replace(solution, prices=prices, levels=levels, capacity_rents=rents, group_rents=duals)


def reduce_economy(arrays: EconomyArrays) -> Reduction:
    """Return the economy without activities that cannot run, markets without activities and limits that others imply.

    Args:
        arrays: the whole economy.

    Returns:
        A reduction; `part` solved and `restore`d is a solution of the whole.

    Example:
        >>> reduction = reduce_economy(arrays)  # doctest: +SKIP
        >>> solution = reduction.restore(solve_economy(reduction.part))  # doctest: +SKIP
    """
    matrix = sp.csc_array(arrays.A)
    owner = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    rows, values = matrix.indices, matrix.data
    alive = arrays.upper > 0.0
    rows_of_limits = sp.csr_array(arrays.G)
    for g in np.flatnonzero(arrays.h <= 0.0):
        span = slice(rows_of_limits.indptr[g], rows_of_limits.indptr[g + 1])
        if np.all(rows_of_limits.data[span] >= 0.0):  # nothing makes room: a shared limit of nil shuts its members
            members = rows_of_limits.indices[span]
            alive[members[rows_of_limits.data[span] > 0.0]] = False
    makes = np.zeros(len(alive), dtype=bool)
    makes[owner[values > 0]] = True
    linear = arrays.curves.kind != CurveKind.ISOELASTIC
    idle_costs = linear & (arrays.curves.marginal(np.where(linear, 0.0, 1.0)) > 0.0)
    while True:
        made = np.zeros(matrix.shape[0], dtype=bool)
        live = alive[owner]
        made[rows[live & (values > 0)]] = True
        made |= arrays.fixed < 0.0
        wanting = (values < 0) & ~made[rows]
        barred = np.zeros(len(alive), dtype=bool)
        barred[owner[wanting]] = True
        # Where a good may not be thrown away, what only makes it has to stop too.
        taken = np.zeros(matrix.shape[0], dtype=bool)
        taken[rows[live & (values < 0)]] = True
        taken_by_use = taken | (arrays.fixed > 0.0)
        taken = taken_by_use | ~arrays.equality
        flooding = (values > 0) & ~taken[rows]
        barred[owner[flooding]] = True
        # What costs something and makes only goods that nobody takes has no reason to run.
        sold = np.zeros(len(alive), dtype=bool)
        sold[owner[(values > 0) & (taken_by_use | arrays.equality)[rows]]] = True
        barred |= makes & ~sold & idle_costs
        fewer = alive & ~barred
        if np.array_equal(fewer, alive):
            break
        alive = fewer
    used = np.zeros(matrix.shape[0], dtype=bool)
    used[rows[alive[owner]]] = True
    used |= arrays.fixed != 0.0
    group_matrix = rows_of_limits
    touched = np.asarray(abs(group_matrix)[:, alive].sum(axis=1)).ravel() > 0 if len(arrays.h) else np.zeros(0, bool)
    activities, markets = np.flatnonzero(alive), np.flatnonzero(used)
    left, kept = _places(markets, matrix.shape[0]), _places(activities, len(alive))
    limits = _columns(group_matrix, np.arange(len(arrays.h)), kept, len(activities))
    groups = _tightest(limits, arrays.h, np.flatnonzero(touched))
    curves = arrays.curves
    part = EconomyArrays(
        A=_columns(matrix, activities, left, len(markets)),
        B=_columns(sp.csc_array(arrays.B), activities, left, len(markets)),
        curves=CurveTable(
            curves.kind[activities], curves.shift[activities], curves.a[activities], curves.b[activities],
            curves.c[activities], curves.d[activities],
        ),
        upper=arrays.upper[activities],
        fixed=arrays.fixed[markets],
        equality=arrays.equality[markets],
        G=limits[groups],
        h=arrays.h[groups],
        K=None if arrays.K is None else sp.csc_array(sp.csc_array(arrays.K)[activities][:, activities]),
        market_names=_named(arrays.market_names, markets, arrays.market_name),
        activity_names=_named(arrays.activity_names, activities, arrays.activity_name),
        group_names=_named(arrays.group_names, groups, arrays.group_name),
    )  # fmt: skip
    return Reduction(arrays, part, activities, markets, groups)


def _places(kept: Ints, count: int) -> Ints:
    """Return the new position of each of `count` old ones, -1 for those left out."""
    place = np.full(count, -1)
    place[kept] = np.arange(len(kept))
    return place


def _columns(matrix: Any, kept: Ints, place: Ints, count: int) -> Any:
    """Return the kept columns of a csc matrix (rows of a csr one), the other index moved to its new place or left out.

    Three slices of scipy's would do the same in five times the time.
    """
    begin, size = matrix.indptr[kept], np.diff(matrix.indptr)[kept]
    at = np.arange(int(size.sum())) + np.repeat(begin - (np.cumsum(size) - size), size)
    moved = place[matrix.indices[at]]
    stays = moved >= 0
    ends = np.cumsum(np.concatenate([[0], stays]))[np.concatenate([[0], np.cumsum(size)])]
    shape = (count, len(kept)) if matrix.format == "csc" else (len(kept), count)
    dtype = matrix.indices.dtype
    return type(matrix)((matrix.data[at][stays], moved[stays].astype(dtype), ends.astype(dtype)), shape=shape)


def _named(names: tuple[str, ...], kept: Ints, name: Callable[[int], str]) -> tuple[str, ...]:
    return tuple([names[i] if names else name(i) for i in kept.tolist()])


def _add_shut_rents(arrays: EconomyArrays, prices: Floats, duals: Floats, left_out: Ints) -> None:
    """Give each limit of nil that was left out the rent at which its members have no wish to run."""
    limits = sp.csr_array(arrays.G)
    shut = [int(g) for g in left_out if arrays.h[g] <= 0.0 and limits.indptr[g] < limits.indptr[g + 1]]
    if not shut:
        return
    with np.errstate(divide="ignore"):
        margin = arrays.B.T @ prices - limits.T @ duals - arrays.curves.marginal(np.zeros(len(arrays.upper)))
    margin[(arrays.upper <= 0.0) | ~np.isfinite(margin)] = 0.0
    for g in shut:
        span = slice(limits.indptr[g], limits.indptr[g + 1])
        members, weights = limits.indices[span], limits.data[span]
        if (weights >= 0.0).all() and (weights > 0.0).any():
            duals[g] = max(float((margin[members] / np.where(weights > 0, weights, np.inf)).max()), 0.0)
            margin[members] -= weights * duals[g]


def _tightest(limits: sp.csr_array, h: Floats, groups: Ints) -> Ints:
    """Leave out shared limits whose members and weights are those of a tighter one: their rents would not be unique."""
    best: dict[tuple[tuple[int, float], ...], tuple[float, int]] = {}
    members, weights, ends = limits.indices.tolist(), limits.data.tolist(), limits.indptr.tolist()
    for g in groups.tolist():
        of = [(members[k], weights[k]) for k in range(ends[g], ends[g + 1]) if weights[k]]
        unit = max([abs(weight) for _, weight in of])
        key = tuple(sorted([(j, round(weight / unit, 12) + 0.0) for j, weight in of]))
        limit = float(h[g]) / unit
        if key not in best or limit < best[key][0]:
            best[key] = (limit, g)
    return np.array(sorted(g for _, g in best.values()), dtype=np.int64)


def solve_reduced(
    arrays: EconomyArrays, start: Solution | None = None, options: SolveOptions | None = None
) -> Solution:
    """Solve an economy through its reduction; arguments and result as of `solve_economy`."""
    reduction = reduce_economy(arrays)
    fits = start is not None and len(start.levels) == len(arrays.upper) and len(start.prices) == len(arrays.fixed)
    guess = reduction.shrink(start) if fits and start is not None else None
    return reduction.restore(solve_economy(reduction.part, guess, options or SolveOptions()))


def _empty_prices(arrays: EconomyArrays, prices: Floats) -> Floats:
    """Fill prices of empty markets: what the cheapest idle supplier would ask, else the most an idle user would pay.

    Suppliers with one output into an empty market are followed from markets with a price outward; a market that none
    reaches gets what its best user would pay, or nil. Where goods may not be thrown away the price can be negative.
    """
    matrix = sp.csc_array(arrays.B)
    ask = arrays.curves.marginal(np.where(arrays.curves.kind == CurveKind.ISOELASTIC, 1.0, 0.0)).tolist()
    empty = np.isnan(prices)
    owner = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    beside = np.unique(owner[empty[matrix.indices]])
    beside = beside[(arrays.curves.kind[beside] != CurveKind.ISOELASTIC) & (arrays.upper[beside] > 0)]
    # A few coefficients an activity: plain numbers are quicker here than arrays of them.
    found: list[float] = prices.tolist()
    unset = empty.tolist()
    ends, rows, data = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
    supplies: list[_Beside] = []  # through the one empty output
    netbacks: list[_Beside] = []  # through the one input
    for j in beside.tolist():
        flows = [(rows[k], data[k]) for k in range(ends[j], ends[j + 1])]
        inputs = [(i, v) for i, v in flows if v < 0]
        outputs = [(i, v) for i, v in flows if v > 0 and unset[i]]
        if len(outputs) == 1:
            (i, weight), *_ = outputs
            supplies.append(_Beside(ask[j], i, weight, [f for f in flows if f[0] != i]))
        if len(inputs) == 1 and len(flows) > 1 and unset[inputs[0][0]]:
            ((i, weight),) = inputs
            netbacks.append(_Beside(ask[j], i, -weight, [f for f in flows if f[1] >= 0]))
    floor = np.where(arrays.equality, -np.inf, 0.0).tolist()
    for _ in range(8):
        changed = False
        for supply in supplies:
            rest = supply.worth(found)
            if rest != rest:  # an input has no price yet
                continue
            i, price = supply.market, max((supply.ask - rest) / supply.weight, floor[supply.market])
            if found[i] != found[i] or price < found[i] - 1e-9 * abs(price):
                found[i] = price
                changed = True
        if not changed:
            break
    # Netback: what a single-input user (a route, a separation) could pay for the good, the best first.
    for _ in range(8):
        best: dict[int, float] = {}
        for user in netbacks:
            if found[user.market] != found[user.market]:
                worth = (user.worth(found) - user.ask) / user.weight
                if worth == worth:
                    best[user.market] = max(best.get(user.market, 0.0), worth)
        if not best:
            break
        for i, price in best.items():
            found[i] = price
    out: Floats = np.nan_to_num(np.array(found), nan=0.0, posinf=np.inf, neginf=-np.inf)
    return out


@dataclass(frozen=True, slots=True)
class _Beside:
    """An activity beside an empty market: what it asks, that market, its coefficient there, and its other flows."""

    ask: float
    market: int
    weight: float
    others: list[tuple[int, float]]

    def worth(self, prices: list[float]) -> float:
        """Return the value of the other flows; NaN where one has no price."""
        return sum([v * prices[i] for i, v in self.others], 0.0)
