"""An episode as an economy over periods: one routine for all of them, with no switch by episode.

Markets are element times place. Supply is imposed or answers to the price, use answers at once and again once switches
are qualified (`Switching`), every place holds stocks of every element by one rule (months of its use, part of which is
at work and never sold), and links part prices by duty, unrefunded VAT and a limit on all elements together, whose rent
is uniform a tonne. Agents see one period ahead: beyond it they expect prices to return to the reference
(`oreflow.market.windows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.core.errors import OreflowError
from oreflow.hindcast.episode import Backcast, Date, Episode, ScoredRow, Supply, step_at
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Floats
from oreflow.market.periods import Period
from oreflow.market.stocks import Expectation, Stock
from oreflow.market.windows import Dynamics, PeriodResult, opening_state, solve_window, state_after

_NO_LIMIT = 1e9  # t in a period: a quota that is not there
_CHOKE = 26.0  # times the reference price: where use ends; the largest rise on record (row H2010.10)


class HindcastError(OreflowError):
    """An episode whose reference state cannot be: use exceeds supply, or a price is missing."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The free parameters, the same for every episode, element and place.

    Attributes:
        short: elasticity of use at once, without unit, negative.
        long: elasticity of use once users have switched, negative.
        cover: stock held at reference prices, months of use.
        working: share of that stock which is at work and never sold, from 0 to below 1.
        holding: elasticity of the rest with respect to its marginal convenience value, negative.
        weight: share of a price's distance from the reference (in the mean expected) that is left after a year.
        supply: multiplier of the elasticities that streams of supply have in the file, positive.
        follow: share of the control's price changes that the elements' prices follow one for one, 0 to 1; the rest
            moves them only through demand.
    """

    short: float = -0.15
    long: float = -0.7
    cover: float = 4.0
    working: float = 0.3
    holding: float = -1.0
    weight: float = 0.8
    supply: float = 1.0
    follow: float = 0.5

    def __post_init__(self) -> None:
        if not (self.short < 0.0 and self.long <= self.short and self.cover >= 0.0 and 0.0 <= self.working < 1.0
                and self.holding < 0.0 and self.supply > 0.0 and 0.0 <= self.follow <= 1.0):  # fmt: skip
            raise HindcastError(f"{self}: expected long <= short < 0, cover of 0 or more, working from 0 to below 1, "
                                "holding below 0, supply above 0 and follow from 0 to 1")  # fmt: skip

    def values(self) -> dict[str, float]:
        """Values by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


class Switching:
    """Users' switches to another material, grade or process: begun at the price they see, counting once qualified.

    In logs of use relative to the reference, a price calls for (long - short) times the logarithm of the price relative
    to the reference. Users begin what is missing at once, and it counts once qualified. What was saved is not undone
    when the price falls: a qualified grade stays qualified.

    Args:
        parameters: elasticities.
        qualification: years until a switch counts, by use, 0 or more, [D].
        start: of the first period, decimal year.

    Example:
        >>> switching = Switching(Parameters(short=-0.1, long=-0.7), [0.5], 2010.0)
        >>> switching.begin(Period(2010.0, 1.0), np.array([np.e]))
        >>> switching.begin(Period(2011.0, 1.0), np.array([1.0]))
        >>> switching.counted(Period(2012.0, 1.0)).round(6).tolist()
        [-0.6]

    Source: Dargay (1992), *The Irreversible Effects of High Oil Prices*, and Gately (1992), *Energy Journal* 13(4), for
    demand that does not come back.
    """

    def __init__(self, parameters: Parameters, qualification: Sequence[float], start: float) -> None:
        self._parameters, self._qualification = parameters, qualification
        self._dates, self._begun = [start], [np.zeros(len(qualification))]

    def counted(self, period: Period) -> Floats:
        """Return the logarithm of use in a period relative to use without any switch, without unit, [D].

        It is that of the middle of the period; of what is begun in the period itself nothing counts in it.
        """
        middle = 0.5 * (period.start + period.stop)
        columns = zip(np.array(self._begun).T, self._qualification, strict=True)
        return np.array([np.interp(min(middle - years, period.start), self._dates, begun) for begun, years in columns])

    def begin(self, period: Period, prices: Floats) -> None:
        """Begin what a period's prices, relative to the reference, [D], call for."""
        begun, goal = self._begun[-1], (self._parameters.long - self._parameters.short) * np.log(prices)
        self._dates.append(period.stop)
        self._begun.append(np.where(begun < 0.0, np.minimum(goal, begun), goal))


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

    @property
    def basket(self) -> Floats:
        """Value at home of the elements as the reference supplies them, relative to the reference, [T]."""
        value = self.supply[0] * self.reference[:, 0]
        return np.asarray((self.prices[:, :, 0] / self.reference[:, 0]) @ value / value.sum())

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


@dataclass(frozen=True, slots=True)
class Reference:
    """The state before an episode.

    Attributes:
        prices: USD/kg, [E, P].
        streams: of supply, t a year, [S, E].
        offered: t a year where it is offered, [E, P].
        used: t a year where it is used, [E, P].
        flows: over the links, t a year, [L, E].
    """

    prices: Floats
    streams: Floats
    offered: Floats
    used: Floats
    flows: Floats


def reference_state(episode: Episode, backcast: Backcast, factors: Mapping[str, float] | None = None) -> Reference:
    """Return the state before an episode: supply by the back-cast or the file, use at home what is left of it.

    Args:
        episode: what its file says of the reference.
        backcast: the rule for streams of the base year.
        factors: multipliers of streams and of uses outside the home market, by name, for a draw.

    Raises:
        HindcastError: use outside exceeds supply, or a price is missing.
    """
    factors = factors or {}
    names, places = tuple(episode.elements), episode.places
    shape = (len(names), len(places))
    offered, used = np.zeros(shape), np.zeros(shape)
    streams = np.array([reference_supply(episode, backcast, supply, factors) for supply in episode.supply])
    for supply, tonnes in zip(episode.supply, streams, strict=True):
        offered[:, places.index(supply.place)] += tonnes
    for use in episode.uses:
        shares = np.array([episode.composition[name] for name in names])
        used[:, places.index(use.place)] += shares * use.tonnes * factors.get(f"use {use.place}", 1.0)
    short = [used[:, places.index(link.to)] - offered[:, places.index(link.to)] for link in episode.links]
    flows = np.maximum(np.array(short).reshape(len(episode.links), len(names)), 0.0)
    home = places.index(episode.home)
    used[:, home] = offered.sum(axis=1) - np.delete(used, home, axis=1).sum(axis=1)
    if (used[:, home] <= 0.0).any():
        e = int(np.argmin(used[:, home]))
        raise HindcastError(
            f"{episode.id}: reference use of {names[e]} outside {episode.home} exceeds all supply "
            f"({offered[e].sum():,.0f} t a year); expected some use left in {episode.home}"
        )
    return Reference(_reference_prices(episode), streams, offered, used, flows)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Markets (element by place, in rows) and activities: uses, streams that answer to the price, flows over links."""

    uses: tuple[tuple[int, int], ...]  # element, place
    offers: tuple[tuple[int, int], ...]  # stream, element
    flows: tuple[tuple[int, int], ...]  # link, element
    A: sp.csc_array
    B: sp.csc_array
    G: sp.csr_array
    market_names: tuple[str, ...]

    @property
    def kinds(self) -> list[CurveKind]:
        """Curves of the activities."""
        return (
            [CurveKind.ISOELASTIC] * len(self.uses)
            + [CurveKind.POWER] * len(self.offers)
            + [CurveKind.CONSTANT] * len(self.flows)
        )

    @property
    def first_flow(self) -> int:
        """Position of the first flow."""
        return len(self.uses) + len(self.offers)


def _layout(episode: Episode, reference: Reference) -> _Layout:
    names, places = tuple(episode.elements), episode.places
    size, width = len(names), len(places)
    uses = tuple((e, p) for e in range(size) for p in range(width) if reference.used[e, p] > 0.0)
    offers = tuple((k, e) for k, s in enumerate(episode.supply) if s.elasticity > 0.0 for e in range(size))
    flows = tuple((k, e) for k in range(len(episode.links)) for e in range(size))
    entries: list[tuple[int, int, float, float]] = []  # market, activity, tonnes, tonnes times the wedge
    entries += [(e * width + p, j, -1.0, -1.0) for j, (e, p) in enumerate(uses)]
    entries += [
        (e * width + places.index(episode.supply[k].place), j, 1.0, 1.0) for j, (k, e) in enumerate(offers, len(uses))
    ]
    first = len(uses) + len(offers)
    for j, (k, e) in enumerate(flows, first):
        link = episode.links[k]
        entries.append((e * width + places.index(link.source), j, -1.0, -link.wedge))
        entries.append((e * width + places.index(link.to), j, 1.0, 1.0))
    count = first + len(flows)
    rows, cols, net, priced = zip(*entries, strict=True)
    A, B = (sp.csc_array((np.array(v), (rows, cols)), shape=(size * width, count)) for v in (net, priced))
    G = sp.csr_array((np.ones(len(flows)), ([k for k, _ in flows], range(first, count))),
                     shape=(len(episode.links), count))  # fmt: skip
    return _Layout(uses, offers, flows, A, B, G, tuple(f"{name} in {place}" for name in names for place in places))


def _economy(
    episode: Episode, reference: Reference, layout: _Layout, parameters: Parameters, offered: Floats, used: Floats,
    bound: Floats, limits: Floats,
) -> EconomyArrays:  # fmt: skip
    """One period: `offered` by stream [S, E] and `used` [D] at reference prices, t a year.

    In t, what the working stocks take in (`bound`, [D]) and the limits.
    """
    length = episode.months / 12
    price = reference.prices * 1000.0  # USD/t
    imposed = np.zeros_like(reference.used)
    for supply, tonnes in zip(episode.supply, offered, strict=True):
        if supply.elasticity == 0.0:
            imposed[:, episode.places.index(supply.place)] -= tonnes * length
    for (e, p), tonnes in zip(layout.uses, bound, strict=True):
        imposed[e, p] += tonnes
    curves = [
        (price[e, p], tonnes * length, parameters.short, _CHOKE * price[e, p])
        for (e, p), tonnes in zip(layout.uses, used, strict=True)
    ]
    for k, e in layout.offers:  # price = reference (tonnes / offered)^(1 / elasticity)
        supply, most = episode.supply[k], max(offered[k, e] * length, 1e-12)
        power = 1.0 / (supply.elasticity * parameters.supply)
        curves.append((0.0, price[e, episode.places.index(supply.place)] * most**-power, power, np.inf))
    curves += [(0.0, 0.0, 1.0, np.inf)] * len(layout.flows)
    a, b, c, d = (list(column) for column in zip(*curves, strict=True))
    return EconomyArrays(
        layout.A, layout.B, CurveTable.of(layout.kinds, 0.0, a, b, c, d), np.full(len(curves), np.inf),
        imposed.ravel(), np.zeros(imposed.size, dtype=bool), layout.G, np.minimum(limits, _NO_LIMIT),
        market_names=layout.market_names,
    )  # fmt: skip


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
    reference = reference_state(episode, backcast, factors)
    layout = _layout(episode, reference)
    length = episode.months / 12
    periods = tuple(Period(episode.start.start + t * length, length) for t in range(episode.periods))
    control = np.array([episode.demand.price_at(0.5 * (period.start + period.stop)) for period in periods])
    held_back = _held_back(episode, control ** (1.0 - parameters.follow), periods, parameters)
    limits = np.array([[link.limit_at(period.start) for link in episode.links] for period in periods])
    limits = limits.reshape(len(periods), len(episode.links))
    supply, demand = [reference.offered.sum(axis=1)], [reference.used.sum(axis=1)]
    streams = np.array([[stream_share(s, backcast, period, record, factors) for s in episode.supply]
                        for period in periods])[:, :, None] * reference.streams  # fmt: skip
    scales = [_demand_scale(episode, backcast, period, intensity) for period in periods]
    supply += list(streams.sum(axis=1))
    demand += [demand[0] * scale for scale in scales]
    flat = reference.prices.ravel() * 1000.0
    at_use = np.array([e * len(episode.places) + p for e, p in layout.uses], dtype=np.int64)
    used = reference.used.ravel()[at_use]
    months = parameters.cover / 12 if stocks else 0.0
    dynamics = _dynamics(parameters, at_use, used * months, flat, discount)
    state, window = opening_state(dynamics, periods[0].start, flat), None
    elements = list(episode.elements.values())
    switching = Switching(parameters, [elements[e].qualification for e, _ in layout.uses], periods[0].start)
    results, working = list[PeriodResult](), [parameters.working * months * used]
    for t, period in enumerate(periods):
        wanted = used * scales[t] / held_back[t] * np.exp(switching.counted(period))  # at reference prices
        working.append(parameters.working * months * wanted)
        economy = _economy(episode, reference, layout, parameters, streams[t], wanted, working[-1] - working[-2],
                           limits[t])  # fmt: skip
        dynamics = _dynamics(parameters, at_use, wanted * months, flat, discount)
        window = solve_window([period], [economy], dynamics, state, previous=window)
        if not window.ok:
            break
        state = state_after(window, dynamics)
        results.append(window.periods[0])
        switching.begin(period, (results[-1].prices / flat)[at_use])
    done = len(results)
    prices = np.array([result.prices for result in results]).reshape(done, *reference.prices.shape)
    held = np.zeros((done, len(flat)))
    held[:, at_use] = working[1 : done + 1]
    for k, stock in enumerate(dynamics.stocks):
        held[:, stock.market] += [result.stocks[k] for result in results]
    cause = "" if window is None or window.ok else f"{periods[done].start:g}: {window.status.value}: {window.cause}"
    unit = control[:done] ** parameters.follow / 1000.0  # money that follows the control, and kg
    return EpisodeRun(
        episode=episode, ok=done == len(periods), cause=cause, periods=periods[:done], reference=reference.prices,
        prices=prices * unit[:, None, None], stocks=held.reshape(prices.shape),
        reference_flows=reference.flows,
        flows=np.array([result.levels[layout.first_flow :] for result in results]).reshape(
            done, *reference.flows.shape) / length,
        rents=np.array([result.group_rents for result in results]).reshape(done, -1) * unit[:, None],
        limits=limits[:done], supply=np.array(supply), demand=np.array(demand), local_supply=reference.offered,
        control=control[:done], follow=parameters.follow,
    )  # fmt: skip


def _dynamics(
    parameters: Parameters, markets: npt.NDArray[np.int64], cover: Floats, anchor: Floats, discount: float
) -> Dynamics:
    """Stocks for sale in `markets` [D] where `cover` [D] is held in all at reference prices, t; none where it is 0."""
    stocks = [
        Stock(int(i), tonnes * (1.0 - parameters.working), float(anchor[i]), elasticity=parameters.holding)
        for i, tonnes in zip(markets, cover, strict=True)
        if tonnes > 0.0
    ]
    expectation = Expectation(weight=parameters.weight, anchor=anchor, within=True)
    return Dynamics(stocks=tuple(stocks), discount=discount, expectation=expectation)


def _demand_scale(episode: Episode, backcast: Backcast, period: Period, intensity: float | None) -> float:
    """Use at the control's own price relative to the reference: the index, less what is saved since (back-cast)."""
    scale = step_at(episode.demand.index, period.start, period.stop)
    if any(supply.backcast for supply in episode.supply):
        rate = intensity if intensity is not None else (backcast.intensity.rate if backcast.intensity else 0.0)
        scale *= (1.0 + rate) ** (0.5 * (period.start + period.stop) - _reference_date(episode))
    return scale


def _held_back(episode: Episode, prices: Floats, periods: tuple[Period, ...], parameters: Parameters) -> Floats:
    """Use of the control at its prices (relative to the reference, [T]) over its use at reference prices, [T].

    The control goes into the same goods and answers to its price as the elements do to theirs; its observed use over
    this is the demand there would be at reference prices.
    """
    years = episode.control.qualification if episode.control is not None else 0.0
    out, switching = prices**parameters.short, Switching(parameters, [years], periods[0].start)
    for t, period in enumerate(periods):
        out[t] *= np.exp(switching.counted(period)[0])
        switching.begin(period, prices[t : t + 1])
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
