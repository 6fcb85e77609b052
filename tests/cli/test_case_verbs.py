"""`check`, `init`, `facts list` and `cite` on the command line: texts, documents, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from oreflow.cli.app import main


@pytest.fixture
def case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A case made by `oreflow init`."""
    folder = tmp_path / "two"
    assert main(["init", str(folder)]) == 0
    assert "oreflow check" in capsys.readouterr().out
    return folder


def test_init_overwrites_nothing(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in case.rglob("*")}
    assert main(["init", str(case)]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in case.rglob("*")} == before


def test_check_of_a_sound_case(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(case)]) == 0
    assert "two: no problems" in capsys.readouterr().out


def test_check_lists_every_problem_and_ends_with_1(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, old, new in (("legs.csv", ",,open,", ",,ajar,"), ("claims.csv", "1000,900", "1000,1900")):
        path = case / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert main(["check", str(case)]) == 1
    shown = capsys.readouterr()
    assert "legs.csv, row 2, column state: found 'ajar'; expected one of open, closed" in shown.err
    assert "claims.csv, row 2, column low" in shown.err
    assert "Traceback" not in shown.err
    assert main(["check", str(case), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "oreflow/check/1"
    assert document["data"]["counts"]["legs.csv"] == 2
    assert {"file", "row", "column", "found", "expected", "remedy"} == set(document["data"]["problems"][0])


def test_check_of_an_unknown_case_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "no-such-case"]) == 2
    assert "unknown case 'no-such-case'" in capsys.readouterr().err


def test_check_lists_swapped_parameters(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(case), "--as-of", "2025-01-10"]) == 0
    assert "claim:mine_belmor_old instead of claim:mine_belmor, published 2025-01-15" in capsys.readouterr().out


def test_facts_list_has_the_summary_and_filters(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", "list", str(case), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    summary = data["summary"]
    assert (summary["claims"], summary["used"], summary["kept"], summary["bare"]) == (18, 15, 1, 0)
    assert summary["by_grade"]["C, not independent"] == 1
    assert sum(summary["by_grade"].values()) == summary["claims"] - summary["kept"]
    assert sum(summary["parameters_by_grade"].values()) == pytest.approx(1.0)
    assert len(data["claims"]) == 18
    for options, expected in (
        (["--unused"], {"mine_belmor_old"}),
        (["--element", "Dy", "--place", "ARDEN"], {"share_dy", "use_dy_arden"}),
        (["--grade", "B", "--place", "belmor"], {"mine_belmor", "mine_belmor_old"}),
    ):
        assert main(["facts", "list", str(case), "--json", *options]) == 0
        found = json.loads(capsys.readouterr().out)["data"]
        assert {claim["id"] for claim in found["claims"]} == expected
        assert found["summary"] == summary


def test_facts_list_prints_grade_with_independence(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", "list", str(case)]) == 0
    text = capsys.readouterr().out
    assert "C, not independent" in text
    assert "0 bare numbers" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--place", "ATLANTIS"], "unknown place 'ATLANTIS'"),
        (["--element", "Xx"], "unknown element 'Xx'"),
        (["--grade", "Z"], "unknown grade 'Z'"),
    ],
)
def test_an_unknown_filter_is_a_wrong_call(
    case: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["facts", "list", str(case), *options]) == 2
    assert message in capsys.readouterr().err


def test_cite_prints_only_what_entered(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (case / "sources.csv").open("a", encoding="utf-8") as stream:
        stream.write("spare,p,t,2024,https://example.org,,,,\n")
    for form, start in (("bibtex", "@misc{invented,"), ("ris", "TY  - GEN"), ("csl", "[")):
        assert main(["cite", str(case), "--format", form]) == 0
        text = capsys.readouterr().out
        assert text.startswith(start)
        assert "example.org" not in text
    assert main(["cite", str(case), "--format", "apa"]) == 2


def test_cite_of_a_run_prints_what_entered_it(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.report.synthetic import synthetic_document

    from oreflow.report.archive import pack_document

    rows = {
        name: {"id": name, "publisher": "p", "title": f"title of {name}", "date": "2024", "url": "https://example.org"}
        for name in ("one", "two")
    }
    full = synthetic_document()
    for entered, titles in ((("two",), {"title of two"}), ((), {"title of one", "title of two"})):
        evidence = replace(full.evidence, sources=rows, entered=entered)
        run = tmp_path / "comparison.json.gz"
        run.write_bytes(pack_document(replace(full, evidence=evidence)))
        assert main(["cite", str(run), "--format", "csl", "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["run"] == full.case.run
        assert {item["title"] for item in json.loads(shown["data"]["text"])} == titles
    assert main(["cite", str(run), "--as-of", "2025-01-01"]) == 2
    assert "is a run, whose date is its own" in capsys.readouterr().err
    assert main(["cite", str(case / "case.yaml")]) == 1
    assert "found no JSON of a comparison" in capsys.readouterr().err


def test_the_bundled_case_counts_no_bare_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", "list", "kachin", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["summary"]["bare"] == 0
    assert all(claim["url"] or len(claim["citation"]) >= 20 for claim in data["claims"] if claim["used"])
