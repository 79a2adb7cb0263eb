"""The verbs of `token`: what the page does, in words for a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cockpit.identity import tokens
from cockpit.store import app_db, audit
from cockpit.web.token_commands import token
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    return Settings(tmp_path / "data")


def run(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(token, [*words, "--data", str(settings.data)])


def test_a_token_is_shown_once_listed_by_what_it_is_for_and_withdrawn(settings: Settings) -> None:
    made = run(settings, "add", "数据局平台", "--days", "30").output.strip()
    found = tokens.find(settings.state, made)
    assert found is not None and made.startswith(tokens.PREFIX)
    listed = run(settings, "list").output
    assert "1  数据局平台  有效，" in listed and "最近使用" in listed and made not in listed
    assert run(settings, "revoke", "1").output == "已撤销令牌 1\n"
    assert tokens.find(settings.state, made) is None and "已撤销" in run(settings, "list").output
    with app_db.reading(settings.state) as connection:
        rows = connection.execute("SELECT event, who, subject FROM audit ORDER BY seq").fetchall()
    assert [tuple(row) for row in rows] == [
        ("token_added", audit.operator(), "token:1"),
        ("token_revoked", audit.operator(), "token:1"),
    ]


@pytest.mark.parametrize(("words", "said"), [(("revoke", "7"), "没有这个有效的令牌"), (("add", "x"), "2–40 字")])
def test_what_cannot_be_done_is_said(settings: Settings, words: tuple[str, ...], said: str) -> None:
    error = run(settings, *words).exception
    assert isinstance(error, UsageError) and said in error.what
