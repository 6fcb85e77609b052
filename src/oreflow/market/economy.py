"""An economy by name, lowered to arrays, solved, and brought back by name.

`oreflow.market.description` holds what an economy is made of; all of it can be imported from here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Solution, Sparse, Status
from oreflow.market.description import (
    INFINITE,
    Activity,
    Bids,
    Charge,
    Constant,
    CostCurve,
    Coupling,
    DemandCurve,
    Economy,
    Group,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Power,
    Seller,
    Stepwise,
    Wedge,
    demand,
    linear_demand_system,
    linear_supply_system,
    shipment,
    supply,
)
from oreflow.market.description_checks import check_description, nearest_name
from oreflow.market.feasibility import find_unmet_demand
from oreflow.market.power import Firm, check_firms, solve_power
from oreflow.market.presolve import reduce_economy
from oreflow.market.residual import natural_residual
from oreflow.market.solve import SolveOptions, solve_economy

__all__ = [
    "INFINITE", "Activity", "Bids", "Charge", "Constant", "CostCurve", "Coupling", "DemandCurve", "Economy",
    "Equilibrium", "Group", "Hyperbolic", "Isoelastic", "Layout", "Linear", "LinearDemand", "Market", "Power",
    "Seller", "SolveOptions", "Stepwise", "Wedge", "build_arrays", "demand", "linear_demand_system",
    "linear_supply_system", "sellers_by_position", "shipment", "solve", "supply",
]  # fmt: skip

DEFAULTS = SolveOptions()
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the named things went in the arrays: columns of each activity, positions of markets and groups."""

    columns: Mapping[str, tuple[int, ...]]
    markets: Mapping[str, int]
    groups: Mapping[str, int]


def build_arrays(economy: Economy) -> tuple[EconomyArrays, Layout]:
    """Return the arrays of an economy of price takers and where every name went.

    Args:
        economy: the model by name; its sellers are left out (see `solve`).

    Raises:
        EconomyError: with every unknown or repeated name and every number outside its domain.
    """
    markets = tuple(Market(m) if isinstance(m, str) else m for m in economy.markets)
    problems = check_description(economy, markets)
    if problems:
        raise EconomyError("\n".join(problems))
    position = {market.name: i for i, market in enumerate(markets)}
    builder = _Columns()
    for activity in economy.activities:
        builder.add(activity, position)
    for market in markets:
        if not isinstance(market.disposal, str):
            disposed = Activity(f"dispose {market.name}", {market.name: -1.0}, float(market.disposal))
            builder.add(disposed, position)
    n = len(builder.names)
    columns = {name: tuple(found) for name, found in builder.columns.items()}
    groups = {group.name: g for g, group in enumerate(economy.groups)}
    entries: list[tuple[int, int, float]] = []
    for g, group in enumerate(economy.groups):
        for member, weight in group.members.items():
            for j in columns[member]:
                entries.append((g, j, float(weight)))
    arrays = EconomyArrays(
        A=builder.matrix(builder.physical, len(markets)),
        B=builder.matrix(builder.priced, len(markets)),
        curves=builder.curves(),
        upper=np.array(builder.upper),
        fixed=np.array([market.fixed for market in markets]),
        equality=np.array([market.disposal != "free" for market in markets], dtype=bool),
        G=sp.csr_array(_sparse(entries, (len(economy.groups), n))),
        h=np.array([group.limit for group in economy.groups], dtype=float),
        K=_coupling_matrix(economy.couplings, columns, n),
        market_names=tuple(market.name for market in markets),
        activity_names=tuple(builder.names),
        group_names=tuple(group.name for group in economy.groups),
    )
    return arrays, Layout(columns, position, groups)


def _sparse(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> Sparse:
    rows, cols, data = zip(*entries, strict=True) if entries else ((), (), ())
    return sp.csc_array((np.array(data, dtype=float), (rows, cols)), shape=shape)


class _Columns:
    """Collects the columns of activities while the arrays are built."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.columns: dict[str, list[int]] = {}
        self.physical: list[tuple[int, int, float]] = []
        self.priced: list[tuple[int, int, float]] = []
        self.rows: list[tuple[int, float, float, float, float, float]] = []
        self.upper: list[float] = []

    def add(self, activity: Activity, position: Mapping[str, int]) -> None:
        factor = dict.fromkeys(activity.net, 1.0)
        on_cost, shift = 1.0, 0.0
        for wedge in activity.wedges:
            if isinstance(wedge, Charge):
                shift += wedge.amount
            else:
                inward = activity.net.get(wedge.market, 0.0) < 0
                factor[wedge.market] = factor.get(wedge.market, 1.0) * (1 + wedge.rate if inward else 1 - wedge.rate)
                on_cost *= 1 + wedge.rate if wedge.base == "cif" else 1.0
        pieces = list(_pieces(activity))
        for k, (kind, a, b, c, d, limit) in enumerate(pieces):
            j = len(self.names)
            self.columns.setdefault(activity.name, []).append(j)
            self.names.append(activity.name if len(pieces) == 1 else f"{activity.name} step {k + 1}")
            scale_b = 1.0 if kind == CurveKind.ISOELASTIC else on_cost
            self.rows.append((kind, shift, a * on_cost, b * scale_b, c, d * on_cost))
            self.upper.append(min(limit, activity.capacity) if len(pieces) == 1 else limit)
            for market, net in activity.net.items():
                self.physical.append((position[market], j, float(net)))
                self.priced.append((position[market], j, float(net) * factor[market]))

    def matrix(self, entries: list[tuple[int, int, float]], m: int) -> Sparse:
        rows, cols, data = zip(*entries, strict=True) if entries else ((), (), ())
        return sp.csc_array((np.array(data, dtype=float), (rows, cols)), shape=(m, len(self.names)))

    def curves(self) -> CurveTable:
        table = np.array(self.rows, dtype=float).reshape(-1, 6)
        return CurveTable(table[:, 0].astype(np.int8), *(table[:, k].copy() for k in range(1, 6)))


def _pieces(activity: Activity) -> Iterable[tuple[int, float, float, float, float, float]]:
    """Curve rows (kind, a, b, c, d, own limit) of an activity; a stepwise curve has several."""
    curve, inf = activity.cost, INFINITE
    if isinstance(curve, Stepwise | Bids):
        sign = 1.0 if isinstance(curve, Stepwise) else -1.0
        left = activity.capacity
        for width, price in curve.steps:
            yield CurveKind.CONSTANT, sign * price, 0.0, 1.0, inf, max(min(width, left), 0.0)
            left -= width
    elif isinstance(curve, Isoelastic):
        yield CurveKind.ISOELASTIC, curve.price, curve.quantity, curve.elasticity, curve.choke, inf
    elif isinstance(curve, LinearDemand):
        yield CurveKind.LINEAR, -curve.choke, curve.slope, 1.0, inf, inf
    elif isinstance(curve, Linear):
        yield CurveKind.LINEAR, curve.a, curve.b, 1.0, inf, inf
    elif isinstance(curve, Power):
        yield CurveKind.POWER, curve.a, curve.b, curve.n, inf, inf
    elif isinstance(curve, Hyperbolic):
        yield CurveKind.HYPERBOLIC, curve.a, curve.b, curve.c, inf, inf
    else:
        yield CurveKind.CONSTANT, curve.a if isinstance(curve, Constant) else float(curve), 0.0, 1.0, inf, inf


def _coupling_matrix(couplings: Iterable[Coupling], columns: Mapping[str, tuple[int, ...]], n: int) -> Sparse | None:
    entries = [(i, j, c.coefficient) for c in couplings for i in columns[c.of] for j in columns[c.by]]
    if not entries:
        return None
    rows, cols, data = zip(*entries, strict=True)
    return sp.csc_array((data, (rows, cols)), shape=(n, n))


@dataclass(frozen=True, slots=True)
class Equilibrium:
    """A solution by name.

    Attributes:
        economy: the model.
        arrays: what was solved, market power included as couplings.
        layout: where the names are.
        solution: the raw answer.
    """

    economy: Economy
    arrays: EconomyArrays
    layout: Layout
    solution: Solution

    @property
    def status(self) -> Status:
        """How the solve ended."""
        return self.solution.status

    @property
    def units(self) -> Mapping[str, str]:
        """Units of price, level and rent."""
        price = f"{self.economy.money}/{self.economy.quantity}"
        return {"price": price, "level": self.economy.quantity, "rent": price, "group_rent": price}

    def position(self, market: str) -> int:
        """Row of a market in the arrays."""
        return _find(self.layout.markets, market, "market")

    def columns(self, activity: str) -> tuple[int, ...]:
        """Columns of an activity in the arrays: one, or one a step of a stepwise curve."""
        return _find(self.layout.columns, activity, "activity")

    def group(self, group: str) -> int:
        """Row of a shared limit in the arrays."""
        return _find(self.layout.groups, group, "group")

    def activity(self, name: str) -> Activity:
        """The description of an activity."""
        return _find({activity.name: activity for activity in self.economy.activities}, name, "activity")

    def price(self, market: str) -> float:
        """Price in a market, money per unit of quantity."""
        return float(self.solution.prices[self.position(market)])

    def level(self, activity: str) -> float:
        """Level of an activity, units of quantity; steps of a stepwise curve are added."""
        return float(sum(self.solution.levels[j] for j in self.columns(activity)))

    def rent(self, activity: str) -> float:
        """Rent of an activity's capacity (for a stepwise curve: of its last used step), money per unit."""
        return float(min(self.solution.capacity_rents[j] for j in self.columns(activity)))

    def group_rent(self, group: str) -> float:
        """Rent of a shared limit, money per unit of the limit."""
        return float(self.solution.group_rents[self.group(group)])

    @property
    def prices(self) -> dict[str, float]:
        """All prices by market."""
        return {name: float(self.solution.prices[i]) for name, i in self.layout.markets.items()}

    @property
    def levels(self) -> dict[str, float]:
        """All levels by activity."""
        return {name: self.level(name) for name in self.layout.columns}

    @property
    def rents(self) -> dict[str, float]:
        """All capacity rents by activity."""
        return {name: self.rent(name) for name in self.layout.columns}

    @property
    def group_rents(self) -> dict[str, float]:
        """All rents of shared limits by group."""
        return {name: self.group_rent(name) for name in self.layout.groups}


def _find(where: Mapping[str, _Found], name: str, what: str) -> _Found:
    if name not in where:
        some = ", ".join(list(where)[:8]) + (", ..." if len(where) > 8 else "")
        hint = nearest_name(name, where) or f"; expected one of {some}"
        raise EconomyError(f"unknown {what} {name}{hint}")
    return where[name]


def solve(economy: Economy, start: Equilibrium | None = None, options: SolveOptions = DEFAULTS) -> Equilibrium:
    """Return the equilibrium of an economy by name.

    Sellers with market power earn `p + theta P'(D) s` at the margin: see `oreflow.market.power`.

    Args:
        economy: the model.
        start: a solution of the same economy with other numbers.
        options: tolerance and limits.

    Raises:
        EconomyError: if the description contradicts itself, or a seller cannot have the power claimed for it
            (conjecture times share not below the elasticity without a choke price, stepwise demand, resale).

    Source: Takayama and Judge (1971); Harker (1986) for the conjectures.
    """
    arrays, layout = build_arrays(economy)
    first = start.solution if start is not None else None
    if not any(seller.conjecture for seller in economy.sellers):
        return Equilibrium(economy, arrays, layout, _solve_tidy(arrays, first, options))
    firms, users = sellers_by_position(economy, layout)
    problems = check_firms(arrays, firms, users)
    if problems:
        raise EconomyError("\n".join(problems))
    marked, solution = solve_power(arrays, firms, users, first, options)
    return Equilibrium(economy, marked, layout, solution)


def _solve_tidy(arrays: EconomyArrays, first: Solution | None, options: SolveOptions) -> Solution:
    """Solve without what cannot run, so that idle markets get tidy prices; judged again on the whole economy."""
    reduction = reduce_economy(arrays)
    if reduction.part.shape == arrays.shape or find_unmet_demand(arrays):
        return solve_economy(arrays, first, options)
    began = time.perf_counter()
    guess = None if first is None else reduction.shrink(first)
    found = reduction.restore(solve_economy(reduction.part, guess, options))
    if found.status is Status.TIME_LIMIT:
        return found
    rows, cols = natural_residual(arrays, found.levels, found.prices, found.group_rents)
    size = float(max(rows.max(initial=0.0), cols.max(initial=0.0)))
    if found.ok and size <= options.tolerance:
        return replace(found, residual=size)
    # the whole economy names what was left out among the causes of a failure
    return solve_economy(arrays, first, replace(options, time_limit=options.time_limit - (time.perf_counter() - began)))


def sellers_by_position(economy: Economy, layout: Layout) -> tuple[tuple[Firm, ...], npt.NDArray[np.int64]]:
    """Return the sellers by position, and the positions of final demand."""
    firms = tuple(
        Firm(
            seller.name,
            np.array([j for name in seller.activities for j in layout.columns[name]], dtype=np.int64),
            seller.conjecture,
            {layout.markets[market]: slope for market, slope in seller.slopes.items()},
            seller.resale,
        )
        for seller in economy.sellers
    )
    users = [j for activity in economy.activities if activity.is_demand for j in layout.columns[activity.name]]
    return firms, np.array(users, dtype=np.int64)
