"""`oreflow hindcast [CASE]`: past episodes run through the model, a score for every scored row, and hindcast.html."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import CaseArgument, JsonOption, OutOption, SeedOption


def command(
    case: CaseArgument = "kachin",
    episode: Annotated[
        list[str] | None, typer.Option("--episode", metavar="ID", help="Report this one only; may be given again.")
    ] = None,
    episodes: Annotated[
        list[Path] | None,
        typer.Option("--episodes", metavar="PATH", help="A further episode file, or a folder of them, to be judged."),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=2, max=100_000, help="Conditions for each episode.")] = 40,
    seed: SeedOption = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; all processors by default.")
    ] = None,
    json: JsonOption = False,
    out: OutOption = Path("."),
) -> None:
    """Judge the model by history: hit, CRPS and PIT of every scored row, against two benchmarks; write hindcast.html.

    Free parameters are fitted on some episodes and judged on the others, by the case's split. A minute or two.
    """
    import os

    from oreflow import __version__
    from oreflow.chain.case import case_folder, load_case
    from oreflow.cli.output import emit_json, emit_table, write_output
    from oreflow.cli.progress import progress
    from oreflow.core.errors import UsageError
    from oreflow.hindcast.episode import load_hindcasts
    from oreflow.hindcast.judge import fit_parameters, judge
    from oreflow.report.hindcast import (
        basis_words,
        basket_words,
        limit_rows,
        parameter_rows,
        percent,
        render_hindcast,
        row_words,
        summary_words,
    )

    folder = case_folder(case)[0] / "hindcasts"
    if not folder.is_dir():
        raise UsageError(f"case {case} has no folder hindcasts; expected episode files there (docs/hindcast.md)")
    for path in episodes or ():
        if not path.exists():
            raise UsageError(f"no file or folder {path}; expected an episode file or a folder of them")
    found = load_case(case)
    hindcasts = load_hindcasts(folder, tuple(episodes or ()))
    known = [e.id for e in hindcasts.episodes]
    for name in episode or ():
        if name not in known:
            raise UsageError(f"unknown episode {name!r}; known are {', '.join(known)}")
    with progress("fitting on " + " and ".join(hindcasts.split.fitted), 0) as show:
        fitted = fit_parameters(hindcasts, progress=lambda done, _cost: show(done))
    count = len(episode or known)
    finished = 0
    with progress(f"{draws} conditions of {count} episodes", draws * count) as show:

        def advance(_what: str, done: int, total: int) -> None:
            nonlocal finished
            show(finished + done)
            if done == total:
                finished += total

        board = judge(
            hindcasts, draws=draws, seed=seed, jobs=workers or os.cpu_count() or 1, only=tuple(episode or ()),
            found=fitted, progress=advance,
        )  # fmt: skip
    page = write_output(out, "hindcast.html", render_hindcast(board, hindcasts, found.title, __version__))
    if json:
        rows = [
            {
                "episode": e.episode.id, "role": e.role, "row": r.row.id, "what": row_words(r.row),
                "observed": r.observed, "median": r.median, "low": r.low, "high": r.high, "hit": r.hit,
                "crps": r.crps, "pit": r.pit, "crps_no_change": r.crps_no_change,
                "crps_one_elasticity": r.crps_one_elasticity, "lost": r.lost, "why": r.why, "source": r.row.source,
                "grade": r.row.grade,
            }
            for e in board.episodes for r in e.rows
        ]  # fmt: skip
        emit_json(
            "hindcast",
            {
                "rows": rows, "comparisons": board.comparisons, "hits": board.hits, "scored": board.scored,
                "parameters": {"fitted": board.fit.values, "range": board.fit.ranges, "noise": board.fit.noise},
                "one_elasticity": board.elasticity.values["elasticity"], "draws": draws,
                "failed": {e.episode.id: e.failed for e in board.episodes},
                "basket": {
                    e.episode.id: {"periods": [p.start for p in e.central.periods], "with_stocks": e.central.basket,
                                   "without": e.bare.basket}
                    for e in board.episodes
                },
                "limits": {
                    e.episode.id: [dict(zip(("link", "from", "limit", "flow", "binds", "rent"), row, strict=True))
                                   for row in limit_rows(e)]
                    for e in board.episodes
                },
            },
            case=found.id, seed=seed,
        )  # fmt: skip
        return
    for e in board.episodes:
        emit_table(
            ["row", "what", "seen", "model\n(90%)", "hit", "CRPS", "no\nchange", "one elas-\nticity", "PIT"],
            [
                (r.row.id, row_words(r.row).replace(", ", "\n"), percent(r.observed),
                 f"{percent(r.median)}\n{percent(r.low)} to {percent(r.high)}", "yes" if r.hit else "no",
                 f"{r.crps:.3f}", f"{r.crps_no_change:.3f}",
                 f"{r.crps_one_elasticity:.3f}" if r.crps_one_elasticity == r.crps_one_elasticity else None,
                 f"{r.pit:.2f}")
                for r in e.rows
            ],
            title=f"{e.episode.id} ({e.role}): {e.episode.title}",
        )  # fmt: skip
        limits = limit_rows(e)
        if limits:
            emit_table(
                ["link", "from", "limit, t", "flow, t", "binds", "rent, USD/kg"],
                [(link, month, round(limit), round(flow), "yes" if binds else "no", round(rent, 1))
                 for link, month, limit, flow, binds, rent in limits],
                title="Limits at the fitted parameters",
            )  # fmt: skip
        print(basket_words(e))
        roles = ("cause", "conditioning", "control", "excluded")
        others = {role: sum(o.role == role for o in e.others) for role in roles}
        told = ", ".join(f"{n} {role}" for role, n in others.items() if n)
        print(f"Not scored: {told or 'none'}" + ("; reasons on the page." if told else "."))
    emit_table(
        ["parameter", "what", "prior (90%)", "fitted (90%)", "prior from"], parameter_rows(board),
        title="Free parameters",
    )  # fmt: skip
    print(f"Changes are {basis_words(board)}. CRPS in logs, lower is better.")
    for line in summary_words(board):
        print(line)
    for r in board.lost:
        print(f"  lost: {r.row.id} {row_words(r.row)}: {percent(r.observed)}, model {percent(r.median)}: {r.why}")
    print(f"page: {page}")
