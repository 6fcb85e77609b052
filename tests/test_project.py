"""The project itself: what importing does, what is locked, what the wheel holds, what the docs cover."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import oreflow
from oreflow.cli.app import VERBS, overview
from oreflow.cli.reference import reference_page

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run_python(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def read_lock(name: str) -> dict[str, str]:
    """Package -> version; every requirement of a lock file carries a hash."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    packages = {}
    for line in text.splitlines():
        found = re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)(.*)", line)
        assert found, f"{name}: {line!r} is no locked requirement"
        assert "--hash=sha256:" in found[3], f"{name}: {found[1]} has no hash"
        packages[normal(found[1])] = found[2]
    return packages


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_importing_loads_no_third_party_module() -> None:
    program = (
        "import sys; before = set(sys.modules); import oreflow;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names) - {'oreflow'}))"
    )
    assert run_python("-c", program).strip() == "[]"


def test_public_names_are_the_listed_ones_and_all_resolve() -> None:
    assert set(oreflow.__all__) == {*oreflow._LAZY, "__version__"}
    for name in oreflow.__all__:
        assert getattr(oreflow, name) is not None
    assert set(oreflow.__all__) <= set(dir(oreflow))
    with pytest.raises(AttributeError, match="module 'oreflow' has no attribute 'no_such_name'"):
        oreflow.no_such_name  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "src/oreflow/__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == oreflow._LAZY


@pytest.mark.parametrize("module", ["scipy", "polars", "duckdb", "fastapi", "rich", "typer", "highspy"])
def test_the_help_of_the_program_loads_no_heavy_module(module: str) -> None:
    program = f"import sys; from oreflow.cli.app import main; main(['--help']); print({module!r} in sys.modules)"
    assert run_python("-c", program).splitlines()[-1] == "False"


def test_every_dependency_is_locked_with_hashes() -> None:
    demo, test = read_lock("demo.txt"), read_lock("test.txt")
    base = {normal(re.split(r"[<>=\[ ]", item)[0]) for item in PROJECT["project"]["dependencies"]}
    tools = {normal(re.split(r"[<>=\[ ]", item)[0]) for item in PROJECT["dependency-groups"]["test"]}
    assert base <= set(demo)
    assert base | tools <= set(test)
    assert {name: version for name, version in test.items() if name in demo} == demo


def test_the_version_stands_once() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == oreflow.__version__
    assert f"## {oreflow.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert run_python("-m", "oreflow", "--version") == f"oreflow {oreflow.__version__}\n"


def test_the_readme_names_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", readme, flags=re.MULTILINE))
    assert {"demo", "test"} <= named <= targets
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_page_of_the_command_line_is_up_to_date() -> None:
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run: python -m oreflow.cli.reference > docs/cli.md"
    for name in VERBS:
        assert f"\n## oreflow {name}\n" in page
        assert f"  {name} " in overview()


def test_every_page_of_the_docs_has_a_title_and_no_broken_link() -> None:
    for page in (*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"):
        text = page.read_text(encoding="utf-8")
        assert text.startswith("# "), f"{page.name}: the first line is no title"
        prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            assert target.startswith(("http:", "https:")) or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run_python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "src/oreflow"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("no git checkout: the list of the package's files is not known")
    present = {path.removeprefix("src/") for path in tracked if (ROOT / path).is_file()}
    assert present <= held
    assert any(name.endswith("licenses/LICENSE") for name in held)


def test_the_program_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    where = run_python("-c", "import oreflow; print(oreflow.__file__)", cwd=tmp_path, env=environment)
    assert Path(where.strip()).is_relative_to(site)
    assert run_python("-m", "oreflow", "--help", cwd=tmp_path, env=environment).startswith("Usage: oreflow VERB")
    entry = zipfile.ZipFile(wheel).read(f"oreflow-{oreflow.__version__}.dist-info/entry_points.txt").decode()
    assert "oreflow = oreflow.cli.app:main" in entry
