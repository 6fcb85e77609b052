"""Reading episode files: dates, step functions, and every problem at once."""

from __future__ import annotations

import math
import shutil
from calendar import monthrange
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import oreflow
from oreflow.core.errors import CaseError
from oreflow.hindcast.episode import Date, ScoredRow, load_hindcasts, step_at

FOLDER = Path(oreflow.__file__).parent / "cases" / "kachin" / "hindcasts"
ROLES = {"H2010": 36, "H2019": 8, "H2021": 13, "H2023": 11, "H2024": 27}


def test_every_row_of_the_record_has_one_role_and_a_known_source() -> None:
    found = load_hindcasts(FOLDER)
    assert {e.id: len(e.rows) for e in found.episodes} == ROLES
    seen: set[tuple[object, ...]] = set()
    for episode in found.episodes:
        for row in episode.rows:
            assert row.source in found.sources, row.id
            if not isinstance(row, ScoredRow):
                assert row.reason or row.role == "cause", row.id
                continue
            assert row.grade in "ABC", row.id
            window = (row.quantity, row.element, row.place, row.before.date.text, row.after.date.text)
            assert window not in seen, row.id
            seen.add(window)


@given(st.integers(1900, 2100), st.integers(1, 12), st.integers(1, 31))
def test_a_day_lies_in_its_month_and_a_month_in_its_year(year: int, month: int, day: int) -> None:
    day = min(day, monthrange(year, month)[1])
    y, m = Date.of(f"{year}"), Date.of(f"{year}-{month:02d}")
    d = Date.of(f"{year}-{month:02d}-{day:02d}")
    assert y.start <= m.start <= d.start < d.stop <= m.stop + 1e-9 <= y.stop + 2e-9


@given(st.dictionaries(st.sampled_from([f"2020-{m:02d}" for m in range(1, 13)]), st.floats(0, 5), max_size=6))
def test_the_mean_of_a_step_function_is_that_of_its_months(index: dict[str, float]) -> None:
    months = [step_at(index, 2020 + k / 12, 2020 + (k + 1) / 12) for k in range(12)]
    assert step_at(index, 2020.0, 2021.0) == pytest.approx(sum(months) / 12, abs=1e-9)
    for k, month in enumerate(months):
        known = [v for text, v in sorted(index.items()) if int(text[-2:]) <= k + 1]
        assert month == pytest.approx(known[-1] if known else 1.0, abs=1e-9)


def spoilt(tmp_path: Path, change: dict[str, object]) -> Path:
    data = yaml.safe_load((FOLDER / "H2019.yaml").read_text(encoding="utf-8")) | {"id": "X"} | change
    path = tmp_path / "X.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_a_further_episode_is_judged(tmp_path: Path) -> None:
    found = load_hindcasts(FOLDER, (spoilt(tmp_path, {}),))
    assert found.split.scored[-1] == "X"
    assert "X" not in found.split.fitted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"months": 13}, "months: found 13; expected a number of 12 or less"),
        ({"reference": None}, "reference"),
        ({"start": "2019-1"}, "expected YYYY, YYYY-MM or YYYY-MM-DD"),
        ({"elements": {"Gd": {"price": 1.0, "place": "China"}}}, "elements of the back-cast|those of the back-cast"),
        ({"elements": {"Dy": {"price": -1.0, "place": "China"}}}, "expected a number above 0"),
        ({"periods": 3}, "by the end of the last period"),
        ({"unknown": 1}, "unknown"),
        ({"supply": [{"name": "a", "place": "China"}]}, "either tonnes or backcast"),
        ({"supply": [{"name": "a", "place": "China", "backcast": "moon", "year": 2018}]}, "moon"),
    ],
)
def test_a_bad_file_is_told_where_and_what(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(CaseError, match=words) as error:
        load_hindcasts(FOLDER, (spoilt(tmp_path, change),))
    assert all("X.yaml" in str(problem) for problem in error.value.problems)


def test_a_problem_names_its_line_and_row(tmp_path: Path) -> None:
    data = yaml.safe_load((FOLDER / "H2019.yaml").read_text(encoding="utf-8")) | {"id": "X"}
    data["rows"][4]["grade"] = "E"
    data["rows"][5]["quantity"] = "prices"
    data["supply"][1]["index"]["2019-13"] = 1.0
    del data["reference"]
    path = tmp_path / "X.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    with pytest.raises(CaseError) as error:
        load_hindcasts(FOLDER, (path,))
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {problem.column: problem for problem in error.value.problems}
    assert set(found) == {"rows.H2019.05.grade", "rows.H2019.06.quantity", "supply.Myanmar.index", "reference"}
    assert "grade: E" in lines[(found["rows.H2019.05.grade"].row or 0) - 1]
    assert "quantity: prices" in lines[(found["rows.H2019.06.quantity"].row or 0) - 1]
    assert found["reference"].found == "nothing"
    assert "2019-13" in found["supply.Myanmar.index"].expected


def test_names_that_meet_nothing_are_told_with_their_lines(tmp_path: Path) -> None:
    data = yaml.safe_load((FOLDER / "H2010.yaml").read_text(encoding="utf-8")) | {"id": "X"}
    data["links"][0]["from"] = "Chine"
    data["uses"].append({"place": "moon", "tonnes": 1.0})
    path = tmp_path / "X.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    with pytest.raises(CaseError, match="Chine") as error:
        load_hindcasts(FOLDER, (path,))
    told = {problem.column: problem for problem in error.value.problems}
    assert told["links.0.from"].row is not None
    assert "a place that a link leads to" in told["uses.1.place"].expected


def test_years_and_days_need_no_quotes(tmp_path: Path) -> None:
    text = (FOLDER / "H2019.yaml").read_text(encoding="utf-8").replace("id: H2019\n", "id: X\n")
    text = text.replace("'2019-06-14'", "2019-06-14").replace("start: '2019-01'", "start: 2019")
    (tmp_path / "X.yaml").write_text(text, encoding="utf-8")
    found = load_hindcasts(FOLDER, (tmp_path / "X.yaml",)).episode("X")
    assert found.start.start == 2019.0
    assert found.demand == load_hindcasts(FOLDER).episode("H2019").demand


def test_the_price_of_the_control_lies_on_straight_lines_in_logs() -> None:
    demand = load_hindcasts(FOLDER).episode("H2024").demand
    dates = [Date.of("2024-12-31"), Date.of("2025-03-10")]
    ends = [0.5 * (date.start + date.stop) for date in dates]
    assert [demand.price_at(end) for end in ends] == pytest.approx([demand.price[date.text] for date in dates])
    middle = math.sqrt(demand.price["2024-12-31"] * demand.price["2025-03-10"])
    assert demand.price_at(sum(ends) / 2) == pytest.approx(middle)
    assert demand.price_at(1999.0) == pytest.approx(next(iter(demand.price.values())))


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    copy = tmp_path / "hindcasts"
    shutil.copytree(FOLDER, copy)
    (copy / "H2021.yaml").write_text("a: [", encoding="utf-8")
    (copy / "split.yaml").unlink()
    (copy / "H2023.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CaseError) as error:
        load_hindcasts(copy)
    assert {problem.file.rpartition("/")[2] for problem in error.value.problems} >= {
        "H2021.yaml", "split.yaml", "H2023.yaml",
    }  # fmt: skip


def test_the_second_record_moves_the_year_and_not_its_shape() -> None:
    supply = load_hindcasts(FOLDER).episode("H2021").supply[1]
    months = [(2021 + k / 12, 2021 + (k + 1) / 12) for k in range(12)]
    second = [supply.share(a, b, 1.0) for a, b in months]
    assert sum(second) / 12 == pytest.approx(supply.annual[2021])
    first = [supply.share(a, b, 0.0) for a, b in months]
    assert [s / f for s, f in zip(second, first, strict=True)] == pytest.approx([second[0] / first[0]] * 12)


def test_the_example_of_the_manual_is_an_episode(tmp_path: Path) -> None:
    manual = Path(__file__).parents[2] / "docs" / "hindcast.md"
    text = manual.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "later.yaml").write_text(text, encoding="utf-8")
    found = load_hindcasts(FOLDER, (tmp_path / "later.yaml",))
    assert found.split.scored[-1] == "H2030"
