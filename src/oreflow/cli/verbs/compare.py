"""`oreflow compare CASE [PROPOSAL...]`: central values first, then bands, then the report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import (
    AsOfOption,
    CaseArgument,
    ExpectationOption,
    JsonOption,
    OutOption,
    PeriodsOption,
    SeedOption,
    WindowOption,
)


def command(
    case: CaseArgument = "kachin",
    proposals: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROPOSAL]...", help="Compositions such as 'A + india-processing'; the case's list."),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=0, max=1_000_000, help="Futures to try; 0 for none.")] = 200,
    seed: SeedOption = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; all processors by default.")
    ] = None,
    as_of: AsOfOption = None,
    demand_level: Annotated[
        str | None, typer.Option("--switch", metavar="NAME=OPTION", help="Set a named switch, as demand_level=low.")
    ] = None,
    periods: PeriodsOption = None,
    window: WindowOption = None,
    expectation: ExpectationOption = None,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the indicators as CSV and nothing else.")] = False,
    out: OutOption = Path("."),
) -> None:
    """Compare proposals and write report.html.

    Central values are on the screen first; bands over the draws follow. Proposals share draws, and differences to the
    status quo are taken draw by draw.
    """
    from oreflow import api
    from oreflow.cli.output import emit_json, write_output
    from oreflow.cli.progress import progress
    from oreflow.core.errors import UsageError
    from oreflow.report.archive import pack_document
    from oreflow.report.tables import comparison_csv, comparison_json, print_central, print_comparison
    from oreflow.study.base import Settings

    found = api.load_case(case, as_of=as_of)
    if demand_level:
        name, _, option = demand_level.partition("=")
        found = found.with_switches({name: option})
    if json and csv:
        raise UsageError("--json and --csv both claim the standard output; give one of them")
    quiet = json or csv
    with api.crew_for(found, draws, workers) as crew:
        with progress("central values", len(proposals or found.compare)) as show:
            central = api.compare_central(
                found, proposals or (), Settings(periods=periods, window=window, rule=expectation),
                progress=lambda _what, done, _total: show(done),
            )  # fmt: skip
        if not quiet:
            print_central(central, file=sys.stdout)
            sys.stdout.flush()
        with _Stages() as stage:
            comparison = api.finish(central, draws=draws, seed=seed, workers=crew, progress=stage)
    document = comparison.document
    path = write_output(out, "report.html", comparison.report())
    write_output(out, "comparison.json.gz", pack_document(document))
    if json:
        emit_json(
            "compare", comparison_json(document), case=found.id, seed=seed, run=document.case.run,
            as_of=found.as_of,
        )  # fmt: skip
    elif csv:
        print(comparison_csv(document), end="")
    else:
        print_comparison(document, file=sys.stdout)
        print(f"report: {path}")


class _Stages:
    """One progress display after another, as the stages of a comparison begin."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._name = ""
        self._show: Callable[[int], None] | None = None

    def __enter__(self) -> _Stages:
        return self

    def __call__(self, what: str, done: int, total: int) -> None:
        from oreflow.cli.progress import progress

        if what != self._name or self._show is None:
            self._stack.close()
            self._name = what
            self._show = self._stack.enter_context(progress(what, total))
        self._show(done)

    def __exit__(self, *_: object) -> None:
        self._stack.close()
