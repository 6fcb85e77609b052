"""Balances close to rounding, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, Status
from oreflow.market.polish import close_balances
from oreflow.market.solve import solve_economy


def chain(size: float) -> EconomyArrays:
    """A mine, a way and a use, with a second market a thousandth of the first one's size."""
    matrix = sp.csc_array(np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.9, -1.0, -1.0]]))
    curves = CurveTable.of(
        np.array([CurveKind.LINEAR, CurveKind.CONSTANT, CurveKind.ISOELASTIC, CurveKind.LINEAR]),
        a=np.array([1.0, 0.5, 5.0, -4.0]), b=np.array([1.0 / size, 0.0, size, 4000.0 / size]),
        c=np.array([1.0, 1.0, -0.5, 1.0]),
    )  # fmt: skip
    return EconomyArrays(
        A=matrix, B=matrix, curves=curves, upper=np.full(4, np.inf), fixed=np.zeros(2),
        equality=np.array([True, True]), G=sp.csr_array((0, 4)), h=np.zeros(0), K=None,
        market_names=("ore", "metal"), activity_names=("mine", "smelter", "use", "niche"), group_names=(),
    )  # fmt: skip


@given(st.floats(1e-3, 1e6), st.lists(st.floats(-1e-7, 1e-7), min_size=4, max_size=4))
def test_balances_close(size: float, errors: list[float]) -> None:
    arrays = chain(size)
    solution = solve_economy(arrays)
    assert solution.status in (Status.SOLVED, Status.LOCALLY_SOLVED)
    off = replace(solution, levels=solution.levels * (1.0 + np.array(errors)))
    closed = close_balances(arrays, off)
    through = abs(arrays.A) @ closed.levels
    assert np.all(np.abs(arrays.A @ closed.levels) <= 1e-12 * through)
    assert np.all(np.abs(closed.levels / off.levels - 1.0) <= 1e-6)


def test_what_is_far_off_comes_back_as_it_was() -> None:
    arrays = chain(1.0)
    solution = solve_economy(arrays)
    off = replace(solution, levels=solution.levels * np.array([2.0, 1.0, 1.0, 1.0]))
    assert close_balances(arrays, off) is off
