"""Two countries: an ad-valorem tariff, the specific tax and the quota that do the same, and the optimal tariff.

Foreign supply p = q, home demand p = 12 - d: at rate t the foreign price is 12 / (2 + t), the optimal tariff is one
over the foreign supply elasticity (here 1), and the licences of the equivalent quota are worth what the tariff collects.
"""

from oreflow.market.economy import Charge, Economy, Group, Linear, LinearDemand, Wedge, demand, shipment, solve, supply
from oreflow.market.money import account_welfare


def trade(*wedges, quota=None):
    """The equilibrium with these charges on imports, and with an import quota if there is one."""
    activities = (
        supply("foreign", Linear(0.0, 1.0), owner="foreigners"),
        shipment("foreign", "home", wedges=wedges, name="imports"),
        demand("home", LinearDemand(12.0, 1.0), owner="home"),
    )
    groups = () if quota is None else (Group("quota", {"imports": 1.0}, quota, receiver="home"),)
    return solve(Economy(("foreign", "home"), activities, groups))


def welfare(rate):
    """Consumer surplus and tariff revenue of the home country."""
    accounts = account_welfare(trade(Wedge("foreign", rate, receiver="home")))
    return accounts.consumer_surplus["home"] + accounts.revenue.get("home", 0.0)


free, ad_valorem = trade(), trade(Wedge("foreign", 0.5))
specific = trade(Charge(0.5 * ad_valorem.price("foreign")))
quota = trade(quota=ad_valorem.level("imports"))
licensed = trade(quota=ad_valorem.level("imports") - 1e-7)
best = max((k / 100 for k in range(201)), key=welfare)
