"""The inputs that are said to move the headline do move it."""

from __future__ import annotations

import pytest

from oreflow import api
from oreflow.futures.comparison import Central
from oreflow.futures.ensemble import Workers
from oreflow.futures.screening import screen, shortlist
from oreflow.policy.proposal import compose
from oreflow.study.base import prepare
from oreflow.study.indicators import measure
from oreflow.study.run import run

YEAR = 2030


@pytest.fixture(scope="module")
def central() -> Central:
    return api.compare_central("kachin", ["B + quad-refining"])


def test_the_shortlist_holds_the_proposal_the_path_and_what_moves_demand_and_supply(central: Central) -> None:
    composition = compose(central.base.case, "B + quad-refining")
    chosen = shortlist(central, composition, YEAR, 60)
    assert {"assume:road_B", "assume:quad_offtake"} < set(chosen[:18])  # of the proposal, all of them
    assert "claim:SUP-0671" in chosen  # cost of separation of ionic feed
    assert {"assume:magnets_world", "assume:ev_over_all", "assume:plant_elasticity", "claim:SE037"} < set(chosen)
    assert not [ref for ref in chosen if "capex" in ref]
    assert len(chosen) == len(set(chosen)) == 60
    assert shortlist(central, composition, YEAR, 25) == chosen[:25]


def test_effects_are_those_of_a_full_run(central: Central) -> None:
    case = central.base.case
    composition = compose(case, "B + quad-refining")
    with Workers(0) as workers:
        effects = screen(central, composition, YEAR, workers, 3).effects()
    assert len(effects) == 3
    assert [e.swing for e in effects] == sorted((e.swing for e in effects), reverse=True)
    assert effects[0].swing > 1.0
    for effect in effects:
        base = prepare(case, case.values(draws={effect.ref: effect.high}))
        outcome = run(base, composition.name, composition.instruments, until=YEAR)
        assert measure(outcome)["diverted_first"][str(YEAR)] == pytest.approx(effect.at_high, rel=1e-9, abs=1e-9)
