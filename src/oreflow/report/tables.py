"""What a comparison prints: the table of a terminal, rows for CSV, and the data of `--json`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from oreflow.report.document import BreakEven, ComparisonDocument, Freight, IndicatorResult, ProposalResult
from oreflow.report.indicators import INDICATORS
from oreflow.report.marks import DASH, number_text, parts_text, range_text, unit_text, value_text
from oreflow.report.sentences import (
    area_words,
    band_of,
    largest_loss,
    price_areas,
    price_elements,
    revenue_changes,
    sentences,
    share_text,
    shown_years,
)
from oreflow.report.wording import wording_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from oreflow.futures.comparison import Central

LEAST_REVENUE = 1e6
"""Changes of revenue below this, USD a year, are not named in the summary."""
REVENUE_ACTORS = 2
"""Actors named in the terminal's table for each proposal: those whose revenue changes most."""

DOUBTS = 3
"""Doubts named below the table."""

COLUMN_WIDTH = 18
"""Characters that a proposal takes in the terminal's table at least."""

CSV_COLUMNS = ("proposal", "indicator", "label", "unit", "value", "p10", "p50", "p90", "k", "n")


def comparison_rows(document: ComparisonDocument) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the compact comparison as text: a column a proposal, a row a measure.

    Args:
        document: the comparison; without draws no ranges are given.

    Returns:
        The heads, "measure" first, and the rows. A cell holds the central value and, on a line of its own, P10 to P90.

    Example:
        >>> comparison_rows(document)[0]  # doctest: +SKIP
        ('measure', 'status-quo', 'A', 'B')
    """
    case = document.case
    rows: list[tuple[str, ...]] = []

    def add(name: str, key: str, label: str | None = None, *, signed: bool = False) -> None:
        cells = [_cell(proposal.indicators.get(key), label, signed=signed) for proposal in document.proposals]
        rows.append((name, *cells))

    for year in shown_years(document):
        add(f"{case.wording.tracked} diverted {year}, t", "diverted_first", str(year))
    add(f"its value {case.headline_year}, USD", "diverted_value")
    add("REO diverted, t", "diverted_reo")
    rows.append(("first year", *(_first_year(proposal) for proposal in document.proposals)))
    add(f"net change {case.headline_year}, t", "net_ex_china_dytb", signed=True)
    for element in price_elements(document)[:1]:
        for area in price_areas(document)[:2]:
            add(
                f"{element} {area_words(document, area)} {case.headline_year}, USD/kg",
                "price",
                f"{area}/{element}/{case.headline_year}",
            )
    rows.append((f"revenue change {case.headline_year}, USD", *(_revenue(document, p) for p in document.proposals)))
    rows.append(("public cost, USD/kg", *(_cost(proposal) for proposal in document.proposals)))
    rows.append(("most tonnes stop at", *(_stops(proposal) for proposal in document.proposals)))
    rows.append(("barriers to remove", *(_barriers(proposal) for proposal in document.proposals)))
    rows.append((f"reaches {number_text(case.threshold_t)} t", *(_works(proposal) for proposal in document.proposals)))
    return ("measure", *(proposal.id for proposal in document.proposals)), tuple(rows)


def comparison_notes(document: ComparisonDocument) -> tuple[str, ...]:
    """Return the lines below the table: what is counted, dates, money, draws, run, doubts.

    Args:
        document: the comparison.

    Returns:
        Lines of plain text.
    """
    case = document.case
    lines = [
        (
            f"diverted: {case.tracked} first separated {case.wording.outside}; net change: all origins, against the "
            "status quo of the same draw"
        ),
        f"as of: {case.as_of or 'no limit'}",
        f"money: USD of {case.money_year}",
        f"draws: {case.draws} (seed {case.seed}); small figures: P10 to P90 of the cases tried"
        if case.draws
        else f"draws: none, central values only (seed {case.seed})",
        f"run: {case.run}",
    ]
    failed = [f"{p.id}: {p.status}" for p in document.proposals if p.status != "solved"]
    failed += _unsolved(document)
    lines += [f"not solved: {text}" for text in failed]
    lines += [
        f"doubt {rank}: {doubt.subject} (grade {doubt.grade}), moves the result by {number_text(doubt.effect)} "
        f"{unit_text(doubt.unit)}; {doubt.text}"
        for rank, doubt in enumerate(document.doubts[:DOUBTS], start=1)
    ]
    lines += _sign_notes(document)
    if case.as_of:
        lines += [note for note in document.notes if note.startswith(f"As of {case.as_of}: ")]
    return (*lines, "This compares the proposals and recommends none.")


def _unsolved(document: ComparisonDocument) -> list[str]:
    """Draws without an equilibrium, proposals with as many on one line."""
    alike: dict[int, list[str]] = {}
    for proposal in document.proposals:
        if proposal.failures:
            alike.setdefault(proposal.failures, []).append(proposal.id)
    return [
        f"{count} of {document.case.draws} draws, left out of the ranges, under "
        + ("every proposal" if len(names) == len(document.proposals) else ", ".join(names))
        for count, names in alike.items()
    ]


def _sign_notes(document: ComparisonDocument) -> list[str]:
    """Freight of each proposal's way out, and the values at which its effect changes sign; alike ones on one line."""
    tracked = document.case.wording.tracked
    freight = {p.id: _freight_note(p.freight, tracked) for p in document.proposals if p.freight is not None}
    signs = {p.id: _sign_note(document.outlook.get(p.id, ())) for p in document.proposals}
    return [f"freight, {text}" for text in _alike(freight)] + [f"changes sign, {text}" for text in _alike(signs)]


def _alike(texts: Mapping[str, str]) -> list[str]:
    """Return "A, B: text" for proposals with one text; nothing for an empty one."""
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        if text:
            names.setdefault(text, []).append(name)
    return [f"{', '.join(found)}: {text}" for text, found in names.items()]


def _freight_note(freight: Freight, tracked: str) -> str:
    text = f"to the plant in {freight.to} {freight.percent_of_value:.1f}%, {freight.usd_per_kg_dytb:.1f} USD"
    if freight.exit_percent_of_value is not None and freight.exit_usd_per_kg_dytb is not None:
        text = (
            f"to {freight.exit} {freight.exit_percent_of_value:.1f}% of the basket's value a tonne, "
            f"{freight.exit_usd_per_kg_dytb:.1f} USD per kg {tracked}; {text}"
        )
    return f"{text} ({freight.route})"


def _sign_note(outlook: Sequence[BreakEven]) -> str:
    found = {item.id: item for item in outlook}
    premium, separation = found.get("outside_premium"), found.get("outside_separation_cost")
    if premium is None or separation is None:
        return ""
    if premium.value is None:
        return f"never by price; {premium.note}"
    cost = "below nil" if separation.value is None else f"{number_text(separation.value)} USD/t REO"
    now = "" if separation.current is None else f" (now {number_text(separation.current)})"
    return f"outside premium x {premium.value:.2f}, or outside separation cost {cost}{now}; {premium.note}"


def comparison_table(document: ComparisonDocument, *, width: int = 160) -> RenderableType:
    """Return the comparison for a terminal: the table and the lines below it.

    Args:
        document: the comparison.
        width: of the terminal in characters; where the proposals do not fit beside each other, tables follow.

    Returns:
        What `rich.console.Console.print` takes; text of the case cannot set colours or move the cursor.

    Example:
        >>> from rich.console import Console
        >>> Console().print(comparison_table(document))  # doctest: +SKIP
    """
    from rich.console import Group
    from rich.text import Text

    head, rows = comparison_rows(document)
    fitting = max(1, (width - 20) // COLUMN_WIDTH)
    blocks: list[RenderableType] = [Text(_plain(document.case.title), style="bold")]
    for start in range(1, len(head), fitting):
        columns = [0, *range(start, min(start + fitting, len(head)))]
        blocks.append(_grid([head[at] for at in columns], [[row[at] for at in columns] for row in rows]))
    return Group(*blocks, *(Text(_plain(line), overflow="fold") for line in comparison_notes(document)))


def print_comparison(document: ComparisonDocument, *, file: TextIO) -> None:
    """Print the comparison as `comparison_table` gives it, as wide as the terminal; 160 characters into a file.

    Args:
        document: the comparison.
        file: where to print.
    """
    console = _console(file)
    console.print(comparison_table(document, width=console.width))


def print_sentences(document: ComparisonDocument, *, file: TextIO) -> None:
    """Print the five sentences of the report, numbered and folded to the terminal.

    Args:
        document: the comparison.
        file: where to print.
    """
    console = _console(file)
    for number, parts in enumerate(sentences(document), start=1):
        console.print(_plain(f"{number}. {parts_text(parts)}"), markup=False)


def print_central(central: Central, *, file: TextIO) -> None:
    """Print central values of the tonnes by year: what stands on the screen before the draws are run.

    Args:
        central: of `oreflow.futures.comparison`; proposals without an equilibrium are named with the cause.
        file: where to print.
    """
    case = central.base.case
    years = [str(year) for year in range(case.base_year + 1, case.end_year + 1)]
    rows = []
    for composition in central.compositions:
        tonnes = central.values[composition.name].get("diverted_first", {})
        rows.append((composition.name, *(number_text(tonnes[year]) if year in tonnes else DASH for year in years)))
    tracked = wording_of(case).tracked
    title = f"Central values: {tracked} of the tracked origin first separated outside, t a year"
    console = _console(file)
    console.print(_grid(("proposal", *years), rows, title))
    for name, outcome in central.outcomes.items():
        if not outcome.solved:
            console.print(_plain(f"not solved: {name}: {outcome.cause}"), markup=False)


def _console(file: TextIO) -> Console:
    from rich.console import Console

    console = Console(file=file, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)
    return console


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=Text(_plain(title)) if title else None, title_justify="left")
    for position, name in enumerate(head):
        table.add_column(Text(_plain(name)), justify="right" if position else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_two_lines(cell) for cell in row))
    return table


def comparison_values(document: ComparisonDocument) -> tuple[tuple[Any, ...], ...]:
    """Return every value of the comparison in long form.

    Args:
        document: the comparison.

    Returns:
        A row of `CSV_COLUMNS` for each proposal, indicator and label; the label is empty for the scalar value.
        A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    rows: list[tuple[Any, ...]] = []
    for proposal in document.proposals:
        for key, result in proposal.indicators.items():
            spread = result.p10, result.p50, result.p90
            rows.append((_cell_text(proposal.id), key, "", result.unit, result.value, *spread, result.k, result.n))
            for label, value in result.by.items():
                found = band_of(result, label) or (None, None, None)
                rows.append((_cell_text(proposal.id), key, _cell_text(label), result.unit, value, *found, None, None))
    return tuple(rows)


def comparison_csv(document: ComparisonDocument) -> str:
    """Return every value of the comparison as CSV.

    Args:
        document: the comparison.

    Returns:
        Lines under the heads of `CSV_COLUMNS`, each with a line break; what has no value is empty.

    Example:
        >>> comparison_csv(document).splitlines()[0]  # doctest: +SKIP
        'proposal,indicator,label,unit,value,p10,p50,p90,k,n'
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(comparison_values(document))
    return stream.getvalue()


def comparison_json(document: ComparisonDocument) -> dict[str, Any]:
    """Return the `data` of `oreflow compare --json`.

    Args:
        document: the comparison.

    Returns:
        `data["proposals"][ID]["indicators"][KEY]` with unit, value, by, p10, p50, p90 and further fields of
        `IndicatorResult`; beside it what each proposal is, its waterfall, barriers, ladder, freight and break-evens.

    Example:
        >>> comparison_json(document)["proposals"]["A"]["indicators"]["works"]["k"]  # doctest: +SKIP
        12
    """
    plain = document.to_dict()
    proposals = {}
    for proposal in plain.pop("proposals"):
        key = proposal["id"]
        proposal["break_evens"] = plain["outlook"].get(key, [])
        proposals[key] = proposal
    return {
        "proposals": proposals,
        "case": plain["case"],
        "definitions": {
            key: {"unit": item.unit, "formula": document.case.wording.fill(item.formula)}
            for key, item in INDICATORS.items()
        },
        "doubts": plain["doubts"],
        "notes": plain["notes"],
        "press": plain["press"],
        "settings": plain["settings"],
        "timings": plain["timings"],
    }


def _cell(result: IndicatorResult | None, label: str | None, *, signed: bool = False) -> str:
    value = None if result is None else result.value if label is None else result.by.get(label)
    if result is None or value is None:
        return DASH
    text = value_text(value, result.unit, signed=signed and value != 0)
    band = band_of(result, label)
    if band is None or band[0] == band[2]:
        return text
    return f"{text}\n{range_text(band[0], band[2], result.unit, signed=signed)}"


def _cost(proposal: ProposalResult) -> str:
    """Cost per kg, and the draws that gain a kg where not all do."""
    result = proposal.indicators.get("public_cost_per_kg")
    text = _cell(result, None)
    if result is None or not result.k or not result.n or result.k == result.n:
        return text
    return f"{text}\nin {result.k} of {result.n}"


def _first_year(proposal: ProposalResult) -> str:
    result = proposal.indicators.get("first_year")
    if result is None:
        return DASH
    text = "never" if result.value is None else value_text(result.value, "year")
    return f"{text}\nin {result.k} of {result.n}" if result.n and result.k is not None else text


def _revenue(document: ComparisonDocument, proposal: ProposalResult) -> str:
    changes = revenue_changes(document, proposal)
    largest = sorted(changes.items(), key=lambda item: (-abs(item[1][0]), item[0]))[:REVENUE_ACTORS]
    names = document.case.names
    lines = [
        f"{names.get(actor, actor)} {value_text(value, 'USD/yr', signed=True)}"
        for actor, (value, _) in largest
        if abs(value) >= LEAST_REVENUE
    ]
    return "\n".join(lines) or DASH


def _stops(proposal: ProposalResult) -> str:
    waterfall = proposal.waterfall
    if waterfall is None or len(waterfall.steps) < 2 or waterfall.steps[0].value <= 0:
        return DASH
    position, lost = largest_loss(waterfall)
    return f"{waterfall.steps[position].label}\n{number_text(lost)} t"


def _barriers(proposal: ProposalResult) -> str:
    return " + ".join(proposal.barriers[0].names) if proposal.barriers else DASH


def _works(proposal: ProposalResult) -> str:
    works = proposal.indicators.get("works")
    if works is None or not works.n or works.k is None:
        return DASH
    return share_text(works.k, works.n).replace(" (", "\n").rstrip(")")


def _two_lines(cell: str) -> Any:
    from rich.text import Text

    first, _, rest = _plain(cell).partition("\n")
    return Text.assemble(first, *([("\n" + rest, "dim")] if rest else []))


def _plain(text: str) -> str:
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in text)


def _cell_text(text: str) -> str:
    return "'" + text if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
