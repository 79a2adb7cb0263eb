"""One data folder large enough for every population: companies of 50 trucks, a whole calendar year, every source."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.conftest import whole_line
from tests.independent import care, driver, fleet, health, membership, programmes, rows, safety, sites
from tests.independent.population import Population
from tests.independent.tally import Data
from warehouse.readings import Book, Library

SCALE, DAYS = 420, 330
MODULES = (care, driver, fleet, health, membership, programmes, safety, sites)
"""Importing them enters their KPIs."""


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder built by the whole real line, as `published`, but larger and longer."""
    return whole_line(tmp_path_factory.mktemp("audited"), scale=SCALE, history_days=DAYS, live_after=False)


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
