"""Gross errors: the global test, the measurement test and serial elimination with identifiability.

Sources: Narasimhan and Jordache, *Data Reconciliation and Gross Error Detection* (Gulf, 2000), ch. 7-8; the statistic
of a row equals the square root of the fall of the objective when that row is left out (generalised likelihood ratio,
Narasimhan and Mah, AIChE Journal 33 (1987) 1514-1521), for observations, groups of copies and balances alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.arrays import Formulation, Solved, solve_formulation, tested_system
from oreflow.baseline.posterior import inverse_diagonals, quadratic_forms

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

Row = tuple[Literal["soft", "hard"], int]
_ALIKE = 1e-7
_TESTABLE = 1e-9


@dataclass(frozen=True, slots=True)
class RowTests:
    """Test statistics (standard normal without gross errors) of soft and hard rows, NaN where not testable.

    `soft_error`, `hard_error`: estimated gross error, in standard deviations of the soft row or in the unit of the hard
    row's right-hand side.
    """

    soft: FloatArray
    hard: FloatArray
    soft_error: FloatArray
    hard_error: FloatArray


@dataclass(frozen=True, slots=True)
class RowSuspect:
    """A row under suspicion: its statistic when found, the level it exceeded, its error and the rows like it."""

    row: Row
    statistic: float
    critical: float
    error: float
    equivalent: tuple[Row, ...]
    removed: bool


def global_test(objective: float, degrees_of_freedom: int) -> float | None:
    """Chance of an objective at least as large when there are no gross errors; None without degrees of freedom.

    >>> round(global_test(6.4075, 4), 4)
    0.1707
    """
    from scipy.special import chdtrc

    return float(chdtrc(degrees_of_freedom, objective)) if degrees_of_freedom > 0 else None


def critical_value(significance: float, tests: int) -> float:
    """Two-sided normal level for the largest of `tests` statistics (Sidak's correction).

    >>> round(critical_value(0.05, 1), 3), round(critical_value(0.05, 6), 3)
    (1.96, 2.631)
    """
    from scipy.special import ndtri

    each = 1.0 - (1.0 - significance) ** (1.0 / max(tests, 1))
    return float(-ndtri(each / 2.0))


def row_tests(form: Formulation, solved: Solved) -> RowTests:
    """Test every soft row (observation, common error of a group) and every independent hard row of a solution."""
    system, kept = tested_system(form, solved)
    variance, multiplier_variance = inverse_diagonals(system)
    residual = form.soft @ solved.v - form.target
    single = np.diff(form.soft.indptr) == 1
    leverage = np.zeros(residual.size)
    ones = np.flatnonzero(single)
    position = form.soft.indptr[ones]
    leverage[ones] = form.soft.data[position] ** 2 * variance[form.soft.indices[position]]
    several = np.flatnonzero(~single)
    leverage[several] = quadratic_forms(system, sp.csr_array(form.soft[several]))
    spread = 1.0 - leverage
    spread = np.where(solved.structure.redundant & (spread > _TESTABLE), spread, np.nan)
    rows = solved.rows.shape[0]
    hard_spread = np.full(rows, np.nan)
    hard_spread[kept] = multiplier_variance[: kept.size]
    size = np.maximum(np.abs(solved.multipliers), 1e-300)
    hard_spread = np.where(hard_spread > _TESTABLE * size**2, hard_spread, np.nan)
    return RowTests(
        soft=residual / np.sqrt(spread),
        hard=solved.multipliers / np.sqrt(hard_spread),
        soft_error=-residual / spread,
        hard_error=solved.multipliers / hard_spread,
    )


def equivalent_rows(
    form: Formulation, solved: Solved, row: Row, tests: RowTests, hard_rows: IntArray
) -> tuple[Row, ...]:
    """Rows whose gross error no data here can tell from that of `row`: their statistics are perfectly correlated.

    `hard_rows`: the hard rows that are compared beside all soft rows.
    """
    system, kept = tested_system(form, solved)
    n = system.unknowns
    place = {int(i): p for p, i in enumerate(kept)}
    block = np.zeros((system.matrix.shape[0], 1))
    kind, number = row
    if kind == "soft":
        block[:n] = form.soft[[number]].toarray().T
    else:
        block[n + place[number]] = 1.0
    answer = system.solve_block(block)[:, 0]
    soft = -(form.soft @ answer[:n])
    if kind == "soft":
        soft[number] += 1.0
    hard = -answer[n:]
    own = soft[number] if kind == "soft" else hard[place[number]]
    alike: list[Row] = []
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = -(form.soft @ solved.v - form.target) / tests.soft_error
        correlation = np.abs(soft) / np.sqrt(own * spread)
        for i in np.flatnonzero(correlation > 1.0 - _ALIKE):
            if ("soft", int(i)) != row:
                alike.append(("soft", int(i)))
        for i in hard_rows:
            if int(i) in place and ("hard", int(i)) != row:
                own_spread = solved.multipliers[i] / tests.hard_error[i]
                if abs(hard[place[int(i)]]) / np.sqrt(own * own_spread) > 1.0 - _ALIKE:
                    alike.append(("hard", int(i)))
    return tuple(alike)


def find_gross_errors(
    form: Formulation,
    solved: Solved,
    *,
    significance: float,
    limit: int,
    test_balances: bool,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> tuple[RowSuspect, ...]:
    """Serial elimination: while the global test rejects, leave out the row with the largest statistic and solve again.

    A row is left out only if the others still predict it. Returns suspects in the order found; the last may be one that
    was not removed, because its statistic stays below the critical value although the global test rejects.
    """
    suspects: list[RowSuspect] = []
    soft_number, hard_number = np.arange(form.soft.shape[0]), np.arange(form.hard.shape[0])
    current, answer = form, solved
    for _ in range(limit):
        residual = current.soft @ answer.v - current.target
        freedom = answer.structure.degrees_of_freedom + int(np.count_nonzero(answer.active))
        chance = global_test(float(residual @ residual), freedom)
        if chance is None or chance >= significance:
            break
        tests = row_tests(current, answer)
        balances = _balance_rows(current) if test_balances else np.zeros(0, dtype=np.intp)
        candidates: list[tuple[float, Row]] = [
            (abs(float(t)), ("soft", i)) for i, t in enumerate(tests.soft) if np.isfinite(t)
        ]
        candidates += [(abs(float(tests.hard[i])), ("hard", int(i))) for i in balances if np.isfinite(tests.hard[i])]
        if not candidates:
            break
        critical = critical_value(significance, len(candidates))
        size, row = max(candidates, key=lambda item: (round(item[0], 9), item[1][0] == "soft", -item[1][1]))
        alike = equivalent_rows(current, answer, row, tests, balances)
        kind, number = row
        removed = size > critical
        error = float(tests.soft_error[number] if kind == "soft" else tests.hard_error[number])
        signed = float(tests.soft[number] if kind == "soft" else tests.hard[number])
        suspects.append(
            RowSuspect(
                _original(row, soft_number, hard_number), signed, critical, error,
                tuple(_original(other, soft_number, hard_number) for other in alike), removed,
            )
        )  # fmt: skip
        if not removed:
            break
        if kind == "soft":
            soft_number = np.delete(soft_number, number)
        else:
            hard_number = np.delete(hard_number, number)
        current = _without(current, row)
        start = answer.v if current.products.shape[0] else None
        answer = solve_formulation(current, start=start, tolerance=tolerance, max_iterations=max_iterations)
        if answer.status != "solved":
            break
    return tuple(suspects)


def _balance_rows(form: Formulation) -> IntArray:
    return np.array([i for i, (kind, _) in enumerate(form.hard_of) if kind == "balance"], dtype=np.intp)


def _original(row: Row, soft_number: IntArray, hard_number: IntArray) -> Row:
    return ("soft", int(soft_number[row[1]])) if row[0] == "soft" else ("hard", int(hard_number[row[1]]))


def _without(form: Formulation, row: Row) -> Formulation:
    kind, number = row
    if kind == "soft":
        rest = np.delete(np.arange(form.soft.shape[0]), number)
        return replace(form, soft=sp.csr_array(form.soft[rest]), target=form.target[rest], soft_of=form.soft_of[rest])
    rest = np.delete(np.arange(form.hard.shape[0]), number)
    return replace(
        form,
        hard=sp.csr_array(form.hard[rest]),
        rhs=form.rhs[rest],
        hard_of=tuple(form.hard_of[i] for i in rest),
    )
