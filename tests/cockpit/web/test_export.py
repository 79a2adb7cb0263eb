"""Exports equal the page and are safe to open; a passport opens exactly the number it was given for."""

from __future__ import annotations

import csv
import datetime as dt
import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cockpit.casework import permalinks
from cockpit.presentation import format as fmt
from cockpit.store import app_db
from cockpit.web import app, export
from cockpit.web.export import Sheet
from tests.cockpit.signing_in import good_body, post, sign_in
from warehouse.compile.reading import STATUS_LABELS
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

METRIC = "safe_alarm_handled_rate"
HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1", "\t=1", "浙A·12345"]


@pytest.fixture(scope="module")
def data(data_with_picture: Path) -> Path:
    return data_with_picture


@pytest.fixture(scope="module")
def server(data: Path) -> Flask:
    return app.create_app(Settings(data))


@pytest.fixture(scope="module")
def client_of(server: Flask, data: Path) -> Callable[[str], FlaskClient]:
    return lambda role: sign_in(server.test_client(), data, role, f"user-{role}")


def opened(body: bytes) -> dict[str, list[tuple[Any, ...]]]:
    return {page.title: list(page.iter_rows(values_only=True)) for page in openpyxl.load_workbook(io.BytesIO(body))}


def page_text(client: FlaskClient, path: str, search: str = "") -> str:
    body = good_body(path)
    body["inputs"][1]["value"] = search
    return post(client, body).get_data(as_text=True)


def test_a_workbook_says_what_the_page_says_and_where_it_comes_from(
    client_of: Callable[[str], FlaskClient], data: Path
) -> None:
    leader, book = client_of("leader"), SnapshotStore(data).current(Scope.ALL)
    answer = leader.get(f"/export/{METRIC}.xlsx?window=week&at=2026-W47")
    sheets, metric = opened(answer.data), book.metrics[METRIC]
    reading = book.read(METRIC, "week", "2026-W47")
    cover = dict(sheets["封面"][1:])
    assert (
        cover["数值"] == str(fmt.reading(reading, metric.decimals))
        and cover["口径"] == metric.describe
        and cover["快照"] == book.generation.id
    )
    assert (
        cover["期间"].startswith("2026 年第 47 周")
        and cover["筛选"] == "无"
        and cover["导出人"]
        and cover["数据性质"] == "演示数据"
    )
    towns = {row[0]: row for row in sheets["按镇街"][1:]}
    for item in book.by(METRIC, "week", "2026-W47", "town"):
        stated = towns[item.place.label]
        assert (stated[1], stated[2], stated[3]) == (
            (item.value, item.num, item.den)
            if item.value is not None
            else (str(fmt.reading(item, metric.decimals)), None, None)
        )
    trend = {row[0]: row[1] for row in sheets["趋势"][1:]}
    assert trend[fmt.period("week", reading.win_start, reading.win_end)] == reading.value
    companies = {row[0]: row for row in sheets["按企业"][1:]}
    whole = book.by(METRIC, "week", "2026-W47", "company")
    assert len(companies) == len(whole) > 0 and sum(row[3] or 0 for row in companies.values()) == sum(
        item.num or 0 for item in whole if item.value is not None
    )


def test_the_list_keeps_filter_and_order_and_has_all_pages(client_of: Callable[[str], FlaskClient]) -> None:
    rows = opened(client_of("leader").get(f"/export/{METRIC}.xlsx?window=month&of=rows&sort=-raised_at").data)
    assert len(list(rows.values())[-1]) > 16, "more than one page of the screen"
    one = list(
        csv.reader(
            io.StringIO(
                client_of("leader")
                .get(f"/export/{METRIC}.csv?window=week&at=2026-W47&sort=name")
                .data.decode("utf-8-sig")
            )
        )
    )
    names = [row[0] for row in one[1:]]
    assert one[0][0] == "企业" and names == sorted(names)
    narrowed = list(
        csv.reader(
            io.StringIO(
                client_of("leader")
                .get(f"/export/{METRIC}.csv?window=week&at=2026-W47&q={names[0]}")
                .data.decode("utf-8-sig")
            )
        )
    )
    assert [row[0] for row in narrowed[1:]] == [names[0]]


@pytest.mark.parametrize(
    "metric",
    [
        "drv_driver_cnt",
        "pty_driver_cnt",
        "fleet_running_now_cnt",
        "st_visit_cnt",
        "fleet_vehicle_cnt",
        "rdm_learning_done_rate",
    ],
)
def test_any_metric_can_be_taken_along_and_people_are_never_listed(
    client_of: Callable[[str], FlaskClient], data: Path, metric: str
) -> None:
    book = SnapshotStore(data).current(Scope.ALL)
    if metric not in book.metrics:
        metric = next(name for name, item in book.metrics.items() if item.person)
    sheets = opened(client_of("leader").get(f"/export/{metric}.xlsx").data)
    assert "封面" in sheets and (not book.metrics[metric].person or not {"逐人", "人员"} & set(sheets))
    assert not any(
        "〔" in str(cell) or "person_key" in str(cell) for rows in sheets.values() for row in rows for cell in row
    )


def test_every_export_is_logged_and_a_screen_has_none(
    client_of: Callable[[str], FlaskClient], data: Path, server: Flask
) -> None:
    client_of("analyst").get(f"/export/{METRIC}.csv?window=week")
    with app_db.reading(Settings(data).state) as connection:
        last = connection.execute(
            "SELECT who, subject, detail FROM audit WHERE event = 'exported' ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert last["who"] == "user-analyst" and (last["subject"], last["detail"]) == (
        f"/metric/{METRIC}?window=week",
        "csv",
    )
    assert server.test_client().get(f"/export/{METRIC}.xlsx").status_code in (302, 401)
    assert (
        client_of("leader").get(f"/export/{METRIC}.exe").status_code == 404
        and client_of("leader").get("/export/none.xlsx").status_code == 404
    )
    assert client_of("leader").get(f"/export/{METRIC}.xlsx?place=<script>").status_code == 400


def test_no_cell_is_a_formula_in_either_format() -> None:
    sheet = Sheet("试", ("甲", "=乙"), [(text, 1.5) for text in HOSTILE])
    book = openpyxl.load_workbook(io.BytesIO(export.workbook([sheet])))
    cells = [book["试"].cell(row, 1) for row in range(2, len(HOSTILE) + 2)] + [book["试"].cell(1, 2)]
    assert [cell.data_type for cell in cells] == ["s"] * len(cells) and [cell.value for cell in cells] == [
        *HOSTILE,
        "=乙",
    ]
    assert all(cell.quotePrefix for cell in cells[:6]) and book["试"].cell(2, 2).value == 1.5
    rows = list(csv.reader(io.StringIO(export.text(sheet).decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == [*(f"'{text}" for text in HOSTILE[:6]), HOSTILE[6]]


@pytest.mark.nightly
def test_a_spreadsheet_program_reads_what_was_written(
    client_of: Callable[[str], FlaskClient], data: Path, tmp_path: Path
) -> None:
    (tmp_path / "export.xlsx").write_bytes(
        client_of("leader").get(f"/export/{METRIC}.xlsx?window=week&at=2026-W47").data
    )
    subprocess.run(
        [
            "soffice",
            "--headless",
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1",
            "--outdir",
            str(tmp_path),
            str(tmp_path / "export.xlsx"),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    cover = dict(row[:2] for row in csv.reader((tmp_path / "export-封面.csv").open(encoding="utf-8")))
    assert cover["数值"] == str(fmt.reading(SnapshotStore(data).current(Scope.ALL).read(METRIC, "week", "2026-W47"), 1))


def test_a_passport_is_the_same_wherever_the_number_is_met_and_opens_it(
    client_of: Callable[[str], FlaskClient], data: Path
) -> None:
    leader, book, file = client_of("leader"), SnapshotStore(data).current(Scope.ALL), Settings(data).state
    reading = book.read(METRIC, "week", "2026-W47")
    made = permalinks.issue(file, reading, 1)
    shown = page_text(leader, f"/metric/{METRIC}", "?window=week&at=2026-W47&sort=name&page=2")
    cover = dict(opened(leader.get(f"/export/{METRIC}.xlsx?window=week&at=2026-W47").data)["封面"][1:])
    assert (
        permalinks.spaced(made) in shown
        and cover["溯源码"] == permalinks.spaced(made)
        and cover["在线查看"].endswith(f"/n/{made}")
    )
    for typed in (made, made.lower(), permalinks.spaced(made), f"{made[:5]} {made[5:]}"):
        assert leader.get(f"/n/{typed}").headers["Location"] == permalinks.address_of(reading)
    path, _, search = permalinks.address_of(reading).partition("?")
    assert str(fmt.reading(reading, 1)).split(" ")[0] in page_text(leader, path, f"?{search}")
    town = book.by(METRIC, "week", "2026-W47", "town")[0]
    others = {
        permalinks.issue(file, item, 1)
        for item in (town, book.read(METRIC, "week", "2026-W46"), book.read(METRIC, "month"))
    }
    assert len(others | {made}) == 4
    assert leader.get("/n/0000000000").status_code == 404 and leader.get("/n/..%2f..").status_code in (404, 503)


def test_a_number_whose_snapshot_is_gone_still_says_what_it_was(
    client_of: Callable[[str], FlaskClient], data: Path
) -> None:
    file = Settings(data).state
    with app_db.writing(file) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO passport VALUES ('ABCDE12345', '/metric/x?as_of=20200101T000000', '报警处置率 · 第 1 周', '92.2 %', '20200101T000000', 0)"
        )
    answer = client_of("leader").get("/n/abcde-12345")
    assert (
        answer.status_code == 503
        and "92.2 %" in answer.get_data(as_text=True)
        and "不再保存" in answer.get_data(as_text=True)
    )


def test_what_a_workbook_cannot_hold_is_left_out_and_the_rest_stands() -> None:
    """A vertical tab pasted into a company's name, half a surrogate pair, no character at all: the export goes out
    without them."""
    body = export.workbook(
        [Sheet("按企业", ("企\x00业", "数"), [("杭州\x0b云栈\ud800货运\ufffe有限公司", 1), ("两行\n一格\t𠮷", 2)])]
    )
    assert opened(body) == {"按企业": [("企业", "数"), ("杭州云栈货运有限公司", 1), ("两行\n一格\t𠮷", 2)]}


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("*公司*", "公司"),
        ("a:b\\c/d?e[f]", "a_b_c_d_e_f_"),
        ("'名录'", "名录"),
        ("长" * 40, "长" * 31),
        ("**", "表"),
        ("一\x0b二", "一二"),
    ],
)
def test_any_title_becomes_one_that_a_spreadsheet_takes(title: str, shown: str) -> None:
    assert list(opened(export.workbook([Sheet(title, ("列",), [])]))) == [shown]


def test_days_that_are_asked_for_stand_in_the_file_as_on_the_page(
    client_of: Callable[[str], FlaskClient], data: Path
) -> None:
    leader, book = client_of("leader"), SnapshotStore(data).current(Scope.ALL)
    last = book.generation.last_day
    days = (last - dt.timedelta(days=4), last)
    begins = book.begins(book.metrics[METRIC])
    assert begins is not None and begins <= days[0]
    query = f"window=week&since={days[0]}&until={days[1]}"
    heads, *rows = opened(leader.get(f"/export/{METRIC}.xlsx?{query}").data)["任意区间"]
    assert heads == ("地方", "起", "止", book.metrics[METRIC].label, "前等长区间", "去年同期", "说明")
    of = {one.place.label: one for one in book.by(METRIC, "week")} | {"全区": book.read(METRIC, "week")}
    assert rows[0][0] == "全区" and {row[0] for row in rows} == set(of)
    for place, first, last, value, was, year, _ in rows:
        assert (first.date(), last.date()) == days
        expected, status = book.figure_of_days(of[place], *days)
        assert value == (STATUS_LABELS[status] if expected is None else expected)
        assert was == book.value_of_days(of[place], *(day - dt.timedelta(days=5) for day in days))
        assert year == book.value_of_days(of[place], *(day.replace(year=day.year - 1) for day in days))
    table = list(csv.reader(io.StringIO(leader.get(f"/export/{METRIC}.csv?{query}").data.decode("utf-8-sig"))))
    assert tuple(table[0]) == heads and [row[0] for row in table[1:]] == [row[0] for row in rows]
    shown = page_text(leader, f"/metric/{METRIC}", f"?{query}")
    assert str(fmt.value(rows[0][3], "ratio", book.metrics[METRIC].decimals).text) in shown


@pytest.mark.parametrize(
    ("name", "query", "stated"),
    [
        ("fleet_vehicle_cnt", "since=2026-10-05&until=2026-11-08", "不能按任意区间累计"),
        (METRIC, "since=2026-11-08&until=2026-10-05", "请调换"),
        (METRIC, "since=2026-11-08", "两个都要填"),
    ],
)
def test_what_cannot_be_told_of_those_days_is_said_in_the_file(
    client_of: Callable[[str], FlaskClient], name: str, query: str, stated: str
) -> None:
    [heads, row] = opened(client_of("leader").get(f"/export/{name}.xlsx?{query}").data)["任意区间"]
    assert heads == ("说明",) and stated in row[0]
    assert "任意区间" not in opened(client_of("leader").get(f"/export/{name}.xlsx").data)
