"""The case: rows, numbers in their units, switches, events, as-of, what is used, loading by name."""

from __future__ import annotations

import pickle
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from oreflow.chain.case import Case, Instrument, bundled_cases, load_case, period_end, read_case
from oreflow.chain.tables import CHAIN, Cell
from oreflow.core.errors import CaseError, UsageError
from oreflow.facts.expression import parse_expression


def test_the_teaching_case_loads_with_typed_rows(folder: Path) -> None:
    case = load_case(str(folder))
    assert (case.base_year, case.end_year, case.money_year) == (2024, 2030, 2024)
    assert case.processes[2].feeds == ("conc",)
    assert case.routes[0].from_ == "ARDEN"
    assert case.routes[0].legs == ("road_a", "sea")
    assert case.places[0].lat == 10.0
    assert case.events == ()
    assert [proposal.id for proposal in case.proposals] == ["status-quo", "tariff-concentrate", "tariff-oxides"]
    assert {row.row for row in case.legs} == {2, 3}


def test_numbers_come_in_the_unit_of_the_column(folder: Path) -> None:
    case = load_case(str(folder))
    values = case.values()
    demand = next(row for row in case.demands if row.id == "nd_belmor")
    leg = next(row for row in case.legs if row.id == "sea")
    assert demand.quantity is not None
    assert demand.price is not None
    assert leg.fixed is not None
    assert demand.quantity.unit == "t_oxide/yr"
    assert values[demand.quantity] == 372.5
    assert values[demand.price] == pytest.approx(60_000.0)
    assert values[leg.fixed] == pytest.approx(12 / 0.925 * 313.7 / 304.7)
    assert case.discount_rate is not None
    assert values[case.discount_rate] == 0.08
    tariff = case.proposals[2].instruments[0]
    assert tariff.magnitude is not None
    assert tariff.magnitude.unit == "1"
    assert values[tariff.magnitude] == pytest.approx(0.2)


def test_units_follow_the_recipe_and_the_commodity(folder: Path) -> None:
    case = load_case(str(folder))
    mine, plant = case.processes[0], case.processes[2]
    assert mine.cost is not None
    assert plant.capacity is not None
    assert (mine.cost.unit, plant.capacity.unit) == ("USD/t_REO", "t_REO/yr")
    assert case.projects[0].start is not None
    assert case.values()[case.projects[0].start] == 2027.0
    assert {row.coefficient.unit for row in case.recipes if row.coefficient} == {
        "t_REO/t_REO or 1", "1 or t_oxide/t_REO"
    }  # fmt: skip


def test_draws_replace_central_values_and_flow_through_assumptions(folder: Path) -> None:
    case = load_case(str(folder))
    price = next(row.price for row in case.demands if row.id == "nd_arden")
    assert price is not None
    before = case.values()[price]
    dearer = case.values(draws={"assume:sea_rate": 0.02})[price]
    assert before - dearer == pytest.approx(4000 * 0.01)


def test_as_of_takes_the_earlier_claim_and_lists_the_swap(folder: Path) -> None:
    case = load_case(str(folder), as_of=date(2025, 1, 10))
    ((cell, swap),) = case.swaps()
    assert (cell.file, cell.row, swap.used) == ("observations.csv", 3, "claim:mine_belmor_old")
    assert case.values()[cell] == 470.0
    assert load_case(str(folder)).values()[cell] == 500.0
    assert "claim:mine_belmor_old" in case.used_names()


def test_as_of_before_everything_names_the_dates_of_publication(folder: Path) -> None:
    with pytest.raises(CaseError, match="claim:price_la was published on 2024-12-31, after the as-of date 2024-06-01"):
        load_case(str(folder), as_of=date(2024, 6, 1))


def test_switches_scale_the_demands_they_name(folder: Path) -> None:
    case = load_case(str(folder))
    rows = {row.id: row for row in case.demands}
    high = case.with_switches({"demand_level": "high"})
    assert case.switch_factor(rows["dy_belmor"], case.values()) == 1.0
    assert high.switch_factor(rows["dy_belmor"], high.values()) == 1.5
    assert high.switch_factor(rows["nd_belmor"], high.values()) == 1.0
    with pytest.raises(UsageError, match="no option 'middle'; its options are high, low"):
        case.with_switches({"demand_level": "middle"})
    with pytest.raises(UsageError, match="unknown switch 'weather'"):
        case.with_switches({"weather": "wet"})


def test_modelled_events_become_instruments_and_unknown_ones_are_hidden_by_as_of(folder: Path) -> None:
    (folder / "events.csv").write_text(
        "id,date,end,announced,instrument,actor,target,magnitude,unit,receiver,options,modelled,grade,source,note\n"
        'e1,2025-04-04,2026-07-01,2025-04-02,licence,belmor_state,ARDEN,"=assume(""chance"")",,,'
        "commodities=nd_oxide|dy_oxide;as=share,yes,M,invented,\n"
        "e2,2025-01-01,,,talks,,,,,,,no,M,invented,an event that is only recorded\n",
        encoding="utf-8",
    )
    case = load_case(str(folder))
    (found,) = case.event_instruments()
    assert isinstance(found, Instrument)
    assert (found.type, found.target) == ("licence", ("ARDEN",))
    assert found.start == pytest.approx(2025 + 93 / 365)
    assert found.options == {"commodities": ("nd_oxide", "dy_oxide"), "as": "share"}
    assert found.end == pytest.approx(2026.4959, abs=1e-4)
    assert load_case(str(folder), as_of=date(2025, 3, 1)).event_instruments() == ()


def test_used_and_uncertain_rows_are_those_that_a_parameter_reaches(folder: Path) -> None:
    case = load_case(str(folder))
    used = case.used_names()
    assert "claim:mine_belmor_old" not in used
    assert "claim:port_fee" in used
    assert case.used_count() == len([name for name in used if name.startswith("claim:")]) - 2
    names = {uncertainty.name for uncertainty in case.uncertainties()}
    assert names <= used
    assert "assume:link" in names
    assert "assume:threshold" not in names


def test_published_figures_do_not_make_a_claim_used(folder: Path) -> None:
    with (folder / "claims.csv").open("a", encoding="utf-8") as stream:
        stream.write("lone,use,BELMOR,,,2024,5,4,6,t,oxide,invented,,,C,,,,,2024-12-31,\n")
    with (folder / "published.csv").open("a", encoding="utf-8") as stream:
        stream.write('p2,use,BELMOR,2024,"=claim(""lone"")",yes,\n')
    case = load_case(str(folder))
    assert "claim:lone" not in case.used_names()
    assert "claim:lone" not in {uncertainty.name for uncertainty in case.uncertainties()}


def test_default_sd_is_that_of_the_least_trusted_grade(folder: Path) -> None:
    case = load_case(str(folder))
    flow = next(row.value for row in case.observations if row.id == "o_flow")
    assert flow is not None
    assert case.default_sd(flow) == 0.10
    assert case.default_sd(Cell(parse_expression("=1"), "1", "x.csv", 2, "value")) == 0.40


def test_entered_sources_come_from_used_rows_and_proposals(folder: Path) -> None:
    with (folder / "sources.csv").open("a", encoding="utf-8") as stream:
        stream.write("spare,p,t,2024,https://example.org,,,,\n")
    assert [source.id for source in load_case(str(folder)).entered_sources()] == ["invented"]


def test_the_content_hash_follows_content_and_not_the_place_on_disk(folder: Path, tmp_path: Path) -> None:
    import shutil

    twin = tmp_path / "twin"
    shutil.copytree(folder, twin)
    first = load_case(str(folder))
    assert load_case(str(twin)).content_hash() == first.content_hash()
    text = (twin / "claims.csv").read_text(encoding="utf-8")
    (twin / "claims.csv").write_text(text.replace(",372.5,", ",372.6,"), encoding="utf-8")
    assert load_case(str(twin)).content_hash() != first.content_hash()
    assert first.with_switches({"demand_level": "high"}).content_hash() != first.content_hash()


def test_a_case_survives_pickling_after_use(folder: Path) -> None:
    case = load_case(str(folder))
    before = [case.values()[cell] for cell in case.cells()]
    again: Case = pickle.loads(pickle.dumps(case))  # noqa: S301 - our own bytes
    assert [again.values()[cell] for cell in again.cells()] == before


def test_a_division_by_zero_names_the_cell(folder: Path) -> None:
    case = load_case(str(folder))
    cell = Cell(parse_expression('=1 / (claim("share_nd") - claim("share_nd"))'), "", "legs.csv", 7, "rate")
    with pytest.raises(CaseError, match=r"legs\.csv, row 7, column rate: .* no finite value"):
        case.values()[cell]


def test_an_unknown_case_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown case 'no-such-case'"):
        load_case("no-such-case")
    with pytest.raises(UsageError, match=r"holds no case\.yaml"):
        load_case(str(tmp_path))


def test_an_absent_publication_date_is_the_period_end_and_one_year_and_flagged(folder: Path) -> None:
    text = (folder / "claims.csv").read_text(encoding="utf-8")
    (folder / "claims.csv").write_text(
        text.replace("C,,,,,2024-12-31,", "C,,,,,,").replace(",port fees,ARDEN,,,2023,", ",port fees,ARDEN,,,,"),
        encoding="utf-8",
    )
    case, problems = read_case(folder)
    assert case is not None
    assert problems == ()
    claim = case.ledger.claim_by_id["price_nd"]
    assert (claim.published, claim.published_assumed) == (date(2025, 12, 31), True)


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("2024", date(2024, 12, 31)), ("2024-02", date(2024, 2, 29)), ("2010H1", date(2010, 6, 30)),
        ("2010Q4", date(2010, 12, 31)), ("2020-2023", date(2023, 12, 31)), ("undated", None),
    ],
)  # fmt: skip
def test_period_end(period: str, end: date | None) -> None:
    assert period_end(period) == end


@pytest.mark.parametrize("name", bundled_cases())
def test_every_bundled_case_loads_without_problem(name: str) -> None:
    case = load_case(name)
    assert case.id == name
    values = case.values()
    assert all(values[cell] == values[cell] for cell in case.cells())


def test_row_classes_have_the_columns_of_their_tables() -> None:
    for table in CHAIN:
        assert table.row_class is not None
        assert [item.name for item in fields(table.row_class)] == [*(column.field for column in table.columns), "row"]
