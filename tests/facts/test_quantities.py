"""Quantities of English sentences: number, unit, place, period, subject, comparison, attribution."""

from __future__ import annotations

import time

import pytest

from oreflow.facts.quantities import (
    Quantity,
    build_gazetteer,
    find_places,
    find_quantities,
    format_period,
    parse_period,
)


def only(text: str) -> Quantity:
    found = find_quantities(text)
    assert len(found) == 1, [item.text for item in found]
    return found[0]


@pytest.mark.parametrize(
    ("words", "value", "unit"),
    [
        ("44,000 tonnes", 44000, "t"),
        ("44 000 tonnes", 44000, "t"),
        ("44kt", 44000, "t"),
        ("44-kt", 44000, "t"),
        ("0.044 million tons", 44000, "t"),
        ("forty-four thousand tonnes", 44000, "t"),
        ("four hundred and forty thousand tonnes", 440000, "t"),
        ("one and a half million tonnes", 1.5e6, "t"),
        ("half a million tonnes", 5e5, "t"),
        ("a quarter of a million tonnes", 2.5e5, "t"),
        ("1.2 Mt", 1.2e6, "t"),
        ("860 kilograms", 0.86, "t"),
        ("$579 million", 579e6, "USD"),
        ("US$579m", 579e6, "USD"),
        ("579 million US dollars", 579e6, "USD"),
        ("USD 0.58bn", 0.58e9, "USD"),
        ("35,000 yuan a tonne", 35000, "CNY/t"),
        ("$110 per kilogram", 110000, "USD/t"),
        ("CNY 1,640/kg", 1.64e6, "CNY/t"),
        ("57%", 57, "%"),
        ("57 per cent", 57, "%"),
        ("fifty-seven percent", 57, "%"),
        ("two thirds", 200 / 3, "%"),
        ("three-quarters", 75, "%"),
        ("nine in ten", 90, "%"),
        ("nine out of 10", 90, "%"),
        ("seventeen elements", 17, "count:elements"),
        ("300 mining sites", 300, "count:sites"),
        ("126 km", 126, "count:km"),
    ],
)
def test_number_and_unit(words: str, value: float, unit: str) -> None:
    found = only(f"They counted {words} at the border.")
    assert found.value == pytest.approx(value)
    assert found.unit == unit


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("Output was 27,000 to 31,000 t.", 27000, 31000),
        ("Output was 27,000-31,000 t.", 27000, 31000),
        ("Output was between 27 and 31 kt.", 27000, 31000),
        ("Output was 27-31 thousand tonnes.", 27000, 31000),
        ("Output was between 27,000 t and 31,000 t.", 27000, 31000),
        ("The share was 45% to 50%.", 45, 50),
        ("The fee was $300-400 per tonne.", 300, 400),
    ],
)
def test_ranges(text: str, low: float, high: float) -> None:
    found = only(text)
    assert (found.low, found.high) == (low, high)


def test_a_change_has_two_numbers_with_their_own_years() -> None:
    text = "Myanmar's output rose from 200 t in 2014 to 31,000 t in 2020."
    assert [(q.value, format_period(q.topic.period)) for q in find_quantities(text)] == [(200, "2014"), (31000, "2020")]


def test_a_change_between_years_borrows_the_unit_and_splits_the_years() -> None:
    found = find_quantities("Output fell from 72 to 44 kt between 2023 and 2024.")
    assert [(q.value, q.unit, format_period(q.topic.period)) for q in found] == [
        (72000, "t", "2023"),
        (44000, "t", "2024"),
    ]


def test_leading_years_belong_to_the_numbers_that_follow() -> None:
    found = find_quantities("In 2014 Myanmar produced 200 t and in 2020 31,000 t.")
    assert [format_period(q.topic.period) for q in found] == ["2014", "2020"]


def test_a_year_earlier_counts_back() -> None:
    found = find_quantities("Imports were 44,000 t in 2024, down from 72,000 t a year earlier.")
    assert [format_period(q.topic.period) for q in found] == ["2024", "2023"]


def test_last_year_is_not_guessed() -> None:
    text = "Last year China imported 44,000 t of rare earths."
    assert only(text).topic.period is None
    assert format_period(find_quantities(text, written=2025)[0].topic.period) == "2024"


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("in September 2024", "2024-09"),
        ("from January to November 2024", "2024-01..11"),
        ("in the first nine months of 2024", "2024-01..09"),
        ("in the first half of 2024", "2024-01..06"),
        ("in the third quarter of 2024", "2024-07..09"),
        ("in FY2024", "2024"),
        ("between 2017 and 2024", "2017-2024"),
        ("on 19 October 2024", "no period"),
        ("on October 19, 2024", "2024-10"),
    ],
)
def test_periods(text: str, period: str) -> None:
    found = only(f"China imported 44,000 t of rare earths {text}.")
    if period == "no period":
        assert format_period(found.topic.period) == "2024-10"
    else:
        assert format_period(found.topic.period) == period


@pytest.mark.parametrize(
    ("text", "origin", "destination"),
    [
        ("China imported 44,000 t of rare earths from Myanmar.", "MMR", "CHN"),
        ("Burma shipped 44,000 t of rare earths to China.", "MMR", "CHN"),
        ("Chinese rare-earth imports from Laos were 10 kt.", "LAO", "CHN"),
        ("Myanmar's exports to China came to 44,000 t.", "MMR", "CHN"),
        ("China imported 77,300 t, most of it from Myanmar.", "WLD", "CHN"),
        ("Some 44,000 t reached China from Myanmar.", "MMR", "CHN"),
        ("The United States imported 8,000 t of rare earths.", "WLD", "USA"),
        ("Give us the news: Japan imported 800 t of rare earths.", "WLD", "JPN"),
    ],
)
def test_where_a_flow_comes_from_and_goes_to(text: str, origin: str, destination: str) -> None:
    topic = only(text).topic
    assert (topic.measure, topic.origin, topic.destination) == ("flow", origin, destination)


def test_whole_and_part_of_one_sentence() -> None:
    found = find_quantities("Of the 77,300 t that China imported in 2024, 44,000 t (57%) came from Myanmar.")
    assert [(q.topic.origin, q.topic.destination, q.topic.form) for q in found] == [
        ("WLD", "CHN", "level"),
        ("MMR", "CHN", "level"),
        ("MMR", "CHN", "share"),
    ]


@pytest.mark.parametrize(
    ("text", "measure", "place"),
    [
        ("Australian mines produced 20,000 t.", "production", "AUS"),
        ("China refines 90% of the world's rare earths.", "processing", "CHN"),
        ("China's separation quota was 254,000 t.", "quota", "CHN"),
        ("India has reserves of 6.9 million tonnes.", "reserves", "IND"),
        ("Myanmar faces a 40% tariff.", "tariff", "MMR"),
        ("Demand in Japan was 20,000 t.", "demand", "JPN"),
    ],
)
def test_what_is_measured_and_where(text: str, measure: str, place: str) -> None:
    topic = only(text).topic
    assert (topic.measure, topic.place) == (measure, place)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", "exact"), ("about ", "about"), ("nearly ", "about"), ("roughly ", "about"), ("more than ", "at_least"),
        ("over ", "at_least"), ("at least ", "at_least"), ("less than ", "at_most"), ("up to ", "at_most"),
        ("under ", "at_most"),
    ],
)  # fmt: skip
def test_comparison(word: str, expected: str) -> None:
    assert only(f"China imported {word}44,000 t from Myanmar.").approximation == expected


def test_elements_products_and_basis() -> None:
    found = only("China's dysprosium oxide output was 2,577 t REO in 2024.")
    assert found.topic.elements == {"Dy"}
    assert found.basis == "REO"
    assert only("China imported 48,380 t of monazite.").topic.product == "monazite"
    assert only("China imported 77,300 t of non-ore rare earths.").topic.product == ""
    assert only("Kachin mines half the world's heavy rare earths.").topic.elements == {"HREE"}
    assert only("Myanmar produced 31,000 t of jade.").topic.product == "jade"


@pytest.mark.parametrize(
    ("text", "rising"),
    [
        ("Imports fell 38% in 2024.", False),
        ("Imports were up 12% in 2024.", True),
        ("A 5% increase in imports came.", True),
    ],
)
def test_changes_are_not_shares(text: str, rising: bool) -> None:
    found = only(text)
    assert (found.topic.form, found.rising) == ("change", rising)


def test_a_level_reached_is_not_a_change() -> None:
    assert only("Myanmar's share of China's imports fell to 57%.").topic.form == "share"


def test_attribution() -> None:
    assert only("According to Chinese customs, 44 kt came from Myanmar.").attribution == "According to Chinese customs"
    assert find_quantities("Four sources said that 44 kt came from Myanmar.")[-1].attribution == "Four sources said"


@pytest.mark.parametrize(
    "text",
    [
        "HS 2846 covers rare-earth compounds.",
        "On 19 October 2024 the KIA took Pangwa.",
        "Room 101 is on the third floor.",
        "See E0040 and B2B in section 4.",
        "In the first half of the year nothing happened.",
        "",
    ],
)
def test_numbers_without_a_unit_are_no_quantities(text: str) -> None:
    assert find_quantities(text) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", "2024"), ("FY2024", "2024"), ("2024-H1", "2024-01..06"), ("2024-01..11", "2024-01..11"),
        ("2017-05..2021-10", "2017-05..2021-10"), ("2021-24", "2021-2024"), ("2017-2024", "2017-2024"),
        ("2011-09-07", "2011-09"), ("2025 PFS", "2025"), ("n.d.", "no period"), ("", "no period"),
    ],
)  # fmt: skip
def test_periods_of_claims(text: str, expected: str) -> None:
    assert format_period(parse_period(text)) == expected


def test_gazetteer_takes_the_places_of_a_case() -> None:
    names = build_gazetteer([("SADON", "Sadon town"), ("mmr", "Myanmar")])
    assert find_places("Trucks left Sadon town for Burma", names) == ("SADON", "MMR")
    assert find_quantities("Sadon town produced 300 t of rare earths.", names)[0].topic.place == "SADON"


def test_positions_point_into_the_text() -> None:
    text = "In all, China imported US$818m of rare earths and 44 kt of them came by road."
    for found in find_quantities(text):
        assert text[found.start : found.end] == found.text


@pytest.mark.parametrize(
    "piece",
    [
        "1,",
        "from 1 to ",
        "one hundred and ",
        "two-",
        "in 2014 ",
        "(((",
        "China ",
        "China imported 5 t, ",
        "half of a ",
        "$",
        "1-",
        "a ",
    ],
)
def test_time_grows_linearly(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count
        tries = []
        for _ in range(2):  # processor time: what else the machine does counts little
            begin = time.process_time()
            find_quantities(text)
            tries.append(time.process_time() - begin)
        return min(tries)

    seconds(50)
    short, long = seconds(300), seconds(1800)
    assert long < 20 * max(short, 0.005)
