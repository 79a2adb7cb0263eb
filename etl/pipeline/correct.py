"""Quarantine is read, corrected and replayed; frozen days are opened again. Owns the correction file and the payload it
becomes.

A correction is landed as a payload of its own, made of the original row and what a person changed in it, so that
nothing is edited in place and a rebuild ends in the same tables. Personal values never appear in an export; they may be
filled in."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from etl.runtime.context import Context
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Contract
from warehouse.core.data_rules import named
from warehouse.core.database import Writer
from warehouse.core.errors import UsageError
from warehouse.core.redaction import blot
from warehouse.core.units import SHANGHAI
from warehouse.ingest import load
from warehouse.ingest.landing import Landed
from warehouse.ingest.late_arrivals import LATE
from warehouse.publish import recover

SEQ, ROW, RULE, REASON = "序号", "行", "规则", "原因"
Key = tuple[int, int]


def rows(writer: Writer, table: str = "", limit: int = 0) -> list[dict[str, Any]]:
    """Single rows in quarantine (not payloads refused as a whole), oldest first: seq, row, table, rule, reason, and
    what of the row may be shown."""
    found = writer.execute(
        f"""SELECT landing_seq, row_no, source || '_' || entity AS name, rule, reason, payload FROM raw.quarantine
        WHERE row_no >= 0 AND (? = '' OR source || '_' || entity = ?) ORDER BY landing_seq, row_no {f"LIMIT {limit}" if limit else ""}""",
        [table, table],
    )
    return [
        {"seq": seq, "row": row, "table": name, "rule": rule, "reason": reason, "values": orjson.loads(payload)}
        for seq, row, name, rule, reason, payload in found
    ]


def export(writer: Writer, table: str) -> bytes:
    """The rows of one table as CSV (UTF-8 with BOM) to be corrected in a spreadsheet. Raises UsageError when there are
    none."""
    contract = _contract(table)
    found = rows(writer, table)
    if not found:
        raise UsageError(f"{contract.label} 没有隔离的行", to_do="用 etl quarantine list 查看有隔离的表")
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow([SEQ, ROW, RULE, REASON, *(column.name for column in contract.stored)])
    for item in found:
        sheet.writerow(
            [
                item["seq"],
                item["row"],
                item["rule"],
                item["reason"],
                *(_safe(item["values"].get(column.name)) for column in contract.stored),
            ]
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _safe(value: Any) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in tuple("=+-@\t\r＝＋－＠") else text


def fix(context: Context, file: Path, *, who: str, why: str) -> tuple[int, list[str]]:
    """Lands the corrected rows of an exported file and loads them. Returns how many, and for each that is still not
    right the line of the file and what is wrong with it; those wait in quarantine again.

    A cell left as it was exported, or empty, keeps the original value. Raises UsageError naming line and cell."""
    changes, lines = _changes(context.writer, file)
    done, bad = _again(context, changes, who=who, why=why)
    return done, [f"第 {lines[key]} 行：{'、'.join(named(rule) for rule in reason.split(','))}" for key, reason in bad]


def one(context: Context, key: Key, changes: dict[str, str], *, who: str, why: str, request: int) -> str:
    """Lands one row again with these columns changed, for a request of that number; a second call for it lands nothing.
    Returns what is still wrong, "" when the row is in. Raises UsageError when quarantine holds no such row or the table
    no such column."""
    before = next(
        (note for note in context.landing.notes() if note.mapping.get("redo", {}).get("request") == request), None
    )
    if before is not None:
        left = context.writer.execute("SELECT reason FROM raw.quarantine WHERE landing_seq = ?", [before.seq])
        return "、".join(named(rule) for rule in left[0][0].split(",")) if left else ""
    item = next((item for item in rows(context.writer) if (item["seq"], item["row"]) == key), None)
    if item is None:
        raise UsageError(f"隔离里没有 {SEQ} {key[0]} {ROW} {key[1]}", to_do="它可能已经更正过，请刷新后再看")
    unknown = set(changes) - {column.name for column in contracts()[item["table"]].stored}
    if unknown:
        raise UsageError(f"没有这些列：{'、'.join(sorted(unknown))}")
    _, bad = _again(
        context, {key: {name: value.strip() for name, value in changes.items()}}, who=who, why=why, request=request
    )
    return "、".join(named(rule) for rule in bad[0][1].split(",")) if bad else ""


def reopen(context: Context, first: dt.date, last: dt.date, *, who: str, why: str) -> int:
    """Lands again what came after its day was frozen, for the days first..last (inclusive). Returns how many rows."""
    wanted: dict[Key, dict[str, str]] = {}
    for item in rows(context.writer):
        if (
            item["rule"] == LATE
            and first <= dt.date.fromisoformat(str(item["values"].get(contracts()[item["table"]].touches))[:10]) <= last
        ):
            wanted[item["seq"], item["row"]] = {}
    return _again(context, wanted, who=who, why=why)[0] if wanted else 0


def _changes(writer: Writer, file: Path) -> tuple[dict[Key, dict[str, str]], dict[Key, int]]:
    """What was changed of each row, and the line of the file on which it stands."""
    try:
        sheet = list(csv.reader(io.StringIO(file.read_bytes().decode("utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"更正文件无法读取：{type(error).__name__}", to_do="请用 etl quarantine export 导出后另存为 UTF-8 的 CSV"
        ) from error
    if not sheet or sheet[0][:4] != [SEQ, ROW, RULE, REASON]:
        raise UsageError(
            "更正文件的表头不对",
            to_do=f"前四列应为 {SEQ}、{ROW}、{RULE}、{REASON}，请用 etl quarantine export 的文件修改",
        )
    known = {(item["seq"], item["row"]): item for item in rows(writer)}
    found: dict[Key, dict[str, str]] = {}
    lines: dict[Key, int] = {}
    for number, line in enumerate(sheet[1:], 2):
        if not any(line):
            continue
        try:
            key = int(line[0]), int(line[1])
        except (ValueError, IndexError) as error:
            raise UsageError(f"第 {number} 行的{SEQ}或{ROW}不是数字") from error
        if key not in known:
            raise UsageError(
                f"第 {number} 行：隔离里没有 {SEQ} {key[0]} {ROW} {key[1]}", to_do="它可能已经更正过；请重新导出"
            )
        if key in lines:
            raise UsageError(f"第 {number} 行与第 {lines[key]} 行是同一条记录", to_do="请只留一行")
        lines[key] = number
        item = known[key]
        contract = contracts()[item["table"]]
        named = dict(zip(sheet[0][4:], line[4:], strict=False))
        unknown = set(named) - {column.name for column in contract.stored}
        if unknown:
            raise UsageError(
                f"第 {number} 行：{contract.label} 没有这些列：{'、'.join(sorted(unknown))}",
                to_do="表头请保持导出时的样子",
            )
        found[key] = {
            name: value.strip().removeprefix("'")
            for name, value in named.items()
            if value.strip() and value.strip() != _safe(item["values"].get(name))
        }
        if not found[key] and item["rule"] != LATE:
            found.pop(key)
    return found, lines


def _again(
    context: Context, changes: dict[Key, dict[str, str]], *, who: str, why: str, request: int = 0
) -> tuple[int, list[tuple[Key, str]]]:
    by_payload: dict[int, list[int]] = defaultdict(list)
    for seq, row in changes:
        by_payload[seq].append(row)
    notes = {note.seq: note for note in context.landing.notes() if note.seq in by_payload}
    done = 0
    bad: list[tuple[Key, str]] = []
    for seq, numbers in sorted(by_payload.items()):
        note = notes[seq]
        table = context.parser.parse(note, context.landing.body(note))
        body = [_corrected(contracts()[note.table], table.slice(row, 1), changes[seq, row]) for row in sorted(numbers)]
        again = _land(context, note, body, [[seq, row] for row in sorted(numbers)], who=who, why=why, request=request)
        done += len(body)
        bad += [
            ((seq, sorted(numbers)[row]), reason)
            for row, reason in context.writer.execute(
                "SELECT row_no, reason FROM raw.quarantine WHERE landing_seq = ? ORDER BY row_no", [again.seq]
            )
        ]
    return done, bad


def _corrected(contract: Contract, row: pa.Table, changed: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = row.to_pylist()[0]
    for column in contract.stored:
        if column.name in changed:
            values[column.source if column.source in values else column.name] = changed[column.name]
    return values


def _land(
    context: Context,
    note: Landed,
    body: list[dict[str, Any]],
    keys: list[list[int]],
    *,
    who: str,
    why: str,
    request: int,
) -> Landed:
    mapping: dict[str, Any] = {
        "redo": {"rows": keys, "who": who, "why": blot(why), **({"request": request} if request else {})}
    }
    if note.mapping.get("pseudonyms"):
        mapping["pseudonyms"] = True
    again = context.landing.put(
        note.source,
        note.entity,
        orjson.dumps(body),
        kind="json_rows",
        name=f"更正 {note.name.split('|')[0]}",
        at=context.clock().replace(tzinfo=SHANGHAI),
        sealed=note.sealed,
        mapping=mapping,
    )
    load.load(
        context.writer,
        context.settings,
        context.privacy,
        again,
        context.parser.rows(again, context.landing.body(again)),
    )
    recover.acknowledge(context.settings, again)
    return again


def _contract(table: str) -> Contract:
    if table not in contracts():
        raise UsageError(f"没有这张落地表：{table}", to_do="用 etl quarantine list 查看表名")
    return contracts()[table]
