"""Readers under mutated files: no traceback, no hang, counts that balance; the same targets run under atheris."""

from __future__ import annotations

import importlib.util
import string
import subprocess
import sys
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.reader_targets import SEEDS, check

from oreflow.facts.readers import read_file

JUNK = st.sampled_from(
    [b",", b"\n", b'"', b"\x00", b"\xff", b"NaN", b"-1", b"1e999", b"[[", b"}", b"\xef\xbf\xbd", b"W", b">95", b"<",
     b"\xe2\x80\x94", b"9" * 400, b"2022", b"=1+1", b"null", b"\r", b"\xd6\xd0", b"0000", b"\xc3\xa9", b"infinity"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(SEEDS)))
    data = SEEDS[name]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 30)))
        match draw(st.integers(0, 4)):
            case 0:
                data = data[:start] + draw(JUNK) + data[start:]
            case 1:
                data = data[:start] + data[end:]
            case 2:
                data = data[:end] + data[start:]
            case 3:
                data = data[:start] + draw(st.binary(max_size=12)) + data[end:]
            case _:
                data = data[:start]
    return name, data


@given(mutated())
def test_mutated_files(case: tuple[str, bytes]) -> None:
    check(case[1], case[0])


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    check(data)


@given(st.sampled_from(sorted(SEEDS)), st.lists(st.lists(st.text(max_size=12), max_size=14), max_size=5))
def test_arbitrary_rows_below_a_known_header(name: str, rows: list[list[str]]) -> None:
    header = SEEDS[name].splitlines()[0]
    check(header + b"\n" + "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass"), name)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: (
    st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["count", "data", "reporterCode", "cmdCode", "flowCode", "partnerCode", "period",
                                       "primaryValue", "notes", "features", "properties", "type"]), inner, max_size=6)
), max_leaves=20))  # fmt: skip
def test_arbitrary_json(value: object) -> None:
    import json

    check(json.dumps(value).encode(), "a.json")


def test_every_seed_is_read_whole() -> None:
    for name, data in SEEDS.items():
        result = check(data, name)
        assert result.format is not None, name
        assert result.used > 0, name


CELLS = st.one_of(
    st.text(alphabet=string.printable + "é—", max_size=8).filter(lambda text: not text.startswith("=")),
    st.floats(allow_nan=False, allow_infinity=False), st.integers(1890, 2030),
    st.sampled_from(["TABLE 1", "Year", "W", "--", "do.", "e", "2022", "Total", "Other", "2846.10.0000", "China"]),
)  # fmt: skip
HEADS: dict[str, list[list[object]]] = {
    "Rare earths": [["X STATISTICS"], ["(metric tons)"], ["Year", "Production", "World production"]],
    "T1": [["TABLE 1"], ["SALIENT U.S. RARE EARTH STATISTICS"], [""], ["", "", "", "2021", "", "2022"]],
    "T2": [["TABLE 2"], ["RARE EARTH CONTENTS"],
           ["Source", "", "Country", "", "Place", "La", "", "Ce", "Pr", "Nd", "Sm", "Eu"], ["Ore"]],
    "RuleofLaw": [["Rule of Law"], ["", "", 1996.0], ["Country/Territory", "Code", "Estimate"]],
    "FAS Value": [["Domestic Exports|Annual"], ["Data Row Count", 1],
                  ["Data Type", "Country", "HTS Number", "Description", "Quantity Description", "2023"]],
}  # fmt: skip


@pytest.mark.parametrize("sheet", sorted(HEADS))
def test_arbitrary_sheets_below_known_headers(sheet: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("sheets")

    @given(st.lists(st.lists(CELLS, max_size=12), max_size=6))
    def run(rows: list[list[object]]) -> None:
        path = folder / "book.xlsx"
        book = xlsxwriter.Workbook(str(path))
        page = book.add_worksheet(sheet)
        for index, row in enumerate([*HEADS[sheet], *rows]):
            page.write_row(index, 0, row)
        book.close()
        result = read_file(path)
        assert result.format is not None
        assert result.rows_in == result.used + sum(result.rejected.values())

    run()


@given(st.integers(0, 6000), st.binary(min_size=1, max_size=20))
def test_mutated_workbook_bytes(position: int, junk: bytes) -> None:
    data = _workbook()
    place = position % len(data)
    check(data[:place] + junk + data[place + len(junk) :], "book.xlsx")


def _workbook() -> bytes:
    import io

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    page = book.add_worksheet("Rare earths")
    for index, row in enumerate([*HEADS["Rare earths"], [1900, 5, 6]]):
        page.write_row(index, 0, row)
    book.close()
    return stream.getvalue()


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_atheris_harness_runs() -> None:
    harness = Path(__file__).with_name("fuzz_readers.py")
    done = subprocess.run(
        [sys.executable, str(harness), "-runs=200", "-max_len=600"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
