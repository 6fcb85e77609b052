"""`show` and `report` open a run that is already there."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from pathlib import Path

import pytest

from oreflow.cli.verbs import report, show
from oreflow.core.errors import UsageError
from oreflow.report.archive import REFERENCE, pack_document
from oreflow.report.document import ComparisonDocument


@pytest.fixture(scope="module")
def document() -> ComparisonDocument:
    path = Path(__file__).parents[1] / "report" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("oreflow_tests_synthetic_cli", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: ComparisonDocument = module.synthetic_document(32)
    return found


@pytest.fixture
def folder(document: ComparisonDocument, tmp_path: Path) -> Path:
    case = tmp_path / "nowhere"
    case.mkdir()
    (case / "case.yaml").write_text("id: nowhere\n")
    (case / REFERENCE).write_bytes(pack_document(document))
    return case


def test_show_prints_sentences_table_and_doubts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show.command(str(folder))
    text = capsys.readouterr().out
    assert text.startswith("1. In 2030, of the Dy+Tb oxide of Nowhere origin")
    assert "5. The net change reaches 100 t in 2030 in 12 of 32 of the cases tried under A" in text
    assert "run: 0123456789ab" in text
    assert "doubt 3: Freight to the pass" in text
    assert "report:" not in text


def test_show_json_is_one_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show.command(str(folder), json=True)
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "oreflow/show/1"
    assert data["run"] == "0123456789ab"
    assert data["as_of"] == "2025-07-31"
    assert data["data"]["proposals"]["A"]["indicators"]["works"]["n"] == 32


def test_show_csv_and_out(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show.command(str(folder), csv=True, out=tmp_path / "out")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["proposal"] for row in rows} >= {"status-quo", "A", "B"}
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_report_takes_a_case_or_a_file(folder: Path, tmp_path: Path) -> None:
    report.command(str(folder), out=tmp_path / "one")
    report.command(str(folder / REFERENCE), out=tmp_path / "two")
    first, second = (tmp_path / name / "report.html" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_wrong_calls_say_what_to_do(folder: Path) -> None:
    with pytest.raises(UsageError, match="give one of them"):
        show.command(str(folder), json=True, csv=True)
    (folder / REFERENCE).unlink()
    with pytest.raises(UsageError, match=r"ships no run; `oreflow compare .*` makes one"):
        show.command(str(folder))
    with pytest.raises(UsageError, match="unknown case 'nosuch'"):
        report.command("nosuch")
