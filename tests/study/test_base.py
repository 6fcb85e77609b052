"""What a base year cannot stand is found before anything is solved, with the row to mend."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from oreflow import api
from oreflow.cli.app import main
from oreflow.core.errors import CaseError


@pytest.fixture(scope="module")
def small_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["init", "small"]) == 0
    return folder / "small"


def spoilt(small_case: Path, folder: Path, file: str, old: str, new: str) -> Path:
    """Copy the case with one text of one file replaced."""
    copy = folder / "spoilt"
    shutil.copytree(small_case, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    return copy


def test_an_absence_that_nothing_explains(small_case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = "sep_a,Separation in Arden"
    cheap = '=assume(""cost_mine"") / assume(""spare"") / assume(""spare"") / assume(""spare"") / assume(""spare"")'
    row = f'mine_c,Cheap mine,mine,ARDEN,mining,,"=claim(""sep_arden"")","{cheap}",,arden_mining,,,,,,invented,,\n'
    case = spoilt(small_case, tmp_path, "processes.csv", mine, row + mine)
    before = {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(["check", str(case)]) == 1
    told = capsys.readouterr().err
    assert "processes.csv, row 4, column explained_by: found nothing for mine_c, unused in 2024" in told
    assert main(["compare", str(case), "--draws", "0", "--out", str(tmp_path / "out")]) == 1
    assert "mine_c" in capsys.readouterr().err
    with pytest.raises(CaseError, match="mine_c"):
        api.solve(str(case))
    assert {path: path.read_bytes() for path in case.rglob("*") if path.is_file()} == before


def test_a_by_product_without_a_use(small_case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = spoilt(small_case, tmp_path, "commodities.csv", ",free,,may be thrown away", ",none,,")
    demands = (case / "demands.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (case / "demands.csv").write_text("".join(r for r in demands if not r.startswith("la_")), encoding="utf-8")
    capsys.readouterr()
    assert main(["check", str(case)]) == 1
    told = capsys.readouterr().err
    assert "commodities.csv, row 3, column disposal: found none for la_oxide, which sep_a makes at ARDEN" in told


def test_a_plant_without_capacity_says_why(
    small_case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = spoilt(small_case, tmp_path, "processes.csv", '"=claim(""sep_arden"") * assume(""spare"")"', "=0")
    capsys.readouterr()
    assert main(["check", str(case)]) == 1
    assert "processes.csv, row 4, column explained_by: found nothing, and capacity 0 in 2024" in capsys.readouterr().err
