"""From the results of a comparison to the document that tables and pages show. Nothing is solved here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oreflow.futures.comparison import Bands, Central, DrawResult, bands
from oreflow.policy.catalogue import entry
from oreflow.report.document import (
    Alternative,
    Band,
    BarrierSet,
    BreakEven,
    CaseHeader,
    ComparisonDocument,
    Doubt,
    Evidence,
    ExistingPath,
    Freight,
    IndicatorResult,
    Instrument,
    PressFigure,
    ProposalResult,
    Rung,
    Step,
    Waterfall,
)
from oreflow.report.indicators import INDICATORS
from oreflow.report.marks import number_text
from oreflow.report.wording import Wording, wording_of

if TYPE_CHECKING:
    from oreflow.chain.case import Case
    from oreflow.policy.proposal import Composition
    from oreflow.study.references import References
    from oreflow.study.unlock import Margin, Unlock

STEP_LABELS = {
    "contained": ("contained in the mines' output", "what the mines of the tracked origin produce in the year"),
    "released": ("free of the operators' ties", "who controls and operates the mines, and to whom output is tied"),
    "travels": ("can travel without crossing <inside>", "capacity and closure of the legs that avoid <inside>"),
    "separable": ("can be separated outside <inside>", "separation capacity <outside>, for heavy elements"),
    "pays": ("pays at the price", "freight, levies and separation against the price of the oxides"),
    "delivered": ("reaches users", "later stages, as metal and magnets, with none in <inside>"),
}
BAND_KEYS = ("diverted_first", "diverted_end", "net_ex_china_dytb", "diverted_reo", "diverted_value", "price",
             "public_cost", "china_share_separation_hree", "china_exposure", "us_myanmar_balance")  # fmt: skip


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def _band(found: Bands | None) -> Band | None:
    return None if found is None else Band(found.p10, found.p50, found.p90)


def _headline(by: Mapping[str, float], year: int) -> float | None:
    return _finite(by.get(str(year), by.get("")))


def indicator_results(
    composition: Composition,
    central: Central,
    draws: Sequence[DrawResult],
    year: int,
    threshold: float,
    rests_on: References,
) -> dict[str, IndicatorResult]:
    """Return every indicator of one proposal with bands and paired differences over the draws.

    Args:
        composition: the proposal.
        central: central runs of all.
        draws: results of the draws.
        year: the headline year.
        threshold: of `works`, t a year.
        rests_on: gives the claims and assumptions behind each.
    """
    name = composition.name
    values = central.values[name]
    solved = [draw for draw in draws if name in draw.values]
    found: dict[str, IndicatorResult] = {}
    for key, definition in INDICATORS.items():
        if key in ("barriers", "works", "public_cost_per_kg") or (key == "us_myanmar_balance" and key not in values):
            continue
        by = {label: float(v) for label, v in values.get(key, {}).items() if label and math.isfinite(v)}
        value = _headline(values.get(key, {}), year)
        spread = bands([draw.values[name].get(key, {}).get(str(year), math.nan) for draw in solved])
        bands_by: dict[str, Band] = {}
        paired_by: dict[str, Band] = {}
        for label in by:
            if key in BAND_KEYS or label.endswith(f"/{year}"):
                band = _band(bands([draw.values[name].get(key, {}).get(label, math.nan) for draw in solved]))
                if band is not None:
                    bands_by[label] = band
        for label in by:
            if key not in ("turnover", "rent") and label != str(year):
                continue
            if label.endswith(str(year)):
                band = _band(bands([_change(draw, name, central.status_quo, key, label) for draw in solved]))
                if band is not None:
                    paired_by[label] = band
        k = n = None
        if key == "first_year":
            value = _finite(values.get(key, {}).get("", math.nan))
            years = [draw.values[name].get(key, {}).get("", math.nan) for draw in solved]
            k, n = int(sum(year == year for year in years)), len(years)
            spread = bands(years)
        found[key] = IndicatorResult(
            unit=definition.unit, value=value, by=by,
            p10=spread.p10 if spread else None, p50=spread.p50 if spread else None, p90=spread.p90 if spread else None,
            bands_by=bands_by, k=k, n=n, refs=rests_on.indicator(key, composition), paired=paired_by.get(str(year)),
            paired_by=paired_by,
        )  # fmt: skip
    reached = [draw.values[name].get("net_ex_china_dytb", {}).get(str(year), math.nan) >= threshold for draw in solved]
    central_net = values.get("net_ex_china_dytb", {}).get(str(year), math.nan)
    found["works"] = IndicatorResult(
        unit="1", value=float(central_net >= threshold) if math.isfinite(central_net) else None,
        k=int(sum(reached)) if solved else None, n=len(reached) if solved else None,
        refs=rests_on.indicator("works", composition),
    )  # fmt: skip
    refs = rests_on.indicator("public_cost_per_kg", composition)
    found["public_cost_per_kg"] = _cost_per_kg(name, central, solved, refs)
    return found


def _change(draw: DrawResult, name: str, status_quo: str, key: str, label: str) -> float:
    """Return an indicator's difference to the status quo of the same draw; who earns nothing has 0."""
    absent = 0.0 if key in ("turnover", "rent") else math.nan
    after, before = (draw.values[run].get(key, {}).get(label, absent) for run in (name, status_quo))
    return after - before


def _cost_per_kg(name: str, central: Central, solved: Sequence[DrawResult], refs: tuple[str, ...]) -> IndicatorResult:
    rate, first = central.base.discount, central.base.case.base_year

    def ratio(values: Mapping[str, Mapping[str, float]]) -> float:
        spent = sum(v / (1 + rate) ** (int(y) - first) for y, v in values.get("public_cost", {}).items())
        gained = sum(v / (1 + rate) ** (int(y) - first) for y, v in values.get("net_ex_china_dytb", {}).items())
        return spent / (gained * 1000.0) if gained > 1e-6 else math.nan

    # A draw that gains nothing has no cost per kg: it is counted, and left out of the percentiles.
    ratios = [ratio(draw.values[name]) for draw in solved]
    spread = bands(ratios)
    return IndicatorResult(
        unit="USD/kg_oxide", value=_finite(ratio(central.values[name])),
        p10=spread.p10 if spread else None, p50=spread.p50 if spread else None, p90=spread.p90 if spread else None,
        k=sum(math.isfinite(r) for r in ratios) if solved else None, n=len(ratios) if solved else None, refs=refs,
    )  # fmt: skip


def _barriers(unlocked: Unlock | None, refs: tuple[str, ...]) -> IndicatorResult:
    """Return the number of minimal sets, and by the names in each the tonnes that its removal lets through."""
    by = {} if unlocked is None else {" + ".join(s.names): float(s.tonnes) for s in unlocked.sets}
    return IndicatorResult(
        unit=INDICATORS["barriers"].unit, value=None if unlocked is None else float(len(by)), by=by, refs=refs
    )


def waterfall(
    name: str, steps: Sequence[tuple[str, float]], draws: Sequence[DrawResult], year: int, rests_on: References,
    wording: Wording,
) -> Waterfall:  # fmt: skip
    """Return where the tonnes stop in a year, with bands; steps on inputs of grade D or M are marked."""
    rows = []
    for position, (step, value) in enumerate(steps):
        spread = bands([draw.waterfalls[name][position][1] for draw in draws if name in draw.waterfalls])
        label, why = (wording.fill(text) for text in STEP_LABELS[step])
        doubtful = rests_on.step(step)
        rows.append(
            Step(
                id=step,
                label=label,
                value=float(value),
                p10=spread.p10 if spread else None,
                p50=spread.p50 if spread else None,
                p90=spread.p90 if spread else None,
                hatched=bool(doubtful),
                why=why,
                refs=doubtful,
            )  # fmt: skip
        )
    return Waterfall(year=year, unit="t_oxide/yr", steps=tuple(rows))


def proposal_result(
    composition: Composition,
    central: Central,
    draws: Sequence[DrawResult],
    *,
    year: int,
    threshold: float,
    steps: Sequence[tuple[str, float]],
    unlocked: Unlock | None,
    freight: Freight | None,
    path: ExistingPath | None,
    rests_on: References,
) -> ProposalResult:
    """Return one proposal of the document."""
    name = composition.name
    outcome = central.outcomes[name]
    values = central.base.values
    parts = composition.parts
    return ProposalResult(
        id=name,
        title=" + ".join(part.title for part in parts),
        reading=" ".join(part.reading.strip() for part in parts),
        alternatives=tuple(Alternative(other.id, other.difference) for part in parts for other in part.alternatives),
        not_modelled=tuple(dict.fromkeys(text for part in parts for text in part.not_modelled)),
        sources=tuple(dict.fromkeys(source for part in parts for source in part.sources)),
        conditions=tuple(text for part in parts for text in part.conditions),
        instruments=tuple(
            Instrument(
                id=i.id,
                type=i.type,
                target=", ".join(i.target),
                start=None if i.start is None else int(i.start),
                end=None if i.end is None else int(i.end),
                magnitude=None if i.magnitude is None else float(values[i.magnitude]),
                unit="" if i.magnitude is None else str(i.magnitude.unit),
                payer=i.payer or "",
                note=i.note or "",
                refs=() if i.magnitude is None else tuple(i.magnitude.references),
                title=entry(i.type).title,
            )  # fmt: skip
            for i in composition.instruments
        ),
        indicators={
            **indicator_results(composition, central, draws, year, threshold, rests_on),
            "barriers": _barriers(unlocked, rests_on.indicator("barriers", composition)),
        },
        waterfall=waterfall(name, steps, draws, year, rests_on, wording_of(central.base.case)) if steps else None,
        barriers=()
        if unlocked is None
        else tuple(
            BarrierSet(
                barriers=s.barriers,
                names=s.names,
                tonnes=float(s.tonnes),
                cost=s.cost,
                price_gap=s.price_gap,
                refs=rests_on.barrier(s.barriers),
            )
            for s in unlocked.sets
        ),
        ladder=()
        if unlocked is None
        else tuple(
            Rung(
                label=s.name, tonnes_alone=float(s.alone), tonnes_cumulative=float(s.cumulative),
                refs=rests_on.barrier((s.barrier,)),
            )  # fmt: skip
            for s in unlocked.ladder
        ),
        freight=freight,
        status="solved" if outcome.solved else outcome.cause,
        path_existing=path,
        failures=sum(name in draw.failures for draw in draws),
    )


def evidence(case: Case, refs: Sequence[str]) -> Evidence:
    """Return the claims, assumptions and sources that stand behind a comparison, as plain rows."""
    claims: dict[str, dict[str, Any]] = {}
    assumptions: dict[str, dict[str, Any]] = {}
    wanted = set(refs)
    from dataclasses import asdict

    for claim in case.ledger.claims:
        if not wanted or f"claim:{claim.id}" in wanted or claim.id in wanted:
            claims[claim.id] = {k: _plain(v) for k, v in asdict(claim).items()}
    for assumption in case.ledger.assumptions:
        if not wanted or f"assume:{assumption.id}" in wanted or assumption.id in wanted:
            assumptions[assumption.id] = {k: _plain(v) for k, v in asdict(assumption).items()}
    used = {str(row["source"]) for row in (*claims.values(), *assumptions.values())}
    used |= {source for proposal in case.proposals for source in proposal.sources}
    used |= {instrument.source for proposal in case.proposals for instrument in proposal.instruments}
    sources = {s.id: {k: _plain(v) for k, v in asdict(s).items()} for s in case.ledger.sources if s.id in used}
    entered = tuple(source.id for source in case.entered_sources())
    sources |= {s.id: {k: _plain(v) for k, v in asdict(s).items()} for s in case.ledger.sources if s.id in entered}
    return Evidence(claims=claims, sources=sources, assumptions=assumptions, entered=entered)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return ";".join(str(v) for v in value)
    if value is None or isinstance(value, int | float | str):
        return value
    return str(value)


def break_evens(
    margin: Margin | None, payment: float | None, year: int, inside: str, refs: tuple[str, ...] = ()
) -> tuple[BreakEven, ...]:
    """Return the outside premium and separation cost at which tonnes begin or cease to flow in a year.

    Args:
        margin: the best way out at the year's prices, None where there is none.
        payment: USD per t of ore separated outside at which they begin (negative: what they could still bear), None
            where no payment does it.
        year: of the equilibrium.
        inside: name of the group that does not count as outside.
        refs: what the numbers rest on.
    """
    labels = (
        ("outside_premium", f"factor on what the oxides earn outside {inside}", "1"),
        ("outside_separation_cost", f"cost of separation outside {inside}", "USD/t_REO"),
    )
    if margin is None or payment is None or margin.revenue <= 0:
        note = (
            f"no way that avoids {inside} exists under this proposal, so no price changes the sign"
            if margin is None
            else f"no payment up to the ore's value starts the tonnes in {year}: something else than price stops them"
        )
        current = (1.0, None if margin is None else float(margin.separation))
        return tuple(
            BreakEven(key, label, None, unit, now, note, refs)
            for (key, label, unit), now in zip(labels, current, strict=True)
        )
    side = (
        f"the tonnes begin in {year} when a tonne of ore separated outside earns {number_text(payment)} USD more"
        if payment > 0
        else f"the tonnes of {year} cease when a tonne of ore separated outside earns {number_text(-payment)} USD less"
    )
    values = (1.0 + payment / margin.revenue, margin.separation - payment)
    current = (1.0, float(margin.separation))
    return tuple(
        BreakEven(key, label, float(value) if value > 0 else None, unit, now, side, refs)
        for (key, label, unit), value, now in zip(labels, values, current, strict=True)
    )


__all__ = [
    "CaseHeader",
    "ComparisonDocument",
    "Doubt",
    "PressFigure",
    "break_evens",
    "evidence",
    "indicator_results",
    "proposal_result",
    "waterfall",
]
