"""The command `report`: print, list, verify, compare and send. Owns words; what a report is stands in release and
archive."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import click

from cockpit.messages import letter
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.report import archive, content, day_span, delivery, sheet_release, signing, subjects, word
from cockpit.report.release import imprint_of, release, sign
from cockpit.store import audit
from warehouse.cli.main import data_option
from warehouse.core import timetable, units
from warehouse.core.errors import ContractBroken, DataMissing, PrintFailed, WarehouseBroken
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


@click.group("report", help="周报、月报与季报：打印、自检、归档与发送")
def report() -> None:
    """The group; its verbs follow."""


def _print(data: Path, window: str, at: str | None, out: Path | None, by: str, held: bool) -> None:
    """Prints one report and says where it lies and what it lacks."""
    settings = _published(data)
    facts = release(SnapshotStore(data), settings, at, window=window, by=by, is_held=held)
    if facts is None:
        click.echo("数据仍不完整，草稿不变")
        return
    if signing.sign_by_rule(settings, facts, units.now()) is not None:
        facts = sign(SnapshotStore(data), settings, facts["name"], by=by)
    stored = settings.reports / f"{facts['name']}.pdf"
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored, out)
    click.echo(f"{facts['period']} {archive.state(facts)} {facts['pages']} 页 {facts['seconds']} 秒 {out or stored}")
    for line in facts["missing"]:
        click.echo(f"  缺：{line}")
    if facts.get("unconnected"):
        click.echo(f"  {facts['unconnected']}")
    if window == "week" and by == archive.SCHEDULE:
        _print_sheets(SnapshotStore(data), settings, archive.period(facts), by)


def _verb(name: str, window: str) -> None:
    """The verb that prints reports of one window; the period is named by an option of the window's own name."""
    newest = f"{texts.WINDOWS[window]}次，如 {content.EXAMPLES[window]}；默认最近一个整{texts.WINDOWS[window]}"

    @report.command(name, help=f"打印一份 PDF {timetable.REPORTS[window]}，自检后归档")
    @data_option
    @click.option(f"--{window}", "at", default=None, help=newest)
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="另存一份到此文件")
    @click.option("--by", default=audit.operator, show_default="当前系统账号", help="发布人，记入归档")
    @click.option("--held", is_flag=True, help="草稿已出，只在数据补齐时印正式版")
    def verb(data: Path, at: str | None, out: Path | None, by: str, held: bool) -> None:
        _print(data, window, at, out, by, held)


for verb_name, verb_window in (("weekly", "week"), ("monthly", "month"), ("quarterly", "quarter")):
    _verb(verb_name, verb_window)


@report.command("sheet", help="打印一张单页：全区、一个镇街、科室或企业，任意期间，自检后归档")
@click.argument("whom")
@data_option
@click.option("--at", default=None, help="期次，如 2026-W47、2026-10、2026-Q3；默认最近一个整周")
@click.option("--from", "since", default=None, help="任意区间的首日，如 2026-01-01")
@click.option("--to", "until", default=None, help="任意区间的末日")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="另存一份到此文件")
@click.option("--by", default=audit.operator, show_default="当前系统账号", help="打印人，记入归档")
def one_sheet(
    whom: str, data: Path, at: str | None, since: str | None, until: str | None, out: Path | None, by: str
) -> None:
    """Prints one sheet. whom: a name or code."""
    if at and (since or until):
        raise click.UsageError("--at 与 --from、--to 只能用一种")
    library, settings = SnapshotStore(data), _published(data)
    book = library.current(Scope.ALL)
    wanted = f"{since or ''}{day_span.BETWEEN}{until or ''}" if since or until else at or content.newest(book, "week")
    span = day_span.named(wanted, book.generation.last_day)
    facts = sheet_release.make(library, settings, subjects.find(book, whom), span, by=by)
    stored = settings.reports / f"{facts['name']}.pdf"
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored, out)
    click.echo(f"{archive.title(facts)} {archive.state(facts)} {facts['seconds']} 秒 {out or stored}")
    for line in facts["missing"]:
        click.echo(f"  缺：{line}")


@report.command("sheets", help="打印 zhengbei.toml 的 sheets 写明的各镇街、科室的单页，每期每处一张")
@data_option
@click.option("--week", "at", default=None, help="周次，如 2026-W47；默认最近一个整周")
@click.option("--by", default=audit.operator, show_default="当前系统账号", help="打印人，记入归档")
def all_sheets(data: Path, at: str | None, by: str) -> None:
    """Prints the sheets that the installation has ordered; one that fails does not keep the others."""
    library, settings = SnapshotStore(data), _published(data)
    _print_sheets(library, settings, at or content.newest(library.current(Scope.ALL), "week"), by)


def _print_sheets(library: SnapshotStore, settings: Settings, at: str, by: str) -> None:
    book = library.current(Scope.ALL)
    span = day_span.named(at, book.generation.last_day)
    failed = []
    for subject in subjects.ordered(book, settings.options.sheets):
        try:
            facts = sheet_release.make(library, settings, subject, span, by=by)
        except PrintFailed as error:
            failed.append(f"{subject.label}：{error.what}")
        else:
            click.echo(f"{archive.title(facts)} {archive.state(facts)}")
    if failed:
        raise PrintFailed(f"{len(failed)} 张单页没有印成：{'；'.join(failed)}", to_do="请按提示处理后重新打印")


def _published(data: Path) -> Settings:
    """The settings of a folder in which something has been published. Raises DataMissing for another."""
    settings = Settings.at(data)
    if not settings.published.exists():
        raise DataMissing("还没有发布任何数据", where=str(data))
    return settings


@report.command("issue", help="打印已签发的一期，归档在送审稿旁；签发后装载进程自动打印，这里用于补打")
@click.argument("name")
@data_option
@click.option("--by", default=audit.operator, show_default="当前系统账号", help="发布人，记入归档")
def issued(name: str, data: Path, by: str) -> None:
    """Prints the signed paper of a report of the archive."""
    facts = sign(SnapshotStore(data), Settings.at(data), name, by=by)
    click.echo(f"{facts['period']} {archive.state(facts)} {facts['pages']} 页 {facts['name']}")


@report.command("list", help="列出已归档的报告")
@data_option
def listed(data: Path) -> None:
    """One line a report, newest period first."""
    for facts in archive.every(Settings.at(data)):
        click.echo(
            f"{facts['name']}  {archive.state(facts)}  {facts['pages']} 页  {facts['printed_at']}  {facts.get('by') or ''}"
        )


@report.command(
    "verify", help="核对归档是否都和发布时一样；给出 Word 文件（.docx）时，逐个核对文件里的数与归档是否相同"
)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def verify(file: Path | None, data: Path) -> None:
    """Says what does not fit the chain, or the archive; exits with an error when anything does not."""
    settings = Settings.at(data)
    if file is not None:
        _verify_file(settings, file)
        return
    found = archive.broken(settings)
    if found:
        raise WarehouseBroken(
            "；".join(found), where=str(settings.reports), to_do="请由备份恢复这些文件，并查明谁动过归档文件夹"
        )
    click.echo(f"归档完好，共 {len(archive.every(settings)) + len(archive.sheets(settings))} 份")


def _verify_file(settings: Settings, file: Path) -> None:
    content = word.read(file)
    facts = archive.one(settings, word.report_of(content))
    verdict = word.check(content, facts, imprint_of(settings, facts))
    for text in verdict.free:
        click.echo(f"文中另有未经核对的数字：{text}")
    wrong = [*verdict.altered, *verdict.gone]
    if wrong:
        raise ContractBroken(
            f"{len(wrong)} 处与归档不同：{'；'.join(wrong)}",
            where=f"{file.name}，{archive.title(facts)}",
            to_do="请改回归档的数，或重新下载",
        )
    click.echo(f"{archive.title(facts)}：{verdict.checked} 处数字与归档相同")


@report.command("word", help="把一期报告另存为 Word 文件（.docx）：文字可改，数字已封存")
@click.argument("name")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="存到此文件")
@data_option
def to_word(name: str, out: Path, data: Path) -> None:
    """Writes the Word twin of a report of the archive."""
    settings = Settings.at(data)
    facts = archive.one(settings, name)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(word.make(facts, imprint_of(settings, facts)))
    click.echo(str(out))


@report.command("compare", help="比较两期报告的各项指标，如 report compare 2026-W46-… 2026-W47-…")
@click.argument("first")
@click.argument("second")
@data_option
def compared(first: str, second: str, data: Path) -> None:
    """One line a figure: label, first, second, difference."""
    settings = Settings.at(data)
    for row in archive.compare(archive.one(settings, first), archive.one(settings, second)):
        change = (
            ""
            if row["delta"] is None or not row["delta"].known
            else f"{row['delta'].glyph} {row['delta'].text}".strip()
        )
        click.echo(f"{row['label']}\t{row['first']}\t{row['second']}\t{change}")


@report.command("send", help="把已发布的报告发给 delivery.toml 里的收件方；每个收件方每期只发一次")
@data_option
@click.option("--again", nargs=2, default=None, metavar="报告 收件方", help="核实对方没有收到后，重发这一条")
def send(data: Path, again: tuple[str, str] | None) -> None:
    """Sends what is due and says what was not delivered."""
    settings = Settings.at(data)
    if again:
        delivery.again(settings, *again, by=audit.operator())
    for line in delivery.send(settings):
        click.echo(line, err=True)


@report.command("sent", help="发送台账：每期报告给了谁、送达没有")
@data_option
def sent(data: Path) -> None:
    """One line an entry, newest first."""
    for row in delivery.ledger(Settings.at(data)):
        click.echo(
            f"{row['report']}  {row['receiver']}  {letter.STATES[row['state']]}  {row['attempts']} 次  {fmt.clock(dt.datetime.fromtimestamp(row['at'], dt.UTC))}  {row['message']}".rstrip()
        )
