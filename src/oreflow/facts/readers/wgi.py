"""World Bank Worldwide Governance Indicators: the legacy workbook (years across) and the long layout of 2025."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from oreflow.facts.areas import area_by_iso
from oreflow.facts.readers.canonical import CanonicalRow, Draft, join_flags
from oreflow.facts.readers.delimited import Record, read_records
from oreflow.facts.readers.sniff import match_header, normalise_name
from oreflow.facts.readers.tokens import read_plain
from oreflow.facts.readers.workbook import Sheet

FORMAT = "wgi"
SOURCE = "World Bank WGI"

_MISSING = frozenset({"#N/A", "", "..", "NA"})
_MEASURES: dict[str, tuple[str, str]] = {
    "Estimate": ("estimate", "score"), "StdErr": ("standard_error", "score"), "NumSrc": ("sources", "item"),
    "Rank": ("percentile_rank", "%"), "Lower": ("percentile_rank_lower", "%"), "Upper": ("percentile_rank_upper", "%"),
}  # fmt: skip
_INDICATORS: dict[str, str] = {
    "voiceandaccountability": "VA", "politicalstabilitynoviolence": "PV", "governmenteffectiveness": "GE",
    "regulatoryquality": "RQ", "ruleoflaw": "RL", "controlofcorruption": "CC", "va": "VA", "pv": "PV", "ge": "GE",
    "rq": "RQ", "rl": "RL", "cc": "CC",
}  # fmt: skip
_LONG: dict[str, tuple[str, str]] = {
    "governanceestimate(approx.-2.5to+2.5)": ("estimate", "score"),
    "standarderror": ("standard_error", "score"),
    "numberofsources": ("sources", "item"),
    "percentilerank": ("percentile_rank", "%"),
    "governancescore(0-100)": ("score_0_100", "score"),
}


def recognises(sheets: Sequence[Sheet]) -> bool:
    """Return whether a workbook holds the indicators.

    Args:
        sheets: its sheets.

    Returns:
        True where at least one sheet is named after an indicator and has one of the two layouts.

    Example:
        >>> recognises([Sheet("RuleofLaw", [["Rule of Law"], ["", "", 1996.0],
        ...     ["Country/Territory", "Code", "Estimate"]])])
        True
    """
    return any(_layout(sheet) for sheet in sheets)


def read_sheets(draft: Draft, sheets: Sequence[Sheet]) -> None:
    """Read a workbook of the indicators into the draft; `#N/A` is missing.

    Args:
        draft: receives rows, counts and findings.
        sheets: the workbook's sheets.

    Example:
        >>> draft = Draft("wgi.xlsx", "")
        >>> read_sheets(draft, [Sheet("RuleofLaw", [["Rule of Law"], ["", "", 1996.0],
        ...     ["Country/Territory", "Code", "Estimate"], ["Congo, Dem. Rep.", "ZAR", -1.5]])])
        >>> draft.rows[0].reporter, draft.rows[0].value
        ('COD', -1.5)
    """
    draft.format = FORMAT
    words = " ".join(_text(cell) for sheet in sheets if not _layout(sheet) for row in sheet.rows[:10] for cell in row)
    update = re.search(r"((?:19|20)\d\d) Update", words)
    draft.vintage = f"{update.group(1)} update" if update else ""
    for sheet in sheets:
        layout = _layout(sheet)
        if layout == "wide":
            draft.dialect = "xlsx, years across"
            _read_wide(draft, sheet)
        elif layout == "long":
            draft.dialect, draft.vintage = "xlsx, long", draft.vintage or "2025 layout"
            header = [_text(cell) for cell in sheet.rows[0]]
            _read_long(draft, _sheet_records(draft, sheet, header), sheet.name)
        elif any(any(_text(cell).strip() for cell in row) for row in sheet.rows):
            draft.notice(None, sheet.name, "a sheet without indicator", "an indicator", "nothing: it is not read")


def read_csv(draft: Draft, text: str, delimiter: str) -> None:
    r"""Read the long layout of 2025 as CSV into the draft; the indicator is a column or the file's name.

    Args:
        draft: receives rows, counts and findings.
        text: the whole file.
        delimiter: the mark between cells.

    Example:
        >>> draft = Draft("rl.csv", "")
        >>> read_csv(draft, "Economy (code),Year,Governance estimate (approx. -2.5 to +2.5)\nMMR,2023,-1.4\n", ",")
        >>> draft.rows[0].value
        -1.4
    """
    draft.format, draft.dialect, draft.vintage = FORMAT, "CSV, long", "2025 layout"
    _, rows = read_records(draft, text, delimiter)
    stem = normalise_name(draft.file.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    _read_long(draft, rows, stem)


def _read_wide(draft: Draft, sheet: Sheet) -> None:
    header = _wide_header(sheet)
    if header is None:
        return
    indicator = _INDICATORS[normalise_name(sheet.name)]
    columns: list[tuple[int, str, str, str, str]] = []
    for position, cell in enumerate(sheet.rows[header]):
        year = _text(sheet.rows[header - 1][position]) if position < len(sheet.rows[header - 1]) else ""
        meaning = _MEASURES.get(_text(cell).strip())
        if meaning is not None and re.fullmatch(r"(?:19|20)\d\d", year):
            columns.append((position, year, f"{year} {_text(cell)}", *meaning))
    seen: dict[str, int] = {}
    for index, cells in enumerate(sheet.rows[header + 1 :], start=header + 2):
        draft.rows_in += 1
        name, code = _text(cells[0]).strip(), _text(cells[1]).strip() if len(cells) > 1 else ""
        if not any(_text(cell).strip() for cell in cells):
            draft.reject(index, "blank row", sheet=sheet.name)
            continue
        if not re.fullmatch(r"[A-Z]{3}", code):
            draft.reject(index, "code not readable", code or name, sheet=sheet.name)
            draft.problem(index, f"{sheet.name}, Code", repr(code)[:40], "three capital letters", "download again")
            continue
        if code in seen:
            draft.reject(index, "duplicate key", code, sheet=sheet.name)
            draft.problem(
                index,
                f"{sheet.name}, Code",
                f"{code} again, as in row {seen[code]}",
                "each code once",
                "download again",
            )
            continue
        seen[code] = index
        area = area_by_iso(code)
        rows = []
        for position, year, column, measure, unit in columns:
            cell = cells[position] if position < len(cells) else ""
            reading = read_plain(cell, missing=_MISSING)
            if reading is None:
                draft.reject(index, "value not readable", f"{column}: {cell}", sheet=sheet.name)
                draft.problem(index, f"{sheet.name}, {column}", repr(cell)[:40], "a number or #N/A", "download again")
                break
            rows.append(
                _row(
                    draft,
                    reading.value,
                    reading.status,
                    area.id,
                    area.flags,
                    name,
                    code,
                    indicator,
                    year,
                    measure,
                    unit,
                    sheet.name,
                    index,
                    column,
                )
            )
        else:
            draft.used += 1
            draft.rows.extend(rows)


def _sheet_records(draft: Draft, sheet: Sheet, header: Sequence[str]) -> list[Record]:
    names = [normalise_name(name) for name in header]
    records = []
    for index, cells in enumerate(sheet.rows[1:], start=2):
        draft.rows_in += 1
        texts = [_text(cell) for cell in cells]
        if any(text.strip() for text in texts):
            records.append(Record(index, dict(zip(names, texts, strict=False))))
        else:
            draft.reject(index, "blank row", sheet=sheet.name)
    return records


def _read_long(draft: Draft, records: Iterable[Record], stem: str) -> None:
    seen: set[tuple[str, str, str]] = set()
    for record in records:
        indicator = _INDICATORS.get(normalise_name(record.get("indicator", "governancedimension") or stem), "")
        code, year = record.get("economy(code)"), record.get("year").removesuffix(".0")
        if not re.fullmatch(r"[A-Z]{3}", code) or not re.fullmatch(r"(?:19|20)\d\d", year):
            draft.reject(record.row, "key not readable", f"{code} {year}", sheet=stem)
            found = f"{code!r}, {year!r}"[:60]
            draft.problem(record.row, "Economy (code)", found, "a code and a year", "download again")
            continue
        if not indicator:
            draft.reject(record.row, "indicator not stated", code, sheet=stem)
            draft.problem(
                record.row,
                None,
                "no indicator",
                "a sheet or file named va, pv, ge, rq, rl or cc",
                "keep the names that the World Bank gave",
            )
            continue
        if (indicator, code, year) in seen:
            draft.reject(record.row, "duplicate key", f"{indicator} {code} {year}", sheet=stem)
            draft.problem(record.row, None, f"{indicator} {code} {year} again", "each key once", "download again")
            continue
        seen.add((indicator, code, year))
        area = area_by_iso(code)
        rows = []
        for column, (measure, unit) in _LONG.items():
            if column not in record.cells:
                continue
            reading = read_plain(record.cells[column], missing=_MISSING)
            if reading is None:
                draft.reject(record.row, "value not readable", record.cells[column], sheet=stem)
                draft.problem(record.row, column, repr(record.cells[column])[:40], "a number", "download again")
                break
            rows.append(
                _row(
                    draft,
                    reading.value,
                    reading.status,
                    area.id,
                    area.flags,
                    record.get("economy(name)"),
                    code,
                    indicator,
                    year,
                    measure,
                    unit,
                    stem,
                    record.row,
                    column,
                )
            )
        else:
            draft.used += 1
            draft.rows.extend(rows)


def _row(
    draft: Draft,
    value: float | None,
    status: str,
    area: str,
    flags: tuple[str, ...],
    name: str,
    code: str,
    indicator: str,
    year: str,
    measure: str,
    unit: str,
    sheet: str,
    row: int,
    column: str,
) -> CanonicalRow:
    return CanonicalRow(
        SOURCE,
        draft.vintage,
        area,
        "",
        "governance",
        indicator,
        "WGI",
        name,
        year,
        measure,
        value,
        None,
        None,
        "",
        unit,
        "",
        "",
        status,
        join_flags(flags),
        code,
        "",
        "",
        "",
        "",
        draft.sha256,
        sheet,
        row,
        column,
    )


def _layout(sheet: Sheet) -> str:
    if normalise_name(sheet.name) not in _INDICATORS or not sheet.rows:
        return ""
    header = tuple(_text(cell) for cell in sheet.rows[0])
    rule = match_header(header)
    if rule is not None and rule.format == "wgi_long":
        return "long"
    return "wide" if _wide_header(sheet) is not None else ""


def _wide_header(sheet: Sheet) -> int | None:
    for index, row in enumerate(sheet.rows[:30]):
        if index and len(row) > 2 and _text(row[0]) == "Country/Territory" and _text(row[1]) == "Code":
            return index
    return None


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)
