"""`oreflow baseline CASE`: the reconciled and calibrated base year, in words and tables, and as baseline.html."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import AsOfOption, CaseArgument, JsonOption, OutOption


def command(
    case: CaseArgument = "kachin",
    base_year: Annotated[
        int | None,
        typer.Option("--base-year", metavar="YEAR", help="As a check: the ledger's figures of another year."),
    ] = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
    out: OutOption = Path("."),
) -> None:
    """Show the base year: what crosses the border with its standard deviation, tests, wedges; write baseline.html.

    Claims that are derived from one another count as one observation. Unobservable flows get no number.
    """
    from oreflow import __version__
    from oreflow.chain.case import load_case
    from oreflow.cli.output import emit_json, emit_table, write_output
    from oreflow.report.baseline import (
        agreement_words,
        crossing_words,
        observability_words,
        observation_name,
        plus_minus,
        render_baseline,
        wedge_words,
    )
    from oreflow.study.account import account_base_year

    found = load_case(case, as_of=as_of)
    account = account_base_year(found, base_year)
    page = render_baseline(account, __version__, as_of.isoformat() if as_of is not None else "")
    path = write_output(out, "baseline.html", page)
    if json:
        emit_json("baseline", account, case=found.id, as_of=found.as_of)
        return
    print(f"{account.title}: base year {account.year}")
    print("\nWhat crosses the border, t a year (mean ± one standard deviation)")
    for line in crossing_words(account):
        print(f"  {line}")
    if account.replaced:
        print(f"  A check with figures of {account.year}; {account.held} observations keep the base year's:")
        for r in account.replaced:
            print(f"    {r.claim} by {r.by}: {r.value:,.0f} becomes {r.other:,.0f} {r.unit}")
        if account.held_claims:
            print(f"    still of {found.base_year}: {', '.join(account.held_claims)}")
    emit_table(
        ["claim", "what it says", "value", "unit", "grade"],
        [(r.claim, r.subject, r.value, r.unit, r.grade) for r in account.record],
        title=f"The record of {account.year}",
    )
    for line in (*agreement_words(account), observability_words(account)):
        print(line)
    moved = sorted(account.posterior.observations, key=lambda o: -abs(o.adjustment))[:12]
    emit_table(
        ["observation", "reported, t", "reconciled, t", "adjustment, sd"],
        [
            (
                observation_name(account, o.name),
                plus_minus(o.value, o.sd),
                plus_minus(o.fitted, o.fitted_sd),
                o.adjustment,
            )
            for o in moved
        ],
        title="Largest adjustments",
    )
    emit_table(
        ["activity", "price, USD/t", "cost", "charges", "rent", "to whom", "residual", "share"],
        [(w.activity, w.value, w.cost, w.charges, w.rent, w.receiver or None, w.residual, w.share)
         for w in account.wedges[:12]],
        title="Where the price goes: largest residuals",
    )  # fmt: skip
    for line in wedge_words(account):
        print(line)
    emit_table(
        ["proposal", "ran in the base year", "of"],
        [(p.proposal, p.existing, p.total) for p in account.paths if p.total],
        title="Routes and plants on which a proposal acts",
    )
    for text in account.unexplained:
        print(f"absence that nothing explains: {text}")
    print(f"page: {path}")
