"""The Newton system of an economy, reduced to the block of prices and factorised.

Levels are eliminated: with D the inverse of the slopes of marginal cost (and of what the bounds add) the block is
``E D F' + diag``. Activities that are coupled, or have flat cost at an inner level, keep a row of their own. The block
is factorised densely where it is small, along a chain of dense blocks where periods are linked, else by a sparse LU.

Source: Wright (1997), Primal-Dual Interior-Point Methods, ch. 11 (normal equations).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.linalg import blas, lapack

from oreflow.core.factor import factorise
from oreflow.market.arrays import Floats, Sparse
from oreflow.market.border import factorise_border
from oreflow.market.chain_of_blocks import factorise_chain
from oreflow.market.scaling import Core, Ints

_DENSE_LIMIT = 1500
_WHOLE_CHOLESKY = 700
"""Rows up to which a Cholesky of the whole block, with its two quick triangles, beats one by the border."""
_Solve = Callable[[Floats], Floats]


@dataclass(slots=True)
class NewtonSystem:
    """The factorised Newton system in (dy, dx of explicit activities); a later one may take its memory."""

    core: Core
    D: Floats
    explicit: Ints
    solve: _Solve

    def step(self, row_side: Floats, col_side: Floats) -> tuple[Floats, Floats]:
        """Solve  E dx + diag dy = row_side,  H dx - F'dy = col_side  for (dy, dx)."""
        core, m = self.core, len(row_side)
        right = row_side - core.E @ (self.D * col_side)
        if not self.explicit.size:
            dy = self.solve(right)
            return dy, self.D * (col_side + core.Ft @ dy)
        both = self.solve(np.concatenate([right, col_side[self.explicit]]))
        dy = both[:m]
        dx = self.D * (col_side + core.Ft @ dy)
        dx[self.explicit] = both[m:]
        return dy, dx


def factorise_system(core: Core, h: Floats, diagonal: Floats, explicit: Ints, off: Ints | None = None) -> NewtonSystem:
    """Return the factorised Newton matrix.

    Args:
        core: the scaled economy.
        h: slope of each activity, inf where a level stays put.
        diagonal: added to the block of prices.
        explicit: activities that keep a row of their own.
        off: rows whose price stays put: they hold their diagonal alone.
    """
    with np.errstate(divide="ignore"):
        D = 1.0 / h
    D[explicit] = 0.0
    plan = core.plan
    lower = core.lower @ D
    upper = lower if core.upper is None else core.upper @ D
    if off is not None and off.size:
        out = np.zeros(len(diagonal), dtype=bool)
        out[off] = True
        cleared = out[plan.rows] | out[plan.cols]
        lower = np.where(cleared, 0.0, lower)
        upper = lower if core.upper is None else np.where(cleared, 0.0, upper)
    if plan.chain is not None:
        block = np.concatenate([lower, upper[plan.strict]])
        edges = _edges(core, explicit, h, off)
        chained = factorise_chain(
            plan.chain, block, diagonal, None, *edges, definite=core.symmetric and not explicit.size
        )
        if chained is not None:
            return NewtonSystem(core, D, explicit, chained)
    whole = core.symmetric and len(diagonal) <= _WHOLE_CHOLESKY
    if not whole and not explicit.size and plan.border is not None:
        store = _store(core, plan.border.size)
        bordered = factorise_border(plan.border, lower, upper, diagonal, store, definite=core.symmetric)
        if bordered is not None:
            return NewtonSystem(core, D, explicit, bordered)
    if len(diagonal) + len(explicit) > _DENSE_LIMIT:
        return NewtonSystem(core, D, explicit, _solve_sparse(core, lower, upper, diagonal, explicit, h, off))
    if core.symmetric and not explicit.size:
        solve = _solve_definite(core, lower, diagonal)
        if solve is not None:
            return NewtonSystem(core, D, explicit, solve)
    return NewtonSystem(core, D, explicit, _solve_dense(core, lower, upper, diagonal, explicit, h, off))


def _edge_entries(core: Core, explicit: Ints, off: Ints | None) -> tuple[Ints, Ints, Floats, Floats]:
    """Entries beside the block of prices: row, which explicit activity, in its column, in its row (turned over)."""
    place = np.full(core.E.shape[1], -1)
    place[explicit] = np.arange(len(explicit))
    at = np.flatnonzero(place[core.owner] >= 0)
    rows, right = core.E.indices[at], core.E.data[at]
    if off is not None and off.size:
        on = np.ones(core.E.shape[0])
        on[off] = 0.0
        right = right * on[rows]
    return rows, place[core.owner[at]], right, -core.F.data[at]


def _corner(core: Core, explicit: Ints, h: Floats) -> Sparse:
    """The square of the explicit activities."""
    corner: Sparse = sp.diags_array(h[explicit])
    return corner if core.K is None else corner + core.K[explicit][:, explicit]


def _edges(core: Core, explicit: Ints, h: Floats, off: Ints | None) -> tuple[Sparse, Sparse, Sparse]:
    """What borders the block of prices: columns and rows of the explicit activities, and their own square."""
    rows, k, right, left = _edge_entries(core, explicit, off)
    shape = (core.E.shape[0], len(explicit))
    beside, below = (sp.csc_array((data, (rows, k)), shape=shape) for data in (right, left))
    return beside, below, _corner(core, explicit, h)


def _solve_definite(core: Core, lower: Floats, diagonal: Floats) -> _Solve | None:
    """Cholesky factors of the block, in the core's own buffer; None where it is not definite."""
    m = len(diagonal)
    flat = _store(core, m * m)
    flat.fill(0.0)
    flat[core.plan.cols * m + core.plan.rows] = lower
    flat[:: m + 1] += diagonal
    factor, info = lapack.dpotrf(flat.reshape((m, m), order="F"), lower=1, clean=0, overwrite_a=1)
    if info != 0:
        return None

    def solve(right: Floats) -> Floats:  # two triangles by hand: dpotrs takes twice the time for one right-hand side
        half = blas.dtrsv(factor, right, lower=1)
        answer: Floats = blas.dtrsv(factor, half, lower=1, trans=1, overwrite_x=1)
        return answer

    return solve


def _store(core: Core, size: int) -> Floats:
    """The core's own memory: fresh pages would cost as much as filling them."""
    if core.buffer is None or len(core.buffer) < size:
        core.buffer = np.empty(size)
    return core.buffer[:size]


def _solve_dense(
    core: Core, lower: Floats, upper: Floats, diagonal: Floats, explicit: Ints, h: Floats, off: Ints | None
) -> _Solve:
    """LU factors of the bordered block; a vanishing pivot is replaced by a tiny one."""
    m, k, plan = len(diagonal), len(explicit), core.plan
    flat = _store(core, (m + k) * (m + k))
    flat.fill(0.0)
    flat[plan.rows * (m + k) + plan.cols] = upper
    flat[plan.cols * (m + k) + plan.rows] = lower
    flat[: m * (m + k) : m + k + 1] += diagonal
    matrix = flat.reshape((m + k, m + k), order="F")
    if k:
        rows, border, right, left = _edge_entries(core, explicit, off)
        matrix[rows, m + border], matrix[m + border, rows] = right, left
        matrix[m:, m:] = _corner(core, explicit, h).toarray()
    lu, pivots, info = lapack.dgetrf(matrix, overwrite_a=1)
    if info > 0:
        position = np.arange(m + k)
        tiny = np.abs(lu[position, position]) < 1e-300
        lu[position[tiny], position[tiny]] = 1e-30

    def solve(side: Floats) -> Floats:
        answer: Floats = lapack.dgetrs(lu, pivots, side)[0]
        return answer

    return solve


def _solve_sparse(
    core: Core, lower: Floats, upper: Floats, diagonal: Floats, explicit: Ints, h: Floats, off: Ints | None
) -> _Solve:
    """Sparse LU factors of the bordered block."""
    m, plan = len(diagonal), core.plan
    rows = np.concatenate([plan.rows, plan.cols[plan.strict]])
    cols = np.concatenate([plan.cols, plan.rows[plan.strict]])
    matrix: Sparse = sp.csc_array((np.concatenate([lower, upper[plan.strict]]), (rows, cols)), shape=(m, m))
    matrix = matrix + sp.diags_array(diagonal)
    if explicit.size:
        right, left, corner = _edges(core, explicit, h, off)
        matrix = sp.block_array([[matrix, right], [left.T, corner]])
    try:
        factors = factorise(sp.csc_array(matrix), threshold=0.1)
    except RuntimeError:  # exactly singular: a step that is no number ends the method that asked for it
        return lambda side: np.full_like(side, np.nan)
    return factors.solve
