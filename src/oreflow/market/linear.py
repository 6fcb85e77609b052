"""Economies that are linear programs (no wedge, constant costs, no coupling) handed to HiGHS.

Source: Huangfu and Hall (2018), Parallelizing the dual revised simplex method, Math. Prog. Comp. 10.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from oreflow.core.highs import quiet_highs
from oreflow.market.arrays import CurveKind, EconomyArrays, Floats, Sparse

_MANY = 20_000
"""Activities from which the interior point of HiGHS, with crossover, takes the place of its simplex."""


def is_linear_program(arrays: EconomyArrays) -> bool:
    """Return True where the equilibrium conditions are those of a linear program."""
    curves = arrays.curves
    flat = (curves.kind == CurveKind.CONSTANT) | ((curves.kind == CurveKind.LINEAR) & (curves.b == 0))
    if not flat.all() or (arrays.K is not None and arrays.K.nnz):
        return False
    if arrays.B is arrays.A:
        return True
    same = arrays.A.nnz == arrays.B.nnz and np.array_equal(arrays.A.indices, arrays.B.indices)
    return bool(same and np.array_equal(arrays.A.data, arrays.B.data))


def solve_linear_program(arrays: EconomyArrays, time_limit: float) -> tuple[Floats, Floats] | None:
    """Return (levels [n], prices and group rents [m + g]) of a basic optimum, or None where HiGHS finds none.

    Args:
        arrays: an economy for which `is_linear_program` holds.
        time_limit: seconds.
    """
    import highspy

    m, n, g = arrays.shape
    matrix: Sparse = arrays.A if not g else sp.csc_array(sp.vstack([arrays.A, arrays.G]))
    infinite = highspy.kHighsInf
    model: Any = highspy.HighsLp()
    model.num_col_, model.num_row_ = n, m + g
    model.col_cost_ = arrays.curves.shift + arrays.curves.a
    model.col_lower_ = np.zeros(n)
    model.col_upper_ = np.where(np.isinf(arrays.upper), infinite, arrays.upper)
    model.row_lower_ = np.concatenate([arrays.fixed, np.full(g, -infinite)])
    model.row_upper_ = np.concatenate([np.where(arrays.equality, arrays.fixed, infinite), arrays.h])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    solver = quiet_highs()
    solver.setOptionValue("time_limit", max(time_limit, 1e-3))
    # docs/market/speed.md: devex prices take four fifths of the time of HiGHS's own choice here, and with many periods
    # the interior point with its crossover a quarter to two thirds of the simplex's
    solver.setOptionValue("simplex_dual_edge_weight_strategy", 1)
    if n > _MANY:
        solver.setOptionValue("solver", "ipm")
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    answer = solver.getSolution()
    levels = np.array(answer.col_value)
    duals = np.array(answer.row_dual)
    return levels, np.concatenate([duals[:m], -duals[m:]])
