"""The first two pages: what they say is what the readings say, and it fits."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from cockpit.casework import task_store
from cockpit.casework.task_store import Subject
from cockpit.identity.sessions import Viewer
from cockpit.presentation import format as fmt
from cockpit.report import bulletin, content
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

WEEK, DAYS = "2026-W47", (dt.date(2026, 11, 16), dt.date(2026, 11, 22))


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


def test_each_need_has_its_number_its_cause_its_owner_and_its_date(book: Snapshot) -> None:
    issue = content.build(book, WEEK)
    needs = issue.context["lead"]["needs"]
    pressing = [row for row in issue.context["attention"] if row["judgement"]]
    assert 1 <= len(needs) <= bulletin.MOST_NEEDS
    for text, row in zip(needs, pressing, strict=False):
        assert text.startswith(fmt.tight(f"{row['label']}{row['period']}{row['shown']}")), text
        assert re.search(r"未达标|未到建议值", text) and row["owner"] in text and text.endswith("前反馈。"), text
    left = len(pressing) - len(needs)
    assert (f"另有{left}项" in issue.context["lead"]["more"]) == bool(left)


def test_what_stands_under_supervision_names_its_task_and_date(book: Snapshot, tmp_path: Path) -> None:
    file, leader = Settings(tmp_path).state, Viewer("person", "wang", "leader", scope=Scope.ALL)
    first = next(row for row in content.build(book, WEEK).context["attention"] if row["judgement"])
    about = Subject(first["metric"], f"{first['label']} · 第 46 周", "/m", "g", "330110")
    made = dt.datetime(2026, 11, 12, 9, tzinfo=SHANGHAI)
    for due in (dt.date(2026, 11, 30), dt.date(2026, 11, 20)):
        task_store.make(file, leader, "查", "安全监督科", due, about, at=made)
    lead = content.build(book, WEEK, task_store.for_week(file, *DAYS)).context["lead"]
    assert lead["needs"][0].endswith("已交安全监督科督办（第2号），已逾期2天。")
    assert (
        lead["settled"][0]
        == "上期及以前交办、本周仍在办理的2件中，办结0件，在办2件，其中逾期1件。本周没有新交办的事项。"
    )
    assert content.build(book, WEEK).context["lead"]["settled"] == [], "no word of what is not kept here"


def test_the_pages_never_hold_more_than_they_have_room_for(book: Snapshot) -> None:
    plain = content.build(book, WEEK).context["lead"]
    full = content.build(book, WEEK, imprint=bulletin.Imprint(note="字" * 150)).context["lead"]
    assert 1 <= len(full["needs"]) < len(plain["needs"]) and full["points"] == plain["points"][: len(full["points"])]
    for lead, note in ((plain, 0), (full, bulletin.lines("按语：" + "字" * 150) + 1)):
        used = sum(
            bulletin.lines(text) for text in [*bulletin.prose(lead), *bulletin.ANNEXES, *("标题" for _ in range(3))]
        )
        assert used + note + bool(lead["more"]) <= bulletin.MOST_LINES
    assert bulletin.lines("字" * 26) == 2 and bulletin.lines("字" * 25) == 1 and bulletin.lines("") == 1


def test_prose_has_no_blanks_and_its_dates_are_in_words(book: Snapshot) -> None:
    for at in (WEEK, "2026-10", "2026-Q4"):
        lead = content.build(book, at).context["lead"]
        for text in [lead["title"], *bulletin.prose(lead)]:
            assert " " not in text.replace(" / ", ""), text
    assert content.build(book, WEEK).context["lead"]["title"] == "2026年第47周（11月16日至22日）运行情况"
    assert fmt.period_words("week", dt.date(2026, 11, 30), dt.date(2026, 12, 6)) == "2026年第49周（11月30日至12月6日）"
    assert fmt.period_words("month", dt.date(2026, 10, 1), dt.date(2026, 10, 31)) == "2026年10月"
    assert fmt.tight("升 0.8 个百分点，目标 ≥ 92%，3 / 5") == "升0.8个百分点，目标≥92%，3 / 5"
