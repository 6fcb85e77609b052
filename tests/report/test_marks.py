"""How numbers are written and marked."""

from __future__ import annotations

import doctest
import math
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.report import figures, marks, sentences
from oreflow.report.marks import (
    NUMBER,
    Cited,
    marked,
    number_text,
    parts_html,
    parts_text,
    range_text,
    slug,
    value_text,
)


def _exempt_and_linked_removed(html: str) -> str:
    bare = re.sub(r'<a class="num" href="#[^"]*">[^<]*</a>|<span data-exempt="[a-z]+">[^<]*</span>', " ", html)
    return unescape(bare)


@pytest.mark.parametrize("module", [marks, sentences, figures])
def test_the_examples_of_the_docstrings_hold(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted > 0
    assert found.failed == 0


@given(st.text(alphabet="ab <>&\"'0123456789.,-–%() t2024", max_size=60))
def test_marking_keeps_the_text_and_leaves_no_number_unmarked(text: str) -> None:
    html = marked(text, "text-B")
    assert unescape(re.sub(r"<[^>]*>", "", html)) == text
    assert not NUMBER.search(_exempt_and_linked_removed(html))


@pytest.mark.parametrize(
    ("text", "linked", "years"),
    [
        ("500 t a month from 2027", ["500"], ["2027"]),
        ("by 2025-07-31, 44,000 of 77,300 t", ["44,000", "77,300"], ["2025-07-31"]),
        ("In 2030, 12.5% and P10 of H2024", ["12.5"], ["2030"]),
        ("2000 t and 2,030 t", ["2000", "2,030"], []),
    ],
)
def test_years_are_told_from_amounts(text: str, linked: list[str], years: list[str]) -> None:
    html = marked(text, "x")
    assert re.findall(r'class="num" href="#x">([^<]*)<', html) == linked
    assert re.findall(r'data-exempt="year">([^<]*)<', html) == years


@given(st.floats(min_value=-1e15, max_value=1e15, allow_nan=False))
def test_a_written_number_is_within_half_a_percent_or_half_a_unit_of_its_second_digit(value: float) -> None:
    text = number_text(value).replace("−", "-").replace(",", "")
    assert math.isclose(float(text), value, rel_tol=0.0501, abs_tol=1e-9)
    if abs(value) >= 100:
        assert math.isclose(float(text), value, rel_tol=0.0051)


@given(st.lists(st.text(alphabet="aA0 _-+.:é/", min_size=1, max_size=8), unique=True, min_size=2, max_size=8))
def test_different_ids_have_different_anchors_that_are_safe(ids: list[str]) -> None:
    found = [slug(name) for name in ids]
    assert len(set(found)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_.:-]+", anchor) for anchor in found)


def test_values_follow_their_unit() -> None:
    assert value_text(2029.0, "year") == "2029"
    assert value_text(0.913, "1") == "91%"
    assert value_text(-85e6, "USD/yr", signed=True) == "−85 million"
    assert range_text(-64e6, -24e6, "USD/yr", signed=True) == "−64 to −24 million"
    assert range_text(0.33, 0.44, "1") == "33%–44%"


def test_a_sentence_is_the_same_in_text_and_html() -> None:
    parts = ("about ", Cited("121", "ind-x--A"), " t <or> 5 more")
    assert parts_text(parts) == "about 121 t <or> 5 more"
    assert unescape(re.sub(r"<[^>]*>", "", parts_html(parts, "text-A"))) == parts_text(parts)
