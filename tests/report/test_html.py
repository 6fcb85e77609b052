"""The page: every number leads somewhere, nothing is fetched, nothing of the case is taken for markup."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest

from oreflow.cli.output import MARKER
from oreflow.report.document import ComparisonDocument, IndicatorResult, PressFigure
from oreflow.report.html import render_report
from oreflow.report.indicators import INDICATORS
from oreflow.report.marks import NUMBER, result_anchor
from oreflow.report.sentences import step_anchor
from oreflow.report.style import STYLE

Make = Callable[[int], ComparisonDocument]
VOID = {"meta", "br", "hr", "img", "input", "link", "col", "path", "rect", "line", "polyline", "polygon"}
EXEMPT = {"year", "id", "axis", "label", "citation"}
NOT_SHOWN = {"title", "style"}
ANCHORS = re.compile(r"#(claim|assume|ind|source|text|set|step|press|note|missing|evidence|true)\b")


@dataclass
class Page(HTMLParser):
    """The page as a browser sees it: text nodes with their open elements, ids, links."""

    texts: list[tuple[str, tuple[tuple[str, dict[str, str]], ...]]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stack: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @classmethod
    def of(cls, html: str) -> Page:
        page = cls()
        HTMLParser.__init__(page, convert_charrefs=True)
        page.feed(html)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes)
        if tag not in VOID:
            self.stack.append((tag, attributes))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.stack.pop()[0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.texts.append((data, tuple(self.stack)))

    def unmarked(self) -> list[str]:
        """The text nodes of the body that hold a number without a link to what it rests on."""
        found = []
        for text, stack in self.texts:
            tags = [tag for tag, _ in stack]
            if "body" not in tags or NOT_SHOWN & set(tags) or not NUMBER.search(text):
                continue
            linked = any(tag == "a" and a.get("class") == "num" and ANCHORS.match(a["href"]) for tag, a in stack)
            if not linked and not any("data-exempt" in attributes for _, attributes in stack):
                found.append(text)
        return found

    def visible(self) -> str:
        return "".join(text for text, stack in self.texts if not NOT_SHOWN & {tag for tag, _ in stack})


@pytest.fixture(scope="module")
def page(document: ComparisonDocument) -> Page:
    return Page.of(render_report(document))


@pytest.mark.parametrize("draws", [0, 32, 256])
def test_every_number_is_a_link_or_exempt_by_the_stated_rule(make_document: Make, draws: int) -> None:
    page = Page.of(render_report(make_document(draws)))
    assert page.stack == []
    assert page.unmarked() == []
    assert {a["data-exempt"] for _, a in page.elements if "data-exempt" in a} <= EXEMPT
    assert len([link for link in page.links if link.get("class") == "num"]) > 500


def test_the_walk_finds_a_number_without_a_link(document: ComparisonDocument) -> None:
    html = render_report(document).replace("<main>", "<main><p>some 17 trucks</p>")
    assert Page.of(html).unmarked() == ["some 17 trucks"]


def test_exempt_years_are_years_and_exempt_axes_stand_in_pictures(page: Page) -> None:
    for text, stack in page.texts:
        for tag, attributes in stack:
            kind = attributes.get("data-exempt")
            if kind == "year" and tag == "span":
                assert re.fullmatch(r"(19|20)\d\d.*|no limit|", text) or "USD" in text
            if kind == "axis":
                assert any(name == "svg" for name, _ in stack)


def test_every_link_has_its_anchor_and_every_id_is_unique(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    targets = {link["href"][1:] for link in page.links if link["href"].startswith("#")}
    assert targets <= set(page.ids)


def test_every_row_of_evidence_indicator_and_step_has_an_anchor(document: ComparisonDocument, page: Page) -> None:
    expected = {f"claim-{key}" for key in document.evidence.claims}
    expected |= {f"assume-{key}" for key in document.evidence.assumptions}
    expected |= {f"source-{key}" for key in document.evidence.sources}
    expected |= {result_anchor(key, proposal.id) for key in INDICATORS for proposal in document.proposals}
    expected |= {f"ind-{key}" for key in INDICATORS}
    for proposal in document.proposals:
        assert proposal.waterfall is not None
        expected |= {step_anchor(proposal.id, step.id) for step in proposal.waterfall.steps}
    assert expected <= set(page.ids)


def test_nothing_is_fetched_and_nothing_runs(document: ComparisonDocument) -> None:
    html = render_report(document)
    page = Page.of(html)
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "embed", "form"}
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
    outside = [link["href"] for link in page.links if not link["href"].startswith("#")]
    assert outside == ["https://example.org/a?b=1&c=2"]
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "default-src 'none'" in html


def test_text_of_the_case_is_text(document: ComparisonDocument) -> None:
    evil = "<script>alert(1)</script>\"' onload=x & 5"
    proposal = replace(
        document.proposals[1], title=evil, reading=evil, conditions=(evil,), not_modelled=(evil,), status=evil, id=evil
    )
    broken = replace(
        document,
        case=replace(document.case, title=evil, description=evil, tracked=evil, not_modelled=(evil,)),
        proposals=(document.proposals[0], proposal),
        notes=(evil,),
        press=(PressFigure(evil, evil, evil, (evil,)),),
        settings={evil: evil},
    )
    page = Page.of(render_report(broken))
    assert not [tag for tag, _ in page.elements if tag == "script"]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.visible().count("<script>alert(1)</script>") > 8
    assert page.unmarked() == []
    targets = {link["href"][1:] for link in page.links if link["href"].startswith("#")}
    assert targets <= set(page.ids)


def test_a_reference_without_a_row_is_listed_as_missing(document: ComparisonDocument) -> None:
    proposal = replace(
        document.proposals[0], indicators={"hhi": IndicatorResult("1", 0.8, {"mining/2030": 0.8}, refs=("GONE-1",))}
    )
    page = Page.of(render_report(replace(document, proposals=(proposal, *document.proposals[1:]))))
    assert "missing-GONE-1" in page.ids
    assert "References without a row" in page.visible()


def test_a_proposal_without_a_result_says_why(document: ComparisonDocument) -> None:
    broken = replace(document.proposal("B"), indicators={}, waterfall=None, barriers=(), status="infeasible: no feed")
    proposals = tuple(broken if proposal.id == "B" else proposal for proposal in document.proposals)
    page = Page.of(render_report(replace(document, proposals=proposals)))
    assert "No result: infeasible: no feed" in page.visible()
    assert page.unmarked() == []


def test_the_words_stay_neutral(page: Page) -> None:
    text = page.visible().lower()
    assert "recommends nothing" in text
    assert "share of the cases tried" in text
    assert "estimate from partner-country data" in text
    assert "de facto control" in text
    assert not re.search(r"probab(?!ility; below)|smuggl|best option|we recommend|should choose", text)


def test_below_200_draws_no_percentage_of_futures_is_printed(make_document: Make) -> None:
    document = make_document(32)
    text = Page.of(render_report(document)).visible()
    assert "12 of 32" in text
    assert not re.search(r"of 32 \(\d", text)
    assert "draws no percentage of them is printed" in text


def test_what_each_proposal_is_stands_beside_its_result(document: ComparisonDocument, page: Page) -> None:
    text = page.visible()
    for proposal in document.proposals:
        assert f"proposal-{proposal.id}".replace(" ", ".").replace("+", ":2b:") in page.ids
        for alternative in proposal.alternatives:
            assert f"{alternative.id}: {alternative.difference}" in text
    for heading in ("As modelled", "Conditions", "Other readings", "Not modelled", "Sources", "The largest doubts"):
        assert heading in text
    assert "44,000 / 77,300 = 56.9% in gross weight without ore" in text


def test_a_table_stands_behind_every_picture(page: Page) -> None:
    pictures = [a for tag, a in page.elements if tag == "svg" and a.get("class") in {"waterfall", "lines"}]
    behind = [text for text, _ in page.texts if text.startswith("The numbers behind the picture")]
    assert len(pictures) == len(behind) == 7
    assert all(a["role"] in {"img", "group"} and a["aria-labelledby"] in page.ids for a in pictures)


def test_the_page_can_be_used_by_keyboard_and_reader(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert ("html", {"lang": "en"}) in page.elements
    assert page.links[0] == {"class": "skip", "href": "#compare"}
    scrolled = [a for tag, a in page.elements if tag == "div" and a.get("class") == "scroll"]
    assert scrolled
    assert all(a["tabindex"] == "0" and a["role"] == "region" and a["aria-label"] for a in scrolled)
    scopes = [a.get("scope") for tag, a in page.elements if tag == "th"]
    assert set(scopes) == {"col", "row"}


def test_colours_of_text_have_contrast_4_5_to_1() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", STYLE))
    grounds = ["#ffffff", colours["soft"]]
    for name in ("ink", "muted", "link"):
        for ground in grounds:
            assert (luminance(ground) + 0.05) / (luminance(colours[name]) + 0.05) >= 4.5


def test_the_page_is_known_as_our_own_and_the_same_each_time(document: ComparisonDocument) -> None:
    html = render_report(document)
    assert MARKER in html[:4096]
    assert html == render_report(document)
