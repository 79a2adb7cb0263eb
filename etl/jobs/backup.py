"""The daily job that backs up and proves by a drill that the backup can be restored. The work runs as a child process:
a place that hangs cannot hold the loader."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

from etl.runtime.context import Context
from warehouse.publish import recover

TIMEOUT_S = 6 * 3600


def run(context: Context, *, due_at: dt.datetime | None = None) -> list[str]:
    """Returns Chinese texts of what went wrong; nothing where no place is set up."""
    if not context.settings.options.backup.to:
        return []
    if not (context.settings.backup / "warehouse.json").exists():  # before the first night
        with context.heavy:
            recover.backup(context.writer, context.settings)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", "backup", "daily", "--data", str(context.settings.data)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ["备份与恢复演练超时"]
    if done.returncode == 0:
        return []
    lines = [line.removeprefix("错误：") for line in done.stderr.strip().splitlines() if line.startswith("错误：")]
    return lines or [f"备份与恢复演练中断（退出码 {done.returncode}）"]
