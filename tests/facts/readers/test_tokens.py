"""Statistical marks: each becomes what it means, and none becomes a number that was not printed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.facts.readers.tokens import read_bgs, read_number, read_plain, read_usgs


@pytest.mark.parametrize(
    ("text", "value", "lower", "upper", "status"),
    [("1,234", 1234.0, None, None, "reported"), ("0", 0.0, None, None, "reported"), ("—", 0.0, None, None, "nil"),
     ("--", 0.0, None, None, "nil"), ("NA", None, None, None, "missing"), ("", None, None, None, "missing"),
     ("W", None, None, None, "withheld"), ("XX", None, None, None, "not_applicable"), ("s", None, 0.0, 0.5, "bound"),
     (">95", None, 95.0, 100.0, "bound"), ("<1,000", None, 0.0, 1000.0, "bound"), ("E", None, None, 0.0, "bound"),
     ("500–17,000", None, 500.0, 17000.0, "bound"), ("330 - 390", None, 330.0, 390.0, "bound"),
     (">50%", None, 50.0, 100.0, "bound"),
     ("Large", None, None, None, "qualitative"), ("Less than 1/2 unit.", None, 0.0, 0.5, "bound"),
     ("Included in World total.", None, None, None, "missing"), ("?1", None, None, None, "unreadable"),
     ("\u00a0 NA", None, None, None, "missing")],
)  # fmt: skip
def test_marks_of_usgs(text: str, value: float | None, lower: float | None, upper: float | None, status: str) -> None:
    reading = read_usgs(text, percent=True, net_imports=True)
    assert reading is not None
    assert (reading.value, reading.lower, reading.upper, reading.status) == (value, lower, upper, status)


def test_e_is_net_exporter_only_where_reliance_is_stated() -> None:
    assert read_usgs("E") is None


def test_a_lower_bound_of_a_quantity_has_no_upper_one() -> None:
    reading = read_usgs(">85,000,000")
    assert reading is not None
    assert (reading.lower, reading.upper) == (85e6, None)


@pytest.mark.parametrize("text", ["17,000–500", "1,2", "12 34", "1e999", "nan", "inf", "about 5", "-", "9" * 60])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


def test_bgs_marks_that_contradict_one_another() -> None:
    assert read_bgs("5", "...", "Missing value", "") is None
    assert read_bgs("5", "-----", "Normal value", "") is None
    bound = read_bgs("0", "0", "Not Significant", "Quantity is more than 0 but less than 0.5")
    assert bound is not None
    assert (bound.value, bound.upper) == (None, 0.5)


@given(st.floats(min_value=0, max_value=1e12, allow_nan=False))
def test_printed_numbers_are_read_back(number: float) -> None:
    printed = f"{number:,.3f}"
    assert read_number(printed) == float(printed.replace(",", ""))


@given(st.text(max_size=30))
def test_no_text_becomes_an_unbounded_or_contradicting_number(text: str) -> None:
    for reading in (read_usgs(text), read_plain(text, missing=frozenset({"NA"})), read_bgs(text, text, text, text)):
        if reading is None:
            continue
        numbers = [number for number in (reading.value, reading.lower, reading.upper) if number is not None]
        assert all(math.isfinite(number) for number in numbers)
        assert reading.value is None or reading.lower is None
        assert reading.lower is None or reading.upper is None or reading.lower <= reading.upper
