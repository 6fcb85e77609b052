"""The teaching case as a folder that a test may spoil, and a way to read all problems of a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oreflow.chain.case import read_case
from oreflow.chain.checks import check_case
from oreflow.chain.template import template_files
from oreflow.core.errors import Problem

ProblemsOf = Callable[[Path], tuple[Problem, ...]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh copy of the teaching case."""
    home = tmp_path / "case"
    for name, text in template_files("teaching").items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return home


@pytest.fixture
def problems_of() -> ProblemsOf:
    """Return every problem of a case folder, of form and of content."""

    def find(home: Path) -> tuple[Problem, ...]:
        case, problems = read_case(home)
        return (*problems, *(check_case(case) if case is not None else ()))

    return find
