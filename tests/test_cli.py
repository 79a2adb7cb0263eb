"""The command line as a person meets it: Chinese, one line an error, the exit codes of the error tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from warehouse.cli.main import main

HOME = Path(__file__).resolve().parent.parent


def zhengbei(*words: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warehouse", *words],
        capture_output=True,
        text=True,
        cwd=folder or HOME,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_names_every_verb_in_chinese_from_any_folder(tmp_path: Path) -> None:
    done = zhengbei("--help", folder=tmp_path)
    assert done.returncode == 0
    for verb in ("demo", "serve", "etl", "metric", "report", "doctor", "test", "bench", "user", "screen", "audit"):
        assert f"  {verb} " in done.stdout
    assert "正北数字驾驶舱" in done.stdout


def test_what_the_library_says_is_the_compiled_text_of_its_chinese() -> None:
    folder = HOME / "warehouse" / "cli" / "locale" / "zh_CN" / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as source, (folder / "messages.mo").open("rb") as compiled:
        wanted, held = read_po(source), GNUTranslations(compiled)
    assert len(wanted) > 40
    for message in wanted:
        if message.id:
            names = message.id if isinstance(message.id, tuple) else (message.id,)
            said = message.string[0] if isinstance(message.string, tuple) else message.string
            assert held.ngettext(*names, 2) == said if len(names) == 2 else held.gettext(names[0]) == said


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "report --help",
        "report weekly --help",
        "etl schedule --help",
        "serve --nope",
        "nope",
        "user role li",
        "serve --port x",
        "screen set",
    ],
)
def test_no_english_sentence_is_said(line: str) -> None:
    done = zhengbei(*line.split())
    text = re.sub(r"\./zhengbei [a-z ]+", "", done.stdout + done.stderr)
    assert text.strip() and not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", text), text
    assert "用法：" in text or "处理办法：" in text


def test_no_command_is_described_by_half_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Click cuts a first paragraph that is too long for its line."""
    waiting, seen = [()], 0
    while waiting:
        words = waiting.pop()
        monkeypatch.setattr(sys, "argv", ["zhengbei", *words, "--help"])
        with suppress(SystemExit):
            main()
        listed = re.split(r"\n命令:\n", capsys.readouterr().out)[1:]
        for line in listed[0].splitlines() if listed else ():
            name, _, what = line.strip().partition(" ")
            assert what.strip() and not what.endswith("..."), (words, line)
            seen += 1
            waiting.append((*words, name))
    assert seen > 40


def test_the_version_names_the_code_that_makes_the_numbers() -> None:
    done = subprocess.run(
        [str(HOME / "zhengbei"), "--version"], capture_output=True, text=True, timeout=120, check=False
    )
    commit = subprocess.run(
        ["git", "-C", str(HOME), "rev-parse", "--short=8", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    declared = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert done.stdout.strip() == f"正北数字驾驶舱 {declared}{f'+{commit}' if commit else ''}", done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("metric", "read", "fleet_onlin_rate"), 2, "没有这个指标"),
        (("metric", "read", "fleet_online_rate", "--at", "2026-W99"), 2, "看不懂的期次"),
        (("metric", "read", "fleet_online_rate", "--as-of", "19990101T000000"), 66, "没有快照"),
        (("metric", "read", "fleet_online_rate", "--place", "x"), 2, "没有这个地方"),
        (("metric", "read", "fleet_online_rate", "--window", "decade"), 2, "命令写法不对"),
        (("etl", "run", "nothing"), 2, "没有这个任务"),
        (("etl", "backfill", "--from", "2026-11-02", "--to", "2026-11-01"), 2, "早于"),
        (("report", "weekly", "--week", "2026-11"), 2, "处理办法"),
    ],
)
def test_a_wrong_word_is_one_chinese_line_with_a_way_out(
    published: Path, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "published").symlink_to(published / "published")
    (data / "sources.toml").write_text("is_demo = true\n")
    (data / "sources.toml").chmod(0o600)
    done = zhengbei(*words, "--data", str(data))
    assert done.returncode == code, done.stderr
    assert says in done.stderr and "处理办法" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_before_the_first_load_the_answer_says_what_to_do(tmp_path: Path) -> None:
    done = zhengbei("metric", "read", "fleet_online_rate", "--data", str(tmp_path / "不 存在"))
    assert done.returncode == 66 and "还没有发布任何数据" in done.stderr


def test_sources_that_others_can_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text("is_demo = true\n")
    (tmp_path / "sources.toml").chmod(0o644)
    done = zhengbei("etl", "run", "--data", str(tmp_path))
    assert done.returncode == 77 and "chmod 600" in done.stderr


def test_the_catalogue_is_json_for_machines() -> None:
    rows = json.loads(zhengbei("metric", "list", "--json").stdout)
    assert len(rows) == 80 and {row["number"] for row in rows} == set(range(1, 81))


def test_status_reads_the_books_as_json(published: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(published, tmp_path / "data", ignore=shutil.ignore_patterns("demo"))
    found = json.loads(zhengbei("etl", "status", "--json", "--data", str(tmp_path / "data")).stdout)
    assert found["is_demo"] and found["balances"] and found["defects"]
    assert all(
        row["rows_in"] == row["merged"] + row["older"] + row["duplicate"] + row["quarantined"]
        for row in found["balances"]
    )
