"""`oreflow unlock CASE PROPOSAL`: which barriers stop the tonnes, and what lifting them in turn would add."""

from __future__ import annotations

from typing import Annotated

import typer

from oreflow.cli.options import AsOfOption, CaseArgument, JsonOption


def command(
    case: CaseArgument = "kachin",
    proposal: Annotated[str, typer.Argument(metavar="[PROPOSAL]", help="A composition; the status quo if none.")] = "",
    year: Annotated[int | None, typer.Option("--year", help="Year in which barriers are lifted (2030).")] = None,
    target: Annotated[
        float | None, typer.Option("--target", min=0.0, help="Tonnes of tracked oxide a year (the case's threshold).")
    ] = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Print the minimal sets of barriers whose joint removal reaches the target, and the greedy ladder."""
    from oreflow import api
    from oreflow.cli.output import emit_json, emit_table
    from oreflow.study.freight import way_words

    found = api.load_case(case, as_of=as_of)
    solved, unlocked, margin = api.unlock_proposal(found, proposal, year=year, target=target)
    if json:
        data = {"proposal": solved.composition.name, "unlock": unlocked, "margin": margin}
        emit_json("unlock", data, case=found.id, as_of=found.as_of)
        return
    print(
        f"{solved.composition.name}, {unlocked.year}: {unlocked.reached:,.1f} t reach oxide outside; the target is "
        f"{unlocked.target:,.0f} t; with every barrier lifted {unlocked.without_barriers:,.1f} t."
    )
    if unlocked.sets:
        emit_table(
            ["set", "barriers", "tonnes", "payment, USD/t ore", "cost, million USD/yr"],
            [
                [k + 1, " + ".join(s.names), s.tonnes, s.price_gap or None, None if s.cost is None else s.cost / 1e6]
                for k, s in enumerate(unlocked.sets)
            ],
            title="Minimal sets of barriers",
        )
        print("tonnes: with the barriers wholly lifted. payment: the least per tonne of ore that reaches the target;")
        print("cost: that payment and capital as an annuity; none where the case prices no removal (ties, licences,")
        print("who controls a way).")
    elif unlocked.reached < unlocked.target:
        print("No set of up to three barriers reaches the target.")
    if unlocked.ladder:
        emit_table(
            ["lift", "alone, t", "so far, t"],
            [[step.name, step.alone, step.cumulative] for step in unlocked.ladder],
            title="Unlock ladder",
        )
    if margin is not None:
        way = way_words(found, solved.outcome.network, margin.route)
        print(
            f"Best way out per t REO at this year's prices, if plants stood and operators were free: revenue "
            f"{margin.revenue:,.0f}, ore {margin.bought:,.0f}, freight and levies {margin.freight:,.0f}, separation "
            f"{margin.separation:,.0f}, margin {margin.margin:,.0f} USD ({way})."
        )
