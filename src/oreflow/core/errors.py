"""The errors that oreflow raises, all under one base class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class OreflowError(Exception):
    """Base of every error that oreflow raises on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(OreflowError):
    """A call with unknown or contradicting words: case, proposal, place, unit, indicator or option."""

    exit_code = 2


class MissingExtraError(OreflowError):
    """An optional dependency is not installed; the message names the extra to install."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in a user's file: where it is, what was found, what was expected, what to do.

    `row` counts as a spreadsheet does (header = 1); None where the finding is about the whole file.
    """

    file: str
    row: int | None
    column: str | None
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row is not None else "")
        where += f", column {self.column}" if self.column else ""
        return f"{where}: found {self.found}; expected {self.expected}; {self.remedy}"


class ProblemsError(OreflowError):
    """All problems of one or more files at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ProblemsError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class CaseError(ProblemsError):
    """A case folder that cannot be used as it stands."""
