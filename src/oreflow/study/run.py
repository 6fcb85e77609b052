"""Case x proposal x future -> outcome: the one function that runs.

Years are solved in turn. Capacities, demand's memory and stocks are carried, and beyond the year the future is what the
expectation says. Windows, periods below a year and decisions on capacity go by `oreflow.study.timeline`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.calibrate import price_coefficients
from oreflow.chain.folder import year_number
from oreflow.chain.network import Kind, Network, SharedLimit
from oreflow.core.threads import with_one_blas_thread
from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Solution, Status
from oreflow.market.continuation import walk
from oreflow.market.investment import ramped
from oreflow.market.periods import Period
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
from oreflow.study.decisions import standing
from oreflow.study.foresight import LEAST_PRICE, known_instruments, runs_in_periods, years_since_base
from oreflow.study.outcome import Outcome, YearResult, whole_year
from oreflow.study.rerouting import with_unrecorded_flows
from oreflow.study.timeline import Step, solve_periods

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.chain.tables import ProjectRow

Floats = NDArray[np.float64]
SOLVED = (Status.SOLVED, Status.LOCALLY_SOLVED)
HORIZON = 1000.0
"""Years ahead for which it is asked what is known."""


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
    known: dict[bytes, Solution] | None = None,
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
        known: solutions met so far in this future, read and added to; proposals that are alike in their first years
            share those. Results do not depend on it. Runs in periods do without.

    Returns:
        An outcome; a year that found no equilibrium ends it with `solved` false and the cause in words.
    """
    base = with_unrecorded_flows(base, instruments)
    everything = (*base.case.event_instruments(), *instruments)
    state = _State(base)
    last = base.case.end_year if until is None else until
    if runs_in_periods(base):
        return _run_in_periods(base, proposal, everything, extra, state, last, draws or {})
    records: list[YearResult] = []
    start: Solution | None = None
    before: EconomyArrays | None = None
    path = b""
    for year in range(base.case.base_year, last + 1):
        first = year == base.case.base_year
        terms = lower_all(base.context, everything, year) + (() if first else extra)
        assembled = assemble(base, state, terms, year, draws or {})
        guess = (warm or {}).get(year) or (_base_solution(base, assembled) if first else None)
        path = _digest(path, assembled.arrays)
        found = None if known is None else known.get(path)
        solution = found or _solve_year(assembled.arrays, guess, before, start, base.settings.tolerance)
        if known is not None and not warm:
            known[path] = solution
        records.append(_record(year, assembled, solution, terms))
        if solution.status not in SOLVED:
            return _stopped(base, proposal, records, f"{year}", draws or {})
        state.carry(solution)
        start, before = solution, assembled.arrays
    return Outcome(base, proposal, base.network, tuple(records), True, "", dict(draws or {}))


def _digest(path: bytes, arrays: EconomyArrays) -> bytes:
    """Return what tells a year's economy, and all those before it in the run, from others."""
    digest = blake2b(path, digest_size=16)
    curves = arrays.curves
    for part in (
        *(piece for m in (arrays.A, arrays.B, arrays.G) for piece in (m.data, m.indices, m.indptr)),
        curves.kind, curves.shift, curves.a, curves.b, curves.c, curves.d, arrays.upper, arrays.fixed, arrays.equality,
        arrays.h,
    ):  # fmt: skip
        digest.update(np.ascontiguousarray(part).tobytes())
        digest.update(b"|")
    return digest.digest()


def _run_in_periods(
    base: Base, proposal: str, everything: tuple[Instrument, ...], extra: tuple[Term, ...], state: _State, last: int,
    draws: Mapping[str, float],
) -> Outcome:  # fmt: skip
    """The base year alone, then windows; years are put together from their periods."""
    year = base.case.base_year
    terms = lower_all(base.context, everything, year)
    assembled = assemble(base, state, terms, year, draws)
    solution = _solve_year(assembled.arrays, _base_solution(base, assembled), None, None, base.settings.tolerance)
    years, periods = [_record(year, assembled, solution, terms)], [_record(year, assembled, solution, terms)]
    if solution.status not in SOLVED:
        return _stopped(base, proposal, years, f"{year}", draws)
    state.carry(solution)

    def economy(period: Period, first: Period, decided: tuple[Term, ...]) -> Assembled:
        context = base.context.at(period)
        within = calendar_year(period)
        known = lower_all(context, known_instruments(everything, period, first), within)
        return assemble(base, state, (*known, *extra, *decided), within, draws, period=period, first=first)

    def news(first: Period) -> frozenset[str]:
        """What is known at the start of a window that a later one may not share: measures and projects to come."""
        after = Period(first.stop, HORIZON)
        seen = known_instruments(everything, after, first)
        return frozenset(i.id for i in seen) | frozenset(r.id for r in base.case.projects if is_known(r, after, first))

    start = (solution.levels, solution.prices, assembled.arrays)
    current: list[YearResult] = []
    if last > year:
        for step in solve_periods(base, start, economy, news, last, draws):
            record = _period_record(step)
            periods.append(record)
            if step.cause:
                cause = f"{step.period.start:g}: {step.cause}"
                return Outcome(
                    base, proposal, base.network, tuple(years), False, cause, dict(draws), _shorter(base, periods)
                )  # fmt: skip
            current.append(record)
            if step.period.stop > record.year + 1.0 - 1e-9:
                whole = current[0] if len(current) == 1 else whole_year(current, base.network)
                years.append(whole)
                state.levels, state.prices = whole.levels, current[-1].prices
                current = []
    return Outcome(base, proposal, base.network, tuple(years), True, "", dict(draws), _shorter(base, periods))


def _shorter(base: Base, periods: list[YearResult]) -> tuple[YearResult, ...]:
    return tuple(periods) if base.timing.per_year > 1 else ()


def _stopped(
    base: Base, proposal: str, records: list[YearResult], when: str, draws: Mapping[str, float]
) -> Outcome:  # fmt: skip
    last = records[-1]
    cause = f"{when}: {last.status.value}: {last.cause}"
    return Outcome(base, proposal, base.network, tuple(records), False, cause, dict(draws))


def calendar_year(period: Period) -> int:
    """Return the calendar year in which a period begins."""
    return int(np.floor(period.start + 1e-9))


def _solve_year(
    arrays: EconomyArrays, guess: Solution | None, before: EconomyArrays | None, start: Solution | None,
    tolerance: float,
) -> Solution:  # fmt: skip
    """Solve one year from a guess, else from afar, else from the year before, at once and then in steps.

    The year before is no first guess: from one year to the next the active set changes in so many places that a start
    from there settles in few years and costs an eighth of the time in all.
    """
    options = SolveOptions(tolerance=tolerance)
    starts = [None if guess is None else _fitting(guess, arrays), None]
    if start is not None:
        starts.append(_fitting(start, arrays))
    for number, warm in enumerate(starts):
        if number and warm is starts[number - 1]:
            continue
        solution = solve_reduced(arrays, warm, options)
        if solution.status in SOLVED:
            break
    if solution.status not in SOLVED and before is not None and start is not None:
        solution = walk(before, start, arrays, options)
    if solution.status in SOLVED:
        return close_balances(arrays, solution)
    return replace(solution, cause=solution.cause or _worst(solution))


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
        self.stock = stock_left(self.base.network, solution.levels)


def stock_left(network: Network, levels: Floats) -> Floats:
    """Return what is left of the stocks after a year, t by market, [m]."""
    stock = np.zeros(len(network.markets))
    for j in network.positions(Kind.STOCK):
        stock[network.activities[j].flows[0][0]] += (1.0 - network.spoilage[j]) * levels[j]
    return stock


def state_before(outcome: Outcome, year: int) -> _State:
    """Return what the years before `year` handed on in a run."""
    state = _State(outcome.base)
    earlier = [record for record in outcome.years if record.year < year]
    if earlier:
        last = earlier[-1]
        state.levels, state.prices = last.levels, last.prices
        state.stock = stock_left(outcome.network, last.levels)
    return state


def economy_of_year(outcome: Outcome, year: int, instruments: tuple[Instrument, ...]) -> Assembled:
    """Return the economy of one year of a run again, as the years before left it.

    Args:
        outcome: a run, solved through `year`.
        year: calendar year.
        instruments: of the proposal that was run.
    """
    base = outcome.base
    terms = lower_all(base.context, (*base.case.event_instruments(), *instruments), year) + outcome.year(year).decided
    return assemble(base, state_before(outcome, year), terms, year, outcome.draws)


def solution_of(record: YearResult) -> Solution:
    """Return a year's record as a solution of its economy: a start for a neighbour, or what ranges are asked about."""
    return Solution(
        prices=record.prices, levels=record.levels, capacity_rents=record.rents, group_rents=record.limit_rents,
        status=Status.SOLVED, residual=0.0, worst=(), iterations=0, seconds={}, cause="",
    )  # fmt: skip


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


def assemble(
    base: Base, state: _State, terms: tuple[Term, ...], year: int, draws: Mapping[str, float], *,
    period: Period | None = None, first: Period | None = None,
) -> Assembled:  # fmt: skip
    """Return the economy of one year: base-year curves and capacities moved by time, projects and terms.

    Args:
        base: the prepared base year.
        state: what the years before handed on.
        terms: in force.
        year: calendar year.
        draws: uniform numbers by `project:ID`.
        period: a part of the year (default: all of it); levels are t a year all the same.
        first: the period from whose start it is seen (default: itself).
    """
    network = base.network
    when = Period(float(year), 1.0) if period is None else period
    charges = charges_of(terms, network.cost)
    added = dict(capacity_additions(terms))
    for process, amount in project_additions(base, when, draws, first).items():
        added[process] = added.get(process, 0.0) + amount
    capacity, closed_legs = _capacities(base, terms, when, added)
    limits, weights, sizes = _limits(base, terms, when, added, capacity)
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
    curves = _curves(base, state, charges.amount, when)
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
    released = any(isinstance(term, TieRelease) for term in terms)
    kept = tuple(
        _resized(limits[i], float(sizes[i]), _row(weights, i) if released else limits[i].weights)
        for i in finite.tolist()
    )
    return Assembled(arrays, kept, charges, terms, closed_legs)


def _resized(limit: SharedLimit, size: float, weights: tuple[tuple[int, float], ...]) -> SharedLimit:
    if limit.limit == size and limit.weights is weights:
        return limit
    return replace(limit, limit=size, weights=weights)


def _row(weights: sp.csr_array, g: int) -> tuple[tuple[int, float], ...]:
    span = slice(weights.indptr[g], weights.indptr[g + 1])
    return tuple(zip(weights.indices[span].tolist(), weights.data[span].tolist(), strict=True))


def _equalities(base: Base) -> NDArray[np.bool_]:
    disposal = {row.id: row.disposal for row in base.case.commodities}
    return np.array([disposal.get(market.commodity) in ("none", "cost") for market in base.network.markets])


def _capacities(
    base: Base, terms: tuple[Term, ...], when: Period, added: Mapping[str, float]
) -> tuple[Floats, frozenset[str]]:
    network = base.network
    capacity = base.capacity.copy()
    for j in network.positions(Kind.PROCESS):
        activity = network.activities[j]
        if len(network.by_row[activity.row]) > 1:
            continue
        if np.isfinite(network.opens[j]):
            capacity[j] *= ramped(when, float(network.opens[j]))
        extra = added.get(activity.row, 0.0)
        if extra:
            # A decline (negative addition) ends at nil.
            capacity[j] = max(0.0, (capacity[j] if np.isfinite(capacity[j]) else 0.0) + extra)
    for j in np.flatnonzero(np.isfinite(network.saturation)):
        grown = (1.0 + network.growth[j]) ** years_since_base(base, when)
        capacity[j] = min(capacity[j], network.saturation[j] * base.year.levels[j] * grown)
    closed = set(network.closed_legs)
    for term in terms:
        if isinstance(term, Close):
            closed |= set(term.legs)
    for term in terms:
        if isinstance(term, Open):
            closed -= set(term.legs)
    return capacity, frozenset(closed)


def project_additions(
    base: Base, when: Period, draws: Mapping[str, float], first: Period | None = None
) -> dict[str, float]:
    """Return t per year that the project pipeline adds to each process row in a period.

    A project without a draw counts with its probability; with one it stands or it does not. In the base year none
    adds: what it gave by then is in the observed output. Projects that come only if they pay are decided elsewhere
    (`oreflow.study.decisions`).

    Args:
        base: the prepared base year.
        when: the period.
        draws: uniform numbers by `project:ID`.
        first: the period from whose start it is seen; what is announced later is left out. None: nothing is.
    """
    added: dict[str, float] = {}
    if when.start < base.case.base_year + 1:
        return added
    values = base.values
    for row in base.case.projects:
        if row.decision == "if_it_pays" or (first is not None and not is_known(row, when, first)):
            continue
        start = float(values[row.start]) if row.start is not None else float(base.case.base_year)
        ramp = float(values[row.ramp]) if row.ramp is not None else 0.0
        on_line = ramped(when, start, ramp=ramp)
        if on_line > 0.0 and row.capacity is not None:
            size = float(values[row.capacity]) * standing(base, row, draws)
            added[row.process] = added.get(row.process, 0.0) + size * on_line
    return added


def is_known(row: ProjectRow, when: Period, first: Period) -> bool:
    """Return whether a project counts in a period for somebody who looks ahead from the start of `first`.

    It does from its announcement on; one whose row gives no date is known throughout.
    """
    announced = year_number(row.announced)
    return when.start <= first.start or announced is None or announced <= first.start


def _limits(
    base: Base, terms: tuple[Term, ...], when: Period, added: Mapping[str, float], capacity: Floats
) -> tuple[list[SharedLimit], sp.csr_array, Floats]:
    """Return shared limits with weights [g, n] and right-hand sides [g], inf where none."""
    network = base.network
    limits = list(network.limits)
    sizes = base.limits.copy()
    matrix = network.limit_matrix
    index = network.limit_index
    release: dict[str, float] = {}
    for g, limit in enumerate(limits):
        if limit.kind == "plant":
            opens = network.opens[limit.weights[0][0]]
            if np.isfinite(opens):
                sizes[g] *= ramped(when, float(opens))
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


def _curves(base: Base, state: _State, amount: Floats, when: Period) -> CurveTable:
    network = base.network
    kind, a, b, c = base.kind, base.a.copy(), base.b.copy(), base.c.copy()
    shift = base.shift + amount
    elapsed = years_since_base(base, when)
    later = elapsed > 0.0
    levels = base.year.levels
    grown = (1.0 + network.growth) ** elapsed
    uses, stocks, routes = (network.positions(k) for k in (Kind.DEMAND, Kind.STOCK, Kind.ROUTE))
    linear = uses[base.kind[uses] == CurveKind.LINEAR]
    # A line adjusts in tonnes: x = s d*(p) + (1 - s) times what was used before.
    speed = network.adjustment[linear] if later else np.ones(len(linear))
    b[linear] = base.b[linear] / (np.maximum(grown[linear], 1e-9) * speed)
    a[linear] = base.a[linear] - b[linear] * (1.0 - speed) * state.levels[linear] * (1.0 + network.growth[linear])
    bent = uses[base.kind[uses] != CurveKind.LINEAR]
    speed = network.adjustment[bent] if later else np.ones(len(bent))
    memory = np.maximum(state.levels[bent] * (1.0 + network.growth[bent]), 1e-9)
    b[bent] = np.maximum(levels[bent] * grown[bent], 1e-9) ** speed * memory ** (1.0 - speed)
    c[bent] = base.c[bent] * speed
    if later:
        market = np.array([network.activities[j].flows[0][0] for j in stocks], dtype=np.int64)
        anchor = np.maximum(base.calibration.prices[market], LEAST_PRICE)
        last = np.maximum(state.prices[market], LEAST_PRICE)
        expected = last**base.timing.weight * anchor ** (1.0 - base.timing.weight)
        kept = 1.0 - network.spoilage[stocks]
        shift[stocks] = network.holding_cost[stocks] - kept * expected / (1.0 + base.discount) + amount[stocks]
        b[stocks] = base.b[stocks] * grown[stocks]
        bare = stocks[network.convenience[stocks] == 0.0]
        if bare.size:  # held for its price alone
            kind = kind.copy()
            kind[bare], a[bare], b[bare] = CurveKind.CONSTANT, 0.0, 0.0
        # Trade links adapt: the response is around last year's flow, never below a tenth of the base-year flow.
        bound = routes[base.kind[routes] == CurveKind.LINEAR]
        slope = base.b[bound] * levels[bound]
        b[bound] = slope / np.maximum(state.levels[bound], 0.1 * levels[bound])
        a[bound] = base.a[bound] + slope - slope
    return CurveTable(kind, shift, a, b, c, base.d)


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


def _period_record(step: Step) -> YearResult:
    """The record of a period: as that of a year, with sizes and flows in t in the period."""
    assembled, period = step.assembled, step.period
    sizes = dict(zip(step.arrays.group_names, step.arrays.h, strict=True))
    record = _record(
        calendar_year(period),
        Assembled(step.arrays, assembled.limits, assembled.charges, assembled.terms, assembled.closed_legs),
        step.solution,
        assembled.terms,
    )
    limits = tuple(replace(limit, limit=float(sizes[limit.name])) for limit in record.limits)
    return replace(
        record, start=period.start, length=period.length, opening=step.opening, marginal=step.marginal,
        limits=limits, strategic=step.strategic, decided=step.decided,
    )  # fmt: skip


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
        iterations=solution.iterations, seconds=solution.seconds.get("total", 0.0), start=float(year),
    )  # fmt: skip
