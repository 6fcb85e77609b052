"""R12, SMART: a tariff of 20% on both is cut to 0 for one partner; creation, diversion and revenue."""

from oreflow.market.partial import solve_smart

given = {"rate_before": 0.2, "rate_after": 0.0, "demand_elasticity": 1.5, "substitution": 1.5}
linear = solve_smart(100, 200, **given)
ratio = solve_smart(100, 200, **given, ratio=True)
