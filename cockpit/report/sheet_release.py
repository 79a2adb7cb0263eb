"""A sheet from question to archive: print what fits on one page, test it, keep it. What stands on it is sheet.py's, the
browser printing.py's; the archive and its chain are those of the reports."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from cockpit.casework import permalinks, task_store
from cockpit.presentation import format as fmt
from cockpit.presentation import public_url, texts
from cockpit.presentation.templates import render
from cockpit.report import archive, paper_text, pdf_text, poppler, printing, proofreading, release, self_test, sheet
from cockpit.report.day_span import DaySpan
from cockpit.report.sheet import Sheet
from cockpit.report.subjects import Subject
from warehouse.core import units
from warehouse.core.errors import PrintFailed
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

MARK, MARK_PT = "督办与上期交办落实", 12.0
"""A heading that every sheet has, and how wide a character of it is."""


def make(
    library: SnapshotStore,
    settings: Settings,
    subject: Subject,
    span: DaySpan,
    *,
    now: dt.datetime | None = None,
    by: str = "",
) -> archive.Facts:
    """Prints, tests and archives the sheet of a subject from the current generation and gives its facts; one that is there
    already is returned. Made of the subject's numbers alone, whoever asks. by: who asked.

    Raises PrintFailed (browser, self-test); then nothing is kept."""
    book = library.current(Scope.ALL)
    name = f"{span.at}-{book.generation.id}-{subject.slug}"
    if (there := archive.find(settings, name)) is not None:
        return there
    with release.failing(f"{subject.label}单页", settings):
        settings.reports.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".print-", dir=settings.reports) as work:
            return _make(book, settings, subject, span, name, Path(work), now or units.now(), by)


def html(made: Sheet) -> str:
    """The one static page that is printed, as release.html."""
    return render("sheet.html", css=release.css(), **made.context)


def _make(
    book: Snapshot,
    settings: Settings,
    subject: Subject,
    span: DaySpan,
    name: str,
    work: Path,
    now: dt.datetime,
    by: str,
) -> archive.Facts:
    tasks = task_store.for_week(settings.state, span.first, span.last)
    base = public_url.base(settings)
    source, made = work / "sheet.html", work / "sheet.pdf"
    seconds = 0.0
    for room in sheet.ROOMS:
        one = sheet.build(book, subject, span, tasks, room)
        if sheet.height_mm(one.context) > sheet.PAGE_MM and room != sheet.ROOMS[-1]:
            continue
        one.context["base"], one.context["link"] = base, f"{base}/?as_of={one.generation}" if base else ""
        page = html(one)
        source.write_text(page, "utf-8")
        seconds += printing.print_pdf(source, made, fonts=settings.fonts)
        if pdf_text.count(made) == 1:
            break
    else:
        raise PrintFailed(f"{subject.label}单页一页放不下", where=name, to_do="请减少 key_numbers.toml 里的指标")
    title = f"{one.context['heading']} {one.context['period']}"
    about = f"快照 {one.generation}；数据截至 {one.context['cutoff']}"
    pdf_text.mend(made, {"/Title": title, "/Author": texts.BUREAU, "/Subject": about})
    release.refuse(faults(made, page, one, book, settings.fonts), f"{subject.label}单页", name)
    if not span.is_range:
        for metric, reading in one.readings.items():
            permalinks.issue(settings.state, reading, one.figures[metric]["decimals"])
    return archive.keep(settings, made, _facts(one, name, made, seconds, now), by=by)


def faults(pdf: Path, page: str, made: Sheet, book: Snapshot, own_fonts: Path | None = None) -> list[str]:
    """Every reason not to keep a sheet, in Chinese; [] when it is sound: what the reports are tested for, as far as it is
    on one page."""
    printed = poppler.pages(pdf)
    whole = "".join(printed)
    if blank := self_test.no_chinese(whole, page):
        return blank
    found = [] if len(printed) == 1 else [f"页数是 {len(printed)}，不是一页"]
    printed_pt = poppler.width(pdf, MARK)
    if printed_pt is None or abs(printed_pt / len(MARK) - MARK_PT) > self_test.MARK_TOLERANCE_PT:
        found.append("版面被缩小：有内容比页面宽")
    found += self_test.glyphs(pdf, whole, page, own_fonts)
    found += [f"{words}没有印出来" for words in (made.generation, made.context["cutoff"]) if _bare(words) not in whole]
    found += [f"句子没有印全：{text[:20]}……" for text in made.context["findings"] if _bare(text) not in whole]
    found += _figures(whole, made, book)
    found += [str(fault) for fault in proofreading.faults(paper_text.read(page, poppler.lines(pdf)))]
    return found + self_test.ink(pdf, made.charts)


def _figures(whole: str, made: Sheet, book: Snapshot) -> list[str]:
    """The paper must print what the generation answers when asked again."""
    found = []
    for name, archived in made.figures.items():
        metric = book.metrics[name]
        again = sheet.read(book, metric, made.subject, made.span)
        shown = str(fmt.reading(again, metric.decimals))
        period = next(row["period"] for row in made.context["rows"] if row["metric"] == name)
        if again.value != archived["value"] or shown != archived["text"]:
            found.append(f"{again.label}：同一快照两次读数不同")
        if _bare(f"{again.label}{period}{shown}") not in whole:
            found.append(f"{again.label}：没有印出 {shown}")
    return found


def _bare(text: str) -> str:
    return "".join(text.split())


def _facts(made: Sheet, name: str, file: Path, seconds: float, now: dt.datetime) -> dict[str, Any]:
    return {
        "name": name,
        "subject": made.subject.facts(),
        "window": made.span.window,
        "at": made.span.at,
        "generation": made.generation,
        "period": made.context["period"],
        "cutoff": made.context["cutoff"],
        "demo": made.context["demo"],
        "printed_at": now.isoformat(timespec="seconds"),
        "pages": 1,
        "seconds": round(seconds, 2),
        "bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "draft": bool(made.missing),
        "missing": made.missing,
        "unconnected": made.unconnected,
        "points": made.context["findings"],
        "figures": made.figures,
    }
