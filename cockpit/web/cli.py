"""The cockpit's verbs: serve, screen, and user, which has a module of its own; report has a package."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from cockpit.identity import sessions
from cockpit.presentation import format, texts
from cockpit.store import audit
from cockpit.wall import direction
from cockpit.web.user_commands import user
from warehouse.cli.main import data_option
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings

__all__ = ["screen", "serve", "user"]

TIMEOUT_S = 30
RENEW_AFTER = 5000


def gunicorn_command(host: str, port: int, workers: int, renew_after: int) -> list[str]:
    """The server process. What a worker is, and when another takes its place, is said in worker.py and renewal.py."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "cockpit.web.app:from_env()",
        "--bind",
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "--workers",
        str(workers),
        "--worker-class",
        "cockpit.web.worker.BufferingWorker",
        "--timeout",
        str(TIMEOUT_S),
        "--max-requests",
        str(renew_after),
        "--max-requests-jitter",
        str(renew_after // 5),
        "--graceful-timeout",
        "10",
        "--log-level",
        "warning",
    ]


@click.command("serve", help="启动网页、大屏与接口（前台运行，Ctrl-C 停止）")
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址")
@click.option("--port", type=click.IntRange(1, 65535), default=8050, show_default=True, help="监听端口")
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="工作进程数")
@click.option(
    "--renew-after",
    type=click.IntRange(1),
    default=RENEW_AFTER,
    show_default=True,
    help="一个工作进程应答登录者这么多次后换新（另加至多两成，各不相同）",
)
def serve(data: Path, host: str, port: int, workers: int, renew_after: int) -> None:
    """Replaces this process by the web server."""
    from cockpit.store import app_db, audit_anchor
    from cockpit.web import app
    from warehouse.catalog import announcement
    from warehouse.core import safe_start

    # fail here with one sentence, not later in every worker with a trace or on a page
    announcement.facts()
    settings = Settings.at(data)
    safe_start.begin(settings)
    app.create_app(settings)
    with app_db.said(settings.state):
        audit.take_over(settings.state)
        problems = audit_anchor.make(settings)[1]
    for line in problems:
        click.echo(f"注意：{line}", err=True)
    click.echo(f"{texts.BRAND}：http://{host}:{port}/  数据：{data}")
    sys.stdout.flush()
    os.execve(
        sys.executable, gunicorn_command(host, port, workers, renew_after), {**os.environ, "ZHENGBEI_DATA": str(data)}
    )


@click.group("screen", help="大屏：登记、列表、撤销")
def screen() -> None:
    """Wall devices."""


@screen.command("add", help="登记一块大屏，输出只显示一次的登录地址")
@click.argument("name")
@click.option("--network", default="", help="只允许从这个地址或网段登录，如 10.20.30.0/24（默认：首次登录时所在网段）")
@data_option
def screen_add(name: str, network: str, data: Path) -> None:
    """Registers a wall and prints the path it must open once."""
    token = sessions.create_device(Settings.at(data).state, name, by=audit.operator(), network=network)
    click.echo(f"/wall/{name}?token={token}")


@screen.command("list", help="列出大屏")
@data_option
def screen_list(data: Path) -> None:
    """All walls with their last sign of life and how they turn."""
    settings = Settings.at(data)
    director = direction.Director(settings)
    for one in sessions.devices(settings.state):
        seen = datetime.fromtimestamp(one["seen_at"], UTC) if one["seen_at"] else None
        state = "已撤销" if one["revoked_at"] else ("在用" if seen else "未登录")
        stored = director.plan(one["screen"])
        turns = f"{','.join(stored.plan.scenes)} 每 {stored.plan.dwell_s:g} 秒{'  分组 ' + stored.group if stored.group else ''}"
        click.echo(
            f"{one['id']:>4}  {one['screen']:<16}{state}  最近 {format.clock(seen)}  {one['network'] or ''}  {turns}"
        )


@screen.command("set", help="设置一块大屏（或它的分组）如何轮播、何时被报警打断")
@click.argument("name")
@click.option("--scenes", default=None, help=f"轮播顺序，逗号分隔：{','.join(texts.SCENES)}")
@click.option("--dwell", type=float, default=None, help="每个场景停留的秒数（默认 30）")
@click.option("--group", default=None, help="加入分组，同组的屏一起轮播、一起遥控；写空串退出分组")
@click.option("--urgent-level", type=int, default=None, help="这一级及以上的报警打断画面（默认 2;0 表示从不打断）")
@click.option("--urgent-seconds", type=float, default=None, help="打断显示的秒数（默认 90）")
@click.option("--quiet-seconds", type=float, default=None, help="一次打断后多少秒内不再打断（默认 300）")
@data_option
def screen_set(
    name: str,
    scenes: str | None,
    dwell: float | None,
    group: str | None,
    urgent_level: int | None,
    urgent_seconds: float | None,
    quiet_seconds: float | None,
    data: Path,
) -> None:
    """Changes the plan of a screen or of the group it is in."""
    given = {
        "scenes": None if scenes is None else [one.strip() for one in scenes.split(",") if one.strip()],
        "dwell_s": dwell,
        "urgent_level": urgent_level,
        "urgent_s": urgent_seconds,
        "quiet_s": quiet_seconds,
    }
    stored = direction.Director(Settings.at(data)).configure(
        name, by=audit.operator(), group=group, **{key: value for key, value in given.items() if value is not None}
    )
    click.echo(
        f"{stored.target}：{','.join(stored.plan.scenes)} 每 {stored.plan.dwell_s:g} 秒；"
        f"{stored.plan.urgent_level} 级及以上报警打断 {stored.plan.urgent_s:g} 秒，其后 {stored.plan.quiet_s:g} 秒内不再打断"
    )


@screen.command("revoke", help="撤销一块大屏")
@click.argument("number", type=int)
@data_option
def screen_revoke(number: int, data: Path) -> None:
    """Withdraws a wall; its next request is refused."""
    if not sessions.revoke_device(Settings.at(data).state, number, by=audit.operator()):
        raise UsageError("没有这块在用的大屏", where=str(number), to_do="请用 screen list 查看编号")
    click.echo(f"已撤销大屏 {number}")
