"""`python -m etl.demo`: prepare a demo folder, serve it until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path

from etl.demo.server import runner
from etl.demo.world import clock
from etl.demo.world.world import HISTORY_DAYS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m etl.demo", description="正北数字驾驶舱的模拟源系统")
    parser.add_argument("--dir", type=Path, required=True, help="数据目录")
    parser.add_argument("--scale", type=int, default=runner.DEFAULT_SCALE, help="营运货车数")
    parser.add_argument("--seed", type=int, default=runner.DEFAULT_SEED, help="随机种子")
    parser.add_argument("--port", type=int, default=0, help="HTTP 端口, 0 为沿用上次或自动选择")
    parser.add_argument("--registry-dsn", help="道路运政数据库的 SQLAlchemy 地址, 默认为目录内的 SQLite")
    parser.add_argument("--now", type=datetime.fromisoformat, help="把时钟固定在这一刻 (ISO8601, 缺省时区为北京时间)")
    parser.add_argument("--files-only", action="store_true", help="只生成数据, 不启动服务")
    parser.add_argument("--clean", action="store_true", help="不埋入数据缺陷")
    parser.add_argument("--history-days", type=int, default=HISTORY_DAYS, help="历史天数")
    return parser.parse_args()


def main() -> int:
    """Run the command; returns the process exit code."""
    requested = _arguments()
    now = (
        requested.now if requested.now is None or requested.now.tzinfo else requested.now.replace(tzinfo=clock.SHANGHAI)
    )
    is_terminal = sys.stderr.isatty()

    def progress(label: str, done: int, total: int) -> None:
        print(
            f"\r正在准备 {label} {done}/{total}    " if is_terminal else f"正在准备 {label} {done}/{total}",
            end="" if is_terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    try:
        runner.prepare(
            requested.dir,
            requested.scale,
            requested.seed,
            now,
            progress,
            requested.registry_dsn,
            requested.clean,
            requested.history_days,
        )
        if requested.files_only:
            print(f"模拟源系统的数据已就绪: {requested.dir}")
            return 0
        server = runner.serve(
            requested.dir, clock.frozen(now) if now else clock.system_clock, requested.port, requested.registry_dsn
        )
    except (ValueError, OSError) as error:
        print(f"无法启动模拟源系统: {error}", file=sys.stderr)
        return 2
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    print(f"模拟源系统已就绪: {server.url} (规模 {requested.scale}, 数据目录 {requested.dir})", flush=True)
    over.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
