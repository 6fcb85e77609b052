"""Four regimes on one network: price takers, conjectures of one half, Cournot, and one monopolist over both plants."""

from oreflow.market.economy import Economy, Hyperbolic, Linear, LinearDemand, Seller, demand, shipment, solve, supply

freight = {("north", "a"): 1.0, ("north", "b"): 2.0, ("south", "a"): 2.5, ("south", "b"): 1.0}
links = [shipment(i, j, cost, 12.0 if (i, j) == ("south", "b") else float("inf")) for (i, j), cost in freight.items()]
activities = (
    supply("north", Linear(1.0, 0.2)),
    supply("south", Hyperbolic(1.0, 4.0, 20.0)),
    *links,
    demand("a", LinearDemand(20.0, 1.0)),
    demand("b", LinearDemand(15.0, 0.5)),
)
routes = {plant: tuple(link.name for link in links if link.name.startswith(plant)) for plant in ("north", "south")}


def regime(*sellers):
    """The equilibrium with these sellers; everybody else takes prices."""
    return solve(Economy(("north", "south", "a", "b"), activities, sellers=sellers))


competition = regime()
halfway = regime(*(Seller(plant, names, 0.5) for plant, names in routes.items()))
cournot = regime(*(Seller(plant, names, 1.0) for plant, names in routes.items()))
monopoly = regime(Seller("trust", routes["north"] + routes["south"], 1.0))
