"""Which jobs there are, and how one is run and booked. Knows no scheduler: a job runs alike by plan, by command and by
request."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from etl.jobs import alerts, audit, backup, live, nightly, overdue, refresh, report, send
from etl.runtime.context import Context
from warehouse.core import log as run_log
from warehouse.core import request_queue, timetable
from warehouse.core.errors import CockpitError, UsageError, WarehouseBroken
from warehouse.core.units import SHANGHAI

log = logging.getLogger("zhengbei.etl")

JOBS_TABLE = """CREATE TABLE IF NOT EXISTS run.job (job VARCHAR, due_at TIMESTAMP, started_at TIMESTAMP, finished_at TIMESTAMP,
    status VARCHAR, message VARCHAR)"""


@dataclass(frozen=True)
class Job:
    """One row of the plan. every_s for an interval, else cron fields (day_of_week by name: numbers start on Monday here
    but on Sunday in crontab). grace_s: how late a run may still start; later ones are recorded as missed. at_start: it
    also runs when the scheduler starts, as those with an interval do."""

    name: str
    run: Callable[..., list[str]]
    grace_s: int
    every_s: int = 0
    cron: dict[str, object] | None = None
    at_start: bool = False

    @property
    def label(self) -> str:
        """What it is called in Chinese."""
        return request_queue.JOBS[self.name]


def plan(times: timetable.Timetable) -> tuple[Job, ...]:
    """All jobs, the reports at the hour the installation has set. From the 4th to the 6th there is always a weekday;
    the first of them prints (timetable.due), the others find it done."""
    at = {"hour": times.hour, "minute": times.minute}
    return (
        Job("live", live.run, 20, every_s=30),
        Job("refresh", refresh.run, 240, every_s=300),
        Job("nightly", nightly.run, 4 * 3600, cron={"hour": 2, "minute": 30}),
        Job("backup", backup.run, 20 * 3600, cron={"hour": 3, "minute": 30}, at_start=True),
        Job("report", report.run, 20 * 3600, cron={"day_of_week": times.day, **at}),
        Job(
            "report_longer",
            report.run_longer,
            20 * 3600,
            cron={"day": "4-6", "day_of_week": "mon-fri", **at},
        ),
        Job("overdue", overdue.run, 240, every_s=300),
        Job("send", send.run, 240, every_s=300),
        Job("alerts", alerts.run, 55, every_s=60),
        Job("audit", audit.run, 20 * 3600, cron={"hour": 1, "minute": 40}, at_start=True),
    )


JOBS = plan(timetable.Timetable())
"""The jobs by name; when they run is asked of plan()."""


def job(name: str) -> Job:
    """The job of that name. Raises UsageError otherwise."""
    for row in JOBS:
        if row.name == name:
            return row
    raise UsageError(f"没有这个任务：{name}", to_do="可用：" + "、".join(row.name for row in JOBS))


def run_once(context: Context, row: Job, due_at: dt.datetime | None = None) -> list[str]:
    """Runs a job now and books it. Returns its problems; an error of the warehouse itself goes on up."""
    with run_log.run(row.name):
        return _run_once(context, row, due_at)


def _run_once(context: Context, row: Job, due_at: dt.datetime | None) -> list[str]:
    context.writer.execute(JOBS_TABLE)
    started, began = context.clock(), time.time()
    try:
        problems = row.run(context, due_at=due_at or started)
        status = "partial" if problems else "ok"
    except WarehouseBroken as error:
        log.error("%s：%s", row.label, error)
        raise
    except CockpitError as error:
        problems, status = [str(error)], "failed"
    context.writer.execute(
        "INSERT INTO run.job VALUES (?,?,?,?,?,?)",
        [row.name, due_at or started, started, context.clock(), status, "；".join(problems)[:2000]],
    )
    book(context, row.name, began, time.time(), status, problems)
    for problem in problems:
        log.warning("%s：%s", row.label, problem)
    log.info("%s：%s，%.1f 秒", row.label, request_queue.RUN_STATES[status], time.time() - began)
    return problems


def book(context: Context, name: str, began: float, ended: float | None, status: str, problems: list[str]) -> None:
    """The run for the page; a file that cannot be written now must not fail the run itself."""
    started = dt.datetime.fromtimestamp(began, SHANGHAI).replace(tzinfo=None)
    rows = (
        context.writer.execute("SELECT coalesce(sum(rows_in), 0) FROM run.batch WHERE landed_at >= ?", [started])[0][0]
        if ended
        else None
    )
    try:
        request_queue.book(context.settings.state, name, began, ended, status, rows, "；".join(problems))
    except sqlite3.Error as error:
        log.warning("运行记录没有写入 state.sqlite：%s", error)
