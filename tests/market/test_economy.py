"""The description by name: the page of the manual, and what is refused in which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oreflow.market.arrays import EconomyError, Status
from oreflow.market.economy import (
    Activity,
    Bids,
    Charge,
    Coupling,
    Economy,
    Group,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Power,
    Stepwise,
    Wedge,
    demand,
    linear_demand_system,
    shipment,
    solve,
    supply,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "market" / "economy.md"


def test_page_of_the_manual_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)  # noqa: S102 - the page's own examples
    assert "USD/kt" in capsys.readouterr().out


def test_all_problems_of_a_description_are_told_at_once() -> None:
    wrong = Economy(
        ("ore", "ore", Market("dump", disposal="burn")),  # type: ignore[arg-type]
        (
            Activity("idle", {}),
            Activity("make", {"oar": 1.0}, Linear(1.0, -2.0), capacity=-1.0),
            Activity("ship", {"ore": -1.0, "dump": float("nan")}, wedges=(Wedge("oxide", 0.1), Wedge("ore", -1.0))),
            supply("ore", Power(1.0, 1.0, 0.0), name="make"),
            supply("ore", Hyperbolic(1.0, 1.0, 0.0), name="near"),
            supply("ore", Stepwise(((1.0, 3.0), (1.0, 2.0))), name="steps"),
            demand("ore", Bids(((1.0, 2.0), (1.0, 3.0))), name="bids"),
            demand("ore", Isoelastic(1.0, 1.0, 0.5), name="use"),
            demand("ore", LinearDemand(1.0, 0.0), wedges=(Charge(float("inf")),), name="flat"),
        ),
        (Group("g", {"mak": 1.0}, float("inf")),),
        (Coupling("make", "nobody", 1.0),),
    )
    with pytest.raises(EconomyError) as caught:
        solve(wrong)
    text = str(caught.value)
    for message in (
        "market ore: the name is used 2 times; give each market its own",
        "market dump: disposal 'burn'; expected free, none or a cost",
        "activity make: the name is used 2 times",
        "activity idle: it neither uses nor makes anything",
        "activity make: unknown market oar; did you mean ore?",
        "activity make: capacity -1; expected 0 or more",
        "activity make: Linear with b = -2; expected a slope b of 0 or more",
        "activity ship: coefficient nan in dump; expected a finite number",
        "activity ship: wedge on oxide, which it neither buys nor sells",
        "activity ship: wedge of -1 on ore; expected above -1 on an input, below 1 on an output",
        "activity make: Power with n = 0; expected b of 0 or more and an exponent n above 0",
        "activity near: Hyperbolic with c = 0; expected b of 0 or more and a capacity c above 0",
        "activity steps: steps ((1.0, 3.0), (1.0, 2.0)) are out of order; expected rising cost",
        "activity bids: steps ((1.0, 2.0), (1.0, 3.0)) are out of order; expected falling bids",
        "activity use: Isoelastic with elasticity = 0.5; expected a positive price",
        "activity flat: LinearDemand with slope = 0; expected a positive slope",
        "activity flat: charge inf; expected a finite amount",
        "group g: unknown activity mak; did you mean make?",
        "group g: limit inf; expected finite numbers (leave out what never binds)",
        "coupling of make: unknown activity nobody",
    ):
        assert message in text, message


def test_names_that_are_asked_for_and_not_there() -> None:
    found = solve(Economy(("ore",), (supply("ore", 1.0), demand("ore", LinearDemand(5.0, 1.0)))))
    with pytest.raises(EconomyError, match=r"unknown market oar; did you mean ore\?"):
        found.price("oar")
    with pytest.raises(EconomyError, match="unknown group quota; expected one of "):
        found.group_rent("quota")
    with pytest.raises(EconomyError, match="demand that falls by 0 per unit of price; expected a positive coefficient"):
        LinearDemand.direct(10.0, 0.0)
    with pytest.raises(EconomyError, match="expected a square matrix with an inverse"):
        linear_demand_system(("a", "b"), (1.0, 1.0), ((-1.0, 1.0), (1.0, -1.0)))


def test_by_product_that_nobody_takes_has_the_price_at_which_nobody_makes_it() -> None:
    split = Activity("split", {"good": 1.0, "tailings": 1.0}, 1.0)
    markets = ("good", "left", Market("tailings", disposal="none"))
    found = solve(Economy(markets, (supply("good", 5.0), split, demand("good", LinearDemand(10.0, 1.0)))))
    assert found.status is Status.SOLVED
    assert found.solution.residual < 1e-9
    assert found.price("tailings") == pytest.approx(-4.0)
    assert found.price("left") == 0.0


@pytest.mark.parametrize("wanted", [True, False])
def test_shut_way_earns_the_gap_that_it_keeps_open(wanted: bool) -> None:
    go = shipment("good", "far", 0.5, name="go")
    activities = [supply("good", 5.0), demand("good", LinearDemand(10.0, 1.0)), go]
    activities += [demand("far", LinearDemand(20.0, 1.0))] if wanted else [supply("far", 30.0)]
    found = solve(Economy(("good", "far"), tuple(activities), (Group("shut", {"go": 1.0}, 0.0),)))
    assert found.status.ok
    assert found.solution.residual < 1e-9
    assert found.level("go") == pytest.approx(0.0, abs=1e-9)
    assert found.group_rent("shut") >= found.price("far") - 5.5 - 1e-9
    assert found.price("far") >= (20.0 - 1e-9 if wanted else 0.0)
