"""Who sees some towns and companies reads from a database in which there is nothing else: every table is decided, every
row lies inside, sums are those of the rows inside, and no book is opened without a scope."""

from __future__ import annotations

import gc
import inspect
import random
import shutil
import weakref
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.depth import depth
from warehouse.catalog.metrics import metrics
from warehouse.compile.reading import DISTRICT, Place
from warehouse.core.database import Reader
from warehouse.core.errors import PageMissing, UsageError
from warehouse.insight import profiles, search
from warehouse.query import contribution, records, scope
from warehouse.query.contribution import NoSplit
from warehouse.query.programmes import scores
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

TOWN = Place("330110009", "仁和街道", "town", DISTRICT)
INSIDE = Place("C1", "一号", "company", TOWN.code)
OUTSIDE = Place("C2", "二号", "company", "330110010")
OF_THE_DISTRICT = {
    "marts.camp",
    "marts.driver_band",
    "marts.key_quality",
    "marts.points_day",
    "marts.unit_task",
    "marts.warm_milestone",
    "meta.review",
}
"""Tables that say of no row where it belongs and tell of the whole district: nobody with a scope reads them."""


@pytest.fixture(scope="module")
def store(published: Path) -> SnapshotStore:
    return SnapshotStore(published)


@pytest.fixture(scope="module")
def whole(store: SnapshotStore) -> Snapshot:
    return store.current(Scope.ALL)


@pytest.fixture(scope="module")
def raw(published: Path, whole: Snapshot) -> Reader:
    """The published file itself, whole."""
    return Reader(published / "published" / f"{whole.id}.duckdb")


def drawn(whole: Snapshot, seed: int) -> Scope:
    """A scope of one to three towns, some companies, or both."""
    chance = random.Random(seed)
    towns = [place.code for place in whole.places("town")]
    companies = [place.code for place in whole.places("company")]
    kind = chance.choice(("towns", "companies", "both"))
    return Scope(
        tuple(chance.sample(towns, chance.randint(1, 3))) if kind != "companies" else (),
        tuple(chance.sample(companies, chance.randint(1, 3))) if kind != "towns" else (),
    )


# -- the scope itself -------------------------------------------------------------------------------------------------


def test_a_scope_is_equal_for_equal_places() -> None:
    assert Scope(("b", "a", "a"), ()) == Scope(("a", "b"), ()) and Scope(("a",), ()) != Scope((), ("a",))
    assert Scope((), ()) == Scope.ALL and Scope.ALL.is_all and not Scope((), ("a",)).is_all
    codes = {Scope(("a",), ()).code, Scope((), ("a",)).code, Scope(("a", "b"), ()).code, Scope.ALL.code}
    assert len(codes) == 4 and Scope(("b", "a"), ()).code in codes


def test_a_company_is_inside_by_itself_and_by_its_town() -> None:
    of_town, of_company = Scope((TOWN.code,), ()), Scope((), (OUTSIDE.code,))
    assert of_town.has(TOWN) and of_town.has(INSIDE) and not of_town.has(OUTSIDE)
    assert of_company.has(OUTSIDE) and not of_company.has(INSIDE) and not of_company.has(TOWN)
    district = Place(DISTRICT, "余杭区", "district")
    assert Scope.ALL.has(district) and not of_town.has(district) and of_town.has(of_town.total([TOWN]))


def test_all_its_places_together_are_called_by_name_and_by_a_code_of_their_own() -> None:
    one = Scope((TOWN.code,), (OUTSIDE.code,))
    assert one.total([TOWN, OUTSIDE]).label == "本范围（仁和街道、二号）"
    assert one.total([TOWN, OUTSIDE, INSIDE, INSIDE]).label == "本范围（仁和街道、二号、一号 等 4 处）"
    assert scope.is_total(one.total([])) and not scope.is_total(TOWN) and one.total([]).code != DISTRICT
    scope.one_place(TOWN, "交办")
    with pytest.raises(UsageError, match="本范围的合计数不能交办"):
        scope.one_place(one.total([TOWN, OUTSIDE]), "交办")


def test_rows_are_kept_by_bound_codes_and_only_by_columns_that_there_are() -> None:
    both = Scope((TOWN.code,), ("x' OR 1=1 --",))
    assert both.rows(["town_code", "company_key"]) == (
        "(list_contains(?, town_code) OR list_contains(?, company_key))",
        [[TOWN.code], ["x' OR 1=1 --"]],
    )
    assert both.rows(["town_code"])[1] == [[TOWN.code]]
    assert Scope((), ("a",)).rows(["town_code"]) == ("false", [])


# -- nothing can forget it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "parameter"),
    [
        (SnapshotStore.current, "scope"),
        (SnapshotStore.open, "scope"),
        (Snapshot.__init__, "scope"),
        (Snapshot.__init__, "whole"),
    ],
)
def test_no_book_is_opened_without_saying_for_whom(function: Any, parameter: str) -> None:
    assert inspect.signature(function).parameters[parameter].default is inspect.Parameter.empty


def test_a_scope_says_both_what_it_holds() -> None:
    assert all(field.default is MISSING for field in fields(Scope))


def test_of_every_table_it_is_decided_what_a_scope_sees(store: SnapshotStore, raw: Reader) -> None:
    """A new table that says of no row where it belongs fails here until it stands in scope.PLACELESS or above."""
    there = {f"{schema}.{name}" for schema, name in raw.rows("SELECT schema_name, table_name FROM duckdb_tables()")}
    book = store.current(Scope((TOWN.code,), ()))
    seen = {
        f"{schema}.{name}"
        for schema, name in book.ask("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal")
    }
    assert there - seen == OF_THE_DISTRICT & there and seen <= there
    assert set(scope.BELONGS) | scope.PLACELESS <= there


# -- what a scope sees ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(depth(12, 100)))
def test_every_row_lies_inside_and_says_of_nobody_outside(
    store: SnapshotStore, whole: Snapshot, raw: Reader, seed: int
) -> None:
    chosen = drawn(whole, seed)
    book = store.current(chosen)
    named = {"towns": list(chosen.towns), "companies": list(chosen.companies)}
    inside = {
        key
        for (key,) in raw.rows(
            "SELECT company_key FROM marts.dim_company WHERE list_contains($towns, town_code) "
            "OR list_contains($companies, company_key)",
            named,
        )
    }
    assert {place.code for place in book.places("company")} == inside
    assert {place.code for place in book.places("town")} == set(chosen.towns)
    columns = book.ask(
        "SELECT schema_name || '.' || table_name, list(column_name) FROM duckdb_columns() "
        "WHERE database_name <> 'whole' AND NOT internal AND schema_name = 'marts' GROUP BY 1"
    )
    compared = 0
    for table, names in columns:
        places = [name for name in ("town_code", "company_key") if name in names]
        if not places or table in ("marts.one_person_owner", "marts.pooled_owner"):
            continue
        rows = book.ask(f"SELECT {', '.join(places)} FROM {table}")
        for row in rows:
            has = dict(zip(places, row, strict=True))
            town, company = has.get("town_code"), has.get("company_key")
            assert town in (None, "", "~") or town in chosen.towns, (table, row)
            assert company in (None, "") or company.startswith("~") or company in inside, (table, row)
            assert town in chosen.towns or company in inside, (table, row)
        where = " OR ".join(
            f"list_contains(${name}, {column})"
            for name, column in (("towns", "town_code"), ("inside", "company_key"))
            if column in names
        )
        bound = {"towns": list(chosen.towns), "inside": sorted(inside)}
        used = {name: value for name, value in bound.items() if f"${name}" in where}
        assert len(rows) == raw.rows(f"SELECT count(*) FROM {table} WHERE {where}", used)[0][0], table
        compared += len(rows)
    assert compared or not inside
    seen = book.ask(
        "SELECT DISTINCT place FROM meta.person_reading UNION SELECT DISTINCT grain_key FROM meta.kpi_revision"
    )
    assert {code for (code,) in seen} <= inside | set(chosen.towns)


def test_one_place_is_that_place(store: SnapshotStore, whole: Snapshot) -> None:
    for place in (whole.place("330110009"), whole.places("company", "330110010")[0]):
        chosen = Scope((place.code,), ()) if place.grain == "town" else Scope((), (place.code,))
        book = store.current(chosen)
        assert (book.home.code, book.home.label, book.home.grain) == (place.code, place.label, place.grain)
        for metric in metrics().values():
            if place.grain not in metric.drill:
                assert book.read(metric.id).status == "no_total"
                assert book.series(metric.id, metric.windows[0], 3) == [] and book.by(metric.id) == []
                continue
            theirs = whole.read(metric.id, place=place.code)
            ours = book.read(metric.id)
            assert (ours.value, ours.num, ours.den, ours.status) == (
                theirs.value,
                theirs.num,
                theirs.den,
                theirs.status,
            ), metric.id
            assert (ours.previous, ours.last_year, ours.judgement, ours.parts) == (
                theirs.previous,
                theirs.last_year,
                theirs.judgement,
                theirs.parts,
            ), metric.id
            if theirs.window != "now":
                window = metric.windows[0]
                assert book.series(metric.id, window, 6) == whole.series(metric.id, window, 6, place=place.code)


def test_several_come_to_what_their_rows_come_to(store: SnapshotStore, whole: Snapshot, raw: Reader) -> None:
    """Counted again on the file itself, by statements of this test."""
    first, second = [place for place in whole.places("town") if place.code not in whole.pooled][:2]
    towns = (first.code, second.code)
    other = next(
        place.code for place in whole.places("company") if place.parent not in towns and place.code not in whole.pooled
    )
    book = store.current(Scope(towns, (other,)))
    mine = f"(town_code IN {towns} OR company_key = '{other}')"
    day = whole.generation.built_at.date()
    expected = {
        "fleet_vehicle_cnt": f"SELECT count(DISTINCT vehicle_key) FROM marts.vehicle_day WHERE is_v AND day = DATE '{day}' AND {mine}",
        "fleet_running_now_cnt": f"SELECT count(*) FROM marts.vehicle_now WHERE state = 'running' AND {mine}",
    }
    for name, sql in expected.items():
        window = "day" if name == "fleet_vehicle_cnt" else "now"
        assert book.read(name, window).value == raw.rows(sql)[0][0]
    week = book.read("safe_alarm_handled_rate", "week")
    counted = raw.rows(
        "SELECT count(*) FILTER (is_handled), count(*) FROM marts.alarm_event WHERE is_v AND is_due "
        f"AND NOT coalesce(is_clock_error, false) AND day BETWEEN ? AND ? AND {mine}",
        [week.win_start, week.win_end],
    )[0]
    assert (week.num, week.den) == counted and week.place.label.startswith(f"本范围（{first.label}、{second.label}、")
    assert book.read("fleet_vehicle_cnt", "day").value < whole.read("fleet_vehicle_cnt", "day").value  # type: ignore[operator]


def test_of_towns_numbers_add_up_and_persons_are_not_added(store: SnapshotStore, whole: Snapshot) -> None:
    book = store.current(Scope(("330110009", "330110010"), ()))
    added = 0
    for metric in metrics().values():
        reading = book.read(metric.id)
        assert reading.target is None or metric.denominator, "what the district should count is no measure for a part"
        if metric.person or "town" not in metric.drill:
            assert (reading.status, reading.value, reading.num, reading.den) == ("no_total", None, None, None), (
                metric.id
            )
            assert isinstance(contribution.explain(book, metric.id), NoSplit)
            continue
        towns = [whole.read(metric.id, place=code) for code in ("330110009", "330110010")]
        if any(town.status == "small_cell" for town in towns):  # owners who are one person
            continue
        # a vehicle that was registered in both counts once
        assert (reading.num or 0) <= sum(town.num or 0 for town in towns) + 1e-6, metric.id
        if contribution.adds(metric) and "DISTINCT" not in metric.numerator:
            assert reading.num == pytest.approx(sum(town.num or 0 for town in towns)), metric.id
            added += 1
        assert [one.place.code for one in book.by(metric.id)] == ["330110009", "330110010"]
    assert added > 8


def test_the_parts_of_a_change_name_nobody_outside(store: SnapshotStore, whole: Snapshot) -> None:
    book = store.current(Scope(("330110009", "330110010"), ()))
    inside = {place.label for place in (*book.places("town"), *book.places("company"))}
    found = 0
    for name in ("fleet_online_rate", "fleet_vehicle_cnt", "safe_alarm_per_1000km", "fleet_km_per_vehicle_day"):
        for by in ("town", "company"):
            change = contribution.explain(book, name, by=by)
            if isinstance(change, NoSplit):
                continue
            assert change.before + sum(piece.amount for piece in change.pieces) == pytest.approx(change.after)
            assert {piece.label for piece in change.pieces} <= {*inside, "范围外", "归属待核", "重复计数", "不单列"}
            assert all(book.known(piece.code) for piece in change.pieces if piece.code)
            found += len(change.pieces)
    assert found


def test_lists_search_and_single_things_end_at_the_scope(store: SnapshotStore, whole: Snapshot, raw: Reader) -> None:
    book = store.current(Scope(("330110009",), ()))
    outside = next(place for place in whole.places("company") if place.parent == "330110010")
    vehicle, alarm, site = (
        raw.rows(sql)[0][0]
        for sql in (
            "SELECT vehicle_key FROM marts.vehicle_current v JOIN marts.dim_company c USING (company_key) "
            "WHERE v.town_code = '330110010' AND c.town_code = '330110010' "
            "AND vehicle_key NOT IN (SELECT vehicle_key FROM marts.vehicle_day WHERE town_code = '330110009')",
            "SELECT alarm_uid FROM marts.alarm_event a JOIN marts.dim_company c USING (company_key) "
            "WHERE a.town_code <> '330110009' AND c.town_code <> '330110009'",
            "SELECT site_id FROM marts.site WHERE town_code <> '330110009'",
        )
    )
    keys = {
        "company": outside.code,
        "town": "330110010",
        "vehicle": vehicle,
        "alarm": alarm,
        "site": site,
        "unit": whole.records("SELECT unit_id FROM marts.unit_task LIMIT 1")[0]["unit_id"],
    }
    for kind, key in keys.items():
        assert profiles.brief(whole, kind, key)[0]
        with pytest.raises(PageMissing):
            profiles.brief(book, kind, key)
    with pytest.raises(PageMissing):
        book.read("fleet_vehicle_cnt", place=outside.code)
    for typed in (outside.code, vehicle.partition("#")[0], alarm, "良渚", "lzjd"):
        assert search.find(whole, typed), typed
        assert not {"company", "vehicle", "alarm", "town", "site"} & set(search.find(book, typed)), typed
    for name in ("fleet_vehicle_cnt", "safe_alarm_handled_rate", "fleet_company_cnt", "site_visit_cnt"):
        listed = records.behind(book, name, rows=500)
        assert listed is not None
        theirs = records.behind(whole, name, place="330110009", rows=500)
        assert theirs is not None and {row.key for row in listed.rows} == {row.key for row in theirs.rows}


def test_an_owner_who_is_one_person_stays_one_outside(store: SnapshotStore, whole: Snapshot) -> None:
    """A vehicle inside whose owner is outside: the owner is not named, and is still known to be one person."""
    book = store.current(Scope(("330110009", "330110010"), ()))
    companies = whole.pooled - {town.code for town in whole.places("town")}
    assert len(book.pooled - set(book.scope.towns) - {"~"}) == len(companies)
    mine = {place.code for place in (*book.places("company"), *book.places("town"))}
    assert {key for key in book.pooled if not key.startswith("~")} == whole.pooled & mine


def test_a_programme_has_its_indicators_and_no_score(store: SnapshotStore, whole: Snapshot) -> None:
    found = scores(store.current(Scope(("330110009",), ())))
    assert [one.label for one in found] == [one.label for one in scores(whole)]
    assert all(one.score is None and one.ahead is None and one.tone == "" for one in found)
    assert any(item.reading.status == "ok" for one in found for item in one.items)


def test_a_scope_of_places_that_are_gone_sees_nothing(store: SnapshotStore) -> None:
    book = store.current(Scope(("330110999",), ("GONE",)))
    assert book.places("town") == book.places("company") == [] and book.home.label == "本范围（现无镇街、企业）"
    assert {book.read(name).status for name in metrics()} == {"no_total"}
    assert search.find(book, "仁和") == {} and profiles.sites(book) == []


def test_answers_of_one_scope_are_not_those_of_another(store: SnapshotStore) -> None:
    first, second = Scope(("330110009",), ()), Scope(("330110010",), ())
    assert store.current(first) is store.current(Scope(("330110009",), ())) is not store.current(second)
    assert store.current(first).read("fleet_vehicle_cnt").place.code == "330110009"
    assert store.current(second).read("fleet_vehicle_cnt").place.code == "330110010"
    assert store.open(store.current(first).id, second) is store.current(second)
    assert store.current(first).live() is None


def test_books_that_nobody_holds_are_closed_at_once(published: Path, whole: Snapshot) -> None:
    """A file that was taken away stays on the disk as long as somebody has it open."""
    first, second = SnapshotStore(published), SnapshotStore(published)
    held = [weakref.ref(first.current(scope)) for scope in (Scope.ALL, Scope((TOWN.code,), ()))]
    assert all(one() is not None for one in held)
    gc.disable()
    try:
        del first
        assert all(one() is None for one in held), "without waiting for a search for garbage"
    finally:
        gc.enable()
    book = second.open(whole.id, Scope((TOWN.code,), ()))
    second._scoped["20000101T000000", Scope((TOWN.code,), ())] = book
    second.current(Scope.ALL)
    assert list(second._scoped) == [(whole.id, Scope((TOWN.code,), ()))], (
        "of generations that are not open nothing stays"
    )


def test_a_generation_of_an_earlier_release_is_narrowed_as_it_is(
    published: Path, whole: Snapshot, tmp_path: Path
) -> None:
    """What it lacks is not known there, and is no reason to show more."""
    (tmp_path / "published").mkdir()
    for file in (published / "published").iterdir():
        if "restricted" not in file.name:
            shutil.copyfile(file, tmp_path / "published" / file.name)
    with duckdb.connect(str(tmp_path / "published" / f"{whole.id}.duckdb")) as old:
        old.execute("DROP TABLE marts.one_person_owner; DROP TABLE marts.pooled_owner; DROP TABLE marts.stop_reach")
        old.execute("ALTER TABLE marts.vehicle_current DROP town_code")
    store = SnapshotStore(tmp_path)
    book = store.open(whole.id, Scope((TOWN.code,), ()))
    assert book.read("fleet_vehicle_cnt", "day").value == whole.read("fleet_vehicle_cnt", "day", place=TOWN.code).value
    assert book.read("site_reach_rate").status == store.current(Scope.ALL).read("site_reach_rate").status == "missing"
    inside = {place.code for place in book.places("company")}
    rows = book.ask("SELECT company_key FROM marts.vehicle_current")
    assert rows and {key for (key,) in rows} <= inside
    assert book.read("drv_driver_cnt", place=DISTRICT).value is None, "persons below the district were judged otherwise"
