"""The bordered form against a general solver, and the world economy for which it was made."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from oreflow.market.border import Border, border_of, factorise_border

Parts = tuple[Border, sp.coo_array, sp.coo_array, np.ndarray]


def goods(seed: int, *, symmetric: bool) -> Parts:
    """Eleven goods over 36 places: eight meet the last three at each place, never one another."""
    rng = np.random.default_rng(seed)
    places, kinds = 36, 11
    size = places * kinds
    one, other = [], []
    for kind in range(kinds):
        i, j = np.nonzero(np.triu(rng.random((places, places)) < 0.4, 1))
        one, other = [*one, kind * places + i], [*other, kind * places + j]
    carried = np.concatenate(one), np.concatenate(other)
    here = np.arange(places)
    meets = [(a, b) for a in range(kinds) for b in range(max(a + 1, 8), kinds)]
    rows = np.concatenate([carried[1], *(b * places + here for _, b in meets), np.arange(size)])
    cols = np.concatenate([carried[0], *(a * places + here for a, _ in meets), np.arange(size)])
    order = rng.permutation(size)  # the names of the rows tell nothing
    rows, cols = order[rows], order[cols]
    rows, cols = np.maximum(rows, cols), np.minimum(rows, cols)
    border = border_of(rows, cols, (order[carried[0]], order[carried[1]]), size)
    assert border is not None
    half = rng.normal(size=len(rows))
    mirror = half if symmetric else half + rng.normal(size=len(rows)) * (rows != cols)
    lower, upper = sp.coo_array((half, (rows, cols))), sp.coo_array((mirror * (rows != cols), (cols, rows)))
    return border, lower, upper, np.full(size, 40.0)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_border_solves_what_a_general_solver_solves(seed: int, symmetric: bool) -> None:
    border, lower, upper, diagonal = goods(seed, symmetric=symmetric)
    assert sum(len(family.groups) for family in border.families) == 8
    assert len(border.rows) == 3 * 36
    store = np.full(border.size, np.nan)  # what was there before does not matter
    mirror = np.where(lower.row == lower.col, lower.data, upper.data)
    solve = factorise_border(border, lower.data, mirror, diagonal, store, definite=symmetric)
    assert solve is not None
    matrix = (lower + upper).toarray() + np.diag(diagonal)
    side = np.random.default_rng(7).normal(size=len(diagonal))
    np.testing.assert_allclose(solve(side), np.linalg.solve(matrix, side), rtol=1e-9, atol=1e-12)


def test_what_is_not_definite_is_refused() -> None:
    border, lower, _, diagonal = goods(3, symmetric=True)
    store = np.empty(border.size)
    for wrong in (diagonal * -1.0, np.where(np.isin(np.arange(len(diagonal)), border.rows[:1]), -40.0, diagonal)):
        assert factorise_border(border, lower.data, lower.data, wrong, store, definite=True) is None


def test_small_or_tightly_knit_patterns_are_left_whole() -> None:
    none = np.zeros(0, dtype=np.int64)
    few = np.arange(10)
    assert border_of(few, few, (none, none), 10) is None
    rows, cols = np.tril_indices(320)
    assert border_of(rows, cols, (none, none), 320) is None


def test_world_economy_has_a_border() -> None:
    from benchmarks.economy.world import build_variant, build_world

    from oreflow.market.solve import plan_economy, solve_economy

    world = build_world()
    tariff = build_variant(world, "tariff")
    plan = plan_economy(tariff)
    assert plan.border is not None
    assert len(plan.border.rows) < 320
    found = solve_economy(tariff, plan=plan)
    assert found.ok
    assert found.residual < 1e-12
