"""An economy's numbers stacked, scaled and analysed once: what the Newton methods work on.

The groups are stacked under the markets: with E = [A; -G], F = [B; -G], f = [fixed; -h] and y = (p, l) the problem is
``E x - f >= 0 perp y >= 0`` and ``MC(x) + K x + w - F'y >= 0 perp x >= 0``, ``upper - x >= 0 perp w >= 0``.
Rows and columns get units that bring coefficients near one, in powers of two, so that the way back is exact.

Source: Tomlin (1975), On scaling linear programming problems, Math. Prog. Study 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Floats, Sparse
from oreflow.market.border import Border, border_of
from oreflow.market.chain_of_blocks import Chain, chain_of

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SymbolicPlan:
    """What depends on the sparsity pattern only; made once by `plan_economy`, reused for every right-hand side.

    Attributes:
        shape: markets, activities, groups.
        columns: user activity of each solver column (choked demand has two).
        indices, indptr: pattern of the stacked matrices E and F (one pattern holds both).
        maps: for A, B and G, where their data go in E.data and F.data.
        nnz: numbers of data of A, B and G.
        upper_entry, lower_entry: the two entries of one column, the second at or below the first, whose product goes
            into the reduced block E D F'.
        gram_indices, gram_indptr: pattern of the map from D to the lower half of that block.
        rows, cols: positions in the lower half of the block, column after column.
        strict: which of them lie below the diagonal.
        carried: pairs of rows that mere carriage joins.
        chain: a chain of dense blocks to factorise along (periods linked by stocks), where that is cheaper.
    """

    shape: tuple[int, int, int]
    columns: Ints
    indices: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int32]
    maps: tuple[tuple[Ints, Ints], ...]
    nnz: tuple[int, int, int]
    upper_entry: Ints
    lower_entry: Ints
    gram_indices: npt.NDArray[np.int32]
    gram_indptr: npt.NDArray[np.int32]
    rows: Ints
    cols: Ints
    strict: Ints
    carried: tuple[Ints, Ints]
    chain: Chain | None

    @cached_property
    def border(self) -> Border | None:
        """Groups of markets that meet only in a border, where eliminating them first pays; sought when asked for."""
        size = self.shape[0] + self.shape[2]
        return None if self.chain is not None else border_of(self.rows, self.cols, self.carried, size)

    def fits(self, arrays: EconomyArrays) -> bool:
        """Return True where the economy has the shape and number of coefficients that were analysed."""
        columns = np.concatenate([np.arange(arrays.shape[1]), _choked(arrays.curves)])
        nnz = (arrays.A.nnz, arrays.B.nnz, arrays.G.nnz)
        return arrays.shape == self.shape and nnz == self.nnz and np.array_equal(columns, self.columns)


def plan_economy(arrays: EconomyArrays) -> SymbolicPlan:
    """Return the symbolic analysis of an economy; any economy with the same pattern may reuse it.

    Args:
        arrays: the economy; only patterns, kinds of curves and the places of finite choke prices are read.

    Example:
        >>> plan = plan_economy(arrays)  # doctest: +SKIP
        >>> solve_economy(arrays.with_(upper=2 * arrays.upper), plan=plan)  # doctest: +SKIP
    """
    m, n, g = arrays.shape
    columns = np.concatenate([np.arange(n), _choked(arrays.curves)])
    total = m + g
    sources = [_entries(arrays.A, columns, 0, total), _entries(arrays.B, columns, 0, total)]
    sources.append(_entries(_positioned(arrays.G), columns, m, total))
    keys = _union([k for k, _ in sources])
    maps = tuple((np.searchsorted(keys, k), source) for k, source in sources)
    cols, rows = np.divmod(keys, total)
    counts = np.bincount(cols, minlength=len(columns))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    # within a column, each entry meets itself and those below it
    ahead = indptr[cols + 1] - np.arange(len(keys))
    first = np.repeat(np.arange(len(keys)), ahead)
    second = first + np.arange(len(first)) - np.repeat(np.cumsum(ahead) - ahead, ahead)
    place = rows[first] * np.int64(total) + rows[second]
    order = np.argsort(place.astype(np.int32) if total < 2**15 else place)
    first, second, place = first[order], second[order], place[order]
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    block_cols, block_rows = np.divmod(place[begins], total)
    strict = np.flatnonzero(block_rows > block_cols)
    both = (np.concatenate([block_rows, block_cols[strict]]), np.concatenate([block_cols, block_rows[strict]]))
    return SymbolicPlan(
        shape=(m, n, g),
        columns=columns,
        indices=rows.astype(np.int32),
        indptr=indptr.astype(np.int32),
        maps=maps,
        nnz=(arrays.A.nnz, arrays.B.nnz, arrays.G.nnz),
        upper_entry=first,
        lower_entry=second,
        gram_indices=cols[first].astype(np.int32),
        gram_indptr=np.concatenate([begins, [len(place)]]).astype(np.int32),
        rows=block_rows,
        cols=block_cols,
        strict=strict,
        carried=_carried(arrays.A),
        chain=chain_of(*both, total),
    )


def _positioned(matrix: Sparse) -> Sparse:
    """The pattern of a row-wise matrix by columns, its data the positions in the row-wise one."""
    out = matrix.copy()
    out.data = np.arange(matrix.nnz, dtype=np.float64)
    return sp.csc_array(out)


def _entries(matrix: Sparse, columns: Ints, offset: int, total: int) -> tuple[Ints, Ints]:
    """Position (column by column) in the stacked matrix of each entry, and which datum of the matrix it is."""
    source = matrix.data.astype(np.int64) if offset else np.arange(matrix.nnz)
    width = matrix.shape[1]
    counts = np.diff(matrix.indptr)
    rows, owner = matrix.indices.astype(np.int64), np.repeat(np.arange(width), counts)
    if len(columns) > width:  # choked demand has a second column, with the same entries
        again = columns[width:]
        more = np.repeat(np.arange(width, len(columns)), counts[again])
        at = np.arange(len(more)) - np.repeat(np.cumsum(counts[again]) - counts[again], counts[again])
        at = at + np.repeat(matrix.indptr[again].astype(np.int64), counts[again])
        rows, owner, source = (
            np.concatenate([rows, rows[at]]), np.concatenate([owner, more]), np.concatenate([source, source[at]])
        )  # fmt: skip
    return owner * np.int64(total) + rows + offset, source


def _union(keys: list[Ints]) -> Ints:
    """All positions in order, each once; most economies have the same in A and B, sorted, and no group."""
    filled = [k for k in keys if len(k)]
    if len(filled) > 1 and np.array_equal(filled[0], filled[1]):
        filled.pop(1)
    if len(filled) == 1 and (np.diff(filled[0]) > 0).all():
        return filled[0]
    return np.unique(np.concatenate([*filled, np.zeros(0, dtype=np.int64)]))


def _carried(matrix: Sparse) -> tuple[Ints, Ints]:
    """Pairs of markets between which an activity carries a good, with at most a tenth lost on the way."""
    begin = matrix.indptr[:-1][np.diff(matrix.indptr) == 2]
    if not begin.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    one, other = matrix.data[begin], matrix.data[begin + 1]
    like = (one * other < 0) & (np.abs(one + other) <= 0.1 * np.maximum(np.abs(one), np.abs(other)))
    return matrix.indices[begin[like]].astype(np.int64), matrix.indices[begin[like] + 1].astype(np.int64)


def _choked(curves: CurveTable) -> Ints:
    return np.flatnonzero((curves.kind == CurveKind.ISOELASTIC) & np.isfinite(curves.d))


@dataclass(slots=True)
class Core:
    """The stacked and scaled problem: user level = level * col, user price = price * money / row.

    Attributes:
        E, F, f: stacked coefficients and needs; Ft is F', abs_E and abs_Ft hold absolute values.
        free: rows that are equalities.
        u: capacities.
        base, tilt: marginal cost base + tilt x of everything that is straight.
        bowed, bows: activities with a curve that is not straight, and their curves.
        knees: level at which the curved part of a choked demand begins (nil elsewhere).
        barrier: level at which a hyperbolic cost has no end.
        iso: demand without choke price; bent: curved parts of choked demand.
        curved: activities whose curve bends in level.
        K, coupled: couplings and the activities that they touch; iso_alone says that no `iso` is among them.
        row, col, money: units.
        lower, upper: maps from D to the halves of E D F' (no upper one where the halves are alike).
        buffer: space for the factors of that block.
    """

    E: Sparse
    F: Sparse
    Ft: Sparse
    f: Floats
    free: npt.NDArray[np.bool_]
    u: Floats
    base: Floats
    tilt: Floats
    bowed: Ints
    bows: CurveTable
    curves: CurveTable
    knees: Floats
    barrier: Floats
    iso: Ints
    iso_alone: bool
    bent: Ints
    curved: Ints
    K: Sparse | None
    coupled: Ints
    row: Floats
    col: Floats
    money: float
    plan: SymbolicPlan
    lower: Sparse
    upper: Sparse | None
    abs_E: Sparse
    abs_Ft: Sparse
    owner: Ints
    buffer: Floats | None = None

    @property
    def symmetric(self) -> bool:
        """True where E = F and nothing is coupled: the block E D F' is then positive definite."""
        return self.upper is None

    def marginal(self, x: Floats) -> Floats:
        """Marginal cost with couplings; the curved part of a choked demand starts at its knee."""
        out = self.base + self.tilt * x
        if self.bowed.size:
            out[self.bowed] = self.bows.marginal(x[self.bowed] + self.knees[self.bowed])
        return out if self.K is None else out + self.K @ x

    def slope(self, x: Floats) -> Floats:
        """Own slope of marginal cost without couplings."""
        out = self.tilt.copy()
        if self.bowed.size:
            out[self.bowed] = self.bows.slope(x[self.bowed] + self.knees[self.bowed])
        return out


def build_core(arrays: EconomyArrays, plan: SymbolicPlan) -> Core:
    """Stack, split choked demand into a flat and a curved part, and scale.

    Args:
        arrays: the economy, t and USD.
        plan: its symbolic analysis.
    """
    total, width = arrays.shape[0] + arrays.shape[2], len(plan.columns)
    e, f = _stacked(arrays, plan, arrays.A, 0), _stacked(arrays, plan, arrays.B, 1)
    curves, upper, knees = _split_choked(arrays, plan)
    owner = np.repeat(np.arange(width), np.diff(plan.indptr))
    row, col = _equilibrate(np.maximum(np.abs(e), np.abs(f)), plan.indices, owner, total, width)
    limit = np.concatenate([arrays.fixed, -arrays.h])
    iso = np.flatnonzero((curves.kind == CurveKind.ISOELASTIC) & (knees == 0))
    sizes = np.concatenate([np.abs(limit) / row, curves.b[iso] / col[iso], (upper / col)[np.isfinite(upper)]])
    sizes = sizes[sizes > 0]
    quantity = float(np.median(sizes)) if sizes.size else 1.0
    row, col = row * quantity, col * quantity
    values = np.abs(curves.a + curves.shift) * col
    values = values[(values > 0) & np.isfinite(values)]
    money = float(np.median(values)) if values.size else 1.0
    e, f = e * col[owner] / row[plan.indices], f * col[owner] / row[plan.indices]
    scaled = _scale_curves(curves, col, money)
    coupling = _scale_couplings(arrays, plan, col, money)
    coupled = np.zeros(0, dtype=np.int64)
    if coupling is not None:
        coupled = np.flatnonzero((np.diff(coupling.indptr) > 0) | (np.diff(sp.csr_array(coupling).indptr) > 0))
    shape = (total, width)
    symmetric = coupling is None and np.array_equal(e, f)
    first, second = plan.upper_entry, plan.lower_entry
    half = (plan.gram_indices, plan.gram_indptr)
    square = (len(plan.rows), width)
    kind = curves.kind
    bowed = np.flatnonzero((kind != CurveKind.CONSTANT) & (kind != CurveKind.LINEAR))
    hyperbolic = (kind == CurveKind.HYPERBOLIC) & (scaled.b != 0)
    E = sp.csc_array((e, plan.indices, plan.indptr), shape=shape)
    F = E if symmetric else sp.csc_array((f, plan.indices, plan.indptr), shape=shape)
    abs_E = sp.csc_array((np.abs(e), plan.indices, plan.indptr), shape=shape)
    bent = np.flatnonzero((kind == CurveKind.ISOELASTIC) & (knees > 0))
    return Core(
        E=E,
        F=F,
        Ft=F.T,
        f=limit / row,
        free=np.concatenate([arrays.equality, np.zeros(len(arrays.h), dtype=bool)]),
        u=upper / col,
        base=scaled.shift + scaled.a,
        tilt=np.where(kind == CurveKind.LINEAR, scaled.b, 0.0),
        bowed=bowed,
        bows=scaled.take(bowed),
        curves=scaled,
        knees=knees / col,
        barrier=np.where(hyperbolic, scaled.c, np.inf),
        iso=iso,
        iso_alone=not np.isin(iso, coupled).any(),
        bent=bent,
        curved=np.flatnonzero((kind == CurveKind.POWER) | hyperbolic | ((kind == CurveKind.ISOELASTIC) & (knees > 0))),
        K=coupling,
        coupled=coupled,
        row=row,
        col=col,
        money=money,
        plan=plan,
        lower=sp.csr_array((e[second] * f[first], *half), shape=square),
        upper=None if symmetric else sp.csr_array((e[first] * f[second], *half), shape=square),
        abs_E=abs_E,
        abs_Ft=(abs_E if symmetric else sp.csc_array((np.abs(f), plan.indices, plan.indptr), shape=shape)).T,
        owner=owner,
    )


def _stacked(arrays: EconomyArrays, plan: SymbolicPlan, matrix: Sparse, which: int) -> Floats:
    """Data of A or B over those of -G, in the plan's pattern."""
    data = np.zeros(len(plan.indices))
    at, source = plan.maps[which]
    data[at] = matrix.data[source]
    at, source = plan.maps[2]
    data[at] = -arrays.G.data[source]
    return data


def _split_choked(arrays: EconomyArrays, plan: SymbolicPlan) -> tuple[CurveTable, Floats, Floats]:
    """Curves, capacities and knees of the columns: demand up to where its curve meets the choke price, then beyond."""
    n, width = arrays.shape[1], len(plan.columns)
    curves, upper, knees = arrays.curves.take(plan.columns), arrays.upper[plan.columns], np.zeros(width)
    if width > n:
        flat, bent = plan.columns[n:], np.arange(n, width)
        whole = arrays.curves
        knee = whole.b[flat] * (whole.d[flat] / whole.a[flat]) ** whole.c[flat]
        curves.kind[flat], curves.a[flat] = CurveKind.CONSTANT, -whole.d[flat]
        upper[flat] = np.minimum(knee, arrays.upper[flat])
        upper[bent] = np.maximum(arrays.upper[flat] - knee, 0.0)
        knees[bent] = knee
        curves.d[bent] = np.inf
    return curves, upper, knees


def _scale_curves(curves: CurveTable, col: Floats, money: float) -> CurveTable:
    """The curves with levels in units `col` and costs in units money / col."""
    kind, unit = curves.kind, col / money
    b, c = curves.b.copy(), curves.c.copy()
    b = np.where(kind == CurveKind.LINEAR, b * col * unit, b)
    with np.errstate(over="ignore"):
        b = np.where(kind == CurveKind.POWER, b * unit * col ** np.where(kind == CurveKind.POWER, c, 0.0), b)
    b = np.where(kind == CurveKind.HYPERBOLIC, b / money, b)
    b = np.where(kind == CurveKind.ISOELASTIC, b / col, b)
    c = np.where(kind == CurveKind.HYPERBOLIC, c / col, c)
    return CurveTable(kind, curves.shift * unit, curves.a * unit, b, c, curves.d * unit)


def _scale_couplings(arrays: EconomyArrays, plan: SymbolicPlan, col: Floats, money: float) -> Sparse | None:
    """K in scaled units; a choked activity is coupled through both of its parts."""
    if arrays.K is None or not arrays.K.nnz:
        return None
    n, width = arrays.shape[1], len(plan.columns)
    spread = sp.csr_array((np.ones(width), (np.arange(width), plan.columns)), shape=(width, n))
    wide = sp.csc_array(spread @ sp.csc_array(arrays.K) @ spread.T)
    return sp.csc_array(sp.diags_array(col / money) @ wide @ sp.diags_array(col))


def _equilibrate(data: Floats, rows: Any, cols: Any, m: int, n: int, passes: int = 4) -> tuple[Floats, Floats]:
    """Row and column units that bring every coefficient near 1 (geometric means, rounded to powers of two)."""
    with np.errstate(divide="ignore"):
        log = np.log2(data)
    keep = np.isfinite(log)
    if not keep.all():
        log, rows, cols = log[keep], rows[keep], cols[keep]
    in_row = np.maximum(np.bincount(rows, minlength=m), 1)
    in_col = np.maximum(np.bincount(cols, minlength=n), 1)
    r, c = np.zeros(m), np.zeros(n)
    for _ in range(passes):
        r = np.bincount(rows, weights=log + c[cols], minlength=m) / in_row
        c = np.bincount(cols, weights=r[rows] - log, minlength=n) / in_col
    return np.exp2(np.round(r)), np.exp2(np.round(c))
