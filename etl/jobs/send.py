"""The five-minute job that sends printed reports to those who are set up for them, and tries again what did not get
through. The sending is the cockpit's; it runs as a child process, so a mail server that hangs cannot hold the
loader."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

from etl.runtime.context import Context

TIMEOUT_S = 600


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Sends what is due; nothing where nobody is set up. Returns Chinese texts of what was not delivered."""
    if not (context.settings.data / "delivery.toml").exists():
        return []
    try:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", "report", "send", "--data", str(context.settings.data)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ["报告发送超时"]
    return [line for line in done.stderr.strip().splitlines() if line]
