"""Units with their weight basis: a tonne of REO, of gross product and of one element's oxide are different units.

The registry is our own and small; pint does the algebra. Root units are t of a basis, USD, yr, km, year (a date) and
count.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from oreflow.core.errors import OreflowError

if TYPE_CHECKING:
    import pint

    Unit = pint.Unit
    Registry = pint.UnitRegistry[float]

BASES: tuple[str, ...] = ("REO", "gross", "oxide", "metal", "magnet", "ore", "scrap", "goods")
"""What a tonne is a tonne of; see docs/units.md."""

CURRENCIES: tuple[str, ...] = (
    "USD", "CNY", "EUR", "INR", "JPY", "MYR", "AUD", "MMK", "KRW", "BRL", "CAD", "GBP", "THB", "VND",
)  # fmt: skip
"""Currencies by ISO 4217 code; each is a dimension of its own until money.csv converts it."""

_MASSES = {"t": "", "kg": "/ 1000", "g": "/ 1000000", "kt": "* 1000", "Mt": "* 1000000"}
_OTHERS = {
    "yr": "[time]", "month": "yr / 12", "day": "yr / 365.25", "h": "day / 24", "km": "[length]", "year": "[calendar]",
    "percent": "0.01", "count": "[count]", "elements": "count", "sites": "count", "plants": "count", "trucks": "count",
    "people": "count",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(?:([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z]+)?)|(\*\*|\^)|([*/()%])|([+-]?\d+))")
_LONGEST = 80
_HIGHEST_POWER = 4


class UnitError(OreflowError):
    """A unit that cannot be read, or that does not convert into the one expected."""


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return oreflow's own pint registry, built on first use and independent of pint's default one.

    Returns:
        A registry that knows the units of docs/units.md and nothing else.

    Example:
        >>> str(registry().get_root_units("kg_REO")[1])
        't_REO'
    """
    from pint import UnitRegistry

    built: Registry = UnitRegistry(None)
    for basis in BASES:
        built.define(f"t_{basis} = [mass_{basis}]")
        for mass, relation in _MASSES.items():
            if relation:
                built.define(f"{mass}_{basis} = t_{basis} {relation}")
    for currency in CURRENCIES:
        built.define(f"{currency} = [money_{currency}]")
    for name, relation in _OTHERS.items():
        built.define(f"{name} = {relation}")
    return built


@lru_cache(maxsize=4096)
def parse_unit(text: str, basis: str = "") -> Unit:
    """Read a unit such as `t_REO/t_gross`, `USD/(t_gross*km)`, `1/yr` or `%`; bare mass units take the basis.

    Args:
        text: products, quotients and whole powers of the units of docs/units.md; empty or `1` is a pure number.
        basis: one of `BASES`, for a bare `t`, `kg`, `g`, `kt` or `Mt`; empty where there is none.

    Returns:
        The unit, in oreflow's registry.

    Raises:
        UnitError: an unknown unit or basis, a mass without basis, or text that is not a unit.

    Example:
        >>> str(parse_unit("kg/yr", "REO"))
        'kg_REO / yr'
    """
    if len(text) > _LONGEST:
        raise UnitError(f"unit of {len(text)} characters found; expected at most {_LONGEST}: shorten it")
    if basis and basis not in BASES:
        raise UnitError(f"unknown basis {basis!r}; expected one of {', '.join(BASES)}")
    reader = _Reader(text, basis)
    powers = reader.read()
    built = registry()
    unit = built.Unit("")
    for name, power in powers.items():
        unit = unit * built.Unit(name) ** power
    return unit


class _Reader:
    """Reads one unit text into powers by name; the grammar is products and quotients, left to right."""

    def __init__(self, text: str, basis: str) -> None:
        self.text, self.basis = text, basis
        self.tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.refuse(f"{text[position:].strip()[:1]!r} cannot stand in a unit")
            self.tokens.append(match.group().strip())
            position = match.end()
        self.at = 0

    def refuse(self, why: str) -> UnitError:
        return UnitError(f"{self.text!r} is no unit: {why}; expected one such as t_REO/yr or USD/t_gross")

    def read(self) -> dict[str, int]:
        if not self.tokens:
            return {}
        powers = self.product(0)
        if self.at < len(self.tokens):
            raise self.refuse(f"{self.tokens[self.at]!r} is out of place")
        return {name: power for name, power in powers.items() if power}

    def product(self, depth: int) -> dict[str, int]:
        powers = self.factor(depth)
        while self.at < len(self.tokens) and self.tokens[self.at] in ("*", "/"):
            sign = 1 if self.tokens[self.at] == "*" else -1
            self.at += 1
            for name, power in self.factor(depth).items():
                powers[name] = powers.get(name, 0) + sign * power
        return powers

    def factor(self, depth: int) -> dict[str, int]:
        if self.at >= len(self.tokens):
            raise self.refuse("it ends too early")
        token = self.tokens[self.at]
        self.at += 1
        if token == "(":  # noqa: S105 - a bracket, not a password
            if depth > 8:
                raise self.refuse("too many brackets")
            powers = self.product(depth + 1)
            if self.at >= len(self.tokens) or self.tokens[self.at] != ")":
                raise self.refuse("a bracket is not closed")
            self.at += 1
        elif token == "%":  # noqa: S105
            powers = {"percent": 1}
        elif token == "1":  # noqa: S105
            powers = {}
        elif token[0].isalpha():
            powers = {self.name(token): 1}
        else:
            raise self.refuse(f"{token!r} is out of place")
        if self.at < len(self.tokens) and self.tokens[self.at] in ("^", "**"):
            power_text = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
            if not re.fullmatch(r"[+-]?\d{1,3}", power_text) or abs(int(power_text)) > _HIGHEST_POWER:
                raise self.refuse(f"a power is a whole number up to {_HIGHEST_POWER}")
            self.at += 2
            powers = {name: power * int(power_text) for name, power in powers.items()}
        return powers

    def name(self, token: str) -> str:
        if token in _MASSES:
            if not self.basis:
                raise UnitError(
                    f"{self.text!r} has a {token} without a basis; name one of {', '.join(BASES)} "
                    f"in the column basis or write {token}_REO, {token}_gross, ..."
                )
            return f"{token}_{self.basis}"
        mass, _, basis = token.partition("_")
        if basis and mass in _MASSES and basis in BASES:
            return token
        if token in CURRENCIES or token in _OTHERS:
            return token
        if basis and mass in _MASSES:
            raise UnitError(f"{self.text!r} has the unknown basis {basis!r}; expected one of {', '.join(BASES)}")
        raise self.refuse(f"{token!r} is not known (see docs/units.md)")


@lru_cache(maxsize=8192)
def root_factor(unit: Unit) -> tuple[float, Unit]:
    """Return the number by which a value in `unit` is multiplied to stand in root units, and those root units.

    Args:
        unit: a unit of oreflow's registry.

    Returns:
        (factor, root unit): t of the basis, USD or another currency, yr, km.

    Example:
        >>> root_factor(parse_unit("CNY/kg_oxide"))[0]
        1000.0
    """
    number, root = registry().get_root_units(unit)
    return _near(float(str(number))), root


@lru_cache(maxsize=8192)
def factor(unit: Unit, target: Unit) -> float:
    """Return the number by which a value in `unit` is multiplied to be in `target`.

    Args:
        unit: the unit at hand.
        target: the unit wanted.

    Returns:
        A positive number.

    Raises:
        UnitError: the units measure different things; the message says which bases or currencies differ.

    Example:
        >>> factor(parse_unit("kg_REO"), parse_unit("t_REO"))
        0.001
    """
    number, root = root_factor(unit)
    wanted, target_root = root_factor(target)
    if root.dimensionality != target_root.dimensionality:
        raise UnitError(f"{unit_text(unit)} does not convert to {unit_text(target)}{_why(unit, target)}")
    return _near(number / wanted)


def yearly_factor(unit: Unit, target: Unit) -> float:
    """Return `factor`, taking an amount of one year as an amount per year where the target is per year.

    Args:
        unit: the unit at hand, as `t_REO` of a year's output.
        target: the unit wanted, as `t_REO/yr`.

    Returns:
        A positive number.

    Raises:
        UnitError: the units measure different things.

    Example:
        >>> yearly_factor(parse_unit("kt_REO"), parse_unit("t_REO/yr"))
        1000.0
    """
    year = parse_unit("yr")
    dimension, wanted = root_factor(unit)[1].dimensionality, root_factor(target)[1].dimensionality
    if dimension != wanted and "[time]" not in dimension and wanted.get("[time]", 0) == -1:
        per_year = unit / year
        if root_factor(per_year)[1].dimensionality == wanted:
            return factor(per_year, target)
    return factor(unit, target)


def unit_text(unit: Unit) -> str:
    """Return a unit as a case file spells it.

    Args:
        unit: a unit of oreflow's registry.

    Returns:
        Text that `parse_unit` reads back, `1` for a pure number.

    Example:
        >>> unit_text(parse_unit("USD/(t_gross*km)"))
        'USD/(km*t_gross)'
    """
    powers = {name: int(str(power)) for name, power in sorted(unit._units.items())}
    above = [_powered(name, power) for name, power in powers.items() if power > 0]
    below = [_powered(name, -power) for name, power in powers.items() if power < 0]
    head = "*".join(above) or "1"
    if not below:
        return head
    return f"{head}/{below[0]}" if len(below) == 1 else f"{head}/({'*'.join(below)})"


def currencies_in(text: str) -> tuple[str, ...]:
    """Return the currencies that a unit text names, in order of appearance.

    Args:
        text: a unit as in a case file.

    Returns:
        ISO 4217 codes, each once.

    Example:
        >>> currencies_in("CNY/kg_oxide")
        ('CNY',)
    """
    return tuple(dict.fromkeys(word for word in re.findall(r"[A-Za-z_]+", text) if word in CURRENCIES))


def _powered(name: str, power: int) -> str:
    shown = "%" if name == "percent" else name
    return shown if power == 1 else f"{shown}^{power}"


def _near(number: float) -> float:
    """Take the last bit of noise off a conversion such as 0.001 / 1000.

    Conversions are products of powers of ten, 12, 24 and 365.25, all exact to 14 digits.
    """
    return float(f"{number:.14g}")


def _why(unit: Unit, target: Unit) -> str:
    mine, theirs = _bases(unit), _bases(target)
    if mine and theirs and mine != theirs:
        one, other = " and ".join(sorted(mine)), " and ".join(sorted(theirs))
        return f": the basis {one} is not {other}; multiply by a claim or assumption that converts one into the other"
    money = {name for name in unit._units if name in CURRENCIES} - {"USD"}
    if money:
        return f": {', '.join(sorted(money))} needs a row in money.csv"
    return ": they measure different things"


def _bases(unit: Unit) -> set[str]:
    return {name.partition("_")[2] for name in unit._units if "_" in name}
