"""Random bilinear problems (transfer coefficients, compositions, gross errors) against an independent solver."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from tests.conftest import verify_scale

from oreflow.baseline.reconcile import Balance, Observation, Product, ReconcileOptions, ReconcileProblem, reconcile
from oreflow.baseline.relations import state_problem

QUICK = ReconcileOptions(standard_deviations=False, gross_errors=False)


def random_problem(seed: int) -> tuple[ReconcileProblem, dict[str, float]]:
    """Stages that split a flow by transfer coefficients of each substance; errors of 0.5 to 100%, some gross."""
    rng = np.random.default_rng(seed)
    stages, substances = int(rng.integers(1, 4)), range(int(rng.integers(1, 4)))
    scale, error = 10.0 ** rng.uniform(-1, 5), 10.0 ** rng.uniform(-2, -0.3)
    truth = {"f0": scale * rng.uniform(0.5, 2)}
    upper: dict[str, float] = {}
    balances: list[Balance] = []
    products: list[Product] = []
    content = rng.dirichlet(np.ones(len(substances) + 1))[:-1] * rng.uniform(0.05, 1)
    for s in substances:
        truth[f"c_f0_{s}"], upper[f"c_f0_{s}"] = float(content[s]), 1.0
        truth[f"m_f0_{s}"] = float(content[s]) * truth["f0"]
        products.append(Product(f"m_f0_{s}", "f0", f"c_f0_{s}"))
    current, count = "f0", 0
    for stage in range(stages):
        names = [f"f{count + k + 1}" for k in range(int(rng.integers(2, 4)))]
        count += len(names)
        for s in substances:
            for name, share in zip(names, rng.dirichlet(np.ones(len(names))), strict=True):
                truth[f"tc_{name}_{s}"], upper[f"tc_{name}_{s}"] = float(share), 1.0
                truth[f"m_{name}_{s}"] = float(share) * truth[f"m_{current}_{s}"]
                products.append(Product(f"m_{name}_{s}", f"m_{current}_{s}", f"tc_{name}_{s}"))
            balances.append(Balance(f"shares {stage} {s}", tuple((f"tc_{n}_{s}", 1.0) for n in names), 1.0))
        rest = truth[current] - sum(truth[f"m_{current}_{s}"] for s in substances)
        for name, share in zip(names, rng.dirichlet(np.ones(len(names))), strict=True):
            truth[name] = sum(truth[f"m_{name}_{s}"] for s in substances) + rest * float(share)
            for s in substances:
                if rng.random() < 0.7:
                    truth[f"c_{name}_{s}"], upper[f"c_{name}_{s}"] = truth[f"m_{name}_{s}"] / truth[name], 1.0
                    products.append(Product(f"m_{name}_{s}", name, f"c_{name}_{s}"))
        balances.append(Balance(f"mass {stage}", ((current, 1.0), *((n, -1.0) for n in names))))
        current = names[int(rng.integers(len(names)))]
    chance = {"f": 0.85, "c": 0.6, "t": 0.35, "m": 0.15}
    observations = []
    for name, value in truth.items():
        if rng.random() < chance[name[0]]:
            sd = error * rng.uniform(0.5, 2) * max(value, 1e-3 * (scale if name[0] in "fm" else 1.0))
            seen = value * rng.choice([0.3, 3.0]) if rng.random() < 0.06 else value + sd * rng.standard_normal()
            observations.append(Observation(f"o_{name}", ((name, 1.0),), float(max(seen, 0.0)), float(sd)))
    problem = ReconcileProblem(
        tuple(truth), tuple(observations), tuple(balances), upper=upper, products=tuple(products)
    )
    return problem, truth


def independent_optimum(problem: ReconcileProblem, truth: dict[str, float], starts: int, seed: int) -> float:
    """The least objective that SLSQP finds from the truth and from random points, unknowns scaled to order one."""
    column = {name: j for j, name in enumerate(problem.unknowns)}
    size = np.array([max(truth[name], 1e-6) for name in problem.unknowns])
    seen = np.array([column[o.terms[0][0]] for o in problem.observations])
    value = np.array([o.value for o in problem.observations])
    sd = np.array([o.sd for o in problem.observations])
    rows = np.zeros((len(problem.balances), size.size))
    for r, balance in enumerate(problem.balances):
        for name, coefficient in balance.terms:
            rows[r, column[name]] = coefficient
    rhs = np.array([b.rhs for b in problem.balances])
    unit = np.max(np.abs(rows * size), axis=1)
    result, left, right = (
        np.array([column[getattr(p, side)] for p in problem.products]) for side in ("result", "left", "right")
    )

    def objective(y: np.ndarray) -> float:
        return float(np.sum((((y * size)[seen] - value) / sd) ** 2))

    def gradient(y: np.ndarray) -> np.ndarray:
        slope = np.zeros(size.size)
        np.add.at(slope, seen, 2 * ((y * size)[seen] - value) / sd**2 * size[seen])
        return slope

    def gaps(y: np.ndarray) -> np.ndarray:
        x = y * size
        return np.concatenate([(rows @ x - rhs) / unit, (x[result] - x[left] * x[right]) / size[result]])

    def slopes(y: np.ndarray) -> np.ndarray:
        x, part = y * size, np.zeros((result.size, size.size))
        at = np.arange(result.size)
        part[at, result] += 1
        part[at, left] -= x[right]
        part[at, right] -= x[left]
        return np.vstack([rows / unit[:, None], part / size[result][:, None]]) * size

    limits = [(0.0, problem.upper.get(name, np.inf) / size[j]) for name, j in column.items()]
    rng, best = np.random.default_rng(seed), np.inf
    for k in range(starts):
        start = np.ones(size.size) if k == 0 else np.exp(rng.normal(0, 0.5, size.size))
        answer = minimize(
            objective, np.clip(start, *np.array(limits).T), jac=gradient, bounds=limits, method="SLSQP",
            constraints={"type": "eq", "fun": gaps, "jac": slopes}, options={"maxiter": 500, "ftol": 1e-12},
        )  # fmt: skip
        if np.max(np.abs(gaps(answer.x))) < 1e-7:
            best = min(best, float(answer.fun))
    return best


@pytest.mark.parametrize("seed", [*range(3 * verify_scale()), 99, 124])
@pytest.mark.filterwarnings("ignore:Values in x were outside bounds:RuntimeWarning")
def test_no_independent_solver_finds_less(seed: int) -> None:
    problem, truth = random_problem(seed)
    answer = reconcile(problem, QUICK)
    assert answer.status == "solved", answer.cause
    best = independent_optimum(problem, truth, 4, seed)
    assert answer.objective <= best + 1e-5 * (1 + abs(best))
    means = {name: mean for name, mean in answer.means.items() if mean is not None}
    for product in problem.products:
        if {product.result, product.left, product.right} <= means.keys():
            expected = means[product.left] * means[product.right]
            assert means[product.result] == pytest.approx(expected, rel=1e-8, abs=1e-9 * truth["f0"])


def test_most_of_many_problems_are_solved() -> None:
    seeds = range(1000, 1000 + 12 * verify_scale())
    status = [reconcile(random_problem(seed)[0], QUICK).status for seed in seeds]
    assert status.count("solved") >= 0.98 * len(status)


def test_an_unknown_that_nothing_holds_is_named() -> None:
    problem = state_problem(["mass = flow * content"], {"mass": (10.0, 1.0), "content": (-0.2, 0.1)})
    answer = reconcile(problem, QUICK)
    assert answer.status == "not_converged"
    assert answer.cause.startswith("unknown 'flow': found that the sum of squares keeps falling while it grows")
    assert answer.means["mass"] is None
    bounded = replace(problem, upper={"flow": 1000.0})
    assert reconcile(bounded, QUICK).status == "solved"


def test_a_large_adjustment_with_a_bound_that_binds() -> None:
    """A content far from what flow and mass imply, and above its bound: the bound holds and the masses give way."""
    relations = ["mass = flow * content", "flow = ore + scrap"]
    measured = {"flow": (100.0, 5.0), "mass": (90.0, 30.0), "content": (1.5, 0.05), "ore": (60.0, 6.0)}
    answer = reconcile(state_problem(relations, measured, upper={"content": 1.0}))
    assert answer.means["content"] == pytest.approx(1.0)
    assert [bound.unknown for bound in answer.binding] == ["content"]
    assert answer.means["mass"] == pytest.approx(answer.means["flow"])
    flow = (100 / 25 + 90 / 900) / (1 / 25 + 1 / 900)
    assert answer.means["flow"] == pytest.approx(flow)
