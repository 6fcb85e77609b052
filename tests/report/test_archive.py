"""A document as a file: the same bytes for the same document, and a plain word for every broken file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.report import archive
from oreflow.report.archive import REFERENCE, pack_document, read_document, unpack_document
from oreflow.report.document import ComparisonDocument, DocumentError


def test_what_is_packed_is_read_back_and_packs_to_the_same_bytes(document: ComparisonDocument) -> None:
    data = pack_document(document)
    again = unpack_document(data)
    assert again == document
    assert pack_document(unpack_document(pack_document(again))) == pack_document(again)
    assert unpack_document(json.dumps(document.to_dict()).encode()) == document


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused_in_one_way(data: bytes) -> None:
    with pytest.raises(DocumentError):
        unpack_document(data)
    with pytest.raises(DocumentError):
        unpack_document(b"\x1f\x8b\x08\x00" + data)


def test_a_cut_file_is_refused(document: ComparisonDocument) -> None:
    data = pack_document(document)
    with pytest.raises(DocumentError, match="found no JSON of a comparison"):
        unpack_document(data[: len(data) // 2])


def test_a_file_that_unpacks_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SIZE_LIMIT", 1000)
    with pytest.raises(DocumentError, match="found more than 1,000 bytes"):
        unpack_document(gzip.compress(b" " * 2000 + b"{}"))


def test_a_folder_is_read_by_the_name_of_its_run(document: ComparisonDocument, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"reference-run\.json\.gz: no such run; `oreflow compare CASE` makes one"):
        read_document(tmp_path)
    (tmp_path / REFERENCE).write_bytes(pack_document(document))
    assert read_document(tmp_path) == document
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DocumentError, match=r"x\.json: found schema None"):
        read_document(tmp_path / "x.json")
