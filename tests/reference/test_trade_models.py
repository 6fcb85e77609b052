"""R9 (GSIM 4x4) and R12 (SMART) with their published or constructed numbers."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from oreflow.market.partial import solve_smart

SCRIPTS = Path(__file__).resolve().parents[2] / "docs" / "reference"


def test_r9_gsim_us_eu_free_trade() -> None:
    out = runpy.run_path(str(SCRIPTS / "r09_gsim.py"))["result"]
    assert out.price == pytest.approx([0.079181, -0.031621, 0.048049, -0.018372], abs=1e-6)
    assert 100 * out.output == pytest.approx([11.877, -4.743, 7.207, -2.756], abs=1e-3)
    assert 100 * out.trade[[0, 2, 1, 3, 0], [2, 0, 0, 0, 1]] == pytest.approx(
        [78.777, 64.822, -16.555, -23.180, -29.885], abs=1e-3
    )
    assert out.composite_price == pytest.approx([-0.090287, 0.025881, -0.080017, 0.036876], abs=1e-6)
    assert out.producer_surplus == pytest.approx([46.136, -26.240, 39.825, -5.073], abs=1e-3)
    assert out.consumer_surplus == pytest.approx([110.595, -8.876, 68.559, -32.859], abs=1e-3)
    assert out.tariff_revenue == pytest.approx([-138.517, 0.622, -93.839, -2.870], abs=1e-3)
    assert out.net == pytest.approx([18.214, -34.495, 14.544, -40.802], abs=1e-3)
    assert out.net.sum() == pytest.approx(-42.538, abs=1e-3)
    assert out.trade_value[0] == pytest.approx([0, 37.833, 385.866, 240.348], abs=1e-3)


def smart(**changes: float | bool) -> tuple[float, float, float]:
    given = {"rate_before": 0.2, "rate_after": 0.0, "demand_elasticity": 1.5, "substitution": 1.5} | changes
    out = solve_smart(100, 200, **given)  # type: ignore[arg-type]
    return out.creation, out.diversion, out.revenue


def test_r12_smart_creation_diversion_revenue() -> None:
    out = runpy.run_path(str(SCRIPTS / "r12_smart.py"))
    assert (out["linear"].creation, out["linear"].diversion) == smart()[:2]
    assert (out["ratio"].creation, out["ratio"].diversion) == smart(ratio=True)[:2]
    assert smart() == pytest.approx((25.0, 16.666667, 36.666667), rel=1e-6)
    assert smart(ratio=True) == pytest.approx((25.0, 15.384615, 36.923077), rel=1e-6)
    assert smart(demand_elasticity=3.0)[0] == pytest.approx(50.0)
    assert smart(substitution=1e3)[1] == pytest.approx(200.0)  # never more than there is
