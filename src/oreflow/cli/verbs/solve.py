"""`oreflow solve CASE PROPOSAL`: one proposal with central values."""

from __future__ import annotations

from typing import Annotated

import typer

from oreflow.cli.options import AsOfOption, CaseArgument, JsonOption


def command(
    case: CaseArgument = "kachin",
    proposal: Annotated[
        str, typer.Argument(metavar="[PROPOSAL]", help="A composition such as 'B + india-processing'.")
    ] = "",
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Solve one proposal with central values and print its indicators by year."""
    from oreflow import api
    from oreflow.cli.output import emit_json, emit_table
    from oreflow.core.errors import OreflowError

    found = api.load_case(case, as_of=as_of)
    solved = api.solve(found, proposal)
    indicators = solved.indicators
    if json:
        emit_json(
            "solve",
            {
                "proposal": solved.composition.name,
                "solved": solved.outcome.solved,
                "cause": solved.outcome.cause,
                "indicators": indicators,
            },
            case=found.id,
            as_of=found.as_of,
        )
    else:
        years = [str(record.year) for record in solved.outcome.years]
        keys = ("diverted_first", "diverted_end", "diverted_reo", "diverted_value", "public_cost")
        rows = [[year, *(indicators.get(key, {}).get(year) for key in keys)] for year in years]
        emit_table(["year", *keys], rows, title=f"{found.id}: {solved.composition.name}")
    if not solved.outcome.solved:
        raise OreflowError(f"{solved.composition.name} found no equilibrium: {solved.outcome.cause}")
