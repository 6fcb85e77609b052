"""The report: one self-contained HTML file, static, printable, with a link behind every number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from oreflow.report.document import Band, ComparisonDocument, Freight, IndicatorResult, ProposalResult
from oreflow.report.evidence import evidence_html, html_table, refs_html, sources_html
from oreflow.report.figures import Line, line_figure, waterfall_figure
from oreflow.report.indicators import INDICATORS, Indicator
from oreflow.report.marks import (
    DASH,
    exempt,
    linked,
    marked,
    money_text,
    number_text,
    parts_html,
    range_text,
    result_anchor,
    slug,
    unit_text,
    value_text,
)
from oreflow.report.sentences import (
    PERCENT_FROM,
    area_words,
    band_of,
    evidence_anchor,
    headline_proposals,
    largest_loss,
    price_areas,
    price_elements,
    revenue_changes,
    sentences,
    share_text,
    shown_years,
    step_anchor,
)
from oreflow.report.style import STYLE

ACTORS = 8
"""Actors in the table of revenues: those with the largest change under any proposal."""

_SECTIONS = (
    ("picture", "Where the tonnes stop"),
    ("compare", "Side by side"),
    ("years", "Over the years"),
    ("revenue", "Revenue by actor"),
    ("true", "What would have to be true"),
    ("proposals", "The proposals"),
    ("press", "Press figures"),
    ("limits", "How to read this"),
    ("indicators", "Indicators"),
    ("evidence", "Evidence"),
)


def render_report(document: ComparisonDocument) -> str:
    """Return a comparison as one HTML page that needs no network and no script.

    Args:
        document: the comparison; a proposal without results, and a run without draws, are shown as such.

    Returns:
        HTML. All text of the case is escaped. A number stands in `<a class="num">`, or under an element with
        `data-exempt` (see `oreflow.report.marks`).

    Example:
        >>> render_report(document).startswith("<!doctype html>")  # doctest: +SKIP
        True
    """
    case = document.case
    body = [
        '<a class="skip" href="#compare">Skip to the table</a>',
        _header(document),
        '<main><section class="first" aria-label="Five sentences and the main picture">',
        _sentences(document),
        _picture(document),
        "</section>",
        _comparison(document),
        _years(document),
        _revenue(document),
        _true(document),
        _proposals(document),
        _press(document),
        _limits(document),
        _indicators(document),
        evidence_html(document, _references(document)),
        "</main>",
        (
            f"<footer>Written by oreflow {exempt(case.version, 'id')}, run {exempt(case.run, 'id')}. It compares and "
            "recommends nothing.</footer>"
        ),
    ]
    return (
        "<!doctype html>\n<!-- written by oreflow -->\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'\">"
        f"<title>{escape(case.title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _header(document: ComparisonDocument) -> str:
    case = document.case
    draws = linked(f"{case.draws:,}", "set-draws") if case.draws else "none (central values only)"
    facts = (
        ("as of", exempt(case.as_of or "no limit", "year")),
        ("study date", exempt(case.study_date, "year")),
        ("years", exempt(f"{case.base_year} to {case.end_year}", "year")),
        ("money", f"USD of {exempt(str(case.money_year), 'year')}"),
        ("draws", draws),
        ("seed", linked(str(case.seed), "set-seed")),
        ("run", exempt(case.run, "id")),
        *([("in brackets", exempt("P10 to P90", "label"))] if case.draws else []),
    )
    listed = "".join(f"<li>{name} <b>{value}</b></li>" for name, value in facts)
    links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in _SECTIONS if anchor != "picture")
    return (
        f'<header class="page"><h1>{marked(case.title, "text-case")}</h1>'
        f'<p class="lead">{marked(case.description, "text-case")} This page compares and recommends nothing.</p>'
        f'<ul class="facts">{listed}</ul><nav aria-label="Sections"><ul>{links}</ul></nav></header>'
    )


def _sentences(document: ComparisonDocument) -> str:
    items = "".join(f"<li>{parts_html(parts, 'text-case')}</li>" for parts in sentences(document))
    return f'<ol class="sentences">{items}</ol>'


def _picture(document: ComparisonDocument) -> str:
    shown = [proposal for proposal in headline_proposals(document) if proposal.waterfall is not None]
    if not shown:
        return '<h2 id="picture">Where the tonnes stop</h2><p>The run holds no waterfall.</p>'
    waterfall = shown[0].waterfall
    year = waterfall.year if waterfall else document.case.headline_year
    svg = waterfall_figure(shown, title=f"Where the tonnes stop, {document.case.tracked}")
    caption = (
        '<svg class="key" viewBox="0 0 26 11" aria-hidden="true"><path d="M0 0h26v11H0z" fill="#0072B2"/></svg>left '
        'after the step <svg class="key" viewBox="0 0 26 11" aria-hidden="true"><path d="M0 0h26v11H0z" '
        'fill="#e6e9ed"/></svg>taken away by it <svg class="key" viewBox="0 0 26 11" aria-hidden="true">'
        '<path d="M1 1v9M1 5.5h24M25 1v9" stroke="#1c2126" fill="none" stroke-width="1.6"/></svg>'
        "tenth to ninetieth percentile. Hatched: rests on an input of grade D or M. The steps are taken in this order, "
        "from top to bottom; in another order a step would take another share, and the end would be the same."
    )
    rows = []
    for proposal in document.proposals:
        for number, step in enumerate(proposal.waterfall.steps if proposal.waterfall else ()):
            target = evidence_anchor(document, step.refs[0]) if step.refs else "ind-diverted_first"
            band = ""
            if step.p10 is not None and step.p90 is not None:
                band = linked(range_text(step.p10, step.p90, "t"), target)
            rows.append(
                f'<tr id="{escape(step_anchor(proposal.id, step.id))}"><th scope="row">'
                f"{exempt(proposal.id, 'id')}</th><td>{exempt(f'{number + 1}. {step.label}', 'label')}</td>"
                f'<td class="n">{linked(number_text(step.value), target)}</td><td class="n">{band or DASH}</td>'
                f"<td>{'D or M' if step.hatched else 'A to C'}</td><td>{marked(step.why, target)}</td>"
                f"<td>{refs_html(document, step.refs)}</td></tr>"
            )
    table = html_table(["proposal", "step", ">t left", ">P10 to P90", "grade", "why", "rests on"], rows)
    return (
        f'<h2 id="picture">Where the tonnes stop: {exempt(document.case.tracked, "label")} in '
        f"{exempt(str(year), 'year')}, t</h2>"
        f'<figure><div class="scroll" tabindex="0" role="region" aria-label="Where the tonnes stop">{svg}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
        f"<details><summary>The numbers behind the picture, for every proposal</summary>{table}</details>"
    )


def _comparison(document: ComparisonDocument) -> str:
    case = document.case
    years = shown_years(document)
    elements, areas = price_elements(document), price_areas(document)
    head = ["proposal", *(f">t&nbsp;{exempt(str(year), 'year')}" for year in years)]
    head += [
        f">value {_year(document)}, million USD",
        ">first year",
        f">net change, t {_year(document)}",
    ]
    price_labels = [f"{area}/{elements[0]}/{case.headline_year}" for area in areas[:2]] if elements else []
    head += [f">{escape(elements[0])} {exempt(area_words(document, area), 'label')}, USD/kg" for area in areas]
    head += [">public USD per kg", "most tonnes stop at", ">reaches the threshold"]
    rows = []
    for proposal in document.proposals:
        cells = [_cell(proposal, "diverted_first", str(year)) for year in years]
        cells += [_cell(proposal, "diverted_value", unit="million"), _cell(proposal, "first_year")]
        cells.append(_cell(proposal, "net_ex_china_dytb", signed=True))
        cells += [_cell(proposal, "price", label) for label in price_labels]
        cells.append(_cell(proposal, "public_cost_per_kg"))
        cells.append(f'<td class="words">{_stops_at(proposal)}</td>')
        cells.append(f'<td class="n">{_works(proposal)}</td>')
        rows.append(
            f'<tr><th scope="row"><a href="#proposal-{escape(slug(proposal.id))}">{exempt(proposal.id, "id")}</a>'
            + (f'<span class="range">{exempt(proposal.status, "label")}</span>' if proposal.status != "solved" else "")
            + f"</th>{''.join(cells)}</tr>"
        )
    caption = (
        f"t: {exempt(case.tracked, 'label')} first separated {case.wording.outside}, a year. Value: of all its "
        f"oxides. First year: first of two years running with {linked('20', 'ind-first_year')} t. Net change: all "
        f"origins, against the status quo of the same draw. Threshold: net change of "
        f"{linked(number_text(case.threshold_t), 'set-threshold_t')} t in {_year(document)}. Small: "
        + (exempt("P10 to P90", "label") if case.draws else "no draws were run")
        + "."
    )
    return '<h2 id="compare">Side by side</h2>' + html_table(head, rows, caption=caption, kind="wide")


def _years(document: ComparisonDocument) -> str:
    case = document.case
    shown = headline_proposals(document)
    charts: list[tuple[str, str, str, str]] = [
        ("diverted_first", "", f"{case.tracked} first separated {case.wording.outside}", "t a year"),
        ("net_ex_china_dytb", "", case.wording.fill("Change of all <tracked> oxide separated <outside>"), "t a year"),
    ]
    for element in price_elements(document):
        for area in price_areas(document)[:2]:
            where = area_words(document, area)
            charts.append(("price", f"{area}/{element}/", f"{element} oxide {where}", f"USD of {case.money_year} a kg"))
    figures = []
    for number, (key, prefix, title, unit) in enumerate(charts):
        lines = [
            Line(proposal.id, *_timeline(proposal.indicators.get(key), prefix), style=position)
            for position, proposal in enumerate(shown)
        ]
        svg = line_figure(lines, title=title, unit=unit, prefix=f"lines-{number}", marked_year=case.headline_year)
        if svg:
            table = _timeline_table(document, key, prefix)
            figures.append(
                f"<figure><h3>{exempt(title, 'label')}<small>{exempt(unit, 'label')}</small></h3>{svg}"
                f"<details><summary>The numbers behind the picture</summary>{table}</details></figure>"
            )
    band = "Bands: tenth to ninetieth percentile of the draws. " if case.draws else ""
    return (
        f'<h2 id="years">Over the years</h2><p>{band}The upright line marks {_year(document)}. The pictures show '
        "the proposals of the main picture; the tables behind them hold all.</p>"
        f'<div class="grid">{"".join(figures)}</div>'
    )


def _timeline(result: IndicatorResult | None, prefix: str) -> tuple[Mapping[int, float], Mapping[int, Band]]:
    if result is None:
        return {}, {}

    def year(label: str) -> int | None:
        rest = label.removeprefix(prefix)
        return int(rest) if label.startswith(prefix) and rest.isdecimal() else None

    points = {found: value for label, value in result.by.items() if (found := year(label)) is not None}
    bands = {found: Band(*band) for label, band in result.bands_by.items() if (found := year(label)) is not None}
    return points, bands


def _timeline_table(document: ComparisonDocument, key: str, prefix: str) -> str:
    lines = {p.id: _timeline(p.indicators.get(key), prefix) for p in document.proposals}
    years = sorted({year for points, _ in lines.values() for year in points})
    unit, signed = INDICATORS[key].unit, INDICATORS[key].sense == "difference"
    rows = []
    for name, (points, bands) in lines.items():
        anchor = result_anchor(key, name)
        cells = [
            f'<td class="n">{_linked_value(points.get(year), bands.get(year), unit, anchor, signed=signed)}</td>'
            for year in years
        ]
        rows.append(f'<tr><th scope="row">{exempt(name, "id")}</th>{"".join(cells)}</tr>')
    return html_table(["proposal", *(f">{exempt(str(year), 'year')}" for year in years)], rows)


def _revenue(document: ComparisonDocument) -> str:
    case = document.case
    year, reference = str(case.headline_year), case.status_quo
    changes = {proposal.id: revenue_changes(document, proposal) for proposal in document.proposals}
    size: dict[str, float] = {}
    for by_actor in changes.values():
        for actor, (value, _) in by_actor.items():
            size[actor] = max(size.get(actor, 0.0), abs(value))
    actors = sorted((actor for actor in size if size[actor] > 0), key=lambda actor: (-size[actor], actor))[:ACTORS]
    lead = (
        f'<h2 id="revenue">Revenue by actor</h2><p>Change in {exempt(year, "year")} against the status quo of the same '
        "draw, USD a year. Revenue is not profit, and a change is no judgement of who should have it.</p>"
    )
    if not actors:
        return lead + "<p>The run gives no change in revenue by actor.</p>"
    others = [proposal for proposal in document.proposals if proposal.id != reference]
    rows = []
    for actor in actors:
        cells = []
        for proposal in others:
            found = changes[proposal.id].get(actor)
            anchor = result_anchor("turnover", proposal.id)
            shown = _linked_value(*found, "USD/yr", anchor, signed=True) if found else DASH
            cells.append(f'<td class="n">{shown}</td>')
        rows.append(f'<tr><th scope="row">{exempt(case.names.get(actor, actor), "id")}</th>{"".join(cells)}</tr>')
    return lead + html_table(["actor", *(f">{exempt(p.id, 'id')}" for p in others)], rows)


def _true(document: ComparisonDocument) -> str:
    parts = [
        (
            '<h2 id="true">What would have to be true</h2><p>A set of barriers is minimal: removing all of it lets '
            "tonnes through, removing a part does not. The sets of a proposal are alternatives, not a sum. The ladder "
            "removes the barriers one after the other.</p>"
        )
    ]
    for proposal in document.proposals:
        pair = _ladder(document, proposal), _break_evens(document, proposal)
        inner = [_barriers(document, proposal), f'<div class="grid">{pair[0]}{pair[1]}</div>' if any(pair) else ""]
        if proposal.freight is not None:
            freight = proposal.freight
            anchor = _first_anchor(document, freight.refs, f"text-{slug(proposal.id)}")
            inner.append(f"<p>{_freight(freight, document.case.wording.tracked, anchor)}</p>")
        if proposal.path_existing is not None:
            path, anchor = proposal.path_existing, f"text-{slug(proposal.id)}"
            if path.total:
                inner.append(
                    f"<p>Of the {linked(str(path.total), anchor)} activities on its path, "
                    f"{linked(str(path.used_in_base_year), anchor)} were in use in "
                    f"{exempt(str(document.case.base_year), 'year')}.</p>"
                )
            else:
                inner.append("<p>It opens no way of its own.</p>")
        if any(inner):
            parts.append(f"<h3>{exempt(proposal.id, 'id')}</h3>{''.join(inner)}")
    if document.doubts:
        items = "".join(
            f'<li><a href="#{escape(evidence_anchor(document, doubt.ref))}">{exempt(doubt.subject, "label")}</a> '
            f'(grade <span class="grade">{escape(doubt.grade)}</span>): its range moves the result by '
            f"{linked(number_text(doubt.effect), evidence_anchor(document, doubt.ref))} "
            f"{escape(unit_text(doubt.unit))}; "
            f"{marked(doubt.text, evidence_anchor(document, doubt.ref))}.</li>"
            for doubt in document.doubts
        )
        parts.append(f"<h3>The largest doubts</h3><ol>{items}</ol>")
    return "".join(parts)


def _freight(freight: Freight, tracked: str, anchor: str) -> str:
    def cost(percent: float, per_kg: float) -> str:
        return (
            f"{linked(f'{percent:.1f}%', anchor)} of the basket's value a tonne, {linked(f'{per_kg:.1f}', anchor)} USD "
            f"per kg of {tracked} oxide in it"
        )

    text = ""
    if freight.exit_percent_of_value is not None and freight.exit_usd_per_kg_dytb is not None:
        text = f"to {escape(freight.exit)} {cost(freight.exit_percent_of_value, freight.exit_usd_per_kg_dytb)}; "
    text += f"to the plant in {escape(freight.to)} {cost(freight.percent_of_value, freight.usd_per_kg_dytb)}"
    return f"Freight from the mine {text}. The way: {marked(freight.route, anchor)}."


def _barriers(document: ComparisonDocument, proposal: ProposalResult) -> str:
    rows = []
    for found in proposal.barriers:
        anchor = _first_anchor(document, found.refs, result_anchor("barriers", proposal.id))
        cost = DASH if found.cost is None else linked(money_text(found.cost), anchor)
        gap = DASH if found.price_gap is None else linked(number_text(found.price_gap), anchor)
        names = " and ".join(marked(name, anchor) for name in found.names)
        rows.append(
            f'<tr><td>{names}</td><td class="n">{linked(number_text(found.tonnes), anchor)}</td>'
            f'<td class="n">{cost}</td><td class="n">{gap}</td><td>{refs_html(document, found.refs)}</td></tr>'
        )
    if not rows:
        return ""
    head = [
        "barriers to remove together",
        ">t a year gained",
        ">cost, USD a year",
        ">price gap left, USD/t",
        "rests on",
    ]
    return html_table(head, rows)


def _ladder(document: ComparisonDocument, proposal: ProposalResult) -> str:
    rows = []
    for rung in proposal.ladder:
        anchor = _first_anchor(document, rung.refs, result_anchor("barriers", proposal.id))
        rows.append(
            f"<tr><td>{marked(rung.label, anchor)}</td>"
            f'<td class="n">{linked(number_text(rung.tonnes_alone, signed=True), anchor)}</td>'
            f'<td class="n">{linked(number_text(rung.tonnes_cumulative, signed=True), anchor)}</td></tr>'
        )
    return html_table(["ladder", ">t alone", ">t with those above"], rows) if rows else ""


def _break_evens(document: ComparisonDocument, proposal: ProposalResult) -> str:
    rows = []
    for found in document.outlook.get(proposal.id, ()):
        anchor = _first_anchor(document, found.refs, f"text-{slug(proposal.id)}")
        write = _ratio if found.unit == "1" else number_text
        value = "no change of sign" if found.value is None else linked(write(found.value), anchor)
        current = DASH if found.current is None else linked(write(found.current), anchor)
        unit = "ratio" if found.unit == "1" else unit_text(found.unit)
        rows.append(
            f'<tr><td>{marked(found.label, anchor)}</td><td class="n">{value}</td><td class="n">{current}</td>'
            f"<td>{escape(unit)}</td><td>{marked(found.note, anchor)}</td></tr>"
        )
    head = ["changes sign at", ">value", ">in the run", "unit", "note"]
    return html_table(head, rows) if rows else ""


def _ratio(value: float) -> str:
    """A factor near 1, where the second digit matters."""
    return f"{value:.2f}"


def _proposals(document: ComparisonDocument) -> str:
    cards = "".join(_card(document, proposal) for proposal in document.proposals)
    return f'<h2 id="proposals">The proposals</h2><div class="cards">{cards}</div>'


def _card(document: ComparisonDocument, proposal: ProposalResult) -> str:
    anchor, names = f"text-{slug(proposal.id)}", document.case.names

    def listed(title: str, items: Iterable[str]) -> str:
        found = "".join(f"<li>{item}</li>" for item in items)
        return f"<h4>{title}</h4><ul>{found}</ul>" if found else ""

    instruments = []
    for item in proposal.instruments:
        target = _first_anchor(document, item.refs, anchor)
        magnitude = ""
        if item.magnitude is not None:
            shown = linked(f"{100 * item.magnitude:.0f}%", target) if item.unit in ("", "1") else (
                f"{linked(number_text(item.magnitude), target)} {exempt(unit_text(item.unit), 'label')}"
            )
            magnitude = f": {shown}"
        start = "" if item.start is None else f", from {exempt(str(item.start), 'year')}"
        end = "" if item.end is None else f" to {exempt(str(item.end), 'year')}"
        note = f" ({marked(item.note, anchor)})" if item.note else ""
        payer = f", paid by {exempt(names.get(item.payer, item.payer), 'id')}" if item.payer else ""
        what = exempt("; ".join(dict.fromkeys(names.get(t, t) for t in item.target.split(", "))), "id")
        instruments.append(f"{escape(item.title or item.type)}: {what}{magnitude}{start}{end}{payer}{note}")
    failures = ""
    if proposal.failures:
        count = linked(str(proposal.failures), "set-draws")
        failures = f"<p>{count} of the draws did not solve and are left out of its ranges.</p>"
    status = "" if proposal.status == "solved" else f'<p class="note">No result: {marked(proposal.status, anchor)}</p>'
    alternatives = (f"{exempt(a.id, 'id')}: {marked(a.difference, anchor)}" for a in proposal.alternatives)
    return (
        f'<article class="card" id="proposal-{escape(slug(proposal.id))}"><h3>{exempt(proposal.id, "id")}</h3>'
        f'<p class="title">{marked(proposal.title, anchor)}</p>{status}'
        f"<h4>As modelled</h4><p>{marked(proposal.reading, anchor)}</p>"
        + listed("Instruments", instruments)
        + listed("Conditions", (marked(text, anchor) for text in proposal.conditions))
        + listed("Other readings, which ship and run", alternatives)
        + listed("Not modelled", (marked(text, anchor) for text in proposal.not_modelled))
        + f"<h4>Sources</h4><p>{sources_html(document, proposal.sources)}</p>{failures}</article>"
    )


def _press(document: ComparisonDocument) -> str:
    rows = []
    for number, figure in enumerate(document.press, start=1):
        anchor = _first_anchor(document, figure.refs, f"press-{number}")
        rows.append(
            f'<tr id="press-{number}"><td>{marked(figure.text, anchor)}</td>'
            f'<td class="verdict">{marked(figure.verdict, anchor)}</td><td>{marked(figure.detail, anchor)}</td>'
            f"<td>{refs_html(document, figure.refs)}</td></tr>"
        )
    if not rows:
        return '<h2 id="press">Press figures</h2><p>The case names none.</p>'
    return (
        '<h2 id="press">Press figures</h2><p>Figures that were printed at the time, set against the rows of evidence. '
        "A row that stems from the same report is not used to check it.</p>"
        + html_table(["as printed", "the record", "in detail", "rows"], rows)
    )


def _limits(document: ComparisonDocument) -> str:
    case = document.case
    items = "".join(f"<li>{marked(text, 'text-case')}</li>" for text in case.not_modelled)
    percent = (
        f"Below {linked(str(PERCENT_FROM), 'ind-works')} draws no percentage of them is printed. "
        if case.draws < PERCENT_FROM
        else ""
    )
    return (
        '<h2 id="limits">How to read this</h2><div class="note"><p>The tool compares the proposals and recommends '
        "none. Goals and judgements belong to those who hold them.</p></div><ul>"
        "<li>A share of futures is a <em>share of the cases tried</em>, with the weights of the sampler. It is not a "
        f"chance of anything happening. {percent}</li>"
        "<li>Flows of a place that publishes none are an <em>estimate from partner-country data</em>, not observed."
        "</li>"
        "<li>Who holds a mine, a gate or a road is <em>de facto control</em>, with its date and source in the case; it "
        "says nothing of title.</li>"
        "<li>An unrecorded flow under a sanction is a construct of the model.</li>"
        "<li>Agreement with the base year tests the program. It is no evidence that the model is right.</li></ul>"
        + (f"<h3>What the case does not model</h3><ul>{items}</ul>" if items else "")
    )


def _indicators(document: ComparisonDocument) -> str:
    parts = [
        (
            '<h2 id="indicators">Indicators</h2><p>Each number above leads to a row here; the row leads to the claims '
            "and assumptions that the result rests on.</p>"
        )
    ]
    # A trade that a case does not hold has no indicator; sets of barriers have their own field.
    found = {"barriers"}.union(*(p.indicators for p in document.proposals))
    shown = [definition for key, definition in INDICATORS.items() if key in found]
    parts += [_indicator(document, definition.worded(document.case.wording)) for definition in shown]
    return "".join(parts)


def _indicator(document: ComparisonDocument, definition: Indicator) -> str:
    rows = []
    signed = definition.sense == "difference"
    for proposal in document.proposals:
        result = proposal.indicators.get(definition.key)
        anchor = result_anchor(definition.key, proposal.id)
        refs = result.refs if result else ()
        target = _first_anchor(document, refs, f"ind-{slug(definition.key)}")
        value = _linked_value(result.value if result else None, None, definition.unit, target, signed=signed)
        band = band_of(result) if result else None
        spread = linked(range_text(band[0], band[2], definition.unit, signed=signed), target) if band else DASH
        paired = DASH
        if result and result.paired is not None:
            paired = linked(range_text(result.paired[0], result.paired[2], definition.unit, signed=True), target)
        count = DASH
        if result and result.k is not None and result.n:
            count = linked(share_text(result.k, result.n), target)
        if definition.sense == "list":
            value = linked(str(len(proposal.barriers)), "true") + " sets" if proposal.barriers else DASH
        rows.append(
            f'<tr id="{escape(anchor)}"><th scope="row">{exempt(proposal.id, "id")}</th><td class="n">{value}</td>'
            f'<td class="n">{spread}</td><td class="n">{paired}</td><td class="n">{count}</td>'
            f"<td>{refs_html(document, refs)}</td></tr>"
        )
    unit = "share" if definition.unit == "1" else unit_text(definition.unit) or "names"
    head = ["proposal", f">{exempt(unit, 'label')}", f">{exempt('P10 to P90', 'label')}", ">against the status quo"]
    head += [">k of n", "rests on"]
    source = f" Definition after: {exempt(definition.source, 'citation')}." if definition.source else ""
    return (
        f'<section id="ind-{escape(slug(definition.key))}"><h3>{exempt(definition.title, "label")} '
        f'<code data-exempt="id">{escape(definition.key)}</code></h3>'
        f'<p data-exempt="label">{escape(definition.formula)}. {escape(definition.sign)}{source}</p>'
        f"{html_table(head, rows)}{_by_label(document, definition)}</section>"
    )


def _by_label(document: ComparisonDocument, definition: Indicator) -> str:
    """The values by year, or in the headline year by the other dimensions, with a column for each proposal."""
    key, suffix = definition.key, f"/{document.case.headline_year}"
    labels: dict[str, None] = {}
    for proposal in document.proposals:
        result = proposal.indicators.get(key)
        for label in result.by if result else ():
            if len(definition.by) <= 1 or label.endswith(suffix):
                labels[label] = None
    if not labels:
        return ""
    shown = [p for p in document.proposals if key in p.indicators]
    rows = []
    for label in labels:
        cells = []
        for proposal in shown:
            result = proposal.indicators[key]
            band = band_of(result, label)
            anchor = _first_anchor(document, result.refs, f"ind-{slug(key)}")
            value = _linked_value(
                result.by.get(label), band, definition.unit, anchor, signed=definition.sense == "difference"
            )
            cells.append(f'<td class="n">{value}</td>')
        names = document.case.names
        words = ", ".join(names.get(part, part) for part in label.removesuffix(suffix).split("/"))
        rows.append(f'<tr><th scope="row">{exempt(words, "id")}</th>{"".join(cells)}</tr>')
    by = " and ".join(part for part in definition.by if part != "year") or "year"
    when = "" if len(definition.by) <= 1 else f" in {exempt(suffix[1:], 'year')}"
    table = html_table([escape(by), *(f">{exempt(p.id, 'id')}" for p in shown)], rows)
    return f"<details><summary>By {escape(by)}{when}</summary>{table}</details>"


def _cell(proposal: ProposalResult, key: str, label: str | None = None, *, signed: bool = False, unit: str = "") -> str:
    result = proposal.indicators.get(key)
    if result is None:
        return f'<td class="n">{DASH}</td>'
    value = result.value if label is None else result.by.get(label)
    anchor = result_anchor(key, proposal.id)
    band = band_of(result, label)
    if unit == "million":
        value = None if value is None else value / 1e6
        band = None if band is None else Band(*(bound / 1e6 for bound in band))
    shown = _linked_value(value, band, unit or result.unit, anchor, signed=signed)
    if result.n and result.k is not None and (key == "first_year" or 0 < result.k < result.n):
        shown += f'<span class="range">in {linked(share_text(result.k, result.n).split(" (")[0], anchor)}</span>'
    return f'<td class="n">{shown}</td>'


def _linked_value(value: float | None, band: Band | None, unit: str, anchor: str, *, signed: bool = False) -> str:
    if value is None:
        return "never" if unit == "year" else DASH
    text = linked(value_text(value, unit, signed=signed and value != 0), anchor)
    if band is not None and band[0] != band[2]:
        text += f'<span class="range">{linked(range_text(band[0], band[2], unit, signed=signed), anchor)}</span>'
    return text


def _stops_at(proposal: ProposalResult) -> str:
    waterfall = proposal.waterfall
    if waterfall is None or len(waterfall.steps) < 2 or waterfall.steps[0].value <= 0:
        return DASH
    position, lost = largest_loss(waterfall)
    step = waterfall.steps[position]
    number = linked(number_text(lost), step_anchor(proposal.id, step.id))
    return f'{exempt(step.label, "label")}<span class="range">takes {number} t</span>'


def _works(proposal: ProposalResult) -> str:
    works = proposal.indicators.get("works")
    if works is None or not works.n or works.k is None:
        return DASH
    text, _, rest = share_text(works.k, works.n).partition(" (")
    anchor = result_anchor("works", proposal.id)
    small = f'<span class="range">{linked(rest.rstrip(")"), anchor)}</span>' if rest else ""
    return linked(text, anchor) + small


def _year(document: ComparisonDocument) -> str:
    return exempt(str(document.case.headline_year), "year")


def _first_anchor(document: ComparisonDocument, refs: Sequence[str], otherwise: str) -> str:
    return evidence_anchor(document, refs[0]) if refs else otherwise


def _references(document: ComparisonDocument) -> list[str]:
    refs: list[str] = [doubt.ref for doubt in document.doubts]
    for figure in document.press:
        refs += figure.refs
    for found in document.outlook.values():
        refs += [ref for item in found for ref in item.refs]
    for proposal in document.proposals:
        for result in proposal.indicators.values():
            refs += result.refs
        for step in proposal.waterfall.steps if proposal.waterfall else ():
            refs += step.refs
        refs += [ref for barrier in proposal.barriers for ref in barrier.refs]
        refs += [ref for rung in proposal.ladder for ref in rung.refs]
        refs += [ref for item in proposal.instruments for ref in item.refs]
        refs += proposal.freight.refs if proposal.freight else ()
    return refs
