"""What carrying the tracked ore costs: a tonne, as a share of the basket's value, and per kg of the tracked oxides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oreflow.chain.network import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oreflow.chain.case import Case
    from oreflow.chain.network import Network
    from oreflow.study.base import Base
    from oreflow.study.unlock import Barriers, Margin


@dataclass(frozen=True, slots=True)
class Haul:
    """Carrying a tonne of ore to a place, at the prices of one year.

    Attributes:
        to: name of the place.
        usd_per_t: USD a tonne (of the ore's basis, REO in the bundled case), without levies and payments.
        percent_of_value: of the oxides in that tonne at prices inside.
        usd_per_kg: USD per kg of tracked oxide in it.
    """

    to: str
    usd_per_t: float
    percent_of_value: float
    usd_per_kg: float


def haul(barriers: Barriers, feed: str, to: str, usd_per_t: float) -> Haul | None:
    """Return a cost of carrying as shares of an ore's worth; None where the ore has no value or no tracked oxide.

    Args:
        barriers: of the year.
        feed: the ore.
        to: name of the place.
        usd_per_t: cost.
    """
    value = barriers.basket_value.get(feed, 0.0)
    content = sum(barriers.network.composition[feed].get(e, 0.0) for e in barriers.base.case.tracked_elements)
    if value <= 0 or content <= 0:
        return None
    return Haul(to, usd_per_t, 100.0 * usd_per_t / value, usd_per_t / (content * 1000.0))


def best_way(barriers: Barriers, margin: Margin) -> tuple[Haul, Haul | None, str] | None:
    """Return the haul to the end of the best way out, the haul to the first place abroad, and the way in words.

    Args:
        barriers: of the year.
        margin: the best way.

    Returns:
        None where no route is on the way or the ore has no value.
    """
    network, names = barriers.network, short_names(barriers.base.case)
    routes = [a for name in margin.route if (a := network.activities[network.index[name]]).kind is Kind.ROUTE]
    first = next((a for a in routes if a.place in barriers.mine_places), None)
    if first is None:
        return None
    whole = haul(barriers, first.feed, names.get(routes[-1].to_place, routes[-1].to_place), margin.haul)
    if whole is None:
        return None
    found = exit_cost(barriers.base, first.row, first.feed)
    abroad = None if found is None else haul(barriers, first.feed, names[found[0]], found[1])
    return whole, abroad, way_words(barriers.base.case, network, margin.route)


def way_words(case: Case, network: Network, way: Sequence[str]) -> str:
    """Return a way of ore in words: its routes, then the plants, an ore being split before what is left of it.

    Args:
        case: whose way it is.
        network: of the case.
        way: names of activities, as in `Margin.route`.
    """
    steps = [network.activities[network.index[name]] for name in way]
    plants = {p.id: p.name for p in case.processes}
    carried = [a for a in steps if a.kind is Kind.ROUTE]
    ores = {a.feed for a in carried[:1]}
    splits = sorted((a for a in steps if a.kind is Kind.PROCESS), key=lambda a: a.feed not in ores)
    words = [route_words(case, a.row) for a in carried] + [plants.get(a.row, a.row) for a in splits]
    return ", then ".join(dict.fromkeys(words))


def route_words(case: Case, route: str) -> str:
    """Return a route in words: from, to, and the places between.

    Args:
        case: whose route it is.
        route: id of a row of routes.csv.
    """
    names = short_names(case)
    row = next(row for row in case.routes if row.id == route)
    between = [place for place in _stations(case, row.legs) if place not in (row.from_, row.to)]
    by = f" by {', '.join(names.get(place, place) for place in between)}" if between else ""
    return f"{names[row.from_]} to {names[row.to]}{by}"


def short_names(case: Case) -> dict[str, str]:
    """Return the name of each place up to a colon: "Kachin north" of "Kachin north: Pangwa, Chipwi"."""
    return {place.id: place.name.partition(":")[0] for place in case.places}


def exit_cost(base: Base, route: str, feed: str) -> tuple[str, float] | None:
    """Return the first place on a route in another country than its start, and the cost of carrying there, USD a tonne.

    None where the places of the route name no other country before its end.
    """
    case, values = base.case, base.values
    iso3 = {place.id: place.iso3 for place in case.places}
    row = next(row for row in case.routes if row.id == route)
    legs = {leg.id: leg for leg in case.legs}
    gross = base.network.gross_per_t[feed]
    cost = 0.0
    for leg, station in zip(row.legs, _stations(case, row.legs), strict=True):
        found = legs[leg]
        km, rate, fixed = (0.0 if cell is None else float(values[cell]) for cell in (found.km, found.rate, found.fixed))
        cost += (km * rate + fixed) * gross
        if iso3.get(station) and iso3[station] != iso3.get(row.from_):
            return station, cost
    return None


def _stations(case: Case, path: tuple[str, ...]) -> list[str]:
    """Return where each leg of a path ends, in order; legs can be gone along either way."""
    ends = {leg.id: (leg.from_, leg.to) for leg in case.legs}
    stations: list[str] = []
    for position, leg in enumerate(path):
        start, end = ends[leg]
        following = set(ends[path[position + 1]]) if position + 1 < len(path) else set()
        # A leg ends where the next one begins; the last one where it did not start.
        if following:
            stations.append(start if start in following and end not in following else end)
        else:
            stations.append(start if stations and end == stations[-1] else end)
    return stations


def freight_notes(barriers: Barriers) -> tuple[str, ...]:
    """Return freight of each way out of the mines, open or shut, in words.

    Args:
        barriers: of a year under any proposal; its prices give the basket's value.
    """
    network, case = barriers.network, barriers.base.case
    names = short_names(case)
    notes = []
    for j in barriers.ways_out:
        a = network.activities[j]
        if a.place not in barriers.mine_places or a.feed not in barriers.basket_value:
            continue
        found = haul(barriers, a.feed, names.get(a.to_place, a.to_place), float(network.cost[j]))
        if found is not None:
            notes.append(
                f"Freight, {route_words(case, a.row)} ({a.row}): {found.usd_per_t:,.0f} USD a tonne of ore, "
                f"{found.percent_of_value:.1f}% of the basket's value, {found.usd_per_kg:.2f} USD per kg "
                f"{'+'.join(case.tracked_elements)} oxide."
            )
    return tuple(notes)
