"""The five sentences that open a report, built from the document alone and the same for every proposal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from oreflow.report.document import Band, ComparisonDocument, IndicatorResult, ProposalResult, Waterfall
from oreflow.report.marks import Cited, Part, number_text, range_text, result_anchor, slug, value_text

PERCENT_FROM = 200
"""Draws from which a share of the cases tried is also given in percent."""

PANELS = 4
"""Proposals in the sentences and small multiples; the tables hold all."""

Sentence = tuple[Part, ...]


def headline_proposals(document: ComparisonDocument) -> tuple[ProposalResult, ...]:
    """Return the proposals of the sentences and small multiples.

    Args:
        document: the comparison.

    Returns:
        The status quo, A, B and build-elsewhere; where one of them is missing the next of the document fills up.
    """
    named = [document.case.status_quo, "A", "B", "build-elsewhere"]
    by_id = {proposal.id: proposal for proposal in document.proposals}
    chosen = [name for name in named if name in by_id]
    chosen += [name for name in by_id if name not in chosen][: PANELS - len(chosen)]
    order = sorted(chosen, key=lambda name: named.index(name) if name in named else len(named))
    return tuple(by_id[name] for name in order)


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a share that was counted in a sample.

    Args:
        k: draws in which the statement holds.
        n: draws, at least 1.

    Returns:
        Lower and upper bound, shares.

    Raises:
        ValueError: k is not between 0 and n, or n is 0.

    Example:
        >>> tuple(round(bound, 3) for bound in wilson_interval(96, 256))
        (0.318, 0.436)
    """
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"found k = {k} of n = {n}; expected 0 <= k <= n and n > 0")
    z = 1.959963984540054
    share, weight = k / n, z * z / n
    half = z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    middle = (share + weight / 2) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def share_text(k: int, n: int) -> str:
    """Return a share of the cases tried: k of n, and from 200 draws on the percentage with its 95% interval.

    Args:
        k: draws in which the statement holds.
        n: draws.

    Returns:
        The text.

    Example:
        >>> share_text(12, 32), share_text(96, 256)
        ('12 of 32', '96 of 256 (38%, 32 to 44%)')
    """
    if n < PERCENT_FROM:
        return f"{k} of {n}"
    low, high = wilson_interval(k, n)
    return f"{k} of {n} ({100 * k / n:.0f}%, {100 * low:.0f} to {100 * high:.0f}%)"


def band_of(result: IndicatorResult, label: str | None = None) -> Band | None:
    """Return the percentiles of an indicator.

    Args:
        result: the indicator.
        label: of `by`; the scalar value when None.

    Returns:
        10th, 50th and 90th percentile; None where there are none.
    """
    if label is not None:
        found = result.bands_by.get(label)
        return None if found is None else Band(*found)
    if result.p10 is None or result.p90 is None:
        return None
    middle = result.p50 if result.p50 is not None else result.value
    return Band(result.p10, result.p10 if middle is None else middle, result.p90)


def price_areas(document: ComparisonDocument) -> tuple[str, ...]:
    """Return the two price areas to show, the group's own first.

    Args:
        document: the comparison.

    Returns:
        First parts of the labels of the indicator `price`: those that the header names; else the group and "outside";
        else the dearest area whose id holds the group's name and the dearest other one, in the headline year under
        the first proposal that has prices.
    """
    found = _label_parts(document, "price", 0)
    named = tuple(area for area in document.case.price_areas if area in found)
    if named:
        return named[:2]
    if {document.case.outside, "outside"} <= set(found):
        return document.case.outside, "outside"
    group = document.case.wording.inside.casefold()
    own = [area for area in found if group in area.casefold()]
    others = [area for area in found if area not in own]
    return tuple(_dearest(document, areas) for areas in (own, others) if areas)


def area_words(document: ComparisonDocument, area: str) -> str:
    """Return a price area as it stands in a sentence.

    Args:
        document: with the names of places.
        area: first part of a label of `price`.

    Returns:
        "outside", or "in" and the area's name up to a colon.
    """
    return "outside" if area == "outside" else f"in {document.case.names.get(area, area).partition(':')[0]}"


def price_elements(document: ComparisonDocument) -> tuple[str, ...]:
    """Return the elements whose prices are shown: the tracked ones that have, else the first two that have.

    Args:
        document: the comparison.

    Returns:
        Second parts of the labels of the indicator `price`.
    """
    found = _label_parts(document, "price", 1)
    wanted = tuple(element for element in document.case.elements if element in found)
    return wanted or found[:2]


def shown_years(document: ComparisonDocument) -> tuple[int, ...]:
    """Return the years that tables show: three before the headline year, that year, and the last one.

    Args:
        document: the comparison.

    Returns:
        Ascending years within the run.
    """
    case = document.case
    years = {case.headline_year - 3, case.headline_year, case.end_year}
    return tuple(sorted(year for year in years if case.base_year <= year <= case.end_year))


def revenue_changes(document: ComparisonDocument, proposal: ProposalResult) -> dict[str, tuple[float, Band | None]]:
    """Return the change of revenue of each actor in the headline year against the status quo.

    Args:
        document: the comparison.
        proposal: one of it.

    Returns:
        Actor -> central change in USD a year, and its percentiles over the draws, None where there are none.
    """
    suffix = f"/{document.case.headline_year}"
    result = proposal.indicators.get("turnover")
    base = next((p.indicators.get("turnover") for p in document.proposals if p.id == document.case.status_quo), None)
    before: Mapping[str, float] = base.by if base else {}
    changes: dict[str, tuple[float, Band | None]] = {}
    for label, value in result.by.items() if result else ():
        if result and label.endswith(suffix):
            band = result.paired_by.get(label)
            change = value - before.get(label, 0.0)
            # Revenues are sums of millions: what is left of two that are equal is rounding.
            known = change if abs(change) >= 1.0 else 0.0
            changes[label.removesuffix(suffix)] = known, Band(*band) if band else None
    return changes


def step_anchor(proposal: str, step: str) -> str:
    """Return the anchor of a waterfall step's row.

    Args:
        proposal: id.
        step: id.

    Returns:
        The anchor without `#`.
    """
    return f"step-{slug(proposal)}--{slug(step)}"


def largest_loss(waterfall: Waterfall) -> tuple[int, float]:
    """Return the step that takes away most tonnes.

    Args:
        waterfall: with at least two steps.

    Returns:
        Position of the step, and the tonnes it takes away, in the waterfall's unit; the first of equals.
    """
    steps = waterfall.steps
    losses = [before.value - after.value for before, after in pairwise(steps)]
    largest = max(range(len(losses)), key=lambda position: losses[position])
    return largest + 1, losses[largest]


def sentences(document: ComparisonDocument) -> tuple[Sentence, ...]:
    """Return five sentences: tonnes, net effect and cost, prices, where tonnes stop, and how sure it is.

    Args:
        document: the comparison; a proposal without a result is named as such.

    Returns:
        Sentences of plain words and cited numbers. Ranges are P10 to P90 of the draws, left out without draws.
    """
    shown = headline_proposals(document)
    return (
        _diverted(document, shown),
        _net(document, shown),
        _prices(document, shown),
        _stops(shown),
        _sure(document, shown),
    )


def _diverted(document: ComparisonDocument, shown: Sequence[ProposalResult]) -> Sentence:
    case = document.case
    lead = f"In {case.headline_year}, of the {case.tracked}, this much is first separated {case.wording.outside}: "
    return (lead, *_each(shown, "diverted_first", " t"), ".")


def _net(document: ComparisonDocument, shown: Sequence[ProposalResult]) -> Sentence:
    others = [proposal for proposal in shown if proposal.id != document.case.status_quo]
    words = document.case.wording
    where = f"{words.outside} in {document.case.headline_year}"
    parts: list[Part] = [
        f"Counting all origins, the {words.tracked} separated {where} changes against the status quo by "
    ]
    parts += _each(others, "net_ex_china_dytb", " t", signed=True)
    costs = [p for p in others if _has(p, "public_cost_per_kg")]
    if costs:
        parts += ["; public money per kg of it: ", *_each(costs, "public_cost_per_kg", " USD")]
    return (*parts, ".")


def _prices(document: ComparisonDocument, shown: Sequence[ProposalResult]) -> Sentence:
    elements, areas, year = price_elements(document), price_areas(document), document.case.headline_year
    if not elements or not areas:
        return ("The run gives no prices.",)
    first, rest = areas[-1], areas[:-1]
    parts: list[Part] = [f"The price of {elements[0]} oxide {area_words(document, first)} in {year}, in USD/kg: "]
    parts += _each(shown, "price", "", label=f"{first}/{elements[0]}/{year}")
    for area in rest:
        label = f"{area}/{elements[0]}/{year}"
        parts += [f"; {area_words(document, area)} ", *_each(shown[:1], "price", "", label=label)]
        others = [p.indicators["price"].by[label] for p in shown[1:] if label in _by(p, "price")]
        if others:
            anchor = result_anchor("price", shown[1].id)
            low, high = number_text(min(others)), number_text(max(others))
            parts += [", ", Cited(low if low == high else f"{low} to {high}", anchor), " under the others"]
    return (*parts, ".")


def _stops(shown: Sequence[ProposalResult]) -> Sentence:
    places: dict[str, list[tuple[ProposalResult, Cited]]] = {}
    sets: dict[str, list[str]] = {}
    for proposal in shown:
        waterfall = proposal.waterfall
        if waterfall is None or len(waterfall.steps) < 2 or waterfall.steps[0].value <= 0:
            continue
        position, lost = largest_loss(waterfall)
        step = waterfall.steps[position]
        cited = Cited(number_text(lost), step_anchor(proposal.id, step.id))
        places.setdefault(step.label, []).append((proposal, cited))
        if proposal.barriers:
            sets.setdefault(" and ".join(proposal.barriers[0].names), []).append(proposal.id)
    if not places:
        return ("No waterfall was run.",)
    parts: list[Part] = []
    for label, found in places.items():
        parts.append(f"{', and at' if parts else 'Most tonnes stop at'} “{label[:1].lower()}{label[1:]}” under ")
        for position, (proposal, cited) in enumerate(found):
            parts += [f"{proposal.id} (", cited, f" t){_separator(position, len(found))}"]
    if sets:
        removals = (f"{names} ({', '.join(ids)})" for names, ids in sets.items())
        parts.append(f"; a smallest set of barriers to remove: {'; '.join(removals)}")
    return (*parts, ".")


def _sure(document: ComparisonDocument, shown: Sequence[ProposalResult]) -> Sentence:
    case = document.case
    counted = [p for p in shown if p.id != case.status_quo and _counted(p)]
    parts: list[Part] = []
    if counted:
        parts += ["The net change reaches ", Cited(number_text(case.threshold_t), "set-threshold_t")]
        parts.append(f" t in {case.headline_year} in ")
        for position, proposal in enumerate(counted):
            works = proposal.indicators["works"]
            text = share_text(works.k or 0, works.n or 0)
            parts += [Cited(text, result_anchor("works", proposal.id)), " of the cases tried" if not position else ""]
            parts.append(f" under {proposal.id}{_separator(position, len(counted))}")
    else:
        parts.append("These are central values only, without draws, so nothing is said of how often they hold")
    if document.doubts:
        doubt = document.doubts[0]
        anchor = evidence_anchor(document, doubt.ref)
        parts += [f"; the largest doubt is {doubt.subject} (grade {doubt.grade}), whose range moves the result by "]
        parts += [Cited(number_text(doubt.effect), anchor), " t"]
    return (*parts, ".")


def evidence_anchor(document: ComparisonDocument, ref: str) -> str:
    """Return the anchor of a reference: a claim's, an assumption's, an indicator's, or that of a missing row.

    Args:
        document: with its evidence.
        ref: id of a claim or an assumption, with or without "claim:" or "assume:" before it, or "ind:KEY".

    Returns:
        The anchor without `#`; `missing-ID` where the evidence has no such row, which the report lists as missing.

    Example:
        >>> evidence_anchor(ComparisonDocument(case, ()), "ind:price")  # doctest: +SKIP
        'ind-price'
    """
    if ref.startswith("ind:"):
        return f"ind-{slug(ref.removeprefix('ind:'))}"
    ref = ref.removeprefix("claim:").removeprefix("assume:")
    if ref in document.evidence.claims:
        return f"claim-{slug(ref)}"
    if ref in document.evidence.assumptions:
        return f"assume-{slug(ref)}"
    return f"missing-{slug(ref)}"


def _each(
    shown: Sequence[ProposalResult], key: str, unit: str, *, label: str | None = None, signed: bool = False
) -> list[Part]:
    parts: list[Part] = []
    for position, proposal in enumerate(shown):
        result = proposal.indicators.get(key)
        value = None if result is None else result.by.get(label) if label else result.value
        separator = _separator(position, len(shown))
        if result is None or value is None:
            parts.append(f"no value under {proposal.id}{separator}")
            continue
        anchor = result_anchor(key, proposal.id)
        parts += [Cited(value_text(value, result.unit, signed=signed), anchor), unit]
        band = band_of(result, label)
        if band is not None and band[0] != band[2]:
            parts += [" (", Cited(range_text(band[0], band[2], result.unit, signed=signed), anchor), ")"]
        parts.append(f" under {proposal.id}{separator}")
    return parts


def _separator(position: int, count: int) -> str:
    if position == count - 1:
        return ""
    return " and " if position == count - 2 else ", "


def _has(proposal: ProposalResult, key: str) -> bool:
    return key in proposal.indicators and proposal.indicators[key].value is not None


def _by(proposal: ProposalResult, key: str) -> Mapping[str, float]:
    result = proposal.indicators.get(key)
    return result.by if result else {}


def _dearest(document: ComparisonDocument, areas: Sequence[str]) -> str:
    element, year = price_elements(document)[0], document.case.headline_year
    prices: Mapping[str, float] = next((by for p in document.proposals if (by := _by(p, "price"))), {})
    return max(areas, key=lambda area: prices.get(f"{area}/{element}/{year}", 0.0))


def _counted(proposal: ProposalResult) -> bool:
    works = proposal.indicators.get("works")
    return works is not None and bool(works.n)


def _label_parts(document: ComparisonDocument, key: str, position: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for proposal in document.proposals:
        result = proposal.indicators.get(key)
        for label in result.by if result else ():
            pieces = label.split("/")
            if position < len(pieces):
                found[pieces[position]] = None
    return tuple(found)
