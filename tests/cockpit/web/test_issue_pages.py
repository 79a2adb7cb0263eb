"""/issues: what each role sees and may do, through the real forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.report import archive, release, signing
from cockpit.store import app_db
from tests.cockpit.report.test_archive import PDF, facts
from tests.cockpit.signing_in import SAME_ORIGIN, sign_in
from warehouse.core import request_queue
from warehouse.core.settings import Settings

FORM = {**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}
REPORT = "2026-W47-g2"


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def put(data: Path, tmp_path: Path) -> Callable[..., archive.Facts]:
    def put_(generation: str = "g2", **more: Any) -> archive.Facts:
        settings, made = Settings(data), tmp_path / "report.pdf"
        settings.reports.mkdir(exist_ok=True)
        made.write_bytes(PDF)
        told = {**facts("2026-W47", generation, cars=10), "stage": "review", "issue": "", **more}
        return archive.keep(settings, made, told, by="schedule")

    return put_


@pytest.fixture
def signed_in(server: Flask, data: Path) -> Callable[[str, str], FlaskClient]:
    return lambda role, name: sign_in(server.test_client(), data, role, name)


def page(client: FlaskClient) -> str:
    return client.get("/issues").get_data(as_text=True)


def test_three_people_bring_a_report_to_its_signature(
    data: Path, put: Callable[..., archive.Facts], signed_in: Callable[[str, str], FlaskClient]
) -> None:
    put()
    li, zhao, wang = signed_in("analyst", "li"), signed_in("analyst", "zhao"), signed_in("leader", "wang")
    assert "送审稿" in page(li) and f"/issues/{REPORT}/edit" in page(li) and f"/issues/{REPORT}/sign" not in page(wang)
    words = {"note": "请落实<b>", "report_to": "局领导", "send_to": "", "issue_to": "各镇街", "copies": "30"}
    assert li.post(f"/issues/{REPORT}/edit", data=words, headers=FORM).status_code == 303
    shown = page(li)
    assert "请落实&lt;b&gt;" in shown and "共印 30 份" in shown and "自己编辑过的，请由另一人审核" in shown
    assert (
        f"/issues/{REPORT}/review" not in shown and li.post(f"/issues/{REPORT}/review", headers=FORM).status_code == 400
    )
    assert zhao.post(f"/issues/{REPORT}/review", headers=FORM).status_code == 303
    assert wang.post(f"/issues/{REPORT}/sign", headers=FORM).status_code == 303
    shown = page(wang)
    assert "已签发" in shown and "第1期（总第1期）" in shown and "签发版由装载进程打印" in shown
    assert len(request_queue.newest(Settings(data).state)) == 1
    request = request_queue.claim(Settings(data).state, 1.0)
    assert request is not None
    request_queue.finish(Settings(data).state, request.id, "磁盘已满", 2.0, failed=True, code=74)
    assert "签发版没有印成：磁盘已满" in page(wang) and f"report issue {REPORT}" in page(wang)
    put(f"g2{release.SIGNED}", stage="signed", issue="第1期（总第1期）")
    assert f"/reports/{REPORT}{release.SIGNED}.pdf" in page(wang)
    assert "第1期（总第1期）" in wang.get("/reports").get_data(as_text=True)


def test_who_may_not_is_refused_and_written_down(
    data: Path, put: Callable[..., archive.Facts], signed_in: Callable[[str, str], FlaskClient]
) -> None:
    put()
    duty, li = signed_in("duty", "chen"), signed_in("analyst", "li")
    assert duty.get("/issues").status_code == 403 and "/issues" not in duty.get("/reports").get_data(as_text=True)
    assert li.post(f"/issues/{REPORT}/sign", headers=FORM).status_code == 403
    assert li.post(f"/issues/{REPORT}/burn", headers=FORM).status_code == 404
    assert li.post("/issues/2026-W47-none/edit", headers=FORM).status_code in (404, 503)
    answer = li.post(f"/issues/{REPORT}/edit", data={"copies": "-3"}, headers=FORM)
    assert answer.status_code == 400 and "份数不是整数" in answer.get_data(as_text=True)
    with app_db.reading(Settings(data).state) as connection:
        assert connection.execute("SELECT count(*) FROM audit WHERE event = 'denied' AND who = 'li'").fetchone()[0] == 1
    assert signing.one(Settings(data), REPORT).steps == ()


def test_a_draft_says_what_it_waits_for(
    put: Callable[..., archive.Facts], signed_in: Callable[[str, str], FlaskClient]
) -> None:
    put(draft=True, missing=["动态监控：数据只到 11-20"])
    shown = page(signed_in("analyst", "li"))
    assert "草稿，缺 1 项" in shown and f"/issues/{REPORT}/" not in shown
