"""The weekly report, and by the same steps the monthly and the quarterly one, from question to archive: print,
self-test, keep. The numbers are the Snapshot's, the pages weekly_pages.py's, the browser printing.py's.

A report is kept as <period>-<generation>.pdf with a .json beside it (archive.py); the same period of the same
generation printed again must carry the same figures, and the first print stays. A report that fails its self-test is
never kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pikepdf import PdfError

from cockpit.casework import permalinks, task_store
from cockpit.identity import accounts
from cockpit.presentation import assets, public_url, texts
from cockpit.presentation.templates import render
from cockpit.report import archive, bulletin, content, pdf_text, printing, self_test, signing, typefaces
from warehouse.core import timetable, units
from warehouse.core.errors import PrintFailed, UsageError
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

STYLES = ("css/00_tokens.css", *assets.sheets("paper"))
FAULTS_LISTED = 6
SIGNED = "S"
"""Ends the name of a signed paper, which lies beside the one that was reviewed."""


def html(issue: content.Issue) -> str:
    """The one static page that is printed: own style inside, no script, no address of any file or host."""
    return render("weekly.html", css=css(), **issue.context)


def css() -> str:
    """The style of every paper."""
    return "\n".join((typefaces.css(), *(assets.content(name).decode() for name in STYLES)))


def release(
    library: SnapshotStore,
    settings: Settings,
    at: str | None = None,
    *,
    window: str = "week",
    now: dt.datetime | None = None,
    by: str = "",
    is_held: bool = False,
) -> archive.Facts | None:
    """Prints, tests and archives the report of the `window` named `at` (None: the newest whole one) from the current
    generation. by: who released it.

    Gives the archived facts: name, window, at, generation, pages, seconds, sha256, draft, missing, unconnected, figures. is_held: a
    draft of it is out already, so that only the finished report is printed; None while the gate is still shut. Raises
    DataMissing, UsageError (bad period) or PrintFailed (browser, or the self-test with its findings); then nothing is
    kept."""
    book = library.current(Scope.ALL)
    wanted = at or content.newest(book, window)
    content.days(wanted, window)
    imprint = signing.plain(settings.options.bulletin)
    return _written(library, settings, book, wanted, imprint, now or units.now(), by, is_held=is_held)


def sign(
    library: SnapshotStore, settings: Settings, report: str, *, now: dt.datetime | None = None, by: str = ""
) -> archive.Facts:
    """Prints the signed paper of a report of the archive: the same generation, the same numbers, with number, date and
    the names of those who made it; archived beside the one that was reviewed. One that is there already is returned.

    Raises DataMissing for an unknown report, UsageError for one that is not signed, PrintFailed as release() does."""
    reviewed, issue = archive.one(settings, report), signing.one(settings, report)
    if issue.number is None:
        raise UsageError("这期报告还没有签发", where=report, to_do="请先在 /issues 审核、签发")
    if (there := archive.find(settings, f"{report}{SIGNED}")) is not None:
        return there
    book = library.open(reviewed["generation"], Scope.ALL)
    imprint = imprint_of(settings, reviewed)
    facts = _written(library, settings, book, archive.period(reviewed), imprint, now or units.now(), by)
    if facts is None or facts["figures"] != reviewed["figures"]:
        raise PrintFailed("签发版与送审稿的数不同，没有发布", where=report, to_do="请核对软件版本；送审稿保持不变")
    return facts


def imprint_of(settings: Settings, facts: archive.Facts) -> bulletin.Imprint:
    """What the bureau's people have added to a report of the archive so far; a signed paper has that of the one that was
    reviewed."""
    reviewed = {**facts, "name": str(facts["name"]).removesuffix(SIGNED)}
    [issue] = signing.of(settings, [reviewed])
    return signing.imprint(settings, issue, accounts.display_names(settings.state))


def _written(
    library: SnapshotStore,
    settings: Settings,
    book: Snapshot,
    wanted: str,
    imprint: bulletin.Imprint,
    now: dt.datetime,
    by: str,
    *,
    is_held: bool = False,
) -> archive.Facts | None:
    """Builds, prints, tests and archives; None for a draft that is held. Raises PrintFailed with what to do."""
    window = units.window_named(wanted)
    with failing(f"{timetable.REPORTS[window]} {wanted}", settings):
        tasks = task_store.for_week(settings.state, *content.days(wanted, window))
        before = archive.last_of(settings, wanted, but=book.generation.id)
        issue = content.build(book, wanted, tasks, before, imprint)
        if is_held and issue.draft:
            return None
        issue.context["link"], issue.context["base"] = address(settings, issue), public_url.base(settings)
        settings.reports.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".print-", dir=settings.reports) as work:
            return _make(library, settings, issue, Path(work), now, by)


@contextmanager
def failing(paper: str, settings: Settings) -> Iterator[None]:
    """What keeps a paper from being written, as PrintFailed with what to do. paper: what it is called."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise PrintFailed(
            f"{paper} 没有写成：{printing.why(error)}",
            where=str(settings.data),
            to_do="请处理后重新打印；归档没有改动",
        ) from error
    except PdfError as error:
        raise PrintFailed(f"{paper} 没有发布：浏览器产出的 PDF 读不出来") from error


def refuse(faults: Sequence[str], paper: str, name: str) -> None:
    """Raises PrintFailed where the self-test of a paper has found anything."""
    if faults:
        more = f"；另有 {len(faults) - FAULTS_LISTED} 处" if len(faults) > FAULTS_LISTED else ""
        raise PrintFailed(
            f"{paper}自检未通过，没有发布：{';'.join(faults[:FAULTS_LISTED])}{more}",
            where=name,
            to_do="请按提示处理数据或字体后重新打印",
        )


def _make(
    library: SnapshotStore, settings: Settings, issue: content.Issue, work: Path, now: dt.datetime, by: str
) -> archive.Facts:
    """Print, self-test, archive; `work` is a folder beside the archive, on the same file system."""
    signed = issue.context["imprint"].is_signed
    name, page = f"{issue.at}-{issue.generation}{SIGNED if signed else ''}", html(issue)
    source, made = work / "report.html", work / "report.pdf"
    source.write_text(page, "utf-8")
    seconds = printing.print_pdf(source, made, fonts=settings.fonts)
    pdf_text.mend(
        made,
        {
            "/Title": f"{issue.context['title']} {issue.context['period']}",
            "/Author": texts.BUREAU,
            "/Subject": f"快照 {issue.generation}；数据截至 {issue.context['cutoff']}；{'草稿' if issue.draft else issue.context['imprint'].issue}",
        },
    )
    found = self_test.faults(made, page, issue, library.open(issue.generation, Scope.ALL), settings.fonts)
    refuse(found, issue.context["kind"], name)
    for (
        metric,
        reading,
    ) in issue.readings.items():  # before the paper is out, so that whoever reads a number on it can open it
        permalinks.issue(settings.state, reading, issue.figures[metric]["decimals"])
    return archive.keep(settings, made, _facts(issue, name, made, seconds, now), by=by)


def address(settings: Settings, issue: content.Issue) -> str:
    """Where the same numbers are seen online, pinned to the generation; "" where no address is set. Raises ConfigError
    as public.base does."""
    base = public_url.base(settings)
    return f"{base}/?as_of={issue.generation}" if base else ""


def _facts(issue: content.Issue, name: str, made: Path, seconds: float, now: dt.datetime) -> dict[str, Any]:
    return {
        "name": name,
        "window": issue.window,
        "at": issue.at,
        "generation": issue.generation,
        "period": issue.context["period"],
        "cutoff": issue.context["cutoff"],
        "demo": issue.context["demo"],
        "printed_at": now.isoformat(timespec="seconds"),
        "pages": pdf_text.count(made),
        "seconds": round(seconds, 2),
        "bytes": made.stat().st_size,
        "sha256": hashlib.sha256(made.read_bytes()).hexdigest(),
        "draft": issue.draft,
        "stage": "signed" if issue.context["imprint"].is_signed else "review",
        "issue": issue.context["imprint"].issue if issue.context["imprint"].is_signed else "",
        "missing": issue.missing,
        "unconnected": issue.unconnected,
        "points": [point["head"] + point["rest"] for point in issue.context["points"]],
        "lead": {**issue.context["lead"], "annexes": list(bulletin.ANNEXES)},
        "figures": issue.figures,
    }
