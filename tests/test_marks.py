"""Marks say what a test needs, and a quick run goes by them: one that is forgotten makes the quick run slow and wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("mark", "places"),
    [
        ("browser", ("tests/browser",)),
        ("independent", ("tests/independent",)),
        ("crash", ("tests/etl/pipeline/test_crash.py",)),
    ],
)
def test_every_test_of_a_kind_carries_its_mark(mark: str, places: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", f"not {mark}", *places]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    forgotten = [line for line in done.stdout.splitlines() if "::" in line]
    assert forgotten == [] and done.returncode == 5, done.stdout[-2000:]
