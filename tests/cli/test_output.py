"""One JSON document, tables that lose nothing, files that replace only what oreflow wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow import __version__
from oreflow.cli.output import MARKER, RECORD, emit_json, emit_table, is_own_output, printable, to_plain, write_output
from oreflow.core.errors import UsageError
from oreflow.core.files import write_atomically

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@dataclass(frozen=True)
class Row:
    place: str
    tonnes: float


class Grade(Enum):
    A = "official statistics"


def test_a_command_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json("facts list", {"claims": 3}, case="kachin", seed=1, run="0123456789ab", as_of=date(2025, 7, 31))
    assert json.loads(capsys.readouterr().out) == {
        "schema": "oreflow/facts-list/1",
        "case": "kachin",
        "version": __version__,
        "seed": 1,
        "run": "0123456789ab",
        "as_of": "2025-07-31",
        "data": {"claims": 3},
    }


def test_values_of_the_field_become_plain() -> None:
    value = {
        2030: Row("Pangwa", float("inf")),
        "grade": Grade.A,
        "frame": pl.DataFrame({"year": [2030], "t": [1.5]}),
        "array": np.array([[1.0, np.nan]]),
        "count": np.int64(3),
        "folder": Path("a") / "b",
        "names": {"b", "a"},
        "years": (year for year in (2030, 2031)),
    }
    assert to_plain(value) == {
        "2030": {"place": "Pangwa", "tonnes": None},
        "grade": "official statistics",
        "frame": [{"year": 2030, "t": 1.5}],
        "array": [[1.0, None]],
        "count": 3,
        "folder": "a/b",
        "names": ["a", "b"],
        "years": [2030, 2031],
    }


@given(JSON_VALUES)
def test_what_is_plain_becomes_valid_json(value: object) -> None:
    plain = to_plain(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_plain({"data": [object()]})


def test_a_table_shows_every_cell_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a name that goes on " * 12
    rows: list[list[object]] = [[long, 1234.5], ["[bold]Pangwa[/bold]", None]]
    emit_table(["place", "t REO"], rows, title="Mines", notes=["as of today"])
    out = capsys.readouterr().out
    assert out.count("name") == 12
    assert "1,234" in out
    assert "[bold]Pangwa[/bold]" in out
    assert "as of today" in out


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="row 2 of the table has 1 cells; expected 2"):
        emit_table(["place", "t"], [["a", 1], ["b"]])


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    assert all(mark.isprintable() or mark in "\n\t" for mark in printable(text))


def test_own_files_are_replaced_by_marker(tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert write_output(target, "report.html", f"<!-- {MARKER} --><p>one") == target / "report.html"
    write_output(target, "report.html", f"<!-- {MARKER} --><p>two")
    assert (target / "report.html").read_text(encoding="utf-8").endswith("two")
    assert [path.name for path in target.iterdir()] == ["report.html"]


def test_own_files_without_room_for_a_marker_are_recorded(tmp_path: Path) -> None:
    for content in (b"a,b\n1,2\n", b"a,b\n3,4\n", b"a,b\n3,4\n"):
        write_output(tmp_path, "table.csv", content)
        assert is_own_output(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n3,4\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [RECORD, "table.csv"]


@pytest.mark.parametrize("content", ["my own notes", "a,b\n1,2\n"])
def test_a_users_file_is_never_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "table.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"table.csv exists and oreflow did not write it; nothing was replaced"):
        write_output(tmp_path, "table.csv", "a,b\n1,2\n")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == content
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_an_output_that_the_user_edited_is_not_replaced(tmp_path: Path) -> None:
    path = write_output(tmp_path, "table.csv", "a,b\n1,2\n")
    path.write_text("a,b\n1,2\nmine,3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="oreflow did not write it"):
        write_output(tmp_path, "table.csv", "a,b\n1,2\n")


def test_a_run_killed_between_record_and_file_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_output(tmp_path, "table.csv", "one")

    def killed(path: Path, content: str | bytes) -> None:
        if path.name == "table.csv":
            raise KeyboardInterrupt
        write_atomically(path, content)

    monkeypatch.setattr("oreflow.cli.output.write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        write_output(tmp_path, "table.csv", "two")
    monkeypatch.undo()
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == "one"
    write_output(tmp_path, "table.csv", "two")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == "two"


@pytest.mark.parametrize("name", ["../up.csv", "a/b.csv", RECORD, ""])
def test_a_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected a plain file name"):
        write_output(tmp_path, name, "x")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.html"
    elsewhere.write_text(MARKER, encoding="utf-8")
    try:
        (tmp_path / "report.html").symlink_to(elsewhere)
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(UsageError, match="oreflow did not write it"):
        write_output(tmp_path, "report.html", MARKER)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"is a file; expected a folder"):
        write_output(tmp_path / "out", "report.html", MARKER)
