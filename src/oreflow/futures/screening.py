"""Which inputs move the headline: the likeliest are set to their low and to their high, and all is run again.

Which are the likeliest is told by what their ranges do to the parameters: inputs of the proposal come first, then in
turn those that move most the cost of the tracked ore's ways and plants, their capacities, demand, supply, what was
observed, and anything else. Each of the shortlist is then evaluated in full, one at a time; interactions are left to
the draws. A longer list finds more: `LEAST_INPUTS` at least, and as many as there are draws.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oreflow.core.errors import OreflowError
from oreflow.futures.comparison import CaseReference, Central, loaded_case
from oreflow.futures.ensemble import Failure, Submitted, Workers
from oreflow.policy.proposal import compose
from oreflow.study.base import Settings, prepare
from oreflow.study.indicators import diverted_first
from oreflow.study.run import run

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Values
    from oreflow.chain.tables import Cell, LegRow
    from oreflow.facts.ledger import Uncertainty
    from oreflow.policy.proposal import Composition

LEAST_INPUTS = 32
"""Inputs that are evaluated in full where there are fewer draws."""

TURN = ("cost", "demand", "supply", "capacity", "demand", "supply", "observed", "other")
"""What inputs may move, in the turn in which the shortlist takes them; demand and supply rest on most of them."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Diverted tonnes (t/yr) with one input at its low and at its high; `swing` is the difference's size."""

    ref: str
    low: float
    high: float
    at_low: float
    at_high: float
    swing: float


@dataclass(frozen=True, slots=True)
class Screening:
    """One-at-a-time runs under way: each chosen input at its low and at its high."""

    chosen: tuple[tuple[str, float, float], ...]
    runs: Submitted[InputJob, float]

    def effects(self, progress: Callable[[int, int], None] | None = None) -> tuple[Effect, ...]:
        """Wait for the runs and return the effects, the largest first.

        Args:
            progress: called with the number of inputs done and of all.
        """

        def step(done: int) -> None:
            if progress is not None:
                progress(done // 2, len(self.chosen))

        ends = [math.nan if isinstance(result, Failure) else result for result in self.runs.results(step)]
        effects = [
            Effect(ref, low, high, at_low, at_high, abs(at_high - at_low))
            for (ref, low, high), at_low, at_high in zip(self.chosen, ends[::2], ends[1::2], strict=True)
        ]
        return tuple(sorted((e for e in effects if e.swing == e.swing), key=lambda effect: (-effect.swing, effect.ref)))


def screen(central: Central, composition: Composition, year: int, workers: Workers, most: int) -> Screening:
    """Begin one-at-a-time runs of uncertain inputs; their effects are those on diverted_first in a year.

    Args:
        central: the central runs.
        composition: the proposal.
        year: of the indicator; years after it are not solved.
        workers: who runs them.
        most: inputs to evaluate, each in two runs.

    Example:
        >>> with Workers() as workers:  # doctest: +SKIP
        ...     screen(central, composition, 2030, workers, 20).effects()[0].ref
    """
    case = central.base.case
    ranges = {u.name: u for u in case.uncertainties()}
    chosen = shortlist(central, composition, year, most)
    of = CaseReference.of(case)
    jobs = [
        InputJob(of, composition.name, year, central.base.settings, ref, end)
        for ref in chosen
        for end in (ranges[ref].low, ranges[ref].high)
    ]
    ends = tuple((ref, ranges[ref].low, ranges[ref].high) for ref in chosen)
    return Screening(ends, workers.submit(diverted_at, jobs, chunk=1))


@dataclass(frozen=True, slots=True)
class InputJob:
    """One run of a proposal to a year with one input, `claim:ID` or `assume:ID`, at a canonical value."""

    case: CaseReference
    proposal: str
    year: int
    settings: Settings
    ref: str
    value: float


def diverted_at(job: InputJob) -> float:
    """Return t/yr diverted in the job's year; NaN where its base year cannot be made or a year has no equilibrium."""
    case = loaded_case(job.case)
    composition = compose(case, job.proposal)
    try:
        base = prepare(case, case.values(draws={job.ref: job.value}), job.settings)
    except OreflowError:
        return math.nan
    outcome = run(base, composition.name, composition.instruments, until=job.year)
    return diverted_first(outcome, outcome.years[-1]) if outcome.solved else math.nan


def shortlist(central: Central, composition: Composition, year: int, most: int) -> tuple[str, ...]:
    """Return the inputs to evaluate in full: those of the proposal, then by category what their ranges move most.

    Args:
        central: the central runs.
        composition: the proposal.
        year: until which demand grows.
        most: inputs.
    """
    case = central.base.case
    ranges = {u.name: u for u in case.uncertainties()}
    # What a measure costs the public moves no tonne.
    parameters = (
        cell
        for i in composition.instruments
        for cell in (i.magnitude, *(option for name, option in i.options.items() if name != "capex"))
    )
    chosen = dict.fromkeys(_ranged(case, parameters, ranges))
    moved: dict[str, dict[str, list[_Quantity]]] = defaultdict(lambda: defaultdict(list))
    for quantity in _quantities(central, year):
        for ref in _ranged(case, iter(quantity.cells), ranges):
            moved[ref][quantity.category].append(quantity)
    scores: dict[str, dict[str, float]] = {category: {} for category in TURN}
    for ref, by_category in moved.items():
        low, high = (case.values(draws={ref: end}) for end in (ranges[ref].low, ranges[ref].high))
        for category, quantities in by_category.items():
            size = sum(quantity.change(low, high) for quantity in quantities)
            if size > 0.0 and ref not in chosen:
                scores[category][ref] = size
    ranked = {category: iter(sorted(of, key=lambda ref: (-of[ref], ref))) for category, of in scores.items()}
    while len(chosen) < most:
        taken = [next(ranked[category], None) for category in TURN]
        if not any(taken):
            break
        chosen |= dict.fromkeys(ref for ref in taken if ref is not None)
    return tuple(chosen)[:most]


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A number made of parameter cells; `weight` makes its changes comparable within the category."""

    category: str
    cells: tuple[Cell, ...]
    of: Callable[[Values], float]
    weight: float

    def change(self, low: Values, high: Values) -> float:
        """Return the weighted difference between two sets of values; 0 where one of them gives no number."""
        try:
            size = abs(self.of(high) - self.of(low)) * self.weight
        except OreflowError:
            return 0.0
        return size if math.isfinite(size) else 0.0


def _quantities(central: Central, year: int) -> list[_Quantity]:
    """Return what inputs may move: of the tracked ore's path, of demand, of supply, of observations, and all else."""
    base = central.base
    case, values = base.case, base.values
    found: list[_Quantity] = []
    seen: set[Cell] = set()

    def add(category: str, cell: Cell | None, weight: float, *, relative: bool = True) -> None:
        if cell is None or not cell.references:
            return
        seen.add(cell)
        try:
            scale = abs(values[cell]) or 1.0
        except OreflowError:  # hidden at the as-of date, and used by nothing that ran
            return
        found.append(_Quantity(category, (cell,), _value_of(cell), weight / scale if relative else weight))

    tracked = {c.id for c in case.commodities if c.origin == case.tracked_origin}
    legs = {leg for row in case.routes if set(row.commodities) & tracked for leg in row.legs}
    for leg in case.legs:
        if leg.id in legs:
            cells = tuple(cell for cell in (leg.km, leg.rate, leg.fixed) if cell is not None)
            seen.update(cells)
            found.append(_Quantity("cost", cells, _freight_of(leg), 1.0))
            add("capacity", leg.capacity, 1.0, relative=False)
    levels, by_row = base.year.levels, base.network.by_row
    content = central.lens.contents(central.outcomes[central.status_quo].years[0])[0]
    elapsed = year - case.base_year
    for process in case.processes:
        if set(process.feeds) & tracked or "separate" in process.kind or (process.kind == "mine" and process.barrier):
            add("cost", process.cost, 1.0, relative=False)
            add("capacity", process.capacity, 1.0, relative=False)
        made = sum(float(levels[j]) for j in by_row.get(process.id, ()))
        spent = made * (abs(values[process.cost]) if process.cost is not None else 0.0)
        add("supply", process.cost, spent)
        add("supply", process.capacity, spent)
        add("supply", process.elasticity, 0.3 * spent)

    def contained(row: str) -> float:
        """Tracked oxide in what a use takes, or a stock holds, in the base year, t."""
        at = by_row.get(row, ())
        return sum(float(levels[j]) * float(content[base.network.activities[j].flows[0][0]]) for j in at)

    for demand in case.demands:
        used = contained(demand.id)
        add("demand", demand.quantity, used)
        add("demand", demand.growth, used * elapsed, relative=False)
        add("demand", demand.elasticity, used * math.log(2.0), relative=False)  # where the price doubles
        add("demand", demand.adjustment, 0.3 * used)
    for stock in case.stocks:
        add("demand", stock.opening, 0.3 * contained(stock.id))
    for observation in case.observations:
        add("observed", observation.value, 1.0)
    for cell in case.cells():
        if cell not in seen:
            add("other", cell, 1.0)
    return found


def _value_of(cell: Cell) -> Callable[[Values], float]:
    return lambda values: float(values[cell])


def _freight_of(leg: LegRow) -> Callable[[Values], float]:
    def freight(values: Values) -> float:
        km, rate, fixed = (0.0 if cell is None else float(values[cell]) for cell in (leg.km, leg.rate, leg.fixed))
        return km * rate + fixed

    return freight


def _ranged(case: Case, cells: Iterator[object], ranges: dict[str, Uncertainty]) -> list[str]:
    """Return the inputs with a range behind parameters, assumptions followed to what they rest on."""
    direct = [ref for cell in cells for ref in getattr(cell, "references", ())]
    reached = [ref for name in dict.fromkeys(direct) for ref in (name, *case.ledger.reached((name,), case.as_of))]
    return [ref for ref in dict.fromkeys(reached) if ref in ranges]
