"""R4 and R5, Takayama and Judge's data (1964): own-price demand as in the library file, then true cross-price terms."""

from oreflow.market.economy import (
    Economy,
    Linear,
    LinearDemand,
    demand,
    linear_demand_system,
    linear_supply_system,
    shipment,
    solve,
    supply,
)

regions, goods = (1, 2, 3), (1, 2)
intercept = {1: (200, 300), 2: (100, 200), 3: (160, 250)}
use = {1: ((-10, 1), (1, -10)), 2: ((-5, 1), (1, -20)), 3: ((-8, 1), (1, -10))}
make = {1: ((10, 0.5), (0.5, 15)), 2: ((20, 0.5), (0.5, 25)), 3: ((10, 0.5), (0.5, 15))}
freight = {(1, 2): (2, 3), (1, 3): (2, 3), (2, 3): (1, 2)}
names = {r: [f"com{c} R{r}" for c in goods] for r in regions}
links = [
    shipment(f"com{c} R{i}", f"com{c} R{j}", rate)
    for (a, b), rates in freight.items()
    for i, j in ((a, b), (b, a))
    for c, rate in zip(goods, rates, strict=True)
]
markets = tuple(name for r in regions for name in names[r])

own = []  # R4: the library file multiplies both coefficients by the region's own price
for r in regions:
    for c, market in enumerate(names[r]):
        own.append(demand(market, LinearDemand.direct(intercept[r][c], -sum(use[r][c]))))
        slope = sum(make[r][c])
        own.append(supply(market, Linear((50, 60)[c] / slope, 1 / slope)))
r4 = solve(Economy(markets, (*own, *links)))

crossed, couplings = [], []  # R5: the intended model
for r in regions:
    for activities, terms in (
        linear_demand_system(names[r], intercept[r], use[r]),
        linear_supply_system(names[r], (-50, -60), make[r]),
    ):
        crossed += activities
        couplings += terms
r5 = solve(Economy(markets, (*crossed, *links), couplings=tuple(couplings)))
