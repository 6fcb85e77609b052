"""`oreflow init NAME`: a small case that runs, to start one's own from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oreflow.cli.options import JsonOption


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The folder to make; its last part is the case's id.")],
    json: JsonOption = False,
) -> None:
    """Write a small two-country case that runs: one concentrate, three oxides, a trade route and a tariff."""
    from oreflow.chain.template import write_template
    from oreflow.cli.output import emit_json

    folder = Path(name)
    written = write_template(folder, folder.name)
    files = sorted(path.relative_to(folder).as_posix() for path in written)
    if json:
        emit_json("init", {"folder": folder, "files": files}, case=folder.name)
        return
    print(f"{folder}: {len(files)} files written, with invented numbers")
    print(f"next: oreflow check {folder}; oreflow compare {folder}")
