"""Real tracks of real vehicles, dropped beside a mapping file and read without a line of code: distances agree with the
vehicles' own odometers, and a source that is out of range is counted, told and otherwise without effect."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.config.descriptions import feeds
from etl.jobs import refresh
from etl.pipeline import status
from etl.pipeline.intake import pending, run
from etl.runtime.context import Context, opened
from tests.etl import register as sources
from tests.house import AS_OF
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

REAL = Path(__file__).parents[4] / "shared" / "data" / "real_gps"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.exists(), reason="没有真实轨迹数据（共享文件夹 data/real_gps 不在）"),
]
JIANGXI, SF = "jiangxi_transport_2", "sf_cabs"
JIANGXI_MAP = """pseudonyms = true
[columns]
plate_no = "vehicle"
loc_time = { from = "time_utc", time_zone = "UTC" }
lon_e6 = { from = "lon", scale = 1000000 }
lat_e6 = { from = "lat", scale = 1000000 }
speed_01kmh = { from = "speed_kmh", scale = 10 }
direction = "direction_deg"
status_bits = { from = "acc", values = { "0" = "2", "1" = "3" } }
mileage_01km = { from = "odometer_km", scale = 10 }
[constants]
plate_color = 9
platform_id = "jiangxi"
"""
SF_MAP = """pseudonyms = true
[columns]
plate_no = "vehicle"
loc_time = { from = "time_utc", time_zone = "UTC" }
lon_e6 = { from = "lon", scale = 1000000 }
lat_e6 = { from = "lat", scale = 1000000 }
[constants]
plate_color = 9
platform_id = "sf"
"""
DAY, VEHICLES, GAP_S = "2026-11-20", 6, 300


@dataclass
class Real:
    """A small fleet's data folder before and after the two real files came in."""

    data: Path
    before: dict[Any, Any]
    after: dict[Any, Any]
    context: Context
    drop: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.context.writer.execute(sql)


def drop_in(drop: Path, name: str, mapping: str, booked_as: str = "") -> None:
    """A file as an operator puts it there: the mapping first, then the data, an hour ago."""
    folder = drop / "gps"
    (folder / f"{booked_as or name}.map.toml").write_text(mapping, "utf-8")
    target = folder / f"{booked_as or name}.csv.gz"
    shutil.copyfile(REAL / f"{name}.csv.gz", target)
    os.utime(target, (AS_OF.timestamp() - 3600,) * 2)


def readings(data: Path) -> dict[Any, Any]:
    """value, num, den, status and comparisons of every metric in every window, for the district and by town."""
    book = SnapshotStore(data).current(Scope.ALL)
    found = {}
    for metric in book.metrics.values():
        for window in metric.windows:
            # how many deliveries there were is the loader's own work, not the fleet's; the share of good ones must stay
            names = (
                ("value", "status", "previous")
                if metric.id == "dh_source_ontime_rate"
                else ("value", "num", "den", "status", "previous", "last_year")
            )
            for item in [book.read(metric.id, window), *(book.by(metric.id, window) if "town" in metric.drill else [])]:
                found[metric.id, window, item.place.code] = tuple(getattr(item, name) for name in names)
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("real")
    sources.register(folder / "register.sqlite", VEHICLES)
    for number in range(8, 11):
        sources.positions(folder / "drop", number, DAY, VEHICLES)
    sources.endpoints(folder / "data", folder / "register.sqlite", folder / "drop")
    with opened(Settings(folder / "data"), now=lambda: AS_OF) as context:
        pending(context)
        assert refresh.run(context) == []
        before = readings(folder / "data")
        drop_in(folder / "drop", JIANGXI, JIANGXI_MAP)
        drop_in(folder / "drop", SF, SF_MAP)
        assert refresh.run(context) == []
        yield Real(folder / "data", before, readings(folder / "data"), context, folder / "drop")


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """The Jiangxi file as pandas reads it, with the Shanghai day."""
    table = pd.read_csv(REAL / f"{JIANGXI}.csv.gz", parse_dates=["time_utc"])
    table["at"] = table["time_utc"].dt.tz_convert("Asia/Shanghai")
    table["day"] = table["at"].dt.date
    return table.sort_values(["vehicle", "at"], kind="stable")


def odometer_days(raw: pd.DataFrame) -> pd.DataFrame:
    """Kilometres by the whole-kilometre counter, by vehicle and day, in all and while positions came in. A counter
    never runs backwards and no truck drives 160 km/h: a reading that says so (and the one that corrects it) is a glitch
    and is left out."""
    found = []
    for vehicle, rows in raw.groupby("vehicle"):
        middle = rows["odometer_km"].rolling(61, center=True, min_periods=1).median()
        good = rows[(rows["odometer_km"] - middle).abs() <= 3]
        step, hours = good["odometer_km"].diff().fillna(0), good["at"].diff().dt.total_seconds().fillna(0) / 3600
        step = step.where((step >= 0) & (step <= 2 + 160 * hours), 0)
        step = step.where(good["day"] == good["day"].shift(), 0)
        days = (
            pd.DataFrame({"odometer": step, "odometer_tracked": step.where(hours <= GAP_S / 3600, 0)})
            .groupby(good["day"])
            .sum()
        )
        found.append(days.reset_index().assign(vehicle=vehicle))
    return pd.concat(found)


def test_every_row_of_both_files_is_accounted_for(real: Real) -> None:
    accounts = real.rows(
        "SELECT split_part(name, '|', 1), rows_in, merged, older, duplicate, quarantined FROM run.batch "
        "WHERE name LIKE 'gps/%' AND name NOT LIKE 'gps/location/%' ORDER BY 1"
    )
    print(accounts)
    assert [(name, rows_in) for name, rows_in, *_ in accounts] == [
        (f"gps/{JIANGXI}.csv.gz", 210_524),
        (f"gps/{SF}.csv.gz", 183_591),
    ]
    for _, rows_in, merged, older, duplicate, quarantined in accounts:
        assert rows_in == merged + older + duplicate + quarantined and quarantined == 0
    assert real.rows("SELECT sum(pts) FROM marts.gps_vehicle_day WHERE day < DATE '2020-01-01'") == [
        (sum(row[2] for row in accounts),)
    ]


def test_kilometres_agree_with_the_vehicles_own_odometers(real: Real, raw: pd.DataFrame) -> None:
    ours = pd.DataFrame(
        real.rows(
            "SELECT split_part(vehicle_key, '#', 1), day, km_total, km_complete, pts, drift_pts FROM marts.gps_vehicle_day WHERE day BETWEEN '2018-01-01' AND '2018-12-31'"
        ),
        columns=["vehicle", "day", "km_total", "km_complete", "pts", "drift_pts"],
    )
    table = odometer_days(raw).merge(ours, on=["vehicle", "day"], how="outer").sort_values(["vehicle", "day"])
    table["gap_km"] = table["km_total"] - table["km_complete"]
    table["differs_%"] = (table["km_total"] / table["odometer"].where(table["odometer"] > 0) - 1) * 100
    print("\n" + table.round(1).to_string(index=False))
    print(table[["odometer", "km_total", "odometer_tracked", "km_complete"]].sum().round(1).to_string())
    assert table["km_total"].notna().all() and len(table) > 10, "every day with a message has its vehicle-day"
    assert table["km_total"].sum() == pytest.approx(table["odometer"].sum(), rel=0.03)
    # a loss of track is bridged with the counter's help, so only the kilometres outside it are independent of the
    # counter
    assert table["km_complete"].sum() == pytest.approx(table["odometer_tracked"].sum(), rel=0.03)
    long_days = table[table["odometer"] >= 50]
    assert (long_days["differs_%"].abs() <= 5).mean() >= 0.9, (
        "single days agree as well, not only errors that cancel out"
    )


def test_days_with_lost_track_say_so(real: Real, raw: pd.DataFrame) -> None:
    """Losses are found in the raw file by their own definition: ≥300 s of silence in which the vehicle went on by ≥2
    km."""
    step = raw.groupby("vehicle").agg(list)
    lost = set()
    for vehicle, rows in step.iterrows():
        for before, now, km0, km1, day in zip(
            rows["at"], rows["at"][1:], rows["odometer_km"], rows["odometer_km"][1:], rows["day"][1:]
        ):
            if (
                GAP_S < (now - before).total_seconds() <= 43_200
                and 2 <= km1 - km0 <= 160 * (now - before).total_seconds() / 3600
            ):
                lost.add((vehicle, day))
    short = set(
        real.rows(
            "SELECT split_part(vehicle_key, '#', 1), day FROM marts.gps_vehicle_day WHERE day BETWEEN '2018-01-01' AND '2018-12-31' AND km_complete < km_total - 1"
        )
    )
    assert lost and lost <= short, sorted(lost - short)
    assert real.rows("SELECT count(*) FROM marts.gps_vehicle_day WHERE km_complete > km_total") == [(0,)]


def test_trips_and_stops_come_out_of_the_tracks(real: Real) -> None:
    trips = real.rows(
        "SELECT count(*), min(km), max(km) FROM marts.gps_trip WHERE day BETWEEN '2018-01-01' AND '2018-12-31'"
    )[0]
    stops = real.rows(
        "SELECT count(*), min(stop_s) FROM marts.gps_stop WHERE day BETWEEN '2018-01-01' AND '2018-12-31'"
    )[0]
    print(trips, stops)
    assert trips[0] > 20 and trips[1] >= 0 and trips[2] < 1500
    assert stops[0] > 20 and stops[1] >= 1200
    # of the drives of a day none begins before the one before it has ended
    assert real.rows(
        "SELECT count(*) FROM (SELECT from_at < lag(to_at) OVER (PARTITION BY vehicle_key ORDER BY from_at) AS early FROM marts.gps_trip) WHERE early"
    ) == [(0,)]


def test_a_source_out_of_range_is_counted_and_told(real: Real) -> None:
    day = "day BETWEEN DATE '2008-01-01' AND DATE '2008-12-31'"
    pts, in_range, ok, km = real.rows(
        f"SELECT sum(pts), sum(pts - range_pts), sum(pts_ok), sum(km_total) FROM marts.gps_vehicle_day WHERE {day}"
    )[0]
    stored = real.rows(f"SELECT merged FROM run.batch WHERE name LIKE 'gps/{SF}%'")[0][0]
    assert (pts, in_range, ok, km) == (stored, 0, 0, 0)
    found = status.unqualified(real.context.writer, real.context.settings)
    line = next(row for row in found if row["file"] == f"gps/{SF}.csv.gz")
    assert line["pts"] == line["经纬度超出范围"] == stored
    shown_text = status.text(
        {
            "generation": "g",
            "is_demo": False,
            "sources": [],
            "unqualified": found,
            "defects": [],
            "quarantine": [],
            "checks": [],
            "reports": [],
        }
    )
    assert f"文件 gps/{SF}.csv.gz：定位 {stored:,} 条；经纬度超出范围 {stored:,} 条" in shown_text
    other = next(row for row in found if row["file"] == f"gps/{JIANGXI}.csv.gz")
    assert "经纬度超出范围" not in other


def test_no_reading_of_the_fleet_moves_by_either_file(real: Real) -> None:
    assert len(real.before) > 40 and any(value[0] for value in real.before.values())
    moved = {key: (real.before[key], real.after[key]) for key in real.before if real.before[key] != real.after[key]}
    assert moved == {} and set(real.before) == set(real.after)


def test_the_same_file_again_adds_nothing(real: Real) -> None:
    """The same bytes under another name, and the same rows in other bytes."""
    before = real.rows("SELECT count(*), sum(rows) FROM run.lake_file")
    drop_in(real.drop, SF, SF_MAP, booked_as="again")
    table = pd.read_csv(REAL / f"{JIANGXI}.csv.gz", dtype=str).head(20_000)
    table.to_csv(real.drop / "gps" / "part.csv", index=False)
    os.utime(real.drop / "gps" / "part.csv", (AS_OF.timestamp() - 3600,) * 2)
    (real.drop / "gps" / "part.map.toml").write_text(JIANGXI_MAP, "utf-8")
    run(real.context, [feed for feed in feeds() if feed.mapping_beside])
    assert real.rows("SELECT count(*), sum(rows) FROM run.lake_file") == before
    assert real.rows("SELECT merged, duplicate FROM run.batch WHERE name LIKE 'gps/part%'") == [(0, 20_000)]
    assert real.rows("SELECT count(*) FROM raw.quarantine WHERE row_no = -1 AND reason LIKE '%D21%逐字节相同%'") == [
        (1,)
    ]
