"""The chain of a case as a network: markets, activities and shared limits, with numbers but without policies.

A market is a (place, commodity) that some activity touches; an activity is a process on one feed, a route for one
commodity, a demand, or the holding of a stock. Index letters: market i, activity j, shared limit g.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.core.errors import OreflowError

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Values
    from oreflow.chain.tables import Cell

Floats = NDArray[np.float64]
WORLD = "WORLD"
DAYS = 365.25
"""Days of a year."""


class NetworkError(OreflowError):
    """The tables of a case do not fit together into a network."""


class Kind(StrEnum):
    """What an activity is: the four ways in which goods appear, change, move, wait or disappear."""

    PROCESS = "process"
    ROUTE = "route"
    DEMAND = "demand"
    STOCK = "stock"


@dataclass(frozen=True, slots=True)
class Market:
    """A place and a commodity with a price, in USD per t of the commodity's own basis."""

    place: str
    commodity: str

    @property
    def name(self) -> str:
        """Return `commodity@place`."""
        return f"{self.commodity}@{self.place}"


@dataclass(frozen=True, slots=True)
class Activity:
    """One way of making, moving, using or holding something.

    `row`: id of the process, route, demand or stock. `feed`: the concentrate that a process splits, or the commodity
    that a route, demand or stock is about. `flows`: (market index, t per unit of activity), inputs negative.
    `operator`: the actor who runs it. `tags`: barrier kinds and other marks.
    """

    name: str
    kind: Kind
    row: str
    place: str
    to_place: str
    feed: str
    flows: tuple[tuple[int, float], ...]
    operator: str = ""
    process_kind: str = ""
    use: str = ""


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """Sum of weights times levels at most `limit`: a leg shared by routes, a plant shared by feeds, or a tie.

    `kind`: leg, plant or tie. `owner`: who receives the rent when it binds. `row`: id of the leg, process or tie.
    """

    name: str
    kind: str
    row: str
    owner: str
    weights: tuple[tuple[int, float], ...]
    limit: float


@dataclass(frozen=True)
class Network:
    """Markets, activities and limits of a case with the numbers of one set of values.

    Arrays over activities [n]: `cost` (USD per unit, sourced engineering cost), `upper` (t per year, inf where none),
    `elasticity` (supply or link response; inf: constant cost). `reference` (demand t per year, opening stock t).
    `choke` and `saturation` of demands, multiples of the base price and quantity (inf where none).
    `composition` [commodity, element]: t of element oxide per t of commodity. `closed`: barred in the base
    year, by a closed leg, a plant that is not there, or an absence that the row explains. `spoilage` (share a year),
    `room` (t, nan where the case gives none) and `convenience` (1 or 0) of stocks; `transit` (years) of routes.
    `activity_seasons`, `limit_seasons`: season of a process or of a shared limit; `season_months`: its twelve factors,
    mean 1. `grade_of`: activity of each grade -> the demand or process that it serves.
    """

    markets: tuple[Market, ...]
    activities: tuple[Activity, ...]
    limits: tuple[SharedLimit, ...]
    cost: Floats
    upper: Floats
    elasticity: Floats
    reference: Floats
    demand_elasticity: Floats
    adjustment: Floats
    growth: Floats
    choke: Floats
    saturation: Floats
    reference_price: Floats
    holding_cost: Floats
    spoilage: Floats
    room: Floats
    convenience: Floats
    transit: Floats
    closed: NDArray[np.bool_]
    opens: Floats
    rent_to: tuple[str, ...]
    composition: Mapping[str, Mapping[str, float]]
    route_legs: Mapping[int, tuple[str, ...]]
    closed_legs: frozenset[str]
    gross_per_t: Mapping[str, float]
    activity_seasons: Mapping[int, str]
    limit_seasons: Mapping[str, str]
    season_months: Mapping[str, tuple[float, ...]]
    grade_of: Mapping[int, str]

    def line_elasticity(self, j: int) -> float:
        """Return a linear use's elasticity at its base quantity: its own, or the one that ends the line at the choke.

        Args:
            j: position of the use.
        """
        return float(min(self.demand_elasticity[j], -1.0 / (self.choke[j] - 1.0)))

    @cached_property
    def market_index(self) -> dict[tuple[str, str], int]:
        """Return the position of each (place, commodity)."""
        return {(market.place, market.commodity): i for i, market in enumerate(self.markets)}

    def market_key(self, place: str, commodity: str) -> tuple[str, str]:
        """Return the place and commodity under which a good is traded there: its world market where it has one."""
        key = (place, commodity)
        return key if key in self.market_index else (WORLD, commodity)

    @cached_property
    def index(self) -> dict[str, int]:
        """Return the position of each activity by name."""
        return {activity.name: j for j, activity in enumerate(self.activities)}

    def positions(self, kind: Kind) -> NDArray[np.int64]:
        """Return the positions of the activities of a kind."""
        return self._by_kind[kind]

    @cached_property
    def _by_kind(self) -> dict[Kind, NDArray[np.int64]]:
        kinds = [activity.kind for activity in self.activities]
        return {kind: np.array([j for j, k in enumerate(kinds) if k is kind], dtype=np.int64) for kind in Kind}

    @cached_property
    def by_row(self) -> dict[str, tuple[int, ...]]:
        """Return the activities of each process, route, demand or stock row."""
        found: dict[str, list[int]] = defaultdict(list)
        for j, activity in enumerate(self.activities):
            found[activity.row].append(j)
        return {row: tuple(js) for row, js in found.items()}

    @cached_property
    def limit_index(self) -> dict[str, int]:
        """Return the position of each shared limit by name."""
        return {limit.name: g for g, limit in enumerate(self.limits)}

    @cached_property
    def routes_by_leg(self) -> dict[str, tuple[int, ...]]:
        """Return the route activities that use each leg."""
        found: dict[str, list[int]] = defaultdict(list)
        for j, legs in self.route_legs.items():
            for leg in legs:
                found[leg].append(j)
        return {leg: tuple(js) for leg, js in found.items()}

    @cached_property
    def matrix(self) -> sp.csc_array:
        """Return net outputs A [m, n], t per unit of activity."""
        rows, columns, values = [], [], []
        for j, activity in enumerate(self.activities):
            for i, amount in activity.flows:
                rows.append(i)
                columns.append(j)
                values.append(amount)
        shape = (len(self.markets), len(self.activities))
        return sp.csc_array((values, (rows, columns)), shape=shape, dtype=float)

    @cached_property
    def limit_matrix(self) -> sp.csr_array:
        """Return the weights of shared limits G [g, n]."""
        rows, columns, values = [], [], []
        for g, limit in enumerate(self.limits):
            for j, weight in limit.weights:
                rows.append(g)
                columns.append(j)
                values.append(weight)
        shape = (len(self.limits), len(self.activities))
        return sp.csr_array((values, (rows, columns)), shape=shape, dtype=float)

    @cached_property
    def limit_values(self) -> Floats:
        """Return the right-hand sides of shared limits, [g]."""
        return np.array([limit.limit for limit in self.limits])


def remainder_of(commodity: str) -> str:
    """Return the id of what a light separation leaves of a concentrate."""
    return commodity + "_seg"


_DEFAULTS = {
    "cost": 0.0, "upper": np.inf, "elasticity": np.inf, "reference": 0.0, "demand_elasticity": -1.0,
    "adjustment": 1.0, "growth": 0.0, "choke": np.inf, "saturation": np.inf, "reference_price": np.nan,
    "holding_cost": 0.0, "opens": np.nan, "spoilage": 0.0, "room": np.nan, "convenience": 1.0, "transit": 0.0,
}  # fmt: skip
"""Numbers of an activity that its row does not give."""
_UPPER = list(_DEFAULTS).index("upper")


class _Builder:
    def __init__(self, case: Case, values: Values) -> None:
        self.case, self.values = case, values
        self.commodities = {row.id: row for row in case.commodities}
        self.places = {row.id: row for row in case.places}
        self.oxide_of = {row.element: row.id for row in case.commodities if row.stage == "oxide" and row.element}
        self.markets: dict[tuple[str, str], int] = {}
        self.activities: list[Activity] = []
        self.numbers: list[list[float]] = []
        """Of each activity, in the order of `_DEFAULTS`."""
        self.closed: list[bool] = []
        self.rent_to: list[str] = []
        self.limits: list[SharedLimit] = []
        self.route_legs: dict[int, tuple[str, ...]] = {}
        self.activity_seasons: dict[int, str] = {}
        self.limit_seasons: dict[str, str] = {}
        self.grade_of: dict[int, str] = {}
        self.carried: dict[tuple[str, ...], list[str]] = {}
        self.recipes: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
        for row in case.recipes:
            self.recipes[row.recipe].append((row.side, row.commodity, self.number(row.coefficient, 1.0)))
        self.baskets = self._baskets()
        self.light = self._light_elements()

    def number(self, cell: Cell | None, default: float) -> float:
        return default if cell is None else float(self.values[cell])

    def _baskets(self) -> dict[str, dict[str, float]]:
        shares: dict[str, dict[str, float]] = defaultdict(dict)
        for row in self.case.baskets:
            shares[row.basket][row.element] = self.number(row.share, 0.0)
        return {basket: {e: s / sum(of.values()) for e, s in of.items()} for basket, of in shares.items()}

    def _light_elements(self) -> dict[str, frozenset[str]]:
        """Return per concentrate which elements its light separation takes out."""
        light: dict[str, frozenset[str]] = {}
        for process in self.case.processes:
            lines = self.recipes.get(process.recipe, [])
            if any(commodity == "@feed:rest" for _, commodity, _ in lines):
                named = {e for _, c, _ in lines if c.startswith("@feed:") for e in _elements(c)}
                for feed in process.feeds:
                    light[feed] = light.get(feed, frozenset()) | frozenset(named)
        return light

    def basket_of(self, feed: str) -> dict[str, float]:
        """Return element shares of a concentrate or of its remainder, summing to one."""
        row = self.commodities[feed]
        basket = self.baskets.get(row.basket)
        if basket is None:
            raise NetworkError(f"commodity {feed!r} has basket {row.basket!r}, which baskets.csv does not hold")
        if row.stage == "intermediate":
            parent = feed.removesuffix("_seg")
            rest = {e: s for e, s in basket.items() if e not in self.light.get(parent, frozenset())}
            total = sum(rest.values())
            return {e: s / total for e, s in rest.items()}
        return basket

    def market(self, place: str, commodity: str) -> int:
        row = self.commodities.get(commodity)
        if row is None:
            raise NetworkError(f"commodity {commodity!r} is used at {place!r} and is not in commodities.csv")
        key = (WORLD if row.market == "world" else place, commodity)
        if key not in self.markets:
            self.markets[key] = len(self.markets)
        return self.markets[key]

    def flows_of(self, recipe: str, feed: str, place: str) -> tuple[tuple[int, float], ...]:
        """Return a recipe's inputs and outputs on one feed as market flows."""
        flows: dict[int, float] = defaultdict(float)
        for side, commodity, coefficient in self.recipes[recipe]:
            sign = -1.0 if side == "input" else 1.0
            for name, amount in self._spelled(recipe, commodity, coefficient, feed):
                flows[self.market(place, name)] += sign * amount
        return tuple((i, amount) for i, amount in flows.items() if amount)

    def _spelled(self, recipe: str, commodity: str, coefficient: float, feed: str) -> list[tuple[str, float]]:
        if not commodity.startswith("@feed"):
            return [(commodity, coefficient)]
        if commodity == "@feed":
            return [(feed, coefficient)]
        basket = self.basket_of(feed)
        if commodity == "@feed:rest":
            rest = sum(s for e, s in basket.items() if e not in self.light.get(feed, frozenset()))
            return [(remainder_of(feed), coefficient * rest)] if rest else []
        wanted = set(basket) if commodity == "@feed:all" else set(_elements(commodity))
        missing = sorted(e for e in wanted if e not in self.oxide_of)
        if missing:
            raise NetworkError(
                f"recipe {recipe!r} makes {', '.join(missing)}, for which no oxide is in commodities.csv"
            )
        return [(self.oxide_of[e], coefficient * s) for e, s in basket.items() if e in wanted and s]

    def add(self, activity: Activity, *, closed: bool = False, rent_to: str = "", **numbers: float) -> int:
        self.activities.append(activity)
        self.numbers.append([*{**_DEFAULTS, **numbers}.values()])
        self.closed.append(closed)
        self.rent_to.append(rent_to)
        return len(self.activities) - 1

    def processes(self) -> None:
        base_year = self.case.base_year
        for row in self.case.processes:
            members = []
            capacity = self.number(row.capacity, np.inf)
            not_yet = row.start is not None and row.start > base_year
            for feed in row.feeds or ("",):
                name = f"{row.id}[{feed}]" if len(row.feeds) > 1 else row.id
                activity = Activity(
                    name=name, kind=Kind.PROCESS, row=row.id, place=row.place, to_place=row.place, feed=feed,
                    flows=self.flows_of(row.recipe, feed, row.place), operator=row.operator, process_kind=row.kind,
                )  # fmt: skip
                members.append(
                    self.add(
                        activity,
                        closed=not_yet or capacity == 0 or bool(row.explained_by),
                        rent_to=row.rent_to,
                        cost=self.number(row.cost, 0.0),
                        upper=capacity,
                        elasticity=self.number(row.elasticity, np.inf),
                        opens=float(row.start) if row.start is not None else np.nan,
                    )  # fmt: skip
                )
                if row.season:
                    self.activity_seasons[members[-1]] = row.season
            if row.season:
                self.limit_seasons[f"plant:{row.id}"] = row.season
            if len(members) > 1:
                weights = tuple((j, 1.0) for j in members)
                owner = row.rent_to or row.operator
                self.limits.append(SharedLimit(f"plant:{row.id}", "plant", row.id, owner, weights, capacity))
                for j in members:
                    self.numbers[j][_UPPER] = np.inf

    def routes(self) -> None:
        legs = {row.id: row for row in self.case.legs}
        travelled = [legs[leg] for leg in dict.fromkeys(leg for row in self.case.routes for leg in row.legs)]
        per_t = {
            leg.id: self.number(leg.km, 0.0) * self.number(leg.rate, 0.0) + self.number(leg.fixed, 0.0)
            for leg in travelled
        }
        kept = {leg.id: 1.0 - self.number(leg.loss, 0.0) for leg in travelled}
        days = {leg.id: self.number(leg.days, 0.0) for leg in travelled}
        users: dict[str, list[tuple[int, float]]] = defaultdict(list)
        touched = set(self.markets)
        for row in self.case.routes:
            per_gross = sum(per_t[leg] for leg in row.legs)
            keep = math.prod(kept[leg] for leg in row.legs)
            shut = any(legs[leg].state == "closed" for leg in row.legs)
            transit = sum(days[leg] for leg in row.legs) / DAYS
            for commodity in self._carried(row.commodities):
                if self.commodities[commodity].market == "world":
                    continue
                if (row.from_, commodity) not in touched and not self._made_by_route(row.from_, commodity):
                    continue
                if (row.to, commodity) not in touched and not self._left_by_route(row.to, commodity):
                    continue
                gross = self.number(self.commodities[commodity].gross_per_t, 1.0)
                activity = Activity(
                    name=f"{row.id}[{commodity}]", kind=Kind.ROUTE, row=row.id, place=row.from_, to_place=row.to,
                    feed=commodity,
                    flows=((self.market(row.from_, commodity), -1.0), (self.market(row.to, commodity), keep)),
                )  # fmt: skip
                j = self.add(
                    activity, closed=shut or bool(row.explained_by),
                    cost=per_gross * gross + self.number(row.fixed, 0.0),
                    elasticity=self.number(row.response, np.inf),
                    transit=transit,
                )  # fmt: skip
                self.route_legs[j] = tuple(row.legs)
                for leg in row.legs:
                    users[leg].append((j, gross))
        for leg, weights in users.items():
            on = legs[leg]
            capacity = self.number(on.capacity, np.inf) * self.number(on.months_open, 12.0) / 12.0
            owner = self.controller(leg) or leg
            if on.season:
                self.limit_seasons[f"leg:{leg}"] = on.season
            self.limits.append(SharedLimit(f"leg:{leg}", "leg", leg, owner, tuple(weights), capacity))

    def controller(self, identifier: str) -> str:
        """Return who controlled a place, leg or process at the end of the base year, by control.csv."""
        day = f"{self.case.base_year}-12-31"
        for row in self.case.control:
            if row.object == identifier and str(row.from_) <= day and (not row.to or str(row.to) > day):
                return row.controller
        return ""

    def _carried(self, patterns: tuple[str, ...]) -> list[str]:
        if patterns in self.carried:
            return self.carried[patterns]
        found: list[str] = []
        for pattern in patterns:
            if pattern.startswith("stage:"):
                found += [c.id for c in self.case.commodities if c.stage == pattern.removeprefix("stage:")]
            else:
                found.append(pattern)
        self.carried[patterns] = list(dict.fromkeys(found))
        return self.carried[patterns]

    def _made_by_route(self, place: str, commodity: str) -> bool:
        return (place, commodity) in self._route_ends["to"]

    def _left_by_route(self, place: str, commodity: str) -> bool:
        return (place, commodity) in self._route_ends["from"]

    @cached_property
    def _route_ends(self) -> dict[str, set[tuple[str, str]]]:
        """Return which (place, commodity) a route with a live other end reaches or leaves: way stations of a chain.

        Grown to a fixed point, so that goods may change routes any number of times.
        """
        touched = set(self.markets)
        reach, leave = set(touched), set(touched)
        pairs = [((row.from_, c), (row.to, c)) for row in self.case.routes for c in self._carried(row.commodities)]
        growing = True
        while growing:
            growing = False
            for start, end in pairs:
                if start in reach and end not in reach:
                    reach.add(end)
                    growing = True
                if end in leave and start not in leave:
                    leave.add(start)
                    growing = True
        return {"to": reach, "from": leave}

    def demands(self) -> None:
        for row in self.case.demands:
            level = self.case.switch_factor(row, self.values)
            activity = Activity(
                name=f"use:{row.id}", kind=Kind.DEMAND, row=row.id, place=row.place, to_place=row.place,
                feed=row.commodity, flows=((self.market(row.place, row.commodity), -1.0),), use=row.use,
                operator=row.place,
            )  # fmt: skip
            self.add(
                activity, reference=self.number(row.quantity, 0.0) * level,
                reference_price=self.number(row.price, np.nan), demand_elasticity=self.number(row.elasticity, -1.0),
                adjustment=self.number(row.adjustment, 1.0), growth=self.number(row.growth, 0.0),
                choke=self.number(row.choke, np.inf), saturation=self.number(row.saturation, np.inf),
            )  # fmt: skip

    def stocks(self) -> None:
        for row in self.case.stocks:
            if row.kind == "strategic":  # released by a rule, not by the market
                if row.has_rule:
                    self.market(row.place, row.commodity)
                continue
            activity = Activity(
                name=f"stock:{row.id}", kind=Kind.STOCK, row=row.id, place=row.place, to_place=row.place,
                feed=row.commodity, flows=((self.market(row.place, row.commodity), -1.0),), operator=row.holder,
            )  # fmt: skip
            self.add(
                activity, reference=self.number(row.opening, 0.0), holding_cost=self.number(row.holding_cost, 0.0),
                demand_elasticity=-1.0 / max(self.number(row.elasticity, 1.0), 1e-6),
                growth=self.number(row.growth, 0.0), spoilage=self.number(row.spoilage, 0.0),
                room=self.number(row.capacity, np.nan), convenience=0.0 if row.convenience == "no" else 1.0,
            )  # fmt: skip

    def grades(self) -> None:
        """Add one activity a grade, without capacity until it is qualified."""
        demands = {row.id: row for row in self.case.demands}
        processes = {row.id: row for row in self.case.processes}
        for row in self.case.grades:
            use, process = demands.get(row.replaces), processes.get(row.replaces)
            if use is not None:
                place, operator, feed, cost = use.place, use.place, use.commodity, 0.0
            elif process is not None:
                place, operator, feed = process.place, process.operator, next(iter(process.feeds), "")
                cost = self.number(process.cost, 0.0)
            else:
                raise NetworkError(f"grade {row.id!r} replaces {row.replaces!r}, which is no demand and no process")
            activity = Activity(
                name=f"grade:{row.id}", kind=Kind.PROCESS, row=row.id, place=place, to_place=place, feed=feed,
                flows=self.flows_of(row.recipe, feed, place), operator=operator, process_kind="grade",
            )  # fmt: skip
            j = self.add(activity, closed=True, cost=self.number(row.running_cost, cost), upper=0.0)
            self.grade_of[j] = row.replaces

    def season_months(self) -> dict[str, tuple[float, ...]]:
        """Return the twelve factors of each season, scaled to a mean of 1; months that no row names count 1."""
        found: dict[str, list[float]] = {}
        for row in self.case.seasons:
            factors = found.setdefault(row.season, [1.0] * 12)
            for month in row.months:
                factors[int(month) - 1] = self.number(row.factor, 1.0)
        whole: dict[str, tuple[float, ...]] = {}
        for season, factors in found.items():
            mean = sum(factors) / 12.0
            if mean <= 0.0:
                raise NetworkError(f"season {season!r} has no month with a factor above 0; open one")
            whole[season] = tuple(factor / mean for factor in factors)
        return whole

    def disposals(self) -> None:
        """Give every market whose commodity may be thrown away at a cost an activity that does so."""
        for (place, commodity), i in list(self.markets.items()):
            row = self.commodities[commodity]
            if row.disposal == "cost":
                activity = Activity(
                    name=f"dispose:{commodity}@{place}", kind=Kind.PROCESS, row=f"dispose:{commodity}", place=place,
                    to_place=place, feed=commodity, flows=((i, -1.0),), process_kind="dispose",
                )  # fmt: skip
                self.add(activity, cost=self.number(row.disposal_cost, 0.0))

    def ties(self) -> None:
        groups: dict[str, set[str]] = defaultdict(set)
        for membership in self.case.groups:
            groups[membership.group].add(membership.member)
        for row in self.case.ties:
            inside = groups.get(row.destination, set()) | {row.destination}
            source = next(p for p in self.case.processes if p.id == row.process)
            weights: dict[int, float] = defaultdict(float)
            for j, activity in enumerate(self.activities):
                if activity.kind is Kind.ROUTE and activity.place == source.place and activity.feed == row.commodity:
                    if activity.to_place not in inside:
                        weights[j] += 1.0
                elif activity.kind is Kind.PROCESS and activity.place == source.place:
                    made = sum(
                        v for i, v in activity.flows if v > 0 and i == self.markets.get((source.place, row.commodity))
                    )
                    if made:
                        free = 1.0 - self.number(row.share, 1.0) if activity.row == row.process else 1.0
                        weights[j] -= made * free
            found = tuple((j, w) for j, w in weights.items() if w)
            self.limits.append(SharedLimit(f"tie:{row.id}", "tie", row.id, row.operator, found, 0.0))

    def composition(self) -> dict[str, dict[str, float]]:
        """Return t of each element's oxide per t of commodity, where the tables say it."""
        found: dict[str, dict[str, float]] = {}
        for row in self.case.commodities:
            if row.stage in ("concentrate", "intermediate") and row.basket:
                found[row.id] = self.basket_of(row.id)
            elif row.stage == "oxide" and row.element in self.oxide_of and self.oxide_of[row.element] == row.id:
                found[row.id] = {row.element: 1.0}
        return found


def _elements(pattern: str) -> list[str]:
    """Return the elements that `@feed:La;Ce` names; none for `rest` and `all`."""
    names = pattern.removeprefix("@feed:")
    return [] if names in ("rest", "all", "@feed") else [e for e in names.split(";") if e]


def build_network(case: Case, values: Values) -> Network:
    """Return the network of a case for one set of parameter values, as it stands in the base year without policies.

    Args:
        case: a case whose tables passed the checks.
        values: canonical numbers (t of the basis, USD of the money year, years) for the case's parameter cells.

    Raises:
        NetworkError: the tables name something that is not there.

    Example:
        >>> from oreflow.chain.case import load_case
        >>> case = load_case("kachin")  # doctest: +SKIP
        >>> len(build_network(case, case.values()).markets) > 100  # doctest: +SKIP
        True
    """
    builder = _Builder(case, values)
    builder.processes()
    builder.demands()
    builder.stocks()
    builder.routes()
    builder.ties()
    builder.disposals()
    builder.grades()
    return Network(
        markets=tuple(Market(place, commodity) for place, commodity in builder.markets),
        activities=tuple(builder.activities),
        limits=tuple(builder.limits),
        **dict(zip(_DEFAULTS, np.array(builder.numbers).reshape(-1, len(_DEFAULTS)).T.copy(), strict=True)),
        closed=np.array(builder.closed),
        rent_to=tuple(builder.rent_to),
        composition=builder.composition(),
        route_legs=builder.route_legs,
        closed_legs=frozenset(row.id for row in case.legs if row.state == "closed"),
        gross_per_t={row.id: builder.number(row.gross_per_t, 1.0) for row in case.commodities},
        activity_seasons=builder.activity_seasons,
        limit_seasons=builder.limit_seasons,
        season_months=builder.season_months(),
        grade_of=builder.grade_of,
    )
