"""Countries and areas as trade and mineral statistics write them: an own table, since their codes are not ISO's.

UN Comtrade and BACI write 251 for France, 699 for India, 490 "Other Asia, nes" where Taiwan would stand, and keep areas
"nes" that close the World total. Sources: UN Comtrade partner and reporter references, CEPII BACI country files,
ISO 3166-1, and the names printed by USGS, BGS, USITC, the World Bank and China's customs.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

WORLD = "WLD"
"""Id of the World total."""

OTHER = "OTH"
"""Id of a residual row ("Other countries"), never a country."""

TAIWAN_CODE = "490"
"""Comtrade's "Other Asia, nes", read as Taiwan by assumption."""


@dataclass(frozen=True, slots=True)
class Area:
    """A country or area: `id` is ISO 3166 alpha-3 where there is one; `kind` says what it is.

    `kind` is country, former, customs_union, unallocated (an area "nes", bunkers, free zones), group, world, residual
    or unknown; `flags` are what a reader must carry along (`taiwan_assumed`, `unallocated`, `code_outside_validity`).
    """

    id: str
    name: str
    kind: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    code: str
    id: str
    name: str
    iso2: str
    kind: str
    first: int | None
    last: int | None


_QUALIFIER = re.compile(r"\s*\((?!Kinshasa|Brazzaville|Burma|former|Rep|U\.S)[^()]*\)\s*$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def area_by_code(code: str, year: int | None = None) -> Area:
    """Return the area of a Comtrade or BACI numeric code.

    Args:
        code: the number as text; leading zeros and blanks are ignored.
        year: calendar year of the observation; a code used outside its years of validity is flagged.

    Returns:
        The area; kind `unknown` with id `code:<code>` where the table has no such code.

    Example:
        >>> area_by_code("490").id, area_by_code("490").flags
        ('TWN', ('taiwan_assumed',))
        >>> area_by_code("251").id, area_by_code("899").kind
        ('FRA', 'unallocated')
    """
    text = code.strip()
    key = text.lstrip("0") or ("0" if text else "")
    entry = _tables().by_code.get(key)
    if entry is None:
        return Area(f"code:{text}", text, "unknown", ("area_unknown",))
    return _area(entry, year, assumed=key == TAIWAN_CODE)


@lru_cache(maxsize=4096)
def area_by_iso(code: str) -> Area:
    """Return the area of an alpha-3 or alpha-2 code, with the older codes of the World Bank, CEPII and the UN.

    Args:
        code: as `MMR`, `MM`, `ROM`, `_X ` (blanks are ignored).

    Returns:
        The area; kind `unknown` where the table has no such code.

    Example:
        >>> area_by_iso("ZAR").id, area_by_iso("W00").kind
        ('COD', 'world')
    """
    tables = _tables()
    key = code.strip().upper()
    entry = tables.by_id.get(tables.iso_aliases.get(key, key)) or tables.by_iso2.get(key)
    if entry is None:
        return Area(f"code:{key}", key, "unknown", ("area_unknown",))
    return _area(entry, None, assumed=key == "S19")


@lru_cache(maxsize=4096)
def area_by_name(name: str) -> Area:
    """Return the area of a printed name; blanks, glued footnote marks and a bracketed product note are taken off.

    Args:
        name: as USGS, BGS, USITC or the World Bank print it, as `Burma`, `Bhutan9`, `Korea, Republic ofe`.

    Returns:
        The area; kind `residual` for "Other countries", `unknown` where the table has no such name.

    Example:
        >>> area_by_name("Burma ").id, area_by_name("New Caledonia11").id, area_by_name("Thailande, 5").id
        ('MMR', 'NCL', 'THA')
        >>> area_by_name("World total (rounded) 10").kind, area_by_name("Other Countries").kind
        ('world', 'residual')
    """
    tables = _tables()
    clean = " ".join(name.replace("\u00a0", " ").split())
    for candidate in _spellings(clean):
        key = _fold(candidate)
        if key.startswith(("world total", "total world", "world mine")) or key in {"total", "world", "world total:"}:
            return Area(WORLD, "World", "world", ())
        if key.startswith(("other countr", "other,")) or key == "other":
            return Area(OTHER, "Other countries", "residual", ("residual",))
        entry = tables.by_name.get(key)
        if entry is not None:
            return _area(entry, None, assumed=key in {"other asia", "other asia, nes"})
    return Area(f"name:{clean}", clean, "unknown", ("area_unknown",))


def area_ids() -> frozenset[str]:
    """Return the ids that the table knows, World and areas "nes" included.

    Returns:
        The ids, as `MMR`.

    Example:
        >>> "MMR" in area_ids()
        True
    """
    return frozenset(_tables().by_id)


def numeric_area_table() -> dict[str, Area]:
    """Return every numeric code with its area, for readers that map whole columns.

    Returns:
        Code without leading zeros -> area.

    Example:
        >>> numeric_area_table()["104"].id
        'MMR'
    """
    return {code: area_by_code(code) for code in _tables().by_code}


@dataclass(frozen=True, slots=True)
class _Tables:
    by_code: dict[str, _Entry]
    by_id: dict[str, _Entry]
    by_iso2: dict[str, _Entry]
    by_name: dict[str, _Entry]
    iso_aliases: dict[str, str]


@cache
def _tables() -> _Tables:
    data = resources.files("oreflow.facts") / "data"
    entries = [
        _Entry(
            row["code"],
            row["id"],
            row["name"],
            row["iso2"],
            row["kind"],
            int(row["from"]) if row["from"] else None,
            int(row["to"]) if row["to"] else None,
        )
        for row in csv.DictReader((data / "areas.csv").read_text(encoding="utf-8").splitlines())
    ]
    by_id: dict[str, _Entry] = {}
    by_iso2: dict[str, _Entry] = {}
    for entry in entries:
        if entry.id not in by_id or by_id[entry.id].kind == "former" or entry.code == "158":
            by_id[entry.id] = entry
        if entry.iso2 and entry.kind == "country":
            by_iso2.setdefault(entry.iso2, by_id[entry.id])
    by_name = {_fold(entry.name): entry for entry in entries}
    iso_aliases: dict[str, str] = {}
    for row in csv.DictReader((data / "area_aliases.csv").read_text(encoding="utf-8").splitlines()):
        if row["kind"] == "code":
            iso_aliases[row["alias"]] = row["id"]
        elif row["id"] in by_id:
            by_name[_fold(row["alias"])] = by_id[row["id"]]
    return _Tables({entry.code: entry for entry in entries if entry.code}, by_id, by_iso2, by_name, iso_aliases)


def _area(entry: _Entry, year: int | None, *, assumed: bool) -> Area:
    flags = []
    if assumed:
        flags.append("taiwan_assumed")
    if entry.kind == "unallocated":
        flags.append("unallocated")
    too_early = year is not None and entry.first is not None and year < entry.first
    too_late = year is not None and entry.last is not None and year > entry.last
    if too_early or too_late:
        flags.append("code_outside_validity")
    return Area(entry.id, entry.name, entry.kind, tuple(flags))


def _spellings(name: str) -> list[str]:
    """Return the name and its forms without footnote marks and bracketed notes, the plainest last."""
    forms = [name]
    without_digits = re.sub(r"[,\s]*\d{1,2}(?:,\s*\d{1,2})*$", "", name)
    forms.append(without_digits)
    if without_digits.endswith(("e", "r", "p")):
        forms.append(without_digits[:-1].rstrip(", "))
    forms.extend([_QUALIFIER.sub("", form) for form in forms])
    return [form for form in dict.fromkeys(forms) if form]


def _fold(name: str) -> str:
    text = unicodedata.normalize("NFKD", name.replace("\u2019", "'"))
    return " ".join("".join(mark for mark in text if not unicodedata.combining(mark)).casefold().split())
