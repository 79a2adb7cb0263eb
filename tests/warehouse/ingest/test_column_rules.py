"""What a mapping says of a column is carried out in one order, whatever the row came in; what does not fit stays for the
contract to refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from warehouse.core.errors import ContractBroken
from warehouse.ingest import json_paths, parse
from warehouse.ingest.landing import Landed

AT = "2026-11-23T14:05:00+08:00"


def read(rows: list[dict[str, Any]], columns: dict[str, Any], **more: Any) -> dict[str, list[str | None]]:
    note = Landed(1, "yz", "vehicle", "json_rows", "t", AT, "", 1, mapping={"columns": columns, **more})
    found: dict[str, list[str | None]] = parse.parse(note, json.dumps(rows).encode()).to_pydict()
    return found


@pytest.mark.parametrize(
    ("values", "rule", "right"),
    [
        (["-", "无", " 黄色 ", None], {"empty": ["-", "无"], "values": {"黄色": 2}}, [None, None, "2", None]),
        (["-", "1"], {"values": {"-": ""}}, [None, "1"]),
        ([1, 1.0, "01", "1"], {"values": {"1": "一"}}, ["一", "一", "01", "一"]),
        ([True, "x"], {"values": {"true": "是"}}, ["是", "x"]),
        (["", None, "甲"], {"default": 7}, ["7", "7", "甲"]),
        (["A/乙/丙", "甲"], {"split": "/", "take": 2}, ["乙", None]),
        (["A/乙/丙", "甲"], {"split": "/", "take": -1}, ["丙", "甲"]),
        (["限600秒", "不限"], {"match": r"\d+"}, ["600", "不限"]),
        (["甲(12)/x", "—/y"], {"match": r"\((\d+)\)", "empty": ["—"], "split": "/"}, ["12", None]),
        (["无", "3000kg", "3吨"], {"empty": ["无"], "match": r"(\d+)kg", "scale": 0.001}, [None, "3", "3吨"]),
    ],
)
def test_a_rule_is_carried_out(values: list[Any], rule: dict[str, Any], right: list[str | None]) -> None:
    assert read([{"x": value} for value in values], {"vin": {"from": "x", **rule}})["vin"] == right


@pytest.mark.parametrize(
    ("value", "form", "right"),
    [
        ("2026/11/3 8:05", "text", "2026-11-03 08:05:00"),
        ("20261103", "text", "2026-11-03 00:00:00"),
        ("03/11/2026", "%d/%m/%Y", "2026-11-03 00:00:00"),
        ("46301", "excel", "2026-10-06 00:00:00"),
        (1795444274, "epoch", "2026-11-23 22:31:14"),
        (1795444274000, "epoch_ms", "2026-11-23 22:31:14"),
        ("31/02/2026", "%d/%m/%Y", "31/02/2026 %d/%m/%Y Asia/Shanghai"),
    ],
)
def test_a_moment_is_read_as_its_form_says(value: Any, form: str, right: str) -> None:
    assert read([{"x": value}], {"yz_updated_at": {"from": "x", "time": form}})["yz_updated_at"] == [right]


def test_several_columns_are_one_and_a_part_that_is_not_there_leaves_no_gap() -> None:
    rows = [{"d": "2026-11-03", "t": "08:05"}, {"d": "2026-11-04", "t": None}, {"d": "", "t": " "}]
    assert read(rows, {"yz_updated_at": {"from": ["d", "t"]}})["yz_updated_at"] == [
        "2026-11-03 08:05",
        "2026-11-04",
        None,
    ]
    with pytest.raises(ContractBroken, match="缺少列：u"):
        read(rows, {"vin": {"from": ["d", "u"]}})


def test_rows_that_do_not_count_are_left_out_by_values_or_by_nothing_being_there() -> None:
    rows = [{"x": "a", "f": 0}, {"x": "b", "f": "0 "}, {"x": "c", "f": None}, {"x": "d", "f": 1}]
    assert read(rows, {"vin": "x"}, where={"f": 0})["vin"] == ["a", "b"]
    assert read(rows, {"vin": "x"}, where={"f": [0, ""]})["vin"] == ["a", "b", "c"]
    with pytest.raises(ContractBroken, match="缺少 where 里的列：g"):
        read(rows, {"vin": "x"}, where={"g": 0})


def test_paths_lead_into_a_document_and_a_plain_name_comes_first() -> None:
    rows = [{"a": {"b": [{"c": 1}, {"c": 2}]}, "a.b": "own"}, {"a": None}]
    assert json_paths.column(rows, "a.b[1].c") == [2, None]
    assert json_paths.column(rows, "a.b") == ["own", None]
    assert json_paths.column(rows, "a.z") == [None, None], "an empty one is no missing one"
    assert json_paths.column(rows, "z.a") is None
    assert json_paths.at_path({"r": {"l": [{"x": 1}, {"x": 2}]}}, "r.l[].x") == [1, 2]
    with pytest.raises(KeyError):
        json_paths.at_path({"r": 1}, "r.l[0]")
    with pytest.raises(ValueError, match="r"):
        json_paths.check("r[")
