"""The few terms to which every policy instrument is lowered, and the year's arrays that they make together.

A term speaks of activities and shared limits by position. Payments name who receives them, so that money balances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AdValorem:
    """A charge of `rate` on the origin price of what the activities move; `cif` charges the freight as well.

    Lowers to price coefficients B = A with the input entry times (1 + rate). Paid to `receiver`.
    """

    activities: tuple[int, ...]
    rate: float
    receiver: str
    instrument: str
    base: Literal["fob", "cif"] = "fob"


@dataclass(frozen=True, slots=True)
class Specific:
    """A charge of `amounts` USD per unit of each activity (negative: a subsidy, paid by `receiver`)."""

    activities: tuple[int, ...]
    amounts: tuple[float, ...]
    receiver: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Leave only `factor` of an activity's capacity, or of its base-year level where it has no capacity."""

    activities: tuple[int, ...]
    factor: float
    instrument: str


@dataclass(frozen=True, slots=True)
class LimitScale:
    """Leave only `factor` of shared limits (of their base-year use where they have no bound)."""

    limits: tuple[str, ...]
    factor: float
    instrument: str


@dataclass(frozen=True, slots=True)
class LimitAdd:
    """Add `amount` (t per year) to a shared limit, or set it where it was closed or without bound."""

    limit: str
    amount: float
    instrument: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class CapacityAdd:
    """Add `amount` (t per year of unit activity) to the capacity of a process row."""

    process: str
    amount: float
    instrument: str


@dataclass(frozen=True, slots=True)
class Open:
    """Lift the closure of legs."""

    legs: tuple[str, ...]
    instrument: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close legs."""

    legs: tuple[str, ...]
    instrument: str


@dataclass(frozen=True, slots=True)
class Quota:
    """Sum of weights times levels at most `limit` t per year; its rent goes to `receiver`."""

    name: str
    weights: tuple[tuple[int, float], ...]
    limit: float
    receiver: str
    instrument: str


@dataclass(frozen=True, slots=True)
class TieRelease:
    """Set the share of a tied process's output that is free to go elsewhere."""

    tie: str
    share: float
    instrument: str


@dataclass(frozen=True, slots=True)
class Outlay:
    """A sum of money, USD in the year, from payer to receiver, outside the market (capital grants)."""

    payer: str
    receiver: str
    amount: float
    instrument: str


@dataclass(frozen=True, slots=True)
class Operator:
    """From now on `operator` runs and `controller` taxes the object (place, leg or process); empty: unchanged."""

    object: str
    controller: str
    operator: str
    instrument: str


Term = (
    AdValorem
    | Specific
    | Scale
    | LimitScale
    | LimitAdd
    | CapacityAdd
    | Open
    | Close
    | Quota
    | TieRelease
    | Outlay
    | Operator
)


@dataclass(frozen=True, slots=True)
class Charges:
    """All payments on activities in a year, for the price arrays and for the accounts.

    `rate` [n]: sum of ad-valorem rates; `amount` [n]: sum of specific charges, USD per unit. `lines`: (activity, rate,
    amount, receiver, instrument), one a term and activity.
    """

    rate: Floats
    amount: Floats
    lines: tuple[tuple[int, float, float, str, str], ...]


def charges_of(terms: Sequence[Term], cost: Floats) -> Charges:
    """Return the year's charges; a CIF-based rate also charges the engineering cost of the activity.

    Args:
        terms: the terms in force.
        cost: engineering (freight) cost of each activity [n], USD per unit.
    """
    rate, amount = np.zeros(len(cost)), np.zeros(len(cost))
    lines: list[tuple[int, float, float, str, str]] = []
    for term in terms:
        if isinstance(term, AdValorem):
            for j in term.activities:
                extra = term.rate * cost[j] if term.base == "cif" else 0.0
                rate[j] += term.rate
                amount[j] += extra
                lines.append((j, term.rate, extra, term.receiver, term.instrument))
        elif isinstance(term, Specific):
            for j, value in zip(term.activities, term.amounts, strict=True):
                amount[j] += value
                lines.append((j, 0.0, value, term.receiver, term.instrument))
    return Charges(rate, amount, tuple(lines))


def capacity_additions(terms: Sequence[Term]) -> Mapping[str, float]:
    """Return t per year added to each process row."""
    added: dict[str, float] = {}
    for term in terms:
        if isinstance(term, CapacityAdd):
            added[term.process] = added.get(term.process, 0.0) + term.amount
    return added
