"""Capacity over time: a pipeline of dated projects, ramp-up, retirement, mothballing, and entry that has to pay.

Capacities are t a year, money USD per t a year of capacity, times decimal years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from oreflow.market.arrays import EconomyError
from oreflow.market.periods import Period


def _require(true: bool, where: str, found: object, expected: str) -> None:
    if not true:
        raise EconomyError(f"{where}: found {found}; expected {expected}")


def _ramped(period: Period, start: float, stop: float, ramp: float) -> float:
    """Mean share of full output over a period: none before `start`, rising over `ramp` years, none after `stop`."""
    first, last = max(period.start, start), min(period.stop, stop)
    if last <= first:
        return 0.0
    if ramp <= 0.0:
        return (last - first) / period.length
    rising = max(0.0, min(last, start + ramp) - first)
    low = (first - start) / ramp
    area = rising * (low + 0.5 * rising / ramp) + max(0.0, last - max(first, start + ramp))
    return area / period.length


@dataclass(frozen=True, slots=True)
class Addition:
    """Capacity that comes (or, negative, goes) on stream: nothing before `start`, nothing after `stop`.

    Args:
        activity: position of the activity.
        amount: t a year.
        start, stop: decimal years.
        ramp: years from first to full output, even.
        name: for messages and results.
    """

    activity: int
    amount: float
    start: float
    stop: float = np.inf
    ramp: float = 0.0
    name: str = ""

    def __post_init__(self) -> None:
        _require(self.ramp >= 0.0, f"addition {self.name or self.activity}", f"ramp {self.ramp:g} years", "0 or more")
        _require(self.start < self.stop, f"addition {self.name or self.activity}", f"{self.start:g} to {self.stop:g}",
                 "a start before the stop")  # fmt: skip

    def available(self, period: Period) -> float:
        """Return its mean capacity over a period, t a year."""
        return self.amount * _ramped(period, self.start, self.stop, self.ramp)


@dataclass(frozen=True, slots=True)
class Build:
    """Capacity that a window with foresight may build: ``charge - discounted rents >= 0 perp y >= 0``.

    The cost of a tonne a year is spread over its life as an equal yearly charge (capital recovery), at the discount
    rate plus the risk premium, from the day it runs; only the charges that fall into the window count. What is left
    at the end of the window is thus credited as the scrap value of the remaining life, so that the end of the horizon
    neither stops investment nor makes it free.

    Args:
        activity: position of the activity that the capacity is for.
        capex: USD per t a year, spent when it is decided.
        life: years it runs.
        lead: years from decision to first output.
        rate: most that may be decided, t a year of capacity in a year (the pipeline plus an entry rate).
        risk: premium on the discount rate by place, share a year.
        ramp: years from first to full output.
        start, stop: first and last date of a decision, decimal years.

    Raises:
        EconomyError: if a number is outside its domain.
    """

    activity: int
    capex: float
    life: float
    lead: float = 0.0
    rate: float = np.inf
    risk: float = 0.0
    ramp: float = 0.0
    start: float = -np.inf
    stop: float = np.inf

    def __post_init__(self) -> None:
        where = f"build of activity {self.activity}"
        _require(self.capex >= 0.0, where, f"capex {self.capex:g}", "0 or more USD per t a year")
        _require(self.life > 0.0, where, f"life {self.life:g} years", "above 0")
        _require(self.lead >= 0.0, where, f"lead {self.lead:g} years", "0 or more")
        _require(self.rate >= 0.0, where, f"rate {self.rate:g}", "0 or more t a year in a year")

    def first(self, decided: Period) -> float:
        """Return the date of first output of what is decided in a period: `lead` years after its start."""
        return decided.start + self.lead

    def online(self, decided: Period, period: Period) -> float:
        """Return the mean share of capacity decided in one period that runs in another."""
        return _ramped(period, self.first(decided), self.first(decided) + self.life, self.ramp)

    def allowed(self, period: Period) -> float:
        """Return the most that may be decided in a period, t a year of capacity."""
        share = period.share(self.start, self.stop)
        return self.rate * period.length * share if share > 0.0 else 0.0

    def addition(self, decided: Period, amount: float) -> Addition:
        """Return what was decided as an addition."""
        first = self.first(decided)
        return Addition(self.activity, amount, first, first + self.life, self.ramp)

    def annual_charge(self, step: float, discount: float) -> float:
        """Return the equal yearly charge that repays capex over the life, USD per t a year of capacity and year.

        Args:
            step: years between payments (the period's length; each at the start of its period).
            discount: r, share a year; the risk premium comes on top.
        """
        rate = discount + self.risk
        if rate == 0.0:
            return self.capex / self.life
        factor = step * (1.0 - (1.0 + rate) ** -self.life) / (1.0 - (1.0 + rate) ** -step)
        return float(self.capex * (1.0 + rate) ** self.lead / factor)


@dataclass(frozen=True, slots=True)
class Project:
    """An announced project of the pipeline: subsidised or state-directed ones come whatever the price.

    Args:
        activity: position of the activity.
        amount: t a year.
        start: of first output, decimal year.
        probability: of standing; it counts by this share without a draw.
        announced: date from which it is known; -inf: always.
        ramp: years to full output.
        stop: of retirement.
        name: of the project.
    """

    activity: int
    amount: float
    start: float
    probability: float = 1.0
    announced: float = -np.inf
    ramp: float = 0.0
    stop: float = np.inf
    name: str = ""

    def __post_init__(self) -> None:
        _require(0.0 <= self.probability <= 1.0, f"project {self.name}", f"probability {self.probability:g}", "0 to 1")


def pipeline(
    projects: Sequence[Project], known_at: float, draws: Mapping[str, float] | None = None
) -> tuple[Addition, ...]:
    """Return the additions of the projects known at a date.

    Args:
        projects: announced projects.
        known_at: decimal year; a project not yet announced is left out until its start.
        draws: uniform numbers by project name; with one, the project stands or it does not.

    Example:
        >>> pipeline([Project(0, 100.0, 2027.0, probability=0.5)], 2025.0)[0].amount
        50.0
    """
    out = []
    for project in projects:
        if project.announced > known_at and project.start > known_at:
            continue
        draw = None if draws is None else draws.get(project.name)
        share = project.probability if draw is None else float(draw < project.probability)
        if share > 0.0:
            amount = share * project.amount
            out.append(Addition(project.activity, amount, project.start, project.stop, project.ramp, project.name))
    return tuple(out)
