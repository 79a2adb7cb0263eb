"""Nothing that a source has stays out in silence: a file in another place or format is named, a row that does not say
when it changed comes all the same, and what was put right is right on every screen."""

from __future__ import annotations

import io
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from etl.config.descriptions import feeds
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.conftest import WORLD_NOW
from tests.etl.sources.test_connecting import addressed, described
from warehouse.core.settings import Settings
from warehouse.ingest import load
from warehouse.publish.generation_file import source_states

POINTS = """label = "台账"
[[feeds]]
entity = "points"
transport = "files"
glob = "in/*.csv"
jobs = ["refresh"]
[feeds.columns]
entry_id = "id"
user_id = "user"
delta = "delta"
type = "type"
created_at = "at"
"""
ITEMS = """label = "平台"
[[feeds]]
entity = "item"
transport = "sql_database"
table = "t_matter"
cursor_column = "gxsj"
reconcile = true
jobs = ["refresh"]
[feeds.columns]
year = "nd"
item_no = "xh"
title = "mc"
updated_at = "gxsj"
"""


def organisations() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "组织"
    sheet.append(["组织编号", "类别", "所在企业", "覆盖企业", "成立日期"])
    sheet.append(["U1", "工会", "91330110MA2ABC0001", "", "2020-01-01"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def run(settings: Settings, source: str, entity: str, *, reconcile: bool = False) -> tuple[list[str], Context]:
    with opened(settings, now=lambda: WORLD_NOW) as context:
        load.prepare(context.writer)
        wanted = [one for one in feeds(settings) if one.source == source and one.entity == entity]
        problems = intake.reconcile(context, wanted) if reconcile else intake.run(context, wanted)
        return problems, context


def asked(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with opened(settings, now=lambda: WORLD_NOW) as context:
        return context.writer.execute(sql)


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "drop"
    addressed(tmp_path / "data", f'[un]\ndrop = "{folder}"\n[mp]\ndrop = "{folder}"\n')
    yield folder


@pytest.mark.parametrize(
    ("name", "age_s", "read", "said"),
    [
        ("un/群团台账_2026年10月.XLSX", 60, True, ""),
        ("un/群团台账_2026年10月.xlsx", -2 * 86400, True, ""),
        ("un/2026/群团台账_2026年10月.xlsx", 60, False, "放错了文件夹，请移到 un"),
        ("un/群团台账_2026年10月.et", 60, False, "请另存为 .xlsx"),
        ("un/照片.jpg", 60, False, "没有来源描述认它"),
    ],
)
def test_a_file_is_read_or_named(tmp_path: Path, drop: Path, name: str, age_s: int, read: bool, said: str) -> None:
    file = drop / name
    file.parent.mkdir(parents=True)
    file.write_bytes(organisations())
    os.utime(file, (time.time() - age_s,) * 2)
    settings = Settings(tmp_path / "data")
    problems, _ = run(settings, "un", "org")
    assert len(problems) == int(not read), problems
    assert asked(settings, "SELECT count(*) FROM raw.un_org") == [(int(read),)]
    assert len(problems) == int(not read) and said in "".join(problems)
    assert asked(settings, "SELECT file FROM run.unread") == ([] if read else [(name,)])
    file.unlink()
    assert run(settings, "un", "org")[0] == [] and asked(settings, "SELECT file FROM run.unread") == []


@pytest.fixture
def matters(tmp_path: Path) -> tuple[Settings, sqlite3.Connection]:
    file = tmp_path / "pj.sqlite"
    addressed(tmp_path / "data", f'[pj]\ndsn = "sqlite:///{file}"\n')
    settings = described(tmp_path / "data", ITEMS, "pj")
    base = sqlite3.connect(file)
    base.execute("CREATE TABLE t_matter (nd TEXT, xh INTEGER, mc TEXT, gxsj TIMESTAMP)")
    base.executemany(
        "INSERT INTO t_matter VALUES ('2026', ?, ?, ?)", [(1, "一", "2026-10-01 08:00:00"), (2, "二", None)]
    )
    base.commit()
    return settings, base


TITLES = "SELECT item_no, title FROM raw.pj_item WHERE _deleted_at IS NULL ORDER BY 1"


def test_a_row_that_does_not_say_when_it_changed_comes_and_changes(
    matters: tuple[Settings, sqlite3.Connection],
) -> None:
    settings, base = matters
    assert run(settings, "pj", "item")[0] == [] and asked(settings, TITLES) == [(1, "一"), (2, "二")]
    base.execute("INSERT INTO t_matter VALUES ('2026', 3, '三', NULL)")
    base.execute("INSERT INTO t_matter VALUES ('2026', 4, '四', '2026-10-02 08:00:00')")
    base.execute("UPDATE t_matter SET mc = '一改', gxsj = NULL WHERE xh = 1")
    base.commit()
    assert run(settings, "pj", "item")[0] == []
    assert asked(settings, TITLES) == [(1, "一改"), (2, "二"), (3, "三"), (4, "四")]
    assert asked(settings, "SELECT rule, max(rows) FROM run.tidied GROUP BY 1") == [("F23", 3)]


def test_a_row_whose_time_was_set_back_is_found_by_its_key(matters: tuple[Settings, sqlite3.Connection]) -> None:
    settings, base = matters
    run(settings, "pj", "item")
    base.execute("INSERT INTO t_matter VALUES ('2026', 5, '五', '2020-01-01 08:00:00')")
    base.commit()
    assert run(settings, "pj", "item")[0] == [] and (5, "五") not in asked(settings, TITLES)
    assert run(settings, "pj", "item", reconcile=True)[0] == []
    assert (5, "五") in asked(settings, TITLES)


def test_a_replay_cures_the_source_on_every_screen(tmp_path: Path, drop: Path) -> None:
    settings = described(tmp_path / "data", POINTS, "mp")
    file = drop / "in" / "a.csv"
    file.parent.mkdir(parents=True)
    rows = "".join(f"{number},u,十{number},SIGN,2026-11-20 08:00:00\n" for number in range(1, 151))
    file.write_text("id,user,delta,type,at\n" + rows, "utf-8")
    os.utime(file, (time.time() - 60,) * 2)
    (problem,), _ = run(settings, "mp", "points")
    assert "增减（delta）150 行" in problem and "第 2 行" in problem and "etl replay" in problem
    state = f"SELECT error, rows FROM ({source_states()}) WHERE source = 'mp' AND entity = 'points'"
    assert asked(settings, state)[0][0] != ""
    values = ", ".join(f'"十{number}" = "{number}"' for number in range(1, 151))
    described(
        tmp_path / "data",
        POINTS.replace('delta = "delta"', f'delta = {{ from = "delta", values = {{ {values} }} }}'),
        "mp",
    )
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert intake.replay(context, None) == (1, [])
    assert asked(settings, state) == [("", 150)]


def test_a_dated_row_that_follows_an_undated_one_wins_however_old_its_date(
    matters: tuple[Settings, sqlite3.Connection],
) -> None:
    settings, base = matters
    run(settings, "pj", "item")
    base.execute("UPDATE t_matter SET mc = '二改', gxsj = '2026-10-03 08:00:00' WHERE xh = 2")
    base.commit()
    assert run(settings, "pj", "item")[0] == [] and (2, "二改") in asked(settings, TITLES)
