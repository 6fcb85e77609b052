"""A HiGHS solver that prints nothing."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any


def quiet_highs() -> Any:
    """Return a new single-threaded, silent `highspy.Highs`; its build's banner, if any, is not shown.

    Example:
        >>> quiet_highs().getNumCol()
        0
    """
    import highspy

    _greet_unseen()
    make: Any = highspy.Highs
    solver = make()
    solver.silent()
    solver.setOptionValue("threads", 1)
    return solver


@functools.cache
def _greet_unseen() -> None:
    """Keep the banner that some builds of HiGHS print with their first solver off the screen and out of `--json`.

    It comes from the C library's own buffer, so the file descriptor is moved, not `sys.stdout`.
    """
    import ctypes

    import highspy

    make: Any = highspy.Highs
    sys.stdout.flush()
    library = ctypes.CDLL(None) if os.name == "posix" else None
    try:
        saved = os.dup(1)
    except OSError:  # no standard output to keep clean
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        make()
        if library is not None:
            library.fflush(None)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
