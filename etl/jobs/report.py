"""The job of the appointed hour: print and archive the report of the week that has ended. The printing is the cockpit's; it runs as a
child process, so a browser that hangs cannot hold the loader."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading

from etl.context import Context
from warehouse import units
from warehouse.settings import Settings
from warehouse.timetable import WINDOWS

TIMEOUT_S = 600
VERBS = {"week": ("weekly", "--week")}
"""Window → the verb of `report` that prints it, and the option that names the period."""
printing = threading.Lock()
"""One scheduled print at a time: who looks second sees what the first has made."""


def run(context: Context, *, due_at: dt.datetime | None = None, window: str = "week") -> list[str]:
    """Prints the report of the newest period that is over; one that is out already is not printed again. Returns the Chinese text of what failed."""
    at = units.at_label(window, units.back(window, units.window_of(window, context.clock().date())[0], 1))
    with printing:
        return [] if states(context.settings).get(at) == "final" else launch(context, window, at)


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


def launch(context: Context, window: str, at: str, *more: str) -> list[str]:
    """The child process that prints. Returns the Chinese text of what failed."""
    label, (verb, option) = f"{WINDOWS[window]} {at}", VERBS[window]
    command = [sys.executable, "-m", "warehouse", "report", verb, option, at, "--by", "schedule", *more, "--data", str(context.settings.data)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [f"{label} 打印超时"]
    return [] if done.returncode == 0 else [f"{label}:{done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"]
