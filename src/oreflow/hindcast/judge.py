"""Fit the free parameters on some episodes, run thousands of conditions through the others, and score every row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from scipy.stats import norm

from oreflow.baseline.fit import Fit, Prior, fit
from oreflow.core.seeds import stream_key
from oreflow.hindcast.episode import Backcast, Episode, Hindcasts, OtherRow, ScoredRow
from oreflow.hindcast.model import EpisodeRun, Parameters, period_weights, run_episode
from oreflow.hindcast.scores import bootstrap_by_group, crps, direction, most_likely_direction, pit
from oreflow.market.arrays import Floats

PRIORS = (
    Prior("short", -0.35, -0.15, -0.05, source="SE034 (grade M)"),
    Prior("long", -1.2, -0.7, -0.3, source="SE035 (grade M)"),
    Prior("cover", 2.0, 4.0, 8.0, source="SE007 (grade M)"),
    Prior("working", 0.1, 0.3, 0.6, "logit", source="assumed (grade M)"),
    Prior("weight", 0.62, 0.82, 0.91, "logit", source="Deaton and Laroque (1992), table not seen (grade M)"),
    Prior("supply", 0.33, 1.0, 2.67, source="SE037 (grade M): 0.1 to 0.8 about 0.3"),
    Prior("follow", 0.1, 0.5, 0.9, "logit", source="assumed (grade M)"),
)
"""Priors of `Parameters`, each with a 90% range from the facts book or assumed."""

ONE_ELASTICITY = Prior("elasticity", -1.2, -0.3, -0.05, source="SE034 and SE035 together (grade M)")
"""Prior of the benchmark: price answers to supply over demand at once, with one elasticity."""

NOISE = 0.1
"""Prior standard deviation of an observed change, in logs; it counts for two observations."""

_NOISE_POINTS = 20
_LEAST_SUPPLY = 0.01  # of demand: where nothing passes, one elasticity has no price
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_Z90 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class RowScore:
    """One scored row. Changes are in logs, relative to the control.

    Attributes:
        episode, row: what was observed.
        role: `fitted` or `scored`.
        observed: change.
        median, low, high: of the forecast, with its 90% range.
        hit: whether the most likely direction is the one that came.
        crps, pit: of the forecast.
        crps_no_change, crps_one_elasticity: of the benchmarks; NaN where the benchmark says nothing.
        one_elasticity: the benchmark's change at its mode; NaN likewise.
        why: of a row lost to a benchmark, in words; empty where it is won.
    """

    episode: str
    row: ScoredRow
    role: str
    observed: float
    median: float
    low: float
    high: float
    hit: bool
    crps: float
    pit: float
    crps_no_change: float
    crps_one_elasticity: float
    one_elasticity: float
    why: str

    @property
    def lost(self) -> bool:
        """Whether either benchmark scores better."""
        return bool(self.why)


@dataclass(frozen=True, slots=True)
class Band:
    """Quantiles (5, 25, 50, 75, 95%) of a price relative to the reference and to the control, by period, [5, T]."""

    element: str
    place: str
    quantiles: Floats


@dataclass(frozen=True, slots=True)
class EpisodeScore:
    """One episode's forecast.

    Attributes:
        episode, role: what was run, `fitted` or `scored`.
        central, bare: the run at the fitted parameters, and the same without any stock.
        bands: of prices.
        rows: scored rows.
        others: rows with other roles and their reasons.
        draws, failed: how many conditions were run, and how many found no equilibrium (left out).
    """

    episode: Episode
    role: str
    central: EpisodeRun
    bare: EpisodeRun
    bands: tuple[Band, ...]
    rows: tuple[RowScore, ...]
    others: tuple[OtherRow, ...]
    draws: int
    failed: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean CRPS of the model less a benchmark's over the rows both say something on, with a 90% interval by episode.

    With one episode there is nothing to draw from, and the interval is a point.
    """

    benchmark: str
    rows: int
    episodes: int
    model: float
    other: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """What `oreflow hindcast` says.

    Attributes:
        fit: of the model's parameters.
        elasticity: fit of the benchmark's.
        episodes: each with its rows.
        comparisons: over the scored rows of the scored episodes.
        hits, scored: rows hit, of so many scored.
        dead_band, control, seed, draws: how it was counted.
    """

    fit: Fit
    elasticity: Fit
    episodes: tuple[EpisodeScore, ...]
    comparisons: tuple[Comparison, ...]
    hits: int
    scored: int
    dead_band: float
    control: str
    seed: int
    draws: int

    @property
    def rows(self) -> tuple[RowScore, ...]:
        """Rows that judge the model."""
        return tuple(row for e in self.episodes if e.role == "scored" for row in e.rows)

    @property
    def lost(self) -> tuple[RowScore, ...]:
        """Rows on which a benchmark scores better."""
        return tuple(row for row in self.rows if row.lost)


def observed_change(row: ScoredRow) -> float:
    """Change of a row in logs, less the control's."""
    change = float(np.log(row.after.value / row.before.value))
    if row.control is not None:
        change -= float(np.log(row.control.after.value / row.control.before.value))
    return change


def parameters_of(values: Mapping[str, float]) -> Parameters:
    """Parameters from fitted values, the others by default; use answers no less in the long run than in the short."""
    return Parameters(**{**values, "long": min(values["long"], values["short"])})


def simple_change(run: EpisodeRun, row: ScoredRow) -> float:
    """Change of supply over demand where the row's price is, in logs: what one elasticity turns into a price.

    A place that a link with a limit feeds has its own supply and what the limit lets pass.
    """
    episode = run.episode
    e = list(episode.elements).index(row.element)
    supply, demand = run.supply[:, e].copy(), run.demand[:, e]
    for k, link in enumerate(episode.links):
        if link.to == row.place:
            share = run.reference_flows[k, e] / run.reference_flows[k].sum()
            let = np.minimum(run.limits[:, k] / (episode.months / 12), run.reference_flows[k].sum()) * share
            own = run.local_supply[e, episode.places.index(row.place)]
            supply = own + np.concatenate([[run.reference_flows[k, e]], let])
            demand = np.full(len(supply), supply[0])
    ratio = np.maximum(supply / demand, _LEAST_SUPPLY)

    def at(k: int) -> float:
        date = (row.before, row.after)[k].date
        weights, outside = period_weights(date, run.periods)
        return float(weights @ ratio[1:] + outside * ratio[0])

    return float(np.log(at(1) / at(0)))


def fit_parameters(
    hindcasts: Hindcasts, *, priors: tuple[Prior, ...] = PRIORS, progress: Callable[[int, float], None] | None = None
) -> Fit:
    """Fit the model's parameters to the scored rows of the fitted episodes.

    Args:
        hindcasts: episodes and split.
        priors: of the parameters that are free; others keep the defaults of `Parameters`.
        progress: called with the number of evaluations and the cost.
    """
    episodes = [hindcasts.episode(name) for name in hindcasts.split.fitted]
    rows = [(episode, row) for episode in episodes for row in episode.scored]

    def residuals(values: Mapping[str, float]) -> Floats:
        parameters = parameters_of(values)
        out = []
        for episode in episodes:
            run = run_episode(episode, hindcasts.backcast, parameters)
            for row in episode.scored:
                out.append(observed_change(row) - run.response(row) if run.ok else np.nan)
        return np.nan_to_num(
            np.array(out, dtype=np.float64), nan=10.0
        )  # an equilibrium not found is as bad as a change of e^10

    return fit(priors, residuals, noise=NOISE, scale=_scales(rows), counts=row_counts(rows),
               extra_variance=_control_variance(rows), progress=progress)  # fmt: skip


def _fit_elasticity(hindcasts: Hindcasts, central: Mapping[str, EpisodeRun]) -> Fit:
    """Fit the benchmark's elasticity to the price rows of the fitted episodes."""
    rows = [(hindcasts.episode(name), row) for name in hindcasts.split.fitted for row in hindcasts.episode(name).scored]
    priced = [(episode, row) for episode, row in rows if row.quantity == "price"]
    seen = np.array([observed_change(row) for _, row in priced])
    moved = np.array([simple_change(central[episode.id], row) for episode, row in priced])
    return fit((ONE_ELASTICITY,), lambda v: seen - moved / v["elasticity"], noise=NOISE, scale=_scales(priced),
               counts=row_counts(priced), extra_variance=_control_variance(priced))  # fmt: skip


def horizon(row: ScoredRow) -> float:
    """Years between the middles of a row's two dates, a month at least."""
    middles = [0.5 * (date.start + date.stop) for date in (row.before.date, row.after.date)]
    return max(middles[1] - middles[0], 1.0 / 12.0)


def row_counts(rows: list[tuple[Episode, ScoredRow]]) -> Floats:
    """Observations that each row counts for: elements that share ore and a window (to a month) count as one."""
    keys = [
        (e.id, row.quantity, row.place, round(12 * row.before.date.start), round(12 * row.after.date.start))
        for e, row in rows
    ]
    return np.array([1.0 / keys.count(key) for key in keys])


def _scales(rows: list[tuple[Episode, ScoredRow]]) -> Floats:
    """Noise of each change relative to that of a change over a year: what no row explains arrives evenly in time."""
    return np.sqrt([horizon(row) for _, row in rows])


def _control_variance(rows: list[tuple[Episode, ScoredRow]]) -> Floats:
    known = [e.control.sd**2 if e.control is not None and row.control is not None else 0.0 for e, row in rows]
    return np.array(known, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Draw:
    parameters: Parameters
    factors: Mapping[str, float]
    record: float
    intensity: float | None


def _draws(hindcasts: Hindcasts, episode: Episode, found: Fit, count: int, seed: int) -> list[_Draw]:
    """Conditions of an episode: parameters from their posterior, streams and uses within their ranges."""

    def rng(name: str) -> np.random.Generator:
        return np.random.default_rng(stream_key(seed, "hindcast", name))

    values = found.draws(count, rng("parameters"))
    ranges: dict[str, tuple[float, float]] = {}
    for supply in episode.supply:
        for name in supply.backcast:
            ranges[name] = (hindcasts.backcast.streams[name].low, hindcasts.backcast.streams[name].high)
        if supply.tonnes and supply.low and supply.high:
            ranges[supply.name] = (supply.low / supply.tonnes, supply.high / supply.tonnes)
    for use in episode.uses:
        if use.low and use.high:
            ranges[f"use {use.place}"] = (use.low / use.tonnes, use.high / use.tonnes)
    factors = {name: _two_sided(low, high, rng(f"stream {name}").standard_normal(count))
               for name, (low, high) in ranges.items()}  # fmt: skip
    record = rng(f"record {episode.id}").uniform(size=count)
    rule = hindcasts.backcast.intensity
    rates = None
    if rule is not None:
        rates = rule.rate + (rule.high - rule.low) / (2 * _Z90) * rng("intensity").standard_normal(count)
    return [
        _Draw(parameters_of(values[i]), {name: float(x[i]) for name, x in factors.items()}, float(record[i]),
              None if rates is None else float(rates[i]))
        for i in range(count)
    ]  # fmt: skip


def _two_sided(low: float, high: float, z: Floats) -> Floats:
    """Lognormal factors with median 1 whose 5 and 95% points are given (each side has its own width)."""
    below, above = np.log(low) / -_Z90, np.log(high) / _Z90
    return np.asarray(np.exp(np.where(z < 0.0, below, above) * z))


def _run_draw(episode: Episode, backcast: Backcast, draw: _Draw) -> EpisodeRun:
    return run_episode(episode, backcast, draw.parameters, factors=draw.factors, record=draw.record,
                       intensity=draw.intensity)  # fmt: skip


@contextmanager
def _workers(jobs: int) -> Iterator[Executor | None]:
    """Processes to run draws in; none for one job."""
    if jobs <= 1:
        yield None
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool


def _run_all(episode: Episode, backcast: Backcast, draws: list[_Draw], pool: Executor | None) -> Iterator[EpisodeRun]:
    run = partial(_run_draw, episode, backcast)
    yield from map(run, draws) if pool is None else pool.map(run, draws, chunksize=4)


def judge(
    hindcasts: Hindcasts, *, draws: int = 60, seed: int = 1, jobs: int = 1, only: tuple[str, ...] = (),
    found: Fit | None = None, progress: Callable[[str, int, int], None] | None = None,
) -> Scoreboard:  # fmt: skip
    """Fit on the fitted episodes, forecast all, and score.

    Args:
        hindcasts: episodes, back-cast and split.
        draws: conditions for each episode.
        seed: of all random numbers.
        jobs: processes.
        only: episodes to report; empty for all.
        found: parameters fitted before; None fits them.
        progress: called with what is done, steps done and steps in all (0: unknown).

    Returns:
        Scores by row with two benchmarks that are given the same observation noise as the model: no change, and one
        elasticity fitted on the same rows.

    Example:
        >>> judge(load_hindcasts(folder)).comparisons  # doctest: +SKIP
    """
    tell = progress or (lambda _what, _done, _total: None)
    if found is None:
        found = fit_parameters(hindcasts, progress=lambda done, _cost: tell("fitting", done, 0))
    mode = parameters_of(found.values)
    central = {e.id: run_episode(e, hindcasts.backcast, mode) for e in hindcasts.episodes
               if not only or e.id in only or e.id in hindcasts.split.fitted}  # fmt: skip
    elasticity = _fit_elasticity(hindcasts, central)
    out = []
    with _workers(jobs) as pool:
        for episode in hindcasts.episodes:
            if only and episode.id not in only:
                continue
            conditions = _draws(hindcasts, episode, found, draws, seed)
            runs = []
            for k, run in enumerate(_run_all(episode, hindcasts.backcast, conditions, pool)):
                runs.append(run)
                tell(episode.id, k + 1, draws)
            good = [run for run in runs if run.ok]
            band = hindcasts.split.dead_band
            role = "fitted" if episode.id in hindcasts.split.fitted else "scored"
            rows = tuple(
                _score(episode, row, role, good, found, elasticity, central[episode.id], band, seed)
                for row in episode.scored
            ) if good else ()  # fmt: skip
            others = tuple(row for row in episode.rows if isinstance(row, OtherRow))
            bare = run_episode(episode, hindcasts.backcast, mode, stocks=False)
            out.append(EpisodeScore(episode, role, central[episode.id], bare, _bands(good), rows, others, draws,
                                    len(runs) - len(good)))  # fmt: skip
    judged = [row for e in out if e.role == "scored" for row in e.rows]
    comparisons = tuple(c for c in (_compare(judged, name, seed) for name in ("no change", "one elasticity")) if c)
    return Scoreboard(
        found, elasticity, tuple(out), comparisons, sum(row.hit for row in judged), len(judged),
        hindcasts.split.dead_band, hindcasts.split.control, seed, draws,
    )  # fmt: skip


def _score(
    episode: Episode, row: ScoredRow, role: str, runs: list[EpisodeRun], found: Fit, elasticity: Fit,
    central: EpisodeRun, dead_band: float, seed: int,
) -> RowScore:  # fmt: skip
    sd = float(np.sqrt(found.noise**2 * horizon(row) + _control_variance([(episode, row)])[0]))
    noise = sd * norm.ppf((np.arange(_NOISE_POINTS) + 0.5) / _NOISE_POINTS)

    def spread(changes: Floats) -> Floats:
        return np.asarray(changes[:, None] + noise[None, :]).ravel()

    changes = np.array([run.response(row) for run in runs])
    forecast, nothing = spread(changes), noise
    seen = observed_change(row)
    other, other_crps = float("nan"), float("nan")
    if row.quantity == "price":
        moved = np.array([simple_change(run, row) for run in runs])
        rng = np.random.default_rng(stream_key(seed, "hindcast", "one elasticity"))
        slopes = np.array([v["elasticity"] for v in elasticity.draws(len(runs), rng)])
        other = simple_change(central, row) / elasticity.values["elasticity"]
        other_crps = crps(spread(moved / slopes), seen)
    own, still = crps(forecast, seen), crps(nothing, seen)
    low, median, high = (float(q) for q in np.quantile(forecast, (0.05, 0.5, 0.95)))
    hit = most_likely_direction(changes, dead_band) == direction(seen, dead_band)
    beaten = [name for name, value in (("no change", still), ("one elasticity", other_crps)) if value < own]
    why = f"{_why(float(np.median(changes)), seen, dead_band)}; lost to {' and '.join(beaten)}" if beaten else ""
    return RowScore(episode.id, row, role, seen, median, low, high, hit, own, pit(forecast, seen), still, other_crps,
                    other, why)  # fmt: skip


def _why(median: float, seen: float, dead_band: float) -> str:
    if direction(median, dead_band) * direction(seen, dead_band) < 0:
        return "the wrong direction"
    if abs(median - seen) <= dead_band:
        return "right in the middle, but too wide"
    return "too strong" if abs(median) > abs(seen) else "too weak"


def _bands(runs: list[EpisodeRun]) -> tuple[Band, ...]:
    if not runs:
        return ()
    episode = runs[0].episode
    relative = np.array([run.relative for run in runs])
    quantiles = np.quantile(relative, _QUANTILES, axis=0)
    return tuple(
        Band(name, place, quantiles[:, :, e, p])
        for e, name in enumerate(episode.elements)
        for p, place in enumerate(episode.places)
    )


def _compare(rows: list[RowScore], benchmark: str, seed: int) -> Comparison | None:
    value = {"no change": "crps_no_change", "one elasticity": "crps_one_elasticity"}[benchmark]
    both = [row for row in rows if np.isfinite(getattr(row, value))]
    if not both:
        return None
    own = np.array([row.crps for row in both])
    other = np.array([getattr(row, value) for row in both])
    rng = np.random.default_rng(stream_key(seed, "hindcast", "bootstrap"))
    low, high = bootstrap_by_group((own - other).tolist(), [row.episode for row in both], rng)
    return Comparison(
        benchmark, len(both), len({row.episode for row in both}), float(own.mean()), float(other.mean()),
        float((own - other).mean()), low, high,
    )  # fmt: skip
