"""Gradients of an outcome with respect to every number of an economy, by one adjoint solve at the solution.

At a solution the active set (used activities, those at capacity, markets with positive prices) turns the conditions
into equations F(z, theta) = 0; then d outcome / d theta = - lambda' dF/dtheta with J' lambda = d outcome / dz.

Source: Giles and Pierce (2000) for the adjoint; Facchinei and Pang (2003) ch. 5 for complementarity problems.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from oreflow.market.arrays import CurveTable, EconomyArrays, EconomyError, Floats, Solution, Sparse


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scalar of interest, linear at the solution: weights on prices [m] and on levels [n]."""

    prices: Floats
    levels: Floats


@dataclass(frozen=True, slots=True)
class Gradient:
    """Derivatives of an outcome, each in units of the outcome per unit of the number.

    Attributes:
        shift: by the cost added to each activity, [n] (a specific tax has the same derivative).
        a, b, c, d: by the parameters of the curves, [n] (c of a demand is its elasticity, d its choke price).
        upper: by capacities, [n].
        fixed: by price-independent demand, [m].
        h: by group limits, [g].
        A, B: by physical and price coefficients, on the stored entries of each matrix, [nnz].
        G: by the members' weights in shared limits, on the stored entries, [nnz].
        K: by couplings, on the stored entries, [nnz]; empty where there are none.
        one_sided: names of markets and activities where the active set is about to change (a zero level with a zero
            reduced cost, or a price in an empty market): the derivative there holds in one direction only.
    """

    shift: Floats
    a: Floats
    b: Floats
    c: Floats
    d: Floats
    upper: Floats
    fixed: Floats
    h: Floats
    A: Floats
    B: Floats
    G: Floats
    K: Floats
    one_sided: tuple[str, ...]

    def wedge(self, arrays: EconomyArrays, activity: int, market: int) -> float:
        """Derivative by an ad-valorem rate on one entry: B = A (1 + rate)."""
        span = slice(arrays.B.indptr[activity], arrays.B.indptr[activity + 1])
        at = np.flatnonzero(arrays.B.indices[span] == market)
        if not at.size:
            raise EconomyError(f"{arrays.activity_name(activity)} has no coefficient in {arrays.market_name(market)}")
        coefficient = float(np.asarray(arrays.A[[market], [activity]]).ravel()[0])
        return float(self.B[span][at[0]] * coefficient)


def differentiate(
    arrays: EconomyArrays, solution: Solution, outcome: Outcome, bend: Sparse | None = None
) -> Gradient:
    """Return the gradient of an outcome at a solution.

    Args:
        arrays: the economy, t and USD.
        solution: an equilibrium of it.
        outcome: weights on prices and levels.
        bend: what else marginal cost changes by with the levels, [n, n] (mark-ups whose slopes move), or None.

    Raises:
        EconomyError: if the solution is not an equilibrium or the weights have other shapes.

    Example:
        >>> differentiate(arrays, solution, Outcome(prices, levels)).upper  # doctest: +SKIP
    """
    m, n, g = arrays.shape
    if not solution.ok:
        raise EconomyError(f"the solution is {solution.status.value}; only an equilibrium has derivatives")
    if outcome.prices.shape != (m,) or outcome.levels.shape != (n,):
        raise EconomyError(
            f"outcome weights have shapes {outcome.prices.shape} and {outcome.levels.shape}; expected ({m},) and ({n},)"
        )
    x, y = solution.levels, np.concatenate([solution.prices, solution.group_rents])
    E: Sparse = sp.csc_array(sp.vstack([arrays.A, -arrays.G]))
    F: Sparse = sp.csc_array(sp.vstack([arrays.B, -arrays.G]))
    f = np.concatenate([arrays.fixed, -arrays.h])
    K: Sparse = sp.csc_array((n, n)) if arrays.K is None else arrays.K
    cost = arrays.curves.marginal(x) + K @ x - F.T @ y
    turnover = abs(F).T @ np.abs(y) + np.abs(arrays.curves.marginal(x)) + 1e-300
    throughput = abs(E) @ np.abs(x) + np.abs(f) + 1e-300
    reach = np.array([throughput[E.indices[E.indptr[j] : E.indptr[j + 1]]].max(initial=1.0) for j in range(n)])
    excess = E @ x - f
    free = np.concatenate([arrays.equality, np.zeros(g, dtype=bool)])
    close = 1e-7
    at_high = np.isfinite(arrays.upper) & (arrays.upper - x <= close * arrays.upper) & (cost < -close * turnover)
    inner = (x > 1e-12 * reach) & ~at_high
    on = free | (y > 0) & (excess <= close * throughput)
    tied = inner & (np.isfinite(arrays.upper)) & (arrays.upper - x <= close * arrays.upper)
    unused = ~inner & ~at_high & (np.abs(cost) <= close * turnover)
    empty = ~on & (excess <= close * throughput) & (throughput > 1e-200)
    weak = [arrays.activity_name(int(j)) for j in np.flatnonzero(tied | unused)]
    weak += [arrays.market_name(int(i)) for i in np.flatnonzero(empty[:m])]
    # a price with no inner level beside it is an interval, not a function of the numbers: it stays put here
    beside = np.asarray(abs(E[:, np.flatnonzero(inner)]).sum(axis=1)).ravel() > 0
    weak += [arrays.market_name(int(i)) for i in np.flatnonzero((on & ~beside)[:m])]
    i_in, i_on = np.flatnonzero(inner), np.flatnonzero(on & beside)
    slope = np.minimum(arrays.curves.slope(x)[i_in], 1e18)
    weight = np.concatenate([outcome.levels[i_in], np.concatenate([outcome.prices, np.zeros(g)])[i_on]])
    # J z = [[H, -F'], [E, 0]]; its transpose is solved with scaled rows and a trace of regularisation
    H = sp.diags_array(slope) + K[i_in][:, i_in]
    if bend is not None:
        H = H + sp.csc_array(bend)[i_in][:, i_in]
    jacobian = sp.block_array([[H, -F[i_on][:, i_in].T], [E[i_on][:, i_in], None]]) if len(i_on) else H
    adjoint = _solve_transposed(sp.csc_array(jacobian), weight)
    by_x, by_y = np.zeros(n), np.zeros(m + g)
    by_x[i_in], by_y[i_on] = adjoint[: len(i_in)], adjoint[len(i_in) :]
    # levels at capacity move with the capacity: through the balances, the couplings, and directly
    moved = outcome.levels - E.T @ by_y - (K if bend is None else K + bend).T @ by_x
    owner = np.repeat(np.arange(n), np.diff(arrays.A.indptr))
    owner_g = np.repeat(np.arange(g), np.diff(arrays.G.indptr))
    owner_b = np.repeat(np.arange(n), np.diff(arrays.B.indptr))
    parts = _parameter_slopes(arrays.curves, x)
    return Gradient(
        shift=-by_x,
        a=-by_x * parts["a"],
        b=-by_x * parts["b"],
        c=-by_x * parts["c"],
        d=-by_x * parts["d"],
        upper=np.where(at_high, moved, 0.0),
        fixed=by_y[:m],
        h=-by_y[m:],
        A=-by_y[arrays.A.indices] * x[owner],
        B=by_x[owner_b] * solution.prices[arrays.B.indices],
        G=by_y[m + owner_g] * x[arrays.G.indices] - by_x[arrays.G.indices] * solution.group_rents[owner_g],
        K=-by_x[K.indices] * x[np.repeat(np.arange(n), np.diff(K.indptr))],
        one_sided=tuple(weak),
    )


def _solve_transposed(matrix: Sparse, right: Floats) -> Floats:
    """Solve matrix' z = right with equilibration; where it is singular, the least-norm answer by refinement."""
    if not len(right):
        return right
    size = abs(matrix)
    row = 1.0 / np.sqrt(np.maximum(size.max(axis=1).toarray().ravel(), 1e-300))
    col = 1.0 / np.sqrt(np.maximum(size.max(axis=0).toarray().ravel(), 1e-300))
    for _ in range(3):
        scaled = sp.diags_array(row) @ size @ sp.diags_array(col)
        row = row / np.sqrt(np.maximum(scaled.max(axis=1).toarray().ravel(), 1e-300))
        col = col / np.sqrt(np.maximum(scaled.max(axis=0).toarray().ravel(), 1e-300))
    scaled = sp.csc_array(sp.diags_array(row) @ matrix @ sp.diags_array(col))
    trace = 1e-11 * sp.eye_array(scaled.shape[0], format="csc")
    factors: Any = splu(sp.csc_array(scaled + trace))
    target = col * right
    out = factors.solve(target, trans="T")
    for _ in range(5):
        out = out + factors.solve(target - scaled.T @ out, trans="T")
    answer: Floats = row * out
    return answer


def _parameter_slopes(curves: CurveTable, x: Floats) -> dict[str, Floats]:
    """Derivatives of marginal cost by the parameters a, b, c and d, [n] each, by central differences of the formula."""
    out = {}
    for name in ("a", "b", "c", "d"):
        value = getattr(curves, name)
        step = np.where(np.isfinite(value), 1e-6 * np.maximum(np.abs(value), 1e-6), 0.0)
        columns = {f.name: getattr(curves, f.name) for f in fields(curves)}
        up = CurveTable(**(columns | {name: value + step}))
        down = CurveTable(**(columns | {name: value - step}))
        with np.errstate(all="ignore"):
            change = (up.marginal(x) - down.marginal(x)) / (2 * step)
        out[name] = np.nan_to_num(change, nan=0.0, posinf=0.0, neginf=0.0)
    return out
