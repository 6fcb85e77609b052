"""The symbol table against the code, the tests and the printed pages."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from oreflow.market.arrays import CurveTable, EconomyArrays, Solution
from oreflow.market.symbols import EQUATIONS, SYMBOLS, find_code, letters_of, write_pages

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "market"


def test_pages_are_current_and_no_other_stands_beside_them() -> None:
    pages = write_pages()
    for name, text in pages.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"run python -m oreflow.market.symbols: {name}"
    assert {f"equations/{page.name}" for page in (FOLDER / "equations").iterdir()} == set(pages) - {"equations.md"}


def test_every_code_name_exists() -> None:
    for name in [s.code for s in SYMBOLS] + [e.code for e in EQUATIONS]:
        find_code(name)
    with pytest.raises(AttributeError):
        find_code("oreflow.market.arrays:EconomyArrays.nonsense")


def test_every_test_that_is_named_exists() -> None:
    for equation in EQUATIONS:
        path, _, name = equation.test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), equation.key


WORDS = set("ijgsUHSFrzyJWDPd") | {
    "j'", "sum", "theta", "tax", "min", "mid", "MR", "P'", "sum_j", "sum_i", "sum_g", "sum_j'", "A_s'", "S'", "B_s",
    "A_U", "B_U'", "rate", "on", "an", "a", "input", "output", "or", "steps", "of", "either", "sign", "the",
    "slopes", "users",
    "J'", "y'", "dF", "outcome", "weights", "activity", "by", "area", "under", "demand", "actor",
}  # fmt: skip


def test_every_letter_of_an_equation_is_a_symbol() -> None:
    known = {s.letter for s in SYMBOLS} | WORDS
    for equation in EQUATIONS:
        for word in re.findall(r"[A-Za-z][A-Za-z0-9_]*'?", f"{equation.formula} {equation.complement}"):
            assert word in known, (equation.key, word)


def test_every_symbol_is_on_some_page() -> None:
    assert set().union(*(letters_of(equation) for equation in EQUATIONS)) == {s.letter for s in SYMBOLS}


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
