"""`oreflow check CASE`: every problem of a case at once."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from oreflow.cli.options import AsOfOption, CaseArgument, JsonOption


def command(
    case: CaseArgument = "kachin",
    as_of: AsOfOption = None,
    json: JsonOption = False,
    datapackage: Annotated[
        bool, typer.Option("--datapackage", help="Write datapackage.json into the folder if there is no problem.")
    ] = False,
) -> None:
    """Check a case: every problem with file, row, column, what was expected and what to do; exit code 1 if any."""
    from oreflow.chain.case import case_folder, read_case
    from oreflow.chain.checks import check_case
    from oreflow.chain.datapackage import datapackage_text
    from oreflow.chain.folder import case_files
    from oreflow.cli.output import emit_json, emit_table
    from oreflow.core.errors import CaseError
    from oreflow.core.files import write_atomically
    from oreflow.facts.ledger import middle
    from oreflow.study.base import base_problems

    folder, reference = case_folder(case)
    found, problems = read_case(folder, reference=reference, as_of=as_of)
    if found is not None:
        problems = tuple(dict.fromkeys((*problems, *check_case(found))))
        if not problems:
            problems = base_problems(found)
    if datapackage and found is not None and not problems:
        names = [name for name in case_files(found) if (folder / name).is_file()]
        texts = {name: (folder / name).read_bytes().decode("utf-8") for name in names}
        write_atomically(folder / "datapackage.json", datapackage_text(found, texts))
    counts = dict(Counter(problem.file for problem in problems).most_common())
    swaps = found.swaps() if found is not None else ()
    if json:
        data = {
            "problems": problems,
            "counts": counts,
            "swaps": [
                {
                    "file": cell.file, "row": cell.row, "column": cell.column, "skipped": swap.skipped,
                    "used": swap.used, "published": swap.published,
                }
                for cell, swap in swaps
            ],
        }  # fmt: skip
        emit_json("check", data, case=found.id if found is not None else None, as_of=as_of)
        if problems:
            raise typer.Exit(1)
        return
    if problems:
        plural = "" if len(problems) == 1 else "s"
        emit_table(["file", "problems"], list(counts.items()), title=f"{case}: {len(problems)} problem{plural}")
        raise CaseError(problems)
    if found is None:
        return
    ledger = found.ledger
    flagged = sum(claim.published_assumed for claim in ledger.claims)
    halved = sum(claim.value is None and middle(claim) is not None for claim in ledger.claims)
    print(f"{found.id}: no problems")
    print(
        f"{len(ledger.claims)} claims ({found.used_count()} used), {len(ledger.assumptions)} assumptions, "
        f"{len(ledger.sources)} sources, {len(found.proposals)} proposals"
    )
    print(f"{flagged} claims have an assumed date of publication; {halved} stand for the middle of their range")
    for cell, swap in swaps:
        print(
            f"{cell.file}, row {cell.row}, {cell.column}: {swap.used} instead of {', '.join(swap.skipped)}, "
            f"published {swap.published}"
        )
