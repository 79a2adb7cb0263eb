"""批注: written beside a trend once, taken back but never lost, told on a snapshot as it stood then, marked on the
chart and listed under it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from flask.testing import FlaskClient

from cockpit.casework import notes
from cockpit.identity.sessions import Viewer
from cockpit.presentation.charts import trend
from cockpit.store import app_db, audit
from tests.cockpit.signing_in import SAME_ORIGIN, said
from warehouse.compile.reading import DISTRICT, Point
from warehouse.core.errors import PageMissing, Refused, UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot

CLERK, OTHER, KEEPER, LEADER = (
    Viewer("person", "li", "analyst", scope=Scope.ALL),
    Viewer("person", "zhao", "analyst", scope=Scope.ALL),
    Viewer("person", "root", "admin", scope=Scope.ALL),
    Viewer("person", "wang", "leader", scope=Scope.ALL),
)
METRIC, PAGE = "fleet_online_rate", "/metric/fleet_online_rate"
DAY = dt.date(2026, 11, 18)


def on(day: int, hour: int = 9) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, tzinfo=SHANGHAI)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def data(pictured: Path) -> Path:
    return pictured


def ask(client: FlaskClient, path: str, **values: str) -> Any:
    return client.post(
        path,
        data={
            "subject": f"{PAGE}?window=day",
            "next": f"{PAGE}?window=day#metric-notes",
            "first": "2026-11-18",
            "words": "平台升级",
            **values,
        },
        headers=SAME_ORIGIN,
    )


def written(
    file: Path,
    words: str,
    viewer: Viewer = CLERK,
    at: dt.datetime | None = None,
    place: str = DISTRICT,
    first: dt.date = DAY,
    last: dt.date = DAY,
) -> int:
    return notes.add(file, viewer, METRIC, place, first, last, words, at=at or on(20))


def test_a_note_is_kept_as_it_was_written_and_its_withdrawal_beside_it(file: Path) -> None:
    number = written(file, "平台  升级，电话 13800138000", at=on(19))
    late = written(file, "后一条", first=dt.date(2026, 11, 1), at=on(20))
    notes.withdraw(file, KEEPER, number, at=on(21))
    [other, gone] = notes.beside(file, METRIC, DISTRICT, Scope.ALL)
    assert (other.id, gone.id) == (late, number), "earliest days first"
    assert "13800138000" not in gone.words and gone.words.startswith("平台 升级") and gone.withdrawn == ("root", on(21))
    assert [gone.stood(moment) for moment in (on(18), on(19), on(20), on(21), on(22))] == [
        False,
        True,
        True,
        False,
        False,
    ]
    with app_db.reading(file) as connection:
        for sql in (
            "UPDATE note SET words = 'x'",
            "DELETE FROM note",
            "DELETE FROM note_withdrawn",
            "UPDATE note_withdrawn SET who = 'x'",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(sql)
        assert [row["event"] for row in connection.execute("SELECT event FROM audit ORDER BY seq")] == [
            "note_add",
            "note_add",
            "note_withdraw",
        ]
    assert audit.verify(file).faults == ()


def test_who_may_write_and_who_may_take_back(file: Path) -> None:
    for viewer in (
        LEADER,
        Viewer("person", "shen", "auditor", scope=Scope.ALL),
        Viewer("device", "screen:1", "admin", scope=Scope.ALL),
    ):
        with pytest.raises(Refused):
            written(file, "字", viewer)
    number = written(file, "甲")
    for viewer in (OTHER, LEADER, Viewer("device", "li", "analyst", scope=Scope.ALL)):
        with pytest.raises(Refused):
            notes.withdraw(file, viewer, number)
    notes.withdraw(file, CLERK, number)
    with pytest.raises(UsageError, match="已经撤回"):
        notes.withdraw(file, KEEPER, number)
    with pytest.raises(PageMissing):
        notes.withdraw(file, KEEPER, 99)


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("", DAY, DAY),
        (" \n ", DAY, DAY),
        ("长" * 121, DAY, DAY),
        ("倒置", DAY, DAY - dt.timedelta(days=1)),
        ("太久", DAY - dt.timedelta(days=366), DAY),
        ("将来", DAY, dt.date(2026, 11, 21)),
    ],
)
def test_words_and_days_that_do_not_fit_are_refused(file: Path, words: str, first: dt.date, last: dt.date) -> None:
    with pytest.raises(UsageError):
        written(file, words, first=first, last=last)
    assert notes.beside(file, METRIC, DISTRICT, Scope.ALL) == []


def test_the_longest_note_and_the_longest_range_are_kept(file: Path) -> None:
    written(file, "长" * 120, first=DAY - dt.timedelta(days=365))
    assert len(notes.beside(file, METRIC, DISTRICT, Scope.ALL)[0].words) == 120


def points(days: int) -> list[Point]:
    start = dt.date(2026, 11, 10)
    return [
        Point(start + dt.timedelta(days=n), start + dt.timedelta(days=n), 0.9 + n / 100, 9, 10, "ok")
        for n in range(days)
    ]


def test_the_chart_marks_the_steps_of_a_note_and_reads_its_words_as_words() -> None:
    inside = trend.Remark(
        dt.date(2026, 11, 11), dt.date(2026, 11, 13), "整治 <b>超速</b> %{x}", "li · 2026-11-20 09:00"
    )
    before = trend.Remark(dt.date(2026, 10, 1), dt.date(2026, 10, 2), "早先", "li")
    chart = go.Figure(trend.figure(points(6), window="day", unit="ratio", remarks=[before, inside, inside]))
    marks = [trace for trace in chart.data if trace.name == "批注"]
    assert [list(trace.x) for trace in marks] == [[1, 2, 3], [1, 2, 3]], "what lies outside takes no mark and no letter"
    assert list(marks[0].marker.size) == [trend.MARK_SIZE, 0, trend.MARK_SIZE]
    assert (
        "<b>超速" not in marks[0].customdata[0]
        and "&lt;b&gt;超速" in marks[0].customdata[0]
        and "%{x}" not in marks[0].hovertemplate
    )
    assert marks[0].customdata[0].startswith("Ⓐ ") and "li · 2026-11-20 09:00" in marks[0].customdata[0]
    assert [note.text for note in chart.layout.annotations if "Ⓐ" in note.text] == ["ⒶⒷ"], (
        "two of one step stand side by side"
    )
    assert not [
        trace
        for trace in go.Figure(trend.figure([], window="day", unit="ratio", remarks=[inside])).data
        if trace.name == "批注"
    ]


def test_from_the_form_to_the_chart_and_back(as_role: Callable[[str], FlaskClient], data: Path) -> None:
    clerk = as_role("analyst")
    assert "添加批注" in said(clerk, PAGE, "?window=day")
    answer = ask(clerk, "/notes/add", last="2026-11-19")
    assert answer.status_code == 303 and answer.headers["Location"] == f"{PAGE}?window=day#metric-notes"
    page = said(clerk, PAGE, "?window=day")
    assert (
        '"name": "批注"' in page
        and "2026-11-18 至 2026-11-19" in page
        and "平台升级" in page
        and "张** · " in page
        and "/notes/1/withdraw" in page
    )
    leader = as_role("leader")
    page = said(leader, PAGE, "?window=day")
    assert "平台升级" in page and "添加批注" not in page and "/notes/1/withdraw" not in page
    assert ask(leader, "/notes/1/withdraw").status_code == 403
    assert ask(as_role("admin"), "/notes/1/withdraw").status_code == 303
    assert "平台升级" not in said(leader, PAGE, "?window=day")
    page = said(clerk, PAGE, "?window=day")
    assert "已撤回 1 条" in page and "张** 于 " in page and '"name": "批注"' not in page


def test_a_note_of_the_district_stands_at_every_town_and_one_of_a_town_only_there(
    as_role: Callable[[str], FlaskClient], data: Path, book: Snapshot
) -> None:
    file, (here, there) = Settings(data).state, [place.code for place in book.places("town")[:2]]
    written(file, "全区的一条")
    written(file, "一个镇的", place=here)
    leader = as_role("leader")
    assert "全区的一条" in said(leader, PAGE) and "一个镇的" not in said(leader, PAGE)
    assert "全区的一条" in (page := said(leader, PAGE, f"?place={here}")) and "一个镇的" in page and "全区 · " in page
    assert "全区的一条" in (page := said(leader, PAGE, f"?place={there}")) and "一个镇的" not in page
    assert "全区的一条" not in said(leader, "/metric/fleet_vehicle_cnt")


def test_a_snapshot_shows_the_notes_of_its_time_and_takes_none(
    as_role: Callable[[str], FlaskClient], data: Path, book: Snapshot
) -> None:
    file, built = Settings(data).state, book.generation.built_at
    hour = dt.timedelta(hours=1)
    gone = written(file, "当时在", at=built - 2 * hour)
    notes.withdraw(file, CLERK, written(file, "当时已撤", at=built - 2 * hour), at=built - hour)
    notes.withdraw(file, CLERK, gone, at=built + hour)
    written(file, "后来写的", at=built + hour)
    clerk = as_role("analyst")
    page = said(clerk, PAGE, f"?as_of={book.generation.id}")
    assert (
        "当时在" in page
        and "当时已撤" not in page
        and "后来写的" not in page
        and "添加批注" not in page
        and "/withdraw" not in page
    )
    page = said(clerk, PAGE)
    assert "后来写的" in page and "已撤回 2 条" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "/metric/no_such"},
        {"subject": "/town/330110001"},
        {"subject": f"{PAGE}?place=330110999"},
        {"subject": "//evil.example/"},
        {"first": "18/11"},
        {"first": ""},
        {"last": "2026-11-01"},
        {"first": "2099-01-01"},
        {"words": ""},
        {"words": "长" * 121},
    ],
)
def test_a_form_that_is_not_ours_writes_nothing(
    as_role: Callable[[str], FlaskClient], data: Path, changes: dict[str, str]
) -> None:
    assert ask(as_role("analyst"), "/notes/add", **changes).status_code in (400, 404)
    assert notes.beside(Settings(data).state, METRIC, DISTRICT, Scope.ALL) == []


def test_roles_hold_on_the_server_and_other_sites_write_nothing(
    as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    for role in ("leader", "auditor"):
        assert ask(as_role(role), "/notes/add").status_code == 403
    clerk = as_role("analyst")
    assert (
        clerk.post(
            "/notes/add",
            data={"subject": PAGE, "first": "2026-11-18", "words": "x"},
            headers={"Sec-Fetch-Site": "cross-site"},
        ).status_code
        == 403
    )
    assert ask(clerk, "/notes/99/withdraw").status_code == 404
    assert ask(clerk, "/notes/add", next="https://evil.example/").headers["Location"] == "/"
    with app_db.reading(Settings(data).state) as connection:
        assert [
            row["who"] for row in connection.execute("SELECT who FROM audit WHERE event = 'denied' ORDER BY seq")
        ] == ["user-leader", "user-auditor"]
