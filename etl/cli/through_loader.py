"""A command that wants something done: by itself where the data folder is free, by the running loader where that holds it,
with its progress and its outcome on this terminal. Owns the waiting; what is done is etl.jobs.on_demand."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from etl.jobs import on_demand
from etl.jobs.on_demand import Outcome
from etl.pipeline import intake
from etl.runtime.context import Context, Progress, opened, silent
from etl.runtime.progress import bar
from warehouse.core import beats, request_queue
from warehouse.core.errors import Locked
from warehouse.core.settings import Settings

LOOK_S = 0.5
STOP = "请先停止装载服务（systemctl stop zhengbei-etl），做完再启动它"


def do(settings: Settings, kind: str, details: dict[str, Any], *, who: str = "", body: bytes | None = None) -> None:
    """Does it, tells what came of it and ends the process with its exit code. body: sealed. Raises what the act raises,
    Locked when something else than a loader that listens has the data folder."""
    person = who or getpass.getuser()
    try:
        with bar() as progress, opened(settings, progress=progress) as context:
            intake.pending(context)
            outcome = on_demand.ACTS[kind](context, details, person, body)
            for note in context.notes:
                click.echo(f"注意：{note}", err=True)
    except Locked as error:
        _listening(settings, error)
        outcome = _handed_over(settings, kind, details, person, body)
    for problem in outcome.problems:
        click.echo(f"注意：{problem}", err=True)
    click.echo(outcome.text + (f"，{len(outcome.problems)} 处有问题" if outcome.problems and kind != "fix" else ""))
    sys.exit(outcome.code)


@contextmanager
def alone(settings: Settings, to_do: str = STOP, *, progress: Progress = silent) -> Iterator[Context]:
    """The data folder for what only a process that has it to itself can do. Raises Locked with what to do instead."""
    with ExitStack() as stack:
        try:
            context = stack.enter_context(opened(settings, progress=progress))
        except Locked as error:
            raise Locked(error.what, where=error.where, to_do=to_do) from None
        yield context


def _listening(settings: Settings, error: Locked) -> None:
    """Raises the error where whoever has the data folder takes no requests."""
    silence = beats.silent_s(settings.state, beats.LOADER)
    if silence is None or silence > beats.SILENT_S:
        to_do = "占用者是另一个命令，不是装载服务：请等它结束后再试；它若已没有响应，请停止该进程"
        raise Locked(error.what, where=error.where, to_do=to_do) from None


def _handed_over(settings: Settings, kind: str, details: dict[str, Any], who: str, body: bytes | None) -> Outcome:
    """Puts the request into the queue and waits until it is done, however long: a rebuild of many days is hours."""
    number = request_queue.ask(settings.state, kind, details, f"{who}（命令行）", time.time(), body=body)
    click.echo(f"装载进程正在运行，已交给它办理（第 {number} 号请求）…", err=True)
    last = ""
    try:
        while True:
            one = request_queue.one(settings.state, number)
            if one.state in ("done", "failed"):
                failed = one.state == "failed"
                return Outcome("未完成" if failed else one.message, _problems(one, failed=failed), one.code)
            stated = one.progress or request_queue.STATES[one.state]
            if stated != last:
                click.echo(f"  {stated}", err=True)
                last = stated
            silence = beats.silent_s(settings.state, beats.LOADER)
            if silence is None or silence > beats.SILENT_S:
                raise Locked(
                    f"装载进程已没有响应，第 {number} 号请求还没有办完",
                    to_do="请查看装载服务（systemctl status zhengbei-etl）；它恢复后会接着办，结果见网页“数据健康”",
                )
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        click.echo(f"第 {number} 号请求仍在装载进程里继续，结果见网页“数据健康”", err=True)
        raise


def _problems(one: request_queue.Request, *, failed: bool) -> list[str]:
    return [one.message] if failed else one.problems
