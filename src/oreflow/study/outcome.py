"""What a run returns: one named, frozen record per year, and the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from oreflow.chain.network import Network, SharedLimit
    from oreflow.market.arrays import Status
    from oreflow.market.terms import Charges, Outlay
    from oreflow.study.base import Base

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class YearResult:
    """One year's equilibrium.

    `prices` [m] USD/t; `levels` [n] t; `rents` [n], `limit_rents` [g] USD per unit of the bound; `limits`: the shared
    limits in force with their receivers and right-hand sides; `capacity` [n]; `opening` [m] stock t; `charges`,
    `outlays`: payments; `marginal` [n]: marginal cost at the levels, USD per unit; `operators`: changed (object ->
    operator), `controllers`: changed (object -> controller).
    """

    year: int
    status: Status
    residual: float
    cause: str
    prices: Floats
    levels: Floats
    rents: Floats
    limit_rents: Floats
    limits: tuple[SharedLimit, ...]
    capacity: Floats
    opening: Floats
    charges: Charges
    outlays: tuple[Outlay, ...]
    marginal: Floats
    operators: dict[str, str]
    controllers: dict[str, str]
    iterations: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """A proposal run through the years of a case in one future.

    `solved`: every year found an equilibrium; otherwise `cause` says which year failed and why.
    """

    base: Base
    proposal: str
    network: Network
    years: tuple[YearResult, ...]
    solved: bool
    cause: str
    draws: Mapping[str, float] = field(default_factory=dict)

    def year(self, year: int) -> YearResult:
        """Return the record of a calendar year.

        Raises:
            KeyError: the year lies outside the run.
        """
        for record in self.years:
            if record.year == year:
                return record
        raise KeyError(f"year {year} is not in this run of {self.proposal}")
