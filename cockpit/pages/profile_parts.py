"""What the pages of single things share: their links, their alarms as a table, their key numbers as cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.casework import favourites
from cockpit.identity import rights
from cockpit.pages import overview, toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.key_numbers import key_numbers
from cockpit.presentation.theme import Theme
from cockpit.presentation.tiles.spot_map import Spot, spot_map
from cockpit.presentation.tiles.table import Cell, facts, table
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import STATUS_LABELS, Place
from warehouse.insight.profiles import Fact
from warehouse.query.places import plate
from warehouse.query.scope import ELSEWHERE, NAMED_ELSEWHERE


def href(visit: PageContext, kind: str, key: str) -> str:
    """The page of a thing: kind as in the path (company, vehicle, alarm, site, town, unit, organisation)."""
    return visit.address.to(f"/{kind}/{quote(str(key), safe='')}")


def place_link(visit: PageContext, code: str | None) -> Cell:
    """A town or company by name, leading to its page; "—" for none, 范围外 for one outside the reader's scope, and the code
    alone for one that is not known any more."""
    known = visit.book.known(code or "")
    if known is not None and known.grain != "district":
        return dcc.Link(known.label, href=href(visit, known.grain, known.code))
    return NAMED_ELSEWHERE if (code or "").startswith(ELSEWHERE) else (code or fmt.DASH)


def vehicle_link(visit: PageContext, key: str) -> Cell:
    """A vehicle by its plate, leading to its page."""
    return dcc.Link(plate(key), href=href(visit, "vehicle", key))


def day(value: Any) -> str:
    """A date as 2026-11-22; an open end ("9999-12-31", "1900-01-01") and None as "—"."""
    return fmt.DASH if value is None or value.year >= 9999 or value.year <= 1900 else f"{value:%Y-%m-%d}"


def moment(value: Any) -> str:
    """A naive business time as 11-22 14:05:09; None → "—"."""
    return fmt.DASH if value is None else f"{value:%m-%d %H:%M:%S}"


def minute(value: Any) -> str:
    """A naive business time as 11-22 14:05, for a list whose rows lead to the second; None → "—"."""
    return fmt.DASH if value is None else f"{value:%m-%d %H:%M}"


def absent(visit: PageContext, words: str, *tables: str) -> str:
    """The words for an empty list, or 未接入 where none of the landed tables that it is made of has ever delivered."""
    return words if any(visit.book.delivered(one) for one in tables) else STATUS_LABELS["unconnected"]


def or_unreported(visit: PageContext, table: str, absence: Cell) -> Cell:
    """What is said of something that is not there, or 未接入 where the landed table it would come from has never
    delivered: then nobody knows."""
    return absence if visit.book.delivered(table) else html.Span(STATUS_LABELS["unconnected"], className="muted")


def withheld(right: str) -> str:
    """What stands where a part of a page is not for the reader."""
    return f"{rights.TABLE[right].label}，只对{rights.holders(right)}岗位开放。"


def status(row: Fact) -> Component:
    """How an alarm stands, with a glyph beside the colour."""
    tone = texts.ALARM_TONES.get(row["status"], "flat")
    return html.Span([html.Span(texts.MARKS.get(tone, ""), className="glyph"), row["status"]], className=f"tone-{tone}")


def alarm_table(
    visit: PageContext, rows: Sequence[Fact], *, with_vehicle: bool = True, empty: str = "近 35 天没有须处置的报警"
) -> Component:
    """Alarms one by one; the time leads to the alarm's page. empty: said when there are none. Who may not see single
    alarms reads that, and who may."""
    if not rights.may(visit.viewer, "alarms"):
        return html.P(withheld("alarms"), className="empty")
    heads = ["时间", "类型", "级别", *(["车辆"] if with_vehicle else []), "处置", "处置时间"]
    lines = [
        [
            dcc.Link(minute(row["raised_at"]), href=href(visit, "alarm", row["alarm_uid"])),
            row["kind"],
            {1: "一级", 2: "二级"}.get(row["level"], "—"),
            *([vehicle_link(visit, row["vehicle_key"])] if with_vehicle else []),
            or_unreported(visit, "rdm_alarm_handle", status(row)),
            minute(row["handled_at"]),
        ]
        for row in rows
    ]
    return table(heads, lines, empty=absent(visit, empty, "gps_alarm", "as_alarm"))


def columns(left: Sequence[Component | None], right: Sequence[Component | None]) -> Component:
    """Cards in a wide and a narrow column; None is left out."""
    sides = [html.Div([card for card in side if card is not None], className="stack") for side in (left, right)]
    return html.Div(sides, className="grid grid-2-1 grid-top")


def head(name: str, flags: Sequence[Component], rows: Sequence[tuple[str, Cell | list[Cell]]]) -> Component:
    """The card on top: what it is called, what is true of it, and what the register says."""
    return html.Section(
        [
            html.Div(
                [html.H2(name, className="entity-name"), html.Div(list(flags), className="flags")],
                className="entity-head",
            ),
            facts(rows),
        ],
        className="card",
    )


def where(spots: Sequence[Spot], title: str, note: str, empty: str, theme: Theme) -> Component:
    """The card with a map of the spots that have a position inside the district."""
    return toolbar.card(title, note, spot_map(spots, theme=theme) or html.P(empty, className="empty"))


def cards(visit: PageContext, place: Place) -> Component:
    """The numbers that a place answers for (key_numbers.toml), each leading to its metric page there."""
    window = visit.address.get("window") or overview.DEFAULT

    def is_listed(metric: Metric) -> bool:
        """Of a handful of drivers nothing is listed, and a card would say so a dozen times."""
        if place.grain not in metric.drill or metric.kind == "now":
            return False
        return not metric.person or visit.book.read(metric.id, window, None, place.code).status != "small_cell"

    named = [visit.book.metrics[name] for name in key_numbers().of(place.grain) if name in visit.book.metrics]
    shown = [metric for metric in named if is_listed(metric)]
    return html.Div(overview.tiles(overview.cards(visit, shown, window, place)), className="compact")


def bar(visit: PageContext, *steps: tuple[str, str], windows: bool = False, sheet: str = "") -> list[Component]:
    """The tools above an entity's page: where one is, the window of its numbers, the link to share. sheet: code of the place
    whose sheet can be printed, "" = none."""
    found: list[Component] = [toolbar.crumbs(("总览", visit.address.to("/")), *steps)]
    if windows:
        found += overview.period_tools(visit, visit.address.get("window") or overview.DEFAULT)
    found.append(html.Span(className="spacer"))
    if favourites.is_place(visit.address.path) and favourites.may_see(visit.viewer, visit.address.path):
        found.append(toolbar.star(visit, favourites.place_of(visit.address), steps[-1][0]))
    if sheet and rights.may(visit.viewer, "sheets_ordered"):
        found.append(html.A("打印单页", href=f"/reports?whom={quote(sheet, safe='')}", className="button"))
    return [*found, toolbar.copy_link()]


def metric_link(visit: PageContext, metric: str, words: str, place: str | None = None, **query: str) -> Component:
    """A button that leads to a metric's page."""
    return dcc.Link(words, href=visit.address.to(f"/metric/{metric}", place=place, **query), className="button")
