"""The one row that every reader yields, the table of such rows, and what a reader says about a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from oreflow.core.errors import Problem

if TYPE_CHECKING:
    import polars as pl

Status = Literal[
    "reported", "estimated", "nil", "missing", "withheld", "bound", "not_applicable", "qualitative", "unreadable"
]
Comparator = Literal["", ">", "<", "range"]

MAX_LISTED_REJECTIONS = 10_000
"""Rejected rows listed one by one; the counts by reason are always complete."""


@dataclass(frozen=True, slots=True)
class CanonicalRow:
    """One observation of one source, whatever its file looked like.

    `value` (or `lower` and `upper`, with `comparator`) is in `unit`; mass carries `basis` (gross, REO, oxide, metal,
    ore, scrap, goods), money carries `valuation` (CIF, FOB, FAS, customs). `reporter` and `partner` are ids of
    `oreflow.facts.areas`, `reporter_code` and `partner_code` what the file wrote. `revision` is the HS revision
    (H0 to H6), HTS, CN or another nomenclature of `product`. `flags` are separated by `;`. `row` counts as a
    spreadsheet does (header = 1), or from 1 in a JSON list; `column` is the file's own column.
    """

    source: str
    vintage: str
    reporter: str
    partner: str
    flow: str
    product: str
    revision: str
    product_name: str
    period: str
    measure: str
    value: float | None
    lower: float | None
    upper: float | None
    comparator: str
    unit: str
    basis: str
    valuation: str
    status: str
    flags: str
    reporter_code: str
    partner_code: str
    derived_from: str
    note: str
    published: str
    file_sha256: str
    sheet: str
    row: int
    column: str


NUMBERS = frozenset({"value", "lower", "upper"})
TEXT_COLUMNS = frozenset({"note"})


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was read and not used: where it stands and why."""

    row: int
    sheet: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Closure:
    """Whether the partners of a trade table add up to its World rows.

    `status` is holds, short, exceeds or not applicable; `groups` counts the (period, reporter, flow, product) groups
    that have a World row, `short` and `exceeding` those that do not close; `worst_share` is the sum of partners over
    World in the group furthest from 1; `measures` names what was added up.
    """

    status: Literal["holds", "short", "exceeds", "not applicable"]
    groups: int = 0
    short: int = 0
    exceeding: int = 0
    worst_share: float | None = None
    measures: tuple[str, ...] = ()
    note: str = ""


NO_CLOSURE = Closure("not applicable")


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What reading one file gave.

    `format` is None and `refused` a reason where the file is no data that oreflow reads. `rows_in` = `used` + the sum
    of `rejected`. `problems` keep an import from being written (unless `--partial`), `notices` do not. `table` holds
    `CanonicalRow`s as a Polars frame; a list of codes or metadata yields `reference` (a frame) and an empty table.
    """

    file: str
    sha256: str
    format: str | None
    vintage: str
    encoding: str
    dialect: str
    rows_in: int
    used: int
    rejected: Mapping[str, int]
    rejected_rows: tuple[RejectedRow, ...]
    closure: Closure
    table: pl.DataFrame
    reference: pl.DataFrame | None = None
    refused: str | None = None
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Draft:
    """What a reader fills while it goes through a file; `finish` turns it into a `ReadResult`."""

    file: str
    sha256: str
    encoding: str = ""
    format: str = ""
    vintage: str = ""
    dialect: str = ""
    rows_in: int = 0
    used: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    rows: list[CanonicalRow] = field(default_factory=list)
    frames: list[pl.DataFrame] = field(default_factory=list)
    reference: pl.DataFrame | None = None
    closure: Closure = NO_CLOSURE
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)

    def reject(self, row: int, reason: str, excerpt: object = "", *, sheet: str = "", count: int = 1) -> None:
        """Count a row as read and not used, for a reason; `count` rows at once where they are not listed singly."""
        self.rejected[reason] = self.rejected.get(reason, 0) + count
        if len(self.rejected_rows) < MAX_LISTED_REJECTIONS:
            self.rejected_rows.append(RejectedRow(row, sheet, reason, str(excerpt)[:120]))

    def problem(self, row: int | None, column: str | None, found: str, expected: str, remedy: str) -> None:
        """Note a finding that keeps the file from being imported whole."""
        self.problems.append(Problem(self.file, row, column, found, expected, remedy))

    def notice(self, row: int | None, column: str | None, found: str, expected: str, remedy: str) -> None:
        """Note a finding that a user should know and that keeps nothing from being imported."""
        self.notices.append(Problem(self.file, row, column, found, expected, remedy))

    def finish(self) -> ReadResult:
        """Return the frozen result; its table is the rows and the frames together."""
        import polars as pl

        frames = ([to_frame(self.rows)] if self.rows or not self.frames else []) + self.frames
        return ReadResult(
            file=self.file,
            sha256=self.sha256,
            format=self.format,
            vintage=self.vintage,
            encoding=self.encoding,
            dialect=self.dialect,
            rows_in=self.rows_in,
            used=self.used,
            rejected=dict(sorted(self.rejected.items())),
            rejected_rows=tuple(self.rejected_rows),
            closure=self.closure,
            table=pl.concat(frames) if len(frames) > 1 else frames[0],
            reference=self.reference,
            problems=tuple(self.problems),
            notices=tuple(self.notices),
        )


def refuse(file: str, sha256: str, reason: str, *, encoding: str = "", problems: Iterable[Problem] = ()) -> ReadResult:
    """Return the result of a file that is not read.

    Args:
        file: its name as the user gave it.
        sha256: hash of its bytes, empty where they were not read.
        reason: what the file is, or why it is not read, in a few words.
        encoding: the text encoding where one was found.
        problems: what exactly is wrong, where the file was meant to be data.

    Returns:
        A result without format and rows.

    Example:
        >>> refuse("notes.xml", "", "metadata document").refused
        'metadata document'
    """
    return ReadResult(
        file=file,
        sha256=sha256,
        format=None,
        vintage="",
        encoding=encoding,
        dialect="",
        rows_in=0,
        used=0,
        rejected={},
        rejected_rows=(),
        closure=NO_CLOSURE,
        table=to_frame([]),
        refused=reason,
        problems=tuple(problems),
    )


def schema() -> dict[str, Any]:
    """Return the Polars schema of the canonical table, in the order of `CanonicalRow`.

    Returns:
        Column -> type: numbers as Float64, `row` as Int64, repeated text as Categorical.

    Example:
        >>> list(schema())[:3]
        ['source', 'vintage', 'reporter']
    """
    import polars as pl

    def kind(name: str) -> Any:
        if name in NUMBERS:
            return pl.Float64()
        if name == "row":
            return pl.Int64()
        return pl.String() if name in TEXT_COLUMNS else pl.Categorical()

    return {item.name: kind(item.name) for item in fields(CanonicalRow)}


def to_frame(rows: Iterable[CanonicalRow]) -> pl.DataFrame:
    """Return canonical rows as a Polars frame.

    Args:
        rows: the rows.

    Returns:
        One line a row, with the columns of `schema()`.

    Example:
        >>> to_frame([]).height
        0
    """
    import polars as pl

    names = [item.name for item in fields(CanonicalRow)]
    listed = list(rows)
    columns = {name: [getattr(row, name) for row in listed] for name in names}
    plain = {name: (kind if kind.is_numeric() else pl.String()) for name, kind in schema().items()}
    return pl.DataFrame(columns, schema=plain).cast(pl.Schema(schema()))


def iter_rows(table: pl.DataFrame) -> Iterator[CanonicalRow]:
    """Go through a canonical table row by row.

    Args:
        table: as in `ReadResult.table`.

    Yields:
        Each line as a `CanonicalRow`.

    Example:
        >>> list(iter_rows(to_frame([])))
        []
    """
    for line in table.iter_rows(named=True):
        yield CanonicalRow(**line)


def join_flags(*groups: Iterable[str]) -> str:
    """Return flags as one text, each once, in order of appearance.

    Args:
        groups: iterables of flags; empty ones are left out.

    Returns:
        The flags separated by `;`.

    Example:
        >>> join_flags(("estimated",), ("", "self_trade"))
        'estimated;self_trade'
    """
    return ";".join(dict.fromkeys(flag for group in groups for flag in group if flag))
