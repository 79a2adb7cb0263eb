"""What was refused while somebody tried is acknowledged and is open no more; the same ledger twice is no error; a source
without an address is 未接入. All of it is told, nothing is deleted, a rebuild ends in the same."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.config.descriptions import feeds
from etl.jobs import on_demand, refresh
from etl.pipeline import intake, status
from etl.runtime.context import Context, opened
from tests.conftest import WORLD_NOW
from tests.etl.sources.test_connecting import FILES, MAPPED, addressed, described
from tests.etl.sources.test_files_hostile import drop
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query import data_quality
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

GOOD = "uscc,name,status,yz_updated_at\n91330110MA2ABCDE12,甲,营业,2026-11-01 08:00:00\n".encode()


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """A drop folder with one file that lacks a column."""
    addressed(tmp_path / "data", f'is_demo = true\n[yz]\ndrop = "{tmp_path / "yz"}"\n')
    described(tmp_path / "data", FILES + MAPPED)
    (tmp_path / "yz").mkdir()
    with opened(Settings(tmp_path / "data"), now=lambda: WORLD_NOW) as context:
        yield context


def run(context: Context) -> list[str]:
    return intake.run(context, [feed for feed in feeds(context.settings) if feed.source == "yz"])


def put(context: Context, name: str, body: bytes) -> None:
    folder = Path(context.endpoints["yz"].drop)
    drop(folder, name, body)


def state(context: Context) -> tuple[str, int, bool]:
    """Error, rows aside and whether the table of companies is connected, as published."""
    found = SnapshotStore(context.settings.data).current(Scope.ALL).sources()
    one = next(one for one in found if (one.source, one.entity) == ("yz", "company"))
    return one.error, one.quarantined, one.is_connected


def refused(context: Context) -> list[int]:
    return [row[0] for row in context.writer.execute("SELECT landing_seq FROM raw.quarantine WHERE row_no = -1")]


@pytest.mark.slow
def test_what_was_refused_is_acknowledged_and_open_no_more(context: Context) -> None:
    put(context, "a.csv", b"uscc,name\n1,x\n")
    assert len(run(context)) == 1
    refresh.publish(context)
    assert state(context)[0] and state(context)[1] == 1
    [seq] = refused(context)
    with pytest.raises(UsageError, match="不是整份未装载"):
        intake.acknowledge(context, [seq + 99], who="sun", why="试接")
    outcome = on_demand.ACTS["acknowledge"](context, {"seqs": [seq], "why": "试接时的文件 13812345678"}, "sun", None)
    assert "1 份" in outcome.text and state(context) == ("", 0, False)
    assert intake.acknowledge(context, [seq], who="sun", why="又一次") == 0, "once is enough"
    who, why = context.writer.execute("SELECT acknowledged_by, acknowledged_why FROM raw.quarantine")[0]
    assert who == "sun" and why.startswith("试接") and "13812345678" not in why
    assert refused(context) == [seq], "nothing is deleted"
    assert (
        intake.replay(context, None) == (0, [])
        and data_quality.quarantine(SnapshotStore(context.settings.data).current(Scope.ALL)) == []
    )


def test_a_rebuild_knows_of_it_too(context: Context) -> None:
    put(context, "a.csv", b"uscc,name\n1,x\n")
    run(context)
    intake.acknowledge(context, refused(context), who="sun", why="试接")
    everything = "SELECT * EXCLUDE (landed_at) FROM raw.quarantine ORDER BY ALL"
    before = context.writer.execute(everything)
    for table in ("raw.quarantine", "run.batch"):
        context.writer.execute(f"DELETE FROM {table}")
    assert intake.pending(context) >= 2
    assert context.writer.execute(everything) == before
    assert context.writer.execute("SELECT acknowledged_by FROM raw.quarantine") == [("sun",)]


def test_the_same_file_again_is_no_error_and_is_told(context: Context) -> None:
    put(context, "a.csv", GOOD)
    assert run(context) == []
    later = time.time() - 100
    os.utime(Path(context.endpoints["yz"].drop) / "a.csv", (later, later))
    assert run(context) == [] and refused(context) == []
    assert any("a.csv 与先前的文件逐字节相同，没有变化" in note for note in context.notes)
    assert context.writer.execute("SELECT ok, error FROM run.delivery") == [(True, ""), (True, "")]
    assert run(context) == [] and len(context.landing._files()) >= 2


def test_the_same_content_as_a_file_of_another_day_is_told_as_such(context: Context) -> None:
    put(context, "a.csv", GOOD)
    run(context)
    put(context, "b.csv", GOOD)
    problems = run(context)
    assert len(problems) == 1 and "D21" in problems[0] and "知道了" in problems[0]


def test_the_same_ledger_under_another_name_is_no_error(context: Context) -> None:
    described(context.settings.data, FILES + "snapshot = true\n" + MAPPED)
    put(context, "a.csv", GOOD)
    run(context)
    put(context, "b.csv", GOOD)
    assert run(context) == [] and refused(context) == []


@pytest.mark.slow
def test_a_source_without_data_is_neither_red_nor_fine(context: Context) -> None:
    put(context, "a.csv", b"uscc,name\n1,x\n")
    assert len(run(context)) == 1, "while it is connected, what fails is a fault"
    context.endpoints.pop("yz")
    intake.run_job(context, "refresh")
    refresh.publish(context)
    assert state(context) == ("", 1, False)
    book = SnapshotStore(context.settings.data).current(Scope.ALL)
    assert book.read("fleet_company_cnt").status == "unconnected"
    stated = status.text(status.collect(context.settings))
    assert "未接入 65" in stated and "来源正常 0 / 0" in stated and "从未" in stated
