"""口径与血缘: what a number means, where it comes from and how old that is, who owns it, and the query behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.attributes import data
from warehouse.catalog.schema import DefinitionChange
from warehouse.compile.reading import SourceState


class Defined(Protocol):
    """What the card needs to know of a metric; the catalogue's Metric has it."""

    @property
    def describe(self) -> str: ...
    @property
    def basis(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def changed(self) -> Sequence[DefinitionChange]: ...
    @property
    def freeze_h(self) -> int: ...
    @property
    def sources(self) -> Sequence[str]: ...
    @property
    def level(self) -> str: ...
    @property
    def id(self) -> str: ...


def definition(metric: Defined, sources: Sequence[SourceState], sql: str, today: dt.date, lineage: str) -> Component:
    """The card. `sources`: all landed tables (those below the metric are picked); `sql`: the SELECT, "" hides it;
    `lineage`: the way to the picture of all that the number is made of."""
    mine = [s for s in sources if f"{s.source}_{s.entity}" in metric.sources]
    rows = [
        _row("定义", metric.describe),
        _row("来源", html.Ul([html.Li(_source(s, today)) for s in mine]) if mine else fmt.DASH),
        _row("血缘", dcc.Link("从指标到来源的全图", href=lineage, className="line-way")),
        _row("质量", _quality(mine)),
        _row("责任", metric.owner or fmt.DASH),
        _row("定稿", f"期末后 {metric.freeze_h} 小时内为暂定" if metric.freeze_h else "期末即定"),
        _row("变更", html.Ul([html.Li(f"{c.on} {c.what}") for c in metric.changed]) or fmt.DASH),
        _row("级别", f"{metric.level} · {metric.id}"),
    ]
    query = html.Details([html.Summary("查询语句"), html.Pre(html.Code(sql))], className="sql") if sql else None
    return html.Section(
        [_heading("口径与血缘", metric.basis), html.Dl(rows, className="definition"), query],
        className="card",
        id="metric-definition",
    )


def _heading(title: str, note: str) -> Component:
    return html.Header([html.H2(title), html.Span(note, className="note")], className="card-head")


def _row(term: str, body: Any) -> Component:
    return html.Div([html.Dt(term), html.Dd(body)])


def _source(source: SourceState, today: dt.date) -> list[Component | str]:
    age = data(asof=source.data_time.isoformat()) if source.data_time else {}
    marks: list[Component | str] = [
        f"{source.label} ",
        html.Span(
            fmt.clock(source.data_time, today), className="asof", **age, **data(stale_after=str(source.stale_after_s))
        ),
    ]
    if source.error:
        marks.append(html.Span(" 采集故障", className="tone-bad", title=source.error))
    return marks


def _quality(sources: Sequence[SourceState]) -> str:
    rows, held = sum(s.rows for s in sources), sum(s.quarantined for s in sources)
    if not rows:
        return fmt.DASH
    share = fmt.value(held / (rows + held), "ratio", 2)
    return f"收到 {fmt.number(rows)} 行，隔离 {fmt.number(held)} 行（{share}）"
