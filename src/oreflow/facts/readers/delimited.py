"""Delimited text as records with row numbers; blank, long, short and badly quoted rows are named, never dropped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from oreflow.facts.readers.canonical import Draft
from oreflow.facts.readers.sniff import normalise_name


@dataclass(frozen=True, slots=True)
class Record:
    """One data row: its spreadsheet row number and its cells by normalised column name."""

    row: int
    cells: dict[str, str]

    def get(self, *names: str) -> str:
        """Return the stripped text of the first of these columns that holds anything, else ''."""
        for name in names:
            text = self.cells.get(name, "").strip()
            if text:
                return text
        return ""


def read_records(draft: Draft, text: str, delimiter: str) -> tuple[tuple[str, ...], Iterator[Record]]:
    r"""Return the header of a delimited text and go through its data rows.

    Every row after the header counts in `draft.rows_in`; a row that cannot be read is rejected with a reason there.

    Args:
        draft: where counts, rejections and problems go.
        text: the whole file.
        delimiter: the mark between cells.

    Returns:
        The header as written, and an iterator over the rows.

    Example:
        >>> header, rows = read_records(Draft("a.csv", ""), "t,i\n2022,156\n", ",")
        >>> header, [record.cells for record in rows]
        (('t', 'i'), [{'t': '2022', 'i': '156'}])
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    header: tuple[str, ...] = ()
    for cells in reader:
        row += 1
        if any(cell.strip() for cell in cells):
            header = tuple(cells)
            break
    return header, _records(draft, reader, header, row)


def _records(draft: Draft, reader: Iterator[list[str]], header: tuple[str, ...], header_row: int) -> Iterator[Record]:
    names = [normalise_name(name) for name in header]
    width = len(names)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        draft.problem(
            header_row, twice[0], f"the column {twice[0]!r} more than once", "each column once", "rename or remove one"
        )
    row = header_row
    trailing = False
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            draft.rows_in += 1
            draft.reject(row, "damaged quoting")
            draft.problem(row, None, f"a row that cannot be read ({error})", "quoted text that ends", "export again")
            return
        draft.rows_in += 1
        if not any(cell.strip() for cell in cells):
            draft.reject(row, "blank row")
            continue
        if len(cells) > width:
            extra = [cell for cell in cells[width:] if cell.strip()]
            if extra:
                draft.reject(row, "more cells than the header", extra[0])
                draft.problem(
                    row,
                    None,
                    f"{len(cells)} cells (as {extra[0][:40]!r} beyond the last column)",
                    f"{width}, as the header has",
                    "quote texts that hold the delimiter, or export again",
                )
                continue
            trailing = True
        if len(cells) < width:
            draft.reject(row, "fewer cells than the header", cells[0])
            draft.problem(
                row,
                header[len(cells)] or None,
                f"{len(cells)} cells",
                f"{width}, as the header has",
                "the row is cut off: download the file again",
            )
            continue
        yield Record(row, {name: cell for name, cell in zip(names, cells, strict=False) if name})
        if trailing:
            trailing = False
            if not any(notice.found == "a delimiter after the last column" for notice in draft.notices):
                draft.notice(row, None, "a delimiter after the last column", "none", "nothing: cells were not shifted")
