"""The month's and the quarter's report: the same paper by the same steps, with the words and the numbers of their own
period."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cockpit.report import archive, commands, content, delivery, poppler, release
from cockpit.web import app
from etl.jobs import overdue, registry, report
from etl.runtime.context import opened
from tests.cockpit.signing_in import sign_in
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

needs_chromium = pytest.mark.browser
NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
MONTH, QUARTER = "2026-10", "2026-Q4"
OTHER_WORDS = {
    "month": ("本周", "上周", "本季", "上季", "周报", "季报"),
    "quarter": ("本周", "上周", "本月", "周报", "月报"),
}


@pytest.fixture(scope="module")
def settings(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("months")
    (folder / "published").symlink_to(published / "published")
    return Settings(folder)


@pytest.fixture(scope="module")
def book(settings: Settings) -> Snapshot:
    return SnapshotStore(settings.data).current(Scope.ALL)


@pytest.fixture(scope="module")
def printed(settings: Settings) -> dict[str, dict[str, Any]]:
    library = SnapshotStore(settings.data)
    made = {
        window: release.release(library, settings, at, window=window, now=NOW)
        for window, at in (("week", "2026-W47"), ("month", MONTH), ("quarter", QUARTER))
    }
    return {window: facts for window, facts in made.items() if facts is not None}


@needs_chromium
@pytest.mark.parametrize(
    ("window", "at", "title"), [("month", MONTH, "正北数字驾驶舱月报"), ("quarter", QUARTER, "正北数字驾驶舱季报")]
)
def test_the_paper_prints_the_numbers_of_its_own_period_in_its_own_words(
    printed: dict[str, Any], settings: Settings, book: Snapshot, window: Any, at: str, title: str
) -> None:
    facts = printed[window]
    assert (facts["window"], facts["at"], facts["name"]) == (window, at, f"{at}-{book.generation.id}")
    text = "".join(poppler.pages(settings.reports / f"{facts['name']}.pdf"))
    assert text.startswith(title) or title in text[:200]
    own = {metric for metric, stored in facts["figures"].items() if stored["window"] == window}
    assert len(own) > 20
    for metric in own:
        item = book.read(metric, window, None if book.metrics[metric].newest else at)
        stored = facts["figures"][metric]
        assert (stored["value"], stored["num"], stored["den"]) == (item.value, item.num, item.den)
        line = content.row(book.metrics[metric], item, window, at)  # a number of another period says which
        assert "".join(f"{item.label}{line['period']}{line['shown']}".split()) in text
    page = re.sub(
        r"<dl.*?</dl>|<[^>]+>", "", release.html(content.build(book, at)), flags=re.S
    )  # definitions say what a number is, not when
    assert not [word for word in OTHER_WORDS[window] if word in page.replace("月度", "")]


@needs_chromium
def test_the_gate_and_the_archive_treat_them_as_they_treat_a_week(printed: dict[str, Any], settings: Settings) -> None:
    assert printed["quarter"]["draft"] and any("本季到 12-31 才结束" in line for line in printed["quarter"]["missing"])
    assert [facts["number"] for facts in (printed["week"], printed["month"], printed["quarter"])] == [
        1,
        2,
        3,
    ] and archive.broken(settings) == []
    assert [facts["at"] for facts in archive.every(settings)] == [QUARTER, "2026-W47", MONTH], "the newest end first"
    client = sign_in(app.create_app(settings).test_client(), settings.data, "leader", "li")
    page = client.get("/reports").get_data(as_text=True)
    assert (
        all(f"<td>{word}</td>" in page for word in ("周报", "月报", "季报"))
        and "下一次打印" in page
        and "月报 2026-" in page
    )
    found = client.get("/reports?q=月报").get_data(as_text=True)
    assert printed["month"]["name"] in found and printed["week"]["name"] not in found
    assert client.get(f"/reports/{printed['month']['name']}.pdf").headers["Content-Disposition"].endswith(".pdf")
    both = client.get(f"/reports/compare?first={printed['month']['name']}&second={printed['quarter']['name']}")
    assert both.status_code == 200 and "2026 年 10 月" in both.get_data(as_text=True)
    assert (
        delivery.subject(printed["month"])
        == f"【{archive.state(printed['month'])}】【演示数据】正北数字驾驶舱月报 2026 年 10 月"
    )


@pytest.mark.parametrize(
    ("window", "at"),
    [
        ("month", "2026-W47"),
        ("week", MONTH),
        ("quarter", "2026-Q5"),
        ("month", "2026-13"),
        ("month", "2026-1"),
        ("quarter", "2026"),
        ("month", "2026-10-01"),
    ],
)
def test_a_period_of_another_kind_is_refused(settings: Settings, window: str, at: str) -> None:
    with pytest.raises(UsageError):
        content.days(at, window)
    done = CliRunner().invoke(commands.report, [report.VERBS[window], f"--{window}", at, "--data", str(settings.data)])
    assert isinstance(done.exception, UsageError)


def test_the_newest_month_and_quarter_are_whole(book: Snapshot) -> None:
    assert (content.newest(book, "month"), content.newest(book, "quarter")) == (MONTH, "2026-Q3")


@needs_chromium
def test_the_month_is_printed_by_the_plan_once_and_an_old_quarter_is_not(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published, tmp_path / "house")
    clock = [dt.datetime(2026, 12, 4, 8, 0)]
    settings = Settings(tmp_path / "house")
    with opened(settings, now=lambda: clock[0]) as context:
        registry.run_once(context, registry.job("report_longer"))
        assert [(facts["at"], facts["by"]) for facts in archive.every(settings)] == [("2026-11", "schedule")]
        clock[0] += dt.timedelta(days=3)
        registry.run_once(context, registry.job("report_longer"))
        assert overdue.run(context) == [] and [facts["draft"] for facts in archive.every(settings)] == [True], (
            "nothing has come since"
        )
