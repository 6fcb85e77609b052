"""What can be wrong with a case beyond the form of its files; every finding names file, row, column and remedy."""

from __future__ import annotations

from oreflow.chain.case import Case
from oreflow.core.errors import Problem


def check_case(case: Case) -> tuple[Problem, ...]:
    """Return all problems of a case that was read.

    Args:
        case: as `read_case` returns it.

    Returns:
        Problems in the order of the files.
    """
    found = [case.cell_problem(cell, case.as_of) for cell in case.cells()]
    return tuple(problem for problem in found if problem is not None)
