"""The verbs source list and source test. Owns the words in which a trial is told on a terminal; the trial itself is
etl.pipeline.trial."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from warehouse.cli.main import data_option
from warehouse.core import trial_report
from warehouse.core.settings import Settings
from warehouse.core.trial_report import TableTrial, Trial

LISTED = 12
"""Names that are told one by one before they are only counted."""


@click.group("source")
def source() -> None:
    """接入来源：查看、试连。"""


@source.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def list_(as_json: bool, data: Path) -> None:
    """列出全部来源：未接入、已接入或描述有误，用什么方式，有哪些表，数据到何时。"""
    from etl.pipeline import connections

    found = connections.every(Settings.at(data))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2, default=str))
        return
    for one in found:
        ways = "、".join(one.ways) or "–"
        newest = f"{one.newest:%Y-%m-%d %H:%M}" if one.newest else "还没有数据"
        click.echo(f"{one.state}  {one.source:<4} {one.label}  方式：{ways}  {len(one.tables)} 张表  数据至：{newest}")
        click.echo(f"        {'、'.join(one.tables)}")
        if one.fault:
            click.echo(f"        {one.fault}")
    click.echo("\n试连一个来源：./zhengbei source test 来源名（不写入任何数据）")


@source.command("test")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def test(name: str, as_json: bool, data: Path) -> None:
    """试连一个来源：连接、登录、核对表与列、取 20 行按约定逐格检查。不写入任何数据。"""
    from etl.pipeline import trial
    from etl.runtime.progress import bar

    with bar() as progress:
        found = trial.run(Settings.at(data), name, progress)
    click.echo(
        json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2) if as_json else "\n".join(lines(found))
    )
    sys.exit(found.code)


def lines(trial: Trial) -> Iterator[str]:
    """A trial as lines for a terminal."""
    yield f"来源 {trial.source} {trial.label}"
    if trial.error:
        yield f"✗ {trial.error}"
    for table in trial.tables:
        yield ""
        yield from _table(table)
    fine = sum(not table.code for table in trial.tables)
    if trial.tables:
        yield ""
        yield f"{len(trial.tables)} 项中 {fine} 项可以装载；试连没有写入任何数据"


def _table(table: TableTrial) -> Iterator[str]:
    yield f"{'✗' if table.code else '✓'} {table.label}（{trial_report.WAYS[table.way]} {table.place}）"
    if table.error:
        yield f"    {table.error}"
    if table.rows:
        yield from _rows(table)
    for one in table.columns:
        if one.is_absent or (not one.theirs and (one.is_required or one.suggestion)):
            yield f"    {_gap(one)}"
    if table.gaps:
        yield f"    没有对应的列：{_some([one.label for one in table.gaps])}"
    if table.unused:
        yield f"    来源有而没有取的列：{_some(table.unused)}"
    for breach in table.breaches:
        value = f"“{breach.value}”" if breach.value else ""
        allowed = f"；{breach.allowed}" if breach.allowed else ""
        yield f"    {breach.cell} {breach.label}：{breach.fault}{value}{allowed}"
    if table.breach_count > len(table.breaches):
        yield f"    …… 另有 {table.breach_count - len(table.breaches)} 处"
    if table.blocked:
        yield f"    这张表到达之前，{len(table.blocked)} 个指标仍为未接入：{_some(table.blocked)}"
    if table.partial:
        yield f"    缺少上述列而算不全的指标 {len(table.partial)} 个：{_some(table.partial)}"


def _rows(table: TableTrial) -> Iterator[str]:
    """The rows under our names, each as a line."""
    labels = {one.name: one.label.partition("（")[0] for one in table.columns}
    yield f"    取到的行（检查 {table.looked_at} 行，列出前 {len(table.rows)} 行）"
    for number, row in enumerate(table.rows, 1):
        values = "，".join(f"{labels.get(name, name)}={value}" for name, value in row.items() if value is not None)
        yield f"    {number:>4}  {values}"


def _gap(one: trial_report.ColumnTrial) -> str:
    must = "（必填）" if one.is_required else ""
    gone = f"，来源没有“{one.theirs}”" if one.is_absent else ""
    near = (
        f'；可能是“{one.suggestion}”（{one.because}），在 columns 里写 {one.name} = "{one.suggestion}"'
        if one.suggestion
        else ""
    )
    return f"列 {one.name} {one.label}{must}没有对应{gone}{near}"


def _some(names: list[str]) -> str:
    more = f"等 {len(names)} 项" if len(names) > LISTED else ""
    return "、".join(names[:LISTED]) + more
