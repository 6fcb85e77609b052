"""Stocks, rules, consignments and expectations by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow.market.arrays import EconomyError
from oreflow.market.periods import Period
from oreflow.market.stocks import (
    Consignment,
    DatedRelease,
    Expectation,
    Memory,
    PriceTrigger,
    Stock,
    StrategicStock,
    Transit,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stock(0, -1.0, 5.0), "opening -1 t; expected 0 or more"),
        (lambda: Stock(0, 1.0, 5.0, spoilage=1.0), "spoilage 1; expected a share"),
        (lambda: Stock(0, 1.0), "price 0; expected a base-year price above 0"),
        (lambda: Stock(0, 0.0, 5.0), "desired stock 0 t; expected above 0"),
        (lambda: Stock(0, 1.0, 5.0, elasticity=0.5), "elasticity 0.5; expected below 0"),
        (lambda: Stock(0, 1.0, 5.0, choke=0.5), "choke 0.5; expected 1 or more"),
        (lambda: Stock(0, 1.0, 5.0, capacity=-2.0), "capacity -2 t; expected 0 or more"),
        (lambda: PriceTrigger(10.0, 12.0), "buy at 12, sell at 10; expected buying below selling"),
        (lambda: DatedRelease(5.0, 2026.0, 2026.0), "expected a start before the stop"),
        (lambda: StrategicStock(0, 4.0, DatedRelease(5.0, 2026.0, 2027.0)), "at most the opening stock of 4 t"),
        (lambda: Transit(0, -0.1), "-0.1 years; expected 0 or more"),
        (lambda: Memory(0, 0.0), "speed 0 a year; expected above 0"),
        (lambda: Expectation("path"), "expected a path with rule path"),
        (lambda: Expectation(weight=1.5), "weight 1.5; expected 0 to 1"),
    ],
)
def test_numbers_outside_their_domain_are_refused(make, message: str) -> None:
    with pytest.raises(EconomyError, match=message):
        make()


def test_convenience_is_what_holding_costs_at_a_constant_price() -> None:
    stock = Stock(0, 10.0, 100.0, holding_cost=2.0, spoilage=0.1)
    assert stock.base_convenience(1.0, 0.25) == pytest.approx(100.0 + 2.0 - 90.0 / 1.25)
    with pytest.raises(EconomyError, match="expected a discount rate, spoilage or holding cost above 0"):
        Stock(0, 10.0, 100.0).base_convenience(1.0, 0.0)


def test_consignments_arrive_evenly() -> None:
    goods = Consignment(0, 2025.1, 2025.6, 10.0)
    assert goods.arriving(Period(2025.0, 0.25)) == pytest.approx(3.0)
    assert sum(goods.arriving(Period(2025.0 + k / 4, 0.25)) for k in range(4)) == pytest.approx(10.0)


def test_what_each_rule_expects() -> None:
    before, anchor, trend = np.array([160.0, 50.0]), np.array([40.0, 50.0]), np.array([0.1, 0.0])

    def expected(rule: Expectation, at: float) -> float:
        return float(rule.prices(before, anchor, trend, 2025.0, at)[0])

    assert expected(Expectation(weight=0.25), 2025.5) == pytest.approx(80.0)
    assert expected(Expectation(weight=0.0), 2026.0) == pytest.approx(40.0)
    assert expected(Expectation("last"), 2030.0) == 160.0
    assert expected(Expectation("trend", weight=1.0), 2027.0) == pytest.approx(160.0 * np.exp(0.2))
    fading = 0.1 * (0.5**2 - 1) / np.log(0.5)  # the integral of the trend that halves every year
    assert expected(Expectation("trend", weight=0.5), 2027.0) == pytest.approx(160.0 * np.exp(fading))
    assert expected(Expectation("path", path=lambda at: np.full(2, at - 2000.0)), 2030.0) == 30.0
