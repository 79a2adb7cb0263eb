"""The examples of the loading manual are taken as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etl.config.descriptions import endpoints, feeds
from etl.sources.http_json import HttpJson
from etl.sources.sql_database import SqlDatabase
from warehouse.core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCKS = re.findall(r"```toml\n(.*?)```", (ROOT / "etl" / "README.md").read_text("utf-8"), re.S)
SOURCES = {"道路运政": "yz", "动态监控": "gps", "群团台账": "un"}


@pytest.mark.parametrize("text", [block for block in BLOCKS if block.startswith("label")], ids=lambda text: text[9:13])
def test_a_source_described_as_in_the_manual_is_accepted(text: str, tmp_path: Path) -> None:
    source = SOURCES[text.split('"')[1]]
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / f"{source}.toml").write_text(text, "utf-8")
    found = [feed for feed in feeds(Settings(tmp_path)) if feed.source == source]
    assert len(found) == text.count("[[feeds]]"), "and it takes the place of the shipped one"


def test_addresses_as_in_the_manual_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [
        block
        for block in BLOCKS
        if re.match(r"(is_demo|\[\w+\])", block) and re.search(r"^(dsn|url|drop) = ", block, re.M)
    ]
    assert len(blocks) == 3
    secret = tmp_path / "password"
    secret.touch(0o600)
    secret.write_text("geheim\n")
    for name in re.findall(r'"env:(\w+)"', "".join(blocks)):
        monkeypatch.setenv(name, "geheim")
    (tmp_path / "sources.toml").touch(0o600)
    (tmp_path / "sources.toml").write_text(
        re.sub(r'"file:/[^"]+"', f'"file:{secret}"', "\n".join(blocks)).replace('ca = "/etc/zhengbei/ca.pem"', ""),
        "utf-8",
    )
    found, is_demo = endpoints(Settings(tmp_path))
    assert not is_demo and set(found) == {"yz", "gps", "un", "pj", "hn"}
    assert (found["yz"].password, found["gps"].client_secret, found["hn"].options["key"]) == (
        "geheim",
    ) * 3 and "geheim" not in repr(found)
    SqlDatabase("yz", found["yz"]).close()
    HttpJson("gps", found["gps"]).close()
