"""`zhengbei demo`: stand-in sources, a first load, the scheduler and the web server, each a process of its own, until
Ctrl-C.

Owns the lives of these processes and nothing else; the product side is exactly what serves a real bureau."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator

import click

from etl.jobs import registry
from etl.pipeline import intake
from etl.runtime.context import Progress, opened
from etl.runtime.progress import bar
from etl.sources import files
from warehouse.core import safe_start
from warehouse.core.errors import SourceDown, UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import snapshot

READY_S = 240


def run(settings: Settings, *, port: int, scale: int, browser: bool, once: bool, clock: str) -> None:
    """Runs the demo. Raises UsageError for a port in use, SourceDown when the stand-ins do not come up."""
    _shift_clock(clock)
    if not once and _in_use(port):
        raise UsageError(f"端口 {port} 已被占用", to_do="请换一个端口：./zhengbei demo --port 8051")
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    _relax(settings)
    _allow_root()
    with contextlib.ExitStack() as stack:
        with bar() as progress:
            stack.enter_context(_sources(settings, scale, progress))
            first = snapshot.current(settings) is None
            if first or once:
                problems = _load(settings, progress)
                for line in problems:
                    click.echo(f"注意：{line}", err=True)
        if once:
            click.echo(f"已装载并发布快照 {snapshot.current(settings)}（演示数据）")
            return
        stack.enter_context(
            _restarting(
                "装载进程", [sys.executable, "-m", "warehouse", "etl", "schedule", "--data", str(settings.data)]
            )
        )
        web = stack.enter_context(
            _child(
                [sys.executable, "-m", "warehouse", "serve", "--port", str(port), "--data", str(settings.data)],
            )
        )
        _wait_for(port, web)
        link = f"http://127.0.0.1:{port}{_link(settings)}"
        click.echo(
            f"\n正北数字驾驶舱（演示数据）\n  浏览器  {link}\n  大屏    http://127.0.0.1:{port}/wall/main（同一浏览器登录后打开）\n"
            "  链接 10 分钟内有效，只能用一次；再取一个：./zhengbei user link\n"
            "  演示不启用动态码；正式环境默认启用，见 cockpit/deploy/README.md\n按 Ctrl-C 停止。"
        )
        if browser:
            webbrowser.open(link)
        _until_stopped(web)


def _relax(settings: Settings) -> None:
    """A demonstration goes without the second factor: accounts that are tried out in it need no telephone. What somebody
    has written in zhengbei.toml stays."""
    file = settings.data / "zhengbei.toml"
    if not file.exists():
        file.write_text("# 演示用的设置；正式环境请删去这一行，动态码默认启用\nsecond_factor = false\n", "utf-8")


def _allow_root() -> None:
    """A demonstration is often tried out as root; nothing real is in it."""
    if os.geteuid() == 0:
        os.environ[safe_start.ALLOW_ROOT] = "1"
        click.echo("注意：正以 root 运行，只供演示；正式运行请按部署手册建立专用账号", err=True)


def _shift_clock(clock: str) -> None:
    if not clock:
        return
    try:
        wanted = dt.time.fromisoformat(clock)
    except ValueError as error:
        raise UsageError(f"看不懂的时刻：{clock}", to_do="写成 14:05") from error
    now = dt.datetime.now(SHANGHAI)
    shift = (dt.datetime.combine(now.date(), wanted, SHANGHAI) - now).total_seconds()
    os.environ["ZHENGBEI_CLOCK_SHIFT_S"] = str(round(shift if shift <= 0 else shift - 86400))


@contextlib.contextmanager
def _sources(settings: Settings, scale: int, progress: Progress) -> Iterator[None]:
    folder = settings.data / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "endpoints.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "etl.demo", "--dir", str(folder), "--scale", str(scale)]
    with _child(command, quiet=True) as child:
        started = time.monotonic()
        while not ready.exists():
            waited = int(time.monotonic() - started)
            if child.poll() is not None or waited > READY_S:
                raise SourceDown(
                    "演示用的替身来源没有启动", where=str(folder), to_do=f"请查看 {folder / 'sources.log'}"
                )
            progress("准备演示来源（13 个月的历史）", waited, 0)
            time.sleep(0.2)
        write_endpoints(settings, json.loads(ready.read_text("utf-8")))
        yield


def write_endpoints(settings: Settings, found: dict[str, str]) -> None:
    """Tells the product where the stand-ins are, in the file and the words in which a bureau would."""
    quoted = {key: json.dumps(value) for key, value in found.items() if isinstance(value, str)}
    http = f"url = {quoted['http']}\nclient_id = {quoted['client_id']}\nclient_secret = {quoted['client_secret']}\n"
    drop = f"drop = {quoted['drop']}\n"
    sections = {"yz": f"dsn = {quoted['registry_dsn']}\n", "pj": f"dsn = {quoted['digital_dsn']}\n"}
    sections |= (
        dict.fromkeys(("gps", "rdm", "as"), http + drop)
        | dict.fromkeys(("ext", "mp"), http)
        | dict.fromkeys(("pb", "un", "st", "wf", "hn"), drop)
    )
    text = "is_demo = true\n" + "".join(f"\n[{source}]\n{where}" for source, where in sections.items())
    aside = settings.sources.with_suffix(".tmp")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(aside, settings.sources)


def _load(settings: Settings, progress: Progress) -> list[str]:
    with opened(settings, progress=progress) as context:
        intake.pending(context)
        time.sleep(files.SETTLE_S)  # the stand-ins' last file must have come to rest to be read in this first round
        problems = registry.run_once(context, registry.job("live"))
        return problems + registry.run_once(context, registry.job("refresh"))


@contextlib.contextmanager
def _child(command: list[str], *, quiet: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    out = subprocess.DEVNULL if quiet else None
    child = subprocess.Popen(command, stdout=out, start_new_session=True, env=os.environ.copy())
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


@contextlib.contextmanager
def _restarting(label: str, command: list[str]) -> Iterator[None]:
    """A child that is started again when it ends, as systemd does in a real installation."""
    over = threading.Event()

    def keep() -> None:
        while not over.is_set():
            with _child(command) as child:
                while child.poll() is None and not over.wait(0.5):
                    pass
            if not over.is_set():
                click.echo(f"{label}意外退出（{child.returncode}），3 秒后重新启动", err=True)
                over.wait(3)

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if _in_use(port):
            return
        if child.poll() is not None:
            break
        time.sleep(0.1)
    raise SourceDown("网页服务没有启动", to_do="请运行 ./zhengbei doctor")


def _link(settings: Settings) -> str:
    command = [sys.executable, "-m", "warehouse", "user", "link", "--data", str(settings.data)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]


def _until_stopped(web: subprocess.Popen[bytes]) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    with contextlib.suppress(KeyboardInterrupt):
        while web.poll() is None:
            time.sleep(0.5)
    click.echo("正在停止 …")
