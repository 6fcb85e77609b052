"""Prices of empty markets: where nothing is traded, the equilibrium bounds a price and does not set it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from oreflow.market.equilibria import Interval, price_range
from oreflow.study.outcome import TRADED, is_traded
from oreflow.study.run import economy_of_year, solution_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oreflow.chain.case import Instrument
    from oreflow.study.outcome import Outcome

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
    record = outcome.year(year)
    arrays = economy_of_year(outcome, year, instruments).arrays
    # Levels next to nothing are rounding: taken as used they would pin a price that nothing sets.
    solution = replace(solution_of(record), levels=np.where(record.levels > TRADED, record.levels, 0.0))
    wanted = set(commodities)
    found = {}
    for i in np.flatnonzero(~is_traded(outcome.network, record)):
        if not wanted or outcome.network.markets[i].commodity in wanted:
            weights = np.zeros(len(record.prices))
            weights[i] = 1.0
            found[int(i)] = price_range(arrays, solution, weights)
    return found
