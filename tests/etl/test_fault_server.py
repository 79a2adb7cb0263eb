"""A source that does anything it likes, by a script of one step a request (security.md F15–F23). Whatever it did, after one
good round the rows are those of a source without fault, and the cursor never passed what had not arrived whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import random
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from etl import intake
from etl.config import Feed, feeds
from etl.context import Context, opened
from etl.sources.http_client import retry_after
from tests.conftest import WORLD_NOW
from tests.etl import lists
from tests.etl.lists import Answer, Lists, Row, json
from warehouse import recover
from warehouse.settings import Settings
from warehouse.units import SHANGHAI

ROWS, PAGE, COLUMNS = 150, 30, ("uscc", "name", "status", "lon", "coord_sys", "licence_to", "yz_updated_at")
Step = Callable[["Scripted", dict[str, Any]], Answer | Iterable[bytes] | None]


def register() -> list[Row]:
    start = WORLD_NOW - dt.timedelta(days=20)
    return [{"uscc": f"91330110MA2AB{n:05d}", "licence_no": f"L{n}", "name": f"第{n}物流有限公司", "status": "营业", "lon": 120 + n / 1000, "coord_sys": 2, "licence_to": "2030-01-01",
             "yz_updated_at": (start + dt.timedelta(hours=3 * (n // 2))).strftime("%Y-%m-%d %H:%M:%S")} for n in range(ROWS)]


@dataclass
class Scripted:
    """The lists behind a script: the next step of it has the say on the next list request, None = as usual. steps_left: what
    the script still has."""

    lists: Lists
    steps_left: list[Step | None] = field(default_factory=list)

    def usual(self, environ: dict[str, Any], **query: object) -> Answer:
        """What an honest source says, to the query of the request or a changed one."""
        wanted = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()} | {name: str(value) for name, value in query.items()}
        return self.lists.answer({**environ, "QUERY_STRING": urlencode(wanted)})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_list = not environ["PATH_INFO"].endswith("token")
        step = self.steps_left.pop(0) if is_list and self.steps_left else None
        answer = step(self, environ) if step else None
        if answer is not None and not isinstance(answer, tuple):  # a body that is made as it goes
            start_response("200 OK", [("Content-Type", "application/json")])
            return answer
        status, headers, body = answer or self.usual(environ)
        start_response(status, headers if any(name == "Content-Length" for name, _ in headers) else [*headers, ("Content-Length", str(len(body)))])
        return [body]


def page_of(environ: dict[str, Any]) -> int:
    return int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])


def says(answer: Answer) -> Step:
    return lambda source, environ: answer


def bent(change: Callable[[dict[str, Any]], Any]) -> Step:
    """The usual answer with something done to the document."""
    def step(source: Scripted, environ: dict[str, Any]) -> Answer:
        document = orjson.loads(source.usual(environ)[2])
        return json(change(document) or document)
    return step


def each(change: Callable[[Row], Any]) -> Step:
    """The usual answer with something done to each row."""
    def all_of_them(document: dict[str, Any]) -> None:
        document["data"]["items"] = [change(dict(row)) or row for row in document["data"]["items"]]
    return bent(all_of_them)


def raw(change: Callable[[bytes], bytes], *headers: tuple[str, str]) -> Step:
    """The usual answer with something done to the bytes."""
    return lambda source, environ: ("200 OK", [("Content-Type", "application/json"), *headers], change(source.usual(environ)[2]))


def cut(share: float, *, honest: bool) -> Step:
    """A part of the body. honest: the header says how long it should have been."""
    def step(source: Scripted, environ: dict[str, Any]) -> Answer:
        body = source.usual(environ)[2]
        part = body[: int(len(body) * share)]
        return "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body) if honest else len(part)))], part
    return step


def reset(source: Scripted, environ: dict[str, Any]) -> Answer:
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
    return "200 OK", [], b""


def drip(source: Scripted, environ: dict[str, Any]) -> Iterator[bytes]:
    """A body that comes a byte at a time, each soon enough not to count as silence."""
    for byte in source.usual(environ)[2][:30]:
        time.sleep(0.1)
        yield bytes([byte])


def another_page(number: Callable[[int], int]) -> Step:
    return lambda source, environ: source.usual(environ, page=number(page_of(environ)))


def overlap(source: Scripted, environ: dict[str, Any]) -> Answer | None:
    number = page_of(environ)
    if number == 1:
        return None
    before, here = (orjson.loads(source.usual(environ, page=page)[2]) for page in (number - 1, number))
    here["data"]["items"] = before["data"]["items"][-9:] + here["data"]["items"]
    return json(here)


def shift(source: Scripted, environ: dict[str, Any]) -> None:
    """The first row is updated while we turn the pages: it leaves the window, and all others move up."""
    first = min(source.lists.rows["company"], key=lambda row: (row["yz_updated_at"], row["uscc"]))
    first["status"], first["yz_updated_at"] = "歇业", (WORLD_NOW + dt.timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")


def unavailable(status: str, **headers: str) -> Step:
    return says((status, [(name.replace("_", "-"), value) for name, value in headers.items()], b"<html>error</html>"))


def in_a_second(source: Scripted, environ: dict[str, Any]) -> Answer:
    when = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2), usegmt=True)
    return "503 Service Unavailable", [("Retry-After", when)], b""


def future(row: Row) -> Row | None:
    return {**row, "yz_updated_at": "2030-01-01 00:00:00", "status": "歇业"} if row["uscc"].endswith("00003") else None


def bad_cells(share: int) -> Callable[[Row], Row | None]:
    return lambda row: {**row, "lon": "东经", "licence_to": {"年": 2030}} if int(row["uscc"][-5:]) % share == 0 else None


OK = None
SCRIPTS: dict[str, tuple[list[Step | None], str]] = {
    "F16 500 three times": ([OK, *[unavailable("500 Internal Server Error")] * 3], ""),
    "F16 502": ([unavailable("502 Bad Gateway")], ""),
    "F16 429 with seconds": ([OK, unavailable("429 Too Many Requests", Retry_After="1")], ""),
    "F16 503 with a date": ([OK, in_a_second], ""),
    "F16 429 for an hour": ([OK, unavailable("429 Too Many Requests", Retry_After="3600")], "来源无法访问"),
    "F16 down for good": ([unavailable("503 Service Unavailable")] * 9, "来源无法访问:HTTP 503"),
    "F16 a reset": ([OK, reset], ""),
    "F16 a body that drips": ([OK, drip], ""),
    "F16 a redirect to elsewhere": ([OK, unavailable("302 Found", Location="http://127.0.0.1:1/")], "HTTP 302"),
    "F16 an endless token dance": ([unavailable("401 Unauthorized")] * 9, "令牌失效"),
    **{f"F17 cut at {share} %": ([OK, OK, cut(share / 100, honest=True)], "") for share in range(0, 100, 11)},
    **{f"F17 cut at {share} % and said so": ([OK, OK, cut(share / 100, honest=False)], "不是约定的 JSON") for share in range(0, 100, 11)},
    "F17 broken gzip": ([OK, raw(lambda body: gzip.compress(body)[:-30], ("Content-Encoding", "gzip"))], "不是约定的 JSON"),
    "F17 gzip that is none": ([OK, raw(lambda body: body, ("Content-Encoding", "gzip"))], ""),
    "F18 a log-in page": ([OK, says(("200 OK", [("Content-Type", "text/html")], "<html>请登录</html>".encode()))], "不是约定的 JSON"),
    "F18 null": ([says(json(None))], "不是约定的 JSON"),
    "F18 data null": ([says(json({"code": 0, "data": None}))], "不是约定的 JSON"),
    "F18 an empty list": ([says(json([]))], "不是约定的 JSON"),
    "F18 items that are no rows": ([bent(lambda document: document["data"].update(items=[1, "2", None]))], "不是约定的 JSON"),
    "F18 an error in a 200": ([OK, says(json({"code": 500, "message": "系统繁忙"}))], "来源报告错误:系统繁忙"),
    "F18 nothing at all, politely": ([says(json({"code": 0, "data": {"total": 0, "items": []}}))], ""),
    "F18 204": ([says(("204 No Content", [], b""))], "HTTP 204"),
    "F19 a page twice": ([OK, OK, another_page(lambda page: page - 1)], "分页不完整"),
    "F19 overlapping pages": ([overlap] * 6, ""),
    "F19 pages in another order": ([another_page(lambda page: 6 - page)] * 5, ""),
    "F19 a page that is not there": ([OK, OK, another_page(lambda page: 99)], "分页不完整"),
    "F19 the list moves while its pages are turned": ([OK, OK, shift], ""),
    "F20 some cells of the wrong type": ([each(bad_cells(149))] * 5, ""),
    "F20 too many cells of the wrong type": ([each(bad_cells(7))] * 5, "不合约定(type:lon×22"),
    "F20 a lost column": ([each(lambda row: {name: row[name] for name in row if name != "name"})] * 5, "缺少列:name"),
    "F20 a renamed column": ([each(lambda row: {("公司" if name == "name" else name): row[name] for name in row})] * 5, "缺少列:name"),
    "F20 a new column": ([each(lambda row: {**row, "身份证号": "330110197701010011", "nested": {"a": [1]}})] * 5, ""),
    "F20 a mark before the text": ([raw(lambda body: b"\xef\xbb\xbf" + body)] * 5, ""),
    "F20 GBK": ([raw(lambda body: body.decode().encode("gb18030"))] * 5, ""),
    "F20 full-width digits": ([each(lambda row: {**row, "coord_sys": "２", "licence_to": "２０３０－０１－０１"})] * 5, ""),
    "F15 a time stamp from the future": ([each(future)] * 5, ""),
}


@contextlib.contextmanager
def house(folder: Path, url: str, now: list[dt.datetime], extra: str = "") -> Iterator[tuple[Context, list[Feed]]]:
    (folder / "sources").mkdir(parents=True)
    (folder / "sources.toml").touch(0o600)
    (folder / "sources.toml").write_text(f'is_demo = true\n[yz]\nurl = "{url}"\nclient_id = "c"\nclient_secret = "hidden-secret"\n[yz.options]\ntimeout_s = 1\ndeadline_s = 3\n', "utf-8")
    (folder / "sources" / "yz.toml").write_text(f"""label = "道路运政"
[[feeds]]
entity = "company"
transport = "http_json"
path = "/page/company"
token_path = "/page/token"
jobs = ["refresh"]
page_size = {PAGE}
window_s = 40000000
first_back_s = 30000000
overlap_s = 3600
{extra}
[feeds.columns]
""" + "".join(f'{name} = "{name}"\n' for name in COLUMNS), "utf-8")
    with opened(Settings(folder), now=lambda: now[0]) as context:
        yield context, [feed for feed in feeds(context.settings) if feed.source == "yz"]


def truth(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    return sorted((row["uscc"], row["name"], row["status"], row["lon"], row["coord_sys"], dt.date.fromisoformat(row["licence_to"]), dt.datetime.fromisoformat(row["yz_updated_at"])) for row in rows)


def held(context: Context) -> list[tuple[Any, ...]]:
    return sorted(context.writer.execute(f"SELECT {', '.join(COLUMNS)} FROM raw.yz_company WHERE _deleted_at IS NULL"))


def prints(context: Context) -> tuple[int, int]:
    return recover.fingerprint(context.writer)["raw.yz_company"]


def cursor(context: Context) -> dt.datetime | None:
    found = context.writer.execute("SELECT cursor FROM run.cursor WHERE source = 'yz' AND entity = 'company:http_json'")
    return dt.datetime.fromisoformat(found[0][0]).replace(tzinfo=None) if found else None


def forgive(context: Context) -> None:
    """Time passes until the source is asked again."""
    for side in context.http.values():
        side._client._quiet_until, side._client._failures = 0.0, 0


@pytest.fixture(scope="module")
def source() -> Iterator[tuple[Scripted, str]]:
    scripted = Scripted(Lists({"company": register()}, updated="yz_updated_at", now=WORLD_NOW.replace(tzinfo=SHANGHAI)))
    with lists.served(scripted) as url:
        yield scripted, url


def corrected() -> list[Row]:
    """The register an hour later: one row has changed, and those that any script touches have been written once more."""
    stamp = (WORLD_NOW + dt.timedelta(minutes=30)).strftime("%Y-%m-%d %H:%M:%S")
    return [{**row, "status": "营业" if number else "注销", "yz_updated_at": stamp} if number in (0, 3, 149) else row for number, row in enumerate(register())]


@pytest.fixture(scope="module")
def faultless(source: tuple[Scripted, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    now = [WORLD_NOW]
    with house(tmp_path_factory.mktemp("calm") / "data", source[1], now) as (context, wanted):
        assert begin(source[0], []) is None and intake.run(context, wanted) == [] and held(context) == truth(register())
        finish(source[0], now)
        assert intake.run(context, wanted) == [] and held(context) == truth(corrected())
        return prints(context)


def begin(scripted: Scripted, steps: list[Step | None]) -> None:
    scripted.lists.rows, scripted.lists.now, scripted.steps_left = {"company": register()}, WORLD_NOW.replace(tzinfo=SHANGHAI), list(steps)


def finish(scripted: Scripted, now: list[dt.datetime]) -> None:
    now[0] = WORLD_NOW + dt.timedelta(hours=1)
    scripted.lists.rows, scripted.lists.now, scripted.steps_left = {"company": corrected()}, now[0].replace(tzinfo=SHANGHAI), []


@pytest.mark.parametrize("name", SCRIPTS)
def test_after_any_fault_and_one_good_round_the_rows_are_the_right_ones(name: str, source: tuple[Scripted, str], faultless: tuple[int, int],
                                                                        anyhouse: tuple[Context, list[Feed], list[dt.datetime]]) -> None:
    scripted, _ = source
    context, wanted, now = anyhouse
    steps, said = SCRIPTS[name]
    empty(context)
    begin(scripted, steps)
    now[0], started = WORLD_NOW, time.monotonic()
    problems = intake.run(context, wanted)
    assert time.monotonic() - started < 15
    if said:
        assert len(problems) == 1 and said in problems[0], problems
        assert "\n" not in problems[0] and "hidden-secret" not in problems[0] and "处理办法" in problems[0]
        assert cursor(context) is None and held(context) == [], "nothing of a window that did not arrive whole is in, and the cursor stays"
    else:
        assert problems == []
    finish(scripted, now)
    forgive(context)
    assert intake.run(context, wanted) == []
    assert held(context) == truth(corrected())
    assert prints(context) == faultless
    assert context.writer.execute("SELECT count(*) FROM run.batch WHERE rows_in <> merged + older + duplicate + quarantined") == [(0,)]


MUTATIONS: dict[str, Step | None] = {"ok": None, "twice": another_page(lambda page: max(page - 1, 1)), "gone": another_page(lambda page: 99), "ahead": another_page(lambda page: page + 1),
                                     "overlap": overlap, "moves": shift, "error": unavailable("500 Internal Server Error"), "cut": cut(0.5, honest=False)}


@given(script=st.lists(st.lists(st.sampled_from(sorted(MUTATIONS)), max_size=12), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_f19_pages_in_any_disorder_end_in_the_same_rows(script: list[list[str]], source: tuple[Scripted, str], anyhouse: tuple[Context, list[Feed], list[dt.datetime]]) -> None:
    scripted, _ = source
    context, wanted, now = anyhouse
    empty(context)
    begin(scripted, [])
    now[0] = WORLD_NOW
    for number, steps in enumerate(script):
        scripted.steps_left = [MUTATIONS[name] for name in steps]
        now[0] = WORLD_NOW + dt.timedelta(minutes=2 * number)
        scripted.lists.now = now[0].replace(tzinfo=SHANGHAI)
        intake.run(context, wanted)
        forgive(context)
    rows = scripted.lists.rows["company"]
    scripted.steps_left, now[0] = [], WORLD_NOW + dt.timedelta(minutes=30)
    scripted.lists.now = now[0].replace(tzinfo=SHANGHAI)
    assert intake.run(context, wanted) == [] and held(context) == truth(rows)


@pytest.fixture(scope="module")
def anyhouse(source: tuple[Scripted, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Context, list[Feed], list[dt.datetime]]]:
    now = [WORLD_NOW]
    with house(tmp_path_factory.mktemp("any") / "data", source[1], now) as (context, wanted):
        yield context, wanted, now


def empty(context: Context) -> None:
    forgive(context)
    context.writer.execute("DELETE FROM raw.yz_company; DELETE FROM raw.yz_company_history; DELETE FROM run.batch; DELETE FROM run.cursor; DELETE FROM run.answer; DELETE FROM raw.quarantine")


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_f21_rows_that_become_visible_late_and_in_any_order_end_in_the_same_rows(seed: int, source: tuple[Scripted, str], anyhouse: tuple[Context, list[Feed], list[dt.datetime]]) -> None:
    """Every row shows up to 55 minutes after its time stamp; the overlap is an hour."""
    scripted, _ = source
    context, wanted, now = anyhouse
    empty(context)
    begin(scripted, [])
    chance, shown = random.Random(seed), []
    for number in range(40):
        at = WORLD_NOW + dt.timedelta(minutes=chance.randrange(180))
        row = {**register()[number], "yz_updated_at": at.strftime("%Y-%m-%d %H:%M:%S")}
        shown.append((at + dt.timedelta(minutes=chance.randrange(56)), row))
    for minutes in range(0, 241, 20):
        now[0] = WORLD_NOW + dt.timedelta(minutes=minutes)
        scripted.lists.now = now[0].replace(tzinfo=SHANGHAI)
        scripted.lists.rows = {"company": [row for at, row in chance.sample(shown, len(shown)) if at <= now[0]]}
        assert intake.run(context, wanted) == []
    assert held(context) == truth(row for _, row in shown)


def test_f22_a_source_over_http_that_was_set_back_is_told(source: tuple[Scripted, str], tmp_path: Path) -> None:
    scripted, url = source
    now = [WORLD_NOW]
    with house(tmp_path / "data", url, now, "probe = true") as (context, wanted):
        begin(scripted, [])
        assert intake.run(context, wanted) == []
        before, now[0] = prints(context), WORLD_NOW + dt.timedelta(hours=2)
        scripted.lists.now = now[0].replace(tzinfo=SHANGHAI)
        assert intake.run(context, wanted) == []
        context.looked_at.clear()  # the hour has passed
        scripted.lists.rows = {"company": register()[:100]}
        problems = intake.run(context, wanted)
        assert len(problems) == 1 and "F22 来源数据倒退" in problems[0] and "已冻结" in problems[0]
        scripted.lists.rows = {"company": register()}
        assert intake.run(context, wanted) == [] and prints(context) == before


def test_f23_half_a_list_of_keys_over_http_is_refused(source: tuple[Scripted, str], tmp_path: Path) -> None:
    scripted, url = source
    with house(tmp_path / "data", url, [WORLD_NOW], 'reconcile = true\nkeys_path = "/keys/company"') as (context, wanted):
        begin(scripted, [])
        assert intake.run(context, wanted) == []
        assert intake.reconcile(context, wanted) == [] and len(held(context)) == ROWS
        scripted.lists.rows = {"company": register()[:-2]}
        assert intake.reconcile(context, wanted) == [] and len(held(context)) == ROWS - 2
        scripted.lists.rows = {"company": register()[:75]}
        problems = intake.reconcile(context, wanted)
        assert len(problems) == 1 and "一次少了 73 条" in problems[0] and len(held(context)) == ROWS - 2
        scripted.lists.rows, scripted.steps_left = {"company": register()[:-2]}, [OK, another_page(lambda page: 99)]
        assert "分页不完整" in intake.reconcile(context, wanted)[0] and len(held(context)) == ROWS - 2
        scripted.lists.rows = {"company": register()[:75]}
        assert intake.reconcile(context, wanted, confirmed=True) == [] and len(held(context)) == 75
        scripted.lists.rows = {"company": register()}
        assert intake.reconcile(context, wanted) == [] and held(context) == truth(register()), "what comes back is alive again"


class Database:
    """A bureau's SQLite file that can be set back to any state."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "register.sqlite"

    def holds(self, rows: list[Row]) -> None:
        engine = create_engine(f"sqlite:///{self.file}")
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS yz_company"))
            connection.execute(text(f"CREATE TABLE yz_company ({', '.join(rows[0])})"))
            connection.execute(text(f"INSERT INTO yz_company VALUES ({', '.join(':' + name for name in rows[0])})"), rows)
        engine.dispose()


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[tuple[Database, Context, list[Feed], list[dt.datetime]]]:
    database, now, data = Database(tmp_path), [WORLD_NOW], tmp_path / "data"
    (data / "sources").mkdir(parents=True)
    (data / "sources.toml").touch(0o600)
    (data / "sources.toml").write_text(f'is_demo = true\n[yz]\ndsn = "sqlite:///{database.file}"\n', "utf-8")
    (data / "sources" / "yz.toml").write_text("""label = "道路运政"
[[feeds]]
entity = "company"
transport = "sql_database"
table = "yz_company"
cursor_column = "yz_updated_at"
jobs = ["refresh"]
reconcile = true
[feeds.columns]
""" + "".join(f'{name} = "{name}"\n' for name in COLUMNS), "utf-8")
    with opened(Settings(data), now=lambda: now[0]) as context:
        yield database, context, [feed for feed in feeds(context.settings) if feed.source == "yz"], now


def touched(rows: list[Row], numbers: Iterable[int], at: dt.datetime) -> list[Row]:
    return [{**row, "status": "歇业", "yz_updated_at": at.strftime("%Y-%m-%d %H:%M:%S")} if number in numbers else row for number, row in enumerate(rows)]


@pytest.mark.parametrize("hours", [1, 40], ids=["within the overlap", "beyond it"])
def test_f22_a_database_that_was_set_back_is_frozen_until_it_has_caught_up(hours: int, sql: tuple[Database, Context, list[Feed], list[dt.datetime]]) -> None:
    database, context, wanted, now = sql
    now[0] = WORLD_NOW + dt.timedelta(hours=hours)
    newer = touched(register(), (5, 6), now[0] - dt.timedelta(minutes=5))
    database.holds(newer)
    assert intake.run(context, wanted) == [] and held(context) == truth(newer)
    before, landed = prints(context), len(list(context.landing.notes()))
    database.holds(register()[:140])  # yesterday's backup: two rows older, ten not there yet
    for problems in (intake.run(context, wanted), intake.reconcile(context, wanted), intake.run(context, wanted)):
        assert len(problems) == 1 and "F22 来源数据倒退" in problems[0] and "已冻结" in problems[0] and "未作任何覆盖或删除" in problems[0]
    assert prints(context) == before and held(context) == truth(newer) and len(list(context.landing.notes())) == landed
    assert context.writer.execute("SELECT count(*) FROM run.delivery WHERE source = 'yz' AND NOT ok AND error LIKE 'F22%'") == [(2,)], "and it is told where everybody looks"
    database.holds(newer)
    assert intake.run(context, wanted) == [] and intake.reconcile(context, wanted) == []
    assert prints(context) == before


def test_f22_the_newest_row_may_well_be_deleted(sql: tuple[Database, Context, list[Feed], list[dt.datetime]]) -> None:
    database, context, wanted, _ = sql
    newest = touched(register(), (5,), WORLD_NOW)
    database.holds(newest)
    assert intake.run(context, wanted) == []
    database.holds([row for number, row in enumerate(newest) if number != 5])
    assert intake.run(context, wanted) == [] and intake.reconcile(context, wanted) == []
    assert len(held(context)) == ROWS - 1


def test_f23_half_an_export_of_a_database_is_refused(sql: tuple[Database, Context, list[Feed], list[dt.datetime]]) -> None:
    database, context, wanted, _ = sql
    database.holds(register())
    assert intake.run(context, wanted) == []
    database.holds(register()[-135:])  # a tenth is missing
    assert intake.run(context, wanted) == []
    assert "一次少了 15 条" in intake.reconcile(context, wanted)[0] and held(context) == truth(register())
    database.holds(register())
    assert intake.run(context, wanted) == [] and intake.reconcile(context, wanted) == [] and held(context) == truth(register())


def test_a_column_or_table_that_has_gone_is_one_clear_sentence(sql: tuple[Database, Context, list[Feed], list[dt.datetime]]) -> None:
    database, context, wanted, now = sql
    database.holds(register())
    assert intake.run(context, wanted) == []
    database.holds([{("公司名称" if name == "name" else name): value for name, value in row.items()} for row in register()])
    now[0] += dt.timedelta(hours=1)
    problems = intake.run(context, wanted) + intake.run(context, wanted)
    assert "缺少列:name" in problems[-1] and "公司名称" in problems[-1]
    database.holds(register())
    assert intake.run(context, wanted) == []


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").touch(0o600)
    (tmp_path / "sources.toml").write_text('is_demo = true\n[yz]\ndsn = "postgresql+psycopg://reader:very-secret@127.0.0.1:1/yz"\n', "utf-8")
    with opened(Settings(tmp_path), now=lambda: WORLD_NOW) as context:
        problems = intake.run(context, [feed for feed in feeds() if feed.source == "yz"][:1])
    assert len(problems) == 1 and "来源数据库无法访问" in problems[0] and "very-secret" not in problems[0]


def test_retry_after_in_seconds_and_as_a_date() -> None:
    now = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
    assert [retry_after(given, now) for given in ("7", "Mon, 23 Nov 2026 06:00:09 GMT", "Mon, 23 Nov 2026 05:00:00 GMT", "", "soon")] == [7, 9, 0, 0, 0]


def test_a_token_is_renewed_before_it_expires_and_a_pace_is_kept(tmp_path: Path) -> None:
    """Tokens that live half a second, and a source that takes five requests a second and no more."""
    service = Lists({"company": register()}, updated="yz_updated_at", now=WORLD_NOW.replace(tzinfo=SHANGHAI), life_s=0.5, per_s=5)
    with lists.served(service) as url, house(tmp_path / "data", url, [WORLD_NOW], "max_per_s = 4") as (context, wanted):
        assert intake.run(context, wanted) == [] and held(context) == truth(register())
        assert service.refused == 0 and len(service.tokens) >= 2


def test_a_source_that_stays_silent_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """After three fruitless rounds the next one asks nothing; other sources do not wait for it."""
    with house(tmp_path / "data", "http://127.0.0.1:1", [WORLD_NOW]) as (context, wanted):
        for _ in range(3):
            assert "来源无法访问" in intake.run(context, wanted)[0]
        started = time.monotonic()
        assert "秒后再试" in intake.run(context, wanted)[0] and time.monotonic() - started < 0.5
