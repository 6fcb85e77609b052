"""The pictures: well-formed, to scale, hatched where they must be, readable without colour."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreflow.report.document import Band, ComparisonDocument
from oreflow.report.figures import LEFT, LOST, STYLES, Line, line_figure, nice_ticks, spread_labels, waterfall_figure
from oreflow.report.sentences import headline_proposals


class _Elements:
    """The elements of a well-formed text, in order: tag and attributes. A text that is not well-formed raises."""

    def __init__(self, text: str) -> None:
        self.found: list[tuple[str, dict[str, str]]] = []
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda tag, attributes: self.found.append((tag, attributes))
        parser.Parse(text, True)

    def tagged(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]

    def widths(self, fill: str) -> list[float]:
        return [float(rect["width"]) for rect in self.tagged("rect") if rect.get("fill") == fill]


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_bars_are_to_one_scale_and_start_where_the_last_step_ended(document: ComparisonDocument) -> None:
    proposal = document.proposal("A")
    assert proposal.waterfall is not None
    tree = _Elements(waterfall_figure([proposal], title="x"))
    left = tree.widths(LEFT)
    lost = tree.widths(LOST)
    values = [step.value for step in proposal.waterfall.steps]
    scale = left[0] / values[0]
    assert left == pytest.approx([value * scale for value in values], abs=0.11)
    assert lost == pytest.approx([(a - b) * scale for a, b in pairwise(values)], abs=0.11)


def test_steps_of_grade_d_or_m_are_hatched_and_no_other(document: ComparisonDocument) -> None:
    proposal = document.proposal("A")
    assert proposal.waterfall is not None
    hatched = sum(step.hatched for step in proposal.waterfall.steps)
    svg = waterfall_figure([proposal], title="x")
    assert svg.count('fill="url(#waterfall-left)"') == hatched == 3
    plain = replace(
        proposal,
        waterfall=replace(proposal.waterfall, steps=tuple(replace(s, hatched=False) for s in proposal.waterfall.steps)),
    )
    assert 'fill="url(' not in waterfall_figure([plain], title="x")


def test_whiskers_stand_only_where_there_are_percentiles(document: ComparisonDocument) -> None:
    proposal = document.proposal("A")
    assert proposal.waterfall is not None
    steps = tuple(replace(step, p10=None, p50=None, p90=None) for step in proposal.waterfall.steps)
    bare = replace(proposal, waterfall=replace(proposal.waterfall, steps=steps))
    assert waterfall_figure([proposal], title="x").count('stroke-width="1.7"') == 6
    assert waterfall_figure([bare], title="x").count('stroke-width="1.7"') == 0


def test_all_panels_share_one_scale(document: ComparisonDocument) -> None:
    shown = headline_proposals(document)
    tree = _Elements(waterfall_figure(shown, title="x"))
    first = tree.widths(LEFT)
    contained = max(first)
    assert sum(math.isclose(width, contained) for width in first) == len(shown)


def test_text_of_the_case_cannot_break_the_picture(document: ComparisonDocument) -> None:
    evil = replace(document.proposal("A"), id='A"><script>alert(1)</script>', title="<b>&amp;'")
    tree = _Elements(waterfall_figure([evil], title="</title><script>"))
    assert not tree.tagged("script")


def test_nothing_to_draw_gives_an_empty_text(document: ComparisonDocument) -> None:
    assert not waterfall_figure([replace(document.proposal("A"), waterfall=None)], title="x")
    assert not line_figure([Line("A", {})], title="x", unit="t", prefix="p")


def test_a_line_goes_through_its_points() -> None:
    line = Line("A", {2024: 0.0, 2025: 50.0, 2026: 100.0}, {year: Band(0.0, 1.0, 2.0) for year in (2024, 2025)})
    tree = _Elements(line_figure([line], title="x", unit="t", prefix="p", marked_year=2025))
    points = [tuple(map(float, pair.split(","))) for pair in tree.tagged("polyline")[0]["points"].split()]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)
    assert y0 > y2
    assert len(tree.tagged("polygon")) == 1


def test_lines_differ_in_dash_and_have_contrast() -> None:
    assert len({dash for _, dash in STYLES}) == len(STYLES)
    for colour in (*(colour for colour, _ in STYLES), LEFT):
        assert 1.05 / (_luminance(colour) + 0.05) >= 3.0


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_span_the_range_in_even_steps(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    tolerance = 1e-6 * max(abs(low), span)
    assert ticks[0] <= low + tolerance
    assert ticks[-1] >= low + span - tolerance
    assert 2 <= len(ticks) <= 8


@given(st.lists(st.floats(0, 200), min_size=1, max_size=8))
def test_labels_keep_their_distance_and_order(wanted: list[float]) -> None:
    placed = spread_labels(wanted, 14.0, 0.0, 200.0)
    ranked = sorted(placed)
    assert all(b - a >= 14.0 - 1e-9 for a, b in pairwise(ranked))
    assert ranked[-1] <= 200.0 + 1e-9
    for a in range(len(wanted)):
        for b in range(len(wanted)):
            assert not (wanted[a] < wanted[b] and placed[a] > placed[b])
