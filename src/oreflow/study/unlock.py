"""What stops the tonnes: minimal sets of barriers, the unlock ladder, the waterfall and break-even values.

On an unused path rents are zero or not unique, so barriers are lifted and the year is solved again, singly and jointly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.linear import solve_linear
from oreflow.chain.network import Kind
from oreflow.core.threads import with_one_blas_thread
from oreflow.market.arrays import EconomyArrays, Solution, Status
from oreflow.market.presolve import solve_reduced
from oreflow.market.solve import SolveOptions
from oreflow.market.terms import TieRelease
from oreflow.study.indicators import SEPARATION, Lens
from oreflow.study.outcome import Outcome
from oreflow.study.run import economy_of_year, solution_of

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument

Floats = NDArray[np.float64]
KINDS = ("leg", "control", "plant", "reagent", "operator", "licence", "price")
ASSET_LIFE = 20.0
"""Years over which the capital of a removed barrier is paid back."""
BISECTIONS = 5
START_TONNES = 1.0
"""Tracked oxide, t a year, from which tonnes count as flowing."""
TITLES = {
    "leg": "capacity of the way out",
    "control": "who controls the way out",
    "plant": "separation plants outside",
    "reagent": "leaching reagent at the mines",
    "operator": "ties of the mines' operators",
    "licence": "licences and closures on the way out",
    "price": "price after freight and separation",
}


@dataclass(frozen=True, slots=True)
class MinimalSet:
    """Barriers whose joint removal reaches the target, none of which can be left out; tonnes t/yr with all removed.

    `cost` of the removal, USD a year (capital as an annuity), None where the case gives none for a barrier in the set;
    `price_gap`: the least payment per tonne of ore separated outside that reaches the target, USD; 0 where none is
    needed.
    """

    barriers: tuple[str, ...]
    names: tuple[str, ...]
    tonnes: float
    cost: float | None = None
    price_gap: float = 0.0


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One removal of the greedy ladder: tonnes from it alone and with all before it, t/yr."""

    barrier: str
    name: str
    alone: float
    cumulative: float


@dataclass(frozen=True, slots=True)
class Margin:
    """The best open way of the tracked ore to oxides outside, at the prices of the year, USD per t of concentrate.

    `revenue` of the oxides, `bought` price at the mine, `freight` with levies and less payments on the way, `haul` the
    carrying alone, `separation`; `margin` = revenue less bought, freight and separation.
    `route`: names of the activities on the way.
    """

    revenue: float
    bought: float
    freight: float
    haul: float
    separation: float
    margin: float
    route: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlock:
    """Minimal barrier sets, ladder, and the tonnes with nothing and with everything lifted."""

    year: int
    target: float
    reached: float
    without_barriers: float
    sets: tuple[MinimalSet, ...]
    ladder: tuple[LadderStep, ...]
    failures: int


class Barriers:
    """The barriers of a proposal in one year, and the economy with any of them lifted."""

    def __init__(self, outcome: Outcome, year: int, instruments: tuple[Instrument, ...]) -> None:
        self.outcome, self.year = outcome, year
        self.base = outcome.base
        self.network = outcome.network
        self.lens = Lens(self.base, self.network)
        self.record = outcome.year(year)
        self.assembled = economy_of_year(outcome, year, instruments)
        self.start = solution_of(self.record)

    @cached_property
    def tracked(self) -> frozenset[str]:
        """Return the commodities of the tracked origin."""
        return frozenset(c for c, origin in self.lens.origin.items() if origin == self.base.case.tracked_origin)

    @cached_property
    def mine_places(self) -> frozenset[str]:
        """Return the places where the tracked ore is mined."""
        return frozenset(
            a.place
            for a in self.network.activities
            if a.process_kind == "mine"
            and any(v > 0 and self.network.markets[i].commodity in self.tracked for i, v in a.flows)
        )

    @cached_property
    def ways_out(self) -> tuple[int, ...]:
        """Return routes of tracked goods that neither start nor end inside."""
        return tuple(
            j
            for j, a in enumerate(self.network.activities)
            if a.kind is Kind.ROUTE and a.feed in self.tracked
            if a.place not in self.lens.inside and a.to_place not in self.lens.inside
        )

    @cached_property
    def reagents(self) -> frozenset[str]:
        """Return the reagents of the case."""
        return frozenset(c.id for c in self.base.case.commodities if c.stage == "reagent")

    @cached_property
    def plants(self) -> tuple[int, ...]:
        """Return separations of tracked goods outside."""
        return tuple(
            j
            for j, a in enumerate(self.network.activities)
            if a.process_kind in SEPARATION and self.lens.is_outside(j, self.record.operators)
        )

    @cached_property
    def legs_out(self) -> dict[str, str]:
        """Return the legs on the ways out of the mines -> their barrier kind (leg or control)."""
        rows = {row.id: row for row in self.base.case.legs}
        found = {}
        for j in self.ways_out:
            for leg in self.network.route_legs.get(j, ()):
                found[leg] = "control" if rows[leg].barrier == "control" else "leg"
        return found

    def lifted(self, barriers: Iterable[str], payment: float | None = None) -> EconomyArrays:
        """Return the year's economy with the barriers of these kinds lifted.

        `payment`, USD per t of ore separated outside, lifts the price barrier (by default more than the ore is worth).
        """
        wanted = frozenset(barriers)
        arrays = self.assembled.arrays
        upper = arrays.upper.copy()
        keep = np.ones(len(arrays.h), dtype=bool)
        weights = sp.csr_array(arrays.G, copy=True)
        shift = arrays.curves.shift.copy()
        open_kinds = wanted & {"leg", "control"}
        if open_kinds:
            closed = {leg for leg in self.closed if self.legs_out.get(leg, "") not in open_kinds}
            for j in self.ways_out:
                legs = self.network.route_legs.get(j, ())
                if (
                    upper[j] == 0.0
                    and not any(leg in closed for leg in legs)
                    and any(leg in self.closed for leg in legs)
                ):
                    upper[j] = np.inf
        inbound = [j for j, a in enumerate(self.network.activities) if a.kind is Kind.ROUTE and a.feed in self.reagents]
        for g, name in enumerate(arrays.group_names):
            kind, _, row = name.partition(":")
            if kind == "leg" and row in self.legs_out:
                # Lifting a capacity drops the leg's row; an opened leg that never had a capacity has none.
                if self.legs_out[row] in open_kinds or (row in self.closed and open_kinds):
                    keep[g] = self.legs_out[row] not in open_kinds
            elif kind == "tie" and "operator" in wanted:
                keep[g] = False
            elif kind == "plant" and "plant" in wanted:
                if any(j in self.plant_set for j, _ in self.assembled.limits[g].weights):
                    keep[g] = False
        if "plant" in wanted:
            for j in self.plants:
                upper[j] = np.inf
        if "reagent" in wanted:
            lil = weights.tolil()
            for j in inbound:
                lil[:, j] = 0.0
                if upper[j] == 0.0 and not any(leg in self.closed for leg in self.network.route_legs.get(j, ())):
                    upper[j] = np.inf
            weights = sp.csr_array(lil)
        if "licence" in wanted:
            for j in self.ways_out:
                legs = self.network.route_legs.get(j, ())
                if np.isfinite(upper[j]) and not any(leg in self.closed for leg in legs):
                    upper[j] = np.inf
        if "price" in wanted:
            for j in self.plants:
                if self.network.activities[j].feed in self.tracked:
                    shift[j] -= self.help_per_tonne if payment is None else payment
        rows = np.flatnonzero(keep)
        return replace(
            arrays,
            upper=upper,
            G=sp.csr_array(weights[rows]),
            h=arrays.h[rows],
            curves=replace(arrays.curves, shift=shift),
            group_names=tuple(arrays.group_names[int(g)] for g in rows),
        )

    @cached_property
    def plant_set(self) -> frozenset[int]:
        """Return `plants` as a set."""
        return frozenset(self.plants)

    @cached_property
    def closed(self) -> frozenset[str]:
        """Return the legs closed in this year."""
        return self.assembled.closed_legs

    @cached_property
    def help_per_tonne(self) -> float:
        """Return the subsidy that stands for lifting the price barrier: the basket's value, USD per t."""
        return max(self.basket_value.values(), default=0.0)

    @cached_property
    def basket_value(self) -> dict[str, float]:
        """Return the value of the oxides in a tonne of each tracked concentrate at the year's inside prices, USD."""
        oxide_price: dict[str, float] = {}
        for i, market in enumerate(self.network.markets):
            parts = self.network.composition.get(market.commodity, {})
            if len(parts) == 1 and market.commodity not in self.tracked:
                element = next(iter(parts))
                if market.place in self.lens.inside or market.place == "WORLD":
                    oxide_price[element] = max(oxide_price.get(element, 0.0), float(self.record.prices[i]))
        return {
            c: sum(share * oxide_price.get(e, 0.0) for e, share in self.network.composition[c].items())
            for c in self.tracked
            if c in self.network.composition
        }

    def diverted(self, solution: Solution) -> float:
        """Return the tracked elements of tracked origin first separated outside, t/yr."""
        return self.lens.diverted(solution.levels, self.record.operators)

    def solution(self, barriers: Iterable[str], payment: float | None = None) -> Solution | None:
        """Return the equilibrium with these barriers lifted (see `lifted`); None where none was found."""
        arrays = self.lifted(barriers, payment)
        rents = dict(zip(self.assembled.arrays.group_names, self.start.group_rents, strict=True))
        start = replace(self.start, group_rents=np.array([rents[name] for name in arrays.group_names]))
        options = SolveOptions(tolerance=self.base.settings.tolerance)
        solution = solve_reduced(arrays, start, options)
        if solution.status not in (Status.SOLVED, Status.LOCALLY_SOLVED):
            solution = solve_reduced(arrays, None, options)
        return solution if solution.status in (Status.SOLVED, Status.LOCALLY_SOLVED) else None

    def solve(self, barriers: Iterable[str]) -> float | None:
        """Return tonnes diverted with these barriers lifted; None where the economy found no equilibrium."""
        solution = self.solution(barriers)
        return None if solution is None else self.diverted(solution)

    def payment_to_start(self) -> float | None:
        """Return the payment per t of tracked ore separated outside at which tonnes begin to flow, USD.

        Negative where they flow already: what a tonne could still bear. None where no payment up to the ore's value
        starts them. By bisection, to about 1% of that value.
        """

        def flows(payment: float) -> bool:
            solution = self.solution(("price",), payment)
            return solution is not None and self.diverted(solution) >= START_TONNES

        most = self.help_per_tonne
        if self.diverted(self.start) >= START_TONNES:
            low, high = -most, 0.0
        elif most > 0 and flows(most):
            low, high = 0.0, most
        else:
            return None
        for _ in range(7):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if flows(middle) else (middle, high)
        return high

    def removal(self, barriers: tuple[str, ...], target: float) -> tuple[float | None, float]:
        """Return what removing a set costs (USD a year, None where the case does not say) and the payment per tonne.

        The payment is the least that reaches the target, by bisection to about 3% of the ore's value. Plants and legs
        cost what their rows say, as an annuity over `ASSET_LIFE` years at the case's discount rate. Ties, licences and
        who controls a way have no price in the case: a set with one of them has no cost.
        """
        payment, solution = 0.0, None
        if "price" in barriers:
            low, payment = 0.0, self.help_per_tonne
            for _ in range(BISECTIONS):
                middle = 0.5 * (low + payment)
                trial = self.solution(barriers, middle)
                if trial is not None and self.diverted(trial) >= target:
                    payment, solution = middle, trial
                else:
                    low = middle
        solution = solution or self.solution(barriers, payment or None)
        if solution is None or {"operator", "licence", "control", "reagent"} & set(barriers):
            return None, payment
        capital = 0.0
        if "plant" in barriers:
            capital += self._plant_capital(solution)
        if "leg" in barriers:
            capital += self._leg_capital(solution)
        if np.isnan(capital):
            return None, payment
        rate = self.base.discount
        annuity = rate / (1.0 - (1.0 + rate) ** -ASSET_LIFE) if rate > 0 else 1.0 / ASSET_LIFE
        ore = sum(float(solution.levels[j]) for j in self.processing)
        return annuity * capital + payment * ore, payment

    def _plant_capital(self, solution: Solution) -> float:
        """Return capital of separation beyond today's capacity, USD; NaN where a row that grows has no capex."""
        rows = {row.id: row for row in self.base.case.processes}
        use: dict[str, float] = {}
        room: dict[str, float] = {}
        for j in self.plants:
            row = self.network.activities[j].row
            use[row] = use.get(row, 0.0) + float(solution.levels[j])
            room[row] = float(self.assembled.arrays.upper[j])
        for limit in self.assembled.limits:
            if limit.kind == "plant":
                room[limit.row] = float(limit.limit)
        total = 0.0
        for row, used in use.items():
            beyond = used - room[row]
            if beyond > max(1.0, 1e-3 * used):
                cell = rows[row].capex
                total += float("nan") if cell is None else beyond * float(self.base.values[cell])
        return total

    def _leg_capital(self, solution: Solution) -> float:
        """Return capital of the legs used beyond today's capacity, USD; NaN where one has no capex."""
        rows = {row.id: row for row in self.base.case.legs}
        limits = {limit.row: limit for limit in self.assembled.limits if limit.kind == "leg"}
        total = 0.0
        for leg, kind in self.legs_out.items():
            if kind != "leg":
                continue
            used = sum(float(solution.levels[j]) for j in self.ways_out if leg in self.network.route_legs.get(j, ()))
            limit = limits.get(leg)
            over = leg in self.closed or (
                limit is not None and sum(w * float(solution.levels[j]) for j, w in limit.weights) > limit.limit + 1e-6
            )
            if used > 1.0 and over:
                cell = rows[leg].capex
                total += float("nan") if cell is None else float(self.base.values[cell])
        return total

    def margin(self, open_all: bool = False) -> Margin | None:
        """Return the best way of a tonne of tracked ore to oxides outside at this year's prices, or None without a way.

        `open_all` lets closed legs be used at their engineering cost.
        """
        arrays = self.lifted(("leg", "control", "licence", "plant", "operator") if open_all else ("plant", "operator"))
        shut = shut_by_limits(arrays)
        usable = [j for j in (*self.ways_out, *self.processing) if arrays.upper[j] > 0 and j not in shut]
        if not usable:
            return None
        goods = sorted({i for j in usable for i, _ in self.network.activities[j].flows if self._is_tracked(i)})
        place = {i: r for r, i in enumerate(goods)}
        sources = [i for i in goods if self.network.markets[i].place in self.mine_places and i in self._mined]
        if not sources:
            return None
        rows, columns, values = [], [], []
        cost = []
        for c, j in enumerate(usable):
            a = self.network.activities[j]
            gain = sum(v * self.record.prices[i] for i, v in a.flows if not self._is_tracked(i))
            unit = self._unit_cost(j)
            cost.append(unit - gain)
            for i, v in a.flows:
                if i in place:
                    rows.append(place[i])
                    columns.append(c)
                    values.append(v)
        n = len(usable)
        for k, i in enumerate(sources):
            rows.append(place[i])
            columns.append(n + k)
            values.append(1.0)
            cost.append(float(self.record.prices[i]))
        balance = sp.csr_array((values, (rows, columns)), shape=(len(goods), n + len(sources)))
        one = np.zeros((1, n + len(sources)))
        one[0, n:] = 1.0
        # No disposal of tracked goods on the way: every tonne bought is separated.
        answer = solve_linear(
            cost, equal=sp.vstack([balance, sp.csr_array(one)]), values=np.append(np.zeros(len(goods)), 1.0)
        )
        if isinstance(answer, str):
            return None
        x = answer.x
        revenue = freight = haul = separation = 0.0
        for c, j in enumerate(usable):
            a = self.network.activities[j]
            outputs = sum(v * self.record.prices[i] for i, v in a.flows if not self._is_tracked(i) and v > 0)
            inputs = sum(-v * self.record.prices[i] for i, v in a.flows if not self._is_tracked(i) and v < 0)
            unit = self._unit_cost(j)
            revenue += outputs * x[c]
            if a.kind is Kind.ROUTE:
                freight += unit * x[c]
                haul += float(self.network.cost[j]) * x[c]
            else:
                separation += (unit + inputs) * x[c]
        bought = float(sum(x[n + k] * self.record.prices[i] for k, i in enumerate(sources)))
        margin = revenue - bought - freight - separation
        route = tuple(self.network.activities[j].name for c, j in enumerate(usable) if x[c] > 1e-9)
        return Margin(revenue, bought, freight, haul, separation, margin, route)

    def _unit_cost(self, j: int) -> float:
        """Return cost, residual and charges of a unit of an activity at this year's prices, USD."""
        bought = sum(-v * self.record.prices[i] for i, v in self.network.activities[j].flows if v < 0)
        charges = self.record.charges.amount[j] + self.record.charges.rate[j] * bought
        return float(self.network.cost[j] + self.base.calibration.residuals[j] + charges)

    def _is_tracked(self, i: int) -> bool:
        return self.network.markets[i].commodity in self.tracked

    @cached_property
    def processing(self) -> tuple[int, ...]:
        """Return separations of the tracked ore outside."""
        return tuple(j for j in self.plants if self.network.activities[j].feed in self.tracked)

    @cached_property
    def _mined(self) -> frozenset[int]:
        return frozenset(
            i
            for a in self.network.activities
            if a.process_kind == "mine"
            for i, v in a.flows
            if v > 0 and self._is_tracked(i)
        )

    def waterfall(self) -> tuple[tuple[str, float], ...]:
        """Return (step, t/yr of tracked elements) from what the mines contain to what reaches magnets outside.

        Steps are taken in this order: contained; free of ties (who controls and operates); can travel without crossing
        inside; can be separated outside; pays at the year's prices (the equilibrium); delivered with no inside stage.
        """
        contained = sum(c * self.record.levels[j] for j, c, o in self.lens.mines if o == self.base.case.tracked_origin)
        free = min(contained, self._free_of_ties())
        travels = min(free, self._physical(plants=False))
        separable = min(travels, self._physical(plants=True))
        first = min(separable, self.diverted(self.start))
        _, _, clean = self.lens.contents(self.record)
        delivered = sum(
            self.record.levels[j] * clean[a.flows[0][0]]
            for j, a in enumerate(self.network.activities)
            if a.kind is Kind.DEMAND and a.place not in self.lens.inside
        )
        return (
            ("contained", contained),
            ("released", free),
            ("travels", travels),
            ("separable", separable),
            ("pays", first),
            ("delivered", min(first, delivered)),
        )

    def _free_of_ties(self) -> float:
        """Return tracked t/yr that ties leave free to go elsewhere, at this year's output of the mines."""
        ties = {row.id: row for row in self.base.case.ties}
        released = {t.tie: t.share for t in self.assembled.terms if isinstance(t, TieRelease)}
        free = 0.0
        for j, content, origin in self.lens.mines:
            if origin != self.base.case.tracked_origin:
                continue
            row = self.network.activities[j].row
            shares = [
                released.get(f"tie:{tie.id}", 1.0 - (self.base.values[tie.share] if tie.share is not None else 1.0))
                for tie in ties.values()
                if tie.process == row
            ]
            free += content * self.record.levels[j] * min(shares, default=1.0)
        return free

    def _physical(self, *, plants: bool) -> float:
        return self.at_most(("operator",) if plants else ("operator", "plant"))

    def at_most(self, barriers: Iterable[str]) -> float:
        """Return the most tracked oxide (t/yr) that could get out with these barriers lifted, whatever the price.

        A linear programme over ways, plants and limits at this year's output of the mines.
        """
        arrays = self.lifted(barriers)
        usable = [j for j in (*self.ways_out, *self.processing) if arrays.upper[j] > 0]
        sources = sorted(i for i in self._mined)
        if not usable:
            return 0.0
        goods = sorted(
            {i for j in usable for i, _ in self.network.activities[j].flows if self._is_tracked(i)} | set(sources)
        )
        place = {i: r for r, i in enumerate(goods)}
        n = len(usable)
        rows, columns, values, gain = [], [], [], []
        for c, j in enumerate(usable):
            a = self.network.activities[j]
            gain.append(
                -sum(v for i, v in a.flows if v > 0 and self.network.markets[i].commodity in self.lens.tracked_oxides)
            )
            for i, v in a.flows:
                if i in place:
                    rows.append(place[i])
                    columns.append(c)
                    values.append(-v)
        supply = np.zeros(len(sources))
        for j, a in enumerate(self.network.activities):
            if a.process_kind == "mine":
                for i, v in a.flows:
                    if v > 0 and i in sources:
                        most = arrays.upper[j] if np.isfinite(arrays.upper[j]) else self.record.levels[j]
                        supply[sources.index(i)] += v * max(most, self.record.levels[j])
        for k, i in enumerate(sources):
            rows.append(place[i])
            columns.append(n + k)
            values.append(-1.0)
            gain.append(0.0)
        balance = sp.csr_array((values, (rows, columns)), shape=(len(goods), n + len(sources)))
        limits = sp.csr_array(
            sp.hstack([sp.csr_array(arrays.G)[:, usable], sp.csr_array((len(arrays.h), len(sources)))])
        )
        # Ties count what the mines make; legs and plants count whole, as other goods can be displaced.
        ties = np.array([name.startswith("tie:") for name in arrays.group_names], dtype=bool)
        room = arrays.h - np.where(ties, np.asarray(arrays.G @ _others(self.record.levels, usable)), 0.0)
        bounds = [(0.0, None if not np.isfinite(arrays.upper[j]) else float(arrays.upper[j])) for j in usable]
        bounds += [(0.0, float(s)) for s in supply]
        answer = solve_linear(
            gain,
            below=sp.vstack([balance, limits]) if len(arrays.h) else balance,
            limits=np.concatenate([np.zeros(len(goods)), np.maximum(room, 0.0)]),
            bounds=bounds,
        )
        return 0.0 if isinstance(answer, str) else max(0.0, -answer.value)


def shut_by_limits(arrays: EconomyArrays) -> frozenset[int]:
    """Return the activities that a shared limit of nil shuts."""
    weights = sp.csr_array(arrays.G)
    found: set[int] = set()
    for g in np.flatnonzero(arrays.h <= 0.0):
        span = slice(weights.indptr[g], weights.indptr[g + 1])
        if np.all(weights.data[span] >= 0.0):
            found.update(int(j) for j in weights.indices[span][weights.data[span] > 0.0])
    return frozenset(found)


def _others(levels: Floats, usable: list[int]) -> Floats:
    """Return levels with the usable activities at nil, and inbound goods left as they are."""
    rest = levels.copy()
    rest[usable] = 0.0
    return rest


def unlock(outcome: Outcome, instruments: tuple[Instrument, ...], *, year: int, target: float) -> Unlock:
    """Return the minimal barrier sets and the ladder of a proposal.

    Args:
        outcome: the proposal's central run, solved through `year`.
        instruments: the proposal's instruments.
        year: in which barriers are lifted.
        target: t/yr of tracked elements first separated outside.
    """
    return unlock_barriers(Barriers(outcome, year, instruments), target)


@with_one_blas_thread
def unlock_barriers(barriers: Barriers, target: float) -> Unlock:
    """Return the minimal barrier sets and the ladder of a proposal.

    Args:
        barriers: of the proposal's central run, in the year in which they are lifted.
        target: t/yr of tracked elements first separated outside.
    """
    tonnes: dict[frozenset[str], float] = {}
    failures = 0

    def at(kinds: Iterable[str]) -> float:
        nonlocal failures
        key = frozenset(kinds)
        if key not in tonnes:
            found = barriers.solve(key)
            failures += found is None
            tonnes[key] = float("nan") if found is None else found
        return tonnes[key]

    reached = barriers.diverted(barriers.start)
    tonnes[frozenset()] = reached
    everything = at(KINDS)
    # A set that cannot let the target out physically need not be solved.
    minimal: list[frozenset[str]] = []
    if reached < target:
        for size in (1, 2, 3):
            for combination in combinations(KINDS, size):
                key = frozenset(combination)
                if any(smaller <= key for smaller in minimal) or barriers.at_most(key) < target:
                    continue
                if at(key) >= target:
                    minimal.append(key)
    sets = []
    for key in sorted(minimal, key=lambda key: (len(key), -tonnes[key])):
        kinds = tuple(k for k in KINDS if k in key)
        cost, payment = barriers.removal(kinds, target)
        sets.append(MinimalSet(kinds, tuple(TITLES[k] for k in kinds), tonnes[key], cost, payment))
    return Unlock(barriers.year, target, reached, everything, tuple(sets), _ladder(at, reached), failures)


def _ladder(at: Callable[[Iterable[str]], float], reached: float) -> tuple[LadderStep, ...]:
    """Return the greedy ladder: at each step the barrier whose removal adds most, until nothing adds."""
    steps: list[LadderStep] = []
    lifted: tuple[str, ...] = ()
    current = reached
    while len(lifted) < len(KINDS):
        rest = [k for k in KINDS if k not in lifted]
        gains = {k: at((*lifted, k)) for k in rest}
        best = max(rest, key=lambda k: np.nan_to_num(gains[k], nan=-1.0))
        if not gains[best] > current + 1e-6:
            pairs = {(a, b): at((*lifted, a, b)) for a, b in combinations(rest, 2)}
            if not pairs or not max(np.nan_to_num(v, nan=-1.0) for v in pairs.values()) > current + 1e-6:
                break
            best = max(pairs, key=lambda pair: np.nan_to_num(pairs[pair], nan=-1.0))[0]
        alone = at((best,))
        lifted = (*lifted, best)
        gain = alone - reached
        steps.append(LadderStep(best, TITLES[best], gain if abs(gain) > 1e-6 else 0.0, gains[best]))
        current = gains[best] if gains[best] == gains[best] else current
    return tuple(steps)
