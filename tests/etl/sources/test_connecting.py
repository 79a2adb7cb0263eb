"""What an operator writes to connect a source: wrong words are named, secrets stay secret, and what the other side does
on the way in (passwords, host keys, tokens, pace) ends in one clear sentence."""

from __future__ import annotations

import datetime as dt
import decimal
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from etl.config.descriptions import endpoints, feeds
from etl.config.schema import AnswerPaths, Feed
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from etl.sources import sql_database
from etl.sources.http_client import retry_after
from tests.conftest import WORLD_NOW
from tests.etl.sources import lists, servers
from tests.etl.sources.lists import Lists
from warehouse.core.errors import ConfigError, Refused
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

FEED = '[[feeds]]\nentity = "company"\njobs = ["refresh"]\n'
SQL = FEED + 'transport = "sql_database"\ntable = "yz_company"\n'
HTTP = FEED + 'transport = "http_json"\npath = "/a"\ntoken_path = "/t"\n'
FILES = FEED + 'transport = "files"\nglob = "*.csv"\n'
COLUMNS = ("uscc", "name", "status", "yz_updated_at")
MAPPED = "[feeds.columns]\n" + "".join(f'{name} = "{name}"\n' for name in COLUMNS)
SECRET = "very-secret-words"


def described(folder: Path, description: str, name: str = "yz") -> Settings:
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    (folder / "sources" / f"{name}.toml").write_text(description, "utf-8")
    return Settings(folder)


def addressed(folder: Path, addresses: str, mode: int = 0o600) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.toml").touch()
    (folder / "sources.toml").write_text(addresses, "utf-8")
    (folder / "sources.toml").chmod(mode)
    return Settings(folder)


@pytest.mark.parametrize(
    ("description", "said"),
    [
        (SQL + "tabel = 'x'", "未知的键：tabel"),
        ("labell = 'x'\n" + SQL, "未知的键：labell"),
        (FEED, "缺少必填的键：transport"),
        (FEED + "transport = 'sql_database'", "必须写明 table"),
        (FEED + "transport = 'fax'", "transport 的值 fax 不在允许范围"),
        (HTTP + "paging = 'all'", "paging 的值 all"),
        (HTTP + "auth = 'basic'", "auth 的值 basic"),
        (HTTP + "page_size = '5'", "page_size 的值类型不对"),
        (HTTP + "overlap_s = true", "overlap_s 的值类型不对"),
        (HTTP + "request = { begin = 'x' }", "未知的键：begin"),
        (HTTP + "answer = { rows = 'x' }", "未知的键：rows"),
        (HTTP.replace('"/a"', '"http://elsewhere/a"'), "主机只写在 sources.toml"),
        (HTTP + "reconcile = true", "请写 keys_path"),
        (HTTP + "snapshot = true", "snapshot 只用于"),
        (SQL + "cursor_column = 'a'\nsnapshot = true", "snapshot 只用于"),
        (FILES + "name_date = '('", "正则表达式"),
        (FILES + r"name_date = '(\d+)'", "应有两组"),
        (FILES + r"name_date = '(\d{4})(\d\d)'", "需要约定里有 ledger_at"),
        (SQL + "columns = { usccc = 'x' }", "约定没有的列：usccc"),
        (SQL + "columns = { uscc = { form = 'x' } }", "未知的键：form"),
        (SQL + "columns = { uscc = { from = 'x', factor = 2 } }", "未知的键：factor"),
        (SQL.replace("company", "conpany", 1), "没有这张落地表的约定：yz_conpany"),
        ("label = ", "文件无法读取"),
    ],
)
def test_a_wrong_word_in_a_source_is_named_with_its_place(description: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        feeds(described(tmp_path, description))
    assert said in str(wrong.value) and "yz.toml" in str(wrong.value) and "\n" not in str(wrong.value)


def test_a_file_of_the_bureau_replaces_the_shipped_one_and_may_set_what_is_common_once(tmp_path: Path) -> None:
    common = '[defaults]\ntransport = "http_json"\njobs = ["refresh"]\npath = "/a"\nauth = "none"\n[defaults.answer]\nitems = "rows"\ncode = ""\n'
    found = feeds(
        described(
            tmp_path,
            common
            + '[[feeds]]\nentity = "company"\n[feeds.answer]\ntotal = "n"\n[[feeds]]\nentity = "driver"\npath = "/b"\n',
        )
    )
    mine = [feed for feed in found if feed.source == "yz"]
    assert [(feed.entity, feed.path, feed.auth) for feed in mine] == [
        ("company", "/a", "none"),
        ("driver", "/b", "none"),
    ]
    assert mine[0].answer == AnswerPaths(items="rows", code="", total="n")
    assert mine[1].answer == AnswerPaths(items="rows", code="")
    assert {feed.source for feed in found} == {feed.source for feed in feeds()}, "the others stay as they are shipped"


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        ("is_demo = false\n[yz]\ndns = 'x'", "未知的键：dns"),
        ("yz = 'x'", "键 yz 的值类型不对"),
        ("[yz]\ndsn = 'env:ZHENGBEI_NOT_SET'", "没有环境变量 ZHENGBEI_NOT_SET"),
        ("[yz]\ndsn = 'file:/not/there'", "没有文件"),
        ("[yz]\noptions = 'x'", "类型不对"),
        ("[yz\n", "文件无法读取"),
    ],
)
def test_a_wrong_word_in_the_addresses_is_named(addresses: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        endpoints(addressed(tmp_path, addresses))


def test_secrets_come_from_the_environment_or_a_file_of_their_own_and_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o644)
    monkeypatch.setenv("ZHENGBEI_TEST_KEY", SECRET)
    settings = addressed(
        tmp_path / "data",
        f'[yz]\nurl = "http://a"\nclient_secret = "file:{secret}"\n[hn]\ndrop = "s3://a/b"\n[hn.options]\nkey = "env:ZHENGBEI_TEST_KEY"\n',
    )
    with pytest.raises(Refused, match="chmod 600"):
        endpoints(settings)
    secret.chmod(0o600)
    found, _ = endpoints(settings)
    assert found["yz"].client_secret == found["hn"].options["key"] == SECRET
    assert SECRET not in repr(found)
    with pytest.raises(Refused, match="对他人可读"):
        endpoints(addressed(tmp_path / "data", "is_demo = false", mode=0o640))


def run_one(folder: Path, addresses: str, description: str) -> list[str]:
    addressed(folder, addresses)
    described(folder, description)
    with opened(Settings(folder), now=lambda: WORLD_NOW) as context:
        return intake.run(context, [feed for feed in feeds(context.settings) if feed.source == "yz"])


@pytest.mark.parametrize(
    ("addresses", "description", "said"),
    [
        (f'dsn = "postgresql+psycopg://reader:{SECRET}@127.0.0.1:1/yz"', SQL, "来源数据库无法访问"),
        (f'dsn = "mysql+pymysql://reader@127.0.0.1:1/yz"\npassword = "{SECRET}"', SQL, "来源数据库无法访问"),
        (f'dsn = "nonsense:{SECRET}"', SQL, "dsn 写法不对"),
        (f'dsn = "oracle://reader:{SECRET}@127.0.0.1/yz"', SQL, "没有这种数据库的驱动"),
        (
            f'url = "http://127.0.0.1:1"\nclient_secret = "{SECRET}"\noptions = {{ deadline_s = 1 }}',
            HTTP,
            "来源无法访问",
        ),
        (f'drop = "ftp://reader:{SECRET}@127.0.0.1/out"', FILES, "不认识的地址"),
        (
            f'drop = "sftp://reader@127.0.0.1:1/out"\noptions = {{ password = "{SECRET}" }}',
            FILES,
            "必须写明对方的主机密钥",
        ),
        (
            f'drop = "sftp://reader@127.0.0.1:1/out"\noptions = {{ password = "{SECRET}", host_key = "ssh-ed25519 AAAA" }}',
            FILES,
            "投递文件夹无法访问",
        ),
        (
            f'drop = "s3://a/b"\noptions = {{ key = "k", secret = "{SECRET}", endpoint = "x" }}',
            FILES,
            "未知的键：endpoint",
        ),
    ],
)
def test_what_cannot_be_reached_is_one_sentence_without_the_secret(
    addresses: str, description: str, said: str, tmp_path: Path
) -> None:
    problems = run_one(tmp_path, f"[yz]\n{addresses}\n", description)
    assert len(problems) == 1 and said in problems[0] and "处理办法" in problems[0]
    assert SECRET not in problems[0] and "\n" not in problems[0]


@pytest.mark.servers
def test_a_server_with_another_host_key_is_not_talked_to(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    with servers.sshd() as ssh, servers.sshd() as other:
        addresses = f'[yz]\ndrop = "sftp://{ssh.user}@127.0.0.1:{ssh.port}{tmp_path / "drop"}"\n[yz.options]\nkey_filename = "{ssh.key_filename}"\nhost_key = "{other.host_key}"\n'
        problems = run_one(tmp_path / "data", addresses, FILES)
        assert len(problems) == 1 and "主机密钥与 host_key 不符" in problems[0]
        assert run_one(tmp_path / "other", addresses.replace(other.host_key, ssh.host_key), FILES) == []


def rows(count: int, status: str = "营业", at: dt.datetime = WORLD_NOW - dt.timedelta(days=3)) -> list[dict[str, Any]]:
    return [
        {
            "uscc": f"91330110MA2AB{n:05d}",
            "name": f"第{n}物流",
            "status": status,
            "yz_updated_at": (at + dt.timedelta(minutes=n)).strftime("%Y-%m-%d %H:%M:%S"),
        }
        for n in range(count)
    ]


def test_tokens_are_renewed_before_they_expire_and_the_pace_is_kept(tmp_path: Path) -> None:
    """Tokens that live half a second, and a source that takes five requests a second and no more."""
    service = Lists(
        {"company": rows(60)}, updated="yz_updated_at", now=WORLD_NOW.replace(tzinfo=SHANGHAI), life_s=0.5, per_s=5
    )
    description = (
        HTTP.replace('"/a"', '"/page/company"').replace('"/t"', '"/page/token"')
        + "page_size = 6\nmax_per_s = 4\nwindow_s = 9000000\nfirst_back_s = 9000000\n"
        + MAPPED
    )
    with lists.served(service) as url:
        assert run_one(tmp_path, f'[yz]\nurl = "{url}"\nclient_id = "c"\nclient_secret = "s"\n', description) == []
    assert service.refused == 0 and len(service.tokens) >= 2 and len(service.asked) == 10, "no request was made in vain"


def test_retry_after_in_seconds_and_as_a_date() -> None:
    now = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
    assert [
        retry_after(given, now)
        for given in ("7", "Mon, 23 Nov 2026 06:00:09 GMT", "Mon, 23 Nov 2026 05:00:00 GMT", "", "soon")
    ] == [7, 9, 0, 0, 0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        ("", ""),
        (True, "1"),
        (False, "0"),
        (b"\x01", "1"),
        (b"\x00", "0"),
        (12, "12"),
        (10.0, "10"),
        (120.5, "120.5"),
        (1e-5, "0.00001"),
        (float("nan"), "NaN"),
        (float("inf"), "INF"),
        (2.0**60, "1.1529215046068470E+18"),
        (decimal.Decimal("NaN"), "NaN"),
        (1851234567890123001, "1851234567890123001"),
        (decimal.Decimal("10.00"), "10"),
        (decimal.Decimal("1E+3"), "1000"),
        (decimal.Decimal("-0.0"), "0"),
        (decimal.Decimal("100"), "100"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02 11:04:05"),
        ("0000-00-00 00:00:00", None),
        (dt.timedelta(hours=8, minutes=5), "08:05:00"),
        ("余杭".encode(), "余杭"),
        (b"\xff\xfe\x00\x01\x02\x03\x04\x05\x06", "fffe00010203040506"),
    ],
)
def test_a_value_has_one_text_whichever_database_it_comes_from(value: object, said: str | None) -> None:
    assert sql_database.text(value) == said


@pytest.fixture
def database(tmp_path: Path) -> Iterator[tuple[Any, Context, list[Feed], list[dt.datetime]]]:
    """A bureau's SQLite file that can be given any content, and a house that reads it."""
    file, now = tmp_path / "register.sqlite", [WORLD_NOW]
    engine = create_engine(f"sqlite:///{file}")

    def holds(content: list[dict[str, Any]]) -> None:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS yz_company"))
            connection.execute(text(f"CREATE TABLE yz_company ({', '.join(content[0])})"))
            connection.execute(
                text(f"INSERT INTO yz_company VALUES ({', '.join(':' + name for name in content[0])})"), content
            )

    addressed(tmp_path / "data", f'[yz]\ndsn = "sqlite:///{file}"\n')
    described(tmp_path / "data", SQL + 'cursor_column = "yz_updated_at"\nreconcile = true\n' + MAPPED)
    with opened(Settings(tmp_path / "data"), now=lambda: now[0]) as context:
        yield holds, context, [feed for feed in feeds(context.settings) if feed.source == "yz"], now
    engine.dispose()


def test_the_newest_row_may_be_deleted_without_looking_like_a_restored_backup(
    database: tuple[Any, Context, list[Feed], list[dt.datetime]],
) -> None:
    holds, context, wanted, _ = database
    holds(rows(100))
    assert intake.run(context, wanted) == []
    holds(rows(99))
    assert intake.run(context, wanted) == [] and intake.reconcile(context, wanted) == []
    assert context.writer.execute("SELECT count(*) FROM raw.yz_company WHERE _deleted_at IS NULL") == [(99,)]


def test_of_rows_with_one_time_stamp_the_one_with_the_greater_number_is_the_later(
    database: tuple[Any, Context, list[Feed], list[dt.datetime]],
) -> None:
    holds, context, _, _ = database
    one = rows(1)[0]
    holds([{**one, "name": f"第{number}次", "line_no": number} for number in (10, 9, 2)])
    described(context.settings.data, SQL + 'cursor_column = "line_no"\n' + MAPPED)
    assert intake.run(context, [feed for feed in feeds(context.settings) if feed.source == "yz"]) == []
    assert context.writer.execute("SELECT name FROM raw.yz_company") == [("第10次",)]


def test_a_column_that_was_renamed_stops_the_feed_until_somebody_maps_it(
    database: tuple[Any, Context, list[Feed], list[dt.datetime]],
) -> None:
    holds, context, wanted, now = database
    holds(rows(100))
    assert intake.run(context, wanted) == []
    now[0] += dt.timedelta(hours=1)
    holds(
        [
            {("公司名称" if name == "name" else name): value for name, value in row.items()}
            for row in rows(100, status="歇业")
        ]
    )
    for _ in range(2):  # what we remember of the table must not hide that it has changed
        problems = intake.run(context, wanted)
    assert "缺少列：name" in problems[0] and "公司名称" in problems[0]
    described(
        context.settings.data,
        SQL + 'cursor_column = "yz_updated_at"\n' + MAPPED.replace('name = "name"', 'name = "公司名称"', 1),
    )
    mapped = [feed for feed in feeds(context.settings) if feed.source == "yz"]
    assert intake.run(context, mapped) == []
    assert context.writer.execute("SELECT DISTINCT name LIKE '第%物流' FROM raw.yz_company") == [(True,)]


@pytest.mark.parametrize(
    ("write", "fine"),
    [("%Y/%m/%d", False), ("%d.%m.%Y %H:%M", False), ("%Y-%m-%d %H:%M:%S", True), ("%Y-%m-%dT%H:%M:%S", True)],
)
def test_a_text_cursor_that_does_not_sort_as_time_is_refused_with_the_cure(
    write: str, fine: bool, database: tuple[Any, Context, list[Feed], list[dt.datetime]]
) -> None:
    """2026/11/3 comes after 2026/11/10: what is new would be asked for in vain, or the whole table each time."""
    holds, context, wanted, _ = database
    holds(
        [{**one, "yz_updated_at": (WORLD_NOW - dt.timedelta(days=n)).strftime(write)} for n, one in enumerate(rows(3))]
    )
    problems = intake.run(context, wanted)
    if fine:
        assert problems == []
        return
    assert len(problems) == 1 and "游标列 yz_updated_at 是文字" in problems[0] and "视图" in problems[0]
    assert context.writer.execute("SELECT count(*) FROM run.cursor") == [(0,)]


def test_nothing_is_written_to_a_source(
    database: tuple[Any, Context, list[Feed], list[dt.datetime]], tmp_path: Path
) -> None:
    holds, context, wanted, _ = database
    holds(rows(10))
    file = tmp_path / "register.sqlite"
    before, modified = file.read_bytes(), os.stat(file).st_mtime_ns
    assert intake.run(context, wanted) == [] and intake.reconcile(context, wanted) == []
    assert file.read_bytes() == before and os.stat(file).st_mtime_ns == modified
