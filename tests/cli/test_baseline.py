"""`oreflow baseline`: words, one JSON document, and a page that stands by itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from oreflow.cli.app import main


def test_json_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "kachin", "--json", "--out", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "oreflow/baseline/1"
    data = document["data"]
    crossing = {c["basis"]: c for c in data["posterior"]["crossings"] if c["label"] == "all tracked ore"}
    assert {"REO", "Dy oxide", "Tb oxide"} <= crossing.keys()
    assert all(c["sd"] > 0 for c in crossing.values())
    for flow in data["posterior"]["flows"]:
        assert (flow["mean"] is None) == (flow["observability"] == "unobservable")
    page = (tmp_path / "baseline.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "nan" not in page.lower().split("</style>")[1].replace("finance", "").replace("dominance", "").split()

    counted = Counter(re.findall(r"<(table|section|svg|details|div|ul|tr|td|th|text)[ >]", page))
    assert counted == Counter(re.findall(r"</(table|section|svg|details|div|ul|tr|td|th|text)>", page))
    assert page.count("<section") == 10


def test_words_name_the_year_taken_as_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "kachin", "--base-year", "2023", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "base year 2023" in out
    assert "SUP-0385 by SUP-0367" in out
    assert "Global test" in out


def test_a_year_without_figures_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "kachin", "--base-year", "1900", "--out", str(tmp_path)]) == 2
    assert "1900" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
