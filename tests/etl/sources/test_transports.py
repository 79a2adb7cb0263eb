"""One and the same small register through every transport, each against a real server, ends in the same warehouse;
asked again with nothing new, nothing is landed; a change comes in, and a row that is gone is marked."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import io
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    create_engine,
    delete,
    insert,
)
from sqlalchemy.dialects.mysql import BIT

from etl.config.descriptions import feeds
from etl.config.schema import Feed
from etl.demo.registers import registry
from etl.demo.server import runner
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.conftest import WORLD_NOW
from tests.etl.sources import lists, servers
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import recover

pytestmark = pytest.mark.servers
ENTITIES = ("company", "vehicle", "driver", "employment", "certificate")
LATER = WORLD_NOW + dt.timedelta(minutes=30)
Rows = dict[str, list[dict[str, Any]]]
DAYS = {
    "licence_from",
    "licence_to",
    "register_date",
    "review_due",
    "stop_from",
    "stop_to",
    "birth_date",
    "integrity_to",
    "from_date",
    "to_date",
    "issue_date",
    "valid_to",
}
INSTANTS, FLAGS, SMALL = (
    {"yz_updated_at", "ecert_at"},
    {"is_trailer", "is_captain"},
    {"coord_sys", "plate_color", "axles", "emission_stage"},
)
EXACT, REAL = {"tonnage_t", "gross_mass_t"}, {"lon", "lat"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The register of a world of twenty vehicles, with all its defects."""
    world = runner.prepare(
        tmp_path_factory.mktemp("world"), scale=20, now=WORLD_NOW.replace(tzinfo=SHANGHAI), history_days=3
    )
    return {name.removeprefix("yz_"): registry.records(frame) for name, frame in registry.frames(world)[0].items()}


def changed(rows: Rows) -> Rows:
    """Ten minutes later: one vehicle has another status and a new company is there."""
    stamp = (WORLD_NOW + dt.timedelta(minutes=10)).strftime("%Y-%m-%d %H:%M:%S")
    new = {name: list(found) for name, found in rows.items()}
    new["vehicle"][0] = {**rows["vehicle"][0], "status": "锁定", "yz_updated_at": stamp}
    new["company"].append(
        {**rows["company"][0], "uscc": "91330110MA2ABCDE12", "name": "新来的物流有限公司", "yz_updated_at": stamp}
    )
    return new


@dataclasses.dataclass
class House:
    """A data folder fed by one transport; `show` publishes a state of the register in the source."""

    data: Path
    now: dt.datetime = WORLD_NOW

    def settings(self, endpoint: str, description: str = "") -> Settings:
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "sources.toml").touch(0o600)
        (self.data / "sources.toml").write_text(f"is_demo = true\n[yz]\n{endpoint}", "utf-8")
        if description:
            (self.data / "sources").mkdir(exist_ok=True)
            (self.data / "sources" / "yz.toml").write_text(description, "utf-8")
        return Settings(self.data)


def mine(settings: Settings) -> list[Feed]:
    return [feed for feed in feeds(settings) if feed.source == "yz" and feed.entity in ENTITIES]


def landed(context: Context) -> int:
    return len(list(context.landing.notes()))


def typed(name: str, value: Any) -> Any:
    if value is None or name not in DAYS | INSTANTS | FLAGS:
        return value
    return (
        bool(value)
        if name in FLAGS
        else dt.datetime.fromisoformat(value)
        if name in INSTANTS
        else dt.date.fromisoformat(value)
    )


def tables(rows: Rows, theirs: dict[str, str], *, bits: bool) -> dict[str, Table]:
    """Tables with the types a bureau's own database has, under its own names."""
    metadata = MetaData()

    def kind(name: str) -> Any:
        if name in FLAGS:
            return BIT(1) if bits and name == "is_captain" else Boolean
        return (
            Date
            if name in DAYS
            else DateTime
            if name in INSTANTS
            else SmallInteger
            if name in SMALL
            else Numeric(9, 2)
            if name in EXACT
            else Double
            if name in REAL
            else String(200)
        )

    return {
        entity: Table(
            theirs.get(entity, f"yz_{entity}"),
            metadata,
            *(Column(theirs.get(name, name), kind(name)) for name in found[0]),
        )
        for entity, found in rows.items()
    }


def through_sql(
    house: House,
    rows: Rows,
    dsn: str,
    *,
    endpoint: str,
    description: str = "",
    theirs: dict[str, str] | None = None,
    bits: bool = False,
) -> Iterator[Settings]:
    """Yields the settings with the first state in the database, then with the second."""
    names, engine = theirs or {}, create_engine(dsn)
    made = tables(rows, names, bits=bits)

    def records(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                names.get(name, name): int(value) if bits and name == "is_captain" else typed(name, value)
                for name, value in row.items()
            }
            for row in found
        ]

    for table in made.values():
        table.create(engine)
    with engine.begin() as connection:
        for entity, table in made.items():
            connection.execute(insert(table), records(rows[entity]))
    yield house.settings(endpoint, description)
    new = changed(rows)
    with engine.begin() as connection:
        for entity in ("company", "vehicle"):
            connection.execute(delete(made[entity]))
            connection.execute(insert(made[entity]), records(new[entity]))
    engine.dispose()
    yield Settings(house.data)


CHINESE = {
    "vehicle": "t_clxx",
    "plate_no": "号牌号码",
    "plate_color": "号牌颜色",
    "is_trailer": "是否挂车",
    "tonnage_t": "核定载质量",
    "yz_updated_at": "更新时间",
    "uscc": "所属业户",
    "register_date": "登记日期",
    "status": "营运状态",
}


def described(rows: Rows, common: str, of: dict[str, str], theirs: dict[str, str] | None = None) -> str:
    """A source description: `common` for all feeds, `of` by entity; a column mapping where the names are `theirs`."""
    text = f'label = "道路运政"\n[defaults]\njobs = ["refresh"]\n{common}\n'
    for entity in ENTITIES:
        text += f'\n[[feeds]]\nentity = "{entity}"\n{of[entity]}\n'
        if theirs:
            text += "[feeds.columns]\n" + "".join(
                f'{name} = "{theirs.get(name, name)}"\n'
                for name in rows[entity][0]
                if name not in ("legal_rep", "phone") or entity == "driver"
            )
    return text


@contextlib.contextmanager
def sqlite(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    """As the shipped description says it."""
    file = house.data.parent / f"{house.data.name}.sqlite"
    yield through_sql(house, rows, f"sqlite:///{file}", endpoint=f'dsn = "sqlite:///{file}"\n')


@contextlib.contextmanager
def postgres(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    with servers.postgres() as dsn:
        yield through_sql(house, rows, dsn, endpoint=f'dsn = "{dsn}"\n')


@contextlib.contextmanager
def mariadb(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    """Under the vendor's own names, bits for flags, and the password in a file of its own."""
    with servers.mariadb() as dsn:
        secret = house.data.parent / "password"
        secret.touch(0o600)
        secret.write_text("p@ss/word\n")
        common = 'transport = "sql_database"\ncursor_column = "更新时间"\nreconcile = true'
        description = described(
            rows,
            common,
            {entity: f'table = "yz.{CHINESE.get(entity, f"yz_{entity}")}"' for entity in ENTITIES},
            CHINESE,
        )
        yield through_sql(
            house,
            rows,
            dsn.replace("reader@", "reader:p%40ss%2Fword@"),
            endpoint=f'dsn = "{dsn}"\npassword = "file:{secret}"\n',
            description=description,
            theirs=CHINESE,
            bits=True,
        )


@contextlib.contextmanager
def over_http(house: House, rows: Rows, common: str) -> Iterator[Iterator[Settings]]:
    service = lists.Lists(
        {name: found for name, found in rows.items()}, updated="yz_updated_at", now=WORLD_NOW.replace(tzinfo=SHANGHAI)
    )
    os.environ["ZHENGBEI_TEST_SECRET"] = lists.SECRET
    kind = (
        "page"
        if "updated_from" not in common and "window" not in common
        else "cursor"
        if "cursor" in common
        else "window"
    )
    with lists.served(service) as url:

        def states() -> Iterator[Settings]:
            endpoint = f'url = "{url}"\nclient_id = "{lists.CLIENT}"\nclient_secret = "env:ZHENGBEI_TEST_SECRET"\n'
            common_ = f'transport = "http_json"\nwindow_s = 2000000000\nfirst_back_s = 1700000000\n{common}'
            yield house.settings(
                endpoint, described(rows, common_, {entity: f'path = "/{kind}/{entity}"' for entity in ENTITIES})
            )
            service.rows, service.now = changed(rows), LATER.replace(tzinfo=SHANGHAI)
            yield Settings(house.data)

        yield states()


def by_page(house: House, rows: Rows) -> Any:
    return over_http(house, rows, lists.PAGE + "page_size = 9\n")


def by_cursor(house: House, rows: Rows) -> Any:
    return over_http(house, rows, lists.CURSOR.replace("page_size = 500", "page_size = 7"))


def at_once(house: House, rows: Rows) -> Any:
    return over_http(house, rows, lists.WINDOW)


def csv_of(found: list[dict[str, Any]], encoding: str) -> bytes:
    text = io.StringIO()
    out = csv.DictWriter(text, list(found[0]))
    out.writeheader()
    out.writerows(found)
    return text.getvalue().encode(encoding)


def changed_in(state: Rows, rows: Rows) -> list[str]:
    """Entities to deliver: a file that is the one of yesterday byte for byte counts as not delivered (D21)."""
    return [entity for entity in ENTITIES if state is rows or state[entity] != rows[entity]]


def file_feeds(rows: Rows, suffix: str, common: str = "") -> str:
    return described(
        rows, f'transport = "files"\n{common}', {entity: f'glob = "yz/*{entity}*{suffix}"' for entity in ENTITIES}
    )


@contextlib.contextmanager
def sftp(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    """GB18030 files in a folder on another machine."""
    with servers.sshd() as ssh, servers.folder("zhengbei-drop-") as drop:

        def put(state: Rows, name: str) -> None:
            for entity in changed_in(state, rows):
                file = drop / "yz" / f"{name}_{entity}.csv"
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(csv_of(state[entity], "gb18030"))
                os.utime(file, (1_700_000_000,) * 2)

        def states() -> Iterator[Settings]:
            put(rows, "01")
            yield house.settings(
                f'drop = "sftp://{ssh.user}@127.0.0.1:{ssh.port}{drop}"\n[yz.options]\nkey_filename = "{ssh.key_filename}"\nhost_key = "{ssh.host_key}"\n',
                file_feeds(rows, ".csv"),
            )
            put(changed(rows), "02")
            yield Settings(house.data)

        yield states()


@contextlib.contextmanager
def sftp_zip(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    """One archive with five files, read by five feeds."""
    with servers.sshd() as ssh, servers.folder("zhengbei-drop-") as drop:

        def put(state: Rows, name: str) -> None:
            with zipfile.ZipFile(drop / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for entity in ENTITIES:
                    archive.writestr(f"导出/{entity}.csv", csv_of(state[entity], "utf-8-sig"))
            os.utime(drop / f"{name}.zip", (1_700_000_000,) * 2)

        def states() -> Iterator[Settings]:
            put(rows, "01")
            description = described(
                rows, 'transport = "files"\nglob = "*.zip"', {entity: f'member = "{entity}.csv"' for entity in ENTITIES}
            )
            yield house.settings(
                f'drop = "sftp://{ssh.user}@127.0.0.1:{ssh.port}{drop}"\n[yz.options]\nkey_filename = "{ssh.key_filename}"\nhost_key = "{ssh.host_key}"\n',
                description,
            )
            put(changed(rows), "02")
            yield Settings(house.data)

        yield states()


@contextlib.contextmanager
def s3(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    import boto3

    with servers.s3() as url:
        store = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
        )
        store.create_bucket(Bucket="drop")

        def put(state: Rows, name: str) -> None:
            for entity in changed_in(state, rows):
                store.put_object(Bucket="drop", Key=f"in/yz/{name}_{entity}.csv", Body=csv_of(state[entity], "utf-8"))

        def states() -> Iterator[Settings]:
            put(rows, "01")
            yield house.settings(
                f'drop = "s3://drop/in"\n[yz.options]\nkey = "key"\nsecret = "secret"\nendpoint_url = "{url}"\n',
                file_feeds(rows, ".csv"),
            )
            put(changed(rows), "02")
            yield Settings(house.data)

        yield states()


def workbook(state: Rows) -> bytes:
    """One workbook with a sheet an entity, a title above each header."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for entity in ENTITIES:
        sheet = book.create_sheet(f"{entity} 2026")
        names = list(state[entity][0])
        sheet.append([f"余杭区道路运政 {entity}"])
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(names))
        sheet.append(names)
        for row in state[entity]:
            sheet.append([typed(name, row[name]) if name in DAYS | INSTANTS else row[name] for name in names])
        sheet.append(["合计", len(state[entity])])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@contextlib.contextmanager
def xlsx(house: House, rows: Rows) -> Iterator[Iterator[Settings]]:
    with servers.folder("zhengbei-drop-") as drop:

        def put(state: Rows, name: str) -> None:
            (drop / f"{name}.xlsx").write_bytes(workbook(state))
            os.utime(drop / f"{name}.xlsx", (1_700_000_000,) * 2)

        def states() -> Iterator[Settings]:
            put(rows, "01")
            yield house.settings(
                f'drop = "{drop}"\n',
                described(
                    rows,
                    'transport = "files"\nglob = "*.xlsx"',
                    {entity: f'sheet = "{entity}*"' for entity in ENTITIES},
                ),
            )
            put(changed(rows), "02")
            yield Settings(house.data)

        yield states()


Prints = tuple[Any, Any, list[Any]]


def both(settings: Iterator[Settings], name: str) -> Prints:
    """Fingerprints of the two states and the quarantine; asserts on the way that nothing new is landed twice."""
    with opened(next(settings), now=lambda: WORLD_NOW) as context:
        wanted = mine(context.settings)
        assert intake.run(context, wanted) == []
        first, count = recover.fingerprint(context.writer), landed(context)
        assert intake.run(context, wanted) == []  # SQL asks with a cursor now: the rows of the overlap come once more
        again, started = landed(context), time.perf_counter()
        assert intake.run(context, wanted) == []
        took = time.perf_counter() - started
        assert landed(context) == again <= count + len(ENTITIES) and recover.fingerprint(context.writer) == first
        print(f"{name}: 无新数据的一轮 {took * 1000:.0f} ms,{len(wanted)} 个 feed")
    with opened(next(settings), now=lambda: LATER) as context:
        assert intake.run(context, wanted) == []
        assert context.writer.execute("SELECT status FROM raw.yz_vehicle ORDER BY yz_updated_at DESC LIMIT 1") == [
            ("锁定",)
        ]
        assert context.writer.execute(
            "SELECT count(*) FROM run.batch WHERE rows_in <> merged + older + duplicate + quarantined"
        ) == [(0,)]
        rules = context.writer.execute(
            "SELECT entity, rule, count(DISTINCT payload) FROM raw.quarantine GROUP BY ALL ORDER BY ALL"
        )
        return first, recover.fingerprint(context.writer), rules


@pytest.fixture(scope="module")
def expected(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Prints]:
    """What SQLite gives with the shipped description, and that house's keys: pseudonyms hang on them."""
    folder = tmp_path_factory.mktemp("sqlite") / "data"
    with sqlite(House(folder), rows) as settings:
        return folder / "keys", both(settings, "sqlite")


@pytest.mark.parametrize(
    "transport",
    [postgres, mariadb, by_page, by_cursor, at_once, sftp, sftp_zip, s3, xlsx],
    ids=lambda transport: transport.__name__,
)
def test_the_same_register_through_any_transport_gives_the_same_warehouse(
    transport: Any, rows: Rows, expected: tuple[Path, Prints], tmp_path: Path
) -> None:
    keys, prints = expected
    shutil.copytree(keys, tmp_path / "data" / "keys")
    with transport(House(tmp_path / "data"), rows) as settings:
        first, second, rules = both(settings, transport.__name__)
    assert {name: (first.get(name), one) for name, one in prints[0].items() if first.get(name) != one} == {}
    assert {name: (second.get(name), one) for name, one in prints[1].items() if second.get(name) != one} == {}
    assert rules == prints[2]
    assert first["raw.yz_vehicle"][0] >= 20 and first["raw.yz_driver"][0] > 5 and second != first
