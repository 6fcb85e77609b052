"""A market without trade has a range, and nothing inside the range would start a trade."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow import api
from oreflow.study.outcome import is_traded
from oreflow.study.price_ranges import empty_price_ranges


@pytest.fixture(scope="module")
def solved() -> api.Solved:
    return api.solve("kachin", "B")


def test_a_range_holds_what_nobody_would_pay_or_take(solved: api.Solved) -> None:
    outcome, year = solved.outcome, 2030
    found = empty_price_ranges(outcome, year, solved.composition.instruments, ["ox_dy", "kachin_oxide"])
    assert found
    record = outcome.year(year)
    traded = is_traded(outcome.network, record)
    for i, interval in found.items():
        assert not traded[i]
        assert interval.low <= record.prices[i] <= interval.high
    assert any(np.isfinite(interval.high) and interval.is_wide() for interval in found.values())


def test_the_indicator_holds_traded_markets_alone(solved: api.Solved) -> None:
    record = solved.outcome.year(2030)
    traded = is_traded(solved.outcome.network, record)
    places = {
        market.place
        for market, on in zip(solved.outcome.network.markets, traded, strict=True)
        if on and market.commodity == "ox_dy"
    }
    named = {
        label.split("/")[0] for label in solved.indicators["price"] if label.endswith("/Dy/2030") or "/Dy/2030" in label
    }
    assert named == places


def test_the_frame_has_null_where_nothing_is_traded(solved: api.Solved) -> None:
    frame = solved.prices()
    assert frame["price"].null_count() > 0
    assert frame.drop_nulls()["price"].is_finite().all()
