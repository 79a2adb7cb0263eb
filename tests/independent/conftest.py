"""One data folder large enough for every population: companies of 50 trucks, a whole calendar year, every source."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import orjson
import pytest

from tests.conftest import WORLD_NOW
from tests.independent import care, driver, fleet, health, membership, programmes, rows, safety, sites
from tests.independent.population import Population
from tests.independent.tally import Data
from warehouse.readings import Book, Library
from warehouse.settings import Settings
from warehouse.units import SHANGHAI

SCALE, DAYS = 260, 330
MODULES = (care, driver, fleet, health, membership, programmes, safety, sites)
"""Importing them enters their KPIs."""


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder built by the whole real line, as `published`, but larger and longer."""
    from etl import intake
    from etl.context import opened
    from etl.demo import runner
    from etl.demonstration import write_endpoints
    from etl.jobs import live, refresh

    data = tmp_path_factory.mktemp("audited")
    moment = WORLD_NOW.replace(tzinfo=SHANGHAI)
    runner.prepare(data / "demo", scale=SCALE, now=moment, history_days=DAYS)
    for file in (data / "demo" / "drop").rglob("*"):  # a file younger than files.SETTLE_S would wait for the next run
        os.utime(file, (moment.timestamp(),) * 2)
    server = runner.serve(data / "demo", clock=lambda: moment)
    try:
        settings = Settings(data)
        write_endpoints(settings, orjson.loads((data / "demo" / "endpoints.json").read_bytes()))
        with opened(settings, now=lambda: WORLD_NOW) as context:
            live.run(context)
            refresh.run(context)  # last: what came in after it is in no generation, but in the raw rows
            assert intake.pending(context) == 0
    finally:
        server.stop()
    return data


@pytest.fixture(scope="session")
def book(audited: Path) -> Book:
    """What the product says of it."""
    return Library(audited).current()


@pytest.fixture(scope="session")
def data(audited: Path, book: Book) -> Data:
    """Its raw rows and the populations made of them."""
    built: dt.datetime = book.generation.built_at.replace(tzinfo=None)
    landed = rows.of_folder(audited, built)
    return Data(landed, Population(landed))
