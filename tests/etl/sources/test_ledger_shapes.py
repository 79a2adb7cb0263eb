"""Files as spreadsheets and old systems write them: each shape is read as a person reads it, or refused naming the
line; an unreadable cell costs its field, never its row, and is no empty one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from tests.etl.sources.test_files_hostile import NAMES, edited, packed
from tests.house import House, id_number
from warehouse.core.errors import ContractBroken
from warehouse.ingest import parse
from warehouse.ingest.landing import Landed

HEADER = "信用代码,名称,许可起,许可止,更新时间"
MEMBER = {
    "id_no": "身份证号",
    "org_id": "组织编号",
    "join_date": "入会日期",
    "leave_date": "离会日期",
    "channel": "方式",
}


def row(number: int, name: str = "甲") -> str:
    return f"91330110MA2ABC{number:04d},{name},2019-01-01,2030-01-01,2026-10-31 08:00:00"


def note(entity: str = "company", source: str = "yz", columns: Any = None, name: str = "a.csv", **more: Any) -> Landed:
    return Landed(
        1,
        source,
        entity,
        "file",
        f"{name}|1|1",
        "2026-11-23T08:00:00+08:00",
        "",
        0,
        mapping={"columns": columns or NAMES, **more},
    )


def read(text: str | bytes) -> list[dict[str, Any]]:
    table = parse.parse(note(), text.encode() if isinstance(text, str) else text)
    return list(table.to_pylist())


def codes(rows: list[dict[str, Any]]) -> list[str]:
    return [str(one["uscc"])[-1] for one in rows]


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (f"{HEADER}\n{row(1)},\n{row(2)},\n", "12"),
        (f"{HEADER}\n{row(1)},,,\n{row(2)}\n", "12"),
        ("信用代码,名称,更新时间,许可起,许可止\n91330110MA2ABC0001,甲,2026-10-31 08:00:00\n" + row(2) + "\n", "12"),
        ('"信用\n代码",名称,许可起,许可止,更新时间\n' + row(1) + "\n", "1"),
        (f"{HEADER}\r{row(1)}\r{row(2)}\r", "12"),
        (f"{HEADER}\r\n{row(1)}\r\n\r\n{row(2)}\r\n", "12"),
        (f"企业台账\n\n{HEADER}\n{row(1)}\n合计,2,,,\n", "1"),
        (f"{HEADER}\n{row(1)}\n{HEADER}\n{row(2)}\n填表人：某某\n", "12"),
        (
            f"{HEADER}\n{row(1)}\n" + row(2, '"宏达运输') + f"\n{row(3)}\n" + row(4, '昌盛"运输') + f"\n{row(5)}\n",
            "12345",
        ),
        (f"{HEADER}\n{row(1)}\n" + row(2, '"甲\n乙"') + f"\n{row(3)}\n", "123"),
        (f"{HEADER}\n" + row(1, '"甲,乙"') + f"\n{row(2)}\n", "12"),
        (HEADER.replace(",", "\t") + "\n" + row(1).replace(",", "\t") + "\n", "1"),
    ],
)
def test_a_text_file_is_read_as_a_spreadsheet_reads_it(body: str, seen: str) -> None:
    assert "".join(codes(read(body))) == seen


def test_a_character_cut_in_two_spoils_itself_alone() -> None:
    body = (f"{HEADER}\n{row(1, 'X')}\n{row(2, '丙')}\n").encode("gb18030").replace(b",X,", b",\xb1,")
    table = parse.parse(note(), body)
    assert codes(table.to_pylist()) == ["1", "2"] and table.to_pylist()[1]["name"] == "丙"
    assert [(rule, rows) for rule, _, rows in parse.tidied(table)] == [("D13", 1)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"{HEADER},许可止\n{row(1)},2031-01-01\n", "表头重复：许可止"),
        (f"{HEADER}\n{row(1)}\n{row(2)},多,余\n", "第 3 行有 7 列，表头只有 5 列"),
        (f"{HEADER}\n{row(1)}\n" + row(2, '"甲,一') + f"\n{row(3)}\n", "引号不成对：第 3 行"),
        ("名称,许可起\n甲,2019-01-01\n", "缺少列：信用代码"),
    ],
)
def test_what_cannot_be_read_is_refused_naming_line_and_cure(body: str, said: str) -> None:
    with pytest.raises(ContractBroken) as broken:
        read(body)
    assert said in broken.value.what and not any(word in str(broken.value) for word in ("Arrow", "Error", "Key"))


def members(values: list[Any], change: Callable[[bytes], bytes] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(list(MEMBER.values()))
    for number, value in enumerate(values):
        sheet.append([id_number(number), "U1", "2024-01-01", value, "线下"])
    out = io.BytesIO()
    book.save(out)
    return edited(out.getvalue(), {"xl/worksheets/sheet1.xml": change}) if change else out.getvalue()


def bring(house: House, body: bytes, name: str = "群团_2026年10月.xlsx") -> Any:
    house.payload("un", "member", body, "file", mapping={"columns": MEMBER}, name=f"{name}|1|1")
    return house.rows("SELECT count(*), count(*) FILTER (leave_date IS NULL) FROM raw.un_member")[0]


def faults(house: House) -> list[dict[str, Any]]:
    stated = house.rows("SELECT faults FROM raw.quarantine WHERE NOT is_row ORDER BY landing_seq, row_no")
    return [fault for (text,) in stated for fault in json.loads(text)]


def test_fillers_are_empty_and_long_term_has_no_end(house: House) -> None:
    words = [None, "无", "/", "—", "长期", "长期有效", "N/A", "暂无"]
    assert bring(house, members(words)) == (len(words), len(words))
    assert house.rows("SELECT count(*) FROM raw.quarantine") == [(0,)]


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!"])
def test_an_error_in_a_cell_is_not_an_empty_one(house: House, error: str) -> None:
    def broken(xml: bytes) -> bytes:
        cell = f'<c r="D3" t="e"><f>VLOOKUP(A3,Sheet9!A:B,2,0)</f><v>{error}</v></c>'.encode()
        return xml.replace(b'<c r="D3"', cell + b'<c r="Z3"', 1)

    assert bring(house, members([None, "2025-05-05", "=DATE(2025,5,5)"], broken)) == (3, 3), "no row is lost"
    assert [(fault["column"], fault["rule"], fault["cell"]) for fault in faults(house)] == [
        ("leave_date", "type", "D3"),
        ("leave_date", "type", "D4"),
    ], "and two of the three are listed as unread, by cell"


def test_a_wrong_optional_field_costs_the_field_and_a_wrong_key_the_row(house: House) -> None:
    assert bring(house, members(["不详", "2020-3", "2025-05-05", None])) == (4, 3)
    found = faults(house)
    assert [(fault["column"], fault["cell"]) for fault in found] == [("leave_date", "D2"), ("leave_date", "D3")]
    assert all("不详" not in str(fault["value"]) for fault in found), "a personal column shows no words"
    account = house.rows(
        "SELECT rows_in, merged, quarantined, fields_aside FROM run.batch ORDER BY landing_seq DESC LIMIT 1"
    )
    assert account == [(4, 4, 0, 2)]


def test_a_corrected_record_leaves_quarantine_and_the_same_fault_stands_once(house: House) -> None:
    for month in ("8", "9"):
        bring(house, members(["不详", None]), f"群团_2026年{month}月.xlsx")
        house.payload(
            "un",
            "member",
            members(["不详", None]) + b" " * int(month),
            "file",
            mapping={"columns": MEMBER},
            name=f"再报{month}.xlsx|1|1",
        )
    assert house.rows("SELECT count(*), max(times) FROM raw.quarantine") == [(1, 4)]
    bring(house, members(["2025-05-05", None]), "群团_2026年10月.xlsx")
    assert house.rows("SELECT count(*) FROM raw.quarantine") == [(0,)], "what is cured is cured"


def test_an_unknown_code_is_unknown_and_listed(house: House) -> None:
    rows = [
        {
            "uscc": f"91330110MA2ABC000{number}",
            "name": "甲",
            "owner_type": kind,
            "status": status,
            "yz_updated_at": "2026-11-01 08:00:00",
        }
        for number, (kind, status) in enumerate([("企业", "营业"), ("企业", "99"), ("合作社", "营业")])
    ]
    house.put("yz_company", rows)
    assert house.rows("SELECT count(*), count(status), count(owner_type) FROM raw.yz_company") == [(3, 2, 2)]
    assert sorted((fault["column"], fault["rule"], fault["value"]) for fault in faults(house)) == [
        ("owner_type", "code", "合作社"),
        ("status", "code", "99"),
    ]


@pytest.mark.parametrize(("word", "meant"), [*((yes, True) for yes in "是有√Yy1"), *((no, False) for no in "否无×Nn0")])
def test_yes_and_no_are_understood_as_people_tick_them(house: House, word: str, meant: bool) -> None:
    row = {"plate_no": "浙A12345", "plate_color": 2, "is_trailer": word, "yz_updated_at": "2026-11-01 08:00:00"}
    house.put("yz_vehicle", [row])
    assert house.rows("SELECT is_trailer FROM raw.yz_vehicle") == [(meant,)]


HIDDEN_SIGNS = ["\u200b", "\u200e", "\u00ad", "\u00a0", "\ufeff", "\u2060", " "]


@pytest.mark.parametrize("sign", HIDDEN_SIGNS)
def test_a_sign_that_nobody_sees_makes_no_second_company(house: House, sign: str) -> None:
    code = "91330110MA2ABC0001"
    rows = [
        {"uscc": written, "name": "甲", "yz_updated_at": f"2026-11-0{day} 08:00:00"}
        for day, written in enumerate(
            (code, code[:6] + sign + code[6:], sign + code + sign, code.replace("9", "９")), 1
        )
    ]
    house.put("yz_company", rows)
    assert house.rows("SELECT uscc FROM raw.yz_company") == [(code,)]


def renamed(body: bytes, name: Callable[[str], str]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return packed({name(part): archive.read(part) for part in archive.namelist()})


def hidden_row(xml: bytes) -> bytes:
    return xml.replace(b'<row r="3"', b'<row r="3" hidden="1"')


STRICT = (
    (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"),
    (
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
    ),
)


def strict(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    for old, new in STRICT:
        parts = {part: content.replace(old, new) for part, content in parts.items()}
    return packed(parts)


@pytest.mark.parametrize(
    "variant",
    [strict, lambda body: renamed(body, str.upper), lambda body: renamed(body, lambda part: part.replace("/", "\\"))],
    ids=["strict", "upper case", "backslash"],
)
def test_a_workbook_of_another_writer_is_read_and_its_hidden_rows_are_not(variant: Callable[[bytes], bytes]) -> None:
    body = variant(members([None, "2025-05-05", None], hidden_row))
    table = parse.parse(note("member", "un", MEMBER, "群团.xlsx"), body)
    assert table.num_rows == 2
    assert [(what, rows) for rule, what, rows in parse.tidied(table) if rule == "D14"] == [("隐藏行，未读入", 1)]
