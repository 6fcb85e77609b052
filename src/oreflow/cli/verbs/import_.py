"""`oreflow import FILE... --case CASE`: reads files of statistics and adds their claims to a case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oreflow.cli.options import JsonOption

if TYPE_CHECKING:
    from oreflow.core.errors import Problem
    from oreflow.facts.readers import ReadResult


def command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files of statistics; their format is found by content.")
    ],
    case: Annotated[str, typer.Option("--case", metavar="CASE", help="The case folder that receives the claims.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and report; write nothing.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write what was used although there are problems or refused files.")
    ] = False,
    flow: Annotated[
        str, typer.Option("--flow", metavar="import|export", help="For China customs files, which do not say it.")
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="KEY=VALUE",
            help="Only rows with this reporter, partner, product (prefix), "
            "period (year or first-last), measure or another column; may be repeated.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read files of statistics, show what was found in each, and add their claims and sources to a case."""
    from oreflow.cli.output import emit_json, emit_table
    from oreflow.core.errors import ProblemsError, UsageError
    from oreflow.facts.readers import read_files
    from oreflow.facts.readers.canonical import schema
    from oreflow.facts.readers.claims import append_to_case, claims_of, read_money_years

    if flow not in {"", "import", "export"}:
        raise UsageError(f"--flow {flow!r}; expected import or export")
    selection = _selection(where or [], tuple(schema()))
    folder = _case_to_extend(case, dry_run=dry_run)
    results = read_files(files, flow=flow or None)
    found = [problem for result in results for problem in _problems(result)]
    recognised = [result for result in results if result.format]
    today = datetime.now(tz=UTC).date()
    money = read_money_years(folder) if folder else None
    batches = [claims_of(result, selection, accessed=today, money=money) for result in recognised]
    ready = not dry_run and bool(recognised) and (partial or not found)
    written = append_to_case(folder, batches) if ready and folder is not None else (0, 0)
    skipped: dict[str, int] = {}
    for batch in batches:
        for reason, count in batch.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    data = {
        "files": [_file(result) for result in results],
        "claims": sum(len(batch.claims) for batch in batches),
        "rows_without_claim": dict(sorted(skipped.items())),
        "written": {"claims": written[0], "sources": written[1]},
        "dry_run": dry_run,
        "partial": partial,
    }
    if json:
        emit_json("import", data, case=folder.name if folder else None)
    else:
        emit_table(
            ("file", "format", "vintage", "encoding", "rows in", "used", "rejected", "closure"),
            [_line(result) for result in results],
            title="Files",
            notes=[*_notes(results), *_outcome(data, folder, ready=ready, problems=len(found))],
        )
    if found and not (partial and recognised):
        raise ProblemsError(found)


def _case_to_extend(case: str, *, dry_run: bool) -> Path | None:
    from oreflow.chain.case import bundled_cases, case_folder
    from oreflow.core.errors import UsageError

    if not case:
        if dry_run:
            return None
        raise UsageError("no --case; name the case folder that receives the claims, or give --dry-run")
    folder, reference = case_folder(case)
    if not dry_run and reference in bundled_cases():
        raise UsageError(
            f"--case {case!r} is a bundled case, which is not written to; expected a folder of your own: make one with "
            "`oreflow init NAME`, or give --dry-run"
        )
    return folder


def _selection(where: Sequence[str], columns: tuple[str, ...]) -> dict[str, str]:
    from oreflow.core.errors import UsageError

    selection = {}
    for text in where:
        name, mark, value = text.partition("=")
        if not mark or name not in columns or not value:
            raise UsageError(f"--where {text!r}; expected KEY=VALUE with one of {', '.join(columns)}")
        selection[name] = value
    return selection


def _problems(result: ReadResult) -> list[Problem]:
    from oreflow.core.errors import Problem

    problems = list(result.problems)
    if result.refused and not problems:
        problems.append(
            Problem(result.file, None, None, result.refused, "a file of statistics", "leave it out of the import")
        )
    return problems


def _file(result: ReadResult) -> dict[str, object]:
    return {
        "file": result.file,
        "format": result.format,
        "vintage": result.vintage,
        "encoding": result.encoding,
        "dialect": result.dialect,
        "rows_in": result.rows_in,
        "used": result.used,
        "rejected": dict(result.rejected),
        "closure": result.closure,
        "refused": result.refused,
        "sha256": result.sha256,
        "problems": result.problems,
        "notices": result.notices,
        "rejected_rows": result.rejected_rows[:100],
    }


def _line(result: ReadResult) -> tuple[object, ...]:
    if result.format is None:
        return (result.file, f"refused: {result.refused}", "", result.encoding, None, None, "", "")
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in result.rejected.items())
    return (
        result.file, f"{result.format} ({result.dialect})", result.vintage, result.encoding, result.rows_in,
        result.used, rejected, result.closure.status,
    )  # fmt: skip


def _notes(results: Sequence[ReadResult]) -> list[str]:
    return [f"note: {notice}" for result in results for notice in result.notices]


def _outcome(data: dict[str, object], folder: Path | None, *, ready: bool, problems: int) -> list[str]:
    claims = data["claims"]
    skipped = data["rows_without_claim"]
    listed = skipped.items() if isinstance(skipped, dict) else ()
    left = [f"  {count:,} rows give no claim: {reason}" for reason, count in listed]
    if data["dry_run"] and problems:
        partial = f"--partial would write {claims} claims of what was used"
        return [f"Nothing would be written: {problems} problem(s); {partial}.", *left]
    if data["dry_run"]:
        return [f"{claims} claims would be written; nothing was (--dry-run).", *left]
    if not ready:
        return [f"Nothing was written: {problems} problem(s); --partial writes what was used."]
    return [f"{claims} claims written to {folder}.", *left]
