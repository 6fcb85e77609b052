"""A case of one good that tests change a column at a time: a mine, a market at home, one abroad, a road between them.

At home 100 t a year are used at 50 USD/t; abroad 40 t at 60 USD/t, brought from home for 10 USD/t. The mine gives 140 t
at 50 USD/t with a supply elasticity of 1.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oreflow.chain import tables as t
from oreflow.chain.case import Case, load_case

HEAD = """\
id: small
title: One good
description: Invented numbers.
base_year: 2024
end_year: {end}
study_date: '2025-01-31'
money_year: 2024
discount_rate: =assume("discount")
status_quo: status-quo
compare: [status-quo]
tracked_origin: ''
tracked_elements: []
licence: CC0-1.0
"""


@dataclass
class Small:
    """The tables of the case as rows by file; `add` and `set` change them, `load` reads what `write` wrote."""

    folder: Path
    end: int = 2030
    head: str = ""
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.rows["sources"] = [{"id": "x", "title": "invented", "citation": "invented for the tests of oreflow"}]
        self.rows["assumptions"] = []
        self.number(0.1, "1/yr", "discount")
        self.number(0.4, "1", "left")
        for place in ("HOME", "AWAY"):
            self.add("places", id=place, name=place, role="market", kind="country")
        for actor in ("miner", "state", "trade"):
            self.add("actors", id=actor, name=actor, kind="firm")
        self.add("commodities", id="ore", name="ore", stage="metal", basis="goods", market="local", disposal="free")
        self.add("recipes", recipe="mining", side="output", commodity="ore", coefficient="=1")
        self.add(
            "processes", id="mine", name="mine", kind="mine", place="HOME", recipe="mining", operator="miner",
            cost=self.number(50.0, "USD/t_goods"), elasticity=self.number(1.0, "1"),
        )  # fmt: skip
        self.add(
            "legs", id="road", **{"from": "HOME"}, to="AWAY", mode="road", state="open",
            fixed=self.number(10.0, "USD/t_gross"),
        )  # fmt: skip
        self.add("routes", id="out", **{"from": "HOME"}, to="AWAY", legs="road", commodities="ore")
        for place, tonnes, price in (("HOME", 100.0, 50.0), ("AWAY", 40.0, 60.0)):
            self.add(
                "demands", id=f"use_{place.lower()}", place=place, commodity="ore", use="all", form="isoelastic",
                quantity=self.number(tonnes, "t_goods/yr"), price=self.number(price, "USD/t_goods"),
                elasticity=self.number(-0.5, "1"), choke=self.number(20.0, "1"),
            )  # fmt: skip
        self.add("observations", id="o1", kind="output", process="mine", value=self.number(140.0, "t_goods/yr"))
        self.proposals["status-quo"] = "id: status-quo\ntitle: nothing\nreading: nothing changes\n"

    def number(self, value: float, unit: str, name: str = "") -> str:
        """State a number as an assumption and return the cell that names it."""
        self.numbers += 1
        name = name or f"n{self.numbers}"
        plain = unit.replace("_goods", "").replace("_gross", "")
        basis = "gross" if "_gross" in unit else "goods"
        self.add("assumptions", id=name, subject=name, value=repr(value), unit=plain, basis=basis, dist="fixed",
                 grade="M", reason="invented")  # fmt: skip
        return f'=assume("{name}")'

    def add(self, table: str, **values: Any) -> None:
        """Add a row; numbers are written as they come, cells come from `number`."""
        self.rows.setdefault(table, []).append({key: str(value) for key, value in values.items()})

    def set(self, table: str, identifier: str, **values: Any) -> None:
        """Change columns of a row by its id."""
        row = next(row for row in self.rows[table] if row["id"] == identifier)
        row.update({key: str(value) for key, value in values.items()})

    def measure(self, proposal: str, text: str) -> None:
        """Add a proposal with one instrument, in YAML's flow style."""
        self.proposals[proposal] = (
            f"id: {proposal}\ntitle: {proposal}\nreading: a what-if\nsources: [x]\nnot_modelled: [the rest]\n"
            f"instruments:\n  - {text}\n"
        )

    def write(self) -> Path:
        """Write the folder."""
        (self.folder / "proposals").mkdir(parents=True, exist_ok=True)
        (self.folder / "case.yaml").write_text(HEAD.format(end=self.end) + self.head, encoding="utf-8")
        for table in t.TABLES:
            if table.name in self.rows:
                text = io.StringIO()
                writer = csv.DictWriter(text, [column.name for column in table.columns], lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows[table.name])
                (self.folder / table.file).write_text(text.getvalue(), encoding="utf-8")
        for name, text_of in self.proposals.items():
            (self.folder / "proposals" / f"{name}.yaml").write_text(text_of, encoding="utf-8")
        return self.folder

    def load(self) -> Case:
        """Write the folder and read it as `of.load_case` does, with all checks."""
        return load_case(str(self.write()))
