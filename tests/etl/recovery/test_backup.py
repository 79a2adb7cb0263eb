"""A backup holds all that cannot be made anew, costs only what is new, and gives back exactly what was there."""

from __future__ import annotations

import datetime as dt
import os
import signal
import stat
import threading
import time
from pathlib import Path

import msgspec
import pytest

from cockpit.store import audit, audit_anchor
from etl.cli import recovery_commands
from etl.jobs import backup as job
from etl.recovery import backup, backup_key, restore, routine
from etl.recovery.store import Store
from etl.runtime.context import held, opened
from tests.etl.recovery.conftest import Place
from tests.etl.sources import servers
from warehouse.core import backup_report, data_format, safe_start
from warehouse.core.errors import BackupFailed, ConfigError, Locked, Refused
from warehouse.core.settings import Options, Settings
from warehouse.publish import recover, snapshot

pytestmark = pytest.mark.world

MADE_ANEW = {"live", "tmp", "backup", "etl.lock", "backup.lock", "warehouse.duckdb.broken-20261101T000000"}


def files(data: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(data)): file.read_bytes()
        for file in data.rglob("*")
        if file.is_file() and file.relative_to(data).parts[0] not in MADE_ANEW
    }


def test_a_restored_folder_is_the_folder_and_works_at_once(place: Place, tmp_path: Path) -> None:
    stamp = place.take()
    before = files(place.data)
    manifest, damaged = restore.restore(place.store, stamp, tmp_path / "again")
    after = files(tmp_path / "again")
    own_copies = {"warehouse.duckdb", "state.sqlite"}  # copied by the databases themselves: compared by content
    journals = {"state.sqlite-wal", "state.sqlite-shm"}
    assert damaged == [] and before.keys() - journals == after.keys()
    assert {name: after[name] for name in after.keys() - own_copies} == {
        name: before[name] for name in before.keys() - own_copies - journals
    }
    again = Settings.at(tmp_path / "again")
    with opened(again) as context:
        assert context.notes == [] and manifest.contents
        actual = recover.contents(context.writer)
        assert {name: actual[name] for name in manifest.contents} == manifest.contents
    assert snapshot.current(again) is not None
    snapshot.verify(again, snapshot.current(again) or "")
    assert audit_anchor.check(again).faults == () and audit.verify(again.state).count == 5
    assert (tmp_path / "again" / "format").read_text() == f"{data_format.FORMAT}\n"
    modes = {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in (tmp_path / "again" / "keys").iterdir()}
    assert modes == {0}


def test_nothing_in_the_place_can_be_read_without_the_key(place: Place) -> None:
    place.take()
    secrets = [file.read_bytes() for file in place.settings.keys.iterdir()]
    assert len(secrets) >= 2
    for file in place.folder.rglob("*"):
        if file.is_file():
            assert not any(secret in file.read_bytes() for secret in secrets)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any("target" in str(file) or "yz" in file.name for file in place.folder.rglob("*"))


def test_a_second_backup_costs_only_what_is_new(place: Place) -> None:
    place.take()
    before = place.contents()
    (place.settings.own / "target.csv").write_text("kpi_id,period\nx,y\n", "utf-8")
    routine.take(place.settings, [place.store])
    new = [file for file in place.contents() if file not in before]
    assert len(new) <= 4, "the changed table, the warehouse's new copy and state.sqlite at most"
    assert len(place.store.stamps()) == 2 and backup_report.read(place.settings).problems == []


def test_whatever_is_written_meanwhile_the_backup_is_of_one_moment(place: Place, tmp_path: Path) -> None:
    """Log, anchors and ledger grow while backups are taken; each of them restores to a log that its anchors fit."""
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            audit.record(place.settings.state, "exported", who="li", subject="/metric/1")
            audit_anchor.make(place.settings)
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        stamps = [place.take() for _ in range(2)]
    finally:
        ended.set()
        writer.join()
    for number, stamp in enumerate(stamps):
        restore.restore(place.store, stamp, tmp_path / str(number))
        again = Settings.at(tmp_path / str(number))
        assert audit_anchor.check(again).faults == () and audit.verify(again.state).count > 5


def test_a_running_loader_is_not_disturbed_and_two_backups_are_not_taken_at_once(place: Place) -> None:
    with held(place.settings.lock):
        place.take()
    with held(place.settings.data / "backup.lock"), pytest.raises(Locked, match="另一个备份或演练正在进行"):
        place.take()


def test_a_folder_restored_from_a_backup_by_hand_may_be_started(place: Place, tmp_path: Path) -> None:
    """By hand new files are readable to everybody, in a service they are not: the restored ones are as theirs were."""
    before = os.umask(0o022)
    try:
        restore.restore(place.store, place.take(), tmp_path / "again")
    finally:
        os.umask(before)
    again = Settings.at(tmp_path / "again")
    assert again.state.stat().st_mode & 0o777 == place.settings.state.stat().st_mode & 0o777 == 0o600
    assert not [*safe_start.unsafe(again, {safe_start.ALLOW_ROOT: "1"})]
    assert not [
        file
        for file in again.data.rglob("*")
        if file.name != "format" and file.is_file() and file.stat().st_mode & 0o007
    ]


def test_who_asks_for_a_backup_by_hand_is_served_after_the_one_that_is_under_way(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery_commands, "AGAIN_S", 0.05)
    under_way = held(place.settings.data / "backup.lock")
    under_way.__enter__()
    rounds = iter(range(3))

    def act() -> str:
        if next(rounds) == 2:
            under_way.__exit__(None, None, None)
        with held(place.settings.data / "backup.lock"):
            return "done"

    assert recovery_commands._in_turn(act) == "done" and next(rounds, None) is None


@pytest.mark.crash
def test_a_backup_that_was_killed_leaves_nothing_behind_and_no_harm(place: Place) -> None:
    good = place.take()
    for fatal in (0, 7, 20):
        (place.settings.own / f"new-{fatal}.csv").write_bytes(os.urandom(2000))
        child = os.fork()
        if child == 0:

            def progress(_label: str, done: int, _total: int, fatal: int = fatal) -> None:
                if done == fatal:
                    (place.folder / "objects" / ".tmp-1").write_bytes(b"half")
                    os.kill(os.getpid(), signal.SIGKILL)

            routine.take(place.settings, [place.store], progress)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert place.store.stamps()[0] == good, "half a backup is none"
        good = place.take()
        assert not list(place.folder.rglob(".tmp-*")) and not list(place.settings.temp.glob("backup-*"))
    assert routine.drill(place.settings, [place.store]) == []


def test_a_payload_that_changed_on_the_disk_does_not_take_the_place_of_the_good_one(
    tiny: Place, tmp_path: Path
) -> None:
    first = tiny.take()
    file = next(tiny.settings.landing.rglob("*.landed"))
    good = file.read_bytes()
    file.write_bytes(good[:100])
    taken = routine.take(tiny.settings, [tiny.store])[0]
    assert taken.stamp > first and len(taken.problems) == 1 and "原始数据文件变了" in taken.problems[0]
    restore.restore(tiny.store, taken.stamp, tmp_path / "again")
    assert (tmp_path / "again" / file.relative_to(tiny.data)).read_bytes() == good
    file.unlink()
    assert "少了 1 份" in routine.take(tiny.settings, [tiny.store])[0].problems[0]


def test_old_backups_go_but_never_the_last_proven_one(tiny: Place, tmp_path: Path) -> None:
    table = tiny.settings.own / "target.csv"
    stamps = []
    for number in range(4):
        table.write_text(f"version {number}")
        stamps.append(tiny.take())
        if number == 0:
            assert routine.drill(tiny.settings, [tiny.store]) == []
    assert tiny.store.proven() == {stamps[0]}
    assert tiny.store.stamps() == [stamps[3], stamps[2], stamps[0]], "two are held, and the proven one besides"
    restore.restore(tiny.store, stamps[0], tmp_path / "oldest")
    assert (tmp_path / "oldest" / "own" / "target.csv").read_text() == "version 0"
    stored = len(tiny.contents())
    assert routine.drill(tiny.settings, [tiny.store]) == []
    table.write_text("version 4")
    last = tiny.take()
    assert tiny.store.stamps() == [last, stamps[3]], "the newest proven one is among those held now"
    assert len(tiny.contents()) == stored - 1, "three versions of one table became two"
    for stamp in tiny.store.stamps():
        restore.restore(tiny.store, stamp, tmp_path / stamp)


def test_nothing_goes_while_nothing_is_proven_or_a_forged_proof_stands_there(tiny: Place) -> None:
    stamps = [tiny.take() for _ in range(4)]
    assert len(tiny.store.stamps()) == 4
    (tiny.folder / "backups" / f"{stamps[1]}.proven").write_text(f"2026-11-23T02:30:00+08:00 {'0' * 64}\n")
    stamps.append(tiny.take())
    assert tiny.store.stamps() == sorted(stamps, reverse=True)


def test_the_drill_proves_and_what_it_finds_damaged_is_stored_anew(place: Place) -> None:
    place.take()
    assert routine.drill(place.settings, [place.store]) == []
    report = backup_report.read(place.settings)
    assert report.proven_at and report.taken_at and report.files > 20 and report.drill_seconds > 0
    assert not (place.settings.temp / "drill").exists()
    victim = max(place.contents(), key=lambda file: file.stat().st_size)
    body = bytearray(victim.read_bytes())
    body[len(body) // 2] ^= 4
    victim.write_bytes(body)
    problems = routine.drill(place.settings, [place.store])
    assert len(problems) == 1 and "被改动或已损坏" in problems[0]
    assert "恢复演练没有成功" in backup_report.alarm(place.settings, report.proven_at, is_demo=False)
    place.take()
    assert routine.drill(place.settings, [place.store]) == []
    assert backup_report.alarm(place.settings, report.proven_at, is_demo=False) == ""


def test_the_drill_compares_what_the_databases_hold(place: Place) -> None:
    """Files that are whole are not enough: a copy that lacks rows is no backup."""
    place.take()
    stamp = place.store.stamps()[0]
    manifest = backup.read(place.store, stamp)
    rows = dict(manifest.contents)
    table = next(name for name, (count, _) in rows.items() if count)
    rows[table] = (rows[table][0] + 1, rows[table][1])
    wrong = msgspec.structs.replace(manifest, contents=rows, state={**manifest.state, "audit": 6})
    place.store.write_manifest(stamp, msgspec.json.encode(wrong))
    problems = restore.drill(place.settings, place.store, stamp)
    assert len(problems) == 2 and table in problems[0] and "行数不符" in problems[1]


def test_the_daily_job_backs_up_drills_and_does_it_once_a_day(place: Place) -> None:
    with opened(place.settings) as context:
        assert job.run(context) == []
        assert len(place.store.stamps()) == 1 and place.store.proven() == set(place.store.stamps())
        assert job.run(context) == [] and len(place.store.stamps()) == 1
        for file in place.folder.rglob("*.backup"):
            file.unlink()
        (place.folder / "objects").rename(place.folder / "lost")
        backup_report.write(place.settings, backup_report.BackupReport())
        (place.folder / "objects").write_text("a file where a folder should be")
        problems = job.run(context)
    assert problems and str(place.folder) in problems[0] and "Traceback" not in problems[0]


def test_the_alarm_says_what_is_lacking(place: Place) -> None:
    settings, day = place.settings, 86_400
    report = backup_report.BackupReport()
    assert "还没有成功的备份" in backup_report.alarm(settings, _moment(0), is_demo=True)
    report.taken_at = _moment(0)
    backup_report.write(settings, report)
    assert "还没有成功的恢复演练" in backup_report.alarm(settings, _moment(0), is_demo=False)
    report.proven_at = _moment(0)
    backup_report.write(settings, report)
    assert backup_report.alarm(settings, _moment(2 * day), is_demo=False) == ""
    assert "备份已是 2 天前" in backup_report.alarm(settings, _moment(2 * day + 1), is_demo=False)
    report.taken_at = _moment(2 * day)
    backup_report.write(settings, report)
    assert "恢复演练已是 3 天前" in backup_report.alarm(settings, _moment(3 * day), is_demo=False)
    bare = Settings(place.data, Options())
    assert "没有设置备份" in backup_report.alarm(bare, _moment(0), is_demo=False)
    assert backup_report.alarm(bare, _moment(0), is_demo=True) == ""


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime(2026, 11, 23, 2, 30, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


def test_a_key_that_others_read_or_that_lies_in_the_backup_is_refused(tiny: Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="不覆盖"):
        backup_key.create(tiny.key_file)
    with pytest.raises(ConfigError, match="没有备份密钥"):
        backup_key.read(tmp_path / "nowhere")
    backup_key.create(tiny.data / "inside.key")
    with pytest.raises(Refused, match="在数据文件夹里"):
        backup_key.read(tiny.data / "inside.key", tiny.data)
    tiny.key_file.chmod(0o644)
    with pytest.raises(Refused, match="对他人可读"):
        backup_key.read(tiny.key_file)
    empty = tmp_path / "empty.key"
    empty.touch(0o600)
    with pytest.raises(ConfigError, match="没有可用的密钥"):
        backup_key.read(empty)
    tiny.key_file.chmod(0o600)
    with pytest.raises(ConfigError, match="数据文件夹里面"):
        routine.stores(tiny.settings, [str(tiny.data / "store")])


def test_a_place_that_fails_keeps_no_other_from_its_backup(tiny: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    places = routine.stores(tiny.settings, [str(tmp_path / "file" / "store"), str(tiny.folder)])
    taken = routine.take(tiny.settings, places)
    report = backup_report.read(tiny.settings)
    assert len(taken) == 1 and len(tiny.store.stamps()) == 1
    assert report.taken_at is None and len(report.problems) == 1 and "备份位置无法访问" in report.problems[0]


@pytest.mark.servers
def test_a_backup_on_another_machine_and_in_s3(tiny: Place, tmp_path: Path) -> None:
    import boto3

    with servers.sshd() as ssh, servers.folder("zhengbei-backup-") as far, servers.s3() as url:
        boto3.client(
            "s3", endpoint_url=url, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
        ).create_bucket(Bucket="far")
        sftp = f"sftp://{ssh.user}@127.0.0.1:{ssh.port}{far}/store"
        for place, options in (
            (sftp, {"key_filename": ssh.key_filename, "host_key": ssh.host_key}),
            ("s3://far/backup", {"key": "key", "secret": "secret", "endpoint_url": url}),
        ):
            store = Store(place, tiny.key, options)
            for _ in range(2):
                assert [one.problems for one in routine.take(tiny.settings, [store])] == [[]]
            assert routine.drill(tiny.settings, [store]) == [] and len(store.proven()) == 1
            target = tmp_path / place.partition(":")[0]
            restore.restore(store, store.stamps()[0], target)
            assert (target / "own" / "target.csv").read_bytes() == (tiny.settings.own / "target.csv").read_bytes()
        with pytest.raises(BackupFailed, match="无法访问"):
            Store(sftp, tiny.key, {"key_filename": ssh.key_filename, "host_key": "ssh-ed25519 AAAA"})


def test_the_right_of_the_owner_is_enough(tiny: Place) -> None:
    """Published files are read-only; a second backup of a folder of which one was restored must not stumble over it."""
    file = tiny.settings.own / "target.csv"
    os.chmod(file, 0o440)
    stamp = tiny.take()
    again = tiny.data.parent / "again"
    restore.restore(tiny.store, stamp, again)
    assert stat.S_IMODE((again / "own" / "target.csv").stat().st_mode) == 0o440
