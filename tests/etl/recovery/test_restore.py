"""Whatever is wrong with a backup or with the folder it goes to is one sentence that names it; nothing half-made is
taken for whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest
import zstandard
from click.testing import CliRunner

from cockpit.store import audit
from etl.recovery import backup, backup_key, restore, routine
from etl.recovery.store import Altered, Lacking, Store
from tests.etl.recovery.conftest import Place
from tests.flips import FLIPS, flip, write
from tests.test_cli import zhengbei
from warehouse.cli.main import zhengbei as product
from warehouse.core import backup_report, data_format
from warehouse.core.errors import BackupFailed, CockpitError, ConfigError, DataMissing, Refused, UsageError

DRILLS = 30


def restored(place: Place, target: Path) -> None:
    restore.restore(place.store, place.store.stamps()[0], target)


def test_a_folder_with_something_in_it_is_not_overwritten(tiny: Place) -> None:
    tiny.take()
    before = sorted(tiny.data.rglob("*"))
    with pytest.raises(Refused, match="不是空的"):
        restored(tiny, tiny.data)
    assert sorted(tiny.data.rglob("*")) == before


def test_the_wrong_key_is_named(tiny: Place, tmp_path: Path) -> None:
    stamp = tiny.take()
    other = Store(str(tiny.folder), backup_key.create(tmp_path / "other.key"))
    with pytest.raises(BackupFailed, match="密钥不对") as error:
        restore.restore(other, stamp, tmp_path / "again")
    assert str(tiny.key.recipient) in str(error.value) and not (tmp_path / "again").exists()


@pytest.mark.parametrize(("damage", "kind"), [("gone", Lacking), ("short", Altered), ("swapped", Altered)])
def test_a_piece_that_is_lacking_or_altered_is_named(
    tiny: Place, tmp_path: Path, damage: str, kind: type[CockpitError]
) -> None:
    stamp = tiny.take()
    piece = next(p for p in backup.read(tiny.store, stamp).pieces if p.name == "reports/2026-W47-1.pdf")
    others = [p for p in backup.read(tiny.store, stamp).pieces if p.content != piece.content]
    file = tiny.folder / "objects" / piece.content[:2] / piece.content
    if damage == "gone":
        file.unlink()
    elif damage == "short":
        file.write_bytes(file.read_bytes()[:-20])
    else:
        file.write_bytes((tiny.folder / "objects" / others[0].content[:2] / others[0].content).read_bytes())
    with pytest.raises(kind, match=r"reports/2026-W47-1\.pdf"):
        restored(tiny, tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == [], "nothing of it stays"
    manifest, damaged = restore.restore(tiny.store, stamp, tmp_path / "again", skip_damaged=True)
    assert len(damaged) == 1 and piece.name in damaged[0]
    assert not (tmp_path / "again" / piece.name).exists()
    assert all((tmp_path / "again" / p.name).exists() for p in manifest.pieces if p != piece)


def test_any_flipped_bit_of_a_backup_is_noticed(tiny: Place, tmp_path: Path) -> None:
    tiny.take()
    files = [file for file in tiny.folder.rglob("*") if file.is_file()]
    dice = random.Random(20261123)
    for number in range(FLIPS):
        file = dice.choice(files)
        whole = flip(file, dice)
        with pytest.raises(BackupFailed):
            restored(tiny, tmp_path / f"again-{number}")
        write(file, whole)
    restored(tiny, tmp_path / "whole")


def test_a_manifest_that_somebody_else_wrote_is_not_believed(tiny: Place, tmp_path: Path) -> None:
    """Whoever knows the public key can close a file with it; the seal is what he cannot make."""
    stamp = tiny.take()
    sealed = pyrage.encrypt(zstandard.compress(b"{}"), [tiny.key.recipient])
    head = f"zhengbei-backup 1 {tiny.key.recipient} {'0' * 64}\n".encode()
    (tiny.folder / "backups" / f"{stamp}.backup").write_bytes(head + sealed)
    with pytest.raises(Altered, match="备份清单被改动"):
        restored(tiny, tmp_path / "again")
    first = tiny.folder / "backups" / f"{stamp}.backup"
    again = routine.take(tiny.settings, [tiny.store])[0].stamp
    (tiny.folder / "backups" / f"{again}.backup").rename(first)
    with pytest.raises(Altered):
        restore.restore(tiny.store, stamp, tmp_path / "again")


def test_a_restore_that_was_killed_is_refused_by_all_and_can_be_done_again(tiny: Place, tmp_path: Path) -> None:
    stamp = tiny.take()
    for fatal in range(len(backup.read(tiny.store, stamp).pieces)):
        target = tmp_path / f"again-{fatal}"
        child = os.fork()
        if child == 0:

            def progress(_label: str, done: int, _total: int, fatal: int = fatal) -> None:
                if done == fatal:
                    os.kill(os.getpid(), signal.SIGKILL)

            restore.restore(tiny.store, stamp, target, progress)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        with pytest.raises(ConfigError, match="恢复没有完成"):
            data_format.refuse_newer(target)
        restored(tiny, target)
        assert data_format.number(target) == data_format.FORMAT


def test_a_backup_of_a_later_release_is_refused(tiny: Place, tmp_path: Path) -> None:
    data_format.write(tiny.data, data_format.FORMAT + 1)
    tiny.take()
    with pytest.raises(ConfigError, match="更新的版本"):
        restored(tiny, tmp_path / "again")


def test_the_moment_chooses_the_backup(tiny: Place) -> None:
    for stamp in ("20261122T023000", "20261123T023000", "20261123T120000"):
        tiny.store.write_manifest(stamp, b"{}")
    choices = {
        "": "20261123T120000",
        "2026-11-23": "20261123T120000",
        "2026-11-23T02:30": "20261123T023000",
        "2026-11-23 02:29": "20261122T023000",
        "20261122T023000": "20261122T023000",
    }
    assert {at: restore.choose(tiny.store, at) for at in choices} == choices
    with pytest.raises(DataMissing, match="没有早于"):
        restore.choose(tiny.store, "2026-11-21")
    with pytest.raises(UsageError):
        restore.choose(tiny.store, "昨天")
    with pytest.raises(DataMissing, match="没有备份"):
        restore.choose(Store(str(tiny.folder / "elsewhere"), tiny.key))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A folder on a file system of that size."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = []

    def mount(size: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("needs the right to mount a small file system")
        mounted.append(folder)
        return folder

    yield mount
    for one in mounted:
        subprocess.run(["umount", str(one)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
def test_a_full_disk_is_named_whichever_it_is(
    tiny: Place, small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tiny.settings.own / "large.csv").write_bytes(random.Random(1).randbytes(300_000))
    stamp = tiny.take()
    small = small_disk("128k")
    with pytest.raises(BackupFailed, match="磁盘空间不够"):
        restore.restore(tiny.store, stamp, small / "again")
    monkeypatch.setattr(restore, "SPARE", 0.0)
    with pytest.raises(BackupFailed, match=r"^磁盘满了，恢复没有完成"):
        restore.restore(tiny.store, stamp, small / "again")
    assert list((small / "again").iterdir()) == []
    (small / "again").rmdir()
    taken = routine.take(tiny.settings, [Store(str(small / "store"), tiny.key)])
    assert taken == [] and "备份位置的磁盘满了" in backup_report.read(tiny.settings).problems[0]
    assert not [file for file in (small / "store").rglob(".tmp-*")]


def test_the_commands_speak_chinese_and_end_with_the_codes_of_the_tree(tiny: Place, tmp_path: Path) -> None:
    data, again = str(tiny.data), str(tmp_path / "again")
    key = ["--key", str(tiny.key_file)]

    def answer(*words: str) -> str:
        return CliRunner().invoke(product, words, catch_exceptions=False, standalone_mode=False).output

    assert "新存入" in answer("backup", "--data", data)
    assert "演练无误" in answer("backup", "drill", "--data", data)
    assert "演练无误" in answer("backup", "list", "--data", data)
    assert "校验和全部正确" in answer("restore", str(tiny.folder), *key, "--data", again)
    with pytest.raises(Refused, match="不是空的"):
        answer("restore", str(tiny.folder), *key, "--data", again)
    with pytest.raises(ConfigError, match="没有备份密钥"):
        answer("restore", str(tiny.folder), "--data", str(tmp_path / "third"))
    tiny.contents()[0].unlink()
    done = zhengbei("restore", str(tiny.folder), *key, "--data", str(tmp_path / "third"))
    assert done.returncode == 73 and "备份缺少一块" in done.stderr and "Traceback" not in done.stderr
    third = str(tmp_path / "third")
    done = zhengbei("restore", str(tiny.folder), *key, "--skip-damaged", "--data", third)
    assert done.returncode == 73 and "另有 1 个缺失或损坏" in done.stdout and "备份缺少一块" in done.stderr


@pytest.mark.nightly
def test_thirty_drills_of_thirty_are_green(place: Place) -> None:
    for number in range(DRILLS):
        audit.record(place.settings.state, "exported", who="li", subject=f"/metric/{number}")
        (place.settings.own / "target.csv").write_text(f"kpi_id,period\n{number},\n", "utf-8")
        place.take()
        assert routine.drill(place.settings, [place.store]) == []
    assert len(place.store.stamps()) == 2
