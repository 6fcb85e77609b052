"""Observations that go back to the same evidence count once; independent ones add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oreflow.baseline.families import error_model
from oreflow.chain.case import Case, load_case
from oreflow.facts.expression import parse_expression
from oreflow.study.account import account_base_year, case_of_year, posterior_of_base
from oreflow.study.base import prepare

USGS = "D0208"


@pytest.fixture(scope="module")
def kachin() -> Case:
    return load_case("kachin")


def with_copies(case: Case, *, derived: bool, count: int = 2) -> Case:
    """The case with further readings of the USGS figure, each an observation of its own."""
    claim = next(c for c in case.ledger.claims if c.id == USGS)
    row = next(r for r in case.observations if r.value is not None and f"claim:{USGS}" in r.value.references)
    assert row.value is not None
    claims, rows = [], []
    for k in range(count):
        name = f"COPY{k}"
        claims.append(replace(claim, id=name, derived_from=(USGS,) if derived else ()))
        text = (
            f'claim("{name}") * assume("kachin_share") * (1 - assume("kachin_south_share")) * assume("oxide_part_reo")'
        )
        cell = replace(row.value, expr=parse_expression(f"={text}"))
        rows.append(replace(row, value=cell))
    return replace(
        case,
        ledger=replace(case.ledger, claims=(*case.ledger.claims, *claims)),
        observations=(*case.observations, *rows),
    )


def crossings(case: Case) -> dict[tuple[str, str], tuple[float, float]]:
    posterior, _, _ = posterior_of_base(prepare(case, case.values()))
    return {(c.label, c.basis): (c.mean, c.sd) for c in posterior.crossings if c.mean is not None and c.sd is not None}


@pytest.fixture(scope="module")
def before(kachin: Case) -> dict[tuple[str, str], tuple[float, float]]:
    return crossings(kachin)


def test_a_claim_thrice_through_derived_from_changes_no_posterior(
    kachin: Case, before: dict[tuple[str, str], tuple[float, float]]
) -> None:
    after = crossings(with_copies(kachin, derived=True))
    assert after.keys() == before.keys()
    for key, (mean, sd) in before.items():
        assert after[key][0] == pytest.approx(mean, rel=1e-4), key
        assert after[key][1] == pytest.approx(sd, rel=1e-4), key


def test_a_claim_thrice_as_independent_changes_the_posterior(
    kachin: Case, before: dict[tuple[str, str], tuple[float, float]]
) -> None:
    after = crossings(with_copies(kachin, derived=False))
    reo = ("all tracked ore", "REO")
    assert after[reo][1] < 0.995 * before[reo][1]
    assert abs(after[reo][0] - before[reo][0]) > 100.0


def test_the_family_of_the_customs_figure_holds_usgs(kachin: Case) -> None:
    base = prepare(kachin, kachin.values())
    errors = error_model(kachin, lambda moved: kachin.values(draws=moved), base.observations)
    family = next(f for f in errors.families if "SUP-0385" in f.claims)
    assert USGS in family.claims
    names = {base.observations[i].name for i in family.observations}
    assert {"output:kachin_oxide:KACHIN_N", "flow:kachin_oxide:KACHIN_N->CHINA_S"} <= names
    covariance = errors.covariance()
    output, flow = (
        next(i for i in family.observations if base.observations[i].name == name)
        for name in ("output:kachin_oxide:KACHIN_N", "flow:kachin_oxide:KACHIN_N->CHINA_S")
    )
    correlation = covariance[output, flow] / (covariance[output, output] * covariance[flow, flow]) ** 0.5
    assert correlation == pytest.approx(1.0, abs=1e-3)
    for i in range(len(base.observations)):  # never less sure than the case states
        assert covariance[i, i] ** 0.5 >= base.observations[i].sd * (1 - 1e-6)


def test_the_border_of_2023_is_the_larger_one(kachin: Case) -> None:
    other, replaced = case_of_year(kachin, 2023)
    assert ("SUP-0385", "SUP-0367") in {(r.claim, r.by) for r in replaced}
    assert (USGS, "D0300") in {(r.claim, r.by) for r in replaced}
    assert next(c for c in other.ledger.claims if c.id == "SUP-0385").value == pytest.approx(72073.8)
    then, now = account_base_year(kachin, 2023), account_base_year(kachin)

    def alone(account: object) -> float:
        return next(c.mean for c in account.alone if c.basis == "REO")  # type: ignore[attr-defined]

    # 72,074 t against 44,366 t of gross weight, with the same split and content.
    assert alone(then) / alone(now) == pytest.approx(72073.8 / 44365.5, rel=0.02)
    assert "MY_SPLIT_OXIDE" in then.held_claims


def test_what_crosses_is_between_the_sources_and_less_sure_than_none(kachin: Case) -> None:
    account = account_base_year(kachin)
    value = {c.basis: c for c in account.posterior.crossings if c.label == "all tracked ore"}
    near = {c.basis: c for c in account.alone if c.label == "all tracked ore"}
    for basis in ("REO", "Dy oxide", "Tb oxide"):
        whole, alone = value[basis], near[basis]
        assert whole.mean is not None
        assert whole.sd is not None
        assert alone.mean is not None
        assert alone.sd is not None
        assert 0 < whole.sd < alone.sd, "the rest of the network adds knowledge"
        assert abs(whole.mean - alone.mean) < 2 * alone.sd
    reo, dysprosium = value["REO"], value["Dy oxide"]
    assert reo.mean is not None
    assert reo.sd is not None
    assert dysprosium.mean is not None
    assert dysprosium.sd is not None
    assert 27000 * 0.65 < reo.mean < 44366
    assert dysprosium.sd / dysprosium.mean > 0.9 * reo.sd / reo.mean
    assert sum(p.total for p in account.paths) > 0
    assert all(p.existing + len(p.missing) == p.total for p in account.paths)
    for wedge in account.wedges:  # the price is what it says it is
        assert wedge.value > 0
