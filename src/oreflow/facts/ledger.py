"""The ledger of a case: claims, sources and assumptions, their numbers in canonical units, and what is visible when.

Canonical units are t of the basis, USD of the money year, yr, km and plain numbers; names are `claim:ID`, `assume:ID`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from oreflow.core.errors import OreflowError
from oreflow.core.units import CURRENCIES, UnitError, currencies_in, parse_unit, root_factor, yearly_factor
from oreflow.facts.claim import Assumption, Claim, Source
from oreflow.facts.expression import (
    Binary,
    Call,
    EvaluationError,
    Expr,
    ExpressionError,
    Negative,
    Reference,
    compile_expression,
    evaluate,
    parse_expression,
    references,
    unit_of,
)

if TYPE_CHECKING:
    from oreflow.core.units import Unit

GRADES: tuple[str, ...] = ("A", "B", "C", "D", "M")
"""From official statistics to unverified; the order is that of trust."""

GRADE_SD: Mapping[str, float] = {"A": 0.02, "B": 0.05, "C": 0.10, "D": 0.20, "M": 0.40}
"""Relative standard deviation of an observation by grade, where the case states none."""


class NotVisibleError(OreflowError):
    """A parameter rests on claims that were not yet public at the as-of date, and nothing stands behind them."""


class LedgerError(OreflowError):
    """A reference to a claim or assumption that the ledger does not hold, or that has no usable number."""


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """One currency in one year: units of it per USD, the US price index of that year, and its VAT rate (a fraction)."""

    currency: str
    year: int
    usd_rate: float
    deflator: float
    vat: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """A range in canonical units: `kind` is pert, uniform, loguniform or triangular; `mode` the central value."""

    name: str
    kind: str
    low: float
    mode: float
    high: float
    grade: str


@dataclass(frozen=True, slots=True)
class Swap:
    """A `first(...)` that took a later argument because the earlier ones were not yet public."""

    skipped: tuple[str, ...]
    used: str
    published: date | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one row of the ledger: which, in which column, what was found, expected, and the remedy."""

    kind: str
    id: str
    column: str
    found: str
    expected: str
    remedy: str


@dataclass(frozen=True)
class Ledger:
    """All evidence of a case.

    Args:
        claims, sources, assumptions: the rows, ids unique within each.
        money: exchange rates and deflators by currency and year.
        money_year: the year in whose USD amounts are stated.
        grade_ranges: relative half-range by grade for claims without one; used for futures only.

    Example:
        >>> Ledger((), (), (), (), 2024).central_values()
        {}
    """

    claims: tuple[Claim, ...]
    sources: tuple[Source, ...]
    assumptions: tuple[Assumption, ...]
    money: tuple[MoneyRow, ...]
    money_year: int = 2024
    grade_ranges: Mapping[str, float] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, object]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @cached_property
    def claim_by_id(self) -> dict[str, Claim]:
        """Return claims by id."""
        return {claim.id: claim for claim in self.claims}

    @cached_property
    def assumption_by_id(self) -> dict[str, Assumption]:
        """Return assumptions by id."""
        return {assumption.id: assumption for assumption in self.assumptions}

    @cached_property
    def source_by_id(self) -> dict[str, Source]:
        """Return sources by id."""
        return {source.id: source for source in self.sources}

    def row(self, name: str) -> Claim | Assumption:
        """Return the claim or assumption of a name.

        Args:
            name: `claim:ID` or `assume:ID`.

        Raises:
            LedgerError: there is none.

        Example:
            >>> Ledger((), (), (), ()).row("claim:x")  # doctest: +IGNORE_EXCEPTION_DETAIL
            Traceback (most recent call last):
            LedgerError: claim:x is in neither claims.csv nor assumptions.csv; add it or correct the id
        """
        kind, _, identifier = name.partition(":")
        found: Claim | Assumption | None = (
            self.claim_by_id.get(identifier) if kind == "claim" else self.assumption_by_id.get(identifier)
        )
        if found is None:
            raise LedgerError(f"{name} is in neither claims.csv nor assumptions.csv; add it or correct the id")
        return found

    def visible(self, as_of: date | None = None) -> tuple[Claim, ...]:
        """Return the claims that were public at a date.

        Args:
            as_of: the date, included; None for no limit.

        Returns:
            Claims in the order of the ledger.
        """
        return tuple(claim for claim in self.claims if as_of is None or claim.published <= as_of)

    @cached_property
    def _trees(self) -> dict[str, Expr]:
        """Return the parsed value of each assumption that is an expression; unreadable ones are findings."""
        found: dict[str, Expr] = {}
        for row in self.assumptions:
            if isinstance(row.value, str):
                try:
                    found[row.id] = parse_expression(row.value)
                except ExpressionError:
                    continue
        return found

    @cached_property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Return the cycles among assumptions that are expressions, each as the ids in order."""
        state: dict[str, int] = {}
        found: list[tuple[str, ...]] = []
        below = {
            identifier: [name.removeprefix("assume:") for name in references(tree) if name.startswith("assume:")]
            for identifier, tree in self._trees.items()
        }
        for start in below:
            if state.get(start):
                continue
            path, stack = [start], [iter(below[start])]
            state[start] = 1
            while stack:
                step = next(stack[-1], None)
                if step is None:
                    state[path.pop()] = 2
                    stack.pop()
                elif state.get(step) == 1:
                    found.append((*path[path.index(step) :], step))
                elif not state.get(step) and step in below:
                    state[step] = 1
                    path.append(step)
                    stack.append(iter(below[step]))
        return tuple(found)

    @cached_property
    def _ordered_assumptions(self) -> tuple[str, ...]:
        """Return assumptions that are expressions, each after those it names, without those in or above a cycle."""
        done: dict[str, bool] = {a.id: True for a in self.assumptions if a.id not in self._trees}
        order: list[str] = []
        waiting = dict(self._trees)
        moved = True
        while moved:
            moved = False
            for identifier in list(waiting):
                below = [n.removeprefix("assume:") for n in references(waiting[identifier]) if n.startswith("assume:")]
                if all(name in done for name in below):
                    done[identifier] = True
                    order.append(identifier)
                    del waiting[identifier]
                    moved = True
        return tuple(order)

    def unit(self, name: str) -> Unit:
        """Return the unit of a claim or assumption as stated, money already in USD.

        Args:
            name: `claim:ID` or `assume:ID`.

        Returns:
            The unit with its basis, each currency replaced by USD.

        Raises:
            LedgerError: no such row. UnitError: its unit or basis cannot be read.
        """
        row = self.row(name)
        text = row.unit
        for currency in currencies_in(text):
            text = re.sub(rf"\b{currency}\b", "USD", text)
        return parse_unit(text, row.basis)

    @cached_property
    def units(self) -> dict[str, Unit]:
        """Return the unit of every row whose unit can be read, by name."""
        found: dict[str, Unit] = {}
        for name in self.names:
            try:
                found[name] = self.unit(name)
            except UnitError:
                continue
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return `claim:ID` of every claim and `assume:ID` of every assumption."""
        return (*(f"claim:{claim.id}" for claim in self.claims), *(f"assume:{a.id}" for a in self.assumptions))

    @cached_property
    def _rates(self) -> dict[tuple[str, int], float]:
        return {(row.currency, row.year): row.usd_rate for row in self.money}

    @cached_property
    def _deflators(self) -> dict[int, float]:
        return {row.year: row.deflator for row in self.money}

    def money_factor(self, currency: str, year: int) -> float:
        """Return USD of the money year per unit of a currency of a year.

        Args:
            currency: ISO 4217 code.
            year: whose money the amount is in.

        Returns:
            1 / rate of that year x US deflator of the money year / US deflator of that year.

        Raises:
            LedgerError: money.csv has no rate or no deflator for it.

        Example:
            >>> rows = (MoneyRow("CNY", 2020, 7.0, 100.0, None, "s"), MoneyRow("CNY", 2024, 7.2, 120.0, None, "s"))
            >>> round(Ledger((), (), (), rows, 2024).money_factor("CNY", 2020), 6)
            0.171429
        """
        rate = 1.0 if currency == "USD" else self._rates.get((currency, year))
        if rate is None:
            raise LedgerError(f"money.csv has no rate of {currency} in {year}; add a row for that currency and year")
        if year == self.money_year:
            return 1.0 / rate
        missing = next((y for y in (year, self.money_year) if y not in self._deflators), None)
        if missing is not None:
            raise LedgerError(f"money.csv has no deflator for {missing}; add a row for that year")
        return self._deflators[self.money_year] / (self._deflators[year] * rate)

    def scale_of(self, name: str) -> float:
        """Return the number by which a row's value is multiplied to be canonical (t, USD of the money year, years).

        Args:
            name: `claim:ID` or `assume:ID`.

        Raises:
            LedgerError, UnitError: no such row, or its money or unit cannot be converted.
        """
        row = self.row(name)
        stated = parse_unit(row.unit, row.basis)
        number, _ = root_factor(stated)
        for unit_name, power in stated._units.items():
            if unit_name in CURRENCIES:
                if isinstance(row, Claim):
                    year = year_of(row.period)
                    if year is None:
                        raise LedgerError(f"its period {row.period!r} names no year, so {unit_name} has no rate")
                else:
                    year = self.money_year
                number *= self.money_factor(unit_name, year) ** int(str(power))
        return number

    @cached_property
    def _numbers(self) -> tuple[dict[str, float], dict[str, float], tuple[Finding, ...]]:
        """Return canonical numbers of rows with a number of their own, scales of all rows, and what is wrong."""
        numbers: dict[str, float] = {}
        scales: dict[str, float] = {}
        findings: list[Finding] = []
        for name in self.names:
            row = self.row(name)
            kind = "claim" if isinstance(row, Claim) else "assumption"
            if isinstance(row, Claim) and middle(row) is None:
                continue
            try:
                scales[name] = self.scale_of(name)
            except UnitError as error:
                remedy = "see docs/units.md for the units and bases"
                findings.append(Finding(kind, row.id, "unit", str(error), "a unit and its basis", remedy))
                continue
            except LedgerError as error:
                findings.append(Finding(kind, row.id, "unit", row.unit, "money that converts to USD", str(error)))
                continue
            value = middle(row)
            if value is not None:
                numbers[name] = value * scales[name]
        return numbers, scales, tuple(findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return units, bases and money of the ledger that cannot be converted."""
        return self._numbers[2]

    def is_visible(self, name: str, as_of: date | None) -> bool:
        """Return whether a claim was public, or an assumption rests only on what was public, at a date.

        Args:
            name: `claim:ID` or `assume:ID`.
            as_of: the date, included; None for no limit.

        Raises:
            LedgerError: no such row.
        """
        if as_of is None:
            return True
        row = self.row(name)
        if isinstance(row, Claim):
            return row.published <= as_of
        return row.id not in self._hidden_assumptions(as_of)

    def _hidden_assumptions(self, as_of: date) -> set[str]:
        """Return the assumptions that rest on claims published after a date."""
        cache: dict[date, set[str]] = self.__dict__.setdefault("_hidden_cache", {})
        if as_of not in cache:
            cache[as_of] = hidden = set()
            for identifier in self._ordered_assumptions:
                try:
                    self.resolve(self._trees[identifier], as_of)
                except NotVisibleError:
                    hidden.add(identifier)
                except LedgerError:
                    continue
        return cache[as_of]

    def resolve(self, expr: Expr, as_of: date | None = None) -> tuple[Expr, tuple[Swap, ...]]:
        """Return an expression with every `first(...)` replaced by its first visible argument, and the swaps made.

        Args:
            expr: a syntax tree.
            as_of: the date, included; None for no limit (the first argument counts).

        Returns:
            (expression without `first`, swaps in order of appearance).

        Raises:
            NotVisibleError: a claim was not yet public and nothing stands behind it; the message has its date.
            LedgerError: an unknown reference.
        """
        swaps: list[Swap] = []
        return self._resolve(expr, as_of, swaps), tuple(swaps)

    def _resolve(self, expr: Expr, as_of: date | None, swaps: list[Swap]) -> Expr:
        if isinstance(expr, Reference):
            if not self.is_visible(expr.name, as_of):
                raise NotVisibleError(self._hidden(expr.name, as_of))
            return expr
        if isinstance(expr, Negative):
            return Negative(self._resolve(expr.of, as_of, swaps))
        if isinstance(expr, Binary):
            return Binary(
                expr.operator, self._resolve(expr.left, as_of, swaps), self._resolve(expr.right, as_of, swaps)
            )
        if not isinstance(expr, Call):
            return expr
        if expr.function != "first":
            return Call(expr.function, tuple(self._resolve(argument, as_of, swaps) for argument in expr.arguments))
        skipped: list[str] = []
        why = ""
        for argument in expr.arguments:
            inner: list[Swap] = []
            try:
                found = self._resolve(argument, as_of, inner)
            except NotVisibleError as error:
                skipped += references(argument)
                why = why or str(error)
                continue
            if skipped:
                claim = self.claim_by_id.get(skipped[0].removeprefix("claim:"))
                used = ", ".join(references(found)) or "a constant"
                swaps.append(Swap(tuple(skipped), used, claim.published if claim else None))
            swaps += inner
            return found
        raise NotVisibleError(why)

    def _hidden(self, name: str, as_of: date | None) -> str:
        row = self.row(name)
        if isinstance(row, Claim):
            flag = " (assumed: period end and one year)" if row.published_assumed else ""
            return (
                f"{name} was published on {row.published}{flag}, after the as-of date {as_of}, and nothing visible "
                "stands behind it; name an earlier claim or an assumption in first(...), or take a later date"
            )
        return f"{name} rests on claims published after the as-of date {as_of}; name another in first(...)"

    def _programs(self, as_of: date | None) -> Mapping[str, Callable[[Mapping[str, float]], float]]:
        cache: dict[date | None, dict[str, Callable[[Mapping[str, float]], float]]] = self.__dict__.setdefault(
            "_program_cache", {}
        )
        if as_of not in cache:
            found: dict[str, Callable[[Mapping[str, float]], float]] = {}
            for identifier in self._ordered_assumptions:
                try:
                    tree, _ = self.resolve(self._trees[identifier], as_of)
                    unit_of(tree, self.units)
                    found[f"assume:{identifier}"] = compile_expression(tree)
                except (NotVisibleError, LedgerError, UnitError, EvaluationError):
                    continue
            cache[as_of] = found
        return cache[as_of]

    def values(self, as_of: date | None = None, draws: Mapping[str, float] | None = None) -> dict[str, float]:
        """Return the canonical number of every row, with drawn values in place of central ones.

        Args:
            as_of: claims published later have no number; None for no limit.
            draws: canonical numbers by name; an assumption that is an expression over drawn claims follows them.

        Returns:
            Numbers by `claim:ID` and `assume:ID`; rows without a usable number are left out.

        Raises:
            LedgerError: a draw for a name that the ledger does not hold.
        """
        numbers = dict(self._numbers[0])
        if as_of is not None:
            for claim in self.claims:
                if claim.published > as_of:
                    numbers.pop(f"claim:{claim.id}", None)
        drawn = draws or {}
        for name, number in drawn.items():
            if name in numbers:
                numbers[name] = number
            else:
                self.row(name)
        for name, program in self._programs(as_of).items():
            if name in drawn:
                numbers[name] = drawn[name]
                continue
            try:
                number = program(numbers)
            except (KeyError, ZeroDivisionError, OverflowError):
                continue
            if math.isfinite(number):
                numbers[name] = number
        return numbers

    def central_values(self, as_of: date | None = None) -> dict[str, float]:
        """Return the central number of every row in canonical units.

        Args:
            as_of: claims published later have no number; None for no limit.

        Returns:
            Numbers by `claim:ID` and `assume:ID`. A claim with only a range has its middle.
        """
        return self.values(as_of)

    def uncertainties(self, as_of: date | None = None) -> tuple[Uncertainty, ...]:
        """Return the ranges of all rows that have one: PERT for grades A to C, uniform for D and M, or as `dist` says.

        Args:
            as_of: claims published later are left out; None for no limit.

        Returns:
            Ranges in canonical units, in the order of the ledger.
        """
        central = self.central_values(as_of)
        scales = self._numbers[1]
        found: list[Uncertainty] = []
        for name in self.names:
            row = self.row(name)
            if name not in central or name not in scales:
                continue
            mode = central[name]
            if row.low is not None and row.high is not None:
                low, high = row.low * scales[name], row.high * scales[name]
            elif isinstance(row, Claim) and self.grade_ranges.get(row.grade, 0.0) > 0:
                width = abs(mode) * self.grade_ranges[row.grade]
                low, high = mode - width, mode + width
            else:
                continue
            kind = row.dist if isinstance(row, Assumption) and row.dist else ""
            kind = kind or ("pert" if row.grade in ("A", "B", "C") else "uniform")
            if low < high and kind != "fixed":
                found.append(Uncertainty(name, kind, low, min(max(mode, low), high), high, row.grade))
        return tuple(found)

    def grade_of(self, name: str) -> str:
        """Return the grade of a claim or assumption.

        Args:
            name: `claim:ID` or `assume:ID`.

        Raises:
            LedgerError: no such row.
        """
        return self.row(name).grade

    def is_independent(self, claim: Claim) -> bool:
        """Return whether a claim is computed from no other claim of the ledger; see `independence_text`.

        Args:
            claim: a row of the ledger.
        """
        return not claim.derived_from

    def independence_text(self, claim: Claim) -> str:
        """Return grade and independence together, as every list shows them.

        Args:
            claim: a row of the ledger.

        Returns:
            "A", or "A, not independent" for a claim that is computed from other claims.
        """
        return claim.grade if self.is_independent(claim) else f"{claim.grade}, not independent"

    def expression_tree(self, assumption: Assumption) -> Expr | None:
        """Return the syntax tree of an assumption that is an expression, None for a number or an unreadable text.

        Args:
            assumption: a row of the ledger.
        """
        return self._trees.get(assumption.id)

    def reached(self, names: Iterable[str], as_of: date | None = None) -> tuple[str, ...]:
        """Return the rows that names rest on: themselves, and what assumptions among them are computed from.

        Args:
            names: `claim:ID` and `assume:ID`.
            as_of: of `first(...)` only the visible argument counts.

        Returns:
            Names, each once, in the order in which they are reached.
        """
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name in found:
                continue
            found[name] = None
            tree = self._trees.get(name.removeprefix("assume:")) if name.startswith("assume:") else None
            if tree is not None:
                try:
                    waiting += references(self.resolve(tree, as_of)[0])
                except (NotVisibleError, LedgerError):
                    continue
        return tuple(found)

    def evaluate(self, expr: Expr, as_of: date | None = None) -> float:
        """Return the central value of an expression, in canonical units.

        Args:
            expr: a syntax tree.
            as_of: the date, included; None for no limit.

        Raises:
            NotVisibleError, LedgerError, EvaluationError: as `resolve` and `evaluate`.
        """
        return evaluate(self.resolve(expr, as_of)[0], self.central_values(as_of))

    def factor_to(self, expr: Expr, target: str) -> float:
        """Return the number by which an expression's canonical value is multiplied to be in a target unit.

        Args:
            expr: a syntax tree.
            target: a unit text; an amount of one year also converts where it is per year.

        Returns:
            A positive number; 1 for an expression that is 0 in any unit.

        Raises:
            UnitError: the expression's unit does not convert. EvaluationError: a reference has no unit.
        """
        unit = unit_of(expr, self.units)
        return 1.0 if unit is None else yearly_factor(unit, parse_unit(target))


def middle(row: Claim | Assumption) -> float | None:
    """Return the number of a row: its value, else the middle of low and high, else None (kept only for checking).

    Args:
        row: a claim or an assumption; an assumption that is an expression has none of its own.

    Example:
        >>> middle(Assumption("a", "", 2.0, None, None, "1", "", "", "M", "", ""))
        2.0
    """
    if isinstance(row.value, str):
        return None
    if row.value is not None:
        return row.value
    if row.low is not None and row.high is not None:
        return 0.5 * (row.low + row.high)
    return None


def year_of(period: str) -> int | None:
    """Return the first calendar year that a period names, None where it names none.

    Args:
        period: as `2024`, `2024-06`, `2024-06-15`, `2023-2024`, `FY2024`, `2010H2`.

    Example:
        >>> year_of("FY2024-25")
        2024
    """
    match = re.search(r"(?<!\d)(1[89]\d\d|20\d\d|21\d\d)(?!\d)", period)
    return int(match.group(1)) if match else None
