"""USGS Mineral Commodity Summaries data releases of 2022 to 2026: world and salient tables, wide and long.

The layout changes with every release: headers decide. Units are taken from the stem of a column's name where the
suffix is wrong (net import reliance is a percentage whatever its column says; the 2024 release lost underscores).
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import chain

from oreflow.facts.areas import area_by_name
from oreflow.facts.readers.canonical import CanonicalRow, Draft, join_flags
from oreflow.facts.readers.delimited import Record, read_records
from oreflow.facts.readers.sniff import normalise_name
from oreflow.facts.readers.tokens import Reading, read_usgs

FORMAT = "usgs_mcs"
SOURCE = "USGS Mineral Commodity Summaries"

PUBLISHED = {"2022": "2022-01-31", "2023": "2023-01-31", "2024": "2024-01-31", "2025": "2025-01-31",
             "2026": "2026-02-06"}  # fmt: skip
"""Release -> the day on which the summaries were first posted."""

DOIS = {"2022": "10.5066/P9KKMCP4", "2023": "10.5066/P9WCYUI6", "2024": "10.5066/P144BA54", "2025": "10.5066/P13XCP3R",
        "2026": "10.5066/P1WKQ63T"}  # fmt: skip

_SUFFIX_UNITS: dict[str, str] = {
    "t": "t", "kt": "kt", "kg": "kg", "g": "g", "dkg": "USD/kg", "dt": "USD/t", "dlb": "USD/lb", "dto": "USD/toz",
    "dg": "USD/g", "pct": "%", "num": "person", "kct": "kcarat", "mct": "Mcarat", "mt": "Mt", "cm": "Mm3", "mcm": "Mm3",
    "clb": "USc/lb", "md": "MUSD",
}  # fmt: skip
_STEMS: dict[str, tuple[str, str]] = {
    "usprod": ("production", "production"),
    "imports": ("import", "quantity"),
    "exports": ("export", "quantity"),
    "consump": ("consumption", "quantity"),
    "shipments": ("shipment", "quantity"),
    "stocks": ("stock", "stock"),
    "price": ("price", "price"),
    "employment": ("employment", "employment"),
    "nir": ("net import reliance", "share"),
    "sold": ("shipment", "quantity"),
    "supply": ("supply", "quantity"),
}
_UNITS: dict[str, str] = {
    "metric tons": "t", "thousand metric tons": "kt", "million metric tons": "Mt", "kilograms": "kg", "percent": "%",
    "thousand metric dry tons": "kt", "number": "item", "million carats": "Mcarat", "thousand carats": "kcarat",
    "thousands of carats": "kcarat", "million cubic meters": "Mm3", "million liters": "Ml", "million dollars": "MUSD",
    "dollars per metric ton": "USD/t", "dollars per kilogram": "USD/kg", "dollars per gram": "USD/g",
    "dollars per pound": "USD/lb", "cents per pound": "USc/lb", "dollars per troy ounce": "USD/toz",
    "dollars per carat": "USD/carat", "dollars per short ton": "USD/short_ton", "dollars per ton": "USD/t",
    "dollars per 10-grams": "USD/(10 g)", "dollars per 25 grams": "USD/(25 g)", "dollars per 50 grams": "USD/(50 g)",
    "dollars per 100 milliliters": "USD/(100 ml)", "dollars per 100 mililiters": "USD/(100 ml)",
    "dollars per dry metric ton unit": "USD/dmtu", "index": "index", "tons": "t",
}  # fmt: skip
_TITLES: dict[str, str] = {
    "raree": "Rare earths", "rareee": "Rare earths", "galli": "Gallium", "germa": "Germanium", "graph": "Graphite",
    "cobal": "Cobalt", "lithi": "Lithium", "tungs": "Tungsten", "manga": "Manganese", "plati": "Platinum-group metals",
    "scandi": "Scandium", "yttri": "Yttrium", "quartz": "Quartz crystal", "nicke": "Nickel", "coppe": "Copper",
    "tin": "Tin", "zinc": "Zinc", "antim": "Antimony", "bauxi": "Bauxite", "berry": "Beryllium", "chrom": "Chromium",
    "indiu": "Indium", "magne": "Magnesium", "niobi": "Niobium", "tanta": "Tantalum", "titan": "Titanium",
    "vanad": "Vanadium", "zirco": "Zirconium", "telur": "Tellurium", "tellu": "Tellurium", "silve": "Silver",
    "gold": "Gold", "mica": "Mica", "fluor": "Fluorspar", "barit": "Barite", "arsen": "Arsenic", "bismu": "Bismuth",
}  # fmt: skip

_PRODUCTION = re.compile(r"prod_?(?:([a-z]+)_)?(?:(est)_?\s*)?((?:19|20)\d\d)$")
_CAPACITY = re.compile(r"cap_?(?:([a-z]+)_)?(?:(est)_?\s*)?((?:19|20)\d\d)$")
_RESERVES = re.compile(r"reserves_?(?:([a-z]+)|((?:19|20)\d\d))?$")
_BLANK_READING = Reading(None, None, None, "", "missing", ("blank_in_source",))


@dataclass(frozen=True, slots=True)
class _Column:
    """What a value column holds: its name in the file, flow, measure, unit, year (empty: the row's) and estimation."""

    name: str
    key: str
    flow: str
    measure: str
    unit: str
    year: str
    estimated: bool
    detail: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """A cell that USGS revised after the data file was posted; the printed value stays in the table beside it."""

    release: str
    commodity: str
    country: str
    statistic: str
    year: str
    printed: str
    corrected: str
    posted: str
    reference: str


def read_csv(draft: Draft, text: str, delimiter: str, layout: str) -> None:
    r"""Read one file of a release into the draft.

    Args:
        draft: receives rows, counts and findings.
        text: the whole file.
        delimiter: the mark between cells.
        layout: `usgs_mcs_world`, `usgs_mcs_salient`, `usgs_mcs_2025` or `usgs_mcs_2026`, by the header.

    Example:
        >>> draft = Draft("mcs2022-raree_world.csv", "")
        >>> read_csv(draft, "Source,Country,Type,Prod_t_2020,Prod_t_Est_2021\nMCS2022,Burma,\"Mine production, "
        ...          "rare-earth-oxide equivalent\",31000,26000\n", ",", "usgs_mcs_world")
        >>> [(row.reporter, row.period, row.value, row.unit, row.basis) for row in draft.rows]
        [('MMR', '2020', 31000.0, 't', 'REO'), ('MMR', '2021', 26000.0, 't', 'REO')]
    """
    header, rows = read_records(draft, text, delimiter)
    read_table(draft, header, rows, layout)


def read_sheet(draft: Draft, rows: Sequence[Sequence[object]], layout: str) -> None:
    """Read a release's table that came as a sheet of an xlsx file.

    Args:
        draft: receives rows, counts and findings.
        rows: the sheet's rows, the header first.
        layout: as in `read_csv`.

    Example:
        >>> draft = Draft("mcs2023-quartz_salient.xlsx", "")
        >>> read_sheet(draft, [["DataSource", "Commodity", "Year", "Exports_kg"], ["MCS2023", "Quartz", 2018.0, "W"]],
        ...            "usgs_mcs_salient")
        >>> draft.rows[0].status
        'withheld'
    """
    header = tuple(_cell_text(cell) for cell in rows[0])
    names = [normalise_name(name) for name in header]
    records = []
    for number, cells in enumerate(rows[1:], start=2):
        texts = [_cell_text(cell) for cell in cells]
        draft.rows_in += 1
        if not any(text.strip() for text in texts):
            draft.reject(number, "blank row")
            continue
        records.append(Record(number, {name: text for name, text in zip(names, texts, strict=False) if name}))
    read_table(draft, header, records, layout)


def read_table(draft: Draft, header: Sequence[str], records: Iterable[Record], layout: str) -> None:
    """Read a table of a release, whatever container it came in.

    Args:
        draft: receives rows, counts and findings.
        header: column names as written.
        records: the data rows.
        layout: as in `read_csv`.

    Example:
        >>> draft = Draft("t.csv", "")
        >>> read_table(draft, ("DataSource", "Commodity", "Year", "NIR_pct"), [], "usgs_mcs_salient")
        >>> draft.format
        'usgs_mcs'
    """
    draft.format = FORMAT
    draft.dialect = layout.removeprefix("usgs_mcs_")
    if layout == "usgs_mcs_2026":
        _read_long(draft, records)
    else:
        first = list(records)
        _read_wide(draft, header, first, salient=layout == "usgs_mcs_salient")
    _mark_repeated_keys(draft)


def corrections() -> tuple[Correction, ...]:
    """Return the cells that USGS corrected after the data files were posted.

    Returns:
        The corrections kept with oreflow, from the version histories of the releases.

    Example:
        >>> [item.corrected for item in corrections() if item.country == "Brazil"]
        ['11000000']
    """
    return _corrections()


@cache
def _corrections() -> tuple[Correction, ...]:
    text = (resources.files("oreflow.facts") / "data" / "usgs_corrections.csv").read_text(encoding="utf-8")
    return tuple(Correction(**row) for row in csv.DictReader(text.splitlines()))


def _read_wide(draft: Draft, header: Sequence[str], records: list[Record], *, salient: bool) -> None:
    columns, ignored = _columns(header, salient=salient)
    for name in ignored:
        draft.notice(1, name, f"the column {name!r}", "a known column", "nothing: its cells are not read")
    named = _TITLES.get((re.search(r"mcs\d{4}-([a-z]+)_", draft.file.casefold()) or [None, ""])[1] or "", "")
    commodity_column = any(normalise_name(name) == "commodity" for name in header)
    missing_commodity = False
    for record in records:
        release = re.fullmatch(r"mcs\s*((?:19|20)\d\d)", record.get("source", "datasource").casefold())
        if release is None:
            draft.reject(record.row, "release not readable", record.get("source", "datasource"))
            draft.problem(
                record.row,
                "Source",
                repr(record.get("source", "datasource"))[:40],
                "as MCS2024",
                "the row is damaged or its cells are shifted: download again",
            )
            continue
        draft.vintage = release.group(1)
        kind = " ".join(record.get("type").split())
        commodity, flags = record.get("commodity").strip(), []
        if not commodity:
            commodity = _commodity_in(kind)
            if not commodity and named:
                commodity, flags = named, ["commodity_from_file_name"]
            if not commodity and not commodity_column:
                missing_commodity = True
                flags = ["commodity_not_named"]
        year = record.get("year").removesuffix(".0")
        if salient and not re.fullmatch(r"(?:19|20)\d\d", year):
            draft.reject(record.row, "year not readable", year)
            draft.problem(record.row, "Year", repr(year)[:40], "a year", "the row is damaged: download again")
            continue
        country = "United States" if salient else record.get("country")
        if not country:
            draft.reject(record.row, "no country", kind)
            draft.problem(record.row, "Country", "nothing", "a country", "the row is damaged: download again")
            continue
        rows = _wide_rows(draft, record, columns, (release.group(1), commodity, kind, country, year, tuple(flags)))
        if rows is not None and not rows:
            draft.reject(record.row, "no known column of values", ", ".join(header)[:60])
        elif rows is not None:
            draft.used += 1
            draft.rows.extend(rows)
    if missing_commodity:
        draft.problem(
            None,
            "Type",
            "a table that does not name its commodity",
            "the commodity in Type or in the file's name",
            "keep the name that USGS gave the file, as mcs2024-galli_world.csv",
        )


def _wide_rows(
    draft: Draft, record: Record, columns: list[_Column], about: tuple[str, str, str, str, str, tuple[str, ...]]
) -> list[CanonicalRow] | None:
    release, commodity, kind, country, year, flags = about
    area = area_by_name(country)
    unit_text = " ".join(record.get("unitmeas").split()).casefold()
    row_unit = _UNITS.get(unit_text, "")
    rows = []
    for column in columns:
        unit = column.unit or row_unit
        detail = f"{kind}; {column.detail}" if kind and column.detail else kind or column.detail
        own_flags = [*flags, *column.flags, *area.flags]
        note = record.get(*_NOTES.get(column.measure, ("",)))
        reading = read_usgs(
            record.cells.get(column.key, ""), percent=unit == "%", net_imports=column.flow == "net import reliance"
        )
        if column.measure == "reserves" and reading == _BLANK_READING:
            said = read_usgs(note.strip()) if note.strip() else None
            if said is not None and said.value is None:
                reading = said
        if reading is None:
            found = record.cells.get(column.key, "").strip()
            draft.reject(record.row, "value not readable", f"{column.name}: {found}")
            draft.problem(
                record.row,
                column.name,
                repr(found)[:60],
                "a number or a USGS mark (NA, W, E, s, XX, —, >n)",
                "the row is damaged or shifted: download again",
            )
            return None
        if not unit and reading.status == "reported" and reading.value:
            if not unit_text and any(normalise_name(name) == "unitmeas" for name in record.cells):
                draft.reject(record.row, "no unit in the source", f"{commodity}, {country}")
                draft.notice(record.row, "UNIT_MEAS", "nothing", "a unit", "nothing: the row is left out")
                return None
            found = unit_text or column.name
            draft.reject(record.row, "unknown unit", found)
            draft.problem(record.row, column.name, repr(found)[:60], "a known unit", "report the unit to oreflow")
            return None
        if column.measure == "reserves" and "million metric tons" in note.casefold():
            unit, own_flags = "Mt", [*own_flags, "unit_from_notes"]
        if column.measure == "reserves" and "thousand metric tons" in note.casefold():
            unit, own_flags = "kt", [*own_flags, "unit_from_notes"]
        basis, basis_flags = _basis(commodity, detail, unit, column.measure)
        estimated = column.estimated or "estimated" in note.casefold()
        rows.append(
            _row(
                draft,
                record.row,
                column.name,
                release,
                reading,
                estimated=estimated,
                area_id=area.id,
                country=country,
                flow=column.flow,
                commodity=commodity,
                detail=detail,
                year=column.year or year,
                measure=column.measure,
                unit=unit,
                basis=basis,
                note=note,
                flags=join_flags(own_flags, basis_flags),
            )
        )
    return rows


_NOTES = {"production": ("prodnotes",), "capacity": ("capnotes",), "reserves": ("reservesnotes", "reservenotes")}


def _columns(header: Sequence[str], *, salient: bool) -> tuple[list[_Column], list[str]]:
    columns: list[_Column] = []
    ignored = []
    lost = salient and any(re.search(r"[a-z]kg$|[a-z]dkg$", name) and "_kg" not in name for name in header)
    for name in header:
        plain = name.strip().strip("\ufeff")
        low = plain.casefold()
        key = normalise_name(name)
        known = {"source", "datasource", "country", "type", "commodity", "year", "unitmeas"}
        if not plain or key in known or key.endswith("notes"):
            continue
        column = _salient_column(plain, key, lost_kg=lost) if salient else _world_column(plain, low, key)
        if column is None:
            ignored.append(plain)
        else:
            columns.append(column)
    return columns, ignored


def _world_column(plain: str, low: str, key: str) -> _Column | None:
    for pattern, measure in ((_PRODUCTION, "production"), (_CAPACITY, "capacity")):
        found = pattern.match(low)
        if found is not None:
            unit = _SUFFIX_UNITS.get(found.group(1) or "", "")
            words = {found.group(1), found.group(2)}
            estimated = "est" in words
            return _Column(plain, key, measure, measure, unit, found.group(3), estimated)
    found = _RESERVES.match(low)
    if found is not None:
        return _Column(
            plain,
            key,
            "reserves",
            "reserves",
            _SUFFIX_UNITS.get(found.group(1) or "", ""),
            found.group(2) or "",
            estimated=False,
        )
    return None


def _salient_column(plain: str, key: str, *, lost_kg: bool) -> _Column | None:
    stem, _, rest = plain.partition("_")
    meaning = _STEMS.get(stem.casefold())
    if meaning is None:
        return None
    flow, measure = meaning
    detail, _, suffix = rest.rpartition("_")
    flags: tuple[str, ...] = ()
    unit = _SUFFIX_UNITS.get(suffix.casefold(), "")
    if measure == "share":
        if suffix.casefold() != "pct":
            flags = ("unit_from_column_stem",)
        if not unit and suffix.casefold() not in {"ct", "t", ""}:
            detail = rest
        unit = "%"
    elif measure == "employment":
        unit, flags = "person", () if suffix.casefold() == "num" else ("unit_from_column_stem",)
    elif measure == "price" and unit == "t":
        unit, flags = "USD/t", ("unit_from_column_stem",)
    elif lost_kg and unit == "g":
        unit, flags = "kg", ("unit_from_column_stem",)
    elif not unit:
        glued = re.fullmatch(r"(.*?)(dkg|dt|kg|kt|t)", suffix)
        detail = rest
        if glued is not None:
            unit, detail = (
                _SUFFIX_UNITS[glued.group(2)],
                "_".join(part for part in (detail[: -len(suffix)].strip("_"), glued.group(1)) if part),
            )
        elif measure == "stock" and not suffix:
            unit, detail = "t", ""
        flags = ("unit_from_column_stem",)
    return _Column(plain, key, flow, measure, unit, "", estimated=False, detail=detail.replace("_", " "), flags=flags)


def _commodity_in(kind: str) -> str:
    low = kind.casefold()
    for word, name in (
        ("rare earth", "Rare earths"), ("rare-earth", "Rare earths"), ("cobalt", "Cobalt"), ("lithium", "Lithium"),
        ("graphite", "Graphite"), ("manganese", "Manganese"), ("tungsten", "Tungsten"), ("palladium", "Palladium"),
        ("platinum", "Platinum"), ("nickel", "Nickel"), ("gallium", "Gallium"), ("germanium", "Germanium"),
    ):  # fmt: skip
        if word in low:
            return name
    return ""


def _read_long(draft: Draft, records: Iterable[Record]) -> None:
    draft.vintage = "2026"
    fixes = {
        (item.commodity.casefold(), item.country, item.statistic.casefold(), item.year): item
        for item in corrections()
        if item.release == "2026"
    }
    for record in records:
        row = _long_row(draft, record)
        if row is None:
            continue
        draft.used += 1
        fix = fixes.get((row.product.casefold(), row.reporter_code, row.flow.casefold(), row.period))
        if fix is None:
            draft.rows.append(row)
            continue
        draft.rows.append(replace(row, flags=join_flags(row.flags.split(";"), ("superseded_by_correction",))))
        corrected = read_usgs(fix.corrected)
        if corrected is not None:
            draft.rows.append(
                replace(
                    row,
                    vintage=f"2026 corrected {fix.posted}",
                    value=corrected.value,
                    lower=corrected.lower,
                    upper=corrected.upper,
                    comparator=corrected.comparator,
                    published=fix.posted,
                    flags=join_flags(row.flags.split(";"), ("corrected_by_source",)),
                    note=fix.reference,
                )
            )
            draft.notice(
                record.row,
                "Value",
                f"{fix.printed}, which USGS corrected to {fix.corrected} on {fix.posted}",
                "the corrected value",
                "nothing: both stand in the table, flagged",
            )


_STATISTICS: dict[str, tuple[str, str]] = {
    "production": ("production", "production"), "import": ("import", "quantity"), "export": ("export", "quantity"),
    "consumption": ("consumption", "quantity"), "price": ("price", "price"), "reserves": ("reserves", "reserves"),
    "employment": ("employment", "employment"), "stock": ("stock", "stock"), "shipment": ("shipment", "quantity"),
    "net import reliance": ("net import reliance", "share"), "capacity": ("capacity", "capacity"),
    "sold or used": ("shipment", "quantity"), "sales": ("shipment", "quantity"), "sold": ("shipment", "quantity"),
    "supply": ("supply", "quantity"),
}  # fmt: skip


def _long_row(draft: Draft, record: Record) -> CanonicalRow | None:
    def reject(column: str, found: str, expected: str, reason: str) -> CanonicalRow | None:
        draft.reject(record.row, reason, found)
        draft.problem(record.row, column, repr(found)[:60], expected, "the row is damaged or shifted: download again")
        return None

    statistic = " ".join(record.get("statistics").split()).casefold()
    sources = re.fullmatch(r"import sources (\d{4})\D(\d{4})", statistic)
    meaning = ("import source", "share") if sources else _STATISTICS.get(statistic)
    if meaning is None:
        return reject("Statistics", record.get("statistics"), "a known statistic", "unknown statistic")
    years = re.fullmatch(r"((?:19|20)\d\d)(?:[\u2013-](\d\d))?", record.get("year"))
    if years is None:
        return reject("Year", record.get("year"), "a year or a span as 2021–24", "year not readable")
    period = years.group(1) if not years.group(2) else f"{years.group(1)}/{years.group(1)[:2]}{years.group(2)}"
    raw_unit = " ".join(record.get("unit").split()).casefold()
    unit = _UNITS.get(raw_unit, "")
    reading = read_usgs(
        record.cells.get("value", ""), percent=unit == "%", net_imports=meaning[0] == "net import reliance"
    )
    if reading is None:
        return reject(
            "Value", record.get("value"), "a number or a USGS mark (NA, W, E, s, XX, —, >n)", "value not readable"
        )
    if not unit and (raw_unit or reading.value is not None):
        return reject("Unit", raw_unit, "a known unit", "unknown unit")
    flags: list[str] = []
    note, other = record.get("notes"), record.get("othernotes")
    critical = record.get("iscriticalmineral2025")
    if critical not in {"Yes", "No", ""}:
        flags.append("notes_shifted_in_source")
        note = ""
        draft.notice(
            record.row,
            "Is critical mineral 2025",
            repr(critical)[:40],
            "Yes or No",
            "nothing: the row's notes are one cell off in the source and are left out",
        )
    country = record.get("country")
    area = area_by_name(country)
    detail = " ".join(record.get("statisticsdetail").split())
    chapter, commodity = record.get("mcschapter"), record.get("commodity")
    product = commodity or chapter
    chapter_section = "; ".join(part for part in (chapter, " ".join(record.get("section").split())) if part)
    if chapter.casefold() == "rare earths (heavy)":
        flags.append("chapter_rare_earths_heavy")
    basis, basis_flags = _basis(f"{chapter} {commodity}", f"{detail} {record.get('section')} {other}", unit, meaning[1])
    return _row(
        draft,
        record.row,
        "Value",
        "2026",
        reading,
        estimated=note.casefold().startswith("estimated"),
        area_id=area.id,
        country=country,
        flow=meaning[0],
        commodity=product,
        detail=detail,
        year=period,
        measure=meaning[1],
        unit=unit,
        basis=basis,
        note=note,
        flags=join_flags(flags, area.flags, basis_flags),
        sheet=chapter_section,
    )


def _row(
    draft: Draft,
    row: int,
    column: str,
    release: str,
    reading: Reading,
    *,
    estimated: bool,
    area_id: str,
    country: str,
    flow: str,
    commodity: str,
    detail: str,
    year: str,
    measure: str,
    unit: str,
    basis: str,
    note: str,
    flags: str,
    sheet: str = "",
) -> CanonicalRow:
    if measure == "reserves" and not year:
        year = str(int(release) - 1)
    status = "estimated" if estimated and reading.status == "reported" else reading.status
    derived = "China's reported imports" if "reported import data for china" in note.casefold() else ""
    valuation = "FOB" if measure == "price" and "free on board" in note.casefold() else ""
    extra = ["rounded_total"] if area_id == "WLD" else []
    if "quota" in note.casefold():
        extra.append("production_quota")
    partner = area_id if flow == "import source" else ""
    reporter = "USA" if flow == "import source" else area_id
    return CanonicalRow(
        SOURCE,
        release,
        reporter,
        partner,
        flow,
        commodity,
        "USGS",
        detail,
        year,
        measure,
        reading.value,
        reading.lower,
        reading.upper,
        reading.comparator,
        unit,
        basis,
        valuation,
        status,
        join_flags(flags.split(";"), reading.flags, extra),
        country.strip(),
        country.strip() if partner else "",
        derived,
        " ".join(note.split()),
        PUBLISHED.get(release, ""),
        draft.sha256,
        sheet,
        row,
        column,
    )


_MASS = frozenset({"t", "kt", "Mt", "kg", "g"})


def _basis(commodity: str, text: str, unit: str, measure: str) -> tuple[str, tuple[str, ...]]:
    """Return the basis that a mass (or a price per mass) is stated in, by the words around it."""
    if unit not in _MASS or measure in {"price", "share", "employment"}:
        return "", ()
    low = f"{commodity} {text}".casefold()
    if "gross weight" in text.casefold():
        return "gross", ()
    if "rare-earth-oxide" in low or "reo)" in low or "rare earth" in low or "rare-earth" in low:
        return "REO", () if "oxide" in low or "reo" in low else ("basis_assumed",)
    if re.search(r"\b(?:y2o3|k2o|zro2|wo3|v2o5|li2o|cr2o3|tio2|b2o3|p2o5)\b|oxide (?:content|equivalent)", low):
        return "oxide", ()
    if "content" in low or "contained" in low:
        return "metal", ()
    return "gross", ("basis_assumed",)


def _mark_repeated_keys(draft: Draft) -> None:
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(draft.rows):
        key = (
            row.vintage,
            row.sheet,
            row.reporter,
            row.partner,
            row.reporter_code,
            row.flow,
            row.product,
            row.product_name,
            row.period,
            row.measure,
            row.unit,
        )
        groups[key].append(index)
    repeated = [indices for indices in groups.values() if len(indices) > 1]
    for index in chain.from_iterable(repeated):
        row = draft.rows[index]
        draft.rows[index] = replace(row, flags=join_flags(row.flags.split(";"), ("key_repeated_in_source",)))
    if repeated:
        first = draft.rows[repeated[0][0]]
        again = draft.rows[repeated[0][1]]
        draft.notice(
            again.row,
            again.column,
            f"{len(repeated)} keys more than once, as {first.product}, {first.product_name}, "
            f"{first.period} in rows {first.row} and {again.row}",
            "each key once",
            "nothing: the source tells them apart nowhere; all are kept, flagged key_repeated_in_source",
        )


def _cell_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)
