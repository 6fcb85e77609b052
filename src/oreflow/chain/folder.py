"""The files of a case folder as text: read within limits, every problem collected, and written back.

A case is data from strangers: sizes are limited, YAML is safe and without aliases, no path leaves the folder.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreflow.chain.tables import ASSUMPTIONS, CHAIN, CLAIMS, MONEY, SOURCES, Cell, Table
from oreflow.core.errors import Problem, UsageError
from oreflow.core.files import write_atomically
from oreflow.facts.expression import format_expression

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Instrument, Proposal

CASE_FILE = "case.yaml"
UNCERTAINTIES_FILE = "uncertainties.yaml"
PROPOSALS = "proposals"

LARGEST_TABLE = 20_000_000
LARGEST_YAML = 1_000_000
MOST_ROWS = 100_000
MOST_PROPOSALS = 500
DEEPEST_YAML = 20
LONGEST_CELL = 20_000

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]*")


@dataclass(slots=True)
class Problems:
    """Collects findings while a case is read."""

    found: list[Problem] = field(default_factory=list)

    def add(self, file: str, row: int | None, column: str | None, found: str, expected: str, remedy: str) -> None:
        """Note one finding; see `Problem`."""
        self.found.append(Problem(file, row, column, shorten(found), expected, remedy))


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of a table as text, with its line as a spreadsheet counts."""

    row: int
    values: Mapping[str, str]


def shorten(text: str) -> str:
    """Return a text cut to 160 characters, for messages.

    Example:
        >>> len(shorten("a" * 500))
        160
    """
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else flat[:157] + "..."


def read_bytes(folder: Path, name: str, limit: int, problems: Problems) -> bytes | None:
    """Return the content of a file inside the folder, None where it is missing or refused (then a problem is noted).

    Args:
        folder: the case folder.
        name: path below it, as `proposals/A.yaml`.
        limit: largest size in bytes.
        problems: where a refusal is noted.
    """
    path = folder / name
    try:
        if not path.is_file():
            if path.exists() or path.is_symlink():
                problems.add(name, None, None, "no plain file", "a file", "replace it by a file")
            return None
        if not path.resolve().is_relative_to(folder.resolve()):
            problems.add(name, None, None, "a link out of the case folder", "a file in the folder", "copy the file in")
            return None
        size = path.stat().st_size
        if size > limit:
            problems.add(name, None, None, f"{size:,} bytes", f"at most {limit:,} bytes", "split or thin the file")
            return None
        return path.read_bytes()
    except OSError as error:
        problems.add(name, None, None, error.strerror or "an unreadable file", "a readable file", "check its rights")
        return None


def read_text(folder: Path, name: str, limit: int, problems: Problems) -> str | None:
    """Return the text of a file in UTF-8, with or without a byte order mark; see `read_bytes`.

    Args:
        folder: the case folder.
        name: path below it.
        limit: largest size in bytes.
        problems: where a refusal is noted.
    """
    data = read_bytes(folder, name, limit, problems)
    if data is None:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        found = "UTF-16" if utf16 else f"the byte 0x{data[error.start]:02x}, which is not UTF-8"
        problems.add(name, None if utf16 else row, None, found, "UTF-8 text", "save the file as UTF-8")
        return None
    if "\x00" in text:
        problems.add(name, None, None, "a NUL character", "plain text", "save the file as UTF-8 text")
        return None
    return text


def read_table(folder: Path, table: Table, problems: Problems) -> list[RawRow]:
    """Return the rows of a table as text; a missing file is empty, and what cannot be read is noted.

    Args:
        folder: the case folder.
        table: which.
        problems: where findings are noted; a row with a finding about its shape is left out.
    """
    text = read_text(folder, table.file, LARGEST_TABLE, problems)
    if text is None or not text.strip():
        return []
    rows: list[RawRow] = []
    header: list[str] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number > MOST_ROWS:
                problems.add(table.file, number, None, f"more than {MOST_ROWS:,} rows", "fewer", "split the case")
                break
            if number == 1:
                header = [cell.strip() for cell in cells]
                if not _check_header(table, header, problems):
                    return []
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                spare = [cell for cell in cells[len(header) :] if cell.strip()]
                if len(cells) < len(header) or spare:
                    problems.add(
                        table.file, number, None, f"{len(cells)} cells", f"{len(header)}, as the header has",
                        "quote cells that hold commas, or add the missing ones",
                    )  # fmt: skip
                    continue
            long = next((c for c, cell in zip(header, cells, strict=False) if len(cell) > LONGEST_CELL), None)
            if long is not None:
                problems.add(
                    table.file, number, long, "a very long cell", f"at most {LONGEST_CELL:,} characters", "cut"
                )
                continue
            stripped = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
            rows.append(RawRow(number, {column.name: stripped.get(column.name, "") for column in table.columns}))
    except csv.Error as error:
        problems.add(table.file, number + 1, None, str(error), "comma-separated values", "mend the quotes in that row")
    return rows


def _check_header(table: Table, header: Sequence[str], problems: Problems) -> bool:
    known = [column.name for column in table.columns]
    expected = ", ".join(known)
    good = True
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        problems.add(table.file, 1, None, "cells parted by semicolons or tabs", "commas", "save as comma-separated")
        return False
    for name in dict.fromkeys(header):
        if header.count(name) > 1 and name:
            problems.add(table.file, 1, name, f"the column {name!r} {header.count(name)} times", "once", "drop one")
            good = False
        if name not in known and name:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else "remove it or move it into note"
            problems.add(table.file, 1, name, f"the unknown column {name!r}", expected, remedy)
            good = False
    for column in table.columns:
        if column.required and column.name not in header:
            problems.add(table.file, 1, column.name, f"no column {column.name!r}", expected, "add the column")
            good = False
    return good


def read_yaml(folder: Path, name: str, problems: Problems) -> dict[str, Any] | None:
    """Return the mapping in a YAML file; None where it is missing or refused (then a problem is noted).

    Only plain scalars, lists and mappings are read; aliases, tags and more than 20 levels are refused.

    Args:
        folder: the case folder.
        name: path below it.
        problems: where findings are noted.
    """
    text = read_text(folder, name, LARGEST_YAML, problems)
    if text is None:
        return None
    import yaml

    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            where = event.start_mark.line + 1 if event.start_mark is not None else None
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                problems.add(name, where, None, "an anchor or alias", "plain values", "write the value out")
                return None
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST_YAML:
                    problems.add(name, where, None, f"more than {DEEPEST_YAML} levels", "fewer", "flatten the file")
                    return None
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        content = yaml.load(text, Loader=_loader())  # noqa: S506 - a SafeLoader that refuses repeated keys
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 1 if mark is not None else None
        found = getattr(error, "problem", None) or str(error)
        problems.add(name, row, None, str(found), "YAML with plain values", "mend that line")
        return None
    except (ValueError, OverflowError) as error:
        problems.add(name, None, None, str(error), "YAML with plain values", "mend the number or date")
        return None
    if content is None:
        return {}
    if not isinstance(content, dict):
        problems.add(name, 1, None, f"a {type(content).__name__}", "a mapping of keys to values", "write `key: value`")
        return None
    return {str(key): value for key, value in content.items()}


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """SafeLoader that refuses a key written twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[object] = set()
            for key_node, _ in node.value:
                if not isinstance(key_node, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(None, None, "a key that is no word", key_node.start_mark)
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key_node.value!r} twice", key_node.start_mark
                    )
                seen.add(key_node.value)
            return super().construct_mapping(node, deep=deep)

    return Loader


def proposal_files(folder: Path, problems: Problems) -> list[str]:
    """Return the names of the proposal files, as `proposals/A.yaml`, in order.

    Args:
        folder: the case folder.
        problems: where findings are noted.
    """
    below = folder / PROPOSALS
    if not below.is_dir():
        return []
    names = sorted(path.name for path in below.iterdir() if not path.name.startswith("."))
    odd = [name for name in names if not name.endswith(".yaml")]
    for name in odd:
        problems.add(
            f"{PROPOSALS}/{name}", None, None, f"the file {name!r}", "files ending in .yaml", "rename or move it"
        )
    good = [f"{PROPOSALS}/{name}" for name in names if name.endswith(".yaml")]
    if len(good) > MOST_PROPOSALS:
        problems.add(PROPOSALS, None, None, f"{len(good)} proposals", f"at most {MOST_PROPOSALS}", "move some away")
        return good[:MOST_PROPOSALS]
    return good


def read_number(text: str) -> float | None:
    """Return a finite number written with a decimal point, None for anything else.

    Example:
        >>> [read_number(text) for text in ("1.5e3", "1,000", "nan")]
        [1500.0, None, None]
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def read_integer(text: str) -> int | None:
    """Return a whole number, None for anything else.

    Example:
        >>> [read_integer(text) for text in ("2024", "2024.5")]
        [2024, None]
    """
    return int(text) if _INTEGER.fullmatch(text) else None


def is_date(text: str) -> bool:
    """Return whether a text is a date as YYYY-MM-DD, YYYY-MM or YYYY.

    Example:
        >>> [is_date(text) for text in ("2024-10-18", "2024-10", "2024-13")]
        [True, True, False]
    """
    return first_day(text) is not None


def first_day(text: str) -> date | None:
    """Return the first day of a date, month or year; None for anything else.

    Example:
        >>> first_day("2024-10")
        datetime.date(2024, 10, 1)
    """
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text + ("-01-01", "-01", "")[text.count("-")])
    except ValueError:
        return None


def year_number(text: str) -> float | None:
    """Return a date as a year with its fraction: 2024.5 is the middle of 2024; None for what is no date.

    Example:
        >>> year_number("2025-01-01")
        2025.0
    """
    day = first_day(text)
    if day is None:
        return None
    length = (date(day.year + 1, 1, 1) if day.year < 9999 else date(9999, 12, 31)) - date(day.year, 1, 1)
    return day.year + (day - date(day.year, 1, 1)).days / length.days


def is_id(text: str) -> bool:
    """Return whether a text can be an id: letters, digits, `_ . : -`, no blank.

    Example:
        >>> [is_id(text) for text in ("SUP-0385", "two words")]
        [True, False]
    """
    return bool(_ID.fullmatch(text)) and len(text) <= 120


def words_of(text: str) -> tuple[str, ...]:
    """Return the parts of a list cell, parted by semicolons.

    Example:
        >>> words_of("La; Ce")
        ('La', 'Ce')
    """
    return tuple(word.strip() for word in text.split(";") if word.strip())


def write_case(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write a case as a folder of tables that reads back to the same case, with `datapackage.json`.

    Args:
        case: what to write.
        folder: a new or empty folder.

    Returns:
        The files written.

    Raises:
        UsageError: the folder exists and holds something; nothing is written.
    """
    from oreflow.chain.datapackage import datapackage_text

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder; nothing was written: name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    texts = case_files(case)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, text)
    write_atomically(folder / "datapackage.json", datapackage_text(case, texts))
    return tuple(folder / name for name in (*texts, "datapackage.json"))


def case_files(case: Case) -> dict[str, str]:
    """Return the text of every file of a case by its name in the folder; empty tables are left out.

    Args:
        case: a case.
    """
    ledger = case.ledger
    tables: list[tuple[Table, Sequence[object]]] = [
        (CLAIMS, ledger.claims), (SOURCES, ledger.sources), (ASSUMPTIONS, ledger.assumptions), (MONEY, ledger.money),
        *((table, getattr(case, table.name)) for table in CHAIN),
    ]  # fmt: skip
    texts = {CASE_FILE: _yaml_text(_case_mapping(case))}
    for table, rows in tables:
        if rows:
            texts[table.file] = table_text(table, rows)
    if case.switch_options or case.exclude:
        texts[UNCERTAINTIES_FILE] = _yaml_text(_uncertainties_mapping(case))
    for proposal in case.proposals:
        texts[f"{PROPOSALS}/{proposal.id}.yaml"] = _yaml_text(_proposal_mapping(proposal))
    return texts


def table_text(table: Table, rows: Sequence[object]) -> str:
    """Return a table as comma-separated values with a header.

    Args:
        table: which.
        rows: its row objects.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for row in rows:
        writer.writerow([_cell_text(table, row, column.field) for column in table.columns])
    return stream.getvalue()


def _cell_text(table: Table, row: object, name: str) -> str:
    value = getattr(row, name)
    if table is CLAIMS and name == "published" and getattr(row, "published_assumed", False):
        return ""
    return _plain_text(value)


def _plain_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Cell):
        return format_expression(value.expr)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{int(value)}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, tuple):
        return ";".join(str(word) for word in value)
    if isinstance(value, Mapping):
        return ";".join(f"{key}={_option_text(item)}" for key, item in value.items())
    return str(value)


def _option_text(value: object) -> str:
    return "|".join(value) if isinstance(value, tuple) else _plain_text(value)


def _case_mapping(case: Case) -> dict[str, object]:
    found: dict[str, object] = {
        "id": case.id, "title": case.title, "description": case.description, "base_year": case.base_year,
        "end_year": case.end_year, "step_years": case.step_years, "study_date": case.study_date,
        "money_year": case.money_year, "discount_rate": _plain_text(case.discount_rate),
        "horizon_reported": case.horizon_reported, "compare": list(case.compare), "status_quo": case.status_quo,
        "tracked_origin": case.tracked_origin, "tracked_elements": list(case.tracked_elements),
        "outside": case.outside, "threshold_t": _plain_text(case.threshold_t), "switches": dict(case.switches),
        "grade_ranges": dict(case.ledger.grade_ranges), "grade_sd": dict(case.grade_sd), "licence": case.licence,
        "contributors": list(case.contributors), **_time_mapping(case),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value not in ("", None, [], {})}


def _time_mapping(case: Case) -> dict[str, object]:
    """Return what case.yaml says of time, the defaults left out."""
    rules, plain = case.time, type(case.time)()
    expectation = {"rule": rules.expectation, "weight": _plain_text(rules.weight)}
    stated = rules.expectation != plain.expectation or rules.weight is not None
    return {
        "periods": rules.periods if rules.periods != plain.periods else "",
        "window": rules.window if rules.window != plain.window else None,
        "expectation": {key: value for key, value in expectation.items() if value} if stated else {},
    }


def _uncertainties_mapping(case: Case) -> dict[str, object]:
    switches: dict[str, object] = {}
    for switch in case.switch_options:
        options = {
            option: {selector: _plain_text(cell) for selector, cell in factors.items()}
            for option, factors in switch.options.items()
        }
        switches[switch.id] = {"options": options, "reading": switch.reading}
    return {"switches": switches, "exclude": list(case.exclude)}


def _proposal_mapping(proposal: Proposal) -> dict[str, object]:
    return {
        "id": proposal.id, "title": proposal.title, "reading": proposal.reading,
        "alternatives": [{"id": other.id, "difference": other.difference} for other in proposal.alternatives],
        "not_modelled": list(proposal.not_modelled), "sources": list(proposal.sources),
        "side_measure": proposal.side_measure, "conditions": list(proposal.conditions),
        "instruments": [_instrument_mapping(instrument) for instrument in proposal.instruments],
    }  # fmt: skip


def _instrument_mapping(instrument: Instrument) -> dict[str, object]:
    found: dict[str, object] = {
        "id": instrument.id, "type": instrument.type, "target": list(instrument.target), "start": instrument.start,
        "end": instrument.end, "announced": instrument.announced, "actor": instrument.actor,
        "magnitude": _plain_text(instrument.magnitude), "unit": instrument.unit,
        "options": {
            key: list(value) if isinstance(value, tuple) else _plain_text(value)
            for key, value in instrument.options.items()
        },
        "payer": instrument.payer, "receiver": instrument.receiver, "source": instrument.source,
        "note": instrument.note,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value not in ("", None, {})}


def _yaml_text(content: Mapping[str, object]) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=120)
    return text


def plain_scalar(value: object) -> str | None:
    """Return a YAML scalar as the text that a table would hold, None for a list or mapping.

    Example:
        >>> [plain_scalar(value) for value in (True, 2027, date(2027, 4, 1), None, [1])]
        ['yes', '2027', '2027-04-01', '', None]
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return _plain_text(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else "a huge number"
    return value.strip() if isinstance(value, str) else None
