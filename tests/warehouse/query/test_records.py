"""What a number is made of: the list behind it is the number, however it is sorted, searched and paged."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from warehouse.catalog import metrics
from warehouse.catalog.models import models
from warehouse.compile.reading import DISTRICT, Place
from warehouse.core.errors import UsageError
from warehouse.query import one_person, records
from warehouse.query.contribution import Change, explain
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

ALL = 1_000_000


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


@pytest.mark.parametrize("metric", [metric for metric, found in metrics.metrics().items() if records.of(found)])
def test_the_list_behind_a_number_adds_up_to_it(book: Snapshot, metric: str) -> None:
    found = metrics.metric(metric)
    towns = book.places("town")[:3] if "town" in found.drill else []
    for place in (DISTRICT, *(town.code for town in towns)):
        for window in found.windows:
            reading = book.read(metric, window, None, place)
            listed = records.behind(book, metric, window, None, place, rows=ALL)
            assert listed is not None and listed.total == len(listed.rows)
            if reading.status != "ok":
                continue
            num, den = listed.pool or (0.0, 0.0)
            assert num + sum(row.num or 0 for row in listed.rows) == pytest.approx(reading.num or 0, rel=1e-9, abs=1e-9)
            if reading.den is not None:
                assert (den or 0) + sum(row.den or 0 for row in listed.rows) == pytest.approx(reading.den, rel=1e-9)


def test_every_open_mart_of_a_metric_says_what_its_rows_are_about() -> None:
    for metric in metrics.metrics().values():
        assert metric.person or records.of(metric) is not None, metric.id
    for model in models().values():
        if model.entity is not None:
            assert set(model.columns.get(column, "L1") for column in model.entity.columns) <= {"L1", "L2"}, model.name
            assert not model.entity.name or model.entity.name in model.entity.columns


def test_what_a_vehicle_of_one_person_did_stands_in_no_list(book: Snapshot) -> None:
    """An owner with one driver or one vehicle is a person: alarms and days of such vehicles are one sum."""
    persons = book.pooled
    assert persons
    pools = 0
    for metric in (metric for metric in metrics.metrics().values() if one_person.tells_of_vehicles(metric)):
        listed = records.behind(book, metric.id, rows=ALL)
        if listed is None:
            continue
        assert not persons & {row.cells.get("company_key") for row in listed.rows}, metric.id
        if listed.entity.key == "vehicle_key":
            owners = book.ask("SELECT vehicle_key, list(DISTINCT company_key) FROM marts.vehicle_day GROUP BY 1")
            theirs = {vehicle for vehicle, companies in owners if set(companies) <= persons}
            assert theirs and not theirs & {row.key for row in listed.rows}, metric.id
        pools += listed.pool is not None
    assert pools


def test_what_the_listed_owners_leave_of_a_town_is_of_three_at_least(book: Snapshot) -> None:
    """Town total less the listed companies is the number of those that are not listed: of one or two it would tell."""
    metric, pools, hidden = metrics.metric("fleet_online_rate"), 0, set[str]()
    owners = book.ask(
        "SELECT town_code, list(DISTINCT company_key) FROM marts.vehicle_day WHERE day = "
        "(SELECT max(day) FROM marts.vehicle_day) AND is_v AND company_key IS NOT NULL GROUP BY 1"
    )
    for town, companies in owners:
        if book.is_withheld(metric, book.place(town)):
            hidden |= set(companies) & book.pooled
            continue
        listed = {item.place.code for item in book.by(metric.id, "week", grain="company", within=town)}
        left = set(companies) - listed
        assert not left & book.pooled or len(left) >= 3, town
        pools += bool(left)
    assert pools and len(hidden) >= 3, "and so is what the listed ones leave of the towns that have no number"


def test_a_town_that_is_one_sum_with_others_has_no_number_of_its_own(
    book: Snapshot, published: Path, tmp_path: Path
) -> None:
    """Not on its page, not in the list of towns, not in the trend, no split, and it is no zero."""
    data = tmp_path / "data"
    shutil.copytree(published / "published", data / "published")
    first, second = (place.code for place in book.places("town")[:2])
    file = data / "published" / f"{book.id}.duckdb"
    file.chmod(0o640)
    with duckdb.connect(str(file)) as open_:
        open_.execute("INSERT INTO marts.pooled_owner VALUES (?, ''), (?, '')", [first, second])
    mended = SnapshotStore(data).open(book.id, Scope.ALL)
    hidden = {first, second}
    for name in ("fleet_online_rate", "fleet_km_per_vehicle_day", "safe_alarm_handled_rate"):
        towns = {item.place.code: item for item in mended.by(name, "week")}
        district = mended.read(name, "week")
        for code in hidden:
            for item in (towns[code], mended.read(name, "week", place=code)):
                assert (item.status, item.value, item.num, item.den) == ("small_cell", None, None, None), name
                assert item.previous is None and item.last_year is None
            assert all(
                point.value is None and point.num is None for point in mended.series(name, "week", 6, place=code)
            )
            listed = records.behind(mended, name, "week", place=code)
            assert listed is not None and not listed.rows and listed.pool is None
        shown = [item for code, item in towns.items() if code not in hidden]
        assert sum(item.den or 0 for item in shown) < (district.den or 0)
        change = explain(mended, name, "week")
        if isinstance(change, Change):
            assert not hidden & {piece.code for piece in change.pieces}
    assert mended.read("fleet_vehicle_cnt", place=first).status == "ok", "who is in the register is no secret"


def test_what_an_owner_who_is_one_person_did_has_no_number_of_its_own(book: Snapshot) -> None:
    """Not on its page, in no list of companies, in no trend and in no split; it is part of the sums over it."""
    owners = [place for place in book.places("company") if place.code in book.pooled]
    telling = [metric for metric in metrics.metrics().values() if one_person.tells_of_vehicles(metric)]
    assert owners and telling
    hidden = 0
    for metric in (metric for metric in telling if "company" in metric.drill):
        for place in owners[:5]:
            reading = book.read(metric.id, place=place.code)
            assert reading.value is None and reading.num is None and not reading.parts, metric.id
            assert reading.status in ("small_cell", "missing") and reading.previous is None, (metric.id, reading.status)
            hidden += reading.status == "small_cell"
            points = book.series(metric.id, metric.windows[0], 6, place=place.code)
            assert all(point.value is None and point.num is None for point in points), metric.id
            listed = records.behind(book, metric.id, place=place.code)
            assert listed is None or (not listed.rows and listed.pool is None), metric.id
            for name in metric.slices:
                assert not book.slices(metric.id, name, place=place.code), metric.id
        for window in metric.windows:
            assert not {one.place.code for one in book.by(metric.id, window, grain="company")} & book.pooled
    assert hidden > 20


def test_a_change_is_split_into_companies_and_vehicles_that_are_no_person(book: Snapshot) -> None:
    owners = book.pooled
    theirs = {
        str(vehicle)
        for vehicle, companies in book.ask(
            "SELECT vehicle_key, list(DISTINCT company_key) FROM marts.vehicle_day GROUP BY 1"
        )
        if set(companies) <= owners
    }
    town: Place = book.places("town")[0]
    split = 0
    for place, by in (
        (DISTRICT, "company"),
        *((one.code, "vehicle") for one in book.places("town")),
        (town.code, "company"),
    ):
        change = explain(book, "fleet_km_per_vehicle_day", "week", place=place, by=by)
        if isinstance(change, Change):
            codes = {piece.code for piece in change.pieces}
            assert not codes & (owners | theirs | {one_person.POOLED})
            total = sum(piece.amount for piece in change.pieces)
            assert abs(change.before + total - change.after) < 1e-6
            split += 1
    assert split


def test_people_are_no_open_list(book: Snapshot) -> None:
    assert records.behind(book, "drv_driver_cnt") is None


def test_it_is_sorted_searched_and_paged_by_the_database(book: Snapshot) -> None:
    whole = records.behind(book, "fleet_km_per_vehicle_day", "week", rows=ALL)
    assert whole is not None and whole.total > 3
    values = [row.value for row in whole.rows if row.value is not None]
    assert values == sorted(values)
    falling = records.behind(book, "fleet_km_per_vehicle_day", "week", sort="value", descending=True, rows=2)
    assert (
        falling is not None
        and [row.value for row in falling.rows] == sorted(values, reverse=True)[:2]
        and falling.total == whole.total
    )
    second = records.behind(book, "fleet_km_per_vehicle_day", "week", page=2, rows=2)
    assert second is not None and [row.key for row in second.rows] == [row.key for row in whole.rows[2:4]]
    beyond = records.behind(book, "fleet_km_per_vehicle_day", "week", page=9999, rows=2)
    last = -(-whole.total // 2)
    assert (
        beyond is not None
        and beyond.page == last
        and [row.key for row in beyond.rows] == [row.key for row in whole.rows[2 * (last - 1) :]]
        and beyond.total == whole.total
    )
    one = whole.rows[0]
    assert [
        row.key
        for row in records.behind(book, "fleet_km_per_vehicle_day", "week", query=one.key.split("#")[0].lower()).rows
    ] == [one.key]  # type: ignore[union-attr]
    company = book.place(str(one.cells["company_key"]))
    mine = records.behind(book, "fleet_km_per_vehicle_day", "week", query=company.label, rows=ALL)
    assert mine is not None and {row.cells["company_key"] for row in mine.rows} == {company.code}
    assert records.behind(book, "fleet_km_per_vehicle_day", "week", query="没有这样的").total == 0  # type: ignore[union-attr]
    assert records.behind(book, "fleet_km_per_vehicle_day", "week", query="' OR 1=1 --").total == 0  # type: ignore[union-attr]
    assert records.behind(book, "fleet_km_per_vehicle_day", "week", sort="num; DROP").total == whole.total  # type: ignore[union-attr]


def test_a_filter_narrows_number_list_and_trend_alike(book: Snapshot) -> None:
    only = (("vehicle_class", "freight"),)
    reading = book.read("fleet_online_rate", "week", only=only)
    listed = records.behind(book, "fleet_online_rate", "week", only=only, rows=ALL)
    assert listed is not None and {row.cells["vehicle_class"] for row in listed.rows} == {"freight"}
    assert ((listed.pool or (0, 0))[1] or 0) + sum(row.den or 0 for row in listed.rows) == reading.den
    members = {member: den for member, _, _, den, _ in book.slices("fleet_online_rate", "vehicle_class", "week")}
    assert members["freight"] == reading.den
    assert book.series("fleet_online_rate", "week", 1, only=only)[0].value == reading.value
    companies = [one for one in book.by("fleet_online_rate", "week", grain="company", only=only) if one.den]
    assert companies and sum(one.den or 0 for one in companies) == sum(row.den or 0 for row in listed.rows)
    vehicles = book.by("fleet_vehicle_cnt", "day", only=only)
    assert sum(town.value or 0 for town in vehicles) == book.read("fleet_vehicle_cnt", "day", only=only).value
    assert book.read("fleet_vehicle_cnt", "day", only=(("vehicle_class", "没有这种"),)).value == 0, (
        "nothing passes the filter, and the day is known"
    )
    with pytest.raises(UsageError):
        book.read("fleet_online_rate", "week", only=(("pts > 0 OR energy", "x"),))
    with pytest.raises(UsageError):
        book.read("drv_driver_cnt", "day", place=book.places("company")[0].code, only=(("sex", "男"),))
    assert book.read("drv_driver_cnt", "day", only=(("sex", "男"),)).value == next(
        value for member, value, *_ in book.slices("drv_driver_cnt", "sex", "day") if member == "男"
    )
