"""Time as commodities: Hotelling's rule, a stockpile's arbitrage, and capacity that comes with a lead time.

Prices are in present value: a resource that may wait has one price, so its undiscounted price grows by the rate of
interest; a stock is held only where the price grows by interest and storage; what is decided now changes nothing before
it is built.
"""

from oreflow.market.economy import Economy, Linear, LinearDemand, Market, demand, shipment, solve, supply

periods, rate = range(4), 0.1
discount = [(1 + rate) ** -t for t in periods]
uses = [demand(f"t{t}", LinearDemand(15.0 * discount[t], discount[t])) for t in periods]
markets = tuple(f"t{t}" for t in periods)

digging = [shipment("ground", f"t{t}", name=f"dig {t}") for t in periods]
hotelling = solve(Economy((Market("ground", fixed=-20.0), *markets), (*digging, *uses)))


def storage(growth, cost=0.5):
    """Two years' supply and demand, the second year's demand larger by `growth`, with a store between them."""
    activities = (
        supply("now", Linear(1.0, 0.5)),
        supply("later", Linear(discount[1], 0.5 * discount[1])),
        shipment("now", "later", cost, name="store"),
        demand("now", LinearDemand(10.0, 1.0)),
        demand("later", LinearDemand((10.0 + growth) * discount[1], discount[1])),
    )
    return solve(Economy(("now", "later"), activities))


held, empty = storage(20.0), storage(-2.0)


def building(added, lead=2):
    """Capacity of 5 from the start, and more from period `lead` on."""
    old = [supply(f"t{t}", discount[t], 5.0, name=f"old {t}") for t in periods]
    new = [supply(f"t{t}", discount[t], added, name=f"new {t}") for t in periods if t >= lead]
    return solve(Economy(markets, (*old, *new, *uses)))


without, added = building(0.0), building(3.0)
