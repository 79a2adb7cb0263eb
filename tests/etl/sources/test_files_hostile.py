"""Files as they come: hostile ones are refused with a reason and the loader lives; messy ones are read right (D13,
D14)."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import os
import resource
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from etl.config.descriptions import feeds
from etl.config.schema import Feed
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from etl.runtime.parser_pool import Parser
from tests.conftest import WORLD_NOW
from warehouse.core.errors import ContractBroken
from warehouse.core.settings import Settings
from warehouse.ingest.landing import Landed
from warehouse.ingest.parse import tidied

DATA = Path(__file__).parent / "data"
FIRM, OTHER = "91330110MA2ABCDE12", "91330110MA2ABCDE23"
NAMES = {
    "uscc": "信用代码",
    "name": "名称",
    "licence_from": "许可起",
    "licence_to": "许可止",
    "yz_updated_at": "更新时间",
}
CSV = "信用代码,名称,许可起,许可止,更新时间\n" + f"{FIRM},甲物流,2019-01-01,2030-01-01,2026-10-31 08:00:00\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    made = Parser()
    yield made
    made.close()


def note(name: str, **mapping: Any) -> Landed:
    return Landed(
        1,
        "yz",
        "company",
        "file",
        f"{name}|1|1",
        "2026-11-23T08:00:00+08:00",
        "",
        0,
        mapping={"columns": NAMES, **mapping},
    )


def book(fill: Callable[[Any], None] | None = None, name: str = "台账") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = name
    (fill or plain)(sheet)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def plain(sheet: Any) -> None:
    sheet.append(list(NAMES.values()))
    sheet.append([FIRM, "甲物流", "2019-01-01", "2030-01-01", "2026-10-31 08:00:00"])


def packed(members: dict[str, bytes], level: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", level) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def edited(body: bytes, changes: dict[str, Callable[[bytes], bytes]], **extra: bytes) -> bytes:
    """A workbook with some of its parts changed and others added."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        parts[name] = change(parts[name])
    return packed({**parts, **{name.replace("__", "/"): content for name, content in extra.items()}})


SHEET = "xl/worksheets/sheet1.xml"


def sparse() -> bytes:
    """One cell at the far end: 1.4 KB that make a reader reserve seventeen thousand million cells."""
    return edited(
        book(),
        {
            SHEET: lambda xml: xml.replace(
                b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
            )
        },
    )


def huge() -> bytes:
    """Four million cells in a file of a few hundred kilobytes."""
    row = b"<row>" + b"<c><v>1</v></c>" * 200 + b"</row>"
    return edited(book(), {SHEET: lambda xml: xml.replace(b"</sheetData>", row * 60_000 + b"</sheetData>")})


def entities() -> bytes:
    head = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return edited(book(), {SHEET: lambda xml: head + xml})


def outside() -> bytes:
    head = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    return edited(book(), {"xl/workbook.xml": lambda xml: head + xml})


def crypted_zip() -> bytes:
    body = bytearray(packed({"a.csv": CSV.encode()}, zipfile.ZIP_STORED))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag that says so, in both directories
        place = body.find(mark) + offset
        body[place : place + 2] = struct.pack("<H", 1)
    return bytes(body)


def flipped() -> bytes:
    """A workbook of which one bit of a sheet was turned over on the way."""
    with zipfile.ZipFile(io.BytesIO(BOOK)) as archive:
        entry = archive.getinfo(SHEET)
    middle = entry.header_offset + 30 + len(SHEET) + entry.compress_size // 2
    return BOOK[:middle] + bytes([BOOK[middle] ^ 1]) + BOOK[middle + 1 :]


def link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("a.csv")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def lying() -> bytes:
    """An archive whose directory tells a smaller size than the entry has."""
    body = bytearray(packed({"a.csv": CSV.encode() * 50}))
    place = body.find(b"PK\x01\x02") + 24
    body[place : place + 4] = struct.pack("<I", 10)
    return bytes(body)


def twins() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.csv", CSV)
        archive.writestr("a.csv", CSV)
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
BOOK, NUMBERS = book(), CSV.encode()
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a cell at the far end": ("a.xlsx", sparse, "范围过大"),
    "a bomb of cells": ("a.xlsx", huge, "范围过大|压缩比|解压后"),
    "a bomb of bytes": ("a.zip", lambda: packed({"a.csv": bytes(250 << 20)}), "解压后为 250 MB"),
    "a bomb of ratio": ("a.zip", lambda: packed({"a.csv": bytes(20 << 20)}), "压缩比"),
    "a bomb inside a workbook": ("a.xlsx", lambda: edited(BOOK, {}, xl__media__a=bytes(150 << 20)), "压缩比"),
    "a thousand entries": ("a.zip", lambda: packed({f"{n}.csv": b"a" for n in range(1000)}), "1000 个文件"),
    "an archive in an archive": ("a.zip", lambda: packed({"b.zip": packed({"a.csv": NUMBERS})}), "压缩包里还有压缩包"),
    "a name that leads outside": ("a.zip", lambda: packed({"../../etc/cron.d/a.csv": NUMBERS}), "指向包外"),
    "an absolute name": ("a.zip", lambda: packed({"/tmp/a.csv": NUMBERS}), "指向包外"),
    "a Windows name that leads outside": ("a.zip", lambda: packed({"..\\..\\a.csv": NUMBERS}), "指向包外"),
    "a drive": ("a.zip", lambda: packed({"C:/a.csv": NUMBERS}), "指向包外"),
    "a link": ("a.zip", link, "链接"),
    "two entries of one name": ("a.zip", twins, "同名"),
    "an encrypted archive": ("a.zip", crypted_zip, "已加密"),
    "an archive that lies": ("a.zip", lying, "损坏"),
    "a cut archive": ("a.zip", lambda: packed({"a.csv": NUMBERS * 100})[:-40], "损坏"),
    "an archive without files": ("a.zip", lambda: packed({"empty/": b""}), "没有"),
    "an encrypted workbook": ("a.xlsx", lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "已加密"),
    "an old workbook with macros": ("a.xls", lambda: OLE + "_VBA_PROJECT_CUR".encode("utf-16-le"), "带宏"),
    "a workbook with macros": ("a.xlsm", lambda: edited(BOOK, {}, **{"xl__vbaProject.bin": b"x"}), "宏"),
    "a workbook with macros under another name": (
        "a.xlsx",
        lambda: edited(BOOK, {}, **{"xl__vbaProject.bin": b"x"}),
        "带宏",
    ),
    "a binary workbook": ("a.xlsb", lambda: BOOK, "二进制"),
    "entities": ("a.xlsx", entities, "实体"),
    "a foreign entity": ("a.xlsx", outside, "实体"),
    "a workbook that is a text": ("a.xlsx", lambda: NUMBERS, "内容却不是"),
    "a workbook that is a web page": (
        "a.xls",
        lambda: b"<html><table><tr><td>1</td></tr></table></html>",
        "内容却不是",
    ),
    "a text that is a workbook": ("a.csv", lambda: BOOK, "内容却是工作簿"),
    "a workbook that is an archive": ("a.xlsx", lambda: packed({"a.csv": NUMBERS}), "别的压缩包"),
    "a document, not a workbook": (
        "a.xlsx",
        lambda: packed({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}),
        "别的压缩包",
    ),
    "a program": ("a.csv", lambda: b"MZ\x90\x00\x03" + bytes(100), "不是文本"),
    "a web page": ("a.csv", lambda: b"<!doctype html><title>x</title>", "是网页"),
    "an old workbook of zeros": ("a.xls", lambda: OLE, "不是完好的工作簿"),
    "a cut workbook": ("a.xlsx", lambda: BOOK[: len(BOOK) // 2], "损坏"),
    "a workbook with a broken sheet": (
        "a.xlsx",
        lambda: edited(BOOK, {SHEET: lambda xml: xml[: len(xml) // 2]}),
        "不是完好的工作簿",
    ),
    "a workbook without its list of sheets": (
        "a.xlsx",
        lambda: edited(BOOK, {"xl/_rels/workbook.xml.rels": lambda xml: b"<x/>"}),
        "不是完好的工作簿|没有可见的工作表",
    ),
    "a workbook with a bad checksum": ("a.xlsx", flipped, "损坏|不是完好的"),
    "an empty workbook": ("a.xlsx", lambda: book(lambda sheet: None), "找不到表头"),
    "an empty text": ("a.csv", lambda: b"", "CSV|缺少列"),
    "a bomb of gzip": ("a.csv.gz", lambda: gzip.compress(bytes(1100 << 20), 1), "解压后超过"),
    "a cut gzip": ("a.csv.gz", lambda: gzip.compress(NUMBERS * 50)[:-20], "损坏"),
    "a line with more cells than the header": ("a.csv", lambda: (CSV + "1,2,3,4,5,6,7\n").encode(), "第 3 行有 7 列"),
    "an unknown header": ("a.csv", lambda: CSV.replace("名称", "企业").encode(), "缺少列：名称"),
    "a header twice": ("a.csv", lambda: CSV.replace("许可起", "名称").encode(), "缺少列|重复"),
    "text that was lost on the way": (
        "a.csv",
        lambda: CSV.encode() + f"{OTHER},\ufffd\ufffd\ufffd\ufffd,,,\n".encode() * 40,
        "D13 乱码",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason_and_the_loader_lives(name: str, parser: Parser) -> None:
    file, make, reason = HOSTILE[name]
    body = make()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(ContractBroken, match=reason) as refused:
        parser.parse(note(file), body)
    assert time.perf_counter() - started < 30
    assert "Traceback" not in str(refused.value) and "\n" not in str(refused.value) and "处理办法" in str(refused.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, (
        "the parent's memory does not swell (KB)"
    )
    assert parser.parse(note("good.csv"), CSV.encode()).num_rows == 1, (
        "the next file is read as if nothing had happened"
    )


def test_a_reader_that_kills_its_process_takes_nobody_along(parser: Parser, tmp_path: Path) -> None:
    """The child is ended from outside, as a crash inside would do; the file at hand is refused, the next one read."""
    parser.parse(note("good.csv"), CSV.encode())
    future = parser.submit(note("slow.csv"), (CSV + f"{OTHER},乙,,,\n" * 2_000_000).encode())
    assert parser._pool is not None
    next(iter(parser._pool._processes.values())).kill()
    with pytest.raises(ContractBroken, match="内存或时间"):
        parser.result(note("slow.csv"), future)
    assert parser.parse(note("good.csv"), CSV.encode()).num_rows == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("declared", ["", "gb18030"])
def test_d13_text_in_any_encoding_is_the_same_text(encoding: str, declared: str, parser: Parser) -> None:
    body = CSV.replace("甲物流", "㛃𬭎物流").encode(encoding)
    mapping = {"encoding": declared} if declared else {}
    assert parser.parse(note("a.csv", **mapping), body).to_pylist() == [
        {
            "uscc": FIRM,
            "name": "㛃𬭎物流",
            "licence_from": "2019-01-01",
            "licence_to": "2030-01-01",
            "yz_updated_at": "2026-10-31 08:00:00",
        }
    ]


def test_d13_a_little_mojibake_is_loaded_and_counted(parser: Parser) -> None:
    table = parser.parse(note("a.csv"), CSV.replace("甲", "\ufffd").encode())
    assert table.num_rows == 1 and tidied(table) == [("D13", "乱码（替换字符）", 1)]


def test_csv_as_people_write_it(parser: Parser) -> None:
    """A title above, quoted headers with blanks, semicolons, full-width digits in a date, a line break inside a
    name."""
    text = f'业户台账\n"信用代码";" 名 称";许可起;许可止;更新时间\n{FIRM};"甲\n物流";２０２２．９．１;2022年9月1日;2026/10/31 8:00\n'
    assert parser.parse(note("a.csv"), text.encode("gb18030")).to_pylist() == [
        {
            "uscc": FIRM,
            "name": "甲\n物流",
            "licence_from": "2022-09-01",
            "licence_to": "2022-09-01",
            "yz_updated_at": "2026-10-31 08:00:00",
        }
    ]


def messy(sheet: Any) -> None:
    """Title, two header rows with merged cells, every way of writing a day, hidden rows, totals, a page's second
    header."""
    sheet.append(["杭州市余杭区业户台账", None, None, None, None, None])
    sheet.merge_cells("A1:F1")
    sheet.append(["填报单位：某科"])
    sheet.append(["序号", "信用\n代码", "名称", "许可", None, "更新时间"])
    sheet.append([None, None, None, "起", "止", None])
    for cells in ("A3:A4", "B3:B4", "C3:C4", "D3:E3", "F3:F4"):
        sheet.merge_cells(cells)
    stamp = dt.datetime(2026, 10, 31, 8)
    sheet.append([1, FIRM, "甲物流", dt.date(2019, 1, 1), 45000, stamp])
    sheet.append([2, OTHER, "乙物流", "2022.9.1", "2022年9月1日", "2026/10/31 08:00"])
    sheet.append([3, "91330110MA2ABCDE34", "藏物流", None, None, stamp])
    sheet.row_dimensions[7].hidden = True
    sheet.append(["序号", "信用代码", "名称", "起", "止", "更新时间"])
    sheet.append([4, "'91330110MA2ABCDE45", "丁物流", "2022/9/1", "20220901", stamp])
    sheet.append([5, "91330110MA2ABCDE56", "戊物流", None, None, stamp])
    sheet.merge_cells("C10:C11")
    sheet.append([6, "91330110MA2ABCDE67", None, None, None, stamp])
    sheet.append([7, 3.30125199001010123e17, "己物流", None, None, stamp])
    sheet.append([8, "91330110MA2ABCDE78", None, None, None, stamp])
    sheet.append(["合  计", 8, None, None, None, None])
    sheet.append([None, "填表人：某某"])
    sheet["C5"].comment = Comment("批注：已核", "某某")


EXPECTED = [
    (FIRM, "甲物流", "2019-01-01", "2023-03-15"),
    (OTHER, "乙物流", "2022-09-01", "2022-09-01"),
    ("91330110MA2ABCDE45", "丁物流", "2022-09-01", "2022-09-01"),
    ("91330110MA2ABCDE56", "戊物流", None, None),
    ("91330110MA2ABCDE67", "戊物流", None, None),
    ("3.30125E+17", "己物流", None, None),
    ("91330110MA2ABCDE78", None, None, None),
]


@pytest.mark.parametrize("sheet", ["", "台账*", "上个月的名字*"])
def test_d14_a_ledger_as_people_keep_it_is_read_right(sheet: str, parser: Parser) -> None:
    table = parser.parse(note("a.xlsx", sheet=sheet) if sheet else note("a.xlsx"), book(messy, "台账2026年10月"))
    rows = table.to_pylist()
    assert [(row["uscc"], row["name"], row["licence_from"], row["licence_to"]) for row in rows] == EXPECTED
    assert {row["yz_updated_at"] for row in rows} == {"2026-10-31 08:00:00"}
    assert sorted(tidied(table)) == [
        ("D14", "合计行，未读入", 1),
        ("D14", "表尾说明，未读入", 1),
        ("D14", "隐藏行，未读入", 1),
    ]


def test_d14_the_old_binary_format_is_read_as_well(parser: Parser) -> None:
    rows = parser.parse(note("a.xls"), (DATA / "ledger.xls").read_bytes()).to_pylist()
    assert rows == [
        {
            "uscc": FIRM,
            "name": "甲物流",
            "licence_from": "2019-01-01",
            "licence_to": "2023-03-15",
            "yz_updated_at": "2026-10-31 08:00:00",
        },
        {
            "uscc": OTHER,
            "name": "乙物流",
            "licence_from": "2022-09-01",
            "licence_to": "2030-01-01",
            "yz_updated_at": "2026-10-31 08:00:00",
        },
    ]


def test_d14_unknown_headers_stop_the_load_and_name_both_sides(parser: Parser) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["信用代码", "单位名称", "许可起", "许可止", "更新时间"])

    with pytest.raises(ContractBroken) as refused:
        parser.parse(note("a.xlsx"), book(fill))
    assert "缺少 名称" in str(refused.value) and "单位名称" in str(refused.value) and "信用代码" in str(refused.value)


LEDGER = """label = "台账"
[[feeds]]
entity = "company"
transport = "files"
glob = "*/*.*"
jobs = ["refresh"]
snapshot = true
[feeds.columns]
uscc = "信用代码"
name = "名称"
yz_updated_at = "更新时间"
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Context, list[Feed], Path]]:
    (tmp_path / "data" / "sources").mkdir(parents=True)
    (tmp_path / "data" / "sources" / "yz.toml").write_text(LEDGER, "utf-8")
    (tmp_path / "data" / "sources.toml").touch(0o600)
    (tmp_path / "data" / "sources.toml").write_text(f'is_demo = true\n[yz]\ndrop = "{tmp_path / "drop"}"\n', "utf-8")
    with opened(Settings(tmp_path / "data"), now=lambda: WORLD_NOW) as context:
        yield context, [feed for feed in feeds(context.settings) if feed.source == "yz"], tmp_path / "drop" / "in"


def drop(folder: Path, name: str, body: bytes, age_s: float = 60) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(body)
    os.utime(folder / name, (time.time() - age_s,) * 2)


def ledger(*numbers: int) -> bytes:
    return (
        "信用代码,名称,更新时间\n" + "".join(f"91330110MA2ABC{n:04d},第{n}户,2026-10-01 08:00:00\n" for n in numbers)
    ).encode()


def alive(context: Context) -> list[int]:
    return [
        int(row[0][-4:])
        for row in context.writer.execute("SELECT uscc FROM raw.yz_company WHERE _deleted_at IS NULL ORDER BY 1")
    ]


def test_a_whole_list_deletes_and_revives_and_half_a_list_needs_a_persons_word(
    house: tuple[Context, list[Feed], Path],
) -> None:
    context, wanted, folder = house
    for number, rows in enumerate([range(100), [*range(1, 100)], range(100)]):
        drop(folder, f"{number}.csv", ledger(*rows))
        assert intake.run(context, wanted) == []
        assert alive(context) == list(rows)
    drop(folder, "3.csv", ledger(*range(50)))
    problems = intake.run(context, wanted)
    assert len(problems) == 1 and "一次少了 50 条（共 100 条）" in problems[0] and "--confirm-deletes" in problems[0]
    assert alive(context) == list(range(100)), "nothing of a refused list is in"
    drop(
        folder,
        "4.csv",
        b"\xe4\xbf\xa1\xe7\x94\xa8\xe4\xbb\xa3\xe7\xa0\x81,\xe5\x90\x8d\xe7\xa7\xb0,\xe6\x9b\xb4\xe6\x96\xb0\xe6\x97\xb6\xe9\x97\xb4\n",
    )
    assert "不当作全部删除" in intake.run(context, wanted)[0]
    seq = context.writer.execute("SELECT landing_seq FROM raw.quarantine WHERE row_no = -1 AND payload LIKE '%3.csv%'")[
        0
    ][0]
    assert intake.replay(context, seq)[0] == 0
    assert intake.replay(context, seq, confirmed=True) == (1, [])
    assert alive(context) == list(range(50))
    assert context.writer.execute("SELECT count(*) FROM raw.yz_company_history WHERE _deleted_at IS NOT NULL") == [
        (1,)
    ], "that it was gone for a while is kept"
    held = context.writer.execute("SELECT uscc, _deleted_at IS NULL FROM raw.yz_company ORDER BY 1")
    context.writer.execute(
        "DELETE FROM raw.yz_company; DELETE FROM raw.yz_company_history; DELETE FROM run.batch; DELETE FROM raw.quarantine; DELETE FROM run.full_list"
    )
    intake.pending(context)
    assert context.writer.execute("SELECT uscc, _deleted_at IS NULL FROM raw.yz_company ORDER BY 1") == held, (
        "the raw data alone say the same"
    )


def test_a_mapping_put_right_is_kept_with_the_payload_it_reads(house: tuple[Context, list[Feed], Path]) -> None:
    context, wanted, folder = house
    drop(folder, "0.csv", ledger(1, 2).replace("名称".encode(), "企业名称".encode()))
    assert "缺少列：名称" in intake.run(context, wanted)[0]
    assert intake.replay(context, None)[0] == 0 and len(list(context.landing.notes())) == 1, (
        "the old mapping again is no reason to land anything"
    )
    description = context.settings.data / "sources" / "yz.toml"
    description.write_text(description.read_text("utf-8").replace('"名称"', '"企业名称"'), "utf-8")
    assert intake.replay(context, None) == (1, []) and alive(context) == [1, 2]
    for table in ("raw.yz_company", "raw.yz_company_history", "run.batch", "raw.quarantine", "run.full_list"):
        context.writer.execute(f"DELETE FROM {table}")
    intake.pending(context)
    assert alive(context) == [1, 2] and context.writer.execute("SELECT count(*) FROM raw.quarantine") == [(0,)], (
        "the raw data alone say the same"
    )


def test_a_file_that_still_grows_waits_and_others_litter_is_left_alone(house: tuple[Context, list[Feed], Path]) -> None:
    context, wanted, folder = house
    drop(folder, "a.csv", ledger(1), age_s=0)
    drop(folder, "b.csv.part", ledger(2))
    drop(folder, "~$c.xlsx", b"x")
    drop(folder, ".d.csv", ledger(3))
    assert intake.run(context, wanted) == [] and alive(context) == []
    drop(folder, "a.csv", ledger(1))
    assert intake.run(context, wanted) == [] and alive(context) == [1]
    drop(folder, "e.xlsx", sparse())
    drop(folder, "f.csv", ledger(1, 2))
    intake.run(context, wanted)
    assert alive(context) == [1, 2], "a hostile file among good ones hinders none"
    assert context.writer.execute(
        "SELECT count(*) FROM raw.quarantine WHERE row_no = -1 AND reason LIKE '%范围过大%'"
    ) == [(1,)]


def test_a_workbook_may_be_the_first_thing_that_a_new_child_reads() -> None:
    """After a restart, or after a file that ended the child before it, no text comes first to make room."""
    fresh = Parser()
    try:
        assert fresh.parse(note("first.xlsx"), book()).num_rows == 1
    finally:
        fresh.close()
