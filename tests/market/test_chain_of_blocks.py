"""The chain of dense blocks against a general sparse solver, and an economy of several periods solved along it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from oreflow.market.arrays import CurveTable, EconomyArrays
from oreflow.market.chain_of_blocks import Chain, chain_of, factorise_chain
from oreflow.market.generate import random_economy
from oreflow.market.residual import natural_residual
from oreflow.market.solve import plan_economy, solve_economy


def linked(periods: int, width: int, seed: int) -> sp.csr_array:
    """A dominant matrix of `periods` blocks of `width` rows, coupled to their neighbours, rows in random order."""
    rng = np.random.default_rng(seed)
    blocks = sp.block_diag([rng.normal(size=(width, width)) for _ in range(periods)], format="coo")
    beside = sp.coo_array(sp.diags_array([rng.normal(size=(periods - 1) * width)] * 2, offsets=[width, -width]))
    matrix = sp.csr_array(blocks) + sp.csr_array(beside) + 3 * width * sp.eye_array(periods * width)
    order = rng.permutation(matrix.shape[0])
    return sp.csr_array(matrix[order][:, order])


def chained(matrix: sp.csr_array) -> tuple[Chain, sp.coo_array]:
    entries = sp.coo_array(matrix)
    chain = chain_of(entries.row.astype(np.int64), entries.col.astype(np.int64), matrix.shape[0])
    assert chain is not None
    return chain, entries


def test_chain_solves_what_a_general_solver_solves() -> None:
    matrix = linked(10, 70, 1)
    chain, entries = chained(matrix)
    assert 10 <= len(chain.sizes) <= 13
    assert np.abs(chain.level[entries.row] - chain.level[entries.col]).max() == 1
    none = sp.csc_array((700, 0))
    diagonal = np.linspace(0.0, 5.0, 700)
    side = np.random.default_rng(2).normal(size=700)
    solve = factorise_chain(chain, entries.data, diagonal, None, none, none, sp.csc_array((0, 0)), definite=False)
    assert solve is not None
    expected = spsolve(sp.csc_array(matrix + sp.diags_array(diagonal)), side)
    np.testing.assert_allclose(solve(side), expected, rtol=1e-9, atol=1e-12)


def test_cleared_rows_and_bordering_columns() -> None:
    matrix = linked(10, 70, 3)
    chain, entries = chained(matrix)
    rng = np.random.default_rng(4)
    off = rng.choice(700, 30, replace=False)
    diagonal = np.zeros(700)
    diagonal[off] = 1.0
    # each bordering column lies in one row, or in two rows that the matrix couples
    pairs = rng.choice(entries.nnz, 25, replace=False)
    spots = np.concatenate([entries.row[pairs], entries.col[pairs]])
    owner = np.tile(np.arange(25), 2)
    right, left = (sp.csc_array((rng.normal(size=50), (spots, owner)), shape=(700, 25)) for _ in range(2))
    keep = np.ones(700)
    keep[off] = 0.0
    right = sp.csc_array(sp.diags_array(keep) @ right)
    corner = sp.diags_array(rng.uniform(1, 2, 25))
    solve = factorise_chain(chain, entries.data, diagonal, off, right, left, corner, definite=False)
    assert solve is not None
    whole = sp.block_array([[sp.diags_array(keep) @ matrix + sp.diags_array(diagonal), right], [left.T, corner]])
    side = rng.normal(size=725)
    np.testing.assert_allclose(solve(side), spsolve(sp.csc_array(whole), side), rtol=1e-8, atol=1e-10)


def test_a_corner_that_jumps_over_levels_is_refused() -> None:
    chain, entries = chained(linked(10, 70, 5))
    ends = np.array([int(np.argmin(chain.level)), int(np.argmax(chain.level))])
    edge = sp.csc_array((np.ones(2), (ends, [0, 1])), shape=(700, 2))
    corner = sp.csc_array([[1.0, 1.0], [1.0, 1.0]])
    assert factorise_chain(chain, entries.data, np.ones(700), None, edge, edge, corner, definite=False) is None


@pytest.mark.parametrize("periods", [12])
def test_an_economy_of_periods_linked_by_stocks(periods: int) -> None:
    one = random_economy(7, 60)
    m, n = one.shape[:2]
    keep = sp.csc_array(sp.vstack([-sp.eye_array(m * (periods - 1)), sp.csc_array((m, m * (periods - 1)))]))
    keep = keep + sp.csc_array(sp.vstack([sp.csc_array((m, m * (periods - 1))), sp.eye_array(m * (periods - 1))]))
    c = one.curves
    stock = m * (periods - 1)
    holding = np.zeros(stock)
    plenty = np.repeat(np.where(np.arange(periods) % 3 == 0, 3.0, 0.3), n)

    def over_time(column: np.ndarray, last: float | np.ndarray) -> np.ndarray:
        return np.concatenate([np.tile(column, periods), np.broadcast_to(last, stock)])

    economy = EconomyArrays(
        A=sp.csc_array(sp.hstack([sp.block_diag([one.A] * periods), keep])),
        B=sp.csc_array(sp.hstack([sp.block_diag([one.B] * periods), keep])),
        curves=CurveTable(
            over_time(c.kind, 0).astype(np.int8), over_time(c.shift, 0.0), over_time(c.a, holding), over_time(c.b, 0.0),
            over_time(c.c, 1.0), over_time(c.d, np.inf),
        ),
        upper=np.concatenate([np.tile(one.upper, periods) * plenty, np.full(stock, np.inf)]),
        fixed=np.tile(one.fixed, periods), equality=np.tile(one.equality, periods),
        G=sp.csr_array((0, n * periods + stock)), h=np.zeros(0),
    )  # fmt: skip
    plan = plan_economy(economy)
    assert plan.chain is not None
    solution = solve_economy(economy, plan=plan)
    assert solution.ok
    rows, cols = natural_residual(economy, solution.levels, solution.prices, solution.group_rents)
    assert max(rows.max(), cols.max()) < 1e-8
    assert solution.levels[n * periods :].max() > 0  # something is stored
