"""Who gets the critical mineral, at what price, how soon, if a policy, a route or a power in control changes.

Names are resolved when first used (PEP 562), so `import oreflow` itself loads no third-party module.

Example:
    >>> import oreflow as of
    >>> of.__version__.count(".")
    2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from oreflow.api import Comparison, Solved, compare, load_case, solve
    from oreflow.core.errors import CaseError, MissingExtraError, OreflowError, Problem, ProblemsError, UsageError
    from oreflow.study.base import Settings

_LAZY: dict[str, str] = {
    "Comparison": "oreflow.api",
    "Solved": "oreflow.api",
    "compare": "oreflow.api",
    "load_case": "oreflow.api",
    "solve": "oreflow.api",
    "Settings": "oreflow.study.base",
    "CaseError": "oreflow.core.errors",
    "MissingExtraError": "oreflow.core.errors",
    "OreflowError": "oreflow.core.errors",
    "Problem": "oreflow.core.errors",
    "ProblemsError": "oreflow.core.errors",
    "UsageError": "oreflow.core.errors",
}
"""Public name -> module that defines it; the block under TYPE_CHECKING names the same things for type checkers."""

__all__ = [
    "CaseError",
    "Comparison",
    "MissingExtraError",
    "OreflowError",
    "Problem",
    "ProblemsError",
    "Settings",
    "Solved",
    "UsageError",
    "__version__",
    "compare",
    "load_case",
    "solve",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'oreflow' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
