"""The bureau's own faces are seen by the browser where there are any, and a font that no stack names is a stranger."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cockpit.report import typefaces

GEORGIAN = "\u10a0"
"""A letter that DejaVu Serif has and no face of the stacks."""


def installed(family: str) -> Path:
    shown = subprocess.run(["fc-match", "--format=%{file}", family], capture_output=True, text=True, check=True).stdout
    return Path(shown)


def test_without_faces_of_its_own_the_browser_is_started_as_ever(tmp_path: Path) -> None:
    assert typefaces.environment(tmp_path / "fonts", tmp_path, {}) == {}
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "read.me").touch()
    assert typefaces.environment(tmp_path / "fonts", tmp_path, {}) == {}


@pytest.mark.browser
def test_a_face_in_the_folder_is_found_beside_those_of_the_machine_and_is_no_stranger(tmp_path: Path) -> None:
    own = tmp_path / "fonts & more"
    own.mkdir()
    face = installed("DejaVu Serif")
    (own / "house.ttf").write_bytes(face.read_bytes())
    given = typefaces.environment(own, tmp_path, {})
    listed = subprocess.run(
        ["fc-list", "--format=%{file}\n"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", **given},
    ).stdout
    assert str(own / "house.ttf") in listed and "Noto" in listed
    assert typefaces.strangers(f"本周 93.4%▲{GEORGIAN}", tmp_path / "none") == GEORGIAN
    assert typefaces.strangers(f"本周 93.4%▲{GEORGIAN}", own) == ""


def test_every_stack_ends_in_a_face_that_every_installation_has() -> None:
    assert set(typefaces.STACKS) == {"--song", "--fang", "--kai", "--hei", "--number"}
    assert all({"Noto Serif CJK SC", "Noto Sans CJK SC"} & set(stack) for stack in typefaces.STACKS.values())
    assert '--fang: "仿宋_GB2312"' in typefaces.css()
