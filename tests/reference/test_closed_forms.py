"""Closed forms: tariffs, quotas, market power, Hotelling, stocks, lead time."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oreflow.market.arrays import EconomyError
from oreflow.market.economy import (
    Activity,
    Bids,
    Charge,
    Constant,
    Coupling,
    Economy,
    Equilibrium,
    Group,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Power,
    Seller,
    Stepwise,
    Wedge,
    demand,
    shipment,
    solve,
    supply,
)


def two_countries(*wedges: Wedge | Charge, groups: tuple[Group, ...] = ()) -> Equilibrium:
    """Foreign supply p = q (elastic 1 at every point), home demand p = 12 - d."""
    return solve(
        Economy(
            ("foreign", "home"),
            (
                supply("foreign", Linear(0.0, 1.0)),
                shipment("foreign", "home", 0.0, wedges=wedges),
                demand("home", LinearDemand(12.0, 1.0)),
            ),
            groups,
        )
    )


@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
def test_ad_valorem_tariff_closed_form_and_specific_equivalence(rate: float) -> None:
    found = two_countries(Wedge("foreign", rate))
    price = 12 / (2 + rate)
    assert found.price("foreign") == pytest.approx(price, rel=1e-9)
    assert found.price("home") == pytest.approx((1 + rate) * price, rel=1e-9)
    same = two_countries(Charge(rate * price))
    assert same.price("home") == pytest.approx(found.price("home"), rel=1e-9)


def test_optimal_tariff_is_one_over_the_foreign_supply_elasticity() -> None:
    def welfare(rate: float) -> float:
        out = two_countries(Wedge("foreign", rate))
        quantity = out.level("foreign -> home")
        return quantity**2 / 2 + rate * out.price("foreign") * quantity

    rates = np.linspace(0.9, 1.1, 21)
    assert rates[int(np.argmax([welfare(r) for r in rates]))] == pytest.approx(1.0, abs=0.011)


def test_quota_earns_the_rent_of_the_equivalent_tariff() -> None:
    tariff = two_countries(Charge(2.0))
    quantity = tariff.level("foreign -> home")
    quota = two_countries(groups=(Group("quota", {"foreign -> home": 1.0}, quantity),))
    slack = two_countries(groups=(Group("quota", {"foreign -> home": 1.0}, 1.0),))
    assert quota.price("home") == pytest.approx(tariff.price("home"), rel=1e-9)
    assert slack.group_rent("quota") == pytest.approx(10.0, rel=1e-9)
    licensed = two_countries(groups=(Group("quota", {"foreign -> home": 1.0}, quantity - 1e-6),))
    assert licensed.group_rent("quota") == pytest.approx(2.0, abs=1e-5)


def test_cif_base_charges_the_freight_too() -> None:
    economy = Economy(
        ("foreign", "home"),
        (
            supply("foreign", 10.0),
            shipment("foreign", "home", 2.0, wedges=(Wedge("foreign", 0.5, base="cif"),)),
            demand("home", LinearDemand(100.0, 1.0)),
        ),
    )
    assert solve(economy).price("home") == pytest.approx(18.0, rel=1e-9)


def oligopoly(firms: int, conjecture: float, curve: LinearDemand | Isoelastic, cost: float) -> Equilibrium:
    makers = tuple(supply("good", Constant(cost), name=f"firm {k}") for k in range(firms))
    sellers = tuple(Seller(f"firm {k}", (f"firm {k}",), conjecture) for k in range(firms))
    return solve(Economy(("good",), (*makers, demand("good", curve)), sellers=sellers))


@pytest.mark.parametrize("firms", [1, 2, 5])
@pytest.mark.parametrize("conjecture", [0.0, 0.5, 1.0])
def test_linear_cournot_closed_form(firms: int, conjecture: float) -> None:
    found = oligopoly(firms, conjecture, LinearDemand(10.0, 0.5), 4.0)
    each = (10 - 4) / (0.5 * (firms + conjecture))
    assert found.price("good") == pytest.approx(10 - 0.5 * firms * each, rel=1e-9)


@pytest.mark.parametrize(("firms", "elasticity"), [(1, -2.0), (1, -1.3), (2, -0.9), (4, -0.5)])
def test_isoelastic_cournot_closed_form(firms: int, elasticity: float) -> None:
    found = oligopoly(firms, 1.0, Isoelastic(5.0, 100.0, elasticity), 4.0)
    assert found.status.ok
    assert found.price("good") == pytest.approx(4.0 / (1 + 1 / (firms * elasticity)), rel=1e-8)


def test_sole_seller_of_inelastic_demand_is_refused() -> None:
    with pytest.raises(EconomyError, match="no interior solution exists; state a choke price"):
        oligopoly(1, 1.0, Isoelastic(5.0, 100.0, -0.8), 4.0)
    with pytest.raises(EconomyError, match="stepwise and has no slope"):
        solve(
            Economy(
                ("good",),
                (supply("good", 1.0), demand("good", Bids(((1.0, 5.0),)))),
                sellers=(Seller("s", ("supply good",)),),
            )
        )


def test_monopolist_over_two_plants_and_two_markets_equates_marginal_revenue() -> None:
    names = [(plant, place) for plant in ("p", "q") for place in ("a", "b")]
    cost = {("p", "a"): 1.0, ("p", "b"): 2.0, ("q", "a"): 2.5, ("q", "b"): 1.0}
    economy = Economy(
        ("p", "q", "a", "b"),
        (
            supply("p", Linear(1.0, 0.2)),
            supply("q", Linear(2.0, 0.1)),
            *(shipment(i, j, cost[i, j]) for i, j in names),
            demand("a", LinearDemand(20.0, 1.0)),
            demand("b", LinearDemand(15.0, 0.5)),
        ),
        sellers=(Seller("m", tuple(f"{i} -> {j}" for i, j in names)),),
    )
    out = solve(economy)
    for place, (choke, slope) in {"a": (20, 1.0), "b": (15, 0.5)}.items():
        sold = out.level(f"demand {place}")
        revenue = choke - 2 * slope * sold
        for plant in ("p", "q"):
            margin = cost[plant, place] + out.price(plant) - revenue
            assert margin >= -1e-9
            assert margin * out.level(f"{plant} -> {place}") == pytest.approx(0, abs=1e-7)


def test_asymmetric_link_costs_by_coupling() -> None:
    """The cost of each link rises with the other link's flow, one way only."""
    economy = Economy(
        ("o", "d"),
        (
            supply("o", 0.0),
            shipment("o", "d", Linear(1.0, 1.0), name="one"),
            shipment("o", "d", Linear(2.0, 1.0), name="two"),
            demand("d", LinearDemand(10.0, 1.0)),
        ),
        couplings=(Coupling("one", "two", 0.5),),
    )
    out = solve(economy)
    x, y = out.level("one"), out.level("two")
    assert 1 + x + 0.5 * y == pytest.approx(out.price("d"), rel=1e-9)
    assert 2 + y == pytest.approx(out.price("d"), rel=1e-9)
    assert x + y == pytest.approx(10 - out.price("d"), rel=1e-9)


def test_hyperbolic_and_power_supply_with_link_capacity() -> None:
    economy = Economy(
        ("o", "d"),
        (
            supply("o", Hyperbolic(1.0, 2.0, 10.0), name="mine"),
            supply("d", Power(2.0, 0.5, 2.0), name="local"),
            shipment("o", "d", 1.0, 4.0, name="road"),
            demand("d", LinearDemand(30.0, 1.0)),
        ),
    )
    out = solve(economy)
    assert out.level("road") == pytest.approx(4.0, rel=1e-9)
    assert out.price("o") == pytest.approx(1 + 2 / 6, rel=1e-9)
    assert 2 + 0.5 * out.level("local") ** 2 == pytest.approx(out.price("d"), rel=1e-9)
    assert out.rent("road") == pytest.approx(out.price("d") - out.price("o") - 1, rel=1e-9)


def test_steps_chokes_and_disposal() -> None:
    economy = Economy(
        ("ore", "good", Market("waste", disposal=3.0)),
        (
            supply("ore", Stepwise(((2.0, 1.0), (3.0, 4.0)))),
            Activity("separate", {"ore": -1.0, "good": 0.5, "waste": 0.5}, 0.5),
            demand("good", Isoelastic(10.0, 1.0, -0.5, choke=12.0)),
        ),
    )
    out = solve(economy)
    assert out.price("waste") == pytest.approx(-3.0, rel=1e-9)
    assert out.level("demand good") == pytest.approx((12.0 / 10) ** -0.5, rel=0.1)
    assert out.price("good") == pytest.approx((out.price("ore") + 0.5 + 1.5) / 0.5, rel=1e-9)
    dear = solve(economy.with_activities(supply("ore", 7.0)))
    assert dear.level("demand good") == pytest.approx(0, abs=1e-12)


def hotelling(rate: float = 0.1, stock: float = 20.0, periods: int = 3) -> Equilibrium:
    left = tuple(f"ground {t}" for t in range(periods))
    return solve(
        Economy(
            (Market("ground 0", fixed=-stock), *left[1:], *(f"market {t}" for t in range(periods))),
            (
                *(shipment(f"ground {t}", f"market {t}", name=f"extract {t}") for t in range(periods)),
                *(shipment(left[t], left[t + 1], name=f"keep {t}") for t in range(periods - 1)),
                *(
                    demand(f"market {t}", LinearDemand(15.0 * (1 + rate) ** -t, (1 + rate) ** -t))
                    for t in range(periods)
                ),
            ),
        )
    )


def test_hotelling_rule() -> None:
    out = hotelling()
    undiscounted = [out.price(f"market {t}") * 1.1**t for t in range(3)]
    assert undiscounted[1] / undiscounted[0] == pytest.approx(1.1, rel=1e-9)
    assert undiscounted[2] / undiscounted[1] == pytest.approx(1.1, rel=1e-9)
    assert sum(out.level(f"extract {t}") for t in range(3)) == pytest.approx(20.0, rel=1e-9)


@pytest.mark.parametrize(("second", "held"), [(30.0, True), (8.0, False)])
def test_stock_arbitrage(second: float, held: bool) -> None:
    """Prices in present value; a stock is held only where the price grows by interest plus holding cost."""
    discount, holding = 1 / 1.05, 0.5
    out = solve(
        Economy(
            ("now", "later"),
            (
                supply("now", Linear(1.0, 0.5)),
                supply("later", Linear(discount, 0.5 * discount)),
                shipment("now", "later", holding, name="store"),
                demand("now", LinearDemand(10.0, 1.0)),
                demand("later", LinearDemand(second * discount, discount)),
            ),
        )
    )
    growth = out.price("later") - out.price("now") - holding
    assert (out.level("store") > 1e-6) == held
    assert growth <= 1e-9
    assert (abs(growth) < 1e-9) == held


def test_no_effect_of_capacity_before_its_lead_time() -> None:
    def path(added: float) -> list[float]:
        activities = []
        for t in range(4):
            activities.append(supply(f"t{t}", Constant(1.0), 5.0, name=f"old {t}"))
            if t >= 2 and added:
                activities.append(supply(f"t{t}", Constant(1.0), added, name=f"new {t}"))
            activities.append(demand(f"t{t}", LinearDemand(20.0, 1.0)))
        out = solve(Economy(tuple(f"t{t}" for t in range(4)), tuple(activities)))
        return [out.price(f"t{t}") for t in range(4)]

    without, added = path(0.0), path(3.0)
    assert added[:2] == pytest.approx(without[:2], rel=1e-12)
    assert added[2:] == pytest.approx([12.0, 12.0], rel=1e-9)


def script(name: str) -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).resolve().parents[2] / "docs" / "reference" / f"{name}.py"))


def test_script_tariff_tax_quota_and_optimal_tariff() -> None:
    out = script("tariff")
    assert out["free"].price("home") == pytest.approx(6.0, rel=1e-9)
    assert out["ad_valorem"].price("foreign") == pytest.approx(12 / 2.5, rel=1e-9)
    for other in ("specific", "quota"):
        assert out[other].price("home") == pytest.approx(out["ad_valorem"].price("home"), rel=1e-9)
    assert out["licensed"].group_rent("quota") == pytest.approx(0.5 * out["ad_valorem"].price("foreign"), abs=1e-6)
    assert out["best"] == pytest.approx(1.0)


def test_script_cournot_closed_forms() -> None:
    out = script("cournot")
    for (n, theta), found in out["linear"].items():
        assert found.level("firm 0") == pytest.approx(6 / (0.5 * (n + theta)), rel=1e-9)
    for (n, e), found in out["isoelastic"].items():
        assert found.price("good") == pytest.approx(4 / (1 - 1 / (n * e)), rel=1e-8)
    assert out["choked"].price("good") == pytest.approx(20.0, rel=1e-8)
    assert out["choked"].level("firm 0") == pytest.approx(50.0, rel=1e-8)


def test_script_hotelling_stockpile_and_lead_time() -> None:
    out = script("over_time")
    undiscounted = [out["hotelling"].price(f"t{t}") * 1.1**t for t in range(4)]
    assert np.diff(np.log(undiscounted)) == pytest.approx(np.log(1.1), rel=1e-9)
    assert sum(out["hotelling"].level(f"dig {t}") for t in range(4)) == pytest.approx(20.0, rel=1e-9)
    held, empty = out["held"], out["empty"]
    assert held.level("store") > 1e-3
    assert held.price("later") == pytest.approx(held.price("now") + 0.5, rel=1e-9)
    assert empty.level("store") == pytest.approx(0.0, abs=1e-9)
    assert empty.price("later") < empty.price("now") + 0.5
    before, after = out["without"], out["added"]
    for t in range(4):
        gap = before.price(f"t{t}") - after.price(f"t{t}")
        assert gap == pytest.approx(0.0 if t < 2 else 3.0 * 1.1**-t, abs=1e-9)
