"""A share is good for its days, for one view, and as long as its maker may share; below HTTP."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cockpit.casework import shares
from cockpit.identity import accounts
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db
from warehouse.core.errors import UsageError
from warehouse.query.scope import Scope

WANG, LI = (Viewer("person", name, "analyst", scope=Scope.ALL) for name in ("wang", "li"))
KEY = "a key"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    accounts.add(tmp_path / "state.sqlite", "wang", "correct horse battery", "analyst")
    return tmp_path / "state.sqlite"


def make(path: Path, days: int = 1, viewer: Viewer = WANG) -> str:
    return shares.make(path, viewer, KEY, "/metric/fleet_online_rate", "车辆上线率", days)


@pytest.mark.parametrize("days", [1, shares.MOST_DAYS])
def test_a_share_ends_on_its_second(path: Path, days: int) -> None:
    link = make(path, days)
    [made] = shares.of(path, WANG)
    assert made.expires_at - made.made_at == days * 86_400 and made.href == "/metric/fleet_online_rate"
    assert (
        shares.open_(path, KEY, link, now=made.expires_at - 1)
        and shares.open_(path, KEY, link, now=made.expires_at) is None
    )
    assert [made.is_over(made.expires_at + second) for second in (-1, 0)] == [False, True]
    assert shares.of(path, WANG)[0].opened == 1, "only what was shown is counted"


def test_a_share_is_for_a_day_to_a_week_and_fifty_of_a_person_are_enough(path: Path) -> None:
    for days in (0, shares.MOST_DAYS + 1):
        with pytest.raises(UsageError, match="1–7 天"):
            make(path, days)
    make(path)
    with app_db.writing(path) as connection:
        connection.execute("UPDATE share SET expires_at = ?", (time.time(),))
    for _ in range(shares.MOST_LIVING):
        make(path)
    with pytest.raises(UsageError, match="已有 50 个"):
        make(path)
    assert make(path, viewer=LI)
    assert shares.revoke(path, WANG, shares.of(path, WANG)[0].id) and make(path)


def test_only_who_made_it_withdraws_it_once(path: Path) -> None:
    link = make(path)
    [made] = shares.of(path, WANG)
    assert not shares.revoke(path, LI, made.id) and shares.of(path, LI) == []
    assert shares.revoke(path, WANG, made.id) and not shares.revoke(path, WANG, made.id)
    assert shares.open_(path, KEY, link) is None and shares.of(path, WANG)[0].is_over(made.made_at)


def test_an_altered_link_and_one_of_another_key_open_nothing(path: Path) -> None:
    link = make(path)
    assert shares.open_(path, KEY, link)
    assert shares.open_(path, "another", link) is None and shares.open_(path, KEY, "x" + link) is None
    assert shares.open_(path, KEY, "") is None


def test_it_lives_no_longer_than_the_right_and_the_sight_of_its_maker(path: Path) -> None:
    """One of the whole district names no place: it is for who sees all of it."""
    whole = make(path)
    town = shares.make(path, WANG, KEY, "/metric/fleet_online_rate?place=330110012", "车辆上线率 · 镇", 1)
    few = Scope(("330110012",), ())
    for act, shown in (
        (lambda: accounts.set_scope(path, "wang", ["330110012"], []), (None, few)),
        (lambda: accounts.set_role(path, "wang", "party"), (None, few)),
        (lambda: accounts.disable(path, "wang"), (None, None)),
        (lambda: accounts.enable(path, "wang"), (None, few)),
        (lambda: accounts.set_scope(path, "wang", [], []), (Scope.ALL, Scope.ALL)),
        (lambda: accounts.set_role(path, "wang", "auditor"), (None, None)),
    ):
        act()
        found = [shares.open_(path, KEY, link) for link in (whole, town)]
        assert tuple(one and one.scope for one in found) == shown
