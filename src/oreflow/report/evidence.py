"""The last part of the report: a row with an anchor for every claim, assumption, source, text, setting and note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from oreflow.report.document import ComparisonDocument
from oreflow.report.marks import DASH, exempt, linked, marked, number_text, slug
from oreflow.report.sentences import evidence_anchor

SHOWN_REFS = 6
"""References named in a row; the rest is counted."""


def html_table(
    head: Sequence[str], rows: Iterable[str], *, caption: str = "", widths: Sequence[int] = (), kind: str = ""
) -> str:
    """Return a table whose head cells are HTML and whose rows are whole `tr` elements.

    Args:
        head: HTML of the column heads; one that starts with ">" is set to the right.
        rows: HTML.
        caption: HTML, left out where empty.
        widths: of the columns in percent, for a fixed layout.
        kind: class of the table.

    Returns:
        HTML, in a box that scrolls sideways and can be reached by the keyboard.
    """
    cells = "".join(
        f'<th scope="col" class="n">{cell[1:]}</th>' if cell.startswith(">") else f'<th scope="col">{cell}</th>'
        for cell in head
    )
    columns = "".join(f'<col style="width:{width}%">' for width in widths)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table'
        + (f' class="{kind}">' if kind else ">")
        + (f"<caption>{caption}</caption>" if caption else "")
        + (f"<colgroup>{columns}</colgroup>" if columns else "")
        + f"<thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def refs_html(document: ComparisonDocument, refs: Sequence[str]) -> str:
    """Return links to the first references of a result, and the count of the others.

    Args:
        document: with its evidence.
        refs: ids of claims and assumptions.

    Returns:
        HTML; a dash where there are none.
    """
    if not refs:
        return DASH
    links = [
        f'<a href="#{escape(evidence_anchor(document, ref))}"><code data-exempt="id">{escape(_bare(ref))}</code></a>'
        for ref in refs[:SHOWN_REFS]
    ]
    more = len(refs) - SHOWN_REFS
    if more > 0:
        links.append("and " + linked(str(more), "evidence") + " more")
    return ", ".join(links)


def evidence_html(document: ComparisonDocument, refs: Iterable[str]) -> str:
    """Return the evidence section.

    Args:
        document: the comparison.
        refs: every reference made on the page; one without a row is listed as missing.

    Returns:
        HTML of a section with the id `evidence`.
    """
    evidence = document.evidence
    parts = [
        '<section class="evidence" id="evidence"><h2>Evidence</h2>',
        (
            "<p>Every number above leads to a row here or to its indicator. Grades: A official statistics, B named "
            "research house or filing, C press that names its source, D anonymous, derived or uncertain, M unverified. "
            "A claim that is derived from another is no independent evidence.</p>"
        ),
        _grades(document),
        "<h3>Assumptions</h3>",
        html_table(
            ["id", "what", ">value", ">range", "unit", "grade", "reason"],
            [_assumption(document, key, row) for key, row in evidence.assumptions.items()],
            widths=(15, 21, 10, 11, 10, 6, 27),
        ),
        "<h3>Claims</h3>",
        html_table(
            ["id", "what", "period", ">value", ">range", "unit", "grade", "source and place in it", "note"],
            [_claim(document, key, row) for key, row in evidence.claims.items()],
            widths=(11, 19, 7, 10, 11, 9, 8, 14, 11),
        ),
        "<h3>Sources</h3><ul>",
        *(_source(key, row) for key, row in evidence.sources.items()),
        "</ul>",
        _texts(document),
        _settings(document),
        _missing(document, refs),
        "</section>",
    ]
    return "".join(parts)


def source_anchor(document: ComparisonDocument, key: str) -> str:
    """Return the anchor of a source, or that of the evidence where the document has no such source.

    Args:
        document: with its evidence.
        key: id of the source.

    Returns:
        The anchor without `#`.
    """
    return f"source-{slug(key)}" if key in document.evidence.sources else "evidence"


def sources_html(document: ComparisonDocument, keys: Sequence[str]) -> str:
    """Return links to sources by publisher and title.

    Args:
        document: with its evidence.
        keys: ids of sources.

    Returns:
        HTML, "none named" where there are none.
    """
    names = []
    for key in keys:
        row = document.evidence.sources.get(key, {})
        name = ", ".join(str(row[part]) for part in ("publisher", "title") if row.get(part)) or key
        names.append(f'<a href="#{source_anchor(document, key)}">{exempt(name, "citation")}</a>')
    return "; ".join(names) or "none named"


def _bare(ref: str) -> str:
    return ref.removeprefix("claim:").removeprefix("assume:").removeprefix("ind:")


def _grades(document: ComparisonDocument) -> str:
    counts: dict[str, list[int]] = {}
    for position, rows in enumerate((document.evidence.claims, document.evidence.assumptions)):
        for row in rows.values():
            counts.setdefault(str(row.get("grade") or "?"), [0, 0])[position] += 1
    rows_html = [
        f'<tr><th scope="row" class="grade">{escape(grade)}</th>'
        + "".join(f'<td class="n">{linked(str(number), "evidence")}</td>' for number in numbers)
        + "</tr>"
        for grade, numbers in sorted(counts.items())
    ]
    return html_table(["grade", ">claims", ">assumptions"], rows_html, caption="Rows by grade", widths=(20, 40, 40))


def _assumption(document: ComparisonDocument, key: str, row: Mapping[str, Any]) -> str:
    target = source_anchor(document, str(row.get("source") or ""))
    value = row.get("value")
    if isinstance(value, str):
        result = row.get("result")
        shown = f'<code data-exempt="id">{escape(value)}</code>' + (
            f" = {linked(_exact(result), target)}" if isinstance(result, int | float) else ""
        )
    else:
        shown = _number(value, target)
    source = str(row.get("source") or "")
    reason = marked(str(row.get("reason") or ""), target) + (f" ({sources_html(document, [source])})" if source else "")
    return (
        f'<tr id="assume-{escape(slug(key))}"><th scope="row"><code data-exempt="id">{escape(key)}</code></th>'
        f'<td>{marked(str(row.get("subject") or ""), target)}</td><td class="n">{shown}</td>'
        f'<td class="n">{_range(row, target)}</td><td>{_unit(row)}</td>'
        f'<td class="grade">{escape(str(row.get("grade") or ""))}</td><td>{reason}</td></tr>'
    )


def _claim(document: ComparisonDocument, key: str, row: Mapping[str, Any]) -> str:
    source = str(row.get("source") or "")
    target = source_anchor(document, source)
    derived = [name for name in str(row.get("derived_from") or "").split(";") if name.strip()]
    grade = escape(str(row.get("grade") or "")) + (", not independent" if derived else "")
    note = marked(" ".join(str(row.get(name) or "") for name in ("attribution", "note")).strip(), target)
    if derived:
        names = ", ".join(f'<code data-exempt="id">{escape(name.strip())}</code>' for name in derived)
        note = f"{note} Derived from {names}.".strip()
    where = exempt(str(row.get("locator") or ""), "citation")
    subject = ", ".join(str(row[name]) for name in ("subject", "place", "commodity", "element") if row.get(name))
    return (
        f'<tr id="claim-{escape(slug(key))}"><th scope="row"><code data-exempt="id">{escape(key)}</code></th>'
        f"<td>{marked(subject, target)}</td><td>{exempt(str(row.get('period') or ''), 'year')}</td>"
        f'<td class="n">{_number(row.get("value"), target)}</td><td class="n">{_range(row, target)}</td>'
        f'<td>{_unit(row)}</td><td class="grade">{grade}</td>'
        f"<td>{sources_html(document, [source]) if source else DASH} {where}</td><td>{note}</td></tr>"
    )


def _source(key: str, row: Mapping[str, Any]) -> str:
    url = str(row.get("url") or "")
    parts = [str(row[name]) for name in ("publisher", "title", "date", "citation", "licence") if row.get(name)]
    if row.get("doi"):
        parts.append(f"doi {row['doi']}")
    link = escape(url)
    if url.startswith(("https://", "http://")):
        link = f'<a href="{escape(url)}" rel="noreferrer">{escape(url)}</a>'
    return (
        f'<li id="source-{escape(slug(key))}" data-exempt="citation"><code>{escape(key)}</code> '
        f"{escape('. '.join(parts))}. {link}</li>"
    )


def _texts(document: ComparisonDocument) -> str:
    case = document.case
    rows = [
        (
            f'<tr id="text-case"><th scope="row">case</th><td>{exempt(case.id, "id")}: case.yaml</td>'
            "<td>as written by the authors of the case</td></tr>"
        )
    ]
    rows += [
        f'<tr id="text-{escape(slug(proposal.id))}"><th scope="row"><span data-exempt="id">{escape(proposal.id)}</span>'
        f"</th><td>reading, conditions, differences and notes of its instruments</td>"
        f"<td>{sources_html(document, proposal.sources)}</td></tr>"
        for proposal in document.proposals
    ]
    return "<h3>Texts of the case</h3>" + html_table(
        ["of", "what", "sources"],
        rows,
        caption="Numbers inside a text of the case lead here; they are words of its authors, not results.",
        widths=(22, 38, 40),
    )


def _settings(document: ComparisonDocument) -> str:
    case = document.case
    settings: dict[str, object] = {
        "threshold_t": case.threshold_t,
        "headline_year": case.headline_year,
        "draws": case.draws,
        "seed": case.seed,
        "run": case.run,
        "version": case.version,
    } | dict(document.settings)
    rows = [
        f'<tr id="set-{escape(slug(name))}"><th scope="row"><code data-exempt="id">{escape(name)}</code></th>'
        f'<td data-exempt="id">{escape(str(value))}</td></tr>'
        for name, value in settings.items()
    ]
    rows += [
        f'<tr id="set-time-{escape(slug(name))}"><th scope="row"><code data-exempt="id">{escape(name)}</code></th>'
        f"<td>{linked(number_text(seconds), 'set-time-' + slug(name))} s</td></tr>"
        for name, seconds in document.timings.items()
    ]
    notes = [
        f'<li id="note-{number}">{marked(note, f"note-{number}")}</li>'
        for number, note in enumerate(document.notes, start=1)
    ]
    return (
        "<h3>Settings and times of the run</h3>"
        + html_table(["name", "value"], rows, widths=(30, 70))
        + (f"<h3>Notes of the run</h3><ul>{''.join(notes)}</ul>" if notes else "")
    )


def _missing(document: ComparisonDocument, refs: Iterable[str]) -> str:
    missing = sorted({ref for ref in refs if evidence_anchor(document, ref).startswith("missing-")})
    if not missing:
        return ""
    rows = "".join(
        f'<li id="{escape(evidence_anchor(document, ref))}"><code data-exempt="id">{escape(_bare(ref))}</code></li>'
        for ref in missing
    )
    lead = "<p>The run names these, and its evidence does not hold them.</p>"
    return f"<h3>References without a row</h3>{lead}<ul>{rows}</ul>"


def _number(value: object, target: str) -> str:
    return linked(_exact(value), target) if isinstance(value, int | float) else DASH


def _range(row: Mapping[str, Any], target: str) -> str:
    low, high = row.get("low"), row.get("high")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return DASH
    return linked(f"{_exact(low)} to {_exact(high)}", target)


def _exact(value: float) -> str:
    return f"{value:,.10g}"


def _unit(row: Mapping[str, Any]) -> str:
    unit, basis = str(row.get("unit") or ""), str(row.get("basis") or "")
    return exempt(f"{unit} {basis}".strip() if basis not in unit else unit, "label")
