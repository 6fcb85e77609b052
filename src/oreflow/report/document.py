"""What a comparison hands to the report: plain frozen records, and their JSON form.

Whoever runs the study fills a `ComparisonDocument`; tables, figures and the HTML report read nothing else. Every
number carries references (`refs`): ids of claims or assumptions of `Evidence`, so that the report can link it.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from oreflow.core.errors import OreflowError
from oreflow.report.wording import Wording

SCHEMA = "oreflow/comparison/1"
"""Value of the key `schema` in the JSON form of a document."""


class Band(NamedTuple):
    """10th, 50th and 90th percentile over the draws; any triple of floats is taken in its place."""

    p10: float
    p50: float
    p90: float


Setting = str | int | float | bool | None
"""A setting of the run, as printed."""


class DocumentError(OreflowError):
    """A comparison document that misses a field, has one too many, or holds a value of another type."""


@dataclass(frozen=True, slots=True)
class CaseHeader:
    """What was run: the case, its years and dates, and the identity of the run.

    Attributes:
        threshold_t: tonnes a year of tracked oxide that `works` asks for, t/yr.
        headline_year: the year to which scalar values belong.
        money_year: year of the USD in which money is given.
        draws: futures tried; 0 where only central values were solved.
        run: content hash of the run, 12 characters.
        status_quo: id of the proposal that the others are compared with.
        tracked: name of what is counted, as "Dy+Tb oxide of Kachin origin".
        outside: name of the group that does not count as outside, as "China" or "outside_china".
        not_modelled: what the case leaves out, one entry a topic.
        price_areas: first parts of the labels of `price` that are shown, that of `outside` first; empty for a choice
            by `oreflow.report.sentences.price_areas`.
        names: id of a place, actor, plant, route, leg or tie -> its name on the page; an id without one stands for
            itself.
        elements: tracked.
    """

    id: str
    title: str
    description: str
    base_year: int
    end_year: int
    study_date: str
    money_year: int
    as_of: str | None
    seed: int
    draws: int
    run: str
    version: str
    threshold_t: float
    headline_year: int
    not_modelled: tuple[str, ...] = ()
    status_quo: str = "status-quo"
    tracked: str = "Dy+Tb oxide"
    outside: str = "China"
    price_areas: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    elements: tuple[str, ...] = ("Dy", "Tb")

    @property
    def wording(self) -> Wording:
        """Return the words for what is counted and what is outside."""
        return Wording(self.elements, self.outside)


@dataclass(frozen=True, slots=True)
class IndicatorResult:
    """One indicator of `oreflow.report.indicators` under one proposal.

    Attributes:
        unit: as in the definition of the indicator.
        value: central value in the headline year (or over all years where the indicator has no year); None where
            there is none, as a first year that never comes.
        by: label -> central value. Labels join the dimensions of the definition by "/": "2030", "CN/2030",
            "China/Dy/2030", "actor/2030".
        p10, p50, p90: percentiles over the draws of what `value` is; None without draws.
        bands_by: label -> percentiles, for any of the labels of `by`.
        k, n: draws in which the statement holds, and draws solved; None where nothing is counted.
        refs: ids of the claims and assumptions that the result rests on, the weightiest first.
        paired: percentiles of the difference to the status quo of the same draw.
        paired_by: the same by label.
    """

    unit: str
    value: float | None
    by: Mapping[str, float] = field(default_factory=dict)
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    bands_by: Mapping[str, Band] = field(default_factory=dict)
    k: int | None = None
    n: int | None = None
    refs: tuple[str, ...] = ()
    paired: Band | None = None
    paired_by: Mapping[str, Band] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the waterfall: what is left of the tonnes after it.

    Attributes:
        value: central tonnes left after this step, in the waterfall's unit; the first step has all there is.
        p10, p50, p90: percentiles of the same; None without draws.
        hatched: True where the step rests on an input of grade D or M.
        why: in words, what takes away the difference to the step before.
    """

    id: str
    label: str
    value: float
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    hatched: bool = False
    why: str = ""
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Where the tonnes stop in one year: steps in the order in which they are taken."""

    year: int
    unit: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class BarrierSet:
    """A minimal set of barriers whose joint removal lets the target through.

    Attributes:
        barriers: ids of the barriers.
        names: the same in words, in the same order.
        tonnes: gained when all are removed, t/yr of what is tracked.
        cost: public cost of removing them, USD of the money year a year; None where no source gives one.
        price_gap: USD a tonne still missing after the removal; 0 where it pays, None where not computed.
    """

    barriers: tuple[str, ...]
    names: tuple[str, ...]
    tonnes: float
    cost: float | None = None
    price_gap: float | None = None
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of the unlock ladder: tonnes (t/yr) from this removal alone, and with all the rungs before it."""

    label: str
    tonnes_alone: float
    tonnes_cumulative: float
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freight:
    """Freight of the proposal's best way out, per tonne of ore.

    Attributes:
        route: the way in words, with the plants at its end.
        percent_of_value: of the basket's value, in percent.
        usd_per_kg_dytb: USD per kg of tracked oxide in the ore.
        to: name of the place where the way ends.
        exit: name of the first place abroad on the way, empty where there is none before its end.
        exit_percent_of_value, exit_usd_per_kg_dytb: the same up to there.
    """

    route: str
    percent_of_value: float
    usd_per_kg_dytb: float
    refs: tuple[str, ...] = ()
    to: str = ""
    exit: str = ""
    exit_percent_of_value: float | None = None
    exit_usd_per_kg_dytb: float | None = None


@dataclass(frozen=True, slots=True)
class ExistingPath:
    """How many activities of the proposal's path were used in the base year, of how many."""

    used_in_base_year: int
    total: int


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The value of one input at which a proposal's effect changes sign; None where it does not in the range.

    Attributes:
        id: as "outside_premium" or "outside_separation_cost".
        label: the input in words.
        unit: of `value` and `current`.
        current: the central value of the input.
        note: what happens on either side, or that no change of sign was found between which bounds.
    """

    id: str
    label: str
    value: float | None
    unit: str
    current: float | None = None
    note: str = ""
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of a proposal: the id of its own file, and what differs."""

    id: str
    difference: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument of a proposal as it was run; `magnitude` in `unit`, None where the instrument has none.

    `title`: the type in words.
    """

    id: str
    type: str
    target: str
    start: int | None = None
    end: int | None = None
    magnitude: float | None = None
    unit: str = ""
    payer: str = ""
    note: str = ""
    refs: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class ProposalResult:
    """One proposal: what was modelled, and what came out.

    Attributes:
        status: "solved", or in words why there is no result.
        failures: draws that did not solve.
        freight: None where no tonne of the tracked origin has a way that avoids `outside`.
    """

    id: str
    title: str
    reading: str
    alternatives: tuple[Alternative, ...] = ()
    not_modelled: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    indicators: Mapping[str, IndicatorResult] = field(default_factory=dict)
    waterfall: Waterfall | None = None
    barriers: tuple[BarrierSet, ...] = ()
    ladder: tuple[Rung, ...] = ()
    freight: Freight | None = None
    status: str = "solved"
    path_existing: ExistingPath | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows of evidence that a reader may want, by id, as plain mappings of column -> value (text, number or None).

    Columns of claims and assumptions are those of claims.csv and assumptions.csv, of sources those of sources.csv;
    an assumption whose value is an expression has its evaluated value under `result`. `entered` names the sources whose
    numbers the run used; empty in a run made before it was kept.
    """

    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    assumptions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """An input whose range moves the headline: `ref` names the claim or assumption, `effect` is in `unit`."""

    ref: str
    subject: str
    grade: str
    effect: float
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class PressFigure:
    """A figure from the press and what the record says of it; the verdict: agrees, conflicts, follows, not in it."""

    text: str
    verdict: str
    detail: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparisonDocument:
    """Everything that the tables and the report show of one comparison.

    Attributes:
        doubts: the weightiest first.
        outlook: proposal id -> values at which its effect changes sign.
        settings: name -> value of what was set for the run.
        timings: name -> seconds.
    """

    case: CaseHeader
    proposals: tuple[ProposalResult, ...]
    evidence: Evidence = field(default_factory=Evidence)
    doubts: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()
    press: tuple[PressFigure, ...] = ()
    outlook: Mapping[str, tuple[BreakEven, ...]] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    def proposal(self, proposal_id: str) -> ProposalResult:
        """Return a proposal by its id.

        Args:
            proposal_id: as in the document.

        Returns:
            The proposal's result.

        Raises:
            DocumentError: the document has no such proposal.
        """
        for proposal in self.proposals:
            if proposal.id == proposal_id:
                return proposal
        raise DocumentError(
            f"no proposal {proposal_id!r} in the document; it has {', '.join(p.id for p in self.proposals)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the document as dictionaries, lists and plain values, with the key `schema`.

        Returns:
            What `json.dumps(..., allow_nan=False)` takes and `from_dict` reads back to an equal document.

        Raises:
            DocumentError: a number is not finite.
        """
        return {"schema": SCHEMA, **cast(dict[str, Any], _to_plain(self, "document"))}

    @classmethod
    def from_dict(cls, data: object) -> ComparisonDocument:
        """Read a document from its plain form.

        Args:
            data: as `to_dict` gives.

        Returns:
            The document.

        Raises:
            DocumentError: another schema, a missing or unknown field, a value of another type; the message says where.
        """
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            raise DocumentError(f"found schema {found!r}; expected {SCHEMA!r}: run `oreflow compare` again")
        return _build(cls, {key: value for key, value in data.items() if key != "schema"}, "document")


_T = TypeVar("_T")


def _to_plain(value: object, where: str) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"{where}: found {value}; expected a finite number, or no entry where there is none")
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _to_plain(getattr(value, item.name), f"{where}.{item.name}") for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _to_plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_to_plain(item, f"{where}[{number}]") for number, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise DocumentError(f"{where}: found {type(value).__name__}; expected text, a number, a list or a mapping")


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(cls: type[_T], data: object, where: str) -> _T:
    if not isinstance(data, Mapping):
        raise DocumentError(f"{where}: found {type(data).__name__}; expected a mapping")
    known = {item.name: item for item in fields(cast(Any, cls))}
    for key in data:
        if key not in known:
            raise DocumentError(f"{where}: unknown field {key!r}; expected {', '.join(known)}")
    values = {}
    for name, item in known.items():
        if name in data:
            values[name] = _read(_hints(cast(Any, cls))[name], data[name], f"{where}.{name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise DocumentError(f"{where}: field {name!r} is missing")
    return cls(**values)


def _read(hint: Any, value: object, where: str) -> Any:
    if hint is Any:
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        plain = [argument for argument in arguments if argument is not type(None)]
        if len(plain) == 1:
            return _read(plain[0], value, where)
        if isinstance(value, tuple(plain)):
            return value
        raise _mismatch(where, value, " or ".join(argument.__name__ for argument in plain))
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _mismatch(where, value, "a list")
        if arguments[-1] is Ellipsis:
            return tuple(_read(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
        if len(value) != len(arguments):
            raise DocumentError(f"{where}: found {len(value)} values; expected {len(arguments)}")
        pairs = zip(arguments, value, strict=True)
        return tuple(_read(argument, item, f"{where}[{number}]") for number, (argument, item) in enumerate(pairs))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _mismatch(where, value, "a mapping")
        return {str(key): _read(arguments[1], item, f"{where}[{key!r}]") for key, item in value.items()}
    if hint is Band:
        return Band(*_read(tuple[float, float, float], value, where))
    if is_dataclass(hint):
        return _build(cast(type[Any], hint), value, where)
    return _read_scalar(hint, value, where)


def _read_scalar(hint: type, value: object, where: str) -> object:
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise DocumentError(f"{where}: found {value}; expected a finite number")
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise _mismatch(where, value, {str: "text", float: "a number", int: "a whole number"}.get(hint, hint.__name__))


def _mismatch(where: str, value: object, expected: str) -> DocumentError:
    return DocumentError(f"{where}: found {value!r:.60}; expected {expected}")
