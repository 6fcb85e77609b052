"""BGS World Mineral Statistics: CSV export (column order differs by file) and GeoJSON pages of its OGC API."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from oreflow.facts.areas import area_by_iso, area_by_name
from oreflow.facts.readers.canonical import CanonicalRow, Draft, join_flags
from oreflow.facts.readers.delimited import Record, read_records
from oreflow.facts.readers.sniff import normalise_name
from oreflow.facts.readers.tokens import read_bgs

FORMAT = "bgs_wms"
SOURCE = "BGS World Mineral Statistics"

_UNITS: dict[str, tuple[str, str]] = {
    "tonnes (metric)": ("t", ""),
    "tonnes (metal content)": ("t", "metal"),
    "tonnes (gross weight)": ("t", "gross"),
    "tonnes": ("t", ""),
    "thousand tonnes": ("kt", ""),
    "kilograms": ("kg", ""),
    "kilograms (metal content)": ("kg", "metal"),
    "million cubic metres": ("Mm3", ""),
    "cubic metres": ("m3", ""),
    "carats": ("carat", ""),
    "thousand carats": ("kcarat", ""),
    "tonnes (k2o content)": ("t", "oxide"),
    "tonnes (cr2o3 content)": ("t", "oxide"),
}
_STATISTICS = {"production": "production", "imports": "import", "exports": "export"}


def read_csv(draft: Draft, text: str, delimiter: str) -> None:
    r"""Read a CSV export into the draft.

    Args:
        draft: receives rows, counts and findings.
        text: the whole file.
        delimiter: the mark between cells.

    Example:
        >>> draft = Draft("bgs.csv", "")
        >>> read_csv(draft, "bgs_commodity_trans,bgs_statistic_type_trans,country_trans,quantity,units,year\n", ",")
        >>> draft.format
        'bgs_wms'
    """
    header, rows = read_records(draft, text, delimiter)
    draft.dialect = f"CSV, {len(header)} columns"
    _read(draft, rows)


def read_geojson(draft: Draft, payload: object) -> None:
    """Read a page of the OGC API into the draft.

    Args:
        draft: receives rows, counts and findings.
        payload: the parsed feature collection.

    Example:
        >>> draft = Draft("page.json", "")
        >>> read_geojson(draft, {"type": "FeatureCollection", "features": []})
        >>> draft.used
        0
    """
    features = payload.get("features") if isinstance(payload, dict) else None
    listed = features if isinstance(features, list) else []
    draft.rows_in, draft.dialect = len(listed), "GeoJSON"
    records = []
    for number, feature in enumerate(listed, start=1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            draft.reject(number, "not a record", feature)
            draft.problem(number, "properties", "no properties", "an object", "download the page again")
            continue
        cells = {normalise_name(str(name)): "" if value is None else str(value) for name, value in properties.items()}
        records.append(Record(number, cells))
    returned = payload.get("numberReturned") if isinstance(payload, dict) else None
    if isinstance(returned, int) and returned != len(listed):
        found = f"{returned} announced and {len(listed)} features"
        draft.problem(None, "numberReturned", found, "as many as announced", "the page was cut: ask for 2,000 rows")
    _read(draft, records)


def _read(draft: Draft, records: Iterable[Record]) -> None:
    draft.format = FORMAT
    seen: dict[tuple[str, ...], int] = {}
    commodities: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows: list[CanonicalRow] = []
    latest = ""
    for record in records:
        row = _row(draft, record)
        if row is None:
            continue
        key = (row.reporter, row.reporter_code, row.flow, row.product, row.product_name, row.period, row.unit)
        if key in seen:
            draft.reject(record.row, "duplicate key", f"as row {seen[key]}")
            draft.problem(record.row, None, f"the key of row {seen[key]} again", "each key once", "export again")
            continue
        seen[key] = record.row
        if row.product in {"rare earth minerals", "rare earth oxides"}:
            commodities[(row.reporter, row.period)].add(row.product)
        latest = max(latest, row.period)
        rows.append(row)
        draft.used += 1
    draft.vintage = f"data to {latest}" if latest else ""
    both = {key for key, names in commodities.items() if len(names) == 2}
    if both:
        draft.notice(
            None,
            "bgs_commodity_trans",
            f"minerals (gross) and oxides (REO) both given for {len(both)} country-years",
            "one of them in any sum",
            "never add the two",
        )
    for row in rows:
        twice = (row.reporter, row.period) in both and row.product.startswith("rare earth")
        draft.rows.append(
            _with(row, draft.vintage, join_flags(row.flags.split(";"), ("minerals_and_oxides_given",) if twice else ()))
        )


def _with(row: CanonicalRow, vintage: str, flags: str) -> CanonicalRow:
    from dataclasses import replace

    return replace(row, vintage=vintage, flags=flags)


def _row(draft: Draft, record: Record) -> CanonicalRow | None:
    def reject(column: str, found: str, expected: str, reason: str) -> CanonicalRow | None:
        draft.reject(record.row, reason, found)
        draft.problem(record.row, column, repr(found)[:60], expected, "the row is damaged or shifted: export again")
        return None

    year = re.match(r"((?:19|20)\d\d)(?:-\d\d-\d\d(?:[ T].*)?)?$", record.get("year"))
    if year is None:
        return reject("year", record.get("year"), "a date as 2023-01-01 00:00:00", "year not readable")
    flow = _STATISTICS.get(record.get("bgsstatistictypetrans").casefold())
    if flow is None:
        return reject(
            "bgs_statistic_type_trans",
            record.get("bgsstatistictypetrans"),
            "Production, Imports or Exports",
            "unknown statistic",
        )
    unit = _UNITS.get(record.get("units").casefold())
    if unit is None:
        return reject("units", record.get("units"), f"one of {', '.join(_UNITS)}", "unknown unit")
    reading = read_bgs(
        record.get("quantity"),
        record.get("quantityinbookstyle"),
        record.get("sdmxtranslation"),
        record.get("dataprecisiondescription"),
    )
    if reading is None:
        return reject(
            "quantity", record.get("quantity", "quantityinbookstyle"), "a number or a BGS mark", "value not readable"
        )
    name = record.get("countrytrans")
    area = area_by_name(name)
    if area.kind == "unknown":
        area = area_by_iso(record.get("countryiso3code")) if record.get("countryiso3code") else area
    commodity = record.get("bgscommoditytrans")
    note = record.get("concatfigurenotestext")
    estimated = "estimates" in note.casefold()
    basis = unit[1] or ("REO" if "oxides" in commodity and "rare earth" in commodity else "gross")
    flags = list(reading.flags)
    if not unit[1] and basis == "gross":
        flags.append("basis_assumed")
    flags += [flag for text, flag in _NOTE_FLAGS if text in note.casefold()]
    status = "estimated" if estimated and reading.status == "reported" else reading.status
    return CanonicalRow(
        SOURCE,
        "",
        area.id,
        "",
        flow,
        commodity,
        "BGS",
        record.get("bgssubcommoditytrans"),
        year.group(1),
        "production" if flow == "production" else "quantity",
        reading.value,
        reading.lower,
        reading.upper,
        reading.comparator,
        unit[0],
        basis,
        "",
        status,
        join_flags(area.flags, flags),
        name,
        "",
        "",
        " ".join(note.replace("|", " ").split()),
        "",
        draft.sha256,
        "",
        record.row,
        "quantity",
    )


_NOTE_FLAGS = (
    ("exports", "exports_taken_as_production"),
    ("assumed to be 60%", "converted_at_60_percent"),
    ("break in series", "break_in_series"),
    ("years end", "fiscal_year"),
    ("nominal capacity", "nominal_capacity"),
)
