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
from warehouse.ingest import archives, ledgers, workbooks
from warehouse.ingest.table_headers import SEARCHED, locate, placed, plain

MOST_BYTES = 1 << 30
MOST_CUT = 20
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
        # in which of its files a line stands, one number does not say
        return pa.concat_tables([one.replace_schema_metadata(None) for one in found], promote_options="default")
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
        return workbooks.read(name, body if body[:4] == OLE else archives.with_slashes(name, body), mapping, counts)
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
    try:
        return _divided(name, _one_line_end(text), mapping, counts)
    except csv.Error as error:  # the reader gives up on a cell beyond its limit
        raise ContractBroken(
            f"有一格超过 {csv.field_size_limit()} 个字，不是表格",
            where=name,
            to_do="请检查引号是否成对、换行是否还在，再重新投递",
        ) from error


def _divided(name: str, text: str, mapping: dict[str, Any], counts: Counts) -> pa.Table:
    """The rows of a text. Raises csv.Error for a cell that is longer than any cell."""
    delimiter, skip, header = header_of(text, mapping.get("delimiter", ""), mapping.get("wanted", []))
    _not_twice(name, header, mapping)
    first = text.split("\n", skip + 1)[skip].rstrip("\r")
    if times_begun(text, first) == 1 and _is_plain(text, delimiter, skip, len(header)):
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
            places = {item: place for place, item in enumerate(header)}
            return placed(table, _lines(text, delimiter, skip), places) if mapping.get("cells") else table
        except pa.ArrowInvalid:
            pass  # it is read line by line below, and what is wrong is named there
    return _by_line(name, text, delimiter, mapping, counts)


def _one_line_end(text: str) -> str:
    """Lines that end in CR alone, as old systems write them, end in LF."""
    return text.replace("\r", "\n") if "\n" not in text and "\r" in text else text


def _not_twice(name: str, header: list[str], mapping: dict[str, Any]) -> None:
    wanted = {plain(item) for item in (*mapping.get("wanted", []), *mapping.get("known", []))}
    names = [plain(item) for item in header]
    double = sorted({item for item in names if names.count(item) > 1} & wanted)
    if double:
        raise ContractBroken(
            f"表头重复：{'、'.join(double)}", where=name, to_do="请只留一列，或给其中一列改名，再重新投递"
        )


def times_begun(text: str, line: str) -> int:
    """How many lines of a text begin as `line` does: printed pages, and files put one after the other, have their header
    again and again."""
    return text.count(f"\n{line}") + text.startswith(line)


def empty_lines(delimiter: str, width: int) -> tuple[str, ...]:
    """How a row without anything in it stands in a text, as a spreadsheet saves it; a line without delimiters is no row
    to any reader."""
    return tuple(f"\n{delimiter * (width - 1)}{end}" for end in ("\n", "\r\n") if width > 1)


def _is_plain(text: str, delimiter: str, skip: int, width: int) -> bool:
    """Whether every record is one line of `width` fields, none of them empty throughout, a total or a note: such a file is
    read in one go. A quoted text may hold delimiters, but no line break."""
    if any(sign in text for sign in (*ledgers.SIGNS, *empty_lines(delimiter, width))):
        return False
    if '"' not in text:
        return True  # the reader sees by itself when a line is longer or shorter
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)):
            if number >= skip and row and (len(row) != width or any("\n" in value for value in row)):
                return False
    except csv.Error:
        return False
    return True


def _by_line(name: str, text: str, delimiter: str, mapping: dict[str, Any], counts: Counts) -> pa.Table:
    """A text file as a spreadsheet reads it: cells left out at the end are empty, one delimiter too many is none, a
    quoted cell may run over lines, totals and notes are no records. Raises ContractBroken naming the line."""
    rows, lines, loose = _records(name, text, delimiter)
    if loose:
        ledgers.count(counts, "引号不成对，按原文读入", "D13", loose)
    if not any(any(row) for row in rows):
        raise ContractBroken("CSV 文件是空的，连表头也没有", where=name, to_do="请由来源重新导出后投递")
    found = locate(rows, mapping.get("wanted", []), mapping.get("known", []))
    if found.missing:
        raise ContractBroken(
            f"缺少列：{'、'.join(found.missing)}",
            where=f"{name}，最像的一行是：{'、'.join(found.seen)[:200] or '没有'}",
            to_do="请核对文件，或在来源描述的 columns 里改成现在的表头，再用 etl replay 重放",
        )
    header = rows[found.data_from - 1]
    _not_twice(name, [value or "" for value in header], mapping)
    width = max((place + 1 for row in rows[: found.data_from] for place, value in enumerate(row) if value), default=0)
    for row, line in zip(rows[found.data_from :], lines[found.data_from :], strict=True):
        if any(row[width:]):
            filled = max(place + 1 for place, value in enumerate(row) if value)
            raise ContractBroken(
                f"第 {line} 行有 {filled} 列，表头只有 {width} 列",
                where=name,
                to_do="请检查这一行是否多了分隔符（含逗号的内容要加引号），改好后重新投递",
            )
    return ledgers.table(rows, lines, found, counts)


def _records(name: str, text: str, delimiter: str) -> tuple[list[list[str | None]], list[int], int]:
    """(rows of one width, the line on which each begins, lines whose quotes do not pair). Where quotes swallow whole
    records they are no quotes."""
    try:
        rows, lines = _read(text, delimiter, csv.QUOTE_MINIMAL)
        loose = next((line for row, line in zip(rows, lines, strict=True) if _swallows(row, delimiter, rows)), 0)
    except csv.Error:
        loose = -1
    number = 0
    if loose:
        rows, lines = _read(text, delimiter, csv.QUOTE_NONE)
        odd = [
            line for row, line in zip(rows, lines, strict=True) if sum((value or "").count('"') for value in row) % 2
        ]
        widths = [len(row) for row in rows if any(row)]
        if odd and any(width != max(set(widths), key=widths.count) for width in widths):
            raise ContractBroken(
                f"引号不成对：第 {'、'.join(map(str, odd[:5]))} 行",
                where=name,
                to_do="请补上或删去这些行里的英文双引号，再重新投递",
            )
        number = len(odd)
        rows = [[_unquoted(value) for value in row] for row in rows]
    widest = max((len(row) for row in rows), default=0)
    return [row + [None] * (widest - len(row)) for row in rows], lines, number


def _read(text: str, delimiter: str, quoting: Any) -> tuple[list[list[str | None]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    rows: list[list[str | None]] = []
    lines, begins = [], 1
    for row in reader:
        rows.append([value or None for value in row])
        lines.append(begins)
        begins = reader.line_num + 1
    return rows, lines


def _swallows(row: list[str | None], delimiter: str, rows: list[list[str | None]]) -> bool:
    """Whether a cell holds a line that is as wide as a record of its own."""
    usual = len(rows[0]) if len(rows) == 1 else sorted(len(item) for item in rows)[len(rows) // 2]
    return any("\n" in value and value.count(delimiter) >= usual - 1 > 0 for value in row if value)


def _unquoted(value: str | None) -> str | None:
    if value and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('""', '"') or None
    return value


def _lines(text: str, delimiter: str, skip: int) -> list[int]:
    """The line (from 1) on which each row of data begins; empty lines hold none, a quoted text may run over several."""
    reader, begins, found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1, []
    for row in reader:
        if row and begins > skip + 1:
            found.append(begins)
        begins = reader.line_num + 1
    return found


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
    # a column of fixed width that cut a character in two spoils that character, not the file
    mended = body.decode(encoding or "gb18030", errors="replace")
    lines, lost = mended.count("\n") + 1, mended.count("\ufffd")
    if lost <= max(MOST_CUT, lines // 100) and _reads_as_chinese(mended):
        return mended.lstrip("\ufeff")
    raise ContractBroken("文件编码无法识别", where=name, to_do="请在映射文件中写明 encoding")


def _reads_as_chinese(text: str) -> bool:
    """Whether what is no ASCII is mostly what a ledger is written in: bytes of another encoding come out as rare
    characters."""
    foreign = [character for character in text if ord(character) > 127 and character != "\ufffd"]
    usual = sum(
        "\u4e00" <= character <= "\u9fff" or "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uffef"
        for character in foreign
    )
    return bool(foreign) and usual > 0.9 * len(foreign)


def header_of(text: str, given: str, wanted: list[str]) -> tuple[str, int, list[str]]:
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
