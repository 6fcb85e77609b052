"""What a run returns: one named, frozen record per year, and the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oreflow.chain.network import Kind
from oreflow.market.terms import Charges

if TYPE_CHECKING:
    from oreflow.chain.network import Network, SharedLimit
    from oreflow.market.arrays import Status
    from oreflow.market.terms import Outlay, Term
    from oreflow.study.base import Base

Floats = NDArray[np.float64]


TRADED = 1e-6
"""Throughput of a market, t a year, above which it has a price of its own."""


def is_traded(network: Network, record: YearResult) -> NDArray[np.bool_]:
    """Return for each market whether anything passes through it in a year, [m].

    Args:
        network: of the run.
        record: one of its years.
    """
    return np.asarray(abs(network.matrix) @ record.levels + record.opening > TRADED)


@dataclass(frozen=True, slots=True)
class YearResult:
    """One year's equilibrium, or that of a shorter period (`start` decimal year, `length` years).

    `prices` [m] USD/t; `levels` [n] t; `rents` [n], `limit_rents` [g] USD per unit of the bound; `limits`: the shared
    limits in force with their receivers and right-hand sides; `capacity` [n]; `opening` [m] stock t; `charges`,
    `outlays`: payments; `marginal` [n]: marginal cost at the levels, USD per unit; `operators`: changed (object ->
    operator), `controllers`: changed (object -> controller).
    """

    year: int
    status: Status
    residual: float
    cause: str
    prices: Floats
    levels: Floats
    rents: Floats
    limit_rents: Floats
    limits: tuple[SharedLimit, ...]
    capacity: Floats
    opening: Floats
    charges: Charges
    outlays: tuple[Outlay, ...]
    marginal: Floats
    operators: dict[str, str]
    controllers: dict[str, str]
    iterations: int
    seconds: float
    start: float = np.nan
    length: float = 1.0
    strategic: Mapping[str, float] = field(default_factory=dict)
    decided: tuple[Term, ...] = ()


def whole_year(periods: Sequence[YearResult], network: Network) -> YearResult:
    """Return the year that several periods make: flows are sums, stocks those at its end, prices means.

    A price is weighted by what passes through its market (by time where nothing does), a rent or marginal cost by the
    level it is earned on, a charge so that what is paid in the year stays the same.

    Args:
        periods: records of one calendar year, in order.
        network: the run's network.
    """
    last = periods[-1]
    lengths = np.array([record.length for record in periods])
    x = np.array([record.levels for record in periods])
    p = np.array([record.prices for record in periods])
    stocks = np.array([activity.kind is Kind.STOCK for activity in network.activities])
    through = abs(network.matrix) @ np.where(stocks, 0.0, x).T
    prices = _mean(p, through.T, lengths)
    levels = np.where(stocks, last.levels, x.sum(axis=0))
    carried = np.where(stocks, x[:-1].sum(axis=0), 0.0)
    opening = np.sum([record.opening for record in periods], axis=0) + network.matrix @ carried
    limits, duals = _limits_of(periods)
    return YearResult(
        year=last.year, status=last.status, residual=max(record.residual for record in periods), cause=last.cause,
        prices=prices, levels=levels, rents=_mean(np.array([record.rents for record in periods]), x, lengths),
        limit_rents=duals, limits=limits,
        capacity=np.where(stocks, last.capacity, np.sum([record.capacity for record in periods], axis=0)),
        opening=opening, charges=_charges_of(periods, network, prices),
        outlays=tuple(outlay for record in periods for outlay in record.outlays),
        marginal=_mean(np.array([record.marginal for record in periods]), x, lengths),
        operators={key: who for record in periods for key, who in record.operators.items()},
        controllers={key: who for record in periods for key, who in record.controllers.items()},
        iterations=sum(record.iterations for record in periods), seconds=sum(record.seconds for record in periods),
        start=periods[0].start, length=float(lengths.sum()), strategic=last.strategic, decided=last.decided,
    )  # fmt: skip


def _mean(values: Floats, weights: Floats, lengths: Floats) -> Floats:
    """Mean over periods (axis 0), by the weights, by time where they are nil."""
    total = weights.sum(axis=0)
    plain = np.average(values, axis=0, weights=lengths)
    weighted = np.where(weights > 0.0, values, 0.0) * weights
    return np.where(total > 0.0, weighted.sum(axis=0) / np.where(total > 0.0, total, 1.0), plain)


def _limits_of(periods: Sequence[YearResult]) -> tuple[tuple[SharedLimit, ...], Floats]:
    """The year's shared limits: sums of those in force in its periods, with rents that pay the same in all."""
    found: dict[str, SharedLimit] = {}
    size: dict[str, float] = {}
    paid: dict[str, float] = {}
    for record in periods:
        for limit, dual in zip(record.limits, record.limit_rents, strict=True):
            found[limit.name] = limit
            size[limit.name] = size.get(limit.name, 0.0) + limit.limit
            paid[limit.name] = paid.get(limit.name, 0.0) + float(dual) * limit.limit
    limits = tuple(replace(limit, limit=size[name]) for name, limit in found.items())
    duals = np.array([paid[name] / size[name] if size[name] > 0.0 else 0.0 for name in found])
    return limits, duals


def _charges_of(periods: Sequence[YearResult], network: Network, prices: Floats) -> Charges:
    """The year's charges: rates weighted by level, and amounts such that each receiver gets what the periods paid."""
    inputs = np.array([sum(-v * prices[i] for i, v in activity.flows if v < 0.0) for activity in network.activities])
    totals: dict[tuple[int, str, str], tuple[float, float, float]] = {}
    n = len(network.activities)
    done, rates = np.zeros(n), np.zeros(n)
    for record in periods:
        done += record.levels
        rates += record.levels * record.charges.rate
        for j, rate, amount, receiver, instrument in record.charges.lines:
            base = sum(-v * record.prices[i] for i, v in network.activities[j].flows if v < 0.0) if rate else 0.0
            level = float(record.levels[j])
            before = totals.get((j, receiver, instrument), (0.0, 0.0, 0.0))
            paid = level * (rate * float(base) + amount)
            totals[j, receiver, instrument] = (before[0] + level, before[1] + level * rate, before[2] + paid)
    lines, amounts = [], np.zeros(n)
    for (j, receiver, instrument), (level, weighted, paid) in totals.items():
        rate = weighted / level if level > 0.0 else 0.0
        # over the whole year's level, also where the charge held in a part of it
        whole = float(done[j])
        share = rate * level / whole if whole > 0.0 else 0.0
        amount = paid / whole - share * float(inputs[j]) if whole > 0.0 else 0.0
        lines.append((j, share, amount, receiver, instrument))
        amounts[j] += amount
    rate_of = np.where(done > 0.0, rates / np.where(done > 0.0, done, 1.0), periods[-1].charges.rate)
    return Charges(rate_of, amounts, tuple(lines))


@dataclass(frozen=True)
class Outcome:
    """A proposal run through the years of a case in one future.

    `solved`: every year found an equilibrium; otherwise `cause` says which year failed and why. `periods`: records of
    the periods that make the years, where these are shorter; the base year is one of them.
    """

    base: Base
    proposal: str
    network: Network
    years: tuple[YearResult, ...]
    solved: bool
    cause: str
    draws: Mapping[str, float] = field(default_factory=dict)
    periods: tuple[YearResult, ...] = ()

    @property
    def records(self) -> tuple[YearResult, ...]:
        """Return the equilibria as they were solved: of periods where these are shorter than a year, else of years."""
        return self.periods or self.years

    def year(self, year: int) -> YearResult:
        """Return the record of a calendar year.

        Raises:
            KeyError: the year lies outside the run.
        """
        for record in self.years:
            if record.year == year:
                return record
        raise KeyError(f"year {year} is not in this run of {self.proposal}")
