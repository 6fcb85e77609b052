"""`oreflow import`: what it shows, what it writes, and that nothing is written unless all is well."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.facts.readers.test_formats import envelope, record

from oreflow.cli.app import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "case.yaml").write_text("id: mine\nmoney_year: 2024\n", encoding="utf-8")
    money = "currency,year,usd_rate,deflator,vat,source\nUSD,2023,1,98,,S\nUSD,2024,1,100,,S\n"
    (folder / "money.csv").write_text(money, encoding="utf-8")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = main(["import", *map(str, words)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def trade(folder: Path, name: str = "trade.json", **changes: object) -> Path:
    path = folder / name
    path.write_text(
        envelope([record(**changes), record(partnerCode=418, netWgt=None, qty=0.0, qtyUnitCode=-1)]), encoding="utf-8"
    )
    return path


def table(path: Path) -> list[Mapping[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_claims_and_their_source_are_written(case: Path, tmp_path: Path, run: Run) -> None:
    code, out, err = run(trade(tmp_path), "--case", case)
    assert (code, err) == (0, "")
    assert "3 claims written" in out
    claims, sources = table(case / "claims.csv"), table(case / "sources.csv")
    assert [claim["place"] for claim in claims] == ["Myanmar->China", "Myanmar->China", "Laos->China"]
    weight = claims[1]
    assert (weight["value"], weight["unit"], weight["basis"], weight["period"]) == ("1000", "kg", "gross", "2023")
    assert weight["subject"] == "China imports HS 2846 (H6), net weight"
    assert "row 1, column netWgt; sha256 " in weight["locator"]
    assert (weight["grade"], weight["source"]) == ("A", sources[0]["id"])
    assert {claim["source"] for claim in claims} <= {source["id"] for source in sources}
    assert len({claim["id"] for claim in claims}) == 3


def test_json_has_the_contract_of_data_files(case: Path, tmp_path: Path, run: Run) -> None:
    code, out, _ = run(trade(tmp_path), "--case", case, "--dry-run", "--json")
    document: dict[str, Any] = json.loads(out)
    assert (code, document["schema"], document["case"]) == (0, "oreflow/import/1", "mine")
    entry = document["data"]["files"][0]
    wanted = {
        "format": "comtrade_api",
        "vintage": "API v1",
        "encoding": "utf-8",
        "rows_in": 2,
        "used": 2,
        "rejected": {},
    }
    assert {key: entry[key] for key in wanted} == wanted
    assert entry["closure"]["status"] == "not applicable"
    assert document["data"]["claims"] == 3
    assert document["data"]["rows_without_claim"] == {"without a number (missing)": 1}
    assert sorted(path.name for path in case.iterdir()) == ["case.yaml", "money.csv"]


def test_a_dry_run_needs_no_case(tmp_path: Path, run: Run) -> None:
    code, out, _ = run(trade(tmp_path), "--dry-run")
    assert code == 0
    assert "would be written; nothing was" in out


def test_nothing_is_written_unless_all_is_well(case: Path, tmp_path: Path, run: Run) -> None:
    good, bad = trade(tmp_path), tmp_path / "cut.json"
    bad.write_text(good.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    before = sorted(path.name for path in case.iterdir())
    code, out, err = run(good, bad, "--case", case)
    assert code == 1
    assert "Nothing was written" in out
    assert "cut.json, row 1, column" in err
    assert sorted(path.name for path in case.iterdir()) == before
    code, out, err = run(good, bad, "--case", case, "--partial")
    assert (code, err) == (0, "")
    assert "refused: truncated JSON" in out
    assert len(table(case / "claims.csv")) == 3


def test_a_file_that_is_not_data_is_refused_by_name(case: Path, tmp_path: Path, run: Run) -> None:
    note = tmp_path / "meta.xml"
    note.write_text("<?xml version='1.0'?><metadata/>", encoding="utf-8")
    code, out, err = run(note, "--case", case, "--json")
    assert code == 1
    assert json.loads(out)["data"]["files"][0]["refused"] == "not data: a metadata document (XML)"
    assert "meta.xml: found not data: a metadata document (XML)" in err


def test_what_stands_in_the_case_is_kept_to_the_byte(case: Path, tmp_path: Path, run: Run) -> None:
    header = ("note,id,subject,place,commodity,element,period,value,low,high,unit,basis,source,locator,read_via,grade,"
              "attribution,derived_from,stems_from,vintage,published")  # fmt: skip
    old = ("\ufeff" + header + '\r\n"kept, as it is",C1,x,,,,2020,1,,,t,REO,S1,,,A,,,,,').encode()
    (case / "claims.csv").write_bytes(old)
    sources = b"id,publisher,title,date,url,doi,accessed,licence,citation\nS1,P,T,2020,u,,,,\n"
    (case / "sources.csv").write_bytes(sources)
    assert run(trade(tmp_path), "--case", case)[0] == 0
    assert (case / "claims.csv").read_bytes().startswith(old + b"\r\n")
    assert (case / "sources.csv").read_bytes().startswith(sources)
    rows = list(csv.DictReader((case / "claims.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["place"] for row in rows] == ["", "Myanmar->China", "Myanmar->China", "Laos->China"]


def test_a_file_is_imported_once(case: Path, tmp_path: Path, run: Run) -> None:
    path = trade(tmp_path)
    assert run(path, "--case", case)[0] == 0
    before = (case / "claims.csv").read_bytes()
    code, _, err = run(path, "--case", case)
    assert code == 1
    assert "a file that was not imported before" in err
    assert (case / "claims.csv").read_bytes() == before


def test_a_table_without_its_columns_is_not_extended(case: Path, tmp_path: Path, run: Run) -> None:
    (case / "claims.csv").write_text("id,value\nC1,1\n", encoding="utf-8")
    code, _, err = run(trade(tmp_path), "--case", case)
    assert code == 1
    assert "claims.csv, row 1, column subject" in err
    assert not (case / "sources.csv").exists()


def test_selection_by_column(case: Path, tmp_path: Path, run: Run) -> None:
    code, out, _ = run(
        trade(tmp_path), "--case", case, "--where", "partner=MMR", "--where", "measure=net_weight", "--json"
    )
    assert code == 0
    data = json.loads(out)["data"]
    assert (data["written"]["claims"], data["rows_without_claim"]) == (1, {"not selected": 3})
    assert run(trade(tmp_path), "--case", case, "--where", "colour=red")[0] == 2


def test_bounds_become_low_and_high(case: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "salient.csv"
    path.write_text("DataSource,Commodity,Year,Exports_kt,NIR_pct\nMCS2024,Tin,2023,5,>95\n", encoding="utf-8")
    assert run(path, "--case", case)[0] == 0
    tonnes, share = table(case / "claims.csv")
    assert (tonnes["value"], tonnes["unit"]) == ("5", "kt")
    assert (share["value"], share["low"], share["high"], share["unit"]) == ("", "95", "100", "%")
    assert table(case / "sources.csv")[0]["doi"] == "10.5066/P144BA54"


def test_text_from_a_file_is_no_formula(case: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "world.csv"
    path.write_text(
        'Source,Country,Type,Prod_t_2020,Prod_notes\nMCS2022,=cmd,"Mine production, tin content",5,@x\n',
        encoding="utf-8",
    )
    assert run(path, "--case", case, "--partial")[0] == 0
    claim = table(case / "claims.csv")[0]
    assert all(not text.startswith(("=", "@", "+", "-")) for text in claim.values())


def test_wrong_usage(tmp_path: Path, run: Run) -> None:
    assert run(trade(tmp_path))[0] == 2
    assert run(trade(tmp_path), "--case", tmp_path / "nowhere")[0] == 2
    assert run(trade(tmp_path), "--dry-run", "--flow", "sideways")[0] == 2
    assert run()[0] == 2


def test_an_interrupted_write_leaves_both_tables(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oreflow.facts.readers import claims as writing
    from oreflow.facts.readers import read_file

    batch = writing.claims_of(read_file(trade(tmp_path)))
    from oreflow.core.files import write_atomically as real

    def failing(path: Path, content: str | bytes) -> None:
        if path.name == "claims.csv":
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(writing, "write_atomically", failing)
    with pytest.raises(OSError, match="No space left"):
        writing.append_to_case(case, [batch])
    assert sorted(path.name for path in case.iterdir()) == ["case.yaml", "money.csv"]


def test_money_of_a_year_without_deflator_stays_out(case: Path, tmp_path: Path, run: Run) -> None:
    code, out, _ = run(trade(tmp_path, period="1995"), "--case", case, "--json")
    assert code == 0
    assert json.loads(out)["data"]["rows_without_claim"] == {
        "USD of a year that the case's money.csv does not cover": 1,
        "without a number (missing)": 1,
    }
    assert {claim["period"] for claim in table(case / "claims.csv")} == {"1995", "2023"}
    (case / "case.yaml").write_text("- no mapping", encoding="utf-8")
    assert run(trade(tmp_path), "--case", case)[0] == 1


def test_the_grown_case_still_loads(tmp_path: Path, run: Run) -> None:
    from shutil import copytree

    from tests.conftest import ROOT

    from oreflow.chain.case import load_case

    copytree(ROOT / "src" / "oreflow" / "chain" / "teaching", tmp_path / "taught")
    path = tmp_path / "salient.csv"
    path.write_text("DataSource,Commodity,Year,Exports_kt,NIR_pct,Price_Oxide_dkg\nMCS2024,Tin,2023,5,>95,7\n")
    assert run(path, trade(tmp_path), "--case", tmp_path / "taught")[0] == 0
    before, after = load_case(str(ROOT / "src" / "oreflow" / "chain" / "teaching")), load_case(str(tmp_path / "taught"))
    assert len(after.ledger.claims) > len(before.ledger.claims)


def test_a_bundled_case_is_read_for_a_dry_run_and_never_written(tmp_path: Path, run: Run) -> None:
    assert run(trade(tmp_path), "--case", "kachin", "--dry-run")[0] == 0
    code, _, err = run(trade(tmp_path), "--case", "kachin")
    assert code == 2
    assert "a bundled case, which is not written to" in err


def test_the_data_package_is_kept_true(case: Path, tmp_path: Path, run: Run) -> None:
    from hashlib import sha256

    described = {"name": "mine", "resources": [{"path": "claims.csv", "bytes": 0, "hash": "x"}, {"path": "legs.csv"}]}
    (case / "datapackage.json").write_text(json.dumps(described), encoding="utf-8")
    assert run(trade(tmp_path), "--case", case)[0] == 0
    content = (case / "claims.csv").read_bytes()
    claims, legs = json.loads((case / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    assert claims["bytes"] == len(content)
    assert claims["hash"] == f"sha256:{sha256(content).hexdigest()}"
    assert legs == {"path": "legs.csv"}
