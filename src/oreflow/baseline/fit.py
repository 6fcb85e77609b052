"""Fit free parameters to observations by their posterior mode, with its Laplace covariance.

Parameters have priors given by a centre and a 90% range; observations have independent normal errors whose standard
deviation is found with them. Source: Gelman et al. (2013), ch. 4 (normal approximation at the mode); the optimiser is
SciPy's trust-region least squares (Branch, Coleman and Li, 1999).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oreflow.core.errors import OreflowError

Floats = NDArray[np.float64]
_Z90 = 1.6448536269514722


class FitError(OreflowError):
    """A prior outside its domain, or a model that gives no number at the start."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Prior of one parameter: normal after a transform, with a 90% range.

    Args:
        name: of the parameter.
        low, centre, high: 5%, 50% and 95% points in the parameter's own unit; a range that is not symmetric after the
            transform keeps its centre and its width.
        scale: `log` (all of one sign) or `logit` (between 0 and 1).
        source: where the range comes from.

    Raises:
        FitError: if the points are not in order or outside the domain.

    Example:
        >>> round(Prior("elasticity", -1.2, -0.7, -0.4, "log").to_value(0.0), 6)
        -0.7
    """

    name: str
    low: float
    centre: float
    high: float
    scale: Literal["log", "logit"] = "log"
    source: str = ""

    def __post_init__(self) -> None:
        inside = self.low * self.high > 0.0 if self.scale == "log" else self.low > 0.0 and self.high < 1.0
        if not (self.low < self.centre < self.high and inside):
            raise FitError(f"prior of {self.name}: {self.low:g}, {self.centre:g}, {self.high:g} on a {self.scale} "
                           "scale; expected rising numbers inside its domain")  # fmt: skip

    def _transform(self, value: float) -> float:
        return float(np.log(abs(value)) if self.scale == "log" else np.log(value / (1.0 - value)))

    @property
    def sd(self) -> float:
        """Standard deviation after the transform."""
        return abs(self._transform(self.high) - self._transform(self.low)) / (2.0 * _Z90)

    def to_value(self, z: float) -> float:
        """Return the parameter at `z` prior standard deviations from its centre."""
        u = self._transform(self.centre) + z * self.sd
        return float(np.sign(self.centre) * np.exp(u)) if self.scale == "log" else float(1.0 / (1.0 + np.exp(-u)))


@dataclass(frozen=True, slots=True)
class Fit:
    """Posterior of the parameters.

    Attributes:
        priors: K.
        mode: in prior standard deviations from the centre, [K].
        covariance: likewise, [K, K].
        noise: standard deviation of an observation of scale 1.
        residuals: observed less modelled at the mode, [N].
        evaluations: of the model.
        ok, message: of the optimiser.
    """

    priors: tuple[Prior, ...]
    mode: Floats
    covariance: Floats
    noise: float
    residuals: Floats
    evaluations: int
    ok: bool
    message: str

    @property
    def values(self) -> dict[str, float]:
        """Parameters at the mode, in their own unit."""
        return self.at(self.mode)

    def at(self, z: Floats) -> dict[str, float]:
        """Parameters at a point given in prior standard deviations, [K]."""
        return {prior.name: prior.to_value(float(x)) for prior, x in zip(self.priors, z, strict=True)}

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """90% range of each parameter by itself."""
        sd = np.sqrt(np.diag(self.covariance))
        ends = [
            sorted((p.to_value(m - _Z90 * s), p.to_value(m + _Z90 * s)))
            for p, m, s in zip(self.priors, self.mode, sd, strict=True)
        ]
        return {prior.name: (low, high) for prior, (low, high) in zip(self.priors, ends, strict=True)}

    def draws(self, count: int, rng: np.random.Generator) -> list[dict[str, float]]:
        """Draws from the normal approximation."""
        return [self.at(z) for z in rng.multivariate_normal(self.mode, self.covariance, size=count, method="eigh")]


def fit(
    priors: tuple[Prior, ...], residuals: Callable[[Mapping[str, float]], Floats], *, noise: float = 0.1,
    noise_weight: float = 2.0, scale: Floats | float = 1.0, counts: Floats | float = 1.0,
    extra_variance: Floats | float = 0.0, step: float = 0.05, passes: int = 20,
    progress: Callable[[int, float], None] | None = None,
) -> Fit:  # fmt: skip
    """Return the posterior mode of parameters and noise, and the Laplace covariance of the parameters.

    Args:
        priors: of the K parameters.
        residuals: function of the parameters that returns observed less modelled, [N].
        noise: prior standard deviation of an observation of scale 1 (scaled inverse chi-squared).
        noise_weight: observations that the prior of the noise counts for.
        scale: by which the noise of each observation is multiplied, [N].
        counts: observations that each counts for, [N]; a half for two that say the same.
        extra_variance: known variance of each observation, added to the noise, [N].
        step: of the finite differences, in prior standard deviations (the model has kinks).
        passes: most rounds between parameters and noise.
        progress: called with the number of evaluations and the cost.

    Raises:
        FitError: if the model gives no finite residuals at the priors' centre.

    Example:
        >>> prior = Prior("slope", 0.5, 1.0, 2.0)
        >>> found = fit((prior,), lambda p: np.array([1.5 - p["slope"]]), noise=1e-4, noise_weight=1e9)
        >>> round(found.values["slope"], 3)
        1.5
    """
    from scipy.optimize import least_squares

    calls = 0

    def model(z: Floats) -> Floats:
        nonlocal calls
        calls += 1
        values = {prior.name: prior.to_value(float(x)) for prior, x in zip(priors, z, strict=True)}
        return np.asarray(residuals(values), dtype=float)

    start = model(np.zeros(len(priors)))
    if not np.isfinite(start).all():
        raise FitError("fit: the model gives no number at the centre of the priors; expected finite residuals")
    known, sizes, many = (
        np.broadcast_to(np.asarray(x, dtype=float), start.shape) for x in (extra_variance, scale, counts)
    )

    def roots(sd: float) -> Floats:
        """What residuals are multiplied by, so that their squares are what the posterior weighs."""
        return np.asarray(np.sqrt(many / ((sd * sizes) ** 2 + known)))

    z, sd, result = np.zeros(len(priors)), noise, None
    for _ in range(passes):

        def stacked(x: Floats, weights: Floats = roots(sd)) -> Floats:
            out = np.concatenate([model(x) * weights, x])
            if progress is not None:
                progress(calls, float(out @ out))
            return out

        def slopes(x: Floats, residual: Callable[[Floats], Floats] = stacked) -> Floats:
            return _one_sided(residual, x, step)

        result = least_squares(stacked, z, jac=slopes, bounds=(-6.0, 6.0), xtol=1e-3, ftol=1e-4)
        moved = float(np.abs(result.x - z).max())
        z = result.x
        own = result.fun[: len(start)] / roots(sd) / sizes
        new = float(np.sqrt((many @ own**2 + noise_weight * noise**2) / (many.sum() + noise_weight)))
        settled = abs(np.log(new / sd)) < 1e-2 and moved < 2e-2
        sd = new
        if settled:
            break
    if result is None:
        raise FitError(f"fit: {passes} passes; expected 1 or more")
    final = roots(sd)
    jacobian = _differences(lambda x: np.concatenate([model(x) * final, x]), z, step)
    covariance = np.asarray(np.linalg.inv(jacobian.T @ jacobian), dtype=float)
    return Fit(priors, z, covariance, sd, model(z), calls, bool(result.success), str(result.message))


def _differences(function: Callable[[Floats], Floats], x: Floats, step: float) -> Floats:
    """Central differences, [N, K]."""
    columns = []
    for k in range(len(x)):
        shift = np.zeros(len(x))
        shift[k] = step
        columns.append((function(x + shift) - function(x - shift)) / (2.0 * step))
    return np.array(columns).T


def _one_sided(function: Callable[[Floats], Floats], x: Floats, step: float) -> Floats:
    """Forward differences, [N, K]; enough to find the mode, at half the cost."""
    here = function(x)
    return np.array([(function(x + step * np.eye(len(x))[k]) - here) / step for k in range(len(x))]).T
