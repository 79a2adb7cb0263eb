"""A target is set in the browser by who may file, from a form that says what was set before; what it cannot be is refused
there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from cockpit.web import target_form
from tests.cockpit.signing_in import SAME_ORIGIN, sign_in
from tests.warehouse.query.test_readings import row
from warehouse.core import request_queue
from warehouse.core.settings import Settings

HERE = "/filing/own_target/set/fleet_online_rate"
GIVEN = {
    "period": "week",
    "town": "良渚街道",
    "green": "95.5%",
    "amber": "90",
    "basis": "上级",
    "source": "局发〔2026〕12 号",
    "progress": "",
    "first": "2026-11-23",
    "last": "",
}


def put(web: Flask, data: Path, role: str, path: str = HERE, **changes: str) -> TestResponse:
    client = sign_in(web.test_client(), data, role, f"user-{role}")
    return client.post(path, data={**GIVEN, **changes}, headers={**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"})


def test_the_form_begins_with_the_target_in_force_and_lists_what_was_set(web: Flask, data_with_picture: Path) -> None:
    client = sign_in(web.test_client(), data_with_picture, "analyst", "user-analyst")
    page = client.get(f"{HERE}?period=week&town=").get_data(as_text=True)
    assert '<option value="week" selected>' in page and 'name="green" class="filter" value="92"' in page
    assert "产品建议：待局确认" in page and "随产品" in page and "现行" in page and "<option>良渚街道</option>" in page
    assert "归属待核" not in page, "nobody's town has no target"
    assert client.get("/filing/own_target/set/fleet_vehicle_cnt").status_code == 404, "which way is better is not said"
    assert client.get("/filing/own_target/set/unknown").status_code == 404


def test_what_is_sent_is_asked_of_the_loader_in_stored_units(web: Flask, data_with_picture: Path) -> None:
    answer = put(web, data_with_picture, "analyst")
    assert answer.status_code == 303 and answer.location.startswith("/filing/own_target?n=")
    asked = request_queue.one(Settings(data_with_picture).state, int(answer.location.rpartition("=")[2]))
    assert (asked.details["table"], asked.details["step"]) == ("own_target", "target") and asked.details["by"]
    assert asked.details["target"] == {
        "kpi_id": "fleet_online_rate",
        "period": "week",
        "town": "良渚街道",
        "green": 0.955,
        "amber": 0.9,
        "basis": "上级",
        "source": "局发〔2026〕12 号",
        "progress": "",
        "first": "2026-11-23",
        "last": None,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"green": "很高"}, "达标值不是数字"),
        ({"green": ""}, "没有填达标值"),
        ({"green": "950"}, "比率的目标不能超过 100%"),
        ({"green": "NaN"}, "须为不小于 0 的数字"),
        ({"amber": "97"}, "预警值须低于达标值"),
        ({"first": "11月23日"}, "生效日不是日期"),
        ({"first": ""}, "没有填生效日"),
        ({"last": "2026-11-01"}, "早于生效日"),
        ({"town": "塘栖镇"}, "单独定目标"),
        ({"source": " "}, "请写明依据的文件"),
        ({"period": "year"}, "没有这种统计期的目标"),
    ],
)
def test_what_a_target_cannot_be_is_said_on_the_page(
    web: Flask, data_with_picture: Path, changes: dict[str, str], said: str
) -> None:
    answer = put(web, data_with_picture, "analyst", **changes)
    assert answer.status_code == 400 and said in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", ["leader", "duty", "security", "auditor"])
def test_nobody_else_sets_targets(web: Flask, data_with_picture: Path, role: str) -> None:
    assert put(web, data_with_picture, role).status_code == 403
    client = sign_in(web.test_client(), data_with_picture, role, f"user-{role}")
    assert client.get(HERE).status_code == 403


def test_a_target_stands_as_the_day_says() -> None:
    today = dt.date(2026, 11, 23)
    first, last = dt.date(2026, 12, 1), dt.date(2026, 11, 22)
    assert [
        target_form.state(row("week", 0.9, None, **days), today) for days in ({}, {"first": first}, {"last": last})
    ] == ["现行", "将生效", "已失效"]
