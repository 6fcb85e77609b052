"""UN Comtrade API v1: the JSON envelope, the same rows as CSV, column subsets, and tariff-line names in snake case."""

from __future__ import annotations

from collections.abc import Mapping

from oreflow.core.errors import OreflowError
from oreflow.facts.areas import Area, area_by_code, area_by_iso, area_by_name
from oreflow.facts.readers.canonical import Draft
from oreflow.facts.readers.comtrade import (
    FLOWS,
    QUANTITY_UNITS,
    TOTAL_DETAIL,
    Publication,
    TradeRecord,
    read_period,
    read_product,
    separate,
)
from oreflow.facts.readers.delimited import read_records
from oreflow.facts.readers.sniff import normalise_name
from oreflow.facts.readers.tokens import read_number

FORMAT = "comtrade_api"

_ABSENT_DETAIL = {"", "0", "C00", "W00", "-1"}
_UNIT_NAMES = {"kg": "kg", "n/a": "", "": "", "u": "item", "l": "l", "m²": "m2", "m³": "m3", "carat": "carat", "m": "m"}


class _FieldError(OreflowError):
    """A field that cannot be what its column says: `column` and what was found."""

    def __init__(self, column: str, found: str, expected: str) -> None:
        super().__init__(column, found, expected)
        self.column, self.found, self.expected = column, found, expected


def read_json(draft: Draft, payload: object, publications: Mapping[tuple[str, str], Publication] | None) -> None:
    """Read the records of an API response into the draft.

    Args:
        draft: receives rows, counts and findings.
        payload: the parsed JSON: the envelope with `count`, `data` and `error`, or a bare list of records.
        publications: what the publication metadata says, by (reporter code, year).

    Example:
        >>> draft = Draft("empty.json", "")
        >>> read_json(draft, {"count": 0, "data": [], "error": ""}, None)
        >>> draft.notices[0].found
        'no records'
    """
    draft.format, draft.vintage, draft.dialect = FORMAT, "API v1", "JSON envelope"
    data = payload
    if isinstance(payload, dict):
        data = payload.get("data")
        if payload.get("error"):
            draft.problem(None, "error", str(payload["error"])[:160], "no error", "repeat the query")
    items = data if isinstance(data, list) else []
    draft.rows_in = len(items)
    if isinstance(payload, dict):
        count = payload.get("count")
        if isinstance(count, int) and count != len(items):
            draft.problem(
                None,
                "count",
                f"count {count:,} and {len(items):,} records",
                "as many records as counted",
                "the answer is cut: download again",
            )
    if not items:
        draft.notice(None, None, "no records", "at least one", "widen the query")
    records: list[TradeRecord] = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            draft.reject(number, "not a record", item)
            draft.problem(number, None, f"{type(item).__name__} in the list of records", "an object", "download again")
            continue
        cells = {normalise_name(str(name)): _text(value) for name, value in item.items()}
        _take(draft, records, number, cells)
    separate(draft, records, publications)


def read_csv(
    draft: Draft, text: str, delimiter: str, publications: Mapping[tuple[str, str], Publication] | None
) -> None:
    r"""Read a CSV of API rows into the draft; columns may be missing, added or in another order.

    Args:
        draft: receives rows, counts and findings.
        text: the whole file.
        delimiter: the mark between cells.
        publications: what the publication metadata says, by (reporter code, year).

    Example:
        >>> draft = Draft("a.csv", "f00")
        >>> read_csv(draft, "period,reporterCode,flowCode,partnerCode,classificationCode,cmdCode,primaryValue\n"
        ...          "2023,156,M,104,H6,2846,5\n", ",", None)
        >>> draft.used, draft.rows[0].partner
        (1, 'MMR')
    """
    draft.format, draft.vintage = FORMAT, "API v1"
    header, rows = read_records(draft, text, delimiter)
    snake = any("_" in name for name in header if normalise_name(name) in {"refperiodid", "primaryvalue", "cmdcode"})
    draft.dialect = f"CSV, {len(header)} columns{', tariff line' if snake else ''}"
    records: list[TradeRecord] = []
    for record in rows:
        _take(draft, records, record.row, {name: cell.strip() for name, cell in record.cells.items()})
    separate(draft, records, publications)


def _take(draft: Draft, records: list[TradeRecord], row: int, cells: dict[str, str]) -> None:
    try:
        records.append(_record(row, cells))
    except _FieldError as error:
        wrong = _wrong_keys(cells)
        reason = "columns shifted" if len(wrong) >= 2 else f"{error.column} not readable"
        draft.reject(row, reason, error.found)
        draft.problem(
            row,
            error.column,
            error.found + (f" (also wrong: {', '.join(wrong[1:])})" if len(wrong) > 1 else ""),
            error.expected,
            "the row is damaged or its cells are shifted: download again",
        )


def _record(row: int, cells: dict[str, str]) -> TradeRecord:
    period = read_period(cells.get("period", "") or cells.get("refyear", ""))
    if period is None:
        raise _FieldError("period", repr(cells.get("period", ""))[:40], "a year or year and month")
    year = int(period[:4])
    flow_code = cells.get("flowcode", "").upper()
    flow = FLOWS.get(flow_code) or _FLOW_WORDS.get(cells.get("flowdesc", "").casefold())
    flags: tuple[str, ...] = ()
    if flow is None:
        if not (flow_code.isalpha() and len(flow_code) <= 4):
            raise _FieldError("flowCode", repr(flow_code)[:40], "M, X, RM, RX or a sub-flow")
        flow, flags = flow_code, ("sub_flow",)
    reporter, reporter_code = _area(cells, "reporter", year)
    partner, partner_code = _area(cells, "partner", year)
    product = read_product(cells.get("cmdcode", ""))
    if product is None:
        raise _FieldError("cmdCode", repr(cells.get("cmdcode", ""))[:40], "a commodity code of digits")
    unit = _unit(cells, "qty")
    other_unit = _unit(cells, "altqty")
    value = _number(cells, "primaryvalue")
    cif, fob = _number(cells, "cifvalue") or None, _number(cells, "fobvalue") or None
    if value is None:
        value = cif if flow in {"import", "re-import"} else fob
    legacy = cells.get("legacyestimationflag", "").removesuffix(".0")
    detail = tuple(
        "" if cells.get(name, "") in _ABSENT_DETAIL else cells[name]
        for name in ("partner2code", "customscode", "moscode", "motcode")
    )
    return TradeRecord(
        row=row,
        period=period,
        reporter=reporter,
        reporter_code=reporter_code,
        partner=partner,
        partner_code=partner_code,
        flow=flow,
        product=product[0],
        revision=_revision(cells.get("classificationcode", "")),
        product_name=cells.get("cmddesc", ""),
        detail=detail if len(detail) == 4 else TOTAL_DETAIL,
        value=value,
        cif=cif,
        fob=fob,
        net_weight=_number(cells, "netwgt"),
        gross_weight=_number(cells, "grosswgt") or None,
        quantity=_number(cells, "qty"),
        quantity_unit=unit,
        other_quantity=_number(cells, "altqty"),
        other_unit=other_unit,
        weight_estimated=_true(cells.get("isnetwgtestimated", "")) or legacy in {"4", "6"},
        quantity_estimated=_true(cells.get("isqtyestimated", "")) or legacy in {"2", "6"},
        flags=(*flags, *product[1], *((f"legacy_flag_{legacy}",) if legacy not in {"", "0"} else ())),
    )


_FLOW_WORDS = {
    "import": "import", "imports": "import", "export": "export", "exports": "export", "re-import": "re-import",
    "re-imports": "re-import", "re-export": "re-export", "re-exports": "re-export",
}  # fmt: skip


def _area(cells: dict[str, str], side: str, year: int) -> tuple[Area, str]:
    code = cells.get(f"{side}code", "").removesuffix(".0")
    if code:
        if not code.isdigit() or len(code) > 4:
            raise _FieldError(f"{side}Code", repr(code)[:40], "a numeric area code")
        return area_by_code(code, year), code
    iso = cells.get(f"{side}iso", "")
    if iso:
        return area_by_iso(iso), iso
    name = cells.get(f"{side}desc", "")
    if not name:
        raise _FieldError(f"{side}Code", "nothing", "a numeric area code")
    return area_by_name(name), name


def _unit(cells: dict[str, str], stem: str) -> str:
    code = cells.get(f"{stem}unitcode", "").removesuffix(".0")
    if code in {"-1", "1"}:
        return ""
    if code:
        unit = QUANTITY_UNITS.get(code)
        found, column = code, f"{stem}UnitCode"
    else:
        found, column = cells.get(f"{stem}unitabbr", ""), f"{stem}UnitAbbr"
        unit = _UNIT_NAMES.get(found.casefold())
    if unit is None:
        if not _number(cells, stem):
            return ""
        raise _FieldError(column, repr(found)[:40], "a known unit of quantity")
    return unit


def _number(cells: dict[str, str], name: str) -> float | None:
    text = cells.get(name, "")
    if text == "" or text.casefold() in {"nan", "null", "none"}:
        return None
    number = read_number(text)
    if number is None or number < 0:
        raise _FieldError(name, repr(text)[:40], "a number not below zero, or nothing")
    return number


def _revision(code: str) -> str:
    return code.upper() if code else ""


def _true(text: str) -> bool:
    return text.casefold() in {"true", "1"}


def _wrong_keys(cells: dict[str, str]) -> list[str]:
    """Return the key columns whose cells cannot belong to them; two or more say that the row is shifted."""
    wrong = []
    if read_period(cells.get("period", "") or cells.get("refyear", "")) is None:
        wrong.append("period")
    for side in ("reporter", "partner"):
        code = cells.get(f"{side}code", "").removesuffix(".0")
        if f"{side}code" in cells and not (code.isdigit() and len(code) <= 4):
            wrong.append(f"{side}Code")
    flow = cells.get("flowcode", "")
    if "flowcode" in cells and not (flow.isalpha() and len(flow) <= 4):
        wrong.append("flowCode")
    if read_product(cells.get("cmdcode", "")) is None:
        wrong.append("cmdCode")
    numbers = ("primaryvalue", "netwgt", "qty")
    wrong.extend(
        name
        for name in numbers
        if cells.get(name, "") and read_number(cells[name]) is None and cells[name].casefold() != "nan"
    )
    marks = ("isnetwgtestimated", "isqtyestimated")
    wrong.extend(name for name in marks if cells.get(name, "").casefold() not in {"", "true", "false", "0", "1"})
    return wrong


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return str(value).strip()[:2000]
