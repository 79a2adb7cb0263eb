"""The daily job that holds the audit log against its anchors, anchors it anew and mails the anchor. The log is the
cockpit's; the work runs as a child process."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

from etl.runtime.context import Context

TIMEOUT_S = 1800


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Returns Chinese texts of what does not fit; nothing before anybody has signed in."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", "audit", "daily", "--data", str(context.settings.data)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ["审计日志核对超时"]
    return [line for line in done.stderr.strip().splitlines() if line]
