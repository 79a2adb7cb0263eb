"""What the stand-in sources say, read a second time: their files, HTTP lists and database tables, every value as the
text or number that the source gives. Of the product only its descriptions are read (which file is which table, which
heading is which column), none of its code."""

from __future__ import annotations

import base64
import csv
import fnmatch
import gzip
import io
import json
import re
import sqlite3
import time
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import openpyxl

ROOT = Path(__file__).resolve().parents[2]
Row = dict[str, Any]


@dataclass
class Delivered:
    """All that reached one landed table, in the order of delivery, under the contract's names for the source's
    columns. A row has the date in the name of its ledger under `ledger_at` (text), where the feed says that there is
    one."""

    rows: list[Row] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)


def everything(demo: Path, http: str, client_id: str, client_secret: str) -> dict[str, Delivered]:
    """Landed table → what its feeds hold now. demo: the folder of the stand-ins; http: where they answer."""
    found: dict[str, Delivered] = {}
    web = Web(http, client_id, client_secret)
    for file in sorted((ROOT / "etl" / "sources").glob("*.toml")):
        for feed in tomllib.loads(file.read_text(encoding="utf-8"))["feeds"]:
            if feed.get("mapping_beside"):
                continue  # files that bring their own description: the demo has none
            table = found.setdefault(f"{file.stem}_{feed['entity']}", Delivered())
            if feed["transport"] == "sql_database":
                rows = _database(demo, feed["table"])
            elif feed["transport"] == "http_json":
                rows = web.cursor(feed["path"]) if feed.get("paging") == "cursor" else web.pages(feed["path"])
            else:
                rows = _files(demo / "drop", feed, table)
            table.rows += [_renamed(row, feed.get("columns", {})) for row in rows]
    return found


def _renamed(row: Row, columns: dict[str, Any]) -> Row:
    """The row under the contract's names; a code that the description translates is translated."""
    if not columns:
        return row
    named: Row = {key: row[key] for key in ("ledger_at",) if key in row}
    for name, theirs in columns.items():
        heading, words = (theirs, {}) if isinstance(theirs, str) else (theirs["from"], theirs.get("values", {}))
        value = row.get(heading)
        named[name] = words.get(str(value).strip(), value) if value is not None else None
    return named


def _database(demo: Path, table: str) -> list[Row]:
    for name in ("yunzheng.sqlite", "digital.sqlite"):
        with sqlite3.connect(f"file:{demo / name}?mode=ro", uri=True) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
                cursor = connection.execute(f"SELECT * FROM {table}")
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor]
    raise AssertionError(f"no table {table}")


class Web:
    """The HTTP services; whole lists from the beginning of time."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._url, self._client, self._tokens = url, (client_id, client_secret), dict[str, str]()

    def _ask(self, request: Request) -> dict[str, Any]:
        while True:
            try:
                with urlopen(request, timeout=60) as answer:
                    found: dict[str, Any] = json.loads(answer.read())
                    return found
            except HTTPError as error:
                if error.code != 429:
                    raise
                time.sleep(1)  # the service says that it is too fast

    def _get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        system = path.split("/")[1]
        if system not in self._tokens:
            self._tokens[system] = self._token(system)
        return self._ask(
            Request(
                f"{self._url}{path}?{urlencode(query)}", headers={"Authorization": f"Bearer {self._tokens[system]}"}
            )
        )

    def _token(self, system: str) -> str:
        if system == "mp":
            basic = base64.b64encode(":".join(self._client).encode()).decode()
            body, headers = b"grant_type=client_credentials", {"Authorization": f"Basic {basic}"}
            return str(self._ask(Request(f"{self._url}/mp/oauth2/token", body, headers))["access_token"])
        body = json.dumps(dict(zip(("client_id", "client_secret"), self._client, strict=True))).encode()
        answer = self._ask(Request(f"{self._url}/{system}/oauth/token", body, {"Content-Type": "application/json"}))
        return str(answer["data"]["access_token"])

    def pages(self, path: str) -> list[Row]:
        """All pages of a numbered list."""
        rows: list[Row] = []
        for number in range(1, 10_000):
            data = self._get(path, {"page": number, "page_size": 5000})["data"]
            rows += data["items"]
            if number * 5000 >= data["total"]:
                break
        return rows

    def cursor(self, path: str) -> list[Row]:
        """All pages of a list that names the next page itself."""
        rows: list[Row] = []
        query: dict[str, Any] = {"updated_from": "2000-01-01T00:00:00+08:00", "limit": 1000}
        while True:
            answer = self._get(path, query)
            rows += answer["items"]
            if not answer["next_cursor"]:
                return rows
            query = {"limit": 1000, "cursor": answer["next_cursor"]}


def _files(drop: Path, feed: dict[str, Any], table: Delivered) -> list[Row]:
    """The rows of a feed's files, by name; a file that is byte for byte another one is a repetition (D21)."""
    found: list[Row] = []
    names = sorted(str(file.relative_to(drop)) for file in drop.rglob("*") if file.is_file())
    for name in names:
        if not fnmatch.fnmatch(name, feed["glob"]):
            continue
        body = (drop / name).read_bytes()
        if body in table.seen:
            continue
        table.seen.add(body)
        if name.endswith(".xlsx"):
            found += _sheet(name, body, feed)
        else:
            for inner in _unpacked(name, body):
                found += _lines(inner)
    return found


def _unpacked(name: str, body: bytes) -> Iterator[bytes]:
    if name.endswith(".gz"):
        yield gzip.decompress(body)
    elif name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for inner in sorted(archive.namelist()):
                yield archive.read(inner)
    else:
        yield body


def _lines(body: bytes) -> list[Row]:
    """A CSV with its headings in the first line; an empty cell is None. Some months come in another encoding."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("gb18030")
    return [{name: value or None for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]


def _sheet(name: str, body: bytes, feed: dict[str, Any]) -> list[Row]:
    """The sheets of a ledger that the feed names, their headings in the first lines; the month of the ledger is in its
    name."""
    headings = [theirs if isinstance(theirs, str) else theirs["from"] for theirs in feed["columns"].values()]
    dated = re.search(feed.get("name_date", "$^"), name)
    found: list[Row] = []
    for sheet in openpyxl.load_workbook(io.BytesIO(body), data_only=True):
        if not fnmatch.fnmatch(sheet.title, feed["sheet"]):
            continue
        names: list[str] = []
        for cells in _cells(sheet):
            words = [str(value).strip() if value is not None else "" for value in cells]
            if len(set(words) & set(headings)) > max(len(headings) // 3, len(set(names) & set(headings)) - 1):
                names = words  # the lowest line of headings: one over several columns stands above their own
            elif names and any(words) and not {"合计", "总计", "小计"} & set(words):
                row: Row = dict(zip(names, cells, strict=False))
                found.append(row | ({"ledger_at": "-".join(dated.groups()) + "-01"} if dated else {}))
    return found


def _cells(sheet: Any) -> Iterator[list[Any]]:
    """The rows of a sheet but the hidden ones, which were given up and which nobody is to read; what is merged holds
    the value of its first cell in each of its cells."""
    merged = {
        (row, column): sheet.cell(area.min_row, area.min_col).value
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    }
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if sheet.row_dimensions[number].hidden:
            continue
        yield [merged.get((number, column), value) for column, value in enumerate(row, 1)]
