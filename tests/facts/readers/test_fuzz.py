"""Fuzzed files: whatever is damaged, a reader answers in words, keeps its counts, and ends soon."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import verify_scale
from tests.facts.readers.test_formats import COMEXT, CUSTOMS, LEGACY, LEGACY_35, envelope, record, workbook

from oreflow.facts.readers import ReadResult, iter_rows, read_file

SECONDS = 20.0
TOKENS = (b"", b"W", b"NA", b"\xe2\x80\x94", b">95", b"1e999", b"-1", b"nan", b"\x00", b"\xff\xfe", b'"', b",", b"\r\n",
          b"{", b"]", b"=1+1", "稀土".encode("gb18030"), b"9" * 400, b"104", b"<b>", b"2024-13")  # fmt: skip
VALID = {
    "a.json": envelope([record(), record(partnerCode=36, netWgt=5.0)]),
    "BACI_HS17_Y2022_V202401b.csv": "t,i,j,k,v,q\n2022,104,156,284690,12.5,3.1\n2022,842,156,284610,1.5,NA\n",
    "legacy.csv": LEGACY + "H4,2018,2018,2018,4,0,1,Import,156,China,CHN,104,Myanmar,MMR,2846,Compounds,8,kg,5,5,9,0\n",
    "legacy35.csv": LEGACY_35 + "H4,2018,2018,2018,4,0,1,Import,156,China,CHN,104,Myanmar,MMR" + "," * 21 + "\n",
    "x.dat": COMEXT + "FR,CN,E,28461000,5,1,1,,202405,9,9,1,\n",
    "x.csv": CUSTOMS + "202401,28469019,未列名氧化稀土,116,缅甸,1000,千克,0,,5000\n",
    "MCS2024.csv": "Source,Country,Type,Prod_t_2022,Prod_t_est_2023\nMCS2024,Burma,Mine,12000,38000\n",
    "salient.csv": "DataSource,Commodity,Year,NIR_pct\nMCS2024,Rare earths,2020,>95\n",
}


def answer(path: Path) -> ReadResult:
    """Read, and insist on an answer: counts that add up, a refusal or problems in words, within the time."""
    began = time.monotonic()
    result = read_file(path)
    assert time.monotonic() - began < SECONDS
    assert result.rows_in == result.used + sum(result.rejected.values())
    if result.format is None:
        assert result.refused
    else:
        assert sum(1 for _ in iter_rows(result.table)) >= result.used
    for problem in (*result.problems, *result.notices):
        assert path.name in str(problem)
        assert len(str(problem)) < 5000
    return result


damage = st.lists(
    st.tuples(st.sampled_from(["replace", "insert", "delete", "cut", "twice", "flip"]), st.floats(0, 1),
              st.integers(1, 40), st.sampled_from(TOKENS)),
    min_size=1, max_size=6,
)  # fmt: skip


def damaged(content: bytes, steps: list[tuple[str, float, int, bytes]]) -> bytes:
    for what, where, size, token in steps:
        at = int(where * len(content))
        head, tail = content[:at], content[at:]
        if what == "replace":
            content = head + token + tail[size:]
        elif what == "insert":
            content = head + token + tail
        elif what == "delete":
            content = head + tail[size:]
        elif what == "cut":
            content = head
        elif what == "twice":
            content = head + tail[:size] + tail
        elif tail:
            content = head + bytes([tail[0] ^ (size & 0xFF)]) + tail[1:]
    return content


@pytest.mark.parametrize("name", VALID)
def test_the_seed_of_each_format_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(VALID[name], encoding="utf-8")
    assert answer(path).format is not None


@settings(max_examples=60 * verify_scale())
@given(name=st.sampled_from(sorted(VALID)), steps=damage)
def test_damaged_texts(tmp_path_factory: pytest.TempPathFactory, name: str, steps: list) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(damaged(VALID[name].encode(), steps))
    answer(path)


@settings(max_examples=40 * verify_scale())
@given(content=st.binary(max_size=400), name=st.sampled_from(["a.csv", "a.json", "a.xlsx", "a.dat", "a"]))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(content)
    answer(path)


@settings(max_examples=15 * verify_scale())
@given(steps=damage)
def test_damaged_workbooks(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = workbook(folder, "a.xlsx", {"Sheet1": [["Country", 2022, 2023], ["Burma", 12000, 38000]]})
    path.write_bytes(damaged(path.read_bytes(), steps))
    answer(path)


@cache
def samples_of(shared: Path) -> tuple[Path, ...]:
    files = (shared / "data-samples").rglob("*")
    return tuple(sorted(f for f in files if f.suffix in (".csv", ".json", ".dat") and 0 < f.stat().st_size < 300_000))


@settings(max_examples=25 * verify_scale())
@given(data=st.data(), steps=damage)
def test_damaged_samples(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, steps: list
) -> None:
    files = samples_of(shared)
    if not files:
        pytest.skip("no sample files: data-samples is absent")
    chosen = data.draw(st.sampled_from(files))
    path = tmp_path_factory.mktemp("fuzz") / chosen.name
    path.write_bytes(damaged(chosen.read_bytes(), steps))
    answer(path)
