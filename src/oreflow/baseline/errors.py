"""The errors of the baseline stage."""

from __future__ import annotations

from oreflow.core.errors import OreflowError


class ReconcileError(OreflowError):
    """A reconciliation problem that is malformed: unknown names, negative deviations, shapes that do not fit."""
