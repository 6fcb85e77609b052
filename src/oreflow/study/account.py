"""The base year of a case, accounted for: what was observed, what the balance makes of it, and what the prices say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from oreflow.baseline.calibrate import USED, BaseSystem, base_system, residual_table
from oreflow.baseline.crossing import BasePosterior, Crossing, ShareError, base_posterior, border_alone, border_flows
from oreflow.baseline.families import ErrorModel, claim_errors, error_model
from oreflow.baseline.mirror import MirrorReport, reconcile_mirror
from oreflow.chain.network import Kind, build_network
from oreflow.core.errors import UsageError
from oreflow.facts.areas import area_by_name
from oreflow.facts.claim import Assumption, Claim
from oreflow.market.terms import charges_of
from oreflow.study.base import Base, Settings, absences, barred_activities, prepare

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Values

Floats = NDArray[np.float64]
_PASSES = 6
"""Most Gauss-Newton steps of the composition: each linearises at the flows of the one before."""


@dataclass(frozen=True, slots=True)
class Wedge:
    """Where the price of a unit of an activity goes, USD per unit: `cost` sourced, `charges`, `rent`, `residual`.

    `receiver`: who the case says receives the rent, empty where it names nobody. `share`: |residual| / value.
    """

    activity: str
    kind: str
    place: str
    level: float
    value: float
    cost: float
    charges: float
    rent: float
    receiver: str
    residual: float
    share: float


@dataclass(frozen=True, slots=True)
class Absence:
    """An activity that did not run in the base year, and what the case says stopped it."""

    activity: str
    place: str
    kind: str
    explanation: str


@dataclass(frozen=True, slots=True)
class PathShare:
    """How many of the activities on which a proposal acts ran in the base year, and their names where they did not."""

    proposal: str
    title: str
    existing: int
    total: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A claim whose figure for another year took the place of the base year's."""

    claim: str
    by: str
    subject: str
    value: float | None
    other: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class FamilyAccount:
    """Observations that go back to the same claims: claim ids, and the observations' names with their sds."""

    claims: tuple[str, ...]
    observations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosureNote:
    """An assumption that closes the base year, with its number, range and reason."""

    name: str
    subject: str
    value: str
    low: float | None
    high: float | None
    grade: str
    reason: str


@dataclass(frozen=True, slots=True)
class MirrorLine:
    """One flow as its two sides report it, t per year of gross weight, and the flow that the reports imply (90%)."""

    flow: str
    period: str
    status: str
    importer: float | None
    exporter: float | None
    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RecordedFigure:
    """A claim about the tracked ore's country, with its grade and independence, and what it is derived from."""

    claim: str
    subject: str
    element: str
    value: float
    low: float | None
    high: float | None
    unit: str
    source: str
    grade: str
    derived_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaseAccount:
    """All that `oreflow baseline` shows of one year.

    `alone`: what crosses by the border's own sources; `level_reo`: at the levels from which the market starts, t REO.
    `record`: claims of the ledger about what crosses, for comparison. `replaced`, `held`: for another year than the
    case's, which claims were exchanged, how many observations keep the base year's figure, and which claims of the
    base year still stand inside the exchanged ones. `names`: of places, commodities, actors and processes by id.
    """

    case: str
    title: str
    year: int
    posterior: BasePosterior
    alone: tuple[Crossing, ...]
    level_reo: float
    families: tuple[FamilyAccount, ...]
    wedges: tuple[Wedge, ...]
    unexplained: tuple[str, ...]
    absences: tuple[Absence, ...]
    paths: tuple[PathShare, ...]
    closure: tuple[ClosureNote, ...]
    switches: Mapping[str, str]
    mirror: tuple[MirrorLine, ...]
    record: tuple[RecordedFigure, ...]
    replaced: tuple[Replacement, ...]
    held: int
    held_claims: tuple[str, ...]
    names: Mapping[str, str]


def account_base_year(case: Case, year: int | None = None, settings: Settings | None = None) -> BaseAccount:
    """Return the account of a case's base year, or of another year by the figures that the ledger has for it.

    Args:
        case: a checked case.
        year: calendar year; the case's base year when None.
        settings: choices of the calibration.

    Raises:
        UsageError: the ledger has no figure for that year that could take a base-year figure's place.
        CalibrationError, NetworkError, ObservationError: what stands in the way, by name.

    Example:
        >>> account_base_year(load_case("kachin")).year  # doctest: +SKIP
        2024
    """
    wanted = case.base_year if year is None else year
    replaced: tuple[Replacement, ...] = ()
    if wanted != case.base_year:
        case, replaced = case_of_year(case, wanted)
    base = prepare(case, case.values(), settings)
    posterior, families, alone = posterior_of_base(base)
    names = {f"claim:{r.claim}" for r in replaced}
    held = 0
    kept_claims: dict[str, None] = {}
    if replaced:
        for observation in posterior.observations:
            cell = case.observations[observation.row].value if observation.row >= 0 else None
            reached = set(case.ledger.reached(cell.references, case.as_of)) if cell is not None else set()
            held += not (reached & names)
            for name in sorted(reached - names) if reached & names else ():
                row = case.ledger.row(name)
                if isinstance(row, Claim) and _only_year(row.period) == case.base_year:
                    kept_claims[row.id] = None
    tracked = tracked_commodities(case)
    return BaseAccount(
        case=case.id,
        title=case.title,
        year=wanted,
        posterior=posterior,
        alone=alone,
        level_reo=float(sum(base.year.levels[j] for j in border_flows(base.network, tracked))),
        families=families,
        wedges=wedge_table(base),
        unexplained=tuple(problem.found for problem in absences(base)),
        absences=absence_table(base),
        paths=path_shares(base),
        closure=closure_notes(case),
        switches=dict(case.switches),
        mirror=mirror_lines(case, wanted),
        record=crossing_record(case, wanted),
        replaced=replaced,
        held=held,
        held_claims=tuple(kept_claims),
        names={
            **{row.id: row.name for row in case.places},
            **{row.id: row.name for row in case.commodities},
            **{row.id: row.name for row in case.actors},
            **{row.id: row.name for row in case.processes},
        },
    )


def tracked_commodities(case: Case) -> frozenset[str]:
    """Return the commodities of the tracked origin."""
    return frozenset(row.id for row in case.commodities if row.origin == case.tracked_origin)


def posterior_of_base(base: Base) -> tuple[BasePosterior, tuple[FamilyAccount, ...], tuple[Crossing, ...]]:
    """Return the posterior of a base year under the errors its observations share, the families, and the border alone.

    The last is what crosses by the border's own observations and those of their families, without the rest of the
    network.

    Args:
        base: the prepared base year, with central values.

    Raises:
        CalibrationError: the observations cannot hold together with these errors.
    """
    case, network = base.case, base.network
    disposal = {row.id: row.disposal for row in case.commodities}
    system = base_system(
        network,
        base.observations,
        barred=barred_activities(network, case.base_year),
        opening=base.opening,
        upper=network.upper,
        limits=network.limit_values,
        priced=frozenset(p.market for p in base.price_observations),
        free=np.array([disposal.get(market.commodity, "none") in ("free", "") for market in network.markets]),
    )

    def draw(moved: Mapping[str, float]) -> Values:
        return case.values(draws=moved)

    errors = error_model(case, draw, system.kept)
    tracked, shares = tracked_commodities(case), share_errors(base)

    def solve(part: BaseSystem, shared: ErrorModel, at: Floats) -> BasePosterior:
        return base_posterior(
            network, part, shared, base.year.levels, tracked=tracked, elements=case.tracked_elements, shares=shares,
            at=at,
        )  # fmt: skip

    levels = base.year.levels
    posterior = solve(system, errors, levels)
    for _ in range(_PASSES):
        before, levels = levels, levels.copy()
        for flow in posterior.flows:
            if flow.mean is not None:
                levels[network.index[flow.activity]] = flow.mean
        if np.max(np.abs(levels - before), initial=0.0) <= 1e-6 * np.max(np.abs(levels), initial=1.0):
            break
        posterior = solve(system, errors, levels)
    part, part_errors = border_alone(network, system, errors, tracked)
    alone = solve(part, part_errors, levels).crossings
    families = tuple(
        FamilyAccount(family.claims, tuple(system.kept[i].name for i in family.observations))
        for family in errors.families
    )
    return posterior, families, alone


def share_errors(base: Base) -> tuple[ShareError, ...]:
    """Return one sd of each tracked element's share in the tracked ore, as a network that has it.

    Args:
        base: the prepared base year.
    """
    case, network = base.case, base.network
    tracked = tracked_commodities(case)
    baskets = {row.basket for row in case.commodities if row.id in tracked}
    spread = claim_errors(case)
    found = []
    for row in case.baskets:
        if row.basket not in baskets or row.element not in case.tracked_elements or row.share is None:
            continue
        for name in case.ledger.reached(row.share.references, case.as_of):
            for source, amount in spread.get(name, {}).items():
                moved = case.values(draws={name: base.values.number(name) + amount})
                other = build_network(case, moved)
                change = {
                    commodity: other.composition.get(commodity, {}).get(row.element, 0.0) - parts.get(row.element, 0.0)
                    for commodity, parts in network.composition.items()
                }
                found.append(ShareError(source, other, row.element, change))
    return tuple(found)


def case_of_year(case: Case, year: int) -> tuple[Case, tuple[Replacement, ...]]:
    """Return a case whose base-year claims carry the figures that the same source has for another year.

    A claim is replaced where one claim of that year agrees with it in subject, place, commodity, element, unit, basis
    and publisher; a figure derived from a replaced claim also by that publisher's figure derived from the replacement.
    All others keep the base year's figure.

    Args:
        case: a case.
        year: calendar year.

    Raises:
        UsageError: no claim behind an observation of the base year has a counterpart.
    """
    key = _likeness(case)
    other: dict[tuple[str, ...], list[str]] = {}
    for claim in case.ledger.claims:
        if claim.value is not None and _only_year(claim.period) == year:
            other.setdefault(key(claim), []).append(claim.id)
    by_id = case.ledger.claim_by_id
    used = {
        name
        for row in case.observations
        if row.value is not None and row.kind != "price"
        for name in case.ledger.reached(row.value.references, case.as_of)
    }
    chosen: dict[str, str] = {}
    candidates = [
        claim
        for claim in case.ledger.claims
        if f"claim:{claim.id}" in used and _only_year(claim.period) == case.base_year and claim.value is not None
    ]
    for claim in candidates:
        match = other.get(key(claim), [])
        if len(match) == 1:
            chosen[claim.id] = match[0]
    for claim in candidates:
        if claim.id in chosen or not set(claim.derived_from) & set(chosen):
            continue
        parents = {chosen[p] for p in claim.derived_from if p in chosen}
        match = [
            found.id
            for found in case.ledger.claims
            if found.value is not None and _only_year(found.period) == year and parents & set(found.derived_from)
            if (found.unit, found.basis) == (claim.unit, claim.basis) and key(found)[-1] == key(claim)[-1]
        ]
        if len({by_id[m].value for m in match}) == 1:
            chosen[claim.id] = match[0]
    replaced = [
        Replacement(c.id, by, c.subject, c.value, by_id[by].value, c.unit)
        for c in candidates
        if (by := chosen.get(c.id)) is not None
    ]
    claims = [
        replace(c, value=by_id[chosen[c.id]].value, low=by_id[chosen[c.id]].low, high=by_id[chosen[c.id]].high)
        if c.id in chosen
        else c
        for c in case.ledger.claims
    ]
    if not replaced:
        raise UsageError(
            f"the ledger of case {case.id} has no figures of {year} for what its observations of {case.base_year} rest "
            "on; name a year that its claims cover"
        )
    return replace(case, ledger=replace(case.ledger, claims=tuple(claims))), tuple(replaced)


def _likeness(case: Case) -> Callable[[Claim], tuple[str, ...]]:
    publisher = {source.id: re.split(r" \(| / ", source.publisher)[0] for source in case.ledger.sources}

    def key(claim: Claim) -> tuple[str, ...]:
        return (
            claim.subject, claim.place, claim.commodity, claim.element, claim.unit, claim.basis,
            publisher.get(claim.source, claim.source),
        )  # fmt: skip

    return key


def _only_year(period: str) -> int | None:
    return int(period) if re.fullmatch(r"\d{4}", period) else None


def wedge_table(base: Base) -> tuple[Wedge, ...]:
    """Return where the price of each used process and route goes, the largest residual share first.

    Args:
        base: the prepared base year.
    """
    network, calibration = base.network, base.calibration
    charges = charges_of(base.terms, network.cost)
    bought = (-network.matrix).maximum(0).T @ calibration.prices
    limit_rents = network.limit_matrix.T @ calibration.limit_rents if network.limits else np.zeros(len(network.cost))
    rows = []
    for row in residual_table(network, calibration):
        j = network.index[str(row["activity"])]
        activity = network.activities[j]
        rows.append(
            Wedge(
                activity=activity.name,
                kind=activity.kind.value,
                place=activity.place,
                level=float(base.year.levels[j]),
                value=float(calibration.value[j]),
                cost=float(network.cost[j]),
                charges=float(charges.amount[j] + charges.rate[j] * bought[j]),
                rent=float(calibration.rents[j] + limit_rents[j]),
                receiver=_receiver(base, j),
                residual=float(calibration.residuals[j]),
                share=float(str(row["share"])),
            )
        )
    return tuple(rows)


def _receiver(base: Base, j: int) -> str:
    """Return who receives the rent of an activity: named by its row, else the owners of the limits that bind it."""
    network = base.network
    if network.rent_to[j]:
        return network.rent_to[j]
    owners = [
        limit.owner
        for g, limit in enumerate(network.limits)
        if base.calibration.limit_rents[g] > 0 and any(k == j for k, _ in limit.weights) and limit.owner
    ]
    return ", ".join(dict.fromkeys(owners))


def absence_table(base: Base) -> tuple[Absence, ...]:
    """Return the processes and routes of the case that did not run in the base year for a barrier that it names.

    Args:
        base: the prepared base year.
    """
    case, network = base.case, base.network
    named = {row.id: (row.explained_by, row.barrier) for row in case.processes}
    named |= {row.id: (row.explained_by, row.barrier) for row in case.routes}
    found: dict[str, Absence] = {}
    for j, activity in enumerate(network.activities):
        if activity.kind not in (Kind.PROCESS, Kind.ROUTE) or base.year.levels[j] > USED:
            continue
        explanation, kind = named.get(activity.row, ("", ""))
        closed = [leg for leg in network.route_legs.get(j, ()) if leg in network.closed_legs]
        if not explanation and closed:
            explanation, kind = f"closed: {', '.join(closed)}", "leg"
        if not explanation and activity.kind is Kind.PROCESS and network.opens[j] > case.base_year:
            explanation, kind = f"opens in {network.opens[j]:.0f}", "plant"
        if explanation:
            found.setdefault(activity.row, Absence(activity.row, activity.place, kind, explanation))
    return tuple(found.values())


def path_shares(base: Base) -> tuple[PathShare, ...]:
    """Return, for each proposal, how many of the activities on which its measures act ran in the base year.

    Acted on are the routes of the tracked ore over a leg that a measure names, and the processes that one names.

    Args:
        base: the prepared base year.
    """
    case, network = base.case, base.network
    tracked = tracked_commodities(case)
    found = []
    for proposal in case.proposals:
        acted: set[int] = set()
        for instrument in proposal.instruments:
            for target in instrument.target:
                acted |= {j for j in network.routes_by_leg.get(target, ()) if network.activities[j].feed in tracked}
                acted |= set(network.by_row.get(target, ()))
        names = [network.activities[j].name for j in sorted(acted) if base.year.levels[j] <= USED]
        found.append(PathShare(proposal.id, proposal.title, len(acted) - len(names), len(acted), tuple(names)))
    return tuple(found)


def closure_notes(case: Case) -> tuple[ClosureNote, ...]:
    """Return the assumptions, without a source, that observations of flows, output and use rest on, widest first.

    Args:
        case: the case.
    """
    count: dict[str, int] = {}
    for row in case.observations:
        if row.kind == "price":
            continue
        for cell in (row.value, row.sd):
            for name in case.ledger.reached(cell.references, case.as_of) if cell is not None else ():
                if name.startswith("assume:"):
                    count[name] = count.get(name, 0) + 1
    central = case.ledger.central_values(case.as_of)
    notes = []
    for name in sorted(count, key=lambda n: (-count[n], n)):
        row_of = case.ledger.row(name)
        if not isinstance(row_of, Assumption):
            continue
        number = central.get(name)
        value = "" if number is None else f"{number:,.6g} {row_of.unit}".strip()
        notes.append(
            ClosureNote(row_of.id, row_of.subject, value, row_of.low, row_of.high, row_of.grade, row_of.reason)
        )
    return tuple(notes)


def mirror_lines(case: Case, year: int) -> tuple[MirrorLine, ...]:
    """Return the gross weights that importers and exporters report of one flow, with the flow that both imply.

    Args:
        case: the case.
        year: calendar year.

    Returns:
        One line a flow, two-sided ones first; a flow that one side reports rests on that side alone, and says so.
    """
    reports: dict[tuple[str, str, str, Literal["exporter", "importer"]], MirrorReport] = {}
    for claim in case.ledger.visible(case.as_of):
        ends = claim.place.split("->")
        match = re.search(r"\b(2846|8505)", claim.subject)
        if len(ends) != 2 or match is None or claim.unit != "t/yr" or claim.value is None or claim.derived_from:
            continue
        if _only_year(claim.period) != year or ends[0].lower() == "world" or ends[1].lower() == "world":
            continue
        words = claim.subject.lower()
        side: Literal["exporter", "importer"] | None = (
            "importer" if "import" in words else "exporter" if "export" in words else None
        )
        if side is not None:
            report = MirrorReport(ends[0], ends[1], f"HS {match.group(1)}", str(year), side, claim.value)
            reports.setdefault((ends[0], ends[1], report.product, side), report)
    if not reports:
        return ()
    estimate = reconcile_mirror(tuple(reports.values()), "weight")
    lines = [
        MirrorLine(
            f"{f.exporter} to {f.importer}, {f.product}", f.period, f.status, f.importer_report, f.exporter_report,
            f.median, f.low, f.high,
        )
        for f in estimate.flows
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (line.status != "two_sided", -(line.median or 0.0))))


def crossing_record(case: Case, year: int) -> tuple[RecordedFigure, ...]:
    """Return the claims of a year about output or flows of the country of the tracked ore, for comparison.

    Args:
        case: the case.
        year: calendar year.
    """
    country = _countries_of_tracked(case)
    found = []
    for claim in case.ledger.visible(case.as_of):
        start = re.split(r"->", claim.place)[0]
        if area_by_name(start).id not in country or _only_year(claim.period) != year or claim.unit not in ("t/yr", "t"):
            continue
        if claim.basis not in ("gross", "REO", "oxide") or claim.value is None:
            continue
        found.append(
            RecordedFigure(
                claim.id, claim.subject, claim.element, claim.value, claim.low, claim.high,
                f"{claim.unit} {claim.basis}", claim.source, case.ledger.independence_text(claim), claim.derived_from,
            )
        )  # fmt: skip
    return tuple(found)


def _countries_of_tracked(case: Case) -> frozenset[str]:
    """Return the codes of the countries (ISO 3) in which the tracked ore is mined."""
    tracked = tracked_commodities(case)
    rows = {row.id: row for row in case.places}
    network = build_network(case, case.values())
    found: set[str] = set()
    for j in border_flows(network, tracked):
        row = rows[network.activities[j].place]
        while not row.iso3 and row.parent in rows:
            row = rows[row.parent]
        found.add(row.iso3)
    return frozenset(found - {""})
