"""Linear uses of a case: they adjust in tonnes, end at the choke, and take no more than their saturation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oreflow import api
from oreflow.chain.network import Kind
from oreflow.market.arrays import CurveKind
from oreflow.study.base import Base, prepare
from oreflow.study.run import run


@pytest.fixture(scope="module")
def base() -> Base:
    case = api.load_case("kachin")
    return prepare(case, case.values())


def linear_uses(base: Base) -> list[int]:
    return [j for j in base.network.positions(Kind.DEMAND) if base.kind[j] == CurveKind.LINEAR]


def test_a_line_closes_a_share_of_the_gap_each_year(base: Base) -> None:
    outcome = run(base, "status-quo", ())
    uses = linear_uses(base)
    assert uses
    for j in uses:
        speed, growth = base.network.adjustment[j], base.network.growth[j]
        assert 0.0 < speed < 1.0
        market = base.network.activities[j].flows[0][0]
        for before, now in zip(outcome.years, outcome.years[1:], strict=False):
            grown = (1.0 + growth) ** (now.year - base.case.base_year)
            wanted = grown * (-base.a[j] - now.prices[market]) / base.b[j]
            expected = speed * wanted + (1.0 - speed) * before.levels[j] * (1.0 + growth)
            most = base.network.saturation[j] * base.year.levels[j] * grown
            assert now.levels[j] == pytest.approx(min(expected, most), rel=1e-6)


def test_a_choke_below_the_lines_own_end_makes_the_line_end_there(base: Base) -> None:
    j = linear_uses(base)[0]
    own = base.network.demand_elasticity[j]
    assert base.network.line_elasticity(j) == own
    choke = base.network.choke.copy()
    choke[j] = 1.5
    assert replace(base.network, choke=choke).line_elasticity(j) == pytest.approx(-2.0)
    choke[j] = np.inf
    assert replace(base.network, choke=choke).line_elasticity(j) == own


def test_no_more_is_used_than_saturation_allows(base: Base) -> None:
    """With a saturation next to the base quantity a glut is left over, at no price."""
    uses = linear_uses(base)
    saturation = base.network.saturation.copy()
    saturation[uses] = 1.0
    tight = replace(base, network=replace(base.network, saturation=saturation))
    outcome = run(tight, "status-quo", (), until=2027)
    assert outcome.solved, outcome.cause
    for record in outcome.years:
        for j in uses:
            grown = (1.0 + base.network.growth[j]) ** (record.year - base.case.base_year)
            assert record.levels[j] <= base.year.levels[j] * grown * (1 + 1e-9)
