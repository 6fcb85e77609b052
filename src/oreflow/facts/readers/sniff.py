"""What a file is, by its bytes: kind, encoding, header, and the format of that header. Names count nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from oreflow.core.errors import Problem

MAX_TEXT_BYTES = 256 * 2**20
"""Largest text file read row by row; formats that are read as columns (BACI, Comext) may be larger."""
MAX_COLUMNAR_BYTES = 1536 * 2**20
"""Largest text file of a format that is read as columns."""
MAX_HEADER_BYTES = 64 * 2**10

COLUMNAR = frozenset({"baci", "comext"})


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """A table format by its columns: each entry of `needs` is a set of names of which one must be there.

    `exact` demands that there be no column besides those named.
    """

    format: str
    needs: tuple[frozenset[str], ...]
    exact: bool = False
    chinese: bool = False


def _rule(form: str, needs: str, *, exact: bool = False, chinese: bool = False) -> HeaderRule:
    return HeaderRule(form, tuple(frozenset(part.split("|")) for part in needs.split()), exact, chinese)


RULES: tuple[HeaderRule, ...] = (
    _rule(
        "comtrade_api",
        "reportercode|reporteriso|reporterdesc partnercode|partneriso|partnerdesc flowcode|flowdesc cmdcode "
        "period|refyear primaryvalue|cifvalue|fobvalue",
    ),
    _rule(
        "comtrade_legacy",
        "classification year tradeflowcode|tradeflow reportercode|reporter partnercode|partner commoditycode "
        "tradevalue(us$)|tradevalue",
    ),
    _rule("comtrade_areas", "partnercode partnerdesc isgroup"),
    _rule("baci", "t i j k v q", exact=True),
    _rule("baci_countries", "countrycode countryname|countrynamefull countryiso3|iso3digitalpha"),
    _rule("usgs_mcs_2026", "mcschapter section commodity country statistics statisticsdetail unit year value"),
    _rule("usgs_mcs_2025", "source commodity country type unitmeas"),
    _rule("usgs_mcs_salient", "datasource commodity year"),
    _rule("usgs_mcs_world", "source country type"),
    _rule("bgs_wms", "bgscommoditytrans bgsstatistictypetrans countrytrans quantity units year"),
    _rule("comext", "reporter|declarant partner productnc flow period valueeur|valueineuros"),
    _rule("china_customs", "数据年月 商品编码 贸易伙伴编码|贸易伙伴名称", chinese=True),
    _rule("wgi_long", "economy(code) year governanceestimate(approx.-2.5to+2.5)"),
    _rule("baci_products", "code description"),
)
"""In the order in which they are tried; the first that a header satisfies is the format."""

FORMAT_NAMES: dict[str, str] = {
    "comtrade_api": "UN Comtrade API v1",
    "comtrade_legacy": "UN Comtrade legacy CSV",
    "comtrade_areas": "UN Comtrade area reference",
    "comtrade_metadata": "UN Comtrade publication metadata",
    "baci": "CEPII BACI",
    "baci_countries": "CEPII BACI country codes",
    "baci_products": "CEPII BACI product codes",
    "usgs_mcs": "USGS Mineral Commodity Summaries",
    "usgs_myb": "USGS Minerals Yearbook",
    "usgs_ds140": "USGS Data Series 140",
    "bgs_wms": "BGS World Mineral Statistics",
    "usitc_dataweb": "USITC DataWeb",
    "wgi": "World Bank Worldwide Governance Indicators",
    "comext": "Eurostat Comext",
    "china_customs": "China customs (GACC)",
}
"""Format ids as `import --json` prints them -> names."""

Kind = Literal["text", "json", "xlsx", "zip", "refused"]


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file's bytes say: its kind, encoding and text; `reason` and `problem` where it is not read."""

    kind: Kind
    encoding: str = ""
    text: str = ""
    format: str = ""
    header: tuple[str, ...] = ()
    delimiter: str = ","
    payload: object = None
    reason: str = ""
    problems: tuple[Problem, ...] = field(default=())


def normalise_name(name: str) -> str:
    """Return a column name without case, blanks and underscores, as headers are compared.

    Args:
        name: as the file writes it.

    Returns:
        The name to compare.

    Example:
        >>> normalise_name("ref_period_id") == normalise_name("refPeriodId")
        True
    """
    return re.sub(r"[\s_\ufeff]+", "", name).casefold()


def match_header(names: tuple[str, ...]) -> HeaderRule | None:
    """Return the format whose columns a header has.

    Args:
        names: the header's cells; empty cells at its end are ignored.

    Returns:
        The first rule of `RULES` that is satisfied, or None.

    Example:
        >>> match_header(("t", "i", "j", "k", "v", "q")).format
        'baci'
    """
    present = {normalise_name(name) for name in names if name.strip()}
    for rule in RULES:
        if all(part & present for part in rule.needs) and (not rule.exact or len(present) == len(rule.needs)):
            if rule.format == "baci_products" and len(present) > 3:
                continue
            return rule
    return None


def nearest_format(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the format that a header comes close to, with the columns it lacks.

    Args:
        names: the header's cells.

    Returns:
        Format and missing columns where at least half of the needed columns, and two, are there; else None.

    Example:
        >>> nearest_format(("reporterCode", "partnerCode", "flowCode", "cmdCode", "period"))
        ('comtrade_api', ('cifvalue or fobvalue or primaryvalue',))
    """
    present = {normalise_name(name) for name in names if name.strip()}
    best: tuple[float, str, tuple[str, ...]] | None = None
    for rule in RULES:
        missing = tuple(" or ".join(sorted(part)) for part in rule.needs if not part & present)
        found = len(rule.needs) - len(missing)
        share = found / len(rule.needs)
        if missing and found >= 2 and share >= 0.5 and (best is None or share > best[0]):
            best = (share, rule.format, missing)
    return None if best is None else best[1:]


def sniff(path: Path, name: str) -> Sniffed:
    """Find out what a file is, without reading more than is needed.

    Args:
        path: the file.
        name: how messages call it.

    Returns:
        Kind, encoding, text and format; kind `refused` with a reason where the file is no data that oreflow reads.

    Raises:
        OSError: the file cannot be read.

    Example:
        >>> sniff(Path("trade.csv"), "trade.csv").format  # doctest: +SKIP
        'comtrade_api'
    """
    size = path.stat().st_size
    if size == 0:
        return _refused("an empty file", name, "no bytes", "a data file", "download it again")
    with open(path, "rb") as stream:
        head = stream.read(MAX_HEADER_BYTES)
    binary = _binary_kind(path, head)
    if binary is not None:
        return binary if binary.kind != "refused" else _named(binary, name)
    if size > MAX_COLUMNAR_BYTES:
        found = f"{size:,} bytes of text"
        return _refused("too large", name, found, f"at most {MAX_COLUMNAR_BYTES:,}", "split the file by year")
    if size > MAX_TEXT_BYTES and _head_format(head) not in COLUMNAR:
        found = f"{size:,} bytes of text that is neither BACI nor Comext"
        return _refused("too large", name, found, f"at most {MAX_TEXT_BYTES:,}", "split the file by year")
    return sniff_text(path.read_bytes(), name)


def sniff_text(data: bytes, name: str) -> Sniffed:
    r"""Find the encoding and the format of a text file's bytes.

    Encodings in order: byte order mark (UTF-8, UTF-16), strict UTF-8, then GB18030 for a Chinese header and
    Windows-1252 for any other. Bytes are never replaced.

    Args:
        data: the whole file.
        name: how messages call it.

    Returns:
        As `sniff`.

    Example:
        >>> sniff_text(b"t,i,j,k,v,q\r\n", "year.csv").format
        'baci'
    """
    if not data.strip():
        return _refused("an empty file", name, "only blanks", "a data file", "download it again")
    decoded = _decode(data, name)
    if isinstance(decoded, Sniffed):
        return decoded
    text, encoding = decoded
    damage = _text_damage(text, name)
    if damage is not None:
        return Sniffed("refused", encoding=encoding, reason="wrong encoding", problems=(damage,))
    start = text.lstrip()
    if not start:
        return _refused("an empty file", name, "only blanks", "a data file", "download it again")
    if start[0] in "{[":
        return _sniff_json(text, encoding, name)
    if start[:1] == "<":
        kind = "a metadata document (XML)" if "<metadata" in start[:2000] else "an XML or HTML document"
        return Sniffed("refused", encoding=encoding, reason=f"not data: {kind}")
    found = _find_header(text)
    if found is not None:
        rule, header, delimiter = found
        return Sniffed("text", encoding, text, rule.format, header, delimiter)
    return _unknown_text(text, encoding, name)


def _binary_kind(path: Path, head: bytes) -> Sniffed | None:
    if head[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            return Sniffed("refused", reason=f"a damaged zip archive ({error})")
        return Sniffed("xlsx" if "[Content_Types].xml" in names or "xl/workbook.xml" in names else "zip")
    if head[:4] in (b"PK\x05\x06", b"PK\x07\x08"):
        return Sniffed("refused", reason="an empty or split zip archive")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return Sniffed("refused", reason=f"not data that oreflow reads: {what}")
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Sniffed("refused", reason="not data: a binary file, or UTF-16 text without byte order mark")
    return None


_MAGIC: dict[bytes, str] = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it and import the .dat file",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "a legacy xls workbook; save it as xlsx",
    b"Rar!": "a rar archive; unpack it first",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"<stata_dta>": "a Stata file",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
}


def _decode(data: bytes, name: str) -> tuple[str, str] | Sniffed:
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    for mark, encoding in marks:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError as error:
                return _undecodable(data, error, name, encoding)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        first = error
    candidates: list[tuple[str, str]] = []
    for encoding in ("gb18030", "cp1252"):
        try:
            candidates.append((data.decode(encoding), encoding))
        except UnicodeDecodeError:
            continue
    matched = []
    for text, encoding in candidates:
        found = _find_header(text)
        if found is not None and found[0].chinese == (encoding == "gb18030"):
            matched.append((text, encoding))
    if matched:
        return matched[0]
    if candidates and candidates[0][1] == "gb18030" and _chinese_share(candidates[0][0]) > 0.3:
        return candidates[0]
    return _undecodable(data, first, name, "UTF-8; and no header that belongs to a GB18030 or Windows-1252 file")


def _undecodable(data: bytes, error: UnicodeDecodeError, name: str, tried: str) -> Sniffed:
    before = data[: error.start]
    row = before.count(b"\n") + 1
    line = before.rsplit(b"\n", 1)[-1]
    problem = Problem(
        name,
        row,
        str(line.count(b",") + 1),
        f"byte 0x{data[error.start]:02x} at position {error.start}, which is not valid in {tried}",
        "UTF-8, UTF-16 with byte order mark, GB18030 or Windows-1252",
        "save the file as UTF-8",
    )
    return Sniffed("refused", reason="wrong encoding", problems=(problem,))


def _text_damage(text: str, name: str) -> Problem | None:
    if text.isascii() and "\x00" not in text:
        return None
    for pattern, what in ((_REPLACED, "the replacement character"), (_TWICE, "text encoded twice")):
        hit = pattern.search(text)
        if hit is not None:
            before = text[: hit.start()]
            return Problem(
                name,
                before.count("\n") + 1,
                str(before.rsplit("\n", 1)[-1].count(",") + 1),
                f"{hit.group()!r}: {what}",
                "text in one encoding",
                "download the file again and do not re-save it",
            )
    if "\x00" in text:
        row = text[: text.index("\x00")].count("\n") + 1
        return Problem(name, row, None, "a null character", "text", "export again")
    return None


_REPLACED = re.compile("\ufffd")
_TWICE = re.compile("\u00e2\u20ac[\u201c\u201d\u2122\u0153]|\u00c3[\u00a9\u00a8\u00bc\u00b6\u00a4\u00b1\u00b4]")


def _head_format(head: bytes) -> str:
    line = head.split(b"\n", 1)[0]
    found = _find_header(line.decode("latin-1"))
    return found[0].format if found else ""


def _find_header(text: str) -> tuple[HeaderRule, tuple[str, ...], str] | None:
    """Return the rule, header and delimiter of the first line that holds anything."""
    head = text[:MAX_HEADER_BYTES].lstrip("\r\n \ufeff")
    for delimiter in (",", "\t", ";", "|"):
        try:
            cells = tuple(next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)))
        except (csv.Error, StopIteration):
            continue
        rule = match_header(cells)
        if rule is not None:
            return rule, cells, delimiter
    return None


def _sniff_json(text: str, encoding: str, name: str) -> Sniffed:
    try:
        payload = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg
        found = "the text ends inside a value" if ended else error.msg
        problem = Problem(
            name,
            error.lineno,
            str(error.colno),
            f"{found} (character {error.pos:,})",
            "complete JSON",
            "download the file again",
        )
        reason = "truncated JSON" if ended else "damaged JSON"
        return Sniffed("refused", encoding=encoding, reason=reason, problems=(problem,))
    except (RecursionError, ValueError) as error:
        found = "values nested too deeply" if isinstance(error, RecursionError) else str(error)[:160]
        at = re.search(r"(?<=[:,\[\s])-?(?:NaN|Infinity)\b", text) if "not JSON" in found else None
        row = text.count("\n", 0, at.start()) + 1 if at else None
        column = str(at.start() - text.rfind("\n", 0, at.start())) if at else None
        problem = Problem(name, row, column, found, "plain JSON", "download the file again")
        return Sniffed("refused", encoding=encoding, reason="damaged JSON", problems=(problem,))
    form = _json_format(payload)
    if form in JSON_FORMATS:
        return Sniffed("json", encoding, "", form, payload=payload)
    return Sniffed("refused", encoding=encoding, reason=f"not data: {form}")


JSON_FORMATS = frozenset({"comtrade_api", "comtrade_metadata", "bgs_wms", "census", "comtrade_empty"})


def _json_format(payload: object) -> str:
    if isinstance(payload, dict):
        data = payload.get("data")
        if isinstance(data, list):
            first = next((item for item in data if isinstance(item, dict)), None)
            if first is None:
                return "comtrade_empty" if "count" in payload else "a JSON document without records"
            if "notes" in first and "reporterCode" in first:
                return "comtrade_metadata"
            if match_header(tuple(first)) is not None or nearest_format(tuple(first)) is not None:
                return "comtrade_api"
        if payload.get("type") == "FeatureCollection":
            features = payload.get("features")
            first = features[0] if isinstance(features, list) and features else None
            properties = first.get("properties") if isinstance(first, dict) else None
            if isinstance(properties, dict) and "bgs_commodity_trans" in properties:
                return "bgs_wms"
            return "a map (GeoJSON)"
        if "retrieval" in payload or "schema_version" in payload:
            return "a retrieval manifest"
        return "a JSON document of no known format"
    if isinstance(payload, list) and payload and isinstance(payload[0], dict):
        rule = match_header(tuple(payload[0]))
        return rule.format if rule is not None and rule.format == "comtrade_api" else "a JSON list of no known format"
    if isinstance(payload, list) and payload and isinstance(payload[0], list):
        return "an array of arrays (US Census API), which has no reader yet"
    return "a JSON document of no known format"


def _unique_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} twice in one JSON object")
    return result


def _no_constant(text: str) -> object:
    raise ValueError(f"{text}, which is not JSON")


def _unknown_text(text: str, encoding: str, name: str) -> Sniffed:
    first = next((line for line in text.splitlines() if line.strip()), "")
    for delimiter in (",", "\t", ";", "|"):
        try:
            cells = tuple(next(csv.reader([first], delimiter=delimiter)))
        except (csv.Error, StopIteration):
            continue
        near = nearest_format(cells)
        if near is not None:
            form, missing = near
            problem = Problem(
                name,
                1,
                missing[0],
                f"a header like that of {form} without: {', '.join(missing)}",
                "all columns of the format",
                "export the file with these columns",
            )
            return Sniffed("refused", encoding=encoding, reason=f"columns missing for {form}", problems=(problem,))
    if _chinese_share(text) > 0.3:
        return Sniffed("refused", encoding=encoding, reason="not data: Chinese text without a known table header")
    marked_up = first.lstrip().startswith("#")
    if not marked_up and (first.count(",") >= 2 or first.count("\t") >= 2 or first.count(";") >= 2):
        shown = first[:100]
        problem = Problem(
            name,
            1,
            None,
            f"the header {shown!r}",
            "the header of a known format",
            "see docs/readers.md for the formats",
        )
        return Sniffed("refused", encoding=encoding, reason="not data: a table of no known format", problems=(problem,))
    return Sniffed("refused", encoding=encoding, reason="not data: a text document")


def _chinese_share(text: str) -> float:
    sample = [mark for mark in text[:20_000] if not mark.isspace()]
    return sum("\u4e00" <= mark <= "\u9fff" for mark in sample) / len(sample) if sample else 0.0


def _refused(reason: str, name: str, found: str, expected: str, remedy: str) -> Sniffed:
    return Sniffed("refused", reason=reason, problems=(Problem(name, None, None, found, expected, remedy),))


def _named(sniffed: Sniffed, name: str) -> Sniffed:
    damaged = sniffed.reason.startswith(("a damaged", "an empty"))
    if not damaged:
        return sniffed
    problem = Problem(name, None, None, sniffed.reason, "a whole archive", "download the file again")
    return Sniffed("refused", reason=sniffed.reason, problems=(problem,))
