"""The worlds that are counted a second time, each with what the product says of it and what the oracle does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from tests.independent import care, driver, fleet, health, membership, programmes, rows, safety, sites, worlds
from tests.independent.oracle import Oracle
from tests.independent.population import Population
from tests.independent.tally import Data
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

pd.set_option("mode.string_storage", "python")  # cells are read one by one here: Arrow's are slow at that
MODULES = (care, driver, fleet, health, membership, programmes, safety, sites)
"""Importing them enters their KPIs."""


@dataclass(frozen=True)
class Audit:
    """What the product says of a world, and the oracle over its raw rows."""

    book: Snapshot
    oracle: Oracle


@cache
def audit_of(world: worlds.World) -> Audit:
    """Both of a world; made once a process."""
    return audit_of_folder(worlds.made(world))


def audit_of_folder(folder: Path) -> Audit:
    """Both of a data folder as it stands."""
    book = SnapshotStore(folder).current(Scope.ALL)
    landed = rows.of_folder(folder, book.generation.built_at.replace(tzinfo=None))
    return Audit(book, Oracle(Data(landed, Population(landed))))


@pytest.fixture(scope="session")
def usual() -> Audit:
    """The large world at the usual time."""
    return audit_of(worlds.USUAL)
