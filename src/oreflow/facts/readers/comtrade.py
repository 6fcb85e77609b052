"""UN Comtrade shapes in common: one record type; totals, breakdowns, duplicates and aggregates set apart.

Follows the UN Comtrade v1 data model; checks that hold on published years: `count` equals the records, and partners add
up to World within 1 USD and within 1 kg (older years are printed in whole kilograms) or 1e-9.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from oreflow.facts.areas import WORLD, Area
from oreflow.facts.readers.canonical import CanonicalRow, Closure, Draft, join_flags

SOURCE = "UN Comtrade"
ROW_LIMITS = (500, 100_000, 250_000, 2_500_000)
"""Rows at which a query is cut: preview, legacy, keyed, asynchronous."""

VALUE_TOLERANCE = 1.0
WEIGHT_TOLERANCE = 1e-9

FLOWS = {"M": "import", "X": "export", "RM": "re-import", "RX": "re-export"}

QUANTITY_UNITS: dict[str, str] = {
    "2": "m2", "3": "MWh", "4": "m", "5": "item", "6": "pair", "7": "l", "8": "kg", "9": "1000 item", "10": "package",
    "11": "dozen", "12": "m3", "13": "carat", "14": "GWh", "21": "l alc 100%", "22": "g", "25": "kWh", "29": "t dry",
    "34": "Bq", "36": "item",
}  # fmt: skip
"""Comtrade quantity unit code -> unit; -1 and 1 mean no quantity."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What `getMetadata` says of one reporter and period: valuation and the date of publication."""

    import_valuation: str
    export_valuation: str
    trade_system: str
    published: str


@dataclass(slots=True)
class TradeRecord:
    """One Comtrade record, checked field by field, before totals and breakdowns are set apart."""

    row: int
    period: str
    reporter: Area
    reporter_code: str
    partner: Area
    partner_code: str
    flow: str
    product: str
    revision: str
    product_name: str
    detail: tuple[str, str, str, str]
    value: float | None
    cif: float | None
    fob: float | None
    net_weight: float | None
    gross_weight: float | None
    quantity: float | None
    quantity_unit: str
    other_quantity: float | None
    other_unit: str
    weight_estimated: bool
    quantity_estimated: bool
    flags: tuple[str, ...]

    def key(self) -> tuple[str, str, str, str, str, str]:
        """Return what makes the record one observation, breakdowns apart."""
        return (self.period, self.reporter_code, self.partner_code, self.flow, self.revision, self.product)

    def numbers(self) -> tuple[float | None, ...]:
        """Return the record's numbers, to tell a repeated row from a contradicting one."""
        return (self.value, self.cif, self.fob, self.net_weight, self.gross_weight, self.quantity, self.other_quantity)


TOTAL_DETAIL = ("", "", "", "")


def read_product(code: str) -> tuple[str, tuple[str, ...]] | None:
    """Return a commodity code as text of even length.

    Args:
        code: the code as the file holds it.

    Returns:
        The code and flags, `leading_zero_restored` where an odd length shows that a zero was lost; None where it is
        no code.

    Example:
        >>> read_product("10121"), read_product("2846"), read_product("TOTAL")
        (('010121', ('leading_zero_restored',)), ('2846', ()), ('TOTAL', ()))
    """
    text = code.strip().removesuffix(".0")
    if text.upper() in {"TOTAL", "AG1", "AG2", "AG3", "AG4", "AG5", "AG6"}:
        return text.upper(), ()
    text = text.replace(".", "")
    if not re.fullmatch(r"\d{1,12}", text):
        return None
    if len(text) % 2:
        return "0" + text, ("leading_zero_restored",)
    return text, ()


def read_period(text: str) -> str | None:
    """Return a Comtrade period as `2023` or `2023-04`.

    Args:
        text: `2023`, `202304`, or with a trailing `.0` after a round trip through floats.

    Returns:
        The period; None where it is none.

    Example:
        >>> read_period("2023"), read_period("202304"), read_period("20.1")
        ('2023', '2023-04', None)
    """
    clean = text.strip().removesuffix(".0")
    if re.fullmatch(r"(?:19|20)\d\d", clean):
        return clean
    if re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])", clean):
        return f"{clean[:4]}-{clean[4:]}"
    return None


def separate(
    draft: Draft,
    records: list[TradeRecord],
    publications: Mapping[tuple[str, str], Publication] | None = None,
    vintage: str = "API v1",
) -> None:
    """Set totals, breakdowns, aggregates and duplicates apart and put the rest into the draft as canonical rows.

    Args:
        draft: receives rows, rejections by reason, closure, problems and notices.
        records: the checked records of one file.
        publications: by (reporter code, period), what the publication metadata says.
        vintage: written where no publication date is known.

    Example:
        >>> separate(Draft("a.json", ""), [])
    """
    check_row_limit(draft)
    records = _without_duplicates(draft, records)
    records = _without_breakdowns(draft, records)
    records = _without_aggregates(draft, records)
    _check_revisions(draft, records)
    records = _close_world(draft, records)
    known = publications or {}
    for record in records:
        publication = known.get((record.reporter_code, record.period[:4]))
        if publication is not None and publication.published:
            draft.vintage = max(publication.published, draft.vintage if draft.vintage[:1] == "2" else "")
        draft.rows.extend(_canonical(draft, record, publication, vintage))
    draft.used += len(records)


def check_row_limit(draft: Draft) -> None:
    """Note a problem where the rows of a file number exactly a limit of the service: the query was cut.

    Args:
        draft: its `rows_in` is looked at.

    Example:
        >>> draft = Draft("a.csv", "", rows_in=500)
        >>> check_row_limit(draft)
        >>> draft.problems[0].found
        '500 rows, exactly a limit of the service'
    """
    if draft.rows_in in ROW_LIMITS:
        draft.problem(
            None,
            None,
            f"{draft.rows_in:,} rows, exactly a limit of the service",
            "fewer rows than the limit",
            "the query was cut: ask for fewer years, partners or codes in one query",
        )


def _without_duplicates(draft: Draft, records: list[TradeRecord]) -> list[TradeRecord]:
    groups: dict[object, list[TradeRecord]] = defaultdict(list)
    for record in records:
        groups[(record.key(), record.detail)].append(record)
    dropped: set[int] = set()
    for group in groups.values():
        if len(group) == 1:
            continue
        first = group[0]
        same = all(record.numbers() == first.numbers() for record in group)
        what = f"{first.period} {first.reporter.id} {first.flow} {first.product} with {first.partner.id}"
        losers = group[1:] if same else group
        reason = "duplicate row" if same else "duplicate key with different values"
        for record in losers:
            dropped.add(id(record))
            draft.reject(record.row, reason, what)
        draft.problem(
            group[1].row,
            None,
            f"the key of row {first.row} again ({what}), {'same' if same else 'other'} values",
            "each key once",
            "download again, or import with --partial, which leaves these rows out",
        )
    return [record for record in records if id(record) not in dropped]


def _without_breakdowns(draft: Draft, records: list[TradeRecord]) -> list[TradeRecord]:
    totals = {record.key() for record in records if record.detail == TOTAL_DETAIL}
    kept = []
    for record in records:
        if record.detail == TOTAL_DETAIL:
            kept.append(record)
        elif record.key() in totals:
            shown = "/".join(part or "total" for part in record.detail)
            draft.reject(record.row, "breakdown of a listed total (plus mode)", shown)
        else:
            record.flags = (*record.flags, "breakdown_without_total")
            kept.append(record)
    return kept


def _without_aggregates(draft: Draft, records: list[TradeRecord]) -> list[TradeRecord]:
    siblings: dict[object, dict[str, list[TradeRecord]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        group = (record.period, record.reporter_code, record.partner_code, record.flow, record.revision, record.detail)
        siblings[group][record.product].append(record)
    dropped: set[int] = set()
    for products in siblings.values():
        lengths = sorted({len(product) for product in products})
        below: dict[str, tuple[int, list[TradeRecord]]] = {}
        for product, own in products.items():
            if product.isdigit():
                for length in lengths[: lengths.index(len(product))]:
                    level, listed = below.get(product[:length], (len(product) + 1, []))
                    if len(product) < level:
                        below[product[:length]] = (len(product), list(own))
                    elif len(product) == level:
                        listed.extend(own)
        for product, own in products.items():
            if not product.isdigit():
                for record in own:
                    dropped.add(id(record))
                    draft.reject(record.row, "aggregate code (TOTAL, AGn)", product)
                continue
            if product not in below:
                continue
            total = sum(record.value or 0.0 for record in below[product][1])
            for record in own:
                if abs(total - (record.value or 0.0)) <= max(VALUE_TOLERANCE, 1e-9 * abs(total)):
                    dropped.add(id(record))
                    draft.reject(record.row, "aggregate of listed subheadings", product)
                else:
                    record.flags = (*record.flags, "aggregate_of_partly_listed_codes")
    return [record for record in records if id(record) not in dropped]


def _check_revisions(draft: Draft, records: Iterable[TradeRecord]) -> None:
    first_row: dict[str, int] = {}
    for record in records:
        first_row.setdefault(record.revision or "unknown", record.row)
    if len(first_row) > 1:
        revision, row = list(first_row.items())[1]
        draft.problem(
            row,
            "classificationCode",
            f"revision {revision} after {next(iter(first_row))}; in all {', '.join(first_row)}",
            "one revision of the nomenclature in a file",
            "import one revision at a time, or with --partial: each row keeps its revision and none are joined",
        )
    elif "unknown" in first_row:
        draft.problem(
            first_row["unknown"],
            "classificationCode",
            "no revision of the nomenclature",
            "H0 to H6",
            "export the file with its classificationCode column",
        )


def _close_world(draft: Draft, records: list[TradeRecord]) -> list[TradeRecord]:
    worlds: dict[object, TradeRecord] = {}
    partners: dict[object, list[TradeRecord]] = defaultdict(list)
    group: object
    for record in records:
        group = (record.period, record.reporter_code, record.flow, record.revision, record.product, record.detail)
        if record.partner.id == WORLD:
            worlds[group] = record
        else:
            partners[group].append(record)
    listed = {group: world for group, world in worlds.items() if partners[group]}
    short = exceeding = 0
    worst = 1.0
    dropped: set[int] = set()
    for group, world in listed.items():
        share, closes = _share(world, partners[group])
        if abs(share - 1.0) > abs(worst - 1.0):
            worst = share
        if closes:
            dropped.add(id(world))
            draft.reject(world.row, "World total of the listed partners", world.product)
            continue
        world.flags = (*world.flags, "world_total")
        if share > 1.0:
            exceeding += 1
            draft.problem(
                world.row,
                "primaryValue",
                f"partners that add up to {share:.4%} of World",
                "at most 100%",
                "rows are repeated or belong to another query: download again",
            )
        else:
            short += 1
            if len(partners[group]) >= 3:
                draft.problem(
                    world.row,
                    "primaryValue",
                    f"{len(partners[group])} partners that add up to {share:.4%} of World",
                    "all partners",
                    "partners are missing: download again, or give --partial to keep World apart",
                )
    for group, world in worlds.items():
        if group not in listed:
            world.flags = (*world.flags, "world_total")
    if listed:
        status: Literal["holds", "short", "exceeds"] = "exceeds" if exceeding else "short" if short else "holds"
        draft.closure = Closure(
            status,
            len(listed),
            short,
            exceeding,
            worst,
            ("primaryValue", "netWgt"),
            "partners were selected in the query" if short and not draft.problems else "",
        )
    return [record for record in records if id(record) not in dropped]


def _share(world: TradeRecord, partners: list[TradeRecord]) -> tuple[float, bool]:
    """Return the sum of partners over World (of the measure that is further off), and whether they close."""
    total = sum(record.value or 0.0 for record in partners)
    reference = world.value or 0.0
    share = total / reference if reference else (1.0 if total == 0 else 2.0)
    closes = abs(total - reference) <= max(VALUE_TOLERANCE, 1e-9 * abs(reference))
    weights = [record.net_weight for record in partners]
    if closes and world.net_weight and all(weight is not None for weight in weights):
        weight = sum(weight or 0.0 for weight in weights)
        if abs(weight - world.net_weight) > max(1.0, WEIGHT_TOLERANCE * world.net_weight):
            return weight / world.net_weight, False
    return share, closes


def _canonical(draft: Draft, record: TradeRecord, publication: Publication | None, vintage: str) -> list[CanonicalRow]:
    flags = list(record.flags)
    if record.partner.kind == "world":
        flags.append("world_total")
    if record.reporter.id == record.partner.id:
        flags.append("self_trade")
    valuation, assumed = _valuation(record, publication)
    published = publication.published if publication else ""

    def row(
        measure: str,
        value: float | None,
        unit: str,
        column: str,
        *,
        basis: str = "",
        valued: str = "",
        estimated: bool = False,
        extra: tuple[str, ...] = (),
    ) -> CanonicalRow:
        status = "missing" if value is None else "estimated" if estimated else "reported"
        return CanonicalRow(
            SOURCE,
            published or vintage,
            record.reporter.id,
            record.partner.id,
            record.flow,
            record.product,
            record.revision,
            record.product_name,
            record.period,
            measure,
            value,
            None,
            None,
            "",
            unit,
            basis,
            valued,
            status,
            join_flags(record.reporter.flags, record.partner.flags, flags, extra),
            record.reporter_code,
            record.partner_code,
            "",
            "",
            published,
            draft.sha256,
            "",
            record.row,
            column,
        )

    doubt = ("valuation_assumed",) if assumed else ()
    rows = [row("value", record.value, "USD", "primaryValue", valued=valuation, extra=doubt)]
    if valuation != "CIF" and record.cif:
        rows.append(row("value", record.cif, "USD", "cifvalue", valued="CIF"))
    if valuation != "FOB" and record.fob:
        rows.append(row("value", record.fob, "USD", "fobvalue", valued="FOB"))
    weight: float | None = record.net_weight
    extra: tuple[str, ...] = ()
    if weight == 0.0 and (record.value or 0.0) > 0:
        weight, extra = None, ("zero_weight_read_as_missing",)
    rows.append(
        row("net_weight", weight, "kg", "netWgt", basis="gross", estimated=record.weight_estimated, extra=extra)
    )
    if record.gross_weight:
        rows.append(row("gross_weight", record.gross_weight, "kg", "grossWgt", basis="gross", extra=("with_packing",)))
    seen = {("kg", record.net_weight)}
    for amount, unit, column in (
        (record.quantity, record.quantity_unit, "qty"),
        (record.other_quantity, record.other_unit, "altQty"),
    ):
        if unit and amount and (unit, amount) not in seen:
            seen.add((unit, amount))
            basis = "gross" if unit in {"kg", "g", "t dry"} else ""
            rows.append(row("quantity", amount, unit, column, basis=basis, estimated=record.quantity_estimated))
    return rows


def _valuation(record: TradeRecord, publication: Publication | None) -> tuple[str, bool]:
    if record.cif and record.value == record.cif:
        return "CIF", False
    if record.fob and record.value == record.fob:
        return "FOB", False
    inward = record.flow in {"import", "re-import"}
    if publication is not None:
        stated = publication.import_valuation if inward else publication.export_valuation
        if stated in {"CIF", "FOB"}:
            return stated, False
    return ("CIF" if inward else "FOB"), True
