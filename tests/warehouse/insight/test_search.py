"""Finding things by name, pinyin, plate and code."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.insight import search
from warehouse.query.places import plate
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


def test_initials_and_spelling_are_those_of_the_name() -> None:
    assert search.pinyin("良渚街道") == ("lzjd", "liangzhujiedao")
    assert search.pinyin("50辆车以上企业数")[0].startswith("50lc")


def test_a_thing_is_found_by_part_of_its_name_its_initials_its_spelling_and_its_code(book: Snapshot) -> None:
    town = next(place for place in book.places("town") if place.label == "良渚街道")
    for typed in ("良渚", "渚街", "lzjd", "LZJD", "liangzhu", town.code):
        assert town.code in [hit.key for hit in search.find(book, typed).get("town", [])], typed
    company = next(place for place in book.places("company") if place.label.endswith("公司"))
    for typed in (
        company.label[2:6],
        search.pinyin(company.label)[0],
        company.code.lower(),
        f" {company.label[:3]} {company.label[3:5]}",
    ):
        assert company.code in [hit.key for hit in search.find(book, typed)["company"]], typed
    assert [hit.key for hit in search.find(book, "bjczl")["metric"]][:1] == ["safe_alarm_handled_rate"]
    assert search.find(book, "报警处置率")["metric"][0].rank == 0


def test_a_plate_is_found_from_three_characters_on(book: Snapshot) -> None:
    key = book.ask("SELECT min(vehicle_key) FROM marts.vehicle_current")[0][0]
    number = key.split("#")[0]
    hits = search.find(book, number.lower())["vehicle"]
    assert hits[0].key == key and hits[0].label == plate(key)
    assert key in [hit.key for hit in search.find(book, f"{number[:2]}·{number[2:]}")["vehicle"]]
    assert "vehicle" not in search.find(book, number[:2])


def test_a_member_unit_and_an_alarm_by_its_number_are_found(book: Snapshot) -> None:
    unit, name = book.ask("SELECT unit_id, unit FROM marts.unit_task ORDER BY 1 LIMIT 1")[0]
    assert unit in [hit.key for hit in search.find(book, name)["unit"]]
    uid = book.ask("SELECT alarm_uid FROM marts.alarm_event ORDER BY 1 DESC LIMIT 1")[0][0]
    assert [hit.key for hit in search.find(book, uid)["alarm"]] == [uid] and "alarm" not in search.find(book, uid[:-1])


def test_nothing_typed_or_nothing_like_it_finds_nothing_and_no_pattern_is_obeyed(book: Snapshot) -> None:
    assert search.find(book, "  ") == {} == search.find(book, "没有这样的东西")
    assert search.find(book, "%") == {} == search.find(book, "' OR 1=1 --")


def test_at_most_a_few_of_a_kind(book: Snapshot) -> None:
    assert all(len(hits) <= search.MOST for hits in search.find(book, "率").values())
