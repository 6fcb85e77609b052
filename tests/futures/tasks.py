"""Tasks for ensembles: functions of a module, since workers are started afresh and import them."""

from __future__ import annotations

import os
import time

import numpy as np

from oreflow.futures.ensemble import THREAD_VARIABLES


def square(number: float) -> float:
    return number * number


def invert(number: float) -> float:
    return 1 / number


def scale(factor: float, number: float) -> float:
    return factor * number


def solve_random(seed: int) -> bytes:
    generator = np.random.default_rng(seed)
    matrix = generator.random((120, 120)) + 12 * np.eye(120)
    return np.linalg.solve(matrix, generator.random(120)).tobytes()


def describe_worker(seconds: float) -> tuple[int, dict[str, str | None]]:
    time.sleep(seconds)
    return os.getpid(), {name: os.environ.get(name) for name in THREAD_VARIABLES}


def end_process(number: int) -> None:
    os._exit(number)


def wait(seconds: float) -> None:
    time.sleep(seconds)


_remembered: set[str] = set()


def remember(name: str) -> None:
    _remembered.add(name)


def recall(name: str) -> bool:
    return name in _remembered
