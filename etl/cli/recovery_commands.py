"""The verbs backup and restore. Owns words and bars; the rules stand in etl/recovery."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from warehouse.cli.main import data_option
from warehouse.core.errors import BackupFailed, Locked
from warehouse.core.settings import Settings

T = TypeVar("T")
AGAIN_S = 1.0
TO = click.option("--to", multiple=True, help="备份位置，代替 zhengbei.toml 里的 to；可写几个")
KEY = click.option("--key", default="", help="备份密钥文件，代替 zhengbei.toml 里的 key")


@click.group("backup", invoke_without_command=True)
@TO
@KEY
@data_option
@click.pass_context
def backup(context: click.Context, to: tuple[str, ...], key: str, data: Path) -> None:
    """备份：不停机，加密，只存新的内容；写到 zhengbei.toml 的 [backup] 所写的每一处。"""
    if context.invoked_subcommand:
        return
    from etl.recovery import routine
    from etl.runtime.progress import bar
    from warehouse.core import backup_report

    settings = Settings.at(data)
    places = routine.stores(settings, to, key)
    with bar() as progress:
        taken = _in_turn(lambda: routine.take(settings, places, progress))
    for one in taken:
        click.echo(f"{one.stamp}：{one.files} 个文件，共 {one.size / 2**20:.1f} MB，新存入 {one.added / 2**20:.1f} MB")
    _complain(backup_report.read(settings).problems)


@backup.command("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def key_(file: Path) -> None:
    """造一把备份密钥，写到数据文件夹以外的这个文件。请打印后离机保管：没有它，备份打不开。"""
    from etl.recovery import backup_key

    made = backup_key.create(file)
    click.echo(f"已写到 {file}，公钥 {made.recipient}\n请打印该文件、离机保管，再在 zhengbei.toml 的 [backup] 写 key")


@backup.command("list")
@TO
@KEY
@data_option
def list_(to: tuple[str, ...], key: str, data: Path) -> None:
    """列出备份：时间、文件数、大小、演练过没有。"""
    from etl.recovery import backup as backups
    from etl.recovery import routine

    for store in routine.stores(Settings.at(data), to, key):
        click.echo(store.shown)
        proven = store.proven()
        for stamp in store.stamps():
            try:
                manifest = backups.read(store, stamp)
                stated = f"{len(manifest.pieces)} 个文件  {manifest.size / 2**20:.1f} MB  版本 {manifest.release}"
            except BackupFailed as error:
                stated = str(error)
            click.echo(f"    {stamp}  {stated}{'  演练无误' if stamp in proven else ''}")


@backup.command("drill")
@TO
@KEY
@data_option
def drill(to: tuple[str, ...], key: str, data: Path) -> None:
    """恢复演练：把最近一份备份恢复到临时文件夹，逐个核对，打开数据仓库与状态文件比对，然后删去。"""
    from etl.recovery import routine
    from etl.runtime.progress import bar

    settings = Settings.at(data)
    places = routine.stores(settings, to, key)
    with bar() as progress:
        problems = _in_turn(lambda: routine.drill(settings, places, progress))
    _complain(problems)
    click.echo("演练无误：每个文件的校验和、数据表、状态文件、快照都与备份时相同")


@backup.command("daily")
@data_option
def daily(data: Path) -> None:
    """每日一次：备份并演练（由装载进程运行）；当天已做过的不再做。"""
    from etl.recovery import routine
    from etl.runtime.progress import bar

    with bar() as progress:
        problems = routine.daily(Settings.at(data), progress)
    _complain(problems)


@click.command("restore")
@click.argument("where")
@click.option(
    "--at", default="", help="恢复到这个时刻为止最近的一份，如 2026-11-23 或 2026-11-23T02:30；默认最近的一份"
)
@click.option("--key", default="", help="备份密钥文件，默认取 zhengbei.toml 里的 key")
@click.option("--skip-damaged", is_flag=True, help="缺少或损坏的文件跳过并列出，其余照常恢复")
@data_option
def restore(where: str, at: str, key: str, skip_damaged: bool, data: Path) -> None:
    """由备份恢复：WHERE 是备份位置；--data 是一个空的或还没有的文件夹。每个文件都核对校验和，不符就不算恢复成功。"""
    from etl.recovery import backup_key, routine
    from etl.recovery import restore as restoring
    from etl.runtime.progress import bar

    settings = Settings.at(data)
    store = routine.opened(where, backup_key.read(Path(key or settings.options.backup.key).expanduser()), settings)
    stamp = restoring.choose(store, at)
    with bar() as progress:
        manifest, damaged = restoring.restore(store, stamp, data, progress, skip_damaged=skip_damaged)
    click.echo(
        f"已恢复 {stamp} 的备份到 {data}：{len(manifest.pieces) - len(damaged)} 个文件，{manifest.size / 2**20:.1f} MB，"
        + ("校验和全部正确\n" if not damaged else f"校验和正确；另有 {len(damaged)} 个缺失或损坏，没有恢复\n")
        + "接着：把文件夹的属主改为服务账号，运行 ./zhengbei doctor，再启动装载与网页；"
        "备份之后才装入的原始数据与没有备份的部分（实时画面、其余快照），装载进程启动时自动补齐"
    )
    for line in damaged:
        click.echo(f"注意：{line}", err=True)
    sys.exit(BackupFailed.exit_code if damaged else 0)


def _in_turn(act: Callable[[], T]) -> T:
    """What `act` returns, once whatever backup or drill is under way is over: the loader makes its own every day, and
    whoever asks for one by hand is not to try again and again."""
    is_new = True
    while True:
        try:
            return act()
        except Locked as busy:
            if is_new:
                click.echo(f"{busy.what}，等它结束…", err=True)
            is_new = False
            time.sleep(AGAIN_S)


def _complain(problems: list[str]) -> None:
    for problem in problems:
        click.echo(f"错误：{problem}", err=True)
    if problems:
        sys.exit(BackupFailed.exit_code)
