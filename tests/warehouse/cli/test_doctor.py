"""What the doctor says of a folder that nothing has been published in yet."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from warehouse.cli import doctor
from warehouse.core import beats
from warehouse.core.settings import Settings


@pytest.mark.parametrize(
    ("ago_s", "words"),
    [(None, "请启动装载进程"), (5.0, "正在取第一批数据"), (beats.SILENT_S + 5, "请启动装载进程")],
    ids=["no loader yet", "the loader is at it", "the loader has stopped"],
)
def test_before_the_first_publication_it_says_who_has_to_do_something(
    tmp_path: Path, ago_s: float | None, words: str
) -> None:
    settings = Settings(tmp_path)
    if ago_s is not None:
        beats.beat(settings.state, beats.LOADER, time.time() - ago_s)
    [(fine, said)] = [(fine, said) for name, fine, said in doctor.examine(settings, offline=True) if name == "快照"]
    assert not fine and words in said


def test_a_state_file_that_is_none_stops_no_other_line(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.state.write_bytes(b"no database at all" * 100)
    assert "请启动装载进程" in next(said for name, _, said in doctor.examine(settings, offline=True) if name == "快照")
