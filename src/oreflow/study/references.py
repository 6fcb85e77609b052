"""Which claims and assumptions a result rests on: for each indicator, step of the waterfall and barrier.

A result depends on nearly every parameter of a case. What is listed is the part that is about it: the measures of the
proposal first, then the inputs of the kind named below, the most doubtful grade first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from oreflow.chain.membership import place_members

if TYPE_CHECKING:
    from oreflow.chain.case import Case
    from oreflow.chain.tables import Cell
    from oreflow.policy.proposal import Composition

MOST = 12
"""References listed for a result; who wants all has the case."""
_DOUBT = {"M": 0, "D": 1, "C": 2, "B": 3, "A": 4}
_TONNES = ("ways", "plants", "mines")
TOPICS: Mapping[str, tuple[str, ...]] = {
    "diverted_first": _TONNES,
    "diverted_end": (*_TONNES, "makers"),
    "net_ex_china_dytb": _TONNES,
    "diverted_reo": _TONNES,
    "diverted_value": ("prices", *_TONNES),
    "first_year": _TONNES,
    "works": _TONNES,
    "barriers": _TONNES,
    "china_share_separation_hree": ("plants", "inner_plants"),
    "china_exposure": ("plants", "makers", "demand"),
    "import_reliance": ("plants", "demand"),
    "hhi": ("all_mines", "plants", "inner_plants", "makers"),
    "price": ("prices", "demand", "stocks"),
    "gap": ("demand",),
    "turnover": ("prices", "inner_plants", "plants"),
    "rent": ("prices", "inner_plants", "ties"),
    "public_cost": (),
    "public_cost_per_kg": _TONNES,
    "us_myanmar_balance": ("ways",),
}
"""Indicator -> the sorts of input that are about it, besides the measures of the proposal."""
STEPS: Mapping[str, tuple[str, ...]] = {
    "contained": ("baskets",),
    "released": ("ties",),
    "travels": ("way_capacity",),
    "separable": ("plant_capacity",),
    "pays": ("plant_cost", "way_cost"),
    "delivered": ("makers",),
}
"""Step of the waterfall -> the sorts of input behind it."""
BARRIERS: Mapping[str, tuple[str, ...]] = {
    "leg": ("way_capacity",),
    "control": ("way_capacity",),
    "plant": ("plant_capacity", "plant_capex"),
    "reagent": ("mines",),
    "operator": ("ties",),
    "licence": ("way_capacity",),
    "price": ("plant_cost", "way_cost"),
}
"""Kind of barrier -> the sorts of input behind it."""


class References:
    """The inputs of a case by sort, and what each result of a proposal rests on.

    Args:
        case: whose parameters are meant.

    Example:
        >>> References(case).indicator("price", composition)[0]  # doctest: +SKIP
        'assume:freight_oxide'
    """

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def _tracked(self) -> frozenset[str]:
        return frozenset(c.id for c in self.case.commodities if c.origin == self.case.tracked_origin)

    @cached_property
    def _inside(self) -> frozenset[str]:
        """Places that do not count as outside."""
        return place_members(self.case).get(self.case.outside.removeprefix("outside_"), frozenset())

    @cached_property
    def sorts(self) -> Mapping[str, tuple[Cell | None, ...]]:
        """Return sort of input -> its parameters in the order of the tables."""
        case, tracked = self.case, self._tracked
        on_the_way = {leg for row in case.routes if set(row.commodities) & tracked for leg in row.legs}
        legs = [leg for leg in case.legs if leg.id in on_the_way]
        separations = [p for p in case.processes if "separate" in p.kind]
        outer = [p for p in separations if p.place not in self._inside]
        inner = [p for p in separations if p.place in self._inside]
        mines = [p for p in case.processes if p.kind == "mine"]
        own_mines = [p for p in mines if self._makes(p.recipe) & tracked or p.barrier]
        makers = [p for p in case.processes if p.kind in ("metal", "magnet")]
        built = {p.id for p in outer}
        baskets = {c.basket for c in case.commodities if c.id in tracked}
        shares = [b.share for b in case.baskets if b.basket in baskets and b.element in case.tracked_elements]
        oxides = {c.id for c in case.commodities if c.element in case.tracked_elements}
        cost = [p.cost for p in outer]
        room = [p.capacity for p in outer] + [p.capacity for p in case.projects if p.process in built]
        return {
            "ways": tuple(cell for leg in legs for cell in (leg.capacity, leg.rate, leg.fixed, leg.km)),
            "way_capacity": tuple(leg.capacity for leg in legs),
            "way_cost": tuple(cell for leg in legs for cell in (leg.rate, leg.fixed)),
            "plants": (*cost, *room),
            "plant_cost": tuple(cost),
            "plant_capacity": tuple(room),
            "plant_capex": tuple(p.capex for p in outer),
            "inner_plants": tuple(cell for p in inner for cell in (p.capacity, p.cost)),
            "mines": (*(cell for p in own_mines for cell in (p.capacity, p.cost)), *shares),
            "all_mines": tuple(p.capacity for p in mines),
            "baskets": tuple(shares),
            "makers": tuple(p.capacity for p in makers),
            "ties": tuple(row.share for row in case.ties),
            "prices": tuple(o.value for o in case.observations if o.kind == "price" and o.commodity in oxides),
            "demand": tuple(cell for row in case.demands for cell in (row.quantity, row.elasticity)),
            "stocks": tuple(row.opening for row in case.stocks if row.commodity in oxides),
        }

    def _makes(self, recipe: str) -> frozenset[str]:
        return frozenset(row.commodity for row in self.case.recipes if row.recipe == recipe and row.side == "output")

    def indicator(self, key: str, composition: Composition) -> tuple[str, ...]:
        """Return what an indicator of a proposal rests on, the proposal's own measures first, at most `MOST`.

        Args:
            key: of the indicator.
            composition: the proposal.
        """
        own = _names(
            cell
            for i in composition.instruments
            for cell in (i.magnitude, *(option for option in i.options.values() if hasattr(option, "references")))
        )
        about = self._of(TOPICS.get(key, _TONNES))
        return tuple(dict.fromkeys((*self._by_doubt(own), *about)))[:MOST]

    def way(self) -> tuple[str, ...]:
        """Return what the tracked ore's way out rests on, at most `MOST`."""
        return self._of(_TONNES)[:MOST]

    def step(self, step: str) -> tuple[str, ...]:
        """Return the inputs of grade D or M behind a step of the waterfall, at most six."""
        return tuple(ref for ref in self._of(STEPS[step]) if self.case.grade_of(ref) in ("D", "M"))[:6]

    def barrier(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Return what a set of barriers rests on, a few inputs for each kind, at most `MOST`."""
        kinds = tuple(kinds)
        each = max(1, MOST // max(len(kinds), 1))
        return tuple(dict.fromkeys(ref for kind in kinds for ref in self._of(BARRIERS[kind])[:each]))[:MOST]

    def _of(self, sorts: Iterable[str]) -> tuple[str, ...]:
        """Return the references of sorts of input, one of each sort in turn, the most doubtful of a sort first.

        Prices are quoted: there the best grade comes first.
        """
        ranked = [self._by_doubt(_names(self.sorts[sort]), best_first=sort == "prices") for sort in sorts]
        longest = max((len(refs) for refs in ranked), default=0)
        return tuple(dict.fromkeys(refs[k] for k in range(longest) for refs in ranked if k < len(refs)))

    def _by_doubt(self, refs: tuple[str, ...], *, best_first: bool = False) -> tuple[str, ...]:
        return tuple(sorted(refs, key=lambda ref: _DOUBT[self.case.grade_of(ref)], reverse=best_first))


def _names(cells: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ref for cell in cells if cell is not None for ref in getattr(cell, "references", ())))
