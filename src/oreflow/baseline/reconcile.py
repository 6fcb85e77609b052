"""Reconcile contradicting observations with balances by weighted least squares.

    minimise    sum over observations of ((fitted - value) / sd)^2
    subject to  balances A x = b,    products x_result = x_left x_right,    lower <= x <= upper

Sources: Narasimhan and Jordache, *Data Reconciliation and Gross Error Detection* (Gulf, 2000); Cencic, *Nonlinear data
reconciliation in material flow analysis with software STAN*, Sustainable Environment Research 26 (2016) 291-298.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from oreflow.baseline.errors import ReconcileError
from oreflow.baseline.observability import Structure, analyse_structure, circuit
from oreflow.baseline.quadratic import Kkt, QuadraticSolution, row_sizes, solve_quadratic

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Status = Literal["solved", "inconsistent", "infeasible", "not_converged"]
Observability = Literal["constant", "observed_redundant", "observed_nonredundant", "inferable", "unobservable"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured or reported linear combination of unknowns.

    `terms`: (unknown, coefficient) pairs, usually one with 1.0. `value` and `sd` (standard deviation) in the unit of
    the unknowns. Observations that share a `group` are copies of one underlying observation: they share its error
    (`sd` each, fully correlated) and add an independent `transformation_sd` of their own. `sd` zero is exact.
    """

    name: str
    terms: tuple[tuple[str, float], ...]
    value: float
    sd: float
    group: str | None = None
    transformation_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Balance:
    """An exact linear relation: the sum of coefficient times unknown over `terms` equals `rhs`."""

    name: str
    terms: tuple[tuple[str, float], ...]
    rhs: float = 0.0


@dataclass(frozen=True, slots=True)
class Product:
    """An exact bilinear relation: unknown `result` = unknown `left` times unknown `right`."""

    result: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class ReconcileProblem:
    """A reconciliation in names: unknowns, what was observed of them, and what must hold.

    `constants`: unknowns known exactly. `lower`, `upper`: bounds of unknowns, 0 and infinity where not given (give
    -inf for a stock change). All in one unit of account per relation.
    """

    unknowns: tuple[str, ...]
    observations: tuple[Observation, ...] = ()
    balances: tuple[Balance, ...] = ()
    constants: Mapping[str, float] = field(default_factory=dict)
    lower: Mapping[str, float] = field(default_factory=dict)
    upper: Mapping[str, float] = field(default_factory=dict)
    products: tuple[Product, ...] = ()


@dataclass(frozen=True, slots=True)
class ReconcileOptions:
    """Settings of a reconciliation, stored with its result.

    `standard_deviations`: whether posterior deviations and test statistics are computed. `gross_errors`: whether
    suspects are searched for. `significance`: level of the tests. `max_gross_errors`: most suspects removed in turn.
    `tolerance`: relative step at which a bilinear problem counts as solved. `max_iterations`: most steps.
    """

    standard_deviations: bool = True
    gross_errors: bool = True
    significance: float = 0.05
    max_gross_errors: int = 10
    tolerance: float = 1e-10
    max_iterations: int = 200


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What the reconciliation did to one observation.

    `value`, `fitted` in the observation's unit; `sd` its total standard deviation; `adjustment` = (fitted - value) / sd
    (None for an exact observation); `statistic`: the measurement test, standard normal where the observation carries no
    gross error (None where it is not redundant).
    """

    observation: str
    value: float
    fitted: float
    sd: float
    adjustment: float | None
    statistic: float | None
    redundant: bool
    group: str | None


@dataclass(frozen=True, slots=True)
class BindingBound:
    """A bound that holds an unknown: `multiplier` is the fall of the objective per unit of relaxation."""

    unknown: str
    side: Literal["lower", "upper"]
    bound: float
    multiplier: float


@dataclass(frozen=True, slots=True)
class Suspect:
    """An observation, a group of copies or a balance that may carry a gross error.

    `statistic`: its test value when it was found; `critical`: the level it exceeded; `estimated_error`: value minus
    what all others predict (for a balance: what is missing from its right-hand side); `equivalent`: others that no
    data here can tell from it; `removed`: whether the search left it out before looking further.
    """

    name: str
    kind: Literal["observation", "group", "balance"]
    statistic: float
    critical: float
    estimated_error: float
    equivalent: tuple[str, ...]
    removed: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The reconciled picture, in names.

    `means`, `sds`: posterior per unknown, None where unobservable. `observability`: per unknown. `adjustments`: per
    observation. `objective`: sum of squared standardised residuals; `global_test_p`: chance of a larger one without
    gross errors (None without degrees of freedom). `gross_errors`: ranked suspects. `binding`: bounds that hold.
    `status`: solved, inconsistent (exact relations contradict each other), infeasible (bounds and relations do) or
    not_converged; `cause`: why, with names.
    """

    means: dict[str, float | None]
    sds: dict[str, float | None]
    observability: dict[str, Observability]
    adjustments: tuple[Adjustment, ...]
    objective: float
    degrees_of_freedom: int
    global_test_p: float | None
    gross_errors: tuple[Suspect, ...]
    binding: tuple[BindingBound, ...]
    status: Status
    cause: str
    iterations: int
    options: ReconcileOptions


@dataclass(frozen=True, slots=True)
class ArrayReconciliation:
    """Answer of `reconcile_arrays`: arrays over unknowns (n), observations (k) and balances (m).

    `x`, `sd`: posterior mean and standard deviation, NaN where unobservable. `point`: one complete vector that
    satisfies every relation, of which the unobservable entries are arbitrary. `fitted`, `fitted_sd`: per observation.
    `redundant`: per observation. `multipliers`: per balance. `active`: -1 at the lower, 1 at the upper bound, 0 between.
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
    culprits: IntArray
    iterations: int
    structure: Structure


@dataclass(frozen=True, slots=True)
class _Form:
    """The weighted rows over v = (unknowns, one common error for each group); `soft_of`, `hard_of` name their origin."""

    soft: sp.csr_array
    target: FloatArray
    hard: sp.csr_array
    rhs: FloatArray
    lower: FloatArray
    upper: FloatArray
    soft_of: IntArray
    hard_of: IntArray
    group_row: IntArray
    balances_from: int


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
    standard_deviations: bool = True,
) -> ArrayReconciliation:
    """Reconcile in arrays: the fast form, for repeated draws.

    Args: `observed` (k, n) and `values`, `sds` (k): observed linear combinations; `balances` (m, n) and `rhs` (m):
    exact relations; `lower`, `upper` (n): bounds, equal for a constant; `groups` (k): number of the group of copies,
    negative for none; `transformation_sds` (k); `products` (q, 3): columns result, left, right; `structure`: what an
    earlier call with the same coefficients returned, to skip the analysis; `standard_deviations`: False saves most of
    the time. Returns an `ArrayReconciliation`, whose `status` says whether it may be used. Raises `ReconcileError` on
    shapes that do not fit.
    """
    form = _formulate(observed, values, sds, balances, rhs, lower, upper, groups, transformation_sds)
    if products is not None and np.size(products):
        raise ReconcileError(
            "products: bilinear relations are not solved by this version; linearise them into balances"
        )
    n, k, m = observed.shape[1], observed.shape[0], balances.shape[0]
    if structure is None:
        structure = analyse_structure(form.soft, form.hard)
    size = form.hard.shape[1]
    kept = np.setdiff1d(np.arange(form.hard.shape[0]), structure.dependent)
    pins = structure.pinned
    pin_rows = sp.csr_array((np.ones(pins.size), (np.arange(pins.size), pins)), shape=(pins.size, size))
    hard = sp.csr_array(sp.vstack([form.hard[kept], pin_rows], format="csr"))
    resting = np.clip(0.0, form.lower, form.upper)
    hessian = sp.csc_array(form.soft.T @ form.soft)
    gradient = form.soft.T @ form.target
    system = Kkt(hessian, hard)
    v, multipliers = system.solve(gradient, np.concatenate([form.rhs[kept], resting[pins]]))
    culprits = _contradiction(form, structure, kept, v)
    status: Status = "solved"
    cause = ""
    iterations = 1
    active = np.zeros(size, dtype=np.int8)
    force = np.zeros(size)
    if culprits.size:
        status, cause = "inconsistent", "exact relations contradict each other"
    else:
        slack = 1e-9 * (1.0 + np.abs(v))
        if np.any(v < form.lower - slack) or np.any(v > form.upper + slack):
            answer = _within_bounds(form, hessian, gradient, sp.csr_array(form.hard[kept]), form.rhs[kept], pins, v)
            v, active, force, iterations = answer.x, answer.active, answer.bound_multipliers, answer.iterations
            multipliers = answer.multipliers
            if not answer.solved:
                status, cause = "infeasible", "no point satisfies the balances within the bounds"
    full = np.zeros(form.hard.shape[0])
    full[kept] = multipliers[: kept.size]
    unobservable = structure.unobservable[:n]
    usable = status == "solved"
    x = np.where(unobservable | (not usable), np.nan, v[:n])
    fitted = np.asarray(observed @ v[:n])
    sd, fitted_sd = np.full(n, np.nan), np.full(k, np.nan)
    if standard_deviations and usable:
        sd, fitted_sd = _deviations(system, observed, unobservable)
    redundant = np.zeros(k, dtype=bool)
    own = form.soft_of >= 0
    redundant[form.soft_of[own]] = structure.redundant[own]
    grouped = form.group_row >= 0
    redundant[grouped] = structure.redundant[form.group_row[grouped]]
    residual = form.soft @ v - form.target
    return ArrayReconciliation(
        x=x,
        sd=sd,
        point=v[:n],
        unobservable=unobservable,
        fitted=fitted,
        fitted_sd=fitted_sd,
        redundant=redundant,
        multipliers=full[form.balances_from : form.balances_from + m],
        active=active[:n],
        bound_multipliers=force[:n],
        objective=float(residual @ residual),
        degrees_of_freedom=structure.degrees_of_freedom,
        status=status,
        cause=cause,
        culprits=culprits,
        iterations=iterations,
        structure=structure,
    )


def _formulate(
    observed: sp.csr_array,
    values: ArrayLike,
    sds: ArrayLike,
    balances: sp.csr_array,
    rhs: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    groups: ArrayLike | None,
    transformation_sds: ArrayLike | None,
) -> _Form:
    k, n = observed.shape
    value = _vector("values", values, k)
    sd = _vector("sds", sds, k)
    target_rhs = _vector("rhs", rhs, balances.shape[0])
    low, high = _vector("lower", lower, n), _vector("upper", upper, n)
    own = np.zeros(k) if transformation_sds is None else _vector("transformation_sds", transformation_sds, k)
    group = np.full(k, -1) if groups is None else np.asarray(groups, dtype=np.intp)
    if balances.shape[1] != n or group.shape != (k,):
        raise ReconcileError(
            f"shapes: found balances {balances.shape} and groups {group.shape} beside observations {observed.shape}; "
            f"expected ({balances.shape[0]}, {n}) and ({k},)"
        )
    if np.any(sd < 0) or np.any(own < 0) or np.any(low > high):
        raise ReconcileError("sds and transformation_sds must be at least 0, and lower at most upper")
    labels, number, counts = np.unique(group, return_inverse=True, return_counts=True)
    shared = (group >= 0) & (counts[number] > 1)
    names = np.unique(group[shared])
    z = np.searchsorted(names, group)
    total = np.where(shared, own, np.hypot(sd, own))
    extended = sp.csr_array(
        sp.hstack(
            [
                observed,
                sp.csr_array((sd[shared], (np.flatnonzero(shared), z[shared])), shape=(k, names.size)),
            ],
            format="csr",
        )
    )
    soft_of = np.flatnonzero(total > 0)
    exact = np.flatnonzero(total == 0)
    weights = 1.0 / total[soft_of]
    common = sp.hstack([sp.csr_array((names.size, n)), sp.eye_array(names.size)], format="csr")
    soft = sp.csr_array(sp.vstack([sp.diags_array(weights) @ extended[soft_of], common], format="csr"))
    fixed = np.flatnonzero(low == high)
    fixed_rows = sp.csr_array((np.ones(fixed.size), (np.arange(fixed.size), fixed)), shape=(fixed.size, n))
    plain = sp.vstack([balances, fixed_rows], format="csr")
    widened = sp.hstack([plain, sp.csr_array((plain.shape[0], names.size))], format="csr")
    hard = sp.csr_array(sp.vstack([extended[exact], widened], format="csr"))
    unbounded = np.full(names.size, np.inf)
    loose_low, loose_high = low.copy(), high.copy()
    loose_low[fixed], loose_high[fixed] = -np.inf, np.inf
    group_row = np.where(shared, soft_of.size + z, -1)
    return _Form(
        soft=soft,
        target=np.concatenate([value[soft_of] * weights, np.zeros(names.size)]),
        hard=hard,
        rhs=np.concatenate([value[exact], target_rhs, low[fixed]]),
        lower=np.concatenate([loose_low, -unbounded]),
        upper=np.concatenate([loose_high, unbounded]),
        soft_of=np.concatenate([soft_of, np.full(names.size, -1)]).astype(np.intp),
        hard_of=np.concatenate([exact, np.full(plain.shape[0], -1)]).astype(np.intp),
        group_row=group_row.astype(np.intp),
        balances_from=exact.size,
    )


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


def _contradiction(form: _Form, structure: Structure, kept: IntArray, v: FloatArray) -> IntArray:
    """Hard rows that contradict each other: the worst dependent row that fails with the rows that imply it."""
    if not structure.dependent.size:
        return np.zeros(0, dtype=np.intp)
    rows = sp.csr_array(form.hard[structure.dependent])
    error = np.abs(rows @ v - form.rhs[structure.dependent])
    size = np.maximum(row_sizes(rows, form.rhs[structure.dependent], v), 1e-300)
    if np.all(error <= 1e-9 * size):
        return np.zeros(0, dtype=np.intp)
    worst = structure.dependent[int(np.argmax(error / size))]
    return circuit(form.hard, int(worst), kept)


def _within_bounds(
    form: _Form,
    hessian: sp.csc_array,
    gradient: FloatArray,
    hard: sp.csr_array,
    rhs: FloatArray,
    pins: IntArray,
    v: FloatArray,
) -> QuadraticSolution:
    """Solve with bounds; unobservable directions rest near a proximal centre that is moved until it exerts no force."""
    weight = np.zeros(v.size)
    typical = float(np.median(np.abs(v[v != 0]))) if np.any(v != 0) else 1.0
    weight[pins] = 1e-6 / typical**2
    centre = np.clip(v, form.lower, form.upper)
    shifted = sp.csc_array(hessian + sp.diags_array(weight, format="csc"))
    active: NDArray[np.int8] | None = None
    for _ in range(20):
        answer = solve_quadratic(shifted, gradient + weight * centre, hard, rhs, form.lower, form.upper, active=active)
        moved = float(np.max(np.abs(answer.x[pins] - centre[pins]), initial=0.0))
        if not answer.solved or moved <= 1e-9 * typical:
            break
        centre, active = answer.x, answer.active
    return answer


def _deviations(system: Kkt, observed: sp.csr_array, unobservable: BoolArray) -> tuple[FloatArray, FloatArray]:
    n, k = unobservable.size, observed.shape[0]
    size = system.matrix.shape[0]
    variance = np.full(n, np.nan)
    wanted = np.flatnonzero(~unobservable)
    for start in range(0, wanted.size, 256):
        columns = wanted[start : start + 256]
        block = np.zeros((size, columns.size))
        block[columns, np.arange(columns.size)] = 1.0
        answer = system.inverse_columns(block)
        variance[columns] = answer[columns, np.arange(columns.size)]
    fitted = np.zeros(k)
    single = np.diff(observed.indptr) == 1
    ones = np.flatnonzero(single)
    position = observed.indptr[ones]
    fitted[ones] = observed.data[position] ** 2 * np.nan_to_num(variance[observed.indices[position]])
    several = np.flatnonzero(~single)
    for start in range(0, several.size, 256):
        rows = observed[several[start : start + 256]].toarray().T
        block = np.zeros((size, rows.shape[1]))
        block[:n] = rows
        answer = system.inverse_columns(block)[:n]
        fitted[several[start : start + 256]] = np.sum(rows * answer, axis=0)
    return np.sqrt(np.maximum(variance, 0.0)), np.sqrt(np.maximum(fitted, 0.0))


def reconcile(problem: ReconcileProblem, options: ReconcileOptions | None = None) -> Reconciliation:
    """Reconcile observations with balances: posterior means, deviations, observability and tests.

    Args: `problem`, in names; `options`, `ReconcileOptions()` where None. Returns a `Reconciliation`; a failed solve is
    its `status`. Raises `ReconcileError` with every fault of a malformed problem.

    >>> trade = ReconcileProblem(
    ...     unknowns=("import", "export"),
    ...     observations=(Observation("a", (("import", 1.0),), 100.0, 5.0), Observation("b", (("export", 1.0),), 110.0, 10.0)),
    ...     balances=(Balance("border", (("import", 1.0), ("export", -1.0))),),
    ... )
    >>> round(reconcile(trade).means["import"], 6), round(reconcile(trade).sds["import"], 4)
    (102.0, 4.4721)
    """
    options = ReconcileOptions() if options is None else options
    _check_problem(problem)
    column = {name: j for j, name in enumerate(problem.unknowns)}
    n, k = len(column), len(problem.observations)
    lower = np.array([problem.lower.get(name, 0.0) for name in column])
    upper = np.array([problem.upper.get(name, math.inf) for name in column])
    constant = np.zeros(n, dtype=bool)
    for name, value in problem.constants.items():
        lower[column[name]] = upper[column[name]] = value
    constant[lower == upper] = True
    labels: dict[str, int] = {}
    groups = [-1 if o.group is None else labels.setdefault(o.group, len(labels)) for o in problem.observations]
    answer = reconcile_arrays(
        _rows([o.terms for o in problem.observations], column),
        [o.value for o in problem.observations],
        [o.sd for o in problem.observations],
        _rows([b.terms for b in problem.balances], column),
        [b.rhs for b in problem.balances],
        lower,
        upper,
        groups=groups,
        transformation_sds=[o.transformation_sd for o in problem.observations],
        products=np.array(
            [(column[p.result], column[p.left], column[p.right]) for p in problem.products], dtype=np.intp
        ).reshape(-1, 3),
        standard_deviations=options.standard_deviations,
    )
    usable = answer.status == "solved"
    return Reconciliation(
        means={name: _number(answer.x[j]) for name, j in column.items()},
        sds={name: _number(answer.sd[j]) for name, j in column.items()},
        observability=_observability(problem, answer, constant),
        adjustments=tuple(_adjustment(problem.observations[i], answer, i) for i in range(k)) if usable else (),
        objective=answer.objective if usable else math.nan,
        degrees_of_freedom=answer.degrees_of_freedom,
        global_test_p=_global_test(answer) if usable else None,
        gross_errors=(),
        binding=tuple(
            BindingBound(
                name,
                "lower" if answer.active[j] < 0 else "upper",
                float(lower[j] if answer.active[j] < 0 else upper[j]),
                2.0 * abs(float(answer.bound_multipliers[j])),
            )
            for name, j in column.items()
            if answer.active[j] and usable
        ),
        status=answer.status,
        cause=answer.cause,
        iterations=answer.iterations,
        options=options,
    )


def _check_problem(problem: ReconcileProblem) -> None:
    """Every fault of a problem at once, as one `ReconcileError`."""
    faults: list[str] = []
    known = set(problem.unknowns)
    for label, names in (
        ("unknown", problem.unknowns),
        ("observation", [o.name for o in problem.observations]),
        ("balance", [b.name for b in problem.balances]),
    ):
        repeated = (
            sorted({name for name in names if list(names).count(name) > 1}) if len(set(names)) < len(names) else []
        )
        faults += [f"{label} {name!r}: found twice; names must differ" for name in repeated]
    used: list[tuple[str, str]] = []
    for observation in problem.observations:
        where = f"observation {observation.name!r}"
        used += [(where, name) for name, _ in observation.terms]
        numbers = (observation.value, observation.sd, observation.transformation_sd)
        if not all(math.isfinite(number) for number in numbers):
            faults.append(f"{where}: found value, sd, transformation_sd {numbers}; expected finite numbers")
        elif observation.sd < 0 or observation.transformation_sd < 0:
            faults.append(f"{where}: found a negative standard deviation; give 0 for an exact observation")
        if not observation.terms:
            faults.append(f"{where}: found no terms; name the unknown that it observes")
    for balance in problem.balances:
        used += [(f"balance {balance.name!r}", name) for name, _ in balance.terms]
        if not math.isfinite(balance.rhs):
            faults.append(f"balance {balance.name!r}: found right-hand side {balance.rhs}; expected a finite number")
    for where, terms in [(f"observation {o.name!r}", o.terms) for o in problem.observations] + [
        (f"balance {b.name!r}", b.terms) for b in problem.balances
    ]:
        faults += [
            f"{where}: found coefficient {c} of {name!r}; expected a finite number"
            for name, c in terms
            if not math.isfinite(c)
        ]
    for product in problem.products:
        used += [(f"product {product.result!r}", name) for name in (product.result, product.left, product.right)]
    for where, mapping in (("constants", problem.constants), ("lower", problem.lower), ("upper", problem.upper)):
        used += [(where, name) for name in mapping]
    faults += [
        f"{where}: found {name!r}, which is not among the unknowns; add it or correct the name"
        for where, name in used
        if name not in known
    ]
    for name in problem.unknowns:
        low, high = problem.lower.get(name, 0.0), problem.upper.get(name, math.inf)
        if not low <= high and name not in problem.constants:
            faults.append(f"unknown {name!r}: found bounds {low} to {high}; expected lower at most upper")
    faults += [
        f"constant {name!r}: found {v}; expected a finite number"
        for name, v in problem.constants.items()
        if not math.isfinite(v)
    ]
    if not problem.unknowns:
        faults.append("the problem has no unknowns")
    if faults:
        raise ReconcileError("\n".join(faults))


def _rows(relations: list[tuple[tuple[str, float], ...]], column: Mapping[str, int]) -> sp.csr_array:
    counts = [len(terms) for terms in relations]
    rows = np.repeat(np.arange(len(relations)), counts)
    columns = [column[name] for terms in relations for name, _ in terms]
    data = [coefficient for terms in relations for _, coefficient in terms]
    matrix = sp.csr_array(
        (np.array(data, dtype=float), (rows, np.array(columns, dtype=np.intp))), shape=(len(relations), len(column))
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _observability(
    problem: ReconcileProblem, answer: ArrayReconciliation, constant: BoolArray
) -> dict[str, Observability]:
    """An unknown with an observation of its own is observed; the other kinds follow from what determines it."""
    seen: dict[str, bool] = {}
    for observation, redundant in zip(problem.observations, answer.redundant, strict=True):
        if len(observation.terms) == 1:
            name = observation.terms[0][0]
            seen[name] = seen.get(name, False) or bool(redundant)
    kinds: dict[str, Observability] = {}
    for j, name in enumerate(problem.unknowns):
        if constant[j]:
            kinds[name] = "constant"
        elif answer.unobservable[j]:
            kinds[name] = "unobservable"
        elif name in seen:
            kinds[name] = "observed_redundant" if seen[name] else "observed_nonredundant"
        else:
            kinds[name] = "inferable"
    return kinds


def _adjustment(observation: Observation, answer: ArrayReconciliation, i: int) -> Adjustment:
    total = math.hypot(observation.sd, observation.transformation_sd)
    change = float(answer.fitted[i]) - observation.value
    redundant = bool(answer.redundant[i])
    spread = total**2 - float(answer.fitted_sd[i]) ** 2
    tested = redundant and spread > 0 and not math.isnan(spread)
    return Adjustment(
        observation=observation.name,
        value=observation.value,
        fitted=float(answer.fitted[i]),
        sd=total,
        adjustment=change / total if total > 0 else None,
        statistic=change / math.sqrt(spread) if tested else None,
        redundant=redundant,
        group=observation.group,
    )


def _global_test(answer: ArrayReconciliation) -> float | None:
    """Chance of a larger objective without gross errors; each bound that binds counts as one relation more."""
    from scipy.special import chdtrc

    freedom = answer.degrees_of_freedom + int(np.count_nonzero(answer.active))
    return float(chdtrc(freedom, answer.objective)) if freedom > 0 else None
