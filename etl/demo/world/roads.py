"""A made-up road graph over Yuhang and its neighbours, with every shortest route laid out for interpolation.

Nodes are town centres, logistics parks, ramps and neighbouring cities at their true places; the roads between them
are invented gentle curves. Distances in km, times in seconds at the ordinary speed of the road kind.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

KM_PER_DEGREE_LAT = 111.2
KM_PER_DEGREE_LON = 96.0  # at 30.3° north
SPEED_KMH = {"E": 74.0, "T": 52.0, "U": 34.0, "R": 41.0}  # expressway, trunk road, urban, rural
ROUTE_SPAN_S = 200_000.0  # longer than any route, so that (route, seconds) packs into one sorted key

# name, lon, lat, group: t = town centre, p = park or ramp inside the district, n = neighbour, f = far city
NODES: tuple[tuple[str, float, float, str], ...] = (
    ("五常", 120.030, 30.240, "t"),
    ("仁和", 120.072, 30.432, "t"),
    ("良渚", 120.050, 30.370, "t"),
    ("闲林", 120.010, 30.220, "t"),
    ("仓前", 119.990, 30.290, "t"),
    ("余杭街道", 119.940, 30.270, "t"),
    ("中泰", 119.900, 30.230, "t"),
    ("径山", 119.870, 30.360, "t"),
    ("瓶窑", 119.970, 30.390, "t"),
    ("鸬鸟", 119.720, 30.430, "t"),
    ("百丈", 119.712, 30.497, "t"),
    ("黄湖", 119.800, 30.450, "t"),
    ("仁和物流园", 120.075, 30.462, "p"),
    ("良渚物流园", 120.075, 30.395, "p"),
    ("勾庄市场", 120.088, 30.362, "p"),
    ("瓶窑货站", 119.945, 30.405, "p"),
    ("崇贤互通西", 120.105, 30.430, "p"),
    ("獐山", 120.010, 30.425, "p"),
    ("云会", 120.063, 30.474, "p"),
    ("彭公", 119.920, 30.420, "p"),
    ("长乐", 119.890, 30.325, "p"),
    ("双溪", 119.810, 30.395, "p"),
    ("潘板", 119.890, 30.390, "p"),
    ("老余杭货场", 119.955, 30.285, "p"),
    ("未来科技城", 120.005, 30.275, "p"),
    ("闲林埠", 119.985, 30.215, "p"),
    ("南湖", 119.915, 30.250, "p"),
    ("永建", 119.975, 30.335, "p"),
    ("良渚港", 120.030, 30.365, "p"),
    ("良渚南", 120.068, 30.362, "p"),
    ("太平山", 119.760, 30.470, "p"),
    ("绕城北枢纽", 120.045, 30.405, "p"),
    ("临平", 120.300, 30.420, "n"),
    ("康桥", 120.150, 30.355, "n"),
    ("下沙", 120.350, 30.310, "n"),
    ("萧山", 120.280, 30.170, "n"),
    ("富阳", 119.960, 30.060, "n"),
    ("临安", 119.720, 30.235, "n"),
    ("德清", 120.080, 30.545, "n"),
    ("安吉", 119.680, 30.630, "n"),
    ("海宁", 120.680, 30.510, "n"),
    ("桐乡", 120.560, 30.630, "n"),
    ("湖州", 120.090, 30.880, "n"),
    ("绍兴", 120.580, 30.020, "n"),
    ("上海", 121.330, 31.200, "f"),
    ("宁波", 121.560, 29.860, "f"),
    ("苏州", 120.620, 31.290, "f"),
    ("南京", 118.830, 31.950, "f"),
    ("合肥", 117.300, 31.850, "f"),
    ("金华", 119.650, 29.100, "f"),
    ("徐州", 117.250, 34.230, "f"),
    ("温州", 120.700, 28.020, "f"),
)

ROADS = (
    "U 五常 闲林|U 五常 未来科技城|U 未来科技城 仓前|U 仓前 老余杭货场|U 老余杭货场 余杭街道|U 余杭街道 南湖|R 南湖 中泰|U 闲林 闲林埠|R 闲林埠 南湖|"
    "T 仓前 永建|T 永建 瓶窑|T 永建 良渚港|U 良渚港 良渚|U 良渚港 良渚南|U 良渚南 勾庄市场|U 良渚 勾庄市场|U 良渚 绕城北枢纽|U 绕城北枢纽 良渚物流园|"
    "U 良渚物流园 勾庄市场|T 良渚物流园 崇贤互通西|T 崇贤互通西 仁和物流园|U 仁和物流园 仁和|R 仁和 云会|T 仁和 獐山|T 獐山 瓶窑|U 瓶窑 瓶窑货站|T 绕城北枢纽 獐山|"
    "R 瓶窑货站 彭公|R 瓶窑 潘板|R 潘板 径山|R 径山 长乐|R 长乐 余杭街道|R 长乐 永建|R 径山 双溪|R 双溪 黄湖|R 彭公 黄湖|R 黄湖 太平山|R 太平山 百丈|R 太平山 鸬鸟|R 鸬鸟 双溪|"
    "E 绕城北枢纽 瓶窑货站|E 绕城北枢纽 仁和|E 绕城北枢纽 永建|E 永建 老余杭货场|E 老余杭货场 闲林埠|E 崇贤互通西 临平|T 勾庄市场 康桥|E 康桥 临平|E 康桥 下沙|"
    "E 下沙 萧山|E 闲林埠 富阳|E 南湖 临安|E 仁和物流园 德清|R 云会 德清|R 百丈 安吉|T 黄湖 安吉|E 德清 湖州|E 德清 桐乡|E 临平 海宁|E 海宁 桐乡|E 萧山 绍兴|E 富阳 萧山|"
    "E 海宁 上海|E 绍兴 宁波|E 桐乡 苏州|E 湖州 苏州|E 湖州 南京|E 安吉 南京|E 南京 合肥|E 富阳 金华|E 南京 徐州|E 金华 温州|T 五常 良渚南|E 苏州 上海"
)


@dataclass(frozen=True)
class RoadNet:
    """Every route (origin node × destination node) as one run of points in flat arrays.

    route id = origin * node_count + destination. `point_*` have one entry per point; `start`/`stop` bound a route.
    `key` = route id * ROUTE_SPAN_S + seconds from the origin, ascending over the whole array.
    """

    names: tuple[str, ...]
    lon: np.ndarray
    lat: np.ndarray
    group: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    point_lon: np.ndarray
    point_lat: np.ndarray
    point_km: np.ndarray
    point_s: np.ndarray
    key: np.ndarray
    route_s: np.ndarray
    route_km: np.ndarray

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.names)

    def locate(
        self, route: np.ndarray, seconds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(lon, lat, km from origin, road speed km/h, bearing °) after `seconds` of ordinary driving on `route`."""
        at = np.searchsorted(self.key, route * ROUTE_SPAN_S + seconds, side="right") - 1
        at = np.clip(at, self.start[route], self.stop[route] - 2)
        width = np.maximum(self.point_s[at + 1] - self.point_s[at], 1e-9)
        share = np.clip((seconds - self.point_s[at]) / width, 0.0, 1.0)
        d_lon, d_lat = self.point_lon[at + 1] - self.point_lon[at], self.point_lat[at + 1] - self.point_lat[at]
        d_km = self.point_km[at + 1] - self.point_km[at]
        bearing = np.degrees(np.arctan2(d_lon * KM_PER_DEGREE_LON, d_lat * KM_PER_DEGREE_LAT)) % 360
        return (
            self.point_lon[at] + share * d_lon,
            self.point_lat[at] + share * d_lat,
            self.point_km[at] + share * d_km,
            d_km / width * 3600,
            bearing,
        )


def distance_km(lon1: np.ndarray, lat1: np.ndarray, lon2: np.ndarray, lat2: np.ndarray) -> np.ndarray:
    """Flat-earth distance in km, good to 1 % within 300 km of Hangzhou."""
    return np.hypot((lon2 - lon1) * KM_PER_DEGREE_LON, (lat2 - lat1) * KM_PER_DEGREE_LAT)


def _curve(a: tuple[float, float], b: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Points (lon, lat) of a gentle curve from a to b: two sine bends across the straight line."""
    length = float(distance_km(np.float64(a[0]), np.float64(a[1]), np.float64(b[0]), np.float64(b[1])))
    count = max(8, int(length / (0.25 if length < 40 else 1.2)))
    u = np.linspace(0, 1, count + 1)
    bend = rng.uniform(0.04, 0.11) * rng.choice([-1, 1]) * np.sin(np.pi * u)
    bend = bend + rng.uniform(0.01, 0.035) * np.sin(2 * np.pi * rng.integers(1, 3) * u) * np.sin(np.pi * u)
    east, north = (b[0] - a[0]) * KM_PER_DEGREE_LON, (b[1] - a[1]) * KM_PER_DEGREE_LAT
    return np.column_stack(
        [a[0] + (east * u - north * bend) / KM_PER_DEGREE_LON, a[1] + (north * u + east * bend) / KM_PER_DEGREE_LAT]
    )


def _edges() -> dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]:
    """(from, to) → (points (n, 2), step seconds (n-1,)), both directions."""
    index = {name: i for i, (name, *_) in enumerate(NODES)}
    edges = {}
    for number, road in enumerate(ROADS.split("|")):
        kind, first, second = road.split()
        a, b = index[first], index[second]
        points = _curve(NODES[a][1:3], NODES[b][1:3], np.random.default_rng([41, number]))
        steps = distance_km(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]) / SPEED_KMH[kind] * 3600
        edges[a, b] = (points, steps)
        edges[b, a] = (points[::-1], steps[::-1])
    return edges


def _shortest(edges: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]], origin: int) -> list[int]:
    """Predecessor of each node on the fastest way from `origin` (Dijkstra)."""
    out: dict[int, list[tuple[int, float]]] = {}
    for (a, b), (_, steps) in edges.items():
        out.setdefault(a, []).append((b, float(steps.sum())))
    best = [np.inf] * len(NODES)
    before = [-1] * len(NODES)
    best[origin] = 0.0
    queue = [(0.0, origin)]
    while queue:
        cost, node = heapq.heappop(queue)
        if cost > best[node]:
            continue
        for other, step in out[node]:
            if cost + step < best[other]:
                best[other], before[other] = cost + step, node
                heapq.heappush(queue, (cost + step, other))
    return before


@lru_cache(maxsize=1)
def road_net() -> RoadNet:
    """The one road net (it does not depend on the seed: all worlds share their map)."""
    edges, count = _edges(), len(NODES)
    lons, lats, kms, secs, lengths = [], [], [], [], []
    for origin in range(count):
        before = _shortest(edges, origin)
        for target in range(count):
            points, steps = _route(edges, before, origin, target)
            km = np.concatenate(
                [[0.0], np.cumsum(distance_km(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]))]
            )
            lons.append(points[:, 0])
            lats.append(points[:, 1])
            kms.append(km)
            secs.append(np.concatenate([[0.0], np.cumsum(steps)]))
            lengths.append(len(points))
    stop = np.cumsum(lengths)
    route = np.repeat(np.arange(count * count), lengths)
    point_s = np.concatenate(secs)
    point_km = np.concatenate(kms)
    return RoadNet(
        names=tuple(n[0] for n in NODES),
        lon=np.array([n[1] for n in NODES]),
        lat=np.array([n[2] for n in NODES]),
        group=np.array([n[3] for n in NODES]),
        start=stop - lengths,
        stop=stop,
        point_lon=np.concatenate(lons),
        point_lat=np.concatenate(lats),
        point_km=point_km,
        point_s=point_s,
        key=route * ROUTE_SPAN_S + point_s,
        route_s=point_s[stop - 1],
        route_km=point_km[stop - 1],
    )


def _route(
    edges: dict[int, list[tuple[int, float, int]]], before: list[int], origin: int, target: int
) -> tuple[np.ndarray, np.ndarray]:
    if origin == target:  # standing still: two equal points, so that interpolation needs no special case
        return np.array([NODES[origin][1:3]] * 2), np.array([1.0])
    nodes = [target]
    while nodes[-1] != origin:
        nodes.append(before[nodes[-1]])
    nodes.reverse()
    parts = [edges[pair] for pair in pairwise(nodes)]
    points = np.concatenate([parts[0][0], *[p[0][1:] for p in parts[1:]]])
    return points, np.concatenate([p[1] for p in parts])
