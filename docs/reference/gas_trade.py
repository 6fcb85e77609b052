"""The gas trade model of Manne and Beltramo (1984): hyperbolic supply, pipes with capacities, isoelastic demand."""

from oreflow.market.economy import Economy, Hyperbolic, Isoelastic, Market, demand, shipment, solve, supply

inf = float("inf")
sources = {  # price and quantity at two points, capacity
    "mexico": (0, 2.0, 0, 0.5, 2.5), "alberta": (0, 3.0, 0, 1.6, 3.75), "atlantic": (0, 0.25, 0, 0.03, 0.3),
    "appalachia": (3.5, 0.58, 7, 0.65, 0.72), "gulf": (3.5, 7.88, 7, 8.82, 9.75), "midcont": (3.5, 2.07, 7, 2.31, 2.55),
    "permian": (3.5, 1.39, 7, 1.55, 1.72), "rockies": (3.5, 1.16, 7, 1.3, 1.44), "pacific": (3.5, 0.42, 7, 0.47, 0.52),
}  # fmt: skip
fixed = {"mexico": 2.2, "west canada": 1.47, "quebec": 1.38, "atlantic": 0.2}
uses = {  # reference price and quantity, elasticity
    "new england": (9.37, 0.76, -0.6), "new york": (8.33, 1.18, -0.66), "mid atlantic": (8.26, 0.89, -0.65),
    "south atlantic": (8.07, 1.62, -0.89), "midwest": (8.01, 2.96, -0.65), "southwest": (7.29, 6.04, -0.84),
    "central": (7.79, 1.17, -0.67), "north central": (8.06, 1.51, -0.54), "west": (8.18, 2.1, -0.43),
    "northwest": (9.39, 0.36, -0.57),
}  # fmt: skip
pipes = """mexico>mexico .25 inf|mexico>new york 2.29 .067|mexico>mid atlantic 2.22 .067|mexico>south atlantic 2.03 .067
mexico>midwest 1.96 .067|mexico>west 2.13 .033|alberta>west canada .4 inf|alberta>quebec .9 inf|alberta>new england 1.15 .3
alberta>new york 1.1 .15|alberta>mid atlantic 1.1 .1|alberta>midwest .8 inf|alberta>central .8 inf
alberta>north central .65 inf|alberta>west .7 inf|alberta>northwest .65 inf|atlantic>atlantic 0 inf
atlantic>new england 1.5 inf|appalachia>mid atlantic .72 .34|appalachia>midwest .46 .35|gulf>new england 2.12 inf
gulf>new york 1.08 1.39|gulf>mid atlantic 1.01 1.06|gulf>south atlantic .82 2|gulf>midwest .75 2.62|gulf>southwest .04 3.73
midcont>midwest .86 .62|midcont>southwest .14 2.3|midcont>central .64 1.03|permian>midwest .77 .12
permian>southwest .05 1.45|permian>west .94 1.46|rockies>midwest .53 .48|rockies>central .31 .14|rockies>north central .58 inf
rockies>west .7 .1|rockies>northwest 1.91 inf|pacific>west .43 .48|alaska>midwest 6 .8"""
links = [part.rsplit(" ", 2) for part in pipes.replace("\n", "|").split("|")]

activities = [supply("from alaska", 2.0, 99.0, name="alaska")]
for name, (p1, q1, p2, q2, most) in sources.items():
    b = (p1 - p2) / (1 / (most - q1) - 1 / (most - q2))
    activities.append(supply(f"from {name}", Hyperbolic(round(p1 - b / (most - q1), 4), b, most), 0.99 * most, name=name))
for link, cost, room in links:
    origin, end = link.split(">")
    activities.append(shipment(f"from {origin}", f"to {end}", float(cost), float(room), name=link))
activities += [demand(f"to {name}", Isoelastic(*curve)) for name, curve in uses.items()]
markets = (*(f"from {s}" for s in (*sources, "alaska")), *(f"to {u}" for u in uses))
result = solve(Economy((*markets, *(Market(f"to {u}", fixed=q) for u, q in fixed.items())), tuple(activities)))
