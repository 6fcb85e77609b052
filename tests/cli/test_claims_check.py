"""The verbs `claims check` and `facts conflicts`: output, one JSON document, refusals with their exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.facts.evidence_rows import small_ledger

from oreflow.chain import case as case_module
from oreflow.cli import app

TEXT = "China imported 44,000 t of rare earths from Myanmar in 2024. Kachin mines 3% of the world's heavy rare earths."


@pytest.fixture(autouse=True)
def small_case(monkeypatch: pytest.MonkeyPatch) -> None:
    places = (SimpleNamespace(id="SADON", name="Sadon"),)
    loaded = SimpleNamespace(ledger=small_ledger(), places=places)
    monkeypatch.setattr(case_module, "load_case", {"kachin": loaded}.__getitem__)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_findings_are_printed_with_their_claims(text_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["claims", "check", str(text_file)]) == 0
    printed = capsys.readouterr().out
    assert "matches 1 claim (of 1 independent source): M2024" in printed
    assert "conflicts with HEAVY" in printed
    assert "2 quantities: 1 matches, 1 conflicts" in printed


def test_json_is_one_document(text_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["claims", "check", str(text_file), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "oreflow/claims-check/1"
    first, second = document["data"]["findings"]
    assert (first["verdict"], first["claims"], first["independent_sources"]) == ("matches", ["M2024"], 1)
    assert (second["verdict"], second["conflicting"], second["period"]) == ("conflicts", ["HEAVY"], "2024")


def test_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.encode())))
    assert app.main(["claims", "check", "-"]) == 0
    assert "M2024" in capsys.readouterr().out


def test_the_report_named_by_the_caller_does_not_support(text_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["claims", "check", str(text_file), "--report", "REUTERS"]) == 0
    assert "also reported" not in capsys.readouterr().out
    assert app.main(["claims", "check", str(text_file), "--report", "COMTRADE"]) == 0
    assert "also reported by M2024" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [
        (b"", "the text is empty", 1),
        ("\u4e2d\u56fd\u4ece\u7f05\u7538\u8fdb\u53e3\u7a00\u571f".encode(), "translate the text", 1),
        (b"\xff\xfe\x00\x01", "is not UTF-8", 1),
        (b"a\x00b\x01\x02\x03", "binary data", 1),
        (b"word " * 900_000, "larger than", 1),
    ],
)
def test_bad_texts_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str, code: int
) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    assert app.main(["claims", "check", str(path)]) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_wrong_usage(tmp_path: Path, text_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["claims", "check", str(tmp_path / "none.txt")]) == 2
    assert app.main(["claims", "check", str(text_file), "--report", "NOBODY"]) == 2
    assert "no such source" in capsys.readouterr().err


def test_conflicts_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["facts", "conflicts", "kachin"]) == 0
    printed = capsys.readouterr().out
    assert "series break: production, MMR" in printed
    assert "origin group" in printed
    assert app.main(["facts", "conflicts", "kachin", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "oreflow/facts-conflicts/1"
    assert {item["kind"] for item in document["data"]["conflicts"]} >= {"values", "basis", "copy", "series break"}
