"""Interior point for weighted least squares with products of unknowns, from any start.

    minimise 1/2 x' H x - g' x    subject to    E x = f,    x_result = x_left x_right,    lower <= x <= upper

Logarithmic barrier, exact curvature of the products, a filter in place of a merit function, and a step towards the
constraints alone where the filter admits nothing (Waechter and Biegler, Mathematical Programming 106 (2006) 25-57).
Convexity along a step is tested directly, without the matrix's inertia (Chiang and Zavala, Computational Optimization
and Applications 64 (2016) 327-354).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.core.factor import DENSE, factorise_singular

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

_RELAXED = 1e-8
_PROXIMAL = 1e-8
_DAMPING = 1e-2
_LEAST_SLACK = 1e-2
_SHORTEST = 1e-7
_PATIENCE = 20
_NEAR = 1e-5


@dataclass(frozen=True, slots=True)
class BilinearProgramme:
    """The programme at the head of this module: `products` (q, 3) holds columns result, left, right.

    `coefficients` (q, 2) generalises a product to a x_result = b x_left x_right, so that unknowns and rows can be
    scaled; (1, 1) each in the caller's units.
    """

    hessian: sp.csc_array
    gradient: FloatArray
    hard: sp.csr_array
    rhs: FloatArray
    products: IntArray
    coefficients: FloatArray
    lower: FloatArray
    upper: FloatArray

    def gaps(self, x: FloatArray) -> FloatArray:
        """Error of each linear row, then of each product."""
        result, left, right = self.products.T
        own, joint = self.coefficients.T
        return np.concatenate([self.hard @ x - self.rhs, own * x[result] - joint * x[left] * x[right]])

    def jacobian(self, x: FloatArray) -> sp.csr_array:
        """Derivative of `gaps`."""
        result, left, right = self.products.T
        own, joint = self.coefficients.T
        count = result.size
        data = np.concatenate([own, -joint * x[right], -joint * x[left]])
        columns = np.concatenate([result, left, right])
        rows = sp.csr_array((data, (np.tile(np.arange(count), 3), columns)), shape=(count, x.size))
        rows.sum_duplicates()
        return sp.csr_array(sp.vstack([self.hard, rows], format="csr"))

    def curvature(self, multipliers: FloatArray) -> sp.csc_array:
        """Second derivative of the Lagrangian; `multipliers` of the linear rows, then of the products."""
        _, left, right = self.products.T
        weight = multipliers[self.rhs.size :] * self.coefficients[:, 1]
        cross = sp.csc_array(
            (np.concatenate([weight, weight]), (np.concatenate([left, right]), np.concatenate([right, left]))),
            shape=self.hessian.shape,
        )
        return sp.csc_array(self.hessian - cross)

    def value(self, x: FloatArray) -> float:
        """The objective."""
        return float(0.5 * x @ (self.hessian @ x) - self.gradient @ x)

    def slope(self, x: FloatArray) -> FloatArray:
        """Derivative of the objective."""
        return np.asarray(self.hessian @ x - self.gradient)

    def scaled(self, start: FloatArray) -> tuple[BilinearProgramme, FloatArray, FloatArray, float]:
        """The programme in order-one units at `start`; with the unit of each unknown, weight of each row and of all."""
        unit = _units(self, start)
        weight = min(1.0, 100.0 / max(float(np.max(np.abs(self.slope(start)) * unit, initial=0.0)), 1e-300))
        rows = abs(self.jacobian(np.where(start == 0, unit, start))) @ sp.diags_array(unit)
        row = 1.0 / np.maximum(rows.max(axis=1).toarray().ravel(), 1e-300)
        linear, product = row[: self.rhs.size], row[self.rhs.size :]
        result, left, right = self.products.T
        sizes = np.stack([product * unit[result], product * unit[left] * unit[right]], axis=1)
        inside = BilinearProgramme(
            sp.csc_array(weight * (sp.diags_array(unit) @ self.hessian @ sp.diags_array(unit))),
            weight * unit * self.gradient,
            sp.csr_array(sp.diags_array(linear) @ self.hard @ sp.diags_array(unit)),
            linear * self.rhs,
            self.products,
            self.coefficients * sizes,
            self.lower / unit,
            self.upper / unit,
        )
        return inside, unit, row, weight


@dataclass(frozen=True, slots=True)
class InteriorPoint:
    """Best iterate; `error` is its largest violation of the optimality conditions, `active` the bounds it rests on."""

    x: FloatArray
    multipliers: FloatArray
    active: NDArray[np.int8]
    error: float
    iterations: int


def solve_interior(
    programme: BilinearProgramme, start: FloatArray, *, tolerance: float = 1e-9, max_iterations: int = 300
) -> InteriorPoint:
    """Find a local optimum from `start`, which need satisfy nothing.

    Args: `programme` in units of order one; `tolerance` of the optimality conditions. Returns an `InteriorPoint`,
    whose `error` says how far it came; its active set is the one that the bounds' multipliers point at.
    """
    return _Search(programme, start, tolerance).run(max_iterations)


class _Search:
    """State of one search."""

    def __init__(self, programme: BilinearProgramme, start: FloatArray, tolerance: float) -> None:
        self.programme, self.tolerance = programme, tolerance
        self.below, self.above = np.isfinite(programme.lower), np.isfinite(programme.upper)
        low, high = np.where(self.below, programme.lower, 0.0), np.where(self.above, programme.upper, 0.0)
        self.low = low - _RELAXED * np.maximum(1.0, np.abs(low))
        self.high = high + _RELAXED * np.maximum(1.0, np.abs(high))
        self.one_sided = self.below.astype(float) * ~self.above - self.above.astype(float) * ~self.below
        self.x = self._inside(start)
        self.mu = 0.1
        self.multipliers = np.zeros(programme.rhs.size + programme.products.shape[0])
        self.lift = np.where(self.below, 1.0, 0.0)
        self.press = np.where(self.above, 1.0, 0.0)
        self.shift = 0.0
        first = self._theta(self.x)
        self.largest, self.small = 1e4 * max(1.0, first), 1e-4 * max(1.0, first)
        self.filter: list[tuple[float, float]] = []

    def run(self, max_iterations: int) -> InteriorPoint:
        """Iterate to the tolerance, the limit of iterations, or until nothing has been gained for a while."""
        best, gained, iterations = self._point(np.inf, 0), 0, 0
        with np.errstate(all="ignore"):  # a breakdown shows in the error, and another start takes over
            for iterations in range(1, max_iterations + 1):
                error = self._error(0.0)
                if error < 0.5 * best.error:
                    gained = iterations
                if error < best.error:
                    best = self._point(error, iterations)
                if error <= self.tolerance or (iterations - gained > _PATIENCE and best.error < _NEAR):
                    break
                while self._error(self.mu) <= 10.0 * self.mu and self.mu > 0.1 * self.tolerance:
                    self.mu = max(0.1 * self.tolerance, min(0.2 * self.mu, self.mu**1.5))
                    self.filter = []
                if not self._advance():
                    break
        return replace(best, iterations=iterations)

    def _point(self, error: float, iterations: int) -> InteriorPoint:
        active = np.zeros(self.x.size, dtype=np.int8)
        active[self.below & (self.lift > self.x - self.low)] = -1
        active[self.above & (self.press > self.high - self.x)] = 1
        x = np.clip(self.x, self.programme.lower, self.programme.upper)
        return InteriorPoint(x, self.multipliers, active, error, iterations)

    def _inside(self, x: FloatArray) -> FloatArray:
        room = np.where(self.below & self.above, self.high - self.low, np.inf)
        low = self.low + np.minimum(_LEAST_SLACK * np.maximum(1.0, np.abs(self.low)), _LEAST_SLACK * room)
        high = self.high - np.minimum(_LEAST_SLACK * np.maximum(1.0, np.abs(self.high)), _LEAST_SLACK * room)
        return np.minimum(np.maximum(x, np.where(self.below, low, -np.inf)), np.where(self.above, high, np.inf))

    def _theta(self, x: FloatArray) -> float:
        return float(np.sum(np.abs(self.programme.gaps(x))))

    def _slacks(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return np.where(self.below, x - self.low, 1.0), np.where(self.above, self.high - x, 1.0)

    def _barrier(self, x: FloatArray) -> float:
        slack_low, slack_high = self._slacks(x)
        pull = _DAMPING * float(np.sum(np.where(self.one_sided > 0, slack_low, slack_high)[self.one_sided != 0]))
        logs = float(np.sum(np.log(slack_low)) + np.sum(np.log(slack_high)))
        return self.programme.value(x) - self.mu * (logs - pull)

    def _error(self, mu: float) -> float:
        """Largest violation of the optimality conditions of the barrier problem with `mu`."""
        slack_low, slack_high = self._slacks(self.x)
        dual = (
            self.programme.slope(self.x) + self.programme.jacobian(self.x).T @ self.multipliers - self.lift + self.press
        )
        dual = dual + _DAMPING * mu * self.one_sided
        bounds = np.concatenate([self.lift, self.press])
        size = np.concatenate([np.abs(self.multipliers), bounds])
        dual_unit = max(1.0, float(np.mean(size)) / 100.0) if size.size else 1.0
        bound_unit = max(1.0, float(np.mean(bounds)) / 100.0) if bounds.size else 1.0
        cross = np.concatenate(
            [(slack_low * self.lift - mu)[self.below], (slack_high * self.press - mu)[self.above], [0.0]]
        )
        return max(
            float(np.max(np.abs(dual), initial=0.0)) / dual_unit,
            float(np.max(np.abs(self.programme.gaps(self.x)), initial=0.0)),
            float(np.max(np.abs(cross))) / bound_unit,
        )

    def _advance(self) -> bool:
        """Take one step; False where none is left to take."""
        slack_low, slack_high = self._slacks(self.x)
        rows, gaps = self.programme.jacobian(self.x), self.programme.gaps(self.x)
        pushed = np.where(self.below, self.mu / slack_low, 0.0) - np.where(self.above, self.mu / slack_high, 0.0)
        slope = self.programme.slope(self.x) - pushed + _DAMPING * self.mu * self.one_sided
        stiff = np.where(self.below, self.lift / slack_low, 0.0) + np.where(self.above, self.press / slack_high, 0.0)
        curved = sp.csc_array(self.programme.curvature(self.multipliers) + sp.diags_array(stiff, format="csc"))
        answer = self._direction(curved, rows, slope, gaps)
        if answer is None:
            return self._restore()
        solve, step, multiplier_step = answer
        tau = max(0.99, 1.0 - self.mu)
        longest = self._longest(step, tau)
        lift_step = np.where(self.below, (self.mu - self.lift * step) / slack_low - self.lift, 0.0)
        press_step = np.where(self.above, (self.mu + self.press * step) / slack_high - self.press, 0.0)
        dual_length = min(_fraction(self.lift, lift_step, tau), _fraction(self.press, press_step, tau))
        theta, phi = float(np.sum(np.abs(gaps))), self._barrier(self.x)
        descent = float(slope @ step)
        length, taken = longest, step
        while not self._acceptable(self.x + length * taken, length, theta, phi, descent):
            if length == longest:  # second-order correction: aim at where the products really are
                aimed = length * gaps + self.programme.gaps(self.x + length * step)
                bent = solve(np.concatenate([-slope - rows.T @ self.multipliers, -aimed]))[: step.size]
                reach = self._longest(bent, tau)
                if self._acceptable(self.x + reach * bent, length, theta, phi, descent):
                    taken, length = bent, reach
                    break
            length *= 0.5
            if length < _SHORTEST:
                return self._restore()
        self.x = self.x + length * taken
        self.multipliers = self.multipliers + length * multiplier_step
        self.lift, self.press = self.lift + dual_length * lift_step, self.press + dual_length * press_step
        self._keep_near_centre()
        return True

    def _direction(
        self, curved: sp.csc_array, rows: sp.csr_array, slope: FloatArray, gaps: FloatArray
    ) -> tuple[_Solve, FloatArray, FloatArray] | None:
        """Newton step with the least shift of the curvature under which the barrier problem is convex along it."""
        target = np.concatenate([-slope - rows.T @ self.multipliers, -gaps])
        shift = 0.0
        for _ in range(30):
            solve = _factorised(curved, rows, shift + _PROXIMAL, 1e-9 * self.mu**0.25)
            if solve is not None:
                answer = solve(target)
                step = answer[: slope.size]
                bend = float(step @ (curved @ step)) + shift * float(step @ step)
                if np.all(np.isfinite(answer)) and bend >= 1e-9 * float(step @ step) - 1e-12:
                    self.shift = shift
                    return solve, step, answer[slope.size :]
            shift = (max(self.shift / 3.0, 1e-6) if self.shift else 1e-3) if shift == 0.0 else 8.0 * shift
        return None

    def _longest(self, step: FloatArray, tau: float) -> float:
        slack_low, slack_high = self._slacks(self.x)
        return min(
            _fraction(slack_low, np.where(self.below, step, 0.0), tau),
            _fraction(slack_high, np.where(self.above, -step, 0.0), tau),
        )

    def _acceptable(self, x: FloatArray, length: float, theta: float, phi: float, descent: float) -> bool:
        """Whether the filter takes a trial point; a step judged by its feasibility alone widens the filter."""
        trial_theta, trial_phi = self._theta(x), self._barrier(x)
        if not np.isfinite(trial_theta + trial_phi) or trial_theta > self.largest:
            return False
        noise = 1e-14 * max(1.0, abs(phi))
        if any(trial_theta >= worst and trial_phi >= value for worst, value in self.filter):
            return False
        falling = descent < 0 and length * (-descent) ** 2.3 > theta**1.1
        if theta <= self.small and falling:
            return trial_phi <= phi + 1e-8 * length * descent + 10.0 * noise
        better = trial_theta <= (1 - 1e-5) * theta or trial_phi <= phi - 1e-5 * theta + noise
        if better:
            self.filter.append(((1 - 1e-5) * theta, phi - 1e-5 * theta))
        return better

    def _restore(self) -> bool:
        """Move towards the relations alone, by least change in units of the room to the bounds."""
        theta = before = self._theta(self.x)
        self.filter.append(((1 - 1e-5) * theta, self._barrier(self.x)))
        if theta <= self.tolerance:
            return False
        for _ in range(50):
            slack_low, slack_high = self._slacks(self.x)
            room = np.minimum(np.where(self.below, slack_low, 1.0), np.where(self.above, slack_high, 1.0))
            room = np.minimum(room, np.maximum(1.0, np.abs(self.x)))
            rows, gaps = self.programme.jacobian(self.x), self.programme.gaps(self.x)
            solve = _factorised(sp.csc_array(sp.diags_array(1.0 / room**2)), rows, 0.0, 1e-10)
            if solve is None:
                return False
            step = solve(np.concatenate([np.zeros(room.size), -gaps]))[: room.size]
            length = self._longest(step, 0.99)
            while self._theta(self.x + length * step) > (1 - 1e-4 * length) * theta:
                length *= 0.5
                if length < _SHORTEST:
                    return False
            self.x = self.x + length * step
            theta = self._theta(self.x)
            phi = self._barrier(self.x)
            free = not any(theta >= worst and phi >= value for worst, value in self.filter)
            if theta <= 0.5 * before and free:
                break
        self.multipliers = np.zeros_like(self.multipliers)
        self._keep_near_centre()
        return theta <= 0.5 * before

    def _keep_near_centre(self) -> None:
        """Keep the bounds' multipliers within a factor 1e10 of the barrier's own."""
        slack_low, slack_high = self._slacks(self.x)
        centre_low, centre_high = self.mu / slack_low, self.mu / slack_high
        self.lift = np.where(self.below, np.clip(self.lift, 1e-10 * centre_low, 1e10 * centre_low), 0.0)
        self.press = np.where(self.above, np.clip(self.press, 1e-10 * centre_high, 1e10 * centre_high), 0.0)


class _Solve:
    """A factorised matrix that solves with one step of refinement against itself."""

    def __init__(self, matrix: sp.csc_array, signs: FloatArray) -> None:
        factor = factorise_singular(matrix, signs, DENSE)
        if factor is None:
            raise RuntimeError("the matrix is singular")
        self._matrix, self._factor = matrix, factor

    def __call__(self, target: FloatArray) -> FloatArray:
        first = self._factor.solve(target)
        return np.asarray(first + self._factor.solve(target - self._matrix @ first))


def _factorised(curved: sp.csc_array, rows: sp.csr_array, shift: float, give: float) -> _Solve | None:
    n, m = curved.shape[0], rows.shape[0]
    top = curved + sp.diags_array(np.full(n, shift), format="csc")
    loose = sp.diags_array(np.full(m, -give), format="csc") if m else None
    matrix = sp.csc_array(sp.block_array([[top, rows.T], [rows, loose]], format="csc")) if m else sp.csc_array(top)
    try:
        return _Solve(matrix, np.concatenate([np.ones(n), -np.ones(m)]))
    except RuntimeError:
        return None


def _fraction(slack: FloatArray, step: FloatArray, tau: float) -> float:
    falling = step < 0
    return min(1.0, float(np.min(-tau * slack[falling] / step[falling], initial=1.0)))


def _units(programme: BilinearProgramme, start: FloatArray) -> FloatArray:
    """Size of each unknown: where it starts, how far the data let it move, else its room, else what is typical."""
    curvature = programme.hessian.diagonal()
    spread = np.where(curvature > 0, 1.0 / np.sqrt(np.where(curvature > 0, curvature, 1.0)), 0.0)
    size = np.maximum(np.abs(start), spread)
    room = programme.upper - programme.lower
    size = np.where((size == 0) & np.isfinite(room) & (room > 0), room, size)
    typical = float(np.median(size[size > 0])) if np.any(size > 0) else 1.0
    return np.asarray(np.where(size > 0, size, typical))
