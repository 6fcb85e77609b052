"""Keyed draws: fixed under added names and draws, stratified for each name, independent across names."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.core.errors import UsageError
from oreflow.futures.distributions import Array, Choice, DistributionError, Uncertainty, Uniform
from oreflow.futures.sample import LEVELS, Draws, Sampler, count_combinations, nested_shares, sample

KEYED = (Sampler.SOBOL, Sampler.MONTE_CARLO)
SPREAD = (Sampler.SOBOL, Sampler.MONTE_CARLO, Sampler.LHS)
NAME_LISTS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


def units(*names: str) -> list[Uncertainty]:
    return [Uncertainty(name, Uniform(0.0, 1.0)) for name in names]


def shares(names: list[str], n: int, seed: int, kind: Sampler, start: int = 0) -> Array:
    return sample(units(*names), n, seed, kind, start=start).values


@pytest.mark.parametrize("kind", KEYED)
@given(names=NAME_LISTS, n=st.integers(0, 60), more=st.integers(0, 60), seed=st.integers(0, 2**40))
def test_a_larger_ensemble_begins_with_the_smaller(
    kind: Sampler, names: list[str], n: int, more: int, seed: int
) -> None:
    whole = shares(names, n + more, seed, kind)
    assert (whole[:n] == shares(names, n, seed, kind)).all()
    assert (whole[n:] == shares(names, more, seed, kind, start=n)).all()


@pytest.mark.parametrize("kind", SPREAD)
@given(names=NAME_LISTS, n=st.integers(1, 60), seed=st.integers(0, 2**40), order=st.randoms(use_true_random=False))
def test_other_uncertainties_and_their_order_change_nothing(
    kind: Sampler, names: list[str], n: int, seed: int, order: Random
) -> None:
    whole = shares(names, n, seed, kind)
    mixed = order.sample(names, len(names))
    other = shares([*mixed, "one more uncertainty"], n, seed, kind)
    for column, name in enumerate(names):
        assert (whole[:, column] == other[:, mixed.index(name)]).all()


@pytest.mark.parametrize("kind", SPREAD)
def test_another_seed_gives_other_draws(kind: Sampler) -> None:
    first, second = (shares(["road"], 50, seed, kind) for seed in (1, 2))
    assert (first != second).all()


def test_the_same_draws_on_every_platform() -> None:
    drawn = shares(["road"], 3, 1, Sampler.SOBOL)[:, 0].tolist()
    assert drawn == [0.4792107577225718, 0.7691096440865072, 0.18479899815026946]


@given(key=st.integers(0, 2**64 - 1), power=st.integers(0, 9), block=st.integers(0, 5000))
def test_every_aligned_block_is_stratified(key: int, power: int, block: int) -> None:
    n = 2**power
    indices = np.arange(block * n, (block + 1) * n, dtype=np.uint64)
    slices = (nested_shares(np.array([key], dtype=np.uint64), indices)[:, 0] * n).astype(int)
    assert sorted(slices.tolist()) == list(range(n))


@given(n=st.integers(1, 200), seed=st.integers(0, 2**40))
def test_a_latin_hypercube_has_one_draw_in_each_slice(n: int, seed: int) -> None:
    slices = (shares(["road", "plant"], n, seed, Sampler.LHS) * n).astype(int)
    for column in slices.T:
        assert sorted(column.tolist()) == list(range(n))


@pytest.mark.parametrize("kind", SPREAD)
def test_all_shares_lie_strictly_between_0_and_1(kind: Sampler) -> None:
    drawn = shares(["a", "b"], 4096, 3, kind)
    assert drawn.min() > 0
    assert drawn.max() < 1


@pytest.mark.parametrize(("kind", "spread"), [(Sampler.SOBOL, 1.26), (Sampler.MONTE_CARLO, 1.0), (Sampler.LHS, 1.0)])
@pytest.mark.parametrize("n", [32, 200, 256])
def test_names_are_uncorrelated(kind: Sampler, spread: float, n: int) -> None:
    names = [f"uncertainty {number}" for number in range(150)]
    matrix = np.atleast_2d(np.corrcoef(shares(names, n, 1, kind), rowvar=False))
    pairs = matrix[np.triu_indices(len(names), 1)] * np.sqrt(n)
    assert abs(pairs.mean()) < 4 * spread / np.sqrt(pairs.size)
    assert np.sqrt((pairs**2).mean()) == pytest.approx(spread, abs=0.05)


@pytest.mark.parametrize("kind", SPREAD)
def test_moments_are_those_of_the_distribution(kind: Sampler) -> None:
    drawn = shares(["a", "b", "c"], 4096, 5, kind)
    worst = 4.5 / np.sqrt(12 * 4096)
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < worst
    assert np.abs(drawn.var(axis=0) - 1 / 12).max() < worst


def test_stratified_draws_estimate_a_mean_better_than_random_ones() -> None:
    names = [f"uncertainty {number}" for number in range(50)]
    error = {kind: np.abs(shares(names, 256, 7, kind).mean(axis=0) - 0.5).mean() for kind in SPREAD}
    assert error[Sampler.SOBOL] < error[Sampler.MONTE_CARLO] / 20
    assert error[Sampler.LHS] < error[Sampler.MONTE_CARLO] / 20


def test_two_dimensional_cells_fill_evenly() -> None:
    drawn = shares(["road", "plant"], 4096, 1, Sampler.SOBOL)
    cells = np.bincount((drawn[:, 0] * 8).astype(int) * 8 + (drawn[:, 1] * 8).astype(int), minlength=64)
    assert ((cells - 64.0) ** 2 / 64).sum() < 120


def test_a_full_factorial_holds_every_combination_once() -> None:
    uncertain = [
        Uncertainty("state", Choice(("open", "closed"), (1.0, 9.0))),
        Uncertainty("road", Uniform(0.0, 300.0)),
        Uncertainty("level", Choice(("low", "mid", "high"))),
    ]
    assert count_combinations(uncertain) == 2 * LEVELS * 3
    draws = sample(uncertain, 18, 0, Sampler.FULL_FACTORIAL)
    rows = [tuple(draws.row(index).values()) for index in range(18)]
    assert len(set(rows)) == 18
    assert rows[0] == ("open", 50.0, "low")
    assert rows[-1] == ("closed", 250.0, "high")
    assert {road for _, road, _ in rows} == {50.0, 150.0, 250.0}


def test_draws_are_named_and_frozen() -> None:
    draws = sample([*units("road"), Uncertainty("state", Choice(("open", "closed")))], 8, 1)
    assert isinstance(draws, Draws)
    assert (len(draws), draws.names, draws.kind, draws.seed) == (8, ("road", "state"), Sampler.SOBOL, 1)
    assert {draws.row(index)["state"] for index in range(8)} == {"open", "closed"}
    assert draws.row(3)["road"] == draws.values[3, 0]
    with pytest.raises(ValueError, match="read-only"):
        draws.values[0, 0] = 0.0


def test_nothing_to_draw_is_a_table_without_columns() -> None:
    assert sample([], 5, 1).values.shape == (5, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": -1, "seed": 1}, "n = -1, seed = 1"),
        ({"n": 1, "seed": -1}, "seed = -1"),
        ({"n": 2**32, "seed": 1, "start": 1}, "at most 2\\*\\*32 draws"),
        ({"n": 4, "seed": 1, "kind": "halton"}, "unknown sampler 'halton'; expected one of sobol, lhs"),
        ({"n": 4, "seed": 1, "kind": "lhs", "start": 4}, "the draws of lhs belong together"),
        ({"n": 4, "seed": 1, "kind": "full_factorial"}, "n = 4; expected 3, the number of combinations"),
    ],
)
def test_wrong_usage_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sample(units("road"), **arguments)


def test_a_name_drawn_twice_is_refused() -> None:
    with pytest.raises(DistributionError, match="expected each name once"):
        sample(units("road", "road"), 4, 1)
