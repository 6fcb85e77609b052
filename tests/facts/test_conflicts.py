"""Conflicts between claims: spread, declared and detected dependence, series breaks, unit values, gross and REO."""

from __future__ import annotations

import pytest
from tests.facts.evidence_rows import IMPORTS, MINE, claim, facts_book, small_ledger, source

from oreflow.facts.claimcheck import Evidence
from oreflow.facts.conflicts import Conflict, find_conflicts


def of_kind(ledger: Evidence, kind: str) -> list[Conflict]:
    return [found for found in find_conflicts(ledger.claims, ledger.sources) if found.kind == kind]


def test_two_numbers_for_one_matter_stand_side_by_side() -> None:
    rows = (
        claim("A", MINE, "Thailand", "2024", 13000, "t", basis="REO", source="USGS", vintage="MCS 2025"),
        claim("B", MINE, "Thailand", "2024", 2100, "t", basis="REO", source="USGS", vintage="MCS 2026"),
        claim("C", MINE, "Thailand", "2024", 5, "kt", basis="REO", source="DMR"),
    )
    (found,) = find_conflicts(rows, ())
    assert (found.kind, found.place, found.period, found.unit) == ("values", "THA", "2024", "t")
    assert found.spread == pytest.approx(13000 / 2100 - 1)
    assert [side.value for side in found.sides] == [13000, 2100, 5000]
    assert found.independent == 2
    assert found.sides[0].group == found.sides[1].group != found.sides[2].group
    assert "vintages MCS 2025, MCS 2026" in found.explanation


@pytest.mark.parametrize(
    "other",
    [
        claim("B", MINE, "Thailand", "2023", 2100, "t", source="DMR"),
        claim("B", MINE, "Laos", "2024", 2100, "t", source="DMR"),
        claim("B", "mine output of dysprosium", "Thailand", "2024", 90, "t", source="DMR", element="Dy"),
        claim("B", "rare-earth reserves", "Thailand", "2024", 4500, "t", source="DMR"),
        claim("B", MINE, "Thailand", "2024", 13100, "t", source="DMR"),
    ],
)
def test_other_matters_and_small_differences_are_no_conflict(other: object) -> None:
    row = claim("A", MINE, "Thailand", "2024", 13000, "t", source="USGS")
    assert find_conflicts((row, other), ()) == ()  # type: ignore[arg-type]


def test_one_publisher_under_two_source_ids_is_one_origin() -> None:
    rows = (
        claim("A", MINE, "Brazil", "2024", 20, "t", source="MCS25"),
        claim("B", MINE, "Brazil", "2024", 560, "t", source="MCS26"),
    )
    sources = (source("MCS25", "U.S. Geological Survey"), source("MCS26", "USGS"))
    assert find_conflicts(rows, sources)[0].independent == 1
    assert find_conflicts(rows, ())[0].independent == 2


def test_parts_that_one_table_lists_are_not_set_against_one_another() -> None:
    rows = tuple(
        claim(name, "Export Rare Earths", "United States->World", "2024", value, "t", source="USGS")
        for name, value in (("A", 37500), ("B", 902), ("C", 347))
    )
    assert find_conflicts(rows, ()) == ()


def test_two_plants_of_one_country_are_two_matters() -> None:
    rows = (
        claim("A", "nameplate capacity, Caldeira", "Brazil", "2024", 9000, "t", source="X"),
        claim("B", "nameplate capacity, Serra Verde", "Brazil", "2024", 5000, "t", source="Y"),
    )
    assert find_conflicts(rows, ()) == ()


def test_gross_and_oxide_weight_show_the_implied_conversion() -> None:
    (found,) = of_kind(small_ledger(), "basis")
    assert (found.place, found.period) == ("MMR -> CHN", "2024")
    assert "implied 0.76 t REO a gross tonne" in found.explanation


def test_bgs_output_is_detected_as_chinese_customs_rounded() -> None:
    weights = {
        "2014": 301.6,
        "2015": 392.0,
        "2016": 69.4,
        "2017": 19957.7,
        "2018": 33976.4,
        "2019": 28741,
        "2021": 34670,
    }
    printed = {"2014": 300, "2015": 400, "2016": 4500, "2017": 20000, "2018": 34000, "2019": 29000, "2021": 35000}
    rows = [
        claim(f"M{y}", IMPORTS, "Myanmar->China", y, v, "t", basis="gross", source="COMTRADE")
        for y, v in weights.items()
    ]
    rows += [
        claim(f"B{y}", "production of rare earth oxides", "Myanmar", y, v, "t", basis="REO", source="BGS")
        for y, v in printed.items()
    ]
    found = [item for item in find_conflicts(rows, ()) if item.kind == "copy"]
    assert len(found) == 1
    assert "in 6 of 7 periods" in found[0].explanation
    assert "2016" not in found[0].explanation
    assert "0 of 6 declare it" in found[0].explanation
    assert found[0].independent == 1


def test_an_output_of_its_own_is_no_copy() -> None:
    rows = (
        claim("M", IMPORTS, "Laos->China", "2024", 10747.5, "t", basis="gross", source="COMTRADE"),
        claim("B", MINE, "Laos", "2024", 9800, "t", basis="REO", source="BGS"),
    )
    assert [item.kind for item in find_conflicts(rows, ())] == []


def test_a_change_of_conversion_is_a_series_break() -> None:
    (found,) = of_kind(small_ledger(), "series break")
    assert "1.00 to 1 in 2020, 2021" in found.explanation
    assert "0.60 from 2022" in found.explanation
    assert "not a trend" in found.explanation


def test_a_steady_conversion_is_no_break() -> None:
    rows = []
    for year, weight in (("2020", 1000.0), ("2021", 3000.0), ("2022", 2000.0)):
        rows.append(claim("M" + year, IMPORTS, "Laos->China", year, weight, "t", basis="gross", source="COMTRADE"))
        rows.append(claim("U" + year, MINE, "Laos", year, 0.6 * weight, "t", basis="REO", source="USGS"))
    assert find_conflicts(rows, ()) == ()


def test_odd_unit_values_stand_out() -> None:
    rows = []
    for year, weight, value in (
        (2017, 20000, 12.4),
        *((2018 + step, 1000 + 100 * step, 14 + 2 * step) for step in range(6)),
    ):
        period = str(year)
        rows.append(claim(f"W{year}", IMPORTS, "Laos->China", period, weight, "t", basis="gross", source="COMTRADE"))
        money = claim(f"V{year}", IMPORTS + " value", "Laos->China", period, value, "million USD", source="COMTRADE")
        rows.append(money)
    (found,) = find_conflicts(rows, ())
    assert (found.kind, found.period) == ("unit value", "2017")
    assert "620 USD/t" in found.explanation


def test_the_facts_book_shows_what_its_readers_are_warned_of(shared: object) -> None:
    from pathlib import Path

    ledger = facts_book(Path(str(shared)) / "facts")
    found = find_conflicts(ledger.claims, ledger.sources)
    broken = [item for item in found if item.kind == "series break" and item.place == "MMR"]
    assert len(broken) == 1
    assert "2019, 2020, 2021" in broken[0].explanation
    output = [item for item in found if (item.subject, item.place, item.period) == ("production", "MMR", "2024")]
    assert {27000.0, 31000.0} <= {side.value for side in output[0].sides}
    assert any(item.kind == "unit value" and item.period == "2017" for item in found)


def test_nothing_is_found_in_nothing() -> None:
    assert find_conflicts((), ()) == ()
