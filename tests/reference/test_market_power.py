"""Harker's four regimes: every equation of his model at the answers of the script, and the order of the regimes."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from oreflow.market.economy import Equilibrium

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "market_power.py"


@pytest.fixture(scope="module")
def out() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def met(gap: float, level: float) -> bool:
    """True where a gap that must not be negative is nil wherever there is something."""
    return gap >= -1e-7 and abs(gap * level) <= 1e-5


@pytest.mark.parametrize(
    ("name", "nu_factor", "monopoly"),
    [("competition", 1, False), ("own_transport", 3, True), ("average_transport", 1, True)],
)
def test_one_good_on_the_network(out: dict[str, Any], name: str, nu_factor: float, monopoly: bool) -> None:
    found: Equilibrium = out[name]
    assert found.status.ok
    for r, (alpha, beta, rho, eta) in out["regions"].items():
        made, sold = found.level(f"supply {r}"), found.level(f"demand {r}")
        price = rho - eta * sold
        assert found.price(f"use {r}") == pytest.approx(price, rel=1e-8)
        assert met(alpha + 2 * beta * made - found.price(r), made)
        assert found.level(f"sell {r}") == pytest.approx(sold, rel=1e-8)
        assert met(found.price(r) - (price - (eta * sold if monopoly else 0.0)), sold)
    for (i, j), (kappa, nu) in out["arcs"].items():
        flow = found.level(f"{i} -> {j}")
        assert met(found.price(i) + kappa + nu_factor * nu * flow**2 - found.price(j), flow), (i, j)


def test_oligopoly_on_shared_arcs(out: dict[str, Any]) -> None:
    found: Equilibrium = out["oligopoly"]
    assert found.status.ok
    for r, (alpha, beta, _, _) in out["regions"].items():
        made = found.level(f"supply {r}")
        assert met(alpha + 2 * beta * made - found.price(f"{r} at {r}"), made)
        for s, (_, _, rho, eta) in out["regions"].items():
            own, price = found.level(f"{r} sells at {s}"), rho - eta * found.level(f"demand {s}")
            assert found.price(f"use {s}") == pytest.approx(price, rel=1e-8)
            assert met(found.price(f"{r} at {s}") - (price - eta * own), own), (r, s)
        for (i, j), (kappa, nu) in out["arcs"].items():
            total = sum(found.level(f"{q}: {i}-{j}") for q in out["regions"])
            gap = found.price(f"{r} at {i}") + kappa + nu * total**2 - found.price(f"{r} at {j}")
            assert met(gap, found.level(f"{r}: {i}-{j}")), (r, i, j)


def test_numbers_of_the_four_regimes(out: dict[str, Any]) -> None:
    """Supply by region, as solved here; each regime's conditions have one solution."""
    for name, supplies in {
        "competition": (15.580174, 30.820431, 31.688012),
        "own_transport": (13.337419, 30.419964, 24.300256),
        "average_transport": (13.662290, 30.372910, 24.696336),
        "oligopoly": (13.859603, 30.434367, 24.601443),
    }.items():
        assert [out[name].level(f"supply {r}") for r in out["regions"]] == pytest.approx(supplies, rel=1e-6), name


def test_power_means_less_output(out: dict[str, Any]) -> None:
    sold = {
        name: sum(out[name].level(f"demand {r}") for r in out["regions"])
        for name in ("competition", "oligopoly", "average_transport", "own_transport")
    }
    assert sorted(sold, key=sold.__getitem__, reverse=True) == list(sold)
