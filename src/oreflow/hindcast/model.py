"""An episode as an economy over periods: one routine for all of them, with no switch by episode.

Markets are element times place. Supply is imposed or answers to the price, use is isoelastic with partial adjustment,
every place holds stocks of every element by one rule (months of its use), and links part prices by duty, unrefunded
VAT and a limit on all elements together, whose rent is uniform a tonne. Agents see one period ahead: beyond it they
expect prices to return to the reference (`oreflow.market.windows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import scipy.sparse as sp

from oreflow.core.errors import OreflowError
from oreflow.hindcast.episode import Backcast, Date, Episode, ScoredRow, Supply, step_at
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Floats
from oreflow.market.periods import Period, share_within
from oreflow.market.stocks import Expectation, Memory, Stock
from oreflow.market.windows import Dynamics, opening_state, roll

_NO_LIMIT = 1e9  # t in a period: a quota that is not there
_CHOKE = 26.0  # times the reference price: where use ends; the largest rise on record (row H2010.10)


class HindcastError(OreflowError):
    """An episode whose reference state cannot be: use exceeds supply, or a price is missing."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The free parameters, the same for every episode, element and place.

    Attributes:
        short: elasticity of use within a year, without unit, negative.
        long: elasticity of use once adjusted, negative; the share adjusted in a year is short / long.
        cover: stock held at reference prices, months of use.
        holding: elasticity of the stock with respect to its marginal convenience value, negative.
        weight: share of a price's distance from the reference (in the mean expected) that is left after a year.
        supply: multiplier of the elasticities that streams of supply have in the file, positive.
        follow: share of the control's price changes that the elements' prices follow one for one, 0 to 1; the rest
            moves them only through demand.
    """

    short: float = -0.15
    long: float = -0.7
    cover: float = 4.0
    holding: float = -1.0
    weight: float = 0.8
    supply: float = 1.0
    follow: float = 0.5

    def __post_init__(self) -> None:
        if not (self.short < 0.0 and self.long <= self.short and self.cover >= 0.0 and self.holding < 0.0
                and self.supply > 0.0 and 0.0 <= self.follow <= 1.0):  # fmt: skip
            raise HindcastError(f"{self}: expected long <= short < 0, cover of 0 or more, holding below 0, supply "
                                "above 0 and follow from 0 to 1")  # fmt: skip

    def values(self) -> dict[str, float]:
        """Values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class EpisodeRun:
    """Path of an episode.

    Attributes:
        episode: what was run.
        ok, cause: whether every period found its equilibrium, and which did not.
        periods: in order, T.
        reference: prices of the reference state by element and place, USD/kg, [E, P].
        prices: USD/kg, [T, E, P].
        stocks: t at the end of the period, [T, E, P].
        reference_flows: t a year by link and element, [L, E].
        flows: t a year, [T, L, E].
        rents: of the limits, USD/kg, [T, L]; 0 where the limit is slack.
        limits: t in the period, [T, L]; inf where there is none.
        supply, demand: imposed or offered at reference prices, t a year, by element, with the reference in row 0,
            [1 + T, E] each.
        local_supply: of the reference, by the place where it is offered, t a year, [E, P].
        control: price of the control relative to the reference, [T]; 1 where the episode does not give it, and then
            prices are read relative to the control as they are.
        follow: share of the control's price changes that the prices follow.
    """

    episode: Episode
    ok: bool
    cause: str
    periods: tuple[Period, ...]
    reference: Floats
    prices: Floats
    stocks: Floats
    reference_flows: Floats
    flows: Floats
    rents: Floats
    limits: Floats
    supply: Floats
    demand: Floats
    local_supply: Floats
    control: Floats
    follow: float

    @property
    def relative(self) -> Floats:
        """Prices relative to the reference and to the control, without unit, [T, E, P]."""
        return np.asarray(self.prices / self.reference / self.control[:, None, None])

    def price(self, element: str, place: str) -> Floats:
        """Prices of an element in a place by period, USD/kg, [T]."""
        return np.asarray(self.prices[:, list(self.episode.elements).index(element), self.episode.places.index(place)])

    def response(self, row: ScoredRow) -> float:
        """Change of the row's quantity from its first date to its second, in logs, less the control's where it has one.

        The control's own change is the observed one, at the row's own dates.
        """
        change = float(np.log(self._at(row, row.after.date) / self._at(row, row.before.date)))
        if row.control is None or not self.episode.demand.price:
            return change
        return change - (1.0 - self.follow) * row.control.change

    def _at(self, row: ScoredRow, date: Date) -> float:
        """Tonnes a year, or the price in units that follow the control, USD/kg."""
        weights, outside = period_weights(date, self.periods)
        if row.quantity == "price":
            e, place = list(self.episode.elements).index(row.element), self.episode.places.index(row.place)
            path, reference = self.prices[:, e, place] / self.control**self.follow, self.reference[e, place]
        else:
            k = [f"{link.source} -> {link.to}" for link in self.episode.links].index(row.place)
            chosen = slice(None) if row.element == "all" else [list(self.episode.elements).index(row.element)]
            path = self.flows[:, k, chosen].sum(axis=1)
            reference = self.reference_flows[k, chosen].sum()
        return float(weights @ path + outside * reference)


def period_weights(date: Date, periods: tuple[Period, ...]) -> tuple[Floats, float]:
    """Weights of the periods in a date's mean, [T], and the weight of the reference (what lies before the first)."""
    overlap = np.array([max(0.0, min(p.stop, date.stop) - max(p.start, date.start)) for p in periods])
    before = max(0.0, min(periods[0].start, date.stop) - date.start)
    total = overlap.sum() + before
    return overlap / total, before / total


def reference_supply(
    episode: Episode, backcast: Backcast, supply: Supply, factors: Mapping[str, float] | None = None
) -> Floats:
    """Tonnes a year of a stream in the reference state by element, [E].

    Args:
        episode: whose elements and composition count.
        backcast: the rule for streams of the base year.
        supply: the stream.
        factors: multipliers by stream name (a part of the back-cast, or a stream of the episode) for a draw.
    """
    factors = factors or {}
    if supply.tonnes is not None:
        shares = np.array([episode.composition[name] for name in episode.elements])
        return np.asarray(shares * supply.tonnes * factors.get(supply.name, 1.0))
    year = supply.year if supply.year is not None else backcast.year
    shares = np.array([backcast.composition[name] for name in episode.elements])
    total = sum(backcast.streams[s].tonnes_in(year) * factors.get(s, 1.0) for s in supply.backcast)
    return np.asarray(shares * total)


def stream_share(
    supply: Supply, backcast: Backcast, period: Period, record: float = 0.5, factors: Mapping[str, float] | None = None
) -> float:
    """Return what a stream offers in a period relative to the reference: its own record, else the back-cast's years.

    Args:
        supply: the stream.
        backcast: the rule, which also holds within an episode where the episode has no record of its own.
        period: within a year.
        record: where two records disagree, 0 for the first, 1 for the annual one.
        factors: multipliers of the back-cast's streams, for a draw.
    """
    if supply.index or supply.annual or not supply.backcast:
        return supply.share(period.start, period.stop, record)
    factors = factors or {}
    reference, year = supply.year if supply.year is not None else backcast.year, int(period.start + 1e-6)
    then, now = (
        sum(backcast.streams[name].tonnes_in(y) * factors.get(name, 1.0) for name in supply.backcast)
        for y in (reference, max(year, reference))
    )
    return now / then if then > 0.0 else 1.0


def run_episode(
    episode: Episode, backcast: Backcast, parameters: Parameters, *, factors: Mapping[str, float] | None = None,
    record: float = 0.5, intensity: float | None = None, stocks: bool = True, discount: float = 0.05,
) -> EpisodeRun:  # fmt: skip
    """Return the path of an episode under given parameters.

    Args:
        episode: what is imposed.
        backcast: gives the state before.
        parameters: of use, stocks and expectations.
        factors: multipliers of streams and of uses outside the home market, by name, for a draw.
        record: where two records of a stream disagree, 0 for the first, 1 for the annual one.
        intensity: yearly growth of use per unit of the demand index; None: the back-cast's.
        stocks: False runs it without any stock.
        discount: r, a year.

    Raises:
        HindcastError: the reference state cannot be (use outside exceeds supply).

    Example:
        >>> run_episode(episode, backcast, Parameters()).price("Dy", "China")  # doctest: +SKIP
    """
    factors = factors or {}
    names, places = tuple(episode.elements), episode.places
    size, width = len(names), len(places)
    market = np.arange(size * width).reshape(size, width)
    reference = _reference_prices(episode)
    offered = np.zeros((size, width))
    elastic: list[tuple[int, int, float, float]] = []  # market, stream, t a year, elasticity
    streams = []
    for k, supply in enumerate(episode.supply):
        tonnes = reference_supply(episode, backcast, supply, factors)
        streams.append(tonnes)
        at = places.index(supply.place)
        offered[:, at] += tonnes
        if supply.elasticity > 0.0:
            answer = supply.elasticity * parameters.supply
            elastic += [(int(market[e, at]), k, float(tonnes[e]), answer) for e in range(size)]
    used = np.zeros((size, width))
    for use in episode.uses:
        shares = np.array([episode.composition[name] for name in names])
        used[:, places.index(use.place)] += shares * use.tonnes * factors.get(f"use {use.place}", 1.0)
    reference_flows = np.zeros((len(episode.links), size))
    home = places.index(episode.home)
    for k, link in enumerate(episode.links):
        reference_flows[k] = np.maximum(used[:, places.index(link.to)] - offered[:, places.index(link.to)], 0.0)
    used[:, home] = offered.sum(axis=1) - np.delete(used, home, axis=1).sum(axis=1)
    if (used[:, home] <= 0.0).any():
        e = int(np.argmin(used[:, home]))
        raise HindcastError(
            f"{episode.id}: reference use of {names[e]} outside {episode.home} exceeds all supply "
            f"({offered[e].sum():,.0f} t a year); expected some use left in {episode.home}"
        )
    demands = [(e, p) for e in range(size) for p in range(width) if used[e, p] > 0.0]
    ways = [(k, e) for k in range(len(episode.links)) for e in range(size)]
    count = len(demands) + len(elastic) + len(ways)
    rows, cols, net, priced = [], [], [], []
    for j, (e, p) in enumerate(demands):
        rows.append(int(market[e, p]))
        cols.append(j)
        net.append(-1.0)
        priced.append(-1.0)
    for j, stream in enumerate(elastic, len(demands)):
        rows.append(stream[0])
        cols.append(j)
        net.append(1.0)
        priced.append(1.0)
    first_way = len(demands) + len(elastic)
    for j, (k, e) in enumerate(ways, first_way):
        link = episode.links[k]
        rows += [int(market[e, places.index(link.source)]), int(market[e, places.index(link.to)])]
        cols += [j, j]
        net += [-1.0, 1.0]
        priced += [-link.wedge, 1.0]
    shape = (size * width, count)
    A, B = (sp.csc_array((np.array(v), (rows, cols)), shape=shape) for v in (net, priced))
    G = sp.csr_array(
        (np.ones(len(ways)), ([k for k, _ in ways], range(first_way, first_way + len(ways)))),
        shape=(len(episode.links), count),
    )
    flat = reference.ravel() * 1000.0  # USD/t
    length = episode.months / 12
    periods = tuple(Period(episode.start.start + t * length, length) for t in range(episode.periods))
    rate = intensity if intensity is not None else (backcast.intensity.rate if backcast.intensity else 0.0)
    follows = any(supply.backcast for supply in episode.supply)
    control = np.array([episode.demand.price_at(0.5 * (period.start + period.stop)) for period in periods])
    held_back = _held_back(control ** (1.0 - parameters.follow), periods, parameters)
    unit = control**parameters.follow  # the economy is solved in money that follows the control
    middle = _reference_date(episode)
    kinds = [CurveKind.ISOELASTIC] * len(demands) + [CurveKind.POWER] * len(elastic) + [CurveKind.CONSTANT] * len(ways)
    total_supply, total_demand = [offered.sum(axis=1)], [used.sum(axis=1)]
    economies: dict[float, EconomyArrays] = {}
    limits = np.full((len(periods), len(episode.links)), np.inf)
    for t, period in enumerate(periods):
        scale = step_at(episode.demand.index, period.start, period.stop)
        if follows:
            scale *= (1.0 + rate) ** (period.start + 0.5 * length - middle)
        fixed = np.zeros((size, width))
        indices = [stream_share(s, backcast, period, record, factors) for s in episode.supply]
        now = np.zeros(size)
        for supply, tonnes, share in zip(episode.supply, streams, indices, strict=True):
            now += tonnes * share
            if supply.elasticity == 0.0:
                fixed[:, places.index(supply.place)] -= tonnes * share * length
        total_supply.append(now)
        total_demand.append(used.sum(axis=1) * scale)
        scale /= held_back[t]
        a = [flat[market[e, p]] for e, p in demands] + [0.0] * (len(elastic) + len(ways))
        b = [used[e, p] * scale * length for e, p in demands]
        c = [parameters.long] * len(demands)
        for i, k, offer, elasticity in elastic:  # price = p0 (x / offered)^(1 / elasticity)
            most = max(offer * indices[k] * length, 1e-12)
            b.append(float(flat[i]) * most ** (-1.0 / elasticity))
            c.append(1.0 / elasticity)
        b += [0.0] * len(ways)
        c += [1.0] * len(ways)
        d = [_CHOKE * x if x > 0.0 else np.inf for x in a]
        for k, link in enumerate(episode.links):
            limits[t, k] = link.limit_at(period.start)
        economies[period.start] = EconomyArrays(
            A, B, CurveTable.of(kinds, 0.0, a, b, c, d), np.full(count, np.inf), fixed.ravel(),
            np.zeros(size * width, dtype=bool), G, np.minimum(limits[t], _NO_LIMIT),
            market_names=tuple(f"{name} in {place}" for name in names for place in places),
        )  # fmt: skip
    held = demands if stocks and parameters.cover > 0.0 else []
    dynamics = Dynamics(
        stocks=tuple(
            Stock(int(market[e, p]), used[e, p] * parameters.cover / 12, float(flat[market[e, p]]),
                  elasticity=parameters.holding)
            for e, p in held
        ),
        memories=tuple(Memory(j, min(parameters.short / parameters.long, 1.0)) for j in range(len(demands))),
        discount=discount,
        expectation=Expectation(weight=parameters.weight, anchor=flat, within=True),
    )  # fmt: skip
    state = opening_state(dynamics, periods[0].start, flat)
    path = roll(periods, lambda period, _: economies[period.start], dynamics, state, window=0.5 * length)
    done = len(path.periods)
    stocks_held = np.zeros((done, size, width))
    for s, (e, p) in enumerate(held):
        stocks_held[:, e, p] = [result.stocks[s] for result in path.periods]
    flows = np.array([result.levels[first_way:] for result in path.periods]) / length
    return EpisodeRun(
        episode=episode, ok=path.ok, cause=path.cause, periods=periods[:done], reference=reference,
        prices=np.array([result.prices for result in path.periods]).reshape(done, size, width)
        * unit[:done, None, None] / 1000.0,
        stocks=stocks_held, reference_flows=reference_flows,
        flows=flows.reshape(done, len(episode.links), size),
        rents=np.array([result.group_rents for result in path.periods]).reshape(done, len(episode.links))
        * unit[:done, None] / 1000.0,
        limits=limits[:done], supply=np.array(total_supply), demand=np.array(total_demand),
        local_supply=offered, control=control[:done], follow=parameters.follow,
    )  # fmt: skip


def _held_back(prices: Floats, periods: tuple[Period, ...], parameters: Parameters) -> Floats:
    """Use of the control at its prices (relative to the reference, [T]) over its use at reference prices, [T].

    The control goes into the same goods and answers to its price as the elements do to theirs; its observed use over
    this is the demand there would be at reference prices.
    """
    out, adjusted = np.ones(len(periods)), 0.0
    for t, period in enumerate(periods):
        speed = share_within(min(parameters.short / parameters.long, 1.0), period.length)
        adjusted = speed * parameters.long * np.log(prices[t]) + (1.0 - speed) * adjusted
        out[t] = np.exp(adjusted)
    return out


def _reference_date(episode: Episode) -> float:
    """Middle of the reference year of the back-cast, decimal year; the episode's start where it gives tonnes itself."""
    years = [supply.year for supply in episode.supply if supply.year is not None]
    return min(years[0] + 0.5, episode.start.start) if years else episode.start.start


def _reference_prices(episode: Episode) -> Floats:
    """USD/kg by element and place, [E, P]: what an element's own place says, carried along the links by their wedge."""
    names, places = tuple(episode.elements), episode.places
    out = np.full((len(names), len(places)), np.nan)
    for e, element in enumerate(episode.elements.values()):
        out[e, places.index(element.place)] = element.price
    for _ in places:
        for link in episode.links:
            i, j = places.index(link.source), places.index(link.to)
            for e in range(len(names)):
                if np.isnan(out[e, j]) and not np.isnan(out[e, i]):
                    out[e, j] = out[e, i] * link.wedge
                elif np.isnan(out[e, i]) and not np.isnan(out[e, j]):
                    out[e, i] = out[e, j] / link.wedge
    if np.isnan(out).any():
        e, p = (int(x) for x in np.argwhere(np.isnan(out))[0])
        raise HindcastError(
            f"{episode.id}: no reference price of {names[e]} in {places[p]}; expected a link from or to the place "
            f"whose price is given ({list(episode.elements.values())[e].place})"
        )
    return out
