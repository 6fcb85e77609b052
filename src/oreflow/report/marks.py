"""How numbers are written, and how every number of the report becomes a link to what it rests on.

The rule of the page: a number in a text node stands in `<a class="num" href="#...">`, or inside an element with the
attribute `data-exempt`. Its values are `year` (a year of the calendar or a date), `id` (names of claims, proposals,
runs), `axis` (ticks inside SVG), `label` (names of statistics) and `citation` (titles and places in a publication).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

NUMBER = re.compile(r"(?<![A-Za-z_\d.])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?")
"""A number in a text; digits glued to a letter before them (P10, HS2846) are part of a name."""

DATE = r"(?:19|20)\d\d-[01]\d(?:-[0-3]\d)?"
YEAR = r"(?:19|20)\d\d"
_WRITTEN = re.compile(
    r"(?P<id>(?<![\w-])[A-Z][A-Z_]+-\d\w*)|"
    rf"(?<![\w.,-])(?P<date>{DATE}|{YEAR}(?:-{YEAR})?)(?!\w|[.,]\d|%| t\b)|(?P<number>{NUMBER.pattern})"
)

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"

UNITS = {
    "t_oxide/yr": "t a year",
    "t_REO/yr": "t REO a year",
    "USD/yr": "USD a year",
    "USD/kg_oxide": "USD/kg",
    "USD/kg_REO": "USD/kg REO",
    "USD/t_oxide": "USD/t",
    "t_oxide": "t",
    "t_REO": "t REO",
    "t_gross/yr": "t gross a year",
    "t_gross": "t gross",
    "1": "",
}
"""Unit -> what stands on the page."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A written number, or two, with the anchor of what it rests on, without the `#`."""

    text: str
    anchor: str


Part = str | Cited
"""A piece of a sentence: plain words, or a number with its anchor."""


def unit_text(unit: str) -> str:
    """Return a unit as it stands on the page.

    Args:
        unit: as in an indicator or a claim.

    Returns:
        The words; the unit itself where no shorter form is known.

    Example:
        >>> unit_text("t_oxide/yr")
        't a year'
    """
    return UNITS.get(unit, unit.replace("_", " "))


def number_text(value: float, *, signed: bool = False) -> str:
    """Return a number with as many digits as a reader can use: three significant ones at most.

    Args:
        value: any finite number.
        signed: write a plus before a positive one.

    Returns:
        The digits with thousands commas and a real minus sign.

    Example:
        >>> [number_text(x) for x in (44366, 121.4, 38.41, 4.2, 0.0531, 0)]
        ['44,400', '121', '38', '4.2', '0.053', '0']
    """
    size = abs(value)
    if size >= 100:
        digits = f"{round(size, 2 - math.floor(math.log10(size))):,.0f}"
    elif size >= 9.95:
        digits = f"{size:.0f}"
    elif size >= 0.995:
        digits = f"{size:.1f}".removesuffix(".0")
    elif size < 1e-9:
        return "0"
    elif size < 1e-4:
        digits = f"{size:.1e}"
    else:
        digits = f"{size:.{1 - math.floor(math.log10(size))}f}"
    sign = MINUS if value < 0 else "+" if signed else ""
    return sign + digits


def money_text(value: float, *, signed: bool = False) -> str:
    """Return an amount of USD in millions or billions where it is that large.

    Args:
        value: USD.
        signed: write a plus before a positive one.

    Returns:
        The amount without the currency.

    Example:
        >>> money_text(-85.4e6), money_text(1.25e9, signed=True), money_text(650)
        ('−85 million', '+1.2 billion', '650')
    """
    for scale, word in ((1e9, " billion"), (1e6, " million")):
        if abs(value) >= scale:
            return number_text(value / scale, signed=signed) + word
    return number_text(value, signed=signed)


def value_text(value: float, unit: str, *, signed: bool = False) -> str:
    """Return a value in its unit's own way: a year bare, a share as percent, money in millions, else digits.

    Args:
        value: in `unit`.
        unit: as in an indicator.
        signed: write a plus before a positive one.

    Returns:
        The text without the unit, but with the percent sign of a share.

    Example:
        >>> value_text(2029.0, "year"), value_text(0.913, "1")
        ('2029', '91%')
    """
    if unit == "year":
        return f"{value:.0f}"
    if unit == "1":
        return number_text(value * 100, signed=signed) + "%"
    if unit.startswith("USD/yr"):
        return money_text(value, signed=signed)
    return number_text(value, signed=signed)


def range_text(low: float, high: float, unit: str, *, signed: bool = False) -> str:
    """Return a range of two values in one unit.

    Args:
        low: in `unit`.
        high: in `unit`.
        unit: as in an indicator.
        signed: write a plus before positive ones.

    Returns:
        Both values with a dash, or with "to" where signs are written; one value where both read the same.

    Example:
        >>> range_text(73.2, 169.0, "t_oxide/yr"), range_text(33e6, 88e6, "USD/yr", signed=True)
        ('73–169', '+33 to +88 million')
    """
    if unit.startswith("USD/yr"):
        size = max(abs(low), abs(high))
        for scale, word in ((1e9, "billion"), (1e6, "million")):
            if size >= scale:
                return f"{range_text(low / scale, high / scale, '', signed=signed)} {word}"
    first, second = value_text(low, unit, signed=signed), value_text(high, unit, signed=signed)
    if first == second:
        return first
    return f"{first} to {second}" if signed or low < 0 else f"{first}{DASH}{second}"


def slug(text: str) -> str:
    """Return a text as part of an anchor: blanks become points, and what is no letter, digit, _ or - its code.

    Args:
        text: an id.

    Returns:
        Text that differs for different ids and is safe in an attribute and after `#`.

    Example:
        >>> slug("A + india-processing"), slug("SUP-0385")
        ('A.:2b:.india-processing', 'SUP-0385')
    """
    kept = {" ": ".", "-": "-", "_": "_"}
    return "".join(mark if mark.isascii() and mark.isalnum() else kept.get(mark, f":{ord(mark):x}:") for mark in text)


def result_anchor(key: str, proposal: str) -> str:
    """Return the anchor of an indicator's row under a proposal.

    Args:
        key: of the indicator.
        proposal: id.

    Returns:
        The anchor without `#`.
    """
    return f"ind-{slug(key)}--{slug(proposal)}"


def linked(text: str, anchor: str) -> str:
    """Return a text as a link of class `num` to an anchor of the page, escaped.

    Args:
        text: the number as written.
        anchor: without `#`.

    Returns:
        HTML that is also valid inside SVG.
    """
    return f'<a class="num" href="#{escape(anchor)}">{escape(text)}</a>'


def exempt(text: str, kind: str) -> str:
    """Return a text in which numbers need no link, escaped.

    Args:
        text: any text.
        kind: year, id, axis, label or citation.

    Returns:
        HTML.
    """
    return f'<span data-exempt="{escape(kind)}">{escape(text)}</span>'


def marked(text: str, anchor: str) -> str:
    """Return a text from a case with every number linked to one anchor; years, dates and ids of rows are set apart.

    Args:
        text: as written in the case.
        anchor: what its numbers rest on, without `#`.

    Returns:
        HTML.

    Example:
        >>> marked("500 t from 2027", "text-B")
        '<a class="num" href="#text-B">500</a> t from <span data-exempt="year">2027</span>'
    """
    pieces, end = [], 0
    for match in _WRITTEN.finditer(text):
        pieces.append(escape(text[end : match.start()]))
        kind = "id" if match["id"] else "year" if match["date"] else ""
        pieces.append(exempt(match[0], kind) if kind else linked(match[0], anchor))
        end = match.end()
    return "".join([*pieces, escape(text[end:])])


def parts_html(parts: Sequence[Part], anchor: str) -> str:
    """Return a sentence as HTML: cited numbers as links, numbers in plain words by `marked`.

    Args:
        parts: the sentence.
        anchor: for numbers that stand in plain words.

    Returns:
        HTML.
    """
    return "".join(
        linked(part.text, part.anchor) if isinstance(part, Cited) else marked(part, anchor) for part in parts
    )


def parts_text(parts: Sequence[Part]) -> str:
    """Return a sentence as plain text.

    Args:
        parts: the sentence.

    Returns:
        The text.
    """
    return "".join(part.text if isinstance(part, Cited) else part for part in parts)
