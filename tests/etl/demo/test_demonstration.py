"""The demonstration says when it runs as root, and lets its own processes do so."""

from __future__ import annotations

import os

import pytest

from etl.cli import demonstration
from warehouse.core import safe_start


def test_as_root_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(safe_start.ALLOW_ROOT, "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    demonstration._allow_root()
    assert os.environ[safe_start.ALLOW_ROOT] == "" and capsys.readouterr().err == ""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    demonstration._allow_root()
    assert os.environ[safe_start.ALLOW_ROOT] == "1" and "只供演示" in capsys.readouterr().err
