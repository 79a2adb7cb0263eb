"""What the walls are told to show: rotation by the server's clock, holds, and an alarm that interrupts without
flapping."""

from __future__ import annotations

import dataclasses
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


URGENT = direction.Interruption(START, START + 90)
ON_AT = "rotate", "urgent"


@pytest.mark.parametrize(
    ("urgent", "second", "is_on"),
    [
        (URGENT, 0, True),
        (URGENT, 89.9, True),
        (URGENT, 90, False),
        (URGENT, -60, True),
        (URGENT, -60.1, False),
        (direction.Interruption(START, START + 90, START + 10), 9.9, True),
        (direction.Interruption(START, START + 90, START + 10), 10, False),
        (direction.Interruption(START, START + 90, START + 100), 90, False),
        (None, 0, False),
    ],
)
def test_an_interruption_is_on_for_its_seconds(
    urgent: direction.Interruption | None, second: float, is_on: bool
) -> None:
    assert direction.shown(Plan(), Course(START, urgent=urgent), START + second)[0] == ON_AT[is_on]


@pytest.mark.parametrize(
    ("last", "landed", "second", "begins"),
    [
        (None, 0, 0, True),
        (None, -90, 0, True),
        (None, -90.1, 0, False),
        (None, 60, 0, True),
        (None, 60.1, 0, False),
        (direction.Interruption(START - 390, START - 300), 0, 0, True),  # the quiet time is over on this second
        (direction.Interruption(START - 390, START - 300), -0.1, 0, False),
        (direction.Interruption(START - 390, START - 299.9), 0.2, 0, False),
        (direction.Interruption(START - 390, START - 200, START - 300), 0, 0, True),
        (direction.Interruption(START + 60.1, START + 150), 0, 0, True),  # a clock that has been set back since
        (direction.Interruption(START + 60, START + 150), 0, 0, False),
        (direction.Interruption(START - 10, START + 80), 0, 0, False),
    ],
)
def test_an_alarm_interrupts_after_the_quiet_and_while_it_is_new(
    last: direction.Interruption | None, landed: float, second: float, begins: bool
) -> None:
    course = Course(START, urgent=last)
    found = direction.advance(Plan(urgent_s=90, quiet_s=300), course, [alarm(START + landed)], START + second)
    assert found == (Course(START, urgent=direction.Interruption(START, START + 90)) if begins else course)


def test_an_interruption_ends_when_nothing_is_open_and_stays_while_something_is() -> None:
    plan, course = Plan(), Course(START, urgent=URGENT)
    assert direction.advance(plan, course, [alarm(START)], START + 5) == course
    ended = direction.advance(plan, course, [alarm(START, 1)], START + 5)
    assert ended.urgent == direction.Interruption(START, START + 90, START + 5)
    assert direction.advance(plan, course, [], START + 90) == course, "it is over by itself"


def test_alarms_of_the_level_or_above_are_loud() -> None:
    alarms = [alarm(START, level, str(level)) for level in (1, 2, 3)]
    assert [[one.level for one in direction.loud(Plan(urgent_level=level), alarms)] for level in (0, 1, 2, 3, 4)] == [
        [], [1, 2, 3], [2, 3], [3], [],
    ]  # fmt: skip


def test_a_hold_is_over_on_its_second() -> None:
    course = Course(START, hold=Hold("sites", START + 60))
    assert [direction.shown(Plan(), course, START + second)[0] for second in (59.9, 60)] == ["hold", "rotate"]


@pytest.mark.parametrize("minutes", [0.5, 24 * 60])
def test_a_hold_lasts_a_day_at_most(minutes: float) -> None:
    course = direction.command(Plan(), Course(START), "show", START, scene="sites", minutes=minutes)
    assert course.hold == Hold("sites", START + minutes * 60)
    for odd in (0, 24 * 60 + 1):
        with pytest.raises(UsageError):
            direction.command(Plan(), Course(START), "hold", START, minutes=odd)


FEW = Plan(scenes=("overview", "safety", "sites"), dwell_s=10)


@pytest.mark.parametrize(
    ("course", "verb", "scene", "after"),
    [
        (Course(START), "next", "safety", "safety"),
        (Course(START), "back", "sites", "sites"),
        (Course(START - 20), "next", "overview", "overview"),
        (Course(START, hold=Hold("sites")), "next", "overview", None),
        (Course(START, hold=Hold("overview")), "back", "sites", None),
        (Course(START, hold=Hold("members")), "next", "overview", None),
        (Course(START, hold=Hold("members")), "back", "sites", None),
        (Course(START, hold=Hold("sites"), before="members"), "back", "members", None),
        (Course(START, hold=Hold("sites"), before="members"), "next", "overview", None),
        (Course(START, before="members"), "back", "sites", "sites"),
    ],
)
def test_a_step_is_from_what_is_on_and_a_hold_stays_a_hold(
    course: Course, verb: str, scene: str, after: str | None
) -> None:
    found = direction.command(FEW, course, verb, START)
    assert direction.shown(FEW, found, START) == ("hold" if course.hold else "rotate", scene) and found.before is None
    if after:
        place = FEW.scenes.index(after)
        assert direction.shown(FEW, found, START + 10)[1] == FEW.scenes[(place + 1) % 3], "and it turns on from there"


def test_a_person_takes_over_from_an_interruption() -> None:
    course = Course(START, highlight=("fleet_online_rate", START + 30), urgent=URGENT)
    for verb in ("hold", "resume", "back", "next", "acknowledge"):
        found = direction.command(FEW, course, verb, START + 5)
        assert found.urgent == direction.Interruption(START, START + 90, START + 5)
        assert (found.highlight is None) == (verb != "acknowledge")
    assert direction.command(FEW, course, "next", START + 5).hold is None, "a step is from what lay below"
    assert direction.shown(FEW, direction.command(FEW, course, "next", START + 5), START + 5) == ("rotate", "safety")
    assert direction.command(FEW, course, "hold", START + 5).hold == Hold("safety"), "what is on the glass is held"
    marked = direction.command(FEW, course, "highlight", START + 5, metric="site_visit_cnt")
    assert (marked.highlight, marked.urgent) == (("site_visit_cnt", START + 5 + direction.HIGHLIGHT_S), URGENT)
    cleared = direction.command(FEW, course, "clear", START + 5)
    assert (cleared.highlight, cleared.urgent) == (None, URGENT)
    before = direction.command(FEW, Course(START, hold=Hold("sites"), before="members"), "hold", START)
    assert (before.hold, before.before) == (Hold("sites"), "members")
    assert direction.command(FEW, Course(START, before="members"), "hold", START).before is None
    over = direction.command(FEW, Course(START, hold=Hold("sites"), before="members"), "resume", START)
    assert over == Course(START)


@pytest.mark.parametrize("name", list(direction.LIMITS))
def test_a_number_of_a_plan_has_its_ends(name: str) -> None:
    low, high = direction.LIMITS[name]
    for value in (low, high):
        assert getattr(direction.revised(Plan(), **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(UsageError):
            direction.revised(Plan(), **{name: value})


def test_what_a_screen_is_told() -> None:
    alarms = [alarm(START - n, name=str(n)) for n in range(direction.ALARMS_SHOWN + 1)]
    state = direction.ScreenState(
        "hall", 7, FEW, Course(START, Hold("sites", START + 60), None, ("m_", START + 9), URGENT)
    )
    found = direction.client_state(state, alarms, START + 5)
    assert (found["mode"], found["scene"], found["until"]) == ("urgent", "safety", "2026-11-23T14:06:30.000+00:00")
    assert found["hold"] == {"scene": "sites", "until": "2026-11-23T14:06:00.000+00:00"}
    assert [one["id"] for one in found["urgent"]["alarms"]] == ["0", "1", "2", "3", "4"]
    assert (found["highlight"], found["highlight_until"]) == ("m_", "2026-11-23T14:05:09.000+00:00")
    later = direction.client_state(state, alarms, START + 9)
    assert later["highlight"] is None and later["highlight_until"] is None
    held = direction.client_state(dataclasses.replace(state, course=Course(START, Hold("sites"))), alarms, START)
    assert (held["mode"], held["scene"], held["until"], held["urgent"]) == ("hold", "sites", None, None)
    turning = direction.client_state(dataclasses.replace(state, course=Course(START)), alarms, START)
    assert (turning["mode"], turning["scene"], turning["hold"], turning["dwell_s"]) == ("rotate", None, None, 10)
    assert turning["since"] == "2026-11-23T14:05:00.000+00:00" and turning["scenes"] == list(FEW.scenes)
    assert (state.group, direction.ScreenState("group:centre").group) == ("", "centre")


def test_an_interruption_is_kept_for_every_screen_that_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Director(Settings(tmp_path)), Director(Settings(tmp_path))
    open_ = [alarm(START)]
    for director in (one, other):
        monkeypatch.setattr(director, "_alarms", lambda: tuple(open_))
    told = one.direction("hall", NOW)
    assert (told["mode"], told["seq"], told["scene"]) == ("urgent", 1, "safety")
    state, alarms = other.look("hall", NOW + dt.timedelta(seconds=2))
    assert (state.seq, state.course.urgent, list(alarms)) == (1, direction.Interruption(START, START + 90), open_)
    open_.clear()
    assert other.direction("hall", NOW + dt.timedelta(seconds=4))["mode"] == "rotate"
    assert one.plan("hall").course.urgent == direction.Interruption(START, START + 90, START + 4)
    open_.append(alarm(START + 400, name="b"))
    seq = one.steer("hall", "acknowledge", NOW + dt.timedelta(seconds=400), by="zhang")
    assert other.direction("hall", NOW + dt.timedelta(seconds=401))["seq"] == seq, "nobody had asked about it yet"
    assert one.plan("hall").course.urgent == direction.Interruption(START + 400, START + 490, START + 400)
    one.steer("hall", "highlight", NOW, by="zhang", metric="site_visit_cnt")
    one.steer("hall", "show", NOW, by="zhang", scene="sites", minutes=5)
    stored = other.plan("hall")
    assert (stored.course.hold, stored.who, stored.verb, stored.at) == (
        Hold("sites", START + 300),
        "zhang",
        "show",
        START,
    )


def test_a_group_begins_with_the_plan_of_who_founds_it_and_names_are_checked(tmp_path: Path) -> None:
    director = Director(Settings(tmp_path))
    director.configure("hall", by="cli", dwell_s=12)
    director.configure("door", by="cli", dwell_s=20)
    founded = director.configure("hall", by="cli", group="centre")
    assert (founded.plan.dwell_s, founded.group) == (12, "centre")
    assert director.configure("door", by="cli", group="centre").plan.dwell_s == 12, "who joins turns in step"
    assert director.configure("door", by="cli", group="").plan.dwell_s == 20, "and goes back to its own"
    assert director.screens() == {"door": "", "hall": "centre"}
    for words in ({"group": "A b"}, {"group": "x" * 33}):
        with pytest.raises(UsageError):
            director.configure("hall", by="cli", **words)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        director.configure("Hall", by="cli")
