"""Linear programmes by HiGHS, in the one form that the package needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearSolution:
    """Levels and value of a linear programme; `message` is HiGHS's word on it."""

    x: Floats
    value: float
    message: str


def solve_linear(
    cost: Any,
    *,
    below: Any = None,
    limits: Any = None,
    equal: Any = None,
    values: Any = None,
    bounds: Any = (0.0, None),
) -> LinearSolution | str:
    """Minimise cost x subject to below x <= limits, equal x = values and bounds.

    Args:
        cost: [n].
        below: sparse matrix [r, n] of inequalities.
        limits: their right-hand sides [r].
        equal: sparse matrix [e, n] of equalities.
        values: their right-hand sides [e].
        bounds: (least, most) for all, or one pair each.

    Returns:
        The solution, or HiGHS's message where there is none.

    Example:
        >>> answer = solve_linear([1.0], below=[[-1.0]], limits=[-2.0])
        >>> answer.value if isinstance(answer, LinearSolution) else answer
        2.0
    """
    from scipy import optimize

    solver: Any = optimize.linprog
    answer = solver(cost, A_ub=below, b_ub=limits, A_eq=equal, b_eq=values, bounds=bounds, method="highs")
    if answer.x is None:
        return str(answer.message)
    return LinearSolution(np.asarray(answer.x, dtype=np.float64), float(answer.fun), str(answer.message))
