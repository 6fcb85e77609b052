"""`python -m benchmarks [--runs N] [--only TEXT] [--periods 5,10,20,40]`: ratios in one run, medians and spread."""

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


def main() -> int:
    """Print one line a benchmark; alternate the two codes so that a change of load hits both."""
    from benchmarks.economy.registry import REGISTRY, growth

    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a benchmark's name")
    parser.add_argument("--periods", default="5,10,20,40", help="period counts of the growth row; empty for none")
    parser.add_argument("--variant", default="tariff", choices=("lp", "qp", "tariff"), help="variant of the growth row")
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
        counts = tuple(int(word) for word in options.periods.split(","))
        seconds, slope = growth(counts, options.variant)
        listed = ", ".join(f"{p}: {s:.2f} s" for p, s in zip(counts, seconds, strict=True))
        print(f"growth with periods ({options.variant}): {listed}; exponent {slope:.2f} (target 1.15)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
