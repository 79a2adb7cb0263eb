"""Vehicle-days: the platform's own statistics, and what the lake's positions say where we hold them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.independent import text
from tests.independent.rows import Rows

NUMBERS = [
    "pts",
    "pts_ok",
    "drift_pts",
    "km_total",
    "km_complete",
    "valid_km",
    "drive_s",
    "fatigue_s",
    "km_night05",
    "trip_cnt",
]
MOMENTS = ["first_valid_at", "first_move_at", "depart_at", "depart_after"]
EARTH_KM = 6371.0088
Carries = Callable[[str, pd.Timestamp], bool]
"""Whether a vehicle belonged on a day to a company that carries dangerous goods."""
FROZEN_PTS = 20
LONG_STOP_S = 7200
SEEN_S = 300
"""Steps so short are seen."""
STILL_KM = 0.3
"""A vehicle that stands is found within that distance: parked receivers wander."""
LIMIT_S, HAZMAT_NIGHT_S = 14400, 7200
"""Four hours; two from 22 to 6 o'clock for vehicles of companies that carry dangerous goods (domain §3)."""


def vehicle_days(rows: Rows, is_hazmat: Carries) -> pd.DataFrame:
    """One row a vehicle and day. From the positions where the lake has any for it, else from the platform's
    statistics."""
    given = rows.current("gps_vehicle_day")
    given["vehicle"] = text.vehicles(given)
    given = given.sort_values(["_version", "_seq", "_row"]).drop_duplicates(["vehicle", "day"], keep="last")
    computed = from_positions(rows, is_hazmat)
    keep = [*NUMBERS, *MOMENTS]
    given = given[["vehicle", "day", *keep]].astype({name: float for name in NUMBERS})
    if len(computed):
        held = pd.MultiIndex.from_frame(computed[["vehicle", "day"]])
        given = given[~pd.MultiIndex.from_frame(given[["vehicle", "day"]]).isin(held)]
        given = pd.concat([given, computed[["vehicle", "day", *keep]]], ignore_index=True)
    return given.reset_index(drop=True)


def judged(rows: Rows) -> pd.DataFrame:
    """Every position with its vehicle, place in degrees, speed in km/h and `ok` (qualified, domain §2), frozen fixes
    included."""
    frame = rows.positions().copy()
    if not len(frame):
        return frame
    own = rows.current("own_platform").set_index("platform_id")
    family = frame["platform_id"].map(own["color_family"])
    scale = frame["platform_id"].map(own["speed_scale"]).fillna(1).astype(float)
    shade = [
        text.colour(value, None if text.absent(kind) else str(kind))
        for value, kind in zip(frame["plate_color"], family, strict=True)
    ]
    number = frame["plate_no"].map(lambda value: text.plate(str(value)))
    frame["vehicle"] = [f"{no}#{color}" for no, color in zip(number, shade, strict=True)]
    frame["lon"], frame["lat"] = frame["lon_e6"] / 1e6, frame["lat_e6"] / 1e6
    frame["speed"] = frame["speed_01kmh"] * scale / 10
    received = frame["recv_time"].fillna(frame["loc_time"])
    frame["ok"] = (
        pd.Series([value in text.COLOURS for value in shade], index=frame.index)
        & frame["loc_time"].between(received - pd.Timedelta(days=7), received + pd.Timedelta(seconds=60))
        & frame["lon"].between(73.55, 135 + 5 / 60)
        & frame["lat"].between(3.85, 53.55)
        & frame["speed"].between(0, 160)
        & frame["alt_m"].between(-200, 6500)
        & frame["direction"].between(0, 359)
        & ((frame["status_bits"].astype("int64") & 2) != 0)
        & ~frame["encrypted"].astype(bool)
        & ~eight_hours_off(frame)
    )
    return frame


def eight_hours_off(frame: pd.DataFrame) -> pd.Series:
    """Messages of a terminal that keeps its clock eight hours behind (UTC stored as local, D05), judged by vehicle and
    day."""
    lag = (
        (frame["recv_time"] - frame["loc_time"])
        .dt.total_seconds()
        .where(~frame["is_makeup"].fillna(False).astype(bool))
    )
    middle = lag.groupby([frame["vehicle"], frame["day"]]).transform("median")
    return (middle - 8 * 3600).abs() <= 300


def distance_km(lon1: pd.Series, lat1: pd.Series, lon2: pd.Series, lat2: pd.Series) -> pd.Series:
    """Great circle between points in degrees."""
    a, b = np.radians(lat1), np.radians(lat2)
    h = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * np.arcsin(np.minimum(1, np.sqrt(h)))


def path(rows: Rows) -> pd.DataFrame:
    """The qualified positions of each vehicle in time order, frozen fixes marked and drifts marked."""
    frame = judged(rows)
    frame = (
        frame[frame["ok"]].sort_values(["vehicle", "loc_time"]).drop_duplicates(["vehicle", "loc_time"], keep="first")
    )
    same = (
        frame["vehicle"].eq(frame["vehicle"].shift())
        & frame["lon_e6"].eq(frame["lon_e6"].shift())
        & frame["lat_e6"].eq(frame["lat_e6"].shift())
    )
    run = (~same).cumsum()
    moving = frame["speed"] > 5
    frame["frozen"] = moving & moving.groupby(run).transform("sum").ge(FROZEN_PTS)
    return frame


def steps(rows: Rows) -> pd.DataFrame:
    """From one position of a vehicle to its next: seconds, km and what they are (drift, gap, jump, silence)."""
    limit = rows.parameters["drift_speed_kmh"]
    frame = path(rows)
    frame = frame[~frame["frozen"]].copy()
    own = frame.groupby("vehicle")
    for name in ("lon", "lat", "loc_time", "mileage_01km"):
        frame[f"_{name}"] = own[name].shift()
        frame[f"{name}_"] = own[name].shift(-1)
    before = distance_km(frame["_lon"], frame["_lat"], frame["lon"], frame["lat"]) / (
        (frame["loc_time"] - frame["_loc_time"]).dt.total_seconds() / 3600
    )
    after = distance_km(frame["lon"], frame["lat"], frame["lon_"], frame["lat_"]) / (
        (frame["loc_time_"] - frame["loc_time"]).dt.total_seconds() / 3600
    )
    leap = distance_km(frame["_lon"], frame["_lat"], frame["lon_"], frame["lat_"])
    out = distance_km(frame["_lon"], frame["_lat"], frame["lon"], frame["lat"])
    frame["drift"] = (before > limit) & (after > limit) & (leap < out)
    return frame


def from_positions(rows: Rows, is_hazmat: Carries) -> pd.DataFrame:
    """Vehicle-days computed from the positions of the lake, with the parameters of the own table."""
    if not len(rows.positions()):
        return pd.DataFrame()
    everything = judged(rows)
    counts = (
        everything.groupby(["vehicle", "day"])
        .agg(pts=("ok", "size"), pts_ok=("ok", "sum"), first_valid_at=("loc_time", "min"))
        .reset_index()
    )
    good = everything[everything["ok"]].groupby(["vehicle", "day"])["loc_time"].min()
    counts["first_valid_at"] = [
        good.get((vehicle, day), pd.NaT) for vehicle, day in zip(counts["vehicle"], counts["day"], strict=True)
    ]
    marked = path(rows)
    marked["day"] = marked["loc_time"].dt.normalize()
    frozen = marked[marked["frozen"]].groupby(["vehicle", "day"]).size()
    counts["pts_ok"] = counts["pts_ok"] - pd.Series(
        [frozen.get(key, 0) for key in zip(counts["vehicle"], counts["day"], strict=True)]
    )
    walk = steps(rows)
    walk["day"] = walk["loc_time"].dt.normalize()
    drifts = walk[walk["drift"]].groupby(["vehicle", "day"]).size()
    counts["drift_pts"] = [drifts.get(key, 0) for key in zip(counts["vehicle"], counts["day"], strict=True)]
    driven = driving(rows, walk[~walk["drift"]].copy(), is_hazmat)
    return (
        counts.astype({"pts": float, "pts_ok": float, "drift_pts": float})
        .merge(driven, on=["vehicle", "day"], how="left")
        .fillna({name: 0.0 for name in NUMBERS})
    )


def walked(rows: Rows, walk: pd.DataFrame) -> pd.DataFrame:
    """The path without drifts, each position with the way to it: seconds `s`, `km`, `gap` (track lost), `drives`, and
    `stands` (seen at one place, or the same place and counter after a silence)."""
    p = rows.parameters
    own = walk.groupby("vehicle")
    for name in ("lon", "lat", "loc_time", "mileage_01km"):
        walk[f"_{name}"] = own[name].shift()
    walk = walk[walk["_loc_time"].notna()].copy()
    seconds = (walk["loc_time"] - walk["_loc_time"]).dt.total_seconds()
    straight = distance_km(walk["_lon"], walk["_lat"], walk["lon"], walk["lat"])
    gap = (seconds > p["track_gap_s"]) & (straight > p["track_gap_km"])
    counter = (walk["mileage_01km"] - walk["_mileage_01km"]) / 10
    possible = (counter >= straight) & (counter / (seconds / 3600) <= p["drift_speed_kmh"])
    km = straight.where(~gap | ~possible, counter)
    void = (seconds > p["track_gap_most_s"]) | (straight / (seconds / 3600) > p["drift_speed_kmh"])
    moves = ~void & (km / (seconds / 3600) >= p["move_speed_kmh"])
    walk["s"], walk["gap"], walk["drives"] = seconds, gap, moves & ~(gap & (seconds >= p["trip_rest_s"]))
    walk["km"] = km.where(
        moves | (gap & ~void), 0.0
    )  # a vehicle that stands jitters: no distance; over a loss of track it is one
    heard = counter.between(0, 0.1) & ~runs_alone(walk, counter.where(seconds <= SEEN_S), straight)
    still = (straight <= STILL_KM) & ((seconds < p["trip_rest_s"]) | heard)
    walk["stands"] = still & ~walk["drives"] | brief(walk, p)
    return walk


def runs_alone(walk: pd.DataFrame, counter: pd.Series, straight: pd.Series) -> pd.Series:
    """Where a vehicle's counter is not to be believed: on days on which it mostly goes on while the vehicle is seen at
    one place."""
    goes = counter.between(0.2, 20)
    share = (straight <= 0.02).where(goes).astype(float).groupby([walk["vehicle"], walk["loc_time"].dt.normalize()])
    return (share.transform("mean") > 0.5) & (share.transform("sum") >= FROZEN_PTS)


def brief(walk: pd.DataFrame, p: dict[str, float]) -> pd.Series:
    """Which steps are driven and belong to a drive that is too short to be a trip: nothing ends by them."""
    driven = walk[walk["drives"]]
    pause = (driven["_loc_time"] - driven.groupby("vehicle")["loc_time"].shift()).dt.total_seconds()
    spell = (~(pause < p["trip_rest_s"])).cumsum()
    total = driven.groupby(spell)[["s", "km"]].transform("sum")
    short = (total["s"] < p["trip_min_s"]) | (total["km"] < p["trip_min_km"])
    return pd.Series(walk.index.isin(driven.index[short]), index=walk.index)


def stands(walk: pd.DataFrame, rest_s: float) -> pd.DataFrame:
    """Stops: runs of standing of at least rest_s, from when to when, where they began, and whether something came
    after."""
    run = (walk["stands"].ne(walk["stands"].shift()) | walk["vehicle"].ne(walk["vehicle"].shift())).cumsum()
    found = (
        walk[walk["stands"]]
        .groupby(run[walk["stands"]])
        .agg(
            vehicle=("vehicle", "first"),
            begin=("_loc_time", "first"),
            end=("loc_time", "last"),
            lon=("_lon", "first"),
            lat=("_lat", "first"),
        )
    )
    found["over"] = found["end"] < found["vehicle"].map(walk.groupby("vehicle")["loc_time"].max())
    return found[(found["end"] - found["begin"]).dt.total_seconds() >= rest_s]


def driving(rows: Rows, walk: pd.DataFrame, is_hazmat: Carries) -> pd.DataFrame:
    """Kilometres, driving seconds, fatigue and departures of each vehicle-day, from the path without drifts."""
    walk = walked(rows, walk)
    walk["km_ok"] = walk["km"].where(~walk["gap"], 0.0)
    walk["km_night"] = walk["km"].where(walk["loc_time"].dt.hour < 5, 0.0)
    walk["drive_s"] = walk["s"].where(walk["drives"], 0.0)
    walk["moved_at"] = walk["_loc_time"].where(walk["drives"])
    days = (
        walk.groupby(["vehicle", "day"])
        .agg(
            km_total=("km", "sum"),
            km_complete=("km_ok", "sum"),
            valid_km=("km", "sum"),
            drive_s=("drive_s", "sum"),
            km_night05=("km_night", "sum"),
            first_move_at=("moved_at", "min"),
        )
        .reset_index()
    )
    metres = ["km_total", "km_complete", "valid_km", "km_night05"]
    days[metres] = days[metres].round(3)  # a vehicle-day is kept to the metre
    return days.merge(stretches(walk, rows.parameters, is_hazmat, recognised(rows)), on=["vehicle", "day"], how="left")


def recognised(rows: Rows) -> dict[str, list[tuple[pd.Timestamp, str]]]:
    """Vehicle → who was recognised at its wheel and when, in order; only those who match."""
    if not rows.has("rdm_identity"):
        return {}
    frame = rows.current("rdm_identity")
    frame = frame[(frame["result"] == "match") & frame["person_key"].notna()]
    frame = frame.assign(vehicle=text.vehicles(frame)).sort_values("recognized_at")
    return {
        str(vehicle): list(zip(own["recognized_at"], own["person_key"], strict=True))
        for vehicle, own in frame.groupby("vehicle")
    }


BEFORE_DEPARTURE = pd.Timedelta(minutes=30)
"""A driver is recognised so long before the way begins at most."""


def at_the_wheel(mine: list[tuple[pd.Timestamp, str]], at: pd.Timestamp) -> str | None:
    """Who drives at a moment, of those recognised in its spell: the last one until then, before the first recognition
    the first one."""
    return next((person for moment, person in reversed(mine) if moment <= at), mine[0][1] if mine else None)


def stretches(
    walk: pd.DataFrame,
    p: dict[str, float],
    is_hazmat: Carries,
    seen: dict[str, list[tuple[pd.Timestamp, str]]] | None = None,
) -> pd.DataFrame:
    """Trips begun, the departure after a stop of two hours (a day's first one, with the beginning of that stop, or 24
    hours before where nothing before is known), and seconds beyond the limit at the wheel, by vehicle and day."""
    found = []
    rest_s = p["trip_rest_s"]
    stood = {
        (vehicle, end): begin
        for vehicle, begin, end in stands(walk, rest_s)[["vehicle", "begin", "end"]].itertuples(index=False)
    }
    lost = walk[walk["gap"] & ~walk["drives"]].groupby("vehicle")["loc_time"].min()
    is_brief = brief(walk, p)
    for vehicle, own in walk[walk["drives"]].groupby("vehicle"):
        wheel, before, trip_before = 0.0, None, None
        tired: dict[pd.Timestamp, float] = {}
        depart: dict[pd.Timestamp, tuple[pd.Timestamp, pd.Timestamp]] = {}
        begins: list[pd.Timestamp] = []
        pauses = (own["_loc_time"] - own["loc_time"].shift()).dt.total_seconds()
        spell = (~(pauses < rest_s)).cumsum()
        first, last = own["_loc_time"].groupby(spell).transform("min"), own["loc_time"].groupby(spell).transform("max")
        mine, here, driver, left = (seen or {}).get(str(vehicle), []), [], None, None
        steps = zip(own["_loc_time"], own["loc_time"], own["s"], is_brief[own.index], first, last, strict=True)
        for begin, end, seconds, short, leaves, arrives in steps:
            if leaves != left:
                left = leaves
                here = [one for one in mine if leaves - BEFORE_DEPARTURE <= one[0] <= arrives]
            now = at_the_wheel(here, end)
            wheel, driver = (wheel if now == driver else 0.0), now
            pause = None if before is None else (begin - before).total_seconds()
            day = end.normalize()
            if pause is None or pause >= rest_s:
                wheel = 0.0
                if not short:
                    since = stood.get((vehicle, begin))
                    is_first = trip_before is None and not lost.get(vehicle, end) <= begin
                    is_long = since is not None and (begin - since).total_seconds() >= LONG_STOP_S
                    if (is_first or is_long) and day not in depart:
                        depart[day] = (begin, begin - pd.Timedelta(days=1) if is_first else since)
                    begins.append(day)
            night = end.hour >= 22 or end.hour < 6
            limit = HAZMAT_NIGHT_S if night and is_hazmat(str(vehicle), day) else LIMIT_S
            tired[day] = tired.get(day, 0.0) + max(0.0, min(seconds, wheel + seconds - limit))
            wheel, before = wheel + seconds, end
            trip_before = trip_before if short else end
        trips = pd.Series(begins).value_counts()
        for day in set(tired) | set(depart) | set(trips.index):
            at, after = depart.get(day, (pd.NaT, pd.NaT))
            found.append((vehicle, day, tired.get(day, 0.0), float(trips.get(day, 0)), at, after))
    return pd.DataFrame(found, columns=["vehicle", "day", "fatigue_s", "trip_cnt", "depart_at", "depart_after"])
