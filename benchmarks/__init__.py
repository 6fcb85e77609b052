"""Benchmarks: a registry of problems by size and difficulty, one driver per phase; `python -m benchmarks`."""
