"""Composing proposals, and the catalogue's own page of facts."""

from __future__ import annotations

import pytest

from oreflow.chain.case import Case, load_case
from oreflow.core.errors import UsageError
from oreflow.policy.catalogue import TYPES, entry, lower_function
from oreflow.policy.proposal import compose, compose_all


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case("kachin")


def test_order_and_blanks_do_not_matter(case: Case) -> None:
    assert compose(case, "india-processing+A").name == compose(case, " A  + india-processing ").name


@pytest.mark.parametrize(
    ("text", "match"), [("A + A", "twice"), ("A +", "empty part"), ("quad-refinin", "did you mean")]
)
def test_wrong_compositions_are_refused(case: Case, text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        compose(case, text)


def test_the_default_list_is_the_case_s_own(case: Case) -> None:
    assert len(compose_all(case, ())) == len(case.compare)
    with pytest.raises(UsageError, match="asked for twice"):
        compose_all(case, ("A", "A"))


def test_every_instrument_type_is_documented() -> None:
    for kind in TYPES:
        found = entry(kind)
        assert found.type == kind
        for text in (found.title, found.target, found.unit, found.term, found.sign):
            assert text
        assert lower_function(kind) is not None
    assert lower_function("wish") is None


def test_no_proposal_sets_an_outcome(case: Case) -> None:
    """Proposals hold instruments of the catalogue only: none names a quantity, share or price of a result."""
    for proposal in case.proposals:
        assert proposal.reading
        for instrument in proposal.instruments:
            assert instrument.type in TYPES, (proposal.id, instrument.id)
