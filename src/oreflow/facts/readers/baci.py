"""CEPII BACI: flow files of one year (CSV, or the published zip of all years), country and product lists.

Columns (Gaulier and Zignago 2010, CEPII WP 2010-23): t year, i exporter, j importer, k HS6, v thousand current USD
(FOB), q metric tonnes (gross). Read as columns; codes are text; a missing q is never zero.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

from oreflow.facts.areas import numeric_area_table
from oreflow.facts.readers.canonical import Draft, join_flags, schema
from oreflow.facts.readers.delimited import read_records

if TYPE_CHECKING:
    import polars as pl

FORMAT = "baci"
SOURCE = "CEPII BACI"
MAX_MEMBER_BYTES = 1536 * 2**20
MAX_RATIO = 60.0

_NAME = re.compile(r"BACI_HS(\d\d)_Y((?:19|20)\d\d)_V(\d{6}\w?)", re.IGNORECASE)
_REVISIONS = {"92": "H0", "96": "H1", "02": "H2", "07": "H3", "12": "H4", "17": "H5", "22": "H6"}


def read_csv(draft: Draft, data: bytes) -> None:
    r"""Read the flows of one year into the draft, as columns.

    Args:
        draft: receives the table, counts and findings; the release and the HS revision are taken from its file name,
            since BACI writes them nowhere else.
        data: the file's bytes, UTF-8.

    Example:
        >>> draft = Draft("BACI_HS17_Y2022_V202401b.csv", "")
        >>> read_csv(draft, b"t,i,j,k,v,q\n2022,104,156,284690,1200.5,   3000\n2022,490,842,10121,1.0,NA\n")
        >>> draft.used, draft.frames[0]["product"].to_list()
        (2, ['284690', '010121', '284690', '010121'])
    """
    draft.format, draft.dialect = FORMAT, "CSV"
    revision, release = _release(draft, draft.file)
    draft.vintage = release
    _read_flows(draft, data, revision, release, "")


def read_zip(draft: Draft, archive: zipfile.ZipFile) -> bool:
    """Read every year file of a BACI zip into the draft.

    Args:
        draft: receives the table, counts and findings.
        archive: the open zip.

    Returns:
        False where the zip holds no BACI year file.

    Example:
        >>> read_zip(Draft("BACI_HS17_V202401b.zip", ""), zipfile.ZipFile("BACI.zip"))  # doctest: +SKIP
        True
    """
    members = [part for part in archive.infolist() if _NAME.search(part.filename) and part.filename.endswith(".csv")]
    if not members:
        return False
    draft.format, draft.dialect = FORMAT, f"zip of {len(members)} year files"
    for part in sorted(members, key=lambda item: item.filename):
        if part.file_size > MAX_MEMBER_BYTES or part.file_size > MAX_RATIO * max(1, part.compress_size) + 2**20:
            draft.problem(
                None,
                part.filename,
                f"a part that unpacks to {part.file_size:,} bytes from {part.compress_size:,}",
                f"at most {MAX_MEMBER_BYTES:,} and {MAX_RATIO:.0f} times",
                "download the archive from CEPII",
            )
            continue
        revision, release = _release(draft, part.filename)
        draft.vintage = release
        with archive.open(part) as stream:
            data = stream.read()
        if not data.isascii():
            draft.problem(None, part.filename, "characters beyond ASCII", "digits, commas and NA", "download it again")
            continue
        _read_flows(draft, data, revision, release, part.filename)
    return True


def _release(draft: Draft, name: str) -> tuple[str, str]:
    found = _NAME.search(name)
    if found is None:
        draft.problem(
            None,
            None,
            "no HS revision and release in the name of a BACI file",
            "a name as BACI_HS17_Y2022_V202401b.csv",
            "keep the name that CEPII gave the file: its columns do not say the revision",
        )
        return "", ""
    return _REVISIONS.get(found.group(1), f"HS{found.group(1)}"), found.group(3)


def _read_flows(draft: Draft, data: bytes, revision: str, release: str, sheet: str) -> None:
    first, _, rest = data.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    order = [name.strip().lower() for name in first.decode("utf-8").split(",")]
    if sorted(order) != sorted(("t", "i", "j", "k", "v", "q")):
        lines = len(rest.splitlines())
        draft.rows_in += lines
        if lines:
            draft.reject(2, "header not readable", sheet=sheet, count=lines)
        found = f"the first line {first.decode('utf-8')[:60]!r}"
        draft.problem(1, None, found, "t,i,j,k,v,q", "download the file again")
        return
    frame = _read_clean(data)
    if frame is None:
        frame = _read_checked(draft, data, sheet)
    else:
        draft.rows_in += frame.height
    frame = _without_duplicates(draft, frame, sheet)
    draft.used += frame.height
    if frame.height:
        draft.frames.append(_canonical(draft, frame, revision, release, sheet))


def _read_clean(data: bytes) -> pl.DataFrame | None:
    """Read a file whose every cell is as published; None where any is not, so that each is looked at."""
    import polars as pl

    kinds = {"t": pl.Int32, "i": pl.Int32, "j": pl.Int32, "k": pl.String, "v": pl.Float64, "q": pl.String}
    if data[:40].split(b"\n", 1)[0].strip() != b"t,i,j,k,v,q":
        return None
    try:
        frame = pl.read_csv(io.BytesIO(data), schema=kinds, quote_char=None, truncate_ragged_lines=False)
    except pl.exceptions.PolarsError:
        return None
    if frame.select(pl.sum_horizontal(pl.all().null_count())).item():
        return None
    frame = (
        frame.with_row_index("row", offset=2)
        .with_columns(
            pl.col("k").cast(pl.Int32, strict=False).alias("code"),
            pl.col("k").str.len_bytes().alias("length"),
            pl.col("q").str.strip_chars().alias("q"),
        )
        .with_columns(pl.col("q").cast(pl.Float64, strict=False).alias("quantity"))
    )
    clean = frame.select(
        pl.col("t").is_between(1900, 2099).all()
        & pl.col("i").is_between(0, 999).all()
        & pl.col("j").is_between(0, 999).all()
        & pl.col("length").is_between(5, 6).all()
        & (pl.col("code").is_not_null() & (pl.col("code") >= 0)).all()
        & (pl.col("v").is_finite() & (pl.col("v") >= 0)).all()
        & (
            ((pl.col("quantity") >= 0) & pl.col("quantity").is_finite()).fill_null(value=False)
            | pl.col("q").is_in(["NA", ""])
        ).all()
    ).item()
    if not clean:
        return None
    return frame.select(
        "row", "t", "i", "j", "code", (pl.col("length") == 5).alias("padded"), pl.col("v").alias("value"), "quantity"
    )


def _read_checked(draft: Draft, data: bytes, sheet: str) -> pl.DataFrame:
    """Read every cell as text, reject what is not as published, and return the rest typed."""
    import polars as pl

    names = ("t", "i", "j", "k", "v", "q")
    try:
        frame = _scan(data).with_row_index("row", offset=2)
        uneven = frame.select(pl.sum_horizontal(pl.all().null_count())).item() > 0
    except pl.exceptions.PolarsError:
        uneven = True
    if uneven:
        frame = _scan_by_line(draft, data, sheet)
    draft.rows_in += frame.height
    header = [name.strip().strip("\ufeff").lower() for name in frame.columns if name != "row"]
    frame = frame.rename(dict(zip([name for name in frame.columns if name != "row"], header, strict=True)))
    frame = frame.select("row", *names)
    blank = pl.all_horizontal(pl.col(name).fill_null("").str.strip_chars() == "" for name in names)
    blanks = frame.filter(blank)
    if blanks.height:
        draft.reject(int(blanks["row"][0]), "blank row", sheet=sheet, count=blanks.height)
        frame = frame.filter(~blank)
    frame = frame.with_columns(pl.col(name).fill_null("").str.strip_chars().alias(name) for name in names).with_columns(
        pl.col("v").cast(pl.Float64, strict=False).alias("value"),
        pl.col("q").cast(pl.Float64, strict=False).alias("quantity"),
        pl.col("q").is_in(["NA", ""]).alias("q_missing"),
    )
    checks: list[tuple[str, pl.Expr, str]] = [
        ("t", ~pl.col("t").str.contains(r"^(?:19|20)\d\d$"), "a year"),
        ("i", ~pl.col("i").str.contains(r"^\d{1,3}$"), "a numeric area code"),
        ("j", ~pl.col("j").str.contains(r"^\d{1,3}$"), "a numeric area code"),
        ("k", ~pl.col("k").str.contains(r"^\d{5,6}$"), "an HS code of six digits"),
        ("v", _bad(pl.col("value")), "a number not below zero, in thousand USD"),
        ("q", _bad(pl.col("quantity")) & ~pl.col("q_missing"), "tonnes, or NA"),
    ]
    bad_count = pl.sum_horizontal(expression.cast(pl.Int8) for _, expression, _ in checks)
    bad = frame.filter(bad_count > 0)
    if bad.height:
        _reject_bad(draft, frame, checks, bad_count, sheet)
        frame = frame.filter(bad_count == 0)
    return frame.select(
        "row",
        *[pl.col(name).cast(pl.Int32) for name in ("t", "i", "j")],
        pl.col("k").cast(pl.Int32).alias("code"),
        (pl.col("k").str.len_bytes() == 5).alias("padded"),
        "value",
        pl.when(pl.col("q_missing")).then(None).otherwise(pl.col("quantity")).alias("quantity"),
    )


def _bad(column: pl.Expr) -> pl.Expr:
    return column.is_null() | ~column.is_finite() | (column < 0)


def _scan(data: bytes) -> pl.DataFrame:
    import polars as pl

    return pl.read_csv(io.BytesIO(data), infer_schema=False, quote_char=None, truncate_ragged_lines=False)


def _scan_by_line(draft: Draft, data: bytes, sheet: str) -> pl.DataFrame:
    """Read line by line where the columns do not line up, naming each line that has too many or too few cells."""
    import polars as pl

    lines = data.decode("utf-8-sig", errors="strict").splitlines()
    good: dict[str, list[str]] = {name: [] for name in ("t", "i", "j", "k", "v", "q")}
    rows: list[int] = []
    order = [name.strip().lower() for name in lines[0].split(",")]
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split(",")
        if line.strip() and len(cells) != 6:
            draft.rows_in += 1
            reason = "more cells than the header" if len(cells) > 6 else "fewer cells than the header"
            draft.reject(number, reason, line, sheet=sheet)
            draft.problem(
                number,
                order[min(len(cells), 5)],
                f"{len(cells)} cells",
                "6: t, i, j, k, v, q",
                "the row is damaged: download the file again",
            )
            continue
        for name, cell in zip(order, cells if line.strip() else [""] * 6, strict=True):
            good[name].append(cell)
        rows.append(number)
    return pl.DataFrame({"row": rows, **good}, schema={"row": pl.UInt32, **dict.fromkeys(good, pl.String)})


def _reject_bad(
    draft: Draft, frame: pl.DataFrame, checks: list[tuple[str, pl.Expr, str]], bad_count: pl.Expr, sheet: str
) -> None:
    shifted = frame.filter(bad_count > 1)
    if shifted.height:
        row = int(shifted["row"][0])
        draft.reject(row, "columns shifted", sheet=sheet, count=shifted.height)
        shown = ",".join(str(cell) for cell in shifted.select("t", "i", "j", "k", "v", "q").row(0))
        draft.problem(
            row,
            "t",
            f"{shown[:80]!r} and {shifted.height - 1:,} rows more of the kind",
            "t, i, j, k, v, q in order",
            "download the file again",
        )
    for name, expression, expected in checks:
        single = frame.filter((bad_count == 1) & expression)
        if single.height:
            row = int(single["row"][0])
            found = str(single[name][0])[:40]
            draft.reject(row, f"{name} not readable", found, sheet=sheet, count=single.height)
            draft.problem(
                row,
                name,
                f"{found!r} and {single.height - 1:,} rows more of the kind",
                expected,
                "the rows are damaged: download the file again",
            )


def _without_duplicates(draft: Draft, frame: pl.DataFrame, sheet: str) -> pl.DataFrame:
    import polars as pl

    thousand = pl.lit(1000, dtype=pl.Int64)
    key = ((pl.col("t").cast(pl.Int64) * thousand + pl.col("i")) * thousand + pl.col("j")) * 1_000_000 + pl.col("code")
    if frame.select(key.n_unique()).item() == frame.height:
        return frame
    marked = frame.with_columns(key.is_first_distinct().alias("first"))
    repeated = marked.filter(~pl.col("first"))
    row = int(repeated["row"][0])
    shown = "/".join(str(cell) for cell in repeated.select("t", "i", "j", "code").row(0))
    draft.reject(row, "duplicate key", shown, sheet=sheet, count=repeated.height)
    draft.problem(
        row,
        "k",
        f"the key {shown} again, and {repeated.height - 1:,} more of the kind",
        "each key once",
        "the file was joined with itself: download it again",
    )
    return marked.filter("first").drop("first")


def _canonical(draft: Draft, frame: pl.DataFrame, revision: str, release: str, sheet: str) -> pl.DataFrame:
    import polars as pl

    known = numeric_area_table()
    listed = [known.get(str(code)) for code in range(1000)]
    ids = _texts([area.id if area else f"code:{code}" for code, area in enumerate(listed)])
    codes = _texts([str(code) for code in range(1000)])
    flags = [";".join(area.flags) if area else "area_unknown" for area in listed]
    kinds = list(dict.fromkeys(flags))
    kind_of = pl.Series([kinds.index(flag) for flag in flags], dtype=pl.Int32)
    size = len(kinds)
    combined = _texts(
        [
            join_flags(
                exporter.split(";"),
                ("self_trade",) if own else importer.split(";"),
                ("leading_zero_restored",) if padded else (),
            )
            for exporter in kinds
            for importer in kinds
            for own in (False, True)
            for padded in (False, True)
        ]
    )
    exporter, importer = frame["i"], frame["j"]
    which = (
        (kind_of.gather(exporter) * size + kind_of.gather(importer)) * 4
        + (exporter == importer).cast(pl.Int32) * 2
        + frame["padded"].cast(pl.Int32)
    )
    products = frame["code"].unique().sort()
    names = pl.Series("name", [f"{code:06d}" for code in products.to_list()], dtype=pl.String).cast(pl.Categorical)
    base = pl.DataFrame(
        {
            "row": frame["row"].cast(pl.Int64),
            "period": _years().gather(frame["t"] - 1900),
            "reporter_code": codes.gather(exporter),
            "partner_code": codes.gather(importer),
            "reporter": ids.gather(exporter),
            "partner": ids.gather(importer),
            "product": names.gather(products.search_sorted(frame["code"])),
            "flags": combined.gather(which),
            "_value": frame["value"],
            "_quantity": frame["quantity"],
        }
    )
    constants = {
        "source": SOURCE, "vintage": release, "flow": "export", "revision": revision, "product_name": "",
        "comparator": "", "derived_from": "UN Comtrade, both reports reconciled", "published": "",
        "file_sha256": draft.sha256, "sheet": sheet,
    }  # fmt: skip
    fixed = [pl.lit(value, dtype=pl.String).cast(pl.Categorical).alias(name) for name, value in constants.items()]
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("lower", "upper")]
    statuses = _texts(["estimated", "missing"])

    def part(measure: str, column: str, unit: str, basis: str, valuation: str) -> pl.DataFrame:
        texts = {"measure": measure, "unit": unit, "basis": basis, "valuation": valuation, "column": column}
        amount = base["_value" if column == "v" else "_quantity"]
        return base.with_columns(
            *fixed,
            *nothing,
            amount.alias("value"),
            statuses.gather(amount.is_null().cast(pl.Int32)).alias("status"),
            pl.lit("", dtype=pl.String).alias("note"),
            *[pl.lit(text, dtype=pl.String).cast(pl.Categorical).alias(name) for name, text in texts.items()],
        ).select(list(schema()))

    return pl.concat([part("value", "v", "kUSD", "", "FOB"), part("net_weight", "q", "t", "gross", "")])


def _texts(values: list[str]) -> pl.Series:
    import polars as pl

    return pl.Series(values, dtype=pl.String).cast(pl.Categorical)


def _years() -> pl.Series:
    return _texts([str(year) for year in range(1900, 2100)])


def read_countries(draft: Draft, text: str, delimiter: str) -> None:
    r"""Read a BACI country list (the layout to 2023 or the one since 2024) as a reference.

    Args:
        draft: receives the reference and the counts.
        text: the whole file.
        delimiter: the mark between cells.

    Example:
        >>> draft = Draft("country_codes.csv", "")
        >>> read_countries(draft, "country_code,country_name,country_iso2,country_iso3\n104,Myanmar,MM,MMR\n", ",")
        >>> draft.used
        1
    """
    import polars as pl

    header, rows = read_records(draft, text, delimiter)
    draft.format = "baci_countries"
    old = any("digit" in name for name in header)
    draft.dialect = "layout to 2023" if old else "layout since 2024"
    draft.vintage = "to 2023" if old else "since 2024"
    kept: dict[str, dict[str, str]] = {}
    for record in rows:
        code = record.get("countrycode")
        if not code.isdigit():
            draft.reject(record.row, "code not readable", code)
            draft.problem(record.row, "country_code", repr(code)[:40], "a numeric code", "download again")
        elif code in kept:
            draft.reject(record.row, "duplicate key", code)
            draft.problem(record.row, "country_code", f"{code} again", "each code once", "download again")
        else:
            kept[code] = {
                "code": code,
                "name": record.get("countrynamefull", "countryname", "countrynameabbreviation"),
                "iso2": record.get("countryiso2", "iso2digitalpha"),
                "iso3": record.get("countryiso3", "iso3digitalpha"),
                "area": _area_id(code),
            }
    draft.used = len(kept)
    draft.reference = pl.DataFrame(
        list(kept.values()), schema=dict.fromkeys(("code", "name", "iso2", "iso3", "area"), pl.String)
    )


def read_products(draft: Draft, text: str, delimiter: str) -> None:
    r"""Read a BACI product list as a reference; codes are text of six digits.

    Args:
        draft: receives the reference and the counts.
        text: the whole file.
        delimiter: the mark between cells.

    Example:
        >>> draft = Draft("product_codes_HS17_V202401b.csv", "")
        >>> read_products(draft, "code,description\n010121,Horses\n", ",")
        >>> draft.reference["code"].to_list()
        ['010121']
    """
    import polars as pl

    _, rows = read_records(draft, text, delimiter)
    draft.format, draft.dialect = "baci_products", "CSV"
    named = re.search(r"HS(\d\d)_V(\d{6}\w?)", draft.file)
    draft.vintage = f"HS{named.group(1)} {named.group(2)}" if named else "not stated in the file"
    kept: dict[str, str] = {}
    for record in rows:
        code = record.get("code")
        if not re.fullmatch(r"\d{5,6}|9999AA", code):
            draft.reject(record.row, "code not readable", code)
            draft.problem(record.row, "code", repr(code)[:40], "an HS code of six digits", "download again")
        elif code.zfill(6) in kept:
            draft.reject(record.row, "duplicate key", code)
            draft.problem(record.row, "code", f"{code} again", "each code once", "download again")
        else:
            kept[code.zfill(6)] = record.get("description")
    draft.used = len(kept)
    draft.reference = pl.DataFrame(
        {"code": list(kept), "description": list(kept.values())}, schema={"code": pl.String, "description": pl.String}
    )


def _area_id(code: str) -> str:
    area = numeric_area_table().get(code.lstrip("0"))
    return area.id if area is not None else f"code:{code}"
