"""Which inputs move the headline: each is set to its low and to its high, everything re-prepared and run again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oreflow.core.errors import OreflowError
from oreflow.study.base import Settings, prepare
from oreflow.study.indicators import measure
from oreflow.study.run import run

if TYPE_CHECKING:
    from oreflow.chain.case import Case
    from oreflow.policy.proposal import Composition


@dataclass(frozen=True, slots=True)
class Effect:
    """Diverted tonnes (t/yr) with one input at its low and at its high; `swing` is the difference's size."""

    ref: str
    low: float
    high: float
    at_low: float
    at_high: float
    swing: float


def screen(
    case: Case,
    composition: Composition,
    year: int,
    refs: Sequence[str],
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Effect, ...]:
    """Return one-at-a-time effects of uncertain inputs on diverted_first in a year, the largest first.

    Args:
        case: the case.
        composition: the proposal.
        year: of the indicator; years after it are not solved.
        refs: names of claims and assumptions (`claim:ID`, `assume:ID`) to try; those without range are passed over.
        settings: of the run.
        progress: called with done and total.
    """
    ranges = {u.name: u for u in case.uncertainties()}
    wanted = [ref for ref in refs if ref in ranges]
    effects = []
    for done, ref in enumerate(wanted):
        ends = []
        for value in (ranges[ref].low, ranges[ref].high):
            try:
                base = prepare(case, case.values(draws={ref: value}), settings)
                outcome = run(base, composition.name, composition.instruments, until=year)
                ends.append(measure(outcome).get("diverted_first", {}).get(str(year), float("nan")))
            except OreflowError:
                ends.append(float("nan"))
        swing = abs(ends[1] - ends[0])
        if swing == swing:
            effects.append(Effect(ref, ranges[ref].low, ranges[ref].high, ends[0], ends[1], swing))
        if progress is not None:
            progress(done + 1, len(wanted))
    return tuple(sorted(effects, key=lambda effect: -effect.swing))
