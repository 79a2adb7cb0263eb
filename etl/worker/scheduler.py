"""When jobs run. Owns the scheduler process: one lock, a grace a job, missed runs recorded.

APScheduler 3.11 in a process of its own; jobs are rebuilt from the registry and the settings at each start, nothing is
pickled."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sqlite3
import threading
import time
from pathlib import Path

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from etl.jobs import registry
from etl.pipeline import intake
from etl.runtime.context import Context
from etl.worker import request_handlers
from warehouse.core import beats, request_queue, timetable
from warehouse.core import log as run_log
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

log = logging.getLogger("zhengbei.etl")


def serve(context: Context) -> int:
    """Runs the plan until SIGTERM or SIGINT. Returns the exit code: 0, or 70 when the database failed and the process
    must be started anew. Raises ConfigError, before anything runs, for a time of the reports that cannot be
    understood."""
    jobs = registry.plan(timetable.of(context.settings))
    context.writer.execute(registry.JOBS_TABLE)
    intake.pending(context)
    scheduler = BackgroundScheduler(timezone=SHANGHAI, executors={"default": ThreadPoolExecutor(len(jobs))})
    ended, code = threading.Event(), [0]

    def work(row: registry.Job) -> None:
        try:
            registry.run_once(context, row)
        except WarehouseBroken:
            code[0] = 70
            ended.set()

    for row in jobs:
        trigger = (
            IntervalTrigger(seconds=row.every_s, timezone=SHANGHAI)
            if row.every_s
            else CronTrigger(timezone=SHANGHAI, **(row.cron or {}))
        )
        first = {"next_run_time": dt.datetime.now(SHANGHAI)} if row.every_s or row.at_start else {}
        scheduler.add_job(
            work,
            trigger,
            args=[row],
            id=row.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=row.grace_s,
            **first,
        )
    scheduler.add_listener(lambda event: _missed(context, event), EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    scheduler.start()
    requested = _requests(context, ended, code)
    _speak(context.settings.state)
    _watch(scheduler, ended, context.settings)
    scheduler.shutdown(wait=code[0] == 0)
    requested.join(None if code[0] == 0 else 1)
    return code[0]


def _requests(context: Context, ended: threading.Event, code: list[int]) -> threading.Thread:
    """The thread that does what people ask for on a page."""

    def broken() -> None:
        code[0] = 70
        ended.set()

    if context.settings.state.exists():
        request_queue.take_up(context.settings.state)
    requested = threading.Thread(target=request_handlers.watch, args=[context, ended, broken], daemon=True)
    requested.start()
    return requested


def _missed(context: Context, event: JobExecutionEvent) -> None:
    """A run that could not start in its grace, or met the one before still running, is a fact to keep."""
    times = getattr(event, "scheduled_run_times", None) or [getattr(event, "scheduled_run_time", None)]
    for moment in times:
        due = moment.astimezone(SHANGHAI).replace(tzinfo=None) if moment else context.clock()
        context.writer.execute("INSERT INTO run.job VALUES (?,?,NULL,NULL,'missed','')", [event.job_id, due])
        registry.book(context, event.job_id, due.replace(tzinfo=SHANGHAI).timestamp(), None, "missed", [])


def _watch(scheduler: BackgroundScheduler, ended: threading.Event, settings: Settings) -> None:
    """Waits for the end and gives a sign of life meanwhile; when the wall clock steps against the monotonic one by more
    than a minute, wakes the scheduler so that jobs go on within one interval (it sleeps by the wall clock it saw
    before)."""
    wall, steady = time.time(), time.monotonic()
    spoken = -beats.EVERY_S
    while not ended.wait(5):
        if time.monotonic() - spoken >= beats.EVERY_S:
            spoken = time.monotonic()
            _speak(settings.state)
            if settings.options.log_days:
                run_log.turn_over(settings, dt.datetime.now(SHANGHAI))
        drift = (time.time() - wall) - (time.monotonic() - steady)
        if abs(drift) > 60:
            log.warning("系统时钟跳变 %.0f 秒，重新排程", drift)
            for planned in scheduler.get_jobs():
                scheduler.modify_job(planned.id, next_run_time=dt.datetime.now(SHANGHAI))
            wall, steady = time.time(), time.monotonic()
            scheduler.wakeup()


def _speak(state: Path) -> None:
    """The loader's sign of life; a file that cannot be written now is no reason to stop loading."""
    try:
        beats.beat(state, beats.LOADER)
    except sqlite3.Error as error:
        log.warning("心跳没有写入 state.sqlite：%s", error)
