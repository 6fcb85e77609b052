"""The natural residual of an economy in the user's own arrays: how far a point is from being an equilibrium."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import EconomyArrays, Floats


def natural_residual(
    arrays: EconomyArrays, levels: Floats, prices: Floats, group_rents: Floats
) -> tuple[Floats, Floats]:
    """Return scaled natural residuals of the rows (markets, then groups) and of the activities.

    An excess is divided by the row's throughput, a reduced cost by the activity's turnover, a price and a level by
    themselves; a floor of 1e-9 of the largest keeps empty rows from dividing by nothing. Zero at an equilibrium.

    Args:
        arrays: the economy.
        levels: x, [n].
        prices: p, money per unit, [m].
        group_rents: l, [g].

    Returns:
        Residuals of rows [m + g] and of activities [n], without unit.

    Example:
        >>> rows, cols = natural_residual(arrays, s.levels, s.prices, s.group_rents)  # doctest: +SKIP

    Source: Facchinei and Pang (2003), section 1.5.
    """
    g = len(arrays.h)
    with np.errstate(all="ignore"):
        own = arrays.curves.marginal(levels)
        if arrays.K is not None:
            own = own + arrays.K @ levels
        excess = np.concatenate([arrays.A @ levels - arrays.fixed, arrays.h - arrays.G @ levels])
        cost = own + arrays.G.T @ group_rents - arrays.B.T @ prices
        through = np.concatenate(
            [
                _absolute(arrays.A) @ np.abs(levels) + np.abs(arrays.fixed),
                abs(arrays.G) @ np.abs(levels) + np.abs(arrays.h),
            ]
        )
        turnover = np.abs(own) + abs(arrays.G).T @ group_rents + _absolute(arrays.B).T @ np.abs(prices)
        through = np.maximum(through, 1e-9 * through.max(initial=1e-300))
        turnover = np.maximum(turnover, 1e-9 * turnover.max(initial=1e-300))
        y = np.concatenate([prices, group_rents])
        price_unit = np.maximum(np.abs(y), 1e-9 * np.abs(y).max(initial=1e-300))
        level_unit = np.maximum(np.abs(levels), 1e-9 * np.abs(levels).max(initial=1e-300))
        free = np.concatenate([arrays.equality, np.zeros(g, dtype=bool)])
        rows = np.abs(np.where(free, excess / through, np.minimum(y / price_unit, excess / through)))
        room = (levels - arrays.upper) / level_unit
        cols = np.abs(np.maximum(np.minimum(levels / level_unit, cost / turnover), room))
    return np.nan_to_num(rows, nan=np.inf), np.nan_to_num(cols, nan=np.inf)


def user_residual(arrays: EconomyArrays, levels: Floats, prices: Floats, group_rents: Floats) -> float:
    """Return the largest natural residual `|z - mid(l, z - F(z), u)|` as it stands, in the user's own units.

    Args:
        arrays: the economy.
        levels: x, [n].
        prices: p, money per unit, [m].
        group_rents: l, [g].

    Source: Facchinei and Pang (2003), section 1.5.
    """
    with np.errstate(all="ignore"):
        own = arrays.curves.marginal(levels)
        if arrays.K is not None:
            own = own + arrays.K @ levels
        excess = np.concatenate([arrays.A @ levels - arrays.fixed, arrays.h - arrays.G @ levels])
        cost = own + arrays.G.T @ group_rents - arrays.B.T @ prices
        free = np.concatenate([arrays.equality, np.zeros(len(arrays.h), dtype=bool)])
        rows = np.where(free, excess, np.minimum(np.concatenate([prices, group_rents]), excess))
        cols = levels - np.clip(levels - cost, 0.0, arrays.upper)
    worst = max(float(np.abs(part).max(initial=0.0)) for part in (rows, cols))
    return worst if worst == worst else float("inf")


def _absolute(matrix: sp.csc_array) -> sp.csc_array:
    return sp.csc_array((np.abs(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
