"""What a result rests on differs by result and by proposal, and all of it is in the ledger."""

from __future__ import annotations

import pytest

from oreflow import api
from oreflow.chain.case import Case
from oreflow.policy.proposal import compose
from oreflow.report.indicators import INDICATORS
from oreflow.study.references import BARRIERS, MOST, STEPS, TOPICS, References


@pytest.fixture(scope="module")
def case() -> Case:
    return api.load_case("kachin")


def test_every_indicator_has_its_sorts_of_input() -> None:
    assert set(TOPICS) == set(INDICATORS)


def test_references_are_rows_of_the_ledger(case: Case) -> None:
    rests_on = References(case)
    for name in ("status-quo", "A", "build-elsewhere"):
        composition = compose(case, name)
        for key in INDICATORS:
            found = rests_on.indicator(key, composition)
            assert len(found) <= MOST
            assert len(set(found)) == len(found)
            for ref in found:
                case.ledger.row(ref)
    assert all(rests_on.step(step) for step in STEPS)
    assert all(rests_on.barrier([kind]) for kind in BARRIERS)


def test_prices_rest_on_prices_and_money_on_the_proposal(case: Case) -> None:
    rests_on = References(case)
    a = compose(case, "A")
    own = {ref for i in a.instruments if i.magnitude is not None for ref in i.magnitude.references}
    assert own & set(rests_on.indicator("diverted_first", a))
    assert "assume:capex_road_A" in rests_on.indicator("public_cost", a)
    quiet = compose(case, "status-quo")
    assert rests_on.indicator("public_cost", quiet) == ()
    assert any(
        case.subject_of(ref).startswith("price") or ref.startswith("claim:P")
        for ref in rests_on.indicator("price", quiet)
    )
