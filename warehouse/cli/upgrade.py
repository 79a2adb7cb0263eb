"""What the first start of this release will do to a data folder, and what an operator has to do himself. Reads only: it
may be asked while the services of the release before still run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import entry_points, version
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from warehouse.core import data_format
from warehouse.core.settings import RELEASE, ROOT, Settings
from warehouse.publish import migrations, snapshot

CHANGES = ROOT.parent / "CHANGELOG.md"
TO_DO = "升级时要做"
"""Heading, within a version of the change log, of what an operator has to do."""
SPARE_BYTES = 1 << 30


@dataclass(frozen=True)
class Plan:
    """current, target: format of the folder (None = it holds nothing yet) and of this release. by: the version that
    published last, "" = not known. steps: what will be done by itself, to_do: what will not, both in Chinese. needed,
    free: bytes of disk."""

    current: int | None
    target: int
    by: str
    needed: int
    free: int
    steps: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether there is room enough."""
        return self.free >= self.needed


def plan(settings: Settings, changes: Path = CHANGES) -> Plan:
    """Looks at the folder. Raises ConfigError for one that a later release has written or that is half restored."""
    data_format.refuse_newer(settings.data)
    current = data_format.number(settings.data)
    release = _published_by(settings)
    by = release.partition("+")[0]
    steps = [f"格式 {one.to}：{one.label}" for one in migrations.MIGRATIONS if current is not None and one.to > current]
    for entry in sorted(entry_points(group="zhengbei.upgrades"), key=lambda entry: entry.name):
        steps += entry.load()(settings)
    if current is not None and release != RELEASE:
        steps.append("按新的口径重新计算并发布一次快照")
    here = next(folder for folder in (settings.data, *settings.data.parents) if folder.exists())
    needed = 0 if current is None else _room(settings)
    to_do = duties(changes.read_text("utf-8"), by, version("zhengbei")) if current is not None else []
    return Plan(current, data_format.FORMAT, by, needed, shutil.disk_usage(here).free, steps, to_do)


def duties(changes: str, by: str, to: str) -> list[str]:
    """What the change log asks an operator to do on the way from version `by` (exclusive; "" = the first) to `to`
    (inclusive), the oldest first, each with its version."""
    found: list[str] = []
    for part in re.split(r"^## ", changes, flags=re.M)[:0:-1]:
        name = part.split("\n", 1)[0].strip()
        try:
            is_between = Version(name) <= Version(to) and (not by or Version(name) > Version(by))
        except InvalidVersion:
            continue
        section = re.search(rf"^{TO_DO}\n+((?:- .*(?:\n|\Z))+)", part, re.M)
        if is_between and section:
            found += [f"{name}：{line.removeprefix('- ')}" for line in section[1].splitlines()]
    return found


def _published_by(settings: Settings) -> str:
    """The release that published last, "" where none is known."""
    try:
        generation = snapshot.current(settings)
        stated = msgspec.json.decode((settings.published / f"{generation}.json").read_bytes()) if generation else {}
        return str(stated.get("release", ""))
    except (OSError, ValueError, AttributeError):  # a damaged one is the doctor's matter
        return ""


def _room(settings: Settings) -> int:
    """The warehouse once more (its copy of the night), two generations, and something to spare."""
    current = snapshot.current(settings)
    published = [_size(file) for file in snapshot.files(settings, [current] if current else [])]
    return _size(settings.warehouse) + 2 * sum(published) + SPARE_BYTES


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except FileNotFoundError:
        return 0


def lines(found: Plan) -> Iterator[str]:
    """The same for a terminal."""
    if found.current is None:
        yield f"数据文件夹是空的：第一次启动就写成格式 {found.target}，没有要升级的"
        return
    yield f"数据文件夹：格式 {found.current}，最近由 {found.by or '不知道哪个版本'} 发布；本程序：{RELEASE}，格式 {found.target}"
    yield "启动时自动进行：" if found.steps else "启动时没有要自动进行的"
    yield from (f"  · {step}" for step in found.steps)
    gib = 2**30
    yield (
        f"{'✓' if found.fits else '✗'} 磁盘：约需 {found.needed / gib:.1f} GiB，剩余 {found.free / gib:.1f} GiB"
        + ("" if found.fits else "；请先腾出空间")
    )
    yield "要人做的：" if found.to_do else "没有要人做的"
    yield from (f"  · {line}" for line in found.to_do)
    if found.steps:
        yield "升级之前先备份：退回旧版本要连同这份备份一起退回，见部署手册“升级与退回”"
