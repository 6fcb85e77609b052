"""What can be wrong with a case beyond the form of its files; every finding names file, row, column and remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches

from oreflow.chain import tables as t
from oreflow.chain.case import Case, Instrument, Proposal, Values
from oreflow.chain.folder import CASE_FILE, UNCERTAINTIES_FILE, first_day, shorten
from oreflow.chain.tables import Cell, ProcessRow, StockRow, Table
from oreflow.core.errors import OreflowError, Problem
from oreflow.core.units import UnitError, factor
from oreflow.facts.claim import Assumption, Claim
from oreflow.facts.expression import EvaluationError, ExpressionError, parse_expression, references, unit_of
from oreflow.facts.ledger import Finding, Ledger, LedgerError

WIDE_SUM = (0.95, 1.05)
"""Bounds on the sum of a basket's printed shares where they are normalised."""

NARROW_SUM = (0.999, 1.001)
"""Bounds where they are not."""

SHORTEST_CITATION = 20
"""Characters that a citation needs to stand in for a url or doi."""

Findings = Iterator[Problem]


def check_case(case: Case) -> tuple[Problem, ...]:
    """Return all problems of a case that was read: evidence, parameters, references, signs, sums, barriers, proposals.

    Args:
        case: as `read_case` returns it.

    Returns:
        Problems sorted by file and row; empty for a sound case.

    Example:
        >>> from oreflow.chain.template import template_case
        >>> check_case(template_case("tiny"))
        ()
    """
    look = _Look(case)
    groups: tuple[Callable[[_Look], Findings], ...] = (
        _check_head, _check_ledger, _check_cells, _check_places, _check_commodities, _check_baskets, _check_recipes,
        _check_processes, _check_projects, _check_legs, _check_routes, _check_demands, _check_stocks, _check_control,
        _check_events, _check_observations, _check_groups, _check_ties, _check_grades, _check_seasons,
        _check_expectation, _check_proposals, _check_sources_named,
    )  # fmt: skip
    found = dict.fromkeys(problem for group in groups for problem in group(look))
    return tuple(sorted(found, key=lambda p: (p.file != CASE_FILE, p.file, p.row or 0, p.column or "")))


class _Look:
    """A case with the indexes that checks share."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.values: Values = case.values()
        self.places = {row.id: row for row in case.places}
        self.commodities = {row.id: row for row in case.commodities}
        self.processes = {row.id: row for row in case.processes}
        self.legs = {row.id: row for row in case.legs}
        self.routes = {row.id: row for row in case.routes}
        self.ties = {row.id: row for row in case.ties}
        self.demands = frozenset(row.id for row in case.demands)
        self.stocks = frozenset(row.id for row in case.stocks)
        self.actors = {row.id for row in case.actors}
        self.seasons = {row.season for row in case.seasons}
        self.groups = {row.group for row in case.groups} | {row.group for row in case.actors if row.group}
        self.sources = {source.id for source in case.ledger.sources}
        self.broken: set[Cell] = set()

    def number(self, cell: Cell | None) -> float | None:
        """Return a cell's central number, None where it is empty or has a problem of its own."""
        if cell is None or cell in self.broken:
            return None
        try:
            return self.values[cell]
        except OreflowError:
            return None

    def reference(self, table: Table, row: int, column: str, name: str, known: Iterable[str], what: str) -> Findings:
        """Yield a problem if `name` is given and not known."""
        yield from _reference(table.file, row, column, name, known, what)

    def between(self, cell: Cell | None, low: float, high: float, expected: str, *, open_low: bool = False) -> Findings:
        """Yield a problem if a parameter's central number lies outside [low, high], or at low where that is open."""
        number = self.number(cell)
        if cell is None or number is None:
            return
        if not low <= number <= high or (open_low and number == low):
            text = f"{number:g}"
            yield Problem(cell.file, cell.row, cell.column, text, expected, "correct the claim or the expression")


def _reference(file: str, row: int | None, column: str, name: str, known: Iterable[str], what: str) -> Findings:
    names = known if isinstance(known, dict | set | frozenset) else set(known)
    if name and name not in names:
        near = get_close_matches(name, sorted(names), n=1)
        remedy = f"did you mean {near[0]!r}?" if near else "add the row or correct the id"
        yield Problem(file, row, column, f"the unknown {what} {shorten(name)!r}", f"an id of a {what}", remedy)


def _head_reference(column: str, name: str, known: Iterable[str], what: str) -> Findings:
    yield from _reference(CASE_FILE, None, column, name, known, what)


def _check_head(look: _Look) -> Findings:
    case = look.case
    known = {proposal.id for proposal in case.proposals}
    if case.proposals:
        yield from _head_reference("status_quo", case.status_quo, known, "proposal")
    for text in case.compare:
        for part in text.split("+"):
            yield from _head_reference("compare", part.strip() or "?", known, "proposal")
    origins = {row.origin for row in case.commodities if row.origin}
    yield from _head_reference("tracked_origin", case.tracked_origin, origins, "origin of a commodity")
    elements = {row.element for row in case.baskets} | {row.element for row in case.commodities if row.element}
    for element in case.tracked_elements:
        yield from _head_reference("tracked_elements", element, elements, "element")
    yield from _head_reference("outside", case.outside, {*look.groups, *look.places}, "group or place")
    switches = {switch.id: switch for switch in case.switch_options}
    for name, option in case.switches.items():
        if name not in switches:
            yield from _head_reference("switches", name, switches, "switch")
        else:
            yield from _head_reference("switches", option, switches[name].options, f"option of {name}")
    names = {*case.ledger.claim_by_id, *case.ledger.assumption_by_id, *case.ledger.names}
    for name in case.exclude:
        yield from _reference(UNCERTAINTIES_FILE, None, "exclude", name, names, "claim or assumption")
    selectors = {word for row in case.demands for word in (row.id, row.commodity, row.use)} | {"*"}
    for switch in case.switch_options:
        for option, factors in switch.options.items():
            for selector in factors:
                yield from _reference(
                    UNCERTAINTIES_FILE, None, f"{switch.id}.{option}", selector, selectors, "demand, commodity or use"
                )


def _check_ledger(look: _Look) -> Findings:
    ledger = look.case.ledger
    lines = look.case.lines or {}
    for source in ledger.sources:
        if not (source.url or source.doi or len(source.citation) >= SHORTEST_CITATION):
            yield Problem(
                t.SOURCES.file, lines.get(f"source:{source.id}"), "url", f"source {source.id!r} without url or doi",
                "a url, a doi or a full citation", "add one of the three",
            )  # fmt: skip
        elif source.url and not source.url.startswith(("https://", "http://")):
            yield Problem(
                t.SOURCES.file, lines.get(f"source:{source.id}"), "url", repr(shorten(source.url)),
                "a url that begins with https:// or http://", "correct it, or use the column citation",
            )  # fmt: skip
    for claim in ledger.claims:
        row = lines.get(f"claim:{claim.id}", 0)
        yield from look.reference(t.CLAIMS, row, "source", claim.source, look.sources, "source")
        for name in claim.derived_from:
            yield from look.reference(t.CLAIMS, row, "derived_from", name, ledger.claim_by_id, "claim")
            if name == claim.id:
                yield Problem(t.CLAIMS.file, row, "derived_from", "the claim itself", "other claims", "remove it")
        for name in claim.stems_from:
            yield from look.reference(t.CLAIMS, row, "stems_from", name, look.sources, "source")
    for assumption in ledger.assumptions:
        row = lines.get(f"assume:{assumption.id}", 0)
        for name in assumption.source.split(";"):
            yield from look.reference(t.ASSUMPTIONS, row, "source", name.strip(), look.sources, "source")
        if isinstance(assumption.value, str):
            yield from _check_assumed_expression(ledger, assumption, row)
        if assumption.dist == "loguniform" and (assumption.low is None or assumption.low <= 0):
            yield Problem(
                t.ASSUMPTIONS.file, row, "dist", f"loguniform from {assumption.low}", "a low above 0", "correct low"
            )
    items: tuple[Claim | Assumption, ...] = (*ledger.claims, *ledger.assumptions)
    for item in items:
        is_claim = not isinstance(item, Assumption)
        file = t.CLAIMS.file if is_claim else t.ASSUMPTIONS.file
        row = lines.get(f"{'claim' if is_claim else 'assume'}:{item.id}", 0)
        if item.low is not None and item.high is not None and item.low > item.high:
            yield Problem(file, row, "low", f"low {item.low:g} above high {item.high:g}", "low <= high", "swap them")
        elif isinstance(item.value, float):
            low = item.low if item.low is not None else item.value
            high = item.high if item.high is not None else item.value
            if not low <= item.value <= high:
                found = f"value {item.value:g} outside low {low:g} to high {high:g}"
                yield Problem(file, row, "value", found, "low <= value <= high", "widen the range or correct the value")
    for finding in ledger.findings:
        yield _ledger_problem(finding, lines)
    for cycle in ledger.cycles:
        row = lines.get(f"assume:{cycle[0]}", 0)
        found = "a cycle: " + " -> ".join(cycle)
        yield Problem(
            t.ASSUMPTIONS.file, row, "value", found, "expressions without cycle", "state one of them as a number"
        )


def _ledger_problem(finding: Finding, lines: Mapping[str, int]) -> Problem:
    claim = finding.kind == "claim"
    file = t.CLAIMS.file if claim else t.ASSUMPTIONS.file
    row = lines.get(f"{'claim' if claim else 'assume'}:{finding.id}")
    return Problem(file, row, finding.column, finding.found, finding.expected, finding.remedy)


def _check_assumed_expression(ledger: Ledger, assumption: Assumption, row: int) -> Findings:
    try:
        tree = parse_expression(str(assumption.value))
    except ExpressionError:
        return  # reported when the table was read
    known = {*ledger.names}
    unknown = [name for name in references(tree) if name not in known]
    for name in unknown:
        yield from _reference(t.ASSUMPTIONS.file, row, "value", name, known, "claim or assumption")
    if unknown or f"assume:{assumption.id}" not in ledger.units:
        return
    try:
        unit = unit_of(tree, ledger.units)
        if unit is not None:
            factor(unit, ledger.units[f"assume:{assumption.id}"])
    except (UnitError, EvaluationError) as error:
        yield Problem(
            t.ASSUMPTIONS.file, row, "unit", str(error), f"the unit {assumption.unit or '1'} of the row",
            "correct the unit and basis, or the expression",
        )  # fmt: skip


def _check_cells(look: _Look) -> Findings:
    unmodelled = {row.row for row in look.case.events if not row.modelled}
    for table, cell in look.case.placed_cells():
        checking = table == "published" or (table == "events" and cell.row in unmodelled)
        if checking and not all(_is_public(look.case, name) for name in cell.references):
            continue  # figures kept for comparison may be younger than the as-of date
        problem = look.case.cell_problem(cell, look.case.as_of)
        if problem is None:
            try:
                look.values[cell]
            except OreflowError as error:
                problem = Problem(
                    cell.file, cell.row, cell.column, shorten(str(error)), "a finite number", "correct the expression"
                )
        if problem is not None:
            look.broken.add(cell)
            yield problem


def _is_public(case: Case, name: str) -> bool:
    """Return whether a reference is visible at the case's as-of date; unknown ones are reported elsewhere."""
    try:
        return case.ledger.is_visible(name, case.as_of)
    except LedgerError:
        return True


def _check_places(look: _Look) -> Findings:
    for row in look.case.places:
        yield from look.reference(t.PLACES, row.row, "parent", row.parent, look.places, "place")
        seen, at = {row.id}, row.parent
        while at in look.places and at not in seen:
            seen.add(at)
            at = look.places[at].parent
        if at == row.id:
            yield Problem(t.PLACES.file, row.row, "parent", f"{row.id!r} above itself", "a tree", "correct parent")
        for column, value, bound in (("lat", row.lat, 90.0), ("lon", row.lon, 180.0)):
            if value is not None and abs(value) > bound:
                yield Problem(t.PLACES.file, row.row, column, f"{value:g}", f"-{bound:g} to {bound:g}", "correct it")
    world = [row for row in look.case.commodities if row.market == "world"]
    if world and "WORLD" not in look.places:
        found = f"no place WORLD, where {world[0].id} has its market"
        yield Problem(t.PLACES.file, None, "id", found, "a row WORLD", "add WORLD with kind world")


def _check_commodities(look: _Look) -> Findings:
    baskets = {row.basket for row in look.case.baskets}
    for row in look.case.commodities:
        yield from look.reference(t.COMMODITIES, row.row, "basket", row.basket, baskets, "basket")
        if row.disposal == "cost" and row.disposal_cost is None:
            yield Problem(t.COMMODITIES.file, row.row, "disposal_cost", "nothing", "a cost", "fill it in, or use free")
        yield from look.between(row.gross_per_t, 0.0, 1e6, "a positive weight", open_low=True)
    oxides = Counter(row.element for row in look.case.commodities if row.stage == "oxide" and row.element)
    for element, count in oxides.items():
        if count > 1 and any(row.element == element for row in look.case.baskets):
            found = f"{count} oxides of {element}"
            yield Problem(t.COMMODITIES.file, None, "element", found, "one for each element", "merge them")


def _check_baskets(look: _Look) -> Findings:
    names = dict.fromkeys(row.basket for row in look.case.baskets)
    for name in names:
        rows = [row for row in look.case.baskets if row.basket == name]
        first = rows[0]
        rules = {row.normalise or "yes" for row in rows}
        if len(rules) > 1:
            yield Problem(t.BASKETS.file, first.row, "normalise", "yes and no", "one rule a basket", "make them alike")
        printed, total, whole = 0.0, 0.0, True
        for row in rows:
            number = look.number(row.share)
            if row.share is None or number is None:
                whole = False
                continue
            yield from look.between(row.share, 0.0, 1.0, "a share from 0 to 100%")
            total += number
            if any(reference.startswith("claim:") for reference in row.share.references):
                printed += number
        low, high = NARROW_SUM if rules == {"no"} else WIDE_SUM
        checked = printed or total
        if whole and not low <= checked <= high:
            yield Problem(
                t.BASKETS.file, first.row, "share", f"shares of {name!r} that sum to {100 * checked:.2f}%",
                f"a sum from {100 * low:g}% to {100 * high:g}%", "correct the claims, or complete the basket",
            )  # fmt: skip


def _elements(pattern: str) -> tuple[str, ...]:
    inside = pattern.removeprefix("@feed:")
    return () if inside in ("rest", "all") else tuple(element.strip() for element in inside.split(";"))


def _check_recipes(look: _Look) -> Findings:
    oxides = {row.element for row in look.case.commodities if row.stage == "oxide"}
    unit_lines: dict[str, bool] = {}
    for row in look.case.recipes:
        if row.commodity.startswith("@feed:"):
            for element in _elements(row.commodity):
                yield from look.reference(t.RECIPES, row.row, "commodity", element, oxides, "element with an oxide")
        elif row.commodity != "@feed":
            yield from look.reference(t.RECIPES, row.row, "commodity", row.commodity, look.commodities, "commodity")
        yield from look.between(row.coefficient, 0.0, 1e9, "a coefficient from 0")
        if row.commodity.startswith("@feed:"):
            yield from look.between(row.coefficient, 0.0, 1.0, "a recovery from 0 to 1")
        literal = row.coefficient is not None and not row.coefficient.references and look.number(row.coefficient) == 1.0
        unit_lines[row.recipe] = unit_lines.get(row.recipe, False) or (
            literal and not row.commodity.startswith("@feed:")
        )
    for name, has_unit in unit_lines.items():
        if not has_unit:
            first = next(row for row in look.case.recipes if row.recipe == name)
            yield Problem(
                t.RECIPES.file, first.row, "coefficient", f"recipe {name!r} without a line of coefficient =1",
                "one commodity per t of which the activity is counted", "write =1 for that commodity",
            )  # fmt: skip


def _check_processes(look: _Look) -> Findings:
    case = look.case
    recipes = {row.recipe for row in case.recipes}
    feeding = {row.recipe for row in case.recipes if row.commodity.startswith("@feed")}
    resting = {row.recipe for row in case.recipes if row.commodity == "@feed:rest"}
    used = {row.process for row in case.projects}
    for row in case.processes:
        where = (t.PROCESSES, row.row)
        yield from look.reference(*where, "place", row.place, look.places, "place")
        if row.place in look.places and look.places[row.place].role != "market":
            found = f"the transit place {row.place!r}"
            yield Problem(t.PROCESSES.file, row.row, "place", found, "a market", "give the place the role market")
        yield from look.reference(*where, "recipe", row.recipe, recipes, "recipe")
        for feed in row.feeds:
            yield from look.reference(*where, "feeds", feed, look.commodities, "commodity")
            commodity = look.commodities.get(feed)
            if commodity is not None and row.recipe in feeding and not commodity.basket:
                yield Problem(
                    t.PROCESSES.file, row.row, "feeds", f"{feed!r} without basket", "a concentrate", "name its basket"
                )
            if row.recipe in resting and f"{feed}_seg" not in look.commodities:
                found = f"no commodity {feed}_seg for what is left of {feed}"
                yield Problem(
                    t.PROCESSES.file, row.row, "feeds", found, "its remainder", f"add {feed}_seg, intermediate"
                )
        if row.recipe in feeding and not row.feeds:
            yield Problem(t.PROCESSES.file, row.row, "feeds", "nothing", "the feeds of the recipe's @feed", "name them")
        if row.recipe in recipes - feeding and row.feeds:
            found = f"feeds of a recipe without @feed ({row.recipe})"
            yield Problem(t.PROCESSES.file, row.row, "feeds", found, "nothing", "clear it, or use @feed in the recipe")
        for column, name in (("operator", row.operator), ("rent_to", row.rent_to)):
            yield from look.reference(*where, column, name, {*look.actors, *look.places}, "actor")
        yield from look.between(row.capacity, 0.0, 1e15, "a capacity from 0 (empty = unlimited)")
        yield from look.between(row.elasticity, 0.0, 1e6, "a positive supply elasticity", open_low=True)
        absent = look.number(row.capacity) == 0.0 or (row.start is not None and row.start > case.base_year)
        if absent and not row.explained_by:
            cause = f"starts in {row.start}" if row.start is not None and row.start > case.base_year else "capacity 0"
            planned = " (a project is no explanation)" if row.id in used else ""
            yield Problem(
                t.PROCESSES.file, row.row, "explained_by", f"nothing, and {cause} in {case.base_year}{planned}",
                "what stops the process in the base year", "write the barrier in words and name its kind",
            )  # fmt: skip
        if row.explained_by and not row.barrier:
            yield Problem(t.PROCESSES.file, row.row, "barrier", "nothing", "the kind of the barrier", "name it")
        yield from look.reference(*where, "season", row.season, look.seasons, "season")
        yield from _check_investment(look, row)


def _check_investment(look: _Look, row: ProcessRow) -> Findings:
    """Check what a process says of entry, mothballing and restart."""
    for cell in (row.lead, row.ramp, row.restart_time, row.fixed_cost, row.restart_cost, row.entry_rate, row.capex):
        yield from look.between(cell, 0.0, 1e15, "0 or more")
    yield from look.between(row.life, 0.0, 200.0, "years above 0", open_low=True)
    yield from look.between(row.retire_after, 0.0, 200.0, "years above 0", open_low=True)
    yield from look.between(row.risk, 0.0, 1.0, "a premium of 0 to 1 a year")
    wanted: dict[str, Cell | None] = {}
    if row.entry_rate is not None:
        wanted |= {"capex": row.capex, "life": row.life}
    if any(cell is not None for cell in (row.restart_cost, row.restart_time, row.retire_after)):
        wanted["fixed_cost"] = row.fixed_cost
    for column, cell in wanted.items():
        if cell is None:
            cause = "capacity that may enter" if column != "fixed_cost" else "a plant that may be mothballed"
            yield Problem(
                t.PROCESSES.file, row.row, column, f"nothing, beside {cause}", f"a {column}",
                "fill it in, or clear entry_rate and the columns of a restart",
            )  # fmt: skip
    if row.entry_rate is not None and row.capacity is None:
        yield Problem(
            t.PROCESSES.file, row.row, "entry_rate", "a rate of entry for a process without capacity",
            "a capacity that entry adds to", "give the capacity, or clear entry_rate",
        )  # fmt: skip


def _check_projects(look: _Look) -> Findings:
    for row in look.case.projects:
        yield from look.reference(t.PROJECTS, row.row, "process", row.process, look.processes, "process")
        yield from look.between(row.ramp, 0.0, 100.0, "0 to 100 years")
        process = look.processes.get(row.process)
        if row.decision == "if_it_pays" and process is not None:
            for column, cell in (("capex", process.capex), ("life", process.life)):
                if cell is None:
                    yield Problem(
                        t.PROCESSES.file, process.row, column, f"nothing, and project {row.id} comes only if it pays",
                        f"a {column} by which to judge it", f"fill it in, or let {row.id} be committed",
                    )  # fmt: skip
        yield from look.between(row.capacity, 0.0, 1e15, "a capacity from 0")
        yield from look.between(row.probability, 0.0, 1.0, "a probability from 0 to 1")
        yield from look.between(row.start, 1800.0, 2300.0, "a year")


def _check_legs(look: _Look) -> Findings:
    for row in look.case.legs:
        yield from look.reference(t.LEGS, row.row, "from", row.from_, look.places, "place")
        yield from look.reference(t.LEGS, row.row, "to", row.to, look.places, "place")
        yield from look.between(row.capacity, 0.0, 1e15, "a capacity from 0 (empty = unlimited)")
        yield from look.between(row.km, 0.0, 50_000.0, "a distance from 0 km")
        yield from look.between(row.rate, 0.0, 1e9, "a rate from 0")
        yield from look.between(row.months_open, 0.0, 12.0, "0 to 12 months")
        yield from look.between(row.loss, 0.0, 1.0, "a share from 0 to 1")
        yield from look.between(row.days, 0.0, 3660.0, "0 to 3,660 days")
        yield from look.reference(t.LEGS, row.row, "season", row.season, look.seasons, "season")
        if row.season and row.capacity is None:
            found = f"season {row.season!r} of a leg without capacity"
            yield Problem(t.LEGS.file, row.row, "season", found, "a capacity", "give the leg one, or clear the season")
        shut = row.state == "closed" or look.number(row.capacity) == 0.0
        if shut and not row.explained_by:
            yield Problem(t.LEGS.file, row.row, "explained_by", "nothing, and the leg is closed", "why", "write it")
        if row.explained_by and not row.barrier:
            yield Problem(t.LEGS.file, row.row, "barrier", "nothing", "the kind of the barrier", "name it")


def _check_routes(look: _Look) -> Findings:
    for row in look.case.routes:
        for column, place in (("from", row.from_), ("to", row.to)):
            yield from look.reference(t.ROUTES, row.row, column, place, look.places, "place")
            if place in look.places and look.places[place].role != "market":
                found = f"the transit place {place!r}"
                yield Problem(t.ROUTES.file, row.row, column, found, "a market", "give the place the role market")
        if row.from_ == row.to:
            yield Problem(t.ROUTES.file, row.row, "to", f"{row.to!r} again", "another place than from", "correct it")
        unknown = [leg for leg in row.legs if leg not in look.legs]
        for leg in unknown:
            yield from look.reference(t.ROUTES, row.row, "legs", leg, look.legs, "leg")
        if row.legs and not unknown:
            yield from _check_path(look, row.row, row.from_, row.to, row.legs)
        for name in row.commodities:
            if name.startswith("stage:"):
                stages = {commodity.stage for commodity in look.case.commodities}
                yield from look.reference(
                    t.ROUTES, row.row, "commodities", name.removeprefix("stage:"), stages, "stage in use"
                )
            else:
                yield from look.reference(t.ROUTES, row.row, "commodities", name, look.commodities, "commodity")
        yield from look.between(row.response, 0.0, 1e6, "a positive link-response elasticity", open_low=True)
        if row.explained_by and not row.barrier:
            yield Problem(t.ROUTES.file, row.row, "barrier", "nothing", "the kind of the barrier", "name it")


def _check_path(look: _Look, line: int, start: str, end: str, legs: tuple[str, ...]) -> Findings:
    """Walk the legs from start to end; a leg may be used both ways, and a market stands for the region around it."""
    at = start
    for number, name in enumerate(legs):
        leg = look.legs[name]
        near = _near if number == 0 else _same_place
        if near(look, leg.from_, at):
            at = leg.to
        elif near(look, leg.to, at):
            at = leg.from_
        else:
            found = f"leg {name} ({leg.from_} to {leg.to}) after {at}"
            yield Problem(t.ROUTES.file, line, "legs", found, f"a leg that begins at {at}", "correct the order of legs")
            return
    if not _near(look, at, end):
        yield Problem(t.ROUTES.file, line, "legs", f"legs that end at {at}", f"an end at {end}", "complete the legs")


def _near(look: _Look, one: str, other: str) -> bool:
    """Return whether two places are the same, one lies in the other, or both lie in the same place."""
    mine, theirs = look.places.get(one), look.places.get(other)
    beside = mine is not None and theirs is not None and bool(mine.parent) and mine.parent == theirs.parent
    return beside or _same_place(look, one, other)


def _same_place(look: _Look, one: str, other: str) -> bool:
    return one == other or one in _above(look, other) or other in _above(look, one)


def _above(look: _Look, place: str) -> set[str]:
    found: set[str] = set()
    while place in look.places and place not in found:
        found.add(place)
        place = look.places[place].parent
    return found


def _check_demands(look: _Look) -> Findings:
    switches = {switch.id for switch in look.case.switch_options}
    for row in look.case.demands:
        yield from look.reference(t.DEMANDS, row.row, "place", row.place, look.places, "place")
        if row.place in look.places and look.places[row.place].role != "market":
            found = f"the transit place {row.place!r}"
            yield Problem(t.DEMANDS.file, row.row, "place", found, "a market", "give the place the role market")
        yield from look.reference(t.DEMANDS, row.row, "commodity", row.commodity, look.commodities, "commodity")
        yield from look.reference(t.DEMANDS, row.row, "switch", row.switch, switches, "switch")
        yield from look.between(row.quantity, 0.0, 1e15, "a quantity from 0")
        yield from look.between(row.elasticity, -1e3, 0.0, "a negative elasticity")
        if look.number(row.elasticity) == 0.0 or row.elasticity is None:
            found = "nothing" if row.elasticity is None else "0"
            yield Problem(
                t.DEMANDS.file, row.row, "elasticity", found, "a negative elasticity",
                "give it; -0.01 for a use that hardly answers to the price",
            )  # fmt: skip
        if row.saturation is not None and row.form != "linear":
            yield Problem(
                t.DEMANDS.file, row.row, "saturation", f"a saturation of a use of form {row.form}", "form linear",
                "empty the cell or make the use linear",
            )  # fmt: skip
        yield from look.between(
            row.adjustment, 0.0, 1.0, "a share of the gap closed in a year, above 0 to 1", open_low=True
        )
        yield from look.between(row.growth, -1.0, 10.0, "a growth rate")
        yield from look.between(row.choke, 1.0, 1e9, "a multiple above 1 of the base price", open_low=True)
        yield from look.between(row.saturation, 1.0, 1e9, "a multiple from 1 of the base quantity")


def _check_stocks(look: _Look) -> Findings:
    for row in look.case.stocks:
        yield from look.reference(t.STOCKS, row.row, "place", row.place, look.places, "place")
        yield from look.reference(t.STOCKS, row.row, "commodity", row.commodity, look.commodities, "commodity")
        yield from look.reference(t.STOCKS, row.row, "holder", row.holder, {*look.actors, *look.places}, "actor")
        yield from look.between(row.opening, 0.0, 1e15, "tonnes from 0")
        yield from look.between(row.holding_cost, 0.0, 1e15, "a cost from 0")
        yield from look.between(row.spoilage, 0.0, 0.999999, "a share a year from 0 to below 1")
        yield from look.between(row.growth, -1.0, 10.0, "a growth rate")
        opening = look.number(row.opening) or 0.0
        yield from look.between(row.capacity, opening, 1e15, "a capacity of the opening stock or more")
        yield from _check_release(look, row)


def _check_release(look: _Look, row: StockRow) -> Findings:
    """Check the rule of a strategic stock: a price at which it sells or buys, or a dated release, not both."""
    file = t.STOCKS.file
    ruled = (row.sell_at, row.buy_at, row.rate, row.release)
    stated = any(cell is not None for cell in ruled) or bool(row.release_from or row.release_to or row.announced)
    if row.kind != "strategic":
        if stated:
            found = "a rule of release for a commercial stock"
            yield Problem(file, row.row, "kind", found, "strategic", "call it strategic, or clear the rule")
        return
    if row.release is not None and (row.sell_at is not None or row.buy_at is not None):
        found = "a dated release beside a price at which the stock sells or buys"
        yield Problem(file, row.row, "release", found, "one rule a row", "give the second rule a row of its own")
    if row.release is not None:
        yield from look.between(row.release, 0.0, look.number(row.opening) or 0.0, "at most the opening stock")
        for column, day in (("release_from", row.release_from), ("release_to", row.release_to)):
            if not day:
                yield Problem(file, row.row, column, "nothing", "a date", "say from when to when the tonnes are sold")
        yield from _check_order(t.STOCKS, row.row, "release_to", row.release_from, row.release_to)
    for cell in (row.sell_at, row.buy_at, row.rate):
        yield from look.between(cell, 0.0, 1e15, "0 or more")
    sell, buy = look.number(row.sell_at), look.number(row.buy_at)
    if sell is not None and buy is not None and buy >= sell:
        found = f"buying at {buy:g} and selling at {sell:g}"
        yield Problem(file, row.row, "buy_at", found, "buying below selling", "correct the prices")
    if row.rate is not None and row.sell_at is None and row.buy_at is None:
        yield Problem(file, row.row, "rate", "a rate without a price", "sell_at or buy_at", "give the price")


def _check_control(look: _Look) -> Findings:
    objects = {*look.places, *look.legs, *look.processes}
    for row in look.case.control:
        yield from look.reference(t.CONTROL, row.row, "object", row.object, objects, "place, leg or process")
        for column, name in (("controller", row.controller), ("operator", row.operator)):
            yield from look.reference(t.CONTROL, row.row, column, name, look.actors, "actor")
        yield from _check_order(t.CONTROL, row.row, "to", row.from_, row.to)


def _check_order(table: Table, line: int, column: str, start: str, end: str) -> Findings:
    first, last = first_day(start), first_day(end)
    if first is not None and last is not None and last < first and not start.startswith(end):
        yield Problem(table.file, line, column, f"{end} before {start}", "an end after the start", "correct the dates")


def _check_events(look: _Look) -> Findings:
    instruments = {instrument.id: instrument for instrument in look.case.event_instruments()}
    for row in look.case.events:
        yield from _check_order(t.EVENTS, row.row, "end", row.date, row.end)
        if not row.modelled:
            continue
        yield from look.reference(
            t.EVENTS, row.row, "instrument", row.instrument or "?", t.INSTRUMENT_OPTIONS, "instrument"
        )
        if row.instrument in t.INSTRUMENT_OPTIONS:
            yield from _check_instrument(look, t.EVENTS.file, row.row, instruments[row.id])


def _check_observations(look: _Look) -> Findings:
    places = {*look.places, *look.groups}
    for row in look.case.observations:
        where = (t.OBSERVATIONS, row.row)
        yield from look.reference(*where, "place", row.place, places, "place or group")
        yield from look.reference(*where, "to_place", row.to_place, places, "place or group")
        yield from look.reference(*where, "commodity", row.commodity, look.commodities, "commodity")
        rows = {"use": look.demands, "stock": look.stocks}.get(row.kind, frozenset()) | {*look.processes}
        yield from look.reference(*where, "process", row.process, rows, "process, demand or stock")
        if not row.place and not row.process:
            yield Problem(t.OBSERVATIONS.file, row.row, "place", "nothing", "a place or a process", "fill it in")
        if row.kind == "flow" and not row.to_place:
            yield Problem(t.OBSERVATIONS.file, row.row, "to_place", "nothing", "where the flow goes", "fill it in")
        yield from look.between(row.sd, 0.0, 10.0, "a relative standard deviation above 0", open_low=True)


def _check_groups(look: _Look) -> Findings:
    known = {*look.places, *look.actors, *look.groups}
    for row in look.case.groups:
        yield from look.reference(t.GROUPS, row.row, "member", row.member, known, "place, actor or group")


def _check_ties(look: _Look) -> Findings:
    for row in look.case.ties:
        where = (t.TIES, row.row)
        yield from look.reference(*where, "process", row.process, look.processes, "process")
        yield from look.reference(*where, "commodity", row.commodity, look.commodities, "commodity")
        yield from look.reference(
            *where, "destination", row.destination, {*look.places, *look.groups}, "place or group"
        )
        yield from look.reference(*where, "operator", row.operator, look.actors, "actor")
        yield from look.between(row.share, 0.0, 1.0, "a share from 0 to 1")


def _check_grades(look: _Look) -> Findings:
    case = look.case
    demands = {row.id: row for row in case.demands}
    lines: dict[str, dict[str, list[str]]] = {}
    for line in case.recipes:
        lines.setdefault(line.recipe, {"input": [], "output": []}).setdefault(line.side, []).append(line.commodity)
    taken = {*demands, *look.processes, *look.routes, *look.stocks}
    for row in case.grades:
        where = (t.GRADES, row.row)
        yield from look.reference(*where, "replaces", row.replaces, {**demands, **look.processes}, "demand or process")
        yield from look.reference(*where, "recipe", row.recipe, lines, "recipe")
        if row.id in taken:
            yield Problem(t.GRADES.file, row.row, "id", f"{row.id!r}, which names another row", "a new id", "rename it")
        yield from look.between(row.qualification, 0.0, 100.0, "0 to 100 years")
        yield from look.between(row.share, 0.0, 1.0, "a share of the use above 0 to 1", open_low=True)
        yield from look.between(row.rate, 0.0, 1.0, "a share of the use above 0 to 1 a year", open_low=True)
        yield from look.between(row.life, 0.0, 200.0, "years above 0", open_low=True)
        yield from look.between(row.cost, 0.0, 1e15, "a cost from 0")
        recipe = lines.get(row.recipe)
        if recipe is None:
            continue
        if any(name.startswith("@feed") for side in recipe.values() for name in side):
            found = f"recipe {row.recipe!r} with @feed"
            yield Problem(t.GRADES.file, row.row, "recipe", found, "named commodities", "write the commodities out")
        use, process = demands.get(row.replaces), look.processes.get(row.replaces)
        makes = {use.commodity} if use else set(lines.get(process.recipe, {}).get("output", ())) if process else set()
        if makes and not makes & set(recipe["output"]):
            found = f"recipe {row.recipe!r}, which makes {', '.join(recipe['output']) or 'nothing'}"
            expected = f"a recipe that makes {' or '.join(sorted(makes))}, as {row.replaces} takes or makes it"
            yield Problem(t.GRADES.file, row.row, "recipe", found, expected, "correct the recipe or replaces")


def _check_seasons(look: _Look) -> Findings:
    seen: dict[tuple[str, str], int] = {}
    for row in look.case.seasons:
        yield from look.between(row.factor, 0.0, 1e6, "a factor from 0")
        for month in row.months:
            if not (month.isdigit() and 1 <= int(month) <= 12):
                expected = "months 1 to 12 parted by ;"
                yield Problem(t.SEASONS.file, row.row, "months", repr(month), expected, "correct it")
                continue
            first = seen.setdefault((row.season, str(int(month))), row.row)
            if first != row.row:
                found = f"month {month} of {row.season} again (first in row {first})"
                yield Problem(t.SEASONS.file, row.row, "months", found, "each month once", "remove one")
    for season in sorted(look.seasons):
        rows = [row for row in look.case.seasons if row.season == season]
        months = {int(m) for row in rows for m in row.months if m.isdigit()}
        if len(months) >= 12 and all(look.number(row.factor) == 0.0 for row in rows):
            yield Problem(t.SEASONS.file, rows[0].row, "factor", f"{season} shut all year", "an open month", "open one")


def _check_expectation(look: _Look) -> Findings:
    case = look.case
    yield from look.between(case.time.weight, 0.0, 1.0, "a share from 0 to 1")
    if case.time.expectation == "path" and not case.expected_prices:
        yield Problem(
            CASE_FILE, None, "expectation", "rule path, and no prices in expected_prices.csv", "the prices expected",
            "add expected_prices.csv, or take the rule anchor",
        )  # fmt: skip
    for row in case.expected_prices:
        where = (t.EXPECTED_PRICES, row.row)
        yield from look.reference(*where, "place", row.place, look.places, "place")
        yield from look.reference(*where, "commodity", row.commodity, look.commodities, "commodity")
        yield from look.between(row.price, 0.0, 1e15, "a price above 0", open_low=True)


def _check_proposals(look: _Look) -> Findings:
    known = {proposal.id for proposal in look.case.proposals}
    for proposal in look.case.proposals:
        for other in proposal.alternatives:
            yield from _reference(proposal.file, None, "alternatives", other.id or "?", known, "proposal")
        for source in proposal.sources:
            yield from _reference(proposal.file, None, "sources", source, look.sources, "source")
        counts = Counter(instrument.id for instrument in proposal.instruments)
        for name, count in counts.items():
            if count > 1:
                yield Problem(
                    proposal.file, None, "instruments", f"{name!r} {count} times", "each id once", "rename one"
                )
        for instrument in proposal.instruments:
            yield from _check_instrument(look, proposal.file, instrument.row, instrument)
        yield from _check_evidence(proposal)


def _check_evidence(proposal: Proposal) -> Findings:
    if proposal.instruments and not proposal.sources:
        yield Problem(
            proposal.file, None, "sources", "nothing", "ids of sources", "say where the proposal is described"
        )
    if proposal.instruments and not proposal.not_modelled:
        yield Problem(proposal.file, None, "not_modelled", "nothing", "what is left out", "list it, as [violence]")


_TARGETS: Mapping[str, str] = {
    "investment": "process", "leg": "leg", "operator_release": "tie", "offtake_tie": "process",
}  # fmt: skip
"""Instrument types whose target can only be of one table."""


def _check_instrument(look: _Look, file: str, row: int | None, instrument: Instrument) -> Findings:
    kind = instrument.type
    if not instrument.target:
        yield Problem(file, row, "target", "nothing", "ids of what the instrument touches", "add target")
    tables: Mapping[str, Iterable[str]] = {"process": look.processes, "leg": look.legs, "tie": look.ties}
    everything = {
        *look.processes, *look.routes, *look.legs, *look.ties, *look.actors, *look.places, *look.groups,
    }  # fmt: skip
    for target in instrument.target:
        if kind in _TARGETS:
            yield from _reference(file, row, "target", target, tables[_TARGETS[kind]], _TARGETS[kind])
            continue
        for end in target.split("->"):
            yield from _reference(
                file, row, "target", end.strip() or "?", everything, "place, route, leg, process or actor"
            )
    if kind in t.WITHOUT_MAGNITUDE:
        if instrument.magnitude is not None:
            yield Problem(file, row, "magnitude", "a magnitude", f"none for {kind}", "remove it")
    elif instrument.magnitude is None:
        yield Problem(file, row, "magnitude", "nothing", f"a magnitude for {kind}", "add it")
    elif instrument.magnitude.unit == "1" and kind not in ("tariff", "levy"):
        most = 10.0 if kind == "licence" else 1.0
        yield from look.between(instrument.magnitude, 0.0, most, f"a share from 0 to {most:g}")
    elif kind not in ("tariff", "levy", "subsidy"):
        yield from look.between(instrument.magnitude, 0.0, 1e15, "a magnitude from 0")
    if instrument.start is not None and instrument.end is not None and instrument.end <= instrument.start:
        found = f"{instrument.end:g}, not after the start {instrument.start:g}"
        yield Problem(file, row, "end", found, "an end after the start", "correct the dates")
    who = {*look.actors, *look.places, *look.groups}
    for column in ("actor", "payer", "receiver"):
        yield from _reference(file, row, column, getattr(instrument, column), who, "actor")
    yield from _reference(file, row, "source", instrument.source, look.sources, "source")
    goods = instrument.options.get("commodities")
    words = goods if isinstance(goods, tuple) else re.split(r"[;|,]", goods) if isinstance(goods, str) else ()
    for word in (word.strip() for word in words):
        if not word.startswith(("stage:", "element:", "origin:")):
            yield from _reference(file, row, "commodities", word, look.commodities, "commodity")


def _check_sources_named(look: _Look) -> Findings:
    tables = (t.MONEY, *(table for table in t.CHAIN if any(column.name == "source" for column in table.columns)))
    for table in tables:
        rows = look.case.ledger.money if table is t.MONEY else getattr(look.case, table.name)
        for number, row in enumerate(rows, start=2):
            line = getattr(row, "row", 0) or number
            for name in row.source.split(";"):
                yield from look.reference(table, line, "source", name.strip(), look.sources, "source")
