"""R4, Takayama and Judge's data (1964) as in the GAMS library file: both coefficients times the region's own price."""

from oreflow.market.economy import Economy, Linear, LinearDemand, demand, shipment, solve, supply

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

sides = []
for r in regions:
    for c, market in enumerate(names[r]):
        sides.append(demand(market, LinearDemand.direct(intercept[r][c], -sum(use[r][c]))))
        slope = sum(make[r][c])
        sides.append(supply(market, Linear((50, 60)[c] / slope, 1 / slope)))
r4 = solve(Economy(markets, (*sides, *links)))
