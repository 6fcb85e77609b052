"""Case x proposal x future -> outcome: the one function that runs.

Years are solved in turn. Capacities, demand's memory and stocks are carried. Beyond the year, or the window that
`Settings.window` asks for (`oreflow.study.foresight`), the future is what `Settings.expectation` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.calibrate import price_coefficients
from oreflow.chain.network import Kind, SharedLimit
from oreflow.core.threads import with_one_blas_thread
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Solution, Status
from oreflow.market.continuation import walk
from oreflow.market.polish import close_balances
from oreflow.market.presolve import solve_reduced
from oreflow.market.solve import SolveOptions
from oreflow.market.terms import (
    Charges,
    Close,
    LimitAdd,
    LimitScale,
    Open,
    Operator,
    Outlay,
    Quota,
    Scale,
    Term,
    TieRelease,
    capacity_additions,
    charges_of,
)
from oreflow.policy.apply import lower_all
from oreflow.study.base import Base
from oreflow.study.foresight import known_instruments, solve_ahead
from oreflow.study.outcome import Outcome, YearResult
from oreflow.study.rerouting import with_unrecorded_flows

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.windows import WindowResult

Floats = NDArray[np.float64]
SOLVED = (Status.SOLVED, Status.LOCALLY_SOLVED)


@with_one_blas_thread
def run(
    base: Base,
    proposal: str,
    instruments: tuple[Instrument, ...],
    *,
    draws: Mapping[str, float] | None = None,
    extra: tuple[Term, ...] = (),
    warm: Mapping[int, Solution] | None = None,
    until: int | None = None,
) -> Outcome:
    """Return the outcome of a proposal from the base year to the end of the case.

    Args:
        base: the prepared base year of this future.
        proposal: its name, as it will stand in the outcome.
        instruments: the proposal's instruments; the case's events are in force besides.
        draws: uniform draws in [0, 1) by `project:ID`, deciding whether a project is built; without them a project
            counts with its probability.
        extra: further terms in force in every year after the base year (barriers lifted, for `unlock`).
        warm: solutions of a neighbouring run, by year.
        until: last year to solve (default: the case's end year).

    Returns:
        An outcome; a year that found no equilibrium ends it with `solved` false and the cause in words.
    """
    base = with_unrecorded_flows(base, instruments)
    everything = (*base.case.event_instruments(), *instruments)
    state = _State(base)
    records: list[YearResult] = []
    start: Solution | None = None
    before: EconomyArrays | None = None
    window: WindowResult | None = None
    last = base.case.end_year if until is None else until
    for year in range(base.case.base_year, last + 1):
        first = year == base.case.base_year
        terms = lower_all(base.context, everything, year) + (() if first else extra)
        assembled = assemble(base, state, terms, year, draws or {})
        if base.settings.window > 1 and not first:
            years = {year: assembled.arrays} | _later_years(base, state, everything, extra, year, draws or {})
            foreseen = solve_ahead(base, years, state.levels, state.prices, window)
            solution, window = foreseen.solution, foreseen.window
            assembled.arrays = foreseen.arrays
        else:
            guess = (warm or {}).get(year) or start
            if guess is None:
                guess = _base_solution(base, assembled)
            solution = _solve_year(assembled.arrays, guess, before, start, base.settings.tolerance)
        if solution.status in SOLVED:
            solution = close_balances(assembled.arrays, solution)
        records.append(_record(year, assembled, solution, terms))
        if solution.status not in SOLVED:
            cause = f"{year}: {solution.status.value}: {solution.cause or _worst(solution)}"
            return Outcome(base, proposal, base.network, tuple(records), False, cause, dict(draws or {}))
        state.carry(solution)
        start, before = solution, assembled.arrays
    return Outcome(base, proposal, base.network, tuple(records), True, "", dict(draws or {}))


def _solve_year(
    arrays: EconomyArrays, guess: Solution, before: EconomyArrays | None, start: Solution | None, tolerance: float
) -> Solution:
    """Solve one year from a guess, else from afar, else step by step from the year before."""
    options = SolveOptions(tolerance=tolerance)
    solution = solve_reduced(arrays, _fitting(guess, arrays), options)
    if solution.status not in SOLVED:
        solution = solve_reduced(arrays, None, options)
    if solution.status not in SOLVED and before is not None and start is not None:
        solution = walk(before, start, arrays, options)
    return solution


def _later_years(
    base: Base,
    state: _State,
    everything: tuple[Instrument, ...],
    extra: tuple[Term, ...],
    year: int,
    draws: Mapping[str, float],
) -> dict[int, EconomyArrays]:
    """Return the economies of the years after `year` in its window (none after the case's last), as known by then."""
    later = {}
    for ahead in range(year + 1, min(year + base.settings.window, base.case.end_year + 1)):
        terms = lower_all(base.context, known_instruments(everything, ahead, year), ahead) + extra
        later[ahead] = assemble(base, state, terms, ahead, draws).arrays
    return later


def _worst(solution: Solution) -> str:
    return ", ".join(f"{name} ({value:.2g})" for name, value in solution.worst[:3])


class _State:
    """What one year hands to the next: levels, prices and stocks."""

    def __init__(self, base: Base) -> None:
        self.levels = base.year.levels.copy()
        self.prices = base.calibration.prices.copy()
        self.stock = base.opening.copy()
        self.desired = base.year.levels.copy()
        self.base = base

    def carry(self, solution: Solution) -> None:
        self.levels = solution.levels
        self.prices = solution.prices
        stock = np.zeros_like(self.stock)
        for j, activity in enumerate(self.base.network.activities):
            if activity.kind is Kind.STOCK:
                stock[activity.flows[0][0]] += solution.levels[j]
        self.stock = stock


def state_before(outcome: Outcome, year: int) -> _State:
    """Return what the years before `year` handed on in a run."""
    state = _State(outcome.base)
    earlier = [record for record in outcome.years if record.year < year]
    if earlier:
        last = earlier[-1]
        state.levels, state.prices = last.levels, last.prices
        stock = np.zeros_like(state.stock)
        for j, activity in enumerate(outcome.network.activities):
            if activity.kind is Kind.STOCK:
                stock[activity.flows[0][0]] += last.levels[j]
        state.stock = stock
    return state


class Assembled:
    """The arrays of one year with what is needed to name its results."""

    def __init__(
        self,
        arrays: EconomyArrays,
        limits: tuple[SharedLimit, ...],
        charges: Charges,
        terms: tuple[Term, ...],
        closed_legs: frozenset[str],
    ) -> None:
        self.arrays, self.limits, self.charges, self.terms = arrays, limits, charges, terms
        self.closed_legs = closed_legs


def assemble(base: Base, state: _State, terms: tuple[Term, ...], year: int, draws: Mapping[str, float]) -> Assembled:
    """Return the economy of one year: base-year curves and capacities moved by time, projects and terms."""
    network = base.network
    charges = charges_of(terms, network.cost)
    capacity, closed_legs = _capacities(base, terms, year, draws)
    limits, weights, sizes = _limits(base, terms, year, draws, capacity)
    for j, legs in network.route_legs.items():
        if any(leg in closed_legs for leg in legs):
            capacity[j] = 0.0
    if year == base.case.base_year:
        # What the case says was absent stays absent in the base year; from then on only its real bound holds it back.
        capacity = np.where(network.closed, 0.0, capacity)
    for term in terms:
        if isinstance(term, Scale):
            for j in term.activities:
                reference = capacity[j] if np.isfinite(capacity[j]) else base.year.levels[j]
                capacity[j] = max(0.0, min(capacity[j], reference * term.factor))
    curves = _curves(base, state, charges.amount, year)
    finite = np.flatnonzero(np.isfinite(sizes))
    g = sp.csr_array(weights[finite]) if len(limits) else sp.csr_array((0, len(capacity)))
    arrays = EconomyArrays(
        A=network.matrix,
        B=price_coefficients(network.matrix, charges.rate),
        curves=curves,
        upper=capacity,
        fixed=-state.stock,
        equality=_equalities(base),
        G=g,
        h=sizes[finite],
        K=None,
        market_names=tuple(market.name for market in network.markets),
        activity_names=tuple(activity.name for activity in network.activities),
        group_names=tuple(limits[i].name for i in finite),
    )
    kept = tuple(replace(limits[i], limit=float(sizes[i]), weights=_row(weights, int(i))) for i in finite)
    return Assembled(arrays, kept, charges, terms, closed_legs)


def _row(weights: sp.csr_array, g: int) -> tuple[tuple[int, float], ...]:
    span = slice(weights.indptr[g], weights.indptr[g + 1])
    return tuple(zip(weights.indices[span].tolist(), weights.data[span].tolist(), strict=True))


def _equalities(base: Base) -> NDArray[np.bool_]:
    disposal = {row.id: row.disposal for row in base.case.commodities}
    return np.array([disposal.get(market.commodity) in ("none", "cost") for market in base.network.markets])


def _capacities(
    base: Base, terms: tuple[Term, ...], year: int, draws: Mapping[str, float]
) -> tuple[Floats, frozenset[str]]:
    network = base.network
    capacity = base.capacity.copy()
    added = dict(capacity_additions(terms))
    for process, amount in project_additions(base, year, draws).items():
        added[process] = added.get(process, 0.0) + amount
    for j, activity in enumerate(network.activities):
        if activity.kind is not Kind.PROCESS or len(network.by_row[activity.row]) > 1:
            continue
        if np.isfinite(network.opens[j]):
            capacity[j] *= max(0.0, min(1.0, year + 1.0 - network.opens[j]))
        extra = added.get(activity.row, 0.0)
        if extra:
            # A decline (negative addition) ends at nil.
            capacity[j] = max(0.0, (capacity[j] if np.isfinite(capacity[j]) else 0.0) + extra)
    closed = set(network.closed_legs)
    for term in terms:
        if isinstance(term, Close):
            closed |= set(term.legs)
    for term in terms:
        if isinstance(term, Open):
            closed -= set(term.legs)
    return capacity, frozenset(closed)


def project_additions(base: Base, year: int, draws: Mapping[str, float]) -> dict[str, float]:
    """Return t per year that the project pipeline adds to each process row in a year.

    A project without a draw counts with its probability; with one it stands or it does not. In the base year none
    adds: what it gave by then is in the observed output.
    """
    added: dict[str, float] = {}
    if year <= base.case.base_year:
        return added
    for row in base.case.projects:
        start = float(base.values[row.start]) if row.start is not None else float(base.case.base_year)
        size = float(base.values[row.capacity]) if row.capacity is not None else 0.0
        chance = float(base.values[row.probability]) if row.probability is not None else 1.0
        draw = draws.get(f"project:{row.id}")
        share = chance if draw is None else float(draw < chance)
        on_line = max(0.0, min(1.0, year + 1.0 - start))
        added[row.process] = added.get(row.process, 0.0) + size * share * on_line
    return added


def _limits(
    base: Base, terms: tuple[Term, ...], year: int, draws: Mapping[str, float], capacity: Floats
) -> tuple[list[SharedLimit], sp.csr_array, Floats]:
    """Return shared limits with weights [g, n] and right-hand sides [g], inf where none."""
    network = base.network
    limits = list(network.limits)
    sizes = base.limits.copy()
    added = dict(capacity_additions(terms))
    for process, amount in project_additions(base, year, draws).items():
        added[process] = added.get(process, 0.0) + amount
    matrix = network.limit_matrix
    index = network.limit_index
    release: dict[str, float] = {}
    for g, limit in enumerate(limits):
        if limit.kind == "plant":
            opens = network.opens[limit.weights[0][0]]
            if np.isfinite(opens):
                sizes[g] *= max(0.0, min(1.0, year + 1.0 - opens))
            extra = added.get(limit.row, 0.0)
            if extra:
                sizes[g] = max(0.0, (sizes[g] if np.isfinite(sizes[g]) else 0.0) + extra)
    use = matrix @ base.year.levels if limits else np.zeros(0)
    was_open = {leg for leg in (limit.row for limit in limits) if leg not in network.closed_legs}
    for term in terms:
        if isinstance(term, LimitAdd) and term.limit in index:
            g = index[term.limit]
            fresh = term.replaces and limits[g].row not in was_open
            sizes[g] = term.amount if fresh or not np.isfinite(sizes[g]) else sizes[g] + term.amount
            if fresh:
                was_open.add(limits[g].row)
        elif isinstance(term, LimitScale):
            for name in term.limits:
                if name in index:
                    g = index[name]
                    sizes[g] = (sizes[g] if np.isfinite(sizes[g]) else use[g]) * term.factor
        elif isinstance(term, TieRelease):
            release[term.tie] = max(release.get(term.tie, 0.0), term.share)
    rows = [matrix]
    if release:
        matrix = _released(base, matrix, release)
        rows = [matrix]
    quotas = [term for term in terms if isinstance(term, Quota)]
    for quota in quotas:
        row = sp.csr_array(
            ([w for _, w in quota.weights], ([0] * len(quota.weights), [j for j, _ in quota.weights])),
            shape=(1, len(capacity)),
        )
        rows.append(row)
        limits.append(SharedLimit(quota.name, "quota", quota.instrument, quota.receiver, quota.weights, quota.limit))
        sizes = np.append(sizes, quota.limit)
    weights = sp.csr_array(sp.vstack(rows, format="csr")) if limits else matrix
    return limits, weights, sizes


def _released(base: Base, matrix: sp.csr_array, release: Mapping[str, float]) -> sp.csr_array:
    """Return limit weights with the free share of tied processes set to what was released."""
    network = base.network
    tied = {f"tie:{row.id}": row for row in base.case.ties}
    weights = matrix.tolil()
    for name, share in release.items():
        row = tied[name]
        g = network.limit_index[name]
        for j in network.by_row[row.process]:
            made = sum(
                v for i, v in network.activities[j].flows if v > 0 and network.markets[i].commodity == row.commodity
            )
            weights[g, j] = -made * share
    return sp.csr_array(weights)


def _curves(base: Base, state: _State, amount: Floats, year: int) -> CurveTable:
    network = base.network
    a, b, c = base.a.copy(), base.b.copy(), base.c.copy()
    shift = base.shift + amount
    elapsed = year - base.case.base_year
    for j, activity in enumerate(network.activities):
        if activity.kind is Kind.DEMAND:
            growth = 1.0 + network.growth[j]
            target = base.year.levels[j] * growth**elapsed
            speed = network.adjustment[j] if elapsed else 1.0
            if base.kind[j] == CurveKind.LINEAR:
                b[j] = base.b[j] / max(growth**elapsed, 1e-9)
            else:
                memory = max(state.levels[j] * growth, 1e-9)
                b[j] = max(target, 1e-9) ** speed * memory ** (1.0 - speed)
                c[j] = base.c[j] * speed if elapsed else base.c[j]
        elif activity.kind is Kind.STOCK and elapsed:
            i = activity.flows[0][0]
            anchor, last = max(base.calibration.prices[i], 1.0), max(state.prices[i], 1.0)
            weight = base.settings.expectation
            expected = last**weight * anchor ** (1.0 - weight)
            shift[j] = network.holding_cost[j] - expected / (1.0 + base.discount) + amount[j]
        elif activity.kind is Kind.ROUTE and elapsed and base.kind[j] == CurveKind.LINEAR:
            # Trade links adapt: the response is around last year's flow, never below a tenth of the base-year flow.
            slope = base.b[j] * base.year.levels[j]
            unit = base.a[j] + slope
            reference = max(state.levels[j], 0.1 * base.year.levels[j])
            b[j] = slope / reference
            a[j] = unit - slope
    return CurveTable(base.kind, shift, a, b, c, base.d)


def _base_solution(base: Base, assembled: Assembled) -> Solution:
    """Return the calibrated base year as a starting point."""
    names = {name: g for g, name in enumerate(base.network.limit_index)}
    rents = np.array(
        [base.calibration.limit_rents[names[n]] if n in names else 0.0 for n in assembled.arrays.group_names]
    )
    return Solution(
        prices=base.calibration.prices, levels=base.year.levels, capacity_rents=base.calibration.rents,
        group_rents=rents, status=Status.STALLED, residual=np.inf, worst=(), iterations=0, seconds={}, cause="",
    )  # fmt: skip


def _fitting(guess: Solution, arrays: EconomyArrays) -> Solution | None:
    """Return a start of the right shape: group rents are dropped where the year has other limits."""
    if len(guess.levels) != len(arrays.upper) or len(guess.prices) != len(arrays.fixed):
        return None
    if len(guess.group_rents) != len(arrays.h):
        return replace(guess, group_rents=np.zeros(len(arrays.h)))
    return guess


def _record(year: int, assembled: Assembled, solution: Solution, terms: tuple[Term, ...]) -> YearResult:
    arrays = assembled.arrays
    return YearResult(
        year=year, status=solution.status, residual=solution.residual, cause=solution.cause, prices=solution.prices,
        levels=solution.levels, rents=solution.capacity_rents, limit_rents=solution.group_rents,
        limits=assembled.limits, capacity=arrays.upper, opening=-arrays.fixed, charges=assembled.charges,
        outlays=tuple(term for term in terms if isinstance(term, Outlay)),
        marginal=arrays.curves.marginal(solution.levels),
        operators={t.object: t.operator for t in terms if isinstance(t, Operator) and t.operator},
        controllers={t.object: t.controller for t in terms if isinstance(t, Operator) and t.controller},
        iterations=solution.iterations, seconds=sum(solution.seconds.values()),
    )  # fmt: skip
