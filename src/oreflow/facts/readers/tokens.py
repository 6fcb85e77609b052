"""What the marks in statistical tables mean: numbers, bounds, ranges, withheld, not available, nil and the like.

Missing is not zero: each source has its own map from marks to meanings, and a mark that no map knows is an error.
Marks: USGS Mineral Commodity Summaries and Minerals Yearbook footnotes; BGS World Mineral Statistics conventions;
World Bank `#N/A`; CEPII BACI `NA`; China customs `-`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from oreflow.facts.readers.canonical import Comparator, Status


@dataclass(frozen=True, slots=True)
class Reading:
    """What one cell says: a number, or bounds, and a status; `flags` are passed on to the row."""

    value: float | None
    lower: float | None
    upper: float | None
    comparator: Comparator
    status: Status
    flags: tuple[str, ...] = ()


MISSING = Reading(None, None, None, "", "missing")
NIL = Reading(0.0, None, None, "", "nil")

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
_PLAIN = re.compile(rf"[-\u2212]?(?:{_NUMBER})(?:[eE][-+]?\d{{1,3}})?")
_BOUND = re.compile(rf"([<>\u2264\u2265])\s*({_NUMBER})\s*%?")
_RANGE = re.compile(rf"({_NUMBER})\s*(?:[-\u2013\u2014]|to)\s*({_NUMBER})")
_QUALITATIVE = re.compile(r"(?:very |moderate to )?(?:small|moderate|large|minor)|variable\b.*", re.IGNORECASE)
_HALF_UNIT = re.compile(r"less than (?:a |one-)?(?:half|1/2|½)(?:-| )?(?:the )?unit(?: shown)?\.?", re.IGNORECASE)


def read_number(text: str) -> float | None:
    """Return the number that a cell holds, or None where it is no plain finite number.

    Args:
        text: a cell; commas group thousands in threes, blanks around it are ignored.

    Returns:
        The number.

    Example:
        >>> read_number("7,900"), read_number(" 12.5 "), read_number("1,2"), read_number("W")
        (7900.0, 12.5, None, None)
    """
    clean = text.strip().strip("\u00a0").strip()
    if len(clean) > 40 or not _PLAIN.fullmatch(clean):
        return None
    number = float(clean.replace(",", "").replace("\u2212", "-"))
    return number if math.isfinite(number) else None


def read_usgs(cell: object, *, percent: bool = False, net_imports: bool = False) -> Reading | None:
    """Return what a cell of a USGS table says.

    Args:
        cell: text or number as the file holds it; a blank counts as missing, never as zero.
        percent: the row is a percentage, so that a lower bound also has 100 as upper bound.
        net_imports: the row is net import reliance, where `E` means net exporter: less than zero, no size given.

    Returns:
        The reading; None where the mark is unknown.

    Example:
        >>> read_usgs(">95", percent=True)
        Reading(value=None, lower=95.0, upper=100.0, comparator='>', status='bound', flags=())
        >>> read_usgs("—").status, read_usgs("W").status, read_usgs("E", net_imports=True).upper
        ('nil', 'withheld', 0.0)
        >>> read_usgs("500–17,000").comparator
        'range'
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return _exact(float(cell)) if math.isfinite(cell) else None
    text = " ".join(str(cell).replace("\u00a0", " ").split())
    number = read_number(text)
    if number is not None:
        return _exact(number)
    if not text:
        return Reading(None, None, None, "", "missing", ("blank_in_source",))
    fixed = _USGS_MARKS.get(text)
    if fixed is not None:
        return fixed
    if text == "E":
        return Reading(None, None, 0.0, "<", "bound", ("net_exporter",)) if net_imports else None
    bound = _BOUND.fullmatch(text)
    if bound is not None:
        return _bounded(bound.group(1), bound.group(2), percent=percent)
    span = _RANGE.fullmatch(text)
    if span is not None:
        low, high = (read_number(part) for part in span.groups())
        if low is None or high is None or low > high:
            return None
        return Reading(None, low, high, "range", "bound")
    if _HALF_UNIT.fullmatch(text):
        return Reading(None, 0.0, 0.5, "<", "bound", ("less_than_half_unit",))
    if _QUALITATIVE.fullmatch(text):
        return Reading(None, None, None, "", "qualitative", ("qualitative",))
    if text.casefold().startswith("included "):
        return Reading(None, None, None, "", "missing", ("included_elsewhere",))
    if re.fullmatch(rf"\?\s*(?:{_NUMBER})", text):
        return Reading(None, None, None, "", "unreadable", ("sign_lost_in_source",))
    return None


_USGS_MARKS: dict[str, Reading] = {
    "NA": MISSING,
    "N/A": MISSING,
    "#N/A": MISSING,
    "W": Reading(None, None, None, "", "withheld"),
    "XX": Reading(None, None, None, "", "not_applicable"),
    "\u2014": NIL,
    "\u2013": NIL,
    "--": NIL,
    "-": NIL,
    "s": Reading(None, 0.0, 0.5, "<", "bound", ("less_than_half_unit",)),
    "(1)": MISSING,
    "(2)": MISSING,
}


def read_bgs(quantity: str, book_style: str, translation: str, precision: str) -> Reading | None:
    """Return what a row of BGS World Mineral Statistics says.

    Args:
        quantity: the number, empty where there is none.
        book_style: the figure as the yearbook prints it: `-----` nil, `...` not available.
        translation: SDMX status in words, as `Missing value`, `Not Significant`.
        precision: the sentence that explains the figure's precision.

    Returns:
        The reading; None where the marks are unknown or contradict one another.

    Example:
        >>> read_bgs("", "...", "Missing value", "").status, read_bgs("0", "-----", "Normal value", "Nil").status
        ('missing', 'nil')
    """
    book = book_style.strip()
    number = read_number(quantity) if quantity.strip() else None
    if quantity.strip() and number is None:
        return None
    if "less than 0.5" in precision or translation.strip().casefold() == "not significant":
        return Reading(None, 0.0, 0.5, "<", "bound", ("less_than_half_unit",))
    if book == "..." or translation.strip().casefold() == "missing value":
        return MISSING if number is None else None
    if book.strip("-") == "" and book:
        return NIL if number in (None, 0.0) else None
    if number is None:
        return Reading(None, None, None, "", "missing", ("blank_in_source",))
    return _exact(number)


def read_plain(cell: object, *, missing: frozenset[str]) -> Reading | None:
    """Return what a cell says in a source whose only marks are those for missing.

    Args:
        cell: text or number.
        missing: the texts that mean "no value" in this source; compared without blanks around them.

    Returns:
        The reading; None where the cell is neither a number nor such a mark.

    Example:
        >>> read_plain("#N/A", missing=frozenset({"#N/A"})).status
        'missing'
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return _exact(float(cell)) if math.isfinite(cell) else None
    text = str(cell).strip()
    if text in missing:
        return MISSING
    number = read_number(text)
    return None if number is None else _exact(number)


def _exact(number: float) -> Reading:
    return (
        Reading(0.0, None, None, "", "reported", ("zero",))
        if number == 0
        else Reading(number, None, None, "", "reported")
    )


def _bounded(mark: str, digits: str, *, percent: bool) -> Reading | None:
    number = read_number(digits)
    if number is None:
        return None
    if mark in (">", "\u2265"):
        return Reading(None, number, 100.0 if percent and number <= 100 else None, ">", "bound")
    return Reading(None, 0.0, number, "<", "bound")
