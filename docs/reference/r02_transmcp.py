"""R2, Dantzig's problem with price-responsive demand (transmcp): four solves in order."""

from oreflow.market.economy import Economy, Isoelastic, Market, demand, shipment, solve, supply

plants = {"seattle": 350, "san-diego": 600}
needs = {"new-york": 325, "chicago": 300, "topeka": 275}
elasticity = {"new-york": -1.5, "chicago": -1.2, "topeka": -2.0}
cost = {"seattle": (0.225, 0.153, 0.162), "san-diego": (0.225, 0.162, 0.126)}


def economy(freight, reference_prices=None):
    """The plants and links, with fixed demand or with demand through the reference prices."""
    links = [shipment(p, m, c) for p, row in freight.items() for m, c in zip(needs, row, strict=True)]
    made = [supply(p, 0.0, capacity) for p, capacity in plants.items()]
    if reference_prices is None:
        return Economy((*plants, *(Market(m, fixed=q) for m, q in needs.items())), (*made, *links))
    uses = [demand(m, Isoelastic(reference_prices[m], q, elasticity[m])) for m, q in needs.items()]
    return Economy((*plants, *needs), (*made, *links, *uses))


cheaper = cost | {"seattle": (0.225, 0.0765, 0.162)}
fixed = solve(economy(cost))
flexible = solve(economy(cost, fixed.prices))
fixed_counterfactual = solve(economy(cheaper))
flexible_counterfactual = solve(economy(cheaper, fixed.prices))
