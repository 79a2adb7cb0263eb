"""The recipes of warehouse/README.md work as they stand there: its blocks are written into a copy of the product, and nothing
else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.etl.register import endpoints, register
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

pytestmark = pytest.mark.world

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"```toml\n# (\S+\.toml)\n(.*?)```", re.S)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with the manual's blocks in their places."""
    home = tmp_path_factory.mktemp("product")
    for package in ("warehouse", "etl", "cockpit", "assets"):
        shutil.copytree(ROOT / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = BLOCK.findall((ROOT / "warehouse" / "README.md").read_text("utf-8"))
    assert [name for name, _ in blocks] == [
        "warehouse/metrics/fleet/fleet_heavy_share.toml",
        "warehouse/raw/ins_policy.toml",
        "etl/sources/ins.toml",
    ]
    for name, text in blocks:
        assert not (home / name).exists()
        (home / name).write_text(text, "utf-8")
    return home


def run(home: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", *words],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in words else done.stdout


def test_a_new_indicator_is_one_file_and_no_program(copy: Path, published: Path) -> None:
    assert any(row["id"] == "fleet_heavy_share" for row in run(copy, "metric", "list", "--json"))
    answer = run(copy, "metric", "read", "fleet_heavy_share", "--json", "--data", str(published))
    book = SnapshotStore(published).current(Scope.ALL)
    assert answer["status"] == "ok" and answer["den"] == book.read("fleet_vehicle_cnt", "day").value
    assert answer["num"] == book.read("fleet_network_rate", "day").den
    towns = run(copy, "metric", "read", "fleet_heavy_share", "--by", "town", "--json", "--data", str(published))
    assert sum(row["num"] or 0 for row in towns) == answer["num"]


SURFACES = """
import datetime as dt, json, sys
from pathlib import Path
from flask import g
from cockpit.identity.sessions import Viewer
from cockpit.presentation.static_html import written
from cockpit.report import content
from cockpit.wall import scenes
from cockpit.web import app, page_callback
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore
from warehouse.query.scope import Scope

data = Path(sys.argv[1])
server = app.create_app(Settings(data))
library = server.config["ZHENGBEI_LIBRARY"]
book = library.current(Scope.ALL)
with server.test_request_context("/group/fleet"):
    g.viewer = Viewer("person", "recipe", "leader", scope=Scope.ALL)
    page = written(page_callback.draw(library, "/group/fleet", "")[0])
wall = scenes.scene(book, "overview", book.generation.built_at.date())
paper = content.build(book, content.newest(book, "week"))
print(json.dumps([page, "".join(one["html"] for one in wall["cards"]), json.dumps(paper.figures, ensure_ascii=False)]))
"""


def test_a_new_indicator_is_on_page_wall_and_paper(copy: Path, published: Path, tmp_path: Path) -> None:
    (tmp_path / "published").symlink_to(published / "published")
    done = subprocess.run(
        [sys.executable, "-c", SURFACES, str(tmp_path)],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(copy)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert all("重型货车占比" in surface for surface in json.loads(done.stdout.splitlines()[-1]))


def test_a_new_file_source_is_two_files_and_an_address(copy: Path, tmp_path: Path) -> None:
    data, drop = tmp_path / "data", tmp_path / "drop"
    register(tmp_path / "yz.sqlite", 3)
    endpoints(data, tmp_path / "yz.sqlite", drop)
    with open(data / "sources.toml", "a", encoding="utf-8") as file:
        file.write(f'[ins]\ndrop = "{drop}"\n')
    (drop / "ins").mkdir(parents=True)
    policy = drop / "ins" / "2026.csv"
    policy.write_bytes(
        "保单号,车牌号,到期日\nP1,浙A00001,2027-01-31\nP2,浙A00002,2026-12-31\nP3,不是号牌,2026-12-31\n".encode(
            "gb18030"
        )
    )
    os.utime(policy, (1, 1))
    run(copy, "etl", "run", "--data", str(data))
    balance = next(
        row
        for row in run(copy, "etl", "status", "--json", "--data", str(data))["balances"]
        if row["table"] == "ins_policy"
    )
    assert (balance["rows_in"], balance["merged"], balance["quarantined"]) == (3, 2, 1)
