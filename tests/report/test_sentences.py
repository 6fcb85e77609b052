"""The five sentences: even-handed, with ranges, and never a probability."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.report.document import ComparisonDocument
from oreflow.report.marks import Cited, parts_text
from oreflow.report.sentences import (
    evidence_anchor,
    headline_proposals,
    revenue_changes,
    sentences,
    share_text,
    shown_years,
    wilson_interval,
)

Make = Callable[[int], ComparisonDocument]
VERDICTS = (
    "probab",
    "likel",
    "better",
    "worse",
    "best",
    "should",
    "recommend",
    "only ",
    "unfortunate",
    "success",
    "fail",
)


def _texts(document: ComparisonDocument) -> list[str]:
    return [parts_text(parts) for parts in sentences(document)]


@pytest.mark.parametrize("draws", [0, 32, 256])
def test_five_sentences_without_a_verdict(make_document: Make, draws: int) -> None:
    texts = _texts(make_document(draws))
    assert len(texts) == 5
    for text in texts:
        assert text.endswith(".")
        assert not [word for word in VERDICTS if word in text.lower()]


def test_the_first_sentence_gives_value_and_range_of_every_shown_proposal(document: ComparisonDocument) -> None:
    text = _texts(document)[0]
    for proposal in headline_proposals(document):
        assert f"under {proposal.id}" in text
    result = document.proposal("A").indicators["diverted_first"]
    assert result.p10 is not None
    assert result.p90 is not None
    assert f"{result.value:.0f} t ({result.p10:.0f}–{result.p90:.0f}) under A" in text


def test_the_stop_is_the_step_with_the_largest_loss(document: ComparisonDocument) -> None:
    text = _texts(document)[3]
    assert "“can travel without crossing China” under A (370 t)" in text
    assert "“released by who controls and what is levied” under status-quo (900 t), B (470 t)" in text


def test_below_200_draws_there_is_no_percentage_of_futures(make_document: Make) -> None:
    few, many = _texts(make_document(32))[4], _texts(make_document(256))[4]
    assert "12 of 32 of the cases tried" in few
    assert "%" not in few
    assert "98 of 256 (38%, 33 to 44%) of the cases tried" in many


def test_without_draws_no_range_and_no_share_is_given(make_document: Make) -> None:
    texts = _texts(make_document(0))
    assert "central values only" in texts[4]
    assert not any(re.search(r"\d–\d|of the cases", text) for text in texts)


def test_order_and_words_do_not_depend_on_what_is_compared(document: ComparisonDocument) -> None:
    swapped = {"A": "B", "B": "A"}
    proposals = tuple(replace(p, id=swapped.get(p.id, p.id)) for p in document.proposals)
    mirror = replace(
        document, proposals=tuple(sorted(proposals, key=lambda p: [q.id for q in document.proposals].index(p.id)))
    )
    plain = [re.sub(r"[\d,.–+−%]+( of \d+)?", "#", text) for text in (_texts(document)[0], _texts(mirror)[0])]
    assert plain[0] == plain[1]


def test_every_number_of_the_sentences_is_cited_or_a_year(document: ComparisonDocument) -> None:
    for parts in sentences(document):
        words = "".join(part for part in parts if isinstance(part, str))
        assert not set(re.findall(r"(?<![A-Za-z])\d[\d,.]*\d|(?<![A-Za-z])\d", words)) - {"2030"}
        assert any(isinstance(part, Cited) for part in parts)


def test_a_proposal_without_results_is_named_as_such(document: ComparisonDocument) -> None:
    broken = tuple(
        replace(p, indicators={}, waterfall=None, status="infeasible: road") if p.id == "A" else p
        for p in document.proposals
    )
    texts = _texts(replace(document, proposals=broken))
    assert "no value under A" in texts[0]
    assert "no value under A" in texts[1]
    assert " A (" not in texts[3].split(";")[0]


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_in_bounds(pair: tuple[int, int]) -> None:
    k, n = pair
    low, high = wilson_interval(k, n)
    assert 0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1
    mirrored = wilson_interval(n - k, n)
    assert abs(low - (1 - mirrored[1])) < 1e-12
    assert ("%" in share_text(k, n)) == (n >= 200)


def test_an_impossible_count_is_refused() -> None:
    with pytest.raises(ValueError, match="found k = 3 of n = 2"):
        wilson_interval(3, 2)


def test_references_lead_to_their_rows(document: ComparisonDocument) -> None:
    assert evidence_anchor(document, "SYN-0001") == "claim-SYN-0001"
    assert evidence_anchor(document, "claim:SYN-0001") == "claim-SYN-0001"
    assert evidence_anchor(document, "assume:syn_share") == "assume-syn_share"
    assert evidence_anchor(document, "ind:price") == "ind-price"
    assert evidence_anchor(document, "gone") == "missing-gone"


def test_revenue_is_the_difference_to_the_status_quo(document: ComparisonDocument) -> None:
    found = revenue_changes(document, document.proposal("A"))
    assert found["KIA"][0] == pytest.approx(55e6)
    band = found["CN_MINERS"][1]
    assert band is not None
    assert band.p10 < band.p50 < band.p90 < 0
    assert all(value == 0 for value, _ in revenue_changes(document, document.proposal("status-quo")).values())


def test_shown_years_stay_within_the_run(document: ComparisonDocument) -> None:
    assert shown_years(document) == (2027, 2030, 2035)
    short = replace(document, case=replace(document.case, end_year=2031, headline_year=2026))
    assert shown_years(short) == (2026, 2031)
