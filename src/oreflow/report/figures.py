"""Pictures as inline SVG, made of text alone: the waterfall "where the tonnes stop" and lines over the years.

Colours are of the Okabe-Ito set, each line has its own dash too, and every value that is written is a link; ticks stand
in groups with `data-exempt="axis"`. The same numbers stand in a table behind each picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

from oreflow.report.document import Band, ProposalResult, Step
from oreflow.report.marks import linked, number_text
from oreflow.report.sentences import step_anchor

INK = "#1c2126"
MUTED = "#55606b"
RULE = "#d5dae0"
LOST = "#e6e9ed"
LEFT = "#0072B2"

STYLES = (("#3d4650", "2 3"), ("#0072B2", ""), ("#D55E00", "8 4"), ("#00805c", "10 3 2 3"), ("#a2447a", "4 3"))
"""Colour and dash of a line, by its position; the first is the status quo's. Each has 3:1 contrast on white or more."""

_WIDTH = 1180
_LETTER = 7.8
"""Width of a letter of a line's name."""
_LABELS = 262
_ROW = 38
_BAR = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line over the years with its band; `style` is a position in `STYLES`."""

    name: str
    points: Mapping[int, float]
    bands: Mapping[int, Band] = field(default_factory=dict)
    style: int = 0


def waterfall_figure(proposals: Sequence[ProposalResult], *, title: str, prefix: str = "waterfall") -> str:
    """Return the waterfalls of several proposals side by side, on one scale, a row for each step.

    Args:
        proposals: with waterfalls of the same steps; those without are left out.
        title: read out by screen readers.
        prefix: of the ids inside the picture, unique on the page.

    Returns:
        SVG; an empty text where no proposal has a waterfall. Bars show what is left after a step, pale bars what the
        step takes away, whiskers P10 to P90, hatching an input of grade D or M.

    Example:
        >>> waterfall_figure((), title="none")
        ''
    """
    shown = [(proposal, proposal.waterfall) for proposal in proposals if proposal.waterfall is not None]
    if not shown:
        return ""
    labels = [step.label for step in shown[0][1].steps]
    panel = (_WIDTH - _LABELS) / len(shown)
    titles = [wrap(proposal.title, max(12, int((panel - 26) / 6.1)))[:3] for proposal, _ in shown]
    head = 30 + 15 * max(len(lines) for lines in titles)
    height = head + _ROW * len(labels) + 26
    top = max((max(s.value, s.p90 or 0.0) for _, w in shown for s in w.steps), default=0.0) or 1.0
    parts = [
        (
            f'<svg class="waterfall" viewBox="0 0 {_WIDTH} {height:.0f}" role="group" aria-labelledby="{prefix}-title">'
            f'<title id="{prefix}-title">{escape(title)}</title>'
        ),
        _hatches(prefix),
    ]
    for row, label in enumerate(labels):
        parts.append(_row_label(row, label, head + _ROW * row))
    for position, (proposal, waterfall) in enumerate(shown):
        left = _LABELS + panel * position + 14
        scale = (panel - 26 - 46) / top
        parts.append(f'<text class="panel" x="{left:.1f}" y="18">{_exempt_label(proposal.id)}</text>')
        for line, words in enumerate(titles[position]):
            parts.append(f'<text class="small" x="{left:.1f}" y="{34 + 15 * line}">{_exempt_label(words)}</text>')
        parts.append(
            f'<line x1="{left:.1f}" x2="{left:.1f}" y1="{head - 4:.1f}" y2="{height - 22:.1f}" stroke="{MUTED}"/>'
        )
        before = waterfall.steps[0].value
        for row, step in enumerate(waterfall.steps):
            y = head + _ROW * row + (_ROW - _BAR) / 2
            last = row == len(waterfall.steps) - 1
            parts.append(_bar(step, before, left, y, scale, prefix, last=last))
            anchor = step_anchor(proposal.id, step.id)
            value = linked(number_text(step.value), anchor)
            parts.append(
                f'<text class="value" x="{left + panel - 24:.1f}" y="{y + _BAR / 2 + 4.5:.1f}" '
                f'text-anchor="end">{value}</text>'
            )
            before = step.value
        parts.append(_scale_bar(left, height - 14, scale, top))
    parts.append("</svg>")
    return "".join(parts)


def line_figure(lines: Sequence[Line], *, title: str, unit: str, prefix: str, marked_year: int | None = None) -> str:
    """Return lines over the years with their bands, from zero, names at the lines' ends.

    Args:
        lines: in one unit; those without points are left out.
        title: read out by screen readers; it stands over the picture as text of the page.
        unit: of the values, read out with the title.
        prefix: of the ids inside the picture, unique on the page.
        marked_year: a year to mark by an upright line.

    Returns:
        SVG; an empty text where no line has points.
    """
    drawn = [line for line in lines if line.points]
    if not drawn:
        return ""
    width, height, left, top, bottom = 580, 262, 48, 14, 26
    right = min(max(128.0, 20.0 + _LETTER * max(len(line.name) for line in drawn)), width / 2)  # names fit beside lines
    years = sorted({year for line in drawn for year in line.points})
    values = [value for line in drawn for value in line.points.values()]
    values += [bound for line in drawn for band in line.bands.values() for bound in band]
    ticks = nice_ticks(min(0.0, *values), max(0.0, *values))
    first, last = years[0], max(years[-1], years[0] + 1)

    def x(year: float) -> float:
        return left + (width - left - right) * (year - first) / (last - first)

    def y(value: float) -> float:
        return height - bottom - (height - top - bottom) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    parts = [
        (
            f'<svg class="lines" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{prefix}-title">'
            f'<title id="{prefix}-title">{escape(title)}, {escape(unit)}</title>'
            '<g data-exempt="axis">'
        )
    ]
    for tick in ticks:
        parts.append(
            f'<line x1="{left}" x2="{width - right:.1f}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="{RULE}"/>'
            f'<text class="tick" x="{left - 7}" y="{y(tick) + 4:.1f}" text-anchor="end">{number_text(tick)}</text>'
        )
    step = max(1, math.ceil((last - first) / 6))
    for year in range(first, last + 1, step):
        parts.append(f'<text class="tick" x="{x(year):.1f}" y="{height - 8}" text-anchor="middle">{year}</text>')
    if marked_year is not None and first <= marked_year <= last:
        parts.append(
            f'<line x1="{x(marked_year):.1f}" x2="{x(marked_year):.1f}" y1="{top}" y2="{height - bottom}" '
            f'stroke="{MUTED}" stroke-dasharray="1 3"/>'
        )
    parts.append("</g>")
    for line in drawn:
        banded = [year for year in sorted(line.bands) if year in line.points]
        if len(banded) > 1:
            outline = [f"{x(year):.1f},{y(line.bands[year][2]):.1f}" for year in banded]
            outline += [f"{x(year):.1f},{y(line.bands[year][0]):.1f}" for year in reversed(banded)]
            colour = STYLES[line.style % len(STYLES)][0]
            parts.append(
                f'<polygon points="{" ".join(outline)}" fill="{colour}" fill-opacity="0.08" stroke="{colour}" '
                'stroke-opacity="0.3"/>'
            )
    ends = spread_labels([y(line.points[max(line.points)]) for line in drawn], 14.0, top, height - bottom)
    for line, end in zip(drawn, ends, strict=True):
        colour, dash = STYLES[line.style % len(STYLES)]
        points = " ".join(f"{x(year):.1f},{y(line.points[year]):.1f}" for year in sorted(line.points))
        at = x(max(line.points))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.2" stroke-dasharray="{dash}" '
            'stroke-linejoin="round"/>'
            f'<line x1="{at + 2:.1f}" y1="{y(line.points[max(line.points)]):.1f}" x2="{at + 12:.1f}" y2="{end:.1f}" '
            f'stroke="{colour}" stroke-width="1"/>'
            f'<text class="end" x="{at + 15:.1f}" y="{end + 4:.1f}" fill="{colour}">{_exempt_label(line.name)}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def nice_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return round values that span a range, four to seven of them.

    Args:
        low: least value.
        high: greatest value; a range of no width is widened to 1.

    Returns:
        Ascending ticks; the first is at most `low`, the last at least `high`.

    Example:
        >>> nice_ticks(0.0, 870.0)
        (0.0, 200.0, 400.0, 600.0, 800.0, 1000.0)
    """
    span = high - low or 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if span / (factor * power) <= 5)
    start, stop = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return tuple(round(number * step, 12) for number in range(start, stop + 1))


def spread_labels(wanted: Sequence[float], gap: float, low: float, high: float) -> tuple[float, ...]:
    """Return positions near the wanted ones that keep a distance from each other.

    Args:
        wanted: positions, in any order.
        gap: least distance of neighbours.
        low: least position.
        high: greatest position; exceeded only where the labels do not fit.

    Returns:
        A position for each wanted one, in the same order.

    Example:
        >>> spread_labels([50.0, 52.0, 10.0], 14.0, 0.0, 100.0)
        (50.0, 64.0, 10.0)
    """
    order = sorted(range(len(wanted)), key=lambda position: wanted[position])
    placed: list[float] = []
    for position in order:
        placed.append(max(low, wanted[position], placed[-1] + gap if placed else -math.inf))
    overhang = max(0.0, placed[-1] - high) if placed else 0.0
    for rank in range(len(placed) - 1, -1, -1):
        limit = high if rank == len(placed) - 1 else placed[rank + 1] - gap
        if overhang:
            placed[rank] = min(placed[rank], limit)
    positions = dict(zip(order, placed, strict=True))
    return tuple(positions[position] for position in range(len(wanted)))


def _bar(step: Step, before: float, left: float, y: float, scale: float, prefix: str, *, last: bool) -> str:
    kept, reach = step.value * scale, max(before, step.value) * scale
    parts = []
    if reach > kept:
        lost = f'x="{left + kept:.1f}" y="{y:.1f}" width="{reach - kept:.1f}" height="{_BAR}"'
        parts.append(f'<rect {lost} fill="{LOST}"/>')
        if step.hatched:
            parts.append(f'<rect {lost} fill="url(#{prefix}-lost)"/>')
    if kept > 0:
        rest = f'x="{left:.1f}" y="{y:.1f}" width="{kept:.1f}" height="{_BAR}"'
        parts.append(f'<rect {rest} fill="{LEFT}"/>')
        if step.hatched:
            parts.append(f'<rect {rest} fill="url(#{prefix}-left)"/>')
    if kept > 0 and not last:
        parts.append(
            f'<line x1="{left + kept:.1f}" x2="{left + kept:.1f}" y1="{y + _BAR:.1f}" y2="{y + _ROW:.1f}" '
            f'stroke="{MUTED}" stroke-dasharray="2 2"/>'
        )
    if step.p10 is not None and step.p90 is not None and step.p90 > step.p10:
        middle, start, stop = y + _BAR / 2, left + step.p10 * scale, left + step.p90 * scale
        path = f"M{start:.1f} {middle - 5:.1f}v10M{start:.1f} {middle:.1f}H{stop:.1f}M{stop:.1f} {middle - 5:.1f}v10"
        parts.append(f'<path d="{path}" stroke="#fff" stroke-width="4.2" fill="none"/>')
        parts.append(f'<path d="{path}" stroke="{INK}" stroke-width="1.7" fill="none"/>')
    return "".join(parts)


def _row_label(row: int, label: str, top: float) -> str:
    lines = wrap(label, 36)[:2]
    middle = top + _ROW / 2 + 4.5 - 7.5 * (len(lines) - 1)
    rule = f'<line x1="0" x2="{_WIDTH}" y1="{top:.1f}" y2="{top:.1f}" stroke="{RULE}"/>'
    words = "".join(
        f'<text class="label" x="22" y="{middle + 15 * number:.1f}">{_exempt_label(line)}</text>'
        for number, line in enumerate(lines)
    )
    number = f'<text class="label" data-exempt="axis" x="0" y="{top + _ROW / 2 + 4.5:.1f}">{row + 1}.</text>'
    return rule + number + words


def _scale_bar(left: float, y: float, scale: float, top: float) -> str:
    length = max(tick for tick in nice_ticks(0.0, top) if tick <= top) / 2
    return (
        f'<g data-exempt="axis"><path d="M{left:.1f} {y - 3:.1f}v6M{left:.1f} {y:.1f}h{length * scale:.1f}v-3v6" '
        f'stroke="{MUTED}" fill="none"/><text class="tick" x="{left + length * scale + 6:.1f}" y="{y + 4:.1f}">'
        f"{number_text(length)} t</text></g>"
    )


def _hatches(prefix: str) -> str:
    def pattern(name: str, colour: str) -> str:
        return (
            f'<pattern id="{prefix}-{name}" width="6" height="6" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" stroke="{colour}" stroke-width="2.2"/>'
            "</pattern>"
        )

    return f"<defs>{pattern('lost', '#b3bbc4')}{pattern('left', '#6cb3dd')}</defs>"


def _exempt_label(text: str) -> str:
    return f'<tspan data-exempt="label">{escape(text)}</tspan>'
