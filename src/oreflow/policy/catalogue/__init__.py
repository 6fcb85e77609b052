"""The instruments, one file each; every file holds a `lower` function and the `ENTRY` that documents it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oreflow.chain.case import Instrument
    from oreflow.market.terms import Term
    from oreflow.policy.context import Context

Lower = Callable[["Context", "Instrument", int], "tuple[Term, ...]"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What an instrument is: its words, the market term it lowers to, sign, unit and the dual it creates."""

    type: str
    title: str
    target: str
    magnitude: str
    unit: str
    term: str
    sign: str
    dual: str
    options: str = ""


TYPES = (
    "tariff", "levy", "export_quota", "licence", "embargo", "sanction", "border_closure", "input_restriction",
    "operator_withdrawal", "operator_release", "subsidy", "investment", "leg", "control",
)  # fmt: skip


def lower_function(instrument_type: str) -> Lower | None:
    """Return the lowering function of an instrument type, or None for an unknown type."""
    if instrument_type not in TYPES:
        return None
    function: Lower = import_module(f"oreflow.policy.catalogue.{instrument_type}").lower
    return function


def entry(instrument_type: str) -> Entry:
    """Return the documentation entry of a known instrument type.

    Example:
        >>> entry("tariff").unit
        '1'
    """
    found: Entry = import_module(f"oreflow.policy.catalogue.{instrument_type}").ENTRY
    return found
