"""What the auditor has found in the log, as a workbook or a CSV file: /audit/export.<kind> with the page's own address
behind it. That it was taken away is itself an entry."""

from __future__ import annotations

from flask import Flask, Response, abort, request

from cockpit.identity import gate
from cockpit.pages import audit as page
from cockpit.presentation.address import Address
from cockpit.store import audit, audit_search
from cockpit.web import export, template_pages
from warehouse.core import units
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

MOST_ROWS = 200_000


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the route."""

    @server.get("/audit/export.<kind>")
    def audit_export(kind: str) -> Response:
        if kind not in export.TYPES:
            abort(404)
        address = Address.parse("/audit", request.query_string.decode("utf-8", "replace"))
        found, total = audit_search.find(settings.state, page.wanted(address), MOST_ROWS)
        if total > MOST_ROWS:
            raise UsageError(f"共 {total} 条，一次最多导出 {MOST_ROWS} 条", to_do="请缩短时间范围，分几次导出")
        audit.record(
            settings.state,
            "exported",
            who=gate.viewer().user,
            ip=gate.address(),
            subject=address.here()[:300],
            detail=f"{kind} {total} 条",
        )
        sheet = export.Sheet("审计日志", page.HEADS, [(int(row[0]), *row[1:]) for row in map(page.cells, found)])
        body = export.workbook([sheet]) if kind == "xlsx" else export.text(sheet)
        name = f"审计日志-{units.now():%Y%m%d-%H%M%S}.{kind}"
        return template_pages.file(body, export.TYPES[kind], name)
