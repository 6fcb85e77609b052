"""The tables of a case folder: one row class a file, and for each column what it holds.

Field names are the column names; `from` is `from_`. `row` is the line in the file as a spreadsheet counts (header = 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from oreflow.facts.expression import Expr, references


@dataclass(frozen=True, slots=True)
class Cell:
    """A parameter: an expression with the unit wanted for it and the place where it stands.

    `unit` holds the units accepted, joined by ` or `; a value comes in the first of them that fits (units that are
    accepted together have the same scale). An empty `unit` accepts any.
    """

    expr: Expr
    unit: str
    file: str
    row: int | None
    column: str

    def __hash__(self) -> int:
        return hash((self.file, self.row, self.column))

    @property
    def references(self) -> tuple[str, ...]:
        """Return the names `claim:ID` and `assume:ID` in the expression, in order."""
        return references(self.expr)


Option = str | tuple[str, ...] | Cell


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A site, region, country or the world; only markets carry prices."""

    id: str
    name: str
    role: str
    kind: str
    iso3: str
    parent: str
    lat: float | None
    lon: float | None
    note: str
    source: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class CommodityRow:
    """A good with its stage, its weight basis and, for a concentrate, its basket and origin."""

    id: str
    name: str
    stage: str
    element: str
    basis: str
    market: str
    basket: str
    origin: str
    gross_per_t: Cell | None
    disposal: str
    disposal_cost: Cell | None
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class BasketRow:
    """The share of one element's oxide in the rare-earth oxide of a deposit."""

    basket: str
    element: str
    share: Cell | None
    normalise: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class RecipeRow:
    """One input or output of a recipe, in t per unit of its activity."""

    recipe: str
    side: str
    commodity: str
    coefficient: Cell | None
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A plant or mine: a recipe at a place, with capacity, cost and operator."""

    id: str
    name: str
    kind: str
    place: str
    recipe: str
    feeds: tuple[str, ...]
    capacity: Cell | None
    cost: Cell | None
    elasticity: Cell | None
    operator: str
    start: int | None
    explained_by: str
    barrier: str
    rent_to: str
    note: str
    source: str
    capex: Cell | None = None
    lead: Cell | None = None
    ramp: Cell | None = None
    life: Cell | None = None
    entry_rate: Cell | None = None
    risk: Cell | None = None
    fixed_cost: Cell | None = None
    restart_cost: Cell | None = None
    restart_time: Cell | None = None
    retire_after: Cell | None = None
    season: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """Capacity that a process is to gain, with date and probability; `decision` says whether it has to pay."""

    id: str
    name: str
    process: str
    capacity: Cell | None
    start: Cell | None
    probability: Cell | None
    capex: Cell | None
    note: str
    announced: str = ""
    ramp: Cell | None = None
    decision: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class GradeRow:
    """Another grade or recipe for a use or a process, which counts only once it is qualified."""

    id: str
    name: str
    replaces: str
    recipe: str
    qualification: Cell | None
    cost: Cell | None
    running_cost: Cell | None
    share: Cell | None
    rate: Cell | None
    life: Cell | None
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class SeasonRow:
    """Some months of a season and how much is done in them, relative to other months."""

    season: str
    months: tuple[str, ...]
    factor: Cell | None
    note: str
    source: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class ExpectedPriceRow:
    """A price that holders of stock and investors expect beyond their window, where the rule is `path`."""

    place: str
    commodity: str
    year: int
    price: Cell | None
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class LegRow:
    """One stretch of road, rail, sea, river or border."""

    id: str
    from_: str
    to: str
    mode: str
    km: Cell | None
    rate: Cell | None
    fixed: Cell | None
    capacity: Cell | None
    months_open: Cell | None
    loss: Cell | None
    state: str
    barrier: str
    explained_by: str
    grade: str
    note: str
    source: str
    capex: Cell | None = None
    days: Cell | None = None
    season: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A way from market to market along legs, for some commodities."""

    id: str
    from_: str
    to: str
    legs: tuple[str, ...]
    commodities: tuple[str, ...]
    response: Cell | None
    fixed: Cell | None
    explained_by: str
    barrier: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class DemandRow:
    """Use of a commodity at a place."""

    id: str
    place: str
    commodity: str
    use: str
    quantity: Cell | None
    price: Cell | None
    form: str
    elasticity: Cell | None
    adjustment: Cell | None
    growth: Cell | None
    choke: Cell | None
    saturation: Cell | None
    priority: int | None
    shortage_cost: Cell | None
    switch: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class StockRow:
    """Opening tonnes of a commodity at a place, with holder, what holding costs, and the rule of a strategic one."""

    id: str
    place: str
    commodity: str
    holder: str
    opening: Cell | None
    holding_cost: Cell | None
    elasticity: Cell | None
    kind: str
    note: str
    spoilage: Cell | None = None
    capacity: Cell | None = None
    convenience: str = ""
    growth: Cell | None = None
    sell_at: Cell | None = None
    buy_at: Cell | None = None
    rate: Cell | None = None
    release: Cell | None = None
    release_from: str = ""
    release_to: str = ""
    announced: str = ""
    row: int = 0

    @property
    def has_rule(self) -> bool:
        """Return whether a strategic stock is released or filled by a rule; without one it stands on record only."""
        return any(cell is not None for cell in (self.sell_at, self.buy_at, self.release))


@dataclass(frozen=True, slots=True)
class ActorRow:
    """A state, armed organisation, firm or sector."""

    id: str
    name: str
    kind: str
    group: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class ControlRow:
    """Who controlled and who operated a place, leg or process between two dates; empty `to` = still."""

    id: str
    object: str
    from_: str
    to: str
    controller: str
    operator: str
    grade: str
    source: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class EventRow:
    """A dated measure; `modelled` ones are in force in every proposal."""

    id: str
    date: str
    end: str
    announced: str
    instrument: str
    actor: str
    target: tuple[str, ...]
    magnitude: Cell | None
    unit: str
    receiver: str
    options: Mapping[str, Option]
    modelled: bool
    grade: str
    source: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """The link from evidence to a quantity of the base year."""

    id: str
    kind: str
    place: str
    to_place: str
    commodity: str
    process: str
    period: str
    value: Cell | None
    sd: Cell | None
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A figure that somebody published, to compare ours with."""

    id: str
    indicator: str
    place: str
    period: str
    value: Cell | None
    same_definition: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One member of a group of places or actors."""

    group: str
    member: str
    note: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class TieRow:
    """Output of a process that must go to a destination."""

    id: str
    process: str
    commodity: str
    destination: str
    share: Cell | None
    operator: str
    explained_by: str
    barrier: str
    note: str
    row: int = 0


ColumnKind = Literal[
    "id", "text", "list", "integer", "number", "date", "choice", "cell", "value", "options", "yesno", "basis"
]


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds: kind, whether it may be empty, and the words allowed in it.

    `value` is a number or an expression (assumptions); `cell` is a parameter.
    """

    name: str
    kind: ColumnKind = "text"
    required: bool = False
    words: tuple[str, ...] = ()
    unit: str = ""
    """Fixed target unit of a parameter; empty where it follows from the row (see `oreflow.chain.case`)."""

    @property
    def field(self) -> str:
        """Return the name of the row's field: the column's, with `_` after a reserved word."""
        return f"{self.name}_" if self.name in ("from",) else self.name


@dataclass(frozen=True, slots=True)
class Table:
    """A file of the case folder: its columns in order, and the columns that no two rows may share."""

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    row_class: type | None = field(default=None)

    @property
    def name(self) -> str:
        """Return the file's name without its ending, the name of the case's field."""
        return self.file.removesuffix(".csv")

    def column(self, name: str) -> Column:
        """Return a column by name.

        Raises:
            KeyError: the table has none of that name.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


_ID = Column("id", "id", required=True)
_GRADE = Column("grade", "choice", words=("A", "B", "C", "D", "M"))
_BARRIER = Column("barrier", "choice", words=("plant", "operator", "reagent", "licence", "leg", "control", "price"))
_BASIS = ("gross", "REO", "oxide", "metal", "magnet", "ore", "scrap", "goods")

CLAIMS = Table(
    "claims.csv",
    (
        _ID, Column("subject", required=True), *_text("place", "commodity", "element"), Column("period"),
        Column("value", "number"), Column("low", "number"), Column("high", "number"), Column("unit"),
        Column("basis", "choice", words=_BASIS), Column("source", required=True), *_text("locator", "read_via"),
        Column("grade", "choice", required=True, words=("A", "B", "C", "D", "M")), Column("attribution"),
        Column("derived_from", "list"), Column("stems_from", "list"), Column("vintage"), Column("published", "date"),
        Column("note"),
    ),
)  # fmt: skip
SOURCES = Table(
    "sources.csv",
    (_ID, *_text("publisher"), Column("title", required=True),
     *_text("date", "url", "doi", "accessed", "licence", "citation")),
)  # fmt: skip
ASSUMPTIONS = Table(
    "assumptions.csv",
    (
        _ID, Column("subject", required=True), Column("value", "value", required=True), Column("low", "number"),
        Column("high", "number"), Column("unit"), Column("basis", "choice", words=_BASIS),
        Column("dist", "choice", words=("pert", "uniform", "loguniform", "triangular", "fixed")),
        Column("grade", "choice", required=True, words=("A", "B", "C", "D", "M")), Column("reason", required=True),
        Column("source"),
    ),
)  # fmt: skip
MONEY = Table(
    "money.csv",
    (
        Column("currency", "id", required=True), Column("year", "integer", required=True),
        Column("usd_rate", "number", required=True), Column("deflator", "number", required=True),
        Column("vat", "number"), Column("source", required=True),
    ),
    key=("currency", "year"),
)  # fmt: skip

PLACES = Table(
    "places.csv",
    (
        _ID, Column("name", required=True), Column("role", "choice", required=True, words=("market", "transit")),
        Column("kind", "choice", required=True, words=("site", "region", "country", "world")), *_text("iso3", "parent"),
        Column("lat", "number"), Column("lon", "number"), *_text("note", "source"),
    ),
    row_class=PlaceRow,
)  # fmt: skip
COMMODITIES = Table(
    "commodities.csv",
    (
        _ID, Column("name", required=True),
        Column("stage", "choice", required=True,
               words=("reagent", "concentrate", "intermediate", "oxide", "metal", "magnet", "scrap", "use")),
        Column("element"), Column("basis", "choice", required=True, words=_BASIS),
        Column("market", "choice", required=True, words=("local", "world")), *_text("basket", "origin"),
        Column("gross_per_t", "cell"), Column("disposal", "choice", words=("free", "cost", "none")),
        Column("disposal_cost", "cell"), Column("note"),
    ),
    row_class=CommodityRow,
)  # fmt: skip
BASKETS = Table(
    "baskets.csv",
    (
        Column("basket", "id", required=True), Column("element", required=True),
        Column("share", "cell", required=True, unit="t_oxide/t_REO or 1"),
        Column("normalise", "choice", words=("yes", "no")), Column("note"),
    ),
    key=("basket", "element"),
    row_class=BasketRow,
)  # fmt: skip
RECIPES = Table(
    "recipes.csv",
    (
        Column("recipe", "id", required=True), Column("side", "choice", required=True, words=("input", "output")),
        Column("commodity", required=True), Column("coefficient", "cell", required=True), Column("note"),
    ),
    key=("recipe", "side", "commodity"),
    row_class=RecipeRow,
)  # fmt: skip
PROCESSES = Table(
    "processes.csv",
    (
        _ID, Column("name", required=True),
        Column("kind", "choice", required=True,
               words=("mine", "separate_light", "separate_heavy", "separate_full", "metal", "magnet", "recycle",
                      "convert", "supply", "sink")),
        Column("place", required=True), Column("recipe", required=True), Column("feeds", "list"),
        Column("capacity", "cell"), Column("cost", "cell"), Column("elasticity", "cell", unit="1"), Column("operator"),
        Column("start", "integer"), Column("explained_by"), _BARRIER, *_text("rent_to", "note", "source"),
        Column("capex", "cell"), Column("lead", "cell", unit="yr"), Column("ramp", "cell", unit="yr"),
        Column("life", "cell", unit="yr"), Column("entry_rate", "cell"), Column("risk", "cell", unit="1/yr or 1"),
        Column("fixed_cost", "cell"), Column("restart_cost", "cell"), Column("restart_time", "cell", unit="yr"),
        Column("retire_after", "cell", unit="yr"), Column("season"),
    ),
    row_class=ProcessRow,
)  # fmt: skip
PROJECTS = Table(
    "projects.csv",
    (
        _ID, Column("name"), Column("process", required=True), Column("capacity", "cell", required=True),
        Column("start", "cell", required=True, unit="year"), Column("probability", "cell", unit="1"),
        Column("capex", "cell", unit="USD"), Column("note"), Column("announced", "date"),
        Column("ramp", "cell", unit="yr"), Column("decision", "choice", words=("committed", "state", "if_it_pays")),
    ),
    row_class=ProjectRow,
)  # fmt: skip
GRADES = Table(
    "grades.csv",
    (
        _ID, Column("name"), Column("replaces", required=True), Column("recipe", required=True),
        Column("qualification", "cell", required=True, unit="yr"), Column("cost", "cell"),
        Column("running_cost", "cell"), Column("share", "cell", unit="1"), Column("rate", "cell", unit="1/yr or 1"),
        Column("life", "cell", unit="yr"), Column("note"),
    ),
    row_class=GradeRow,
)  # fmt: skip
SEASONS = Table(
    "seasons.csv",
    (
        Column("season", "id", required=True), Column("months", "list", required=True),
        Column("factor", "cell", required=True, unit="1"), *_text("note", "source"),
    ),
    key=("season", "months"),
    row_class=SeasonRow,
)  # fmt: skip
EXPECTED_PRICES = Table(
    "expected_prices.csv",
    (
        Column("place", "id", required=True), Column("commodity", required=True),
        Column("year", "integer", required=True), Column("price", "cell", required=True), Column("note"),
    ),
    key=("place", "commodity", "year"),
    row_class=ExpectedPriceRow,
)  # fmt: skip
LEGS = Table(
    "legs.csv",
    (
        _ID, Column("from", required=True), Column("to", required=True),
        Column("mode", "choice", required=True, words=("road", "rail", "sea", "river", "border")),
        Column("km", "cell", unit="km"), Column("rate", "cell", unit="USD/(t_gross*km)"),
        Column("fixed", "cell", unit="USD/t_gross"), Column("capacity", "cell", unit="t_gross/yr"),
        Column("months_open", "cell", unit="month/yr or month"), Column("loss", "cell", unit="1"),
        Column("state", "choice", required=True, words=("open", "closed")), _BARRIER, Column("explained_by"), _GRADE,
        *_text("note", "source"), Column("capex", "cell", unit="USD"), Column("days", "cell", unit="day"),
        Column("season"),
    ),
    row_class=LegRow,
)  # fmt: skip
ROUTES = Table(
    "routes.csv",
    (
        _ID, Column("from", required=True), Column("to", required=True), Column("legs", "list"),
        Column("commodities", "list", required=True), Column("response", "cell", unit="1"), Column("fixed", "cell"),
        Column("explained_by"), _BARRIER, Column("note"),
    ),
    row_class=RouteRow,
)  # fmt: skip
DEMANDS = Table(
    "demands.csv",
    (
        _ID, Column("place", required=True), Column("commodity", required=True), Column("use", required=True),
        Column("quantity", "cell", required=True), Column("price", "cell"),
        Column("form", "choice", required=True, words=("isoelastic", "linear")),
        Column("elasticity", "cell", unit="1"), Column("adjustment", "cell", unit="1 or 1/yr"),
        Column("growth", "cell", unit="1/yr or 1"), Column("choke", "cell", unit="1"),
        Column("saturation", "cell", unit="1"), Column("priority", "integer"), Column("shortage_cost", "cell"),
        *_text("switch", "note"),
    ),
    row_class=DemandRow,
)  # fmt: skip
STOCKS = Table(
    "stocks.csv",
    (
        _ID, Column("place", required=True), Column("commodity", required=True), Column("holder"),
        Column("opening", "cell", required=True), Column("holding_cost", "cell"),
        Column("elasticity", "cell", unit="1"),
        Column("kind", "choice", required=True, words=("commercial", "strategic")), Column("note"),
        Column("spoilage", "cell", unit="1/yr or 1"), Column("capacity", "cell"),
        Column("convenience", "choice", words=("yes", "no")), Column("growth", "cell", unit="1/yr or 1"),
        Column("sell_at", "cell"), Column("buy_at", "cell"), Column("rate", "cell"), Column("release", "cell"),
        Column("release_from", "date"), Column("release_to", "date"), Column("announced", "date"),
    ),
    row_class=StockRow,
)  # fmt: skip
ACTORS = Table(
    "actors.csv",
    (
        _ID, Column("name", required=True),
        Column("kind", "choice", required=True, words=("state", "armed organisation", "firm", "sector")),
        *_text("group", "note"),
    ),
    row_class=ActorRow,
)  # fmt: skip
CONTROL = Table(
    "control.csv",
    (
        _ID, Column("object", required=True), Column("from", "date"), Column("to", "date"),
        *_text("controller", "operator"), _GRADE, *_text("source", "note"),
    ),
    row_class=ControlRow,
)  # fmt: skip
EVENTS = Table(
    "events.csv",
    (
        _ID, Column("date", "date", required=True), Column("end", "date"), Column("announced", "date"),
        Column("instrument"), Column("actor"), Column("target", "list"), Column("magnitude", "cell"),
        *_text("unit", "receiver"), Column("options", "options"), Column("modelled", "yesno", required=True), _GRADE,
        *_text("source", "note"),
    ),
    row_class=EventRow,
)  # fmt: skip
OBSERVATIONS = Table(
    "observations.csv",
    (
        _ID, Column("kind", "choice", required=True, words=("flow", "output", "use", "stock", "price")),
        *_text("place", "to_place", "commodity", "process", "period"), Column("value", "cell", required=True),
        Column("sd", "cell", unit="1"), Column("note"),
    ),
    row_class=ObservationRow,
)  # fmt: skip
PUBLISHED = Table(
    "published.csv",
    (
        _ID, Column("indicator", required=True), *_text("place", "period"), Column("value", "cell", required=True),
        Column("same_definition", "choice", words=("yes", "no", "partly")), Column("note"),
    ),
    row_class=PublishedRow,
)  # fmt: skip
GROUPS = Table(
    "groups.csv",
    (Column("group", "id", required=True), Column("member", required=True), Column("note")),
    key=("group", "member"),
    row_class=GroupRow,
)
TIES = Table(
    "ties.csv",
    (
        _ID, Column("process", required=True), Column("commodity", required=True), Column("destination", required=True),
        Column("share", "cell", unit="1"), Column("operator"), Column("explained_by"), _BARRIER, Column("note"),
    ),
    row_class=TieRow,
)  # fmt: skip

EVIDENCE: tuple[Table, ...] = (CLAIMS, SOURCES, ASSUMPTIONS, MONEY)
"""Tables of the ledger."""

CHAIN: tuple[Table, ...] = (
    PLACES, COMMODITIES, BASKETS, RECIPES, PROCESSES, PROJECTS, LEGS, ROUTES, DEMANDS, STOCKS, ACTORS, CONTROL, EVENTS,
    OBSERVATIONS, PUBLISHED, GROUPS, TIES, GRADES, SEASONS, EXPECTED_PRICES,
)  # fmt: skip
"""Tables of the chain, each a field of `Case`."""

TABLES: tuple[Table, ...] = (*EVIDENCE, *CHAIN)

_ROUTED = ("commodities", "destinations", "receiver")
_BUILT = ("lead_time", "ramp_years", "capex", "payer")
INSTRUMENT_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "tariff": ("base", "exempt", "origin", *_ROUTED),
    "levy": ("base", *_ROUTED),
    "export_quota": ("measure", *_ROUTED),
    "licence": ("as", *_ROUTED),
    "embargo": _ROUTED,
    "sanction": ("rerouting_cost", "c0", "c1", "K", *_ROUTED),
    "border_closure": ("direction", *_ROUTED),
    "input_restriction": _ROUTED,
    "operator_withdrawal": ("commodities",),
    "operator_release": ("commodities", "destinations"),
    "subsidy": ("commodities", "receiver", "payer"),
    "investment": _BUILT,
    "leg": (*_BUILT, "adds", "opens", "receiver"),
    "control": ("controller", "operator", "opens"),
    "offtake_tie": ("destination", "destinations", "commodities"),
}
"""Options that each instrument type takes; `lead_time`, `ramp_years`, `capex`, `c0`, `c1` and `K` are parameters."""

PARAMETER_OPTIONS: tuple[str, ...] = ("lead_time", "ramp_years", "capex", "c0", "c1", "K")

WITHOUT_MAGNITUDE: tuple[str, ...] = ("embargo", "control")
"""Instrument types that take no magnitude."""
