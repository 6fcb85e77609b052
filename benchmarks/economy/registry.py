"""The registry: each benchmark names its size, its difficulty, what is timed against what, and its target ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from benchmarks.economy import drivers
from benchmarks.economy.world import World, build_variant, build_world


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One comparison: `ours` and `theirs` return seconds for one run; the ratio ours / theirs should be <= target."""

    name: str
    size: str
    difficulty: str
    target: float
    ours: Callable[[], float]
    theirs: Callable[[], float]
    needs: tuple[str, ...] = ()


@cache
def world(periods: int = 1) -> World:
    """The world economy, built once."""
    return build_world(periods)


@cache
def reference(variant: str) -> float:
    """Objective of the LP or QP, by our solver."""
    slope = 0.0 if variant == "lp" else 0.02
    return drivers.objective(world(), drivers.solve_ours(build_variant(world(), variant)).levels, slope)


def ours_lp() -> float:
    seconds, solution = drivers.time_call(lambda: drivers.solve_ours(build_variant(world(), "lp")))
    drivers.agree(drivers.objective(world(), solution.levels, 0.0), reference("lp"), "ours")
    return seconds


def ours_qp() -> float:
    arrays = build_variant(world(), "qp")
    seconds, solution = drivers.time_call(lambda: drivers.solve_ours(arrays))
    drivers.agree(drivers.objective(world(), solution.levels, 0.02), reference("qp"), "ours")
    return seconds


def ours_tariff() -> float:
    arrays = build_variant(world(), "tariff")
    return drivers.time_call(lambda: drivers.solve_ours(arrays))[0]


@cache
def tariff_start() -> tuple[object, object]:
    arrays = build_variant(world(), "tariff")
    plan = drivers.plan_economy(arrays)
    return drivers.solve_ours(arrays, plan=plan), plan


def ours_tariff_warm() -> float:
    start, plan = tariff_start()
    arrays = drivers.neighbour(world())
    return drivers.time_call(lambda: drivers.solve_ours(arrays, start, plan))[0]  # type: ignore[arg-type]


def checked(run: Callable[[World], tuple[float, float]], variant: str) -> Callable[[], float]:
    """Time another code and insist that its objective agrees with ours."""

    def timed() -> float:
        seconds, value = run(world())
        drivers.agree(value, reference(variant), run.__name__)
        return seconds

    return timed


def faster_qp() -> float:
    return min(checked(drivers.piqp_qp, "qp")(), checked(drivers.clarabel_qp, "qp")())


SIZE = "464 markets, 6,316 activities"
REGISTRY: tuple[Benchmark, ...] = (
    Benchmark("lp / HiGHS", SIZE, "linear program", 1.1, ours_lp, checked(drivers.highs_lp, "lp")),
    Benchmark(
        "qp / faster of PIQP, Clarabel", SIZE, "quadratic program", 1.0, ours_qp, faster_qp, ("piqp", "clarabel")
    ),
    Benchmark("tariff cold / HiGHS on the lp", SIZE, "not monotone", 2.0, ours_tariff, checked(drivers.highs_lp, "lp")),
    Benchmark(
        "tariff warm / HiGHS on the lp", SIZE, "not monotone", 0.5, ours_tariff_warm, checked(drivers.highs_lp, "lp")
    ),
    Benchmark(
        "lp / linopy", SIZE, "building and reading back", 0.1, ours_lp, checked(drivers.linopy_lp, "lp"), ("linopy",)
    ),
    Benchmark(
        "lp / PyPSA", SIZE, "building and reading back", 0.02, ours_lp, checked(drivers.pypsa_lp, "lp"), ("pypsa",)
    ),
)


@dataclass(frozen=True, slots=True)
class Growth:
    """Processor seconds of one code on one variant by number of periods, the median of the runs."""

    name: str
    seconds: tuple[float, ...]

    def exponent(self, periods: tuple[int, ...]) -> float:
        """Slope of log seconds on log periods."""
        return float(np.polyfit(np.log(periods), np.log(self.seconds), 1)[0]) if len(periods) > 1 else float("nan")


def growth(periods: tuple[int, ...], runs: int = 1) -> Iterator[Growth]:
    """Every variant over several periods linked by stocks: HiGHS on the LP first, then ours, cold and warm."""

    def warm(count: int) -> float:
        big = world(count)
        arrays = build_variant(big, "tariff")
        plan = drivers.plan_economy(arrays)
        start = drivers.solve_ours(arrays, plan=plan, time_limit=3600.0)
        return drivers.time_cpu(partial(drivers.solve_ours, drivers.neighbour(big), start, plan, 3600.0))

    def cold(variant: str, count: int) -> float:
        arrays = build_variant(world(count), variant)
        return drivers.time_cpu(partial(drivers.solve_ours, arrays, time_limit=3600.0))

    rows: tuple[tuple[str, Callable[[int], float]], ...] = (
        ("HiGHS on the lp", lambda count: drivers.time_cpu(partial(drivers.highs_lp, world(count)))),
        ("lp", partial(cold, "lp")),
        ("qp", partial(cold, "qp")),
        ("tariff cold", partial(cold, "tariff")),
        ("tariff warm", warm),
    )
    for name, run in rows:
        yield Growth(name, tuple(statistics.median(run(count) for _ in range(runs)) for count in periods))
