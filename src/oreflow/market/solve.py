"""Solve an economy given as arrays: interior point from afar, active-set Newton from nearby and for the polish.

The groups are stacked under the markets: with E = [A; -G], F = [B; -G], f = [fixed; -h] and y = (p, l) the problem is
``E x - f >= 0 perp y >= 0`` and ``MC(x) + K x + w - F'y >= 0 perp x >= 0``, ``upper - x >= 0 perp w >= 0``.
Every Newton system is reduced to the y block ``E D F' + diag``, whose pattern is analysed once (`SymbolicPlan`).

Sources: Mehrotra (1992) predictor-corrector; Wright (1997) ch. 10; Facchinei and Pang (2003) ch. 9 and 11 for the
natural residual and the active-set Newton method; Gondzio (1996) for the correctors; Tomlin (1975) for the scaling.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import lapack

from oreflow.core.factor import factorise
from oreflow.core.threads import with_one_blas_thread
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Floats, Solution, Sparse, Status
from oreflow.market.chain_of_blocks import Chain, chain_of, factorise_chain
from oreflow.market.feasibility import diagnose, find_impossibility, find_subsidised_cycle
from oreflow.market.linear import is_linear_program, solve_linear_program
from oreflow.market.residual import natural_residual

Ints = npt.NDArray[np.int64]
_DENSE_LIMIT = 1500


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """Settings of `solve_economy`.

    Args:
        tolerance: largest scaled natural residual that counts as solved.
        max_iterations: most Newton systems.
        time_limit: seconds of wall clock.
        polish: Newton steps on the active set after the interior point.
        explain: where no equilibrium is found, test physical feasibility and name an irreducible infeasible set.
        warm_iterations: active-set Newton steps tried from `start` before the interior point takes over.
    """

    tolerance: float = 1e-9
    max_iterations: int = 300
    time_limit: float = 60.0
    polish: int = 8
    explain: bool = True
    warm_iterations: int = 12


@dataclass(frozen=True, slots=True)
class SymbolicPlan:
    """What depends on the sparsity pattern only; made once by `plan_economy`, reused for every right-hand side.

    Attributes:
        shape: markets, activities, groups.
        columns: user activity of each solver column (choked demand has two).
        indices, indptr: pattern of the stacked matrices E and F (one pattern holds both).
        maps: for A, B and G, where their data go in E.data and F.data.
        nnz: numbers of data of A, B and G.
        left, right: factors in E.data and F.data of each datum of the map from D to E D F'.
        gram_indices, gram_indptr: pattern of that map.
        block_rows, block_cols: position of each datum of the reduced block E D F'.
        block_flat: the same as one position in a dense column-major block.
        chain: a chain of dense blocks to factorise along (periods linked by stocks), where that is cheaper.
    """

    shape: tuple[int, int, int]
    columns: Ints
    indices: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int32]
    maps: tuple[tuple[Ints, Ints], ...]
    nnz: tuple[int, int, int]
    left: Ints
    right: Ints
    gram_indices: npt.NDArray[np.int32]
    gram_indptr: npt.NDArray[np.int32]
    block_rows: Ints
    block_cols: Ints
    block_flat: Ints
    chain: Chain | None

    def fits(self, arrays: EconomyArrays) -> bool:
        """Return True where the economy has the shape and number of coefficients that were analysed."""
        columns = np.concatenate([np.arange(arrays.shape[1]), _choked(arrays.curves)])
        nnz = (arrays.A.nnz, arrays.B.nnz, arrays.G.nnz)
        return arrays.shape == self.shape and nnz == self.nnz and np.array_equal(columns, self.columns)


@dataclass(slots=True)
class _Core:
    """The stacked and scaled problem: user level = level * col, user price = price * money / row."""

    E: Sparse
    F: Sparse
    Ft: Sparse
    f: Floats
    free: npt.NDArray[np.bool_]
    curves: CurveTable
    u: Floats
    knees: Floats
    K: Sparse | None
    row: Floats
    col: Floats
    money: float
    gram: Sparse
    plan: SymbolicPlan
    iso: Ints
    iso_alone: bool
    bent: Ints
    curved: Ints
    barrier: Floats
    coupled: Ints
    abs_E: Sparse
    abs_F: Sparse
    owner: Ints
    symmetric: bool

    def marginal(self, x: Floats) -> Floats:
        """Marginal cost with couplings; the curved part of a choked demand starts at its knee."""
        out = self.curves.marginal(x + self.knees)
        return out if self.K is None else out + self.K @ x

    def slope(self, x: Floats) -> Floats:
        """Own slope of marginal cost without couplings."""
        return self.curves.slope(x + self.knees)


def plan_economy(arrays: EconomyArrays) -> SymbolicPlan:
    """Return the symbolic analysis of an economy; any economy with the same pattern may reuse it.

    Args:
        arrays: the economy; only patterns, kinds of curves and the places of finite choke prices are read.

    Example:
        >>> plan = plan_economy(arrays)  # doctest: +SKIP
        >>> solve_economy(arrays.with_(upper=2 * arrays.upper), plan=plan)  # doctest: +SKIP
    """
    m, n, g = arrays.shape
    choke = _choked(arrays.curves)
    columns = np.concatenate([np.arange(n), choke])
    total = m + g
    sources = []
    for matrix, offset in ((arrays.A, 0), (arrays.B, 0), (sp.csc_array(_positions(arrays.G)), m)):
        index = _positions(matrix) if offset == 0 else matrix
        taken = sp.csc_array(index)[:, columns]
        keys = np.repeat(np.arange(len(columns)), np.diff(taken.indptr)) * np.int64(total) + taken.indices + offset
        sources.append((keys, taken.data.astype(np.int64) - 1))
    keys = np.unique(np.concatenate([k for k, _ in sources]))
    maps = tuple((np.searchsorted(keys, k), source) for k, source in sources)
    cols, rows = np.divmod(keys, total)
    counts = np.bincount(cols, minlength=len(columns))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    # all pairs (i, k) of entries within one column
    pairs = counts[cols]  # each entry meets every entry of its column
    left = np.repeat(np.arange(len(keys)), pairs)
    right = np.arange(len(left)) - np.repeat(np.cumsum(pairs) - pairs, pairs) + np.repeat(indptr[cols], pairs)
    block = rows[left] * np.int64(total) + rows[right]
    block_keys, slot = np.unique(block, return_inverse=True)
    by_slot = np.argsort(slot, kind="stable")
    left, right, slot = left[by_slot], right[by_slot], slot[by_slot]
    gram_ptr = np.concatenate([[0], np.cumsum(np.bincount(slot, minlength=len(block_keys)))])
    return SymbolicPlan(
        shape=(m, n, g),
        columns=columns,
        indices=rows.astype(np.int32),
        indptr=indptr.astype(np.int32),
        maps=maps,
        nnz=(arrays.A.nnz, arrays.B.nnz, arrays.G.nnz),
        left=left,
        right=right,
        gram_indices=cols[left].astype(np.int32),
        gram_indptr=gram_ptr.astype(np.int32),
        block_rows=block_keys // total,
        block_cols=block_keys % total,
        block_flat=(block_keys % total) * total + block_keys // total,
        chain=chain_of(block_keys // total, block_keys % total, total),
    )


def _positions(matrix: Sparse) -> Sparse:
    """The pattern of `matrix`, with data 1 + position."""
    out = matrix.copy()
    out.data = np.arange(1.0, matrix.nnz + 1)
    return out


def _choked(curves: CurveTable) -> Ints:
    return np.flatnonzero((curves.kind == CurveKind.ISOELASTIC) & np.isfinite(curves.d))


def _build(arrays: EconomyArrays, plan: SymbolicPlan) -> _Core:
    """Stack, split choked demand into a flat and a curved part, and scale."""
    m, n, g = arrays.shape
    total, width = m + g, len(plan.columns)
    parts = []
    for use in ((0, arrays.A), (1, arrays.B)):
        data = np.zeros(len(plan.indices))
        at, source = plan.maps[use[0]]
        data[at] = use[1].data[source]
        at, source = plan.maps[2]
        data[at] = -arrays.G.data[source]
        parts.append(data)
    e, f = parts
    curves, upper = arrays.curves.take(plan.columns), arrays.upper[plan.columns]
    if width > n:  # level = flat part up to where the curve meets the choke price + curved part beyond
        flat, bent = plan.columns[n:], np.arange(n, width)
        whole = arrays.curves
        knee = whole.b[flat] * (whole.d[flat] / whole.a[flat]) ** whole.c[flat]
        curves.kind[flat], curves.a[flat] = CurveKind.CONSTANT, -whole.d[flat]
        upper[flat] = np.minimum(knee, arrays.upper[flat])
        upper[bent] = np.maximum(arrays.upper[flat] - knee, 0.0)
        knees = np.zeros(width)
        knees[bent] = knee
        curves.d[bent] = np.inf
    else:
        knees = np.zeros(width)
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
    kind, unit = curves.kind, col / money
    b, c = curves.b.copy(), curves.c.copy()
    b = np.where(kind == CurveKind.LINEAR, b * col * unit, b)
    with np.errstate(over="ignore"):
        b = np.where(kind == CurveKind.POWER, b * unit * col ** np.where(kind == CurveKind.POWER, c, 0.0), b)
    b = np.where(kind == CurveKind.HYPERBOLIC, b / money, b)
    b = np.where(kind == CurveKind.ISOELASTIC, b / col, b)
    hyperbolic = (kind == CurveKind.HYPERBOLIC) & (b != 0)
    bending = (kind == CurveKind.POWER) | hyperbolic | ((kind == CurveKind.ISOELASTIC) & (knees > 0))
    c = np.where(kind == CurveKind.HYPERBOLIC, c / col, c)
    scaled = CurveTable(kind, curves.shift * unit, curves.a * unit, b, c, curves.d * unit)
    coupling, coupled = None, np.zeros(0, dtype=np.int64)
    if arrays.K is not None and arrays.K.nnz:
        k = arrays.K.tocoo()
        # a choked activity is coupled through both of its parts
        spread = sp.csr_array((np.ones(width), (np.arange(width), plan.columns)), shape=(width, n))
        wide = sp.csc_array(spread @ sp.csc_array(k) @ spread.T)
        coupling = sp.csc_array(sp.diags_array(col / money) @ wide @ sp.diags_array(col))
        coupled = np.flatnonzero((np.diff(coupling.indptr) > 0) | (np.diff(sp.csr_array(coupling).indptr) > 0))
    shape = (total, width)
    E = sp.csc_array((e, plan.indices, plan.indptr), shape=shape)
    F = sp.csc_array((f, plan.indices, plan.indptr), shape=shape)
    gram = sp.csr_array(
        (e[plan.left] * f[plan.right], plan.gram_indices, plan.gram_indptr), shape=(len(plan.block_rows), width)
    )
    return _Core(
        E=E,
        F=F,
        Ft=F.T,
        f=limit / row,
        free=np.concatenate([arrays.equality, np.zeros(g, dtype=bool)]),
        curves=scaled,
        u=upper / col,
        knees=knees / col,
        K=coupling,
        row=row,
        col=col,
        money=money,
        gram=gram,
        plan=plan,
        iso=iso,
        iso_alone=not np.isin(iso, coupled).any(),
        bent=np.flatnonzero((curves.kind == CurveKind.ISOELASTIC) & (knees > 0)),
        curved=np.flatnonzero(bending),
        barrier=np.where(hyperbolic, c, np.inf),
        coupled=coupled,
        abs_E=sp.csc_array((np.abs(e), plan.indices, plan.indptr), shape=shape),
        abs_F=sp.csc_array((np.abs(f), plan.indices, plan.indptr), shape=shape),
        owner=owner,
        symmetric=coupling is None and np.array_equal(e, f),
    )


def _equilibrate(data: Floats, rows: Any, cols: Any, m: int, n: int, passes: int = 4) -> tuple[Floats, Floats]:
    """Row and column units that bring every coefficient near 1 (geometric means, rounded to powers of two)."""
    with np.errstate(divide="ignore"):
        log = np.log2(data)
    keep = np.isfinite(log)
    log, rows, cols = log[keep], rows[keep], cols[keep]
    in_row = np.maximum(np.bincount(rows, minlength=m), 1)
    in_col = np.maximum(np.bincount(cols, minlength=n), 1)
    r, c = np.zeros(m), np.zeros(n)
    for _ in range(passes):
        r = np.bincount(rows, weights=log + c[cols], minlength=m) / in_row
        c = np.bincount(cols, weights=r[rows] - log, minlength=n) / in_col
    return np.exp2(np.round(r)), np.exp2(np.round(c))


@dataclass(frozen=True, slots=True)
class _Residual:
    """Scaled natural residuals by row and column, and what they were computed from."""

    rows: Floats
    cols: Floats
    excess: Floats
    cost: Floats
    throughput: Floats
    turnover: Floats
    size: float


def _residual(core: _Core, x: Floats, y: Floats) -> _Residual:
    """Scaled natural residual at (x, y): every excess relative to throughput, every reduced cost to turnover."""
    with np.errstate(invalid="ignore", over="ignore"):
        mc = core.marginal(x)
        excess = core.E @ x - core.f
        cost = mc - core.Ft @ y
        throughput = core.abs_E @ np.abs(x) + np.abs(core.f)
        turnover = core.abs_F.T @ np.abs(y) + np.abs(mc)
    throughput = np.maximum(throughput, 1e-4)
    turnover = np.maximum(turnover, 1e-4)
    price_unit = np.maximum(np.abs(y), 1e-3)
    rows = np.where(core.free, np.abs(excess) / throughput, np.abs(np.minimum(y / price_unit, excess / throughput)))
    level_unit = np.maximum(np.abs(x), 1e-3)
    slack = core.u - x
    relative = cost / turnover
    low, high = x / level_unit, -slack / level_unit
    cols = np.abs(np.maximum(np.minimum(low, relative), high))
    rows, cols = np.nan_to_num(rows, nan=np.inf), np.nan_to_num(cols, nan=np.inf)
    size = float(max(rows.max(initial=0.0), cols.max(initial=0.0)))
    return _Residual(rows, cols, excess, cost, throughput, turnover, size)


@dataclass(slots=True)
class _Linear:
    """The factorised Newton system in (dy, dx of explicit activities)."""

    core: _Core
    D: Floats
    explicit: Ints
    solve: Any

    def step(self, row_side: Floats, col_side: Floats) -> tuple[Floats, Floats]:
        """Solve  E dx + diag dy = row_side,  H dx - F'dy = col_side  for (dy, dx)."""
        core, m = self.core, len(row_side)
        right = row_side - core.E @ (self.D * col_side)
        both = self.solve(np.concatenate([right, col_side[self.explicit]]))
        dy = both[:m]
        dx = self.D * (col_side + core.Ft @ dy)
        dx[self.explicit] = both[m:]
        return dy, dx


def _cholesky_solve(lower: Floats, right: Floats) -> Floats:
    answer: Floats = lapack.dpotrs(lower, right, lower=1)[0]
    return answer


def _edges(core: _Core, explicit: Ints, h: Floats, rows_off: Ints | None) -> tuple[Sparse, Sparse, Sparse]:
    """What borders the block of prices: columns and rows of the explicit activities, and their own square."""
    right: Sparse = core.E[:, explicit]
    if rows_off is not None and len(explicit):
        on = np.ones(right.shape[0])
        on[rows_off] = 0.0
        right = sp.csc_array(sp.diags_array(on) @ right)
    corner: Sparse = sp.diags_array(h[explicit])
    if core.K is not None and len(explicit):
        corner = corner + core.K[explicit][:, explicit]
    return right, -core.F[:, explicit], corner


def _factorise(core: _Core, h: Floats, diagonal: Floats, explicit: Ints, rows_off: Ints | None = None) -> _Linear:
    """Factorise the Newton matrix; `h` is the diagonal of the activity block, inf where a level stays put.

    Activities in `explicit` (flat cost at an inner level, or coupled) keep a row of their own.
    """
    m, k = len(diagonal), len(explicit)
    with np.errstate(divide="ignore"):
        D = 1.0 / h
    D[explicit] = 0.0
    block = core.gram @ D
    plan = core.plan
    if plan.chain is not None:
        at = _edges(core, explicit, h, rows_off)
        chained = factorise_chain(
            plan.chain, block, diagonal, rows_off, *at, definite=core.symmetric and not k and rows_off is None
        )
        if chained is not None:
            return _Linear(core, D, explicit, chained)
    if m + k <= _DENSE_LIMIT:
        flat = np.zeros((m + k) * (m + k))
        flat[plan.block_flat if k == 0 else plan.block_cols * (m + k) + plan.block_rows] = block
        matrix = flat.reshape((m + k, m + k), order="F")
        if rows_off is not None:
            matrix[rows_off, :] = 0.0
        matrix[np.arange(m), np.arange(m)] += diagonal
        if k:
            side = core.E[:, explicit].toarray()
            if rows_off is not None:
                side[rows_off] = 0.0
            matrix[:m, m:] = side
            matrix[m:, :m] = -core.F[:, explicit].T.toarray()
            matrix[np.arange(m, m + k), np.arange(m, m + k)] = h[explicit]
            if core.K is not None:
                matrix[m:, m:] += core.K[explicit][:, explicit].toarray()
        if core.symmetric and not k and rows_off is None:
            lower, info = lapack.dpotrf(matrix, lower=1, clean=0)
            if info == 0:
                return _Linear(core, D, explicit, partial(_cholesky_solve, lower))
        lu, pivots, info = lapack.dgetrf(matrix, overwrite_a=1)
        if info > 0:
            position = np.arange(m + k)
            tiny = np.abs(lu[position, position]) < 1e-300
            lu[position[tiny], position[tiny]] = 1e-30

        def solve(right: Floats) -> Floats:
            answer: Floats = lapack.dgetrs(lu, pivots, right)[0]
            return answer

        return _Linear(core, D, explicit, solve)
    keep = slice(None) if rows_off is None else ~np.isin(plan.block_rows, rows_off)
    sparse: Sparse = sp.csc_array((block[keep], (plan.block_rows[keep], plan.block_cols[keep])), shape=(m, m))
    sparse = sparse + sp.diags_array(diagonal)
    if k:
        edge: Sparse = sp.csr_array(core.E[:, explicit])
        if rows_off is not None:
            on = np.ones(m)
            on[rows_off] = 0.0
            edge = sp.diags_array(on) @ edge
        corner: Sparse = sp.diags_array(h[explicit])
        if core.K is not None:
            corner = corner + core.K[explicit][:, explicit]
        sparse = sp.block_array([[sparse, edge], [-core.F[:, explicit].T, corner]])
    try:
        return _Linear(core, D, explicit, factorise(sp.csc_array(sparse), threshold=0.1).solve)
    except RuntimeError:  # exactly singular: a step that is no number ends the method that asked for it
        return _Linear(core, D, explicit, lambda right: np.full_like(right, np.nan))


@dataclass(slots=True)
class _Clock:
    """When a solve must end; a step that would not be done by then is not begun."""

    deadline: float
    last: float
    longest: float = 0.0
    over: bool = False

    def step(self) -> bool:
        """Return True where there is no time for another step as long as the longest one so far."""
        now = time.perf_counter()
        self.longest = max(self.longest, now - self.last)
        self.last = now
        self.over = self.over or now + self.longest > self.deadline
        return self.over


@dataclass(slots=True)
class _Point:
    """Iterate: levels x, prices y, slacks s of rows and v of capacities, multipliers z of x >= 0, w of capacities."""

    x: Floats
    y: Floats
    s: Floats
    v: Floats
    z: Floats
    w: Floats


_NEAR = (0.5, 2.0)  # ratios of what choked demand is asked to what it offers between which its quantity is linearised
_LARGEST = 1e8  # multiple of the reference quantity beyond which isoelastic demand is continued by its tangent


def _lowest_price(core: _Core, at: Ints) -> Floats:
    """Price at which isoelastic demand reaches the largest multiple of its reference quantity."""
    return core.curves.a[at] * np.maximum(_LARGEST ** (1.0 / core.curves.c[at]), 1e-30)


def _iso_level(core: _Core, price: Floats, at: Ints) -> tuple[Floats, Floats]:
    """Return (level, slope d price / d level) of isoelastic demand at `price` (any sign)."""
    a, b, c = core.curves.a[at], core.curves.b[at], core.curves.c[at]
    inside = np.maximum(price, _lowest_price(core, at))
    level = b * (inside / a) ** c
    change = c * level / inside
    return level + change * (price - inside), -1.0 / change


def _willingness(core: _Core, x: Floats, rest: Floats, at: Ints) -> Floats:
    """What isoelastic demand must pay at these prices; `rest` is what adds to its marginal cost."""
    price = core.curves.shift[at] + rest[at]
    return price if core.K is None else price + (core.K @ x)[at]


def _linearise(core: _Core, x: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """Return (h, r): slope of each activity and its cost residual; isoelastic demand is taken as quantity of price.

    `rest` is the part of the residual that adds to MC(x). Quantity as a function of price stays tame where the
    inverse demand of an inelastic use would explode.
    """
    h = core.slope(x)
    r = core.marginal(x) + rest
    if core.iso.size:
        at = core.iso
        level, slope = _iso_level(core, _willingness(core, x, rest, at), at)
        h[at] = slope
        r[at] = slope * (x[at] - level)
    if core.bent.size:  # near the curve by its quantity, far from it by its price
        price = _willingness(core, x, rest, core.bent)
        offered = (core.curves.shift - core.marginal(x))[core.bent]
        near = (price > _NEAR[0] * offered) & (price < _NEAR[1] * offered)
        at = core.bent[near]
        level, slope = _iso_level(core, price[near], at)
        h[at] = slope
        r[at] = slope * (x[at] + core.knees[at] - level)
    return np.clip(h, 0.0, 1e18), r


def _largest_step(value: Floats, change: Floats) -> float:
    """Largest step in (0, 1] that keeps value + step * change >= 0."""
    if not len(value):
        return 1.0
    # the largest share of the value that a full step takes away
    share = float((change / value).min())
    if np.isnan(share):  # a value has run down to nothing
        return 0.0
    return 1.0 if share >= -1.0 else -1.0 / share


_Sets = tuple[Any, Ints, Ints]  # positions with a lower bound, with a capacity, and of inequality rows
_Move = tuple[Floats, Floats, Floats, Floats, Floats, Floats]


def _direction(
    point: _Point,
    sets: _Sets,
    system: _Linear,
    residuals: tuple[Floats, Floats, Floats],
    products: tuple[Floats, Floats, Floats],
) -> _Move:
    """Newton direction (dx, dy, ds, dv, dz, dw) that changes the three complementary products by `products`."""
    low, bounded, kept = sets
    (rd, rp, ru), (cx, cv, cs) = residuals, products
    x, y, s, v, z, w = point.x, point.y, point.s, point.v, point.z, point.w
    col_side = -rd
    col_side[low] += cx / x[low]
    col_side[bounded] -= (cv - w[bounded] * ru) / v[bounded]
    row_side = -rp
    row_side[kept] += cs / y[kept]
    dy, dx = system.step(row_side, col_side)
    dz, dv, dw, ds = (np.zeros_like(a) for a in (z, v, w, s))
    dz[low] = (cx - z[low] * dx[low]) / x[low]
    dv[bounded] = ru - dx[bounded]
    dw[bounded] = (cv - w[bounded] * dv[bounded]) / v[bounded]
    ds[kept] = (cs - s[kept] * dy[kept]) / y[kept]
    return dx, dy, ds, dv, dz, dw


def _longest(point: _Point, sets: _Sets, move: _Move) -> float:
    """Largest step in (0, 1] that keeps every complementary factor non-negative."""
    low, bounded, kept = sets
    dx, dy, ds, dv, dz, dw = move
    return min(
        _largest_step(point.x[low], dx[low]),
        _largest_step(point.z[low], dz[low]),
        _largest_step(point.v[bounded], dv[bounded]),
        _largest_step(point.w[bounded], dw[bounded]),
        _largest_step(point.y[kept], dy[kept]),
        _largest_step(point.s[kept], ds[kept]),
    )


def _products(
    base: tuple[Floats, Floats, Floats], centre: float, second: float, bent: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Wanted changes of the complementary products: to `centre`, less `second` times their curvature."""
    moved = [b + centre - second * c for b, c in zip(base, bent, strict=True)]
    return moved[0], moved[1], moved[2]


def _centrality(point: _Point, sets: _Sets, move: _Move, step: float, centre: float) -> tuple[Floats, Floats, Floats]:
    """What to add to the products so that a longer step keeps them near the centre (Gondzio 1996)."""
    low, bounded, kept = sets
    dx, dy, ds, dv, dz, dw = move
    reached = (
        (point.x[low] + step * dx[low]) * (point.z[low] + step * dz[low]),
        (point.v[bounded] + step * dv[bounded]) * (point.w[bounded] + step * dw[bounded]),
        (point.y[kept] + step * dy[kept]) * (point.s[kept] + step * ds[kept]),
    )
    missing = [np.maximum(np.clip(r, 0.1 * centre, 10 * centre) - r, -10 * centre) for r in reached]
    return missing[0], missing[1], missing[2]


def _sets(core: _Core) -> _Sets:
    """Levels with a lower bound (isoelastic demand without choke has none), levels with a capacity, inequality rows."""
    lower = np.ones(len(core.u), dtype=bool)
    lower[core.iso] = False
    low: Any = np.flatnonzero(lower) if core.iso.size else slice(None)
    return low, np.flatnonzero(np.isfinite(core.u)), np.flatnonzero(~core.free)


def _newton_system(core: _Core, point: _Point, sets: _Sets, h: Floats) -> _Linear:
    """The factorised Newton matrix at an interior point whose levels have the slopes `h`."""
    low, bounded, kept = sets
    ratio = np.zeros_like(point.x)
    ratio[low] = point.z[low] / point.x[low]
    ratio[bounded] += point.w[bounded] / point.v[bounded]
    diagonal = np.full(len(point.y), 1e-11)
    diagonal[kept] += point.s[kept] / point.y[kept]
    return _factorise(core, h + ratio + 1e-11, diagonal, core.coupled)


def _interior_point(
    core: _Core, point: _Point, options: SolveOptions, clock: _Clock, target: float, *, careful: bool = False
) -> tuple[_Point, int, bool]:
    """Predictor-corrector from `point` until complementarity and residuals fall below `target` (scaled).

    `careful` leaves out the second-order correction and stays further from the boundary.
    """
    sets = _sets(core)
    low, bounded, kept = sets
    count = max(len(core.u) - len(core.iso) + len(bounded) + len(kept), 1)
    best, stalled = np.inf, 0
    x, y, s, v, z, w = point.x, point.y, point.s, point.v, point.z, point.w
    for iteration in range(options.max_iterations):
        rest = w - z - core.Ft @ y
        h, rd = _linearise(core, x, rest)
        rp = core.E @ x - core.f - s
        ru = core.u[bounded] - x[bounded] - v[bounded]
        gap = float(x[low] @ z[low] + v[bounded] @ w[bounded] + y[kept] @ s[kept])
        mu = gap / count
        true_rd = core.marginal(x) + rest
        error = max(
            float((np.abs(rp) / (1.0 + core.abs_E @ x)).max(initial=0.0)),
            float((np.abs(true_rd) / (1.0 + core.abs_F.T @ np.abs(y))).max(initial=0.0)),
            float(np.abs(ru).max(initial=0.0)),
        )
        met = mu < target and error < max(target, 1e-11)
        error = max(error, mu)
        if met:
            return _Point(x, y, s, v, z, w), iteration, True
        if not np.isfinite(error) or clock.step():
            break
        if error < 0.9 * best:
            best, stalled = error, 0
        else:
            stalled += 1
            if stalled > 25:
                break
        here = _Point(x, y, s, v, z, w)
        system = _newton_system(core, here, sets, h)
        base = (-x[low] * z[low], -v[bounded] * w[bounded], -y[kept] * s[kept])
        affine = _direction(here, sets, system, (rd, rp, ru), base)
        dx, dy, ds, dv, dz, dw = affine
        alpha = _longest(here, sets, affine)
        after = (
            (x[low] + alpha * dx[low]) @ (z[low] + alpha * dz[low])
            + (v[bounded] + alpha * dv[bounded]) @ (w[bounded] + alpha * dw[bounded])
            + (y[kept] + alpha * dy[kept]) @ (s[kept] + alpha * ds[kept])
        ) / count
        centre = mu * float(np.clip(after / mu, 0.0, 1.0)) ** 3 if gap > 0 else 0.0
        second = 0.0 if careful else min(1.0, alpha * 2)
        if careful:
            centre = max(centre, 0.1 * mu)
        bent = (dx[low] * dz[low], dv[bounded] * dw[bounded], dy[kept] * ds[kept])
        corrected = _products(base, centre, second, bent)
        move = _direction(here, sets, system, (rd, rp, ru), corrected)
        reach = _longest(here, sets, move)
        if reach < 0.5 * alpha and reach < 0.3:  # the correction leads astray: towards the centre without it
            corrected = _products(base, max(centre, 0.3 * mu), 0.0, bent)
            other = _direction(here, sets, system, (rd, rp, ru), corrected)
            longer = _longest(here, sets, other)
            if longer > reach:
                move, reach = other, longer
        if not careful and reach < 0.95:
            for _ in range(2):
                further = _centrality(here, sets, move, min(1.0, 1.3 * reach + 0.1), max(centre, 1e-3 * mu))
                again = tuple(a + b for a, b in zip(corrected, further, strict=True))
                other = _direction(here, sets, system, (rd, rp, ru), (again[0], again[1], again[2]))
                longer = _longest(here, sets, other)
                if longer < 1.1 * reach:
                    break
                corrected, move, reach = (again[0], again[1], again[2]), other, longer
        dx, dy, ds, dv, dz, dw = move
        step = max(0.7 if careful else 0.9, 1.0 - 10 * mu) * reach if reach < 1.0 else 1.0
        at = core.iso
        if at.size:
            paid = _willingness(core, x, rest, at)
            change = step * (dw - core.Ft @ dy)[at]
            high = paid > _lowest_price(core, at)
            step *= _largest_step(0.95 * paid[high], change[high])
            step *= _largest_step(20 * np.maximum(paid, 0.1 * core.curves.a[at]), -change)
        at = core.curved
        if at.size:
            room = np.where(np.isfinite(core.barrier[at]), core.barrier[at] - x[at], np.inf)
            finite = np.isfinite(room)
            step *= _largest_step(0.8 * room[finite], -step * dx[at][finite])
        x, y, s = x + step * dx, y + step * dy, s + step * ds
        v, z, w = v + step * dv, z + step * dz, w + step * dw
        if core.iso.size and core.iso_alone:
            x[core.iso] = _iso_level(core, _willingness(core, x, w - core.Ft @ y, core.iso), core.iso)[0]
    return _Point(x, y, s, v, z, w), iteration + 1, False


def _cold_start(core: _Core, bulk: float = 1.0) -> _Point:
    """A central point of the scaled problem, all magnitudes near `bulk`."""
    x = np.minimum(bulk, 0.5 * core.u)
    x = np.where(np.isfinite(core.barrier), np.minimum(x, 0.5 * core.barrier), x)
    x = np.maximum(x, 1e-8)
    x[core.iso] = core.curves.b[core.iso]
    y = np.full(len(core.f), bulk)
    paid = core.F[:, core.iso].tocoo()
    # what unchoked demand is asked, charges included, starts at its reference price: below it would take any amount
    asked = (core.curves.a - core.curves.shift)[core.iso][paid.col] / np.abs(paid.data)
    y[paid.row] = 1e-2 * bulk
    np.maximum.at(y, paid.row, asked)
    y[core.free & (np.bincount(paid.row, minlength=len(y)) == 0)] = 0.0
    s = np.where(core.free, 0.0, np.maximum(core.E @ x - core.f, bulk))
    bounded = np.isfinite(core.u)
    v = np.where(bounded, np.maximum(core.u - x, 1e-6), np.inf)
    cost = core.marginal(x) - core.Ft @ y
    z = np.clip(cost, bulk, 1e4 * bulk)
    z[core.iso] = 0.0
    w = np.where(bounded, np.clip(-cost, bulk, 1e4 * bulk), 0.0)
    return _Point(x, y, s, v, z, w)


def _warm_start(core: _Core, x: Floats, y: Floats, mu: float) -> _Point:
    """An interior point near (x, y) whose complementary products are about `mu`."""
    root = np.sqrt(mu)
    bounded = np.isfinite(core.u)
    gap = np.minimum(root, 0.5 * core.u)
    inside = np.clip(x, gap, np.where(bounded, core.u - gap, np.inf))
    inside = np.where(np.isfinite(core.barrier), np.minimum(inside, core.barrier - 1e-3 * np.abs(core.barrier)), inside)
    inside[core.iso] = np.maximum(x[core.iso], 1e-12)
    price = np.where(core.free, y, np.maximum(y, root))
    excess = core.E @ inside - core.f
    s = np.where(core.free, 0.0, np.maximum(excess, mu / price))
    price = np.where(core.free, price, np.maximum(price, 0.0))
    cost = core.marginal(inside) - core.Ft @ price
    z = np.maximum(cost, mu / inside)
    z[core.iso] = 0.0
    v = np.where(bounded, np.maximum(core.u - inside, 1e-12), np.inf)
    w = np.where(bounded, np.maximum(-cost, mu / v), 0.0)
    return _Point(inside, price, s, v, z, w)


def _active_set(
    core: _Core, x: Floats, y: Floats, steps: int, tolerance: float, clock: _Clock, patience: int = 4
) -> tuple[Floats, Floats, _Residual, int]:
    """Newton on the active set read from the natural residual; returns the best point met.

    It gives up when more than `patience` steps since the last halving of the best residual brought nothing.
    """
    x, y = np.clip(x, 0.0, core.u), np.where(core.free, y, np.maximum(y, 0.0))
    x[core.iso] = np.maximum(x[core.iso], 1e-12)
    state = _residual(core, x, y)
    best = (x, y, state)
    worse = 0
    iso = np.zeros(len(x), dtype=bool)
    iso[core.iso] = True
    for count in range(steps):
        if state.size <= 1e-14 or (best[2].size <= tolerance and worse) or clock.step():
            return *best, count
        on = core.free | (y > state.excess)
        at_low = ~iso & (x <= state.cost)
        at_high = ~at_low & (core.u - x <= -state.cost)
        inner = ~at_low & ~at_high
        aim = np.where(at_low, 0.0, np.where(at_high, core.u, x))
        jump = aim - x
        y_jump = np.where(on, 0.0, -y)
        slope, cost = _linearise(core, x, -(core.Ft @ y))
        flat = inner & (slope < 1e-7)
        if core.K is not None:
            flat = flat | inner & np.isin(np.arange(len(x)), core.coupled)
        explicit = np.flatnonzero(flat)
        h = np.where(inner, slope + 1e-12, np.inf)
        # levels off the inner set jump to their bounds; prices off the on set jump to zero
        col_side = -cost + core.Ft @ y_jump
        if core.K is not None:
            col_side = col_side - core.K @ jump
        col_side = np.where(inner, col_side, 0.0)
        row_side = -(state.excess + core.E @ jump)
        # a price with no inner level beside it is not determined here and stays put
        alone = on & (np.bincount(core.E.indices[inner[core.owner]], minlength=len(y)) == 0)
        on = on & ~alone
        off = np.flatnonzero(~on)
        # a row that is off keeps the identity: its price step is y_jump, already carried to the right-hand side
        diagonal = np.where(on, 1e-8, 1.0)
        system = _factorise(core, h, diagonal, explicit, off)
        right_rows = np.where(on, row_side, 0.0)
        right = right_rows - np.where(on, core.E @ (system.D * col_side), 0.0)
        both = system.solve(np.concatenate([right, col_side[explicit]]))
        dy = both[: len(y)]
        dy[off] = 0.0
        dx = system.D * (col_side + core.Ft @ dy)
        dx[explicit] = both[len(y) :]
        dx, dy = dx + jump, dy + y_jump
        if not (np.isfinite(dx).all() and np.isfinite(dy).all()):
            return *best, count + 1
        step = 1.0
        if core.iso.size:
            paid = _willingness(core, x, -(core.Ft @ y), core.iso)
            change = -(core.Ft @ dy)[core.iso]
            high = paid > _lowest_price(core, core.iso)
            step = _largest_step(0.95 * paid[high], change[high])
        walls = np.isfinite(core.barrier)
        if walls.any():
            step *= _largest_step(0.9 * (core.barrier - x)[walls], -step * dx[walls])
        x, y = np.where(inner, x + step * dx, aim), y + step * dy
        if core.iso.size and core.iso_alone:
            level = _iso_level(core, _willingness(core, x, -(core.Ft @ y), core.iso), core.iso)[0]
            x[core.iso] = np.where(at_high[core.iso] & (level >= core.u[core.iso]), core.u[core.iso], level)
        # outside their bounds x and y still tell the next active set; the point itself is their projection
        state = _residual(core, x, y)
        inside_x, inside_y = np.clip(x, 0.0, core.u), np.where(core.free, y, np.maximum(y, 0.0))
        inside = _residual(core, inside_x, inside_y)
        if inside.size < best[2].size:
            worse = 0 if inside.size < 0.5 * best[2].size else worse + 1
            best = (inside_x, inside_y, inside)
        else:
            worse += 1
            if worse > patience:
                return *best, count + 1
    return *best, steps


def _first_point(core: _Core, arrays: EconomyArrays, start: Solution) -> tuple[Floats, Floats]:
    """Bring a solution in user units to the core."""
    n = arrays.shape[1]
    whole = start.levels[core.plan.columns]
    if len(core.plan.columns) > n:
        flat = core.plan.columns[n:]
        bent = np.arange(n, len(whole))
        knee = core.knees[bent] * core.col[bent]
        whole = whole.copy()
        whole[bent] = np.maximum(whole[flat] - knee, 0.0)
        whole[flat] = np.minimum(whole[flat], knee)
    y = np.concatenate([start.prices, start.group_rents]) * core.row / core.money
    return whole / core.col, y


@with_one_blas_thread
def solve_economy(
    arrays: EconomyArrays,
    start: Solution | None = None,
    options: SolveOptions = SolveOptions(),
    plan: SymbolicPlan | None = None,
) -> Solution:
    """Return an equilibrium of the economy, or a solution whose status says why there is none.

    Args:
        arrays: the economy, in t, USD and USD/t.
        start: a solution of a neighbouring economy of the same shape; a good one saves most of the work.
        options: tolerance and limits.
        plan: symbolic analysis from `plan_economy`; one that does not fit is replaced.

    Returns:
        Prices, levels and rents with status, scaled natural residual and the worst rows by name.

    Example:
        >>> solution = solve_economy(arrays)  # doctest: +SKIP
        >>> solution.status, solution.prices  # doctest: +SKIP
    """
    with np.errstate(all="ignore"):  # numbers out of range become infinite residuals, which are judged as such
        return _solve(arrays, start, options, plan)


def _solve(arrays: EconomyArrays, start: Solution | None, options: SolveOptions, plan: SymbolicPlan | None) -> Solution:
    began = time.perf_counter()
    clock = _Clock(began + options.time_limit, began)
    seconds: dict[str, float] = {}
    cycle = find_subsidised_cycle(arrays) if options.explain else None
    if cycle is not None:
        return _refused(arrays, Status.STALLED, cycle.text, began)
    if is_linear_program(arrays):
        vertex = _solve_linear(arrays, options, began)
        if vertex is not None:
            return vertex
        seconds["linear"] = time.perf_counter() - began
    if plan is None or not plan.fits(arrays):
        plan = plan_economy(arrays)
        seconds["plan"] = time.perf_counter() - began
    mark = time.perf_counter()
    core = _build(arrays, plan)
    seconds["build"] = time.perf_counter() - mark
    clock.last = time.perf_counter()
    iterations = 0
    done = False
    x = y = np.zeros(0)
    state: _Residual | None = None
    impossible = ""
    if start is not None and len(start.levels) == arrays.shape[1] and len(start.prices) == arrays.shape[0]:
        mark = time.perf_counter()
        x, y, state, used = _active_set(
            core, *_first_point(core, arrays, start), options.warm_iterations, options.tolerance, clock, patience=1
        )
        iterations += used
        seconds["warm"] = time.perf_counter() - mark
        done = state.size <= options.tolerance
    small = np.zeros(0, dtype=np.int64) if done else _negligible(arrays)
    if small.size:  # demand of next to nothing would shorten every step: first without it, then beside it
        mark = time.perf_counter()
        rest = _solve_without(arrays, small, replace(options, explain=False, time_limit=clock.deadline - mark))
        iterations += rest.iterations
        if rest.ok:
            x, y, state, used = _active_set(
                core, *_first_point(core, arrays, rest), options.warm_iterations, options.tolerance, clock
            )
            iterations += used
            done = state.size <= options.tolerance
        seconds["without"] = time.perf_counter() - mark
    if not done:
        mark = time.perf_counter()
        bulk = 1.0 if len(core.iso) + len(core.bent) else 10.0
        points: list[Callable[[], _Point]] = [partial(_cold_start, core, bulk)]
        if state is not None:  # the neighbour's point once more, from further inside
            points.append(partial(_warm_start, core, x, y, 1e-3))
        points += [partial(_cold_start, core, 30.0), partial(_cold_start, core, 0.03)]
        for attempt, make in enumerate(points):
            point, careful = make(), attempt > 0
            target = 1e-8
            for _ in range(4):
                point, used, converged = _interior_point(core, point, options, clock, target, careful=careful)
                iterations += used
                x2, y2, state2, used = _active_set(core, point.x, point.y, options.polish, options.tolerance, clock)
                iterations += used
                if state is None or state2.size < state.size:
                    x, y, state = x2, y2, state2
                if state.size <= options.tolerance or not converged:
                    break
                target *= 1e-5
            if (state is not None and state.size <= options.tolerance) or clock.over:
                break
            if options.explain and not attempt:  # before the careful attempts: is there anything to be found?
                impossible = find_impossibility(arrays, clock.deadline - time.perf_counter())
                clock.last = time.perf_counter()
                if impossible:
                    break
        seconds["solve"] = time.perf_counter() - mark
    if state is None:  # pragma: no cover - the loop above always sets it
        raise RuntimeError("solve_economy ended without a point")
    seconds["total"] = time.perf_counter() - began
    return _solution(core, arrays, x, y, state, iterations, seconds, options, clock, impossible)


def _negligible(arrays: EconomyArrays) -> Ints:
    """Isoelastic demand whose reference quantity is under a millionth of the median one."""
    at = np.flatnonzero(arrays.curves.kind == CurveKind.ISOELASTIC)
    if arrays.K is not None or not at.size:
        return at[:0]
    quantity = arrays.curves.b[at]
    return at[quantity < 1e-6 * np.median(quantity)]


def _solve_without(arrays: EconomyArrays, small: Ints, options: SolveOptions) -> Solution:
    """Solve without some demands and put them back at what they would take at the prices found."""
    kept = np.setdiff1d(np.arange(arrays.shape[1]), small)
    part = replace(
        arrays, A=arrays.A[:, kept], B=arrays.B[:, kept], G=sp.csr_array(arrays.G[:, kept]),
        curves=arrays.curves.take(kept), upper=arrays.upper[kept],
        activity_names=tuple(arrays.activity_names[int(j)] for j in kept) if arrays.activity_names else (),
    )  # fmt: skip
    found = _solve(part, None, options, None)
    levels, rents = np.zeros(arrays.shape[1]), np.zeros(arrays.shape[1])
    levels[kept], rents[kept] = found.levels, found.capacity_rents
    curves = arrays.curves.take(small)
    asked = curves.shift - arrays.B[:, small].T @ found.prices + arrays.G[:, small].T @ found.group_rents
    taken = np.where(asked < curves.d, curves.b * (np.maximum(asked, 1e-9 * curves.a) / curves.a) ** curves.c, 0.0)
    levels[small] = np.minimum(taken, arrays.upper[small])
    return replace(found, levels=levels, capacity_rents=rents)


def _solve_linear(arrays: EconomyArrays, options: SolveOptions, began: float) -> Solution | None:
    """A vertex from HiGHS where it meets the tolerance; None leaves the work to the interior point."""
    m, _, _ = arrays.shape
    found = solve_linear_program(arrays, options.time_limit)
    if found is None:
        return None
    x = np.clip(found[0], 0.0, arrays.upper)
    y = np.where(
        np.concatenate([arrays.equality, np.zeros(len(arrays.h), dtype=bool)]), found[1], np.maximum(found[1], 0)
    )
    rows, cols = natural_residual(arrays, x, y[:m], y[m:])
    size = float(max(rows.max(initial=0.0), cols.max(initial=0.0)))
    if size > options.tolerance:
        return None
    cost = arrays.curves.shift + arrays.curves.a - arrays.B.T @ y[:m] + arrays.G.T @ y[m:]
    full = np.isfinite(arrays.upper) & (x >= arrays.upper * (1 - 1e-12))
    spent = time.perf_counter() - began
    return Solution(
        prices=y[:m],
        levels=x,
        capacity_rents=np.where(full, np.maximum(-cost, 0.0), 0.0),
        group_rents=y[m:],
        status=Status.SOLVED,
        residual=size,
        worst=_name_worst(arrays, rows, cols, np.arange(len(x))),
        iterations=1,
        seconds={"linear": spent, "total": spent},
    )


def _name_worst(arrays: EconomyArrays, rows: Floats, cols: Floats, owner: Ints) -> tuple[tuple[str, float], ...]:
    """The five worst rows and activities by name, worst first."""
    m = arrays.shape[0]
    names = [
        (arrays.market_name(int(i)) if i < m else arrays.group_name(int(i) - m), float(rows[i]))
        for i in np.argsort(-rows)[:5]
    ]
    names += [(arrays.activity_name(int(owner[j])), float(cols[j])) for j in np.argsort(-cols)[:5]]
    return tuple(sorted(names, key=lambda item: -item[1])[:5])


def _solution(
    core: _Core,
    arrays: EconomyArrays,
    x: Floats,
    y: Floats,
    state: _Residual,
    iterations: int,
    seconds: Mapping[str, float],
    options: SolveOptions,
    clock: _Clock,
    impossible: str,
) -> Solution:
    """Undo the scaling, merge split demand, name the worst rows, and say why there is no equilibrium."""
    m, n, _ = arrays.shape
    whole = x * core.col
    levels: Floats = np.bincount(core.plan.columns, weights=whole, minlength=n).astype(np.float64)
    prices = y * core.money / core.row
    rents = np.maximum(-state.cost, 0.0) * core.money / core.col
    rents = np.where(np.isfinite(arrays.upper) & (levels >= arrays.upper * (1 - 1e-12)), rents[:n], 0.0)
    names = _name_worst(arrays, state.rows, state.cols, core.plan.columns)
    cause = ""
    symmetric = core.K is None and np.array_equal(core.E.data, core.F.data)
    if state.size <= options.tolerance:
        status = Status.SOLVED if symmetric else Status.LOCALLY_SOLVED
    elif clock.over:
        status, cause = Status.TIME_LIMIT, f"no equilibrium within {options.time_limit:g} s"
    elif iterations >= options.max_iterations:
        status, cause = Status.ITERATION_LIMIT, f"no equilibrium within {options.max_iterations} iterations"
    else:
        status, cause = Status.STALLED, f"no further progress; the worst residual is at {names[0][0]}"
    if impossible:
        status, cause = Status.INFEASIBLE, impossible
    found = Solution(prices[:m], levels, rents, prices[m:], status, state.size, names, iterations, seconds, cause)
    if options.explain and status in (Status.STALLED, Status.ITERATION_LIMIT):
        return replace(found, cause=diagnose(arrays, found))
    return found


def _refused(arrays: EconomyArrays, status: Status, cause: str, began: float) -> Solution:
    """An answer without a point: what makes an equilibrium impossible was seen before solving."""
    m, n, g = arrays.shape
    spent = {"total": time.perf_counter() - began}
    return Solution(np.zeros(m), np.zeros(n), np.zeros(n), np.zeros(g), status, np.inf, (), 0, spent, cause)
