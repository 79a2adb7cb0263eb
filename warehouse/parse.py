"""From a landed payload to rows of text under our column names. Owns decoding and the field mapping; judges no value.

Foreign bytes are read in a child process with a memory and time limit (etl hands it the body), so a hostile file can
end the child but not the load."""

from __future__ import annotations

import gzip
import io
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from warehouse.errors import ContractBroken
from warehouse.landing import Landed

MOST_BYTES = 1 << 30
TIME = "%Y-%m-%d %H:%M:%S"


def parse(note: Landed, body: bytes) -> pa.Table:
    """Rows of the payload, every column VARCHAR (None = absent or empty), named as the contract names them.

    Raises ContractBroken when the payload is not what its kind says: wrong encoding, a log-in page instead of JSON,
    an error inside a 200, a header that lacks the mapped columns."""
    if note.kind in ("csv", "own"):
        table = _csv(note, body)
    elif note.kind in ("json_pages", "json_rows", "keys"):
        table = _json(note, body)
    else:
        raise ContractBroken(f"未知的载荷类型:{note.kind}", where=note.name)
    return _mapped(table, note)


def _json(note: Landed, body: bytes) -> pa.Table:
    rows: list[dict[str, Any]] = []
    try:
        if note.kind == "json_pages":
            for line in body.split(b"\n"):
                if line:
                    rows.extend(orjson.loads(line)["data"]["items"])
        else:
            rows = orjson.loads(body)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ContractBroken("返回内容不是约定的 JSON", where=f"{note.table} {note.name}") from error
    names = list(dict.fromkeys(name for row in rows[:1000] for name in row))
    return pa.table({name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in names})


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _csv(note: Landed, body: bytes) -> pa.Table:
    if body[:2] == b"\x1f\x8b":
        body = _gunzip(note, body)
    encoding = note.mapping.get("encoding", "")
    for candidate in [encoding] if encoding else ["utf-8-sig", "gb18030"]:
        try:
            text = body.decode(candidate)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ContractBroken("文件编码无法识别", where=note.name, to_do="请在映射文件中写明 encoding")
    header = text.split("\n", 1)[0].strip().lstrip("\ufeff").split(",")
    options = pcsv.ConvertOptions(column_types={name: pa.string() for name in header}, strings_can_be_null=True, null_values=[""])
    try:
        return pcsv.read_csv(io.BytesIO(text.lstrip("\ufeff").encode()), convert_options=options)
    except pa.ArrowInvalid as error:
        raise ContractBroken(f"文件不是规整的 CSV:{str(error)[:160]}", where=note.name) from error


def _gunzip(note: Landed, body: bytes) -> bytes:
    """Unpacked bytes, refused beyond MOST_BYTES so that a small bomb cannot fill the memory."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            out = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise ContractBroken("压缩文件损坏或不完整", where=note.name) from error
    if len(out) > MOST_BYTES:
        raise ContractBroken(f"解压后超过 {MOST_BYTES // 2**20} MB", where=note.name)
    return out


def _mapped(table: pa.Table, note: Landed) -> pa.Table:
    """Renames, converts and completes columns as the mapping says; without one the names are taken as they are."""
    columns: dict[str, Any] = note.mapping.get("columns", {})
    if not columns:
        out = {name: table[name] for name in table.column_names}
    else:
        wanted = {ours: {"from": theirs} if isinstance(theirs, str) else theirs for ours, theirs in columns.items()}
        absent = [rule["from"] for rule in wanted.values() if rule["from"] not in table.column_names and not rule.get("optional")]
        if absent and table.num_columns:
            raise ContractBroken(f"缺少列:{'、'.join(absent)}", where=f"{note.name},实际表头:{'、'.join(table.column_names)[:200]}")
        out = {ours: _converted(table[rule["from"]], rule) for ours, rule in wanted.items() if rule["from"] in table.column_names}
    for ours, value in note.mapping.get("constants", {}).items():
        out[ours] = pa.array([_text(value)] * table.num_rows, pa.string())
    return pa.table(out) if out else table


def _converted(column: pa.ChunkedArray, rule: dict[str, Any]) -> pa.ChunkedArray | pa.Array:
    column = pc.utf8_trim_whitespace(column)
    if "scale" in rule:
        number = pd.to_numeric(column.to_pandas(), errors="coerce") * rule["scale"]
        whole = number.round().astype("Int64").astype("string")
        return pa.array(whole, pa.string(), from_pandas=True)
    if "time_zone" in rule:
        moment = pd.to_datetime(column.to_pandas(), utc=rule["time_zone"] == "UTC", errors="coerce", format="ISO8601")
        if moment.dt.tz is None:
            moment = moment.dt.tz_localize(rule["time_zone"])
        local = moment.dt.tz_convert("Asia/Shanghai").dt.strftime(TIME)
        return pa.array(local, pa.string(), from_pandas=True)
    if "values" in rule:
        table = rule["values"]
        return pa.array([table.get(value, value) for value in column.to_pylist()], pa.string())
    return column
