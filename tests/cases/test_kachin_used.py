"""Each claim that counts as used changes the built economy when it is bumped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import scipy.sparse as sp

from oreflow import api
from oreflow.chain.case import Case
from oreflow.chain.network import build_network
from oreflow.market.periods import Period
from oreflow.policy.apply import lower_all
from oreflow.policy.context import Context
from oreflow.policy.proposal import compose
from oreflow.study.base import prepare
from oreflow.study.run import project_additions

YEARS = (2025, 2026, 2030, 2035)


@pytest.fixture(scope="module")
def case() -> Case:
    return api.load_case("kachin")


def stages(case: Case, drawn: dict[str, float]) -> Iterator[tuple[str, object]]:
    """Yield what the economy is built of, the cheapest to build first."""
    values = case.values(draws=drawn)
    network = build_network(case, values)
    yield "coefficients, costs, capacities and curves", network
    context = Context(case, values, network)
    for proposal in case.proposals:
        instruments = (*case.event_instruments(), *compose(case, proposal.id).instruments)
        yield proposal.id, lower_all(context, instruments, 2030)
    base = prepare(case, values)
    years = [Period(float(year), 1.0) for year in range(2024, case.end_year + 1)]
    yield "capacities to come", [project_additions(base, year, {}) for year in years]
    curves = (base.capacity, base.limits, base.a, base.b, base.c, base.d, base.shift, base.opening, base.discount)
    yield "calibrated curves, bounds and opening stocks", curves
    low = case.with_switches({"demand_level": "low"})
    yield "demand at its low level", build_network(low, low.values(draws=drawn))
    yield (
        "early and late terms",
        [
            lower_all(base.context, (*case.event_instruments(), *compose(case, p.id).instruments), year)
            for p in case.proposals
            for year in YEARS
        ],
    )


def numbers(thing: object) -> object:
    """Return plain nested tuples of whatever holds numbers."""
    if sp.issparse(thing):
        return thing.toarray().tobytes()  # type: ignore[attr-defined]
    if isinstance(thing, np.ndarray):
        return thing.tobytes()
    if isinstance(thing, dict):
        return tuple((str(key), numbers(value)) for key, value in sorted(thing.items(), key=lambda item: str(item[0])))
    if isinstance(thing, list | tuple):
        return tuple(numbers(item) for item in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        return tuple(numbers(getattr(thing, field.name)) for field in fields(thing))
    return repr(thing)


def test_a_bump_of_a_used_claim_changes_the_economy(case: Case, scale: int) -> None:
    plain = [(what, numbers(thing)) for what, thing in stages(case, {})]
    central = case.ledger.central_values()
    names = sorted(name for name in case.used_names() if name.startswith("claim:"))
    assert len(names) >= 350
    tried = names if scale > 1 else names[::6]
    unmoved = []
    for name in tried:
        bumped = {name: central[name] * 1.01 or 0.01}
        changed = (
            what for (what, before), (_, thing) in zip(plain, stages(case, bumped), strict=True)
            if numbers(thing) != before
        )  # fmt: skip
        if next(changed, None) is None:
            unmoved.append(name)
    assert unmoved == []
