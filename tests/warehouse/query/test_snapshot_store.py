"""From marts to numbers: windows, comparisons, statuses, levels."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from tests.house import House, id_number
from tests.warehouse.build.test_models import track
from warehouse.catalog import metrics
from warehouse.catalog.contracts import contracts
from warehouse.compile.metric_sql import Span
from warehouse.core.database import Reader
from warehouse.core.errors import CockpitError, PageMissing, SnapshotGone, UsageError, WarehouseBroken
from warehouse.core.settings import Settings
from warehouse.publish import snapshot
from warehouse.query import data_quality, opened
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

COMPANY = "91330110MA2ABCDE12"


def vehicle(number: int, **rest: object) -> dict[str, object]:
    return {
        "plate_no": f"浙A{number:05d}",
        "plate_color": 2,
        "uscc": COMPANY,
        "veh_type": "Q11",
        "is_trailer": False,
        "gross_mass_t": 25,
        "status": "营运",
        "register_date": "2020-01-01",
        "home_town": "330110010",
        "yz_updated_at": "2020-01-01 08:00:00",
        **rest,
    }


def statistics(number: int, day: str, km: float = 100.0, **rest: object) -> dict[str, object]:
    return {
        "plate_no": f"浙A{number:05d}",
        "plate_color": 2,
        "day": day,
        "pts": 100,
        "pts_ok": 99,
        "drift_pts": 0,
        "km_total": km,
        "km_complete": km - 1,
        "valid_km": km,
        "drive_s": 7200,
        "night_drive_s": 0,
        "fatigue_s": 0,
        "km_night05": 0,
        "depart_at": f"{day} 07:00:00",
        "depart_after": f"{day} 00:00:00",
        **rest,
    }


def together(threads: int, act: Callable[[], object]) -> None:
    """The act in several threads at once, which take turns as often as they can. What one of them raises is raised
    here."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            for one in [pool.submit(act) for _ in range(threads)]:
                one.result()
    finally:
        sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Snapshot]]:
    house = House.with_own_tables(tmp_path_factory.mktemp("readings") / "data")
    house.put(
        "yz_company",
        [
            {
                "uscc": COMPANY,
                "name": "杭州甲物流有限公司",
                "owner_type": "企业",
                "op_town": "330110010",
                "status": "营业",
                "licence_from": "2019-01-01",
                "licence_to": "2030-01-01",
                "yz_updated_at": "2019-01-01 08:00:00",
            }
        ],
    )
    house.put(
        "yz_vehicle",
        [vehicle(number) for number in range(60)] + [vehicle(90, is_trailer=True), vehicle(91, stop_from="2026-01-01")],
    )
    house.put(
        "yz_driver",
        [
            {"id_no": id_number(n), "name": "张三", "status": "在岗", "yz_updated_at": "2020-01-01 08:00:00"}
            for n in range(3)
        ],
    )
    house.put(
        "yz_employment",
        [
            {"id_no": id_number(n), "uscc": COMPANY, "from_date": "2020-01-01", "yz_updated_at": "2020-01-01 08:00:00"}
            for n in range(3)
        ],
    )
    for offset in range(1, 30):
        day = (dt.date(2026, 11, 23) - dt.timedelta(days=offset)).isoformat()
        house.put("gps_vehicle_day", [statistics(number, day) for number in range(50 if offset < 8 else 40)])
    house.put(
        "rdm_check",
        [
            {
                "check_id": f"c{n}",
                "plate_no": f"浙A{n:05d}",
                "plate_color": 2,
                "id_no": id_number(0),
                "check_type": 1,
                "checked_at": "2026-11-22 06:50:00",
                "complete": True,
                "updated_at": "2026-11-22 06:50:00",
            }
            for n in range(25)
        ],
    )
    house.put(
        "gps_alarm",
        [
            {
                "alarm_uid": "A1",
                "src": 1,
                "warn_type": 9,
                "level": 1,
                "plate_no": "浙A00001",
                "plate_color": 2,
                "start_at": "2026-10-30 08:00:00",
                "updated_at": "2026-10-30 08:00:05",
            }
        ],
    )
    book = house.publish()
    yield house, book
    house.close()


def test_a_ratio_shows_its_parts_and_its_comparison(made: tuple[House, Snapshot]) -> None:
    reading = made[1].read("fleet_online_rate", "day")
    assert (reading.num, reading.den, reading.status) == (50, 50, "ok"), "the vehicles never seen are not networked"
    assert reading.win_start == dt.date(2026, 11, 22) and reading.complete and reading.provisional
    before = made[1].read("fleet_online_rate", "day", at="2026-11-10")
    assert (before.num, before.den) == (40, 40), "a vehicle is networked from the day it is first seen"


def test_the_week_in_progress_is_compared_with_the_same_days(made: tuple[House, Snapshot]) -> None:
    reading = made[1].read("fleet_km_per_vehicle_day", "week")
    assert reading.win_start == dt.date(2026, 11, 16), "on a Monday the newest week with a complete day is the last one"
    assert (
        reading.value == pytest.approx(100.0) and reading.previous == pytest.approx(100.0) and reading.last_year is None
    )


def test_a_true_zero_a_silence_and_an_empty_denominator_are_three_things(made: tuple[House, Snapshot]) -> None:
    book = made[1]
    assert (
        book.read("safe_overspeed_per_vehicle", "week").value,
        book.read("safe_overspeed_per_vehicle", "week").status,
    ) == (0.0, "ok")
    assert book.read("fleet_online_rate", "day", at="2025-06-01").status == "missing"
    assert book.read("rdm_pretrip_check_rate", "day", place="330110011").status == "insufficient", (
        "a town without trucks is not silent, it has nothing to report"
    )


FROM_NOWHERE = (
    "rdm_pretrip_check_rate",
    "safe_overspeed_per_vehicle",
    "safe_company_score",
    "safe_alarm_per_1000km",
    "safe_alarm_handled_rate",
    "mem_org_coverage_rate",
    "p4_pairing_rate",
)


@pytest.mark.slow
def test_what_a_source_that_never_delivered_would_have_told_is_not_reported(tmp_path: Path) -> None:
    """Vehicles that drive, and nothing else: 0 checks of 31 journeys, 0.00 times too fast and 98.2 points are nobody's
    report."""
    house = House(tmp_path / "data").own()
    house.put(
        "yz_company",
        [
            {
                "uscc": COMPANY,
                "name": "杭州甲物流有限公司",
                "owner_type": "企业",
                "op_town": "330110010",
                "status": "营业",
                "yz_updated_at": "2019-01-01 08:00:00",
            }
        ],
    )
    house.put("yz_vehicle", [vehicle(number) for number in range(60)])
    for day in range(16, 23):
        house.put("gps_vehicle_day", [statistics(number, f"2026-11-{day}") for number in range(50)])
    book = house.publish()
    assert book.read("fleet_online_rate", "week").status == "ok", "the archive of days stands in for the positions"
    for name in FROM_NOWHERE:
        metric = metrics.metric(name)
        for window in metric.windows:
            stated = [
                book.read(name, window),
                *(one for grain in metric.drill if grain != "vehicle" for one in book.by(name, window, grain=grain)),
            ]
            assert {(one.value, one.num, one.den, one.status) for one in stated} == {
                (None, None, None, "unconnected")
            }, (
                name,
                window,
            )
            assert {point.value for point in book.series(name, window, 3)} <= {None}
        assert all(
            value is None and status != "ok"
            for slice_ in metric.slices
            for _, value, _, _, status in book.slices(name, slice_)
        )
    house.put(
        "rdm_check",
        [
            {
                "check_id": "c",
                "plate_no": "浙A00001",
                "plate_color": 2,
                "id_no": id_number(0),
                "check_type": 1,
                "checked_at": "2026-11-20 06:50:00",
                "complete": True,
                "updated_at": "2026-11-20 06:50:00",
            }
        ],
    )
    house.at += dt.timedelta(minutes=5)
    assert house.publish().read("rdm_pretrip_check_rate", "week").status == "ok", (
        "one row, and the zeros beside it are true"
    )
    house.close()


def test_every_metric_is_unconnected_where_one_of_its_tables_never_delivered(made: tuple[House, Snapshot]) -> None:
    """The rule is one for all: whoever makes a metric declares what may stay away, and why."""
    book = made[1]
    landed = {f"{state.source}_{state.entity}": state.rows for state in book.sources()}
    landed["gps_location"] = landed["gps_vehicle_day"]
    for metric in metrics.metrics().values():
        silent = [name for name in metric.sources if name not in metric.optional and not landed[name]]
        if silent and metric.kind != "now":
            assert {book.read(metric.id, window).status for window in metric.windows} == {"unconnected"}, (
                metric.id,
                silent,
            )


def test_in_the_demo_every_number_is_reported(published: Path) -> None:
    book = SnapshotStore(published).current(Scope.ALL)
    assert [name for name, metric in metrics.metrics().items() if not book.reported(metric)] == []


def test_what_is_no_number_is_not_known(made: tuple[House, Snapshot]) -> None:
    """A sum beyond a double, or over a NaN of an earlier release's file."""
    for broken in (float("nan"), float("inf")):
        assert made[1].value(metrics.metric("safe_night_km_share"), broken, 10.0, 5) == (None, "insufficient")
        assert made[1].value(metrics.metric("fleet_vehicle_cnt"), broken, None, 5) == (None, "insufficient")


def test_stock_is_the_last_day_and_shows_trailers_beside(made: tuple[House, Snapshot]) -> None:
    reading = made[1].read("fleet_vehicle_cnt")
    assert reading.value == 61 and reading.parts == {"挂车": 1}
    assert made[1].read("fleet_company50_cnt").value == 1


def test_towns_add_up_to_the_district_and_the_company_is_there(made: tuple[House, Snapshot]) -> None:
    book = made[1]
    towns = book.by("fleet_vehicle_cnt")
    assert len(towns) == 13 and sum(reading.value or 0 for reading in towns) == 61
    assert [reading.place.label for reading in book.by("fleet_vehicle_cnt", grain="company", within="330110010")] == [
        "杭州甲物流有限公司"
    ]


def test_a_handful_of_people_is_hidden_below_the_district(made: tuple[House, Snapshot]) -> None:
    book = made[1]
    assert book.read("drv_driver_cnt").value == 3
    assert (
        book.read("drv_driver_cnt", place="330110010").status,
        book.read("drv_driver_cnt", place="330110010").value,
    ) == ("small_cell", None)


def test_the_pretrip_check_counts_only_before_the_departure(made: tuple[House, Snapshot]) -> None:
    reading = made[1].read("rdm_pretrip_check_rate", "day")
    assert (reading.num, reading.den) == (25, 50)
    assert made[1].begins(made[1].metrics["rdm_pretrip_check_rate"]) == dt.date(2026, 11, 23), (
        "the checks begin at ten to seven: of that day only a part is held"
    )


def test_a_trend_has_gaps_and_no_invented_zero(made: tuple[House, Snapshot]) -> None:
    points = made[1].series("fleet_online_rate", "week", 8)
    assert [point.status for point in points] == ["missing"] * 4 + ["ok"] * 4, (
        "of the first week only its Sunday is known: it is no low week"
    )
    assert points[-1].value == pytest.approx(1.0)
    book = made[1]
    assert (
        book.begins(book.metrics["fleet_online_rate"]) == dt.date(2026, 10, 25)
        and book.begins(book.metrics["fleet_vehicle_cnt"]) is None
    )
    assert (
        book.read("fleet_online_rate", "week", "2026-W44").previous is None
        and book.read("fleet_online_rate", "week", "2026-W45").previous is not None
    )
    assert book.read("fleet_online_rate", "week", "2026-W43").value is not None, (
        "who asks for that very week is told what is known of it"
    )


def test_every_metric_binds_against_the_built_marts_at_every_level(made: tuple[House, Snapshot]) -> None:
    for metric in metrics.metrics().values():
        for window in metric.windows:
            assert made[1].read(metric.id, window).metric == metric.id
            for grain in ("town", "company"):
                made[1].by(metric.id, window, grain=grain)
            made[1].series(metric.id, window, 5)
        assert "SELECT" in made[1].sql(metric.id)


def test_an_unknown_word_is_answered_with_what_would_be_right(made: tuple[House, Snapshot]) -> None:
    for question in (
        lambda: made[1].read("fleet_onlin_rate"),
        lambda: made[1].read("fleet_online_rate", "day", at="gestern"),
        lambda: made[1].read("fleet_online_rate", place="1; DROP TABLE"),
    ):
        with pytest.raises(UsageError, match="处理办法"):
            question()
    library = SnapshotStore(made[0].settings.data)
    for never in ("../../etc/passwd", "29990101T000000"):
        with pytest.raises(PageMissing):
            library.open(never, Scope.ALL)
    with pytest.raises(SnapshotGone):
        library.open("19990101T000000", Scope.ALL)


def test_the_open_file_lacks_every_person_column(made: tuple[House, Snapshot]) -> None:
    house, book = made
    reader = Reader(house.settings.published / f"{book.generation.id}.duckdb")
    columns = {row[0] for row in reader.rows("SELECT column_name FROM duckdb_columns() WHERE NOT internal")}
    of_drivers = {column.name for column in contracts()["yz_driver"].columns if column.level == "L3"} - {
        "home_town",
        "status",
        "licence_to",
    }
    assert not columns & (of_drivers | {"handler", "responder", "legal_rep", "phone", "from_lon", "to_lat", "valid_s"})


ESCAPES = (
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "COPY (SELECT 1) TO '/tmp/x'",
    "ATTACH '/tmp/x.db'",
    "EXPORT DATABASE '/tmp/x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SET enable_external_access=true",
    "RESET enable_external_access",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "CREATE TABLE x (a INT)",
    "SET memory_limit='20GB'",
    "SELECT * FROM house",
    "SELECT * FROM '/etc/passwd'",
    "SET profiling_output='/tmp/x'",
    "DELETE FROM meta.generation",
)


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_reader_cannot_leave_its_file(made: tuple[House, Snapshot], escape: str) -> None:
    house, book = made
    reader = Reader(house.settings.published / f"{book.generation.id}.duckdb")
    with pytest.raises(WarehouseBroken) as caught:
        reader.rows(escape)
    assert "passwd" not in str(caught.value)


def test_threads_never_see_each_others_rows(made: tuple[House, Snapshot]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    house, book = made
    reader = Reader(house.settings.published / f"{book.generation.id}.duckdb")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: (number, reader.rows("SELECT ?::INT", [number])[0][0]), range(800)))
    assert all(requested == got for requested, got in answers)


@pytest.mark.slow
def test_a_failed_check_holds_the_old_numbers_and_says_so(tmp_path: Path) -> None:
    house = House.with_own_tables(tmp_path / "data")
    house.put("yz_vehicle", [vehicle(number) for number in range(5)])
    house.put("gps_vehicle_day", [statistics(number, "2026-11-22") for number in range(5)])
    first = house.publish()
    assert first.read("dh_data_qualified_rate", "day").value == pytest.approx(0.99)
    house.at += dt.timedelta(minutes=5)
    house.put("gps_vehicle_day", [statistics(0, "2026-11-22", pts=10, pts_ok=50)])
    second = house.publish()
    reading = second.read("dh_data_qualified_rate", "day")
    assert reading.value == pytest.approx(0.99) and "合格定位数大于定位总数" in reading.held
    assert any(check["held"] for check in data_quality.checks(second))
    assert (
        SnapshotStore(house.settings.data)
        .open(first.generation.id, Scope.ALL)
        .read("dh_data_qualified_rate", "day")
        .held
        == ""
    )
    house.close()


@pytest.mark.slow
def test_generations_are_kept_by_age_and_those_a_report_names_for_ever(tmp_path: Path) -> None:
    house = House.with_own_tables(tmp_path / "data")
    house.put("yz_vehicle", [vehicle(1)])
    house.put("gps_vehicle_day", [statistics(1, "2026-11-01")])
    ids = []
    for hours in (0, 1, 2, 30, 31):
        house.at = dt.datetime(2026, 11, 2, 0, 0) + dt.timedelta(hours=hours)
        ids.append(house.publish().generation.id)
    gone = snapshot.retain(house.settings, dt.datetime(2026, 11, 3, 12, 0), cited={ids[0]})
    assert gone == [ids[1]], "the last of a closed day, the cited one and everything of the last 24 hours stay"
    house.close()


def test_live_positions_partition_the_fleet(house: House) -> None:
    from warehouse.publish import live

    house.put("yz_vehicle", [vehicle(number) for number in range(3)])
    house.put(
        "gps_location",
        track({"plate_no": "浙A00001", "track": {"from": "2026-11-23T13:50:00", "minutes": 10, "kmh": 60}}),
    )
    house.build()
    live.publish(house.writer, house.settings, house.at)
    frame = live.read(house.settings.data)
    assert frame is not None and frame.counts == {"running": 1, "parked": 0, "offline": 2, "alarm": None}
    assert sorted((dot.state, dot.lon is None, dot.loc_time is None) for dot in frame.dots) == [
        ("offline", True, True),
        ("offline", True, True),
        ("running", False, False),
    ]
    note = live.head(house.settings.data)
    assert note is not None and (note.version, note.as_of) == (frame.version, frame.as_of)
    (house.settings.live / f"{frame.version}.json").write_bytes(b"[[1,2")
    assert live.read(house.settings.data) is None, "half a picture is none"


@pytest.mark.parametrize(("trucks", "town"), [(1, "不单列"), (2, "良渚街道")], ids=["one truck", "two trucks"])
def test_the_live_list_names_no_town_whose_trucks_are_those_of_one_person(house: House, trucks: int, town: str) -> None:
    """Beside a masked plate, time and kind the name of such a town tells who."""
    from warehouse.publish import live

    house.put("yz_vehicle", [vehicle(number) for number in range(trucks)])
    alarm = {
        "alarm_uid": "A1",
        "warn_type": 1,
        "level": 2,
        "plate_no": "浙A00000",
        "plate_color": 2,
        "start_at": "2026-11-23T13:55:00",
        "updated_at": "2026-11-23T13:56:00",
    }
    house.put("gps_alarm", [alarm])
    house.build()
    live.publish(house.writer, house.settings, house.at)
    listed = live.read(house.settings.data)
    assert listed is not None and [one.town for one in listed.alarms] == [town]


def test_the_error_tree_gives_every_leaf_its_own_exit_code() -> None:
    leaves = CockpitError.__subclasses__()
    assert len({leaf.exit_code for leaf in leaves}) == len(leaves) and all(leaf.to_do for leaf in leaves)


def test_the_error_tree_tells_a_browser_what_kind_of_failure_it_is() -> None:
    stated = {leaf.__name__: leaf.http_status for leaf in CockpitError.__subclasses__()}
    assert (
        stated["UsageError"],
        stated["PageMissing"],
        stated["Refused"],
        stated["DataMissing"],
        stated["ConfigError"],
        stated["WarehouseBroken"],
    ) == (400, 404, 403, 503, 500, 500)
    assert all(400 <= status < 600 for status in stated.values())


def test_two_jobs_that_publish_the_live_picture_at_once_never_give_a_version_twice(house: House) -> None:
    from warehouse.publish import live

    house.put("yz_vehicle", [vehicle(number) for number in range(3)])
    house.build()
    given: list[int] = []
    together(2, lambda: given.extend(live.publish(house.writer, house.settings, house.at) for _ in range(15)))
    assert sorted(given) == list(range(1, 31)) and live.version(house.settings.data) == 30


def test_payloads_that_arrive_at_once_each_have_a_place_of_their_own(house: House) -> None:
    before = len(list(house.landing.notes()))
    together(4, lambda: [house.land("yz", "vehicle", b"[]", "json_rows") for _ in range(20)])
    places = [note.seq for note in house.landing.notes()]
    assert len(places) == len(set(places)) == before + 80


def test_answers_are_found_again_while_other_readers_push_them_out(
    made: tuple[House, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers choose their filters, so a full cache is nothing rare: no reader may miss the answer that was just
    given."""
    monkeypatch.setattr(opened, "MOST_ANSWERS", 20)
    book = Snapshot(made[0].settings, made[1].generation.id, Scope.ALL, None)
    first = dt.date(2026, 1, 1)
    keys = [Span(first + dt.timedelta(days=n), first, first) for n in range(60)]
    wrong: list[object] = []

    def ask() -> None:
        for n in range(20_000):
            key = keys[(n * 7919) % len(keys)]
            if book.remember(("key", key), lambda key=key: key.start) != key.start:  # type: ignore[misc]
                wrong.append(key)

    together(8, ask)
    assert not wrong and len(book._answers) <= 20


def test_readers_of_old_snapshots_never_close_the_one_that_everybody_reads(
    made: tuple[House, Snapshot], tmp_path: Path
) -> None:
    newest, folder = made[1].generation.id, Settings(tmp_path / "data")
    shutil.copytree(made[0].settings.published, folder.published)
    older = [f"2025010{n}T000000" for n in range(1, 8)]
    for name in older:
        for suffix in (".json", ".duckdb"):
            shutil.copyfile(folder.published / f"{newest}{suffix}", folder.published / f"{name}{suffix}")
    library = SnapshotStore(folder.data)
    current = library.current(Scope.ALL)
    opened = [library.open(name, Scope.ALL) for name in older]
    assert library.current(Scope.ALL) is current and library.open(newest, Scope.ALL) is current
    assert library.open(older[-1], Scope.ALL) is opened[-1] and library.open(older[0], Scope.ALL) is not opened[0], (
        "few others stay open"
    )


@pytest.mark.slow
def test_a_generation_of_an_earlier_release_says_what_it_does_not_know(house: House) -> None:
    """A column that came later is missing there, not an error of the whole page, and not zero."""
    house.put("yz_vehicle", [vehicle(1)])
    house.publish()
    file = house.settings.published / f"{snapshot.current(house.settings)}.duckdb"
    file.chmod(0o600)
    with duckdb.connect(str(file)) as old:
        old.execute("ALTER TABLE marts.vehicle_day DROP COLUMN is_diesel")
    book = SnapshotStore(house.settings.data).current(Scope.ALL)
    assert book.read("fleet_vehicle_cnt").value == 1
    assert (book.read("fleet_diesel_g4_rate").status, book.by("fleet_diesel_g4_rate")[0].status) == (
        "missing",
        "missing",
    )
    assert {point.status for point in book.series("fleet_diesel_g4_rate", "day", 3)} == {"missing"}
