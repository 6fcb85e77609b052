"""Claims, sources and assumptions: the rows of evidence that every number of a case goes back to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Grade = Literal["A", "B", "C", "D", "M"]
Basis = Literal["gross", "REO", "oxide", "metal", "magnet", "ore", "scrap", "goods", ""]


@dataclass(frozen=True, slots=True)
class Source:
    """A publication that claims are read from; it needs a url, a doi or a full citation."""

    id: str
    publisher: str
    title: str
    date: str
    url: str = ""
    doi: str = ""
    accessed: str = ""
    licence: str = ""
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about the world with its number, unit, basis, source and grade.

    `value` is in `unit` (mass units take `basis`); `low` and `high` bound it. `published` is when the value first was
    public; `published_assumed` says that it was set to the period's end plus one year for want of a date.
    """

    id: str
    subject: str
    place: str
    commodity: str
    element: str
    period: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    basis: str
    source: str
    locator: str
    read_via: str
    grade: Grade
    attribution: str
    derived_from: tuple[str, ...]
    stems_from: tuple[str, ...]
    vintage: str
    published: date
    published_assumed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """A stated guess with range and reason; `value` is a number or an expression text over claims and assumptions."""

    id: str
    subject: str
    value: float | str
    low: float | None
    high: float | None
    unit: str
    basis: str
    dist: str
    grade: Grade
    reason: str
    source: str
