"""Coverage-guided fuzzing of the claim check with atheris: `python tests/fuzz/fuzz_claims.py -runs=100000 [CORPUS]`."""

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
        target = importlib.import_module("tests.fuzz.test_claimcheck")

    def one_input(data: bytes) -> None:
        """Bytes below 128 choose words that the checker knows, the others stand for themselves."""
        if data[:1] < b"\x80":
            text = " ".join(target.LIST[byte % len(target.LIST)] for byte in data[:200])
        else:
            text = data[1:].decode("utf-8", "replace")
        target.answer(text)

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
