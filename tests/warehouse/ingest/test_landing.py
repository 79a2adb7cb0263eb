"""A landed payload is as it was received, or it is named as damaged; nothing in between."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from tests.flips import FLIPS, flip, write
from tests.house import AS_OF
from warehouse.core.errors import WarehouseBroken
from warehouse.core.keys import Vault
from warehouse.core.units import SHANGHAI
from warehouse.ingest.landing import Landed, Landing

BODY = orjson.dumps([{"plate_no": f"浙A{number:05d}", "n": number} for number in range(60)])


def landed(folder: Path) -> tuple[Landing, list[Landed]]:
    landing = Landing(folder / "landing", Vault(folder / "keys"))
    for is_sealed in (False, True):
        landing.put(
            "yz",
            "vehicle",
            BODY,
            kind="json_rows",
            name="payload",
            at=AS_OF.replace(tzinfo=SHANGHAI),
            sealed=is_sealed,
            cursor="2026-11-23 14:00:00",
            mapping={"columns": {"plate_no": "车牌"}},
        )
    return landing, list(landing.notes())


def test_any_flipped_bit_is_noticed_in_the_payload_and_in_what_is_said_of_it(tmp_path: Path) -> None:
    landing, notes = landed(tmp_path)
    files, dice = sorted(landing.folder.rglob("*.landed")), random.Random(20261123)
    for number in range(FLIPS):
        file = files[number % 2]
        whole = flip(file, dice)
        with pytest.raises(WarehouseBroken, match="原始数据文件"):
            landing.body(list(landing.notes())[number % 2])
        write(file, whole)
    assert list(landing.notes()) == notes and all(landing.body(note) == BODY for note in notes)


def test_files_of_earlier_releases_are_read_as_ever(tmp_path: Path) -> None:
    landing, notes = landed(tmp_path)
    for file in landing.folder.rglob("*.landed"):
        head, _, packed = file.read_bytes().partition(b"\n")
        file.write_bytes(head.rsplit(b" ", 2)[0] + b"\n" + packed)
        assert file.read_bytes().partition(b"\n")[0].endswith(b"}")
    assert list(landing.notes()) == notes and all(landing.body(note) == BODY for note in notes)


def test_what_is_known_already_is_not_read_again(tmp_path: Path) -> None:
    landing, notes = landed(tmp_path)
    flip(min(landing.folder.rglob("*.landed")), random.Random(1), last=20)
    assert list(landing.notes(besides={notes[0].seq})) == notes[1:]
    with pytest.raises(WarehouseBroken):
        list(landing.notes())
