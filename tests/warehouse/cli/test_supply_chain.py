"""The bill of materials is true and well-formed; a copy of the advisories tells which installed version is affected."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.test_cli import zhengbei
from warehouse.cli import advisories, supply_chain
from warehouse.core import units
from warehouse.core.errors import ContractBroken, DataMissing
from warehouse.core.settings import Settings


def test_the_bill_of_materials_is_cyclonedx_and_names_every_package_of_the_lock(tmp_path: Path) -> None:
    document = supply_chain.bom()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    named = {component["name"]: component for component in document["components"]}
    assert len(named) == len(document["components"]) > 60
    assert {"duckdb", "flask", "dash", "pyrage"} <= set(named) and "pytest" not in named
    assert supply_chain.bom()["serialNumber"] == document["serialNumber"]
    done = zhengbei("sbom", "--out", str(tmp_path / "sbom.json"))
    assert done.returncode == 0 and json.loads((tmp_path / "sbom.json").read_text("utf-8"))["specVersion"] == "1.6"


def test_every_package_has_a_licence_and_is_installed_as_locked() -> None:
    """A package that is refused here is looked at by a person before it goes in."""
    packages = supply_chain.packages()
    assert [package.name for package in packages if not package.licence] == []
    assert [package.name for package in packages if package.installed != package.version] == []
    strong = [package for package in packages if "GPL" in package.licence and "LGPL" not in package.licence]
    assert strong == []
    with pytest.raises(DataMissing):
        supply_chain.packages(Path("/nowhere/requirements.lock"))


def record(identifier: str, name: str, *, modified: str = "2026-11-20T00:00:00Z", **affected: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.7.0",
        "id": identifier,
        "modified": modified,
        "summary": "x",
        "affected": [{"package": {"ecosystem": "PyPI", "name": name, "purl": f"pkg:pypi/{name}"}, **affected}],
    }


def ranges(*events: dict[str, str]) -> list[dict[str, Any]]:
    return [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "ECOSYSTEM", "events": list(events)}]


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([{"introduced": "0"}, {"fixed": "2.0"}], ["0.1", "1.9", "2.0rc1"], ["2.0", "2.0.1"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["0.9", "1.5.1"]),
        (
            [{"introduced": "1"}, {"fixed": "1.2"}, {"introduced": "2"}, {"fixed": "2.3"}],
            ["1.1", "2.2"],
            ["1.2", "2.3"],
        ),
        ([{"introduced": "3.0"}], ["3.0", "99"], ["2.9"]),
    ],
)
def test_a_version_is_affected_as_the_record_says(
    events: list[dict[str, str]], inside: list[str], outside: list[str]
) -> None:
    affected = advisories.Affected(ranges=[advisories.Range("ECOSYSTEM", events)])
    assert all(advisories.affects(affected, version) for version in inside)
    assert not any(advisories.affects(affected, version) for version in outside)
    assert advisories.affects(advisories.Affected(versions=["9.9"]), "9.9")


def brought(folder: Path, *records: dict[str, Any]) -> Settings:
    with zipfile.ZipFile(folder / "all.zip", "w") as packed:
        for one in records:
            packed.writestr(f"{one['id']}.json", json.dumps(one))
    settings = Settings(folder / "data")
    advisories.bring(settings, folder / "all.zip", {package.name for package in supply_chain.packages()})
    return settings


def test_the_doctor_names_what_is_affected_and_how_old_the_copy_is(tmp_path: Path) -> None:
    today = units.now().date()
    fresh, old = (f"{today - dt.timedelta(days=days)}T08:00:00Z" for days in (30, 31))
    flask = next(package.installed for package in supply_chain.packages() if package.name == "flask")
    affecting = record("PYSEC-1", "Flask", modified=fresh, ranges=ranges({"introduced": "0"}, {"fixed": "999.0"}))
    harmless = record("PYSEC-2", "duckdb", ranges=ranges({"introduced": "0"}, {"fixed": "0.1"}))
    withdrawn = {**affecting, "id": "PYSEC-3", "withdrawn": "2026-11-01T00:00:00Z"}
    foreign = record("PYSEC-4", "never-heard-of", versions=["1"])
    settings = brought(tmp_path, affecting, harmless, withdrawn, foreign)
    copy = json.loads((settings.data / "advisories.json").read_bytes())
    assert [one["id"] for one in copy["advisories"]] == ["PYSEC-1", "PYSEC-2"]
    (name, is_fine, text) = next(iter(advisories.check(settings, is_demo=False)))
    assert name == "漏洞通告" and not is_fine
    assert f"flask {flask} 受 PYSEC-1 影响（999.0 起修正）" in text and "PYSEC-2" not in text and "超过" not in text
    (_, is_fine, text) = next(iter(advisories.check(brought(tmp_path, {**harmless, "modified": fresh}), is_demo=False)))
    assert is_fine and "都不受影响" in text and str(today - dt.timedelta(days=30)) in text
    (_, is_fine, text) = next(iter(advisories.check(brought(tmp_path, {**harmless, "modified": old}), is_demo=False)))
    assert not is_fine and "已超过 30 天" in text


def test_without_a_copy_a_real_installation_is_told_how_to_get_one(tmp_path: Path) -> None:
    (_, is_fine, text) = next(iter(advisories.check(Settings(tmp_path), is_demo=False)))
    assert not is_fine and "没有漏洞通告副本" in text and "zhengbei advisories" in text
    assert next(iter(advisories.check(Settings(tmp_path), is_demo=True)))[1]
    (tmp_path / "advisories.json").write_text("{")
    assert "读不出来" in next(iter(advisories.check(Settings(tmp_path), is_demo=False)))[2]
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ContractBroken, match="没有 OSV"):
        advisories.bring(Settings(tmp_path), tmp_path / "other.json", {"flask"})
