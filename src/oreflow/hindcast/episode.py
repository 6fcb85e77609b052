"""Episode files: what caused a price to move, what is imposed, what was observed, and the role of every row.

A folder of hindcasts holds one `H*.yaml` for each episode, `backcast.yaml` (the rule that gives the state before) and
`split.yaml` (which episodes fit the free parameters and which judge them). An episode file outside the folder is read
against a folder's rule and split, and is scored.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from calendar import monthrange
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from oreflow.core.errors import CaseError, Problem

_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


MAGNETS = 2.0
"""Years until another magnet is qualified: 24 months, 12 to 36 (SE031, grade M)."""

_Model = TypeVar("_Model", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Date(_Frozen):
    """A year, a month or a day as a stretch of time in decimal years.

    Example:
        >>> Date.of("2024-07").start
        2024.5
    """

    text: str
    start: float
    stop: float

    @classmethod
    def of(cls, text: str) -> Date:
        """Return the date that a text names.

        Raises:
            ValueError: if it is neither YYYY, YYYY-MM nor YYYY-MM-DD.
        """
        match = _DATE.match(text)
        if match is None:
            raise ValueError(f"date {text!r}; expected YYYY, YYYY-MM or YYYY-MM-DD, in quotes")
        year = int(match[1])
        month, day = (int(g) if g else None for g in match.groups()[1:])
        if month is None:
            return cls(text=text, start=float(year), stop=year + 1.0)
        if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
            raise ValueError(f"date {text!r}; expected a month 01 to 12 and a day 01 to 31")
        if day is not None and day > monthrange(year, month)[1]:
            raise ValueError(f"date {text!r}; expected a day of that month")
        start = year + (month - 1) / 12
        if day is None:
            return cls(text=text, start=start, stop=year + month / 12)
        at = start + (day - 1) / 372  # twelve months of 31 days keep a day inside its month
        return cls(text=text, start=at, stop=at + 1 / 372)


def _to_text(value: Any) -> Any:
    """What YAML made of an unquoted year or day, as it was written."""
    if isinstance(value, dt.date) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    return value


def _to_date(value: Any) -> Any:
    value = _to_text(value)
    return Date.of(value) if isinstance(value, str) else value


def _to_index(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    named = {str(_to_text(key)): entry for key, entry in value.items()}
    for text in named:
        Date.of(text)
    return named


def _to_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


When = Annotated[Date, BeforeValidator(_to_date)]
Shares = Annotated[dict[str, Annotated[float, Field(ge=0)]], BeforeValidator(_to_index)]
Levels = Annotated[dict[str, Annotated[float, Field(gt=0)]], BeforeValidator(_to_index)]
Grade = Literal["A", "B", "C", "D", "M"]


class _Sourced(_Frozen):
    grade: Grade = "M"
    source: str = ""
    note: str = ""


class Element(_Sourced):
    """Reference price of an element's oxide, USD/kg, in a place; other places follow by the links' wedges.

    `qualification` is how many years pass until a switch of its users counts; that of magnets where none is given.
    """

    price: float = Field(gt=0)
    low: float | None = None
    high: float | None = None
    place: str
    qualification: float = Field(default=MAGNETS, ge=0)


class Supply(_Sourced):
    """A stream of supply: `tonnes` a year of all elements (shared by the composition), or part of the back-cast.

    `index` holds from its date to the next. `annual` is a second record of the same stream by year, relative to the
    reference: where the two disagree a draw lies between them, and the centre in their middle (in logs). With an
    `elasticity` the stream also answers to the price (else it is imposed).
    """

    name: str
    place: str
    tonnes: float | None = Field(default=None, ge=0)
    low: float | None = None
    high: float | None = None
    backcast: Annotated[tuple[str, ...], BeforeValidator(_to_tuple)] = ()
    year: int | None = None
    index: Shares = {}
    annual: dict[int, Annotated[float, Field(gt=0)]] = {}
    elasticity: float = Field(default=0.0, ge=0)

    def share(self, start: float, stop: float, record: float) -> float:
        """Mean of the index over a stretch of time within a year, moved by `record` (0 to 1) towards `annual`."""
        share = step_at(self.index, start, stop)
        year = int(start + 1e-6)
        if year not in self.annual:
            return share
        return float(share * (self.annual[year] / step_at(self.index, year, year + 1.0)) ** record)


class Use(_Sourced):
    """Use in a place outside the home market, tonnes a year of all elements; home use is what is left of supply."""

    place: str
    tonnes: float = Field(gt=0)
    low: float | None = None
    high: float | None = None


class Limit(_Sourced):
    """Most tonnes of all elements together that may pass from `start` on, in one period."""

    start: When
    tonnes: float = Field(ge=0)


class Link(_Frozen):
    """Trade between places: unrefunded VAT and duty part the prices, and limits (quotas) add a rent a tonne."""

    source: str = Field(alias="from")
    to: str
    vat: float = Field(default=0.0, ge=0)
    duty: float = Field(default=0.0, ge=0)
    limits: tuple[Limit, ...] = ()

    @property
    def wedge(self) -> float:
        """Price at the far end over the price at the near end, without rent."""
        return (1.0 + self.vat) * (1.0 + self.duty)

    def limit_at(self, time: float) -> float:
        """Tonnes that may pass in the period that starts at `time`; inf where none is set."""
        held = [(limit.start.start, limit.tonnes) for limit in self.limits if limit.start.start <= time + 1e-6]
        return max(held)[1] if held else float("inf")


class Demand(_Sourced):
    """What was used of the control, and at which price, both relative to the reference.

    `index` is a step function of the date (from each date to the next). `price` holds single dates, with logs in a
    straight line between their middles; from the two follows the demand there would be at reference prices. Without
    `price` a run's prices are read relative to the control.
    """

    index: Levels = {}
    price: Levels = {}
    price_note: str = ""

    def price_at(self, time: float) -> float:
        """Price of the control relative to the reference at a date (decimal year)."""
        if not self.price:
            return 1.0
        marks = sorted((0.5 * (d.start + d.stop), v) for d, v in ((Date.of(k), v) for k, v in self.price.items()))
        return math.exp(np.interp(time, [at for at, _ in marks], [math.log(v) for _, v in marks]))


class Control(_Sourced):
    """The element whose price the responses are read against, and the standard error of its change, in logs."""

    element: str
    sd: float = Field(default=0.0, ge=0)
    qualification: float = Field(default=MAGNETS, ge=0)


class Point(_Frozen):
    """A value at a date."""

    date: When
    value: float = Field(gt=0)


class Change(_Frozen):
    """A value before and after."""

    before: Point
    after: Point

    @property
    def change(self) -> float:
        """In logs."""
        return math.log(self.after.value / self.before.value)


class _Row(_Frozen):
    id: str
    what: str
    unit: str = ""
    grade: Grade
    source: str
    note: str = ""


class ScoredRow(_Row):
    """An observed response that the model is fitted to or judged by.

    `place` is a place for prices and `from -> to` for flows; `element` is an element or `all` (flows only).
    """

    role: Literal["scored"]
    quantity: Literal["price", "flow"]
    element: str
    place: str
    before: Point
    after: Point
    control: Change | None = None


class OtherRow(_Row):
    """A row that is not scored, with the reason."""

    role: Literal["cause", "conditioning", "control", "excluded"]
    reason: str = ""
    before: dict[str, Annotated[str, BeforeValidator(_to_text)]] = {}
    after: dict[str, Annotated[str, BeforeValidator(_to_text)]] = {}


Row = Annotated[ScoredRow | OtherRow, Field(discriminator="role")]


class Episode(_Frozen):
    """One episode, as its file has it. Times are decimal years, quantities tonnes a year, prices USD/kg."""

    format: Literal["oreflow/episode/1"] = Field(alias="schema")
    id: str
    title: str
    start: When
    months: int = Field(ge=1, le=12)
    periods: int = Field(ge=1, le=240)
    reference: str
    home: str
    elements: dict[str, Element] = Field(min_length=1)
    composition: dict[str, Annotated[float, Field(gt=0)]] = {}
    composition_source: str = ""
    supply: tuple[Supply, ...] = Field(min_length=1)
    uses: tuple[Use, ...] = ()
    links: tuple[Link, ...] = ()
    demand: Demand = Demand()
    control: Control | None = None
    not_modelled: tuple[str, ...] = ()
    rows: tuple[Row, ...]

    @property
    def scored(self) -> tuple[ScoredRow, ...]:
        """The rows with the role `scored`, in order."""
        return tuple(row for row in self.rows if isinstance(row, ScoredRow))

    @property
    def stop(self) -> float:
        """End of the last period, decimal year."""
        return self.start.start + self.periods * self.months / 12

    @property
    def places(self) -> tuple[str, ...]:
        """Home first, then the others in order."""
        named = [self.home, *(s.place for s in self.supply), *(u.place for u in self.uses)]
        return tuple(dict.fromkeys([*named, *(x for link in self.links for x in (link.source, link.to))]))


class BackcastStream(_Sourced):
    """One stream of the base year and its index by year (held from a year to the next given)."""

    name: str
    tonnes: float = Field(ge=0)
    low: float = Field(default=1.0, gt=0)
    high: float = Field(default=1.0, gt=0)
    index: dict[int, Annotated[float, Field(ge=0)]]

    def tonnes_in(self, year: int) -> float:
        """Tonnes in a year.

        Raises:
            KeyError: before the first year of the index.
        """
        known = [y for y in sorted(self.index) if y <= year]
        if not known:
            raise KeyError(year)
        return self.tonnes * self.index[known[-1]]


class Intensity(_Sourced):
    """Yearly growth of use per unit of what demand follows (negative: thrifting), with its 90% range."""

    rate: float
    low: float
    high: float


class Backcast(_Frozen):
    """The written rule that gives the state before an episode from the base year."""

    format: Literal["oreflow/backcast/1"] = Field(alias="schema")
    year: int
    composition: dict[str, float]
    streams: dict[str, BackcastStream]
    intensity: Intensity | None = None


class Split(_Frozen):
    """Which episodes fit and which judge, and how a response is counted."""

    format: Literal["oreflow/hindcast-split/1"] = Field(alias="schema")
    fitted: tuple[str, ...]
    scored: tuple[str, ...]
    dead_band: float = Field(default=0.05, ge=0)
    control: str = ""


class Hindcasts(_Frozen):
    """A folder of hindcasts."""

    episodes: tuple[Episode, ...]
    backcast: Backcast
    split: Split
    sources: dict[str, dict[str, str]] = {}

    def episode(self, name: str) -> Episode:
        """The episode of that id.

        Raises:
            KeyError: there is none.
        """
        return {episode.id: episode for episode in self.episodes}[name]


def load_hindcasts(folder: Path, extra: tuple[Path, ...] = ()) -> Hindcasts:
    """Return the episodes of a folder with its rule and split, and further episodes from files or folders.

    Args:
        folder: holds `H*.yaml`, `backcast.yaml` and `split.yaml`.
        extra: episode files, or folders of `*.yaml` episodes, which are scored.

    Raises:
        CaseError: every problem of every file, each with its place.

    Example:
        >>> load_hindcasts(Path("cases/kachin/hindcasts")).split.fitted  # doctest: +SKIP
        ('H2010', 'H2019')
    """
    problems: list[Problem] = []
    backcast = _read(folder / "backcast.yaml", Backcast, problems)
    split = _read(folder / "split.yaml", Split, problems)
    files = sorted(folder.glob("H*.yaml"))
    own = len(files)
    for path in extra:
        if path.is_dir():
            files += sorted(p for p in path.glob("*.yaml") if p.name not in ("backcast.yaml", "split.yaml"))
        else:
            files.append(path)
    episodes: list[Episode] = []
    for k, path in enumerate(files):
        episode = _read(path, Episode, problems)
        if episode is None:
            continue
        if episode.id in {e.id for e in episodes}:
            problems.append(_problem(path, "id", f"episode {episode.id} twice", "each once", "rename one of them"))
        elif k >= own and split is not None and episode.id not in split.scored:
            split = split.model_copy(update={"scored": (*split.scored, episode.id)})
        episodes.append(episode)
        if backcast is not None:
            problems += _check(path, episode, backcast)
    if split is not None and not problems:
        known = {e.id for e in episodes}
        lost = [name for name in (*split.fitted, *split.scored) if name not in known]
        if lost:
            where = folder / "split.yaml"
            problems.append(_problem(where, "fitted", f"no episode {', '.join(lost)}", "an H*.yaml for each",
                                     "add the file or take the name out"))  # fmt: skip
    if problems or backcast is None or split is None:
        raise CaseError(problems)
    return Hindcasts(episodes=tuple(episodes), backcast=backcast, split=split, sources=_sources(folder))


def _sources(folder: Path) -> dict[str, dict[str, str]]:
    import csv

    path = folder / "sources.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["id"]: {key: value or "" for key, value in row.items() if key} for row in csv.DictReader(stream)}


def _problem(path: Path, column: str, found: str, expected: str, remedy: str) -> Problem:
    return Problem(f"{path.parent.name}/{path.name}", None, column, found, expected, remedy)


def _read(path: Path, model: type[_Model], problems: list[Problem]) -> _Model | None:
    import yaml

    where = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.safe_load(text)
    except FileNotFoundError:
        problems.append(_problem(path, "", "no such file", f"a file of {model.__name__.lower()}", "add it"))
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        words = getattr(error, "problem", None) or str(error)
        problems.append(Problem(where, line, None, str(words), "YAML text in UTF-8", "mend the file"))
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        for one in found:
            at = tuple(part for part in one["loc"] if part not in _ROLES)
            if one["type"] == "too_short" and any(other["loc"][: len(at)] == at for other in found if other != one):
                continue  # what is left of a list whose entries are told of one by one
            shown = "nothing" if one["type"] == "missing" else repr(one["input"])
            shown = shown if len(shown) < 80 else shown[:77] + "..."
            problems.append(Problem(where, _line(_tree(path), at), _column(data, at), shown, _plain(one),
                                    "see docs/hindcast.md for the format"))  # fmt: skip
        return None


_ROLES = ("scored", "cause", "conditioning", "control", "excluded")


def _tree(path: Path) -> Any:
    import yaml

    return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)


def _line(tree: Any, at: tuple[str | int, ...]) -> int | None:
    """Line of a YAML tree where a location stands, or the last part of it that is there.

    An entry of a list goes by its position, its id or its name; an id may hold dots.
    """
    import yaml

    node, line, rest = tree, None, [str(part) for part in at]
    while rest:
        if isinstance(node, yaml.MappingNode):
            pairs = {str(key.value): (key, value) for key, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            pairs = {str(k): (entry, entry) for k, entry in enumerate(node.value)}
            for entry in node.value:
                own = {str(k.value): v.value for k, v in entry.value} if isinstance(entry, yaml.MappingNode) else {}
                name = own.get("id") or own.get("name")
                if isinstance(name, str):
                    pairs[name] = (entry, entry)
        else:
            break
        taken = next((n for n in range(len(rest), 0, -1) if ".".join(rest[:n]) in pairs), 0)
        if not taken:
            break
        key, node = pairs[".".join(rest[:taken])]
        line, rest = key.start_mark.line + 1, rest[taken:]
    return line


def _column(data: Any, at: tuple[str | int, ...]) -> str:
    """Name of a location; a row goes by its id where it has one."""
    parts: list[str] = []
    node = data
    for part in at:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
        known = isinstance(part, int) and isinstance(node, dict)
        parts.append(str(node.get("id") or node.get("name") or part) if known else str(part))
    return ".".join(parts)


def _plain(error: Any) -> str:
    """What pydantic expected, in plain words."""
    limits = error.get("ctx", {})
    return {
        "missing": "this entry",
        "extra_forbidden": "no entry of that name",
        "greater_than": f"a number above {limits.get('gt', 0):g}",
        "greater_than_equal": f"a number of {limits.get('ge', 0):g} or more",
        "less_than_equal": f"a number of {limits.get('le', 0):g} or less",
        "literal_error": str(limits.get("expected")),
        "union_tag_invalid": f"a role: {limits.get('expected_tags')}",
        "union_tag_not_found": "a row with a role",
        "float_parsing": "a number",
        "float_type": "a number",
        "int_parsing": "a whole number",
        "int_type": "a whole number",
        "string_type": "text",
    }.get(str(error["type"]), str(error["msg"]).replace("Value error, ", ""))


def _check(path: Path, episode: Episode, backcast: Backcast) -> list[Problem]:
    """What a single field cannot show: names that meet nothing, dates outside, mixed ways of giving tonnes."""
    out: list[Problem] = []

    tree = _tree(path)

    def add(column: str, found: str, expected: str, remedy: str) -> None:
        problem = _problem(path, column, found, expected, remedy)
        out.append(replace(problem, row=_line(tree, tuple(column.split(".")))))

    places = episode.places
    lively = {episode.home, *(s.place for s in episode.supply), *(u.place for u in episode.uses)}
    between = {link.source for link in episode.links} & {link.to for link in episode.links}
    for k, link in enumerate(episode.links):
        for end, place in (("from", link.source), ("to", link.to)):
            if place not in lively | between:
                add(f"links.{k}.{end}", place, "a place with supply or use", "mend the name, or give its use")
    for k, use in enumerate(episode.uses):
        if use.place != episode.home and use.place not in {x.to for x in episode.links} | {
            s.place for s in episode.supply
        }:
            add(f"uses.{k}.place", use.place, "a place that a link leads to", "add the link")
    for name, element in episode.elements.items():
        if element.place not in places:
            add(f"elements.{name}.place", element.place, f"one of {', '.join(places)}", "name a place of the episode")
    shares = episode.composition
    needs = any(s.tonnes is not None for s in episode.supply) or bool(episode.uses)
    if needs and (set(shares) != set(episode.elements) or abs(sum(shares.values()) - 1.0) > 1e-3):
        add("composition", f"{shares}", "a share for each element, summing to 1", "give the shares by element")
    for supply in episode.supply:
        at = f"supply.{supply.name}"
        if (supply.tonnes is None) == (not supply.backcast):
            add(at, f"tonnes {supply.tonnes}, backcast {supply.backcast}",
                "either tonnes or backcast", "give one of them")  # fmt: skip
        for stream in supply.backcast:
            if stream not in backcast.streams:
                add(f"{at}.backcast", stream, f"one of {', '.join(backcast.streams)}", "name a stream")
            elif supply.year is None or supply.year < min(backcast.streams[stream].index):
                add(f"{at}.year", str(supply.year), "the reference year, within the back-cast", "give the year")
        if supply.backcast and set(episode.elements) - set(backcast.composition):
            add("elements", ", ".join(episode.elements), f"those of the back-cast: {', '.join(backcast.composition)}",
                "leave the others out")  # fmt: skip
    if episode.demand.price and episode.control is None:
        add("demand.price", "the price of a control, and no control", "control: {element: ...}", "name the control")
    seen: set[str] = set()
    for row in episode.rows:
        if row.id in seen:
            add(f"rows.{row.id}", f"{row.id} twice", "each id once", "rename one")
        seen.add(row.id)
    for row in episode.scored:
        if row.quantity == "price" and (row.element not in episode.elements or row.place not in places):
            known = f"one of {', '.join(episode.elements)} at one of {', '.join(places)}"
            add(f"rows.{row.id}", f"price of {row.element} at {row.place}", known, "mend it, or exclude the row")
        ways = [f"{link.source} -> {link.to}" for link in episode.links]
        if row.quantity == "flow" and row.place not in ways:
            add(f"rows.{row.id}.place", row.place, f"a link: {', '.join(ways) or 'none given'}", "name the link")
        if row.after.date.stop > episode.stop + 1e-6 or row.after.date.start < row.before.date.start:
            add(f"rows.{row.id}.after", row.after.date.text, f"after {row.before.date.text} and by the end of the "
                f"last period ({episode.stop:.2f})", "raise `periods`, or exclude the row")  # fmt: skip
    return out


def step_at(index: dict[str, float], start: float, stop: float, before: float = 1.0) -> float:
    """Mean over a stretch of time of a step function given by its dates; `before` holds ahead of the first.

    Example:
        >>> step_at({"2024-01": 1.0, "2024-04": 0.0}, 2024.0, 2024.5)
        0.5
    """
    marks = sorted((Date.of(text).start, value) for text, value in index.items())
    total, at, value = 0.0, start, before
    for mark, new in marks:
        if mark > at:
            until = min(mark, stop)
            total += value * max(until - at, 0.0)
            at = max(at, until)
        value = new
        if mark >= stop:
            return total / (stop - start)
    return (total + value * (stop - at)) / (stop - start)
