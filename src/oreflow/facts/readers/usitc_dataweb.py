"""USITC DataWeb workbooks: query parameters, then one sheet per measure, annual and year to date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from oreflow.facts.areas import area_by_name
from oreflow.facts.readers.canonical import CanonicalRow, Closure, Draft, join_flags
from oreflow.facts.readers.tokens import read_number
from oreflow.facts.readers.workbook import Sheet

FORMAT = "usitc_dataweb"
SOURCE = "USITC DataWeb"

_UNITS: dict[str, tuple[str, str]] = {
    "kilograms": ("kg", "gross"), "metric tons": ("t", "gross"), "grams": ("g", "gross"), "number": ("item", ""),
    "component kilograms": ("kg", "metal"), "component grams": ("g", "metal"), "component tons": ("t", "metal"),
    "gold content grams": ("g", "metal"), "no units collected": ("", ""), "liters": ("l", ""), "carats": ("carat", ""),
    "square meters": ("m2", ""), "cubic meters": ("m3", ""), "dozens": ("dozen", ""), "pieces": ("item", ""),
    "barrels": ("bbl", ""), "gross": ("144 item", ""), "thousands": ("1000 item", ""), "pairs": ("pair", ""),
    "clean kilograms": ("kg", "gross"), "tons": ("t", "gross"), "meters": ("m", ""),
}  # fmt: skip
_FLOWS = (
    ("imports for consumption", "import"), ("general imports", "import"), ("domestic exports", "domestic export"),
    ("foreign exports", "re-export"), ("total exports", "export"),
)  # fmt: skip
_VALUES = (("customs value", "customs"), ("fas value", "FAS"), ("cif import value", "CIF"), ("landed duty", "landed"))


def recognises(sheets: Sequence[Sheet]) -> bool:
    """Return whether a workbook is a DataWeb export.

    Args:
        sheets: its sheets.

    Returns:
        True where a sheet's third row begins Data Type, Country, HTS (or Schedule B) Number.

    Example:
        >>> recognises([Sheet("FAS Value", [["Domestic Exports|Annual"], ["Data Row Count", 1.0],
        ...     ["Data Type", "Country", "HTS Number", "Description"]])])
        True
    """
    return any(_is_data(sheet) for sheet in sheets)


def read_sheets(draft: Draft, sheets: Sequence[Sheet]) -> None:
    """Read a DataWeb workbook into the draft.

    The running year's annual column holds zeros that are not data: it is read as missing. A count of suppressed
    entries beside a quantity flags it. The Total row is set apart and compared with the sum of the rows.

    Args:
        draft: receives rows, counts and findings.
        sheets: the workbook's sheets.

    Example:
        >>> draft = Draft("exports.xlsx", "")
        >>> read_sheets(draft, [Sheet("FAS Value", [["Domestic Exports|Annual"], ["Data Row Count", 1.0],
        ...     ["Data Type", "Country", "HTS Number", "Description", "Quantity Description", "2023"],
        ...     ["FAS Value", "Myanmar (Burma)", "2846", "COMPOUNDS", "Value for: kilograms", 12.0]])])
        >>> [(row.partner, row.product, row.value, row.unit, row.valuation) for row in draft.rows]
        [('MMR', '2846', 12.0, 'USD', 'FAS')]
    """
    draft.format, draft.dialect = FORMAT, f"xlsx, {sum(map(_is_data, sheets))} data sheets"
    downloaded = _download_date(sheets)
    draft.vintage = downloaded
    groups = short = exceeding = 0
    worst = 1.0
    for sheet in sheets:
        if not _is_data(sheet):
            if sheet.name != "Query Parameters":
                draft.notice(None, sheet.name, "a sheet without data", "a data sheet", "nothing: it is not read")
            continue
        for share in _read_sheet(draft, sheet, downloaded):
            groups += 1
            short += share < 1 - 1e-9
            exceeding += share > 1 + 1e-9
            worst = share if abs(share - 1) > abs(worst - 1) else worst
    if groups:
        draft.closure = Closure(
            "exceeds" if exceeding else "short" if short else "holds",
            groups,
            short,
            exceeding,
            worst,
            ("rows against the Total row",),
            "",
        )
        if exceeding or short:
            draft.problem(None, "Total", f"rows that add up to {worst:.4%} of the Total row", "100%", "download again")


def _read_sheet(draft: Draft, sheet: Sheet, downloaded: str) -> list[float]:
    title = _text(sheet.rows[0][0])
    flow = next((code for words, code in _FLOWS if title.casefold().startswith(words)), "")
    if not flow:
        draft.problem(1, sheet.name, repr(title)[:60], "imports or exports", "the first row names the trade flow")
    header = [_text(cell).strip() for cell in sheet.rows[2]]
    names = [name.casefold() for name in header]
    years: dict[int, tuple[str, str, int | None]] = {}
    for position, name in enumerate(header):
        found = re.fullmatch(r"((?:19|20)\d\d)(?:\.0)?(_Year_to_date)?", name)
        if found is not None:
            suppressed = f"{found.group(1)}{found.group(2) or ''}_suppressed".casefold()
            beside = names.index(suppressed) if suppressed in names else None
            months = re.search(r"Data from (\w{3}) - (\w{3})", title)
            period = found.group(1)
            if found.group(2):
                period = f"{period}-01/{period}-{_MONTHS.get(months.group(2), '12') if months else '12'}"
            years[position] = (name, period, beside)
    declared = read_number(_text(sheet.rows[1][1])) if len(sheet.rows[1]) > 1 else None
    data_rows = 0
    sums = dict.fromkeys(years, 0.0)
    totals: dict[int, float] = {}
    seen: dict[tuple[str, ...], int] = {}
    for index, cells in enumerate(sheet.rows[3:], start=4):
        draft.rows_in += 1
        texts = [_text(cell).strip() for cell in cells[:5]]
        if not any(_text(cell).strip() for cell in cells):
            draft.reject(index, "blank row", sheet=sheet.name)
            continue
        if texts[0].casefold().startswith("total"):
            draft.reject(index, "total row", texts[0], sheet=sheet.name)
            totals = {position: read_number(_text(cells[position])) or 0.0 for position in years}
            continue
        data_rows += 1
        made = _read_row(draft, sheet, index, cells, (names, years, flow, downloaded))
        if made is None:
            continue
        key = tuple(texts)
        if key in seen:
            draft.reject(index, "duplicate key", " / ".join(texts[:3]), sheet=sheet.name)
            draft.problem(index, sheet.name, f"the key of row {seen[key]} again", "each key once", "download again")
            continue
        seen[key] = index
        draft.used += 1
        draft.rows.extend(made)
        for position in years:
            sums[position] += read_number(_text(cells[position])) or 0.0
    if declared is not None and int(declared) != data_rows:
        counts = f"Data Row Count {declared:,.0f} and {data_rows:,} rows"
        draft.problem(2, sheet.name, counts, "as many rows as counted", "the sheet is cut: download again")
    return [sums[position] / total for position, total in totals.items() if total]


def _read_row(
    draft: Draft,
    sheet: Sheet,
    index: int,
    cells: Sequence[object],
    about: tuple[list[str], dict[int, tuple[str, str, int | None]], str, str],
) -> list[CanonicalRow] | None:
    names, years, flow, downloaded = about

    def cell(name: str) -> str:
        return _text(cells[names.index(name)]).strip() if name in names and names.index(name) < len(cells) else ""

    kind = cell("data type")
    code = cell("hts number") or cell("schedule b number")
    code = code.removesuffix(".0").replace(".", "")
    unit_text = cell("quantity description")
    bare = unit_text.removeprefix("Value for: ").casefold()
    valuation = next((code for words, code in _VALUES if kind.casefold().startswith(words)), "")
    unit, basis = ("USD", "") if valuation else _UNITS.get(bare, ("?", ""))
    problems = [
        ("HTS Number", code, "a code of digits") if not re.fullmatch(r"\d{2,10}", code) else None,
        ("Country", "nothing", "a country") if not cell("country") else None,
        ("Quantity Description", unit_text, "a known unit") if unit == "?" else None,
        ("Data Type", kind, "a value or a unit of quantity")
        if not valuation and "unit of quantity" not in kind.casefold()
        else None,
    ]
    wrong = next((item for item in problems if item), None)
    if wrong is not None:
        reason = "unknown unit" if wrong[0] == "Quantity Description" else f"{wrong[0]} not readable"
        draft.reject(index, reason, wrong[1], sheet=sheet.name)
        draft.problem(index, f"{sheet.name}, {wrong[0]}", repr(wrong[1])[:60], wrong[2], "download the workbook again")
        return None
    area = area_by_name(cell("country"))
    if len(code) % 2:
        code = "0" + code
    second = "second" if kind.casefold().startswith("second") else ""
    rows = []
    for position, (name, period, beside) in years.items():
        raw = cells[position] if position < len(cells) else ""
        value = float(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else read_number(_text(raw))
        if value is None:
            if not _text(raw).strip():
                continue
            draft.reject(index, "value not readable", _text(raw), sheet=sheet.name)
            draft.problem(index, f"{sheet.name}, {name}", repr(raw)[:40], "a number", "download the workbook again")
            return None
        flags = [f"{second}_unit" if second else ""]
        status = "nil" if value == 0 else "reported"
        if not unit and value == 0:
            continue
        if "/" not in period and downloaded[:4] and period >= downloaded[:4]:
            value, status = None, "missing"
            flags.append("year_not_complete")
        if beside is not None and beside < len(cells) and (read_number(_text(cells[beside])) or 0) > 0:
            flags.append("partly_suppressed")
        rows.append(
            CanonicalRow(
                SOURCE,
                downloaded,
                "USA",
                area.id,
                flow,
                code,
                "HTS",
                cell("description"),
                period,
                "value" if valuation else "quantity",
                value,
                None,
                None,
                "",
                unit,
                basis,
                valuation,
                status,
                join_flags(area.flags, flags),
                "United States",
                cell("country"),
                "",
                f"priced with {bare}" if valuation else "",
                "",
                draft.sha256,
                sheet.name,
                index,
                name,
            )
        )
    return rows


_MONTHS = {
    name: f"{number:02d}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}


def _is_data(sheet: Sheet) -> bool:
    if len(sheet.rows) < 3:
        return False
    names = [_text(cell).strip().casefold() for cell in sheet.rows[2][:4]]
    return names[:2] == ["data type", "country"] and names[2] in {"hts number", "schedule b number"}


def _download_date(sheets: Sequence[Sheet]) -> str:
    for sheet in sheets:
        if sheet.name == "Query Parameters" and sheet.rows and _text(sheet.rows[0][0]) == "Download Date":
            cell = sheet.rows[0][1] if len(sheet.rows[0]) > 1 else ""
            return cell.date().isoformat() if isinstance(cell, datetime) else _text(cell)[:10]
    return ""


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)
