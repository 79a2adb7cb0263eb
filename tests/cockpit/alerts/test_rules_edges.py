"""Thresholds, shifts, quiet hours and silences on the value and the minute they are bound to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from cockpit.alerts import rules, store
from cockpit.alerts.rules import Plan, Rule, Shift
from cockpit.alerts.store import Sign
from cockpit.store import app_db
from warehouse.core.errors import ConfigError, PageMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI

NOW = 1_800_000_000.0


def rule(**rest: Any) -> Rule:
    return Rule(**{"id": "r1", "label": "规则", "watch": "job_age_s", "above": 10, **rest})


@pytest.mark.parametrize(
    ("one", "beyond", "back"),
    [
        # values 9, 10, 11
        (rule(), [False, False, True], [True, True, False]),
        (rule(above=None, below=10), [True, False, False], [False, True, True]),
        (rule(clear=9), [False, False, True], [True, False, False]),
        (rule(above=None, below=10, clear=11), [True, False, False], [False, False, True]),
        (rule(above=0), [True, True, True], [False, False, False]),
        (rule(above=None, below=0), [False, False, False], [True, True, True]),
    ],
)
def test_beyond_is_without_the_threshold_and_back_is_with_the_clearing_value(
    one: Rule, beyond: list[bool], back: list[bool]
) -> None:
    assert [one.is_beyond(value) for value in (9, 10, 11)] == beyond
    assert [one.is_back(value) for value in (9, 10, 11)] == back


FRIDAY = dt.datetime(2026, 11, 27, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("shift", "minutes", "is_on"),
    [
        (Shift(to="x", days=("fri",), hours="08:00-20:00"), [479, 480, 1199, 1200, 1440 + 480], [0, 1, 1, 0, 0]),
        (Shift(to="x", hours="00:00-24:00"), [0, 1439, 1440], [1, 1, 1]),
        (
            Shift(to="x", days=("fri",), hours="20:30-08:15"),
            [0, 1229, 1230, 1439, 1440, 1440 + 494],
            [0, 0, 1, 1, 1, 1],
        ),
        (Shift(to="x", days=("fri",), hours="20:30-08:15"), [1440 + 495, 1440 + 1230], [0, 0]),
        (Shift(to="x", days=("sun",), hours="20:00-08:00"), [-1, 2 * 1440 + 1200, 3 * 1440 + 479], [0, 1, 1]),
        (Shift(to="x", days=("fri",), hours="08:00-08:00"), [479, 480, 1440 + 479, 1440 + 480], [0, 1, 1, 0]),
    ],
)
def test_a_shift_begins_on_its_minute_and_ends_before_it(shift: Shift, minutes: list[int], is_on: list[int]) -> None:
    assert [shift.covers(FRIDAY + dt.timedelta(minutes=minute)) for minute in minutes] == [bool(one) for one in is_on]


def test_who_is_on_duty_is_called_by_level() -> None:
    plan = Plan(
        duty=(Shift(to="a"), Shift(to="b", level=2), Shift(to="c", level=2, days=("sat",)), Shift(to="a", level=3))
    )
    assert [plan.on_duty(level, FRIDAY) for level in (1, 2, 3, 4)] == [["a"], ["b"], ["a"], []]
    assert (plan.highest, Plan().highest) == (3, 1)
    assert rules.receivers(Plan(duty=plan.duty, rules=(rule(to=("d", "a")),))) == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("quiet", "hour", "until"),
    [
        ("22:00-07:30", 22, dt.datetime(2026, 11, 28, 7, 30, tzinfo=SHANGHAI)),
        ("22:00-07:30", 7, dt.datetime(2026, 11, 27, 7, 30, tzinfo=SHANGHAI)),
        ("22:00-07:30", 8, None),
        ("22:00-07:00", 7, None),
        ("12:00-24:00", 12, dt.datetime(2026, 11, 28, tzinfo=SHANGHAI)),
        ("00:00-24:00", 0, dt.datetime(2026, 11, 28, tzinfo=SHANGHAI)),
        ("", 0, None),
    ],
)
def test_quiet_hours_have_an_end(quiet: str, hour: int, until: dt.datetime | None) -> None:
    assert Plan(quiet=quiet).quiet_until(FRIDAY + dt.timedelta(hours=hour, seconds=30)) == until


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("above = 1", True),
        ("below = 1", True),
        ("above = 1\nbelow = 1", False),
        ("", False),
        ("above = 10\nclear = 10", True),
        ("above = 10\nclear = 9", True),
        ("above = 10\nclear = 11", False),
        ("below = 10\nclear = 11", True),
        ("below = 10\nclear = 9", False),
    ],
)
def test_a_rule_has_one_threshold_and_clears_on_its_own_side(tmp_path: Path, text: str, fits: bool) -> None:
    (tmp_path / rules.FILE).write_text(
        f'[[rules]]\nid = "own_one"\nlabel = "自"\nwatch = "job_age_s"\n{text}\n', "utf-8"
    )
    if fits:
        assert "own_one" in {one.id for one in rules.plan(Settings(tmp_path)).rules}
    else:
        with pytest.raises(ConfigError):
            rules.plan(Settings(tmp_path))
        shipped, found = rules.in_force(Settings(tmp_path))
        assert len(found) == 1 and shipped.rules and "own_one" not in {one.id for one in shipped.rules}


def test_a_rule_that_is_off_is_left_out_and_one_of_the_same_name_replaces(tmp_path: Path) -> None:
    shipped = rules.plan(Settings(tmp_path)).rules
    (tmp_path / rules.FILE).write_text(
        f'[[rules]]\nid = "{shipped[0].id}"\nlabel = "自"\nwatch = "job_age_s"\nabove = 1\noff = true\n'
        f'[[rules]]\nid = "{shipped[1].id}"\nlabel = "自"\nwatch = "job_age_s"\nabove = 7\n',
        "utf-8",
    )
    found = {one.id: one for one in rules.plan(Settings(tmp_path)).rules}
    assert shipped[0].id not in found and found[shipped[1].id].above == 7 and len(found) == len(shipped) - 1


def told(path: Path, one: Rule, value: float | None, second: float, subject: str = "s") -> tuple[int, int]:
    with app_db.writing(path) as connection:
        changes = store.apply(connection, one, [Sign(subject, "主题", value, "词")], NOW + second)
    return len(changes.fired), len(changes.ended)


def test_it_fires_when_it_has_lasted_and_is_over_when_it_is_back_or_gone(tmp_path: Path) -> None:
    path, lasting = tmp_path / "state.sqlite", rule(for_s=60, clear=5)
    assert [told(path, lasting, 11, second) for second in (0, 59.9, 60, 61)] == [(0, 0), (0, 0), (1, 0), (0, 0)]
    assert [told(path, lasting, value, 70) for value in (None, 6, 5)] == [(0, 0), (0, 0), (0, 1)]
    assert [told(path, lasting, value, second) for value, second in ((11, 80), (10, 100), (11, 141))] == [(0, 0)] * 3
    assert store.standing(path) == [] and [one.ended_at for one in store.past(path)] == [NOW + 70]
    assert told(path, lasting, 11, 201) == (1, 0)
    assert told(path, lasting, 1, 202, "another") == (0, 1), "a subject that is gone ends what had fired"
    assert store.past(path)[0].words == "不再监测"
    assert told(path, rule(), 11, 210) == (1, 0), "without a time it fires at once"
    with app_db.writing(path) as connection:
        assert [one.rule for one in store.retire(connection, {"r2"}, NOW + 220)] == ["r1"]
        assert store.retire(connection, {"r2"}, NOW + 220) == ()


def test_urgent_ones_stand_first_and_the_newest_of_a_grade(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    for second, grade in enumerate(("notice", "urgent", "warn", "urgent")):
        told(path, rule(id=f"r{second}_", grade=grade), 11, second)
    assert [one.rule for one in store.standing(path)] == ["r3_", "r1_", "r2_", "r0_"]
    with app_db.writing(path) as connection:
        assert len(store.uncalled(connection)) == 4
        for one in store.standing(path):
            store.called(connection, one, ["a", "b", "a"], 2, NOW + 100)
        assert store.uncalled(connection) == []
        assert [len(store.untaken(connection, NOW + second)) for second in (99, 100)] == [0, 2]
    first = store.standing(path)[0]
    assert (first.receivers, first.level) == (("a", "b"), 2)
    store.take(path, first.id, "zhang", now=NOW + 110)
    store.take(path, first.id, "li", now=NOW + 120)
    [again] = store.numbered(path, [first.id])
    assert (again.taken_by, again.taken_at) == ("zhang", NOW + 110)
    with app_db.reading(path) as connection:
        assert len(store.untaken(connection, NOW + 100)) == 1
    with pytest.raises(PageMissing):
        store.take(path, 99, "zhang", now=NOW)


@pytest.mark.parametrize(
    ("why", "seconds", "fits"),
    [
        ("正在检修", 1, True),
        ("在检修", 1, False),
        ("正在检修", 0, False),
        ("正在检修", store.MOST_SILENT_S, True),
        ("正在检修", store.MOST_SILENT_S + 1, False),
    ],
)
def test_a_silence_has_a_reason_and_an_end_within_a_week(tmp_path: Path, why: str, seconds: float, fits: bool) -> None:
    path = tmp_path / "state.sqlite"
    if not fits:
        with pytest.raises(UsageError):
            store.silence(path, "r1", "s", NOW + seconds, "zhang", why, now=NOW)
        return
    store.silence(path, "r1", "s", NOW + seconds, "zhang", why, now=NOW)
    with app_db.reading(path) as connection:
        quiet = store.silences(connection, NOW)
        assert store.silences(connection, NOW + seconds) == [] and len(quiet) == 1
    told(path, rule(), 11, 0)
    [one] = store.standing(path)
    assert store.is_silenced(one, quiet) and not store.is_silenced(one, [])
    told(path, rule(), 11, 0, "other")
    assert [store.is_silenced(each, quiet) for each in store.standing(path)] == [False]
    store.speak(path, quiet[0].id, "zhang", now=NOW + seconds / 2)
    with pytest.raises(PageMissing):
        store.speak(path, quiet[0].id, "zhang", now=NOW + seconds / 2)
