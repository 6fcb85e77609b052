"""An invented comparison for tests of tables, figures and pages. No number in here says anything about the world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oreflow.report.document import (
    Alternative,
    Band,
    BarrierSet,
    BreakEven,
    CaseHeader,
    ComparisonDocument,
    Doubt,
    Evidence,
    ExistingPath,
    Freight,
    IndicatorResult,
    Instrument,
    PressFigure,
    ProposalResult,
    Rung,
    Step,
    Waterfall,
)

YEARS = tuple(range(2024, 2036))
STEPS = (
    ("contained", "Contained in the origin's output", "What the mines hold is all there is to redirect."),
    ("released", "Released by who controls and what is levied", "Operators tie part of the output to one buyer."),
    ("travels", "Can travel without crossing China", "The road to the west carries 60 t a month."),
    ("separable", "Can be separated outside China", "One plant with a heavy line runs outside."),
    ("pays", "Pays at the price", "At the outside premium the rest goes elsewhere."),
    ("delivered", "Delivered", ""),
)
LEFT: dict[str, tuple[float, ...]] = {
    "status-quo": (900, 0, 0, 0, 0, 0),
    "A": (900, 610, 240, 150, 128, 121),
    "B": (900, 430, 130, 90, 41, 38),
    "A + india-processing": (900, 610, 240, 205, 190, 182),
    "B + india-processing": (900, 430, 130, 112, 70, 66),
    "B + quad-refining": (900, 430, 130, 118, 74, 69),
    "build-elsewhere": (900, 0, 0, 0, 0, 0),
}
TITLES = {
    "status-quo": "Nothing is signed; what is in force stays",
    "A": "An agreement that includes both",
    "B": "An agreement with one side alone",
    "A + india-processing": "An agreement that includes both, with plants in India",
    "B + india-processing": "An agreement with one side alone, with plants in India",
    "B + quad-refining": "An agreement with one side alone, with refining by four states",
    "build-elsewhere": "The same public money into lines elsewhere",
}
NET = {
    "status-quo": 0,
    "A": 96,
    "B": 31,
    "A + india-processing": 139,
    "B + india-processing": 55,
    "B + quad-refining": 57,
    "build-elsewhere": 210,
}


def _series(end: float, start_year: int, refs: tuple[str, ...], unit: str, spread: float = 0.45) -> IndicatorResult:
    by = {str(year): end * min(1.0, max(0.0, (year - start_year) / 4)) for year in YEARS}
    bands = {year: Band(value * (1 - spread), value * 0.97, value * (1 + spread)) for year, value in by.items()}
    value = by["2030"]
    return IndicatorResult(unit, value, by, *bands["2030"], bands_by=bands, refs=refs, paired=bands["2030"])


def _indicators(name: str, draws: int) -> dict[str, IndicatorResult]:
    refs = ("SYN-0001", "syn_share")
    tonnes, start = LEFT[name][-1], 2027
    first = _series(tonnes * 1.4, start, refs, "t_oxide/yr")
    prices: dict[str, float] = {}
    bands = {}
    for area, element, level in (
        ("China", "Dy", 230),
        ("China", "Tb", 800),
        ("outside", "Dy", 520),
        ("outside", "Tb", 2100),
    ):
        for year in YEARS:
            value = level * (1 + 0.02 * (year - 2024)) * (1 - NET[name] / 1500 * (area == "outside") * (year > 2027))
            prices[f"{area}/{element}/{year}"] = value
            bands[f"{area}/{element}/{year}"] = Band(value * 0.7, value, value * 1.5)
    actors = {"CN_MINERS": -40e6, "KIA": 55e6, "US_MAGNET": 12e6, "IN_REFINERS": 21e6}
    scale = tonnes / 121
    turnover = {f"{a}/{y}": 100e6 + v * scale * (y >= 2028) for a, v in actors.items() for y in YEARS}
    paired = {f"{a}/{y}": _sorted(v * scale * (y >= 2028)) for a, v in actors.items() for y in YEARS}
    k = min(draws, int(draws * NET[name] / 250))
    net = _series(NET[name] * 1.35, start, refs, "t_oxide/yr")
    cost = 0.0 if name == "status-quo" else 85e6
    return {
        "diverted_first": first,
        "diverted_end": _series(tonnes * 0.6, start + 1, refs, "t_oxide/yr"),
        "net_ex_china_dytb": net,
        "diverted_reo": _series(tonnes * 28, start, refs, "t_REO/yr"),
        "diverted_value": _series(tonnes * 1.1e6, start, refs, "USD/yr"),
        "first_year": IndicatorResult(
            "year",
            2029.0 if tonnes else None,
            p10=2028.0 if tonnes else None,
            p50=2029.0 if tonnes else None,
            p90=2032.0 if tonnes else None,
            k=int(draws * 0.7) if tonnes else 0,
            n=draws,
            refs=refs,
        ),
        "china_share_separation_hree": IndicatorResult(
            "1", 0.9, {str(y): 0.97 - NET[name] / 3000 * (y > 2027) for y in YEARS}, refs=refs
        ),
        "china_exposure": IndicatorResult("1", 0.9, {f"{p}/{y}": 0.9 for p in ("US", "JP") for y in YEARS}, refs=refs),
        "import_reliance": IndicatorResult("1", 0.95, {f"US/{y}": 0.95 for y in YEARS}, refs=refs),
        "hhi": IndicatorResult("index", 0.8, {f"separation/{y}": 0.8 for y in YEARS}, refs=refs),
        "price": IndicatorResult(
            "USD/kg_oxide", prices["outside/Dy/2030"], prices, bands_by=bands, refs=("SYN-0002", "syn_premium")
        ),
        "gap": IndicatorResult(
            "t_oxide/yr", 40.0, {f"WORLD/{c}/{y}": 10.0 for c in ("thrifting", "rationing") for y in YEARS}, refs=refs
        ),
        "turnover": IndicatorResult("USD/yr", None, turnover, refs=refs, paired_by=paired),
        "rent": IndicatorResult("USD/yr", None, {label: v * 0.3 for label, v in turnover.items()}, refs=refs),
        "public_cost": IndicatorResult(
            "USD/yr", cost, {str(y): cost * (y > 2026) for y in YEARS}, cost, cost, cost, refs=("syn_capex",)
        ),
        "public_cost_per_kg": IndicatorResult(
            "USD/kg_oxide",
            cost / NET[name] / 1000 if NET[name] else None,
            p10=cost / NET[name] / 1700 if NET[name] else None,
            p50=None,
            p90=cost / NET[name] / 500 if NET[name] else None,
            refs=("syn_capex",),
        ),
        "us_myanmar_balance": IndicatorResult(
            "USD/yr", -tonnes * 1e4, {str(y): -tonnes * 1e4 * (y > 2027) for y in YEARS}, refs=("SYN-0003",)
        ),
        "works": IndicatorResult("1", float(NET[name] >= 100), k=k, n=draws, refs=refs),
    }


def _sorted(value: float) -> Band:
    low, high = sorted((value * 0.6, value * 1.6))
    return Band(low, value, high)


def _proposal(name: str, draws: int) -> ProposalResult:
    refs = ("SYN-0001", "syn_share")
    steps = tuple(
        Step(
            key,
            label,
            value,
            value * 0.6 if draws else None,
            value if draws else None,
            value * 1.4 if draws else None,
            hatched=key in {"released", "travels", "pays"},
            why=why if value < LEFT[name][max(0, n - 1)] else "",
            refs=refs,
        )
        for n, ((key, label, why), value) in enumerate(zip(STEPS, LEFT[name], strict=True))
    )
    indicators = _indicators(name, draws)
    if not draws:
        indicators = {
            key: replace(item, p10=None, p50=None, p90=None, bands_by={}, paired=None, paired_by={}, k=None, n=None)
            for key, item in indicators.items()
        }
    western = name not in {"status-quo", "build-elsewhere"}
    return ProposalResult(
        name,
        TITLES[name],
        "Invented reading: a road of 500 t a month opens in 2027 & the levy <stays> as it is.",
        (Alternative(f"{name}-alt", "the levy is halved instead; 250 t a month"),) if western else (),
        ("violence", "consent of residents"),
        ("S-ONE", "S-TWO"),
        ("inputs are supplied over the same road",) if western else (),
        (Instrument("road", "leg", "L_WEST", 2027, None, 6000.0, "t_gross/yr", "US", "", ("syn_road",)),)
        if western
        else (),
        indicators,
        Waterfall(2030, "t_oxide/yr", steps),
        (
            BarrierSet(("road", "plant"), ("road to the west", "heavy separation outside"), 210.0, 60e6, 0.0, refs),
            BarrierSet(("operator", "price"), ("tied operators", "price outside"), 95.0, None, 12000.0, refs),
        )
        if name != "status-quo"
        else (BarrierSet(("control", "road"), ("closed gates", "road to the west"), 30.0, None, None, refs),),
        (
            Rung("road to 500 t a month", 0.0, 0.0, refs),
            Rung("with separation in India", 38.0, 38.0, refs),
            Rung("with inputs by the same road", 12.0, 112.0, refs),
        )
        if western
        else (),
        Freight("mines - pass - Ledo", 4.2, 9.3, ("SYN-0004",)) if western else None,
        "solved",
        ExistingPath(3, 9),
        2 if name == "B" and draws else 0,
    )


def _claim(key: str, subject: str, value: float, unit: str, grade: str, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": key,
        "subject": subject,
        "place": "NOWHERE",
        "commodity": "",
        "element": "",
        "period": "2024",
        "value": value,
        "low": value * 0.8,
        "high": value * 1.2,
        "unit": unit,
        "basis": "gross",
        "source": "S-ONE",
        "locator": "p. 3, table 2",
        "read_via": "original",
        "grade": grade,
        "attribution": "",
        "derived_from": "",
        "stems_from": "",
        "vintage": "",
        "published": "2025-02-01",
        "note": "",
    }
    return row | more


def synthetic_document(draws: int = 256) -> ComparisonDocument:
    """Return the invented comparison; `draws` 0 gives central values only."""
    return ComparisonDocument(
        CaseHeader(
            "nowhere",
            "Redirecting the ore of Nowhere",
            "An invented case for tests.",
            2024,
            2035,
            "2025-07-31",
            2024,
            "2025-07-31",
            20250731,
            draws,
            "0123456789ab",
            "0.1.0",
            100.0,
            2030,
            ("violence", "environmental harm", "law"),
            tracked="Dy+Tb oxide of Nowhere origin",
        ),
        tuple(_proposal(name, draws) for name in LEFT),
        Evidence(
            {
                row["id"]: row
                for row in (
                    _claim("SYN-0001", "Tonnes that leave Nowhere", 44000.0, "t", "A", derived_from="SYN-0005"),
                    _claim("SYN-0002", "Price of Dy oxide <Nowhere>", 232.0, "USD/kg", "B", source="S-TWO"),
                    _claim("SYN-0003", "Trade with Nowhere", 579e6, "USD", "A"),
                    _claim("SYN-0004", "Freight to the pass", 300.0, "USD/t", "M", low=130.0, high=650.0),
                    _claim("SYN-0005", "All imports", 77300.0, "t", "A"),
                )
            },
            {
                "S-ONE": {
                    "id": "S-ONE",
                    "publisher": "Office of Tests",
                    "title": "Yearbook",
                    "date": "2025",
                    "url": "https://example.org/a?b=1&c=2",
                    "licence": "CC0",
                },
                "S-TWO": {
                    "id": "S-TWO",
                    "publisher": "Invented House",
                    "title": 'Prices "weekly"',
                    "date": "2025-03",
                    "url": "javascript:alert(1)",
                    "licence": "",
                },
            },
            {
                key: {
                    "id": key,
                    "subject": subject,
                    "value": value,
                    "low": low,
                    "high": high,
                    "unit": "1",
                    "basis": "",
                    "dist": "pert",
                    "grade": grade,
                    "reason": "No record splits it; sites counted give 67 to 89%.",
                    "source": "S-ONE",
                }
                for key, subject, value, low, high, grade in (
                    ("syn_share", "Share of the origin", 0.85, 0.65, 0.95, "D"),
                    ("syn_premium", "Outside premium", 2.2, 1.0, 4.0, "M"),
                    ("syn_capex", "Cost of a line", 85e6, 40e6, 150e6, "C"),
                    ("syn_road", "Trucks a day", 6000.0, 1500.0, 12000.0, "M"),
                )
            },
        ),
        (
            Doubt(
                "syn_premium", "Outside premium", "M", 61.0, "t_oxide/yr", "hardly 1% of use traded at the quoted price"
            ),
            Doubt("syn_share", "Share of the origin", "D", 38.0, "t_oxide/yr", "no record splits the country"),
            Doubt("SYN-0004", "Freight to the pass", "M", 9.0, "t_oxide/yr", "no transport cost is published"),
        ),
        ("2 of 256 draws did not solve under B and are left out of its bands.",) if draws else (),
        (
            PressFigure(
                "44,000 of 77,300 t is 57%",
                "follows",
                "44,000 / 77,300 = 56.9% in gross weight without ore; 25% with ore.",
                ("SYN-0001", "SYN-0005"),
            ),
            PressFigure("200 t in 2014", "conflicts", "The ledger holds 300 t gross for 2014.", ("SYN-0001",)),
        ),
        {
            name: (
                BreakEven(
                    "outside_premium", "Outside premium", 1.7, "1", 2.2, "above it the tonnes pay", ("syn_premium",)
                ),
                BreakEven(
                    "outside_separation_cost",
                    "Separation cost outside",
                    None,
                    "USD/kg_REO",
                    12.0,
                    "no change of sign between 4 and 40",
                    ("syn_share",),
                ),
            )
            for name in LEFT
            if name not in {"status-quo", "build-elsewhere"}
        },
        {"demand_level": "low", "draws": draws, "seed": 20250731},
        {"solve": 12.3, "draws": 230.0},
    )
