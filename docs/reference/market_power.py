"""Harker's network (1986): competition, monopoly with its own and with others' transport, and oligopoly.

Linear supply at three regions, linear demand there, arcs with cost kappa + nu x^2 (average) or kappa + 3 nu x^2
(marginal). In the oligopoly each producer ships its own good over arcs whose cost depends on all that goes over them.
"""

from oreflow.market.economy import Activity, Economy, Linear, LinearDemand, Power, Seller, demand, shipment, solve, supply

regions = {"one": (1, 0.5, 19, 0.2), "two": (2, 0.4, 27, 0.01), "three": (1.5, 0.3, 30, 0.3)}  # alpha, beta, rho, eta
arcs = {
    ("one", "four"): (1, 0.5), ("one", "five"): (2, 0.2), ("two", "six"): (3, 0.3), ("three", "six"): (1, 0.4),
    ("four", "one"): (2, 0.3), ("four", "five"): (1, 0.1), ("four", "six"): (1, 0.1), ("five", "one"): (3, 0.5),
    ("five", "four"): (2, 0.2), ("five", "six"): (1, 1.0), ("six", "two"): (2, 0.25), ("six", "three"): (2, 0.2),
    ("six", "four"): (1, 0.9), ("six", "five"): (3, 0.8),
}  # fmt: skip
nodes = (*regions, "four", "five", "six")
uses = [demand(f"use {r}", LinearDemand(rho, eta), name=f"demand {r}") for r, (_, _, rho, eta) in regions.items()]
shops = tuple(f"use {r}" for r in regions)


def network(nu_factor, *sellers):
    """One good on the network; `nu_factor` 1 charges the average cost of an arc, 3 the marginal one."""
    made = [supply(r, Linear(alpha, 2 * beta)) for r, (alpha, beta, _, _) in regions.items()]
    links = [shipment(i, j, Power(kappa, nu_factor * nu, 2)) for (i, j), (kappa, nu) in arcs.items()]
    sales = [shipment(r, f"use {r}", name=f"sell {r}") for r in regions]
    return solve(Economy((*nodes, *shops), (*made, *links, *sales, *uses), sellers=sellers))


firm = Seller("firm", tuple(f"sell {r}" for r in regions))
competition, own_transport, average_transport = network(1), network(3, firm), network(1, firm)

roads = [supply(f"{i}-{j}", Power(kappa, nu, 2)) for (i, j), (kappa, nu) in arcs.items()]
own = [supply(f"{r} at {r}", Linear(alpha, 2 * beta), name=f"supply {r}") for r, (alpha, beta, _, _) in regions.items()]
moves = [Activity(f"{r}: {i}-{j}", {f"{r} at {i}": -1, f"{r} at {j}": 1, f"{i}-{j}": -1}) for r in regions for i, j in arcs]
sales = [shipment(f"{r} at {s}", f"use {s}", name=f"{r} sells at {s}") for r in regions for s in regions]
places = (*(f"{r} at {n}" for r in regions for n in nodes), *(f"{i}-{j}" for i, j in arcs), *shops)
sellers = tuple(Seller(r, tuple(f"{r} sells at {s}" for s in regions)) for r in regions)
oligopoly = solve(Economy(places, (*roads, *own, *moves, *sales, *uses), sellers=sellers))
