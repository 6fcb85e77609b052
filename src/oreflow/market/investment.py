"""Capacity over time: a pipeline of dated projects, ramp-up, retirement, mothballing, and entry that has to pay.

Capacities are t a year, money USD per t a year of capacity, times decimal years.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Floats, Solution
from oreflow.market.periods import Period
from oreflow.market.presolve import solve_reduced
from oreflow.market.solve import SolveOptions

PricesAt = Callable[[float], Floats]
"""Function of a decimal year that returns the prices expected then, USD/t, [m]."""


def _require(true: bool, where: str, found: object, expected: str) -> None:
    if not true:
        raise EconomyError(f"{where}: found {found}; expected {expected}")


def ramped(period: Period, start: float, stop: float = np.inf, ramp: float = 0.0) -> float:
    """Return the mean share (0 to 1) of full output over a period: none before `start`, all of it `ramp` years later.

    Args:
        period: whose mean is asked.
        start: first date of output, decimal year.
        stop: last date of output, decimal year.
        ramp: years from first to full output, even.

    Example:
        >>> ramped(Period(2025.0, 1.0), 2025.0, ramp=1.0)
        0.5
    """
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
        return self.amount * ramped(period, self.start, self.stop, self.ramp)


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
        group: position of the shared limit that it widens, for a plant of several activities; None: the activity's
            own capacity.

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
    group: int | None = None

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
        return ramped(period, self.first(decided), self.first(decided) + self.life, self.ramp)

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """Capacity that may enter between windows, where it is expected to pay.

    Args:
        activity: position of the activity whose inputs and outputs it has.
        cost: operating cost without its traded inputs, USD per unit.
        capex: USD per t a year, spent when it is decided.
        life: years it runs.
        lead: years from decision to first output.
        announced: t a year of announced projects that may be decided at once.
        rate: t a year that may enter in a year beyond them.
        risk: premium on the discount rate by place, share a year.
        ramp: years from first to full output.
        name: for messages and results.
        plant: position of the shared limit of the plant it adds to, which does not bound what enters; None: none.

    Raises:
        EconomyError: if a number is outside its domain.
    """

    activity: int
    cost: float
    capex: float
    life: float
    lead: float = 0.0
    announced: float = 0.0
    rate: float = 0.0
    risk: float = 0.0
    ramp: float = 0.0
    name: str = ""
    plant: int | None = None

    def __post_init__(self) -> None:
        where = f"candidate {self.name or self.activity}"
        _require(self.capex >= 0.0, where, f"capex {self.capex:g}", "0 or more USD per t a year")
        _require(self.life > 0.0, where, f"life {self.life:g} years", "above 0")
        _require(self.lead >= 0.0, where, f"lead {self.lead:g} years", "0 or more")
        _require(self.announced >= 0.0, where, f"announced {self.announced:g} t a year", "0 or more")
        _require(self.rate >= 0.0, where, f"rate {self.rate:g} t a year in a year", "0 or more")

    def charge(self, discount: float) -> float:
        """Return the yearly charge that just earns capex over the life, USD per t a year of capacity and year."""
        return Build(self.activity, self.capex, self.life, self.lead, risk=self.risk).annual_charge(1.0, discount)

    def value(self, arrays: EconomyArrays, prices: PricesAt, decided: float, discount: float) -> float:
        """Return the net present value of a tonne a year of capacity, USD, year by year over its life.

        Args:
            arrays: the economy, for inputs, outputs and wedges.
            prices: expected prices by date, USD/t, [m]; a year in which it would lose money it stands still.
            decided: decimal year.
            discount: r, share a year; the risk premium comes on top.
        """
        rate = discount + self.risk
        column = arrays.B[:, [self.activity]]
        total = -self.capex
        for year in range(int(np.ceil(self.life - 1e-9))):
            share = min(1.0, self.life - year)
            margin = float((column.T @ prices(decided + self.lead + year))[0]) - self.cost
            margin -= float(arrays.curves.shift[self.activity])
            total += share * max(margin, 0.0) * (1.0 + rate) ** -(self.lead + year)
        return total


@dataclass(frozen=True, slots=True)
class Entry:
    """Answer of `entry`.

    Attributes:
        additions: what enters.
        values: net present value of each candidate at the expected prices, USD per t a year.
        amounts: what enters of each candidate, t a year.
        solution: the expected equilibrium with all entrants; None where no candidate was worth it.
    """

    additions: tuple[Addition, ...]
    values: tuple[float, ...]
    amounts: tuple[float, ...]
    solution: Solution | None

    @property
    def ok(self) -> bool:
        """True where the expected equilibrium was found (or none was needed)."""
        return self.solution is None or self.solution.ok


def entry(
    candidates: Sequence[Candidate],
    then: EconomyArrays,
    period: Period,
    prices: PricesAt,
    decided: float,
    *,
    years: float = 1.0,
    discount: float = 0.05,
    options: SolveOptions = SolveOptions(),
) -> Entry:
    """Return the capacity that is decided between two windows.

    A candidate enters if its net present value over its life is positive at the expected prices; then as much as pays
    once all entrants are there: an equilibrium of the economy expected at first output, in which an entrant's tonne
    costs its operating cost plus the yearly charge for its capital, bounded by the announced pipeline plus the entry
    rate. Entry thus stops where the expected price with all committed entrants falls below cost.

    Args:
        candidates: what may enter.
        then: economy of `period` as expected at the date of the decision, with all that is committed in its capacities.
        period: when entrants first produce; its length is that of the levels of `then`.
        prices: expected prices by date.
        decided: decimal year of the decision.
        years: since the last decision, for the entry rate.
        discount: r, share a year.
        options: of the solve.

    Returns:
        Additions with their dates, values and amounts. If the expected equilibrium is not found, nothing enters and
        `ok` is false.

    Example:
        >>> decision = entry([candidate], arrays, Period(2030, 1), lambda t: prices, 2027.0)  # doctest: +SKIP

    Source: Dixit and Pindyck (1994), ch. 8, for entry that stops at the price which new capacity leaves.
    """
    values = tuple(c.value(then, prices, decided, discount) for c in candidates)
    chosen = [k for k, c in enumerate(candidates) if values[k] > 0.0 and c.announced + c.rate * years > 0.0]
    amounts = [0.0] * len(candidates)
    if not chosen:
        return Entry((), values, tuple(amounts), None)
    n = then.shape[1]
    picked = [candidates[k] for k in chosen]
    columns = [c.activity for c in picked]
    count = len(picked)
    own = then.curves
    cost = np.array([c.cost + c.charge(discount) for c in picked])
    curves = CurveTable(
        np.concatenate([own.kind, np.full(count, CurveKind.CONSTANT, dtype=np.int8)]),
        np.concatenate([own.shift, own.shift[columns]]),
        np.concatenate([own.a, cost]),
        np.concatenate([own.b, np.zeros(count)]),
        np.concatenate([own.c, np.ones(count)]),
        np.concatenate([own.d, np.full(count, np.inf)]),
    )
    names = tuple(f"entry of {c.name or then.activity_name(c.activity)}" for c in picked)
    shared = sp.lil_array(sp.csc_array(then.G)[:, columns])
    for k, candidate in enumerate(picked):
        if candidate.plant is not None:
            shared[candidate.plant, k] = 0.0
    wide = EconomyArrays(
        A=sp.csc_array(sp.hstack([then.A, then.A[:, columns]])),
        B=sp.csc_array(sp.hstack([then.B, then.B[:, columns]])),
        curves=curves,
        upper=np.concatenate([then.upper, [(c.announced + c.rate * years) * period.length for c in picked]]),
        fixed=then.fixed,
        equality=then.equality,
        G=sp.csr_array(sp.hstack([then.G, sp.csc_array(shared)])),
        h=then.h,
        K=None if then.K is None else sp.block_diag([then.K, sp.csc_array((count, count))], format="csc"),
        market_names=then.market_names,
        activity_names=(*(then.activity_name(j) for j in range(n)), *names),
        group_names=then.group_names,
    )
    solution = solve_reduced(wide, None, options)
    additions = []
    if solution.ok:
        for c, k, level in zip(picked, chosen, solution.levels[n:], strict=True):
            amounts[k] = float(level) / period.length
            if amounts[k] > 1e-9 * (c.announced + c.rate * years):
                first = decided + c.lead
                additions.append(Addition(c.activity, amounts[k], first, first + c.life, c.ramp, c.name))
    return Entry(tuple(additions), values, tuple(amounts), solution)


@dataclass(frozen=True, slots=True)
class Plant:
    """Capacity that may be mothballed, restarted and retired.

    Args:
        activity: position of the activity.
        capacity: t a year.
        fixed: cost of keeping it ready that mothballing saves, USD per t a year of capacity and year.
        restart: cost of a restart, USD per t a year.
        time: years that a restart takes.
        retire: years mothballed after which it is scrapped; inf: never.
        running: whether it runs.
        since: decimal year of the last change.

    Source: Brennan and Schwartz (1985) for opening and closing with costs of change.
    """

    activity: int
    capacity: float
    fixed: float
    restart: float
    time: float = 0.0
    retire: float = np.inf
    running: bool = True
    since: float = -np.inf

    def __post_init__(self) -> None:
        where = f"plant of activity {self.activity}"
        _require(self.capacity >= 0.0, where, f"capacity {self.capacity:g} t a year", "0 or more")
        _require(self.fixed >= 0.0, where, f"fixed cost {self.fixed:g}", "0 or more")
        _require(self.restart >= 0.0, where, f"cost of a restart {self.restart:g}", "0 or more")
        _require(self.time >= 0.0, where, f"time of a restart {self.time:g} years", "0 or more")


def marginal_at_nil(arrays: EconomyArrays) -> Floats:
    """Return what the first unit of each activity costs, USD per unit, [n] (of isoelastic demand: its first tonne).

    Args:
        arrays: the economy of a period.
    """
    return arrays.curves.marginal(np.where(arrays.curves.kind == CurveKind.ISOELASTIC, 1.0, 0.0))


def review(
    plants: Sequence[Plant],
    arrays: EconomyArrays,
    prices: PricesAt,
    time: float,
    *,
    horizon: float = 5.0,
    discount: float = 0.05,
) -> tuple[tuple[Plant, ...], tuple[Addition, ...]]:
    """Return the plants after the decisions of a date, and the changes of capacity that follow.

    With V the discounted margin less fixed cost over the horizon at expected prices (a year in which the margin is
    negative counts the fixed cost alone): a running plant is mothballed where V is below minus the cost of a restart, a
    mothballed one restarts where V is above it. Between the two nothing changes (hysteresis).

    Args:
        plants: with their present condition.
        arrays: economy of a period, for inputs, outputs, wedges and marginal cost (at a level of nil).
        prices: expected prices by date.
        time: of the decision, decimal year.
        horizon: whole years looked ahead.
        discount: r, share a year.

    Returns:
        The plants, those that were retired left out, and additions (negative: mothballed) from now on; a restart is
        there after its time.
    """
    kept, additions = [], []
    idle = marginal_at_nil(arrays)
    for plant in plants:
        column = arrays.B[:, [plant.activity]]
        value = 0.0
        for year in range(max(1, round(horizon))):
            margin = float((column.T @ prices(time + year))[0]) - float(idle[plant.activity])
            value += (max(margin, 0.0) - plant.fixed) * (1.0 + discount) ** -year
        if plant.running and value < -plant.restart:
            additions.append(Addition(plant.activity, -plant.capacity, time, name="mothballed"))
            kept.append(replace(plant, running=False, since=time))
        elif not plant.running and value > plant.restart:
            additions.append(Addition(plant.activity, plant.capacity, time + plant.time, name="restarted"))
            kept.append(replace(plant, running=True, since=time))
        elif plant.running or time - plant.since < plant.retire:
            kept.append(plant)
    return tuple(kept), tuple(additions)
