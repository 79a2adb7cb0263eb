"""What must hold before a process of an installation starts for good: no weak secret, nothing of persons open to others,
not as root. Owns the list and the sentences; changes nothing but this process's own umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from warehouse.core import keys
from warehouse.core.errors import Refused
from warehouse.core.settings import Settings

ALLOW_ROOT = "ZHENGBEI_ALLOW_ROOT"
"""Set to 1 where nothing is at stake: the demonstration, a test."""


def begin(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Raises Refused with the first thing that is unsafe; else what this process writes from now on is its user's
    alone."""
    for found in unsafe(settings, environment):
        raise found
    os.umask(0o077)


def unsafe(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[Refused]:
    """Everything that is unsafe, each with its cure."""
    if os.geteuid() == 0 and environment.get(ALLOW_ROOT) != "1":
        yield Refused(
            "不能以 root 运行",
            to_do=f"请按部署手册建立专用账号，以它启动；只在试用时可设环境变量 {ALLOW_ROOT}=1",
        )
    for file in sorted(settings.keys.glob("*.key")):
        try:
            keys.check(file)
        except Refused as found:
            yield found
    for file in (settings.sources, settings.data / "delivery.toml"):
        if file.exists() and _mode(file) & 0o077:
            yield Refused("设置文件含密码，却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
    restricted = settings.published.glob("*.restricted.duckdb")
    for file in (*settings.data.glob(f"{settings.state.name}*"), *sorted(restricted)):
        if _mode(file) & 0o007:
            yield _open_to_all(file)
    for path in (settings.warehouse, settings.landing, settings.lake, settings.backup, settings.own):
        if path.exists() and _reachable(path):
            yield _open_to_all(path)


def _open_to_all(path: Path) -> Refused:
    return Refused("数据对本机所有账号可读", where=str(path), to_do=f"请运行 chmod -R o-rwx {path}")


def _reachable(path: Path) -> bool:
    """True when anybody on this machine can read it: its own mode says so, and every folder above lets them through."""
    return bool(_mode(path) & 0o004) and all(_mode(folder) & 0o001 for folder in path.resolve().parents)


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:  # a journal of the state file comes and goes
        return 0
