"""What is decided between windows: plants that enter, grades that are qualified, plants mothballed and restarted.

Rules, at every date on which a window begins (first at the end of the base year):

- A process with `entry_rate`, a project that comes `if_it_pays` and a grade are candidates. One is worth it if its net
  present value over its life, at the prices expected then, is above nil.
- As much is taken as still pays once all are there (`oreflow.market.investment.entry`), at most the yearly rate; those
  with the shorter lead time decide first.
- What is decided runs after its lead or qualification time, never before.
- A plant with `fixed_cost` is mothballed, restarted and retired with hysteresis (`oreflow.market.investment.review`).

Prices are those of the last window where it reaches, and those of the expectation beyond. Capital of private entrants
is their own and stands in no account of public money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oreflow.chain.folder import year_number
from oreflow.market.arrays import EconomyArrays
from oreflow.market.investment import (
    Addition,
    Build,
    Candidate,
    Plant,
    PricesAt,
    entry,
    marginal_at_nil,
    review,
)
from oreflow.market.periods import Period
from oreflow.market.solve import SolveOptions
from oreflow.market.terms import CapacityAdd, Term
from oreflow.study.foresight import period_economy, reference_use

if TYPE_CHECKING:
    from oreflow.chain.tables import Cell, GradeRow, ProcessRow, ProjectRow
    from oreflow.study.base import Base
    from oreflow.study.run import Assembled

Floats = NDArray[np.float64]
GRADE_LIFE = 10.0
"""Years over which a qualification has to pay where the case states none (an assumption of the model)."""
PLANT_LIFE = 20.0
"""Years of a plant's life where the case states none (an assumption of the model)."""
REVIEW_YEARS = 5.0
"""Years that the owner of a plant looks ahead when he mothballs or restarts it (an assumption of the model)."""
REASON = "decided"

EconomyAt = Callable[[Period, tuple[Term, ...]], "Assembled"]
"""Function of a period and of the capacity decided by then that returns its economy, levels in t a year."""


@dataclass(frozen=True, slots=True)
class Commitments:
    """What has been decided so far.

    Attributes:
        additions: capacity by row of the case, t a year, with its dates (`Addition.name` is the row).
        mothballed: plants that stand still and may be restarted, by row.
        retired: processes whose mothballed plants were scrapped.
        shares: share of its use for which each grade has been decided, by grade.
        projects: projects that had to pay and were decided, by id.
        at: date of the last decision, decimal year; None: none yet.
        cause: why the last decision could not be made; empty where it was.
    """

    additions: tuple[Addition, ...] = ()
    mothballed: Mapping[str, Plant] = field(default_factory=dict)
    retired: frozenset[str] = frozenset()
    shares: Mapping[str, float] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()
    at: float | None = None
    cause: str = ""

    def terms(self, period: Period) -> tuple[Term, ...]:
        """Return the capacity decided, as it stands on average over a period."""
        return tuple(
            CapacityAdd(addition.name, amount, REASON)
            for addition in self.additions
            if (amount := addition.available(period))
        )


@dataclass(frozen=True, slots=True)
class _Offer:
    """A candidate with the most that may be taken of it, and what is noted once some is."""

    row: str
    candidate: Candidate
    most: float
    share_unit: float = 0.0
    project: str = ""


def builds_of(base: Base) -> tuple[Build, ...]:
    """Return the capacity that a window with perfect foresight may build: of every process with an entry rate."""
    found = []
    for row in base.case.processes:
        if row.entry_rate is None:
            continue
        several = len(base.network.by_row[row.id]) > 1
        for j in base.network.by_row[row.id]:
            found.append(
                Build(
                    activity=j, capex=_number(base, row.capex, 0.0), life=_number(base, row.life, PLANT_LIFE),
                    lead=_number(base, row.lead, 0.0), rate=_number(base, row.entry_rate, 0.0),
                    risk=_number(base, row.risk, 0.0), ramp=_number(base, row.ramp, 0.0),
                    group=base.network.limit_index[f"plant:{row.id}"] if several else None,
                )
            )  # fmt: skip
            if several:
                break
    return tuple(found)


def decide(
    base: Base, before: Commitments, at: float, prices: PricesAt, economy: EconomyAt, draws: Mapping[str, float],
    *, foreseen: bool = False,
) -> Commitments:  # fmt: skip
    """Return what is committed after the decisions of a date.

    Args:
        base: the prepared base year.
        before: what was committed before.
        at: decimal year of the decision.
        prices: expected prices, mean of the year that begins at a date, USD/t, [m].
        economy: the economy of a period as it is expected at `at`.
        draws: uniform numbers by `project:ID`; with one, a project stands or it does not.
        foreseen: leave out entry that windows with perfect foresight decide themselves (`builds_of`).

    Returns:
        The commitments; `cause` says which expected equilibrium was not found, if any.
    """
    years = 1.0 if before.at is None else at - before.at
    now = replace(before, at=at, cause="")
    offers = [
        *([] if foreseen else _entrants(base, prices, at, years)),
        *_projects(base, now, prices, at, draws),
        *_grades(base, now, at, years),
    ]
    for lead in sorted({offer.candidate.lead for offer in offers}):
        group = [offer for offer in offers if offer.candidate.lead == lead]
        period = Period(at + lead, 1.0)
        assembled = economy(period, now.terms(period))
        then = period_economy(base, assembled.arrays, period, assembled.arrays.group_names)
        names = {name: g for g, name in enumerate(assembled.arrays.group_names)}
        candidates = [replace(offer.candidate, plant=names.get(f"plant:{offer.row}")) for offer in group]
        options = SolveOptions(tolerance=base.settings.tolerance)
        found = entry(candidates, then, period, prices, at, discount=base.discount, options=options)
        if not found.ok and found.solution is not None:
            status = found.solution.status.value
            return replace(now, cause=f"the economy expected for {period.start:g}: {status}: {found.solution.cause}")
        for offer, amount in zip(group, found.amounts, strict=True):
            if amount > 1e-9 * offer.most:
                now = _taken(now, offer, amount, at)
    return _reviewed(base, now, at, prices, economy, draws)


def _taken(now: Commitments, offer: _Offer, amount: float, at: float) -> Commitments:
    candidate = offer.candidate
    first = at + candidate.lead
    addition = Addition(candidate.activity, amount, first, first + candidate.life, candidate.ramp, offer.row)
    shares = dict(now.shares)
    if offer.share_unit:
        addition = replace(addition, stop=np.inf)  # a qualified grade stays qualified
        shares[offer.row] = shares.get(offer.row, 0.0) + amount / offer.share_unit
    projects = now.projects | {offer.project} if offer.project else now.projects
    return replace(now, additions=(*now.additions, addition), shares=shares, projects=projects)


def _number(base: Base, cell: Cell | None, default: float) -> float:
    return default if cell is None else float(base.values[cell])


def _candidate(base: Base, row: ProcessRow, most: float, prices: PricesAt, at: float, lead: float) -> Candidate:
    """The candidate for more of a process, on the feed that earns most at the prices of its first output."""
    network = base.network
    then = prices(at + lead)

    def margin(j: int) -> float:
        return float(sum(v * then[i] for i, v in network.activities[j].flows) - network.cost[j])

    j = max(network.by_row[row.id], key=margin)
    return Candidate(
        activity=j, cost=float(network.cost[j]), capex=_number(base, row.capex, 0.0),
        life=_number(base, row.life, PLANT_LIFE), lead=lead, announced=most, risk=_number(base, row.risk, 0.0),
        ramp=_number(base, row.ramp, 0.0), name=row.id,
    )  # fmt: skip


def _entrants(base: Base, prices: PricesAt, at: float, years: float) -> list[_Offer]:
    found = []
    for row in base.case.processes:
        most = _number(base, row.entry_rate, 0.0) * years
        if most > 0.0:
            candidate = _candidate(base, row, most, prices, at, _number(base, row.lead, 0.0))
            found.append(_Offer(row.id, candidate, most))
    return found


def _projects(
    base: Base, now: Commitments, prices: PricesAt, at: float, draws: Mapping[str, float]
) -> list[_Offer]:  # fmt: skip
    """Projects that come if they pay: judged from a year before the last date at which they can be in time."""
    processes = {row.id: row for row in base.case.processes}
    found = []
    for row in base.case.projects:
        announced = year_number(row.announced)
        if row.decision != "if_it_pays" or row.id in now.projects or (announced is not None and announced > at):
            continue
        process = processes[row.process]
        lead, start = _number(base, process.lead, 0.0), _number(base, row.start, at)
        size = standing(base, row, draws) * _number(base, row.capacity, 0.0)
        if size > 0.0 and start - at < lead + 1.0:
            candidate = _candidate(base, process, size, prices, at, max(lead, start - at))
            ramp = _number(base, row.ramp, candidate.ramp)
            found.append(_Offer(process.id, replace(candidate, ramp=ramp, name=row.id), size, project=row.id))
    return found


def standing(base: Base, row: ProjectRow, draws: Mapping[str, float]) -> float:
    """Return by which share a project counts: its probability, or with a draw 1 or 0."""
    chance = _number(base, row.probability, 1.0)
    draw = draws.get(f"project:{row.id}")
    return chance if draw is None else float(draw < chance)


def _grades(base: Base, now: Commitments, at: float, years: float) -> list[_Offer]:
    found = []
    activities = {base.network.activities[j].row: j for j in base.network.grade_of}
    for row in base.case.grades:
        j, lead = activities[row.id], _number(base, row.qualification, 0.0)
        left = _number(base, row.share, 1.0) - now.shares.get(row.id, 0.0)
        share = min(left, _number(base, row.rate, 1.0) * years if row.rate is not None else left)
        use = replaced_use(base, row, Period(at + lead, 1.0))
        if share <= 1e-9 or use <= 0.0:
            continue
        candidate = Candidate(
            activity=j, cost=float(base.network.cost[j]), capex=_number(base, row.cost, 0.0),
            life=_number(base, row.life, GRADE_LIFE), lead=lead, announced=share * use, name=row.id,
        )  # fmt: skip
        found.append(_Offer(row.id, candidate, share * use, share_unit=use))
    return found


def replaced_use(base: Base, row: GradeRow, period: Period) -> float:
    """Return what a grade may at most stand in for, t a year: the reference use, or the base-year output."""
    js = base.network.by_row[row.replaces]
    if base.network.activities[js[0]].row in {demand.id for demand in base.case.demands}:
        return reference_use(base, js[0], period)
    return float(sum(base.year.levels[j] for j in js))


def _reviewed(
    base: Base, now: Commitments, at: float, prices: PricesAt, economy: EconomyAt, draws: Mapping[str, float]
) -> Commitments:  # fmt: skip
    """Mothball, restart and retire the plants that have a fixed cost."""
    rows = [row for row in base.case.processes if row.fixed_cost is not None and row.id not in now.retired]
    if not rows:
        return now
    period = Period(at, 1.0)
    assembled = economy(period, now.terms(period))
    arrays = assembled.arrays
    plants: list[Plant] = []
    for row in rows:
        if row.id in now.mothballed:
            plants.append(now.mothballed[row.id])
            continue
        capacity = _capacity(base, assembled, row) - _state_directed(base, row.id, at, draws)
        if np.isfinite(capacity) and capacity > 0.0:
            plants.append(
                Plant(
                    activity=_best_feed(base, row, prices(at), arrays), capacity=capacity,
                    fixed=_number(base, row.fixed_cost, 0.0), restart=_number(base, row.restart_cost, 0.0),
                    time=_number(base, row.restart_time, 0.0), retire=_number(base, row.retire_after, np.inf),
                )
            )  # fmt: skip
    kept, changes = review(plants, arrays, prices, at, horizon=REVIEW_YEARS, discount=base.discount)
    row_of = {plant.activity: base.network.activities[plant.activity].row for plant in plants}
    standing_still = {row_of[plant.activity]: plant for plant in kept if not plant.running}
    gone = frozenset(row_of[plant.activity] for plant in plants) - {row_of[plant.activity] for plant in kept}
    return replace(
        now,
        additions=(*now.additions, *(replace(change, name=row_of[change.activity]) for change in changes)),
        mothballed=standing_still,
        retired=now.retired | gone,
    )


def _best_feed(base: Base, row: ProcessRow, prices: Floats, arrays: EconomyArrays) -> int:
    idle = marginal_at_nil(arrays)
    margins = arrays.B.T @ prices - idle
    return max(base.network.by_row[row.id], key=lambda j: float(margins[j]))


def _capacity(base: Base, assembled: Assembled, row: ProcessRow) -> float:
    """Return a process's capacity in a year's economy, t a year."""
    shared = f"plant:{row.id}"
    for limit in assembled.limits:
        if limit.name == shared:
            return limit.limit
    return float(assembled.arrays.upper[base.network.by_row[row.id][0]])


def _state_directed(base: Base, process: str, at: float, draws: Mapping[str, float]) -> float:
    """Return the capacity of a process that runs whatever it earns, t a year."""
    return sum(
        standing(base, row, draws) * _number(base, row.capacity, 0.0)
        for row in base.case.projects
        if row.process == process and row.decision == "state" and _number(base, row.start, at) <= at
    )
