"""Scores against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from oreflow.hindcast.scores import bootstrap_by_group, crps, direction, most_likely_direction, pit

FINITE = st.floats(-1e3, 1e3)


def test_crps_of_a_normal_ensemble_is_its_closed_form() -> None:
    mean, sd, y = 0.3, 0.2, 0.55
    members = norm.ppf((np.arange(20_000) + 0.5) / 20_000, mean, sd)
    z = (y - mean) / sd
    exact = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(members, y) == pytest.approx(exact, rel=1e-4)


def test_crps_of_a_uniform_ensemble_at_its_middle_is_a_twelfth() -> None:
    assert crps((np.arange(1000) + 0.5) / 1000, 0.5) == pytest.approx(1 / 12, rel=1e-4)


@given(st.lists(FINITE, min_size=1, max_size=30), FINITE)
def test_crps_is_the_mean_distance_less_half_the_spread(members: list[float], y: float) -> None:
    x = np.array(members)
    naive = np.abs(x - y).mean() - 0.5 * np.abs(x[:, None] - x[None, :]).mean()
    assert crps(x, y) == pytest.approx(naive, abs=1e-9)
    assert crps(x, y) >= -1e-9


@given(st.lists(FINITE, min_size=1, max_size=30), FINITE)
def test_pit_is_a_share_and_grows_with_what_came(members: list[float], y: float) -> None:
    assert 0.0 <= pit(np.array(members), y) <= pit(np.array(members), y + 1.0) <= 1.0


def test_pit_of_forecasts_that_are_right_is_uniform() -> None:
    rng = np.random.default_rng(1)
    found = [pit(rng.normal(size=200), rng.normal()) for _ in range(2000)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)
    assert np.var(found) == pytest.approx(1 / 12, rel=0.06)


def test_direction_has_a_dead_band_and_the_ensemble_votes() -> None:
    assert [direction(x, 0.05) for x in (-0.06, -0.05, 0.0, 0.05, 0.06)] == [-1, 0, 0, 0, 1]
    assert most_likely_direction(np.array([0.1, 0.2, 0.0, -0.3]), 0.05) == 1
    assert most_likely_direction(np.array([0.1, 0.0]), 0.05) == 0  # equal votes: the median's


def test_the_bootstrap_draws_whole_groups() -> None:
    rng = np.random.default_rng(1)
    low, high = bootstrap_by_group([0.0, 0.0, 1.0, 1.0], ["a", "a", "b", "b"], rng)
    assert (low, high) == (0.0, 1.0)  # a quarter of the resamples holds only a, a quarter only b
    assert bootstrap_by_group([2.0, 4.0], ["a", "a"], rng) == (3.0, 3.0)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_by_group([], [], rng)
