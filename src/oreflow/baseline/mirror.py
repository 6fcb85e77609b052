"""Mirror statistics: one latent flow behind the exporter's and the importer's report of it.

    ln X = f + a_exporter + e        ln M = f + c ln(1 + tau) + b_importer + e

f is the true flow (FOB) in logs, tau the freight and insurance margin **on FOB** (a CIF value is divided by 1 + tau),
c = 1 for a CIF value and 0 for FOB or a weight; a and b are reporters' biases, shrunk to zero; the variance of e is the
reporter's own, shrunk to that of all. Only flows reported by both sides tell about a, b, tau and the variances; a flow
reported by one side is identified by that side alone, and says so. What stays between two reports after freight and
biases is an *unexplained gap*: timing, transshipment, classification or error, and never labelled beyond that.

Method: expectation-maximisation in a linear mixed model. After Gaulier and Zignago, CEPII working paper 2010-23, with
shrinkage in place of their fixed effects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oreflow.baseline.errors import ReconcileError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

Measure = Literal["value", "weight"]
FlowStatus = Literal["two_sided", "exporter_only", "importer_only", "no_positive_report"]


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """One side's report of one flow.

    `amount` in the unit of the measure (money, or tonnes), at least 0; `reporter`: which side reports; `valuation`:
    FOB or CIF, read for values only.
    """

    exporter: str
    importer: str
    product: str
    period: str
    reporter: Literal["exporter", "importer"]
    amount: float
    valuation: Literal["FOB", "CIF"] = "FOB"


@dataclass(frozen=True, slots=True)
class MirrorOptions:
    """Priors and settings.

    `freight`: prior tau, a share of FOB; `freight_sd`: prior sd of ln(1 + tau); `bias_sd`: prior sd of reporters' log
    biases; `error_sd`: prior sd of a report's log error; `weight`: how many reports the priors of
    the variances count as; `level`: coverage of the intervals; `tolerance`, `max_iterations`: of the fit.
    """

    freight: float = 0.06
    freight_sd: float = 0.03
    bias_sd: float = 0.2
    error_sd: float = 0.2
    weight: float = 4.0
    level: float = 0.9
    tolerance: float = 1e-5
    max_iterations: int = 1000


@dataclass(frozen=True, slots=True)
class MirrorFlow:
    """Estimate of one flow, None where no side reports a positive amount.

    `median`, `low`, `high`: FOB, in the unit of the reports; `log_sd`: standard deviation of its logarithm.

    `gap`: what freight and biases do not explain, ln(importer's) minus ln(exporter's); `gap_sds`: in its sds.
    """

    exporter: str
    importer: str
    product: str
    period: str
    status: FlowStatus
    exporter_report: float | None
    importer_report: float | None
    median: float | None
    low: float | None
    high: float | None
    log_sd: float | None
    gap: float | None
    gap_sds: float | None


@dataclass(frozen=True, slots=True)
class Reporter:
    """How a place reports: log `export_bias` and `import_bias` with sds (None where it never reported that side with a
    partner beside it), `error_sd` of its reports in logs, and how many reports of two-sided flows say so."""

    place: str
    export_bias: float | None
    export_bias_sd: float | None
    import_bias: float | None
    import_bias_sd: float | None
    error_sd: float
    reports: int


@dataclass(frozen=True, slots=True)
class MirrorEstimate:
    """All flows in the order first seen, reporters by place, `freight` = tau on FOB with the sd of ln(1 + tau).

    `freight` is None for a weight or where no importer's CIF value stands beside an exporter's report.
    """

    measure: Measure
    flows: tuple[MirrorFlow, ...]
    reporters: tuple[Reporter, ...]
    freight: float | None
    freight_log_sd: float | None
    iterations: int
    converged: bool
    options: MirrorOptions


def group_headings(reports: Iterable[MirrorReport], groups: Mapping[str, str]) -> tuple[MirrorReport, ...]:
    """Add the reports of headings that belong together, since the two sides often class one cargo apart.

    Args: `reports`; `groups`: product -> name of its group (a product without one stays). Returns one report for each
    flow, side and valuation, in the order first seen.

    >>> ore = MirrorReport("MMR", "CHN", "253090", "2024", "importer", 10.0, "CIF")
    >>> oxide = replace(ore, product="284690", amount=5.0)
    >>> [(r.product, r.amount) for r in group_headings([ore, oxide], {"253090": "REE", "284690": "REE"})]
    [('REE', 15.0)]
    """
    totals: dict[tuple[str, str, str, str, str, str], MirrorReport] = {}
    for report in reports:
        product = groups.get(report.product, report.product)
        key = (report.exporter, report.importer, product, report.period, report.reporter, report.valuation)
        before = totals.get(key)
        amount = report.amount + (before.amount if before else 0.0)
        totals[key] = replace(report, product=product, amount=amount)
    return tuple(totals.values())


def reconcile_mirror(
    reports: Sequence[MirrorReport], measure: Measure = "value", options: MirrorOptions | None = None
) -> MirrorEstimate:
    """Estimate the flows behind two-sided trade reports, the freight margin and how reliable each reporter is.

    Args: `reports`, one for each flow and side (add headings first with `group_headings`); values and weights in
    separate calls; `options`. Returns a `MirrorEstimate`. Raises `ReconcileError` on a negative or non-finite amount
    and on two reports of one flow by the same side.

    >>> reports = [
    ...     MirrorReport("LAO", "CHN", "2846", "2024", "exporter", 100.0),
    ...     MirrorReport("LAO", "CHN", "2846", "2024", "importer", 106.0, "CIF"),
    ... ]
    >>> flow = reconcile_mirror(reports).flows[0]
    >>> flow.status, round(flow.median, 3), abs(flow.gap) < 1e-9
    ('two_sided', 100.0, True)
    """
    options = MirrorOptions() if options is None else options
    flows = _pair(reports)
    keys = list(flows)
    places = sorted({key[0] for key in keys} | {key[1] for key in keys})
    number = {place: i for i, place in enumerate(places)}
    both = [key for key in keys if flows[key][0] is not None and flows[key][1] is not None]
    model = _Model.of(both, flows, number, measure)
    fit = model.fit(options)
    return MirrorEstimate(
        measure=measure,
        flows=tuple(_flow(key, flows[key], fit, number, measure, options) for key in keys),
        reporters=tuple(_reporter(place, number[place], fit, model) for place in places),
        freight=math.expm1(fit.effects[-1]) if model.cif.any() else None,
        freight_log_sd=math.sqrt(fit.covariance[-1, -1]) if model.cif.any() else None,
        iterations=fit.iterations,
        converged=fit.converged,
        options=options,
    )


_Key = tuple[str, str, str, str]
_Sides = tuple[MirrorReport | None, MirrorReport | None, float | None, float | None]


def _pair(reports: Sequence[MirrorReport]) -> dict[_Key, _Sides]:
    """Both sides of each flow: the positive reports, then the amounts as reported."""
    faults: list[str] = []
    sides: dict[_Key, dict[str, MirrorReport]] = {}
    for i, report in enumerate(reports):
        key = (report.exporter, report.importer, report.product, report.period)
        where = f"report {i} ({report.reporter} of {' '.join(key)})"
        if not (math.isfinite(report.amount) and report.amount >= 0):
            faults.append(f"{where}: found amount {report.amount}; expected a finite number, at least 0")
        if report.reporter in sides.setdefault(key, {}):
            faults.append(f"{where}: found a second report of this side; add the headings with group_headings")
        sides[key][report.reporter] = report
    if faults:
        raise ReconcileError("\n".join(faults))

    def positive(report: MirrorReport | None) -> MirrorReport | None:
        return report if report is not None and report.amount > 0 else None

    def amount(report: MirrorReport | None) -> float | None:
        return None if report is None else report.amount

    return {
        key: (
            positive(side.get("exporter")),
            positive(side.get("importer")),
            amount(side.get("exporter")),
            amount(side.get("importer")),
        )
        for key, side in sides.items()
    }


@dataclass(frozen=True, slots=True)
class _Fit:
    """Effects in the order export biases, import biases, ln(1 + tau); error variances by place."""

    effects: FloatArray
    covariance: FloatArray
    variance: FloatArray
    places: int
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True)
class _Model:
    """Two-sided flows: log difference importer - exporter, and who reports."""

    difference: FloatArray
    exporter: IntArray
    importer: IntArray
    cif: FloatArray
    places: int

    @staticmethod
    def of(
        both: Sequence[_Key],
        flows: Mapping[_Key, _Sides],
        number: Mapping[str, int],
        measure: Measure,
    ) -> _Model:
        difference, cif = np.zeros(len(both)), np.zeros(len(both))
        for i, key in enumerate(both):
            exported, imported = flows[key][0], flows[key][1]
            if exported is not None and imported is not None:
                difference[i] = math.log(imported.amount) - math.log(exported.amount)
                cif[i] = _loading(imported, measure) - _loading(exported, measure)
        return _Model(
            difference,
            np.array([number[key[0]] for key in both], dtype=np.intp),
            np.array([number[key[1]] for key in both], dtype=np.intp),
            cif,
            len(number),
        )

    def fit(self, options: MirrorOptions) -> _Fit:
        """Expectation-maximisation over effects (Gaussian, exact) and error variances (posterior mode)."""
        size = 2 * self.places + 1
        prior = np.full(size, options.bias_sd**-2.0)
        prior[-1] = options.freight_sd**-2.0
        pull = np.zeros(size)
        pull[-1] = prior[-1] * math.log1p(options.freight)
        variance = np.full(self.places, options.error_sd**2)
        counts = np.bincount(self.exporter, minlength=self.places) + np.bincount(self.importer, minlength=self.places)
        columns = np.stack([self.exporter, self.places + self.importer, np.full(self.exporter.size, size - 1)])
        signs = np.stack([-np.ones(self.exporter.size), np.ones(self.exporter.size), self.cif])
        effects, covariance = np.zeros(size), np.diag(1.0 / prior)
        converged, iterations = False, 0
        while iterations < options.max_iterations and not converged:
            iterations += 1
            total = variance[self.exporter] + variance[self.importer]
            information = np.diag(prior)
            target = pull.copy()
            for p in range(3):
                target += np.bincount(columns[p], signs[p] * self.difference / total, minlength=size)
                for q in range(3):
                    cell, term = columns[p] * size + columns[q], signs[p] * signs[q] / total
                    information += np.bincount(cell, term, minlength=size * size).reshape(size, size)
            covariance = np.linalg.inv(information)
            effects = covariance @ target
            residual = self.difference - np.sum(signs * effects[columns], axis=0)
            spread = np.zeros(residual.size)
            for p in range(3):
                for q in range(3):
                    spread += signs[p] * signs[q] * covariance[columns[p], columns[q]]
            square = residual**2 + spread
            update = np.full(self.places, options.weight * options.error_sd**2)
            for place in (self.exporter, self.importer):
                share = variance[place] / total
                kept = share**2 * square + variance[place] * (1.0 - share)
                update += np.bincount(place, kept, minlength=self.places)
            update /= options.weight + counts
            change = float(np.max(np.abs(update / variance - 1.0), initial=0.0))
            variance = update
            converged = change <= options.tolerance
        return _Fit(effects, covariance, variance, self.places, iterations, converged)


def _loading(report: MirrorReport, measure: Measure) -> float:
    return 1.0 if measure == "value" and report.valuation == "CIF" else 0.0


def _flow(
    key: _Key,
    sides: _Sides,
    fit: _Fit,
    number: Mapping[str, int],
    measure: Measure,
    options: MirrorOptions,
) -> MirrorFlow:
    exported, imported, export_amount, import_amount = sides
    if exported is None and imported is None:
        return MirrorFlow(
            *key, "no_positive_report", export_amount, import_amount, None, None, None, None, None, None
        )  # fmt: skip
    i, j = number[key[0]], number[key[1]]
    own, other = float(fit.variance[i]), float(fit.variance[j])
    share = 1.0 if imported is None else 0.0 if exported is None else other / (own + other)
    weights = np.zeros(fit.effects.size)
    centre, noise = 0.0, 0.0
    if exported is not None:
        centre += share * math.log(exported.amount)
        noise += share**2 * own
        weights[i] -= share
        weights[-1] -= share * _loading(exported, measure)
    if imported is not None:
        centre += (1.0 - share) * math.log(imported.amount)
        noise += (1.0 - share) ** 2 * other
        weights[fit.places + j] -= 1.0 - share
        weights[-1] -= (1.0 - share) * _loading(imported, measure)
    used = np.flatnonzero(weights)
    centre += float(weights[used] @ fit.effects[used])
    spread = math.sqrt(noise + float(weights[used] @ fit.covariance[np.ix_(used, used)] @ weights[used]))
    from scipy.special import ndtri

    reach = float(ndtri(0.5 + options.level / 2.0)) * spread
    status: FlowStatus = "two_sided" if exported and imported else "exporter_only" if exported else "importer_only"
    gap = gap_sds = None
    if exported is not None and imported is not None:
        loading = _loading(imported, measure) - _loading(exported, measure)
        columns = np.array([i, fit.places + j, fit.effects.size - 1])
        signs = np.array([-1.0, 1.0, loading])
        gap = math.log(imported.amount) - math.log(exported.amount) - float(signs @ fit.effects[columns])
        gap_sds = gap / math.sqrt(own + other)
    return MirrorFlow(
        *key,
        status,
        export_amount,
        import_amount,
        math.exp(centre),
        math.exp(centre - reach),
        math.exp(centre + reach),
        spread,
        gap,
        gap_sds,
    )


def _reporter(place: str, i: int, fit: _Fit, model: _Model) -> Reporter:
    exports, imports = int(np.sum(model.exporter == i)), int(np.sum(model.importer == i))
    j = fit.places + i
    return Reporter(
        place,
        float(fit.effects[i]) if exports else None,
        math.sqrt(float(fit.covariance[i, i])) if exports else None,
        float(fit.effects[j]) if imports else None,
        math.sqrt(float(fit.covariance[j, j])) if imports else None,
        math.sqrt(float(fit.variance[i])),
        exports + imports,
    )
