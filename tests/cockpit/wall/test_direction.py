"""What the walls are told to show: rotation by the server's clock, holds, and an alarm that interrupts without
flapping."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.store import app_db
from cockpit.wall import direction
from cockpit.wall.direction import Course, Director, Hold, Plan
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.publish.live import Alarm

NOW = dt.datetime(2026, 11, 23, 14, 5, tzinfo=dt.UTC)
START = NOW.timestamp()


def alarm(landed: float, level: int = 2, name: str = "a") -> Alarm:
    at = dt.datetime.fromtimestamp(landed, dt.UTC)
    return Alarm(name, at, at, "疲劳驾驶", level, "良渚街道", "浙A·1**23 黄")


def test_rotation_is_a_matter_of_the_clock_alone() -> None:
    plan = Plan(dwell_s=10)
    seen = [direction.shown(plan, Course(START), START + second)[1] for second in range(0, 61, 10)]
    assert seen == [*direction.SCENES, direction.SCENES[0]]
    assert {direction.shown(plan, Course(START), START + s) for s in (0, 9.9)} == {("rotate", "overview")}


def test_a_hold_ends_by_itself_and_the_rotation_goes_on_in_step() -> None:
    plan = Plan(dwell_s=10)
    course = direction.command(plan, Course(START), "show", START + 3, scene="sites", minutes=1)
    assert direction.shown(plan, course, START + 62) == ("hold", "sites")
    assert direction.shown(plan, course, START + 64) == direction.shown(plan, Course(START), START + 64)


def test_back_next_and_resume_do_what_the_buttons_say() -> None:
    plan = Plan(dwell_s=10)
    course = direction.command(plan, Course(START), "next", START + 3)
    assert direction.shown(plan, course, START + 3)[1] == "safety"
    course = direction.command(plan, course, "back", START + 4)
    assert direction.shown(plan, course, START + 4)[1] == "overview"
    held = direction.command(
        plan, direction.command(plan, course, "show", START + 5, scene="members"), "back", START + 6
    )
    assert direction.shown(plan, held, START + 6) == ("hold", "overview")
    assert direction.shown(plan, direction.command(plan, held, "resume", START + 7), START + 7)[0] == "rotate"


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("show", {"scene": "cinema"}),
        ("show", {"scene": "sites", "minutes": -1}),
        ("explode", {}),
        ("highlight", {"metric": "'; DROP"}),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_in_words(verb: str, words: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        direction.command(Plan(), Course(START), verb, START, **words)  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.floats(0, 2000), st.integers(1, 2), st.floats(1, 400)), max_size=12),
    st.floats(10, 200),
    st.floats(4, 500),  # a shorter pause lies between two questions, and two interruptions look like one
)
def test_interruptions_never_flap_outlast_their_time_or_break_the_quiet(
    raised: list[tuple[float, int, float]], shows: float, quiet: float
) -> None:
    """A screen asks every two seconds; alarms come and are closed at random."""
    plan, course = Plan(urgent_s=shows, quiet_s=quiet), Course(START)
    began: list[float] = []
    ended: list[float] = []
    was = False
    for step in range(0, 2400, 2):
        now = START + step
        open_ = [
            alarm(START + at, level, str(n)) for n, (at, level, lasts) in enumerate(raised) if at <= step < at + lasts
        ]
        course = direction.advance(plan, course, open_, now)
        on = direction.shown(plan, course, now)[0] == "urgent"
        assert not on or any(a.level >= 2 for a in open_), "nothing open, nothing urgent"
        if on and not was:
            began.append(now)
        if was and not on:
            ended.append(now)
        was = on
    for begin, end in zip(began, ended, strict=False):
        assert end - begin <= shows + 2
    for end, begin in zip(ended, began[1:], strict=False):
        assert begin - end >= quiet - 4


def test_an_acknowledged_interruption_ends_at_once_and_a_late_one_waits_for_the_quiet_time() -> None:
    plan = Plan(urgent_s=90, quiet_s=300)
    course = direction.advance(plan, Course(START), [alarm(START)], START + 2)
    assert direction.shown(plan, course, START + 2) == ("urgent", "safety")
    course = direction.command(plan, course, "acknowledge", START + 5)
    assert direction.shown(plan, course, START + 5)[0] == "rotate"
    again = direction.advance(plan, course, [alarm(START), alarm(START + 100, name="b")], START + 102)
    assert direction.shown(plan, again, START + 102)[0] == "rotate"
    later = direction.advance(plan, again, [alarm(START + 310, name="c")], START + 311)
    assert direction.shown(plan, later, START + 311)[0] == "urgent"


def test_level_one_interrupts_nobody_and_level_zero_turns_it_off() -> None:
    assert direction.advance(Plan(), Course(START), [alarm(START, 1)], START) == Course(START)
    assert direction.advance(Plan(urgent_level=0), Course(START), [alarm(START, 2)], START) == Course(START)


def test_a_clock_that_was_set_back_does_not_hold_an_interruption_for_ever() -> None:
    plan = Plan(urgent_s=90)
    course = direction.advance(plan, Course(START), [alarm(START)], START)
    assert direction.shown(plan, course, START - 3600)[0] == "rotate"


def test_screens_of_a_group_are_steered_together_and_every_command_is_on_record(tmp_path: Path) -> None:
    director, file = Director(Settings(tmp_path)), Settings(tmp_path).state
    for name in ("hall", "door"):
        director.configure(name, by="cli", group="centre")
    before = director.direction("door", NOW)["seq"]
    seq = director.steer("hall", "show", NOW, by="zhang", ip="127.0.0.1", scene="members")
    stated = [director.direction(name, NOW) for name in ("hall", "door")]
    assert [one["scene"] for one in stated] == ["members", "members"] and stated[1]["seq"] == seq > before
    director.configure("door", by="cli", group="")
    assert director.direction("door", NOW)["mode"] == "rotate"
    with app_db.reading(file) as connection:
        booked = connection.execute("SELECT who, detail FROM audit WHERE event='screen_steered'").fetchall()
    assert [row["who"] for row in booked] == ["zhang"] and "members" in booked[0]["detail"]


def test_a_plan_is_checked(tmp_path: Path) -> None:
    director = Director(Settings(tmp_path))
    for changes in ({"dwell_s": 1}, {"scenes": ["cinema"]}, {"scenes": []}, {"urgent_level": 12}):
        with pytest.raises(UsageError):
            director.configure("hall", by="cli", **changes)
    stored = director.configure("hall", by="cli", scenes=["sites", "overview"], dwell_s=12)
    assert director.direction("hall", NOW)["scenes"] == ["sites", "overview"] and stored.plan.dwell_s == 12


def test_what_a_screen_hears_while_nothing_changes_writes_nothing(tmp_path: Path) -> None:
    director = Director(Settings(tmp_path))
    director.configure("hall", by="cli", dwell_s=20)
    first = director.plan("hall").seq
    for second in range(0, 120, 2):
        director.direction("hall", NOW + dt.timedelta(seconds=second))
    assert director.plan("hall").seq == first


def test_a_hold_survives_the_restart_and_a_scene_of_a_later_release_is_dropped(tmp_path: Path) -> None:
    Director(Settings(tmp_path)).steer("hall", "show", NOW, by="zhang", scene="sites")
    again = Director(Settings(tmp_path))
    assert again.direction("hall", NOW)["scene"] == "sites"
    assert (
        direction._course(
            '{"since":0,"hold":{"scene":"cinema","until":null},"before":null,"highlight":null,"urgent":null}'
        ).hold
        is None
    )
    assert again.plan("hall").course.hold == Hold("sites")
