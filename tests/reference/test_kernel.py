"""R3: complementarity problems with known solutions through `oreflow.market.mcp`."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from oreflow.market.mcp import CallableProblem, Problem, distinct_solutions, natural_residual, solve_mcp

Floats = np.ndarray


def josephy(z: Floats) -> Floats:
    a, b, c, d = z
    return np.array(
        [
            3 * a**2 + 2 * a * b + 2 * b**2 + c + 3 * d - 6,
            2 * a**2 + a + b**2 + 3 * c + 2 * d - 2,
            3 * a**2 + a * b + 2 * b**2 + 2 * c + 3 * d - 1,
            a**2 + 3 * b**2 + 2 * c + 3 * d - 3,
        ]
    )


def josephy_jacobian(z: Floats) -> Floats:
    a, b = z[0], z[1]
    return np.array(
        [
            [6 * a + 2 * b, 2 * a + 4 * b, 1, 3],
            [4 * a + 1, 2 * b, 3, 2],
            [6 * a + b, a + 4 * b, 2, 3],
            [2 * a, 6 * b, 2, 3],
        ]
    )


def kojima(z: Floats) -> Floats:
    a, b, c, d = z
    out = josephy(z)
    out[1] = 2 * a**2 + a + b**2 + 10 * c + 2 * d - 2
    out[2] = 3 * a**2 + a * b + 2 * b**2 + 2 * c + 9 * d - 9
    return out


def kojima_jacobian(z: Floats) -> Floats:
    out = josephy_jacobian(z)
    out[1, 2], out[2, 3] = 10, 9
    return out


def test_r3a_linear_problem_that_is_not_symmetric() -> None:
    m = [[0, 0, -1, -1], [0, 0, 1, -2], [1, -1, 2, -2], [1, 2, -2, 4]]
    solution = solve_mcp(Problem(m, np.array([2.0, 2, -2, -6]), np.zeros(4), np.full(4, np.inf)))
    assert solution.ok
    assert solution.z == pytest.approx([2.8, 0, 0.8, 1.2], abs=1e-9)


def test_r3_script_of_the_manual() -> None:
    out = runpy.run_path(str(Path(__file__).resolve().parents[2] / "docs" / "reference" / "r03_mcp.py"))
    assert out["linear"].z == pytest.approx([2.8, 0, 0.8, 1.2], abs=1e-9)
    for found in out["josephy"]:
        assert found.ok
        assert found.z == pytest.approx([np.sqrt(6) / 2, 0, 0, 0.5], abs=1e-6)
    several = (out["kojima_shindo"].z, *out["kojima_shindo"].others)
    for wanted in ((np.sqrt(6) / 2, 0, 0, 0.5), (1, 0, 3, 0)):
        assert any(np.allclose(z, wanted, atol=1e-4) for z in several), wanted


@pytest.mark.parametrize("start", [(1.25, 0, 0, 0.5), (1.19, 0.2, 0.1, 0.49)])
def test_r3b_josephy(start: tuple[float, ...]) -> None:
    problem = CallableProblem(josephy, josephy_jacobian, np.zeros(4), np.full(4, np.inf))
    solution = solve_mcp(problem, np.array(start))
    assert solution.ok
    assert solution.z == pytest.approx([np.sqrt(6) / 2, 0, 0, 0.5], abs=1e-6)


def test_r3c_kojima_shindo_has_two_solutions() -> None:
    problem = CallableProblem(kojima, kojima_jacobian, np.zeros(4), np.full(4, np.inf))
    solution = solve_mcp(problem, starts=40, seed=1)
    all_found = (solution.z, *solution.others)
    for wanted in ((np.sqrt(6) / 2, 0, 0, 0.5), (1, 0, 3, 0)):
        assert any(np.allclose(z, wanted, atol=1e-4) for z in all_found), wanted
    for z in all_found:
        assert np.abs(natural_residual(problem, z)).max() < 1e-8
    near = distinct_solutions(problem, [np.array([1, 0, 2.5, 0.0]), np.array([1.2, 0, 0, 0.5])])
    assert len(near) == 2
