"""R1, R2, R4, R5: published spatial equilibria through the scripts in docs/reference."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "docs" / "reference"


def run(name: str) -> dict[str, Any]:
    return runpy.run_path(str(SCRIPTS / f"{name}.py"))


def test_scripts_are_short() -> None:
    for script in SCRIPTS.glob("*.py"):
        lines = [
            line for line in script.read_text().splitlines() if line.strip() and not line.startswith(("from", "import"))
        ]
        assert len(lines) <= 40, script.name
        assert max(map(len, lines)) <= 140, script.name


def test_r1_transport_cost_and_duals() -> None:
    out = run("r01_transport")
    result = out["result"]
    assert result.status.ok
    assert out["cost"] == pytest.approx(153.675, abs=1e-6)
    assert result.prices == pytest.approx(
        {"seattle": 0, "san-diego": 0, "new-york": 0.225, "chicago": 0.153, "topeka": 0.126}, abs=1e-9
    )
    assert result.level("seattle -> chicago") == pytest.approx(300, rel=1e-9)
    assert result.level("san-diego -> topeka") == pytest.approx(275, rel=1e-9)
    assert result.units["price"] == "k$/case"


def test_r2_transmcp_four_solves() -> None:
    out = run("r02_transmcp")
    expected = {"new-york": 0.225, "chicago": 0.153, "topeka": 0.126}
    for name in ("fixed", "flexible"):
        assert {m: out[name].price(m) for m in expected} == pytest.approx(expected, rel=1e-8)
        assert out[name].price("seattle") == pytest.approx(0, abs=1e-9)
    assert out["fixed_counterfactual"].price("chicago") == pytest.approx(0.0765, rel=1e-8)
    last = out["flexible_counterfactual"]
    assert last.price("chicago") == pytest.approx(0.134556, rel=1e-5)
    assert last.price("new-york") == pytest.approx(0.225, rel=1e-8)
    assert last.rent("supply seattle") + last.price("seattle") > 0.058
    assert last.price("seattle") == pytest.approx(0.058056, rel=1e-5)
    assert last.level("seattle -> chicago") == pytest.approx(350, rel=1e-8)
    assert last.level("san-diego -> new-york") == pytest.approx(325, rel=1e-8)


def test_r4_and_r5_takayama_judge() -> None:
    out = run("r04_spatial")
    r4, r5 = out["r4"], out["r5"]
    names = [f"com{c} R{r}" for c in (1, 2) for r in (1, 2, 3)]
    assert [r4.price(n) for n in names] == pytest.approx([11, 9, 10, 11.636364, 8.636364, 10.636364], rel=1e-6)
    assert [r4.level(f"demand {n}") for n in names] == pytest.approx(
        [101, 64, 90, 195.272727, 35.909091, 154.272727], rel=1e-7
    )
    assert [r4.level(f"supply {n}") for n in names] == pytest.approx(
        [65.5, 134.5, 55, 120.363636, 160.227273, 104.863636], rel=1e-7
    )
    assert r4.level("com2 R2 -> com2 R3") == pytest.approx(49.409091, rel=1e-6)
    bill = sum(rate * r4.level(f"com{c} R{i} -> com{c} R{j}") for c, i, j, rate in _links())
    assert bill == pytest.approx(429.545455, abs=1e-5)
    assert [r5.price(n) for n in names] == pytest.approx(
        [11.007104, 9.007104, 10.007104, 11.631691, 8.631691, 10.631691], rel=1e-6
    )
    assert [r5.level(f"demand {n}") for n in names] == pytest.approx(
        [101.560653, 63.596172, 90.574862, 194.690192, 36.373281, 153.690193], rel=1e-7
    )
    bill = sum(rate * r5.level(f"com{c} R{i} -> com{c} R{j}") for c, i, j, rate in _links())
    assert bill == pytest.approx(429.0919, abs=1e-4)
    for c, i, j, rate in _links():
        if r5.level(f"com{c} R{i} -> com{c} R{j}") > 1e-6:
            assert r5.price(f"com{c} R{j}") - r5.price(f"com{c} R{i}") == pytest.approx(rate, abs=1e-9)


def _links() -> list[tuple[int, int, int, float]]:
    rates = {(1, 2): (2, 3), (1, 3): (2, 3), (2, 3): (1, 2)}
    both = [(i, j, pair) for (a, b), pair in rates.items() for i, j in ((a, b), (b, a))]
    return [(c, i, j, float(pair[c - 1])) for i, j, pair in both for c in (1, 2)]
