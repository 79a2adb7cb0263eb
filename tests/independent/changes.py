"""What a world of stand-in sources lacks, landed as the sources would send it: registers that change, rows that are
deleted or corrected, excused outages, and rows on, just under and just over every boundary that a KPI names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import orjson
import pyarrow as pa

from etl.demo.world.world import World
from etl.pipeline import load
from etl.runtime.context import Context
from warehouse.catalog.contracts import contracts
from warehouse.core.units import SHANGHAI
from warehouse.ingest.load import reconcile

Row = dict[str, Any]
DAY = dt.timedelta(days=1)
MASSES = (4.49, 4.5, 4.51, 11.99, 12.0, 12.01)
"""About the boundaries of 4.5 t (needs a permit) and 12 t (must carry a terminal)."""
NEAR = (-2, -1, 0, 1)
"""Days about today: the last valid one is today itself."""


class Changes:
    """Lands changes in a world's data folder at its own time."""

    def __init__(self, context: Context, world: World, now: dt.datetime) -> None:
        self.context, self.world, self.now, self.today = context, world, now, now.date()

    def land(self, table: str, rows: list[Row], at: dt.datetime | None = None) -> None:
        """Rows under the source's column names, all of which have to be loaded."""
        contract = contracts()[table]
        note = self.context.landing.put(
            contract.source,
            contract.entity,
            orjson.dumps(rows, default=str),
            kind="json_rows",
            name=f"{table} changes",
            at=(at or self.now).replace(tzinfo=SHANGHAI),
            sealed=contract.sealed,
        )
        loaded = load.ingest(self.context, [note])
        assert loaded == (len(rows), ""), (table, loaded)

    def delete(self, table: str, where: str, at: dt.datetime) -> None:
        """Rows that the source no longer lists at that time."""
        contract = contracts()[table]
        keys = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in contract.key)
        rows = self.context.writer.execute(
            f"SELECT {keys} FROM raw.{table} WHERE _deleted_at IS NULL AND NOT coalesce({where}, false)"
        )
        columns = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(contract.key)}
        note = self.context.landing.put(
            contract.source,
            contract.entity,
            b"[]",
            kind="json_rows",
            name=f"{table} keys",
            at=at.replace(tzinfo=SHANGHAI),
            sealed=contract.sealed,
        )
        assert reconcile(self.context.writer, contract, note, pa.table(columns), confirmed=True) > 0, table

    def current(self, table: str, where: str, most: int) -> list[Row]:
        """Rows as they stand, under the source's column names (personal columns left out)."""
        contract = contracts()[table]
        columns = [column for column in contract.stored if column.treatment in ("", "text", "holder")]
        names = ", ".join(f"{column.name}" for column in columns)
        order = ", ".join(contract.key)
        found = self.context.writer.execute(
            f"SELECT {names} FROM raw.{table} WHERE _deleted_at IS NULL AND {where} ORDER BY {order} LIMIT {most}"
        )
        return [dict(zip((column.source or column.name for column in columns), row, strict=True)) for row in found]

    def person(self, serial: int) -> str:
        """The identity number of one of the world's drivers."""
        return str(self.world.drivers["id_no"].iloc[serial])

    def ago(self, days: float, hour: int = 9) -> dt.datetime:
        """That hour so many days before."""
        return dt.datetime.combine(self.today - dt.timedelta(days=days), dt.time(hour))

    def day(self, offset: int) -> str:
        """The day so many days after today."""
        return (self.today + dt.timedelta(days=offset)).isoformat()


BUSIEST = "SELECT plate_no FROM raw.gps_alarm GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 24"
"""Plates with the most alarms."""


def everything(changes: Changes) -> None:
    """Lands them all."""
    vehicles(changes)
    vehicle_papers(changes)
    companies(changes)
    people(changes)
    alarms(changes)
    post_checks(changes)
    sites(changes)
    ledgers(changes)
    deletions(changes)


def vehicles(changes: Changes) -> None:
    """Vehicles at the boundaries of mass, stop and review; others that change hands, town, status or are corrected: such
    as have alarms, so that what happened before and after counts with the register of its day."""
    home = changes.current("yz_vehicle", f"status = '营运' AND uscc IS NOT NULL AND plate_no IN ({BUSIEST})", 12)
    base = home[0] | {"status": "营运", "is_trailer": False, "veh_type": "H11", "stop_from": None, "stop_to": None}
    rows = []
    for serial, mass in enumerate(MASSES):
        rows.append(base | {"plate_no": f"浙A7T1{serial:02d}", "gross_mass_t": mass})
    for serial, offset in enumerate(NEAR):
        rows.append(base | {"plate_no": f"浙A7T2{serial:02d}", "review_due": changes.day(offset), "gross_mass_t": 18})
        rows.append(
            base | {"plate_no": f"浙A7T3{serial:02d}", "stop_from": changes.day(-9), "stop_to": changes.day(offset)}
        )
        rows.append(base | {"plate_no": f"浙A7T4{serial:02d}", "stop_from": changes.day(offset), "stop_to": None})
        rows.append(base | {"plate_no": f"浙A7T5{serial:02d}", "register_date": changes.day(offset)})
    stamped = {"yz_updated_at": changes.ago(30)}
    changes.land("yz_vehicle", [row | stamped for row in rows])
    other = changes.current("yz_company", "status = '营业' AND op_town IS NOT NULL", 3)[-1]
    changes.land(
        "yz_vehicle",
        [row | {"uscc": other["uscc"], "yz_updated_at": changes.ago(15)} for row in home[1:4]]
        + [row | {"status": "停运", "yz_updated_at": changes.ago(8)} for row in home[4:6]]
        + [row | {"status": "转出", "yz_updated_at": changes.ago(4)} for row in home[6:8]]
        + [row | {"home_town": other["op_town"], "yz_updated_at": changes.ago(12)} for row in home[8:10]],
    )
    changes.land("yz_vehicle", [home[10] | {"energy_code": "C", "yz_updated_at": changes.ago(0.0, 1)}])


def vehicle_papers(changes: Changes) -> None:
    """Permits that run out about today, are issued about today, are cancelled or bear no real number."""
    rows = []
    for serial, mass in enumerate(MASSES):
        rows.append(_permit(changes, f"浙A7T1{serial:02d}", f"1{serial}", issue_date=changes.day(-300 - int(mass))))
    for serial, offset in enumerate(NEAR):
        rows.append(_permit(changes, f"浙A7T2{serial:02d}", f"2{serial}"))
        rows.append(_permit(changes, f"浙A7T3{serial:02d}", f"3{serial}", valid_to=changes.day(offset)))
        rows.append(_permit(changes, f"浙A7T4{serial:02d}", f"4{serial}", issue_date=changes.day(min(offset, 0))))
    rows.append(_permit(changes, "浙A7T500", "50", status="注销"))
    rows.append(_permit(changes, "浙A7T501", "") | {"cert_no": "330110000000"})
    changes.land("yz_certificate", rows)


def _permit(changes: Changes, plate: str, serial: str, **given: Any) -> Row:
    colour = changes.current("yz_vehicle", f"plate_no = '{plate}'", 1)[0]["plate_color"]
    return {
        "cert_type": "YSZ",
        "cert_no": f"33011077{serial:0>4}",
        "holder_no": f"{plate}#{colour}",
        "issue_date": changes.day(-200),
        "valid_to": changes.day(300),
        "status": "有效",
        "ecert_id": f"E{serial}",
        "ecert_at": changes.ago(3),
        "yz_updated_at": changes.ago(30),
    } | given


def companies(changes: Changes) -> None:
    """Companies that move, are renamed, close, or whose licence runs out about today; three new ones for the counts of
    persons."""
    rows = changes.current("yz_company", "status = '营业' AND owner_type = '企业' AND op_town IS NOT NULL", 9)
    towns = sorted({row["op_town"] for row in rows})
    changes.land(
        "yz_company",
        [row | {"op_town": towns[-1], "yz_updated_at": changes.ago(20)} for row in rows[0:2]]
        + [row | {"name": f"{row['name']}(更名)", "yz_updated_at": changes.ago(14)} for row in rows[2:3]]
        + [row | {"status": "注销", "yz_updated_at": changes.ago(10)} for row in rows[3:4]],
    )
    changes.land("yz_company", [rows[3] | {"yz_updated_at": changes.ago(2)}])  # it opens again
    changes.land(
        "yz_company",
        [
            rows[4] | {"licence_to": changes.day(offset), "yz_updated_at": changes.ago(40), **_new(serial)}
            for serial, offset in enumerate(NEAR)
        ],
    )


def _new(serial: int) -> Row:
    return {"uscc": f"91330110MA7T00{serial:02d}0X", "licence_no": f"33011077{serial:04d}", "name": f"边界运输{serial}"}


def people(changes: Changes) -> None:
    """Four, five and six persons of one company, employments that begin and end about today, captains, unions and
    qualifications about their last day."""
    rows = []
    for company, count in ((1, 4), (2, 5), (3, 6)):
        for serial in range(count):
            rows.append(_job(changes, 10 * company + serial, company))
    for serial, offset in enumerate(NEAR):
        rows.append(_job(changes, 50 + serial, 3, to_date=changes.day(offset)))
        rows.append(_job(changes, 60 + serial, 3, from_date=changes.day(offset)))
    changes.land("yz_employment", rows)
    changes.land(
        "un_member",
        [
            {
                "id_no": changes.person(20 + serial),
                "org_id": "UN-BOUNDARY",
                "join_date": changes.day(-90),
                "leave_date": changes.day(offset),
                "ledger_at": changes.ago(60),
            }
            for serial, offset in enumerate(NEAR)
        ],
    )
    changes.land(
        "yz_certificate",
        [
            {
                "cert_type": "CYZG",
                "cert_no": f"33011088{serial:04d}",
                "holder_no": changes.person(30 + serial),
                "category": "经营性道路货物运输驾驶员",
                "issue_date": changes.day(-800),
                "valid_to": changes.day(offset),
                "status": "有效",
                "yz_updated_at": changes.ago(70),
            }
            for serial, offset in enumerate(NEAR)
        ],
    )


def _job(changes: Changes, person: int, company: int, **given: Any) -> Row:
    return {
        "id_no": changes.person(person),
        "uscc": _new(company)["uscc"],
        "from_date": changes.day(-120),
        "to_date": None,
        "is_captain": person % 2 == 0,
        "yz_updated_at": changes.ago(35),
    } | given


def alarms(changes: Changes) -> None:
    """Overspeeding of 29, 30 and 31 s, reports 60 and 61 s apart, one inside another, and handling at the last second
    and one later, without a reason, and before the alarm."""
    truck = changes.current("yz_vehicle", "status = '营运' AND gross_mass_t >= 12 AND NOT is_trailer", 1)[0]
    begin, rows = changes.ago(1, 3), []

    def report(number: int, start: float, length: float, level: int, kind: int = 1) -> None:
        rows.append(
            {
                "alarm_uid": f"BOUNDARY{number:03d}",
                "src": 1,
                "warn_type": kind,
                "level": level,
                "plate_no": truck["plate_no"],
                "plate_color": truck["plate_color"],
                "start_at": begin + dt.timedelta(seconds=start),
                "end_at": begin + dt.timedelta(seconds=start + length),
                "updated_at": begin + dt.timedelta(seconds=start + length),
            }
        )

    for number, length in enumerate((29, 30, 31)):
        report(number, 1000 * number, length, 1)
    report(3, 5000, 40, 1)
    report(4, 5100, 40, 2)  # 60 s after the end of the one before: the same event, and level 2
    report(5, 5201, 40, 2)  # 61 s: another one
    report(6, 7000, 300, 1)
    report(7, 7010, 20, 2)  # inside the one before
    report(8, 7350, 20, 1)  # 50 s after the end of the longer one
    for number in range(9, 15):
        report(number, 9000 + 400 * number, 60, 2)
    changes.land("gps_alarm", rows)
    limit = changes.context.writer.execute("SELECT limit_s FROM raw.own_sla WHERE level = 2")[0][0]
    steps = (
        (9, limit, 1, ""),
        (10, limit + 1, 1, ""),
        (11, 60, 2, ""),
        (12, 60, 2, "误报"),
        (13, -5, 1, ""),
        (14, 60, 3, ""),
    )
    changes.land(
        "rdm_alarm_handle", [_handled(rows[number], after, result, why) for number, after, result, why in steps]
    )


def _handled(alarm: Row, after_s: float, result: int, reason: str) -> Row:
    at = alarm["start_at"] + dt.timedelta(seconds=after_s)
    return {
        "handle_id": f"H{alarm['alarm_uid']}",
        "alarm_uid": alarm["alarm_uid"],
        "step": 1,
        "action": "电话",
        "result": result,
        "reason": reason,
        "handled_at": at,
        "updated_at": at,
    }


def post_checks(changes: Changes) -> None:
    """Post checks answered at the last second and one later, before they were sent, with nothing, and not at all."""
    company = changes.current("yz_company", "status = '营业'", 1)[0]["uscc"]
    sent = changes.ago(1, 11)
    answers = ((600, "在岗"), (601, "在岗"), (0, "在岗"), (-1, "在岗"), (60, "  "), (60, "无"), (None, None))
    changes.land(
        "gps_post_check",
        [
            {
                "check_id": f"BOUNDARY{number}",
                "platform_id": "",
                "object_type": 2,
                "uscc": company,
                "sent_at": sent + dt.timedelta(minutes=20 * number),
                "limit_s": 600,
                "answered_at": None if after is None else sent + dt.timedelta(minutes=20 * number, seconds=after),
                "content": content,
                "updated_at": sent + dt.timedelta(hours=3),
            }
            for number, (after, content) in enumerate(answers)
        ],
    )


def sites(changes: Changes) -> None:
    """Sites that move to another town, close and open again, two that are merged; approved closures; outages of a
    platform that are excused, and a day that is corrected."""
    own = changes.current("st_site", "true", 6)
    changes.land("st_site", [own[0] | {"town": own[1]["town"], "updated_at": changes.ago(9)}])
    changes.land("st_site", [own[2] | {"status": "停用", "updated_at": changes.ago(12)}])
    changes.land("st_site", [own[2] | {"updated_at": changes.ago(5)}])
    changes.land("st_site", [own[3] | {"status": "停用", "updated_at": changes.ago(7)}])  # merged into the next one
    logs = changes.current("st_open_log", f"day BETWEEN DATE '{changes.day(-6)}' AND DATE '{changes.day(-2)}'", 40)
    later = {"updated_at": changes.now}
    changes.land(
        "st_open_log",
        [row | {"is_excused": True, "opened_min": 0} | later for row in logs[:4]]
        + [row | {"opened_min": 1} | later for row in logs[4:6]],
    )
    links = changes.current("gps_link_day", f"day BETWEEN DATE '{changes.day(-8)}' AND DATE '{changes.day(-1)}'", 9)
    changes.land(
        "gps_link_day",
        [row | {"up_min": 0, "excused_min": 1440} | later for row in links[:2]]
        + [row | {"up_min": 700, "excused_min": 600} | later for row in links[2:4]],
    )


def ledgers(changes: Changes) -> None:
    """Instructors about their last day, pairings with a hole, visits done after their month, certificates of no
    electronic form, and appeals that are opened again."""
    company = changes.current("yz_company", "status = '营业' AND owner_type = '企业'", 5)
    changes.land(
        "pb_instructor",
        [
            {
                "uscc": row["uscc"],
                "role": role,
                "from": changes.day(-100 - number),
                "to": changes.day(offset),
                "ledger_at": changes.ago(25),
            }
            for number, (row, offset) in enumerate(zip(company, NEAR, strict=False))
            for role in ("党建指导员", "驻企服务员")
        ],
    )
    case = changes.current("wf_hardship", "qualified AND closed_at IS NULL", 1)
    changes.land(
        "wf_pairing",
        [
            {"pair_id": "B1", "case_id": row["case_id"], "from": changes.day(-200), "to": changes.day(-40)}
            | {"ledger_at": changes.ago(30)}
            for row in case
        ]
        + [
            {"pair_id": "B2", "case_id": row["case_id"], "from": changes.day(-5), "to": changes.day(-1)}
            | {"ledger_at": changes.ago(2)}
            for row in case
        ],
    )
    changes.land("pb_visit", _visits(changes, [row["uscc"] for row in company]))
    tickets = changes.current("pj_appeal", "closed_at IS NOT NULL", 4)
    changes.land(
        "pj_appeal", [row | {"closed_at": None, "reopened": 1, "updated_at": changes.now} for row in tickets[:2]]
    )


def _visits(changes: Changes, companies: Iterable[str]) -> list[Row]:
    first = changes.today.replace(day=1) - DAY
    return [
        {
            "visit_id": f"BOUNDARY{number}",
            "plan_id": f"BOUNDARY{number}",
            "uscc": uscc,
            "due": first.isoformat(),
            "visit_at": (first + after * DAY).isoformat(),
            "visitor": "王**",
            "note": note,
            "ledger_at": changes.now,
        }
        for number, (uscc, after, note) in enumerate(
            zip(companies, (0, 1, -3, -3, 0), ("已走访", "已走访", "", "无", "已走访"), strict=False)
        )
    ]


def deletions(changes: Changes) -> None:
    """Rows that the sources no longer have, three days ago and today."""
    before = changes.ago(3)
    changes.delete("yz_vehicle", "plate_no IN ('浙A7T105', '浙A7T203')", before)
    changes.delete("yz_company", f"uscc = '{_new(0)['uscc']}'", before)
    changes.delete("yz_employment", f"uscc = '{_new(3)['uscc']}' AND is_captain", before)
    changes.delete("un_member", "org_id = 'UN-BOUNDARY'", changes.now)
    for table, key in (
        ("yz_certificate", "cert_no"),
        ("pb_org", "org_id"),
        ("pb_stage_event", "person_key"),
        ("un_org", "org_id"),
        ("pb_member", "person_key"),
        ("wf_hardship", "case_id"),
        ("wf_benefit_person", "event_id"),
        ("hn_award", "award_id"),
        ("pb_task", "task_id"),
        ("pb_activity", "act_id"),
        ("pb_visit", "visit_id"),
        ("pj_appeal", "ticket_no"),
        ("pj_milestone", "item_no"),
        ("rdm_plan", "plan_id"),
        ("rdm_check_item", "check_id"),
        ("mp_red_heart", "user_id"),
        ("mp_user", "user_id"),
        ("mp_volunteer_record", "rec_id"),
        ("st_facility", "site_id"),
        ("yz_penalty", "case_no"),
        ("yz_overlimit", "permit_id"),
        ("ext_safety_code", "person_key"),
        ("rdm_score_month", "person_key"),
    ):
        changes.delete(table, f"{key} = (SELECT max({key}) FROM raw.{table} WHERE _deleted_at IS NULL)", before)
