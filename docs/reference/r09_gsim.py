"""R9, GSIM for four regions (Francois and Hall, 2003): free trade between the US and the EU; order US, JP, EU, RW."""

import numpy as np

from oreflow.market.partial import solve_gsim

trade = np.array([[0, 50, 200, 300], [500, 0, 150, 200], [300, 100, 200, 200], [50, 100, 110, 20.0]])
before = np.array([[1, 1.21, 1.41, 1.22], [1.37, 1, 1.31, 1.23], [1.32, 1.36, 1, 1.18], [1.57, 1.41, 1.25, 1.15]])
after = before.copy()
after[0, 2] = after[2, 0] = 1.0
result = solve_gsim(trade, before, after, demand_elasticity=-1.25, supply_elasticity=1.5, substitution=5)
