"""A small house that has everything a backup must hold, and a place to back it up to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cockpit.store import audit, audit_anchor
from etl.recovery import backup_key, routine
from etl.recovery.store import Store
from tests import templates
from tests.house import House
from warehouse.core import data_format
from warehouse.core.settings import Settings
from warehouse.publish import recover


def _filled(folder: Path) -> None:
    """own tables, a generation, a log with anchors, a report that names the generation, settings, a copy with its
    positions."""
    house = House(folder)
    house.own().publish()
    settings = house.settings
    for number in range(5):
        audit.record(settings.state, "exported", who="li", subject=f"/metric/{number}")
    audit_anchor.make(settings)
    generation = next(settings.published.glob("2*.json")).stem
    (settings.reports / "2026-W47-1.json").write_text(f'{{"generation": "{generation}", "draft": false}}')
    (settings.reports / "2026-W47-1.pdf").write_bytes(b"%PDF" + bytes(range(256)) * 40)
    settings.own.mkdir()
    (settings.own / "target.csv").write_text("kpi_id,period\n", "utf-8")
    (folder / "sources").mkdir()
    (folder / "sources" / "yz.toml").write_text('label = "道路运政"\n', "utf-8")
    settings.sources.touch(0o600)
    settings.sources.write_text("is_demo = false\n", "utf-8")
    recover.backup(house.writer, settings)
    house.close()
    (settings.data / "warehouse.duckdb.broken-20261101T000000").write_bytes(b"set aside")
    (settings.live).mkdir(exist_ok=True)
    (settings.live / "live.json").write_text("{}")


class Place:
    """A house and where it is backed up to."""

    def __init__(self, folder: Path) -> None:
        self.data, self.folder, self.key_file = folder / "data", folder / "store", folder / "backup.key"
        self.key = backup_key.create(self.key_file)
        (self.data / "zhengbei.toml").write_text(
            f'[backup]\nto = ["{self.folder}"]\nkey = "{self.key_file}"\nhold = 2\n', "utf-8"
        )

    @property
    def settings(self) -> Settings:
        return Settings.at(self.data)

    @property
    def store(self) -> Store:
        return Store(str(self.folder), self.key)

    def take(self) -> str:
        """A backup; returns its name. Fails the test when anything is amiss."""
        taken = routine.take(self.settings, [self.store])
        assert len(taken) == 1 and taken[0].problems == []
        return taken[0].stamp

    def contents(self) -> list[Path]:
        return sorted(file for file in (self.folder / "objects").rglob("*") if file.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    shutil.copytree(templates.prepared("backed-up", _filled), tmp_path / "data")
    return Place(tmp_path)


@pytest.fixture
def tiny(tmp_path: Path) -> Place:
    """A folder of a few files, where only the place itself is looked at."""
    for name in ("landing/2026-11-23/000000000001-yz_vehicle.landed", "own/target.csv", "reports/2026-W47-1.pdf"):
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(name.encode() * 200)
    data_format.write(tmp_path / "data", data_format.FORMAT)
    return Place(tmp_path)
