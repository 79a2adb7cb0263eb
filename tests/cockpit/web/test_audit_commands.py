"""The audit commands, the daily job, the mail of its anchor, and what the doctor says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cockpit.store import audit, audit_anchor
from cockpit.web import audit_commands, doctor_checks
from etl.jobs import registry
from tests.cockpit.report.test_delivery import Mail
from warehouse.core.errors import WarehouseBroken
from warehouse.core.settings import Options, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(tmp_path)
    for number in range(4):
        audit.record(made.state, "denied", who="li", subject=f"/{number}")
    audit_anchor.make(made)
    return made


def run(settings: Settings, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(audit_commands.audit, [*words, "--data", str(settings.data)])
    if isinstance(done.exception, WarehouseBroken):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.output


def cut(settings: Settings) -> None:
    with sqlite3.connect(settings.state) as connection:
        connection.executescript("DROP TRIGGER audit_held; DELETE FROM audit WHERE seq > 2")


def test_verify_says_that_all_is_well_and_where_it_is_not(settings: Settings) -> None:
    line = audit.anchors(settings.state).read_text().strip()
    assert run(settings, "verify") == (0, "日志完好，共 4 条\n")
    assert run(settings, "verify", "--anchor", line)[0] == 0
    assert run(settings, "anchor") == (0, f"{line}\n")
    cut(settings)
    code, text = run(settings, "verify")
    assert code == 70 and "锚记到第 4 条，现在只到第 2 条" in text and "保全现场" in text
    audit.anchors(settings.state).unlink()
    assert run(settings, "verify", "--anchor", line)[0] == 70
    assert run(Settings(settings.data / "nowhere"), "verify")[0] == 70


def test_the_daily_run_mails_the_anchor(settings: Settings) -> None:
    post = Mail()
    file = settings.data / "delivery.toml"
    file.touch(0o600)
    file.write_text(
        f'anchors_to = "audit@example"\n[mail]\nhost = "127.0.0.1"\nport = {post.port}\nsender = "cockpit@example"\n'
    )
    audit.record(settings.state, "denied", who="li")
    assert run(settings, "daily") == (0, "")
    newest = audit.anchors(settings.state).read_text().splitlines()[-1]
    assert "count=5" in newest
    assert newest in post.accepted[0].get_content() and "完好" in str(post.accepted[0]["Subject"])
    cut(settings)
    code, text = run(settings, "daily")
    assert code == 70 and "锚记到第 5 条" in text
    assert "处不符" in str(post.accepted[1]["Subject"])


def test_the_loader_runs_it_every_day_and_at_its_start() -> None:
    job = registry.job("audit")
    assert job.cron == {"hour": 1, "minute": 40} and job.at_start


def test_the_doctor_finds_a_log_that_was_cut(settings: Settings) -> None:
    assert list(doctor_checks.log(settings, is_demo=False)) == [("审计日志", True, "4 条，与 1 个锚一致")]
    cut(settings)
    [(_, fine, text)] = doctor_checks.log(settings, is_demo=False)
    assert not fine and "末尾不见了" in text
    settings.state.unlink()
    [(_, fine, _)] = doctor_checks.log(settings, is_demo=False)
    assert not fine


def test_the_doctor_asks_for_what_the_installation_chapter_sets(tmp_path: Path) -> None:
    plain = Settings(tmp_path)
    [(_, fine, text)] = doctor_checks.site(plain, is_demo=False)
    assert not fine and all(name in text for name in ("hosts", "tls", "behind_proxy"))
    assert [fine for _, fine, _ in doctor_checks.site(plain, is_demo=True)] == [True]
    whole = Options(hosts=("zhengbei.local",), tls=True, behind_proxy=True, public_url="https://zhengbei.local")
    assert [fine for _, fine, _ in doctor_checks.site(Settings(tmp_path, whole), is_demo=False)] == [True]
    other = Options(hosts=("zhengbei.local",), tls=True, behind_proxy=True, public_url="https://elsewhere")
    assert [fine for _, fine, _ in doctor_checks.site(Settings(tmp_path, other), is_demo=False)] == [True, False]


def test_the_doctor_command_asks_them(settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", "doctor", "--offline", "--data", str(settings.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "✓ 审计日志：" in done.stdout and "✗ 网站设置：" in done.stdout and "✓ 密钥与权限：" in done.stdout


def test_a_broken_state_file_is_one_sentence(settings: Settings) -> None:
    settings.state.write_bytes(b"no database at all" * 100)
    for journal in settings.data.glob("state.sqlite-*"):
        journal.unlink()
    code, text = run(settings, "verify")
    assert code == 70 and str(settings.state) in text and "由备份恢复" in text
    [(_, fine, text)] = doctor_checks.log(settings, is_demo=False)
    assert not fine and "由备份恢复" in text
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", "serve", "--port", "1", "--data", str(settings.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70 and "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
