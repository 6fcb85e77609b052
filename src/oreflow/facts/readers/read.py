"""Reading files that users have: the format is found by content, and every row is used or rejected for a reason."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from oreflow.core.errors import Problem
from oreflow.facts.readers import (
    baci,
    bgs_wms,
    china_customs,
    comext,
    comtrade_api,
    comtrade_legacy,
    reference,
    usgs_ds140,
    usgs_mcs,
    usgs_myb,
    usitc_dataweb,
    wgi,
)
from oreflow.facts.readers.canonical import Draft, ReadResult, refuse
from oreflow.facts.readers.comtrade import Publication
from oreflow.facts.readers.sniff import Sniffed, match_header, sniff
from oreflow.facts.readers.workbook import Sheet, UnsafeWorkbookError, read_sheets

Publications = Mapping[tuple[str, str], Publication]

MAX_FILE_BYTES = 2**31 - 1
"""Files of this size or more are refused before they are read."""


def read_file(path: str | Path, *, flow: str | None = None, publications: Publications | None = None) -> ReadResult:
    """Read one file of statistics.

    Args:
        path: the file; its name counts only where a format states its release nowhere else (BACI, USGS world tables).
        flow: `import` or `export`, for China customs files, which do not say it.
        publications: valuation and publication dates from Comtrade metadata, by (reporter code, year).

    Returns:
        The rows, the counts, and what was found; a file that is no data has `format` None and a reason in `refused`.
        A file that cannot be opened is refused as well, never raised.

    Example:
        >>> read_file("no-such-file.csv").refused
        'not found'
    """
    target = Path(path)
    name = str(path)
    try:
        if not target.exists():
            return _unreadable(name, "not found", "no such file", "a file", "check the path")
        if not target.is_file():
            return _unreadable(name, "not a file", "a folder or device", "a file", "name the files in it")
        if target.stat().st_size > MAX_FILE_BYTES:
            found = f"{target.stat().st_size:,} bytes"
            return _unreadable(name, "too large", found, f"at most {MAX_FILE_BYTES:,}", "split the file by year")
        sniffed = sniff(target, name)
        digest = _sha256(target)
        if sniffed.kind == "refused":
            return refuse(name, digest, sniffed.reason, encoding=sniffed.encoding, problems=sniffed.problems)
        return _read(target, Draft(name, digest, sniffed.encoding), sniffed, flow, publications)
    except OSError as error:
        found = error.strerror or str(error)
        return _unreadable(name, "not readable", found, "a readable file", "check its permissions")


def read_files(paths: Iterable[str | Path], *, flow: str | None = None) -> list[ReadResult]:
    """Read several files; Comtrade metadata among them are applied to the Comtrade files.

    Args:
        paths: the files.
        flow: as in `read_file`.

    Returns:
        One result a file, in the order given. The same content twice is refused the second time.

    Example:
        >>> [result.refused for result in read_files(["a.csv", "b.csv"])]
        ['not found', 'not found']
    """
    listed = [str(path) for path in paths]
    results: dict[int, ReadResult] = {}
    known: dict[tuple[str, str], Publication] = {}
    kinds = {index: _quick_format(Path(path)) for index, path in enumerate(listed)}
    for index, path in enumerate(listed):
        if kinds[index] == "comtrade_metadata":
            results[index] = read_file(path)
            table = results[index].reference
            if table is not None:
                known.update(reference.publications(table))
    seen: dict[str, str] = {}
    ordered = []
    for index, path in enumerate(listed):
        result = results.get(index) or read_file(path, flow=flow, publications=known or None)
        if result.sha256 and result.format and result.sha256 in seen:
            found = f"the same content as {seen[result.sha256]}"
            problem = Problem(path, None, None, found, "each file once", "name it once")
            result = refuse(path, result.sha256, "the same file twice", problems=[problem])
        elif result.sha256 and result.format:
            seen[result.sha256] = path
        ordered.append(result)
    return ordered


def _quick_format(path: Path) -> str:
    """Return `comtrade_metadata` for a file that begins like one, so that it is read before the others."""
    try:
        if not path.is_file():
            return ""
        with open(path, "rb") as stream:
            head = stream.read(4096)
    except OSError:
        return ""
    return "comtrade_metadata" if b'"notes"' in head and b'"reporterCode"' in head and b'"datasetCode"' in head else ""


def _read(
    path: Path, draft: Draft, sniffed: Sniffed, flow: str | None, publications: Publications | None
) -> ReadResult:
    if sniffed.kind == "xlsx":
        return _read_workbook(path, draft, flow)
    if sniffed.kind == "zip":
        return _read_zip(path, draft)
    if sniffed.kind == "json":
        return _read_json(draft, sniffed, publications)
    text, delimiter = sniffed.text, sniffed.delimiter
    match sniffed.format:
        case "comtrade_api":
            comtrade_api.read_csv(draft, text, delimiter, publications)
        case "comtrade_legacy":
            comtrade_legacy.read_csv(draft, text, delimiter, publications)
        case "comtrade_areas":
            reference.read_areas(draft, text, delimiter)
        case "baci":
            baci.read_csv(draft, text.encode("utf-8"))
        case "baci_countries":
            baci.read_countries(draft, text, delimiter)
        case "baci_products":
            baci.read_products(draft, text, delimiter)
        case "bgs_wms":
            bgs_wms.read_csv(draft, text, delimiter)
        case "comext":
            comext.read_text(draft, text.encode("utf-8"), delimiter)
        case "china_customs":
            china_customs.read_csv(draft, text, delimiter, flow)
        case "wgi_long":
            wgi.read_csv(draft, text, delimiter)
        case layout:
            usgs_mcs.read_csv(draft, text, delimiter, layout)
    return _finish(draft)


def _read_json(draft: Draft, sniffed: Sniffed, publications: Publications | None) -> ReadResult:
    if sniffed.format == "comtrade_metadata":
        reference.read_metadata(draft, sniffed.payload)
    elif sniffed.format == "bgs_wms":
        bgs_wms.read_geojson(draft, sniffed.payload)
    else:
        comtrade_api.read_json(draft, sniffed.payload, publications)
    return _finish(draft)


def _read_workbook(path: Path, draft: Draft, flow: str | None) -> ReadResult:
    try:
        sheets = list(read_sheets(path))
    except UnsafeWorkbookError as error:
        problem = Problem(draft.file, None, None, str(error), "an xlsx workbook within limits", "save it anew as xlsx")
        return refuse(draft.file, draft.sha256, "a workbook that is not opened", problems=[problem])
    draft.encoding = "xlsx"
    if usitc_dataweb.recognises(sheets):
        usitc_dataweb.read_sheets(draft, sheets)
    elif wgi.recognises(sheets):
        wgi.read_sheets(draft, sheets)
    elif usgs_myb.recognises(sheets):
        usgs_myb.read_sheets(draft, sheets)
    elif usgs_ds140.recognises(sheets):
        usgs_ds140.read_sheets(draft, sheets)
    elif china_customs.recognises(sheets):
        china_customs.read_sheets(draft, sheets, flow)
    else:
        layout = _mcs_layout(sheets)
        if layout is None:
            names = ", ".join(repr(sheet.name) for sheet in sheets[:5])
            problem = Problem(
                draft.file,
                None,
                None,
                f"the sheets {names}",
                "a workbook of a known format",
                "see docs/readers.md for the formats",
            )
            return refuse(
                draft.file, draft.sha256, "not data: a workbook of no known format", encoding="xlsx", problems=[problem]
            )
        usgs_mcs.read_sheet(draft, sheets[0].rows, layout)
    return _finish(draft)


def _mcs_layout(sheets: list[Sheet]) -> str | None:
    if not sheets or not sheets[0].rows:
        return None
    rule = match_header(tuple("" if cell is None else str(cell) for cell in sheets[0].rows[0]))
    return rule.format if rule is not None and rule.format.startswith("usgs_mcs") else None


def _read_zip(path: Path, draft: Draft) -> ReadResult:
    try:
        with zipfile.ZipFile(path) as archive:
            found = baci.read_zip(draft, archive)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        problem = Problem(
            draft.file, None, None, f"a damaged or encrypted archive ({error})", "a whole zip", "download it again"
        )
        return refuse(draft.file, draft.sha256, "a damaged zip archive", problems=[problem])
    if not found:
        return refuse(draft.file, draft.sha256, "not data: a zip archive without BACI year files; unpack it first")
    draft.encoding = "utf-8"
    return _finish(draft)


def _finish(draft: Draft) -> ReadResult:
    """Return the result, with the balance of the counts made sure of."""
    result = draft.finish()
    rejected = sum(result.rejected.values())
    if result.rows_in != result.used + rejected:
        found = f"{result.rows_in:,} rows in, {result.used:,} used and {rejected:,} rejected"
        problem = Problem(result.file, None, None, found, "rows in = used + rejected", "report this to oreflow")
        result = replace(result, problems=(*result.problems, problem))
    if result.rows_in == 0 and not result.problems and not result.notices:
        notice = Problem(result.file, None, None, "a header and no rows", "at least one row", "widen the query")
        result = replace(result, notices=(notice,))
    return result


def _unreadable(name: str, reason: str, found: str, expected: str, remedy: str) -> ReadResult:
    return refuse(name, "", reason, problems=[Problem(name, None, None, found, expected, remedy)])


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
