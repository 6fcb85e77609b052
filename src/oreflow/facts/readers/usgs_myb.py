"""USGS Minerals Yearbook tables (xlsx): value columns with marker columns between them, ditto marks, glued footnotes.

A sheet holds one table: title lines, a header with years (or element symbols), the body, and footnotes. Headings and
label continuations carry no numbers and are counted apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oreflow.facts.areas import Area, area_by_name
from oreflow.facts.readers.canonical import CanonicalRow, Draft, join_flags
from oreflow.facts.readers.tokens import read_usgs
from oreflow.facts.readers.workbook import Sheet

FORMAT = "usgs_myb"
SOURCE = "USGS Minerals Yearbook"

_SYMBOLS = frozenset(("La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Y", "Sc"))
_DITTO = re.compile(r"do\.?", re.IGNORECASE)
_FOOTNOTE = re.compile(
    r"(?:e?estimated\.|e?estimated\s|prevised|rrevised|preliminary|do\.,|do\. ditto|na not available|w withheld|xx not|"
    r"-- zero|source|\d{1,2}[A-Z(]|e+stimated)",
    re.IGNORECASE,
)
_CODE = r"\d{4}\.\d{2}(?:\.\d{2,4})?,?"
_GLUED_DIGITS = re.compile(r"(?<=[A-Za-z])\d{1,2}$")
_COLUMN_WORDS = re.compile(r"\(?(?:gross|value|kilogram|content)", re.IGNORECASE)
_UNITS = {"metric tons": "t", "kilograms": "kg", "dollars per kilogram": "USD/kg", "percent": "%",
          "thousand metric tons": "kt", "dollars per metric ton": "USD/t"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Column:
    """A value column: its position, year, unit and what its header says; the marker stands one column right."""

    position: int
    year: str
    label: str


@dataclass(slots=True)
class _Context:
    """What the lines above a row say: the headings, the unit of the row before, and the tariff code."""

    flow: str
    unit: str
    basis: str
    headings: list[str]
    code: str = ""
    price_unit: str = ""


def recognises(sheets: Sequence[Sheet]) -> bool:
    """Return whether a workbook holds Minerals Yearbook tables.

    Args:
        sheets: its sheets.

    Returns:
        True where a sheet begins with `TABLE n` and a title.

    Example:
        >>> recognises([Sheet("T1", [["TABLE 1"], ["SALIENT STATISTICS1"], [""], ["", 2018.0, 2019.0]])])
        True
    """
    return any(_is_table(sheet) for sheet in sheets)


def read_sheets(draft: Draft, sheets: Sequence[Sheet]) -> None:
    """Read the tables of a Minerals Yearbook workbook into the draft.

    Args:
        draft: receives rows, counts and findings.
        sheets: the workbook's sheets.

    Example:
        >>> draft = Draft("myb.xlsx", "")
        >>> read_sheets(draft, [Sheet("T8", [["TABLE 8"], ["RARE EARTHS: WORLD MINE PRODUCTION"],
        ...     ["(Metric tons, rare-earth oxide equivalent)"], ["Country", "", 2021.0, "", 2022.0, ""],
        ...     ["Burmae", "", 34700.0, "", 12000.0, ""]])])
        >>> [(row.reporter, row.period, row.value, row.status) for row in draft.rows]
        [('MMR', '2021', 34700.0, 'estimated'), ('MMR', '2022', 12000.0, 'estimated')]
    """
    draft.format, draft.dialect = FORMAT, f"xlsx, {sum(map(_is_table, sheets))} tables"
    words = " ".join(_text(cell) for sheet in sheets if not _is_table(sheet) for row in sheet.rows[:40] for cell in row)
    year = re.search(r"(?:Minerals Yearbook |)((?:19|20)\d\d)(?: Annual Tables|, v\. I)", words)
    draft.vintage = f"MYB {year.group(1)}" if year else "MYB"
    posted = re.search(r"Posted:\s*([A-Z][a-z]+ \d{1,2}, \d{4})", words)
    published = _date(posted.group(1)) if posted else ""
    for sheet in sheets:
        if _is_table(sheet):
            _read_table(draft, sheet, published)
        elif any(any(_text(cell).strip() for cell in row) for row in sheet.rows):
            draft.notice(None, sheet.name, "a sheet without table", "TABLE n", "nothing: it is not read as data")


def _read_table(draft: Draft, sheet: Sheet, published: str) -> None:
    title = " ".join(_text(sheet.rows[1][0]).split()) if len(sheet.rows) > 1 else ""
    number = _text(sheet.rows[0][0]).strip().title()
    symbols = _symbol_row(sheet)
    if symbols is not None:
        _read_composition(draft, sheet, symbols, published)
        return
    header = _year_row(sheet)
    if header is None:
        draft.notice(
            None,
            sheet.name,
            f"{number} ({title[:60]}) without years or elements in its header",
            "a row of years",
            "nothing: the table is not read",
        )
        for index in range(2, len(sheet.rows)):
            draft.rows_in += 1
            draft.reject(index + 1, "table without a known header", title, sheet=sheet.name)
        return
    body, columns = _columns(sheet, header)
    context = _context(title, sheet, header)
    _read_rows(draft, sheet, body, columns, context, title, published)


def _read_rows(
    draft: Draft, sheet: Sheet, body: int, columns: list[_Column], context: _Context, title: str, published: str
) -> None:
    ended = False
    for index in range(body, len(sheet.rows)):
        cells = sheet.rows[index]
        draft.rows_in += 1
        label = " ".join(_text(cells[0]).split()) if cells else ""
        values = [(column, cells[column.position] if column.position < len(cells) else "") for column in columns]
        filled = any(_text(cell).strip() for _, cell in values)
        if not label and not any(_text(cell).strip() for cell in cells):
            draft.reject(index + 1, "blank row", sheet=sheet.name)
            continue
        if ended or (not filled and _FOOTNOTE.match(label)):
            ended = True
            draft.reject(index + 1, "footnote", label, sheet=sheet.name)
            continue
        side = " ".join(_text(cells[2]).split()) if len(cells) > 2 and columns[0].position > 2 else ""
        if not filled:
            if re.fullmatch(r"[\d.,\s]+", side or "x"):
                context.code = side.rstrip(",") if label else f"{context.code}, {side.rstrip(',')}".strip(", ")
            _open_heading(context, label)
            draft.reject(index + 1, "heading row" if label else "label continuation", label or side, sheet=sheet.name)
            continue
        rows = _body_row(draft, sheet, index + 1, label, side, cells, values, context, title, published)
        if rows is not None:
            draft.used += 1
            draft.rows.extend(rows)


def _body_row(
    draft: Draft,
    sheet: Sheet,
    row: int,
    label: str,
    side: str,
    cells: Sequence[object],
    values: list[tuple[_Column, object]],
    context: _Context,
    title: str,
    published: str,
) -> list[CanonicalRow] | None:
    name, estimated_label = _clean_label(label)
    low = f"{context.headings[0] if context.headings else ''} {name}".casefold()
    flow = context.flow or _salient_flow(low)
    unit = context.unit
    flags: list[str] = []
    stated = _text(cells[1]).strip() if len(cells) > 1 and columns_begin_after(values, 1) else ""
    if re.fullmatch(r"[a-z ]+|do\.", stated):
        if not _DITTO.fullmatch(stated):
            context.unit = _UNITS.get(stated, "")
            if not context.unit:
                draft.reject(row, "unknown unit", stated, sheet=sheet.name)
                draft.problem(row, sheet.name, repr(stated)[:40], "a known unit", "report the unit to oreflow")
                return None
        unit = context.unit
        if flow == "price" and not unit.startswith("USD"):
            unit, flags = context.price_unit or "USD/kg", ["unit_contradicts_heading"]
        context.price_unit = unit if unit.startswith("USD") else context.price_unit
    if re.fullmatch(_CODE, side):
        context.code = side
    if name.casefold().startswith(("grand total", "total, ")):
        context.code, context.headings = "", []
    reporter, partner, product = _places(flow, name, title)
    rows = []
    for column, cell in values:
        text = _text(cell).strip()
        if not text:
            continue
        reading = read_usgs(cell)
        if reading is None:
            draft.reject(row, "value not readable", f"{label}: {text}", sheet=sheet.name)
            draft.problem(
                row,
                f"{sheet.name}, {column.year} {column.label}".strip(),
                repr(text)[:40],
                "a number or a USGS mark (NA, W, XX, --)",
                "the cell is damaged: download again",
            )
            return None
        marker = _text(cells[column.position + 1]).strip() if column.position + 1 < len(cells) else ""
        marker = marker.removesuffix(".0")
        estimated = "e" in marker or estimated_label or (context.headings[:1] or [""])[0].endswith(":e")
        own = [*flags, *(["revised"] if "r" in marker else []), *([f"footnote_{marker}"] if marker.isdigit() else [])]
        is_value = column.label.casefold().startswith("value")
        own_unit = "USD" if is_value else "kg" if "kilogram" in column.label.casefold() else unit
        basis = "" if own_unit.startswith("USD") or own_unit == "%" else context.basis
        if "REO" in label or "rare-earth-oxide" in label.casefold():
            basis = "REO" if basis else ""
        elif "gross weight" in column.label.casefold() or "gross basis" in label.casefold():
            basis = "gross" if not own_unit.startswith("USD") else ""
        measure = (
            "price"
            if flow == "price"
            else "value"
            if is_value
            else "production"
            if flow == "production"
            else ("quantity")
        )
        rows.append(
            CanonicalRow(
                SOURCE,
                draft.vintage,
                reporter.id,
                partner.id if partner else "",
                flow,
                context.code or product,
                "HTS" if context.code else "USGS",
                "; ".join([*map(_strip_mark, context.headings), name]),
                column.year,
                measure,
                reading.value,
                reading.lower,
                reading.upper,
                reading.comparator,
                own_unit,
                basis,
                "",
                "estimated" if estimated and reading.status == "reported" else reading.status,
                join_flags(reporter.flags, partner.flags if partner else (), own, reading.flags),
                label if not partner else "United States",
                label if partner else "",
                "",
                title,
                published,
                draft.sha256,
                sheet.name,
                row,
                f"{column.year} {column.label}".strip(),
            )
        )
    if side and not re.fullmatch(_CODE, side) and rows:
        rows = [_with_detail(made, f"purity {side.removesuffix('.0')}%") for made in rows]
    return rows


def columns_begin_after(values: list[tuple[_Column, object]], position: int) -> bool:
    """Return whether the value columns begin right of a position, so that the cell there is a unit or a code."""
    return bool(values) and values[0][0].position > position


def _with_detail(row: CanonicalRow, detail: str) -> CanonicalRow:
    from dataclasses import replace

    return replace(row, product_name=f"{row.product_name}; {detail}")


_USA = Area("USA", "United States", "country")


def _places(flow: str, name: str, title: str) -> tuple[Area, Area | None, str]:
    product = "Rare earths" if "RARE EARTH" in title or "RARE-EARTH" in title else title.split(":")[0].title()
    if flow in {"export", "import"} and "COUNTRY" in title:
        low = name.casefold()
        if low.startswith(("total", "grand total")):
            return _USA, Area("WLD", "World", "world", ("total_row",)), product
        area = area_by_name(name)
        if area.kind == "unknown" and "," in name:
            last = area_by_name(name.rsplit(",", 1)[1])
            area = last if last.kind != "unknown" else area
        return _USA, area, product
    if flow == "production" and "WORLD" in title:
        return area_by_name(name), None, product
    if flow == "price":
        return Area("", "", "none"), None, name
    if name.casefold().startswith("world"):
        return Area("WLD", "World", "world"), None, product
    return _USA, None, product


def _context(title: str, sheet: Sheet, header: int) -> _Context:
    above = " ".join(_text(cell) for row in sheet.rows[2 : header + 1] for cell in row if _text(cell).strip())
    unit_line = re.search(r"\(([^)]*)\)", above)
    words = (unit_line.group(1) if unit_line else "").casefold()
    unit = next((code for text, code in _UNITS.items() if words.startswith(text)), "")
    upper = title.upper()
    flow = (
        "export"
        if "EXPORTS" in upper
        else "import"
        if "IMPORTS" in upper
        else "price"
        if "PRICES" in upper
        else "production"
        if "PRODUCTION" in upper
        else ""
    )
    reo = "oxide" in words or "REO" in above or (not flow and "RARE EARTH" in upper)
    return _Context(flow, unit, "REO" if reo else "gross", [])


def _salient_flow(low: str) -> str:
    for word, flow in (("price", "price"), ("export", "export"), ("import", "import"), ("consumption", "consumption"),
                       ("stock", "stock"), ("production", "production")):  # fmt: skip
        if word in low:
            return flow
    return "other"


def _open_heading(context: _Context, label: str) -> None:
    if not label:
        return
    if context.flow:
        context.headings = [label]
        return
    top = re.match(r"(?:exports?|imports?|prices?|production|consumption|stocks?)\b", label, re.IGNORECASE)
    if top is not None or not context.headings:
        context.headings = [label]
    elif len(context.headings) > 1:
        context.headings = [context.headings[0], label]
    else:
        context.headings.append(label)


def _read_composition(draft: Draft, sheet: Sheet, header: int, published: str) -> None:
    """Read the table of rare-earth contents by mineral and deposit, in percent of total REO."""
    columns = [
        (position, _text(cell).strip())
        for position, cell in enumerate(sheet.rows[header])
        if _text(cell).strip() in _SYMBOLS
    ]
    mineral = country = place = ""
    ended = False
    pending: list[CanonicalRow] = []
    for index in range(header + 1, len(sheet.rows)):
        cells = sheet.rows[index]
        draft.rows_in += 1
        texts = [" ".join(_text(cell).split()) for cell in cells]
        filled = any(texts[position] for position, _ in columns if position < len(texts))
        if not any(texts):
            draft.reject(index + 1, "blank row", sheet=sheet.name)
        elif ended or (not filled and _FOOTNOTE.match(texts[0])):
            ended = True
            draft.reject(index + 1, "footnote", texts[0], sheet=sheet.name)
        elif not filled:
            more = texts[4] if len(texts) > 4 else ""
            place = f"{place} {_GLUED_DIGITS.sub('', more)}".strip()
            pending = [_renamed(row, f"{mineral}; {place}") for row in pending]
            draft.reject(index + 1, "label continuation", more, sheet=sheet.name)
        else:
            draft.rows.extend(pending)
            pending = []
            mineral = mineral if _DITTO.fullmatch(texts[0]) else texts[0]
            country = country if _DITTO.fullmatch(texts[2]) else texts[2]
            place = _GLUED_DIGITS.sub("", texts[4])
            area = area_by_name(country)
            made = []
            for position, symbol in columns:
                reading = read_usgs(cells[position] if position < len(cells) else "", percent=True)
                if reading is None:
                    draft.reject(index + 1, "value not readable", texts[position], sheet=sheet.name)
                    found = repr(texts[position])[:40]
                    draft.problem(
                        index + 1,
                        f"{sheet.name}, {symbol}",
                        found,
                        "a number, <n or NA",
                        "the cell is damaged: download again",
                    )
                    break
                made.append(
                    CanonicalRow(
                        SOURCE,
                        draft.vintage,
                        area.id,
                        "",
                        "composition",
                        symbol,
                        "element",
                        f"{mineral}; {place}",
                        draft.vintage[-4:],
                        "share_of_REO",
                        reading.value,
                        reading.lower,
                        reading.upper,
                        reading.comparator,
                        "%",
                        "",
                        "",
                        reading.status,
                        join_flags(area.flags, reading.flags),
                        country,
                        "",
                        "",
                        "percentage of total rare-earth oxide",
                        published,
                        draft.sha256,
                        sheet.name,
                        index + 1,
                        symbol,
                    )
                )
            else:
                draft.used += 1
                pending = made
    draft.rows.extend(pending)


def _renamed(row: CanonicalRow, name: str) -> CanonicalRow:
    from dataclasses import replace

    return replace(row, product_name=name)


def _is_table(sheet: Sheet) -> bool:
    return (
        len(sheet.rows) > 3
        and bool(sheet.rows[0])
        and re.fullmatch(r"TABLE \d+(?:[A-Z]|—Continued)?", _text(sheet.rows[0][0]).strip()) is not None
    )


def _year_row(sheet: Sheet) -> int | None:
    for index, row in enumerate(sheet.rows[:15]):
        years = [cell for cell in row if re.fullmatch(r"(?:19|20)\d\d(?:\.0)?", _text(cell).strip())]
        if len(years) >= 2:
            return index
    return None


def _symbol_row(sheet: Sheet) -> int | None:
    for index, row in enumerate(sheet.rows[:15]):
        if sum(_text(cell).strip() in _SYMBOLS for cell in row) >= 5:
            return index
    return None


def _columns(sheet: Sheet, header: int) -> tuple[int, list[_Column]]:
    """Return where the body begins and its value columns; a year holds for the columns up to the next year."""
    years = [
        (position, _text(cell).strip().removesuffix(".0"))
        for position, cell in enumerate(sheet.rows[header])
        if re.fullmatch(r"(?:19|20)\d\d(?:\.0)?", _text(cell).strip())
    ]
    first = years[0][0]
    labels: dict[int, str] = {}
    body = header + 1
    for index in range(header + 1, min(header + 5, len(sheet.rows))):
        row = sheet.rows[index]
        words = {
            position: " ".join(_text(cell).split())
            for position, cell in enumerate(row)
            if position >= first and isinstance(cell, str) and _COLUMN_WORDS.match(cell.strip())
        }
        if not words:
            break
        for position, word in words.items():
            labels[position] = f"{labels.get(position, '')} {word}".strip()
        body = index + 1
    if not labels:
        return body, [_Column(position, year, "") for position, year in years]
    columns = []
    for position in sorted(labels):
        year = [value for start, value in years if start <= position][-1]
        columns.append(_Column(position, year, labels[position]))
    return body, columns


def _clean_label(label: str) -> tuple[str, bool]:
    """Return a row's label without glued footnote marks, and whether a mark says that the row is estimated."""
    marked = re.search(r"[a-zA-Z)]\s*,?\s*\d", label)
    text = re.sub(r"(?:,?\s*\d{1,2})(?:,\s*\d{1,2})*$", "", label) if marked else label
    for glued in ("compoundse", "basise", "contente", "oxidese"):
        if text.casefold().endswith(glued):
            return text[:-1], True
    if text.endswith("e") and area_by_name(text[:-1]).kind == "country" and _exact_unknown(text):
        return text[:-1].rstrip(", "), True
    return text.rstrip(","), False


def _exact_unknown(text: str) -> bool:
    area = area_by_name(text)
    return area.kind == "unknown" or area.name.casefold() != text.casefold()


def _strip_mark(label: str) -> str:
    return re.sub(r":e?\s*$", "", label)


def _date(text: str) -> str:
    try:
        return datetime.strptime(f"{text} +0000", "%B %d, %Y %z").date().isoformat()
    except ValueError:
        return ""


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
