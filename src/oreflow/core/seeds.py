"""Random numbers that depend on a seed, a name and an index, and on nothing else.

A draw is looked up, not generated in turn: draw `i` of the uncertainty `name` under `seed` is the same number however
many draws are taken, whichever other uncertainties exist, and whichever process asks. Only integer arithmetic modulo
2**64 is used, so the bits are the same on every platform and with every version of numpy.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""An array of 64-bit words."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def stream_key(seed: int, *names: str) -> int:
    """Return the 64-bit key of a stream of random numbers: BLAKE2b of the seed and the names.

    Args:
        seed: any integer from 0.
        names: what tells the stream from others, as a sampler's kind and an uncertainty's name; order matters.

    Returns:
        A number from 0 to 2**64 - 1.

    Raises:
        ValueError: the seed is negative.

    Example:
        >>> stream_key(1, "sobol", "road") == stream_key(1, "sobol", "road") != stream_key(1, "sobolroad")
        True
    """
    if seed < 0:
        raise ValueError(f"the seed is {seed}; expected an integer from 0")
    parts = [str(seed), *names]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "little")


def mix(words: Words) -> Words:
    """Scramble each 64-bit word; a bijection in which every input bit moves about half of the output bits.

    Args:
        words: any shape.

    Returns:
        The scrambled words, same shape.

    Source: the output function of SplitMix64, Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.

    Example:
        >>> int(mix(np.zeros(1, dtype=np.uint64))[0]) == 0xE220A8397B1DCDAF
        True
    """
    z = words + _STEP
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return z ^ (z >> np.uint64(31))


def keyed_words(keys: Words, indices: Words) -> Words:
    """Return the 64-bit word of each key at each index; a counter-based generator.

    Args:
        keys: keys of streams, as from `stream_key`; any shape.
        indices: counters; any shape that broadcasts with `keys`.

    Returns:
        Words of the broadcast shape.

    Source: the construction (a keyed bijection of a counter) of Salmon et al. (2011), doi:10.1145/2063384.2063405,
    with `mix` applied to the counter and again under the key.

    Example:
        >>> key = np.array([stream_key(1, "road")], dtype=np.uint64)
        >>> long, short = (keyed_words(key, np.arange(n, dtype=np.uint64)) for n in (8, 4))
        >>> bool((long[:4] == short).all())
        True
    """
    return mix(mix(indices ^ mix(keys)) ^ keys)


def unit_interval(words: Words) -> NDArray[np.float64]:
    """Turn words into numbers strictly between 0 and 1, at the centres of 2**52 equal cells.

    Args:
        words: any shape.

    Returns:
        Numbers from 2**-53 to 1 - 2**-53, same shape.

    Example:
        >>> float(unit_interval(np.array([0], dtype=np.uint64))[0]) == 2.0**-53
        True
    """
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def keyed_order(key: int, n: int) -> NDArray[np.int64]:
    """Return a random order of the numbers 0 to n - 1 that depends on the key and on n.

    Args:
        key: a stream's key.
        n: how many numbers.

    Returns:
        A permutation of 0 to n - 1.

    Example:
        >>> sorted(keyed_order(stream_key(1, "road"), 5).tolist())
        [0, 1, 2, 3, 4]
    """
    words = keyed_words(np.array([key], dtype=np.uint64), np.arange(n, dtype=np.uint64))
    return np.argsort(words, kind="stable")
