"""Factorisation of square matrices that may be singular: dense where small, sparse where large.

SuperLU goes on after a pivot that is exactly zero and can then read beyond its arrays. A matrix that may be singular is
therefore factorised densely by LAPACK, which stops in order; a large one only after a shift has made it definite.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

FloatArray = NDArray[np.float64]

DENSE = 300
"""Size up to which every matrix is factorised densely: no slower there."""
DENSE_FALLBACK = 3000
"""Size up to which a matrix that may be singular is factorised densely."""


class Factor(Protocol):
    """A factorised square matrix that solves for a block of right-hand sides."""

    def solve(self, rhs: FloatArray, /) -> FloatArray:
        """Return x with A x = rhs, (n,) or (n, k)."""
        ...


class DenseFactor:
    """LU factors of a dense matrix with partial pivoting.

    Args: `matrix` (n, n). Raises `RuntimeError` where it is exactly singular or not finite.

    >>> DenseFactor(np.array([[0.0, 2.0], [1.0, 0.0]])).solve(np.array([4.0, 3.0])).tolist()
    [3.0, 2.0]
    """

    def __init__(self, matrix: FloatArray) -> None:
        from scipy.linalg.lapack import dgetrf

        if not np.all(np.isfinite(matrix)):
            raise RuntimeError("the matrix has an entry that is not finite")
        self._factors, self._pivots, info = dgetrf(matrix, overwrite_a=True)
        if info != 0:
            raise RuntimeError(f"the matrix is exactly singular: pivot {info} is zero")

    def solve(self, rhs: FloatArray, /) -> FloatArray:
        """Return x with A x = rhs, (n,) or (n, k)."""
        from scipy.linalg.lapack import dgetrs

        return np.asarray(dgetrs(self._factors, self._pivots, rhs)[0])


def factorise(matrix: sp.csc_array, *, threshold: float) -> Factor:
    """Return factors of a matrix that a shift has made definite in the signs of its blocks.

    Args: `matrix` (n, n); `threshold`, how much smaller than the largest a diagonal pivot may be (0: always taken), for
    a large matrix. Raises `RuntimeError` where a pivot is lost to rounding.
    """
    if matrix.shape[0] <= DENSE:
        return DenseFactor(matrix.toarray())
    if not np.all(np.isfinite(matrix.data)):
        raise RuntimeError("the matrix has an entry that is not finite")
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=threshold)


def factorise_singular(matrix: sp.csc_array, signs: FloatArray, dense: int = DENSE_FALLBACK) -> Factor | None:
    """Return factors, with pivots, of a matrix that may be singular; None where it is.

    Args: `matrix` (n, n), scaled to entries of order one; `signs` (n), 1 or -1: beyond the size `dense` the matrix is
    shifted by 1e-14 of them, since SuperLU may not meet an exact zero.
    """
    try:
        if matrix.shape[0] <= dense:
            return DenseFactor(matrix.toarray())
        if not np.all(np.isfinite(matrix.data)):
            return None
        shifted = sp.csc_array(matrix + sp.diags_array(1e-14 * signs))
        return splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01)
    except RuntimeError:
        return None
