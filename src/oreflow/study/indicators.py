"""Indicators of an outcome as numbers by label; what each means stands in `oreflow.report.indicators`.

Shares of clean origin follow goods through markets by proportional mixing: what leaves a market carries the mean of
what entered it in the year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oreflow.chain.membership import place_members
from oreflow.chain.network import Kind, Network
from oreflow.core.threads import with_one_blas_thread
from oreflow.study.base import Base
from oreflow.study.gap import goods_gap
from oreflow.study.outcome import Outcome, YearResult, is_traded

Floats = NDArray[np.float64]
DUST = 1e-6
"""Levels below this, t a year, are rounding of the equilibrium and count as nil."""
SEPARATION = ("separate_light", "separate_heavy", "separate_full")
Values = dict[str, dict[str, float]]
"""Indicator key -> label -> value."""


@dataclass(frozen=True)
class Lens:
    """What the indicators of one base look at: who counts as inside, what is tracked, and index arrays for speed."""

    base: Base
    network: Network

    @property
    def group(self) -> str:
        """Return the group that `outside` in case.yaml leaves out: `outside_china` and `china` both mean china."""
        return self.base.case.outside.removeprefix("outside_")

    @cached_property
    def inside(self) -> frozenset[str]:
        """Return the places of the group that does not count as outside (China in the bundled case)."""
        return place_members(self.base.case).get(self.group, frozenset())

    @cached_property
    def insiders(self) -> frozenset[str]:
        """Return the actors who belong to that group."""
        group = self.group.casefold()
        return frozenset(a.id for a in self.base.case.actors if a.group.casefold() == group) | self.inside

    @cached_property
    def country(self) -> dict[str, str]:
        """Return the country (outermost parent that is not the world) of each place."""
        parents = {p.id: p.parent for p in self.base.case.places}
        found: dict[str, str] = {}
        for place in parents:
            top, seen = place, {place}
            while parents.get(top) and parents[top] not in seen and parents[top] != "WORLD":
                top = parents[top]
                seen.add(top)
            found[place] = top
        return found

    @cached_property
    def iso3(self) -> dict[str, str]:
        """Return the ISO 3166-1 alpha-3 code of each place, its own or its country's."""
        codes = {p.id: p.iso3 for p in self.base.case.places}
        return {place: codes.get(place) or codes.get(self.country[place], "") for place in codes}

    @cached_property
    def tracked_oxides(self) -> dict[str, str]:
        """Return oxide commodity -> element for the tracked elements."""
        wanted = set(self.base.case.tracked_elements)
        return {c.id: c.element for c in self.base.case.commodities if c.stage == "oxide" and c.element in wanted}

    @cached_property
    def heavy_oxides(self) -> frozenset[str]:
        """Return the oxides that some heavy separation makes (all separated oxides where none is heavy only)."""
        made: set[str] = set()
        anywhere: set[str] = set()
        for a in self.network.activities:
            if a.process_kind in SEPARATION:
                outputs = {self.network.markets[i].commodity for i, v in a.flows if v > 0}
                anywhere |= outputs
                if a.process_kind == "separate_heavy":
                    made |= outputs
        oxides = {c.id for c in self.base.case.commodities if c.stage == "oxide"}
        return frozenset((made or anywhere) & oxides)

    @cached_property
    def origin(self) -> dict[str, str]:
        """Return the origin of each commodity."""
        return {c.id: c.origin for c in self.base.case.commodities}

    def is_outside(self, j: int, operators: Mapping[str, str]) -> bool:
        """Return whether an activity stands neither in the inside group nor under an operator of it."""
        a = self.network.activities[j]
        operator = operators.get(a.row, a.operator)
        return a.place not in self.inside and operator not in self.insiders

    def diverted(self, levels: Sequence[float] | Floats, operators: Mapping[str, str]) -> float:
        """Return t of tracked oxide of the tracked origin that is first separated outside, at levels [n]."""
        return float(
            sum(
                tracked * levels[j]
                for j, tracked, _, _, is_origin in self.separations
                if is_origin and self.is_outside(j, operators)
            )
        )

    @cached_property
    def separations(self) -> tuple[tuple[int, float, float, float, bool], ...]:
        """Return (activity, tracked oxide, heavy oxide, all oxide, tracked origin) per unit of each separation."""
        found = []
        oxides = {c.id for c in self.base.case.commodities if c.stage == "oxide"}
        for j, a in enumerate(self.network.activities):
            if a.process_kind not in SEPARATION:
                continue
            outputs = [(self.network.markets[i].commodity, v) for i, v in a.flows if v > 0]
            tracked = sum(v for c, v in outputs if c in self.tracked_oxides)
            heavy = sum(v for c, v in outputs if c in self.heavy_oxides)
            everything = sum(v for c, v in outputs if c in oxides)
            found.append((j, tracked, heavy, everything, self.origin.get(a.feed, "") == self.base.case.tracked_origin))
        return tuple(found)

    @cached_property
    def recyclers(self) -> tuple[tuple[int, float], ...]:
        """Return (activity, tracked oxide) per unit of processes other than separation that make tracked oxide."""
        return tuple(
            (j, made)
            for j, a in enumerate(self.network.activities)
            if a.kind is Kind.PROCESS and a.process_kind not in SEPARATION
            if (
                made := sum(v for i, v in a.flows if v > 0 and self.network.markets[i].commodity in self.tracked_oxides)
            )
        )

    @cached_property
    def mines(self) -> tuple[tuple[int, float, str], ...]:
        """Return (activity, tracked oxide contained, origin) per unit of each mine."""
        found = []
        for j, a in enumerate(self.network.activities):
            if a.process_kind != "mine":
                continue
            content, origin = 0.0, ""
            for i, v in a.flows:
                commodity = self.network.markets[i].commodity
                if v > 0 and commodity in self.network.composition:
                    parts = self.network.composition[commodity]
                    content += v * sum(parts.get(e, 0.0) for e in self.base.case.tracked_elements)
                    origin = self.origin.get(commodity, "")
            found.append((j, content, origin))
        return tuple(found)

    @cached_property
    def uses(self) -> tuple[tuple[int, int, str, bool], ...]:
        """Return (activity, market, country, whether inside) of each use of goods that bear tracked elements."""
        return tuple(
            (j, a.flows[0][0], self.country.get(a.place, a.place), a.place in self.inside)
            for j, a in enumerate(self.network.activities)
            if a.kind is Kind.DEMAND and a.flows[0][0] in self.bearing
        )

    @cached_property
    def later_stages(self) -> tuple[tuple[int, str, str], ...]:
        """Return (activity, stage, country) of the processes that make metal and magnets."""
        return tuple(
            (j, a.process_kind, self.country.get(a.place, ""))
            for stage in ("metal", "magnet")
            for j, a in enumerate(self.network.activities)
            if a.process_kind == stage
        )

    @cached_property
    def oxide_supply(self) -> tuple[tuple[int, str, float, bool], ...]:
        """Return (activity, country, t of tracked oxide per unit, whether made) of output and of trade over a border.

        Trade counts with its sign: what arrives is positive, what leaves negative.
        """
        found = []
        for j, a in enumerate(self.network.activities):
            for i, v in a.flows:
                if self.network.markets[i].commodity not in self.tracked_oxides:
                    continue
                country = self.country.get(self.network.markets[i].place, "")
                if a.kind is Kind.PROCESS and v > 0:
                    found.append((j, country, v, True))
                elif a.kind is Kind.ROUTE and self.country.get(a.place) != self.country.get(a.to_place):
                    found.append((j, country, v, False))
        return tuple(found)

    @cached_property
    def plants(self) -> tuple[tuple[int, str, str, tuple[tuple[int, float], ...]], ...]:
        """Return (activity, row, operator or place, outputs) of all processes but disposal."""
        return tuple(
            (j, a.row, a.operator or a.place, tuple((i, v) for i, v in a.flows if v > 0))
            for j, a in enumerate(self.network.activities)
            if a.kind is Kind.PROCESS and a.process_kind != "dispose"
        )

    @cached_property
    def myanmar_to_us(self) -> tuple[tuple[int, int, float], ...]:
        """Return (activity, market of origin, t taken there per unit) of routes from Myanmar to the United States."""
        return tuple(
            (j, a.flows[0][0], -a.flows[0][1])
            for j, a in enumerate(self.network.activities)
            if a.kind is Kind.ROUTE and self.iso3.get(a.place) == "MMR" and self.iso3.get(a.to_place) == "USA"
        )

    @cached_property
    def bearing(self) -> dict[int, bool]:
        """Return markets whose goods bear tracked elements -> whether they are tracked oxides."""
        found = {i: True for i, m in enumerate(self.network.markets) if m.commodity in self.tracked_oxides}
        stages = {c.id: c.stage for c in self.base.case.commodities}
        growing = True
        while growing:
            growing = False
            for a in self.network.activities:
                if a.kind not in (Kind.PROCESS, Kind.ROUTE) or a.process_kind in SEPARATION:
                    continue
                if any(v < 0 and i in found for i, v in a.flows):
                    for i, v in a.flows:
                        good = stages.get(self.network.markets[i].commodity)
                        if v > 0 and i not in found and good in ("metal", "magnet", "use"):
                            found[i] = False
                            growing = True
        return found

    @cached_property
    def mixing(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
        """Return transfers (activity, out market, in market, t of input per unit, mass share of the output)."""
        js, outs, ins, amounts, shares = [], [], [], [], []
        for j, a in enumerate(self.network.activities):
            if a.kind not in (Kind.PROCESS, Kind.ROUTE) or a.process_kind in SEPARATION:
                continue
            entering = [(i, -v) for i, v in a.flows if v < 0 and i in self.bearing]
            leaving = [(i, v) for i, v in a.flows if v > 0 and i in self.bearing]
            mass = sum(v for i, v in a.flows if v > 0)
            if not entering or not leaving:
                continue
            for i_out, v_out in leaving:
                for i_in, v_in in entering:
                    js.append(j)
                    outs.append(i_out)
                    ins.append(i_in)
                    amounts.append(v_in)
                    shares.append(v_out / mass if a.kind is Kind.PROCESS else 1.0)
        return np.array(js, int), np.array(outs, int), np.array(ins, int), np.array(amounts), np.array(shares)

    @cached_property
    def inflows(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """Return (activity, market, t per unit) of everything that enters a bearing market."""
        js, markets, amounts = [], [], []
        for j, a in enumerate(self.network.activities):
            for i, v in a.flows:
                if v > 0 and i in self.bearing:
                    js.append(j)
                    markets.append(i)
                    amounts.append(v)
        return np.array(js, int), np.array(markets, int), np.array(amounts)

    def contents(self, record: YearResult) -> tuple[Floats, Floats, Floats]:
        """Return per market [m]: tracked content, clean content of any origin, clean content of the tracked origin.

        In t of tracked oxide per t of commodity. Clean: no stage so far stood inside or under an inside operator.
        """
        m = len(self.network.markets)
        at = np.array(sorted(self.bearing), dtype=int)
        position = np.full(m, -1)
        position[at] = np.arange(at.size)
        x = record.levels
        js, outs, ins, amounts, shares = self.mixing
        total = np.zeros(at.size)
        fj, fi, fv = self.inflows
        np.add.at(total, position[fi], fv * x[fj])
        total = np.maximum(total, 1e-12)
        moved = amounts * shares * x[js]
        clean_here = np.array([self.is_outside(int(j), record.operators) for j in js], dtype=float)
        oxide = np.array([self.bearing[int(i)] for i in at])

        transfer = np.zeros((at.size, at.size))
        np.add.at(transfer, (position[outs], position[ins]), moved)
        transfer /= total[:, None]
        content_matrix = np.eye(at.size) - np.where(oxide[:, None], 0.0, transfer)
        content = np.linalg.solve(content_matrix, oxide.astype(float))

        clean_transfer = np.zeros((at.size, at.size))
        np.add.at(clean_transfer, (position[outs], position[ins]), moved * clean_here)
        clean_transfer /= total[:, None]
        source_any, source_tracked = np.zeros(at.size), np.zeros(at.size)
        for j, _, _, _, is_tracked in self.separations:
            if x[j] <= 0 or not self.is_outside(j, record.operators):
                continue
            for i, v in self.network.activities[j].flows:
                if v > 0 and i in self.bearing:
                    source_any[position[i]] += v * x[j]
                    source_tracked[position[i]] += v * x[j] * is_tracked
        matrix = np.eye(at.size) - clean_transfer
        clean = np.linalg.solve(matrix, np.column_stack([source_any / total, source_tracked / total]))
        full = np.zeros((3, m))
        full[0, at], full[1, at], full[2, at] = content, clean[:, 0], clean[:, 1]
        return full[0], full[1], full[2]


def diverted_first(outcome: Outcome, record: YearResult) -> float:
    """Return the headline alone: t of tracked oxide of the tracked origin first separated outside in a year.

    Args:
        outcome: a run.
        record: one of its years.
    """
    return Lens(outcome.base, outcome.network).diverted(without_dust(record.levels), record.operators)


def without_dust(levels: Floats) -> Floats:
    """Return levels, t a year, with those below `DUST` at nil."""
    return np.where(levels > DUST, levels, 0.0)


@with_one_blas_thread
def measure(outcome: Outcome, lens: Lens | None = None, headline_actors: tuple[str, ...] = ()) -> Values:
    """Return all indicators of one outcome that need no other run.

    Args:
        outcome: a run, whole or cut short by a failure (then its solved years only).
        lens: index arrays of an earlier call on the same network.
        headline_actors: actors always reported, with 0 where they earn nothing.

    Returns:
        Indicator key -> label -> value. Labels join dimensions by "/", the year last.
    """
    lens = lens if lens is not None and lens.network is outcome.network else Lens(outcome.base, outcome.network)
    found: Values = defaultdict(dict)
    base_content: list[float] = lens.contents(outcome.years[0])[0].tolist() if outcome.years else []
    own = _proposal_instruments(outcome)
    for number, record in enumerate(outcome.years):
        before = outcome.years[max(number - 1, 0)]
        _measure_year(lens, outcome, record, before, base_content, own, found, headline_actors)
    return dict(found)


def _measure_year(
    lens: Lens,
    outcome: Outcome,
    record: YearResult,
    before: YearResult,
    base_content: list[float],
    own: frozenset[str],
    found: Values,
    headline_actors: tuple[str, ...],
) -> None:
    network, year = lens.network, str(record.year)
    x, p = without_dust(record.levels).tolist(), record.prices.tolist()
    outside = {j for j, *_ in lens.separations if lens.is_outside(j, record.operators)}
    first = lens.diverted(x, record.operators)
    reo = value = outside_tracked = all_tracked = outside_heavy = all_heavy = 0.0
    by_country: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for j, tracked, heavy, everything, is_origin in lens.separations:
        level = x[j]
        all_tracked += tracked * level
        all_heavy += heavy * level
        by_country["separation"][lens.country.get(network.activities[j].place, "")] += tracked * level
        if j in outside:
            outside_tracked += tracked * level
            outside_heavy += heavy * level
            if is_origin:
                reo += everything * level
                value += level * sum(v * p[i] for i, v in network.activities[j].flows if v > 0)
    recycled = sum(m * x[j] for j, m in lens.recyclers if lens.is_outside(j, record.operators))
    found["diverted_first"][year] = first
    found["diverted_reo"][year] = reo
    found["diverted_value"][year] = value
    found["outside_dytb"][year] = outside_tracked + recycled
    found["china_share_separation_hree"][year] = 1.0 - outside_heavy / all_heavy if all_heavy > 0 else float("nan")

    content, clean, origin_clean = (of.tolist() for of in lens.contents(record))
    used: dict[str, float] = defaultdict(float)
    clean_used: dict[str, float] = defaultdict(float)
    end = 0.0
    gap: dict[tuple[str, str], float] = defaultdict(float)
    elapsed = record.year - outcome.base.case.base_year
    for j, i, country, is_inside in lens.uses:
        used[country] += x[j] * content[i]
        clean_used[country] += x[j] * clean[i]
        if not is_inside:
            end += x[j] * origin_clean[i]
        price = p[i] * (1.0 + record.charges.rate[j]) + record.charges.amount[j]
        goods = goods_gap(outcome.base, j, elapsed, float(price), x[j], float(before.levels[j]))
        gap[country, "thrifting"] += x[j] * (base_content[i] - content[i])
        gap[country, "substitution"] += goods.substitution * base_content[i]
        gap[country, "lost output"] += goods.lost_output * base_content[i]
        gap[country, "rationing"] += goods.rationing * base_content[i]
    found["diverted_end"][year] = min(end, first) if first else 0.0
    for country, amount in used.items():
        if amount > 1e-9:
            found["china_exposure"][f"{country}/{year}"] = 1.0 - clean_used[country] / amount
    for (country, component), amount in gap.items():
        found["gap"][f"{country}/{component}/{year}"] = float(amount)

    for j, tracked, _ in lens.mines:
        by_country["mining"][lens.country.get(network.activities[j].place, "")] += tracked * x[j]
    for j, stage, country in lens.later_stages:
        by_country[stage][country] += x[j]
    for stage, amounts in by_country.items():
        total = sum(amounts.values())
        if total > 0:
            found["hhi"][f"{stage}/{year}"] = sum((v / total) ** 2 for v in amounts.values())

    _prices(lens, record, found)
    _reliance(lens, record, found)
    _money(lens, own, record, found, headline_actors)


def _prices(lens: Lens, record: YearResult, found: Values) -> None:
    # A market without trade has a range, not a price: `oreflow.study.price_ranges`.
    traded = is_traded(lens.network, record)
    for i, market in enumerate(lens.network.markets):
        element = lens.tracked_oxides.get(market.commodity)
        if not traded[i]:
            continue
        if element or market.commodity in ("ndpr_oxide", "ndpr"):
            label = element or "NdPr"
            found["price"][f"{market.place}/{label}/{record.year}"] = record.prices[i] / 1000.0


def _reliance(lens: Lens, record: YearResult, found: Values) -> None:
    """Net import reliance in tracked oxides: production counts separation and recycling at home."""
    x = record.levels.tolist()
    made: dict[str, float] = defaultdict(float)
    net: dict[str, float] = defaultdict(float)
    for j, country, amount, is_made in lens.oxide_supply:
        (made if is_made else net)[country] += amount * x[j]
    for country in set(made) | set(net):
        consumption = made[country] + net[country]
        if consumption > 1e-6:
            found["import_reliance"][f"{country}/{record.year}"] = net[country] / consumption


def _money(lens: Lens, own: frozenset[str], record: YearResult, found: Values, actors: tuple[str, ...]) -> None:
    year, network = record.year, lens.network
    x, p, rents = record.levels.tolist(), record.prices.tolist(), record.rents.tolist()
    turnover: dict[str, float] = defaultdict(float)
    rent: dict[str, float] = defaultdict(float)
    for actor in actors:
        turnover[actor] += 0.0
    for j, row, owner, outputs in lens.plants:
        if x[j] > 0:
            operator = record.operators.get(row) or owner
            turnover[operator] += x[j] * sum([v * p[i] for i, v in outputs])
            if rents[j] > 0:
                rent[network.rent_to[j] or operator] += rents[j] * x[j]
    for limit, dual in zip(record.limits, record.limit_rents, strict=True):
        if dual > 0 and limit.limit > 0:
            rent[record.controllers.get(limit.row, limit.owner) or limit.row] += dual * limit.limit
    public = sum(outlay.amount for outlay in record.outlays)
    for j, rate, amount, receiver, instrument in record.charges.lines:
        if x[j] <= 0:
            continue
        base = sum(-v * p[i] for i, v in network.activities[j].flows if v < 0) if rate else 0.0
        paid = x[j] * (rate * base + amount)
        turnover[receiver] += max(paid, 0.0)
        if instrument in own:
            public -= min(paid, 0.0)
    for actor, amount in turnover.items():
        found["turnover"][f"{actor}/{year}"] = amount
    for actor, amount in rent.items():
        found["rent"][f"{actor}/{year}"] = amount
    found["public_cost"][str(year)] = public
    if lens.myanmar_to_us:  # a case without such a trade has no balance of it, not one of nil
        found["us_imports_from_myanmar"][str(year)] = sum(x[j] * taken * p[i] for j, i, taken in lens.myanmar_to_us)


def _proposal_instruments(outcome: Outcome) -> frozenset[str]:
    """Return the instruments of a run that charge or pay and are not events of its case."""
    events = {instrument.id for instrument in outcome.base.case.event_instruments()}
    lines = {line[4] for record in outcome.years for line in record.charges.lines}
    return frozenset(lines - events)


def against(values: Values, reference: Values) -> Values:
    """Return the indicators that compare a run with the status quo of the same draw.

    Returns:
        net_ex_china_dytb, us_myanmar_balance (positive: smaller deficit), turnover and rent changes by label.
    """
    found: Values = {}
    outside, base = values.get("outside_dytb", {}), reference.get("outside_dytb", {})
    found["net_ex_china_dytb"] = {year: outside[year] - base.get(year, 0.0) for year in outside}
    imports, before = values.get("us_imports_from_myanmar", {}), reference.get("us_imports_from_myanmar", {})
    if imports:
        found["us_myanmar_balance"] = {year: before.get(year, 0.0) - imports[year] for year in imports}
    return found


def first_year(by_year: Mapping[str, float], least: float = 20.0) -> float:
    """Return the first of two years running that reach `least` t; NaN where it never happens.

    Example:
        >>> first_year({"2027": 5.0, "2028": 21.0, "2029": 30.0})
        2028.0
    """
    years = sorted(by_year, key=int)
    for year, following in pairwise(years):
        if by_year[year] >= least and by_year[following] >= least:
            return float(year)
    return float("nan")
