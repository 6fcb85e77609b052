"""Properties of the reconciliation: balances, invariance, copies, bounds, failures as values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from oreflow.baseline.reconcile import (
    Balance,
    Observation,
    Product,
    ReconcileError,
    ReconcileOptions,
    ReconcileProblem,
    posterior_of,
    reconcile,
    reconcile_arrays,
)

QUICK = ReconcileOptions(gross_errors=False)


def observe(unknown: str, value: float, sd: float, **more: object) -> Observation:
    return replace(Observation(f"of {unknown} {more.get('name', '')}", ((unknown, 1.0),), value, sd), **more)


@st.composite
def networks(draw: st.DrawFn) -> ReconcileProblem:
    """Flows between places, in and out of the world, part of them observed; always room inside the bounds."""
    places = draw(st.integers(1, 5))
    flows = draw(
        st.lists(
            st.tuples(st.integers(-1, places - 1), st.integers(-1, places - 1)).filter(lambda ends: ends[0] != ends[1]),
            min_size=2,
            max_size=14,
        )
    )
    names = tuple(f"f{i}" for i in range(len(flows)))
    observations = tuple(
        observe(name, draw(st.floats(1.0, 1000.0)), draw(st.floats(0.5, 50.0)))
        for name in names
        if draw(st.integers(0, 3))
    )
    balances = []
    for place in range(places):
        terms = [(n, 1.0) for n, (_, to) in zip(names, flows, strict=True) if to == place]
        terms += [(n, -1.0) for n, (start, _) in zip(names, flows, strict=True) if start == place]
        if terms:
            balances.append(Balance(f"place {place}", tuple(terms)))
    return ReconcileProblem(names, observations, tuple(balances))


@given(networks())
def test_balances_hold_and_deviations_do_not_grow(problem: ReconcileProblem) -> None:
    result = reconcile(problem, QUICK)
    assert result.status == "solved"
    prior = {o.terms[0][0]: o.sd for o in problem.observations}
    for balance in problem.balances:
        values = [result.means[name] for name, _ in balance.terms]
        if None not in values:
            terms = [c * float(v or 0.0) for (_, c), v in zip(balance.terms, values, strict=True)]
            assert abs(sum(terms)) <= 1e-12 * max(sum(map(abs, terms)), 1.0)
    for name in problem.unknowns:
        mean, sd = result.means[name], result.sds[name]
        assert (mean is None) == (result.observability[name] == "unobservable")
        if mean is not None:
            assert mean >= -1e-12
            assert sd is not None
            assert sd <= prior.get(name, np.inf) * (1 + 1e-9)


@given(networks(), st.floats(1e-6, 1e6))
def test_units_do_not_matter(problem: ReconcileProblem, factor: float) -> None:
    scaled = replace(
        problem,
        observations=tuple(replace(o, value=o.value * factor, sd=o.sd * factor) for o in problem.observations),
    )
    first, second = reconcile(problem, QUICK), reconcile(scaled, QUICK)
    assert second.objective == pytest.approx(first.objective, rel=1e-7, abs=1e-9)
    assert first.observability == second.observability
    # A variance is a difference of numbers as large as the largest prior one: its root is good to that of rounding.
    rounding = 1e-7 * factor * max((o.sd for o in problem.observations), default=1.0)
    for name in problem.unknowns:
        if first.means[name] is not None:
            assert second.means[name] == pytest.approx(first.means[name] * factor, rel=1e-6, abs=1e-6 * factor)
            assert second.sds[name] == pytest.approx(first.sds[name] * factor, rel=1e-6, abs=rounding)


def test_flows_that_several_balances_together_hold_at_nil_are_solved() -> None:
    """f3 and f5 are nil by one balance, f8 only by the others together; most of the rest is not seen at all."""
    flows = (
        (("f4", "f5", "f6", "f9", "f10"), ("f0", "f1", "f2", "f7", "f8")), ((), ("f3", "f5")),
        (("f0", "f1", "f2"), ("f9",)), (("f3", "f7"), ("f4", "f6", "f10")),
    )  # fmt: skip
    balances = tuple(
        Balance(f"place {k}", (*((name, 1.0) for name in into), *((name, -1.0) for name in out)))
        for k, (into, out) in enumerate(flows)
    )
    names = tuple(f"f{k}" for k in range(11))
    for factor in (1.0, 1e-6, 1e6):
        observations = observe("f1", factor, 17.4 * factor), observe("f3", factor, 16.8 * factor)
        result = reconcile(ReconcileProblem(names, observations, balances), QUICK)
        assert result.status == "solved"
        assert result.means["f1"] == pytest.approx(factor)
        for name in ("f3", "f5", "f8"):
            assert result.means[name] == pytest.approx(0.0, abs=1e-12 * factor)
        assert result.objective == pytest.approx(1 / 16.8**2)


@given(networks(), st.randoms(use_true_random=False))
def test_order_does_not_matter(problem: ReconcileProblem, random: object) -> None:
    def mixed(items: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(random.sample(items, len(items)))

    other = replace(
        problem,
        unknowns=mixed(problem.unknowns),
        observations=mixed(problem.observations),
        balances=mixed(problem.balances),
    )
    first, second = reconcile(problem, QUICK), reconcile(other, QUICK)
    assert first.observability == second.observability
    assert second.degrees_of_freedom == first.degrees_of_freedom
    for name in problem.unknowns:
        if first.means[name] is not None:
            assert second.means[name] == pytest.approx(first.means[name], rel=1e-7, abs=1e-6)
            assert second.sds[name] == pytest.approx(first.sds[name], rel=1e-7, abs=1e-6)


@given(networks())
def test_observability_agrees_with_dense_algebra(problem: ReconcileProblem) -> None:
    column = {name: j for j, name in enumerate(problem.unknowns)}
    rows = np.zeros((len(problem.observations) + len(problem.balances), len(column)))
    for i, relation in enumerate((*problem.observations, *problem.balances)):
        for name, coefficient in relation.terms:
            rows[i, column[name]] += coefficient
    _, sizes, vectors = np.linalg.svd(rows)
    null = vectors[np.sum(sizes > 1e-10) :]
    free = {name for name, j in column.items() if null.size and np.max(np.abs(null[:, j])) > 1e-8}
    result = reconcile(problem, QUICK)
    assert {name for name, kind in result.observability.items() if kind == "unobservable"} == free
    hard_rank = np.linalg.matrix_rank(rows[len(problem.observations) :]) if problem.balances else 0
    rank = np.linalg.matrix_rank(rows) if rows.size else 0
    assert result.degrees_of_freedom == len(problem.observations) + hard_rank - rank


def border(*observations: Observation) -> ReconcileProblem:
    balance = Balance("border", (("import", 1.0), ("export", -1.0)))
    return ReconcileProblem(("import", "export"), observations, (balance,))


@pytest.mark.parametrize("error", [0.0, 4.0])
def test_copies_of_one_observation_change_nothing(error: float) -> None:
    export = observe("export", 110.0, 10.0)
    alone = reconcile(border(observe("import", 100.0, 10.0), export))
    copies = [observe("import", 100.0, 10.0, name=f"copy {i}", group="customs") for i in range(3)]
    copies[1] = replace(copies[1], transformation_sd=error)
    copies[2] = replace(copies[2], transformation_sd=error, value=100.0 + error)
    grouped = reconcile(border(*copies, export))
    assert grouped.means == pytest.approx(alone.means, rel=1e-10)
    assert grouped.sds == pytest.approx(alone.sds, rel=1e-10)


def test_independent_repeats_do_change_the_posterior() -> None:
    export = observe("export", 110.0, 10.0)
    three = [observe("import", 100.0, 10.0, name=f"report {i}") for i in range(3)]
    result = reconcile(border(*three, export))
    assert result.means["import"] == pytest.approx(102.5, rel=1e-12)
    assert result.sds["import"] == pytest.approx(5.0, rel=1e-12)


def test_block_covariance_agrees_with_dense_generalised_least_squares() -> None:
    values, sd, own = (
        np.array([100.0, 104.0, 97.0, 110.0]),
        np.array([10.0, 10.0, 10.0, 6.0]),
        np.array([2.0, 3.0, 1.0]),
    )
    covariance = np.zeros((4, 4))
    covariance[:3, :3] = np.outer(sd[:3], sd[:3]) + np.diag(own**2)
    covariance[3, 3] = sd[3] ** 2
    weight = np.linalg.inv(covariance)
    ones = np.ones(4)
    copies = [
        observe("import", values[i], 10.0, name=f"c{i}", group="customs", transformation_sd=own[i]) for i in range(3)
    ]
    result = reconcile(border(*copies, observe("export", 110.0, 6.0)))
    variance = 1.0 / (ones @ weight @ ones)
    mean = variance * (ones @ weight @ values)
    assert result.means["import"] == pytest.approx(mean, rel=1e-10)
    assert result.sds["import"] == pytest.approx(variance**0.5, rel=1e-10)
    assert result.objective == pytest.approx((values - mean) @ weight @ (values - mean), rel=1e-9)
    assert result.degrees_of_freedom == 3


def test_a_bound_that_binds_is_listed_with_its_price() -> None:
    problem = ReconcileProblem(
        ("a", "b", "c"),
        (observe("a", 5.0, 1.0), observe("b", 9.0, 1.0), observe("c", 0.1, 1.0)),
        (Balance("split", (("a", 1.0), ("b", -1.0), ("c", -1.0))),),
    )
    result = reconcile(problem, QUICK)
    assert result.means == pytest.approx({"a": 7.0, "b": 7.0, "c": 0.0}, abs=1e-10)
    (bound,) = result.binding
    assert (bound.unknown, bound.side, bound.bound) == ("c", "lower", 0.0)
    lowered = reconcile(replace(problem, lower={"c": -1e-5}), QUICK)
    assert bound.multiplier == pytest.approx((result.objective - lowered.objective) / 1e-5, rel=1e-3)
    assert reconcile(replace(problem, lower={"c": -10.0}), QUICK).binding == ()


@pytest.mark.parametrize("seed", range(3))
def test_bounds_agree_with_an_independent_solver(seed: int) -> None:
    clarabel = pytest.importorskip("clarabel")
    rng = np.random.default_rng(seed)
    n, m = 60, 20
    ends = np.array([rng.choice(m, 2, replace=False) for _ in range(n)])
    matrix = sp.csr_array((np.tile([1.0, -1.0], n), (ends.ravel(), np.repeat(np.arange(n), 2))), shape=(m, n))
    values = rng.lognormal(0.0, 1.0, n)
    sds = 0.5 * values + 0.01
    upper = np.where(rng.random(n) < 0.3, 0.9 * values, np.inf)
    answer = reconcile_arrays(sp.csr_array(sp.eye_array(n)), values, sds, matrix, 0.0, 0.0, upper)
    assert answer.status == "solved"
    capped = np.flatnonzero(np.isfinite(upper))
    rows = sp.csc_array(sp.vstack([matrix, -sp.eye_array(n), sp.eye_array(n).tocsr()[capped]]))
    cones = [clarabel.ZeroConeT(m), clarabel.NonnegativeConeT(n + capped.size)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solver = clarabel.DefaultSolver(
        sp.csc_matrix(sp.diags_array(2.0 / sds**2)),
        -2.0 * values / sds**2,
        sp.csc_matrix(rows),
        np.concatenate([np.zeros(m + n), upper[capped]]),
        cones,
        settings,
    )
    reference = np.array(solver.solve().x)
    assert np.sum(((reference - values) / sds) ** 2) == pytest.approx(answer.objective, rel=1e-6)
    assert answer.x == pytest.approx(reference, abs=1e-4)
    assert np.max(np.abs(matrix @ answer.x)) <= 1e-12 * np.max(values)


def test_contradicting_exact_relations_are_a_status_with_names() -> None:
    problem = replace(border(), constants={"import": 100.0, "export": 110.0})
    result = reconcile(problem)
    assert result.status == "inconsistent"
    assert "constant 'import'" in result.cause
    assert "balance 'border'" in result.cause
    assert result.means == {"import": None, "export": None}


def test_bounds_that_leave_no_point_are_a_status_with_names() -> None:
    problem = replace(border(observe("import", 3.0, 1.0)), upper={"export": 2.0}, lower={"import": 4.0})
    result = reconcile(problem)
    assert result.status == "infeasible"
    assert "balance 'border'" in result.cause


def test_all_faults_of_a_problem_are_reported_at_once() -> None:
    problem = ReconcileProblem(
        ("a", "a"),
        (observe("x", 1.0, 1.0), observe("a", float("nan"), 1.0), replace(observe("a", 1.0, -1.0), name="low")),
        lower={"a": 2.0},
        upper={"a": 1.0},
    )
    with pytest.raises(ReconcileError, match="'a': found twice") as caught:
        reconcile(problem)
    for part in (
        "'x', which is not among",
        "expected finite numbers",
        "negative standard deviation",
        "bounds 2.0 to 1.0",
    ):
        assert part in str(caught.value)


def test_a_constant_factor_turns_a_product_into_a_balance() -> None:
    problem = ReconcileProblem(
        ("ore", "grade", "metal"),
        (observe("ore", 100.0, 10.0), observe("metal", 5.0, 0.5)),
        constants={"grade": 0.04},
        products=(Product("metal", "ore", "grade"),),
    )
    linear = replace(problem, products=(), balances=(Balance("grade", (("metal", 1.0), ("ore", -0.04))),))
    first, second = reconcile(problem), reconcile(linear)
    assert first.means == pytest.approx(second.means, rel=1e-10)
    assert first.sds == pytest.approx(second.sds, rel=1e-8)


def test_strong_nonlinearity_reaches_the_optimum_found_by_elimination() -> None:
    from scipy.optimize import minimize_scalar

    problem = ReconcileProblem(
        ("flow", "share", "part"),
        (observe("flow", 100.0, 80.0), observe("share", 0.3, 0.25), observe("part", 90.0, 5.0)),
        products=(Product("part", "flow", "share"),),
        upper={"share": 1.0},
    )
    result = reconcile(problem)

    def best_for(share: float) -> float:
        flow = (100.0 / 80.0**2 + share * 90.0 / 25.0) / (1.0 / 80.0**2 + share**2 / 25.0)
        return ((flow - 100) / 80) ** 2 + ((share - 0.3) / 0.25) ** 2 + ((flow * share - 90) / 5) ** 2

    reference = minimize_scalar(best_for, bounds=(0.05, 1.0), method="bounded", options={"xatol": 1e-12})
    assert result.status == "solved"
    assert result.objective == pytest.approx(reference.fun, rel=1e-8)
    assert result.means["share"] == pytest.approx(reference.x, rel=1e-5)
    part, flow, share = (result.means[name] for name in ("part", "flow", "share"))
    assert part == pytest.approx(flow * share, rel=1e-12)


def test_an_analysed_structure_serves_other_draws() -> None:
    rng = np.random.default_rng(5)
    matrix = sp.csr_array([[1.0, -1.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
    observed = sp.csr_array(np.eye(4)[[0, 1, 3]])
    first = reconcile_arrays(observed, [10.0, 6.0, 5.0], 1.0, matrix, 0.0, 0.0, np.inf)
    values = rng.normal(8.0, 1.0, 3)
    again = reconcile_arrays(observed, values, 2.0, matrix, 0.0, 0.0, np.inf, structure=first.structure)
    fresh = reconcile_arrays(observed, values, 2.0, matrix, 0.0, 0.0, np.inf)
    assert again.x == pytest.approx(fresh.x, rel=1e-12)
    assert again.sd == pytest.approx(fresh.sd, rel=1e-12)


def test_covariance_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(ReconcileError, match=r"\['nickel'\], which are not among"):
        posterior_of(border(observe("import", 1.0, 1.0)), {"f": {"nickel": 1.0}})
