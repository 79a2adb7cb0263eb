"""The lists behind a number on its page: the companies with their own number, or the vehicles, alarms and tickets one
by one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.entities import SORTS, View, entities
from cockpit.presentation.tiles.listing import listing, plain
from warehouse.catalog.models import models
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT, Reading
from warehouse.query import records as lists
from warehouse.query.places import plate
from warehouse.query.scope import ELSEWHERE

ONE_PERSON = "按个人信息管理，不逐一列出；请从业户页进入，说明用途后查看。"
NOT_ALL = "涉及个人：按月公布，只列人数足够的企业，其余计入镇街与全区。"
COMPANIES, ROWS = "company", "rows"
PAGES = {
    "vehicle_key": "vehicle",
    "company_key": "company",
    "alarm_uid": "alarm",
    "site_id": "site",
    "town_code": "town",
}
"""Column → the page of what its values name."""


def card(visit: PageContext, metric: Metric, reading: Reading) -> Component | None:
    """The card with its tabs; None where nothing lies behind a number that may be listed here."""
    offered = tabs(visit, metric, reading)
    if not offered:
        return _people(visit, reading) if metric.person and reading.place.grain == "company" else None
    requested = visit.address.get("of")
    chosen = requested if requested in offered else next(iter(offered))
    where = "全区" if reading.place.code == DISTRICT else reading.place.label
    switch = [_switch(visit, offered, chosen)] if len(offered) > 1 else []
    body = _companies(visit, metric, reading) if chosen == COMPANIES else _rows(visit, metric, reading)
    what = "企业" if chosen == COMPANIES else offered[chosen]
    return toolbar.card(
        f"{where}{what}",
        "点击列名排序 · 点击名称进入",
        html.Div([*switch, _filter(visit, what)], className="card-switch"),
        body,
        id="metric-list",
    )


def _people(visit: PageContext, reading: Reading) -> Component:
    """Where a number counts people, the list is another page with an access control of its own."""
    way = dcc.Link(
        "查看驾驶员名单", href=visit.address.to(f"/company/{reading.place.code}/drivers"), className="button"
    )
    return toolbar.card("人员名单", "按角色开放，须说明用途，逐次记入审计", way, id="metric-list")


def tabs(visit: PageContext, metric: Metric, reading: Reading) -> dict[str, str]:
    """The lists behind a number that may be shown: key → what it is called; {} where there is none."""
    entity = lists.of(metric)
    # people are not counted by company and anything else at once
    is_counted = not (metric.person and visit.address.only)
    found = (
        {COMPANIES: "按企业"} if "company" in metric.drill and reading.place.grain != "company" and is_counted else {}
    )
    listed = entity is not None and (entity.key != "alarm_uid" or rights.may(visit.viewer, "alarms"))
    if listed and entity is not None and not (found and entity.key == "company_key"):
        found[ROWS] = f"逐{entity.label}" if len(entity.label) == 1 else entity.label
    return found


def _switch(visit: PageContext, tabs: dict[str, str], chosen: str) -> Component:
    links = [
        dcc.Link(
            label,
            href=visit.address.here(of=key, sort=None, page=None, q=None),
            className="seg is-on" if key == chosen else "seg",
        )
        for key, label in tabs.items()
    ]
    return html.Div(links, className="segments", role="group")


def view(visit: PageContext, descending: bool, sorts: tuple[str, ...] = ()) -> View:
    """How the address asks for a table. Worst first unless it says otherwise: that is what the page is opened for."""
    requested = visit.address.get("sort")
    sort = requested.lstrip("-") if requested else "value"
    if requested and sorts and sort not in sorts:
        requested, sort = None, "value"
    return View(
        sort,
        requested.startswith("-") if requested else descending,
        int(visit.address.get("page") or 1),
        visit.address.get("q") or "",
    )


def link(visit: PageContext, wanted: View) -> str:
    """The address of another view of the same table."""
    return visit.address.here(
        sort=f"{'-' if wanted.descending else ''}{wanted.sort}",
        page=str(wanted.page) if wanted.page > 1 else None,
        q=wanted.query or None,
    )


def _companies(visit: PageContext, metric: Metric, reading: Reading) -> Component:
    rows = visit.book.by(
        metric.id, reading.window, visit.address.get("at"), "company", reading.place.code, visit.address.only
    )
    labels = {t.code: t.label for t in visit.book.places("town")}
    listed = entities(
        rows,
        view(visit, metric.better != "up", SORTS),
        decimals=metric.decimals,
        town_name=lambda code: labels.get(code, fmt.DASH),
        href=lambda item: visit.address.here(place=item.place.code, of=None, sort=None, page=None, q=None),
        link=lambda wanted: link(visit, wanted),
    )
    return html.Div([listed, html.P(NOT_ALL, className="muted")]) if metric.person else listed


def behind(visit: PageContext, metric: Metric, reading: Reading, wanted: View, **extent: int) -> lists.Listing | None:
    """What stands behind a number in the order and with the search that are wanted, on page and export alike. extent:
    which `page`, or how many `rows`."""
    return lists.behind(
        visit.book,
        metric.id,
        reading.window,
        visit.address.get("at"),
        reading.place.code,
        visit.address.only,
        sort=wanted.sort,
        descending=wanted.descending,
        query=wanted.query,
        **extent,
    )


def _rows(visit: PageContext, metric: Metric, reading: Reading) -> Component:
    wanted = view(visit, metric.better != "up")
    found = behind(visit, metric, reading, wanted, page=wanted.page)
    assert found is not None  # a tab is only offered where there are rows
    unit = fmt.value(0, metric.unit).unit
    heads = (
        {"num": "分子", "den": "分母", "value": unit} if metric.denominator else {"num": "", "den": "", "value": unit}
    )
    # "已处置 ÷ 应处置": of things that count once, the numerator's word says all
    counted = metric.formula.partition("÷")[0].strip() if metric.denominator and metric.scale == 1 else ""
    known = {"district": (), "town": ("town_code",), "company": ("town_code", "company_key")}[reading.place.grain]
    listed = listing(
        found,
        wanted,
        heads=heads,
        counted=counted,
        known=known,
        decimals=metric.decimals,
        unit=metric.unit,
        name=lambda column, value: named(visit, metric, found.entity.key, column, value),
        href=lambda column, value: page_of(visit, found.entity.key if column == "key" else column, value),
        link=lambda other: link(visit, other),
    )
    if found.pool is None:
        return listed
    sizes = " / ".join(fmt.number(size) for size in found.pool if size is not None)
    return html.Div([listed, html.P(f"另有单人单车业户的车辆，合计 {sizes}：{ONE_PERSON}", className="muted")])


def named(visit: PageContext, metric: Metric, key: str, column: str, value: Any) -> str:
    """What a value of a list is called."""
    column = key if column == "key" else column
    if column == "vehicle_key" and value:
        return plate(str(value))
    if column in ("company_key", "town_code"):
        return visit.book.member(metric, "company" if column == "company_key" else "town", str(value or ""))
    dimension = models()[metric.mart].dimensions.get(column)
    word = str(value).lower() if isinstance(value, bool) else str(value)
    return dimension.members[word] if dimension and word in dimension.members else plain(value)


def page_of(visit: PageContext, column: str, value: Any) -> str:
    """Where a value leads, "" when it has no page."""
    has_page = column in PAGES and value and not str(value).startswith(ELSEWHERE)
    return visit.address.to(f"/{PAGES[column]}/{quote(str(value), safe='')}") if has_page else ""


def _filter(visit: PageContext, what: str) -> Component:
    """The text filter is a plain GET form: it works with the keyboard, and its result is an address like any other."""
    stored = [
        dcc.Input(type="hidden", name=key, value=value, id=f"metric-keep-{key}")
        for key, value in visit.address.query.items()
        if key not in ("q", "page")
    ]
    query = visit.address.get("q") or ""
    box = dcc.Input(
        type="search",
        name="q",
        value=query,
        placeholder=f"筛选{what}",
        id="metric-filter",
        className="filter",
        maxLength=40,
        debounce=True,
    )
    clear = [dcc.Link("清除", href=visit.address.here(q=None, page=None), className="button")] if query else []
    return html.Form([*stored, box, *clear], action=visit.address.path, method="get", className="inline")
