"""Sellers that know their sales move the price: their marginal revenue as couplings, and slopes that settle.

A firm with conjecture theta expects the prices p of the markets it faces to move by `-theta S dD` when it delivers dD
more there, everybody else's deliveries being given. S is the slope of inverse demand of the users: with H the slopes
of their willingness to pay (cross-price terms included) and A, B their coefficients, `S = (A H^-1 B')^-1`. What a firm
earns at the margin is then the price less `K x` with `K = theta A_f' S' B_f` over its own activities f, so that a
tax on its sales, its other plants and its other markets all count. With curved demand S depends on the solution; it
is brought into agreement with it by Anderson's iteration, and by a secant where demand settles at its choke price,
the kink at which marginal revenue jumps.

Sources: Harker (1986), Alternative models of spatial competition, Operations Research 34; Walker and Ni (2011),
Anderson acceleration for fixed-point iterations, SIAM J. Numer. Anal. 49.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, EconomyArrays, Floats, Solution, Sparse, Status
from oreflow.market.solve import SolveOptions, SymbolicPlan, plan_economy, solve_economy

Ints = npt.NDArray[np.int64]
_FLAT = 1e-14
"""Slope, relative to price over quantity, that stands for none: demand at its choke price takes any amount."""


@dataclass(frozen=True, slots=True)
class Firm:
    """A seller by position.

    Args:
        name: for messages.
        columns: its activities.
        conjecture: 0 price taker, 1 Cournot (a monopolist if alone), or between.
        slopes: stated slope of residual inverse demand by market, money per unit squared; 0 where it takes the price.
        resale: price takers may carry the good from one of its markets to another.
    """

    name: str
    columns: Ints
    conjecture: float
    slopes: Mapping[int, float] = field(default_factory=dict)
    resale: bool = False


@dataclass(frozen=True, slots=True)
class _Faced:
    """The markets in which firms have power, the users there, and each firm's share in the first list."""

    markets: Ints
    users: Ints
    own: tuple[Ints, ...]
    knees: Floats


def check_firms(arrays: EconomyArrays, firms: Sequence[Firm], users: Ints) -> list[str]:
    """Return in words why firms cannot have the power that is claimed for them; empty where they can.

    Args:
        arrays: the economy of price takers.
        firms: the sellers.
        users: activities that are final demand.
    """
    problems: list[str] = []
    physical: Sparse = sp.csr_array(arrays.A)
    curves = arrays.curves
    owner = {int(j): firm for firm in firms for j in firm.columns}
    powerful = [firm for firm in firms if firm.conjecture]
    sends_on = np.asarray((sp.csc_array(arrays.A) > 0).sum(axis=0)).ravel() > 0  # unlike disposal
    for firm in powerful:
        mine, faced = set(firm.columns.tolist()), _markets_of(physical, firm, users)
        for i in _delivered(physical, firm):
            name, row = arrays.market_name(i), _row(physical, i)
            takers = [j for j, a in row if a < 0 and j not in mine and arrays.upper[j] > 0 and sends_on[j]]
            if i not in faced and takers:
                problems.append(
                    f"seller {firm.name}: {name} has no final demand, only {_some(arrays, takers)} take from it; state "
                    f"the slope of the demand it meets there in `slopes` (0: it takes that price as given)"
                )
            if (
                i in faced
                and i not in firm.slopes
                and any(curves.kind[j] == CurveKind.CONSTANT for j in _at(row, users))
            ):
                problems.append(
                    f"seller {firm.name}: demand in {name} is stepwise and has no slope; state one in `slopes`"
                )
        if not faced and not problems:
            problems.append(f"seller {firm.name}: its activities deliver nothing to a market with demand")
        if not firm.resale:
            for carrier, origin, end in _resales(arrays, faced, owner):
                problems.append(
                    f"seller {firm.name}: {arrays.activity_name(carrier)} takes its good from "
                    f"{arrays.market_name(origin)} towards {arrays.market_name(end)}, where it sells too, so it cannot "
                    "hold two prices; give the seller that activity, leave it out, or declare `resale=True`"
                )
    for i in sorted({i for firm in powerful for i in _markets_of(physical, firm, users)}):
        problems += _no_interior(arrays, i, _row(physical, i), owner, users)
    return problems


def _row(physical: Sparse, i: int) -> list[tuple[int, float]]:
    span = slice(physical.indptr[i], physical.indptr[i + 1])
    return [(int(j), float(a)) for j, a in zip(physical.indices[span], physical.data[span], strict=True)]


def _at(row: Sequence[tuple[int, float]], users: Ints) -> list[int]:
    final = set(users.tolist())
    return [j for j, a in row if j in final and a < 0]


def _delivered(physical: Sparse, firm: Firm) -> list[int]:
    """Markets into which a firm delivers."""
    own: Sparse = sp.csc_array(physical[:, firm.columns])
    return sorted({int(i) for i, a in zip(own.indices, own.data, strict=True) if a > 0})


def _markets_of(physical: Sparse, firm: Firm, users: Ints) -> list[int]:
    """Markets in which a firm has power: those it delivers to that have final demand or a stated slope."""
    return [i for i in _delivered(physical, firm) if i in firm.slopes or _at(_row(physical, i), users)]


def _some(arrays: EconomyArrays, columns: Sequence[int]) -> str:
    names = [arrays.activity_name(j) for j in columns[:3]]
    return ", ".join(names) + (f" and {len(columns) - 3} more" if len(columns) > 3 else "")


def _resales(arrays: EconomyArrays, faced: Sequence[int], owner: Mapping[int, Firm]) -> list[tuple[int, int, int]]:
    """Pure carriage by price takers from one of a firm's markets that leads to another: (carrier, from, to)."""
    A: Sparse = sp.csc_array(arrays.A)
    onward: dict[int, list[tuple[int, int]]] = {}
    for j in np.flatnonzero((np.diff(A.indptr) == 2) & (arrays.upper > 0)):
        span = slice(A.indptr[j], A.indptr[j + 1])
        ends = dict(zip(np.sign(A.data[span]), A.indices[span], strict=True))
        carrier = owner.get(int(j))
        if set(ends) == {-1.0, 1.0} and (carrier is None or not carrier.conjecture):
            onward.setdefault(int(ends[-1.0]), []).append((int(j), int(ends[1.0])))
    found = []
    for origin in faced:
        reached, edge = {origin}, list(onward.get(origin, []))
        while edge:
            first, to = edge.pop()
            if to in faced and to != origin:
                found.append((first, origin, to))
                break
            if to not in reached:
                reached.add(to)
                edge += [(first, end) for _, end in onward.get(to, [])]
    return found


def _no_interior(
    arrays: EconomyArrays, i: int, row: Sequence[tuple[int, float]], owner: Mapping[int, Firm], users: Ints
) -> list[str]:
    """A firm's share must stay below elasticity over conjecture; where all supply is theirs the shares make one."""
    curves, here = arrays.curves, _at(row, users)
    sources = [owner.get(j) for j, a in row if a > 0 and arrays.upper[j] > 0]
    if not here or any(firm is None or not firm.conjecture or i in firm.slopes for firm in sources):
        return []
    if any(curves.kind[j] != CurveKind.ISOELASTIC or np.isfinite(curves.d[j]) for j in here) or arrays.fixed[i] < 0:
        return []
    elasticity = float(np.max(-curves.c[here]))
    firms = {firm.name: firm.conjecture for firm in sources if firm is not None}
    if sum(elasticity / conjecture for conjecture in firms.values()) > 1.0:
        return []
    told = ", ".join(f"{name} (conjecture {conjecture:g})" for name, conjecture in firms.items())
    alone = f"seller {told} is alone" if len(firms) == 1 else f"sellers {told} are alone"
    return [
        f"{alone} in {arrays.market_name(i)} and the demand has elasticity {-elasticity:g} without a choke price: "
        "conjecture times share cannot stay below it, so no interior solution exists; state a choke price"
    ]


def solve_power(
    arrays: EconomyArrays,
    firms: Sequence[Firm],
    users: Ints,
    start: Solution | None = None,
    options: SolveOptions = SolveOptions(),
) -> tuple[EconomyArrays, Solution]:
    """Return the economy with the firms' marginal revenue as couplings, and its equilibrium.

    Args:
        arrays: the economy of price takers, t and USD.
        firms: the sellers (see `check_firms`).
        users: activities that are final demand.
        start: a solution of a neighbouring economy.
        options: tolerance, and limits of all solves together.

    Returns:
        The economy whose K holds the mark-ups at the solution, and the solution; never called solved while the slopes
        that firms expect differ from those at the solution.
    """
    deadline = time.perf_counter() + options.time_limit
    faced = _faced(arrays, firms, users)
    plan = plan_economy(arrays)
    solution = solve_economy(arrays, start, options, plan) if start is None or not start.ok else start
    if not solution.ok:
        return arrays, solution
    active = _active(faced, solution)
    slopes = _slopes(arrays, faced, solution)
    memory = _Memory(len(faced.users))
    taken = solution.iterations if start is None else 0
    for _ in range(200):
        problem = _with_power(arrays, firms, faced, slopes, active)
        solution = _try(problem, solution, options, plan, deadline)
        taken += solution.iterations
        if not solution.ok:
            return problem, replace(solution, iterations=taken)
        found, now = _slopes(arrays, faced, solution), _active(faced, solution)
        level = solution.levels[faced.users]
        held = memory.at_kink(level, faced.knees)
        gap = np.where(now & ~held, np.abs(np.log(found) - np.log(slopes)), 0.0).max(initial=0.0)
        if np.array_equal(now, active) and gap < max(options.tolerance, 1e-12):
            return problem, replace(solution, iterations=taken)
        slopes = memory.next_slopes(slopes, found, level, faced.knees, now, same=np.array_equal(now, active))
        active = now
    return problem, replace(
        solution,
        status=Status.ITERATION_LIMIT,
        residual=float(gap),
        iterations=taken,
        cause="the slopes that sellers expect did not settle; is conjecture times share below the elasticity?",
    )


@dataclass(frozen=True, slots=True)
class Markup:
    """How the mark-ups `K x` of firms move with the slopes they reckon with and with the coefficients, at a solution.

    Attributes:
        firms: the sellers.
        faced: markets and users.
        slopes: own slope of each user's willingness to pay.
        active: users that answer.
        levels: x, [n].
    """

    firms: tuple[Firm, ...]
    faced: _Faced
    slopes: Floats
    active: npt.NDArray[np.bool_]
    levels: Floats

    @classmethod
    def of(cls, arrays: EconomyArrays, firms: Sequence[Firm], users: Ints, solution: Solution) -> Markup:
        """Return the mark-ups at a solution; `arrays` are those of price takers."""
        faced = _faced(arrays, firms, users)
        at = _slopes(arrays, faced, solution), _active(faced, solution)
        return cls(tuple(firms), faced, *at, solution.levels)

    def held(self) -> Ints:
        """Return the users that a seller holds at the quantity where their choke price begins."""
        with np.errstate(invalid="ignore"):
            near = np.abs(self.levels[self.faced.users] - self.faced.knees) <= 1e-9 * self.faced.knees
        return self.faced.users[near]

    def _value(self, arrays: EconomyArrays, slopes: Floats) -> Floats:
        coupling: Sparse = _with_power(arrays, self.firms, self.faced, slopes, self.active).K
        own: Floats = coupling @ self.levels
        return own if arrays.K is None else own - arrays.K @ self.levels

    def by_slope(self, arrays: EconomyArrays) -> Sparse:
        """Return the derivative of the mark-ups by the slopes of the users' curves, [n, n]."""
        n = arrays.shape[1]
        out = np.zeros((n, len(self.faced.users)))
        for k, slope in enumerate(self.slopes):
            step = np.zeros(len(self.slopes))
            step[k] = 1e-5 * slope
            up, down = (self._value(arrays, self.slopes + sign * step) for sign in (1.0, -1.0))
            out[:, k] = (up - down) / (2 * step[k])
        place = sp.csc_array(
            (np.ones(len(self.faced.users)), (np.arange(len(self.faced.users)), self.faced.users)),
            shape=(len(self.faced.users), n),
        )
        return sp.csc_array(sp.csc_array(out) @ place)

    def by_entries(self, arrays: EconomyArrays, weights: Floats) -> tuple[Floats, Floats]:
        """Return `weights @ d(K x)` by the stored entries of A and of B that users and sellers have there."""
        moved = set(self.faced.users.tolist()) | {int(j) for firm in self.firms for j in firm.columns}
        faced = set(self.faced.markets.tolist())
        found = []
        for name in ("A", "B"):
            matrix: Sparse = getattr(arrays, name)
            out = np.zeros(matrix.nnz)
            owner = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
            for at in range(matrix.nnz):
                if int(owner[at]) not in moved or int(matrix.indices[at]) not in faced or not matrix.data[at]:
                    continue
                ends = []
                for sign in (1.0, -1.0):
                    other = matrix.copy()
                    other.data[at] *= 1 + sign * 1e-5
                    ends.append(float(weights @ self._value(arrays.with_(**{name: other}), self.slopes)))
                out[at] = (ends[0] - ends[1]) / (2e-5 * matrix.data[at])
            found.append(out)
        return found[0], found[1]


def _faced(arrays: EconomyArrays, firms: Sequence[Firm], users: Ints) -> _Faced:
    physical: Sparse = sp.csr_array(arrays.A)
    own = [np.array(_markets_of(physical, f, users) if f.conjecture else [], dtype=np.int64) for f in firms]
    markets = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *own]))
    there = np.unique(np.array([j for i in markets for j in _at(_row(physical, int(i)), users)], dtype=np.int64))
    curves = arrays.curves
    choked = (curves.kind[there] == CurveKind.ISOELASTIC) & np.isfinite(curves.d[there])
    with np.errstate(invalid="ignore", over="ignore"):
        knee = curves.b[there] * (curves.d[there] / curves.a[there]) ** curves.c[there]
    return _Faced(markets, there, tuple(own), np.where(choked, knee, np.nan))


def _active(faced: _Faced, solution: Solution) -> npt.NDArray[np.bool_]:
    """Users that buy; the others do not answer a change of price."""
    level = solution.levels[faced.users]
    return np.asarray(level > 1e-9 * level.max(initial=0.0))


def _slopes(arrays: EconomyArrays, faced: _Faced, solution: Solution) -> Floats:
    """Own slope of each user's willingness to pay at a solution, at least `_FLAT` of price over quantity."""
    level = np.maximum(solution.levels, 1e-300)
    willing = np.abs(arrays.curves.marginal(level))[faced.users]
    least = _FLAT * np.maximum(willing, 1e-300) / np.maximum(level[faced.users], 1e-9 * level.max())
    out: Floats = np.maximum(np.minimum(arrays.curves.slope(level)[faced.users], 1e300), least)
    return out


def _with_power(
    arrays: EconomyArrays,
    firms: Sequence[Firm],
    faced: _Faced,
    slopes: Floats,
    active: npt.NDArray[np.bool_],
) -> EconomyArrays:
    """The economy with `theta A_f' S' B_f` added to its couplings."""
    n = arrays.shape[1]
    response = _response(arrays, faced, slopes, active)
    coupling: Sparse = sp.csc_array((n, n)) if arrays.K is None else arrays.K
    place = {int(i): k for k, i in enumerate(faced.markets)}
    A: Sparse = sp.csr_array(arrays.A)
    B: Sparse = sp.csr_array(arrays.B)
    for firm, own in zip(firms, faced.own, strict=True):
        if not own.size:
            continue
        where = [place[int(i)] for i in own]
        matrix = response[np.ix_(where, where)].copy()
        for k, i in enumerate(own):
            if int(i) in firm.slopes:
                matrix[k, :], matrix[:, k] = 0.0, 0.0
                matrix[k, k] = firm.slopes[int(i)]
        physical, priced = A[own][:, firm.columns].toarray(), B[own][:, firm.columns].toarray()
        block = firm.conjecture * physical.T @ matrix.T @ priced
        rows, cols = np.nonzero(block)
        added = sp.csc_array((block[rows, cols], (firm.columns[rows], firm.columns[cols])), shape=(n, n))
        coupling = sp.csc_array(coupling + added)
    return arrays.with_(K=coupling)


def _response(arrays: EconomyArrays, faced: _Faced, slopes: Floats, active: npt.NDArray[np.bool_]) -> Floats:
    """S: fall of each faced price per unit more delivered to each faced market, the other deliveries given."""
    out = np.zeros((len(faced.markets), len(faced.markets)))
    A: Sparse = sp.csr_array(arrays.A)[faced.markets][:, faced.users]
    B: Sparse = sp.csr_array(arrays.B)[faced.markets][:, faced.users]
    answering = active.copy()
    for here in A.toarray() != 0:
        if not (here & active).any():  # nobody buys there: those who would set the slope
            answering |= here
    chosen = np.flatnonzero(answering)
    if not chosen.size:
        return out
    square = np.diag(slopes[chosen])
    if arrays.K is not None:
        square += arrays.K[faced.users[chosen]][:, faced.users[chosen]].toarray()
    moved = A[:, chosen].toarray() @ np.linalg.solve(square, B[:, chosen].toarray().T)
    beside = np.flatnonzero(np.abs(moved).sum(axis=1) > 0)  # markets with a stated slope may have no user
    out[np.ix_(beside, beside)] = np.linalg.inv(moved[np.ix_(beside, beside)])
    return out


def _try(
    problem: EconomyArrays, start: Solution, options: SolveOptions, plan: SymbolicPlan, deadline: float
) -> Solution:
    """Solve from the last point; where that fails, walk towards the full mark-up from a part of it."""

    def left() -> SolveOptions:
        return replace(options, time_limit=max(deadline - time.perf_counter(), 0.0))

    solution = solve_economy(problem, start, left(), plan)
    if solution.ok or problem.K is None:
        return solution
    near = start
    for share in (0.25, 0.5, 0.75, 1.0):
        solution = solve_economy(problem.with_(K=problem.K * share), near, left(), plan)
        if not solution.ok:
            return solution
        near = solution
    return solution


@dataclass(slots=True)
class _Memory:
    """What the search for slopes has seen: points and images for Anderson's step, secants at choke prices."""

    count: int
    points: list[Floats] = field(default_factory=list)
    images: list[Floats] = field(default_factory=list)
    kinked: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    last: tuple[Floats, Floats] | None = None
    answer: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self.kinked, self.answer = np.zeros(self.count, dtype=bool), np.full(self.count, -1.0)

    def at_kink(self, level: Floats, knees: Floats) -> npt.NDArray[np.bool_]:
        """Users held where their choke price begins to bind, by a slope between none and the curve's."""
        with np.errstate(invalid="ignore"):
            near = np.abs(level - knees) <= 1e-10 * knees
        return np.asarray(near & self.kinked)

    def next_slopes(
        self, slopes: Floats, found: Floats, level: Floats, knees: Floats, now: npt.NDArray[np.bool_], *, same: bool
    ) -> Floats:
        """The next slopes to try: Anderson's where they move smoothly, a secant's where a choke price holds them."""
        with np.errstate(invalid="ignore", divide="ignore"):
            kinked = now & (level < knees) & (found < 1e-6 * slopes)  # the slope that stops demand short is none
            kinked |= self.kinked & now & (level >= knees) & (found >= slopes)
            kinked |= self.at_kink(level, knees)
            size, point = np.log(level / knees), np.log(slopes)
        if not same or not np.array_equal(kinked, self.kinked):
            self.points.clear()
            self.images.clear()
        self.kinked = kinked
        if self.last is not None:
            with np.errstate(invalid="ignore", divide="ignore"):
                change = (size - self.last[1]) / (point - self.last[0])
            self.answer = np.where(np.isfinite(change), np.clip(change, -10.0, -1e-3), self.answer)
        self.last = (point, size)
        self.points.append(np.where(kinked, 0.0, point))
        self.images.append(np.where(kinked, 0.0, np.log(found)))
        out = np.exp(_anderson(self.points[-6:], self.images[-6:]))
        with np.errstate(invalid="ignore", over="ignore"):
            return np.where(kinked, slopes * np.exp(np.clip(-size / self.answer, -2.0, 2.0)), out)


def _anderson(points: Sequence[Floats], images: Sequence[Floats]) -> Floats:
    """Next point of Anderson's iteration for a fixed point, from the last points and their images."""
    gaps = [image - point for point, image in zip(points, images, strict=True)]
    if len(points) == 1:
        return images[-1]
    differences = np.array([gaps[-1] - gap for gap in gaps[:-1]]).T
    weights = np.linalg.lstsq(differences, gaps[-1], rcond=1e-10)[0]
    step = sum(
        (w * (images[-1] - image) for w, image in zip(weights, images[:-1], strict=True)), np.zeros_like(gaps[-1])
    )
    return np.asarray(points[-1] + np.clip(images[-1] - step - points[-1], -2.0, 2.0))
