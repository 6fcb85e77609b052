"""Mirror statistics on reports made from known flows, biases and errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oreflow.baseline.errors import ReconcileError
from oreflow.baseline.mirror import MirrorEstimate, MirrorOptions, MirrorReport, group_headings, reconcile_mirror

PLACES = 24
MARGIN = 0.09


def world(seed: int) -> tuple[list[MirrorReport], dict[tuple[str, str], float], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    names = [f"P{i:02d}" for i in range(PLACES)]
    export_bias, import_bias = rng.normal(0.0, 0.15, (2, PLACES))
    error = rng.uniform(0.05, 0.5, PLACES)
    reports: list[MirrorReport] = []
    true: dict[tuple[str, str], float] = {}
    for i in range(PLACES):
        for j in range(PLACES):
            if i == j:
                continue
            flow = rng.normal(5.0, 1.5)
            true[names[i], names[j]] = flow
            export = float(np.exp(flow + export_bias[i] + error[i] * rng.normal()))
            imported = float(np.exp(flow + np.log1p(MARGIN) + import_bias[j] + error[j] * rng.normal()))
            reports.append(MirrorReport(names[i], names[j], "REE", "2024", "exporter", export))
            reports.append(MirrorReport(names[i], names[j], "REE", "2024", "importer", imported, "CIF"))
    return reports, true, export_bias, error


def coverage(estimate: MirrorEstimate, true: dict[tuple[str, str], float]) -> float:
    inside = [np.log(f.low) <= true[f.exporter, f.importer] <= np.log(f.high) for f in estimate.flows]
    return float(np.mean(inside))


def test_flows_biases_and_reliability_are_recovered() -> None:
    reports, true, export_bias, error = world(3)
    estimate = reconcile_mirror(reports)
    assert estimate.converged
    assert coverage(estimate, true) == pytest.approx(0.9, abs=0.05)
    assert np.corrcoef([r.export_bias for r in estimate.reporters], export_bias)[0, 1] > 0.8
    assert np.corrcoef([r.error_sd for r in estimate.reporters], error)[0, 1] > 0.8
    plain = [
        0.5 * np.log(f.exporter_report * f.importer_report / (1 + MARGIN)) - true[f.exporter, f.importer]
        for f in estimate.flows
    ]
    fitted = [np.log(f.median) - true[f.exporter, f.importer] for f in estimate.flows]
    assert np.std(fitted) < 0.95 * np.std(plain)


def test_the_freight_margin_is_taken_on_fob() -> None:
    options = MirrorOptions(freight=0.5, freight_sd=1e-6, bias_sd=1e-6)
    report = MirrorReport("MMR", "CHN", "REE", "2024", "importer", 150.0, "CIF")
    (flow,) = reconcile_mirror([report], options=options).flows
    assert flow.median == pytest.approx(100.0, rel=1e-9)
    assert flow.status == "importer_only"
    assert flow.gap is None
    (weight,) = reconcile_mirror([report], "weight", options).flows
    assert weight.median == pytest.approx(150.0, rel=1e-9)


def test_one_sided_flows_are_wider_and_say_so() -> None:
    reports, _, _, _ = world(4)
    silent = [r for r in reports if not (r.reporter == "exporter" and r.exporter == "P00")]
    full, partial = reconcile_mirror(reports), reconcile_mirror(silent)
    two_sided = {(f.exporter, f.importer): f for f in full.flows}
    for flow in partial.flows:
        if flow.exporter == "P00":
            assert flow.status == "importer_only"
            assert flow.log_sd > two_sided[flow.exporter, flow.importer].log_sd
    reporter = next(r for r in partial.reporters if r.place == "P00")
    assert reporter.export_bias is None


def test_a_zero_report_is_no_positive_report() -> None:
    reports = [
        MirrorReport("LAO", "CHN", "REE", "2024", "exporter", 0.0),
        MirrorReport("LAO", "CHN", "REE", "2024", "importer", 80.0, "CIF"),
        MirrorReport("VNM", "CHN", "REE", "2024", "exporter", 0.0),
    ]
    first, second = reconcile_mirror(reports).flows
    assert (first.status, first.exporter_report) == ("importer_only", 0.0)
    assert (second.status, second.median) == ("no_positive_report", None)


def test_scale_and_order_do_not_matter() -> None:
    reports, _, _, _ = world(5)
    base = {(f.exporter, f.importer): f for f in reconcile_mirror(reports).flows}
    other = reconcile_mirror([replace(r, amount=1000.0 * r.amount) for r in reversed(reports)])
    for flow in other.flows:
        before = base[flow.exporter, flow.importer]
        assert flow.median == pytest.approx(1000.0 * before.median, rel=1e-6)
        assert flow.log_sd == pytest.approx(before.log_sd, rel=1e-6)


def test_headings_that_two_sides_class_apart_are_added_first() -> None:
    exported = MirrorReport("MMR", "CHN", "253090", "2024", "exporter", 100.0)
    imported = MirrorReport("MMR", "CHN", "284690", "2024", "importer", 106.0, "CIF")
    apart = reconcile_mirror([exported, imported])
    assert {f.status for f in apart.flows} == {"exporter_only", "importer_only"}
    joined = reconcile_mirror(group_headings([exported, imported], {"253090": "REE", "284690": "REE"}))
    assert [f.status for f in joined.flows] == ["two_sided"]


def test_faulty_reports_are_all_named() -> None:
    report = MirrorReport("MMR", "CHN", "REE", "2024", "exporter", -1.0)
    with pytest.raises(ReconcileError, match=r"found amount -1\.0") as caught:
        reconcile_mirror([report, replace(report, amount=2.0)])
    assert "a second report of this side" in str(caught.value)
