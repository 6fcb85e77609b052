"""What an economy is made of, by name: markets, activities, curves, wedges, shared limits, couplings and sellers.

Everything here is a frozen description; `oreflow.market.economy` lowers it to the arrays of the solver and solves it.
Prices are money per unit of quantity (USD/t by default).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from oreflow.market.arrays import EconomyError

INFINITE = float("inf")


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
        >>> from oreflow.market.economy import solve
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
