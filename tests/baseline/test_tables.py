"""Tables of a reconciliation: what was reported, what became of it, and the imbalances before and after."""

from __future__ import annotations

import pytest

from oreflow.baseline.reconcile import Balance, Observation, Product, ReconcileProblem, reconcile
from oreflow.baseline.tables import adjustment_table, before_after_table, imbalance_table, reported_values

PROBLEM = ReconcileProblem(
    ("in", "out", "left", "right", "grade", "metal"),
    (
        Observation("in", (("in", 1.0),), 100.0, 10.0),
        Observation("in again", (("in", 2.0),), 220.0, 20.0),
        Observation("out", (("out", 1.0),), 80.0, 5.0),
        Observation("grade", (("grade", 1.0),), 0.1, 0.02),
    ),
    (
        Balance("place", (("in", 1.0), ("out", -1.0))),
        Balance("split", (("out", 1.0), ("left", -1.0), ("right", -1.0))),
    ),
    products=(Product("metal", "out", "grade"),),
)


def test_reported_values_weigh_by_precision() -> None:
    assert reported_values(PROBLEM)["in"] == pytest.approx((105.0, 50**0.5))


def test_before_and_after() -> None:
    result = reconcile(PROBLEM)
    rows = {row["unknown"]: row for row in before_after_table(PROBLEM, result)}
    assert rows["left"]["reported"] is None
    assert rows["left"]["mean"] is None
    assert rows["left"]["observability"] == "unobservable"
    assert rows["out"]["change_in_sds"] == pytest.approx((result.means["out"] - 80.0) / 5.0)


def test_adjustments_are_sorted_by_size() -> None:
    sizes = [abs(row["adjustment_in_sds"]) for row in adjustment_table(reconcile(PROBLEM))]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 4


def test_imbalances_close_and_name_what_is_missing() -> None:
    rows = {row["relation"]: row for row in imbalance_table(PROBLEM, reconcile(PROBLEM))}
    assert rows["place"]["before"] == pytest.approx(25.0)
    assert rows["place"]["relative_before"] == pytest.approx(50.0 / 185.0)
    assert rows["place"]["after"] == pytest.approx(0.0, abs=1e-10)
    assert rows["split"]["after"] is None
    assert rows["split"]["missing_after"] == "left, right"
    assert rows["metal = product"]["after"] == pytest.approx(0.0, abs=1e-12)
    assert rows["metal = product"]["missing_before"] == "metal"
