"""The verbs of the knowing side: metric list | read, doctor, test, bench. Owns words; every number comes from
readings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from warehouse.cli.main import data_option
from warehouse.core.errors import UsageError
from warehouse.core.settings import ROOT, Settings
from warehouse.query.programmes import scores


@click.group("metric")
def metric() -> None:
    """指标：目录与读数。"""


@metric.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def metric_list(as_json: bool) -> None:
    """列出全部指标。"""
    from warehouse.catalog.metrics import metrics
    from warehouse.catalog.schema import GROUPS

    rows = [
        {
            "id": row.id,
            "number": row.number,
            "label": row.label,
            "group": GROUPS[row.group],
            "unit": row.unit,
            "better": row.better,
            "windows": list(row.windows),
            "drill": list(row.drill),
            "owner": row.owner,
            "basis": row.basis,
        }
        for row in metrics().values()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row['number']:>3}  {row['id']:<32}{row['group']}·{row['label']}({row['owner']})")


@metric.command("read")
@click.argument("identifier")
@click.option(
    "--window", type=click.Choice(["now", "day", "week", "month", "quarter", "year"]), help="统计期，默认取指标的第一个"
)
@click.option("--at", help="期次：2026-11-22、2026-W47、2026-11、2026-Q4 或 2026，默认最近的完整一期")
@click.option("--by", "grain", type=click.Choice(["town", "company"]), help="按镇街或企业展开")
@click.option("--place", default="330110", help="镇街代码或企业统一社会信用代码")
@click.option("--as-of", help="快照编号，默认最新")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def metric_read(
    identifier: str,
    window: str | None,
    at: str | None,
    grain: str | None,
    place: str,
    as_of: str | None,
    as_json: bool,
    data: Path,
) -> None:
    """读一个指标：值、分子、分母、单位、数据时间、状态、快照。"""
    from warehouse.compile.reading import STATUS_LABELS
    from warehouse.query.scope import Scope
    from warehouse.query.snapshot_store import SnapshotStore

    library = SnapshotStore(data)
    book = library.open(as_of, Scope.ALL) if as_of else library.current(Scope.ALL)
    found = book.by(identifier, window, at, grain, place) if grain else [book.read(identifier, window, at, place)]
    if as_json:
        rows = [plain(reading) for reading in found]
        click.echo(json.dumps(rows if grain else rows[0], ensure_ascii=False, indent=2))
        return
    for reading in found:
        value = (
            figure(book.metrics[reading.metric], reading.value)
            if reading.status == "ok"
            else STATUS_LABELS[reading.status]
        )
        parts = (
            f"({reading.num:,.0f} / {reading.den:,.0f})" if reading.den is not None and reading.num is not None else ""
        )
        as_of_text = reading.as_of.strftime("%m-%d %H:%M:%S") if reading.as_of else "—"
        click.echo(
            f"{reading.place.label}  {reading.label} {value} {parts}  {reading.win_start}~{reading.win_end}  数据至 {as_of_text}  快照 {reading.generation}"
        )


@metric.command("programmes")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@data_option
def metric_programmes(as_json: bool, data: Path) -> None:
    """六大工程得分与序时进度，及每项指标的完成情况。"""
    from warehouse.query.scope import Scope
    from warehouse.query.snapshot_store import SnapshotStore

    found = SnapshotStore(data).current(Scope.ALL)
    rows = [
        {
            "number": row.number,
            "label": row.label,
            "force": row.force,
            "score": row.score,
            "due": row.due,
            "items": [
                {"weight": item.weight, "share": item.share, "due": item.due, **plain(item.reading)}
                for item in row.items
            ],
        }
        for row in scores(found)
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in scores(found):
        stated = (
            "—"
            if row.score is None or row.due is None
            else f"{row.score:.0%}（序时 {row.due:.0%}，{'超' if row.score >= row.due else '落后'}序时 {abs(row.score - row.due) * 100:.0f} 个百分点）"
        )
        click.echo(f"{row.number} {row.label}·{row.force} {stated}")
        for item in row.items:
            reading = item.reading
            value = figure(found.metrics[reading.metric], reading.value)
            click.echo(
                f"    {reading.label} {value} 完成 {'—' if item.share is None else f'{item.share:.0%}'} 应达 {item.due:.0%} 权重 {item.weight:g}"
            )


@metric.command("announcement")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def metric_announcement(as_json: bool) -> None:
    """成立公告逐句对照：来源、指标、画面、待局确认。"""
    from warehouse.catalog import announcement

    rows = [
        {
            "says": fact.says,
            "sources": list(fact.tables),
            "metrics": [row.id for row in fact.metrics],
            "screens": list(fact.screens),
            "open": fact.open,
            "archive": fact.archive,
        }
        for fact in announcement.facts()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(
            f"{row['says']}\n    来源 {'、'.join(row['sources']) or '—'}\n    指标 {'、'.join(row['metrics']) or row['archive']}\n    画面 {'、'.join(row['screens']) or '归档'}"
            + (f"\n    待局确认 {row['open']}" if row["open"] else "")
        )


def figure(metric: Any, value: float | None) -> str:
    """A value as the command line prints it: 93.4%, 12.0 秒/辆, 1,234 辆; — for None."""
    if value is None:
        return "—"
    if metric.unit == "ratio":
        return f"{value * 100:.{metric.decimals}f}%"
    return f"{value:,.{metric.decimals}f} {metric.unit}"


def plain(reading: Any) -> dict[str, Any]:
    """A Reading as JSON values: dates ISO, ratios 0–1, None as null."""
    from dataclasses import asdict

    found = asdict(reading)
    for key in ("win_start", "win_end", "as_of"):
        found[key] = found[key].isoformat() if found[key] else None
    return found


@click.command("doctor")
@click.option("--offline", is_flag=True, help="不连接来源系统")
@data_option
def doctor(offline: bool, data: Path) -> None:
    """检查这台机器与数据：程序、浏览器、字体、磁盘、快照、原始数据校验和、密钥与权限、审计日志、网站设置、来源是否可达。"""
    from warehouse.cli import doctor as checks

    failed = 0
    for name, ok, text in checks.examine(Settings.at(data), offline=offline):
        click.echo(f"{'✓' if ok else '✗'} {name}：{text}")
        failed += not ok
    sys.exit(1 if failed else 0)


@click.command("upgrade")
@click.option("--check", is_flag=True, help="只看，不写任何文件；服务在运行时也可以")
@data_option
def upgrade(check: bool, data: Path) -> None:
    """换了新程序之后、启动之前：数据文件夹是什么格式，启动时会自动做什么，磁盘够不够，有什么要人做。"""
    from warehouse.cli import upgrade as ahead

    if not check:
        raise UsageError("升级在服务启动时自动进行", to_do="请先用 ./zhengbei upgrade --check 看会做什么")
    found = ahead.plan(Settings.at(data))
    for line in ahead.lines(found):
        click.echo(line)
    sys.exit(0 if found.fits else 1)


@click.command("sbom")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="写到这个文件，默认输出到屏幕")
def sbom(out: Path | None) -> None:
    """软件物料清单（CycloneDX 1.6 JSON）：产品依赖的每个软件包、版本与许可。"""
    from warehouse.cli import supply_chain

    text = json.dumps(supply_chain.bom(), ensure_ascii=False, indent=2)
    if out is None:
        click.echo(text)
        return
    out.write_text(f"{text}\n", "utf-8")
    click.echo(f"已写到 {out}")


@click.command("bundle")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("zhengbei.tar"),
    show_default=True,
    help="写成哪个文件",
)
def bundle(out: Path) -> None:
    """做一个离线安装包：程序、Python 软件包、系统软件与安装脚本，拷到断网的同型机器上安装。"""
    from warehouse.cli import bundle as bundles

    size = bundles.write(out.expanduser().resolve(), lambda text: click.echo(text, err=True))
    click.echo(
        f"已写到 {out}（{size / 2**20:,.0f} MB，供 {bundles.machine()}）。拷过去后：tar xf {out.name}，再以 root 运行其中的 install.sh。"
    )


@click.command("licences")
def licences() -> None:
    """列出产品依赖的每个软件包及其许可。"""
    from warehouse.cli import supply_chain

    for package in supply_chain.packages():
        click.echo(f"{package.name:<28}{package.version:<16}{package.licence or '未写明'}")


@click.command("advisories")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@data_option
def advisories(file: Path, data: Path) -> None:
    """收入一份漏洞通告副本（OSV 的 PyPI all.zip），只留与产品有关的；doctor 据此核对所装的版本，不联网。"""
    from warehouse.cli import advisories as known
    from warehouse.cli import supply_chain

    copy = known.bring(Settings.at(data), file, {package.name for package in supply_chain.packages()})
    click.echo(f"副本截至 {copy.date}，与产品有关的通告 {len(copy.advisories)} 条；核对结果见 ./zhengbei doctor")


STYLE = (
    ("规范", ["ruff", "check", "."]),
    ("格式", ["ruff", "format", "--check", "--quiet", "."]),
    ("层次", ["lint-imports", "--no-cache"]),
)
"""What is looked at before anything runs, and with which tool."""
SLOW_STYLE = (
    ("SQL", ["sqlfmt", "--check", "--no-progressbar", "warehouse", "etl"]),
    ("类型", ["mypy"]),
)
"""What is looked at while the tests run: without a cache the types alone take more than a minute."""
LONG = ("browser", "servers", "crash", "independent", "soak", "world", "slow")
"""Marks of the tests that a quick run leaves out."""


@click.command("test", context_settings={"ignore_unknown_options": True})
@click.option(
    "--quick", is_flag=True, help="快速：不跑浏览器、数据库服务、断电恢复、独立复算、要整套数据的与其他慢的测试"
)
@click.option("--nightly", is_flag=True, help="夜间长测：大屏以十倍速度连续运行 60 分钟，随机断电 100 次")
@click.option(
    "--mutants", is_flag=True, help="改一处，看测试是否察觉：几百处小改动逐一试过，列出没有察觉的（几十分钟）"
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(quick: bool, nightly: bool, mutants: bool, arguments: tuple[str, ...]) -> None:
    """运行全部检查：规范、类型、层次约束、单元、SQL 样例、集成、浏览器。

    其余参数交给 pytest；--mutants 时交给它自己，见 --mutants -- --help。"""
    home, tools = ROOT.parent, Path(sys.executable).parent
    if mutants:
        os.chdir(home)
        os.execv(sys.executable, [sys.executable, "-m", "tests.mutants.run", *arguments])
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # what was compiled once is there for the next run and for every child
        **({"ZHENGBEI_NIGHTLY": "1"} if nightly else {"ZHENGBEI_BUILD_THREADS": "1"}),
    }
    # the tests of a fresh tree are compiled once, beside the first checks; else every worker would do it for itself
    compiling = None if arguments else _compiling(home, environment)
    for label, command in (*STYLE, *(SLOW_STYLE if nightly else ())):
        click.echo(f"== {label}")
        code = subprocess.run([str(tools / command[0]), *command[1:]], cwd=home, check=False).returncode
        if code:
            click.echo(f"{label}检查没有通过", err=True)
            if compiling:
                compiling.kill()
            sys.exit(code)
    beside = [
        (
            label,
            subprocess.Popen(
                [str(tools / command[0]), *command[1:]], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ),
        )
        for label, command in (() if nightly else SLOW_STYLE)
    ]
    click.echo("== 测试")
    words = ["--durations", "25", "--durations-min", "1", *(["-m", f"not ({' or '.join(LONG)})"] if quick else [])]
    # a file stays on one worker, so that what its tests share is made once;
    # two workers more than processors: tests of browsers and servers wait most of their time.
    # The night measures growth and times: nothing runs beside it
    words += (
        ["--timeout", "5400"]
        if nightly
        else ["-n", str((os.cpu_count() or 1) + 2), "--dist", "loadfile", "--no-loadscope-reorder"]
    )
    if compiling:
        compiling.wait()
    done = subprocess.run([sys.executable, "-m", "pytest", *words, *arguments], cwd=home, check=False, env=environment)
    code = done.returncode
    for label, process in beside:
        said, _ = process.communicate()
        click.echo(f"== {label}\n{said.decode(errors='replace').rstrip()}")
        if process.returncode:
            click.echo(f"{label}检查没有通过", err=True)
            code = code or process.returncode
    sys.exit(code)


def _compiling(home: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process that reads all tests and runs none; it says nothing, for whoever runs them says it again."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "--collect-only", "--quiet"],
        cwd=home,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@click.command("bench")
@click.option("--only", multiple=True, help="只量这一项，可重复；写错时列出全部")
@click.option("--scale", type=click.IntRange(min=20), default=2000, show_default=True, help="车辆数")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def bench(only: tuple[str, ...], scale: int, as_json: bool) -> None:
    """量一量：各项用多少 CPU 与内存，每项都在同一分钟内与基准并排；只报告，不判定。"""
    if not (ROOT.parent / "tests" / "bench" / "__main__.py").exists():
        click.echo("基准脚本不在这份安装里", err=True)
        sys.exit(66)
    words = [
        *(word for name in only for word in ("--only", name)),
        "--scale",
        str(scale),
        *(["--json"] if as_json else []),
    ]
    os.chdir(ROOT.parent)
    os.execv(sys.executable, [sys.executable, "-m", "tests.bench", *words])
