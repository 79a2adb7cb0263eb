"""The weekly report, and by the same steps the monthly and the quarterly one, from question to archive: print, self-test, keep. Owns the routes below /reports and the verb `report`.
The numbers are the Book's, the pages weekly_pages.py's, the browser printing.py's.

A report is kept as <period>-<generation>.pdf with a .json beside it (archive.py); the same period of the same generation printed
again must carry the same figures, and the first print stays. A report that fails its self-test is never kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import click
from flask import Blueprint, Flask, Response, abort, request
from pypdf.errors import PyPdfError

from cockpit import access, archive, audit, delivery, framed, passport, pdf_text, printing, public, supervision, texts, weekly_check, weekly_pages
from cockpit import format as fmt
from cockpit.templates import render
from cockpit.theme import ASSETS
from warehouse import timetable, units
from warehouse.cli import data_option
from warehouse.errors import DataMissing, PrintFailed, WarehouseBroken
from warehouse.readings import Library
from warehouse.settings import Settings

STYLES = ("00_tokens.css", "40_print.css")
LISTED = 200
FAULTS_TOLD = 6
HASH_SHOWN = 12


def html(issue: weekly_pages.Issue) -> str:
    """The one static page that is printed: own style inside, no script, no address of any file or host."""
    css = "\n".join((ASSETS / name).read_text("utf-8") for name in STYLES)
    return render("weekly.html", css=css, **issue.context)


def release(library: Library, settings: Settings, at: str | None = None, *, window: str = "week", now: dt.datetime | None = None, by: str = "",
            is_held: bool = False) -> archive.Facts | None:
    """Prints, tests and archives the report of the `window` named `at` (None: the newest whole one) from the current generation. by: who released it.

    Gives the archived facts: name, window, at, generation, pages, seconds, sha256, draft, missing, figures. is_held: a draft of it is out
    already, so that only the finished report is printed; None while the gate is still shut. Raises DataMissing,
    UsageError (bad period) or PrintFailed (browser, or the self-test with its findings); then nothing is kept.
    """
    book = library.current()
    wanted = at or weekly_pages.newest(book, window)
    days = weekly_pages.days(wanted, window)
    try:
        tasks = supervision.for_week(settings.state, *days)
        issue = weekly_pages.build(book, wanted, tasks, archive.last_of(settings, wanted, but=book.generation.id))
        if is_held and issue.draft:
            return None
        issue.context["link"], issue.context["base"] = address(settings, issue), public.base(settings)
        settings.reports.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".print-", dir=settings.reports) as work:
            return _make(library, settings, issue, Path(work), now or units.now(), by)
    except (OSError, sqlite3.Error) as error:
        raise PrintFailed(f"{timetable.REPORTS[window]} {wanted} 没有写成:{printing.why(error)}", where=str(settings.data), to_do="请处理后重新打印;归档没有改动") from error
    except PyPdfError as error:
        raise PrintFailed(f"{timetable.REPORTS[window]} {wanted} 没有发布:浏览器产出的 PDF 读不出来") from error


def _make(library: Library, settings: Settings, issue: weekly_pages.Issue, work: Path, now: dt.datetime, by: str) -> archive.Facts:
    """Print, self-test, archive; `work` is a folder beside the archive, on the same file system."""
    name, page = f"{issue.at}-{issue.generation}", html(issue)
    source, made = work / "report.html", work / "report.pdf"
    source.write_text(page, "utf-8")
    seconds = printing.print_pdf(source, made)
    pdf_text.mend(made, {
        "/Title": f"{issue.context['title']} {issue.context['period']}", "/Author": texts.BUREAU,
        "/Subject": f"快照 {issue.generation};数据截至 {issue.context['cutoff']}{';草稿' if issue.draft else ''}",
    })
    found = weekly_check.faults(made, page, issue, library.open(issue.generation))
    if found:
        more = f";另有 {len(found) - FAULTS_TOLD} 处" if len(found) > FAULTS_TOLD else ""
        raise PrintFailed(
            f"{issue.context['kind']}自检未通过,没有发布:{';'.join(found[:FAULTS_TOLD])}{more}", where=name, to_do="请按提示处理数据或字体后重新打印"
        )
    for metric, reading in issue.readings.items():  # before the paper is out, so that whoever reads a number on it can open it
        passport.issue(settings.state, reading, issue.figures[metric]["decimals"])
    return archive.keep(settings, made, _facts(issue, name, made, seconds, now), by=by)


def address(settings: Settings, issue: weekly_pages.Issue) -> str:
    """Where the same numbers are seen online, pinned to the generation; "" where no address is set. Raises ConfigError as public.base does."""
    base = public.base(settings)
    return f"{base}/?as_of={issue.generation}" if base else ""


def _facts(issue: weekly_pages.Issue, name: str, made: Path, seconds: float, now: dt.datetime) -> dict[str, Any]:
    return {
        "name": name, "window": issue.window, "at": issue.at, "generation": issue.generation, "period": issue.context["period"],
        "cutoff": issue.context["cutoff"], "demo": issue.context["demo"], "printed_at": now.isoformat(timespec="seconds"),
        "pages": pdf_text.count(made), "seconds": round(seconds, 2), "bytes": made.stat().st_size,
        "sha256": hashlib.sha256(made.read_bytes()).hexdigest(), "draft": issue.draft, "missing": issue.missing,
        "points": [point["head"] + point["rest"] for point in issue.context["points"]], "figures": issue.figures,
    }  # fmt: skip


def register(server: Flask, library: Library, settings: Settings) -> None:
    """Adds the archive page /reports and the downloads /reports/<name>.pdf to `server`. Raises ConfigError for a `report_at` that says no time."""
    times = timetable.of(settings)
    routes = Blueprint("reports", __name__, url_prefix="/reports")

    @routes.get("")
    def index() -> Response:
        asked = request.args.get("q", "").strip()[:60]
        opened = archive.opened(settings)
        rows = [_listed(facts, opened.get(facts["name"], [])) for facts in archive.every(settings)]
        rows = [row for row in rows if not asked or asked.lower() in row["found_by"]]
        second = rows[0] if rows else None
        first = next((row for row in rows[1:] if second and row["kind"] == second["kind"]), second)  # compared with the one before of its own kind
        return framed.page("reports.html", rows=rows[:LISTED], first=first, second=second, asked=asked, faults=archive.broken(settings), coming=times.coming(units.now()))

    @routes.get("/compare")
    def compare() -> Response:
        first, second = (archive.one(settings, request.args.get(name, "")) for name in ("first", "second"))
        return framed.page("reports_compare.html", first=first, second=second, rows=archive.compare(first, second))

    @routes.get("/<name>.pdf")
    def download(name: str) -> Response:
        file = settings.reports / f"{name}.pdf"
        if not archive.NAME.fullmatch(name) or not file.is_file():
            abort(404)
        audit.record(settings.state, archive.OPENED, who=access.viewer().user, ip=access.address(), detail=name)
        return framed.file(file, "application/pdf", f"{texts.BRAND}{archive.label({'name': name})}-{name}.pdf", opens=True)

    server.register_blueprint(routes)


def _listed(facts: archive.Facts, opened: list[tuple[float, str]]) -> dict[str, Any]:
    """A line of the archive page. found_by: the words by which a search finds it. Who opened it is for those who answer for access."""
    state = "草稿" if facts["draft"] else "正式"
    names = "、".join(dict.fromkeys(who for _, who in opened)) if access.viewer().role in ("admin", "auditor") else ""
    return {
        **facts, "kind": archive.label(facts), "hash": facts["sha256"][:HASH_SHOWN], "size": f"{facts['bytes'] / 1024:,.0f} KB", "by": facts.get("by") or fmt.DASH,
        "printed": fmt.local(dt.datetime.fromisoformat(facts["printed_at"])).strftime("%Y-%m-%d %H:%M"),
        "opened": len(opened), "openers": names, "found_by": f"{facts['name']} {archive.label(facts)} {facts['period']} {facts['cutoff']} {state}".lower(),
    }  # fmt: skip


@click.group("report", help="周报、月报与季报:打印、自检、归档与发送")
def report() -> None:
    """The group; its verbs follow."""


def _print(data: Path, window: str, at: str | None, out: Path | None, by: str, held: bool) -> None:
    """Prints one report and says where it lies and what it lacks."""
    settings = Settings.at(data)
    if not settings.published.exists():
        raise DataMissing("还没有发布任何数据", where=str(data))
    facts = release(Library(data), settings, at, window=window, by=by, is_held=held)
    if facts is None:
        click.echo("数据仍不完整,草稿不变")
        return
    kept = settings.reports / f"{facts['name']}.pdf"
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, out)
    state = "草稿" if facts["draft"] else "正式"
    click.echo(f"{facts['period']} {state} {facts['pages']} 页 {facts['seconds']} 秒 {out or kept}")
    for line in facts["missing"]:
        click.echo(f"  缺:{line}")


def _verb(name: str, window: str) -> None:
    """The verb that prints reports of one window; the period is named by an option of the window's own name."""
    newest = f"{texts.WINDOWS[window]}次,如 {weekly_pages.EXAMPLES[window]};默认最近一个整{texts.WINDOWS[window]}"

    @report.command(name, help=f"打印一份 PDF {timetable.REPORTS[window]},自检后归档")
    @data_option
    @click.option(f"--{window}", "at", default=None, help=newest)
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="另存一份到此文件")
    @click.option("--by", default="cli", show_default=True, help="发布人,记入归档")
    @click.option("--held", is_flag=True, help="草稿已出,只在数据补齐时印正式版")
    def verb(data: Path, at: str | None, out: Path | None, by: str, held: bool) -> None:
        _print(data, window, at, out, by, held)


for verb_name, verb_window in (("weekly", "week"), ("monthly", "month"), ("quarterly", "quarter")):
    _verb(verb_name, verb_window)


@report.command("list", help="列出已归档的报告")
@data_option
def listed(data: Path) -> None:
    """One line a report, newest period first."""
    for facts in archive.every(Settings.at(data)):
        click.echo(f"{facts['name']}  {'草稿' if facts['draft'] else '正式'}  {facts['pages']} 页  {facts['printed_at']}  {facts.get('by') or ''}")


@report.command("verify", help="核对归档:每份 PDF、每期数据与前后次序是否都和发布时一样")
@data_option
def verify(data: Path) -> None:
    """Says what does not fit the chain; exits with an error when anything does not."""
    settings = Settings.at(data)
    found = archive.broken(settings)
    if found:
        raise WarehouseBroken(";".join(found), where=str(settings.reports), to_do="请由备份恢复这些文件,并查明谁动过归档文件夹")
    click.echo(f"归档完好,共 {len(archive.every(settings))} 份")


@report.command("compare", help="比较两期报告的各项指标,如 report compare 2026-W46-… 2026-W47-…")
@click.argument("first")
@click.argument("second")
@data_option
def compared(first: str, second: str, data: Path) -> None:
    """One line a figure: label, first, second, difference."""
    settings = Settings.at(data)
    for row in archive.compare(archive.one(settings, first), archive.one(settings, second)):
        change = "" if row["delta"] is None or not row["delta"].known else f"{row['delta'].glyph} {row['delta'].text}".strip()
        click.echo(f"{row['label']}\t{row['first']}\t{row['second']}\t{change}")


@report.command("send", help="把已发布的报告发给 delivery.toml 里的收件方;每个收件方每期只发一次")
@data_option
@click.option("--again", nargs=2, default=None, metavar="报告 收件方", help="核实对方没有收到后,重发这一条")
def send(data: Path, again: tuple[str, str] | None) -> None:
    """Sends what is due and says what was not delivered."""
    settings = Settings.at(data)
    if again:
        delivery.again(settings, *again, by="cli")
    for line in delivery.send(settings):
        click.echo(line, err=True)


@report.command("sent", help="发送台账:每期报告给了谁、送达没有")
@data_option
def sent(data: Path) -> None:
    """One line an entry, newest first."""
    for row in delivery.ledger(Settings.at(data)):
        click.echo(f"{row['report']}  {row['receiver']}  {delivery.STATES[row['state']]}  {row['attempts']} 次  {fmt.clock(dt.datetime.fromtimestamp(row['at'], dt.UTC))}  {row['message']}".rstrip())
