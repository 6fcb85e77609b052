"""`python -m oreflow` is the program `oreflow`."""

from __future__ import annotations

import sys

from oreflow.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
