"""Weighted least squares with products of unknowns: sequential quadratic programming with step control.

    minimise 1/2 |S x - t|^2   subject to   E x = f,   x_result = x_left x_right,   lower <= x <= upper

Each step solves the quadratic programme with the products linearised (Gauss-Newton: Cencic 2016). Steps are accepted by
an l1 merit function with a second-order correction; where Gauss-Newton closes in slowly the curvature of the products
is added (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, ch. 18).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.quadratic import QuadraticSolution, solve_active, solve_quadratic

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_ARMIJO = 1e-4
_PROXIMAL = 1e-6
_CLOSED = 1e-12


@dataclass(frozen=True, slots=True)
class BilinearSolution:
    """Last iterate; `converged` says whether it satisfies the optimality conditions to the tolerance asked for.

    `multipliers`: linear rows, then products. `step`: largest relative step at the end. `gap`: largest relative error
    of a product at the end.
    """

    x: FloatArray
    multipliers: FloatArray
    bound_multipliers: FloatArray
    active: NDArray[np.int8]
    converged: bool
    iterations: int
    step: float
    gap: float


def linearised_products(products: IntArray, x: FloatArray) -> tuple[sp.csr_array, FloatArray]:
    """Rows and right-hand sides of x_result = x_left x_right linearised at `x`.

    >>> rows, rhs = linearised_products(np.array([[0, 1, 2]]), np.array([6.0, 2.0, 3.0]))
    >>> rows.toarray().tolist(), rhs.tolist()
    ([[1.0, -3.0, -2.0]], [-6.0])
    """
    count = products.shape[0]
    result, left, right = products.T
    data = np.concatenate([np.ones(count), -x[right], -x[left]])
    rows = np.tile(np.arange(count), 3)
    matrix = sp.csr_array((data, (rows, np.concatenate([result, left, right]))), shape=(count, x.size))
    matrix.sum_duplicates()
    return matrix, -x[left] * x[right]


def product_gaps(products: IntArray, x: FloatArray) -> FloatArray:
    """x_result - x_left x_right of each product."""
    return np.asarray(x[products[:, 0]] - x[products[:, 1]] * x[products[:, 2]])


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
    hessian = sp.csc_array(soft.T @ soft)
    gradient = soft.T @ target
    curvature = hessian.diagonal()
    spread = np.where(curvature > 0, 1.0 / np.sqrt(np.where(curvature > 0, curvature, 1.0)), 0.0)
    x = np.clip(start, lower, upper)
    penalty = np.zeros(rhs.size + products.shape[0])
    active: NDArray[np.int8] | None = None
    multipliers = np.zeros(penalty.size)
    force = np.zeros(x.size)
    last_step, step, gap = np.inf, np.inf, np.inf
    damping = 0.0
    seen = np.ones(x.size, dtype=bool)
    seen[free] = False
    iterations = 0
    for iterations in range(1, max_iterations + 1):
        size = np.maximum(np.abs(x), spread)
        size = np.maximum(size, 1e-3 * float(np.median(size[size > 0])) if np.any(size > 0) else 1.0)
        weight = damping / size**2
        weight[free] = np.maximum(weight[free], _PROXIMAL / size[free] ** 2)
        near = sp.csc_array(hessian + sp.diags_array(weight, format="csc"))
        rows, product_rhs = linearised_products(products, x)
        stacked = sp.csr_array(sp.vstack([hard, rows], format="csr"))
        gaps = np.concatenate([hard @ x - rhs, product_gaps(products, x)])
        aim = np.concatenate([rhs, product_rhs])
        pull = gradient + weight * x
        answer = solve_quadratic(near, pull, stacked, aim, lower, upper, active=active)
        share = 1.0
        while not answer.solved and share > 1e-6:
            share *= 0.25
            answer = solve_quadratic(near, pull, stacked, stacked @ x - share * gaps, lower, upper)
        if not answer.solved:
            break
        move = answer.x - x
        step = float(np.max((np.abs(move) / size)[seen], initial=0.0))
        gap = float(np.max(np.abs(gaps[rhs.size :]) / _product_sizes(products, x, size), initial=0.0))
        multipliers, force, active = answer.multipliers, answer.bound_multipliers, answer.active
        if step <= tolerance and share == 1.0:
            x = answer.x
            gap = float(np.max(np.abs(product_gaps(products, x)) / _product_sizes(products, x, size), initial=0.0))
            if gap <= _CLOSED:
                return BilinearSolution(x, multipliers, force, active, True, iterations, step, gap)
        if iterations > 3 and step > 0.2 * last_step:
            newton = _newton(
                hessian, gradient, stacked, aim, products, multipliers[rhs.size :], x, weight, answer, lower, upper
            )
            if newton is not None:
                move = newton
        wanted = 1.5 * np.abs(multipliers)  # it may fall again (Powell 1978), else a bad first point dwarfs the data
        penalty = np.maximum(wanted, 0.5 * (penalty + wanted))

        def merit(point: FloatArray, bound: FloatArray = penalty) -> float:
            error = soft @ point - target
            open_gaps = np.concatenate([hard @ point - rhs, product_gaps(products, point)])
            return 0.5 * float(error @ error) + float(bound @ np.abs(open_gaps))

        slope = float((hessian @ x - gradient) @ move) - float(penalty @ np.abs(gaps))
        if slope > 0:
            move = answer.x - x
            slope = min(float((hessian @ x - gradient) @ move) - float(penalty @ np.abs(gaps)), 0.0)
        here = merit(x)
        noise = 1e-13 * abs(here)
        length = 1.0
        while merit(x + length * move) > here + _ARMIJO * length * slope + noise:
            if length == 1.0:
                bent = np.concatenate([rhs, product_rhs - product_gaps(products, x + move)])
                corrected = solve_quadratic(near, pull, stacked, bent, lower, upper, active=active)
                if corrected.solved and merit(corrected.x) <= here + _ARMIJO * slope + noise:
                    move = corrected.x - x
                    break
            length *= 0.5
            if length < 1e-3:
                break
        if length == 1.0:
            damping = 0.1 * damping if damping > 1e-6 else 0.0
        else:
            damping = min(max(10.0 * damping, 1e-3 * max(here, 1.0)), 1e6)
        last_step = step
        if length >= 1e-3:
            x = np.clip(x + length * move, lower, upper)
    state = np.zeros(x.size, dtype=np.int8) if active is None else active
    return BilinearSolution(x, multipliers, force, state, False, iterations, step, gap)


def _newton(
    hessian: sp.csc_array,
    gradient: FloatArray,
    stacked: sp.csr_array,
    aim: FloatArray,
    products: IntArray,
    multipliers: FloatArray,
    x: FloatArray,
    weight: FloatArray,
    answer: QuadraticSolution,
    lower: FloatArray,
    upper: FloatArray,
) -> FloatArray | None:
    """Step with the products' curvature on the active set of the Gauss-Newton step; None where it is not usable."""
    _, left, right = products.T
    cross = sp.csc_array(
        (
            np.concatenate([multipliers, multipliers]),
            (np.concatenate([left, right]), np.concatenate([right, left])),
        ),
        shape=hessian.shape,
    )
    curved = sp.csc_array(hessian - cross + sp.diags_array(weight, format="csc"))
    trial = solve_active(curved, gradient - cross @ x + weight * x, stacked, aim, lower, upper, answer.active)
    if trial is None:
        return None
    move = trial[0] - x
    slack = 1e-9 * (1.0 + np.abs(x))
    inside = bool(np.all(trial[0] >= lower - slack) and np.all(trial[0] <= upper + slack))
    if not inside or float(move @ (curved @ move)) <= 0:
        return None
    return np.asarray(np.clip(trial[0], lower, upper) - x)


def _product_sizes(products: IntArray, x: FloatArray, size: FloatArray) -> FloatArray:
    result, left, right = products.T
    return np.asarray(np.maximum(np.maximum(np.abs(x[result]), np.abs(x[left] * x[right])), 1e-6 * size[result]))


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
