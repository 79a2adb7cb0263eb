"""The code that changes every half minute: once each, tolerance of one step, a lock, recovery codes, nothing readable
in the file; below HTTP, time is passed in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyotp
import pytest

from cockpit.identity import accounts, second_factor
from cockpit.identity.second_factor import FAILS, RECOVERY_CODES, STEP_S
from cockpit.store import app_db
from warehouse.core.errors import Refused
from warehouse.core.settings import Settings

NOW = 1_790_000_000.0
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(at: float) -> str:
    return pyotp.TOTP(SECRET).at(int(at))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(tmp_path)
    accounts.add(found.state, "wang", "correct horse battery", "leader")
    return found


@pytest.fixture
def recovery(settings: Settings) -> list[str]:
    codes = second_factor.set_up(settings, "wang", SECRET, code(NOW - 600), now=NOW - 600)
    assert codes is not None
    return codes


def events(settings: Settings) -> list[str]:
    with app_db.reading(settings.state) as connection:
        return [row["event"] for row in connection.execute("SELECT event FROM audit ORDER BY seq")]


def test_a_second_factor_is_set_up_by_its_first_code_and_only_once(settings: Settings) -> None:
    assert second_factor.set_up(settings, "wang", SECRET, "000000", now=NOW) is None
    assert not second_factor.is_set_up(settings.state, "wang")
    codes = second_factor.set_up(settings, "wang", SECRET, code(NOW), now=NOW)
    assert codes and len(set(codes)) == RECOVERY_CODES and second_factor.is_set_up(settings.state, "wang")
    assert second_factor.set_up(settings, "wang", SECRET, code(NOW + 60), now=NOW + 60) is None
    assert not second_factor.check(settings, "wang", code(NOW), now=NOW), "the code that set it up is spent"


def test_a_code_opens_once_also_within_its_half_minute(settings: Settings, recovery: list[str]) -> None:
    assert second_factor.check(settings, "wang", code(NOW), now=NOW)
    assert not second_factor.check(settings, "wang", code(NOW), now=NOW + 1)
    assert not second_factor.check(settings, "wang", code(NOW - STEP_S), now=NOW + 1), "nor one from before it"
    assert second_factor.check(settings, "wang", code(NOW + STEP_S), now=NOW + STEP_S)


def test_one_code_in_many_hands_opens_once(settings: Settings, recovery: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: second_factor.check(settings, "wang", code(NOW), now=NOW), range(4)))
    assert opened.count(True) == 1


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_one_step(settings: Settings, recovery: list[str], steps: int, opens: bool) -> None:
    assert second_factor.check(settings, "wang", code(NOW + steps * STEP_S), now=NOW) is opens


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "٠١٢٣٤٥", "000000\x00", "0" * 4000]
)
def test_odd_input_opens_nothing(settings: Settings, recovery: list[str], typed: str) -> None:
    assert not second_factor.check(settings, "wang", typed, now=NOW)


def test_after_five_wrong_codes_no_code_is_compared_for_a_quarter_of_an_hour(
    settings: Settings, recovery: list[str]
) -> None:
    for _ in range(FAILS):
        assert not second_factor.check(settings, "wang", "000000", now=NOW)
    assert not second_factor.check(settings, "wang", code(NOW + 60), now=NOW + 60)
    assert not second_factor.check(settings, "wang", recovery[0], now=NOW + 90)
    later = NOW + accounts.LOCK_S + 1
    assert second_factor.check(settings, "wang", code(later), now=later)
    assert events(settings).count("factor_failed") == FAILS and events(settings).count("factor_locked") == 2


def test_a_recovery_code_opens_once_however_it_is_typed(settings: Settings, recovery: list[str]) -> None:
    first, second = recovery[:2]
    assert second_factor.check(settings, "wang", f" {first.lower().replace('-', ' ')} ", now=NOW)
    assert not second_factor.check(settings, "wang", first, now=NOW)
    assert second_factor.check(settings, "wang", second, now=NOW)
    assert second_factor.left(settings.state, "wang") == RECOVERY_CODES - 2
    assert events(settings).count("factor_recovered") == 2


def test_neither_secret_nor_recovery_codes_can_be_read_in_the_file(settings: Settings, recovery: list[str]) -> None:
    written = b"".join(file.read_bytes() for file in settings.data.iterdir() if file.is_file())
    assert not [word for word in (SECRET, *recovery, recovery[0].replace("-", "")) if word.encode() in written]


def test_another_person_resets_it_and_nothing_of_the_old_one_opens(settings: Settings, recovery: list[str]) -> None:
    with pytest.raises(Refused, match="自己的账号"):
        second_factor.reset(settings.state, "wang", by="wang")
    second_factor.reset(settings.state, "wang", by="sun")
    assert not second_factor.is_set_up(settings.state, "wang") and second_factor.left(settings.state, "wang") == 0
    assert not second_factor.check(settings, "wang", code(NOW), now=NOW)
    assert not second_factor.check(settings, "wang", recovery[3], now=NOW)


def test_a_code_of_one_account_does_not_open_another(settings: Settings, recovery: list[str]) -> None:
    accounts.add(settings.state, "li", "correct horse battery", "leader")
    assert not second_factor.check(settings, "li", code(NOW), now=NOW)
    assert not second_factor.check(settings, "li", recovery[0], now=NOW)
