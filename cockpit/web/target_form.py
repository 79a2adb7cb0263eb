"""/filing/own_target/set: one target as a form – value, period, place, from which day until which, on whose paper – beside all
that were set for the indicator, with who set them and when. Put in force by the loading process, as 名录填报 is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from flask import Blueprint, Flask, abort, request
from werkzeug.wrappers import Response as Answer

from cockpit.identity import gate
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.web import filing, template_pages
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import UNPLACED
from warehouse.core import units
from warehouse.core.errors import UsageError
from warehouse.core.redaction import blot
from warehouse.core.settings import Settings
from warehouse.ingest import target_rows
from warehouse.ingest.target_rows import NewTarget
from warehouse.query import targets
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore
from warehouse.query.targets import Stated

LONGEST = 200


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the form and where it arrives."""
    routes = Blueprint("target_form", __name__, url_prefix="/filing/own_target/set")

    @routes.get("/<metric>")
    def form(metric: str) -> Answer:
        found, book = _metric(metric), library.current(Scope.ALL)
        order = list(texts.WINDOWS)
        stated = sorted(targets.stated(book, metric), key=lambda row: order.index(row.period))
        return template_pages.page(
            "target_form.html",
            metric=found,
            periods={name: texts.WINDOWS[name] for name in target_rows.periods(found)},
            towns=_towns(book, found),
            bases=target_rows.BASES,
            progress=target_rows.PROGRESS,
            unit="%" if found.unit == "ratio" else found.unit,
            given=_given(found, stated, units.now().date()),
            rows=[
                (row, state(row, units.now().date()), _shown(found, row.green), _shown(found, row.amber))
                for row in stated
            ],
            windows=texts.WINDOWS,
        )

    @routes.post("/<metric>")
    def put(metric: str) -> Answer:
        found = _metric(metric)
        new = _new(found)
        target_rows.check(found, new, _towns(library.current(Scope.ALL), found))
        viewer = gate.viewer()
        return filing.ask(
            settings,
            "own_target",
            "target",
            {"target": msgspec.to_builtins(new), "by": viewer.display or viewer.user},
        )

    server.register_blueprint(routes)


def state(row: Stated, today: dt.date) -> str:
    """How a target stands on a day: 现行, 将生效 or 已失效."""
    if row.holds(today):
        return "现行"
    return "将生效" if row.first is not None and row.first > today else "已失效"


def _metric(name: str) -> Metric:
    found = metrics().get(name)
    if found is None or not target_rows.periods(found):
        abort(404)
    return found


def _towns(book: Snapshot, metric: Metric) -> list[str]:
    """Names of the towns that can have a target of their own."""
    if "town" not in metric.drill:
        return []
    return [place.label for place in book.places("town") if place.code != UNPLACED]


def _given(metric: Metric, stated: list[Stated], today: dt.date) -> dict[str, Any]:
    """What the form begins with: the target in force of the period and town that the address names."""
    period, town = request.args.get("period", ""), request.args.get("town", "")
    rows = [row for row in stated if row.period == period and row.town == town and row.holds(today)]
    row = rows[-1] if rows else None
    return {
        "period": period,
        "town": town,
        "green": _shown(metric, row.green if row else None),
        "amber": _shown(metric, row.amber if row else None),
        "basis": row.basis if row and row.basis in target_rows.BASES else "本局",
        "progress": (row.progress if row else None) or "",
        "first": today.isoformat(),
    }


def _shown(metric: Metric, value: float | None) -> str:
    """A value as it is typed: shares in percent."""
    return "" if value is None else f"{value * (100 if metric.unit == 'ratio' else 1):.10g}"


def _new(metric: Metric) -> NewTarget:
    green = _number(metric, "green", "达标值")
    if green is None:
        raise UsageError("没有填达标值", to_do="请填写后重新提交")
    first = _day("first", "生效日")
    if first is None:
        raise UsageError("没有填生效日", to_do="请填写后重新提交")
    return NewTarget(
        metric.id,
        _word("period"),
        _word("town"),
        green,
        _number(metric, "amber", "预警值"),
        _word("basis"),
        blot(_word("source")),
        _word("progress"),
        first,
        _day("last", "截止日"),
    )


def _word(name: str) -> str:
    return request.form.get(name, "").strip()[:LONGEST]


def _number(metric: Metric, name: str, label: str) -> float | None:
    """A number of the form in the stored unit; None where it is empty."""
    text = _word(name).rstrip("%％").replace(",", "")
    if not text:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise UsageError(f"{label}不是数字：{text[:20]}", to_do="请改正后重新提交") from error
    return float(found / 100 if metric.unit == "ratio" else found)


def _day(name: str, label: str) -> dt.date | None:
    text = _word(name)
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{label}不是日期：{text[:20]}", to_do=f"请写成 {fmt.local(units.now()):%Y-%m-%d} 的样子"
        ) from error
