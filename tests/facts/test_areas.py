"""Country and area codes: what trade statistics write, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.facts.areas import area_by_code, area_by_iso, area_by_name, area_ids, numeric_area_table


@pytest.mark.parametrize(
    ("code", "area"),
    [("251", "FRA"), ("699", "IND"), ("842", "USA"), ("757", "CHE"), ("579", "NOR"), ("104", "MMR"), ("156", "CHN"),
     ("58", "BLX"), ("56", "BEL"), ("278", "DDR"), ("711", "SACU"), ("0", "WLD"), ("004", "AFG")],
)  # fmt: skip
def test_comtrade_codes(code: str, area: str) -> None:
    assert area_by_code(code).id == area


def test_taiwan_is_an_assumption_and_nes_is_unallocated() -> None:
    assert (area_by_code("490").id, area_by_code("490").flags) == ("TWN", ("taiwan_assumed",))
    assert area_by_iso("S19").flags == ("taiwan_assumed",)
    assert area_by_name("Other Asia, nes").flags == ("taiwan_assumed",)
    assert area_by_name("Taiwan").flags == ()
    for code in ("899", "838", "837", "839", "492", "129", "879"):
        assert (area_by_code(code).kind, area_by_code(code).flags) == ("unallocated", ("unallocated",))
    assert area_by_iso("_X ").id == area_by_code("899").id
    assert area_by_iso("X2 ").id == area_by_code("838").id


def test_codes_have_years_of_validity() -> None:
    assert area_by_code("736", 2010).flags == ()
    assert area_by_code("736", 2015).flags == ("code_outside_validity",)
    assert area_by_code("711", 2005).flags == ("code_outside_validity",)


@pytest.mark.parametrize(
    ("name", "area"),
    [("Burma ", "MMR"), ("Myanmar (Burma)", "MMR"), ("Bhutan9", "BTN"), ("Congo (Kinshasa)", "COD"),
     ("Korea, Republic ofe", "KOR"), ("Thailande, 5", "THA"), ("China3", "CHN"), ("United\u00a0States", "USA"),
     ("Côte d’Ivoire", "CIV"), ("France (andalusite)", "FRA"), ("缅甸", "MMR"), ("World total (rounded) 10", "WLD"),
     ("Other Countries", "OTH"), ("Niger", "NER"), ("Nigeria", "NGA"), ("Guinea-Bissau", "GNB"), ("Namibia", "NAM")],
)  # fmt: skip
def test_printed_names(name: str, area: str) -> None:
    assert area_by_name(name).id == area


@pytest.mark.parametrize(("code", "area"), [("ROM", "ROU"), ("ZAR", "COD"), ("TMP", "TLS"), ("PAL", "PSE"),
                                            ("ADO", "AND"), ("NA", "NAM"), ("W00", "WLD"), ("WBG", "PSE")])  # fmt: skip
def test_older_codes(code: str, area: str) -> None:
    assert area_by_iso(code).id == area


def test_unknown_is_said_and_never_guessed() -> None:
    assert area_by_code("777").kind == "unknown"
    assert area_by_name("Atlantis").flags == ("area_unknown",)
    assert area_by_iso("QQQ").id == "code:QQQ"


def test_every_code_has_one_area() -> None:
    table = numeric_area_table()
    assert len(table) > 280
    assert {area.id for area in table.values()} <= area_ids()
    assert table["492"].kind == "unallocated"


@given(st.text(max_size=30))
def test_any_text_gives_an_area(text: str) -> None:
    for area in (area_by_code(text), area_by_iso(text), area_by_name(text)):
        assert area.kind == "unknown" or area.id in area_ids() | {"OTH"}
