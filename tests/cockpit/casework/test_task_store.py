"""督办: made from a number or a record, every step kept with who and when, shown where it belongs, told week by
week."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.casework import task_routes, task_store
from cockpit.casework.task_store import Subject
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from cockpit.wall import needs
from tests.cockpit.signing_in import SAME_ORIGIN, said
from warehouse.core.errors import Refused, UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

LEADER, CLERK = Viewer("person", "wang", "leader", scope=Scope.ALL), Viewer("person", "li", "analyst", scope=Scope.ALL)
ONLINE = Subject(
    "fleet_online_rate", "车辆上线率 · 第 47 周", "/metric/fleet_online_rate?as_of=g", "g", "330110", "2026-W47"
)
RECORD = Subject("/vehicle/浙A12345", "车辆 浙A12345", "/vehicle/x", "g")


def on(day: int, hour: int = 9) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, tzinfo=SHANGHAI)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


def form(server: Flask, **changes: str) -> dict[str, str]:
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    office = library.current(Scope.ALL).metrics["fleet_online_rate"].owner
    return {
        "subject": "/metric/fleet_online_rate?window=week",
        "what": "一周内查清离线原因",
        "office": office,
        "person": "张工",
        "due": "2099-01-31",
        "next": "/supervision",
        **changes,
    }


def ask(client: FlaskClient, path: str, values: dict[str, str], **headers: str) -> Any:
    return client.post(path, data=values, headers=headers or SAME_ORIGIN)


def test_a_task_goes_from_hand_to_hand_and_keeps_every_step(file: Path) -> None:
    number = task_store.make(file, LEADER, "查清  原因", "运输管理科", dt.date(2026, 11, 20), ONLINE, at=on(16))
    task_store.step(file, CLERK, number, "take", at=on(17))
    task_store.step(file, CLERK, number, "note", "已约谈三家，电话 13800138000", at=on(18))
    task_store.step(file, LEADER, number, "close", "已恢复", at=on(23))
    task_store.step(file, LEADER, number, "reopen", "又离线", at=on(24))
    task = task_store.every(file)[0]
    assert (task.what, task.state, task.late(dt.date(2026, 11, 25))) == ("查清 原因", "open", 5)
    assert [(one.step, one.who) for one in task.steps] == [
        ("open", "wang"),
        ("take", "li"),
        ("note", "li"),
        ("close", "wang"),
        ("reopen", "wang"),
    ]
    assert "13800138000" not in task.steps[2].words
    with app_db.reading(file) as connection:
        events = [row["event"] for row in connection.execute("SELECT event FROM audit ORDER BY seq")]
    assert events == [f"supervision_{one.step}" for one in task.steps] and audit.verify(file).faults == ()


def test_history_is_only_added_to(file: Path) -> None:
    task_store.make(file, LEADER, "事", "科", dt.date(2099, 1, 1), ONLINE)
    for sql in (
        "UPDATE supervision_step SET who = 'x'",
        "DELETE FROM supervision_step",
        "UPDATE supervision SET due = '2100-01-01'",
        "DELETE FROM supervision",
    ):
        with pytest.raises(sqlite3.IntegrityError), app_db.writing(file) as connection:
            connection.execute(sql)
    assert task_store.every(file)[0].steps[0].who == "wang"


@pytest.mark.parametrize(
    ("steps", "last"), [((), "reopen"), (("close",), "close"), (("close",), "note"), (("take",), "take")]
)
def test_a_step_that_does_not_follow_is_refused(file: Path, steps: tuple[str, ...], last: str) -> None:
    number = task_store.make(file, LEADER, "事", "科", dt.date(2099, 1, 1), ONLINE)
    for one in steps:
        task_store.step(file, LEADER, number, one, "好")
    with pytest.raises(UsageError, match="任务不能"):
        task_store.step(file, LEADER, number, last, "好")
    assert len(task_store.every(file)[0].steps) == 1 + len(steps)


def test_who_made_a_task_takes_it_back_with_a_reason_and_nobody_else(file: Path) -> None:
    number = task_store.make(
        file, CLERK, "事", "科", dt.date(2026, 11, 20), ONLINE, person=" 王  工，13800138000 ", at=on(16)
    )
    with pytest.raises(Refused, match="只有交办人"):
        task_store.step(file, LEADER, number, "withdraw", "不用办了")
    with pytest.raises(UsageError, match="没有填写撤回"):
        task_store.step(file, CLERK, number, "withdraw", " ")
    task_store.step(file, CLERK, number, "withdraw", "重复交办", at=on(18))
    [task] = task_store.every(file)
    assert (task.state, task.is_standing, task.is_closed, task.late(dt.date(2026, 11, 30))) == (
        "withdrawn",
        False,
        False,
        0,
    )
    assert task.person.startswith("王 工") and "13800138000" not in task.person
    for kind in ("take", "note", "close", "reopen"):
        with pytest.raises(UsageError, match="已撤回的任务不能"):
            task_store.step(file, LEADER, number, kind, "好")
    week = task_store.for_week(file, dt.date(2026, 11, 16), dt.date(2026, 11, 22))
    assert (len(week.opened), week.closed, week.standing) == (1, (), ()) and task_store.standing(file) == ()
    assert [one.id for one in task_store.for_week(file, dt.date(2026, 11, 9), dt.date(2026, 11, 17)).standing] == [
        number
    ]
    assert needs.supervised([task], dt.date(2026, 11, 30)) == []
    with pytest.raises(UsageError, match="责任人有 41 字"):
        task_store.make(file, LEADER, "事", "科", dt.date(2099, 1, 1), ONLINE, person="王" * 41)


def test_only_a_leader_closes_and_nobody_else_makes(file: Path) -> None:
    number = task_store.make(file, CLERK, "事", "科", dt.date(2099, 1, 1), ONLINE)
    with pytest.raises(Refused):
        task_store.step(file, CLERK, number, "close", "好")
    for role in ("admin", "auditor", "screen"):
        with pytest.raises(Refused):
            task_store.make(file, Viewer("person", "x", role, scope=Scope.ALL), "事", "科", dt.date(2099, 1, 1), ONLINE)
    with pytest.raises(Refused):
        task_store.make(
            file, Viewer("device", "screen:1", "leader", scope=Scope.ALL), "事", "科", dt.date(2099, 1, 1), ONLINE
        )


@pytest.mark.parametrize("what", ["", "  \n ", "长" * 201])
def test_words_are_neither_empty_nor_longer_than_they_may_be(file: Path, what: str) -> None:
    with pytest.raises(UsageError):
        task_store.make(file, LEADER, what, "科", dt.date(2099, 1, 1), ONLINE)
    assert task_store.every(file) == []


def test_a_week_is_told_from_the_history_and_stays_the_same(file: Path) -> None:
    old = task_store.make(file, LEADER, "上周的", "科", dt.date(2026, 11, 18), ONLINE, at=on(10))
    new = task_store.make(file, LEADER, "本周的", "科", dt.date(2026, 11, 30), RECORD, at=on(17))
    done = task_store.make(file, LEADER, "办完的", "科", dt.date(2026, 11, 19), ONLINE, at=on(16, 0))
    task_store.step(file, LEADER, done, "close", "好", at=on(22, 23))
    task_store.step(file, LEADER, old, "close", "好", at=on(23, 0))
    task_store.make(file, LEADER, "下周的", "科", dt.date(2026, 11, 30), ONLINE, at=on(23, 0))
    week = task_store.for_week(file, dt.date(2026, 11, 16), dt.date(2026, 11, 22))
    assert {task.id for task in week.opened} == {new, done} and [task.id for task in week.closed] == [done]
    assert {task.id for task in week.standing} == {old, new} and [task.id for task in week.overdue] == [old]
    following = task_store.for_week(file, dt.date(2026, 11, 23), dt.date(2026, 11, 29))
    assert [task.id for task in following.closed] == [old]
    assert task_store.for_week(file, dt.date(2026, 11, 2), dt.date(2026, 11, 8)) == task_store.Week((), (), (), ())


def test_a_wall_tells_counts_and_offices_never_words_names_or_plates(file: Path) -> None:
    today = dt.date(2026, 11, 25)
    assert needs.supervised([], today) == []
    task_store.make(file, LEADER, "请张三丰处理", "安全监督科", dt.date(2026, 11, 20), RECORD, at=on(16))
    task_store.make(file, LEADER, "甲", "运输管理科", dt.date(2026, 11, 22), ONLINE, at=on(16))
    task_store.make(file, LEADER, "乙", "运输管理科", dt.date(2026, 11, 25), ONLINE, at=on(16))
    [need] = needs.supervised(task_store.every(file), today)
    assert need.tone == "bad" and need.text == "督办在办 3 件，逾期 2 件，最久车辆一件（安全监督科）5 天"
    assert not any(word in need.text for word in ("张三丰", "浙A", "wang", "甲"))


def test_from_a_metric_page_to_a_badge_and_to_the_wall(
    server: Flask, as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    leader = as_role("leader")
    assert "交办督办任务" in said(leader, "/metric/fleet_online_rate")
    assert ask(leader, "/supervision/open", form(server)).status_code == 303
    task = task_store.every(Settings(data).state)[0]
    generation = server.config["ZHENGBEI_LIBRARY"].current(Scope.ALL).generation.id
    assert (
        task.subject.key == "fleet_online_rate"
        and task.subject.period == "2026-W47"
        and task.subject.generation == generation
    )
    assert task.subject.href == f"/metric/fleet_online_rate?window=week&at=2026-W47&as_of={generation}"
    for page in ("/", "/metric/fleet_online_rate", "/group/fleet"):
        assert "督办中" in said(leader, page), page
    listed = said(leader, "/supervision")
    assert "一周内查清离线原因" in listed and "张** 交办" in listed and "（张工）" in listed
    assert ask(as_role("analyst"), f"/supervision/{task.id}/withdraw", {"words": "不办了"}).status_code == 403
    assert ask(leader, f"/supervision/{task.id}/take", {"next": "/supervision"}).status_code == 303
    scenes = leader.get("/wall/hall/scenes").get_json()["scenes"]
    assert "督办在办 1 件" in scenes["programmes"]["needs"] and "督办" not in scenes["overview"]["needs"]
    assert ask(leader, f"/supervision/{task.id}/close", {"words": "已恢复"}).status_code == 303
    assert "督办在办" not in leader.get("/wall/hall/scenes").get_json()["scenes"]["programmes"]["needs"]
    assert "督办中 · " not in said(leader, "/") and "已恢复" in said(leader, "/supervision", "?only=state:closed")


def test_filters_and_order_of_the_page(server: Flask, as_role: Callable[[str], FlaskClient], data: Path) -> None:
    leader, file = as_role("leader"), Settings(data).state
    task_store.make(file, LEADER, "过期的", "安全监督科", dt.date(2026, 11, 20), ONLINE, at=on(16))
    task_store.make(file, LEADER, "不急的", "运输管理科", dt.date(2099, 1, 1), ONLINE, at=on(17))
    late = said(leader, "/supervision", "?only=state:overdue")
    assert "过期的" in late and "不急的" not in late
    office = said(leader, "/supervision", "?only=office:运输管理科")
    assert "不急的" in office and "过期的" not in office
    both = said(leader, "/supervision", "?sort=-made")
    assert both.index("不急的") < both.index("过期的")


def test_roles_hold_on_the_server_and_refusals_are_logged(
    server: Flask, as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    leader, analyst, auditor = as_role("leader"), as_role("analyst"), as_role("auditor")
    assert ask(auditor, "/supervision/open", form(server)).status_code == 403
    assert ask(analyst, "/supervision/open", form(server)).status_code == 303
    assert ask(analyst, "/supervision/1/close", {"words": "好"}).status_code == 403
    assert ask(auditor, "/supervision/1/note", {"words": "好"}).status_code == 403
    assert "交办督办任务" not in said(auditor, "/metric/fleet_online_rate")
    assert ask(leader, "/supervision/1/close", {"words": "好"}).status_code == 303
    with app_db.reading(Settings(data).state) as connection:
        denied = [
            (row["who"], row["subject"])
            for row in connection.execute("SELECT who, subject FROM audit WHERE event = 'denied' ORDER BY seq")
        ]
    assert denied == [
        ("user-auditor", "/supervision/open"),
        ("user-analyst", "/supervision/1/close"),
        ("user-auditor", "/supervision/1/note"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "/metric/no_such"},
        {"subject": "/company/X/driver/000000000000000000"},
        {"subject": "/alarm/none"},
        {"subject": "//evil.example/"},
        {"subject": "/metric/fleet_online_rate?as_of=../../etc"},
        {"office": "不存在的科室"},
        {"due": "31/1"},
        {"due": "2020-01-01"},
        {"what": ""},
        {"what": "长" * 201},
    ],
)
def test_a_form_that_is_not_ours_makes_no_task(
    server: Flask, as_role: Callable[[str], FlaskClient], data: Path, changes: dict[str, str]
) -> None:
    assert ask(as_role("leader"), "/supervision/open", form(server, **changes)).status_code in (400, 404, 503)
    assert task_store.every(Settings(data).state) == []


def test_from_another_site_nothing_is_made_and_the_way_back_stays_here(
    server: Flask, as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    leader = as_role("leader")
    assert ask(leader, "/supervision/open", form(server), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert task_store.every(Settings(data).state) == []
    assert ask(leader, "/supervision/open", form(server, next="https://evil.example/")).headers["Location"] == "/"
    assert (
        ask(leader, "/supervision/99/take", {}).status_code == 404
        and ask(leader, "/supervision/1/destroy", {}).status_code == 404
    )


def test_a_task_is_late_from_the_day_after_its_date_and_only_while_it_stands(file: Path) -> None:
    due = dt.date(2026, 11, 20)
    first = task_store.make(file, LEADER, "甲", "科", due, ONLINE, at=on(20, 23))
    second = task_store.make(file, LEADER, "乙", "科", due, RECORD, at=on(20, 23))
    third = task_store.make(file, LEADER, "丙", "科", dt.date(2026, 11, 21), ONLINE, at=on(20))
    tasks = task_store.every(file)
    assert [one.id for one in tasks] == [third, second, first]
    late = [task_store.overdue(tasks, dt.date(2026, 11, day)) for day in (20, 21, 22)]
    assert [[one.id for one in each] for each in late] == [[], [first, second], [first, second, third]]
    assert late[2][0].late(dt.date(2026, 11, 22)) == 2
    task_store.step(file, LEADER, first, "close", "好", at=on(23))
    task_store.step(file, LEADER, second, "withdraw", "错", at=on(23))
    found = {one.id: one for one in task_store.every(file)}
    assert [found[number].late(dt.date(2026, 11, 30)) for number in (first, second, third)] == [0, 0, 9]
    assert [found[number].is_closed for number in (first, second)] == [True, False]
    assert [one.id for one in task_store.standing(file)] == [third]
    task_store.step(file, LEADER, first, "reopen", "再办", at=on(24))
    again = task_store.find(file, first)
    assert again and again.state == "open" and again.late(dt.date(2026, 11, 30)) == 10
    assert [task_store.about_what(found[number]) for number in (first, second)] == ["车辆上线率", "车辆一件"]
    assert task_store.find(file, 99) is None


def test_a_task_is_found_by_what_it_is_about_and_where(file: Path) -> None:
    number = task_store.make(file, LEADER, "甲", "科", dt.date(2026, 11, 30), ONLINE, at=on(20))
    for place, found in ((None, [number]), ("330110", [number]), ("330110012", [])):
        assert [one.id for one in task_store.about(file, ONLINE.key, place)] == found
    assert task_store.about(file, RECORD.key) == [] and ONLINE.is_metric and not RECORD.is_metric


def test_a_due_date_is_today_at_the_earliest_and_words_have_an_end(file: Path) -> None:
    def make(**rest: Any) -> int:
        words = {"what": "甲", "due": dt.date(2026, 11, 20), "person": "", **rest}
        return task_store.make(
            file, LEADER, words["what"], "科", words["due"], ONLINE, person=words["person"], at=on(20, 23)
        )

    assert make() and make(what="字" * task_store.LONGEST) and make(person="张" * task_store.LONGEST_PERSON)
    for odd in (
        {"due": dt.date(2026, 11, 19)},
        {"what": "字" * (task_store.LONGEST + 1)},
        {"person": "张" * (task_store.LONGEST_PERSON + 1)},
    ):
        with pytest.raises(UsageError):
            make(**odd)


def test_the_steps_of_a_week_count_by_its_days(file: Path) -> None:
    start, end = dt.date(2026, 11, 16), dt.date(2026, 11, 22)
    one = task_store.make(file, LEADER, "甲", "科", dt.date(2026, 11, 30), ONLINE, at=on(9))
    task_store.step(file, LEADER, one, "close", "好", at=on(15, 23))
    two = task_store.make(file, LEADER, "乙", "科", dt.date(2026, 11, 30), ONLINE, at=on(9))
    task_store.step(file, LEADER, two, "close", "好", at=on(16, 0))
    task_store.step(file, LEADER, two, "reopen", "再", at=on(17))
    three = task_store.make(file, LEADER, "丙", "科", dt.date(2026, 11, 30), ONLINE, at=on(9))
    task_store.step(file, LEADER, three, "close", "好", at=on(16, 0))
    four = task_store.make(file, LEADER, "丁", "科", dt.date(2026, 11, 30), ONLINE, at=on(15, 23))
    week = task_store.for_week(file, start, end)
    assert week.opened == () and [task.id for task in week.closed] == [three]
    assert [task.id for task in week.standing] == [four, two] and week.overdue == ()
    assert task_store.as_of(task_store.every(file)[0], dt.date(2026, 11, 14)) is None


def test_a_task_is_seen_by_who_sees_what_it_is_about(server: Flask) -> None:
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    whole = library.current(Scope.ALL)
    company, town = whole.places("company")[0], whole.places("town")[0]
    book = library.current(Scope((), (company.code,)))

    def sees(key: str, place: str = "", *, of: Any = book) -> bool:
        subject = Subject(key, "", "", "", place)
        return task_routes.is_within(of, task_store.Task(1, "", "", dt.date(2026, 11, 22), subject, ()))

    assert sees("fleet_online_rate", company.code) and sees(f"/company/{company.code}")
    assert not sees("fleet_online_rate", town.code) and not sees("fleet_online_rate", "330110")
    assert not sees("fleet_online_rate", "no-such") and not sees("/company/no-such")
    other = next(one for one in whole.places("company") if one.code != company.code)
    assert not sees(f"/company/{other.code}")
    assert sees("fleet_online_rate", "no-such", of=whole) and sees("/company/no-such", of=whole)


def test_offices_stand_by_the_number_of_their_metrics(server: Flask) -> None:
    library: SnapshotStore = server.config["ZHENGBEI_LIBRARY"]
    book = library.current(Scope.ALL)
    owners = [metric.owner for metric in book.metrics.values()]
    found = task_routes.offices(book)
    assert set(found) == set(owners) and len(found) == len(set(found))
    counts = [owners.count(name) for name in found]
    assert counts == sorted(counts, reverse=True)
