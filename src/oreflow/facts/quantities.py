"""Quantities in English text: number, unit, place, period, subject, comparison and attribution of each.

A text is cut into words, numbers and marks by one regular expression without nested repetition, and every later step is
one pass over those tokens, so that the time grows with the length of the text and with nothing else. No dictionary of
meanings is consulted and nothing is guessed: "last year" has no year unless the caller says when the text was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from oreflow.facts.areas import WORLD, numeric_area_table
from oreflow.facts.vocabulary import (
    ABOUT,
    ACRONYMS,
    AT_LEAST,
    AT_MOST,
    CASED,
    CHANGE,
    COUNTED,
    CURRENCIES,
    DEMONYMS,
    DOLLARS,
    ELEMENTS,
    FALL,
    FRACTIONS,
    INCLUSIONS,
    MASS,
    MEASURE_WORDS,
    METONYMS,
    MONEY,
    MONTHS,
    NEGATIONS,
    ONES,
    ORGANISATIONS,
    OTHER_COMMODITIES,
    PARTITIVE,
    PHRASAL_PRODUCTION,
    PLACES,
    PRODUCTS,
    REST_OF_WORLD,
    RISE,
    SCALES,
    SHORT_SCALES,
    STAGES,
    STOP,
    SYMBOLS,
    TENS,
)

Approximation = Literal["exact", "about", "at_least", "at_most"]
Form = Literal["level", "share", "change", "factor", "rank"]
PeriodOrigin = Literal["stated", "inherited", "none"]

Period = tuple[int, int]
"""First and last month, counted as 12 * year + month - 1."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a number is about, in the same terms for a sentence and for a claim.

    `measure` is production, flow, processing, quota, demand, deficit, trade, tariff, price, cost, reserves, capacity,
    recycling, reliance, conversion or empty; a flow has `origin` and `destination`, everything else has `place`. A
    share has its part in `origin` (flow) or `place` and its whole in `destination` (WLD for the world). `elements` is
    empty for rare earths as a whole, `product` for the sum of products. Places are ISO 3166 alpha-3 or a case's ids.
    """

    measure: str
    form: Form
    origin: str
    destination: str
    place: str
    elements: frozenset[str]
    product: str
    period: Period | None


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a text with its unit and what it is about; `low` and `high` differ where a range was written.

    `value` is in `unit` (t, t/month, kg, %, USD, CNY, USD/t, km, or `count:` and a noun), `step` the place value of the
    last digit that carries meaning, `start` and `end` are character positions, `sentence` counts from 0.
    """

    text: str
    start: int
    end: int
    sentence: int
    value: float
    low: float
    high: float
    step: float
    unit: str
    basis: str
    approximation: Approximation
    topic: Topic
    period_origin: PeriodOrigin
    relation: str
    by_value: bool
    rising: bool | None
    attribution: str


LONGEST_SENTENCE = 120
"""Words and marks after which a sentence is cut, so that the time grows with the length of the text alone."""

Gazetteer = Mapping[tuple[str, ...], str]
"""Place name as lower-case words -> place id."""

_Token = tuple[str, str, int, int]
_TOKEN = re.compile(
    r"(?P<a>U\.S\.A\.?|U\.S\.|U\.K\.|(?<![A-Za-z])(?:US|A|C)\$)"
    r"|(?P<n>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?![\d,])|\d+(?:\.\d+)?)"
    r"|(?P<w>[^\W\d_]+(?:['\u2019](?!s\b)[^\W\d_]+)?)"
    r"|(?P<p>\n[ \t\r]*\n)"
    r"|(?P<s>[^\s])"
)
_ATTRIBUTION = re.compile(
    r"\b(?:according to|citing|quoting)\s+[^,.;()\n]{1,80}"
    r"|\b(?:[A-Za-z]+\s)?(?:sources?|officials?|analysts?|experts?|people|data|figures|ministry|customs)\s"
    r"(?:familiar\s|with\sthe\smatter\s)?(?:said|says|say|show|showed|told|reported|estimates?|estimated)\b",
    re.IGNORECASE,
)


def build_gazetteer(places: Iterable[tuple[str, str]] = ()) -> Gazetteer:
    """Return the place names that a text is searched for: countries, their common other names, and a case's places.

    Args:
        places: pairs of place id and name of a case; a name that is a known country maps the id to that country.

    Returns:
        Lower-case words of a name -> place id (ISO 3166 alpha-3 for countries, WLD for the world).

    Example:
        >>> build_gazetteer([("SADON", "Sadon")])[("burma",)], build_gazetteer([("SADON", "Sadon")])[("sadon",)]
        ('MMR', 'SADON')
    """
    names = dict(_base_gazetteer())
    for place_id, name in places:
        words = _words(name)
        if not words or (len(words) == 1 and len(words[0]) < 3):
            continue
        known = names.setdefault(words, names.get(_words(place_id), place_id))
        names[("id:" + place_id.lower(),)] = known
    names.pop((), None)
    return names


def find_places(text: str, gazetteer: Gazetteer) -> tuple[str, ...]:
    """Return the ids of the places that a short text names, in order.

    Args:
        text: any text, as a claim's place or subject.
        gazetteer: names to look for, from `build_gazetteer`.

    Returns:
        Place ids, each once.

    Example:
        >>> find_places("Burma and the United States", build_gazetteer())
        ('MMR', 'USA')
    """
    tokens = _tokenize(text)
    return tuple(dict.fromkeys(place for _, _, place, _ in _place_mentions(tokens, gazetteer)))


def parse_period(text: str) -> Period | None:
    """Read a claim's period: a year, a month, a half, months of a year, or a range of years.

    Args:
        text: as 2024, FY2024, 2024-09, 2024-H1, 2024-01..11, 2017-2024, 2021-24, 2017-05..2021-10, 2011-09-07.

    Returns:
        First and last month as 12 * year + month - 1, or None where the text is no period.

    Example:
        >>> parse_period("2024") == (24288, 24299), parse_period("n.d.")
        (True, None)
    """
    match = re.match(r"\s*(?:FY\s?)?((?:19|20)\d\d)(.*)", text, re.DOTALL)
    if match is None:
        return None
    year, rest = int(match[1]), match[2].strip()
    whole = (12 * year, 12 * year + 11)
    if found := re.match(r"-(\d\d)\.\.((?:19|20)\d\d)-(\d\d)", rest):
        return (12 * year + int(found[1]) - 1, 12 * int(found[2]) + int(found[3]) - 1)
    if found := re.match(r"-(\d\d)\.\.(\d\d)(?!\d)", rest):
        return (12 * year + int(found[1]) - 1, 12 * year + int(found[2]) - 1)
    if found := re.match(r"-?\s?H([12])", rest):
        return (12 * year + 6 * (int(found[1]) - 1), 12 * year + 6 * int(found[1]) - 1)
    if found := re.match(r"-?\s?Q([1-4])", rest):
        return (12 * year + 3 * (int(found[1]) - 1), 12 * year + 3 * int(found[1]) - 1)
    if found := re.match(r"\s?(?:-|\u2013|\.\.|to)\s?((?:19|20)\d\d)(?!\d)", rest):
        return (12 * year, 12 * int(found[1]) + 11)
    if found := re.match(r"-(\d\d)(?!\d)", rest):
        number = int(found[1])
        if 1 <= number <= 12:
            return (12 * year + number - 1, 12 * year + number - 1)
        return (12 * year, 12 * (year // 100 * 100 + number) + 11)
    return whole


def format_period(period: Period | None) -> str:
    """Return a period as text.

    Args:
        period: first and last month as 12 * year + month - 1, or None.

    Returns:
        As 2024, 2017-2024, 2024-09 or 2024-01..11; "no period" for None.

    Example:
        >>> format_period(parse_period("2024-01..11"))
        '2024-01..11'
    """
    if period is None:
        return "no period"
    (first, a), (last, b) = divmod(period[0], 12), divmod(period[1], 12)
    if a == 0 and b == 11:
        return str(first) if first == last else f"{first}-{last}"
    if period[0] == period[1]:
        return f"{first}-{a + 1:02d}"
    return f"{first}-{a + 1:02d}..{b + 1:02d}" if first == last else f"{first}-{a + 1:02d}..{last}-{b + 1:02d}"


def find_quantities(
    text: str, gazetteer: Gazetteer | None = None, *, written: int | None = None
) -> tuple[Quantity, ...]:
    """Find the quantitative statements of an English text.

    Args:
        text: the text; time grows linearly with its length.
        gazetteer: place names to look for, from `build_gazetteer`; countries alone when None.
        written: year in which the text was written, for "last year"; without it such words give no period.

    Returns:
        One `Quantity` a number with a unit or a counted noun, in the order of the text.

    Example:
        >>> [(q.value, q.unit, q.topic.origin) for q in find_quantities("China imported 44 kt from Burma in 2024.")]
        [(44000.0, 't', 'MMR')]
    """
    names = gazetteer if gazetteer is not None else build_gazetteer()
    found: list[Quantity] = []
    previous: _Sentence | None = None
    for number, tokens in enumerate(_sentences(_tokenize(text))):
        sentence = _Sentence(text, number, tokens, names, written, previous)
        quantities = sentence.quantities()
        found.extend(quantities)
        previous = sentence
    return tuple(found)


@cache
def _base_gazetteer() -> dict[tuple[str, ...], str]:
    names: dict[tuple[str, ...], str] = {}
    for area in numeric_area_table().values():
        words = _words(area.name)
        if area.kind == "country" and words and all(len(word) > 2 for word in words):
            names.setdefault(words, area.id)
    for name, place in PLACES.items():
        names[_words(name) or (name,)] = place
    names[("u.s",)], names[("u.k",)] = "USA", "GBR"
    return names


def _words(text: str) -> tuple[str, ...]:
    return tuple(token[1].lower().rstrip(".") for token in _tokenize(text.replace("_", " ")) if token[0] in "wn")


def _tokenize(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "s"
        tokens.append(("w" if kind == "a" else kind, match[0], match.start(), match.end()))
    return tokens


def _sentences(tokens: Sequence[_Token]) -> Iterable[list[_Token]]:
    sentence: list[_Token] = []
    for position, token in enumerate(tokens):
        if token[0] == "p":
            if sentence:
                yield sentence
            sentence = []
            continue
        sentence.append(token)
        if len(sentence) >= LONGEST_SENTENCE:
            yield sentence
            sentence = []
        elif token[1] in ".!?;":
            after = tokens[position + 1] if position + 1 < len(tokens) else None
            short = (
                token[1] == "."
                and len(sentence) > 1
                and sentence[-2][1].lower() in {"approx", "no", "vs", "mr", "ms", "dr"}
            )
            if after is None or (after[2] > token[3] and not short and not after[1][0].islower()) or token[1] == ";":
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def _place_mentions(tokens: Sequence[_Token], names: Gazetteer) -> list[tuple[int, int, str, str]]:
    """Return (first token, token after, place id, name) of each place, longest name first."""
    longest = 6
    mentions: list[tuple[int, int, str, str]] = []
    position = 0
    while position < len(tokens):
        kind, word, _, _ = tokens[position]
        step = 1
        if kind == "w":
            lowered = [token[1].lower().rstrip(".") for token in tokens[position : position + longest]]
            for length in range(min(longest, len(lowered)), 0, -1):
                key = tuple(lowered[:length])
                place = names.get(key)
                if place is None or (length == 1 and key[0] in CASED and not word[0].isupper()):
                    continue
                if length == 1 and key[0] in ACRONYMS and not word.isupper():
                    continue
                if place != WORLD and not word[0].isupper() and key[0] not in {"world"}:
                    continue
                if place == "CHN" and position and tokens[position - 1][1].lower() == "outside":
                    place = REST_OF_WORLD
                if not _names_publisher(tokens, position + length):
                    mentions.append((position, position + length, place, " ".join(key)))
                step = length
                break
        position += step
    return mentions


def _names_publisher(tokens: Sequence[_Token], after: int) -> bool:
    """Whether a place's name goes on as that of a publisher (British Geological Survey)."""
    if [token[1] for token in tokens[after : after + 2]] in (["'", "s"], ["\u2019", "s"]):
        after += 2
    for kind, word, _, _ in tokens[after : after + 4]:
        if kind != "w" or not (word[0].isupper() or word == "of"):
            return False
        if word.lower() in ORGANISATIONS:
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Number:
    first: int
    after: int
    value: float
    step: float
    plain: bool
    fraction: bool = False


@dataclass(frozen=True, slots=True)
class _Raw:
    """A number with its unit before it is known what it is about; token positions first..after."""

    first: int
    after: int
    low: float
    high: float
    step: float
    unit: str
    approximation: Approximation
    whole: bool = False


@dataclass(frozen=True, slots=True)
class _When:
    first: int
    after: int
    period: Period | None
    relative: int = 0  # months from the period spoken of before: -12 a year earlier, 12 a year later


class _Sentence:
    """One sentence while it is being read: its tokens and the mentions found in it."""

    def __init__(
        self,
        text: str,
        number: int,
        tokens: list[_Token],
        names: Gazetteer,
        written: int | None,
        previous: _Sentence | None,
    ) -> None:
        self.text, self.number, self.tokens, self.written = text, number, tokens, written
        self.lower = [token[1].lower() for token in tokens]
        self.places = _place_mentions(tokens, names)
        self.place_at = {
            at: index for index, (first, after, _, _) in enumerate(self.places) for at in range(first, after)
        }
        self.whens = self._find_periods()
        self.taken = {at for when in self.whens for at in range(when.first, when.after)}
        self.raws = self._find_raws()
        self.measures = (
            [
                (at, MEASURE_WORDS[word])
                for at, word in enumerate(self.lower)
                if word in MEASURE_WORDS
                and not (word == "mines" and at and self.lower[at - 1].isdigit())
                and not (word in {"make", "makes", "made"} and self._word(at + 1) == "up")
                and not (word in {"came", "come", "comes", "amounted"} and self._copula(at))
                and not (self._word(at - 1) in {"can", "could"} and MEASURE_WORDS[word] in {"processing", "production"})
                and not (word in {"mine", "miners"} and self._word(at + 1) in {"production", "output"})
            ]
            + [
                (at, "production")
                for at, word in enumerate(self.lower)
                if word in PHRASAL_PRODUCTION and self._word(at + 1) in {"out", "up"}
            ]
            + [
                (at, "capacity")
                for at, word in enumerate(self.lower)
                if word in {"can", "could"} and MEASURE_WORDS.get(self._word(at + 1)) in {"processing", "production"}
            ]
        )
        self.last_period: Period | None = previous.last_period if previous else None
        self.last_measure: str = previous.last_measure if previous else ""
        self.last_place: str = previous.last_place if previous else ""
        self.last_destination: str = previous.last_destination if previous else ""
        self.last_elements: frozenset[str] = previous.last_elements if previous else frozenset()

    def _copula(self, at: int) -> bool:
        """Whether "came" means no more than "was": came to 486 tonnes, came in at 486 tonnes."""
        position = at + 1 + (self._word(at + 1) == "in")
        if self._word(position) not in {"to", "at"}:
            return False
        position += 1
        while self._word(position) in ABOUT | AT_LEAST | {"just", "a", "mere", "only", "than", "more", "less"}:
            position += 1
        return position < len(self.tokens) and (self.tokens[position][0] == "n" or self._word(position) in ONES)

    # numbers -----------------------------------------------------------------------------------------------------

    def _word(self, at: int) -> str:
        return self.lower[at] if 0 <= at < len(self.lower) else ""

    def _number(self, at: int) -> _Number | None:
        if at >= len(self.tokens) or at in self.taken:
            return None
        kind, word, start, _ = self.tokens[at]
        if kind == "n":
            before = self.tokens[at - 1] if at else None
            if before and before[0] == "w" and before[3] == start and before[1].lower() not in CURRENCIES:
                return None
            if before and before[1] == "." and before[3] == start:
                return None
            if self._word(at - 1) in {"hs", "hts", "code", "no", "chapter", "heading", "article", "section", "phase"}:
                return None
            value = float(re.sub(r"[, \u00a0\u2009\u202f]", "", word))
            if not math.isfinite(value) or value > 1e15:
                return None
            return self._scaled(at, at + 1, value, _place_value(word), plain=word.isdigit())
        if kind == "w":
            return self._number_words(at)
        return None

    def _scaled(self, first: int, after: int, value: float, step: float, *, plain: bool) -> _Number:
        word = self._word(after)
        if word == "hundred":
            value, step, after, plain = 100 * value, 100 * step, after + 1, False
            word = self._word(after)
        if word in SCALES:
            value, step, after, plain = value * SCALES[word], step * SCALES[word], after + 1, False
        elif word in SHORT_SCALES and after < len(self.tokens):
            attached = self.tokens[after][2] == self.tokens[after - 1][3]
            money = self._word(first - 1) in CURRENCIES or self._word(after + 1) in CURRENCIES
            if (attached and word != "b") or money:
                value, step, after, plain = value * SHORT_SCALES[word], step * SHORT_SCALES[word], after + 1, False
        elif word == "musd":
            value, step, plain = value * 1e6, step * 1e6, False
        return _Number(first, after, value, step, plain)

    def _number_words(self, at: int) -> _Number | None:
        total, current, position, seen, smallest = 0.0, 0.0, at, False, 1.0
        if self._word(at) == "a" and self._word(at + 1) in {"dollar", "euro"} and self._word(at - 1) not in MASS:
            return _Number(at, at + 1, 1.0, 1.0, False)
        if self._word(at) in {"a", "an"} and self._word(at + 1) in {"hundred", *SCALES, *FRACTIONS, "dozen"}:
            current, position, seen = 1.0, at + 1, True
        while position < len(self.lower):
            word = self.lower[position]
            if word in ONES or word in TENS:
                current += ONES.get(word, 0) or TENS.get(word, 0)
                smallest, seen = 1.0, True
            elif word == "hundred" and seen:
                current, smallest = (current or 1.0) * 100, 100.0
            elif word in SCALES and seen:
                total, current, smallest = total + (current or 1.0) * SCALES[word], 0.0, SCALES[word]
            elif word == "dozen" and seen:
                current, smallest = current * 12, 12.0
            elif word == "and" and seen and self._word(position + 1) in {"a"} and self._word(position + 2) == "half":
                current, position = current + 0.5, position + 2
            elif word in {"and", "-", "\u2010", "\u2011"} and seen and self._joins(position, word):
                pass
            else:
                break
            position += 1
        value = total + current
        if (
            position < len(self.lower)
            and self.lower[position] == "-"
            and self._word(position + 1) in FRACTIONS
            and seen
        ):
            position += 1
        word = self._word(position)
        if word in FRACTIONS and (seen or word == "half"):
            scale_at = position + 1 + (self._word(position + 1) == "of")
            scale_at += self._word(scale_at) == "a"
            if self._word(scale_at) in SCALES:
                scale = SCALES[self._word(scale_at)]
                part = (value if seen else 1.0) * scale / FRACTIONS[word]
                return _Number(at, scale_at + 1, part, 0.01 * scale, False)
        if word in FRACTIONS and (seen or word == "half") and self._is_fraction(position):
            return _Number(at, position + 1, 100 * (value if seen else 1.0) / FRACTIONS[word], 1.0, False, True)
        if not seen or (value == 0 and self._word(at) != "zero"):
            return None
        if value > 1e15:
            return None
        return _Number(at, position, value, max(smallest, 10 ** _trailing_zeros(value)), False)

    def _joins(self, position: int, word: str) -> bool:
        before, after = self._word(position - 1), self._word(position + 1)
        numeric = after in ONES or after in TENS or after == "hundred" or after in SCALES
        if word == "and":
            return numeric and (before == "hundred" or before in SCALES)
        return numeric and (before in TENS or before in ONES) and (before in TENS or after not in ONES)

    def _is_fraction(self, position: int) -> bool:
        word, before, after = self.lower[position], self._word(position - 1), self._word(position + 1)
        if word == "half" and (before in {"first", "second", "a", "an", "other"} or after in {"a", "year", "yearly"}):
            return before in {"a", "about"} and after == "of"
        if after in {"largest", "biggest", "quarter", "year", "most"} or before in {"first", "second", "-half"}:
            return False
        return not (word == "quarter" and after == "of" and re.fullmatch(r"(19|20)\d\d", self._word(position + 2)))

    # units -------------------------------------------------------------------------------------------------------

    def _find_raws(self) -> list[_Raw]:
        raws: list[_Raw] = []
        at = 0
        while at < len(self.tokens):
            raw = self._raw(at)
            if raw is None:
                at += 1
            else:
                raws.append(self._by_mass(raw))
                at = max(raw.after, at + 1)
        return raws

    def _by_mass(self, raw: _Raw) -> _Raw:
        """Money that the sentence gives for "a tonne of" something, as money per tonne."""
        if raw.unit in MONEY:
            for at in range(1, raw.first - 1):
                single = self.lower[at - 1] in {"a", "one", "each", "every", "per"} and self.lower[at + 1] == "of"
                if single and self.lower[at] in MASS:
                    size = MASS[self.lower[at]]
                    low, high, step = raw.low / size, raw.high / size, raw.step / size
                    return replace(raw, low=low, high=high, step=step, unit=f"{raw.unit}/t")
        return raw

    def _raw(self, at: int) -> _Raw | None:
        number = self._number(at)
        if number is None:
            return self._fold_or_rank(at)
        ratio = self._ratio(number)
        if ratio is not None:
            return ratio
        if number.fraction:
            hedge = self._before_hedge(number.first)
            raw = self._make(number, None, "%", number.after)
            if raw is not None and self._word(hedge) == "to" and self._changes_before(hedge):  # "fell to a third"
                return replace(raw, low=raw.low / 100, high=raw.high / 100, step=raw.step / 100, unit="factor")
            return raw
        second, unit_at = self._range(number)
        first_unit, after = self._unit(number)
        if second is not None and first_unit is None:
            unit, after = self._unit(second)
            if unit is None:
                return None
            low, scale = number, _scale_of(self, second)
            if scale > 1 and _scale_of(self, number) == 1 and number.value * scale <= second.value:
                low = replace(number, value=number.value * scale, step=number.step * scale)
            return self._make(low, second, unit, after)
        if second is not None and first_unit is not None:
            unit, after_second = self._unit(second)
            if unit is None and first_unit in CURRENCIES.values():
                unit, after_second = self._per(first_unit, second.after)
                return self._make(number, second, unit, after_second)
            if unit == first_unit and unit_at:
                return self._make(number, second, unit, after_second)
        if first_unit is None:
            return self._borrowed(number)
        return self._make(number, None, first_unit, after)

    def _ratio(self, number: _Number) -> _Raw | None:
        """Nine in ten, 9 out of 10."""
        middle = self._word(number.after)
        at = number.after + 1
        if middle == "out" and self._word(at) == "of":
            at += 1
        elif middle != "in" and not (middle == "of" and self._word(at) == "every"):
            return None
        if self._word(at) == "every":
            at += 1
        whole = self._number(at)
        if whole is None or not number.value < whole.value <= 100 or whole.value not in (3, 4, 5, 6, 8, 10, 20, 100):
            return None
        if middle == "in" and ((self._unit(whole)[0] or "|t")[-2:] != "|t" or number.value > 20):
            return None
        value = 100 * number.value / whole.value
        return self._make(replace(number, value=value, step=1.0, after=whole.after), None, "%", whole.after)

    def _range(self, number: _Number) -> tuple[_Number | None, bool]:
        """Return the second number of "x to y", "x-y" or "between x and y", and whether a range may have two units."""
        after = number.after
        unit_between = False
        unit, unit_after = self._unit(number)
        if unit is not None and self._word(unit_after) in {"to", "and", "-", "\u2013", "\u2014"}:
            after, unit_between = unit_after, True
        joint = self._word(after)
        opened = self._word(self._before_hedge(number.first))
        if (
            joint in {"-", "\u2013", "\u2014"}
            or (joint == "to" and opened != "from")
            or (joint == "and" and opened == "between")
            or (joint == "to" and opened == "from" and not self._changes_before(number.first))
        ):
            at = after + 1
            if self._word(at) in CURRENCIES:
                at += 1
            second = self._number(at)
            if second is not None and second.value >= number.value and not second.fraction:
                return second, unit_between
        return None, False

    def _before_hedge(self, at: int) -> int:
        position = at - 1
        while position >= 0 and (self.lower[position] in ABOUT or self.lower[position] in CURRENCIES):
            position -= 1
        return position

    def _changes_before(self, at: int) -> bool:
        return any(word in CHANGE for word in self.lower[max(0, at - 8) : at])

    def _unit(self, number: _Number) -> tuple[str | None, int]:
        at = number.after
        before = self._word(number.first - 1)
        word = self._word(at)
        if word == "-" and self._word(at + 1) in {*MASS, "year", "km"} and self._word(at + 1) not in {"year"}:
            at, word = at + 1, self._word(at + 1)
        if word == "%" or word in {"percent", "pct", "percentage"}:
            return "%", at + (2 if self._word(at + 1) in {"point", "points"} else 1)
        if word == "per" and self._word(at + 1) == "cent":
            return "%", at + 2
        money = CURRENCIES.get(before)
        if money is None and word in CURRENCIES:
            money, at = CURRENCIES[word], at + 1
        elif money is None and self._word(at + 1) in {"dollar", "dollars"} and word in DOLLARS:
            money, at = DOLLARS[word], at + 2
        elif money is None and word == "million" and self._word(at + 1) in CURRENCIES:
            money, at = CURRENCIES[self._word(at + 1)], at + 2
        if money is not None:
            return self._per(money, at)
        if word in {"metric", "gross", "short", "long"} and self._word(at + 1) in MASS:
            at, word = at + 1, self._word(at + 1)
        if word in MASS:
            return self._mass(at)
        for reach in range(7 if "situ" in self.lower[at : at + 4] else 6):
            noun = self._word(at + reach)
            if noun in COUNTED and not (reach and noun in {"year", "years", "month", "months", "day", "days"}):
                return self._counted(noun, at + reach)
            situ = noun in {"in", "-"} and "situ" in self.lower[at + reach : at + reach + 3]
            if (noun in STOP and not situ) or (not noun.isalpha() and noun != "-") or at + reach in self.taken:
                break
        return None, at

    def _counted(self, noun: str, at: int) -> tuple[str | None, int]:
        return f"count:{COUNTED[noun]}", at + 1

    def _mass(self, at: int) -> tuple[str, int]:
        unit = "Mt" if self.tokens[at][1] == "Mt" else self.lower[at]
        at += 1
        yearly = self._word(at + 1) in {"month", "year", "yr", "annum"}
        compared = self._word(at + 2) in {"earlier", "before", "ago", "previously", "later", "after", "on"}
        if self._word(at) in {"a", "per", "/"} and yearly and not compared:
            monthly = self._word(at + 1) == "month"
            return (f"{unit}|month" if monthly else f"{unit}|t"), at + 2
        return f"{unit}|t", at

    def _per(self, money: str, at: int) -> tuple[str, int]:
        if self._word(at) in {"per", "a", "/", "each"}:
            mass = at + 1
            if self._word(mass) == "metric":
                mass += 1
            word = self._word(mass)
            if word in MASS and (word != "t" or self._word(at) != "a"):
                return f"{money}/{word}", mass + 1
        return money, at

    def _borrowed(self, number: _Number) -> _Raw | None:
        """A number without unit that takes that of a later one: "from 200 in 2014 to 31,000 t in 2020"."""
        if self._word(number.first - 1) != "from" and self._word(self._before_hedge(number.first)) != "from":
            return None
        for at in range(number.after, min(number.after + 7, len(self.tokens))):
            if self.lower[at] != "to":
                continue
            target = at + 1
            while self._word(target) in ABOUT or self._word(target) in CURRENCIES:
                target += 1
            second = self._number(target)
            if second is None:
                return None
            unit, _ = self._unit(second)
            return None if unit is None else self._make(number, None, unit, number.after)
        return None

    def _fold_or_rank(self, at: int) -> _Raw | None:
        word = self.lower[at]
        factors = {"doubled": 2.0, "doubling": 2.0, "tripled": 3.0, "trebled": 3.0, "quadrupled": 4.0, "halved": 0.5}
        times = word.removesuffix("fold")
        if times != word and (fold := ONES.get(times) or TENS.get(times) or {"hundred": 100.0}.get(times)):
            return _Raw(at, at + 1, fold, fold, 0.2, "factor", self._approximation(at))
        if word in factors:
            return _Raw(at, at + 1, factors[word], factors[word], 0.2, "factor", self._approximation(at))
        ranks = {"first": 1.0, "second": 2.0, "third": 3.0, "fourth": 4.0, "fifth": 5.0}
        superlatives = {"largest", "biggest", "top", "leading"}
        if word in ranks and (self._word(at + 1) in superlatives or self._word(at + 2) in superlatives):
            return _Raw(
                at,
                at + (2 if self._word(at + 1) in superlatives else 3),
                ranks[word],
                ranks[word],
                1.0,
                "rank",
                "exact",
            )
        if word == "top":
            position = at + 1 + (self._word(at + 1) == "-")
            if self._word(position) in ONES and ONES[self._word(position)] > 1:
                value = float(ONES[self._word(position)])
                return _Raw(at, position + 1, value, value, 1.0, "rank", "at_most")
        if word in {"largest", "biggest"} and self._word(at - 1) == "s" and self._word(at - 3) in {"world", ""}:
            return _Raw(at, at + 1, 1.0, 1.0, 1.0, "rank", "exact")
        return None

    def _make(self, number: _Number, second: _Number | None, unit: str, after: int) -> _Raw | None:
        factor, canonical = _canonical_unit(unit)
        top = second if second is not None else number
        low, high = number.value * factor, top.value * factor
        if self._word(number.after) in {"fold", "times"}:
            canonical = "factor"
        step = max(number.step, top.step) * factor
        whole = self._word(number.first - 1) in {"the", "total"} and self._word(number.first - 2) in {"of", "a"}
        return _Raw(number.first, after, low, high, step, canonical, self._approximation(number.first), whole)

    def _approximation(self, first: int) -> Approximation:
        at = first - 1
        while at >= 0 and (self.lower[at] in CURRENCIES or self.lower[at] in {"a", "the", "an", "estimated", "us"}):
            at -= 1
        word, before = self._word(at), self._word(at - 1)
        if word in {"than", "as"} and self._word(at - 2) in {"slightly", "little", "bit", "marginally"}:
            return "about"
        if word in {"than", "as"}:
            if before in {"more", "greater", "larger", "higher", "bigger"}:
                return "at_least"
            if before in {"less", "fewer", "lower", "smaller"}:
                return "at_most"
        if word == "least" and before == "at":
            return "at_least"
        if word == "most" and before == "at":
            return "at_most"
        if word == "to" and before == "up":
            return "at_most"
        if word == "to" and before == "close":
            return "about"
        slight = before in {"just", "slightly", "little", "bit", "barely", "marginally"}
        if word in AT_LEAST and not (word in {"above", "over"} and slight):
            return "at_least"
        if word in AT_LEAST or word in ABOUT:
            return "about"
        return "at_most" if word in AT_MOST else "exact"

    # periods -----------------------------------------------------------------------------------------------------

    def _find_periods(self) -> list[_When]:
        whens: list[_When] = []
        at = 0
        while at < len(self.tokens):
            when = self._period(at)
            if when is None:
                at += 1
            else:
                whens.append(when)
                at = when.after
        parts = [when.period for when in whens if when.period and self._word(when.first + 1) == "-"]
        years = {(part[0] // 12 * 12, part[0] // 12 * 12 + 11) for part in parts if part[1] - part[0] < 11}
        return [when for when in whens if when.period not in years]

    def _year(self, at: int) -> int | None:
        if not 0 <= at < len(self.tokens) or self.tokens[at][0] != "n":
            return None
        word = self.tokens[at][1]
        if not re.fullmatch(r"(?:19|20)\d\d", word) or self._word(at - 1) in CURRENCIES:
            return None
        glued = at > 0 and self.tokens[at - 1][0] == "w" and self.tokens[at - 1][3] == self.tokens[at][2]
        if glued and self.lower[at - 1] not in {"fy", "h", "q", "cy"}:
            return None
        following = self._word(at + 1)
        if following in {"%", "percent", "usd", "dollars", "yuan", "kg", "km", "sites", "mines", *SCALES} or (
            following in MASS and following not in {"t", "mt"}
        ):
            return None
        if following == "t" or (following == "per" and self._word(at + 2) == "cent"):
            return None
        return int(word)

    def _period(self, at: int) -> _When | None:
        word = self.lower[at]
        year = self._year(at)
        if year is not None:
            joint = self._word(at + 1)
            if joint in {"-", "\u2013", "\u2014", "to", "and", "through", "until", "/"}:
                second = self._year(at + 2)
                short = self._word(at + 2)
                between = self._word(at - 1) in {"between", "from", "over", "during"}
                if second is not None and second > year and (joint != "and" or between):
                    return _When(at, at + 3, (12 * year, 12 * second + 11))
                if joint in {"-", "\u2013", "/"} and re.fullmatch(r"\d\d", short):
                    last = year // 100 * 100 + int(short)
                    if last > year:
                        return _When(at, at + 3, (12 * year, 12 * last + 11))
            return _When(at, at + 1, (12 * year, 12 * year + 11))
        if word in MONTHS and (word != "may" or self.tokens[at][1] == "May") and (word != "mar" or len(word) == 3):
            return self._months(at)
        if word in {"first", "second", "opening", "h", "q", "third", "fourth", "last", "final"}:
            return self._part_of_year(at)
        if word in {"earlier", "before", "previously"} and self._word(at - 1) == "year":
            return _When(max(at - 2, 0), at + 1, None, -12)
        if (
            word in {"later", "after", "on"}
            and self._word(at - 1) == "year"
            and self._word(at - 2) in {"a", "one", "the"}
        ):
            return _When(max(at - 2, 0), at + 1, None, 12)
        if word in {"previous", "preceding", "prior"} and self._word(at + 1) == "year":
            return _When(at, at + 2, None, -12)
        if word in {"following", "next"} and self._word(at + 1) == "year":
            return _When(at, at + 2, None, 12)
        return None

    def _months(self, at: int) -> _When | None:
        first = last = MONTHS[self.lower[at]]
        position = at + 1
        if (
            self._word(position) in {"to", "-", "\u2013", "through", "and", "until"}
            and self._word(position + 1) in MONTHS
        ):
            last, position = MONTHS[self._word(position + 1)], position + 2
        while self._word(position) in {"of", ",", "in", "."}:
            position += 1
        if self.tokens[position : position + 1] and re.fullmatch(r"[0-3]?\d", self._word(position)):
            position += 1
            while self._word(position) == ",":
                position += 1
        year = self._year(position)
        if year is None or last < first:
            return None
        return _When(at, position + 1, (12 * year + first - 1, 12 * year + last - 1))

    def _part_of_year(self, at: int) -> _When | None:
        word, position = self.lower[at], at + 1
        ordinal = {"first": 1, "opening": 1, "second": 2, "third": 3, "fourth": 4, "last": 4, "final": 4}.get(word, 0)
        if word == "last" and self._word(position) == "year":
            if self.written is None:
                return _When(at, at + 2, None)
            return _When(at, at + 2, (12 * (self.written - 1), 12 * self.written - 1))
        months = 0
        if word in {"h", "q"}:
            if self._word(position).isdigit() and len(self._word(position)) == 1:
                ordinal, months, position = int(self._word(position)), (6 if word == "h" else 3), position + 1
        elif self._word(position) == "-" and self._word(position + 1) in {"half", "quarter"}:
            years = [found for at in range(len(self.tokens)) if (found := self._year(at)) is not None]
            months = 6 if self._word(position + 1) == "half" else 3
            if len(set(years)) != 1 or not 1 <= ordinal <= 12 // months:
                return None
            first = 12 * years[0] + (ordinal - 1) * months
            return _When(at, position + 2, (first, first + months - 1))
        elif self._word(position) == "half":
            months, position = 6, position + 1
        elif self._word(position) == "quarter":
            months, position = 3, position + 1
        elif word in {"first", "opening"} and self._word(position + 1) == "months":
            count = int(ONES.get(self._word(position), 0))
            if not count and self._word(position).isdigit():
                count = int(self._word(position)[:2])
            ordinal, months, position = 1, count, position + 2
        if not months or not 1 <= ordinal <= 12 // max(months, 1):
            return None
        while self._word(position) in {"of", "in", ","}:
            position += 1
        year = self._year(position)
        if year is None or not 1 <= months <= 12:
            return None
        first = 12 * year + (ordinal - 1) * months
        return _When(at, position + 1, (first, first + months - 1))

    # what it is about --------------------------------------------------------------------------------------------

    def quantities(self) -> list[Quantity]:
        found: list[Quantity] = []
        phrase = self._attribution() if self.raws else ""
        for index, raw in enumerate(self.raws):
            quantity = self._describe(index, raw, found, phrase)
            if quantity is not None:
                found.append(quantity)
                topic = quantity.topic
                self.last_measure = topic.measure or self.last_measure
                self.last_period = topic.period or self.last_period
                self.last_place = topic.place or topic.origin or self.last_place
                if topic.measure == "flow" and topic.destination:
                    self.last_destination = topic.destination
                if topic.elements:
                    self.last_elements = topic.elements
        if not self.raws:
            stated = [when.period for when in self.whens if when.period]
            if stated:
                self.last_period = stated[-1]
            nations = [place for _, _, place, _ in self.places if place != WORLD]
            if nations:
                self.last_place = nations[0]
        return found

    def _attribution(self) -> str:
        start, end = self.tokens[0][2], min(self.tokens[-1][3], self.tokens[0][2] + 2000)
        match = _ATTRIBUTION.search(self.text, start, end)
        return " ".join(match[0].split()) if match else ""

    def _window(self, index: int) -> tuple[int, int, int]:
        """Return where the previous quantity ended, and where the next one begins and its own right side ends."""
        before = self.raws[index - 1].after if index else 0
        position = index + 1
        after = self.raws[position].first if position < len(self.raws) else len(self.tokens)
        right = after
        if (position < len(self.raws) and self._word(after - 1) == "(") or (
            position < len(self.raws) and self.raws[position].unit == "%" and self._appositive(index, position)
        ):
            right = self.raws[position + 1].first if position + 1 < len(self.raws) else len(self.tokens)
        return before, after, right

    def _appositive(self, index: int, following: int) -> bool:
        between = self.lower[self.raws[index].after : self.raws[following].first]
        return len(between) <= 4 and "or" in between

    def _describe(self, index: int, raw: _Raw, found: list[Quantity], phrase: str) -> Quantity | None:
        before, after, right = self._window(index)
        period, origin_of_period = self._when_of(index, raw, after)
        measure, direction = self._measure_of(raw, before, right)
        form, rising = self._form_of(raw, measure)
        if raw.unit.startswith("count:") and form == "level":
            measure = {"km": "distance", "miles": "distance"}.get(raw.unit[6:], "count")
        elements, product = self._commodity_of(raw, before, right)
        if measure == "basket":
            product, elements = "", frozenset(self._elements_at(range(raw.first - 1, -1, -1)))
        if measure == "cost":
            product = next((STAGES[word] for word in self.lower if word in STAGES), "")
        if measure == "quota":
            product = "separated" if {"separation", "smelting"} & set(self.lower) else ""
        topic = self._topic(raw, measure, direction, form, (before, right), found)
        topic = replace(topic, period=period, elements=elements, product=product)
        start, end = self.tokens[raw.first][2], self.tokens[raw.after - 1][3]
        if raw.first and self.lower[raw.first - 1] in CURRENCIES:
            start = self.tokens[raw.first - 1][2]
        if not math.isfinite(raw.low) or not math.isfinite(raw.high):
            return None
        near = self.lower[raw.after : min(raw.after + 8, right)]
        basis = "REO" if {"reo", "treo"} & set(near) or _phrase(near, ("oxide", "equivalent")) else ""
        if not basis and raw.unit == "t" and _phrase(near[:5], ("rare", "earth", "oxide")):
            basis = "REO" if "equivalent" in near else ""
        if not basis and "gross" in self.lower[max(before, raw.first - 3) : min(raw.after + 8, right)]:
            basis = "gross"
        by_value = bool({"value", "worth", "bill"} & set(self.lower[before:right])) and raw.unit == "%"
        relation = "share of whole" if form == "share" else ("whole" if raw.whole else "")
        return Quantity(
            self.text[start:end],
            start,
            end,
            self.number,
            0.5 * (raw.low + raw.high),
            raw.low,
            raw.high,
            raw.step,
            raw.unit,
            basis,
            raw.approximation,
            topic,
            origin_of_period,
            relation,
            by_value,
            rising,
            phrase,
        )

    def _when_of(self, index: int, raw: _Raw, after: int) -> tuple[Period | None, PeriodOrigin]:
        split = self._split_period(index, raw)
        if split is not None:
            return split, "stated"
        chosen: _When | None = None
        trailing = next((when for when in self.whens if raw.after <= when.first < after), None)
        leading = [when for when in self.whens if when.after <= raw.first]
        if trailing is not None:
            between = self.lower[raw.after : trailing.first]
            if not leading or not {"and", ",", "against", "but", "while", "versus"} & set(between) or trailing.relative:
                chosen = trailing
        if chosen is None and leading:
            chosen = leading[-1]
        if chosen is None:
            chosen = trailing or next((when for when in self.whens if when.first >= raw.after), None)
        if chosen is not None and chosen.relative:
            base = next((w.period for w in reversed(leading) if w.period), self.last_period)
            if base is None:
                base = next((when.period for when in self.whens if when.period), None)
            if base and raw.unit in {"%", "factor"}:  # "6% higher than the year before" is a change into the base
                return base, "stated"
            shift = chosen.relative
            return ((base[0] + shift, base[1] + shift), "inherited") if base else (None, "none")
        if chosen is not None:
            if chosen.period is None:
                return None, "none"
            return chosen.period, "stated"
        return (self.last_period, "inherited") if self.last_period else (None, "none")

    def _split_period(self, index: int, raw: _Raw) -> Period | None:
        """A change from x to y between two years: the first number is of the first year, the second of the last."""
        spans = [when for when in self.whens if when.period and when.period[1] - when.period[0] >= 12]
        if len(spans) != 1 or len([when for when in self.whens if when.period]) != 1 or spans[0].period is None:
            return None
        first, last = spans[0].period
        if first % 12 or last % 12 != 11 or not any(word in CHANGE for word in self.lower):
            return None
        pair = [place for place, item in enumerate(self.raws) if item.unit == raw.unit]
        if index not in pair or len(pair) < 2 or raw.unit in {"factor", "rank"}:
            return None
        opening = self._word(self._before_hedge(self.raws[pair[0]].first)) == "from"
        if not opening:
            return None
        if index == pair[0]:
            return (first, first + 11)
        return (last - 11, last) if index == pair[1] else None

    def _measure_of(self, raw: _Raw, before: int, right: int) -> tuple[str, str]:
        if raw.unit == "rank":
            before = 0
        if "/t" in raw.unit:
            kinds = {kind for _, kind in self.measures}
            staged = any(word in STAGES for word in self.lower)  # "mining costs" are no price
            kinds -= set() if staged else {"cost"}
            return next((kind for kind in ("tariff", "cost") if kind in kinds and "price" not in kinds), "price"), ""
        if raw.unit == "%" and self._of_a_mix(raw):
            return "basket", ""
        if raw.unit in MONEY and any(kind == "capex" for _, kind in self.measures):
            return "capex", ""
        scored: list[tuple[float, str]] = []
        for at, measure in self.measures:
            if raw.first <= at < raw.after:
                continue
            if at >= raw.after:
                if at >= right:
                    continue
                distance = float(at - raw.after) + (0 if raw.unit in {"%", "rank"} else 4)
                if {",", "while", "and", "whereas", "but", ";"} & set(self.lower[raw.after : at]):
                    distance += 15
            else:
                distance = float(raw.first - at) + (30 if at < before else 0)
            if measure == "price" and "/" not in raw.unit and raw.unit != "%":
                distance += 50
            if measure == "flow_any":
                distance += 25
            if measure == "capacity" and raw.unit == "%":
                distance += 10
            if measure == "trade" and raw.unit not in {"USD", "CNY", "EUR"}:
                distance += 50
            if measure in {"tariff", "reliance"} and raw.unit != "%" and "/" not in raw.unit:
                distance += 50
            if measure in {"quota", "deficit", "reserves", "tariff", "recycling"}:
                distance -= 8
            scored.append((distance, measure))
        if not scored:
            scored = [(0.0, measure) for _, measure in self.measures[:1] if measure in {"production", "demand"}]
        if not scored:
            roles = {self._role(at) for at in range(len(self.places))}
            if {"origin", "destination"} & roles and raw.unit in {"t", "t/month", "%", "USD", "CNY"}:
                return "flow", "any"
            at_supply = [at for at, word in enumerate(self.lower) if word in {"supply", "supplies"}]
            worldly = any(place == WORLD for _, _, place, _ in self.places) and raw.unit == "%"
            if at_supply or (worldly and not self.last_measure):
                return "production", ""
            direction = "in" if self.last_measure == "flow" else ""
            return self.last_measure, direction
        measure = min(scored)[1]
        if raw.unit in MONEY and measure in {"cost", "demand"}:
            return ("flow", "in") if self._trades() else ("capex", "")
        if measure == "trade" and self._names_commodity(range(len(self.tokens))) and "goods" not in self.lower:
            return "flow", "any"
        nations = {place for _, _, place, _ in self.places if place != WORLD}
        whole = any(place == WORLD for _, _, place, _ in self.places)
        if measure in {"flow_any", "flow_out"} and raw.unit == "%" and len(nations) == 1 and whole:
            return "production", ""
        if measure.startswith("flow_"):
            return "flow", measure[5:]
        if measure == "trade" and any(kind == "deficit" for _, kind in self.measures):
            near = min((abs(at - raw.first), kind) for at, kind in self.measures if kind in {"deficit", "trade"})
            words = self.lower
            total = {"total", "two", "bilateral", "overall", "turnover", "commerce"} & set(words)
            return ("trade" if total and near[1] == "trade" else "deficit"), ""
        return measure, ""

    def _trades(self) -> bool:
        roles = {self._role(at) for at in range(len(self.places))}
        return bool(roles & {"origin", "destination"}) or any(kind.startswith("flow") for _, kind in self.measures)

    def _of_a_mix(self, raw: _Raw) -> bool:
        """Whether a share is that of an element in ore or oxide: "4% of the rare-earth oxides in Kachin's ore"."""
        mixes = {"oxide", "oxides", "reo", "treo", "ore", "basket", "concentrate", "clay", "clays", "mix"}
        named = any(word in ELEMENTS for word in self.lower[: raw.first])
        return named and self._word(raw.after) == "of" and bool(mixes & set(self.lower[raw.after : raw.after + 7]))

    def _form_of(self, raw: _Raw, measure: str) -> tuple[Form, bool | None]:
        if raw.unit in {"factor", "rank"}:
            rising = raw.high > 1 if raw.unit == "factor" else None
            return ("factor" if raw.unit == "factor" else "rank"), rising
        if raw.unit != "%":
            return "level", None
        if measure == "tariff":
            return "level", None
        left = self.lower[max(0, raw.first - 5) : raw.first]
        after = self._word(raw.after)
        following = self.lower[raw.after : raw.after + 3]
        hedge = self._before_hedge(raw.first)
        to = self._word(hedge) == "to" and self._word(hedge - 1) not in {"up", "close"}
        by = self._word(hedge) == "by"
        if after in {"of", "share"} and not {"more", "less", "lower", "higher"} & set(following[:1]):
            verbs = set(left) & CHANGE - {"less", "up", "higher", "lower"}
            return ("change", self._rises(left)) if verbs and after != "of" and not to else ("share", None)
        if after in {
            "more",
            "less",
            "lower",
            "higher",
            "fewer",
            "increase",
            "decrease",
            "drop",
            "fall",
            "decline",
            "rise",
            "growth",
            "down",
            "up",
            "jump",
            "below",
            "above",
        }:
            return "change", self._rises([after])
        changing = [word for word in left if word in CHANGE and word not in {"less", "higher", "lower"}]
        if by and not changing:
            changing = [word for word in self.lower[: raw.first] if word in CHANGE - {"less", "higher", "lower"}][-1:]
        if changing and not to and not ("up" in changing and self._word(hedge) == "to"):
            return "change", self._rises(changing)
        return "share", None

    @staticmethod
    def _rises(words: Sequence[str]) -> bool | None:
        nouns_up, nouns_down = {"more", "jump", "above"}, {"fewer", "below"}
        for word in reversed(words):
            if word in RISE or word in nouns_up:
                return True
            if word in FALL or word in nouns_down:
                return False
        return None

    def _commodity_of(self, raw: _Raw, before: int, right: int) -> tuple[frozenset[str], str]:
        elements: set[str] = set()
        product = ""
        spans = [range(raw.after, self._own_end(raw, right)), range(raw.first - 1, before - 1, -1)]
        if not self._names_commodity(range(before, right)):
            spans.append(range(before - 1, -1, -1))
        for span in spans:
            for at in span:
                word = self.lower[at]
                if word in OTHER_COMMODITIES and not product:
                    product = word
                elif word in PRODUCTS and not product and at not in self.place_at:
                    named = INCLUSIONS & set(self.lower[max(0, at - 4) : at])
                    named |= {"included", "excluded", "counted"} & set(self.lower[at : at + 4])
                    negated = (
                        bool(named)
                        or self._word(at - 1) in NEGATIONS
                        or (self._word(at - 1) == "-" and self._word(at - 2) in NEGATIONS)
                    )
                    reo = word in {"oxide", "oxides"} and (
                        self._word(at + 1) in {"equivalent", "equivalents"}
                        or (self._word(at - 1) in {"earth", "earths"} and self._word(at + 1) in {"eq"})
                    )
                    if not negated and not reo:
                        product = PRODUCTS[word]
                elif self._word(at - 1) == "-" and self._word(at - 2) in {"medium", "high", "low"}:
                    continue  # medium-yttrium clay
                elif word in ELEMENTS and (word not in SYMBOLS or self.tokens[at][1][0].isupper()):
                    if word in {"heavy", "light"} and self._word(at + 1) not in {
                        "rare",
                        "rees",
                        "ree",
                        "element",
                        "elements",
                        "-",
                        "earth",
                        "earths",
                        "separation",
                    }:
                        continue
                    elements.update(ELEMENTS[word].split("+"))
                elif word == "magnet" and self._word(at + 1) == "rare":
                    elements.add("MAGNET")
            if elements or product:
                break
        if product == "magnet" and self._magnet_elements():
            return frozenset({"MAGNET"}), ""
        if len(elements) > 1:
            elements.discard("HREE")
            elements.discard("LREE")
        if not elements and not product and not self._names_commodity(range(len(self.tokens))) and not self.measures:
            return self.last_elements, product
        return frozenset(elements), product

    def _elements_at(self, span: Iterable[int]) -> set[str]:
        names = [self.lower[at] for at in span if self.lower[at] in ELEMENTS]
        return set(ELEMENTS[names[0]].split("+")) if names else set()

    def _own_end(self, raw: _Raw, right: int) -> int:
        """Where the words about a number end: at the last comma or "and" before the next one."""
        if right < len(self.tokens):
            for at in range(right - 1, raw.after - 1, -1):
                if self.lower[at] in {",", "and", "while", "but", "against"}:
                    return at
        return right

    def _magnet_elements(self) -> bool:
        return _phrase(self.lower, ("magnet", "rare")) or _phrase(self.lower, ("magnet", "-", "rare"))

    def _names_commodity(self, span: Iterable[int]) -> bool:
        return any(
            self.lower[at] in ELEMENTS
            or self.lower[at] in PRODUCTS
            or self.lower[at] in OTHER_COMMODITIES
            or self.lower[at] == "rare"
            for at in span
        )

    def _role(self, index: int) -> str:
        """Return origin, destination, reporter_in, reporter_out, possessor or empty for one place of the sentence."""
        first, after, _, _ = self.places[index]
        before = self._word(first - 1)
        if before in {"the", "neighbouring", "neighboring", "military", "northern"}:
            before = self._word(first - 2)
        of_share = before == "of" and self._word(first - 2) == "share"
        if of_share or before in {"from", "left", "leaving", "paid", "pays", "pay"}:
            return "origin"
        left_for = before == "for" and "left" in self.lower[max(0, first - 5) : first]
        if before in {"to", "into", "reached", "entered", "reaching", "entering"} or left_for:
            return "destination"
        if before == "by":
            words = self.lower[max(0, first - 5) : first]
            if {"imported", "imports", "bought", "purchased", "purchases"} & set(words):
                return "reporter_in"
            if {"exported", "exports", "supplied", "sold", "shipped"} & set(words):
                return "reporter_out"
            return ""
        following = self.lower[after : after + 8]
        if following[:1] and following[0] in {"'", "\u2019"}:
            following = following[2:] if following[1:2] == ["s"] else following[1:]
        if following[:1] == ["share"]:
            return "origin"
        for word in following:
            if word in {",", "(", "to", "from"} or word.isdigit():
                break
            kind = MEASURE_WORDS.get(word, "")
            if kind == "flow_in":
                return "reporter_in"
            if kind == "flow_out":
                return "reporter_out"
            if kind in {"production", "processing"}:
                return "possessor"
        if self.places[index][3] in DEMONYMS and before not in INCLUSIONS and self._before_goods(after):
            return "origin"
        if before in {"in", "of", "against", "on", "with"}:
            return before
        return ""

    def _before_goods(self, at: int) -> bool:
        """Whether the words from `at` on name goods at once: rare earths, heavy rare earth oxides, magnets, ore."""
        for word in self.lower[at : at + 4]:
            if word in PRODUCTS or word in {"earth", "earths", "ree", "rees"}:
                return True
            if not (word in ELEMENTS or word in {"rare", "mixed", "separated", "-"}):
                return False
        return False

    def _topic(
        self,
        raw: _Raw,
        measure: str,
        direction: str,
        form: Form,
        window: tuple[int, int],
        found: list[Quantity],
    ) -> Topic:
        blank = Topic(measure, form, "", "", "", frozenset(), "", None)
        roles = [(at, self._role(at)) for at in range(len(self.places))]
        if form == "rank":
            place = next((self.places[at][2] for at, _ in roles if self.places[at][2] != WORLD), self.last_place)
            return replace(blank, measure=measure or "production", place=place, destination=WORLD)
        if measure in {"deficit", "trade"}:
            return self._bilateral(blank)
        if measure == "tariff":
            pairs = [(self.places[at][2], role) for at, role in roles]
            place = next((place for place, role in pairs if role in {"on", "origin", "against"}), "")
            others = [place for place, _ in pairs if place != "USA"]
            return replace(blank, place=place or (others[0] if others else self.last_place))
        if form == "share" and measure != "flow":
            return self._world_share(raw, blank, window)
        if measure == "flow":
            return self._flow(raw, blank, direction, window, roles, found)
        if measure == "count" and not self.places:
            return blank
        if measure == "distance":
            names = [*dict.fromkeys(name for _, _, _, name in self.places), "", ""]
            return replace(blank, origin=names[0], destination=names[1])
        if measure == "demand" and not self.places:
            return replace(blank, place=WORLD)
        return replace(blank, place=self._place_near(raw, window))

    def _bilateral(self, blank: Topic) -> Topic:
        nations = [place for _, _, place, _ in self.places if place not in {WORLD, "USA"}]
        return replace(blank, origin=nations[0] if nations else self.last_place, destination="USA", place="")

    def _place_near(self, raw: _Raw, window: tuple[int, int], *, skip: str = "") -> str:
        """Return the place a level belongs to: named after the number before the next, else the nearest before it."""
        before, right = window
        superlatives = {"largest", "biggest", "top", "leading"}
        places = [
            item
            for item in self.places
            if item[2] != skip and not (item[2] == WORLD and superlatives & set(self.lower[item[1] : item[1] + 5]))
        ]
        inside = [item for item in places if raw.after <= item[0] < right]
        ahead = {"in", "from", "of", "by", "the", "for", "at"}
        adverbs = {"worldwide", "globally"}
        inside = [item for item in inside if self._word(item[0] - 1) in ahead or item[3] in adverbs]
        left = [item for item in places if item[1] <= raw.first]
        near = [item for item in left if item[0] >= before]
        subject = [item for item in near if item[3] not in METONYMS] or near
        if subject:
            possessors = [item for item in subject if self._role(self.places.index(item)) == "possessor"]
            return (possessors or subject)[-1][2]
        if inside:
            return inside[0][2]
        if left:
            return left[-1][2]
        anywhere = [item for item in places if item[0] >= raw.after]
        return anywhere[0][2] if anywhere and not self.last_place else self.last_place

    def _world_share(self, raw: _Raw, blank: Topic, window: tuple[int, int]) -> Topic:
        whole = WORLD
        worldly = any(place == WORLD for _, _, place, _ in self.places)
        part = self._place_near(raw, window, skip=WORLD)
        if not worldly:
            nations = list(dict.fromkeys(place for _, _, place, _ in self.places))
            of = [item for item in self.places if item[0] >= raw.after and self._word(raw.after) == "of"]
            if len(nations) > 1 and of:
                whole = of[0][2]
                part = next((place for place in nations if place != whole), part)
        return replace(blank, place=part, destination=whole)

    def _flow(
        self,
        raw: _Raw,
        blank: Topic,
        direction: str,
        window: tuple[int, int],
        roles: list[tuple[int, str]],
        found: list[Quantity],
    ) -> Topic:
        before, right = window
        origin = destination = ""
        stop = next((at for at in range(raw.after, right) if self.lower[at] in PARTITIVE), right)
        for at, role in roles:
            first, _, place, _ = self.places[at]
            if place == WORLD:
                continue
            local = before <= first < stop
            if role == "origin" and local and (not origin or first >= raw.after):
                origin = origin if origin and first >= raw.after and raw.unit != "%" else place
            elif (role == "destination" and (local or first < raw.first)) or role == "reporter_in":
                destination = destination or place
            elif role == "reporter_out" and not raw.whole and (local or first < raw.first):
                origin = origin or place
        if raw.whole:
            origin = ""
        elif not origin:
            earlier = [self.places[at] for at, role in roles if role == "origin" and self.places[at][0] < before]
            partitive = any(word in PARTITIVE for word in self.lower[:before])
            separate = found and found[-1].topic.measure == "flow" and not found[-1].topic.origin
            if earlier and not partitive and not separate:
                origin = earlier[-1][2]
        if raw.unit == "%" and blank.form == "share" and not origin:
            left = [item for item in self.places if item[1] <= raw.first and item[2] not in {WORLD, destination}]
            origin = left[-1][2] if left else ""
            if not origin:
                later = [item for item in self.places if item[0] >= raw.after and item[2] not in {WORLD, destination}]
                origin = later[0][2] if later else (self.last_place if self.last_place != destination else "")
        if not destination:
            if direction != "out" or any(
                word in {"it", "that", "total", "them"} for word in self.lower[raw.after : right]
            ):
                destination = self.last_destination
            if not destination and direction in {"in", "any"}:
                rest = [place for _, _, place, _ in self.places if place not in {WORLD, origin}]
                destination = rest[0] if rest else self.last_destination
            if not destination and found and found[-1].topic.measure == "flow":
                destination = found[-1].topic.destination
        if not origin and direction == "out" and not raw.whole:
            rest = [place for _, _, place, _ in self.places if place not in {WORLD, destination}]
            origin = rest[0] if rest else (self.last_place if self.last_place != destination else "")
        if origin and origin == destination:
            destination = ""
        return replace(blank, origin=origin or (WORLD if destination else ""), destination=destination)


def _scale_of(sentence: _Sentence, number: _Number) -> float:
    scales = [SCALES.get(word, 1.0) for word in sentence.lower[number.first : number.after]]
    return max(scales, default=1.0)


def _phrase(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    length = len(phrase)
    return any(tuple(words[at : at + length]) == phrase for at in range(len(words) - length + 1))


def _trailing_zeros(value: float) -> int:
    zeros = 0
    while value and value % 10 == 0 and zeros < 15:
        value, zeros = value / 10, zeros + 1
    return zeros


def _place_value(number: str) -> float:
    if "." in number:
        return float(10.0 ** -min(len(number.split(".")[1]), 12))
    digits = re.sub(r"\D", "", number)
    kept = digits.rstrip("0")
    return float(10.0 ** min(len(digits) - len(kept), 15)) if kept else 1.0


def _canonical_unit(unit: str) -> tuple[float, str]:
    """Return the factor to the canonical unit and its name, for what `_Sentence._unit` found."""
    if unit.startswith("count:miles"):
        return 1.609344, "count:km"
    if "|" in unit:
        mass, per = unit.split("|")
        return (1e6 if mass == "Mt" else MASS[mass]), ("t/month" if per == "month" else "t")
    if "/" in unit:
        money, mass = unit.split("/")
        return 1.0 / MASS[mass], f"{money}/t"
    return 1.0, unit


Extractor = Callable[[str, Gazetteer], Sequence[Quantity]]
"""What finds the quantities of a text; a better one may stand in for `find_quantities`."""
