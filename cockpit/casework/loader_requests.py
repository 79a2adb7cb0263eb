"""What people ask of the loading process on a page: run a job now, reckon days again, replay, correct one row of the
quarantine.

Owns what may be asked for and what of a form is believed. Nothing is done here: a request is written into state.sqlite,
the loader takes it up within seconds and writes down what came of it. No personal value may stand in a request: such a
cell is corrected by file."""

from __future__ import annotations

import datetime as dt
import time

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

from cockpit.identity import gate, login
from cockpit.store import app_db, audit
from warehouse.catalog.contracts import contracts
from warehouse.core import request_queue
from warehouse.core.errors import UsageError
from warehouse.core.redaction import blot, in_line
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore

JOBS = {"refresh": "刷新（取数、计算、发布）", "live": "实时定位", "reconcile": "核对删除", "nightly": "夜间维护与备份"}
MOST_DAYS, LONGEST = 92, 200


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /health/ask/<kind>, /quarantine/<seq>/acknowledge and /quarantine/<seq>/<row>."""

    @server.post("/health/ask/<kind>")
    def ask(kind: str) -> Response:
        requested = {"run": _run, "backfill": _backfill, "replay": _replay}.get(kind)
        if requested is None:
            abort(404)
        put(settings, kind, requested())
        return _back("/health")

    @server.post("/quarantine/<int:seq>/acknowledge")
    def acknowledge(seq: int) -> Response:
        why = _words(request.form.get("why", ""), "原因")
        put(settings, "acknowledge", {"seqs": [seq], "why": why})
        return _back("/quarantine")

    @server.post("/quarantine/<int:seq>/<int:row>")
    def correct(seq: int, row: int) -> Response:
        contract = contracts().get(request.form.get("table", ""))
        if contract is None:
            abort(404)
        changes = {
            name: _cell(name, request.form[f"new-{name}"])
            for name in contract.open
            if request.form.get(f"new-{name}", "") != request.form.get(f"old-{name}", "")
        }
        if not changes:
            raise UsageError("没有改动任何一列", to_do="请先改正有错的列再提交")
        put(
            settings,
            "correct",
            {"seq": seq, "row": row, "changes": changes, "why": _words(request.form.get("why", ""))},
        )
        return _back("/quarantine")


def put(settings: Settings, kind: str, details: dict[str, object], body: bytes | None = None) -> int:
    """Writes down what the person asks of the loading process, in the audit log too; returns the number of the
    request."""
    who = gate.viewer().user
    with app_db.writing(settings.state) as connection:
        number = request_queue.add(connection, kind, details, who, body=body, at=time.time())
        audit.append(
            connection,
            "asked",
            who=who,
            ip=gate.address(),
            subject=f"请求 {number}",
            detail=request_queue.KINDS[kind],
        )
    return number


def _back(page: str) -> Response:
    return redirect(login.local_target(request.form.get("next") or page), code=303)


def _run() -> dict[str, object]:
    job = request.form.get("job", "")
    if job not in JOBS:
        raise UsageError("没有这个任务", where=job[:30], to_do=f"可选：{'、'.join(JOBS.values())}")
    return {"job": job}


def _backfill() -> dict[str, object]:
    first, last = day("first"), day("last")
    if last < first:
        raise UsageError(f"截止日 {last} 早于起始日 {first}", to_do="请调换后再提交")
    if (last - first).days >= MOST_DAYS:
        raise UsageError(f"一次最多 {MOST_DAYS} 天，这里是 {(last - first).days + 1} 天", to_do="请分几次补数")
    source = request.form.get("source", "")
    known = {contract.source for contract in contracts().values() if contract.source != "own"}
    if source and source not in known:
        raise UsageError("没有这个来源", where=source[:30], to_do="请从列表中选择")
    return {"first": first.isoformat(), "last": last.isoformat(), "sources": [source] if source else []}


def day(field: str) -> dt.date:
    """The day that a form names in a field. Raises UsageError for anything else."""
    try:
        return dt.date.fromisoformat(request.form.get(field, "").strip())
    except ValueError as error:
        raise UsageError("日期写法不对", to_do="请写成 2026-01-31 的样子") from error


def _replay() -> dict[str, object]:
    return {}


def _cell(name: str, value: str) -> str:
    text = value.strip()[:LONGEST]
    if blot(text) != text:
        raise UsageError(
            "这里不能填写身份证号或手机号",
            where=name,
            to_do="含个人号码的更正请用 etl quarantine export 导出后以文件更正",
        )
    return text


def _words(text: str, name: str = "更正理由") -> str:
    plain = in_line(text)
    if not plain:
        raise UsageError(f"没有填写{name}", to_do=f"请写明，最多 {LONGEST} 字")
    return plain[:LONGEST]
