"""What is said of the data themselves, of sources on their promise, a second late, failed and not connected."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from cockpit.presentation import data_notes as notes
from warehouse.catalog.metrics import metrics
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

ROWS = """
DELETE FROM meta.source;
INSERT INTO meta.source VALUES
  ('gps', 'location', '动态监控·定位', '2026-11-23 13:05:00', '2026-11-23 14:00:00', 3600, 900, 100, '', NULL, NULL),
  ('gps', 'alarm', '动态监控·报警', '2026-11-23 13:04:59', '2026-11-23 13:06:00', 3600, 50, 0, '', NULL, NULL),
  ('gps', 'terminal', '动态监控·终端', NULL, NULL, 3600, 0, 0, '', NULL, NULL),
  ('mp', 'points', '小程序·积分', '2026-11-23 14:00:00', '2026-11-23 14:00:00', 3600, 50, 0, '没有应答', NULL, NULL),
  ('st', 'visit', '阵地·服务', NULL, NULL, 3600, 0, 0, '', NULL, NULL);
DELETE FROM meta.check_result;
INSERT INTO meta.check_result SELECT '2026-11-23 14:05:00', 'vehicle_day', 'c' || n, 'warn', 'm', n FROM range(17) t(n);
DELETE FROM meta.quarantine;
INSERT INTO meta.quarantine SELECT 'gps', 'location', 'type:speed_01kmh', n % 2 = 0, n + 1 FROM range(15) t(n);
DELETE FROM meta.defect;
INSERT INTO meta.defect VALUES
  ('D09', 'a', '定位', 3), ('D09', 'b', '定位', 5), ('D09', 'c', '定位', 4), ('D02', 'a', '车辆', 7), ('D02', 'a', '报警', 0);
"""


@pytest.fixture(scope="module")
def book(elsewhere: Callable[[str], Flask]) -> Snapshot:
    library: SnapshotStore = elsewhere(ROWS).config["ZHENGBEI_LIBRARY"]
    return library.current(Scope.ALL)


def test_a_source_is_late_when_its_promise_is_over_or_it_failed(book: Snapshot) -> None:
    found = notes.quality(book)
    assert [(one["label"], one["late"], one["error"]) for one in found["late"]] == [
        ("动态监控·报警", True, ""),
        ("小程序·积分", False, "没有应答"),
    ]
    assert found["late"][0] | {"late": 0} == {
        "label": "动态监控·报警", "data": "11-23 13:04", "landed": "11-23 13:06", "promise": "1 小时", "rows": "50",
        "bad": "0", "error": "", "late": 0,
    }  # fmt: skip
    assert (found["rows"], found["bad"], found["share"]) == ("1,000", "100", "9.09 %")


def test_checks_that_failed_and_rows_aside_are_listed_the_most_first_up_to_a_screen(book: Snapshot) -> None:
    found = notes.quality(book)
    assert [one["count"] for one in found["checks"]] == [str(n) for n in range(16, 2, -1)]
    assert (found["passed"], found["checked"]) == (1, 17)
    assert {one["model"] for one in found["checks"]} == {notes.model("vehicle_day")} != {"vehicle_day"}
    assert [one["count"] for one in found["quarantine"]] == [str(n) for n in range(15, 1, -1)]
    assert [one["rule"].endswith("，只缺该字段") for one in found["quarantine"][:2]] == [False, True]
    assert found["quarantine"][0]["table"] == "动态监控·定位"


def test_a_system_counts_its_feeds_that_are_connected_and_on_their_promise(book: Snapshot) -> None:
    assert [
        (one["label"], one["feeds"], one["stored"], one["absent"], one["data"], one["rows"], one["bad"])
        for one in notes.systems(book)
    ] == [
        ("动态监控", 2, 1, 1, "11-23 13:05", "950", "100"),
        ("小程序", 1, 0, 0, "11-23 14:00", "50", "0"),
        ("阵地", 0, 0, 1, "—", "0", "0"),
    ]


def test_a_defect_that_several_models_find_counts_once_by_the_most(book: Snapshot) -> None:
    assert notes.defects(book) == [
        {"rule": "号牌写法", "label": "车辆", "count": "7"},
        {"rule": "漂移", "label": "定位", "count": "5"},
    ]


def test_what_is_not_connected_is_named_with_the_numbers_that_lack_for_it(book: Snapshot) -> None:
    known = metrics()
    needs = [known["fleet_network_rate"], known["site_visit_cnt"]]
    tables = {table for metric in needs for table in metric.sources}
    assert "st_visit" in tables
    lacking = ["甲", "乙", "丙"]
    found = notes.unconnected(book, needs, lacking)
    assert found["names"][-1] == "阵地" and found["labels"] == lacking
    assert found["line"].endswith("，因此没有甲、乙、丙。")
    more = notes.unconnected(book, needs, [*lacking, "丁"])
    assert more["line"].endswith("，因此没有甲、乙、丙等 4 项指标。")
    assert notes.unconnected(book, needs, [])["line"].endswith("，各项指标不受影响。")
    assert notes.unconnected(book, [], lacking) == {"names": [], "labels": [], "line": ""}


def test_names_of_rules_models_and_tables(book: Snapshot) -> None:
    assert notes.rule("D09") == "漂移" and notes.rule("D99") == "D99"
    assert notes.rule("D10:person_key") == "身份证号（person_key）"
    assert notes.rule("required:uscc", "yz_vehicle") != notes.rule("required:uscc")
    assert notes.model("no_such") == "no_such" and notes.label(book, "no_such") == "no_such"
    assert notes.label(book, "st_visit") == "阵地·服务"
