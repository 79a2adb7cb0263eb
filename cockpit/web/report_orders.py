"""What people ask for on the page of reports: print a report or a sheet, send one to me, send one again to those who get
it. Nothing is done here: requests are written down, the loading process carries them out within seconds.

Who sees some places only gets sheets about these, and no paper about anything else; that there is one is not told."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.casework import loader_requests
from cockpit.identity import gate, rights
from cockpit.messages import letter
from cockpit.messages.receivers import Receiver, configured
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.report import archive, day_span, delivery, subjects
from cockpit.store import audit
from cockpit.web import template_pages
from warehouse.core import request_queue
from warehouse.core.errors import CockpitError, DataMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

RANGE, OTHER = "range", "other"
"""Spans of the form that are typed: two days, or the name of a period."""
LOOKED_AT, PATIENCE_S, LISTED = 30, 20, 100
NO_ADDRESS = "没有登记您的收件地址"
HOW_ADDRESS = "请系统管理员在 delivery.toml 里为您的收件方写明 account（您的账号名）"


def add(routes: Blueprint, library: SnapshotStore, settings: Settings) -> None:
    """Adds order, sheet/<name>.pdf, <name>/to-me and <name>/resend to the routes below /reports."""

    @routes.post("/order")
    def order() -> Answer:
        book = library.current(gate.viewer().scope)
        subject = subjects.find(book, request.form.get("whom", "") or subjects.WHOLE)
        span = day_span.named(_at(), book.generation.last_day)
        details: dict[str, object] = {"at": span.at, "whom": subject.code}
        if subject.kind == "district" and not span.is_range:
            if not rights.may(gate.viewer(), "reports_ordered"):
                audit.denied(settings.state, gate.viewer().user, gate.address(), request.path)
                abort(403)
            details = {"at": span.at}
        number = loader_requests.put(settings, "report", details)
        return redirect(f"/reports?n={number}", code=303)

    @routes.get("/sheet/<name>.pdf")
    def sheet(name: str) -> Response:
        facts = _readable(library, settings, name)
        if not archive.is_sheet(facts):
            abort(404)
        audit.record(settings.state, archive.OPENED, who=gate.viewer().user, ip=gate.address(), subject=name)
        called = f"{texts.BRAND}{archive.label(facts)}-{archive.period(facts)}.pdf"
        return template_pages.file(settings.reports / f"{name}.pdf", "application/pdf", called, opens=True)

    @routes.post("/<name>/to-me")
    def to_me(name: str) -> Answer:
        facts = _readable(library, settings, name)
        mine = delivery.own(configured(settings)[1], gate.viewer().user)
        if not mine:
            raise UsageError(NO_ADDRESS, to_do=HOW_ADDRESS)
        return _send(settings, facts, mine)

    @routes.post("/<name>/resend")
    def resend(name: str) -> Answer:
        facts = _readable(library, settings, name)
        usual = delivery.usual(configured(settings)[1], facts)
        if not usual:
            raise UsageError(
                "这一份没有收件方", where=archive.title(facts), to_do="请系统管理员在 delivery.toml 里写收件方"
            )
        return _send(settings, facts, usual)


def _send(settings: Settings, facts: archive.Facts, receivers: Sequence[Receiver]) -> Answer:
    delivery.order(settings, facts, receivers, by=gate.viewer().user, ip=gate.address())
    return redirect(f"/reports?q={facts['name']}", code=303)


def _at() -> str:
    """The span that the form names."""
    span = request.form.get("span", OTHER)
    if span == RANGE:
        return day_span.BETWEEN.join(request.form.get(end, "").strip()[:10] for end in ("since", "until"))
    return (request.form.get("at", "") if span == OTHER else span).strip()[:24]


def _readable(library: SnapshotStore, settings: Settings, name: str) -> archive.Facts:
    """The facts of a paper that the person may see; 404 for any other."""
    facts = archive.find(settings, name)
    if facts is None or not _may_see(_book(library), facts):
        abort(404)
    return facts


def _may_see(book: Snapshot | None, facts: archive.Facts) -> bool:
    if archive.is_sheet(facts):
        return book is not None and subjects.is_within(book, subjects.of_facts(facts))
    return rights.may(gate.viewer(), "reports")


def _book(library: SnapshotStore) -> Snapshot | None:
    """What the person sees of the newest snapshot, None before there is one."""
    try:
        return library.current(gate.viewer().scope)
    except DataMissing:
        return None


def shown(library: SnapshotStore, settings: Settings, query: str) -> dict[str, Any]:
    """What the page of reports needs of all this: the form, the request under way, the sheets, who may send and what was
    sent. query: words that a sheet is found by, "" = all."""
    book, who = _book(library), gate.viewer()
    may_order = rights.may(who, "sheets_ordered") and book is not None
    listed = [facts for facts in archive.sheets(settings) if _may_see(book, facts)]
    rows = [_row(facts) for facts in listed]
    return {
        "may_order": may_order,
        "whole": rights.may(who, "reports"),
        "whom": _whom(book),
        "choices": subjects.choices(book) if may_order and book else [],
        "spans": day_span.choices(book) if may_order and book else {},
        "sheets": [row for row in rows if not query or query.lower() in row["found_by"]][:LISTED],
        "order": _under_way(settings, listed),
        "letters": _letters(settings),
        "usual": _usual(settings) if rights.may(who, "papers_sent") else lambda _: [],
        "mine": delivery.own(_receivers(settings), who.user),
        "no_address": f"{NO_ADDRESS}，不能“发给我”；{HOW_ADDRESS}。",
    }


def _receivers(settings: Settings) -> list[Receiver]:
    """Who can be written to; where the settings cannot be read nobody can, and the page stands all the same."""
    try:
        return configured(settings)[1]
    except CockpitError:
        return []


def _usual(settings: Settings) -> Callable[[archive.Facts], list[str]]:
    """Gives the names of those who get a paper without asking."""
    known = _receivers(settings)
    return lambda facts: [one.name for one in delivery.usual(known, facts)]


def _whom(book: Snapshot | None) -> str:
    """Whom the address asks about, by name: a page of a town or company leads here with its code."""
    code = request.args.get("whom", "").strip()[:60]
    place = book.known(code) if book is not None else None
    if place is not None and place.grain in ("town", "company"):
        return place.label if place.grain == "town" else place.code
    return code


def _row(facts: archive.Facts) -> dict[str, Any]:
    return {
        **facts,
        "label": facts["subject"]["label"],
        "kind": subjects.KINDS[facts["subject"]["kind"]],
        "state": archive.state(facts),
        "printed": fmt.local(dt.datetime.fromisoformat(facts["printed_at"])).strftime("%Y-%m-%d %H:%M"),
        "found_by": f"{facts['name']} {archive.title(facts)}".lower(),
    }


def _under_way(settings: Settings, listed: Sequence[archive.Facts]) -> dict[str, Any] | None:
    """The order that the address names, of this person: how it stands, and where the paper is when it is done."""
    number = request.args.get("n", "")
    newest = request_queue.newest(settings.state, LOOKED_AT, "report")
    one = next((one for one in newest if str(one.id) == number and one.who == gate.viewer().user), None)
    if one is None:
        return None
    waits, seconds = one.state in ("waiting", "running"), max(0.0, time.time() - one.at.timestamp())
    at, whom = str(one.details["at"]), one.details.get("whom")
    if whom is None:
        papers = [facts for facts in archive.every(settings) if archive.period(facts) == at]
    else:
        papers = [facts for facts in listed if archive.period(facts) == at and facts["subject"]["code"] == whom]
    paper = max(papers, key=lambda facts: int(facts["number"]), default=None) if one.state == "done" else None
    return {
        "id": one.id,
        "at": at.replace(day_span.BETWEEN, " 至 "),
        "waits": waits,
        "state": request_queue.STATES[one.state],
        "is_failed": one.state == "failed",
        "is_slow": one.state == "waiting" and seconds > PATIENCE_S,
        "seconds": round(seconds),
        "message": one.message,
        "title": archive.title(paper) if paper else "",
        "href": f"/reports/{'sheet/' if whom is not None else ''}{paper['name']}.pdf" if paper else "",
    }


def _letters(settings: Settings) -> dict[str, list[tuple[str, str]]]:
    """Paper → who was written to, and how that stands."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in delivery.ledger(settings):
        found[row["report"]].append((row["receiver"], letter.STATES[row["state"]]))
    return found
