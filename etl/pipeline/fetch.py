"""One feed's turn: ask its source for what is new, land it, load it. Owns the cursors' arithmetic, and what is not
worth landing: an answer that says what the last one said."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from typing import TYPE_CHECKING

import orjson

from etl.config.schema import Feed
from etl.pipeline.load import ingest, land
from etl.runtime.context import Context
from etl.sources import cursors, files
from warehouse.core import failpoints
from warehouse.core.errors import ContractBroken, Refused, SourceDown
from warehouse.core.units import SHANGHAI
from warehouse.ingest import load
from warehouse.ingest.landing import Landed

if TYPE_CHECKING:
    from etl.sources.sql_database import SqlDatabase

PROBE_EVERY_S = 3600
Outcome = tuple[int, str, dt.datetime | None]


def fetch(context: Context, feed: Feed, back_to: dt.datetime | None = None) -> Outcome:
    """(rows, error, complete through); rows −1 when there was nothing to be asked for (no new file, or this way of
    arriving is not set up here). back_to (naive Shanghai): ask again from there on, for rows that came later than the
    overlap (F21)."""
    endpoint = context.endpoints.get(feed.lives_at)
    if endpoint is None or feed.transport not in endpoint.ways:
        return -1, "", None
    return (
        _files(context, feed)
        if feed.transport == "files"
        else {"http_json": _http, "sql_database": _sql}[feed.transport](context, feed, back_to)
    )


def _cursor(context: Context, feed: Feed) -> str:
    rows = context.writer.execute(
        "SELECT cursor FROM run.cursor WHERE source = ? AND entity = ?", [feed.source, feed.cursor_name]
    )
    return str(rows[0][0]) if rows else ""


def _last_answer(context: Context, feed: Feed) -> tuple[str, str, str]:
    """(digest, etag, error) of the feed's last landed answer."""
    rows = context.writer.execute(
        "SELECT digest, etag, error FROM run.answer WHERE source = ? AND entity = ?", [feed.source, feed.cursor_name]
    )
    return (str(rows[0][0]), str(rows[0][1]), str(rows[0][2])) if rows else ("", "", "")


def _http(context: Context, feed: Feed, back_to: dt.datetime | None) -> Outcome:
    http = context.http_of(feed.lives_at)
    now = context.clock().replace(tzinfo=SHANGHAI)
    cursor = _cursor(context, feed)
    since = (
        dt.datetime.fromisoformat(cursor) - dt.timedelta(seconds=feed.overlap_s)
        if cursor
        else now - dt.timedelta(seconds=feed.first_back_s)
    )
    if back_to and cursor:
        since = min(since, back_to.replace(tzinfo=SHANGHAI))
    if feed.most_back_s:
        since = max(since, now - dt.timedelta(seconds=feed.most_back_s))
    rows, error, through = 0, "", None
    digest, etag, stated = _last_answer(context, feed)
    for fetched in http.windows(feed, since, now, etag=etag if cursor else ""):
        whole = fetched.until.astimezone(SHANGHAI).replace(tzinfo=None)
        if feed.expect_rows and not fetched.rows and not fetched.is_same:
            return rows, "D21 来源应答正常却没有数据，按未到处理", through
        if not (rows or cursor or fetched.rows or fetched.is_same):
            through = whole  # a source that has shown no row yet may be empty by mistake: from where we began it is asked again (F18)
            continue
        if fetched.is_last and not fetched.is_same and fetched.digest != digest:
            _still_there(context, feed, fetched.body if fetched.rows else b"")
        if fetched.is_same or (fetched.is_last and (fetched.digest == digest or not fetched.rows)):
            # nothing new: the cursor stays, so that the same window is asked again and a late row in it is not missed
            through, error = whole, stated if fetched.rows or fetched.is_same else ""
            continue
        failpoints.point("after_fetch")
        note = land(
            context,
            feed,
            fetched.body,
            "json_pages",
            f"{since:%Y-%m-%d %H:%M:%S}",
            f"{feed.way}|{fetched.until.isoformat()}",
            digest=f"{feed.way}|{fetched.digest}",
        )
        got, error = ingest(context, [note])
        rows, through = rows + got, whole
        if error:
            break
        if fetched.etag:
            context.writer.execute(
                "UPDATE run.answer SET etag = ? WHERE source = ? AND entity = ? AND digest = ?",
                [fetched.etag, feed.source, feed.cursor_name, fetched.digest],
            )
    return rows, error, through


def _still_there(context: Context, feed: Feed, body: bytes) -> None:
    """Where an answer is not the last one: asks whether the newest row that we know is still there, at most once an
    hour. body: the answer's pages, b"" = no rows.

    Raises Refused when the source was set back to an older state (F22): the row is gone, and the answer has none as
    new."""
    key, hour = (feed.source, feed.cursor_name), str(int(time.monotonic() // PROBE_EVERY_S))
    if not feed.probe or not feed.contract.version or context.looked_at.get(key) == hour:
        return
    newest = context.writer.execute(f"SELECT max(_version) FROM raw.{feed.contract.table} WHERE _deleted_at IS NULL")[
        0
    ][0]
    if newest is None or newest > context.clock():
        return
    if not context.http_of(feed.lives_at).has(feed, newest.replace(microsecond=0, tzinfo=SHANGHAI)):
        there = None
        if body:  # or perhaps that very row has been changed since, and stands in the answer under a later time
            note = Landed(
                0,
                feed.source,
                feed.entity,
                "json_pages",
                feed.path,
                context.clock().replace(tzinfo=SHANGHAI).isoformat(),
                "",
                len(body),
                mapping=feed.mapping,
            )
            there = load.went_back(
                context.writer, feed.contract, context.privacy, note, context.parser.parse(note, body)
            )[1]
        if there is None or there < newest:
            raise _set_back(feed, f"{newest:%Y-%m-%d %H:%M:%S}", f"{there:%Y-%m-%d %H:%M:%S}" if there else "更早")
    context.looked_at[key] = hour


def _set_back(feed: Feed, known: str, there: str) -> Refused:
    return Refused(
        f"F22 来源数据倒退：已知最近更新为 {known}，来源现为 {there}，疑似恢复了旧备份；该来源已冻结，未作任何覆盖或删除",
        where=feed.contract.label,
        to_do="请向来源核实；来源补齐后自动恢复取数",
    )


def not_set_back(context: Context, feed: Feed, sql: SqlDatabase) -> None:
    """Raises Refused when the database was set back to an older state (F22): its newest time stamp lies before the one
    we have seen, and rows that we hold are older there. A newest row that was merely deleted is no such case."""
    cursor = _cursor(context, feed) if feed.cursor_column else ""
    if not cursor:
        return
    there = sql.newest(feed)
    key = (feed.source, feed.cursor_name)
    if not cursors.before(there, cursor) or context.looked_at.get(key) == there:
        return
    found = sql.since(feed, "")
    note = Landed(
        0,
        feed.source,
        feed.entity,
        "json_rows",
        feed.table,
        context.clock().replace(tzinfo=SHANGHAI).isoformat(),
        "",
        len(found.body),
        mapping=feed.mapping,
    )
    if load.went_back(context.writer, feed.contract, context.privacy, note, context.parser.parse(note, found.body))[0]:
        raise _set_back(feed, cursor, there or "空")
    context.looked_at[key] = there


def _sql(context: Context, feed: Feed, back_to: dt.datetime | None) -> Outcome:
    sql = context.sql_of(feed.lives_at)
    at = context.clock()
    cursor = _cursor(context, feed) if feed.cursor_column else ""
    since = cursors.back(cursor, feed.overlap_s) if cursor else ""
    if back_to and since:
        since = "" if cursors.is_number(since) else min(since, f"{back_to:%Y-%m-%d %H:%M:%S}")
    not_set_back(context, feed, sql)
    found = sql.since(feed, since)
    digest = hashlib.sha256(orjson.dumps(feed.mapping, option=orjson.OPT_SORT_KEYS) + found.body).hexdigest()
    known, _, stated = _last_answer(context, feed)
    if digest == known or (cursor and not found.rows):
        return 0, stated if digest == known else "", at if not stated or digest != known else None
    newest = found.newest
    if newest and not cursors.is_number(newest):
        newest = min(newest, f"{at:%Y-%m-%d %H:%M:%S}")  # a future time stamp must not hide later rows (F15)
    newest = newest or cursor
    failpoints.point("after_fetch")
    note = land(
        context,
        feed,
        found.body,
        "json_rows",
        f"{feed.table} {since}",
        f"{feed.way}|{newest}" if newest else "",
        digest=f"{feed.way}|{digest}",
    )
    rows, error = ingest(context, [note])
    return rows, error, None if error else at


def _files(context: Context, feed: Feed) -> Outcome:
    known = {
        row[0]
        for row in context.writer.execute(
            "SELECT name FROM run.batch WHERE source = $source AND entity = $entity UNION ALL "
            "SELECT payload->>'name' FROM raw.quarantine WHERE source = $source AND entity = $entity AND row_no = -1",
            {"source": feed.source, "entity": feed.entity},
        )
    }
    notes, refusal = [], ""
    try:
        found = files.waiting(feed, context.folder_of(feed.source), known, time.time())
        for index, drop in enumerate(found):
            context.progress(f"留存 {feed.contract.label} 文件", index, len(found))
            try:
                body = drop.read()
            except ContractBroken as broken:
                refusal = str(broken)
                continue
            if body is not None:
                notes.append(land(context, feed, body, "file", drop.name, "", drop.mapping))
                del body  # it lies on disk now, and is large
    except SourceDown:
        context.folders.pop(feed.source, None)  # a connection that broke is made anew next time
        if not notes:
            raise
    if not notes:
        return -1, refusal, None
    rows, error = ingest(context, notes)
    # one refused file among good ones is that file's fault (it is in quarantine, and counts as late), not the source's
    # silence
    return rows, error if not rows else "", context.clock()
