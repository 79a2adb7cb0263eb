"""数据健康 says when the jobs ran last and when somebody must see to the backup."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g

from cockpit.identity.sessions import Viewer
from cockpit.web import app, page_callback
from tests.cockpit.pages.test_pages import words
from warehouse.core import backup_report, request_queue, units
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope

ADMIN = Viewer("person", "wu", "admin", "", "吴**", scope=Scope.ALL)
LEADER = Viewer("person", "zhang", "leader", "", "张**", scope=Scope.ALL)


@pytest.fixture
def data(pictured: Path) -> Path:
    (pictured / "zhengbei.toml").write_text(
        '[backup]\nto = ["/mnt/backup"]\nkey = "/etc/zhengbei/backup.key"\n', "utf-8"
    )
    return pictured


@pytest.fixture
def server(data: Path) -> Flask:
    return app.create_app(Settings.at(data))


def drawn(server: Flask, viewer: Viewer) -> str:
    with server.test_request_context("/"):
        g.viewer = viewer
        page: Any = page_callback.draw(server.config["ZHENGBEI_LIBRARY"], "/health", "")[0]
        return words(page)


def test_the_line_of_the_backup_is_there_until_backup_and_drill_are_good(server: Flask, data: Path) -> None:
    settings, now = Settings.at(data), units.now()
    assert "! 还没有成功的备份" in drawn(server, LEADER)
    report = backup_report.BackupReport(taken_at=now, proven_at=now - dt.timedelta(days=3), files=7)
    backup_report.write(settings, report)
    assert "! 最近一次成功的恢复演练已是 3 天前" in drawn(server, LEADER)
    report.proven_at = now
    backup_report.write(settings, report)
    text = drawn(server, LEADER)
    assert "演练恢复无误" in text and "备份 7 个文件" in text and "! 最近" not in text


def test_the_last_run_of_every_job_is_for_those_who_look_after_the_loader(server: Flask, data: Path) -> None:
    state = Settings.at(data).state
    at = dt.datetime(2026, 11, 23, 3, 30, tzinfo=units.SHANGHAI).timestamp()
    request_queue.book(state, "backup", at, at + 5, "partial", 0, "备份位置的磁盘满了")
    request_queue.book(state, "refresh", at, at + 5, "partial", 0, "很早的一次")
    request_queue.book(state, "refresh", at + 300, at + 305, "ok", 0, "")
    text = drawn(server, ADMIN)
    assert "备份与恢复演练" in text and "备份位置的磁盘满了" in text and "11-23 03:30" in text
    assert "很早的一次" not in text and text.index("刷新") < text.index("备份与恢复演练")
    assert "磁盘满了" not in drawn(server, LEADER)
