"""The way to the page that answers a question, with what can be told at once."""

from __future__ import annotations

from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import profile_parts
from cockpit.pages.page_context import PageContext
from cockpit.pages.questions.parts import (
    MOST_LISTED,
    at_of,
    buttons,
    sentence,
)
from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import aim, present
from cockpit.presentation.tiles.table import Cell, table
from warehouse.catalog.schema import PROGRAMMES
from warehouse.compile.reading import STATUS_LABELS, Place
from warehouse.insight import operations
from warehouse.insight.findings import numbers
from warehouse.insight.questions.dates import Period
from warehouse.insight.questions.understand import OVERDUE, Understood
from warehouse.query.places import plate
from warehouse.query.scope import NAMED_ELSEWHERE

PAGES = {
    "/": "总览",
    OVERDUE: "总览的待处置报警",
    "/site": "阵地一览",
    "/health": "数据健康",
    "/lineage": "数据血缘",
    "/supervision": "督办",
    "/all": "全部指标",
    "/announcement": "成立公告",
    "/reports": "报告",
    "/targets": "目标",
    "/glossary": "名词",
    "/alerts": "告警",
    **{f"/programme/{number}": f"{name}工程" for number, (name, _) in PROGRAMMES.items()},
}
"""Pages that a question leads to, as they are called."""


def way(visit: PageContext, read: Understood) -> list[Component]:
    """The way to what is asked about, with what can be told at once; who may not open it reads who may."""
    path, _, anchor = read.page.partition("#") if read.page in PAGES else (read.page, "", "")
    needed = "sheets" if path == "/reports" else rights.of_page(path)
    if needed is None:
        return [sentence("这一页不存在。")]
    if not rights.may(visit.viewer, needed):
        is_narrow = rights.TABLE[needed].is_whole and not visit.viewer.scope.is_all
        why = f"{rights.TABLE[needed].label}，只对看全区的账号开放。" if is_narrow else profile_parts.withheld(needed)
        return [sentence(why)]
    period = read.periods[0] if read.periods else None
    query: dict[str, str | None] = {}
    if period is not None:
        query = {"at": period.at} if path.endswith("/track") else {"window": period.window, "at": period.at}
    if path.startswith("/metric/") and read.places:
        query["place"] = None if read.places[0] == visit.book.home else read.places[0].code
    href = visit.address.to(quote(path, safe="/"), **query) + (f"#{anchor}" if anchor else "")
    at_once = _off_target(visit, period) if read.page == "/" else _overdue(visit, read) if read.page == OVERDUE else []
    # a report is no page of this application but a file's list, which the browser opens itself
    link = html.A if path == "/reports" else dcc.Link
    return [*at_once, buttons(link(f"打开{page_name(visit, read)}", href=href, className="button"))]


def page_name(visit: PageContext, read: Understood) -> str:
    """What the page of a question is called."""
    kind, _, key = read.page.strip("/").partition("/")
    if read.page in PAGES:
        return PAGES[read.page]
    if kind == "vehicle":
        name = plate(key.removesuffix("/track"))
        return f"{name}的行程回放" if key.endswith("/track") else f"{name}的车辆页"
    if kind == "metric":
        return f"“{visit.book.metrics[key].label}”（变化由哪里来）"
    place: Place | None = visit.book.known(key.removesuffix("/drivers"))
    if place is not None:
        return f"{place.label}{'的驾驶员名单' if key.endswith('/drivers') else '档案'}"
    return next((read.words(term) for term in read.of("site")), NAMED_ELSEWHERE)


def _off_target(visit: PageContext, period: Period | None) -> list[Component]:
    window = period.window if period and period.window in ("day", "week", "month") else "week"
    at = period.at if period and period.window == window else None
    concerns = numbers.of_period(visit.book, window, at).off_target
    lines: list[list[Cell]] = []
    for one in concerns[:MOST_LISTED]:
        decimals = visit.book.metrics[one.reading.metric].decimals
        view = present(one.reading, decimals)
        href = visit.address.to(f"/metric/{one.reading.metric}", **at_of(one.reading))
        lines.append([dcc.Link(one.reading.label, href=href), view.period, view.text, aim(view)])
    words = f"{len(concerns)} 项指标未达标。"
    return [html.P(words), table(["指标", "期次", "数值", "目标"], lines, right=(2,), empty="各项指标都在目标之内")]


def _overdue(visit: PageContext, read: Understood) -> list[Component]:
    if not operations.are_alarms_known(visit.book):
        return [sentence(STATUS_LABELS["unconnected"])]
    waiting = operations.open_by_town(visit.book)
    place = next((place for place in read.places if place != visit.book.home), None)
    if place is not None and place.code in visit.book.pooled:
        return [sentence(f"{place.label}的待处置报警{STATUS_LABELS['small_cell']}，计入合计。")]
    counts = list(waiting.values()) if place is None else [waiting.get(place.code, (0, 0))]
    total, overdue = (fmt.number(sum(pair[index] for pair in counts)) for index in (0, 1))
    where = visit.book.home.label if place is None else place.label
    moment = fmt.clock(visit.book.generation.built_at, visit.today)
    return [html.P([f"{where}待处置报警 {total} 起，其中超时未处置 ", html.B(f"{overdue} 起"), f"（截至 {moment}）。"])]
