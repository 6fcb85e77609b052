"""Sources as BibTeX, RIS or CSL JSON, for reference managers.

Formats: BibTeX as in btxdoc (1988); RIS by its 2011 tags; CSL JSON by https://citationstyles.org (schema 1.0.2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from oreflow.core.errors import UsageError
from oreflow.facts.claim import Source

FORMATS: tuple[str, ...] = ("bibtex", "ris", "csl")

_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def cite(sources: Iterable[Source], form: str) -> str:
    """Return sources in a citation format.

    Args:
        sources: what to cite, in order.
        form: bibtex, ris or csl.

    Returns:
        Text that ends with a line break.

    Raises:
        UsageError: an unknown format.

    Example:
        >>> source = Source("USGS24", "U.S. Geological Survey", "Mineral Commodity Summaries", "2024-01-31", "https://usgs.gov")
        >>> print(cite([source], "bibtex"), end="")
        @misc{USGS24,
          author = {{U.S. Geological Survey}},
          title = {{Mineral Commodity Summaries}},
          year = {2024},
          month = {1},
          url = {https://usgs.gov}
        }
    """
    writers = {"bibtex": _bibtex, "ris": _ris}
    if form == "csl":
        return json.dumps([_csl(source) for source in sources], indent=2, ensure_ascii=False) + "\n"
    if form not in writers:
        raise UsageError(f"unknown citation format {form!r}; expected one of {', '.join(FORMATS)}")
    return "\n".join(writers[form](source) for source in sources)


def _date_parts(text: str) -> tuple[int, ...]:
    """Return the leading year, month and day of a date text such as `2025-10`, as far as they are there."""
    match = re.match(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?!\d)", text.strip())
    if match is None:
        return ()
    parts = tuple(int(part) for part in match.groups() if part is not None)
    return parts if all(part >= 1 for part in parts) and (len(parts) < 2 or parts[1] <= 12) else parts[:1]


def _flat(text: str) -> str:
    return " ".join(text.split())


def _tex(text: str) -> str:
    return "".join(_TEX.get(mark, mark) for mark in _flat(text))


def _bibtex(source: Source) -> str:
    date = _date_parts(source.date)
    fields = {
        "author": f"{{{_tex(source.publisher)}}}" if source.publisher else "",
        "title": f"{{{_tex(source.title)}}}" if source.title else "",
        "year": str(date[0]) if date else "",
        "month": str(date[1]) if len(date) > 1 else "",
        "doi": re.sub(r"[{}\s]", "", source.doi),
        "url": re.sub(r"[{}\s]", "", source.url),
        "urldate": source.accessed if _date_parts(source.accessed) else "",
        "note": _tex(source.citation),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    key = re.sub(r"[^A-Za-z0-9_.:\-]", "", source.id)
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _ris(source: Source) -> str:
    date = _date_parts(source.date)
    accessed = _date_parts(source.accessed)
    lines = [
        ("TY", "ELEC" if source.url else "GEN"), ("ID", source.id), ("AU", source.publisher), ("TI", source.title),
        ("PB", source.publisher), ("PY", str(date[0]) if date else ""), ("DA", _slashed(date)), ("DO", source.doi),
        ("UR", source.url), ("Y2", _slashed(accessed)), ("N1", source.citation),
    ]  # fmt: skip
    return "".join(f"{tag}  - {_flat(text)}\n" for tag, text in lines if text) + "ER  - \n"


def _slashed(parts: tuple[int, ...]) -> str:
    if not parts:
        return ""
    shown = [f"{parts[0]:04d}", *(f"{part:02d}" for part in parts[1:])]
    return "/".join([*shown, "", "", ""][:4]).rstrip("/") if len(shown) == 3 else "/".join(shown)


def _csl(source: Source) -> dict[str, object]:
    found: dict[str, object] = {"id": source.id, "type": "webpage" if source.url else "document"}
    if source.title:
        found["title"] = _flat(source.title)
    if source.publisher:
        found["author"] = [{"literal": _flat(source.publisher)}]
        found["publisher"] = _flat(source.publisher)
    for name, text in (("issued", source.date), ("accessed", source.accessed)):
        parts = _date_parts(text)
        if parts:
            found[name] = {"date-parts": [list(parts)]}
    for name, text in (("URL", source.url), ("DOI", source.doi), ("note", source.citation)):
        if text:
            found[name] = _flat(text)
    return found
