"""A source is tried against real servers: each wrong way in has a sentence of its own, a right one shows its rows under our
names with every breach by cell, and nothing is written."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from etl.cli import doctor_checks, source_commands
from etl.pipeline import trial, trial_bench
from etl.runtime.context import silent
from tests.conftest import WORLD_NOW
from tests.etl.sources import fault_server, lists, servers
from tests.etl.sources.line import row, settings_of
from tests.etl.sources.lists import SECRET, Lists
from tests.etl.sources.test_connecting import addressed, described
from tests.etl.sources.test_fault_feeds import certificate
from warehouse.core.settings import Settings
from warehouse.core.trial_report import Trial, decode, encode
from warehouse.core.units import SHANGHAI

PASSWORD = "very-secret-words"
NOW = WORLD_NOW.replace(tzinfo=SHANGHAI)
COMPANY = '[[feeds]]\nentity = "company"\njobs = ["refresh"]\ntransport = "sql_database"\ntable = "{table}"\n{more}[feeds.columns]\n{columns}'
COLUMNS = {"uscc": "信用代码", "name": "企业名称", "status": "经营状态", "yz_updated_at": "更新时间"}
ROWS = [
    ("91330110MA2ABCDE12", "甲物流", "营业", "2026-11-01 08:00:00", "330110", "13800000001"),
    ("91330110MA2ABCDE13", "乙物流", "失踪", "2026-11-02 08:00:00", "330110", "13800000002"),
    ("91330110MA2ABCDE14", "丙物流", "歇业", "前天", "330110", "13800000003"),
]
TABLE = "CREATE TABLE {name} (信用代码 varchar(20), 企业名称 varchar(50), 经营状态 varchar(10), 更新时间 varchar(20), 区县代码 varchar(10), 联系电话 varchar(20))"


def company(table: str = "t_qy", more: str = "", **columns: str) -> str:
    named = "".join(f'{ours} = "{theirs}"\n' for ours, theirs in {**COLUMNS, **columns}.items() if theirs)
    return COMPANY.format(table=table, more=more, columns=named)


def tried(folder: Path, addresses: str, description: str, source: str = "yz") -> Trial:
    addressed(folder, addresses)
    described(folder, description, source)
    before = listing(folder)
    found = trial.run(Settings(folder), source, silent, NOW)
    assert listing(folder) == before, "nothing is written"
    shown = "\n".join(source_commands.lines(found))
    assert PASSWORD not in shown and SECRET not in shown and "Traceback" not in shown
    assert decode(encode(found)) == found
    return found


def listing(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*")}


def only(found: Trial) -> str:
    """The one sentence of a trial in which nothing could be read."""
    assert len(found.tables) == 1 and not found.tables[0].rows
    assert "处理办法" in found.tables[0].error and "\n" not in found.tables[0].error
    return found.tables[0].error


def filled(dsn: str) -> None:
    engine = create_engine(dsn)
    with engine.begin() as connection:
        for name in ("t_qy", "t_secret"):
            connection.execute(text(TABLE.format(name=name)))
            marks = ", ".join(f":c{number}" for number in range(6))
            connection.execute(
                text(f"INSERT INTO {name} VALUES ({marks})"),
                [{f"c{number}": value for number, value in enumerate(one)} for one in ROWS],
            )
    engine.dispose()


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL that wants a password, and a reader who may see one of its tables. DSN without user."""
    with servers.postgres(PASSWORD) as dsn:
        inside = dsn.replace("reader@", f"reader:{PASSWORD}@")
        filled(inside)
        engine = create_engine(inside)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE ROLE bureau LOGIN PASSWORD '{PASSWORD}'"))
            connection.execute(text("GRANT SELECT ON t_qy TO bureau"))
        engine.dispose()
        yield dsn.replace("reader@", "bureau@")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    with servers.mariadb() as dsn:
        filled(dsn.replace("reader@", "reader:p%40ss%2Fword@"))
        yield dsn


def section(dsn: str, password: str = PASSWORD) -> str:
    return f'[yz]\ndsn = "{dsn}"\npassword = "{password}"\n'


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "table", "code", "words"),
    [
        ({"password": "wrong"}, "t_qy", 77, "用户名或密码不对"),
        ({"dsn": (r"bureau@", "nobody_here@")}, "t_qy", 77, "用户名或密码不对"),
        ({"dsn": (r"/postgres$", "/nothing")}, "t_qy", 78, "没有这个库"),
        ({"dsn": (r":\d+/", ":1/")}, "t_qy", 69, "端口没有服务"),
        ({"dsn": (r"127\.0\.0\.1:\d+", "nowhere.invalid")}, "t_qy", 69, "主机名查不到"),
        ({}, "t_secret", 77, "没有读取的权限"),
        ({}, "t_qyy", 65, "来源没有表 t_qyy"),
    ],
)
def test_each_wrong_way_into_postgresql_has_its_own_sentence(
    change: dict[str, Any], table: str, code: int, words: str, postgres: str, tmp_path: Path
) -> None:
    dsn = re.sub(*change["dsn"], postgres) if "dsn" in change else postgres
    found = tried(tmp_path, section(dsn, change.get("password", PASSWORD)), company(table))
    assert words in only(found) and found.code == code
    if table == "t_qyy":
        assert "t_qy" in only(found).partition("看得到的表")[2], "and which tables there are"


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "table", "code", "words"),
    [
        ({"password": "wrong"}, "t_qy", 77, "用户名或密码不对"),
        ({"dsn": (r"/yz\?", "/other?")}, "t_qy", 77, "没有读取的权限"),
        ({"dsn": (r":\d+/", ":1/")}, "t_qy", 69, "端口没有服务"),
        ({"dsn": (r"127\.0\.0\.1:\d+", "nowhere.invalid")}, "t_qy", 69, "主机名查不到"),
        ({}, "t_qyy", 65, "来源没有表 t_qyy"),
        ({}, "mysql.user", 77, "没有读取的权限"),
    ],
)
def test_each_wrong_way_into_mariadb_has_its_own_sentence(
    change: dict[str, Any], table: str, code: int, words: str, mariadb: str, tmp_path: Path
) -> None:
    dsn = re.sub(*change["dsn"], mariadb) if "dsn" in change else mariadb
    found = tried(tmp_path, section(dsn, change.get("password", "p@ss/word")), company(table))
    assert words in only(found) and found.code == code


@pytest.mark.servers
def test_rows_are_shown_under_our_names_and_every_breach_by_cell(postgres: str, tmp_path: Path) -> None:
    found = tried(tmp_path, section(postgres), company(uscc="", status="")).tables[0]
    assert found.looked_at == 3 and [one["name"] for one in found.rows] == ["甲物流", "乙物流", "丙物流"]
    assert [(one.cell, one.column, one.value, one.allowed) for one in found.breaches] == [
        ("第 3 条", "yz_updated_at", "前天", "应为时间，如 2026-01-31 09:30")
    ]
    gaps = {one.name: one for one in found.gaps}
    assert gaps["uscc"].is_required and not gaps["status"].is_required
    assert (gaps["uscc"].suggestion, gaps["status"].suggestion) == ("信用代码", "经营状态")
    assert "联系电话" in found.unused and "货运业户数" in found.blocked, "what stays 未接入 is named"


@pytest.mark.servers
def test_a_column_that_is_gone_is_named_with_the_one_that_may_be_meant(mariadb: str, tmp_path: Path) -> None:
    whole = tried(tmp_path, section(mariadb, "p@ss/word"), company(name="企业全称"))
    found = whole.tables[0]
    assert whole.code == 65 and "来源缺少列：企业全称" in found.error and found.looked_at == 3
    gap = next(one for one in found.columns if one.name == "name")
    assert gap.is_absent and gap.suggestion == "企业名称"
    codes = [one for one in found.breaches if one.column == "status"]
    assert [(one.value, one.fault) for one in codes] == [("失踪", "代码不在约定之内")] and "营业" in codes[0].allowed


@pytest.mark.servers
def test_a_text_cursor_that_is_no_time_is_refused(postgres: str, tmp_path: Path) -> None:
    found = tried(tmp_path, section(postgres), company(more='cursor_column = "更新时间"\n'))
    assert found.code == 65 and "游标列 更新时间 是文字" in only(found) and "视图" in only(found)


def service(folder: Path, url: str, protocol: str = "page", **changed: str) -> Trial:
    settings = settings_of(folder, url, protocol)
    addresses, description = settings.sources.read_text("utf-8"), (folder / "sources" / "gps.toml").read_text("utf-8")
    for old, new in changed.values():
        addresses, description = addresses.replace(old, new), description.replace(old, new)
    return tried(folder, addresses, description, "gps")


@pytest.mark.parametrize(
    ("protocol", "change", "code", "words"),
    [
        ("cursor", (SECRET, "wrong"), 77, "来源拒绝了客户端编号或密钥"),
        ("page", ("/page/post_check", "/nothing/post_check"), 65, "来源没有这个接口（HTTP 404）"),
        ("page", ('transport = "http_json"\n', 'transport = "http_json"\n#'), 0, ""),
        ("page", ("127.0.0.1:", "nowhere.invalid:"), 69, "主机名查不到"),
        ("page", ("[gps.options]", 'ca = "/not/there"\n[gps.options]'), 78, "证书文件无法读取"),
    ],
)
def test_each_wrong_way_into_a_service_has_its_own_sentence(
    protocol: str, change: tuple[str, str], code: int, words: str, tmp_path: Path
) -> None:
    with lists.served(Served({"post_check": [row(number) for number in range(30)]}, now=NOW)) as url:
        found = service(tmp_path, url, protocol, change=change)
    assert found.code == code
    if words:
        assert words in only(found)
    else:
        assert found.tables[0].looked_at == 20 and found.tables[0].rows[0]["check_id"].startswith("C00")


class Served(Lists):
    def answer(self, environ: dict[str, Any]) -> lists.Answer:
        if environ["PATH_INFO"].startswith("/nothing"):
            return lists.json({}, "404 Not Found")
        if environ["PATH_INFO"].startswith("/forbidden"):
            return lists.json({}, "403 Forbidden")
        return super().answer(environ)


def test_a_missing_right_a_closed_port_and_a_foreign_certificate_differ(tmp_path: Path) -> None:
    held = {"post_check": [row(number) for number in range(30)]}
    with lists.served(Served(held, now=NOW)) as url:
        found = service(tmp_path / "a", url, change=("/page/post_check", "/forbidden/post_check"))
        assert found.code == 77 and "不允许这个账号读取" in only(found)
    found = service(tmp_path / "b", f"http://127.0.0.1:{servers.free_port()}")
    assert found.code == 69 and "端口没有服务" in only(found)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path, 3))
    with fault_server.served(Lists(held, now=NOW), tls) as server:
        found = service(tmp_path / "c", server.url)
    assert found.code == 69 and "证书不可信、已过期或与地址不符" in only(found)


def test_a_server_that_takes_the_call_and_says_nothing_is_a_matter_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_bench, "REQUEST_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent_one:
        found = service(tmp_path, f"http://127.0.0.1:{silent_one.getsockname()[1]}")
    assert found.code == 69 and "应答太慢" in only(found) and "超时" not in only(found)


def test_a_service_that_answers_with_nothing_says_so(tmp_path: Path) -> None:
    with lists.served(Served({"post_check": []}, now=NOW)) as url:
        found = service(tmp_path, url)
    assert found.code == 66 and "应答正常" in only(found) and "没有行" in only(found)


FILE = '[[feeds]]\nentity = "company"\njobs = ["refresh"]\ntransport = "files"\nglob = "*.csv"\n[feeds.columns]\n'
LEDGER = FILE + "".join(f'{ours} = "{theirs}"\n' for ours, theirs in COLUMNS.items())
CSV = "信用代码,企业名称,经营状态,更新时间,联系人身份证\n91330110MA2ABCDE12,甲,营业,2026-11-01 08:00:00,x\n91330110MA2ABCDE13,乙,失踪,昨天,x\n"


def test_a_file_is_held_against_the_contract_cell_by_cell(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.csv").write_text(CSV, "utf-8")
    found = tried(tmp_path / "data", f'[yz]\ndrop = "{drop}"\n', LEDGER)
    breaches = sorted((one.cell, one.value) for one in found.tables[0].breaches)
    assert found.code == 65 and breaches == [("C3", "失踪"), ("D3", "昨天")]
    assert [error for _, error in trial.reach(Settings(tmp_path / "data"), "yz", NOW)] == [None]
    assert found.tables[0].unused == ["联系人身份证"]


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [("nothing", 69, "没有这个文件夹"), ("empty", 66, "文件夹是空的"), ("other", 66, "文件夹里有：b.txt")],
)
def test_a_folder_that_is_not_there_is_not_an_empty_one(made: str, code: int, words: str, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    if made != "nothing":
        drop.mkdir()
    if made == "other":
        (drop / "b.txt").write_text("x")
    found = tried(tmp_path / "data", f'[yz]\ndrop = "{drop}"\n', LEDGER)
    assert found.code == code and words in only(found)


@pytest.mark.servers
def test_each_wrong_way_into_sftp_has_its_own_sentence(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.csv").write_text(CSV, "utf-8")
    with servers.sshd() as ssh:
        options = f'key_filename = "{ssh.key_filename}"\nhost_key = "{ssh.host_key}"\n'
        right = f'[yz]\ndrop = "sftp://{ssh.user}@127.0.0.1:{ssh.port}{drop}"\n[yz.options]\n{options}'
        foreign = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzGTVrdjlqRyaCtVDbmpNGpUi4YwBRPWpHGEw0cXGCW"
        for change, code, words in (
            (("", ""), 65, ""),
            ((ssh.host_key, foreign), 77, "主机密钥与 host_key 不符"),
            ((f'key_filename = "{ssh.key_filename}"', f'password = "{PASSWORD}"'), 77, "密码或密钥不对"),
            ((ssh.key_filename, "/not/there"), 78, "没有密钥文件"),
            ((f":{ssh.port}", ":1"), 69, "端口没有服务"),
            ((str(drop), f"{drop}-other"), 69, "没有这个文件夹"),
        ):
            found = tried(tmp_path / f"data{code}{len(words)}", right.replace(*change), LEDGER)
            assert found.code == code and (not words or words in only(found)), (words, found)


def test_a_source_without_an_address_is_not_connected(tmp_path: Path) -> None:
    addressed(tmp_path, "is_demo = true\n")
    ended = CliRunner().invoke(source_commands.source, ["test", "hn", "--data", str(tmp_path)])
    assert ended.exit_code == 78 and "未接入：没有写地址" in ended.output and "drop" in ended.output
    listed = CliRunner().invoke(source_commands.source, ["list", "--data", str(tmp_path)])
    assert listed.exit_code == 0 and listed.output.count("未接入") == 12


def test_the_list_tells_connected_and_wrong_ones(tmp_path: Path) -> None:
    addressed(tmp_path, f'[yz]\ndrop = "{tmp_path}"\n[gps]\ndrop = "{tmp_path}"\n')
    described(tmp_path, LEDGER)
    described(tmp_path, LEDGER.replace("glob", "glop"), "gps")
    listed = CliRunner().invoke(source_commands.source, ["list", "--data", str(tmp_path)]).output
    assert re.search("已接入  yz .*方式：文件", listed) and re.search("描述有误  gps", listed) and "glop" in listed


@pytest.mark.servers
def test_the_doctor_tells_what_is_wrong_with_each_source(postgres: str, mariadb: str, tmp_path: Path) -> None:
    """A wrong password, a database that is down, a wrong secret, a missing right, and one that is fine."""
    held = Lists({"post_check": [row(number) for number in range(3)]}, now=NOW)
    with lists.served(held) as url:
        settings = settings_of(tmp_path, url, "cursor")
        gps = settings.sources.read_text("utf-8").replace(SECRET, "wrong").replace("is_demo = true", "")
        down = re.sub(r":\d+/", ":1/", mariadb)
        places = {
            "rdm": (down, "x"),
            "as": (postgres, "wrong"),
            "pj": (postgres, PASSWORD),
            "yz": (mariadb, "p@ss/word"),
        }
        sections = [f'[{name}]\ndsn = "{dsn}"\npassword = "{word}"\n' for name, (dsn, word) in places.items()]
        addressed(tmp_path, gps + "".join(sections))
        described(tmp_path, company())
        for name, entity in (("rdm", "plan"), ("as", "alarm"), ("pj", "item")):
            described(tmp_path, COMPANY.format(table="t_secret", more="", columns="").replace("company", entity), name)
        found = {name: (fine, text) for name, fine, text in doctor_checks.sources(settings)}
    words = {
        "远程管理": "端口没有服务",
        "主动安全": "用户名或密码不对",
        "数字化管理平台": "没有读取的权限",
        "动态监控": "客户端编号或密钥",
    }
    for label, said in words.items():
        fine, stated = next(line for name, line in found.items() if name.endswith(label))
        assert not fine and said in stated and "处理办法" in stated and PASSWORD not in stated, found
    assert found["来源 道路运政"] == (True, "已登录，1 张表各读到一行")
    assert found["未接入的来源"][0] and "荣誉" in found["未接入的来源"][1]
