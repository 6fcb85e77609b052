"""The public facade: what the command line, notebooks and other programs call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from oreflow import __version__
from oreflow.chain.case import Case, case_folder, load_case
from oreflow.chain.network import Kind
from oreflow.core.errors import OreflowError, UsageError
from oreflow.futures.comparison import CaseReference, Central, DrawJob, DrawResult, loaded_case, run_central, run_draw
from oreflow.futures.ensemble import Failure, Submitted, Workers
from oreflow.futures.screening import LEAST_INPUTS, Effect, screen
from oreflow.policy.proposal import Composition, compose, compose_all
from oreflow.report.build import break_evens, evidence, proposal_result
from oreflow.report.document import (
    CaseHeader,
    ComparisonDocument,
    Doubt,
    ExistingPath,
    Freight,
    PressFigure,
)
from oreflow.report.marks import number_text, unit_text
from oreflow.report.wording import wording_of
from oreflow.study.base import Base, Settings, prepare_central
from oreflow.study.freight import freight_notes, short_names
from oreflow.study.indicators import Lens, measure
from oreflow.study.outcome import Outcome, is_traded
from oreflow.study.references import References
from oreflow.study.run import run
from oreflow.study.stops import StopJob, Stops, find_stops
from oreflow.study.unlock import Barriers, Margin, Unlock, unlock_barriers
from oreflow.study.within_year import PeriodLine, period_lines

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from oreflow.futures.distributions import Uncertainty
    from oreflow.hindcast.judge import Scoreboard

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and how much there is."""

SHOWN_DOUBTS = 10
"""Inputs that move the headline most, as the document holds them."""

__all__ = [
    "Comparison", "Solved", "compare", "compare_central", "crew_for", "finish", "hindcast", "load_case", "solve",
    "unlock_proposal",
]  # fmt: skip


@dataclass(frozen=True)
class Solved:
    """One proposal solved with central values."""

    case: Case
    composition: Composition
    outcome: Outcome

    @cached_property
    def indicators(self) -> dict[str, dict[str, float]]:
        """Return indicator key -> label -> value."""
        return measure(self.outcome)

    @cached_property
    def periods(self) -> tuple[PeriodLine, ...]:
        """Return prices, shipments and stocks by period; of a run in years, by year."""
        return period_lines(self.outcome)

    @property
    def inside(self) -> frozenset[str]:
        """Return the places that do not count as outside."""
        return Lens(self.outcome.base, self.outcome.network).inside

    def prices(self, *, ranges: bool = False) -> pl.DataFrame:
        """Return prices as a frame: year, place, commodity, price (USD per t of the commodity's basis).

        A market without trade has no price of its own: its `price` is null.

        Args:
            ranges: add `low` and `high`, between which such a price lies (`high` may be infinite); takes some seconds.
        """
        import polars as pl

        from oreflow.study.price_ranges import empty_price_ranges

        rows: list[dict[str, Any]] = []
        for record in self.outcome.years:
            traded = is_traded(self.outcome.network, record)
            found = empty_price_ranges(self.outcome, record.year, self.composition.instruments) if ranges else {}
            for i, (market, price) in enumerate(zip(self.outcome.network.markets, record.prices, strict=True)):
                row = {"year": record.year, "place": market.place, "commodity": market.commodity}
                row["price"] = float(price) if traded[i] else None
                if ranges:
                    row["low"], row["high"] = (found[i].low, found[i].high) if i in found else (float(price),) * 2
                rows.append(row)
        return pl.DataFrame(rows, infer_schema_length=None)

    def flows(self) -> pl.DataFrame:
        """Return levels of used activities as a frame: year, activity, kind, place, to_place, commodity, level (t)."""
        import polars as pl

        rows = [
            {
                "year": record.year,
                "activity": a.name,
                "kind": a.kind.value,
                "place": a.place,
                "to_place": a.to_place,
                "commodity": a.feed,
                "level": float(level),
            }  # fmt: skip
            for record in self.outcome.years
            for a, level in zip(self.outcome.network.activities, record.levels, strict=True)
            if level > 1e-9
        ]
        return pl.DataFrame(rows)

    def _repr_html_(self) -> str:
        from html import escape

        by = self.indicators.get("diverted_first", {})
        cells = "".join(f"<tr><td>{escape(year)}</td><td>{value:,.1f}</td></tr>" for year, value in by.items())
        tracked = escape(wording_of(self.case).tracked)
        status = "solved" if self.outcome.solved else escape(self.outcome.cause)
        return (
            f"<p>{escape(self.case.id)}: {escape(self.composition.name)} ({status})</p>"
            f"<table><tr><th>year</th><th>{tracked} diverted, t</th></tr>{cells}</table>"
        )


@dataclass(frozen=True)
class Comparison:
    """A comparison of proposals with its document."""

    case: Case
    central: Central
    draws: tuple[DrawResult, ...]
    document: ComparisonDocument

    def table(self) -> pl.DataFrame:
        """Return indicators as a long frame: proposal, indicator, label, unit, value, p10, p90."""
        import polars as pl

        rows: list[dict[str, Any]] = []
        for proposal in self.document.proposals:
            for key, result in proposal.indicators.items():
                labels: dict[str, float | None] = dict(result.by) or {"": result.value}
                for label, value in labels.items():
                    band = result.bands_by.get(label)
                    rows.append(
                        {
                            "proposal": proposal.id,
                            "indicator": key,
                            "label": label,
                            "unit": result.unit,
                            "value": value,
                            "p10": band.p10 if band else None,
                            "p90": band.p90 if band else None,
                        }  # fmt: skip
                    )
        return pl.DataFrame(rows, infer_schema_length=None)

    def report(self) -> str:
        """Return the self-contained HTML report."""
        from oreflow.report.html import render_report

        return render_report(self.document)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{p.id}</td><td>{p.indicators['diverted_first'].value or 0.0:,.0f}</td></tr>"
            for p in self.document.proposals
        )
        header = self.document.case
        title = f"{header.wording.tracked} diverted in {header.headline_year}, t"
        return f"<table><tr><th>proposal</th><th>{title}</th></tr>{rows}</table>"


def _case(case: Case | str) -> Case:
    return load_case(case) if isinstance(case, str) else case


def solve(
    case: Case | str, proposal: str = "", settings: Settings | None = None, *, until: int | None = None
) -> Solved:  # fmt: skip
    """Solve one proposal with central values.

    Args:
        case: a case or its name.
        proposal: composition such as "A + india-processing"; the case's status quo when empty.
        settings: choices of the run, as `Settings(periods="quarter", window=2)`; the case's own where None.
        until: last year to solve (default: the case's end year).

    Returns:
        The solved proposal; a year without equilibrium is in `outcome.cause`, not an exception.

    Raises:
        UsageError: unknown case or proposal. CaseError, CalibrationError: the base year cannot be made.

    Example:
        >>> import oreflow as of
        >>> of.solve("kachin", "B").outcome.solved  # doctest: +SKIP
        True
    """
    found = _case(case)
    composition = compose(found, proposal or found.status_quo)
    base = prepare_central(found, settings)
    if until is not None and not found.base_year <= until <= found.end_year:
        raise UsageError(f"year {until} is outside {found.base_year} to {found.end_year}")
    return Solved(found, composition, run(base, composition.name, composition.instruments, until=until))


def unlock_proposal(
    case: Case | str, proposal: str, *, year: int | None = None, target: float | None = None
) -> tuple[Solved, Unlock, Margin | None]:
    """Return a solved proposal with its minimal barrier sets, ladder, and the margin of the best way out.

    Args:
        case: a case or its name.
        proposal: a composition.
        year: in which barriers are lifted (default: the headline year).
        target: t/yr of tracked elements (default: the case's threshold).
    """
    solved = solve(case, proposal)
    when = _headline_year(solved.case) if year is None else year
    if not solved.case.base_year < when <= solved.case.end_year:
        raise UsageError(f"year {when} is outside {solved.case.base_year + 1} to {solved.case.end_year}")
    if not solved.outcome.solved:
        raise OreflowError(f"{solved.composition.name} found no equilibrium: {solved.outcome.cause}")
    goal = _threshold(solved.outcome.base) if target is None else target
    barriers = Barriers(solved.outcome, when, solved.composition.instruments)
    return solved, unlock_barriers(barriers, goal), barriers.margin()


def _headline_year(case: Case) -> int:
    return min(2030, case.end_year) if case.base_year < 2030 else case.end_year


def _threshold(base: Base) -> float:
    cell = base.case.threshold_t
    return float(base.values[cell]) if cell is not None else 100.0


def hindcast(
    case: str = "kachin", *, episodes: Sequence[Path] = (), only: Sequence[str] = (), draws: int = 40, seed: int = 1,
    workers: int = 1,
) -> Scoreboard:  # fmt: skip
    """Judge the model by the past episodes of a case.

    Args:
        case: a folder that holds case.yaml, else the name of a bundled case.
        episodes: further episode files, or folders of them, to be judged.
        only: ids of the episodes to report; empty for all.
        draws: conditions for each episode.
        seed: of all random numbers.
        workers: processes.

    Raises:
        UsageError: no such case, or it has no episodes. CaseError: all problems of the files at once.

    Example:
        >>> hindcast("kachin", draws=20).comparisons  # doctest: +SKIP
    """
    from oreflow.hindcast.episode import load_hindcasts
    from oreflow.hindcast.judge import judge

    folder = case_folder(case)[0] / "hindcasts"
    if not folder.is_dir():
        raise UsageError(f"case {case} has no folder hindcasts; expected episode files there (docs/hindcast.md)")
    found = load_hindcasts(folder, tuple(episodes))
    return judge(found, draws=draws, seed=seed, jobs=workers, only=tuple(only))


def run_hash(case: Case, names: Sequence[str], draws: int, seed: int, settings: Settings) -> str:
    """Return the 12-character content hash of a run: case, proposals, draws, seed, settings and version."""
    key = {
        "case": case.content_hash(), "as_of": str(case.as_of or ""), "proposals": list(names), "draws": draws,
        "seed": seed, "settings": repr(settings), "version": __version__,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


def compare_central(
    case: Case | str,
    proposals: Iterable[str] = (),
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Central:
    """Solve the proposals with central values: what `compare` shows first."""
    found = _case(case)
    compositions = compose_all(found, proposals)
    total = len(compositions)

    def step(done: int) -> None:
        if progress is not None:
            progress("central values", done, total)

    return run_central(found, compositions, settings, step)


def compare(
    case: Case | str,
    proposals: Iterable[str] = (),
    *,
    draws: int = 200,
    seed: int = 1,
    workers: int | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare proposals: central values, bands over draws that they share, paired differences, what stops the tonnes.

    Args:
        case: a case or its name.
        proposals: compositions; the case's `compare` list when empty.
        draws: futures to try; 0 for central values only.
        seed: of the draws.
        workers: processes (default: the processors at hand).
        settings: choices of the run.
        progress: called with what is done.

    Returns:
        A comparison whose `document` is what tables and the report show.

    Example:
        >>> import oreflow as of
        >>> of.compare(of.load_case("kachin"), ["A", "B"], draws=8).table().columns[0]  # doctest: +SKIP
        'proposal'
    """
    found = _case(case)
    with crew_for(found, draws, workers) as crew:
        central = compare_central(found, proposals, settings, progress)
        return finish(central, draws=draws, seed=seed, workers=crew, progress=progress)


def crew_for(case: Case, draws: int, workers: int | None = None) -> Workers:
    """Return processes for a comparison that load the case while its central values are solved in this one.

    Args:
        case: to be compared.
        draws: futures to come.
        workers: processes (default: one a core); 0 for none.

    Example:
        >>> with crew_for(case, 32) as crew:  # doctest: +SKIP
        ...     comparison = finish(compare_central(case), draws=32, workers=crew)
    """
    crew = Workers(workers, most=draws + len(case.compare) + 2, ready=partial(loaded_case, CaseReference.of(case)))
    crew.start()
    return crew


def finish(
    central: Central,
    *,
    draws: int = 200,
    seed: int = 1,
    workers: Workers | int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Add draws, barriers, doubts and evidence to central runs.

    Args:
        central: the central runs.
        draws: futures to try; 0 for central values only.
        seed: of the draws.
        workers: processes at hand (see `crew_for`), or how many to start (default: one a core).
        progress: called with what is done.
    """
    base = central.base
    case = base.case
    year = _headline_year(case)
    threshold = _threshold(base)
    names = [composition.name for composition in central.compositions]
    rests_on = References(case)
    wording = wording_of(case)

    def tell(what: str, done: int, total: int) -> None:
        if progress is not None:
            progress(what, done, total)

    solved = [c for c in central.compositions if central.outcomes[c.name].solved]
    lead, when = _lead(central, solved, year)
    stop_jobs = [StopJob(central.outcomes[c.name], c.instruments, year, threshold) for c in solved]
    with nullcontext(workers) if isinstance(workers, Workers) else crew_for(case, draws, workers) as crew:
        # All is handed over before any of it is waited for, so that no worker stands idle between the stages.
        futures = crew.submit(run_draw, _draw_jobs(central, year, draws, seed), chunk=1)
        stopping = crew.submit(find_stops, stop_jobs, chunk=1)
        if draws:
            tell("futures", 0, draws)
        screening = None if lead is None else screen(central, lead, when, crew, max(draws, LEAST_INPUTS))
        results = _draws(futures, names, lambda done: tell("futures", done, draws))
        stops = _stops(stopping, solved, lambda done: tell("what stops the tonnes", done, len(solved)))
        effects = () if screening is None else screening.effects(partial(tell, "which inputs matter"))
    proposals = []
    outlook = {}
    notes: list[str] = []
    for composition in central.compositions:
        outcome = central.outcomes[composition.name]
        found = stops.get(composition.name)
        if found is not None:
            outlook[composition.name] = break_evens(found.margin, found.payment, year, wording.inside, rests_on.way())
            notes += _barrier_note(composition.name, found.unlocked)
        proposals.append(
            proposal_result(
                composition,
                central,
                results,
                year=year,
                threshold=threshold,
                steps=found.steps if found else (),
                unlocked=found.unlocked if found else None,
                freight=_freight(found, rests_on),
                path=_existing(base, outcome),
                rests_on=rests_on,
            )  # fmt: skip
        )
    moving = [effect for effect in effects if effect.swing > 1e-6][:SHOWN_DOUBTS]
    doubts = () if lead is None else tuple(_doubt(case, effect, lead.name, when) for effect in moving)
    if screening is not None and lead is not None:
        notes.append(
            f"The largest doubts are those among {len(screening.chosen)} of {len(case.uncertainties())} uncertain "
            f"inputs, each set to its low and to its high alone under {lead.name}; the others were not tried."
        )
    notes += swap_notes(case)
    reference = central.outcomes[central.status_quo]
    if reference.solved:
        notes += freight_notes(Barriers(reference, year, ()))
    header = CaseHeader(
        id=case.id, title=case.title, description=case.description, base_year=case.base_year, end_year=case.end_year,
        study_date=str(case.study_date), money_year=case.money_year, as_of=str(case.as_of) if case.as_of else None,
        seed=seed, draws=len(results), run=run_hash(case, names, draws, seed, base.settings), version=__version__,
        threshold_t=threshold, headline_year=year, status_quo=central.status_quo,
        tracked=f"{wording.tracked} oxide of {case.tracked_origin.title()} origin",
        outside=wording.inside,
        not_modelled=tuple(dict.fromkeys(t for c in central.compositions for p in c.parts for t in p.not_modelled)),
        price_areas=_price_areas(central),
        names=_names(case), elements=tuple(case.tracked_elements),
    )  # fmt: skip
    document = ComparisonDocument(
        case=header, proposals=tuple(proposals), evidence=evidence(case, ()), doubts=doubts, notes=tuple(notes),
        press=press_figures(case), outlook=outlook,
        settings={
            "expectation": base.timing.weight, "residual_sd": base.settings.residual_sd, "window": base.timing.window,
            "periods_a_year": base.timing.per_year,
        },  # fmt: skip
    )  # fmt: skip
    return Comparison(case, central, results, document)


def _names(case: Case) -> dict[str, str]:
    """Return what the ids of places, actors, plants, routes, legs and ties stand for, in words."""
    places = short_names(case)
    ends = {leg.id: f"{places.get(leg.from_, leg.from_)} to {places.get(leg.to, leg.to)}" for leg in case.legs}
    ties = {tie.id: f"ties of {tie.commodity.replace('_', ' ')}" for tie in case.ties}
    processes = {process.id: process.name for process in case.processes}
    routes = {route.id: f"{places.get(route.from_, '')} to {places.get(route.to, '')}" for route in case.routes}
    places |= {place.id: place.name for place in case.places}
    return {**ends, **ties, **processes, **routes, **places, **{actor.id: actor.name for actor in case.actors}}


def _price_areas(central: Central) -> tuple[str, ...]:
    """Return the market inside and the market outside that use most of the tracked elements in the base year."""
    lens, base = central.lens, central.base
    used: dict[str, float] = {}
    for j, activity in enumerate(base.network.activities):
        for i, amount in activity.flows:
            market = base.network.markets[i]
            if amount < 0 and activity.kind is Kind.PROCESS and market.commodity in lens.tracked_oxides:
                used[market.place] = used.get(market.place, 0.0) - amount * float(base.year.levels[j])
    inside = sorted((place for place in used if place in lens.inside), key=lambda place: -used[place])
    outside = sorted((place for place in used if place not in lens.inside), key=lambda place: -used[place])
    return (*inside[:1], *outside[:1])


def _draw_jobs(central: Central, year: int, draws: int, seed: int) -> list[DrawJob]:
    if draws <= 0:
        return []
    from oreflow.futures.sample import sample

    case = central.base.case
    drawn = sample(futures_of(case), draws, seed=seed)
    return [
        DrawJob(
            case=CaseReference.of(case),
            proposals=tuple(c.name for c in central.compositions),
            status_quo=central.status_quo,
            headline_year=year,
            index=index,
            names=tuple(drawn.names),
            numbers=tuple(float(v) for v in drawn.values[index]),
            settings=central.base.settings,
        )  # fmt: skip
        for index in range(draws)
    ]


def _draws(
    futures: Submitted[DrawJob, DrawResult], names: Sequence[str], step: Callable[[int], None]
) -> tuple[DrawResult, ...]:
    return tuple(
        DrawResult(index, {}, {}, dict.fromkeys(names, str(result))) if isinstance(result, Failure) else result
        for index, result in enumerate(futures.results(step))
    )


def futures_of(case: Case) -> tuple[Uncertainty, ...]:
    """Return what a future of the case is drawn from: ranges of claims and assumptions, and whether projects stand.

    Raises:
        UsageError: a range of a kind that the sampler does not know.
    """
    from oreflow.futures.distributions import LogUniform, Pert, Triangular, Uncertainty, Uniform

    found: list[Uncertainty] = []
    for item in case.uncertainties():
        mode = min(max(item.mode, item.low), item.high)
        if item.kind == "pert":
            distribution: Pert | Uniform | LogUniform | Triangular = Pert(item.low, mode, item.high)
        elif item.kind == "triangular":
            distribution = Triangular(item.low, mode, item.high)
        elif item.kind == "loguniform":
            distribution = LogUniform(item.low, item.high)
        elif item.kind == "uniform":
            distribution = Uniform(item.low, item.high)
        else:
            raise UsageError(
                f"{item.name} has a range of kind {item.kind!r}; expected pert, uniform, triangular, loguniform"
            )
        found.append(Uncertainty(item.name, distribution))
    found += [Uncertainty(f"project:{row.id}", Uniform(0.0, 1.0)) for row in case.projects]
    return tuple(found)


def swap_notes(case: Case) -> list[str]:
    """Return which claims are not yet public at the case's as-of date, what is used instead, and by which parameters.

    One line for each claim that was passed over, with the first parameters that ask for it and the number of all.

    Args:
        case: loaded as of a date; without one there is nothing to say.
    """
    if case.as_of is None:
        return []
    asked: dict[tuple[str, str], list[str]] = {}
    for cell, swap in case.swaps():
        where = f"{cell.file}, row {cell.row}, {cell.column}"
        asked.setdefault((", ".join(swap.skipped), swap.used or "an expression"), []).append(where)
    cells = {where for places in asked.values() for where in places}
    lines = [f"As of {case.as_of}: {len(cells)} parameters use another claim than today."]
    for (skipped, used), places in asked.items():
        distinct = list(dict.fromkeys(places))
        more = f" and {len(distinct) - 2} more" if len(distinct) > 2 else ""
        lines.append(f"As of {case.as_of}: {used} instead of {skipped}: {'; '.join(distinct[:2])}{more}.")
    return lines


def _barrier_note(name: str, found: Unlock) -> list[str]:
    if found.reached >= found.target:
        return [
            f"{name}: {found.reached:,.0f} t in {found.year} reach the threshold of {found.target:,.0f} t as it stands."
        ]
    if not found.sets:
        return [
            f"{name}: no set of up to three barriers lets {found.target:,.0f} t through in {found.year}; with all of "
            f"them lifted {found.without_barriers:,.0f} t would go."
        ]
    texts = ["; or ".join(" and ".join(s.names) for s in found.sets)]
    return [f"{name}: {found.target:,.0f} t in {found.year} would take lifting {texts[0]}."]


def _stops(
    stopping: Submitted[StopJob, Stops], solved: Sequence[Composition], step: Callable[[int], None]
) -> dict[str, Stops]:
    """Return where the tonnes stop for each proposal that solved."""
    found = {}
    for composition, result in zip(solved, stopping.results(step), strict=True):
        if isinstance(result, Failure):
            raise OreflowError(f"{composition.name}: what stops the tonnes was not found: {result}")
        found[composition.name] = result
    return found


def _freight(stops: Stops | None, rests_on: References) -> Freight | None:
    if stops is None or stops.way is None:
        return None
    whole, abroad, words = stops.way
    return Freight(
        route=words, to=whole.to, percent_of_value=whole.percent_of_value, usd_per_kg_dytb=whole.usd_per_kg,
        refs=rests_on.way(), exit=abroad.to if abroad else "",
        exit_percent_of_value=abroad.percent_of_value if abroad else None,
        exit_usd_per_kg_dytb=abroad.usd_per_kg if abroad else None,
    )  # fmt: skip


def _existing(base: Base, outcome: Outcome) -> ExistingPath | None:
    """Return how many activities of the tracked goods outside, as the run used them, existed in the base year."""
    if not outcome.solved:
        return None
    last = outcome.years[-1]
    tracked = {c.id for c in base.case.commodities if c.origin == base.case.tracked_origin}
    inside = Lens(base, outcome.network).inside
    path = [
        j
        for j, a in enumerate(outcome.network.activities)
        if a.feed in tracked and a.place not in inside and a.to_place not in inside
        if a.kind in (Kind.ROUTE, Kind.PROCESS) and last.levels[j] > 1e-3
    ]
    return ExistingPath(sum(bool(outcome.base.year.levels[j] > 1e-6) for j in path), len(path))


def _lead(central: Central, solved: Sequence[Composition], year: int) -> tuple[Composition | None, int]:
    """Return the proposal that diverts most in the headline year, or in the first year after it in which any does."""
    others = [c for c in solved if c.name != central.status_quo]
    if not others:
        return None, year

    def tonnes(composition: Composition, when: int) -> float:
        return central.values[composition.name].get("diverted_first", {}).get(str(when), 0.0)

    later = range(year, central.base.case.end_year + 1)
    year = next((when for when in later if any(tonnes(c, when) > 1.0 for c in others)), year)
    return max(others, key=lambda c: tonnes(c, year)), year


def _doubt(case: Case, effect: Effect, proposal: str, year: int) -> Doubt:
    row = case.ledger.row(effect.ref)
    unit = unit_text(row.unit if row.basis in row.unit else f"{row.unit} {row.basis}")
    scale = case.ledger.scale_of(effect.ref)
    low, high = (f"{number_text(end / scale)} {unit}".strip() for end in (effect.low, effect.high))
    return Doubt(
        ref=effect.ref,
        subject=case.subject_of(effect.ref),
        grade=case.grade_of(effect.ref),
        effect=float(effect.swing),
        unit="t_oxide/yr",
        text=f"{wording_of(case).tracked} diverted in {year} under {proposal} is "
        f"{number_text(effect.at_low)} t at its low ({low}) and "
        f"{number_text(effect.at_high)} t at its high ({high})",
    )


def press_figures(case: Case) -> tuple[PressFigure, ...]:
    """Return what the record says of each figure in the case's press text (`press.txt`); none without such a text."""
    from oreflow.facts.claimcheck import CheckContext, check_text

    path = case_folder(case.reference)[0] / "press.txt"
    if not path.is_file():
        return ()
    reports = tuple(dict.fromkeys(report for claim in case.ledger.claims for report in claim.stems_from))
    places = tuple((place.name, place.id) for place in case.places)
    context = CheckContext(places=places, report=reports, written=int(case.study_date[:4]))
    figures = []
    for finding in check_text(path.read_text(encoding="utf-8"), case.ledger, context):
        said = (text.strip().rstrip(".") for text in (finding.summary, *finding.remarks))
        detail = " ".join(f"{text[:1].upper()}{text[1:]}." for text in said if text)
        refs = tuple(f"claim:{ref}" for ref in (*finding.claims, *finding.conflicting, *finding.also_reported))
        figures.append(PressFigure(finding.quantity.text, VERDICTS.get(finding.verdict, finding.verdict), detail, refs))
    return tuple(figures)


VERDICTS = {"matches": "agrees", "follows by arithmetic": "follows", "not in the ledger": "not in the record"}
