"""./zhengbei user …: accounts from the command line of the server, the same deeds as on the page 账号管理. Who stands
here can read and write the data folder, so it is also how the first security administrator comes to be."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

import click

from cockpit.identity import accounts, password_links, rights, second_factor, sessions
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from warehouse.cli.main import data_option
from warehouse.core.settings import Settings

ROLE = click.Choice(rights.PEOPLE)


@click.group("user", help="账号：新增、改密码、改角色与范围、停用与启用、重置动态码、解锁、列表")
def user() -> None:
    """Accounts of people."""


def _password(given: bool) -> str:
    """From standard input (for scripts) or twice by hand; never from the command line, where others can see it."""
    if given:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("密码（至少 12 位）", hide_input=True, confirmation_prompt="再次输入"))


@user.command("add", help="新增账号")
@click.argument("name")
@click.option("--role", type=ROLE, required=True, help="角色")
@click.option("--display", default="", help="显示名，如 张**")
@click.option("--password-stdin", is_flag=True, help="从标准输入读取密码")
@click.option("--invite", is_flag=True, help="不设密码，输出一个由本人设置密码的一次性链接")
@data_option
def user_add(name: str, role: str, display: str, password_stdin: bool, invite: bool, data: Path) -> None:
    """Creates an account."""
    file = Settings.at(data).state
    accounts.add(file, name, None if invite else _password(password_stdin), role, display)
    click.echo(f"已新增账号 {name}（{texts.ROLES[role]}）")
    if invite:
        _link(file, name)


@user.command("passwd", help="改密码（同时退出该账号的所有登录）")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="从标准输入读取密码")
@data_option
def user_passwd(name: str, password_stdin: bool, data: Path) -> None:
    """Changes a password."""
    accounts.set_password(Settings.at(data).state, name, _password(password_stdin))
    click.echo(f"已更改 {name} 的密码")


@user.command("reset", help="作废密码，输出一个由本人设置新密码的一次性链接（24 小时内有效）")
@click.argument("name")
@data_option
def user_reset(name: str, data: Path) -> None:
    """Withdraws a password and prints the path where a new one is set."""
    _link(Settings.at(data).state, name)


def _link(file: Path, name: str) -> None:
    click.echo(f"/password/{password_links.issue(file, name)}")


@user.command("role", help="改角色（同时退出该账号的所有登录）")
@click.argument("name")
@click.argument("role", type=ROLE)
@data_option
def user_role(name: str, role: str, data: Path) -> None:
    """Changes a role."""
    accounts.set_role(Settings.at(data).state, name, role)
    click.echo(f"已将 {name} 改为 {texts.ROLES[role]}")


@user.command("scope", help="设定镇街与企业范围（代码；都不写为全部）")
@click.argument("name")
@click.option("--town", "towns", multiple=True, help="镇街代码，可写多次")
@click.option("--company", "companies", multiple=True, help="企业统一社会信用代码，可写多次")
@data_option
def user_scope(name: str, towns: tuple[str, ...], companies: tuple[str, ...], data: Path) -> None:
    """Limits an account to places."""
    accounts.set_scope(Settings.at(data).state, name, towns, companies)
    click.echo(f"已设定 {name} 的范围：{_scope(towns, companies)}")


@user.command("disable", help="停用账号")
@click.argument("name")
@data_option
def user_disable(name: str, data: Path) -> None:
    """Ends an account."""
    accounts.disable(Settings.at(data).state, name)
    click.echo(f"已停用 {name}")


@user.command("enable", help="启用已停用或满 90 天未登录的账号")
@click.argument("name")
@data_option
def user_enable(name: str, data: Path) -> None:
    """Opens an account again."""
    accounts.enable(Settings.at(data).state, name)
    click.echo(f"已启用 {name}")


@user.command("unlock", help="解除连续输错造成的锁定")
@click.argument("name")
@data_option
def user_unlock(name: str, data: Path) -> None:
    """Ends a lock."""
    accounts.unlock(Settings.at(data).state, name)
    click.echo(f"已解锁 {name}")


@user.command("factor", help="重置动态码（手机遗失时；下次登录重新绑定）")
@click.argument("name")
@data_option
def user_factor(name: str, data: Path) -> None:
    """Takes a second factor away."""
    second_factor.reset(Settings.at(data).state, name)
    click.echo(f"已重置 {name} 的动态码")


@user.command("link", help="取一个只能用一次的登录链接（10 分钟内、只限本机）")
@click.option("--role", type=ROLE, default="leader", show_default=True, help="以什么角色登录")
@data_option
def user_link(role: str, data: Path) -> None:
    """Prints the path of a one-time link."""
    click.echo(f"/enter/{sessions.create_one_time_link(Settings.at(data).state, role=role)}")


@user.command("list", help="列出账号")
@data_option
def user_list(data: Path) -> None:
    """All accounts, one a line, and which kind of administrator is lacking."""
    found, now = accounts.everyone(Settings.at(data).state), time.time()
    for one in found:
        seen = (
            "从未登录" if one.seen_at is None else f"最近 {fmt.clock(dt.datetime.fromtimestamp(one.seen_at, dt.UTC))}"
        )
        code = "已绑动态码" if one.has_factor else "未绑动态码" if one.role in rights.TWO_FACTORS else ""
        words = [
            texts.ROLES.get(one.role, one.role),
            one.display,
            texts.ACCOUNT_STATES[one.state(now)],
            seen,
            _scope(one.towns, one.companies),
            code,
        ]
        click.echo(f"{one.name:<20}{'  '.join(filter(None, words))}")
    for role in accounts.lacking(found, now):
        click.echo(f"还没有可用的{texts.ROLES[role]}账号：./zhengbei user add <账号> --role {role}", err=True)


def _scope(towns: tuple[str, ...], companies: tuple[str, ...]) -> str:
    if not towns and not companies:
        return "范围：全部"
    return f"范围：镇街 {'、'.join(towns) or '全部'}，企业 {'、'.join(companies) or '全部'}"
