"""What fuzzing checks of the readers, and the seeds it starts from; used by hypothesis and by the atheris harness."""

from __future__ import annotations

import json
import math
import tempfile
import time
from pathlib import Path

from oreflow.facts.readers import ReadResult, read_file
from oreflow.facts.readers.claims import claims_of
from oreflow.facts.readers.sniff import FORMAT_NAMES

LONGEST_SECONDS = 20.0
"""A reader that takes longer over a few kilobytes hangs."""

_COMTRADE = {
    "period": "2023", "reporterCode": 156, "flowCode": "M", "partnerCode": 104, "partner2Code": 0,
    "classificationCode": "H6", "cmdCode": "2846", "customsCode": "C00", "motCode": 0, "qtyUnitCode": 8, "qty": 5.0,
    "netWgt": 5.0, "isNetWgtEstimated": False, "cifvalue": 9.0, "fobvalue": None, "primaryValue": 9.0,
}  # fmt: skip
_WORLD = _COMTRADE | {"partnerCode": 0}
_NOTE = {"importValuation": "CIF", "exportValuation": "FOB", "publicationDateShort": "2024-05-01"}
_BGS = "country_trans,bgs_statistic_type_trans,bgs_commodity_trans,year,quantity,units,quantity_in_book_style\n"
_PROPERTIES = {
    "country_trans": "Myanmar", "bgs_statistic_type_trans": "Production", "year": "2023-01-01", "quantity": 5.0,
    "bgs_commodity_trans": "rare earth oxides", "units": "tonnes (metric)",
}  # fmt: skip

SEEDS: dict[str, bytes] = {
    "comtrade.json": json.dumps({"count": 2, "data": [_COMTRADE, _WORLD], "error": ""}).encode(),
    "metadata.json": json.dumps(
        {"count": 1, "data": [{"reporterCode": 156, "period": 2023, "datasetCode": 1, "notes": [_NOTE]}]}
    ).encode(),
    "comtrade.csv": (",".join(_COMTRADE) + "\n" + ",".join(str(value) for value in _COMTRADE.values()) + "\n").encode(),
    "legacy.csv": b"Classification,Year,Trade Flow Code,Reporter Code,Partner Code,Commodity Code,Netweight (kg),"
    b"Trade Value (US$),Flag\nH4,2013,1,156,104,2846,5,900,6\nH4,2013,1,156,0,2846,5,900,0\n",
    "BACI_HS17_Y2022_V202401b.csv": b"t,i,j,k,v,q\n2022,104,156,284690,1200.5,  3000\n2022,490,842,10121,1.0,NA\n",
    "country_codes.csv": b"country_code,country_name,country_iso2,country_iso3\n104,Myanmar,MM,MMR\n",
    "product_codes.csv": b"code,description\n010121,\"Horses: live, pure-bred\"\n",
    "areas.csv": b"PartnerCode,PartnerDesc,isGroup\n899,\"Areas, nes\",False\n",
    "mcs2022-raree_world.csv": b"\xef\xbb\xbfSource,Country,Type,Prod_t_2020,Prod_t_Est_2021\r\nMCS2022,Burma,"
    b"\"Mine production, rare-earth-oxide equivalent\",31000,>26000\r\n",
    "mcs2023_salient.csv": b"DataSource,Commodity,Year,Exports_kg,NIR_pct\nMCS2023,Gallium,2022,W,>95\n",
    "mcs2025.csv": b"SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024,PROD_NOTES,RESERVES_2024,"
    b"RESERVE_NOTES\nMCS2025,Tin,Burma,Mine production,metric tons,1,2,,,NA\n",
    "mcs2026.csv": "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,"
    "Is critical mineral 2025,Other notes\nTIN,S,Tin,China,Import sources 2021-2024,All,percent,2021–24,92,,Yes,\n"
    .encode("cp1252"),
    "bgs.csv": (_BGS + "Myanmar,Production,rare earth oxides,2023-01-01 00:00:00,5,tonnes (metric),5\n").encode(),
    "bgs.json": json.dumps({"type": "FeatureCollection", "features": [{"properties": _PROPERTIES}]}).encode(),
    "full.dat": b"REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,QUANTITY_KG,"
    b"QUANTITY_SUPPL_UNIT\nFR,CN,E,28469010,1,1,,202401,500,20,\n",
    "gacc.csv": "数据年月,商品编码,贸易伙伴名称,第一数量,第一计量单位,美元\n202401,28469019,缅甸,\"1,200\",千克,34\n"
    .encode("gb18030"),
    "rl.csv": b"Economy (code),Year,Governance estimate (approx. -2.5 to +2.5)\nMMR,2023,-1.4\n",
}  # fmt: skip


def check(data: bytes, name: str = "input.csv") -> ReadResult:
    """Read bytes as a file and check what must hold of every result, whatever the bytes are."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        began = time.monotonic()
        result = read_file(path)
        batch = claims_of(result)
        took = time.monotonic() - began
    assert took < LONGEST_SECONDS, f"{took:.0f} s over {len(data)} bytes"
    assert result.rows_in == result.used + sum(result.rejected.values())
    assert (result.format is None) == (result.refused is not None)
    assert result.format is None or result.format in FORMAT_NAMES
    assert result.format is not None or (result.rows_in == 0 and result.table.is_empty())
    for column in ("value", "lower", "upper"):
        assert all(math.isfinite(number) for number in result.table[column].drop_nulls().to_list())
    assert all(problem.file.endswith(name) for problem in result.problems)
    assert len({claim["id"] for claim in batch.claims}) == len(batch.claims)
    return result
