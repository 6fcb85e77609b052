"""The words by which English texts and claims name numbers, units, places, subjects and commodities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from oreflow.facts.areas import WORLD

_T = TypeVar("_T")

REST_OF_WORLD = "ROW"
"""Place id of everything outside China, where texts and claims split the world in two."""


def _classes(words: Mapping[_T, str], *, separator: str = " ") -> dict[str, _T]:
    """Turn class -> words into word -> class."""
    return {word.strip(): name for name, text in words.items() for word in text.split(separator)}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PLACES: Mapping[str, str] = _classes(
    {
        "CHN": "china,chinese,beijing,prc,yunnan",
        "MMR": "myanmar,burma,burmese,naypyidaw,naypyitaw",
        "KACHIN": "kachin,kachin state,pangwa,panwa,chipwi,kia,kio,kachin independence army,kachin rebels",
        "WA": "wa state,wa",
        "SHAN": "shan state,shan",
        "USA": "us,u.s,usa,united states,america,american,united states of america,washington",
        "GBR": "uk,u.k,united kingdom,britain,british",
        "IND": "india,indian,new delhi",
        "JPN": "japan,japanese,tokyo",
        "MYS": "malaysia,malaysian",
        "AUS": "australia,australian,canberra",
        "LAO": "laos,lao,laotian,vientiane",
        "THA": "thailand,thai",
        "VNM": "vietnam,viet nam,vietnamese",
        "RUS": "russia,russian",
        "BRA": "brazil,brazilian",
        "DEU": "germany,german",
        "FRA": "france,french",
        "EST": "estonia,estonian",
        "KOR": "korea,south korea,korean",
        "TWN": "taiwan",
        "MDG": "madagascar",
        "NGA": "nigeria,nigerian",
        "BDI": "burundi",
        "CAN": "canada,canadian",
        "IDN": "indonesia",
        "GRL": "greenland",
        "ZAF": "south africa",
        "EU": "eu,european union,europe,european,rotterdam",
        "EURO_AREA": "euro area,eurozone",
        WORLD: "world,worldwide,global,globally,world total",
        REST_OF_WORLD: "rest of world,rest of the world",
        "COD": "congo,democratic republic of the congo,drc",
    },
    separator=",",
)
"""Country names, adjectives and capitals that texts use -> place id."""
CASED = _set("drc eu lao mp prc shan thai uk us usa wa")
"""Place names that are common words unless capitalised."""
ACRONYMS = _set("drc eu kia kio mp prc uk us usa")
"""Place names, and armed organisations for their territory, that count only in capitals."""
METONYMS = _set("beijing canberra naypyidaw naypyitaw tokyo washington")
"""Capitals that stand for a government, and so are the subject of a number only for want of another place."""
ONES: Mapping[str, float] = _classes(
    {
        0.0: "zero",
        1.0: "one",
        2.0: "two",
        3.0: "three",
        4.0: "four",
        5.0: "five",
        6.0: "six",
        7.0: "seven",
        8.0: "eight",
        9.0: "nine",
        10.0: "ten",
        11.0: "eleven",
        12.0: "twelve",
        13.0: "thirteen",
        14.0: "fourteen",
        15.0: "fifteen",
        16.0: "sixteen",
        17.0: "seventeen",
        18.0: "eighteen",
        19.0: "nineteen",
    }
)
"""Numbers to nineteen."""
TENS: Mapping[str, float] = _classes(
    {
        20.0: "twenty",
        30.0: "thirty",
        40.0: "forty",
        50.0: "fifty",
        60.0: "sixty",
        70.0: "seventy",
        80.0: "eighty",
        90.0: "ninety",
    }
)
"""Twenty to ninety."""
SCALES: Mapping[str, float] = _classes(
    {
        1000.0: "thousand",
        1000000.0: "million",
        1000000000.0: "billion",
        1000000000000.0: "trillion",
        100000.0: "lakh",
        10000000.0: "crore",
    }
)
"""Multipliers in words."""
SHORT_SCALES: Mapping[str, float] = _classes(
    {
        1000.0: "k",
        1000000.0: "m mn mln",
        1000000000.0: "bn b",
    }
)
"""Multipliers as letters behind a number."""
FRACTIONS: Mapping[str, float] = _classes(
    {
        2.0: "half halves",
        3.0: "third thirds",
        4.0: "quarter quarters",
        5.0: "fifth fifths",
        6.0: "sixth sixths",
        7.0: "seventh sevenths",
        8.0: "eighth eighths",
        9.0: "ninth ninths",
        10.0: "tenth tenths",
    }
)
"""Fractions -> denominator."""
MASS: Mapping[str, float] = _classes(
    {
        1.0: "t tonne tonnes ton tons mt tpa tpy",
        1000.0: "kt ktpa kilotonne kilotonnes kiloton kilotons",
        0.001: "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes",
        1000000.0: "megatonne megatonnes",
    }
)
"""Words of mass -> tonnes."""
CURRENCIES: Mapping[str, str] = _classes(
    {
        "USD": "$ usd dollar dollars musd us$",
        "CNY": "cny yuan rmb renminbi ¥",
        "EUR": "eur euro euros €",
        "INR": "inr rupees ₹",
        "GBP": "gbp pounds £",
        "JPY": "jpy yen",
        "MYR": "myr ringgit",
        "AUD": "aud a$",
        "CAD": "cad c$",
        "MMK": "kyat mmk",
    }
)
"""Signs and words of money -> currency code."""
COUNTED: Mapping[str, str] = _classes(
    {
        "elements": "element elements",
        "sites": "site sites mine mines",
        "pools": "pool pools",
        "sources": "source sources",
        "countries": "country countries",
        "deaths": "death deaths",
        "trucks": "truck trucks truckloads",
        "plants": "plant plants",
        "commodities": "commodities",
        "minerals": "minerals",
        "km": "km kilometre kilometres kilometers",
        "miles": "miles",
        "years": "year years",
        "months": "month months",
        "days": "day days",
        "people": "people workers persons miners soldiers employees",
    }
)
"""Nouns that are counted -> name of the count."""
STOP = _set(
    "a an and are as at be but by for from in is it its of on or per than that the these this those to was were "
    "when which while who with"
)
"""Words that end a noun phrase."""
ABOUT = _set("about almost approx approximately around circa close estimated nearly roughly some ~ ≈")
"""Words by which a number is only roughly meant."""
AT_LEAST = _set("> above exceeded exceeding exceeds over surpassed topped ≥")
"""Words for more than."""
AT_MOST = _set("< below under ≤")
"""Words for less than."""
MEASURE_WORDS: Mapping[str, str] = _classes(
    {
        "production": (
            "production produce produces produced producing producer producers output outputs mined mining miners "
            "extracted extraction extracts extract dug mines yield yields yielded unearthed make makes made "
            "manufactures manufactured manufacture mine"
        ),
        "flow_in": (
            "import imports imported importing importer importers bought buys buy buying buyers purchased purchases "
            "purchase purchasing sourced received receives took takes taken intake inflow inflows acquired spent "
            "spend paid pays"
        ),
        "flow_out": (
            "export exports exported exporting shipped ships shipping shipment shipments supplied supplies "
            "supplying sold sells sell sales sale selling sent sends send sending delivered delivers deliveries "
            "delivery provided provides supplier suppliers contributed consignments cargo cargoes outflow outflows"
        ),
        "flow_any": (
            "came come comes coming arrived arriving arrivals originated originating originate crossed crossing "
            "moved flowed flow flows entered trucked"
        ),
        "processing": (
            "processing processes processed process refining refines refined refine refinery refineries "
            "separation separate separates separated separating refiner processor process "
            "treat treats treated handle handles handled"
        ),
        "quota": "quota quotas",
        "demand": "demand consumption consumed consumes consume used usage need needs needed",
        "capex": "loan loans invest invested invests investment grant budget",
        "deficit": "deficit shortfall gap",
        "trade": "trade commerce turnover",
        "tariff": "tariff tariffs duty duties levy levies levied tax taxes taxed taxing charges royalty toll",
        "price": "price prices priced quoted traded trading",
        "cost": "cost costs opex capex",
        "reserves": "reserve reserves",
        "stock": "stock stocks stockpile stockpiles stockpiled inventory inventories",
        "capacity": "capacity capacities nameplate designed",
        "recycling": "recycled recycling recovered recyclers recovers recover recycle",
        "reliance": "reliance reliant",
    }
)
"""Word -> what is measured; flow_in is told by the receiver, flow_out by the sender."""
ELEMENTS: Mapping[str, str] = _classes(
    {
        "Dy": "dysprosium dy",
        "Tb": "terbium tb",
        "Nd": "neodymium nd",
        "Pr": "praseodymium pr",
        "Nd+Pr": "ndpr",
        "Y": "yttrium",
        "Sc": "scandium",
        "La": "lanthanum",
        "Ce": "cerium",
        "Sm": "samarium",
        "Gd": "gadolinium",
        "Eu": "europium",
        "Ho": "holmium",
        "Er": "erbium",
        "Tm": "thulium",
        "Yb": "ytterbium",
        "Lu": "lutetium",
        "HREE": "hree hrees heavy heavies ionic clay clays",
        "LREE": "lree light",
    }
)
"""Names and symbols of elements -> symbols joined by +; HREE and LREE for the groups."""
SYMBOLS = _set("dy nd pr tb")
"""Symbols that count only where capitalised."""
PRODUCTS: Mapping[str, str] = _classes(
    {
        "ore": "ore ores concentrate concentrates bastnaesite bastnasite",
        "monazite": "monazite",
        "carbonate": "carbonate carbonates",
        "chloride": "chloride chlorides",
        "oxide": "oxide oxides",
        "magnet": "magnet magnets ndfeb",
        "scrap": "scrap",
        "goods": "goods merchandise",
    }
)
"""Words for products of the chain."""
OTHER_COMMODITIES = _set(
    "aluminium aluminum antimony bauxite beans cement coal cobalt copper diesel gallium garments gas germanium "
    "gold graphite iron jade lithium maize manganese nickel oil opium palladium platinum rice rubber rubies "
    "silver steel sulphate teak timber tin titanium tungsten uranium zinc"
)
"""Commodities that are no rare earths: a number about one is compared only with claims that name it."""
NEGATIONS = _set("except excluding minus no non not other without")
"""Words before a product that leave it out."""
INCLUSIONS = _set("counting excluding incl including plus with without")
"""Words after which a product is named as a part of a total, or as left out of it."""
MONTHS: Mapping[str, int] = _classes(
    {
        1: "january jan",
        2: "february feb",
        3: "march mar",
        4: "april apr",
        5: "may",
        6: "june jun",
        7: "july jul",
        8: "august aug",
        9: "september sep sept",
        10: "october oct",
        11: "november nov",
        12: "december dec",
    }
)
"""Month -> number."""
RISE = _set(
    "advanced boosted climbed climbing expanded gain gained grew grow growing grown growth higher increase increased "
    "increases increasing jumped leaped leapt lifted raised rebounded rise risen rises rising rocketed rose soared "
    "spiked surged swelled swollen up upped"
)
"""Words for a rise."""
FALL = _set(
    "collapsed contracted crashed cut decline declined declining decrease decreased dipped down drop dropped dropping "
    "dwindled fall fallen falling falls fell halved less lower lowered plummeted plunged reduced sank shrank shrunk "
    "slashed slid slipped slumped tumbled"
)
"""Words for a fall."""
CHANGE = RISE | FALL | _set("went changed moved")
"""Words for any change."""
PARTITIVE = _set("bulk chiefly including largely mainly majority most mostly much primarily")
"""Words that make what follows a part without a number."""

DEMONYMS = _set(
    "american australian brazilian british burmese chinese estonian european french german indian japanese korean lao "
    "laotian malaysian nigerian russian thai vietnamese"
)
"""Adjectives of places, which name the origin of the goods that they stand before."""
ORGANISATIONS = _set(
    "academy administration agency association board bureau commission council department institute journal ministry "
    "news office post society survey times university"
)
"""Last words of names of publishers, in which the name of a place is no place."""
PHRASAL_PRODUCTION = _set("churn churned churning churns dig digs dug turn turned turning turns")
"""Verbs that mean output when "out" or "up" follows."""
DOLLARS: Mapping[str, str] = {"us": "USD", "u.s.": "USD", "american": "USD", "australian": "AUD", "canadian": "CAD"}
"""Adjectives before "dollars" -> currency."""
MONEY = frozenset(CURRENCIES.values())
"""Currency codes."""
STAGES: Mapping[str, str] = _classes(
    {
        "mining": "mine mining mined leach leaching opex concentrate extraction",
        "separation": "separation separating separated separate refining processing process",
        "transport": "freight haulage road sea shipping toll tolls transport transporting truck trucking trucks",
        "metal": "metal metals",
        "magnet": "magnet magnets",
    }
)
"""Words by which a cost is told to be that of one stage of the chain."""
