"""How long `import oreflow` and `oreflow --help` take: fresh interpreters, least and median of a few runs.

Targets: 0.3 s and 0.5 s. Run as `python benchmarks/startup.py [RUNS]`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

CASES: dict[str, tuple[tuple[str, ...], float]] = {
    "python -c pass": (("-c", "pass"), float("inf")),
    "import oreflow": (("-c", "import oreflow"), 0.3),
    "oreflow --help": (("-m", "oreflow", "--help"), 0.5),
    "oreflow --version": (("-m", "oreflow", "--version"), 0.5),
}
"""What is timed -> the interpreter's arguments and the target, s."""


def time_case(arguments: tuple[str, ...], runs: int) -> list[float]:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return seconds


def main(runs: int) -> None:
    print(f"{'case':<20} {'least, s':>9} {'median, s':>10} {'target, s':>10}   {runs} runs")
    for name, (arguments, target) in CASES.items():
        seconds = time_case(arguments, runs)
        print(f"{name:<20} {min(seconds):>9.3f} {median(seconds):>10.3f} {target:>10.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
