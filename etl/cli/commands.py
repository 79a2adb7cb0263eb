"""The verbs of the loading side: etl run | schedule | status | backfill | rebuild | replay, and demo. Owns words and
bars only."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from pathlib import Path

import click

from warehouse.cli.main import data_option
from warehouse.core.errors import Locked, UsageError
from warehouse.core.settings import Settings
from warehouse.query import data_quality


@click.group("etl")
def etl() -> None:
    """取数、装载、计算、发布。"""


@etl.command("run")
@click.argument("job", default="refresh")
@click.option("--full", is_flag=True, help="全部日期重新计算")
@click.option("--confirm-deletes", is_flag=True, help="确认来源确实大量删除（只用于 reconcile）")
@data_option
def run(job: str, full: bool, confirm_deletes: bool, data: Path) -> None:
    """立即运行一个任务，默认 refresh。

    可用的任务：refresh、live、nightly、backup、report、report_longer、overdue、send、audit、reconcile。"""
    from etl.cli import through_loader

    through_loader.do(Settings.at(data), "run", {"job": job, "full": full, "confirmed": confirm_deletes})


@etl.command("schedule")
@data_option
def schedule_(data: Path) -> None:
    """按计划持续运行（实时 30 秒、刷新 5 分钟、夜间整理、按时打印报告），直到收到停止信号。"""
    from etl.runtime.context import opened
    from etl.worker import scheduler
    from warehouse.core import log, safe_start, timetable

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger().handlers[0].setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    settings = Settings.at(data)
    timetable.of(settings)  # a wrong hour is said before a long recovery, not after it
    safe_start.begin(settings)
    log.begin(settings, log.LOADER)
    with opened(settings) as context:
        for note in context.notes:
            click.echo(f"注意：{note}", err=True)
        code = scheduler.serve(context)
    sys.exit(code)


@etl.command("status")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def status(as_json: bool, data: Path) -> None:
    """来源新鲜度、行数平衡、隔离与数据缺陷、下次打印报告的时间。装载进程运行时读最近快照。"""
    from etl.pipeline import status as report

    found = report.collect(Settings.at(data))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str) if as_json else report.text(found))


@etl.command("backfill")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="起始日（含）")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="截止日（含）")
@click.option("--who", default="", help="经办人，默认为当前系统账号")
@click.option("--why", default="补传重算", show_default=True, help="原因，随数据留存")
@data_option
def backfill(first: dt.datetime, last: dt.datetime, who: str, why: str, data: Path) -> None:
    """把一段日期重新打开：向来源重取起始日以来的行，装入冻结之后才到的行（谁、为什么，一并记录），重新计算并发布。"""
    from etl.cli import through_loader

    days = {"first": first.date().isoformat(), "last": last.date().isoformat(), "why": why}
    through_loader.do(Settings.at(data), "backfill", days, who=who)


@etl.command("review")
@click.option("--rule", default="", help="只看一条规则，如 D11")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def review(rule: str, as_json: bool, data: Path) -> None:
    """需要人工核对的清单：重复号牌、信用代码候选、认不出的企业写法、两数不一致等（不含个人）。"""
    from warehouse.core.data_rules import RULES, TREATMENTS
    from warehouse.query.scope import Scope
    from warehouse.query.snapshot_store import SnapshotStore

    if rule and rule not in RULES:
        raise UsageError(f"没有这条规则：{rule}", to_do=f"可用：{'、'.join(RULES)}")
    found = [
        item for item in data_quality.review(SnapshotStore(data).current(Scope.ALL)) if item["rule"] == rule or not rule
    ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for name in dict.fromkeys(item["rule"] for item in found):
        click.echo(f"{name} {RULES[name]}：{TREATMENTS[name]}")
        for item in found:
            if item["rule"] == name:
                click.echo(f"    {item['subject']}  {item['detail']}")
    if not found:
        click.echo("没有需要核对的")


@etl.group("quarantine")
def quarantine() -> None:
    """隔离：查看、导出更正、重放。"""


@quarantine.command("list")
@click.option("--table", default="", help="只看一张落地表，如 yz_vehicle")
@click.option("--limit", type=int, default=50, show_default=True, help="最多行数，0 为全部")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def quarantine_list(table: str, limit: int, as_json: bool, data: Path) -> None:
    """列出被隔离的行与原因（个人信息不显示）。"""
    from etl.cli import through_loader
    from etl.pipeline import correct

    with through_loader.alone(Settings.at(data), f"请在网页“隔离记录”查看与更正；或{through_loader.STOP}") as context:
        found = correct.rows(context.writer, table, limit)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    for item in [] if as_json else found:
        shown = "、".join(f"{name}={value}" for name, value in item["values"].items() if value is not None)
        click.echo(f"{item['seq']:>6} 行 {item['row']:<6} {item['table']:<18} {item['reason']}：{shown[:160]}")


@quarantine.command("export")
@click.option("--table", required=True, help="落地表，如 yz_vehicle")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="写到这个 CSV 文件")
@data_option
def quarantine_export(table: str, out: Path, data: Path) -> None:
    """导出一张表被隔离的行，供更正；个人信息留空，可以填入正确的值。"""
    from etl.cli import through_loader
    from etl.pipeline import correct

    with through_loader.alone(Settings.at(data), f"请在网页“隔离记录”查看与更正；或{through_loader.STOP}") as context:
        out.write_bytes(correct.export(context.writer, table))
    click.echo(f"已导出到 {out}；改正单元格后运行 etl quarantine fix {out} --why 原因")


@quarantine.command("fix")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--who", default="", help="经办人，默认为当前系统账号")
@click.option("--why", required=True, help="原因，随数据留存")
@data_option
def quarantine_fix(file: Path, who: str, why: str, data: Path) -> None:
    """读回更正后的 CSV：更正的行作为新的一批装入，原始数据不动；然后重新计算并发布。"""
    from etl.cli import through_loader
    from etl.jobs import on_demand
    from warehouse.ingest import filed_lists

    settings = Settings.at(data)
    sealed = filed_lists.seal(settings, on_demand.CORRECTIONS, file.read_bytes())
    through_loader.do(settings, "fix", {"why": why}, who=who, body=sealed)


@quarantine.command("acknowledge")
@click.argument("seqs", type=int, nargs=-1, required=True, metavar="序号…")
@click.option("--who", default="", help="经办人，默认为当前系统账号")
@click.option("--why", required=True, help="原因，随数据留存")
@data_option
def quarantine_acknowledge(seqs: tuple[int, ...], who: str, why: str, data: Path) -> None:
    """知道了：这些整份未装载的原始数据不再处理，不再计为待处理；原始数据保留，谁、何时、为什么一并留存。"""
    from etl.cli import through_loader

    through_loader.do(Settings.at(data), "acknowledge", {"seqs": list(seqs), "why": why}, who=who)


@etl.command("rebuild")
@data_option
def rebuild(data: Path) -> None:
    """只凭原始数据（landing）重建数据仓库；原仓库改名保留。"""
    from etl.cli import through_loader
    from etl.jobs import refresh
    from etl.pipeline import intake
    from etl.runtime.context import held
    from etl.runtime.progress import bar
    from warehouse.publish import recover

    settings = Settings.at(data)
    try:
        with held(settings.lock):
            recover.set_aside(settings)
    except Locked as error:
        raise Locked(error.what, where=error.where, to_do=through_loader.STOP) from None
    with bar() as progress, through_loader.alone(settings, progress=progress) as context:
        count = intake.pending(context)
        generation = refresh.publish(context, full=True)
    click.echo(f"由 {count} 份原始数据重建，已发布快照 {generation}")


@etl.command("replay")
@click.option("--seq", type=int, help="只重放这个序号；默认重放所有被整份拒绝的原始数据")
@click.option("--confirm-deletes", is_flag=True, help="确认这份全量清单里大批消失的确已不在（须写明 --seq）")
@data_option
def replay(seq: int | None, confirm_deletes: bool, data: Path) -> None:
    """用现行映射重新装载被拒绝的原始数据，然后重新计算并发布。"""
    from etl.cli import through_loader

    if confirm_deletes and seq is None:
        raise UsageError("--confirm-deletes 需要写明 --seq", to_do="序号见 etl status 或网页“隔离记录”")
    through_loader.do(Settings.at(data), "replay", {"seq": seq, "confirmed": confirm_deletes})


@click.command("demo")
@click.option("--port", type=int, default=8050, show_default=True, help="驾驶舱端口")
@click.option("--scale", type=int, default=2000, show_default=True, help="演示车辆数，如 6000、15000")
@click.option("--no-browser", is_flag=True, help="不打开浏览器")
@click.option("--once", is_flag=True, help="只做一次完整装载与发布后退出")
@click.option("--clock", default="", help="演示时钟从这个时刻走起，如 14:05（夜间演示白天的画面）")
@data_option
def demo(port: int, scale: int, no_browser: bool, once: bool, clock: str, data: Path) -> None:
    """演示：启动替身来源系统，装载、发布并打开驾驶舱；所有画面标明“演示数据”。"""
    from etl.cli import demonstration

    demonstration.run(Settings.at(data), port=port, scale=scale, browser=not no_browser, once=once, clock=clock)
