"""Reports by the clock: at the hour that is set, late rather than never, and each once."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from apscheduler.triggers.cron import CronTrigger
from click.testing import CliRunner

from cockpit.report import archive, delivery
from cockpit.store import app_db
from etl.cli.commands import etl
from etl.cli.demonstration import write_endpoints
from etl.demo.server import runner
from etl.jobs import overdue, refresh, registry, report
from etl.pipeline import status
from etl.runtime.context import Context, opened
from etl.worker import request_handlers
from tests.cockpit.report.test_delivery import Mail
from tests.conftest import WORLD_NOW
from warehouse.core import request_queue, timetable
from warehouse.core.settings import Settings
from warehouse.core.timetable import Timetable
from warehouse.core.units import SHANGHAI

needs_chromium = pytest.mark.browser
WEEK = "2026-W47"


@pytest.fixture
def settings(published: Path, tmp_path: Path) -> Iterator[Settings]:
    """A house in which the first snapshot is of Monday 14:05 and the week's report due at 14:10, and no source answers:
    the port of the stand-ins that made it may be somebody else's by now, so another that nobody listens on is held."""
    shutil.copytree(published, tmp_path / "house")
    (tmp_path / "house" / "zhengbei.toml").write_text('report_at = "mon 14:10"\n')
    found = Settings.at(tmp_path / "house")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        stated = found.sources.read_text("utf-8")
        found.sources.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{silent.getsockname()[1]}", stated), "utf-8")
        yield found


@pytest.mark.parametrize(
    ("times", "fires"), [(Timetable(), "2026-11-30T08:00"), (Timetable("fri", 17, 30), "2026-11-27T17:30")]
)
def test_the_plan_fires_on_the_named_day_and_hour(times: Timetable, fires: str) -> None:
    row = next(job for job in registry.plan(times) if job.name == "report")
    trigger = CronTrigger(timezone=SHANGHAI, **(row.cron or {}))
    moment = trigger.get_next_fire_time(None, dt.datetime(2026, 11, 23, 8, 1, tzinfo=SHANGHAI))
    assert moment == dt.datetime.fromisoformat(fires).replace(tzinfo=SHANGHAI)
    assert {job.name for job in registry.JOBS} == {job.name for job in registry.plan(times)}


def test_a_wrong_hour_stops_the_loader_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "zhengbei.toml").write_text('report_at = "0 8 * * 1"\n')
    done = CliRunner().invoke(etl, ["schedule", "--data", str(tmp_path)])
    assert done.exit_code != 0 and "周二" in str(done.exception) and not (tmp_path / "etl.lock").exists()


def test_the_status_says_when_the_next_report_comes(settings: Settings) -> None:
    shown_text = status.text(status.collect(settings))
    due = timetable.of(settings).coming(dt.datetime.now(SHANGHAI))[0]
    assert f"下次打印：{due.label} {due.moment:%m-%d} 14:10" in shown_text


@needs_chromium
def test_what_was_due_while_the_machine_was_off_is_printed_at_the_next_start_once_and_told(settings: Settings) -> None:
    later = WORLD_NOW + dt.timedelta(hours=1)
    with opened(settings, now=lambda: later) as context:
        assert overdue.run(context) == [], "not before the sources have been asked again"
        refresh.publish(context)
        [stated] = overdue.run(context)
        assert stated == f"周报 {WEEK} 应于 11-23 14:10 打印，当时没有印成，已于 11-23 15:05 补印"
        assert [facts["at"] for facts in archive.every(settings)] == [WEEK]
        assert overdue.run(context) == [] and len(archive.every(settings)) == 1


def test_a_house_that_was_not_there_yet_owes_no_report(settings: Settings) -> None:
    (settings.data / "zhengbei.toml").write_text('report_at = "mon 08:00"\n')
    with opened(Settings.at(settings.data), now=lambda: WORLD_NOW + dt.timedelta(hours=1)) as context:
        assert overdue.run(context) == [] and archive.every(settings) == []


@pytest.mark.slow
def test_a_print_that_fails_is_told_and_tried_again_after_a_while_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHENGBEI_CHROMIUM", str(tmp_path / "none"))
    clock = [WORLD_NOW + dt.timedelta(hours=1)]
    with opened(settings, now=lambda: clock[0]) as context:
        refresh.publish(context)
        [stated] = overdue.run(context)
        assert f"周报 {WEEK}" in stated and "浏览器不存在" in stated and "Traceback" not in stated
        assert overdue.run(context) == []
        clock[0] += dt.timedelta(seconds=overdue.RETRY_S)
        assert len(overdue.run(context)) == 1 and report.states(settings) == {}


def test_a_reprint_that_is_asked_for_says_what_kept_it_from_being_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHENGBEI_CHROMIUM", str(tmp_path / "none"))
    with opened(settings, now=lambda: WORLD_NOW) as context:
        for at in (WEEK, "2026-11-23"):
            with app_db.writing(settings.state) as connection:
                request_queue.add(connection, "report", {"at": at}, "li", at=time.time())
            assert request_handlers.serve(context)
        odd, failed = request_queue.newest(settings.state)
        assert (
            (odd.state, failed.state) == ("failed", "failed")
            and "看不懂的期次" in odd.message
            and f"周报 {WEEK}" in failed.message
            and "浏览器不存在" in failed.message
        )


@pytest.mark.crash
@needs_chromium
def test_a_draft_becomes_the_final_report_when_its_sources_have_come_once_also_after_a_restart(
    settings: Settings,
) -> None:
    """The sources are down at the hour; the duty hears of the draft once and of the release once, however often was
    looked."""
    mail = Mail()
    file = settings.data / "delivery.toml"
    file.touch(0o600)
    file.write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "cockpit@yuhang.example"\n[[to]]\nname = "值班"\nkind = "mail"\naddress = "duty@yuhang.example"\nduty = true\n'
    )
    clock = [WORLD_NOW + dt.timedelta(minutes=5)]

    def look(context: Context) -> list[str]:
        clock[0] += dt.timedelta(minutes=20)
        stated = overdue.run(context)
        assert delivery.send(settings) == []
        return stated

    def kept() -> list[tuple[str, bool]]:
        return [
            (facts["at"], facts["draft"]) for facts in sorted(archive.every(settings), key=lambda one: one["number"])
        ]

    try:
        with opened(settings, now=lambda: clock[0]) as context:
            assert refresh.run(context), "nobody answers"
            assert report.run(context) == [] and kept() == [(WEEK, True)]
            for _ in range(2):
                assert look(context) == []
            assert kept() == [(WEEK, True)] and len(mail.accepted) == 1
        moment = WORLD_NOW.replace(tzinfo=SHANGHAI)
        server = runner.serve(settings.data / "demo", clock=lambda: moment)
        try:
            write_endpoints(settings, orjson.loads((settings.data / "demo" / "endpoints.json").read_bytes()))
            with opened(settings, now=lambda: clock[0]) as context:  # after a restart
                refresh.run(context)
                assert look(context) == [] and kept() == [(WEEK, True), (WEEK, False)]
                refresh.publish(context)
                assert look(context) == [] and report.run(context) == []
        finally:
            server.stop()
        with opened(settings, now=lambda: clock[0]) as context:
            assert look(context) == [] and len(kept()) == 2
        assert [one["Subject"].startswith("【草稿】") for one in mail.accepted] == [True, False]
    finally:
        mail.stop()
