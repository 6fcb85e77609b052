"""UN Comtrade CSV from before 2023 (22 columns) and its bulk form (35 columns)."""

from __future__ import annotations

from collections.abc import Mapping

from oreflow.facts.areas import area_by_code, area_by_iso, area_by_name
from oreflow.facts.readers.canonical import Draft
from oreflow.facts.readers.comtrade import Publication, TradeRecord, read_period, read_product, separate
from oreflow.facts.readers.delimited import Record, read_records
from oreflow.facts.readers.tokens import read_number

FORMAT = "comtrade_legacy"

_FLOWS = {"1": "import", "2": "export", "3": "re-export", "4": "re-import"}
_UNITS = {"1": "", "2": "m2", "3": "MWh", "4": "m", "5": "item", "6": "pair", "7": "l", "8": "kg", "9": "1000 item",
          "10": "package", "11": "dozen", "12": "m3", "13": "carat"}  # fmt: skip


def read_csv(
    draft: Draft, text: str, delimiter: str, publications: Mapping[tuple[str, str], Publication] | None
) -> None:
    r"""Read a legacy Comtrade CSV into the draft.

    Args:
        draft: receives rows, counts and findings.
        text: the whole file.
        delimiter: the mark between cells.
        publications: what the publication metadata says, by (reporter code, year).

    Example:
        >>> draft = Draft("legacy.csv", "")
        >>> read_csv(draft, "Classification,Year,Trade Flow Code,Reporter Code,Partner Code,Commodity Code,"
        ...          "Trade Value (US$)\nH4,2013,1,156,104,2846,900\n", ",", None)
        >>> draft.rows[0].value, draft.rows[0].flow
        (900.0, 'import')
    """
    header, rows = read_records(draft, text, delimiter)
    columns = len([name for name in header if name.strip()])
    draft.format, draft.vintage, draft.dialect = FORMAT, "legacy", f"CSV, {columns} columns"
    records: list[TradeRecord] = []
    for record in rows:
        made = _record(draft, record)
        if made is not None:
            records.append(made)
    separate(draft, records, publications, vintage="legacy")


def _record(draft: Draft, record: Record) -> TradeRecord | None:
    wrong: list[tuple[str, str, str]] = []
    period = read_period(record.get("period", "year"))
    if period is None:
        wrong.append(("Period", record.get("period", "year"), "a year or year and month"))
    flow = _FLOWS.get(record.get("tradeflowcode")) or record.get("tradeflow").casefold()
    if flow not in _FLOWS.values():
        wrong.append(("Trade Flow Code", record.get("tradeflowcode", "tradeflow"), "1, 2, 3 or 4"))
    product = read_product(record.get("commoditycode"))
    if product is None:
        wrong.append(("Commodity Code", record.get("commoditycode"), "a code of digits"))
    year = int(period[:4]) if period else None
    codes: list[str] = []
    areas = []
    for side in ("reporter", "partner"):
        code = record.get(f"{side}code")
        if code and not (code.isdigit() and len(code) <= 4):
            wrong.append((f"{side.capitalize()} Code", code, "a numeric area code"))
        iso = record.get(f"{side}iso")
        area = area_by_code(code, year) if code else area_by_iso(iso) if iso else area_by_name(record.get(side))
        if not (code or iso or record.get(side)):
            wrong.append((f"{side.capitalize()} Code", "nothing", "a numeric area code"))
        codes.append(code or iso or record.get(side))
        areas.append(area)
    numbers: dict[str, float | None] = {}
    for name in _NUMBERS:
        cell = record.get(*_NUMBERS[name])
        numbers[name] = read_number(cell) if cell else None
        if cell and (numbers[name] is None or (numbers[name] or 0.0) < 0):
            wrong.append((_NUMBERS[name][0], cell, "a number not below zero, or nothing"))
    unit_code = record.get("qtyunitcode")
    unit = _UNITS.get(unit_code, "") if unit_code else ""
    if unit_code and unit_code not in _UNITS and numbers["quantity"]:
        wrong.append(("Qty Unit Code", unit_code, "a known unit of quantity"))
    if wrong or period is None or product is None:
        column, found, expected = wrong[0]
        draft.reject(record.row, "columns shifted" if len(wrong) > 1 else f"{column} not readable", found)
        draft.problem(record.row, column, repr(found)[:40], expected, "the row is damaged: download again")
        return None
    flag = record.get("flag").removesuffix(".0")
    classification = record.get("classification").upper()
    detail = tuple(
        "" if record.get(name) in {"", "0", "C00", "WLD"} else record.get(name)
        for name in ("2ndpartnercode", "customsproc.code", "modeoftransportcode")
    )
    return TradeRecord(
        row=record.row,
        period=period,
        reporter=areas[0],
        reporter_code=codes[0],
        partner=areas[1],
        partner_code=codes[1],
        flow=flow,
        product=product[0],
        revision=classification,
        product_name=record.get("commodity"),
        detail=(detail[0], detail[1], "", detail[2]),
        value=numbers["value"],
        cif=numbers["cif"] or None,
        fob=numbers["fob"] or None,
        net_weight=numbers["net"],
        gross_weight=numbers["gross"] or None,
        quantity=numbers["quantity"],
        quantity_unit=unit,
        other_quantity=None,
        other_unit="",
        weight_estimated=flag in {"4", "6"},
        quantity_estimated=flag in {"2", "6"},
        flags=(*product[1], *((f"legacy_flag_{flag}",) if flag not in {"", "0"} else ())),
    )


_NUMBERS: dict[str, tuple[str, ...]] = {
    "value": ("tradevalue(us$)", "tradevalue"),
    "net": ("netweight(kg)", "netweight"),
    "gross": ("grossweight(kg)", "grossweight"),
    "quantity": ("qty",),
    "cif": ("ciftradevalue(us$)", "ciftradevalue"),
    "fob": ("fobtradevalue(us$)", "fobtradevalue"),
}
