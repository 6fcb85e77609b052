"""Why an economy has no equilibrium: physical infeasibility in words, subsidised cycles, and stalls.

Physical feasibility is that of ``{A x >= fixed (= where the balance is an equality), 0 <= x <= upper, G x <= h}``.
HiGHS decides it; an irreducible subset is found from the multipliers of the least violation and a deletion filter.

Sources: Chinneck (2008), Feasibility and Infeasibility in Optimization, ch. 6; Huangfu and Hall (2018) for HiGHS.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

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
    rows: Sparse = sp.csr_array(sp.vstack([arrays.A, -arrays.G]))
    low = np.concatenate([arrays.fixed, -arrays.h])
    scale = np.maximum(1e-9, np.abs(rows).max(axis=1).toarray().ravel() if rows.nnz else np.ones(len(low)))
    # one unit of every row is made comparable, so that no row hides behind its magnitude
    rows = sp.csr_array(sp.diags_array(1.0 / scale) @ rows)
    low = low / scale
    equal = np.concatenate([arrays.equality, np.zeros(len(arrays.h), dtype=bool)])
    total, multiplier, bound = _least_violation(rows, low, equal, arrays.upper)
    tolerance = 1e-7 * max(1.0, float(np.abs(low).max(initial=0.0)))
    if total <= tolerance:
        return None
    in_rows: Ints = np.flatnonzero(np.abs(multiplier) > 1e-9)
    in_caps: Ints = np.flatnonzero((np.abs(bound) > 1e-9) & np.isfinite(arrays.upper))
    in_rows, in_caps = _deletion_filter(rows, low, equal, arrays.upper, in_rows, in_caps, tolerance, deadline)
    markets = tuple(arrays.market_name(int(i)) for i in in_rows if i < m)
    groups = tuple(arrays.group_name(int(i) - m) for i in in_rows if i >= m)
    activities = tuple(arrays.activity_name(int(j)) for j in in_caps)
    text = _words(arrays, in_rows, in_caps, total)
    if time.perf_counter() > deadline:
        text += "\n(time ran out before every member was tested: some may be needless)"
    return Infeasibility(markets, activities, groups, total, text)


def _words(arrays: EconomyArrays, rows: Ints, caps: Ints, total: float) -> str:
    m = arrays.shape[0]
    lines = ["these cannot hold together:"]
    for i in rows:
        if i < m:
            need = arrays.fixed[i]
            kind = "must be met exactly" if arrays.equality[i] else "is needed at least"
            amount = (
                f"{need:g} {kind}"
                if need
                else ("what arrives must be used" if arrays.equality[i] else "no more may leave than arrives")
            )
            lines.append(f"- market {arrays.market_name(int(i))}: {amount}")
        else:
            lines.append(f"- limit {arrays.group_name(int(i) - m)}: at most {arrays.h[int(i) - m]:g}")
    lines += [f"- capacity of {arrays.activity_name(int(j))}: at most {arrays.upper[j]:g}" for j in caps]
    lines.append(f"least shortfall over all rows (each in its own scale): {total:g}; relax one member or add a source")
    return "\n".join(lines)


def _least_violation(rows: Sparse, low: Floats, equal: Floats, upper: Floats) -> tuple[float, Floats, Floats]:
    """Least sum of violations, with the multipliers of the rows and of the capacities."""
    from scipy import optimize

    linprog: Any = optimize.linprog

    m, n = rows.shape
    more: Sparse = sp.eye_array(m, format="csr")
    less = more[:, np.flatnonzero(equal)]
    left = sp.csr_array(sp.hstack([rows, more, -less]))
    cost = np.concatenate([np.zeros(n), np.ones(m + less.shape[1])])
    bounds = np.column_stack([np.zeros(len(cost)), np.concatenate([upper, np.full(m + less.shape[1], np.inf)])])
    at = np.asarray(equal, dtype=bool)
    found = linprog(
        cost, A_ub=-left[~at], b_ub=-low[~at], A_eq=left[at] if at.any() else None, b_eq=low[at] if at.any() else None,
        bounds=bounds, method="highs",
    )  # fmt: skip
    if found.status != 0:
        return 0.0, np.zeros(m), np.zeros(n)
    multiplier = np.zeros(m)
    multiplier[~at] = found.ineqlin.marginals
    if at.any():
        multiplier[at] = found.eqlin.marginals
    return float(found.fun), multiplier, found.upper.marginals[:n]


def _deletion_filter(
    rows: Sparse,
    low: Floats,
    equal: Floats,
    upper: Floats,
    in_rows: Ints,
    in_caps: Ints,
    tolerance: float,
    deadline: float,
) -> tuple[Ints, Ints]:
    """Drop members one at a time as long as the rest stays infeasible."""

    def infeasible(some_rows: list[int], some_caps: list[int]) -> bool:
        limits = np.full(len(upper), np.inf)
        limits[some_caps] = upper[some_caps]
        at = np.array(some_rows, dtype=np.int64)
        return bool(at.size) and _least_violation(rows[at], low[at], equal[at], limits)[0] > tolerance

    kept_rows, kept_caps = [int(i) for i in in_rows], [int(j) for j in in_caps]
    if not infeasible(kept_rows, kept_caps):  # the multipliers were not exact enough: start from everything
        kept_rows = list(range(len(low)))
        kept_caps = [int(j) for j in np.flatnonzero(np.isfinite(upper))]
    for member in list(kept_caps):
        if time.perf_counter() > deadline:
            break
        trial = [j for j in kept_caps if j != member]
        if infeasible(kept_rows, trial):
            kept_caps = trial
    for member in list(kept_rows):
        if time.perf_counter() > deadline:
            break
        trial = [i for i in kept_rows if i != member]
        if infeasible(trial, kept_caps):
            kept_rows = trial
    return np.array(kept_rows, dtype=np.int64), np.array(kept_caps, dtype=np.int64)


def find_subsidised_cycle(arrays: EconomyArrays) -> Cycle | None:
    """Return activities without limits that together earn on nothing, or None.

    A set of uncapped activities at relative levels x with A x >= 0, G x <= 0 and negative cost is a cycle that any
    prices make worth running for ever; with wedges (B differs from A) it is sought at the prices that B allows.
    Activities whose marginal cost rises without bound limit themselves and are left out.

    Args:
        arrays: the economy, USD.
    """
    from scipy import optimize

    linprog: Any = optimize.linprog

    curves = arrays.curves
    bounded = (curves.kind == CurveKind.ISOELASTIC) | (curves.kind == CurveKind.HYPERBOLIC)
    bounded |= np.isin(curves.kind, (CurveKind.LINEAR, CurveKind.POWER)) & (curves.b > 0)
    open_ended = np.flatnonzero(np.isinf(arrays.upper) & ~bounded)
    if not open_ended.size:
        return None
    # no prices p >= 0 (free where equality) satisfy B'p <= cost for these activities: Farkas gives the cycle
    B: Sparse = sp.csr_array(arrays.B[:, open_ended])
    G: Sparse = sp.csr_array(arrays.G[:, open_ended])
    cost = (curves.shift + curves.a)[open_ended]
    unit = np.maximum(np.abs(cost), 1e-9).max()
    rows: Sparse = sp.vstack([-B, G]) if G.shape[0] else -B
    equal = np.concatenate([arrays.equality, np.zeros(G.shape[0], dtype=bool)])
    right = np.zeros(rows.shape[0])
    rows = sp.csr_array(rows)
    found = linprog(
        cost / unit, A_ub=rows[~equal], b_ub=right[~equal], A_eq=rows[equal] if equal.any() else None,
        b_eq=right[equal] if equal.any() else None, bounds=np.column_stack([np.zeros(len(cost)), np.ones(len(cost))]),
        method="highs",
    )  # fmt: skip
    if found.status != 0 or found.fun > -1e-9:
        return None
    used = np.flatnonzero(found.x > 1e-9)
    members = tuple((arrays.activity_name(int(open_ended[k])), float(found.x[k])) for k in used)
    gain = float(-found.fun * unit)
    text = (
        f"a subsidised cycle: {', '.join(f'{level:g} of {name}' for name, level in members)} earns {gain:g} "
        "from nothing; "
        "give one of them a capacity, or check the sign of its cost or wedge"
    )
    return Cycle(members, gain, text)


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
    impossible = check_feasibility(arrays)
    if impossible is not None:
        return impossible.text
    cycle = find_subsidised_cycle(arrays)
    if cycle is not None:
        return cycle.text
    worst = "; ".join(f"{name}: {residual:.1e}" for name, residual in solution.worst)
    return f"{solution.cause}. Worst residuals: {worst}. Likely cause: {_likely_cause(arrays)}"


def _likely_cause(arrays: EconomyArrays) -> str:
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
    values = np.abs(arrays.curves.a)
    values = values[values > 0]
    if values.size and values.max() / values.min() > 1e12:
        return f"costs from {values.min():.1e} to {values.max():.1e}: check currencies and units"
    return "none of the usual ones; try another start, or fewer wedges at a time"
