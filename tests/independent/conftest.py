"""One data folder large enough for every population: companies of 50 trucks, a whole calendar year, every source."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import orjson
import pytest

from etl.demo.server import runner
from etl.jobs import refresh
from etl.pipeline import load
from etl.runtime.context import opened
from tests import templates
from tests.conftest import WORLD_NOW, whole_line
from tests.independent import care, driver, fleet, health, membership, programmes, rows, safety, sites
from tests.independent.population import Population
from tests.independent.tally import Data
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.snapshot_store import Snapshot, SnapshotStore

SCALE, DAYS = 420, 330
MODULES = (care, driver, fleet, health, membership, programmes, safety, sites)
"""Importing them enters their KPIs."""


@pytest.fixture(scope="session")
def audited() -> Path:
    """A data folder built by the whole real line, as `published`, but larger and longer."""
    return templates.prepared(
        "audited",
        lambda folder: three_members_more(whole_line(folder, scale=SCALE, history_days=DAYS, live_after=False)),
    )


def three_members_more(folder: Path) -> Path:
    """A world this small may have no company with three Party members, and KPI 35 nothing to say: a ledger page names
    some more."""
    world = runner.load(folder / "demo")
    people = world.drivers
    big = people[world.companies["is_big"].to_numpy()[people["company"]] & (people["to_day"] < 0)]
    page = [
        {
            "id_no": number,
            "stage": "正式党员",
            "verify_status": "confirmed",
            "verified_at": "2026-01-05",
            "ledger_at": "2026-11-01 00:00:00",
        }
        for number in big.groupby("company")["id_no"].head(6)
    ]
    with opened(Settings(folder), now=lambda: WORLD_NOW) as context:
        note = context.landing.put(
            "pb",
            "member",
            orjson.dumps(page),
            kind="json_rows",
            name="党员补充页",
            at=WORLD_NOW.replace(tzinfo=SHANGHAI),
            sealed=True,
        )
        assert load.ingest(context, [note]) == (len(page), "")
        refresh.publish(context)
    return folder


@pytest.fixture(scope="session")
def book(audited: Path) -> Snapshot:
    """What the product says of it."""
    return SnapshotStore(audited).current()


@pytest.fixture(scope="session")
def data(audited: Path, book: Snapshot) -> Data:
    """Its raw rows and the populations made of them."""
    built: dt.datetime = book.generation.built_at.replace(tzinfo=None)
    landed = rows.of_folder(audited, built)
    return Data(landed, Population(landed))
