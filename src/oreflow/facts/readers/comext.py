"""Eurostat Comext bulk text (full_YYYYMM.dat), the layout since 2024 and the older one; read as columns.

Values are EUR, not USD; CN8 codes are text, since confidential ones hold letters (99RRR100, 28XXXXXX); a period YYYY52
is the whole year; partners Q* are secret and are kept as unallocated.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from oreflow.facts.areas import area_by_code, area_by_iso
from oreflow.facts.readers.canonical import Draft, schema
from oreflow.facts.readers.sniff import normalise_name

if TYPE_CHECKING:
    import polars as pl

FORMAT = "comext"
SOURCE = "Eurostat Comext"

_ALIASES: dict[str, str] = {
    "EL": "GR", "UK": "GB", "XU": "GB", "XI": "GB", "XS": "RS", "XC": "ES", "XL": "ES",
}  # fmt: skip
_NAMES: dict[str, tuple[str, ...]] = {
    "reporter": ("declarantiso", "reporter", "declarant"),
    "partner": ("partneriso", "partner"),
    "product": ("productnc",),
    "flow": ("flow",),
    "period": ("period",),
    "euro": ("valueeur", "valueineuros"),
    "kilograms": ("quantitykg", "quantityinkg"),
    "supplementary": ("quantitysupplunit", "supquantity"),
    "unit": ("supplunit", "suppunit"),
    "trade_type": ("tradetype",),
    "procedure": ("statprocedure", "statregime"),
}


def read_text(draft: Draft, data: bytes, delimiter: str) -> None:
    r"""Read a bulk text into the draft.

    Args:
        draft: receives the table, counts and findings.
        data: the file's bytes, UTF-8.
        delimiter: the mark between cells.

    Example:
        >>> draft = Draft("full_202401.dat", "")
        >>> read_text(draft, b"REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,"
        ...           b"QUANTITY_KG,QUANTITY_SUPPL_UNIT\nFR,CN,E,28469010,1,1,,202401,500,20,\n", ",")
        >>> draft.frames[0].select("reporter", "partner", "flow", "period", "unit", "value").rows()
        [('FRA', 'CHN', 'import', '2024-01', 'EUR', 500.0), ('FRA', 'CHN', 'import', '2024-01', 'kg', 20.0)]
    """
    import polars as pl

    draft.format = FORMAT
    even, numbers = _even_lines(draft, data, delimiter)
    try:
        raw = pl.read_csv(io.BytesIO(even), infer_schema=False, separator=delimiter, quote_char='"')
    except pl.exceptions.PolarsError as error:
        draft.problem(None, None, " ".join(str(error).split())[:120], "a table", "download the file again")
        lines = max(0, even.count(b"\n") - 1)
        draft.rows_in += lines
        if lines:
            draft.reject(2, "file not readable as columns", count=lines)
        return
    present = {normalise_name(name): name for name in raw.columns}
    picked = {key: next((present[name] for name in names if name in present), None) for key, names in _NAMES.items()}
    draft.dialect = "text, older layout" if "declarant" in present else "text, layout since 2024"
    draft.rows_in += raw.height
    numbered = raw.with_row_index("row", offset=2)
    if numbers is not None and len(numbers) == raw.height:
        numbered = raw.insert_column(0, pl.Series("row", numbers, dtype=pl.UInt32))
    frame = numbered.select(
        "row",
        *[
            (pl.col(name) if name else pl.lit("")).fill_null("").str.strip_chars().alias(key)
            for key, name in picked.items()
        ],
    )
    texts = [key for key in _NAMES if key not in {"trade_type"}]
    blank = pl.all_horizontal(pl.col(key) == "" for key in texts)
    frame = _drop(draft, frame, blank, "blank row", None, "")
    frame = frame.with_columns(
        *[
            pl.col(key).str.replace_all(",", "").cast(pl.Float64, strict=False).alias(f"{key}_number")
            for key in ("euro", "kilograms", "supplementary")
        ]
    )
    checks: list[tuple[str, pl.Expr, str]] = [
        ("period", ~pl.col("period").str.contains(r"^(?:19|20)\d\d(?:0[1-9]|1[0-2]|52)$"), "YYYYMM or YYYY52"),
        ("flow", ~pl.col("flow").is_in(["1", "2"]), "1 or 2"),
        ("product", ~pl.col("product").str.contains(r"^(?:TOTAL|[0-9A-Z]{2,10})$"), "a CN code"),
        ("reporter", ~pl.col("reporter").str.contains(r"^(?:[A-Z]{2}|\d{1,4})$"), "a code of two letters or digits"),
        ("partner", ~pl.col("partner").str.contains(r"^(?:[A-Z]{2}|\d{1,4}|EU\w*|WORLD)$"), "a partner code"),
        ("euro", _bad("euro"), "an amount in EUR"),
        ("kilograms", _bad("kilograms"), "kilograms, or nothing"),
        ("supplementary", _bad("supplementary"), "a quantity, or nothing"),
    ]
    wrong = pl.sum_horizontal(expression.cast(pl.Int8) for _, expression, _ in checks)
    frame = _drop(draft, frame, wrong > 1, "columns shifted", "PERIOD", "columns in the order of the header")
    for key, expression, expected in checks:
        frame = _drop(draft, frame, expression, f"{picked[key] or key} not readable", picked[key] or key, expected)
    frame = _drop(draft, frame, pl.col("product") == "TOTAL", "aggregate code (TOTAL, AGn)", None, "")
    key_columns = ["period", "reporter", "partner", "product", "flow", "trade_type", "procedure", "unit"]
    frame = _drop(
        draft, frame, ~pl.struct(key_columns).is_first_distinct(), "duplicate key", "PRODUCT_NC", "each key once"
    )
    draft.used += frame.height
    draft.vintage = "data to " + str(frame["period"].max()) if frame.height else ""
    if frame.height:
        draft.frames.append(_canonical(draft, frame, picked))


def _bad(key: str) -> pl.Expr:
    import polars as pl

    number = pl.col(f"{key}_number")
    unreadable = number.is_null() | ~number.is_finite().fill_null(False) | (number < 0).fill_null(False)
    return (pl.col(key) != "") & unreadable


def _drop(
    draft: Draft, frame: pl.DataFrame, condition: pl.Expr, reason: str, column: str | None, expected: str
) -> pl.DataFrame:
    """Reject the rows that meet a condition; they are a problem where something else was expected."""
    import polars as pl

    marked = frame.with_columns(condition.alias("_drop"))
    dropped = marked.filter("_drop")
    if dropped.height:
        row = int(dropped["row"][0])
        shown = ",".join(str(cell) for cell in dropped.select(list(_NAMES)).row(0))[:100]
        draft.reject(row, reason, shown, count=dropped.height)
        if expected:
            draft.problem(
                row,
                column,
                f"{reason} ({shown[:60]}; {dropped.height:,} rows)",
                expected,
                "the file is damaged: download it again",
            )
    return marked.filter(~pl.col("_drop")).drop("_drop")


def _flag(condition: pl.Expr, flag: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.when(condition).then(flag).otherwise(pl.lit(""))


def _canonical(draft: Draft, frame: pl.DataFrame, picked: dict[str, str | None]) -> pl.DataFrame:
    import polars as pl

    ids: dict[str, str] = {}
    flags: dict[str, str] = {}
    for code in pl.concat([frame["reporter"], frame["partner"]]).unique().to_list():
        ids[code], flags[code] = _area(code)
    year = pl.col("period").str.slice(0, 4)
    period = (
        pl.when(pl.col("period").str.ends_with("52"))
        .then(year)
        .otherwise(pl.concat_str([year, pl.col("period").str.slice(4, 2)], separator="-"))
    )
    base = frame.select(
        pl.col("row").cast(pl.Int64),
        period.cast(pl.Categorical).alias("period"),
        pl.col("reporter").cast(pl.Categorical).alias("reporter_code"),
        pl.col("partner").cast(pl.Categorical).alias("partner_code"),
        pl.col("reporter").replace_strict(ids, return_dtype=pl.String).cast(pl.Categorical).alias("reporter"),
        pl.col("partner").replace_strict(ids, return_dtype=pl.String).cast(pl.Categorical).alias("partner"),
        pl.col("flow").replace_strict({"1": "import", "2": "export"}, return_dtype=pl.String).cast(pl.Categorical),
        pl.col("product").cast(pl.Categorical),
        pl.concat_str(
            [
                pl.col("partner").replace_strict(flags, return_dtype=pl.String),
                _flag(pl.col("product").str.contains("[A-Z]"), pl.lit("confidential_code")),
                _flag(pl.col("procedure") != "", pl.lit("procedure_") + pl.col("procedure")),
                _flag(pl.col("trade_type") == "I", pl.lit("intra_eu")),
            ],
            separator=";",
        )
        .str.replace_all(r";{2,}", ";")
        .str.strip_chars(";")
        .cast(pl.Categorical)
        .alias("flags"),
        (pl.lit("su:") + pl.col("unit")).alias("supplementary_unit"),
        pl.col("euro_number"),
        pl.col("kilograms_number"),
        pl.col("supplementary_number"),
    )
    constants = {
        "source": SOURCE, "vintage": draft.vintage, "revision": "CN", "product_name": "", "comparator": "",
        "derived_from": "", "published": "", "file_sha256": draft.sha256, "sheet": "",
    }  # fmt: skip
    fixed = [pl.lit(value, dtype=pl.String).cast(pl.Categorical).alias(name) for name, value in constants.items()]
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("lower", "upper")]

    def part(key: str, measure: str, unit: pl.Expr, basis: str, *, only_given: bool = False) -> pl.DataFrame:
        amount = pl.col(f"{key}_number")
        value_of = {"import": "CIF", "export": "FOB"}
        valuation = (
            pl.col("flow").cast(pl.String).replace_strict(value_of, return_dtype=pl.String)
            if key == "euro"
            else pl.lit("")
        )
        status = pl.when(amount.is_null()).then(pl.lit("missing")).otherwise(pl.lit("reported"))
        texts = {"measure": measure, "basis": basis, "column": picked[key] or key}
        made = base.filter(amount.is_not_null()) if only_given else base
        return made.with_columns(
            *fixed,
            *nothing,
            amount.alias("value"),
            status.cast(pl.Categorical).alias("status"),
            valuation.cast(pl.Categorical).alias("valuation"),
            unit.cast(pl.Categorical).alias("unit"),
            pl.lit("", dtype=pl.String).alias("note"),
            *[pl.lit(text, dtype=pl.String).cast(pl.Categorical).alias(name) for name, text in texts.items()],
        ).select(list(schema()))

    parts = [
        part("euro", "value", pl.lit("EUR"), ""),
        part("kilograms", "net_weight", pl.lit("kg"), "gross"),
    ]
    if frame["supplementary_number"].is_not_null().any():
        parts.append(part("supplementary", "quantity", pl.col("supplementary_unit"), "", only_given=True))
    return pl.concat(parts)


def _area(code: str) -> tuple[str, str]:
    if code.isdigit():
        area = area_by_code(code)
        return (f"comext:{code}", "area_unknown") if len(code) <= 3 else (area.id, ";".join(area.flags))
    if code.startswith("Q") and len(code) == 2:
        return "X899", "unallocated;partner_secret_or_unspecified"
    if code.startswith("EU") or code == "WORLD":
        return ("WLD", "world_total") if code == "WORLD" else ("EUN", "group")
    area = area_by_iso(_ALIASES.get(code, code))
    return area.id, ";".join(area.flags)


def _even_lines(draft: Draft, data: bytes, delimiter: str) -> tuple[bytes, list[int] | None]:
    """Return the lines that have as many cells as the header, with their row numbers (None: all of them).

    Polars fills a short row up without a word; such rows are rejected here, each with its number.
    """
    mark = delimiter.encode()
    lines = data.splitlines()
    width = lines[0].count(mark)
    filled = sum(1 for line in lines if line.strip())
    if b'"' in data or data.count(mark) == width * filled:
        return data, None
    kept, numbers = [lines[0]], []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.count(mark)
        if line.strip() and cells != width:
            draft.rows_in += 1
            reason = "more cells than the header" if cells > width else "fewer cells than the header"
            draft.reject(number, reason, line.decode("utf-8", "backslashreplace"))
            draft.problem(
                number,
                None,
                f"{cells + 1} cells",
                f"{width + 1}, as the header has",
                "the row is damaged: download the file again",
            )
        else:
            kept.append(line)
            numbers.append(number)
    return b"\n".join(kept) + b"\n", numbers
