"""Walk from an economy whose equilibrium is known to another one, in ever smaller steps.

Source: Allgower and Georg (1990), numerical continuation.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oreflow.market.arrays import CurveTable, EconomyArrays, Floats, Solution
from oreflow.market.presolve import solve_reduced
from oreflow.market.solve import SolveOptions


def walk(before: EconomyArrays, start: Solution, target: EconomyArrays, options: SolveOptions) -> Solution:
    """Return the equilibrium of `target`, reached from that of a like economy in steps, each warm from the one before.

    A step that fails is halved, down to 1/64 of the way; the walk ends at `target` or with the failure met.

    Args:
        before: an economy with the same markets and activities (limits are matched by name).
        start: its equilibrium.
        target: the economy wanted.
        options: of each solve.

    Example:
        >>> walk(last_year, solution, this_year, SolveOptions())  # doctest: +SKIP
    """
    solution, done, step = start, 0.0, 0.5
    names = {name: float(dual) for name, dual in zip(before.group_names, start.group_rents, strict=True)}
    solution = replace(start, group_rents=np.array([names.get(name, 0.0) for name in target.group_names]))
    while done < 1.0:
        ahead = min(1.0, done + step)
        attempt = solve_reduced(between(before, target, ahead), solution, options)
        if attempt.ok:
            solution, done, step = attempt, ahead, 2.0 * step
        elif step <= 1.0 / 64.0:
            return attempt
        else:
            step /= 2.0
    return solution


def between(before: EconomyArrays, target: EconomyArrays, share: float) -> EconomyArrays:
    """Return the economy that lies `share` of the way from one economy's numbers to another's (see `walk`).

    Args:
        before: where `share` is 0.
        target: where it is 1; bounds that are infinite in either are those of the target throughout.
        share: 0 to 1.
    """
    if share >= 1.0:
        return target

    def mix(old: Floats, new: Floats) -> Floats:
        both = np.isfinite(old) & np.isfinite(new)
        return np.where(both, (1.0 - share) * np.where(both, old, 0.0) + share * np.where(both, new, 0.0), new)

    b = target.B.copy()
    if before.B.nnz == b.nnz and np.array_equal(before.B.indices, b.indices):
        b.data = mix(before.B.data, b.data)
    limits = dict(zip(before.group_names, before.h, strict=True))
    old_limits = np.array([limits.get(name, h) for name, h in zip(target.group_names, target.h, strict=True)])
    old, new = before.curves, target.curves
    curves = CurveTable(
        new.kind, mix(old.shift, new.shift), mix(old.a, new.a), mix(old.b, new.b), mix(old.c, new.c), mix(old.d, new.d)
    )
    return target.with_(
        B=b, curves=curves, upper=mix(before.upper, target.upper), fixed=mix(before.fixed, target.fixed),
        h=mix(old_limits, target.h),
    )  # fmt: skip
