"""From nothing to a comparison: the small case that `init` writes is checked and compared, twice the same."""

from __future__ import annotations

import json
import re
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


def test_the_report_of_another_case_speaks_of_its_own_elements_and_groups(
    small_case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(small_case), "--draws", "2", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Dy diverted 2030, t" in printed
    assert "outside the control of Belmor Group" in printed
    assert "can travel without crossing Belmor Group" in page
    for text in (printed, page):
        assert not re.search(r"Chin|Dy\+Tb|Myanmar|Kachin|<(tracked|elements|inside|outside)>", text)


def test_the_small_case_runs_in_quarters_with_rains_days_at_sea_and_a_stock(
    small_case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--periods", "quarter", "--window", "1", "--until", "2026", "--json"]
    assert main(["solve", str(small_case), "tariff-concentrate", *options]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["solved"]
    lines = data["periods"]
    assert [line["start"] for line in lines[1:]] == [2025 + k / 4 for k in range(8)]
    assert lines[3]["shipped"] < 0.9 * lines[2]["shipped"]  # the rains
    assert all(line["stocks"] for line in lines[1:])
    assert main(["solve", str(small_case), "--periods", "week"]) == 2
    assert "expected one of year, half, quarter, month" in capsys.readouterr().err
    assert main(["solve", str(small_case), "--expectation", "path"]) == 2
    assert "expected_prices.csv" in capsys.readouterr().err
    assert main(["solve", str(small_case), "--window", "0"]) == 2
    assert main(["solve", str(small_case), "--until", "2050"]) == 2
