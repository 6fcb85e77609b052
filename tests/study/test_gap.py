"""The gap between reference demand and consumption: parts sum to the whole, each where it belongs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.market.arrays import CurveKind
from oreflow.study.gap import goods_gap


def one_use(growth: float = 0.0, speed: float = 0.5, choke: float = 600.0) -> SimpleNamespace:
    """A use of 100 t at 100 USD/t with long-run elasticity -1."""
    network = SimpleNamespace(growth=np.array([growth]), adjustment=np.array([speed]))
    return SimpleNamespace(
        network=network, year=SimpleNamespace(levels=np.array([100.0])), kind=np.array([CurveKind.ISOELASTIC]),
        a=np.array([100.0]), b=np.array([100.0]), c=np.array([-1.0]), d=np.array([choke]),
    )  # fmt: skip


def curve(base: SimpleNamespace, elapsed: int, price: float, before: float) -> float:
    growth, speed = 1.0 + base.network.growth[0], base.network.adjustment[0]
    return (100.0 * growth**elapsed) ** speed * (before * growth) ** (1 - speed) * (price / 100.0) ** -speed


def test_a_first_rise_of_the_price_is_lost_output_alone() -> None:
    base = one_use()
    level = curve(base, 1, 150.0, 100.0)
    gap = goods_gap(base, 0, 1, 150.0, level, 100.0)
    assert gap.substitution == 0.0
    assert gap.rationing == 0.0
    assert gap.lost_output == pytest.approx(100.0 - level, rel=1e-12)


def test_what_earlier_prices_left_is_substitution() -> None:
    base = one_use()
    level = curve(base, 2, 100.0, 80.0)
    gap = goods_gap(base, 0, 2, 100.0, level, 80.0)
    assert gap.lost_output == pytest.approx(0.0, abs=1e-12)
    assert gap.substitution == pytest.approx(100.0 - level, rel=1e-12)


def test_short_of_the_curve_at_the_choke_is_rationing() -> None:
    base = one_use(choke=200.0)
    on_curve = curve(base, 1, 200.0, 100.0)
    gap = goods_gap(base, 0, 1, 200.0, on_curve - 10.0, 100.0)
    assert gap.rationing == pytest.approx(10.0, rel=1e-9)
    assert gap.lost_output == pytest.approx(100.0 - on_curve, rel=1e-9)


@given(
    st.floats(20.0, 900.0), st.floats(1.0, 300.0), st.floats(0.05, 1.0), st.floats(-0.05, 0.1), st.integers(1, 10),
    st.floats(0.0, 1.0),
)  # fmt: skip
def test_the_parts_sum_to_the_gap(
    price: float, before: float, speed: float, growth: float, elapsed: int, served: float
) -> None:
    base = one_use(growth, speed)
    level = curve(base, elapsed, min(price, 600.0), before) * (served if price >= 600.0 else 1.0)
    gap = goods_gap(base, 0, elapsed, price, level, before)
    reference = 100.0 * (1.0 + growth) ** elapsed
    assert gap.substitution + gap.lost_output + gap.rationing == pytest.approx(reference - level, rel=1e-9, abs=1e-9)
    assert gap.rationing >= 0.0
