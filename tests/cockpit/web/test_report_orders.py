"""/reports: what each person may print, see and send, through the real forms; who sees some places only gets theirs."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.identity import accounts
from cockpit.report import archive, delivery
from cockpit.store import app_db
from tests.cockpit.report.test_archive import PDF, facts
from tests.cockpit.signing_in import PASSWORD, SAME_ORIGIN, sign_in
from warehouse.core import request_queue
from warehouse.core.settings import Settings

FORM = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}
TOWN, OTHER = "330110010", "330110012"
RECEIVERS = """
[mail]
host = "127.0.0.1"
sender = "cockpit@example"
[[to]]
name = "值班"
kind = "mail"
address = "duty@example"
duty = true
[[to]]
name = "良渚"
kind = "mail"
address = "lz@example"
sheet = "良渚街道"
[[to]]
name = "王"
kind = "mail"
address = "wang@example"
account = "wang"
regular = false
"""


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def signed_in(server: Flask, data: Path) -> Callable[..., FlaskClient]:
    def made(role: str, name: str, towns: tuple[str, ...] = ()) -> FlaskClient:
        if towns:
            accounts.add(Settings(data).state, name, PASSWORD, role, "李**", by="sun")
            accounts.set_scope(Settings(data).state, name, towns, (), by="sun")
        return sign_in(server.test_client(), data, role, name)

    return made


@pytest.fixture
def sheet(data: Path, tmp_path: Path) -> Callable[..., archive.Facts]:
    def put(code: str, label: str, *, draft: bool = False, by: str = "schedule") -> archive.Facts:
        settings, made = Settings(data), tmp_path / "sheet.pdf"
        settings.reports.mkdir(exist_ok=True)
        made.write_bytes(PDF)
        name = f"2026-W47-g2-town{code}"
        subject = {"kind": "town", "code": code, "label": label}
        stated = {**facts("2026-W47", "g2", cars=10), "name": name, "subject": subject, "draft": draft, "pages": 1}
        return archive.keep(settings, made, stated, by=by)

    return put


@pytest.fixture
def receivers(data: Path) -> None:
    file = data / "delivery.toml"
    file.touch(0o600)
    file.write_text(RECEIVERS, "utf-8")


def page(client: FlaskClient, query: str = "") -> str:
    return client.get(f"/reports{query}").get_data(as_text=True)


def asked_for(data: Path) -> list[tuple[str, Any, str]]:
    return [(one.kind, one.details, one.who) for one in request_queue.newest(Settings(data).state)]


def audited(data: Path, event: str) -> list[sqlite3.Row]:
    with app_db.reading(Settings(data).state) as connection:
        return connection.execute("SELECT who, subject FROM audit WHERE event = ? ORDER BY seq", (event,)).fetchall()


@pytest.mark.parametrize(
    ("form", "details"),
    [
        ({"whom": "良渚街道", "span": "2026-W47"}, {"at": "2026-W47", "whom": TOWN}),
        ({"whom": TOWN, "span": "other", "at": "2026-10"}, {"at": "2026-10", "whom": TOWN}),
        (
            {"whom": "全区", "span": "range", "since": "2026-01-01", "until": "2026-10-31"},
            {"at": "2026-01-01_2026-10-31", "whom": "330110"},
        ),
        ({"whom": "全区", "span": "2026-Q3"}, {"at": "2026-Q3"}),
    ],
)
def test_a_leader_prints_for_any_place_and_any_days(
    data: Path, signed_in: Callable[..., FlaskClient], form: dict[str, str], details: dict[str, str]
) -> None:
    wang = signed_in("leader", "wang")
    answer = wang.post("/reports/order", data=form, headers=FORM)
    assert answer.status_code == 303
    assert asked_for(data) == [("report", details, "wang")]
    shown = page(wang, answer.location.removeprefix("/reports"))
    assert "等待，已" in shown and 'http-equiv="refresh"' in shown


def test_the_page_says_how_an_order_ended_and_leads_to_the_paper(
    data: Path, signed_in: Callable[..., FlaskClient], sheet: Callable[..., archive.Facts]
) -> None:
    wang, state = signed_in("leader", "wang"), Settings(data).state
    for failed in (True, False):
        wang.post("/reports/order", data={"whom": TOWN, "span": "2026-W47"}, headers=FORM)
        request = request_queue.claim(state, 1.0)
        assert request is not None
        sheet(TOWN, "良渚街道")
        request_queue.finish(state, request.id, "磁盘已满" if failed else "单页已打印", 2.0, failed=failed)
        shown = page(wang, f"?n={request.id}")
        assert 'http-equiv="refresh"' not in shown
        assert ("没有印成：磁盘已满" in shown) is failed and ("已印好" in shown) is not failed
    assert "已印好" not in page(signed_in("analyst", "li"), f"?n={request.id}"), "an order is its own person's"
    answer = wang.get(f"/reports/sheet/2026-W47-g2-town{TOWN}.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "%E8%89%AF%E6%B8%9A" in answer.headers["Content-Disposition"]


def test_who_sees_a_town_prints_sees_and_sends_its_sheets_only(
    data: Path, signed_in: Callable[..., FlaskClient], sheet: Callable[..., archive.Facts]
) -> None:
    ours, theirs = sheet(TOWN, "良渚街道"), sheet(OTHER, "仓前街道")
    client = signed_in("leader", "narrow", (TOWN,))
    shown = page(client)
    assert "良渚街道" in shown and "仓前" not in shown and "已归档的报告" not in shown and "安全监督科" not in shown
    assert client.get(f"/reports/sheet/{ours['name']}.pdf").status_code == 200
    for path in (f"sheet/{theirs['name']}.pdf", f"{theirs['name']}.pdf", "sheet/2026-W47-g9-town330110010.pdf"):
        assert client.get(f"/reports/{path}").status_code in (403, 404), path
    assert client.post(f"/reports/{theirs['name']}/to-me", headers=FORM).status_code == 404
    assert client.post(f"/reports/{ours['name']}/resend", headers=FORM).status_code == 403
    for whom in ("仓前街道", OTHER, "全区", "安全监督科", ""):
        answer = client.post("/reports/order", data={"whom": whom, "span": "2026-W47"}, headers=FORM)
        assert answer.status_code == 400 and "没有这个镇街" in answer.get_data(as_text=True), whom
    assert client.post("/reports/order", data={"whom": TOWN, "span": "2026-W47"}, headers=FORM).status_code == 303
    assert [details for _, details, _ in asked_for(data)] == [{"at": "2026-W47", "whom": TOWN}]


def test_the_whole_report_is_ordered_by_those_who_may_and_no_administrator_prints(
    data: Path, signed_in: Callable[..., FlaskClient]
) -> None:
    duty, admin = signed_in("duty", "chen"), signed_in("admin", "root")
    assert duty.post("/reports/order", data={"whom": "全区", "span": "2026-Q3"}, headers=FORM).status_code == 403
    assert duty.post("/reports/order", data={"whom": "良渚街道", "span": "2026-Q3"}, headers=FORM).status_code == 303
    assert admin.post("/reports/order", data={"whom": "良渚街道", "span": "2026-Q3"}, headers=FORM).status_code == 403
    assert "/reports/order" not in page(admin) and "/reports/order" in page(duty)
    for span in ({"span": "2026-W60"}, {"span": "range", "since": "2026-01-01"}, {"span": "other"}, {"span": "nope"}):
        answer = duty.post("/reports/order", data={"whom": "良渚街道", **span}, headers=FORM)
        assert answer.status_code == 400 and "请" in answer.get_data(as_text=True), span
    assert len(asked_for(data)) == 1 and len(audited(data, "denied")) >= 2


def test_a_paper_is_sent_to_me_as_often_as_i_ask_and_written_down(
    data: Path, signed_in: Callable[..., FlaskClient], sheet: Callable[..., archive.Facts], receivers: None
) -> None:
    name, settings = sheet(TOWN, "良渚街道")["name"], Settings(data)
    wang = signed_in("leader", "wang")
    assert f"/reports/{name}/to-me" in page(wang)
    for _ in range(2):
        assert wang.post(f"/reports/{name}/to-me", headers=FORM).status_code == 303
        assert [(row["receiver"], row["state"]) for row in delivery.ledger(settings)] == [("王", "waiting")]
    assert asked_for(data) == [("send", {"report": name}, "wang")] * 2
    assert [tuple(row) for row in audited(data, "delivery_ordered")] == [("wang", f"{name} 王")] * 2
    assert "王 待发" in page(wang)


def test_who_has_no_address_reads_one_sentence_about_it(
    signed_in: Callable[..., FlaskClient], sheet: Callable[..., archive.Facts], receivers: None
) -> None:
    name = sheet(TOWN, "良渚街道")["name"]
    li = signed_in("analyst", "li")
    assert "/to-me" not in page(li) and "没有登记您的收件地址" in page(li)
    answer = li.post(f"/reports/{name}/to-me", headers=FORM)
    assert answer.status_code == 400 and "没有登记您的收件地址" in answer.get_data(as_text=True)


def test_a_paper_is_sent_again_to_those_who_get_it(
    data: Path, signed_in: Callable[..., FlaskClient], sheet: Callable[..., archive.Facts], receivers: None
) -> None:
    name, settings = sheet(TOWN, "良渚街道")["name"], Settings(data)
    other = sheet(OTHER, "仓前街道")["name"]
    li, duty = signed_in("analyst", "li"), signed_in("duty", "chen")
    assert "确认重发给良渚" in page(li) and f"/reports/{other}/resend" not in page(li)
    assert "/resend" not in page(duty) and duty.post(f"/reports/{name}/resend", headers=FORM).status_code == 403
    assert li.post(f"/reports/{name}/resend", headers=FORM).status_code == 303
    assert [(row["report"], row["receiver"]) for row in delivery.ledger(settings)] == [(name, "良渚")]
    answer = li.post(f"/reports/{other}/resend", headers=FORM)
    assert answer.status_code == 400 and "没有收件方" in answer.get_data(as_text=True)
    assert hashlib.sha256(PDF).hexdigest()[:12] in page(li)
