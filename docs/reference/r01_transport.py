"""R1, Dantzig's transport problem (1963, ch. 3.3): cost 153.675 k$, prices .225, .153, .126."""

from oreflow.market.economy import Economy, Market, shipment, solve, supply

plants = {"seattle": 350, "san-diego": 600}
needs = {"new-york": 325, "chicago": 300, "topeka": 275}
miles = {"seattle": (2.5, 1.7, 1.8), "san-diego": (2.5, 1.8, 1.4)}
freight = {(p, m): 0.09 * d for p, row in miles.items() for m, d in zip(needs, row, strict=True)}

economy = Economy(
    markets=(*plants, *(Market(m, fixed=quantity) for m, quantity in needs.items())),
    activities=(
        *(supply(p, 0.0, capacity) for p, capacity in plants.items()),
        *(shipment(p, m, cost) for (p, m), cost in freight.items()),
    ),
    money="k$",
    quantity="case",
)
result = solve(economy)
cost = sum(c * result.level(f"{p} -> {m}") for (p, m), c in freight.items())
