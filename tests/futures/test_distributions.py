"""Distributions: quantile functions against scipy's, ranges kept, bad ranges refused in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from oreflow.futures.distributions import (
    Choice,
    Distribution,
    DistributionError,
    LogUniform,
    Pert,
    Triangular,
    Uncertainty,
    Uniform,
    check_names,
    from_grade,
)

SHARES = np.linspace(0.0, 1.0, 41)
NUMBERS = st.floats(-1e6, 1e6).filter(lambda number: abs(number) > 1e-3 or number == 0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Uniform(-2.0, 6.0), stats.uniform(-2.0, 8.0)),
        (LogUniform(0.5, 40.0), stats.loguniform(0.5, 40.0)),
        (Triangular(1.0, 2.0, 6.0), stats.triang(0.2, 1.0, 5.0)),
        (Triangular(1.0, 1.0, 6.0), stats.triang(0.0, 1.0, 5.0)),
        (Triangular(1.0, 6.0, 6.0), stats.triang(1.0, 1.0, 5.0)),
        (Pert(1.0, 2.0, 6.0), stats.beta(1.8, 4.2, 1.0, 5.0)),
        (Pert(1.0, 1.0, 6.0), stats.beta(1.0, 5.0, 1.0, 5.0)),
    ],
)
def test_quantiles_are_scipys(ours: Distribution, theirs: stats.distributions.rv_frozen) -> None:
    np.testing.assert_allclose(ours.quantile(SHARES), theirs.ppf(SHARES), rtol=1e-9, atol=1e-12)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted).filter(lambda three: three[2] - three[0] > 1e-3))
def test_quantiles_rise_and_stay_in_the_range(three: list[float]) -> None:
    low, mode, high = three
    for distribution in (Uniform(low, high), Triangular(low, mode, high), Pert(low, mode, high)):
        values = distribution.quantile(SHARES)
        slack = 1e-9 * max(abs(low), abs(high))
        assert (np.diff(values) >= -slack).all()
        assert values.min() >= low - slack
        assert values.max() <= high + slack


def test_the_mean_of_a_pert_is_the_textbook_one() -> None:
    middles = (np.arange(20_000) + 0.5) / 20_000
    assert Pert(8.0, 10.0, 14.0).quantile(middles).mean() == pytest.approx((8 + 4 * 10 + 14) / 6, rel=1e-5)


def test_a_choice_falls_by_weight() -> None:
    middles = (np.arange(1000) + 0.5) / 1000
    counts = np.bincount(Choice(("a", "b", "c"), (1.0, 3.0, 6.0)).quantile(middles).astype(int))
    assert counts.tolist() == [100, 300, 600]


@pytest.mark.parametrize(
    ("grade", "expected"),
    [
        ("A", Pert(8.0, 10.0, 14.0)),
        ("B", Pert(8.0, 10.0, 14.0)),
        ("C", Pert(8.0, 10.0, 14.0)),
        ("D", Uniform(8.0, 14.0)),
        ("M", Uniform(5.0, 17.0)),
    ],
)
def test_a_grade_stands_for_a_distribution(grade: str, expected: Distribution) -> None:
    assert from_grade(10.0, 8.0, 14.0, grade) == expected


def test_a_widened_range_keeps_its_sign() -> None:
    assert from_grade(2.0, 1.0, 9.0, "M") == Uniform(0.0, 13.0)
    assert from_grade(-2.0, -4.0, 0.0, "M") == Uniform(-6.0, 2.0)


def test_wide_positive_ranges_are_log_uniform_where_asked() -> None:
    assert from_grade(10.0, 1.0, 200.0, "D", log_above=100.0) == LogUniform(1.0, 200.0)
    assert from_grade(10.0, 2.0, 200.0, "D", log_above=100.0) == Uniform(2.0, 200.0)
    assert from_grade(10.0, 1.0, 200.0, "B", log_above=100.0) == Pert(1.0, 10.0, 200.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(2.0, 2.0), "the range is 2 to 2; expected two finite numbers, low below high"),
        (lambda: Uniform(0.0, float("inf")), "the range is 0 to inf"),
        (lambda: Pert(0.0, float("nan"), 1.0), "the value nan lies outside its range 0 to 1"),
        (lambda: Triangular(0.0, 3.0, 1.0), "the value 3 lies outside its range 0 to 1; correct one of them"),
        (lambda: LogUniform(0.0, 1.0), "begins at 0; expected a number above 0"),
        (lambda: Choice(("a",)), "expected two or more, each once"),
        (lambda: Choice(("a", "a")), "expected two or more, each once"),
        (lambda: Choice(("a", "b"), (1.0, 0.0)), "expected 2 numbers above 0, one an option"),
        (lambda: from_grade(1.0, 0.0, 2.0, "E"), "the grade is 'E'; expected A, B, C, D or M"),
    ],
)
def test_what_is_no_distribution_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(DistributionError) as caught:
        make()
    assert message in str(caught.value)


def test_a_name_stands_once() -> None:
    road = Uncertainty("road", Uniform(0.0, 1.0))
    assert check_names([road]) == ("road",)
    with pytest.raises(DistributionError, match=r"named twice or not at all: \['road'\]"):
        check_names([road, road])
