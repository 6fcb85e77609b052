"""Why an economy has no equilibrium: physical infeasibility in words, subsidised cycles, and stalls.

Physical feasibility is that of ``{A x >= fixed (= where the balance is an equality), 0 <= x <= upper, G x <= h}``.
HiGHS decides it; an irreducible subset is found from the multipliers of the least violation and a deletion filter.

Sources: Chinneck (2008), Feasibility and Infeasibility in Optimization, ch. 6; Huangfu and Hall (2018) for HiGHS.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.core.highs import quiet_highs
from oreflow.market.arrays import CurveKind, EconomyArrays, Floats, Solution, Sparse

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Infeasibility:
    """An irreducible set of statements that cannot hold together.

    Attributes:
        markets, activities, groups: names of the balances, capacities and shared limits in the set.
        shortfall: least total violation over all balances and limits, in units of quantity.
        text: the set in words, one sentence a member.
    """

    markets: tuple[str, ...]
    activities: tuple[str, ...]
    groups: tuple[str, ...]
    shortfall: float
    text: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """Activities that earn money on nothing: without a limit, no equilibrium has finite levels.

    Attributes:
        activities: names with relative levels.
        gain: money earned per unit of the cycle at the prices shown.
        text: the cycle in words.
    """

    activities: tuple[tuple[str, float], ...]
    gain: float
    text: str


def check_feasibility(arrays: EconomyArrays, time_limit: float = 30.0) -> Infeasibility | None:
    """Return an irreducible infeasible subset in words, or None where the physical set is not empty.

    Args:
        arrays: the economy; only quantities are read (t).
        time_limit: seconds after which the set is no longer reduced (the text then says so).

    Example:
        >>> check_feasibility(arrays) is None  # doctest: +SKIP
        True
    """
    deadline = time.perf_counter() + time_limit
    m, _, _ = arrays.shape
    try:
        test = _ElasticTest(arrays, deadline)
        if not test.impossible():
            return None
        shortfall = test.shortfall()
        in_rows, in_caps, complete = _deletion_filter(test)
    except TimeoutError:
        return None
    markets = tuple(arrays.market_name(i) for i in in_rows if i < m)
    groups = tuple(arrays.group_name(i - m) for i in in_rows if i >= m)
    activities = tuple(arrays.activity_name(j) for j in in_caps)
    text = _words(arrays, in_rows, in_caps, shortfall)
    if not complete:
        text += "\n(time ran out before every member was tested: some may be needless)"
    return Infeasibility(markets, activities, groups, float(sum(shortfall.values())), text)


_SHOWN = 8
"""Members of one kind that are listed one by one; of more, the first are named and the rest counted."""


def _words(arrays: EconomyArrays, rows: Sequence[int], caps: Sequence[int], shortfall: Mapping[int, float]) -> str:
    m = arrays.shape[0]
    passing: list[str] = []
    needs: list[str] = []
    for i in (i for i in rows if i < m):
        need, name = arrays.fixed[i], arrays.market_name(i)
        if need > 0:
            kind = "must be met exactly" if arrays.equality[i] else "is needed at least"
            needs.append(f"market {name}: {need:g} {kind}")
        elif need < 0:
            kind = "comes in and must be used" if arrays.equality[i] else "comes in at most"
            passing.append(f"market {name}: {-need:g} {kind}")
        else:
            kind = "what arrives must be used" if arrays.equality[i] else "no more may leave than arrives"
            passing.append(f"market {name}: {kind}")
    limits = [f"limit {arrays.group_name(i - m)}: at most {arrays.h[i - m]:g}" for i in rows if i >= m]
    capacities = [f"capacity of {arrays.activity_name(j)}: at most {arrays.upper[j]:g}" for j in caps]
    lines = ["these cannot hold together:"]
    for found, kind in ((needs, "needs"), (passing, "balances"), (limits, "limits"), (capacities, "capacities")):
        lines += [f"- {line}" for line in found[:_SHOWN]]
        if len(found) > _SHOWN:
            total = f", together at most {sum(arrays.upper[j] for j in caps):g}" if kind == "capacities" else ""
            lines.append(f"- and {len(found) - _SHOWN} more {kind}{total}")
    short = sorted(shortfall.items(), key=lambda item: -abs(item[1]))[:3]
    names = [arrays.market_name(i) if i < m else f"limit {arrays.group_name(i - m)}" for i, _ in short]
    told = ", ".join(f"{amount:g} at {name}" for name, (_, amount) in zip(names, short, strict=True))
    lines.append(f"least shortfall: {told}; relax one member or add a source")
    return "\n".join(lines)


class _ElasticTest:
    """One HiGHS model of the least violation of the rows, changed and solved again as members are left out.

    Rows are measured in units of what they need and activities in units that bring coefficients near one, so that
    no row hides behind its magnitude.
    """

    def __init__(self, arrays: EconomyArrays, deadline: float) -> None:
        import highspy

        self.deadline, self.upper = deadline, arrays.upper
        rows: Sparse = sp.csr_array(sp.vstack([arrays.A, -arrays.G]))
        need = np.concatenate([arrays.fixed, -arrays.h])
        self.row, self.col = _units(rows, need)
        self.low = need / self.row
        equal = np.concatenate([arrays.equality, np.zeros(len(arrays.h), dtype=bool)])
        m, n = rows.shape
        scaled = sp.csc_array(sp.diags_array(1.0 / self.row) @ rows @ sp.diags_array(self.col))
        both: Sparse = sp.csc_array(sp.hstack([scaled, sp.eye_array(m), -sp.eye_array(m, format="csc")[:, equal]]))
        self.infinite = highspy.kHighsInf
        self.high = np.where(equal, self.low, self.infinite)
        model: Any = highspy.HighsLp()
        model.num_col_, model.num_row_ = both.shape[1], m
        model.col_cost_ = np.concatenate([np.zeros(n), np.ones(both.shape[1] - n)])
        model.col_lower_ = np.zeros(both.shape[1])
        caps = np.where(np.isinf(arrays.upper), self.infinite, arrays.upper / self.col)
        model.col_upper_ = np.concatenate([caps, np.full(both.shape[1] - n, self.infinite)])
        self.caps = caps
        model.row_lower_, model.row_upper_ = self.low, self.high
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = both.indptr, both.indices, both.data
        self.solver = quiet_highs()
        self.solver.setOptionValue("primal_feasibility_tolerance", 1e-9)
        self.solver.passModel(model)
        self.n, self.equal = n, np.flatnonzero(equal)

    def impossible(self) -> bool:
        """True where what is left in the model cannot hold together."""
        left = self.deadline - time.perf_counter()
        if left <= 0:
            raise TimeoutError
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + left)
        self.solver.run()
        import highspy

        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise TimeoutError
        return bool(self.solver.getInfo().objective_function_value > 1e-7)

    def members(self) -> tuple[set[int], set[int]]:
        """Rows and capacities whose multipliers prove the contradiction (Farkas): the others are needless."""
        answer = self.solver.getSolution()
        rows = np.flatnonzero(np.abs(np.array(answer.row_dual)) > 1e-9)
        reduced = np.array(answer.col_dual)[: self.n]
        caps = np.flatnonzero((reduced < -1e-9) & (np.array(answer.col_value)[: self.n] > 0) & np.isfinite(self.upper))
        return set(rows.tolist()), set(caps.tolist())

    def shortfall(self) -> dict[int, float]:
        """What is missing by row, in the row's own unit."""
        unit = np.concatenate([self.row, self.row[self.equal]])
        value = np.array(self.solver.getSolution().col_value)[self.n :] * unit
        which = np.concatenate([np.arange(len(self.row)), self.equal])
        return {int(i): float(v) for i, v in zip(which, value, strict=True) if v > 1e-9 * self.row[int(i)]}

    def leave_out(self, row: int = -1, cap: int = -1) -> None:
        """Take one row or one capacity out of the model."""
        if row >= 0:
            self.solver.changeRowBounds(row, -self.infinite, self.infinite)
        else:
            self.solver.changeColBounds(cap, 0.0, self.infinite)

    def put_back(self, row: int = -1, cap: int = -1) -> None:
        """Put it back."""
        if row >= 0:
            self.solver.changeRowBounds(row, self.low[row], self.high[row])
        else:
            self.solver.changeColBounds(cap, 0.0, self.caps[cap])


def _units(rows: Sparse, need: Floats) -> tuple[Floats, Floats]:
    """Units of rows (what they need, where they need anything) and of activities, in powers of two."""
    entries: Any = sp.coo_array(rows)
    with np.errstate(divide="ignore"):
        log = np.log2(np.abs(entries.data))
        row = np.where(need != 0, np.log2(np.abs(need)), np.nan)
    keep = np.isfinite(log)
    log, at_row, at_col = log[keep], entries.row[keep], entries.col[keep]
    col = np.zeros(rows.shape[1])
    for _ in range(4):
        known = np.isfinite(row[at_row])
        count = np.bincount(at_col[known], minlength=len(col))
        total = np.bincount(at_col[known], weights=(row[at_row] - log)[known], minlength=len(col))
        col = np.where(count > 0, total / np.maximum(count, 1), col)
        used = np.bincount(at_row, minlength=len(row))
        mean = np.bincount(at_row, weights=log + col[at_col], minlength=len(row)) / np.maximum(used, 1)
        row = np.where(need != 0, row, np.where(used > 0, mean, 0.0))
    return np.exp2(np.round(row)), np.exp2(np.round(col))


def _deletion_filter(test: _ElasticTest) -> tuple[list[int], list[int], bool]:
    """Leave members out one at a time as long as the rest stays impossible; False where time ran out."""
    rows, caps = test.members()
    everything = (range(len(test.low)), [int(j) for j in np.flatnonzero(np.isfinite(test.upper))])

    def drop(gone_rows: Iterable[int], gone_caps: Iterable[int]) -> None:
        for i in gone_rows:
            test.leave_out(row=i)
        for j in gone_caps:
            test.leave_out(cap=j)

    drop(set(everything[0]) - rows, set(everything[1]) - caps)
    tested: set[tuple[str, int]] = set()
    try:
        if not test.impossible():  # the multipliers were not exact enough: start from everything
            rows, caps = set(everything[0]), set(everything[1])
            for i in rows:
                test.put_back(row=i)
            for j in caps:
                test.put_back(cap=j)
        while True:
            left = [("cap", j) for j in sorted(caps)] + [("row", i) for i in sorted(rows)]
            member = next((one for one in left if one not in tested), None)
            if member is None:
                return sorted(rows), sorted(caps), True
            tested.add(member)
            kind, k = member
            test.leave_out(**{kind: k})
            if not test.impossible():
                test.put_back(**{kind: k})
                continue
            still_rows, still_caps = test.members()
            drop(rows - still_rows, caps - still_caps)
            (rows if kind == "row" else caps).discard(k)
            rows, caps = rows & still_rows, caps & still_caps
    except TimeoutError:
        return sorted(rows), sorted(caps), False


@dataclass(frozen=True, slots=True)
class _Open:
    """Activities without limit and with a flat cost: what they may do together has no end."""

    columns: Ints
    cost: Floats


def _open_ended(arrays: EconomyArrays) -> _Open:
    curves = arrays.curves
    limited = (curves.kind == CurveKind.ISOELASTIC) | (curves.kind == CurveKind.HYPERBOLIC)
    limited |= np.isin(curves.kind, (CurveKind.LINEAR, CurveKind.POWER)) & (curves.b > 0)
    limited |= np.isfinite(arrays.upper)
    if arrays.K is not None:  # what a coupling makes dearer limits itself too
        limited |= np.diff(sp.csr_array(arrays.K).indptr) > 0
    columns = np.flatnonzero(~limited)
    return _Open(columns, (curves.shift + curves.a)[columns])


def find_subsidised_cycle(arrays: EconomyArrays) -> Cycle | None:
    """Return activities without limits that together earn on nothing at any prices, or None.

    A set of uncapped activities at relative levels x with B x >= 0, G x <= 0 and negative cost: no prices leave all of
    them without profit (Farkas), so there is no equilibrium. Activities whose marginal cost rises without bound limit
    themselves and are left out.

    Args:
        arrays: the economy, USD.
    """
    free = _open_ended(arrays)
    if not (free.cost < 0).any():  # at prices of zero nothing earns
        return None
    earned = _most_earned(arrays, free, free.cost)
    if earned is None:
        return None
    gain, levels = earned
    members = _members(arrays, free, levels)
    text = (
        f"a subsidised cycle: {_told(members)} earns {gain:g} from nothing at any prices; "
        "give one of them a capacity, or check the sign of its cost or wedge"
    )
    return Cycle(members, gain, text)


def find_cycle_at(arrays: EconomyArrays, prices: Floats) -> Cycle | None:
    """Return activities without limits that together earn on nothing at the given prices, or None.

    Wedges can make such a cycle pay only where prices are high enough (a subsidy of half the price on the way there,
    free return): an equilibrium then needs lower prices, and there may be none.

    Args:
        arrays: the economy, USD.
        prices: of the markets, [m].
    """
    free = _open_ended(arrays)
    cost = free.cost - arrays.B[:, free.columns].T @ prices + arrays.A[:, free.columns].T @ prices
    earned = _most_earned(arrays, free, cost, physical=True)
    if earned is None:
        return None
    gain, levels = earned
    members = _members(arrays, free, levels)
    text = (
        f"a cycle that wedges pay for: {_told(members)} earns {gain:g} at prices like those reached and uses "
        "nothing up; give one of them a capacity, or check the rates"
    )
    return Cycle(members, gain, text)


def _most_earned(
    arrays: EconomyArrays, free: _Open, cost: Floats, *, physical: bool = False
) -> tuple[float, Floats] | None:
    """Levels from 0 to 1 that earn most without using anything up, and what they earn; None where nothing does."""
    matrix = arrays.A if physical else arrays.B
    closed = _in_circles(arrays, matrix, free.columns)
    if not (cost[closed] < 0).any():
        return None
    from scipy import optimize

    linprog: Any = optimize.linprog
    columns, cost = free.columns[closed], cost[closed]
    G: Sparse = sp.csr_array(arrays.G[:, columns])
    rows: Sparse = sp.csr_array(sp.vstack([-sp.csr_array(matrix[:, columns]), G]))
    equal = np.concatenate([arrays.equality, np.zeros(G.shape[0], dtype=bool)])
    unit = np.maximum(np.abs(cost), 1e-300).max(initial=1e-300)
    right = np.zeros(rows.shape[0])
    found = linprog(
        cost / unit, A_ub=rows[~equal], b_ub=right[~equal], A_eq=rows[equal] if equal.any() else None,
        b_eq=right[equal] if equal.any() else None, bounds=(0.0, 1.0), method="highs",
    )  # fmt: skip
    if found.status != 0 or found.fun > -1e-9:
        return None
    levels = np.zeros(len(free.columns))
    levels[closed] = found.x
    return float(-found.fun * unit), levels


def _in_circles(arrays: EconomyArrays, matrix: Sparse, columns: Ints) -> Ints:
    """Positions in `columns` of activities that can run together on nothing else, by the signs of their coefficients.

    One that needs what none of the others makes cannot, nor one that makes what must be used up and none of them
    takes, nor one under a shared limit in which none of them makes room.
    """
    alive = np.zeros(matrix.shape[1], dtype=bool)
    alive[columns] = True
    rows, owner = matrix.indices, np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    live = alive[owner] & (matrix.data != 0)
    rows, owner, makes = rows[live], owner[live], matrix.data[live] > 0
    member, group = arrays.G.indices, np.repeat(np.arange(arrays.G.shape[0]), np.diff(arrays.G.indptr))
    inside = alive[member] & (arrays.G.data != 0)
    member, group, fills = member[inside], group[inside], arrays.G.data[inside] > 0
    while True:
        made, taken = np.zeros(matrix.shape[0], dtype=bool), ~arrays.equality
        made[rows[makes]] = True
        taken[rows[~makes]] = True
        room = np.zeros(arrays.G.shape[0], dtype=bool)
        room[group[~fills]] = True
        before = int(alive.sum())
        alive[owner[np.where(makes, ~taken[rows], ~made[rows])]] = False
        alive[member[fills & ~room[group]]] = False
        if int(alive.sum()) == before:
            return np.flatnonzero(alive[columns])
        live, inside = alive[owner], alive[member]
        rows, owner, makes = rows[live], owner[live], makes[live]
        member, group, fills = member[inside], group[inside], fills[inside]


def _members(arrays: EconomyArrays, free: _Open, levels: Floats) -> tuple[tuple[str, float], ...]:
    return tuple(
        (arrays.activity_name(int(free.columns[k])), float(levels[k])) for k in np.flatnonzero(levels > 1e-9)
    )


def _told(members: Sequence[tuple[str, float]]) -> str:
    shown = ", ".join(f"{level:g} of {name}" for name, level in members[:_SHOWN])
    return shown + (f" and {len(members) - _SHOWN} more" if len(members) > _SHOWN else "")


def _within_reach(arrays: EconomyArrays, matrix: Sparse) -> npt.NDArray[np.bool_]:
    """Markets that something which can run supplies; what would flood a market without a sink cannot."""
    owner = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    takes, makes = matrix.data < 0, matrix.data > 0
    alive = arrays.upper > 0
    limits: Sparse = sp.csr_array(arrays.G)
    for g in np.flatnonzero(arrays.h <= 0):
        span = slice(limits.indptr[g], limits.indptr[g + 1])
        if (limits.data[span] >= 0).all():
            alive[limits.indices[span][limits.data[span] > 0]] = False
    while True:
        made = arrays.fixed < 0
        while True:
            missing = np.zeros(len(alive), dtype=bool)
            missing[owner[takes & ~made[matrix.indices]]] = True
            can = alive & ~missing
            reached = made.copy()
            reached[matrix.indices[can[owner] & makes]] = True
            if np.array_equal(reached, made):
                break
            made = reached
        taken = ~arrays.equality | (arrays.fixed > 0)
        taken[matrix.indices[can[owner] & takes]] = True
        floods = np.zeros(len(alive), dtype=bool)
        floods[owner[makes & ~taken[matrix.indices]]] = True
        if not (can & floods).any():
            return made
        alive = can & ~floods


def find_unmet_demand(arrays: EconomyArrays) -> str:
    """Return in words a demand that never stops however dear while nothing can supply it; empty where there is none.

    Isoelastic demand without choke price wants something at any price, so its market must be within reach of a source.
    Only the structure is read: what has a capacity or a shared limit of nil cannot run, nor what needs its products,
    nor what makes a good that must be used up and that nothing takes.

    Args:
        arrays: the economy.
    """
    curves = arrays.curves
    endless = np.flatnonzero((curves.kind == CurveKind.ISOELASTIC) & np.isinf(curves.d))
    if not endless.size:
        return ""
    matrix: Sparse = sp.csc_array(arrays.A)
    made = _within_reach(arrays, matrix)
    for j in endless:
        span = slice(matrix.indptr[j], matrix.indptr[j + 1])
        dry = [int(i) for i, a in zip(matrix.indices[span], matrix.data[span], strict=True) if a < 0 and not made[i]]
        if dry:
            return (
                f"{arrays.activity_name(int(j))} wants something at any price, but nothing can supply "
                f"{arrays.market_name(dry[0])}; give the demand a choke price, or the market a source"
            )
    return ""


def find_impossibility(arrays: EconomyArrays, time_limit: float = 30.0) -> str:
    """Return in words why no levels can be in equilibrium whatever the prices; empty where some may be.

    Args:
        arrays: the economy; only quantities are read.
        time_limit: seconds.
    """
    unmet = find_unmet_demand(arrays)
    if unmet:
        return unmet
    impossible = check_feasibility(arrays, time_limit)
    return impossible.text if impossible is not None else ""


def diagnose(arrays: EconomyArrays, solution: Solution) -> str:
    """Return in words where a solve that could have succeeded got stuck, and the likely cause.

    Args:
        arrays: the economy.
        solution: what the solver ended with.
    """
    worst = "; ".join(f"{name} {residual:.1e}" for name, residual in solution.worst if residual > 0)
    return f"{solution.cause}. Worst residuals: {worst}. Likely cause: {_likely_cause(arrays, solution)}"


def explain_failure(arrays: EconomyArrays, solution: Solution) -> str:
    """Return in words why a solve failed: infeasible, a subsidised cycle, or the likely cause of a stall.

    Args:
        arrays: the economy.
        solution: what `solve_economy` returned for it.

    Returns:
        An empty string where the solution is an equilibrium.
    """
    if solution.ok:
        return ""
    cycle = find_subsidised_cycle(arrays)
    if cycle is not None:
        return cycle.text
    impossible = find_impossibility(arrays)
    if impossible:
        return impossible
    return solution.cause if "Likely cause" in solution.cause else diagnose(arrays, solution)


def _likely_cause(arrays: EconomyArrays, solution: Solution) -> str:
    size = np.abs(arrays.A.data)
    size = size[size > 0]
    if size.size and size.max() / size.min() > 1e9:
        return (
            f"coefficients from {size.min():.1e} to {size.max():.1e}: check units (t against kg, USD/t against USD/kg)"
        )
    physical: Sparse = sp.csr_array(arrays.A)
    for i in np.flatnonzero(arrays.equality):
        data = physical.data[physical.indptr[i] : physical.indptr[i + 1]]
        if data.size and (data > 0).all():
            return f"market {arrays.market_name(int(i))} has no sink: a by-product that nobody may throw away"
    if np.isfinite(solution.prices).all():
        cycle = find_cycle_at(arrays, solution.prices)
        if cycle is not None:
            return cycle.text
        cheap = np.abs(solution.prices).max(initial=0.0) * 1e-6
        for j in np.flatnonzero((arrays.curves.kind == CurveKind.ISOELASTIC) & np.isinf(arrays.upper)):
            paid = arrays.curves.shift[j] - arrays.B[:, [int(j)]].T @ solution.prices
            if float(paid[0]) <= max(cheap, 1e-6 * arrays.curves.a[j]):
                return (
                    f"{arrays.activity_name(int(j))} is asked next to nothing, where isoelastic demand has no end: "
                    "give it a capacity, or what it uses a cost"
                )
    values = np.abs(arrays.curves.a)
    values = values[values > 0]
    if values.size and values.max() / values.min() > 1e12:
        return f"costs from {values.min():.1e} to {values.max():.1e}: check currencies and units"
    return "none of the usual ones; try another start, or fewer wedges at a time"
