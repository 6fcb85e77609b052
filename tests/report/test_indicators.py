"""The definitions of the indicators, and the page that is printed from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oreflow.core.errors import UsageError
from oreflow.report.indicators import INDICATORS, indicator, indicators_page
from oreflow.report.wording import Wording

PAGE = Path(__file__).resolve().parents[2] / "docs" / "indicators.md"


def test_the_page_is_the_one_printed_from_the_definitions() -> None:
    assert PAGE.read_text(encoding="utf-8") == indicators_page(), "run python -m oreflow.report.indicators"


def test_the_keys_that_json_promises_are_defined() -> None:
    assert set(INDICATORS) == {
        *("diverted_first", "diverted_end", "net_ex_china_dytb", "diverted_reo", "diverted_value", "first_year"),
        *("china_share_separation_hree", "china_exposure", "import_reliance", "hhi", "price", "gap", "turnover"),
        *("rent", "public_cost", "public_cost_per_kg", "us_myanmar_balance", "barriers", "works"),
    }


def test_every_definition_says_what_its_sign_means_and_has_a_unit() -> None:
    for key, item in INDICATORS.items():
        assert item.key == key
        assert item.title
        assert item.formula
        assert item.sign.endswith(".")
        assert item.unit or item.sense == "list"


def test_the_page_holds_every_formula() -> None:
    page = indicators_page()
    for item in INDICATORS.values():
        assert f"## {item.key}\n" in page
        assert item.worded(Wording(("Dy", "Tb"), "China")).formula in page
    assert not re.search("<[a-z]+>", page), "a mark that is not filled in"


def test_definitions_speak_of_the_case_at_hand() -> None:
    texts = " ".join(
        f"{item.title} {item.formula} {item.sign}"
        for item in (found.worded(Wording(("Co",), "outside_belmor_group")) for found in INDICATORS.values())
    )
    assert "Co of the tracked origin first separated outside the control of Belmor Group" in texts
    assert "sum over e in {Co} of" in texts
    assert not re.search("Dy|Tb|Chin|<[a-z]+>", texts)


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown indicator 'diverted'; expected one of diverted_first, "):
        indicator("diverted")
