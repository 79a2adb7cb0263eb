"""编辑 → 审核 → 签发: who has done what to a printed report, and which number it was issued under. Owns the two tables and
the rules; prints nothing.

A report is printed as 送审稿. An editor (业务) writes 按语 and distribution, somebody else reviews it, a leader signs.
Nobody reviews what they have edited or signs what they have reviewed. An edit after the review asks for a new one. The
signature gives the number and the date and freezes the snapshot: the signed paper is printed from the generation that
was reviewed. Steps are only added; a period is signed once."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from cockpit.identity import rights
from cockpit.identity.sessions import Viewer
from cockpit.presentation import format as fmt
from cockpit.report import archive, proofreading
from cockpit.report.bulletin import Imprint, numbered
from cockpit.store import app_db, audit
from warehouse.core import request_queue
from warehouse.core.errors import PageMissing, Refused, UsageError
from warehouse.core.redaction import blot, in_line
from warehouse.core.settings import Bulletin, Settings
from warehouse.core.units import SHANGHAI, now

STATES = {"draft": "草稿", "review": "送审稿", "reviewed": "已审核", "signed": "已签发"}
STEPS = {"edit": "编辑", "review": "审核", "back": "退回", "sign": "签发"}
RIGHTS = {"edit": "issues_edited", "review": "issues_reviewed", "back": "issues_reviewed", "sign": "issues_signed"}
FROM = {"edit": ("review", "reviewed"), "review": ("review",), "back": ("review", "reviewed"), "sign": ("reviewed",)}
"""Step → states from which it may be taken."""
AFTER = {"edit": "review", "review": "reviewed", "back": "review", "sign": "signed"}
LONGEST_NOTE, LONGEST_LINE, MOST_COPIES = 100, 60, 9999
RULE = "settings"
"""Who signs where zhengbei.toml names a signer: no account."""


class Wording(msgspec.Struct, frozen=True):
    """What an editor adds. note: 按语; report_to, send_to, issue_to: 报, 送, 发; copies: 0 = not printed."""

    note: str = ""
    report_to: str = ""
    send_to: str = ""
    issue_to: str = ""
    copies: int = 0


@dataclass(frozen=True)
class Step:
    """One line of a history. at: aware, Asia/Shanghai; who: account; words: the reason of a return, the wording of an
    edit as JSON."""

    at: dt.datetime
    who: str
    step: str
    words: str


@dataclass(frozen=True)
class Number:
    """Under which number a report was issued. number: of its kind in the year of the signature; total: of its kind."""

    number: int
    total: int
    signed_on: dt.date


@dataclass(frozen=True)
class Issue:
    """How a printed report stands."""

    report: str
    is_draft: bool
    wording: Wording
    steps: tuple[Step, ...]
    number: Number | None

    @property
    def state(self) -> str:
        """A key of STATES: what the last step says; draft while its data are incomplete."""
        if self.is_draft:
            return "draft"
        return AFTER[self.steps[-1].step] if self.steps else "review"

    def by(self, step: str) -> tuple[str, ...]:
        """Who has taken that step, in order; of a review the ones that still hold."""
        return tuple(dict.fromkeys(one.who for one in self.steps if one.step == step))

    @property
    def reviewer(self) -> str:
        """Who reviewed it last, "" where the review does not stand."""
        standing = self.state in ("reviewed", "signed")
        return next((one.who for one in reversed(self.steps) if one.step == "review"), "") if standing else ""


def one(settings: Settings, report: str) -> Issue:
    """How a report of the archive stands. Raises DataMissing when there is none of that name."""
    return of(settings, [archive.one(settings, report)])[0]


def of(settings: Settings, listed: Sequence[archive.Facts]) -> list[Issue]:
    """How the reports of these facts stand, in their order."""
    with app_db.reading(settings.state) as connection:
        return [_read(connection, settings.options.bulletin, facts) for facts in listed]


def why_not(viewer: Viewer, step: str, issue: Issue) -> str:
    """Why this person may not take that step with this report, in words; "" when they may."""
    if not rights.may(viewer, RIGHTS[step]):
        return f"{STEPS[step]}由{rights.holders(RIGHTS[step])}岗位办理"
    if issue.is_draft:
        return "数据不全的草稿不能编辑、审核和签发，补齐后系统会打印送审稿"
    if issue.state not in FROM[step]:
        return f"{STATES[issue.state]}不能{STEPS[step]}"
    if step == "review" and viewer.user in issue.by("edit"):
        return "自己编辑过的，请由另一人审核"
    if step == "sign" and viewer.user == issue.reviewer:
        return "自己审核过的，请由另一人签发"
    return ""


def take(
    settings: Settings,
    viewer: Viewer,
    report: str,
    step: str,
    *,
    wording: Wording | None = None,
    words: str = "",
    ip: str = "",
    at: dt.datetime | None = None,
) -> Issue:
    """One step more, written down in the audit log too; a signature also gives the number and asks the loader to print
    the signed paper. wording: of an edit; words: the reason of a return.

    Raises Refused for who may not, UsageError for a step that does not follow from how the report stands (somebody may
    have been faster), a return without a reason, words that are too long and a period that is signed already."""
    facts, moment = archive.one(settings, report), at or now()
    if step not in STEPS or "stage" not in facts or facts["stage"] == "signed":
        raise PageMissing()
    text = _words(step, wording, words)
    with app_db.writing(settings.state) as connection:
        issue = _read(connection, settings.options.bulletin, facts)
        if reason := why_not(viewer, step, issue):
            if not rights.may(viewer, RIGHTS[step]):
                raise Refused(reason, where=report)
            raise UsageError(reason, where=archive.title(facts), to_do="请刷新后再看，可能已由他人办理")
        _append(connection, report, viewer.user, step, text, moment, ip)
        if step == "sign":
            _number(connection, facts, moment)
            request_queue.add(
                connection, "report", {"at": archive.period(facts), "sign": report}, viewer.user, at=moment.timestamp()
            )
        return _read(connection, settings.options.bulletin, facts)


def sign_by_rule(settings: Settings, facts: archive.Facts, at: dt.datetime) -> Issue | None:
    """The signature that zhengbei.toml gives at once, in the name of its `signer`; None where it names none, the report
    is a draft, or its period is signed already."""
    if not settings.options.bulletin.signer or facts["draft"] or facts.get("stage") != "review":
        return None
    with app_db.writing(settings.state) as connection:
        if connection.execute("SELECT 1 FROM signing_number WHERE period = ?", (archive.period(facts),)).fetchone():
            return None
        _append(connection, facts["name"], RULE, "sign", "", at, "")
        _number(connection, facts, at)
        return _read(connection, settings.options.bulletin, facts)


def imprint(settings: Settings, issue: Issue, shown: Callable[[str], str]) -> Imprint:
    """What stands in the letterhead and at the foot. shown: the name that a reader is shown of an account."""
    text, number = issue.wording, issue.number
    hands = {"编辑": issue.by("edit")[-1:], "审核": (issue.reviewer,), "签发": issue.by("sign")[-1:]}
    by_rule = settings.options.bulletin.signer
    named = {
        role: "、".join(by_rule if who == RULE else shown(who) for who in people if who)
        for role, people in hands.items()
    }
    return Imprint(
        issue=called(issue) or STATES["review"],
        date=fmt.date_words(number.signed_on, year=True) if number else "",
        is_signed=number is not None,
        note=text.note,
        to={"报": text.report_to, "送": text.send_to, "发": text.issue_to},
        copies=text.copies,
        hands={role: name for role, name in named.items() if name} if number else {},
    )


def called(issue: Issue) -> str:
    """第 12 期（总第 58 期）, "" before the signature."""
    return numbered(issue.number.number, issue.number.total) if issue.number else ""


def reason(step: Step) -> str:
    """Why somebody returned a report, "" for any other step."""
    return step.words if step.step == "back" else ""


def plain(options: Bulletin) -> Imprint:
    """The same of a report that nobody has touched yet."""
    to = {"报": options.report_to, "送": options.send_to, "发": options.issue_to}
    return Imprint(to=to, copies=options.copies)


def _words(step: str, wording: Wording | None, words: str) -> str:
    if step == "edit":
        return msgspec.json.encode(_checked(wording or Wording())).decode()
    reason = in_line(words)
    if step == "back" and not reason:
        raise UsageError("没有填写退回的原因", to_do=f"请写明原因，最多 {LONGEST_NOTE} 字")
    if len(reason) > LONGEST_NOTE:
        raise UsageError(f"退回的原因有 {len(reason)} 字，超过 {LONGEST_NOTE} 字", to_do="请写得短一些")
    return reason


def _checked(given: Wording) -> Wording:
    """In one line each, personal numbers blotted out. Raises UsageError for what is too long."""
    made = Wording(
        note=blot(in_line(given.note)),
        report_to=blot(in_line(given.report_to)),
        send_to=blot(in_line(given.send_to)),
        issue_to=blot(in_line(given.issue_to)),
        copies=given.copies,
    )
    limits = (
        ("按语", made.note, LONGEST_NOTE),
        ("报", made.report_to, LONGEST_LINE),
        ("送", made.send_to, LONGEST_LINE),
    )
    for name, text, most in (*limits, ("发", made.issue_to, LONGEST_LINE)):
        if len(text) > most:
            raise UsageError(f"{name}有 {len(text)} 字，超过 {most} 字", to_do="请写得短一些")
        if wrong := proofreading.of_sentence(text):
            raise UsageError(f"{name}不合行文规则，{wrong[0]}", to_do="请改正后再保存；印出来的报告都按这些规则校对")
    if not 0 <= made.copies <= MOST_COPIES:
        raise UsageError(f"份数须为 0–{MOST_COPIES}", where=str(made.copies), to_do="请改正后重试，0 为不印")
    return made


def _append(
    connection: sqlite3.Connection, report: str, who: str, step: str, words: str, at: dt.datetime, ip: str
) -> None:
    connection.execute(
        "INSERT INTO signing_step (report, at, who, step, words) VALUES (?,?,?,?,?)",
        (report, at.timestamp(), who, step, words),
    )
    audit.append(connection, f"report_{step}", who=who, ip=ip, subject=report)


def _number(connection: sqlite3.Connection, facts: archive.Facts, at: dt.datetime) -> None:
    """Gives the next number of the kind in the year of the signature. Raises UsageError where the period has one."""
    kind, day, period = archive.window(facts), at.astimezone(SHANGHAI).date(), archive.period(facts)
    if connection.execute("SELECT 1 FROM signing_number WHERE period = ?", (period,)).fetchone():
        raise UsageError("本期已经签发", where=period, to_do="一期只签发一次；其后的更正写入下一期的数据修订")
    row = connection.execute(
        "SELECT (SELECT coalesce(max(number), 0) + 1 FROM signing_number WHERE kind = :kind AND year = :year) AS number,"
        " (SELECT coalesce(max(total), 0) + 1 FROM signing_number WHERE kind = :kind) AS total",
        {"kind": kind, "year": day.year},
    ).fetchone()
    connection.execute(
        "INSERT INTO signing_number (period, report, kind, year, number, total, signed_on) VALUES (?,?,?,?,?,?,?)",
        (period, facts["name"], kind, day.year, row["number"], row["total"], day.isoformat()),
    )


def _read(connection: sqlite3.Connection, options: Bulletin, facts: archive.Facts) -> Issue:
    report = facts["name"]
    steps = tuple(
        Step(dt.datetime.fromtimestamp(row["at"], SHANGHAI), row["who"], row["step"], row["words"])
        for row in connection.execute("SELECT * FROM signing_step WHERE report = ? ORDER BY seq", (report,))
    )
    edits = [step.words for step in steps if step.step == "edit"]
    usual = Wording("", options.report_to, options.send_to, options.issue_to, options.copies)
    row = connection.execute("SELECT * FROM signing_number WHERE report = ?", (report,)).fetchone()
    number = Number(row["number"], row["total"], dt.date.fromisoformat(row["signed_on"])) if row else None
    return Issue(
        report, facts["draft"], msgspec.json.decode(edits[-1], type=Wording) if edits else usual, steps, number
    )
