"""The `datapackage.json` of a case: Data Package version 2, with a Table Schema for each table.

Source: https://datapackage.org/standard/data-package/ (version 2.0).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from oreflow.chain import tables as t
from oreflow.chain.tables import Column, Table

if TYPE_CHECKING:
    from oreflow.chain.case import Case

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_FOREIGN: Mapping[tuple[str, str], tuple[str, str]] = {
    ("claims", "source"): ("sources", "id"),
    ("processes", "place"): ("places", "id"),
    ("projects", "process"): ("processes", "id"),
    ("legs", "from"): ("places", "id"),
    ("legs", "to"): ("places", "id"),
    ("routes", "from"): ("places", "id"),
    ("routes", "to"): ("places", "id"),
    ("demands", "place"): ("places", "id"),
    ("demands", "commodity"): ("commodities", "id"),
    ("stocks", "place"): ("places", "id"),
    ("stocks", "commodity"): ("commodities", "id"),
    ("ties", "process"): ("processes", "id"),
    ("ties", "commodity"): ("commodities", "id"),
}
"""Columns that hold an id of another table."""


def datapackage(case: Case, texts: Mapping[str, str]) -> dict[str, object]:
    """Return the descriptor of a case as plain data.

    Args:
        case: what is described.
        texts: the case's files by name, as `oreflow.chain.folder.case_files` gives them.

    Returns:
        A Data Package descriptor, version 2: every table is a tabular resource with its schema, bytes and hash; YAML
        files are plain resources.
    """
    written = {table.name for table in t.TABLES if table.file in texts}
    resources: list[dict[str, object]] = []
    for name, text in texts.items():
        data = text.encode("utf-8")
        table = next((table for table in t.TABLES if table.file == name), None)
        resource: dict[str, object] = {
            "name": re.sub(r"[^a-z0-9._-]+", "-", name.removesuffix(".csv").lower()).replace("/", "-"),
            "path": name,
            "format": "csv" if table else "yaml",
            "mediatype": "text/csv" if table else "application/yaml",
            "encoding": "utf-8",
            "bytes": len(data),
            "hash": f"sha256:{sha256(data).hexdigest()}",
        }
        if table is not None:
            header = next(csv.reader(io.StringIO(text)), [])
            resource |= {"type": "table", "schema": table_schema(table, written, header)}
        resources.append(resource)
    sources = [
        {"title": source.title, **({"path": source.url} if source.url.startswith("http") else {})}
        for source in case.ledger.sources
        if source.title
    ]
    found: dict[str, object] = {
        "$schema": PROFILE,
        "name": re.sub(r"[^a-z0-9._-]+", "-", case.id.lower()),
        "title": case.title,
        "resources": resources,
    }
    if case.description:
        found["description"] = case.description
    if sources:
        found["sources"] = sources
    if case.licence:
        name = case.licence.split()[0]
        found["licenses"] = [{"name": re.sub(r"[^A-Za-z0-9._-]", "", name) or "other", "title": case.licence}]
    if case.contributors:
        found["contributors"] = [{"title": title} for title in case.contributors]
    return found


def datapackage_text(case: Case, texts: Mapping[str, str]) -> str:
    """Return `datapackage` as JSON text.

    Args:
        case: what is described.
        texts: the case's files by name.
    """
    return json.dumps(datapackage(case, texts), indent=2, ensure_ascii=False) + "\n"


def table_schema(
    table: Table, written: set[str] | None = None, header: Sequence[str] | None = None
) -> dict[str, object]:
    """Return the Table Schema of a table.

    Args:
        table: which.
        written: names of the tables that the package holds; foreign keys into others are left out.
        header: the columns as the file has them (default: all, in the table's order).

    Returns:
        Fields in order with type, constraints and description, the primary key, and foreign keys.

    Example:
        >>> table_schema(t.GROUPS)["primaryKey"]
        ['group', 'member']
    """
    by_name = {column.name: column for column in table.columns}
    columns = table.columns if header is None else [by_name[name] for name in header if name in by_name]
    found: dict[str, object] = {"fields": [_field(column) for column in columns], "primaryKey": list(table.key)}
    foreign = [
        {"fields": [column], "reference": {"resource": other, "fields": [key]}}
        for (name, column), (other, key) in _FOREIGN.items()
        if name == table.name and (written is None or other in written)
    ]
    if foreign:
        found["foreignKeys"] = foreign
    return found


def _field(column: Column) -> dict[str, object]:
    kinds = {"integer": "integer", "number": "number"}
    found: dict[str, object] = {"name": column.name, "type": kinds.get(column.kind, "string")}
    if column.kind in ("cell", "value"):
        unit = f", in {column.unit}" if column.unit else ""
        found["description"] = f"A parameter: an expression over claims and assumptions{unit}"
    elif column.kind == "list":
        found["description"] = "A list parted by semicolons"
    elif column.kind == "date":
        found["description"] = "A date as YYYY-MM-DD, YYYY-MM or YYYY"
    constraints: dict[str, object] = {}
    if column.required:
        constraints["required"] = True
    if column.kind == "choice":
        constraints["enum"] = [*column.words]
    if column.kind == "yesno":
        constraints["enum"] = ["yes", "no"]
    if constraints:
        found["constraints"] = constraints
    return found
