"""Columns and files about time: what a row may not say, told with its place; and a case that is written and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.study.small_case import Small

from oreflow.chain.case import read_case
from oreflow.chain.checks import check_case
from oreflow.chain.folder import write_case

Change = Callable[[Small], None]


def _stock(small: Small, **columns: str) -> None:
    small.add("stocks", id="s", place="HOME", commodity="ore", holder="trade",
              opening=small.number(10.0, "t_goods"), **{"kind": "strategic", **columns})  # fmt: skip


def _grade(small: Small, **columns: str) -> None:
    small.add("recipes", recipe="other", side="output", commodity="ore", coefficient="=1")
    small.add("grades", **{"id": "g", "replaces": "mine", "recipe": "other",
                           "qualification": small.number(1.0, "yr"), **columns})  # fmt: skip


def _feed(small: Small) -> None:
    small.add("recipes", recipe="fed", side="input", commodity="@feed", coefficient="=1")
    _grade(small, recipe="fed")


def _project(small: Small, decision: str) -> None:
    small.add("projects", id="p", process="mine", capacity=small.number(1.0, "t_goods/yr"),
              start=small.number(2026.0, "year"), decision=decision)  # fmt: skip


def _overlap(small: Small) -> None:
    for months in ("7;8", "8;9"):
        small.add("seasons", season="r", months=months, factor=small.number(0.5, "1"))


def _nothing(small: Small) -> None:
    small.add("recipes", recipe="none", side="input", commodity="ore", coefficient="=1")
    _grade(small, recipe="none")


def _head(text: str) -> Change:
    def change(small: Small) -> None:
        small.head = text

    return change


CASES: list[tuple[Change, str, str, str]] = [
    (lambda s: s.set("legs", "road", days=s.number(-1.0, "day")), "legs.csv", "days", "-1"),
    (lambda s: s.set("legs", "road", season="rain"), "legs.csv", "season", "unknown season 'rain'"),
    (lambda s: s.set("processes", "mine", season="rain"), "processes.csv", "season", "unknown season"),
    (lambda s: s.set("processes", "mine", lead=s.number(-1.0, "yr")), "processes.csv", "lead", "-1"),
    (lambda s: s.set("processes", "mine", lead=s.number(1.0, "t_goods")), "processes.csv", "lead", "t_goods"),
    (lambda s: s.set("processes", "mine", entry_rate=s.number(1.0, "t_goods/yr"),
                     capacity=s.number(200.0, "t_goods/yr")), "processes.csv", "capex", "nothing, beside capacity"),
    (lambda s: s.set("processes", "mine", entry_rate=s.number(1.0, "t_goods/yr")), "processes.csv", "entry_rate",
     "without capacity"),
    (lambda s: s.set("processes", "mine", restart_cost=s.number(1.0, "USD*yr/t_goods")), "processes.csv", "fixed_cost",
     "may be mothballed"),
    (lambda s: _project(s, "if_it_pays"), "processes.csv", "life", "only if it pays"),
    (lambda s: _project(s, "perhaps"), "projects.csv", "decision", "'perhaps'"),
    (lambda s: s.add("seasons", season="r", months="7;13", factor=s.number(0.5, "1")), "seasons.csv", "months", "'13'"),
    (_overlap, "seasons.csv", "months", "month 8 of r again"),
    (lambda s: s.add("seasons", season="r", months=";".join(map(str, range(1, 13))), factor="=0"), "seasons.csv",
     "factor", "shut all year"),
    (lambda s: _stock(s, kind="commercial", sell_at=s.number(9.0, "USD/t_goods")), "stocks.csv", "kind",
     "rule of release"),
    (lambda s: _stock(s, release=s.number(20.0, "t_goods"), release_from="2026", release_to="2027"), "stocks.csv",
     "release", "20"),
    (lambda s: _stock(s, release=s.number(2.0, "t_goods")), "stocks.csv", "release_from", "nothing"),
    (lambda s: _stock(s, release=s.number(2.0, "t_goods"), release_from="2027", release_to="2026"), "stocks.csv",
     "release_to", "2026 before 2027"),
    (lambda s: _stock(s, sell_at=s.number(5.0, "USD/t_goods"), buy_at=s.number(6.0, "USD/t_goods")), "stocks.csv",
     "buy_at", "buying at 6 and selling at 5"),
    (lambda s: _stock(s, rate=s.number(5.0, "t_goods/yr")), "stocks.csv", "rate", "without a price"),
    (lambda s: _stock(s, kind="commercial", spoilage=s.number(1.0, "1/yr")), "stocks.csv", "spoilage", "1"),
    (lambda s: _stock(s, kind="commercial", capacity=s.number(5.0, "t_goods")), "stocks.csv", "capacity", "5"),
    (lambda s: _grade(s, replaces="nobody"), "grades.csv", "replaces", "unknown demand or process 'nobody'"),
    (lambda s: _grade(s, share=s.number(1.5, "1")), "grades.csv", "share", "1.5"),
    (lambda s: _grade(s, id="mine"), "grades.csv", "id", "names another row"),
    (_nothing, "grades.csv", "recipe", "makes nothing"),
    (_feed, "grades.csv", "recipe", "with @feed"),
    (_head("periods: week\n"), "case.yaml", "periods", "'week'"),
    (_head("window: 0\n"), "case.yaml", "window", "0"),
    (_head("expectation: {rule: guess}\n"), "case.yaml", "expectation", "'guess'"),
    (_head("expectation: {rule: anchor, wieght: 1}\n"), "case.yaml", "wieght", "unknown key"),
    (_head("expectation: path\n"), "case.yaml", "expectation", "no prices in expected_prices.csv"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "file", "column", "found"), CASES, ids=[f"{case[1]}-{case[2]}-{i}" for i, case in enumerate(CASES)]
)
def test_what_a_row_may_not_say(tmp_path: Path, change: Change, file: str, column: str, found: str) -> None:
    small = Small(tmp_path / "small")
    change(small)
    case, problems = read_case(small.write())
    every = (*problems, *(check_case(case) if case is not None else ()))
    hits = [p for p in every if p.file == file and p.column == column and found in p.found]
    assert hits, every
    assert all(p.expected and p.remedy for p in hits)
    assert file == "case.yaml" or all(p.row for p in hits)


def test_a_case_with_all_of_it_reads_back_as_it_was(tmp_path: Path) -> None:
    small = Small(tmp_path / "small")
    small.head = "periods: quarter\nwindow: 2.5\nexpectation: {rule: path, weight: '=assume(\"discount\")'}\n"
    small.set("legs", "road", days=small.number(3.0, "day"), season="rain", capacity=small.number(90.0, "t_gross/yr"))
    small.set("processes", "mine", season="rain", lead=small.number(1.0, "yr"), risk=small.number(0.02, "1/yr"))
    small.add("seasons", season="rain", months="7;8", factor=small.number(0.5, "1"), note="wet")
    small.add("expected_prices", place="HOME", commodity="ore", year=2026, price=small.number(70.0, "USD/t_goods"))
    _stock(small, sell_at=small.number(90.0, "USD/t_goods"), rate=small.number(5.0, "t_goods/yr"))
    _grade(small, cost=small.number(4.0, "USD*yr/t_goods"))
    case = small.load()
    write_case(case, tmp_path / "copy")
    again, problems = read_case(tmp_path / "copy")
    assert again is not None
    assert not problems
    assert again.content_hash() == case.content_hash()
    assert again.time == case.time
    assert [row.months for row in again.seasons] == [("7", "8")]
