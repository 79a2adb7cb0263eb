"""One page about a town, a company, an office or the district over any days: its numbers are the snapshot's, what it
cannot tell it says, and nobody is told of a place that is not theirs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cockpit.casework import task_store
from cockpit.identity.sessions import Viewer
from cockpit.presentation import day_range
from cockpit.presentation import format as fmt
from cockpit.presentation.key_numbers import key_numbers
from cockpit.report import (
    archive,
    commands,
    day_span,
    paper_text,
    poppler,
    printing,
    proofreading,
    sheet,
    sheet_release,
    subjects,
)
from cockpit.report.day_span import DaySpan
from cockpit.report.subjects import Subject
from warehouse.compile.reading import UNPLACED
from warehouse.core.errors import DataMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.insight.findings import numbers
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

needs_chromium = pytest.mark.browser
WEEK, TOWN = "2026-W47", "330110010"
NOTHING = task_store.Week((), (), (), ())
LEADER = Viewer("person", "wang", "leader", "", "王**", scope=Scope.ALL)


@pytest.fixture(scope="module")
def settings(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("sheets")
    (folder / "published").symlink_to(published / "published")
    return Settings(folder)


@pytest.fixture(scope="module")
def library(settings: Settings) -> SnapshotStore:
    return SnapshotStore(settings.data)


@pytest.fixture(scope="module")
def book(library: SnapshotStore) -> Snapshot:
    return library.current(Scope.ALL)


@pytest.fixture(scope="module")
def year(book: Snapshot) -> DaySpan:
    return day_span.of_days(*day_range.offered(book.generation.last_day)["年初至今"])


def week(book: Snapshot) -> DaySpan:
    return day_span.named(WEEK, book.generation.last_day)


def flat(text: str) -> str:
    return "".join(text.split())


def companies(book: Snapshot) -> list[Subject]:
    """The largest, the smallest and one of one vehicle."""
    sized = sorted(
        (one for one in book.by("fleet_vehicle_cnt", "day", None, "company") if one.value),
        key=lambda one: one.value or 0,
    )
    pooled = next(one.place for one in sized if one.place.code in book.pooled)
    return [subjects.of_place(place) for place in (sized[-1].place, sized[0].place, pooled)]


def everyone(book: Snapshot) -> Iterator[Subject]:
    yield subjects.find(book, subjects.WHOLE)
    yield from subjects.towns(book)
    yield from subjects.offices_of(book)
    yield from companies(book)


def test_every_sheet_of_every_period_keeps_the_rules_of_the_proofreader(book: Snapshot, year: DaySpan) -> None:
    spans = [week(book), *(day_span.named(at, book.generation.last_day) for at in ("2026-10", "2026-Q4")), year]
    made = [sheet.build(book, subject, span, NOTHING) for subject in everyone(book) for span in spans]
    assert len(made) > 60
    assert {
        (one.subject.label, one.span.at): found
        for one in made
        if (found := [str(fault) for fault in proofreading.faults(paper_text.read(sheet_release.html(one)))])
    } == {}


def test_a_town_has_its_key_numbers_and_the_findings_of_the_one_package(book: Snapshot) -> None:
    pressing = 0
    for town in subjects.towns(book):
        made = sheet.build(book, town, week(book), NOTHING)
        assert list(made.figures) == [name for name in key_numbers().town if name in made.figures]
        for name, reading in made.readings.items():
            asked = book.read(name, reading.window, fmt.period_key(reading.window, reading.win_start), town.code)
            assert (made.figures[name]["value"], made.figures[name]["num"]) == (asked.value, asked.num)
        assert all(reading.place.code == town.code for reading in made.readings.values())
        found = numbers.judge(book, list(made.readings.values())).pressing
        for one, text in zip(found, made.context["findings"], strict=False):
            assert text.startswith(one.reading.label)
        pressing += len(found)
    assert pressing


def test_an_office_has_the_numbers_that_it_owns(book: Snapshot) -> None:
    office = subjects.find(book, "安全监督科")
    made = sheet.build(book, office, week(book), NOTHING)
    assert made.figures and {book.metrics[name].owner for name in made.figures} == {"安全监督科"}


def test_persons_too_few_to_be_told_are_counted_and_not_listed(book: Snapshot) -> None:
    made_of = [sheet.build(book, one, week(book), NOTHING) for one in [*subjects.towns(book), *companies(book)]]
    small = [made for made in made_of if "为保护个人不单列" in "".join(made.context["notes"])]
    assert small
    for made in small:
        assert all(reading.status != "small_cell" for reading in made.readings.values())
        assert all(figure["status"] != "small_cell" for figure in made.figures.values())


def test_a_range_has_the_sums_of_its_days_and_names_what_it_cannot_tell(book: Snapshot, year: DaySpan) -> None:
    for subject in (subjects.find(book, TOWN), companies(book)[0]):
        made = sheet.build(book, subject, year, NOTHING)
        named = [book.metrics[name] for name in key_numbers().of(subject.kind) if name in book.metrics]
        assert set(made.figures) == {
            one.id for one in named if subject.kind in one.drill and not day_range.refusal(one)
        }
        notes = "".join(made.context["notes"])
        assert all(f"“{one.label}”" in notes for one in named if subject.kind in one.drill and day_range.refusal(one))
        for name, figure in made.figures.items():
            base = book.read(name, None, None, subject.code)
            assert figure["value"] == book.value_of_days(base, year.first, year.last)
            assert (figure["window"], figure["judgement"]) == ("range", None)
            assert (figure["from"], figure["to"]) == (year.first.isoformat(), year.last.isoformat())


def test_a_company_of_one_person_has_no_days_told_either(book: Snapshot) -> None:
    pooled, last = companies(book)[-1], book.generation.last_day
    few = day_span.of_days(last - dt.timedelta(days=4), last)
    made = sheet.build(book, pooled, few, NOTHING)
    assert not {"fleet_online_rate", "safe_overspeed_per_vehicle"} & set(made.figures)
    assert "为保护个人不单列" in "".join(made.context["notes"])
    of_week = sheet.build(book, pooled, week(book), NOTHING)
    is_judged = any(reading.judgement for reading in of_week.readings.values())
    assert is_judged or "没有可评的指标" in sheet_release.html(of_week)
    whole = book.read("fleet_online_rate", None, None, pooled.code)
    ours = day_range.reading(book, whole, few.first, few.last)
    assert (ours.value, ours.status) == (None, "small_cell") and "为保护个人" in day_range.absence(book, ours)


def test_an_office_and_a_town_see_their_own_tasks(book: Snapshot, tmp_path: Path) -> None:
    def task(place: str, office: str) -> int:
        about = task_store.Subject("fleet_online_rate", "车辆上线率", "/metric/fleet_online_rate", "g", place, WEEK)
        at = dt.datetime(2026, 11, 18, 9, tzinfo=SHANGHAI)
        return task_store.make(tmp_path / "state.sqlite", LEADER, "查明", office, dt.date(2026, 11, 20), about, at=at)

    inside = next(one for one in book.places("company") if one.parent == TOWN)
    ours, firm, theirs = task(TOWN, "运输管理科"), task(inside.code, "安全监督科"), task("330110009", "安全监督科")
    tasks = task_store.for_week(tmp_path / "state.sqlite", week(book).first, week(book).last)

    def shown(named: str) -> set[int]:
        return {row["id"] for row in sheet.build(book, subjects.find(book, named), week(book), tasks).context["tasks"]}

    assert shown(TOWN) == {ours, firm} and shown("安全监督科") == {firm, theirs}
    assert shown(subjects.WHOLE) == {ours, firm, theirs} and shown(inside.code) == {firm}
    made = sheet.build(book, subjects.find(book, TOWN), week(book), tasks, sheet.Room(1, 1, 0))
    assert len(made.context["tasks"]) == 1 and made.context["more_tasks"] == 1 and made.context["trends"] == []


def test_who_sees_a_town_finds_nothing_outside_it(library: SnapshotStore, book: Snapshot) -> None:
    narrow = library.current(Scope((TOWN,), ()))
    assert subjects.find(narrow, "良渚街道") == subjects.find(book, TOWN)
    other = next(one for one in book.places("company") if one.parent != TOWN)
    for named in ("仓前街道", "330110012", other.code, "安全监督科", subjects.WHOLE, UNPLACED, "没有"):
        with pytest.raises(UsageError, match="没有这个镇街"):
            subjects.find(narrow, named)
    assert all(subjects.is_within(narrow, one) for one in subjects.choices(narrow))
    outside = [subjects.find(book, named) for named in ("仓前街道", other.code, "安全监督科", subjects.WHOLE)]
    assert not any(subjects.is_within(narrow, one) for one in outside)
    assert all(subjects.is_within(book, one) for one in outside)


@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("2026-11-20", UsageError),
        ("nope", UsageError),
        ("2026-11-20_2026-11-01", UsageError),
        ("2026-11-20_", UsageError),
        ("2020-01-01_2026-11-01", UsageError),
        ("2027-W02", DataMissing),
    ],
)
def test_days_that_are_none_are_refused(book: Snapshot, at: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        day_span.named(at, book.generation.last_day)


def test_a_range_ends_with_the_data(book: Snapshot) -> None:
    last = book.generation.last_day
    span = day_span.named("2026-01-01_2027-03-01", last)
    assert (span.last, span.at) == (last, f"2026-01-01_{last}") and span.is_range
    assert {day_span.named(at, last).at for at in day_span.choices(book)} == set(day_span.choices(book))


@needs_chromium
def test_a_sheet_is_one_page_archived_and_sealed_like_a_report(
    settings: Settings, library: SnapshotStore, book: Snapshot, year: DaySpan
) -> None:
    town = subjects.find(book, TOWN)
    facts = sheet_release.make(library, settings, town, week(book), by="li")
    of_year = sheet_release.make(library, settings, companies(book)[0], year, by="li")
    assert [one["pages"] for one in (facts, of_year)] == [1, 1] and archive.broken(settings) == []
    [page] = poppler.pages(settings.reports / f"{facts['name']}.pdf")
    for figure in facts["figures"].values():
        assert flat(figure["text"]) in page
    assert facts["generation"] in page and "良渚街道运行情况" in page
    assert sheet_release.make(library, settings, town, week(book), by="zhao") == facts, "the first print stays"
    assert archive.every(settings) == [], "a sheet is no report of the district"
    assert [one["name"] for one in archive.sheets(settings)] == [of_year["name"], facts["name"]]
    assert archive.label(facts) == "良渚街道单页" and archive.period(of_year) == year.at
    stored = settings.reports / f"{facts['name']}.json"
    stored.write_text(json.dumps({**facts, "cutoff": "2026-11-24 00:00"}), "utf-8")
    assert any(facts["name"] in line for line in archive.broken(settings))
    stored.write_text(json.dumps(facts, ensure_ascii=False, indent=1), "utf-8")


@needs_chromium
def test_the_self_test_refuses_a_wrong_number_and_a_page_too_many(
    settings: Settings, library: SnapshotStore, book: Snapshot, tmp_path: Path
) -> None:
    made = sheet.build(book, subjects.find(book, TOWN), week(book), NOTHING)
    page, file = tmp_path / "page.html", tmp_path / "page.pdf"
    line = next(one for one in made.context["rows"] if one["status"] == "ok")
    right = f"<b>{line['shown'].text}</b>"
    assert right in sheet_release.html(made)
    page.write_text(sheet_release.html(made).replace(right, "<b>123,456</b>", 1) + "<p>尾</p>" * 90, "utf-8")
    printing.print_pdf(page, file)
    found = sheet_release.faults(file, page.read_text("utf-8"), made, book)
    assert any(f"{line['label']}：没有印出" in one for one in found) and any("不是一页" in one for one in found)


@needs_chromium
def test_the_weekly_run_prints_the_sheets_of_the_settings_and_the_command_any_other(
    published: Path, tmp_path: Path
) -> None:
    (tmp_path / "published").symlink_to(published / "published")
    (tmp_path / "zhengbei.toml").write_text('sheets = ["良渚街道", "安全监督科"]\n')
    planned = ["--week", WEEK, "--data", str(tmp_path), "--by", archive.SCHEDULE]
    run = CliRunner().invoke(commands.report, ["weekly", *planned])
    assert run.exit_code == 0 and run.output.count("单页") == 2, run.output
    again = CliRunner().invoke(commands.report, ["sheets", *planned])
    assert again.exit_code == 0 and again.output.count("单页") == 2, again.output
    settings = Settings.at(tmp_path)
    assert len(archive.sheets(settings)) == 2 and len(archive.every(settings)) == 1
    assert {one["subject"]["label"] for one in archive.sheets(settings)} == {"良渚街道", "安全监督科"}
    out = tmp_path / "out" / "one.pdf"
    days = ["--from", "2026-10-01", "--to", "2026-10-31"]
    one = CliRunner().invoke(commands.report, ["sheet", "全区", *days, "--out", str(out), "--data", str(tmp_path)])
    assert one.exit_code == 0 and out.is_file() and "2026-10-01 至 2026-10-31（31 天）" in one.output


def test_a_name_in_the_settings_that_there_is_not_is_said(book: Snapshot) -> None:
    assert [one.label for one in subjects.ordered(book, ["科室", "安全监督科"])] == [
        one.label for one in subjects.offices_of(book)
    ]
    assert subjects.ordered(book, ["镇街"]) == subjects.towns(book)
    with pytest.raises(UsageError, match="没有这个镇街"):
        subjects.ordered(book, ["不存在的镇"])
