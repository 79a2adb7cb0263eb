"""What all answers of 问数 share: the period that is read, the way to the page of a number, a sentence."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.reading_view import is_of
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT, Reading
from warehouse.insight.questions.dates import Period
from warehouse.insight.questions.understand import Understood
from warehouse.query import periods

MOST_LISTED = 30
GRAINS = {"town": "镇街", "company": "企业", "vehicle": "车辆"}
STEPS = {"day": "天", "week": "周", "month": "个月", "quarter": "个季度", "year": "年"}
"""What a number of windows is counted in."""
COUNTED = {"town": "个镇街", "company": "家企业"}
"""The same behind a number."""


def read_at(visit: PageContext, metric: Metric, period: Period | None) -> tuple[str, str | None]:
    """The window and the `at` word to ask a metric with: its own window around a period that it is not counted by."""
    if period is None or metric.kind == "now":
        return metric.windows[0], None
    own = period.window if period.window in metric.windows else metric.windows[0]
    return own, periods.at_for(visit.book, metric, period.window, period.at)


def other_period(reading: Reading, period: Period | None) -> str:
    """What is said where a number is not told of the period that was asked for; "" where it is."""
    if period is None or is_of(reading, period.window, period.at):
        return ""
    shown = fmt.period(reading.window, reading.win_start, reading.win_end)
    if period.window == reading.window:
        return f"“{reading.label}”没有所问那一期的数，这里是 {shown}。"
    return f"“{reading.label}”不按“{texts.WINDOWS[period.window]}”统计，这里是 {shown}。"


def to_metric(visit: PageContext, read: Understood, reading: Reading, **query: str | None) -> Component:
    """The way to the page of a number, of the same period, place and filter."""
    place = reading.place.code if reading.place.grain in ("town", "company") else None
    only = "~".join(f"{name}:{member}" for name, member in read.only) or None
    wanted: dict[str, str | None] = {**at_of(reading), "place": place, "only": only, **query}
    return dcc.Link(
        f"打开“{reading.label}”", href=visit.address.to(f"/metric/{reading.metric}", **wanted), className="button"
    )


def at_of(reading: Reading) -> dict[str, str | None]:
    """Window and period of a reading, as an address has them."""
    at = None if reading.window == "now" else fmt.period_key(reading.window, reading.win_start)
    return {"window": reading.window, "at": at}


def name_of(reading: Reading) -> str:
    return reading.label if reading.place.code == DISTRICT else f"{reading.label} · {reading.place.label}"


def buttons(*ways: Component) -> Component:
    return html.Div(list(ways), className="compare-bar question-ways")


def sentence(words: str) -> Component:
    return html.P(words, className="empty")
