"""Defects of the registers: plates, identity numbers, codes, towns, texts, owners (D01, D02, D10–D13, D15, D16, D18,
D22, D24), each planted, treated, counted, told."""

from __future__ import annotations

import datetime as dt

import orjson
import pytest

from tests.etl.pipeline.planting import DRIVER, FIRM, Told, company, credit_code, fifty, reviewed, vehicle
from tests.house import House, id_number
from warehouse.catalog.contracts import contracts
from warehouse.core.errors import Refused
from warehouse.ingest import load, parse
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow


def test_d01_one_plate_in_two_colours_stays_two_vehicles_and_is_listed(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(), vehicle(plate_color=1), vehicle(plate_no="浙A22222")])
    stated = Told(house)
    assert house.rows("SELECT vehicle_key FROM marts.dim_vehicle ORDER BY 1") == [
        ("浙A12345#1",),
        ("浙A12345#2",),
        ("浙A22222#2",),
    ]
    assert stated.defects("D01") == 1 and stated.says("D01")


def test_d01_one_plate_of_two_owners_counts_once_for_the_newest(house: House) -> None:
    house.put("yz_company", [company()])
    house.put(
        "yz_vehicle", [vehicle(uscc="A"), vehicle(plate_no="浙a 12345", uscc="B", yz_updated_at="2026-06-01 08:00:00")]
    )
    stated = Told(house)
    assert house.rows("SELECT company_key FROM marts.dim_vehicle WHERE to_day > '2026-11-23'") == [("B",)]
    assert stated.defects("D16") == 1, "the change of owner is told as a transfer"
    assert stated.defects("D02") == 1


def test_d02_a_plate_is_repaired_and_only_what_cannot_be_is_kept_out(house: House) -> None:
    written = ["浙a·12345", "浙A22222_黄", "浙A３３３３３（黄）", "浙AO1I34", " 浙 A 5 5 5 5 5"]
    house.put("yz_company", [company()])
    account = house.put(
        "yz_vehicle",
        [vehicle(plate_no=text) for text in written] + [vehicle(plate_no="无牌"), vehicle(plate_no="浙A1")],
    )
    stated = Told(house)
    assert account.quarantined == 2
    assert {row[0] for row in house.rows("SELECT vehicle_key FROM marts.dim_vehicle")} == {
        f"{plate}#2" for plate in ("浙A12345", "浙A22222", "浙A33333", "浙A01134", "浙A55555")
    }
    assert stated.defects("D02") == 5 and stated.quarantined("D02") == 2 and stated.says("D02")


def test_d04_a_company_in_gcj02_is_moved_back_and_an_unknown_system_is_left_empty(house: House) -> None:
    house.put(
        "yz_company",
        [
            company(lon=120.0047, lat=30.3976, coord_sys=1),
            company(uscc="91330110MA2ABCDE23", lon=120.0, lat=30.4, coord_sys=2),
            company(uscc="91330110MA2ABCDE34", lon=120.0, lat=30.4),
        ],
    )
    stated = Told(house)
    lon, lat = house.rows(f"SELECT lon, lat FROM staging.stg_yz_company WHERE company_key = '{FIRM}'")[0]
    assert (lon, lat) == (pytest.approx(120.0, abs=2e-4), pytest.approx(30.4, abs=2e-4))
    assert house.rows("SELECT lon FROM staging.stg_yz_company WHERE company_key <> ? ORDER BY company_key", [FIRM]) == [
        (120.0,),
        (None,),
    ]
    assert stated.defects("D04") == 2


def test_d10_a_bad_identity_number_is_never_hashed(house: House) -> None:
    bad = [
        id_number(3)[:17] + ("1" if id_number(3)[17] != "1" else "2"),
        "330110770101001",
        "3.30110197701E+17",
        "33011019770230001X",
    ]
    account = house.put(
        "yz_driver", [*({**DRIVER, "id_no": number} for number in bad), {**DRIVER, "id_no": "'" + id_number(5).lower()}]
    )
    assert (account.merged, account.quarantined) == (1, 4), "an apostrophe and a small x are repaired"
    stated = Told(house)
    assert stated.quarantined("D10") == 4 and stated.says("D10")
    assert not [number for number in bad if number in stated.text + str(house.rows("SELECT * FROM raw.quarantine"))]


def test_d11_a_doubtful_credit_code_stays_and_is_listed(house: House) -> None:
    codes = [credit_code("91330110MA2ABCDE1"), "330110000012345", "9133O11OMA2ABCDEI2"]
    house.put("yz_company", [company(uscc=code) for code in codes])
    stated = Told(house)
    assert {row[0] for row in house.rows("SELECT company_key FROM staging.stg_yz_company")} == set(codes), (
        "candidates are for a person to match, not for us"
    )
    assert stated.defects("D11") == 2 and stated.says("D11")


def test_d12_towns_are_mapped_by_every_spelling_and_the_unknown_has_a_bar_of_its_own(house: House) -> None:
    house.put("yz_company", [company()])
    house.put(
        "yz_vehicle",
        [
            vehicle(plate_no=f"浙A0000{n}", home_town=town)
            for n, town in enumerate(("良渚新城", "330110", "", "330110010", "火星镇"))
        ],
    )
    stated = Told(house)
    towns = dict(house.rows("SELECT vehicle_key, town_code FROM marts.dim_vehicle"))
    assert [towns[f"浙A0000{n}#2"] for n in range(5)] == [
        "330110010",
        "330110000",
        "330110000",
        "330110010",
        "330110000",
    ]
    assert stated.defects("D12") == 4, "three of no town, and one old name that was mapped"
    assert stated.says("D12")
    shown = {
        item.place.label: item.value
        for item in SnapshotStore(house.settings.data).current(Scope.ALL).by("fleet_vehicle_cnt")
    }
    assert shown["归属待核"] == 3 and shown["良渚街道"] == 2


def test_d13_a_gb18030_file_is_read_whole_and_rare_characters_survive(house: House) -> None:
    text = (
        "uscc,name,owner_type,op_town,status,yz_updated_at\n"
        + f'{FIRM},"㛃𬭎物流(杭州)有限公司\t",企业,３３０１１００１０,营业,2019-01-01 08:00:00\n'
    )
    columns = {name: name for name in ("uscc", "name", "owner_type", "op_town", "status", "yz_updated_at")}
    house.payload("yz", "company", text.encode("gb18030"), "csv", mapping={"columns": columns})
    house.build()
    name, town = house.rows("SELECT name, town_code FROM staging.stg_yz_company")[0]
    assert name == "㛃𬭎物流(杭州)有限公司" and town == "330110010", (
        "names keep their characters, codes become half-width"
    )


def test_d13_text_that_was_read_in_the_wrong_encoding_is_counted(house: House) -> None:
    house.put(
        "yz_company",
        [
            company(),
            company(uscc="91330110MA2ABCDE23", name="杭州顺捷物流".encode("gb18030").decode("utf-8", "replace")),
        ],
    )
    stated = Told(house)
    assert stated.defects("D13") == 1 and stated.says("D13")


def test_d15_filler_values_mean_nothing(house: House) -> None:
    house.put(
        "yz_company",
        [
            company(licence_no="330110000000"),
            company(uscc="91330110MA2ABCDE23", licence_to="9999-12-31", licence_no="无"),
        ],
    )
    house.put("yz_vehicle", [vehicle(register_date="1900-01-01"), vehicle(plate_no="浙A22222", home_town="暂无")])
    stated = Told(house)
    assert house.rows("SELECT register_date FROM staging.stg_yz_vehicle ORDER BY vehicle_key") == [
        (None,),
        (dt.date(2020, 1, 1),),
    ]
    assert house.rows("SELECT count(*) FROM staging.stg_yz_company WHERE licence_to IS NULL") == [(1,)]
    assert stated.defects("D15") == 3 and stated.says("D15")


def test_d16_a_sold_vehicle_counts_for_its_owner_of_the_day(house: House) -> None:
    house.put("yz_company", [company(), company(uscc="91330110MA2ABCDE23")])
    house.put("yz_vehicle", [vehicle()])
    house.put("yz_vehicle", [vehicle(uscc="91330110MA2ABCDE23", yz_updated_at="2026-11-18 08:00:00")])
    stated = Told(house)
    assert house.rows("SELECT company_key, to_day FROM marts.dim_vehicle ORDER BY from_day") == [
        (FIRM, dt.date(2026, 11, 17)),
        ("91330110MA2ABCDE23", dt.date(9999, 12, 31)),
    ]
    book = SnapshotStore(house.settings.data).current(Scope.ALL)
    assert [
        book.read("fleet_vehicle_cnt", "day", "2026-11-15", code).value for code in (FIRM, "91330110MA2ABCDE23")
    ] == [1, 0]
    assert [
        book.read("fleet_vehicle_cnt", "day", "2026-11-20", code).value for code in (FIRM, "91330110MA2ABCDE23")
    ] == [0, 1]
    assert stated.defects("D16") == 1 and stated.says("D16")


def test_d18_six_vehicles_without_drivers_are_implausible_and_told(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A0000{n}") for n in range(6)])
    house.put("yz_driver", [{**DRIVER, "id_no": id_number(1)}])
    house.put(
        "yz_employment",
        [
            {
                "id_no": id_number(1),
                "uscc": FIRM,
                "from_date": "2020-01-01",
                "to_date": "9999-12-31",
                "post": "驾驶员",
                "yz_updated_at": "2020-01-01 08:00:00",
            }
        ],
    )
    stated = Told(house)
    assert stated.defects("D18") == 1 and stated.says("D18")


def test_d22_a_vanished_vehicle_leaves_the_fleet_on_the_day_it_was_missed(house: House) -> None:
    rows = [vehicle(plate_no=f"浙A{n:05d}") for n in range(60)]
    house.put("yz_company", [company()])
    house.put("yz_vehicle", rows)
    body = orjson.dumps([{"plate_no": row["plate_no"], "plate_color": 2} for row in rows[1:]])
    note = house.land("yz", "vehicle", body, "keys", at=dt.datetime(2026, 11, 22, 2))
    assert load.reconcile(house.writer, contracts()["yz_vehicle"], note, parse.parse(note, body)) == 1
    stated = Told(house)
    book = SnapshotStore(house.settings.data).current(Scope.ALL)
    assert [book.read("fleet_vehicle_cnt", "day", day).value for day in ("2026-11-21", "2026-11-22")] == [60, 59]
    assert stated.defects("D22") == 1 and stated.says("D22")


def test_d01_both_vehicles_of_one_plate_are_listed_for_review(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(), vehicle(plate_color=1)])
    assert reviewed(Told(house), "D01") == [("浙A12345", f"黄牌 {FIRM}；蓝牌 {FIRM}")]


def test_d11_a_candidate_is_shown_by_name_and_address_and_nothing_is_changed(house: House) -> None:
    right = credit_code("91330110MA2ABCDE1")
    house.put(
        "yz_company",
        [
            company(uscc=right, address="良渚街道1号"),
            company(uscc="330110000012345", address="良渚街道 1号", status="营业"),
            company(uscc="330110000099999", name="杭州乙物流有限公司", address="别处"),
        ],
    )
    stated = Told(house)
    assert reviewed(stated, "D11") == [
        ("330110000012345", f"杭州甲物流有限公司：候选 {right}（名称地址相同）"),
        ("330110000099999", "杭州乙物流有限公司：没有候选"),
    ]
    assert house.rows("SELECT count(*) FROM marts.dim_company") == [(3,)], "only a person may say that two are one"


def test_d12_what_went_to_linping_in_2021_is_left_out_and_an_unknown_spelling_is_listed(house: House) -> None:
    house.put("yz_company", [company()])
    house.put(
        "yz_vehicle",
        [
            vehicle(plate_no=f"浙A0000{n}", home_town=town)
            for n, town in enumerate(("火星镇", "330110001", "未来科技城"))
        ],
    )
    stated = Told(house)
    assert dict(house.rows("SELECT vehicle_key, town_code FROM staging.stg_yz_vehicle")) == {
        "浙A00000#2": "330110000",
        "浙A00001#2": "330113001",
        "浙A00002#2": "330110012",
    }
    assert SnapshotStore(house.settings.data).current(Scope.ALL).read("fleet_vehicle_cnt").value == 2
    assert reviewed(stated, "D12") == [("火星镇", "1 辆，列入归属待核")]


def test_d16_a_company_under_a_new_name_is_the_same_company(house: House) -> None:
    fifty(house, 3)
    house.put("yz_company", [company(name="杭州新甲供应链有限公司", yz_updated_at="2026-11-18 08:00:00")])
    stated = Told(house)
    book = SnapshotStore(house.settings.data).current(Scope.ALL)
    assert [book.read("fleet_vehicle_cnt", "day", day, FIRM).value for day in ("2026-11-10", "2026-11-20")] == [3, 3]
    assert (
        house.rows("SELECT name FROM marts.dim_company") == [("杭州新甲供应链有限公司",)] and stated.defects("D16") == 0
    )


def test_d22_a_list_that_lost_half_its_rows_is_refused(house: House) -> None:
    fifty(house, 60)
    body = orjson.dumps([{"plate_no": f"浙A{n:05d}", "plate_color": 2} for n in range(30)])
    note = house.land("yz", "vehicle", body, "keys")
    with pytest.raises(Refused, match="一次少了 30 条"):
        load.reconcile(house.writer, contracts()["yz_vehicle"], note, parse.parse(note, body))
    assert house.rows("SELECT count(*) FROM raw.yz_vehicle WHERE _deleted_at IS NOT NULL") == [(0,)]


def test_d24_an_abbreviation_counts_once_the_bureau_has_confirmed_it(house: House) -> None:
    fifty(house, 52)
    org = {
        "org_id": "O1",
        "name": "联合支部",
        "org_type": "联合",
        "set_up_at": "2020-01-01",
        "status": "正常",
        "ledger_at": "2026-10-31",
    }
    house.put("pb_org", [org])
    house.put("pb_org_company", [{"org_id": "O1", "uscc": "甲物流", "ledger_at": "2026-10-31"}])
    stated = Told(house)
    covered = "SELECT is_covered FROM marts.company50_day WHERE day = DATE '2026-11-22'"
    assert house.rows(covered) == [(False,)] and stated.defects("D24") == 1 and stated.says("D24")
    assert reviewed(stated, "D24") == [("甲物流", f"候选 杭州甲物流有限公司 {FIRM}，确认后写入 own/alias.csv")]
    house.payload("own", "alias", f"alias,company_key\n甲物流,{FIRM}\n".encode(), "own")
    house.at += dt.timedelta(minutes=5)
    stated = Told(house)
    assert house.rows(covered) == [(True,)] and stated.defects("D24") == 0
