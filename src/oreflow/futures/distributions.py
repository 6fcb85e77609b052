"""Distributions of uncertain numbers, each given by its quantile function."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oreflow.core.errors import OreflowError

Array = NDArray[np.float64]

WIDENING = 1.0
"""An unverified range (grade M) is widened by this multiple of its own half-width on each side."""


class DistributionError(OreflowError):
    """A range, mode or weight that defines no distribution."""


class Distribution(Protocol):
    """What a sampler needs of a distribution."""

    def quantile(self, share: Array) -> Array:
        """Return the values below which the given shares (between 0 and 1) of the draws lie; same shape."""
        ...


def _check_range(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DistributionError(f"the range is {low:g} to {high:g}; expected two finite numbers, low below high")


def _check_mode(low: float, mode: float, high: float) -> None:
    _check_range(low, high)
    if not low <= mode <= high:
        raise DistributionError(f"the value {mode:g} lies outside its range {low:g} to {high:g}; correct one of them")


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every value of a range equally likely.

    Attributes:
        low: least value, in the unit of the quantity.
        high: greatest value, same unit.

    Raises:
        DistributionError: the range is empty or not finite.

    Example:
        >>> Uniform(10.0, 20.0).quantile(np.array([0.25])).tolist()
        [12.5]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def quantile(self, share: Array) -> Array:
        """Return the values below which the given shares of the draws lie."""
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True, slots=True)
class LogUniform:
    """Every ratio equally likely: the logarithm is uniform; for positive ranges over orders of magnitude.

    Attributes:
        low: least value, above 0.
        high: greatest value, same unit.

    Raises:
        DistributionError: the range is empty, not finite, or reaches 0.

    Example:
        >>> round(float(LogUniform(1.0, 100.0).quantile(np.array([0.5]))[0]), 9)
        10.0
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)
        if self.low <= 0:
            raise DistributionError(f"the range of a log-uniform begins at {self.low:g}; expected a number above 0")

    def quantile(self, share: Array) -> Array:
        """Return the values below which the given shares of the draws lie."""
        return np.clip(self.low * (self.high / self.low) ** share, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Triangular:
    """Density rising from low to the mode and falling to high in straight lines.

    Attributes:
        low: least value.
        mode: most likely value.
        high: greatest value; all in the unit of the quantity.

    Raises:
        DistributionError: the range is empty or does not hold the mode.

    Example:
        >>> Triangular(0.0, 1.0, 2.0).quantile(np.array([0.5])).tolist()
        [1.0]
    """

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        _check_mode(self.low, self.mode, self.high)

    def quantile(self, share: Array) -> Array:
        """Return the values below which the given shares of the draws lie."""
        width = self.high - self.low
        rising = self.low + np.sqrt(share * width * (self.mode - self.low))
        falling = self.high - np.sqrt((1 - share) * width * (self.high - self.mode))
        return np.where(share * width < self.mode - self.low, rising, falling)


@dataclass(frozen=True, slots=True)
class Pert:
    """The beta distribution of project evaluation: smooth, with the weight near the mode.

    Attributes:
        low: least value.
        mode: most likely value.
        high: greatest value; all in the unit of the quantity.

    Raises:
        DistributionError: the range is empty or does not hold the mode.

    Source: Malcolm, Roseboom, Clark and Fazar (1959), doi:10.1287/opre.7.5.646; mean (low + 4 mode + high) / 6.

    Example:
        >>> round(float(Pert(0.0, 1.0, 2.0).quantile(np.array([0.5]))[0]), 9)
        1.0
    """

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        _check_mode(self.low, self.mode, self.high)

    def quantile(self, share: Array) -> Array:
        """Return the values below which the given shares of the draws lie."""
        from scipy.special import betaincinv

        width = self.high - self.low
        rise, fall = 4 * (self.mode - self.low) / width, 4 * (self.high - self.mode) / width
        return self.low + width * np.asarray(betaincinv(1 + rise, 1 + fall, share), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several named options, as a switch; a draw is the position of the option, counted from 0.

    Attributes:
        options: the names, at least two, each once.
        weights: their weights, same length; equal weights where empty.

    Raises:
        DistributionError: fewer than two options, one twice, or weights that are no weights.

    Example:
        >>> Choice(("low", "high")).quantile(np.array([0.4, 0.6])).tolist()
        [0.0, 1.0]
    """

    options: tuple[str, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.options) < 2 or len(set(self.options)) < len(self.options):
            raise DistributionError(f"the options are {list(self.options)}; expected two or more, each once")
        if self.weights and (
            len(self.weights) != len(self.options)
            or not all(math.isfinite(weight) and weight > 0 for weight in self.weights)
        ):
            raise DistributionError(
                f"the weights are {list(self.weights)}; expected {len(self.options)} numbers above 0, one an option"
            )

    def quantile(self, share: Array) -> Array:
        """Return the positions of the options in which the given shares of the draws fall."""
        weights = np.array(self.weights or (1.0,) * len(self.options))
        edges = np.cumsum(weights)[:-1] / weights.sum()
        return np.searchsorted(edges, share, side="right").astype(np.float64)


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """A named number or switch that is not known.

    Attributes:
        name: what the draws are keyed by, as a claim's id; renaming it gives other draws.
        distribution: where its draws come from.
    """

    name: str
    distribution: Distribution


def from_grade(
    value: float, low: float, high: float, grade: str, *, log_above: float | None = None
) -> Uniform | LogUniform | Pert:
    """Return the distribution that a claim's grade stands for.

    Grades A, B and C give a PERT distribution around the value, D a uniform one over the range, M a uniform one over
    the range widened by half its width on each side, cut at 0 where the range itself is not negative.

    Args:
        value: the claim's central value, in its unit.
        low: least value of its range.
        high: greatest value of its range.
        grade: A, B, C, D or M.
        log_above: ranges of grade D or M with low above 0 and high / low above this ratio are log-uniform (an M range
            is then not widened); None for never.

    Returns:
        The distribution.

    Raises:
        DistributionError: an unknown grade, an empty range, or a value outside it.

    Example:
        >>> from_grade(10.0, 8.0, 14.0, "B")
        Pert(low=8.0, mode=10.0, high=14.0)
        >>> from_grade(10.0, 8.0, 14.0, "M")
        Uniform(low=5.0, high=17.0)
    """
    if grade not in {"A", "B", "C", "D", "M"}:
        raise DistributionError(f"the grade is {grade!r}; expected A, B, C, D or M")
    _check_mode(low, value, high)
    if grade in "ABC":
        return Pert(low, value, high)
    if log_above is not None and low > 0 and high / low > log_above:
        return LogUniform(low, high)
    if grade == "D":
        return Uniform(low, high)
    margin = WIDENING * (high - low) / 2
    return Uniform(max(0.0, low - margin) if low >= 0 else low - margin, high + margin)


def check_names(uncertainties: Sequence[Uncertainty]) -> tuple[str, ...]:
    """Return the names of the uncertainties, each of which must stand once.

    Args:
        uncertainties: in the order of the columns of the draws.

    Returns:
        Their names, same order.

    Raises:
        DistributionError: a name stands twice or is empty.

    Example:
        >>> check_names([Uncertainty("road", Uniform(0.0, 1.0))])
        ('road',)
    """
    names = tuple(item.name for item in uncertainties)
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    if twice:
        raise DistributionError(f"uncertainties named twice or not at all: {twice}; expected each name once")
    return names
