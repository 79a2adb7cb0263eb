"""What a test needs of the machine. Where it is missing the test is skipped, but never in CI: there it fails and says
what to install."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

CHROMIUM = Path("/usr/bin/chromium")


def missing(what: str, package: str) -> NoReturn:
    """Ends the test: it cannot run without `what`, which the Debian package `package` brings."""
    sentence = f"没有 {what}（apt-get install {package}）"
    if os.environ.get("CI"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def chromium() -> None:
    """Ends the test where there is no Chromium."""
    if not CHROMIUM.exists():
        missing("Chromium", "chromium")
