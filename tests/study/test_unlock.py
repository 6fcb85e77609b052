"""Barrier sets of the bundled case: minimal, priced where the case prices them, and honest about the road."""

from __future__ import annotations

from itertools import combinations

import pytest

from oreflow import api
from oreflow.chain.case import Case
from oreflow.policy.proposal import compose
from oreflow.study.base import Base, prepare
from oreflow.study.outcome import Outcome
from oreflow.study.run import run
from oreflow.study.unlock import Barriers, Unlock, unlock

YEAR, TARGET = 2030, 100.0


@pytest.fixture(scope="module")
def case() -> Case:
    return api.load_case("kachin")


@pytest.fixture(scope="module")
def base(case: Case) -> Base:
    return prepare(case, case.values())


def solved(case: Case, base: Base, proposal: str, until: int = YEAR) -> tuple[Outcome, Barriers]:
    composition = compose(case, proposal)
    outcome = run(base, composition.name, composition.instruments, until=until)
    return outcome, Barriers(outcome, until, composition.instruments)


def unlocked(case: Case, outcome: Outcome, proposal: str, year: int, target: float) -> Unlock:
    return unlock(outcome, compose(case, proposal).instruments, year=year, target=target)


@pytest.mark.parametrize("proposal", ["status-quo", "A", "B + quad-refining"])
def test_sets_reach_the_target_and_no_part_of_them_does(case: Case, base: Base, proposal: str) -> None:
    outcome, barriers = solved(case, base, proposal)
    found = unlocked(case, outcome, proposal, YEAR, TARGET)
    assert found.sets
    for each in found.sets:
        assert each.tonnes >= TARGET
        for size in range(len(each.barriers)):
            for part in combinations(each.barriers, size):
                less = barriers.solve(part)
                assert less is None or less < TARGET, (each.barriers, part)


def test_the_payment_is_the_least_that_reaches_the_target(case: Case, base: Base) -> None:
    outcome, barriers = solved(case, base, "A")
    found = unlocked(case, outcome, "A", YEAR, TARGET)
    (price,) = [each for each in found.sets if each.barriers == ("price",)]
    enough = barriers.solution(("price",), price.price_gap)
    short = barriers.solution(("price",), 0.9 * price.price_gap)
    assert enough is not None
    assert short is not None
    assert barriers.diverted(enough) >= TARGET > barriers.diverted(short)
    assert price.cost is not None
    assert price.cost > 0.0


def test_what_has_no_price_has_no_cost(case: Case, base: Base) -> None:
    outcome, _ = solved(case, base, "status-quo")
    found = unlocked(case, outcome, "status-quo", YEAR, TARGET)
    assert all(each.cost is None for each in found.sets if "operator" in each.barriers)


@pytest.mark.parametrize(("proposal", "year"), [("A", 2030), ("B + quad-refining", 2030), ("B", 2035)])
def test_an_unlimited_road_helps_only_where_the_road_is_a_barrier(
    case: Case, base: Base, proposal: str, year: int
) -> None:
    outcome, barriers = solved(case, base, proposal, year)
    before = barriers.diverted(barriers.start)
    after = barriers.solve(("leg",))
    assert after is not None
    gain = after - before
    if gain > 1.0:
        found = unlocked(case, outcome, proposal, year, before + 0.9 * gain)
        assert ("leg",) in {each.barriers for each in found.sets}
    else:
        assert gain == pytest.approx(0.0, abs=1e-3 * max(before, 1.0))
        found = unlocked(case, outcome, proposal, year, before + 10.0)
        assert all("leg" not in each.barriers or len(each.barriers) > 1 for each in found.sets)
