"""为什么变了: the card that splits a change by any dimension, says it in one sentence, and lists every member's part of
it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages import toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.tiles import waterfall
from cockpit.presentation.tiles.table import scrolled
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import Reading
from warehouse.core.errors import CockpitError
from warehouse.query.contribution import Change, NoSplit, Piece, explain
from warehouse.query.windows import Against

ROWS = 8
LEADS = ("town", "company")
"""Dimensions whose members are places: choosing one narrows the page to it."""


def offered(visit: PageContext, metric: Metric, reading: Reading) -> dict[str, str]:
    """The dimensions to choose from, key → label: those of the metric at this place without what is already one
    member."""
    chosen = dict(visit.address.only)
    found = {key: label for key, label in visit.book.dimensions(metric, reading.place).items() if key not in chosen}
    # people are counted by one thing at a time, and by town
    return {key: label for key, label in found.items() if key == "town"} if metric.person and chosen else found


def dimension(visit: PageContext, metric: Metric, reading: Reading) -> str:
    """The dimension the address asks for, else the first one that fits; "" when the metric has none here."""
    choices = offered(visit, metric, reading)
    requested = visit.address.get("by")
    return requested if requested in choices else next(iter(choices), "")


def against(visit: PageContext) -> Against:
    """What the page compares with: the window before, or the one a year before."""
    return "year" if visit.address.get("vs") == "year" else "previous"


def change(visit: PageContext, metric: Metric, reading: Reading) -> Change | NoSplit:
    """The split that the page shows."""
    by = dimension(visit, metric, reading)
    if not by:
        return NoSplit("该指标没有可以拆分的维度")
    try:
        return explain(
            visit.book,
            metric.id,
            reading.window,
            visit.address.get("at"),
            reading.place.code,
            by,
            against(visit),
            visit.address.only,
        )
    except CockpitError as error:
        return NoSplit(error.what)


def sentence(visit: PageContext, metric: Metric, reading: Reading, split: Change | NoSplit) -> str:
    """The change and what made it, then the companies behind the town that moved it most. "" where nothing visible
    changed."""
    if isinstance(split, NoSplit) or not fmt.visible(split.after, split.before, metric.unit, metric.decimals):
        return ""
    moved = fmt.delta(split.after, split.before, metric.unit, metric.better, metric.decimals)
    unit = "个百分点" if moved.unit == "百分点" else moved.unit
    head = f"较{_before(split, reading)}{'上升' if moved.glyph == '▲' else '下降'} {moved.text} {unit}".replace(
        " %", "%"
    )
    parts = waterfall.sentence(split, metric.unit, metric.decimals)
    label = visit.book.dimensions(metric, reading.place)[split.by]
    return f"{head}。按{label}：{parts}。{_behind(visit, metric, reading, split)}" if parts else f"{head}。"


def linked(visit: PageContext, split: Change | NoSplit, text: str) -> list[Component | str]:
    """A sentence whose towns, companies and vehicles lead to their own pages."""
    if isinstance(split, NoSplit) or not text:
        return [text] if text else []
    grain = split.by if split.by in (*LEADS, "vehicle") else ""
    pages = {
        p.label: f"/{grain}/{quote(p.code, safe='')}" for p in split.pieces if p.kind == "part" and p.code and grain
    }
    first = next((p for p in split.pieces if p.kind == "part"), None)
    if grain == "town" and first is not None:
        pages |= {one.label: f"/company/{quote(one.code, safe='')}" for one in visit.book.places("company", first.code)}
    named = sorted((name for name in pages if name in text), key=len, reverse=True)
    if not named:
        return [text]
    found = re.split(f"({'|'.join(map(re.escape, named))})", text)
    return [dcc.Link(part, href=visit.address.to(pages[part])) if part in pages else part for part in found if part]


def _behind(visit: PageContext, metric: Metric, reading: Reading, split: Change) -> str:
    """The companies of the town that moved the number most, by what they did to the whole."""
    first = next((p for p in split.pieces if p.kind == "part"), None)
    if split.by != "town" or first is None or "company" not in metric.drill or metric.person:
        return ""
    finer = explain(
        visit.book,
        metric.id,
        reading.window,
        visit.address.get("at"),
        reading.place.code,
        "company",
        split.against,
        visit.address.only,
    )
    if isinstance(finer, NoSplit):
        return ""
    known = {company.code for company in visit.book.places("company", first.code)}
    same = [p for p in finer.pieces if p.code in known and p.amount * first.amount > 0]
    named = [
        f"{p.label} {waterfall.signed(p.amount, metric.unit, metric.decimals)}"
        for p in same[:2]
        if waterfall.signed(p.amount, metric.unit, metric.decimals)[0] in "+−"
    ]
    return f"{first.label}主要来自{'、'.join(named)}。" if named else ""


def _before(split: Change, reading: Reading) -> str:
    return "去年同期" if split.against == "year" else texts.BEFORE[reading.window]


def card(visit: PageContext, metric: Metric, reading: Reading, split: Change | NoSplit) -> Component:
    """The card. The dimension, the comparison and where its members lead are all addresses."""
    choices = offered(visit, metric, reading)
    switches: list[Component] = []
    if choices and metric.kind != "now":  # what has no former value offers nothing to choose
        switches = (
            [toolbar.choices(visit, "by", choices, dimension(visit, metric, reading), "拆分维度")]
            if len(choices) > 1
            else []
        )
        switches.append(toolbar.choices(visit, "vs", {"previous": "环比", "year": "同比"}, against(visit), "对比"))
    body: list[Component] = [html.Div(switches, className="card-switch")] if switches else []
    if isinstance(split, NoSplit):
        return toolbar.card("为什么变了", "", *body, html.P(f"{split.reason}。", className="empty"), id="metric-why")
    unit = "百分点" if metric.unit == "ratio" else metric.unit
    if not fmt.visible(split.after, split.before, metric.unit, metric.decimals):
        body.append(html.P(f"与{_before(split, reading)}持平。", className="why-not"))
    links = {p.code: _href(visit, split.by, p.code) for p in split.pieces if p.code}
    if any(abs(p.amount) > 0 for p in split.pieces):
        body.append(
            waterfall.waterfall(
                split,
                unit=metric.unit,
                decimals=metric.decimals,
                better=metric.better,
                ends=(_before(split, reading), texts.THIS[reading.window]),
                href=lambda code: links.get(code, ""),
            )
        )
    if split.pieces:
        body.append(
            html.Details(
                [html.Summary(f"逐项明细（{len(split.pieces)} 项）"), _table(split, metric, links)], className="sql"
            )
        )
    return toolbar.card("为什么变了", f"{unit} · 各段相加等于总变化", *body, id="metric-why")


def _href(visit: PageContext, by: str, code: str) -> str:
    if by in LEADS:
        return visit.address.here(place=code, by=None, page=None, q=None)
    if by == "vehicle":
        return visit.address.to(f"/vehicle/{quote(code, safe='')}")
    return visit.address.here(only=visit.address.filtered(by, code), by=None, page=None, q=None)


def _table(split: Change, metric: Metric, links: dict[str, str]) -> Component:
    def written(amount: float) -> str:
        return waterfall.signed(amount, metric.unit, metric.decimals)

    def row(piece: Piece) -> Component:
        name: Component | str = dcc.Link(piece.label, href=links[piece.code]) if links.get(piece.code) else piece.label
        cells: list[Component | str] = [name, _pair(piece.then, split.is_ratio), _pair(piece.now, split.is_ratio)]
        cells += [written(piece.level), written(piece.mix)] if split.is_ratio else []
        return html.Tr(
            [
                html.Td(cell, className="" if place == 0 else "col-num")
                for place, cell in enumerate([*cells, html.B(written(piece.amount))])
            ]
        )

    heads: Sequence[str] = ["名称", "对比期", "本期", *(["水平", "结构"] if split.is_ratio else []), "合计"]
    lines = [row(piece) for piece in split.pieces[:ROWS]]
    left = split.pieces[ROWS:]
    if left:
        amounts = [written(sum(p.level for p in left)), written(sum(p.mix for p in left))] if split.is_ratio else []
        lines.append(
            html.Tr(
                [
                    html.Td(text, className="" if n == 0 else "col-num")
                    for n, text in enumerate(
                        [f"其余 {len(left)} 项", "", "", *amounts, written(sum(p.amount for p in left))]
                    )
                ]
            )
        )
    head = html.Tr([html.Th(text, className="" if n == 0 else "col-num") for n, text in enumerate(heads)])
    return scrolled(html.Table([html.Thead(head), html.Tbody(lines)], className="table"))


def _pair(pair: tuple[float, float], is_ratio: bool) -> str:
    places = 0 if all(float(x).is_integer() for x in pair) else 1
    return f"{fmt.number(pair[0], places)} / {fmt.number(pair[1], places)}" if is_ratio else fmt.number(pair[0], places)
