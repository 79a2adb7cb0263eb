"""Nothing starts for good with a weak secret, with what others may read, or as root; each refusal says the cure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.core import keys, safe_start
from warehouse.core.errors import Refused
from warehouse.core.settings import Settings

ALLOWED = {safe_start.ALLOW_ROOT: "1"}


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A data folder that everybody on this machine can reach; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="zhengbei-open-"))
    folder.chmod(0o755)
    made = Settings(folder)
    keys.secret(made.keys, "web")
    for path in (made.published, made.lake, made.own):
        path.mkdir(mode=0o700)
    for file in (
        made.sources,
        folder / "delivery.toml",
        made.state,
        made.warehouse,
        made.published / "1.restricted.duckdb",
    ):
        file.touch(0o600)
    yield made
    shutil.rmtree(folder)


def weaken(settings: Settings, what: str) -> None:
    key = settings.keys / "web.key"
    match what:
        case "short key":
            key.write_bytes(b"short")
        case "key of zeros":
            key.write_bytes(bytes(32))
        case "key of one letter":
            key.write_bytes(b"k" * 32)
        case "open key":
            key.chmod(0o640)
        case "open sources":
            settings.sources.chmod(0o640)
        case "open delivery":
            (settings.data / "delivery.toml").chmod(0o604)
        case "open state":
            settings.state.chmod(0o644)
        case "open persons":
            (settings.published / "1.restricted.duckdb").chmod(0o444)
        case "open warehouse":
            settings.warehouse.chmod(0o644)
        case "open positions":
            settings.lake.chmod(0o755)


CASES = {
    "short key": "过短",
    "key of zeros": "不是随机数",
    "key of one letter": "不是随机数",
    "open key": "chmod 600",
    "open sources": "chmod 600",
    "open delivery": "chmod 600",
    "open state": "chmod -R o-rwx",
    "open persons": "chmod -R o-rwx",
    "open warehouse": "chmod -R o-rwx",
    "open positions": "chmod -R o-rwx",
}


@pytest.mark.parametrize("what", CASES)
def test_each_weakness_is_refused_with_its_cure(settings: Settings, what: str) -> None:
    assert list(safe_start.unsafe(settings, ALLOWED)) == []
    weaken(settings, what)
    found = list(safe_start.unsafe(settings, ALLOWED))
    assert len(found) == 1 and CASES[what] in str(found[0]) and str(settings.data) in str(found[0])


def test_what_lies_in_a_closed_folder_is_not_open(settings: Settings) -> None:
    settings.warehouse.chmod(0o644)
    settings.data.chmod(0o700)
    assert list(safe_start.unsafe(settings, ALLOWED)) == []


def test_root_is_refused_unless_it_is_said_that_nothing_is_at_stake(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = list(safe_start.unsafe(settings, {}))
    assert len(found) == 1 and "root" in str(found[0]) and safe_start.ALLOW_ROOT in str(found[0])
    assert list(safe_start.unsafe(settings, ALLOWED)) == []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert list(safe_start.unsafe(settings, {})) == []


@pytest.mark.parametrize("words", [("serve", "--port", "1"), ("etl", "schedule")], ids=" ".join)
def test_the_server_and_the_loader_do_not_start(settings: Settings, words: tuple[str, ...]) -> None:
    weaken(settings, "open state")
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", *words, "--data", str(settings.data)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | ALLOWED,
        check=False,
    )
    assert done.returncode == Refused.exit_code == 77, done.stderr
    assert "chmod -R o-rwx" in done.stderr and len(done.stderr.strip().splitlines()) == 1
