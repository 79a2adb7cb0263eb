"""What every screen shows: rotation, a hold, an urgency that interrupts. Decides which scene; knows nothing of pixels.

Owns `wall_direction` and `wall_group` in state.sqlite. A target is a screen, or the group a screen belongs to: screens
of a group have one plan and one course, and as the phase of a rotation is reckoned from the server's time they turn in
step. The rules are pure functions of (plan, course, alarms, now); only `Director` reads and writes. Times in here are
UTC seconds since 1970; what leaves is ISO 8601 with offset."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
import math
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cockpit.identity.sessions import SCREEN
from cockpit.presentation import texts
from cockpit.store import app_db, audit
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.publish import live
from warehouse.publish.live import Alarm

SCENES = tuple(texts.SCENES)
URGENT_SCENE = "safety"
ALARMS_SHOWN = 5
HIGHLIGHT_S = 30.0
LONGEST_HOLD_MIN = 24 * 60
STEP_S = 60.0
"""A clock may be set back by this much before what it had written counts as lying in the future."""
METRIC = re.compile(r"[a-z0-9_]{2,60}")
VERBS = ("show", "hold", "resume", "back", "next", "highlight", "clear", "acknowledge")
LIMITS = {"dwell_s": (5, 3600), "urgent_level": (0, 9), "urgent_s": (10, 1800), "quiet_s": (0, 7200)}
LOG = logging.getLogger("cockpit")


@dataclass(frozen=True)
class Plan:
    """How a target is to behave. scenes: rotation order, one or more. dwell_s: seconds a scene. urgent_level: an alarm
    of this level or above interrupts, 0 = none ever. urgent_s: seconds an interruption lasts. quiet_s: seconds after
    one without another."""

    scenes: tuple[str, ...] = SCENES
    dwell_s: float = 30
    urgent_level: int = 2
    urgent_s: float = 90
    quiet_s: float = 300


@dataclass(frozen=True)
class Hold:
    """One scene kept on the glass. until: None = until a person releases it."""

    scene: str
    until: float | None = None


@dataclass(frozen=True)
class Interruption:
    """An urgency: shown from `since` until `until`, or until `ended` when a person acknowledged it or nothing was left
    open."""

    since: float
    until: float
    ended: float | None = None

    @property
    def over(self) -> float:
        """When it ends or ended."""
        return self.until if self.ended is None else min(self.until, self.ended)


@dataclass(frozen=True)
class Course:
    """Where a target is. since: origin of the rotation's phase. before: the scene that `back` returns to from a hold.
    highlight: metric and when its mark fades. urgent: the last interruption, over or not."""

    since: float = 0.0
    hold: Hold | None = None
    before: str | None = None
    highlight: tuple[str, float] | None = None
    urgent: Interruption | None = None


@dataclass(frozen=True)
class ScreenState:
    """One row of wall_direction. seq grows with every change of any target. who, verb: the last command, "" before the
    first; at: its time."""

    target: str
    seq: int = 0
    plan: Plan = field(default_factory=Plan)
    course: Course = field(default_factory=Course)
    who: str = ""
    verb: str = ""
    at: float = 0.0

    @property
    def group(self) -> str:
        """The group's name, "" for a screen of its own."""
        return self.target.removeprefix("group:") if self.target.startswith("group:") else ""


# ---- the rules ------------------------------------------------------------------------------------------------------


def turning(plan: Plan, course: Course, now: float) -> str:
    """The scene of the rotation at `now`, whatever lies above it."""
    return plan.scenes[math.floor((now - course.since) / plan.dwell_s) % len(plan.scenes)]


def interrupted(course: Course, now: float) -> Interruption | None:
    """The interruption that is on at `now`."""
    last = course.urgent
    return last if last is not None and last.since - STEP_S <= now < last.over else None


def held(course: Course, now: float) -> Hold | None:
    """The hold that is in force at `now`, seen or under an interruption."""
    hold = course.hold
    return hold if hold is not None and (hold.until is None or now < hold.until) else None


def shown(plan: Plan, course: Course, now: float) -> tuple[str, str]:
    """(mode, scene) at `now`; mode is rotate, hold or urgent."""
    if interrupted(course, now):
        return "urgent", URGENT_SCENE
    hold = held(course, now)
    return ("hold", hold.scene) if hold else ("rotate", turning(plan, course, now))


def loud(plan: Plan, alarms: Sequence[Alarm]) -> list[Alarm]:
    """The open alarms that reach the plan's level, in the order given."""
    return [a for a in alarms if 0 < plan.urgent_level <= a.level]


def advance(plan: Plan, course: Course, alarms: Sequence[Alarm], now: float) -> Course:
    """The course after the open alarms have been looked at: an interruption begins, goes on, or ends because nothing is
    open.

    One begins only by an alarm that landed after the quiet time of the last one and not longer ago than an interruption
    lasts; an alarm that lands in between joins the list of what is open and interrupts nobody."""
    last, open_ = course.urgent, loud(plan, alarms)
    if last is not None and last.since > now + STEP_S:
        last = None  # written by a clock that has been set back since
    if last is not None and last.ended is None and now < last.until:
        return course if open_ else dataclasses.replace(course, urgent=dataclasses.replace(last, ended=now))
    free = -math.inf if last is None else last.over + plan.quiet_s
    new = [a for a in open_ if max(free, now - plan.urgent_s) <= a.landed_at.timestamp() <= now + STEP_S]
    if now < free or not new:
        return course
    return dataclasses.replace(course, urgent=Interruption(now, now + plan.urgent_s))


def command(
    plan: Plan,
    course: Course,
    verb: str,
    now: float,
    *,
    scene: str = "",
    minutes: float | None = None,
    metric: str = "",
) -> Course:
    """The course after a person's command. Every verb but highlight and clear also acknowledges a running interruption:
    a person has taken over.

    show `scene` (for `minutes`, None = until released) · hold what is on · resume the rotation · back · next ·
    highlight the tile of `metric` · clear it · acknowledge. Raises UsageError for anything else."""
    if verb == "highlight":
        if not METRIC.fullmatch(metric):
            raise UsageError("没有这个指标", where=metric[:60])
        return dataclasses.replace(course, highlight=(metric, now + HIGHLIGHT_S))
    if verb == "clear":
        return dataclasses.replace(course, highlight=None)
    _, on = shown(plan, course, now)
    running = interrupted(course, now)
    if running:
        course = dataclasses.replace(course, urgent=dataclasses.replace(running, ended=now))
    if verb == "acknowledge":
        return course
    course = dataclasses.replace(course, highlight=None)
    if verb == "resume":
        return dataclasses.replace(course, hold=None, before=None)
    hold, until = held(course, now), None if minutes is None else now + _minutes(minutes) * 60
    if verb == "hold":
        return dataclasses.replace(course, hold=Hold(on, until), before=course.before if hold else None)
    if verb == "show":
        return dataclasses.replace(course, hold=Hold(_scene(scene), until), before=on)
    if verb not in ("back", "next"):
        raise UsageError("没有这个操作", where=verb[:20], to_do=f"可用：{'、'.join(VERBS)}")
    if hold is not None and verb == "back" and course.before:
        return dataclasses.replace(course, hold=Hold(course.before, hold.until), before=None)
    # under an interruption the step is from what lay below it
    here = hold.scene if hold else turning(plan, course, now)
    place = plan.scenes.index(here) if here in plan.scenes else -1 if verb == "next" else 0
    there = (place + (1 if verb == "next" else -1)) % len(plan.scenes)
    if hold is not None:
        return dataclasses.replace(course, hold=Hold(plan.scenes[there], hold.until), before=None)
    return dataclasses.replace(course, since=now - there * plan.dwell_s, before=None)


def client_state(state: ScreenState, alarms: Sequence[Alarm], now: float) -> dict[str, Any]:
    """What a screen is to know: what to show now and how to go on by itself when the server falls silent.

    seq int · mode rotate, hold or urgent · scenes, dwell_s, since: the rotation, whose scene is
    scenes[floor((now - since) / dwell_s) % n] · scene (None in rotation) and until (None = no end of its own) of mode ·
    hold: {scene, until} in force, seen or below an interruption · highlight, highlight_until · urgent: {since, until,
    alarms: the five newest} while one is on."""
    plan, course = state.plan, state.course
    mode, scene = shown(plan, course, now)
    running, hold = interrupted(course, now), held(course, now)
    mark = course.highlight if course.highlight and now < course.highlight[1] else None
    until = running.until if running else hold.until if hold else None
    return {
        "seq": state.seq,
        "mode": mode,
        "scenes": list(plan.scenes),
        "dwell_s": plan.dwell_s,
        "since": _iso(course.since),
        "scene": None if mode == "rotate" else scene,
        "until": _iso(until),
        "hold": {"scene": hold.scene, "until": _iso(hold.until)} if hold else None,
        "highlight": mark[0] if mark else None,
        "highlight_until": _iso(mark[1]) if mark else None,
        "urgent": {
            "since": _iso(running.since),
            "until": _iso(running.until),
            "alarms": [listed(a) for a in loud(plan, alarms)[:ALARMS_SHOWN]],
        }
        if running
        else None,
    }


def listed(alarm: Alarm) -> dict[str, Any]:
    """An open alarm as plain JSON values."""
    return {
        "id": alarm.id,
        "raised_at": alarm.raised_at.isoformat(),
        "kind": alarm.kind,
        "level": alarm.level,
        "town": alarm.town,
        "plate": alarm.plate,
    }


def revised(plan: Plan, **changes: Any) -> Plan:
    """The plan with some of its fields changed. Raises UsageError for an unknown scene or a number out of its range."""
    scenes = changes.get("scenes")
    if scenes is not None:
        changes["scenes"] = tuple(dict.fromkeys(_scene(s) for s in scenes))
        if not changes["scenes"]:
            raise UsageError("至少要有一个场景", to_do=f"可用：{','.join(SCENES)}")
    for name, (low, high) in LIMITS.items():
        if name in changes and not low <= changes[name] <= high:
            raise UsageError("数值超出范围", where=f"{name} = {changes[name]}", to_do=f"应在 {low} 到 {high} 之间")
    return dataclasses.replace(plan, **changes)


def _scene(name: str) -> str:
    if name not in SCENES:
        raise UsageError("没有这个场景", where=name[:32], to_do=f"可用：{','.join(SCENES)}")
    return name


def _minutes(minutes: float) -> float:
    if not 0 < minutes <= LONGEST_HOLD_MIN:
        raise UsageError(
            "保持的时长超出范围", where=f"{minutes:g} 分钟", to_do=f"应在 1 到 {LONGEST_HOLD_MIN} 分钟之间"
        )
    return minutes


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")


# ---- what is kept ---------------------------------------------------------------------------------------------------


class Director:
    """The direction of all screens of one installation. Safe among threads and processes: state.sqlite decides."""

    def __init__(self, settings: Settings) -> None:
        self.file: Path = settings.state
        self._alarms: Callable[[], tuple[Alarm, ...]] = lambda: live.alarms(settings.data)

    def direction(self, screen: str, now: dt.datetime) -> dict[str, Any]:
        """What `screen` is to show at `now` (aware); see `told`. Writes only when an interruption begins or ends."""
        stored, alarms = self.look(screen, now)
        return client_state(stored, alarms, now.timestamp())

    def look(self, screen: str, now: dt.datetime) -> tuple[ScreenState, tuple[Alarm, ...]]:
        """The row of the screen's target at `now`, and the open alarms it was judged by."""
        moment = now.timestamp()
        with app_db.reading(self.file) as connection:
            stored = _find(connection, screen)
        # the state first, the alarms second: an interruption is never judged by an older list than the one that began
        # it
        alarms = self._alarms()
        course = advance(stored.plan, stored.course, alarms, moment)
        if course == stored.course:
            return stored, alarms
        try:
            with app_db.writing(self.file) as connection:
                stored, alarms = _find(connection, screen), self._alarms()
                course = advance(stored.plan, stored.course, alarms, moment)
                return (stored if course == stored.course else _keep(connection, stored, course=course)), alarms
        except sqlite3.Error:
            LOG.exception("direction of %s cannot be kept", stored.target)
            return dataclasses.replace(stored, course=course), alarms

    def steer(self, screen: str, verb: str, now: dt.datetime, *, by: str, ip: str = "", **words: Any) -> int:
        """Carries out a command of `by` for the target of `screen`; returns the seq that a screen must have heard of.
        See `command` for the verbs and `words`. Raises UsageError for a command that makes no sense."""
        moment = now.timestamp()
        with app_db.writing(self.file) as connection:
            stored = _find(connection, screen)
            # an interruption that nobody has asked about yet is acknowledged like one that is on
            course = advance(stored.plan, stored.course, self._alarms(), moment)
            course = command(stored.plan, course, verb, moment, **words)
            stored = _keep(connection, stored, course=course, who=by, verb=verb, at=moment)
            detail = " ".join(str(word) for word in (verb, *words.values()) if word)[:200]
            audit.append(connection, "screen_steered", who=by, ip=ip, subject=stored.target, detail=detail, now=moment)
        return stored.seq

    def configure(self, screen: str, *, by: str, group: str | None = None, **changes: Any) -> ScreenState:
        """Changes the plan of the target of `screen`, after it has joined `group` ("" = leaves its group, None =
        stays).

        A new group begins with the plan of the first screen that joins. Raises UsageError for odd names and values."""
        for name in filter(None, (screen, group)):
            if not SCREEN.fullmatch(name):
                raise UsageError("屏幕名和组名须为 1–32 位小写字母、数字或 -", where=name[:40])
        with app_db.writing(self.file) as connection:
            before = _find(connection, screen)
            if group is not None:
                connection.execute("DELETE FROM wall_group WHERE screen=?", (screen,))
                if group:
                    connection.execute("INSERT INTO wall_group VALUES (?,?)", (screen, group))
            stored = _find(connection, screen)
            plan = before.plan if stored.seq == 0 else stored.plan
            stored = _keep(connection, stored, plan=revised(plan, **changes))
            words = " ".join(f"{name}={value}" for name, value in changes.items())
            subject = f"{screen} {stored.target}"
            audit.append(connection, "screen_configured", who=by, subject=subject, detail=words[:200])
        return stored

    def plan(self, screen: str) -> ScreenState:
        """The row of the screen's target as it is kept, without looking at alarms."""
        with app_db.reading(self.file) as connection:
            return _find(connection, screen)

    def screens(self) -> dict[str, str]:
        """Every screen that is registered, grouped, directed or ever reported → its group, "" for none; by name."""
        with app_db.reading(self.file) as connection:
            grouped = {row["screen"]: row["name"] for row in connection.execute("SELECT screen, name FROM wall_group")}
            names = {row["screen"] for row in connection.execute("SELECT screen FROM devices WHERE revoked_at IS NULL")}
            names |= {
                row["target"]
                for row in connection.execute("SELECT target FROM wall_direction WHERE target NOT LIKE 'group:%'")
            }
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name='wall_heartbeat'").fetchone():
                names |= {row["screen"] for row in connection.execute("SELECT screen FROM wall_heartbeat")}
        return {name: grouped.get(name, "") for name in sorted(names | set(grouped))}


def _find(connection: sqlite3.Connection, screen: str) -> ScreenState:
    row = connection.execute(
        """SELECT coalesce('group:' || g.name, s.screen) AS goal, d.* FROM (SELECT ? AS screen) s LEFT JOIN wall_group g ON g.screen = s.screen
        LEFT JOIN wall_direction d ON d.target = coalesce('group:' || g.name, s.screen)""",
        (screen,),
    ).fetchone()
    if row["seq"] is None:
        return ScreenState(row["goal"])
    return ScreenState(
        row["goal"], row["seq"], _plan(row["plan"]), _course(row["course"]), row["who"], row["verb"], row["at"]
    )


def _keep(connection: sqlite3.Connection, state: ScreenState, **changes: Any) -> ScreenState:
    """Stores the row under the next seq of all targets, so that a screen that changes its group never hears a smaller
    one."""
    seq = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM wall_direction").fetchone()[0]
    made = dataclasses.replace(state, seq=seq, **changes)
    plan, course = json.dumps(dataclasses.asdict(made.plan)), json.dumps(dataclasses.asdict(made.course))
    connection.execute(
        "INSERT OR REPLACE INTO wall_direction VALUES (?,?,?,?,?,?,?)",
        (made.target, seq, plan, course, made.who, made.verb, made.at),
    )
    return made


def _plan(text: str) -> Plan:
    """A stored plan; scenes that a later release no longer has are left out."""
    facts = json.loads(text)
    scenes = tuple(s for s in facts["scenes"] if s in SCENES) or SCENES
    return Plan(**{**facts, "scenes": scenes})


def _course(text: str) -> Course:
    facts = json.loads(text)
    hold, mark, urgent = facts["hold"], facts["highlight"], facts["urgent"]
    known = hold is not None and hold["scene"] in SCENES
    return Course(
        facts["since"],
        Hold(**hold) if known else None,
        facts["before"],
        tuple(mark) if mark else None,
        Interruption(**urgent) if urgent else None,
    )
