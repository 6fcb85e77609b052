"""Drivers: each runs one phase on one problem and returns the seconds it took; answers are compared as they run."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.economy.world import World, build_variant
from oreflow.market.arrays import EconomyArrays, Solution
from oreflow.market.solve import SolveOptions, plan_economy, solve_economy


class BenchmarkError(Exception):
    """Two codes disagree, or one failed: a time would mean nothing."""


def objective(world: World, levels: np.ndarray, slope: float) -> float:
    """Cost of the levels, LP (slope 0) or QP."""
    return float(world.cost @ levels + slope / 2 * levels @ levels)


def agree(found: float, expected: float, what: str) -> None:
    """Raise unless two objectives agree to 1e-6."""
    if abs(found - expected) > 1e-6 * abs(expected):
        raise BenchmarkError(f"{what}: objective {found:.9g}; expected {expected:.9g}")


def time_call(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return wall-clock seconds and what the call returned."""
    began = time.perf_counter()
    out = function()
    return time.perf_counter() - began, out


def time_cpu(function: Callable[[], Any]) -> float:
    """Return processor seconds, which other work on the machine hardly moves."""
    began = time.process_time()
    function()
    return time.process_time() - began


def solve_ours(
    arrays: EconomyArrays, start: Solution | None = None, plan: Any = None, time_limit: float = 600.0
) -> Solution:
    """Solve and insist on an equilibrium."""
    solution = solve_economy(arrays, start, SolveOptions(time_limit=time_limit), plan)
    if not solution.ok:
        raise BenchmarkError(f"ours: {solution.status.value}, residual {solution.residual:.1e}")
    return solution


def highs_lp(world: World) -> tuple[float, float]:
    """HiGHS simplex from ready arrays: seconds to pass the model and solve, and the objective."""
    import highspy

    A = sp.csc_array(world.A)
    m, n = A.shape
    model: Any = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, m
    model.col_cost_, model.col_lower_ = world.cost, np.zeros(n)
    model.col_upper_ = np.where(np.isinf(world.upper), highspy.kHighsInf, world.upper)
    model.row_lower_, model.row_upper_ = np.zeros(m), np.full(m, highspy.kHighsInf)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = A.indptr, A.indices, A.data
    make: Any = highspy.Highs
    solver = make()
    solver.silent()
    solver.setOptionValue("threads", 1)

    def run() -> None:
        solver.passModel(model)
        solver.run()

    seconds, _ = time_call(run)
    return seconds, float(solver.getInfo().objective_function_value)


def piqp_qp(world: World) -> tuple[float, float]:
    """PIQP (sparse) from ready arrays: setup and solve, and the objective."""
    import piqp

    m, n = world.A.shape
    P, G = sp.csc_matrix(0.02 * sp.eye_array(n)), sp.csc_matrix(-world.A)
    upper = np.where(np.isinf(world.upper), 1e30, world.upper)

    def run() -> Any:
        solver: Any = piqp.SparseSolver()
        solver.settings.verbose = False
        solver.setup(P, world.cost, None, None, G, np.full(m, -1e30), np.zeros(m), np.zeros(n), upper)
        solver.solve()
        return solver.result.x

    seconds, x = time_call(run)
    return seconds, objective(world, np.asarray(x), 0.02)


def clarabel_qp(world: World) -> tuple[float, float]:
    """Clarabel from ready arrays: setup and solve, and the objective."""
    import clarabel

    m, n = world.A.shape
    capped = np.flatnonzero(np.isfinite(world.upper))
    eye = sp.eye_array(n, format="csr")
    rows = sp.csc_matrix(sp.vstack([-world.A, -eye, eye[capped]]))
    right = np.concatenate([np.zeros(m + n), world.upper[capped]])
    P = sp.csc_matrix(0.02 * sp.eye_array(n))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    cones = [clarabel.NonnegativeConeT(len(right))]
    seconds, x = time_call(lambda: clarabel.DefaultSolver(P, world.cost, rows, right, cones, settings).solve().x)
    return seconds, objective(world, np.array(x), 0.02)


def linopy_lp(world: World) -> tuple[float, float]:
    """The LP built in linopy, solved with HiGHS and read back: all of it is timed."""
    linopy: Any = importlib.import_module("linopy")
    pd: Any = importlib.import_module("pandas")

    m, n = world.A.shape

    def run() -> float:
        model = linopy.Model()
        activities, markets = pd.RangeIndex(n, name="activity"), pd.RangeIndex(m, name="market")
        x = model.add_variables(lower=0, upper=pd.Series(world.upper, activities), name="x")
        entries = sp.coo_array(world.A)
        picked = x.sel(activity=np.asarray(entries.col))
        order = pd.Series(np.asarray(entries.row), picked.indexes["activity"], name="market")
        balance = (picked * entries.data).groupby(order).sum()
        model.add_constraints(balance >= 0, name="balance")
        model.add_objective((x * pd.Series(world.cost, activities)).sum())
        model.solve("highs", io_api="direct", output_flag=False)
        del markets
        np.asarray(model.solution["x"])
        return float(model.objective.value)

    seconds, value = time_call(run)
    return seconds, value


def pypsa_lp(world: World) -> tuple[float, float]:
    """The LP as a PyPSA network (buses, generators, links), solved and read back, without its talk."""
    import logging
    import warnings

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore", FutureWarning)
    pd: Any = importlib.import_module("pandas")
    pypsa: Any = importlib.import_module("pypsa")

    m = world.A.shape[0]
    A = sp.csc_array(world.A)

    def run() -> float:
        network = pypsa.Network()
        network.add("Bus", [f"b{i}" for i in range(m)])
        counts = np.diff(A.indptr)
        capacity = np.where(np.isinf(world.upper), 1e6, world.upper)
        single = np.flatnonzero(counts == 1)
        sign = A.data[A.indptr[single]]
        network.add(
            "Generator", [f"g{j}" for j in single], bus=[f"b{i}" for i in A.indices[A.indptr[single]]],
            p_nom=capacity[single], sign=sign, marginal_cost=world.cost[single],
        )  # fmt: skip
        network.add("Generator", [f"d{i}" for i in range(m)], bus=[f"b{i}" for i in range(m)], p_nom=1e6, sign=-1.0)
        many = np.flatnonzero(counts > 1)
        columns: dict[str, Any] = {"bus0": [], "p_nom": [], "marginal_cost": []}
        ports = int(counts.max())
        for k in range(1, ports):
            columns[f"bus{k}"], columns["efficiency" if k == 1 else f"efficiency{k}"] = [], []
        for j in many:
            rows, data = A.indices[A.indptr[j] : A.indptr[j + 1]], A.data[A.indptr[j] : A.indptr[j + 1]]
            first = int(np.argmin(data))
            order = [first, *(k for k in range(len(rows)) if k != first)]
            unit = -data[first]  # a link is measured by what it draws from bus0
            columns["bus0"].append(f"b{rows[first]}")
            columns["p_nom"].append(capacity[j] * unit)
            columns["marginal_cost"].append(world.cost[j] / unit)
            for k in range(1, ports):
                known = k < len(order)
                columns[f"bus{k}"].append(f"b{rows[order[k]]}" if known else "")
                columns["efficiency" if k == 1 else f"efficiency{k}"].append(data[order[k]] / unit if known else 1.0)
        network.add("Link", [f"l{j}" for j in many], **{k: pd.array(v) for k, v in columns.items()})
        network.optimize(solver_name="highs", solver_options={"output_flag": False})
        return float(network.objective)

    seconds, value = time_call(run)
    return seconds, value


def neighbour(world: World, rate: float = 0.42) -> EconomyArrays:
    """The neighbouring scenario of the warm start: every tariff of 40% becomes 42%."""
    return build_variant(world, "tariff", rate)


__all__ = [
    "BenchmarkError",
    "agree",
    "clarabel_qp",
    "highs_lp",
    "linopy_lp",
    "neighbour",
    "objective",
    "piqp_qp",
    "plan_economy",
    "pypsa_lp",
    "solve_ours",
    "time_call",
    "time_cpu",
]
