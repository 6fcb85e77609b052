"""Sentences over the bundled case, written from its claims alone, before any look at the rules of the checker.

Verdicts as in `sentences`: m matches, f follows by arithmetic, c conflicts, n not in the ledger; more than one letter
where a careful reader could say either. `INVENTED` holds figures for which no claim stands.
"""

from __future__ import annotations

FRESH: tuple[tuple[str, float, str, str], ...] = (
    ("Customs recorded 44,366 t of rare-earth compounds coming from Myanmar in 2024.", 44366, "t", "m"),
    ("Chinese buyers took just over forty-four thousand tonnes from Myanmar in 2024.", 44000, "t", "m"),
    ("In 2023 the volume shipped from Myanmar to China hit 72.1 kt of rare earths.", 72100, "t", "m"),
    ("Roughly twenty-four thousand tonnes of rare earths left Myanmar for China in 2022.", 24000, "t", "m"),
    ("Chinese imports from Myanmar in 2021 totalled 34.7 kt of rare earths.", 34700, "t", "m"),
    ("China's rare-earth imports from Myanmar stood at 35,454 t in 2020.", 35454, "t", "m"),
    ("Only 69 tonnes of rare earths came to China from Myanmar in 2016.", 69, "t", "m"),
    ("China bought 28,741 tonnes of rare earths from Myanmar in 2019.", 28741, "t", "m"),
    ("Malaysia sent 16.3 thousand tonnes of rare-earth compounds to China in 2024.", 16300, "t", "m"),
    ("Vietnam exported 3,150 tonnes of rare earths to China in 2024.", 3150, "t", "m"),
    ("Laos delivered nearly eleven thousand tonnes of rare earths to China in 2024.", 11000, "t", "m"),
    ("China imported 77 kt of rare-earth compounds from all origins in 2024.", 77000, "t", "m"),
    ("In 2018, China's imports of rare-earth compounds were 69,532 tonnes.", 69532, "t", "m"),
    ("China's purchases of rare-earth compounds were 45.9 kt in 2021.", 45900, "t", "m"),
    ("US mines produced 45,455 tonnes of rare-earth oxide at Mountain Pass in 2024.", 45455, "t", "m"),
    ("USGS puts Myanmar's rare-earth output at 43,000 tonnes for 2023.", 43000, "t", "m"),
    ("The mine output of Myanmar was 27,000 tonnes of rare-earth oxide in 2024.", 27000, "t", "m"),
    ("Australia mined 13,000 tonnes of rare earths in 2024, USGS said.", 13000, "t", "m"),
    ("India mined 2,900 tonnes of rare earths in 2024.", 2900, "t", "m"),
    ("Vietnam's mine production of rare earths was three hundred tonnes in 2024.", 300, "t", "m"),
    ("Madagascar produced two thousand tonnes of rare earths in 2024.", 2000, "t", "m"),
    ("China's mining quota for rare earths in 2023 was 255,000 tonnes.", 255000, "t", "m"),
    ("Beijing set the smelting and separation quota at 254,000 tonnes for 2024.", 254000, "t", "m"),
    ("Dysprosium oxide averaged $260 per kg FOB China in 2024.", 260e3, "USD/t", "m"),
    ("Lutetium oxide sold at $780 a kilogram FOB China in 2024.", 780e3, "USD/t", "m"),
    ("The United States put a 40% tariff on goods from Myanmar in 2025.", 40, "%", "m"),
    ("China does about ninety per cent of the world's rare-earth processing.", 90, "%", "m"),
    ("Myanmar held 57% of the world's mine supply of dysprosium and terbium in 2023.", 57, "%", "m"),
    ("Some 57% of China's rare-earth imports came from Myanmar in 2024.", 57, "%", "mf"),
    ("The United States shipped 55,000 tonnes of rare-earth ore to China in 2024.", 55000, "t", "m"),
    ("Toyotsu shipped 1,000 tonnes of Indian rare earths to Japan in 2024.", 1000, "t", "m"),
    ("Rare-earth imports from Myanmar cost China 818 million dollars in 2024.", 818e6, "USD", "m"),
    ("Myanmar's shipments of rare earths to China were worth $604 million in 2022.", 604e6, "USD", "m"),
    ("In 2021 China paid US$812 million for rare earths from Myanmar.", 812e6, "USD", "m"),
    ("Imports of rare earths from Russia to the EU were 3,700 tonnes in 2024.", 3700, "t", "m"),
    # wrong figures, wrong years, wrong places
    ("China imported 72,074 tonnes of rare earths from Myanmar in 2024.", 72074, "t", "c"),
    ("China imported 35,454 tonnes of rare earths from Myanmar in 2019.", 35454, "t", "c"),
    ("China's rare-earth imports from Myanmar were ninety thousand tonnes in 2023.", 90000, "t", "c"),
    ("Malaysia sent 31,000 tonnes of rare earths to China in 2024.", 31000, "t", "c"),
    ("Vietnam exported 16,345 tonnes of rare earths to China in 2024.", 16345, "t", "c"),
    ("Australia mined 31,000 tonnes of rare earths in 2024.", 31000, "t", "c"),
    ("India mined 9,200 tonnes of rare earths in 2024.", 9200, "t", "c"),
    ("China's mining quota for rare earths was 190,000 tonnes in 2023.", 190000, "t", "c"),
    ("Dysprosium oxide averaged $410 per kg FOB China in 2024.", 410e3, "USD/t", "c"),
    ("Rare-earth imports from Myanmar cost China 2.4 billion dollars in 2024.", 2.4e9, "USD", "c"),
    ("The United States put a 12% tariff on goods from Myanmar in 2025.", 12, "%", "c"),
    ("Some 81% of China's rare-earth imports came from Myanmar in 2024.", 81, "%", "c"),
    ("Laos delivered thirty thousand tonnes of rare earths to China in 2024.", 30000, "t", "c"),
    ("Between 60,000 and 65,000 tonnes of rare earths went from Myanmar to China in 2024.", 65000, "t", "c"),
    # arithmetic
    ("China's rare-earth imports from Myanmar fell by 38% from 2023 to 2024.", 38, "%", "f"),
    ("Rare-earth imports from Myanmar tripled from 23,705 tonnes in 2022 to 72,074 tonnes in 2023.", 72074, "t", "m"),
)  # fmt: skip

INVENTED: tuple[tuple[str, float, str, str], ...] = (
    ("Kenya shipped 4,310 tonnes of rare earths to Spain in 2024.", 4310, "t", "n"),
    ("Peru mined 2,345 tonnes of rare earths in 2024.", 2345, "t", "n"),
    ("Germany bought 8,764 tonnes of copper from Chile in 2023.", 8764, "t", "n"),
    ("China imported 1,234 tonnes of rare earths from Tanzania in 2017.", 1234, "t", "n"),
    ("Turkey exported 610 tonnes of lithium to Japan in 2024.", 610, "t", "n"),
    ("The Philippines levied a 13.7% tax on nickel ore in 2022.", 13.7, "%", "n"),
    ("Cobalt averaged $31.2 per kg in Rotterdam in 2024.", 31.2e3, "USD/t", "n"),
    ("Kazakhstan's rare-earth output was 5,900 tonnes in 2021.", 5900, "t", "n"),
    ("Norway's exports of rare earths to France were worth $77 million in 2024.", 77e6, "USD", "n"),
)
