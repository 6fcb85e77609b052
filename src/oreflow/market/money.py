"""Who pays and who receives: every rent, wedge and margin by actor, and the welfare accounts of an equilibrium.

At an equilibrium each activity's revenue at the prices it sees equals its marginal cost times its level plus rents, so
all payments can be followed to a receiver; `check_money` requires that they add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from oreflow.core.errors import OreflowError
from oreflow.market.arrays import Floats
from oreflow.market.economy import Activity, Charge, Equilibrium, Market, Wedge


class MoneyError(OreflowError):
    """Payments and receipts differ."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One flow of money, in the economy's money per period: who pays whom, for what, on which activity."""

    payer: str
    receiver: str
    amount: float
    what: str
    activity: str


@dataclass(frozen=True, slots=True)
class Welfare:
    """Welfare by actor, money: surplus of buyers and producers, rents and revenue; `total` is their sum."""

    consumer_surplus: Mapping[str, float]
    producer_surplus: Mapping[str, float]
    rents: Mapping[str, float]
    revenue: Mapping[str, float]
    total: float


def _levels(equilibrium: Equilibrium, activity: Activity) -> list[tuple[int, float]]:
    return [(j, float(equilibrium.solution.levels[j])) for j in equilibrium.layout.columns[activity.name]]


def _coupled(equilibrium: Equilibrium) -> tuple[Floats, Floats]:
    """What couplings add to each activity's cost at the margin, and the mark-up of sellers with power, [n] each."""
    arrays, x = equilibrium.arrays, equilibrium.solution.levels
    whole = np.zeros(len(x)) if arrays.K is None else np.asarray(arrays.K @ x)
    columns = equilibrium.layout.columns
    own = np.zeros(len(x))
    for coupling in equilibrium.economy.couplings:
        level = sum(x[j] for j in columns[coupling.by])
        own[list(columns[coupling.of])] += coupling.coefficient * level
    return own, whole - own


def list_payments(equilibrium: Equilibrium) -> tuple[Payment, ...]:
    """Return every payment of an equilibrium.

    Markets clear through an actor named after the market, so that its receipts and payments cancel where nothing is
    left over; resources used up by an activity's own cost (couplings included) go to `resources`, the worth of final
    use to its buyer, the mark-up of a seller with power stays with it.

    Args:
        equilibrium: a solved economy; money in its unit.
    """
    arrays, solution = equilibrium.arrays, equilibrium.solution
    out: list[Payment] = []
    own_cost = arrays.curves.marginal(np.maximum(solution.levels, 1e-300))
    coupled, _ = _coupled(equilibrium)
    owners = {activity.name: activity.owner for activity in equilibrium.economy.activities}
    for activity in equilibrium.economy.activities:
        for j, level in _levels(equilibrium, activity):
            if level <= 0:
                continue
            for market, net in activity.net.items():
                price = equilibrium.price(market)
                place = f"market {market}"
                if net > 0:
                    out.append(Payment(place, activity.owner, net * level * price, "sales", activity.name))
                else:
                    out.append(Payment(activity.owner, place, -net * level * price, "purchases", activity.name))
            base = float(own_cost[j])
            shift = 0.0
            on_cost = 1.0
            factor = dict.fromkeys(activity.net, 1.0)
            for wedge in activity.wedges:
                if isinstance(wedge, Charge):
                    shift += wedge.amount
                    out.append(Payment(activity.owner, wedge.receiver, wedge.amount * level, "charge", activity.name))
                elif wedge.base == "cif":
                    on_cost *= 1 + wedge.rate
            pure = (base - shift) / on_cost
            spent = pure
            for wedge in activity.wedges:
                if not isinstance(wedge, Wedge):
                    continue
                net = activity.net.get(wedge.market, 0.0)
                before = factor.get(wedge.market, 1.0)
                after = before * (1 + wedge.rate if net < 0 else 1 - wedge.rate)
                taken = abs(net) * abs(after - before) * np.sign(wedge.rate) * equilibrium.price(wedge.market) * level
                if wedge.base == "cif":
                    taken += spent * wedge.rate * level
                    spent *= 1 + wedge.rate
                factor[wedge.market] = after
                out.append(Payment(activity.owner, wedge.receiver, float(taken), "wedge", activity.name))
            if not activity.is_demand:
                out.append(Payment(activity.owner, "resources", pure * level, "own cost at the margin", activity.name))
                if coupled[j]:
                    out.append(Payment(activity.owner, "resources", coupled[j] * level, "coupled cost", activity.name))
            rent = float(solution.capacity_rents[j])
            if rent > 0 and activity.rent_to is not None:
                out.append(Payment(activity.owner, activity.rent_to, rent * level, "capacity rent", activity.name))
    for group in equilibrium.economy.groups:
        rent = equilibrium.group_rent(group.name)
        for member, weight in group.members.items():
            owner = owners[member]
            amount = weight * rent * equilibrium.level(member)
            if amount:
                out.append(Payment(owner, group.receiver, amount, f"rent of {group.name}", member))
    for entry in equilibrium.economy.markets:
        entered = Market(entry) if isinstance(entry, str) else entry
        price = equilibrium.price(entered.name)
        if entered.fixed:
            place = f"market {entered.name}"
            out.append(Payment("fixed demand", place, entered.fixed * price, "fixed demand", entered.name))
        if not isinstance(entered.disposal, str):
            name = f"dispose {entered.name}"
            thrown = equilibrium.level(name)
            place = f"market {entered.name}"
            if thrown:
                out.append(Payment(place, "resources", thrown * float(entered.disposal), "disposal", name))
    return tuple(out)


def balance_by_actor(equilibrium: Equilibrium) -> dict[str, float]:
    """Return receipts less payments of each actor, money; over all actors they sum to zero by construction."""
    out: dict[str, float] = {}
    for payment in list_payments(equilibrium):
        out[payment.receiver] = out.get(payment.receiver, 0.0) + payment.amount
        out[payment.payer] = out.get(payment.payer, 0.0) - payment.amount
    return out


def check_money(equilibrium: Equilibrium, tolerance: float = 1e-9) -> float:
    """Return the largest relative gap between payments and receipts, over markets and over activities.

    Every market must pay out what it takes in, and every activity must have revenue = cost + wedges + rents.

    Args:
        equilibrium: a solved economy.
        tolerance: largest gap relative to the money that passes through.

    Raises:
        MoneyError: naming the market or activity whose money does not balance.
    """
    payments = list_payments(equilibrium)
    gaps: dict[str, list[float]] = {}
    for payment in payments:
        for actor, sign in ((payment.receiver, 1.0), (payment.payer, -1.0)):
            if actor.startswith("market "):
                gaps.setdefault(actor, []).append(sign * payment.amount)
    worst = 0.0
    total = max(sum(abs(p.amount) for p in payments), 1e-300)
    for actor, amounts in gaps.items():
        through = sum(abs(a) for a in amounts)
        gap = abs(sum(amounts)) / max(through, 1e-6 * total)
        if gap > tolerance:
            raise MoneyError(f"{actor}: receipts and payments differ by {sum(amounts):g} of {through:g}; expected 0")
        worst = max(worst, gap)
    return max(worst, _check_activities(equilibrium, payments, tolerance, total))


def _check_activities(equilibrium: Equilibrium, payments: tuple[Payment, ...], tolerance: float, total: float) -> float:
    """Each activity's revenue goes to own cost, wedges, rents and, with a seller, its mark-up."""
    owners = {activity.name for activity in equilibrium.economy.activities}
    net: dict[str, float] = {}
    through: dict[str, float] = {}
    for payment in payments:
        if payment.activity not in owners or payment.what == "capacity rent":
            continue
        sign = 1.0 if payment.what == "sales" else -1.0
        net[payment.activity] = net.get(payment.activity, 0.0) + sign * payment.amount
        through[payment.activity] = through.get(payment.activity, 0.0) + abs(payment.amount)
    worst = 0.0
    own = equilibrium.arrays.curves.marginal(np.maximum(equilibrium.solution.levels, 1e-300))
    coupled, markup = _coupled(equilibrium)
    for activity in equilibrium.economy.activities:
        if activity.name not in net:
            continue
        rents = equilibrium.solution.capacity_rents
        kept = sum((rents[j] + markup[j]) * level for j, level in _levels(equilibrium, activity))
        worth = 0.0
        if activity.is_demand:
            shift = sum(w.amount for w in activity.wedges if isinstance(w, Charge))
            worth = -sum((float(own[j] + coupled[j]) - shift) * level for j, level in _levels(equilibrium, activity))
        gap = abs(net[activity.name] + worth - kept) / max(through[activity.name], 1e-6 * total)
        if gap > tolerance:
            raise MoneyError(
                f"activity {activity.name}: revenue less cost, wedges, rents and mark-up is "
                f"{net[activity.name] + worth - kept:g} of {through[activity.name]:g}; expected 0"
            )
        worst = max(worst, gap)
    return worst


def account_welfare(equilibrium: Equilibrium) -> Welfare:
    """Return the welfare accounts of an equilibrium by actor.

    Consumer surplus is the area under demand above what is paid; producer surplus the receipts above the area under
    marginal cost (capacity rents and mark-ups kept by the owner included); rents go to whoever the case names; revenue
    is net of subsidies. What couplings add is counted along the straight way from nil, `x'Kx / 2` (where K is symmetric
    every way gives the same). Differences between two equilibria are meaningful, levels are not where demand has no
    choke price.

    Args:
        equilibrium: a solved economy; money in its unit.
    """
    solution, arrays = equilibrium.solution, equilibrium.arrays
    area = arrays.curves.integral(solution.levels)
    coupled, _ = _coupled(equilibrium)
    consumers: dict[str, float] = {}
    producers: dict[str, float] = {}
    rents: dict[str, float] = {}
    revenue: dict[str, float] = {}
    paid: dict[str, float] = {}
    for payment in list_payments(equilibrium):
        if payment.what in ("wedge", "charge"):
            side = revenue
        elif payment.what == "capacity rent" or payment.what.startswith("rent of"):
            side = rents
        else:
            continue
        side[payment.receiver] = side.get(payment.receiver, 0.0) + payment.amount
        paid[payment.activity] = paid.get(payment.activity, 0.0) + payment.amount
    for activity in equilibrium.economy.activities:
        levels = _levels(equilibrium, activity)
        trade = sum(
            net * level * equilibrium.price(market) for market, net in activity.net.items() for _, level in levels
        )
        shift = sum(w.amount for w in activity.wedges if isinstance(w, Charge))
        on_cost = float(np.prod([1 + w.rate for w in activity.wedges if isinstance(w, Wedge) and w.base == "cif"]))
        used = sum((float(area[j]) - shift * level) / on_cost + coupled[j] * level / 2 for j, level in levels)
        gain = trade - used - paid.get(activity.name, 0.0)
        side = consumers if activity.is_demand else producers
        side[activity.owner] = side.get(activity.owner, 0.0) + gain
    total = float(sum(sum(side.values()) for side in (consumers, producers, rents, revenue)))
    return Welfare(consumers, producers, rents, revenue, total)
