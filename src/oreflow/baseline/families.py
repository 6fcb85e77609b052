"""Which observations of a case go back to the same evidence, and what error they therefore share.

The error of an observation is, to first order, the sum of the errors of the claims and assumptions it is computed from
and of a reading error of its own, such that its total is at least the standard deviation that the case states. A claim
that is derived from others carries their error and at most a transformation error on top. Observations of one family
so differ by their transformation errors only: copies of one observation count as one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from oreflow.facts.claim import Claim
from oreflow.facts.expression import format_expression, references
from oreflow.facts.ledger import GRADE_SD

if TYPE_CHECKING:
    from oreflow.baseline.calibrate import LevelObservation
    from oreflow.chain.case import Case, Values

Floats = NDArray[np.float64]
Draw = Callable[[Mapping[str, float]], "Values"]
"""Numbers of a case with some claims and assumptions, by name, set to another canonical number."""

ROUNDING = 1e-3
"""Error that a copy adds to what it copies, relative: it is rounded, at least."""
_EXACT = 1e-4
_MASS = re.compile(r"(Mt|kt|t|kg)(_[A-Za-z]+)?(/yr)?")


@dataclass(frozen=True, slots=True)
class Family:
    """Observations (positions) that go back to the same claims of an amount, by id."""

    claims: tuple[str, ...]
    observations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """Errors of observations as a sum: `loadings` [k, f] t per year for one sd of each common error, and `own` [k].

    `names`: of the common errors: `claim:ID`, `assume:ID`, or `reading:...` of a group of copies.
    """

    names: tuple[str, ...]
    loadings: sp.csr_array
    own: Floats
    families: tuple[Family, ...]

    def covariance(self) -> Floats:
        """Return the covariance of the observations' errors, t2 per year2 [k, k]."""
        return np.asarray((self.loadings @ self.loadings.T).todense()) + np.diag(self.own**2)


@dataclass(frozen=True, slots=True)
class _Node:
    """Observations with one expression: what it names, the amounts among that, and all they are derived from."""

    members: tuple[int, ...]
    names: tuple[str, ...]
    evidence: frozenset[str]
    closure: frozenset[str]


def error_model(case: Case, draw: Draw, observations: Sequence[LevelObservation]) -> ErrorModel:
    """Return the errors that observations of a case share, and what each has of its own.

    Args:
        case: the case, with the ledger behind its observations.
        draw: numbers of the case's cells with some claims or assumptions moved.
        observations: level observations, t per year, with the row that each comes from.

    Returns:
        The model; an observation outside any family keeps its stated standard deviation as its own.

    Example:
        >>> model = error_model(case, lambda moved: case.values(draws=moved), levels)  # doctest: +SKIP
        >>> model.families[0].claims  # doctest: +SKIP
        ('SUP-0385', 'D0208')
    """
    nodes = _nodes(case, observations)
    families = _families(nodes)
    own = np.array([o.sd for o in observations])
    columns: dict[str, int] = {}
    entries: dict[tuple[int, int], float] = {}

    def load(observation: int, name: str, amount: float) -> None:
        if amount:
            key = (observation, columns.setdefault(name, len(columns)))
            entries[key] = entries.get(key, 0.0) + amount

    spread = claim_errors(case)
    moved: dict[tuple[str, float], Values] = {}

    def shifted(name: str, amount: float) -> Values:
        key = (name, amount)
        if key not in moved:
            moved[key] = draw({name: amount})
        return moved[key]

    for family in families:
        inside = [node for node in nodes if set(node.members) <= set(family.observations)]
        excess: dict[int, float] = {}
        for number, node in enumerate(inside):
            first = observations[node.members[0]]
            shares = _sensitivities(case, draw({}), shifted, node.names, first, spread)
            for i in node.members:
                scale = observations[i].value / first.value if first.value else 1.0
                for name, amount in shares.items():
                    load(i, name, amount * scale)
            inherited = math.hypot(*shares.values()) if shares else 0.0
            size = max(abs(first.value), 1e-9)
            stated = min(observations[i].sd / max(abs(observations[i].value), 1e-9) for i in node.members)
            excess[number] = math.sqrt(max(stated**2 - (inherited / size) ** 2, 0.0))
        added: dict[int, float] = {}
        for number in sorted(range(len(inside)), key=lambda k: (len(inside[k].closure), inside[k].members)):
            node = inside[number]
            parents = [
                k
                for k in added
                if inside[k].evidence != node.evidence
                and inside[k].evidence <= node.closure
                and _same_quantity(inside[k], node, observations)
            ]
            known = math.hypot(*(added[k] for k in parents)) if parents else 0.0
            added[number] = math.sqrt(max(excess[number] ** 2 - known**2, 0.0))
            fit = min(1.0, excess[number] / known) if known else 0.0
            copies = False
            for i in node.members:
                size = abs(observations[i].value)
                for k in parents:
                    load(i, _reading(inside[k], observations), fit * added[k] * size)
                load(i, _reading(node, observations), added[number] * size)
                shared = math.hypot(*(amount for (k, _), amount in entries.items() if k == i))
                beyond = math.sqrt(max(observations[i].sd ** 2 - shared**2, 0.0))
                own[i] = max(beyond, (ROUNDING if copies or parents else _EXACT) * size, 1e-9)
                copies = True
    keys = list(entries)
    loadings = sp.csr_array(
        ([entries[key] for key in keys], ([i for i, _ in keys], [f for _, f in keys])),
        shape=(len(observations), len(columns)),
    )
    return ErrorModel(tuple(columns), loadings, own, families)


def claim_errors(case: Case) -> dict[str, dict[str, float]]:
    """Return each claim's and assumption's error as canonical amounts for one sd of the errors it consists of.

    A claim derived from amounts carries their relative errors, weighted by size, and a transformation error of its own
    so that its total is what its range or grade says; an assumption without a range is taken as stated.

    Args:
        case: a case.

    Returns:
        name -> {name of the error: amount}; names without error are left out.
    """
    ledger = case.ledger
    central = ledger.central_values(case.as_of)
    ranges = {u.name: u for u in ledger.uncertainties(case.as_of)}
    found: dict[str, dict[str, float]] = {}
    waiting: set[str] = set()

    def own_sd(name: str) -> float:
        entry = ranges.get(name)
        if entry is not None:
            return (entry.high - entry.low) / (6.0 if entry.kind == "pert" else math.sqrt(12.0))
        if name.startswith("claim:"):
            grade = ledger.grade_of(name)
            return abs(central[name]) * case.grade_sd.get(grade, GRADE_SD[grade])
        return 0.0

    def errors(name: str) -> dict[str, float]:
        if name in found or name in waiting or name not in central:
            return found.get(name, {})
        waiting.add(name)
        result: dict[str, float] = {}
        row = ledger.row(name)
        parents = [f"claim:{p}" for p in row.derived_from] if isinstance(row, Claim) and _is_amount(row) else []
        amounts = [p for p in parents if p in central and _is_amount(ledger.row(p)) and central[p]]
        total = sum(abs(central[p]) for p in amounts)
        for parent in amounts:
            for source, amount in errors(parent).items():
                factor = abs(central[parent]) / total * central[name] / central[parent]
                result[source] = result.get(source, 0.0) + factor * amount
        inherited = math.hypot(*result.values()) if result else 0.0
        rest = math.sqrt(max(own_sd(name) ** 2 - inherited**2, 0.0))
        if rest > 0:
            result[name] = rest
        waiting.discard(name)
        found[name] = result
        return result

    for name in ledger.names:
        errors(name)
    return {name: result for name, result in found.items() if result}


def _is_amount(row: object) -> bool:
    unit = getattr(row, "unit", "")
    return isinstance(row, Claim) and _MASS.fullmatch(unit) is not None


def _closure(case: Case, names: Iterable[str]) -> frozenset[str]:
    """Return amounts and all amounts that they are derived from, by `claim:ID`."""
    known = case.ledger.claim_by_id
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        row = known.get(name.removeprefix("claim:"))
        if name in found or row is None or not _is_amount(row):
            continue
        found.add(name)
        waiting += [f"claim:{parent}" for parent in row.derived_from]
    return frozenset(found)


def _nodes(case: Case, observations: Sequence[LevelObservation]) -> list[_Node]:
    gathered: dict[str, list[int]] = {}
    named: dict[str, tuple[str, ...]] = {}
    for i, observation in enumerate(observations):
        cell = case.observations[observation.row].value if observation.row >= 0 else None
        if cell is None:
            continue
        expr = case.ledger.resolve(cell.expr, case.as_of)[0]
        text = format_expression(expr)
        gathered.setdefault(text, []).append(i)
        named[text] = case.ledger.reached(references(expr), case.as_of)
    nodes = []
    for text, members in gathered.items():
        evidence = frozenset(
            name for name in named[text] if name.startswith("claim:") and _is_amount(case.ledger.row(name))
        )
        nodes.append(_Node(tuple(members), named[text], evidence, _closure(case, evidence)))
    return nodes


def _families(nodes: Sequence[_Node]) -> tuple[Family, ...]:
    """Return the sets of two or more observations that are joined by common amounts."""
    groups: list[tuple[set[str], set[int]]] = []
    for node in nodes:
        if not node.closure:
            continue
        claims, members = set(node.closure), set(node.members)
        apart = []
        for other in groups:
            if other[0] & claims:
                claims |= other[0]
                members |= other[1]
            else:
                apart.append(other)
        groups = [*apart, (claims, members)]
    return tuple(
        Family(tuple(sorted(name.removeprefix("claim:") for name in claims)), tuple(sorted(members)))
        for claims, members in groups
        if len(members) > 1
    )


def _sensitivities(
    case: Case,
    central: Values,
    shifted: Callable[[str, float], Values],
    names: Sequence[str],
    observation: LevelObservation,
    spread: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    """Return what one sd of each error behind an observation moves it by, t per year (central differences)."""
    cell = case.observations[observation.row].value
    if cell is None:
        return {}
    result: dict[str, float] = {}
    for name in names:
        if name not in spread:
            continue
        centre, step = central.number(name), 1e-4 * math.hypot(*spread[name].values())
        slope = (shifted(name, centre + step)[cell] - shifted(name, centre - step)[cell]) / (2.0 * step)
        for source, amount in spread[name].items():
            result[source] = result.get(source, 0.0) + slope * amount
    return {source: amount for source, amount in result.items() if amount}


def _same_quantity(one: _Node, other: _Node, observations: Sequence[LevelObservation]) -> bool:
    terms = {observations[i].terms for i in one.members}
    return any(observations[i].terms in terms for i in other.members)


def _reading(node: _Node, observations: Sequence[LevelObservation]) -> str:
    return f"reading:{observations[node.members[0]].name}:{'+'.join(sorted(node.evidence)) or node.members[0]}"
