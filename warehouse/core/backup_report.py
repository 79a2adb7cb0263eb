"""What became of the last backups and restore drills, for whoever shows it: doctor, the page of data health, the log.

Owns the file backup/report.json and the one rule of when it is an alarm."""

from __future__ import annotations

import datetime as dt
import os

import msgspec

from warehouse.core.settings import Settings

LATE = dt.timedelta(days=2)


class BackupReport(msgspec.Struct, kw_only=True):
    """All moments aware; None: never. taken_at: of the newest backup that every place holds; proven_at: of the newest
    drill without a fault. problems and drill_problems: Chinese, of the last attempt. seconds: of the last attempt;
    size: bytes of everything in the newest backup; added: bytes that it took."""

    attempted_at: dt.datetime | None = None
    taken_at: dt.datetime | None = None
    problems: list[str] = []
    files: int = 0
    size: int = 0
    added: int = 0
    seconds: float = 0
    drilled_at: dt.datetime | None = None
    proven_at: dt.datetime | None = None
    drill_problems: list[str] = []
    drill_seconds: float = 0


def read(settings: Settings) -> BackupReport:
    """The report; an empty one before the first backup or when the file cannot be read."""
    try:
        return msgspec.json.decode((settings.backup / "report.json").read_bytes(), type=BackupReport)
    except (OSError, msgspec.DecodeError):
        return BackupReport()


def write(settings: Settings, report: BackupReport) -> None:
    """Puts the report in place of the one before."""
    settings.backup.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = settings.backup / ".tmp-report.json"
    aside.write_bytes(msgspec.json.encode(report))
    os.replace(aside, settings.backup / "report.json")


def alarm(settings: Settings, now: dt.datetime, *, is_demo: bool) -> str:
    """The one line that somebody must act upon, "" when all is well. now: aware. A demonstration needs no backup."""
    if not settings.options.backup.to:
        return "" if is_demo else "没有设置备份，请在 zhengbei.toml 的 [backup] 写 to 与 key"
    report = read(settings)
    for what, problems, good_at in (
        ("备份", report.problems, report.taken_at),
        ("恢复演练", report.drill_problems, report.proven_at),
    ):
        if problems:
            return f"上次{what}没有成功：{problems[0]}"
        if good_at is None:
            return f"还没有成功的{what}"
        if now - good_at > LATE:
            return f"最近一次成功的{what}已是 {(now - good_at).days} 天前"
    return ""


def summary(settings: Settings) -> str:
    """When the last good ones were, in Chinese; "" before the first."""
    report = read(settings)
    if report.taken_at is None:
        return ""
    proven = f"，{report.proven_at:%m-%d %H:%M} 演练恢复无误" if report.proven_at else ""
    return f"{report.taken_at:%m-%d %H:%M} 备份 {report.files} 个文件{proven}"
