"""The small case that `oreflow init` writes: two countries, one concentrate, three oxides, a trade route and a tariff.

Every number in it is invented for teaching and says so; the files show one of each thing that a case can hold.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from oreflow.chain.case import Case, read_case
from oreflow.chain.datapackage import datapackage_text
from oreflow.chain.folder import LARGEST_TABLE, Problems, is_id, read_text
from oreflow.core.errors import CaseError, UsageError
from oreflow.core.files import write_atomically

_FILES = Path(__file__).resolve().parent / "teaching"


def template_files(name: str) -> dict[str, str]:
    """Return the files of the teaching case by name, `datapackage.json` left out.

    Args:
        name: the id of the case.

    Raises:
        UsageError: the name cannot be an id.

    Example:
        >>> "case.yaml" in template_files("mine")
        True
    """
    if not is_id(name):
        raise UsageError(f"{name!r} cannot name a case; expected letters, digits and _ . : - without blanks")
    problems = Problems()
    names = sorted(
        path.relative_to(_FILES).as_posix() for path in _FILES.rglob("*") if path.suffix in (".csv", ".yaml")
    )
    texts = {file: read_text(_FILES, file, LARGEST_TABLE, problems) or "" for file in names}
    if problems.found or "case.yaml" not in texts:
        raise CaseError(problems.found)
    texts["case.yaml"] = texts["case.yaml"].replace("id: teaching\n", f"id: {name}\n", 1)
    return texts


def write_template(folder: Path, name: str) -> tuple[Path, ...]:
    """Write the teaching case into a new folder, with `datapackage.json`.

    Args:
        folder: a folder that does not exist or is empty.
        name: the id of the case.

    Returns:
        The files written.

    Raises:
        UsageError: the folder holds something (nothing is written), or the name cannot be an id.
    """
    texts = template_files(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder; nothing was written: choose another name")
    for file, text in texts.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    case, problems = read_case(folder)
    if case is None or problems:
        raise CaseError(problems)
    write_atomically(folder / "datapackage.json", datapackage_text(case, texts))
    return tuple(folder / file for file in (*texts, "datapackage.json"))


def template_case(name: str = "template") -> Case:
    """Return the teaching case itself, without leaving files.

    Args:
        name: its id.

    Returns:
        The case.

    Example:
        >>> template_case().base_year
        2024
    """
    with tempfile.TemporaryDirectory() as folder:
        write_template(Path(folder), name)
        case, _ = read_case(Path(folder))
    if case is None:
        raise UsageError("the teaching case cannot be read; reinstall oreflow")
    return case
