"""The command `token`: what the page 接口令牌 does, for the command line. Owns words; the rules stand in tokens.py."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import click

from cockpit.identity import tokens
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.store import app_db
from warehouse.cli.main import data_option
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings


@click.group("token", help="接口令牌：新发、列表、撤销")
def token() -> None:
    """The group; its verbs follow."""


@token.command("add", help="给一个系统发令牌，只显示这一次")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, tokens.MOST_DAYS), default=90, show_default=True, help="有效天数")
@data_option
def token_add(name: str, days: int, data: Path) -> None:
    """Prints the token alone, so that a script can take it."""
    file = Settings.at(data).state
    with app_db.said(file):
        click.echo(tokens.issue(file, name, days))


@token.command("list", help="列出令牌：给谁、何时到期、最近一次使用")
@data_option
def token_list(data: Path) -> None:
    """Newest first; the tokens themselves are nowhere."""
    file, now = Settings.at(data).state, time.time()
    with app_db.said(file):
        listed = tokens.every(file)
    for one in listed:
        words = (texts.TOKEN_STATES[one.state(now)], f"{_clock(one.expires_at)} 到期")
        used = f"最近使用 {_clock(one.seen_at)}" if one.seen_at else "没有用过"
        click.echo(f"{one.id:>4}  {one.name}  {'，'.join((*words, used))}")


@token.command("revoke", help="撤销令牌，立即生效")
@click.argument("number", type=int)
@data_option
def token_revoke(number: int, data: Path) -> None:
    """Takes the number that `token list` shows."""
    file = Settings.at(data).state
    with app_db.said(file):
        is_done = tokens.revoke(file, number)
    if not is_done:
        raise UsageError("没有这个有效的令牌", where=str(number), to_do="编号见 ./zhengbei token list")
    click.echo(f"已撤销令牌 {number}")


def _clock(seconds: float) -> str:
    return fmt.clock(dt.datetime.fromtimestamp(seconds, dt.UTC))
