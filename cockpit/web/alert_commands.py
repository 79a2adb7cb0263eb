"""The command `alert`: what stands, a round now, taking and silencing one, and a letter to try out the ways."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

import click

from cockpit.alerts import rules, store, watch
from cockpit.messages import receivers
from cockpit.messages.letter import Letter
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.store import app_db, audit
from warehouse.cli.main import data_option
from warehouse.core import units
from warehouse.core.errors import SourceDown, UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore


@click.group("alert", help="告警：列表、确认、静默、试发")
def alert() -> None:
    """The group; its verbs follow."""


@alert.command("list", help="列出未恢复的告警")
@data_option
def alert_list(data: Path) -> None:
    """What stands, urgent first; exits with 1 when an urgent one has not been taken."""
    settings = Settings.at(data)
    with app_db.said(settings.state):
        standing = store.standing(settings.state)
    for one in standing:
        since = fmt.clock(dt.datetime.fromtimestamp(one.since, units.SHANGHAI))
        taken = f"{one.taken_by} 已确认" if one.taken_at is not None else "未确认"
        click.echo(f"{one.id:>5}  {rules.GRADES[one.grade]}  {one.label}：{one.words}；{since} 起，{taken}")
    if not standing:
        click.echo("现在没有告警")
    sys.exit(1 if any(one.grade == "urgent" and one.taken_at is None for one in standing) else 0)


@alert.command("check", help="现在就巡视一轮（网页服务每半分钟自己巡视）")
@click.option("--in-place", is_flag=True, hidden=True)
@data_option
def alert_check(data: Path, in_place: bool) -> None:
    """One round; what could not be measured or delivered goes to stderr."""
    settings = Settings.at(data)
    with app_db.said(settings.state):
        lines = watch.once(settings, SnapshotStore(settings.data), in_place=in_place)
    for line in lines:
        click.echo(line, err=True)
    if lines:
        sys.exit(SourceDown.exit_code)


@alert.command("take", help="确认一个告警：有人在处理了")
@click.argument("number", type=int)
@data_option
def alert_take(number: int, data: Path) -> None:
    """Takes an alert in the operator's name."""
    settings = Settings.at(data)
    with app_db.said(settings.state):
        store.take(settings.state, number, audit.operator(), now=time.time())
    click.echo(f"已确认 {number}")


@alert.command("silence", help="一段时间内不通知某条规则（可只限一个对象）")
@click.argument("rule")
@click.option("--subject", default="", help="只限这个对象，如 gps_position；默认该规则的全部")
@click.option("--hours", type=click.FloatRange(0, 168, min_open=True), default=4.0, show_default=True, help="多少小时")
@click.option("--why", required=True, help="原因")
@data_option
def alert_silence(rule: str, subject: str, hours: float, why: str, data: Path) -> None:
    """Silences a rule in the operator's name."""
    settings = Settings.at(data)
    known = [one.id for one in rules.plan(settings).rules]
    if rule not in known:
        raise UsageError("没有这条告警规则", where=rule, to_do=f"可用：{'、'.join(known)}")
    now = time.time()
    with app_db.said(settings.state):
        store.silence(settings.state, rule, subject, now + hours * 3600, audit.operator(), why, now=now)
    click.echo(f"{rule} 静默到 {fmt.clock(dt.datetime.fromtimestamp(now + hours * 3600, units.SHANGHAI))}")


@alert.command("try", help="给一个收件方发一条试验消息")
@click.argument("receiver")
@data_option
def alert_try(receiver: str, data: Path) -> None:
    """Sends a letter that says it is a trial."""
    settings = Settings.at(data)
    post, known = receivers.configured(settings)
    to = next((one for one in known if one.name == receiver), None)
    if to is None:
        names = "、".join(one.name for one in known) or "还没有收件方"
        raise UsageError("没有这个收件方", where=receiver, to_do=f"delivery.toml 里的收件方：{names}")
    words = f"这是 {fmt.clock(units.now())} 发出的试验消息，收到即说明通路正常，不必处理。"
    letter = Letter(f"alert-try-{time.time_ns()}", f"{texts.BRAND}告警试发", words, (words,), stated={"kind": "try"})
    receivers.hand(post, to, letter, lambda: None)
    click.echo(f"已送达 {receiver}")
