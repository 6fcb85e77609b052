"""The script on four regimes of market power: optimality of each seller, and the order of prices and output."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "market_power.py"
SLOPES = {"a": 1.0, "b": 0.5}


@pytest.fixture(scope="module")
def out() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize(
    ("name", "conjecture", "together"),
    [("competition", 0.0, False), ("halfway", 0.5, False), ("cournot", 1.0, False), ("monopoly", 1.0, True)],
)
def test_every_used_link_earns_its_marginal_revenue(
    out: dict[str, Any], name: str, conjecture: float, together: bool
) -> None:
    found = out[name]
    assert found.status.ok
    for (plant, place), freight in out["freight"].items():
        link = f"{plant} -> {place}"
        sold = found.level(f"demand {place}") if together else found.level(link)
        revenue = found.price(place) - conjecture * SLOPES[place] * sold
        margin = revenue - found.price(plant) - freight - found.rent(link)
        assert margin <= 1e-7
        assert margin * found.level(link) == pytest.approx(0.0, abs=1e-6)
    south = sum(found.level(f"south -> {place}") for place in SLOPES)
    assert found.price("south") == pytest.approx(1.0 + 4.0 / (20.0 - south), rel=1e-7)
    north = sum(found.level(f"north -> {place}") for place in SLOPES)
    assert found.price("north") == pytest.approx(1.0 + 0.2 * north, rel=1e-7)


def test_more_power_means_less_output(out: dict[str, Any]) -> None:
    regimes = [out[name] for name in ("competition", "halfway", "cournot", "monopoly")]
    sold = [sum(found.level(f"demand {place}") for place in SLOPES) for found in regimes]
    assert sold == sorted(sold, reverse=True)
    assert sold[0] > sold[1] > sold[2] > sold[3]
    assert out["competition"].level("south -> b") == pytest.approx(12.0)  # the link's capacity binds
