"""Tidy tables of a reconciliation, one dict a row: what tables, plots and the Sankey with imbalances are drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping

from oreflow.baseline.reconcile import Balance, Product, ReconcileProblem, Reconciliation

Cell = str | float | bool | None


def reported_values(problem: ReconcileProblem) -> dict[str, tuple[float, float]]:
    """What is reported of each unknown by itself, before any balance: (value, sd), copies of one group counted once.

    Several observations are weighted by 1 / sd^2; a constant has sd 0; an unknown without an observation is left out.

    >>> from oreflow.baseline.reconcile import Observation
    >>> one = Observation("a", (("flow", 1.0),), 100.0, 10.0, group="customs")
    >>> two = Observation("b", (("flow", 1.0),), 100.0, 10.0, group="customs")
    >>> reported_values(ReconcileProblem(("flow",), (one, two)))
    {'flow': (100.0, 10.0)}
    """
    gathered: dict[str, list[tuple[float, float]]] = {}
    seen: set[tuple[str, str]] = set()
    for observation in problem.observations:
        if len(observation.terms) != 1:
            continue
        name, coefficient = observation.terms[0]
        if coefficient == 0 or (observation.group is not None and (name, observation.group) in seen):
            continue
        if observation.group is not None:
            seen.add((name, observation.group))
        total = math.hypot(observation.sd, observation.transformation_sd)
        gathered.setdefault(name, []).append((observation.value / coefficient, total / abs(coefficient)))
    reported: dict[str, tuple[float, float]] = {}
    for name, values in gathered.items():
        exact = [value for value, sd in values if sd == 0]
        if exact:
            reported[name] = (exact[0], 0.0)
            continue
        weight = sum(sd**-2.0 for _, sd in values)
        reported[name] = (sum(value * sd**-2.0 for value, sd in values) / weight, weight**-0.5)
    reported.update({name: (value, 0.0) for name, value in problem.constants.items()})
    return reported


def before_after_table(problem: ReconcileProblem, result: Reconciliation) -> list[dict[str, Cell]]:
    """One row an unknown: reported value and sd, reconciled mean and sd, and the change in reported sds.

    Args: `problem` and its `result`, in the unknowns' units. A cell that is not known is None, never zero.
    """
    reported = reported_values(problem)
    rows: list[dict[str, Cell]] = []
    for name in problem.unknowns:
        value, sd = reported.get(name, (None, None))
        mean = result.means[name]
        change = None
        if value is not None and sd is not None and mean is not None and sd > 0:
            change = (mean - value) / sd
        rows.append(
            {
                "unknown": name,
                "observability": result.observability[name],
                "reported": value,
                "reported_sd": sd,
                "mean": mean,
                "sd": result.sds[name],
                "change_in_sds": change,
            }
        )
    return rows


def adjustment_table(result: Reconciliation) -> list[dict[str, Cell]]:
    """One row an observation, the largest adjustment first: value, fitted, adjustment in sds, test, suspicion."""
    suspects = {s.name: i + 1 for i, s in enumerate(result.gross_errors) if s.kind != "balance"}
    rows: list[dict[str, Cell]] = [
        {
            "observation": a.observation,
            "group": a.group,
            "value": a.value,
            "sd": a.sd,
            "fitted": a.fitted,
            "adjustment_in_sds": a.adjustment,
            "statistic": a.statistic,
            "redundant": a.redundant,
            "suspect_rank": suspects.get(a.observation, suspects.get(a.group) if a.group is not None else None),
        }
        for a in result.adjustments
    ]
    return sorted(rows, key=lambda row: -abs(float(row["adjustment_in_sds"] or 0.0)))


def imbalance_table(problem: ReconcileProblem, result: Reconciliation) -> list[dict[str, Cell]]:
    """One row a balance or product: its imbalance in the reported and in the reconciled values.

    An imbalance is left-hand side minus right-hand side; `relative` divides it by half the sum of its terms' sizes, so
    that an inflow twice the outflow reads 0.67. It is None, with the missing unknowns named, where a term has no value.
    """
    reported = {name: value for name, (value, _) in reported_values(problem).items()}
    rows: list[dict[str, Cell]] = []
    relations: tuple[Balance | Product, ...] = (*problem.balances, *problem.products)
    for relation in relations:
        before, missing_before, size = _imbalance(relation, reported)
        after, missing_after, _ = _imbalance(relation, result.means)
        rows.append(
            {
                "relation": relation.name if isinstance(relation, Balance) else f"{relation.result} = product",
                "before": before,
                "relative_before": None if before is None or size == 0 else 2.0 * before / size,
                "missing_before": ", ".join(missing_before),
                "after": after,
                "missing_after": ", ".join(missing_after),
            }
        )
    return rows


def _imbalance(
    relation: Balance | Product, values: Mapping[str, float | None]
) -> tuple[float | None, tuple[str, ...], float]:
    if isinstance(relation, Product):
        parts = tuple(values.get(name) for name in (relation.result, relation.left, relation.right))
        names = (relation.result, relation.left, relation.right)
        missing = tuple(name for name, part in zip(names, parts, strict=True) if part is None)
        result, left, right = parts
        if result is None or left is None or right is None:
            return None, missing, 0.0
        return result - left * right, (), abs(result) + abs(left * right)
    total, size, missing = -relation.rhs, abs(relation.rhs), ()
    for name, coefficient in relation.terms:
        value = values.get(name)
        if value is None:
            missing = (*missing, name)
        else:
            total += coefficient * value
            size += abs(coefficient * value)
    return (None if missing else total), missing, size
