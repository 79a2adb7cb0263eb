"""The auditor's page: only his, searched and taken away, and it says whether the log is whole."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from cockpit.pages import audit as page
from cockpit.presentation import texts
from cockpit.store import app_db, audit, audit_anchor
from tests.cockpit.signing_in import said
from warehouse.core.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


@pytest.fixture
def logged(data: Path) -> Settings:
    settings = Settings(data)
    with app_db.writing(settings.state) as connection:
        for number in range(60):
            audit.append(
                connection,
                "exported",
                who="wang" if number % 2 else "li",
                ip="10.0.0.1",
                subject=f"/metric/m{number}",
                purpose="核对" if number == 7 else "",
                now=1_790_000_000.0 + number * 86_400,
            )
        audit.append(connection, "denied", who="=cmd()", subject="/screens", result=audit.REFUSED, now=1_791_000_000.0)
    return settings


@pytest.mark.parametrize("role", ["leader", "analyst", "admin"])
def test_the_log_is_the_auditors_alone(as_role: Callable[[str], FlaskClient], logged: Settings, role: str) -> None:
    client = as_role(role)
    refused = said(client, "/audit")
    assert "没有权限" in refused and "核对完整”只对审计开放" in refused and client.get("/audit").status_code == 403
    assert client.get("/audit/export.csv").status_code == 403
    assert "/audit" not in client.get("/").text


def test_the_auditor_finds_by_actor_action_subject_and_time(
    as_role: Callable[[str], FlaskClient], logged: Settings
) -> None:
    client = as_role("auditor")

    def count(query: str) -> int:
        text = client.get(f"/audit?{query}").text
        return int(re.search(r"共 ([\d,]+) 条", text)[1].replace(",", ""))  # type: ignore[index]

    assert 'href="/audit"' in client.get("/").text
    assert count("who=WANG") == 30 and count("who=nobody") == 0
    assert count("event=denied") == 1 and count("event=exported&who=li") == 30
    assert count("about=/metric/m5") == 11 and count("about=核对") == 1
    assert count("event=exported&since=2026-09-22&until=2026-09-23") == 2
    assert client.get("/audit?since=2026-02-31").status_code == 400
    first, second = (client.get(f"/audit?event=exported&page={number}").text for number in (1, 2))
    assert "/metric/m59" in first and "/metric/m59" not in second and "/metric/m0<" in second
    assert 'value="exported" ' in first or "selected" in first


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_found_leaves_as_a_file_and_that_is_an_entry(
    as_role: Callable[[str], FlaskClient], logged: Settings, kind: str
) -> None:
    client = as_role("auditor")
    answer = client.get(f"/audit/export.{kind}?event=denied")
    assert answer.status_code == 200
    if kind == "csv":
        lines = answer.get_data().decode("utf-8-sig").splitlines()
        assert lines[0] == ",".join(page.HEADS) and len(lines) == 2 and "'=cmd()" in lines[1]
    else:
        rows = list(load_workbook(io.BytesIO(answer.get_data())).active.iter_rows(values_only=True))
        assert rows[0] == page.HEADS and rows[1][2] == "=cmd()" and rows[1][7] == "拒绝"
    with app_db.reading(logged.state) as connection:
        last = connection.execute("SELECT who, event, subject, detail FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    assert tuple(last) == ("user-auditor", "exported", "/audit?event=denied", f"{kind} 1 条")
    assert client.get("/audit/export.exe").status_code == 404


def test_the_page_says_whether_the_log_is_whole(as_role: Callable[[str], FlaskClient], logged: Settings) -> None:
    client = as_role("auditor")
    assert "还没有核对过" in client.get("/audit").text
    audit_anchor.make(logged)
    audit_anchor.check(logged)
    assert "与锚一致，没有改动" in client.get("/audit").text
    with sqlite3.connect(logged.state) as connection:
        connection.executescript("DROP TRIGGER audit_kept; UPDATE audit SET who='nobody' WHERE seq=3")
    audit_anchor.check(logged)
    text = client.get("/audit").text
    assert "处不符" in text and "第 3 条被改动过" in text


def test_every_event_has_its_words() -> None:
    code = "".join(file.read_text() for file in (ROOT / "cockpit").rglob("*.py"))
    events = set(re.findall(r'(?:append|record)\(\s*[\w.]+,\s*"([a-z_]+)"', code))
    assert events and events <= set(texts.EVENTS), events - set(texts.EVENTS)
