"""/filing: 名录填报 as pages – take the template, upload, see every wrong cell or the difference, put in force, take
back.

Owns who may file and what of an upload is believed. Every step is a request to the loading process; a page says how far
it is and asks again by itself. The pages are server-made, outside Dash: an upload is a form, and a form works on any
browser of the bureau."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson
from flask import Blueprint, Flask, abort, redirect, request
from werkzeug.wrappers import Response as Answer

from cockpit.casework import loader_requests
from cockpit.identity import gate
from cockpit.store import audit
from cockpit.web import export, filing_sheet, template_pages
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.core import request_queue, units
from warehouse.core.errors import PageMissing, UsageError
from warehouse.core.redaction import blot
from warehouse.core.request_queue import Request
from warehouse.core.settings import Settings
from warehouse.ingest import filed_lists
from warehouse.insight import lineage
from warehouse.query.snapshot_store import SnapshotStore

MAX_UPLOAD = 8_000_000
SUFFIXES = (".xlsx", ".csv")
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
HISTORY, MOVED_SHOWN = 20, 8
PATIENCE_S = 20
"""The loader takes requests up within seconds; one that waits longer than this is not being looked at."""
STEPS = {
    "current": "取现有内容",
    "check": "上传检查",
    "commit": "提交生效",
    "undo": "撤销",
    "confirm": "确认目标",
    "target": "修改目标",
}
IN_FORCE = ("commit", "undo", "confirm", "target")
"""Steps that put something in force, and may be taken back."""
KINDS = {"added": "新增", "changed": "修改", "removed": "减少"}


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /filing, /filing/<table> and the steps below it."""
    routes = Blueprint("filing", __name__, url_prefix="/filing")

    @routes.before_request
    def allowed() -> None:
        # a list is larger than any other form of the site; the limit must be known before the form is read
        request.max_content_length = MAX_UPLOAD

    _pages(routes, settings)
    _steps(routes, settings)
    server.register_blueprint(routes)


def _pages(routes: Blueprint, settings: Settings) -> None:
    @routes.get("")
    def index() -> Answer:
        latest: dict[str, Request] = {}
        for one in request_queue.filings(settings.state):
            if one.details["step"] in IN_FORCE and one.state == "done":
                latest.setdefault(one.details["table"], one)
        return _page("filing.html", tables=request_queue.offered(settings.state), latest=latest)

    @routes.get("/<table>")
    def table(table: str) -> Answer:
        stated = _offered(settings, table)
        history = request_queue.filings(settings.state, table, HISTORY)
        number = request.args.get("n", "")
        shown = _request(settings, table, int(number), *STEPS) if number.isascii() and number.isdigit() else None
        return _page(
            "filing_table.html",
            table=table,
            form=stated,
            history=history,
            kind=filed_lists.kind,
            unit=filing_sheet.unit,
            **_standing(shown, history, table),
        )

    @routes.get("/<table>/template.xlsx")
    def template(table: str) -> Answer:
        return template_pages.file(
            filing_sheet.workbook(_offered(settings, table)), export.TYPES["xlsx"], f"{table}-模板.xlsx"
        )

    @routes.get("/<table>/current/<int:number>.xlsx")
    def content(table: str, number: int) -> Answer:
        stated, found = _offered(settings, table), _request(settings, table, number, "current")
        if found.state != "done" or found.result is None:
            abort(404)
        audit.record(settings.state, "exported", who=gate.viewer().user, ip=gate.address(), subject=f"名录 {table}")
        body = filing_sheet.workbook(stated, orjson.loads(filed_lists.unseal(settings, table, found.result)))
        return template_pages.file(body, export.TYPES["xlsx"], f"{table}-{found.at:%Y%m%d-%H%M}.xlsx")


def _steps(routes: Blueprint, settings: Settings) -> None:
    @routes.post("/<table>/current")
    def current(table: str) -> Answer:
        if not _offered(settings, table)["current"]:
            raise UsageError("这张表含个人信息，不能导出现有内容", to_do="请下载空白模板填写")
        return ask(settings, table, "current", {})

    @routes.post("/<table>/check")
    def check(table: str) -> Answer:
        stated = _offered(settings, table)
        name, body = _uploaded()
        month = request.form.get("month", "").strip()
        if stated["ledger"] and not MONTH.fullmatch(month):
            raise UsageError("台账年月写法不对", to_do="请写成 2026-01 的样子")
        return ask(
            settings,
            table,
            "check",
            {"name": name, **({"month": month} if stated["ledger"] else {})},
            filed_lists.seal(settings, table, body),
        )

    @routes.post("/<table>/commit")
    def commit(table: str) -> Answer:
        _offered(settings, table)
        checked = _request(settings, table, _number("check"), "check")
        return _once(settings, table, "commit", "check", checked.id, confirmed=bool(request.form.get("confirmed")))

    @routes.post("/<table>/undo")
    def undo(table: str) -> Answer:
        _offered(settings, table)
        return _once(settings, table, "undo", "commit", _request(settings, table, _number("commit"), *IN_FORCE).id)

    @routes.post("/own_target/confirm")
    def confirm() -> Answer:
        _offered(settings, "own_target")
        metric = metrics().get(request.form.get("metric", ""))
        if metric is None:
            raise UsageError("没有这个指标", to_do="请从指标页上确认")
        viewer = gate.viewer()
        return ask(settings, "own_target", "confirm", {"kpi_id": metric.id, "by": viewer.display or viewer.user})


def _page(template: str, **values: Any) -> Answer:
    return template_pages.page(template, steps=STEPS, states=request_queue.STATES, kinds=KINDS, **values)


def _offered(settings: Settings, table: str) -> dict[str, Any]:
    """What the loader says of the table. Aborts with 404 for one that cannot be filed."""
    stated = request_queue.offered(settings.state).get(table)
    if stated is None:
        abort(404)
    return stated


def _request(settings: Settings, table: str, number: int, *steps: str) -> Request:
    """A step of this table. Aborts with 404 for anything else."""
    try:
        found = request_queue.one(settings.state, number)
    except (PageMissing, OverflowError):
        abort(404)
    if found.kind != "file" or found.details["table"] != table or found.details["step"] not in steps:
        abort(404)
    return found


def _number(field: str) -> int:
    return request.form.get(field, type=int) or 0


def _uploaded() -> tuple[str, bytes]:
    """Name and bytes of the file in the form. The loader looks at what is in it; here only what cannot be a list is
    turned away."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise UsageError("没有选择文件", to_do="请选择填好的 XLSX 或 CSV 文件")
    name = blot(given.filename.replace("\\", "/").rpartition("/")[2].replace("|", " "))[-80:]
    if not name.lower().endswith(SUFFIXES):
        raise UsageError(f"不能读取这种文件：{name}", to_do="请另存为 XLSX 或 CSV 后上传")
    body = given.read()
    if not body:
        raise UsageError(f"文件是空的：{name}", to_do="请检查后重新上传")
    return name, body


def ask(settings: Settings, table: str, step: str, details: dict[str, object], body: bytes | None = None) -> Answer:
    """Asks the loader for a step; leads to the page that says how far it is."""
    number = loader_requests.put(settings, "file", {"table": table, "step": step, **details}, body)
    return redirect(f"/filing/{table}?n={number}", code=303)


def _once(settings: Settings, table: str, step: str, of: str, number: int, **details: object) -> Answer:
    """Asks for a step that may be done once; sent twice (a second click), it leads to the first."""
    same = next(
        (
            one
            for one in request_queue.filings(settings.state, table)
            if one.details["step"] == step and one.details.get(of) == number and one.state != "failed"
        ),
        None,
    )
    return (
        redirect(f"/filing/{table}?n={same.id}", code=303)
        if same
        else ask(settings, table, step, {of: number, **details})
    )


def _standing(shown: Request | None, history: list[Request], table: str) -> dict[str, Any]:
    """How far the step is that the page is about: found (what a check came to), followed (the commit of this check),
    is_newest (it may be taken back), is_slow (nobody takes it up), moved (the first of moved_count metrics that what
    took effect may move)."""
    found: dict[str, Any] = {}
    if shown and shown.details["step"] == "check" and shown.state == "done" and shown.result:
        found = orjson.loads(shown.result)
    done = [one for one in history if one.details["step"] in IN_FORCE and one.state == "done"]
    followed = next(
        (one for one in history if shown and one.details.get("check") == shown.id and one.state != "failed"), None
    )
    waits = shown is not None and shown.state in ("waiting", "running")
    is_slow = shown is not None and shown.state == "waiting" and time.time() - shown.at.timestamp() > PATIENCE_S
    labels = contracts()[table].open
    moved = (
        [metrics()[name] for name in lineage.above(table)] if shown and any(one.id == shown.id for one in done) else []
    )
    return {
        "shown": shown,
        "found": found,
        "followed": followed,
        "newest": done[0] if done else None,
        "waits": waits,
        "is_slow": is_slow,
        "names": labels,
        "moved": moved[:MOVED_SHOWN],
        "moved_count": len(moved),
        "this_month": f"{units.now():%Y-%m}",
    }
