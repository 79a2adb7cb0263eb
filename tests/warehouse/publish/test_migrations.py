"""A folder of an earlier release becomes one of this release, wherever the process is killed meanwhile; a folder of a
later release is refused by every command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from warehouse.cli.main import zhengbei
from warehouse.core import data_format
from warehouse.core.errors import ConfigError
from warehouse.core.settings import Settings
from warehouse.publish import migrations, recover

LAST = 4


def add(name: str, between: Callable[[], None]) -> Callable[[Settings], None]:
    """A change that is put down aside and then in place; `between` comes in the middle of it."""

    def apply(settings: Settings) -> None:
        file = settings.data / "things"
        (settings.data / "things.new").write_text("\n".join(sorted({*file.read_text().split(), name})))
        between()
        os.replace(settings.data / "things.new", file)

    return apply


def migrate(data: Path, fatal: int) -> int:
    """Runs three changes in a process of its own, which kills itself at boundary `fatal` (-1: never). Returns its exit
    code, or the negative number of the signal that ended it."""
    number = os.fork()
    if number == 0:
        passed = [0]

        def boundary(*_: object) -> None:
            if passed[0] == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            passed[0] += 1

        data_format.FORMAT = LAST
        changes = [migrations.Migration(n, f"change {n}", add(f"thing-{n}", boundary)) for n in range(2, LAST + 1)]
        migrations.run(Settings(data), boundary, changes)
        os._exit(passed[0])
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def old_folder(folder: Path) -> Path:
    (folder / "landing").mkdir(parents=True)
    (folder / "things").write_text("thing-1")
    return folder


@pytest.mark.crash
def test_killed_at_every_boundary_it_ends_where_an_undisturbed_one_ends(tmp_path: Path) -> None:
    boundaries = migrate(old_folder(tmp_path / "calm"), -1)
    assert boundaries == 3 * 3 + 1
    for fatal in range(boundaries):
        folder = old_folder(tmp_path / f"killed-{fatal}")
        assert migrate(folder, fatal) == -signal.SIGKILL
        assert data_format.number(folder) == 1 + fatal // 3
        assert migrate(folder, -1) == boundaries - 3 * (fatal // 3) or fatal == boundaries - 1
        assert (folder / "things").read_text().split() == ["thing-1", "thing-2", "thing-3", "thing-4"]
        assert data_format.number(folder) == LAST and migrate(folder, 0) == 0, "nothing is left to do"


def test_a_new_folder_has_the_newest_format_at_once(tmp_path: Path) -> None:
    writer, notes = recover.open_warehouse(Settings(tmp_path / "new"))
    writer.close()
    assert notes == [] and (tmp_path / "new" / "format").read_text() == f"{data_format.FORMAT}\n"
    assert [migration.to for migration in migrations.MIGRATIONS] == list(range(2, data_format.FORMAT + 1))


def test_a_folder_of_the_release_before_is_brought_up_to_date_with_a_note(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    writer, _ = recover.open_warehouse(settings)
    writer.close()
    (tmp_path / "format").unlink()
    settings.backup.mkdir()
    (settings.backup / "warehouse.duckdb").write_bytes(b"a copy without its positions")
    progress: list[str] = []
    writer, notes = recover.open_warehouse(settings, lambda label, *_: progress.append(label))
    writer.close()
    assert [f"格式 {number}" in note for number, note in enumerate(notes, 2)] == [True] * (data_format.FORMAT - 1)
    assert progress
    assert not (settings.backup / "warehouse.duckdb").exists()
    assert (settings.backup / "warehouse.duckdb.format1").read_bytes() == b"a copy without its positions"


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, (*words, name))
        if not isinstance(found, click.Group) or found.invoke_without_command:
            yield " ".join((*words, name)), found


WITHOUT_A_FOLDER = {"metric list", "metric announcement", "test", "bench", "backup key", "sbom", "bundle", "licences"}


def test_every_command_refuses_a_folder_of_a_later_release(tmp_path: Path) -> None:
    data_format.write(tmp_path, data_format.FORMAT + 1)
    refused, others = set(), set()
    for words, command in commands(zhengbei):
        folder = next((option for option in command.params if option.name == "data"), None)
        if folder is None:
            others.add(words)
            continue
        with pytest.raises(ConfigError, match="更新的版本写成"):
            folder.process_value(click.Context(command), str(tmp_path))
        refused.add(words)
    assert {"serve", "etl schedule", "etl run", "report weekly", "doctor", "audit verify"} <= refused
    assert others == WITHOUT_A_FOLDER
    with pytest.raises(ConfigError):
        recover.open_warehouse(Settings(tmp_path))


@pytest.mark.parametrize(("text", "words"), [("4", "更新的版本"), ("restoring", "恢复没有完成"), ("x", "不是数字")])
def test_the_refusal_is_one_sentence_with_exit_code_78(tmp_path: Path, text: str, words: str) -> None:
    data_format.write(tmp_path, text)
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", "etl", "status", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78 and words in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_web_worker_refuses_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_format.write(tmp_path, data_format.FORMAT + 1)
    monkeypatch.setitem(os.environ, "ZHENGBEI_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match="更新的版本"):
        Settings.from_env()
