"""The unit files: as closed as systemd's own examination wants them, and no endless restarts of what a person must put
right."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from warehouse.core.errors import ConfigError, DataMissing, Refused, SourceDown, WarehouseBroken

FOLDER = Path(__file__).resolve().parents[3] / "cockpit" / "deploy"
MOST_EXPOSED = 3.0


@pytest.mark.parametrize("name", ["zhengbei-etl", "zhengbei-web"])
def test_a_service_is_as_closed_as_it_can_be(name: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(FOLDER / f"{name}.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert found and float(found[1]) <= MOST_EXPOSED, done.stdout[-2000:]
    assert "ignoring" not in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["zhengbei-etl", "zhengbei-web"])
def test_what_a_person_must_put_right_is_not_started_again(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(FOLDER / f"{name}.service", "utf-8")
    service = unit["Service"]
    never = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert service["Restart"] == "always" and {Refused.exit_code, ConfigError.exit_code, 2} == never
    assert not never & {WarehouseBroken.exit_code, SourceDown.exit_code, DataMissing.exit_code, 0}
    assert service["User"] == "zhengbei" and service["ProtectSystem"] == "strict"
