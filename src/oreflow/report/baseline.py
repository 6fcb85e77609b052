"""The page of a base year: what was observed, what the balance makes of it, and where the prices go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from oreflow.report.evidence import html_table
from oreflow.report.marks import DASH, MINUS, number_text
from oreflow.report.style import STYLE

if TYPE_CHECKING:
    from oreflow.baseline.crossing import Crossing, FlowEstimate
    from oreflow.study.account import BaseAccount

_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8a949e"
_SHOWN = 40
_SIDES = {"two_sided": "both", "importer_only": "importer only", "exporter_only": "exporter only"}
_OWN_STYLE = """
.big { display: flex; flex-wrap: wrap; gap: 10px 40px; margin: 10px 0 4px; padding: 0; list-style: none; }
.big b { display: block; font-size: 25px; line-height: 1.2; } .big span { color: var(--muted); font-size: 13px; }
svg.sankey { min-width: 860px; } svg.sankey .gap { fill: none; stroke: #D55E00; stroke-dasharray: 3 2; }
td.odd { color: #B34700; font-weight: 600; } section { margin-top: 0; }
"""


def place_name(account: BaseAccount, identifier: str) -> str:
    """Return the name of a place, commodity, actor or process; the identifier where it has none."""
    return account.names.get(identifier, identifier)


def observation_name(account: BaseAccount, name: str) -> str:
    """Return an observation's name in words: "output:ox_nd:INDIA" as "output of Nd oxide, India".

    Args:
        account: the base year, for the names.
        name: kind, commodity and place, or two places joined by "->".
    """
    kind, _, rest = name.partition(":")
    what, _, where = rest.partition(":")
    places = " to ".join(place_name(account, part).split(":")[0] for part in where.split("->") if part)
    return f"{kind} of {place_name(account, what)}" + (f", {places}" if places else "")


def plus_minus(mean: float | None, sd: float | None) -> str:
    """Return a mean with its standard deviation, as `28,300 ± 4,400`; `not determined` where there is none.

    Args:
        mean: any number, or None.
        sd: its standard deviation.

    Example:
        >>> plus_minus(28262.7, 4435.9)
        '28,300 ± 4,440'
    """
    if mean is None or sd is None:
        return "not determined"
    return f"{number_text(mean)} ± {number_text(sd)}"


def crossing_words(account: BaseAccount) -> tuple[str, ...]:
    """Return in words what crosses the border, by the border's own sources and by the whole network.

    Args:
        account: of a base year.
    """
    whole = {(c.label, c.basis): c for c in account.posterior.crossings}
    alone = {(c.label, c.basis): c for c in account.alone}
    lines = []
    for key in [key for key in whole if key[0] == "all tracked ore"]:
        near, all_ = alone.get(key), whole[key]
        own = plus_minus(near.mean, near.sd) if near is not None else "not determined"
        lines.append(f"{key[1]}: {plus_minus(all_.mean, all_.sd)} t by all sources; {own} t by the border's own")
    lines.append(f"The market starts from {number_text(account.level_reo)} t REO.")
    return tuple(lines)


def agreement_words(account: BaseAccount) -> tuple[str, ...]:
    """Return in words what the global and the measurement test say.

    Args:
        account: of a base year.
    """
    p = account.posterior
    largest = max((o for o in p.observations if o.statistic is not None), key=lambda o: abs(o.statistic or 0.0))
    chance = "none" if p.global_p is None else f"{p.global_p:.3f}"
    verdict = (
        "the observations contradict each other more than their errors allow"
        if p.global_p is not None and p.global_p < 0.05
        else "the observations agree within their errors"
    )
    if p.global_p is not None and p.global_p > 0.999:
        verdict += ", and better than these suggest: the stated errors are wide"
    found = (
        "No observation stands out."
        if not p.suspects
        else "Under suspicion: "
        + "; ".join(f"{observation_name(account, s.name)} ({s.statistic:+.1f} sd)" for s in p.suspects)
        + "."
    )
    return (
        f"Global test: weighted squares {p.objective:.1f} on {p.degrees_of_freedom} degrees of freedom, chance of more "
        f"without gross errors {chance}: {verdict}.",
        f"Measurement test: largest {largest.statistic:+.2f} sd ({observation_name(account, largest.name)}); "
        f"level for one in twenty {p.critical:.2f}. {found}",
    )


def observability_words(account: BaseAccount) -> str:
    """Return how many flows are observed, inferable from balances, and unobservable; none of the last has a number."""
    count = {"observed": 0, "inferable": 0, "unobservable": 0}
    for flow in account.posterior.flows:
        count[flow.observability] += 1
    return (
        f"{count['observed']} flows stand in an observation, {count['inferable']} follow from balances alone, "
        f"{count['unobservable']} are unobservable: no number is given for these, and where the market needs one the "
        "least-cost split supplies it."
    )


def wedge_words(account: BaseAccount) -> tuple[str, ...]:
    """Return in words what the wedge table says: how large the residuals are, who receives rent, and what is odd.

    Args:
        account: of a base year.
    """
    used = account.wedges
    large = [w for w in used if w.share > 0.05]
    received: dict[str, float] = {}
    for w in used:
        if w.rent > 0 and w.receiver:
            received[w.receiver] = received.get(w.receiver, 0.0) + w.rent * w.level
    lines = [
        f"Of {len(used)} processes and routes in use, {len(used) - len(large)} earn their sourced cost, charges and "
        f"rent within 5% of their price; {len(large)} keep a residual that no source explains."
    ]
    for w in large[:3]:
        side = "more than cost, charges and rent" if w.residual > 0 else "less than it costs"
        lines.append(
            f"{_activity(account, w.activity)}: the price leaves {number_text(abs(w.residual))} USD/t {side} "
            f"({w.share:.0%} of it); the model keeps this as a shift that no measure removes."
        )
    for name, amount in sorted(received.items(), key=lambda item: -item[1])[:5]:
        lines.append(f"Rent of {number_text(amount / 1e6)} million USD a year goes to {_names(account, name)}.")
    lines.append(
        "Rent stays when a levy rises, up to its size; a cost or a residual does not. Which of the two the gap between "
        "price and sourced cost is, is an uncertainty where no source splits it (rent_share)."
    )
    return tuple(lines)


def render_baseline(account: BaseAccount, version: str = "", as_of: str = "") -> str:
    """Return a base year as one HTML page that needs no network and no script.

    Args:
        account: of a base year.
        version: of the program, for the last line.
        as_of: date up to which claims were visible, empty for no limit.

    Returns:
        HTML; all text of the case is escaped.
    """
    sections = (
        ("crossing", "What crosses the border", _crossing(account)),
        ("flows", "From mine to separation", _sankey_section(account)),
        ("observations", "Before and after", _observations(account)),
        ("tests", "Do the sources agree?", _tests(account)),
        ("observability", "What can be seen", _observability(account)),
        ("mirror", "Mirror statistics", _mirror(account)),
        ("closure", "Assumptions that close the base year", _closure(account)),
        ("wedges", "Where the price goes", _wedges(account)),
        ("absences", "What did not run, and why", _absences(account)),
        ("paths", "How much of each proposal's path existed", _paths(account)),
    )
    links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title, _ in sections)
    body = "".join(f'<section id="{anchor}"><h2>{title}</h2>{html}</section>' for anchor, title, html in sections)
    switches = "".join(f"<li>{escape(k)} <b>{escape(v)}</b></li>" for k, v in account.switches.items())
    return (
        '<!doctype html>\n<!-- written by oreflow -->\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">"
        f"<title>{escape(account.title)}: base year {account.year}</title>"
        f"<style>{STYLE}{_OWN_STYLE}</style></head><body>"
        f'<header class="page"><h1>{escape(account.title)}: base year {account.year}</h1>'
        '<p class="lead">Contradicting sources, reconciled under mass balance, with standard deviations.</p>'
        f'<ul class="facts"><li>as of <b>{escape(as_of or "no limit")}</b></li>{switches}'
        f"<li>numbers <b>t a year, mean ± one standard deviation</b></li></ul>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header><main>{body}</main>'
        f"<footer>Written by oreflow {escape(version)}.</footer></body></html>\n"
    )


def _crossing(account: BaseAccount) -> str:
    whole = [c for c in account.posterior.crossings if c.label == "all tracked ore"]
    alone = {(c.label, c.basis): c for c in account.alone}
    cards = "".join(
        f"<li><b>{plus_minus(c.mean, c.sd)}</b><span>t {escape(c.basis)}, all sources</span></li>"
        for c in whole
        if c.basis != "gross weight"
    )
    rows = []
    for c in account.posterior.crossings:
        near = alone.get((c.label, c.basis))
        rows.append(
            _row(
                _route_label(account, c), c.basis,
                plus_minus(near.mean, near.sd) if near else DASH, plus_minus(c.mean, c.sd),
            )
        )  # fmt: skip
    table = html_table(["flow", "as", ">by the border's own sources, t", ">by all sources, t"], rows)
    record = html_table(
        ["claim", "what it says", "element", ">value", ">range", "unit", "source", "grade", "derived from"],
        [
            _row(
                r.claim, r.subject, r.element, number_text(r.value),
                DASH if r.low is None or r.high is None else f"{number_text(r.low)} to {number_text(r.high)}",
                r.unit, r.source, r.grade, ", ".join(r.derived_from) or DASH, numbers=(3, 4),
            )
            for r in account.record
        ],
        caption=f"The record of {account.year}: claims about the country in which the ore is mined",
    )  # fmt: skip
    near_families = [f for f in account.families if any(o.startswith("flow:") for o in f.observations)]
    families = "".join(
        f"<li>{escape(', '.join(f.claims))}: {len(f.observations)} observations share their error</li>"
        for f in near_families
    )
    changed = ""
    if account.replaced:
        listed = "".join(
            f"<li>{escape(r.claim)}, {escape(r.subject)}: {_cell(r.value)} becomes {_cell(r.other)} {escape(r.unit)} "
            f"({escape(r.by)})</li>"
            for r in account.replaced
        )
        held = ", ".join(account.held_claims)
        changed = (
            f'<div class="note"><b>A check, not another case.</b> Figures of {account.year} took the place of the base '
            f"year's where the ledger has them; {account.held} observations of the rest of the network keep the base "
            "year's, so all sources together mix two years and the column of the border's own sources is the one to "
            f"read.{' Still of the base year: ' + escape(held) + '.' if held else ''}<ul>{listed}</ul></div>"
        )
    return (
        f'<ul class="big">{cards}</ul>{changed}'
        f"<p>The market starts from {number_text(account.level_reo)} t REO. The sds hold errors that sources share: "
        "claims derived from one another count as one observation with a transformation error, so repeating a figure "
        f"adds nothing.</p>{table}"
        f"<details><summary>Families of observations that include a flow ({len(near_families)})</summary>"
        f"<ul>{families}</ul></details>{record}"
    )


def _route_label(account: BaseAccount, crossing: Crossing) -> str:
    goods, _, path = crossing.label.partition(": ")
    if not path:
        return crossing.label
    start, _, end = path.partition(" to ")
    return f"{place_name(account, goods)}: {place_name(account, start)} to {place_name(account, end)}"


def _observations(account: BaseAccount) -> str:
    ordered = sorted(account.posterior.observations, key=lambda o: -abs(o.adjustment))

    def rows(which: Iterable[object]) -> list[str]:
        return [
            _row(
                observation_name(account, o.name), plus_minus(o.value, o.sd), plus_minus(o.fitted, o.fitted_sd),
                _signed(o.adjustment), DASH if o.statistic is None else _signed(o.statistic),
                "yes" if o.redundant else "no", DASH if o.family is None else str(o.family + 1), numbers=(1, 2, 3, 4),
            )
            for o in ordered
            if o in which
        ]  # fmt: skip

    head = [
        "observation", ">reported, t", ">reconciled, t", ">adjustment, sd", ">test, sd", "others predict it", "family",
    ]  # fmt: skip
    first = html_table(head, rows(ordered[:_SHOWN]), caption="Largest adjustments first, in standard deviations")
    rest = ordered[_SHOWN:]
    more = f"<details><summary>The other {len(rest)}</summary>{html_table(head, rows(rest))}</details>" if rest else ""
    return f"{_bars(account)}{first}{more}"


def _bars(account: BaseAccount) -> str:
    """Return the largest adjustments as bars, in standard deviations."""
    shown = sorted(account.posterior.observations, key=lambda o: -abs(o.adjustment))[:12]
    width, row, middle = 860, 20, 600
    scale = 170.0 / max([abs(o.adjustment) for o in shown] + [1e-9])
    bars = []
    for k, o in enumerate(shown):
        y, length = k * row + 6, o.adjustment * scale
        left = min(middle, middle + length)
        end = middle + length + (6 if length >= 0 else -6)
        anchor = "start" if length >= 0 else "end"
        bars.append(
            f'<text x="370" y="{y + 12}" text-anchor="end" class="small">'
            f"{escape(observation_name(account, o.name))}</text>"
            f'<rect x="{left:.1f}" y="{y}" width="{abs(length):.1f}" height="14" fill="{_BLUE}"/>'
            f'<text x="{end:.1f}" y="{y + 12}" text-anchor="{anchor}" class="small">{_signed(o.adjustment)}</text>'
        )
    height = len(shown) * row + 10
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img" aria-label="Largest adjustments in sds">'
        f'{"".join(bars)}<line x1="{middle}" y1="0" x2="{middle}" y2="{height}" stroke="{_GREY}"/></svg>'
        "<figcaption>How far the balance moves each observation, in its standard deviations</figcaption></figure>"
    )


def _tests(account: BaseAccount) -> str:
    words = "".join(f"<p>{escape(line)}</p>" for line in agreement_words(account))
    rows = [
        _row(name, _signed_amount(gap), number_text(size), f"{gap / size:+.0%}" if size else DASH, numbers=(1, 2, 3))
        for name, gap, size in account.posterior.imbalances[:20]
    ]
    table = html_table(
        ["market", ">in less out as reported, t", ">throughput, t", ">share"], rows,
        caption="Imbalances before the reconciliation, where everything that enters and leaves is reported",
    )  # fmt: skip
    return words + table


def _observability(account: BaseAccount) -> str:
    groups: dict[str, list[FlowEstimate]] = {"unobservable": [], "inferable": [], "observed": []}
    for flow in account.posterior.flows:
        groups[flow.observability].append(flow)
    parts = [f"<p>{escape(observability_words(account))}</p>"]
    for state, flows in groups.items():
        rows = [
            _row(
                _activity(account, f.activity), f.kind, place_name(account, f.place), plus_minus(f.mean, f.sd),
                number_text(f.level), numbers=(3, 4),
            )
            for f in sorted(flows, key=lambda f: -f.level)
        ]  # fmt: skip
        if rows:
            table = html_table(["flow", "kind", "place", ">reconciled, t", ">the market starts from, t"], rows)
            parts.append(f"<details><summary>{state}: {len(rows)}</summary>{table}</details>")
    return "".join(parts)


def _mirror(account: BaseAccount) -> str:
    if not account.mirror:
        return "<p>The ledger holds no flow of this year as customs report it by partner.</p>"
    one_sided = sum(line.status != "two_sided" for line in account.mirror)
    rows = [
        _row(
            m.flow, _cell(m.importer), _cell(m.exporter),
            _SIDES.get(m.status, DASH),
            DASH if m.low is None or m.high is None else f"{number_text(m.low)} to {number_text(m.high)}",
            numbers=(1, 2, 4),
        )
        for m in account.mirror
    ]  # fmt: skip
    return (
        f"<p>{one_sided} of {len(account.mirror)} flows rest on one side's report: for these the interval is the usual "
        "error of a report and no second source stands behind it. The exporter of the tracked ore reports nothing.</p>"
        + html_table(
            ["flow", ">importer, t gross", ">exporter, t gross", "who reports", ">90% interval, t"],
            rows,
        )
    )


def _closure(account: BaseAccount) -> str:
    rows = [
        _row(
            c.name, c.subject, c.value, DASH if c.low is None or c.high is None else f"{c.low:,.6g} to {c.high:,.6g}",
            c.grade, c.reason, numbers=(2, 3),
        )
        for c in account.closure
    ]  # fmt: skip
    head = ["assumption", "what it is", ">value", ">range", "grade", "reason"]
    switches = ", ".join(f"{name} = {option}" for name, option in account.switches.items())
    return (
        "<p>Chinese oxide output excludes scrap; use is oxide from ore and scrap, less exports and stock change. "
        f"The level of demand is a named switch ({escape(switches)}), not a range. Most used first:</p>"
        + html_table(head, rows[:15])
        + f"<details><summary>The other {max(len(rows) - 15, 0)}</summary>{html_table(head, rows[15:])}</details>"
    )


def _wedges(account: BaseAccount) -> str:
    words = "".join(f"<p>{escape(line)}</p>" for line in wedge_words(account))
    head = [
        "activity", "place", ">t a year", ">price, USD/t", ">cost", ">charges", ">rent", "to whom", ">residual",
        ">share",
    ]  # fmt: skip
    rows = [
        _row(
            _activity(account, w.activity), place_name(account, w.place), number_text(w.level), number_text(w.value),
            number_text(w.cost), number_text(w.charges), number_text(w.rent), _names(account, w.receiver) or DASH,
            number_text(w.residual), f"{w.share:.1%}", numbers=(2, 3, 4, 5, 6, 8, 9),
        )
        for w in account.wedges
    ]  # fmt: skip
    return (
        words
        + html_table(head, rows[:25], caption="Largest residual first, USD per t of what the activity handles")
        + f"<details><summary>The other {max(len(rows) - 25, 0)}</summary>{html_table(head, rows[25:])}</details>"
    )


def _absences(account: BaseAccount) -> str:
    unexplained = "".join(f"<li>{escape(text)}</li>" for text in account.unexplained)
    note = (
        f'<div class="note"><b>Nothing explains:</b><ul>{unexplained}</ul></div>'
        if unexplained
        else "<p>Every activity that would have paid and did not run has a barrier named.</p>"
    )
    kinds: dict[str, list[str]] = {}
    for a in account.absences:
        kinds.setdefault(a.kind or "not stated", []).append(
            _row(_activity(account, a.activity), place_name(account, a.place), a.explanation)
        )
    parts = [
        f"<details><summary>{escape(kind)}: {len(rows)}</summary>"
        f"{html_table(['process or route', 'place', 'what stopped it'], rows)}</details>"
        for kind, rows in kinds.items()
    ]
    return note + "".join(parts)


def _paths(account: BaseAccount) -> str:
    rows = [
        _row(
            p.proposal, p.title, f"{p.existing} of {p.total}" if p.total else "acts on no route or plant",
            ", ".join(p.missing[:6]) + (f" and {len(p.missing) - 6} more" if len(p.missing) > 6 else ""), numbers=(2,),
        )
        for p in account.paths
    ]  # fmt: skip
    return (
        "<p>Of the routes and plants on which a proposal's measures act, how many ran in the base year; for the others "
        "no observed quantity stands behind the model's numbers, only engineering.</p>"
        + html_table(["proposal", "title", ">ran", "did not run"], rows)
    )


def _sankey_section(account: BaseAccount) -> str:
    return (
        '<figure><div class="scroll" tabindex="0" role="region" aria-label="flows">'
        f"{sankey(account)}</div><figcaption>t REO a year, reconciled; ± one standard deviation. A dashed frame shows "
        "what was reported before the balance, and the difference.</figcaption></figure>"
    )


def sankey(account: BaseAccount) -> str:
    """Return the tracked ore's way from mine over the border to separation, with what was reported beside each flow.

    Args:
        account: of a base year.

    Returns:
        SVG; the dashed frame at a flow is as wide as its reported amount, and the gap to the band is the imbalance.
    """
    borders = {c.label for c in account.posterior.crossings if ": " in c.label}
    flows = {f.activity: f for f in account.posterior.flows}
    routes = [
        f for f in flows.values()
        if f.kind == "route" and f"{f.commodity}: {f.place} to {f.to_place}" in borders and f.level > 1.0
    ]  # fmt: skip
    if not routes:
        return "<svg></svg>"
    reported: dict[str, list[float]] = {}
    for o in account.posterior.observations:
        running = [(name, weight) for name, weight in o.terms if name in flows and flows[name].level > 1.0]
        if len(running) == 1 and running[0][1]:
            reported.setdefault(running[0][0], []).append(o.value / running[0][1])
    total = sum(f.mean or f.level for f in routes)
    scale, gap, top = 250.0 / max(total, 1e-9), 44.0, 34.0
    routes.sort(key=lambda f: -(f.mean or f.level))
    parts, y = [], top
    height = top + scale * total + gap * len(routes) + 10
    middle: list[str] = []
    into_y = top + gap * (len(routes) - 1) / 2.0
    box = f'<rect x="760" y="{into_y:.1f}" width="14" height="{scale * total:.1f}" fill="{_GREY}"/>'
    for f in routes:
        amount = f.mean or f.level
        thick = max(scale * amount, 1.0)
        source = f"{f.commodity}@{f.place}"
        mines = [m for m in flows.values() if m.kind == "process" and any(n == source and v > 0 for n, v in m.flows)]
        mined = sum((m.mean or m.level) * dict(m.flows)[source] for m in mines)
        said = [value for m in mines for value in reported.get(m.activity, ())]
        at_border = reported.get(f.activity, [])
        parts.append(
            f'<rect x="250" y="{y:.1f}" width="14" height="{thick:.1f}" fill="{_BLUE}"/>'
            f'<text x="242" y="{y + thick / 2 - 4:.1f}" text-anchor="end" class="value">'
            f"{escape(place_name(account, f.place).split(':')[0])}</text>"
            f'<text x="242" y="{y + thick / 2 + 11:.1f}" text-anchor="end" class="small">'
            f"mined {number_text(mined)}, reported {_several(said)}</text>"
        )
        middle.append(
            f'<path d="M264,{y:.1f} C510,{y:.1f} 510,{into_y:.1f} 760,{into_y:.1f} L760,{into_y + thick:.1f} '
            f'C510,{into_y + thick:.1f} 510,{y + thick:.1f} 264,{y + thick:.1f} Z" fill="{_BLUE}" fill-opacity="0.28"/>'
        )
        if at_border:
            mean = sum(at_border) / len(at_border)
            frame = max(scale * mean, 1.0)
            parts.append(f'<rect class="gap" x="268" y="{y:.1f}" width="30" height="{frame:.1f}"/>')
        gap_text = (
            f"reported {_several(at_border)}, balance {_signed_amount(amount - sum(at_border) / len(at_border))}"
            if at_border
            else "not reported: inferred"
        )
        parts.append(
            f'<text x="306" y="{y - 4:.1f}" class="small">{escape(place_name(account, f.commodity))}: '
            f"{plus_minus(f.mean, f.sd)}; {gap_text}</text>"
        )
        into_y += thick
        y += thick + gap
    where = place_name(account, routes[0].to_place) if len({f.to_place for f in routes}) == 1 else "across the border"
    centre = top + gap * (len(routes) - 1) / 2.0 + scale * total / 2.0
    label = (
        f'<text x="782" y="{centre - 4:.1f}" class="value">{escape(where.split(":")[0])}</text>'
        f'<text x="782" y="{centre + 12:.1f}" class="small">{number_text(total)} t REO</text>'
    )
    return (
        f'<svg class="sankey" viewBox="-60 0 960 {height:.0f}" role="img" aria-label="Tracked ore over the border">'
        f"{''.join(middle)}{''.join(parts)}{box}{label}</svg>"
    )


def _several(values: Sequence[float]) -> str:
    texts = list(dict.fromkeys(number_text(v) for v in values))
    return " and ".join(texts) if texts else "nothing"


def _activity(account: BaseAccount, name: str) -> str:
    base, _, feed = name.partition("[")
    words = place_name(account, base)
    return f"{words} ({place_name(account, feed.rstrip(']'))})" if feed else words


def _names(account: BaseAccount, text: str) -> str:
    return ", ".join(place_name(account, part) for part in text.split(", ")) if text else ""


def _row(*cells: str, numbers: Sequence[int] = (2, 3)) -> str:
    parts = ['<td class="n">' if k in numbers else "<td>" for k in range(len(cells))]
    return "<tr>" + "".join(f"{tag}{escape(cell)}</td>" for tag, cell in zip(parts, cells, strict=True)) + "</tr>"


def _cell(value: float | None) -> str:
    return DASH if value is None else number_text(value)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)


def _signed_amount(value: float) -> str:
    return number_text(value, signed=True)
