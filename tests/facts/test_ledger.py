"""The ledger: canonical numbers, money, visibility, swaps, ranges, cycles."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date

import pytest

from oreflow.facts.claim import Assumption, Claim, Source
from oreflow.facts.expression import parse_expression, references
from oreflow.facts.ledger import Ledger, LedgerError, MoneyRow, NotVisibleError, middle, year_of

SOURCE = Source("s", "publisher", "title", "2025-01-01", url="https://example.org")
MONEY = (
    MoneyRow("CNY", 2020, 7.0, 100.0, 0.13, "s"),
    MoneyRow("CNY", 2024, 7.2, 120.0, 0.13, "s"),
    MoneyRow("EUR", 2024, 0.9, 120.0, None, "s"),
)
CLAIM = Claim(
    id="a", subject="", place="", commodity="", element="", period="2024", value=2.0, low=None, high=None, unit="t",
    basis="REO", source="s", locator="", read_via="", grade="B", attribution="", derived_from=(), stems_from=(),
    vintage="", published=date(2025, 1, 31), published_assumed=False, note="",
)  # fmt: skip
ASSUMED = Assumption("g", "", 2.0, None, None, "1", "", "", "M", "because", "")


def ledger(*rows: Claim | Assumption, money: tuple[MoneyRow, ...] = MONEY, **settings: object) -> Ledger:
    claims = tuple(row for row in rows if isinstance(row, Claim))
    assumptions = tuple(row for row in rows if isinstance(row, Assumption))
    return Ledger(claims, (SOURCE,), assumptions, money, 2024, **settings)  # type: ignore[arg-type]


def test_masses_come_in_tonnes_of_the_basis_and_shares_as_fractions() -> None:
    rows = (
        replace(CLAIM, id="kg", value=1500.0, unit="kg/yr", basis="gross"),
        replace(CLAIM, id="share", value=57.0, unit="%", basis=""),
        replace(CLAIM, id="time", value=6.0, unit="month", basis=""),
    )
    values = ledger(*rows).central_values()
    assert values == pytest.approx({"claim:kg": 1.5, "claim:share": 0.57, "claim:time": 0.5})


def test_money_is_converted_at_the_rate_of_its_year_and_deflated() -> None:
    rows = (
        replace(CLAIM, id="old", value=70.0, unit="CNY/kg", basis="oxide", period="2020-05"),
        replace(CLAIM, id="new", value=72.0, unit="CNY/kg", basis="oxide", period="2024"),
        replace(CLAIM, id="usd", value=10.0, unit="USD/kg", basis="oxide", period="2020"),
        replace(CLAIM, id="inverse", value=7.2, unit="t/CNY", basis="oxide", period="2024"),
    )
    values = ledger(*rows).central_values()
    assert values["claim:old"] == pytest.approx(70 / 7.0 * 1000 * 120 / 100)
    assert values["claim:new"] == pytest.approx(72 / 7.2 * 1000)
    assert values["claim:usd"] == pytest.approx(10 * 1000 * 1.2)
    assert values["claim:inverse"] == pytest.approx(7.2 * 7.2)


def test_assumptions_in_other_money_take_the_money_year() -> None:
    found = ledger(replace(ASSUMED, value=9.0, unit="EUR/t", basis="gross"))
    assert found.central_values()["assume:g"] == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("changes", "column", "message"),
    [
        ({"unit": "JPY/t", "period": "2024"}, "unit", "money.csv has no rate of JPY in 2024"),
        ({"unit": "USD/t", "period": "1999"}, "unit", "money.csv has no deflator for 1999"),
        ({"unit": "USD/t", "period": "some day"}, "unit", "names no year"),
        ({"unit": "t", "basis": ""}, "unit", "without a basis"),
        ({"unit": "bushel"}, "unit", "is not known"),
    ],
)
def test_what_cannot_be_converted_is_a_finding(changes: dict[str, str], column: str, message: str) -> None:
    found = ledger(replace(CLAIM, **changes))  # type: ignore[arg-type]
    assert [finding.column for finding in found.findings] == [column]
    assert message in f"{found.findings[0].found} {found.findings[0].remedy}"
    assert found.central_values() == {}


def test_a_claim_with_only_a_range_stands_for_its_middle_and_one_with_neither_has_no_number() -> None:
    between = replace(CLAIM, value=None, low=2.0, high=4.0)
    assert middle(between) == 3.0
    assert ledger(between).central_values() == {"claim:a": 3.0}
    assert ledger(replace(CLAIM, value=None)).central_values() == {}


def test_the_first_visible_claim_counts_and_the_swap_is_listed() -> None:
    old = replace(CLAIM, id="old", published=date(2024, 1, 31))
    tree = parse_expression('=first(claim("a"), claim("old"), assume("g"))')
    found = ledger(CLAIM, old, ASSUMED)
    assert found.resolve(tree)[0] == parse_expression('=claim("a")')
    for day, used in ((date(2025, 1, 31), "claim:a"), (date(2025, 1, 30), "claim:old"), (date(2020, 1, 1), "assume:g")):
        expr, swaps = found.resolve(tree, day)
        assert references(expr) == (used,)
        assert [swap.used for swap in swaps] == ([] if used == "claim:a" else [used])
        assert all(swap.published == date(2025, 1, 31) for swap in swaps)


def test_a_hidden_claim_with_nothing_behind_it_names_its_date_of_publication() -> None:
    found = ledger(CLAIM, replace(ASSUMED, value='=claim("a") / claim("a")'))
    with pytest.raises(NotVisibleError, match="claim:a was published on 2025-01-31, after the as-of date 2024-12-31"):
        found.resolve(parse_expression('=claim("a") * 10'), date(2024, 12, 31))
    with pytest.raises(NotVisibleError, match="2025-01-31"):
        found.resolve(parse_expression('=first(claim("a"))'), date(2024, 12, 31))
    with pytest.raises(NotVisibleError, match="assume:g rests on claims published after"):
        found.resolve(parse_expression('=assume("g")'), date(2024, 12, 31))
    assert found.central_values(date(2024, 12, 31)) == {}
    assert found.visible(date(2024, 12, 31)) == ()


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(LedgerError, match=r"claim:b is in neither claims\.csv nor assumptions\.csv"):
        ledger(CLAIM).is_visible("claim:b", date(2026, 1, 1))


def test_assumptions_that_are_expressions_follow_drawn_claims() -> None:
    one = replace(ASSUMED, id="one", value='=claim("a") * 10', unit="t", basis="REO")
    two = replace(ASSUMED, id="two", value='=assume("one") + claim("a")', unit="t", basis="REO")
    found = ledger(two, one, CLAIM)
    assert found.central_values() == {"claim:a": 2.0, "assume:one": 20.0, "assume:two": 22.0}
    assert found.values(draws={"claim:a": 3.0})["assume:two"] == 33.0
    assert found.values(draws={"assume:one": 5.0})["assume:two"] == 7.0
    assert found.reached(["assume:two"]) == ("assume:two", "assume:one", "claim:a")
    with pytest.raises(LedgerError, match="claim:none"):
        found.values(draws={"claim:none": 1.0})


def test_cycles_are_found_and_stay_without_number() -> None:
    rows = [
        replace(ASSUMED, id=name, value=f'=assume("{other}")') for name, other in (("x", "y"), ("y", "z"), ("z", "x"))
    ]
    found = ledger(*rows, replace(ASSUMED, id="self", value='=assume("self")'), CLAIM)
    assert found.cycles == (("x", "y", "z", "x"), ("self", "self"))
    assert found.central_values() == {"claim:a": 2.0}


def test_a_long_chain_of_assumptions_has_a_number() -> None:
    rows = [replace(ASSUMED, id="n0", value=1.0)]
    rows += [replace(ASSUMED, id=f"n{k}", value=f'=assume("n{k - 1}") + 1') for k in range(1, 1500)]
    found = ledger(*reversed(rows[:300]), *rows[300:])
    assert found.central_values(date(2020, 1, 1))["assume:n1499"] == 1500.0


def test_ranges_take_the_distribution_of_their_grade_or_their_own() -> None:
    rows = (
        replace(CLAIM, id="b", low=1.0, high=4.0),
        replace(CLAIM, id="d", low=1.0, high=4.0, grade="D"),
        replace(CLAIM, id="same", low=2.0, high=2.0),
        replace(CLAIM, id="bare"),
        replace(ASSUMED, id="log", low=1.0, high=4.0, dist="loguniform"),
        replace(ASSUMED, id="fixed", low=1.0, high=4.0, dist="fixed"),
        replace(ASSUMED, id="cny", value=9.0, low=0.9, high=18.0, unit="EUR/kg", basis="oxide"),
    )
    found = {u.name: u for u in ledger(*rows).uncertainties()}
    assert {name: u.kind for name, u in found.items()} == {
        "claim:b": "pert", "claim:d": "uniform", "assume:log": "loguniform", "assume:cny": "uniform",
    }  # fmt: skip
    cny = found["assume:cny"]
    assert (cny.low, cny.mode, cny.high) == pytest.approx((1000.0, 10_000.0, 20_000.0))


def test_a_range_by_grade_is_used_only_where_the_case_gives_it() -> None:
    assert ledger(CLAIM).uncertainties() == ()
    (found,) = ledger(CLAIM, grade_ranges={"A": 0.0, "B": 0.1}).uncertainties()
    assert (found.low, found.mode, found.high) == pytest.approx((1.8, 2.0, 2.2))


def test_grade_and_independence_are_shown_together() -> None:
    found = ledger(CLAIM, replace(CLAIM, id="copy", derived_from=("a",)))
    assert [found.independence_text(claim) for claim in found.claims] == ["B", "B, not independent"]


def test_a_ledger_survives_pickling_after_use() -> None:
    found = ledger(CLAIM, replace(ASSUMED, value='=claim("a")', unit="t", basis="REO"))
    before = found.values()
    assert pickle.loads(pickle.dumps(found)).values() == before  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("period", "year"),
    [("2024", 2024), ("2024-06-15", 2024), ("FY2024", 2024), ("2010H2", 2010), ("2023-2024", 2023), ("undated", None)],
)
def test_year_of_a_period(period: str, year: int | None) -> None:
    assert year_of(period) == year
