"""Backups as an installation has set them up: every place in turn, retention, the drill, and the report of it all."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from etl.config import descriptions
from etl.recovery import backup, backup_key, restore
from etl.recovery.store import Store
from etl.runtime.context import Progress, held, silent
from warehouse.core import backup_report, units
from warehouse.core.errors import CockpitError, ConfigError, Locked
from warehouse.core.settings import Settings
from warehouse.publish import recover

FRESH = dt.timedelta(hours=20)
"""The daily round does not repeat what is younger."""


def stores(settings: Settings, to: Sequence[str] = (), key: str = "") -> list[Store]:
    """The places that are set up, or those in `to`. Raises ConfigError when there is none or the key is missing."""
    options = settings.options.backup
    places = tuple(to) or options.to
    if not places:
        raise ConfigError(
            "没有写备份到哪里",
            where=str(settings.data / "zhengbei.toml"),
            to_do='请写 [backup] 与 to = ["/mnt/backup"]，或用 --to',
        )
    secret = backup_key.read(Path(key or options.key).expanduser(), settings.data)
    return [opened(place, secret, settings) for place in places]


def opened(place: str, secret: backup_key.BackupKey, settings: Settings) -> Store:
    """One place, with the options of the installation where it is not on this machine. Raises ConfigError when it lies
    in the data folder, which it is to outlive."""
    if "://" not in place and Path(place).expanduser().resolve().is_relative_to(settings.data):
        raise ConfigError("备份位置在数据文件夹里面", where=place, to_do="请换一个磁盘上的文件夹")
    given = descriptions.plain(settings.options.backup.options, "zhengbei.toml [backup] options")
    return Store(place, secret, given if "://" in place else {})


def _alone(settings: Settings) -> AbstractContextManager[None]:
    return held(settings.data / "backup.lock", "另一个备份或演练正在进行")


def take(settings: Settings, places: Sequence[Store], progress: Progress = silent) -> list[backup.Taken]:
    """A backup in each of the places, of the same moment; a place that fails does not keep the others from theirs. What
    came of it goes into the report. Raises Locked when another backup is running."""
    began, now = time.monotonic(), units.now()
    taken: list[backup.Taken] = []
    problems: list[str] = []
    with _alone(settings):
        try:
            _renew_copy(settings)
            with backup.staged(settings) as stage:
                for store in places:
                    try:
                        store.clear_cut_off()
                        one = backup.take(settings, stage, store, now, progress)
                        not_pruned = backup.prune(store, settings.options.backup.hold)[1]
                        problems += [f"{store.shown}：{fault}" for fault in (*one.problems, *not_pruned)]
                        taken.append(one)
                    except CockpitError as error:
                        problems.append(f"{store.shown}：{error}")
        except CockpitError as error:
            problems.append(str(error))
        report = backup_report.read(settings)
        report.attempted_at, report.problems, report.seconds = now, problems, time.monotonic() - began
        if taken and len(taken) == len(places):
            report.taken_at = now
            report.files, report.size, report.added = taken[0].files, taken[0].size, sum(one.added for one in taken)
        backup_report.write(settings, report)
    return taken


def _renew_copy(settings: Settings) -> None:
    """Where no loader runs, the warehouse's copy is made now; a running one makes it every night."""
    if not settings.warehouse.exists():
        return
    try:
        with held(settings.lock):
            writer, _ = recover.open_warehouse(settings)
            try:
                recover.backup(writer, settings)
            finally:
                writer.close()
    except Locked:
        return


def drill(settings: Settings, places: Sequence[Store], progress: Progress = silent) -> list[str]:
    """Restores the newest backup of each place aside and compares it; a good one is marked as proven. What came of it
    goes into the report and is returned ([] = all good). Raises Locked when a backup is running."""
    began, now = time.monotonic(), units.now()
    problems: list[str] = []
    with _alone(settings):
        for store in places:
            try:
                stamp = restore.choose(store)
                faults = restore.drill(settings, store, stamp, progress)
                if not faults:
                    store.prove(stamp, now.isoformat(timespec="seconds"))
                problems += [f"{store.shown} {stamp}：{fault}" for fault in faults]
            except CockpitError as error:
                problems.append(f"{store.shown}：{error}")
        report = backup_report.read(settings)
        report.drilled_at, report.drill_problems, report.drill_seconds = now, problems, time.monotonic() - began
        if not problems:
            report.proven_at = now
        backup_report.write(settings, report)
    return problems


def daily(settings: Settings, progress: Progress = silent) -> list[str]:
    """The day's backup and drill, unless both are of today already or no place is set up. Returns Chinese texts of what
    went wrong."""
    if not settings.options.backup.to:
        return []
    now, report = units.now(), backup_report.read(settings)
    is_fresh = [
        not problems and moment is not None and now - moment < FRESH
        for moment, problems in ((report.taken_at, report.problems), (report.proven_at, report.drill_problems))
    ]
    if all(is_fresh):
        return []
    places = stores(settings)
    take(settings, places, progress)
    drill(settings, places, progress)
    report = backup_report.read(settings)
    return [*report.problems, *report.drill_problems]
