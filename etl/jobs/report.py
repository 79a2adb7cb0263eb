"""The job of the appointed hour: print and archive the report of the week, month or quarter that has ended. The
printing is the cockpit's; it runs as a child process, so a browser that hangs cannot hold the loader."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading

from etl.runtime.context import Context
from warehouse.core import timetable, units
from warehouse.core.settings import Settings
from warehouse.core.timetable import REPORTS

TIMEOUT_S = 600
VERBS = {"week": "weekly", "month": "monthly", "quarter": "quarterly"}
"""Window → the verb of `report` that prints it; the option that names the period is called like the window."""
OWN_DAYS = 6
"""A run prints what fell due so few days ago; a month that is long over is not its business."""
printing = threading.Lock()
"""One scheduled print at a time: who looks second sees what the first has made."""


def run(context: Context, *, due_at: dt.datetime | None = None, windows: tuple[str, ...] = ("week",)) -> list[str]:
    """Prints the report of the newest period of each window that is over; one that is out already is not printed again.
    Returns the Chinese text of what failed."""
    today, times = context.clock().date(), timetable.of(context.settings)
    stated: list[str] = []
    with printing:
        for window in windows:
            due = times.due(window, units.back(window, units.window_of(window, today)[0], 1))
            if states(context.settings).get(due.at) != "final" and (today - due.moment.date()).days <= OWN_DAYS:
                stated += launch(context, window, due.at)
    return stated


def run_longer(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """The same for the month and the quarter."""
    return run(context, due_at=due_at, windows=("month", "quarter"))


def states(settings: Settings) -> dict[str, str]:
    """Period → "final" when the archive holds its finished report, "draft" when it holds drafts only."""
    found: dict[str, str] = {}
    for file in settings.reports.glob("*-*.json"):
        try:
            is_draft = json.loads(file.read_text("utf-8"))["draft"]
        except (OSError, ValueError, KeyError):
            continue
        at = file.stem.rpartition("-")[0]
        found[at] = "draft" if is_draft and found.get(at) != "final" else "final"
    return found


def launch(context: Context, window: str, at: str, *more: str, by: str = "schedule") -> list[str]:
    """The child process that prints the report of a period. Returns the Chinese text of what failed."""
    return _child(context, f"{REPORTS[window]} {at}", VERBS[window], f"--{window}", at, *more, "--by", by)


def print_signed(context: Context, window: str, at: str, name: str, *, by: str) -> list[str]:
    """The child process that prints the signed paper of the report `name`. Returns the Chinese text of what failed."""
    return _child(context, f"{REPORTS[window]} {at} 签发版", "issue", name, "--by", by)


def print_sheet(context: Context, whom: str, at: str, *, by: str) -> list[str]:
    """The child process that prints the sheet of a town, company or office (name or code) for a period or for days written
    2026-01-01_2026-03-31. Returns the Chinese text of what failed."""
    since, is_range, until = at.partition("_")
    days = ("--from", since, "--to", until) if is_range else ("--at", at)
    return _child(context, "单页", "sheet", whom, *days, "--by", by)


def _child(context: Context, label: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "warehouse", "report", *arguments, "--data", str(context.settings.data)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [f"{label} 打印超时"]
    return (
        []
        if done.returncode == 0
        else [f"{label}：{done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"]
    )
