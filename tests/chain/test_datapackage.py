"""The descriptor: what the Data Package standard (version 2) asks of its structure."""

from __future__ import annotations

import csv
import json
import re
from hashlib import sha256
from pathlib import Path

from oreflow.chain.case import case_folder
from oreflow.chain.datapackage import PROFILE, table_schema
from oreflow.chain.tables import TABLES
from oreflow.chain.template import write_template

TYPES = {"string", "number", "integer"}


def test_the_descriptor_has_what_the_standard_asks(tmp_path: Path) -> None:
    write_template(tmp_path / "case", "my-case")
    found = json.loads((tmp_path / "case" / "datapackage.json").read_text(encoding="utf-8"))
    assert found["$schema"] == PROFILE
    assert found["name"] == "my-case"
    names = [resource["name"] for resource in found["resources"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in names)
    for resource in found["resources"]:
        path = tmp_path / "case" / resource["path"]
        assert not Path(resource["path"]).is_absolute()
        assert ".." not in resource["path"]
        assert resource["hash"] == f"sha256:{sha256(path.read_bytes()).hexdigest()}"
        assert resource["bytes"] == path.stat().st_size
    assert all(set(source) <= {"title", "path", "email", "version"} and source["title"] for source in found["sources"])
    assert all(licence["name"] for licence in found["licenses"])


def test_every_table_has_the_header_and_the_keys_of_its_schema(tmp_path: Path) -> None:
    write_template(tmp_path / "case", "my-case")
    found = json.loads((tmp_path / "case" / "datapackage.json").read_text(encoding="utf-8"))
    tables = {resource["name"]: resource for resource in found["resources"] if resource.get("type") == "table"}
    rows = {}
    for name, resource in tables.items():
        with (tmp_path / "case" / resource["path"]).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            assert reader.fieldnames == [field["name"] for field in resource["schema"]["fields"]], name
            rows[name] = list(reader)
    for name, resource in tables.items():
        key = resource["schema"]["primaryKey"]
        keys = [tuple(row[column] for column in key) for row in rows[name]]
        assert len(keys) == len(set(keys)), name
        for foreign in resource["schema"].get("foreignKeys", []):
            (column,), target = foreign["fields"], foreign["reference"]
            known = {row[target["fields"][0]] for row in rows[target["resource"]]}
            assert {row[column] for row in rows[name] if row[column]} <= known, (name, column)
        for field in resource["schema"]["fields"]:
            words = field.get("constraints", {}).get("enum")
            if words is not None:
                assert {row[field["name"]] for row in rows[name]} <= {*words, ""}, (name, field["name"])


def test_every_table_has_a_schema_with_known_types() -> None:
    for table in TABLES:
        schema = table_schema(table)
        fields = schema["fields"]
        assert isinstance(fields, list)
        assert [field["name"] for field in fields] == [column.name for column in table.columns]
        assert {field["type"] for field in fields} <= TYPES
        assert set(table.key) <= {field["name"] for field in fields}


def test_the_bundled_case_is_described_as_it_is() -> None:
    """`oreflow check kachin --datapackage` writes it anew after a change of the tables."""
    folder, _ = case_folder("kachin")
    found = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    for resource in found["resources"]:
        data = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{sha256(data).hexdigest()}", resource["path"]
        assert resource["bytes"] == len(data)
        if resource.get("type") == "table":
            header = next(csv.reader(data.decode("utf-8").splitlines()))
            assert header == [field["name"] for field in resource["schema"]["fields"]]
    described = {resource["path"] for resource in found["resources"]}
    assert {path.name for path in folder.glob("*.csv")} <= described
