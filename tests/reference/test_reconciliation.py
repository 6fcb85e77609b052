"""Published reconciliation problems: R13, R14, R15 and R18 of the reference problems."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow.baseline.reconcile import (
    Balance,
    Observation,
    Product,
    ReconcileOptions,
    ReconcileProblem,
    Reconciliation,
    posterior_of,
    reconcile,
)

BALANCES = (
    ("splitter", {"1": 1.0, "2": -1.0, "3": -1.0}),
    ("exchanger", {"2": 1.0, "4": -1.0}),
    ("bypass", {"3": 1.0, "5": -1.0}),
    ("mixer", {"4": 1.0, "5": 1.0, "6": -1.0}),
)
FLOWS = {"1": 101.91, "2": 64.45, "3": 34.65, "4": 64.20, "5": 36.44, "6": 98.88}


def problem_of(
    values: dict[str, float], sds: dict[str, float], balances: tuple[tuple[str, dict[str, float]], ...]
) -> ReconcileProblem:
    names = sorted({name for _, terms in balances for name in terms} | set(values), key=lambda n: (len(n), n))
    return ReconcileProblem(
        tuple(names),
        tuple(Observation(name, ((name, 1.0),), value, sds[name]) for name, value in values.items()),
        tuple(Balance(name, tuple(terms.items())) for name, terms in balances),
    )


def exchanger(measured: str) -> Reconciliation:
    values = {name: FLOWS[name] for name in measured}
    return reconcile(problem_of(values, dict.fromkeys(values, 1.0), BALANCES))


def test_r13_all_measured() -> None:
    result = exchanger("123456")
    expected = {"1": 100.22, "2": 64.50, "3": 35.72, "4": 64.50, "5": 35.72, "6": 100.22}
    assert result.status == "solved"
    assert result.means == pytest.approx(expected, rel=1e-9)
    assert result.sds == pytest.approx(dict.fromkeys(FLOWS, 3**-0.5), rel=1e-9)
    assert result.objective == pytest.approx(6.4075, rel=1e-9)
    assert result.degrees_of_freedom == 4
    assert result.global_test_p == pytest.approx(0.1707, abs=1e-4)
    assert result.gross_errors == ()
    assert set(result.observability.values()) == {"observed_redundant"}


def test_r13_only_the_ends_measured_leaves_the_middle_unobservable() -> None:
    result = exchanger("16")
    assert result.means["1"] == pytest.approx(100.395, rel=1e-12)
    assert result.means["6"] == pytest.approx(100.395, rel=1e-12)
    for name in "2345":
        assert result.observability[name] == "unobservable"
        assert result.means[name] is None
        assert result.sds[name] is None


def test_r13_a_non_redundant_measurement_is_not_adjusted() -> None:
    result = exchanger("126")
    expected = {"1": 100.395, "2": 64.45, "3": 35.945, "4": 64.45, "5": 35.945, "6": 100.395}
    assert result.means == pytest.approx(expected, rel=1e-12)
    assert result.observability["2"] == "observed_nonredundant"
    assert result.observability["4"] == "inferable"
    assert result.observability["1"] == "observed_redundant"
    by_name = {a.observation: a for a in result.adjustments}
    assert by_name["2"].adjustment == pytest.approx(0.0, abs=1e-12)
    assert by_name["2"].statistic is None


def test_r14_p1_flags_a_gross_error_that_nobody_can_place() -> None:
    values = {"1": 9.22, "2": 4.83, "3": 3.22}
    result = reconcile(
        problem_of(values, {k: 0.03 * v for k, v in values.items()}, (("node", {"1": 1.0, "2": -1.0, "3": -1.0}),))
    )
    assert result.means == pytest.approx({"1": 8.38213, "2": 5.05994, "3": 3.32219}, abs=1e-5)
    assert result.sds == pytest.approx({"1": 0.14737, "2": 0.12988, "3": 0.09228}, abs=1e-5)
    assert result.objective == pytest.approx(12.8132, abs=1e-4)
    assert result.degrees_of_freedom == 1
    assert result.global_test_p == pytest.approx(0.000344, abs=1e-6)
    (suspect,) = result.gross_errors
    assert {suspect.name, *suspect.equivalent} == {"1", "2", "3"}
    assert suspect.statistic**2 == pytest.approx(result.objective, rel=1e-9)


def test_r14_p2() -> None:
    values = dict(zip("123456", (11.0, 9.9, 21.25, 11.1, 7.0, 3.8), strict=True))
    sds = dict(zip("123456", np.sqrt([0.032, 0.026, 0.12, 0.033, 0.052, 0.015]).tolist(), strict=True))
    result = reconcile(
        problem_of(
            values,
            sds,
            (
                ("a", {"1": 1.0, "2": 1.0, "3": -1.0}),
                ("b", {"3": 1.0, "2": -1.0, "4": -1.0}),
                ("c", {"4": 1.0, "5": -1.0, "6": -1.0}),
            ),
        )
    )
    expected = (11.02931, 9.95711, 20.98642, 11.02931, 7.17797, 3.85134)
    assert [result.means[k] for k in "123456"] == pytest.approx(expected, abs=1e-5)
    assert result.objective == pytest.approx(1.66749, abs=1e-5)


def test_r14_p3() -> None:
    names = [str(i) for i in range(1, 13)]
    y = (190.26, 174.71, 3.1157, 32.458, 33.474, 7.3519, 0.31392, 92.432, 29.118, 24.275, 18.225, 54.838)
    sd = (2.1412, 1.9484, 0.0341, 0.3451, 0.4001, 0.0868, 0.00356, 1.0594, 0.3607, 0.3001, 0.20011, 0.6453)
    balances = (
        ("a", {"1": 1.0, "2": -1.0, "3": 1.0, "11": -1.0}),
        (
            "b",
            {"2": 1.0, "4": -1.0, "5": -1.0, "6": -1.0, "7": -1.0, "8": -1.0, "9": 1.0, "11": 1.0, "12": -1.0},
        ),
        ("c", {"3": -1.0, "9": -1.0, "10": -1.0, "12": 1.0}),
    )
    result = reconcile(problem_of(dict(zip(names, y, strict=True)), dict(zip(names, sd, strict=True)), balances))
    expected = (
        190.0493, 174.93452, 3.11259, 32.45643, 33.47189, 7.3518, 0.31392, 92.4172, 28.77742, 24.03806, 18.22737,
        55.92806,
    )  # fmt: skip
    assert [result.means[k] for k in names] == pytest.approx(expected, rel=1e-6)
    assert result.objective == pytest.approx(4.40013, abs=1e-5)


def cencic(*more: Balance) -> ReconcileProblem:
    def observe(name: str, value: float, sd: float) -> Observation:
        return Observation(name, ((name, 1.0),), value, sd)

    return ReconcileProblem(
        ("F1", "F2", "F3", "F4", "F5", "F6", "F7", "TC"),
        (observe("F1", 100, 10), observe("F3", 300, 30), observe("F5", 160, 16), observe("TC", 0.5, 0.05)),
        (
            Balance("process 1", (("F1", 1.0), ("F2", 1.0), ("F4", 1.0), ("F3", -1.0))),
            Balance("process 2", (("F3", 1.0), ("F4", -1.0), ("F5", -1.0))),
            Balance("process 3", (("F5", 1.0), ("F6", -1.0), ("F7", -1.0))),
            *more,
        ),
        constants={"F2": 50.0},
        products=(Product("F4", "TC", "F3"),),
    )


MEANS = {"F1": 102.425960, "F3": 302.416229, "F4": 149.990270, "F5": 152.425960, "TC": 0.495973}
SDS = {"F1": 7.882792, "F3": 22.608614, "F4": 21.213297, "F5": 7.882792, "TC": 0.037681}


def test_r15_nonlinear_with_unobservable_flows() -> None:
    result = reconcile(cencic())
    assert result.status == "solved"
    for name, mean in MEANS.items():
        assert result.means[name] == pytest.approx(mean, abs=5.1e-7)
        assert result.sds[name] == pytest.approx(SDS[name], abs=5.1e-7)
    assert result.means["F2"] == 50.0
    assert result.sds["F2"] == 0.0
    assert result.observability["F2"] == "constant"
    assert result.observability["F4"] == "inferable"
    assert [name for name, kind in result.observability.items() if kind == "unobservable"] == ["F6", "F7"]
    assert result.means["F6"] is None
    assert result.objective == pytest.approx(0.295913, abs=1e-6)
    assert result.degrees_of_freedom == 2


def test_r15_with_the_exact_relation() -> None:
    result = reconcile(cencic(Balance("halves", (("F6", 1.0), ("F7", -1.0)))))
    assert result.means["F6"] == pytest.approx(76.212980, abs=5.1e-7)
    assert result.means["F7"] == pytest.approx(76.212980, abs=5.1e-7)
    assert result.sds["F6"] == pytest.approx(3.941396, abs=5.1e-7)
    assert {n: result.means[n] for n in MEANS} == pytest.approx(MEANS, abs=5.1e-7)


def test_r15_exact_covariance_of_selected_functions() -> None:
    means, covariance = posterior_of(
        cencic(), {"F5": {"F5": 1.0}, "recycled": {"F3": 1.0, "F5": -1.0}, "F6": {"F6": 1}}
    )
    assert means["recycled"] == pytest.approx(MEANS["F4"], abs=1e-6)
    assert covariance[1, 1] ** 0.5 == pytest.approx(SDS["F4"], abs=1e-6)
    assert means["F6"] is None
    assert np.isnan(covariance[2]).all()


@pytest.mark.parametrize(
    ("import_sd", "export_sd", "mean", "sd"),
    [(10.0, 10.0, 105.0, 50**0.5), (5.0, 10.0, 102.0, 20**0.5), (10.0, 0.0, 110.0, 0.0), (0.0, 10.0, 100.0, 0.0)],
)
def test_r18_two_flows(import_sd: float, export_sd: float, mean: float, sd: float) -> None:
    problem = problem_of(
        {"import": 100.0, "export": 110.0},
        {"import": import_sd, "export": export_sd},
        (("border", {"import": 1.0, "export": -1.0}),),
    )
    result = reconcile(problem, ReconcileOptions(significance=0.01))
    assert result.means == pytest.approx({"import": mean, "export": mean}, rel=1e-12)
    assert result.sds == pytest.approx({"import": sd, "export": sd}, abs=1e-9)
