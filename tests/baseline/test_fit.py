"""The fit against closed forms of normal linear models, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.baseline.fit import FitError, Prior, fit

FIXED = 1e9  # observations that the prior of the noise counts for: the noise stays


@given(st.floats(0.5, 2.0), st.floats(0.7, 3.0), st.floats(0.05, 2.0))
def test_one_normal_observation_of_the_logarithm_has_its_closed_form(seen: float, width: float, sd: float) -> None:
    prior = Prior("x", np.exp(-width), 1.0, np.exp(width))
    found = fit((prior,), lambda p: np.array([np.log(seen) - np.log(p["x"])]), noise=sd, noise_weight=FIXED)
    precision = 1.0 + (prior.sd / sd) ** 2
    mean = (prior.sd / sd**2) * np.log(seen) / precision
    assert found.ok
    assert found.mode[0] == pytest.approx(mean, abs=5e-3)
    assert found.covariance[0, 0] == pytest.approx(1.0 / precision, rel=1e-3)
    assert found.values["x"] == pytest.approx(prior.to_value(found.mode[0]))


def test_an_observation_that_counts_for_a_half_twice_counts_once() -> None:
    prior = Prior("x", 0.5, 1.0, 2.0)
    once = fit((prior,), lambda p: np.array([0.4 - np.log(p["x"])]), noise=0.2)
    twice = fit((prior,), lambda p: np.full(2, 0.4 - np.log(p["x"])), noise=0.2, counts=np.full(2, 0.5))
    assert twice.mode == pytest.approx(once.mode, abs=1e-6)
    assert twice.noise == pytest.approx(once.noise, rel=1e-6)
    np.testing.assert_allclose(twice.covariance, once.covariance, rtol=1e-6)


def test_noise_is_found_for_an_observation_of_scale_one() -> None:
    rng = np.random.default_rng(3)
    scale = rng.uniform(0.2, 2.0, 4000)
    seen = 0.3 * scale * rng.standard_normal(4000)
    found = fit((Prior("x", 0.5, 1.0, 2.0),), lambda p: seen - np.log(p["x"]), noise=0.1, scale=scale)
    assert found.noise == pytest.approx(0.3, rel=0.05)
    assert found.values["x"] == pytest.approx(1.0, abs=0.02)


def test_a_known_variance_is_not_taken_for_what_the_model_can_learn() -> None:
    prior = Prior("x", 0.5, 1.0, 2.0)

    def moved(extra: float) -> float:
        found = fit((prior,), lambda p: np.array([0.5 - np.log(p["x"])]), noise=0.1, noise_weight=FIXED,
                    extra_variance=extra)  # fmt: skip
        return float(found.mode[0])

    assert moved(0.0) > moved(0.3) > moved(10.0) > 0.0


def test_draws_follow_the_covariance_and_stay_inside_the_domain() -> None:
    priors = (Prior("share", 0.2, 0.5, 0.8, "logit"), Prior("elasticity", -1.2, -0.7, -0.3))
    found = fit(priors, lambda p: np.array([p["share"] - 0.6, p["elasticity"] + 0.5]), noise=0.1)
    draws = found.draws(4000, np.random.default_rng(1))
    assert all(0.0 < d["share"] < 1.0 and d["elasticity"] < 0.0 for d in draws)
    inside = np.mean([found.ranges["share"][0] <= d["share"] <= found.ranges["share"][1] for d in draws])
    assert inside == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("points", [(1.0, 0.5, 2.0), (-1.0, 0.5, 2.0), (0.0, 0.5, 1.0)])
def test_a_prior_outside_its_domain_is_refused(points: tuple[float, float, float]) -> None:
    with pytest.raises(FitError, match="expected rising numbers"):
        Prior("x", *points)


def test_a_model_without_a_number_at_the_start_is_refused() -> None:
    with pytest.raises(FitError, match="no number at the centre"):
        fit((Prior("x", 0.5, 1.0, 2.0),), lambda _: np.array([np.nan]))
