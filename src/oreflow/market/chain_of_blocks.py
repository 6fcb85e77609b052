"""Factorise a sparse system along a chain of dense blocks, in time linear in the length of the chain.

Markets of one period trade with one another and, through stocks, with the periods beside: seen from one end, the
markets at distance k are coupled only to those at distances k - 1, k and k + 1. The matrix is then block tridiagonal,
and a block LU needs one dense factorisation a block. The distances come from the pattern alone, so any economy with
such a shape profits; `chain_of` returns None where a plain factorisation is cheaper.

Sources: George and Liu (1981), Computer Solution of Large Sparse Positive Definite Systems, ch. 4 (level structures);
Golub and Van Loan (2013), Matrix Computations, section 4.5 (block tridiagonal systems).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import lapack
from scipy.sparse import csgraph

from oreflow.market.arrays import Floats, Sparse

Ints = npt.NDArray[np.int64]
_SMALLEST = 600


@dataclass(frozen=True, slots=True)
class Chain:
    """A partition of the rows of a symmetric pattern into levels that are coupled to their neighbours only.

    Attributes:
        level: of each row, [m].
        sizes: rows in each level, [L].
        local: position of each row within its level, [m].
        rows, cols: positions of the entries of the pattern, [nnz].
        inside, above, below: by level, the entries within it, from it to the next, and from the next to it.
    """

    level: Ints
    sizes: Ints
    local: Ints
    rows: Ints
    cols: Ints
    inside: tuple[Ints, ...]
    above: tuple[Ints, ...]
    below: tuple[Ints, ...]


def chain_of(rows: Ints, cols: Ints, size: int) -> Chain | None:
    """Return the chain of a pattern, or None where factorising it whole costs less than twice as much.

    Args:
        rows: row of each entry, [nnz]; the pattern is taken as symmetric.
        cols: column of each entry, [nnz].
        size: number of rows.

    Returns:
        A chain whose levels are the rows at equal distance from one end of each connected part.

    Example:
        >>> chain_of(np.array([0, 1]), np.array([1, 0]), 2) is None  # far too small
        True
    """
    if size < _SMALLEST:
        return None
    graph = sp.csr_array((np.ones(len(rows)), (rows, cols)), shape=(size, size))
    level = _distances(graph, size)
    sizes = np.bincount(level).astype(np.int64)
    if _work(sizes) > 0.5 * (2.0 / 3.0) * float(size) ** 3:
        return None
    return _arrange(level, rows, cols, len(sizes))


def _arrange(level: Ints, rows: Ints, cols: Ints, count: int) -> Chain:
    """Sort the entries of a pattern by level: within one, from one to the next, and from the next to it."""
    sizes = np.bincount(level, minlength=count).astype(np.int64)
    order = np.argsort(level, kind="stable")
    local = np.empty(len(level), dtype=np.int64)
    local[order] = np.arange(len(level)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first, last = level[rows], level[cols]
    lowest = np.minimum(first, last)
    groups: list[tuple[Ints, ...]] = []
    for chosen in (first == last, last == first + 1, first == last + 1):
        at = np.flatnonzero(chosen)
        at = at[np.argsort(lowest[at], kind="stable")]
        ends = np.searchsorted(lowest[at], np.arange(count + 1))
        groups.append(tuple(at[ends[k] : ends[k + 1]] for k in range(count)))
    return Chain(level, sizes, local, rows, cols, groups[0], groups[1], groups[2])


def _work(sizes: Ints) -> float:
    """Multiplications and additions of the block factorisation."""
    n = sizes.astype(float)
    return float((2 / 3 * n**3).sum() + (2 * n[:-1] ** 2 * n[1:]).sum())


def _distances(graph: Sparse, size: int) -> Ints:
    """Distance of each row from an end of its connected part (a row as far as possible from some other)."""
    count, part = csgraph.connected_components(graph, directed=False)
    level = np.zeros(size, dtype=np.int64)
    starts = np.unique(part, return_index=True)[1]
    for _ in range(3):
        found = csgraph.dijkstra(graph, directed=False, indices=starts, unweighted=True, min_only=True)
        level = found.astype(np.int64)
        # the farthest row of each part is the next start
        farthest = np.lexsort((np.arange(size), -level, part))
        starts = farthest[np.searchsorted(part[farthest], np.arange(count))]
    return level


def factorise_chain(
    chain: Chain,
    data: Floats,
    diagonal: Floats,
    rows_off: Ints | None,
    right: Sparse,
    left: Sparse,
    corner: Sparse,
    *,
    definite: bool,
) -> Callable[[Floats], Floats] | None:
    """Return a function that solves [[S, R], [L', C]] x = b with S = pattern + diagonal, or None where it cannot.

    Args:
        chain: of the pattern of S.
        data: entries of S at the pattern's positions, [nnz].
        diagonal: added to S, [m].
        rows_off: rows of S (and R) that are cleared before the diagonal is added.
        right: R, [m, k] CSC; each column lies in one level or in two that are neighbours.
        left: L, likewise.
        corner: C, [k, k].
        definite: S is symmetric positive definite and k = 0.

    Returns:
        None where C couples columns whose levels are not neighbours.
    """
    if rows_off is not None and len(rows_off):
        cleared = np.zeros(len(diagonal), dtype=bool)
        cleared[rows_off] = True
        data = np.where(cleared[chain.rows], 0.0, data)
    more = right.shape[1]
    if more:
        joined = _with_border(chain, data, right, left, corner)
        if joined is None:
            return None
        chain, data = joined
        diagonal = np.concatenate([diagonal, np.zeros(more)])
    level, local, sizes, rows, cols = chain.level, chain.local, chain.sizes, chain.rows, chain.cols
    members = np.split(np.argsort(level, kind="stable"), np.cumsum(sizes)[:-1])
    solves: list[Callable[[Floats], Floats]] = []
    follows: list[Floats] = []
    couples: list[Sparse] = []
    carried: Floats | None = None
    for k, n in enumerate(sizes):
        n = int(n)
        at = chain.inside[k]
        flat = np.zeros(n * n)
        flat[local[cols[at]] * n + local[rows[at]]] = data[at]
        block = flat.reshape((n, n), order="F")
        block[np.arange(n), np.arange(n)] += diagonal[members[k]]
        if carried is not None:
            block -= carried
        solve = _block_solver(block, definite)
        solves.append(solve)
        if k + 1 == len(sizes):
            break
        wide = int(sizes[k + 1])
        at = chain.above[k]
        ahead = np.zeros(n * wide)
        ahead[local[cols[at]] * n + local[rows[at]]] = data[at]
        follow = solve(ahead.reshape((n, wide), order="F"))
        at = chain.below[k]
        couple = sp.csr_array((data[at], (local[rows[at]], local[cols[at]])), shape=(wide, n))
        carried = np.asarray(couple @ follow)
        follows.append(follow)
        couples.append(couple)

    def solve_chain(side: Floats) -> Floats:
        parts: list[Floats] = []
        for k, solve in enumerate(solves):
            part = side[members[k]]
            if k:
                part = part - couples[k - 1] @ parts[-1]
            parts.append(solve(part))
        for k in range(len(parts) - 2, -1, -1):
            parts[k] = parts[k] - follows[k] @ parts[k + 1]
        out = np.empty(len(level))
        for where, part in zip(members, parts, strict=True):
            out[where] = part
        return out

    return solve_chain


def _block_solver(block: Floats, definite: bool) -> Callable[[Floats], Floats]:
    """Factorise one dense block; a vanishing pivot is replaced by a tiny one, as in the dense solver."""
    if definite:
        lower, info = lapack.dpotrf(block, lower=1, clean=0)
        if info == 0:

            def by_cholesky(side: Floats) -> Floats:
                answer: Floats = lapack.dpotrs(lower, side, lower=1)[0]
                return answer

            return by_cholesky
    lu, pivots, info = lapack.dgetrf(block, overwrite_a=1)
    if info > 0:
        position = np.arange(len(lu))
        tiny = np.abs(lu[position, position]) < 1e-300
        lu[position[tiny], position[tiny]] = 1e-30

    def by_lu(side: Floats) -> Floats:
        answer: Floats = lapack.dgetrs(lu, pivots, side)[0]
        return answer

    return by_lu


def _with_border(
    chain: Chain, values: Floats, right: Sparse, left: Sparse, corner: Sparse
) -> tuple[Chain, Floats] | None:
    """Put each bordering column into the lowest level that it touches; None where the chain would break."""
    m, more = right.shape
    edge: Any = sp.coo_array(abs(right) + abs(left))
    lowest = np.full(more, len(chain.sizes), dtype=np.int64)
    np.minimum.at(lowest, edge.col, chain.level[edge.row])
    highest = np.zeros(more, dtype=np.int64)
    np.maximum.at(highest, edge.col, chain.level[edge.row])
    lowest = np.minimum(lowest, highest)
    level = np.concatenate([chain.level, lowest])
    into, out, square = (sp.coo_array(a) for a in (right, left, corner))
    rows = np.concatenate([chain.rows, into.row, out.col + m, square.row + m]).astype(np.int64)
    cols = np.concatenate([chain.cols, into.col + m, out.row, square.col + m]).astype(np.int64)
    data = np.concatenate([values, into.data, out.data, square.data])
    if np.abs(level[rows] - level[cols]).max(initial=0) > 1:
        return None
    return _arrange(level, rows, cols, len(chain.sizes)), data
