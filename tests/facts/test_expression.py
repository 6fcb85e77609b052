"""Expressions: what parses, what is refused in words, values, units, and the round trip of any tree."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.core.units import UnitError, parse_unit, unit_text
from oreflow.facts.expression import (
    DEEPEST,
    LONGEST,
    Binary,
    Call,
    EvaluationError,
    Expr,
    ExpressionError,
    Negative,
    Number,
    Reference,
    compile_expression,
    evaluate,
    format_expression,
    parse_expression,
    references,
    unit_of,
)

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,6}", fullmatch=True)
LEAVES: st.SearchStrategy[Expr] = st.one_of(
    st.builds(Reference, st.sampled_from(["claim", "assume"]), IDS),
    st.builds(Number, st.sampled_from([0.0, 1.0, 10.0, 1000.0, 0.1, 0.01, 1e6, 1e-9, 1e22])),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Negative, inner),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(Call, st.sampled_from(["first", "min", "max"]), st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(TREES)
def test_format_then_parse_gives_the_same_tree(tree: Expr) -> None:
    assert parse_expression(format_expression(tree)) == tree


@given(st.text(alphabet='=claimsufrt()+-*/ "abc019.,e', max_size=60))
def test_any_text_parses_or_is_refused_in_words(text: str) -> None:
    try:
        tree = parse_expression(text)
    except ExpressionError as error:
        message = str(error)
    else:
        message = format_expression(tree)
        assert parse_expression(message) == tree
    assert message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('=claim("a") + claim("b") * 10', 42.0),
        ('=(claim("a") + claim("b")) * 10', 60.0),
        ('=claim("a") - claim("b") - 1', -3.0),
        ('=claim("b") / claim("a") / 10', 0.2),
        ('=-claim("a") * -claim("b")', 8.0),
        ('=min(claim("a"), claim("b"), 1)', 1.0),
        ('=max(claim("a"), claim("b"))', 4.0),
        ('=first(claim("b"), claim("a"))', 4.0),
        ('=0.01 * claim("a") + 1e3', 1000.02),
    ],
)
def test_values(text: str, expected: float) -> None:
    assert evaluate(parse_expression(text), {"claim:a": 2.0, "claim:b": 4.0}) == pytest.approx(expected)


@given(TREES, st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_the_compiled_value_is_that_of_the_tree(tree: Expr, one: float, other: float) -> None:
    names = references(tree)
    values = {name: one if k % 2 else other for k, name in enumerate(names)}
    try:
        expected = _walk(tree, values)
    except ZeroDivisionError:
        with pytest.raises(EvaluationError, match="divides by zero"):
            evaluate(tree, values)
        return
    if math.isfinite(expected):
        assert evaluate(tree, values) == expected
    else:
        with pytest.raises(EvaluationError, match="no finite value"):
            evaluate(tree, values)


def _walk(tree: Expr, values: Mapping[str, float]) -> float:
    """Evaluate by walking the tree, independently of the compiled form."""
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Reference):
        return values[tree.name]
    if isinstance(tree, Negative):
        return -_walk(tree.of, values)
    if isinstance(tree, Call):
        if tree.function == "first":
            return _walk(tree.arguments[0], values)
        found = [_walk(argument, values) for argument in tree.arguments]
        return min(found) if tree.function == "min" else max(found)
    left, right = _walk(tree.left, values), _walk(tree.right, values)
    return {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right, "/": lambda: left / right}[
        tree.operator
    ]()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("44000", "the bare number '44000'; a number needs a claim or an assumption"),
        ("1,200", "the bare number"),
        ("=44000", "the bare number '44000'; only 0, 1 and powers of ten"),
        ('=claim("a") * 0.57', "the bare number '0.57'"),
        ("claim", "it must start with '='"),
        ("=", "an empty expression"),
        ('=claim("a"', "a bracket is not closed"),
        ("=claim(a)", "needs an id in double quotes"),
        ('=claim("a b")', "needs an id in double quotes"),
        ('=claim("a") claim("b")', "out of place"),
        ('=claim("a") ** 10', "out of place"),
        ('=__import__("os")', "the function '__import__'"),
        ('=claim("a").real', "cannot stand in an expression"),
        ("=x", "the word 'x'; only claim, assume, first, min and max"),
        ("=min()", "out of place"),
        ("=" + "(" * (DEEPEST + 2) + "1" + ")" * (DEEPEST + 2), "brackets more than"),
        ("=" + "-" * 200 + "1", "brackets more than"),
        ("=1" + "+1" * LONGEST, "characters; at most"),
    ],
)
def test_what_is_no_expression_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert message in str(caught.value)


def test_units_follow_the_arithmetic() -> None:
    units = {
        "claim:gross": parse_unit("kg_gross"),
        "claim:share": parse_unit("t_REO/t_gross"),
        "claim:vat": parse_unit("%"),
    }
    found = unit_of(parse_expression('=claim("gross") * claim("share") / (1 + claim("vat"))'), units)
    assert found is not None
    assert unit_text(found) == "t_REO"


def test_unlike_bases_are_never_added() -> None:
    units = {"claim:gross": parse_unit("t_gross"), "claim:reo": parse_unit("t_REO")}
    with pytest.raises(UnitError, match=r"joins unlike units: .* the basis REO is not gross"):
        unit_of(parse_expression('=claim("gross") + claim("reo")'), units)
    with pytest.raises(UnitError, match="joins unlike units"):
        unit_of(parse_expression('=max(claim("gross"), 1)'), units)


def test_zero_has_any_unit() -> None:
    units = {"claim:a": parse_unit("t_REO")}
    found = unit_of(parse_expression('=max(claim("a") - claim("a"), 0)'), units)
    assert found is not None
    assert unit_text(found) == "t_REO"
    assert unit_of(parse_expression("=0"), units) is None


def test_references_come_once_and_in_order() -> None:
    tree = parse_expression('=claim("b") + assume("a") * claim("b")')
    assert references(tree) == ("claim:b", "assume:a")


def test_a_reference_without_value_is_named() -> None:
    with pytest.raises(EvaluationError, match=r"names claim:a, which has no value"):
        evaluate(parse_expression('=claim("a")'), {})
    with pytest.raises(KeyError):
        compile_expression(parse_expression('=claim("a")'))({})
