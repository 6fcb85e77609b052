"""The case: every table of a folder as frozen rows, its ledger, its proposals, and the numbers of its parameters."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from oreflow.chain import tables as t
from oreflow.chain.folder import (
    CASE_FILE,
    UNCERTAINTIES_FILE,
    Problems,
    RawRow,
    first_day,
    is_date,
    is_id,
    plain_scalar,
    proposal_files,
    read_integer,
    read_number,
    read_table,
    read_yaml,
    words_of,
    year_number,
)
from oreflow.chain.tables import (
    ActorRow,
    BasketRow,
    Cell,
    CommodityRow,
    ControlRow,
    DemandRow,
    EventRow,
    ExpectedPriceRow,
    GradeRow,
    GroupRow,
    LegRow,
    ObservationRow,
    Option,
    PlaceRow,
    ProcessRow,
    ProjectRow,
    PublishedRow,
    RecipeRow,
    RouteRow,
    SeasonRow,
    StockRow,
    Table,
    TieRow,
)
from oreflow.core.errors import CaseError, Problem, UsageError
from oreflow.core.units import UnitError
from oreflow.facts.claim import Assumption, Claim, Grade, Source
from oreflow.facts.expression import (
    EvaluationError,
    Expr,
    ExpressionError,
    compile_expression,
    format_expression,
    parse_expression,
    references,
)
from oreflow.facts.ledger import GRADE_SD, GRADES, Ledger, LedgerError, MoneyRow, NotVisibleError, Swap, Uncertainty

__all__ = [
    "ActorRow", "Alternative", "BasketRow", "Case", "Cell", "CommodityRow", "ControlRow", "DemandRow", "EventRow",
    "ExpectedPriceRow", "GradeRow", "GroupRow", "Instrument", "LegRow", "ObservationRow", "Option", "PlaceRow",
    "ProcessRow", "ProjectRow", "Proposal", "PublishedRow", "RecipeRow", "RouteRow", "SeasonRow", "StockRow", "Switch",
    "TieRow", "TimeRules", "Values", "bundled_cases", "load_case", "read_case",
]  # fmt: skip

_BUNDLED = Path(__file__).resolve().parent.parent / "cases"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One measure: what it does to which targets, when, how strongly, who pays and who receives.

    `start`, `end` and `announced` are years with fraction (2027.5 = the middle of 2027); None = no limit.
    """

    id: str
    type: str
    target: tuple[str, ...]
    start: float | None
    end: float | None
    announced: float | None
    actor: str
    magnitude: Cell | None
    options: Mapping[str, Option]
    payer: str
    receiver: str
    source: str
    note: str
    unit: str = ""
    file: str = ""
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of a proposal, by the id of its file, and what differs."""

    id: str
    difference: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A named bundle of instruments with what was modelled, what was not, and its sources."""

    id: str
    title: str
    reading: str
    alternatives: tuple[Alternative, ...]
    not_modelled: tuple[str, ...]
    sources: tuple[str, ...]
    side_measure: bool
    conditions: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Switch:
    """A named choice of demand level: per option, factors by demand id, commodity, use, or `*` for the rest."""

    id: str
    options: Mapping[str, Mapping[str, Cell]]
    reading: str


PERIODS: Mapping[str, int] = {"year": 1, "half": 2, "quarter": 4, "month": 12}
"""Names of the lengths of a period -> periods to a year."""
EXPECTATIONS: tuple[str, ...] = ("anchor", "last", "trend", "path")
"""Rules by which a price beyond the window is expected."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """How a case treats time where a run does not ask for something else.

    `periods`: length of a period (a key of `PERIODS`); `window`: years of foresight, the period itself included;
    `expectation`: rule for prices beyond the window, with its `weight` (share of the distance to the anchor, or of the
    trend, that is left after a year; None: a half).
    """

    periods: str = "year"
    window: float = 1.0
    expectation: str = "anchor"
    weight: Cell | None = None


@dataclass(frozen=True, repr=False)
class Case:
    """A case: one tuple of rows per table, the ledger behind the numbers, and the proposals.

    `reference` is what `load_case` was given (an absolute folder or a bundled name); `lines` maps `claim:ID`,
    `assume:ID` and `source:ID` to their line.
    """

    id: str
    title: str
    description: str
    base_year: int
    end_year: int
    step_years: int
    study_date: str
    money_year: int
    discount_rate: Cell | None
    horizon_reported: int | None
    compare: tuple[str, ...]
    status_quo: str
    tracked_origin: str
    tracked_elements: tuple[str, ...]
    outside: str
    threshold_t: Cell | None
    switches: Mapping[str, str]
    switch_options: tuple[Switch, ...]
    exclude: tuple[str, ...]
    grade_sd: Mapping[str, float]
    licence: str
    contributors: tuple[str, ...]
    ledger: Ledger
    places: tuple[PlaceRow, ...]
    commodities: tuple[CommodityRow, ...]
    baskets: tuple[BasketRow, ...]
    recipes: tuple[RecipeRow, ...]
    processes: tuple[ProcessRow, ...]
    projects: tuple[ProjectRow, ...]
    legs: tuple[LegRow, ...]
    routes: tuple[RouteRow, ...]
    demands: tuple[DemandRow, ...]
    stocks: tuple[StockRow, ...]
    actors: tuple[ActorRow, ...]
    control: tuple[ControlRow, ...]
    events: tuple[EventRow, ...]
    observations: tuple[ObservationRow, ...]
    published: tuple[PublishedRow, ...]
    groups: tuple[GroupRow, ...]
    ties: tuple[TieRow, ...]
    proposals: tuple[Proposal, ...]
    grades: tuple[GradeRow, ...] = ()
    seasons: tuple[SeasonRow, ...] = ()
    expected_prices: tuple[ExpectedPriceRow, ...] = ()
    time: TimeRules = TimeRules()
    reference: str = ""
    as_of: date | None = None
    lines: Mapping[str, int] | None = None

    def __repr__(self) -> str:
        return f"Case({self.id!r}, {self.base_year}-{self.end_year}, {len(self.ledger.claims)} claims)"

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def values(self, as_of: date | None = None, draws: Mapping[str, float] | None = None) -> Values:
        """Return the numbers of all parameters, central or drawn.

        Args:
            as_of: claims published later are not used; the case's own date when None.
            draws: canonical numbers by `claim:ID` or `assume:ID`.

        Returns:
            A lookup from cell to number in the cell's unit (t of a basis, USD of the money year, years, or as stated).

        Raises:
            LedgerError: a draw for something that the ledger does not hold.

        Example:
            >>> case = load_case("kachin")  # doctest: +SKIP
            >>> case.values()[case.discount_rate]  # doctest: +SKIP
            0.08
        """
        at = self.as_of if as_of is None else as_of
        return Values(self, at, self.ledger.values(at, draws))

    def cells(self) -> Iterator[Cell]:
        """Yield every parameter of the case: of case.yaml, the tables, the switches and the proposals."""
        for _, cell in self.placed_cells():
            yield cell

    def placed_cells(self) -> Iterator[tuple[str, Cell]]:
        """Yield (table name, cell) for every parameter; `case`, `switches` and `proposals` for those outside tables."""
        for cell in (self.discount_rate, self.threshold_t, self.time.weight):
            if cell is not None:
                yield "case", cell
        for table in t.CHAIN:
            for row in getattr(self, table.name):
                for column in table.columns:
                    value = getattr(row, column.field)
                    if isinstance(value, Cell):
                        yield table.name, value
                    elif column.kind == "options":
                        for option in value.values():
                            if isinstance(option, Cell):
                                yield table.name, option
        for switch in self.switch_options:
            for factors in switch.options.values():
                for cell in factors.values():
                    yield "switches", cell
        for proposal in self.proposals:
            for instrument in proposal.instruments:
                if instrument.magnitude is not None:
                    yield "proposals", instrument.magnitude
                for option in instrument.options.values():
                    if isinstance(option, Cell):
                        yield "proposals", option

    def program(self, cell: Cell, as_of: date | None) -> tuple[Callable[[Mapping[str, float]], float], float]:
        """Return how a cell is computed at an as-of date: a function of canonical numbers, and the factor to its unit.

        Args:
            cell: a parameter of this case.
            as_of: decides `first(...)`.

        Raises:
            CaseError: an unknown or not yet visible reference, or a unit that does not convert; names file and row.
        """
        cache: dict[tuple[date | None, Cell], tuple[Callable[[Mapping[str, float]], float], float]]
        cache = self.__dict__.setdefault("_program_cache", {})
        found = cache.get((as_of, cell))
        if found is None:
            problem = self.cell_problem(cell, as_of)
            if problem is not None:
                raise CaseError([problem])
            expr, _ = self.ledger.resolve(cell.expr, as_of)
            found = cache[(as_of, cell)] = (compile_expression(expr), self.cell_factor(cell, expr))
        return found

    def cell_factor(self, cell: Cell, expr: Expr) -> float:
        """Return the number by which a cell's canonical value is multiplied to be in the cell's unit.

        Args:
            cell: a parameter.
            expr: its expression, `first(...)` resolved.

        Raises:
            UnitError: no accepted unit fits.
        """
        if not cell.unit or not references(expr):
            return 1.0
        first: UnitError | None = None
        for target in cell.unit.split(" or "):
            try:
                return self.ledger.factor_to(expr, target)
            except UnitError as error:
                first = first or error
        raise first if first is not None else UnitError(f"{cell.unit!r} is no unit")

    def cell_problem(self, cell: Cell, as_of: date | None) -> Problem | None:
        """Return what is wrong with one parameter at an as-of date: reference, visibility or unit; None if nothing.

        Args:
            cell: a parameter.
            as_of: the date, None for no limit.
        """
        text = format_expression(cell.expr)
        for name in cell.references:
            kind, _, identifier = name.partition(":")
            known = self.ledger.claim_by_id if kind == "claim" else self.ledger.assumption_by_id
            if identifier not in known:
                near = get_close_matches(identifier, known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else "add the row or correct the id"
                file = "claims.csv" if kind == "claim" else "assumptions.csv"
                return Problem(cell.file, cell.row, cell.column, f"the unknown {name}", f"an id of {file}", remedy)
        try:
            expr, _ = self.ledger.resolve(cell.expr, as_of)
        except (NotVisibleError, LedgerError) as error:
            remedy = "name an earlier claim or an assumption in first(...), or take a later date"
            return Problem(cell.file, cell.row, cell.column, str(error), f"something visible at {as_of}", remedy)
        central = self._central(as_of)
        missing = [name for name in references(expr) if name not in central]
        if missing:
            found = f"{missing[0]}, which has no usable value"
            remedy = "give it a value, or low and high, a unit and a basis"
            return Problem(cell.file, cell.row, cell.column, found, "a reference with a number", remedy)
        if not references(expr) and compile_expression(expr)({}) not in (0.0, 1.0):
            remedy = "state the number as an assumption with a reason and a range"
            return Problem(cell.file, cell.row, cell.column, f"the bare number {text}", "a claim or assumption", remedy)
        try:
            self.cell_factor(cell, expr)
        except (UnitError, EvaluationError) as error:
            remedy = "multiply by the claim that converts it, or correct the unit or basis of the claim"
            return Problem(cell.file, cell.row, cell.column, f"{text}: {error}", f"the unit {cell.unit}", remedy)
        return None

    def _central(self, as_of: date | None) -> dict[str, float]:
        cache: dict[date | None, dict[str, float]] = self.__dict__.setdefault("_central_cache", {})
        if as_of not in cache:
            cache[as_of] = self.ledger.central_values(as_of)
        return cache[as_of]

    def swaps(self, as_of: date | None = None) -> tuple[tuple[Cell, Swap], ...]:
        """Return the parameters that use a later choice of `first(...)` because an earlier one was not yet public.

        Args:
            as_of: the date; the case's own when None.

        Returns:
            (cell, what was skipped and what is used), also where the swap is inside an assumption it rests on.
        """
        at = self.as_of if as_of is None else as_of
        found: list[tuple[Cell, Swap]] = []
        for cell in self.cells():
            try:
                expr, swaps = self.ledger.resolve(cell.expr, at)
                found += [(cell, swap) for swap in swaps]
                for name in self.ledger.reached(references(expr), at):
                    row = self.ledger.row(name)
                    tree = self.ledger.expression_tree(row) if isinstance(row, Assumption) else None
                    if tree is not None:
                        found += [(cell, swap) for swap in self.ledger.resolve(tree, at)[1]]
            except (NotVisibleError, LedgerError):
                continue
        return tuple(found)

    @cached_property
    def _used(self) -> dict[str, tuple[str, ...]]:
        """Return the claims and assumptions that build the economy, each with the baskets that alone use it."""
        elsewhere: set[str] = set()
        baskets: dict[str, set[str]] = {}
        deposit = {cell: row.basket for row in self.baskets if (cell := row.share) is not None}
        for table, cell in self.placed_cells():
            if table == "published" or cell in self._unmodelled:
                continue
            try:
                direct = references(self.ledger.resolve(cell.expr, self.as_of)[0])
            except (NotVisibleError, LedgerError):
                continue
            names = self.ledger.reached(direct, self.as_of)
            if table == "baskets":
                for name in names:
                    baskets.setdefault(name, set()).add(deposit[cell])
            else:
                elsewhere.update(names)
        found: dict[str, tuple[str, ...]] = dict.fromkeys(elsewhere, ())
        return found | {name: tuple(sorted(of)) for name, of in baskets.items() if name not in elsewhere}

    @cached_property
    def _unmodelled(self) -> frozenset[Cell]:
        """Return the parameters that stand on record only: of events not modelled, legs on no route, strategic stocks
        that no rule releases."""
        cells: list[object] = [
            cell for row in self.events if not row.modelled for cell in (row.magnitude, *row.options.values())
        ]
        travelled = {leg for route in self.routes for leg in route.legs}
        for leg in self.legs:
            if leg.id not in travelled:
                cells += [getattr(leg, column.name) for column in fields(leg)]
        for stock in self.stocks:
            if stock.kind == "strategic" and not stock.has_rule:
                cells += [getattr(stock, column.name) for column in fields(stock)]
        return frozenset(cell for cell in cells if isinstance(cell, Cell))

    def used_names(self) -> frozenset[str]:
        """Return the names of claims and assumptions that a parameter of the economy or of a proposal reaches.

        Published figures and events that are not modelled count as kept for checking, not as used.
        """
        return frozenset(name for name in self._used if self.ledger.is_visible(name, self.as_of))

    def used_count(self) -> int:
        """Return how many claims are used, the element shares of one deposit counting once."""
        claims = {name: of for name, of in self._used.items() if name.startswith("claim:")}
        return sum(1 for of in claims.values() if not of) + len({basket for of in claims.values() for basket in of})

    def entered_sources(self) -> tuple[Source, ...]:
        """Return the sources that entered: of used claims, what these stem from, of used assumptions and of proposals.

        Returns:
            Sources in the order of sources.csv.
        """
        names: set[str] = {source for proposal in self.proposals for source in proposal.sources}
        for name in self.used_names():
            row = self.ledger.row(name)
            names.update(word.strip() for word in row.source.split(";"))
            if isinstance(row, Claim):
                names.update(row.stems_from)
        return tuple(source for source in self.ledger.sources if source.id in names)

    def uncertainties(self, as_of: date | None = None) -> tuple[Uncertainty, ...]:
        """Return the ranges to draw from: of used claims and assumptions with low < high, less `exclude`.

        Args:
            as_of: the date; the case's own when None.
        """
        left_out = {name if ":" in name else f"{kind}:{name}" for name in self.exclude for kind in ("claim", "assume")}
        at = self.as_of if as_of is None else as_of
        used = self.used_names()
        return tuple(u for u in self.ledger.uncertainties(at) if u.name in used and u.name not in left_out)

    def grade_of(self, name: str) -> str:
        """Return the grade of `claim:ID` or `assume:ID`."""
        return self.ledger.grade_of(name)

    def subject_of(self, name: str) -> str:
        """Return what `claim:ID` or `assume:ID` is about, in words."""
        return self.ledger.row(name).subject

    def default_sd(self, cell: Cell) -> float:
        """Return the relative standard deviation of a parameter: that of the least trusted grade behind it.

        Args:
            cell: a parameter; without references it counts as grade M.
        """
        try:
            names = references(self.ledger.resolve(cell.expr, self.as_of)[0])
        except (NotVisibleError, LedgerError):
            names = cell.references
        grades = [self.ledger.grade_of(name) for name in names]
        return max((self.grade_sd.get(grade, GRADE_SD[grade]) for grade in grades), default=GRADE_SD["M"])

    def switch_factor(self, row: DemandRow, values: Values) -> float:
        """Return the factor on a demand's quantity under the case's switches: by its id, commodity, use, or `*`.

        Args:
            row: a demand.
            values: numbers of the case's cells.

        Returns:
            1 for a demand without switch, or whose option does not name it.
        """
        for switch in self.switch_options:
            if switch.id == row.switch:
                factors = switch.options.get(self.switches.get(switch.id, ""), {})
                for selector in (row.id, row.commodity, row.use, "*"):
                    if selector in factors:
                        return values[factors[selector]]
        return 1.0

    def with_switches(self, switches: Mapping[str, str]) -> Case:
        """Return the case with some switches set differently.

        Args:
            switches: option by name of the switch.

        Raises:
            UsageError: an unknown switch or option.
        """
        known = {switch.id: switch for switch in self.switch_options}
        for name, option in switches.items():
            if name not in known:
                raise UsageError(f"unknown switch {name!r} in case {self.id}; known are {', '.join(sorted(known))}")
            if option not in known[name].options:
                options = ", ".join(sorted(known[name].options))
                raise UsageError(f"switch {name!r} has no option {option!r}; its options are {options}")
        return replace(self, switches={**self.switches, **switches})

    def event_instruments(self) -> tuple[Instrument, ...]:
        """Return the modelled events as instruments: measures in force in every proposal, from their dates."""
        return tuple(
            Instrument(
                id=row.id, type=row.instrument, target=row.target, start=year_number(row.date),
                end=year_number(row.end), announced=year_number(row.announced), actor=row.actor,
                magnitude=row.magnitude, options=row.options, payer="", receiver=row.receiver, source=row.source,
                note=row.note, unit=row.unit, file=t.EVENTS.file, row=row.row,
            )
            for row in self.events
            if row.modelled
        )  # fmt: skip

    def content_hash(self) -> str:
        """Return 12 hexadecimal digits that change with any content of the case, wherever it lies on disk."""
        parts = [
            f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in ("reference", "as_of", "lines")
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


class Values:
    """The numbers of a case's parameters for one as-of date and one draw; `values[cell]` in the cell's unit.

    Raises (on lookup):
        CaseError: the cell's reference is unknown, hidden or has no number, its unit does not convert, or it divides
            by zero; with file, row and column.
    """

    __slots__ = ("_case", "_found", "_numbers", "as_of")

    def __init__(self, case: Case, as_of: date | None, numbers: Mapping[str, float]) -> None:
        self._case, self.as_of, self._numbers = case, as_of, numbers
        self._found: dict[Cell, float] = {}

    def __getitem__(self, cell: Cell) -> float:
        found = self._found.get(cell)
        if found is None:
            program, factor = self._case.program(cell, self.as_of)
            try:
                found = program(self._numbers) * factor
            except (ZeroDivisionError, OverflowError):
                found = math.nan
            except KeyError as error:
                raise CaseError([_no_value(cell, f"{error.args[0]}, which has no number")]) from None
            if not math.isfinite(found):
                raise CaseError([_no_value(cell, f"{format_expression(cell.expr)}, which has no finite value")])
            self._found[cell] = found
        return found

    def number(self, name: str) -> float:
        """Return the canonical number of a claim or assumption.

        Args:
            name: `claim:ID` or `assume:ID`.

        Raises:
            LedgerError: it has none at this as-of date.
        """
        if name not in self._numbers:
            raise LedgerError(f"{name} has no number at this as-of date; give it a value or name another claim")
        return self._numbers[name]


def _no_value(cell: Cell, found: str) -> Problem:
    remedy = "check the claims below a division bar and their ranges"
    return Problem(cell.file, cell.row, cell.column, found, "a finite number", remedy)


def bundled_cases() -> tuple[str, ...]:
    """Return the names of the cases that ship with oreflow."""
    if not _BUNDLED.is_dir():
        return ()
    return tuple(sorted(path.name for path in _BUNDLED.iterdir() if (path / CASE_FILE).is_file()))


def case_folder(path_or_name: str) -> tuple[Path, str]:
    """Return the folder of a case and the reference by which to load it again.

    Args:
        path_or_name: a folder that holds case.yaml, else the name of a bundled case.

    Raises:
        UsageError: neither.
    """
    path = Path(path_or_name)
    if (path / CASE_FILE).is_file():
        return path, str(path.resolve())
    if path_or_name in bundled_cases():
        return _BUNDLED / path_or_name, path_or_name
    known = ", ".join(bundled_cases()) or "none"
    if path.is_dir():
        raise UsageError(f"folder {path_or_name} holds no {CASE_FILE}; name a case folder or a bundled case ({known})")
    near = get_close_matches(path_or_name, bundled_cases(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"unknown case {path_or_name!r}: no folder with {CASE_FILE}, no bundled case ({known}){hint}")


def load_case(path_or_name: str, as_of: date | None = None) -> Case:
    """Read and check a case.

    Args:
        path_or_name: a folder that holds case.yaml, else the name of a bundled case.
        as_of: claims and events published later are hidden; None for no limit.

    Returns:
        The case; its events announced (else begun) after `as_of` are left out.

    Raises:
        UsageError: no such case. CaseError: all problems of the folder at once.

    Example:
        >>> load_case("kachin").base_year  # doctest: +SKIP
        2024
    """
    from oreflow.chain.checks import check_case

    folder, reference = case_folder(path_or_name)
    case, problems = read_case(folder, reference=reference, as_of=as_of)
    if problems or case is None:
        raise CaseError(problems)
    found = check_case(case)
    if found:
        raise CaseError(found)
    return case


def read_case(
    folder: Path, *, reference: str = "", as_of: date | None = None
) -> tuple[Case | None, tuple[Problem, ...]]:
    """Read every file of a case folder, collecting all problems of form.

    Args:
        folder: the case folder.
        reference: what to store as `Case.reference`; the folder when empty.
        as_of: stored in the case; events that were not yet announced are left out.

    Returns:
        (case or None, problems). The case is None when case.yaml is unusable; rows with problems are left out of it, so
        that `oreflow.chain.checks.check_case` can go on to what lies behind.
    """
    problems = Problems()
    head = read_yaml(folder, CASE_FILE, problems)
    if head is None:
        if not problems.found:
            problems.add(CASE_FILE, None, None, "no such file", "a case.yaml", "add it, or name another folder")
        return None, tuple(problems.found)
    reader = _CaseReader(folder, head, problems, as_of)
    case = reader.read(reference or str(folder.resolve()))
    return case, tuple(problems.found)


_HEAD_KEYS = (
    "id", "title", "description", "base_year", "end_year", "step_years", "study_date", "money_year", "discount_rate",
    "horizon_reported", "compare", "status_quo", "tracked_origin", "tracked_elements", "outside", "threshold_t",
    "switches", "grade_ranges", "grade_sd", "licence", "contributors", "periods", "window", "expectation",
)  # fmt: skip
_EXPECTATION_KEYS = ("rule", "weight")
_PROPOSAL_KEYS = (
    "id", "title", "reading", "alternatives", "not_modelled", "sources", "side_measure", "conditions", "instruments",
)  # fmt: skip
_INSTRUMENT_KEYS = (
    "id", "type", "target", "start", "end", "announced", "actor", "magnitude", "unit", "options", "payer", "receiver",
    "source", "note",
)  # fmt: skip


class _CaseReader:
    """Turns raw rows into a case; every problem goes to `problems` and reading goes on."""

    def __init__(self, folder: Path, head: dict[str, Any], problems: Problems, as_of: date | None) -> None:
        self.folder, self.head, self.problems, self.as_of = folder, head, problems, as_of
        self.raw = {table.name: read_table(folder, table, problems) for table in t.TABLES}
        self.targets = _Targets(self.raw)
        self.lines: dict[str, int] = {}

    def read(self, reference: str) -> Case | None:
        head = self.head
        for key in head:
            if key not in _HEAD_KEYS:
                near = get_close_matches(key, _HEAD_KEYS, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else "remove it"
                self.problem(key, f"the unknown key {key!r}", ", ".join(_HEAD_KEYS), remedy)
        base_year, end_year = self.head_year("base_year"), self.head_year("end_year")
        money_year = self.head_year("money_year")
        step = head.get("step_years", 1)
        if isinstance(step, bool) or not isinstance(step, int) or not 1 <= step <= 50:
            self.problem("step_years", repr(step), "a whole number of years from 1", "write step_years: 1")
            step = 1
        if base_year and end_year and not base_year < end_year <= base_year + 200:
            self.problem("end_year", str(end_year), f"a year after {base_year}, at most 200 later", "correct it")
        reported = head.get("horizon_reported")
        if reported is not None and (isinstance(reported, bool) or not isinstance(reported, int)):
            self.problem("horizon_reported", repr(reported), "a year", "write horizon_reported: 2035")
            reported = None
        ledger = self.ledger(money_year or base_year or 2024)
        rows = {table.name: tuple(self.chain_rows(table)) for table in t.CHAIN}
        if self.as_of is not None:
            rows["events"] = tuple(row for row in rows["events"] if self.was_known(cast(EventRow, row)))
        switches, exclude = self.uncertainties_file()
        identifier = self.head_text("id", required=True)
        case = Case(
            id=identifier, title=self.head_text("title", required=True), description=self.head_text("description"),
            base_year=base_year or 0, end_year=end_year or 0, step_years=step,
            study_date=self.head_date("study_date"), money_year=money_year or 0,
            discount_rate=self.head_cell("discount_rate", "1/yr or 1"), horizon_reported=reported,
            compare=self.head_list("compare"), status_quo=self.head_text("status_quo") or "status-quo",
            tracked_origin=self.head_text("tracked_origin"), tracked_elements=self.head_list("tracked_elements"),
            outside=self.head_text("outside"), threshold_t=self.head_cell("threshold_t", "t_oxide/yr or t_REO/yr"),
            switches=self.head_words("switches"), switch_options=switches, exclude=exclude,
            grade_sd={**GRADE_SD, **self.head_numbers("grade_sd")}, licence=self.head_text("licence"),
            contributors=self.contributors(), ledger=ledger, proposals=self.proposals(), time=self.time_rules(),
            reference=reference, as_of=self.as_of, lines=self.lines, **cast(dict[str, Any], rows),
        )  # fmt: skip
        return case if base_year and end_year and money_year else None

    def problem(self, column: str | None, found: str, expected: str, remedy: str) -> None:
        self.problems.add(CASE_FILE, None, column, found, expected, remedy)

    def was_known(self, row: EventRow) -> bool:
        day = first_day(row.announced or row.date)
        return day is None or self.as_of is None or day <= self.as_of

    # case.yaml

    def head_year(self, key: str) -> int | None:
        value = self.head.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 1800 <= value <= 2300:
            return value
        found = "nothing" if value is None else repr(value)
        self.problem(key, found, "a year as 2024", f"write {key}: 2024")
        return None

    def head_text(self, key: str, *, required: bool = False) -> str:
        text = plain_scalar(self.head.get(key))
        if text is None:
            self.problem(key, f"a {type(self.head[key]).__name__}", "one text", "write it as text")
            return ""
        if required and not text:
            self.problem(key, "nothing", "a text", f"add {key}")
        if key == "id" and text and not is_id(text):
            self.problem(key, repr(text), "letters, digits and _ . : - without blanks", "choose another id")
        return text

    def head_date(self, key: str) -> str:
        text = self.head_text(key)
        if text and not is_date(text):
            self.problem(key, repr(text), "a date as 2025-07-31", "correct it")
            return ""
        return text

    def head_list(self, key: str) -> tuple[str, ...]:
        return self.texts(self.head.get(key), CASE_FILE, None, key)

    def head_words(self, key: str) -> dict[str, str]:
        value = self.head.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or any(plain_scalar(item) is None for item in value.values()):
            self.problem(key, repr(value), "a mapping of names to words", "write name: word")
            return {}
        return {str(name): plain_scalar(item) or "" for name, item in value.items()}

    def head_numbers(self, key: str) -> dict[str, float]:
        value = self.head.get(key)
        if value is None:
            return {}
        found: dict[str, float] = {}
        for name, item in value.items() if isinstance(value, dict) else [("", value)]:
            number = float(item) if isinstance(item, int | float) and not isinstance(item, bool) else math.nan
            if name in GRADES and math.isfinite(number) and 0.0 <= number <= 10.0:
                found[str(name)] = number
            else:
                self.problem(key, f"{name}: {item!r}", "grades A to M with relative numbers", "write A: 0.02")
        return found

    def head_cell(self, key: str, unit: str) -> Cell | None:
        value = self.head.get(key)
        return None if value is None else self.cell(value, unit, CASE_FILE, None, key)

    def time_rules(self) -> TimeRules:
        """Read `periods`, `window` and `expectation`; a problem leaves the default."""
        plain = TimeRules()
        periods = self.head.get("periods", plain.periods)
        if periods not in PERIODS:
            self.problem("periods", repr(periods), f"one of {', '.join(PERIODS)}", "write periods: year")
            periods = plain.periods
        window = self.head.get("window", plain.window)
        if isinstance(window, bool) or not isinstance(window, int | float) or not 0.0 < window <= 200.0:
            self.problem("window", repr(window), "years above 0, at most 200", "write window: 1 (1: the year itself)")
            window = plain.window
        stated = self.head.get("expectation")
        given = stated if isinstance(stated, dict) else {} if stated is None else {"rule": stated}
        self.known_keys(CASE_FILE, None, given, _EXPECTATION_KEYS)
        rule = given.get("rule", plain.expectation)
        if rule not in EXPECTATIONS:
            self.problem("expectation", repr(rule), f"one of {', '.join(EXPECTATIONS)}", "write rule: anchor")
            rule = plain.expectation
        weight = given.get("weight")
        cell = None if weight is None else self.cell(weight, "1/yr or 1", CASE_FILE, None, "expectation")
        return TimeRules(str(periods), float(window), str(rule), cell)

    def contributors(self) -> tuple[str, ...]:
        value = self.head.get("contributors")
        items = value if isinstance(value, list) else [] if value is None else [value]
        return tuple(
            "; ".join(f"{k}: {plain_scalar(v) or ''}" for k, v in item.items())
            if isinstance(item, dict)
            else plain_scalar(item) or ""
            for item in items
        )

    def texts(self, value: object, file: str, row: int | None, column: str) -> tuple[str, ...]:
        """Return a YAML list of scalars as texts; a single scalar counts as a list of one."""
        if value is None or value == "":
            return ()
        items = value if isinstance(value, list) else [value]
        found = [plain_scalar(item) for item in items]
        if any(text is None for text in found):
            self.problems.add(file, row, column, "a nested list or mapping", "a list of words", "write [a, b]")
        return tuple(text for text in found if text)

    def cell(self, value: object, unit: str, file: str, row: int | None, column: str) -> Cell | None:
        """Return a parameter from its text; None (and a problem) for a bare number or an unreadable expression."""
        text = plain_scalar(value)
        if text == "":
            return None
        if text is None:
            self.problems.add(file, row, column, "a list or mapping", 'an expression as =claim("id")', "write one")
            return None
        try:
            return Cell(parse_expression(text), unit, file, row, column)
        except ExpressionError as error:
            remedy = 'write =claim("id"), =assume("id") or arithmetic over them'
            self.problems.add(file, row, column, str(error), "an expression over claims and assumptions", remedy)
            return None

    # evidence

    def ledger(self, money_year: int) -> Ledger:
        sources = [
            Source(**{c.name: text for c in t.SOURCES.columns if isinstance(text := values[c.name], str)})
            for row, values in self.typed(t.SOURCES)
            if self.note_line("source", values["id"], row)
        ]
        dates = {source.id: source.date for source in sources}
        claims = [
            self.claim(values, dates, row)
            for row, values in self.typed(t.CLAIMS)
            if self.note_line("claim", values["id"], row)
        ]
        assumptions = [
            self.assumption(values)
            for row, values in self.typed(t.ASSUMPTIONS)
            if self.note_line("assume", values["id"], row)
        ]
        money = []
        for row, values in self.typed(t.MONEY):
            if values["usd_rate"] <= 0 or values["deflator"] <= 0:
                self.problems.add(
                    t.MONEY.file,
                    row,
                    "usd_rate",
                    "a rate or deflator that is not positive",
                    "positive numbers",
                    "correct it",
                )
                continue
            money.append(MoneyRow(**{c.name: values[c.name] for c in t.MONEY.columns}))
        return Ledger(
            tuple(claims), tuple(sources), tuple(assumptions), tuple(money), money_year,
            self.head_numbers("grade_ranges"),
        )  # fmt: skip

    def note_line(self, kind: str, identifier: str, row: int) -> bool:
        self.lines.setdefault(f"{kind}:{identifier}", row)
        return True

    def claim(self, values: dict[str, Any], source_dates: Mapping[str, str], row: int) -> Claim:
        stated = values.pop("published")
        published, assumed = last_day(stated), False
        if published is None:
            end = period_end(values["period"])
            published = None if end is None else _next_year(end)
            if published is None:
                published = last_day(source_dates.get(values["source"], "")[:10])
            if published is None:
                self.problems.add(
                    t.CLAIMS.file, row, "published", "nothing, and neither period nor source has a date",
                    "a date as 2025-01-31", "add when the value first was public",
                )  # fmt: skip
                published = date(9999, 12, 31)
            assumed = True
        values["grade"] = cast(Grade, values["grade"])
        return Claim(**values, published=published, published_assumed=assumed)

    def assumption(self, values: dict[str, Any]) -> Assumption:
        return Assumption(**values)

    # tables

    def chain_rows(self, table: Table) -> Iterator[object]:
        if table.row_class is None:
            return
        for row, values in self.typed(table):
            named = {("from_" if name == "from" else name): value for name, value in values.items()}
            yield table.row_class(**named, row=row)

    def typed(self, table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (line, values) of rows without problems; duplicates are noted and left out."""
        seen: dict[tuple[str, ...], int] = {}
        for raw in self.raw[table.name]:
            before = len(self.problems.found)
            values = {c.name: self.typed_value(table, c, raw) for c in table.columns}
            key = tuple(raw.values[name] for name in table.key)
            if key in seen and all(key):
                shown = ", ".join(key)
                self.problems.add(
                    table.file, raw.row, table.key[0], f"{shown!r} again (first in row {seen[key]})", "each once",
                    "remove one of the rows or rename it",
                )  # fmt: skip
                continue
            seen[key] = raw.row
            fatal = len(self.problems.found) > before and not self.only_cells(before)
            if not fatal:
                yield raw.row, values

    def only_cells(self, since: int) -> bool:
        """Return whether all problems since then are of parameters, so that the row can stay with an empty cell."""
        return all("expression" in problem.expected for problem in self.problems.found[since:])

    def typed_value(self, table: Table, column: t.Column, raw: RawRow) -> Any:
        text = raw.values[column.name]
        kind = column.kind

        def problem(expected: str, remedy: str) -> None:
            found = repr(text) if text else "nothing"
            self.problems.add(table.file, raw.row, column.name, found, expected, remedy)

        if column.required and not text:
            if kind == "cell":
                problem("an expression over claims and assumptions", "fill the cell in")
            else:
                problem("a value", "fill the cell in")
            return None if kind in ("cell", "number", "integer", "value") else () if kind == "list" else ""
        if kind == "cell":
            return self.cell(text, self.targets.unit(table, column, raw.values), table.file, raw.row, column.name)
        if kind == "list":
            return words_of(text)
        if kind == "options":
            return self.event_options(text, raw)
        if kind == "yesno":
            if text not in ("yes", "no"):
                problem("yes or no", "correct it")
            return text == "yes"
        if kind in ("number", "value"):
            if kind == "value" and text.startswith("="):
                self.cell(text, "", table.file, raw.row, column.name)
                return text
            number = read_number(text)
            if text and number is None:
                problem("a number with a decimal point and no thousands mark", "correct it")
            return number
        if kind == "integer":
            whole = read_integer(text)
            if text and whole is None:
                problem("a whole number", "correct it")
            return whole
        if kind == "date" and text and not is_date(text):
            problem("a date as 2024-10-18, 2024-10 or 2024", "correct it")
        if kind == "choice" and text and text not in column.words:
            near = get_close_matches(text, column.words, n=1)
            problem(f"one of {', '.join(column.words)}", f"did you mean {near[0]!r}?" if near else "correct it")
        if kind == "id" and not is_id(text):
            problem("letters, digits and _ . : - without blanks", "choose another id")
        return text

    # instruments

    def event_options(self, text: str, raw: RawRow) -> dict[str, Option]:
        found: dict[str, Option] = {}
        for part in text.split(";"):
            if not part.strip():
                continue
            name, mark, value = part.partition("=")
            if not mark:
                self.problems.add(
                    t.EVENTS.file, raw.row, "options", repr(part.strip()), "key=value parted by ;", "write key=value"
                )
                continue
            words = [word.strip() for word in value.split("|") if word.strip()]
            item: object = words if len(words) > 1 else value.strip()
            kind = raw.values["instrument"]
            option = self.option(kind, name.strip(), item, raw.values, (t.EVENTS.file, raw.row))
            if option is not None:
                found[name.strip()] = option
        return found

    def option(
        self, kind: str, name: str, value: object, values: Mapping[str, object], where: tuple[str, int | None]
    ) -> Option | None:
        known = t.INSTRUMENT_OPTIONS.get(kind)
        if known is not None and name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else "remove it"
            self.problems.add(*where, name, f"the unknown option {name!r} of {kind}", ", ".join(known), remedy)
            return None
        if name in t.PARAMETER_OPTIONS or (isinstance(value, str) and value.startswith("=")):
            return self.cell(value, self.targets.option(kind, name, values), where[0], where[1], name)
        if isinstance(value, list):
            return self.texts(value, where[0], where[1], name)
        text = plain_scalar(value)
        if text is None:
            self.problems.add(*where, name, f"a {type(value).__name__}", "a word or a list of words", "correct it")
        return text or None

    def proposals(self) -> tuple[Proposal, ...]:
        found: list[Proposal] = []
        seen: dict[str, str] = {}
        for name in proposal_files(self.folder, self.problems):
            content = read_yaml(self.folder, name, self.problems)
            if content is None:
                continue
            proposal = self.proposal(name, content)
            if proposal is None:
                continue
            if proposal.id in seen:
                remedy = "rename one of them"
                self.problems.add(
                    name, None, "id", f"{proposal.id!r} again (first in {seen[proposal.id]})", "each once", remedy
                )
                continue
            seen[proposal.id] = name
            found.append(proposal)
        return tuple(found)

    def proposal(self, file: str, content: dict[str, Any]) -> Proposal | None:
        self.known_keys(file, None, content, _PROPOSAL_KEYS)
        identifier = plain_scalar(content.get("id")) or ""
        if not is_id(identifier) or "+" in identifier:
            self.problems.add(file, None, "id", repr(identifier), "an id of letters, digits and _ . -", "add an id")
            return None
        texts = {key: plain_scalar(content.get(key)) or "" for key in ("title", "reading")}
        for key, text in texts.items():
            if not text:
                self.problems.add(file, None, key, "nothing", "a text", f"add {key}: what the proposal is, in words")
        alternatives: list[Alternative] = []
        for item in content.get("alternatives") or []:
            if isinstance(item, dict):
                alternatives.append(
                    Alternative(plain_scalar(item.get("id")) or "", plain_scalar(item.get("difference")) or "")
                )
            else:
                alternatives.append(Alternative(plain_scalar(item) or "", ""))
        side = content.get("side_measure", False)
        if not isinstance(side, bool):
            self.problems.add(file, None, "side_measure", repr(side), "true or false", "correct it")
        items = content.get("instruments") or []
        if not isinstance(items, list):
            self.problems.add(file, None, "instruments", f"a {type(items).__name__}", "a list", "write - {id: ..}")
            items = []
        instruments = [self.instrument(file, number, item) for number, item in enumerate(items, start=1)]
        return Proposal(
            id=identifier, title=texts["title"], reading=texts["reading"], alternatives=tuple(alternatives),
            not_modelled=self.texts(content.get("not_modelled"), file, None, "not_modelled"),
            sources=self.texts(content.get("sources"), file, None, "sources"), side_measure=side is True,
            conditions=self.texts(content.get("conditions"), file, None, "conditions"),
            instruments=tuple(instrument for instrument in instruments if instrument is not None), file=file,
        )  # fmt: skip

    def known_keys(self, file: str, row: int | None, content: Mapping[Any, object], known: Sequence[str]) -> None:
        for key in content:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else "remove it"
                self.problems.add(file, row, str(key), f"the unknown key {key!r}", ", ".join(known), remedy)

    def instrument(self, file: str, number: int, item: object) -> Instrument | None:
        """Read the `number`-th instrument of a proposal; the number stands for the row in problems."""
        if not isinstance(item, dict):
            self.problems.add(file, number, "instruments", f"a {type(item).__name__}", "a mapping", "write {id: ..}")
            return None
        kind = plain_scalar(item.get("type")) or ""
        known = t.INSTRUMENT_OPTIONS.get(kind)
        if known is None:
            near = get_close_matches(kind, t.INSTRUMENT_OPTIONS, n=1)
            remedy = f"did you mean {near[0]!r}?" if near else "choose one of them"
            self.problems.add(file, number, "type", repr(kind), ", ".join(t.INSTRUMENT_OPTIONS), remedy)
            return None
        extra = {str(k): v for k, v in item.items() if k in known and k not in _INSTRUMENT_KEYS}
        self.known_keys(file, number, item, (*_INSTRUMENT_KEYS, *known))
        stated = item.get("options") or {}
        if not isinstance(stated, dict):
            self.problems.add(file, number, "options", f"a {type(stated).__name__}", "a mapping", "write {key: value}")
            stated = {}
        given = {str(k): v for k, v in stated.items()} | extra
        values: dict[str, object] = {
            **given, "target": ";".join(self.texts(item.get("target"), file, number, "target")),
            "unit": plain_scalar(item.get("unit")) or "",
        }  # fmt: skip
        options: dict[str, Option] = {}
        for name, value in given.items():
            if value is None or value == "":
                continue
            option = self.option(kind, name, value, values, (file, number))
            if option is not None:
                options[name] = option
        text = {
            key: plain_scalar(item.get(key)) or ""
            for key in ("id", "actor", "unit", "payer", "receiver", "source", "note")
        }
        if not is_id(text["id"]):
            self.problems.add(file, number, "id", repr(text["id"]), "an id of letters, digits and _ . -", "add an id")
            return None
        magnitude = item.get("magnitude")
        return Instrument(
            type=kind, target=self.texts(item.get("target"), file, number, "target"),
            start=self.moment(item, "start", file, number), end=self.moment(item, "end", file, number),
            announced=self.moment(item, "announced", file, number),
            magnitude=None if magnitude is None
            else self.cell(magnitude, self.targets.magnitude(kind, values), file, number, "magnitude"),
            options=options, file=file, row=number, **text,
        )  # fmt: skip

    def moment(self, item: Mapping[str, object], key: str, file: str, row: int) -> float | None:
        """Read a year (2027 or 2027.5) or a date as a year with fraction."""
        value = item.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and 1800 <= value <= 2300:
            return float(value)
        text = plain_scalar(value)
        year = None if text is None else year_number(text)
        if year is None:
            self.problems.add(file, row, key, repr(value), "a year or a date as 2027-04-01", "correct it")
        return year

    def uncertainties_file(self) -> tuple[tuple[Switch, ...], tuple[str, ...]]:
        content = read_yaml(self.folder, UNCERTAINTIES_FILE, self.problems) or {}
        file = UNCERTAINTIES_FILE
        self.known_keys(file, None, content, ("switches", "exclude", "reweight", "reweight limits", "reweight_limits"))
        switches: list[Switch] = []
        stated = content.get("switches") or {}
        if not isinstance(stated, dict):
            self.problems.add(file, None, "switches", f"a {type(stated).__name__}", "a mapping", "write name: {..}")
            stated = {}
        for name, switch in stated.items():
            options = switch.get("options") if isinstance(switch, dict) else None
            if not isinstance(options, dict) or not options:
                expected = "options: {low: {'*': '=assume(..)'}, high: {..}}"
                self.problems.add(file, None, str(name), "a switch without options", expected, "add the options")
                continue
            found: dict[str, dict[str, Cell]] = {}
            for option, factors in options.items():
                given = factors if isinstance(factors, dict) else {"*": factors} if factors is not None else {}
                cells = {
                    str(selector): self.cell(value, "1", file, None, f"{name}.{option}.{selector}")
                    for selector, value in given.items()
                }
                found[str(option)] = {selector: cell for selector, cell in cells.items() if cell is not None}
            switches.append(Switch(str(name), found, plain_scalar(switch.get("reading")) or ""))
        return tuple(switches), self.texts(content.get("exclude"), file, None, "exclude")


class _Targets:
    """The unit wanted for each parameter, from the bases of the commodities that its row names."""

    def __init__(self, raw: Mapping[str, list[RawRow]]) -> None:
        self.basis = {row.values["id"]: row.values["basis"] for row in raw["commodities"]}
        self.stage: dict[str, list[str]] = {}
        for row in raw["commodities"]:
            self.stage.setdefault(row.values["stage"], []).append(row.values["id"])
        self.recipe_rows: dict[str, list[Mapping[str, str]]] = {}
        for row in raw["recipes"]:
            self.recipe_rows.setdefault(row.values["recipe"], []).append(row.values)
        self.processes = {row.values["id"]: row.values for row in raw["processes"]}
        self.feeds: dict[str, str] = {}
        for row in raw["processes"]:
            first = next(iter(words_of(row.values["feeds"])), "")
            if first:
                self.feeds.setdefault(row.values["recipe"], first)
        self.routes = {row.values["id"]: row.values for row in raw["routes"]}

    def mass(self, commodity: str) -> str:
        """Return `t_BASIS` of a commodity, or of the first that a pattern `stage:oxide` names; empty if unknown."""
        if commodity.startswith("stage:"):
            commodity = next(iter(self.stage.get(commodity.removeprefix("stage:"), [])), "")
        basis = self.basis.get(commodity, "")
        return f"t_{basis}" if basis else ""

    def activity(self, recipe: str) -> str:
        """Return the mass of which a recipe's unit activity is one tonne: of its line with coefficient `=1`."""
        for values in self.recipe_rows.get(recipe, []):
            if values["coefficient"].replace(" ", "") == "=1":
                commodity = values["commodity"]
                return self.mass(self.feeds.get(recipe, "") if commodity == "@feed" else commodity)
        return ""

    def unit(self, table: Table, column: t.Column, values: Mapping[str, str]) -> str:
        if column.unit:
            return column.unit
        name = column.name
        if table is t.RECIPES:
            return self.coefficient(values)
        if table in (t.PROCESSES, t.PROJECTS):
            recipe = (
                values["recipe"]
                if table is t.PROCESSES
                else self.processes.get(values["process"], {}).get("recipe", "")
            )
            unit = self.activity(recipe)
            capital = f"USD*yr/{unit}" if unit and table is t.PROCESSES else ""
            return {
                "capacity": _per(unit, "yr"), "cost": _per("USD", unit), "capex": capital,
                "entry_rate": _per(unit, "yr"), "fixed_cost": _per("USD", unit), "restart_cost": capital,
            }.get(name, "")  # fmt: skip
        if table is t.GRADES:
            unit = self.activity(values["recipe"])
            capital = f"USD*yr/{unit}" if unit else ""
            return {"cost": capital, "running_cost": _per("USD", unit)}.get(name, "")
        if table is t.EVENTS:
            options = {k.strip(): v.strip() for k, _, v in (p.partition("=") for p in values["options"].split(";"))}
            return self.magnitude(values["instrument"], {**options, **values})
        if table is t.PUBLISHED:
            return ""
        commodity = values["id"] if table is t.COMMODITIES else values.get("commodity", "")
        if table is t.ROUTES:
            commodity = next(iter(words_of(values["commodities"])), "")
        mass = self.mass(commodity)
        if table is t.OBSERVATIONS:
            if not mass and values["process"]:
                mass = self.activity(self.processes.get(values["process"], {}).get("recipe", ""))
            per_kind = {"price": _per("USD", mass), "stock": mass}
            return per_kind.get(values["kind"], _per(mass, "yr")) if mass else ""
        return {
            "gross_per_t": _per("t_gross", mass), "disposal_cost": _per("USD", mass), "fixed": _per("USD", mass),
            "quantity": _per(mass, "yr"), "price": _per("USD", mass), "shortage_cost": _per("USD", mass),
            "opening": mass, "holding_cost": f"USD/({mass}*yr)" if mass else "", "capacity": mass, "release": mass,
            "sell_at": _per("USD", mass), "buy_at": _per("USD", mass), "rate": _per(mass, "yr"),
        }.get(name, "")  # fmt: skip

    def coefficient(self, values: Mapping[str, str]) -> str:
        commodity, unit = values["commodity"], self.activity(values["recipe"])
        if commodity.startswith("@feed:"):
            return "1" if not unit or commodity == "@feed:rest" else f"1 or t_oxide/{unit}"
        mass = self.mass(self.feeds.get(values["recipe"], "") if commodity == "@feed" else commodity)
        if not mass or not unit:
            return ""
        # A share by weight of one product in another is t per t as it stands; between oxide and metal weight it is not.
        alike = (mass in _OXIDE_WEIGHT) == (unit in _OXIDE_WEIGHT)
        return _per(mass, unit) + (" or 1" if alike else "")

    def goods(self, values: Mapping[str, object]) -> str:
        """Return the mass unit of what an instrument touches: by its commodities, route, process or unit."""
        named = values.get("commodities") or ""
        words = [str(word) for word in named] if isinstance(named, list | tuple) else re.split(r"[;|,]", str(named))
        for word in words:
            if self.mass(word.strip()):
                return self.mass(word.strip())
        for target in words_of(str(values.get("target") or "")):
            if target in self.routes:
                return self.mass(next(iter(words_of(self.routes[target]["commodities"])), ""))
            if target in self.processes:
                return self.activity(self.processes[target]["recipe"])
        match = re.search(r"t_[A-Za-z]+", str(values.get("unit") or ""))
        return match.group() if match else ""

    def magnitude(self, kind: str, values: Mapping[str, object]) -> str:
        goods = self.goods(values)
        if kind == "levy":
            return "1" if values.get("base") == "value" else "USD/t_gross"
        if kind == "export_quota":
            return "t_gross/yr" if values.get("measure") == "gross" else _per(goods, "yr")
        if kind == "licence":
            return _per("USD", goods) if values.get("as") == "cost" else "1"
        if kind == "subsidy":
            return _per("USD", goods)
        if kind == "investment":
            return _per(goods, "yr")
        if kind == "leg":
            return "t_gross/yr"
        return "1" if kind in t.INSTRUMENT_OPTIONS else ""

    def option(self, kind: str, name: str, values: Mapping[str, object]) -> str:
        if name in ("lead_time", "ramp_years"):
            return "yr"
        if name == "capex":
            return "USD"
        if name in ("c0", "c1"):
            return _per("USD", self.goods(values))
        return _per(self.goods(values), "yr") if name == "K" and kind == "sanction" else ""


_OXIDE_WEIGHT = ("t_REO", "t_oxide")


def _per(above: str, below: str) -> str:
    return f"{above}/{below}" if above and below else ""


def last_day(text: str) -> date | None:
    """Return the last day of a date, month or year; None for anything else.

    Example:
        >>> last_day("2024-02")
        datetime.date(2024, 2, 29)
    """
    first = first_day(text.strip())
    if first is None or first.year >= 9999:
        return first
    if text.count("-") == 2:
        return first
    following = date(first.year + 1, 1, 1) if "-" not in text else (first + timedelta(days=32)).replace(day=1)
    return following - timedelta(days=1)


def period_end(text: str) -> date | None:
    """Return the last day of a period such as `2024`, `2024-06`, `2024-06-15`, `2010H1`, `2020-2024`, `FY2024`.

    Example:
        >>> period_end("2010H1")
        datetime.date(2010, 6, 30)
    """
    plain = last_day(text)
    if plain is not None:
        return plain
    half = re.fullmatch(r"(\d{4})[ -]?([HQ])([1-4])", text.strip())
    if half:
        month = int(half.group(3)) * (6 if half.group(2) == "H" else 3)
        return last_day(f"{half.group(1)}-{month:02d}") if month <= 12 else None
    years = re.findall(r"(?<!\d)(1[89]\d\d|20\d\d|21\d\d)(?!\d)", text)
    return date(int(years[-1]), 12, 31) if years else None


def _next_year(day: date) -> date:
    year = min(day.year + 1, 9999)
    return day.replace(year=year, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=year)
