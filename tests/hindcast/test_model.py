"""The routine that runs every episode: closed forms, and what the record of 2024 asks of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oreflow
from oreflow.hindcast.episode import Episode, Hindcasts, load_hindcasts
from oreflow.hindcast.model import EpisodeRun, HindcastError, Parameters, run_episode

FOLDER = Path(oreflow.__file__).parent / "cases" / "kachin" / "hindcasts"


@pytest.fixture(scope="module")
def hindcasts() -> Hindcasts:
    return load_hindcasts(FOLDER)


def made(**changes: object) -> Episode:
    """Two places, two elements, one link with a quota that may bind."""
    data: dict[str, object] = {
        "schema": "oreflow/episode/1", "id": "T", "title": "test", "start": "2020-01", "months": 3, "periods": 4,
        "reference": "2019", "home": "here",
        "elements": {"La": {"price": 5.0, "place": "there"}, "Nd": {"price": 50.0, "place": "there"}},
        "composition": {"La": 0.6, "Nd": 0.4},
        "supply": [{"name": "mine", "place": "here", "tonnes": 1000.0}],
        "uses": [{"place": "there", "tonnes": 400.0}],
        "links": [{"from": "here", "to": "there", "vat": 0.17, "duty": 0.15}],
        "rows": [],
    }  # fmt: skip
    return Episode.model_validate(data | changes)


@pytest.mark.parametrize("stocks", [True, False])
def test_nothing_happens_where_nothing_changes(hindcasts: Hindcasts, stocks: bool) -> None:
    run = run_episode(made(), hindcasts.backcast, Parameters(), stocks=stocks)
    assert run.ok, run.cause
    np.testing.assert_allclose(run.prices, np.broadcast_to(run.reference, run.prices.shape), rtol=1e-6)
    np.testing.assert_allclose(run.reference[:, 1], 1.17 * 1.15 * run.reference[:, 0])
    np.testing.assert_allclose(run.flows.sum(axis=2), 400.0, rtol=1e-6)
    if stocks:  # four months of use, by one rule
        np.testing.assert_allclose(run.stocks[-1, :, 1], [400 * 0.6 / 3, 400 * 0.4 / 3], rtol=1e-5)


def test_a_quota_parts_prices_by_one_rent_a_tonne(hindcasts: Hindcasts) -> None:
    link = {"from": "here", "to": "there", "vat": 0.17, "duty": 0.15, "limits": [{"start": "2020-01", "tonnes": 98.0}]}
    run = run_episode(made(links=[link]), hindcasts.backcast, Parameters(), stocks=False)
    assert run.ok, run.cause
    gap = run.prices[:, :, 1] - 1.17 * 1.15 * run.prices[:, :, 0]
    assert (run.rents > 0.1).all()
    np.testing.assert_allclose(gap, np.broadcast_to(run.rents, gap.shape), rtol=1e-5)
    np.testing.assert_allclose(run.flows.sum(axis=2) / 4, 98.0, rtol=1e-6)


def test_tonnes_are_used_or_held(hindcasts: Hindcasts) -> None:
    run = run_episode(hindcasts.episode("H2024"), hindcasts.backcast, Parameters())
    assert run.ok, run.cause
    opening = run.demand[0] * 4 / 12
    arrived = run.supply[1:].sum(axis=0) / 12  # own mines and scrap offer a little more as prices rise
    used = opening + arrived - run.stocks[-1, :, 0]
    assert (used > 0.95 * run.demand[1:].sum(axis=0) / 12).all()


def basket(run: EpisodeRun) -> np.ndarray:
    """Value of the Dy and Tb that leave the ore together, relative to the reference, by period."""
    weights = run.supply[0] * run.reference[:, 0]
    return np.asarray((run.prices[:, :, 0] / run.reference[:, 0]) @ weights / weights.sum() - 1.0)


@pytest.mark.parametrize("cover", [2.0, 2.7, 4.0, 8.0])
def test_the_closure_of_2024_moves_the_basket_little_with_stocks(hindcasts: Hindcasts, cover: float) -> None:
    """To 31 March 2025 between -5 and +20% with stocks; without, three times as much and more in January-February."""
    episode = hindcasts.episode("H2024")
    held = run_episode(episode, hindcasts.backcast, Parameters(cover=cover))
    bare = run_episode(episode, hindcasts.backcast, Parameters(cover=cover), stocks=False)
    assert held.ok, held.cause
    assert bare.ok, bare.cause
    with_stocks, without = basket(held), basket(bare)
    assert (with_stocks >= -0.05).all()
    assert (with_stocks <= 0.20).all()
    winter = [k for k, p in enumerate(held.periods) if 2025.0 - 1e-6 <= p.start < 2025.0 + 2 / 12 - 1e-6]
    assert len(winter) == 2
    assert np.abs(without[winter]).mean() >= 3 * np.abs(with_stocks[winter]).mean()
    np.testing.assert_allclose(held.prices[:, 0] / held.reference[0], held.prices[:, 1] / held.reference[1], rtol=1e-6)


def test_use_outside_beyond_all_supply_is_refused(hindcasts: Hindcasts) -> None:
    with pytest.raises(HindcastError, match="exceeds all supply"):
        run_episode(made(uses=[{"place": "there", "tonnes": 2000.0}]), hindcasts.backcast, Parameters())
