"""The symbol table of the market: one source for names, indices, units, signs, duals and the equations page.

`write_equations` prints docs/market/equations.md from it; a test checks that the page is current and that every code
name exists.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbol:
    """One letter of the model.

    Attributes:
        letter: as printed in equations.
        code: `module:Class.attribute` that holds it.
        indices: index letters (i market, j activity, g group).
        unit: unit, with t for the economy's quantity and USD for its money.
        kind: variable, parameter or derived.
        bounds: sign or bounds.
        dual: what its dual means, with unit; empty where it has none.
        meaning: one line.
    """

    letter: str
    code: str
    indices: str
    unit: str
    kind: str
    bounds: str
    dual: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Equation:
    """One condition of the equilibrium: formula, complementary variable, function that evaluates it, source."""

    key: str
    title: str
    formula: str
    complement: str
    code: str
    dual: str
    text: str
    source: str


_ARRAYS = "oreflow.market.arrays:EconomyArrays."
_SOLUTION = "oreflow.market.arrays:Solution."
_CURVES = "oreflow.market.arrays:CurveTable."

SYMBOLS: tuple[Symbol, ...] = (
    Symbol("p", _SOLUTION + "prices", "i", "USD/t", "variable", ">= 0, free where `equality`", "excess supply, t",
           "price in a market"),
    Symbol("x", _SOLUTION + "levels", "j", "unit of j", "variable", "0 <= x <= u", "reduced cost, USD/unit",
           "level of an activity (demand is an activity that uses up)"),
    Symbol("w", _SOLUTION + "capacity_rents", "j", "USD/unit", "variable", ">= 0", "idle capacity, unit of j",
           "rent of a capacity"),
    Symbol("l", _SOLUTION + "group_rents", "g", "USD/unit", "variable", ">= 0", "slack of the limit",
           "rent of a shared limit (quota, leg, permit)"),
    Symbol("A", _ARRAYS + "A", "i, j", "t/unit", "parameter", "any", "", "physical net output of j into i"),
    Symbol("B", _ARRAYS + "B", "i, j", "t/unit", "parameter", "sign of A", "",
           "price coefficient: A with ad-valorem wedges, (1 + rate) on inputs, (1 - rate) on outputs"),
    Symbol("f", _ARRAYS + "fixed", "i", "t", "parameter", "any", "price p, USD/t",
           "demand that does not respond to price"),
    Symbol("u", _ARRAYS + "upper", "j", "unit of j", "parameter", ">= 0 or inf", "rent w, USD/unit", "capacity"),
    Symbol("G", _ARRAYS + "G", "g, j", "limit/unit", "parameter", "any", "", "use of a shared limit"),
    Symbol("h", _ARRAYS + "h", "g", "limit", "parameter", "any", "rent l, USD/unit", "shared limit"),
    Symbol("K", _ARRAYS + "K", "j, j'", "USD/unit^2", "parameter", "any", "",
           "affine coupling: cross-price terms, cross-flow costs, market power"),
    Symbol("MC", "oreflow.market.arrays:CurveTable.marginal", "j", "USD/unit", "derived", "non-decreasing in x", "",
           "marginal cost; minus the willingness to pay for demand"),
    Symbol("c0", _CURVES + "shift", "j", "USD/unit", "parameter", "any", "", "charge added to the curve"),
    Symbol("a", _CURVES + "a", "j", "USD/unit", "parameter", "> 0 for isoelastic", "", "first parameter of the curve"),
    Symbol("b", _CURVES + "b", "j", "by kind", "parameter", ">= 0", "", "slope, scale or reference quantity"),
    Symbol("c", _CURVES + "c", "j", "by kind", "parameter", "< 0 for isoelastic", "",
           "exponent, capacity of a hyperbola, or elasticity"),
    Symbol("d", _CURVES + "d", "j", "USD/unit", "parameter", "> 0 or inf", "", "choke price of isoelastic demand"),
)  # fmt: skip

EQUATIONS: tuple[Equation, ...] = (
    Equation(
        "balance", "Market balance", "sum_j A[i,j] x[j] - f[i] >= 0", "p[i] >= 0",
        "oreflow.market.arrays:EconomyArrays.A", "p[i]: price, USD/t",
        "What is supplied covers what is used. With free disposal a surplus makes the price zero; with a cost of "
        "disposal, or none, the balance is an equality and the price may be negative.",
        "Takayama and Judge (1971)",
    ),
    Equation(
        "profit", "Zero profit", "MC(x)[j] + c0[j] + sum_j' K[j,j'] x[j'] + w[j] + sum_g G[g,j] l[g] "
        "- sum_i B[i,j] p[i] >= 0", "x[j] >= 0",
        "oreflow.market.arrays:CurveTable.marginal", "x[j]: level, unit of j",
        "An activity runs only if its revenue at the prices it sees covers its marginal cost and the rents of what "
        "it uses. B holds the wedges: where B differs from A no optimisation problem has these conditions.",
        "Mathiesen (1985); Rutherford (1995)",
    ),
    Equation(
        "capacity", "Capacity", "u[j] - x[j] >= 0", "w[j] >= 0",
        "oreflow.market.arrays:EconomyArrays.upper", "w[j]: capacity rent, USD/unit",
        "A capacity earns a rent only where it is used up.", "Samuelson (1952)",
    ),
    Equation(
        "limit", "Shared limit", "h[g] - sum_j G[g,j] x[j] >= 0", "l[g] >= 0",
        "oreflow.market.arrays:EconomyArrays.h", "l[g]: rent of the limit, USD/unit of the limit",
        "Quotas, licences, legs and permits shared by several activities. A share (this at most s of that) has "
        "negative entries in G and h = 0.", "Takayama and Judge (1971)",
    ),
    Equation(
        "demand", "Isoelastic demand", "p (1 + tax) = min(a (x / b)^(1 / c), d)", "x > 0",
        "oreflow.market.economy:Isoelastic", "consumer surplus: area above the price",
        "Quantity b at price a, elasticity c < 0, no use above the choke price d.", "textbook",
    ),
    Equation(
        "seller", "Seller with a conjecture", "MR = p + theta P'(D) s, K[j,j'] = theta |P'(D)| A[i,j] A[i,j']",
        "x[j] >= 0",
        "oreflow.market.economy:Seller", "mark-up over marginal cost, USD/t",
        "theta = 0 is a price taker, 1 Cournot or monopoly; s is what the seller delivers over all its plants.",
        "Harker (1986)",
    ),
)  # fmt: skip


def find_code(name: str) -> object:
    """Return the object that a `module:attribute.path` names.

    Raises:
        AttributeError: if there is none.
    """
    module, _, path = name.partition(":")
    found: object = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def write_equations() -> str:
    """Return docs/market/equations.md, printed from the tables of this module."""
    lines = [
        "# Equations of the market",
        "",
        "<!-- printed by oreflow.market.symbols.write_equations; do not edit -->",
        "",
        "Units: t is the economy's quantity, USD its money. `perp`: both are non-negative and one of them is zero.",
        "",
        "## Symbols",
        "",
        "| symbol | indices | unit | kind | bounds | dual | meaning | code |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {s.letter} | {s.indices} | {s.unit} | {s.kind} | {s.bounds} | {s.dual or '-'} | {s.meaning} | `{s.code}` |"
        for s in SYMBOLS
    ]
    for e in EQUATIONS:
        lines += ["", f"## {e.title} {{#{e.key}}}", "", "```", f"{e.formula}   perp   {e.complement}", "```", ""]
        lines += [e.text, "", f"- dual: {e.dual}", f"- code: `{e.code}`", f"- source: {e.source}"]
    return "\n".join(lines) + "\n"
