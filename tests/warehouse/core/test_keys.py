"""A key is there whole or not at all, whoever comes first."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.parametrize(("mode", "size", "words"), [(0o644, 32, "对他人可读"), (0o600, 31, "过短")])
def test_a_weak_key_is_refused(tmp_path: Path, mode: int, size: int, words: str) -> None:
    file = tmp_path / "people.key"
    file.write_bytes(b"k" * size)
    file.chmod(mode)
    with pytest.raises(Refused) as refused:
        keys.secret(tmp_path, "people")
    assert words in refused.value.what and refused.value.where == str(file)
