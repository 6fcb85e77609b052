"""Periods, seasons, closures, announcements and the change from yearly data to a period's."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError
from oreflow.market.economy import Economy, Isoelastic, Linear, Power, build_arrays, demand, supply
from oreflow.market.periods import (
    Period,
    open_share,
    periods_between,
    scale_capacities,
    season_factor,
    seen_share,
    share_within,
    to_period,
)

MONSOON = (1.2, 1.2, 1.2, 1.2, 1.2, 1.0, 0.4, 0.4, 0.4, 1.0, 1.4, 1.4)


def test_a_period_needs_a_length() -> None:
    with pytest.raises(EconomyError, match="length 0 years; expected more than 0"):
        Period(2025.0, 0.0)


@pytest.mark.parametrize(("stop", "per_year"), [(2025.3, 4), (2025.0, 1), (2027.0, 0)])
def test_years_that_hold_no_whole_number_of_periods_are_refused(stop: float, per_year: int) -> None:
    with pytest.raises(EconomyError, match="expected a whole number of periods"):
        periods_between(2025.0, stop, per_year)


@given(rate=st.floats(0.0, 0.95), cuts=st.integers(1, 12))
def test_a_rate_compounds_to_the_same_year(rate: float, cuts: int) -> None:
    left = (1.0 - share_within(rate, 1.0 / cuts)) ** cuts
    assert left == pytest.approx(1.0 - rate, abs=1e-12)


def test_the_monsoon_falls_on_the_third_quarter() -> None:
    quarters = [season_factor(period, MONSOON) for period in periods_between(2025, 2026, 4)]
    assert quarters == pytest.approx([1.2, 3.4 / 3, 0.4, 3.8 / 3])
    assert np.mean(quarters) == pytest.approx(season_factor(Period(2025.0, 1.0), MONSOON))
    assert season_factor(Period(2025.5, 1.0), MONSOON) == pytest.approx(np.mean(MONSOON))
    assert season_factor(Period(2025 + 6.5 / 12, 1 / 12), MONSOON) == pytest.approx(0.4)


@pytest.mark.parametrize("months", [(1.0,) * 11, (-1.0, *(1.0,) * 11)])
def test_a_season_has_twelve_factors(months: tuple[float, ...]) -> None:
    with pytest.raises(EconomyError, match="expected twelve factors of 0 or more"):
        season_factor(Period(2025.0, 1.0), months)


def test_closures_that_overlap_count_once() -> None:
    assert open_share(Period(2025.0, 1.0), [(2025.5, 2025.75), (2025.25, 2025.6)]) == pytest.approx(0.5)
    assert open_share(Period(2025.0, 1.0), [(2025.1, 2025.9), (2025.2, 2025.3)]) == pytest.approx(0.2)
    assert open_share(Period(2026.0, 1.0), [(2025.5, 2025.75)]) == 1.0


def test_what_is_known_when() -> None:
    now, later = Period(2025.0, 1.0), Period(2026.0, 1.0)
    assert seen_share(now, 2025.0, 2025.5) == 0.5  # starts within the current period: in force, not foreseen
    assert seen_share(later, 2025.0, 2025.5) == 0.0  # not yet known to go on
    assert seen_share(later, 2026.0, 2025.5) == 1.0
    assert seen_share(later, 2025.0, 2026.5, announced=2025.0) == 0.5
    assert seen_share(later, 2025.0, 2026.5, announced=2025.1) == 0.0
    assert seen_share(later, 2025.0, 2024.0, 2026.25) == 0.25


def table() -> CurveTable:
    kinds = [CurveKind.CONSTANT, CurveKind.LINEAR, CurveKind.POWER, CurveKind.HYPERBOLIC, CurveKind.ISOELASTIC]
    return CurveTable.of(kinds, shift=0.5, a=3.0, b=[0, 0.2, 0.1, 4.0, 20.0], c=[1, 1, 2.5, 50.0, -0.4])


@given(length=st.floats(0.05, 3.0), level=st.floats(0.1, 40.0))
def test_curves_keep_their_price_at_the_same_yearly_rate(length: float, level: float) -> None:
    n = 5
    arrays = EconomyArrays(
        A=sp.csc_array(np.ones((1, n))), B=sp.csc_array(np.ones((1, n))), curves=table(), upper=np.full(n, 7.0),
        fixed=np.array([2.0]), equality=np.array([False]), G=sp.csr_array(np.ones((1, n))), h=np.array([9.0]),
        K=sp.csc_array(np.full((n, n), 0.3)),
    )  # fmt: skip
    part = to_period(arrays, length)
    yearly = np.full(n, level)
    before = arrays.curves.marginal(yearly) + arrays.K @ yearly
    np.testing.assert_allclose(part.curves.marginal(yearly * length) + part.K @ (yearly * length), before, rtol=1e-9)
    assert part.upper[0] == pytest.approx(7.0 * length)
    assert part.fixed[0] == pytest.approx(2.0 * length)
    assert part.h[0] == pytest.approx(9.0 * length)


def test_a_closed_activity_is_closed_even_without_a_capacity() -> None:
    arrays = EconomyArrays(
        A=sp.csc_array([[1.0, -1.0]]), B=sp.csc_array([[1.0, -1.0]]), curves=table().take(np.array([0, 1])),
        upper=np.array([np.inf, 4.0]), fixed=np.zeros(1), equality=np.zeros(1, bool), G=sp.csr_array((0, 2)),
        h=np.zeros(0),
    )  # fmt: skip
    assert scale_capacities(arrays, np.array([0.0, 0.5])).upper.tolist() == [0.0, 2.0]
    assert scale_capacities(arrays, np.array([0.7, 1.0])).upper.tolist() == [np.inf, 4.0]
    with pytest.raises(EconomyError, match="none below 0"):
        scale_capacities(arrays, np.array([-0.1, 1.0]))


def test_a_season_is_time_at_work() -> None:
    """At the same price a season's activity does its factor times as much, whatever its curve."""
    annual, _ = build_arrays(
        Economy(
            ("ore",),
            (supply("ore", Linear(10.0, 0.5), 100.0), supply("ore", Power(10.0, 3.0, 1.5), 100.0, name="other"),
             demand("ore", Isoelastic(50.0, 100.0, -0.5))),
        )
    )  # fmt: skip
    quarter = to_period(annual, 0.25, working=np.array([0.4, 0.4, 1.0]))
    plain = to_period(annual, 0.25)
    levels = np.array([7.0, 3.0, 20.0])
    slow = levels * np.array([0.4, 0.4, 1.0])
    np.testing.assert_allclose(quarter.curves.marginal(slow), plain.curves.marginal(levels), rtol=1e-12)
    np.testing.assert_allclose(quarter.upper[:2], 0.4 * plain.upper[:2])
    shut = to_period(annual, 0.25, working=np.array([0.0, 1.0, 1.0]))
    assert shut.upper[0] == 0.0
    assert np.isfinite(shut.curves.b).all()
    with pytest.raises(EconomyError, match="none below 0"):
        to_period(annual, 0.25, working=np.array([-1.0, 1.0, 1.0]))
    with pytest.raises(EconomyError, match="season of limits"):
        to_period(annual, 0.25, limits=np.ones(3))
