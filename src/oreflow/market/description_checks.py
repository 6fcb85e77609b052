"""What is wrong with the description of an economy: every unknown name and every number outside its domain at once."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields

from oreflow.market.description import (
    INFINITE,
    Activity,
    AnyCurve,
    Bids,
    Charge,
    Economy,
    Hyperbolic,
    Isoelastic,
    Linear,
    LinearDemand,
    Market,
    Power,
    Stepwise,
)


def check_description(economy: Economy, markets: Sequence[Market]) -> list[str]:
    """Return every name that is unknown or used twice and every number outside its domain, in words.

    Args:
        economy: the description.
        markets: its markets, names turned into markets.
    """
    problems = _repeated("market", [m.name for m in markets]) + _repeated(
        "activity", [a.name for a in economy.activities]
    )
    problems += _repeated("group", [g.name for g in economy.groups]) + _repeated(
        "seller", [s.name for s in economy.sellers]
    )
    for market in markets:
        if isinstance(market.disposal, str) and market.disposal not in ("free", "none"):
            problems.append(f"market {market.name}: disposal {market.disposal!r}; expected free, none or a cost")
        elif not isinstance(market.disposal, str) and not math.isfinite(market.disposal):
            problems.append(f"market {market.name}: cost of disposal {market.disposal:g}; expected a finite number")
        if not math.isfinite(market.fixed):
            problems.append(f"market {market.name}: fixed demand {market.fixed:g}; expected a finite number")
    known = {market.name for market in markets}
    for activity in economy.activities:
        problems += [f"activity {activity.name}: {found}" for found in _check_activity(activity, known)]
    names = {activity.name for activity in economy.activities}
    members = [(f"group {g.name}", name) for g in economy.groups for name in g.members]
    members += [(f"coupling of {c.of}", name) for c in economy.couplings for name in (c.of, c.by)]
    members += [(f"seller {s.name}", name) for s in economy.sellers for name in s.activities]
    problems += [
        f"{where}: unknown activity {name}{nearest_name(name, names)}" for where, name in members if name not in names
    ]
    for group in economy.groups:
        if not all(math.isfinite(number) for number in (group.limit, *group.members.values())):
            problems.append(
                f"group {group.name}: limit {group.limit:g}; expected finite numbers (leave out what never binds)"
            )
    for coupling in economy.couplings:
        if not math.isfinite(coupling.coefficient):
            problems.append(
                f"coupling of {coupling.of}: coefficient {coupling.coefficient:g}; expected a finite number"
            )
    return problems + _check_sellers(economy, known)


def _repeated(what: str, names: Sequence[str]) -> list[str]:
    return [
        f"{what} {name}: the name is used {count} times; give each {what} its own"
        for name, count in Counter(names).items()
        if count > 1
    ]


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a hint: the known name that is most like the one found; empty where none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _check_activity(activity: Activity, known: Collection[str]) -> Iterable[str]:
    if not activity.net:
        yield "it neither uses nor makes anything; expected a coefficient for at least one market"
    for market, coefficient in activity.net.items():
        if market not in known:
            yield f"unknown market {market}{nearest_name(market, known)}"
        if not math.isfinite(coefficient):
            yield f"coefficient {coefficient:g} in {market}; expected a finite number"
    for wedge in activity.wedges:
        if isinstance(wedge, Charge):
            if not math.isfinite(wedge.amount):
                yield f"charge {wedge.amount:g}; expected a finite amount"
            continue
        net = activity.net.get(wedge.market, 0.0)
        if net == 0.0:
            yield f"wedge on {wedge.market}, which it neither buys nor sells; expected one of its own markets"
        elif not (wedge.rate > -1 if net < 0 else wedge.rate < 1) or not math.isfinite(wedge.rate):
            yield f"wedge of {wedge.rate:g} on {wedge.market}; expected above -1 on an input, below 1 on an output"
        if wedge.base not in ("fob", "cif"):
            yield f"wedge on {wedge.market} with base {wedge.base!r}; expected fob (price alone) or cif (own cost too)"
    if not activity.capacity >= 0:
        yield f"capacity {activity.capacity:g}; expected 0 or more (inf: none)"
    yield from _check_curve(activity.cost)


def _check_curve(curve: AnyCurve) -> Iterable[str]:
    """What is outside the domain of a curve."""
    if isinstance(curve, Stepwise | Bids):
        prices = [price for _, price in curve.steps]
        wanted = sorted(prices, reverse=isinstance(curve, Bids))
        if not all(width > 0 for width, _ in curve.steps):
            yield f"steps {curve.steps}; expected widths above 0"
        if not curve.steps or prices != wanted or not all(math.isfinite(price) for price in prices):
            order = "falling bids" if isinstance(curve, Bids) else "rising cost"
            yield f"steps {curve.steps} are out of order; expected {order}, finite"
        return
    numbers = (
        {"cost": float(curve)}
        if isinstance(curve, int | float)
        else {f.name: getattr(curve, f.name) for f in fields(curve)}
    )
    for name, number in numbers.items():
        if math.isnan(number) or (math.isinf(number) and name != "choke"):
            yield f"{name} = {number:g}; expected a finite number"
    wrong = [
        f"{name} = {numbers[name]:g}" for name, fits in _DOMAINS.get(type(curve), {}).items() if not fits(numbers[name])
    ]
    if wrong:
        yield f"{type(curve).__name__} with {', '.join(wrong)}; expected {_EXPECTED[type(curve)]}"


_DOMAINS: Mapping[type, Mapping[str, Callable[[float], bool]]] = {
    Linear: {"b": lambda b: b >= 0},
    Power: {"b": lambda b: b >= 0, "n": lambda n: n > 0},
    Hyperbolic: {"b": lambda b: b >= 0, "c": lambda c: c > 0},
    LinearDemand: {"slope": lambda slope: slope > 0},
    Isoelastic: {
        "price": lambda price: price > 0, "quantity": lambda quantity: quantity > 0,
        "elasticity": lambda elasticity: elasticity < 0, "choke": lambda choke: choke > 0,
    },
}  # fmt: skip
_EXPECTED: Mapping[type, str] = {
    Linear: "a slope b of 0 or more",
    Power: "b of 0 or more and an exponent n above 0",
    Hyperbolic: "b of 0 or more and a capacity c above 0",
    LinearDemand: "a positive slope (inverse demand falls)",
    Isoelastic: "a positive price, quantity and choke price and a negative elasticity",
}


def _check_sellers(economy: Economy, known: Collection[str]) -> list[str]:
    problems: list[str] = []
    owners: dict[str, str] = {}
    for seller in economy.sellers:
        if not 0 <= seller.conjecture < INFINITE:
            problems.append(
                f"seller {seller.name}: conjecture {seller.conjecture:g}; expected 0 (price taker) to 1 (Cournot)"
            )
        for name in seller.activities:
            if owners.setdefault(name, seller.name) != seller.name:
                problems.append(
                    f"activity {name}: sellers {owners[name]} and {seller.name} both have it; give it to one"
                )
        for market, slope in seller.slopes.items():
            if market not in known:
                hint = nearest_name(market, known)
                problems.append(f"seller {seller.name}: slope for the unknown market {market}{hint}")
            if not 0 <= slope < INFINITE:
                problems.append(f"seller {seller.name}: slope {slope:g} in {market}; expected 0 or more, finite")
    return problems
