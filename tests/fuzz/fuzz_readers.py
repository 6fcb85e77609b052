"""Coverage-guided fuzzing of the readers with atheris: `python tests/fuzz/fuzz_readers.py -runs=100000 [CORPUS]`.

The first byte chooses the seed whose name and header are used; the rest replaces its body.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> None:
    """Run the fuzzer until it finds a failure or the runs are used up."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["oreflow"]):
        targets = importlib.import_module("tests.fuzz.reader_targets")
    names = sorted(targets.SEEDS)

    def one_input(data: bytes) -> None:
        if not data:
            return
        name = names[data[0] % len(names)]
        header, mark, _ = targets.SEEDS[name].partition(b"\n")
        targets.check(header + mark + data[1:] if data[0] & 0x80 else data[1:], name)

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
