"""Single drivers: only by role, only for a stated purpose, only so many an hour, and never without a line in the audit
log."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import duckdb
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from cockpit.identity import driver_access
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from tests.cockpit.signing_in import SAME_ORIGIN, good_body, post, said
from warehouse.core.errors import DataMissing, Refused
from warehouse.core.settings import Settings
from warehouse.publish import snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def company(data: Path) -> str:
    """The company with most drivers."""
    file = data / "published" / f"{snapshot.current(Settings(data))}.restricted.duckdb"
    with duckdb.connect(str(file), read_only=True) as con:
        found = con.execute(
            "SELECT company_key FROM marts.driver_day WHERE day = (SELECT max(day) FROM marts.driver_day) GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        ).fetchone()
    assert found
    return str(found[0])


def log(data: Path) -> list[tuple[str, str, str]]:
    with app_db.reading(Settings(data).state) as connection:
        return [
            (row["event"], row["who"], f"{row['subject']} {row['purpose']} {row['detail']}")
            for row in connection.execute("SELECT * FROM audit ORDER BY seq")
        ]


def ask(client: FlaskClient, company: str, purpose: str = "约谈两名高风险驾驶员并作安全教育", **headers: str) -> Any:
    return client.post(
        "/purpose",
        data={"subject": company, "kind": "约谈培训", "purpose": purpose, "next": f"/company/{company}/drivers"},
        headers=headers or SAME_ORIGIN,
    )


@pytest.mark.parametrize("role", ["admin", "security", "auditor", "party"])
def test_who_runs_the_system_or_reads_its_log_sees_no_driver(
    as_role: Callable[[str], FlaskClient], data: Path, company: str, role: str
) -> None:
    client = as_role(role)
    assert "没有权限" in said(client, f"/company/{company}/drivers")
    assert ask(client, company).status_code == 403
    events = [(event, who) for event, who, _ in log(data) if event in ("denied", "person_list", "person_read")]
    assert events and set(events) == {("denied", f"user-{role}")}


@pytest.mark.parametrize("role", ["leader", "safety"])
def test_a_purpose_is_asked_first_and_every_look_is_written_down_with_it(
    as_role: Callable[[str], FlaskClient], data: Path, company: str, role: str
) -> None:
    client = as_role(role)
    first = said(client, f"/company/{company}/drivers")
    assert "请先说明查看用途" in first and "从业资格" not in first
    assert not [event for event, _, _ in log(data) if event.startswith("person")], "nothing was read yet"
    answer = ask(client, company)
    assert answer.status_code == 303 and answer.headers["Location"].endswith(f"/company/{company}/drivers")
    listed = said(client, f"/company/{company}/drivers")
    assert "从业资格" in listed and "约谈两名高风险驾驶员并作安全教育" in listed
    assert f" user-{role} 20" in unquote(listed), "whose screen it is stands all over the page"
    assert "watermark" in listed and "watermark" not in first
    events = [event for event, who, detail in log(data) if event.startswith("person")]
    assert events == ["person_purpose", "person_list"]
    assert all(
        company in detail and "约谈两名高风险驾驶员并作安全教育" in detail
        for event, _, detail in log(data)
        if event.startswith("person")
    )
    assert audit.verify(Settings(data).state).faults == ()


@pytest.fixture
def alone(data: Path) -> tuple[str, str, str]:
    """A company with one driver or one vehicle, its vehicle and an alarm of it."""
    found = (
        SnapshotStore(data)
        .current(Scope.ALL)
        .ask(
            """SELECT company_key, vehicle_key, alarm_uid FROM marts.alarm_event
            WHERE company_key IN (SELECT company_key FROM marts.one_person_owner)
            ORDER BY raised_at DESC LIMIT 1"""
        )
    )
    return found[0]


def test_a_vehicle_and_an_alarm_of_one_person_are_looked_at_for_a_purpose(
    as_role: Callable[[str], FlaskClient], data: Path, alone: tuple[str, str, str]
) -> None:
    company, vehicle, alarm = alone
    pages = [f"/vehicle/{quote(vehicle, safe='')}", f"/alarm/{quote(alarm, safe='')}"]
    auditor = as_role("auditor")
    for page in pages:
        shown = said(auditor, page)
        assert "没有权限" in shown and "逐日运行" not in shown and "处置过程" not in shown
    leader = as_role("leader")
    for page in pages:
        shown = said(leader, page)
        assert "请先说明查看用途" in shown and "逐日运行" not in shown and "处置过程" not in shown
    profile = said(leader, f"/company/{company}")
    assert "说明用途后查看" in profile and "报警与处置" not in profile
    ask(leader, company)
    assert "逐日运行" in said(leader, pages[0]) and "处置过程" in said(leader, pages[1])
    looks = [(event, company in detail) for event, _, detail in log(data) if event == "vehicle_read"]
    assert looks == [("vehicle_read", True)] * 2


def test_one_driver_is_a_look_of_its_own_and_the_address_holds_no_pseudonym(
    as_role: Callable[[str], FlaskClient], data: Path, company: str
) -> None:
    client = as_role("leader")
    ask(client, company)
    listed = said(client, f"/company/{company}/drivers")
    reference = listed.split(f"/company/{company}/driver/")[1][:18]
    file = data / "published" / f"{snapshot.current(Settings(data))}.restricted.duckdb"
    with duckdb.connect(str(file), read_only=True) as con:
        keys = [row[0] for row in con.execute("SELECT person_key FROM marts.driver_card").fetchall()]
    assert not any(key in listed or key[:16] in listed for key in keys), "no pseudonym reaches the browser"
    one = said(client, f"/company/{company}/driver/{reference}")
    assert "安全学习" in one and "准驾车型" in one and not any(key[:16] in one for key in keys)
    assert [(event, reference in detail) for event, _, detail in log(data) if event == "person_read"] == [
        ("person_read", True)
    ]
    assert "没有这一页" in said(client, f"/company/{company}/driver/{'0' * 18}")


def test_a_purpose_holds_for_one_company_and_a_quarter_of_an_hour(
    as_role: Callable[[str], FlaskClient], data: Path, company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_role("leader")
    ask(client, company)
    with app_db.writing(Settings(data).state) as connection:
        connection.execute("UPDATE purposes SET until = ?", (time.time() - 1,))
    assert "请先说明查看用途" in said(client, f"/company/{company}/drivers")
    ask(client, "91330110MA2ABCDE12")
    assert "请先说明查看用途" in said(client, f"/company/{company}/drivers"), "another company's purpose is none here"


def test_more_than_so_many_looks_an_hour_are_refused_and_told(
    data: Path, server: Flask, as_role: Callable[[str], FlaskClient], company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_role("leader")
    ask(client, company)
    first = said(client, f"/company/{company}/drivers")
    reference, persons = (
        first.split(f"/company/{company}/driver/")[1][:18],
        int(re.findall(r"(\d+) 人 · 高风险", first)[0]),
    )
    monkeypatch.setattr(driver_access, "LOOKS", {3600: ("一小时", min(persons, driver_access.LIST_ROWS) + 2)})
    shown = ["安全学习" in said(client, f"/company/{company}/driver/{reference}") for _ in range(4)]
    assert shown == [True, True, False, False]
    assert "从业资格" not in said(client, f"/company/{company}/drivers"), "a list costs as many looks as it has persons"
    assert [event for event, _, _ in log(data)].count("person_refused") == 3


def test_who_looks_at_many_is_named_in_the_log_and_stopped_at_two_hundred_a_day(
    data: Path, server: Flask, as_role: Callable[[str], FlaskClient], company: str
) -> None:
    """Lists count like looks one by one: nobody reads off the drivers of fifty companies."""
    client = as_role("leader")
    client.get("/")
    with app_db.writing(Settings(data).state) as connection:
        connection.execute("INSERT INTO looks VALUES ('user-leader', ?, 159)", (time.time() - 7200,))
    ask(client, company)
    assert "从业资格" in said(client, f"/company/{company}/drivers")
    assert [event for event, _, _ in log(data)].count("person_alert") == 1
    with app_db.writing(Settings(data).state) as connection:
        connection.execute("INSERT INTO looks VALUES ('user-leader', ?, 41)", (time.time() - 7200,))
    refused = said(client, f"/company/{company}/drivers")
    assert "一天内" in refused and "从业资格" not in refused


def test_a_purpose_is_one_of_the_list_and_in_words(
    as_role: Callable[[str], FlaskClient], data: Path, company: str
) -> None:
    client = as_role("leader")
    for kind, words in (
        ("", "约谈两名高风险驾驶员并作安全教育"),
        ("好奇", "约谈两名高风险驾驶员并作安全教育"),
        ("约谈培训", "aaaa"),
    ):
        form = {"subject": company, "kind": kind, "purpose": words, "next": "/"}
        assert client.post("/purpose", data=form, headers=SAME_ORIGIN).status_code == 400
    shown = said(client, f"/company/{company}/drivers")
    assert all(kind in shown for kind in driver_access.PURPOSES)


def test_without_a_line_in_the_log_nothing_is_read(
    data: Path, server: Flask, as_role: Callable[[str], FlaskClient], company: str
) -> None:
    client = as_role("leader")
    ask(client, company)
    with app_db.writing(Settings(data).state) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    door = driver_access.People(
        Settings(data),
        Viewer("person", "user-leader", "leader", scope=Scope.ALL),
        "127.0.0.1",
        snapshot.current(Settings(data)) or "",
        b"k" * 32,
    )
    with pytest.raises(DataMissing):
        door.drivers(company)
    page = client.get(f"/company/{company}/drivers")
    assert page.status_code == 503 and "审计日志写不进去" in page.text
    assert "从业资格" not in page.text and "从业资格" not in said(client, f"/company/{company}/drivers")


def test_a_purpose_from_elsewhere_too_short_or_to_elsewhere_is_refused(
    as_role: Callable[[str], FlaskClient], data: Path, company: str
) -> None:
    client = as_role("leader")
    assert (
        ask(client, company, "看看").status_code == 400
        and ask(client, "", "约谈两名高风险驾驶员并作安全教育").status_code == 400
    )
    assert ask(client, company, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    away = client.post(
        "/purpose",
        data={
            "subject": company,
            "kind": "约谈培训",
            "purpose": "约谈两名高风险驾驶员并作安全教育",
            "next": "https://elsewhere.example/",
        },
        headers=SAME_ORIGIN,
    )
    assert away.headers["Location"] == "/"


def test_a_personal_number_in_a_purpose_is_blotted_out_of_the_log(
    as_role: Callable[[str], FlaskClient], data: Path, company: str
) -> None:
    ask(as_role("leader"), company, "回访 13812345678 的投诉")
    stated = [detail for event, _, detail in log(data) if event == "person_purpose"]
    assert len(stated) == 1 and "13812345678" not in stated[0] and "回访" in stated[0]


def test_the_door_itself_refuses_without_role_or_purpose(data: Path, company: str) -> None:
    for viewer in (
        Viewer("person", "a", "admin", scope=Scope.ALL),
        Viewer("device", "screen:main", "screen", "main", scope=Scope.ALL),
        Viewer("person", "b", "leader", scope=Scope.ALL),
    ):
        door = driver_access.People(Settings(data), viewer, "127.0.0.1", "none", b"k" * 32)
        with pytest.raises(Refused):
            door.drivers(company)


def test_the_officer_on_duty_follows_a_vehicle_and_its_alarms_but_opens_no_driver(
    as_role: Callable[[str], FlaskClient], data: Path, company: str
) -> None:
    book, duty = SnapshotStore(data).current(Scope.ALL), as_role("duty")
    [(key, owner, uid)] = book.ask(
        "SELECT vehicle_key, company_key, alarm_uid FROM marts.alarm_event WHERE company_key IS NOT NULL ORDER BY raised_at DESC LIMIT 1"
    )
    assert ask(duty, owner).status_code == 303
    assert "轨迹" in said(duty, f"/vehicle/{quote(key, safe='')}/track") and "处置过程" in said(duty, f"/alarm/{uid}")
    assert "没有权限" in said(duty, f"/company/{owner}/drivers")


def test_single_alarms_are_on_no_page_and_in_no_export_of_who_may_not_see_them(
    as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    book, metric = SnapshotStore(data).current(Scope.ALL), "safe_alarm_handled_rate"
    [(key, company, uid)] = book.ask(
        "SELECT vehicle_key, company_key, alarm_uid FROM marts.alarm_event WHERE company_key NOT IN (SELECT company_key FROM marts.one_person_owner) AND must_handle ORDER BY raised_at DESC LIMIT 1"
    )
    seen = {}
    for role in ("safety", "party"):
        client = as_role(role)
        pages = [said(client, f"/vehicle/{quote(key, safe='')}"), said(client, f"/company/{company}")]
        pages += [said(client, f"/metric/{metric}", "?window=month&of=rows"), said(client, "/search", f"?q={uid}")]
        book_of = load_workbook(io.BytesIO(client.get(f"/export/{metric}.xlsx?window=month&of=rows").data))
        seen[role] = [["/alarm/" in page for page in pages], book_of.sheetnames]
    assert seen["safety"][0] == [True] * 4 and seen["party"][0] == [False] * 4
    assert "报警" in seen["safety"][1] and "报警" not in seen["party"][1]


def test_where_a_vehicle_went_is_asked_for_and_written_down_like_a_driver(
    as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    client = as_role("leader")
    file = data / "published" / f"{snapshot.current(Settings(data))}.restricted.duckdb"
    with duckdb.connect(str(file), read_only=True) as con:
        key, points = con.execute(
            "SELECT vehicle_key, sum(len(path)) FROM marts.gps_trip GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
        ).fetchone()  # type: ignore[misc]
        gaps = con.execute(
            "SELECT min(b.at - a.at) FROM (SELECT trip_id, unnest(path, recursive := true), generate_subscripts(path, 1) AS n FROM marts.gps_trip) a "
            "JOIN (SELECT trip_id, unnest(path, recursive := true), generate_subscripts(path, 1) AS n FROM marts.gps_trip) b ON a.trip_id = b.trip_id AND b.n = a.n + 1"
        ).fetchone()
    book = SnapshotStore(data).current(Scope.ALL)
    owner = book.ask("SELECT company_key FROM marts.vehicle_current WHERE vehicle_key = ?", [key])[0]
    assert not book.ask("SELECT 1 FROM duckdb_tables() WHERE table_name IN ('gps_trip', 'gps_stop')"), (
        "no way of a vehicle stands in the open file"
    )
    assert owner and points > 2 and gaps and gaps[0].total_seconds() > 0
    path = f"/vehicle/{quote(key, safe='')}/track"
    assert "请先说明查看用途" in said(client, path) and not [
        event for event, _, _ in log(data) if event == "track_read"
    ]
    ask(client, owner[0])
    shown = said(client, path)
    assert "轨迹" in shown and "data-path" in shown and "回放" in shown
    assert [detail.startswith(f"{owner[0]} {key}") for event, _, detail in log(data) if event == "track_read"] == [True]
    assert "当日没有可回放的行程" in json.dumps(
        post(
            client,
            good_body(path)
            | {
                "inputs": [
                    {"id": "shell-address", "property": "pathname", "value": path},
                    {"id": "shell-address", "property": "search", "value": "?at=2020-01-01"},
                    {"id": "shell-generation", "property": "data", "value": None},
                ]
            },
        ).get_json(),
        ensure_ascii=False,
    )
