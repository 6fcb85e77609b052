"""A reconciliation written as equations: `F1 + F2 = F3`, `F4 = TC * F3`, `F1 = 0.5 * F2 + 3`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from oreflow.baseline.errors import ReconcileError
from oreflow.baseline.reconcile import Balance, Observation, Product, ReconcileProblem

_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(\*)?)?\s*([A-Za-z_][\w.\[\]]*)?")


def state_problem(
    relations: Iterable[str],
    measured: Mapping[str, tuple[float, float]],
    *,
    constants: Mapping[str, float] | None = None,
    lower: Mapping[str, float] | None = None,
    upper: Mapping[str, float] | None = None,
) -> ReconcileProblem:
    """Return the problem that equations and measured values state.

    Args: `relations`, each a sum of terms on either side of "=", where a term is a name, a number or a number times a
    name, or a product of two names ("mass = flow * content"); `measured`, name -> (value, standard deviation);
    `constants`, `lower` and `upper` by name as in `ReconcileProblem`, all in the units of the unknowns. Returns a
    `ReconcileProblem`, its unknowns in order of appearance. Raises `ReconcileError` with every relation that cannot be
    read.

    >>> from oreflow.baseline.reconcile import reconcile
    >>> stated = state_problem(
    ...     ["F1 + F2 + F4 = F3", "F3 = F4 + F5", "F5 = F6 + F7", "F4 = TC * F3"],
    ...     {"F1": (100, 10), "F3": (300, 30), "F5": (160, 16), "TC": (0.5, 0.05)},
    ...     constants={"F2": 50},
    ... )
    >>> result = reconcile(stated)
    >>> round(result.means["F4"], 6), round(result.sds["F4"], 6), result.observability["F6"]
    (149.99027, 21.213297, 'unobservable')
    """
    balances: list[Balance] = []
    products: list[Product] = []
    faults: list[str] = []
    unknowns: dict[str, None] = {}
    for number, relation in enumerate(relations, start=1):
        product = re.fullmatch(
            r"\s*([A-Za-z_][\w.\[\]]*)\s*=\s*([A-Za-z_][\w.\[\]]*)\s*\*\s*([A-Za-z_][\w.\[\]]*)\s*", relation
        )
        if product is not None:
            products.append(Product(*product.groups()))
            unknowns.update(dict.fromkeys(product.groups()))
            continue
        sides = relation.split("=")
        read = [_side(side) for side in sides]
        if len(read) != 2 or read[0] is None or read[1] is None:
            faults.append(
                f"relation {number}: found {relation!r}; expected sums of names and numbers on both sides of one '=', "
                "or name = name * name"
            )
            continue
        (left, left_constant), (right, right_constant) = read[0], read[1]
        terms = dict(left)
        for name, coefficient in right.items():
            terms[name] = terms.get(name, 0.0) - coefficient
        unknowns.update(dict.fromkeys(terms))
        kept = tuple((name, coefficient) for name, coefficient in terms.items() if coefficient)
        balances.append(Balance(" ".join(relation.split()), kept, right_constant - left_constant))
    if faults:
        raise ReconcileError("\n".join(faults))
    unknowns.update(dict.fromkeys([*measured, *(constants or {})]))
    observations = (Observation(name, ((name, 1.0),), value, sd) for name, (value, sd) in measured.items())
    return ReconcileProblem(
        tuple(unknowns),
        tuple(observations),
        tuple(balances),
        constants=dict(constants or {}),
        lower=dict(lower or {}),
        upper=dict(upper or {}),
        products=tuple(products),
    )


def _side(text: str) -> tuple[dict[str, float], float] | None:
    """Coefficients by name and the constant of one side; None where it is no sum of terms."""
    terms: dict[str, float] = {}
    constant, position, first = 0.0, 0, True
    text = text.strip()
    while position < len(text) or first:
        found = _TERM.match(text, position)
        if found is None or found.end() == position or not (found[2] or found[4]):
            return None
        if (not first and not found[1]) or bool(found[3]) != bool(found[2] and found[4]):
            return None
        size = float(found[2] or 1.0) * (-1.0 if found[1] == "-" else 1.0)
        if found[4]:
            terms[found[4]] = terms.get(found[4], 0.0) + size
        else:
            constant += size
        position, first = found.end(), False
        while position < len(text) and text[position].isspace():
            position += 1
    return terms, constant
