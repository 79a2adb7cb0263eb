"""Workbooks and site files of the stand-in: what they hold, the mess they are in, and that new ones come in time."""

from __future__ import annotations

import fnmatch
import io
import re
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from etl.config.descriptions import feeds
from etl.demo.app import sites
from etl.demo.ledgers import honours, papers, party, party_book, party_work, unions, warmth
from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.world import World
from tests.etl.demo.conftest import STARTED
from tests.test_readme import MISPRINTS

BOOKS = {"pb": party_book, "un": unions, "wf": warmth, "hn": honours}


@pytest.fixture(scope="module")
def large() -> World:
    return World(5, 500, STARTED)


@pytest.fixture(scope="module")
def month(large: World) -> int:
    return clock.month_of(large.anchor_day) - 1


def test_every_sheet_that_a_feed_asks_for_is_there_with_its_columns(folder: Path) -> None:
    for feed in feeds():
        if feed.sheet:
            for path in sorted((folder / "drop").glob(feed.glob)):
                book = openpyxl.load_workbook(path, read_only=True)
                (name,) = (n for n in book.sheetnames if fnmatch.fnmatchcase(n, feed.sheet))
                cells = {
                    str(c) for row in book[name].iter_rows(max_row=4, values_only=True) for c in row if c is not None
                }
                assert {rule if isinstance(rule, str) else rule.source for rule in feed.columns.values()} <= cells, (
                    path.name,
                    name,
                )
                assert re.search(feed.name_date, path.name)


@pytest.mark.parametrize("source", BOOKS)
def test_a_workbook_never_says_what_the_announcement_was_misread_as(large: World, month: int, source: str) -> None:
    text = "\n".join(
        str(value)
        for sheet in BOOKS[source].sheets(large, month)
        for row in [sheet.columns, (sheet.title,), *sheet.rows]
        for value in row
    )
    assert not [word for word in MISPRINTS if word in text]


@pytest.mark.parametrize("source", BOOKS)
def test_a_ledger_is_the_same_each_time_and_only_grows_or_changes(large: World, month: int, source: str) -> None:
    again = BOOKS[source].sheets(replace(large), month)
    assert again == BOOKS[source].sheets(large, month)
    assert all(sheet.rows for sheet in again)


def test_the_mess_is_in_a_workbook_and_not_in_a_tidy_one(large: World, month: int, tmp_path: Path) -> None:
    party_book.write(large, tmp_path / "messy", month)
    party_book.write(replace(large, clean=True), tmp_path / "tidy", month)
    messy, tidy = (openpyxl.load_workbook(tmp_path / kind / party_book.file_name(month)) for kind in ("messy", "tidy"))
    register, people = messy["五十辆名录"], messy["党员(10月)"]
    assert register.merged_cells.ranges and register["A1"].value.startswith("50辆车以上企业名录")
    assert [register["B2"].value, register["B3"].value] == ["数量", "车辆数"]
    assert register.cell(register.max_row, 1).value == "合计"
    assert any(d.hidden for d in messy["组织"].row_dimensions.values()) and people["A2"].comment
    kinds = {
        type(c.value).__name__ for row in people.iter_rows(min_row=3, min_col=6, max_col=6) for c in row if c.value
    }
    assert kinds == {"datetime", "str", "int"}
    assert all(sheet["A1"].value and not sheet.merged_cells.ranges for sheet in tidy)
    assert not any("E+" in str(c.value) for row in tidy["党员(10月)"].iter_rows(min_row=2, max_col=1) for c in row)


def test_ten_units_and_six_items_without_a_name(large: World, month: int) -> None:
    found = {sheet.name: sheet for sheet in party_book.sheets(large, month)}
    assert [row[1] for row in found["单位"].rows] == [
        "区交通运输局",
        "市公安局余杭分局",
        "区发改局",
        "区民政局",
        "区人力社保局",
        "区市场监督局",
        "区总工会",
        "团区委",
        "区妇联",
        "区交通集团",
    ]
    assert {row[1] for row in found["六个一"].rows} == {1, 2, 3, 4, 5, 6} and {
        row[2] for row in found["六个一"].rows
    } == {None}


def test_coverage_rises_over_the_year_and_the_register_follows_the_fleet() -> None:
    large = World(5, 2000, STARTED)
    covered = [
        sum(bool(o.companies) and o.set_up_day <= day for o in party.organisations(large))
        for day in (large.first_day, large.anchor_day - 100, large.anchor_day)
    ]
    assert covered[0] < covered[1] <= covered[2]
    growing, shrinking = (
        int(large.companies.index[large.companies[name]][0]) for name in ("is_growing", "is_shrinking")
    )
    first, last = set(party.register_on(large, large.first_day)), set(party.register_on(large, large.anchor_day))
    assert shrinking in first - last and growing in last - first


def test_register_counts_stray_where_planted_only(large: World) -> None:
    def strays(world: World) -> int:
        day = world.anchor_day - 25
        counts = party.fleet_counts(world, day)
        here = party.register_on(world, day).tolist()
        return sum(
            abs(int(row[1]) - int(counts[c])) > 5
            for c, row in zip(here, party_work.register_rows(world, day), strict=True)
        )

    assert strays(large) == len(
        set(party.ever_large(large)[: large.rates.d23_register]) & set(party.register_on(large, large.anchor_day - 25))
    )
    assert strays(replace(large, clean=True)) == 0


def test_stages_of_a_clean_world_follow_the_rules(large: World) -> None:
    table = party.stages(replace(large, clean=True))
    frame = pd.DataFrame({"driver": table.driver, "stage": table.stage, "day": table.day}).pivot(
        index="driver", columns="stage", values="day"
    )
    whole = frame.dropna()
    assert (
        len(whole)
        and (whole[2] - whole[1] >= 365).all()
        and (whole[4] - whole[3] >= 365).all()
        and whole.apply(lambda row: row.is_monotonic_increasing, axis=1).all()
    )
    assert len(party.stages(large).wrong) == large.rates.d17_stages


def test_benefits_fall_into_their_season(large: World, month: int) -> None:
    held = {sheet.name: sheet for sheet in warmth.sheets(large, month)}["礼遇活动"].rows
    months = {kind: {row[2].month for row in held if row[1] == kind} for kind in {row[1] for row in held}}  # type: ignore[union-attr]
    assert months["高温慰问"] == {7, 8} and months["体检"] <= {3, 4, 5} and 3 in months["女性成长课程"]


def test_a_workbook_arrives_after_its_month_and_is_never_touched_again(world: World, tmp_path: Path) -> None:
    now = clock.local_second(STARTED)
    later = clock.local_second(datetime(2026, 12, 1, 10, 30, tzinfo=clock.SHANGHAI))
    assert papers.write_missing(world, tmp_path, papers.due(world, now)) >= 4
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.xlsx")}
    assert papers.write_missing(world, tmp_path, papers.due(world, later)) == 2
    assert {p.name for p in tmp_path.rglob("*.xlsx")} - {p.name for p in before} == {
        "党建台账_2026年11月.xlsx",
        "暖心_2026年11月.xlsx",
    }
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_site_files_are_one_zip_a_month_and_one_file_a_day_with_a_mark_before_them(folder: Path, world: World) -> None:
    visits = folder / "drop" / "st" / "visit"
    assert sorted(p.name for p in visits.glob("*.zip")) == ["visit_2026-10.zip"]
    with zipfile.ZipFile(visits / "visit_2026-10.zip") as packed:
        assert packed.namelist() == [f"visit_2026-10-{d}.csv" for d in range(14, 32)]
        table = pd.read_csv(io.BytesIO(packed.read("visit_2026-10-20.csv")), encoding="utf-8-sig")
    assert list(table.columns) == ["阵地编号", "时间", "计数方式", "人次", "更新时间"] and set(table["计数方式"]) == {
        "checkin",
        "counter",
        "manual",
    }
    days = sorted(p.name for p in visits.glob("*.csv"))
    assert (
        days[0] == "visit_2026-11-01.csv"
        and days[-1] == "visit_2026-11-22.csv"
        and (visits / days[0]).read_bytes().startswith(b"\xef\xbb\xbf")
    )


def test_a_site_closed_with_approval_has_no_visits_and_is_excused(large: World) -> None:
    day = large.anchor_day - sites.CLOSED_DAYS_AGO
    log = {row[0]: row for row in sites.ENTITIES["open_log"](large, day)}
    closed = f"ZD{sites.CLOSED_SITE + 1:02d}"
    assert log[closed][2] == 0 and log[closed][4] == 1
    assert closed not in {row[0] for row in sites.ENTITIES["visit"](large, day)}
    status = {row[0]: row[12] for row in sites.ENTITIES["site"](large, day)}
    assert status[closed] == "批准关闭"
    assert all("演示" in site[0] for site in sites.SITES)


def test_days_that_have_come_due_are_written_once(world: World, tmp_path: Path) -> None:
    now = clock.local_second(STARTED)
    assert sites.write_missing_days(world, tmp_path, now) > 20
    assert sites.write_missing_days(world, tmp_path, now) == 0
    assert sites.write_missing_days(world, tmp_path, now + DAY) >= 3
