"""Expressions over claims and assumptions: parsed by hand to a small tree, never evaluated as code.

Grammar: `=` sum; sum: product ((+|-) product)*; product: signed ((*|/) signed)*; signed: - signed | atom;
atom: literal | claim("id") | assume("id") | first(..) | min(..) | max(..) | ( sum ). Literals: 0, 1, 10^n.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from oreflow.core.errors import OreflowError
from oreflow.core.units import UnitError, factor, parse_unit, root_factor

if TYPE_CHECKING:
    from oreflow.core.units import Unit

LONGEST = 2000
DEEPEST = 60
MOST_PARTS = 400

_TOKEN = re.compile(
    r"""\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]+)|"([^"\n]*)"|([-+*/(),]))"""
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]*")

Operator = Literal["+", "-", "*", "/"]


class ExpressionError(OreflowError):
    """A parameter's text that is no expression; the message says where it stops making sense."""


class EvaluationError(OreflowError):
    """An expression without a finite value: a division by zero, or an overflow."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: 0, 1 or an integer power of ten."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A claim or assumption by id."""

    kind: Literal["claim", "assume"]
    id: str

    @property
    def name(self) -> str:
        """Return `claim:ID` or `assume:ID`, the key of its value."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus an expression."""

    of: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions joined by + - * or /."""

    operator: Operator
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """first, min or max of one or more expressions."""

    function: Literal["first", "min", "max"]
    arguments: tuple[Expr, ...]


Expr = Number | Reference | Negative | Binary | Call


def parse_expression(text: str) -> Expr:
    """Read the text of a parameter cell.

    Args:
        text: starts with `=`; at most 2000 characters, 400 parts and 60 levels of brackets.

    Returns:
        The syntax tree, frozen and hashable.

    Raises:
        ExpressionError: a bare number, an unknown word, an unclosed bracket, or an expression over the limits.

    Example:
        >>> parse_expression('=claim("a") / 1000')
        Binary(operator='/', left=Reference(kind='claim', id='a'), right=Number(value=1000.0))
    """
    stripped = text.strip()
    if not stripped.startswith("="):
        try:
            float(stripped.replace(",", "").rstrip("%"))
        except ValueError:
            raise ExpressionError(f"{_short(stripped)} is no expression; it must start with '='") from None
        raise ExpressionError(f"the bare number {_short(stripped)}; a number needs a claim or an assumption behind it")
    if len(stripped) > LONGEST:
        raise ExpressionError(f"an expression of {len(stripped)} characters; at most {LONGEST} are allowed")
    return _Parser(stripped[1:]).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise ExpressionError(f"{_short(text[position:].strip())} cannot stand in an expression")
            kind = ("", "number", "word", "text", "mark")[match.lastindex or 0]
            self.tokens.append((kind, match.group(match.lastindex or 0)))
            position = match.end()
        self.at = 0
        self.parts = 0

    def parse(self) -> Expr:
        if not self.tokens:
            raise ExpressionError("an empty expression after '='")
        found = self.sum(0)
        if self.at < len(self.tokens):
            raise ExpressionError(f"{_short(self.tokens[self.at][1])} is out of place in {_short('=' + self.text)}")
        return found

    def peek(self) -> str:
        kind, word = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        return word if kind in ("mark", "word") else ""

    def count(self, depth: int) -> None:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise ExpressionError(f"an expression of more than {MOST_PARTS} parts; split it into assumptions")
        if depth > DEEPEST:
            raise ExpressionError(f"brackets more than {DEEPEST} deep; split the expression into assumptions")

    def sum(self, depth: int) -> Expr:
        self.count(depth)
        left = self.product(depth)
        height = depth
        while self.peek() in ("+", "-"):
            operator: Operator = "+" if self.peek() == "+" else "-"
            self.at += 1
            height += 1
            self.count(height)
            left = Binary(operator, left, self.product(depth))
        return left

    def product(self, depth: int) -> Expr:
        left = self.signed(depth)
        height = depth
        while self.peek() in ("*", "/"):
            operator: Operator = "*" if self.peek() == "*" else "/"
            self.at += 1
            height += 1
            self.count(height)
            left = Binary(operator, left, self.signed(depth))
        return left

    def signed(self, depth: int) -> Expr:
        self.count(depth)
        if self.peek() == "-":
            self.at += 1
            return Negative(self.signed(depth + 1))
        return self.atom(depth)

    def atom(self, depth: int) -> Expr:
        if self.at >= len(self.tokens):
            raise ExpressionError(f"{_short('=' + self.text)} ends too early")
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return Number(_literal(word))
        if kind == "word":
            return self.named(word, depth)
        if word == "(" and kind == "mark":
            inside = self.sum(depth + 1)
            self.close()
            return inside
        raise ExpressionError(f"{_short(word)} is out of place in {_short('=' + self.text)}")

    def named(self, word: str, depth: int) -> Expr:
        if self.peek() != "(":
            raise ExpressionError(f"the word {_short(word)}; only claim, assume, first, min and max may stand here")
        self.at += 1
        if word in ("claim", "assume"):
            kind, identifier = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
            if kind != "text" or not _ID.fullmatch(identifier):
                raise ExpressionError(f'{word}( needs an id in double quotes, as {word}("an-id")')
            self.at += 1
            self.close()
            return Reference("claim" if word == "claim" else "assume", identifier)
        if word not in ("first", "min", "max"):
            raise ExpressionError(f"the function {_short(word)}; only claim, assume, first, min and max are known")
        arguments = [self.sum(depth + 1)]
        while self.peek() == ",":
            self.at += 1
            arguments.append(self.sum(depth + 1))
        self.close()
        function: Literal["first", "min", "max"] = "first" if word == "first" else "min" if word == "min" else "max"
        return Call(function, tuple(arguments))

    def close(self) -> None:
        if self.peek() != ")":
            raise ExpressionError(f"a bracket is not closed in {_short('=' + self.text)}")
        self.at += 1


def _literal(word: str) -> float:
    value = float(word)
    if value == 0.0 or (math.isfinite(value) and value == float(f"1e{round(math.log10(value))}")):
        return value
    raise ExpressionError(
        f"the bare number {_short(word)}; only 0, 1 and powers of ten may stand in an expression: "
        "state the number as a claim or an assumption"
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def format_expression(expr: Expr) -> str:
    """Return the text of an expression, with the brackets it needs; `parse_expression` reads it back to the same tree.

    Args:
        expr: a syntax tree.

    Returns:
        Text that starts with `=`.

    Example:
        >>> format_expression(parse_expression('=(claim("a")+1)*claim("b")'))
        '=(claim("a") + 1) * claim("b")'
    """
    return "=" + _format(expr, 0)


def _format(expr: Expr, above: int) -> str:
    if isinstance(expr, Number):
        return f"{int(expr.value)}" if expr.value in (0.0, 1.0) or 1 < expr.value < 1e15 else f"{expr.value:g}"
    if isinstance(expr, Reference):
        return f'{expr.kind}("{expr.id}")'
    if isinstance(expr, Call):
        return f"{expr.function}({', '.join(_format(argument, 0) for argument in expr.arguments)})"
    if isinstance(expr, Negative):
        text, level = "-" + _format(expr.of, 3), 3
    else:
        level = 1 if expr.operator in "+-" else 2
        text = f"{_format(expr.left, level)} {expr.operator} {_format(expr.right, level + 1)}"
    return f"({text})" if level < above else text


def parts(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all its parts, left to right.

    Args:
        expr: a syntax tree.

    Yields:
        Every node, the tree itself first.

    Example:
        >>> len(list(parts(parse_expression('=claim("a") * 10'))))
        3
    """
    yield expr
    if isinstance(expr, Negative):
        yield from parts(expr.of)
    elif isinstance(expr, Binary):
        yield from parts(expr.left)
        yield from parts(expr.right)
    elif isinstance(expr, Call):
        for argument in expr.arguments:
            yield from parts(argument)


def references(expr: Expr) -> tuple[str, ...]:
    """Return the claims and assumptions that an expression names.

    Args:
        expr: a syntax tree.

    Returns:
        Names `claim:ID` and `assume:ID`, each once, in order of appearance.

    Example:
        >>> references(parse_expression('=first(claim("new"), assume("guess"))'))
        ('claim:new', 'assume:guess')
    """
    return tuple(dict.fromkeys(part.name for part in parts(expr) if isinstance(part, Reference)))


def compile_expression(expr: Expr) -> Callable[[Mapping[str, float]], float]:
    """Return a function that evaluates an expression; built once, called for every draw.

    Args:
        expr: a syntax tree; `first` takes its first argument (the ledger resolves it by the as-of date before).

    Returns:
        A function of values by reference name, in canonical units. It raises ZeroDivisionError on a division by zero
        and KeyError on a reference without value.

    Example:
        >>> compile_expression(parse_expression('=claim("a") / 10'))({"claim:a": 5.0})
        0.5
    """
    if isinstance(expr, Number):
        value = expr.value
        return lambda _: value
    if isinstance(expr, Reference):
        name = expr.name
        return lambda values: values[name]
    if isinstance(expr, Negative):
        inner = compile_expression(expr.of)
        return lambda values: -inner(values)
    if isinstance(expr, Binary):
        left, right = compile_expression(expr.left), compile_expression(expr.right)
        if expr.operator == "+":
            return lambda values: left(values) + right(values)
        if expr.operator == "-":
            return lambda values: left(values) - right(values)
        if expr.operator == "*":
            return lambda values: left(values) * right(values)
        return lambda values: left(values) / right(values)
    arguments = tuple(compile_expression(argument) for argument in expr.arguments)
    if expr.function == "first":
        return arguments[0]
    if expr.function == "min":
        return lambda values: min(argument(values) for argument in arguments)
    return lambda values: max(argument(values) for argument in arguments)


def evaluate(expr: Expr, values: Mapping[str, float]) -> float:
    """Return the value of an expression.

    Args:
        expr: a syntax tree.
        values: numbers in canonical units by reference name (`claim:ID`, `assume:ID`).

    Returns:
        A finite number in the canonical unit of the expression.

    Raises:
        EvaluationError: a division by zero, an overflow, or a reference without value.

    Example:
        >>> evaluate(parse_expression('=1 - claim("a")'), {"claim:a": 0.25})
        0.75
    """
    try:
        found = compile_expression(expr)(values)
    except ZeroDivisionError:
        raise EvaluationError(f"{format_expression(expr)} divides by zero; check the claim below the bar") from None
    except KeyError as error:
        raise EvaluationError(f"{format_expression(expr)} names {error.args[0]}, which has no value") from None
    if not math.isfinite(found):
        raise EvaluationError(f"{format_expression(expr)} has no finite value; check the ranges of its claims")
    return found


@dataclass(frozen=True, slots=True)
class _Measure:
    """The root unit of a part; `any_unit` for the literal 0, which is 0 in every unit."""

    unit: Unit
    any_unit: bool = False


def unit_of(expr: Expr, units: Mapping[str, Unit]) -> Unit | None:
    """Return the canonical (root) unit of an expression, checking that what is added or compared is alike.

    Args:
        expr: a syntax tree.
        units: unit of each reference by name.

    Returns:
        The root unit; None for an expression that is 0 in any unit.

    Raises:
        UnitError: unlike units are added, subtracted or compared; a basis is mixed with another.
        EvaluationError: a reference without unit.

    Example:
        >>> from oreflow.core.units import unit_text
        >>> units = {"claim:a": parse_unit("kg_REO"), "claim:b": parse_unit("t_gross")}
        >>> unit_text(unit_of(parse_expression('=claim("a") / claim("b")'), units))
        't_REO/t_gross'
    """
    found = _measure(expr, units)
    return None if found.any_unit else found.unit


def _measure(expr: Expr, units: Mapping[str, Unit]) -> _Measure:
    if isinstance(expr, Number):
        return _Measure(parse_unit("1"), any_unit=expr.value == 0.0)
    if isinstance(expr, Reference):
        if expr.name not in units:
            raise EvaluationError(f"{expr.name} has no unit")
        return _Measure(root_factor(units[expr.name])[1])
    if isinstance(expr, Negative):
        return _measure(expr.of, units)
    if isinstance(expr, Binary) and expr.operator in "*/":
        left, right = _measure(expr.left, units), _measure(expr.right, units)
        joined = left.unit * right.unit if expr.operator == "*" else left.unit / right.unit
        return _Measure(root_factor(joined)[1], any_unit=left.any_unit or (right.any_unit and expr.operator == "*"))
    inner = (expr.left, expr.right) if isinstance(expr, Binary) else expr.arguments
    measures = [_measure(part, units) for part in inner]
    known = [measure for measure in measures if not measure.any_unit]
    if not known:
        return measures[0]
    for measure in known[1:]:
        try:
            factor(measure.unit, known[0].unit)
        except UnitError as error:
            raise UnitError(f"{format_expression(expr)} joins unlike units: {error}") from None
    return known[0]
