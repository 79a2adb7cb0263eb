"""The weekly report from question to archive: print, self-test, keep. Owns <data>/reports, the routes below /reports
and the verb `report`. The numbers are the Book's, the pages weekly_pages.py's, the browser printing.py's.

A report is kept as <week>-<generation>.pdf with a .json beside it; the same week of the same generation printed again
replaces both and carries the same figures. A report that fails its self-test is never kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
from flask import Blueprint, Flask, Response, abort, request, send_file

from cockpit import format as fmt
from cockpit import pdf_text, printing, texts, weekly_check, weekly_pages
from cockpit.templates import render
from cockpit.theme import ASSETS
from warehouse import units
from warehouse.cli import data_option
from warehouse.errors import ConfigError, DataMissing, PrintFailed
from warehouse.readings import Library
from warehouse.settings import Settings

STYLES = ("00_tokens.css", "40_print.css")
NAME = re.compile(r"\d{4}-W\d{2}-[0-9A-Za-z]{1,40}")
PUBLIC_URL = re.compile(r"https?://[0-9A-Za-z.\-_\[\]:]+(/[0-9A-Za-z._~/\-]*)?")
LISTED = 200
HASH_SHOWN = 12


def html(issue: weekly_pages.Issue) -> str:
    """The one static page that is printed: own style inside, no script, no address of any file or host."""
    css = "\n".join((ASSETS / name).read_text("utf-8") for name in STYLES)
    return render("weekly.html", css=css, **issue.context)


def release(library: Library, settings: Settings, week: str | None = None, *, now: dt.datetime | None = None) -> dict[str, Any]:
    """Prints, tests and archives the report of `week` (None: the newest whole week) from the current generation.

    Gives the archived facts: name, week, generation, pages, seconds, sha256, draft, missing, figures. Raises DataMissing,
    UsageError (bad week) or PrintFailed (browser, or the self-test with its findings); then nothing is kept.
    """
    book = library.current()
    issue = weekly_pages.build(book, week or weekly_pages.newest_week(book))
    name = f"{issue.week}-{issue.generation}"
    issue.context["link"] = address(settings, issue)
    page = html(issue)
    settings.reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".print-", dir=settings.reports) as work:
        source, made = Path(work) / "report.html", Path(work) / "report.pdf"
        source.write_text(page, "utf-8")
        seconds = printing.print_pdf(source, made)
        pdf_text.mend(made, {
            "/Title": f"{texts.BRAND}周报 {issue.context['period']}", "/Author": texts.BUREAU,
            "/Subject": f"快照 {issue.generation};数据截至 {issue.context['cutoff']}{';草稿' if issue.draft else ''}",
        })
        found = weekly_check.faults(made, page, issue, library.open(issue.generation))
        if found:
            raise PrintFailed(
                "周报自检未通过,没有发布:" + ";".join(found), where=name, to_do="请按提示处理数据或字体后重新打印"
            )
        facts = _facts(issue, name, made, seconds, now or units.now())
        _keep(settings.reports, name, made, facts)
    return facts


def address(settings: Settings, issue: weekly_pages.Issue) -> str:
    """Where the same numbers are seen online: option `public_url` of zhengbei.toml, pinned to the generation; "" without
    it. Raises ConfigError for anything but an http(s) address."""
    base = str(settings.option("public_url", "")).strip().rstrip("/")
    if not base:
        return ""
    if not PUBLIC_URL.fullmatch(base):
        raise ConfigError("public_url 不是网址", where=str(settings.data / "zhengbei.toml"), to_do="写成 https://主机名 或 http://主机名:端口")
    return f"{base}/?as_of={issue.generation}"


def _facts(issue: weekly_pages.Issue, name: str, made: Path, seconds: float, now: dt.datetime) -> dict[str, Any]:
    return {
        "name": name, "week": issue.week, "generation": issue.generation, "period": issue.context["period"],
        "cutoff": issue.context["cutoff"], "demo": issue.context["demo"], "printed_at": now.isoformat(timespec="seconds"),
        "pages": len(pdf_text.pages(made)), "seconds": round(seconds, 2), "bytes": made.stat().st_size,
        "sha256": hashlib.sha256(made.read_bytes()).hexdigest(), "draft": issue.draft, "missing": issue.missing,
        "figures": issue.figures,
    }  # fmt: skip


def _keep(folder: Path, name: str, made: Path, facts: dict[str, Any]) -> None:
    """PDF first, its facts last: whoever sees the .json finds the PDF it speaks of."""
    aside = made.with_suffix(".json")
    aside.write_text(json.dumps(facts, ensure_ascii=False, indent=1), "utf-8")
    for file, suffix in ((made, ".pdf"), (aside, ".json")):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(file, folder / f"{name}{suffix}")


def archive(settings: Settings) -> list[dict[str, Any]]:
    """Facts of the kept reports, newest week and generation first; a file without readable facts is left out."""
    found = []
    for file in sorted(settings.reports.glob("*.json"), reverse=True)[:LISTED]:
        if NAME.fullmatch(file.stem) and file.with_suffix(".pdf").is_file():
            try:
                found.append(json.loads(file.read_text("utf-8")))
            except (OSError, ValueError):
                continue
    return found


def register(server: Flask, library: Library, settings: Settings) -> None:
    """Adds the archive page /reports and the downloads /reports/<name>.pdf to `server`."""
    routes = Blueprint("reports", __name__, url_prefix="/reports")

    @routes.get("")
    def index() -> Response:
        rows = [
            {
                **facts, "hash": facts["sha256"][:HASH_SHOWN], "size": f"{facts['bytes'] / 1024:,.0f} KB",
                "printed": fmt.local(dt.datetime.fromisoformat(facts["printed_at"])).strftime("%Y-%m-%d %H:%M"),
            }
            for facts in archive(settings)
        ]  # fmt: skip
        prefix = request.script_root
        page = render("reports.html", rows=rows, assets=f"{prefix}/assets", base=f"{prefix}/reports", home=f"{prefix}/")
        return Response(page, mimetype="text/html")

    @routes.get("/<name>.pdf")
    def download(name: str) -> Response:
        if not NAME.fullmatch(name):
            abort(404)
        file = settings.reports / f"{name}.pdf"
        if not file.is_file():
            abort(404)
        return send_file(file, mimetype="application/pdf", download_name=f"{texts.BRAND}周报-{name}.pdf")

    server.register_blueprint(routes)


@click.group("report", help="周报:打印、自检与归档")
def report() -> None:
    """The group; its verbs follow."""


@report.command("weekly", help="打印一周的 PDF 周报,自检后归档")
@data_option
@click.option("--week", default=None, help="ISO 周,如 2026-W47;默认最近一个整周")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="另存一份到此文件")
def weekly(data: Path, week: str | None, out: Path | None) -> None:
    """Prints one report and says where it lies and what it lacks."""
    settings = Settings.at(data)
    if not settings.published.exists():
        raise DataMissing("还没有发布任何数据", where=str(data))
    facts = release(Library(data), settings, week)
    kept = settings.reports / f"{facts['name']}.pdf"
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, out)
    state = "草稿" if facts["draft"] else "正式"
    click.echo(f"{facts['period']} {state} {facts['pages']} 页 {facts['seconds']} 秒 {out or kept}")
    for line in facts["missing"]:
        click.echo(f"  缺:{line}")
