"""A primal-dual interior point for economies: predictor, second-order corrector and centrality correctors.

Every lower bound, capacity and inequality row is a pair of factors whose products are driven to nil together: level x
and its multiplier z, idle capacity v and its rent w, price y and excess s.

Sources: Mehrotra (1992), On the implementation of a primal-dual interior point method, SIAM J. Optim. 2; Gondzio
(1996), Multiple centrality corrections in a primal-dual method for linear programming, COAP 6; Wright (1997) ch. 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oreflow.market.arrays import Floats
from oreflow.market.isoelastic import level_at, linearise, lowest_price, price_asked
from oreflow.market.newton import NewtonSystem, factorise_system
from oreflow.market.options import Clock, SolveOptions
from oreflow.market.scaling import Core

_Triple = tuple[Floats, Floats, Floats]


@dataclass(slots=True)
class Point:
    """Iterate: levels x [n] and prices y [m + g]; the other factors of each pair, in the order of `_Pairs`.

    z are multipliers of the levels with a lower bound, v and w idle capacity and rent of those with a capacity, s the
    excess of the inequality rows.
    """

    x: Floats
    y: Floats
    z: Floats
    v: Floats
    w: Floats
    s: Floats


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Which levels have a lower bound (isoelastic demand without choke has none) or a capacity; inequality rows."""

    low: Any
    capped: Any
    kept: Any
    count: int

    @classmethod
    def of(cls, core: Core) -> _Pairs:
        lower = np.ones(len(core.u), dtype=bool)
        lower[core.iso] = False
        sets = [lower, np.isfinite(core.u), ~core.free]
        # a slice reads without copying where everything belongs
        low, capped, kept = (slice(None) if of.all() else np.flatnonzero(of) for of in sets)
        return cls(low, capped, kept, max(sum(int(of.sum()) for of in sets), 1))


@dataclass(slots=True)
class _Move:
    """A direction, in the order of `Point`; xl, xc and yk are its parts that belong to pairs."""

    x: Floats
    y: Floats
    z: Floats
    v: Floats
    w: Floats
    s: Floats
    xl: Floats
    yk: Floats


def _direction(
    point: Point, parts: _Triple, pairs: _Pairs, system: NewtonSystem, residuals: _Triple, products: _Triple
) -> _Move:
    """Newton direction that meets the residuals (rd, rp, ru) and changes the products of the pairs by `products`."""
    (rd, rp, ru), (cx, cv, cs) = residuals, products
    xl, _, yk = parts
    col_side = -rd
    col_side[pairs.low] += cx / xl
    col_side[pairs.capped] -= (cv - point.w * ru) / point.v
    row_side = -rp
    row_side[pairs.kept] += cs / yk
    dy, dx = system.step(row_side, col_side)
    dxl, dyk = dx[pairs.low], dy[pairs.kept]
    dv = ru - dx[pairs.capped]
    return _Move(
        x=dx,
        y=dy,
        z=(cx - point.z * dxl) / xl,
        v=dv,
        w=(cv - point.w * dv) / point.v,
        s=(cs - point.s * dyk) / yk,
        xl=dxl,
        yk=dyk,
    )


def largest_step(value: Floats, change: Floats) -> float:
    """Largest step in (0, 1] that keeps value + step * change >= 0."""
    if not len(value):
        return 1.0
    # the largest share of the value that a full step takes away
    share = float((change / value).min())
    if np.isnan(share):  # a value has run down to nothing
        return 0.0
    return 1.0 if share >= -1.0 else -1.0 / share


def _factors(point: Point, parts: _Triple) -> Floats:
    """Every factor of a pair, one after another."""
    xl, _, yk = parts
    return np.concatenate((xl, point.z, point.v, point.w, yk, point.s))


def _longest(factors: Floats, move: _Move) -> float:
    """Largest step in (0, 1] that keeps every factor of a pair non-negative."""
    return largest_step(factors, np.concatenate((move.xl, move.z, move.v, move.w, move.yk, move.s)))


def _products_after(point: Point, parts: _Triple, move: _Move, step: float) -> _Triple:
    """The products of the pairs after a step."""
    xl, _, yk = parts
    return (
        (xl + step * move.xl) * (point.z + step * move.z),
        (point.v + step * move.v) * (point.w + step * move.w),
        (yk + step * move.yk) * (point.s + step * move.s),
    )


def _wanted(base: _Triple, centre: float, second: float, move: _Move) -> _Triple:
    """Wanted changes of the products: to `centre`, less `second` times their curvature along a direction."""
    if not second:
        return base[0] + centre, base[1] + centre, base[2] + centre
    return (
        base[0] + (centre - second * move.xl * move.z),
        base[1] + (centre - second * move.v * move.w),
        base[2] + (centre - second * move.yk * move.s),
    )


def _centrality(point: Point, parts: _Triple, move: _Move, step: float, centre: float, wanted: _Triple) -> _Triple:
    """Wanted changes with which a longer step keeps the products near the centre (Gondzio 1996)."""
    reached = _products_after(point, parts, move, step)
    a, b, c = (
        w + np.maximum(np.clip(r, 0.1 * centre, 10 * centre) - r, -10 * centre)
        for r, w in zip(reached, wanted, strict=True)
    )
    return a, b, c


def _newton_system(core: Core, point: Point, pairs: _Pairs, parts: _Triple, h: Floats) -> NewtonSystem:
    """The factorised Newton matrix at an interior point whose levels have the slopes `h`."""
    slopes = h + 1e-11
    slopes[pairs.low] += point.z / parts[0]
    slopes[pairs.capped] += point.w / point.v
    diagonal = np.full(len(point.y), 1e-11)
    diagonal[pairs.kept] += point.s / parts[2]
    return factorise_system(core, slopes, diagonal, core.coupled)


def interior_point(
    core: Core, point: Point, options: SolveOptions, clock: Clock, target: float, *, careful: bool = False
) -> tuple[Point, int, bool]:
    """Predictor-corrector from `point` until complementarity and residuals fall below `target` (scaled).

    `careful` leaves out the second-order correction and stays further from the boundary.

    Returns:
        The point reached, the number of Newton systems, and whether it met the target.
    """
    pairs = _Pairs.of(core)
    best, stalled = np.inf, 0
    for iteration in range(options.max_iterations):
        rest = -(core.Ft @ point.y)
        rest[pairs.low] -= point.z
        rest[pairs.capped] += point.w
        h, rd = linearise(core, point.x, rest)
        rp = core.E @ point.x - core.f
        rp[pairs.kept] -= point.s
        parts = point.x[pairs.low], core.u[pairs.capped], point.y[pairs.kept]
        ru = parts[1] - point.x[pairs.capped] - point.v
        gap = float(parts[0] @ point.z + point.v @ point.w + parts[2] @ point.s)
        mu = gap / pairs.count
        error, met = _error(core, point, rest, rd, rp, ru, mu, target)
        if met:
            return point, iteration, True
        if not np.isfinite(error) or clock.step():
            break
        if error < 0.9 * best:
            best, stalled = error, 0
        else:
            stalled += 1
            if stalled > 25:
                break
        system = _newton_system(core, point, pairs, parts, h)
        move, reach = _choose(point, parts, pairs, system, (rd, rp, ru), mu, careful=careful)
        step = max(0.7 if careful else 0.98, 1.0 - 10 * mu) * reach if reach < 1.0 else 1.0
        step *= _shortened(core, point, pairs, rest, move, step)
        point = Point(
            point.x + step * move.x, point.y + step * move.y, point.z + step * move.z,
            point.v + step * move.v, point.w + step * move.w, point.s + step * move.s,
        )  # fmt: skip
        if core.iso.size and core.iso_alone:
            rest = -(core.Ft @ point.y)
            rest[pairs.capped] += point.w
            point.x[core.iso] = level_at(core, price_asked(core, point.x, rest, core.iso), core.iso)[0]
    return point, iteration + 1, False


def _error(
    core: Core, point: Point, rest: Floats, rd: Floats, rp: Floats, ru: Floats, mu: float, target: float
) -> tuple[float, bool]:
    """Largest of complementarity and relative residuals, and whether they meet the target; far away mu tells enough."""
    if mu > 1e-3 >= target:
        return mu, False
    true_rd = core.marginal(point.x) + rest if core.iso.size or core.bent.size else rd
    error = max(
        float((np.abs(rp) / (1.0 + core.abs_E @ point.x)).max(initial=0.0)),
        float((np.abs(true_rd) / (1.0 + core.abs_Ft @ np.abs(point.y))).max(initial=0.0)),
        float(np.abs(ru).max(initial=0.0)),
    )
    return max(error, mu), mu < target and error < max(target, 1e-11)


def _choose(
    point: Point,
    parts: _Triple,
    pairs: _Pairs,
    system: NewtonSystem,
    residuals: _Triple,
    mu: float,
    *,
    careful: bool,
) -> tuple[_Move, float]:
    """The direction to take and how far it reaches: predictor, corrector, and one or two centrality correctors."""
    factors = _factors(point, parts)
    base = (-parts[0] * point.z, -point.v * point.w, -parts[2] * point.s)
    affine = _direction(point, parts, pairs, system, residuals, base)
    alpha = _longest(factors, affine)
    after = sum(float(product.sum()) for product in _products_after(point, parts, affine, alpha)) / pairs.count
    centre = mu * float(np.clip(after / mu, 0.0, 1.0)) ** 3 if mu > 0 else 0.0
    if careful:
        centre = max(centre, 0.1 * mu)
    wanted = _wanted(base, centre, 0.0 if careful else min(1.0, alpha * 2), affine)
    move = _direction(point, parts, pairs, system, residuals, wanted)
    reach = _longest(factors, move)
    if reach < 0.5 * alpha and reach < 0.3:  # the correction leads astray: towards the centre without it
        plain = _wanted(base, max(centre, 0.3 * mu), 0.0, affine)
        other = _direction(point, parts, pairs, system, residuals, plain)
        longer = _longest(factors, other)
        if longer > reach:
            wanted, move, reach = plain, other, longer
    if careful:
        return move, reach
    # where a factorisation costs many times a direction, a second corrector pays too
    for _ in range(1 if system.core.plan.chain is None else 2):
        if reach >= 0.95:
            break
        again = _centrality(point, parts, move, min(1.0, 1.3 * reach + 0.1), max(centre, 1e-3 * mu), wanted)
        other = _direction(point, parts, pairs, system, residuals, again)
        longer = _longest(factors, other)
        if longer < 1.1 * reach:
            break
        wanted, move, reach = again, other, longer
    return move, reach


def _shortened(core: Core, point: Point, pairs: _Pairs, rest: Floats, move: _Move, step: float) -> float:
    """Share of the step that keeps isoelastic demand at sensible prices and hyperbolic supply below its capacity."""
    share = 1.0
    at = core.iso
    if at.size:
        paid = price_asked(core, point.x, rest, at)
        change = -(core.Ft @ move.y)
        change[pairs.capped] += move.w
        change = step * change[at]
        high = paid > lowest_price(core, at)
        share *= largest_step(0.95 * paid[high], change[high])
        share *= largest_step(20 * np.maximum(paid, 0.1 * core.curves.a[at]), -change)
    at = core.curved
    if at.size:
        room = core.barrier[at] - point.x[at]
        finite = np.isfinite(room)
        share *= largest_step(0.8 * room[finite], -step * share * move.x[at][finite])
    return share


def cold_start(core: Core, bulk: float = 1.0) -> Point:
    """A central point of the scaled problem, all magnitudes near `bulk`."""
    pairs = _Pairs.of(core)
    x = np.minimum(bulk, 0.5 * core.u)
    x = np.where(np.isfinite(core.barrier), np.minimum(x, 0.5 * core.barrier), x)
    x = np.maximum(x, 1e-8)
    x[core.iso] = core.curves.b[core.iso]
    y = np.full(len(core.f), bulk)
    paid = core.F[:, core.iso].tocoo()
    # what unchoked demand is asked, charges included, starts at its reference price: below it would take any amount
    asked = (core.curves.a - core.curves.shift)[core.iso][paid.col] / np.abs(paid.data)
    y[paid.row] = 1e-2 * bulk
    np.maximum.at(y, paid.row, asked)
    y[core.free & (np.bincount(paid.row, minlength=len(y)) == 0)] = 0.0
    cost = core.marginal(x) - core.Ft @ y
    return Point(
        x=x,
        y=y,
        z=np.clip(cost[pairs.low], bulk, 1e4 * bulk),
        v=np.maximum((core.u - x)[pairs.capped], 1e-6),
        w=np.clip(-cost[pairs.capped], bulk, 1e4 * bulk),
        s=np.maximum((core.E @ x - core.f)[pairs.kept], bulk),
    )


def scatter(core: Core, point: Point, rng: np.random.Generator) -> Point:
    """Return the point with every factor multiplied at random, by up to some tens, inside all bounds."""
    pairs = _Pairs.of(core)

    def spread(value: Floats) -> Floats:
        out: Floats = value * np.exp(rng.normal(0.0, 1.5, len(value)))
        return out

    x = np.minimum(spread(point.x), 0.99 * np.minimum(core.u, core.barrier))
    v = np.maximum((core.u - x)[pairs.capped], 1e-9)
    return Point(x, spread(point.y), spread(point.z), v, spread(point.w), spread(point.s))


def warm_start(core: Core, x: Floats, y: Floats, mu: float) -> Point:
    """An interior point near (x, y) whose complementary products are about `mu`."""
    pairs = _Pairs.of(core)
    root = np.sqrt(mu)
    gap = np.minimum(root, 0.5 * core.u)
    inside = np.clip(x, gap, np.where(np.isfinite(core.u), core.u - gap, np.inf))
    inside = np.where(np.isfinite(core.barrier), np.minimum(inside, core.barrier - 1e-3 * np.abs(core.barrier)), inside)
    inside[core.iso] = np.maximum(x[core.iso], 1e-12)
    price = np.where(core.free, y, np.maximum(y, root))
    cost = core.marginal(inside) - core.Ft @ price
    v = np.maximum((core.u - inside)[pairs.capped], 1e-12)
    return Point(
        x=inside,
        y=price,
        z=np.maximum(cost[pairs.low], mu / inside[pairs.low]),
        v=v,
        w=np.maximum(-cost[pairs.capped], mu / v),
        s=np.maximum((core.E @ inside - core.f)[pairs.kept], mu / price[pairs.kept]),
    )
