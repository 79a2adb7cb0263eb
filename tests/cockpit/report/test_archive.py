"""The archive: nothing in it is replaced, what is touched is found, who released and opened is known, and a number that
changed after it was printed is told as such."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cockpit.casework import task_store
from cockpit.casework.task_store import Subject
from cockpit.identity.sessions import Viewer
from cockpit.report import archive, changes, commands, content, poppler, release
from cockpit.store import audit
from cockpit.web import app
from etl.jobs import refresh
from etl.runtime.context import opened
from tests.cockpit.signing_in import sign_in
from tests.conftest import WORLD_NOW
from warehouse.catalog.metrics import metrics
from warehouse.core.errors import DataMissing, PrintFailed
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

needs_chromium = pytest.mark.browser
PDF = b"%PDF-1.7 made up for the archive"


def facts(week: str, generation: str, **figures: float | None) -> archive.Facts:
    stated = {
        name: {
            "label": name,
            "text": "—" if value is None else f"{value:g}",
            "value": value,
            "unit": "辆",
            "decimals": 0,
        }
        for name, value in figures.items()
    }
    import hashlib

    return {
        "name": f"{week}-{generation}",
        "window": "week",
        "at": week,
        "generation": generation,
        "period": f"{week} 期",
        "cutoff": "2026-11-23 06:00",
        "demo": True,
        "pages": 12,
        "printed_at": "2026-11-23T08:00:00+08:00",
        "bytes": len(PDF),
        "sha256": hashlib.sha256(PDF).hexdigest(),
        "draft": False,
        "missing": [],
        "figures": stated,
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(tmp_path / "data")
    made.reports.mkdir(parents=True)
    return made


@pytest.fixture
def put(settings: Settings, tmp_path: Path) -> Callable[..., archive.Facts]:
    def put_(told: archive.Facts, by: str = "li") -> archive.Facts:
        made = tmp_path / "report.pdf"
        made.write_bytes(PDF)
        return archive.keep(settings, made, told, by=by)

    return put_


def test_each_report_is_tied_to_the_one_before_and_the_first_print_stays(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    first, second = put(facts("2026-W46", "g1", cars=10)), put(facts("2026-W47", "g2", cars=12))
    assert (first["number"], second["number"], first["previous"]) == (1, 2, archive.GENESIS) and second[
        "previous"
    ] != archive.GENESIS
    again = put({**facts("2026-W47", "g2", cars=12), "printed_at": "2026-11-24T08:00:00+08:00"}, by="somebody else")
    assert again == second and len(list(settings.reports.glob("*.pdf"))) == 2
    with pytest.raises(PrintFailed, match="两次打印的数不同"):
        put(facts("2026-W47", "g2", cars=13))
    assert archive.broken(settings) == [] and archive.one(settings, "2026-W47-g2") == second
    with pytest.raises(DataMissing):
        archive.one(settings, "2026-W47-none")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "2026-W46-g2.pdf").write_bytes(PDF + b"!"), "2026-W46-g2:PDF 与归档时不同"),
        (lambda folder: (folder / "2026-W46-g2.pdf").unlink(), "2026-W46-g2:PDF 不见了"),
        (
            lambda folder: (folder / "2026-W46-g2.json").write_text(
                (folder / "2026-W46-g2.json").read_text().replace("11", "12")
            ),
            "2026-W46-g2：数据与发布时不同",
        ),
        (lambda folder: (folder / "2026-W46-g2.json").unlink(), "第 2 份到第 2 份不见了"),
        (lambda folder: (folder / "2026-W47-g3.json").unlink(), "2026-W47-g3：已发布的一份不见了"),
    ],
)
def test_what_is_changed_or_gone_is_found_and_named(
    settings: Settings, put: Callable[..., archive.Facts], harm: Callable[[Path], Any], said: str
) -> None:
    for week, generation, cars in (("2026-W45", "g1", 10), ("2026-W46", "g2", 11), ("2026-W47", "g3", 12)):
        put(facts(week, generation, cars=cars))
    harm(settings.reports)
    assert said in archive.broken(settings)
    checked = CliRunner().invoke(commands.report, ["verify", "--data", str(settings.data)])
    assert checked.exit_code != 0


def test_two_reports_side_by_side(settings: Settings, put: Callable[..., archive.Facts]) -> None:
    one, other = (
        put(facts("2026-W46", "g1", cars=10, gone=3, silent=None)),
        put(facts("2026-W47", "g2", cars=12, new=5, silent=4)),
    )
    rows = {
        row["metric"]: (row["first"], row["second"], row["delta"] and row["delta"].text)
        for row in archive.compare(one, other)
    }
    assert rows["gone"] == ("3", "—", None) and rows["new"] == ("—", "5", None) and rows["silent"] == ("—", "4", None)
    assert rows["cars"][:2] == ("10", "12") and rows["cars"][2]
    shown_text = CliRunner().invoke(
        commands.report, ["compare", "2026-W46-g1", "2026-W47-g2", "--data", str(settings.data)]
    )
    assert shown_text.exit_code == 0 and "cars\t10\t12" in shown_text.output


def test_who_released_and_who_opened_is_known_to_those_who_answer_for_it(
    settings: Settings, put: Callable[..., archive.Facts]
) -> None:
    name = put(facts("2026-W47", "g2", cars=12), by="schedule")["name"]
    put(facts("2026-W46", "g1", cars=10))
    server = app.create_app(settings)
    leader, auditor = (
        sign_in(server.test_client(), settings.data, role, f"user-{role}") for role in ("leader", "auditor")
    )
    assert leader.get(f"/reports/{name}.pdf").data == PDF
    assert [who for _, who in archive.opened(settings)[name]] == ["user-leader"]
    seen = {
        role: client.get("/reports").get_data(as_text=True)
        for role, client in (("leader", leader), ("auditor", auditor))
    }
    assert (
        "1 次" in seen["leader"]
        and "装载进程（自动）" in seen["leader"]
        and "user-leader" not in seen["leader"]
        and "user-leader" in seen["auditor"]
    )
    found = leader.get("/reports?q=w46").get_data(as_text=True)
    assert (
        "2026-W46-g1" in found
        and name not in found
        and "没有与" in leader.get("/reports?q=%3Cscript%3E").get_data(as_text=True)
    )
    both = leader.get(f"/reports/compare?first=2026-W46-g1&second={name}")
    assert both.status_code == 200 and "cars" in both.get_data(as_text=True)
    assert leader.get("/reports/compare?first=../../etc&second=x").status_code in (400, 404, 503)
    (settings.reports / f"{name}.pdf").write_bytes(b"%PDF-other")
    assert "归档校验未通过" in leader.get("/reports").get_data(as_text=True)
    assert audit.verify(settings.state).faults == ()


def test_tasks_on_paper_are_counts_offices_and_dates_never_words_or_names(tmp_path: Path) -> None:
    file, leader = tmp_path / "state.sqlite", Viewer("person", "wang", "leader", scope=Scope.ALL)
    late = task_store.make(
        file,
        leader,
        "请张三丰处理浙A12345",
        "安全监督科",
        dt.date(2026, 11, 18),
        Subject("/vehicle/浙A12345", "车辆 浙A12345", "/v", "g"),
        at=dt.datetime(2026, 11, 12, 9, tzinfo=SHANGHAI),
    )
    done = task_store.make(
        file,
        leader,
        "查",
        "运输管理科",
        dt.date(2026, 11, 20),
        Subject("m", "车辆上线率 · 第 46 周", "/m", "g", "330110"),
        at=dt.datetime(2026, 11, 17, 9, tzinfo=SHANGHAI),
    )
    task_store.step(file, leader, done, "close", "好", at=dt.datetime(2026, 11, 19, 9, tzinfo=SHANGHAI))
    stated = changes.tasks(
        task_store.for_week(file, dt.date(2026, 11, 16), dt.date(2026, 11, 22)), dt.date(2026, 11, 22)
    )
    assert (stated["opened"], stated["closed"], stated["standing"], stated["overdue"]) == (1, 1, 1, 1)
    assert [(row["id"], row["about"], row["word"]) for row in stated["rows"] + stated["done"]] == [
        (late, "车辆一件", "逾期 4 天"),
        (done, "车辆上线率", "11-19 办结"),
    ]
    assert not any(word in json.dumps(stated, ensure_ascii=False) for word in ("张三丰", "浙A", "wang"))


@needs_chromium
def test_late_data_print_the_same_week_with_its_revisions_stated(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "house")
    settings = Settings(tmp_path / "house")
    library = SnapshotStore(settings.data)
    first = release.release(library, settings, "2026-W47", now=WORLD_NOW.replace(tzinfo=SHANGHAI), by="li")
    assert release.release(library, settings, "2026-W47", now=WORLD_NOW.replace(tzinfo=SHANGHAI), by="li") == first
    later = WORLD_NOW + dt.timedelta(hours=1)
    with opened(settings, now=lambda: later) as context:  # an office withdraws what it had said of the week's alarms
        context.writer.execute(
            "DELETE FROM raw.rdm_alarm_handle WHERE handled_at >= TIMESTAMP '2026-11-16' AND hash(alarm_uid) % 3 = 0"
        )
        refresh.publish(context, full=True)
    second = release.release(library, settings, "2026-W47", now=later.replace(tzinfo=SHANGHAI), by="li")
    name = metrics()["safe_alarm_handled_rate"].label
    then, now = (one["figures"]["safe_alarm_handled_rate"]["text"] for one in (first, second))
    assert first["generation"] != second["generation"] and then != now and second["number"] == 2
    issue = content.build(library.current(Scope.ALL), "2026-W47", before=first)
    assert (name, then, now) in [(row["label"], row["old"], row["new"]) for row in issue.context["reprint"]["rows"]]
    assert any(
        (row["label"], row["period"], row["old"], row["new"]) == (name, "2026年第47周", then, now)
        for row in issue.context["revisions"]["rows"]
    )
    text = "".join(poppler.pages(settings.reports / f"{second['name']}.pdf"))
    assert (
        "".join(f"以快照{first['generation']}打印，其后下列数有变".split()) in text
        and "".join(f"{name}{then}{now}".split()) in text
    )
    assert (
        archive.broken(settings) == []
        and content.build(library.open(first["generation"], Scope.ALL), "2026-W47").figures == first["figures"]
    )
