"""名录填报: a whole list that somebody uploads is checked cell by cell, compared, put in force, and taken back. Owns
these four steps; those of a single target are target_filing's.

What is put in force is landed as a delivery of its own, with the mapping it was read with; nothing is edited in place,
and taking it back is one more delivery. Each step is a request: one that was cut off is done again from its start and
finds by its number what it landed already."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as pa

from etl.jobs import refresh
from etl.pipeline.load import load_now
from etl.runtime.context import Context
from etl.worker import filed, target_filing
from etl.worker.filing_forms import Form, forms, offer
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Column
from warehouse.core import data_rules, request_queue
from warehouse.core.errors import ContractBroken, UsageError
from warehouse.core.redaction import blot
from warehouse.core.request_queue import Request
from warehouse.ingest import filed_lists, list_review, parse, source_deletes, times
from warehouse.ingest.landing import Landed
from warehouse.ingest.list_review import Look

MOST_ROWS, MOST_ERRORS = 20_000, 300


def act(context: Context, request: Request) -> str:
    """Does one step. Returns what came of it, in Chinese; raises CockpitError with what is wrong."""
    form = forms(context).get(str(request.details["table"]))
    if form is None:
        raise UsageError("没有这张可填报的表")
    steps: dict[str, Callable[[Context, Form, Request], str]] = {
        "current": _current,
        "check": _check,
        "commit": _commit,
        "undo": _undo,
        "confirm": target_filing.confirm,
        "target": target_filing.target,
    }
    with context.heavy:
        message = steps[str(request.details["step"])](context, form, request)
        offer(context)
    return message


def _current(context: Context, form: Form, request: Request) -> str:
    """The rows in force as they would be filed."""
    back = {column.name: {value: word for word, value in form.words(column).items()} for column in form.columns}
    rows = [
        [back[column.name].get(row[column.name], row[column.name]) for column in form.columns]
        for row in list_review.living(context.writer, form.contract)
    ]
    request_queue.keep(
        context.settings.state, request.id, filed_lists.seal(context.settings, form.contract.table, orjson.dumps(rows))
    )
    return f"现有 {len(rows)} 行"


def _check(context: Context, form: Form, request: Request) -> str:
    """Every cell against the contract, and the difference; kept as JSON for the page."""
    note, body = _uploaded(context, form, request)
    rows = _read(context, note, body)
    look = list_review.look(context.writer, form.contract, context.privacy, note, rows)
    errors = _errors(form, rows, look, target_filing.towns(context))
    stated = {
        "rows": rows.num_rows,
        "living": look.living,
        "base": look.base,
        "error_count": len(errors),
        "errors": errors[:MOST_ERRORS],
        "left_out": [f"{what} {number} 行" for _, what, number in parse.tidied(rows)],
        "added": look.added,
        "changed": look.changed,
        "removed": look.removed,
        "guarded": source_deletes.is_mass(look.removed, look.living),
        "differences": [dataclasses.asdict(row) for row in look.rows] if not errors else [],
    }
    request_queue.keep(context.settings.state, request.id, orjson.dumps(stated), body=not errors)
    if errors:
        return f"{len(errors)} 处不合约定，未装载"
    return f"{rows.num_rows} 行全部合格；新增 {look.added}，修改 {look.changed}，减少 {look.removed}"


def _uploaded(context: Context, form: Form, request: Request) -> tuple[Landed, bytes]:
    """The uploaded file as it would be landed. Raises UsageError when it is no longer kept or its month does not
    fit."""
    if request.body is None:
        raise UsageError("上传的内容已过期", to_do="请重新上传")
    contract = form.contract
    body = filed_lists.unseal(context.settings, contract.table, request.body)
    digest = hashlib.sha256(body).hexdigest()
    return Landed(
        0,
        contract.source,
        contract.entity,
        "file",
        _name(request),
        filed.now(context).isoformat(),
        digest,
        len(body),
        mapping=_mapping(context, form, request),
    ), body


def _read(context: Context, note: Landed, body: bytes) -> pa.Table:
    """The rows of an uploaded file. Raises UsageError where it cannot be read."""
    try:
        rows = context.parser.parse(note, body)
    except ContractBroken as error:
        raise UsageError(
            error.what, where=error.where.replace(note.name, note.name.split("|")[0]), to_do="请核对文件后重新上传"
        ) from error
    if not rows.num_rows:
        raise UsageError("文件里没有一行数据", to_do="请在表头下填写后重新上传")
    if rows.num_rows > MOST_ROWS:
        raise UsageError(f"一次最多 {MOST_ROWS} 行，这里是 {rows.num_rows} 行", to_do="大批数据请放入投递文件夹")
    return rows


def _mapping(context: Context, form: Form, request: Request) -> dict[str, Any]:
    if not form.is_ledger:
        return form.mapping
    try:
        month = dt.date.fromisoformat(f"{request.details.get('month', '')}-01")
    except ValueError as error:
        raise UsageError("没有写明台账年月", to_do="请写成 2026-01 的样子") from error
    known = context.writer.execute(
        f"SELECT CAST(max(_version) AS DATE) FROM raw.{form.contract.table} WHERE _deleted_at IS NULL"
    )[0][0]
    if month > context.clock().date():
        raise UsageError(f"台账年月 {month:%Y-%m} 还没有到", to_do="请填本月或以前的月份")
    if known and month < known.replace(day=1):
        raise UsageError(
            f"台账年月 {month:%Y-%m} 早于现有的 {known:%Y-%m}，填报后不会生效", to_do=f"请填 {known:%Y-%m} 或以后的月份"
        )
    return {**form.mapping, "constants": {"ledger_at": f"{max(month, known or month)} 00:00:00"}}


def _errors(form: Form, rows: pa.Table, look: Look, towns: set[str]) -> list[dict[str, str]]:
    """Every cell that is wrong: cell, heading, what stands there (open columns only) and why, in the order of the
    file."""
    lines, letters = parse.cells(rows)
    columns = {column.name: column for column in form.columns}
    found: list[tuple[int, str, str]] = []
    for row, rule in look.bad:
        kind, _, name = rule.partition(":")
        name = name or next(
            (
                column.name
                for column in form.columns
                if column.treatment in ("person", "holder") or column.rule == "plate"
            ),
            "",
        )
        found.append((row, name, _why(kind, columns.get(name))))
    for row, first in look.doubles:
        found.append(
            (
                row,
                form.contract.key[0],
                f"与第 {lines[first]} 行重复（{'、'.join(form.heading(columns[key]) for key in form.contract.key if key in columns)} 相同）",
            )
        )
    for column in form.columns:
        found += [(row, column.name, why) for row, why in _words(form, column, rows, towns)]
    stated = [
        _error(form, columns.get(name), name, rows, row, lines, letters, why) for row, name, why in dict.fromkeys(found)
    ]
    return sorted(stated, key=_place)


def _place(error: dict[str, str]) -> tuple[int, int, str]:
    """Where the cell of an error stands in the file: row, then column (B before AA)."""
    letters = error["cell"].rstrip("0123456789")
    return int(error["cell"][len(letters) :]), len(letters), letters


def _error(
    form: Form,
    column: Column | None,
    name: str,
    rows: pa.Table,
    row: int,
    lines: list[int],
    letters: dict[str, str],
    why: str,
) -> dict[str, str]:
    ours = name if name in rows.column_names else column.source if column else name
    value = str(rows[ours][row].as_py() or "") if ours in rows.column_names and name in form.contract.open else ""
    return {
        "cell": f"{letters.get(ours, '')}{lines[row]}",
        "heading": form.heading(column) if column else name,
        "value": blot(value)[:60],
        "why": why,
    }


def _why(kind: str, column: Column | None) -> str:
    if kind == "type" and column is not None:
        return "应为月份，如 2026-01" if column.rule == "month" else f"应为{filed_lists.kind(column.type)}"
    return {"required": "必填，不能为空"}.get(
        kind, f"{data_rules.RULES[kind]}不对" if kind in data_rules.RULES else "不合约定"
    )


def _words(form: Form, column: Column, rows: pa.Table, towns: set[str]) -> list[tuple[int, str]]:
    """Words that the column does not know: of a list of words, of the metrics, of the towns."""
    ours = column.name if column.name in rows.column_names else column.source
    known = form.words(column)
    listed = {"kpi_id": (set(metrics()), "没有这个指标编号，见 metric list")}
    if form.contract.table == target_filing.TARGETS:
        listed["town"] = (towns, "没有这个镇街，请写本局参数·镇街里的名称")
    if ours not in rows.column_names or column.type != "VARCHAR" or not (known or column.name in listed):
        return []
    allowed, why = (set(known.values()), f"只能填：{'、'.join(known)}") if known else listed[column.name]
    return [(row, why) for row, value in enumerate(rows[ours].to_pylist()) if value and value not in allowed]


def _commit(context: Context, form: Form, request: Request) -> str:
    """Puts in force what was checked."""
    state = context.settings.state
    checked = request_queue.one(state, int(request.details["check"]))
    stated = orjson.loads(checked.result or b"{}")
    if (
        checked.details.get("step") != "check"
        or checked.details["table"] != form.contract.table
        or stated.get("error_count") != 0
    ):
        raise UsageError("这一份没有通过检查", to_do="请重新上传")
    if stated["guarded"] and not request.details.get("confirmed"):
        raise UsageError(
            f"这一份比现有的少 {stated['removed']} 行（现有 {stated['living']} 行）", to_do="请确认属实，勾选后再提交"
        )
    if not stated["added"] + stated["changed"] + stated["removed"]:
        raise UsageError("与现有内容没有差别", to_do="不必提交")
    seq = filed.landed(context, form, request)
    if seq is None:
        note, body = _uploaded(context, form, checked)
        if list_review.base(context.writer, form.contract) != stated["base"]:
            raise UsageError("检查之后，这张表又有新的数据到达", to_do="请重新上传，再看一次差异")
        before = filed.before(context, form, request)
        seq = (
            _land(context, form, request, note, body)
            if form.is_ledger
            else _replace_own(context, form, _read(context, note, body), before)
        )
    generation = refresh.publish(context)
    filed.remember(context, form, request, {**filed.before(context, form, request), "seq": seq})
    request_queue.keep(state, checked.id, checked.result, body=False)
    return f"已生效：新增 {stated['added']}，修改 {stated['changed']}，减少 {stated['removed']}；快照 {generation}"


def _land(context: Context, form: Form, request: Request, note: Landed, body: bytes) -> int:
    """The payload on disk and in the table; returns its landing number. Raises what loading raises; the payload is
    refused then."""
    mapping = {
        **{key: value for key, value in note.mapping.items() if key != "cells"},
        "snapshot": True,
        "confirmed": True,
        "filed": request.id,
        "who": request.who,
    }
    contract = form.contract
    landed = context.landing.put(
        contract.source,
        contract.entity,
        body,
        kind=note.kind,
        name=note.name,
        at=filed.now(context),
        sealed=contract.sealed,
        mapping=mapping,
    )
    load_now(context, landed)
    return landed.seq


def _replace_own(context: Context, form: Form, rows: pa.Table, before: dict[str, Any]) -> int:
    """A table of the bureau's own as its file, which is landed like any change to that file."""
    names = [column.name for column in form.contract.columns]
    return filed.put_own(
        context,
        form,
        filed.as_csv(names, zip(*(rows[name].to_pylist() for name in names), strict=True)),
        before["base"],
    )


def _undo(context: Context, form: Form, request: Request) -> str:
    """Puts in force again what was before a step, as a new delivery."""
    state = context.settings.state
    step = request_queue.one(state, int(request.details["commit"]))
    if (
        step.details.get("step") not in ("commit", "undo", "confirm", "target")
        or step.details["table"] != form.contract.table
        or step.state != "done"
        or step.result is None
    ):
        raise UsageError("没有这一次填报")
    before = orjson.loads(filed_lists.unseal(context.settings, form.contract.table, step.result))
    seq = filed.landed(context, form, request)
    if seq is None:
        if list_review.base(context.writer, form.contract) != before["seq"]:
            raise UsageError("这次填报之后，这张表又有新的数据到达", to_do="请下载现有内容，改好后重新填报")
        if form.is_ledger and not before["rows"]:
            raise UsageError("这次填报之前没有任何内容，不能退回到空表", to_do="请改好后重新填报")
        now = filed.before(context, form, request)
        seq = (
            filed.put_own(context, form, before["own"], now["base"])
            if not form.is_ledger
            else _land_rows(context, form, request, before["rows"])
        )
    generation = refresh.publish(context)
    filed.remember(context, form, request, {**filed.before(context, form, request), "seq": seq})
    return f"已退回到第 {step.id} 次之前的内容；快照 {generation}"


def _land_rows(context: Context, form: Form, request: Request, rows: list[dict[str, Any]]) -> int:
    """Rows as they were in force (pseudonyms and all), of the newest ledger's day."""
    day = context.writer.execute(f"SELECT max(_version) FROM raw.{form.contract.table} WHERE _deleted_at IS NULL")[0][0]
    body = orjson.dumps([{**row, "ledger_at": day.strftime(times.TIME)} for row in rows])
    note = Landed(
        0,
        form.contract.source,
        form.contract.entity,
        "json_rows",
        f"撤销填报|{request.id}",
        filed.now(context).isoformat(),
        "",
        len(body),
    )
    return _land(context, form, request, note, body)


def _name(request: Request) -> str:
    return f"{request.details['name']}|填报|{request.id}"
