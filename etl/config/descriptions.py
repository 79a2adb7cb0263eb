"""Which feeds there are and where their systems live. Owns reading <source>.toml and
<data>/sources.toml; what in them only its neighbours make wrong is in checks.

Addresses and secrets are never in the first; the second must be readable by its owner only, and may name an environment
variable or another such file in place of any value."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from etl.config import checks
from etl.config.schema import Addresses, Endpoint, Feed, SourceDescription
from warehouse.core import toml
from warehouse.core.errors import CockpitError, ConfigError, Refused
from warehouse.core.settings import Settings
from warehouse.ingest import hook

FOLDER = Path(__file__).resolve().parents[1] / "sources"

Faults = dict[str, CockpitError]
"""Source → what is wrong with what is written about it, in file, key and cure. Such a source is left out; the others go
on."""


def described(settings: Settings | None = None) -> tuple[list[Feed], Faults]:
    """The feeds of all sources whose description is right, and what is wrong with the others: the shipped files, each
    replaced by <data>/sources/<source>.toml where `settings` are given and there is one; that folder may add
    sources."""
    files = {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}
    if settings is not None:
        files |= {file.stem: file for file in sorted((settings.data / "sources").glob("*.toml"))}
    found: list[Feed] = []
    faults: Faults = {}
    for name in sorted(files):
        try:
            found += _read(files[name])
        except CockpitError as error:
            faults[name] = error
    return found, faults


def feeds(settings: Settings | None = None) -> list[Feed]:
    """All feeds of all sources. Raises ConfigError naming file and key when one of them is wrong."""
    found, faults = described(settings)
    for error in faults.values():
        raise error
    return found


def _read(file: Path) -> list[Feed]:
    given = toml.load(file)
    toml.convert(given, SourceDescription, file.name)
    defaults: dict[str, Any] = given.get("defaults", {})
    found = []
    for number, own in enumerate(given.get("feeds", []), 1):
        where = f"{file.name} 第 {number} 个 feeds（{own.get('entity', '?')}）"
        merged = {**defaults, **own, "source": file.stem}
        for name in ("request", "answer"):
            if name in defaults and name in own:
                merged[name] = {**defaults[name], **own[name]}
        feed = toml.convert(merged, Feed, where)
        if feed.hook:
            feed = msgspec.structs.replace(feed, code=_code(file.parent / feed.hook, where))
        checks.check(feed, own, where)
        found.append(feed)
    checks.check_hosts(found, file.name)
    return found


def _code(file: Path, where: str) -> str:
    """The text of a hook. Raises ConfigError for one that is not there or no Python, Refused where others may write
    it."""
    if not file.is_file():
        raise ConfigError(f"没有处理程序 {file.name}", where=where, to_do=f"请把它放在 {file.parent}")
    if stat.S_IMODE(file.stat().st_mode) & 0o022:
        raise Refused(f"处理程序 {file.name} 他人可以改写", where=str(file), to_do=f"请运行 chmod go-w {file}")
    try:
        code = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"处理程序 {file.name} 无法读取，应为 UTF-8", where=where) from error
    if fault := hook.check(file.name, code):
        raise ConfigError(f"处理程序 {file.name} {fault}", where=where, to_do="请改正这一行")
    return code


def addressed(settings: Settings) -> tuple[dict[str, Endpoint], bool, Faults]:
    """Source → endpoint, whether these are the stand-in sources of the demo, and what is wrong with the sections of
    other sources.

    Raises ConfigError when <data>/sources.toml is missing or cannot be read at all, Refused when others can read it."""
    file = settings.sources
    if not file.exists():
        raise ConfigError(
            "没有来源地址文件", where=str(file), to_do="请按 etl/README.md 写好 sources.toml，或先运行 ./zhengbei demo"
        )
    _private(file, "来源地址文件")
    given = toml.load(file)
    is_demo = toml.convert({"is_demo": given.pop("is_demo", False)}, Addresses, file.name).is_demo
    found: dict[str, Endpoint] = {}
    faults: Faults = {}
    for name, values in given.items():
        try:
            found[name] = _endpoint(file.name, name, values)
        except CockpitError as error:
            faults[name] = error
    return found, is_demo, faults


def endpoints(settings: Settings) -> tuple[dict[str, Endpoint], bool]:
    """The same where every section must be right. Raises what is wrong with one."""
    found, is_demo, faults = addressed(settings)
    for error in faults.values():
        raise error
    return found, is_demo


def _endpoint(file: str, name: str, values: Any) -> Endpoint:
    if not isinstance(values, dict):
        toml.convert({name: values}, dict[str, Endpoint], file, secret=[name])
    where = f"{file} [{name}]"
    given = toml.convert(values, Endpoint, where, secret=Endpoint.__struct_fields__)
    return Endpoint(**{key: plain(value, f"{where} {key}") for key, value in msgspec.structs.asdict(given).items()})


def plain(value: Any, where: str) -> Any:
    """The value itself, or what the environment variable or file it names holds."""
    if isinstance(value, dict):
        return {key: plain(item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise ConfigError(f"没有环境变量 {name}", where=where, to_do="请在启动装载进程的环境里设置它")
        return os.environ[name]
    # file:/path is one slash after the colon: a file:// address is a folder's, not a secret's
    if value.startswith("file:/") and not value.startswith("file://"):
        file = Path(value.removeprefix("file:"))
        if not file.is_file():
            raise ConfigError(f"没有文件 {file}", where=where)
        _private(file, "密钥文件")
        try:
            return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("密钥文件无法读取", where=f"{where} {file}") from error
    return value


def _private(file: Path, what: str) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise Refused(f"{what}含密钥，却对他人可读", where=str(file), to_do=f"请运行 chmod 600 {file}")
