"""Everything that the stand-in sources hand over in 40 days, through every transport: the same landed tables, the same
quarantine, the same marts. Transports differ in how rows travel, never in what they say."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, create_engine, insert

from etl.jobs import refresh
from etl.runtime.context import opened
from tests.conftest import WORLD_NOW
from tests.etl.sources import lists, servers
from warehouse.catalog.contracts import contracts
from warehouse.core.database import Writer
from warehouse.core.keys import Vault
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.ingest import parse
from warehouse.ingest.landing import Landing
from warehouse.publish import recover

Rows = list[dict[str, Any]]
ORDER, SHOWN = "line_no", "shown_at"
UNDECIDED = ("raw.pb_member", "raw.pb_member_history")
"""One person stands twice in a ledger with different words. In a sheet the later row wins; a table without a cursor
column has no later row, and any of the two may."""
LONG_AGO = (1_700_000_000,) * 2
"""Files that have not changed for long are settled."""


@dataclass
class Entity:
    """What the feeds of one landed table handed over, in the order of arrival, under the contract's names for the
    source's columns. is_whole: each delivery is the whole list and takes the place of the one before."""

    table: str
    is_whole: bool
    names: dict[str, None] = field(default_factory=dict)
    deliveries: list[Rows] = field(default_factory=list)

    @property
    def source(self) -> str:
        return contracts()[self.table].source

    @property
    def rounds(self) -> list[Rows]:
        """Whole lists one after the other; of everything else all at once."""
        return self.deliveries if self.is_whole else [[row for rows in self.deliveries for row in rows]]


@dataclass
class Way:
    """One transport to all sources. address: lines of sources.toml. feed: the lines of an entity's feed. put: shows
    these entities' next deliveries. is_ordered: whole lists come in an order of their own."""

    address: str
    feed: Callable[[Entity], str]
    put: Callable[[dict[str, Rows]], None]
    is_ordered: bool = True


@pytest.fixture(scope="module")
def entities(published: Path) -> dict[str, Entity]:
    """All that the published house was fed with, before the door and before any rule."""
    settings = Settings(published)
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        loaded = {
            row[0]
            for row in db.execute("SELECT landing_seq FROM run.batch WHERE source <> 'own' AND rows_in > 0").fetchall()
        }
    landing, found = Landing(settings.landing, Vault(settings.keys)), dict[str, Entity]()
    for note in landing.notes():
        if note.seq not in loaded:
            continue
        theirs = {column.name: column.source for column in contracts()[note.table].columns}
        rows = parse.parse(note, landing.body(note))
        rows = rows.rename_columns([theirs.get(name, name) for name in rows.column_names])
        entity = found.setdefault(note.table, Entity(note.table, bool(note.mapping.get("snapshot"))))
        entity.names |= dict.fromkeys(rows.column_names)
        entity.deliveries.append(rows.to_pylist())
    return found


def over_sql(dsn: str, entities: dict[str, Entity]) -> Way:
    """Tables of text: each value has come through a real transport of its own kind already. Lists have no cursor."""
    engine, metadata = create_engine(dsn), MetaData()
    made = {
        entity.table: Table(
            entity.table,
            metadata,
            *(Column(name, Text) for name in entity.names),
            *([] if entity.is_whole else [Column(ORDER, BigInteger)]),
            mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin",
        )
        for entity in entities.values()
    }
    metadata.create_all(engine)

    def feed(entity: Entity) -> str:
        return f'transport = "sql_database"\ntable = "{entity.table}"\n' + (
            "snapshot = true" if entity.is_whole else f'cursor_column = "{ORDER}"'
        )

    def put(shown: dict[str, Rows]) -> None:
        with engine.begin() as connection:
            for table, rows in shown.items():
                entity = entities[table]
                connection.execute(made[table].delete())
                connection.execute(
                    insert(made[table]),
                    [
                        {**dict.fromkeys(entity.names), **row, **({} if entity.is_whole else {ORDER: at})}
                        for at, row in enumerate(rows)
                    ],
                )
        engine.dispose()

    return Way(f'dsn = "{dsn}"', feed, put, is_ordered=False)


@contextlib.contextmanager
def sqlite(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    yield over_sql(f"sqlite:///{folder / 'all.sqlite'}", entities)


@contextlib.contextmanager
def postgres(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    with servers.postgres() as dsn:
        yield over_sql(dsn, entities)


@contextlib.contextmanager
def mariadb(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    with servers.mariadb() as dsn:
        yield over_sql(dsn.replace("reader@", "reader:p%40ss%2Fword@"), entities)


@contextlib.contextmanager
def over_http(folder: Path, entities: dict[str, Entity], kind: str, common: str) -> Iterator[Way]:
    """A list over HTTP cannot say "this is all there is", so ledgers that are whole lists lie in a database beside
    it."""
    start = WORLD_NOW - dt.timedelta(hours=1)
    service = lists.Lists({}, updated=SHOWN, now=WORLD_NOW.replace(tzinfo=SHANGHAI))
    beside = over_sql(
        f"sqlite:///{folder / 'ledgers.sqlite'}", {name: entity for name, entity in entities.items() if entity.is_whole}
    )
    flow = f'transport = "http_json"\nwindow_s = 2000000000\nfirst_back_s = 1700000000\n{common.replace("[defaults.", "[feeds.")}'

    def put(shown: dict[str, Rows]) -> None:
        beside.put({name: rows for name, rows in shown.items() if entities[name].is_whole})
        service.rows |= {
            name: [
                {**row, SHOWN: (start + dt.timedelta(milliseconds=at)).isoformat(" ")} for at, row in enumerate(rows)
            ]
            for name, rows in shown.items()
            if not entities[name].is_whole
        }

    with lists.served(service) as url:
        address = f'url = "{url}"\nclient_id = "{lists.CLIENT}"\nclient_secret = "{lists.SECRET}"\n{beside.address}'
        yield Way(
            address,
            lambda entity: beside.feed(entity) if entity.is_whole else f'path = "/{kind}/{entity.table}"\n{flow}',
            put,
            is_ordered=False,
        )


def by_page(folder: Path, entities: dict[str, Entity]) -> Any:
    return over_http(folder, entities, "page", lists.PAGE)


def by_cursor(folder: Path, entities: dict[str, Entity]) -> Any:
    return over_http(folder, entities, "cursor", lists.CURSOR)


def at_once(folder: Path, entities: dict[str, Entity]) -> Any:
    return over_http(folder, entities, "window", lists.WINDOW)


def csv_of(rows: Rows, names: list[str], encoding: str) -> bytes:
    text = io.StringIO()
    out = csv.DictWriter(text, names)
    out.writeheader()
    out.writerows(rows)
    return text.getvalue().encode(encoding)


def as_files(entities: dict[str, Entity], address: str, store: Callable[[str, bytes], None], encoding: str) -> Way:
    """A CSV file an entity and delivery."""

    def put(shown: dict[str, Rows]) -> None:
        for table, rows in shown.items():
            number = entities[table].rounds.index(rows)
            store(f"{table}/{number:02d}.csv", csv_of(rows, list(entities[table].names), encoding))

    return Way(
        address,
        lambda entity: f'transport = "files"\nglob = "{entity.table}/*.csv"\n' + "snapshot = true" * entity.is_whole,
        put,
    )


def into(drop: Path) -> Callable[[str, bytes], None]:
    def store(name: str, body: bytes) -> None:
        (drop / name).parent.mkdir(parents=True, exist_ok=True)
        (drop / name).write_bytes(body)
        os.utime(drop / name, LONG_AGO)

    return store


def over_ssh(ssh: servers.Ssh, drop: Path) -> str:
    return f'drop = "sftp://{ssh.user}@127.0.0.1:{ssh.port}{drop}"\noptions = {{ key_filename = "{ssh.key_filename}", host_key = "{ssh.host_key}" }}'


@contextlib.contextmanager
def sftp(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    with servers.sshd() as ssh, servers.folder("zhengbei-drop-") as drop:
        yield as_files(entities, over_ssh(ssh, drop), into(drop), "gb18030")


@contextlib.contextmanager
def s3(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    import boto3

    with servers.s3() as url:
        store = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
        )
        store.create_bucket(Bucket="drop")
        address = f'drop = "s3://drop/in"\noptions = {{ key = "key", secret = "secret", endpoint_url = "{url}" }}'
        yield as_files(
            entities,
            address,
            lambda name, body: store.put_object(Bucket="drop", Key=f"in/{name}", Body=body) and None,
            "utf-8",
        )


def by_source(
    drop: Path,
    shown: dict[str, Rows],
    entities: dict[str, Entity],
    suffix: str,
    pack: Callable[[dict[str, Rows]], bytes],
) -> None:
    """One file a source and round."""
    for source in {entities[table].source for table in shown}:
        number = len(list((drop / source).glob("*")))
        into(drop)(
            f"{source}/{number:02d}{suffix}",
            pack({table: rows for table, rows in shown.items() if entities[table].source == source}),
        )


@contextlib.contextmanager
def zipped(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    """An archive with a CSV file an entity."""

    def pack(shown: dict[str, Rows]) -> bytes:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
            for table, rows in shown.items():
                archive.writestr(f"导出/{table}.csv", csv_of(rows, list(entities[table].names), "utf-8-sig"))
        return body.getvalue()

    yield Way(
        f'drop = "{folder / "drop"}"',
        lambda entity: (
            f'transport = "files"\nglob = "{entity.source}/*.zip"\nmember = "{entity.table}.csv"\n'
            + "snapshot = true" * entity.is_whole
        ),
        lambda shown: by_source(folder / "drop", shown, entities, ".zip", pack),
    )


@contextlib.contextmanager
def xlsx(folder: Path, entities: dict[str, Entity]) -> Iterator[Way]:
    """A workbook with a sheet an entity."""

    def pack(shown: dict[str, Rows]) -> bytes:
        book, body = openpyxl.Workbook(write_only=True), io.BytesIO()
        for table, rows in shown.items():
            names, sheet = list(entities[table].names), book.create_sheet(table)
            sheet.append(names)
            for row in rows:
                sheet.append([row.get(name) for name in names])
        book.save(body)
        return body.getvalue()

    yield Way(
        f'drop = "{folder / "drop"}"',
        lambda entity: (
            f'transport = "files"\nglob = "{entity.source}/*.xlsx"\nsheet = "{entity.table}"\n'
            + "snapshot = true" * entity.is_whole
        ),
        lambda shown: by_source(folder / "drop", shown, entities, ".xlsx", pack),
    )


def described(data: Path, published: Path, way: Way, entities: dict[str, Entity]) -> Settings:
    """A data folder whose sources all come this way; keys agree with the published house, since pseudonyms hang on
    them."""
    (data / "sources").mkdir(parents=True)
    shutil.copytree(published / "keys", data / "keys")
    sources = sorted({entity.source for entity in entities.values()})
    for source in sources:
        of = [
            f'[[feeds]]\nentity = "{contracts()[entity.table].entity}"\n{way.feed(entity)}\n'
            for entity in entities.values()
            if entity.source == source
        ]
        (data / "sources" / f"{source}.toml").write_text(
            f'label = "{source}"\n[defaults]\njobs = ["refresh"]\nsparse = true\n' + "".join(of), "utf-8"
        )
    (data / "sources.toml").touch(0o600)
    (data / "sources.toml").write_text(
        "is_demo = true\n" + "".join(f"[{source}]\n{way.address}\n" for source in sources), "utf-8"
    )
    return Settings(data)


def said(writer: Writer, settings: Settings) -> dict[str, Any]:
    """Landed tables, lake and marts by fingerprint; the rows marked as gone; the refused rows by rule."""
    gone = {
        f"{table} gone": writer.execute(f"SELECT count(*) FROM raw.{table} WHERE _deleted_at IS NOT NULL")[0]
        for table, contract in contracts().items()
        if contract.load != "lake"
    }
    rules = {
        f"{source}_{entity} {rule}": rows
        for source, entity, rule, rows in writer.execute(
            "SELECT source, entity, rule, count(DISTINCT payload) FROM raw.quarantine WHERE row_no >= 0 GROUP BY ALL"
        )
    }
    return {**recover.fingerprint(writer, settings), **gone, **rules}


pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def expected(published: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the shipped descriptions made of it."""
    data = tmp_path_factory.mktemp("expected") / "data"
    shutil.copytree(published, data)
    with opened(Settings(data), now=lambda: WORLD_NOW) as context:
        return said(context.writer, context.settings)


@pytest.mark.parametrize(
    "transport",
    [
        # nine of them carry the five registers at every change (test_transports.py), each the whole demo at night
        *(
            pytest.param(way, id=way.__name__, marks=pytest.mark.nightly)
            for way in (by_cursor, postgres, sqlite, mariadb, by_page, at_once, zipped, sftp, s3, xlsx)
        ),
    ],
)
def test_the_whole_demo_through_any_transport_gives_the_same_house(
    transport: Any, published: Path, entities: dict[str, Entity], expected: dict[str, Any], tmp_path: Path
) -> None:
    assert (
        len(entities) >= 60
        and sum(entity.is_whole for entity in entities.values()) >= 20
        and max(len(entity.rounds) for entity in entities.values()) > 1
    )
    with transport(tmp_path, entities) as way:
        settings = described(tmp_path / "data", published, way, entities)
        for number in range(max(len(entity.rounds) for entity in entities.values())):
            way.put({table: entity.rounds[number] for table, entity in entities.items() if number < len(entity.rounds)})
            with opened(settings, now=lambda: WORLD_NOW) as context:
                assert refresh.run(context) == []
                found = said(context.writer, context.settings)
    if not way.is_ordered:
        assert [found[name][0] for name in UNDECIDED] == [expected[name][0] for name in UNDECIDED]
        expected, found = (
            {name: one for name, one in said_.items() if name not in UNDECIDED} for said_ in (expected, found)
        )
    assert {name: (one, found.get(name)) for name, one in expected.items() if found.get(name) != one} == {}
    assert set(found) == set(expected)
