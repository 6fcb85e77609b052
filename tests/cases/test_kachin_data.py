"""The tables of the bundled case: how much they hold, and what they must not say."""

from __future__ import annotations

from datetime import date

import pytest

from oreflow import api
from oreflow.chain.case import Case, load_case

STUDY_DATE = date(2025, 7, 31)
PRESS = {
    "PRESS_MM_2014": 200.0,
    "PRESS_MM_2020": 31_000.0,
    "PRESS_CN_IMP": 77_300.0,
    "PRESS_CN_IMP_MM": 44_000.0,
    "PRESS_TARIFF": 40.0,
}
TALKS = ("PRESS_TALK_A", "PRESS_TALK_B", "PRESS_SANCTION", "PRESS_QUAD", "PRESS_ENVOY", "PRESS_MEETING", "PRESS_ROAD")
OUTCOMES = {"price", "quantity", "share", "diverted", "flow"}


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case("kachin")


def test_it_holds_all_elements_and_enough_concentrates_and_places(case: Case) -> None:
    oxides = {row.element for row in case.commodities if row.stage == "oxide" and row.element}
    assert oxides >= {"La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Y"}
    concentrates = [row for row in case.commodities if row.stage == "concentrate"]
    assert len({row.basket for row in concentrates}) >= 10
    assert len(case.places) >= 30
    kachin = {row.id for row in concentrates if row.origin == "kachin"}
    assert kachin == {"kachin_oxide", "kachin_compound"}


def test_every_basket_names_every_element(case: Case) -> None:
    baskets: dict[str, set[str]] = {}
    for row in case.baskets:
        baskets.setdefault(row.basket, set()).add(row.element)
    assert all(len(elements) == 15 for elements in baskets.values())


def test_enough_claims_are_used(case: Case) -> None:
    assert case.used_count() >= 350


def test_each_used_source_can_be_found(case: Case) -> None:
    for name in sorted(case.used_names()):
        if name.startswith("claim:"):
            source = case.ledger.source_by_id[case.ledger.claim_by_id[name.removeprefix("claim:")].source]
            assert source.url or source.doi or source.citation, source.id


def test_each_assumption_has_a_reason(case: Case) -> None:
    assert [row.id for row in case.ledger.assumptions if not row.reason.strip()] == []


def test_press_claims_stand_with_their_attribution(case: Case) -> None:
    claims = case.ledger.claim_by_id
    assert {identifier: claims[identifier].value for identifier in PRESS} == PRESS
    for identifier in (*PRESS, *TALKS):
        assert claims[identifier].attribution, identifier
        assert claims[identifier].stems_from, identifier
    assert "four unnamed" in claims["PRESS_TALK_A"].attribution


def test_sources_that_disagree_stand_side_by_side(case: Case) -> None:
    claims = case.ledger.claim_by_id
    assert {claims[i].value for i in ("PRESS_MM_2014", "BGS_MM_2014", "SUP-0245")} == {200.0, 300.0, 301.6}
    assert claims["PRESS_MM_2020"].value != claims["SUP-0327"].value
    assert claims["BGS_MM_2014"].derived_from == ("SUP-0245",)
    assert "SUP-0385" in claims["D0208"].derived_from


def test_the_press_shares_follow_from_the_ledger(case: Case) -> None:
    claims = case.ledger.claim_by_id

    def value(identifier: str) -> float:
        found = claims[identifier].value
        assert found is not None
        return found

    assert value("PRESS_CN_IMP_MM") / value("PRESS_CN_IMP") == pytest.approx(0.57, abs=0.005)
    assert value("SUP-0385") / value("D0140") == pytest.approx(0.25, abs=0.005)
    assert value("SUP-0452") < value("PRESS_CN_IMP_MM")


def test_no_proposal_sets_an_outcome(case: Case) -> None:
    types = {
        "tariff", "levy", "export_quota", "licence", "embargo", "sanction", "border_closure", "input_restriction",
        "operator_withdrawal", "operator_release", "subsidy", "investment", "leg", "control", "offtake_tie",
    }  # fmt: skip
    for proposal in case.proposals:
        for instrument in proposal.instruments:
            assert instrument.type in types
            assert not OUTCOMES & set(instrument.options)


def test_proposals_say_what_they_are(case: Case) -> None:
    proposals = {proposal.id: proposal for proposal in case.proposals}
    assert set(proposals) == {
        "status-quo", "A", "A-alt", "B", "B-alt", "tariff-relief", "sanctions-relief", "india-processing",
        "quad-refining", "envoy", "build-elsewhere",
    }  # fmt: skip
    for proposal in proposals.values():
        assert proposal.reading
        assert proposal.not_modelled
        assert proposal.sources
        assert all(other.id in proposals for other in proposal.alternatives)
    for pair in (("A", "A-alt"), ("B", "B-alt")):
        for one, other in (pair, pair[::-1]):
            assert [alternative.id for alternative in proposals[one].alternatives] == [other]
    assert not any(target.startswith("L39") for i in proposals["B"].instruments for target in i.target)


def test_wa_and_shan_stand_outside_every_proposal(case: Case) -> None:
    for proposal in case.proposals:
        for instrument in proposal.instruments:
            assert "WA_SHAN" not in instrument.target
            assert "mine_wa_shan" not in instrument.target


def test_it_reads_as_it_would_have_stood_on_the_study_date() -> None:
    earlier = load_case("kachin", STUDY_DATE)
    values = earlier.values()
    assert all(values[cell] == values[cell] for cell in earlier.cells())
    assert len(earlier.swaps()) > 50


def test_parameters_that_changed_claim_are_told_once_a_claim(case: Case) -> None:
    assert api.swap_notes(case) == []
    lines = api.swap_notes(load_case("kachin", as_of=date(2025, 7, 31)))
    assert "parameters use another claim than today" in lines[0]
    assert any("claim:P0075 instead of claim:P0076: stocks.csv, row 2, holding_cost" in line for line in lines)
    assert len(lines) == len(set(lines))
