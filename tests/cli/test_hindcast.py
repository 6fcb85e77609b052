"""`oreflow hindcast` on a small case: tables, one JSON document, a page, further episodes and errors in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from oreflow.cli.app import main

ROW = {
    "role": "scored", "what": "price", "quantity": "price", "element": "Nd", "place": "here", "grade": "A",
    "source": "S", "before": {"date": "2020-01", "value": 50.0}, "after": {"date": "2020-09", "value": 65.0},
}  # fmt: skip
EPISODE = {
    "schema": "oreflow/episode/1", "title": "a cut", "start": "2020-01", "months": 6, "periods": 2,
    "reference": "2019", "home": "here", "elements": {"Nd": {"price": 50.0, "place": "here"}},
    "composition": {"Nd": 1.0}, "supply": [
        {"name": "mine", "place": "here", "tonnes": 100.0, "low": 90.0, "high": 110.0,
         "index": {"2020-07": 0.8}, "grade": "B", "source": "S"}],
}  # fmt: skip


@pytest.fixture
def case(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "small")]) == 0
    folder = tmp_path / "small" / "hindcasts"
    folder.mkdir()
    for name in ("H1", "H2"):
        write(folder / f"{name}.yaml", EPISODE | {"id": name, "rows": [ROW | {"id": f"{name}.1"}]})
    write(folder / "split.yaml", {"schema": "oreflow/hindcast-split/1", "fitted": ["H1"], "scored": ["H2"]})
    write(folder / "backcast.yaml", {"schema": "oreflow/backcast/1", "year": 2019, "composition": {}, "streams": {}})
    return tmp_path / "small"


def write(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def test_a_further_episode_gets_its_scores(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = tmp_path / "later.yaml"
    fall = ROW | {"id": "later.1", "after": {"date": "2020-09", "value": 40.0}}
    write(later, EPISODE | {"id": "later", "rows": [fall]})
    words = ["hindcast", str(case), "--episodes", str(later), "--draws", "4", "--workers", "1", "--out", str(tmp_path)]
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "oreflow/hindcast/1"
    rows = {row["row"]: row for row in document["data"]["rows"]}
    assert list(rows) == ["H1.1", "H2.1", "later.1"]
    assert [row["role"] for row in rows.values()] == ["fitted", "scored", "scored"]
    assert rows["later.1"]["hit"] is False
    basket = document["data"]["basket"]["H1"]
    assert basket["periods"] == [2020.0, 2020.5]
    assert basket["without"][1] > basket["with_stocks"][1] > 1.0
    assert document["data"]["limits"] == {"H1": [], "H2": [], "later": []}
    assert rows["later.1"]["why"].startswith("the wrong direction")
    page = (tmp_path / "hindcast.html").read_text(encoding="utf-8")
    assert "later.1" in page
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "lost: later.1" in told
    assert "Value of Nd in here, by period: " in told
    assert "Not scored: none." in told
    assert "Mean CRPS over 2 scored rows" in told


def test_a_quota_is_told_with_its_rent(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = {"from": "here", "to": "there", "limits": [{"start": "2020-07", "tonnes": 15.0}]}
    quota = EPISODE | {"id": "quota", "rows": [], "uses": [{"place": "there", "tonnes": 40.0}], "links": [link]}
    write(tmp_path / "quota.yaml", quota)
    words = ["hindcast", str(case), "--episodes", str(tmp_path / "quota.yaml"), "--episode", "quota", "--draws", "2",
             "--workers", "1", "--out", str(tmp_path)]  # fmt: skip
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    (limit,) = json.loads(capsys.readouterr().out)["data"]["limits"]["quota"]
    assert (limit["link"], limit["from"], limit["limit"], limit["binds"]) == ("here -> there", "2020-07", 15.0, True)
    assert limit["flow"] == pytest.approx(15.0)
    assert limit["rent"] > 0.5
    assert main(words) == 0
    assert "Limits at the fitted parameters" in capsys.readouterr().out
    assert "<td>here -&gt; there</td>" in (tmp_path / "hindcast.html").read_text(encoding="utf-8")


def test_what_is_wrong_is_said(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hindcast", str(case), "--episode", "H9"]) == 2
    assert "known are H1, H2" in capsys.readouterr().err
    assert main(["hindcast", str(case), "--episodes", str(tmp_path / "none.yaml")]) == 2
    write(case / "hindcasts" / "H2.yaml", EPISODE | {"id": "H2", "rows": [ROW | {"id": "x", "element": "Pr"}]})
    assert main(["hindcast", str(case)]) == 1
    assert "price of Pr" in capsys.readouterr().err
    shutil.rmtree(case / "hindcasts")
    assert main(["hindcast", str(case)]) == 2
    assert "no folder hindcasts" in capsys.readouterr().err
