"""Weighted least squares with products of unknowns: an interior point, then Newton steps on the bounds it rests on.

    minimise 1/2 |S x - t|^2   subject to   E x = f,   x_result = x_left x_right,   lower <= x <= upper

The interior point (`interior`) gets near from anywhere; the last steps solve the optimality conditions with the active
bounds held, which closes products and balances to rounding (Nocedal and Wright, *Numerical Optimization*, 2nd ed.
2006, ch. 18). Linearised at the solution the problem is that of Cencic (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.interior import BilinearProgramme, InteriorPoint, solve_interior
from oreflow.baseline.quadratic import next_active, solve_active

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_PROXIMAL = 1e-6
_CLOSED = 1e-12
_ACCEPTED = 1e-7
_FINISHING = 30
_FAR = 1e3


@dataclass(frozen=True, slots=True)
class BilinearSolution:
    """Last iterate; `converged` says whether it satisfies the optimality conditions to the tolerance asked for.

    `multipliers`: linear rows, then products. `step`: largest relative step at the end. `gap`: largest relative error
    of a product at the end. `runaway`: unknown that went far beyond its start without an end, or -1.
    """

    x: FloatArray
    multipliers: FloatArray
    bound_multipliers: FloatArray
    active: NDArray[np.int8]
    converged: bool
    iterations: int
    step: float
    gap: float
    runaway: int = -1


def linearised_products(products: IntArray, x: FloatArray) -> sp.csr_array:
    """Rows of x_result = x_left x_right linearised at `x`.

    >>> linearised_products(np.array([[0, 1, 2]]), np.array([6.0, 2.0, 3.0])).toarray().tolist()
    [[1.0, -3.0, -2.0]]
    """
    count = products.shape[0]
    result, left, right = products.T
    data = np.concatenate([np.ones(count), -x[right], -x[left]])
    rows = np.tile(np.arange(count), 3)
    matrix = sp.csr_array((data, (rows, np.concatenate([result, left, right]))), shape=(count, x.size))
    matrix.sum_duplicates()
    return matrix


def solve_bilinear(
    soft: sp.csr_array,
    target: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    products: IntArray,
    lower: FloatArray,
    upper: FloatArray,
    start: FloatArray,
    free: IntArray,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> BilinearSolution:
    """Solve from `start`; `free` are unknowns that nothing determines, which stay near where they are.

    Args: as at the head of this module, in any units; `products` (q, 3) columns result, left, right; `tolerance`,
    relative step. Returns a `BilinearSolution`, converged or not.
    """
    plain = BilinearProgramme(
        sp.csc_array(soft.T @ soft),
        np.asarray(soft.T @ target),
        hard,
        rhs,
        products,
        np.ones((products.shape[0], 2)),
        lower,
        upper,
    )
    programme, unit, row, weight = plain.scaled(np.clip(start, lower, upper))
    near = solve_interior(programme, start / unit, max_iterations=max_iterations)
    end = _finish(programme, near, free, tolerance)
    farthest = int(np.argmax(np.abs(near.x)))
    return BilinearSolution(
        np.clip(end.x * unit, lower, upper),
        end.multipliers * row / weight,
        end.bound_multipliers / (weight * unit),
        end.active,
        end.converged,
        near.iterations + end.iterations,
        end.step,
        end.gap,
        farthest if not end.converged and abs(near.x[farthest]) > _FAR else -1,
    )


def _finish(programme: BilinearProgramme, near: InteriorPoint, free: IntArray, tolerance: float) -> BilinearSolution:
    """Newton's method on the optimality conditions with the active bounds held, from a point near the optimum."""
    x, multipliers, state = near.x, near.multipliers, near.active
    held = np.zeros(x.size)
    held[free] = _PROXIMAL
    seen = np.ones(x.size, dtype=bool)
    seen[free] = False
    step = gap = np.inf
    for iterations in range(1, _FINISHING + 1):
        rows = programme.jacobian(x)
        curved = sp.csc_array(programme.curvature(multipliers) + sp.diags_array(held, format="csc"))
        pull = curved @ x - programme.slope(x)
        trial = solve_active(curved, pull, rows, rows @ x - programme.gaps(x), programme.lower, programme.upper, state)
        if trial is None:
            break
        last, (x, multipliers, force) = x, trial
        step = float(np.max(np.abs(x - last)[seen] / np.maximum(np.abs(x[seen]), 1e-3), initial=0.0))
        gap = _product_gap(programme, x)
        update = next_active(x, force, state, programme.lower, programme.upper, 1e-9)
        if step <= tolerance and gap <= _CLOSED and np.array_equal(update, state):
            return BilinearSolution(x, multipliers, force, state, True, iterations, step, gap)
        if not step <= 1e3:
            break
        state = update
    gap = _product_gap(programme, near.x)
    force = np.asarray(programme.slope(near.x) + programme.jacobian(near.x).T @ near.multipliers)
    force[near.active == 0] = 0.0
    converged = near.error <= _ACCEPTED  # no active set settles where bounds and products are degenerate
    return BilinearSolution(near.x, near.multipliers, force, near.active, converged, _FINISHING, near.error, gap)


def _product_gap(programme: BilinearProgramme, x: FloatArray) -> float:
    """Largest error of a product, relative to its terms and never to less than a millionth of a unit."""
    own, joint = programme.coefficients.T
    result, left, right = programme.products.T
    first, second = own * x[result], joint * x[left] * x[right]
    size = np.maximum(np.maximum(np.abs(first), np.abs(second)), 1e-6)
    return float(np.max(np.abs(first - second) / size, initial=0.0))


def starting_point(
    known: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    products: IntArray,
    lower: FloatArray,
    upper: FloatArray,
) -> FloatArray:
    """A first point: what is observed, then what products and balances give from it, then a stated middle.

    Args: `known` (n), NaN where not observed; the relations as in `solve_bilinear`. An unknown that nothing leads to
    takes the middle of its bounds, or the geometric mean of the known sizes where they are open.
    """
    x = np.clip(known, lower, upper)
    positive = np.abs(known[np.isfinite(known) & (known != 0)])
    typical = float(np.exp(np.mean(np.log(positive)))) if positive.size else 1.0
    while True:
        _propagate(x, hard, rhs, products, lower, upper)
        missing = np.flatnonzero(np.isnan(x))
        if not missing.size:
            return x
        factors = np.intersect1d(missing, products[:, 1:].ravel())
        batch = max(1, missing.size // 20)
        pick = factors[:batch] if factors.size else missing
        low, high = lower[pick], upper[pick]
        closed = np.isfinite(low) & np.isfinite(high)
        middle = 0.5 * (np.where(closed, low, 0.0) + np.where(closed, high, 0.0))
        x[pick] = np.where(closed, middle, np.clip(typical, low, high))


def _propagate(
    x: FloatArray, hard: sp.csr_array, rhs: FloatArray, products: IntArray, lower: FloatArray, upper: FloatArray
) -> None:
    """Fill unknowns of `x` (NaN) that a product or a balance with one gap determines, until none is left."""
    pattern = abs(hard).sign()
    row_of = np.repeat(np.arange(hard.shape[0]), np.diff(hard.indptr))
    result, left, right = products.T
    for _ in range(x.size + 1):
        before = int(np.isnan(x).sum())
        if not before:
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            for out, value in (
                (result, x[left] * x[right]),
                (left, x[result] / x[right]),
                (right, x[result] / x[left]),
            ):
                use = np.isnan(x[out]) & np.isfinite(value)
                x[out[use]] = np.clip(value[use], lower[out[use]], upper[out[use]])
        gaps = np.isnan(x)
        lone = np.flatnonzero(pattern @ gaps.astype(float) == 1.0)
        if lone.size:
            total = hard @ np.where(gaps, 0.0, x)
            entries = np.flatnonzero(gaps[hard.indices] & np.isin(row_of, lone))
            columns, rows = hard.indices[entries], row_of[entries]
            value = (rhs[rows] - total[rows]) / hard.data[entries]
            x[columns] = np.clip(value, lower[columns], upper[columns])
        if int(np.isnan(x).sum()) == before:
            return
