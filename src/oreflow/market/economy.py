"""An economy by name: markets, activities, curves, wedges, groups, couplings and sellers, lowered to arrays.

Everything here is a frozen description; `build_arrays` turns it into the arrays of the solver and `solve` brings
prices, levels and rents back by name with their units. Prices are money per unit of quantity (USD/t by default).
"""

from __future__ import annotations

import difflib
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Solution, Sparse, Status
from oreflow.market.feasibility import find_unmet_demand
from oreflow.market.power import Firm, check_firms, solve_power
from oreflow.market.presolve import reduce_economy
from oreflow.market.residual import natural_residual
from oreflow.market.solve import SolveOptions, solve_economy

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
        """Return demand `d = intercept - coefficient p`; the coefficient is positive."""
        if not coefficient > 0:
            raise EconomyError(
                f"demand that falls by {coefficient:g} per unit of price; expected a positive coefficient"
            )
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
        slopes: residual inverse-demand slope by market (money per unit squared, 0 or more) where it is not that of
            the market's own final demand: a market in which traders buy and carry on, for instance.
        resale: declare that others may carry the good from one of its markets to another (refused otherwise).
    """

    name: str
    activities: tuple[str, ...]
    conjecture: float = 1.0
    slopes: Mapping[str, float] = field(default_factory=dict)
    resale: bool = False


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
        Activity(name, {market: sign}, _side(sign, float(constant[k]), float(inverse[k, k])), owner=f"{prefix} side")
        for k, (name, market) in enumerate(zip(names, markets, strict=True))
    )
    couplings = tuple(
        Coupling(names[k], names[i], float(sign * inverse[k, i]))
        for k in range(len(names))
        for i in range(len(names))
        if i != k and inverse[k, i] != 0
    )
    return activities, couplings


def _side(sign: float, constant: float, slope: float) -> CostCurve | DemandCurve:
    """Price = constant + slope q as a supplier's marginal cost or a buyer's willingness to pay."""
    return Linear(constant, slope) if sign > 0 else LinearDemand(constant, -slope)


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
    problems = _check(economy, markets)
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


def _check(economy: Economy, markets: Sequence[Market]) -> list[str]:
    """Every name that is unknown or used twice and every number outside its domain, in words."""
    problems = _repeated("market", [m.name for m in markets]) + _repeated(
        "activity", [a.name for a in economy.activities]
    )
    problems += _repeated("group", [g.name for g in economy.groups]) + _repeated(
        "seller", [s.name for s in economy.sellers]
    )
    for market in markets:
        if isinstance(market.disposal, str) and market.disposal not in ("free", "none"):
            problems.append(f"market {market.name}: disposal {market.disposal!r}; expected free, none or a cost")
        elif not isinstance(market.disposal, str) and not math.isfinite(market.disposal):
            problems.append(f"market {market.name}: cost of disposal {market.disposal:g}; expected a finite number")
        if not math.isfinite(market.fixed):
            problems.append(f"market {market.name}: fixed demand {market.fixed:g}; expected a finite number")
    known = {market.name for market in markets}
    for activity in economy.activities:
        problems += [f"activity {activity.name}: {found}" for found in _check_activity(activity, known)]
    names = {activity.name for activity in economy.activities}
    members = [(f"group {g.name}", name) for g in economy.groups for name in g.members]
    members += [(f"coupling of {c.of}", name) for c in economy.couplings for name in (c.of, c.by)]
    members += [(f"seller {s.name}", name) for s in economy.sellers for name in s.activities]
    problems += [
        f"{where}: unknown activity {name}{_nearest(name, names)}" for where, name in members if name not in names
    ]
    for group in economy.groups:
        if not all(math.isfinite(number) for number in (group.limit, *group.members.values())):
            problems.append(
                f"group {group.name}: limit {group.limit:g}; expected finite numbers (leave out what never binds)"
            )
    for coupling in economy.couplings:
        if not math.isfinite(coupling.coefficient):
            problems.append(
                f"coupling of {coupling.of}: coefficient {coupling.coefficient:g}; expected a finite number"
            )
    return problems + _check_sellers(economy, known)


def _repeated(what: str, names: Sequence[str]) -> list[str]:
    return [
        f"{what} {name}: the name is used {count} times; give each {what} its own"
        for name, count in Counter(names).items()
        if count > 1
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the known name that is most like the one found."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _check_activity(activity: Activity, known: Collection[str]) -> Iterable[str]:
    if not activity.net:
        yield "it neither uses nor makes anything; expected a coefficient for at least one market"
    for market, coefficient in activity.net.items():
        if market not in known:
            yield f"unknown market {market}{_nearest(market, known)}"
        if not math.isfinite(coefficient):
            yield f"coefficient {coefficient:g} in {market}; expected a finite number"
    for wedge in activity.wedges:
        if isinstance(wedge, Charge):
            if not math.isfinite(wedge.amount):
                yield f"charge {wedge.amount:g}; expected a finite amount"
            continue
        net = activity.net.get(wedge.market, 0.0)
        if net == 0.0:
            yield f"wedge on {wedge.market}, which it neither buys nor sells; expected one of its own markets"
        elif not (wedge.rate > -1 if net < 0 else wedge.rate < 1) or not math.isfinite(wedge.rate):
            yield f"wedge of {wedge.rate:g} on {wedge.market}; expected above -1 on an input, below 1 on an output"
        if wedge.base not in ("fob", "cif"):
            yield f"wedge on {wedge.market} with base {wedge.base!r}; expected fob (price alone) or cif (own cost too)"
    if not activity.capacity >= 0:
        yield f"capacity {activity.capacity:g}; expected 0 or more (inf: none)"
    yield from _check_curve(activity.cost)


def _check_curve(curve: AnyCurve) -> Iterable[str]:
    """What is outside the domain of a curve."""
    if isinstance(curve, Stepwise | Bids):
        prices = [price for _, price in curve.steps]
        wanted = sorted(prices, reverse=isinstance(curve, Bids))
        if not all(width > 0 for width, _ in curve.steps):
            yield f"steps {curve.steps}; expected widths above 0"
        if not curve.steps or prices != wanted or not all(math.isfinite(price) for price in prices):
            order = "falling bids" if isinstance(curve, Bids) else "rising cost"
            yield f"steps {curve.steps} are out of order; expected {order}, finite"
        return
    numbers = (
        {"cost": float(curve)}
        if isinstance(curve, int | float)
        else {f.name: getattr(curve, f.name) for f in fields(curve)}
    )
    for name, number in numbers.items():
        if math.isnan(number) or (math.isinf(number) and name != "choke"):
            yield f"{name} = {number:g}; expected a finite number"
    wrong = [
        f"{name} = {numbers[name]:g}" for name, fits in _DOMAINS.get(type(curve), {}).items() if not fits(numbers[name])
    ]
    if wrong:
        yield f"{type(curve).__name__} with {', '.join(wrong)}; expected {_EXPECTED[type(curve)]}"


_DOMAINS: Mapping[type, Mapping[str, Callable[[float], bool]]] = {
    Linear: {"b": lambda b: b >= 0},
    Power: {"b": lambda b: b >= 0, "n": lambda n: n > 0},
    Hyperbolic: {"b": lambda b: b >= 0, "c": lambda c: c > 0},
    LinearDemand: {"slope": lambda slope: slope > 0},
    Isoelastic: {
        "price": lambda price: price > 0, "quantity": lambda quantity: quantity > 0,
        "elasticity": lambda elasticity: elasticity < 0, "choke": lambda choke: choke > 0,
    },
}  # fmt: skip
_EXPECTED: Mapping[type, str] = {
    Linear: "a slope b of 0 or more",
    Power: "b of 0 or more and an exponent n above 0",
    Hyperbolic: "b of 0 or more and a capacity c above 0",
    LinearDemand: "a positive slope (inverse demand falls)",
    Isoelastic: "a positive price, quantity and choke price and a negative elasticity",
}


def _check_sellers(economy: Economy, known: Collection[str]) -> list[str]:
    problems: list[str] = []
    owners: dict[str, str] = {}
    for seller in economy.sellers:
        if not 0 <= seller.conjecture < INFINITE:
            problems.append(
                f"seller {seller.name}: conjecture {seller.conjecture:g}; expected 0 (price taker) to 1 (Cournot)"
            )
        for name in seller.activities:
            if owners.setdefault(name, seller.name) != seller.name:
                problems.append(
                    f"activity {name}: sellers {owners[name]} and {seller.name} both have it; give it to one"
                )
        for market, slope in seller.slopes.items():
            if market not in known:
                problems.append(f"seller {seller.name}: slope for the unknown market {market}{_nearest(market, known)}")
            if not 0 <= slope < INFINITE:
                problems.append(f"seller {seller.name}: slope {slope:g} in {market}; expected 0 or more, finite")
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


def _find(where: Mapping[str, _Found], name: str, what: str) -> _Found:
    if name not in where:
        some = ", ".join(list(where)[:8]) + (", ..." if len(where) > 8 else "")
        hint = _nearest(name, where) or f"; expected one of {some}"
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
