"""/search?q=…: the answer where a question was typed, and what was found, by kind, each leading to its page."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.identity import rights
from cockpit.pages import profile_parts, toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.pages.questions import card
from cockpit.presentation.address import LONGEST_TYPED
from cockpit.presentation.tiles.table import Cell, table
from warehouse.insight import search
from warehouse.insight.search import LABELS, Hit


def render(visit: PageContext) -> Page:
    """Without anything typed it says what can be."""
    typed = (visit.address.get("q") or "").strip()
    found = search.find(visit.book, typed)
    body: list[Component] = [
        _card(visit, LABELS[kind], hits)
        for kind, hits in found.items()
        if rights.may(visit.viewer, rights.of_page(f"/{kind}/*") or "figures")
    ]
    answer = card.card(visit, typed)
    is_empty = not body and answer is None
    if answer is not None:
        body.insert(0, answer)
    if visit.address.is_cut:
        words = f"搜索词超过 {LONGEST_TYPED} 个字，只按前 {LONGEST_TYPED} 个字查找。"
        body.insert(0, html.P(words, className="notice-line", role="status"))
    if is_empty:
        text = f"没有找到“{typed}”。" if typed else ""
        body += [
            toolbar.card(
                "搜索",
                "",
                html.P(
                    f"{text}可输入指标、企业、镇街、阵地、组织、成员单位的名称或拼音首字母（如 lzjd），号牌（三个字符以上），统一社会信用代码或报警编号。",
                    className="empty",
                ),
                html.P(
                    ["也可以直接提问：", *card.examples(visit), "。"],
                    className="empty",
                ),
            )
        ]
    return Page(
        f"搜索 {typed}".strip(), [html.Div(body, className="found")], tools=profile_parts.bar(visit, ("搜索", ""))
    )


def _card(visit: PageContext, label: str, hits: list[Hit]) -> Component:
    lines: list[list[Cell]] = [
        [dcc.Link(hit.label, href=profile_parts.href(visit, hit.kind, hit.key)), html.Span(hit.note, className="muted")]
        for hit in hits
    ]
    return toolbar.card(
        label, f"前 {search.MOST} 个" if len(hits) == search.MOST else f"{len(hits)} 个", table(["名称", "说明"], lines)
    )


def box(visit: PageContext) -> Component:
    """The field in the bar: a plain GET form, its result is an address. "/" puts the cursor into it (keys.js)."""
    stored = (
        [dcc.Input(type="hidden", name="as_of", value=visit.address.get("as_of"), id="search-as-of")]
        if visit.address.get("as_of")
        else []
    )
    typed = visit.address.get("q") if visit.address.path == "/search" else ""
    field = dcc.Input(
        type="search",
        name="q",
        value=typed or "",
        placeholder="搜索或提问",
        id="search-box",
        className="search-box",
        maxLength=40,
        debounce=True,
    )
    return html.Form(
        [*stored, field],
        action="/search",
        method="get",
        className="search",
        role="search",
        title="可直接提问，如“上周报警处置率”；或搜企业、号牌、指标、镇街、阵地、组织；按 / 开始输入，按 ? 看全部按键",
    )
