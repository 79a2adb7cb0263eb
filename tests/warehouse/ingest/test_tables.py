"""Files as tables of text: which line is the header, what is no record, what is refused, on the edges of each rule.
In one process; what a hostile file does to its reader is in tests/etl/sources/test_files_hostile.py."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Any

import pytest

from warehouse.core.errors import ContractBroken
from warehouse.ingest import archives, ledgers, table_headers, tables
from warehouse.ingest.table_headers import SEARCHED, Found


def read(
    body: bytes | str, name: str = "a.csv", **mapping: Any
) -> tuple[list[dict[str, Any]], dict[tuple[str, str], int]]:
    counts: tables.Counts = {}
    table = tables.read(name, body.encode() if isinstance(body, str) else body, mapping, counts)
    return table.to_pylist(), counts


def refused(body: bytes | str, name: str = "a.csv", **mapping: Any) -> str:
    with pytest.raises(ContractBroken) as broken:
        read(body, name, **mapping)
    return str(broken.value)


@pytest.mark.parametrize(
    ("text", "given", "wanted", "found"),
    [
        ("a,b\n1,2", "", [], (",", 0, ["a", "b"])),
        ("a;b\n1;2", "", [], (";", 0, ["a", "b"])),
        ("a,b;c;d\n", "", [], (";", 0, ["a,b", "c", "d"])),
        ("a,b;c\n", "", [], (",", 0, ["a", "b;c"])),  # of equally many the comma
        ("a|b\n", ",", [], (",", 0, ["a|b"])),
        ("题,目\na;b\n1;2", "", ["b"], (";", 1, ["a", "b"])),
        ("题,目\na;b\n1;2", ",", ["b"], (",", 0, ["题", "目"])),
        ("题目\n ｂ ,a\n", "", ["b"], (",", 1, [" ｂ ", "a"])),
        ("\n" * (SEARCHED - 1) + "a,b\n", "", ["b"], (",", SEARCHED - 1, ["a", "b"])),
        ("\n" * SEARCHED + "a,b\n", "", ["b"], (",", 0, [])),
        ("a,b\r\n", "", ["b"], (",", 0, ["a", "b"])),
        (("x" * 100_000 + "\n") * 2 + "a,b\n", "", ["b"], (",", 2, ["a", "b"])),
        (("x" * 100_000 + "\n") * 3 + "a,b\n", "", ["b"], (",", 0, ["x" * 100_000])),
    ],
)
def test_the_first_leading_line_that_names_all_is_the_header(
    text: str, given: str, wanted: list[str], found: tuple[str, int, list[str]]
) -> None:
    assert tables.header_of(text, given, wanted) == found


HEAD = ["编号", "名称"]


@pytest.mark.parametrize(
    ("body", "rows", "counts"),
    [
        ("编号,名称\n1,甲\n", ["1甲"], {}),
        ("编号,名称\n1,甲\n合计,2\n小计：,\n本页合计,\n", ["1甲"], {("D14", "合计行，未读入"): 3}),
        ("编号,名称\n1,合计\n2,甲\n", ["2甲"], {("D14", "合计行，未读入"): 1}),
        ("编号,名称\n1,合计公司\n", ["1合计公司"], {}),
        ("编号,名称\n1,甲\n填表人：王,\n", ["1甲"], {("D14", "表尾说明，未读入"): 1}),
        ("编号,名称,a,b\n注：一,二,三,\n注：一,二,三,四\n", ["注：一二"], {("D14", "表尾说明，未读入"): 1}),
        ("编号,名称\n编号,\n1,甲\n编号,名称\n", ["1甲"], {}),
        ('编号,名称\n1,"甲,乙"\n2,"丙"\n', ["1甲,乙", "2丙"], {}),
        (
            '编号,名称\n1,"甲"\n2,"乙\n3,"丙""丁"\n4,"\n5,""\n',
            ["1甲", '2"乙', '3丙"丁', '4"', "5"],
            {("D13", "引号不成对，按原文读入"): 2},
        ),
        ("编号,名称\n1,甲,\n,,\n2\n", ["1甲", "2"], {}),
    ],
)
def test_what_is_no_record_is_left_out_and_counted(
    body: str, rows: list[str], counts: dict[tuple[str, str], int]
) -> None:
    found, noted = read(body, wanted=HEAD)
    assert ["".join(row[name] or "" for name in HEAD) for row in found] == rows and noted == counts


@pytest.mark.parametrize("extra", ["", "\n合计,\n", '\n3,"丙\n丁"\n'])
def test_a_row_knows_its_line_however_the_file_is_read(extra: str) -> None:
    table = tables.read("a.csv", f"题目\n编号,名称\n\n1,甲\n2,乙{extra}".encode(), {"wanted": HEAD, "cells": True}, {})
    lines, places = (table.schema.metadata[key] for key in (b"lines", b"places"))
    assert lines == (b"[4,5,6]" if "丙" in extra else b"[4,5]") and places == '{"编号":0,"名称":1}'.encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "CSV 文件是空的"),
        (" <html>", "内容是网页"),
        ("编号,编号\n1,2\n", "表头重复：编号"),
        ("编号,名称\n1,甲,多\n", "第 2 行有 3 列，表头只有 2 列"),
        ("编号\n1\n合计\n", "缺少列：名称"),
        ('编号,名称\n1,"甲\n2,乙\n3,丙,\n', "引号不成对：第 2 行"),
        (b"\x00\x01", "内容不是文本"),
        ("编号,名称\n1,甲\n".encode("utf-16"), ""),
        (b"\xff" * 60 + b"\n", "编码无法识别"),
        ("\ufffd" * 21, "乱码 21 处"),
        ("x" * 200_000 + "\n", "有一格超过 131072 个字"),
    ],
)
def test_what_is_no_table_is_refused_in_words(body: bytes | str, said: str) -> None:
    if said:
        assert said in refused(body, wanted=HEAD)
    else:
        assert read(body, wanted=HEAD)[0] == [{"编号": "1", "名称": "甲"}]


def test_twenty_spoiled_characters_or_one_in_a_hundred_lines_are_counted() -> None:
    text = "编号,名称\n1," + "\ufffd" * 20 + "\n"
    assert read(text, wanted=HEAD)[1] == {("D13", "乱码（替换字符）"): 20}
    long = "编号,名称\n" + "1,甲\n" * 2_098 + "1," + "\ufffd" * 21
    assert read(long, wanted=HEAD)[1] == {("D13", "乱码（替换字符）"): 21}, "2,100 lines bear 21"
    assert "乱码 21 处" in refused(long.replace("1,甲\n", "", 1), wanted=HEAD)


def test_a_binary_file_shows_itself_in_its_first_64_kb() -> None:
    text = ("编号,名称\n1," + "x" * 70_000 + "\n").encode()
    assert "内容不是文本" in refused(text[: (1 << 16) - 1] + b"\0\n", wanted=HEAD)
    assert len(read(text[: 1 << 16] + b"\0\n", wanted=HEAD)[0]) == 1


def test_a_text_is_read_in_the_encoding_that_fits() -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        assert read("编号,名称\n1,甲\n".encode(encoding), wanted=HEAD)[0] == [{"编号": "1", "名称": "甲"}]
    assert read("编号,名称\n1,é\n".encode("latin-1", "ignore").replace(b",\n", b",") or b"x", encoding="latin-1")
    assert "没有这种编码" in refused(b"\xff\xff", encoding="no-such")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.xlsm", "不接受带宏"),
        ("a.XLSB", "不接受带宏"),
        ("a.xlsx", "内容却不是工作簿"),
        ("a.xls", "内容却不是工作簿"),
    ],
)
def test_a_name_that_its_content_belies_is_refused(name: str, said: str) -> None:
    assert said in refused("编号,名称\n", name, wanted=HEAD)


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_an_archive_is_its_files_together_and_their_pattern_chooses() -> None:
    one, two = "编号,名称\n1,甲\n".encode(), "名称,编号\n乙,2\n".encode()
    body = packed(
        **{"b.csv": two, "a.csv": one, ".x.csv": b"?", "~$a.csv": b"?", "__MACOSX/a.csv": b"?", "d/c.csv": one}
    )
    assert [row["编号"] for row in read(body, "x.zip", wanted=HEAD, member="?.csv")[0]] == ["1", "2", "1"]
    assert [row["编号"] for row in read(body, "x.zip", wanted=HEAD, member="d/*")[0]] == ["1"]
    assert "压缩包里没有 z" in refused(body, "x.zip", wanted=HEAD, member="z")
    assert read(gzip.compress(one), "a.csv.gz", wanted=HEAD)[0] == [{"编号": "1", "名称": "甲"}]
    assert read(packed(**{"a.csv.gz": gzip.compress(one)}), "x.zip", wanted=HEAD)[0] == [{"编号": "1", "名称": "甲"}]
    assert "里还有压缩包" in refused(packed(**{"a.zip": packed(**{"a.csv": one})}), "x.zip", wanted=HEAD)
    assert "却是别的压缩包" in refused(body, "x.xlsx", wanted=HEAD)
    assert "损坏或不完整" in refused(gzip.compress(one)[:-9], "a.csv.gz", wanted=HEAD)
    assert "却是工作簿或压缩包" in refused(tables.OLE + b"x", "a.csv", wanted=HEAD)


def test_an_archive_is_looked_at_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    good = packed(**{"a": b"1", "b": b"2"})
    monkeypatch.setattr(archives, "MOST_ENTRIES", 2)
    assert [name for name, _ in archives.members("x", good)] == ["a", "b"]
    with pytest.raises(ContractBroken, match="3 个文件，超过 2 个"):
        archives.members("x", packed(a=b"1", b=b"2", c=b"3"))
    monkeypatch.setattr(archives, "MOST_EXPANDED", 2)
    assert archives.members("x", good)
    with pytest.raises(ContractBroken, match="解压后为"):
        archives.members("x", packed(a=b"1", b=b"22"))
    monkeypatch.undo()
    zeros, size = packed(a=bytes(9_999)), 0
    with zipfile.ZipFile(io.BytesIO(zeros)) as archive:
        size = archive.infolist()[0].compress_size
    monkeypatch.setattr(archives, "SMALL", 9_998)
    monkeypatch.setattr(archives, "MOST_RATIO", 9_999 / size)
    assert archives.members("x", zeros)
    monkeypatch.setattr(archives, "MOST_RATIO", 9_998 / size)
    with pytest.raises(ContractBroken, match="压缩比"):
        archives.members("x", zeros)
    monkeypatch.setattr(archives, "SMALL", 9_999)
    assert archives.members("x", zeros)
    for name in ("../a", "/a", "\\a", "c:/a", "x/../a"):
        with pytest.raises(ContractBroken, match="指向包外"):
            archives.members("x", packed(**{name: b"1"}))
    assert archives.members("x", packed(**{"x..y": b"1", "d/e:f": b"2"}))


A, B, C = "甲", "乙", "丙"


@pytest.mark.parametrize(
    ("rows", "wanted", "known", "places", "data_from", "missing"),
    [
        ([[A, B]], [A, B], [], {A: 0, B: 1}, 1, []),
        ([["题"], [A, B]], [B], [A], {B: 1, A: 0}, 2, []),
        ([[A, A, B], ["起", "止", None]], ["甲起", B], [], {"甲起": 0, B: 2}, 2, []),
        ([[A, A, B], ["起", "止", B]], ["止", B], [], {"止": 1, B: 2}, 2, []),
        ([[A, B], ["1", "2"]], [C], [], {}, 0, [C]),
        ([[A, B], ["1", "2"]], [A, C], [], {A: 0}, 1, [C]),
        ([[A, A, B]], [A, B], [], {A: 0, B: 2}, 1, []),  # one header cell over two columns: its first
        ([[A, B, A]], [A, B], [], {B: 1}, 1, [A]),  # two columns of one name are nobody's
        ([[None, None], [A, B]], [], [], {A: 0, B: 1}, 2, []),
        ([[A, None, A]], [], [], {A: 0}, 1, []),
        ([[f"{A} \n{B}"]], [f"{A}{B}"], [], {f"{A}{B}": 0}, 1, []),
        ([["x"]] * (SEARCHED - 1) + [[A]], [A], [], {A: 0}, SEARCHED, []),
        ([["x"]] * (SEARCHED + 1) + [[A]], [A], [], {}, 0, [A]),
        ([[None]] * SEARCHED + [[A]], [], [], {}, 0, []),
        ([], [A], [], {}, 0, [A]),
    ],
)
def test_where_a_header_is(
    rows: list[table_headers.Row], wanted: list[str], known: list[str], places: dict[str, int], data_from: int, missing: list[str]
) -> None:  # fmt: skip
    width = max((len(row) for row in rows), default=0)
    found = table_headers.locate([row + [None] * (width - len(row)) for row in rows], wanted, known)
    assert (found.places, found.data_from, found.missing) == (places, data_from, missing)
    if missing and places:
        assert found.seen == [A, B] or found.seen == [A, B, A]


def test_hidden_rows_are_no_records_and_a_short_row_is_empty_at_its_end() -> None:
    counts: ledgers.Counts = {}
    found = Found({A: 0, B: 2}, {A: {A}, B: {B}}, 1)
    rows = [[A, None, B], ["1", "x", "2"], ["3"], ["5", None, "6"], [None, "y", None], ["合计", None, "9"]]
    table = ledgers.table(rows, range(11, 20), found, counts, hidden=[3])
    assert table.to_pydict() == {A: ["1", "3"], B: ["2", None]} and table.schema.metadata[b"lines"] == b"[12,13]"
    assert counts == {("D14", "隐藏行，未读入"): 1, ("D14", "合计行，未读入"): 1}
    ledgers.count(counts, "隐藏行，未读入")
    ledgers.count(counts, "词", "D13", 3)
    assert counts["D14", "隐藏行，未读入"] == 2 and counts["D13", "词"] == 3
