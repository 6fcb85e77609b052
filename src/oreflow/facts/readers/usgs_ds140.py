"""USGS Data Series 140 workbooks: one commodity's US statistics and world production by year since 1900."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from oreflow.facts.readers.canonical import CanonicalRow, Draft, join_flags
from oreflow.facts.readers.tokens import read_usgs
from oreflow.facts.readers.workbook import Sheet

FORMAT = "usgs_ds140"
SOURCE = "USGS Data Series 140"

_COLUMNS: tuple[tuple[str, str, str, str, str], ...] = (
    (r"world (?:mine )?production", "production", "production", "WLD", ""),
    (r"primary production|production|mine production", "production", "production", "USA", ""),
    (r"secondary production", "secondary production", "production", "USA", ""),
    (r"imports", "import", "quantity", "USA", ""),
    (r"exports", "export", "quantity", "USA", ""),
    (r"(?:apparent |reported )?consumption", "consumption", "quantity", "USA", ""),
    (r"stocks", "stock", "stock", "USA", ""),
    (r"unit value \(98\s*\$/t\)", "unit value", "price", "USA", "USD_1998/t"),
    (r"unit value \(\$/t\)", "unit value", "price", "USA", "USD/t"),
)


def recognises(sheets: Sequence[Sheet]) -> bool:
    """Return whether a workbook is one of Data Series 140.

    Args:
        sheets: its sheets.

    Returns:
        True where a sheet has a row that begins with Year and Production under a title that ends in STATISTICS.

    Example:
        >>> recognises([Sheet("Tin", [["TIN STATISTICS1"], ["U.S. GEOLOGICAL SURVEY"], ["Year", "Production"]])])
        True
    """
    return any(_header_row(sheet) is not None for sheet in sheets)


def read_sheets(draft: Draft, sheets: Sequence[Sheet]) -> None:
    """Read a workbook into the draft; cached values stand for formulas, footnotes are counted apart.

    Args:
        draft: receives rows, counts and findings.
        sheets: the workbook's sheets.

    Example:
        >>> draft = Draft("ds140.xlsx", "")
        >>> read_sheets(draft, [Sheet("RE", [["RARE EARTHS STATISTICS1"], ["U.S. GEOLOGICAL SURVEY"],
        ...     ["[All quantities in metric tons (t) rare-earth oxide equivalent]"], ["Year", "Production"],
        ...     [1900.0, 227.0]])])
        >>> draft.rows[0].value, draft.rows[0].basis, draft.rows[0].period
        (227.0, 'REO', '1900')
    """
    draft.format, draft.dialect = FORMAT, "xlsx"
    for sheet in sheets:
        header = _header_row(sheet)
        if header is None:
            draft.notice(None, sheet.name, "a sheet without table", "Year, Production ...", "nothing: it is not read")
            continue
        preamble = " ".join(_text(row[0]) for row in sheet.rows[:header] if row)
        commodity = re.split(r"\s+STATISTICS", _text(sheet.rows[0][0]))[0].strip().capitalize()
        modified = re.search(r"Last modification:\s*([A-Z][a-z]+ \d{1,2}, \d{4})", preamble)
        draft.vintage = _date(modified.group(1)) if modified else ""
        basis = "REO" if "rare-earth oxide" in preamble.casefold() else "metal" if "content" in preamble else "gross"
        unit_stated = "metric tons" in preamble.casefold()
        if not unit_stated:
            draft.problem(
                1,
                sheet.name,
                "no unit in the lines above the table",
                "All quantities in metric tons",
                "the table is not one of Data Series 140 as published",
            )
        _read_body(draft, sheet, header, commodity, basis)


def _read_body(draft: Draft, sheet: Sheet, header: int, commodity: str, basis: str) -> None:
    columns = []
    for position, cell in enumerate(sheet.rows[header]):
        name = re.sub(r"(?<=[a-z)])\d{1,2}$", "", " ".join(_text(cell).split()))
        meaning = next((item for item in _COLUMNS if re.fullmatch(item[0], name.casefold())), None)
        if meaning is not None:
            columns.append((position, name, meaning))
        elif name and position:
            draft.notice(header + 1, name, f"the column {name!r}", "a known column", "nothing: its cells are not read")
    seen: dict[str, int] = {}
    for index, cells in enumerate(sheet.rows[header + 1 :], start=header + 2):
        draft.rows_in += 1
        first = _text(cells[0]).strip() if cells else ""
        rest = [cell for cell in cells[1:] if _text(cell).strip()]
        if not first and not rest:
            draft.reject(index, "blank row", sheet=sheet.name)
            continue
        year = first.removesuffix(".0")
        if not re.fullmatch(r"(?:18|19|20)\d\d", year):
            if rest:
                draft.reject(index, "year not readable", first, sheet=sheet.name)
                draft.problem(index, "Year", repr(first)[:40], "a year", "the row is damaged: download again")
            else:
                draft.reject(index, "footnote", first, sheet=sheet.name)
            continue
        if year in seen:
            draft.reject(index, "duplicate key", year, sheet=sheet.name)
            draft.problem(index, "Year", f"{year} again, as in row {seen[year]}", "each year once", "download again")
            continue
        seen[year] = index
        rows = []
        for position, name, (_, flow, measure, place, unit) in columns:
            cell = cells[position] if position < len(cells) else ""
            reading = read_usgs(cell)
            if reading is None:
                draft.reject(index, "value not readable", f"{name}: {cell}", sheet=sheet.name)
                draft.problem(index, name, repr(cell)[:40], "a number, NA or W", "download again")
                break
            rows.append(
                CanonicalRow(
                    SOURCE,
                    draft.vintage,
                    place,
                    "",
                    flow,
                    commodity,
                    "USGS",
                    name,
                    year,
                    measure,
                    reading.value,
                    reading.lower,
                    reading.upper,
                    reading.comparator,
                    unit or "t",
                    "" if unit else basis,
                    "",
                    reading.status,
                    join_flags(reading.flags),
                    "United States" if place == "USA" else "World",
                    "",
                    "",
                    "",
                    draft.vintage,
                    draft.sha256,
                    sheet.name,
                    index,
                    name,
                )
            )
        else:
            draft.used += 1
            draft.rows.extend(rows)


def _header_row(sheet: Sheet) -> int | None:
    if not sheet.rows or not sheet.rows[0] or "STATISTICS" not in _text(sheet.rows[0][0]):
        return None
    for index, row in enumerate(sheet.rows[:15]):
        if row and _text(row[0]).strip() == "Year" and any("roduction" in _text(cell) for cell in row[1:]):
            return index
    return None


def _date(text: str) -> str:
    try:
        return datetime.strptime(f"{text} +0000", "%B %d, %Y %z").date().isoformat()
    except ValueError:
        return ""


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
