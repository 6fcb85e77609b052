"""xlsx files opened safely: the archive is measured, piece by piece, before any of it is handed to the sheet reader."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oreflow.core.errors import OreflowError

MAX_FILE_BYTES = 128 * 2**20
"""Largest xlsx file opened."""
MAX_UNPACKED_BYTES = 512 * 2**20
"""Largest sum of an archive's unpacked parts."""
MAX_RATIO = 200.0
"""Largest unpacked size over packed size of a part above `RATIO_FROM_BYTES`; sheets of numbers pack 5 to 40 times."""
RATIO_FROM_BYTES = 4 * 2**20
MAX_PARTS = 2_000
MAX_CELLS = 5_000_000
"""Largest rectangle that a sheet's cells span; the sheet reader fills the whole rectangle."""
MAX_TEXT_BYTES = 2**30
"""Largest product of shared-string cells and the longest shared string."""

_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,4})(\d{1,9})["']""")
_ESCAPED_REFERENCE = re.compile(rb"""\sr\s*=\s*["'][^"'>]{0,40}&""")
_SHARED_CELL = re.compile(rb"""\st\s*=\s*["']s["']""")
_CHUNK = 2**20
_OVERLAP = 256


class UnsafeWorkbookError(OreflowError):
    """An xlsx file that is not opened; the message says what was found and the limit."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name and its rows from the first one on, so that `rows[0]` is row 1 of the spreadsheet."""

    name: str
    rows: Sequence[Sequence[object]]


def check_archive(path: Path) -> None:
    """Measure an xlsx file by unpacking it into nothing, within limits.

    Args:
        path: the file.

    Raises:
        UnsafeWorkbookError: the file is too large, packs too tightly (a zip bomb), is damaged or encrypted, is another
            kind of workbook, or spans too many cells.

    Example:
        >>> check_archive(Path("book.xlsx"))  # doctest: +SKIP
    """
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise UnsafeWorkbookError(f"an xlsx file of {size:,} bytes; the limit is {MAX_FILE_BYTES:,}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise UnsafeWorkbookError(f"a damaged or encrypted xlsx file ({error})") from error


def read_sheets(path: Path) -> Iterator[Sheet]:
    """Go through the sheets of an xlsx file, after `check_archive`.

    Args:
        path: the file.

    Yields:
        Each sheet with all its rows; cached values stand for formulas.

    Raises:
        UnsafeWorkbookError: the file does not pass `check_archive` or cannot be read as a workbook.

    Example:
        >>> [sheet.name for sheet in read_sheets(Path("book.xlsx"))]  # doctest: +SKIP
        ['Sheet1']
    """
    from python_calamine import CalamineError, CalamineWorkbook

    check_archive(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
    except (CalamineError, OSError, ValueError) as error:
        raise UnsafeWorkbookError(f"a workbook that cannot be opened ({_short(error)})") from error
    for name in names:
        try:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except (CalamineError, OSError, ValueError) as error:
            raise UnsafeWorkbookError(f"sheet {name!r} cannot be read ({_short(error)})") from error
        yield Sheet(name, rows)


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > MAX_PARTS:
        raise UnsafeWorkbookError(f"an archive of {len(parts):,} parts; the limit is {MAX_PARTS:,}")
    if "xl/workbook.xml" not in names:
        kind = "a binary workbook (xlsb)" if "xl/workbook.bin" in names else "a zip archive without xl/workbook.xml"
        raise UnsafeWorkbookError(f"{kind}; expected an xlsx workbook")
    unpacked = 0
    shared_cells = 0
    longest_string = 0
    for part in parts:
        if part.flag_bits & 0x1:
            raise UnsafeWorkbookError(f"part {part.filename!r} is encrypted")
        if part.file_size > MAX_UNPACKED_BYTES:
            raise UnsafeWorkbookError(f"part {part.filename!r} unpacks to {part.file_size:,} bytes")
        extent = _Extent(part.filename)
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                unpacked += len(chunk)
                extent.take(chunk)
                if unpacked > MAX_UNPACKED_BYTES:
                    raise UnsafeWorkbookError(f"an archive that unpacks to over {MAX_UNPACKED_BYTES:,} bytes")
                if extent.size > RATIO_FROM_BYTES and extent.size > MAX_RATIO * max(1, part.compress_size):
                    raise UnsafeWorkbookError(
                        f"part {part.filename!r} packs over {MAX_RATIO:.0f} times, as a zip bomb does"
                    )
        extent.check()
        shared_cells = max(shared_cells, extent.shared_cells)
        if part.filename.lower().endswith("sharedstrings.xml"):
            longest_string = max(longest_string, extent.longest_string)
    if shared_cells * longest_string > MAX_TEXT_BYTES:
        raise UnsafeWorkbookError(
            f"{shared_cells:,} text cells and a text of {longest_string:,} bytes: too much to hold in memory"
        )


class _Extent:
    """The rectangle that the cell references of one part span, and the size of its texts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.shared_cells = 0
        self.longest_string = 0
        self._row = 0
        self._column = 0
        self._since_string = 0
        self._tail = b""
        self._is_xml = name.lower().endswith((".xml", ".rels"))

    def take(self, chunk: bytes) -> None:
        first = self.size == 0
        self.size += len(chunk)
        if not self._is_xml:
            return
        if first and chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UnsafeWorkbookError(f"part {self.name!r} is UTF-16; expected UTF-8")
        if first and b"<!DOCTYPE" in chunk[:4096]:
            raise UnsafeWorkbookError(f"part {self.name!r} has a document type; expected plain sheet XML")
        window = self._tail + chunk
        if _ESCAPED_REFERENCE.search(window):
            raise UnsafeWorkbookError(f"part {self.name!r} hides cell references behind entities")
        self.shared_cells += len(_SHARED_CELL.findall(chunk))
        for letters, digits in _REFERENCE.findall(window):
            self._row = max(self._row, int(digits))
            if letters:
                self._column = max(self._column, _column_number(letters))
        pieces = chunk.split(b"<si>")
        self._since_string += len(pieces[0])
        self.longest_string = max(self.longest_string, self._since_string, *(len(piece) for piece in pieces))
        if len(pieces) > 1:
            self._since_string = len(pieces[-1])
        self._tail = window[-_OVERLAP:]

    def check(self) -> None:
        if self._row * max(1, self._column) > MAX_CELLS:
            raise UnsafeWorkbookError(
                f"part {self.name!r} spans {self._row:,} rows and {self._column:,} columns; "
                f"the limit is {MAX_CELLS:,} cells"
            )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
