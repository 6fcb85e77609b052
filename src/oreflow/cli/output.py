"""What a verb prints and writes: one JSON document, tables for a terminal, files that never overwrite a user's own."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from pathlib import Path

from oreflow import __version__
from oreflow.core.errors import UsageError
from oreflow.core.files import write_atomically

MARKER = "written by oreflow"
"""Text near the start or the end of a file by which oreflow knows it as its own (HTML comment, SVG, Markdown, ...)."""

RECORD = ".oreflow-written.json"
"""File beside the outputs: name -> sha256 of the last two contents, where the format has no room for the marker."""

_MARKER_WINDOW = 4096


def emit_json(
    command: str,
    data: object,
    *,
    case: str | None = None,
    seed: int | None = None,
    run: str | None = None,
    as_of: date | str | None = None,
) -> None:
    """Print the one JSON document of a command to stdout, and nothing else.

    Args:
        command: the verb, blanks as hyphens; the schema is `oreflow/<command>/1`.
        data: the command's own content; dataclasses, dates, paths, enums, arrays and Polars frames are turned into
            plain JSON, and a number that is not finite into null.
        case: name of the case, None where the command has none.
        seed: seed of the draws, None where nothing is drawn.
        run: content hash of the run, None where nothing ran.
        as_of: date up to which claims are visible, None for no limit.

    Raises:
        TypeError: `data` holds a value that has no JSON form.

    Example:
        >>> emit_json("check", {"problems": 0}, case="kachin")  # doctest: +ELLIPSIS
        {
          "schema": "oreflow/check/1",
        ...
    """
    document = {
        "schema": f"oreflow/{command.replace(' ', '-')}/1",
        "case": case,
        "version": __version__,
        "seed": seed,
        "run": run,
        "as_of": as_of,
        "data": data,
    }
    print(json.dumps(to_plain(document), indent=2, allow_nan=False))


def to_plain(value: object) -> object:
    """Turn a value into what JSON can hold.

    Args:
        value: nested mappings, sequences, sets, dataclasses, enums, dates, paths, numpy scalars and arrays, Polars
            frames, and plain values.

    Returns:
        Dictionaries, lists, strings, numbers, booleans and None; a number that is not finite becomes None.

    Raises:
        TypeError: a value has no JSON form.

    Example:
        >>> to_plain({"p50": float("nan"), "years": (2030, 2031)})
        {'p50': None, 'years': [2030, 2031]}
    """
    if isinstance(value, Enum):
        return to_plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    for converter in ("to_dicts", "tolist", "to_list"):
        convert = getattr(value, converter, None)
        if callable(convert):
            return to_plain(convert())
    if isinstance(value, set | frozenset):
        return sorted((to_plain(item) for item in value), key=str)
    if isinstance(value, Iterable):
        return [to_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no JSON form; expected numbers, text, dates, tables or dataclasses")


def emit_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Print a table to stdout; nothing in a cell is cut off, and a cell's text is never read as markup.

    Args:
        columns: headings, with units, as "price, USD/kg".
        rows: one sequence of cells a row, as many as columns; numbers are aligned right, None prints as a dash.
        title: line above the table.
        notes: lines below it.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.

    Example:
        >>> emit_table(["place", "t REO"], [["Pangwa", 1200.0]])  # doctest: +SKIP
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    for number, row in enumerate(cells, start=1):
        if len(row) != len(columns):
            raise ValueError(f"row {number} of the table has {len(row)} cells; expected {len(columns)}: {columns}")
    table = Table(box=box.SIMPLE_HEAD, title=Text(printable(title)) if title else None, title_justify="left")
    for position, heading in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in cells)
        table.add_column(Text(printable(heading)), justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(format_cell(cell)) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)
    console.print(table)
    for note in notes:
        console.print(Text(printable(note)), soft_wrap=True)


def format_cell(value: object) -> str:
    """Return the text of a table cell: a dash for None, four significant digits for a fraction, else the value.

    Args:
        value: what stands in the cell.

    Returns:
        Its text, without control characters.

    Example:
        >>> [format_cell(value) for value in (None, 1234.56, 0.01234, 2030, "Pangwa")]
        ['-', '1,235', '0.01234', '2030', 'Pangwa']
    """
    if value is None:
        return "-"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "-"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return printable(str(value))


def printable(text: str) -> str:
    r"""Replace control characters, which a case file could use to steer a terminal, by the replacement character.

    Args:
        text: any text; line breaks and tabs are kept.

    Returns:
        The text with every other control character replaced.

    Example:
        >>> printable("Pang\x1b[31mwa") == "Pang\ufffd[31mwa"
        True
    """
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "\ufffd" for mark in text)


def write_output(directory: Path, name: str, content: str | bytes) -> Path:
    """Write a result file into the folder of `--out`, whole or not at all, replacing only what oreflow wrote before.

    A file counts as oreflow's when `MARKER` stands in its first or last 4 kB, or when its content is still the one
    that the folder's `.oreflow-written.json` records; the record is kept for content without the marker.

    Args:
        directory: the folder of `--out`; made if missing.
        name: file name without a folder.
        content: text (written as UTF-8) or bytes.

    Returns:
        The path written.

    Raises:
        UsageError: a file of that name stands there and oreflow did not write it, the folder is a file, or the name
            has a folder in it.

    Example:
        >>> write_output(Path("out"), "report.html", "<!-- written by oreflow -->")  # doctest: +SKIP
        PosixPath('out/report.html')
    """
    if not name or Path(name).name != name or name == RECORD:
        raise UsageError(f"{name!r} is no name for an output file; expected a plain file name")
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"--out {directory} is a file; expected a folder: name another with --out DIR")
    path = directory / name
    if path.exists() and not is_own_output(path):
        raise UsageError(
            f"{path} exists and oreflow did not write it; nothing was replaced: move it or name another --out DIR"
        )
    directory.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    if not _has_marker(data):
        record = _read_record(directory)
        record[name] = [*record.get(name, [])[-1:], hashlib.sha256(data).hexdigest()]
        write_atomically(directory / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    write_atomically(path, data)
    return path


def is_own_output(path: Path) -> bool:
    """Return whether oreflow wrote a file, by the marker in it or by the folder's record of its content.

    Args:
        path: a file.

    Returns:
        True for a file that carries the marker or is unchanged since oreflow recorded it.

    Example:
        >>> is_own_output(Path("no-such-file.csv"))
        False
    """
    if not path.is_file() or path.is_symlink():
        return False
    data = path.read_bytes()
    return _has_marker(data) or hashlib.sha256(data).hexdigest() in _read_record(path.parent).get(path.name, [])


def _has_marker(data: bytes) -> bool:
    marker = MARKER.encode("ascii")
    return marker in data[:_MARKER_WINDOW] or marker in data[-_MARKER_WINDOW:]


def _read_record(directory: Path) -> dict[str, list[str]]:
    try:
        content = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): [str(digest) for digest in kept] for name, kept in content.items() if isinstance(kept, list)}
