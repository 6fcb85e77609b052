"""n firms with conjecture theta: closed forms for linear and for isoelastic demand, and a monopolist of a choked one.

Linear P = a - b Q at cost c: each sells (a - c) / (b (n + theta)). Isoelastic with elasticity -e: the price is
c / (1 - theta / (n e)). With e below theta / n there is no such price; demand is then sold up to its choke price.
"""

from oreflow.market.economy import Economy, Isoelastic, LinearDemand, Seller, demand, solve, supply


def oligopoly(firms, conjecture, curve, cost):
    """The equilibrium of some firms alike."""
    names = [f"firm {k}" for k in range(firms)]
    makers = [supply("good", cost, name=name) for name in names]
    sellers = tuple(Seller(name, (name,), conjecture) for name in names)
    return solve(Economy(("good",), (*makers, demand("good", curve)), sellers=sellers))


linear = {(n, theta): oligopoly(n, theta, LinearDemand(10.0, 0.5), 4.0) for n in (1, 2, 5) for theta in (0.0, 0.5, 1.0)}
isoelastic = {(n, e): oligopoly(n, 1.0, Isoelastic(5.0, 100.0, -e), 4.0) for n, e in ((1, 2.0), (2, 0.9), (4, 0.5))}
choked = oligopoly(1, 1.0, Isoelastic(5.0, 100.0, -0.5, choke=20.0), 4.0)
