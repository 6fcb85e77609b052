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
from numpy.typing import NDArray

from oreflow.baseline.arrays import (
    ArrayReconciliation,
    Formulation,
    Origin,
    Solved,
    Status,
    answer_arrays,
    formulate,
    posterior_system,
    reconcile_arrays,
    solve_formulation,
)
from oreflow.baseline.errors import ReconcileError
from oreflow.baseline.gross_errors import Row, RowSuspect, find_gross_errors, global_test, row_tests
from oreflow.core.threads import with_one_blas_thread

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

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
    `suspect_balances`: whether balances may be wrong too (a leak, an unrecorded flow). `tolerance`: relative step at
    which a bilinear problem counts as solved. `max_iterations`: most steps. `starts`: from how many points a bilinear
    problem is solved, the best kept.
    """

    standard_deviations: bool = True
    gross_errors: bool = True
    significance: float = 0.05
    max_gross_errors: int = 10
    suspect_balances: bool = False
    tolerance: float = 1e-10
    max_iterations: int = 200
    starts: int = 3


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


@with_one_blas_thread
def reconcile(problem: ReconcileProblem, options: ReconcileOptions | None = None) -> Reconciliation:
    """Reconcile observations with balances: posterior means, deviations, observability and tests.

    Args: `problem`, in names; `options`, `ReconcileOptions()` where None. Returns a `Reconciliation`; a failed solve is
    its `status`. Raises `ReconcileError` with every fault of a malformed problem.

    >>> trade = ReconcileProblem(
    ...     unknowns=("import", "export"),
    ...     observations=(
    ...         Observation("a", (("import", 1.0),), 100.0, 5.0),
    ...         Observation("b", (("export", 1.0),), 110.0, 10.0),
    ...     ),
    ...     balances=(Balance("border", (("import", 1.0), ("export", -1.0))),),
    ... )
    >>> round(reconcile(trade).means["import"], 6), round(reconcile(trade).sds["import"], 4)
    (102.0, 4.4721)
    """
    options = ReconcileOptions() if options is None else options
    form, lower, upper = formulate_problem(problem)
    solved = solve_formulation(
        form, tolerance=options.tolerance, max_iterations=options.max_iterations, starts=options.starts
    )
    answer = answer_arrays(
        form, solved, _rows([o.terms for o in problem.observations], _columns(problem)), options.standard_deviations
    )
    usable = solved.status == "solved"
    tested = usable and options.standard_deviations
    statistics = _statistics(problem, form, solved) if tested else [None] * len(problem.observations)
    suspects: tuple[RowSuspect, ...] = ()
    if tested and options.gross_errors:
        suspects = find_gross_errors(
            form,
            solved,
            significance=options.significance,
            limit=options.max_gross_errors,
            test_balances=options.suspect_balances,
            tolerance=options.tolerance,
            max_iterations=options.max_iterations,
        )
    names = problem.unknowns
    freedom = answer.degrees_of_freedom + int(np.count_nonzero(answer.active))
    return Reconciliation(
        means={name: _number(answer.x[j]) for j, name in enumerate(names)},
        sds={name: _number(answer.sd[j]) for j, name in enumerate(names)},
        observability=_observability(problem, answer, lower == upper),
        adjustments=tuple(
            _adjustment(observation, answer, i, statistics[i]) for i, observation in enumerate(problem.observations)
        )
        if usable
        else (),
        objective=answer.objective if usable else math.nan,
        degrees_of_freedom=answer.degrees_of_freedom,
        global_test_p=global_test(answer.objective, freedom) if usable else None,
        gross_errors=tuple(_suspect(problem, form, suspect) for suspect in suspects),
        binding=tuple(
            BindingBound(
                names[j],
                "lower" if answer.active[j] < 0 else "upper",
                float(lower[j] if answer.active[j] < 0 else upper[j]),
                2.0 * abs(float(answer.bound_multipliers[j])),
            )
            for j in np.flatnonzero(answer.active)
            if usable and not answer.unobservable[j]
        ),
        status=answer.status,
        cause=_cause(problem, answer),
        iterations=answer.iterations,
        options=options,
    )


def formulate_problem(problem: ReconcileProblem) -> tuple[Formulation, FloatArray, FloatArray]:
    """Check a problem and turn it into rows; returns the formulation and the bounds, equal for a constant."""
    _check_problem(problem)
    column = _columns(problem)
    lower = np.array([problem.lower.get(name, 0.0) for name in column])
    upper = np.array([problem.upper.get(name, math.inf) for name in column])
    for name, value in problem.constants.items():
        lower[column[name]] = upper[column[name]] = value
    labels: dict[str, int] = {}
    groups = [-1 if o.group is None else labels.setdefault(o.group, len(labels)) for o in problem.observations]
    form = formulate(
        _rows([o.terms for o in problem.observations], column),
        [o.value for o in problem.observations],
        [o.sd for o in problem.observations],
        _rows([b.terms for b in problem.balances], column),
        [b.rhs for b in problem.balances],
        lower,
        upper,
        groups=groups,
        transformation_sds=[o.transformation_sd for o in problem.observations],
        products=[(column[p.result], column[p.left], column[p.right]) for p in problem.products],
    )
    return form, lower, upper


def posterior_of(
    problem: ReconcileProblem, functions: Mapping[str, Mapping[str, float]], options: ReconcileOptions | None = None
) -> tuple[dict[str, float | None], NDArray[np.float64]]:
    """Posterior means and exact covariance of selected linear functions of the unknowns.

    Args: `problem`; `functions`: per name, unknown -> coefficient; `options`. Returns `(means, covariance)`, in the
    order of `functions`; a function that the data do not determine has mean None and NaN in its row and column. Raises
    `ReconcileError` where the problem is malformed or has no solution.

    >>> problem = ReconcileProblem(
    ...     ("a", "b", "c"),
    ...     (Observation("b", (("b", 1.0),), 60.0, 3.0), Observation("c", (("c", 1.0),), 40.0, 4.0)),
    ...     (Balance("split", (("a", 1.0), ("b", -1.0), ("c", -1.0))),),
    ... )
    >>> means, covariance = posterior_of(problem, {"all": {"a": 1.0}, "difference": {"b": 1.0, "c": -1.0}})
    >>> round(means["all"], 6), round(float(covariance[0, 0]), 6), round(float(covariance[0, 1]), 6)
    (100.0, 25.0, -7.0)
    """
    options = ReconcileOptions() if options is None else options
    form, _, _ = formulate_problem(problem)
    column = _columns(problem)
    unknown = sorted({name for terms in functions.values() for name in terms if name not in column})
    if unknown:
        raise ReconcileError(f"functions: found {unknown}, which are not among the unknowns; correct the names")
    solved = solve_formulation(
        form, tolerance=options.tolerance, max_iterations=options.max_iterations, starts=options.starts
    )
    if solved.status != "solved":
        raise ReconcileError(f"the reconciliation is {solved.status}: {solved.cause}")
    system = posterior_system(form, solved)
    block = np.zeros((system.matrix.shape[0], len(functions)))
    for i, terms in enumerate(functions.values()):
        for name, coefficient in terms.items():
            block[column[name], i] += coefficient
    weights = block[: form.soft.shape[1]]
    covariance = np.asarray(weights.T @ system.solve_block(block)[: weights.shape[0]])
    covariance = 0.5 * (covariance + covariance.T)
    forces = np.abs(system.solve_block(block)[system.unknowns + solved.kept.size :])
    size = np.max(np.abs(weights), axis=0, initial=0.0)
    lost = np.max(forces, axis=0, initial=0.0) > 1e-7 * np.maximum(size, 1e-300)
    covariance[lost, :] = np.nan
    covariance[:, lost] = np.nan
    values = weights.T @ solved.v
    return {name: None if lost[i] else float(values[i]) for i, name in enumerate(functions)}, covariance


def _columns(problem: ReconcileProblem) -> dict[str, int]:
    return {name: j for j, name in enumerate(problem.unknowns)}


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


def _adjustment(observation: Observation, answer: ArrayReconciliation, i: int, statistic: float | None) -> Adjustment:
    total = math.hypot(observation.sd, observation.transformation_sd)
    change = float(answer.fitted[i]) - observation.value
    return Adjustment(
        observation=observation.name,
        value=observation.value,
        fitted=float(answer.fitted[i]),
        sd=total,
        adjustment=change / total if total > 0 else None,
        statistic=statistic,
        redundant=bool(answer.redundant[i]),
        group=observation.group,
    )


def _statistics(problem: ReconcileProblem, form: Formulation, solved: Solved) -> list[float | None]:
    """Measurement test of each observation; copies carry that of their common error, signed as an adjustment."""
    tests = row_tests(form, solved)
    values: list[float | None] = [None] * len(problem.observations)
    for row, i in enumerate(form.soft_of):
        if i >= 0:
            values[i] = _number(tests.soft[row])
    for i, row in enumerate(form.group_row):
        if row >= 0:
            common = _number(tests.soft[row])
            values[i] = None if common is None else -common
    return values


def _suspect(problem: ReconcileProblem, form: Formulation, suspect: RowSuspect) -> Suspect:
    kind, name, unit = _row_name(problem, form, suspect.row)
    return Suspect(
        name=name,
        kind=kind,
        statistic=-suspect.statistic if kind == "group" else suspect.statistic,
        critical=suspect.critical,
        estimated_error=suspect.error * unit,
        equivalent=tuple(_row_name(problem, form, row)[1] for row in suspect.equivalent),
        removed=suspect.removed,
    )


def _row_name(
    problem: ReconcileProblem, form: Formulation, row: Row
) -> tuple[Literal["observation", "group", "balance"], str, float]:
    """Kind, name and unit (standard deviation of a soft row) of a row."""
    side, number = row
    if side == "hard":
        return "balance", problem.balances[form.hard_of[number][1]].name, 1.0
    i = int(form.soft_of[number])
    if i >= 0:
        observation = problem.observations[i]
        alone = form.group_row[i] < 0
        spread = math.hypot(observation.sd, observation.transformation_sd) if alone else observation.transformation_sd
        return "observation", observation.name, spread
    first = problem.observations[int(np.flatnonzero(form.group_row == number)[0])]
    return "group", str(first.group), -first.sd


def _cause(problem: ReconcileProblem, answer: ArrayReconciliation) -> str:
    """The cause of a failure with the names of the relations that clash."""

    def name(origin: Origin) -> str:
        kind, i = origin
        if kind == "observation":
            return f"observation {problem.observations[i].name!r}"
        if kind == "balance":
            return f"balance {problem.balances[i].name!r}"
        return f"{'unknown' if kind == 'unknown' else 'constant'} {problem.unknowns[i]!r}"

    if not answer.culprits:
        return answer.cause
    if answer.culprits[0][0] == "unknown":  # one that runs away
        return f"{name(answer.culprits[0])}: {answer.cause}"
    shown = [name(origin) for origin in answer.culprits[:12]]
    more = f" and {len(answer.culprits) - 12} more" if len(answer.culprits) > 12 else ""
    return f"{answer.cause}: {', '.join(shown)}{more}; widen a bound, drop one or give an observation an error"


__all__ = [
    "Adjustment",
    "ArrayReconciliation",
    "Balance",
    "BindingBound",
    "Observability",
    "Observation",
    "Product",
    "ReconcileError",
    "ReconcileOptions",
    "ReconcileProblem",
    "Reconciliation",
    "Status",
    "Suspect",
    "posterior_of",
    "reconcile",
    "reconcile_arrays",
]
