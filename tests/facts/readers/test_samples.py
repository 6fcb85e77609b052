"""Every sample file is recognised or refused by name, and its counts are those that were read by hand and by script."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from oreflow.facts.readers import ReadResult, read_files
from oreflow.facts.readers import read_file as read_uncached

COUNTS = list(csv.DictReader((Path(__file__).parent / "sample_counts.csv").read_text(encoding="utf-8").splitlines()))
FOLDERS = ("un-comtrade", "usgs-mcs", "usgs-myb", "usgs-ds140", "bgs-wms", "usitc-dataweb", "worldbank-wgi",
           "cepii-baci-reference")  # fmt: skip


@cache
def read_file(path: Path) -> ReadResult:
    return read_uncached(path)


@pytest.fixture(scope="module")
def samples(shared: Path) -> Path:
    folder = shared / "data-samples"
    if not folder.is_dir():
        pytest.skip("no sample files: data-samples is absent")
    return folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_recognised_or_refused_by_name(samples: Path, folder: str) -> None:
    expected = [row for row in COUNTS if row["file"].startswith(f"{folder}/")]
    there = {path.relative_to(samples).as_posix() for path in (samples / folder).rglob("*") if path.is_file()}
    assert there == {row["file"] for row in expected}
    for row in expected:
        result = read_file(samples / row["file"])
        closure = result.closure.status if result.format else ""
        found = (result.format or "", result.vintage, result.encoding, result.rows_in, result.used, closure)
        wanted = (row["format"], row["vintage"], row["encoding"], int(row["rows_in"]), int(row["used"]), row["closure"])
        assert found == wanted, row["file"]
        assert (result.refused or "") == row["refused"], row["file"]
        assert result.rows_in == result.used + sum(result.rejected.values()), row["file"]
        if result.format and result.reference is None:
            assert result.used > 0
            assert result.table.height >= result.used
            numbers = result.table.select(pl.col("value", "lower", "upper").is_finite().all())
            assert all(flag is not False for flag in numbers.row(0)), row["file"]


def test_other_folders_hold_nothing_that_is_taken_for_data(samples: Path) -> None:
    for folder in ("natural-earth", "myanmar-geography", "cepii-geodist"):
        for path in (samples / folder).iterdir():
            result = read_file(path)
            assert result.format is None, path.name
            assert result.refused, path.name
            assert result.refused.startswith("not data"), path.name


def test_imports_of_china_from_myanmar_are_those_of_the_record(samples: Path) -> None:
    gross = {2017: 19_958, 2018: 33_976, 2019: 28_741, 2020: 35_454, 2021: 34_670, 2022: 23_705, 2023: 72_074}
    folder = samples / "un-comtrade" / "china_imports_hs2846"
    results = read_files([*(folder / f"{year}.json" for year in gross), folder / "publication_metadata.json"])
    for (year, tonnes), result in zip(gross.items(), results, strict=False):
        rows = result.table.filter((pl.col("partner") == "MMR") & (pl.col("measure") == "net_weight"))
        assert rows.height == 1
        assert round(rows["value"][0] / 1000) == tonnes, year
        assert set(rows["valuation"]) == {""}
        values = result.table.filter(pl.col("measure") == "value")
        assert set(values["valuation"].cast(pl.String)) == {"CIF"}
        assert all(values["published"].cast(pl.String) > str(year))


def test_vintages_of_usgs_stand_side_by_side(samples: Path) -> None:
    wanted = {("2023", "2022"): 12_000, ("2024", "2022"): 12_000, ("2024", "2023"): 38_000, ("2025", "2023"): 43_000,
              ("2025", "2024"): 31_000, ("2026", "2024"): 27_000, ("2026", "2025"): 22_000}  # fmt: skip
    names = {"2023": "2023/mcs2023-raree_world.csv", "2024": "2024/mcs2024-raree_world.csv",
             "2025": "2025/MCS2025_World_Data.csv", "2026": "2026/MCS2026_Commodities_Data.csv"}  # fmt: skip
    tables = {release: read_file(samples / "usgs-mcs" / name).table for release, name in names.items()}
    for (release, year), tonnes in wanted.items():
        rows = tables[release].filter(
            (pl.col("reporter") == "MMR")
            & (pl.col("period") == year)
            & (pl.col("measure") == "production")
            & pl.col("product").cast(pl.String).str.to_lowercase().str.starts_with("rare earth")
        )
        assert rows["value"].to_list() == [tonnes], (release, year)
        assert rows["basis"].cast(pl.String).to_list() == ["REO"]


def test_marks_of_usgs_2026_become_what_they_mean(samples: Path) -> None:
    table = read_file(samples / "usgs-mcs/2026/MCS2026_Commodities_Data.csv").table
    status = dict(table.group_by(pl.col("status").cast(pl.String)).len().rows())
    assert status["withheld"] == 224
    assert status["nil"] == 313
    assert status["not_applicable"] == 8
    flags = pl.col("flags").cast(pl.String)
    assert table.filter(flags.str.contains("net_exporter")).height == 92
    assert table.filter(flags.str.contains("less_than_half_unit")).height == 48
    printed = table.filter(pl.col("vintage") == "2026")
    assert printed.height == 8_886
    assert printed.filter(pl.col("comparator") == ">").height == 87
    assert table.filter(pl.col("comparator") == "range").height == 17
    brazil = table.filter(
        (pl.col("reporter") == "BRA") & (pl.col("measure") == "reserves") & (pl.col("product") == "Rare Earths")
    )
    assert brazil["value"].to_list() == [21e6, 11e6]
    assert "corrected_by_source" in brazil["flags"].to_list()[1]


def test_ionic_clays_of_the_yearbook_have_bounds(samples: Path) -> None:
    table = read_file(samples / "usgs-myb/myb1-2022-raree-ert.xlsx").table
    longnan = table.filter(pl.col("product_name").cast(pl.String).str.contains("Longnan"))
    shares = {row["product"]: (row["value"], row["upper"]) for row in longnan.to_dicts()}
    assert shares["Dy"] == (7.48, None)
    assert shares["Ce"] == (None, 1.09)
    burma = table.filter((pl.col("reporter") == "MMR") & (pl.col("sheet") == "T8")).sort("period")
    assert burma["value"].to_list() == [23_000, 29_000, 35_500, 34_700, 12_000]
    assert set(burma["status"].cast(pl.String)) == {"estimated"}


def test_other_sources_hold_known_cells(samples: Path) -> None:
    bgs = read_file(samples / "bgs-wms/BGS_REs_production.csv").table
    burma = bgs.filter((pl.col("reporter") == "MMR") & (pl.col("period") == "2023") & (pl.col("basis") == "REO"))
    assert burma["value"].to_list() == [72_000]
    assert bgs.filter(pl.col("status") == "nil").height == 70
    assert bgs.filter(pl.col("status") == "missing").height == 5
    wgi = read_file(samples / "worldbank-wgi/wgidataset.xlsx").table
    assert wgi.filter(pl.col("status") == "missing").height == 6_666
    assert wgi.filter(pl.col("reporter_code") == "ZAR")["reporter"].unique().to_list() == ["COD"]
    ds140 = read_file(samples / "usgs-ds140/ds140-rare-earths-2020.xlsx").table
    assert ds140.filter((pl.col("reporter") == "WLD") & (pl.col("period") == "2020"))["value"].to_list() == [243_000]
    trade = read_file(samples / "usitc-dataweb/us_imports_for_consumption_1993-2026.xlsx").table
    running = trade.filter(pl.col("period") == "2026")
    assert set(running["status"].cast(pl.String)) == {"missing"}
    assert set(trade.filter(pl.col("partner_code") == "Myanmar (Burma)")["partner"].cast(pl.String)) == {"MMR"}


def test_sum_of_the_world_table_of_rare_earths_is_not_its_rounded_total(samples: Path) -> None:
    table = read_file(samples / "usgs-mcs/2022/mcs2022-raree_world.csv").table
    total = table.filter((pl.col("reporter") == "WLD") & (pl.col("period") == "2020"))
    assert total["value"].to_list() == [240_000]
    assert "rounded_total" in total["flags"].to_list()[0]


def test_american_exports_to_china_and_chinas_record_differ_by_heading(samples: Path) -> None:
    table = read_file(samples / "un-comtrade/api_csv/heavy_ree_trade_data.csv").table
    weight = table.filter(
        (pl.col("measure") == "net_weight") & (pl.col("period") == "2020") & (pl.col("product") == "2846")
    )
    out = weight.filter((pl.col("reporter") == "USA") & (pl.col("flow") == "export") & (pl.col("partner") == "CHN"))
    arrived = weight.filter((pl.col("reporter") == "CHN") & (pl.col("flow") == "import") & (pl.col("partner") == "USA"))
    assert out["value"].to_list() == [59_555_508.0]
    assert round(arrived["value"][0] / 1000) == 24
