"""Before the first start of a new release: what it will do is said, nothing is written, and then it does just that."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from cockpit.store import app_db
from warehouse.cli import upgrade
from warehouse.cli.commands import upgrade as command
from warehouse.core import data_format
from warehouse.core.settings import RELEASE, ROOT, Settings
from warehouse.publish import recover, snapshot

CHANGES = """# 变更记录

## 0.3.0

升级时要做

- 丙

增加

- 新东西

## 0.2.0

升级时要做

- 甲：`x`
- 乙

## 0.1.0

升级时要做

- 旧的
"""


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(file.relative_to(folder)): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def old(tmp_path: Path) -> Settings:
    """A folder as the release before left it: without a number, a copy without its positions, a state file that lacks a
    table and a column, one published generation."""
    settings = Settings(tmp_path / "data")
    recover.open_warehouse(settings)[0].close()
    (settings.data / "format").unlink()
    settings.backup.mkdir()
    (settings.backup / "warehouse.duckdb").write_bytes(b"a copy without its positions")
    with app_db.writing(settings.state) as connection:
        connection.execute("INSERT INTO users VALUES ('li', 'x', 'leader', '李', 1, 1, 0, '', '', NULL, 1)")
    with closing(sqlite3.connect(settings.state)) as connection:
        connection.executescript(
            "DROP TABLE api_token; ALTER TABLE sessions DROP COLUMN sign_on; PRAGMA journal_mode=DELETE"
        )
    app_db._ready.clear()
    settings.published.mkdir(exist_ok=True)
    note = '{"generation": "20261123T140500", "release": "0.1.0+abcdef12"}'
    for name in ("20261123T140500.json", snapshot.POINTER):
        (settings.published / name).write_text(note)
    (settings.published / "20261123T140500.duckdb").write_bytes(b"x" * 4096)
    return settings


def test_what_will_be_done_is_said_without_a_byte_written_and_then_done(old: Settings) -> None:
    before = fingerprint(old.data)
    done = CliRunner().invoke(command, ["--check", "--data", str(old.data)])
    assert done.exit_code == 0, done.output
    assert fingerprint(old.data) == before, "not even a journal"
    assert "格式 1，最近由 0.1.0 发布" in done.output and f"本程序：{RELEASE}" in done.output
    for words in (
        "格式 2：移开不带定位文件的旧备份副本",
        "格式 3：快照只存变化的部分",
        "新增 1 张表（api_token）",
        "补 1 列（sessions.sign_on）",
        "重新计算",
    ):
        assert words in done.output, words
    assert "✓ 磁盘" in done.output and "升级之前先备份" in done.output
    assert "0.2.0：账号：" in done.output, "the real change log says what is asked for"

    writer, notes = recover.open_warehouse(old)
    writer.close()
    assert len(notes) == 2 and data_format.number(old.data) == data_format.FORMAT
    with app_db.reading(old.state) as connection:
        assert [row["name"] for row in connection.execute("SELECT name FROM users")] == ["li"], "nobody was lost"
    found = upgrade.plan(old)
    assert (found.current, found.steps) == (data_format.FORMAT, ["按新的口径重新计算并发布一次快照"])


def test_a_running_release_is_not_disturbed(old: Settings) -> None:
    app_db._prepare(old.state)
    with app_db.reading(old.state) as held:
        held.execute("SELECT 1")
        assert upgrade.plan(old).steps[-1] == "按新的口径重新计算并发布一次快照"
        assert app_db.upgrades(old) == []


def test_what_is_duties_is_of_the_versions_between() -> None:
    assert upgrade.duties(CHANGES, "0.1.0", "0.2.0") == ["0.2.0：甲：`x`", "0.2.0：乙"]
    assert upgrade.duties(CHANGES, "0.1.0", "0.3.0")[-1] == "0.3.0：丙"
    assert upgrade.duties(CHANGES, "0.3.0", "0.3.0") == []
    assert upgrade.duties(CHANGES, "", "0.1.0") == ["0.1.0：旧的"]
    assert all(upgrade.duties((ROOT.parent / "CHANGELOG.md").read_text("utf-8"), "", "0.2.0"))


def test_too_little_room_and_an_empty_folder_are_said(
    old: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "SPARE_BYTES", 1 << 60)
    done = CliRunner().invoke(command, ["--check", "--data", str(old.data)])
    assert done.exit_code == 1 and "✗ 磁盘" in done.output and "请先腾出空间" in done.output
    done = CliRunner().invoke(command, ["--check", "--data", str(tmp_path / "none")])
    assert done.exit_code == 0 and "数据文件夹是空的" in done.output and not (tmp_path / "none").exists()
