"""The routes below /reports: the archive page, a comparison of two, and the downloads. What is ordered there is
report_orders.py's."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Flask, Response, abort, request

from cockpit.identity import gate, rights
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.report import archive, release
from cockpit.store import audit
from cockpit.web import report_orders, template_pages
from warehouse.core import timetable, units
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

LISTED = 200
HASH_SHOWN = 12
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the archive page /reports and the downloads /reports/<name>.pdf to `server`. Raises ConfigError for a
    `report_at` that says no time."""
    times = timetable.of(settings)
    routes = Blueprint("reports", __name__, url_prefix="/reports")

    @routes.get("")
    def index() -> Response:
        requested = request.args.get("q", "").strip()[:100]
        is_whole = rights.may(gate.viewer(), "reports")
        opened = archive.opened(settings) if is_whole else {}
        rows = [_listed(facts, opened.get(facts["name"], [])) for facts in archive.every(settings)] if is_whole else []
        rows = [row for row in rows if not requested or requested.lower() in row["found_by"]]
        second = rows[0] if rows else None
        first = next(
            (row for row in rows[1:] if second and row["kind"] == second["kind"]), second
        )  # compared with the one before of its own kind
        return template_pages.page(
            "reports.html",
            rows=rows[:LISTED],
            first=first,
            second=second,
            query=requested,
            faults=archive.broken(settings) if is_whole else [],
            signs=rights.may(gate.viewer(), "issues"),
            coming=times.coming(units.now()),
            **report_orders.shown(library, settings, requested),
        )

    report_orders.add(routes, library, settings)

    @routes.get("/compare")
    def compare() -> Response:
        first, second = (archive.one(settings, request.args.get(name, "")) for name in ("first", "second"))
        return template_pages.page(
            "reports_compare.html", first=first, second=second, rows=archive.compare(first, second)
        )

    @routes.get("/<name>.pdf")
    def download(name: str) -> Response:
        file = settings.reports / f"{name}.pdf"
        if not archive.NAME.fullmatch(name) or not file.is_file():
            abort(404)
        audit.record(settings.state, archive.OPENED, who=gate.viewer().user, ip=gate.address(), subject=name)
        return template_pages.file(
            file, "application/pdf", f"{texts.BRAND}{archive.label({'name': name})}-{name}.pdf", opens=True
        )

    @routes.get("/<name>.docx")
    def to_word(name: str) -> Response:
        facts = archive.find(settings, name)
        if facts is None or "lead" not in facts:
            abort(404)
        audit.record(settings.state, archive.OPENED, who=gate.viewer().user, ip=gate.address(), subject=name)
        from cockpit.report import word  # with the first paper that somebody wants in Word

        made = word.make(facts, release.imprint_of(settings, facts))
        return template_pages.file(made, DOCX, f"{texts.BRAND}{archive.label(facts)}-{name}.docx")

    server.register_blueprint(routes)


def _listed(facts: archive.Facts, opened: list[tuple[float, str]]) -> dict[str, Any]:
    """A line of the archive page. found_by: the words by which a search finds it. Who opened it is for those who answer
    for access."""
    state = archive.state(facts)
    names = "、".join(dict.fromkeys(who for _, who in opened)) if rights.may(gate.viewer(), "readers") else ""
    return {
        **facts,
        "state": state,
        "has_words": "lead" in facts,
        "kind": archive.label(facts),
        "hash": facts["sha256"][:HASH_SHOWN],
        "size": f"{facts['bytes'] / 1024:,.0f} KB",
        "by": facts.get("by") or fmt.DASH,
        "printed": fmt.local(dt.datetime.fromisoformat(facts["printed_at"])).strftime("%Y-%m-%d %H:%M"),
        "opened": len(opened),
        "openers": names,
        "found_by": f"{facts['name']} {archive.label(facts)} {facts['period']} {facts['cutoff']} {state}".lower(),
    }
