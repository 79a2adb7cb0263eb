"""What the product is made of: the packages of its lock with their licences, as a list and as a CycloneDX document.

Owns reading requirements.lock; says nothing of the system's own software (Python, Chromium, fonts, poppler)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from warehouse.core import units
from warehouse.core.errors import DataMissing
from warehouse.core.settings import RELEASE, ROOT

LOCK = ROOT.parent / "requirements.lock"
SPEC = "1.6"
LONGEST = 60
"""A longer "licence" is its whole text; the text's first line is its name."""


@dataclass(frozen=True)
class Package:
    """One package of the lock on this machine. name: canonical; licence: as the package states it, "" = it states none;
    expression: whether that is an SPDX expression. installed: "" = not installed."""

    name: str
    version: str
    licence: str
    is_expression: bool
    installed: str

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(lock: Path = LOCK) -> list[Package]:
    """The lock's packages that belong on a machine like this, by name. Raises DataMissing where there is no lock."""
    return [_package(requirement) for requirement in _pinned(lock)]


def _pinned(lock: Path) -> Iterator[Requirement]:
    if not lock.exists():
        raise DataMissing("没有依赖锁定文件", where=str(lock), to_do="请在产品的文件夹里运行")
    for line in lock.read_text("utf-8").splitlines():
        if line and not line.startswith((" ", "#", "-")):
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def _package(requirement: Requirement) -> Package:
    version = next(iter(requirement.specifier)).version
    try:
        there = distribution(requirement.name)
    except PackageNotFoundError:
        return Package(canonicalize_name(requirement.name), version, "", False, "")
    licence, is_expression = _licence(there)
    return Package(canonicalize_name(requirement.name), version, licence, is_expression, there.version)


def _licence(there: Distribution) -> tuple[str, bool]:
    # by get_all alone: what a name that is not stated means differs with the finder that answers
    stated = there.metadata
    if expression := next(iter(stated.get_all("License-Expression") or ()), ""):
        return str(expression), True
    lines = str(next(iter(stated.get_all("License") or ()), "")).strip().splitlines()
    if lines and lines[0] != "UNKNOWN":
        return lines[0][:LONGEST].strip(), False
    classes = [
        line.rpartition(" :: ")[2] for line in stated.get_all("Classifier") or () if line.startswith("License ::")
    ]
    if classes:
        return " / ".join(classes), False
    for name in stated.get_all("License-File") or ():
        for file in there.files or ():
            if file.name == Path(name).name and ".dist-info" in str(file):
                return file.read_text("utf-8").strip().splitlines()[0][:LONGEST].strip(), False
    return "", False


def bom(lock: Path = LOCK) -> dict[str, Any]:
    """The CycloneDX document: the same for the same lock and release but for its time."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else ""
    components = [_component(package) for package in packages(lock)]
    product = {"type": "application", "bom-ref": "zhengbei", "name": "zhengbei", "version": RELEASE}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'zhengbei {RELEASE} {digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": units.now().isoformat(timespec="seconds"),
            "component": product,
            "properties": [{"name": "zhengbei:requirements.lock:sha256", "value": digest}],
        },
        "components": components,
        "dependencies": [{"ref": "zhengbei", "dependsOn": [component["bom-ref"] for component in components]}],
    }


def _component(package: Package) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    }
    if package.is_expression:
        component["licenses"] = [{"expression": package.licence}]
    elif package.licence:
        component["licenses"] = [{"license": {"name": package.licence}}]
    return component
