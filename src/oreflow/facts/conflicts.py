"""Conflicts between claims: what says different things about one matter, and what only seems to be a second witness.

Claims about one thing (measure, places, elements, product, period, unit) stand side by side with their spread and their
independence, as declared by `derived_from`, source and publisher, and as detected in the numbers: an output statistic
that repeats a partner's gross import weight, a series that changes its conversion in mid-course, a unit value far from
its neighbours. Nothing is averaged and nothing is dropped.

Source of method: DESIGN section 4; outliers by the median and the median absolute deviation of the logarithms
(Hampel 1974).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from oreflow.facts.areas import WORLD
from oreflow.facts.claim import Claim, Source
from oreflow.facts.claimcheck import Evidence, Reading, group_dependent, read_claim
from oreflow.facts.quantities import Topic, build_gazetteer, format_period

Kind = Literal["values", "basis", "copy", "series break", "unit value"]

AGREEMENT = 0.02
"""Relative spread up to which claims are taken to agree."""

OUTLIER_FACTOR = 3.0
"""Factor from the median of its series beyond which a unit value is shown, if it is an outlier there as well."""


@dataclass(frozen=True, slots=True)
class Side:
    """One claim of a conflict: its number in the common unit, and what bears on how far to trust it.

    `group` numbers the claims by common origin: two sides of one group are not independent.
    """

    claim: str
    value: float
    unit: str
    basis: str
    source: str
    grade: str
    vintage: str
    derived_from: tuple[str, ...]
    group: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Claims that bear on one matter and differ, or that look like several witnesses and are one.

    `spread` is the largest value over the smallest, less 1 (for a copy and a series break, the ratio of the two
    series); `independent` counts the groups of common origin among `sides`; `explanation` says what was found in words.
    """

    kind: Kind
    subject: str
    place: str
    commodity: str
    period: str
    unit: str
    sides: tuple[Side, ...]
    spread: float
    independent: int
    explanation: str


def find_conflicts(
    claims: Sequence[Claim], sources: Sequence[Source], *, places: Iterable[tuple[str, str]] = ()
) -> tuple[Conflict, ...]:
    """Find claims that contradict one another, repeat one another, or stand out.

    Args:
        claims: values in each claim's own unit and basis.
        sources: the publications that the claims name; their publishers bear on independence.
        places: pairs of id and name of a case's places.

    Returns:
        Conflicts by kind (values, basis, copy, series break, unit value), then by subject, place and period.

    Example:
        >>> find_conflicts((), ())
        ()

    Source of method: DESIGN section 4.
    """
    gazetteer = build_gazetteer(places)
    ledger = Evidence(tuple(claims), tuple(sources))
    read = (read_claim(claim, gazetteer) for claim in ledger.claims)
    readings = [reading for reading in read if reading is not None and reading.value is not None]
    found = [
        *_differing(readings, ledger),
        *_copies_and_breaks(readings, ledger),
        *_odd_unit_values(readings, ledger),
    ]
    order = {"values": 0, "basis": 1, "copy": 2, "series break": 3, "unit value": 4}
    return tuple(sorted(found, key=lambda item: (order[item.kind], item.subject, item.place, item.period)))


def _differing(readings: Sequence[Reading], ledger: Evidence) -> list[Conflict]:
    """Claims on one key with different numbers; where basis alone differs, the implied conversion is shown."""
    keyed: dict[tuple[Topic, str, bool, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        topic = reading.topic
        anywhere = not (topic.place or topic.origin or topic.destination)
        if topic.period is None or not topic.measure or anywhere or topic.measure in {"count", "cost", "basket"}:
            continue
        single = {"capacity", "capex", "distance", "price", "stock", "tariff"}  # of one plant, way, product or holder
        firm = re.search(r" of [A-Z]\w+ [A-Z]", reading.label) is not None
        plant = reading.label if topic.measure in single or firm else ""
        keyed[(topic, reading.unit, reading.by_value, plant)].append(reading)
    found = []
    for (topic, unit, _, _), rows in keyed.items():
        distinct = _without_repeats(rows)
        values = [row.value or 0.0 for row in distinct]
        if len(distinct) < 2 or _spread(values) <= AGREEMENT:
            continue
        bases = {row.basis for row in distinct}
        sides = _sides(distinct, ledger)
        groups = len({side.group for side in sides})
        heard = f"{len(distinct)} claims of {groups} independent origin{'' if groups == 1 else 's'}"
        if {"gross", "REO"} <= bases:
            gross = median(row.value or 0.0 for row in distinct if row.basis == "gross")
            oxide = median(row.value or 0.0 for row in distinct if row.basis == "REO")
            factor = oxide / gross if gross else math.nan
            text = (
                f"{heard}; gross weight {gross:,.0f} t and {oxide:,.0f} t REO: implied {factor:.2f} t REO a gross tonne"
            )
            found.append(_conflict("basis", topic, unit, sides, _spread(values), text))
            continue
        vintages = sorted({row.claim.vintage for row in distinct if row.claim.vintage})
        revised = f"; vintages {', '.join(vintages)}" if len(vintages) > 1 else ""
        scopes = sorted({row.label for row in distinct})
        scoped = f"; scopes differ: {'; '.join(scopes)}" if len(scopes) > 1 else ""
        text = f"{heard}, {min(values):,.6g} to {max(values):,.6g} {unit}{revised}{scoped}"
        found.append(_conflict("values", topic, unit, sides, _spread(values), text))
    return found


def _copies_and_breaks(readings: Sequence[Reading], ledger: Evidence) -> list[Conflict]:
    """Output statistics that are the partner's gross imports, and series that change their conversion in mid-course."""
    imports: dict[tuple[str, tuple[int, int]], Reading] = {}
    for reading in readings:
        topic = reading.topic
        plain = not topic.elements and not topic.product and reading.unit == "t" and reading.basis == "gross"
        if topic.measure == "flow" and topic.form == "level" and plain and topic.period and topic.origin != WORLD:
            key = (topic.origin, topic.period)
            standing = imports.get(key)
            if standing is None or (standing.value or 0.0) < (reading.value or 0.0):
                imports[key] = reading
    series: dict[tuple[str, str], list[tuple[Reading, Reading, float]]] = defaultdict(list)
    for reading in readings:
        topic = reading.topic
        if topic.measure != "production" or topic.form != "level" or reading.unit != "t" or topic.period is None:
            continue
        partner = imports.get((topic.place, topic.period))
        if topic.elements or partner is None or not reading.value or not partner.value:
            continue
        publisher = _publisher(reading.claim.source, ledger)
        series[(publisher, topic.place)].append((reading, partner, reading.value / partner.value))
    found = []
    for (publisher, _), pairs in series.items():
        pairs.sort(key=lambda item: item[0].topic.period or (0, 0))
        equal = [item for item in pairs if _rounded_copy(item[0].value or 0.0, item[1].value or 0.0)]
        if equal:
            found.append(_copy(publisher, equal, len(pairs), ledger))
        at_par = [item for item in pairs if 0.95 <= item[2] <= 1.05]
        reduced = [item for item in pairs if 0.35 <= item[2] <= 0.75]
        later = [item for item in reduced if at_par and _year(item[0]) > max(_year(other[0]) for other in at_par)]
        if later:
            found.append(_break(publisher, at_par, later, ledger))
    return found


def _copy(publisher: str, equal: Sequence[tuple[Reading, Reading, float]], compared: int, ledger: Evidence) -> Conflict:
    rows = [row for pair in equal for row in pair[:2]]
    declared = sum(1 for output, partner, _ in equal if partner.claim.id in output.claim.derived_from)
    years = ", ".join(format_period(output.topic.period) for output, _, _ in equal)
    text = (
        f"{publisher}: output equals the partner's gross import weight, rounded, in {len(equal)} of {compared} periods "
        f"({years}): one observation, not two; {declared} of {len(equal)} declare it in derived_from"
    )
    topic = equal[0][0].topic
    ratio = median(item[2] for item in equal) - 1
    return _conflict(
        "copy", topic, "t", _sides(rows, ledger, together=True), ratio, text, periods=[p[0] for p in equal]
    )


def _break(
    publisher: str,
    at_par: Sequence[tuple[Reading, Reading, float]],
    later: Sequence[tuple[Reading, Reading, float]],
    ledger: Evidence,
) -> Conflict:
    rows = [item[0] for item in (*at_par, *later)]
    high, low = median(item[2] for item in at_par), median(item[2] for item in later)
    text = (
        f"{publisher}: gross import weight is taken at {high:.2f} to 1 in "
        f"{', '.join(format_period(item[0].topic.period) for item in at_par)} and at {low:.2f} from "
        f"{format_period(later[0][0].topic.period)}: a break in the series, not a trend"
    )
    return _conflict("series break", rows[0].topic, "t", _sides(rows, ledger), high / low - 1, text, periods=rows)


def _odd_unit_values(readings: Sequence[Reading], ledger: Evidence) -> list[Conflict]:
    """Value over weight of one flow, compared with the same flow in other periods and with other origins."""
    flows = [row for row in readings if row.topic.measure == "flow" and row.topic.form == "level" and row.topic.period]
    values = {_flow_key(row): row for row in flows if row.unit == "USD"}
    pairs = []
    for row in flows:
        money = values.get(_flow_key(row))
        if row.unit == "t" and row.value and money is not None and money.value and row.basis in {"gross", ""}:
            pairs.append((row, money, money.value / row.value))
    by_flow: dict[tuple[str, str, str], list[tuple[Reading, Reading, float]]] = defaultdict(list)
    for pair in pairs:
        by_flow[(pair[0].topic.origin, pair[0].topic.destination, pair[0].topic.product)].append(pair)
    found = []
    for rows in by_flow.values():
        if len(rows) < 5:
            continue
        logs = [math.log(item[2]) for item in rows]
        centre = median(logs)
        spread = 1.4826 * median(abs(number - centre) for number in logs)
        for row, money, unit_value in rows:
            distance = abs(math.log(unit_value) - centre)
            if distance < math.log(OUTLIER_FACTOR) or distance < 2.0 * spread:
                continue
            text = (
                f"{unit_value:,.0f} USD/t against a median of {math.exp(centre):,.0f} over {len(rows)} periods: "
                "another product, a wrong weight or a wrong value"
            )
            sides = _sides([row, money], ledger)
            found.append(_conflict("unit value", row.topic, "USD/t", sides, math.exp(distance) - 1, text))
    return found


def _flow_key(reading: Reading) -> tuple[str, str, str, frozenset[str], tuple[int, int] | None, str]:
    topic = reading.topic
    label = reading.label.lower().removesuffix(" value").strip()
    return topic.origin, topic.destination, topic.product, topic.elements, topic.period, label


def _rounded_copy(output: float, weight: float) -> bool:
    """Return whether an output is a weight rounded to the output's own last digit that carries meaning."""
    if output <= 0 or abs(output / weight - 1) > 0.03:
        return False
    step = 1.0
    while output % (10 * step) == 0 and step < output:
        step *= 10
    return abs(output - weight) <= 0.5 * step + 0.5


def _without_repeats(rows: Sequence[Reading]) -> list[Reading]:
    """Return one reading for each number of a source; numbers that one table gives side by side are its own parts."""
    tables: dict[tuple[str, str, str], set[float]] = defaultdict(set)
    for row in rows:
        tables[(row.claim.source, row.claim.vintage, row.label)].add(row.value or 0.0)
    rows = [row for row in rows if len(tables[(row.claim.source, row.claim.vintage, row.label)]) == 1]
    kept: dict[tuple[str, str, float, str], Reading] = {}
    for row in rows:
        kept.setdefault((row.claim.source, row.claim.vintage, row.value or 0.0, row.basis), row)
    return list(kept.values())


def _sides(rows: Sequence[Reading], ledger: Evidence, *, together: bool = False) -> tuple[Side, ...]:
    unique = list({row.claim.id: row for row in rows}.values())
    groups = group_dependent([row.claim for row in unique], ledger)
    number = {name: 1 if together else index for index, group in enumerate(groups, start=1) for name in group}
    return tuple(
        Side(
            row.claim.id,
            row.value or 0.0,
            row.unit,
            row.basis,
            row.claim.source,
            row.claim.grade,
            row.claim.vintage,
            row.claim.derived_from,
            number[row.claim.id],
        )
        for row in unique
    )


def _conflict(
    kind: Kind,
    topic: Topic,
    unit: str,
    sides: tuple[Side, ...],
    spread: float,
    text: str,
    *,
    periods: Sequence[Reading] = (),
) -> Conflict:
    place = topic.place or f"{topic.origin or '?'} -> {topic.destination or '?'}"
    if topic.form == "share":
        place = f"{topic.place or topic.origin} of {topic.destination}"
    commodity = "+".join(sorted(topic.elements)) or topic.product or "all"
    period = format_period(topic.period)
    if periods:
        spans = [row.topic.period for row in periods if row.topic.period]
        first, last = min(spans), max(spans, key=lambda span: span[1])
        period = format_period((first[0], last[1]))
    groups = len({side.group for side in sides})
    return Conflict(kind, topic.measure, place, commodity, period, unit, sides, spread, groups, text)


def _publisher(source_id: str, ledger: Evidence) -> str:
    return next((source.publisher for source in ledger.sources if source.id == source_id), source_id)


def _spread(values: Sequence[float]) -> float:
    low, high = min(values), max(values)
    if low == high:
        return 0.0
    return high / low - 1 if low > 0 else math.inf


def _year(reading: Reading) -> int:
    return reading.topic.period[0] // 12 if reading.topic.period else 0
