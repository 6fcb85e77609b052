"""Posterior variances: the diagonal of the inverse of a Karush-Kuhn-Tucker matrix.

Unknowns that are observed one by one are eliminated first; what is left, one row for each balance and each unmeasured
unknown, falls into connected components that are inverted densely with pivots. A component beyond `DENSE_LIMIT`, and
any variance that comes out far below its prior, is solved for column by column with refinement instead.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from oreflow.baseline.quadratic import Kkt

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

#: Largest connected component that is inverted as a dense matrix.
DENSE_LIMIT = 5000
_ROUNDING = 1e-12  # of its prior variance: what is left of an unknown that the relations fix
_CANCELLATION = 1e-6
_BLOCK = 256


def inverse_diagonals(system: Kkt) -> tuple[FloatArray, FloatArray]:
    """Variances of the unknowns and of the multipliers of one equality-constrained least-squares problem.

    Args: `system`, its factorised matrix [[H, E'], [E, 0]]. Returns `(variance, multiplier_variance)`: the diagonals of
    the (x, x) block of the inverse, and minus that of the multiplier block (0 for a row that fixes one unknown).

    >>> import scipy.sparse as sp
    >>> system = Kkt(sp.csc_array(sp.eye_array(2)), sp.csr_array([[1.0, -1.0]]))
    >>> variance, multiplier_variance = inverse_diagonals(system)
    >>> [round(float(v), 9) for v in variance], round(float(multiplier_variance[0]), 9)
    ([0.5, 0.5], 0.5)
    """
    n, size = system.unknowns, system.matrix.shape[0]
    matrix = system.matrix
    diagonal: FloatArray = np.asarray(matrix.diagonal(), dtype=np.float64)
    entries = np.diff(sp.csr_array(matrix[:n, :n]).indptr)
    single = np.flatnonzero((diagonal[:n] > 0) & (entries == 1))
    hard = sp.csr_array(matrix[n:, :n])
    lone = np.flatnonzero(np.diff(hard.indptr) == 1)
    held = hard.indices[hard.indptr[lone]]
    single = np.setdiff1d(single, held)
    others = np.setdiff1d(np.arange(size), np.concatenate([single, held, n + lone]))
    inverse = np.full(size, np.nan)
    inverse[held] = 0.0
    inverse[n + lone] = 0.0
    touching = sp.csr_array(matrix[others][:, single])
    weight = sp.diags_array(1.0 / diagonal[single])
    reduced = sp.csr_array(matrix[others][:, others] - touching @ weight @ touching.T)
    scale = system.scale[others]
    scaled = sp.csr_array(sp.diags_array(scale) @ reduced @ sp.diags_array(scale))
    count, label = connected_components(scaled, directed=False)
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1]) if count else []
    by_unknown = sp.csc_array(touching)
    spread = np.zeros(single.size)
    covered = np.ones(single.size, dtype=bool)
    owner = np.full(single.size, -1)
    filled = np.flatnonzero(np.diff(by_unknown.indptr) > 0)
    owner[filled] = label[by_unknown.indices[by_unknown.indptr[filled]]]
    members = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[members], np.arange(count + 1))
    for number, part in enumerate(parts):
        mine = members[bounds[number] : bounds[number + 1]]
        if part.size > DENSE_LIMIT:
            covered[mine] = False
            continue
        try:
            block = np.linalg.inv(scaled[part][:, part].toarray()) * np.outer(scale[part], scale[part])
        except np.linalg.LinAlgError:
            covered[mine] = False
            continue
        inverse[others[part]] = np.diagonal(block)
        if mine.size:
            local = sp.csc_array(touching[part][:, mine])
            spread[mine] = local.multiply(block @ local).sum(axis=0)
    prior = 1.0 / diagonal[single]
    inverse[single] = prior + prior**2 * spread
    weak = ~covered | (inverse[single] < _CANCELLATION * prior)
    inverse[single[weak]] = np.nan
    again = np.flatnonzero(np.isnan(inverse))
    for start in range(0, again.size, _BLOCK):
        columns_here = again[start : start + _BLOCK]
        target = np.zeros((size, columns_here.size))
        target[columns_here, np.arange(columns_here.size)] = 1.0
        inverse[columns_here] = system.solve_block(target)[columns_here, np.arange(columns_here.size)]
    inverse[single[inverse[single] < _ROUNDING * prior]] = 0.0
    return np.maximum(inverse[:n], 0.0), np.maximum(-inverse[n:], 0.0)


def quadratic_forms(system: Kkt, functions: sp.csr_array) -> FloatArray:
    """Variance of each linear function (row of `functions`, over the unknowns) of the posterior."""
    variances = np.zeros(functions.shape[0])
    for start in range(0, functions.shape[0], _BLOCK):
        rows = functions[start : start + _BLOCK].toarray().T
        target = np.zeros((system.matrix.shape[0], rows.shape[1]))
        target[: rows.shape[0]] = rows
        variances[start : start + _BLOCK] = np.sum(rows * system.solve_block(target)[: rows.shape[0]], axis=0)
    return np.maximum(variances, 0.0)
