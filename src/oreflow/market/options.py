"""Settings of a solve, and the clock that ends it in time."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """Settings of `solve_economy`.

    Args:
        tolerance: largest scaled natural residual that counts as solved.
        max_iterations: most Newton systems.
        time_limit: seconds of wall clock.
        polish: Newton steps on the active set after the interior point.
        explain: where no equilibrium is found, test physical feasibility and name an irreducible infeasible set.
        warm_iterations: active-set Newton steps tried from `start` before the interior point takes over.
    """

    tolerance: float = 1e-9
    max_iterations: int = 300
    time_limit: float = 60.0
    polish: int = 8
    explain: bool = True
    warm_iterations: int = 12


@dataclass(slots=True)
class Clock:
    """When a solve must end; a step that would not be done by then is not begun.

    Args:
        deadline: in seconds of `time.perf_counter`.
        last: when the step before the next call of `step` began.
    """

    deadline: float
    last: float
    longest: float = 0.0
    over: bool = False

    def step(self) -> bool:
        """Return True where there is no time for another step as long as the longest one so far."""
        now = time.perf_counter()
        self.longest = max(self.longest, now - self.last)
        self.last = now
        self.over = self.over or now + self.longest > self.deadline
        return self.over
