"""From a balanced base year to prices, rents, residuals and curves that reproduce it.

Three steps. (1) `balance_base_year`: weighted least squares of what was observed under mass balance; what no
observation determines is split by least cost, a named assumption. (2) `calibrate`: base-year prices so that every used
activity earns its sourced cost plus charges, rent and a residual, and no unused one would pay. (3) curve slopes from
supply elasticities and link responses (positive mathematical programming, Howitt 1995, Am. J. Agric. Econ. 77:
329-342).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.linear import solve_linear
from oreflow.baseline.quadratic import solve_quadratic
from oreflow.baseline.reconcile import ArrayReconciliation, reconcile_arrays
from oreflow.chain.network import Kind, Network
from oreflow.core.errors import OreflowError

Floats = NDArray[np.float64]
USED = 1e-6
ABSENCE = 2e-3
"""What an unused activity would have earned, as a share of its turnover, up to which base prices are fitted to its
absence; beyond it the absence needs a reason."""
"""Level, t per year, from which an activity counts as used in the base year."""


class CalibrationError(OreflowError):
    """A base year that cannot be balanced or priced; the message names what stands against it."""


@dataclass(frozen=True, slots=True)
class LevelObservation:
    """An observed sum of activity levels: terms (activity, weight), value and standard deviation in t per year.

    `row`: position of its row in the case's observations, -1 for the quantity of a demand or an opening stock.
    """

    name: str
    terms: tuple[tuple[int, float], ...]
    value: float
    sd: float
    row: int = -1


@dataclass(frozen=True, slots=True)
class PriceObservation:
    """An observed price of a market, USD per t, with its standard deviation."""

    name: str
    market: int
    value: float
    sd: float


@dataclass(frozen=True, slots=True)
class BaseSystem:
    """The linear system of a base year over columns (active activities, surpluses, slacks of shared limits).

    `active`: activity of each of the first columns; `surplus_at`: market of each surplus column; `kept`: observations
    that touch an active activity; `observed` [k, columns]; `balances` [rows, columns] with `rhs`, t per year;
    `balance_of`: per row, the market, or the number of markets plus the position among the finite limits.
    """

    active: NDArray[np.intp]
    surplus_at: NDArray[np.intp]
    kept: tuple[LevelObservation, ...]
    observed: sp.csr_array
    balances: sp.csr_array
    rhs: Floats
    balance_of: NDArray[np.intp]
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class BaseYear:
    """A balanced base year.

    `levels` [n] t per year; `fitted`: per observation (name, value, fitted, sd); `split`: names of used activities that
    no observation determines (the least-cost split); `reconciliation`: the arrays behind it; `surplus` [m].
    """

    levels: Floats
    fitted: tuple[tuple[str, float, float, float], ...]
    split: tuple[str, ...]
    reconciliation: ArrayReconciliation
    surplus: Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """Prices [m], residuals [n], capacity rents [n] and limit rents [g] of the base year, with what they explain.

    At the base year B'p = cost + charges + rent + limit rents + residual for every used activity. `value` [n]: what a
    unit of the activity turns over, USD. `absences`: (activity, gain per unit) of unused activities that would pay.
    """

    prices: Floats
    residuals: Floats
    rents: Floats
    limit_rents: Floats
    value: Floats
    used: NDArray[np.bool_]
    absences: tuple[tuple[str, float], ...]


def base_system(
    network: Network,
    observations: tuple[LevelObservation, ...],
    *,
    barred: NDArray[np.bool_],
    opening: Floats,
    upper: Floats,
    limits: Floats,
    priced: frozenset[int],
    free: NDArray[np.bool_],
) -> BaseSystem:
    """Return the rows of the base year's balance: what was observed, what must balance, and the bounds.

    Args:
        network: markets, activities and shared limits.
        observations: sums of levels with standard deviations, t per year.
        barred: activities that cannot run in the base year [n].
        opening: opening stock of each market, t [m].
        upper: capacities, t per year [n].
        limits: right-hand sides of shared limits, t per year [g].
        priced: markets with an observed price, which therefore clear without surplus.
        free: markets whose surplus may be left [m].

    Returns:
        The system over columns, in t per year.
    """
    active = np.flatnonzero(~barred)
    n, m = active.size, len(network.markets)
    matrix = network.matrix[:, active]
    surplus_at = np.array([i for i in range(m) if free[i] and i not in priced], dtype=int)
    surplus = sp.csc_array(
        (-np.ones(surplus_at.size), (surplus_at, np.arange(surplus_at.size))), shape=(m, surplus_at.size)
    )
    bound = np.flatnonzero(np.isfinite(limits))
    shared = network.limit_matrix[bound][:, active]
    k = bound.size
    balances = sp.csr_array(
        sp.block_array([[matrix, surplus, sp.csr_array((m, k))], [shared, None, sp.eye_array(k)]], format="csr")
        if k
        else sp.hstack([matrix, surplus], format="csr")
    )
    touched = np.flatnonzero(np.diff(balances.indptr))
    rhs = np.concatenate([-opening, limits[bound]])
    size = n + surplus_at.size + k
    lower = np.zeros(size)
    ceiling = np.concatenate([upper[active], np.full(surplus_at.size + k, np.inf)])
    position = {int(j): c for c, j in enumerate(active)}
    rows, columns, weights = [], [], []
    kept = tuple(o for o in observations if any(j in position for j, _ in o.terms))
    for r, observation in enumerate(kept):
        for j, weight in observation.terms:
            if j in position:
                rows.append(r)
                columns.append(position[j])
                weights.append(weight)
    observed = sp.csr_array((weights, (rows, columns)), shape=(len(kept), size))
    return BaseSystem(active, surplus_at, kept, observed, balances[touched], rhs[touched], touched, lower, ceiling)


def balance_base_year(
    network: Network,
    observations: tuple[LevelObservation, ...],
    *,
    barred: NDArray[np.bool_],
    opening: Floats,
    upper: Floats,
    limits: Floats,
    priced: frozenset[int],
    free: NDArray[np.bool_],
    split_cost: Floats,
) -> BaseYear:
    """Return base-year levels that balance every market and come closest to the observations.

    Args:
        network: markets, activities and shared limits.
        observations: sums of levels with standard deviations, t per year.
        barred: activities that cannot run in the base year [n].
        opening: opening stock of each market, t [m].
        upper: capacities, t per year [n].
        limits: right-hand sides of shared limits, t per year [g].
        priced: markets with an observed price, which therefore clear without surplus.
        free: markets whose surplus may be left [m].
        split_cost: USD per unit, by which undetermined flows are split [n].

    Raises:
        CalibrationError: no levels balance within the capacities.
    """
    system = base_system(
        network, observations, barred=barred, opening=opening, upper=upper, limits=limits, priced=priced, free=free
    )
    active, kept, surplus_at = system.active, system.kept, system.surplus_at
    n, m, size = active.size, len(network.markets), system.lower.size
    answer = reconcile_arrays(
        system.observed,
        np.array([o.value for o in kept]),
        np.array([o.sd for o in kept]),
        system.balances,
        system.rhs,
        system.lower,
        system.upper,
        standard_deviations=False,
    )
    if answer.status != "solved":
        raise CalibrationError(
            f"the base year does not balance ({answer.status}: {answer.cause}); look at the observations of the places "
            "with the largest throughput, and at processes whose by-product has no use"
        )
    levels = _least_cost_split(
        answer.point,
        system.observed,
        system.balances,
        system.rhs,
        system.upper,
        np.concatenate([split_cost[active], np.zeros(size - n)]),
    )
    full = np.zeros(len(network.activities))
    full[active] = levels[:n]
    left = np.zeros(m)
    left[surplus_at] = levels[n : n + surplus_at.size]
    fitted = system.observed @ levels
    unseen = answer.status == "solved"
    seen = set(system.observed.indices.tolist())
    split = tuple(
        network.activities[int(j)].name
        for c, j in enumerate(active)
        if unseen and c not in seen and full[j] > USED and np.isnan(answer.x[c])
    )
    return BaseYear(
        levels=full,
        fitted=tuple((o.name, o.value, float(f), o.sd) for o, f in zip(kept, fitted, strict=True)),
        split=split,
        reconciliation=answer,
        surplus=left,
    )


def _least_cost_split(
    point: Floats, observed: sp.csr_array, balances: sp.csr_array, rhs: Floats, ceiling: Floats, cost: Floats
) -> Floats:
    """Return the cheapest levels that keep every observed sum at its reconciled value and every balance."""
    equalities = sp.vstack([balances, observed], format="csr")
    targets = np.concatenate([rhs, observed @ point])
    # The reconciled values carry rounding: each equality may miss by 1e-9 of its own size.
    size = np.maximum(abs(equalities) @ np.abs(point), 1e-6)
    relax = 1e-9
    box = sp.csc_array(equalities)
    answer = solve_linear(
        cost,
        below=sp.vstack([box, -box]),
        limits=np.concatenate([targets + relax * size, -targets + relax * size]),
        bounds=np.column_stack([np.zeros(cost.size), ceiling]),
    )
    if isinstance(answer, str):
        raise CalibrationError(f"the least-cost split of undetermined flows found no answer: {answer}")
    levels = np.where(answer.x < USED * 1e-3, 0.0, answer.x)
    # Observed sums hold as far as the reconciled values go; balances and full limits hold to rounding, since what is
    # left of them would set two limits against each other in the years that follow.
    return _closed(_closed(levels, equalities, targets), balances, rhs)


def _closed(levels: Floats, equalities: sp.csr_array, targets: Floats) -> Floats:
    """Return levels moved least, in proportion to their size, so that the equalities hold to rounding."""
    from scipy.sparse.linalg import splu

    size = np.maximum(abs(equalities) @ np.abs(levels) + np.abs(targets), 1e-6)
    for _ in range(6):
        missing = targets - equalities @ levels
        if np.max(np.abs(missing) / size, initial=0.0) <= 1e-14:
            break
        weights = sp.diags_array(levels)
        scaled = sp.csc_array(equalities @ weights)
        gram = sp.csc_array(scaled @ scaled.T)
        ridge = 1e-13 * max(float(gram.diagonal().max(initial=0.0)), 1e-30)
        rows = np.sqrt(np.maximum(gram.diagonal(), ridge))
        unit = sp.diags_array(1.0 / rows)
        factor = splu(sp.csc_array(unit @ gram @ unit + 1e-12 * sp.eye_array(rows.size)))
        levels = levels * (1.0 + scaled.T @ (factor.solve(missing / rows) / rows))
        levels = np.maximum(levels, 0.0)
    return levels


def calibrate(
    network: Network,
    base: BaseYear,
    prices: tuple[PriceObservation, ...],
    *,
    rate: Floats,
    amount: Floats,
    upper: Floats,
    limits: Floats,
    barred: NDArray[np.bool_],
    residual_sd: float = 0.1,
) -> Calibration:
    """Return base-year prices, rents and residuals: least squares of observed prices and of relative residuals.

    Args:
        network: the network.
        base: its balanced base year.
        prices: observed prices, USD per t.
        rate: ad-valorem rate on the origin price of each activity [n].
        amount: specific charge of each activity, USD per unit [n].
        upper: capacities [n]; one that binds, or whose row names a receiver, carries rent.
        limits: right-hand sides of shared limits [g].
        barred: activities that cannot run [n].
        residual_sd: standard deviation of a residual, as a share of the activity's value.

    Raises:
        CalibrationError: no prices satisfy the zero-profit conditions.
    """
    levels = base.levels
    used = levels > USED
    price_matrix = price_coefficients(network.matrix, rate)
    guess = _first_prices(network, prices)
    answer: Calibration | None = None
    for _ in range(2):
        answer = _price_problem(
            network, base, prices, price_matrix, amount, used, upper, limits, barred, guess, residual_sd
        )
        guess = np.maximum(answer.prices, 0.25 * guess)
    if answer is None:
        raise CalibrationError("no calibration was made")
    if answer.absences:
        # History says they did not run: prices are fitted anew so that none would have paid. What was beyond that is
        # named, for the case to explain.
        turnover = {network.activities[j].name: answer.value[j] for j in range(len(network.activities))}
        unexplained = tuple((name, gain) for name, gain in answer.absences if gain > ABSENCE * turnover[name])
        fitted = _price_problem(
            network, base, prices, price_matrix, amount, used, upper, limits, barred, guess, residual_sd, strict=True
        )
        answer = replace(fitted, absences=unexplained)
    return answer


def price_coefficients(matrix: sp.csc_array, rate: Floats) -> sp.csc_array:
    """Return B: A with every input (negative entry) of an activity multiplied by one plus its ad-valorem rate."""
    result = matrix.copy()
    factor = np.repeat(1.0 + rate, np.diff(matrix.indptr))
    result.data = np.where(matrix.data < 0, matrix.data * factor, matrix.data)
    return result


def _first_prices(network: Network, prices: tuple[PriceObservation, ...]) -> Floats:
    """Return rough prices that scale residuals: observed, else the commodity's mean, else made of its elements."""
    seen: dict[str, list[float]] = {}
    for observation in prices:
        seen.setdefault(network.markets[observation.market].commodity, []).append(observation.value)
    mean = {commodity: float(np.mean(values)) for commodity, values in seen.items()}
    by_element = {
        next(iter(parts)): mean[commodity]
        for commodity, parts in network.composition.items()
        if len(parts) == 1 and commodity in mean
    }
    found = np.ones(len(network.markets)) * 100.0
    for i, market in enumerate(network.markets):
        if market.commodity in mean:
            found[i] = mean[market.commodity]
        elif market.commodity in network.composition:
            parts = network.composition[market.commodity]
            found[i] = 0.6 * sum(share * by_element.get(element, 0.0) for element, share in parts.items()) + 1.0
    for observation in prices:
        found[observation.market] = observation.value
    return found


def _price_problem(
    network: Network,
    base: BaseYear,
    prices: tuple[PriceObservation, ...],
    price_matrix: sp.csc_array,
    amount: Floats,
    used: NDArray[np.bool_],
    upper: Floats,
    limits: Floats,
    barred: NDArray[np.bool_],
    guess: Floats,
    residual_sd: float,
    strict: bool = False,
) -> Calibration:
    n, m = len(network.activities), len(network.markets)
    supply = np.array([a.kind in (Kind.PROCESS, Kind.ROUTE) for a in network.activities])
    tight = np.flatnonzero(used & supply)
    loose = np.flatnonzero(~used & supply & ~barred)
    value = np.maximum(abs(network.matrix).T @ guess / 2.0, 1.0)
    use = network.limit_matrix @ base.levels
    owned = np.array(
        [limit.kind == "plant" and bool(limit.owner) and _named(network, limit.row) for limit in network.limits]
    )
    binding = np.flatnonzero((use > 0) & ((use >= 0.9999 * limits) | owned)) if limits.size else np.array([], dtype=int)
    size = abs(network.limit_matrix) @ base.levels
    ties = np.array(
        [g for g, t in enumerate(network.limits) if t.kind == "tie" and use[g] >= limits[g] - 1e-6 * size[g]], dtype=int
    )
    binding = np.unique(np.concatenate([binding, ties])).astype(int)
    carries = np.array([bool(receiver) for receiver in network.rent_to]) | (base.levels >= 0.9999 * upper)
    carriers = np.array([j for j in tight if carries[j] and not _in_plant(network, int(j))], dtype=int)

    # Unknowns, each scaled to order one: prices / guess, residuals / value, rents / value, limit rents, slack, excess.
    sizes = {"p": m, "r": tight.size, "w": carriers.size, "l": binding.size, "u": loose.size, "e": loose.size}
    start, total = {}, 0
    for name, count in sizes.items():
        start[name] = total
        total += count
    rows = tight.size + loose.size
    all_rows = np.concatenate([tight, loose])
    row_scale = value[all_rows]
    coefficients = sp.csr_array(sp.diags_array(1.0 / row_scale) @ price_matrix[:, all_rows].T @ sp.diags_array(guess))
    limit_part = sp.csr_array(-sp.diags_array(1.0 / row_scale) @ network.limit_matrix[binding][:, all_rows].T)
    left = sp.csr_array(sp.vstack([-sp.eye_array(tight.size), sp.csr_array((loose.size, tight.size))]))
    place = {int(j): r for r, j in enumerate(tight)}
    carry = sp.csr_array(
        (-np.ones(carriers.size), ([place[int(j)] for j in carriers], np.arange(carriers.size))),
        shape=(rows, carriers.size),
    )
    slack = sp.csr_array(sp.vstack([sp.csr_array((tight.size, loose.size)), sp.eye_array(loose.size)]))
    limit_scale = np.array(
        [max(1.0, float(np.median(value[[j for j, _ in network.limits[g].weights]]))) for g in binding]
    )
    hard = sp.csr_array(
        sp.hstack(
            [
                coefficients,
                left,
                carry,
                limit_part @ sp.diags_array(limit_scale) if binding.size else limit_part,
                slack,
                -slack,
            ],
            format="csr",
        )
    )
    rhs = (network.cost + amount)[all_rows] / row_scale
    diagonal = np.full(total, 1e-5)
    gradient = np.zeros(total)
    diagonal[start["p"] : start["p"] + m] = 1e-4
    gradient[start["p"] : start["p"] + m] = 1e-4
    for observation in prices:
        weight = (guess[observation.market] / observation.sd) ** 2
        diagonal[observation.market] += weight
        gradient[observation.market] += weight * observation.value / guess[observation.market]
    diagonal[start["r"] : start["r"] + tight.size] = 1.0 / residual_sd**2
    diagonal[start["w"] : start["u"]] = 1e-4
    diagonal[start["e"] :] = 1e4
    lower = np.zeros(total)
    lower[start["r"] : start["r"] + tight.size] = -np.inf
    ceiling = np.full(total, np.inf)
    ceiling[start["p"] : start["p"] + m] = np.where(base.surplus > USED, 0.0, np.inf)
    if strict:
        ceiling[start["e"] :] = 0.0
    answer = solve_quadratic(sp.csc_array(sp.diags_array(diagonal)), gradient, hard, rhs, lower, ceiling)
    x = answer.x
    if not np.all(np.isfinite(x)):
        raise CalibrationError(
            "base-year prices were not found: costs, prices and charges of used activities contradict"
        )
    found = x[:m] * guess
    residuals, rents, limit_rents = np.zeros(n), np.zeros(n), np.zeros(len(network.limits))
    rents[carriers] = x[start["w"] : start["w"] + carriers.size] * value[carriers]
    limit_rents[binding] = x[start["l"] : start["l"] + binding.size] * limit_scale
    gain = price_matrix.T @ found - network.cost - amount - rents - network.limit_matrix.T @ limit_rents
    residuals[tight] = gain[tight]
    turnover = np.maximum(_turnover(network, found), 1e-9)
    absences = tuple(
        (network.activities[int(j)].name, float(gain[j]))
        for j in loose
        if gain[j] > 1e-6 * turnover[j] and (upper[j] > 0)
    )
    return Calibration(found, residuals, rents, limit_rents, turnover, used, absences)


def _turnover(network: Network, prices: Floats) -> Floats:
    """Return the larger of what a unit of each activity sells and buys, USD [n]."""
    matrix = network.matrix
    sold = sp.csc_array(matrix.maximum(0)).T @ prices
    bought = sp.csc_array((-matrix).maximum(0)).T @ prices
    return np.asarray(np.maximum(sold, bought))


def _named(network: Network, row: str) -> bool:
    return any(network.rent_to[j] for j in network.by_row.get(row, ()))


def _in_plant(network: Network, j: int) -> bool:
    return len(network.by_row.get(network.activities[j].row, ())) > 1


def residual_table(network: Network, calibration: Calibration) -> list[Mapping[str, object]]:
    """Return one row per used activity: cost, rent, residual and residual share of value, largest share first."""
    rows: list[Mapping[str, object]] = [
        {
            "activity": activity.name,
            "cost": float(network.cost[j]),
            "rent": float(calibration.rents[j]),
            "residual": float(calibration.residuals[j]),
            "value": float(calibration.value[j]),
            "share": float(abs(calibration.residuals[j]) / calibration.value[j]),
        }
        for j, activity in enumerate(network.activities)
        if calibration.used[j] and activity.kind in (Kind.PROCESS, Kind.ROUTE)
    ]
    return sorted(rows, key=lambda row: -float(str(row["share"])))
