"""R3: complementarity problems: one that is not symmetric, Josephy's, and Kojima and Shindo's with two solutions."""

import numpy as np

from oreflow.market.mcp import CallableProblem, Problem, solve_mcp

free = np.zeros(4), np.full(4, np.inf)
m = [[0, 0, -1, -1], [0, 0, 1, -2], [1, -1, 2, -2], [1, 2, -2, 4]]
linear = solve_mcp(Problem(m, np.array([2.0, 2, -2, -6]), *free))


def function(f2, f3):
    """F, with f2 z3 in F2 and f3 z4 in F3 (Josephy's own: 3 and 3)."""

    def values(z):
        a, b, c, d = z
        return np.array([
            3 * a**2 + 2 * a * b + 2 * b**2 + c + 3 * d - 6,
            2 * a**2 + a + b**2 + f2 * c + 2 * d - 2,
            3 * a**2 + a * b + 2 * b**2 + 2 * c + f3 * d - (1 if f3 == 3 else f3),
            a**2 + 3 * b**2 + 2 * c + 3 * d - 3,
        ])  # fmt: skip

    return values


def slopes(f2, f3):
    """Its Jacobian."""
    return lambda z: np.array([
        [6 * z[0] + 2 * z[1], 2 * z[0] + 4 * z[1], 1, 3],
        [4 * z[0] + 1, 2 * z[1], f2, 2],
        [6 * z[0] + z[1], z[0] + 4 * z[1], 2, f3],
        [2 * z[0], 6 * z[1], 2, 3],
    ])  # fmt: skip


starts = np.array([1.25, 0, 0, 0.5]), np.array([1.19, 0.2, 0.1, 0.49])
josephy = [solve_mcp(CallableProblem(function(3, 3), slopes(3, 3), *free), start) for start in starts]
kojima_shindo = solve_mcp(CallableProblem(function(10, 9), slopes(10, 9), *free), starts=40, seed=1)
