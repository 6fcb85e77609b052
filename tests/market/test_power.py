"""Sellers with conjectures: closed forms, optimality of random oligopolies, and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest

from oreflow.market.arrays import EconomyError, Status
from oreflow.market.economy import (
    Activity,
    Constant,
    Economy,
    Equilibrium,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Power,
    Seller,
    SolveOptions,
    Wedge,
    demand,
    linear_demand_system,
    shipment,
    solve,
    supply,
)


def monopoly(*activities: Activity, seller: Seller) -> Equilibrium:
    found = solve(Economy(("good",), activities, sellers=(seller,)))
    assert found.status.ok
    return found


def test_murphy_sherali_and_soyster_five_firms() -> None:
    """Costs c q + concave or convex power terms, demand 5000 p^-1.1: the oligopoly of Math. Prog. 24 (1982)."""
    firms = {f"firm {k}": (10.0 - 2 * k, 1.2 - 0.1 * k) for k in range(5)}
    makers = [supply("good", Power(c, 5 ** (-1 / beta), 1 / beta), name=name) for name, (c, beta) in firms.items()]
    found = solve(
        Economy(
            ("good",),
            (*makers, demand("good", Isoelastic(1.0, 5000.0, -1.1))),
            sellers=tuple(Seller(name, (name,)) for name in firms),
        )
    )
    assert [found.level(name) for name in firms] == pytest.approx(
        [36.9325, 41.8181, 43.7066, 42.6592, 39.1790], abs=1e-4
    )


def test_monopolist_of_two_substitutes_counts_both() -> None:
    """Maximise (p - c)'(a + B p) with B that is not symmetric: (B + B') p = B'c - a."""
    a, b, c = np.array([20.0, 30.0]), np.array([[-2.0, 0.5], [0.8, -1.5]]), np.array([1.0, 2.0])
    uses, crossed = linear_demand_system(("x", "y"), a, b.tolist())
    makers = (supply("x", c[0]), supply("y", c[1]))
    trust = Seller("trust", ("supply x", "supply y"))
    found = solve(Economy(("x", "y"), (*makers, *uses), couplings=crossed, sellers=(trust,)))
    wanted = np.linalg.solve(b + b.T, b.T @ c - a)
    assert [found.price("x"), found.price("y")] == pytest.approx(wanted, rel=1e-9)


def test_taxes_on_the_seller_and_on_the_buyer() -> None:
    """P = 10 - q / 2, cost 2: a sales tax leaves 3/4 of revenue; a tax on use divides the price by 5/4."""
    use = LinearDemand(10.0, 0.5)
    sold = Activity("sell", {"good": 1.0}, 2.0, wedges=(Wedge("good", 0.25),))
    found = monopoly(sold, demand("good", use), seller=Seller("m", ("sell",)))
    assert found.level("sell") == pytest.approx(10 - 2 / 0.75, rel=1e-9)
    taxed = demand("good", use, wedges=(Wedge("good", 0.25),))
    found = monopoly(supply("good", 2.0), taxed, seller=Seller("m", ("supply good",)))
    assert found.level("supply good") == pytest.approx(7.5, rel=1e-9)


def test_units_of_activities_do_not_matter() -> None:
    """Two goods per unit of use, three per unit of making: P = 5 - q / 8, cost 1, so q = 16."""
    use = Activity("use", {"good": -2.0}, LinearDemand(10.0, 0.5))
    make = Activity("make", {"good": 3.0}, 3.0)
    found = monopoly(make, use, seller=Seller("m", ("make",)))
    assert found.level("make") == pytest.approx(16 / 3, rel=1e-9)


def test_fringe_of_price_takers_is_taken_as_given() -> None:
    fringe = supply("good", Linear(2.0, 1.0), name="fringe")
    use = demand("good", LinearDemand(10.0, 0.5))
    found = monopoly(supply("good", 1.0), fringe, use, seller=Seller("m", ("supply good",)))
    assert (found.level("supply good"), found.level("fringe")) == (pytest.approx(7.6), pytest.approx(2.8))


@pytest.mark.parametrize("elasticity", [-0.5, -0.9])
def test_inelastic_demand_with_a_choke_price_is_sold_up_to_it(elasticity: float) -> None:
    """Below elasticity one a monopolist raises the price to where demand would stop: the kink of its revenue."""
    use = demand("good", Isoelastic(5.0, 100.0, elasticity, choke=20.0))
    found = monopoly(supply("good", 1.0), use, seller=Seller("m", ("supply good",)))
    assert found.price("good") == pytest.approx(20.0, rel=1e-8)
    assert found.level("supply good") == pytest.approx(100 * 4.0**elasticity, rel=1e-8)


def test_traders_that_pass_through_need_a_stated_slope() -> None:
    """What the port pays is the city's price less freight, so its slope is the city's: P = 9 - q / 2, cost 2."""
    activities = (supply("port", 2.0), shipment("port", "city", 1.0), demand("city", LinearDemand(10.0, 0.5)))
    stated = Seller("m", ("supply port",), slopes={"port": 0.5})
    found = solve(Economy(("port", "city"), activities, sellers=(stated,)))
    assert found.level("supply port") == pytest.approx(7.0, rel=1e-9)
    with pytest.raises(
        EconomyError, match=r"port has no final demand, only port -> city take from it; state the slope"
    ):
        solve(Economy(("port", "city"), activities, sellers=(Seller("m", ("supply port",)),)))


def resale(**changes: bool) -> Economy:
    activities = (
        supply("a", 1.0), shipment("a", "hub", 0.25, name="trader"), shipment("hub", "b", 0.25, name="carrier"),
        shipment("a", "b", 0.5, name="own"), demand("a", LinearDemand(10.0, 0.5)), demand("b", LinearDemand(20.0, 0.5)),
    )  # fmt: skip
    return Economy(("a", "b", "hub"), activities, sellers=(Seller("m", ("supply a", "own"), **changes),))


def test_resale_between_a_sellers_markets_is_refused_unless_declared() -> None:
    with pytest.raises(EconomyError, match=r"seller m: trader takes its good from a towards b, where it sells too"):
        solve(resale())
    found = solve(resale(resale=True))
    assert found.status.ok
    assert found.price("b") <= found.price("a") + 0.5 + 1e-9


@pytest.mark.parametrize(
    ("sellers", "message"),
    [
        ((Seller("m", ("nobody",)),), "seller m: unknown activity nobody"),
        ((Seller("m", ("make",), -1.0),), r"seller m: conjecture -1; expected 0 \(price taker\) to 1"),
        ((Seller("m", ("make",)), Seller("n", ("make",))), "sellers m and n both have it"),
        ((Seller("m", ("make",), slopes={"god": 1.0}),), r"slope for the unknown market god; did you mean good\?"),
        ((Seller("m", ("use",)),), "seller m: its activities deliver nothing to a market with demand"),
        (
            (Seller("m", ("make",)), Seller("n", ("too",))),
            r"sellers m \(conjecture 1\), n \(conjecture 1\) are alone in good and the demand has elasticity -0.4",
        ),
    ],
)
def test_refusals(sellers: tuple[Seller, ...], message: str) -> None:
    activities = (
        supply("good", 1.0, name="make"),
        supply("good", 1.5, name="too"),
        demand("good", Isoelastic(5.0, 100.0, -0.4), name="use"),
    )
    with pytest.raises(EconomyError, match=message):
        solve(Economy(("good",), activities, sellers=sellers))


Demand = LinearDemand | Isoelastic


def draw_game(seed: int) -> tuple[Economy, list[Demand], float, int]:
    """Up to four firms with a plant each, up to four markets, capacities, chokes, every kind of cost."""
    rng = np.random.default_rng(seed)
    firms, places = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    conjecture = float(rng.choice([0.3, 0.7, 1.0]))
    price = 10 ** rng.uniform(0, 3)
    uses: list[Demand] = []
    for _ in range(places):
        quantity = 10 ** rng.uniform(0, 3)
        uses.append(
            [
                LinearDemand(2 * price, price / quantity),
                Isoelastic(price, quantity, -rng.uniform(conjecture * 1.1, 3.0)),
                Isoelastic(price, quantity, -rng.uniform(0.3, 2.5), choke=price * rng.uniform(1.5, 5)),
            ][rng.integers(0, 3)]
        )
    total = sum(d.choke / d.slope if isinstance(d, LinearDemand) else d.quantity for d in uses)
    activities: list[Activity] = []
    sellers = []
    for f in range(firms):
        c = price * rng.uniform(0.1, 0.8)
        curves = [
            Constant(c), Linear(c, c / total), Power(c, c / total**1.7, 1.7),
            Hyperbolic(c, 0.1 * c * total, total * rng.uniform(0.2, 2)),
        ]  # fmt: skip
        activities.append(supply(f"plant {f}", curves[rng.integers(0, 4)], total * rng.uniform(0.1, 2)))
        for m in range(places):
            room = np.inf if rng.random() < 0.7 else total * rng.uniform(0.05, 0.3)
            activities.append(shipment(f"plant {f}", f"place {m}", price * rng.uniform(0, 0.3), room))
        sellers.append(Seller(f"firm {f}", tuple(f"plant {f} -> place {m}" for m in range(places)), conjecture))
    activities += [demand(f"place {m}", use) for m, use in enumerate(uses)]
    markets = tuple(f"plant {f}" for f in range(firms)) + tuple(f"place {m}" for m in range(places))
    return Economy(markets, tuple(activities), sellers=tuple(sellers)), uses, conjecture, firms


def inverse_demand(use: Demand, quantity: float) -> tuple[float, float, float]:
    """Price, and its slope for a little more and for a little less (they differ where the choke price begins)."""
    if isinstance(use, LinearDemand):
        return use.choke - use.slope * quantity, -use.slope, -use.slope
    price = use.price * (quantity / use.quantity) ** (1 / use.elasticity)
    slope = price / (use.elasticity * quantity)
    if price > use.choke * (1 + 1e-9):
        return use.choke, 0.0, 0.0
    return (price, slope, slope) if price < use.choke * (1 - 1e-9) else (use.choke, slope, 0.0)


def test_random_oligopolies_earn_marginal_revenue_on_every_used_link(scale: int) -> None:
    for seed in range(20 * scale):
        economy, uses, conjecture, firms = draw_game(seed)
        found = solve(economy)
        assert found.status.ok, (seed, found.status, found.solution.cause)
        freight = {a.name: a.cost for a in economy.activities}
        for m, use in enumerate(uses):
            sold = found.level(f"demand place {m}")
            if sold <= 0:
                continue
            price, up, down = inverse_demand(use, sold)
            assert price == pytest.approx(found.price(f"place {m}"), rel=1e-6), seed
            for f in range(firms):
                link = f"plant {f} -> place {m}"
                own = found.level(link)
                cost = found.price(f"plant {f}") + float(freight[link]) + found.rent(link)  # type: ignore[arg-type]
                assert price + conjecture * up * own <= cost + 1e-6 * price, (seed, link)
                if own > 1e-9 * sold:
                    assert price + conjecture * down * own >= cost - 1e-6 * price, (seed, link)


def test_time_limit_holds_for_all_solves_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    economy = draw_game(256)[0]
    began = time.perf_counter()
    assert solve(economy).status.ok
    limit = 0.5 * (time.perf_counter() - began)
    began = time.perf_counter()
    found = solve(economy, options=SolveOptions(time_limit=limit))
    assert found.status is Status.TIME_LIMIT
    assert time.perf_counter() - began < 1.1 * limit + 0.02


def test_by_product_that_is_thrown_away_is_no_market_of_a_seller() -> None:
    """P = 10 - q / 2; a unit costs 2, and half a unit of waste 1 a unit: marginal cost 2.5, so q = 7.5."""
    make = Activity("make", {"good": 1.0, "waste": 0.5}, 2.0)
    use = demand("good", LinearDemand(10.0, 0.5))
    economy = Economy(("good", Market("waste", disposal=1.0)), (make, use), sellers=(Seller("m", ("make",)),))
    found = solve(economy)
    assert found.level("make") == pytest.approx(7.5, rel=1e-9)
    assert found.price("waste") == pytest.approx(-1.0, rel=1e-9)
