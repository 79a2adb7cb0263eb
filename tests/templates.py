"""Data folders that many tests start from, made once a version of the code and shared by all workers and runs.

Owns where they lie and when they are made anew: a folder is named after the digest of everything that goes into it, so
a change in `cockpit/` or `assets/` finds them ready, and one in `warehouse/` or `etl/` never meets a stale one."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "warehouse",
    "etl",
    "assets/geo",
    "tests/requirements.lock",
    "tests/conftest.py",
    "tests/house.py",
    "tests/templates.py",
    "tests/independent/changes.py",
    "tests/independent/worlds.py",
    "tests/etl/demo/conftest.py",
)
"""What a prepared folder is made from."""
UNUSED_S = 12 * 3600
spent_s = 0.0
"""Seconds of a processor that this process has used to make folders."""


@cache
def digest() -> str:
    """Names the version of the code: the digest of every file that goes into a prepared folder."""
    found = hashlib.sha256()
    for source in SOURCES:
        place = ROOT / source
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".md" and file.name != "COMMIT":
                found.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:24]


def _home() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "zhengbei-tests"


def prepared(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that name for this version of the code; `make(folder)` fills it when no worker or earlier run has.
    Read-only for tests."""
    home = _home()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder, whole = home / digest() / name, home / digest() / f"{name}.made"
    with FileLock(home / f"{digest()}-{name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what somebody was killed over
            _forget_older(home)
            aside = folder.with_name(f".{name}-{os.getpid()}")
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True, mode=0o700)
            # the folder is made where it will stay: what a run writes down about its own files are whole paths
            aside.rename(folder)
            before = os.times()
            try:
                make(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            whole.touch()
            global spent_s
            spent_s += sum(os.times()[:4]) - sum(before[:4])
        os.utime(home / digest())
    return folder


def _forget_older(home: Path) -> None:
    """Takes away what no run has used for half a day: each version of the code holds some hundred megabytes."""
    for place in home.iterdir():
        if place.is_dir() and place.name != digest() and time.time() - place.stat().st_mtime > UNUSED_S:
            shutil.rmtree(place, ignore_errors=True)
            for lock in home.glob(f"{place.name}-*.lock"):
                lock.unlink(missing_ok=True)
