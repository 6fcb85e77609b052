"""The arrays of an economy: what the equilibrium solver reads and what it returns.

Index letters: market i (place and commodity and period), activity j, group g. Quantities are tonnes, prices USD/t,
levels of an activity are in the activity's own unit (mostly tonnes of its output).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.core.errors import OreflowError

Floats = npt.NDArray[np.float64]
Sparse = Any  # a scipy sparse array or matrix; scipy-stubs distinguishes more classes than the solver needs


class EconomyError(OreflowError):
    """The arrays of an economy contradict each other: a shape, a sign or a value outside its domain."""


class CurveKind(IntEnum):
    """Shape of a marginal-cost curve; the letters a, b, c, d are the columns of `CurveTable`."""

    CONSTANT = 0
    """a"""
    LINEAR = 1
    """a + b x"""
    POWER = 2
    """a + b x^c"""
    HYPERBOLIC = 3
    """a + b / (c - x)"""
    ISOELASTIC = 4
    """-min(a (x/b)^(1/c), d): inverse demand with elasticity c < 0 and choke price d"""


@dataclass(frozen=True, slots=True)
class CurveTable:
    """Marginal cost of activity j at level x_j: `shift_j + curve_j(x_j)`, in USD per unit of the activity.

    Args:
        kind: CurveKind of each activity, [n].
        shift: added to every curve, USD per unit, [n].
        a, b, c, d: parameters by kind (see `CurveKind`), [n]; unused ones are ignored. `d = inf` means no choke price.

    Example:
        >>> CurveTable.of(CurveKind.LINEAR, a=[1.0], b=[2.0]).marginal(np.array([3.0]))
        array([7.])
    """

    kind: npt.NDArray[np.int8]
    shift: Floats
    a: Floats
    b: Floats
    c: Floats
    d: Floats

    def __post_init__(self) -> None:
        n = len(self.kind)
        object.__setattr__(self, "kind", np.asarray(self.kind, dtype=np.int8))
        for name in ("shift", "a", "b", "c", "d"):
            column = np.asarray(getattr(self, name), dtype=np.float64)
            if column.shape != (n,):
                raise EconomyError(f"CurveTable.{name} has shape {column.shape}; expected ({n},) as `kind` has")
            object.__setattr__(self, name, column)
        iso = self.kind == CurveKind.ISOELASTIC
        bad = iso & ~((self.a > 0) & (self.b > 0) & (self.c < 0) & (self.d > 0))
        if bad.any():
            j = int(np.flatnonzero(bad)[0])
            raise EconomyError(
                f"isoelastic curve {j}: found a={self.a[j]:g}, b={self.b[j]:g}, c={self.c[j]:g}, d={self.d[j]:g}; "
                "expected reference price a > 0, reference quantity b > 0, elasticity c < 0, choke price d > 0"
            )

    @classmethod
    def of(cls, kind: Any, shift: Any = 0.0, a: Any = 0.0, b: Any = 0.0, c: Any = 1.0, d: Any = np.inf) -> CurveTable:
        """Return a table from columns that may be scalars (spread over the longest column)."""
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=float)) for v in (kind, shift, a, b, c, d)))
        return cls(columns[0].astype(np.int8), *(column.copy() for column in columns[1:]))

    def _groups(self) -> list[tuple[int, Any]]:
        """The kinds that occur, each with its positions (a slice where it is the only one)."""
        counts = np.bincount(self.kind, minlength=5)
        alone = np.flatnonzero(counts == len(self.kind))
        if alone.size:
            return [(int(alone[0]), slice(None))]
        return [(int(kind), np.flatnonzero(self.kind == kind)) for kind in np.flatnonzero(counts)]

    def marginal(self, x: Floats) -> Floats:
        """Return marginal cost at x [n], USD per unit; an isoelastic curve without choke is -inf at x = 0."""
        out = self.shift + self.a
        for kind, at in self._groups():
            a, b, c, d, y = self.a[at], self.b[at], self.c[at], self.d[at], x[at]
            if kind == CurveKind.LINEAR:
                out[at] += b * y
            elif kind == CurveKind.POWER:
                out[at] += b * np.maximum(y, 0.0) ** c
            elif kind == CurveKind.HYPERBOLIC:
                with np.errstate(divide="ignore"):
                    out[at] += b / (c - y)
            elif kind == CurveKind.ISOELASTIC:
                with np.errstate(divide="ignore", over="ignore"):
                    out[at] = self.shift[at] - np.minimum(a * (np.maximum(y, 0.0) / b) ** (1 / c), d)
        return out

    def slope(self, x: Floats) -> Floats:
        """Return the derivative of marginal cost at x [n], USD per unit squared; 0 where a choke price caps demand."""
        out = np.zeros(len(self.kind))
        for kind, at in self._groups():
            a, b, c, d, y = self.a[at], self.b[at], self.c[at], self.d[at], x[at]
            if kind == CurveKind.LINEAR:
                out[at] = b
            elif kind == CurveKind.POWER:
                with np.errstate(divide="ignore"):
                    out[at] = np.where(b == 0, 0.0, b * c * np.maximum(y, 0.0) ** (c - 1))
            elif kind == CurveKind.HYPERBOLIC:
                with np.errstate(divide="ignore"):
                    out[at] = b / (c - y) ** 2
            elif kind == CurveKind.ISOELASTIC:
                with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                    price = a * (np.maximum(y, 0.0) / b) ** (1 / c)
                    out[at] = np.where(price >= d, 0.0, -price / (c * y))
                out[at] = np.where((y <= 0) & np.isinf(d), np.inf, out[at])
        return out

    def integral(self, x: Floats) -> Floats:
        """Return the integral of marginal cost from 0 to x [n], USD.

        For isoelastic demand with elasticity in [-1, 0) and no choke price the integral from 0 diverges; it is
        then taken from the reference quantity b, which leaves every *difference* of two integrals right.
        """
        out = (self.shift + self.a) * x
        for kind, at in self._groups():
            a, b, c, d, y = self.a[at], self.b[at], self.c[at], self.d[at], np.maximum(x[at], 0.0)
            if kind == CurveKind.LINEAR:
                out[at] += b * y**2 / 2
            elif kind == CurveKind.POWER:
                out[at] += b * y ** (c + 1) / (c + 1)
            elif kind == CurveKind.HYPERBOLIC:
                with np.errstate(divide="ignore"):
                    out[at] += -b * np.log1p(-y / c)
            elif kind == CurveKind.ISOELASTIC:
                capped = np.isfinite(d)
                with np.errstate(divide="ignore", invalid="ignore"):
                    start = np.where(capped, b * (np.where(capped, d, a) / a) ** c, np.where(c < -1, 0.0, b))
                below = np.where(capped, np.minimum(y, start), 0.0)
                value = np.where(capped, below * np.where(capped, d, 0.0), 0.0)
                value += np.where(capped & (y <= start), 0.0, _isoelastic_area(a, b, c, start, y))
                out[at] = self.shift[at] * y - value
        return out

    def take(self, index: npt.NDArray[Any]) -> CurveTable:
        """Return the rows of the table at `index` (positions or mask)."""
        return CurveTable(*(getattr(self, f.name)[index] for f in fields(self)))


def _isoelastic_area(a: Floats, b: Floats, c: Floats, start: Floats, stop: Floats) -> Floats:
    """Area under a (x/b)^(1/c) between start and stop."""
    power = 1.0 + 1.0 / c
    unit = np.abs(power) < 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        general = a * b / np.where(unit, 1.0, power) * ((stop / b) ** power - (start / b) ** power)
        logarithm = a * b * (np.log(stop / b) - np.log(start / b))
    return np.where(unit, logarithm, general)


@dataclass(frozen=True, slots=True)
class EconomyArrays:
    """One equilibrium problem in arrays (markets i, activities j, groups g).

    Find prices p, levels x, capacity rents w and group rents l with::

        A x - fixed               >= 0   perp  p >= 0     (equality where `equality`, then p is free in sign)
        MC(x) + K x + w + G'l - B'p >= 0   perp  x >= 0
        upper - x                 >= 0   perp  w >= 0
        h - G x                   >= 0   perp  l >= 0

    Args:
        A: physical net output of activity j into market i per unit of level, t, [m, n] CSC.
        B: price coefficients: A with ad-valorem wedges, [m, n] CSC.
        curves: marginal cost of each activity, USD per unit.
        upper: capacity of each activity, `inf` for none, [n].
        fixed: demand that does not respond to price (negative: fixed supply), t, [m].
        equality: True where the balance is an equality and the price may be negative, [m].
        G: group coefficients (any sign), [g, n] CSR.
        h: group limits, [g].
        K: affine couplings added to marginal cost, USD per unit squared, [n, n] CSC, or None.
        market_names, activity_names, group_names: names for messages and results; empty means numbered ones.

    Raises:
        EconomyError: if shapes disagree or a number is outside its domain.

    Source of the form: Takayama and Judge (1971), Mathiesen (1985), Rutherford (1995).
    """

    A: Sparse
    B: Sparse
    curves: CurveTable
    upper: Floats
    fixed: Floats
    equality: npt.NDArray[np.bool_]
    G: Sparse
    h: Floats
    K: Sparse | None = None
    market_names: tuple[str, ...] = ()
    activity_names: tuple[str, ...] = ()
    group_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        m, n = self.A.shape
        g = self.G.shape[0]
        for name in ("A", "B"):
            matrix: Sparse = getattr(self, name)
            if getattr(matrix, "format", "") != "csc":
                object.__setattr__(self, name, sp.csc_array(matrix))
        if self.G.format != "csr":
            object.__setattr__(self, "G", sp.csr_array(self.G))
        if self.K is not None and self.K.format != "csc":
            object.__setattr__(self, "K", sp.csc_array(self.K))
        for name, dtype in (("upper", np.float64), ("fixed", np.float64), ("equality", np.bool_), ("h", np.float64)):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=dtype))
        expected: Mapping[str, tuple[Any, tuple[int, ...]]] = {
            "B": (self.B.shape, (m, n)),
            "curves": ((len(self.curves.kind),), (n,)),
            "upper": (self.upper.shape, (n,)),
            "fixed": (self.fixed.shape, (m,)),
            "equality": (self.equality.shape, (m,)),
            "G": (self.G.shape, (g, n)),
            "h": (self.h.shape, (g,)),
            "K": ((n, n) if self.K is None else self.K.shape, (n, n)),
            "market_names": ((len(self.market_names),), (m,) if self.market_names else (0,)),
            "activity_names": ((len(self.activity_names),), (n,) if self.activity_names else (0,)),
            "group_names": ((len(self.group_names),), (g,) if self.group_names else (0,)),
        }
        for name, (found, wanted) in expected.items():
            if tuple(found) != wanted:
                raise EconomyError(f"EconomyArrays.{name} has shape {tuple(found)}; expected {wanted}")
        if self.curves.kind.size and not np.isfinite(self.A.data).all():
            raise EconomyError("EconomyArrays.A holds a number that is not finite; check units and conversions")
        if (self.upper < 0).any() or np.isnan(self.upper).any():
            j = int(np.flatnonzero((self.upper < 0) | np.isnan(self.upper))[0])
            raise EconomyError(
                f"capacity of activity {self.activity_name(j)} is {self.upper[j]:g}; expected 0 or more (inf: none)"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of markets, activities and groups."""
        return self.A.shape[0], self.A.shape[1], self.G.shape[0]

    def market_name(self, i: int) -> str:
        """Return the name of market i."""
        return self.market_names[i] if self.market_names else f"market {i}"

    def activity_name(self, j: int) -> str:
        """Return the name of activity j."""
        return self.activity_names[j] if self.activity_names else f"activity {j}"

    def group_name(self, g: int) -> str:
        """Return the name of group g."""
        return self.group_names[g] if self.group_names else f"group {g}"

    def with_(self, **changes: Any) -> EconomyArrays:
        """Return a copy with the named arrays replaced and everything else shared; shapes are checked again."""
        return replace(self, **changes)


class Status(Enum):
    """How a solve ended; only `SOLVED` and `LOCALLY_SOLVED` carry an equilibrium."""

    SOLVED = "solved"
    """The natural residual is below the tolerance."""
    LOCALLY_SOLVED = "locally_solved"
    """As solved, for a problem that is not monotone: other equilibria may exist."""
    STALLED = "stalled"
    """No further progress was possible."""
    INFEASIBLE = "infeasible"
    """No levels satisfy the balances, capacities and groups."""
    ITERATION_LIMIT = "iteration_limit"
    TIME_LIMIT = "time_limit"

    @property
    def ok(self) -> bool:
        """True where the solution is an equilibrium."""
        return self in (Status.SOLVED, Status.LOCALLY_SOLVED)


@dataclass(frozen=True, slots=True)
class Solution:
    """Answer of `solve_economy`, in the user's units.

    Attributes:
        prices: p, USD/t, [m].
        levels: x, units of the activity, [n].
        capacity_rents: w, USD per unit of the activity, [n].
        group_rents: l, USD per unit of the group, [g].
        status: how the solve ended.
        residual: largest scaled natural residual (0 is exact).
        worst: names and residuals of the worst rows, worst first.
        iterations: Newton systems solved.
        seconds: wall-clock time by phase.
        cause: why the solve failed, in words; empty where it did not.
        user_residual: largest natural residual |z - mid(l, z - F(z), u)| as it stands, in the user's own units.
    """

    prices: Floats
    levels: Floats
    capacity_rents: Floats
    group_rents: Floats
    status: Status
    residual: float
    worst: tuple[tuple[str, float], ...]
    iterations: int
    seconds: Mapping[str, float]
    cause: str = ""
    user_residual: float = float("nan")

    @property
    def ok(self) -> bool:
        """True where the solution is an equilibrium."""
        return self.status.ok
