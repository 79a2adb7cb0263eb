"""One file carries the product onto a machine without a network, and says what is wrong when it cannot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from warehouse.cli import bundle, commands
from warehouse.core.settings import ROOT

HOME = ROOT.parent
DEBIAN = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs a Debian machine")
CONTROL = "Package: zhengbei-probe\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b.invalid>\nDescription: probe\n"


def test_it_carries_what_the_first_start_would_install() -> None:
    """The list stands in the script, which must not need Python, and here: they are the same."""
    script = (HOME / "zhengbei").read_text("utf-8")
    product = script.split("missing_packages() {")[1].split("if [")[0]
    named = {word for words in re.findall(r"printf '([a-z0-9 -]+) '", product) for word in words.split()}
    assert named == set(bundle.SYSTEM) - {"nginx-light"}


@DEBIAN
def test_the_list_of_packages_is_one_that_apt_reads(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "DEBIAN"
    folder.mkdir(parents=True)
    (folder / "control").write_text(CONTROL)
    packages = tmp_path / "packages"
    packages.mkdir()
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", folder.parent, packages / "probe_1.0_all.deb"],
        check=True,
        capture_output=True,
    )
    (packages / "Packages").write_text("\n".join(bundle.entries(packages)), "utf-8")
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    source = tmp_path / "sources.list"
    source.write_text(f"deb [trusted=yes] file:{packages} ./\n")
    options = (
        f"Dir::Etc::SourceList={source}",
        "Dir::Etc::SourceParts=/dev/null",
        f"Dir::State::Lists={lists}",
        f"Dir::Cache={tmp_path}",
        "Debug::NoLocking=1",
        "APT::Sandbox::User=root",
    )
    settings = [word for option in options for word in ("-o", option)]
    subprocess.run(["apt-get", "-qq", *settings, "update"], check=True, capture_output=True)
    found = subprocess.run(
        ["apt-cache", *settings, "show", "zhengbei-probe"], capture_output=True, text=True, check=True
    )
    assert "Filename: ./probe_1.0_all.deb" in found.stdout and "SHA256: " in found.stdout


def test_the_code_goes_along_and_nothing_that_was_made_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in (
        "warehouse/a.py",
        "var/keys/web.key",
        ".venv/bin/python",
        ".git/HEAD",
        "cockpit/__pycache__/a.pyc",
        ".mypy_cache/x",
        ".ci/run",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("x")
    bundle.code(home, tmp_path / "copy")
    assert {str(file.relative_to(tmp_path / "copy")) for file in (tmp_path / "copy").rglob("*") if file.is_file()} == {
        "warehouse/a.py",
        ".ci/run",
    }


def test_an_archive_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "zhengbei.tar"
    out.write_text("mine")
    done = CliRunner().invoke(commands.bundle, ["--out", str(out)])
    assert "已有同名文件" in str(done.exception) and out.read_text() == "mine"


def test_without_its_packages_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LOCK", tmp_path / "none.lock")
    done = CliRunner().invoke(commands.bundle, ["--out", str(tmp_path / "out" / "zhengbei.tar")])
    assert "没有成功" in str(done.exception) and not list((tmp_path / "out").iterdir())


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    """An archive unpacked, of which nothing but the checks comes to run."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "zhengbei").write_text("#!/bin/sh\n")
    (tmp_path / "machine").write_text("debian sid s390x\n")
    (tmp_path / "names").write_text("\n")
    shutil.copyfile(HOME / "warehouse" / "cli" / "install.sh", tmp_path / "install.sh")
    (tmp_path / "SHA256SUMS").write_text("".join(bundle.sums(tmp_path)))
    return tmp_path


def install(folder: Path) -> str:
    done = subprocess.run(["sh", folder / "install.sh", folder / "target"], capture_output=True, text=True, check=False)
    assert done.returncode in (69, 77) and not (folder / "target").exists()
    return done.stderr


@DEBIAN
def test_it_goes_onto_no_other_kind_of_machine(carried: Path) -> None:
    said = install(carried)
    assert "debian sid s390x" in said if os.geteuid() == 0 else "需要 root" in said


@DEBIAN
@pytest.mark.skipif(os.geteuid() != 0, reason="goes no further without root")
def test_a_copy_that_is_not_whole_is_not_installed(carried: Path) -> None:
    (carried / "machine").write_text(bundle.machine() + "\n")
    (carried / "SHA256SUMS").write_text("".join(bundle.sums(carried)))
    (carried / "code" / "zhengbei").write_text("#!/bin/sh\nexit 1\n")
    assert "与校验和不符" in install(carried)
