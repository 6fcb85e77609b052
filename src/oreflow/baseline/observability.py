"""What the observations and balances determine: observability, redundancy and degrees of freedom.

Everything here depends on the pattern and the coefficients of a reconciliation alone, never on the values or on the
standard deviations, so one analysis serves any number of draws.

Method: rank-revealing sparse factorisation of the Gram matrix of the equilibrated rows. Classification after
Romagnoli and Sanchez, *Data Processing and Reconciliation for Chemical Process Operations* (Academic Press, 2000),
ch. 3, and Crowe, Garcia Campos and Hrymak, AIChE Journal 29 (1983) 881-888.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import SuperLU, splu

from oreflow.baseline.errors import ReconcileError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

#: A column counts as dependent when its squared distance from the span of the others falls below this (unit columns).
RANK_TOLERANCE = 1e-11
_SHIFT = 1e-15
_SUPPORT_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Structure:
    """What a set of soft rows (observations) and hard rows (balances) determines.

    `unobservable`: per unknown, true where no combination of rows fixes it. `pinned`: the least set of unknowns whose
    values, once given, fix all the others. `redundant`: per soft row, true where the other rows predict it too.
    `dependent`: hard rows that the other hard rows imply. `degrees_of_freedom`: soft rows in excess of what is needed.
    """

    unobservable: BoolArray
    pinned: IntArray
    redundant: BoolArray
    dependent: IntArray
    degrees_of_freedom: int


def equilibrate(matrix: sp.csr_array, sweeps: int = 4) -> tuple[sp.csr_array, FloatArray, FloatArray]:
    """Scale rows and columns until their largest entries are near one (Ruiz 2001).

    Args: `matrix`, any units; `sweeps`, number of passes. Returns `(scaled, rows, columns)` with
    `scaled = diag(rows) @ matrix @ diag(columns)`; an empty row or column keeps the factor one.

    >>> import scipy.sparse as sp
    >>> scaled, rows, columns = equilibrate(sp.csr_array([[1e6, 0.0], [1.0, 1e-3]]))
    >>> bool(abs(scaled).max() <= 1.5)
    True
    """
    scaled = sp.csr_array(matrix.astype(np.float64), copy=True)
    rows, columns = np.ones(matrix.shape[0]), np.ones(matrix.shape[1])
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(scaled.indptr))
    for _ in range(sweeps):
        size = np.abs(scaled.data)
        by_row, by_column = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
        np.maximum.at(by_row, row_of, size)
        np.maximum.at(by_column, scaled.indices, size)
        row_factor = 1.0 / np.sqrt(np.where(by_row > 0, by_row, 1.0))
        column_factor = 1.0 / np.sqrt(np.where(by_column > 0, by_column, 1.0))
        scaled.data *= row_factor[row_of] * column_factor[scaled.indices]
        rows *= row_factor
        columns *= column_factor
    return scaled, rows, columns


def analyse_structure(soft: sp.csr_array, hard: sp.csr_array) -> Structure:
    """Classify unknowns and rows by what determines them.

    Args: `soft`, rows observed with error, one column an unknown; `hard`, rows that hold exactly; any units. Returns a
    `Structure`. A coefficient contrast beyond about 1e-5 within one balance is read as zero. The support of null
    vectors is found with two random combinations from a fixed seed.

    >>> import scipy.sparse as sp
    >>> soft = sp.csr_array([[1.0, 0.0, 0.0]])
    >>> analyse_structure(soft, sp.csr_array([[1.0, -1.0, -1.0]])).unobservable.tolist()
    [False, True, True]
    """
    stacked, _, _ = equilibrate(_without_zeros(sp.csr_array(sp.vstack([soft, hard], format="csr"))))
    size = stacked.shape[1]
    direct, column_of = _direct_rows(stacked, soft.shape[0])
    known = np.zeros(size, dtype=bool)
    known[column_of] = True
    rest_rows = np.setdiff1d(np.arange(stacked.shape[0]), direct)
    open_columns = np.flatnonzero(~known)
    rest = sp.csr_array(stacked[rest_rows])
    reduced = _unit_columns(sp.csr_array(rest[:, open_columns]))
    gram = sp.csc_array(reduced.T @ reduced)
    free = _dependent_columns(gram)
    held = sp.csc_array(gram + sp.diags_array(_indicator(open_columns.size, free), format="csc"))
    rng = np.random.default_rng(20240817)
    unobservable = np.zeros(size, dtype=bool)
    left_null = rng.standard_normal((rest_rows.size, 2))
    if open_columns.size:
        solve = _factor(held)
        target = np.zeros((open_columns.size, 2))
        target[free] = rng.uniform(0.5, 1.5, (free.size, 2))
        null = np.max(np.abs(_refined(held, solve, target)), axis=1)
        unobservable[open_columns] = null > _SUPPORT_TOLERANCE * max(null.max(), 1e-300)
        for _ in range(2):
            left_null = left_null - reduced @ _refined(held, solve, reduced.T @ left_null)
    weights = np.zeros((stacked.shape[0], 2))
    weights[rest_rows] = left_null
    scale = np.ones(stacked.shape[0])
    if direct.size:
        passed = sp.csr_array(rest[:, column_of].T)
        weights[direct] = passed @ left_null
        scale[direct] = np.maximum(np.asarray(abs(passed).sum(axis=1)).ravel(), 1e-300)
    redundant = (
        np.max(np.abs(weights[: soft.shape[0]]), axis=1, initial=0.0) > _SUPPORT_TOLERANCE * scale[: soft.shape[0]]
    )
    dependent = dependent_rows(hard)
    rank = size - free.size
    freedom = soft.shape[0] + hard.shape[0] - dependent.size - rank
    return Structure(unobservable, open_columns[free], redundant, dependent, freedom)


def dependent_rows(matrix: sp.csr_array) -> IntArray:
    """Rows that are combinations of the other rows (a smallest set whose removal leaves independent rows).

    >>> import scipy.sparse as sp
    >>> dependent_rows(sp.csr_array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])).size
    1
    """
    if not matrix.shape[0]:
        return np.zeros(0, dtype=np.intp)
    columns = _unit_columns(sp.csr_array(matrix.T))
    return _dependent_columns(sp.csc_array(columns.T @ columns))


def circuit(matrix: sp.csr_array, row: int, others: IntArray) -> IntArray:
    """Rows among `others` of which `row` is a combination, `row` itself included.

    Args: `matrix`, hard rows; `row`, a dependent row; `others`, independent rows. Returns row numbers.
    """
    columns = _unit_columns(sp.csr_array(matrix[np.append(others, row)].T))
    basis = sp.csr_array(columns[:, : others.size])
    gram = sp.csc_array(basis.T @ basis)
    weights = _refined(gram, _factor(gram), basis.T @ columns[:, others.size :].toarray())[:, 0]
    return np.append(others[np.abs(weights) > _SUPPORT_TOLERANCE], row)


def _without_zeros(matrix: sp.csr_array) -> sp.csr_array:
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _direct_rows(matrix: sp.csr_array, soft_rows: int) -> tuple[IntArray, IntArray]:
    """One row for each unknown that a row of its own fixes, exact rows before observed ones, and that unknown."""
    single = np.flatnonzero(np.diff(matrix.indptr) == 1)
    single = np.concatenate([single[single >= soft_rows], single[single < soft_rows]])
    columns, first = np.unique(matrix.indices[matrix.indptr[single]], return_index=True)
    return single[first].astype(np.intp), columns.astype(np.intp)


def _unit_columns(matrix: sp.csr_array) -> sp.csr_array:
    scaled, _, _ = equilibrate(matrix)
    norms = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=0)).ravel())
    return sp.csr_array(scaled @ sp.diags_array(1.0 / np.where(norms > 0, norms, 1.0)))


def _factor(matrix: sp.csc_array) -> SuperLU:
    size = matrix.shape[0]
    shifted = sp.csc_array(matrix + _SHIFT * sp.eye_array(size, format="csc"))
    return splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)


def _dependent_columns(gram: sp.csc_array) -> IntArray:
    """Columns with a vanishing pivot in the factorisation of a positive semidefinite Gram matrix."""
    if not gram.shape[0]:
        return np.zeros(0, dtype=np.intp)
    factor = _factor(gram)
    if not np.array_equal(factor.perm_r, factor.perm_c):
        raise ReconcileError("the rank analysis lost its symmetric pivots; rescale the coefficients of the balances")
    vanishing = np.abs(factor.U.diagonal()) < RANK_TOLERANCE + 10.0 * _SHIFT * gram.shape[0]
    order = np.argsort(factor.perm_c)
    return np.sort(order[vanishing]).astype(np.intp)


def _indicator(size: int, members: IntArray) -> FloatArray:
    values = np.zeros(size)
    values[members] = 1.0
    return values


def _refined(matrix: sp.csc_array, factor: SuperLU, rhs: FloatArray) -> FloatArray:
    solution = factor.solve(rhs)
    for _ in range(2):
        solution = solution + factor.solve(rhs - matrix @ solution)
    return np.asarray(solution)
