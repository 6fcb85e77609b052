"""BLAS has one thread inside a held function and its own number outside, also after an error."""

from __future__ import annotations

import numpy.linalg  # noqa: F401 - loads its library
import pytest
import scipy.linalg  # noqa: F401 - brings its own
from threadpoolctl import threadpool_info, threadpool_limits

from oreflow.core.threads import with_one_blas_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_inside_and_as_before_outside() -> None:
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        assert with_one_blas_thread(threads)() == {1}
        assert threads() == before


def test_an_error_leaves_the_number_as_it_was() -> None:
    @with_one_blas_thread
    def fails() -> None:
        raise ValueError("no")

    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        with pytest.raises(ValueError, match="no"):
            fails()
        assert threads() == before
