"""The claim check: the founding text, many other wordings, invented figures, independence, refused texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conftest import verify_scale
from tests.facts.evidence_rows import IMPORTS, MINE, claim, facts_book, small_ledger, source
from tests.facts.fresh_sentences import FRESH, INVENTED
from tests.facts.newsroom_sentences import INVENTED as NOWHERE
from tests.facts.newsroom_sentences import SETS
from tests.facts.sentences import CASE_SENTENCES, OTHER_SENTENCES, SENTENCES

from oreflow.facts.claimcheck import (
    MAX_CHARACTERS,
    CheckContext,
    Evidence,
    Finding,
    LedgerLike,
    TextError,
    check_text,
    count_independent,
    group_dependent,
    read_claim,
)
from oreflow.facts.quantities import Gazetteer, build_gazetteer, find_quantities

FOUNDING = (
    "Myanmar's output rose from 200 t in 2014 to 31,000 t in 2020, a world top-three place. China imported about "
    "77,300 t of rare earths in 2024, 44,000 t (57%) of it from Myanmar. China has over 90% of world processing. "
    "The US goods deficit with Myanmar was 579 million USD in 2024. The 17 elements go to EV motors. Washington weighs "
    "easing the 40% tariff on Myanmar."
)
LETTERS = {"m": "matches", "f": "follows by arithmetic", "c": "conflicts", "n": "not in the ledger"}


def by_text(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.quantity.text: finding for finding in findings}


@pytest.fixture(scope="module", params=["rows of this test", "facts book", "bundled case"])
def founding(request: pytest.FixtureRequest) -> dict[str, Finding]:
    if request.param == "rows of this test":
        return by_text(check_text(FOUNDING, small_ledger()))
    if request.param == "facts book":
        folder = request.getfixturevalue("shared") / "facts"
        return by_text(check_text(FOUNDING, facts_book(folder)))
    from oreflow.chain.case import load_case

    case = load_case("kachin")
    places = tuple((place.id, place.name) for place in case.places)
    return by_text(check_text(FOUNDING, case.ledger, CheckContext(places)))


def test_the_share_follows_from_the_texts_own_numbers(founding: dict[str, Finding]) -> None:
    share = founding["57%"]
    assert share.verdict == "follows by arithmetic"
    assert "44,000 / 77,300 t = 56.9%" in share.arithmetic


@pytest.mark.parametrize("text", ["77,300 t", "44,000 t", "57%"])
def test_the_tonnes_are_gross_and_the_share_depends_on_the_whole(founding: dict[str, Finding], text: str) -> None:
    finding = founding[text]
    assert finding.verdict in {"matches", "follows by arithmetic"}
    remarks = " ".join(finding.remarks)
    assert "gross weight" in remarks
    assert "without ore" in remarks
    assert "33% of" in remarks
    assert "25% of" in remarks
    assert "in REO it is about 27,000-34,500 t" in remarks


def test_output_of_2020_matches_readings_that_are_not_independent(founding: dict[str, Finding]) -> None:
    finding = founding["31,000 t"]
    assert (finding.verdict, finding.sources) == ("matches", 1)
    remarks = " ".join(finding.remarks)
    assert "readings not independent" in remarks
    assert "35,454 t gross" in remarks
    assert "1:1" in remarks
    assert "revised" in remarks


def test_output_of_2014_conflicts_with_customs(founding: dict[str, Finding]) -> None:
    finding = founding["200 t"]
    assert finding.verdict == "conflicts"
    assert {"SUP-0245", "M2014"} & set(finding.conflicting)


def test_output_of_2014_conflicts_with_bgs_too() -> None:
    assert by_text(check_text(FOUNDING, small_ledger()))["200 t"].conflicting == ("B2014", "M2014")


def test_the_deficit_follows_from_trade_and_imports(founding: dict[str, Finding]) -> None:
    finding = founding["579 million USD"]
    assert finding.verdict == "follows by arithmetic"
    for number in ("734", "656.5", "77.5", "579"):
        assert number in finding.arithmetic


def test_processing_is_supported_by_its_source(founding: dict[str, Finding]) -> None:
    finding = founding["90%"]
    assert finding.verdict == "matches"
    assert {"D0042", "D0143", "REFI", "REF90"} & set(finding.claims)
    assert "PRESS_CN_PROC" not in finding.claims


def test_the_rank_is_that_of_the_year_asked_or_none(founding: dict[str, Finding]) -> None:
    rank = founding["top-three"]
    if rank.verdict == "follows by arithmetic":
        assert "places in 2020" in rank.arithmetic
    else:
        assert rank.verdict == "not in the ledger"
        assert "too few places have an output of 2020" in rank.remarks[0]


def _score(
    sentences: tuple[tuple[str, float, str, str], ...], ledger: LedgerLike, context: CheckContext
) -> tuple[int, int, list[str]]:
    found, right, wrong = 0, 0, []
    for text, value, unit, letters in sentences:
        hits = [
            finding
            for finding in check_text(text, ledger, context)
            if finding.quantity.unit == unit
            and min(abs(finding.quantity.value - value), abs(finding.quantity.high - value)) <= 1e-6 * value
        ]
        found += bool(hits)
        if hits and hits[0].verdict in [LETTERS[letter] for letter in letters]:
            right += 1
        elif hits:
            wrong.append(f"{text} -> {hits[0].summary}")
    return found, right, wrong


@pytest.mark.parametrize("sentences", [SENTENCES, OTHER_SENTENCES])
def test_other_wordings_are_found_and_judged_rightly(sentences: tuple[tuple[str, float, str, str], ...]) -> None:
    found, right, wrong = _score(sentences, small_ledger(), CheckContext())
    assert len(sentences) >= 70
    assert found >= 0.8 * len(sentences)
    assert right >= 0.9 * found, wrong


def test_other_wordings_against_the_bundled_case() -> None:
    from oreflow.chain.case import load_case

    case = load_case("kachin")
    context = CheckContext(tuple((place.id, place.name) for place in case.places))
    found, right, wrong = _score(CASE_SENTENCES, case.ledger, context)
    assert found >= 0.8 * len(CASE_SENTENCES)
    assert right >= 0.9 * found, wrong


def test_fresh_sentences_against_the_bundled_case(record_property: Callable[[str, object], None]) -> None:
    from oreflow.chain.case import load_case

    case = load_case("kachin")
    found, right, wrong = _score(FRESH, case.ledger, CheckContext())
    record_property("found", f"{found} of {len(FRESH)}")
    record_property("right", f"{right} of {found}")
    assert found >= 0.8 * len(FRESH)
    assert right >= 0.9 * found, wrong
    for text, *_ in INVENTED:
        findings = check_text(text, case.ledger, CheckContext())
        assert findings, text
        assert {finding.verdict for finding in findings} <= {"conflicts", "not in the ledger"}, text


@pytest.mark.parametrize("name", sorted(SETS))
def test_newsroom_sentences(name: str, record_property: Callable[[str, object], None]) -> None:
    from oreflow.chain.case import load_case

    case = load_case("kachin")
    context = CheckContext(tuple((place.id, place.name) for place in case.places))
    rows = SETS[name] if verify_scale() > 1 else SETS[name][::2]
    found, right, wrong = _score(rows, case.ledger, context)
    record_property("found", f"{found} of {len(rows)}")
    record_property("right", f"{right} of {found}")
    assert found >= 0.95 * len(rows)
    assert right >= 0.95 * found, wrong


def test_invented_newsroom_figures_never_match() -> None:
    from oreflow.chain.case import load_case

    case = load_case("kachin")
    context = CheckContext(tuple((place.id, place.name) for place in case.places))
    for text, *_ in NOWHERE:
        verdicts = {finding.verdict for finding in check_text(text, case.ledger, context)}
        assert verdicts, text
        assert verdicts <= {"conflicts", "not in the ledger"}, text


def test_invented_figures_never_match() -> None:
    text = (
        "China imported 61,200 t of rare earths from Myanmar in 2024, 21% of its total of 291,000 t. Myanmar's output "
        "was 88,000 t in 2020 and 3,100 t in 2014. China refines 40% of the world's rare earths. The US deficit with "
        "Myanmar was 1.3 billion dollars in 2024. Kachin mines 8% of the world's heavy rare earths, and the US put a "
        "71% tariff on Myanmar. Laos sold 90 kt to China in 2024 for $12 million. There are 23 rare-earth elements."
    )
    findings = check_text(text, small_ledger())
    assert len(findings) >= 10
    assert {finding.verdict for finding in findings} <= {"conflicts", "not in the ledger"}


def test_a_year_off_by_one_is_named() -> None:
    (finding,) = check_text("China imported 44,366 t of rare earths from Myanmar in 2023.", small_ledger())
    assert finding.verdict == "conflicts"
    assert finding.conflicting == ("M2023",)
    assert "the number fits 2024 instead (M2024)" in finding.remarks


def test_claims_of_the_same_report_never_support() -> None:
    report = claim("P1", MINE, "Narnia->Oz", "2024", 5000, "t")
    rows = (
        claim("A", MINE, "Laos", "2024", 5000, "t", source="PRESS", stems_from=("PRESS",)),
        claim("B", MINE, "Laos", "2024", 5000, "t", source="ECHO", derived_from=("A",)),
        report,
    )
    (finding,) = check_text("Laos produced 5,000 t of rare earths in 2024.", Evidence(rows))
    assert (finding.verdict, finding.claims) == ("also reported by", ())
    assert finding.also_reported == ("A", "B")
    (named,) = check_text(
        "Laos produced 5,000 t of rare earths in 2024.",
        Evidence((claim("C", MINE, "Laos", "2024", 5000, "t", source="PRESS"),)),
        CheckContext(report=("PRESS",)),
    )
    assert named.verdict == "also reported by"


def test_a_report_and_a_statistic_that_disagree_conflict() -> None:
    rows = (
        claim("A", MINE, "Laos", "2024", 5000, "t", source="PRESS", stems_from=("PRESS",)),
        claim("B", MINE, "Laos", "2024", 700, "t", source="USGS"),
    )
    (finding,) = check_text("Laos produced 5,000 t of rare earths in 2024.", Evidence(rows))
    assert (finding.verdict, finding.conflicting, finding.also_reported) == ("conflicts", ("B",), ("A",))


def test_independent_sources_are_counted_through_derivation_source_and_publisher() -> None:
    rows = (
        claim("A", IMPORTS, "Laos->China", "2024", 10747.5, "t", source="CUSTOMS"),
        claim("B", MINE, "Laos", "2024", 10747, "t", source="USGS", derived_from=("A",)),
        claim("C", MINE, "Laos", "2024", 10750, "t", source="SURVEY"),
        claim("D", MINE, "Laos", "2024", 10740, "t", source="SURVEY_COPY"),
    )
    ledger = Evidence(rows, (source("SURVEY", "Field Survey"), source("SURVEY_COPY", "Field Survey via The Star")))
    assert count_independent(rows, ledger) == 2
    assert group_dependent(rows, ledger) == (("A", "B"), ("C", "D"))


def test_a_chain_of_derivation_joins_claims_over_a_third() -> None:
    rows = (
        claim("A", MINE, "Laos", "2024", 1, "t", source="S1", derived_from=("M",)),
        claim("B", MINE, "Laos", "2024", 1, "t", source="S2", derived_from=("A2",)),
    )
    middle = (
        claim("A2", MINE, "Laos", "2024", 1, "t", source="S3", derived_from=("M",)),
        claim("M", MINE, "Laos", "2024", 1, "t", source="S4"),
    )
    assert count_independent(rows, Evidence((*rows, *middle))) == 1
    assert count_independent(rows, Evidence(rows)) == 2


def test_a_derived_claim_alone_is_shown_as_such() -> None:
    (finding,) = check_text("The US ran a goods deficit with Myanmar of $579 million in 2024.", small_ledger())
    assert finding.verdict == "follows by arithmetic"
    assert finding.claims[:2] == ("TRADE", "GOODS")


def test_sums_over_years_follow() -> None:
    (finding,) = check_text(
        "China imported some 210,000 tonnes of rare earths from Myanmar between 2020 and 2024.", small_ledger()
    )
    assert finding.verdict == "follows by arithmetic"
    assert "sum of 5 years" in finding.arithmetic


def test_basis_stated_in_the_text_is_kept_apart() -> None:
    text = "Myanmar exported 44,000 t REO of rare earths to China in 2024."
    (finding,) = check_text(text, small_ledger())
    assert finding.verdict == "conflicts"
    assert finding.conflicting == ("REO2024",)


def test_an_extractor_of_ones_own_may_stand_in() -> None:
    seen: list[str] = []

    def extractor(text: str, gazetteer: Gazetteer) -> tuple[()]:
        seen.append(text)
        assert gazetteer[("burma",)] == "MMR"
        return ()

    assert check_text("Nothing to see.", small_ledger(), extractor=extractor) == ()
    assert seen == ["Nothing to see."]


@pytest.mark.parametrize(
    ("unit", "value", "expected", "name"),
    [
        ("kt", 44, 44000, "t"), ("t/yr", 5, 5, "t"), ("t_REO", 5, 5, "t"), ("kg", 500, 0.5, "t"),
        ("t/month", 9, 9, "t/month"), ("MUSD", 579, 579e6, "USD"), ("million USD", 2, 2e6, "USD"),
        ("USD/yr", 7, 7, "USD"),
        ("USD/kg", 110, 110000, "USD/t"), ("CNY/kg_oxide", 2, 2000, "CNY/t"), ("% of world", 90, 90, "%"),
        ("elements", 17, 17, "count:elements"), ("km", 126, 126, "count:km"),
    ],
)  # fmt: skip
def test_units_of_claims(unit: str, value: float, expected: float, name: str) -> None:
    reading = read_claim(claim("X", MINE, "Laos", "2024", value, unit), build_gazetteer())
    assert reading is not None
    assert reading.value == pytest.approx(expected)
    assert reading.unit == name


@pytest.mark.parametrize("unit", ["USD/(t_gross*km)", "t_REO/t_gross", "flag", "event", "ratio", ""])
def test_units_that_no_text_uses_are_left_out(unit: str) -> None:
    assert read_claim(claim("X", MINE, "Laos", "2024", 1.0, unit), build_gazetteer()) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the text is empty"),
        (" \n\t ", "the text is empty"),
        ("2024\u5e74\u4e2d\u56fd\u4ece\u7f05\u7538\u8fdb\u53e3\u7a00\u571f44000\u5428", "translate the text"),
        ("\x00\x01\x02PK\x03\x04", "binary data"),
        ("x" * (MAX_CHARACTERS + 1), "check it in parts"),
    ],
)
def test_texts_that_cannot_be_checked_are_refused(text: str, words: str) -> None:
    with pytest.raises(TextError, match=words):
        check_text(text, small_ledger())


def test_a_text_without_numbers_has_no_findings() -> None:
    assert check_text("Four sources described two rival approaches, still exploratory.", small_ledger())[1:] == ()


def test_every_quantity_gets_one_finding_in_order() -> None:
    text = FOUNDING * 20
    findings = check_text(text, small_ledger())
    assert [finding.quantity for finding in findings] == list(find_quantities(text))
