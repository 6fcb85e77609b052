"""UN Comtrade's reference lists: areas, and the publication metadata that decide valuation and partner basis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.facts.areas import area_by_code
from oreflow.facts.readers.canonical import Draft
from oreflow.facts.readers.comtrade import Publication
from oreflow.facts.readers.delimited import read_records

if TYPE_CHECKING:
    import polars as pl


def read_areas(draft: Draft, text: str, delimiter: str) -> None:
    r"""Read Comtrade's list of partner areas as a reference.

    Args:
        draft: receives the reference and the counts.
        text: the whole file.
        delimiter: the mark between cells.

    Example:
        >>> draft = Draft("areas.csv", "")
        >>> read_areas(draft, "PartnerCode,PartnerDesc,isGroup\n899,\"Areas, nes\",False\n", ",")
        >>> draft.reference["kind"].to_list()
        ['unallocated']
    """
    import polars as pl

    _, rows = read_records(draft, text, delimiter)
    draft.format, draft.dialect, draft.vintage = "comtrade_areas", "CSV", "as downloaded"
    kept: dict[str, dict[str, str]] = {}
    for record in rows:
        code = record.get("partnercode", "id")
        if not code.isdigit():
            draft.reject(record.row, "code not readable", code)
            draft.problem(record.row, "PartnerCode", repr(code)[:40], "a numeric code", "download again")
        elif code in kept:
            draft.reject(record.row, "duplicate key", code)
            draft.problem(record.row, "PartnerCode", f"{code} again", "each code once", "download again")
        else:
            area = area_by_code(code)
            kept[code] = {
                "code": code, "name": record.get("partnerdesc", "text"), "iso3": record.get("partnercodeisoalpha3"),
                "area": area.id, "kind": area.kind,
            }  # fmt: skip
    draft.used = len(kept)
    draft.reference = pl.DataFrame(
        list(kept.values()), schema=dict.fromkeys(("code", "name", "iso3", "area", "kind"), pl.String)
    )


def read_metadata(draft: Draft, payload: object) -> None:
    """Read a `getMetadata` response: per reporter and year the valuation, trade system and date of publication.

    Args:
        draft: receives the reference and the counts.
        payload: the parsed JSON.

    Example:
        >>> draft = Draft("m.json", "")
        >>> read_metadata(draft, {"count": 1, "data": [{"reporterCode": 156, "period": 2023, "notes": [
        ...     {"importValuation": "CIF", "exportValuation": "FOB", "publicationDateShort": "2024-05-01"}]}]})
        >>> publications(draft.reference)[("156", "2023")].import_valuation
        'CIF'
    """
    import polars as pl

    data = payload.get("data") if isinstance(payload, dict) else None
    items = data if isinstance(data, list) else []
    draft.format, draft.dialect, draft.rows_in = "comtrade_metadata", "JSON envelope", len(items)
    count = payload.get("count") if isinstance(payload, dict) else None
    if isinstance(count, int) and count != len(items):
        found = f"count {count:,} and {len(items):,} records"
        draft.problem(None, "count", found, "as many as counted", "download again")
    kept = []
    for number, item in enumerate(items, start=1):
        notes = item.get("notes") if isinstance(item, dict) else None
        note = notes[0] if isinstance(notes, list) and notes else None
        if not isinstance(item, dict) or not isinstance(note, dict):
            draft.reject(number, "no notes", item)
            draft.problem(number, "notes", "no notes", "an object", "download again")
            continue
        kept.append(
            {
                "reporter": str(item.get("reporterCode", "")),
                "period": str(item.get("period", ""))[:6],
                "import_valuation": str(note.get("importValuation") or ""),
                "export_valuation": str(note.get("exportValuation") or ""),
                "trade_system": str(note.get("tradeSystem") or ""),
                "import_partner": str(note.get("importPartnerCountry") or ""),
                "export_partner": str(note.get("exportPartnerCountry") or ""),
                "published": str(note.get("publicationDateShort") or note.get("publicationDate") or "")[:10],
            }
        )
    draft.used = len(kept)
    draft.vintage = max((row["published"] for row in kept), default="")
    names = (
        "reporter",
        "period",
        "import_valuation",
        "export_valuation",
        "trade_system",
        "import_partner",
        "export_partner",
        "published",
    )
    draft.reference = pl.DataFrame(kept, schema=dict.fromkeys(names, pl.String))


def publications(reference: pl.DataFrame) -> dict[tuple[str, str], Publication]:
    """Return what a metadata reference says, by reporter code and period.

    Args:
        reference: as `read_metadata` leaves it.

    Returns:
        (reporter code, year or year-month) -> publication; the last publication of a period counts.

    Example:
        >>> import polars as pl
        >>> publications(pl.DataFrame(schema={"reporter": pl.String}))
        {}
    """
    found: dict[tuple[str, str], Publication] = {}
    for row in reference.iter_rows(named=True):
        key = (row["reporter"], row["period"])
        made = Publication(row["import_valuation"], row["export_valuation"], row["trade_system"], row["published"])
        if key not in found or found[key].published <= made.published:
            found[key] = made
    return found
