"""Units with bases: reading, conversion, and refusals that name the bases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.core.units import (
    BASES,
    CURRENCIES,
    UnitError,
    currencies_in,
    factor,
    parse_unit,
    registry,
    root_factor,
    unit_text,
    yearly_factor,
)

NAMES = st.sampled_from(
    [*(f"{mass}_{basis}" for mass in ("t", "kg", "kt") for basis in BASES), "USD", "CNY", "yr", "km"]
)
POWERS = st.dictionaries(NAMES, st.integers(-3, 3).filter(bool), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("text", "basis", "target", "expected"),
    [
        ("kg", "REO", "t_REO", 0.001),
        ("kt/yr", "gross", "t_gross/yr", 1000.0),
        ("USD/kg", "oxide", "USD/t_oxide", 1000.0),
        ("USD/(t*km)", "gross", "USD/(t_gross*km)", 1.0),
        ("%", "", "1", 0.01),
        ("%/yr", "", "1/yr", 0.01),
        ("month", "", "yr", 1 / 12),
        ("t/month", "REO", "t_REO/yr", 12.0),
        ("day", "", "yr", 1 / 365.25),
        ("t_REO/t_gross", "", "kg_REO/kg_gross", 1.0),
        ("Mt", "ore", "kg_ore", 1e9),
    ],
)
def test_a_unit_converts(text: str, basis: str, target: str, expected: float) -> None:
    assert factor(parse_unit(text, basis), parse_unit(target)) == pytest.approx(expected, rel=1e-12)


def test_a_unit_with_its_own_suffix_ignores_the_basis_of_the_row() -> None:
    assert unit_text(parse_unit("t_REO/t", "gross")) == "t_REO/t_gross"


@pytest.mark.parametrize("one", BASES)
@pytest.mark.parametrize("other", BASES)
def test_no_basis_converts_into_another(one: str, other: str) -> None:
    if one == other:
        assert factor(parse_unit("t", one), parse_unit(f"t_{other}")) == 1.0
        return
    with pytest.raises(UnitError, match=f"the basis {one} is not {other}; multiply by a claim or assumption"):
        factor(parse_unit("t", one), parse_unit(f"t_{other}"))


@pytest.mark.parametrize(
    ("text", "basis", "message"),
    [
        ("t", "", "has a t without a basis; name one of REO, gross"),
        ("t_reo", "", "unknown basis 'reo'"),
        ("tonnes", "REO", "'tonnes' is not known"),
        ("t", "wet", "unknown basis 'wet'"),
        ("USD/", "", "it ends too early"),
        ("USD t", "REO", "out of place"),
        ("(USD", "", "a bracket is not closed"),
        ("km^9", "", "a power is a whole number up to 4"),
        ("2 km", "", "out of place"),
        ("km; import os", "", "';' cannot stand in a unit"),
        ("yr*" * 40 + "yr", "", "expected at most 80"),
    ],
)
def test_what_is_no_unit_is_refused_in_words(text: str, basis: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        parse_unit(text, basis)


def test_currencies_do_not_convert_without_money() -> None:
    with pytest.raises(UnitError, match=r"CNY needs a row in money\.csv"):
        factor(parse_unit("CNY/t_REO"), parse_unit("USD/t_REO"))
    assert currencies_in("CNY/kg_oxide") == ("CNY",)


def test_an_amount_of_one_year_converts_where_the_target_is_per_year_and_nowhere_else() -> None:
    assert yearly_factor(parse_unit("kt_REO"), parse_unit("t_REO/yr")) == 1000.0
    assert yearly_factor(parse_unit("kt_REO/yr"), parse_unit("t_REO/yr")) == 1000.0
    with pytest.raises(UnitError):
        yearly_factor(parse_unit("t_REO/yr"), parse_unit("t_REO"))
    with pytest.raises(UnitError):
        yearly_factor(parse_unit("t_REO"), parse_unit("1/yr"))


def test_a_calendar_year_is_no_duration() -> None:
    with pytest.raises(UnitError, match="they measure different things"):
        factor(parse_unit("year"), parse_unit("yr"))


def test_the_registry_is_our_own() -> None:
    assert "furlong" not in registry()
    assert "t_REO" in registry()


@given(POWERS)
def test_unit_text_reads_back_to_the_same_unit(powers: dict[str, int]) -> None:
    text = "*".join(f"{name}^{power}" for name, power in powers.items())
    unit = parse_unit(text)
    assert parse_unit(unit_text(unit)) == unit


@given(POWERS)
def test_a_factor_and_its_inverse_are_one(powers: dict[str, int]) -> None:
    unit = parse_unit("*".join(f"{name}^{power}" for name, power in powers.items()))
    number, root = root_factor(unit)
    assert number > 0
    assert factor(unit, root) * factor(root, unit) == pytest.approx(1.0, rel=1e-12)


@given(st.text(max_size=90), st.sampled_from(["", "REO", "wet"]))
def test_no_text_breaks_the_reader(text: str, basis: str) -> None:
    message = "read"
    try:
        parse_unit(text, basis)
    except UnitError as error:
        message = str(error)
    assert message


def test_every_currency_is_its_own_dimension() -> None:
    dimensions = {str(parse_unit(currency).dimensionality) for currency in CURRENCIES}
    assert len(dimensions) == len(CURRENCIES)
