"""The symbol table of the market: one source for names, indices, units, signs, duals and the equations page.

`write_pages` prints docs/market/equations.md and a page for each equation from it (`python -m oreflow.market.symbols
docs/market` writes them); a test checks that the pages are current and that every code name and every test exists.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


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
    """One condition or definition of the model.

    Attributes:
        key: name of its page.
        title: heading.
        formula: in the letters of `SYMBOLS`.
        complement: the variable that is complementary to it; empty for a definition.
        code: `module:attribute` that holds or evaluates it.
        dual: what its dual (or its value) means, with unit.
        text: what it says, in two sentences or so.
        test: file and test that would fail if it were wrong.
        source: where it comes from.
    """

    key: str
    title: str
    formula: str
    complement: str
    code: str
    dual: str
    text: str
    test: str
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

_SOLVE, _CLOSED = "tests/market/test_solve.py::", "tests/reference/test_closed_forms.py::"

EQUATIONS: tuple[Equation, ...] = (
    Equation(
        "balance", "Market balance", "sum_j A[i,j] x[j] - f[i] >= 0", "p[i] >= 0",
        "oreflow.market.arrays:EconomyArrays.A", "p[i]: price, USD/t",
        "What is supplied covers what is used. With free disposal a surplus makes the price zero.",
        _SOLVE + "test_random_economies_are_solved", "Takayama and Judge (1971)",
    ),
    Equation(
        "disposal", "Disposal at a cost, or none", "sum_j A[i,j] x[j] - f[i] = 0", "p[i] of either sign",
        "oreflow.market.economy:Market", "p[i]: price, USD/t; not below minus the cost of disposal",
        "A market whose surplus may not vanish balances exactly and its price may be negative. Disposal at a "
        "cost is an "
        "activity that uses the good up; with none, a by-product that nobody takes stops what makes it.",
        _SOLVE + "test_negative_price_where_disposal_costs", "Koopmans (1951), activity analysis",
    ),
    Equation(
        "profit", "Zero profit", "MC(x)[j] + c0[j] + sum_j' K[j,j'] x[j'] + w[j] + sum_g G[g,j] l[g] "
        "- sum_i B[i,j] p[i] >= 0", "x[j] >= 0",
        "oreflow.market.arrays:CurveTable.marginal", "x[j]: level, unit of j",
        "An activity runs only if its revenue at the prices it sees covers its marginal cost and the rents of what "
        "it uses. B holds the wedges: where B differs from A no optimisation problem has these conditions.",
        _SOLVE + "test_random_economies_are_solved", "Mathiesen (1985); Rutherford (1995)",
    ),
    Equation(
        "capacity", "Capacity", "u[j] - x[j] >= 0", "w[j] >= 0",
        "oreflow.market.arrays:EconomyArrays.upper", "w[j]: capacity rent, USD/unit",
        "A capacity earns a rent only where it is used up.",
        _CLOSED + "test_hyperbolic_and_power_supply_with_link_capacity", "Samuelson (1952)",
    ),
    Equation(
        "limit", "Shared limit", "h[g] - sum_j G[g,j] x[j] >= 0", "l[g] >= 0",
        "oreflow.market.arrays:EconomyArrays.h", "l[g]: rent of the limit, USD/unit of the limit",
        "Quotas, licences, legs and permits shared by several activities. A share (this at most s of that) has "
        "negative entries in G and h = 0.",
        _CLOSED + "test_quota_earns_the_rent_of_the_equivalent_tariff", "Takayama and Judge (1971)",
    ),
    Equation(
        "wedge", "Ad-valorem wedge", "B[i,j] = A[i,j] (1 + rate) on an input, A[i,j] (1 - rate) on an output", "",
        "oreflow.market.economy:Wedge", "rate B[i,j] p[i] x[j] / (1 + rate): revenue of the receiver, USD",
        "What the payer of a tariff sees is not what the seller gets. A base of `fob` charges the price "
        "alone, `cif` the "
        "activity's own cost (freight) too; a specific charge adds to c0 instead.",
        _CLOSED + "test_ad_valorem_tariff_closed_form_and_specific_equivalence", "Rutherford (1995)",
    ),
    Equation(
        "coupling", "Coupling", "MC(x)[j] + sum_j' K[j,j'] x[j']", "",
        "oreflow.market.economy:Coupling", "K[j,j'] x[j']: what level j' adds to the marginal cost of j, USD/unit",
        "Cross-price demand and supply (K is the inverse of the price coefficients) and costs of a link that rise with "
        "the flow of another. K need not be symmetric.",
        _CLOSED + "test_asymmetric_link_costs_by_coupling", "Takayama and Judge (1971), ch. 12",
    ),
    Equation(
        "cost", "Marginal cost", "MC = a,  a + b x,  a + b x^c,  a + b / (c - x),  or steps", "",
        "oreflow.market.arrays:CurveKind", "MC: USD/unit",
        "Constant, linear, power (c is the exponent), hyperbolic (c is a capacity that is never reached). A stepwise "
        "curve is one activity a step, each with its width as capacity.",
        _CLOSED + "test_hyperbolic_and_power_supply_with_link_capacity", "Manne and Beltramo (1984) for the hyperbola",
    ),
    Equation(
        "demand", "Isoelastic demand", "p (1 + tax) = min(a (x / b)^(1 / c), d)", "x > 0",
        "oreflow.market.economy:Isoelastic", "consumer surplus: area above the price, USD",
        "Quantity b at price a, elasticity c < 0, no use above the choke price d.",
        _SOLVE + "test_choked_demand_stops_at_its_choke_price", "Mathiesen (1985)",
    ),
    Equation(
        "linear-demand", "Linear demand, and bids", "p (1 + tax) >= a - b x", "x >= 0",
        "oreflow.market.economy:LinearDemand", "consumer surplus: area above the price, USD",
        "a is the choke price, b the slope of inverse demand. Bids are demand in steps: one activity a bid.",
        "tests/reference/test_spatial_equilibrium.py::test_r4_takayama_judge_as_in_the_library_file",
        "Takayama and Judge (1964)",
    ),
    Equation(
        "seller", "Seller with a conjecture",
        "MR = p - K x, K = theta A_s' S' B_s, S = (A_U H^-1 B_U')^-1, H the slopes of the users U", "x[j] >= 0",
        "oreflow.market.power:solve_power", "K x: mark-up over marginal cost, USD/unit",
        "theta = 0 is a price taker, 1 Cournot or monopoly, over all activities s of the seller, its plants and "
        "markets; S is the slope of inverse demand there. For one market and no tax: p + theta P'(D) s. With curved "
        "demand S is that at the solution.",
        "tests/market/test_power.py::test_random_oligopolies_earn_marginal_revenue_on_every_used_link", "Harker (1986)",
    ),
    Equation(
        "residual", "Natural residual", "r = |z - mid(0, z - F(z), u)|, z = (p, x, l)", "",
        "oreflow.market.residual:natural_residual", "r: 0 at an equilibrium; scaled by turnover it decides the status",
        "Every excess relative to what passes through the market, every reduced cost relative to turnover; "
        "in the user's "
        "own units as `user_residual`. A solution is called solved only by this number.",
        _SOLVE + "test_residual_in_the_users_units_is_that_of_the_conditions", "Facchinei and Pang (2003), section 1.5",
    ),
    Equation(
        "gradient", "Derivative of an outcome", "J' y = weights,  d(outcome) = - y' dF", "",
        "oreflow.market.sensitivity:differentiate", "unit of the outcome per unit of the number",
        "At a solution the active set turns the conditions F into equations with Jacobian J; one transposed "
        "solve gives "
        "the derivative by every number. Where the active set is about to change the derivative is "
        "one-sided, and named.",
        "tests/market/test_results.py::test_every_kind_of_number_against_central_differences",
        "Giles and Pierce (2000)",
    ),
    Equation(
        "money", "Payments and receipts", "p B x = MC x + w x + l G x + (K x) x, activity by activity", "",
        "oreflow.market.money:check_money", "gap: 0 to 1e-9 of the money that passes through",
        "All revenue goes to own cost, wedges, rents and mark-ups, each with a receiver; every market pays out what it "
        "takes in. Summed over all actors receipts less payments are nil.",
        "tests/market/test_money.py::test_money_balances_for_everyone", "DESIGN of oreflow, section 7",
    ),
    Equation(
        "welfare", "Welfare accounts", "W = area under demand - area under MC, by actor", "",
        "oreflow.market.money:account_welfare", "W: USD per period",
        "Consumer surplus, producer surplus, rents and revenue add up to the worth of use less the resources used up, "
        "whoever gets the transfers in between.",
        "tests/market/test_money.py::test_small_policy_changes_welfare_by_its_harberger_triangle", "Harberger (1964)",
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


_NOTE = "<!-- printed by oreflow.market.symbols.write_pages; do not edit -->"
_UNITS = "Units: t is the economy's quantity, USD its money. `perp`: both are non-negative and one of them is zero."


def _table(symbols: Iterable[Symbol]) -> list[str]:
    return [
        "| symbol | indices | unit | kind | bounds | dual | meaning | code |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {s.letter} | {s.indices} | {s.unit} | {s.kind} | {s.bounds} | {s.dual or '-'} | {s.meaning} | "
            f"`{s.code}` |"
            for s in symbols
        ),
    ]


def letters_of(equation: Equation) -> set[str]:
    """Return the symbols that an equation uses."""
    known = {s.letter for s in SYMBOLS}
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", f"{equation.formula} {equation.complement}")
    return known & set(words)


def write_pages() -> dict[str, str]:
    """Return the pages printed from this module: `equations.md` and `equations/KEY.md`, by path under docs/market."""
    index = ["# Equations of the market", "", _NOTE, "", _UNITS, "", "## Pages", ""]
    index += ["| equation | formula | dual or value |", "| --- | --- | --- |"]
    for e in EQUATIONS:
        formula = e.formula.replace("|", "\\|")  # a bar would end the cell
        index.append(f"| [{e.title}](equations/{e.key}.md) | `{formula}` | {e.dual} |")
    pages = {"equations.md": "\n".join([*index, "", "## Symbols", "", *_table(SYMBOLS)]) + "\n"}
    for e in EQUATIONS:
        formula = f"{e.formula}   perp   {e.complement}" if e.complement else e.formula
        used = [s for s in SYMBOLS if s.letter in letters_of(e)]
        lines = [f"# {e.title}", "", _NOTE, "", "```", formula, "```", "", e.text, ""]
        lines += [f"- dual or value: {e.dual}", f"- code: `{e.code}`", f"- tested by: `{e.test}`"]
        lines += [f"- source: {e.source}"]
        lines += ["", _UNITS, "", *_table(used), "", "All symbols: [equations](../equations.md)."]
        pages[f"equations/{e.key}.md"] = "\n".join(lines) + "\n"
    return pages


def main() -> int:
    """Write the pages into the folder named on the command line."""
    folder = Path(sys.argv[1])
    for name, text in write_pages().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
