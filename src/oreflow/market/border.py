"""Factorise a matrix whose rows fall into groups that meet only in a border.

Markets joined by carriage alone (one good over all places) form classes; what ties classes together are processes. A
concentrate meets the oxides that it yields, never another concentrate: such classes are eliminated each by itself,
and only the border that is left is factorised whole. `border_of` returns None where that saves too little.

Source: Golub and Van Loan (2013), Matrix Computations, section 3.2.10 (block LU); George and Liu (1981) ch. 8
(quotient graphs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import blas, lapack
from scipy.sparse import csgraph

from oreflow.market.arrays import Floats

Ints = npt.NDArray[np.int64]
_SMALLEST = 300
_Solve = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Family:
    """Groups that touch the same rows of the border.

    Attributes:
        groups: rows of each group.
        rows: the same, one after another.
        beside: positions in the border that they touch.
        squares, below, turned: where in the flat store the groups' own squares begin, the rows of the border below
            them, and (turned over) the columns beside them.
    """

    groups: tuple[Ints, ...]
    rows: Ints
    beside: Ints
    squares: tuple[int, ...]
    below: int
    turned: int


@dataclass(frozen=True, slots=True)
class Border:
    """A partition of the rows of a symmetric pattern into independent groups and a border.

    Attributes:
        families: of groups.
        rows: of the border.
        at, mirrored: where each entry of the pattern goes in the flat store, and its mirror image.
        lower: where it goes if the matrix is symmetric and only its lower half is stored.
        size: of the flat store; half of it is enough for a symmetric matrix.
        half: how much of it that is.
        corner: where in it the border's own square begins.
    """

    families: tuple[Family, ...]
    rows: Ints
    at: Ints
    mirrored: Ints
    lower: Ints
    size: int
    half: int
    corner: int


def border_of(rows: Ints, cols: Ints, pairs: tuple[Ints, Ints], size: int) -> Border | None:
    """Return the bordered form of a pattern, or None where factorising it whole costs less than 1.5 times as much.

    Args:
        rows: row of each entry of one half of the pattern, the diagonal included.
        cols: its column.
        pairs: rows that mere carriage joins; they end up in one class.
        size: number of rows.

    Example:
        >>> border_of(np.array([0, 1]), np.array([0, 1]), (np.zeros(0, int), np.zeros(0, int)), 2) is None  # too small
        True
    """
    if size < _SMALLEST:
        return None
    joined = sp.csr_array((np.ones(len(pairs[0])), pairs), shape=(size, size))
    count, found = csgraph.connected_components(joined, directed=False)
    label: Ints = found.astype(np.int64)
    if count > 1000:
        return None
    near = np.zeros((count, count), dtype=bool)
    near[label[rows], label[cols]] = True
    near |= near.T
    np.fill_diagonal(near, False)
    members = np.bincount(label, minlength=count)
    free = np.ones(count, dtype=bool)
    chosen: list[int] = []
    for c in np.lexsort((np.arange(count), near @ members)):  # those with the least beside them first
        if free[c] and near[c].any():
            chosen.append(int(c))
            free[near[c]] = False
            free[c] = False
    inside = np.isin(label, chosen)
    touched = _touched(rows, cols, label, inside, count)
    # what most groups touch stands first in the border, so that their products leave one corner of it
    rest = np.flatnonzero(~inside)
    border: Ints = rest[np.argsort(-touched[chosen][:, rest].sum(axis=0), kind="stable")]
    families = _families(label, chosen, touched, border)
    work = len(border) ** 3 / 3.0
    for groups, beside in families:
        work += sum(len(g) ** 3 / 3.0 + len(g) ** 2 * len(beside) + len(g) * len(beside) ** 2 for g in groups)
    if not chosen or work > size**3 / 4.5:
        return None
    return _arrange(families, border, rows, cols, size)


def _touched(rows: Ints, cols: Ints, label: Ints, inside: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.bool_]:
    """For each class, the rows outside all chosen classes that it meets, [count, size]."""
    out = np.zeros((count, len(label)), dtype=bool)
    for one, other in ((rows, cols), (cols, rows)):
        meets = inside[one] & ~inside[other]
        out[label[one[meets]], other[meets]] = True
    return out


def _families(
    label: Ints, chosen: list[int], touched: npt.NDArray[np.bool_], border: Ints
) -> list[tuple[tuple[Ints, ...], Ints]]:
    found: dict[bytes, list[Ints]] = {}
    for c in chosen:
        found.setdefault(touched[c, border].tobytes(), []).append(np.flatnonzero(label == c))
    return [(tuple(groups), np.flatnonzero(np.frombuffer(key, dtype=bool))) for key, groups in found.items()]


def _arrange(families: list[tuple[tuple[Ints, ...], Ints]], border: Ints, rows: Ints, cols: Ints, size: int) -> Border:
    """Lay the blocks out one after another, column by column, and say where each entry of the pattern goes."""
    group, local = np.full(size, -1), np.zeros(size, dtype=np.int64)
    local[border] = np.arange(len(border))
    square: list[int] = []
    wide: list[int] = []
    family_of: list[int] = []
    stacked = np.zeros(size, dtype=np.int64)
    made: list[Family] = []
    offset = 0
    for groups, beside in families:
        squares = []
        total, before = sum(len(g) for g in groups), 0
        for g in groups:
            group[g], local[g] = len(square), np.arange(len(g))
            stacked[g] = before + np.arange(len(g))
            square.append(offset)
            squares.append(offset)
            wide.append(len(g))
            family_of.append(len(made))
            offset, before = offset + len(g) ** 2, before + len(g)
        made.append(Family(groups, np.concatenate(groups), beside, tuple(squares), offset, 0))
        offset += total * len(beside)
    corner, half = offset, offset + len(border) ** 2
    offset = half
    for k, family in enumerate(made):  # what a symmetric matrix does not need stands last
        made[k] = replace(family, turned=offset)
        offset += len(family.rows) * len(family.beside)
    place = np.full((len(made), len(border)), -1)
    for f, family in enumerate(made):
        place[f, family.beside] = np.arange(len(family.beside))
    begin, width, owner = np.array(square), np.array(wide), np.array(family_of)
    begins, depth = np.array([(f.below, f.turned) for f in made]), np.array([len(f.beside) for f in made])

    def position(r: Ints, c: Ints) -> Ints:
        out = corner + local[c] * len(border) + local[r]  # both in the border
        own = (group[r] >= 0) & (group[c] >= 0)
        g = group[r[own]]
        out[own] = begin[g] + local[c[own]] * width[g] + local[r[own]]
        for side, (outer, inner) in enumerate(((r, c), (c, r))):
            here = (group[outer] < 0) & (group[inner] >= 0)
            f = owner[group[inner[here]]]
            out[here] = begins[f, side] + stacked[inner[here]] * depth[f] + place[f, local[outer[here]]]
        return out

    at, mirrored = position(rows, cols), position(cols, rows)
    within = (group[rows] < 0) & (group[cols] < 0)
    lower = np.where(np.where(within, local[rows] >= local[cols], at < half), at, mirrored)
    return Border(tuple(made), border, at, mirrored, lower, offset, half, corner)


def factorise_border(
    border: Border, half: Floats, mirror: Floats, diagonal: Floats, store: Floats, *, definite: bool
) -> _Solve | None:
    """Return a function that solves with the matrix, or None where it is not definite although it should be.

    Args:
        border: of the pattern.
        half: entries at the pattern's positions.
        mirror: entries at the mirrored positions.
        diagonal: added to the matrix, [size].
        store: memory to work in, [border.size]; the factors stay there.
        definite: the matrix is symmetric and positive definite.
    """
    if definite:
        store[: border.half] = 0.0
        store[border.lower] = half
    else:
        store.fill(0.0)
        store[border.mirrored] = mirror
        store[border.at] = half
    n = len(border.rows)
    square = store[border.corner : border.half].reshape((n, n), order="F")
    store[border.corner : border.half : n + 1] += diagonal[border.rows]
    solvers = []
    for family in border.families:
        for g, begin in zip(family.groups, family.squares, strict=True):
            store[begin : begin + len(g) ** 2 : len(g) + 1] += diagonal[g]
        step = _eliminate_definite(family, store, square) if definite else _eliminate(family, store, square)
        if step is None:
            return None
        solvers.append(step)
    if definite:
        factor, info = lapack.dpotrf(square, lower=1, clean=0, overwrite_a=1)
        if info != 0:
            return None
        return _solver(border, solvers, lambda right: _triangles(factor, right))
    lu, pivots, info = lapack.dgetrf(square, overwrite_a=1)
    _mend(lu, info)
    return _solver(border, solvers, lambda right: lapack.dgetrs(lu, pivots, right)[0])


_Step = tuple[Callable[[Floats], tuple[Floats, Floats]], Callable[[Floats, Floats], Floats]]


def _block(store: Floats, begin: int, rows: int, cols: int) -> Floats:
    return store[begin : begin + rows * cols].reshape((rows, cols), order="F")


def _mend(lu: Floats, info: int) -> None:
    """Replace a vanishing pivot by a tiny one."""
    if info > 0:
        position = np.arange(len(lu))
        tiny = np.abs(lu[position, position]) < 1e-300
        lu[position[tiny], position[tiny]] = 1e-30


def _triangles(factor: Floats, right: Floats) -> Floats:
    half = blas.dtrsv(factor, right, lower=1)
    answer: Floats = blas.dtrsv(factor, half, lower=1, trans=1, overwrite_x=1)
    return answer


def _spans(family: Family) -> list[slice]:
    ends = np.cumsum([len(g) for g in family.groups])
    return [slice(int(end) - len(g), int(end)) for g, end in zip(family.groups, ends, strict=True)]


def _subtract(square: Floats, beside: Ints, product: Floats) -> None:
    """Take a product off the rows and columns of the border that it belongs to."""
    if beside[-1] + 1 == len(beside):  # the first ones, in order
        square[: len(beside), : len(beside)] -= product
    else:
        square[np.ix_(beside, beside)] -= product


def _eliminate_definite(family: Family, store: Floats, square: Floats) -> _Step | None:
    """Cholesky of each group; its part of the border becomes C = B D^-T, whose square leaves the border's own."""
    below = _block(store, family.below, len(family.beside), len(family.rows))
    spans = _spans(family)
    factors = []
    for g, begin, span in zip(family.groups, family.squares, spans, strict=True):
        factor, info = lapack.dpotrf(_block(store, begin, len(g), len(g)), lower=1, clean=0, overwrite_a=1)
        if info != 0:
            return None
        blas.dtrsm(1.0, factor, below[:, span], side=1, lower=1, trans_a=1, overwrite_b=1)
        factors.append(factor)
    _subtract(square, family.beside, blas.dsyrk(1.0, below, lower=1))

    def forward(right: Floats) -> tuple[Floats, Floats]:
        inner = np.concatenate([blas.dtrsv(f, right[s], lower=1) for f, s in zip(factors, spans, strict=True)])
        return inner, below @ inner

    def backward(inner: Floats, outer: Floats) -> Floats:
        rest = inner - below.T @ outer
        return np.concatenate([blas.dtrsv(f, rest[s], lower=1, trans=1) for f, s in zip(factors, spans, strict=True)])

    return forward, backward


def _eliminate(family: Family, store: Floats, square: Floats) -> _Step:
    """LU of each group, D = P L U; with B U^-1 below it and L^-1 P' C beside it their product leaves the border."""
    deep, total = len(family.beside), len(family.rows)
    below, turned = _block(store, family.below, deep, total), _block(store, family.turned, deep, total)
    spans = _spans(family)
    factors = []
    for g, begin, span in zip(family.groups, family.squares, spans, strict=True):
        lu, pivots, info = lapack.dgetrf(_block(store, begin, len(g), len(g)), overwrite_a=1)
        _mend(lu, info)
        order = np.arange(len(g))
        for k, other in enumerate(pivots.tolist()):
            if other != k:
                order[[k, other]] = order[[other, k]]
        blas.dtrsm(1.0, lu, below[:, span], side=1, lower=0, overwrite_b=1)
        turned[:, span] = blas.dtrsm(1.0, lu, turned[:, span][:, order], side=1, lower=1, trans_a=1, diag=1)
        factors.append((lu, order))
    _subtract(square, family.beside, below @ turned.T)

    def forward(side: Floats) -> tuple[Floats, Floats]:
        inner = np.concatenate(
            [blas.dtrsv(lu, side[s][order], lower=1, diag=1) for (lu, order), s in zip(factors, spans, strict=True)]
        )
        return inner, below @ inner

    def backward(inner: Floats, outer: Floats) -> Floats:
        rest = inner - turned.T @ outer
        return np.concatenate([blas.dtrsv(lu, rest[s], lower=0) for (lu, _), s in zip(factors, spans, strict=True)])

    return forward, backward


def _solver(border: Border, steps: list[_Step], solve_square: Any) -> _Solve:
    def solve(right: Floats) -> Floats:
        outer = right[border.rows]
        inners = []
        for family, (forward, _) in zip(border.families, steps, strict=True):
            inner, moved = forward(right[family.rows])
            outer[family.beside] -= moved
            inners.append(inner)
        outer = solve_square(outer)
        out = np.empty(len(right))
        out[border.rows] = outer
        for family, (_, backward), inner in zip(border.families, steps, inners, strict=True):
            out[family.rows] = backward(inner, outer[family.beside])
        return out

    return solve
