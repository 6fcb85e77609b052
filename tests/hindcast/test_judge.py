"""The split of the bundled case: fitted on two episodes, judged on three; and what 2010 asks of the fit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

import oreflow
from oreflow.baseline.fit import Fit
from oreflow.hindcast.episode import Hindcasts, load_hindcasts
from oreflow.hindcast.judge import (
    Scoreboard,
    fit_parameters,
    horizon,
    judge,
    observed_change,
    parameters_of,
    row_counts,
)
from oreflow.hindcast.model import run_episode
from oreflow.report.hindcast import render_hindcast, summary_words

FOLDER = Path(oreflow.__file__).parent / "cases" / "kachin" / "hindcasts"


@pytest.fixture(scope="module")
def hindcasts() -> Hindcasts:
    return load_hindcasts(FOLDER)


@pytest.fixture(scope="module")
def fitted(hindcasts: Hindcasts) -> Fit:
    return fit_parameters(hindcasts)


@pytest.fixture(scope="module")
def board(hindcasts: Hindcasts, fitted: Fit) -> Scoreboard:
    return judge(hindcasts, draws=8, found=fitted)


def test_the_quota_of_2010_binds_and_its_rent_is_uniform(hindcasts: Hindcasts, fitted: Fit) -> None:
    """From 2010 H2 to 2011 H1, at 12 to 20 USD/kg (the record prices the licence at 15), and is slack from then on."""
    run = run_episode(hindcasts.episode("H2010"), hindcasts.backcast, parameters_of(fitted.values))
    assert run.ok, run.cause
    used = run.flows.sum(axis=2)[:, 0] / 2
    assert used[0] < run.limits[0, 0] * (1 - 1e-6)
    np.testing.assert_allclose(used[1:3], run.limits[1:3, 0], rtol=1e-6)
    wedge = run.episode.links[0].wedge
    gap = run.prices[:, :, 1] - wedge * run.prices[:, :, 0]
    np.testing.assert_allclose(gap, np.broadcast_to(run.rents, gap.shape), rtol=1e-4, atol=1e-4)
    assert ((run.rents[1:3, 0] >= 12.0) & (run.rents[1:3, 0] <= 20.0)).all()
    assert (run.rents[[0, 3, 4, 5], 0] < 1e-6).all()
    assert (used[3:] < 0.99 * run.limits[3:, 0]).all()


def test_every_scored_row_has_its_scores_and_the_page_names_the_lost(
    hindcasts: Hindcasts, fitted: Fit, board: Scoreboard
) -> None:
    scored = [row.id for e in hindcasts.episodes if e.id in hindcasts.split.scored for row in e.scored]
    assert [row.row.id for row in board.rows] == scored
    for row in board.rows:
        assert row.crps > 0.0
        assert 0.0 <= row.pit <= 1.0
        assert row.observed == observed_change(row.row)
        assert row.lost == (min(row.crps_no_change, row.crps_one_elasticity) < row.crps)
    assert {c.benchmark for c in board.comparisons} == {"no change", "one elasticity"}
    assert all(c.low <= c.difference <= c.high for c in board.comparisons)
    page = render_hindcast(board, hindcasts, "Kachin <test>")
    assert "Kachin &lt;test&gt;" in page
    for row in board.lost:
        assert f'<a href="#{row.row.id}">' in page
        assert f'id="{row.row.id}"' in page
    for episode in hindcasts.episodes:
        assert all(other.id in page for other in board.episodes[0].others)
        assert f'id="{episode.id}"' in page
    assert len(summary_words(board)) >= 4
    again = judge(hindcasts, draws=8, found=fitted, only=("H2024",))
    assert [row.crps for row in again.rows] == [row.crps for row in board.rows if row.episode == "H2024"]


def test_the_closure_of_2024_moves_the_basket_little_with_the_fitted_parameters(
    hindcasts: Hindcasts, fitted: Fit
) -> None:
    """Dy and Tb as they leave the ore, to 31 March 2025; without stocks three times as much in January-February."""
    episode, moved = hindcasts.episode("H2024"), {}
    for stocks in (True, False):
        run = run_episode(episode, hindcasts.backcast, parameters_of(fitted.values), stocks=stocks)
        assert run.ok, run.cause
        weights = run.supply[0] * run.reference[:, 0]
        moved[stocks] = (run.prices[:, :, 0] / run.reference[:, 0]) @ weights / weights.sum() - 1.0
    assert (moved[True] >= -0.05).all()
    assert (moved[True] <= 0.20).all()
    assert np.abs(moved[False][4:6]).mean() >= 3.0 * np.abs(moved[True][4:6]).mean()


def test_the_model_is_better_than_no_change_and_than_one_elasticity(board: Scoreboard) -> None:
    still, simple = board.comparisons
    assert simple.high < 0.0
    assert -0.02 < still.difference < 0.0


def test_rows_of_one_window_count_as_one(hindcasts: Hindcasts) -> None:
    rows = [(e, row) for e in hindcasts.episodes if e.id in hindcasts.split.fitted for row in e.scored]
    counts = dict(zip((row.id for _, row in rows), row_counts(rows), strict=True))
    assert counts == {"H2010.06": 1.0, "H2010.07": 1.0, "H2010.18": 0.5, "H2010.19": 0.5, "H2019.05": 0.5,
                      "H2019.06": 0.5, "H2019.07": 0.5, "H2019.08": 0.5}  # fmt: skip


def test_the_noise_of_a_month_is_less_than_that_of_two_years(hindcasts: Hindcasts) -> None:
    row = {row.id: row for e in hindcasts.episodes for row in e.scored}
    assert horizon(row["H2021.11"]) == pytest.approx(2.0)
    assert horizon(row["H2024.18"]) == pytest.approx(1 / 12, abs=0.01)
    assert horizon(row["H2023.11"]) >= 1 / 12


def test_no_role_has_changed_since_before_the_fitting_code(hindcasts: Hindcasts) -> None:
    root = FOLDER.parents[4]
    words = ["git", "log", "--diff-filter=A", "--format=%H", "--", "src/oreflow/cases/kachin/hindcasts/H2010.yaml"]
    known = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    if known.returncode or not known.stdout.strip():
        pytest.skip("no history here")
    first = known.stdout.split()[-1]
    for episode in hindcasts.episodes:
        path = f"{first}:src/oreflow/cases/kachin/hindcasts/{episode.id}.yaml"
        text = subprocess.run(["git", "show", path], cwd=root, capture_output=True, text=True, check=True).stdout
        then = {row["id"]: (row["role"], row["before"], row["after"]) for row in yaml.safe_load(text)["rows"]}
        now = yaml.safe_load((FOLDER / f"{episode.id}.yaml").read_text(encoding="utf-8"))["rows"]
        assert {row["id"]: (row["role"], row["before"], row["after"]) for row in now} == then


def test_roles_were_committed_before_the_fitting_code() -> None:
    root = FOLDER.parents[4]
    if not (root / ".git").exists():
        pytest.skip("no history here")

    def first(path: str) -> list[str]:
        words = ["git", "log", "--diff-filter=A", "--format=%H", "--", path]
        return subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout.split()

    roles, code = first("src/oreflow/cases/kachin/hindcasts/H2010.yaml"), first("src/oreflow/baseline/fit.py")
    if not roles or not code:
        pytest.skip("a shallow history")
    order = subprocess.run(["git", "merge-base", "--is-ancestor", roles[-1], code[-1]], cwd=root, check=False)
    assert order.returncode == 0
    assert roles[-1] != code[-1]


SHUT = """
schema: oreflow/episode/1
id: H2031
title: nothing may leave for two months
start: '2031-01'
months: 1
periods: 4
reference: '2030'
home: China
elements: {Dy: {price: 250.0, place: world}, Tb: {price: 850.0, place: world}}
composition: {Dy: 0.85, Tb: 0.15}
supply: [{name: mines, place: China, tonnes: 3000, elasticity: 0.3}]
uses: [{place: world, tonnes: 400}]
links: [{from: China, to: world, vat: 0.13, limits: [{start: '2031-02', tonnes: 0}, {start: '2031-04', tonnes: 60}]}]
rows:
  - {id: H2031.01, role: scored, what: price, quantity: price, element: Dy, place: world, unit: USD/kg, grade: B,
     source: S, before: {date: '2031-01', value: 250}, after: {date: '2031-03', value: 800}}
"""


def test_a_gate_that_shuts_altogether_has_finite_scores(fitted: Fit, tmp_path: Path) -> None:
    (tmp_path / "shut.yaml").write_text(SHUT, encoding="utf-8")
    hindcasts = load_hindcasts(FOLDER, (tmp_path / "shut.yaml",))
    board = judge(hindcasts, draws=3, found=fitted, only=("H2031",))
    (row,) = board.rows
    assert board.episodes[0].failed == 0
    assert np.isfinite([row.median, row.crps, row.crps_no_change, row.crps_one_elasticity, row.one_elasticity]).all()
    assert row.median > 0.0
