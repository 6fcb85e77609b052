"""R5, Takayama and Judge's data (1964) with true cross-price terms in demand and in supply: the intended model."""

from oreflow.market.economy import Economy, linear_demand_system, linear_supply_system, shipment, solve

regions, goods = (1, 2, 3), (1, 2)
intercept = {1: (200, 300), 2: (100, 200), 3: (160, 250)}
use = {1: ((-10, 1), (1, -10)), 2: ((-5, 1), (1, -20)), 3: ((-8, 1), (1, -10))}
make = {1: ((10, 0.5), (0.5, 15)), 2: ((20, 0.5), (0.5, 25)), 3: ((10, 0.5), (0.5, 15))}
freight = {(1, 2): (2, 3), (1, 3): (2, 3), (2, 3): (1, 2)}
names = {r: [f"com{c} R{r}" for c in goods] for r in regions}
links = {
    (f"com{c} R{i}", f"com{c} R{j}"): rate
    for (a, b), rates in freight.items()
    for i, j in ((a, b), (b, a))
    for c, rate in zip(goods, rates, strict=True)
}

activities, couplings = [shipment(i, j, rate) for (i, j), rate in links.items()], []
for r in regions:
    for side, terms in (
        linear_demand_system(names[r], intercept[r], use[r]),
        linear_supply_system(names[r], (-50, -60), make[r]),
    ):
        activities += side
        couplings += terms
r5 = solve(Economy(tuple(name for r in regions for name in names[r]), tuple(activities), couplings=tuple(couplings)))
bill = sum(rate * r5.level(f"{i} -> {j}") for (i, j), rate in links.items())
