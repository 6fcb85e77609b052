"""Reconciliations written as equations."""

from __future__ import annotations

import pytest

from oreflow.baseline.errors import ReconcileError
from oreflow.baseline.reconcile import Balance, Product, reconcile
from oreflow.baseline.relations import state_problem


def test_equations_become_balances_and_products() -> None:
    stated = state_problem(["a + 2 * b = c - 3.5", "m=a*x"], {"a": (1.0, 0.1)}, upper={"x": 1.0})
    assert stated.unknowns == ("a", "b", "c", "m", "x")
    assert stated.balances == (Balance("a + 2 * b = c - 3.5", (("a", 1.0), ("b", 2.0), ("c", -1.0)), -3.5),)
    assert stated.products == (Product("m", "a", "x"),)
    assert stated.upper == {"x": 1.0}


def test_the_bypass_heat_exchanger_in_four_lines() -> None:
    measured = {"s1": 101.91, "s2": 64.45, "s3": 34.65, "s4": 64.20, "s5": 36.44, "s6": 98.88}
    balances = ["s1 = s2 + s3", "s2 = s4", "s3 = s5", "s4 + s5 = s6"]
    result = reconcile(state_problem(balances, {name: (value, 1.0) for name, value in measured.items()}))
    assert result.means["s1"] == pytest.approx(100.22)
    assert result.objective == pytest.approx(6.4075)


def test_a_name_on_both_sides_cancels() -> None:
    (balance,) = state_problem(["a + b = a + c"], {}).balances
    assert balance.terms == (("b", 1.0), ("c", -1.0))


@pytest.mark.parametrize(
    "text", ["a + b", "a = b = c", "a = ", "a = b +", "a = b c", "a = 2 b", "a = b * c * d", "a = -", ""]
)
def test_what_is_no_equation_is_refused(text: str) -> None:
    with pytest.raises(ReconcileError, match=r"relation 2: found .* expected sums of names and numbers"):
        state_problem(["a = b", text], {})


def test_all_faults_at_once() -> None:
    with pytest.raises(ReconcileError, match=r"(?s)relation 1.*relation 2"):
        state_problem(["a", "b"], {})
