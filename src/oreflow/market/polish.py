"""The last digits of a solution: balances closed by the least relative change of levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve

from oreflow.market.arrays import EconomyArrays, Solution

_DUST = 1e-15
_LEAST = 1e-9
_LARGEST = 1e-4
_CLOSED = 1e-12


def close_balances(arrays: EconomyArrays, solution: Solution, rounds: int = 3) -> Solution:
    """Return the solution with its market balances met to rounding.

    An interior point stops where balances are met relative to the largest flows; small markets then miss a share of
    theirs. Levels of 1e-15 of the largest and less are nil; the others below capacity are changed by the least sum of
    squared relative changes that closes the balances of all markets that are equalities or carry a price (weighted
    least squares, one Cholesky factorisation). A change beyond 1e-4 of a level is refused: the solution is then
    returned as it came.

    Args:
        arrays: the economy.
        solution: levels [n] and prices [m] of a solved status.
        rounds: corrections, the second and third against rounding.
    """
    x = np.where(solution.levels > _DUST * np.max(solution.levels, initial=0.0), solution.levels, 0.0)
    matrix = sp.csr_array(arrays.A)
    through = np.asarray(abs(matrix) @ x) + np.abs(arrays.fixed)
    free = (x > 0) & (x < np.where(np.isfinite(arrays.upper), arrays.upper * (1.0 - 1e-9), np.inf))
    held = (arrays.equality | (solution.prices > _LEAST * np.max(np.abs(solution.prices), initial=0.0))) & (through > 0)
    columns = np.flatnonzero(free)
    rows = np.flatnonzero(held)
    if not rows.size or not columns.size:
        return solution
    if np.max(np.abs((arrays.fixed - matrix @ x)[rows]) / through[rows]) < _CLOSED:
        return solution
    part = matrix[rows][:, columns] @ sp.diags_array(x[columns])
    part = sp.csr_array(sp.diags_array(1.0 / through[rows]) @ part)
    normal = (part @ part.T).toarray()
    normal[np.diag_indices_from(normal)] += 1e-12
    factor = cho_factor(normal)
    for _ in range(rounds):
        gap = (arrays.fixed - matrix @ x)[rows] / through[rows]
        change = part.T @ cho_solve(factor, gap)
        if not np.all(np.isfinite(change)) or np.max(np.abs(change)) > _LARGEST:
            return solution
        x[columns] *= 1.0 + change
    x = np.minimum(x, arrays.upper)
    return replace(solution, levels=x)
