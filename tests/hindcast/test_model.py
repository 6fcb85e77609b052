"""The routine that runs every episode: closed forms, and what the record of 2024 asks of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oreflow
from oreflow.hindcast.episode import Episode, Hindcasts, load_hindcasts
from oreflow.hindcast.model import EpisodeRun, HindcastError, Parameters, Switching, run_episode, stream_share
from oreflow.market.periods import Period

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


def test_switches_count_once_qualified_and_stay() -> None:
    switching = Switching(Parameters(short=-0.1, long=-0.7), [0.5, 2.0], 2020.0)
    switching.begin(Period(2020.0, 0.5), np.array([np.e, np.e]))
    np.testing.assert_allclose(switching.counted(Period(2020.5, 0.5)), [-0.3, 0.0])  # half of them are six months old
    for start in (2020.5, 2021.0, 2021.5, 2022.0):
        switching.begin(Period(start, 0.5), np.array([1.0, 1.0]))
    np.testing.assert_allclose(switching.counted(Period(2022.5, 0.5)), [-0.6, -0.6])  # the price has long been back


def test_use_that_grew_at_low_prices_goes_back() -> None:
    switching = Switching(Parameters(short=-0.1, long=-0.7), [0.0], 2020.0)
    switching.begin(Period(2020.0, 1.0), np.array([1 / np.e]))
    np.testing.assert_allclose(switching.counted(Period(2021.0, 1.0)), [0.6])
    switching.begin(Period(2021.0, 1.0), np.array([1.0]))
    np.testing.assert_allclose(switching.counted(Period(2022.0, 1.0)), [0.0])


def quota(**changes: object) -> Episode:
    """A quota that lets 40% of what was shipped pass."""
    link = {"from": "here", "to": "there", "vat": 0.17, "duty": 0.15, "limits": [{"start": "2020-01", "tonnes": 40.0}]}
    elements = {name: {"price": p, "place": "there", "qualification": 0.5} for name, p in (("La", 5.0), ("Nd", 50.0))}
    return made(links=[link], elements=elements, periods=8, **changes)


def test_a_quota_bites_less_once_switches_are_qualified(hindcasts: Hindcasts) -> None:
    slow, quick = (
        run_episode(quota(), hindcasts.backcast, Parameters(short=-0.2, long=long), stocks=False)
        for long in (-0.2, -0.9)
    )
    np.testing.assert_allclose(slow.rents, slow.rents[0, 0], rtol=1e-6)
    np.testing.assert_allclose(quick.rents[:2], slow.rents[:2], rtol=1e-6)  # the first count in the third quarter
    assert (quick.rents[3:] < 0.6 * slow.rents[3:]).all()


def test_the_working_stock_is_never_sold(hindcasts: Hindcasts) -> None:
    for working in (0.2, 0.6):
        parameters = Parameters(working=working, long=-0.15)  # no switches, so use is covered as in the reference
        run = run_episode(quota(), hindcasts.backcast, parameters)
        assert run.ok, run.cause
        left = run.stocks[:, :, 1] / (np.array([240.0, 160.0]) * parameters.cover / 12)
        assert (left > working).all()
        assert left.min() < working + 0.15


def test_stocks_cover_the_use_there_is(hindcasts: Hindcasts) -> None:
    """Use and supply grow by a fifth at a time: so do stocks, slowly, as holders outbid users for what there is."""
    mine = {"name": "mine", "place": "here", "tonnes": 1000.0, "index": {"2020-07": 1.2}}
    episode = made(supply=[mine], demand={"index": {"2020-07": 1.2}}, periods=40)
    run = run_episode(episode, hindcasts.backcast, Parameters(long=-0.15))  # no switches
    assert run.ok, run.cause
    wanted, held = 1.2 * np.array([80.0, 160.0 / 3]), run.stocks[2:, :, 1]
    assert (np.diff(held, axis=0) > 0.0).all()
    assert (held < wanted).all()
    np.testing.assert_allclose(held[-1], wanted, rtol=0.07)


@pytest.mark.parametrize("follow", [0.0, 0.5, 1.0])
def test_without_stocks_prices_go_with_the_control_where_its_use_and_supply_do(
    hindcasts: Hindcasts, follow: float
) -> None:
    """What is used of the control at twice its price says that as much of the elements is wanted at twice theirs."""
    path = {"2020-01": 1.0, "2020-06": 2.5, "2020-12": 1.4}
    episode = made(demand={"price": path}, control={"element": "Pr"})
    run = run_episode(episode, hindcasts.backcast, Parameters(follow=follow), stocks=False)
    assert run.ok, run.cause
    gone_with = np.broadcast_to(run.control[:, None, None], run.prices.shape)
    np.testing.assert_allclose(run.prices / run.reference, gone_with, rtol=1e-5)
    np.testing.assert_allclose(run.relative, 1.0, rtol=1e-5)
    assert run.control.max() > 2.0


def test_stocks_soften_what_comes_with_the_control(hindcasts: Hindcasts) -> None:
    episode = made(demand={"price": {"2020-01": 1.0, "2020-06": 2.5}}, control={"element": "Pr"})
    ends = [run_episode(episode, hindcasts.backcast, Parameters(follow=f)).relative[-1, 0, 0] for f in (0.0, 0.5, 1.0)]
    assert ends[0] < ends[1] < ends[2] == pytest.approx(1.0, abs=1e-4)


def test_a_response_is_less_the_observed_change_of_the_control(hindcasts: Hindcasts) -> None:
    row = {
        "id": "r", "role": "scored", "what": "price", "quantity": "price", "element": "Nd", "place": "here",
        "grade": "A", "source": "S",
        "before": {"date": "2019", "value": 1.0}, "after": {"date": "2020-12", "value": 1.0},
        "control": {"before": {"date": "2019", "value": 1.0}, "after": {"date": "2020-12", "value": 3.0}},
    }  # fmt: skip
    path = {"2020-01": 1.0, "2020-12": 3.0}
    episode = made(demand={"price": path}, control={"element": "Pr"}, rows=[row])
    nominal = run_episode(episode, hindcasts.backcast, Parameters(follow=0.0))
    change = np.log(nominal.prices[-1, 1, 0] / nominal.reference[1, 0])
    assert nominal.response(episode.scored[0]) == pytest.approx(change - np.log(3.0))
    followed = run_episode(episode, hindcasts.backcast, Parameters(follow=1.0))
    assert followed.response(episode.scored[0]) == pytest.approx(0.0, abs=1e-4)


def test_a_stream_without_a_record_keeps_to_the_back_cast(hindcasts: Hindcasts) -> None:
    scrap, myanmar = (next(s for s in hindcasts.episode("H2023").supply if s.name == n) for n in ("scrap", "Myanmar"))
    tonnes = hindcasts.backcast.streams["scrap"]
    at = Period(2023.0, 1 / 12)
    share = stream_share(scrap, hindcasts.backcast, at)
    assert share == pytest.approx(tonnes.tonnes_in(2023) / tonnes.tonnes_in(2021))
    assert share != pytest.approx(1.0)
    assert stream_share(myanmar, hindcasts.backcast, at) == myanmar.share(at.start, at.stop, 0.5)


@pytest.mark.parametrize("bad", [{"supply": 0.0}, {"follow": 1.2}, {"short": 0.1}, {"long": -0.1}, {"holding": 0.0},
                                 {"working": 1.0}])  # fmt: skip
def test_parameters_outside_their_domain_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(HindcastError, match="expected long <= short < 0"):
        Parameters(**bad)


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
