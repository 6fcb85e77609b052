"""Scores of probabilistic forecasts of changes: hit, CRPS, PIT, and their means with a bootstrap by episode.

Sources: Gneiting and Raftery (2007) for the CRPS; Gneiting, Balabdaoui and Raftery (2007) for the PIT; Efron and
Tibshirani (1993), ch. 8, for resampling whole groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def direction(change: float, dead_band: float) -> int:
    """Return -1, 0 or 1: down, none (within the dead band) or up.

    Example:
        >>> direction(0.04, 0.05), direction(-0.2, 0.05)
        (0, -1)
    """
    return 0 if abs(change) <= dead_band else int(np.sign(change))


def most_likely_direction(ensemble: Floats, dead_band: float) -> int:
    """Return the direction that most members of an ensemble take; the one of the median among equals.

    Args:
        ensemble: changes, [N].
        dead_band: within it a change counts as none.
    """
    found = np.array([direction(float(x), dead_band) for x in ensemble])
    counts = {d: int((found == d).sum()) for d in (-1, 0, 1)}
    best = max(counts.values())
    among = [d for d, n in counts.items() if n == best]
    middle = direction(float(np.median(ensemble)), dead_band)
    return middle if middle in among else among[0]


def crps(ensemble: Floats, observed: float) -> float:
    """Return the continuous ranked probability score of an ensemble: mean |x - y| - mean |x - x'| / 2.

    Args:
        ensemble: equally likely members, [N].
        observed: what came.

    Returns:
        A number of 0 or more in the unit of the forecast; lower is better. One member: the absolute error.

    Raises:
        ValueError: if the ensemble is empty.

    Example:
        >>> crps(np.array([2.0]), 5.0)
        3.0
    """
    x = np.sort(np.asarray(ensemble, dtype=float))
    n = len(x)
    if n == 0:
        raise ValueError("CRPS of an ensemble of 0 members; expected 1 or more")
    spread = 2.0 * float(((2.0 * np.arange(n) - n + 1.0) * x).sum()) / n**2  # mean |x - x'|
    return float(np.abs(x - observed).mean()) - 0.5 * spread


def pit(ensemble: Floats, observed: float) -> float:
    """Return the probability integral transform: the share of the ensemble below what came, ties counted half.

    Example:
        >>> pit(np.array([1.0, 2.0, 3.0, 4.0]), 2.5)
        0.5
    """
    x = np.asarray(ensemble, dtype=float)
    return float((x < observed).mean() + 0.5 * (x == observed).mean())


def bootstrap_by_group(
    values: Sequence[float], groups: Sequence[str], rng: np.random.Generator, count: int = 2000
) -> tuple[float, float]:
    """Return the 90% interval of a mean when whole groups (episodes) are drawn with replacement.

    Args:
        values: one for each row, [N].
        groups: the group of each row, [N].
        rng: of the draws.
        count: resamples.

    Raises:
        ValueError: if there are no values.
    """
    by_group: Mapping[str, list[float]] = {g: [] for g in dict.fromkeys(groups)}
    for value, group in zip(values, groups, strict=True):
        by_group[group].append(value)
    if not by_group:
        raise ValueError("bootstrap of no values; expected 1 or more")
    sums = np.array([sum(v) for v in by_group.values()])
    sizes = np.array([len(v) for v in by_group.values()])
    chosen = rng.integers(len(sums), size=(count, len(sums)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, (0.05, 0.95))
    return float(low), float(high)
