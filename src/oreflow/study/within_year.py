"""What a run in periods shorter than a year shows within the year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oreflow.chain.network import Kind
from oreflow.study.indicators import Lens
from oreflow.study.outcome import Outcome


@dataclass(frozen=True, slots=True)
class PeriodLine:
    """One period: `prices` in USD per kg by `place/element`, `shipped` and `stocks` in t.

    `shipped`: concentrates of the tracked origin that left their country, t a year at the period's rate. `stocks`: at
    the end of the period, by row of stocks.csv, strategic ones that follow a rule among them.
    """

    start: float
    length: float
    prices: Mapping[str, float]
    shipped: float
    stocks: Mapping[str, float]


def period_lines(outcome: Outcome) -> tuple[PeriodLine, ...]:
    """Return one line a period, the base year first; of a run in years, one a year.

    Args:
        outcome: a run.
    """
    lens, network = Lens(outcome.base, outcome.network), outcome.network
    priced = {
        i: f"{market.place}/{lens.tracked_oxides[market.commodity]}"
        for i, market in enumerate(network.markets)
        if market.commodity in lens.tracked_oxides
    }
    ways = [
        j
        for j in network.positions(Kind.ROUTE)
        if lens.origin.get(network.activities[j].feed) == outcome.base.case.tracked_origin
        and lens.country.get(network.activities[j].place) != lens.country.get(network.activities[j].to_place)
    ]
    return tuple(
        PeriodLine(
            start=record.start,
            length=record.length,
            prices={label: float(record.prices[i]) / 1000.0 for i, label in priced.items()},
            shipped=float(sum(record.levels[j] for j in ways)) / record.length,
            stocks={network.activities[j].row: float(record.levels[j]) for j in network.positions(Kind.STOCK)}
            | dict(record.strategic),
        )
        for record in outcome.records
    )
