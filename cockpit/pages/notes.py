"""What stands of 批注 on a metric page: the marks for its trend, the list under it (a phone has no hover), and the form
that writes one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import notes
from cockpit.casework.notes import Note
from cockpit.identity import accounts, gate
from cockpit.pages import toolbar
from cockpit.pages.page_context import PageContext
from cockpit.pages.supervision import DAY
from cockpit.presentation import format as fmt
from cockpit.presentation.charts.trend import Remark, letter, touched
from cockpit.presentation.tiles.attributes import aria
from warehouse.compile.reading import DISTRICT, Point
from warehouse.query.scope import TOTAL

ANCHOR = "metric-notes"
OPEN_LINES = 8
"""Newest notes that stand open; older ones are behind one press."""


def standing(visit: PageContext, metric: str, place: str) -> list[Note]:
    """The notes beside the trend: those that stand now, on a chosen snapshot those that stood when it was made."""
    moment = visit.book.generation.built_at if visit.address.get("as_of") else None
    return [
        note
        for note in notes.beside(gate.settings().state, metric, place, visit.viewer.scope)
        if (note.withdrawn is None if moment is None else note.stood(moment))
    ]


def remarks(listed: Sequence[Note]) -> list[Remark]:
    """The notes as marks of a trend, in the same order, so that both carry the same letters."""
    return [Remark(note.first, note.last, note.words, _signed(note)) for note in listed]


def below(
    visit: PageContext, metric: str, place: str, listed: Sequence[Note], points: Sequence[Point]
) -> Component | None:
    """The list of notes and the form; None where there is neither. A note whose days the trend does not show is listed
    without a letter."""
    shown = in_sight(listed, points)
    lines = [
        _line(visit, note, letter(shown.index(note) + 1) if note in shown else "", place) for note in reversed(listed)
    ]
    more = (
        html.Details(
            [html.Summary(f"更早的 {len(lines) - OPEN_LINES} 条"), html.Ul(lines[OPEN_LINES:])], className="more-lines"
        )
        if len(lines) > OPEN_LINES
        else None
    )
    parts: list[Component | None] = [html.Ul(lines[:OPEN_LINES]) if lines else None, more]
    if notes.may(visit.viewer) and not place.startswith(TOTAL):
        parts += [_withdrawn(visit, metric, place), _form(visit)]
    found = [part for part in parts if part is not None]
    return (
        html.Section(
            [html.H3("批注", className="sub-title"), *found], className="notes", id=ANCHOR, **aria(label="批注")
        )
        if found
        else None
    )


def in_sight(listed: Sequence[Note], points: Sequence[Point]) -> list[Note]:
    """Those of the notes whose days a trend shows."""
    return [note for note in listed if touched(points, note.first, note.last)]


def _days(note: Note) -> str:
    return f"{note.first}" if note.first == note.last else f"{note.first} 至 {note.last}"


def _called(who: str) -> str:
    return accounts.display_names(gate.settings().state)(who)


def _signed(note: Note) -> str:
    return f"{_called(note.who)} · {note.at:%Y-%m-%d %H:%M}"


def _line(visit: PageContext, note: Note, mark: str, place: str) -> Component:
    where = "全区 · " if note.place == DISTRICT != place else ""
    stated = html.Span(
        [
            html.B(_days(note)),
            f" {note.words} ",
            html.Small(f"{where}{_signed(note)}{'' if mark else ' · 不在图上'}", className="muted"),
        ]
    )
    take = [_withdraw(visit, note)] if notes.may_withdraw(visit.viewer, note) and not visit.address.get("as_of") else []
    return html.Li([html.Span(mark, className="note-mark"), stated, *take])


def _withdraw(visit: PageContext, note: Note) -> Component:
    back = toolbar.hidden(f"note-{note.id}", "next", _back(visit))
    button = html.Button("撤回", type="submit", className="button", **aria(label=f"撤回批注 {note.words}"))
    return html.Form([back, button], action=f"/notes/{note.id}/withdraw", method="post")


def _withdrawn(visit: PageContext, metric: str, place: str) -> Component | None:
    """Nothing is deleted: who may write sees what was taken back, by whom and when."""
    gone = (
        [note for note in notes.beside(gate.settings().state, metric, place, visit.viewer.scope) if note.withdrawn]
        if not visit.address.get("as_of")
        else []
    )
    lines = [
        html.Li(
            html.Span(
                [
                    html.B(_days(note)),
                    " ",
                    html.Del(note.words),
                    html.Small(f" {_signed(note)} · {_called(who)} 于 {at:%Y-%m-%d %H:%M} 撤回", className="muted"),
                ]
            )
        )
        for note in gone
        if note.withdrawn
        for who, at in [note.withdrawn]
    ]
    return (
        html.Details([html.Summary(f"已撤回 {len(lines)} 条"), html.Ul(lines)], className="more-lines")
        if lines
        else None
    )


def _form(visit: PageContext) -> Component:
    if visit.address.get("as_of"):
        return html.P(
            ["快照上的批注停在当时；", dcc.Link("回到最新", href=visit.address.here(as_of=None)), "后可以填写。"],
            className="muted",
        )
    hint = f"发生了什么，最多 {notes.LONGEST} 字"
    words = dcc.Input(
        type="text",
        name="words",
        value="",
        placeholder=hint,
        id="note-words",
        className="filter wide",
        maxLength=notes.LONGEST,
        required=True,
    )
    fields = [
        toolbar.hidden("note", "subject", visit.address.here()),
        toolbar.hidden("note", "next", _back(visit)),
        html.Label(["批注", words], className="wide"),
        _date("first", "日期", visit.book.generation.last_day),
        _date("last", "至（单日不填）", None),
    ]
    form = html.Form(
        [*fields, html.Button("保存批注", type="submit", className="button")],
        action="/notes/add",
        method="post",
        className="fields",
    )
    return html.Details([html.Summary("添加批注", className="button"), form])


def _date(name: str, label: str, day: dt.date | None) -> Component:
    box = dcc.Input(
        type="text",
        name=name,
        value="" if day is None else day.isoformat(),
        pattern=DAY,
        placeholder="2026-01-31",
        required=day is not None,
        id=f"note-{name}",
        className="filter",
    )
    return html.Label([label, box])


def _back(visit: PageContext) -> str:
    return f"{visit.address.here()}#{ANCHOR}"


def legend(listed: Sequence[Note], points: Sequence[Point]) -> str:
    """What the marks are, for the head of the card; "" without any."""
    shown = in_sight(listed, points)
    return f"{letter(1)}{'…' if len(shown) > 1 else ''} 批注 {fmt.number(len(shown))} 条" if shown else ""
