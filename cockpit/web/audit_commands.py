"""The command `audit`: is the log whole, an anchor now, and what the loader does once a day. Owns words; the rules stand
in cockpit/store."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import click

from cockpit.messages import mail, receivers
from cockpit.presentation import texts
from cockpit.store import app_db, audit_anchor
from cockpit.store import audit as log
from cockpit.store.audit_anchor import Check
from warehouse.cli.main import data_option
from warehouse.core import units
from warehouse.core.errors import CockpitError, WarehouseBroken
from warehouse.core.settings import Settings

TO_DO = "请保全现场，以离机保存的锚和备份查明改动，再由备份恢复"


@click.group("audit", help="审计日志：核对、下锚")
def audit() -> None:
    """The group; its verbs follow."""


@audit.command("verify", help="核对整个日志：有没有改动、删除、调换、截尾或重写")
@click.option("--anchor", default="", help="另与这一条锚比对（邮件或系统日志里以 zhengbei-audit 开头的一行）")
@data_option
def verify(anchor: str, data: Path) -> None:
    """Says what does not fit; exits with an error when anything does not."""
    settings = Settings.at(data)
    _there(settings)
    with app_db.said(settings.state):
        check = audit_anchor.check(settings)
        faults = [*check.faults, *(audit_anchor.agrees(settings, anchor) if anchor else [])]
    if faults:
        raise WarehouseBroken("；".join(dict.fromkeys(faults)), where=str(settings.state), to_do=TO_DO)
    click.echo(f"日志完好，共 {check.count} 条")


@audit.command("anchor", help="现在下一个锚，并送往系统日志（如已设置）")
@data_option
def anchor(data: Path) -> None:
    """Prints the newest anchor."""
    settings = Settings.at(data)
    _there(settings)
    with app_db.said(settings.state):
        line, faults = audit_anchor.make(settings)
    click.echo(line or "日志还是空的")
    _complain(faults)


@audit.command("daily", help="每日一次：核对、下锚、寄锚（由装载进程运行）")
@data_option
def daily(data: Path) -> None:
    """What is wrong goes to stderr, one line each."""
    settings = Settings.at(data)
    if not settings.state.exists():
        return
    with app_db.said(settings.state):
        log.take_over(settings.state)
        check = audit_anchor.check(settings)
        line, faults = audit_anchor.make(settings)
    _complain([*check.faults, *faults, *_mailed(settings, check, line)])


def _there(settings: Settings) -> None:
    if not settings.state.exists():
        raise WarehouseBroken(
            "没有日志可以核对", where=str(settings.state), to_do="请核对 --data；确实不见了，请由备份恢复"
        )


def _mailed(settings: Settings, check: Check, line: str) -> Iterator[str]:
    """Sends the anchor to whom delivery.toml names; what went wrong."""
    try:
        found = receivers.anchors_to(settings)
        if found is None or not line:
            return
        post, to = found
        message = EmailMessage()
        day = dt.datetime.fromtimestamp(check.at, units.SHANGHAI)
        state = f"有 {len(check.faults)} 处不符" if check.faults else "完好"
        message["From"], message["To"] = post.sender, to
        message["Subject"] = f"{texts.BRAND}审计日志 {day:%Y-%m-%d}：{state}"
        head = f"核对 {check.count} 条，{state}。下面一行是日志此刻的锚，请保存；日后可用 audit verify --anchor 比对。"
        message.set_content("\n".join([head, *check.faults, "", line]))
        mail.hand_over(post, to, message)
    except CockpitError as error:
        yield f"审计日志的锚没有寄出：{error}"
    except OSError as error:
        yield f"审计日志的锚不能确定是否寄到：{type(error).__name__}"


def _complain(faults: list[str]) -> None:
    for fault in faults:
        click.echo(f"审计日志：{fault}", err=True)
    if faults:
        sys.exit(WarehouseBroken.exit_code)
