"""The drop folder: positions, statistics, checks, cameras and recognition as GB18030 CSV, gzip, Chinese headers;
workbooks and sites beside.

Everything is written into a folder aside and renamed once, so a reader never meets half a folder. The alarm history,
which costs the same walk over 400 days, is kept beside it as a cache of pure functions (`history/*.parquet`).
"""

from __future__ import annotations

import gzip
import io
import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from etl.demo.app import sites
from etl.demo.drivers import active_safety
from etl.demo.drivers.active_safety import due_alarms
from etl.demo.drivers.attendance import day_failed_items, day_identities
from etl.demo.drivers.management import day_checks
from etl.demo.ledgers import papers
from etl.demo.positions import positions
from etl.demo.positions.alarms import day_alarms
from etl.demo.positions.movement import day_plan
from etl.demo.positions.statistics import vehicle_day
from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.defects import Planted
from etl.demo.world.world import World

Progress = Callable[[str, int, int], None]
FILE_STEP_S = 60
CHECKS_OVER_API_DAYS = 35
REPEATED_DAYS_AGO = 47
SMALL_SCALE = 400  # below this a second process costs more than it brings
POSITION_HEADER = (
    "车牌号",
    "车牌颜色",
    "定位时间",
    "接收时间",
    "经度",
    "纬度",
    "加密",
    "海拔",
    "速度",
    "记录仪速度",
    "方向",
    "里程",
    "状态位",
    "报警位",
    "卫星数",
    "补传",
    "平台编号",
)
DAY_HEADER = (
    "车牌号",
    "车牌颜色",
    "统计日期",
    "定位点数",
    "合格点数",
    "漂移点数",
    "总里程",
    "完整里程",
    "有效里程",
    "首个合格定位",
    "首次移动",
    "末次移动",
    "末次定位",
    "行驶时长",
    "夜间行驶时长",
    "疲劳超时",
    "零至五时里程",
    "停车后首次出车",
    "停车开始",
    "行程数",
)
ALARM_HEADER = {
    "alarm_uid": "报警编号",
    "terminal_id": "终端编号",
    "profile": "协议",
    "module": "模块",
    "code": "类型码",
    "level": "级别",
    "flag": "标志",
    "alarm_time": "报警时间",
    "plate_no": "车牌号",
    "plate_color": "车牌颜色",
    "id_no": "身份证号",
    "speed_kmh": "速度",
    "lon": "经度",
    "lat": "纬度",
    "fatigue": "疲劳程度",
    "front_speed": "前车速度",
    "front_dist": "前车距离",
    "attach_cnt": "附件数",
    "face_image": "人脸抓拍",
    "updated_s": "更新时间",
}
DEVICE_HEADER = {
    "terminal_id": "终端编号",
    "day": "日期",
    "online_min": "在线时长",
    "cam_fault": "摄像头故障",
    "occluded_min": "遮挡时长",
    "updated_s": "更新时间",
}
IDENTITY_HEADER = {
    "rec_id": "记录编号",
    "trip_id": "行程编号",
    "plate_no": "车牌号",
    "plate_color": "车牌颜色",
    "id_no": "身份证号",
    "at": "识别时间",
    "method": "识别方式",
    "result": "识别结果",
    "face_image": "人脸抓拍",
    "updated_s": "更新时间",
}
CHECK_HEADER = ("检查编号", "车牌号", "车牌颜色", "身份证号", "检查类型", "检查时间", "是否完整", "里程表", "更新时间")


def _write_csv(path: Path, columns: dict[str, pa.Array]) -> None:
    """Columns → gzip'ed GB18030 CSV without quotes; timestamps at second precision as 'YYYY-MM-DD HH:MM:SS'."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(pa.table(columns), sink, options)
    text = ",".join(columns) + "\n" + sink.getvalue().decode("utf-8")
    # mtime 0: the same world gives the same bytes
    path.write_bytes(gzip.compress(text.encode("gb18030"), compresslevel=1, mtime=0))


def _instants(seconds: np.ndarray) -> pa.Array:
    seconds = np.asarray(seconds, dtype=np.int64)
    return pa.array(seconds.astype("datetime64[s]"), mask=seconds < 0)


def _texts(values: np.ndarray) -> pa.Array:
    return pa.array(values, type=pa.string(), from_pandas=True)


@lru_cache(maxsize=2)
def _plate_dictionary(world: World) -> tuple[pa.Array, np.ndarray, pa.Array]:
    plates, colours = positions.spoken_plates(world)
    return _texts(plates), colours, _texts(positions.platform_ids(world))


def position_hours(world: World) -> list[int]:
    """Local seconds of the full hours of the backlog, yesterday 00:00 up to and with the hour of `started_at`."""
    begin, end = (world.anchor_day - 1) * DAY, clock.local_second(world.started_at)
    return list(range(begin, end, 3600))


def write_position_hour(world: World, drop: Path, hour: int, step: int = FILE_STEP_S) -> None:
    """One file of messages received in the hour beginning at `hour`, cut at `started_at`; a message every `step`
    seconds per vehicle, by default every other tick."""
    until = min(hour + 3600, clock.local_second(world.started_at) + 1)
    rows = positions.messages(world, hour - 1, until - 1, step)
    plates, colours, platforms = _plate_dictionary(world)
    label = rows["label"]
    zero = np.zeros(len(label), dtype=np.int64)
    values = (
        plates.take(pa.array(label)),
        pa.array(colours[label]),
        _instants(rows["loc_time"]),
        _instants(rows["recv_time"]),
        pa.array(rows["lon_e6"]),
        pa.array(rows["lat_e6"]),
        pa.array(zero),
        pa.array(rows["alt_m"]),
        pa.array(rows["speed_01kmh"]),
        pa.array(rows["rec_speed_01kmh"]),
        pa.array(rows["direction"]),
        pa.array(rows["mileage_01km"]),
        pa.array(rows["status_bits"]),
        pa.array(rows["alarm_bits"]),
        pa.array(rows["sat_cnt"]),
        pa.array(rows["is_makeup"]),
        platforms.take(pa.array(rows["platform"])),
    )
    stamp = clock.instant_of(hour).strftime("%Y%m%d%H")
    _write_csv(
        drop / "gps" / "location" / f"gps_location_{stamp}.csv.gz", dict(zip(POSITION_HEADER, values, strict=True))
    )


def statistics_days(world: World) -> range:
    """Day numbers with a statistics file: the days of history, ending the day before yesterday."""
    return range(world.first_day - 1, world.anchor_day - 1)


def _kilometres(values: pd.Series) -> pa.Array:
    return pa.array(values.to_numpy().round(3))


def write_statistics_day(world: World, drop: Path, day: int) -> None:
    """One statistics file; rows only for vehicles that sent something."""
    table = vehicle_day(world, day)
    ids = world.tracked[table["veh"].to_numpy()]
    vehicles = world.vehicles
    whole = [pa.array(table[n].to_numpy()) for n in ("points", "qualified", "drift")]
    km = [_kilometres(table[n]) for n in ("km_total", "km_complete", "km_valid")]
    instants = [_instants(table[n].to_numpy()) for n in ("first_qualified_s", "first_move_s", "last_move_s", "last_s")]
    seconds = [pa.array(table[n].to_numpy()) for n in ("drive_s", "night_s", "fatigue_s")]
    values = (
        _texts(vehicles["plate_no"].to_numpy()[ids]),
        pa.array(vehicles["plate_color"].to_numpy()[ids]),
        _texts(np.full(len(ids), clock.day_text(day, "%Y-%m-%d"), dtype=object)),
        *whole,
        *km,
        *instants,
        *seconds,
        _kilometres(table["km_0_5"]),
        _instants(table["depart_s"].to_numpy()),
        _instants(table["stop_s"].to_numpy()),
        pa.array(table["trips"].to_numpy()),
    )
    _write_csv(
        drop / "gps" / "vehicle_day" / f"gps_vehicle_day_{clock.day_text(day)}.csv.gz",
        dict(zip(DAY_HEADER, values, strict=True)),
    )


def write_check_month(drop: Path, month: str, table: pd.DataFrame) -> None:
    """One file of checks; `month` is 'YYYYMM'."""
    values = (
        *[_texts(table[n].to_numpy()) for n in ("check_id", "plate_no")],
        pa.array(table["plate_color"].to_numpy()),
        _texts(table["id_no"].to_numpy()),
        pa.array(table["check_type"].to_numpy()),
        _texts(table["checked_at"].to_numpy()),
        pa.array(table["complete"].to_numpy().astype(int)),
        pa.array(table["odometer"].to_numpy()),
        _instants(table["updated_s"].to_numpy()),
    )
    _write_csv(drop / "rdm" / "check" / f"rdm_check_{month}.csv.gz", dict(zip(CHECK_HEADER, values, strict=True)))


def _plain(table: pd.DataFrame, header: dict[str, str]) -> dict[str, pa.Array]:
    """Columns of a frame under their Chinese names: `updated_s` as an instant, booleans as 0/1, missing as nothing."""
    columns = {}
    for name, title in header.items():
        values = table[name].to_numpy()
        if name == "updated_s":
            columns[title] = _instants(values)
        elif values.dtype.kind in "ifb":
            columns[title] = pa.array(values.astype(int) if values.dtype.kind == "b" else values)
        else:
            columns[title] = _texts(values)
    return columns


@dataclass
class Past:
    """What a run of days left behind for the lists: alarms, checks for the monthly files, due alarms of the cameras,
    failed check items."""

    alarms: list[pd.DataFrame] = field(default_factory=list)
    checks: list[pd.DataFrame] = field(default_factory=list)
    due_alarms: list[pd.DataFrame] = field(default_factory=list)
    failed_items: list[pd.DataFrame] = field(default_factory=list)

    def add(self, other: Past) -> None:
        """Takes in what another run of days left."""
        for name in ("alarms", "checks", "due_alarms", "failed_items"):
            getattr(self, name).extend(getattr(other, name))


def _walk(world: World, drop: Path, days: list[int], checks_until_s: int) -> Past:
    """The days of one calendar month: writes their statistics and the month's files of cameras and recognition, returns
    the rest. checks_until_s: checks and recognitions updated up to then are in files."""
    past = Past()
    cameras: list[pd.DataFrame] = []
    devices: list[pd.DataFrame] = []
    seen: list[pd.DataFrame] = []
    for day in days:
        if day in statistics_days(world):
            write_statistics_day(world, drop, day)
        past.alarms.append(day_alarms(world, day).assign(day=day))
        past.due_alarms.append(due_alarms(world, day).assign(day=day))
        cameras.append(active_safety.day_alarms(world, day)[active_safety.ALARM_COLUMNS])
        devices.append(active_safety.day_devices(world, day))
        past.failed_items.append(day_failed_items(world, day).assign(day=day))
        if day * DAY <= checks_until_s:
            checks, identities = day_checks(world, day), day_identities(world, day)
            past.checks.append(checks[checks["updated_s"] <= checks_until_s])
            seen.append(identities[identities["updated_s"] <= checks_until_s])
    month = clock.day_text(days[-1], "%Y-%m")
    now = clock.local_second(world.started_at)
    for folder, parts, header in (
        ("as/alarm", cameras, ALARM_HEADER),
        ("as/device_day", devices, DEVICE_HEADER),
        ("rdm/identity", seen, IDENTITY_HEADER),
    ):
        if parts:
            table = pd.concat(parts, ignore_index=True)
            table = table[table["updated_s"] <= now].sort_values("updated_s", kind="stable")
            _write_csv(drop / folder / f"{folder.replace('/', '_')}_{month}.csv.gz", _plain(table, header))
    return past


_worker_world: World | None = None


def _start_worker(seed: int, scale: int, started_at: datetime, clean: bool, history_days: int) -> None:
    global _worker_world
    _worker_world = World(seed, scale, started_at, clean, history_days)


def _walk_job(drop: str, days: list[int], checks_until_s: int) -> Past:
    assert _worker_world is not None
    return _walk(_worker_world, Path(drop), days, checks_until_s)


def _hour_job(drop: str, hours: list[int]) -> None:
    assert _worker_world is not None
    for hour in hours:
        write_position_hour(_worker_world, Path(drop), hour)


def _paper_job(drop: str, wanted: list[tuple[int, int]]) -> None:
    assert _worker_world is not None
    papers.write_missing(_worker_world, Path(drop), wanted)


def _site_job(drop: str, months: list[int]) -> None:
    assert _worker_world is not None
    for month in months:
        sites.write_month(_worker_world, Path(drop), month)


def checks_boundary(world: World) -> int:
    """Local second up to which (inclusive, by update time) checks are in files and not guaranteed on the API."""
    return (world.anchor_day - CHECKS_OVER_API_DAYS) * DAY - 1


def _by_month(days: list[int]) -> list[list[int]]:
    months = np.array(days, dtype="datetime64[D]").astype("datetime64[M]").astype(int)
    return [[d for d, m in zip(days, months, strict=True) if m == month] for month in np.unique(months)]


T = TypeVar("T")


def _chunks(items: list[T], size: int) -> list[list[T]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _run(world: World, drop: Path, progress: Progress) -> Past:
    """Everything in the drop folder, in two processes unless the world is small."""
    where = str(drop)
    boundary = checks_boundary(world)
    walks: list[list[int]] = _by_month(list(range(world.first_day - 1, world.anchor_day)))
    others: list[tuple[str, Callable[..., None], list[Any]]] = [
        ("定位小时文件", _hour_job, chunk) for chunk in _chunks(position_hours(world), 6)
    ]
    others += [
        ("台账", _paper_job, chunk) for chunk in _chunks(papers.due(world, clock.local_second(world.started_at)), 6)
    ]
    others += [("阵地", _site_job, chunk) for chunk in _chunks(sites.zip_months(world), 4)]
    past, total = Past(), len(walks) + len(others)
    if world.scale < SMALL_SCALE:
        _start_worker(world.seed, world.scale, world.started_at, world.clean, world.history_days)
        for done, days in enumerate(walks, 1):
            past.add(_walk_job(where, days, boundary))
            progress("车辆日统计与检查", done, total)
        for done, (label, work, chunk) in enumerate(others, len(walks) + 1):
            work(where, chunk)
            progress(label, done, total)
        return past
    # spawn, not fork: the caller may already run threads
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(2, os.cpu_count() or 1),
        context,
        _start_worker,
        (world.seed, world.scale, world.started_at, world.clean, world.history_days),
    ) as pool:
        walked = [pool.submit(_walk_job, where, days, boundary) for days in walks]
        written = [(label, pool.submit(work, where, chunk)) for label, work, chunk in others]
        for done, walk in enumerate(walked, 1):
            past.add(walk.result())
            progress("车辆日统计与检查", done, total)
        for done, (label, job) in enumerate(written, len(walks) + 1):
            job.result()
            progress(label, done, total)
    return past


def _write_checks(drop: Path, parts: list[pd.DataFrame]) -> None:
    """The checks of the past by month of update; no file where there is none that old."""
    if parts:
        checks = pd.concat(parts, ignore_index=True)
        months = pd.Series(clock.second_texts(checks["updated_s"].to_numpy())).str.slice(0, 7).str.replace("-", "")
        for month, table in checks.groupby(months.to_numpy()):
            write_check_month(drop, str(month), table.sort_values(["updated_s", "check_id"]))


def prepare(world: World, folder: Path, progress: Progress, planted: Planted) -> None:
    """Write `<folder>/drop` and `<folder>/history` unless both are there; adds to `planted` what the files carry."""
    drop, history = folder / "drop", folder / "history"
    repeated = world.anchor_day - min(REPEATED_DAYS_AGO, world.history_days - 2)
    if world.rates.d21_repeated_file:
        planted.note("D21", "gps_vehicle_day", [f"gps_vehicle_day_{clock.day_text(repeated)}.csv.gz"])
    if drop.exists() and history.exists():
        return
    aside = folder / "drop.part"
    for old in (aside, drop, history):
        shutil.rmtree(old, ignore_errors=True)
    past = _run(world, aside, progress)
    _write_checks(aside, [c for c in past.checks if len(c)])
    if world.rates.d21_repeated_file:
        days = aside / "gps" / "vehicle_day"
        shutil.copyfile(
            days / f"gps_vehicle_day_{clock.day_text(repeated - 1)}.csv.gz",
            days / f"gps_vehicle_day_{clock.day_text(repeated)}.csv.gz",
        )
    sites.write_missing_days(world, aside, clock.local_second(world.started_at))
    history_aside = folder / "history.part"
    history_aside.mkdir(exist_ok=True)
    for name in ("alarms", "due_alarms", "failed_items"):
        table = pd.concat(getattr(past, name), ignore_index=True)
        pyarrow.parquet.write_table(
            pa.Table.from_pandas(table, preserve_index=False), history_aside / f"{name}.parquet"
        )
    history_aside.rename(history)
    aside.rename(drop)
    day_plan.cache_clear()
