"""The symbol table against the code and the printed page."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from oreflow.market.arrays import CurveTable, EconomyArrays, Solution
from oreflow.market.symbols import EQUATIONS, SYMBOLS, find_code, write_equations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "market" / "equations.md"


def test_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_equations()


def test_every_code_name_exists() -> None:
    for name in [s.code for s in SYMBOLS] + [e.code for e in EQUATIONS]:
        find_code(name)
    with pytest.raises(AttributeError):
        find_code("oreflow.market.arrays:EconomyArrays.nonsense")


def test_every_letter_of_an_equation_is_a_symbol() -> None:
    known = (
        {s.letter for s in SYMBOLS}
        | set("ijgsD")
        | {"j'", "sum", "theta", "tax", "min", "MR", "P'", "sum_j", "sum_i", "sum_g", "sum_j'"}
    )
    for equation in EQUATIONS:
        for word in re.findall(r"[A-Za-z][A-Za-z0-9_]*'?", equation.formula + " " + equation.complement):
            assert word in known, (equation.key, word)


def test_every_number_of_the_arrays_has_a_symbol() -> None:
    documented = {s.code.rsplit(".", 1)[1] for s in SYMBOLS}
    numbers = {f.name for f in fields(EconomyArrays)} - {
        "curves",
        "equality",
        "market_names",
        "activity_names",
        "group_names",
    }
    numbers |= {f.name for f in fields(CurveTable)} - {"kind"}
    numbers |= {"prices", "levels", "capacity_rents", "group_rents"} & {f.name for f in fields(Solution)}
    assert numbers <= documented
