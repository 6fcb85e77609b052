"""The invented comparison as fixtures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from oreflow.report.document import ComparisonDocument


def _load() -> Callable[[int], ComparisonDocument]:
    path = Path(__file__).with_name("synthetic.py")
    spec = importlib.util.spec_from_file_location("oreflow_tests_synthetic", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make: Callable[[int], ComparisonDocument] = module.synthetic_document
    return make


@pytest.fixture(scope="session")
def make_document() -> Callable[[int], ComparisonDocument]:
    """Function from a number of draws to the invented comparison."""
    return _load()


@pytest.fixture(scope="session")
def document(make_document: Callable[[int], ComparisonDocument]) -> ComparisonDocument:
    """The invented comparison with 256 draws."""
    return make_document(256)
