"""Reconciliation in arrays: weighted rows, their solution, posterior deviations and what failed.

The unknowns are extended by one common error for each group of copies, so that copies need no dense covariance:
observation = fitted + sd * common + transformation error, with the common error standard normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from oreflow.baseline.bilinear import BilinearSolution, linearised_products, solve_bilinear, starting_point
from oreflow.baseline.errors import ReconcileError
from oreflow.baseline.observability import Structure, analyse_structure, circuit, dependent_rows
from oreflow.baseline.posterior import inverse_diagonals, quadratic_forms
from oreflow.baseline.quadratic import Kkt, QuadraticSolution, data_magnitude, row_sizes, solve_quadratic, typical_size

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Status = Literal["solved", "inconsistent", "infeasible", "not_converged"]
_RETRIES = 5

Origin = tuple[Literal["observation", "balance", "constant", "product", "unknown"], int]


@dataclass(frozen=True, slots=True)
class ArrayReconciliation:
    """Answer of `reconcile_arrays`: arrays over unknowns (n), observations (k) and balances (m).

    `x`, `sd`: posterior mean and standard deviation, NaN where unobservable; the deviations leave bounds out, so they
    are on the wide side where one binds. `point`: one complete vector that satisfies every relation, of which the
    unobservable entries are arbitrary. `fitted`, `fitted_sd`, `redundant`: per observation. `multipliers`: per
    balance. `active`: -1 at the lower, 1 at the upper bound, 0 between. `objective`: sum of squared standardised
    residuals. `culprits`: the relations that contradict each other, by kind and number, where `status` says so.
    """

    x: FloatArray
    sd: FloatArray
    point: FloatArray
    unobservable: BoolArray
    fitted: FloatArray
    fitted_sd: FloatArray
    redundant: BoolArray
    multipliers: FloatArray
    active: NDArray[np.int8]
    bound_multipliers: FloatArray
    objective: float
    degrees_of_freedom: int
    status: Status
    cause: str
    culprits: tuple[Origin, ...]
    iterations: int
    structure: Structure


@dataclass(frozen=True, slots=True)
class Formulation:
    """Weighted (soft) and exact (hard) rows over v = (unknowns, one common error for each group of copies).

    `soft_of`: observation of each soft row, -1 for the standard normal prior of a common error. `hard_of`: origin of
    each hard row. `group_row`: per observation, the soft row of its group's common error or -1. `products` (q, 3).
    """

    soft: sp.csr_array
    target: FloatArray
    hard: sp.csr_array
    rhs: FloatArray
    lower: FloatArray
    upper: FloatArray
    products: IntArray
    soft_of: IntArray
    hard_of: tuple[Origin, ...]
    group_row: IntArray
    balances_from: int


@dataclass(frozen=True, slots=True)
class Solved:
    """Solution of a formulation: `rows` are all hard rows with the products linearised, `kept` the independent ones
    among them, `multipliers` one for each row of `rows` (0 where it is not kept)."""

    v: FloatArray
    active: NDArray[np.int8]
    bound_multipliers: FloatArray
    multipliers: FloatArray
    rows: sp.csr_array
    kept: IntArray
    structure: Structure
    status: Status
    cause: str
    culprits: tuple[Origin, ...]
    iterations: int


def reconcile_arrays(
    observed: sp.csr_array,
    values: ArrayLike,
    sds: ArrayLike,
    balances: sp.csr_array,
    rhs: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    transformation_sds: ArrayLike | None = None,
    products: ArrayLike | None = None,
    structure: Structure | None = None,
    start: ArrayLike | None = None,
    standard_deviations: bool = True,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
    starts: int = 1,
) -> ArrayReconciliation:
    """Reconcile in arrays: the fast form, for repeated draws.

    Args: `observed` (k, n) and `values`, `sds` (k): observed linear combinations; `balances` (m, n) and `rhs` (m):
    exact relations; `lower`, `upper` (n): bounds, equal for a constant; `groups` (k): number of the group of copies,
    negative for none; `transformation_sds` (k); `products` (q, 3): columns result, left, right; `structure`: what an
    earlier call with the same coefficients returned, to skip the analysis; `start` (n): first point of a bilinear
    problem; `standard_deviations`: False saves most of the time; `tolerance`, `max_iterations`: relative step and most
    steps of a bilinear problem; `starts`: from how many points it is solved, the best kept. Returns an
    `ArrayReconciliation`, whose `status` says whether it may be used. Raises `ReconcileError` on shapes that do
    not fit.

    >>> import scipy.sparse as sp
    >>> answer = reconcile_arrays(
    ...     sp.csr_array([[1.0, 0.0], [0.0, 1.0]]), [100.0, 110.0], [5.0, 10.0],
    ...     sp.csr_array([[1.0, -1.0]]), [0.0], 0.0, np.inf,
    ... )
    >>> np.round(answer.x, 6).tolist(), np.round(answer.sd, 4).tolist()
    ([102.0, 102.0], [4.4721, 4.4721])
    """
    form = formulate(
        observed, values, sds, balances, rhs, lower, upper,
        groups=groups, transformation_sds=transformation_sds, products=products,
    )  # fmt: skip
    first = None if start is None else _vector("start", start, sp.csr_array(observed).shape[1])
    solved = solve_formulation(
        form, structure=structure, start=first, tolerance=tolerance, max_iterations=max_iterations, starts=starts
    )
    return answer_arrays(form, solved, sp.csr_array(observed), standard_deviations)


def answer_arrays(
    form: Formulation, solved: Solved, observed: sp.csr_array, standard_deviations: bool
) -> ArrayReconciliation:
    """Bring a solution back to unknowns and observations; `observed` (k, n) as given to `formulate`."""
    k, n = observed.shape
    m = sum(kind == "balance" for kind, _ in form.hard_of)
    v, pattern = solved.v, solved.structure
    unobservable = pattern.unobservable[:n]
    usable = solved.status == "solved"
    sd, fitted_sd = np.full(n, np.nan), np.full(k, np.nan)
    if standard_deviations and usable:
        sd, fitted_sd = _deviations(posterior_system(form, solved), observed, unobservable)
    redundant = np.zeros(k, dtype=bool)
    own = form.soft_of >= 0
    redundant[form.soft_of[own]] = pattern.redundant[own]
    grouped = form.group_row >= 0
    redundant[grouped] = pattern.redundant[form.group_row[grouped]]
    residual = form.soft @ v - form.target
    point = v[:n].copy()
    for row, (kind, j) in enumerate(form.hard_of):
        if kind == "constant" and usable:  # exactly, not to rounding
            point[j] = form.rhs[row]
    return ArrayReconciliation(
        x=np.where(unobservable | (not usable), np.nan, point),
        sd=sd,
        point=point,
        unobservable=unobservable,
        fitted=np.asarray(observed @ v[:n]),
        fitted_sd=fitted_sd,
        redundant=redundant,
        multipliers=solved.multipliers[form.balances_from : form.balances_from + m],
        active=solved.active[:n],
        bound_multipliers=solved.bound_multipliers[:n],
        objective=float(residual @ residual),
        degrees_of_freedom=pattern.degrees_of_freedom,
        status=solved.status,
        cause=solved.cause,
        culprits=solved.culprits,
        iterations=solved.iterations,
        structure=pattern,
    )


def formulate(
    observed: sp.csr_array,
    values: ArrayLike,
    sds: ArrayLike,
    balances: sp.csr_array,
    rhs: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    transformation_sds: ArrayLike | None = None,
    products: ArrayLike | None = None,
) -> Formulation:
    """Turn observations and relations into weighted and exact rows; arguments as in `reconcile_arrays`."""
    observed, balances = observed.astype(np.float64).tocsr(), balances.astype(np.float64).tocsr()
    k, n = observed.shape
    value = _vector("values", values, k)
    sd = _vector("sds", sds, k)
    target_rhs = _vector("rhs", rhs, balances.shape[0])
    low, high = _vector("lower", lower, n), _vector("upper", upper, n)
    own = np.zeros(k) if transformation_sds is None else _vector("transformation_sds", transformation_sds, k)
    group = np.full(k, -1) if groups is None else np.asarray(groups, dtype=np.intp)
    triples = (
        np.zeros((0, 3), dtype=np.intp) if products is None else np.asarray(products, dtype=np.intp).reshape(-1, 3)
    )
    if balances.shape[1] != n or group.shape != (k,):
        raise ReconcileError(
            f"shapes: found balances {balances.shape} and groups {group.shape} beside observations {observed.shape}; "
            f"expected ({balances.shape[0]}, {n}) and ({k},)"
        )
    if triples.size and (triples.min() < 0 or triples.max() >= n):
        raise ReconcileError(f"products: found columns {triples.min()} to {triples.max()}; expected 0 to {n - 1}")
    if np.any(sd < 0) or np.any(own < 0) or np.any(low > high):
        raise ReconcileError("sds and transformation_sds must be at least 0, and lower at most upper")
    _, number, counts = np.unique(group, return_inverse=True, return_counts=True)
    shared = (group >= 0) & (counts[number] > 1) & (sd > 0)
    names = np.unique(group[shared])
    z = np.searchsorted(names, group)
    total = np.where(shared, own, np.hypot(sd, own))
    loading = sp.csr_array((sd[shared], (np.flatnonzero(shared), z[shared])), shape=(k, names.size))
    extended = sp.csr_array(sp.hstack([observed, loading], format="csr"))
    soft_of = np.flatnonzero(total > 0)
    exact = np.flatnonzero(total == 0)
    weights = 1.0 / total[soft_of]
    common = sp.hstack([sp.csr_array((names.size, n)), sp.eye_array(names.size)], format="csr")
    fixed = np.flatnonzero(low == high)
    fixed_rows = sp.csr_array((np.ones(fixed.size), (np.arange(fixed.size), fixed)), shape=(fixed.size, n))
    plain = sp.vstack([balances, fixed_rows], format="csr")
    widened = sp.hstack([plain, sp.csr_array((plain.shape[0], names.size))], format="csr")
    unbounded = np.full(names.size, np.inf)
    open_low, open_high = low.copy(), high.copy()
    open_low[fixed], open_high[fixed] = -np.inf, np.inf
    origins: list[Origin] = [("observation", int(i)) for i in exact]
    origins += [("balance", i) for i in range(balances.shape[0])]
    origins += [("constant", int(j)) for j in fixed]
    return Formulation(
        soft=sp.csr_array(sp.vstack([sp.diags_array(weights) @ extended[soft_of], common], format="csr")),
        target=np.concatenate([value[soft_of] * weights, np.zeros(names.size)]),
        hard=sp.csr_array(sp.vstack([extended[exact], widened], format="csr")),
        rhs=np.concatenate([value[exact], target_rhs, low[fixed]]),
        lower=np.concatenate([open_low, -unbounded]),
        upper=np.concatenate([open_high, unbounded]),
        products=triples,
        soft_of=np.concatenate([soft_of, np.full(names.size, -1)]).astype(np.intp),
        hard_of=tuple(origins),
        group_row=np.where(shared, soft_of.size + z, -1).astype(np.intp),
        balances_from=exact.size,
    )


def solve_formulation(
    form: Formulation,
    *,
    structure: Structure | None = None,
    start: FloatArray | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
    starts: int = 1,
) -> Solved:
    """Solve a formulation; a failure is the `status` of what returns."""
    if form.products.shape[0]:
        return _solve_products(form, start, tolerance, max_iterations, starts)
    pattern = analyse_structure(form.soft, form.hard) if structure is None else structure
    kept = np.setdiff1d(np.arange(form.hard.shape[0]), pattern.dependent)
    hard = sp.csr_array(form.hard[kept])
    hessian = sp.csc_array(form.soft.T @ form.soft)
    gradient = form.soft.T @ form.target
    pins = pattern.pinned
    resting = np.clip(0.0, form.lower, form.upper)
    v, multipliers = Kkt(hessian, _pinned(hard, pins)).solve(gradient, np.concatenate([form.rhs[kept], resting[pins]]))
    status: Status = "solved"
    cause, iterations = "", 1
    active, force = np.zeros(v.size, dtype=np.int8), np.zeros(v.size)
    culprits = _contradiction(form, pattern, kept, v)
    if culprits:
        status, cause = "inconsistent", "exact relations contradict each other"
    else:
        slack = 1e-12 * (1.0 + np.abs(v))
        if np.any(v < form.lower - slack) or np.any(v > form.upper + slack):
            answer = _within_bounds(form, hessian, gradient, hard, form.rhs[kept], pattern, v)
            v, active, force, iterations = answer.x, answer.active, answer.bound_multipliers, answer.iterations
            multipliers = answer.multipliers
            if not answer.solved:
                status, cause, culprits = _diagnose(form)
    every = np.zeros(form.hard.shape[0])
    every[kept] = multipliers[: kept.size]
    return Solved(v, active, force, every, form.hard, kept, pattern, status, cause, culprits, iterations)


def posterior_system(form: Formulation, solved: Solved) -> Kkt:
    """The factorised system whose inverse holds the posterior covariance at a solution (products linearised there)."""
    hard = _pinned(sp.csr_array(solved.rows[solved.kept]), solved.structure.pinned)
    return Kkt(sp.csc_array(form.soft.T @ form.soft), hard)


def tested_system(form: Formulation, solved: Solved) -> tuple[Kkt, IntArray]:
    """`posterior_system` with the unknowns that sit at a bound held there, as the tests of a bounded solution need.

    Returns the system and the hard rows in it, in order. A balance that the held unknowns already imply (all inflows
    of a place without outflow are zero) has no error of its own to test and is left out.
    """
    held = np.union1d(np.flatnonzero(solved.active), solved.structure.pinned).astype(np.intp)
    hard = sp.csr_array(solved.rows[solved.kept])
    loose = np.ones(hard.shape[1])
    loose[held] = 0.0
    implied = dependent_rows(sp.csr_array(hard @ sp.diags_array(loose))) if held.size else held
    rows = np.setdiff1d(np.arange(solved.kept.size), implied)
    return Kkt(sp.csc_array(form.soft.T @ form.soft), _pinned(sp.csr_array(hard[rows]), held)), solved.kept[rows]


def _pinned(hard: sp.csr_array, pins: IntArray) -> sp.csr_array:
    rows = sp.csr_array((np.ones(pins.size), (np.arange(pins.size), pins)), shape=(pins.size, hard.shape[1]))
    return sp.csr_array(sp.vstack([hard, rows], format="csr"))


def _solve_products(
    form: Formulation, start: FloatArray | None, tolerance: float, max_iterations: int, starts: int
) -> Solved:
    """Solve from one or several starts and keep the best; further starts also follow a failure."""
    dependent = dependent_rows(form.hard)
    linear = np.setdiff1d(np.arange(form.hard.shape[0]), dependent)
    hard, rhs = sp.csr_array(form.hard[linear]), form.rhs[linear]
    known = _known(form)
    rng = np.random.default_rng(19620101)
    answer: BilinearSolution | None = None
    best = np.inf
    for attempt in range(max(starts, _RETRIES)):
        if attempt >= starts and answer is not None and answer.converged:
            break
        if attempt == 0 and start is not None:
            first = np.concatenate([start, np.zeros(form.soft.shape[1] - start.size)])
        else:
            guess = known.copy()
            if attempt:  # without a third of what was observed, some of which may be wrong
                guess *= np.exp(0.1 * rng.standard_normal(known.size))
                guess[rng.random(known.size) < 1.0 / 3.0] = np.nan
            first = starting_point(guess, hard, rhs, form.products, form.lower, form.upper)
        rows = linearised_products(form.products, first)
        joined = sp.csr_array(sp.vstack([hard, rows], format="csr"))
        trial = solve_bilinear(
            form.soft, form.target, hard, rhs, form.products, form.lower, form.upper, first,
            np.flatnonzero(analyse_structure(form.soft, joined).unobservable),
            tolerance=tolerance, max_iterations=max_iterations,
        )  # fmt: skip
        residual = form.soft @ trial.x - form.target
        objective = float(residual @ residual) if trial.converged else np.inf
        if answer is None or objective < best - 1e-9 * (1.0 + abs(objective)):
            answer, best = trial, objective
    if answer is None:
        raise ReconcileError(f"starts: found {starts}; expected at least 1")
    rows = linearised_products(form.products, answer.x)
    every = sp.csr_array(sp.vstack([form.hard, rows], format="csr"))
    pattern = analyse_structure(form.soft, every)
    kept = np.setdiff1d(np.arange(every.shape[0]), pattern.dependent)
    multipliers = np.zeros(every.shape[0])
    multipliers[linear] = answer.multipliers[: linear.size]
    multipliers[form.hard.shape[0] :] = answer.multipliers[linear.size :]
    status: Status = "solved"
    cause = ""
    culprits: tuple[Origin, ...] = ()
    if dependent.size:
        plain = Structure(pattern.unobservable, pattern.pinned, pattern.redundant, dependent, 0)
        culprits = _contradiction(form, plain, linear, answer.x)
    if culprits:
        status, cause = "inconsistent", "exact relations contradict each other"
    elif not answer.converged:
        status, cause, culprits = _diagnose(form)
        if status == "not_converged":
            cause = (
                f"the products were not closed after {answer.iterations} steps: last relative step {answer.step:.1e}, "
                f"largest relative error of a product {answer.gap:.1e}; give a start or narrower bounds"
            )
            if answer.runaway >= 0:
                cause = (
                    "found that the sum of squares keeps falling while it grows without end; "
                    "give it an upper bound or an observation"
                )
                culprits = (("unknown", answer.runaway),)
    return Solved(
        answer.x, answer.active, answer.bound_multipliers, multipliers, every, kept, pattern,
        status, cause, culprits, answer.iterations,
    )  # fmt: skip


def _known(form: Formulation) -> FloatArray:
    """Weighted mean of what is observed or fixed of each unknown by itself, NaN for the others."""
    size = form.soft.shape[1]
    weight, total = np.zeros(size), np.zeros(size)
    for matrix, target, factor in ((form.soft, form.target, 1.0), (form.hard, form.rhs, 1e12)):
        single = np.flatnonzero(np.diff(matrix.indptr) == 1)
        column, coefficient = matrix.indices[matrix.indptr[single]], matrix.data[matrix.indptr[single]]
        np.add.at(weight, column, factor * coefficient**2)
        np.add.at(total, column, factor * coefficient * target[single])
    known = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)
    several = np.flatnonzero(np.diff(form.soft.indptr) == 2)
    for row in several:  # a copy: one unknown and its group's common error
        span = slice(form.soft.indptr[row], form.soft.indptr[row + 1])
        column, coefficient = form.soft.indices[span], form.soft.data[span]
        if np.isnan(known[column[0]]) and known[column[1]] == 0.0:
            known[column[0]] = form.target[row] / coefficient[0]
    return known


def _vector(name: str, values: ArrayLike, size: int) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        array = np.full(size, float(array))
    if array.shape != (size,):
        raise ReconcileError(f"{name}: found shape {array.shape}; expected ({size},)")
    if np.any(np.isnan(array)):
        raise ReconcileError(
            f"{name}: found NaN at {np.flatnonzero(np.isnan(array)).tolist()[:10]}; leave it out instead"
        )
    return array


def _contradiction(form: Formulation, structure: Structure, kept: IntArray, v: FloatArray) -> tuple[Origin, ...]:
    """The worst dependent exact row that fails, with the rows that imply it; empty where all hold."""
    dependent = structure.dependent[structure.dependent < form.hard.shape[0]]
    if not dependent.size:
        return ()
    rows = sp.csr_array(form.hard[dependent])
    error = np.abs(rows @ v - form.rhs[dependent])
    magnitude = data_magnitude(sp.csc_array(form.soft.T @ form.soft), form.soft.T @ form.target)
    size = np.maximum(row_sizes(rows, form.rhs[dependent], v, magnitude), 1e-300)
    if np.all(error <= 1e-9 * size):
        return ()
    worst = int(dependent[int(np.argmax(error / size))])
    return tuple(form.hard_of[i] for i in circuit(form.hard, worst, kept[kept < form.hard.shape[0]]))


def _within_bounds(
    form: Formulation,
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    structure: Structure,
    v: FloatArray,
) -> QuadraticSolution:
    """Solve with bounds; unobservable directions rest near a proximal centre that is moved until it exerts no force."""
    weight = np.zeros(v.size)
    typical = max(typical_size(v), data_magnitude(hessian, gradient)) or 1.0
    weight[structure.pinned] = 1e-6 / typical**2
    centre = np.clip(v, form.lower, form.upper)
    shifted = sp.csc_array(hessian + sp.diags_array(weight, format="csc"))
    answer = solve_quadratic(shifted, gradient + weight * centre, hard, rhs, form.lower, form.upper)
    seen = ~structure.unobservable
    for _ in range(10):
        if not answer.solved or not structure.pinned.size:
            break
        last, centre = answer, answer.x
        answer = solve_quadratic(
            shifted, gradient + weight * centre, hard, rhs, form.lower, form.upper, active=last.active
        )
        if not answer.solved:
            return last
        if np.max(np.abs(answer.x - last.x)[seen], initial=0.0) <= 1e-9 * typical:
            break
    return answer


def _diagnose(form: Formulation) -> tuple[Status, str, tuple[Origin, ...]]:
    """Whether bounds and linear relations leave any point, by linear programming, and which relations clash."""
    from scipy.optimize import linprog

    m, n = form.hard.shape
    scale = 1.0 / np.maximum(np.sqrt(np.asarray(form.hard.multiply(form.hard).sum(axis=1)).ravel()), 1e-300)
    rows = sp.csr_array(sp.diags_array(scale) @ form.hard)
    elastic = sp.hstack([rows, sp.eye_array(m), -sp.eye_array(m)], format="csr")
    cost = np.concatenate([np.zeros(n), np.ones(2 * m)])
    bounds = [(low, high) for low, high in zip(form.lower, form.upper, strict=True)] + [(0.0, np.inf)] * (2 * m)
    answer = linprog(cost, A_eq=elastic, b_eq=form.rhs * scale, bounds=bounds, method="highs")
    size = float(np.max(np.abs(form.rhs * scale), initial=0.0)) + 1.0
    if answer.status != 0 or answer.fun is None or answer.fun <= 1e-7 * size:
        return "not_converged", "bounds and relations leave room, but no optimum was reached", ()
    clashing = np.flatnonzero(np.abs(answer.eqlin.marginals) > 1e-9)
    return "infeasible", "no point satisfies the relations within the bounds", tuple(form.hard_of[i] for i in clashing)


def _deviations(system: Kkt, observed: sp.csr_array, unobservable: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Standard deviations of the unknowns (NaN where unobservable) and of the fitted observations."""
    n, k = unobservable.size, observed.shape[0]
    variance = inverse_diagonals(system)[0][:n]
    fitted = np.zeros(k)
    single = np.diff(observed.indptr) == 1
    ones = np.flatnonzero(single)
    position = observed.indptr[ones]
    fitted[ones] = observed.data[position] ** 2 * variance[observed.indices[position]]
    several = np.flatnonzero(~single)
    fitted[several] = quadratic_forms(system, sp.csr_array(observed[several]))
    return np.where(unobservable, np.nan, np.sqrt(variance)), np.sqrt(fitted)
