"""HiGHS as oreflow uses it: nothing on the screen, whatever the build greets with."""

from __future__ import annotations

import subprocess
import sys


def test_the_first_solver_of_a_process_prints_nothing() -> None:
    script = (
        "from oreflow.core.highs import quiet_highs\n"
        "print('before')\n"
        "solver = quiet_highs()\n"
        "solver.addVar(0.0, 1.0)\n"
        "solver.run()\n"
        "print('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("before\nafter\n", "")
