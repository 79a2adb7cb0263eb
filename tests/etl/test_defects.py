"""Every defect of the catalogue that today's sources can carry, by its rule id: a few rows are planted, treated as the
catalogue says, counted, and told by `etl status`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
import pytest

from cockpit import texts
from cockpit.tiles import kpi
from etl import status
from etl.context import held
from tests.house import House, id_number
from tests.warehouse.test_models import track
from warehouse import catalog, load, parse
from warehouse.errors import ContractBroken, Refused
from warehouse.readings import Library
from warehouse.rules import RULES, TREATMENTS, named

FIRM = "91330110MA2ABCDE12"
VEHICLE = {"plate_no": "浙A12345", "plate_color": 2, "uscc": FIRM, "veh_type": "H11", "is_trailer": False, "gross_mass_t": 18, "status": "营运",
           "register_date": "2020-01-01", "home_town": "330110010", "yz_updated_at": "2026-01-01 08:00:00"}
COMPANY = {"uscc": FIRM, "licence_no": "330110123456", "name": "杭州甲物流有限公司", "owner_type": "企业", "scope_text": "道路普通货物运输", "op_town": "330110010",
           "reg_town": "330110010", "status": "营业", "licence_from": "2019-01-01", "licence_to": "2030-01-01", "yz_updated_at": "2019-01-01 08:00:00"}
DRIVER = {"name": "张三", "sex": "男", "birth_date": "1977-01-01", "status": "正常", "yz_updated_at": "2026-01-01 08:00:00"}
POINT = {"plate_no": "浙A12345", "plate_color": 2, "status_bits": 3, "speed_01kmh": 300, "direction": 0, "lon_e6": 120_000_000, "lat_e6": 30_400_000}


def credit_code(body: str) -> str:
    """A company code with its check character (GB 32100)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    return body + alphabet[-sum(alphabet.index(letter) * pow(3, place, 31) for place, letter in enumerate(body)) % 31]


def vehicle(**rest: Any) -> dict[str, Any]:
    return {**VEHICLE, **rest}


def company(**rest: Any) -> dict[str, Any]:
    return {**COMPANY, **rest}


def point(at: str, received: str = "", **rest: Any) -> dict[str, Any]:
    return {**POINT, "loc_time": f"2026-11-23 {at}" if len(at) == 8 else at, "recv_time": f"2026-11-23 {received or at}" if len(received or at) == 8 else received or at, **rest}


def drive(at: str = "08:00:00", minutes: int = 20, kmh: float = 60, **rest: Any) -> list[dict[str, Any]]:
    lat = rest.pop("lat", 30.3)
    return track({"plate_no": "浙A12345", **rest, "track": {"from": f"2026-11-23T{at}", "minutes": minutes, "kmh": kmh, "lat": lat}})


class Told:
    """What `etl status` says after a publication."""

    def __init__(self, house: House) -> None:
        house.publish()
        with held(house.settings.lock):  # as beside a running loader
            self.found = status.collect(house.settings)
        self.text = status.text(self.found)

    def defects(self, rule: str) -> int:
        return sum(row["rows"] for row in self.found["defects"] if row["rule"] == rule)

    def quarantined(self, rule: str) -> int:
        return sum(row["rows"] for row in self.found["quarantine"] if row["rule"] == rule)

    def says(self, rule: str) -> bool:
        return f"{rule} {RULES[rule]}" in self.text


def positions(house: House, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return house.rows(f"SELECT {columns} FROM marts.gps_vehicle_day WHERE {where} ORDER BY ALL")


def test_d01_one_plate_in_two_colours_stays_two_vehicles_and_is_listed(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(), vehicle(plate_color=1), vehicle(plate_no="浙A22222")])
    told = Told(house)
    assert house.rows("SELECT vehicle_key FROM marts.dim_vehicle ORDER BY 1") == [("浙A12345#1",), ("浙A12345#2",), ("浙A22222#2",)]
    assert told.defects("D01") == 1 and told.says("D01")


def test_d01_one_plate_of_two_owners_counts_once_for_the_newest(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(uscc="A"), vehicle(plate_no="浙a 12345", uscc="B", yz_updated_at="2026-06-01 08:00:00")])
    told = Told(house)
    assert house.rows("SELECT company_key FROM marts.dim_vehicle WHERE to_day > '2026-11-23'") == [("B",)]
    assert told.defects("D16") == 1, "the change of owner is told as a transfer"
    assert told.defects("D02") == 1


def test_d01_a_cloned_plate_speaks_from_two_places_and_neither_makes_kilometres(house: House) -> None:
    house.put("gps_location", [*drive(), *(point(f"08:{minute:02d}:15", lon_e6=118_000_000) for minute in range(1, 20))])
    told = Told(house)
    assert positions(house, "drift_pts > 0, km_total < 25") == [(True, True)]
    assert told.defects("D01") == 1 and told.says("D01")


def test_d02_a_plate_is_repaired_and_only_what_cannot_be_is_kept_out(house: House) -> None:
    written = ["浙a·12345", "浙A22222_黄", "浙A３３３３３(黄)", "浙AO1I34", " 浙 A 5 5 5 5 5"]
    house.put("yz_company", [company()])
    account = house.put("yz_vehicle", [vehicle(plate_no=text) for text in written] + [vehicle(plate_no="无牌"), vehicle(plate_no="浙A1")])
    told = Told(house)
    assert account.quarantined == 2
    assert {row[0] for row in house.rows("SELECT vehicle_key FROM marts.dim_vehicle")} == {f"{plate}#2" for plate in ("浙A12345", "浙A22222", "浙A33333", "浙A01134", "浙A55555")}
    assert told.defects("D02") == 5 and told.quarantined("D02") == 2 and told.says("D02")


def test_d03_colours_are_mapped_by_platform_never_globally(house: House) -> None:
    house.put("gps_location", [point("08:00:00", plate_no="浙AD12345", plate_color=148, platform_id="33011000003"),
                               point("08:00:00", plate_no="浙A12345", plate_color=1, platform_id="33011000005"),
                               point("08:00:00", plate_no="浙A22222", plate_color=1, platform_id="33011000001"),
                               point("08:00:00", plate_no="浙A33333", plate_color=77, platform_id="33011000001")])
    told = Told(house)
    assert positions(house, "vehicle_key, pts_ok") == [("浙A12345#2", 1), ("浙A22222#1", 1), ("浙A33333#77", 0), ("浙AD12345#94", 1)]
    assert told.defects("D03") >= 2 and told.says("D03")


def test_d04_positions_that_cannot_be_are_kept_counted_and_without_effect(house: House) -> None:
    bad = [point("08:30:00", lon_e6=0, lat_e6=0), point("08:31:00", lon_e6=30_400_000, lat_e6=120_000_000), point("08:32:00", lon_e6=1_200_000_000, lat_e6=304_000_000)]
    house.put("gps_location", drive() + bad)
    told = Told(house)
    assert positions(house, "pts, pts_ok, range_pts, km_total") == [(44, 41, 3, 20.0)]
    assert told.defects("D04") == 3 and told.says("D04")


def test_d04_a_company_in_gcj02_is_moved_back_and_an_unknown_system_is_left_empty(house: House) -> None:
    house.put("yz_company", [company(lon=120.0047, lat=30.3976, coord_sys=1), company(uscc="91330110MA2ABCDE23", lon=120.0, lat=30.4, coord_sys=2),
                             company(uscc="91330110MA2ABCDE34", lon=120.0, lat=30.4)])
    told = Told(house)
    lon, lat = house.rows(f"SELECT lon, lat FROM staging.stg_yz_company WHERE company_key = '{FIRM}'")[0]
    assert (lon, lat) == (pytest.approx(120.0, abs=2e-4), pytest.approx(30.4, abs=2e-4))
    assert house.rows("SELECT lon FROM staging.stg_yz_company WHERE company_key <> ? ORDER BY company_key", [FIRM]) == [(120.0,), (None,)]
    assert told.defects("D04") == 2


def test_d05_a_wrong_clock_never_makes_a_qualified_position(house: House) -> None:
    wrong = [point("13:00:00", "08:30:00"), point("1970-01-01 08:00:00", "08:31:00"), point("2080-01-01 08:00:00", "08:32:00"), point("00:33:00", "08:33:00"),
             point("2007-04-09 08:34:00", "08:34:00")]
    house.put("gps_location", drive() + wrong)
    told = Told(house)
    assert positions(house, "day, pts, pts_ok, time_pts") == [(dt.date(2026, 11, 23), 46, 41, 5)], "they belong to the day on which they were received"
    assert told.defects("D05") == 5 and told.says("D05")


def test_d05_handled_before_it_was_raised_is_on_neither_side(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle()])
    alarm = {"src": 3, "warn_type": 1, "level": 2, "plate_no": "浙A12345", "plate_color": 2, "speed_kmh": 90, "limit_kmh": 80}
    house.put("gps_alarm", [{**alarm, "alarm_uid": f"A{n}", "start_at": f"2026-11-18 0{n}:00:00", "end_at": f"2026-11-18 0{n}:02:00", "updated_at": f"2026-11-18 0{n}:02:05"} for n in (1, 3)])
    house.put("rdm_alarm_handle", [{"handle_id": f"H{n}", "alarm_uid": f"A{n}", "result": 1, "handled_at": at, "updated_at": "2026-11-18 09:00:00"}
                                   for n, at in ((1, "2026-11-18 00:50:00"), (3, "2026-11-18 03:05:00"))])
    told = Told(house)
    reading = Library(house.settings.data).current().read("safe_alarm_ontime_rate", "week", "2026-W47")
    assert (reading.num, reading.den) == (1, 1) and told.defects("D05") == 1


def test_d06_an_unfixed_or_frozen_position_is_not_qualified(house: House) -> None:
    frozen = [point(f"09:{second // 60:02d}:{second % 60:02d}", lat_e6=30_500_000) for second in range(0, 900, 30)]
    house.put("gps_location", [*drive(), point("08:30:00", status_bits=1), *frozen])
    told = Told(house)
    assert positions(house, "pts, pts_ok, unfixed_pts") == [(72, 41, 31)]
    assert told.defects("D06") == 31 and told.says("D06")


def test_d06_a_parked_vehicle_at_one_place_is_no_frozen_fix(house: House) -> None:
    house.put("gps_location", [point(f"09:{second // 60:02d}:{second % 60:02d}", speed_01kmh=0) for second in range(0, 900, 30)])
    house.build()
    assert positions(house, "pts, pts_ok") == [(30, 30)]


def test_d07_late_points_in_any_order_and_twice_end_in_the_same_day(house: House, tmp_path: Path) -> None:
    points = drive(minutes=30)
    late = [{**row, "is_makeup": 1, "recv_time": "2026-11-23 12:00:00"} for row in points[20:40]]
    house.put("gps_location", points)
    house.build()
    other = House(tmp_path / "late").own()
    other.put("gps_location", points[:20] + points[40:])
    other.build()
    before = positions(other, "km_complete")
    other.put("gps_location", late[::-1])
    assert other.put("gps_location", late).duplicate == 20
    told = Told(other)
    columns = "pts, pts_ok, km_total, km_complete, drive_s"
    assert positions(other, columns) == positions(house, columns) and before != positions(other, "km_complete")
    assert told.defects("D07") == 20 and told.says("D07")
    other.close()


def test_d08_a_platform_in_whole_kilometres_an_hour_is_scaled_by_its_row(house: House) -> None:
    house.put("gps_location", [*({**row, "speed_01kmh": 60, "platform_id": "33011000004"} for row in drive()), point("08:30:00", speed_01kmh=2500)])
    told = Told(house)
    assert house.rows("SELECT DISTINCT speed_kmh FROM staging.stg_gps_location WHERE reason IS NULL") == [(60.0,)]
    assert positions(house, "speed_pts") == [(1,)] and told.defects("D08") == 1 and told.says("D08")


def test_d08_an_unknown_unit_is_suspected_in_words(house: House) -> None:
    house.put("gps_location", [{**row, "speed_01kmh": 60, "platform_id": "33011000001"} for row in drive(minutes=300, kmh=55)])
    assert "km/h 上报(D08)" in Told(house).text


def test_d08_an_odometer_that_starts_again_takes_nothing_away(house: House) -> None:
    house.put("gps_location", [{**row, "mileage_01km": 9_990_000} for row in drive()] + [{**row, "mileage_01km": 100} for row in drive("08:31:00", lat=30.5)])
    told = Told(house)
    assert positions(house, "km_total >= 40, km_total < 43") == [(True, True)]
    assert told.defects("D08") == 1, "the counter that ran backwards is counted"


def test_d09_a_jump_that_returns_is_drift_and_no_way(house: House) -> None:
    house.put("gps_location", [*drive(), point("08:05:15", lon_e6=120500000, lat_e6=30345000)])
    told = Told(house)
    assert positions(house, "drift_pts, km_total") == [(1, 20.0)] and told.defects("D09") == 1 and told.says("D09")


def test_d10_a_bad_identity_number_is_never_hashed(house: House) -> None:
    bad = [id_number(3)[:17] + ("1" if id_number(3)[17] != "1" else "2"), "330110770101001", "3.30110197701E+17", "33011019770230001X"]
    account = house.put("yz_driver", [*({**DRIVER, "id_no": number} for number in bad), {**DRIVER, "id_no": "'" + id_number(5).lower()}])
    assert (account.merged, account.quarantined) == (1, 4), "an apostrophe and a small x are repaired"
    told = Told(house)
    assert told.quarantined("D10") == 4 and told.says("D10")
    assert not [number for number in bad if number in told.text + str(house.rows("SELECT * FROM raw.quarantine"))]


def test_d11_a_doubtful_credit_code_stays_and_is_listed(house: House) -> None:
    codes = [credit_code("91330110MA2ABCDE1"), "330110000012345", "9133O11OMA2ABCDEI2"]
    house.put("yz_company", [company(uscc=code) for code in codes])
    told = Told(house)
    assert {row[0] for row in house.rows("SELECT company_key FROM staging.stg_yz_company")} == set(codes), "candidates are for a person to match, not for us"
    assert told.defects("D11") == 2 and told.says("D11")


def test_d12_towns_are_mapped_by_every_spelling_and_the_unknown_has_a_bar_of_its_own(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A0000{n}", home_town=town) for n, town in enumerate(("良渚新城", "330110", "", "330110010", "火星镇"))])
    told = Told(house)
    towns = dict(house.rows("SELECT vehicle_key, town_code FROM marts.dim_vehicle"))
    assert [towns[f"浙A0000{n}#2"] for n in range(5)] == ["330110010", "330110000", "330110000", "330110010", "330110000"]
    assert told.defects("D12") == 4, "three of no town, and one old name that was mapped"
    assert told.says("D12")
    shown = {item.place.label: item.value for item in Library(house.settings.data).current().by("fleet_vehicle_cnt")}
    assert shown["未分镇街"] == 3 and shown["良渚街道"] == 2


def test_d13_a_gb18030_file_is_read_whole_and_rare_characters_survive(house: House) -> None:
    text = "uscc,name,owner_type,op_town,status,yz_updated_at\n" + f"{FIRM},\"㛃𬭎物流(杭州)有限公司\t\",企业,３３０１１００１０,营业,2019-01-01 08:00:00\n"
    columns = {name: name for name in ("uscc", "name", "owner_type", "op_town", "status", "yz_updated_at")}
    house.payload("yz", "company", text.encode("gb18030"), "csv", mapping={"columns": columns})
    house.build()
    name, town = house.rows("SELECT name, town_code FROM staging.stg_yz_company")[0]
    assert name == "㛃𬭎物流(杭州)有限公司" and town == "330110010", "names keep their characters, codes become half-width"


def test_d13_text_that_was_read_in_the_wrong_encoding_is_counted(house: House) -> None:
    house.put("yz_company", [company(), company(uscc="91330110MA2ABCDE23", name="杭州顺捷物流".encode("gb18030").decode("utf-8", "replace"))])
    told = Told(house)
    assert told.defects("D13") == 1 and told.says("D13")


def test_d15_filler_values_mean_nothing(house: House) -> None:
    house.put("yz_company", [company(licence_no="330110000000"), company(uscc="91330110MA2ABCDE23", licence_to="9999-12-31", licence_no="无")])
    house.put("yz_vehicle", [vehicle(register_date="1900-01-01"), vehicle(plate_no="浙A22222", home_town="暂无")])
    told = Told(house)
    assert house.rows("SELECT register_date FROM staging.stg_yz_vehicle ORDER BY vehicle_key") == [(None,), (dt.date(2020, 1, 1),)]
    assert house.rows("SELECT count(*) FROM staging.stg_yz_company WHERE licence_to IS NULL") == [(1,)]
    assert told.defects("D15") == 3 and told.says("D15")


def test_d16_a_sold_vehicle_counts_for_its_owner_of_the_day(house: House) -> None:
    house.put("yz_company", [company(), company(uscc="91330110MA2ABCDE23")])
    house.put("yz_vehicle", [vehicle()])
    house.put("yz_vehicle", [vehicle(uscc="91330110MA2ABCDE23", yz_updated_at="2026-11-18 08:00:00")])
    told = Told(house)
    assert house.rows("SELECT company_key, to_day FROM marts.dim_vehicle ORDER BY from_day") == [(FIRM, dt.date(2026, 11, 17)), ("91330110MA2ABCDE23", dt.date(9999, 12, 31))]
    book = Library(house.settings.data).current()
    assert [book.read("fleet_vehicle_cnt", "day", "2026-11-15", code).value for code in (FIRM, "91330110MA2ABCDE23")] == [1, 0]
    assert [book.read("fleet_vehicle_cnt", "day", "2026-11-20", code).value for code in (FIRM, "91330110MA2ABCDE23")] == [0, 1]
    assert told.defects("D16") == 1 and told.says("D16")


def test_d18_six_vehicles_without_drivers_are_implausible_and_told(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A0000{n}") for n in range(6)])
    house.put("yz_driver", [{**DRIVER, "id_no": id_number(1)}])
    house.put("yz_employment", [{"id_no": id_number(1), "uscc": FIRM, "from_date": "2020-01-01", "to_date": "9999-12-31", "post": "驾驶员", "yz_updated_at": "2020-01-01 08:00:00"}])
    told = Told(house)
    assert told.defects("D18") == 1 and told.says("D18")


def test_d22_a_vanished_vehicle_leaves_the_fleet_on_the_day_it_was_missed(house: House) -> None:
    rows = [vehicle(plate_no=f"浙A{n:05d}") for n in range(60)]
    house.put("yz_company", [company()])
    house.put("yz_vehicle", rows)
    body = orjson.dumps([{"plate_no": row["plate_no"], "plate_color": 2} for row in rows[1:]])
    note = house.land("yz", "vehicle", body, "keys", at=dt.datetime(2026, 11, 22, 2))
    assert load.reconcile(house.writer, catalog.contracts()["yz_vehicle"], note, parse.parse(note, body)) == 1
    told = Told(house)
    book = Library(house.settings.data).current()
    assert [book.read("fleet_vehicle_cnt", "day", day).value for day in ("2026-11-21", "2026-11-22")] == [60, 59]
    assert told.defects("D22") == 1 and told.says("D22")


def reviewed(told: Told, rule: str) -> list[tuple[str, str]]:
    return [(row["subject"], row["detail"]) for row in told.found["review"] if row["rule"] == rule]


def fifty(house: House, number: int = 50, **rest: Any) -> None:
    """A company with so many trucks, all its life."""
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A{n:05d}", **rest) for n in range(number)])


def hired(house: House, persons: range, since: str = "2020-01-01") -> None:
    house.put("yz_driver", [{**DRIVER, "id_no": id_number(n), "phone": f"1390000{n:04d}"} for n in persons])
    house.put("yz_employment", [{"id_no": id_number(n), "uscc": FIRM, "from_date": since, "to_date": "9999-12-31", "yz_updated_at": "2020-01-01 08:00:00"} for n in persons])


def key(house: House, number: int) -> str:
    return house.door._pseudonyms.person(id_number(number))


def test_d01_both_vehicles_of_one_plate_are_listed_for_review(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(), vehicle(plate_color=1)])
    assert reviewed(Told(house), "D01") == [("浙A12345", f"黄牌 {FIRM};蓝牌 {FIRM}")]


def test_d11_a_candidate_is_shown_by_name_and_address_and_nothing_is_changed(house: House) -> None:
    right = credit_code("91330110MA2ABCDE1")
    house.put("yz_company", [company(uscc=right, address="良渚街道1号"), company(uscc="330110000012345", address="良渚街道 1号", status="营业"),
                             company(uscc="330110000099999", name="杭州乙物流有限公司", address="别处")])
    told = Told(house)
    assert reviewed(told, "D11") == [("330110000012345", f"杭州甲物流有限公司:候选 {right}(名称地址相同)"), ("330110000099999", "杭州乙物流有限公司:没有候选")]
    assert house.rows("SELECT count(*) FROM marts.dim_company") == [(3,)], "only a person may say that two are one"


def test_d12_what_went_to_linping_in_2021_is_left_out_and_an_unknown_spelling_is_listed(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle(plate_no=f"浙A0000{n}", home_town=town) for n, town in enumerate(("火星镇", "330110001", "未来科技城"))])
    told = Told(house)
    assert dict(house.rows("SELECT vehicle_key, town_code FROM staging.stg_yz_vehicle")) == {"浙A00000#2": "330110000", "浙A00001#2": "330113001", "浙A00002#2": "330110012"}
    assert Library(house.settings.data).current().read("fleet_vehicle_cnt").value == 2
    assert reviewed(told, "D12") == [("火星镇", "1 辆,列入未分镇街")]


def test_d14_a_ledger_as_people_keep_it_is_read_and_what_was_left_out_is_told(house: House) -> None:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "2026年11月"
    rows = (["C1", "2026", "30", 46228], ["C2", "2026", "20", "2026.8.1"], ["C3", "2026", "9", "2026-08-02"], ["合计", None, "59", None])
    for row in (["夏令营台账"], [], ["营次编号", "年份", "人数", "开营日期"], *rows):
        sheet.append(row)
    sheet.row_dimensions[6].hidden = True
    out = io.BytesIO()
    book.save(out)
    columns = {"camp_id": "营次编号", "year": "年份", "child_cnt": "人数", "begin_at": "开营日期"}
    house.payload("wf", "camp", out.getvalue(), "file", name="台账.xlsx", mapping={"columns": {ours: {"from": theirs} for ours, theirs in columns.items()}, "sheet": "夏令营"})
    told = Told(house)
    assert house.rows("SELECT camp_id, child_cnt, begin_at FROM raw.wf_camp ORDER BY 1") == [("C1", 30, dt.date(2026, 7, 25)), ("C2", 20, dt.date(2026, 8, 1))]
    assert told.defects("D14") == 2 and told.says("D14")


def test_d14_unknown_headers_stop_the_load_with_a_clear_message(house: House) -> None:
    with pytest.raises(ContractBroken, match="缺少列:年份"):
        house.payload("wf", "camp", "营次编号,人数\nC1,30\n".encode(), "csv", mapping={"columns": {"camp_id": {"from": "营次编号"}, "year": {"from": "年份"}}})
    assert house.rows("SELECT count(*) FROM raw.wf_camp") == [(0,)]


def test_d16_a_company_under_a_new_name_is_the_same_company(house: House) -> None:
    fifty(house, 3)
    house.put("yz_company", [company(name="杭州新甲供应链有限公司", yz_updated_at="2026-11-18 08:00:00")])
    told = Told(house)
    book = Library(house.settings.data).current()
    assert [book.read("fleet_vehicle_cnt", "day", day, FIRM).value for day in ("2026-11-10", "2026-11-20")] == [3, 3]
    assert house.rows("SELECT name FROM marts.dim_company") == [("杭州新甲供应链有限公司",)] and told.defects("D16") == 0


def test_d17_a_step_out_of_order_or_too_soon_is_not_believed_and_listed_for_the_party_role_only(house: House) -> None:
    fifty(house, 3)
    hired(house, range(1, 4))
    steps = {1: [("入党积极分子", "2024-01-01"), ("发展对象", "2024-06-01")],
             2: [("预备党员", "2025-01-01"), ("入党积极分子", "2025-06-01")],
             3: [("入党积极分子", "2024-01-01"), ("发展对象", "2025-03-01")]}
    house.put("pb_stage_event", [{"id_no": id_number(n), "stage": stage, "event_date": day, "ledger_at": "2026-11-01"} for n, events in steps.items() for stage, day in events])
    told = Told(house)
    assert house.rows("SELECT person_key, stage FROM marts.driver_day WHERE day = DATE '2026-11-23' ORDER BY stage") == [
        (key(house, 1), "入党积极分子"), (key(house, 3), "发展对象"), (key(house, 2), "预备党员")], "the earlier valid stage counts"
    assert told.defects("D17") == 2 and told.says("D17") and reviewed(told, "D17") == []
    assert house.rows("SELECT subject FROM run.review WHERE rule = 'D17' AND is_personal ORDER BY 1") == sorted([(key(house, 1),), (key(house, 2),)])


def test_d18_an_implausible_party_share_has_an_amber_flag_on_its_card(house: House) -> None:
    fifty(house, 30)
    hired(house, range(1, 41))
    house.put("pb_member", [{"id_no": id_number(n), "org_id": "O", "stage": "正式党员", "verify_status": "confirmed", "verified_at": "2025-01-01", "ledger_at": "2026-10-01"} for n in range(1, 11)])
    told = Told(house)
    reading = Library(house.settings.data).current().read("mem_party_share", "day", "2026-11-22")
    assert reading.value == 0.25 and "存疑" in reading.doubt
    assert "存疑" in str(kpi.tags(reading, marks=False)) and "存疑" not in str(kpi.tags(Library(house.settings.data).current().read("fleet_vehicle_cnt")))
    assert told.defects("D18") == 1


def test_d19_the_points_ledger_is_recomputed_and_the_difference_is_shown(house: House) -> None:
    entry = {"user_id": "U1", "channel": "小程序"}
    house.put("mp_order", [{"order_no": "O1", "user_id": "U1", "goods_id": "G", "points": 4, "status": "取消", "at": "2026-11-03 08:00:00", "updated_at": "2026-11-03 09:00:00"}])
    house.put("mp_points", [{**entry, "entry_id": n, "delta": delta, "type": kind, "biz_no": biz, "balance_after": balance, "created_at": f"2026-11-0{n} 08:00:00"} for n, delta, kind, biz, balance in
                            ((1, 10, "SIGN", "S1", 10), (2, 10, "SIGN", "S1", 20), (3, -4, "REDEEM", "O1", 16), (4, 5, "ACTIVITY", "A1", 26))])
    told = Told(house)
    reading = Library(house.settings.data).current().read("p5_points_redeem_rate", "month", "2026-11")
    assert (reading.num, reading.den) == (4, 15), "twice credited once"
    assert reading.parts["账面与流水差额"] == 15, "10 credited twice and 5 that no entry explains"
    assert told.defects("D19") == 3 and told.says("D19")
    assert reviewed(told, "D19") == [("分录 2", "SIGN 10,重复记账,不计"), ("分录 3", "REDEEM -4,订单已取消,积分未退"), ("分录 4", "ACTIVITY 5,余额与流水差 5")]


def test_d20_hours_are_merged_cut_and_dropped(house: House) -> None:
    house.put("mp_volunteer_activity", [{"act_id": "A", "title": "交通引导", "begin_at": "2026-11-10 08:00:00", "end_at": "2026-11-10 20:00:00", "status": "正常", "updated_at": "2026-11-01 08:00:00"},
                                        {"act_id": "B", "title": "取消了", "begin_at": "2026-11-11 08:00:00", "end_at": "2026-11-11 20:00:00", "status": "取消", "updated_at": "2026-11-01 08:00:00"}])
    records = ((1, "A", "10T08:00", "10T10:00", True), (1, "A", "10T09:00", "10T11:00", True), (1, "B", "11T08:00", "11T10:00", True), (1, "A", "12T10:00", "12T08:00", True),
               (2, "A", "10T06:00", "10T23:00", True), (2, "A", "13T08:00", "13T09:00", False))
    house.put("mp_volunteer_record", [{"rec_id": str(n), "act_id": act, "user_id": f"U{who}", "id_no": id_number(who), "start_at": f"2026-11-{start}:00".replace("T", " "),
                                       "end_at": f"2026-11-{end}:00".replace("T", " "), "hours": 2, "verified": verified, "updated_at": "2026-11-15 08:00:00"}
                                      for n, (who, act, start, end, verified) in enumerate(records)])
    told = Told(house)
    assert sorted(house.rows("SELECT day, hours FROM staging.stg_mp_volunteer")) == [(dt.date(2026, 11, 10), 3), (dt.date(2026, 11, 10), 12)]
    assert told.defects("D20") == 4 and told.says("D20"), "one overlap, one cut, one called off, one that ended before it began"


def test_d21_an_answer_without_rows_is_missing_and_the_last_number_stays_with_its_age(house: House) -> None:
    fifty(house, 3)
    note = house.land("wf", "camp", b"a\n", "csv", name="夏令营.csv")
    load.refused(house.writer, note, "D21 与先前的文件 夏令营.csv 逐字节相同,按未到处理")
    told = Told(house)
    assert told.quarantined("D21") == 1 and told.says("D21")
    assert Library(house.settings.data).current().read("fleet_online_rate", "day", "2026-11-22").status == "missing", "silence is no zero"


def test_d22_a_list_that_lost_half_its_rows_is_refused(house: House) -> None:
    fifty(house, 60)
    body = orjson.dumps([{"plate_no": f"浙A{n:05d}", "plate_color": 2} for n in range(30)])
    note = house.land("yz", "vehicle", body, "keys")
    with pytest.raises(Refused, match="一次少了 30 条"):
        load.reconcile(house.writer, catalog.contracts()["yz_vehicle"], note, parse.parse(note, body))
    assert house.rows("SELECT count(*) FROM raw.yz_vehicle WHERE _deleted_at IS NOT NULL") == [(0,)]


def test_d23_the_ledgers_number_and_ours_stand_side_by_side(house: House) -> None:
    fifty(house, 52)
    house.put("pb_register50", [{"uscc": FIRM, "veh_cnt": 60, "driver_cnt": 60, "party_cnt": 3, "confirmed_at": "2026-10-10", "version": 1, "ledger_at": "2026-10-31"}])
    told = Told(house)
    assert reviewed(told, "D23") == [(FIRM, "名录 60 辆,运政 52 辆")] and told.defects("D23") == 1 and told.says("D23")
    assert house.rows("SELECT veh_cnt FROM raw.pb_register50") == [(60,)], "the ledger is never overwritten"
    assert Library(house.settings.data).current().read("dh_register_diff_rate", "day", "2026-11-22").value == 1


def test_d24_an_abbreviation_counts_once_the_bureau_has_confirmed_it(house: House) -> None:
    fifty(house, 52)
    org = {"org_id": "O1", "name": "联合支部", "org_type": "联合", "set_up_at": "2020-01-01", "status": "正常", "ledger_at": "2026-10-31"}
    house.put("pb_org", [org])
    house.put("pb_org_company", [{"org_id": "O1", "uscc": "甲物流", "ledger_at": "2026-10-31"}])
    told = Told(house)
    covered = "SELECT is_covered FROM marts.company50_day WHERE day = DATE '2026-11-22'"
    assert house.rows(covered) == [(False,)] and told.defects("D24") == 1 and told.says("D24")
    assert reviewed(told, "D24") == [("甲物流", f"候选 杭州甲物流有限公司 {FIRM},确认后写入 own/alias.csv")]
    house.payload("own", "alias", f"alias,company_key\n甲物流,{FIRM}\n".encode(), "own")
    house.at += dt.timedelta(minutes=5)
    told = Told(house)
    assert house.rows(covered) == [(True,)] and told.defects("D24") == 0


def test_d25_one_person_under_several_accounts_and_phones_is_one_person(house: House) -> None:
    fifty(house, 3)
    hired(house, range(1, 4))
    user = {"town": "330110010", "status": "正常", "bind_at": "2026-10-01 08:00:00", "updated_at": "2026-10-01 08:00:00"}
    house.put("mp_user", [{**user, "user_id": "U1", "id_no": id_number(1), "phone": "13700000001"}, {**user, "user_id": "U2", "id_no": id_number(1), "phone": "13700000002"},
                          {**user, "user_id": "U3", "phone": "13900000002"}])
    house.put("wf_benefit_event", [{"event_id": "E", "type": "体检", "held_at": "2026-11-10", "unit_id": "N", "quota": 9, "ledger_at": "2026-11-12"}])
    house.put("wf_benefit_person", [{"event_id": "E", "entry_no": n, "id_no": person, "is_family": family, "selected": True, "attended": True, "ledger_at": "2026-11-12"}
                                    for n, person, family in ((1, id_number(1), False), (2, id_number(1), False), (3, None, True))])
    told = Told(house)
    assert house.rows("SELECT count(*) FILTER (is_registered) FROM marts.driver_day WHERE day = DATE '2026-11-23'") == [(2,)], "the second through her phone only"
    assert house.rows("SELECT count(DISTINCT person_key) FROM marts.benefit_person WHERE has_attended AND NOT is_family") == [(1,)]
    assert told.defects("D25") == 3 and told.says("D25") and reviewed(told, "D25") == []


def test_every_rule_of_the_catalogue_has_a_test_and_words_that_status_and_screens_share() -> None:
    rules = {f"D{number:02d}" for number in range(1, 26)} | {"L72", "F15", "F22", "payload"}
    tested = {name[5:8].upper() for name in globals() if name.startswith("test_d")}
    assert {rule for rule in rules if rule[0] == "D"} <= tested
    assert rules <= RULES.keys() == TREATMENTS.keys()
    told = {rule for model in catalog.models().values() for rule in [*model.defects, *model.review]}
    assert told <= RULES.keys() and all(texts.rule(rule) != rule and texts.rule(rule) in (named(rule), RULES[rule]) for rule in rules)
    assert texts.rule("type:day") == "类型不符(day)"
