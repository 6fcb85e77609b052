"""Prices of empty markets: where nothing is traded, the equilibrium bounds a price and does not set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oreflow.market.arrays import Solution, Status
from oreflow.market.equilibria import Interval, price_range
from oreflow.policy.apply import lower_all
from oreflow.study.run import assemble, state_before

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from oreflow.chain.case import Instrument
    from oreflow.study.outcome import Outcome, YearResult

TRADED = 1e-6
"""Throughput of a market, t a year, above which it has a price of its own."""


def is_traded(outcome: Outcome, record: YearResult) -> NDArray[np.bool_]:
    """Return for each market whether anything passes through it in a year, [m].

    Args:
        outcome: a run.
        record: one of its years.
    """
    return np.asarray(abs(outcome.network.matrix) @ record.levels + record.opening > TRADED)


def empty_price_ranges(
    outcome: Outcome, year: int, instruments: tuple[Instrument, ...], commodities: Iterable[str] = ()
) -> dict[int, Interval]:
    """Return the range of the price in each market without trade, USD per t of the commodity's basis.

    Args:
        outcome: a solved run.
        year: of the run.
        instruments: of the proposal that was run.
        commodities: which to look at; all when empty.

    Returns:
        Market index -> least and greatest price in equilibrium at the year's quantities; the greatest is infinite
        where nothing would ever be sold.

    Example:
        >>> empty_price_ranges(outcome, 2030, composition.instruments, ["ox_dy"])  # doctest: +SKIP
    """
    base, record = outcome.base, outcome.year(year)
    terms = lower_all(base.context, (*base.case.event_instruments(), *instruments), year)
    arrays = assemble(base, state_before(outcome, year), terms, year, outcome.draws).arrays
    # Levels next to nothing are rounding: taken as used they would pin a price that nothing sets.
    levels = np.where(record.levels > TRADED, record.levels, 0.0)
    solution = Solution(
        prices=record.prices, levels=levels, capacity_rents=record.rents, group_rents=record.limit_rents,
        status=Status.SOLVED, residual=0.0, worst=(), iterations=0, seconds={}, cause="",
    )  # fmt: skip
    wanted = set(commodities)
    found = {}
    for i in np.flatnonzero(~is_traded(outcome, record)):
        if not wanted or outcome.network.markets[i].commodity in wanted:
            weights = np.zeros(len(record.prices))
            weights[i] = 1.0
            found[int(i)] = price_range(arrays, solution, weights)
    return found
