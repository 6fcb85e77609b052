"""An economy by name: markets, activities, curves, wedges, groups, couplings and sellers, lowered to arrays.

Everything here is a frozen description; `build_arrays` turns it into the arrays of the solver and `solve` brings
prices, levels and rents back by name with their units. Prices are money per unit of quantity (USD/t by default).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Floats, Solution, Sparse, Status
from oreflow.market.solve import SolveOptions, plan_economy, solve_economy

INFINITE = float("inf")
DEFAULTS = SolveOptions()
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Constant:
    """Marginal cost a at every level, money per unit."""

    a: float


@dataclass(frozen=True, slots=True)
class Linear:
    """Marginal cost a + b x; b >= 0 in money per unit squared."""

    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Power:
    """Marginal cost a + b x^n; b >= 0, n > 0."""

    a: float
    b: float
    n: float


@dataclass(frozen=True, slots=True)
class Hyperbolic:
    """Marginal cost a + b / (c - x): rises without bound as the level nears the capacity c; b > 0."""

    a: float
    b: float
    c: float


@dataclass(frozen=True, slots=True)
class Stepwise:
    """Marginal cost in steps: pairs (width in units of the activity, cost in money per unit), cheapest first."""

    steps: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LinearDemand:
    """Inverse demand `choke - slope d`; money per unit and money per unit squared, both positive."""

    choke: float
    slope: float

    @classmethod
    def direct(cls, intercept: float, coefficient: float) -> LinearDemand:
        """Return demand `d = intercept - coefficient p`."""
        return cls(intercept / coefficient, 1.0 / coefficient)


@dataclass(frozen=True, slots=True)
class Isoelastic:
    """Demand `quantity (p / price)^elasticity`, elasticity < 0; at the choke price it stops (inf: never)."""

    price: float
    quantity: float
    elasticity: float
    choke: float = INFINITE


@dataclass(frozen=True, slots=True)
class Bids:
    """Demand in steps: pairs (width in units, willingness to pay in money per unit), highest first."""

    steps: tuple[tuple[float, float], ...]


CostCurve = float | Constant | Linear | Power | Hyperbolic | Stepwise
DemandCurve = LinearDemand | Isoelastic | Bids
AnyCurve = CostCurve | DemandCurve


@dataclass(frozen=True, slots=True)
class Wedge:
    """An ad-valorem charge of `rate` on the price of `market` as an activity meets it.

    Args:
        market: whose price is charged; an input then costs (1 + rate) p, an output earns (1 - rate) p.
        rate: share of the price; negative is a subsidy paid by the receiver.
        receiver: actor who receives the money.
        base: `fob` charges the price alone; `cif` charges the activity's own cost (freight) as well.
    """

    market: str
    rate: float
    receiver: str = "state"
    base: Literal["fob", "cif"] = "fob"


@dataclass(frozen=True, slots=True)
class Charge:
    """A specific charge of `amount` money per unit of the activity, paid to `receiver` (negative: a subsidy)."""

    amount: float
    receiver: str = "state"


@dataclass(frozen=True, slots=True)
class Market:
    """Where a commodity has one price.

    Args:
        name: its name.
        disposal: `free` (a surplus costs nothing, price >= 0), a number (cost of disposal, price >= -cost), or
            `none` (everything must be used; the price may have either sign).
        fixed: demand that does not respond to price, in units of quantity (negative: fixed supply).
    """

    name: str
    disposal: Literal["free", "none"] | float = "free"
    fixed: float = 0.0


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that turns quantities in some markets into quantities in others.

    Args:
        name: its name.
        net: net output by market per unit of the activity (inputs negative).
        cost: marginal cost, or for demand the demand curve (see `demand`).
        capacity: largest level (inf: none).
        wedges: ad-valorem and specific charges.
        owner: actor who earns its surplus and capacity rent.
        rent_to: actor who earns the capacity rent instead of the owner.
    """

    name: str
    net: Mapping[str, float]
    cost: AnyCurve = 0.0
    capacity: float = INFINITE
    wedges: tuple[Wedge | Charge, ...] = ()
    owner: str = "producers"
    rent_to: str | None = None

    @property
    def is_demand(self) -> bool:
        """True where the curve is a willingness to pay."""
        return isinstance(self.cost, LinearDemand | Isoelastic | Bids)


def supply(
    market: str, cost: CostCurve, capacity: float = INFINITE, *, name: str = "", owner: str = "producers"
) -> Activity:
    """Return production of one unit for `market` at the given marginal cost."""
    return Activity(name or f"supply {market}", {market: 1.0}, cost, capacity, owner=owner)


def demand(
    market: str,
    curve: DemandCurve,
    *,
    name: str = "",
    wedges: tuple[Wedge | Charge, ...] = (),
    owner: str = "consumers",
) -> Activity:
    """Return final use of `market` by a demand curve."""
    return Activity(name or f"demand {market}", {market: -1.0}, curve, wedges=wedges, owner=owner)


def shipment(
    origin: str,
    destination: str,
    cost: CostCurve = 0.0,
    capacity: float = INFINITE,
    *,
    name: str = "",
    wedges: tuple[Wedge | Charge, ...] = (),
    owner: str = "carriers",
    yield_: float = 1.0,
) -> Activity:
    """Return transport of one unit from one market to another, of which `yield_` arrives."""
    net = {origin: -1.0, destination: yield_}
    return Activity(name or f"{origin} -> {destination}", net, cost, capacity, wedges, owner)


@dataclass(frozen=True, slots=True)
class Group:
    """A shared limit: the weighted sum of the members' levels is at most `limit`; its rent goes to `receiver`."""

    name: str
    members: Mapping[str, float]
    limit: float
    receiver: str = "state"


@dataclass(frozen=True, slots=True)
class Coupling:
    """`coefficient` times the level of activity `by` is added to the marginal cost of activity `of`."""

    of: str
    by: str
    coefficient: float


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller that knows its sales move the price.

    Args:
        name: its name.
        activities: everything it sells with, over all its plants; what they deliver into a market with demand counts.
        conjecture: 0 price taker, 1 Cournot (a monopolist if alone), or any value between.
        slopes: residual inverse-demand slope by market (money per unit squared, positive) where it is not that of
            the market's own final demand.
    """

    name: str
    activities: tuple[str, ...]
    conjecture: float = 1.0
    slopes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Economy:
    """The whole model by name.

    Args:
        markets: markets, or just their names (free disposal).
        activities: production, transport and demand.
        groups, couplings, sellers: shared limits, affine couplings, market power.
        money, quantity: names of the units, for results.

    Example:
        >>> eco = Economy(("ore",), (supply("ore", Linear(1.0, 1.0)), demand("ore", LinearDemand(7.0, 1.0))))
        >>> round(solve(eco).price("ore"), 6)
        4.0
    """

    markets: tuple[Market | str, ...]
    activities: tuple[Activity, ...]
    groups: tuple[Group, ...] = ()
    couplings: tuple[Coupling, ...] = ()
    sellers: tuple[Seller, ...] = ()
    money: str = "USD"
    quantity: str = "t"

    def with_activities(self, *activities: Activity) -> Economy:
        """Return a copy in which the given activities replace those of the same name (new names are added)."""
        new = {activity.name: activity for activity in activities}
        kept = tuple(new.pop(activity.name, activity) for activity in self.activities)
        return Economy(
            self.markets,
            kept + tuple(new.values()),
            self.groups,
            self.couplings,
            self.sellers,
            self.money,
            self.quantity,
        )


def linear_demand_system(
    markets: Sequence[str],
    intercepts: Sequence[float],
    coefficients: Sequence[Sequence[float]],
    *,
    prefix: str = "demand",
) -> tuple[tuple[Activity, ...], tuple[Coupling, ...]]:
    """Return activities and couplings of demand `d = intercepts + coefficients p` with cross-price terms.

    Args:
        markets: names of the K markets.
        intercepts: quantities at price zero, [K].
        coefficients: change of quantity with price, [K, K]; own terms negative.
        prefix: of the activities' names.

    Raises:
        EconomyError: if the matrix has no inverse.
    """
    return _linear_system(markets, intercepts, coefficients, prefix, -1.0)


def linear_supply_system(
    markets: Sequence[str],
    intercepts: Sequence[float],
    coefficients: Sequence[Sequence[float]],
    *,
    prefix: str = "supply",
) -> tuple[tuple[Activity, ...], tuple[Coupling, ...]]:
    """Return activities and couplings of supply `s = intercepts + coefficients p` with cross-price terms."""
    return _linear_system(markets, intercepts, coefficients, prefix, 1.0)


def _linear_system(
    markets: Sequence[str],
    intercepts: Sequence[float],
    coefficients: Sequence[Sequence[float]],
    prefix: str,
    sign: float,
) -> tuple[tuple[Activity, ...], tuple[Coupling, ...]]:
    matrix = np.asarray(coefficients, dtype=float)
    if matrix.shape != (len(markets), len(markets)) or np.linalg.matrix_rank(matrix) < len(markets):
        raise EconomyError(
            f"price coefficients of {', '.join(markets)}: found a matrix of shape {matrix.shape} and rank "
            f"{np.linalg.matrix_rank(matrix)}; expected a square matrix with an inverse"
        )
    inverse = np.linalg.inv(matrix)
    constant = -inverse @ np.asarray(intercepts, dtype=float)
    # price = constant + inverse q; a supplier's marginal cost is the price, a buyer's willingness counts negative
    names = [f"{prefix} {market}" for market in markets]
    activities = tuple(
        Activity(name, {market: sign}, Linear(sign * constant[k], sign * inverse[k, k]), owner=f"{prefix} side")
        for k, (name, market) in enumerate(zip(names, markets, strict=True))
    )
    couplings = tuple(
        Coupling(names[k], names[i], float(sign * inverse[k, i]))
        for k in range(len(names))
        for i in range(len(names))
        if i != k and inverse[k, i] != 0
    )
    return activities, couplings


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
    problems = _check_names(economy, markets)
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


def _check_names(economy: Economy, markets: Iterable[Market]) -> list[str]:
    problems = []
    known = {market.name for market in markets}
    seen: set[str] = set()
    for activity in economy.activities:
        if activity.name in seen:
            problems.append(f"activity {activity.name}: the name is used twice; give each activity its own")
        seen.add(activity.name)
        named = list(activity.net) + [w.market for w in activity.wedges if isinstance(w, Wedge)]
        problems += [
            f"activity {activity.name}: unknown market {name}; expected one of {', '.join(sorted(known))}"
            for name in named
            if name not in known
        ]
        if not activity.capacity >= 0:
            problems.append(f"activity {activity.name}: capacity {activity.capacity:g}; expected 0 or more")
    members = [(f"group {g.name}", name) for g in economy.groups for name in g.members]
    members += [(f"coupling of {c.of}", name) for c in economy.couplings for name in (c.of, c.by)]
    members += [(f"seller {s.name}", name) for s in economy.sellers for name in s.activities]
    problems += [f"{where}: unknown activity {name}" for where, name in members if name not in seen]
    return problems


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
        costs = [sign * price for _, price in curve.steps]
        if costs != sorted(costs):
            raise EconomyError(f"activity {activity.name}: steps {curve.steps} are out of order; expected rising cost")
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

    def price(self, market: str) -> float:
        """Price in a market, money per unit of quantity."""
        return float(self.solution.prices[_find(self.layout.markets, market, "market")])

    def level(self, activity: str) -> float:
        """Level of an activity, units of quantity; steps of a stepwise curve are added."""
        return float(sum(self.solution.levels[j] for j in _find(self.layout.columns, activity, "activity")))

    def rent(self, activity: str) -> float:
        """Rent of an activity's capacity (for a stepwise curve: of its last used step), money per unit."""
        return float(min(self.solution.capacity_rents[j] for j in _find(self.layout.columns, activity, "activity")))

    def group_rent(self, group: str) -> float:
        """Rent of a shared limit, money per unit of the limit."""
        return float(self.solution.group_rents[_find(self.layout.groups, group, "group")])

    @property
    def prices(self) -> dict[str, float]:
        """All prices by market."""
        return {name: float(self.solution.prices[i]) for name, i in self.layout.markets.items()}

    @property
    def levels(self) -> dict[str, float]:
        """All levels by activity."""
        return {name: self.level(name) for name in self.layout.columns}


def _find(where: Mapping[str, _Found], name: str, what: str) -> _Found:
    if name not in where:
        raise EconomyError(f"unknown {what} {name}; expected one of {', '.join(where)}")
    return where[name]


def solve(economy: Economy, start: Equilibrium | None = None, options: SolveOptions = DEFAULTS) -> Equilibrium:
    """Return the equilibrium of an economy by name.

    Sellers with market power face `p + theta P'(D) s`. With linear demand this is an affine coupling and one solve;
    with curved demand the slope P'(D) is brought into agreement with the solution by Anderson iteration.

    Args:
        economy: the model.
        start: a solution of the same economy with other numbers.
        options: tolerance and limits.

    Raises:
        EconomyError: if the description contradicts itself, or a seller faces demand for which no interior solution
            exists (conjecture times share not below the elasticity, without a choke price).

    Source: Takayama and Judge (1971); Harker (1986) for the conjectures; Walker and Ni (2011) for Anderson.
    """
    arrays, layout = build_arrays(economy)
    first = start.solution if start is not None else None
    if not any(seller.conjecture for seller in economy.sellers):
        return Equilibrium(economy, arrays, layout, solve_economy(arrays, first, options))
    return _solve_power(economy, arrays, layout, first, options)


@dataclass(frozen=True, slots=True)
class _Faced:
    """A market in which sellers have power: the demand columns and the sellers' deliveries."""

    market: int
    columns: tuple[int, ...]
    deliveries: tuple[tuple[float, tuple[tuple[int, float], ...], float | None], ...]


def _faced_markets(economy: Economy, arrays: EconomyArrays, layout: Layout) -> list[_Faced]:
    users: dict[int, list[int]] = {}
    for activity in economy.activities:
        if activity.is_demand:
            for market in activity.net:
                users.setdefault(layout.markets[market], []).extend(layout.columns[activity.name])
    faced: dict[int, list[tuple[float, tuple[tuple[int, float], ...], float | None]]] = {}
    physical = sp.csr_array(arrays.A)
    for seller in economy.sellers:
        if not seller.conjecture:
            continue
        mine = {j for name in seller.activities for j in layout.columns[name]}
        for name, i in layout.markets.items():
            if i not in users and name not in seller.slopes:
                continue
            span = slice(physical.indptr[i], physical.indptr[i + 1])
            entries = zip(physical.indices[span], physical.data[span], strict=True)
            delivered = tuple(
                (int(j), float(a)) for j, a in entries if int(j) in mine and int(j) not in users.get(i, ())
            )
            if delivered:
                _check_interior(arrays, seller, name, i, users.get(i, []), delivered)
                faced.setdefault(i, []).append((seller.conjecture, delivered, seller.slopes.get(name)))
    return [_Faced(i, tuple(users.get(i, ())), tuple(found)) for i, found in faced.items()]


def _check_interior(
    arrays: EconomyArrays,
    seller: Seller,
    name: str,
    market: int,
    users: Sequence[int],
    delivered: Sequence[tuple[int, float]],
) -> None:
    """Refuse a sole seller of isoelastic demand too inelastic for any interior solution; and stepwise demand."""
    curves = arrays.curves
    if name in seller.slopes:
        return
    if any(curves.kind[j] == CurveKind.CONSTANT for j in users):
        raise EconomyError(
            f"seller {seller.name}: demand in {name} is stepwise and has no slope; state one in `slopes`"
        )
    physical = sp.csr_array(arrays.A)
    span = slice(physical.indptr[market], physical.indptr[market + 1])
    sources = {
        int(j)
        for j, a in zip(physical.indices[span], physical.data[span], strict=True)
        if a > 0 and int(j) not in users
    }
    alone = sources <= {j for j, _ in delivered}
    for j in users:
        inelastic = curves.kind[j] == CurveKind.ISOELASTIC and np.isinf(curves.d[j])
        if alone and len(users) == 1 and inelastic and seller.conjecture >= -curves.c[j]:
            raise EconomyError(
                f"seller {seller.name} is alone in {name} with conjecture {seller.conjecture:g} and the demand has "
                f"elasticity {curves.c[j]:g} without a choke price: no interior solution exists; state a choke price"
            )


def _demand_slope(arrays: EconomyArrays, columns: Sequence[int], levels: Floats) -> float:
    """Slope -P'(D) of aggregate inverse demand at the given levels, money per unit squared."""
    slopes = arrays.curves.slope(np.maximum(levels, 1e-300))[list(columns)]
    used = levels[list(columns)] > 0
    active = slopes[used] if used.any() else slopes
    return float(1.0 / np.sum(1.0 / np.maximum(active, 1e-300)))


def _solve_power(
    economy: Economy, arrays: EconomyArrays, layout: Layout, first: Solution | None, options: SolveOptions
) -> Equilibrium:
    faced = _faced_markets(economy, arrays, layout)
    plan = plan_economy(arrays)
    n = arrays.shape[1]
    base: Sparse = sp.csc_array((n, n)) if arrays.K is None else arrays.K

    def coupled(beta: Floats) -> EconomyArrays:
        entries: list[tuple[int, int, float]] = []
        for slope, market in zip(beta, faced, strict=True):
            for theta, delivered, own in market.deliveries:
                strength = theta * (slope if own is None else own)
                for i, ai in delivered:
                    for j, aj in delivered:
                        entries.append((i, j, strength * ai * aj))
        return arrays.with_(K=sp.csc_array(base + _sparse(entries, (n, n))))

    levels = solve_economy(arrays, first, options, plan).levels if first is None else first.levels
    straight = all(
        own is not None
        or (all(arrays.curves.kind[j] == CurveKind.LINEAR for j in market.columns) and len(market.columns) == 1)
        for market in faced
        for _, _, own in market.deliveries
    )
    beta = np.array([_demand_slope(arrays, market.columns, levels) if market.columns else 0.0 for market in faced])
    problem = coupled(beta)
    solution = solve_economy(problem, first, options, plan)
    if straight:
        return Equilibrium(economy, problem, layout, solution)
    points: list[Floats] = []
    images: list[Floats] = []
    for _ in range(100):
        if not solution.ok:
            break
        new = np.array([_demand_slope(arrays, market.columns, solution.levels) for market in faced])
        points.append(np.log(beta))
        images.append(np.log(np.maximum(new, 1e-300)))
        gap = images[-1] - points[-1]
        if np.abs(gap).max() < max(options.tolerance, 1e-12):
            break
        beta = np.exp(_anderson(points[-6:], images[-6:]))
        problem = coupled(beta)
        solution = solve_economy(problem, solution, options, plan)
    else:
        solution = Solution(
            solution.prices,
            solution.levels,
            solution.capacity_rents,
            solution.group_rents,
            Status.ITERATION_LIMIT,
            float(np.abs(gap).max()),
            solution.worst,
            solution.iterations,
            solution.seconds,
            "the slopes that sellers expect did not settle; is conjecture times share below the elasticity?",
        )
    return Equilibrium(economy, problem, layout, solution)


def _anderson(points: Sequence[Floats], images: Sequence[Floats]) -> Floats:
    """Next point of Anderson's iteration for a fixed point, from the last points and their images."""
    gaps = [image - point for point, image in zip(points, images, strict=True)]
    if len(points) == 1:
        return images[-1]
    differences = np.array([gaps[-1] - gap for gap in gaps[:-1]]).T
    weights = np.linalg.lstsq(differences, gaps[-1], rcond=1e-10)[0]
    step = sum(
        (w * (images[-1] - image) for w, image in zip(weights, images[:-1], strict=True)), np.zeros_like(gaps[-1])
    )
    return np.asarray(points[-1] + np.clip(images[-1] - step - points[-1], -2.0, 2.0))
