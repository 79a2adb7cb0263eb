"""Known weaknesses of the packages the product stands on, from a dated copy of the public advisories that somebody brings
to this machine: the product itself asks no network.

Owns <data>/advisories.json (OSV records, osv.dev) and the question whether an installed version is affected."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from warehouse.cli import supply_chain
from warehouse.core import units
from warehouse.core.errors import ContractBroken
from warehouse.core.settings import Settings

LATE = dt.timedelta(days=30)
SHOWN = 5
TO_DO = "请在能上网的机器上由 osv.dev 取 PyPI 的 all.zip，拷来运行 ./zhengbei advisories all.zip"


class Of(msgspec.Struct):
    """Whom a record is about."""

    ecosystem: str = ""
    name: str = ""


class Range(msgspec.Struct):
    """Versions between events, each {introduced | fixed | last_affected: version}, in order."""

    type: str = ""
    events: list[dict[str, str]] = []


class Affected(msgspec.Struct):
    """Versions of one package: those listed and those in the ranges."""

    package: Of = msgspec.field(default_factory=Of)
    versions: list[str] = []
    ranges: list[Range] = []


class Advisory(msgspec.Struct, omit_defaults=True):
    """What is needed of an OSV record; modified, withdrawn: as written there, ISO 8601, "" = not."""

    id: str
    modified: str = ""
    withdrawn: str = ""
    summary: str = ""
    affected: list[Affected] = []


class Copy(msgspec.Struct):
    """date: the day of the newest record in the whole of what was brought, so how old the knowledge is."""

    date: dt.date
    advisories: list[Advisory]


def bring(settings: Settings, file: Path, names: Collection[str]) -> Copy:
    """Takes the records of the packages `names` out of OSV's all.zip (or a folder or file of records) and keeps them.
    Raises ContractBroken when there are none in it at all."""
    newest, taken = "", []
    for body in _records(file):
        try:
            record = msgspec.json.decode(body, type=Advisory)
        except msgspec.DecodeError:
            continue
        newest = max(newest, record.modified)
        if not record.withdrawn and any(_is_about(affected, names) for affected in record.affected):
            record.affected = [affected for affected in record.affected if _is_about(affected, names)]
            taken.append(record)
    if not newest:
        raise ContractBroken("文件里没有 OSV 格式的漏洞通告", where=file.name, to_do=TO_DO)
    copy = Copy(dt.date.fromisoformat(newest[:10]), sorted(taken, key=lambda record: record.id))
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = settings.data / ".tmp-advisories.json"
    aside.write_bytes(msgspec.json.encode(copy))
    os.replace(aside, settings.data / "advisories.json")
    return copy


def _records(file: Path) -> Iterator[bytes]:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as packed:
            for name in packed.namelist():
                if name.endswith(".json"):
                    yield packed.read(name)
        return
    for one in sorted(file.rglob("*.json")) if file.is_dir() else [file]:
        yield one.read_bytes()


def _is_about(affected: Affected, names: Collection[str]) -> bool:
    return affected.package.ecosystem == "PyPI" and canonicalize_name(affected.package.name) in names


def hits(packages: Iterable[supply_chain.Package], advisories: Iterable[Advisory]) -> list[tuple[str, str, str, str]]:
    """(package, installed version, advisory, version that mends it or "") of every installed package that is
    affected."""
    hit = []
    known = list(advisories)
    for package in packages:
        for advisory in known:
            for affected in advisory.affected:
                if _is_about(affected, {package.name}) and package.installed and affects(affected, package.installed):
                    hit.append((package.name, package.installed, advisory.id, _mended(affected, package.installed)))
    return sorted(set(hit))


def affects(affected: Affected, version: str) -> bool:
    """As osv.dev says it: listed, or in a range of versions."""
    return version in affected.versions or any(
        _lies_in(one, Version(version)) for one in affected.ranges if one.type == "ECOSYSTEM"
    )


def _lies_in(span: Range, version: Version) -> bool:
    inside = False
    events = [(kind, text) for event in span.events for kind, text in event.items()]
    for kind, text in events:
        try:
            bound = Version(text)
        except InvalidVersion:
            continue
        if kind == "introduced" and version >= bound:
            inside = True
        elif (kind == "fixed" and version >= bound) or (kind == "last_affected" and version > bound):
            inside = False
    return inside


def _mended(affected: Affected, version: str) -> str:
    later = []
    for text in (event["fixed"] for span in affected.ranges for event in span.events if "fixed" in event):
        try:
            if Version(text) > Version(version):
                later.append(Version(text))
        except InvalidVersion:
            continue
    return str(min(later, default=""))


def check(settings: Settings, *, is_demo: bool) -> Iterator[tuple[str, bool, str]]:
    """What the doctor asks (entry point `zhengbei.checks`): is there a copy, is it recent, is anything affected."""
    file = settings.data / "advisories.json"
    try:
        copy = msgspec.json.decode(file.read_bytes(), type=Copy)
    except FileNotFoundError:
        yield "漏洞通告", is_demo, "演示，不要求漏洞通告副本" if is_demo else f"没有漏洞通告副本；{TO_DO}"
        return
    except (OSError, msgspec.DecodeError):
        yield "漏洞通告", False, f"{file} 读不出来；{TO_DO}"
        return
    hit = hits(supply_chain.packages(), copy.advisories)
    late = units.now().date() - copy.date > LATE
    stated = [f"副本截至 {copy.date}，收录有关通告 {len(copy.advisories)} 条"]
    if late:
        stated.append(f"已超过 {LATE.days} 天，{TO_DO}")
    stated += [
        f"{name} {version} 受 {advisory} 影响（{f'{mended} 起修正' if mended else '还没有修正版本'}）"
        for name, version, advisory, mended in hit[:SHOWN]
    ]
    if len(hit) > SHOWN:
        stated.append(f"共 {len(hit)} 处")
    yield "漏洞通告", not late and not hit, "；".join(stated if late or hit else [*stated, "所用版本都不受影响"])
