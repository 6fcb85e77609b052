"""`python -m benchmarks [--runs N] [--only TEXT] [--periods 5,10,20,40]`: ratios in one run, medians and spread.

Seconds of one period are those of the wall clock, of several periods those of the processor."""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core for everyone; read when numpy loads
if __package__ in (None, ""):  # run as a file: the repository's root is not on the path yet
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def show_growth(periods: tuple[int, ...], runs: int) -> None:
    """Print processor seconds by number of periods, ratios to HiGHS on the LP, and the exponent of growth."""
    from benchmarks.economy.registry import growth

    print(f"\n{'periods, processor seconds':<28}" + "".join(f"{count:>16}" for count in periods) + f"{'exponent':>12}")
    reference: tuple[float, ...] | None = None
    for row in growth(periods, runs):
        reference = reference or row.seconds
        cells = [f"{s:.2f} ({s / r:.2f} x)" for s, r in zip(row.seconds, reference, strict=True)]
        told = f"{row.exponent(periods):>12.2f}" + (" (target 1.15)" if row.name == "tariff cold" else "")
        print(f"{row.name:<28}" + "".join(f"{cell:>16}" for cell in cells) + told, flush=True)


def main() -> int:
    """Print one line a benchmark; alternate the two codes so that a change of load hits both."""
    from benchmarks.economy.registry import REGISTRY

    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a benchmark's name")
    parser.add_argument("--periods", default="5,10,20,40", help="period counts of the growth rows; empty for none")
    parser.add_argument("--period-runs", type=int, default=1, help="runs of each growth row (minutes each)")
    options = parser.parse_args()
    print(f"{'benchmark':<34}{'ours ms':>10}{'theirs ms':>11}{'ratio':>8}{'spread':>16}{'target':>8}")
    for case in REGISTRY:
        if options.only not in case.name:
            continue
        missing = [name for name in case.needs if importlib.util.find_spec(name) is None]
        if missing:
            print(f"{case.name:<34} left out: {', '.join(missing)} not installed (extra `bench`)")
            continue
        case.ours(), case.theirs()  # both warm their imports and caches
        pairs = [(case.ours(), case.theirs()) for _ in range(options.runs)]
        ratios = sorted(a / b for a, b in pairs)
        ours, theirs = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
        ratio = statistics.median(ratios)
        verdict = "met" if ratio <= case.target else "missed"
        spread = f"{ratios[0]:.3f}-{ratios[-1]:.3f}"
        print(
            f"{case.name:<34}{ours:>10.1f}{theirs:>11.1f}{ratio:>8.3f}{spread:>16}{case.target:>8} {verdict}",
            flush=True,
        )
    if options.periods and not options.only:
        show_growth(tuple(int(word) for word in options.periods.split(",")), options.period_runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
