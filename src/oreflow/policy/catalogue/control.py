"""Change of control or of operator over a place, leg or process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oreflow.market.terms import Close, Open, Operator
from oreflow.policy.catalogue import Entry

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

ENTRY = Entry(
    type="control",
    title="Change of control",
    target="place, leg or process",
    magnitude="none",
    unit="none",
    term="receiver of the object's rents and levies; opens: yes lifts a leg's closure, no closes it",
    sign="none",
    dual="none",
    options="controller, operator, opens yes|no",
)


def lower(context: Context, instrument: Instrument, year: int) -> tuple[Term, ...]:
    """Return the new controller and operator, and the opening or closing of legs, from the first full or part year."""
    if not context.in_force(instrument, year):
        return ()
    controller = " ".join(context.words(instrument, "controller"))
    operator = " ".join(context.words(instrument, "operator"))
    terms: list[Term] = [Operator(target, controller, operator, instrument.id) for target in instrument.target]
    opens = context.words(instrument, "opens")
    legs = tuple(target for target in instrument.target if any(leg.id == target for leg in context.case.legs))
    if legs and "yes" in opens:
        terms.append(Open(legs, instrument.id))
    if legs and "no" in opens:
        terms.append(Close(legs, instrument.id))
    return tuple(terms)
