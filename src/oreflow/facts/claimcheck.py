"""Claim check: what a ledger of claims says about the numbers of a text.

Each quantity of the text is compared with the claims about the same thing: same measure, places, elements, product,
basis and period. It matches, conflicts, follows by arithmetic from other claims, is also reported by claims that stem
from the same report, or is not in the ledger. Nothing here calls a network or a model of language.

Source of method: DESIGN section 4; independence as connected components of the graph of claims that share an origin
through `derived_from`, a source or publisher, or one printed number.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from oreflow.core.errors import OreflowError
from oreflow.facts.areas import WORLD, area_ids
from oreflow.facts.claim import Claim, Source
from oreflow.facts.quantities import (
    Extractor,
    Form,
    Gazetteer,
    Period,
    Quantity,
    Topic,
    build_gazetteer,
    find_places,
    find_quantities,
    format_period,
    parse_period,
)
from oreflow.facts.vocabulary import (
    COUNTED,
    ELEMENTS,
    MEASURE_WORDS,
    MONEY,
    OTHER_COMMODITIES,
    PRODUCTS,
    STAGES,
)

Verdict = Literal["matches", "follows by arithmetic", "conflicts", "also reported by", "not in the ledger"]

MAX_CHARACTERS = 200_000
"""Longest text that is checked, in characters."""


class TextError(OreflowError):
    """A text that cannot be checked: empty, binary, too long, or not in English."""


class LedgerLike(Protocol):
    """Anything that holds claims and sources."""

    @property
    def claims(self) -> Sequence[Claim]:
        """The claims that a text is checked against."""

    @property
    def sources(self) -> Sequence[Source]:
        """The publications that the claims name."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Claims and sources as plain sequences, for `check_text` and `find_conflicts`."""

    claims: Sequence[Claim]
    sources: Sequence[Source] = ()


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is known of a text: the places of its case, the report it is (source ids), the year it was written in."""

    places: tuple[tuple[str, str], ...] = ()
    report: tuple[str, ...] = ()
    written: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A claim in the terms of `Topic`: `value`, `low` and `high` in `unit` (t, t/month, %, USD, USD/t, count:...).

    `others` are further readings that the claim's note prints inside its range; `derived` says that the claim is
    computed from other claims; `label` names what it counts.
    """

    claim: Claim
    topic: Topic
    unit: str
    basis: str
    value: float | None
    low: float | None
    high: float | None
    others: tuple[float, ...]
    derived: bool
    by_value: bool
    label: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What the ledger says about one quantity of a text.

    `claims` support it, `sources` counts those of them that are independent of one another, `conflicting` say another
    number for the same thing, `also_reported` stem from the same report, `arithmetic` shows the computation. `printed`
    holds what each of these claims says, as "300 t REO".
    """

    quantity: Quantity
    verdict: Verdict
    claims: tuple[str, ...]
    sources: int
    conflicting: tuple[str, ...]
    also_reported: tuple[str, ...]
    arithmetic: str
    remarks: tuple[str, ...]
    printed: Mapping[str, str] = field(default_factory=dict)

    def cited(self, ids: Sequence[str]) -> str:
        """Name claims with what they say.

        Args:
            ids: ids of claims of this finding.

        Returns:
            As "BGS_MM_2014 (300 t REO), SUP-0245 (301.6 t gross)".
        """
        return ", ".join(f"{name} ({self.printed[name]})" if self.printed.get(name) else name for name in ids)

    @property
    def summary(self) -> str:
        """The finding in one sentence.

        Returns:
            The verdict with the claims that it rests on.
        """
        if self.verdict == "matches":
            claims = f"{len(self.claims)} claim{'' if len(self.claims) == 1 else 's'}"
            head = f"matches {claims} (of {self.sources} independent source{'' if self.sources == 1 else 's'})"
            return f"{head}: {self.cited(self.claims)}"
        if self.verdict == "follows by arithmetic":
            return f"follows by arithmetic: {self.arithmetic}"
        if self.verdict == "conflicts":
            return f"conflicts with {self.cited(self.conflicting) or self.arithmetic}"
        if self.verdict == "also reported by":
            return f"also reported by {self.cited(self.also_reported)}, which stem from the same report: no support"
        return "not in the ledger"


def check_text(
    text: str,
    ledger: LedgerLike,
    context: CheckContext | None = None,
    *,
    extractor: Extractor | None = None,
) -> tuple[Finding, ...]:
    """Say of each quantitative statement of a text what the ledger says about it.

    Args:
        text: English text of at most `MAX_CHARACTERS` characters.
        ledger: claims (value in the claim's unit and basis) and sources.
        context: the places of the case, the report that the text is, the year it was written in.
        extractor: what finds the quantities; `find_quantities` when None.

    Returns:
        One finding a quantity, in the order of the text; empty where the text has no quantity.

    Raises:
        TextError: the text is empty, binary, too long or not in English.

    Example:
        >>> check_text("Nobody counted the trucks.", Evidence(()))
        ()

    Source of method: DESIGN section 4.
    """
    check_readable(text)
    known = context or CheckContext()
    gazetteer = build_gazetteer((*known.places, *named_places(ledger.claims)))
    if extractor is None:
        quantities: Sequence[Quantity] = find_quantities(text, gazetteer, written=known.written)
    else:
        quantities = extractor(text, gazetteer)
    record = _Record.build(ledger, gazetteer)
    record = replace(record, same_report=_same_report(quantities, record, known))
    findings: dict[int, Finding] = {}
    by_sentence: dict[int, list[int]] = defaultdict(list)
    for position, quantity in enumerate(quantities):
        by_sentence[quantity.sentence].append(position)
    for derived in (False, True):
        for position, quantity in enumerate(quantities):
            if (quantity.topic.form in {"share", "change", "factor"}) == derived:
                near = (quantity.sentence - 1, quantity.sentence, quantity.sentence + 1)
                beside = [index for sentence in near for index in by_sentence.get(sentence, ())]
                neighbours = [(quantities[index], findings[index]) for index in beside if index in findings]
                findings[position] = _check(quantity, record, neighbours)
    return tuple(
        replace(findings[position], printed=_printed(findings[position], record)) for position in sorted(findings)
    )


def named_places(claims: Iterable[Claim]) -> tuple[tuple[str, str], ...]:
    """Return the places that claims name and no country table knows: mines, plants, towns, firms.

    Args:
        claims: any claims; a capacity names its site in the subject, as in "nameplate capacity, Kuantan (separation)".

    Returns:
        Pairs of id and name, for `build_gazetteer`.

    Example:
        >>> from datetime import date
        >>> row = Claim("c1", "NdPr output", "Mountain Pass", "", "NdPr", "2024", 1294.0, None, None, "t", "oxide",
        ...             "mp", "", "original", "B", "", (), (), "", date(2025, 1, 1), False, "")
        >>> named_places([row])
        (('Mountain Pass', 'Mountain Pass'),)
    """
    base = build_gazetteer()
    found: dict[str, None] = {}
    for claim in claims:
        names = re.split(r"->|\u2192|>|[(),;/+]", claim.place)
        names += _sites_in(claim.subject)
        for name in names:
            words = re.findall(r"[^\W_]+", name)
            if {word.lower() for word in words} & _NO_PLACES:
                continue
            if words and words[0][0].isupper() and len(words) <= 4 and not find_places(name, base):
                found[name.strip()] = None
    return tuple((name, name) for name in found)


_NO_PLACES = frozenset({"fob", "cif", "cfr", "other", "total", *ELEMENTS, *PRODUCTS})
"""Words in a claim's place that are terms of trade or goods."""


def _sites_in(subject: str) -> list[str]:
    """Return the names in the subject of a capacity, composition or distance: "Mt Weld" of "capacity, Mt Weld mine"."""
    found = re.search(r"capacity, (.*)|\bin REO, (.*)|^(.+ to .+?),? (?:\w+ distance|by sea)", subject)
    if found is None:
        return []
    parts = re.split(r" to | via | and |[,()+/]", next(part for part in found.groups() if part))
    names = (re.match(r"[A-Z][^\W\d_]*(?:[ -][A-Z][^\W\d_]+(?![\w/]))*", part.strip()) for part in parts)
    cleaned = (
        re.sub(r" (?:Mill|LREE|HREE|HRE|NdFeB|REPF|Stage|II|TX|SC|OK|LA)$", "", name[0]) for name in names if name
    )
    return [name for name in cleaned if len(name) > 2]


def check_readable(text: str) -> None:
    """Refuse a text in which English statements cannot be found.

    Args:
        text: the text.

    Raises:
        TextError: the text is empty, binary, too long or mostly in another script.

    Example:
        >>> check_readable("China imported 44,000 t.")
    """
    if not text.strip():
        raise TextError(
            "the text is empty; expected English sentences with numbers: give a file with text, or - for stdin"
        )
    if len(text) > MAX_CHARACTERS:
        raise TextError(
            f"the text has {len(text):,} characters; expected at most {MAX_CHARACTERS:,}: check it in parts"
        )
    controls = sum(1 for mark in text if (ord(mark) < 32 and mark not in "\n\r\t\f\v") or mark == "\ufffd")
    if "\0" in text or controls > max(2, len(text) // 100):
        raise TextError("the text holds binary data; expected plain text (UTF-8): save the document as text first")
    letters = [mark for mark in text if mark.isalpha()]
    latin = sum(1 for mark in letters if ord(mark) < 0x250)
    if letters and latin < 0.5 * len(letters):
        raise TextError(
            f"{len(letters) - latin} of {len(letters)} letters are not Latin; expected English: translate the text"
        )


def read_claim(claim: Claim, gazetteer: Gazetteer) -> Reading | None:
    """Describe a claim in the terms in which sentences are described.

    Args:
        claim: value, low and high in the claim's unit and basis.
        gazetteer: place names, from `build_gazetteer`.

    Returns:
        The reading in t, %, USD, USD/t or a count; None where the claim has no number or a unit that no text uses.

    Example:
        >>> from datetime import date
        >>> row = Claim("c1", "mine production", "Burma", "", "TREO", "2020", 35.5, None, None, "kt", "REO", "usgs", "",
        ...             "original", "A", "", (), (), "", date(2021, 1, 1), False, "")
        >>> reading = read_claim(row, build_gazetteer())
        >>> reading.value, reading.unit, reading.topic.place
        (35500.0, 't', 'MMR')
    """
    unit = _claim_unit(claim.unit or _counted_in(claim.subject))
    numbers = [number for number in (claim.value, claim.low, claim.high) if number is not None]
    if unit is None or not numbers or not all(math.isfinite(number) for number in numbers):
        return None
    name, factor, changing = unit
    period = parse_period(claim.period)
    if name == "t/month" and period is not None and period[0] == period[1]:
        name = "t"
    subject = claim.subject.replace("_", " ")
    text = f"{subject} {claim.commodity.replace('_', ' ')}".lower()
    value, low, high = (None if n is None else n * factor for n in (claim.value, claim.low, claim.high))
    measure = _claim_measure(text, claim, name)
    form: Form = "level"
    if name == "%" and measure != "tariff":
        form = "change" if changing or re.search(r"\bchange\b|increase|growth", text) else "share"
    origin, destination, place = _claim_places(claim, subject, gazetteer, measure, form)
    topic = Topic(
        measure,
        form,
        origin,
        destination,
        place,
        _claim_elements(claim, text),
        _claim_product(text, measure, claim),
        period,
    )
    basis = claim.basis.split(" ")[0] if claim.basis else ""
    if not basis and name == "t":
        basis = "REO" if "REO" in claim.unit else ("gross" if "gross" in claim.unit else "")
    others = _note_readings(claim, factor, low, high) if name == "t" else ()
    derived = bool(claim.derived_from) or claim.note.lower().startswith("derived")
    by_value = form == "share" and "value" in text
    return Reading(claim, topic, name, basis, value, low, high, others, derived, by_value, subject)


def count_independent(claims: Sequence[Claim], ledger: LedgerLike) -> int:
    """Count the independent sources behind claims: those that share an origin count once.

    Args:
        claims: the claims, as those that agree with a statement.
        ledger: all claims and sources, for what the claims are derived from and who published them.

    Returns:
        Number of connected components over `derived_from`, source and publisher.

    Example:
        >>> count_independent((), Evidence(()))
        0

    Source of method: DESIGN section 4 (grade and independence).
    """
    return len(_components(claims, ledger))


def group_dependent(claims: Sequence[Claim], ledger: LedgerLike) -> tuple[tuple[str, ...], ...]:
    """Group claims by common origin: through `derived_from`, through one source, or through one publisher.

    Args:
        claims: the claims to group.
        ledger: all claims and sources.

    Returns:
        Ids of claims by group, in the order of the claims; groups are independent of one another as far as declared.

    Example:
        >>> group_dependent((), Evidence(()))
        ()
    """
    return tuple(tuple(group) for group in _components(claims, ledger))


# the ledger in the terms of a text -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Record:
    ledger: LedgerLike
    readings: tuple[Reading, ...]
    index: Mapping[tuple[str, str], tuple[Reading, ...]]
    by_id: Mapping[str, Claim]
    titles: Mapping[str, str]
    same_report: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def build(cls, ledger: LedgerLike, gazetteer: Gazetteer) -> _Record:
        readings = tuple(
            reading for reading in (read_claim(claim, gazetteer) for claim in ledger.claims) if reading is not None
        )
        index: dict[tuple[str, str], list[Reading]] = defaultdict(list)
        for reading in readings:
            index[(reading.unit, reading.topic.form)].append(reading)
        return cls(
            ledger,
            readings,
            {key: tuple(rows) for key, rows in index.items()},
            {claim.id: claim for claim in ledger.claims},
            {source.id: source.publisher for source in ledger.sources},
        )

    def of(self, unit: str, form: str) -> tuple[Reading, ...]:
        return self.index.get((unit, form), ())

    def apart(self, unit: str, form: str) -> tuple[Reading, ...]:
        """Return the readings of a unit and form that do not stem from the text's own report."""
        return tuple(reading for reading in self.of(unit, form) if reading.claim.id not in self.same_report)


def _claim_unit(unit: str) -> tuple[str, float, bool] | None:
    """Return the canonical unit, the factor to it, and whether it is a change, of a claim's unit."""
    text = " ".join(unit.replace("_", " ").split())
    low = text.lower()
    if low.startswith("%"):
        return "%", 1.0, "y/y" in low or "m/m" in low or "change" in low or "increase" in low
    if low in {"share", "fraction"}:
        return "%", 100.0, False
    scales = {"musd": ("USD", 1e6), "busd": ("USD", 1e9), "bn usd": ("USD", 1e9), "billion usd": ("USD", 1e9)}
    for name, (money, factor) in scales.items():
        if low.startswith(name):
            return money, factor, False
    if found := re.match(
        r"(million|billion|crore|thousand)?\s?(USD|EUR|CNY|AUD|INR|JPY|MYR|GBP)\b(.*)", text, re.IGNORECASE
    ):
        factor = {"million": 1e6, "billion": 1e9, "crore": 1e7, "thousand": 1e3}.get((found[1] or "").lower(), 1.0)
        rest, money = found[3].strip().lower(), found[2].upper()
        if rest in {"/yr", "/year", "/a"}:
            return money, factor, False
        if rest.startswith("/"):
            mass = re.match(r"/\s?\(?(kg|t|kt)\b", rest)
            if mass is None or "km" in rest:
                return None
            return f"{money}/t", factor * {"kg": 1e3, "t": 1.0, "kt": 1e-3}[mass[1]], False
        return money, factor, False
    if found := re.match(r"(kt|mt|t|kg|tonnes?|tons?)(?![a-z])\s?(.*)", low):
        rest = found[2]
        if "/" in rest and not re.match(r"(reo|gross|oxide|metal|magnet|ore)?\s?/\s?(a|yr|year|month)\b", rest):
            return None
        if rest.startswith("per "):
            return None
        factor = {"kt": 1e3, "mt": 1e6 if unit.startswith("Mt") else 1.0, "kg": 1e-3}.get(found[1], 1.0)
        return ("t/month" if "month" in rest else "t"), factor, False
    counted = {
        "site": "sites",
        "mine": "sites",
        "pool": "pools",
        "element": "elements",
        "km": "km",
        "year": "years",
        "yr": "years",
        "month": "months",
        "day": "days",
        "source": "sources",
        "death": "deaths",
        "mineral": "minerals",
        "plant": "plants",
        "commodit": "commodities",
        "truck": "trucks",
        "countr": "countries",
        "people": "people",
    }
    for stem, noun in counted.items():
        if low.startswith(stem) and "/" not in low:
            return f"count:{noun}", 1.0, False
    return None


def _counted_in(subject: str) -> str:
    """Return the noun that a claim without unit counts: "in-situ leach sites", "rare-earth elements (...)"."""
    words = re.findall(r"[a-z]+", re.split(r"[(,]", subject.lower(), maxsplit=1)[0])
    return words[-1] if words and words[-1] in COUNTED else ""


def _claim_measure(text: str, claim: Claim, unit: str) -> str:
    if unit.startswith("count:"):
        return "distance" if unit == "count:km" else "count"
    if "/t" in unit:
        if re.search(r"\btax|levy|tariff|duty|fee at|toll", text) and "price" not in text:
            return "tariff"
        return "cost" if re.search(r"cost|opex|capex|fee", text) and "price" not in text else "price"
    if unit in MONEY and re.search(r"capex|\bloan\b|investment|\bgrant\b", text):
        return "capex"
    tests = (
        ("basket", r"share of \w+ in reo|\bshare of .*\bore\b"),
        ("quota", r"\bquotas?\b"),
        ("deficit", r"trade deficit|goods deficit|\bdeficit\b.*\b(us|goods|trade)"),
        ("trade", r"trade total|total trade|two-way|turnover"),
        ("capacity", r"\bcapacity\b"),
        ("stock", r"\bstock"),
        ("reserves", r"\breserves?\b"),
        ("recycling", r"recycl|recovered|scrap"),
        ("cost", r"\bcost|capex|opex"),
        ("basket", r"of treo|dy2o3|tb4o7|y2o3"),
        ("reliance", r"relian"),
        ("tariff", r"\btariff|\bduty|\btax\b|\blevy"),
        ("conversion", r"per gross ton|per tonne"),
    )
    for name, pattern in tests:
        if re.search(pattern, text) or (name == "basket" and "of TREO" in claim.unit):
            return name
    if re.search(r"\b(refin|process|separation|smelting)", text) and not re.search(r"quota", text):
        return "processing"
    if (
        "->" in claim.place
        or "\u2192" in claim.place
        or re.search(r"\b(imports?|exports?|exported|imported|import sources)\b", text)
    ):
        return "flow"
    magnets = "magnets" in text and "%" in claim.unit
    if magnets or re.search(r"\b(mine|mining|mined|production|output|supply)\b", text):
        return "production"
    if re.search(r"\b(demand|consumption)\b", text):
        return "demand"
    words = re.findall(r"[a-z]+", text)
    kinds = [MEASURE_WORDS[word] for word in words if word in MEASURE_WORDS]
    return ("flow" if kinds[0].startswith("flow") else kinds[0]) if kinds else ""


def _claim_places(claim: Claim, subject: str, gazetteer: Gazetteer, measure: str, form: str) -> tuple[str, str, str]:
    """Return origin, destination and place of a claim; the part of a share is its origin or its place."""
    ends = [part for part in re.split(r"->|\u2192|>", claim.place) if part.strip()] if claim.place else []
    named = [_place_id(part, gazetteer) for part in ends]
    told = list(find_places(subject, gazetteer))
    if form == "share":
        part, _, whole = subject.partition(" share of ")
        parts, wholes = find_places(part, gazetteer), find_places(whole, gazetteer)
        if len(named) == 2:
            origin, destination = named
            if "world" in claim.unit or measure in {"processing", "production", "reliance"}:
                return "", WORLD, destination if origin == WORLD else origin
            return origin, destination, ""
        here = named[0] if named else (told[0] if told else "")
        if whole:
            origin = parts[0] if parts else here
            target = wholes[0] if wholes else (here if here != origin else WORLD)
            return (origin, target, "") if measure == "flow" else ("", target, origin)
        if measure == "flow":
            others = [place for place in told if place != here]
            return (others[0] if others else ""), here, ""
        return "", WORLD, here
    if measure in {"flow", "deficit", "trade"} or (form == "change" and len(named) == 2):
        if len(named) == 2:
            return named[0], named[1], ""
        here = named[0] if named else ""
        exporting = re.search(r"\bexport", subject.lower()) and not re.search(r"\bimport", subject.lower())
        others = [place for place in told if place != here]
        other = others[0] if others else WORLD
        if exporting:
            return (here or other), (other if here else ""), ""
        if measure in {"deficit", "trade"} and here == "USA":
            return other, here, ""
        if measure in {"deficit", "trade"}:
            return here, (others[0] if others else "USA"), ""
        return other, here, ""
    if measure == "tariff":
        targets = [place for place in [*named, *told] if place != "USA"]
        return (targets[1] if len(targets) > 1 else ""), "", (targets[0] if targets else "")
    place = named[0] if named else (told[0] if told else "")
    if measure == "capacity" and (sites := _sites_in(claim.subject)):
        place = _place_id(sites[0], gazetteer)
    if measure == "price":
        place = {"FOB": "CHN", "CIF": "EU"}.get(claim.place, place)
    if measure == "demand" and not place:
        place = WORLD
    return "", "", place


def _place_id(name: str, gazetteer: Gazetteer) -> str:
    text = name.strip()
    known = gazetteer.get(("id:" + text.lower(),))
    if known is not None:
        return known
    words = tuple(re.findall(r"[^\W_]+", text.lower()))
    direct = gazetteer.get(words)
    if direct is not None:
        return direct
    bare = re.sub(r"\s*[(,;/+].*$", "", text)
    if bare != text and (known := gazetteer.get(("id:" + bare.lower(),))) is not None:
        return known
    found = find_places(text[:1].upper() + text[1:], gazetteer)
    for place in found:
        if place in {"KACHIN", "WA", "SHAN"}:
            return place
    if found:
        return found[0]
    return text.upper() if text.upper() in area_ids() else text


def _claim_elements(claim: Claim, text: str) -> frozenset[str]:
    stated = claim.element.replace("_", " ")
    names = set(re.findall(r"HREE|LREE|NdPr|Dy|Tb|Nd|Pr|Y\b|Sc\b|La|Ce|Sm|Gd|Eu|Ho|Er\b|Tm|Yb|Lu", stated))
    if "NdPr" in names:
        names = names - {"NdPr"} | {"Nd", "Pr"}
    magnets = re.search(r"magnet (reo|re\b|rare)", f"{stated} {text}".lower())
    if magnets and (not names or names == {"Nd", "Pr", "Dy", "Tb"} or "magnet" in stated.lower()):
        return frozenset({"MAGNET"})
    if stated.lower() in {"ndfeb", "all", "treo", "ree", "all goods", "magnets (broad)"}:
        names = set()
    if re.fullmatch(r"[A-Z][a-z]-[A-Z][a-z]", stated) and "heavy" in text:
        return frozenset({"HREE"})
    if not names and re.search(r"\bheavy rare|\bhree\b|heavy re\b|ionic|\bion.clay", text):
        names = {"HREE"}
    if len(names) > 1 and re.search(r"\bhree\b|\bheavy\b", text):
        return frozenset({"HREE"})  # "HREE processing" of Dy, Tb and Y
    if len(names) > 1:
        names -= {"HREE", "LREE"}
    return frozenset(names)


def _claim_product(text: str, measure: str, claim: Claim) -> str:
    for name in OTHER_COMMODITIES:
        if re.search(rf"\b{name}\b", text) and not re.search(r"rare.earth|\bre\b", text):
            return name
    if re.search(r"\bgoods\b", text) or measure in {"deficit", "trade"}:
        return "goods"
    if measure == "recycling":
        return ""
    if re.search(r"magnet|ndfeb", f"{text} {claim.element}".lower()) and not re.search(r"magnet re", text):
        return "magnet"
    if measure == "cost":
        return next((STAGES[word] for word in re.findall(r"[a-z]+", text) if word in STAGES), "")
    if measure == "quota" and re.search(r"separation|smelting", text):
        return "separated"
    if measure not in {"flow", "", "price"} or re.search(r"oxides ?(\+|and) ?metals", text):
        return ""
    if re.search(r"\btotal\b|non-ore|headline|all re\b|\bincl|\b2846\b|3-code|oxides\+compounds|raw.material", text):
        return "ore" if re.search(r"exports: ores", text) else ""
    for name, pattern in (
        ("monazite", "monazite"),
        ("ore", r"\bores?\b|concentrate|bastn"),
        ("chloride", "chloride"),
        ("carbonate", "carbonate"),
        ("other compounds", "other re compounds|other compounds"),
        ("oxide", r"\boxides?\b"),
        ("metal", r"\bmetals?\b"),
    ):
        if re.search(pattern, text):
            return name if measure != "price" else ""
    return ""


def _note_readings(claim: Claim, factor: float, low: float | None, high: float | None) -> tuple[float, ...]:
    if low is None or high is None:
        return ()
    numbers = (float(found.replace(",", "")) for found in re.findall(r"\d{1,3}(?:,\d{3})+|\d{5,7}", claim.note[:2000]))
    return tuple(number * factor for number in numbers if low <= number * factor <= high)


# comparison ------------------------------------------------------------------------------------------------------


def _tolerance(quantity: Quantity) -> float:
    size = max(abs(quantity.low), abs(quantity.high))
    if quantity.unit == "%":
        worded = not any(mark.isdigit() for mark in quantity.text)
        fine = 0.55 * quantity.step if quantity.step < 1 else 0.6
        if worded:
            return 3.5 if quantity.approximation == "about" else 2.5
        return 2.0 if quantity.approximation == "about" else fine
    if quantity.unit == "factor" and not any(mark.isdigit() for mark in quantity.text):
        return (0.12 if quantity.approximation == "about" else 0.08) * size
    most = 0.025 if size < 10 * quantity.step else 0.05  # "12 million" is rounded to a unit, "20,000" may be anything
    tolerance = max(min(0.5 * quantity.step * 1.0001, most * size), 0.001 * size)
    return max(tolerance, 0.04 * size) if quantity.approximation == "about" else tolerance


def _agrees(quantity: Quantity, number: float) -> bool:
    """Return whether a number is what the text says, at the text's rounding and with its "about" or "more than"."""
    tolerance = _tolerance(quantity)
    if quantity.low < quantity.high:
        return quantity.low - tolerance <= number <= quantity.high + tolerance
    value = quantity.value
    if abs(number - value) <= tolerance:
        return True
    if quantity.unit == "%" and quantity.step >= 1 and value < number < value + 1 and quantity.approximation == "exact":
        return any(mark.isdigit() for mark in quantity.text)
    span = 10.0 if quantity.unit == "%" else 0.25 * value
    if quantity.approximation == "at_least":
        return value <= number <= value + span
    if quantity.approximation == "at_most":
        return value - span <= number <= value
    return False


def _agreement(quantity: Quantity, reading: Reading) -> str:
    """Return how a claim agrees: "value", "reading" (a bound or a number in its note), "range", or nothing."""
    if quantity.topic.form == "change" and reading.value is not None:
        signed = abs(reading.value)
        right_sign = quantity.rising is None or (reading.value >= 0) == quantity.rising
        return "value" if right_sign and _agrees(quantity, signed) else ""
    if reading.value is not None and _agrees(quantity, reading.value):
        return "value"
    bounds = [number for number in (reading.low, reading.high, *reading.others) if number is not None]
    if quantity.low < quantity.high:
        tolerance = 0.02 * quantity.high
        low, high = reading.low, reading.high
        bounded = low is not None and high is not None
        if (
            bounded
            and abs((low or 0.0) - quantity.low) <= tolerance
            and abs((high or 0.0) - quantity.high) <= tolerance
        ):
            return "value"
        return "reading" if any(quantity.low <= number <= quantity.high for number in bounds) else ""
    if any(abs(number - quantity.value) <= _tolerance(quantity) for number in bounds):
        return "reading" if reading.value is not None else "value"
    if reading.low is None or reading.high is None or not reading.low < quantity.value < reading.high:
        return ""
    if reading.value is None or (reading.claim.grade in {"D", "M"} and reading.high <= 2.2 * reading.low):
        return "range"
    return ""


def _compare(quantity: Quantity, reading: Reading) -> str:
    """Return "same", "loose" (another product or element group), "proxy" (a flow for an output), or
    nothing, whatever the period."""
    asked, told = quantity.topic, reading.topic
    kind = "same"
    if asked.measure != told.measure:
        if asked.measure == "production" and told.measure == "flow" and asked.form == "level" == told.form:
            if told.origin != asked.place or told.origin == WORLD or {told.product, asked.product} != {""}:
                return ""
            if told.elements or asked.elements:
                return ""
            return "proxy" if quantity.basis in ("", reading.basis) and quantity.unit == "t" else ""
        prices = {"price", "tariff", "cost", ""}
        if told.measure == "" and asked.measure in {"demand", "production"} and quantity.unit == "t":
            # a table whose title said what is counted: the subject names the use or the mine alone
            kind = "same" if told.place != WORLD or re.search(r"total|magnet re\b", reading.label.lower()) else "loose"
        elif asked.measure == "flow" and told.measure in {"production", ""} and not asked.destination:
            if (asked.origin, asked.elements) != (told.place, told.elements) or asked.product not in {"", "oxide"}:
                return ""
            return "loose" if asked.origin in area_ids() else "same"  # what leaves a mine is its output
        elif "/t" not in quantity.unit or not {asked.measure, told.measure} <= prices:
            return ""
    if quantity.basis and reading.basis and quantity.basis != reading.basis:
        return ""
    if asked.form == "share" and quantity.by_value != reading.by_value and told.measure == "flow":
        kind = "loose"
    if "cost" in (asked.measure, told.measure) and (asked.measure != told.measure or asked.product != told.product):
        return ""
    if asked.measure == "count":
        if asked.place and told.place and asked.place != told.place:
            return "" if {asked.place, told.place} != {"KACHIN", "MMR"} else "loose"
        return kind
    if asked.measure == "tariff" and "/" not in quantity.unit:
        return kind if asked.place and asked.place in {told.place, told.origin, told.destination} else ""
    if not _same_places(asked, told) and not _names_site(asked, reading):
        return ""
    if asked.product != told.product:
        if "goods" in (asked.product, told.product):
            if asked.measure not in {"deficit", "trade"} and (asked.product or quantity.unit != "USD"):
                return ""
        elif {asked.product, told.product} & OTHER_COMMODITIES or "magnet" in (asked.product, told.product):
            return ""
        elif asked.measure == "flow" and (not asked.product or (asked.product, told.product) == ("oxide", "")):
            kind = "loose"
        elif asked.measure == "flow":
            return ""
    if asked.elements != told.elements and asked.measure not in {"capacity", "capex"}:
        loose = ({frozenset({"HREE"}), frozenset()}, {frozenset({"LREE"}), frozenset()})
        if {asked.elements, told.elements} not in loose or asked.measure not in {"flow", "production"}:
            return ""
        kind = "loose"
    return kind


def _names_site(asked: Topic, reading: Reading) -> bool:
    """Whether a plant's capacity, a deposit's composition or a distance is that of the places asked about, by name."""
    if asked.measure == "distance":
        text = reading.label.lower()
        return all(name and re.search(rf"\b{re.escape(name)}\b", text) for name in (asked.origin, asked.destination))
    if asked.measure not in {"capacity", "basket", "capex"} or not asked.place:
        return False
    return (
        re.search(rf"\b{re.escape(asked.place.lower())}\b", f"{reading.label} {reading.claim.place}".lower())
        is not None
    )


def _same_places(asked: Topic, told: Topic) -> bool:
    if asked.measure in {"flow", "deficit", "trade"}:
        if asked.destination and told.destination != asked.destination:
            return False
        if asked.form == "share" and not asked.origin:
            return False
        return bool(asked.origin) and told.origin == asked.origin
    if asked.form in {"share", "rank"} and told.form == "share":
        return bool(asked.place) and asked.place == told.place and told.destination == asked.destination
    if asked.measure == "price" and asked.elements:
        return not asked.place or not told.place or asked.place == told.place
    if asked.measure == "distance":
        return False
    if asked.measure in {"price", "cost", "tariff"}:
        return not asked.place or asked.place == told.place
    return bool(asked.place) and asked.place == told.place


_UNDATED = {"processing", "tariff", "count", "reliance", "price", "capacity", "reserves", "cost", "distance"}


def _same_period(quantity: Quantity, reading: Reading) -> bool:
    asked, told = quantity.topic.period, reading.topic.period
    if quantity.period_origin == "inherited" and quantity.topic.measure in _UNDATED:
        return True
    if asked is None or told is None or asked == told:
        return True
    long_run = quantity.topic.form == "share" or quantity.topic.measure in {"cost", "price", "conversion"}
    if long_run and told[0] <= asked[0] and asked[1] <= told[1]:
        return True
    if quantity.topic.measure == "tariff":
        return asked[0] <= told[1] and told[0] <= asked[1]
    return quantity.topic.measure in {"price", "count"} and asked[0] <= told[0] and told[1] <= asked[1]


def _same_report(quantities: Sequence[Quantity], record: _Record, context: CheckContext) -> frozenset[str]:
    """Return the ids of the claims that report the text rather than support it.

    Those are the claims of the reports that the caller names; and, since a text that repeats a press figure is taken to
    repeat the report, the claims that declare to stem from a report and give the very number of the text.
    """
    reports = set(context.report)
    stemming = [reading for reading in record.readings if reading.claim.stems_from]
    for quantity in quantities:
        for reading in stemming:
            if (
                reading.unit == quantity.unit
                and _agreement(quantity, reading)
                and _compare(quantity, reading)
                and _same_period(quantity, reading)
            ):
                reports |= set(reading.claim.stems_from)
    if not reports:
        return frozenset()
    tainted = {
        claim.id
        for claim in record.ledger.claims
        if claim.source in reports or reports & set(claim.stems_from) or claim.id in reports
    }
    growing = True
    while growing:
        added = {
            claim.id
            for claim in record.ledger.claims
            if claim.id not in tainted and claim.derived_from and set(claim.derived_from) <= tainted
        }
        tainted |= added
        growing = bool(added)
    return frozenset(tainted)


# verdicts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Result:
    """An arithmetic over claims: its number, how it reads, the claims in it."""

    number: float
    text: str
    claims: tuple[str, ...]


def _check(quantity: Quantity, record: _Record, neighbours: Sequence[tuple[Quantity, Finding]]) -> Finding:
    if quantity.topic.form == "rank":
        return _check_rank(quantity, record)
    quantity = _placed(quantity, record)
    compared = [
        (kind, reading)
        for reading in _comparable(quantity, record)
        if (kind := _compare(quantity, reading)) and _same_period(quantity, reading)
    ]
    if not compared and quantity.period_origin == "inherited" and quantity.topic.form != "change":
        undated = replace(quantity, topic=replace(quantity.topic, period=None), period_origin="none")
        compared = [(kind, row) for row in _comparable(undated, record) if (kind := _compare(undated, row))]
    agreeing = [(kind, how, reading) for kind, reading in compared if (how := _agreement(quantity, reading))]
    if quantity.topic.measure == "flow" and not quantity.basis and any(row.basis == "gross" for _, row in compared):
        agreeing = [item for item in agreeing if item[1] != "range" or item[2].basis == "gross"]
    same = [reading for kind, reading in compared if kind == "same"]
    if same:
        agreeing = [item for item in agreeing if item[0] != "proxy" or any(o[0] == "same" for o in agreeing)]
    also = [reading for _, _, reading in agreeing if reading.claim.id in record.same_report]
    support = [item for item in agreeing if item[2].claim.id not in record.same_report]
    direct = [item for item in support if not item[2].derived]
    results = _arithmetic(quantity, record, neighbours)
    fitting = [result for result in results if _agrees(quantity, result.number)]
    in_text = [result for result in fitting if result.claims[:1] == ("text",)]
    remarks = _remarks(quantity, record, [item[2] for item in support], agreeing)
    also_ids = tuple(reading.claim.id for reading in also)
    rivals = _rivals(quantity, record, compared, agreeing)
    if fitting and (in_text or not direct):
        chosen = (in_text or fitting)[0]
        ids = tuple(dict.fromkeys([*(c for c in chosen.claims if c != "text"), *(r.claim.id for _, _, r in support)]))
        others = tuple(f"other readings: {result.text}" for result in results if result not in fitting)[:3]
        return Finding(
            quantity,
            "follows by arithmetic",
            ids,
            _independent(ids, record),
            (),
            also_ids,
            chosen.text,
            (*remarks, *others),
        )
    if support:
        ids = tuple(dict.fromkeys(item[2].claim.id for item in support))
        return Finding(quantity, "matches", ids, _independent(ids, record), rivals, also_ids, "", remarks)
    if also and not rivals:
        return Finding(quantity, "also reported by", (), 0, rivals, also_ids, "", remarks)
    if rivals or results:
        closest = min(results, key=lambda result: abs(result.number - quantity.value), default=None)
        shown = closest.text if closest else ""
        ids = rivals or (closest.claims if closest else ())
        return Finding(quantity, "conflicts", (), 0, ids, also_ids, shown, remarks)
    return Finding(quantity, "not in the ledger", (), 0, (), also_ids, "", remarks)


def _printed(finding: Finding, record: _Record) -> dict[str, str]:
    """What each claim of a finding says: value or range, unit and basis as its source prints them."""
    printed = {}
    for name in dict.fromkeys((*finding.claims, *finding.conflicting, *finding.also_reported)):
        claim = record.by_id[name]
        low, high = ("" if number is None else f"{number:,.10g}" for number in (claim.low, claim.high))
        value = f"{claim.value:,.10g}" if claim.value is not None else "-".join(part for part in (low, high) if part)
        unit = re.sub(r"/(yr|a)$", "", claim.unit)
        printed[name] = " ".join(part for part in (value, unit, claim.basis) if part).replace(" %", "%")
    return printed


def _placed(quantity: Quantity, record: _Record) -> Quantity:
    """A number that names no place is of the one place of which the ledger says such a thing, if it is one."""
    asked = quantity.topic
    if asked.measure not in {"quota", "demand", "stock", "recycling"} or {
        asked.place,
        asked.origin,
        asked.destination,
    } - {""}:
        return quantity
    places = {row.topic.place for row in record.of("t", "level") if row.topic.measure == asked.measure} - {""}
    return replace(quantity, topic=replace(asked, place=places.pop())) if len(places) == 1 else quantity


def _comparable(quantity: Quantity, record: _Record) -> tuple[Reading, ...]:
    return record.of(quantity.unit, quantity.topic.form)


def _rivals(
    quantity: Quantity,
    record: _Record,
    compared: Sequence[tuple[str, Reading]],
    agreeing: Sequence[tuple[str, str, Reading]],
) -> tuple[str, ...]:
    """Return the claims that say another number for the same thing; without a period, those of the latest one."""
    kept = {reading.claim.id for _, _, reading in agreeing}
    rows = [reading for kind, reading in compared if kind == "same" and reading.claim.id not in record.same_report]
    if quantity.topic.measure == "production" and quantity.topic.form == "level":
        rows += [reading for kind, reading in compared if kind == "proxy"]
    bare = not quantity.topic.elements and not quantity.topic.place
    if quantity.topic.measure in {"price", "tariff", "cost"} and bare:
        return ()
    if quantity.topic.measure == "count" and not quantity.topic.place:
        rows = [row for row in rows if row.topic.place == WORLD]
    if quantity.topic.period is None or quantity.period_origin != "stated":
        if any(kind == "same" for kind, _, _ in agreeing):
            return ()
        dated = [reading.topic.period for reading in rows if reading.topic.period]
        latest = max(dated, key=lambda period: period[1], default=None)
        rows = [reading for reading in rows if reading.topic.period == latest or reading.topic.period is None]
    backed = (item for item in agreeing if item[2].claim.id not in record.same_report)
    bases = {reading.basis for _, how, reading in backed if how == "value"}
    rows = [row for row in rows if row.claim.id not in kept and (not bases or row.basis in bases)]
    return tuple(dict.fromkeys(row.claim.id for row in rows))[:6]


def _check_rank(quantity: Quantity, record: _Record) -> Finding:
    """Check "a top-three producer" by ordering the places of the ledger in the latest year that fits."""
    asked = quantity.topic
    by_period: dict[tuple[int, int], dict[str, Reading]] = defaultdict(dict)
    for reading in record.of("t", "level"):
        told = reading.topic
        if told.measure != "production" or told.elements or told.product or told.place in {WORLD, "", "Other", "OTH"}:
            continue
        if told.period is None or reading.value is None:
            continue
        standing = by_period[told.period].get(told.place)
        if standing is None or (standing.value or 0.0) < reading.value:
            by_period[told.period][told.place] = reading
    usable = {period: rows for period, rows in by_period.items() if len(rows) >= 4 and asked.place in rows}
    latest = max(usable, key=lambda found: (len(usable[found]), found), default=None)
    if latest is None or asked.measure != "production":
        return Finding(quantity, "not in the ledger", (), 0, (), (), "", ())
    period = latest if asked.period is None else asked.period
    ranked = period if period in usable else latest
    ordered = sorted(usable[ranked].values(), key=lambda reading: -(reading.value or 0.0))
    rank = 1 + [reading.topic.place for reading in ordered].index(asked.place)
    shown = ", ".join(f"{row.claim.place} {row.value:,.0f} t ({row.claim.id})" for row in ordered[: max(rank, 3)])
    text = f"rank {rank} of {len(ordered)} places in {format_period(ranked)}: {shown}"
    if period not in usable:
        remark = f"too few places have an output of {format_period(period)} in the ledger to rank them; it gives {text}"
        return Finding(quantity, "not in the ledger", (), 0, (), (), "", (remark,))
    ids = tuple(row.claim.id for row in ordered[: max(rank, 3)])
    holds = rank <= quantity.value if quantity.approximation == "at_most" else rank == quantity.value
    if holds:
        return Finding(quantity, "follows by arithmetic", ids, _independent(ids, record), (), (), text, ())
    return Finding(quantity, "conflicts", (), 0, ids, (), text, ())


def _arithmetic(quantity: Quantity, record: _Record, neighbours: Sequence[tuple[Quantity, Finding]]) -> list[_Result]:
    form, topic = quantity.topic.form, quantity.topic
    if form == "share":
        return [*_share_in_text(quantity, neighbours), *_share_in_ledger(quantity, record)]
    if form in {"change", "factor"}:
        return [*_change_in_text(quantity, neighbours), *_change_in_ledger(quantity, record)]
    if topic.measure == "deficit" or (topic.measure == "flow" and quantity.unit == "USD"):
        return _balance(quantity, record)
    if topic.measure in {"flow", "production"} and topic.period and topic.period[1] - topic.period[0] > 12:
        return _sum_of_years(quantity, record)
    return []


def _share_in_text(quantity: Quantity, neighbours: Sequence[tuple[Quantity, Finding]]) -> list[_Result]:
    """The text's own numbers, part over whole, both of them supported by the ledger."""
    results = []
    known = [
        (other, found)
        for other, found in neighbours
        if found.verdict in {"matches", "follows by arithmetic", "also reported by"}
        and other.topic.form == "level"
        and other.unit in {"t", "USD"}
        and other.topic.measure == quantity.topic.measure
        and (quantity.topic.period is None or other.topic.period in (None, quantity.topic.period))
    ]
    for part, found in known:
        for whole, covering in known:
            if part is whole or part.unit != whole.unit or not 0 < part.value < whole.value:
                continue
            if quantity.topic.measure == "flow" and (
                part.topic.origin != quantity.topic.origin or whole.topic.origin != WORLD
            ):
                continue
            if quantity.topic.measure != "flow" and (part.topic.place, whole.topic.place) != (
                quantity.topic.place,
                quantity.topic.destination,
            ):
                continue
            share = 100 * part.value / whole.value
            text = f"{part.value:,.6g} / {whole.value:,.6g} {part.unit} = {share:.3g}%, the text's own numbers"
            results.append(_Result(share, text, ("text", *found.claims, *covering.claims)))
    return results


def _levels(record: _Record, unit: str, topic: Topic) -> list[Reading]:
    """Return the levels of a topic, whatever the period."""
    rows = []
    for reading in record.of(unit, "level"):
        told = reading.topic
        if told.measure != topic.measure or reading.value is None or told.elements != topic.elements:
            continue
        if topic.measure == "price":
            if not _same_places(topic, told):
                continue
        elif told.product != topic.product or (told.origin, told.place) != (topic.origin, topic.place):
            continue
        if told.destination != topic.destination and not (topic.measure == "flow" and not topic.destination):
            continue
        if reading.claim.id not in record.same_report:
            rows.append(reading)
    return rows


def _share_in_ledger(quantity: Quantity, record: _Record) -> list[_Result]:
    """Part over whole from claims: of a receiver's imports, of a sender's exports, of a world's output."""
    asked = quantity.topic
    level = replace(asked, form="level")
    pairs: list[tuple[Topic, Topic]] = []
    if asked.measure == "flow" and asked.origin and asked.destination and asked.origin != WORLD:
        pairs = [(level, replace(level, origin=WORLD)), (level, replace(level, destination=WORLD))]
    elif asked.measure == "production" and asked.place and asked.destination:
        pairs = [(replace(level, destination=""), replace(level, place=asked.destination, destination=""))]
    elif asked.measure in {"quota", "recycling"} and asked.elements:
        part = replace(level, destination="")
        pairs = [(part, replace(part, elements=frozenset()))]
    unit = "USD" if quantity.by_value else "t"
    results: list[_Result] = []
    for part_topic, whole_topic in pairs:
        parts, wholes = _levels(record, unit, part_topic), _levels(record, unit, whole_topic)
        if asked.elements == frozenset({"HREE"}) and not parts and asked.measure == "flow":
            parts = _levels(record, unit, replace(part_topic, elements=frozenset()))
            wholes = _levels(record, unit, replace(whole_topic, elements=frozenset()))
        results.extend(_shares(parts, wholes, asked.period, unit))
    return results


def _shares(parts: Sequence[Reading], wholes: Sequence[Reading], period: Period | None, unit: str) -> list[_Result]:
    """Return each part over each whole of one period (the last common one where none is asked) and basis, once."""
    if period is None:
        common = {row.topic.period for row in parts} & {row.topic.period for row in wholes} - {None}
        period = max((found for found in common if found is not None), default=None)
    results: list[_Result] = []
    seen: set[tuple[int, int]] = set()
    for part, whole in itertools.product(parts, wholes):
        if part.topic.period != period or whole.topic.period != period or part.basis != whole.basis:
            continue
        if not part.value or not whole.value or part.value > whole.value:
            continue
        key = (round(1000 * math.log(part.value)), round(1000 * math.log(whole.value)))
        if key in seen:
            continue
        seen.add(key)
        share = 100 * part.value / whole.value
        text = (
            f"{part.value:,.6g} / {whole.value:,.6g} {unit} = {share:.3g}% of {whole.label} in "
            f"{format_period(period)} ({part.claim.id} / {whole.claim.id})"
        )
        results.append(_Result(share, text, (part.claim.id, whole.claim.id)))
    return results


def _fits_change(quantity: Quantity, before: float, after: float) -> float | None:
    """Return the change as the text would print it, or None where its direction is another one."""
    if before <= 0:
        return None
    if quantity.topic.form == "factor":
        return after / before
    change = 100 * (after / before - 1)
    if quantity.rising is not None and (change >= 0) != quantity.rising:
        return None
    return abs(change)


def _change_in_text(quantity: Quantity, neighbours: Sequence[tuple[Quantity, Finding]]) -> list[_Result]:
    results = []
    known = [
        (other, found)
        for other, found in neighbours
        if other.sentence == quantity.sentence
        and other.topic.form == "level"
        and other.topic.period is not None
        and found.verdict in {"matches", "follows by arithmetic", "also reported by"}
    ]
    for first, found in known:
        for second, later in known:
            if first.unit != second.unit or (first.topic.period or (0, 0)) >= (second.topic.period or (0, 0)):
                continue
            change = _fits_change(quantity, first.value, second.value)
            if change is not None:
                text = (
                    f"from {first.value:,.6g} to {second.value:,.6g} {first.unit}, the text's own numbers: {change:.3g}"
                )
                results.append(_Result(change, text, ("text", *found.claims, *later.claims)))
    return results


def _change_spans(period: Period) -> list[tuple[Period, Period]]:
    """Return the pairs of periods that a change over `period` may compare: its ends, or itself and the one before.

    Years of a span are compared whole, months of a span within a year singly.
    """
    first, last = period
    length = last - first + 1
    if length > 12 and length % 12 == 0:
        return [((first, first + 11), (last - 11, last))]
    before = ((first - 12, last - 12), period)
    if length == 12:
        return [before]
    return [before, ((first, first), (last, last))] if length > 1 else [before, ((first - 1, last - 1), period)]


def _change_in_ledger(quantity: Quantity, record: _Record) -> list[_Result]:
    asked = quantity.topic
    if asked.period is None:
        return []
    results = []
    units: tuple[str, ...] = ("USD/t", "CNY/t") if asked.measure == "price" else ("t", "t/month", "USD")
    if quantity.by_value:
        units = ("USD",)
    for unit, (earlier, later) in itertools.product(units, _change_spans(asked.period)):
        rows = [row for row in _levels(record, unit, replace(asked, form="level")) if row.topic.period]
        for before in rows:
            for after in rows:
                if before.topic.period != earlier or after.topic.period != later or before.basis != after.basis:
                    continue
                if not before.value or after.value is None or before.label != after.label:
                    continue
                change = _fits_change(quantity, before.value, after.value)
                signed = 100 * (after.value / before.value - 1)
                text = (
                    f"{before.value:,.6g} to {after.value:,.6g} {unit}, {format_period(earlier)} to "
                    f"{format_period(later)}: {signed:+.3g}%, a factor of {after.value / before.value:.3g} "
                    f"({before.claim.id}, {after.claim.id})"
                )
                number = change if change is not None else -math.inf
                results.append(_Result(number, text, (before.claim.id, after.claim.id)))
        if results:
            break
    return results


def _balance(quantity: Quantity, record: _Record) -> list[_Result]:
    """Deficit and exports from published totals: exports = trade - imports, deficit = imports - exports."""
    asked = quantity.topic
    pair = {asked.origin, asked.destination}
    rows = [reading for reading in record.of("USD", "level") if reading.value is not None]
    rows = [row for row in rows if row.topic.product == "goods" and row.claim.id not in record.same_report]
    totals = [row for row in rows if row.topic.measure == "trade" and {row.topic.origin, row.topic.destination} == pair]
    into = asked.destination if asked.measure == "deficit" else asked.origin
    imports = [row for row in rows if row.topic.measure == "flow" and row.topic.destination == into]
    imports = [row for row in imports if {row.topic.origin, row.topic.destination} == pair]
    results = []
    for total in totals:
        for inflow in imports:
            if total.topic.period != inflow.topic.period or total.value is None or inflow.value is None:
                continue
            if asked.period is not None and total.topic.period != asked.period and quantity.period_origin == "stated":
                continue
            exports = total.value - inflow.value
            ids = (total.claim.id, inflow.claim.id)
            shown = (
                f"total trade {total.value / 1e6:,.6g} million USD ({ids[0]}), "
                f"imports {inflow.value / 1e6:,.6g} ({ids[1]})"
            )
            if asked.measure == "deficit":
                number = inflow.value - exports
                text = (
                    f"{shown}: exports {exports / 1e6:,.6g}, deficit {inflow.value / 1e6:,.6g} - "
                    f"{exports / 1e6:,.6g} = {number / 1e6:,.6g} million USD in {format_period(total.topic.period)}"
                )
            else:
                number, text = exports, f"{shown}: exports {exports / 1e6:,.6g} million USD"
            results.append(_Result(number, text, ids))
    return results


def _sum_of_years(quantity: Quantity, record: _Record) -> list[_Result]:
    asked = quantity.topic
    if asked.period is None or asked.period[0] % 12 or asked.period[1] % 12 != 11:
        return []
    by_label: dict[str, dict[int, Reading]] = defaultdict(dict)
    for reading in _levels(record, quantity.unit, replace(asked, form="level")):
        period = reading.topic.period
        if period is not None and period[1] - period[0] == 11 and period[0] % 12 == 0:
            by_label[reading.label][period[0] // 12] = reading
    years = range(asked.period[0] // 12, asked.period[1] // 12 + 1)
    results = []
    for label, rows in by_label.items():
        if all(year in rows for year in years):
            total = sum(rows[year].value or 0.0 for year in years)
            text = f"sum of {len(years)} years of {label}, {format_period(asked.period)}: {total:,.7g} {quantity.unit}"
            ids = tuple(rows[year].claim.id for year in years)
            results.append(_Result(total, text, ids))
            if all(_agrees(quantity, rows[year].value or 0.0) for year in years):
                each = ", ".join(f"{rows[year].value:,.7g}" for year in years)
                results.append(_Result(total / len(years), f"{label} of each year: {each} {quantity.unit}", ids))
    return results


# independence and remarks ----------------------------------------------------------------------------------------


def _publisher(source_id: str, titles: Mapping[str, str]) -> str:
    """Return the publisher behind a source id, without its reprints: "Reuters via The Star" is Reuters."""
    name = titles.get(source_id, "") or source_id
    for acronym, full in (("usgs", "U.S. Geological Survey"), ("bgs", "British Geological Survey")):
        if name.casefold().startswith((acronym, full.casefold())):
            return acronym
    return re.split(r"\s+via\s+|[/(,;]", name, maxsplit=1)[0].strip().casefold()


def _components(claims: Sequence[Claim], ledger: LedgerLike) -> list[list[str]]:
    by_id = {claim.id: claim for claim in ledger.claims}
    titles = {source.id: source.publisher for source in ledger.sources}
    keys: list[set[str]] = []
    for claim in claims:
        origins: set[str] = set()
        waiting, seen = [claim], {claim.id}
        while waiting:
            current = waiting.pop()
            origins |= {"claim:" + current.id, "source:" + _publisher(current.source, titles)}
            origins |= {"source:" + _publisher(report, titles) for report in current.stems_from}
            for parent in current.derived_from:
                if parent not in seen and parent in by_id:
                    seen.add(parent)
                    waiting.append(by_id[parent])
        keys.append(origins)
    groups: list[tuple[set[str], list[str]]] = []
    for claim, origins in zip(claims, keys, strict=True):
        touching = [group for group in groups if group[0] & origins]
        merged = (
            set(origins).union(*(group[0] for group in touching)),
            [i for g in touching for i in g[1]] + [claim.id],
        )
        groups = [group for group in groups if group not in touching] + [merged]
    return [members for _, members in groups]


def _independent(ids: Iterable[str], record: _Record) -> int:
    """Count independent origins, taking customs figures of one flow that agree to 0.5% as one reading."""
    claims = [record.by_id[name] for name in dict.fromkeys(ids) if name in record.by_id]
    groups = [set(group) for group in _components(claims, record.ledger)]
    rows = {reading.claim.id: reading for reading in record.readings}
    flows = [rows[c.id] for c in claims if c.id in rows and rows[c.id].topic.measure in {"flow", "production"}]
    for position, first in enumerate(flows):
        for second in flows[position + 1 :]:
            if not first.value or not second.value or first.topic.period != second.topic.period:
                continue
            place_of_first = first.topic.origin or first.topic.place
            if "flow" not in {first.topic.measure, second.topic.measure}:
                continue
            if place_of_first != (second.topic.origin or second.topic.place):
                continue
            if first.unit != second.unit or abs(first.value / second.value - 1) > 0.013:
                continue
            touching = [group for group in groups if first.claim.id in group or second.claim.id in group]
            groups = [group for group in groups if group not in touching] + [set().union(*touching)]
    return len(groups)


def _remarks(
    quantity: Quantity,
    record: _Record,
    support: Sequence[Reading],
    agreeing: Sequence[tuple[str, str, Reading]],
) -> tuple[str, ...]:
    remarks: list[str] = []
    topic = quantity.topic
    for kind, how, reading in agreeing:
        if reading.claim.id in record.same_report or kind == "proxy":
            continue
        if how == "reading" and reading.value is not None:
            remarks.append(
                f"{reading.claim.id} now stands at {reading.value:,.6g} {quantity.unit}; the number is another reading "
                f"of it, since revised or read otherwise" + (f" ({reading.claim.note})" if reading.claim.note else "")
            )
        elif how == "range":
            remarks.append(f"inside the range {reading.low:,.6g}-{reading.high:,.6g} of {reading.claim.id}")
        elif kind == "loose":
            remarks.append(f"{reading.claim.id} counts {reading.label}, not quite what the text says")
    if topic.period is None and support:
        years = sorted({format_period(reading.topic.period) for reading in support})
        remarks.append(f"the text gives no period; the claims are of {', '.join(years)}")
    if topic.measure == "production" and topic.form == "level" and quantity.unit == "t":
        remarks.extend(_dependence_remarks(quantity, record))
    if topic.measure == "flow" and quantity.unit in {"t", "%"} and topic.form in {"level", "share"}:
        remarks.extend(_basis_remarks(quantity, record))
    if not support and topic.period is not None:
        remarks.extend(_other_periods(quantity, record))
    return tuple(dict.fromkeys(remarks))


def _dependence_remarks(quantity: Quantity, record: _Record) -> list[str]:
    """Say where a place's output figures are its partners' import figures under another name."""
    topic = quantity.topic
    if topic.elements or topic.product:
        return []
    outputs = [
        reading
        for reading in record.apart("t", "level")
        if reading.topic.measure == "production"
        and reading.topic.place == topic.place
        and not reading.topic.elements
        and reading.topic.period == topic.period
        and topic.period is not None
    ]
    imports = [
        reading
        for reading in record.apart("t", "level")
        if reading.topic.measure == "flow"
        and reading.topic.origin == topic.place
        and not reading.topic.product
        and not reading.topic.elements
        and reading.topic.period == topic.period
        and reading.basis == "gross"
    ]
    remarks = []
    for output in outputs:
        for customs in imports:
            if not output.value or not customs.value:
                continue
            ratio = output.value / customs.value
            shown = (
                f"{output.claim.id} ({output.value:,.0f} t {output.basis}) and {customs.claim.id} (customs, "
                f"{customs.value:,.0f} t gross)"
            )
            if 0.98 <= ratio <= 1.02:
                remarks.append(f"readings not independent: {shown} are the same number, gross weight taken 1:1")
            elif 0.4 <= ratio <= 0.75:
                remarks.append(f"readings not independent: {shown} differ by a conversion factor of {ratio:.2f}")
    if not outputs:
        remarks.extend(
            f"no output figure in the ledger; {customs.claim.id} is the partner's gross import weight"
            for customs in imports[:1]
        )
    return remarks[:3]


def _basis_remarks(quantity: Quantity, record: _Record) -> list[str]:
    """Say that customs weight is gross, what the share is by other denominators, and what it is in REO."""
    topic = quantity.topic
    if topic.period is None or topic.product or not topic.destination:
        return []
    level = replace(topic, form="level")
    inflow = record.apart("t", "level")
    wholes = [
        reading
        for reading in inflow
        if reading.topic == replace(level, origin=WORLD, elements=frozenset()) and reading.basis == "gross"
    ]
    if not wholes:
        return []
    origins = {topic.origin} - {WORLD, ""}
    if not origins:
        share_parts = [
            reading
            for reading in inflow
            if replace(reading.topic, origin=WORLD) == replace(level, origin=WORLD)
            and reading.topic.origin != WORLD
            and reading.basis == "gross"
            and reading.value
        ]
        largest = max(share_parts, key=lambda reading: reading.value or 0.0, default=None)
        origins = {largest.topic.origin} if largest else set()
    scopes: list[tuple[str, float]] = []
    for whole in sorted(wholes, key=lambda reading: reading.value or 0.0):
        if whole.value and not any(abs(whole.value / other - 1) < 0.001 for _, other in scopes):
            scopes.append((f"{whole.label}: {whole.value:,.0f} t ({whole.claim.id})", whole.value))
    ore = any(re.search(r"\bnon-ore\b|\bores?\b|incl|headline", label) for label, _ in scopes)
    without = ", here without ore" if ore and _leaves_out_ore(quantity, scopes) else ""
    remarks = [
        f"customs tonnes are gross weight as shipped{without}, not REO; totals differ by scope: "
        + "; ".join(label for label, _ in scopes)
    ]
    for origin in sorted(origins):
        parts = [
            reading
            for reading in inflow
            if reading.topic == replace(level, origin=origin, elements=frozenset()) and reading.basis == "gross"
        ]
        if not parts or not parts[0].value:
            continue
        part = parts[0]
        shares = [
            f"{100 * (part.value or 0.0) / value:.0f}% of {label}"
            for label, value in scopes
            if value >= (part.value or 0)
        ]
        remarks.append(f"{part.value:,.0f} t gross from {part.claim.place} ({part.claim.id}) is " + "; ".join(shares))
        remarks.extend(_reo_remark(origin, topic, record))
    return remarks


def _leaves_out_ore(quantity: Quantity, scopes: Sequence[tuple[str, float]]) -> bool:
    """Return whether a number is none of the larger totals, those that count ore."""
    larger = [size for _, size in scopes if size > 1.1 * scopes[0][1]]
    return quantity.topic.origin != WORLD or not any(_agrees(quantity, size) for size in larger)


def _reo_remark(origin: str, topic: Topic, record: _Record) -> list[str]:
    rows = [
        reading
        for reading in record.apart("t", "level")
        if reading.basis == "REO"
        and reading.topic.period == topic.period
        and not reading.topic.elements
        and (
            (reading.topic.measure == "production" and reading.topic.place == origin)
            or (reading.topic.measure == "flow" and reading.topic.origin == origin)
        )
    ]
    numbers = [n for row in rows for n in (row.value, row.low, row.high) if n is not None]
    if not numbers:
        return []
    ids = ", ".join(row.claim.id for row in rows)
    return [f"in REO it is about {min(numbers):,.0f}-{max(numbers):,.0f} t ({ids})"]


def _other_periods(quantity: Quantity, record: _Record) -> list[str]:
    fitting = []
    for reading in record.apart(quantity.unit, quantity.topic.form):
        elsewhen = reading.topic.period not in (None, quantity.topic.period)
        if elsewhen and _compare(quantity, reading) == "same" and _agreement(quantity, reading) == "value":
            fitting.append(reading)
    return [f"the number fits {format_period(row.topic.period)} instead ({row.claim.id})" for row in fitting[:2]]
