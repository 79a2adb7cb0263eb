"""A small real house for tests: a data folder with landing, warehouse and published files, fed row by row through the
front door (payload → landing → parse → load). Nothing in it is a mock."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import orjson

from tests import templates
from warehouse.build import checks, person_counts, revisions, runner
from warehouse.catalog.contracts import contracts
from warehouse.core.database import Writer
from warehouse.core.keys import Pseudonyms, Vault
from warehouse.core.settings import ROOT, Settings
from warehouse.core.units import SHANGHAI
from warehouse.ingest import load, pieces
from warehouse.ingest.landing import Landed, Landing
from warehouse.ingest.pseudonymize import PrivacyFilter
from warehouse.ingest.row_counts import Account
from warehouse.publish import recover, snapshot
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

AS_OF = dt.datetime(2026, 11, 23, 14, 0)
FIRST_OF_A_COPY = 1000
"""Payloads of a copied house are numbered from here on; those of the template have the numbers before."""
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(serial: int) -> str:
    """A made-up identity number with a right check digit."""
    body = f"330110{1970 + serial % 30}0101{serial % 1000:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


class House:
    """One data folder. `at` is the time the house believes it is (naive Shanghai)."""

    def __init__(self, folder: Path, at: dt.datetime = AS_OF) -> None:
        self.settings = Settings(folder)
        self.at = at
        self.writer: Writer
        self.writer, self.notes = recover.open_warehouse(self.settings)
        self.landing = Landing(self.settings.landing, Vault(self.settings.keys))
        self.privacy = PrivacyFilter(Pseudonyms(self.settings.keys))
        self._names = itertools.count()

    @classmethod
    def with_own_tables(cls, folder: Path, at: dt.datetime = AS_OF) -> House:
        """A house in which the shipped own tables have landed; for the usual time a copy of one that was made once."""
        if at != AS_OF:
            return cls(folder, at).own()
        return cls.copy_of("own-tables", lambda house: house.own(), folder)

    @classmethod
    def published_empty(cls, folder: Path) -> House:
        """As with_own_tables, built and published at AS_OF: a site that knows its rules and has no data yet."""
        return cls.copy_of("published-empty", lambda house: house.own().publish(), folder)

    @classmethod
    def copy_of(cls, name: str, fill: Callable[[House], object], folder: Path) -> House:
        """A copy of the house of that name, which `fill` has filled once for all runs."""

        def make(place: Path) -> None:
            house = cls(place)
            fill(house)
            house.close()

        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(templates.prepared(name, make), folder, dirs_exist_ok=True)
        house = cls(folder)
        house._names = itertools.count(FIRST_OF_A_COPY)
        return house

    def own(self) -> House:
        """Lands the shipped own tables."""
        for contract in contracts().values():
            if contract.load == "own":
                self.payload(
                    contract.source, contract.entity, (ROOT / "raw" / f"{contract.table}.csv").read_bytes(), "own"
                )
        return self

    def put(self, table: str, rows: list[dict[str, Any]], **keywords: Any) -> Account:
        """Rows under the source's column names, through the whole door. Raises as load does."""
        contract = contracts()[table]
        return self.payload(contract.source, contract.entity, orjson.dumps(rows, default=str), "json_rows", **keywords)

    def payload(
        self,
        source: str,
        entity: str,
        body: bytes,
        kind: str,
        *,
        mapping: dict[str, Any] | None = None,
        cursor: str = "",
        at: dt.datetime | None = None,
        name: str = "",
    ) -> Account:
        """A payload as received."""
        note = self.land(source, entity, body, kind, mapping=mapping, cursor=cursor, at=at, name=name)
        return self.load(note)

    def land(
        self,
        source: str,
        entity: str,
        body: bytes,
        kind: str,
        *,
        mapping: dict[str, Any] | None = None,
        cursor: str = "",
        at: dt.datetime | None = None,
        name: str = "",
    ) -> Landed:
        sealed = contracts()[f"{source}_{entity}"].sealed
        return self.landing.put(
            source,
            entity,
            body,
            kind=kind,
            name=name or f"payload-{next(self._names)}",
            at=(at or self.at).replace(tzinfo=SHANGHAI),
            sealed=sealed,
            cursor=cursor,
            mapping=mapping,
        )

    def load(self, note: Landed) -> Account:
        account = load.load(self.writer, self.settings, self.privacy, note, pieces.rows(note, self.landing.body(note)))
        recover.acknowledge(self.settings, note)
        return account

    def make(self, *models: str) -> None:
        """Builds these models and what they stand on; nothing is checked or counted."""
        runner.build(self.writer, self.settings, self.at, only=models)

    def build(self, *, full: bool = False) -> dict[str, str]:
        """Builds and checks; returns held models."""
        built = runner.build(self.writer, self.settings, self.at, full=full)
        checks.run(self.writer, self.at, built.models)
        person_counts.count(self.writer, built, self.at.date())
        self.built = built
        return checks.still_held(self.writer)

    def publish(self, *, trail: bool = True) -> Snapshot:
        """Builds and publishes; returns the new book. trail: also compares every number with what was published before,
        which is a quarter of the work and only seen by who looks at revisions."""
        held = self.build()
        revisions.prepare(self.writer)
        if trail:
            revisions.record(self.writer, self.built, self.at)
        snapshot.publish(self.writer, self.settings, self.at, held, is_demo=True)
        runner.settled(self.writer, held)
        return SnapshotStore(self.settings.data).current(Scope.ALL)

    def rows(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        return self.writer.execute(sql, parameters)

    def hand_over(self) -> Settings:
        """Closes the house and leaves it to a loading process of its own, with no source but the bureau's own files."""
        self.close()
        self.settings.sources.touch(0o600)
        self.settings.sources.write_text("is_demo = true\n", "utf-8")
        return self.settings

    def close(self) -> None:
        self.writer.close()


def stand_alone(file: Path) -> Path:
    """Makes a copied published file hold all itself, so that a test can change it; what it stands on lies beside it."""
    with duckdb.connect(str(file)) as con:
        own = "database_name = current_database() AND NOT internal"
        views = con.execute(f"SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE {own}").fetchall()
        if views:
            (base,) = con.execute("SELECT file FROM fresh.base").fetchall()[0]
            con.execute(f"ATTACH '{file.with_name(base)}' AS base (READ_ONLY)")
        for (name,) in views:
            con.execute(f"CREATE TABLE fresh.aside AS FROM {name}; DROP VIEW {name}")
            con.execute(f"CREATE TABLE {name} AS FROM fresh.aside; DROP TABLE fresh.aside")
        con.execute("DROP SCHEMA IF EXISTS fresh CASCADE")
    return file
