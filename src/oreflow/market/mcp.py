"""The general mixed complementarity kernel: F(z) perp l <= z <= u, small and middling problems of any form.

`Problem` holds `F(z) = M z + q + phi(z)` with sparse M (any asymmetry), separable phi and declared non-separable
blocks; `CallableProblem` holds any F with its Jacobian. `solve_mcp` is a semismooth Newton method on the
Fischer-Burmeister function with a line search and a proximal term where the Jacobian is singular. Economies have a
structure of their own and are solved by `oreflow.market.solve`.

Sources: Billups (1995); De Luca, Facchinei and Kanzow (1996); Facchinei and Pang (2003) ch. 9.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.core.errors import OreflowError
from oreflow.core.factor import factorise_singular
from oreflow.market.arrays import Floats, Sparse, Status


class ComplementarityError(OreflowError):
    """A complementarity problem whose parts do not fit together."""


@dataclass(frozen=True, slots=True)
class Block:
    """A declared non-separable part of F over the variables `index` (Cournot with curved demand, CES nests).

    Args:
        index: positions of its variables, which are also its equations, [k].
        value: function of z[index] that returns what is added to F[index], [k].
        jacobian: function of z[index] that returns the derivative, dense [k, k].
    """

    index: npt.NDArray[np.int64]
    value: Callable[[Floats], Floats]
    jacobian: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Problem:
    """F(z) = M z + q + phi(z) + blocks, l <= z <= u.

    Args:
        M: sparse or dense matrix, [n, n].
        q: constant, [n].
        lower, upper: bounds, [n]; infinite where absent. Both infinite makes the row an equation.
        phi: separable function and its derivative, each from z [n] to [n]; None for an affine problem.
        blocks: declared non-separable parts.
        names: of the variables, for messages.

    Raises:
        ComplementarityError: if shapes disagree or a lower bound exceeds its upper bound.
    """

    M: Sparse
    q: Floats
    lower: Floats
    upper: Floats
    phi: tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]] | None = None
    blocks: tuple[Block, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "M", sp.csr_array(self.M))
        object.__setattr__(self, "q", np.asarray(self.q, dtype=float))
        n = len(self.q)
        lower = np.array(np.broadcast_to(np.asarray(self.lower, dtype=float), (n,)))
        upper = np.array(np.broadcast_to(np.asarray(self.upper, dtype=float), (n,)))
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        if self.M.shape != (n, n):
            raise ComplementarityError(f"M has shape {self.M.shape}; expected ({n}, {n}) as q has {n} entries")
        _check_bounds(lower, upper, self.names)

    def value(self, z: Floats) -> Floats:
        """Return F(z) [n]."""
        out: Floats = self.M @ z + self.q
        if self.phi is not None:
            out = out + self.phi[0](z)
        for block in self.blocks:
            out[block.index] += block.value(z[block.index])
        return out

    def jacobian(self, z: Floats) -> Sparse:
        """Return dF/dz [n, n]."""
        out: Sparse = self.M
        if self.phi is not None:
            out = out + sp.diags_array(self.phi[1](z))
        for block in self.blocks:
            k = len(block.index)
            place = (np.repeat(block.index, k), np.tile(block.index, k))
            out = out + sp.csr_array((block.jacobian(z[block.index]).ravel(), place), shape=self.M.shape)
        return out


@dataclass(frozen=True, slots=True)
class CallableProblem:
    """Any F with its Jacobian (dense or sparse), l <= z <= u; for small problems."""

    value: Callable[[Floats], Floats]
    jacobian: Callable[[Floats], Sparse]
    lower: Floats
    upper: Floats
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lower, upper = np.broadcast_arrays(np.asarray(self.lower, dtype=float), np.asarray(self.upper, dtype=float))
        object.__setattr__(self, "lower", np.array(lower))
        object.__setattr__(self, "upper", np.array(upper))
        _check_bounds(self.lower, self.upper, self.names)


def _check_bounds(lower: Floats, upper: Floats, names: Sequence[str]) -> None:
    bad = np.flatnonzero(~(lower <= upper))
    if bad.size:
        i = int(bad[0])
        name = names[i] if names else f"variable {i}"
        raise ComplementarityError(
            f"{name}: lower bound {lower[i]:g} and upper bound {upper[i]:g}; expected lower <= upper"
        )


AnyProblem = Problem | CallableProblem


@dataclass(frozen=True, slots=True)
class McpOptions:
    """Settings of `solve_mcp`: tolerance on the scaled natural residual, most Newton steps, seconds."""

    tolerance: float = 1e-10
    max_iterations: int = 300
    time_limit: float = 60.0


@dataclass(frozen=True, slots=True)
class McpSolution:
    """Answer of `solve_mcp`.

    Attributes:
        z: the point, [n].
        residual: largest natural residual |z - mid(l, z - F, u)| divided by (1 + |z| + |F| terms) (scaled).
        user_residual: the same in the units of the problem.
        status: `SOLVED` only for problems declared monotone by a positive semidefinite affine M, else
            `LOCALLY_SOLVED`; otherwise why it ended.
        worst: name and scaled residual of the worst rows.
        iterations: Newton systems, over all starts.
        seconds: wall-clock time by phase: the first start, further starts, and in all.
        others: further solutions found by multi-start, each [n].
    """

    z: Floats
    residual: float
    user_residual: float
    status: Status
    worst: tuple[tuple[str, float], ...]
    iterations: int
    seconds: Mapping[str, float]
    others: tuple[Floats, ...] = ()

    @property
    def ok(self) -> bool:
        """True where z is a solution."""
        return self.status.ok


def natural_residual(problem: AnyProblem, z: Floats) -> Floats:
    """Return `z - mid(l, z - F(z), u)` [n], zero exactly at solutions, in the problem's units."""
    return z - np.clip(z - problem.value(z), problem.lower, problem.upper)


def solve_mcp(
    problem: AnyProblem,
    start: Floats | None = None,
    options: McpOptions = McpOptions(),
    *,
    starts: int = 1,
    seed: int = 0,
) -> McpSolution:
    """Return a solution of a mixed complementarity problem.

    Args:
        problem: F, its Jacobian and the bounds.
        start: first point, [n]; the projection of 0 if absent.
        options: tolerance and limits.
        starts: number of starts in all; with more than one, further distinct solutions come back in `others`.
        seed: of the random starts.

    Returns:
        The first solution found (or the best point, with a status that says so).

    Example:
        >>> solution = solve_mcp(Problem([[2.0]], [-4.0], 0.0, np.inf))
        >>> float(solution.z[0])
        2.0
    """
    began = time.perf_counter()
    deadline = began + options.time_limit
    n = len(problem.lower)
    rng = np.random.default_rng(seed)
    zero = np.clip(np.zeros(n), problem.lower, problem.upper)
    first = zero if start is None else np.asarray(start, dtype=float)
    found: list[Floats] = []
    best: tuple[Floats, float] | None = None
    iterations = 0
    first_start = 0.0
    for trial in range(max(starts, 1)):
        z0 = first if trial == 0 else np.clip(_random_start(rng, problem, first), problem.lower, problem.upper)
        with np.errstate(all="ignore"):
            z, size, used = _semismooth(problem, z0, options, deadline)
        iterations += used
        first_start = first_start if trial else time.perf_counter() - began
        if best is None or size < best[1]:
            best = (z, size)
        if size <= options.tolerance and not any(np.allclose(z, other, rtol=1e-6, atol=1e-6) for other in found):
            found.append(z)
        if time.perf_counter() > deadline:
            break
    if best is None:
        raise ComplementarityError("solve_mcp needs at least one start; pass starts >= 1")
    z = found[0] if found else best[0]
    spent = time.perf_counter() - began
    raw, scaled = np.abs(natural_residual(problem, z)), _scaled(problem, z)
    order = np.argsort(-scaled)[:5]
    names = problem.names or tuple(f"variable {i}" for i in range(n))
    if found:
        status = Status.SOLVED if _is_monotone(problem) else Status.LOCALLY_SOLVED
    elif time.perf_counter() > deadline:
        status = Status.TIME_LIMIT
    else:
        status = Status.ITERATION_LIMIT if iterations >= options.max_iterations else Status.STALLED
    return McpSolution(
        z=z,
        residual=float(scaled.max(initial=0.0)),
        user_residual=float(raw.max(initial=0.0)),
        status=status,
        worst=tuple((names[int(i)], float(scaled[i])) for i in order),
        iterations=iterations,
        seconds={"first": first_start, "others": spent - first_start, "total": spent},
        others=tuple(found[1:]),
    )


def _is_monotone(problem: AnyProblem) -> bool:
    """True for affine problems whose symmetric part is positive semidefinite (checked for up to 500 variables)."""
    if not isinstance(problem, Problem) or problem.phi is not None or problem.blocks or len(problem.q) > 500:
        return False
    symmetric = (problem.M + problem.M.T).toarray() / 2
    values = np.linalg.eigvalsh(symmetric)
    return bool(values[0] >= -1e-10 * max(abs(values[-1]), 1.0))


def _random_start(rng: np.random.Generator, problem: AnyProblem, centre: Floats) -> Floats:
    size = 1.0 + np.abs(centre).max(initial=0.0)
    low = np.where(np.isfinite(problem.lower), problem.lower, centre - 5 * size)
    high = np.where(np.isfinite(problem.upper), problem.upper, np.maximum(low, centre) + 5 * size)
    return np.asarray(rng.uniform(low, high))


def _scaled(problem: AnyProblem, z: Floats) -> Floats:
    """Natural residual relative to 1 + |z|."""
    out = np.abs(natural_residual(problem, z)) / (1.0 + np.abs(z))
    return np.nan_to_num(out, nan=np.inf)


def _fischer(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Fischer-Burmeister a + b - |(a, b)| and its derivatives; at the kink an element of the differential."""
    norm = np.hypot(a, b)
    safe = np.where(norm > 0, norm, 1.0)
    da = np.where(norm > 0, 1 - a / safe, 1 - np.sqrt(0.5))
    db = np.where(norm > 0, 1 - b / safe, 1 - np.sqrt(0.5))
    return a + b - norm, da, db


def _merit_map(problem: AnyProblem, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return Phi(z) and the diagonals (by z, by F) of its derivative."""
    f = problem.value(z)
    lower, upper = problem.lower, problem.upper
    has_low, has_high = np.isfinite(lower), np.isfinite(upper)
    outer, by_u, by_f = _fischer(np.where(has_high, upper - z, 0.0), -f)
    # rows with an upper bound see -phi(u - z, -F) in place of F
    g = np.where(has_high, -outer, f)
    g_z, g_f = np.where(has_high, by_u, 0.0), np.where(has_high, by_f, 1.0)
    value, by_z, by_g = _fischer(np.where(has_low, z - lower, 0.0), g)
    phi = np.where(has_low, value, g)
    d_z = np.where(has_low, by_z + by_g * g_z, g_z)
    d_f = np.where(has_low, by_g * g_f, g_f)
    return phi, d_z, d_f


def _semismooth(problem: AnyProblem, z: Floats, options: McpOptions, deadline: float) -> tuple[Floats, float, int]:
    """Damped Newton on the Fischer-Burmeister map; returns the best point, its scaled residual and the steps."""
    n = len(z)
    best, best_size = z, float(_scaled(problem, z).max(initial=0.0))
    recent: list[float] = []
    proximal = 0.0
    for count in range(options.max_iterations):
        projected = np.clip(z, problem.lower, problem.upper)
        size = float(_scaled(problem, projected).max(initial=0.0))
        if size < best_size:
            best, best_size = projected, size
        if best_size <= 1e-15 or (
            best_size <= options.tolerance and size > 0.1 * best_size and count > 0 and size <= 1e-14
        ):
            return best, best_size, count
        if time.perf_counter() > deadline:
            return best, best_size, count
        phi, d_z, d_f = _merit_map(problem, z)
        merit = float(phi @ phi) / 2
        if not np.isfinite(merit) or merit < 1e-32:
            return best, best_size, count
        jacobian = sp.diags_array(d_z) + sp.diags_array(d_f) @ sp.csr_array(problem.jacobian(z))
        gradient = jacobian.T @ phi
        direction = _newton(jacobian, -phi, proximal)
        downhill = float(gradient @ direction) if direction is not None else 0.0
        if (
            direction is None
            or not np.isfinite(direction).all()
            or downhill > -1e-12 * float(direction @ direction) ** 0.5 * merit
        ):
            normal = sp.csc_array(jacobian.T @ jacobian + sp.diags_array(np.full(n, 1e-6 + min(merit, 1.0) * 1e-2)))
            direction = _newton(normal, -gradient, 0.0)
            if direction is None:
                return best, best_size, count
            downhill = float(gradient @ direction)
        recent = [*recent[-4:], merit]
        ceiling = max(recent)
        step = 1.0
        while step > 1e-12:
            trial = z + step * direction
            value = _merit_map(problem, trial)[0]
            new = float(value @ value) / 2
            if np.isfinite(new) and new <= ceiling + 1e-4 * step * downhill:
                break
            step *= 0.5
        else:
            if best_size <= options.tolerance or proximal > 1.0:
                return best, best_size, count
            proximal = max(10 * proximal, 1e-8)
            continue
        z = trial
        if best_size <= options.tolerance and new >= 0.25 * merit:
            return best, best_size, count + 1
    return best, best_size, options.max_iterations


def _newton(matrix: Sparse, right: Floats, proximal: float) -> Floats | None:
    """Solve the Newton system; None where it is singular."""
    shifted = sp.csc_array(matrix + proximal * sp.eye_array(len(right)))
    factors = factorise_singular(shifted, np.ones(len(right)))
    if factors is None:
        return None
    solved: Floats = factors.solve(right)
    return solved


def distinct_solutions(
    problem: AnyProblem, starts: Iterable[Floats], options: McpOptions = McpOptions()
) -> tuple[Floats, ...]:
    """Return the distinct solutions reached from the given starts, in the order found.

    Example:
        >>> len(distinct_solutions(Problem([[1.0]], [-1.0], 0.0, np.inf), [np.zeros(1), np.ones(1)]))
        1
    """
    found: list[Floats] = []
    for start in starts:
        solution = solve_mcp(problem, start, options)
        if solution.ok and not any(np.allclose(solution.z, z, rtol=1e-6, atol=1e-6) for z in found):
            found.append(solution.z)
    return tuple(found)
