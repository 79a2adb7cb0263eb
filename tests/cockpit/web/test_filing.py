"""The pages of 名录填报: who may file, what of an upload is believed, what the template holds, and that no step is
asked for twice."""

from __future__ import annotations

import datetime as dt
import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cockpit.web import filing, filing_sheet
from etl.runtime.context import Context, opened
from etl.worker import filing_forms, request_handlers
from tests.cockpit.signing_in import SAME_ORIGIN
from tests.house import House, id_number
from warehouse.core import request_queue

NOW = dt.datetime(2026, 11, 23, 14, 0)
TABLE = "/filing/pb_register50"
FIRMS = [f"91330110MA{serial:08d}" for serial in range(4)]
PHONE = "13857104321"


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[Context]:
    house = House.published_empty(tmp_path / "data")
    with opened(house.hand_over(), now=lambda: NOW + dt.timedelta(minutes=5)) as context:
        filing_forms.offer(context)
        yield context


Client = Callable[[str], FlaskClient]


@pytest.fixture
def data(loader: Context) -> Path:
    return loader.settings.data


def ask(client: FlaskClient, path: str, **values: Any) -> TestResponse:
    return client.post(path, data=values, headers={**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"})


def upload(
    client: FlaskClient, rows: list[list[str]], name: str = "名录.csv", month: str = "2026-11", table: str = TABLE
) -> TestResponse:
    head = ["企业", "车辆数", "司机数", "党员数", "最近确认日期", "版本"]
    body = "\n".join(",".join(row) for row in [head, *rows]).encode("utf-8-sig")
    return ask(client, f"{table}/check", file=(io.BytesIO(body), name), month=month)


def row(firm: str, vehicles: str = "60") -> list[str]:
    return [firm, vehicles, "70", "3", "2026-10-02", "1"]


def done(client: FlaskClient, loader: Context, answer: TestResponse) -> str:
    """Lets the loader do what was asked for; the page that the browser was sent to."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert request_handlers.serve(loader)
    return client.get(answer.location).get_data(as_text=True)


def number(answer: TestResponse) -> str:
    return answer.location.rpartition("=")[2]


@pytest.mark.parametrize("path", ["/filing", TABLE, f"{TABLE}/template.xlsx"])
def test_only_those_who_look_after_the_data_may_file(as_role: Client, loader: Context, path: str) -> None:
    assert {role: as_role(role).get(path).status_code for role in ("admin", "analyst", "leader", "auditor")} == {
        "admin": 200,
        "analyst": 200,
        "leader": 403,
        "auditor": 403,
    }
    assert (
        ask(as_role("leader"), f"{TABLE}/check").status_code == 403
        and request_queue.newest(loader.settings.state) == []
    )


def test_the_list_names_every_table_with_what_it_holds(as_role: Client, loader: Context) -> None:
    page = as_role("analyst").get("/filing").get_data(as_text=True)
    assert (
        all(f"/filing/{name}" in page for name in request_queue.offered(loader.settings.state))
        and "台账" in page
        and "本局参数表" in page
    )
    assert "没有公布" not in page and "演示数据" in page


def test_before_the_loader_has_run_the_page_says_so(loader: Context, as_role: Client) -> None:
    request_queue.offer(loader.settings.state, {})
    page = as_role("admin").get("/filing")
    assert page.status_code == 200 and "装载进程还没有公布" in page.get_data(as_text=True)
    assert as_role("admin").get(TABLE).status_code == 404


def test_the_template_has_the_columns_the_words_and_an_explanation(as_role: Client, loader: Context) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_role("analyst").get("/filing/own_alarm_type/template.xlsx").get_data()))
    page, guide = book.worksheets
    stated = request_queue.offered(loader.settings.state)["own_alarm_type"]["columns"]
    assert [cell.value for cell in page[1]] == [column["heading"] for column in stated] and page.max_row == 1
    assert [rule.formula1 for rule in page.data_validations.dataValidation] == ['"是,否"']
    assert [line[0].value for line in guide.iter_rows(min_row=2)] == [column["heading"] for column in stated]


def test_a_template_with_content_is_taken_back_without_a_difference(as_role: Client, loader: Context) -> None:
    client = as_role("analyst")
    page = done(client, loader, ask(client, "/filing/own_alarm_type/current"))
    link = page.partition('href="/filing/own_alarm_type/current/')[2].partition('"')[0]
    body = client.get(f"/filing/own_alarm_type/current/{link}").get_data()
    page = done(client, loader, ask(client, "/filing/own_alarm_type/check", file=(io.BytesIO(body), "现有.xlsx")))
    assert "行全部合格" in page and "没有差别" in page and "提交生效</button>" not in page


def test_text_that_looks_like_a_formula_stays_text() -> None:
    stated = {
        "sheet": "名录",
        "columns": [
            {
                "name": "a",
                "heading": "甲",
                "label": "甲",
                "type": "VARCHAR",
                "unit": "",
                "required": True,
                "key": True,
                "personal": False,
                "words": [],
            }
        ],
    }
    cell = openpyxl.load_workbook(io.BytesIO(filing_sheet.workbook(stated, [["=1+1"]]))).worksheets[0]["A2"]
    assert (cell.data_type, cell.value) == ("s", "=1+1")


def test_every_wrong_cell_is_on_the_page_and_nothing_can_be_put_in_force(as_role: Client, loader: Context) -> None:
    client = as_role("analyst")
    answer = upload(client, [row(FIRMS[0], "很多"), row(""), row(FIRMS[2])])
    page = done(client, loader, answer)
    assert (
        "2 处不合约定" in page
        and all(f'class="mono">{cell}</td>' in page for cell in ("B2", "A3"))
        and "应为整数" in page
    )
    commit = ask(client, f"{TABLE}/commit", check=number(answer))
    assert "没有通过检查" in done(client, loader, commit) and loader.writer.execute(
        "SELECT count(*) FROM raw.pb_register50"
    ) == [(0,)]


def test_what_is_right_is_shown_put_in_force_once_and_taken_back(as_role: Client, loader: Context) -> None:
    client = as_role("analyst")
    first = upload(client, [row(firm) for firm in FIRMS])
    assert "新增 4" in done(client, loader, first)
    done(client, loader, ask(client, f"{TABLE}/commit", check=number(first)))
    answer = upload(client, [row(FIRMS[0], "99"), *(row(firm) for firm in FIRMS[1:3])])
    page = done(client, loader, answer)
    assert "修改 1" in page and "减少 1" in page and "<del>60</del> → <ins>99</ins>" in page and FIRMS[3] in page
    commit = ask(client, f"{TABLE}/commit", check=number(answer), confirmed="1")
    assert ask(client, f"{TABLE}/commit", check=number(answer)).location == commit.location, (
        "a second click leads to the first"
    )
    page = done(client, loader, commit)
    assert "已生效" in page and "撤销这一次" in page
    assert "已提交" in client.get(answer.location).get_data(as_text=True)
    assert "已退回" in done(client, loader, ask(client, f"{TABLE}/undo", commit=number(commit)))
    assert loader.writer.execute("SELECT veh_cnt FROM raw.pb_register50 WHERE _deleted_at IS NULL") == [(60,)] * 4
    with sqlite3.connect(loader.settings.state) as db:
        assert db.execute(
            "SELECT count(*), min(who) FROM audit WHERE event = 'asked' AND detail LIKE '名录填报%'"
        ).fetchone() == (5, "user-analyst")
    index = client.get("/filing").get_data(as_text=True)
    assert "张** 撤销" in index


def test_what_nobody_takes_up_says_so_and_what_is_under_way_asks_again(as_role: Client, loader: Context) -> None:
    client = as_role("analyst")
    answer = upload(client, [row(FIRMS[0])])
    page = client.get(answer.location).get_data(as_text=True)
    assert 'http-equiv="refresh"' in page and "每 2 秒" in page and "没有接手" not in page
    with sqlite3.connect(loader.settings.state) as db:
        db.execute("UPDATE request SET at = ?", (time.time() - filing.PATIENCE_S - 1,))
    assert "没有接手" in client.get(answer.location).get_data(as_text=True)


@pytest.mark.parametrize(
    ("name", "body", "month", "told"),
    [
        ("名录.pdf", b"%PDF", "2026-11", "不能读取这种文件"),
        ("名录.xlsx", b"", "2026-11", "文件是空的"),
        ("", b"", "2026-11", "没有选择文件"),
        ("名录.csv", b"x", "11 月", "台账年月写法不对"),
    ],
)
def test_what_cannot_be_a_list_is_turned_away_with_a_way_back(
    as_role: Client, loader: Context, name: str, body: bytes, month: str, told: str
) -> None:
    client = as_role("analyst")
    answer = client.post(
        f"{TABLE}/check",
        data={"file": (io.BytesIO(body), name), "month": month},
        headers={**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate", "Referer": f"http://localhost{TABLE}"},
    )
    page = answer.get_data(as_text=True)
    assert (
        answer.status_code == 400
        and told in page
        and f'href="{TABLE}"' in page
        and request_queue.newest(loader.settings.state) == []
    )


def test_a_file_that_is_too_large_is_refused_in_words(as_role: Client, loader: Context) -> None:
    answer = ask(
        as_role("analyst"),
        f"{TABLE}/check",
        file=(io.BytesIO(b"x" * (filing.MAX_UPLOAD + 1)), "大.csv"),
        month="2026-11",
    )
    assert (
        answer.status_code == 413
        and "<h1>" in answer.get_data(as_text=True)
        and request_queue.newest(loader.settings.state) == []
    )
    assert (
        upload(as_role("analyst"), [row(f"91330110MA{serial:08d}") for serial in range(30_000)]).status_code == 303
    ), "a list above the limit of other forms passes"


def test_no_personal_number_waits_in_the_clear_nor_stands_in_a_files_name(as_role: Client, loader: Context) -> None:
    client = as_role("analyst")
    answer = upload(client, [row(id_number(7)), row(PHONE)], name=f"名录 {PHONE}.csv")
    state = loader.settings.state
    assert PHONE not in json.dumps(request_queue.one(state, int(number(answer))).details, ensure_ascii=False)
    assert request_handlers.serve(loader)
    stored = b"".join(file.read_bytes() for file in state.parent.glob("state.sqlite*"))
    assert PHONE.encode() not in stored and id_number(7).encode() not in stored


def test_a_number_of_another_table_or_of_another_step_is_not_found(as_role: Client, loader: Context) -> None:
    client = as_role("analyst")
    check = number(upload(client, [row(FIRMS[0])]))
    assert (
        client.get(f"/filing/own_sla?n={check}").status_code == 404
        and client.get(f"{TABLE}?n=999999").status_code == 404
    )
    assert (
        client.get(f"{TABLE}?n=abc").status_code == 200
        and client.get(f"{TABLE}/current/{check}.xlsx").status_code == 404
    )
    assert (
        ask(client, f"{TABLE}/undo", commit=check).status_code == 404
        and ask(client, f"{TABLE}/commit", check="x").status_code == 404
    )
    assert (
        client.get("/filing/yz_driver").status_code == 404
        and ask(client, "/filing/pb_member/current").status_code == 400
    )
