"""What the doctor asks of the loader (entry points `zhengbei.checks`): is there a backup, and was it proven. Repairs
nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from warehouse.core import backup_report, units
from warehouse.core.settings import Settings


def backup(settings: Settings, *, is_demo: bool) -> Iterator[tuple[str, bool, str]]:
    """One line."""
    alarm = backup_report.alarm(settings, units.now(), is_demo=is_demo)
    yield "备份", not alarm, alarm or backup_report.summary(settings) or "演示，不要求备份"
