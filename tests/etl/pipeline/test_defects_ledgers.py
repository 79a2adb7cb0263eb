"""Defects of ledgers and lists that people keep (D05 handling, D14, D17–D21, D23, D25), each planted, treated, counted,
told."""

from __future__ import annotations

import datetime as dt

import pytest

from cockpit.presentation.reading_view import present
from cockpit.presentation.tiles import kpi
from tests.etl.pipeline.planting import FIRM, Told, company, fifty, hired, key, reviewed, vehicle
from tests.house import House, id_number
from warehouse.core.errors import ContractBroken
from warehouse.ingest import load
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow


def test_d05_handled_before_it_was_raised_is_on_neither_side(house: House) -> None:
    house.put("yz_company", [company()])
    house.put("yz_vehicle", [vehicle()])
    alarm = {
        "src": 3,
        "warn_type": 1,
        "level": 2,
        "plate_no": "浙A12345",
        "plate_color": 2,
        "speed_kmh": 90,
        "limit_kmh": 80,
    }
    house.put(
        "gps_alarm",
        [
            {
                **alarm,
                "alarm_uid": f"A{n}",
                "start_at": f"2026-11-18 0{n}:00:00",
                "end_at": f"2026-11-18 0{n}:02:00",
                "updated_at": f"2026-11-18 0{n}:02:05",
            }
            for n in (1, 3)
        ],
    )
    house.put(
        "rdm_alarm_handle",
        [
            {
                "handle_id": f"H{n}",
                "alarm_uid": f"A{n}",
                "result": 1,
                "handled_at": at,
                "updated_at": "2026-11-18 09:00:00",
            }
            for n, at in ((1, "2026-11-18 00:50:00"), (3, "2026-11-18 03:05:00"))
        ],
    )
    stated = Told(house)
    reading = SnapshotStore(house.settings.data).current(Scope.ALL).read("safe_alarm_ontime_rate", "week", "2026-W47")
    assert (reading.num, reading.den) == (1, 1) and stated.defects("D05") == 1


def test_d14_a_ledger_as_people_keep_it_is_read_and_what_was_left_out_is_told(house: House) -> None:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "2026年11月"
    rows = (
        ["C1", "2026", "30", 46228],
        ["C2", "2026", "20", "2026.8.1"],
        ["C3", "2026", "9", "2026-08-02"],
        ["合计", None, "59", None],
    )
    for row in (["夏令营台账"], [], ["营次编号", "年份", "人数", "开营日期"], *rows):
        sheet.append(row)
    sheet.row_dimensions[6].hidden = True
    out = io.BytesIO()
    book.save(out)
    columns = {"camp_id": "营次编号", "year": "年份", "child_cnt": "人数", "begin_at": "开营日期"}
    house.payload(
        "wf",
        "camp",
        out.getvalue(),
        "file",
        name="台账.xlsx",
        mapping={"columns": {ours: {"from": theirs} for ours, theirs in columns.items()}, "sheet": "夏令营"},
    )
    stated = Told(house)
    assert house.rows("SELECT camp_id, child_cnt, begin_at FROM raw.wf_camp ORDER BY 1") == [
        ("C1", 30, dt.date(2026, 7, 25)),
        ("C2", 20, dt.date(2026, 8, 1)),
    ]
    assert stated.defects("D14") == 2 and stated.says("D14")


def test_d14_unknown_headers_stop_the_load_with_a_clear_message(house: House) -> None:
    with pytest.raises(ContractBroken, match="缺少列：年份"):
        house.payload(
            "wf",
            "camp",
            "营次编号,人数\nC1,30\n".encode(),
            "csv",
            mapping={"columns": {"camp_id": {"from": "营次编号"}, "year": {"from": "年份"}}},
        )
    assert house.rows("SELECT count(*) FROM raw.wf_camp") == [(0,)]


def test_d17_a_step_out_of_order_or_too_soon_is_not_believed_and_listed_for_the_party_role_only(house: House) -> None:
    fifty(house, 3)
    hired(house, range(1, 4))
    steps = {
        1: [("入党积极分子", "2024-01-01"), ("发展对象", "2024-06-01")],
        2: [("预备党员", "2025-01-01"), ("入党积极分子", "2025-06-01")],
        3: [("入党积极分子", "2024-01-01"), ("发展对象", "2025-03-01")],
    }
    house.put(
        "pb_stage_event",
        [
            {"id_no": id_number(n), "stage": stage, "event_date": day, "ledger_at": "2026-11-01"}
            for n, events in steps.items()
            for stage, day in events
        ],
    )
    stated = Told(house)
    assert house.rows(
        "SELECT person_key, stage FROM marts.driver_day WHERE day = DATE '2026-11-23' ORDER BY stage"
    ) == [(key(house, 1), "入党积极分子"), (key(house, 3), "发展对象"), (key(house, 2), "预备党员")], (
        "the earlier valid stage counts"
    )
    assert stated.defects("D17") == 2 and stated.says("D17") and reviewed(stated, "D17") == []
    assert house.rows("SELECT subject FROM run.review WHERE rule = 'D17' AND is_personal ORDER BY 1") == sorted(
        [(key(house, 1),), (key(house, 2),)]
    )


def test_d18_an_implausible_party_share_has_an_amber_flag_on_its_card(house: House) -> None:
    fifty(house, 30)
    hired(house, range(1, 41))
    house.put(
        "pb_member",
        [
            {
                "id_no": id_number(n),
                "org_id": "O",
                "stage": "正式党员",
                "verify_status": "confirmed",
                "verified_at": "2025-01-01",
                "ledger_at": "2026-10-01",
            }
            for n in range(1, 11)
        ],
    )
    stated = Told(house)
    reading = SnapshotStore(house.settings.data).current(Scope.ALL).read("mem_party_share", "day", "2026-11-22")
    assert reading.value == 0.25 and "存疑" in reading.doubt
    assert "存疑" in str(kpi.tags(present(reading), marks=False)) and "存疑" not in str(
        kpi.tags(present(SnapshotStore(house.settings.data).current(Scope.ALL).read("fleet_vehicle_cnt")))
    )
    assert stated.defects("D18") == 1


def test_d19_the_points_ledger_is_recomputed_and_the_difference_is_shown(house: House) -> None:
    entry = {"user_id": "U1", "channel": "小程序"}
    house.put(
        "mp_order",
        [
            {
                "order_no": "O1",
                "user_id": "U1",
                "goods_id": "G",
                "points": 4,
                "status": "取消",
                "at": "2026-11-03 08:00:00",
                "updated_at": "2026-11-03 09:00:00",
            }
        ],
    )
    house.put(
        "mp_points",
        [
            {
                **entry,
                "entry_id": n,
                "delta": delta,
                "type": kind,
                "biz_no": biz,
                "balance_after": balance,
                "created_at": f"2026-11-0{n} 08:00:00",
            }
            for n, delta, kind, biz, balance in (
                (1, 10, "SIGN", "S1", 10),
                (2, 10, "SIGN", "S1", 20),
                (3, -4, "REDEEM", "O1", 16),
                (4, 5, "ACTIVITY", "A1", 26),
            )
        ],
    )
    stated = Told(house)
    reading = SnapshotStore(house.settings.data).current(Scope.ALL).read("p5_points_redeem_rate", "month", "2026-11")
    assert (reading.num, reading.den) == (4, 15), "twice credited once"
    assert reading.parts["账面与流水差额"] == 15, "10 credited twice and 5 that no entry explains"
    assert stated.defects("D19") == 3 and stated.says("D19")
    assert reviewed(stated, "D19") == [
        ("分录 2", "SIGN 10，重复记账，不计"),
        ("分录 3", "REDEEM -4，订单已取消，积分未退"),
        ("分录 4", "ACTIVITY 5，余额与流水差 5"),
    ]


def test_d20_hours_are_merged_cut_and_dropped(house: House) -> None:
    house.put(
        "mp_volunteer_activity",
        [
            {
                "act_id": "A",
                "title": "交通引导",
                "begin_at": "2026-11-10 08:00:00",
                "end_at": "2026-11-10 20:00:00",
                "status": "正常",
                "updated_at": "2026-11-01 08:00:00",
            },
            {
                "act_id": "B",
                "title": "取消了",
                "begin_at": "2026-11-11 08:00:00",
                "end_at": "2026-11-11 20:00:00",
                "status": "取消",
                "updated_at": "2026-11-01 08:00:00",
            },
        ],
    )
    records = (
        (1, "A", "10T08:00", "10T10:00", True),
        (1, "A", "10T09:00", "10T11:00", True),
        (1, "B", "11T08:00", "11T10:00", True),
        (1, "A", "12T10:00", "12T08:00", True),
        (2, "A", "10T06:00", "10T23:00", True),
        (2, "A", "13T08:00", "13T09:00", False),
    )
    house.put(
        "mp_volunteer_record",
        [
            {
                "rec_id": str(n),
                "act_id": act,
                "user_id": f"U{who}",
                "id_no": id_number(who),
                "start_at": f"2026-11-{start}:00".replace("T", " "),
                "end_at": f"2026-11-{end}:00".replace("T", " "),
                "hours": 2,
                "verified": verified,
                "updated_at": "2026-11-15 08:00:00",
            }
            for n, (who, act, start, end, verified) in enumerate(records)
        ],
    )
    stated = Told(house)
    assert sorted(house.rows("SELECT day, hours FROM staging.stg_mp_volunteer")) == [
        (dt.date(2026, 11, 10), 3),
        (dt.date(2026, 11, 10), 12),
    ]
    assert stated.defects("D20") == 4 and stated.says("D20"), (
        "one overlap, one cut, one called off, one that ended before it began"
    )


def test_d21_an_answer_without_rows_is_missing_and_the_last_number_stays_with_its_age(house: House) -> None:
    fifty(house, 3)
    note = house.land("wf", "camp", b"a\n", "csv", name="夏令营.csv")
    load.refused(house.writer, note, "D21 与先前的文件 夏令营.csv 逐字节相同，按未到处理")
    stated = Told(house)
    assert stated.quarantined("D21") == 1 and stated.says("D21")
    silent = SnapshotStore(house.settings.data).current(Scope.ALL).read("fleet_online_rate", "day", "2026-11-22")
    assert silent.status == "unconnected", "silence is no zero"


def test_d23_the_ledgers_number_and_ours_stand_side_by_side(house: House) -> None:
    fifty(house, 52)
    house.put(
        "pb_register50",
        [
            {
                "uscc": FIRM,
                "veh_cnt": 60,
                "driver_cnt": 60,
                "party_cnt": 3,
                "confirmed_at": "2026-10-10",
                "version": 1,
                "ledger_at": "2026-10-31",
            }
        ],
    )
    stated = Told(house)
    assert (
        reviewed(stated, "D23") == [(FIRM, "名录 60 辆，运政 52 辆")]
        and stated.defects("D23") == 1
        and stated.says("D23")
    )
    assert house.rows("SELECT veh_cnt FROM raw.pb_register50") == [(60,)], "the ledger is never overwritten"
    assert (
        SnapshotStore(house.settings.data).current(Scope.ALL).read("dh_register_diff_rate", "day", "2026-11-22").value
        == 1
    )


def test_d25_one_person_under_several_accounts_and_phones_is_one_person(house: House) -> None:
    fifty(house, 3)
    hired(house, range(1, 4))
    user = {
        "town": "330110010",
        "status": "正常",
        "bind_at": "2026-10-01 08:00:00",
        "updated_at": "2026-10-01 08:00:00",
    }
    house.put(
        "mp_user",
        [
            {**user, "user_id": "U1", "id_no": id_number(1), "phone": "13700000001"},
            {**user, "user_id": "U2", "id_no": id_number(1), "phone": "13700000002"},
            {**user, "user_id": "U3", "phone": "13900000002"},
        ],
    )
    house.put(
        "wf_benefit_event",
        [
            {
                "event_id": "E",
                "type": "体检",
                "held_at": "2026-11-10",
                "unit_id": "N",
                "quota": 9,
                "ledger_at": "2026-11-12",
            }
        ],
    )
    house.put(
        "wf_benefit_person",
        [
            {
                "event_id": "E",
                "entry_no": n,
                "id_no": person,
                "is_family": family,
                "selected": True,
                "attended": True,
                "ledger_at": "2026-11-12",
            }
            for n, person, family in ((1, id_number(1), False), (2, id_number(1), False), (3, None, True))
        ],
    )
    stated = Told(house)
    assert house.rows("SELECT count(*) FILTER (is_registered) FROM marts.driver_day WHERE day = DATE '2026-11-23'") == [
        (2,)
    ], "the second through her phone only"
    assert house.rows(
        "SELECT count(DISTINCT person_key) FROM marts.benefit_person WHERE has_attended AND NOT is_family"
    ) == [(1,)]
    assert stated.defects("D25") == 3 and stated.says("D25") and reviewed(stated, "D25") == []
