"""F20 in files, F15 and F22 in a database, F16 at the TLS door: told in words, and after one good delivery as without
the fault."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import sqlite3
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.config.descriptions import feeds
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.conftest import WORLD_NOW
from tests.depth import depth
from tests.etl.register import endpoints as addresses
from tests.etl.register import plate, register
from tests.etl.sources import fault_server
from tests.etl.sources.line import ROWS, TIME, Prints, plain, row, settings_of
from tests.etl.sources.lists import Lists, Row
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import recover

pytestmark = pytest.mark.world

NAMES = {
    "check_id": "查岗编号",
    "platform_id": "平台编号",
    "object_type": "对象类型",
    "uscc": "业户",
    "sent_at": "下发时间",
    "limit_s": "应答时限",
    "answered_at": "应答时间",
    "content": "应答内容",
    "updated_at": "更新时间",
}


def of_days_ago(one: Row, days: int = 2) -> Row:
    """The row with all its times so many days earlier: 300 rows of ten minutes are two days."""
    moved = {name: value for name, value in one.items() if name.endswith("_at")}
    return {
        **one,
        **{
            name: f"{dt.datetime.strptime(str(at), TIME) - dt.timedelta(days=days):{TIME}}"
            for name, at in moved.items()
        },
    }


GOOD = [of_days_ago(row(number)) for number in range(300)]
WIDE = str.maketrans("0123456789-: ", "０１２３４５６７８９－：　")


def text_of(rows: list[Row], names: dict[str, str] | None = None) -> str:
    """The rows as a CSV text under Chinese headers."""
    chosen, out = names or NAMES, io.StringIO()
    sheet = csv.writer(out, lineterminator="\n")
    sheet.writerow(chosen.values())
    sheet.writerows([item.get(name, "附加") for name in chosen] for item in rows)
    return out.getvalue()


class Folder:
    """A data folder fed by files of one feed."""

    def __init__(self, home: Path) -> None:
        self.drop = home / "drop"
        self.drop.mkdir(parents=True)
        (home / "data" / "sources").mkdir(parents=True)
        (home / "data" / "sources.toml").touch(0o600)
        (home / "data" / "sources.toml").write_text(f'is_demo = true\n[gps]\ndrop = "{self.drop}"\n', "utf-8")
        columns = "".join(f'{ours} = "{theirs}"\n' for ours, theirs in NAMES.items())
        (home / "data" / "sources" / "gps.toml").write_text(
            f'label = "动态监控"\n[[feeds]]\nentity = "post_check"\ntransport = "files"\nglob = "*.csv"\njobs = ["refresh"]\n[feeds.columns]\n{columns}',
            "utf-8",
        )
        self.settings = Settings(home / "data")
        self.number = 0
        self.context: Context

    def fresh(self) -> Folder:
        for table in ("raw.gps_post_check", "raw.quarantine", "run.batch", "run.answer", "run.delivery", "run.touched"):
            self.context.writer.execute(f"DELETE FROM {table}")
        for file in self.drop.iterdir():
            file.unlink()
        return self

    def deliver(self, body: bytes) -> list[str]:
        self.number += 1
        file = self.drop / f"{self.number:04d}.csv"
        file.write_bytes(body)
        os.utime(file, (time.time() - 60,) * 2)
        return intake.run(self.context, [feed for feed in feeds(self.settings) if feed.source == "gps"])

    def print(self) -> Prints:
        return recover.fingerprint(self.context.writer)

    def held(self) -> int:
        return int(self.context.writer.execute("SELECT count(*) FROM raw.gps_post_check")[0][0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    made = Folder(tmp_path_factory.mktemp("files"))
    with opened(made.settings, now=lambda: WORLD_NOW) as made.context:
        yield made


@pytest.fixture(scope="module")
def truth(folder: Folder) -> Prints:
    assert folder.fresh().deliver(text_of(GOOD).encode()) == [] and folder.held() == len(GOOD)
    return folder.print()


def wide(item: Row) -> Row:
    return {
        **item,
        **{
            name: str(item[name]).translate(WIDE)
            for name in ("object_type", "limit_s", "sent_at", "answered_at", "updated_at", "check_id")
        },
    }


HARMLESS: dict[str, Callable[[], bytes]] = {
    "a mark before UTF-8": lambda: text_of(GOOD).encode("utf-8-sig"),
    "GB18030": lambda: text_of(GOOD).encode("gb18030"),
    "UTF-16": lambda: text_of(GOOD).encode("utf-16"),
    "full-width digits": lambda: text_of([wide(item) for item in GOOD]).encode(),
    "a new column": lambda: text_of(GOOD, {"新": "新增列", **NAMES}).encode(),
    "columns in another order": lambda: text_of(GOOD, dict(reversed(NAMES.items()))).encode("gb18030"),
    "semicolons and Windows line ends": lambda: text_of(GOOD).replace(",", ";").replace("\n", "\r\n").encode(),
    "a title above": lambda: ("平台查岗明细\n" + text_of(GOOD)).encode("gb18030"),
    "numbers from a spreadsheet": lambda: text_of([{**item, "limit_s": "600.0"} for item in GOOD]).encode(),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_f20_another_way_of_writing_the_same_is_the_same(name: str, folder: Folder, truth: Prints) -> None:
    assert folder.fresh().deliver(HARMLESS[name]()) == []
    assert folder.print() == truth and folder.context.writer.execute("SELECT count(*) FROM raw.quarantine") == [(0,)]


@pytest.mark.parametrize(
    ("lost", "renamed"),
    [(name, new) for name in ("check_id", "sent_at", "limit_s", "updated_at") for new in ("", "别的名字")],
)
def test_f20_a_lost_or_renamed_column_stops_the_file_and_is_named(
    lost: str, renamed: str, folder: Folder, truth: Prints
) -> None:
    names = {ours: renamed if ours == lost else theirs for ours, theirs in NAMES.items() if renamed or ours != lost}
    problems = folder.fresh().deliver(text_of(GOOD, names).encode())
    plain(problems, f"缺少列：{NAMES[lost]}", "实际表头")
    assert folder.held() == 0
    assert folder.deliver(text_of(GOOD).encode()) == [] and folder.print() == truth


WRONG = {
    "limit_s": ["十分钟", "6OO", "1.5", "99999999999"],
    "sent_at": ["", "昨天", "2026-13-45 00:00:00", "0000-00-00"],
    "object_type": ["甲", "70000"],
    "check_id": [""],
    "answered_at": ["25:00"],
}


@pytest.mark.slow
@given(
    bad=st.dictionaries(
        st.integers(0, len(GOOD) - 1),
        st.sampled_from([(name, value) for name, values in WRONG.items() for value in values]),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=depth(12, 50), deadline=None, derandomize=True, database=None)
def test_f20_a_few_wrong_values_are_put_aside_and_many_stop_the_file(
    folder: Folder, truth: Prints, bad: dict[int, tuple[str, str]]
) -> None:
    """A wrong optional field costs itself alone. Up to 1 % or 20 rows whose key or time is wrong are put aside and the
    rest is in; more, and nothing is."""
    rows = [{**item, bad[number][0]: bad[number][1]} if number in bad else item for number, item in enumerate(GOOD)]
    costly = [number for number, (name, _) in bad.items() if name in ("check_id", "sent_at")]
    problems = folder.fresh().deliver(text_of(rows).encode())
    if len(costly) <= 20:
        assert problems == [] and folder.held() == len(GOOD) - len(costly)
        listed = "SELECT count(*) FROM raw.quarantine WHERE row_no >= 0 AND regexp_matches(rule, '^(type|required):')"
        assert folder.context.writer.execute(listed) == [(len(bad),)]
        for field in ("limit_s", "object_type"):
            unknown = sum(name == field for name, _ in bad.values())
            held = folder.context.writer.execute(f"SELECT count(*) FROM raw.gps_post_check WHERE {field} IS NULL")
            assert held == [(unknown,)]
    else:
        plain(problems, f"{len(costly)} 行不合约定", "超过上限")
        assert folder.held() == 0
    assert folder.deliver(text_of(GOOD).encode()) == [] and folder.print() == truth


def database(home: Path) -> tuple[Path, Settings]:
    register(home / "register.sqlite", 60)
    addresses(home / "data", home / "register.sqlite", home / "drop")
    return home / "register.sqlite", Settings(home / "data")


def test_f15_a_future_time_stamp_in_a_database_hides_no_later_row(tmp_path: Path) -> None:
    file, found = database(tmp_path)
    now = [WORLD_NOW]
    with opened(found, now=lambda: now[0]) as context:
        wanted = [feed for feed in feeds(found) if (feed.source, feed.entity) == ("yz", "vehicle")]
        with sqlite3.connect(file) as db:
            db.execute("UPDATE yz_vehicle SET yz_updated_at = '2031-01-01 00:00:00' WHERE plate_no = ?", [plate(0)])
        assert intake.run(context, wanted) == []
        now[0] = WORLD_NOW + dt.timedelta(minutes=10)
        with sqlite3.connect(file) as db:
            db.execute(
                "UPDATE yz_vehicle SET status = '停运', yz_updated_at = ? WHERE plate_no IN (?, ?)",
                [(WORLD_NOW + dt.timedelta(minutes=5)).strftime(TIME), plate(0), plate(1)],
            )
        assert intake.run(context, wanted) == []
        assert context.writer.execute("SELECT count(*) FROM raw.yz_vehicle WHERE status = '停运'") == [(2,)]
        assert context.writer.execute("SELECT max(_version) FROM raw.yz_vehicle") == [
            (WORLD_NOW + dt.timedelta(minutes=5),)
        ]


def test_f22_a_database_restored_from_a_backup_is_frozen_for_reading_and_for_deletes(tmp_path: Path) -> None:
    file, found = database(tmp_path)
    now = [WORLD_NOW]
    with opened(found, now=lambda: now[0]) as context:
        wanted = [feed for feed in feeds(found) if (feed.source, feed.entity) == ("yz", "vehicle")]
        backup = file.read_bytes()
        with sqlite3.connect(file) as db:
            db.execute(
                "UPDATE yz_vehicle SET status = '停运', yz_updated_at = ?",
                [(WORLD_NOW - dt.timedelta(minutes=5)).strftime(TIME)],
            )
        assert intake.run(context, wanted) == []
        truth, newest = recover.fingerprint(context.writer), file.read_bytes()
        now[0] = WORLD_NOW + dt.timedelta(minutes=5)
        context.sql_of("yz").close()
        file.write_bytes(backup)
        for _ in range(2):
            for problems in (intake.run(context, wanted), intake.reconcile(context, wanted)):
                assert len(problems) == 1 and all(
                    word in problems[0] for word in ("道路运政", "F22", "旧备份", "已冻结", "处理办法")
                )
                assert recover.fingerprint(context.writer) == truth
        context.sql_of("yz").close()
        file.write_bytes(newest)
        assert intake.run(context, wanted) == [] and intake.reconcile(context, wanted) == []
        assert recover.fingerprint(context.writer) == truth


def certificate(home: Path, days: int) -> Path:
    """A certificate for 127.0.0.1, with its key in the same file, that ends in `days`."""
    import ipaddress

    key, name, now = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")]),
        dt.datetime.now(dt.UTC),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = home / f"{days}.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.mark.parametrize(("days", "trusted"), [(1, True), (-1, True), (1, False)])
def test_f16_an_expired_or_unknown_certificate_is_named_and_a_good_one_is_taken(
    days: int, trusted: bool, tmp_path: Path
) -> None:
    file = certificate(tmp_path, days)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    with fault_server.served(
        Lists({"post_check": [row(number) for number in range(ROWS)]}, now=WORLD_NOW.replace(tzinfo=SHANGHAI)), tls
    ) as server:
        found = settings_of(tmp_path / "data", server.url, "page", f'ca = "{file}"\n' if trusted else "")
        with opened(found, now=lambda: WORLD_NOW) as context:
            problems = intake.run(context, [feed for feed in feeds(found) if feed.source == "gps"])
            if days > 0 and trusted:
                assert problems == [] and context.writer.execute("SELECT count(*) FROM raw.gps_post_check") == [(ROWS,)]
            else:
                plain(problems, "证书不可信、已过期或与地址不符", server.url)
