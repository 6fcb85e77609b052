"""The prepared base year of a case for one set of values: everything that proposals share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from oreflow.baseline.calibrate import (
    USED,
    BaseYear,
    Calibration,
    LevelObservation,
    PriceObservation,
    balance_base_year,
    calibrate,
)
from oreflow.baseline.observe import observe
from oreflow.chain.case import EXPECTATIONS, PERIODS
from oreflow.chain.network import Kind, Network, build_network
from oreflow.core.errors import CaseError, OreflowError, Problem, UsageError
from oreflow.core.threads import with_one_blas_thread
from oreflow.market.arrays import CurveKind
from oreflow.market.terms import Term, charges_of
from oreflow.policy.apply import lower_all
from oreflow.policy.context import Context

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Values

Floats = NDArray[np.float64]
LEAST_USE = 1e-3
"""Least base-year use or stock, t, that takes part in the market."""
STOCK_ROOM = 3.0
"""Room for commercial stocks, as a multiple of what the base year holds (an assumption of the model)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices of a run that are not data; stored with every result.

    `expectation`: weight of last year's price against the base-year anchor in what holders of stock expect (of the
    trend, with rule `trend`); None: the case's, a half where it states none. `rule`: how prices beyond the window are
    expected, see `oreflow.market.stocks.Expectation`; None: the case's.
    `residual_sd`: standard deviation of a calibration residual as a share of value. `tolerance`: of the equilibrium.
    `window`: years that are foreseen, the period itself included; one period or less is myopic. `periods`: length of
    a period, a key of `oreflow.chain.case.PERIODS`. None: the case's.
    """

    expectation: float | None = None
    residual_sd: float = 0.1
    tolerance: float = 1e-9
    window: float | None = None
    periods: str | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        if self.window is not None and not self.window > 0.0:
            raise UsageError(f"window of {self.window:g} years; expected more than 0 (one period: nobody looks ahead)")
        if self.periods is not None and self.periods not in PERIODS:
            raise UsageError(f"periods {self.periods!r}; expected one of {', '.join(PERIODS)}")
        if self.rule is not None and self.rule not in EXPECTATIONS:
            raise UsageError(f"expectation {self.rule!r}; expected one of {', '.join(EXPECTATIONS)}")
        if self.expectation is not None and not 0.0 <= self.expectation <= 1.0:
            raise UsageError(f"weight {self.expectation:g} of an expectation; expected 0 to 1")


@dataclass(frozen=True, slots=True)
class Timing:
    """How a run treats time: what its settings ask for, the case's rules for the rest.

    `per_year`: periods to a year; `window`: years foreseen; `rule`, `weight`: of the expectation beyond it.
    """

    per_year: int
    window: float
    rule: Rule
    weight: float

    @property
    def length(self) -> float:
        """Return the length of a period, years."""
        return 1.0 / self.per_year

    @property
    def foresees(self) -> bool:
        """Return whether a window holds more than one period."""
        return self.window > self.length * (1.0 + 1e-9)


Rule = Literal["anchor", "last", "trend", "path"]
HALF = 0.5
"""Weight of the last price against the anchor where a case states none (an assumption of the model)."""


def timing(case: Case, values: Values, settings: Settings) -> Timing:
    """Return how a run treats time.

    Raises:
        UsageError: expected prices are to follow a path, and the case has none.
    """
    rules = case.time
    rule = settings.rule or rules.expectation
    if rule == "path" and not case.expected_prices:
        raise UsageError(f"case {case.id} has no expected_prices.csv; name another expectation than path")
    weight = settings.expectation
    if weight is None:
        weight = HALF if rules.weight is None else float(values[rules.weight])
    window = rules.window if settings.window is None else settings.window
    return Timing(PERIODS[settings.periods or rules.periods], window, cast(Rule, rule), weight)


@dataclass(frozen=True)
class Base:
    """The calibrated base year: network, levels, prices, curves and capacities.

    `kind, a, b, c, d, shift` [n]: the curves; `capacity` [n], `limits` [g]: capacities with which it replicates.
    """

    case: Case
    values: Values
    network: Network
    context: Context
    observations: tuple[LevelObservation, ...]
    price_observations: tuple[PriceObservation, ...]
    year: BaseYear
    calibration: Calibration
    terms: tuple[Term, ...]
    capacity: Floats
    limits: Floats
    kind: NDArray[np.int8]
    a: Floats
    b: Floats
    c: Floats
    d: Floats
    shift: Floats
    opening: Floats
    discount: float
    settings: Settings
    timing: Timing


@with_one_blas_thread
def prepare(case: Case, values: Values, settings: Settings | None = None) -> Base:
    """Return the reconciled and calibrated base year of a case.

    Args:
        case: a checked case.
        values: numbers for its cells, central or drawn.
        settings: choices of the run.

    Raises:
        CalibrationError, NetworkError, ObservationError, InstrumentError: what stands in the way, by name.
    """
    settings = settings or Settings()
    network = build_network(case, values)
    context = Context(case, values, network)
    terms = lower_all(context, case.event_instruments(), case.base_year)
    charges = charges_of(terms, network.cost)
    levels, prices = observe(case, values, network)
    barred = barred_activities(network, case.base_year)
    opening = np.zeros(len(network.markets))
    for activity, reference in zip(network.activities, network.reference, strict=True):
        if activity.kind is Kind.STOCK:
            opening[activity.flows[0][0]] += reference
    disposal = {row.id: row.disposal for row in case.commodities}
    free = np.array([disposal.get(market.commodity, "none") in ("free", "") for market in network.markets])
    year = balance_base_year(
        network, levels, barred=barred, opening=opening, upper=network.upper, limits=network.limit_values,
        priced=frozenset(p.market for p in prices), free=free,
        split_cost=np.maximum(network.cost + charges.amount, 0.0),
    )  # fmt: skip
    calibration = calibrate(
        network, year, prices, rate=charges.rate, amount=charges.amount, upper=network.upper,
        limits=network.limit_values, barred=barred, residual_sd=settings.residual_sd,
    )  # fmt: skip
    capacity, limits = binding_capacities(network, year, calibration)
    discount = float(values[case.discount_rate]) if case.discount_rate is not None else 0.08
    kind, a, b, c, d, shift = _curves(case, network, year, calibration, discount)
    return Base(
        case, values, network, context, levels, prices, year, calibration, terms, capacity, limits,
        kind, a, b, c, d, shift, opening, discount, settings, timing(case, values, settings),
    )  # fmt: skip


def prepare_central(case: Case, settings: Settings | None = None) -> Base:
    """Return the base year for central values.

    Raises:
        CaseError: an absence that nothing explains. And what `prepare` raises.
    """
    base = prepare(case, case.values(), settings)
    problems = absences(base)
    if problems:
        raise CaseError(problems)
    return base


def base_problems(case: Case, settings: Settings | None = None) -> tuple[Problem, ...]:
    """Return what stops the base year of a checked case: no balance, or an absence that nothing explains.

    Args:
        case: a case without problems in its tables.
        settings: choices of the run.

    Returns:
        One problem an unused process or route that would have paid in the base year, with what it would have earned.
    """
    try:
        stuck = goods_without_use(case, build_network(case, case.values()))
        if stuck:
            return stuck
        base = prepare(case, case.values(), settings)
    except OreflowError as error:
        return (
            Problem(
                "observations.csv", None, None, str(error), f"a base year {case.base_year} that balances",
                "correct the observations, capacities or disposal rules it names",
            ),
        )  # fmt: skip
    return absences(base)


def goods_without_use(case: Case, network: Network) -> tuple[Problem, ...]:
    """Return the goods that a process makes and nothing takes, where they may not be thrown away either."""
    rows = {row.id: row for row in case.commodities}
    taken: set[int] = set()
    makers: dict[int, str] = {}
    for activity in network.activities:
        for i, amount in activity.flows:
            if amount < 0:
                taken.add(i)
            elif activity.kind is Kind.PROCESS:
                makers.setdefault(i, activity.row)
    return tuple(
        Problem(
            "commodities.csv", row.row, "disposal",
            f"none for {row.id}, which {maker} makes at {network.markets[i].place} and nothing there takes",
            "a use, a process, a route or a disposal", "add a demand or a route, or write free or cost under disposal",
        )
        for i, maker in makers.items()
        if i not in taken and (row := rows[network.markets[i].commodity]).disposal == "none"
    )  # fmt: skip


def absences(base: Base) -> tuple[Problem, ...]:
    """Return the unused activities of the base year that would have paid though no barrier explains them."""
    lines = {row.id: ("processes.csv", row.row) for row in base.case.processes}
    lines |= {row.id: ("routes.csv", row.row) for row in base.case.routes}
    rows = {activity.name: activity.row for activity in base.network.activities}
    problems = []
    for name, gain in base.calibration.absences:
        file, line = lines.get(rows[name], ("processes.csv", 0))
        problems.append(
            Problem(
                file, line or None, "explained_by",
                f"nothing for {name}, unused in {base.case.base_year} though a tonne would have earned {gain:,.0f} USD "
                "more than it cost",
                "what stopped it then",
                "write the barrier in words and name its kind, or correct its cost, a price or its observed quantity",
            )
        )  # fmt: skip
    return tuple(problems)


def barred_activities(network: Network, year: int) -> NDArray[np.bool_]:
    """Return which activities cannot run in a year: closed legs, plants not yet built or without capacity."""
    barred = np.array(
        [
            bool(network.closed[j])
            or any(leg in network.closed_legs for leg in network.route_legs.get(j, ()))
            or (activity.kind is Kind.PROCESS and network.opens[j] > year)
            or network.upper[j] <= 0.0
            for j, activity in enumerate(network.activities)
        ]
    )
    for limit in network.limits:
        if limit.limit <= 0.0 and limit.kind in ("plant", "leg"):
            for j, _ in limit.weights:
                barred[j] = True
    return barred


def binding_capacities(network: Network, year: BaseYear, calibration: Calibration) -> tuple[Floats, Floats]:
    """Return capacities and limits with which the base year holds: what carries rent binds at its base level."""
    capacity = np.maximum(network.upper, year.levels)
    carrying = calibration.rents > 1e-9 * np.maximum(calibration.value, 1.0)
    named = np.array([bool(receiver) for receiver in network.rent_to]) & (year.levels > USED)
    capacity = np.where(carrying | named, year.levels, capacity)
    stocks = np.array([activity.kind is Kind.STOCK for activity in network.activities])
    room = np.where(np.isnan(network.room), STOCK_ROOM * np.maximum(year.levels, 1e-6), network.room)
    capacity = np.where(stocks, np.maximum(room, year.levels), capacity)
    # A use or a stock that the balance puts at nil has no curve to speak of: it stays at nil.
    holders = np.array([activity.kind in (Kind.STOCK, Kind.DEMAND) for activity in network.activities])
    capacity = np.where(holders & (year.levels < LEAST_USE), 0.0, capacity)
    use = network.limit_matrix @ year.levels if network.limits else np.zeros(0)
    limits = network.limit_values.copy()
    for g, limit in enumerate(network.limits):
        if limit.kind != "tie" and (calibration.limit_rents[g] > 0 or use[g] > limits[g]):
            limits[g] = use[g]
    return capacity, limits


def _curves(
    case: Case, network: Network, year: BaseYear, calibration: Calibration, discount: float
) -> tuple[NDArray[np.int8], Floats, Floats, Floats, Floats, Floats]:
    n = len(network.activities)
    kind = np.full(n, CurveKind.CONSTANT, dtype=np.int8)
    a, b, c, d = network.cost.copy(), np.zeros(n), np.ones(n), np.full(n, np.inf)
    shift = np.zeros(n)
    forms = {f"use:{row.id}": row.form for row in case.demands}
    for j, activity in enumerate(network.activities):
        level, value = year.levels[j], calibration.value[j]
        if activity.kind in (Kind.PROCESS, Kind.ROUTE):
            unit = network.cost[j] + calibration.residuals[j]
            a[j] = unit if calibration.used[j] else network.cost[j]
            if calibration.used[j] and np.isfinite(network.elasticity[j]) and network.elasticity[j] > 0:
                slope = max(value, abs(unit)) / (network.elasticity[j] * level)
                kind[j], a[j], b[j] = CurveKind.LINEAR, unit - slope * level, slope
        elif activity.kind is Kind.DEMAND:
            price = max(calibration.prices[activity.flows[0][0]], 1.0)
            quantity = max(level, 1e-6)
            elasticity = network.demand_elasticity[j]
            if forms[activity.name] == "linear":
                slope = price / (-network.line_elasticity(j) * quantity)
                kind[j], a[j], b[j] = CurveKind.LINEAR, -(price + slope * quantity), slope
            else:
                kind[j], a[j], b[j], c[j] = CurveKind.ISOELASTIC, price, quantity, elasticity
                d[j] = network.choke[j] * price
        else:
            price = max(calibration.prices[activity.flows[0][0]], 1.0)
            held = max(level, 1e-6)
            later = (1.0 - network.spoilage[j]) * price / (1.0 + discount)
            convenience = price + network.holding_cost[j] - later
            kind[j], a[j], b[j], c[j] = CurveKind.ISOELASTIC, convenience, held, network.demand_elasticity[j]
            shift[j] = network.holding_cost[j] - later
    return kind, a, b, c, d, shift
