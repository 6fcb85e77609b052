"""Each format on small synthetic files of the real shape: what its quirks become."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from oreflow.facts.readers import ReadResult, iter_rows, read_file, read_files


def record(**changes: object) -> dict[str, object]:
    base: dict[str, object] = {
        "typeCode": "C", "freqCode": "A", "refPeriodId": 20230101, "refYear": 2023, "refMonth": 52, "period": "2023",
        "reporterCode": 156, "flowCode": "M", "partnerCode": 104, "partner2Code": 0, "classificationCode": "H6",
        "cmdCode": "2846", "customsCode": "C00", "mosCode": "0 ", "motCode": 0, "qtyUnitCode": 8, "qty": 1000.0,
        "netWgt": 1000.0, "isNetWgtEstimated": False, "grossWgt": 0.0, "cifvalue": 5000.0, "fobvalue": None,
        "primaryValue": 5000.0, "legacyEstimationFlag": 0,
    }  # fmt: skip
    return base | changes


def envelope(records: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"elapsedTime": "0.1 secs", "count": len(records), "data": records, "error": ""})


def write(folder: Path, name: str, content: str | bytes) -> ReadResult:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path)


def workbook(folder: Path, name: str, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    path = folder / name
    book = xlsxwriter.Workbook(str(path))
    for title, rows in sheets.items():
        sheet = book.add_worksheet(title)
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)
    book.close()
    return path


def balanced(result: ReadResult) -> bool:
    return result.rows_in == result.used + sum(result.rejected.values())


def test_comtrade_separates_world_self_trade_unallocated_and_taiwan(tmp_path: Path) -> None:
    records = [
        record(partnerCode=0, primaryValue=17_000.0, cifvalue=17_000.0, netWgt=3_400.0),
        record(), record(partnerCode=156, netWgt=900.0), record(partnerCode=490, cifvalue=4000.0, primaryValue=4000.0),
        record(partnerCode=899, primaryValue=3000.0, cifvalue=0.0, netWgt=500.0, isNetWgtEstimated=True),
    ]  # fmt: skip
    result = write(tmp_path, "a.json", envelope(records))
    assert not result.problems
    assert result.closure.status == "holds"
    assert dict(result.rejected) == {"World total of the listed partners": 1}
    values = {row.partner: row for row in iter_rows(result.table) if row.measure == "value"}
    assert values["CHN"].flags == "self_trade"
    assert values["TWN"].flags == "taiwan_assumed"
    assert values["X899"].flags == "unallocated;valuation_assumed"
    assert values["MMR"].valuation == "CIF"
    weights = {row.partner: row for row in iter_rows(result.table) if row.measure == "net_weight"}
    assert weights["X899"].status == "estimated"
    assert (weights["MMR"].unit, weights["MMR"].basis) == ("kg", "gross")


def test_comtrade_missing_is_not_zero(tmp_path: Path) -> None:
    rows = list(
        iter_rows(write(tmp_path, "a.json", envelope([record(netWgt=None), record(partnerCode=36, netWgt=0.0)])).table)
    )
    weights = [row for row in rows if row.measure == "net_weight"]
    assert [(row.value, row.status) for row in weights] == [(None, "missing"), (None, "missing")]
    assert weights[1].flags == "zero_weight_read_as_missing"
    assert not [row for row in rows if row.measure == "gross_weight"]


def test_comtrade_breakdowns_and_aggregates_are_set_apart(tmp_path: Path) -> None:
    records = [
        record(), record(motCode=1000, primaryValue=2000.0), record(motCode=2100, primaryValue=3000.0),
        record(cmdCode="284690", primaryValue=4000.0), record(cmdCode="284610", primaryValue=1000.0),
        record(cmdCode="TOTAL"), record(flowCode="X", motCode=1000, cifvalue=0.0, fobvalue=7.0, primaryValue=7.0),
    ]  # fmt: skip
    result = write(tmp_path, "a.json", envelope(records))
    assert dict(result.rejected) == {
        "aggregate code (TOTAL, AGn)": 1, "aggregate of listed subheadings": 1,
        "breakdown of a listed total (plus mode)": 2,
    }  # fmt: skip
    assert result.used == 3
    exports = [row for row in iter_rows(result.table) if row.flow == "export"]
    assert "breakdown_without_total" in exports[0].flags
    assert exports[0].valuation == "FOB"


def test_comtrade_csv_takes_column_subsets_and_restores_zeros(tmp_path: Path) -> None:
    text = "mineral,period,reporterCode,flowCode,partnerCode,classificationCode,cmdCode,primaryValue,netWgt,\n"
    result = write(tmp_path, "a.csv", text + "x,2023,251,M,842,H6,10121,5,NaN,\n")
    row = next(iter_rows(result.table))
    assert (row.reporter, row.partner, row.product) == ("FRA", "USA", "010121")
    assert row.flags == "leading_zero_restored;valuation_assumed"
    assert result.format == "comtrade_api"


def test_comtrade_tariff_line_in_snake_case(tmp_path: Path) -> None:
    text = "period,reporter_code,flow_code,partner_code,classification_code,cmd_code,net_wgt,primary_value\n"
    result = write(tmp_path, "a.csv", text + "202304,156,M,104,H6,28469019,0,9\n")
    assert "tariff line" in result.dialect
    assert [row.period for row in iter_rows(result.table)] == ["2023-04", "2023-04"]


def test_metadata_decide_valuation_and_publication(tmp_path: Path) -> None:
    note = {"importValuation": "FOB", "exportValuation": "FOB", "publicationDateShort": "2024-05-01", "datasetCode": 1}
    data = {"count": 1, "data": [{"reporterCode": 156, "period": 2023, "datasetCode": 1, "notes": [note]}]}
    (tmp_path / "m.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "a.json").write_text(envelope([record(cifvalue=0.0)]), encoding="utf-8")
    trade, metadata = read_files([tmp_path / "a.json", tmp_path / "m.json"])
    assert metadata.format == "comtrade_metadata"
    row = next(iter_rows(trade.table))
    assert (row.valuation, row.published, row.vintage) == ("FOB", "2024-05-01", "2024-05-01")
    assert "valuation_assumed" not in row.flags


LEGACY = ("Classification,Year,Period,Period Desc.,Aggregate Level,Is Leaf Code,Trade Flow Code,Trade Flow,"
          "Reporter Code,Reporter,Reporter ISO,Partner Code,Partner,Partner ISO,Commodity Code,Commodity,"
          "Qty Unit Code,Qty Unit,Qty,Netweight (kg),Trade Value (US$),Flag\n")  # fmt: skip
LEGACY_35 = ("Classification,Year,Period,Period Desc.,Aggregate Level,Is Leaf Code,Trade Flow Code,Trade Flow,"
             "Reporter Code,Reporter,Reporter ISO,Partner Code,Partner,Partner ISO,2nd Partner Code,2nd Partner,"
             "2nd Partner ISO,Customs Proc. Code,Customs,Mode of Transport Code,Mode of Transport,Commodity Code,"
             "Commodity,Qty Unit Code,Qty Unit,Qty,Alt Qty Unit Code,Alt Qty Unit,Alt Qty,Netweight (kg),"
             "Gross weight (kg),Trade Value (US$),CIF Trade Value (US$),FOB Trade Value (US$),Flag\n")  # fmt: skip


def test_legacy_comtrade_of_22_and_35_columns(tmp_path: Path) -> None:
    row = 'H4,2013,2013,2013,4,0,1,Import,156,China,CHN,104,Myanmar,MMR,2846,"Compounds, x",8,kg,1,1000,5000,6\n'
    world = 'H4,2013,2013,2013,4,0,1,Import,156,China,CHN,0,World,WLD,2846,"Compounds, x",8,kg,1,1000,5000,0\n'
    short = write(tmp_path, "a.csv", LEGACY + row + world)
    assert (short.format, short.dialect, short.used) == ("comtrade_legacy", "CSV, 22 columns", 1)
    assert short.closure.status == "holds"
    weight = [made for made in iter_rows(short.table) if made.measure == "net_weight"]
    assert (weight[0].status, weight[0].flags) == ("estimated", "legacy_flag_6")
    cells = ("H4,2013,2013,2013,4,0,2,Export,156,China,CHN,104,Myanmar,MMR,0,World,WLD,C00,All,0,All,2846,x,8,kg,1,,,,"
             "7,0,5000,,5000,0\n")  # fmt: skip
    long = write(tmp_path, "b.csv", LEGACY_35 + cells)
    assert (long.dialect, long.used) == ("CSV, 35 columns", 1)
    assert next(iter_rows(long.table)).valuation == "FOB"


def test_baci_codes_are_text_and_missing_weights_stay_missing(tmp_path: Path) -> None:
    text = "t,i,j,k,v,q\n2022,104,156,284690,1200.5,  3000.1\n2022,490,842,10121,1.0,          NA\n2022,7,4,284690,2,\n"
    result = write(tmp_path, "BACI_HS17_Y2022_V202401b.csv", text)
    assert (result.format, result.vintage, result.used, result.problems) == ("baci", "202401b", 3, ())
    rows = list(iter_rows(result.table))
    assert [row.product for row in rows[:3]] == ["284690", "010121", "284690"]
    assert [(row.value, row.status) for row in rows[3:]] == [
        (3000.1, "estimated"),
        (None, "missing"),
        (None, "missing"),
    ]
    assert rows[1].flags == "taiwan_assumed;leading_zero_restored"
    assert rows[2].flags == "area_unknown"
    assert {row.revision for row in rows} == {"H5"}


def test_baci_clean_and_checked_ways_agree(tmp_path: Path) -> None:
    body = "2022,104,156,284690,1200.5,3000.1\n2022,490,842,10121,1.0,NA\n2022,56,56,284610,7,2\n"
    name = "BACI_HS17_Y2022_V202401b.csv"
    clean = write(tmp_path, name, "t,i,j,k,v,q\n" + body)
    checked = write(tmp_path, name, "t,i,j,k,v,q\n" + body + "2022,104,156,2846ab,1,1\n")
    assert checked.rejected == {"k not readable": 1}
    assert clean.table.drop("file_sha256").equals(checked.table.drop("file_sha256"))


def test_baci_zip_is_read_year_by_year(tmp_path: Path) -> None:
    path = tmp_path / "any.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for year in (2021, 2022):
            archive.writestr(f"BACI_HS92_Y{year}_V202401b.csv", f"t,i,j,k,v,q\n{year},104,156,284690,1,2\n")
        archive.writestr("country_codes_V202401b.csv", "country_code,country_name\n")
    result = read_file(path)
    assert (result.format, result.used, result.dialect) == ("baci", 2, "zip of 2 year files")
    assert {row.period for row in iter_rows(result.table)} == {"2021", "2022"}


def test_baci_without_release_in_its_name_is_a_problem(tmp_path: Path) -> None:
    result = write(tmp_path, "flows.csv", "t,i,j,k,v,q\n2022,104,156,284690,1,2\n")
    assert "HS revision" in str(result.problems[0])


def test_mcs_units_come_from_the_stem(tmp_path: Path) -> None:
    header = "DataSource,Commodity,Year,USprod_Primarykg,Exports_g,NIR_Metal_t,Employment_m,Stocks_,Price_X_dkg\n"
    result = write(tmp_path, "x.csv", header + "MCS2024,Gallium,2023,0,9400,>95,11,5,450\n")
    rows = {row.column: row for row in iter_rows(result.table)}
    assert (rows["USprod_Primarykg"].unit, rows["USprod_Primarykg"].product_name) == ("kg", "Primary")
    assert (rows["Exports_g"].unit, rows["Exports_g"].flags.split(";")[0]) == ("kg", "unit_from_column_stem")
    assert (rows["NIR_Metal_t"].unit, rows["NIR_Metal_t"].lower, rows["NIR_Metal_t"].upper) == ("%", 95.0, 100.0)
    assert rows["Employment_m"].unit == "person"
    assert rows["Price_X_dkg"].unit == "USD/kg"


def test_mcs_world_table_named_salient_is_read_as_world(tmp_path: Path) -> None:
    text = ("\ufeffSource,Country,Type,Prod_t_est_2021,Prod_t_est_2022,Prod_notes,Reserves_t,Reserves_notes,,\r\n"
            'MCS2024,New Caledonia11,"Mine production, metric tons of contained cobalt",W,"3,000",note,NA,,,\r\n'
            ",,,,,,,,,\r\n")  # fmt: skip
    result = write(tmp_path, "mcs2024-cobal_salient.csv", text)
    assert (result.dialect, result.encoding, dict(result.rejected)) == ("world", "utf-8-sig", {"blank row": 1})
    rows = list(iter_rows(result.table))
    assert [(row.period, row.value, row.status) for row in rows] == [
        ("2021", None, "withheld"), ("2022", 3000.0, "estimated"), ("2023", None, "missing")]  # fmt: skip
    assert {row.reporter for row in rows} == {"NCL"}
    assert rows[1].basis == "metal"


def test_mcs_2025_blank_is_missing_and_na_sits_in_the_notes(tmp_path: Path) -> None:
    text = ("SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ 2024,PROD_NOTES,CAP_2023,CAP_EST_ 2024,"
            "CAP_NOTES,RESERVES_2024,RESERVE_NOTES\n"
            'MCS2025,Rare earths,Burma ,"Mine production, rare-earth-oxide equivalent",metric tons,43000,31000,'
            '"Estimated based on reported import data for China.",,,,,NA\n')  # fmt: skip
    rows = {row.column: row for row in iter_rows(write(tmp_path, "w.csv", text).table)}
    assert rows["PROD_EST_ 2024"].value == 31_000
    assert rows["PROD_2023"].derived_from == "China's reported imports"
    assert (rows["CAP_2023"].value, rows["CAP_2023"].flags) == (None, "blank_in_source")
    assert (rows["RESERVES_2024"].status, rows["RESERVES_2024"].flags) == ("missing", "")


def test_mcs_2026_in_windows_1252(tmp_path: Path) -> None:
    text = (
        "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,"
        "Is critical mineral 2025,Other notes\r\n"
        "TIN,S,Tin,China,Import sources 2021-2024,All,percent,2021–24,92,,Yes,\r\n"
        "TIN,S,Tin,United States,Net import reliance,NIR,percent,2024,E,,Yes,\r\n"
        'TIN,S,Tin,World total,Production,Mine production: rounded,metric tons,2024,"10,000 - 15,000",,Yes,\r\n'
    )
    result = write(tmp_path, "x.csv", text.encode("cp1252"))
    assert (result.encoding, result.used) == ("cp1252", 3)
    share, reliance, production = iter_rows(result.table)
    assert (share.period, share.partner, share.reporter) == ("2021/2024", "CHN", "USA")
    assert (reliance.upper, reliance.flags) == (0.0, "net_exporter")
    assert (production.lower, production.upper, production.comparator) == (10_000.0, 15_000.0, "range")


def test_bgs_marks_and_unknown_units(tmp_path: Path) -> None:
    header = ("country_trans,country_iso3_code,bgs_statistic_type_trans,bgs_commodity_trans,bgs_sub_commodity_trans,"
              "year,quantity,units,quantity_in_book_style,sdmx_translation,data_precision_description,"
              "concat_figure_notes_text\n")  # fmt: skip
    body = (
        "Zaire,ZAR,Production,rare earth minerals,Monazite,1980-01-01 00:00:00,,tonnes (metric),...,Missing value,,\n"
        "Myanmar,MMR,Production,rare earth oxides,,2023-01-01 00:00:00,72000,tonnes (metric),72000,Normal Value,,"
        "Estimates.\n"
        "Brazil,BRA,Production,rare earth oxides,,2023-01-01 00:00:00,0,tonnes (metric),-----,Normal value,"
        "Nil (nothing produced),\n"
        "Chile,CHL,Production,tin,,2023-01-01 00:00:00,5,bushels,5,Normal value,,\n"
    )
    result = write(tmp_path, "bgs.csv", header + body)
    missing, burma, brazil = iter_rows(result.table)
    assert (missing.reporter, missing.status, missing.value) == ("COD", "missing", None)
    assert (burma.basis, burma.status) == ("REO", "estimated")
    assert (brazil.status, brazil.value) == ("nil", 0.0)
    assert dict(result.rejected) == {"unknown unit": 1}
    assert "row 5, column units" in str(result.problems[0])


def test_bgs_geojson_page(tmp_path: Path) -> None:
    properties = {"country_trans": "Myanmar", "bgs_statistic_type_trans": "Production", "year": "2023-01-01",
                  "bgs_commodity_trans": "rare earth oxides", "quantity": 5.0, "units": "tonnes (metric)"}  # fmt: skip
    page = {"type": "FeatureCollection", "numberReturned": 2, "features": [{"properties": properties}]}
    result = write(tmp_path, "page.json", json.dumps(page))
    assert (result.format, result.used) == ("bgs_wms", 1)
    assert "numberReturned" in str(result.problems[0])


def test_dataweb_running_year_suppression_and_total(tmp_path: Path) -> None:
    quantity: list[list[object]] = [
        ["Imports For Consumption|Annual + Year-To-Date Data from Jan - Apr"],
        ["Data Row Count", 1],
        [
            "Data Type",
            "Country",
            "HTS Number",
            "Description",
            "Quantity Description",
            "2025",
            "2026",
            "2025_Suppressed",
            "2026_Suppressed",
        ],
        ["First Unit of Quantity", "Myanmar (Burma)", "2846", "X", "component kilograms", 5, 0, 1, 0],
    ]
    value: list[list[object]] = [
        ["Imports For Consumption|Annual"],
        ["Data Row Count", 1],
        ["Data Type", "Country", "HTS Number", "Description", "Quantity Description", "2025", "2026"],
        ["Customs Value", "China", "2846", "X", "Value for: kilograms", 10, 0],
        ["Total: ", "", "", "", "", "10", "0"],
    ]
    path = workbook(
        tmp_path,
        "d.xlsx",
        {
            "Query Parameters": [["Download Date", "2026-07-10"]],
            "First Unit of Quantity": quantity,
            "Customs Value": value,
        },
    )
    result = read_file(path)
    assert (result.format, result.vintage, result.closure.status) == ("usitc_dataweb", "2026-07-10", "holds")
    assert dict(result.rejected) == {"total row": 1}
    first, second = [row for row in iter_rows(result.table) if row.partner == "MMR"]
    assert (first.basis, first.flags) == ("metal", "partly_suppressed")
    assert (second.value, second.status, second.flags) == (None, "missing", "year_not_complete")


def test_wgi_in_both_layouts(tmp_path: Path) -> None:
    wide = workbook(
        tmp_path,
        "w.xlsx",
        {
            "ControlofCorruption": [
                ["Control of Corruption"],
                ["Basic", "Basic", 1996, 1996],
                ["Country/Territory", "Code", "Estimate", "Rank"],
                ["Timor-Leste", "TMP", "#N/A", 12.5],
            ]
        },
    )
    result = read_file(wide)
    assert [(row.reporter, row.value, row.status) for row in iter_rows(result.table)] == [
        ("TLS", None, "missing"), ("TLS", 12.5, "reported")]  # fmt: skip
    long = workbook(
        tmp_path,
        "l.xlsx",
        {
            "rl": [
                ["Economy (name)", "Economy (code)", "Year", "Governance estimate (approx. -2.5 to +2.5)"],
                ["Myanmar", "MMR", 2023, -1.4],
            ]
        },
    )
    row = next(iter_rows(read_file(long).table))
    assert (row.product, row.value, row.period) == ("RL", -1.4, "2023")


COMEXT = ("REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,PRODUCT_SITC,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,"
          "VALUE_NAC,QUANTITY_KG,QUANTITY_SUPPL_UNIT\n")  # fmt: skip


def test_comext_keeps_confidential_codes_and_secret_partners(tmp_path: Path) -> None:
    body = (
        "FR,CN,E,28XXXXXX,5,1,1,NO_SU,202452,500,500,20,\nEL,QV,E,28469010,5,2,1,A,202401,7,7,,3\n"
        "FR,CN,E,TOTAL,5,1,1,,202452,9,9,1,\nFR,CN,E,28,5,3,1,,202452,9,9,1,\n"
    )
    result = write(tmp_path, "full_202452.dat", COMEXT + body)
    assert dict(result.rejected) == {"FLOW not readable": 1, "aggregate code (TOTAL, AGn)": 1}
    rows = list(iter_rows(result.table))
    assert [(row.period, row.unit, row.value) for row in rows] == [
        ("2024", "EUR", 500.0), ("2024-01", "EUR", 7.0), ("2024", "kg", 20.0), ("2024-01", "kg", None),
        ("2024-01", "su:A", 3.0)]  # fmt: skip
    assert "confidential_code" in rows[0].flags
    assert (rows[1].reporter, rows[1].partner) == ("GRC", "X899")


def test_comext_older_layout(tmp_path: Path) -> None:
    text = ("DECLARANT,DECLARANT_ISO,PARTNER,PARTNER_ISO,TRADE_TYPE,PRODUCT_NC,PRODUCT_SITC,PRODUCT_cpa2002,FLOW,"
            "STAT_REGIME,SUPP_UNIT,PERIOD,VALUE_IN_EUROS,QUANTITY_IN_KG,SUP_QUANTITY\n"
            "001,FR,0720,CN,E,28469010,,,1,4,,201301,100,5,\n")  # fmt: skip
    result = write(tmp_path, "old.dat", text)
    assert (result.format, result.dialect, result.used) == ("comext", "text, older layout", 1)
    assert next(iter_rows(result.table)).partner == "CHN"


CUSTOMS = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,第一数量,第一计量单位,第二数量,第二计量单位,美元\n"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_china_customs_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    body = '202401,28469019,氧化物,106,缅甸,"1,200,000",千克,-,-,"34,000"\n'
    path = tmp_path / "gacc.csv"
    path.write_bytes((CUSTOMS + body).encode(encoding))
    result = read_file(path, flow="import")
    assert (result.format, result.problems) == ("china_customs", ())
    assert result.encoding == encoding
    value, quantity = iter_rows(result.table)
    assert (value.partner, value.value, value.unit, value.valuation) == ("MMR", 34_000.0, "USD", "CIF")
    assert (quantity.value, quantity.unit, quantity.product) == (1.2e6, "kg", "28469019")


def test_china_customs_flow_must_be_given_and_units_known(tmp_path: Path) -> None:
    body = "202401,28469019,x,106,缅甸,5,桶,-,-,7\n202402,28469019,x,106,缅甸,5,千克,-,-,7\n"
    result = write(tmp_path, "gacc.csv", CUSTOMS + body)
    assert dict(result.rejected) == {"unknown unit": 1}
    assert "--flow" in str(result.problems[-1])
    book = workbook(tmp_path, "gacc.xlsx", {"1": [CUSTOMS.strip().split(","), body.splitlines()[1].split(",")]})
    assert read_file(book, flow="export").used == 1


def test_zip_without_baci_and_xlsx_of_no_format_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "x")
    assert write(tmp_path, "a.zip", stream.getvalue()).refused == (
        "not data: a zip archive without BACI year files; unpack it first")  # fmt: skip
    assert read_file(workbook(tmp_path, "b.xlsx", {"S": [["a", "b"]]})).refused == (
        "not data: a workbook of no known format")  # fmt: skip


def test_every_result_has_the_canonical_columns(tmp_path: Path) -> None:
    from oreflow.facts.readers.canonical import schema

    wanted = pl.Schema(schema())
    for result in (
        write(tmp_path, "a.json", envelope([record()])),
        write(tmp_path, "n.txt", "hello"),
        write(tmp_path, "c.dat", COMEXT + "FR,CN,E,28469010,5,2,1,A,202401,7,7,,3\n"),
        write(tmp_path, "BACI_HS17_Y2022_V202401b.csv", "t,i,j,k,v,q\n2022,104,156,284690,1,2\n"),
    ):
        assert result.table.schema == wanted
        assert balanced(result)
