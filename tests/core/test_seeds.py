"""Keyed random numbers: the same for the same key and index, and random across them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from oreflow.core.seeds import keyed_order, keyed_words, mix, stream_key, unit_interval

NAMES = st.text(min_size=1, max_size=12)


def stream(key: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return unit_interval(keyed_words(np.array([key], dtype=np.uint64), np.arange(n, dtype=np.uint64)))


def test_mix_gives_the_published_words_of_splitmix64() -> None:
    states = np.array([0, 0x9E3779B97F4A7C15, 0x3C6EF372FE94F82A], dtype=np.uint64)
    assert [hex(word) for word in mix(states).tolist()] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]


def test_the_same_bits_on_every_platform() -> None:
    assert stream_key(1, "sobol", "road") == 3830071842335257235
    assert stream(stream_key(1, "sobol", "road"), 2).tolist() == [0.14829911270066287, 0.0006783802261213223]


@given(st.integers(0, 2**70), st.lists(NAMES, min_size=1, max_size=3, unique=True))
def test_keys_of_other_seeds_and_names_differ(seed: int, names: list[str]) -> None:
    keys = [stream_key(seed, *names), stream_key(seed + 1, *names), stream_key(seed, *names, "")]
    keys += [stream_key(seed, "".join(names))] if len(names) > 1 else []
    assert len(set(keys)) == len(keys)
    assert stream_key(seed, *names) == keys[0]


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="the seed is -1; expected an integer from 0"):
        stream_key(-1, "road")


@given(st.integers(0, 2**64 - 1), st.integers(1, 200), st.integers(1, 200))
def test_a_longer_stream_begins_with_the_shorter(key: int, n: int, more: int) -> None:
    assert (stream(key, n + more)[:n] == stream(key, n)).all()


def test_the_ends_of_the_unit_interval_are_never_reached() -> None:
    ends = unit_interval(np.array([0, 2**64 - 1], dtype=np.uint64))
    assert ends.tolist() == [2.0**-53, 1 - 2.0**-53]


def test_streams_are_uniform_and_independent(scale: int) -> None:
    n = 20_000 * scale
    draws = np.column_stack([stream(stream_key(1, name), n) for name in ("a", "b", "aa", "ab", "")])
    for column in draws.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
        assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) < 4.5 / np.sqrt(n)
    correlations = np.atleast_2d(np.corrcoef(draws, rowvar=False))[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(n)


@given(st.integers(0, 2**64 - 1), st.integers(0, 300))
def test_an_order_is_a_permutation(key: int, n: int) -> None:
    assert sorted(keyed_order(key, n).tolist()) == list(range(n))
