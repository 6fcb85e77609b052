"""What an instrument may look at when it lowers itself: the network, the case's groups, and the year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from oreflow.chain.membership import place_members
from oreflow.chain.network import Activity, Kind, Network
from oreflow.chain.tables import Cell
from oreflow.core.errors import OreflowError

if TYPE_CHECKING:
    from oreflow.chain.case import Case, Instrument, Values
    from oreflow.market.periods import Period


class InstrumentError(OreflowError):
    """An instrument of a proposal that cannot be applied: unknown target, missing magnitude, contradicting options."""


@dataclass(frozen=True)
class Context:
    """A network with the case it came from and the values of its cells; `period`: see `at`."""

    case: Case
    values: Values
    network: Network
    period: Period | None = None

    @cached_property
    def members(self) -> dict[str, frozenset[str]]:
        """Return the places that a name stands for: itself, its group's members, and the places below it."""
        return place_members(self.case)

    def places(self, name: str) -> frozenset[str]:
        """Return the places that `name` (place or group) stands for; empty when unknown."""
        return self.members.get(name, frozenset())

    def magnitude(self, instrument: Instrument) -> float:
        """Return an instrument's magnitude in canonical units.

        Raises:
            InstrumentError: the instrument has none.
        """
        if instrument.magnitude is None:
            raise InstrumentError(f"instrument {instrument.id!r} ({instrument.type}) has no magnitude; give it one")
        return float(self.values[instrument.magnitude])

    def option(self, instrument: Instrument, name: str, default: float) -> float:
        """Return a numeric option of an instrument (a cell), or `default`."""
        found = instrument.options.get(name)
        if found is None or found == "":
            return default
        if not isinstance(found, Cell):
            raise InstrumentError(f"instrument {instrument.id!r}: option {name!r} is {found!r}; expected an expression")
        return float(self.values[found])

    def words(self, instrument: Instrument, name: str) -> tuple[str, ...]:
        """Return a list option of an instrument as words; empty when absent."""
        found = instrument.options.get(name)
        if found is None or found == "":
            return ()
        if isinstance(found, str):
            return tuple(word.strip() for word in found.replace("|", ";").replace(",", ";").split(";") if word.strip())
        if isinstance(found, Cell):
            raise InstrumentError(f"instrument {instrument.id!r}: option {name!r} is an expression; expected words")
        return tuple(found)

    def span(self, year: int) -> tuple[float, float]:
        """Return the start and end of what is looked at, decimal years: the period set by `at`, else the year."""
        return (float(year), year + 1.0) if self.period is None else (self.period.start, self.period.stop)

    def at(self, period: Period) -> Context:
        """Return the same context for a period shorter than its year; what was looked up before is kept."""
        other = copy(self)
        object.__setattr__(other, "period", period)
        return other

    def in_force(self, instrument: Instrument, year: int) -> float:
        """Return the share of the year, or of the period set by `at`, in which the instrument is in force (0 to 1)."""
        first, last = self.span(year)
        start = -1e9 if instrument.start is None else instrument.start
        end = 1e9 if instrument.end is None else instrument.end
        return max(0.0, min(end, last) - max(start, first)) / (last - first)

    def routes(
        self, targets: Iterable[str], commodities: Iterable[str] = (), destinations: Iterable[str] = ()
    ) -> tuple[int, ...]:
        """Return the route activities that targets name.

        A target is a route id, a leg id, `from->to` (places or groups), or a place or group (all routes out of it).
        """
        key = (tuple(targets), tuple(commodities), tuple(destinations))
        if key not in self._routes:
            self._routes[key] = self._find_routes(*key)
        return self._routes[key]

    @cached_property
    def _routes(self) -> dict[tuple[tuple[str, ...], ...], tuple[int, ...]]:
        return {}

    def _find_routes(
        self, targets: tuple[str, ...], commodities: tuple[str, ...], destinations: tuple[str, ...]
    ) -> tuple[int, ...]:
        goods = self.commodities(commodities)
        ends = frozenset().union(*(self.places(name) or {name} for name in destinations))
        found: list[int] = []
        for target in targets:
            hits = [
                j
                for j, activity in enumerate(self.network.activities)
                if activity.kind is Kind.ROUTE
                and (not goods or activity.feed in goods)
                and (not ends or activity.to_place in ends)
                and self._is_route_of(j, activity, target)
            ]
            found.extend(hits)
        return tuple(dict.fromkeys(found))

    def _is_route_of(self, j: int, activity: Activity, target: str) -> bool:
        if activity.row == target or target in self.network.route_legs.get(j, ()):
            return True
        if "->" in target:
            start, _, end = (part.strip() for part in target.partition("->"))
            return activity.place in self.places(start) and activity.to_place in self.places(end)
        inside = self.places(target)
        return activity.place in inside and activity.to_place not in inside

    def processes(self, targets: Iterable[str]) -> tuple[int, ...]:
        """Return the process activities that targets name: process id, activity name, place, group, or operator."""
        found: list[int] = []
        for target in targets:
            inside = self.places(target)
            for j, activity in enumerate(self.network.activities):
                if activity.kind is not Kind.PROCESS:
                    continue
                if target in (activity.row, activity.name, activity.operator) or activity.place in inside:
                    found.append(j)
        return tuple(dict.fromkeys(found))

    def commodities(self, patterns: Iterable[str]) -> frozenset[str]:
        """Return commodity ids for ids, `stage:X` and `element:X` patterns."""
        found: set[str] = set()
        for pattern in patterns:
            if pattern.startswith("stage:"):
                found |= {c.id for c in self.case.commodities if c.stage == pattern[6:]}
            elif pattern.startswith("element:"):
                found |= {c.id for c in self.case.commodities if c.element == pattern[8:]}
            elif pattern.startswith("origin:"):
                found |= {c.id for c in self.case.commodities if c.origin == pattern[7:]}
            else:
                found.add(pattern)
        return frozenset(found)

    def known_target(self, target: str) -> bool:
        """Return whether anything in the case answers to this target."""
        ends = [part.strip() for part in target.split("->")]
        return all(end in self._known or bool(self.places(end)) for end in ends)

    @cached_property
    def _known(self) -> frozenset[str]:
        rows: tuple[Mapping[str, object] | tuple[object, ...], ...] = (
            self.case.processes, self.case.routes, self.case.legs, self.case.ties, self.case.actors,
        )  # fmt: skip
        return frozenset(str(getattr(row, "id", "")) for table in rows for row in table)
