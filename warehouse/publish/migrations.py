"""A data folder of an earlier release becomes one of this release. Owns the list of changes and their order.

state.sqlite brings itself up to date (cockpit/store/app_db.py), and so do the tables of the warehouse
(warehouse/ingest/load.py): what stands here is the folder and its files. Whoever calls holds the lock of the folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from warehouse.build.runner import Progress
from warehouse.core import data_format
from warehouse.core.settings import Settings


@dataclass(frozen=True)
class Migration:
    """The way to format `to` from the one before it. label: Chinese. apply may be cut off anywhere and is then done
    again from its start, so what it has done already must not stand in its way."""

    to: int
    label: str
    apply: Callable[[Settings], None]


def _lakeless_copy_aside(settings: Settings) -> None:
    """Copies of the warehouse were made without their positions; the ladder must not climb down to one of them."""
    copy, stated = settings.backup / "warehouse.duckdb", settings.backup / "warehouse.json"
    if copy.exists() and not stated.exists():
        os.replace(copy, copy.with_name("warehouse.duckdb.format1"))


def _nothing(settings: Settings) -> None:
    """Files of the earlier format stay as they are: the first generation after it is written whole, and the next ones
    stand on that. The number is there for the release before, which could not read them."""


MIGRATIONS = (
    Migration(2, "移开不带定位文件的旧备份副本", _lakeless_copy_aside),
    Migration(3, "快照只存变化的部分，已有的快照照旧可读", _nothing),
)


def run(
    settings: Settings, progress: Progress | None = None, migrations: Sequence[Migration] = MIGRATIONS
) -> list[str]:
    """Brings the folder to the newest format, one change after the other, each put down before the next begins. Returns
    Chinese notes of what was done ([] = nothing). Raises ConfigError as refuse_newer does."""
    data_format.refuse_newer(settings.data)
    current = data_format.number(settings.data)
    if current is None:
        data_format.write(settings.data, data_format.FORMAT)
        return []
    due = [migration for migration in migrations if migration.to > current]
    for index, migration in enumerate(due):
        if progress:
            progress(f"升级数据文件夹 {migration.label}", index, len(due))
        migration.apply(settings)
        if progress:
            progress(f"升级数据文件夹 记下格式 {migration.to}", index, len(due))
        data_format.write(settings.data, migration.to)
    if due and progress:
        progress("升级数据文件夹 完成", len(due), len(due))
    return [f"数据文件夹已升级到格式 {migration.to}：{migration.label}" for migration in due]
