"""More of an equilibrium by name: ranges of what is not unique, flows near a baseline, and derivatives.

`gradient` turns one adjoint solve (`oreflow.market.sensitivity`) into derivatives by the numbers of the description:
costs, capacities, coefficients, wedges, parameters of curves, limits. With sellers the slopes that they reckon with
move too, and that is part of the derivative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from oreflow.market.arrays import CurveTable, EconomyError, Floats
from oreflow.market.economy import (
    Activity,
    Constant,
    Economy,
    Equilibrium,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Power,
    Wedge,
    build_arrays,
    sellers_by_position,
)
from oreflow.market.equilibria import Interval, level_range, nearest_levels, price_range
from oreflow.market.power import Markup
from oreflow.market.sensitivity import Gradient, Outcome, differentiate
from oreflow.market.solve import find_equilibria


def level_interval(equilibrium: Equilibrium, activity: str | Mapping[str, float]) -> Interval:
    """Return the range of an activity's level over all equilibria at these prices, units of quantity.

    Args:
        equilibrium: a solved economy.
        activity: its name, or weights of several (the range of their weighted sum).

    Example:
        >>> from oreflow.market.economy import Economy, Market, shipment, solve, supply
        >>> roads = shipment("a", "b", 1.0, name="north"), shipment("a", "b", 1.0, 2.0, name="south")
        >>> found = solve(Economy(("a", Market("b", fixed=3.0)), (supply("a", 1.0), *roads)))
        >>> level_interval(found, "north")
        Interval(low=1.0, high=3.0)
    """
    wanted = {activity: 1.0} if isinstance(activity, str) else activity
    return level_range(equilibrium.arrays, equilibrium.solution, _weights(equilibrium, {}, wanted).levels)


def price_interval(equilibrium: Equilibrium, market: str | Mapping[str, float]) -> Interval:
    """Return the range of a price over all equilibria at these levels, money per unit; an end may be infinite.

    Args:
        equilibrium: a solved economy.
        market: its name, or weights of several.
    """
    wanted = {market: 1.0} if isinstance(market, str) else market
    return price_range(equilibrium.arrays, equilibrium.solution, _weights(equilibrium, wanted, {}).prices)


def near_baseline(equilibrium: Equilibrium, baseline: Mapping[str, float]) -> Equilibrium:
    """Return the equilibrium with, where flows are not unique, those nearest to a baseline (least squares).

    Args:
        equilibrium: a solved economy.
        baseline: levels by activity, units of quantity; the others stay near where they are.
    """
    reference = equilibrium.solution.levels.copy()
    for name, level in baseline.items():
        columns = equilibrium.columns(name)
        now = reference[list(columns)]
        share = now / now.sum() if now.sum() > 0 else np.full(len(columns), 1.0 / len(columns))
        reference[list(columns)] = level * share
    return replace(equilibrium, solution=nearest_levels(equilibrium.arrays, equilibrium.solution, reference))


def several(economy: Economy, starts: int = 8, seed: int = 0) -> tuple[Equilibrium, ...]:
    """Return the distinct equilibria of an economy of price takers reached from several starts.

    With wedges or couplings there may be more than one; that one only is found is no proof that there is no other.
    Where flows are not unique, other flows at the same prices count as others.

    Args:
        economy: the model; its sellers, if any, must be price takers.
        starts: number of starts in all.
        seed: of the random starts.

    Raises:
        EconomyError: if the description contradicts itself or a seller has power.
    """
    powerful = [seller.name for seller in economy.sellers if seller.conjecture]
    if powerful:
        raise EconomyError(f"seller {powerful[0]} has power; several equilibria are sought for price takers only")
    arrays, layout = build_arrays(economy)
    return tuple(Equilibrium(economy, arrays, layout, found) for found in find_equilibria(arrays, starts, seed))


def _weights(equilibrium: Equilibrium, prices: Mapping[str, float], levels: Mapping[str, float]) -> Outcome:
    m, n, _ = equilibrium.arrays.shape
    out = Outcome(np.zeros(m), np.zeros(n))
    for market, weight in prices.items():
        out.prices[equilibrium.position(market)] += weight
    for activity, weight in levels.items():
        out.levels[list(equilibrium.columns(activity))] += weight
    return out


@dataclass(frozen=True, slots=True)
class NamedGradient:
    """Derivatives of an outcome by the numbers of an economy's description, per unit of each number.

    Attributes:
        equilibrium: where they hold.
        arrays: the same by position.
        one_sided: markets and activities where the active set is about to change: there the derivative holds in one
            direction only.
    """

    equilibrium: Equilibrium
    arrays: Gradient

    @property
    def one_sided(self) -> tuple[str, ...]:
        """Where the active set is about to change."""
        return self.arrays.one_sided

    def cost(self, activity: str) -> float:
        """By a charge added to the marginal cost of an activity, per money per unit."""
        return float(self.arrays.shift[list(self.equilibrium.columns(activity))].sum())

    def capacity(self, activity: str) -> float:
        """By the capacity of an activity, per unit of quantity."""
        return float(self.arrays.upper[list(self.equilibrium.columns(activity))].sum())

    def fixed(self, market: str) -> float:
        """By the demand in a market that does not respond to price, per unit of quantity."""
        return float(self.arrays.fixed[self.equilibrium.position(market)])

    def limit(self, group: str) -> float:
        """By the limit of a group, per unit of the limit."""
        return float(self.arrays.h[self.equilibrium.group(group)])

    def coefficient(self, activity: str, market: str) -> float:
        """By the net output of an activity into a market; what is charged on it moves along."""
        problem = self.equilibrium.arrays
        total = 0.0
        for j in self.equilibrium.columns(activity):
            at = self._entry(activity, j, market)
            total += float(self.arrays.A[at] + self.arrays.B[at] * problem.B.data[at] / problem.A.data[at])
        return total

    def wedge(self, activity: str, market: str) -> float:
        """By the rate of the ad-valorem wedge of an activity on the price of a market (of a new one if it has none)."""
        described = self.equilibrium.activity(activity)
        rates = [w for w in described.wedges if isinstance(w, Wedge) and w.market == market]
        first = rates[0] if rates else Wedge(market, 0.0)
        problem, total = self.equilibrium.arrays, 0.0
        own = problem.curves.marginal(np.maximum(self.equilibrium.solution.levels, 1e-300)) - problem.curves.shift
        for j in self.equilibrium.columns(activity):
            at = self._entry(activity, j, market)
            sign = 1.0 if problem.A.data[at] < 0 else -1.0
            total += float(self.arrays.B[at] * problem.B.data[at]) * sign / (1.0 + sign * first.rate)
            if first.base == "cif":
                total += float(self.arrays.shift[j] * own[j]) / (1.0 + first.rate)
        return total

    def parameter(self, activity: str, name: str) -> float:
        """By a parameter of an activity's curve, under its public name (`elasticity`, `choke`, `slope`, `b`, ...)."""
        described = self.equilibrium.activity(activity)
        curve = described.cost
        known = _PARAMETERS.get(type(curve), {"a": ("a", 1.0)} if isinstance(curve, int | float) else {})
        if name not in known:
            raise EconomyError(
                f"activity {activity}: its curve has no parameter {name}; expected one of {', '.join(known) or 'none'}"
            )
        column, factor = known[name]
        (j,) = self.equilibrium.columns(activity)
        if column in ("a", "d") or (column == "b" and not isinstance(curve, Isoelastic)):  # those that are money
            factor *= _on_cost(described)
        return float(getattr(self.arrays, column)[j]) * factor

    def _entry(self, activity: str, j: int, market: str) -> int:
        matrix, i = self.equilibrium.arrays.A, self.equilibrium.position(market)
        span = slice(matrix.indptr[j], matrix.indptr[j + 1])
        at = np.flatnonzero(matrix.indices[span] == i)
        if not at.size:
            raise EconomyError(f"{activity} has no coefficient in {market}")
        return int(matrix.indptr[j] + at[0])


_PARAMETERS: Mapping[type, Mapping[str, tuple[str, float]]] = {
    Constant: {"a": ("a", 1.0)},
    Linear: {"a": ("a", 1.0), "b": ("b", 1.0)},
    Power: {"a": ("a", 1.0), "b": ("b", 1.0), "n": ("c", 1.0)},
    Hyperbolic: {"a": ("a", 1.0), "b": ("b", 1.0), "c": ("c", 1.0)},
    LinearDemand: {"choke": ("a", -1.0), "slope": ("b", 1.0)},
    Isoelastic: {"price": ("a", 1.0), "quantity": ("b", 1.0), "elasticity": ("c", 1.0), "choke": ("d", 1.0)},
}


def _on_cost(activity: Activity) -> float:
    """What CIF-based wedges multiply an activity's own cost by."""
    return float(np.prod([1 + w.rate for w in activity.wedges if isinstance(w, Wedge) and w.base == "cif"]))


def gradient(
    equilibrium: Equilibrium,
    *,
    prices: Mapping[str, float] | None = None,
    levels: Mapping[str, float] | None = None,
) -> NamedGradient:
    """Return the derivatives of a weighted sum of prices and levels by every number of the economy.

    Args:
        equilibrium: a solved economy.
        prices: weights by market.
        levels: weights by activity.

    Raises:
        EconomyError: if the economy is not solved, a name is unknown, or a seller holds demand at its choke price.

    Example:
        >>> from oreflow.market.economy import Economy, demand, solve, supply
        >>> found = solve(Economy(("ore",), (supply("ore", Linear(1.0, 1.0)), demand("ore", LinearDemand(7.0, 1.0)))))
        >>> round(gradient(found, prices={"ore": 1.0}).cost("supply ore"), 6)
        0.5

    Source: Giles and Pierce (2000) for the adjoint.
    """
    outcome = _weights(equilibrium, prices or {}, levels or {})
    arrays, solution = equilibrium.arrays, equilibrium.solution
    if not any(seller.conjecture for seller in equilibrium.economy.sellers):
        return NamedGradient(equilibrium, differentiate(arrays, solution, outcome))
    base, layout = build_arrays(equilibrium.economy)
    markup = Markup.of(base, *sellers_by_position(equilibrium.economy, layout), solution)
    held = markup.held()
    if held.size:
        raise EconomyError(
            f"{base.activity_name(int(held[0]))} is held by a seller where its choke price begins; "
            "the seller's revenue has a kink there and no derivative is offered"
        )
    by_slope = markup.by_slope(base)
    bend = sp.csc_array(by_slope @ sp.diags_array(_bend(base.curves, solution.levels)))
    found = differentiate(arrays, solution, outcome, bend)
    # what a number does to the mark-ups at given levels, times what a cost does to the outcome
    per_slope = by_slope.T @ found.shift
    curves = {
        name: getattr(found, name) + per_slope * _slope_by(base.curves, name, solution.levels) for name in "abcd"
    }
    A, B = markup.by_entries(base, found.shift)
    return NamedGradient(equilibrium, replace(found, A=found.A + A, B=found.B + B, **curves))


def _bend(curves: CurveTable, x: Floats) -> Floats:
    """Change of each curve's slope with the level."""
    step = 1e-6 * np.maximum(x, 1e-300)
    with np.errstate(all="ignore"):
        change = (curves.slope(x + step) - curves.slope(x - step)) / (2 * step)
    return np.nan_to_num(np.where(x > 0, change, 0.0), nan=0.0, posinf=0.0, neginf=0.0)


def _slope_by(curves: CurveTable, name: str, x: Floats) -> Floats:
    """Change of each curve's slope with one of its parameters."""
    value = getattr(curves, name)
    step = np.where(np.isfinite(value), 1e-6 * np.maximum(np.abs(value), 1e-6), 0.0)
    columns = {f: getattr(curves, f) for f in ("kind", "shift", "a", "b", "c", "d")}
    with np.errstate(all="ignore"):
        up, down = (CurveTable(**(columns | {name: value + sign * step})).slope(x) for sign in (1, -1))
        change: Floats = np.nan_to_num((up - down) / (2 * step), nan=0.0, posinf=0.0, neginf=0.0)
    return change

