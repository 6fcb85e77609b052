"""The teaching case: it passes its checks, runs under every proposal, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreflow.baseline.calibrate import USED
from oreflow.chain.case import load_case
from oreflow.chain.template import template_case, template_files, write_template
from oreflow.core.errors import UsageError
from oreflow.study.base import prepare
from oreflow.study.run import run


def test_it_runs_and_a_tariff_on_oxides_keeps_concentrate_from_being_separated_abroad(tmp_path: Path) -> None:
    write_template(tmp_path / "two-countries", "two-countries")
    case = load_case(str(tmp_path / "two-countries"))
    base = prepare(case, case.values())
    assert (base.year.levels > USED).all()
    levels = {}
    for proposal in case.proposals:
        outcome = run(base, proposal.id, proposal.instruments, until=2027)
        assert outcome.solved, (proposal.id, outcome.cause)
        levels[proposal.id] = dict(
            zip((a.name for a in outcome.network.activities), outcome.years[-1].levels, strict=True)
        )
    free, oxides, ore = (levels[name] for name in ("status-quo", "tariff-oxides", "tariff-concentrate"))
    assert oxides["sep_a"] < free["sep_a"] < ore["sep_a"]
    assert oxides["A_B_conc[conc]"] > free["A_B_conc[conc]"] > ore["A_B_conc[conc]"]


def test_its_name_is_its_id_and_must_be_one() -> None:
    assert template_case("cobalt").id == "cobalt"
    with pytest.raises(UsageError, match="'two words' cannot name a case"):
        template_files("two words")


def test_it_is_not_written_over_anything(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is not an empty folder; nothing was written"):
        write_template(tmp_path, "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
