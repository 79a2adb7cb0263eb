"""When jobs run. Owns the scheduler process: jobs as data, one lock, a ledger of runs, a grace a job, missed runs recorded.

APScheduler 3.11 in a process of its own; jobs are rebuilt from this table and the settings at each start, nothing is pickled."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from etl import intake
from etl.context import Context
from etl.jobs import live, nightly, overdue, refresh, report, send
from warehouse import requests, timetable
from warehouse.errors import CockpitError, WarehouseBroken
from warehouse.units import SHANGHAI

log = logging.getLogger("zhengbei.etl")

JOBS_TABLE = """CREATE TABLE IF NOT EXISTS run.job (job VARCHAR, due_at TIMESTAMP, started_at TIMESTAMP, finished_at TIMESTAMP,
    status VARCHAR, message VARCHAR)"""


@dataclass(frozen=True)
class Job:
    """One row of the plan. every_s for an interval, else cron fields (day_of_week by name: numbers start on Monday here but
    on Sunday in crontab). grace_s: how late a run may still start; later ones are recorded as missed."""

    name: str
    label: str
    run: Callable[..., list[str]]
    grace_s: int
    every_s: int = 0
    cron: dict[str, object] | None = None


def plan(times: timetable.Timetable) -> tuple[Job, ...]:
    """All jobs, the reports at the hour the installation has set. From the 4th to the 6th there is always a weekday; the first of them prints
    (timetable.due), the others find it done."""
    at = {"hour": times.hour, "minute": times.minute}
    return (
        Job("live", "实时定位", live.run, 20, every_s=30),
        Job("refresh", "刷新", refresh.run, 240, every_s=300),
        Job("nightly", "夜间整理", nightly.run, 4 * 3600, cron={"hour": 2, "minute": 30}),
        Job("report", "周报", report.run, 20 * 3600, cron={"day_of_week": times.day, **at}),
        Job("report_longer", "月报与季报", report.run_longer, 20 * 3600, cron={"day": "4-6", "day_of_week": "mon-fri", **at}),
        Job("overdue", "报告补印", overdue.run, 240, every_s=300),
        Job("send", "报告发送", send.run, 240, every_s=300),
    )


JOBS = plan(timetable.Timetable())
"""The jobs by name; when they run is asked of plan()."""


def job(name: str) -> Job:
    """The job of that name. Raises UsageError otherwise."""
    from warehouse.errors import UsageError

    for row in JOBS:
        if row.name == name:
            return row
    raise UsageError(f"没有这个任务:{name}", to_do="可用:" + "、".join(row.name for row in JOBS))


def run_once(context: Context, row: Job, due_at: dt.datetime | None = None) -> list[str]:
    """Runs a job now and books it. Returns its problems; an error of the warehouse itself goes on up."""
    context.writer.execute(JOBS_TABLE)
    started, began = context.clock(), time.time()
    try:
        problems = row.run(context, due_at=due_at or started)
        status = "partial" if problems else "ok"
    except WarehouseBroken as error:
        log.error("%s:%s", row.label, error)
        raise
    except CockpitError as error:
        problems, status = [str(error)], "failed"
    context.writer.execute("INSERT INTO run.job VALUES (?,?,?,?,?,?)", [row.name, due_at or started, started, context.clock(), status, ";".join(problems)[:2000]])
    _book(context, row.name, began, time.time(), status, problems)
    for problem in problems:
        log.warning("%s:%s", row.label, problem)
    return problems


def _book(context: Context, name: str, began: float, ended: float | None, status: str, problems: list[str]) -> None:
    """The run for the page; a file that cannot be written now must not fail the run itself."""
    started = dt.datetime.fromtimestamp(began, SHANGHAI).replace(tzinfo=None)
    rows = context.writer.execute("SELECT coalesce(sum(rows_in), 0) FROM run.batch WHERE landed_at >= ?", [started])[0][0] if ended else None
    try:
        requests.book(context.settings.state, name, began, ended, status, rows, ";".join(problems))
    except sqlite3.Error as error:
        log.warning("运行记录没有写入 state.sqlite:%s", error)


def serve(context: Context) -> int:
    """Runs the plan until SIGTERM or SIGINT. Returns the exit code: 0, or 70 when the database failed and the process must
    be started anew. Raises ConfigError, before anything runs, for a time of the reports that cannot be understood."""
    jobs = plan(timetable.of(context.settings))
    context.writer.execute(JOBS_TABLE)
    intake.pending(context)
    scheduler = BackgroundScheduler(timezone=SHANGHAI, executors={"default": ThreadPoolExecutor(len(jobs))})
    ended, code = threading.Event(), [0]

    def work(row: Job) -> None:
        try:
            run_once(context, row)
        except WarehouseBroken:
            code[0] = 70
            ended.set()

    for row in jobs:
        trigger = IntervalTrigger(seconds=row.every_s, timezone=SHANGHAI) if row.every_s else CronTrigger(timezone=SHANGHAI, **(row.cron or {}))
        first = {"next_run_time": dt.datetime.now(SHANGHAI)} if row.every_s else {}
        scheduler.add_job(work, trigger, args=[row], id=row.name, max_instances=1, coalesce=True, misfire_grace_time=row.grace_s, **first)
    scheduler.add_listener(lambda event: _missed(context, event), EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    scheduler.start()
    asked = _requests(context, ended, code)
    _watch(scheduler, ended)
    scheduler.shutdown(wait=code[0] == 0)
    asked.join(None if code[0] == 0 else 1)
    return code[0]


def _requests(context: Context, ended: threading.Event, code: list[int]) -> threading.Thread:
    """The thread that does what people ask for on a page."""
    from etl import requested

    def broken() -> None:
        code[0] = 70
        ended.set()

    if context.settings.state.exists():
        requests.take_up(context.settings.state)
    asked = threading.Thread(target=requested.watch, args=[context, ended, broken], daemon=True)
    asked.start()
    return asked


def _missed(context: Context, event: JobExecutionEvent) -> None:
    """A run that could not start in its grace, or met the one before still running, is a fact to keep."""
    times = getattr(event, "scheduled_run_times", None) or [getattr(event, "scheduled_run_time", None)]
    for moment in times:
        due = moment.astimezone(SHANGHAI).replace(tzinfo=None) if moment else context.clock()
        context.writer.execute("INSERT INTO run.job VALUES (?,?,NULL,NULL,'missed','')", [event.job_id, due])
        _book(context, event.job_id, due.replace(tzinfo=SHANGHAI).timestamp(), None, "missed", [])


def _watch(scheduler: BackgroundScheduler, ended: threading.Event) -> None:
    """Waits for the end; when the wall clock steps against the monotonic one by more than a minute, wakes the scheduler so
    that jobs go on within one interval (it sleeps by the wall clock it saw before)."""
    wall, steady = time.time(), time.monotonic()
    while not ended.wait(5):
        drift = (time.time() - wall) - (time.monotonic() - steady)
        if abs(drift) > 60:
            log.warning("系统时钟跳变 %.0f 秒,重新排程", drift)
            for planned in scheduler.get_jobs():
                scheduler.modify_job(planned.id, next_run_time=dt.datetime.now(SHANGHAI))
            wall, steady = time.time(), time.monotonic()
            scheduler.wakeup()
