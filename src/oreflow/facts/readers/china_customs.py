"""China customs (GACC) query exports: Chinese headers, GB18030 or UTF-8 or UTF-16, currency in the column's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from oreflow.facts.areas import Area, area_by_name
from oreflow.facts.readers.canonical import CanonicalRow, Draft, join_flags
from oreflow.facts.readers.delimited import Record, read_records
from oreflow.facts.readers.sniff import match_header, normalise_name
from oreflow.facts.readers.tokens import read_plain
from oreflow.facts.readers.workbook import Sheet

FORMAT = "china_customs"
SOURCE = "China customs (GACC)"

_MISSING = frozenset({"-", "", "--"})
_UNITS = {
    "千克": "kg", "克": "g", "吨": "t", "个": "item", "件": "item", "台": "item", "套": "set", "双": "pair",
    "米": "m",
    "平方米": "m2", "立方米": "m3", "升": "l", "克拉": "carat", "千瓦时": "kWh", "支": "item", "只": "item",
    "块": "item",
    "千个": "1000 item", "百万贝可": "MBq", "辆": "item", "张": "item", "条": "item", "根": "item", "把": "item",
}  # fmt: skip
_FLOWS = {"进口": "import", "出口": "export", "import": "import", "export": "export"}


def recognises(sheets: Sequence[Sheet]) -> bool:
    """Return whether a workbook is an export of the customs query page.

    Args:
        sheets: its sheets.

    Returns:
        True where the first sheet's first row is such a header.

    Example:
        >>> recognises([Sheet("1", [["数据年月", "商品编码", "贸易伙伴名称"]])])
        True
    """
    if not sheets or not sheets[0].rows:
        return False
    rule = match_header(tuple(_text(cell) for cell in sheets[0].rows[0]))
    return rule is not None and rule.format == FORMAT


def read_csv(draft: Draft, text: str, delimiter: str, flow: str | None) -> None:
    r"""Read a CSV export into the draft.

    Args:
        draft: receives rows, counts and findings.
        text: the whole file.
        delimiter: the mark between cells.
        flow: `import` or `export`, which the query chose and the file does not say; None where it is unknown.

    Example:
        >>> draft = Draft("gacc.csv", "")
        >>> read_csv(draft, "数据年月,商品编码,贸易伙伴名称,第一数量,第一计量单位,美元\n"
        ...          "202401,28469019,缅甸,\"1,200\",千克,\"3,400\"\n", ",", "import")
        >>> [(row.partner, row.period, row.measure, row.value) for row in draft.rows]
        [('MMR', '2024-01', 'value', 3400.0), ('MMR', '2024-01', 'quantity', 1200.0)]
    """
    header, rows = read_records(draft, text, delimiter)
    draft.dialect = f"CSV, {len(header)} columns"
    _read(draft, rows, flow)


def read_sheets(draft: Draft, sheets: Sequence[Sheet], flow: str | None) -> None:
    """Read a workbook export into the draft.

    Args:
        draft: receives rows, counts and findings.
        sheets: the workbook's sheets; the first holds the table.
        flow: as in `read_csv`.

    Example:
        >>> draft = Draft("gacc.xlsx", "")
        >>> read_sheets(draft, [Sheet("1", [["数据年月", "商品编码", "贸易伙伴名称", "美元"]])], "import")
        >>> draft.used
        0
    """
    draft.dialect = "xlsx"
    names = [normalise_name(_text(cell)) for cell in sheets[0].rows[0]]
    records = []
    for index, cells in enumerate(sheets[0].rows[1:], start=2):
        draft.rows_in += 1
        texts = [_text(cell) for cell in cells]
        if any(text.strip() for text in texts):
            records.append(Record(index, {name: text for name, text in zip(names, texts, strict=False) if name}))
        else:
            draft.reject(index, "blank row")
    for sheet in sheets[1:]:
        draft.notice(None, sheet.name, "a further sheet", "one sheet", "nothing: it is not read")
    _read(draft, records, flow)


def _read(draft: Draft, records: Iterable[Record], flow: str | None) -> None:
    draft.format = FORMAT
    seen: dict[tuple[str, ...], int] = {}
    unstated = False
    latest = ""
    for record in records:
        stated = _FLOWS.get(record.get("进出口", "进出口名称").casefold(), flow or "")
        unstated = unstated or not stated
        made = _rows(draft, record, stated)
        if made is None:
            continue
        key = tuple(record.get(name) for name in _KEY)
        if key in seen:
            draft.reject(record.row, "duplicate key", " / ".join(part for part in key if part))
            draft.problem(record.row, None, f"the key of row {seen[key]} again", "each key once", "export again")
            continue
        seen[key] = record.row
        latest = max(latest, made[0].period)
        draft.used += 1
        draft.rows.extend(made)
    draft.vintage = f"data to {latest}" if latest else ""
    if unstated:
        draft.problem(
            None,
            None,
            "rows that do not say import or export: the query chose it",
            "a trade flow",
            "give it with --flow import or --flow export",
        )


_KEY = (
    "数据年月", "商品编码", "贸易伙伴编码", "贸易伙伴名称", "贸易方式编码", "贸易方式名称", "注册地编码",
    "注册地名称", "进出口", "进出口名称",
)  # fmt: skip


def _rows(draft: Draft, record: Record, flow: str) -> list[CanonicalRow] | None:
    def reject(column: str, found: str, expected: str, reason: str) -> list[CanonicalRow] | None:
        draft.reject(record.row, reason, found)
        draft.problem(record.row, column, repr(found)[:40], expected, "the row is damaged or shifted: export again")
        return None

    months = re.fullmatch(
        r"((?:19|20)\d\d)(0[1-9]|1[0-2])?(?:-(?:(?:19|20)\d\d)?(0[1-9]|1[0-2]))?",
        record.get("数据年月").removesuffix(".0"),
    )
    if months is None:
        return reject("数据年月", record.get("数据年月"), "a month as 202401", "period not readable")
    year, first, last = months.groups()
    period = year if not first else f"{year}-{first}" if not last else f"{year}-{first}/{year}-{last}"
    code = record.get("商品编码").removesuffix(".0")
    if not re.fullmatch(r"\d{2,10}", code):
        return reject("商品编码", code, "a code of digits", "code not readable")
    flags: list[str] = []
    if len(code) % 2:
        code, flags = "0" + code, ["leading_zero_restored"]
    name = record.get("贸易伙伴名称")
    partner = area_by_name(name)
    if not name:
        partner = Area(f"gacc:{record.get('贸易伙伴编码')}", "", "unknown", ("area_unknown",))
    detail = "; ".join(part for part in (record.get("贸易方式名称"), record.get("注册地名称")) if part)
    measures: list[tuple[str, str, str, str, float | None, str]] = []
    for column, currency in (("美元", "USD"), ("人民币", "CNY")):
        if column in record.cells:
            reading = read_plain(record.cells[column], missing=_MISSING)
            if reading is None:
                return reject(column, record.get(column), "an amount or -", "value not readable")
            measures.append(("value", currency, "", column, reading.value, reading.status))
    for number, unit_name in (("第一数量", "第一计量单位"), ("第二数量", "第二计量单位")):
        if number not in record.cells:
            continue
        reading = read_plain(record.cells[number], missing=_MISSING)
        if reading is None:
            return reject(number, record.get(number), "a quantity or -", "value not readable")
        stated = record.get(unit_name)
        unit = _UNITS.get(stated, "")
        if reading.value and not unit:
            return reject(unit_name, stated, f"one of {', '.join(_UNITS)}", "unknown unit")
        if stated in _MISSING and not reading.value:
            continue
        basis = "gross" if unit in {"kg", "g", "t"} else ""
        measures.append(("quantity", unit, basis, number, reading.value, reading.status))
    if not measures:
        return reject("美元", "nothing", "an amount or a quantity", "no values")
    valuation = {"import": "CIF", "export": "FOB"}.get(flow, "")
    return [
        CanonicalRow(
            SOURCE,
            "",
            "CHN",
            partner.id,
            flow,
            code,
            "CN tariff",
            record.get("商品名称"),
            period,
            measure,
            value,
            None,
            None,
            "",
            unit,
            basis,
            valuation if measure == "value" else "",
            status,
            join_flags(
                partner.flags, flags, ("breakdown",) if detail else (), ("self_trade",) if partner.id == "CHN" else ()
            ),
            "中国",
            name or record.get("贸易伙伴编码"),
            "",
            detail,
            "",
            draft.sha256,
            "",
            record.row,
            column,
        )
        for measure, unit, basis, column, value, status in measures
    ]


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)
