"""The document's plain form: what goes in comes out, and what is wrong is named with its place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from oreflow.report.document import Band, ComparisonDocument, DocumentError, IndicatorResult

Make = Callable[[int], ComparisonDocument]


@pytest.mark.parametrize("draws", [0, 32, 256])
def test_json_and_back_gives_an_equal_document(make_document: Make, draws: int) -> None:
    document = make_document(draws)
    text = json.dumps(document.to_dict(), allow_nan=False)
    again = ComparisonDocument.from_dict(json.loads(text))
    assert again == document
    assert again.to_dict() == json.loads(text)


def test_bands_keep_their_names(document: ComparisonDocument) -> None:
    again = ComparisonDocument.from_dict(json.loads(json.dumps(document.to_dict())))
    band = again.proposal("A").indicators["price"].bands_by["outside/Dy/2030"]
    assert isinstance(band, Band)
    assert band.p10 < band.p50 < band.p90


def _set(data: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    node: Any = data
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    node[int(last) if isinstance(node, list) else last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", "oreflow/comparison/0", "found schema 'oreflow/comparison/0'; expected 'oreflow/comparison/1'"),
        ("case.draws", "many", r"document\.case\.draws: found 'many'; expected a whole number"),
        ("case.draws", True, r"document\.case\.draws: found True; expected a whole number"),
        ("case.threshold_t", None, r"document\.case\.threshold_t: found None; expected a number"),
        ("case.colour", "red", r"document\.case: unknown field 'colour'"),
        ("proposals.1.conditions", "none", r"document\.proposals\[1\]\.conditions: found 'none'; expected a list"),
        ("proposals.1.indicators.works.k", 1.5, r"indicators\['works'\]\.k: found 1\.5; expected a whole number"),
        ("proposals.1.indicators.price.value", math.inf, r"\.value: found inf; expected a finite number"),
        ("proposals.1.waterfall.steps.0.p10", "low", r"waterfall\.steps\[0\]\.p10: found 'low'; expected a number"),
        ("proposals.1.indicators.works.paired", [1.0, 2.0], r"\.paired: found 2 values; expected 3"),
        ("settings.draws", [1], r"document\.settings\['draws'\]: found \[1\]; expected"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    document: ComparisonDocument, path: str, value: object, message: str
) -> None:
    data = json.loads(json.dumps(document.to_dict()))
    _set(data, path, value)
    with pytest.raises(DocumentError, match=message):
        ComparisonDocument.from_dict(data)


def test_a_missing_field_is_named(document: ComparisonDocument) -> None:
    data = json.loads(json.dumps(document.to_dict()))
    del data["case"]["seed"]
    with pytest.raises(DocumentError, match=r"document\.case: field 'seed' is missing"):
        ComparisonDocument.from_dict(data)
    with pytest.raises(DocumentError, match="found schema 'list'"):
        ComparisonDocument.from_dict([])


def test_a_number_that_is_not_finite_is_refused_with_its_place(document: ComparisonDocument) -> None:
    proposal = document.proposals[0]
    broken = replace(proposal, indicators={"price": IndicatorResult("USD/kg_oxide", math.nan)})
    with pytest.raises(DocumentError, match=r"proposals\[0\]\.indicators\['price'\]\.value: found nan"):
        replace(document, proposals=(broken,)).to_dict()


def test_an_unknown_proposal_is_named_with_those_that_exist(document: ComparisonDocument) -> None:
    with pytest.raises(DocumentError, match="no proposal 'C' in the document; it has status-quo, A, B"):
        document.proposal("C")


def test_the_document_is_frozen(document: ComparisonDocument) -> None:
    with pytest.raises(FrozenInstanceError):
        document.case.draws = 7  # type: ignore[misc]
