"""Every check: one spoilt copy of the teaching case each, and the words of its problem."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oreflow.chain.case import load_case
from oreflow.core.errors import CaseError, Problem

ProblemsOf = Callable[[Path], tuple[Problem, ...]]
TARIFF = "proposals/tariff-oxides.yaml"


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_teaching_case_has_no_problem(folder: Path, problems_of: ProblemsOf) -> None:
    assert problems_of(folder) == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        # evidence
        ("claims.csv", "REO,invented,,,B", "REO,,,,B", "claims.csv, row 3, column source: found nothing"),
        ("claims.csv", "REO,invented,,,B", "REO,nobody,,,B", "unknown source 'nobody'"),
        ("claims.csv", "1000,900,1100", "1000,1100,900", "low 1100 above high 900"),
        ("claims.csv", "1000,900,1100", "800,900,1100", "value 800 outside low 900 to high 1100"),
        ("claims.csv", "1000,900,1100", '"1,000",900,1100', "a number with a decimal point and no thousands mark"),
        ("claims.csv", "1000,900,1100", "nan,900,1100", "column value: found 'nan'"),
        ("claims.csv", "mine_belmor_old,", "mine_belmor,", "'mine_belmor' again (first in row 3)"),
        ("claims.csv", "t,REO,", "t,,", "has a t without a basis"),
        ("claims.csv", "t,REO,", "bushel,REO,", "'bushel' is not known"),
        ("claims.csv", ",C,,mine_arden;", ",C,,mine_nowhere;", "unknown claim 'mine_nowhere'"),
        ("claims.csv", ",EUR/t,", ",JPY/t,", "money.csv has no rate of JPY in 2023"),
        ("claims.csv", "2021-01-15", "15.1.2021", "a date as 2024-10-18"),
        ("claims.csv", ",C,,mine_arden", ",Z,,mine_arden", "one of A, B, C, D, M"),
        ("sources.csv", '"oreflow developers, numbers of the teaching case, invented; they describe no real country"',
         "short", "without url or doi"),
        ("assumptions.csv", "a choice of the author", "", "column reason: found nothing"),
        ("assumptions.csv", "discount,real discount rate,0.08", 'discount,real discount rate,"=assume(""discount"")"',
         "a cycle: discount -> discount"),
        ("assumptions.csv", 'assume(""road_km"")', 'assume(""road_kilometres"")', "unknown claim or assumption"),
        ("assumptions.csv", "USD/t,gross,,M,the same", "USD/t,REO,,M,the same", "the unit USD/t of the row"),
        ("assumptions.csv", "4000,3800,4300,km,,,", "4000,0,4300,km,,loguniform,", "loguniform from 0"),
        # parameters
        ("processes.csv", '"=assume(""cost_mine"")"', "14000", "the bare number '14000'"),
        ("processes.csv", '"=assume(""cost_mine"")"', "=1000", "the bare number =1000"),
        ("processes.csv", '"=assume(""cost_mine"")"', '"=assume(""sea_rate"")"', "the unit USD/t_REO"),
        ("demands.csv", 'claim(""use_nd_arden"")', 'claim(""use_nd_ardin"")', "did you mean 'use_nd_arden'?"),
        ("demands.csv", 'claim(""use_nd_arden"")', 'claim(""mine_arden"")', "the basis REO is not oxide"),
        ("demands.csv", 'claim(""use_nd_arden"")', 'claim(""use_nd_arden"") + claim(""mine_arden"")',
         "joins unlike units"),
        ("processes.csv", '"=claim(""sep_arden"") * assume(""spare"")"', '"=-claim(""sep_arden"")"',
         "found -600; expected a capacity from 0"),
        ("legs.csv", '"=assume(""road_rate"")"', '"=1 / (assume(""e_la"") - assume(""e_la""))"', "row 2, column rate"),
        # baskets
        ("claims.csv", "Nd,2020,35,", "Nd,2020,25,", "shares of 'arden_ore' that sum to 90.00%"),
        ("baskets.csv", ",yes,", ",no,", ""),
        ("baskets.csv", '(""share_dy"")",yes', '(""share_dy"")",no', "one rule a basket"),
        # references
        ("places.csv", ",ARDEN,9,22", ",ATLANTIS,9,22", "unknown place 'ATLANTIS'"),
        ("places.csv", "country,,,10,20", "country,,ARDEN,10,20", "'ARDEN' above itself"),
        ("places.csv", "10,20,,", "100,20,,", "-90 to 90"),
        ("places.csv", "BELMOR,Belmor,market", "BELMOR,Belmor,transit", "the transit place 'BELMOR'"),
        ("commodities.csv", "local,arden_ore", "local,other_ore", "unknown basket 'other_ore'"),
        ("commodities.csv", "oxide,local,,,", "oxide,world,,,", "no place WORLD"),
        ("recipes.csv", "@feed:all", "@feed:La;Pr", "unknown element with an oxide 'Pr'"),
        ("recipes.csv", "output,conc,=1", 'output,conc,"=assume(""recovery"")"', "'mining' without a line of"),
        ("recipes.csv", '"=assume(""recovery"")"', '"=1 / assume(""recovery"")"', "a recovery from 0 to 1"),
        ("processes.csv", "separation,conc,", "separation,,", "the feeds of the recipe's @feed"),
        ("processes.csv", "separation,conc,", "separation,nd_oxide,", "'nd_oxide' without basket"),
        ("processes.csv", ",belmor_chemicals,", ",somebody,", "unknown actor 'somebody'"),
        ("processes.csv", "belmor_chemicals,,", "belmor_chemicals,2026,", "nothing, and starts in 2026 in 2024"),
        ("processes.csv", '"=claim(""sep_arden"") * assume(""spare"")"', "=0", "nothing, and capacity 0 in 2024"),
        ("processes.csv", "belmor_chemicals,,,", "belmor_chemicals,,no plant yet,", "the kind of the barrier"),
        ("projects.csv", "Belmor,sep_b", "Belmor,sep_c", "unknown process 'sep_c'"),
        ("legs.csv", ",,open,", ",,closed,", "the leg is closed"),
        ("legs.csv", ",,open,", ",,ajar,", "one of open, closed"),
        ("routes.csv", "road_a;sea,conc", "sea;road_a,conc", "leg road_a (ARDEN to ARDEN_PORT) after"),
        ("routes.csv", "road_a;sea,conc", "road_a,conc", "an end at BELMOR"),
        ("routes.csv", "road_a;sea,conc", "road_a;air,conc", "unknown leg 'air'"),
        ("routes.csv", "ARDEN,BELMOR,road_a;sea,conc", "ARDEN,ARDEN,road_a;sea,conc", "another place than from"),
        ("routes.csv", "nd_oxide;dy_oxide", "stage:metal", "unknown stage in use 'metal'"),
        ("demands.csv", '"=assume(""e_nd"")"', '"=-assume(""e_nd"")"', "a negative elasticity"),
        ("demands.csv", "dy_oxide,all", "tb_oxide,all", "unknown commodity 'tb_oxide'"),
        ("demands.csv", "isoelastic", "elastic", "did you mean 'isoelastic'?"),
        ("demands.csv", ",demand_level,", ",weather,", "unknown switch 'weather'"),
        ("control.csv", "c1,mine_a,2010-01-01,,", "c1,mine_a,2010-01-01,2009-01-01,", "2009-01-01 before 2010-01-01"),
        ("control.csv", "c1,mine_a", "c1,mine_z", "unknown place, leg or process 'mine_z'"),
        ("observations.csv", "ARDEN,BELMOR,conc", "ARDEN,,conc", "where the flow goes"),
        ("groups.csv", "belmor_group,BELMOR", "belmor_group,BELMORE", "did you mean 'BELMOR'?"),
        ("money.csv", "2023,0.925", "2023,-1", "positive numbers"),
        ("money.csv", "304.7,,invented", "304.7,,nobody", "unknown source 'nobody'"),
        # case.yaml
        ("case.yaml", "base_year: 2024", "base_year: soon", "case.yaml, column base_year: found 'soon'"),
        ("case.yaml", "end_year: 2030", "end_year: 2020", "a year after 2024"),
        ("case.yaml", "licence:", "license:", "did you mean 'licence'?"),
        ("case.yaml", "tracked_origin: arden", "tracked_origin: ardin", "did you mean 'arden'?"),
        ("case.yaml", "[Dy]", "[Xx]", "unknown element 'Xx'"),
        ("case.yaml", "demand_level: low", "demand_level: middle", "unknown option of demand_level 'middle'"),
        ("case.yaml", "tariff-oxides,", "tariff-oxydes,", "unknown proposal 'tariff-oxydes'"),
        ("case.yaml", "outside: belmor_group", "outside: nowhere", "unknown group or place 'nowhere'"),
        ("case.yaml", '=assume("discount")', "0.08", "the bare number '0.08'"),
        ("uncertainties.yaml", "dy_oxide: =1", "xx_oxide: =1", "unknown demand, commodity or use 'xx_oxide'"),
        # proposals
        (TARIFF, "target: A_B_oxides", "target: A_B_oxide", "did you mean 'A_B_oxides'?"),
        (TARIFF, "type: tariff,", "type: tarif,", "did you mean 'tariff'?"),
        (TARIFF, "start: 2026, end: null", "start: 2026, end: 2025", "an end after the start"),
        (TARIFF, "'=assume(\"tariff_oxides\")'", "0.2", "the bare number '0.2'"),
        (TARIFF, "'=assume(\"tariff_oxides\")'", "'=assume(\"cost_sep\")'", "the unit 1"),
        (TARIFF, "base: fob", "bases: fob", "did you mean 'base'?"),
        (TARIFF, "id: tariff-concentrate", "id: tariff-c", "unknown proposal 'tariff-c'"),
        (TARIFF, "sources: [invented]", "sources: []", "say where the proposal is described"),
        (TARIFF, "not_modelled: [retaliation]", "not_modelled: []", "what is left out"),
        (TARIFF, "receiver: belmor_state,", "receiver: nobody,", "unknown actor 'nobody'"),
        (TARIFF, "id: tariff-oxides", "id: status-quo", "'status-quo' again"),
        (TARIFF, "title:", "titel:", "did you mean 'title'?"),
    ],
)  # fmt: skip
def test_a_spoilt_case_has_its_problem(
    folder: Path, problems_of: ProblemsOf, name: str, old: str, new: str, expected: str
) -> None:
    spoil(folder, name, old, new)
    found = [str(problem) for problem in problems_of(folder)]
    if not expected:
        assert found == []
        return
    assert any(expected in text for text in found), found
    with pytest.raises(CaseError):
        load_case(str(folder))


def test_printed_shares_that_are_not_normalised_have_narrow_bounds(folder: Path, problems_of: ProblemsOf) -> None:
    spoil(folder, "baskets.csv", ",yes,", ",no,")
    assert problems_of(folder) == ()
    spoil(folder, "claims.csv", "Nd,2020,35,", "Nd,2020,35.2,")
    assert "sum to 100.20%; expected a sum from 99.9% to 100.1%" in str(problems_of(folder)[0])


def test_all_problems_come_at_once_with_remedies(folder: Path, problems_of: ProblemsOf) -> None:
    spoil(folder, "claims.csv", "t,REO,", "t,,")
    spoil(folder, "legs.csv", ",,open,", ",,ajar,")
    spoil(folder, "case.yaml", "licence:", "license:")
    spoil(folder, TARIFF, "type: tariff,", "type: tarif,")
    found = problems_of(folder)
    assert {"claims.csv", "legs.csv", "case.yaml", TARIFF} <= {problem.file for problem in found}
    assert all(problem.found and problem.expected and problem.remedy for problem in found)


def test_a_leg_may_be_used_backwards(folder: Path, problems_of: ProblemsOf) -> None:
    with (folder / "routes.csv").open("a", encoding="utf-8") as stream:
        stream.write("B_A,BELMOR,ARDEN,sea;road_a,dy_oxide,,,,,\n")
    assert problems_of(folder) == ()
