"""Payments, receipts and welfare accounts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oreflow.market.economy import (
    Activity,
    Charge,
    Coupling,
    Economy,
    Equilibrium,
    Group,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Seller,
    Wedge,
    demand,
    linear_demand_system,
    shipment,
    solve,
    supply,
)
from oreflow.market.money import MoneyError, account_welfare, balance_by_actor, check_money, list_payments


def economy(rate: float = 0.3, levy: float = 1.0) -> Equilibrium:
    return solve(
        Economy(
            ("ore", "oxide", Market("tailings", disposal=0.5), "home", Market("city", fixed=1.0)),
            (
                supply("ore", Linear(1.0, 0.1), 40.0, owner="miner"),
                Activity(
                    "separate", {"ore": -1.0, "oxide": 0.6, "tailings": 0.4}, 2.0, 30.0,
                    owner="refiner", rent_to="province",
                ),
                shipment(
                    "oxide", "home", 1.0, owner="trader",
                    wedges=(Wedge("oxide", rate, "home state", base="cif"), Charge(levy, "warlord")),
                ),
                shipment("oxide", "city", 0.5, owner="trader"),
                demand("home", LinearDemand(40.0, 1.5), wedges=(Wedge("home", 0.1, "home state"),), owner="makers"),
                demand("oxide", Isoelastic(12.0, 5.0, -0.6), owner="locals"),
            ),
            (Group("licence", {"oxide -> home": 1.0}, 8.0, receiver="exporter state"),),
        )
    )  # fmt: skip


@pytest.mark.parametrize(("rate", "levy"), [(0.0, 0.0), (0.3, 1.0), (-0.2, 2.0)])
def test_money_balances_for_everyone(rate: float, levy: float) -> None:
    found = economy(rate, levy)
    assert found.status.ok
    assert check_money(found) < 1e-9
    assert sum(balance_by_actor(found).values()) == pytest.approx(0, abs=1e-9)


def test_receivers_get_what_the_formulae_say() -> None:
    found = economy()
    flow, price = found.level("oxide -> home"), found.price("oxide")
    wedges = {(p.receiver, p.activity): p.amount for p in list_payments(found) if p.what == "wedge"}
    assert wedges["home state", "oxide -> home"] == pytest.approx(0.3 * (price + 1.0) * flow, rel=1e-9)
    assert wedges["home state", "demand home"] == pytest.approx(0.1 * found.price("home") * flow, rel=1e-9)
    rents = {p.receiver: p.amount for p in list_payments(found) if "rent" in p.what}
    assert rents["exporter state"] == pytest.approx(8.0 * found.group_rent("licence"), rel=1e-9)
    assert found.group_rent("licence") > 0


def test_money_that_does_not_balance_is_named() -> None:
    found = economy()
    wrong = replace(found, solution=replace(found.solution, levels=found.solution.levels * 1.0))
    bad = wrong.solution.levels
    bad[found.layout.columns["separate"][0]] *= 1.01
    with pytest.raises(MoneyError, match=r"market (ore|oxide|tailings): receipts and payments differ"):
        check_money(wrong)
    prices = found.solution.prices.copy()
    prices[found.layout.markets["home"]] *= 1.01
    with pytest.raises(MoneyError, match=r"activity .*: revenue less cost, wedges, rents and mark-up"):
        check_money(replace(found, solution=replace(found.solution, prices=prices, levels=found.solution.levels)))


def test_small_policy_changes_welfare_by_its_harberger_triangle() -> None:
    """With d = 12 - p and s = p a specific tax t loses t^2/4 of the surplus 36."""

    def total(tax: float) -> float:
        out = solve(
            Economy(
                ("good",),
                (supply("good", Linear(0.0, 1.0)), demand("good", LinearDemand(12.0, 1.0), wedges=(Charge(tax),))),
            )
        )
        accounts = account_welfare(out)
        assert accounts.revenue.get("state", 0.0) == pytest.approx(tax * (12 - tax) / 2, abs=1e-9)
        return accounts.total

    assert total(0.0) == pytest.approx(36.0, rel=1e-9)
    assert total(0.0) - total(2.0) == pytest.approx(1.0, rel=1e-8)


def test_accounts_add_up_to_worth_less_resources() -> None:
    """Total welfare = area under demand - area under cost, whoever gets the transfers in between."""
    found = economy(0.3, 1.0)
    accounts = account_welfare(found)
    area = found.arrays.curves.integral(found.solution.levels)
    taxes = 1.0 * found.level("oxide -> home") + 0.3 * 1.0 * found.level("oxide -> home")
    expected = -float(area.sum()) + taxes - found.price("city") * 1.0 * -1.0
    assert accounts.total == pytest.approx(expected, rel=1e-9)


def test_mark_ups_and_couplings_are_followed_too() -> None:
    """A duopoly of substitutes on congested links: money balances, and the monopolist's gain is its mark-up."""
    uses, crossed = linear_demand_system(("x", "y"), (20.0, 30.0), ((-2.0, 0.5), (0.5, -1.5)))
    activities = (
        supply("plant", Linear(1.0, 0.1), owner="miner"),
        shipment("plant", "x", 0.5, name="to x", owner="trader"),
        shipment("plant", "y", Linear(0.5, 0.1), name="to y", owner="trader"),
    )
    found = solve(
        Economy(
            ("plant", "x", "y"), (*activities, *uses), couplings=(*crossed, Coupling("to y", "to x", 0.2)),
            sellers=(Seller("trader", ("to x", "to y")),),
        )
    )  # fmt: skip
    assert found.status.ok
    assert check_money(found) < 1e-9
    balance = balance_by_actor(found)
    assert sum(balance.values()) == pytest.approx(0.0, abs=1e-9)
    x, y = found.level("to x"), found.level("to y")
    margin = {"x": found.price("x") - found.price("plant") - 0.5, "y": found.price("y") - found.price("plant") - 0.5}
    spent = 0.1 * y * y + 0.2 * x * y
    assert balance["trader"] == pytest.approx(margin["x"] * x + margin["y"] * y - spent, rel=1e-9)
    accounts = account_welfare(found)
    inverse = np.linalg.inv([[-2.0, 0.5], [0.5, -1.5]])
    worth = -0.5 * np.array([x, y]) @ inverse @ np.array([x, y])
    assert sum(accounts.consumer_surplus.values()) == pytest.approx(worth, rel=1e-9)
