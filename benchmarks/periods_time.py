"""`python -m benchmarks.periods_time [--periods 5,10,20,40] [--case CASE]`: time of a run against its periods.

Yearly periods, windows of three full years (the last ones reach beyond the run), stocks and demand's memory in an
economy of some sixty markets. The exponent is the slope of log seconds on log periods. With `--case`, a run of a case
by windows and lengths of a period instead.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core for everyone; read when numpy loads


def time_case(name: str) -> int:
    """Print processor seconds and Newton systems of one run of a case, by length of period and window in years."""
    from oreflow.chain.case import load_case
    from oreflow.policy.proposal import compose
    from oreflow.study.base import Settings, prepare_central
    from oreflow.study.run import run

    case = load_case(name)
    status_quo = compose(case, case.status_quo)
    for periods, window in (("year", 1.0), ("year", 3.0), ("quarter", 0.25), ("quarter", 1.0)):
        base = prepare_central(case, Settings(periods=periods, window=window))
        began = time.process_time()
        outcome = run(base, status_quo.name, status_quo.instruments)
        spent = time.process_time() - began
        systems = sum(record.iterations for record in outcome.records)
        print(f"{periods:>8}, window {window:g}: {spent:.1f} s, {systems} Newton systems {outcome.cause}")
    return 0


def main() -> int:
    """Print seconds by number of periods and the growth exponent."""
    import numpy as np

    from oreflow.market.generate import random_economy
    from oreflow.market.periods import Period, periods_between
    from oreflow.market.solve import solve_economy
    from oreflow.market.stocks import Memory, Stock
    from oreflow.market.windows import Dynamics, opening_state, roll

    parser = argparse.ArgumentParser(prog="python -m benchmarks.periods_time")
    parser.add_argument("--periods", default="5,10,20,40")
    parser.add_argument("--markets", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", default="")
    options = parser.parse_args()
    if options.case:
        return time_case(options.case)
    annual = random_economy(3, options.markets)
    base = solve_economy(annual)
    uses = np.flatnonzero((annual.curves.kind == 4) & np.isinf(annual.curves.d) & (base.levels > 0))
    through = np.asarray(abs(annual.A) @ base.levels).ravel()
    held = np.flatnonzero((base.prices > 1e-3 * base.prices.max()) & (through > 1e-3 * through.max()))[:10]
    dynamics = Dynamics(
        stocks=tuple(Stock(int(i), 0.2 * through[i], float(base.prices[i]), elasticity=-0.6) for i in held),
        memories=tuple(Memory(int(j), 0.4) for j in uses),
    )
    state = opening_state(dynamics, 2025.0, base.prices)
    rng = np.random.default_rng(1)
    shocks = 1.0 - 0.2 * rng.random(100)

    def economy(period: Period, _known_at: float):
        return annual.with_(upper=annual.upper * shocks[round(period.start - 2025.0)])

    counts = [int(word) for word in options.periods.split(",")]
    seconds = []
    for count in counts:
        best = np.inf
        for _ in range(options.runs):
            began = time.process_time()
            path = roll(periods_between(2025, 2025 + count), economy, dynamics, state, window=3.0, beyond=2.0)
            best = min(best, time.process_time() - began)
            if not path.ok:
                print(path.cause)
                return 1
        seconds.append(best)
        print(f"{count:>4} periods: {best:.2f} s, {path.iterations} Newton systems")
    slope = np.polyfit(np.log(counts), np.log(seconds), 1)[0]
    print(f"growth exponent {slope:.2f} (target 1.15), {len(held)} stocks, {len(uses)} memories")
    return 0


if __name__ == "__main__":
    sys.exit(main())
