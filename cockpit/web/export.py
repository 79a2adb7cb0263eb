"""What a metric's page shows, as a workbook or a CSV file: /export/<metric>.xlsx and .csv with the page's own address
behind it.

Owns the tables of an export and how they are written. The numbers are those of the page (same Snapshot, same address, same
rules for small groups; people are never listed); a cell is a number, a date or text, never a formula. Every export is a
line in the audit log."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, request

from cockpit.casework import permalinks
from cockpit.identity import gate
from cockpit.pages import any_days, drilldown, metric
from cockpit.pages.page_context import PageContext
from cockpit.presentation import day_range, texts
from cockpit.presentation import format as fmt
from cockpit.presentation.address import Address
from cockpit.presentation.reading_view import present, standing, verdict
from cockpit.presentation.tiles.entities import pick
from cockpit.store import audit
from cockpit.web import template_pages
from warehouse.catalog.schema import Metric
from warehouse.compile.reading import DISTRICT, Point, Reading
from warehouse.core import units
from warehouse.core.settings import Settings
from warehouse.query.places import plate
from warehouse.query.snapshot_store import SnapshotStore

if TYPE_CHECKING:  # loaded with the first workbook: a web worker is lighter without
    from openpyxl import Workbook
    from openpyxl.cell import Cell

TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}
MOST_ROWS = 10_000
FORMULA = tuple("=+-@\t\r＝＋－＠")
WIDEST, NARROWEST = 60, 8
LONGEST_TITLE = 31
NO_TITLE = re.compile(r"[:\\/?\[\]]")
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids: the control characters and those that are none."""
Value = str | float | int | dt.date | None


@dataclass(frozen=True)
class Sheet:
    """One table. heads: names of the columns; formats: their number formats, "" = as it is."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]
    formats: Sequence[str] = ()


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds /export/<metric>.<kind>."""

    @server.get("/export/<name>.<kind>")
    def export(name: str, kind: str) -> Response:
        if kind not in TYPES:
            abort(404)
        address = Address.parse(f"/metric/{name}", request.query_string.decode("utf-8", "replace"))
        wanted, who = address.get("as_of"), gate.viewer()
        book = library.open(wanted, who.scope) if wanted else library.current(who.scope)
        if name not in book.metrics:
            abort(404)
        visit = PageContext(book, address, who, units.now())
        sheets = tables(visit, settings, request.host_url.rstrip("/"))
        audit.record(
            settings.state, "exported", who=who.user, ip=gate.address(), subject=address.here()[:300], detail=kind
        )
        body = workbook(sheets) if kind == "xlsx" else text(sheets[-1])
        return template_pages.file(body, TYPES[kind], f"{name}-{book.generation.id}.{kind}")


def tables(visit: PageContext, settings: Settings, site: str) -> list[Sheet]:
    """The cover, the trend, the towns and the list behind the number, and the days that the address asks for; a table that
    the page does not have is left out. A CSV file is the last of them."""
    item = visit.book.metrics[visit.address.path.removeprefix("/metric/")]
    reading = metric.read(visit, item)
    found = [
        _cover(visit, item, reading, settings, site),
        trend(visit, item, reading),
        towns(visit, item, reading),
        _listed(visit, item, reading),
        any_range(visit, item, reading),
    ]
    return [sheet for sheet in found if sheet is not None]


def _cover(visit: PageContext, item: Metric, reading: Reading, settings: Settings, site: str) -> Sheet:
    made = permalinks.issue(settings.state, reading, item.decimals, visit.address.get("only"))
    rows: list[tuple[str, Value]] = [
        *facts(visit, item, reading),
        ("溯源码", permalinks.spaced(made)),
        ("在线查看", f"{site}/n/{made}"),
        ("导出人", visit.viewer.display or visit.viewer.user),
        ("导出时间", fmt.local(visit.now).strftime("%Y-%m-%d %H:%M:%S")),
    ]
    return Sheet("封面", (texts.BRAND, "导出"), rows)


def facts(visit: PageContext, item: Metric, reading: Reading) -> list[tuple[str, str]]:
    """What a number is and how it came to be, term by term."""
    generation = visit.book.generation
    chosen = "、".join(f"{name}={member}" for _, name, member in metric.filters(visit, item)) or "无"
    period = "当前时刻" if reading.window == "now" else fmt.period(reading.window, reading.win_start, reading.win_end)
    goal = fmt.target(reading.target, reading.unit, reading.better, item.decimals)
    return [
        ("指标", item.label),
        ("范围", "全区" if reading.place.code == DISTRICT else reading.place.label),
        ("期间", period),
        ("筛选", chosen),
        ("数值", str(fmt.reading(reading, item.decimals))),
        ("分子 / 分母", fmt.parts(reading) or fmt.DASH),
        ("目标", goal or fmt.DASH),
        ("目标来源", reading.target.authority if reading.target else fmt.DASH),
        ("环比", _change(reading, reading.previous, item)),
        ("同比", _change(reading, reading.last_year, item)),
        ("状态", "、".join(tag.word for tag in present(reading).tags) or "正常"),
        ("数据时间", fmt.local(reading.as_of).strftime("%Y-%m-%d %H:%M") if reading.as_of else fmt.DASH),
        ("快照", generation.id),
        ("数据性质", texts.DEMO if generation.is_demo else "业务数据"),
        ("口径", item.describe),
        ("公式", item.formula),
        ("依据", item.basis or fmt.DASH),
        ("责任科室", item.owner or fmt.DASH),
    ]


def _change(reading: Reading, before: float | None, item: Metric) -> str:
    change = fmt.delta(reading.value, before, reading.unit, reading.better, item.decimals)
    return f"{change.signed} {change.unit}".strip() if change.known else fmt.DASH


def _format(item: Metric) -> str:
    digits = f".{'0' * item.decimals}" if item.decimals else ""
    return f"0{digits}%" if item.unit == "ratio" else f"#,##0{digits}"


def _said(reading: Reading | Point, item: Metric) -> Value:
    """The number itself where there is one; else what the page says in its place."""
    if reading.value is not None:
        return reading.value
    return str(fmt.reading(reading, item.decimals)) if isinstance(reading, Reading) else fmt.DASH


def _figures(reading: Reading | Point) -> tuple[Value, Value]:
    """The parts, where the number itself may be seen."""
    return (reading.num, reading.den) if reading.value is not None else (None, None)


def trend(visit: PageContext, item: Metric, reading: Reading) -> Sheet | None:
    """The number period by period; None where the page has no trend."""
    found = metric.trend_of(visit, item, reading)
    if found is None:
        return None
    span, points, past = found
    before = dict(zip((p.win_start for p in points[-len(past) :]), past, strict=False)) if past else {}
    rows = [
        (
            fmt.period(span, p.win_start, p.win_end),
            _said(p, item),
            *_figures(p),
            before[p.win_start].value if p.win_start in before else None,
            "" if p.complete else texts.INCOMPLETE,
        )
        for p in points
    ]
    return Sheet(
        "趋势",
        ("期间", _headed(item), "分子", "分母", "去年同期", "说明"),
        rows,
        ("", _format(item), "", "", _format(item), ""),
    )


def _headed(item: Metric) -> str:
    unit = fmt.value(0, item.unit).unit
    return f"{item.label}({unit})" if unit and item.unit != "ratio" else item.label


def towns(visit: PageContext, item: Metric, reading: Reading) -> Sheet | None:
    """The number by town; None where the page has none."""
    found = metric.towns_of(visit, item, reading)
    return _places("按镇街", "镇街", found, item) if found else None


def _places(
    title: str, name: str, found: Sequence[Reading], item: Metric, towns: dict[str, str] | None = None
) -> Sheet:
    rows = [
        (
            r.place.label,
            *([towns.get(r.place.parent, fmt.DASH)] if towns else []),
            _said(r, item),
            *_figures(r),
            r.previous,
            "，".join(filter(None, [verdict(r), tag.full if (tag := standing(r)) else ""])),
        )
        for r in found
    ]
    heads = (name, *(["镇街"] if towns else []), _headed(item), "分子", "分母", "上期", "评价")
    return Sheet(title, heads, rows, (*([""] * (2 if towns else 1)), _format(item), "", "", _format(item), ""))


def _listed(visit: PageContext, item: Metric, reading: Reading) -> Sheet | None:
    """The list as the page has it: same tab, filter and order, all of its pages."""
    tabs = drilldown.tabs(visit, item, reading)
    if not tabs:
        return None
    requested = visit.address.get("of")
    chosen = requested if requested in tabs else next(iter(tabs))
    wanted = drilldown.view(visit, item.better != "up")
    if chosen == drilldown.COMPANIES:
        rows = visit.book.by(
            item.id, reading.window, visit.address.get("at"), "company", reading.place.code, visit.address.only
        )
        return _places("按企业", "企业", pick(rows, wanted), item, {t.code: t.label for t in visit.book.places("town")})
    found = drilldown.behind(visit, item, reading, wanted, rows=MOST_ROWS)
    if found is None:
        return None
    columns = found.entity.columns
    key = found.entity.key
    named = [
        (
            plate(row.key) if key == "vehicle_key" else row.key,
            *([visit.book.member(item, "company", row.key)] if key == "company_key" else []),
            *(_cell(visit, item, key, column, row.cells[column]) for column in columns),
            row.num,
            row.den,
        )
        for row in found.rows
    ]
    if found.total > len(found.rows):
        named.append(
            (
                f"共 {found.total} 条，只列出前 {len(found.rows)} 条；请缩小范围后再导出",
                *([None] * (len(columns) + 2 + (key == "company_key"))),
            )
        )
    return Sheet(
        tabs[chosen],
        (
            *(("代码", found.entity.label) if key == "company_key" else (found.entity.label,)),
            *columns.values(),
            "分子",
            "分母",
        ),
        named,
    )


def any_range(visit: PageContext, item: Metric, reading: Reading) -> Sheet | None:
    """The number over the days that the address asks for, at its place and in each town of it; a sentence where it cannot
    be told of them; None where none are asked for."""
    days = any_days.wanted(visit)
    if days is None:
        return None
    title, newest = "任意区间", visit.book.generation.last_day
    if (refusal := day_range.refusal(item)) is not None or isinstance(days, str):
        return Sheet(title, ("说明",), [(refusal or str(days),)])
    first, last = days[0], min(days[1], newest)
    note = f"{day_range.JUDGED}{f'；数据止于 {newest}' if days[1] > newest else ''}"
    towns = visit.book.by(item.id, reading.window, visit.address.get("at")) if reading.place == visit.book.home else []
    rows = []
    for one in (reading, *(town for town in towns if town.place != reading.place)):
        ours = day_range.reading(visit.book, one, first, last, visit.address.only)
        absent = "" if ours.value is not None else day_range.absence(visit.book, ours)
        place = "全区" if one.place.code == DISTRICT else one.place.label
        rows.append((place, first, last, _said(ours, item), ours.previous, ours.last_year, absent or note))
    heads = ("地方", "起", "止", _headed(item), "前等长区间", "去年同期", "说明")
    shown = _format(item)
    return Sheet(title, heads, rows, ("", "yyyy-mm-dd", "yyyy-mm-dd", shown, shown, shown, ""))


def _cell(visit: PageContext, item: Metric, key: str, column: str, value: Any) -> Value:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return drilldown.named(visit, item, key, column, value)


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The sheets as XLSX; text stays text whatever it begins with."""
    return saved(book_of(sheets))


def book_of(sheets: Sequence[Sheet]) -> Workbook:
    """The sheets as an open workbook, in their order."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    for sheet in sheets:
        page = book.create_sheet(_titled(sheet.title))
        for column, head in enumerate(sheet.heads, 1):
            _set(page.cell(1, column), head)
            page.cell(1, column).font = Font(bold=True)
        for number, row in enumerate(sheet.rows, 2):
            for column, value in enumerate(row, 1):
                cell = page.cell(number, column)
                _set(cell, value)
                if column <= len(sheet.formats) and sheet.formats[column - 1] and cell.data_type == "n":
                    cell.number_format = sheet.formats[column - 1]
        page.freeze_panes = "A2"
        for column in range(1, len(sheet.heads) + 1):
            longest = max(
                (_width(page.cell(row, column).value) for row in range(1, min(page.max_row, 200) + 1)), default=0
            )
            page.column_dimensions[get_column_letter(column)].width = max(NARROWEST, min(WIDEST, longest + 2))
    del book[book.sheetnames[0]]  # the empty one that every new workbook has
    return book


def saved(book: Workbook) -> bytes:
    """The bytes of its file."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _titled(title: str) -> str:
    """A title as a spreadsheet takes it. The stars of a pattern of names go, so that the pattern still finds the
    sheet."""
    return NO_TITLE.sub("_", _written(title).replace("*", "")).strip("'")[:LONGEST_TITLE] or "表"


def _written(text: str) -> str:
    """Text without what XML 1.0 cannot hold: a name that was pasted from elsewhere may carry a vertical tab, half a
    surrogate pair."""
    return NO_XML.sub("", text)


def _set(cell: Cell, value: Value) -> None:
    if isinstance(value, str):
        # the library takes "=…" for a formula; and a spreadsheet that is saved again must keep it text
        cell.value, cell.data_type = _written(value), "s"
        cell.quotePrefix = value.startswith(FORMULA)
    elif value is not None:
        cell.value = value


def _width(value: Any) -> int:
    return sum(2 if ord(char) > 0x2E7F else 1 for char in str(value if value is not None else ""))


def text(sheet: Sheet) -> bytes:
    """One table as CSV (UTF-8 with BOM, CRLF); a text that a spreadsheet would take for a formula gets an apostrophe in
    front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(sheet.heads)
    for row in sheet.rows:
        writer.writerow(
            [
                "" if value is None else f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
                for value in row
            ]
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode()
