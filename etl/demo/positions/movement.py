"""Who drives where and when: the plan of one service day for every tracked vehicle at once.

A *service day* d of a vehicle begins at day d plus its own boundary (03:00 for most, 14:00 for night workers), so that
runs cross midnight like real ones and no hour stands still. A *leg* is one run without a stop; legs of one vehicle are
at least 20 minutes apart unless fatigue is planned. All times are local seconds, all tables flat arrays of legs sorted
by (vehicle, start). `veh` is a position in `World.tracked`, not a vehicle row number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from etl.demo.world import clock
from etl.demo.world.clock import DAY
from etl.demo.world.noise import uniform
from etl.demo.world.roads import RoadNet
from etl.demo.world.world import World

MAX_TRIPS = 10
MAX_RESTS = 4
WOBBLE = 0.24  # speed swings this share around the road's ordinary speed
WOBBLE_PERIOD_S = 330
WARM_UP_S, COOL_DOWN_S = 180, 240  # ignition on before and after a run
LUNAR_NEW_YEAR = ((2025, 1, 29), (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13))
_SALT_AWAY, _SALT_WORK, _SALT_IDLE, _SALT_DEAD = 101, 102, 103, 104


@dataclass(frozen=True)
class Legs:
    """Runs. r0/r1: seconds of ordinary driving along `route` at start and end; kind 0 = run, 1 = engine on in the
    yard."""

    veh: np.ndarray
    route: np.ndarray
    r0: np.ndarray
    r1: np.ndarray
    t0: np.ndarray
    t1: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.veh)

    def take(self, index: np.ndarray) -> Legs:
        """The legs at `index` (positions or mask)."""
        return Legs(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def progress(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(r, rate): place along the route at local second `t` (clipped into the run) and speed relative to the
        road's."""
        span = np.maximum(self.t1 - self.t0, 1)
        u = np.clip((t - self.t0) / span, 0.0, 1.0)
        waves = np.maximum(1, np.round(span / WOBBLE_PERIOD_S))
        angle = 2 * np.pi * waves * u
        r = self.r0 + (self.r1 - self.r0) * (u - WOBBLE / (2 * np.pi * waves) * np.sin(angle))
        rate = (self.r1 - self.r0) / span * (1 - WOBBLE * np.cos(angle))
        return r, np.where((t < self.t0) | (t > self.t1) | (self.kind == 1), 0.0, rate)

    def km_at(self, roads: RoadNet, t: np.ndarray) -> np.ndarray:
        """Km driven since the start of the run at local second `t` (clipped into the run)."""
        r, _ = self.progress(t)
        return self._km(roads, r) - np.where(self.r0 == 0, 0.0, self._km(roads, self.r0))

    def _km(self, roads: RoadNet, r: np.ndarray) -> np.ndarray:
        """Km from the route's origin; ends are looked up, only the points between are searched (five times cheaper)."""
        km = np.where(r >= roads.route_s[self.route] - 1e-6, roads.route_km[self.route], 0.0)
        between = np.flatnonzero((r > 1e-9) & (r < roads.route_s[self.route] - 1e-6) & (self.kind == 0))
        km[between] = roads.locate(self.route[between], r[between])[2]
        return km


def join(parts: list[Legs]) -> Legs:
    """Legs of several plans as one table sorted by (vehicle, start)."""
    legs = Legs(*(np.concatenate([getattr(p, name) for p in parts]) for name in Legs.__dataclass_fields__))
    # a stable sort of one packed key merges the sorted runs of each plan; lexsort would sort them anew
    return legs.take(np.argsort(legs.veh * 10**11 + legs.t0, kind="stable"))


def activity(day: int) -> float:
    """How much of its ordinary traffic a day has (1 = working day): week rhythm, Spring Festival, national holidays,
    summer."""
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    level = (1.0, 1.0, 1.0, 1.0, 1.0, 0.95, 0.84)[weekday]
    for year, month, date in LUNAR_NEW_YEAR:
        away = day - clock.day_of(year, month, date)
        if -1 <= away <= 6:
            return 0.22 + 0.02 * max(0, away)
        if -8 <= away < -1:
            level *= 0.72
        elif 6 < away <= 14:
            level *= 0.55 + 0.05 * (away - 6)
    month, date = (int(p) for p in clock.day_text(day, "%m %d").split())
    if month == 10 and date <= 7:
        level *= 0.66
    elif month == 5 and date <= 3:
        level *= 0.78
    elif month in (7, 8):
        level *= 0.965
    return level


BROKEN_DAYS = 45


def in_service(world: World, day: int) -> np.ndarray:
    """Mask over tracked vehicles: registered, not left, not on stop, terminal not broken on that day."""
    t = world.track
    stopped = (t["stop_from"] >= 0) & (t["stop_from"] <= day) & (day <= t["stop_to"])
    alive = (t["register_day"] + 4 <= day) & ((t["left_day"] < 0) | (day < t["left_day"])) & (day < t["idle_from"])
    # a broken terminal stays silent for up to BROKEN_DAYS; each vehicle has a calendar of its own, so no month starts
    # clean
    spell = (day + world.tracked * 7919 % BROKEN_DAYS) // BROKEN_DAYS
    dead = world.chance(_SALT_DEAD, world.tracked, spell) < 0.033
    return alive & ~stopped & ~dead


def _away_node(world: World, day: int) -> np.ndarray:
    """Node where each vehicle stands when its service day begins: home, or a far city for long-haul vehicles on the
    road."""
    t = world.track
    far = np.flatnonzero(world.roads.group == "f")
    u = world.chance(_SALT_AWAY, world.tracked, day)
    running = in_service(world, day - 1) & in_service(world, day) & in_service(world, day + 1)
    out = (t["profile"] == 2) & running & (u < 0.48 * activity(day))
    return np.where(out, far[(u * 7919 * len(far)).astype(int) % len(far)], t["home"])


def _pools(roads: RoadNet) -> np.ndarray:
    """(3 profiles × nodes) cumulative shares of destinations."""
    group = roads.group
    inside = (group == "t") | (group == "p")
    base = np.where(group == "p", 2.0, np.where(group == "t", 1.0, 0.0))
    quiet = np.isin(np.array(roads.names), ["鸬鸟", "百丈", "黄湖", "太平山", "双溪"])
    base = np.where(quiet, base * 0.35, base)
    near, far = (group == "n").astype(float), (group == "f").astype(float)
    shares = np.stack(
        [
            base / base.sum() * 0.95 + near / near.sum() * 0.05,
            base / base.sum() * 0.45 + near / near.sum() * 0.55,
            base / base.sum() * 0.2 + near / near.sum() * 0.3 + far / far.sum() * 0.5,
        ]
    )
    assert inside.any()
    return np.cumsum(shares, axis=1)


@lru_cache(maxsize=48)
def day_plan(world: World, day: int) -> Legs:
    """All legs of service day `day`, sorted by (vehicle, start). Pure in (world, day); arrays must not be written
    to."""
    rng = world.rng(day, 77)
    roads, track = world.roads, world.track
    n = len(world.tracked)
    draw = rng.random((n, 6 + 3 * MAX_TRIPS))
    node, end = _away_node(world, day).astype(int), _away_node(world, day + 1).astype(int)
    service = in_service(world, day)
    works = service & (
        (world.chance(_SALT_WORK, world.tracked, day) < track["diligence"] * activity(day)) | (node != end)
    )
    boundary = np.where(track["is_night"], 14 * 3600, 3 * 3600) + day * DAY
    spread = np.sqrt(-2 * np.log(np.maximum(draw[:, 0], 1e-9))) * np.cos(2 * np.pi * draw[:, 1])
    begin = boundary + np.clip(13500 + 4600 * spread, 1200, 32000)
    # from one far city to another is up to 19 h with rests: it must end before the next service day begins
    begin = np.where(node != end, np.minimum(begin, boundary + 4 * 3600), begin)
    span = np.array([9.6, 11.0, 15.0])[track["profile"]] * 3600 * (0.85 + 0.3 * draw[:, 2])
    limit = np.minimum(begin + span, boundary + DAY - 2400)
    trips = _trips(world, draw[:, 6:], works, node, end, begin, limit)
    idle = np.flatnonzero(service & ~works & (world.chance(_SALT_IDLE, world.tracked, day) < 0.42))
    start = (boundary + 14000 + 30000 * draw[:, 3])[idle].astype(np.int64)
    yard = Legs(
        idle,
        (node[idle] * (roads.node_count + 1)),
        np.zeros(len(idle)),
        np.ones(len(idle)),
        start,
        start + (300 + 1500 * draw[idle, 4]).astype(np.int64),
        np.ones(len(idle), dtype=np.int8),
    )
    return join([*trips, yard])


def _trips(
    world: World,
    draw: np.ndarray,
    works: np.ndarray,
    node: np.ndarray,
    end: np.ndarray,
    begin: np.ndarray,
    limit: np.ndarray,
) -> list[Legs]:
    roads, track = world.roads, world.track
    count, pools = roads.node_count, _pools(roads)
    t, here, going = begin.copy(), node.copy(), works.copy()
    parts = []
    for step in range(MAX_TRIPS):
        u = draw[:, 3 * step : 3 * step + 3]
        target = np.minimum((pools[track["profile"]] < u[:, :1]).sum(axis=1), count - 1)
        pace = track["pace"] * (0.94 + 0.1 * u[:, 1])
        dwell = 1500 + 3300 * u[:, 2] ** 1.6
        out, back = roads.route_s[here * count + target] / pace, roads.route_s[target * count + end] / pace
        # each en-route rest is bounded by 50 min per 2.9 h, hence the 1.3
        fits = (t + (out + back) * 1.3 + dwell < limit) & (target != here) & (step < MAX_TRIPS - 1)
        target = np.where(fits, target, end)
        move = going & (target != here)
        parts += _runs(world, np.flatnonzero(move), (here * count + target)[move], t[move], pace[move], u[move])
        if move.any():
            t[move] = parts[-1].t1 if len(parts[-1]) == move.sum() else _arrivals(parts, np.flatnonzero(move), t)
        t = np.where(move, t + dwell, t)
        here = np.where(move, target, here)
        going &= fits
    return parts


def _arrivals(parts: list[Legs], vehicles: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Latest end of a run so far, per vehicle."""
    latest = t.copy()
    for part in parts[-MAX_RESTS - 1 :]:
        np.maximum.at(latest, part.veh, part.t1)
    return latest[vehicles]


def _runs(
    world: World, vehicles: np.ndarray, route: np.ndarray, t: np.ndarray, pace: np.ndarray, u: np.ndarray
) -> list[Legs]:
    """One trip as one to five runs with rests of 24–50 min after at most 3.8 h; a few skip the rest (fatigue)."""
    total = world.roads.route_s[route]
    duration = total / pace
    rests = np.minimum(MAX_RESTS, np.floor(duration / (10400 + 3200 * u[:, 0]))).astype(int)
    rests = np.where(u[:, 1] < 0.0012 * (0.3 + world.track["risk"][vehicles]), 0, rests)
    rest_s = 1440 + 1560 * u[:, 2]
    parts = []
    for leg in range(MAX_RESTS + 1):
        has = rests >= leg
        share = 1.0 / (rests[has] + 1)
        t0 = (t[has] + leg * (duration[has] * share + rest_s[has])).astype(np.int64)
        t1 = t0 + np.maximum((duration[has] * share).astype(np.int64), 60)
        r0 = total[has] * leg * share
        parts.append(
            Legs(
                vehicles[has],
                route[has],
                r0,
                total[has] * (leg + 1) * share,
                t0,
                t1,
                np.zeros(int(has.sum()), dtype=np.int8),
            )
        )
    return parts


@lru_cache(maxsize=8)
def calendar_legs(world: World, day: int) -> Legs:
    """Legs of the service days day−1 and day: all that can touch calendar day `day`, and the stop before it."""
    return join([day_plan(world, day - 1), day_plan(world, day)])


def place(world: World, legs: Legs, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(lon, lat, km on route, speed km/h, bearing °) of each leg's vehicle at local second `t`; standing still outside
    the run.

    A vehicle does not park on the node but at its own place within 400 m of it; the shift fades over the first km.
    """
    r, rate = legs.progress(t)
    roads = world.roads
    lon, lat, km, road_speed, bearing = roads.locate(legs.route, r)
    origin, target = np.divmod(legs.route, roads.node_count)
    ids = world.tracked[legs.veh]
    near = np.clip(1 - km / 0.9, 0, 1), np.clip(1 - (roads.route_km[legs.route] - km) / 0.9, 0, 1)
    total = np.maximum(near[0] + near[1], 1.0)
    for node, weight in zip((origin, target), near, strict=True):
        lon = lon + weight / total * (uniform(world.seed, 201, ids, node) - 0.5) * 0.0084
        lat = lat + weight / total * (uniform(world.seed, 202, ids, node) - 0.5) * 0.0072
    return lon, lat, km, road_speed * rate, bearing
