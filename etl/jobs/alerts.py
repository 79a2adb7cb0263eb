"""The minute's look whether anybody looks after alerts: the web service does; when it has fallen silent, this job runs a
round in its place, so that whoever is on duty hears of it. The round is the cockpit's; it runs as a child process."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

from etl.runtime.context import Context
from warehouse.core import beats

SILENT_S = 120.0
"""Four rounds of the watch."""
TIMEOUT_S = 300


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Nothing while the watch speaks, or where it never did. Returns Chinese texts of what went wrong."""
    silent = beats.silent_s(context.settings.state, beats.WATCH)
    if silent is None or silent <= SILENT_S:
        return []
    command = ["alert", "check", "--in-place", "--data", str(context.settings.data)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", *command],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ["告警巡视超时"]
    return [line for line in done.stderr.strip().splitlines() if line]
