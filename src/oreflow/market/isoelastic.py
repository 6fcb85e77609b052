"""Isoelastic demand inside the Newton methods: quantity as a function of price.

The inverse demand of an inelastic use explodes away from the solution; its quantity as a function of price stays
tame. Demand without choke price is always taken so, the curved part of choked demand where what it is asked is within
a factor of two of what it offers.
"""

from __future__ import annotations

import numpy as np

from oreflow.market.arrays import Floats
from oreflow.market.scaling import Core, Ints

_NEAR = (0.5, 2.0)  # ratios of what choked demand is asked to what it offers between which its quantity is linearised
_LARGEST = 1e8  # multiple of the reference quantity beyond which isoelastic demand is continued by its tangent


def lowest_price(core: Core, at: Ints) -> Floats:
    """Price at which isoelastic demand reaches the largest multiple of its reference quantity."""
    out: Floats = core.curves.a[at] * np.maximum(_LARGEST ** (1.0 / core.curves.c[at]), 1e-30)
    return out


def level_at(core: Core, price: Floats, at: Ints) -> tuple[Floats, Floats]:
    """Return (level, slope d price / d level) of isoelastic demand at `price` (any sign)."""
    a, b, c = core.curves.a[at], core.curves.b[at], core.curves.c[at]
    inside = np.maximum(price, lowest_price(core, at))
    level = b * (inside / a) ** c
    change = c * level / inside
    return level + change * (price - inside), -1.0 / change


def price_asked(core: Core, x: Floats, rest: Floats, at: Ints) -> Floats:
    """What isoelastic demand must pay at these prices; `rest` is what adds to its marginal cost."""
    price = core.curves.shift[at] + rest[at]
    return price if core.K is None else price + (core.K @ x)[at]


def linearise(core: Core, x: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """Return (h, r): slope of each activity and its cost residual MC(x) + rest, isoelastic demand by quantity."""
    h = core.slope(x)
    cost = core.marginal(x)
    r = cost + rest
    if core.iso.size:
        at = core.iso
        level, slope = level_at(core, price_asked(core, x, rest, at), at)
        h[at] = slope
        r[at] = slope * (x[at] - level)
    if core.bent.size:
        price = price_asked(core, x, rest, core.bent)
        offered = (core.curves.shift - cost)[core.bent]
        near = (price > _NEAR[0] * offered) & (price < _NEAR[1] * offered)
        at = core.bent[near]
        level, slope = level_at(core, price[near], at)
        h[at] = slope
        r[at] = slope * (x[at] + core.knees[at] - level)
    return np.clip(h, 0.0, 1e18), r
