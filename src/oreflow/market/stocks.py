"""What carries from one period to the next: stocks, strategic stocks, goods underway, demand's memory, expectations.

Everything is stated in years and tonnes; `oreflow.market.windows` turns it into activities of a window. Markets and
activities are named by their position in the period's `EconomyArrays`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from oreflow.market.arrays import CurveKind, CurveTable, EconomyError, Floats
from oreflow.market.periods import Period

LEAST_MEMORY = 1e-6
"""Least memory of a demand, as a share of its reference: a use that stopped comes back from there."""


def _require(true: bool, where: str, found: object, expected: str) -> None:
    if not true:
        raise EconomyError(f"{where}: found {found}; expected {expected}")


@dataclass(frozen=True, slots=True)
class Stock:
    """A commercial stock in one market, held while its price is expected to pay for holding it.

    It satisfies, in period t of length n years, ``p_t + h n - v(S_t) n - (1 - spoilage)^n p_{t+1} / (1+r)^n >= 0 perp
    S_t >= 0`` with ``v(S) = v0 (S / desired)^(1 / elasticity)``, and v0 such that `desired` is held at `price`.

    Args:
        market: position of the market.
        opening: t held at the start.
        price: base-year price at which `desired` is held, USD/t; not read where `elasticity` is None.
        desired: t held at that price for ever; None: the opening stock.
        elasticity: of the stock with respect to its marginal convenience value, negative; None: no convenience value.
        choke: largest convenience value as a multiple of v0; with inf the stock never empties.
        holding_cost: h, USD/t a year.
        spoilage: share lost a year.
        capacity: t; None: ten times the larger of the opening and the desired stock where there is a convenience value,
            else none. (Without a bound a stock has no limit where the price nears its worth later.)
        growth: of the use that `desired` covers, a year; a stock in proportion to use grows with it.
        holder: who owns it, for results.

    Raises:
        EconomyError: if a number is outside its domain.

    Source: Working (1949); Pindyck (2001) for the convenience value; Wright and Williams (1991) for the condition.
    """

    market: int
    opening: float
    price: float = 0.0
    desired: float | None = None
    elasticity: float | None = -1.0
    choke: float = np.inf
    holding_cost: float = 0.0
    spoilage: float = 0.0
    capacity: float | None = None
    growth: float = 0.0
    holder: str = "trade"

    def __post_init__(self) -> None:
        where = f"stock of {self.holder} in market {self.market}"
        _require(self.opening >= 0.0, where, f"opening {self.opening:g} t", "0 or more")
        _require(0.0 <= self.spoilage < 1.0, where, f"spoilage {self.spoilage:g}", "a share from 0 to below 1 a year")
        _require(self.room >= 0.0, where, f"capacity {self.room:g} t", "0 or more")
        if self.elasticity is not None:
            _require(self.elasticity < 0.0, where, f"elasticity {self.elasticity:g}", "below 0, or None")
            _require(self.price > 0.0, where, f"price {self.price:g}", "a base-year price above 0")
            _require(self.level > 0.0, where, f"desired stock {self.level:g} t", "above 0 (or elasticity None)")
            _require(self.choke >= 1.0, where, f"choke {self.choke:g}", "1 or more times the base value")

    @property
    def level(self) -> float:
        """Tonnes held at base-year prices."""
        return self.opening if self.desired is None else self.desired

    @property
    def room(self) -> float:
        """Capacity, t (inf: none)."""
        if self.capacity is not None:
            return self.capacity
        return np.inf if self.elasticity is None else 10.0 * max(self.opening, self.level)

    def kept(self, years: float) -> float:
        """Return the share that is left after `years`."""
        return float((1.0 - self.spoilage) ** years)

    def base_convenience(self, years: float, discount: float) -> float:
        """Return v0 times `years`, USD/t: what holding the desired stock over a period costs at a constant price.

        Raises:
            EconomyError: if holding costs nothing (no interest, spoilage or holding cost), so that no value of
                convenience can be read from the stock.
        """
        cost: float = self.price * (1.0 - self.kept(years) / (1.0 + discount) ** years) + self.holding_cost * years
        _require(
            cost > 0.0, f"stock of {self.holder} in market {self.market}", f"cost of holding {cost:g} USD/t",
            "a discount rate, spoilage or holding cost above 0 (or elasticity None)",
        )  # fmt: skip
        return cost


@dataclass(frozen=True, slots=True)
class PriceTrigger:
    """Sells whenever the price is at or above `sell_at` and buys whenever it is at or below `buy_at`.

    Args:
        sell_at, buy_at: USD/t; inf and 0 leave that side out.
        rate: largest sale or purchase, t a year.
    """

    sell_at: float = np.inf
    buy_at: float = 0.0
    rate: float = np.inf

    def __post_init__(self) -> None:
        _require(self.buy_at < self.sell_at, "price trigger", f"buy at {self.buy_at:g}, sell at {self.sell_at:g}",
                 "buying below selling")  # fmt: skip
        _require(self.rate >= 0.0, "price trigger", f"rate {self.rate:g} t/year", "0 or more")


@dataclass(frozen=True, slots=True)
class DatedRelease:
    """Puts `tonnes` on the market evenly between two dates, whatever the price.

    Args:
        tonnes: in all.
        start, stop: decimal years.
        announced: date of the announcement; inf: known when it starts.
    """

    tonnes: float
    start: float
    stop: float
    announced: float = np.inf

    def __post_init__(self) -> None:
        _require(self.tonnes >= 0.0, "dated release", f"{self.tonnes:g} t", "0 or more")
        _require(self.start < self.stop, "dated release", f"{self.start:g} to {self.stop:g}", "a start before the stop")


@dataclass(frozen=True, slots=True)
class StrategicStock:
    """A stock that follows a rule and does not speculate.

    Args:
        market: position of the market.
        opening: t at the start.
        rule: a price trigger or a dated release.
        capacity: t; room for purchases.
        holder: who owns it, for results.

    Raises:
        EconomyError: if a dated release exceeds the opening stock.
    """

    market: int
    opening: float
    rule: PriceTrigger | DatedRelease
    capacity: float = np.inf
    holder: str = "state"

    def __post_init__(self) -> None:
        where = f"strategic stock of {self.holder} in market {self.market}"
        _require(self.opening >= 0.0, where, f"opening {self.opening:g} t", "0 or more")
        if isinstance(self.rule, DatedRelease):
            _require(
                self.rule.tonnes <= self.opening, where, f"a release of {self.rule.tonnes:g} t",
                f"at most the opening stock of {self.opening:g} t",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transit:
    """The outputs of an activity arrive `time` years after its inputs were taken.

    Args:
        activity: position of the activity (a route).
        time: years, 0 or more.
    """

    activity: int
    time: float

    def __post_init__(self) -> None:
        _require(self.time >= 0.0, f"transit of activity {self.activity}", f"{self.time:g} years", "0 or more")


@dataclass(frozen=True, slots=True)
class Consignment:
    """Goods underway: `tonnes` reach a market evenly between `start` and `stop` (decimal years)."""

    market: int
    start: float
    stop: float
    tonnes: float

    def arriving(self, period: Period) -> float:
        """Return the tonnes that arrive within a period."""
        return (
            self.tonnes
            * max(0.0, min(period.stop, self.stop) - max(period.start, self.start))
            / (self.stop - self.start)
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """Demand that adjusts over time to d*, the activity's own (long-run) curve.

    ``d_t = d*(p_t)^s d_{t-1}^(1-s)`` where it is isoelastic, ``d_t = s d*(p_t) + (1-s) d_{t-1}`` where it is linear, as
    long as that is above 0: at prices above its choke d* counts on below 0, and use leaves the faster.

    Consumers do not look ahead. The memory is last period's use relative to the reference quantity of the curve, so a
    reference that grows takes the memory along.

    Args:
        activity: position of the isoelastic or linear demand.
        speed: s, share of the gap (in logs where isoelastic) closed in a year, above 0 and at most 1.
        elasticity: of a linear demand at its reference quantity, negative: the line says where it starts and ends, and
            this where on it the reference is; not read where the demand is isoelastic.

    Source: Houthakker and Taylor (1970); Nerlove (1958).
    """

    activity: int
    speed: float
    elasticity: float = -1.0

    def __post_init__(self) -> None:
        where = f"memory of activity {self.activity}"
        _require(0.0 < self.speed <= 1.0, where, f"speed {self.speed:g} a year", "above 0 and at most 1")
        _require(self.elasticity < 0.0, where, f"elasticity {self.elasticity:g}", "below 0")

    def reference(self, curves: CurveTable) -> float:
        """Return the quantity that memory is relative to, t in the period: of a line what is used at `elasticity`."""
        a, b = curves.a[self.activity], curves.b[self.activity]
        return float(b if curves.kind[self.activity] == CurveKind.ISOELASTIC else -a / b / (1.0 - self.elasticity))


PricePath = Callable[[float], Floats]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What holders of stock expect a price to be beyond the window.

    Args:
        rule: `anchor` (mean-reverting to `anchor`), `last` (stays), `trend` (goes on as it went, dying away) or `path`.
        weight: share of the distance to the anchor (in logs), or of the trend, that is left after a year.
        anchor: cost anchor by market, USD/t, [m]; None: the base-year prices of the stocks.
        path: function of the decimal year that returns prices, USD/t, [m]; for `path` only.
        within: for `anchor` and `last`: start from the price of the window's last period (coupled exactly, with an
            arithmetic mean) instead of the price before the window (with a geometric mean).

    Raises:
        EconomyError: if the weight is outside 0 to 1, or a path is missing.

    Example:
        >>> halfway = Expectation(weight=0.25).prices(np.array([200.0]), np.array([50.0]), np.zeros(1), 0.0, 0.5)
        >>> halfway.round(6).tolist()
        [100.0]
    """

    rule: Literal["anchor", "last", "trend", "path"] = "anchor"
    weight: float = 0.5
    anchor: Floats | None = None
    path: PricePath | None = None
    within: bool = False

    def __post_init__(self) -> None:
        _require(0.0 <= self.weight <= 1.0, "expectation", f"weight {self.weight:g}", "0 to 1")
        _require((self.path is not None) == (self.rule == "path"), "expectation", f"rule {self.rule}",
                 "a path with rule path, and only there")  # fmt: skip

    def prices(self, before: Floats, anchor: Floats, trend: Floats, start: float, at: float) -> Floats:
        """Return prices expected for date `at`, USD/t, [m].

        Args:
            before: prices in the period before the window, USD/t, [m].
            anchor: cost anchors, USD/t, [m].
            trend: growth of the logarithm of the prices, a year, [m].
            start: of the window, decimal year.
            at: date asked for, decimal year.
        """
        years = max(at - start, 0.0)
        left = self.weight**years
        if self.rule == "anchor":
            positive = (before > 0.0) & (anchor > 0.0)
            safe_before, safe_anchor = np.where(positive, before, 1.0), np.where(positive, anchor, 1.0)
            return np.where(positive, safe_before**left * safe_anchor ** (1.0 - left), anchor)
        if self.rule == "trend":
            spent = years if self.weight == 1.0 else (0.0 if self.weight == 0.0 else (left - 1.0) / np.log(self.weight))
            return np.asarray(before * np.exp(trend * spent))
        if self.path is not None:
            return np.asarray(self.path(at), dtype=float)
        return before
