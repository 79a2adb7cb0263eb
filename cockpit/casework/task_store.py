"""督办: tasks that a number or a record gave rise to. Owns their facts and their history in state.sqlite, and who may
do which step.

A task is what was asked for once and never changes; all that happens to it afterwards is a step with who and when.
Steps are only added (the file itself refuses a change), and how a task stands is always told from them, so any past
evening can be told again."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cockpit.identity import rights
from cockpit.identity.sessions import Viewer
from cockpit.store import app_db, audit
from warehouse.core.errors import PageMissing, Refused, UsageError
from warehouse.core.redaction import blot, in_line
from warehouse.core.units import SHANGHAI, now

LONGEST, LONGEST_PERSON = 200, 40
STEPS = {"open": "交办", "take": "接办", "note": "进展", "withdraw": "撤回", "close": "办结", "reopen": "重新交办"}
RIGHTS = {
    "open": "tasks",
    "take": "tasks",
    "note": "tasks",
    "withdraw": "tasks",
    "close": "tasks_closed",
    "reopen": "tasks_closed",
}
"""Step → right. Who closes a task is who answers for it: a leader. Only who made a task withdraws it."""
FROM = {
    "take": ("open",),
    "note": ("open", "taken"),
    "withdraw": ("open", "taken"),
    "close": ("open", "taken"),
    "reopen": ("closed",),
}
"""Step → states from which it may be taken."""
AFTER = {"open": "open", "take": "taken", "withdraw": "withdrawn", "close": "closed", "reopen": "open"}
STATES = {"open": "待接办", "taken": "督办中", "closed": "已办结", "withdrawn": "已撤回"}
STANDING = ("open", "taken")
"""States of a task that somebody still has to see to."""


@dataclass(frozen=True)
class Subject:
    """What a task is about. key: the metric's id, or the path of a record ("/alarm/…"). place: code, "" for a record.
    href: the page of exactly that number, with its generation. period: the `at` word, "" for a record. label: what a
    person reads."""

    key: str
    label: str
    href: str
    generation: str
    place: str = ""
    period: str = ""

    @property
    def is_metric(self) -> bool:
        return not self.key.startswith("/")


@dataclass(frozen=True)
class Step:
    """One line of a history. at: aware, Asia/Shanghai. who: account name."""

    at: dt.datetime
    who: str
    step: str
    words: str


@dataclass(frozen=True)
class Task:
    """A task and its history, oldest step first; the first one is its making. person: who in the office answers for it, ""
    where nobody is named."""

    id: int
    what: str
    office: str
    due: dt.date
    subject: Subject
    steps: tuple[Step, ...]
    person: str = ""

    @property
    def state(self) -> str:
        """open, taken, closed or withdrawn: what the last step that changes it says."""
        return next(AFTER[one.step] for one in reversed(self.steps) if one.step in AFTER)

    @property
    def is_closed(self) -> bool:
        return self.state == "closed"

    @property
    def is_standing(self) -> bool:
        """Neither closed nor withdrawn."""
        return self.state in STANDING

    def late(self, today: dt.date) -> int:
        """Days over the due date, 0 when not (a due date of today is not late), closed or withdrawn."""
        return 0 if not self.is_standing else max(0, (today - self.due).days)


@dataclass(frozen=True)
class Week:
    """What happened between two days. opened, closed: tasks made, and tasks closed and still so at the end; standing:
    neither closed nor withdrawn at the end of the last day; overdue: those of them whose due date was before that day's end, the longest
    first."""

    opened: tuple[Task, ...]
    closed: tuple[Task, ...]
    standing: tuple[Task, ...]
    overdue: tuple[Task, ...]


def may(viewer: Viewer, step: str, task: Task | None = None) -> bool:
    """True when the person's role may do this step; with a task, when the person may do it to this one."""
    is_ours = step != "withdraw" or task is None or task.steps[0].who == viewer.user
    return step in RIGHTS and rights.may(viewer, RIGHTS[step]) and is_ours


def make(
    path: Path,
    viewer: Viewer,
    what: str,
    office: str,
    due: dt.date,
    subject: Subject,
    *,
    person: str = "",
    ip: str = "",
    at: dt.datetime | None = None,
) -> int:
    """A new task; returns its number. person: who in the office answers for it, "" = nobody by name. Personal numbers in the words are blotted out. Raises Refused without the role,
    UsageError for words that are empty or too long, or a due date in the past."""
    _allowed(viewer, "open")
    moment = at or now()
    words, named = _words(what, "要办的事"), in_line(person)
    if len(named) > LONGEST_PERSON:
        raise UsageError(f"责任人有 {len(named)} 字，超过 {LONGEST_PERSON} 字", to_do="请只写姓名")
    if due < moment.astimezone(SHANGHAI).date():
        raise UsageError(f"办结期限 {due} 已经过去", to_do="请选择今天或以后的日期")
    with app_db.writing(path) as connection:
        made = connection.execute(
            "INSERT INTO supervision (what, office, due, subject, label, place, href, period, generation, person) VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                words,
                office,
                due.isoformat(),
                subject.key,
                blot(subject.label),
                subject.place,
                subject.href,
                subject.period,
                subject.generation,
                blot(named),
            ),
        )
        number = int(made.lastrowid or 0)
        _append(connection, number, viewer, "open", "", moment, ip)
    return number


def step(
    path: Path, viewer: Viewer, number: int, kind: str, words: str = "", *, ip: str = "", at: dt.datetime | None = None
) -> None:
    """One step more. Progress, a result, a reason to withdraw and one to reopen need words. Raises Refused without the role and for who
    would withdraw what another has made, PageMissing for an unknown task, UsageError for a step that does not follow from how the task stands (somebody may have been
    faster)."""
    _allowed(viewer, kind)
    if kind not in FROM:
        raise PageMissing()
    stated = _words(words, STEPS[kind]) if kind != "take" else ""
    with app_db.writing(path) as connection:
        found = _read(connection, "WHERE id = ?", (number,))
        if not found:
            raise PageMissing()
        if not may(viewer, kind, found[0]):
            raise Refused("只有交办人可以撤回", where=f"督办 {number}", to_do="请联系交办人，或由领导办结")
        if found[0].state not in FROM[kind]:
            raise UsageError(
                f"{STATES[found[0].state]}的任务不能{STEPS[kind]}",
                where=f"督办 {number}",
                to_do="请刷新后再看，可能已由他人办理",
            )
        _append(connection, number, viewer, kind, stated, at or now(), ip)


def every(path: Path) -> list[Task]:
    """All tasks, newest first."""
    with app_db.reading(path) as connection:
        return _read(connection, "ORDER BY id DESC", ())


def find(path: Path, number: int) -> Task | None:
    """The task of that number, None when there is none."""
    with app_db.reading(path) as connection:
        return next(iter(_read(connection, "WHERE id = ?", (number,))), None)


def standing(path: Path) -> tuple[Task, ...]:
    """The tasks that are neither closed nor withdrawn, newest first."""
    return tuple(task for task in every(path) if task.is_standing)


def about(path: Path, key: str, place: str | None = None) -> list[Task]:
    """The tasks of a metric or record, newest first; place: only those of that place, None = of any."""
    with app_db.reading(path) as connection:
        return _read(connection, "WHERE subject = ? AND (? IS NULL OR place = ?) ORDER BY id DESC", (key, place, place))


def for_week(path: Path, start: dt.date, end: dt.date) -> Week:
    """What happened from `start` to `end` (both inclusive, days of Asia/Shanghai), and how it stood at the end of
    `end`. Told from the history, so a week gives the same answer however much later it is asked."""
    tasks = [past for past in (as_of(task, end) for task in every(path)) if past is not None]
    opened = tuple(task for task in tasks if start <= task.steps[0].at.date())
    closed = tuple(
        task
        for task in tasks
        if task.is_closed and start <= next(one.at.date() for one in reversed(task.steps) if one.step == "close")
    )
    left = tuple(task for task in tasks if task.is_standing)
    return Week(opened, closed, left, overdue(left, end))


def as_of(task: Task, day: dt.date) -> Task | None:
    """The task as it stood at the end of a day, None when it was not made yet."""
    steps = tuple(one for one in task.steps if one.at.date() <= day)
    return replace(task, steps=steps) if steps else None


def about_what(task: Task) -> str:
    """What a task is about, fit for a wall and for paper: the metric, or the kind of record. Never its words or a
    record's own name."""
    return task.subject.label.split(" · ")[0] if task.subject.is_metric else f"{task.subject.label.split(' ')[0]}一件"


def overdue(tasks: Sequence[Task], today: dt.date) -> tuple[Task, ...]:
    """Those over their date, the longest first."""
    return tuple(sorted((task for task in tasks if task.late(today)), key=lambda task: (-task.late(today), task.id)))


def _allowed(viewer: Viewer, kind: str) -> None:
    if not may(viewer, kind):
        raise Refused(
            f"当前角色不能{STEPS.get(kind, '办理')}",
            to_do=f"交办、接办和填报进展由{rights.holders('tasks')}岗位办理，办结由{rights.holders('tasks_closed')}确认",
        )


def _words(text: str, name: str) -> str:
    """One line of plain text, personal numbers blotted out."""
    plain = in_line(text)
    if not plain:
        raise UsageError(f"没有填写{name}", to_do=f"请写明{name}，最多 {LONGEST} 字")
    if len(plain) > LONGEST:
        raise UsageError(f"{name}有 {len(plain)} 字，超过 {LONGEST} 字", to_do="请写得短一些")
    return plain


def _append(
    connection: sqlite3.Connection, number: int, viewer: Viewer, kind: str, words: str, at: dt.datetime, ip: str
) -> None:
    connection.execute(
        "INSERT INTO supervision_step (task, at, who, step, words) VALUES (?,?,?,?,?)",
        (number, at.timestamp(), viewer.user, kind, words),
    )
    audit.append(connection, f"supervision_{kind}", who=viewer.user, ip=ip, subject=f"督办 {number}")


def _read(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Task]:
    rows = connection.execute(f"SELECT * FROM supervision {where}", values).fetchall()
    steps: dict[int, list[Step]] = {row["id"]: [] for row in rows}
    for one in connection.execute("SELECT * FROM supervision_step ORDER BY seq"):
        if one["task"] in steps:
            steps[one["task"]].append(
                Step(dt.datetime.fromtimestamp(one["at"], SHANGHAI), one["who"], one["step"], one["words"])
            )
    return [
        Task(
            row["id"],
            row["what"],
            row["office"],
            dt.date.fromisoformat(row["due"]),
            Subject(row["subject"], row["label"], row["href"], row["generation"], row["place"], row["period"]),
            tuple(steps[row["id"]]),
            row["person"],
        )
        for row in rows
    ]
