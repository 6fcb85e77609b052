"""The page of the hindcasts: each episode as a band against what was observed, every row's score, and what was lost."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from oreflow.report.evidence import html_table
from oreflow.report.marks import DASH, MINUS, number_text
from oreflow.report.style import STYLE

if TYPE_CHECKING:
    from oreflow.hindcast.episode import Episode, Hindcasts, ScoredRow, Supply
    from oreflow.hindcast.judge import Band, Comparison, EpisodeScore, RowScore, Scoreboard

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8a949e"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 250, 46, 12, 12, 30
_SLACK = 0.05  # USD/kg: a rent shown as 0.0 does not bind
_WORDS = {
    "short": "elasticity of use at once",
    "long": "elasticity of use once switches are qualified",
    "cover": "stock at reference prices, months of use",
    "working": "share of that stock which is at work and never sold",
    "weight": "share of a price's distance from the reference expected to be left after a year",
    "supply": "multiplier of the elasticities of supply that the files give",
    "follow": "share of the control's price changes that is followed one for one",
}
_BENCHMARKS = (
    "No change says that the price moves as the control does; one elasticity turns supply over demand into a price at "
    "once. Both have the model's noise. CRPS is in logs; a forecast that leaves no doubt and is 10% off scores 0.1."
)
_OWN_STYLE = """
svg.band { max-width: 640px; } td.what { min-width: 15em; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 12px 28px; }
"""


def percent(change: float) -> str:
    """Return a change in logs as a percentage, or as a multiple where it is tenfold and more.

    Example:
        >>> percent(0.1823), percent(-0.6931), percent(2.5)
        ('+20%', '−50%', '×12')
    """
    if not np.isfinite(change):
        return DASH
    if change > np.log(10.0):
        return f"×{np.exp(change):.0f}"
    return f"{100.0 * (np.exp(change) - 1.0):+.0f}%".replace("-", MINUS)


def row_words(row: ScoredRow) -> str:
    """Return what a row observes, as `price of Dy in China, 2024-11-01 to 2024-11-29`."""
    what = f"price of {row.element} in {row.place}" if row.quantity == "price" else f"flow {row.place}"
    return f"{what}, {row.before.date.text} to {row.after.date.text}"


def comparison_words(comparison: Comparison) -> str:
    """Return how the model compares with a benchmark, in words."""
    verdict = (
        "better" if comparison.high < 0.0 else "worse" if comparison.low > 0.0 else "not told apart by so few episodes"
    )
    interval = f"90% by episode {comparison.low:+.3f} to {comparison.high:+.3f}"
    if comparison.episodes == 1:
        verdict = "better on this episode" if comparison.difference < 0.0 else "worse on this episode"
        interval = "one episode gives no interval"
    return (
        f"Mean CRPS over {_counted(comparison.rows, 'scored row')}: model {comparison.model:.3f}, "
        f"{comparison.benchmark} {comparison.other:.3f}; difference {comparison.difference:+.3f} ({interval}): "
        f"{verdict}."
    ).replace("-", MINUS)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def summary_words(board: Scoreboard) -> tuple[str, ...]:
    """Return the verdict in a few sentences."""
    fitted = [e.episode.id for e in board.episodes if e.role == "fitted"]
    judged = [e.episode.id for e in board.episodes if e.role == "scored"]
    lines = []
    if judged:
        lines.append(
            f"{board.hits} of {_counted(board.scored, 'scored row')} hit (up, down or within {board.dead_band:.0%} of "
            f"none); fitted elsewhere, judged on {', '.join(judged)}."
        )
    lines += [comparison_words(c) for c in board.comparisons]
    lost = len(board.lost)
    if lost:
        lines.append(f"Lost to a benchmark: {lost} of {board.scored}, listed with the reason.")
    if fitted:
        lines.append(f"The rows of {', '.join(fitted)} fitted the parameters and judge nothing.")
    failed = sum(e.failed for e in board.episodes)
    if failed:
        total = sum(e.draws for e in board.episodes)
        lines.append(f"{failed} of {total} runs found no equilibrium and are left out.")
    return tuple(lines)


def basket_words(score: EpisodeScore) -> str:
    """Return how far the value of the elements moves with and without stocks, at the fitted parameters."""
    if not (score.central.ok and score.bare.ok):
        return "The value of the elements is not told: a run at the fitted parameters found no equilibrium."
    held, bare = (np.log(run.basket) for run in (score.central, score.bare))
    *others, last = score.episode.elements
    names = f"{', '.join(others)} and {last}" if others else last
    return (
        f"Value of {names} in {score.episode.home}, by period: {percent(held.min())} to {percent(held.max())} "
        f"with stocks, {percent(bare.min())} to {percent(bare.max())} without."
    )


def limit_rows(score: EpisodeScore) -> list[tuple[str, str, float, float, bool, float]]:
    """Return link, first month, limit and flow in t, whether the limit binds, and its rent in USD/kg, by period."""
    run, months = score.central, score.episode.months
    return [
        (f"{link.source} -> {link.to}", _month(period.start), float(run.limits[t, k]),
         float(run.flows[t, k].sum()) * months / 12, bool(run.rents[t, k] > _SLACK), float(run.rents[t, k]))
        for k, link in enumerate(score.episode.links) for t, period in enumerate(run.periods)
        if np.isfinite(run.limits[t, k])
    ]  # fmt: skip


def basis_words(board: Scoreboard) -> str:
    """Return what changes are read against."""
    return f"relative to {board.control} where a row gives its price" if board.control else "of the price itself"


def parameter_rows(board: Scoreboard) -> list[tuple[str, str, str, str, str]]:
    """Return name, words, prior, posterior and source of each free parameter and of the noise."""
    rows = []
    for prior in board.fit.priors:
        low, high = board.fit.ranges[prior.name]
        rows.append((
            prior.name, _WORDS.get(prior.name, ""), f"{prior.centre:g} ({prior.low:g} to {prior.high:g})",
            f"{board.fit.values[prior.name]:.3g} ({low:.2g} to {high:.2g})", prior.source,
        ))  # fmt: skip
    rows.append(("noise", "standard deviation of a change over a year, in logs", "0.1", f"{board.fit.noise:.2f}", ""))
    return [(a, b, c.replace("-", MINUS), d.replace("-", MINUS), e) for a, b, c, d, e in rows]


def render_hindcast(board: Scoreboard, hindcasts: Hindcasts, title: str, version: str = "") -> str:
    """Return the scoreboard as one HTML page that needs no network and no script.

    Args:
        board: the scores.
        hindcasts: the episodes, for their sources.
        title: of the case.
        version: of the program.
    """
    sections = [("verdict", "Verdict", _verdict(board))]
    sections += [
        (e.episode.id, f"{e.episode.id}: {e.episode.title}", _episode(e, hindcasts.sources)) for e in board.episodes
    ]
    sections += [
        ("parameters", "Free parameters", _parameters(board)),
        ("left-out", "Rows that are not scored, and why", _others(board)),
        ("backcast", "The state before", _backcast(hindcasts)),
        ("sources", "Sources", _sources(hindcasts)),
    ]
    links = "".join(f'<li><a href="#{a}">{escape(t.partition(":")[0])}</a></li>' for a, t, _ in sections)
    body = "".join(f'<section id="{a}"><h2>{escape(t)}</h2>{h}</section>' for a, t, h in sections)
    return (
        '<!doctype html>\n<!-- written by oreflow -->\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">"
        f"<title>{escape(title)}: hindcasts</title><style>{STYLE}{_OWN_STYLE}</style></head><body>"
        f'<header class="page"><h1>{escape(title)}: hindcasts</h1>'
        '<p class="lead">Past episodes run through the model with their causes imposed, and what it said of the '
        "response against what came.</p>"
        f'<ul class="facts"><li>runs <b>{board.draws} each</b></li><li>seed <b>{board.seed}</b></li>'
        f"<li>changes <b>{escape(basis_words(board))}</b></li></ul>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header><main>{body}</main>'
        f"<footer>Written by oreflow {escape(version)}.</footer></body></html>\n"
    )


def _verdict(board: Scoreboard) -> str:
    words = "".join(f"<p>{escape(line)}</p>" for line in (*summary_words(board), _BENCHMARKS))
    rows = []
    for row in board.lost:
        rows.append(_row((f'<a href="#{row.row.id}">{row.row.id}</a>', escape(row_words(row.row)),
                          percent(row.observed), percent(row.median), escape(row.why)), (2, 3)))  # fmt: skip
    table = html_table(["row", "what", ">observed", ">model", "why it is lost"], rows,
                       caption="Rows lost to a benchmark") if rows else ""  # fmt: skip
    return words + table


def _episode(score: EpisodeScore, sources: Container[str]) -> str:
    episode = score.episode
    measure = f"{_measure(episode)}, reference = 1"
    panels = "".join(
        f"<figure><h3>{escape(band.element)} in {escape(band.place)}<small>{measure}</small></h3>"
        f"{_picture(score, band)}</figure>"
        for band in score.bands
        if band.place == episode.home or any(row.row.place == band.place for row in score.rows)
    )
    key = (
        '<p class="lead">Blue: the model, median, half and 90% of the runs. Orange: the observed change, drawn from '
        "the model's median at its start. Grey: the forecast of that change with its noise, 90%.</p>"
    )
    rows = [_score_row(row) for row in score.rows]
    table = html_table(
        ["row", "what", ">observed", ">model (90%)", "hit", ">CRPS", ">no change", ">one elasticity", ">PIT", "source"],
        rows, caption=f"{'Fitted' if score.role == 'fitted' else 'Scored'} rows",
    )  # fmt: skip
    demand = episode.demand
    lines = [f"reference: {episode.reference}", *(_supply_words(stream) for stream in episode.supply)]
    lines.append(f"demand: {demand.note or 'by its index'} ({demand.source or 'no source'}, {demand.grade})")
    if episode.control is not None and demand.price:
        lines.append(f"price of {episode.control.element}: {demand.price_note or 'by its index'}")
    imposed = "".join(f"<li>{_linked(line, sources)}</li>" for line in lines)
    outside = "".join(f"<li>{escape(text)}</li>" for text in episode.not_modelled)
    outside = f"<h3>Not modelled</h3><ul>{outside}</ul>" if outside else ""
    pictures = f'{key}<div class="panels">{panels}</div><p>{escape(basket_words(score))}</p>'
    return f"{pictures}{table}{_limits(score)}<h3>Imposed</h3><ul>{imposed}</ul>{outside}"


def _limits(score: EpisodeScore) -> str:
    """Quotas period by period, what passed and the rent; empty where there is none."""
    lines = [
        _row((escape(link), month, f"{limit:,.0f}", f"{flow:,.0f}", "yes" if binds else "no", f"{rent:.1f}"),
             (2, 3, 5))
        for link, month, limit, flow, binds, rent in limit_rows(score)
    ]  # fmt: skip
    caption = "Limits at the fitted parameters; the rent is the same for every element"
    heads = ["link", "from", ">limit, t", ">flow, t", "binds", ">rent, USD/kg"]
    return html_table(heads, lines, caption=caption) if lines else ""


def _measure(episode: Episode) -> str:
    relative = episode.control is not None and episode.demand.price
    return f"price over that of {escape(episode.control.element)}" if relative and episode.control else "price"


def _month(time: float) -> str:
    months = round(12 * time)
    return f"{months // 12}-{months % 12 + 1:02d}"


def _supply_words(stream: Supply) -> str:
    given = f"{number_text(stream.tonnes)} t a year" if stream.tonnes is not None else f"back-cast from {stream.year}"
    answers = f", elasticity {stream.elasticity:g}" if stream.elasticity > 0.0 else ", imposed"
    said = "; ".join(x for x in (stream.note, f"{stream.source}, {stream.grade}" if stream.source else "") if x)
    return f"{stream.name} ({given}{answers})" + (f": {said}" if said else "")


def _linked(text: str, sources: Container[str]) -> str:
    """Text with the ids of known sources as links."""
    return re.sub(
        r"\w+", lambda m: f'<a href="#s-{m[0]}">{m[0]}</a>' if m[0] in sources else m[0], escape(text, quote=False)
    )


def _score_row(row: RowScore) -> str:
    band = f"{percent(row.median)} ({percent(row.low)} to {percent(row.high)})"

    def score(value: float) -> str:
        return DASH if not np.isfinite(value) else f"{value:.3f}"

    cells = (
        f'<span id="{escape(row.row.id)}">{escape(row.row.id)}</span>', escape(row_words(row.row)),
        percent(row.observed), band,
        "yes" if row.hit else "no", score(row.crps), score(row.crps_no_change), score(row.crps_one_elasticity),
        f"{row.pit:.2f}", f'<a href="#s-{escape(row.row.source)}">{escape(row.row.source)}</a> {row.row.grade}',
    )  # fmt: skip
    return _row(cells, (2, 3, 5, 6, 7, 8), (1,))


def _row(cells: Sequence[str], numbers: Sequence[int], words: Sequence[int] = ()) -> str:
    kinds = {**dict.fromkeys(numbers, ' class="n"'), **dict.fromkeys(words, ' class="what"')}
    return "<tr>" + "".join(f"<td{kinds.get(k, '')}>{cell}</td>" for k, cell in enumerate(cells)) + "</tr>"


def _picture(score: EpisodeScore, band: Band) -> str:
    """Bands of the model and the observed changes as arrows, on a logarithmic scale."""
    periods = score.central.periods
    times = np.array([0.5 * (p.start + p.stop) for p in periods])[: band.quantiles.shape[1]]
    start, stop = periods[0].start - (periods[-1].stop - periods[0].start) / 16, periods[-1].stop
    arrows = []
    for row in score.rows:
        if row.row.quantity != "price" or row.row.element != band.element or row.row.place != band.place:
            continue
        ends = [0.5 * (d.start + d.stop) for d in (row.row.before.date, row.row.after.date)]
        base = float(np.interp(ends[0], times, np.log(band.quantiles[2]), left=0.0))
        arrows.append((max(ends[0], start), ends[1], base, row))
    logs = np.log(band.quantiles)
    values = [logs.min(), logs.max(), 0.0]
    values += [base + v for _, _, base, row in arrows for v in (0.0, row.observed, row.low, row.high)]
    low, high = min(values) - 0.05, max(values) + 0.05
    if high - low < 0.4:
        low, high = low - 0.2, high + 0.2

    def x(t: float) -> float:
        return _LEFT + (t - start) / (stop - start) * (_WIDTH - _LEFT - _RIGHT)

    def y(v: float) -> float:
        return float(_TOP + (high - v) / (high - low) * (_HEIGHT - _TOP - _BOTTOM))

    parts = []
    all_marks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if high - low > 1.4 else (0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5)
    marks = [m for m in all_marks if low <= np.log(m) <= high]
    for mark in marks:
        at = y(float(np.log(mark)))
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#d5dae0"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{mark:g}</text>'
        )
    months = round(12 * (stop - periods[0].start))
    step = next(m for m in (1, 2, 3, 6, 12, 24, 60, 600) if months <= 6 * m)
    for k in range(0, months + 1, step):
        at = periods[0].start + k / 12
        label = _month(at) if step < 12 else f"{int(at + 1e-6)}"
        anchor = "end" if x(at) > _WIDTH - 30 else "middle"
        if anchor == "end" and x(at) - x(at - step / 12) < 75:
            continue  # its label would touch the one before
        parts.append(f'<text class="tick" x="{x(at):.1f}" y="{_HEIGHT - 10}" text-anchor="{anchor}">{label}</text>')
    for inner, opacity in (((0, 4), 0.18), ((1, 3), 0.32)):
        upper = " ".join(f"{x(u):.1f},{y(v):.1f}" for u, v in zip(times, logs[inner[1]], strict=True))
        lower = " ".join(f"{x(u):.1f},{y(v):.1f}" for u, v in zip(times[::-1], logs[inner[0]][::-1], strict=True))
        parts.append(f'<polygon points="{upper} {lower}" fill="{_BLUE}" fill-opacity="{opacity}"/>')
    line = " ".join(f"{x(u):.1f},{y(v):.1f}" for u, v in zip(times, logs[2], strict=True))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{_BLUE}" stroke-width="2"/>')
    for began, ended, base, row in arrows:
        x0, x1, y0, y1 = x(began), x(ended), y(base), y(base + row.observed)
        parts.append(
            f'<line x1="{x1:.1f}" x2="{x1:.1f}" y1="{y(base + row.low):.1f}" y2="{y(base + row.high):.1f}" '
            f'stroke="{_GREY}" stroke-width="5" stroke-opacity="0.55"/>'
            f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{_ORANGE}" stroke-width="2"/>'
            f'<circle cx="{x0:.1f}" cy="{y0:.1f}" r="3" fill="#fff" stroke="{_ORANGE}" stroke-width="2"/>'
            f'<circle cx="{x1:.1f}" cy="{y1:.1f}" r="4.5" fill="{_ORANGE}"><title>{escape(row.row.id)}</title></circle>'
        )
    words = "; ".join(f"{row.row.id} observed {percent(row.observed)}, forecast {percent(row.low)} to "
                      f"{percent(row.high)}" for *_, row in arrows) or "no observed change"  # fmt: skip
    label = escape(f"{band.element} in {band.place}: model band by period; {words}")
    return f'<svg class="band" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _parameters(board: Scoreboard) -> str:
    rows = [_row([escape(cell) for cell in row], ()) for row in parameter_rows(board)]
    one = board.elasticity
    low, high = one.ranges["elasticity"]
    return (
        "<p>The same for every episode, element and place; found on the fitted episodes alone as the mode of their "
        "posterior, with the 90% range of its normal approximation.</p>"
        + html_table(["parameter", "what", "prior (90%)", "fitted (90%)", "prior from"], rows)
        + f"<p>The benchmark's one elasticity: {one.values['elasticity']:.2f} ({low:.2f} to {high:.2f}), "
        "fitted on the same price rows. Both benchmarks are given the model's noise.</p>".replace("-", MINUS)
    )


def _others(board: Scoreboard) -> str:
    rows = [
        _row((escape(row.id), row.role, escape(row.what),
              escape(f"{row.before.get('date', '')} {row.before.get('value', '')} to "
                     f"{row.after.get('date', '')} {row.after.get('value', '')} {row.unit}"),
              row.grade, escape(row.reason or row.note)), ())
        for e in board.episodes for row in e.others
    ]  # fmt: skip
    return html_table(["row", "role", "what", "before and after", "grade", "reason or note"], rows)


def _backcast(hindcasts: Hindcasts) -> str:
    rule = hindcasts.backcast
    years = sorted({y for s in rule.streams.values() for y in s.index})
    rows = [
        _row((escape(s.name), number_text(s.tonnes), f"{s.low:g} to {s.high:g}",
              *(number_text(s.tonnes_in(y)) if y >= min(s.index) else DASH for y in years), s.grade, escape(s.note)),
             tuple(range(1, 3 + len(years))))
        for s in rule.streams.values()
    ]  # fmt: skip
    parts = ", ".join(f"{name} {share:.0%}" for name, share in rule.composition.items())
    words = f"<p>Tonnes of {escape(' and '.join(rule.composition))} oxide a year, from the base year {rule.year} "
    words += f"({parts}).</p>"
    if rule.intensity is not None:
        words += f"<p>{escape(rule.intensity.note)}: {rule.intensity.rate:+.0%} a year ({rule.intensity.low:+.0%} to "
        words += f"{rule.intensity.high:+.0%}, grade {rule.intensity.grade}).</p>"
    heads = ["stream", f">{rule.year}, t", ">90% range, times", *(f">{y}" for y in years), "grade", "rule"]
    return words.replace("-", MINUS) + html_table(heads, rows)


def _sources(hindcasts: Hindcasts) -> str:
    rows = []
    for key, source in hindcasts.sources.items():
        url = source.get("url", "")
        title = escape(source.get("title", ""))
        link = f'<a href="{escape(url)}">{title}</a>' if url.startswith(("https://", "http://")) else title
        rows.append(_row((f'<span id="s-{escape(key)}">{escape(key)}</span>', escape(source.get("publisher", "")), link,
                          escape(source.get("date", ""))), ()))  # fmt: skip
    return html_table(["id", "publisher", "title", "date"], rows)
