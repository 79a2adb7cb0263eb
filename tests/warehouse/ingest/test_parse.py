"""From a landed payload to texts under our names: what is trimmed, normalised, scaled and left alone, by the kind of the
column and the kind of the payload."""

from __future__ import annotations

import json
from typing import Any

import pytest

from warehouse.core.errors import ContractBroken
from warehouse.ingest import parse
from warehouse.ingest.landing import Landed

AT = "2026-11-23T14:05:00+08:00"


def note(kind: str, mapping: dict[str, Any], entity: str = "vehicle", name: str = "a.csv|1|1") -> Landed:
    return Landed(1, "yz", entity, kind, name, AT, "", 1, mapping=mapping)


def rows(given: Any, columns: dict[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
    mapping = {**({"columns": columns} if columns else {}), **more}
    found: list[dict[str, Any]] = parse.parse(note("json_rows", mapping), json.dumps(given).encode()).to_pylist()
    return found


def cell(column: str, value: Any, **rule: Any) -> Any:
    return rows([{"x": value, "y": 1}], {column: {"from": "x", **rule}})[0][column]


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("vin", " ＶＩＮ\u200b１\t", "ＶＩＮ１\t"),  # a text keeps its width and a tab at its end
        ("vin", "\u00a0甲\u00a0乙 ", "甲\u00a0乙".replace("\u00a0", " ")),
        ("uscc", " ９１－33 01\t", "91-3301"),  # a code is half-width, without blanks, with one kind of dash
        ("uscc", "91—33−01", "91-33-01"),
        ("plate_no", "浙Ａ１２３４５\t", "浙Ａ１２３４５"),  # a plate is mended later; of a key nothing hangs over
        ("gross_mass_t", "１８．５", "18.5"),
        ("gross_mass_t", "'18", "18"),
        ("vin", "'18", "'18"),
        ("axles", "\u200e3 ", "3"),
        ("register_date", "2022.9.1", "2022.9.1"),  # an interface states its days; people's files are read
        ("vin", "", None),
        ("vin", None, None),
    ],
)
def test_a_cell_is_made_plain_by_the_kind_of_its_column(column: str, value: Any, found: Any) -> None:
    assert cell(column, value) == found


def test_without_a_mapping_names_are_taken_as_they_are_and_cells_made_plain() -> None:
    assert rows([{"uscc": "９１ 33", "odd": " Ａ "}, {"odd": 2}]) == [
        {"uscc": "9133", "odd": " Ａ "},
        {"uscc": None, "odd": "2"},
    ]


@pytest.mark.parametrize(
    ("column", "rule", "value", "found"),
    [
        ("gross_mass_t", {"scale": 0.001}, "18500", "18.5"),
        ("axles", {"scale": 10}, "0.3", "3"),
        ("axles", {"scale": 0.1}, "34", "3"),
        ("vin", {"scale": 0.1}, "34", "3"),
        ("yz_updated_at", {"time_zone": "UTC"}, "2026-11-23 06:05:00", "2026-11-23 14:05:00"),
        ("yz_updated_at", {"unit": "s"}, "0", "1970-01-01 08:00:00"),
        ("yz_updated_at", {"time": "compact"}, "20261123140500", "2026-11-23 14:05:00"),
        ("yz_updated_at", {}, "20261123140500", "20261123140500"),
        ("vin", {"values": {"1": "一"}}, " 1 ", "一"),
    ],
)
def test_a_rule_is_carried_out_by_the_kind_of_its_column(
    column: str, rule: dict[str, Any], value: str, found: str
) -> None:
    assert cell(column, value, **rule) == found


def file(text: str, columns: dict[str, Any], **more: Any) -> Any:
    return parse.parse(note("file", {"columns": columns, **more}), text.encode())


def test_a_ledger_is_read_as_people_write_and_knows_where_everything_stood() -> None:
    columns = {
        "vin": "架号",
        "register_date": "登记",
        "status": {"from": "状态", "optional": True},
        "uscc": {"from": ["码", "段"], "join": ""},
    }
    table = file("x,段,码,登记,架号\n1,02,91,2022.9.1,甲\n,,,,\n2,,33,20261103,乙\n", columns)
    assert table.to_pylist() == [
        {"vin": "甲", "register_date": "2022-09-01", "uscc": "9102"},
        {"vin": "乙", "register_date": "2026-11-03", "uscc": "33"},
    ]
    assert parse.cells(table) == ([2, 4], {"vin": "E", "register_date": "D", "uscc": "C"})
    few = parse.first(table, 1)
    assert few.num_rows == 1 and parse.cells(few) == ([2], {"vin": "E", "register_date": "D", "uscc": "C"})
    assert parse.tidied(table) == []
    assert parse.cells(parse.first(table.replace_schema_metadata(None), 1)) == ([], {})


def test_rows_that_a_condition_leaves_out_leave_their_lines_and_what_was_tidied_is_told() -> None:
    table = file("架号,用\n甲,1\n乙,0\n合计,2\n丙,1\n", {"vin": "架号"}, where={"用": 1})
    assert table.to_pylist() == [{"vin": "甲"}, {"vin": "丙"}] and parse.cells(table)[0] == [2, 5]
    assert parse.tidied(table) == [("D14", "合计行，未读入", 1)]


def test_a_file_of_positions_says_no_places() -> None:
    stated = Landed(
        1, "gps", "location", "file", "a.csv", AT, "", 1, mapping={"columns": {"plate_no": "车牌", "loc_time": "时刻"}}
    )
    table = parse.parse(stated, "车牌,时刻\n浙A12345,2022.9.1 8:05\n".encode())
    assert table.to_pylist() == [{"plate_no": "浙A12345", "loc_time": "2022.9.1 8:05"}] and not table.schema.metadata


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("架号,别", "缺少列：登记（a.csv，实际表头：架号、别）"),
        ("甲乙丙,13800138000", "缺少列：架号、登记（a.csv，实际表头：没有）"),  # somebody's data is not repeated
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_header(header: str, said: str) -> None:
    with pytest.raises(ContractBroken) as broken:
        file(f"{header}\n1,2\n", {"vin": "架号", "register_date": "登记"})
    assert str(broken.value).startswith(said)


def test_constants_and_the_day_in_a_files_name_stand_in_every_row() -> None:
    pattern = r"(\d{4})年(\d{1,2})月"
    stated = note(
        "file",
        {"columns": {"vin": "架号"}, "constants": {"status": "营运", "axles": 2}, "name_date": pattern},
        name="d/台账2026年10月.csv|1|1",
    )
    assert parse.ledger_day(stated) == "2026-10-01 00:00:00"
    assert parse.parse(stated, "架号\n甲\n乙\n".encode()).to_pylist() == [
        {"vin": vin, "status": "营运", "axles": "2", "ledger_at": "2026-10-01 00:00:00"} for vin in ("甲", "乙")
    ]
    assert parse.ledger_day(note("file", {})) == ""
    for name in ("2026年13月.csv", "d2026年10月/台账.csv"):
        with pytest.raises(ContractBroken, match="文件名里没有台账日期"):
            parse.ledger_day(note("file", {"name_date": pattern}, name=name))
    day = note("file", {"name_date": r"(\d{4})(\d\d)(\d\d)"}, name="20261023.csv")
    assert parse.ledger_day(day) == "2026-10-23 00:00:00"


def test_a_column_that_only_a_later_row_has_is_not_lost_and_paths_lead_inside() -> None:
    given = [{"a": 1}, {"a": 2, "b": {"c": "甲"}}]
    assert rows(given, {"vin": "a", "status": "b.c"}) == [{"vin": "1", "status": None}, {"vin": "2", "status": "甲"}]
    assert rows([{"a": "xy"}, {"a": "z"}], {"vin": "a"}) == [{"vin": "xy"}, {"vin": "z"}]
    assert rows([{"a": 1}], {"vin": "a", "status": {"from": "b.c", "optional": True}}) == [{"vin": "1"}]
    assert (
        rows([{"a": 1, "b": {"c": 2}}], {"vin": "a", "status": {"from": "b.c", "optional": True}})[0]["status"] == "2"
    )
    with pytest.raises(ContractBroken, match="缺少列：b"):
        rows([{"a": 1}], {"vin": "a", "status": "b"})
    assert rows([], {"vin": "a"}) == []


def test_pages_are_read_one_after_the_other_and_odd_kinds_refused() -> None:
    body = b'{"data": {"items": [{"a": 1}]}}\n\n{"data": {"items": [{"a": 2}]}}\n'
    assert parse.parse(note("json_pages", {"columns": {"vin": "a"}}), body).to_pylist() == [{"vin": "1"}, {"vin": "2"}]
    for kind, odd in (("json_pages", b'{"data": 1}\n'), ("json_rows", b"<html>"), ("json_rows", b"[1]")):
        with pytest.raises(ContractBroken, match="不是约定的 JSON"):
            parse.parse(note(kind, {"columns": {"vin": "a"}}), odd)
    with pytest.raises(ContractBroken, match="未知的载荷类型"):
        parse.parse(note("odd", {}), b"")


def test_a_list_of_keys_need_not_have_the_columns_of_a_condition() -> None:
    stated = note("keys", {"columns": {"vin": "a"}, "where": {"b": 1}})
    assert parse.parse(stated, b'[{"a": 1}]').to_pylist() == [{"vin": "1"}]
    with pytest.raises(ContractBroken, match="缺少 where 里的列：b"):
        parse.parse(note("json_rows", {"columns": {"vin": "a"}, "where": {"b": 1}}), b'[{"a": 1}]')


@pytest.mark.parametrize(
    ("place", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
)
def test_a_column_is_called_as_a_spreadsheet_calls_it(place: int, letter: str) -> None:
    assert parse._letter(place) == letter


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"123456789012345", 123456789012345),
        (b"123456789012345678", 123456789012345678),
        (b"1234567890123456789", "1234567890123456789"),
        (b"-12345678901234567", -12345678901234567),
        (b"0.1", 0.1),
        (b"0.1234567890123", 0.1234567890123),
        (b"0.12345678901234567", "0.12345678901234567"),
        (b"1e3", "1e3"),
        (b"1E3", "1E3"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b'"1e3"', "1e3"),
    ],
)  # fmt: skip
def test_a_number_of_a_document_stays_as_it_was_written(raw: bytes, value: object) -> None:
    found = parse.document(b'{"a": ' + raw + b"}")["a"]
    assert found == value and type(found) is type(value)


def test_what_is_no_document_is_refused() -> None:
    for odd in (b"{", b"NaN {", b"<html>", b"[" * 100_000 + b"NaN"):
        with pytest.raises(ValueError, match=r".*"):
            parse.document(odd)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), ("", None), ("x", "x"), (True, "true"), (False, "false"), (0, "0"), (1.5, "1.5"), ([1], "[1]"), ({"a": "甲"}, '{"a":"甲"}')],
)  # fmt: skip
def test_a_value_as_text(value: object, text: str | None) -> None:
    assert parse.text(value) == text


@pytest.mark.parametrize(
    ("text", "scale", "whole", "found"),
    [
        ("18", 0.1, False, "1.8"),
        ("-0.04", 0.1, True, "0"),
        ("-0.04", 0.1, False, "-0.004"),
        ("1e2", 10, True, "1000"),
        ("+.5", 2, False, "1"),
        ("100", 1, False, "100"),
        ("1.", 3, True, "3"),
        ("十", 10, True, "十"),
        ("1e1000", 10, True, "1e1000"),
        (None, 10, True, None),
        ("0.1", 3, False, "0.3"),
    ],
)
def test_a_scale_is_exact(text: str | None, scale: float, whole: bool, found: str | None) -> None:
    column = parse.pa.chunked_array([parse.pa.array([text], parse.pa.string())])
    assert parse._scaled(column, scale, whole=whole).to_pylist() == [found]
