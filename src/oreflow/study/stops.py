"""All that is said of where a proposal's tonnes stop: one task a proposal, to be run in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oreflow.core.threads import with_one_blas_thread
from oreflow.study.freight import Haul, best_way
from oreflow.study.unlock import Barriers, Margin, Unlock, unlock_barriers

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.study.outcome import Outcome


@dataclass(frozen=True, slots=True)
class StopJob:
    """A solved proposal, the year in which barriers are lifted, and the tonnes (t/yr of tracked oxide) to reach."""

    outcome: Outcome
    instruments: tuple[Instrument, ...]
    year: int
    target: float


@dataclass(frozen=True, slots=True)
class Stops:
    """Where the tonnes of a proposal stop in a year.

    Attributes:
        steps: of the waterfall, id and t/yr left.
        unlocked: minimal barrier sets and the ladder.
        margin: of the best way out, None where there is none.
        payment: USD a tonne of ore separated outside at which tonnes begin to flow; see `Barriers.payment_to_start`.
        way: haul to the end of the best way, haul to the first place abroad, and the way in words.
    """

    steps: tuple[tuple[str, float], ...]
    unlocked: Unlock
    margin: Margin | None
    payment: float | None
    way: tuple[Haul, Haul | None, str] | None


@with_one_blas_thread
def find_stops(job: StopJob) -> Stops:
    """Return where the tonnes of a solved proposal stop.

    Args:
        job: the proposal, solved through the year.

    Example:
        >>> find_stops(StopJob(outcome, composition.instruments, 2030, 100.0)).steps[0][0]  # doctest: +SKIP
        'contained'
    """
    barriers = Barriers(job.outcome, job.year, job.instruments)
    margin = barriers.margin()
    return Stops(
        steps=barriers.waterfall(),
        unlocked=unlock_barriers(barriers, job.target),
        margin=margin,
        payment=barriers.payment_to_start(),
        way=None if margin is None else best_way(barriers, margin),
    )
