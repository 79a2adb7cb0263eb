"""While the loader runs, a command hands its wish to it and tells what came of it; what only a process alone can do says
what to do instead."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl.cli import commands, through_loader
from etl.runtime.context import Context, opened
from etl.worker import request_handlers
from tests.conftest import WORLD_NOW
from warehouse.core import beats, request_queue
from warehouse.core.errors import CockpitError
from warehouse.core.settings import Settings

pytestmark = pytest.mark.world


@pytest.fixture
def loader(fleet_of_two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A loader that has the data folder and does what is asked."""
    monkeypatch.setattr(request_handlers, "EVERY_S", 0.05)
    monkeypatch.setattr(through_loader, "LOOK_S", 0.05)
    ended = threading.Event()
    settings = Settings(Path(shutil.copytree(fleet_of_two, tmp_path / "data")))
    with opened(settings, now=lambda: WORLD_NOW) as context:
        beats.beat(settings.state, beats.LOADER)
        thread = threading.Thread(target=request_handlers.watch, args=[context, ended, ended.set])
        thread.start()
        yield context
        ended.set()
        thread.join(30)


def do(context: Context, *words: str) -> Result:
    return CliRunner().invoke(commands.etl, [*words, "--data", str(context.settings.data)])


def why(result: Result) -> str:
    assert isinstance(result.exception, CockpitError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "audit"), "审计日志核对已运行"),
        (("run", "reconcile"), "核对删除已运行"),
        (("replay",), "重放 0 份原始数据"),
        (("backfill", "--from", "2026-11-20", "--to", "2026-11-21", "--why", "补传"), "已重算 2 天"),
    ],
)
def test_a_command_goes_through_the_running_loader(words: tuple[str, ...], told: str, loader: Context) -> None:
    result = do(loader, *words)
    assert result.exit_code == 0 and told in result.output and "已交给它办理" in result.output, result.output
    one = request_queue.newest(loader.settings.state)[0]
    assert one.state == "done" and one.who.endswith("（命令行）")


def test_the_exit_code_of_the_request_is_that_of_the_command(loader: Context) -> None:
    result = do(loader, "run", "nothing")
    assert result.exit_code == 2 and "没有这个任务：nothing" in result.output
    result = do(loader, "backfill", "--from", "2026-11-21", "--to", "2026-11-20")
    assert result.exit_code == 2 and "截止日早于起始日" in result.output


def test_a_corrected_file_travels_sealed_and_its_rows_go_in(loader: Context, tmp_path: Path) -> None:
    seq, row = loader.writer.execute("SELECT landing_seq, row_no FROM raw.quarantine WHERE row_no >= 0")[0]
    file = tmp_path / "fix.csv"
    file.write_text(f"序号,行,规则,原因,plate_no\n{seq},{row},D02,D02,浙A00009\n", "utf-8")
    bodies: list[Any] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            bodies.extend(one.body for one in request_queue.newest(loader.settings.state) if one.body)

    looking = threading.Thread(target=look)
    looking.start()
    result = do(loader, "quarantine", "fix", str(file), "--why", "核对")
    done.set()
    looking.join()
    assert result.exit_code == 0 and "更正 1 行，全部装入" in result.output, result.output
    assert bodies and all("浙A00009".encode() not in body for body in bodies)
    assert request_queue.newest(loader.settings.state)[0].body is None, "nothing of it stays"
    assert loader.writer.execute("SELECT count(*) FROM raw.yz_vehicle WHERE plate_no = '浙A00009'") == [(1,)]


@pytest.mark.parametrize(
    ("words", "cure"),
    [(("rebuild",), "systemctl stop zhengbei-etl"), (("quarantine", "list"), "网页“隔离记录”")],
)
def test_what_needs_the_folder_alone_says_what_to_do(words: tuple[str, ...], cure: str, loader: Context) -> None:
    stated = why(do(loader, *words))
    assert cure in stated and "请等待其结束" not in stated


def test_another_command_that_has_the_folder_is_waited_for_and_no_loader(loader: Context) -> None:
    beats.beat(loader.settings.state, beats.LOADER, at=1.0)
    stated = why(do(loader, "run", "audit"))
    assert "占用者是另一个命令" in stated and not request_queue.newest(loader.settings.state)
