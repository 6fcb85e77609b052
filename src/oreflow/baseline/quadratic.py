"""Sparse convex quadratic programmes with equalities and bounds, the kernel under the reconciliation.

    minimise 1/2 x' H x - g' x    subject to    E x = f,    lower <= x <= upper

Equalities alone take one factorisation of the Karush-Kuhn-Tucker matrix with iterative refinement. Bounds are met by
a primal-dual active set (Hintermueller, Ito and Kunisch, SIAM Journal on Optimization 13 (2003) 865-888); where that
cycles, by a primal-dual interior point (Mehrotra, SIAM Journal on Optimization 2 (1992) 575-601) whose active set is
then polished; where that breaks down on degenerate bounds, by HiGHS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.observability import equilibrate
from oreflow.core.factor import Factor, factorise, factorise_singular
from oreflow.core.highs import quiet_highs

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_REFINEMENTS = 8
_SHIFT = 1e-9
_REFINED = 1e-11


class Kkt:
    """A factorised matrix [[H, E'], [E, 0]] that answers for many right-hand sides.

    The factor is that of a quasi-definite neighbour, [[H + s, E'], [E, -s]] after scaling with a small s, which needs
    no pivoting and so keeps sparse (Vanderbei, SIAM Journal on Optimization 5 (1995) 100-113); every answer is refined
    against the matrix itself. Where refinement fails, the matrix is factorised as it stands, with pivots.

    Args: `hessian` (n, n) positive semidefinite and definite on the null space of `hard` (m, n); any units; `unit`, a
    typical sd of an unknown (`typical_unit` unless given), so that the answer does not depend on the unit of the data.
    Raises `RuntimeError` where the matrix is singular to working precision.
    """

    def __init__(self, hessian: sp.csc_array, hard: sp.csr_array, unit: float | None = None) -> None:
        self.unknowns = hessian.shape[0]
        self.matrix = sp.csr_array(sp.block_array([[hessian, hard.T], [hard, None]], format="csr"))
        unit = typical_unit(hessian) if unit is None else unit
        units = np.full(self.matrix.shape[0], unit)
        units[self.unknowns :] = 1.0 / unit
        _, rows, columns = equilibrate(sp.csr_array(sp.diags_array(units) @ self.matrix @ sp.diags_array(units)))
        self.scale = units * np.sqrt(rows * columns)
        weights = sp.diags_array(self.scale)
        self._scaled = sp.csr_array(weights @ self.matrix @ weights)
        signs = np.ones(self.matrix.shape[0])
        signs[self.unknowns :] = -1.0
        self._signs = signs
        shifted = sp.csc_array(self._scaled + sp.diags_array(_SHIFT * signs))
        self._pivoted = False
        try:
            self.factor: Factor = factorise(shifted, threshold=0.0)
        except RuntimeError:  # a pivot lost to rounding, where 1/shift swamps a small curvature
            other = factorise_singular(shifted, signs)
            if other is None:
                raise
            self.factor = other

    def solve(self, gradient: FloatArray, rhs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `(x, multipliers)` with H x + E' multipliers = gradient and E x = rhs."""
        solution = self.solve_block(np.concatenate([gradient, rhs])[:, None])[:, 0]
        return solution[: self.unknowns], solution[self.unknowns :]

    def solve_block(self, block: FloatArray) -> FloatArray:
        """Solve for a dense block (n + m, k) of right-hand sides, refined as far as rounding allows."""
        target = self.scale[:, None] * block
        solution, error = self._refine(target)
        if not self._pivoted and np.max(error, initial=0.0) > _REFINED:
            pivoted = self._with_pivots()
            if pivoted is not None:
                kept, self.factor, self._pivoted = self.factor, pivoted, True
                other, other_error = self._refine(target)
                if np.max(other_error) < np.max(error):
                    solution = other
                else:
                    self.factor = kept
        return self.scale[:, None] * solution

    def _refine(self, target: FloatArray) -> tuple[FloatArray, FloatArray]:
        solution = self.factor.solve(target)
        best, least = solution, np.full(target.shape[1], np.inf)
        enough = 0.0 if target.shape[1] == 1 else 1e-13
        for _ in range(_REFINEMENTS):
            residual = target - self._scaled @ solution
            size = np.max(np.abs(residual), axis=0) / np.maximum(
                np.max(np.abs(target), axis=0) + np.max(np.abs(solution), axis=0), 1e-300
            )
            size = np.where(np.isfinite(size), size, np.inf)
            better = size < least
            best = np.where(better, solution, best)
            worth = bool(np.any(size < 0.5 * least) and np.max(size) > enough)
            least = np.where(better, size, least)
            if not worth:
                break
            solution = best + self.factor.solve(target - self._scaled @ best)
        return best, least

    def _with_pivots(self) -> Factor | None:
        return factorise_singular(sp.csc_array(self._scaled), self._signs)


def typical_unit(hessian: sp.csc_array) -> float:
    """Median of 1/sqrt(curvature), in a least-squares problem a typical sd; 1 where nothing is curved."""
    diagonal = np.asarray(hessian.diagonal(), dtype=np.float64)
    curved = diagonal[diagonal > 0]
    return float(1.0 / np.sqrt(np.median(curved))) if curved.size else 1.0


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
    forced = forced_to_bounds(hard, rhs, lower, upper)
    if np.any(forced):
        return _without_forced(hessian, gradient, hard, rhs, lower, upper, forced, active, tolerance, max_iterations)
    state = np.zeros(gradient.size, dtype=np.int8) if active is None else active.copy()
    seen: set[bytes] = set()
    iterations = 0
    while iterations < max_iterations and state.tobytes() not in seen:
        seen.add(state.tobytes())
        iterations += 1
        answer = solve_active(hessian, gradient, hard, rhs, lower, upper, state)
        if answer is None:
            break
        x, multipliers, force = answer
        update = next_active(x, force, state, lower, upper, tolerance)
        if np.array_equal(update, state):
            return QuadraticSolution(
                x, multipliers, force, state, _optimal(hessian, gradient, hard, rhs, x, multipliers, state), iterations
            )
        state = update
    with np.errstate(all="ignore"):  # a breakdown shows as "not solved", and the next method takes over
        inner = _interior(hessian, gradient, hard, rhs, lower, upper, tolerance, iterations)
    return inner if inner.solved else _highs(hessian, gradient, hard, rhs, lower, upper, tolerance, inner)


def forced_to_bounds(hard: sp.csr_array, rhs: FloatArray, lower: FloatArray, upper: FloatArray) -> NDArray[np.int8]:
    """Unknowns that a balance leaves no choice: -1 forced to the lower, 1 to the upper bound, 0 free.

    A balance whose least possible left-hand side already equals its right-hand side puts every unknown in it at a
    bound: all inflows of a place without outflows are zero, for instance. Found repeatedly until nothing more follows.
    """
    forced = np.zeros(lower.size, dtype=np.int8)
    low, high = lower.copy(), upper.copy()
    positive = _signed_part(hard, 1.0)
    negative = _signed_part(hard, -1.0)
    for _ in range(100):
        before = np.count_nonzero(forced)
        for sign in (1.0, -1.0):
            falling, rising = (positive, negative) if sign > 0 else (-negative, -positive)
            in_falling, in_rising = abs(falling).sign(), abs(rising).sign()
            endless = in_falling @ (~np.isfinite(low)).astype(float) + in_rising @ (~np.isfinite(high)).astype(float)
            least = falling @ np.where(np.isfinite(low), low, 0.0) + rising @ np.where(np.isfinite(high), high, 0.0)
            size = row_sizes(hard, rhs, np.where(np.isfinite(low), low, 0.0))
            tight = (endless == 0) & (np.abs(least - sign * rhs) <= 1e-12 * size)
            down = (tight.astype(float) @ in_falling) > 0
            up = (tight.astype(float) @ in_rising) > 0
            forced[down & (forced == 0)] = -1
            forced[up & (forced == 0)] = 1
        high[forced < 0] = low[forced < 0]
        low[forced > 0] = high[forced > 0]
        if np.count_nonzero(forced) == before:
            break
    return forced


def _signed_part(matrix: sp.csr_array, sign: float) -> sp.csr_array:
    part = matrix.copy()
    part.data = np.where(sign * part.data > 0, part.data, 0.0)
    part.eliminate_zeros()
    return part


def _without_forced(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    forced: NDArray[np.int8],
    active: NDArray[np.int8] | None,
    tolerance: float,
    max_iterations: int,
) -> QuadraticSolution:
    """Solve for the unknowns that are not forced to a bound, with the others at theirs."""
    loose, held = np.flatnonzero(forced == 0), np.flatnonzero(forced)
    x = np.where(forced < 0, lower, np.where(forced > 0, upper, 0.0))
    state = forced.copy()
    inner = sp.csr_array(hard[:, loose])
    rows = np.flatnonzero(np.diff(inner.indptr))
    multipliers = np.zeros(rhs.size)
    solved, iterations = True, 0
    if loose.size:
        answer = solve_quadratic(
            sp.csc_array(hessian[loose][:, loose]),
            gradient[loose] - hessian[loose][:, held] @ x[held],
            sp.csr_array(inner[rows]),
            (rhs - hard[:, held] @ x[held])[rows],
            lower[loose],
            upper[loose],
            active=None if active is None else active[loose],
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        x[loose], state[loose], multipliers[rows] = answer.x, answer.active, answer.multipliers
        solved, iterations = answer.solved, answer.iterations
    force = hessian @ x - gradient + hard.T @ multipliers
    force[state == 0] = 0.0
    return QuadraticSolution(
        x,
        multipliers,
        force,
        state,
        solved and _optimal(hessian, gradient, hard, rhs, x, multipliers, state),
        iterations,
    )


def solve_active(
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
            system = Kkt(sp.csc_array(hessian[loose][:, loose]), sp.csr_array(columns[:, loose]), typical_unit(hessian))
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


def next_active(
    x: FloatArray,
    force: FloatArray,
    state: NDArray[np.int8],
    lower: FloatArray,
    upper: FloatArray,
    tolerance: float,
) -> NDArray[np.int8]:
    """The active set that a solution with `state` held points at: bounds crossed are taken, bounds that pull let go."""
    slack = tolerance * (1.0 + np.abs(x))
    update = np.zeros_like(state)
    loose = state == 0
    update[loose & (x < lower - slack)] = -1
    update[loose & (x > upper + slack)] = 1
    update[(state < 0) & (force >= 0)] = -1
    update[(state > 0) & (force <= 0)] = 1
    return update


def _optimal(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    x: FloatArray,
    multipliers: FloatArray,
    state: NDArray[np.int8],
) -> bool:
    """Whether the equalities hold and no force is left on an unknown between its bounds, relative to the terms."""
    size = row_sizes(hard, rhs, x, data_magnitude(hessian, gradient))
    if not np.all(np.abs(hard @ x - rhs) <= 1e-9 * size):
        return False
    force = np.abs(hessian @ x - gradient + hard.T @ multipliers)
    terms = abs(hessian) @ np.abs(x) + np.abs(gradient) + abs(hard.T) @ np.abs(multipliers)
    return bool(np.all(force[state == 0] <= 1e-6 * np.maximum(terms, 1e-3 * np.max(terms, initial=0.0))[state == 0]))


def data_magnitude(hessian: sp.csc_array, gradient: FloatArray) -> float:
    """Median size of what the objective alone would make of each unknown; 0 where it says nothing."""
    diagonal: FloatArray = np.asarray(hessian.diagonal(), dtype=np.float64)
    said = (diagonal > 0) & (gradient != 0)
    return typical_size(gradient[said] / diagonal[said])


def typical_size(values: FloatArray) -> float:
    """Median size of the values that are more than the rounding of the largest; 0 where there are none."""
    size = np.abs(values)
    large = size[size > 1e-9 * float(np.max(size, initial=0.0))]
    return float(np.median(large)) if large.size else 0.0


def row_sizes(hard: sp.csr_array, rhs: FloatArray, x: FloatArray, magnitude: float = 0.0) -> FloatArray:
    """Size of each relation's terms, against which its error is judged: sum |coefficient x| + |rhs|, never below a
    thousandth of what a typical unknown (of size `magnitude` at least) would contribute."""
    typical = max(typical_size(x) or 1.0, magnitude)
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
    start = solve_active(
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
    unit = typical_unit(hessian)
    reached: tuple[FloatArray, ...] | None = None
    steps = 0
    while steps < 100:
        steps += 1
        dual = gradient - hessian @ x - hard.T @ multipliers + lift - press
        primal = rhs - hard @ x
        mu = float(slack_low[below] @ lift[below] + slack_high[above] @ press[above]) / max(bounds, 1)
        primal_size = float(np.max(np.abs(primal) / np.maximum(abs(hard) @ size, 1e-300), initial=0.0))
        dual_size = float(np.max(np.abs(dual) * size, initial=0.0))
        if not np.isfinite(mu + primal_size + dual_size):
            break
        if mu < 1e-9 and primal_size < 1e-10 and dual_size < 1e-7:
            reached = (x, multipliers, lift, press, slack_low, slack_high)
            if mu < 1e-13:
                break
        diagonal = np.where(below, lift / slack_low, 0.0) + np.where(above, press / slack_high, 0.0)
        try:
            system = Kkt(sp.csc_array(hessian + sp.diags_array(diagonal + 1e-12 / size**2)), hard, unit)
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
    if reached is not None:
        x, multipliers, lift, press, slack_low, slack_high = reached
    state = np.zeros(gradient.size, dtype=np.int8)
    state[below & (lift * size > slack_low / size)] = -1
    state[above & (press * size > slack_high / size)] = 1
    if reached is not None:
        polished = _polished(hessian, gradient, hard, rhs, lower, upper, tolerance, state, spent + steps)
        if polished is not None:
            return polished
    force = np.where(state != 0, lift - press, 0.0)
    solved = reached is not None and _optimal(hessian, gradient, hard, rhs, x, multipliers, state)
    return QuadraticSolution(np.clip(x, lower, upper), multipliers, force, state, solved, spent + steps)


def _polished(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    tolerance: float,
    state: NDArray[np.int8],
    spent: int,
) -> QuadraticSolution | None:
    """Move from a near-optimal active set to the optimal one; None where that does not settle."""
    for _ in range(20):
        answer = solve_active(hessian, gradient, hard, rhs, lower, upper, state)
        if answer is None:
            return None
        update = next_active(answer[0], answer[2], state, lower, upper, tolerance)
        if np.array_equal(update, state):
            solved = _optimal(hessian, gradient, hard, rhs, answer[0], answer[1], state)
            return QuadraticSolution(*answer, state, solved, spent)
        state = update
    return None


def _highs(
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    tolerance: float,
    failed: QuadraticSolution,
) -> QuadraticSolution:
    """Solve by the active-set method of HiGHS in units of a typical sd: slower, but sure on degenerate bounds."""
    import highspy

    unit = typical_unit(hessian)
    columns, lower_part = sp.csc_array(hard), sp.csc_array(sp.tril(hessian))
    lp: Any = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = gradient.size, rhs.size
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -unit * gradient, lower / unit, upper / unit
    lp.row_lower_ = lp.row_upper_ = rhs / unit
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = columns.indptr, columns.indices
    lp.a_matrix_.value_ = columns.data
    curvature: Any = highspy.HighsHessian()
    curvature.dim_ = gradient.size
    curvature.format_ = highspy.HessianFormat.kTriangular
    curvature.start_, curvature.index_ = lower_part.indptr, lower_part.indices
    curvature.value_ = unit**2 * lower_part.data
    model: Any = highspy.HighsModel()
    model.lp_, model.hessian_ = lp, curvature
    solver = quiet_highs()
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return failed
    found = solver.getSolution()
    x = unit * np.asarray(found.col_value)
    multipliers = -np.asarray(found.row_dual) / unit
    force = np.asarray(found.col_dual) / unit
    state = np.zeros(gradient.size, dtype=np.int8)
    near = tolerance * (unit + np.abs(x))
    state[x <= lower + near] = -1
    state[x >= upper - near] = 1
    answer = _polished(hessian, gradient, hard, rhs, lower, upper, tolerance, state, failed.iterations)
    if answer is not None and answer.solved:
        return answer
    solved = _optimal(hessian, gradient, hard, rhs, x, multipliers, state)
    return QuadraticSolution(x, multipliers, np.where(state != 0, force, 0.0), state, solved, failed.iterations)


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
