"""The base year with its uncertainty: posterior flows, what crosses a border, tests and observability.

The balance of the base year is solved once more with the errors that observations share (`families`) and with the
tracked element shares of the ore as unknowns, linearised at the balanced levels (one Gauss-Newton step of the bilinear
problem; Cencic 2016). Every common error is an unknown with a standard normal prior, so the covariance is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.baseline.arrays import (
    Formulation,
    Solved,
    answer_arrays,
    formulate,
    posterior_system,
    solve_formulation,
    tested_system,
)
from oreflow.baseline.calibrate import USED, BaseSystem, CalibrationError
from oreflow.baseline.gross_errors import critical_value, find_gross_errors, global_test, row_tests
from oreflow.baseline.posterior import quadratic_forms
from oreflow.baseline.quadratic import Kkt
from oreflow.chain.network import Kind, Network

if TYPE_CHECKING:
    from oreflow.baseline.families import ErrorModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FittedObservation:
    """One observation before and after: t per year; `adjustment` in its sds; `statistic` of the measurement test.

    `terms`: (activity, weight) that it adds up. `family`: number of its family of dependent observations, None outside
    any. `redundant`: whether the others predict it. `statistic` is None where nothing else speaks of it.
    """

    name: str
    row: int
    value: float
    sd: float
    fitted: float
    fitted_sd: float
    adjustment: float
    statistic: float | None
    redundant: bool
    family: int | None
    terms: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class SuspectObservation:
    """An observation that the gross-error search found, its test value and the level that it exceeded."""

    name: str
    statistic: float
    critical: float
    removed: bool


@dataclass(frozen=True, slots=True)
class FlowEstimate:
    """Posterior of one activity, t per year: `observability` is observed, inferable or unobservable (mean, sd None).

    `level`: what the market starts from, the least-cost split included; `flows`: (market, t per unit), inputs negative.
    """

    activity: str
    kind: str
    place: str
    to_place: str
    commodity: str
    observability: str
    mean: float | None
    sd: float | None
    level: float
    flows: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """What leaves the places of the tracked ore: t per year, mean and sd (None where not determined).

    `label`: of the flow; `basis`: gross weight, REO or an element's oxide.
    """

    label: str
    basis: str
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True)
class BasePosterior:
    """The base year with standard deviations and tests; see `base_posterior`."""

    observations: tuple[FittedObservation, ...]
    flows: tuple[FlowEstimate, ...]
    crossings: tuple[Crossing, ...]
    objective: float
    degrees_of_freedom: int
    global_p: float | None
    critical: float
    suspects: tuple[SuspectObservation, ...]
    imbalances: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class ShareError:
    """One sd of an element's share in the ore: the network that has it, and t of oxide per t it adds by commodity."""

    name: str
    network: Network
    element: str
    change: Mapping[str, float]


def base_posterior(
    network: Network,
    system: BaseSystem,
    errors: ErrorModel,
    levels: Floats,
    *,
    tracked: frozenset[str],
    elements: Sequence[str],
    shares: Sequence[ShareError] = (),
    at: Floats | None = None,
) -> BasePosterior:
    """Return posterior flows, what crosses, the tests of the base year and how far each market was out of balance.

    Args:
        network: the network of the base year.
        system: the rows of its balance.
        errors: of the observations in `system.kept`, in that order.
        levels: balanced levels from which the market starts, t per year [n].
        tracked: commodities of the tracked ore.
        elements: elements whose oxide is followed across the border.
        shares: errors of the ore's composition.
        at: levels at which products of flow and share are linearised, `levels` when None.

    Raises:
        CalibrationError: the balance has no solution with these errors.
    """
    at = levels if at is None else at
    k, size = system.observed.shape
    common = len(errors.names)
    added = common + len(shares)
    change = sp.lil_array((system.balances.shape[0], added))
    markets = len(network.markets)
    for q, share in enumerate(shares):
        moved = np.asarray((share.network.matrix - network.matrix) @ at).ravel()
        for r, i in enumerate(system.balance_of):
            if i < markets and moved[i]:
                change[r, common + q] = moved[i]
    prior = sp.hstack([sp.csr_array((added, size)), sp.eye_array(added)], format="csr")
    loadings = sp.hstack([errors.loadings, sp.csr_array((k, len(shares)))], format="csr")
    observed = sp.csr_array(sp.vstack([sp.hstack([system.observed, loadings]), prior], format="csr"))
    balances = sp.csr_array(sp.hstack([system.balances, change.tocsr()], format="csr"))
    values = np.concatenate([[o.value for o in system.kept], np.zeros(added)])
    form = formulate(
        observed,
        values,
        np.concatenate([errors.own, np.ones(added)]),
        balances,
        system.rhs,
        np.concatenate([system.lower, np.full(added, -np.inf)]),
        np.concatenate([system.upper, np.full(added, np.inf)]),
    )
    solved = solve_formulation(form)
    if solved.status != "solved":
        raise CalibrationError(
            f"the base year with the errors that its observations share is {solved.status}: {solved.cause}; "
            "look at observations that are copies of one another"
        )
    answer = answer_arrays(form, solved, observed, True)
    tests = row_tests(form, solved)
    position = {int(i): r for r, i in enumerate(form.soft_of) if i >= 0}
    total = np.sqrt(np.asarray(errors.loadings.multiply(errors.loadings).sum(axis=1)).ravel() + errors.own**2)
    fitted = np.asarray(system.observed @ answer.point[:size])
    fitted_sd = _function_sds(posterior_system(form, solved), system.observed)
    tested_sd = _function_sds(tested_system(form, solved)[0], system.observed)
    family = {i: number for number, found in enumerate(errors.families) for i in found.observations}
    rows = []
    for i, o in enumerate(system.kept):
        miss, redundant = float(o.value - fitted[i]), bool(answer.redundant[i])
        statistic = _statistic(miss, float(total[i]), float(tested_sd[i]), redundant)
        rows.append(
            FittedObservation(
                o.name, o.row, o.value, float(total[i]), float(fitted[i]), float(fitted_sd[i]),
                float((fitted[i] - o.value) / total[i]), statistic, redundant, family.get(i),
                tuple((network.activities[j].name, weight) for j, weight in o.terms),
            )
        )  # fmt: skip
    suspects = find_gross_errors(form, solved, significance=0.05, limit=10, test_balances=False)
    named = {r: i for i, r in position.items()}
    labels = [o.name for o in system.kept] + [*errors.names, *(share.name for share in shares)]
    freedom = answer.degrees_of_freedom + int(np.count_nonzero(answer.active))
    return BasePosterior(
        observations=tuple(rows),
        flows=_flows(network, system, answer.x, answer.sd, levels),
        crossings=_crossings(network, system, form, solved, at, tracked, elements, shares, common),
        objective=answer.objective,
        degrees_of_freedom=freedom,
        global_p=global_test(answer.objective, freedom),
        critical=critical_value(0.05, int(np.count_nonzero(np.isfinite(tests.soft)))),
        suspects=tuple(
            SuspectObservation(labels[named[s.row[1]]], s.statistic, s.critical, s.removed)
            for s in suspects
            if s.row[0] == "soft" and s.row[1] in named
        ),
        imbalances=_imbalances(network, system),
    )


def _statistic(miss: float, sd: float, fitted_sd: float, redundant: bool) -> float | None:
    """Return the measurement test of an observation: its miss by the sd of that miss, None where not testable."""
    left = sd**2 - fitted_sd**2
    return miss / math.sqrt(left) if redundant and left > 1e-9 * sd**2 else None


def _function_sds(kkt: Kkt, functions: sp.csr_array) -> Floats:
    """Return the posterior sds of linear functions of the columns (rows of `functions`)."""
    shape = (functions.shape[0], kkt.unknowns)
    return np.sqrt(
        quadratic_forms(kkt, sp.csr_array((functions.data, functions.indices, functions.indptr), shape=shape))
    )


def _flows(
    network: Network, system: BaseSystem, means: Floats, sds: Floats, levels: Floats
) -> tuple[FlowEstimate, ...]:
    seen = set(system.observed.indices.tolist())
    found = []
    for c, j in enumerate(system.active):
        activity = network.activities[int(j)]
        known = bool(np.isfinite(means[c]))
        state = "unobservable" if not known else "observed" if c in seen else "inferable"
        found.append(
            FlowEstimate(
                activity.name, activity.kind.value, activity.place, activity.to_place, activity.feed, state,
                float(means[c]) if known else None, float(sds[c]) if known else None, float(levels[j]),
                tuple((network.markets[i].name, amount) for i, amount in activity.flows),
            )
        )  # fmt: skip
    return tuple(found)


def border_alone(
    network: Network, system: BaseSystem, errors: ErrorModel, tracked: frozenset[str]
) -> tuple[BaseSystem, ErrorModel]:
    """Return the part of a balance that speaks of the border by itself: no capacity, and no use elsewhere.

    Kept are the observations of tracked ore where it is mined and leaves, with their errors, and the balances there.

    Args:
        network: the network.
        system: the rows of its balance.
        errors: of its observations.
        tracked: commodities of the tracked ore.
    """
    routes = border_flows(network, tracked)
    mined = {network.activities[j].place for j in routes}
    rows = [
        r
        for r, i in enumerate(system.balance_of)
        if i < len(network.markets) and network.markets[i].place in mined and network.markets[i].commodity in tracked
    ]
    balances = sp.csr_array(system.balances[rows])
    columns = np.unique(balances.indices)
    columns = columns[columns < system.active.size]
    inside = set(columns.tolist())
    kept = [
        r
        for r in range(len(system.kept))
        if set(system.observed.indices[system.observed.indptr[r] : system.observed.indptr[r + 1]].tolist()) <= inside
    ]
    place = {i: r for r, i in enumerate(kept)}
    families = tuple(
        replace(f, observations=tuple(place[i] for i in f.observations if i in place)) for f in errors.families
    )
    part = BaseSystem(
        active=system.active[columns],
        surplus_at=np.zeros(0, dtype=np.intp),
        kept=tuple(system.kept[i] for i in kept),
        observed=sp.csr_array(system.observed[kept][:, columns]),
        balances=sp.csr_array(balances[:, columns]),
        rhs=system.rhs[rows],
        balance_of=system.balance_of[rows],
        lower=np.zeros(columns.size),
        upper=np.full(columns.size, np.inf),
    )
    return part, replace(errors, loadings=sp.csr_array(errors.loadings[kept]), own=errors.own[kept], families=families)


def border_flows(network: Network, tracked: frozenset[str]) -> tuple[int, ...]:
    """Return the routes on which tracked ore leaves the places where it is mined, by position.

    Args:
        network: a network.
        tracked: commodities of the tracked ore.
    """
    mined = {
        activity.place
        for activity in network.activities
        if activity.kind is Kind.PROCESS
        and any(v > 0 and network.markets[i].commodity in tracked for i, v in activity.flows)
        and not any(v < 0 and network.markets[i].commodity in tracked for i, v in activity.flows)
    }
    return tuple(
        j
        for j, activity in enumerate(network.activities)
        if activity.kind is Kind.ROUTE and activity.feed in tracked
        if activity.place in mined and activity.to_place not in mined
    )


def _crossings(
    network: Network,
    system: BaseSystem,
    form: Formulation,
    solved: Solved,
    levels: Floats,
    tracked: frozenset[str],
    elements: Sequence[str],
    shares: Sequence[ShareError],
    common: int,
) -> tuple[Crossing, ...]:
    size, width = system.observed.shape[1], form.soft.shape[1]
    column = {int(j): c for c, j in enumerate(system.active)}
    routes = [j for j in border_flows(network, tracked) if j in column]
    names: list[tuple[str, str]] = [("all tracked ore", "gross weight"), ("all tracked ore", "REO")]
    functions = np.zeros((2 + len(elements) + len(routes), width))
    for j in routes:
        functions[0, column[j]] = network.gross_per_t.get(network.activities[j].feed, 1.0)
        functions[1, column[j]] = 1.0
    for e, element in enumerate(elements):
        names.append(("all tracked ore", f"{element} oxide"))
        for j in routes:
            functions[2 + e, column[j]] = network.composition.get(network.activities[j].feed, {}).get(element, 0.0)
        for q, share in enumerate(shares):
            if share.element == element:
                moved = sum(share.change.get(network.activities[j].feed, 0.0) * levels[j] for j in routes)
                functions[2 + e, size + common + q] = moved
    for r, j in enumerate(routes):
        activity = network.activities[j]
        names.append((f"{activity.feed}: {activity.place} to {activity.to_place}", "REO"))
        functions[2 + len(elements) + r, column[j]] = 1.0
    unknown = solved.structure.unobservable
    means = functions @ solved.v
    system_kkt = posterior_system(form, solved)
    sds = np.sqrt(quadratic_forms(system_kkt, sp.csr_array(functions)))
    blocked = np.abs(functions) @ unknown > 0
    return tuple(
        Crossing(label, basis, None if blocked[r] else float(means[r]), None if blocked[r] else float(sds[r]))
        for r, (label, basis) in enumerate(names)
        if not (r >= 2 + len(elements) and not blocked[r] and means[r] < USED)
    )


def _imbalances(network: Network, system: BaseSystem) -> tuple[tuple[str, float, float], ...]:
    """Return (market, imbalance in t per year, throughput) of what was observed by itself, where all of it was."""
    weight = np.zeros(system.observed.shape[1])
    mean = np.zeros_like(weight)
    for r, o in enumerate(system.kept):
        span = slice(system.observed.indptr[r], system.observed.indptr[r + 1])
        columns, data = system.observed.indices[span], system.observed.data[span]
        if columns.size == 1 and data[0]:
            w = (data[0] / o.sd) ** 2
            weight[columns[0]] += w
            mean[columns[0]] += w * o.value / data[0]
    known = weight > 0
    mean[known] /= weight[known]
    found = []
    for r, i in enumerate(system.balance_of):
        if i >= len(network.markets):
            continue
        span = slice(system.balances.indptr[r], system.balances.indptr[r + 1])
        columns, data = system.balances.indices[span], system.balances.data[span]
        if columns.size > 1 and np.all(known[columns]):
            parts = data * mean[columns]
            found.append(
                (network.markets[int(i)].name, float(parts.sum() - system.rhs[r]), float(abs(parts).sum() / 2))
            )
    return tuple(sorted(found, key=lambda item: -abs(item[1]) / max(item[2], 1e-9)))
