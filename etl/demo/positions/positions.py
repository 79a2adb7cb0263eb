"""Terminal messages as the monitoring platform passes them on: which vehicle said what, when it was received.

A message exists for each 30 s tick with the ignition on and each 5 min in the first half hour after it goes off. It is
a function of (world, vehicle, tick) alone, so any window can be asked for again. Units are those of JT/T 808: 1e-6°,
0.1 km/h, 0.1 km; some platforms break them on purpose (see defects).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from etl.demo.positions import alarms
from etl.demo.positions.movement import COOL_DOWN_S, WARM_UP_S, Legs, calendar_legs, day_plan, place
from etl.demo.world.clock import DAY
from etl.demo.world.noise import uniform
from etl.demo.world.places import (
    ETC_COLOUR_PLATFORM,
    HEX_COLOUR_PLATFORM,
    KMH_PLATFORM,
    OUTAGE_DAYS_AGO,
    OUTAGE_FROM_S,
    OUTAGE_PLATFORM,
    OUTAGE_TO_S,
    PLATFORMS,
)
from etl.demo.world.plates import garbled_plates
from etl.demo.world.world import World

TICK_S = 30
HEARTBEAT_S, HEARTBEAT_FOR_S = 300, 1800
MAX_DELAY_S = 45
LOST_LEG_SHARE, LATE_MOST_S = 0.037, 30 * 3600
DRIFT_DAY_SHARE, DRIFT_MESSAGE_SHARE = 0.12, 0.004
_VEHICLE_KEY = 10**11
COLUMNS = (
    "loc_time",
    "recv_time",
    "lon_e6",
    "lat_e6",
    "alt_m",
    "speed_01kmh",
    "rec_speed_01kmh",
    "direction",
    "mileage_01km",
    "status_bits",
    "alarm_bits",
    "sat_cnt",
    "is_makeup",
)


@dataclass(frozen=True)
class Chosen:
    """Positions in World.tracked of the vehicles that carry a terminal defect."""

    utc: np.ndarray
    rollover: np.ndarray
    swapped: np.ndarray
    scaled: np.ndarray
    clone_source: np.ndarray
    clone_target: np.ndarray
    odometer: np.ndarray


@lru_cache(maxsize=4)
def chosen(world: World) -> Chosen:
    """The vehicles with a broken terminal or a cloned plate; the same for the life of the world."""
    rates, t = world.rates, world.track
    ordinary = np.flatnonzero(
        (t["profile"] < 2) & (t["left_day"] < 0) & (t["platform"] != KMH_PLATFORM) & (t["diligence"] > 0.8)
    )
    long_haul = np.flatnonzero((t["profile"] == 2) & (t["left_day"] < 0))
    pick = world.rng(31).permutation(ordinary)
    counts = (
        rates.d05_utc_vehicles,
        rates.d05_rollover_vehicles,
        rates.d04_swapped_vehicles,
        rates.d04_scaled_vehicles,
        rates.d08_odometer_resets,
    )
    utc, roll, swap, scale, odo, rest = np.split(pick, np.cumsum(counts))
    clones = min(rates.d01_cloned_plates, len(long_haul))
    return Chosen(utc, roll, swap, scale, long_haul[:clones], rest[:clones], odo)


@dataclass(frozen=True)
class Gaps:
    """Per leg of a calendar day: the stretch not heard live, and when it is made up (-1 = lost for ever)."""

    begin: np.ndarray
    end: np.ndarray
    release: np.ndarray


@lru_cache(maxsize=64)
def plan_gaps(world: World, day: int) -> Gaps:
    """Stretches of the legs of one service day that do not arrive live."""
    return _gaps(world, day_plan(world, day))


def _gaps(world: World, legs: Legs) -> Gaps:
    ids = world.tracked[legs.veh]
    u, a, b = (uniform(world.seed, s, ids, legs.t0) for s in (301, 302, 303))
    late_share = world.rates.d07_blind_vehicle_day / 4
    has = (legs.kind == 0) & (u < LOST_LEG_SHARE + late_share)
    span = legs.t1 - legs.t0
    begin = np.where(has, legs.t0 + a * 0.4 * span, 10**12).astype(np.int64)
    end = np.where(has, begin + (0.15 + 0.45 * b) * span, 0).astype(np.int64)
    release = np.where(has & (u >= LOST_LEG_SHARE), legs.t1 + 300 + (b**3 * LATE_MOST_S), -1).astype(np.int64)
    return Gaps(begin, end, release)


@lru_cache(maxsize=64)
def _odometer_before(world: World, day: int) -> np.ndarray:
    """Km driven by each tracked vehicle from four days before the anchor to the start of service day `day`."""
    first = world.anchor_day - 4
    if day <= first:
        return np.zeros(len(world.tracked))
    legs = day_plan(world, day - 1)
    km = np.bincount(legs.veh, legs.km_at(world.roads, legs.t1), len(world.tracked))
    return _odometer_before(world, day - 1) + km


@dataclass(frozen=True)
class _Day:
    """Lookup tables of one calendar day."""

    legs: Legs
    key: np.ndarray
    gaps: Gaps
    start_km: np.ndarray
    stuck: np.ndarray
    loaded: np.ndarray


@lru_cache(maxsize=6)
def _day(world: World, day: int) -> _Day:
    legs = calendar_legs(world, day)
    km = legs.km_at(world.roads, legs.t1)
    before = np.cumsum(km) - km
    first = np.searchsorted(legs.veh, legs.veh)
    for walk in range(world.anchor_day - 3, day):  # fill the cache bottom-up: no deep recursion after weeks of running
        _odometer_before(world, walk)
    start = world.track["odometer_km"][legs.veh] + _odometer_before(world, day - 1)[legs.veh] + before - before[first]
    ids = world.tracked[legs.veh]
    stuck = uniform(world.seed, 304, ids, legs.t0 // DAY) < world.rates.d06_stuck_vehicle_day
    loaded = np.select([uniform(world.seed, 305, ids, legs.t0) < 0.35], [0], 3)
    return _Day(
        legs, legs.veh.astype(np.int64) * _VEHICLE_KEY + legs.t0 - WARM_UP_S, _gaps(world, legs), start, stuck, loaded
    )


def _phase(world: World) -> np.ndarray:
    """Second within the 30 s tick at which each vehicle speaks: spread evenly, so that every window carries the same
    load."""
    return (world.tracked * 7 + 3) % TICK_S


def _spoken(world: World, after: int, until: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """(veh, tick second) of every tick with after < t <= until, whether or not the vehicle speaks then."""
    phase = _phase(world)
    first = after + 1 + (phase - after - 1) % step
    ticks = first[:, None] + np.arange(0, until - after + step, step)[None, :]
    veh, column = np.nonzero(ticks <= until)
    return veh, ticks[veh, column]


def _rows(world: World, day: int, veh: np.ndarray, t: np.ndarray, want_gap: bool) -> dict[str, np.ndarray]:
    """Messages of the given ticks of one calendar day; live ones, or (`want_gap`) those swallowed by a gap."""
    table = _day(world, day)
    at = np.searchsorted(table.key, veh.astype(np.int64) * _VEHICLE_KEY + t, side="right") - 1
    known = (at >= 0) & (table.legs.veh[at] == veh)
    after = t - table.legs.t1[at] - COOL_DOWN_S
    on = after <= 0
    beat = (after <= HEARTBEAT_FOR_S) & ((t - _phase(world)[veh]) % HEARTBEAT_S < TICK_S)
    in_gap = (t >= table.gaps.begin[at]) & (t < table.gaps.end[at])
    cut = (
        (day == world.anchor_day - OUTAGE_DAYS_AGO)
        & (world.track["platform"][veh] == OUTAGE_PLATFORM)
        & (t % DAY >= OUTAGE_FROM_S)
        & (t % DAY < OUTAGE_TO_S)
    )
    keep = known & (on | beat) & (in_gap if want_gap else ~in_gap) & ~cut
    veh, t, at, on = veh[keep], t[keep], at[keep], on[keep]
    legs = table.legs.take(at)
    lon, lat, _, speed, bearing = place(world, legs, np.where(table.stuck[at], legs.t0, t))
    if table.stuck[at].any():  # the fix freezes, the pulse sensor goes on counting
        speed = np.where(table.stuck[at], place(world, legs, t)[3], speed)
    ids = world.tracked[veh]
    noise = [uniform(world.seed, s, ids, t) for s in (311, 312, 313)]
    spread = ~table.stuck[at]  # a frozen fix is repeated to the digit
    lon, lat = lon + (noise[0] - 0.5) * 8e-5 * spread, lat + (noise[1] - 0.5) * 7e-5 * spread
    mileage = table.start_km[at] + legs.km_at(world.roads, t)
    return {
        "veh": veh,
        "loc_time": t,
        "recv_time": t + 1 + (noise[2] * 3).astype(np.int64),
        "lon": lon,
        "lat": lat,
        "speed": speed * (0.98 + 0.04 * noise[0]),
        "direction": bearing.astype(np.int64),
        "mileage_01km": (mileage * 10).astype(np.int64),
        "acc": on,
        "load": table.loaded[at],
        "release": table.gaps.release[at],
        "gap_begin": table.gaps.begin[at],
        "is_makeup": np.zeros(len(veh), dtype=np.int64),
    }


def _stack(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _pick(rows: dict[str, np.ndarray], index: np.ndarray) -> dict[str, np.ndarray]:
    return {name: column[index] for name, column in rows.items()}


def _late(world: World, after: int, until: int, step: int) -> list[dict[str, np.ndarray]]:
    """Make-up messages received in (after, until]: five a second from the release on, oldest first."""
    parts = []
    last = until // DAY
    for day in range(last - 3, last + 1):
        gaps, legs = plan_gaps(world, day), day_plan(world, day)
        burst = (gaps.end - gaps.begin) // TICK_S // 5 + 1
        for i in np.flatnonzero((gaps.release > 0) & (gaps.release <= until) & (gaps.release + burst > after)):
            phase = int(_phase(world)[legs.veh[i]])
            first = int(gaps.begin[i] + (phase - gaps.begin[i]) % step)
            ticks = np.arange(first, gaps.end[i], step)
            for when in np.unique(ticks // DAY):
                mine = ticks[ticks // DAY == when]
                rows = _rows(world, int(when), np.full(len(mine), legs.veh[i]), mine, want_gap=True)
                rows["recv_time"] = rows["release"] + (rows["loc_time"] - rows["gap_begin"]) // TICK_S // 5
                rows["is_makeup"] = np.ones(len(rows["veh"]), dtype=np.int64)
                parts.append(rows)
    return parts


def messages(world: World, after: int, until: int, step: int = TICK_S) -> dict[str, np.ndarray]:
    """Messages with after < recv_time <= until (local seconds), sorted by (recv_time, vehicle, loc_time).

    `step` 60 takes every second tick (the hourly files). Returns arrays by name: label (vehicle row number as spoken),
    colour, platform, plate texts are added by the caller through `spoken_plates`.
    """
    parts = []
    lower = after - MAX_DELAY_S
    for day in range(lower // DAY, until // DAY + 1):
        for start in range(max(lower, day * DAY - 1), min(until, day * DAY + DAY - 1), 3600):
            veh, t = _spoken(world, start, min(start + 3600, until, day * DAY + DAY - 1), step)
            parts.append(_rows(world, day, veh, t, want_gap=False))
    rows = _stack([*parts, *_late(world, after, until, step)])
    again = uniform(world.seed, 321, world.tracked[rows["veh"]], rows["loc_time"]) < world.rates.d07_duplicate
    if again.any():
        copies = _pick(rows, again)
        copies["recv_time"] = copies["recv_time"] + 25 + copies["loc_time"] % 15
        rows = _stack([rows, copies])
    rows = _pick(rows, (rows["recv_time"] > after) & (rows["recv_time"] <= until))
    rows = _wire(world, _cloned(world, rows), after, until)
    return _pick(rows, np.lexsort((rows["loc_time"], rows["label"], rows["recv_time"])))


def _cloned(world: World, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Adds the label; a cloned plate (套牌) speaks from a second, distant vehicle as well (D01)."""
    rows["label"] = world.tracked[rows["veh"]]
    pick = chosen(world)
    for source, target in zip(pick.clone_source, pick.clone_target, strict=True):
        copies = _pick(rows, rows["veh"] == source)
        copies["label"] = np.full(len(copies["veh"]), world.tracked[target])
        rows = _stack([rows, copies])
    return rows


def _wire(world: World, rows: dict[str, np.ndarray], after: int, until: int) -> dict[str, np.ndarray]:
    """From the true state to what is sent: whole-number units, status and alarm bits, planted defects."""
    rates, pick, veh, t = world.rates, chosen(world), rows["veh"], rows["loc_time"]
    ids = world.tracked[veh]
    u = [uniform(world.seed, s, ids, t) for s in (331, 332, 333, 334)]
    lon, lat = _drifted(world, rows["lon"], rows["lat"], ids, t)
    speed, alarm_bits = _in_alarm(world, rows, after, until)
    zero, unfixed = u[0] < rates.d04_zero_position, u[1] < rates.d06_not_fixed
    swapped, scale = np.isin(veh, pick.swapped), np.where(np.isin(veh, pick.scaled), 1e7, 1e6)
    lon, lat = np.where(zero, 0.0, np.where(swapped, lat, lon)), np.where(zero, 0.0, np.where(swapped, lon, lat))
    factor = np.where(rates.d08_platform_speed & (world.track["platform"][veh] == KMH_PLATFORM), 1, 10)
    loc_time = np.where(
        np.isin(veh, pick.utc), t - 8 * 3600, np.where(np.isin(veh, pick.rollover), t - 1024 * 7 * DAY, t)
    )
    loc_time = np.where(u[2] < rates.d05_future, t + 3600 * 5, np.where(u[2] > 1 - rates.d05_epoch, t % DAY, loc_time))
    reset = np.isin(veh, pick.odometer) & (t >= world.anchor_day * DAY - DAY // 2)
    mileage = np.where(reset, rows["mileage_01km"] % 3000, rows["mileage_01km"])
    status = rows["acc"] * 1 + (~unfixed) * 2 + rows["load"] * 256 + (1 << 18) + (1 << 19) + (speed >= 5) * (1 << 22)
    return {
        "label": rows["label"],
        "platform": world.track["platform"][veh],
        "loc_time": loc_time,
        "recv_time": rows["recv_time"],
        "lon_e6": (lon * scale).astype(np.int64),
        "lat_e6": (lat * scale).astype(np.int64),
        "alt_m": (6 + 30 * u[3]).astype(np.int64),
        "speed_01kmh": np.round(speed * factor).astype(np.int64),
        "rec_speed_01kmh": np.round(speed * (0.985 + 0.03 * u[3]) * factor).astype(np.int64),
        "direction": rows["direction"],
        "mileage_01km": mileage,
        "status_bits": status,
        "alarm_bits": alarm_bits,
        "sat_cnt": np.where(unfixed, 2, 9 + (u[3] * 14).astype(np.int64)),
        "is_makeup": rows["is_makeup"],
    }


def drift_days(world: World, veh: np.ndarray, day: np.ndarray | int) -> np.ndarray:
    """Mask: the receiver of tracked vehicle `veh` jumps about on that day (D09)."""
    ids = world.tracked[veh]
    month = np.asarray(day).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (uniform(world.seed, 341, ids, month) < world.rates.d09_drift_vehicle_month) & (
        uniform(world.seed, 342, ids, day) < DRIFT_DAY_SHARE
    )


def _drifted(
    world: World, lon: np.ndarray, lat: np.ndarray, ids: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    jump = (uniform(world.seed, 343, ids, t) < DRIFT_MESSAGE_SHARE) & drift_days(
        world, np.searchsorted(world.tracked, ids), t // DAY
    )
    angle, reach = uniform(world.seed, 344, ids, t) * 2 * np.pi, 0.04 + 0.07 * uniform(world.seed, 345, ids, t)
    return np.where(jump, lon + reach * np.cos(angle), lon), np.where(jump, lat + reach * np.sin(angle), lat)


def _in_alarm(world: World, rows: dict[str, np.ndarray], after: int, until: int) -> tuple[np.ndarray, np.ndarray]:
    """Speed and alarm bits: a vehicle inside an overspeed or fatigue alarm says so (JT/T 808 bits 1 and 2)."""
    speed, bits = rows["speed"].copy(), np.zeros(len(rows["veh"]), dtype=np.int64)
    for day in range(after // DAY - 1, until // DAY + 1):
        book = alarms.day_alarms(world, day)
        hot = book[book["warn_type"].isin([1, 2]) & (book["end_s"] > after - LATE_MOST_S) & (book["start_s"] <= until)]
        for veh, kind, start, end, fast in zip(
            hot["veh"], hot["warn_type"], hot["start_s"], hot["end_s"], hot["speed_kmh"], strict=True
        ):
            inside = (rows["veh"] == veh) & (rows["loc_time"] >= start) & (rows["loc_time"] <= end)
            bits[inside] |= 2 if kind == 1 else 4
            if kind == 1:
                speed[inside] = fast
    return speed, bits


@lru_cache(maxsize=4)
def spoken_plates(world: World) -> tuple[np.ndarray, np.ndarray]:
    """(plate text, colour code) of every vehicle row as its platform sends them, not to be written to: bad text (D02),
    other code families (D03)."""
    table = world.vehicles
    texts, _ = garbled_plates(world, table["plate_no"].to_numpy(), 351, world.rates.d02_plate_text / 2)
    colour, platform = table["plate_color"].to_numpy().copy(), table["platform"].to_numpy()
    if world.rates.d03_platform_colours:
        colour = np.where((platform == HEX_COLOUR_PLATFORM) & (colour >= 91), colour + 54, colour)
        etc = np.select([colour == 1, colour == 2, colour == 93, colour == 94], [0, 1, 5, 4], colour)
        colour = np.where(platform == ETC_COLOUR_PLATFORM, etc, colour)
    return texts, colour


def platform_ids(world: World) -> np.ndarray:
    """Platform id texts in the order of the platform numbers."""
    return np.array(PLATFORMS, dtype=object)
