"""Foreign files as tables of text: CSV in whatever encoding, workbooks, and archives holding them. Owns what may be
opened.

Everything is looked at before it is unpacked; a file that is not what its name says, or would swell beyond the limits,
is refused with a reason. Runs in the parsing child only."""

from __future__ import annotations

import csv
import fnmatch
import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv

from warehouse.core.errors import ContractBroken
from warehouse.ingest import archives, workbooks
from warehouse.ingest.table_headers import SEARCHED, placed, plain

MOST_BYTES = 1 << 30
Counts = dict[tuple[str, str], int]
ENCODINGS = ("utf-8-sig", "gb18030")
BOOKS, ZIP, OLE, GZ = (".xlsx", ".xls"), b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b"


def read(name: str, body: bytes, mapping: dict[str, Any], counts: Counts) -> pa.Table:
    """The rows of a file, all columns text; of an archive those of its members together. mapping: encoding, delimiter,
    sheet, member, `wanted`, the headers that must be there ([] = take the first line), and `cells`: write into the
    schema of a single file's table in which line and column everything stood (headers.placed). Adds to `counts` what
    was left out.

    Raises ContractBroken with the reason."""
    if body[:2] == GZ:
        body, name = _gunzip(name, body), name.removesuffix(".gz")
    if body[:4] == ZIP and not archives.is_workbook(name, body):
        if name.lower().endswith(BOOKS):
            raise ContractBroken("扩展名是 Excel，内容却是别的压缩包", where=name)
        found = [_one(f"{name}/{inner}", content, mapping, counts) for inner, content in _members(name, body, mapping)]
        return pa.concat_tables(found, promote_options="default")
    return _one(name, body, mapping, counts)


def _members(name: str, body: bytes, mapping: dict[str, Any]) -> list[tuple[str, bytes]]:
    pattern = mapping.get("member") or "*"
    found = []
    for inner, content in archives.members(name, body):
        if not fnmatch.fnmatch(inner, pattern) and not fnmatch.fnmatch(inner.rsplit("/", 1)[-1], pattern):
            continue
        if content[:2] == GZ:
            content, inner = _gunzip(f"{name}/{inner}", content), inner.removesuffix(".gz")
        if content[:4] == ZIP and not archives.is_workbook(inner, content):
            raise ContractBroken("压缩包里还有压缩包", where=f"{name}/{inner}", to_do="请解开一层后重新投递")
        found.append((inner, content))
    if not found:
        raise ContractBroken(f"压缩包里没有 {pattern}", where=name)
    return found


def _one(name: str, body: bytes, mapping: dict[str, Any], counts: Counts) -> pa.Table:
    is_book = body[:4] in (ZIP, OLE)
    lower = name.lower()
    if lower.endswith(".xlsm") or lower.endswith(".xlsb"):
        raise ContractBroken("不接受带宏或二进制的工作簿", where=name, to_do="请另存为 .xlsx 后重新投递")
    if lower.endswith(BOOKS) and not is_book:
        raise ContractBroken(
            "扩展名是 Excel，内容却不是工作簿（可能是网页或文本）",
            where=name,
            to_do="请用 Excel 打开后另存为 .xlsx，再重新投递",
        )
    if lower.endswith((".csv", ".txt")) and is_book:
        raise ContractBroken("扩展名是文本，内容却是工作簿或压缩包", where=name, to_do="请改正扩展名后重新投递")
    if is_book:
        return workbooks.read(name, body, mapping, counts)
    return _csv(name, body, mapping, counts)


def _csv(name: str, body: bytes, mapping: dict[str, Any], counts: Counts) -> pa.Table:
    text = _decoded(name, body, mapping.get("encoding", ""))
    if text.lstrip()[:1] == "<":
        raise ContractBroken("内容是网页，不是表格", where=name)
    lines = text.count("\n") + 1
    lost = text.count("\ufffd")
    if lost > max(20, lines // 100):
        raise ContractBroken(
            f"D13 乱码 {lost} 处：文字在来源处已按错误的编码转换过",
            where=name,
            to_do="请来源按 UTF-8 或 GB18030 重新导出",
        )
    if lost:
        counts["D13", "乱码（替换字符）"] = counts.get(("D13", "乱码（替换字符）"), 0) + lost
    delimiter, skip, header = _header(text, mapping.get("delimiter", ""), mapping.get("wanted", []))
    double = {item for item in header if header.count(item) > 1} & set(mapping.get("wanted", []))
    if double:
        raise ContractBroken(f"表头重复：{'、'.join(sorted(double))}", where=name)
    options = pcsv.ConvertOptions(
        column_types={item: pa.string() for item in header}, strings_can_be_null=True, null_values=[""]
    )
    try:
        table = pcsv.read_csv(
            io.BytesIO(text.encode()),
            convert_options=options,
            read_options=pcsv.ReadOptions(skip_rows=skip),
            parse_options=pcsv.ParseOptions(delimiter=delimiter, newlines_in_values='"' in text),
        )
    except pa.ArrowInvalid as error:
        raise ContractBroken(f"文件不是规整的 CSV:{_harmless(error)}", where=name) from error
    return (
        placed(table, _lines(text, delimiter, skip), {item: place for place, item in enumerate(header)})
        if mapping.get("cells")
        else table
    )


def _lines(text: str, delimiter: str, skip: int) -> list[int]:
    """The line (from 1) on which each row of data begins; empty lines hold none, a quoted text may run over several."""
    reader, begins, found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1, []
    for row in reader:
        if row and begins > skip + 1:
            found.append(begins)
        begins = reader.line_num + 1
    return found


def _harmless(error: Exception) -> str:
    """What the reader complains about without the row it quotes: that may hold personal data."""
    return (
        str(error).splitlines()[0].split(": ", 1)[0][:60]
        if "Expected" not in str(error)
        else "各行列数不一致" + str(error).partition("Row")[2][:8]
    )


def _decoded(name: str, body: bytes, encoding: str) -> str:
    """UTF-8 where the bytes are that, whatever was declared: bytes that happen to be valid UTF-8 are hardly anything
    else."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\x00" in body[: 1 << 16]:
        raise ContractBroken("内容不是文本", where=name)
    for candidate in dict.fromkeys([encoding, *ENCODINGS] if encoding and encoding != "gb18030" else ENCODINGS):
        try:
            return body.decode(candidate).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
        except LookupError as error:
            raise ContractBroken(f"没有这种编码：{candidate}", where=name) from error
    raise ContractBroken("文件编码无法识别", where=name, to_do="请在映射文件中写明 encoding")


def _header(text: str, given: str, wanted: list[str]) -> tuple[str, int, list[str]]:
    """(delimiter, lines before the header, its names): the first of the leading lines that names all that is wanted, in
    whatever way it is divided, else line one."""
    lines = [line.rstrip("\r") for line in text[: 1 << 18].split("\n", SEARCHED)[:SEARCHED]]
    names = {plain(name) for name in wanted}
    usual = given or max(",\t;|", key=lambda mark: (lines[0].count(mark), mark == ","))
    for mark in dict.fromkeys([usual] if given else [usual, *",\t;|"]):
        rows = [next(csv.reader([line], delimiter=mark), []) for line in lines]
        for index, row in enumerate(rows if wanted else []):
            if names <= {plain(item) for item in row}:
                return mark, index, row
    return usual, 0, next(csv.reader([lines[0]], delimiter=usual), [])


def _gunzip(name: str, body: bytes) -> bytes:
    """Unpacked bytes, refused beyond MOST_BYTES so that a small bomb cannot fill the memory."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            out = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise ContractBroken("压缩文件损坏或不完整", where=name) from error
    if len(out) > MOST_BYTES:
        raise ContractBroken(f"解压后超过 {MOST_BYTES // 2**20} MB", where=name)
    return out
