"""Which inputs move the headline: the likeliest are set to their low and to their high, and all is run again.

Inputs are shortlisted by what they do to the economy before it is solved: the cost of the tracked ore's ways out and
plants, their capacities, and the magnitudes of the proposal itself. Each of the shortlist is then evaluated in full,
one at a time; interactions are left to the draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from oreflow.chain.network import Network, build_network
from oreflow.core.errors import OreflowError
from oreflow.futures.comparison import Central, DrawJob, DrawResult, run_draw
from oreflow.futures.ensemble import Submitted, Workers
from oreflow.study.unlock import Barriers

if TYPE_CHECKING:
    from oreflow.chain.case import Case
    from oreflow.chain.tables import Cell
    from oreflow.facts.ledger import Uncertainty
    from oreflow.policy.proposal import Composition

OF_PROPOSAL, OF_COST, OF_CAPACITY = 7, 5, 2
"""How many inputs of each sort are evaluated in full."""


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
    proposal: str
    year: int
    runs: Submitted[DrawJob, DrawResult]

    def effects(self, progress: Callable[[int, int], None] | None = None) -> tuple[Effect, ...]:
        """Wait for the runs and return the effects, the largest first.

        Args:
            progress: called with the number of inputs done and of all.
        """

        def step(done: int) -> None:
            if progress is not None:
                progress(done // 2, len(self.chosen))

        ends = [
            result.values.get(self.proposal, {}).get("diverted_first", {}).get(str(self.year), float("nan"))
            if isinstance(result, DrawResult)
            else float("nan")
            for result in self.runs.results(step)
        ]
        effects = [
            Effect(ref, low, high, at_low, at_high, abs(at_high - at_low))
            for (ref, low, high), at_low, at_high in zip(self.chosen, ends[::2], ends[1::2], strict=True)
        ]
        return tuple(sorted((e for e in effects if e.swing == e.swing), key=lambda effect: (-effect.swing, effect.ref)))


def screen(central: Central, composition: Composition, year: int, workers: Workers) -> Screening:
    """Begin one-at-a-time runs of uncertain inputs; their effects are those on diverted_first in a year.

    Args:
        central: the central runs.
        composition: the proposal.
        year: of the indicator; years after it are not solved.
        workers: who runs them.

    Example:
        >>> with Workers() as workers:  # doctest: +SKIP
        ...     screen(central, composition, 2030, workers).effects()[0].ref
    """
    case = central.base.case
    ranges = {u.name: u for u in case.uncertainties()}
    chosen = shortlist(central, composition, year, ranges)
    job = DrawJob(
        case=case.reference, as_of=str(case.as_of) if case.as_of else None, switches=tuple(case.switches.items()),
        proposals=(composition.name,), status_quo=composition.name, headline_year=year, index=0, names=(), numbers=(),
        settings=central.base.settings, until=year,
    )  # fmt: skip
    jobs = [
        replace(job, index=i, names=(ref,), numbers=(end,))
        for i, (ref, end) in enumerate((ref, end) for ref in chosen for end in (ranges[ref].low, ranges[ref].high))
    ]
    ends = tuple((ref, ranges[ref].low, ranges[ref].high) for ref in chosen)
    return Screening(ends, composition.name, year, workers.submit(run_draw, jobs, chunk=1))


def shortlist(central: Central, composition: Composition, year: int, ranges: dict[str, Uncertainty]) -> tuple[str, ...]:
    """Return the inputs to evaluate in full: of the proposal, of cost and of capacity on the tracked ore's path."""
    base = central.base
    case = base.case
    # What a measure costs the public moves no tonne.
    parameters = (
        cell
        for i in composition.instruments
        for cell in (i.magnitude, *(option for name, option in i.options.items() if name != "capex"))
    )
    own = _ranged(case, parameters, ranges)
    barriers = Barriers(central.outcomes[composition.name], year, composition.instruments)
    path = np.array(sorted({*barriers.ways_out, *barriers.processing}), dtype=int)
    central_network = build_network(case, base.values)
    by_cost: dict[str, float] = {}
    by_capacity: dict[str, float] = {}
    for ref in _ranged(case, _path_cells(central), ranges):
        if ref in own:
            continue
        ends = [_network(case, ref, value) for value in (ranges[ref].low, ranges[ref].high)]
        low, high = (end if end is not None else central_network for end in ends)
        if path.size and len(low.cost) == len(high.cost):
            by_cost[ref] = float(np.max(np.abs(high.cost[path] - low.cost[path])))
        if len(low.limits) == len(high.limits):
            known = np.isfinite(high.limit_values) & np.isfinite(low.limit_values)
            change = np.abs(high.limit_values[known] - low.limit_values[known])
            by_capacity[ref] = float(np.max(change, initial=0.0))
    chosen = [*own[:OF_PROPOSAL], *_largest(by_cost, OF_COST)]
    chosen += _largest({ref: size for ref, size in by_capacity.items() if ref not in chosen}, OF_CAPACITY)
    return tuple(dict.fromkeys(chosen))


def _largest(sizes: dict[str, float], count: int) -> list[str]:
    ranked = sorted((ref for ref, size in sizes.items() if size > 0.0), key=lambda ref: (-sizes[ref], ref))
    return ranked[:count]


def _network(case: Case, ref: str, value: float) -> Network | None:
    try:
        return build_network(case, case.values(draws={ref: value}))
    except OreflowError:
        return None


def _ranged(case: Case, cells: Iterator[object], ranges: dict[str, Uncertainty]) -> list[str]:
    """Return the inputs with a range behind parameters, assumptions followed to what they rest on."""
    direct = [ref for cell in cells for ref in getattr(cell, "references", ())]
    reached = [ref for name in dict.fromkeys(direct) for ref in (name, *case.ledger.reached((name,), case.as_of))]
    return [ref for ref in dict.fromkeys(reached) if ref in ranges]


def _path_cells(central: Central) -> Iterator[Cell | None]:
    case = central.base.case
    tracked = {c.id for c in case.commodities if c.origin == case.tracked_origin}
    legs = {leg for row in case.routes if set(row.commodities) & tracked for leg in row.legs}
    for leg in case.legs:
        if leg.id in legs:
            yield from (leg.km, leg.rate, leg.fixed, leg.capacity, leg.loss)
    for process in case.processes:
        if set(process.feeds) & tracked or "separate" in process.kind or (process.kind == "mine" and process.barrier):
            yield from (process.capacity, process.cost)
    for tie in case.ties:
        yield tie.share
    baskets = {c.basket for c in case.commodities if c.id in tracked}
    for row in case.baskets:
        if row.basket in baskets and row.element in case.tracked_elements:
            yield row.share
