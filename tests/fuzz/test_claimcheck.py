"""Any text: the claim check answers with findings or with a TextError, never with another error, and in time."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from tests.facts.evidence_rows import claim, small_ledger

from oreflow.facts.claimcheck import TextError, check_text
from oreflow.facts.conflicts import find_conflicts
from oreflow.facts.quantities import find_quantities, parse_period

LEDGER = small_ledger()
WORDS = (
    "China Myanmar Burma US the imported exported produced refines from to in of between and about more than half two "
    "thirds third forty - four thousand million hundred a 44,000 57 2024 2014 2020 1 0 1e5 % per cent t kt tonnes kg $ "
    "USD / ( ) , . ; ' s year earlier last first months H1 Q3 September share rare earths dysprosium ore tariff "
    "deficit trade quota price rose fell doubled top three largest world out every dozen zero nine ten outside turned "
    "tenfold paid worth capacity Kuantan Mountain Pass km Yangon Kolkata separating costs loan later half-year "
    "oxides ore's British Geological Survey Chinese magnets A$ a dollar tonne of included halved quarter - situ sites"
)
LIST = WORDS.split()
PIECES = st.sampled_from(LIST)
VERDICTS = {"matches", "follows by arithmetic", "conflicts", "also reported by", "not in the ledger"}


def answer(text: str) -> None:
    try:
        findings = check_text(text, LEDGER)
    except TextError:
        return
    for finding in findings:
        assert finding.verdict in VERDICTS
        assert text[finding.quantity.start : finding.quantity.end] == finding.quantity.text
        assert finding.quantity.low <= finding.quantity.value <= finding.quantity.high
        assert bool(finding.claims) == (finding.verdict in {"matches", "follows by arithmetic"})


@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    answer(text)


@given(st.lists(PIECES, max_size=60).map(" ".join))
def test_any_words_of_the_field(text: str) -> None:
    answer(text)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_words_run_together(text: str) -> None:
    answer(text)


@given(st.binary(max_size=300))
def test_any_bytes_read_as_text(data: bytes) -> None:
    answer(data.decode("utf-8", errors="replace"))


@given(st.lists(PIECES, min_size=1, max_size=6).map(" ".join))
def test_repetition_does_not_hang(text: str) -> None:
    begin = time.perf_counter()
    find_quantities((text + " ") * 300)
    assert time.perf_counter() - begin < 20


@given(st.text(max_size=40))
def test_any_period(text: str) -> None:
    period = parse_period(text)
    assert period is None or len(period) == 2


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(
    st.lists(
        st.tuples(
            st.text(max_size=30),
            st.text(max_size=20),
            st.text(max_size=12),
            NUMBERS,
            st.sampled_from(["t", "%", "USD"]),
        ),
        max_size=6,
    )
)
def test_any_claims(rows: list[tuple[str, str, str, float | None, str]]) -> None:
    claims = [
        claim(f"c{number}", subject, place, period, value, unit)
        for number, (subject, place, period, value, unit) in enumerate(rows)
    ]
    find_conflicts(claims, ())
