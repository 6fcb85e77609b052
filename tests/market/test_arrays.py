"""Curves and the checks of the arrays."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError

TABLE = CurveTable.of(
    [0, 1, 2, 3, 4, 4, 4],
    shift=[0.0, 1.0, 0.0, 0.5, 2.0, 0.0, 0.0],
    a=[3.0, 1.0, 2.0, 1.0, 10.0, 5.0, 5.0],
    b=[0.0, 2.0, 0.5, 4.0, 50.0, 20.0, 20.0],
    c=[1.0, 1.0, 2.5, 9.0, -2.0, -0.7, -1.0],
    d=[np.inf, np.inf, np.inf, np.inf, np.inf, 40.0, 60.0],
)


@pytest.mark.parametrize("x", [0.7, 3.0, 8.5])
def test_slope_and_integral_are_derivative_and_area(x: float) -> None:
    at, step = np.full(7, x), 1e-5
    numeric = (TABLE.marginal(at + step) - TABLE.marginal(at - step)) / (2 * step)
    np.testing.assert_allclose(TABLE.slope(at), numeric, rtol=1e-6, atol=1e-9)
    area = (TABLE.integral(at + step) - TABLE.integral(at - step)) / (2 * step)
    np.testing.assert_allclose(area, TABLE.marginal(at), rtol=1e-7)
    assert TABLE.integral(np.zeros(7)) == pytest.approx(np.zeros(7))


def test_choke_price_caps_demand() -> None:
    tiny = np.full(7, 1e-3)
    assert -TABLE.marginal(tiny)[5] == 40.0
    assert TABLE.slope(tiny)[5] == 0.0


def test_shapes_and_signs_are_checked() -> None:
    good = {
        "A": sp.csc_array((2, 7)), "B": sp.csc_array((2, 7)), "curves": TABLE, "upper": np.ones(7),
        "fixed": np.zeros(2), "equality": np.zeros(2, bool), "G": sp.csr_array((0, 7)), "h": np.zeros(0),
    }  # fmt: skip
    economy = EconomyArrays(**good)  # type: ignore[arg-type]
    assert economy.shape == (2, 7, 0)
    assert economy.with_(upper=np.zeros(7)).upper.sum() == 0
    with pytest.raises(EconomyError, match=r"EconomyArrays.fixed has shape \(3,\); expected \(2,\)"):
        economy.with_(fixed=np.zeros(3))
    with pytest.raises(EconomyError, match="capacity of activity activity 1 is -1; expected 0 or more"):
        economy.with_(upper=np.array([1, -1, 1, 1, 1, 1, 1.0]))
    with pytest.raises(EconomyError, match=r"isoelastic curve 0: found .* expected .* elasticity c < 0"):
        CurveTable.of([CurveKind.ISOELASTIC], a=[1.0], b=[1.0], c=[0.5])
