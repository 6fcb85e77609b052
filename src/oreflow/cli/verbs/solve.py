"""`oreflow solve CASE PROPOSAL`: one proposal with central values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from oreflow.cli.options import (
    AsOfOption,
    CaseArgument,
    ExpectationOption,
    JsonOption,
    PeriodsOption,
    WindowOption,
)


def command(
    case: CaseArgument = "kachin",
    proposal: Annotated[
        str, typer.Argument(metavar="[PROPOSAL]", help="A composition such as 'B + india-processing'.")
    ] = "",
    periods: PeriodsOption = None,
    window: WindowOption = None,
    expectation: ExpectationOption = None,
    until: Annotated[
        int | None, typer.Option("--until", metavar="YEAR", help="Last year to solve; the case's.")
    ] = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Solve one proposal with central values and print its indicators by year, and its prices by shorter period."""
    from oreflow import api
    from oreflow.cli.output import emit_json, emit_table
    from oreflow.core.errors import OreflowError
    from oreflow.report.indicators import INDICATORS
    from oreflow.report.wording import wording_of
    from oreflow.study.base import Settings

    found = api.load_case(case, as_of=as_of)
    solved = api.solve(found, proposal, Settings(periods=periods, window=window, rule=expectation), until=until)
    indicators = solved.indicators
    if json:
        emit_json(
            "solve",
            {
                "proposal": solved.composition.name,
                "solved": solved.outcome.solved,
                "cause": solved.outcome.cause,
                "indicators": indicators,
                **({"periods": [asdict(line) for line in solved.periods]} if solved.outcome.periods else {}),
            },
            case=found.id,
            as_of=found.as_of,
        )
    else:
        years = [str(record.year) for record in solved.outcome.years]
        keys = ("diverted_first", "diverted_end", "diverted_reo", "diverted_value", "public_cost")
        rows = [[year, *(indicators.get(key, {}).get(year) for key in keys)] for year in years]
        tracked = wording_of(found).tracked
        heads = [f"{key}, {INDICATORS[key].unit}" for key in keys]
        emit_table(["year", *heads], rows, title=f"{found.id}: {solved.composition.name}, {tracked} by central values")
        if solved.outcome.periods:
            inside = solved.inside
            labels = [label for label in solved.periods[0].prices if label.partition("/")[0] in inside]
            lines = [
                [f"{line.start:.3f}", *(line.prices[label] for label in labels), line.shipped]
                for line in solved.periods
            ]
            emit_table(["from", *labels, "shipped"], lines, title="USD per kg, and t a year of tracked ore shipped")
    if not solved.outcome.solved:
        raise OreflowError(f"{solved.composition.name} found no equilibrium: {solved.outcome.cause}")
