"""The two steps by which a single target is filed: a proposed one becomes the bureau's own, and a new one takes its place
among those that stand."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from etl.jobs import refresh
from etl.runtime.context import Context
from etl.worker import filed
from etl.worker.filing_forms import Form
from warehouse.catalog.metrics import metrics
from warehouse.core.errors import UsageError
from warehouse.core.request_queue import Request
from warehouse.ingest import list_review, target_rows
from warehouse.ingest.target_rows import NewTarget, Row

TARGETS, PROPOSED = "own_target", "产品建议"


def confirm(context: Context, form: Form, request: Request) -> str:
    """Makes the proposed targets of an indicator the bureau's own: the same values, with who stands for them and since
    which day."""
    kpi, on = str(request.details["kpi_id"]), f"{filed.now(context):%Y-%m-%d}"

    def confirmed(rows: list[Row]) -> list[Row]:
        own = {
            "basis": "本局",
            "source": "由产品建议确认",
            "confirmed_by": str(request.details["by"]),
            "confirmed_at": on,
        }
        made = [{**row, **own} if row["kpi_id"] == kpi and row["basis"] == PROPOSED else row for row in rows]
        if made == rows:
            raise UsageError("这项指标没有待确认的建议值", to_do="请刷新页面，看它现在的依据")
        return made

    generation = _put(context, form, request, confirmed)
    return f"{metrics()[kpi].label}的建议值已确认为本局目标；快照 {generation}"


def target(context: Context, form: Form, request: Request) -> str:
    """Puts one target in force beside those that stand, with who set it and when."""
    new = msgspec.convert(request.details["target"], NewTarget)
    metric = metrics()[new.kpi_id]
    target_rows.check(metric, new, towns(context))
    by, on = str(request.details["by"]), filed.now(context).date()
    generation = _put(context, form, request, lambda rows: target_rows.placed(rows, new, by=by, on=on))
    return f"{metric.label}的目标自 {new.first} 起生效；快照 {generation}"


def _put(context: Context, form: Form, request: Request, changed: Callable[[list[Row]], list[Row]]) -> str:
    """Puts the rows in force that `changed` makes of those that are; returns the generation that judges by them."""
    if form.contract.table != TARGETS:
        raise UsageError("只有目标值可以这样填报")
    seq = filed.landed(context, form, request)
    if seq is None:
        before = filed.before(context, form, request)
        rows = changed(list_review.living(context.writer, form.contract))
        names = [column.name for column in form.contract.columns]
        seq = filed.put_own(
            context, form, filed.as_csv(names, ([row.get(name) for name in names] for row in rows)), before["base"]
        )
    generation = refresh.publish(context)
    filed.remember(context, form, request, {**filed.before(context, form, request), "seq": seq})
    return generation


def towns(context: Context) -> set[str]:
    """Names of the towns that there are now."""
    rows = context.writer.execute("SELECT name FROM raw.own_town WHERE _deleted_at IS NULL AND kind IN ('街道', '镇')")
    return {name for (name,) in rows}
