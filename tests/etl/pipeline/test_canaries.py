"""Personal data on the whole way from a payload to what people see (A29): nothing of it may come out anywhere."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard
from flask.testing import FlaskClient

from cockpit.identity import rights
from cockpit.presentation import texts
from cockpit.report import poppler, release
from cockpit.web import app
from etl.config.descriptions import feeds
from etl.pipeline import correct, intake
from etl.runtime.context import opened
from tests.cockpit.signing_in import good_body, post, sign_in
from tests.command import zhengbei
from tests.depth import depth
from tests.etl.pipeline.canaries import MARKS, Canaries, deliver, files, hits, plant, sources, workbook
from tests.house import House
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models
from warehouse.catalog.schema import Model
from warehouse.core.database import Reader
from warehouse.core.errors import ContractBroken
from warehouse.core.keys import Pseudonyms, Vault
from warehouse.core.redaction import NUMBER, identity_number
from warehouse.core.settings import Settings
from warehouse.ingest import load
from warehouse.ingest.landing import Landing
from warehouse.ingest.pseudonymize import PrivacyFilter
from warehouse.publish import recover, snapshot
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.slow


class Planted:
    """A data folder into which every source has poured canaries, and how many of each kind."""

    def __init__(self, folder: Path) -> None:
        canaries = Canaries()
        house = House.with_own_tables(folder)
        house.settings.sources.touch(0o600)
        house.settings.sources.write_text("is_demo = true\n", "utf-8")
        for contract in sources():
            deliver(house, contract, plant(contract, canaries))
        self._without_header(house, canaries)
        self._in_names(house, canaries)
        self.quarantined = house.rows("SELECT count(*) FROM raw.quarantine")[0][0]
        house.publish()
        house.close()
        self.settings, self.counts = house.settings, canaries.counts

    def _without_header(self, house: House, canaries: Canaries) -> None:
        """A ledger whose header somebody deleted: refused, and the reason must not quote the first person in it."""
        contract = contracts()["wf_benefit_person"]
        rows = [{canaries.make("child"): canaries.make("id"), canaries.make("health"): canaries.make("phone")}]
        note = house.land(
            contract.source,
            contract.entity,
            workbook(rows),
            "file",
            mapping={"columns": {"event_id": {"from": "活动编号"}}},
            name="名单.xlsx",
        )
        with pytest.raises(ContractBroken) as refusal:
            house.load(note)
        load.refused(house.writer, note, str(refusal.value))

    def _in_names(self, house: House, canaries: Canaries) -> None:
        """Files somebody has named after the people in them: one good, one that is none, and a mapping file that is
        wrong."""
        drop = house.settings.data.parent / "drop" / "pb"
        drop.mkdir(parents=True)
        good = [{"单位编号": "U1", "单位名称": "甲", "类别": "物流"}]
        names = [f"{canaries.make('id')}_{canaries.make('phone')} 2026年10月.xlsx" for _ in range(3)]
        for name, body in zip(
            names,
            (workbook(good, sheet="单位"), b"not a workbook", workbook(good, sheet=canaries.make("phone"))),
            strict=True,
        ):
            (drop / name).write_bytes(body)
            os.utime(drop / name, (1_700_000_000,) * 2)
        house.settings.sources.write_text(f'is_demo = true\n[pb]\ndrop = "{drop.parent}"\n', "utf-8")
        house.close()
        with opened(house.settings, now=lambda: house.at) as context:
            wanted = [feed for feed in feeds(context.settings) if (feed.source, feed.entity) == ("pb", "unit")]
            assert intake.run(context, wanted) == []
            assert intake.run(context, wanted) == [], "masked names are known again"
            self.reasons = context.writer.execute(
                "SELECT reason FROM raw.quarantine WHERE entity = 'unit' AND row_no = -1"
            )
            self.booked = context.writer.execute("""SELECT name FROM run.batch WHERE entity = 'unit' AND name LIKE '%2026年10月%'
                UNION SELECT payload->>'name' FROM raw.quarantine WHERE entity = 'unit' AND row_no = -1""")
        house.writer, house.notes = recover.open_warehouse(house.settings)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("canaries") / "data")


def every_text(file: Path) -> bytes:
    """All that a database file says: every column of every table as text, but for the rows' hashes – twenty digits each
    that follow from random keys, among which any seven digits turn up now and then."""
    out = []
    with closing(Reader(file)) as db:
        for schema, table in db.rows("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary"):
            stated = f"SELECT COLUMNS(name -> name <> '_hash') FROM {schema}.{table}"
            out.append(
                db.rows(
                    f"SELECT coalesce(string_agg(CAST(t AS VARCHAR), chr(10)), '') FROM ({stated}) t", timeout_s=60
                )[0][0]
            )
    return "\n".join(out).encode()


def written(settings: Settings, *words: str) -> bytes:
    return zhengbei(*words, data=settings.data)[1].encode()


def pages(client: FlaskClient, metrics: list[str]) -> bytes:
    """Every page and every JSON answer that the role may open."""
    paths = [
        "/",
        "/health",
        "/screens",
        "/reports",
        *(f"/group/{group}" for group in texts.GROUPS),
        *(f"/metric/{metric}" for metric in metrics),
    ]
    out = [post(client, good_body(path)).get_data() for path in paths]
    out += [
        client.get(path).get_data()
        for path in ("/reports", "/api/version", *(f"/api/metric/{metric}" for metric in metrics))
    ]
    return b"\n".join(out)


def test_a_thousand_canaries_were_planted_in_every_column_of_every_source(planted: Planted) -> None:
    assert sum(planted.counts.values()) >= 1000 and all(planted.counts.values()), planted.counts
    assert planted.quarantined > 200, "many of them in rows that were put aside"


def test_a_file_named_after_people_is_booked_without_them_and_known_again(planted: Planted) -> None:
    assert len(planted.booked) == len({name for (name,) in planted.booked}) == 3 and all(
        "〔已隐去" in name and "2026年10月.xlsx|" in name for (name,) in planted.booked
    )
    assert (
        [reason for (reason,) in planted.reasons if "2026年10月.xlsx" in reason and hits(reason.encode()) == {}]
        == [reason for (reason,) in planted.reasons]
        != []
    )


def test_no_canary_is_in_the_warehouse(planted: Planted) -> None:
    text = every_text(planted.settings.warehouse)
    assert "联系〔已隐去".encode() in text, "the row is here, the number is not"
    assert hits(text) == {} == hits(planted.settings.warehouse.read_bytes())


def test_no_canary_is_in_what_is_published_nor_in_any_other_file_of_the_data_folder(planted: Planted) -> None:
    seen = 0
    for file in files(planted.settings.data):
        assert hits(file.read_bytes()) == {}, file.name
        if file.suffix == ".duckdb":
            assert hits(every_text(file)) == {}, file.name
            seen += 1
        if file.suffix == ".parquet":
            assert hits(str(duckdb.read_parquet(str(file)).fetchall()).encode()) == {}, file.name
    assert seen == 3


def test_payloads_of_sources_cannot_be_read_without_the_key(planted: Planted) -> None:
    """The canaries are all in the landing zone, which is the truth, but only for who has the key."""
    landing = Landing(planted.settings.landing, Vault(planted.settings.keys))
    open_text, behind = b"", b""
    for note in landing.notes():
        packed = landing._find(note.seq).read_bytes().partition(b"\n")[2]
        if note.source == "own":
            open_text += zstandard.ZstdDecompressor().decompress(packed)
            continue
        assert note.sealed, note.table
        with pytest.raises(zstandard.ZstdError):
            zstandard.ZstdDecompressor().decompress(packed, max_output_size=note.size)
        behind += landing.body(note)
    assert hits(open_text) == {} and set(hits(behind)) == set(MARKS)


def test_no_canary_is_in_what_the_command_line_says(planted: Planted, tmp_path: Path) -> None:
    text = written(planted.settings, "etl", "status") + written(planted.settings, "etl", "status", "--json")
    text += written(planted.settings, "etl", "quarantine", "list", "--limit", "0", "--json") + written(
        planted.settings, "etl", "quarantine", "list", "--limit", "0"
    )
    written(
        planted.settings, "etl", "quarantine", "export", "--table", "pb_visit", "--out", str(tmp_path / "visits.csv")
    )
    exported = (tmp_path / "visits.csv").read_bytes()
    with opened(planted.settings) as context:
        for table in {row["table"] for row in correct.rows(context.writer)}:
            exported += correct.export(context.writer, table)
    assert "整份未装载".encode() in text and len(exported) > 10_000
    assert hits(text) == {} == hits(exported)


@pytest.mark.parametrize("role", rights.PEOPLE)
def test_no_canary_is_on_any_page(planted: Planted, role: str) -> None:
    server = app.create_app(planted.settings)
    client = sign_in(server.test_client(), planted.settings.data, role, f"user-{role}")
    # each role sees some of the numbers at every change, all of them at night
    seen = depth(list(metrics())[rights.PEOPLE.index(role) % 4 :: 4], list(metrics()))
    shown = pages(client, seen)
    assert hits(shown) == {} and shown.count(b"shell-root") > len(seen), "they are the pages and not their refusals"


def numbers(text: str) -> set[str]:
    """Identity numbers with a right check digit, and phones, that `text` contains."""
    found = {re.sub(r"[- ]", "", match.group()).upper() for match in NUMBER.finditer(text)}
    return {number for number in found if len(number) == 11 or identity_number(number)}


def test_no_number_of_the_stand_in_world_comes_out_of_the_real_line(published: Path) -> None:
    """Over real HTTP, real databases and real workbooks: the numbers are read from the sealed payloads, then looked
    for."""
    settings = Settings(published)
    landing = Landing(settings.landing, Vault(settings.keys))
    given: set[str] = set()
    for note in landing.notes():
        if note.kind in ("json_pages", "json_rows"):
            given |= numbers(landing.body(note).decode())
    assert len(given) > 100
    for file in [settings.warehouse, *files(settings.published), *files(settings.live)]:
        text = every_text(file).decode() if file.suffix == ".duckdb" else file.read_text("utf-8", "replace")
        assert numbers(text) & given == set(), file.name


@pytest.mark.browser
def test_the_weekly_paper_holds_no_personal_number(planted: Planted, published: Path, tmp_path: Path) -> None:
    (tmp_path / "published").symlink_to(planted.settings.published)
    settings = Settings(tmp_path)
    facts = release.release(SnapshotStore(tmp_path), settings, None)
    file = settings.reports / f"{facts['name']}.pdf"
    assert hits("".join(poppler.pages(file)).encode()) == {} == hits(file.read_bytes())


def column_levels(model: Model, names: list[str]) -> dict[str, str]:
    return {name: model.columns.get(name, "L1") for name in names}


def published_tables(file: Path) -> dict[str, list[tuple[str, str]]]:
    with closing(Reader(file)) as db:
        return {
            table: [(name, kind) for name, kind, *_ in db.rows(f"DESCRIBE marts.{table}")]
            for (table,) in db.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts'")
        }


def longest_hex(file: Path) -> list[tuple[str, str, str]]:
    """Columns of any table that hold what looks like a pseudonym: 64 hex digits."""
    found = []
    with closing(Reader(file)) as db:
        for schema, table, column in db.rows(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE data_type = 'VARCHAR' AND NOT internal"
        ):
            if db.rows(f"SELECT 1 FROM {schema}.{table} WHERE regexp_matches(\"{column}\", '[0-9a-f]{{64}}') LIMIT 1"):
                found.append((schema, table, column))
    return found


PERSONAL_LEVELS = {
    column.name: column.level
    for contract in contracts().values()
    for column in contract.columns
    if column.level in ("L3", "L4")
    and column.treatment in ("person", "holder", "phone", "mask_name", "birth_year", "drop")
    and column.name != "name"
}


def test_the_open_file_has_nothing_above_l2(published: Path) -> None:
    file = published / "published" / f"{snapshot.current(Settings(published))}.duckdb"
    for table, columns in published_tables(file).items():
        model = models()[table]
        assert model.publish == "open" and set(column_levels(model, [name for name, _ in columns]).values()) <= {
            "L1",
            "L2",
        }, table
        assert {name for name, _ in columns} & PERSONAL_LEVELS.keys() == set(), table
    assert longest_hex(file) == []


LONG = {("meta", "review", "subject"), ("meta", "person_counted", "fingerprint")}
"""What else is as long: the pseudonym in a case for review, and the digest of a definition."""


def test_the_restricted_file_has_no_l4_and_every_pseudonym_is_declared(published: Path) -> None:
    file = published / "published" / f"{snapshot.current(Settings(published))}.restricted.duckdb"
    dropped = {name for name, level in PERSONAL_LEVELS.items() if level == "L4"}
    for table, columns in published_tables(file).items():
        model, names = models()[table], {name for name, _ in columns}
        assert model.publish == "restricted" and "L4" not in model.columns.values() and names & dropped == set(), table
        assert set(model.columns) <= names, f"{table} declares what it does not have"
        for name in names & PERSONAL_LEVELS.keys():
            assert model.columns.get(name) == "L3", f"{table}.{name} is L3 in its contract"
    for _, table, column in set(longest_hex(file)) - LONG:
        assert models()[table].columns.get(column) == "L3", f"{table}.{column} holds pseudonyms"


def test_the_door_lets_company_codes_and_dated_business_numbers_pass(tmp_path: Path) -> None:
    """They look alike, and without them nothing joins."""
    import pyarrow as pa

    door, contract = PrivacyFilter(Pseudonyms(tmp_path / "keys")), contracts()["pj_appeal"]
    codes: list[Any] = [
        "913301107384512345",
        "91330110MA2ABCDE12",
        "330110202611230001",
        "202611230800001234",
        "330110000012345",
    ]
    passed = door.pass_through(contract, pa.table({"ticket_no": codes, "uscc": codes}))
    assert passed["ticket_no"].to_pylist() == codes == passed["uscc"].to_pylist()
