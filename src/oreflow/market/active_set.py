"""Newton's method on the active set that the natural residual names: from nearby, and for the last digits.

Source: Facchinei and Pang (2003), Finite-Dimensional Variational Inequalities and Complementarity Problems, ch. 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oreflow.market.arrays import Floats
from oreflow.market.interior import largest_step
from oreflow.market.isoelastic import level_at, linearise, lowest_price, price_asked
from oreflow.market.newton import factorise_system
from oreflow.market.options import Clock
from oreflow.market.scaling import Core

Flags = npt.NDArray[np.bool_]

_SHARP = 1e-12  # a residual beyond which a step that brings nothing ends the search


@dataclass(frozen=True, slots=True)
class Residual:
    """Scaled natural residuals by row and column, what they were computed from, and the largest."""

    rows: Floats
    cols: Floats
    excess: Floats
    cost: Floats
    size: float


def scaled_residual(core: Core, x: Floats, y: Floats) -> Residual:
    """Scaled natural residual at (x, y): every excess relative to throughput, every reduced cost to turnover."""
    with np.errstate(invalid="ignore", over="ignore"):
        mc = core.marginal(x)
        excess = core.E @ x - core.f
        cost = mc - core.Ft @ y
        throughput = core.abs_E @ np.abs(x) + np.abs(core.f)
        turnover = core.abs_Ft @ np.abs(y) + np.abs(mc)
    throughput = np.maximum(throughput, 1e-4)
    turnover = np.maximum(turnover, 1e-4)
    price_unit = np.maximum(np.abs(y), 1e-3)
    rows = np.where(core.free, np.abs(excess) / throughput, np.abs(np.minimum(y / price_unit, excess / throughput)))
    level_unit = np.maximum(np.abs(x), 1e-3)
    cols = np.abs(np.maximum(np.minimum(x / level_unit, cost / turnover), (x - core.u) / level_unit))
    rows, cols = np.nan_to_num(rows, nan=np.inf), np.nan_to_num(cols, nan=np.inf)
    size = float(max(rows.max(initial=0.0), cols.max(initial=0.0)))
    return Residual(rows, cols, excess, cost, size)


def active_set(
    core: Core, x: Floats, y: Floats, steps: int, tolerance: float, clock: Clock, patience: int = 4
) -> tuple[Floats, Floats, Residual, int]:
    """Newton on the active set read from the natural residual; returns the best point met.

    It gives up when more than `patience` steps since the last halving of the best residual brought nothing.

    Returns:
        Levels, prices, their residual, and the number of Newton systems.
    """
    x, y = np.clip(x, 0.0, core.u), np.where(core.free, y, np.maximum(y, 0.0))
    x[core.iso] = np.maximum(x[core.iso], 1e-12)
    state = scaled_residual(core, x, y)
    best = (x, y, state)
    worse = 0
    iso = np.zeros(len(x), dtype=bool)
    iso[core.iso] = True
    for count in range(steps):
        if state.size <= 1e-14 or (best[2].size <= min(tolerance, _SHARP) and worse) or clock.step():
            return *best, count
        moved = _step(core, x, y, state, iso)
        if moved is None:
            return *best, count + 1
        x, y = moved
        # outside their bounds x and y still tell the next active set; the point itself is their projection
        state = scaled_residual(core, x, y)
        inside_x, inside_y = np.clip(x, 0.0, core.u), np.where(core.free, y, np.maximum(y, 0.0))
        same = np.array_equal(inside_x, x) and np.array_equal(inside_y, y)
        inside = state if same else scaled_residual(core, inside_x, inside_y)
        if inside.size < best[2].size:
            worse = 0 if inside.size < 0.5 * best[2].size else worse + 1
            best = (inside_x, inside_y, inside)
        else:
            worse += 1
            if worse > patience:
                return *best, count + 1
    return *best, steps


def _step(core: Core, x: Floats, y: Floats, state: Residual, iso: Flags) -> tuple[Floats, Floats] | None:
    """One Newton step: levels and prices at their bounds jump there, the equations of the others are solved."""
    on = core.free | (y > state.excess)
    at_low = ~iso & (x <= state.cost)
    at_high = ~at_low & (core.u - x <= -state.cost)
    inner = ~at_low & ~at_high
    aim = np.where(at_low, 0.0, np.where(at_high, core.u, x))
    jump = aim - x
    y_jump = np.where(on, 0.0, -y)
    slope, cost = linearise(core, x, -(core.Ft @ y))
    flat = inner & (slope < 1e-7)
    if core.K is not None:
        flat = flat | inner & np.isin(np.arange(len(x)), core.coupled)
    explicit = np.flatnonzero(flat)
    # levels off the inner set jump to their bounds; prices off the on set jump to zero
    col_side = -cost + core.Ft @ y_jump
    if core.K is not None:
        col_side = col_side - core.K @ jump
    col_side = np.where(inner, col_side, 0.0)
    row_side = -(state.excess + core.E @ jump)
    # a price with no inner level beside it is not determined here and stays put
    on = on & (np.bincount(core.E.indices[inner[core.owner]], minlength=len(y)) > 0)
    off = np.flatnonzero(~on)
    system = factorise_system(core, np.where(inner, slope + 1e-12, np.inf), np.where(on, 1e-8, 1.0), explicit, off)
    right = np.where(on, row_side - core.E @ (system.D * col_side), 0.0)
    both = system.solve(np.concatenate([right, col_side[explicit]]))
    dy = both[: len(y)]
    dy[off] = 0.0
    dx = system.D * (col_side + core.Ft @ dy)
    dx[explicit] = both[len(y) :]
    dx, dy = dx + jump, dy + y_jump
    if not (np.isfinite(dx).all() and np.isfinite(dy).all()):
        return None
    step = 1.0
    if core.iso.size:
        paid = price_asked(core, x, -(core.Ft @ y), core.iso)
        change = -(core.Ft @ dy)[core.iso]
        high = paid > lowest_price(core, core.iso)
        step = largest_step(0.95 * paid[high], change[high])
    walls = np.isfinite(core.barrier)
    if walls.any():
        step *= largest_step(0.9 * (core.barrier - x)[walls], -step * dx[walls])
    x, y = np.where(inner, x + step * dx, aim), y + step * dy
    if core.iso.size and core.iso_alone:
        level = level_at(core, price_asked(core, x, -(core.Ft @ y), core.iso), core.iso)[0]
        x[core.iso] = np.where(at_high[core.iso] & (level >= core.u[core.iso]), core.u[core.iso], level)
    return x, y
