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


def test_the_shortlist_holds_the_proposal_and_the_path(central: Central) -> None:
    case = central.base.case
    ranges = {u.name: u for u in case.uncertainties()}
    chosen = shortlist(central, compose(case, "B + quad-refining"), YEAR, ranges)
    assert "assume:road_B" in chosen
    assert "claim:SUP-0671" in chosen  # cost of separation of ionic feed
    assert not [ref for ref in chosen if "capex" in ref]
    assert len(chosen) == len(set(chosen)) <= 14


def test_effects_are_those_of_a_full_run(central: Central, monkeypatch: pytest.MonkeyPatch) -> None:
    case = central.base.case
    composition = compose(case, "B + quad-refining")
    monkeypatch.setattr("oreflow.futures.screening.OF_PROPOSAL", 1)
    monkeypatch.setattr("oreflow.futures.screening.OF_COST", 1)
    monkeypatch.setattr("oreflow.futures.screening.OF_CAPACITY", 0)
    with Workers(0) as workers:
        effects = screen(central, composition, YEAR, workers).effects()
    assert [e.swing for e in effects] == sorted((e.swing for e in effects), reverse=True)
    assert effects[0].swing > 1.0
    for effect in effects:
        base = prepare(case, case.values(draws={effect.ref: effect.high}))
        outcome = run(base, composition.name, composition.instruments, until=YEAR)
        assert measure(outcome)["diverted_first"][str(YEAR)] == pytest.approx(effect.at_high, rel=1e-4, abs=1e-3)
