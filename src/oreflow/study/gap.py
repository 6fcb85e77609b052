"""Reference demand less consumption of the tracked elements, split by what users do about it.

Thrifting is less of the element in a tonne of goods. What remains of the gap is goods not bought: rationed where the
price stands at the choke; else, on the demand curve d = ref^s memory^(1-s) (p/p0)^(e s), the logarithm of ref/d is a
sum of a term of this year's price and a term of what earlier prices left in the memory. The first is lost output (no
time to change a design), the second substitution. The split of the difference by its logarithms is the additive
logarithmic-mean Divisia index (Ang, Energy Policy 32 (2004) 1131-1139), which leaves no remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from oreflow.market.arrays import CurveKind

if TYPE_CHECKING:
    from oreflow.study.base import Base

_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class GoodsGap:
    """Tonnes of goods not bought, by reason; they sum to reference less consumption."""

    substitution: float
    lost_output: float
    rationing: float


def goods_gap(base: Base, j: int, elapsed: int, price: float, level: float, before: float) -> GoodsGap:
    """Split the goods that a use does without.

    Args:
        base: the base year with its demand curves.
        j: the use's activity.
        elapsed: years since the base year.
        price: of the good, USD per t.
        level: its consumption, t in the year.
        before: its consumption in the year before, t.
    """
    reference, on_curve, memory = _on_curve(base, j, elapsed, price, before)
    if on_curve is None:
        return GoodsGap(0.0, reference - level, 0.0)
    rationing = max(on_curve - level, 0.0) if price >= base.d[j] * (1.0 - 1e-6) else 0.0
    used = level + rationing
    if min(used, reference) <= _LEAST:
        return GoodsGap(0.0, reference - used, rationing)
    inherited = memory * np.log(reference / max(before * (1.0 + base.network.growth[j]), _LEAST))
    weight = logarithmic_mean(reference, used)
    substitution = weight * float(inherited) if elapsed else 0.0
    return GoodsGap(substitution, reference - used - substitution, rationing)


def logarithmic_mean(x: float, y: float) -> float:
    """Return (x - y) / ln(x / y), and x where both are equal.

    >>> round(logarithmic_mean(2.0, 1.0), 6)
    1.442695
    """
    if abs(x - y) <= 1e-9 * max(x, y):
        return x
    return float((x - y) / np.log(x / y))


def _on_curve(base: Base, j: int, elapsed: int, price: float, before: float) -> tuple[float, float | None, float]:
    """Return reference demand, demand on the curve at the price (None for a curve without memory), weight of memory."""
    growth = 1.0 + base.network.growth[j]
    reference = float(base.year.levels[j] * growth**elapsed)
    if base.kind[j] != CurveKind.ISOELASTIC:
        return reference, None, 0.0
    speed = float(base.network.adjustment[j]) if elapsed else 1.0
    scale = max(reference, _LEAST) ** speed * max(before * growth, _LEAST) ** (1.0 - speed)
    ratio = max(min(price, base.d[j]), _LEAST) / base.a[j]
    return reference, float(scale * ratio ** (base.c[j] * speed)), 1.0 - speed
