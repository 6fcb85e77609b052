"""From canonical rows to claims and sources, appended to a case's tables without touching what stands there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from oreflow.core.errors import CaseError, Problem
from oreflow.core.files import write_atomically
from oreflow.core.units import UnitError, currencies_in, parse_unit
from oreflow.facts.areas import area_by_iso
from oreflow.facts.claim import Grade, Source
from oreflow.facts.readers.canonical import CanonicalRow, ReadResult, iter_rows

if TYPE_CHECKING:
    import polars as pl

CLAIM_COLUMNS = (
    "id", "subject", "place", "commodity", "element", "period", "value", "low", "high", "unit", "basis", "source",
    "locator", "read_via", "grade", "attribution", "derived_from", "stems_from", "vintage", "published", "note",
)  # fmt: skip
SOURCE_COLUMNS = ("id", "publisher", "title", "date", "url", "doi", "accessed", "licence", "citation")

MAX_CLAIMS = 30_000
"""Claims that one import adds at most: a case's tables are meant to be read by people."""

MAX_TABLE_BYTES = 20_000_000
"""Largest table of a case; a larger one would not be read back."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is known of a format's publisher, for the row of sources.csv; `grade` is that of its claims."""

    prefix: str
    publisher: str
    title: str
    url: str
    licence: str
    grade: Grade
    doi: str = ""


PROVENANCE: dict[str, Provenance] = {
    "comtrade_api": Provenance("COMTRADE", "United Nations Statistics Division", "UN Comtrade",
                               "https://comtradeplus.un.org", "UN terms: no re-dissemination without permission", "A"),
    "comtrade_legacy": Provenance("COMTRADE", "United Nations Statistics Division", "UN Comtrade (before 2023)",
                                  "https://comtrade.un.org", "UN terms: no re-dissemination without permission", "A"),
    "baci": Provenance("BACI", "CEPII", "BACI: international trade database at the product level",
                       "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37", "Etalab 2.0", "B"),
    "usgs_mcs": Provenance("USGS_MCS", "U.S. Geological Survey", "Mineral Commodity Summaries, data release",
                           "https://www.usgs.gov/centers/national-minerals-information-center", "public domain", "A"),
    "usgs_myb": Provenance("USGS_MYB", "U.S. Geological Survey", "Minerals Yearbook, tables",
                           "https://www.usgs.gov/centers/national-minerals-information-center", "public domain", "A"),
    "usgs_ds140": Provenance("USGS_DS140", "U.S. Geological Survey", "Data Series 140: historical statistics",
                             "https://www.usgs.gov/centers/national-minerals-information-center", "public domain", "A"),
    "bgs_wms": Provenance("BGS_WMS", "British Geological Survey", "World Mineral Statistics",
                          "https://ogcapi.bgs.ac.uk/collections/world-mineral-statistics", "UKRI, with acknowledgement",
                          "A"),
    "usitc_dataweb": Provenance("DATAWEB", "U.S. International Trade Commission", "DataWeb",
                                "https://dataweb.usitc.gov", "public domain", "A"),
    "wgi": Provenance("WGI", "World Bank", "Worldwide Governance Indicators", "https://www.govindicators.org",
                      "CC BY 4.0", "B"),
    "comext": Provenance("COMEXT", "Eurostat", "Comext bulk data", "https://ec.europa.eu/eurostat/comext",
                         "Eurostat: reuse with source", "A"),
    "china_customs": Provenance("GACC", "General Administration of Customs of China",
                                "Customs statistics, online query", "http://stats.customs.gov.cn", "as published", "A"),
}  # fmt: skip

_POUND = 0.45359237
_CONVERSIONS: dict[str, tuple[float, str]] = {
    "kUSD": (1e3, "USD"), "MUSD": (1e6, "USD"), "USD/lb": (1 / _POUND, "USD/kg"), "USc/lb": (0.01 / _POUND, "USD/kg"),
    "USD/toz": (1 / 0.0311034768, "USD/kg"), "USD/g": (1e3, "USD/kg"), "USD/(10 g)": (1e2, "USD/kg"),
    "USD/(25 g)": (40.0, "USD/kg"), "USD/(50 g)": (20.0, "USD/kg"), "USD/short_ton": (1 / 0.90718474, "USD/t"),
    "score": (1.0, ""), "item": (1.0, ""), "person": (1.0, ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MoneyYears:
    """The years in which a case can turn money into USD of its money year: rates by currency, and US deflators."""

    money_year: int | None
    rates: frozenset[tuple[str, int]]
    deflators: frozenset[int]

    def covers(self, currency: str, year: int) -> bool:
        """Return whether an amount of that currency and year can stand in the case."""
        rated = currency == "USD" or (currency, year) in self.rates
        return rated and (year == self.money_year or {year, self.money_year} <= self.deflators)


@dataclass(frozen=True, slots=True)
class Batch:
    """The claims and sources that a file gives, and why other rows gave none (`skipped`, by reason)."""

    claims: tuple[Mapping[str, str], ...]
    sources: tuple[Source, ...]
    skipped: Mapping[str, int]


def read_money_years(folder: Path) -> MoneyYears:
    """Return the years of money that a case covers, from its case.yaml and money.csv.

    Args:
        folder: the case folder.

    Returns:
        Rates and deflators; none where the case has no money.csv.

    Raises:
        CaseError: case.yaml is no mapping.

    Example:
        >>> read_money_years(Path("my-case")).covers("USD", 2024)  # doctest: +SKIP
        True
    """
    import yaml

    try:
        settings = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        settings = error
    if not isinstance(settings, dict):
        found = "text that is no mapping"
        raise CaseError([Problem("case.yaml", None, None, found, "settings as `id: my-case`", "repair case.yaml")])
    stated = settings.get("money_year")
    rates: set[tuple[str, int]] = set()
    deflators: set[int] = set()
    if (folder / "money.csv").is_file():
        with open(folder / "money.csv", encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                year = (row.get("year") or "").strip()
                if year.isdigit() and len(year) == 4:
                    rates.add(((row.get("currency") or "").strip(), int(year)))
                    deflators |= {int(year)} if (row.get("deflator") or "").strip() else set()
    return MoneyYears(stated if isinstance(stated, int) else None, frozenset(rates), frozenset(deflators))


def claims_of(
    result: ReadResult,
    where: Mapping[str, str] | None = None,
    *,
    accessed: date | None = None,
    money: MoneyYears | None = None,
) -> Batch:
    """Return the claims that a read file gives.

    Rows without a number (missing, withheld, not applicable) and units that a case cannot hold give none and are
    counted. Bounds become low and high. Mass is carried in its unit and basis; compound units become USD, USD/kg, t.

    Args:
        result: a read file.
        where: column of the canonical table -> wanted: an exact value, for `product` a prefix, for `period` a year or
            `first-last`; rows that differ are counted as not selected.
        accessed: the day of reading, for sources.csv.
        money: the years of money that the case covers; amounts of other years give no claim; None for no limit.

    Returns:
        The rows of claims.csv as text by column, the sources, and the rows left out by reason.

    Raises:
        KeyError: `where` names a column that the table does not have.

    Example:
        >>> from oreflow.facts.readers.read import read_file
        >>> claims_of(read_file("no-such-file.csv")).claims
        ()
    """
    if result.format not in PROVENANCE or result.table.is_empty():
        return Batch((), (), {})
    provenance = PROVENANCE[result.format]
    table = result.table.with_row_index("_index")
    selected = _select(table, where or {})
    skipped: dict[str, int] = {}
    if selected.height < table.height:
        skipped["not selected"] = table.height - selected.height
    sources: dict[str, Source] = {}
    claims: list[Mapping[str, str]] = []
    indices = selected["_index"].to_list()
    for index, row in zip(indices, iter_rows(selected.drop("_index")), strict=True):
        if row.value is None and row.lower is None and row.upper is None:
            reason = f"without a number ({row.status})"
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        unit = _unit(row)
        if unit is None:
            reason = f"unit {row.unit} has no place in a case"
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        currency = next(iter(currencies_in(unit[1])), "")
        if money is not None and currency and not money.covers(currency, int(row.period[:4])):
            reason = f"{currency} of a year that the case's money.csv does not cover"
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        source = _source(provenance, row, accessed)
        sources.setdefault(source.id, source)
        ident = f"{provenance.prefix}-{result.sha256[:8]}-{index:05d}"
        claims.append(_claim(ident, row, unit, source.id, provenance, result))
    return Batch(tuple(claims), tuple(sources.values()), skipped)


def append_to_case(folder: Path, batches: Sequence[Batch]) -> tuple[int, int]:
    """Append claims and sources to the tables of a case; nothing that stands there is changed, and both or none are.

    A `datapackage.json` beside them gets the new sizes and hashes.

    Args:
        folder: the case folder, with its `case.yaml`.
        batches: what the files give.

    Returns:
        How many claims and how many sources were added; a source that the case has already is not added again.

    Raises:
        CaseError: a table of the case cannot be extended (columns missing, not UTF-8), claims are there already, or
            there are more than `MAX_CLAIMS`.
        OSError: a table cannot be written.

    Example:
        >>> append_to_case(Path("my-case"), [])  # doctest: +SKIP
        (0, 0)
    """
    claims = [claim for batch in batches for claim in batch.claims]
    sources = {source.id: source for batch in batches for source in batch.sources}
    if not claims:
        return 0, 0
    if len(claims) > MAX_CLAIMS:
        raise CaseError(
            [
                Problem(
                    "claims.csv",
                    None,
                    None,
                    f"{len(claims):,} claims to add",
                    f"at most {MAX_CLAIMS:,}",
                    "choose with --where, as --where product=2846 --where period=2020-2024",
                )
            ]
        )
    old_claims = _Table.open(folder / "claims.csv", CLAIM_COLUMNS)
    old_sources = _Table.open(folder / "sources.csv", SOURCE_COLUMNS)
    there = [claim["id"] for claim in claims if claim["id"] in old_claims.ids]
    if there:
        raise CaseError(
            [
                Problem(
                    "claims.csv",
                    None,
                    "id",
                    f"{len(there):,} of these claims already, as {there[0]}",
                    "a file that was not imported before",
                    "remove the old rows to import it again",
                )
            ]
        )
    fresh = [source for source in sources.values() if source.id not in old_sources.ids]
    new_sources = old_sources.extended([_source_cells(source) for source in fresh])
    new_claims = old_claims.extended(claims)
    if len(new_claims) > MAX_TABLE_BYTES:
        found = f"{len(new_claims):,} bytes with the claims to add"
        raise CaseError(
            [
                Problem(
                    "claims.csv",
                    None,
                    None,
                    found,
                    f"at most {MAX_TABLE_BYTES:,}",
                    "choose with --where, as --where product=2846 --where period=2020-2024",
                )
            ]
        )
    descriptor = _descriptor(folder, {"claims.csv": new_claims, "sources.csv": new_sources})
    write_atomically(folder / "sources.csv", new_sources)
    try:
        write_atomically(folder / "claims.csv", new_claims)
        if descriptor is not None:
            write_atomically(folder / "datapackage.json", descriptor)
    except BaseException:
        if old_sources.content is None:
            (folder / "sources.csv").unlink(missing_ok=True)
        else:
            write_atomically(folder / "sources.csv", old_sources.content)
        raise
    return len(claims), len(fresh)


def _descriptor(folder: Path, contents: Mapping[str, bytes]) -> str | None:
    """Return the case's datapackage.json with the new sizes and hashes, None where there is none that oreflow wrote."""
    path = folder / "datapackage.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        resources = described["resources"]
        for resource in resources:
            content = contents.get(resource["path"])
            if content is not None:
                resource["bytes"] = len(content)
                resource["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the case as it stands: its bytes, header, ids and line end; `content` is None where there is none."""

    content: bytes | None
    header: tuple[str, ...]
    ids: frozenset[str]
    line_end: str

    @staticmethod
    def open(path: Path, columns: tuple[str, ...]) -> _Table:
        if not path.exists():
            return _Table(None, columns, frozenset(), "\n")
        content = path.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = content[: error.start].count(b"\n") + 1
            problem = Problem(path.name, row, None, "bytes that are not UTF-8", "UTF-8", "save it as UTF-8")
            raise CaseError([problem]) from error
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            problem = Problem(path.name, None, None, str(error), "a CSV table", "repair the quoting")
            raise CaseError([problem]) from error
        if not rows:
            return _Table(None, columns, frozenset(), "\n")
        header = tuple(name.strip() for name in rows[0])
        missing = [name for name in columns if name not in header]
        if missing:
            raise CaseError(
                [
                    Problem(
                        path.name,
                        1,
                        missing[0],
                        f"a header without {', '.join(missing)}",
                        "the columns of docs/case-format.md",
                        "add the columns",
                    )
                ]
            )
        position = header.index("id")
        ids = frozenset(row[position] for row in rows[1:] if len(row) > position)
        return _Table(content, header, ids, "\r\n" if b"\r\n" in content[:4096] else "\n")

    def extended(self, rows: Iterable[Mapping[str, str]]) -> bytes:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, lineterminator=self.line_end)
        if self.content is None:
            writer.writerow(self.header)
        writer.writerows([row.get(name, "") for name in self.header] for row in rows)
        before = self.content or b""
        if before and not before.endswith(b"\n"):
            before += self.line_end.encode()
        return before + stream.getvalue().encode("utf-8")


def _select(table: pl.DataFrame, where: Mapping[str, str]) -> pl.DataFrame:
    import polars as pl

    for name, wanted in where.items():
        if name not in table.columns or name.startswith("_"):
            raise KeyError(name)
        text = pl.col(name).cast(pl.String)
        if name == "product":
            condition = text.str.starts_with(wanted)
        elif name == "period":
            first, _, last = wanted.partition("-")
            condition = text.str.slice(0, 4).is_between(pl.lit(first[:4]), pl.lit((last or first)[:4]))
        else:
            condition = text == wanted
        table = table.filter(condition)
    return table


def _unit(row: CanonicalRow) -> tuple[float, str, str] | None:
    """Return the factor, unit and basis in which a case holds a row, or None where it cannot."""
    factor, unit = _CONVERSIONS.get(row.unit, (1.0, row.unit))
    basis = row.basis
    if row.measure == "price" and not basis:
        words = f"{row.product} {row.product_name}".casefold()
        basis = "oxide" if re.search(r"oxide|o[2-9]\b", words) else "metal" if "metal" in words else "gross"
    try:
        parse_unit(unit, basis)
    except UnitError:
        return None
    return factor, unit, basis if re.search(r"\b(?:t|kg|g|kt|Mt)\b", unit) else ""


def _claim(
    ident: str, row: CanonicalRow, unit: tuple[float, str, str], source: str, provenance: Provenance, result: ReadResult
) -> dict[str, str]:
    factor, unit_text, basis = unit
    reporter, partner = _name(row.reporter, row.reporter_code), _name(row.partner, row.partner_code)
    outward = row.flow in {"export", "re-export", "domestic export"}
    place = reporter if not partner else f"{reporter}->{partner}" if outward else f"{partner}->{reporter}"
    nomenclature = f" ({row.revision})" if row.product and row.revision not in {"USGS", "BGS", "WGI", "element"} else ""
    code = f"HS {row.product}" if row.revision[:1] == "H" or row.revision in {"CN", "CN tariff"} else row.product
    measure = "" if row.measure in row.flow or row.measure == "quantity" else f", {row.measure.replace('_', ' ')}"
    valued = f", {row.valuation}" if row.valuation else ""
    detail = f"; {row.product_name}" if row.product_name and len(row.product_name) <= 120 else ""
    words = {"import": "imports", "export": "exports"}
    flow = f"{reporter} {words.get(row.flow, row.flow)}" if partner else words.get(row.flow, row.flow)
    subject = f"{flow} {code}{nomenclature}{measure}{valued}{detail}"
    name = result.file.replace("\\", "/").rsplit("/", 1)[-1]
    where = f"sheet {row.sheet}, " if row.sheet else ""
    remarks = [
        f"status {row.status}" if row.status != "reported" else "",
        f"flags {row.flags.replace(';', ', ')}" if row.flags else "",
        f"computed by the source from {row.derived_from}" if row.derived_from else "",
        row.note[:300],
    ]
    cells = {
        "id": ident,
        "subject": subject,
        "place": place,
        "element": row.product if row.revision == "element" else "",
        "period": row.period,
        "value": _number(row.value, factor),
        "low": _number(row.lower, factor),
        "high": _number(row.upper, factor),
        "unit": unit_text,
        "basis": basis,
        "source": source,
        "locator": f"{name}, {where}row {row.row}, column {row.column}; sha256 {row.file_sha256[:16]}",
        "read_via": "original",
        "grade": provenance.grade,
        "attribution": "official statistics" if provenance.grade == "A" else "published data set",
        "vintage": row.vintage,
        "published": row.published,
        "note": "; ".join(remark for remark in remarks if remark),
    }
    return {column: _safe(text) if column in _TEXTS else text for column, text in cells.items()}


_TEXTS = frozenset({"subject", "place", "locator", "vintage", "note"})


def _safe(text: str) -> str:
    """Return text that a spreadsheet does not take for a formula, without control characters."""
    clean = "".join(mark if mark.isprintable() else " " for mark in text)
    return f"'{clean}" if clean[:1] in {"=", "+", "-", "@"} else clean


def _number(value: float | None, factor: float) -> str:
    return "" if value is None else repr(round(value * factor, 12)).removesuffix(".0")


def _name(area: str, raw: str) -> str:
    if not area:
        return ""
    found = area_by_iso(area)
    return found.name if found.kind != "unknown" else raw or area


def _source(provenance: Provenance, row: CanonicalRow, accessed: date | None) -> Source:
    from oreflow.facts.readers.usgs_mcs import DOIS

    vintage = re.sub(r"[^A-Za-z0-9]+", "_", row.vintage).strip("_")
    ident = "_".join(part for part in (provenance.prefix, vintage) if part)
    doi = DOIS.get(row.vintage[:4], "") if provenance.prefix == "USGS_MCS" else provenance.doi
    return Source(
        id=ident, publisher=provenance.publisher, title=f"{provenance.title}, {row.vintage}".rstrip(", "),
        date=row.published, url=provenance.url, doi=doi, accessed=accessed.isoformat() if accessed else "",
        licence=provenance.licence,
    )  # fmt: skip


def _source_cells(source: Source) -> dict[str, str]:
    return {name: _safe(str(getattr(source, name))) for name in SOURCE_COLUMNS}
