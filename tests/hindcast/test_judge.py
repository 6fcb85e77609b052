"""The split of the bundled case: fitted on two episodes, judged on three; and what 2010 asks of the fit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import oreflow
from oreflow.baseline.fit import Fit
from oreflow.hindcast.episode import Hindcasts, load_hindcasts
from oreflow.hindcast.judge import fit_parameters, judge, observed_change, parameters_of
from oreflow.hindcast.model import run_episode
from oreflow.report.hindcast import render_hindcast, summary_words

FOLDER = Path(oreflow.__file__).parent / "cases" / "kachin" / "hindcasts"


@pytest.fixture(scope="module")
def hindcasts() -> Hindcasts:
    return load_hindcasts(FOLDER)


@pytest.fixture(scope="module")
def fitted(hindcasts: Hindcasts) -> Fit:
    return fit_parameters(hindcasts)


def test_the_quota_of_2010_binds_and_its_rent_is_uniform(hindcasts: Hindcasts, fitted: Fit) -> None:
    """From 2010 H2 to 2011 H1; La and Ce bear 12 to 20 USD/kg in 2010, when the record prices the licence at 15."""
    run = run_episode(hindcasts.episode("H2010"), hindcasts.backcast, parameters_of(fitted.values))
    assert run.ok, run.cause
    used = run.flows.sum(axis=2)[:, 0] / 2
    assert used[0] < run.limits[0, 0] * (1 - 1e-6)
    np.testing.assert_allclose(used[1:3], run.limits[1:3, 0], rtol=1e-6)
    wedge = run.episode.links[0].wedge
    gap = run.prices[:, :, 1] - wedge * run.prices[:, :, 0]
    np.testing.assert_allclose(gap, np.broadcast_to(run.rents, gap.shape), rtol=1e-4, atol=1e-4)
    assert 12.0 <= run.rents[1, 0] <= 20.0
    assert run.rents[2, 0] >= 12.0


def test_every_scored_row_has_its_scores_and_the_page_names_the_lost(hindcasts: Hindcasts, fitted: Fit) -> None:
    board = judge(hindcasts, draws=6, found=fitted)
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
    again = judge(hindcasts, draws=6, found=fitted, only=("H2024",))
    assert [row.crps for row in again.rows] == [row.crps for row in board.rows if row.episode == "H2024"]


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
