"""/alerts: what stands, who has been written to and who has taken it; what is silenced; which rules there are; what
was."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.alerts import outbox, rules, store
from cockpit.alerts.store import Alert
from cockpit.identity import accounts, gate
from cockpit.messages.letter import STATES
from cockpit.pages import toolbar
from cockpit.pages.page_context import Page, PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation.tiles.table import Cell, scrolled, table
from cockpit.store import app_db
from warehouse.catalog.metrics import metrics
from warehouse.core.units import SHANGHAI

HOURS = (1, 4, 12, 24, 72)
"""For how long a rule may be silenced with one click."""
TONES = {"urgent": "bad", "warn": "warn", "notice": "held"}
PAST, LETTERS = 50, 30


def render(visit: PageContext) -> Page:
    """/alerts"""
    file = gate.settings().state
    standing = store.standing(file)
    with app_db.reading(file) as connection:
        silences = store.silences(connection, visit.now.timestamp())
    body: list[Component] = [*_wrong(), _standing(standing), *_silences(silences)]
    body += [_rules(), html.Div([_past(file), _letters(file)], className="grid grid-2-1 grid-top")]
    bar = [
        toolbar.crumbs(("总览", visit.address.to("/")), ("告警", "")),
        html.Span(className="spacer"),
        dcc.Link("数据健康", href=visit.address.to("/health"), className="button"),
        toolbar.copy_link(),
    ]
    return Page("告警", body, group="health", tools=bar)


def _wrong() -> list[Component]:
    """What is wrong with the files that say who is written to: one sentence on the page, not a page that fails."""
    settings = gate.settings()
    faults = rules.faults(settings)
    if faults:
        return [html.Div(fault, className="notice tone-bad", role="alert") for fault in faults]
    if rules.receivers(rules.plan(settings)):
        return []
    words = "还没有设置收件方与值班表，告警只显示在这里和大屏上。设置方法见部署手册“告警”一章。"
    return [html.Div(words, className="notice", role="status")]


def _standing(standing: list[Alert]) -> Component:
    note = "紧急的在前；确认表示有人在处理，超过时限无人确认的升级到下一级"
    if not standing:
        return toolbar.card("未恢复的告警", note, html.P("现在没有告警。", className="empty"), id="standing")
    rows: list[list[Cell]] = [
        [
            html.Span(rules.GRADES[one.grade], className=f"tag tag-{TONES[one.grade]}"),
            html.Div([dcc.Link(one.label, href=one.href), html.Br(), html.Small(one.words, className="muted")]),
            _clock(one.since),
            "、".join(one.receivers) or "没有收件方",
            f"{accounts.display_names(gate.settings().state)(one.taken_by)} {_clock(one.taken_at)}"
            if one.taken_at is not None
            else _form(f"alert-{one.id}", f"/alerts/{one.id}/take", "确认"),
            _silence(one),
        ]
        for one in standing
    ]
    heads = ["级别", "告警", "起始", "已通知", "确认", "静默"]
    return toolbar.card("未恢复的告警", note, scrolled(table(heads, rows)), id="standing")


def _form(
    key: str, action: str, word: str, *fields: Component, about: tuple[str, str] = ("next", "/alerts")
) -> Component:
    """A button that sends what stands in the fields."""
    button = html.Button(word, type="submit", className="button")
    return html.Form([toolbar.hidden(key, *about), *fields, button], action=action, method="post", className="inline")


def _silence(one: Alert) -> Component:
    key = f"silence-{one.id}"
    hours = html.Select(
        [html.Option(f"{number} 小时", value=str(number)) for number in HOURS],
        name="hours",
        id=f"{key}-hours",
        className="filter",
        title="静默多久",
    )
    why = dcc.Input(
        type="text",
        name="why",
        placeholder="原因",
        required=True,
        minLength=4,
        maxLength=store.LONGEST,
        id=f"{key}-why",
        className="filter",
    )
    form = _form(key, "/alerts/silence", "静默", hours, why, about=("about", f"{one.rule}/{one.subject}"))
    return html.Details([html.Summary("静默…"), form])


def _silences(silences: list[store.Silence]) -> list[Component]:
    if not silences:
        return []
    rows: list[list[Cell]] = [
        [
            one.rule,
            one.subject or "全部",
            _clock(one.until),
            accounts.display_names(gate.settings().state)(one.who),
            one.why,
            _form(f"speak-{one.id}", f"/alerts/silences/{one.id}/end", "解除"),
        ]
        for one in silences
    ]
    heads = ["规则", "对象", "到", "何人", "原因", ""]
    return [toolbar.card("静默中", "告警照常记录，只是不通知", table(heads, rows), id="silences")]


def _rules() -> Component:
    given, _ = rules.in_force(gate.settings())
    rows: list[list[Cell]] = [
        [
            one.label,
            rules.GRADES[one.grade],
            _watched(one),
            _limit(one),
            fmt.duration(one.for_s) if one.for_s else "立即",
            "、".join(one.to) or "值班表",
        ]
        for one in given.rules
    ]
    heads = ["规则", "级别", "看什么", "触发与恢复", "持续", "通知"]
    return toolbar.card(
        "规则", "随附的规则可在数据文件夹的 alerts.toml 里改、停用或增加", scrolled(table(heads, rows)), id="rules"
    )


def _watched(one: rules.Rule) -> str:
    if not one.metric:
        return rules.HEALTH[one.watch]
    metric = metrics()[one.metric]
    places = {"district": "全区", "town": "各镇街", "company": "各企业"}[one.places]
    return f"{metric.label}（{places}{'，与上期之差' if one.figure == 'change' else ''}）"


def _limit(one: rules.Rule) -> str:
    sign, limit, back = ("高于", one.above, "不高于") if one.above is not None else ("低于", one.below, "不低于")
    clear = "" if one.clear is None else f"，{back} {_amount(one, one.clear)} 恢复"
    return f"{sign} {_amount(one, limit or 0)}{clear}"


def _amount(one: rules.Rule, amount: float) -> str:
    """A threshold in the unit of what is watched."""
    if one.metric:
        metric = metrics()[one.metric]
        return str(fmt.value(amount, metric.unit, metric.decimals))
    if one.watch.endswith("_s"):
        return fmt.duration(amount)
    return f"{amount:.0%}" if one.watch.endswith("_share") else f"{amount:g} 处"


def _past(file: Path) -> Component:
    rows: list[list[Cell]] = [
        [
            one.label,
            rules.GRADES[one.grade],
            _clock(one.since),
            fmt.duration((one.ended_at or 0) - one.since),
            accounts.display_names(gate.settings().state)(one.taken_by) or fmt.DASH,
        ]
        for one in store.past(file, PAST)
    ]
    return toolbar.card(
        "已恢复",
        f"最近 {PAST} 次",
        scrolled(table(["告警", "级别", "起始", "历时", "确认人"], rows, empty="还没有恢复过的告警")),
        id="past",
    )


def _letters(file: Path) -> Component:
    rows: list[list[Cell]] = [
        [
            _clock(one["at"]),
            outbox.KINDS[one["kind"]],
            one["receiver"],
            STATES[one["state"]],
            one["message"] or fmt.DASH,
        ]
        for one in outbox.letters(file, LETTERS)
    ]
    return toolbar.card(
        "通知",
        f"最近 {LETTERS} 封",
        scrolled(table(["时间", "种类", "收件方", "状态", "说明"], rows, empty="还没有发过通知")),
        id="letters",
    )


def _clock(seconds: float | None) -> str:
    return fmt.DASH if seconds is None else fmt.clock(dt.datetime.fromtimestamp(seconds, SHANGHAI))
