"""From nothing to a comparison: the small case that `init` writes is checked and compared, twice the same."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from oreflow import __version__
from oreflow.cli.app import main


@pytest.fixture(scope="module")
def small_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["init", "small"]) == 0
    return folder / "small"


def test_the_small_case_has_no_problems(small_case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(small_case)]) == 0
    assert "no problems" in capsys.readouterr().out


def test_init_replaces_nothing(
    small_case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in small_case.rglob("*") if path.is_file()}
    monkeypatch.chdir(small_case.parent)
    assert main(["init", "small"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert {path: path.read_bytes() for path in small_case.rglob("*") if path.is_file()} == before


def test_a_comparison_is_the_same_with_one_worker_and_two(
    small_case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for workers in ("1", "2"):
        out = tmp_path / workers
        options = ["--draws", "3", "--json", "--workers", workers, "--out", str(out)]
        assert main(["compare", str(small_case), *options]) == 0
        printed.append(capsys.readouterr().out)
        assert {"report.html", "comparison.json.gz"} <= {path.name for path in out.iterdir()}
    document = json.loads(printed[0])
    assert (document["schema"], document["version"], document["seed"]) == ("oreflow/compare/1", __version__, 1)
    assert document["run"]
    for proposal in document["data"]["proposals"].values():
        for indicator in proposal["indicators"].values():
            assert {"unit", "value"} <= set(indicator)
    assert printed[0] == printed[1]
    assert (tmp_path / "1/report.html").read_bytes() == (tmp_path / "2/report.html").read_bytes()


def with_columns(path: Path, **columns: dict[str, str]) -> None:
    """Add columns to a table; cells by the row's id."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows = [{**row, **{name: cells.get(row["id"], "") for name, cells in columns.items()}} for row in rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_the_small_case_runs_in_quarters_with_rains_and_days_at_sea(
    small_case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wet = tmp_path / "wet"
    shutil.copytree(small_case, wet)
    with (wet / "assumptions.csv").open("a", encoding="utf-8") as stream:
        stream.write("sea_days,days at sea,20,15,30,day,,,M,a guess,\n")
        stream.write("rains,output in the rains,0.6,0.4,0.8,1,,,M,a guess,\n")
    (wet / "seasons.csv").write_text('season,months,factor\nrains,7;8;9,"=assume(""rains"")"\n', encoding="utf-8")
    with_columns(wet / "legs.csv", days={"sea": '=assume("sea_days")'})
    with_columns(wet / "processes.csv", season={"mine_a": "rains"})
    assert main(["check", str(wet)]) == 0
    capsys.readouterr()
    options = ["--periods", "quarter", "--window", "1", "--until", "2026", "--json"]
    assert main(["solve", str(wet), "tariff-concentrate", *options]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["solved"]
    lines = data["periods"]
    assert [line["start"] for line in lines[1:]] == [2025 + k / 4 for k in range(8)]
    assert lines[3]["shipped"] < 0.9 * lines[2]["shipped"]  # the rains
    assert main(["solve", str(small_case), "--periods", "week"]) == 2
    assert "expected one of year, half, quarter, month" in capsys.readouterr().err
    assert main(["solve", str(small_case), "--expectation", "path"]) == 2
    assert "expected_prices.csv" in capsys.readouterr().err
    assert main(["solve", str(small_case), "--window", "0"]) == 2
    assert main(["solve", str(small_case), "--until", "2050"]) == 2
