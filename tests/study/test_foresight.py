"""Runs whose holders of stock foresee several years."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oreflow.chain.case import Case, load_case
from oreflow.chain.template import template_case
from oreflow.core.errors import UsageError
from oreflow.market.periods import Period
from oreflow.policy.proposal import compose
from oreflow.study.base import Settings, prepare_central
from oreflow.study.foresight import known_instruments, runs_in_periods, stock_positions
from oreflow.study.invariants import check_mass_balance, check_money, check_replication
from oreflow.study.run import run


@pytest.fixture(scope="module")
def kachin() -> Case:
    return load_case("kachin")


def test_a_window_has_some_length() -> None:
    with pytest.raises(UsageError, match="expected more than 0"):
        Settings(window=0)


def test_a_run_with_foresight_balances_and_its_stocks_look_ahead(kachin: Case) -> None:
    base = prepare_central(kachin, Settings(window=2))
    composition = compose(kachin, "status-quo")
    outcome = run(base, composition.name, composition.instruments, until=2026)
    assert outcome.solved, outcome.cause
    for check in (check_replication, check_mass_balance, check_money):
        found = check(outcome)
        assert found.holds, found
    myopic = run(prepare_central(kachin), composition.name, composition.instruments, until=2026)
    held = stock_positions(base)
    np.testing.assert_allclose(outcome.years[0].levels, myopic.years[0].levels, rtol=1e-9)  # the base year is history
    ahead, blind = outcome.years[1].levels[held], myopic.years[1].levels[held]
    assert np.abs(ahead / np.maximum(blind, 1e-6) - 1.0).max() > 0.01
    # zero profit of every stock that is neither empty nor full, at what it is worth next year
    for record in outcome.years[1:]:
        for j in held:
            market = base.network.activities[j].flows[0][0]
            if 1e-3 < record.levels[j] < record.capacity[j] * (1 - 1e-6):
                assert record.marginal[j] + record.prices[market] == pytest.approx(
                    0.0, abs=1e-5 * record.prices[market]
                )


def test_a_case_without_stocks_gives_the_myopic_run() -> None:
    case = replace(template_case(), stocks=())
    composition = compose(case, "tariff-concentrate")
    near = run(prepare_central(case, Settings()), composition.name, composition.instruments)
    far = run(prepare_central(case, Settings(window=3)), composition.name, composition.instruments)
    assert near.solved
    assert far.solved, far.cause
    for a, b in zip(near.years, far.years, strict=True):
        np.testing.assert_allclose(b.prices, a.prices, rtol=1e-5, atol=1e-6 * a.prices.max())


def test_measures_count_from_their_announcement_or_their_start() -> None:
    tariff = compose(template_case(), "tariff-concentrate").instruments  # announced in 2025, from 2026
    secret = tuple(replace(instrument, announced=None) for instrument in tariff)
    years = {year: Period(float(year), 1.0) for year in range(2024, 2028)}
    assert known_instruments(tariff, years[2026], years[2024]) == ()
    assert known_instruments(tariff, years[2026], years[2025]) == tariff
    assert known_instruments(secret, years[2026], years[2025]) == ()
    assert known_instruments(secret, years[2026], years[2026]) == secret
    assert known_instruments(secret, years[2027], years[2026]) == secret
    quarter = Period(2025.75, 0.25)
    assert known_instruments(secret, Period(2026.0, 0.25), quarter) == ()
    assert known_instruments(tariff, Period(2026.0, 0.25), quarter) == tariff


def test_years_by_windows_of_one_year_are_the_years_solved_in_turn(
    kachin: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = prepare_central(kachin)
    composition = compose(kachin, "B")
    plain = run(base, composition.name, composition.instruments, until=2029)
    assert not runs_in_periods(base)
    monkeypatch.setattr("oreflow.study.run.runs_in_periods", lambda _: True)
    windows = run(base, composition.name, composition.instruments, until=2029)
    assert windows.solved, windows.cause
    for a, b in zip(plain.years, windows.years, strict=True):
        traded = abs(plain.network.matrix) @ a.levels > 1e-3
        np.testing.assert_allclose(b.prices[traded], a.prices[traded], rtol=1e-5)


@pytest.mark.parametrize("periods", ["quarter", "month"])
def test_the_rains_are_seen_within_the_year_and_balances_hold(kachin: Case, periods: str) -> None:
    base = prepare_central(kachin, Settings(periods=periods, window=0.01))
    composition = compose(kachin, "status-quo")
    outcome = run(base, composition.name, composition.instruments, until=2026)
    assert outcome.solved, outcome.cause
    for check in (check_replication, check_mass_balance, check_money):
        assert check(outcome).holds, check(outcome)
    mines = [j for j, a in enumerate(base.network.activities) if a.row in ("mine_kn_cn", "mine_ks_cn")]
    rate = {round(r.start, 3): float(sum(r.levels[mines])) / r.length for r in outcome.periods if r.start >= 2026.0}
    wet = [value for start, value in rate.items() if 2026.5 <= start < 2026.75]
    assert max(wet) < 0.75 * min(value for start, value in rate.items() if not 2026.5 <= start < 2026.75)
    assert sum(value / len(rate) for value in rate.values()) == pytest.approx(sum(outcome.year(2026).levels[mines]))
