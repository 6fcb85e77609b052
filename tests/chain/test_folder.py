"""Files of a case: encodings, shapes, limits, unsafe YAML, links, the round trip, and mutated folders."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from oreflow.chain.case import load_case, read_case
from oreflow.chain.checks import check_case
from oreflow.chain.folder import (
    DEEPEST_YAML,
    LARGEST_YAML,
    case_files,
    first_day,
    read_number,
    write_case,
    year_number,
)
from oreflow.chain.tables import Cell
from oreflow.core.errors import Problem, UsageError

ProblemsOf = Callable[[Path], tuple[Problem, ...]]


def rewrite(folder: Path, name: str, change: Callable[[str], str]) -> None:
    path = folder / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder: Path, problems_of: ProblemsOf) -> None:
    expected = read_case(folder)[0]
    for name in ("claims.csv", "places.csv", "case.yaml"):
        text = (folder / name).read_text(encoding="utf-8").replace("\n", "\r\n")
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert problems_of(folder) == ()
    found = read_case(folder)[0]
    assert found is not None
    assert expected is not None
    assert found.content_hash() == expected.content_hash()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-16", "places.csv: found UTF-16; expected UTF-8 text"),
        ("latin-1", "places.csv, row 2: found the byte 0xfc"),
    ],
)
def test_other_encodings_are_refused_with_the_row(
    folder: Path, problems_of: ProblemsOf, encoding: str, expected: str
) -> None:
    text = (folder / "places.csv").read_text(encoding="utf-8").replace("Arden,market", "Würden,market")
    (folder / "places.csv").write_bytes(text.encode(encoding))
    assert expected in [str(problem)[: len(expected)] for problem in problems_of(folder)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text.replace("id,name,role", "id,name,name"), "the column 'name' 2 times"),
        (lambda text: text.replace("iso3,", "iso,"), "the unknown column 'iso'"),
        (lambda text: text.replace("role,kind", "kind,note2"), "no column 'role'"),
        (lambda text: text.replace(",", ";"), "cells parted by semicolons or tabs"),
        (
            lambda text: text.replace("30,60,,", "30,60,a,b,c"),
            "row 3: found 11 cells; expected 10",
        ),
        (lambda text: text.replace("30,60,,", "30"), "row 3: found 7 cells; expected 10"),
        (lambda text: text.replace("Belmor,market", '"Belmor"x,market'), "places.csv, row 3: found ',' expected after"),
        (lambda text: text.replace("Belmor,market", "Bel\x00mor,market"), "a NUL character"),
        (lambda text: text.replace("BELMOR,Belmor", "BEL MOR,Belmor"), "without blanks"),
    ],
)
def test_a_table_of_the_wrong_shape_is_refused_in_words(
    folder: Path, problems_of: ProblemsOf, change: Callable[[str], str], expected: str
) -> None:
    rewrite(folder, "places.csv", change)
    found = [str(problem) for problem in problems_of(folder)]
    assert any(expected in text for text in found), found[:3]


def test_blank_rows_and_trailing_empty_cells_are_no_problem(folder: Path, problems_of: ProblemsOf) -> None:
    rewrite(folder, "places.csv", lambda text: text.replace("\nBELMOR,", "\n,,,,,,,,,\n\nBELMOR,"))
    assert problems_of(folder) == ()


def test_a_missing_optional_table_is_empty(folder: Path) -> None:
    for name in ("control.csv", "published.csv", "uncertainties.yaml"):
        (folder / name).unlink()
    rewrite(folder, "case.yaml", lambda text: text.replace("switches: {demand_level: low}\n", ""))
    rewrite(folder, "demands.csv", lambda text: text.replace("demand_level", ""))
    case = load_case(str(folder))
    assert (case.control, case.published, case.switch_options) == ((), (), ())


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BOMB, "an anchor or alias"),
        ("id: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("id: " + "[" * (DEEPEST_YAML + 1) + "]" * (DEEPEST_YAML + 1) + "\n", f"more than {DEEPEST_YAML} levels"),
        ("id: a\nid: b\n", "the key 'id' twice"),
        ("- a\n- b\n", "a list"),
        ("id: [a\n", "case.yaml"),
        ("id: 2027-13-45\n", "month must be in 1..12"),
        ("id: " + "9" * 5000 + "\n", "case.yaml"),
        ("#" * (LARGEST_YAML + 1), "bytes; expected at most"),
        ("? [a, b]\n: c\n", "a key that is no word"),
        ("", "case.yaml, column base_year: found nothing"),
    ],
)
def test_unsafe_or_broken_yaml_is_refused(folder: Path, problems_of: ProblemsOf, text: str, expected: str) -> None:
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    found = [str(problem) for problem in problems_of(folder)]
    assert any(expected in problem for problem in found), found[:3]


def test_no_file_outside_the_folder_is_read(folder: Path, tmp_path: Path, problems_of: ProblemsOf) -> None:
    outside = tmp_path / "places.csv"
    outside.write_text((folder / "places.csv").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "places.csv").unlink()
    (folder / "places.csv").symlink_to(outside)
    assert "places.csv: found a link out of the case folder" in str(problems_of(folder)[0])


def test_a_folder_in_place_of_a_file_is_refused(folder: Path, problems_of: ProblemsOf) -> None:
    (folder / "groups.csv").unlink()
    (folder / "groups.csv").mkdir()
    assert "groups.csv: found no plain file" in "\n".join(str(problem) for problem in problems_of(folder))


def test_a_stray_file_among_proposals_is_named(folder: Path, problems_of: ProblemsOf) -> None:
    (folder / "proposals" / "notes.txt").write_text("x", encoding="utf-8")
    assert "proposals/notes.txt" in str(problems_of(folder)[0])


def test_what_is_written_reads_back_the_same(folder: Path, tmp_path: Path) -> None:
    (folder / "events.csv").write_text(
        "id,date,end,announced,instrument,actor,target,magnitude,unit,receiver,options,modelled,grade,source,note\n"
        'e1,2025-04-04,,2025-04-02,sanction,belmor_state,A_B_oxides,"=assume(""chance"")",,,'
        '"commodities=nd_oxide|dy_oxide;K==claim(""use_nd_arden"")",yes,M,invented,"a, ""b"""\n',
        encoding="utf-8",
    )
    case = load_case(str(folder))
    option = case.events[0].options["K"]
    assert isinstance(option, Cell)
    assert case.values()[option] == 100.0
    written = write_case(case, tmp_path / "copy")
    again = load_case(str(tmp_path / "copy"))
    assert again.content_hash() == case.content_hash()
    assert case_files(again) == case_files(case)
    assert {path.name for path in written} >= {"case.yaml", "claims.csv", "datapackage.json", "tariff-oxides.yaml"}


def test_nothing_is_overwritten(folder: Path) -> None:
    case = load_case(str(folder))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="is not an empty folder; nothing was written"):
        write_case(case, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


MARKS = ['"', ",", "\n", ";", "=", "(", ")", "-", "0", "1e999", "nan", "\u00e9", "\ufeff", "'", ":", "[", "{", "&a",
         "*a", "%", "claim", "2024", "\x07", "t_REO", "|", "!!", "#", "->", "@feed:", "\\"]  # fmt: skip


def test_mutated_folders_are_read_or_refused_but_never_break(folder: Path, scale: int) -> None:
    """Delete, double or insert pieces of any file: reading, checking and looking up numbers never break."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    draw = random.Random(20250731)  # noqa: S311 - not for secrets
    for _ in range(60 * scale):
        name = draw.choice(names)
        path = folder / name
        before = path.read_bytes()
        text = before.decode("utf-8")
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(text) + 1)
            end = min(len(text), at + draw.randint(0, 12))
            text = draw.choice(
                [text[:at] + text[end:], text[:at] + draw.choice(MARKS) + text[at:], text[:end] + text[at:]]
            )
        path.write_bytes(text.encode("utf-8"))
        case, problems = read_case(folder)
        found = (*problems, *(check_case(case) if case is not None else ()))
        assert all(problem.found and problem.expected and problem.remedy for problem in found), (name, found)
        if case is not None and not found:
            values = case.values()
            assert all(values[cell] == values[cell] for cell in case.cells())
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("text", "number"), [("1e3", 1000.0), (".5", 0.5), ("-2", -2.0), ("1e999", None), ("0x10", None)]
)
def test_read_number(text: str, number: float | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(("text", "year"), [("2025", 2025.0), ("2024-07-01", 2024 + 182 / 366), ("soon", None)])
def test_year_number(text: str, year: float | None) -> None:
    assert year_number(text) == (None if year is None else pytest.approx(year))
    assert (first_day(text) is None) == (year is None)
