"""One world of rows written by hand (boundaries/*.toml): how it is read, landed and published."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from tests.house import AS_OF, House
from tests.warehouse.build.test_models import repeated, spread
from warehouse.build import fingerprints
from warehouse.build.graph import order
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.core.keys import Pseudonyms

FOLDER = Path(__file__).parent / "boundaries"
EARLIER = dt.timedelta(minutes=10)
"""The world is published so long before the moment that counts too: what hangs on the clock has to move on."""


@cache
def files() -> dict[str, dict[str, Any]]:
    return {file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))}


def given(part: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of all files by table. part: given, or later, a second delivery."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for file in files().values():
        for table, own in file.get(part, {}).items():
            rows.setdefault(table, []).extend(spread(repeated(own)))
    return rows


def fill(house: House) -> None:
    """Lands the world and publishes it. A row with `deleted` was taken back by its source at that moment."""
    house.own()
    for part in ("given", "later"):
        for table, rows in given(part).items():
            house.put(table, [{key: value for key, value in row.items() if key != "deleted"} for row in rows])
            for row in rows:
                if "deleted" in row:
                    delete(house, table, row)
    for one in booked("delivery"):
        insert(house, "run.delivery", {**one, "error": ""})
    house.at = AS_OF - EARLIER
    house.publish(trail=False)
    for one in booked("revision"):
        insert(house, "run.kpi_revision", one)
    insert(house, "build.unpublished", {"model": "kpi_revision"})
    house.at = AS_OF
    house.publish(trail=False)


def booked(book: str) -> list[dict[str, Any]]:
    """Rows of a book that the loader keeps itself."""
    return [one for file in files().values() for one in file.get(book, [])]


def insert(house: House, table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    house.rows(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def delete(house: House, table: str, row: dict[str, Any]) -> None:
    values = dict(row)
    if "id_no" in row:
        values["person_key"] = Pseudonyms(house.settings.keys).person(row["id_no"])
    keys = [key for key in contracts()[table].key if key in values]
    where = " AND ".join(f"{key} = ?" for key in keys)
    bound = [row["deleted"], *(values[key] for key in keys)]
    assert house.rows(f"UPDATE raw.{table} SET _deleted_at = ? WHERE {where} RETURNING 1", bound), (table, row)


def copied(folder: Path) -> House:
    """A house of one's own with the world in it, published."""
    sources = [Path(__file__), *sorted(FOLDER.glob("*.toml"))]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:12]
    return House.copy_of(f"boundaries-{digest}", fill, folder)


def is_made_otherwise(house: House) -> bool:
    """True when a model or an indicator about persons is not the one that the copied world was made by: a small mistake
    is being tried (tests/mutants)."""
    made = dict(house.rows("SELECT model, fingerprint FROM build.made"))
    counted = dict(house.rows("SELECT metric, fingerprint FROM marts_person.counted"))
    persons = {metric.id: fingerprints.of_metric(metric) for metric in metrics().values() if metric.person}
    return any(made[name] != fingerprints.of_model(name) for name in order()) or any(
        counted.get(name) != definition for name, definition in persons.items()
    )
