"""What must hold of every solved run of the bundled case, and what the barriers must do."""

from __future__ import annotations

import numpy as np
import pytest

from oreflow import api
from oreflow.baseline.calibrate import residual_table
from oreflow.chain.case import Case
from oreflow.market.terms import Scale
from oreflow.policy.proposal import compose
from oreflow.study.base import Base, prepare
from oreflow.study.indicators import SEPARATION, Lens, measure
from oreflow.study.invariants import check_mass_balance, check_money, check_replication
from oreflow.study.run import run

PROPOSALS = ("status-quo", "A", "B", "A + india-processing", "B + quad-refining", "build-elsewhere", "A-alt", "B-alt")


@pytest.fixture(scope="module")
def case() -> Case:
    return api.load_case("kachin")


@pytest.fixture(scope="module")
def base(case: Case) -> Base:
    return prepare(case, case.values())


@pytest.mark.parametrize("proposal", PROPOSALS)
def test_every_run_balances(case: Case, base: Base, proposal: str) -> None:
    composition = compose(case, proposal)
    outcome = run(base, composition.name, composition.instruments)
    assert outcome.solved, outcome.cause
    for check in (check_replication, check_mass_balance, check_money):
        found = check(outcome)
        assert found.holds, found


def test_drawn_runs_balance(case: Case) -> None:
    """A draw may find no equilibrium, and says so; every one that does replicates and balances goods and money."""
    from oreflow.futures.sample import sample

    drawn = sample(api.futures_of(case), 3, seed=7)
    solved = 0
    for index in range(len(drawn)):
        row = dict(zip(drawn.names, (float(v) for v in drawn.values[index]), strict=True))
        numbers = {name: value for name, value in row.items() if not name.startswith("project:")}
        future = prepare(case, case.values(draws=numbers))
        composition = compose(case, "B")
        outcome = run(future, composition.name, composition.instruments, draws=row)
        if not outcome.solved:
            assert outcome.cause
            continue
        solved += 1
        for check in (check_replication, check_mass_balance, check_money):
            found = check(outcome)
            assert found.holds, (index, found)
    assert solved >= 2


def test_residuals_are_small_and_no_absence_is_unexplained(base: Base) -> None:
    shares = [float(str(row["share"])) for row in residual_table(base.network, base.calibration)]
    assert np.median(shares) <= 0.15
    assert max(shares) <= 0.60
    assert base.calibration.absences == ()


def test_no_heavy_separation_outside_means_nothing_diverted(case: Case, base: Base) -> None:
    lens = Lens(base, base.network)
    plants = tuple(
        j
        for j, activity in enumerate(base.network.activities)
        if activity.process_kind in SEPARATION and activity.process_kind != "separate_light" and lens.is_outside(j, {})
    )
    shut = Scale(plants, 0.0, "test")
    side = ("india-processing", "quad-refining", "sanctions-relief", "tariff-relief")
    for proposal in (*PROPOSALS, *side, "A + india-processing + quad-refining"):
        composition = compose(case, proposal)
        outcome = run(base, composition.name, composition.instruments, extra=(shut,))
        assert outcome.solved, outcome.cause
        assert max(measure(outcome, lens)["diverted_first"].values()) == 0.0


def test_proposals_and_side_measures_differ_where_they_should(case: Case, base: Base) -> None:
    lens = Lens(base, base.network)

    def results(proposal: str) -> tuple[float, ...]:
        composition = compose(case, proposal)
        values = measure(run(base, composition.name, composition.instruments), lens)
        return tuple(round(v, 4) for key in ("outside_dytb", "price", "public_cost") for v in values[key].values())

    names = ("status-quo", "A", "A-alt", "B", "B-alt", "build-elsewhere", "india-processing", "quad-refining",
             "B + quad-refining", "A + sanctions-relief", "A + quad-refining",
             "A + quad-refining + tariff-relief")  # fmt: skip
    found = {name: results(name) for name in names}
    assert len(set(found.values())) == len(names)
    # What these two ease touches nothing while the southern road is shut and no ore goes to the United States.
    assert results("sanctions-relief") == found["status-quo"]
    assert results("tariff-relief") == found["status-quo"]


def test_an_observation_moves_its_residual(case: Case) -> None:
    """A price 10% higher moves what the calibration cannot explain at that market."""
    from dataclasses import replace

    from oreflow.baseline.calibrate import calibrate
    from oreflow.market.terms import charges_of
    from oreflow.study.base import barred_activities

    base = prepare(case, case.values())
    charges = charges_of(base.terms, base.network.cost)

    def residuals(prices: tuple[object, ...]) -> np.ndarray:
        return calibrate(
            base.network, base.year, prices, rate=charges.rate, amount=charges.amount,  # type: ignore[arg-type]
            upper=base.network.upper, limits=base.network.limit_values,
            barred=barred_activities(base.network, case.base_year),
        ).residuals  # fmt: skip

    before = residuals(base.price_observations)
    for k in range(0, len(base.price_observations), 60):
        moved = list(base.price_observations)
        moved[k] = replace(moved[k], value=1.1 * moved[k].value)
        assert np.max(np.abs(residuals(tuple(moved)) - before)) > 0.0, moved[k].name
