"""Sparse convex quadratic programmes with equalities and bounds, the kernel under the reconciliation.

    minimise 1/2 x' H x - g' x    subject to    E x = f,    lower <= x <= upper

Equalities alone take one factorisation of the Karush-Kuhn-Tucker matrix with iterative refinement. Bounds are met by
a primal-dual active set (Hintermueller, Ito and Kunisch, SIAM Journal on Optimization 13 (2003) 865-888); where that
cycles, by a primal-dual interior point (Mehrotra, SIAM Journal on Optimization 2 (1992) 575-601) whose active set is
then polished.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import SuperLU, splu

from oreflow.baseline.observability import equilibrate

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_REFINEMENTS = 8
_DUAL_SHIFT = 1e-10


class Kkt:
    """A factorised matrix [[H, E'], [E, 0]] that answers for many right-hand sides.

    Args: `hessian` (n, n) positive semidefinite and definite on the null space of `hard` (m, n); `dual_shift`, a small
    number put on the dual diagonal of the factor (not of the system solved) where rows of `hard` may be dependent.
    """

    def __init__(self, hessian: sp.csc_array, hard: sp.csr_array, dual_shift: float = 0.0) -> None:
        self.unknowns = hessian.shape[0]
        self.matrix = sp.csr_array(sp.block_array([[hessian, hard.T], [hard, None]], format="csr"))
        _, rows, columns = equilibrate(self.matrix)
        self.scale = np.sqrt(rows * columns)
        weights = sp.diags_array(self.scale)
        scaled = weights @ self.matrix @ weights
        if dual_shift:
            shift = np.zeros(self.matrix.shape[0])
            shift[self.unknowns :] = -dual_shift
            scaled = scaled + sp.diags_array(shift)
        self.factor: SuperLU = splu(
            sp.csc_array(scaled), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.001, options={"SymmetricMode": True}
        )

    def solve(self, gradient: FloatArray, rhs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `(x, multipliers)` with H x + E' multipliers = gradient and E x = rhs."""
        target = np.concatenate([gradient, rhs])
        solution = self._once(target)
        best, least = solution, np.inf
        for _ in range(_REFINEMENTS):
            residual = target - self.matrix @ solution
            size = float(np.max(np.abs(residual) * self.scale, initial=0.0))
            if not size < 0.5 * least:
                break
            best, least = solution, size
            solution = solution + self._once(residual)
        return best[: self.unknowns], best[self.unknowns :]

    def inverse_columns(self, block: FloatArray) -> FloatArray:
        """Solve for a dense block (n + m, k) with one step of refinement; returns the same shape."""
        solution = self._once(block)
        return solution + self._once(block - self.matrix @ solution)

    def _once(self, block: FloatArray) -> FloatArray:
        weight = self.scale if block.ndim == 1 else self.scale[:, None]
        return np.asarray(weight * self.factor.solve(weight * block))


@dataclass(frozen=True, slots=True)
class QuadraticSolution:
    """Answer to a quadratic programme: `active` is -1 at a lower bound, 1 at an upper bound, 0 between.

    `bound_multipliers` are signed: positive where the lower bound holds the unknown up, negative at an upper bound.
    """

    x: FloatArray
    multipliers: FloatArray
    bound_multipliers: FloatArray
    active: NDArray[np.int8]
    solved: bool
    iterations: int


def solve_quadratic(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    active: NDArray[np.int8] | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 60,
) -> QuadraticSolution:
    """Solve a strictly convex (on the null space of `hard`) quadratic programme with bounds.

    Args: the programme as at the head of this module; `active`, a first guess of the active set; `tolerance`, relative
    to each unknown's size. Returns a `QuadraticSolution`; `solved` is false where no active set satisfied the
    optimality conditions, which for a bounded problem means that the bounds and the equalities contradict each other.
    """
    state = np.zeros(gradient.size, dtype=np.int8) if active is None else active.copy()
    seen: set[bytes] = set()
    iterations = 0
    while iterations < max_iterations and state.tobytes() not in seen:
        seen.add(state.tobytes())
        iterations += 1
        answer = _solve_active(hessian, gradient, hard, rhs, lower, upper, state)
        if answer is None:
            break
        x, multipliers, force = answer
        update = _next_active(x, force, state, lower, upper, tolerance)
        if np.array_equal(update, state):
            return QuadraticSolution(x, multipliers, force, state, _feasible(hard, rhs, x), iterations)
        state = update
    return _interior(hessian, gradient, hard, rhs, lower, upper, tolerance, iterations)


def _solve_active(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    state: NDArray[np.int8],
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Solve with the active unknowns held at their bounds; None where that system is singular."""
    held = np.flatnonzero(state)
    loose = np.flatnonzero(state == 0)
    x = np.where(state < 0, lower, np.where(state > 0, upper, 0.0))
    columns = sp.csc_array(hard)
    try:
        if held.size:
            system = Kkt(
                sp.csc_array(hessian[loose][:, loose]), sp.csr_array(columns[:, loose]), dual_shift=_DUAL_SHIFT
            )
            moved_gradient = gradient[loose] - hessian[loose][:, held] @ x[held]
            moved_rhs = rhs - columns[:, held] @ x[held]
            x[loose], multipliers = system.solve(moved_gradient, moved_rhs)
        else:
            x, multipliers = Kkt(hessian, hard).solve(gradient, rhs)
    except RuntimeError:  # SuperLU: exactly singular
        return None
    if not np.all(np.isfinite(x)):
        return None
    force = hessian @ x - gradient + hard.T @ multipliers
    force[loose] = 0.0
    return x, multipliers, force


def _next_active(
    x: FloatArray,
    force: FloatArray,
    state: NDArray[np.int8],
    lower: FloatArray,
    upper: FloatArray,
    tolerance: float,
) -> NDArray[np.int8]:
    slack = tolerance * (1.0 + np.abs(x))
    update = np.zeros_like(state)
    loose = state == 0
    update[loose & (x < lower - slack)] = -1
    update[loose & (x > upper + slack)] = 1
    update[(state < 0) & (force >= 0)] = -1
    update[(state > 0) & (force <= 0)] = 1
    return update


def _feasible(hard: sp.csr_array, rhs: FloatArray, x: FloatArray) -> bool:
    return bool(np.all(np.abs(hard @ x - rhs) <= 1e-9 * row_sizes(hard, rhs, x)))


def row_sizes(hard: sp.csr_array, rhs: FloatArray, x: FloatArray) -> FloatArray:
    """Size of each relation's terms, against which its error is judged: sum |coefficient x| + |rhs|, never below a
    thousandth of what a typical unknown would contribute."""
    typical = float(np.median(np.abs(x[x != 0]))) if np.any(x != 0) else 1.0
    return np.asarray(abs(hard) @ np.maximum(np.abs(x), 1e-3 * typical) + np.abs(rhs))


def _interior(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    tolerance: float,
    spent: int,
) -> QuadraticSolution:
    """Primal-dual interior point in unknowns scaled by their size, then a polish to the active set it points at."""
    below, above = np.isfinite(lower), np.isfinite(upper)
    regular = hessian + sp.diags_array(np.full(gradient.size, 1e-14 * float(np.max(hessian.diagonal(), initial=1.0))))
    start = _solve_active(
        sp.csc_array(regular), gradient, hard, rhs, lower, upper, np.zeros(gradient.size, dtype=np.int8)
    )
    guess = start[0] if start is not None else np.zeros(gradient.size)
    size = np.maximum(np.abs(guess), max(float(np.median(np.abs(guess))), 1e-12))
    low = np.where(below, lower, 0.0)
    high = np.where(above, upper, 0.0)
    x = guess.copy()
    room = np.where(below & above, np.maximum(high - low, 0.0), np.inf)
    gap = np.minimum(0.1 * size, 0.25 * room)
    x = np.where(below, np.maximum(x, low + gap), x)
    x = np.where(above, np.minimum(x, high - gap), x)
    lift = np.where(below, 1.0 / size, 0.0)
    press = np.where(above, 1.0 / size, 0.0)
    multipliers = np.zeros(rhs.size)
    slack_low = np.where(below, x - low, 1.0)
    slack_high = np.where(above, high - x, 1.0)
    bounds = int(below.sum() + above.sum())
    converged = False
    steps = 0
    for steps in range(1, 101):
        dual = gradient - hessian @ x - hard.T @ multipliers + lift - press
        primal = rhs - hard @ x
        mu = float(slack_low[below] @ lift[below] + slack_high[above] @ press[above]) / max(bounds, 1)
        primal_size = float(np.max(np.abs(primal) / np.maximum(abs(hard) @ size, 1e-300), initial=0.0))
        if mu < 1e-13 and primal_size < 1e-10 and float(np.max(np.abs(dual) * size, initial=0.0)) < 1e-8:
            converged = True
            break
        diagonal = np.where(below, lift / slack_low, 0.0) + np.where(above, press / slack_high, 0.0)
        try:
            system = Kkt(sp.csc_array(hessian + sp.diags_array(diagonal + 1e-12 / size**2)), hard, _DUAL_SHIFT)
        except RuntimeError:
            break
        centre = 0.0
        cross_low = np.zeros_like(x)
        cross_high = np.zeros_like(x)
        for corrector in (False, True):
            push_low = np.where(below, (centre - cross_low) / slack_low - lift, 0.0)
            push_high = np.where(above, (centre + cross_high) / slack_high - press, 0.0)
            step, multiplier_step = system.solve(dual + push_low - push_high, primal)
            lift_step = np.where(below, push_low - lift / slack_low * step, 0.0)
            press_step = np.where(above, push_high + press / slack_high * step, 0.0)
            primal_length = _longest(slack_low, step, below, slack_high, -step, above)
            dual_length = _longest(lift, lift_step, below, press, press_step, above)
            if not corrector:
                ahead = float(
                    (slack_low + primal_length * step)[below] @ (lift + dual_length * lift_step)[below]
                    + (slack_high - primal_length * step)[above] @ (press + dual_length * press_step)[above]
                ) / max(bounds, 1)
                centre = mu * (ahead / max(mu, 1e-300)) ** 3
                cross_low, cross_high = step * lift_step, step * press_step
        length = min(0.995 * primal_length, 0.995 * dual_length, 1.0)
        x = x + length * step
        multipliers = multipliers + length * multiplier_step
        lift, press = lift + length * lift_step, press + length * press_step
        slack_low = np.where(below, x - low, 1.0)
        slack_high = np.where(above, high - x, 1.0)
    state = np.zeros(gradient.size, dtype=np.int8)
    state[below & (lift * size**2 > slack_low * np.maximum(1.0, lift * size))] = -1
    state[above & (press * size**2 > slack_high * np.maximum(1.0, press * size))] = 1
    if converged:
        for _ in range(20):
            answer = _solve_active(hessian, gradient, hard, rhs, lower, upper, state)
            if answer is None:
                break
            update = _next_active(answer[0], answer[2], state, lower, upper, tolerance)
            if np.array_equal(update, state):
                return QuadraticSolution(*answer, state, _feasible(hard, rhs, answer[0]), spent + steps)
            state = update
    return QuadraticSolution(x, multipliers, lift - press, state, converged, spent + steps)


def _longest(
    first: FloatArray,
    first_step: FloatArray,
    first_mask: NDArray[np.bool_],
    second: FloatArray,
    second_step: FloatArray,
    second_mask: NDArray[np.bool_],
) -> float:
    values = np.concatenate([first[first_mask], second[second_mask]])
    moves = np.concatenate([first_step[first_mask], second_step[second_mask]])
    falling = moves < 0
    return min(1.0, float(np.min(-values[falling] / moves[falling], initial=1.0)))
