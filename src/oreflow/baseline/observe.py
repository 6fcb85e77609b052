"""From the observation and demand rows of a case to what the balance and the calibration are fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.baseline.calibrate import LevelObservation, PriceObservation
from oreflow.chain.membership import place_members
from oreflow.chain.network import WORLD, Kind, Network
from oreflow.core.errors import OreflowError

if TYPE_CHECKING:
    from oreflow.chain.case import Case, ObservationRow, Values


class ObservationError(OreflowError):
    """An observation row that speaks of nothing in the network."""


def observe(
    case: Case, values: Values, network: Network
) -> tuple[tuple[LevelObservation, ...], tuple[PriceObservation, ...]]:
    """Return level and price observations of the base year: observation rows, demands' quantities and prices.

    Args:
        case: the case.
        values: the numbers of its cells (t per year, USD per t).
        network: the network built from them.

    Raises:
        ObservationError: a row's place, commodity or process matches no activity or market.
    """
    members = place_members(case)
    levels: list[LevelObservation] = []
    prices: list[PriceObservation] = []
    for k, row in enumerate(case.observations):
        if row.value is None:
            continue
        number = float(values[row.value])
        sd = float(values[row.sd]) if row.sd is not None else case.default_sd(row.value)
        name = f"{row.kind}:{row.commodity or row.process}:{row.place}" + (f"->{row.to_place}" if row.to_place else "")
        if row.kind == "price":
            market = network.market_index.get((row.place, row.commodity))
            if market is None:
                market = network.market_index.get((WORLD, row.commodity))
            if market is None:
                raise ObservationError(_missing(row, k, "no such market"))
            prices.append(PriceObservation(name, market, number, max(sd, 1e-4) * abs(number)))
            continue
        terms = _terms(row, network, members)
        if not terms:
            raise ObservationError(_missing(row, k, "no activity answers to it"))
        levels.append(LevelObservation(name, terms, number, max(sd, 1e-4) * max(abs(number), 1e-3), k))
    observed = {row.process for row in case.observations if row.kind == "use" and row.process}
    for demand in case.demands:
        j = network.index[f"use:{demand.id}"]
        if demand.quantity is not None and demand.id not in observed:
            number = float(network.reference[j])
            sd = case.default_sd(demand.quantity) * max(number, 1e-3)
            levels.append(LevelObservation(f"use:{demand.id}", ((j, 1.0),), number, sd))
        if demand.price is not None:
            market = network.activities[j].flows[0][0]
            price = float(network.reference_price[j])
            prices.append(
                PriceObservation(f"price:{demand.id}", market, price, case.default_sd(demand.price) * abs(price))
            )
    for j, activity in enumerate(network.activities):
        if activity.kind is Kind.STOCK:
            opening = float(network.reference[j])
            levels.append(LevelObservation(activity.name, ((j, 1.0),), opening, 0.02 * max(opening, 1e-3)))
    return tuple(levels), tuple(prices)


def _terms(row: ObservationRow, network: Network, members: dict[str, frozenset[str]]) -> tuple[tuple[int, float], ...]:
    here = members.get(row.place, frozenset({row.place}))
    there = members.get(row.to_place, frozenset({row.to_place}))
    found: list[tuple[int, float]] = []
    for j, activity in enumerate(network.activities):
        if row.kind == "flow":
            if activity.kind is Kind.ROUTE and activity.place in here and activity.to_place in there:
                if activity.feed == row.commodity and activity.to_place not in here:
                    found.append((j, 1.0))
        elif row.kind == "use":
            named = not row.process or activity.row == row.process
            if activity.kind is Kind.DEMAND and named and activity.place in here and activity.feed == row.commodity:
                found.append((j, 1.0))
        elif row.kind == "stock":
            if activity.kind is Kind.STOCK and activity.place in here and activity.feed == row.commodity:
                found.append((j, 1.0))
        elif row.kind == "output" and activity.kind is Kind.PROCESS:
            if row.process and activity.row != row.process:
                continue
            if not row.process and activity.place not in here:
                continue
            if not row.commodity:
                found.append((j, 1.0))
                continue
            made = sum(v for i, v in activity.flows if v > 0 and network.markets[i].commodity == row.commodity)
            if made:
                found.append((j, made))
    return tuple(found)


def _missing(row: ObservationRow, k: int, why: str) -> str:
    what = row.commodity or row.process
    where = row.place + (f" -> {row.to_place}" if row.to_place else "")
    return f"observations.csv, row {k + 2}: {row.kind} of {what!r} at {where}: {why}; correct the row or remove it"
