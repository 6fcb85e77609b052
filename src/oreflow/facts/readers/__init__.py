"""Readers of the files that users have: each yields canonical rows, and refuses what it cannot read with its reason."""

from oreflow.facts.readers.canonical import CanonicalRow, Closure, ReadResult, RejectedRow, iter_rows
from oreflow.facts.readers.read import read_file, read_files

__all__ = ["CanonicalRow", "Closure", "ReadResult", "RejectedRow", "iter_rows", "read_file", "read_files"]
