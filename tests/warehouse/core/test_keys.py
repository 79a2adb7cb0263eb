"""A key is there whole or not at all, whoever comes first."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from warehouse.core import keys
from warehouse.core.errors import Refused

READERS = 16


def test_many_first_readers_get_one_whole_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen = os.fdopen

    def slow(*arguments: Any, **named: Any) -> Any:
        time.sleep(0.05)  # a busy machine stops a writer between opening a file and writing it
        return fdopen(*arguments, **named)

    monkeypatch.setattr(os, "fdopen", slow)
    found: list[object] = []
    start = threading.Barrier(READERS)

    def read(number: int) -> None:
        start.wait()
        time.sleep(number * 0.005)
        try:
            found.append(keys.secret(tmp_path / "keys", "people"))
        except Refused as error:
            found.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == READERS and len(set(found)) == 1 and isinstance(found[0], bytes) and len(found[0]) == 32
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["people.key"]
    assert stat.S_IMODE((tmp_path / "keys" / "people.key").stat().st_mode) == 0o600


def test_a_writer_that_dies_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_handle: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        with pytest.raises(OSError, match="no space"):
            keys.secret(tmp_path, "people")
    assert list(tmp_path.iterdir()) == []
    assert len(keys.secret(tmp_path, "people")) == 32


def varied(length: int, values: int) -> bytes:
    return bytes(number % values for number in range(length))


@pytest.mark.parametrize(
    ("mode", "body", "words"),
    [
        (0o644, varied(32, 32), "对他人可读"),
        (0o620, varied(32, 32), "对他人可读"),
        (0o601, varied(32, 32), "对他人可读"),
        (0o600, varied(31, 31), "过短"),
        (0o600, varied(32, 11), "不是随机数"),
    ],
)
def test_a_weak_key_is_refused(tmp_path: Path, mode: int, body: bytes, words: str) -> None:
    file = tmp_path / "people.key"
    file.write_bytes(body)
    file.chmod(mode)
    with pytest.raises(Refused) as refused:
        keys.secret(tmp_path, "people")
    assert words in refused.value.what and refused.value.where == str(file)


def test_a_key_of_twelve_values_and_thirty_two_bytes_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "people.key"
    file.write_bytes(varied(32, 12))
    file.chmod(0o600)
    assert keys.secret(tmp_path, "people") == varied(32, 12)


def test_pseudonyms_differ_by_what_they_stand_for_and_a_seal_by_its_place(tmp_path: Path) -> None:
    people, number = keys.Pseudonyms(tmp_path), "13800138000"
    found = {people.person(number), people.phone(number), people.misplaced(number)}
    assert sorted(len(one) for one in found) == [12, 64, 64]
    assert people.person(number) == keys.Pseudonyms(tmp_path).person(number) != people.person(number + "1")
    assert keys.Pseudonyms(tmp_path / "elsewhere").person(number) not in found
    vault = keys.Vault(tmp_path)
    sealed = vault.seal(b"body", b"label")
    assert vault.open(sealed, b"label") == b"body" and vault.seal(b"body", b"label") != sealed and b"body" not in sealed
    for spoiled, label in ((sealed, b"other"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"label")):
        with pytest.raises(InvalidTag):
            vault.open(spoiled, label)
    with pytest.raises(InvalidTag):
        keys.Vault(tmp_path, "other").open(sealed, b"label")
