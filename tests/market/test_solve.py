"""Random economies: judged by optimality conditions, mass balance, homogeneity and tariff equivalence."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Solution, Status
from oreflow.market.feasibility import check_feasibility
from oreflow.market.generate import Blocked, random_economy
from oreflow.market.presolve import reduce_economy, solve_reduced
from oreflow.market.solve import SolveOptions, SymbolicPlan, plan_economy, solve_economy


def sizes(count: int) -> list[tuple[int, int]]:
    return [(seed, 8 + (seed * 37) % 190) for seed in range(count)]


def check_equilibrium(e: EconomyArrays, s: Solution, tolerance: float = 1e-8) -> None:
    """The conditions of DESIGN section 7 in the user's units, each relative to what passes through."""
    x, p, w, rent = s.levels, s.prices, s.capacity_rents, s.group_rents
    # what is less than a ten-thousandth of the largest flow is held to 1e-12 of the largest
    through = abs(e.A) @ x + np.abs(e.fixed) + 1e-4 * x.max(initial=0.0)
    excess = e.A @ x - e.fixed
    assert (excess >= -tolerance * through).all()
    assert (np.abs(excess[e.equality]) <= tolerance * through[e.equality]).all()
    assert (p[~e.equality] >= 0).all()
    slack = excess > 10 * tolerance * through
    highest = np.abs(p).max(initial=0.0)
    assert (np.abs(p[slack & ~e.equality]) <= tolerance * highest).all()
    cost = e.curves.marginal(x) + (0 if e.K is None else e.K @ x)
    reduced = cost + w + e.G.T @ rent - e.B.T @ p
    turnover = np.abs(cost) + abs(e.B).T @ np.abs(p) + abs(e.G).T @ rent
    turnover += np.where(e.curves.kind == CurveKind.LINEAR, np.abs(e.curves.a), 0.0)  # what a + b x is the rest of
    used = x > 1e-7 * through.max()
    assert (reduced >= -tolerance * turnover).all()
    assert (np.abs(reduced[used]) <= tolerance * turnover[used]).all()
    assert (x >= 0).all()
    assert (x <= e.upper * (1 + 1e-12)).all()
    assert (w >= 0).all()
    room = e.h - e.G @ x
    assert (room >= -tolerance * (np.abs(e.h) + 1)).all()
    assert (rent >= 0).all()


def test_random_economies_are_solved(scale: int, record_property: Callable[[str, object], None]) -> None:
    """A thousand in `make verify`: at least a third with each hard feature, prices over six orders of magnitude."""
    count = 50 * scale
    found = dict.fromkeys(("wedges on over 20% of links", "joint products, by-product in surplus", "isoelastic"), 0)
    iterations, seconds = [], []
    lowest, highest = np.inf, 0.0
    for seed, markets in sizes(count):
        e = random_economy(seed, markets)
        began = time.perf_counter()
        s = solve_economy(e, options=SolveOptions(time_limit=30.0))
        seconds.append(time.perf_counter() - began)
        assert s.ok, (seed, s.status, s.worst)
        check_equilibrium(e, s)
        links = np.flatnonzero([name.startswith("ship") for name in e.activity_names])
        charged = np.array([(e.A.data != e.B.data)[e.A.indptr[j] : e.A.indptr[j + 1]].any() for j in links])
        surplus = ((e.A @ s.levels > 1e-6 * s.levels.max()) & (s.prices == 0)).any()
        joint = (np.diff(e.A.indptr)[s.levels > 0] > 2).any()
        curved = (e.curves.kind == CurveKind.ISOELASTIC).any()
        for name, holds in zip(found, (charged.mean() > 0.2, joint and surplus, curved), strict=True):
            found[name] += int(holds)
        positive = s.prices[s.prices > 1e-9 * s.prices.max()]
        lowest, highest = min(lowest, positive.min()), max(highest, positive.max())
        iterations.append(s.iterations)
    assert min(found.values()) > count / 3, found
    assert highest / lowest > 1e6
    record_property("solved", count)
    record_property("features", found)
    record_property("largest price over smallest", float(highest / lowest))
    record_property("iterations, median and largest", [float(np.median(iterations)), max(iterations)])
    record_property("seconds, median and largest", [float(np.median(seconds)), max(seconds)])


BLOCKED: dict[Blocked, str] = {
    "world": "is needed at least", "roads": "capacity of ship", "quota": "limit import quota: at most",
    "sink": "what arrives must be used",
}  # fmt: skip


def test_infeasible_economies_are_recognised_and_explained(
    scale: int, record_property: Callable[[str, object], None]
) -> None:
    """A hundred in `make verify`, of four kinds, up to 200 markets; the set named is irreducible."""
    slowest = 0.0
    for seed, markets in sizes(5 * scale):
        how = list(BLOCKED)[seed % 4]
        economy = random_economy(seed, markets, blocked=how)
        began = time.perf_counter()
        solution = solve_economy(economy, options=SolveOptions(time_limit=30.0))
        slowest = max(slowest, time.perf_counter() - began)
        assert solution.status is Status.INFEASIBLE, (seed, how, solution.status)
        assert "these cannot hold together" in solution.cause
        assert "is needed at least" in solution.cause
        assert BLOCKED[how] in solution.cause, (seed, how, solution.cause)
        if how in ("roads", "quota"):
            assert_irreducible(economy)
    assert slowest < 33.0
    record_property("recognised", 5 * scale)
    record_property("slowest, seconds", slowest)


def assert_irreducible(economy: EconomyArrays) -> None:
    """Without any one member the rest of the set can hold."""
    found = check_feasibility(economy)
    assert found is not None
    markets = [economy.market_names.index(name) for name in found.markets]
    activities = [economy.activity_names.index(name) for name in found.activities]
    groups = [economy.group_names.index(name) for name in found.groups]
    rows = sp.vstack([sp.csr_array(economy.A)[markets], -sp.csr_array(economy.G)[groups]], format="csr")
    needs = np.concatenate([economy.fixed[markets], -economy.h[groups]])
    equal = np.concatenate([economy.equality[markets], np.zeros(len(groups), bool)])
    kept = np.isin(np.arange(len(economy.upper)), activities)
    upper = np.where(kept, economy.upper, np.inf)
    for out in (*range(len(needs)), *(len(needs) + j for j in activities)):
        some = np.arange(len(needs)) != out
        limits = np.where(np.arange(len(upper)) + len(needs) == out, np.inf, upper)
        left = rows[some]
        rest = economy.with_(
            A=left, B=left, fixed=needs[some], equality=equal[some], upper=limits, G=sp.csr_array((0, len(upper))),
            h=np.zeros(0), market_names=(), group_names=(),
        )  # fmt: skip
        assert check_feasibility(rest) is None, out


def linked_worlds(count: int) -> EconomyArrays:
    """One large economy: several random ones side by side, so that a solve takes a while."""
    parts = [random_economy(seed, 190) for seed in range(count)]
    n = sum(e.shape[1] for e in parts)
    columns = {f: np.concatenate([getattr(e.curves, f) for e in parts]) for f in ("kind", "shift", "a", "b", "c", "d")}
    return EconomyArrays(
        A=sp.csc_array(sp.block_diag([e.A for e in parts])), B=sp.csc_array(sp.block_diag([e.B for e in parts])),
        curves=CurveTable(**columns), upper=np.concatenate([e.upper for e in parts]),
        fixed=np.concatenate([e.fixed for e in parts]), equality=np.concatenate([e.equality for e in parts]),
        G=sp.csr_array((0, n)), h=np.zeros(0),
    )  # fmt: skip


def test_time_limit_is_honoured_within_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    # processor time stands for the wall clock, so that other work on the machine does not count
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    economy = linked_worlds(3)
    began = time.perf_counter()
    assert solve_economy(economy).ok
    limit = 0.5 * (time.perf_counter() - began)
    spent = []
    for _ in range(3):  # a cache emptied by other work makes one step longer than those before it
        began = time.perf_counter()
        solution = solve_economy(economy, options=SolveOptions(time_limit=limit))
        spent.append(time.perf_counter() - began)
        assert solution.status is Status.TIME_LIMIT
        assert "no equilibrium within" in solution.cause
        assert solution.residual > 1e-9
    assert min(spent) < 1.1 * limit + 0.01


def one_good(*columns: tuple[float, CurveKind, float, float, float, float, float], shift: float = 0.0) -> EconomyArrays:
    """One market; a column is (net output, kind, a, b, c, d, capacity); `shift` is added to the last curve."""
    net, kind, a, b, c, d, upper = (np.array(column, dtype=float) for column in zip(*columns, strict=True))
    return EconomyArrays(
        A=sp.csc_array(net[None, :]), B=sp.csc_array(net[None, :]),
        curves=CurveTable(kind.astype(np.int8), np.eye(1, len(a), len(a) - 1)[0] * shift, a, b, c, d), upper=upper,
        fixed=np.zeros(1), equality=np.ones(1, bool), G=sp.csr_array((0, len(a))), h=np.zeros(0),
    )  # fmt: skip


def test_capped_stock_with_an_expected_price_stays_at_its_cap() -> None:
    """A stock asks for any amount as the price nears what it expects; full, it leaves the price to the others."""
    inf = np.inf
    economy = one_good(
        (1.0, CurveKind.LINEAR, 10.0, 0.5, 1.0, inf, inf),
        (-1.0, CurveKind.ISOELASTIC, 60.0, 50.0, -0.5, inf, inf),
        (-1.0, CurveKind.ISOELASTIC, 5.0, 4.0, -1.0, inf, 12.0),
        shift=-55.0,
    )
    solution = solve_economy(economy)
    price = float(solution.prices[0])
    assert solution.ok
    assert solution.levels[2] == pytest.approx(12.0)
    assert solution.levels[0] == pytest.approx((price - 10.0) / 0.5)
    assert solution.levels[1] == pytest.approx(50.0 * (price / 60.0) ** -0.5)
    assert solution.capacity_rents[2] == pytest.approx(5.0 / 3.0 + 55.0 - price)


def test_demand_of_next_to_nothing_is_solved_too() -> None:
    inf = np.inf
    economy = one_good(
        (1.0, CurveKind.LINEAR, 10.0, 1.0, 1.0, inf, inf),
        (-1.0, CurveKind.ISOELASTIC, 60.0, 50.0, -0.5, inf, inf),
        (-1.0, CurveKind.ISOELASTIC, 60.0, 70.0, -0.3, 300.0, inf),
        (-1.0, CurveKind.ISOELASTIC, 60.0, 1e-6, -0.2, 80.0, inf),
    )
    solution = solve_economy(economy)
    assert solution.ok
    price = float(solution.prices[0])
    expected = 1e-6 * (price / 60.0) ** -0.2 if price < 80.0 else 0.0
    assert solution.levels[3] == pytest.approx(expected, rel=1e-6)


def test_limits_that_another_implies_leave_the_reduced_economy() -> None:
    economy = random_economy(4, 40)
    whole = economy.with_(
        G=sp.csr_array(sp.vstack([economy.G, 2.0 * economy.G, economy.G])),
        h=np.concatenate([economy.h, 2.0 * economy.h, 3.0 * economy.h]), group_names=(),
    )  # fmt: skip
    reduction = reduce_economy(whole)
    assert len(reduction.part.h) == len(reduce_economy(economy).part.h)
    solution = solve_reduced(whole)
    assert solution.ok
    assert len(solution.group_rents) == 9
    check_equilibrium(whole, solution)


def test_same_answer_every_time_and_with_the_plan_reused() -> None:
    economy = random_economy(5, 60)
    plan = plan_economy(economy)
    first, second = solve_economy(economy), solve_economy(economy, plan=plan)
    assert first.levels.tobytes() == second.levels.tobytes()
    assert first.prices.tobytes() == second.prices.tobytes()
    assert isinstance(plan, SymbolicPlan)
    other = random_economy(6, 30)
    assert solve_economy(other, plan=plan).ok  # a plan that does not fit is replaced


def test_warm_start_reaches_the_cold_solution() -> None:
    economy = random_economy(12, 80)
    start = solve_economy(economy)
    changed = economy.with_(upper=economy.upper * 1.01)
    warm, cold = solve_economy(changed, start), solve_economy(changed)
    assert warm.ok
    check_equilibrium(changed, warm)
    flowing = abs(changed.A) @ cold.levels > 1e-6 * cold.levels.max()
    np.testing.assert_allclose(warm.prices[flowing], cold.prices[flowing], rtol=1e-6, atol=1e-9 * cold.prices.max())
    assert warm.iterations < cold.iterations


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_homogeneity_of_degree_zero_in_money(seed: int) -> None:
    economy = random_economy(seed, 40)
    c = economy.curves
    factor = 7.3
    linear = np.isin(c.kind, (CurveKind.LINEAR, CurveKind.POWER, CurveKind.HYPERBOLIC))
    dear = CurveTable(c.kind, c.shift * factor, c.a * factor, np.where(linear, c.b * factor, c.b), c.c, c.d * factor)
    one, two = solve_economy(economy), solve_economy(economy.with_(curves=dear))
    flowing = abs(economy.A) @ one.levels > 1e-6 * one.levels.max()
    np.testing.assert_allclose(
        two.prices[flowing], factor * one.prices[flowing], rtol=1e-7, atol=1e-9 * two.prices.max()
    )
    use = np.array([name.startswith("use") for name in economy.activity_names])
    np.testing.assert_allclose(two.levels[use], one.levels[use], rtol=1e-6, atol=1e-9 * one.levels.max())


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_a_tariff_equals_the_specific_tax_at_its_equilibrium_price(seed: int) -> None:
    economy = random_economy(seed, 40)
    tariff = solve_economy(economy)
    tax = (economy.A - economy.B).T @ tariff.prices
    assert tax.max() > 0
    c = economy.curves
    taxed = economy.with_(B=economy.A, curves=CurveTable(c.kind, c.shift + tax, c.a, c.b, c.c, c.d))
    # the tariff's solution satisfies the taxed economy's conditions
    check_equilibrium(taxed, tariff)
    specific = solve_economy(taxed)
    flowing = abs(economy.A) @ tariff.levels > 1e-6 * tariff.levels.max()
    np.testing.assert_allclose(
        specific.prices[flowing], tariff.prices[flowing], rtol=1e-6, atol=1e-8 * tariff.prices.max()
    )


def linear_program(seed: int) -> EconomyArrays:
    economy = random_economy(seed, 40, wedges=False)
    c = economy.curves
    cost = np.where(c.kind == CurveKind.ISOELASTIC, -c.a, c.a)
    upper = np.where(c.kind == CurveKind.ISOELASTIC, c.b, economy.upper)
    return economy.with_(curves=CurveTable.of(np.zeros(len(cost)), a=cost), upper=upper)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_linear_programs_agree_with_highs(seed: int) -> None:
    from scipy import optimize

    linprog: Any = optimize.linprog

    e = linear_program(seed)
    solution = solve_economy(e)
    reference = linprog(
        e.curves.a, A_ub=sp.vstack([-e.A, e.G]), b_ub=np.concatenate([-e.fixed, e.h]),
        bounds=np.column_stack([np.zeros(len(e.upper)), e.upper]), method="highs",
    )  # fmt: skip
    assert solution.status is Status.SOLVED
    assert e.curves.a @ solution.levels == pytest.approx(reference.fun, rel=1e-6)
    check_equilibrium(e, solution)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_quadratic_programs_agree_with_clarabel(seed: int) -> None:
    clarabel = pytest.importorskip("clarabel")
    e = linear_program(seed)
    scale = np.where(np.isfinite(e.upper), e.upper, np.median(e.upper[np.isfinite(e.upper)]))
    slope = 0.3 * np.abs(e.curves.a) / scale
    e = e.with_(curves=CurveTable.of(np.full(len(slope), CurveKind.LINEAR), a=e.curves.a, b=slope))
    solution = solve_economy(e)
    assert solution.status is Status.SOLVED
    unit = scale  # Clarabel gets levels in units of their size
    capped = np.flatnonzero(np.isfinite(e.upper))
    n = len(unit)
    rows = sp.csc_matrix(
        sp.vstack([
            -sp.diags_array(1 / scale.mean() * np.ones(e.A.shape[0])) @ e.A @ sp.diags_array(unit),
            e.G @ sp.diags_array(unit) / scale.mean(),
            -sp.eye_array(n),
            sp.eye_array(n, format="csr")[capped],
        ])
    )  # fmt: skip
    right = np.concatenate([-e.fixed / scale.mean(), e.h / scale.mean(), np.zeros(n), e.upper[capped] / unit[capped]])
    money = np.abs(e.curves.a * unit).mean()
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_rel = settings.tol_gap_abs = settings.tol_feas = 1e-10
    found = clarabel.DefaultSolver(
        sp.csc_matrix(sp.diags_array(slope * unit**2 / money)), e.curves.a * unit / money, rows, right,
        [clarabel.NonnegativeConeT(len(right))], settings,
    ).solve()  # fmt: skip
    x = np.array(found.x) * unit
    ours = e.curves.a @ solution.levels + slope @ solution.levels**2 / 2
    theirs = e.curves.a @ x + slope @ x**2 / 2
    assert ours == pytest.approx(theirs, rel=1e-6)
    # strictly convex: our levels meet the conditions to 1e-8, Clarabel's stop at its own tolerance
    check_equilibrium(e, solution)
    assert np.abs((solution.levels - x) * e.curves.a).max() < 1e-5 * abs(theirs)


def test_choked_demand_stops_at_its_choke_price() -> None:
    def price(capacity: float) -> tuple[float, float]:
        e = EconomyArrays(
            A=sp.csc_array([[1.0, -1.0]]), B=sp.csc_array([[1.0, -1.0]]),
            curves=CurveTable.of([0, 4], a=[1.0, 10.0], b=[0.0, 100.0], c=[1.0, -0.5], d=[np.inf, 40.0]),
            upper=np.array([capacity, np.inf]), fixed=np.zeros(1), equality=np.zeros(1, bool),
            G=sp.csr_array((0, 2)), h=np.zeros(0),
        )  # fmt: skip
        s = solve_economy(e)
        assert s.ok
        return float(s.prices[0]), float(s.levels[1])

    assert price(100.0) == pytest.approx((10.0, 100.0))
    assert price(60.0) == pytest.approx((10 * 0.6**-2, 60.0))
    assert price(30.0) == pytest.approx((40.0, 30.0))  # the curve would ask 111: choked


def test_negative_price_where_disposal_costs() -> None:
    e = EconomyArrays(
        A=sp.csc_array([[1.0, -1.0, 0.0], [2.0, 0.0, -1.0]]), B=sp.csc_array([[1.0, -1.0, 0.0], [2.0, 0.0, -1.0]]),
        curves=CurveTable.of([0, 1, 0], a=[1.0, -10.0, 0.5], b=[0.0, 1.0, 0.0]),
        upper=np.full(3, np.inf), fixed=np.zeros(2), equality=np.array([False, True]),
        G=sp.csr_array((0, 3)), h=np.zeros(0),
    )  # fmt: skip
    s = solve_economy(e)
    assert s.ok
    assert s.prices == pytest.approx([2.0, -0.5])
    assert s.levels == pytest.approx([8.0, 8.0, 16.0])


def test_residual_in_the_users_units_is_that_of_the_conditions() -> None:
    economy = one_good(
        (1.0, CurveKind.LINEAR, 10.0, 2.0, 1.0, np.inf, np.inf),
        (-1.0, CurveKind.LINEAR, -50.0, 1.0, 1.0, np.inf, np.inf),
    )
    solution = solve_economy(economy)
    assert solution.user_residual < 1e-9
    stopped = solve_economy(economy, options=SolveOptions(max_iterations=1, polish=0, explain=False))
    cost = economy.curves.marginal(stopped.levels) - economy.B.T @ stopped.prices
    wanted = max(np.abs(np.minimum(stopped.levels, cost)).max(), np.abs(economy.A @ stopped.levels).max())
    assert not stopped.ok
    assert stopped.user_residual == pytest.approx(wanted)
