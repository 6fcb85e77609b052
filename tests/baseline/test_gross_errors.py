"""Gross errors: planted ones are found, placed where they can be, and named as undecidable where they cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oreflow.baseline.gross_errors import critical_value
from oreflow.baseline.reconcile import Balance, Observation, ReconcileOptions, ReconcileProblem, reconcile

TRUE = {"1": 100.22, "2": 64.50, "3": 35.72, "4": 64.50, "5": 35.72, "6": 100.22}
NOISE = {"1": 0.4, "2": -0.3, "3": 0.2, "4": 0.5, "5": -0.4, "6": -0.1}


def exchanger(**shift: float) -> ReconcileProblem:
    return ReconcileProblem(
        tuple(TRUE),
        tuple(Observation(n, ((n, 1.0),), TRUE[n] + NOISE[n] + shift.get(f"m{n}", 0.0), 1.0) for n in TRUE),
        (
            Balance("splitter", (("1", 1.0), ("2", -1.0), ("3", -1.0))),
            Balance("exchanger", (("2", 1.0), ("4", -1.0))),
            Balance("bypass", (("3", 1.0), ("5", -1.0))),
            Balance("mixer", (("4", 1.0), ("5", 1.0), ("6", -1.0))),
        ),
    )


def test_without_a_gross_error_there_is_no_suspect() -> None:
    assert reconcile(exchanger()).gross_errors == ()


@pytest.mark.parametrize("place", list(TRUE))
def test_a_planted_error_is_found_and_sized(place: str) -> None:
    result = reconcile(exchanger(**{f"m{place}": 9.0}))
    assert result.global_test_p is not None
    assert result.global_test_p < 0.001
    first = result.gross_errors[0]
    assert first.name == place
    assert first.removed
    assert first.equivalent == ()
    assert first.estimated_error == pytest.approx(9.0, abs=2.0)
    by_name = {a.observation: a for a in result.adjustments}
    assert by_name[place].statistic == pytest.approx(first.statistic, rel=1e-9)
    assert abs(first.statistic) == max(abs(a.statistic or 0.0) for a in result.adjustments)


def test_the_statistic_is_the_fall_of_the_objective() -> None:
    problem = exchanger(m5=9.0)
    whole = reconcile(problem)
    without = reconcile(replace(problem, observations=tuple(o for o in problem.observations if o.name != "5")))
    first = whole.gross_errors[0]
    assert first.statistic**2 == pytest.approx(whole.objective - without.objective, rel=1e-9)
    predicted = without.means["5"]
    assert predicted is not None
    assert first.estimated_error == pytest.approx(TRUE["5"] + NOISE["5"] + 9.0 - predicted, rel=1e-9)


def test_two_planted_errors_are_eliminated_in_turn() -> None:
    result = reconcile(exchanger(m2=12.0, m5=-9.0))
    assert [s.name for s in result.gross_errors] == ["2", "5"]


def test_a_leak_is_told_from_a_wrong_meter_only_where_balances_are_suspected() -> None:
    problem = exchanger()
    leaking = replace(
        problem,
        observations=tuple(replace(o, value=o.value - 8.0) if o.name in "46" else o for o in problem.observations),
    )
    result = reconcile(leaking, ReconcileOptions(suspect_balances=True))
    first = result.gross_errors[0]
    assert (first.kind, first.name) == ("balance", "exchanger")
    assert first.estimated_error == pytest.approx(8.0, abs=2.0)
    assert all(s.kind == "observation" for s in reconcile(leaking).gross_errors)


def test_copies_are_suspected_as_one_group() -> None:
    problem = exchanger(m5=9.0)
    copy = next(o for o in problem.observations if o.name == "5")
    copies = tuple(replace(copy, name=f"5 copy {i}", group="customs") for i in range(2))
    grouped = replace(problem, observations=(*(o for o in problem.observations if o.name != "5"), *copies))
    alone, result = reconcile(problem), reconcile(grouped)
    (suspect,) = result.gross_errors
    assert (suspect.kind, suspect.name) == ("group", "customs")
    assert suspect.statistic == pytest.approx(alone.gross_errors[0].statistic, rel=1e-8)
    assert suspect.estimated_error == pytest.approx(alone.gross_errors[0].estimated_error, rel=1e-8)
    assert result.objective == pytest.approx(alone.objective, rel=1e-9)


def test_level_falls_with_the_number_of_tests() -> None:
    assert critical_value(0.05, 1) == pytest.approx(1.959964, abs=1e-6)
    assert critical_value(0.05, 100) > critical_value(0.05, 10) > critical_value(0.05, 1)
