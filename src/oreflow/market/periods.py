"""Periods and rates of the time model: everything is in years, whatever the length of a period.

Index letter t: period. Times are decimal years (2025.0 is 1 January 2025).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import CurveKind, CurveTable, EconomyArrays, EconomyError, Floats

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time over which an economy is solved as one.

    Args:
        start: decimal year.
        length: years, positive.

    Raises:
        EconomyError: if the length is not positive.

    Example:
        >>> Period(2025.0, 0.25).stop
        2025.25
    """

    start: float
    length: float

    def __post_init__(self) -> None:
        if not self.length > 0.0:
            raise EconomyError(f"period from {self.start:g}: length {self.length:g} years; expected more than 0")

    @property
    def stop(self) -> float:
        """End, decimal year."""
        return self.start + self.length

    def share(self, start: float, stop: float) -> float:
        """Return the share (0 to 1) of the period that lies between two decimal years."""
        return max(0.0, min(self.stop, stop) - max(self.start, start)) / self.length


def periods_between(start: float, stop: float, per_year: int = 1) -> tuple[Period, ...]:
    """Return equal periods from `start` to `stop` (decimal years), `per_year` to a year.

    Raises:
        EconomyError: if the years hold no whole number of periods.

    Example:
        >>> [p.start for p in periods_between(2025, 2026, 4)]
        [2025.0, 2025.25, 2025.5, 2025.75]
    """
    count = round((stop - start) * per_year)
    if per_year < 1 or count < 1 or abs(count / per_year - (stop - start)) > _SLACK:
        raise EconomyError(
            f"{start:g} to {stop:g} with {per_year} periods a year; expected a whole number of periods, one at least"
        )
    return tuple(Period(start + k / per_year, 1.0 / per_year) for k in range(count))


def share_within(rate: float, years: float) -> float:
    """Return the share gone after `years` when `rate` of what is left goes in a year: 1 - (1 - rate)^years.

    Example:
        >>> round(share_within(0.19, 0.5), 12)
        0.1
    """
    return float(1.0 - (1.0 - rate) ** years)


def season_factor(period: Period, months: Sequence[float]) -> float:
    """Return the mean over a period of twelve monthly factors (January first).

    Args:
        period: of any length.
        months: twelve factors, without unit; a mean of 1 leaves the yearly total as it is.

    Raises:
        EconomyError: if there are not twelve factors or one is negative.

    Example:
        >>> season_factor(Period(2025.5, 0.25), [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1])
        0.0
    """
    if len(months) != 12 or min(months) < 0.0:
        raise EconomyError(f"season: found {list(months)}; expected twelve factors of 0 or more, January first")
    total, first, last = 0.0, int(np.floor(period.start * 12.0 + _SLACK)), period.stop * 12.0
    for month in range(first, int(np.ceil(last - _SLACK))):
        total += months[month % 12] * period.share(month / 12.0, (month + 1) / 12.0)
    return total


def open_share(period: Period, closures: Iterable[tuple[float, float]]) -> float:
    """Return the share of a period outside the given closures (pairs of decimal years; overlaps count once).

    Example:
        >>> open_share(Period(2025.0, 1.0), [(2025.5, 2025.75)])
        0.75
    """
    edge, shut = -np.inf, 0.0
    for start, stop in sorted(closures):
        shut += period.share(max(start, edge), stop)
        edge = max(edge, stop)
    return max(0.0, 1.0 - shut)


def seen_share(period: Period, known_at: float, start: float, stop: float = np.inf, announced: float = np.inf) -> float:
    """Return the share of a period in which a measure is in force, as it is known at a date.

    An announced measure is known from its announcement, any other from its start. In the period that begins at
    `known_at` what starts is in force, announced or not.

    Args:
        period: whose share is asked.
        known_at: decimal year at which the window is solved (its start).
        start: of the measure, decimal year.
        stop: of the measure, decimal year.
        announced: date of its announcement, decimal year; inf: never before its start.

    Example:
        >>> later = Period(2026.0, 1.0)
        >>> seen_share(later, 2025.0, 2026.0), seen_share(later, 2025.0, 2026.0, announced=2024.5)
        (0.0, 1.0)
    """
    current = period.start <= known_at + _SLACK
    if current or min(announced, start) <= known_at + _SLACK:
        return period.share(start, stop)
    return 0.0


def to_period(
    annual: EconomyArrays, length: float, *, working: Floats | None = None, limits: Floats | None = None
) -> EconomyArrays:
    """Return the economy of a period from one whose levels are t a year.

    Capacities, fixed demand and limits are multiplied by the length; curves keep their prices at the same yearly rate,
    so that constant data give the same prices in periods of any length. A season makes an activity work as if its
    period were longer or shorter: at the same prices it then does more or less, and a season whose mean over the year
    is 1 leaves the year's total as it is.

    Args:
        annual: economy with levels, capacities, fixed demand and group limits in t a year.
        length: of the period, years.
        working: season of each activity over the period, without unit, 0 or more, [n]; 0 shuts it.
        limits: season of each group limit, without unit, 0 or more, [g].

    Raises:
        EconomyError: if a season is negative or does not fit the economy.

    Example:
        >>> quarter = to_period(arrays, 0.25)  # doctest: +SKIP
    """
    curves = annual.curves
    share = np.full(annual.upper.shape, length)
    room = np.full(annual.h.shape, length)
    for name, season, span in (("activities", working, share), ("limits", limits, room)):
        if season is None:
            continue
        season = np.asarray(season, dtype=float)
        if season.shape != span.shape or (season < 0.0).any():
            raise EconomyError(f"season of {name}: shape {season.shape}; expected {span.shape}, none below 0")
        span *= season
    shut = share == 0.0
    share[shut] = length
    b, c = curves.b.copy(), curves.c.copy()
    linear, power = curves.kind == CurveKind.LINEAR, curves.kind == CurveKind.POWER
    hyperbolic, isoelastic = curves.kind == CurveKind.HYPERBOLIC, curves.kind == CurveKind.ISOELASTIC
    b[linear] /= share[linear]
    b[power] /= share[power] ** c[power]
    b[hyperbolic | isoelastic] *= share[hyperbolic | isoelastic]
    c[hyperbolic] *= share[hyperbolic]
    return annual.with_(
        curves=CurveTable(curves.kind, curves.shift, curves.a, b, c, curves.d),
        upper=np.where(shut, 0.0, annual.upper * share),
        fixed=annual.fixed * length,
        h=annual.h * room,
        K=None if annual.K is None else sp.csc_array(annual.K / length),
    )


def scale_capacities(arrays: EconomyArrays, factors: Floats) -> EconomyArrays:
    """Return the economy with each capacity times a factor (season, closure); unbounded ones stay unbounded.

    Args:
        arrays: the economy of a period.
        factors: 0 or more, without unit, [n]. A factor of 0 shuts an unbounded activity too.

    Raises:
        EconomyError: if a factor is negative or there are not n of them.
    """
    factors = np.asarray(factors, dtype=float)
    if factors.shape != arrays.upper.shape or (factors < 0.0).any():
        raise EconomyError(f"capacity factors: shape {factors.shape}; expected {arrays.upper.shape}, none below 0")
    return arrays.with_(upper=np.where(factors == 0.0, 0.0, arrays.upper * np.where(factors == 0.0, 1.0, factors)))
