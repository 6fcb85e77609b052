"""Reading BACI rows against a plain Polars scan of the same file, in the same run; and a Comtrade answer row by row.

Target: 1 million BACI rows in under 5 s and 1 GB. The rows are generated. Run as `python benchmarks/readers.py [ROWS]`.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from oreflow.facts.readers import read_file

AREAS = (4, 36, 56, 76, 104, 156, 251, 276, 360, 392, 410, 418, 458, 490, 579, 699, 704, 757, 764, 842)


def write_baci(path: Path, rows: int) -> None:
    """Write a year of flows: every pair of areas over as many products as are needed, 2% of the weights missing."""
    random = np.random.default_rng(20)
    pairs = [(exporter, importer) for exporter in AREAS for importer in AREAS]
    values, weights = random.lognormal(2, 2, rows), random.lognormal(1, 2, rows)
    missing = random.random(rows) < 0.02
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("t,i,j,k,v,q\n")
        for number in range(rows):
            exporter, importer = pairs[number % len(pairs)]
            weight = "          NA" if missing[number] else f"{weights[number]:.3f}"
            code = 10121 + number // len(pairs)
            stream.write(f"2022,{exporter},{importer},{code:06d},{values[number]:.3f},{weight}\n")


def write_comtrade(path: Path, rows: int) -> None:
    """Write an API answer of as many records."""
    record = {
        "period": "2023", "reporterCode": 156, "flowCode": "M", "partner2Code": 0, "classificationCode": "H6",
        "customsCode": "C00", "motCode": 0, "qtyUnitCode": 8, "qty": 5.0, "netWgt": 5.0, "isNetWgtEstimated": False,
        "cifvalue": 9.0, "fobvalue": None, "primaryValue": 9.0,
    }  # fmt: skip
    data = [record | {"partnerCode": AREAS[n % 20], "cmdCode": f"{280000 + n // 20:06d}"} for n in range(rows)]
    path.write_text(json.dumps({"count": rows, "data": data, "error": ""}), encoding="utf-8")


def scan(path: Path) -> int:
    """Read the file with Polars and nothing else."""
    import polars as pl

    return pl.read_csv(path, schema_overrides={"k": pl.String, "q": pl.String}).height


def read(path: Path) -> int:
    """Read the file with oreflow; the rows used."""
    result = read_file(path)
    assert not result.problems, result.problems[0]
    return result.used


def timed(task: Callable[[Path], int], path: Path) -> tuple[int, float, float]:
    """Run a task in a process of its own: rows, seconds, and the peak of its memory in GB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (task, path))


def _measure(task: Callable[[Path], int], path: Path) -> tuple[int, float, float]:
    importlib.import_module("polars")
    start = time.perf_counter()
    rows = task(path)
    seconds = time.perf_counter() - start
    return rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(rows: int) -> None:
    """Print rows, seconds, memory and the ratio to the plain scan."""
    with tempfile.TemporaryDirectory() as folder:
        baci = Path(folder) / "BACI_HS17_Y2022_V202401b.csv"
        write_baci(baci, rows)
        print(f"{'task':<32} {'rows':>10} {'s':>7} {'GB':>6} {'x scan':>7}")
        _, base, peak = timed(scan, baci)
        print(f"{'Polars scan of BACI':<32} {rows:>10,} {base:>7.2f} {peak:>6.2f} {1:>7.1f}")
        used, seconds, peak = timed(read, baci)
        ratio = seconds / base
        print(f"{'oreflow BACI (target 5 s, 1 GB)':<32} {used:>10,} {seconds:>7.2f} {peak:>6.2f} {ratio:>7.1f}")
        answer = Path(folder) / "answer.json"
        write_comtrade(answer, 20_000)
        used, seconds, peak = timed(read, answer)
        print(f"{'oreflow Comtrade API answer':<32} {used:>10,} {seconds:>7.2f} {peak:>6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
