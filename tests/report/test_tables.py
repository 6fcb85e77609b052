"""The terminal's table, the rows for CSV, the data of --json."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from oreflow.report.document import ComparisonDocument
from oreflow.report.indicators import INDICATORS
from oreflow.report.tables import (
    CSV_COLUMNS,
    comparison_csv,
    comparison_json,
    comparison_notes,
    comparison_rows,
    comparison_table,
    comparison_values,
)

Make = Callable[[int], ComparisonDocument]


def _print(document: ComparisonDocument, width: int) -> str:
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=width).print(comparison_table(document, width=width))
    return stream.getvalue()


def test_the_rows_hold_what_the_main_job_promises(document: ComparisonDocument) -> None:
    head, rows = comparison_rows(document)
    table = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
    assert head == ("measure", *(proposal.id for proposal in document.proposals))
    assert table["Dy+Tb diverted 2030, t"]["A"] == "127\n70–184"
    assert table["Dy+Tb diverted 2030, t"]["status-quo"] == "0"
    assert table["first year"]["A"] == "2029\nin 179 of 256"
    assert table["first year"]["status-quo"] == "never\nin 0 of 256"
    assert table["net change 2030, t"]["B"] == "+31\n+17 to +46"
    assert table["Dy in China 2030, USD/kg"]["A"].startswith("258\n")
    assert table["Dy outside 2030, USD/kg"]["A"].startswith("545\n")
    assert table["revenue change 2030, USD"]["A"].splitlines()[0] == "KIA +55 million"
    assert table["public cost, USD/kg"]["status-quo"] == "–"
    assert table["most tonnes stop at"]["A"] == "Can travel without crossing China\n370 t"
    assert table["reaches 100 t"]["A"] == "98 of 256\n38%, 33 to 44%"


def test_the_notes_name_date_money_draws_run_and_three_doubts(document: ComparisonDocument) -> None:
    notes = comparison_notes(document)
    assert "as of: 2025-07-31" in notes
    assert "money: USD of 2024" in notes
    assert any(note.startswith("draws: 256 (seed 20250731)") for note in notes)
    assert "run: 0123456789ab" in notes
    assert sum(note.startswith("doubt ") for note in notes) == 3
    assert "not solved: 2 of 256 draws, left out of the ranges, under B" in notes


def test_without_draws_there_are_central_values_alone(make_document: Make) -> None:
    document = make_document(0)
    _, rows = comparison_rows(document)
    assert {row[0]: row[2] for row in rows}["Dy+Tb diverted 2030, t"] == "127"
    assert {row[0]: row[2] for row in rows}["reaches 100 t"] == "–"
    assert any(note.startswith("draws: none, central values only") for note in comparison_notes(document))


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_table_fits_its_terminal_and_shows_every_proposal(document: ComparisonDocument, width: int) -> None:
    text = _print(document, width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    squeezed = "".join(text.split())
    for proposal in document.proposals:
        assert proposal.id.split(" + ")[0] in squeezed
    assert squeezed.count("measure") == {80: 3, 100: 2, 160: 1}[width]


def test_a_case_cannot_steer_the_terminal(document: ComparisonDocument) -> None:
    evil = replace(document, case=replace(document.case, title="Ore\x1b[2J\x07 [red]x[/red]"))
    text = _print(evil, 160)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x[/red]" in text


def test_csv_holds_every_value_once(document: ComparisonDocument) -> None:
    rows = comparison_values(document)
    keys = [row[:3] for row in rows]
    assert len(set(keys)) == len(keys)
    expected = sum(1 + len(result.by) for p in document.proposals for result in p.indicators.values())
    assert len(rows) == expected
    found = dict(zip(keys, rows, strict=True))["A", "price", "outside/Dy/2030"]
    result = document.proposal("A").indicators["price"]
    assert found[4] == result.by["outside/Dy/2030"]
    assert found[5:8] == tuple(result.bands_by["outside/Dy/2030"])
    text = list(csv.reader(io.StringIO(comparison_csv(document))))
    assert tuple(text[0]) == CSV_COLUMNS
    assert [row[:3] for row in text[1:]] == [list(key) for key in keys]


def test_csv_text_is_no_formula(document: ComparisonDocument) -> None:
    evil = replace(document, proposals=(replace(document.proposals[0], id='=HYPERLINK("x")'),))
    rows = comparison_values(evil)
    assert {row[0] for row in rows} == {'\'=HYPERLINK("x")'}


def test_json_has_the_promised_shape(document: ComparisonDocument) -> None:
    data = json.loads(json.dumps(comparison_json(document), allow_nan=False))
    assert list(data["proposals"]) == [proposal.id for proposal in document.proposals]
    for proposal in data["proposals"].values():
        for key, result in proposal["indicators"].items():
            assert key in INDICATORS
            assert {"unit", "value", "by", "p10", "p50", "p90"} <= set(result)
            assert result["unit"] == INDICATORS[key].unit
    assert data["proposals"]["A"]["indicators"]["works"]["k"] == 98
    assert data["proposals"]["A"]["break_evens"][0]["id"] == "outside_premium"
    assert data["proposals"]["A"]["waterfall"]["steps"][0]["id"] == "contained"
