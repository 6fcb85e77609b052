"""Proposals compared: central values, then shared draws, then paired differences.

A draw changes the numbers of the case's claims and assumptions and decides which projects are built; every proposal of
a draw stands on the same prepared base year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from oreflow.core.errors import OreflowError
from oreflow.policy.proposal import Composition, compose
from oreflow.study.base import Base, Settings, prepare, prepare_central
from oreflow.study.indicators import Lens, Values, against, first_year, measure
from oreflow.study.outcome import Outcome
from oreflow.study.run import run
from oreflow.study.unlock import Barriers

if TYPE_CHECKING:
    from oreflow.chain.case import Case
    from oreflow.market.arrays import Solution


@dataclass(frozen=True, slots=True)
class Central:
    """Central runs of the proposals and of the status quo.

    `values`: composition name -> indicators; `reference`: those of the status quo.
    """

    base: Base
    lens: Lens
    status_quo: str
    compositions: tuple[Composition, ...]
    outcomes: Mapping[str, Outcome]
    values: Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class DrawResult:
    """Indicators of one draw by proposal; `failures`: proposal -> cause for those that found no equilibrium."""

    index: int
    values: Mapping[str, Values]
    waterfalls: Mapping[str, tuple[tuple[str, float], ...]]
    failures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CaseReference:
    """What another process needs to load a case again: folder or name, as-of date (ISO) and the switches set."""

    name: str
    as_of: str | None
    switches: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, case: Case) -> CaseReference:
        """Return the reference of a loaded case."""
        return cls(case.reference, str(case.as_of) if case.as_of else None, tuple(case.switches.items()))


@dataclass(frozen=True, slots=True)
class DrawJob:
    """What a worker needs for one draw: the case by reference, proposals, and the drawn numbers by name.

    `until`: last year to solve, the end of the case where None.
    """

    case: CaseReference
    proposals: tuple[str, ...]
    status_quo: str
    headline_year: int
    index: int
    names: tuple[str, ...] = field(repr=False)
    numbers: tuple[float, ...] = field(repr=False)
    settings: Settings = Settings()
    until: int | None = None


def run_central(
    case: Case,
    compositions: Sequence[Composition],
    settings: Settings | None = None,
    progress: Callable[[int], None] | None = None,
) -> Central:
    """Return the central run of each composition, with the status quo added where it is not among them.

    Args:
        case: a loaded case.
        compositions: what to compare.
        settings: choices of the run.
        progress: called with the number of runs done.
    """
    base = prepare_central(case, settings)
    lens = Lens(base, base.network)
    status_quo = compose(case, case.status_quo)
    wanted = list(compositions)
    if status_quo.name not in {composition.name for composition in wanted}:
        wanted.insert(0, status_quo)
    outcomes: dict[str, Outcome] = {}
    known: dict[bytes, Solution] = {}
    values: dict[str, Values] = {}
    for done, composition in enumerate(wanted):
        outcomes[composition.name] = run(base, composition.name, composition.instruments, known=known)
        if progress is not None:
            progress(done + 1)
    actors = _actors(outcomes.values())
    for name, outcome in outcomes.items():
        values[name] = measure(outcome, lens, actors)
    reference = values[status_quo.name]
    for name in values:
        values[name] |= against(values[name], reference)
        values[name]["first_year"] = {"": first_year(values[name].get("diverted_first", {}))}
    return Central(base, lens, status_quo.name, tuple(wanted), outcomes, values)


def _actors(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return every actor who receives anything in any run, so that a change from or to nothing shows."""
    found: set[str] = set()
    for outcome in outcomes:
        for record in outcome.years:
            found |= {line[3] for line in record.charges.lines}
        found |= {a.operator for a in outcome.network.activities if a.operator}
    return tuple(sorted(found))


@lru_cache(maxsize=2)
def loaded_case(reference: CaseReference) -> Case:
    """Return a case, loaded once a process.

    Args:
        reference: to it.
    """
    from datetime import date

    from oreflow.chain.case import load_case

    case = load_case(reference.name, as_of=date.fromisoformat(reference.as_of) if reference.as_of else None)
    return case.with_switches(dict(reference.switches)) if reference.switches else case


def run_draw(job: DrawJob) -> DrawResult:
    """Return the indicators of one draw for all proposals, paired with the status quo of the same draw.

    A base year that cannot be prepared, or a year without equilibrium, is a failure with its cause, never an exception.
    """
    case = loaded_case(job.case)
    draws = dict(zip(job.names, job.numbers, strict=True))
    values: dict[str, Values] = {}
    waterfalls: dict[str, tuple[tuple[str, float], ...]] = {}
    failures: dict[str, str] = {}
    names = tuple(dict.fromkeys((job.status_quo, *job.proposals)))
    try:
        numbers = {name: value for name, value in draws.items() if not name.startswith("project:")}
        base = prepare(case, case.values(draws=numbers), job.settings)
    except OreflowError as error:
        return DrawResult(job.index, {}, {}, dict.fromkeys(names, f"base year: {error}"))
    lens = Lens(base, base.network)
    known: dict[bytes, Solution] = {}
    for name in names:
        composition = compose(case, name)
        outcome = run(base, composition.name, composition.instruments, draws=draws, until=job.until, known=known)
        if not outcome.solved:
            failures[composition.name] = outcome.cause
            continue
        values[composition.name] = measure(outcome, lens)
        barriers = Barriers(outcome, job.headline_year, composition.instruments)
        waterfalls[composition.name] = barriers.waterfall()
    reference = values.get(job.status_quo)
    if reference is None:
        failures |= dict.fromkeys(values, "the status quo of the same draw found no equilibrium")
        return DrawResult(job.index, {}, {}, failures)
    for name in values:
        values[name] |= against(values[name], reference)
        values[name]["first_year"] = {"": first_year(values[name].get("diverted_first", {}))}
    return DrawResult(job.index, values, waterfalls, failures)


@dataclass(frozen=True, slots=True)
class Bands:
    """Percentiles of one number over the draws that have it; NaN counts as `never`."""

    p10: float
    p50: float
    p90: float
    n: int


def bands(numbers: Sequence[float]) -> Bands | None:
    """Return the 10th, 50th and 90th percentile (linear interpolation); None without a finite number.

    Example:
        >>> bands([1.0, 2.0, 3.0]).p50
        2.0
    """
    finite = np.array([number for number in numbers if number == number])
    if not finite.size:
        return None
    p10, p50, p90 = np.percentile(finite, [10, 50, 90])
    return Bands(float(p10), float(p50), float(p90), int(finite.size))
