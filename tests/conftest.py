"""Fixtures and settings that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("OREFLOW_SHARED") or ROOT.parent / "shared")


def verify_scale() -> int:
    """Return the factor on the counts of long properties: 1 in `make test`, 20 where OREFLOW_VERIFY=1 is set."""
    return 20 if os.environ.get("OREFLOW_VERIFY") == "1" else 1


settings.register_profile(
    "oreflow",
    max_examples=25 * verify_scale(),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("oreflow")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of sample files (`../shared` or OREFLOW_SHARED); the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("no sample files: neither ../shared nor OREFLOW_SHARED is a folder")
    return SHARED


@pytest.fixture(scope="session")
def scale() -> int:
    """The factor on the counts of long properties; see `verify_scale`."""
    return verify_scale()
