"""Claims for the tests: rows written here, and a loader of the sample facts book."""

from __future__ import annotations

import csv
from datetime import date
from functools import partial
from pathlib import Path
from typing import cast

from oreflow.facts.claim import Claim, Grade, Source
from oreflow.facts.claimcheck import Evidence


def claim(
    name: str,
    subject: str,
    place: str,
    period: str,
    value: float | None,
    unit: str,
    *,
    low: float | None = None,
    high: float | None = None,
    element: str = "TREO",
    basis: str = "",
    source: str = "S",
    grade: Grade = "A",
    derived_from: tuple[str, ...] = (),
    stems_from: tuple[str, ...] = (),
    vintage: str = "",
    note: str = "",
) -> Claim:
    return Claim(
        name,
        subject,
        place,
        "",
        element,
        period,
        value,
        low,
        high,
        unit,
        basis,
        source,
        "",
        "original",
        grade,
        "",
        derived_from,
        stems_from,
        vintage,
        date(2025, 1, 1),
        True,
        note,
    )


def source(name: str, publisher: str = "") -> Source:
    return Source(name, publisher or name, "", "")


IMPORTS = "China imports HS 2846 (RE compounds)"
MINE = "rare-earth mine production"


def small_ledger() -> Evidence:
    """The claims that the figures of the founding question need, in the words of the facts book."""
    gross = partial(claim, basis="gross", source="COMTRADE")
    usgs = partial(claim, basis="REO", source="USGS")
    weights = [
        ("2014", 301.6, 3466.7),
        ("2018", 33976.4, 69479.0),
        ("2019", 28741.0, 41059.0),
        ("2020", 35453.6, 47653.0),
        ("2021", 34669.7, 45851.3),
        ("2022", 23705.4, 44748.4),
        ("2023", 72073.8, 109285.8),
        ("2024", 44365.5, 77025.5),
    ]
    claims = []
    for year, origin, total in weights:
        claims.append(gross(f"M{year}", IMPORTS, "Myanmar->China", year, origin, "t"))
        claims.append(gross(f"W{year}", IMPORTS, "World->China", year, total, "t"))
    claims += [
        claim(
            "V2023",
            IMPORTS + " value",
            "Myanmar->China",
            "2023",
            1441.902,
            "million USD",
            basis="customs value CIF",
            source="COMTRADE",
        ),
        claim(
            "V2024",
            IMPORTS + " value",
            "Myanmar->China",
            "2024",
            817.835,
            "million USD",
            basis="customs value CIF",
            source="COMTRADE",
        ),
        gross("MY2024", IMPORTS, "Malaysia->China", "2024", 16344.7, "t"),
        gross("LA2024", IMPORTS, "Laos->China", "2024", 10747.5, "t"),
        claim(
            "ORE2024",
            "China imports of RE metal ore (HS 2530) from US",
            "US->China",
            "2024",
            55612,
            "t",
            basis="gross",
            source="WXC24",
            grade="D",
        ),
        claim(
            "NONORE",
            "China non-ore rare-earth imports (total minus metal ore)",
            "China",
            "2024",
            77319,
            "t",
            low=77025,
            high=77319,
            basis="gross",
            source="REUTERS",
            grade="C",
            derived_from=("HEAD", "ORE2024"),
            note="DERIVED 132,931 total less 55,612 ore",
        ),
        claim(
            "HEAD",
            "China total rare-earth imports (customs headline, ore+compounds+metal)",
            "World->China",
            "2024",
            132931,
            "t",
            basis="gross",
            source="REUTERS",
            grade="C",
        ),
        claim(
            "ALL",
            "China imports of all RE raw materials incl. monazite",
            "World->China",
            "2024",
            177535,
            "t",
            basis="gross",
            source="WXC24",
            grade="D",
        ),
        claim(
            "REO2024",
            "Myanmar REO exports to China, bottom-up",
            "Myanmar->China",
            "2024",
            33600,
            "t",
            low=27000,
            high=34500,
            basis="REO",
            source="ANTAIKE",
            grade="D",
            derived_from=("M2024",),
        ),
        usgs(
            "U2020",
            MINE,
            "Myanmar",
            "2020",
            35500,
            "t",
            low=30000,
            high=35500,
            derived_from=("M2020",),
            note="MCS 30,000 then 31,000; equals customs gross weight 35,454 t",
        ),
        usgs(
            "U2021",
            MINE,
            "Myanmar",
            "2021",
            34700,
            "t",
            low=19500,
            high=35000,
            derived_from=("M2021",),
            note="MCS first 26,000; equals customs gross 34,670 t",
        ),
        usgs("U2022", MINE, "Myanmar", "2022", 12000, "t", derived_from=("M2022",)),
        usgs(
            "U2023",
            MINE,
            "Myanmar",
            "2023",
            43000,
            "t",
            low=38000,
            high=50000,
            derived_from=("M2023",),
            note="MCS 2024 first estimate 38,000",
        ),
        usgs(
            "U2024",
            MINE,
            "Myanmar",
            "2024",
            27000,
            "t",
            low=27000,
            high=31000,
            derived_from=("M2024",),
            note="revised; MCS 2025 said 31000",
        ),
        claim(
            "B2014",
            "production of rare earth oxides",
            "Myanmar",
            "2014",
            300,
            "t",
            basis="REO",
            source="BGS",
            derived_from=("M2014",),
        ),
        claim(
            "B2020",
            "production of rare earth oxides",
            "Myanmar",
            "2020",
            35000,
            "t",
            basis="REO",
            source="BGS",
            derived_from=("M2020",),
        ),
        usgs("CN2020", MINE, "China", "2020", 140000, "t"),
        usgs("US2020", MINE, "United States", "2020", 39000, "t"),
        usgs("AU2020", MINE, "Australia", "2020", 20000, "t"),
        usgs("IN2020", MINE, "India", "2020", 2900, "t"),
        usgs("WO2020", MINE, "World", "2020", 250000, "t"),
        usgs("CN2024", MINE, "China", "2024", 270000, "t"),
        usgs("US2024", MINE, "United States", "2024", 45500, "t", low=45000, high=45500),
        usgs("WO2024", MINE, "World", "2024", 380000, "t", low=380000, high=390000),
        claim(
            "REFI",
            "RE refining",
            "China",
            "2023",
            92,
            "% of world",
            basis="REO",
            source="IEA",
            grade="B",
            element="all",
        ),
        claim(
            "REF90",
            "share of RE refining",
            "World->China",
            "2025",
            90,
            "% of world",
            source="IDTECHEX",
            grade="B",
            element="all",
        ),
        claim(
            "HEAVY",
            "Kachin share of world heavy rare-earth mining",
            "Kachin",
            "2025",
            50,
            "%",
            low=45,
            high=57,
            element="HREE",
            source="REUTERS",
            grade="C",
        ),
        claim(
            "TRADE",
            "goods trade total",
            "Myanmar->US",
            "2024",
            734,
            "MUSD",
            source="SWISS",
            grade="C",
            element="all goods",
        ),
        claim(
            "GOODS", "goods imports", "Myanmar->US", "2024", 656.5, "MUSD", source="AFP", grade="C", element="all goods"
        ),
        claim(
            "DEF",
            "goods trade deficit US-Myanmar",
            "Myanmar->US",
            "2024",
            579,
            "MUSD",
            source="AFP",
            grade="C",
            element="all goods",
            derived_from=("TRADE", "GOODS"),
        ),
        claim(
            "TARIFF",
            "US tariff on goods of Myanmar",
            "Myanmar",
            "2025",
            40,
            "%",
            source="SWISS",
            grade="C",
            element="all",
        ),
        claim("ELEM", "rare-earth elements", "World", "2024", 17, "elements", source="IUPAC", grade="A"),
        claim("FLOOR", "price floor for NdPr", "US", "2025", 110, "USD/kg", source="MP", grade="B", element="NdPr"),
    ]
    return Evidence(tuple(claims), (source("REUTERS", "Reuters"), source("COMTRADE", "UN Comtrade")))


def facts_book(folder: Path) -> Evidence:
    """Load supply.csv and demand_trade.csv of the sample facts book as claims."""
    claims: list[Claim] = []
    sources: list[Source] = []
    for path in ("sources_supply.csv", "sources_markets.csv"):
        for row in _rows(folder / path):
            sources.append(Source(row["source_id"], row["publisher"], row["title"], row["date"], row["url"]))
    for row in _rows(folder / "supply.csv"):
        claims.append(_claim(row, row["id"], row["place"]))
    for row in _rows(folder / "demand_trade.csv"):
        ends = [row["origin"], row["destination"]]
        claims.append(_claim(row, row["id"], "->".join(end for end in ends if end)))
    return Evidence(tuple(claims), tuple(sources))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _claim(row: dict[str, str], name: str, place: str) -> Claim:
    value, low, high = (float(row[key]) if row[key] else None for key in ("value", "low", "high"))
    return claim(
        name,
        row["subject"],
        place,
        row["period"],
        value,
        row["unit"],
        low=low,
        high=high,
        element=row["element"],
        basis=row.get("basis", ""),
        source=row["source_id"],
        grade=cast("Grade", row["grade"]),
        note=row["note"],
    )
