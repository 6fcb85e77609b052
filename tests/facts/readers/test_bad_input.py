"""Bad input is named with file, row and column; nothing is a traceback and nothing is dropped in silence."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import pytest
from tests.facts.readers.test_formats import COMEXT, CUSTOMS, envelope, record, workbook, write

from oreflow.facts.readers import ReadResult, iter_rows, read_file, read_files
from oreflow.facts.readers.workbook import MAX_FILE_BYTES


def messages(result: ReadResult) -> str:
    return "\n".join(str(problem) for problem in result.problems)


def test_empty_files(tmp_path: Path) -> None:
    for content in (b"", b" \n\n", b"\xef\xbb\xbf"):
        result = write(tmp_path, "empty.csv", content)
        assert result.refused == "an empty file"
        assert "empty.csv" in messages(result)


def test_a_header_alone_says_so(tmp_path: Path) -> None:
    result = write(tmp_path, "BACI_HS17_Y2022_V202401b.csv", "t,i,j,k,v,q\n")
    assert (result.format, result.rows_in, result.used) == ("baci", 0, 0)
    assert "a header and no rows" in str(result.notices[0])


def test_truncated_json_names_the_line(tmp_path: Path) -> None:
    whole = envelope([record(), record(partnerCode=36)])
    for cut in (whole[:-1], whole[: len(whole) // 2], whole[:-40]):
        result = write(tmp_path, "cut.json", cut)
        assert result.refused == "truncated JSON", cut[-20:]
        assert "cut.json, row 1, column" in messages(result)
        assert result.rows_in == 0


def test_damaged_json(tmp_path: Path) -> None:
    for text, said in (
        ('{"count": 1, "data": [NaN]}', "NaN"), ('{"count": 1, "count": 2, "data": []}', "'count' twice"),
        ("[" * 100_000, "nested too deeply"), ('{"data": [1] "x"}', "character"),
        ('{"count": ' + "9" * 5000 + ', "data": []}', "digits"),
    ):  # fmt: skip
        result = write(tmp_path, "bad.json", text)
        assert result.format is None
        assert said in messages(result), text[:40]


def test_count_and_records_differ(tmp_path: Path) -> None:
    document = json.loads(envelope([record(), record(partnerCode=36)]))
    document["count"] = 3
    result = write(tmp_path, "a.json", json.dumps(document))
    assert "count 3 and 2 records" in messages(result)


def test_error_and_emptiness_of_an_answer(tmp_path: Path) -> None:
    result = write(tmp_path, "a.json", '{"elapsedTime":"0","count":0,"data":[],"error":"Bad period"}')
    assert "Bad period" in messages(result)
    assert write(tmp_path, "b.json", '{"count":0,"data":[],"error":""}').notices[0].found == "no records"


def test_a_query_cut_at_its_limit(tmp_path: Path) -> None:
    codes = [record(cmdCode=f"{2846_0000 + number}") for number in range(500)]
    result = write(tmp_path, "preview.json", envelope(codes))
    assert "500 rows, exactly a limit of the service" in messages(result)
    assert not write(tmp_path, "less.json", envelope(codes[:-1])).problems


def test_partners_that_do_not_add_up(tmp_path: Path) -> None:
    world = record(partnerCode=0, primaryValue=30_000.0)
    some = [record(partnerCode=code) for code in (104, 36, 76)]
    short = write(tmp_path, "short.json", envelope([world, *some]))
    assert (short.closure.status, short.closure.worst_share) == ("short", 0.5)
    assert "short.json, row 1, column primaryValue: found 3 partners that add up to 50.0000%" in messages(short)
    over = write(tmp_path, "over.json", envelope([record(partnerCode=0, primaryValue=9_000.0), *some]))
    assert over.closure.status == "exceeds"


def test_mixed_revisions(tmp_path: Path) -> None:
    result = write(tmp_path, "mixed.json", envelope([record(), record(partnerCode=36, classificationCode="H5")]))
    assert "mixed.json, row 2, column classificationCode: found revision H5 after H6" in messages(result)
    assert {row.revision for row in iter_rows(result.table)} == {"H5", "H6"}


def test_no_revision(tmp_path: Path) -> None:
    text = "period,reporterCode,flowCode,partnerCode,cmdCode,primaryValue\n2023,156,M,104,2846,1\n"
    assert "no revision of the nomenclature" in messages(write(tmp_path, "a.csv", text))


def test_duplicated_keys(tmp_path: Path) -> None:
    same = write(tmp_path, "same.json", envelope([record(), record(partnerCode=36), record()]))
    assert dict(same.rejected) == {"duplicate row": 1}
    assert "row 3: found the key of row 1 again" in messages(same)
    other = write(tmp_path, "other.json", envelope([record(), record(primaryValue=1.0, cifvalue=1.0)]))
    assert dict(other.rejected) == {"duplicate key with different values": 2}
    assert other.used == 0


def test_shifted_columns(tmp_path: Path) -> None:
    header = "period,reporterCode,flowCode,partnerCode,classificationCode,cmdCode,primaryValue,netWgt\n"
    good, bad = "2023,156,M,104,H6,2846,5,5\n", "C,2023,156,M,104,H6,2846,5\n"
    result = write(tmp_path, "shifted.csv", header + good + bad)
    assert dict(result.rejected) == {"columns shifted": 1}
    assert "shifted.csv, row 3, column period" in messages(result)
    longer = write(tmp_path, "long.csv", header + good + "x," + good)
    assert dict(longer.rejected) == {"more cells than the header": 1}
    shorter = write(tmp_path, "cut.csv", header + good + good[:12])
    assert dict(shorter.rejected) == {"fewer cells than the header": 1}
    assert "cut.csv, row 3" in messages(shorter)


def test_shifted_columns_of_baci(tmp_path: Path) -> None:
    name = "BACI_HS17_Y2022_V202401b.csv"
    result = write(tmp_path, name, "t,i,j,k,v,q\n2022,104,156,284690,1,2\n104,156,284690,1.5,2,2022\n")
    assert dict(result.rejected) == {"columns shifted": 1}
    assert "row 3, column t" in messages(result)
    ragged = write(tmp_path, name, "t,i,j,k,v,q\n2022,104,156,284690,1,2\n2022,104,156,284690,1,2,9\n2022,1")
    assert dict(ragged.rejected) == {"fewer cells than the header": 1, "more cells than the header": 1}
    assert (ragged.rows_in, ragged.used) == (3, 1)
    doubled = write(tmp_path, name, "t,i,j,k,v,q\n" + "2022,104,156,284690,1,2\n" * 3)
    assert dict(doubled.rejected) == {"duplicate key": 2}


def test_wrong_encoding(tmp_path: Path) -> None:
    header = "period,reporterCode,flowCode,partnerCode,classificationCode,cmdCode,cmdDesc,primaryValue\n"
    lost = write(tmp_path, "lost.csv", header + "2023,156,M,104,H6,2846,caf\ufffd,5\n")
    assert (lost.refused, "row 2, column 7" in messages(lost)) == ("wrong encoding", True)
    twice = write(tmp_path, "twice.csv", header + "2023,156,M,104,H6,2846,caf\u00c3\u00a9,5\n")
    assert "encoded twice" in messages(twice)
    body = (header + "2023,156,M,104,H6,2846,").encode() + b"caf\xe9\x81,5\n"
    assert "byte 0xe9" in messages(write(tmp_path, "bytes.csv", body))
    latin = write(tmp_path, "latin.csv", (header + "2023,156,M,104,H6,2846,caf\u00e9,5\n").encode("latin-1"))
    assert (latin.encoding, latin.used) == ("cp1252", 1)
    bare = write(tmp_path, "utf16.csv", header.encode("utf-16-le"))
    assert "UTF-16" in str(bare.refused)


def test_a_chinese_text_and_an_english_one(tmp_path: Path) -> None:
    prose = "缅甸是中国重稀土的主要来源，二零二四年进口量约四万四千吨。" * 5
    for encoding in ("utf-8", "gb18030"):
        result = write(tmp_path, "text.txt", prose.encode(encoding))
        assert result.refused == "not data: Chinese text without a known table header"
    assert write(tmp_path, "text.txt", "China imported, it is said, 44,000 t, of it 57%.").format is None


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    result = write(tmp_path, "a.csv", "period,reporterCode,flowCode,partnerCode,cmdCode\n2023,156,M,104,2846\n")
    assert result.refused == "columns missing for comtrade_api"
    assert "primaryvalue" in messages(result)


def test_an_unknown_unit_fails(tmp_path: Path) -> None:
    result = write(tmp_path, "a.json", envelope([record(qtyUnitCode=77)]))
    assert "column qtyUnitCode: found '77'" in messages(result)
    assert result.used == 0


def test_damaged_quoting(tmp_path: Path) -> None:
    header = "period,reporterCode,flowCode,partnerCode,classificationCode,cmdCode,cmdDesc,primaryValue\n"
    result = write(tmp_path, "q.csv", header + '2023,156,M,104,H6,2846,"open,5\n')
    assert dict(result.rejected) == {"damaged quoting": 1}
    assert "q.csv, row 2" in messages(result)


def bomb(path: Path, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as stream:
            for _ in range(size // 2**20):
                stream.write(b" " * 2**20)


def test_a_zip_bomb_is_measured_and_not_opened(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.xlsx", 64 * 2**20)
    result = read_file(tmp_path / "bomb.xlsx")
    assert result.refused == "a workbook that is not opened"
    assert "as a zip bomb does" in messages(result)


def test_a_lying_zip_directory_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "liar.xlsx"
    bomb(path, 16 * 2**20)
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 1000)
    path.write_bytes(data)
    assert read_file(path).refused == "a workbook that is not opened"


def test_a_sheet_that_spans_the_whole_grid_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, "wide.xlsx", {"S": [["a"]]})
    wide = tmp_path / "grid.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(wide, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", cell)
            target.writestr(part.filename, content)
    result = read_file(wide)
    assert "spans 1,048,576 rows and 16,384 columns" in messages(result)


def test_two_gigabytes_are_refused_unread(tmp_path: Path) -> None:
    for name, start in (("huge.xlsx", b"PK\x03\x04"), ("huge.csv", b"t,i,j,k,v,q\n")):
        path = tmp_path / name
        with open(path, "wb") as stream:
            stream.write(start)
            stream.truncate(2 * 2**30)
        result = read_file(path)
        assert (result.refused, result.sha256) == ("too large", "")
    half = tmp_path / "half.xlsx"
    with open(half, "wb") as stream:
        stream.write(b"PK\x03\x04")
        stream.truncate(MAX_FILE_BYTES + 1)
    assert read_file(half).format is None


def test_binary_files_and_folders(tmp_path: Path) -> None:
    for content, said in (
        (b"%PDF-1.7", "PDF"),
        (b"7z\xbc\xaf\x27\x1c00", "7z"),
        (b"\xd0\xcf\x11\xe0rest", "xls"),
        (b"PK\x05\x06" + b"\0" * 18, "empty"),
        (b"ab\0cd", "binary"),
        (b"PK\x03\x04broken", "damaged"),
    ):
        assert said in str(write(tmp_path, "x.bin", content).refused)
    assert read_file(tmp_path).refused == "not a file"
    assert read_file(tmp_path / "none").refused == "not found"


def test_the_same_content_twice(tmp_path: Path) -> None:
    write(tmp_path, "a.json", envelope([record()]))
    write(tmp_path, "b.json", envelope([record()]))
    first, second = read_files([tmp_path / "a.json", tmp_path / "b.json"])
    assert (first.format, second.refused) == ("comtrade_api", "the same file twice")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.dat", COMEXT + "FR,CN,E,2846,5,1,1,,202452,9\nFR,CN\n"),
        ("x.dat", COMEXT + "CN,E,2846,5,1,1,,202452,9,9,1,,FR\n"),
        ("x.csv", CUSTOMS + "2024,a,b,c,d,e,f,g,h,i\n"),
        ("x.csv", "DataSource,Commodity,Year,NIR_pct\nMCS2024,Tin,twenty,5\nMCS2024,Tin,2020,many\n"),
        ("x.csv", "Source,Country,Type,Prod_t_2020\nUSGS,Burma,Mine,5\nMCS2022,,Mine,5\n"),
    ],
)
def test_damaged_rows_are_named(tmp_path: Path, name: str, text: str) -> None:
    result = write(tmp_path, name, text)
    assert result.problems
    assert result.rows_in == result.used + sum(result.rejected.values())
    assert result.used == 0
    assert f"{name}, row " in messages(result)
