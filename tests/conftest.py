"""Fixtures and settings that all tests share."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
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


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a headless-capable browser; the test is skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no chromium, chromium-browser or google-chrome on the path")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what was skipped, by reason; under OREFLOW_VERIFY=1 write verify.json."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    terminalreporter.section(f"skipped groups: {len(reasons)}")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} test{'' if count == 1 else 's'}: {reason}")
    if os.environ.get("OREFLOW_VERIFY") == "1":
        path = ROOT / "verify.json"
        path.write_text(json.dumps(_record(terminalreporter, reasons), indent=2) + "\n", encoding="utf-8")
        terminalreporter.write_line(f"written: {path.name}")


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def _record(terminalreporter: pytest.TerminalReporter, reasons: Counter[str]) -> dict[str, object]:
    """What was run at full counts, with the numbers that tests recorded by `record_property`."""
    tests = {}
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, []):
            tests[report.nodeid] = {
                "outcome": outcome,
                "seconds": round(report.duration, 3),
                **({"measured": dict(report.user_properties)} if report.user_properties else {}),
            }
    return {
        "schema": "oreflow/verify/1",
        "scale": verify_scale(),
        "outcomes": dict(Counter(str(test["outcome"]) for test in tests.values())),
        "skipped": dict(reasons),
        "tests": dict(sorted(tests.items())),
    }
