"""Monday's job: print and archive the weekly report of the week that has ended. The printing is the cockpit's; it runs as a
child process, so a browser that hangs cannot hold the loader."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

from etl.context import Context
from warehouse import units

TIMEOUT_S = 600


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Prints the report of the last full ISO week. Returns the Chinese text of what failed."""
    week = units.at_label("week", units.window_of("week", context.clock().date() - dt.timedelta(days=7))[0])
    command = [sys.executable, "-m", "warehouse", "report", "weekly", "--week", week, "--by", "schedule", "--data", str(context.settings.data)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [f"周报 {week} 打印超时"]
    return [] if done.returncode == 0 else [f"周报 {week}:{done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"]
