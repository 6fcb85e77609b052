"""Freight in words and numbers: legs in the order in which they are gone, costs that add up."""

from __future__ import annotations

import pytest

from oreflow import api
from oreflow.study.freight import best_way, exit_cost, route_words
from oreflow.study.unlock import Barriers


@pytest.fixture(scope="module")
def solved() -> api.Solved:
    return api.solve("kachin", "B")


def test_a_route_in_words_names_its_stations_in_order(solved: api.Solved) -> None:
    words = route_words(solved.case, "KN_IN_LEDO")
    assert words.startswith("Kachin north to India by ")
    stations = words.partition(" by ")[2].split(", ")
    assert (
        stations.index("Myitkyina") < stations.index("Tanai") < stations.index("Pangsau Pass") < stations.index("Ledo")
    )


def test_the_first_place_abroad_costs_less_than_the_whole_way(solved: api.Solved) -> None:
    network = solved.outcome.network
    place, cost = exit_cost(solved.outcome.base, "KN_IN_LEDO", "kachin_oxide") or ("", 0.0)
    assert place == "LEDO"
    assert 0 < cost < network.cost[network.index["KN_IN_LEDO[kachin_oxide]"]]


def test_shares_are_of_the_ore_that_is_carried(solved: api.Solved) -> None:
    barriers = Barriers(solved.outcome, 2030, solved.composition.instruments)
    margin = barriers.margin()
    assert margin is not None
    whole, abroad, _ = best_way(barriers, margin) or (None, None, "")
    assert whole is not None
    assert abroad is not None
    content = sum(barriers.network.composition["kachin_oxide"][e] for e in ("Dy", "Tb"))
    assert whole.usd_per_kg == pytest.approx(margin.haul / content / 1000)
    assert whole.percent_of_value == pytest.approx(100 * margin.haul / barriers.basket_value["kachin_oxide"])
    assert abroad.usd_per_t < whole.usd_per_t
