"""Lines that a machine can read: whole objects however many processes write, one run in each, no person, no line lost
when the files are turned over."""

from __future__ import annotations

import datetime as dt
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from warehouse.core import log
from warehouse.core.settings import Options, Settings
from warehouse.core.units import SHANGHAI


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    loggers = [logging.getLogger(name) for name in log.NAMES]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    yield Settings(tmp_path, Options(log_days=3))
    for one, level, handlers in before:
        for handler in set(one.handlers) - set(handlers):
            one.removeHandler(handler)
            handler.close()
        one.setLevel(level)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_line_says_when_what_and_in_which_run_and_names_nobody(settings: Settings) -> None:
    log.begin(settings, log.LOADER)
    log.begin(settings, log.LOADER)
    here = logging.getLogger("zhengbei.etl")
    with log.run("refresh") as name:
        here.warning("来源：电话 %s\n第二行", "13800001111")
        with log.run("live"):
            here.info("其中一步")
    try:
        raise ValueError("110101199003074213")
    except ValueError:
        here.exception("请求失败")
    first, second, third = lines(settings.logs / "loader.jsonl")
    assert dt.datetime.fromisoformat(first["at"]).utcoffset() == dt.timedelta(hours=8)
    assert (first["level"], first["process"], first["from"]) == ("warning", "loader", "zhengbei.etl")
    assert first["run"] == second["run"] == name and name.startswith("refresh-") and third["run"] == ""
    assert "138" not in first["text"] and "ValueError" in third["error"] and "1990" not in third["error"]
    assert "error" not in first
    assert (settings.logs.stat().st_mode & 0o077) == 0


def test_nothing_is_written_where_nobody_wants_it(settings: Settings) -> None:
    log.begin(Settings(settings.data), log.WEB)
    logging.getLogger("cockpit").error("x")
    assert not settings.logs.exists()


WRITER = """
import logging, sys
from pathlib import Path
from warehouse.core import log
from warehouse.core.settings import Options, Settings
log.begin(Settings(Path(sys.argv[1]), Options(log_days=3)), log.WEB)
print("ready", flush=True)
for number in map(int, sys.stdin):
    log.next_run("request")
    logging.getLogger("cockpit").error("第 %d 件 %s", number, "长" * 600)
    print("done", flush=True)
"""


def test_two_processes_share_a_file_that_is_turned_over_and_lose_no_line(settings: Settings) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(settings.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        today = dt.datetime.now(SHANGHAI)
        for number in range(60):
            for writer in writers:
                assert writer.stdin is not None
                writer.stdin.write(f"{number}\n")
                writer.stdin.flush()
            for writer in writers:
                assert writer.stdout is not None and writer.stdout.readline() == "done\n"
            if number % 20 == 10:
                log.turn_over(settings, today + dt.timedelta(days=1))
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.close()
            assert writer.wait(30) == 0
    finally:
        for writer in writers:
            writer.kill()
    files = sorted(settings.logs.glob("web*.jsonl"))
    assert len(files) >= 3, [file.name for file in files]
    found = [line for file in files for line in lines(file)]
    assert sorted(line["text"].split()[1] for line in found) == sorted(
        str(number) for number in range(60) for _ in "12"
    )
    assert len({line["run"] for line in found}) > 100, "each request is a run of its own"


def test_files_are_put_aside_by_day_and_by_size_and_go_when_their_days_are_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.begin(settings, log.LOADER)
    here, now = logging.getLogger("zhengbei.etl"), dt.datetime.now(SHANGHAI)
    here.info("一")
    log.turn_over(settings, now)
    assert [file.name for file in settings.logs.iterdir()] == ["loader.jsonl"], "its day is not over"
    monkeypatch.setattr(log, "MOST_BYTES", 10)
    log.turn_over(settings, now)
    here.info("二")
    log.turn_over(settings, now)
    here.info("三")
    assert len(list(settings.logs.iterdir())) == 3
    log.turn_over(settings, now + dt.timedelta(days=2))
    assert len(list(settings.logs.iterdir())) == 3, "nothing was lost, and nothing is open"
    (settings.logs / "loader-letter.jsonl").write_text("not ours")
    log.turn_over(settings, now + dt.timedelta(days=3))
    assert [file.name for file in settings.logs.iterdir()] == ["loader-letter.jsonl"]
