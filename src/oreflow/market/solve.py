"""Solve an economy given as arrays: interior point from afar, active-set Newton from nearby and for the polish.

The work is in `oreflow.market.scaling` (what is solved), `newton` (the reduced system), `interior` and `active_set`;
this module chooses between them, judges the answer by its natural residual and says why there is none. Linear programs
go to HiGHS (`linear`).

Sources: Mehrotra (1992) predictor-corrector; Facchinei and Pang (2003) ch. 9 and 11 for the natural residual and the
active-set Newton method.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import scipy.sparse as sp

from oreflow.core.threads import with_one_blas_thread
from oreflow.market.active_set import Residual, active_set
from oreflow.market.arrays import CurveKind, EconomyArrays, Floats, Solution, Status
from oreflow.market.feasibility import diagnose, find_impossibility, find_subsidised_cycle
from oreflow.market.interior import Point, cold_start, interior_point, scatter, warm_start
from oreflow.market.linear import is_linear_program, solve_linear_program
from oreflow.market.options import Clock, SolveOptions
from oreflow.market.residual import natural_residual, user_residual
from oreflow.market.scaling import Core, Ints, SymbolicPlan, build_core, plan_economy

_TARGETS = (1e-9, 1e-13, 1e-18, 1e-20, 1e-22)
"""Complementarity at which the active set is tried, one after another; the residual is about the square root of it."""

__all__ = ["SolveOptions", "SymbolicPlan", "find_equilibria", "plan_economy", "solve_economy"]


def _first_point(core: Core, arrays: EconomyArrays, start: Solution) -> tuple[Floats, Floats]:
    """Bring a solution in user units to the core."""
    n = arrays.shape[1]
    whole = start.levels[core.plan.columns]
    if len(core.plan.columns) > n:
        flat = core.plan.columns[n:]
        bent = np.arange(n, len(whole))
        knee = core.knees[bent] * core.col[bent]
        whole = whole.copy()
        whole[bent] = np.maximum(whole[flat] - knee, 0.0)
        whole[flat] = np.minimum(whole[flat], knee)
    y = np.concatenate([start.prices, start.group_rents]) * core.row / core.money
    return whole / core.col, y


@with_one_blas_thread
def solve_economy(
    arrays: EconomyArrays,
    start: Solution | None = None,
    options: SolveOptions = SolveOptions(),
    plan: SymbolicPlan | None = None,
) -> Solution:
    """Return an equilibrium of the economy, or a solution whose status says why there is none.

    Args:
        arrays: the economy, in t, USD and USD/t.
        start: a solution of a neighbouring economy of the same shape; a good one saves most of the work.
        options: tolerance and limits.
        plan: symbolic analysis from `plan_economy`; one that does not fit is replaced.

    Returns:
        Prices, levels and rents with status, scaled natural residual and the worst rows by name.

    Example:
        >>> solution = solve_economy(arrays)  # doctest: +SKIP
        >>> solution.status, solution.prices  # doctest: +SKIP
    """
    with np.errstate(all="ignore"):  # numbers out of range become infinite residuals, which are judged as such
        return _solve(arrays, start, options, plan)


def _solve(arrays: EconomyArrays, start: Solution | None, options: SolveOptions, plan: SymbolicPlan | None) -> Solution:
    began = time.perf_counter()
    clock = Clock(began + options.time_limit, began)
    seconds: dict[str, float] = {}
    cycle = find_subsidised_cycle(arrays) if options.explain else None
    if cycle is not None:
        return _refused(arrays, Status.STALLED, cycle.text, began)
    if is_linear_program(arrays):
        vertex = _solve_linear(arrays, options, began)
        if vertex is not None:
            return vertex
        seconds["linear"] = time.perf_counter() - began
    if plan is None or not plan.fits(arrays):
        plan = plan_economy(arrays)
        seconds["plan"] = time.perf_counter() - began
    mark = time.perf_counter()
    core = build_core(arrays, plan)
    seconds["build"] = time.perf_counter() - mark
    clock.last = time.perf_counter()
    iterations = 0
    done = False
    x = y = np.zeros(0)
    state: Residual | None = None
    impossible = ""
    if start is not None and len(start.levels) == arrays.shape[1] and len(start.prices) == arrays.shape[0]:
        mark = time.perf_counter()
        x, y, state, used = active_set(
            core, *_first_point(core, arrays, start), options.warm_iterations, options.tolerance, clock, patience=1
        )
        iterations += used
        seconds["warm"] = time.perf_counter() - mark
        done = state.size <= options.tolerance
    small = np.zeros(0, dtype=np.int64) if done else _negligible(arrays)
    if small.size:  # demand of next to nothing would shorten every step: first without it, then beside it
        mark = time.perf_counter()
        rest = _solve_without(arrays, small, replace(options, explain=False, time_limit=clock.deadline - mark))
        iterations += rest.iterations
        if rest.ok:
            x, y, state, used = active_set(
                core, *_first_point(core, arrays, rest), options.warm_iterations, options.tolerance, clock
            )
            iterations += used
            done = state.size <= options.tolerance
        seconds["without"] = time.perf_counter() - mark
    if not done:
        mark = time.perf_counter()
        bulk = 1.0 if len(core.iso) + len(core.bent) else 10.0
        points: list[Callable[[], Point]] = [partial(cold_start, core, bulk)]
        if state is not None:  # the neighbour's point once more, from further inside
            points.append(partial(warm_start, core, x, y, 1e-3))
        points += [partial(cold_start, core, 30.0), partial(cold_start, core, 0.03)]
        for attempt, make in enumerate(points):
            x2, y2, state2, used = _from_point(core, make(), options, clock, careful=attempt > 0)
            iterations += used
            if state is None or state2.size < state.size:
                x, y, state = x2, y2, state2
            if state.size <= options.tolerance or clock.over:
                break
            if options.explain and not attempt:  # before the careful attempts: is there anything to be found?
                impossible = find_impossibility(arrays, clock.deadline - time.perf_counter())
                clock.last = time.perf_counter()
                if impossible:
                    break
        seconds["solve"] = time.perf_counter() - mark
    if state is None:  # pragma: no cover - the loop above always sets it
        raise RuntimeError("solve_economy ended without a point")
    seconds["total"] = time.perf_counter() - began
    return _solution(core, arrays, x, y, state, iterations, seconds, options, clock, impossible)


def _from_point(
    core: Core, point: Point, options: SolveOptions, clock: Clock, *, careful: bool
) -> tuple[Floats, Floats, Residual, int]:
    """Interior point from a point and the active set behind it, at ever smaller targets; the best met."""
    best: tuple[Floats, Floats, Residual] | None = None
    iterations = 0
    for target in _TARGETS:
        point, used, converged = interior_point(core, point, options, clock, target, careful=careful)
        x, y, state, more = active_set(core, point.x, point.y, options.polish, options.tolerance, clock)
        iterations += used + more
        if best is None or state.size < best[2].size:
            best = x, y, state
        if best[2].size <= options.tolerance or not converged:
            break
    if best is None:  # pragma: no cover - there is a first target
        raise RuntimeError("no target to aim at")
    return *best, iterations


def find_equilibria(
    arrays: EconomyArrays, starts: int = 8, seed: int = 0, options: SolveOptions = SolveOptions()
) -> tuple[Solution, ...]:
    """Return the distinct equilibria reached from several starts, the one of `solve_economy` first.

    With wedges, sellers or couplings there may be more than one; that a search finds one only is no proof.

    Args:
        arrays: the economy.
        starts: number of starts in all.
        seed: of the random starts.
        options: tolerance and limits of each start.

    Returns:
        Solutions whose prices or levels differ by more than 1e-6 of the largest; empty where none was found.
    """
    first = solve_economy(arrays, None, options)
    found = [first] if first.ok else []
    plan = plan_economy(arrays)
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        core = build_core(arrays, plan)
        for _ in range(starts - 1):
            began = time.perf_counter()
            clock = Clock(began + options.time_limit, began)
            point = scatter(core, cold_start(core, 10.0 ** rng.uniform(-1.0, 1.5)), rng)
            x, y, state, used = _from_point(core, point, options, clock, careful=True)
            seconds = {"total": time.perf_counter() - began}
            other = _solution(core, arrays, x, y, state, used, seconds, replace(options, explain=False), clock, "")
            if other.ok and not any(_alike(other, one) for one in found):
                found.append(other)
    return tuple(found)


def _alike(one: Solution, other: Solution) -> bool:
    """True where prices and levels differ by no more than 1e-6 of the largest."""
    pairs = ((one.prices, other.prices), (one.levels, other.levels))
    return all(np.abs(a - b).max(initial=0.0) <= 1e-6 * np.abs(a).max(initial=1e-300) for a, b in pairs)


def _negligible(arrays: EconomyArrays) -> Ints:
    """Isoelastic demand whose reference quantity is under a millionth of the median one."""
    at = np.flatnonzero(arrays.curves.kind == CurveKind.ISOELASTIC)
    if arrays.K is not None or not at.size:
        return at[:0]
    quantity = arrays.curves.b[at]
    return at[quantity < 1e-6 * np.median(quantity)]


def _solve_without(arrays: EconomyArrays, small: Ints, options: SolveOptions) -> Solution:
    """Solve without some demands and put them back at what they would take at the prices found."""
    kept = np.setdiff1d(np.arange(arrays.shape[1]), small)
    part = replace(
        arrays, A=arrays.A[:, kept], B=arrays.B[:, kept], G=sp.csr_array(arrays.G[:, kept]),
        curves=arrays.curves.take(kept), upper=arrays.upper[kept],
        activity_names=tuple(arrays.activity_names[int(j)] for j in kept) if arrays.activity_names else (),
    )  # fmt: skip
    found = _solve(part, None, options, None)
    levels, rents = np.zeros(arrays.shape[1]), np.zeros(arrays.shape[1])
    levels[kept], rents[kept] = found.levels, found.capacity_rents
    curves = arrays.curves.take(small)
    asked = curves.shift - arrays.B[:, small].T @ found.prices + arrays.G[:, small].T @ found.group_rents
    taken = np.where(asked < curves.d, curves.b * (np.maximum(asked, 1e-9 * curves.a) / curves.a) ** curves.c, 0.0)
    levels[small] = np.minimum(taken, arrays.upper[small])
    return replace(found, levels=levels, capacity_rents=rents)


def _solve_linear(arrays: EconomyArrays, options: SolveOptions, began: float) -> Solution | None:
    """A vertex from HiGHS where it meets the tolerance; None leaves the work to the interior point."""
    m, _, _ = arrays.shape
    found = solve_linear_program(arrays, options.time_limit)
    if found is None:
        return None
    x = np.clip(found[0], 0.0, arrays.upper)
    y = np.where(
        np.concatenate([arrays.equality, np.zeros(len(arrays.h), dtype=bool)]), found[1], np.maximum(found[1], 0)
    )
    rows, cols = natural_residual(arrays, x, y[:m], y[m:])
    size = float(max(rows.max(initial=0.0), cols.max(initial=0.0)))
    if size > options.tolerance:
        return None
    cost = arrays.curves.shift + arrays.curves.a - arrays.B.T @ y[:m] + arrays.G.T @ y[m:]
    full = np.isfinite(arrays.upper) & (x >= arrays.upper * (1 - 1e-12))
    spent = time.perf_counter() - began
    return Solution(
        prices=y[:m],
        levels=x,
        capacity_rents=np.where(full, np.maximum(-cost, 0.0), 0.0),
        group_rents=y[m:],
        status=Status.SOLVED,
        residual=size,
        worst=_name_worst(arrays, rows, cols, np.arange(len(x))),
        iterations=1,
        seconds={"linear": spent, "total": spent},
        user_residual=user_residual(arrays, x, y[:m], y[m:]),
    )


def _name_worst(arrays: EconomyArrays, rows: Floats, cols: Floats, owner: Ints) -> tuple[tuple[str, float], ...]:
    """The five worst rows and activities by name, worst first."""
    m = arrays.shape[0]
    names = [
        (arrays.market_name(int(i)) if i < m else arrays.group_name(int(i) - m), float(rows[i]))
        for i in np.argsort(-rows)[:5]
    ]
    names += [(arrays.activity_name(int(owner[j])), float(cols[j])) for j in np.argsort(-cols)[:5]]
    return tuple(sorted(names, key=lambda item: -item[1])[:5])


def _solution(
    core: Core,
    arrays: EconomyArrays,
    x: Floats,
    y: Floats,
    state: Residual,
    iterations: int,
    seconds: Mapping[str, float],
    options: SolveOptions,
    clock: Clock,
    impossible: str,
) -> Solution:
    """Undo the scaling, merge split demand, name the worst rows, and say why there is no equilibrium."""
    m, n, _ = arrays.shape
    whole = x * core.col
    levels: Floats = np.bincount(core.plan.columns, weights=whole, minlength=n).astype(np.float64)
    prices = y * core.money / core.row
    rents = np.maximum(-state.cost, 0.0) * core.money / core.col
    rents = np.where(np.isfinite(arrays.upper) & (levels >= arrays.upper * (1 - 1e-12)), rents[:n], 0.0)
    names = _name_worst(arrays, state.rows, state.cols, core.plan.columns)
    cause = ""
    symmetric = core.K is None and np.array_equal(core.E.data, core.F.data)
    if state.size <= options.tolerance:
        status = Status.SOLVED if symmetric else Status.LOCALLY_SOLVED
    elif clock.over:
        status, cause = Status.TIME_LIMIT, f"no equilibrium within {options.time_limit:g} s"
    elif iterations >= options.max_iterations:
        status, cause = Status.ITERATION_LIMIT, f"no equilibrium within {options.max_iterations} iterations"
    else:
        status, cause = Status.STALLED, f"no further progress; the worst residual is at {names[0][0]}"
    if impossible:
        status, cause = Status.INFEASIBLE, impossible
    raw = user_residual(arrays, levels, prices[:m], prices[m:])
    found = Solution(prices[:m], levels, rents, prices[m:], status, state.size, names, iterations, seconds, cause, raw)
    if options.explain and status in (Status.STALLED, Status.ITERATION_LIMIT):
        return replace(found, cause=diagnose(arrays, found))
    return found


def _refused(arrays: EconomyArrays, status: Status, cause: str, began: float) -> Solution:
    """An answer without a point: what makes an equilibrium impossible was seen before solving."""
    m, n, g = arrays.shape
    spent = {"total": time.perf_counter() - began}
    return Solution(np.zeros(m), np.zeros(n), np.zeros(n), np.zeros(g), status, np.inf, (), 0, spent, cause, np.inf)
