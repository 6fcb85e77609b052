"""The indicators of a comparison, defined once: key, unit, formula, dimensions, sign.

`docs/indicators.md` is printed from this table, and `--json` and `report.html` use its keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from oreflow.core.errors import UsageError
from oreflow.report.wording import Wording

Sense = Literal["level", "difference", "share", "year", "count", "list"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """The definition of one indicator.

    Attributes:
        key: name in `--json` and in anchors of the report.
        title: in words, without a verdict.
        unit: of value, by and percentiles; "" for a list of names.
        formula: over the symbols of the market: x activity, p price, d consumption, w and l rents.
        by: dimensions of the labels of `by`, joined by "/".
        sign: what a positive value, a difference and a zero mean.
        sense: level, difference to the status quo, share, year, count of draws, or list.
        source: where the definition comes from, "" for oreflow's own.

    Title, formula and sign may hold the marks of `oreflow.report.wording.Wording.fill`.
    """

    key: str
    title: str
    unit: str
    formula: str
    by: tuple[str, ...]
    sign: str
    sense: Sense = "level"
    source: str = ""

    def worded(self, wording: Wording) -> Indicator:
        """Return the definition in the words of a case.

        Args:
            wording: of the case.

        Example:
            >>> indicator("gap").worded(Wording(("Dy",), "china")).title
            'Reference demand less consumption of Dy'
        """
        title, formula, sign = (wording.fill(text) for text in (self.title, self.formula, self.sign))
        return replace(self, title=title, formula=formula, sign=sign)


_DEFINITIONS = (
    Indicator(
        "diverted_first",
        "<tracked> of the tracked origin first separated <outside>",
        "t_oxide/yr",
        "sum over e in {<elements>} of the oxide of e in the tracked origin's concentrates whose first separation "
        "stands neither in <inside> nor under an operator of it",
        ("year",),
        "At least 0. It counts the tracked origin only: what other origins lose or gain is in net_ex_china_dytb.",
    ),
    Indicator(
        "diverted_end",
        "<tracked> of the tracked origin that reaches its use with no stage in <inside> or under an operator of it",
        "t_oxide/yr",
        "diverted_first times the shares of separated oxide, metal and magnets that pass no place in <inside> and no "
        "operator of it, by proportional mixing at each market",
        ("year",),
        "Between 0 and diverted_first.",
    ),
    Indicator(
        "net_ex_china_dytb",
        "Change of all <tracked> oxide separated <outside>",
        "t_oxide/yr",
        "sum over all origins of <tracked> oxide separated neither in <inside> nor under an operator of it, less the "
        "same sum under the status quo of the same draw",
        ("year",),
        "Positive: more is separated outside than under the status quo. It can be smaller than diverted_first where "
        "the plants would have run on other feed, and it is 0 for the status quo itself.",
        "difference",
    ),
    Indicator(
        "diverted_reo",
        "Rare-earth oxides of the tracked origin first separated <outside>",
        "t_REO/yr",
        "as diverted_first, summed over all elements",
        ("year",),
        "At least 0.",
    ),
    Indicator(
        "diverted_value",
        "Value of what diverted_reo counts",
        "USD/yr",
        "sum over elements of the diverted oxide times p(r, e) where it is separated",
        ("year",),
        "At least 0. Valued at the prices of the same run, so it moves with prices as well as with tonnes.",
    ),
    Indicator(
        "first_year",
        "First of two years running with 20 t <tracked> diverted",
        "year",
        "the least year y with diverted_first(y) >= 20 t and diverted_first(y + 1) >= 20 t",
        (),
        "No value where it never happens up to the last year; k of n counts the draws in which it does.",
        "year",
    ),
    Indicator(
        "china_share_separation_hree",
        "Share of heavy rare-earth oxide separated in <inside> or under an operator of it",
        "1",
        "heavy oxide separated in <inside> or under an operator of it / heavy oxide separated in the world",
        ("year",),
        "Between 0 and 1.",
        "share",
    ),
    Indicator(
        "china_exposure",
        "Share of <tracked> use that passes a stage in <inside> or under an operator of it",
        "1",
        "<tracked> in a place's use whose mining, separation, metal or magnet stage stands in <inside> or under an "
        "operator of it / all <tracked> in its use, by proportional mixing",
        ("place", "year"),
        "Between 0 and 1.",
        "share",
    ),
    Indicator(
        "import_reliance",
        "Net import reliance",
        "1",
        "(imports - exports + stock releases) / apparent consumption, where apparent consumption = production + "
        "imports - exports + stock releases",
        ("place", "year"),
        "0 or less for a net exporter, 1 where nothing is produced at home.",
        "share",
        "USGS, Mineral Commodity Summaries, appendix on net import reliance",
    ),
    Indicator(
        "hhi",
        "Concentration by country of a stage (Herfindahl-Hirschman)",
        "index",
        "sum over countries of (output of the country / output of the world)^2",
        ("stage", "year"),
        "Between 0 and 1; 1 where one country makes all.",
        "share",
    ),
    Indicator(
        "price",
        "Price of an oxide",
        "USD/kg_oxide",
        "p(r, e), the market-clearing price of element e's oxide at place or price area r, in USD of the money year",
        ("place", "element", "year"),
        "Inside <inside> and outside are separate price places. A market without trade has a range and no price: it is "
        "left out here; `prices(ranges=True)` of a solved proposal gives the range.",
    ),
    Indicator(
        "gap",
        "Reference demand less consumption of <tracked>",
        "t_oxide/yr",
        "d*(place) - d(place): thrifting (less in a tonne of goods), rationing (price at the choke), and goods not "
        "bought, split by logarithmic-mean Divisia index into lost output (this year's price) and substitution (what "
        "earlier prices left in demand's memory)",
        ("place", "component", "year"),
        "Positive: less is used than at reference prices. Only lost output and rationing are products not made.",
    ),
    Indicator(
        "turnover",
        "Revenue of an actor from what it sells",
        "USD/yr",
        "sum over the actor's activities of outputs times p, plus levies and fees that it receives",
        ("actor", "year"),
        "The report shows the change against the status quo of the same draw: positive is more revenue. Revenue, not "
        "profit, and no judgement of who should have it.",
    ),
    Indicator(
        "rent",
        "Capacity, quota and control rents that an actor receives",
        "USD/yr",
        "sum of w x and l G x over the constraints whose receiver is the actor",
        ("actor", "year"),
        "At least 0, where the dual is unique.",
    ),
    Indicator(
        "public_cost",
        "Public money that the proposal spends",
        "USD/yr",
        "subsidies, grants and annuities of public capex of the proposal's instruments, less their receipts",
        ("year",),
        "Positive: public money is spent. Foregone tariffs count as spending.",
    ),
    Indicator(
        "public_cost_per_kg",
        "Public money per kg of net_ex_china_dytb",
        "USD/kg_oxide",
        "discounted public_cost / discounted net_ex_china_dytb over the years of the run",
        (),
        "No value where net_ex_china_dytb is not positive: k of n draws gain, and the percentiles are over those.",
    ),
    Indicator(
        "us_myanmar_balance",
        "Change of the US goods balance with Myanmar",
        "USD/yr",
        "US exports to Myanmar less US imports of Myanmar origin, customs basis, less the same under the status quo",
        ("year",),
        "Positive: a smaller deficit. Ore separated in a third country is not of Myanmar origin on arrival, so a deal "
        "can move many tonnes and leave this line near 0; ore bought by the US itself makes the deficit larger.",
        "difference",
    ),
    Indicator(
        "barriers",
        "Minimal sets of barriers that stop the tonnes",
        "",
        "sets of up to three barriers whose joint removal lets the target through, and no part of which does",
        ("set",),
        "Each set is enough on its own; the sets are alternatives, not a sum. `value` counts them, `by` names each "
        "with the t a year that lifting it lets through.",
        "list",
    ),
    Indicator(
        "works",
        "Cases tried in which the threshold is reached",
        "1",
        "share of the draws in which net_ex_china_dytb in the headline year reaches the threshold",
        (),
        "k of n cases tried with the weights of the sampler. It is not a probability; below 200 draws only k of n is "
        "printed.",
        "count",
    ),
)

INDICATORS: Mapping[str, Indicator] = MappingProxyType({item.key: item for item in _DEFINITIONS})
"""Key -> definition, in the order in which indicators are printed."""


def indicator(key: str) -> Indicator:
    """Return the definition of an indicator.

    Args:
        key: as in `INDICATORS`.

    Returns:
        The definition.

    Raises:
        UsageError: no indicator has that key; the message lists those that exist.

    Example:
        >>> indicator("diverted_first").unit
        't_oxide/yr'
    """
    try:
        return INDICATORS[key]
    except KeyError:
        raise UsageError(f"unknown indicator {key!r}; expected one of {', '.join(INDICATORS)}") from None


def indicators_page() -> str:
    """Return the text of `docs/indicators.md`.

    Returns:
        Markdown, one section an indicator, with a line break at its end.

    Example:
        >>> indicators_page().splitlines()[0]
        '# Indicators'
    """
    lines = [
        "# Indicators",
        "",
        "Printed from `oreflow.report.indicators` by `python -m oreflow.report.indicators`; edit that module instead.",
        "",
        "Under these keys `oreflow compare --json` gives",
        "`data.proposals[ID].indicators[KEY] = {unit, value, by, p10, p50, p90}`. `value` is the central value in the",
        "headline year; `by` holds the other years and dimensions under labels joined by `/`; the percentiles are over",
        "the draws. Money is USD of the case's money year. A share of draws is a share of the cases tried, never a",
        "probability.",
        "",
        "Dy+Tb and China are those of the bundled case; another case puts its tracked elements and its inside group in",
        "their place.",
        "",
        "| key | unit | what | by |",
        "| --- | --- | --- | --- |",
    ]
    definitions = [item.worded(Wording(("Dy", "Tb"), "China")) for item in INDICATORS.values()]
    lines += [
        f"| [`{item.key}`](#{item.key}) | {item.unit or '-'} | {item.title} | {'/'.join(item.by) or '-'} |"
        for item in definitions
    ]
    for item in definitions:
        lines += ["", f"## {item.key}", "", f"{item.title}. Unit: `{item.unit or 'names'}`.", ""]
        lines += [f"- Formula: {item.formula}.", f"- Labels of `by`: {'/'.join(item.by) or 'none'}."]
        lines.append(f"- Sign: {item.sign}")
        if item.source:
            lines.append(f"- Definition after: {item.source}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(indicators_page(), end="")
