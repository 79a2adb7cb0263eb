"""Accounts from the command line: the deeds of the page, under the name of who stands there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cockpit.identity import accounts, password_links
from cockpit.store import app_db
from cockpit.web.user_commands import user
from warehouse.core.errors import CockpitError
from warehouse.core.settings import Settings

PASSWORD = "correct horse battery"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def call(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(user, [*words, "--data", str(tmp_path)], input=typed)

    return call


def test_the_whole_life_of_an_account(run: Callable[..., Result], tmp_path: Path) -> None:
    say, file = run, Settings(tmp_path).state
    assert (
        "已新增账号 wang（领导）" in say("add", "wang", "--role", "leader", "--password-stdin", typed=PASSWORD).output
    )
    invited = say("add", "sun", "--role", "security", "--display", "孙**", "--invite").output
    token = invited.split("/password/")[1].strip()
    assert password_links.owner(file, token) == "sun"
    say("role", "wang", "safety")
    say("scope", "wang", "--town", "330110001", "--company", "91330110MA2ABCDE12")
    for deed in ("disable", "enable", "unlock", "factor"):
        assert say(deed, "wang").exit_code == 0, deed
    reset = say("reset", "wang").output
    assert reset.startswith("/password/") and not accounts.check(file, "wang", PASSWORD, "10.0.0.1")
    listed = say("list").output
    for words in ("安全  wang", "待设密码", "镇街 330110001，企业 91330110MA2ABCDE12", "未绑动态码"):
        assert words in listed
    assert "还没有可用的系统管理账号" in listed and "还没有可用的审计账号" in listed and "安全管理账号" not in listed
    with app_db.reading(file) as connection:
        rows = connection.execute(
            "SELECT event, who, subject AS detail FROM audit WHERE event <> 'login_failed' ORDER BY seq"
        ).fetchall()
    assert len(rows) == 10 and {row["detail"].split()[0] for row in rows} == {"wang", "sun"}
    assert not {row["who"] for row in rows} & {"wang", "sun"}


def test_a_weak_password_and_the_last_administrator_are_refused_here_too(run: Callable[..., Result]) -> None:
    weak = run("add", "wang", "--role", "leader", "--password-stdin", typed="aaaaaaaaaaaa")
    assert isinstance(weak.exception, CockpitError) and "反复出现" in weak.exception.what
    run("add", "root", "--role", "admin", "--password-stdin", typed=PASSWORD)
    last = run("disable", "root")
    assert isinstance(last.exception, CockpitError) and "最后一个可用的系统管理账号" in last.exception.what
