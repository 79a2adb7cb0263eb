"""Systems that nobody built for us, each connected by its description alone: an API with nested rows and links to the
next page, two databases with names in pinyin and texts for everything, a folder of ledgers in GB18030; and what a
description cannot say, said by a function of a few lines."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from etl.config.descriptions import feeds
from etl.pipeline import intake, trial
from etl.runtime.context import Context, opened
from etl.runtime.parser_pool import Parser
from tests.conftest import WORLD_NOW
from tests.etl.sources import servers
from tests.etl.sources.test_connecting import addressed, described
from warehouse.core.errors import ConfigError, ContractBroken, Refused
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.ingest.landing import Landed

NOW = WORLD_NOW.replace(tzinfo=SHANGHAI)


def fetched(settings: Settings, source: str) -> list[str]:
    with opened(settings, now=lambda: WORLD_NOW) as context:
        return intake.run(context, [feed for feed in feeds(settings) if feed.source == source])


def rows(settings: Settings, question: str) -> list[tuple[Any, ...]]:
    with opened(settings, now=lambda: WORLD_NOW) as context:
        return context.writer.execute(question)


# -- an API --------------------------------------------------------------------------------------------------------------


class Stranger(BaseHTTPRequestHandler):
    """Thirty checks in pages of ten, the next by its address; one 502, one 429, one token an answer lives for."""

    checks: list[dict[str, Any]] = []
    elsewhere = ""
    seen: list[str] = []

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(200, {"access_token": "t1", "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        cls = type(self)
        cls.seen.append(self.path)
        if len(cls.seen) == 2:
            return self.answer(502, {"error": "bad gateway"})
        if len(cls.seen) == 4:
            return self.answer(429, {"error": "slow down"}, {"Retry-After": "1"})
        assert self.headers["Authorization"] == "Bearer t1"
        start = int(query.get("offset", 0))
        page = cls.checks[start : start + 10]
        following = f"{cls.elsewhere}/api/v3/duty-checks?offset={start + 10}&batch=%E4%B8%80"
        links = {"next": following if start + 10 < len(cls.checks) else None}
        return self.answer(200, {"result": {"list": [{"check": one} for one in page]}, "links": links})

    def answer(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def stranger(elsewhere: str = "") -> Iterator[tuple[str, type[Stranger]]]:
    kind = type("One", (Stranger,), {"checks": [check(n) for n in range(30)], "seen": [], "elsewhere": elsewhere})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api", kind
    finally:
        server.shutdown()
        server.server_close()


def check(number: int) -> dict[str, Any]:
    sent = NOW - dt.timedelta(hours=1, minutes=number)
    return {
        "id": {"value": f"C{number:03d}"},
        "platform": {"code": f"P{number % 3}", "name": "平台"},
        "target": {"kind": [1.0, "2", "enterprise"][number % 3]},
        "when": {
            "sent": int(sent.timestamp() * 1000),
            "done": [{"at": f"{sent:%d/%m/%Y %H:%M}"}] if number % 2 else [],
        },
        "limit": f"限{600 + number}秒",
        "note": "—" if number % 5 == 0 else "在岗/已答",
        "state": "作废" if number == 7 else "有效",
    }


API = """label = "动态监控"
[[feeds]]
entity = "post_check"
jobs = ["refresh"]
transport = "http_json"
path = "/v3/duty-checks"
auth = "oauth2"
token_path = "/oauth/token"
paging = "link"
time = "epoch_ms"
keys_path = "/v3/duty-checks"
reconcile = true
where = { "check.state" = "有效" }
[feeds.answer]
items = "result.list"
next = "links.next"
total = ""
until = ""
code = ""
[feeds.columns]
check_id = "check.id.value"
platform_id = "check.platform.code"
object_type = { from = "check.target.kind", values = { enterprise = 3, "1" = 1 } }
sent_at = { from = "check.when.sent", time = "epoch_ms" }
updated_at = { from = "check.when.sent", time = "epoch_ms" }
answered_at = { from = "check.when.done[0].at", time = "%d/%m/%Y %H:%M", optional = true }
limit_s = { from = "check.limit", match = '(\\d+)' }
content = { from = "check.note", empty = ["—"], split = "/", take = -1, default = "未填" }
"""


def test_an_api_of_nested_rows_and_links_is_connected_by_its_description(tmp_path: Path) -> None:
    with stranger() as (url, kind):
        settings = described(tmp_path, API, "gps")
        addressed(tmp_path, f'[gps]\nurl = "{url}"\nclient_id = "a"\nclient_secret = "b"\n')
        assert fetched(settings, "gps") == []
        assert len([one for one in kind.seen if "offset" in one]) >= 3, "the 502 and the 429 were asked again"
        assert "batch=%E4%B8%80" in kind.seen[-1], "the link is followed as it is written"
        tried = trial.run(settings, "gps", lambda *_: None, NOW)
    assert tried.code == 0 and [one.error for one in tried.tables] == [""]
    assert next(c.theirs for c in tried.tables[0].columns if c.name == "check_id") == "check.id.value"
    found = rows(settings, "SELECT * FROM raw.gps_post_check ORDER BY check_id")
    assert len(found) == 29, "the one that was called off is none"
    stored = rows(
        settings,
        "SELECT check_id, platform_id, object_type, limit_s, sent_at, answered_at FROM raw.gps_post_check ORDER BY 1 LIMIT 3",
    )
    sent = [WORLD_NOW - dt.timedelta(hours=1, minutes=n) for n in range(3)]
    assert stored == [
        ("C000", "P0", 1, 600, sent[0], None),
        ("C001", "P1", 2, 601, sent[1], sent[1].replace(second=0)),
        ("C002", "P2", 3, 602, sent[2], None),
    ]


def test_a_token_never_goes_to_another_host(tmp_path: Path) -> None:
    with stranger("http://127.0.0.1:9") as (url, _):
        settings = described(tmp_path, API, "gps")
        addressed(tmp_path, f'[gps]\nurl = "{url}"\nclient_id = "a"\nclient_secret = "b"\n')
        [problem] = fetched(settings, "gps")
        assert "另一台主机" in problem and "处理办法" in problem
    assert rows(settings, "SELECT count(*) FROM raw.gps_post_check") == [(0,)]


# -- two databases -------------------------------------------------------------------------------------------------------

POSTGRES = """
CREATE SCHEMA dlyz;
CREATE TABLE dlyz.t_clxx (hphm CHAR(12), hpys VARCHAR(8), clzt CHAR(2), djrq VARCHAR(20), njrq VARCHAR(10), njsj VARCHAR(10),
  zdzl VARCHAR(20), scbz CHAR(1), gxsj VARCHAR(20));
INSERT INTO dlyz.t_clxx VALUES
 ('浙A10001', '黄色', '10', '2020/3/5', '2027-01-31', '', '31000kg', '0', '2026/11/3 8:00:00'),
 ('浙A10002', '黄色', '21', '20210415', '', '', '-', '0', '2026/11/10 8:00:00'),
 ('浙A10003', '蓝', '10', '2019年8月2日', '', '', '4500kg', '1', '2026/11/9 8:00:00'),
 ('浙A10004', '绿色', '10', '', '', '', '无', NULL, '');
CREATE VIEW dlyz.v_cl AS SELECT * FROM dlyz.t_clxx;
CREATE TABLE dlyz.t_yh (xydm VARCHAR(40), mc VARCHAR(80), zt INTEGER, gxsj TIMESTAMP);
INSERT INTO dlyz.t_yh VALUES ('91330110MA2ABCDE12', '甲物流', 1, '2026-11-03 08:00:00');
"""
REGISTER = """label = "道路运政"
[[feeds]]
entity = "vehicle"
jobs = ["refresh"]
transport = "sql_database"
table = "dlyz.v_cl"
cursor_column = "gxsj"
cursor_type = "time"
reconcile = true
where = { scbz = ["0", ""] }
[feeds.columns]
plate_no = "hphm"
plate_color = { from = "hpys", values = { "黄色" = 2, "蓝" = 1, "绿色" = 5 } }
status = { from = "clzt", values = { "10" = "营运", "21" = "停运" } }
register_date = { from = "djrq", time = "text" }
review_due = { from = ["njrq", "njsj"], time = "text" }
gross_mass_t = { from = "zdzl", empty = ["-", "无"], match = '(\\d+)kg', scale = 0.001 }
yz_updated_at = { from = "gxsj", time = "text", default = "2026-01-01" }

[[feeds]]
entity = "company"
jobs = ["refresh"]
transport = "sql_database"
table = "dlyz.t_yh"
columns = { uscc = "xydm", name = "mc", status = { from = "zt", values = { "1" = "营业" } }, yz_updated_at = "gxsj" }

[[feeds]]
entity = "company"
jobs = ["refresh"]
transport = "sql_database"
address = "yz_east"
table = "企业"
[feeds.columns]
uscc = "信用代码"
name = { from = ["简称", "类型"], join = "" }
status = { from = "状态", default = "营业" }
yz_updated_at = { from = ["日期", "时刻"], time = "%Y%m%d %H%M" }
"""
MARIADB = (
    "CREATE TABLE 企业 (信用代码 CHAR(30), 简称 VARCHAR(40), 类型 VARCHAR(20), 状态 VARCHAR(10), 日期 CHAR(8), 时刻 CHAR(4)) CHARSET gbk",
    "INSERT INTO 企业 VALUES ('91330110MA2ABCDE20', '东片', '货运有限公司', NULL, '20261102', '0730')",
)


@pytest.mark.servers
def test_two_databases_with_texts_for_everything_are_connected_by_one_description(tmp_path: Path) -> None:
    with servers.postgres() as postgres, servers.mariadb() as mariadb:
        secret = "p@ss/word"
        with create_engine(postgres).begin() as connection:
            connection.execute(text(POSTGRES))
        with create_engine(make_url(mariadb).set(password=secret)).begin() as connection:
            for line in MARIADB:
                connection.execute(text(line))
        settings = described(tmp_path, REGISTER)
        addressed(
            tmp_path,
            f'[yz]\ndsn = "{postgres}"\n[yz_east]\ndsn = "{mariadb.replace("utf8mb4", "gbk")}"\npassword = "{secret}"\n',
        )
        tried = trial.run(settings, "yz", lambda *_: None, NOW)
        assert (tried.code, [one.error for one in tried.tables]) == (0, ["", "", ""]), tried
        with opened(settings, now=lambda: WORLD_NOW) as context:
            mine = [feed for feed in feeds(settings) if feed.source == "yz"]
            assert intake.run(context, mine) == []
            seen = "SELECT trim(plate_no), plate_color, status, register_date::VARCHAR, review_due::VARCHAR, gross_mass_t::VARCHAR FROM raw.yz_vehicle WHERE _deleted_at IS NULL ORDER BY 1"
            assert context.writer.execute(seen) == [
                ("浙A10001", 2, "营运", "2020-03-05", "2027-01-31", "31.00"),
                ("浙A10002", 2, "停运", "2021-04-15", None, None),
                ("浙A10004", 5, "营运", None, None, None),
            ], "a blank mark of deletion is none"
            assert context.writer.execute(
                "SELECT name, status, yz_updated_at::VARCHAR FROM raw.yz_company ORDER BY 1"
            ) == [
                ("东片货运有限公司", "营业", "2026-11-02 07:30:00"),
                ("甲物流", "营业", "2026-11-03 08:00:00"),
            ]
            _one_more_and_one_gone(context, postgres, mine, seen)


def _one_more_and_one_gone(context: Context, postgres: str, mine: list[Any], seen: str) -> None:
    """2026/11/9 sorts after 2026/11/10 as text; by time it does not, and nothing is asked for in vain."""
    assert intake.run(context, mine) == []  # what lies within the overlap comes once more
    landed = len(list(context.landing.notes()))
    assert intake.run(context, mine) == [] and len(list(context.landing.notes())) == landed, (
        "nothing new, nothing landed"
    )
    with create_engine(postgres).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO dlyz.t_clxx (hphm, hpys, clzt, scbz, gxsj) VALUES ('浙A10005', '黄色', '10', '0', '2026/11/12 9:00:00')"
            )
        )
        connection.execute(
            text("UPDATE dlyz.t_clxx SET scbz = '1', gxsj = '2026/11/12 9:00:00' WHERE hphm = '浙A10001'")
        )
    assert intake.run(context, mine) == []
    assert intake.reconcile(context, [feed for feed in mine if feed.reconcile]) == []
    assert [row[0] for row in context.writer.execute(seen)] == ["浙A10002", "浙A10004", "浙A10005"]
    with create_engine(postgres).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO dlyz.t_clxx (hphm, hpys, clzt, scbz, gxsj) VALUES ('浙A10006', '黄色', '10', '0', '去年某日')"
            )
        )
    [problem] = intake.run(context, mine)
    assert "游标列 gxsj 里有不能当作时间的值" in problem and "处理办法" in problem and "去年" not in problem


HOSTS = """label = "道路运政"
[[feeds]]
entity = "company"
jobs = ["refresh"]
transport = "sql_database"
table = "yh"
columns = { uscc = "xydm", name = "mc", yz_updated_at = "gxsj" }
[[feeds]]
entity = "company"
jobs = ["refresh"]
transport = "sql_database"
address = "yz_east"
table = "qy"
columns = { uscc = "dm", name = "jc", yz_updated_at = { from = "rq", time = "compact" } }
"""


def test_what_one_of_two_hosts_sent_is_replayed_by_its_own_names(tmp_path: Path) -> None:
    codes = [f"33011000000{number:04d}" for number in range(120)]
    for name, create, put in (
        (
            "west",
            "CREATE TABLE yh (xydm, mc, gxsj)",
            "INSERT INTO yh VALUES ('91330110MA2ABCDE12', '甲', '2026-11-03 08:00:00')",
        ),
        (
            "east",
            "CREATE TABLE qy (dm, jc, rq)",
            "INSERT INTO qy VALUES " + ",".join(f"('{one}', '乙', '03/11/2026')" for one in codes),
        ),
    ):
        with create_engine(f"sqlite:///{tmp_path}/{name}.sqlite").begin() as connection:
            connection.execute(text(create))
            connection.execute(text(put))
    settings = described(tmp_path, HOSTS)
    addressed(
        tmp_path,
        "".join(
            f'[{name}]\ndsn = "sqlite:///{tmp_path}/{file}.sqlite"\n'
            for name, file in (("yz", "west"), ("yz_east", "east"))
        ),
    )
    [problem] = fetched(settings, "yz")
    assert "道路运政·业户" in problem and rows(settings, "SELECT count(*) FROM raw.yz_company") == [(1,)]
    described(tmp_path, HOSTS.replace('time = "compact"', 'time = "%d/%m/%Y"'))
    with opened(settings, now=lambda: WORLD_NOW) as context:
        assert intake.replay(context, None) == (1, [])
        assert context.writer.execute("SELECT count(*), max(yz_updated_at)::VARCHAR FROM raw.yz_company") == [
            (121, "2026-11-03 08:00:00")
        ]


# -- a folder of ledgers ---------------------------------------------------------------------------------------------------

LEDGER = """label = "群团台账"
[[feeds]]
entity = "org"
jobs = ["refresh"]
transport = "files"
glob = "un/*.csv"
name_date = '(\\d{4})年(\\d{2})月'
snapshot = true
where = { "状态" = ["在册", ""] }
[feeds.columns]
org_id = { from = ["镇街", "序号"], join = "-" }
org_type = { from = "名称", match = '(联合工会|工会|团|妇)' }
uscc = { from = "企业/代码", split = "/", take = 2, empty = ["无"] }
set_up_at = { from = "成立", empty = ["不详", "—"], default = "2000-01-01" }
"""


def test_a_folder_of_ledgers_in_gb18030_is_connected_by_its_description(tmp_path: Path) -> None:
    drop = tmp_path / "drop" / "un"
    drop.mkdir(parents=True)
    book = (
        "群团组织台账,,,,,\n镇街,序号,名称,企业/代码,成立,状态\n仓前,1,某某物流工会,某某物流/91330110MA2ABCDE12,2019年8月,在册\n"
        "良渚,7,良渚片联合工会,无,不详,\n径山,3,径山妇联,某/无,2020.1.5,撤销\n合计,,3,,,\n"
    )
    (drop / "台账2026年10月.csv").write_bytes(book.encode("gb18030"))
    settings = described(tmp_path, LEDGER, "un")
    addressed(tmp_path, f'[un]\ndrop = "{tmp_path / "drop"}"\n')
    with opened(settings, now=lambda: WORLD_NOW) as context:
        os.utime(drop / "台账2026年10月.csv", (1, 1))
        assert intake.run(context, [feed for feed in feeds(settings) if feed.source == "un"]) == []
        found = context.writer.execute(
            "SELECT org_id, org_type, uscc, set_up_at::VARCHAR FROM raw.un_org ORDER BY 1 DESC"
        )
    assert found == [
        ("良渚-7", "联合工会", None, "2000-01-01"),
        ("仓前-1", "工会", "91330110MA2ABCDE12", "2019-08-01"),
    ]


# -- what no description can say -----------------------------------------------------------------------------------------

GOOD = """import re

def rows(entity, rows):
    found = []
    for row in rows:
        for part in row["内容"].split(";"):
            number, kind = re.fullmatch(r"(\\w+):(.)", part).groups()
            found.append({"org_id": number, "kind": kind, "name": row["单位"]})
    return found
"""
HOOKED = """label = "群团台账"
[[feeds]]
entity = "org"
jobs = ["refresh"]
transport = "files"
glob = "un/*.csv"
name_date = '(\\d{4})年(\\d{2})月'
hook = "un.py"
reads = ["单位", "内容"]
[feeds.columns]
org_id = "org_id"
org_type = { from = "kind", values = { "工" = "工会", "团" = "团" } }
"""


def hooked(folder: Path, code: str) -> Settings:
    settings = described(folder, HOOKED, "un")
    (folder / "sources" / "un.py").touch(0o600)
    (folder / "sources" / "un.py").write_text(code, "utf-8")
    return settings


def test_a_function_makes_rows_of_what_a_description_cannot_say_and_they_can_be_read_again(tmp_path: Path) -> None:
    drop = tmp_path / "drop" / "un"
    drop.mkdir(parents=True)
    file = drop / "2026年10月.csv"
    file.write_text("台账\n单位,内容\n甲,A1:工;A2:团\n乙,B1:工\n", "utf-8")
    os.utime(file, (1, 1))
    settings = hooked(tmp_path, GOOD)
    addressed(tmp_path, f'[un]\ndrop = "{tmp_path / "drop"}"\n')
    assert trial.run(settings, "un", lambda *_: None, NOW).code == 0
    assert fetched(settings, "un") == []
    seen = "SELECT org_id, org_type FROM raw.un_org ORDER BY 1"
    assert rows(settings, seen) == [("A1", "工会"), ("A2", "团"), ("B1", "工会")]
    (tmp_path / "sources" / "un.py").unlink()
    with opened(settings, now=lambda: WORLD_NOW) as context:
        context.writer.execute("DELETE FROM raw.un_org")
        context.writer.execute("DELETE FROM run.batch WHERE source = 'un'")
        intake.pending(context)
        assert context.writer.execute(seen) == [("A1", "工会"), ("A2", "团"), ("B1", "工会")], (
            "its text lies with the payload"
        )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def rows(entity, rows):\n    return rows[0]['没有']\n", "第 2 行出错：KeyError"),
        (
            "import socket\ndef rows(entity, rows):\n    socket.create_connection(('127.0.0.1', 1))\n",
            "第 3 行出错：不能访问文件、网络或其他程序",
        ),
        ("def rows(entity, rows):\n    import os\n    os.system('true')\n", "第 3 行出错：不能访问"),
        ("def rows(entity, rows):\n    return open('/etc/passwd').read()\n", "第 2 行出错：不能访问"),
        ("def rows(entity, rows):\n    open('/tmp/zhengbei-hook', 'w')\n", "第 2 行出错：不能访问"),
        ("def rows(entity, rows):\n    raise SystemExit\n", "第 2 行出错：SystemExit"),
        ("def rows(entity, rows):\n    return [1]\n", "应返回行的清单"),
        ("x = 1\n", "没有函数 rows"),
        ("def rows(entity, rows):\n    return [bytearray(1 << 31)]\n", "第 2 行出错：MemoryError"),
    ],
)
def test_a_function_that_fails_is_named_by_file_and_line_and_reaches_nothing(code: str, said: str) -> None:
    parser = Parser()
    note = Landed(1, "un", "org", "json_rows", "t", NOW.isoformat(), "", 1, mapping={"columns": {"org_id": "a"}})
    try:
        broken = Landed(**{**_fields(note), "mapping": {**note.mapping, "hook": {"file": "un.py", "code": code}}})
        with pytest.raises(ContractBroken) as wrong:
            parser.parse(broken, b'[{"a": "13800001111"}]')
        assert "处理程序 un.py" in str(wrong.value) and said in str(wrong.value) and "\n" not in str(wrong.value)
        assert "138" not in str(wrong.value)
        assert parser.parse(note, b'[{"a": "x"}]')["org_id"].to_pylist() == ["x"], "the child goes on"
    finally:
        parser.close()


def _fields(note: Landed) -> dict[str, Any]:
    return {name: getattr(note, name) for name in note.__dataclass_fields__}


def test_a_function_that_does_not_end_is_ended() -> None:
    code = """
from warehouse.ingest import hook

hook.SECONDS = 1
try:
    hook.run({"file": "un.py", "code": "def rows(e, r):\\n    while True:\\n        pass"}, "org", [])
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert "un.py 第 2 行出错：超过 1 秒" in done.stdout or "un.py 第 3 行出错：超过 1 秒" in done.stdout


def test_a_function_that_is_no_python_or_that_others_may_write_stops_its_source_only(tmp_path: Path) -> None:
    settings = hooked(tmp_path, "def rows(entity, rows)\n    return rows\n")
    with pytest.raises(ConfigError, match=r"处理程序 un.py 第 1 行不是正确的 Python"):
        feeds(settings)
    (tmp_path / "sources" / "un.py").write_text(GOOD, "utf-8")
    (tmp_path / "sources" / "un.py").chmod(0o666)
    with pytest.raises(Refused, match="他人可以改写"):
        feeds(settings)
    (tmp_path / "sources" / "un.py").unlink()
    with pytest.raises(ConfigError, match=r"没有处理程序 un\.py"):
        feeds(settings)
    addressed(tmp_path, "[un]\ndrop = '/nowhere'\n")
    with opened(settings, now=lambda: WORLD_NOW) as context:
        usable, faults = intake.usable(context)
        assert list(faults) == ["un"] and {"yz", "gps"} <= {feed.source for feed in usable}


SQL = '[[feeds]]\nentity = "company"\njobs = ["refresh"]\ntransport = "sql_database"\ntable = "t"\n'
HTTP = '[[feeds]]\nentity = "company"\njobs = ["refresh"]\ntransport = "http_json"\npath = "/a"\nauth = "none"\n'


@pytest.mark.parametrize(
    ("description", "said"),
    [
        (SQL + "cursor_column = 'a'\nwhere = { b = '0' }", "就要写 reconcile = true"),
        (HTTP + "where = { b = '0' }", "就要写 reconcile = true"),
        (SQL + "cursor_type = 'time'", "没有 cursor_column"),
        (SQL + "reads = ['a']", "没有 hook"),
        (SQL + "columns = { uscc = { from = 'a', match = '(' } }", "不是正确的正则表达式"),
        (SQL + "columns = { uscc = { from = 'a', take = 2 } }", "要与 split 一起写"),
        (SQL + "columns = { uscc = { from = 'a', split = '/', take = 0 } }", "从 1 数起"),
        (SQL + "columns = { uscc = { from = 'a', join = '-' } }", "几列合成一列"),
        (SQL + "columns = { uscc = { from = ['a'] } }", "from"),
        (SQL + "columns = { licence_from = { from = 'a', time = 'dmy' } }", "time"),
        (HTTP + "columns = { uscc = 'a[0' }", "不是正确的 JMESPath"),
        (HTTP + "answer = { items = 'a[' }", "不是正确的 JMESPath"),
        (SQL + "hook = '../x.py'", "hook"),
        (SQL + "reconcile = true\n" + SQL + "address = 'yz_east'", "不能写 reconcile 或 snapshot"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_in_words(description: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        feeds(described(tmp_path, description))
    assert said in str(wrong.value) and "yz.toml" in str(wrong.value) and "\n" not in str(wrong.value)
