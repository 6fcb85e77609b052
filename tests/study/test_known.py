"""Solutions shared among the proposals of one future: fewer solves, the same results to the last bit."""

from __future__ import annotations

import numpy as np

from oreflow import api
from oreflow.market.arrays import Solution
from oreflow.policy.proposal import compose
from oreflow.study.base import prepare
from oreflow.study.run import run


def test_shared_years_are_solved_once_and_change_nothing() -> None:
    case = api.load_case("kachin")
    base = prepare(case, case.values())
    known: dict[bytes, Solution] = {}
    run(base, "status-quo", (), known=known)
    alone = len(known)
    composition = compose(case, "A")
    shared = run(base, "A", composition.instruments, known=known)
    fresh = run(base, "A", composition.instruments)
    assert alone == len(shared.years)
    assert alone < len(known) < 2 * alone  # the first years are those of the status quo, the later ones are not
    for one, other in zip(shared.years, fresh.years, strict=True):
        assert np.array_equal(one.levels, other.levels)
        assert np.array_equal(one.prices, other.prices)
