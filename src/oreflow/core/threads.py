"""The threads of the linear-algebra libraries: one is faster for systems of this size, and sums keep their order.

Threads of BLAS wait for one another by spinning. On a machine that has other work, two of them take ten times as long
as one for the matrices of a case; and the order in which threads add up is not fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

BLAS_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Environment variables that say how many threads BLAS and OpenMP start; read when the libraries are loaded."""


@cache
def _libraries() -> Any:
    """Return the BLAS libraries loaded; asked once, since looking for them takes longer than a small solve."""
    import numpy.linalg  # noqa: F401 - loads them
    import scipy.linalg  # noqa: F401 - brings its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def with_one_blas_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let BLAS use one thread while a function runs, and as many as before afterwards.

    Args:
        function: any.

    Returns:
        The function with the same arguments and result.

    Example:
        >>> with_one_blas_thread(abs)(-2)
        2
    """

    @wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1):
            return function(*args, **kwargs)

    return held
