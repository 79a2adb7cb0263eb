"""What becomes of tracks that are not as they should be: parked trucks that jitter, broken coordinates and counters,
silences, slow reporters. Every truth is written down beside the track that is made of it; all of them go through one
house."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.house import House
from warehouse.build import checks, runner

DAY = dt.datetime(2026, 11, 22)
LON, LAT = 120.0, 30.3
KM_EAST = 1 / (111.195 * 0.8634)
"""Degrees of longitude a kilometre takes at 30.3° north."""


@dataclass
class Truck:
    """Points of one vehicle, each `every` seconds after the last; `km`: its true way so far."""

    plate: str
    every: float = 30
    speed: bool = True
    counter: bool = True
    lon: float = LON
    lat: float = LAT
    sigma_m: float = 0
    noise: tuple[float, ...] = (0,)
    unit: float = 10
    at: dt.datetime = DAY + dt.timedelta(hours=6)
    km: float = 0
    odometer: float = 1000
    far_off: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def say(self, kmh: float) -> None:
        metre = self.sigma_m / 111_195
        self.rows.append(
            {
                "plate_no": self.plate,
                "plate_color": 2,
                "loc_time": f"{self.at:%Y-%m-%d %H:%M:%S}",
                "recv_time": f"{self.at:%Y-%m-%d %H:%M:%S}",
                "lon_e6": round((self.lon + self.random.gauss(0, metre)) * 1e6),
                "lat_e6": round((self.lat + self.random.gauss(0, metre)) * 1e6),
                "status_bits": 3,
                "direction": 90,
                "speed_01kmh": round(kmh * 10) if self.speed else None,
                "mileage_01km": round(self.odometer * self.unit) if self.counter else None,
            }
        )

    def stand(self, minutes: float) -> Truck:
        for _ in range(round(minutes * 60 / self.every)):
            self.say(self.random.choice(self.noise))
            self.at += dt.timedelta(seconds=self.every)
        return self

    def drive(self, minutes: float, kmh: float = 60, *, told: float | None = None) -> Truck:
        for _ in range(round(minutes * 60 / self.every)):
            self.say(kmh if told is None else told)
            self.go(self.every / 60, kmh)
        self.say(0)
        self.at += dt.timedelta(seconds=self.every)
        return self

    def away(self, fixes: int) -> Truck:
        """So many fixes twenty kilometres off, and back."""
        self.lon += 20 * KM_EAST
        self.stand(fixes * self.every / 60)
        self.lon -= 20 * KM_EAST
        return self

    def go(self, minutes: float, kmh: float) -> Truck:
        """On without a word."""
        way = kmh * minutes / 60
        self.at += dt.timedelta(minutes=minutes)
        self.km, self.odometer, self.lon = self.km + way, self.odometer + way, self.lon + way * KM_EAST
        return self


def lost_zero(value: int) -> int:
    """120.0123 as a device writes it that prints the fraction as a number: 120.123."""
    whole, rest = divmod(value, 1_000_000)
    text = f"{rest:06d}".rstrip("0")
    return whole * 1_000_000 + int((text.lstrip("0") or "0").ljust(6, "0"))


def broken(truck: Truck, share: float = 0.08) -> Truck:
    """The same with zeros lost in so many of its fixes."""
    for row in truck.rows:
        if truck.random.random() < share:
            lon, lat = lost_zero(row["lon_e6"]), lost_zero(row["lat_e6"])
            truck.far_off += abs(lon - row["lon_e6"]) + abs(lat - row["lat_e6"]) > 50_000
            row["lon_e6"], row["lat_e6"] = lon, lat
    return truck


NOISE = (0,) * 17 + (1.8, 3.7, 8.1)
PARKED = [
    Truck("浙A00001", sigma_m=15, noise=NOISE).stand(720),
    Truck("浙A00002", sigma_m=15).stand(720),
    Truck("浙A00003", sigma_m=50).stand(720),
    Truck("浙A00004", sigma_m=50, every=60).stand(720),
    Truck("浙A00005", sigma_m=15, every=5, noise=NOISE).stand(240),
    Truck("浙A00006", sigma_m=15, speed=False, counter=False).stand(720),
    Truck("浙A00007", sigma_m=50, every=300, speed=False, counter=False).stand(720),
    Truck("浙A00008", sigma_m=15, counter=False, noise=NOISE).stand(720),
    Truck("浙A00009", sigma_m=90).stand(720),
]
"""They stand: no kilometre, no second, no trip."""
DRIVING = [
    Truck("浙A00011").drive(120),
    Truck("浙A00012", speed=False, counter=False).drive(120),
    Truck("浙A00013", speed=False, counter=False, sigma_m=10, every=10).drive(120, 30),
    Truck("浙A00014", counter=False).drive(120, told=0),
    Truck("浙A00015").drive(120, told=0),
    Truck("浙A00016", unit=0).drive(120),
    Truck("浙A00017", unit=1).drive(120),
    Truck("浙A00018", unit=10_000).drive(120),
    Truck("浙A00019", every=300).drive(300),
    Truck("浙A00020", every=305).drive(305, 40),
    Truck("浙A00021", every=300, speed=False, counter=False).drive(300, 30),
    Truck("浙A00022", every=1).drive(30, 80),
    Truck("浙A00023", speed=False, counter=False, every=60, sigma_m=10).drive(120, 12),
]
"""They drive all the time: all of it counts, and all of it is complete."""
BROKEN = [
    broken(Truck("浙A00031", lon=120.001, lat=30.31).drive(60)),
    broken(Truck("浙A00032", lon=120.03, lat=30.05).drive(60)),
    broken(Truck("浙A00033", lon=120.02, lat=30.05, every=5).drive(60)),
    broken(Truck("浙A00034", lon=120.01, lat=30.2, every=60).drive(60)),
    broken(Truck("浙A00035", lon=120.01, lat=30.05, speed=False, counter=False).drive(60)),
    broken(Truck("浙A00036", lon=120.01, lat=30.2, every=300).drive(120)),
    broken(Truck("浙A00037", lon=120.03, lat=30.05, every=1).drive(60)),
]
"""Broken fixes in a drive: within 3 % of the odometer, and nobody accused."""


def days(house: House, columns: str) -> dict[str, tuple[Any, ...]]:
    return {
        row[0]: row[1:]
        for row in house.rows(f"SELECT split_part(vehicle_key, '#', 1), {columns} FROM marts.gps_vehicle_day")
    }


SPECIAL = {
    # seen standing for an hour, then the ignition goes off for three: place and counter are the same on waking
    "slept": Truck("浙A00041").drive(30).stand(60).go(180, 0).stand(5).drive(30),
    # the same without a counter: nobody knows
    "silent": Truck("浙A00042", counter=False).drive(30).stand(5).go(180, 0).stand(5).drive(30),
    # driven over midnight, then three hours of silence
    "silent_by_night": Truck("浙A00050", counter=False, at=DAY - dt.timedelta(minutes=30))
    .drive(60)
    .go(180, 0)
    .stand(5)
    .drive(30),
    # a loss of an hour and a half, 41 km further on
    "unseen": Truck("浙A00043").drive(30).go(90, 41 / 1.5).drive(30),
    # a short loss while driving
    "short": Truck("浙A00044").drive(30).go(10, 60).drive(30),
    # one step of one second, and an hour of standing on both sides
    "one_step": Truck("浙A00045", every=1).stand(25).drive(1 / 60, 30).stand(25),
    # creeping in a queue, 3 km/h for an hour
    "queue": Truck("浙A00046").drive(30).drive(60, 3).drive(30),
    # five fixes elsewhere have less company than witnesses against them; six have as much as any
    "five_away": Truck("浙A00048", speed=False, counter=False).stand(20).away(5).stand(20),
    "six_away": Truck("浙A00049", speed=False, counter=False).stand(20).away(6).stand(20),
    # a night between two days
    "parked_then_gone": Truck("浙A00047").stand(180).drive(30),
}


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House.with_own_tables(tmp_path_factory.mktemp("tracks"))
    for truck in (*PARKED, *DRIVING, *BROKEN, *SPECIAL.values()):
        house.put("gps_location", truck.rows)
    house.make("gps_vehicle_day", "gps_trip", "gps_stop", "stop_reach")
    yield house
    house.close()


@pytest.mark.parametrize("truck", PARKED, ids=lambda truck: truck.plate)
def test_a_parked_truck_makes_no_kilometre_no_driving_and_no_trip(tracks: House, truck: Truck) -> None:
    found = days(tracks, "km_total, drive_s, fatigue_s, trip_cnt, drift_pts, first_move_at")
    assert found[truck.plate] == (0, 0, 0, 0, 0, None)
    assert between(tracks, truck) == [], "it stands still: that stop is listed when it is over"


@pytest.mark.parametrize("truck", DRIVING, ids=lambda truck: truck.plate)
def test_a_moving_truck_counts_whatever_it_does_not_tell(tracks: House, truck: Truck) -> None:
    km, complete, seconds, trips = days(tracks, "km_total, km_complete, drive_s, trip_cnt")[truck.plate]
    assert (km, complete) == pytest.approx((truck.km, truck.km), rel=0.03)
    assert seconds == pytest.approx(len(truck.rows) * truck.every, rel=0.05) and trips == 1


@pytest.mark.parametrize("truck", BROKEN, ids=lambda truck: truck.plate)
def test_broken_fixes_are_drift_and_take_nothing_from_the_way(tracks: House, truck: Truck) -> None:
    km, drift, far, trips = days(tracks, "km_total, drift_pts, far_pts, trip_cnt")[truck.plate]
    assert km == pytest.approx(truck.km, rel=0.03)
    assert drift == pytest.approx(truck.far_off, rel=0.1, abs=3) and far < 10 and trips == 1


def between(house: House, truck: Truck) -> list[tuple[Any, ...]]:
    return house.rows(
        "SELECT kind, stop_s FROM marts.gps_stop WHERE vehicle_key = ? ORDER BY from_at", [f"{truck.plate}#2"]
    )


def trips(house: House, truck: Truck) -> list[tuple[Any, ...]]:
    return house.rows(
        "SELECT kind, km, gap_km, rest_s FROM marts.gps_trip WHERE vehicle_key = ? ORDER BY from_at",
        [f"{truck.plate}#2"],
    )


def test_a_sleeping_truck_whose_counter_is_the_same_has_rested(tracks: House) -> None:
    truck = SPECIAL["slept"]
    [(kind, seconds)] = between(tracks, truck)
    assert kind == "stand" and seconds == pytest.approx(245 * 60, abs=120)
    assert tracks.rows("SELECT silent_s FROM marts.gps_stop WHERE vehicle_key = '浙A00041#2'")[0][0] >= 180 * 60
    assert [row[3] for row in trips(tracks, truck)] == [None, seconds]


def test_a_silence_nobody_vouches_for_is_no_stop_and_no_rest(tracks: House) -> None:
    truck = SPECIAL["silent"]
    assert [kind for kind, _ in between(tracks, truck)] == ["silent"]
    assert [row[3] for row in trips(tracks, truck)] == [None, None]
    assert days(tracks, "depart_at")[truck.plate][0] == DAY.replace(hour=6), "and nobody has departed from it"


def test_nobody_departs_from_a_silence(tracks: House) -> None:
    truck = SPECIAL["silent_by_night"]
    assert [kind for kind, _ in between(tracks, truck)] == ["silent"]
    found = tracks.rows(
        "SELECT day, depart_at FROM marts.gps_vehicle_day WHERE vehicle_key = ? ORDER BY day", [f"{truck.plate}#2"]
    )
    assert found == [(DAY.date() - dt.timedelta(days=1), DAY - dt.timedelta(minutes=30)), (DAY.date(), None)]


def test_what_moved_unseen_has_a_row_of_its_own_and_its_kilometres(tracks: House) -> None:
    truck = SPECIAL["unseen"]
    [(kind, seconds)] = between(tracks, truck)
    assert (kind, seconds) == ("unseen", 90 * 60 + 30)
    first, gap, second = trips(tracks, truck)
    assert (first[0], gap[0], second[0]) == ("drive", "unseen", "drive") and second[3] is None
    assert gap[1] == gap[2] == pytest.approx(41, rel=0.01)
    km, trip, outside, unseen = days(tracks, "km_total, km_trip, km_outside, km_unseen")[truck.plate]
    assert (km, trip, outside, unseen) == pytest.approx((101, 60, 0, 41), rel=0.01)


def test_a_short_loss_belongs_to_the_trip_and_is_marked_on_its_path(tracks: House) -> None:
    truck = SPECIAL["short"]
    assert between(tracks, truck) == []
    [(kind, km, gap, _)] = trips(tracks, truck)
    assert (kind, km, gap) == ("drive", pytest.approx(70, rel=0.01), pytest.approx(10, rel=0.05))
    path = tracks.rows("SELECT path FROM marts.gps_trip WHERE vehicle_key = '浙A00044#2'")[0][0]
    assert [point["is_unseen"] for point in path].count(True) == 1
    assert [point["at"] for point in path] == sorted(point["at"] for point in path)


def test_most_of_the_ten_around_decide_what_is_drift(tracks: House) -> None:
    drift = days(tracks, "drift_pts")
    assert drift[SPECIAL["five_away"].plate] == (5,) and drift[SPECIAL["six_away"].plate] == (0,)


def test_one_step_is_no_trip_and_ends_no_stop(tracks: House) -> None:
    truck = SPECIAL["one_step"]
    assert trips(tracks, truck) == []
    assert between(tracks, truck) == [], "one stop, which lasts"


def test_creeping_in_a_queue_is_no_stop(tracks: House) -> None:
    assert between(tracks, SPECIAL["queue"]) == []


def test_a_departure_leaves_a_stop_of_two_hours(tracks: House) -> None:
    depart, after = days(tracks, "depart_at, depart_after")[SPECIAL["parked_then_gone"].plate]
    assert depart == DAY.replace(hour=9), after


def test_the_parts_of_every_day_add_up_and_no_check_fails(tracks: House) -> None:
    assert tracks.rows(
        "SELECT count(*) FROM marts.gps_vehicle_day WHERE abs(km_total - km_trip - km_outside - km_unseen) > 0.01"
    ) == [(0,)]
    held = checks.run(tracks.writer, tracks.at, ["gps_vehicle_day", "gps_trip", "gps_stop"])
    assert held == {}


def test_no_trip_has_a_rest_shorter_than_a_rest(tracks: House) -> None:
    assert tracks.rows("SELECT count(*) FROM marts.gps_trip WHERE rest_s < 1200") == [(0,)]


def test_a_stop_over_midnight_is_over_once(house: House) -> None:
    night = Truck("浙A00051", at=DAY - dt.timedelta(hours=1, minutes=30)).drive(30).stand(480).drive(30)
    house.at = DAY - dt.timedelta(seconds=10)
    house.put("gps_location", night.rows[:180])
    house.make("stop_reach")
    runner.settled(house.writer)
    house.at = DAY + dt.timedelta(hours=12)
    house.put("gps_location", night.rows[180:])
    house.make("stop_reach")
    found = house.rows("SELECT day, is_over, stop_s FROM marts.gps_stop WHERE kind = 'stand' ORDER BY day")
    assert [(day, over) for day, over, _ in found] == [(DAY.date(), True)], "made day by day or at once"
    assert found[0][2] == pytest.approx(480 * 60, abs=120)


def test_a_counter_that_says_something_else_than_the_places_is_told(house: House) -> None:
    drives = Truck("浙A00052", speed=False).drive(60)
    for number, row in enumerate(drives.rows):
        row["mileage_01km"] = 10_000 + round(number * 7.5)
    house.put("gps_location", drives.rows)
    house.make("gps_vehicle_day")
    checks.run(house.writer, house.at, ["gps_vehicle_day"])
    assert house.rows("SELECT failed_rows FROM run.check_result WHERE name = '里程表与定位'") == [(1,)]


def test_the_next_day_lists_no_stop_and_no_way_of_the_day_before_again(house: House) -> None:
    seen = Truck("浙A00053").drive(10).stand(40).drive(10).go(90, 27).stand(30)
    house.put("gps_location", seen.rows)
    house.make("stop_reach", "gps_trip")
    first = [house.rows(f"SELECT * FROM marts.{name} ORDER BY ALL") for name in ("gps_stop", "gps_trip")]
    assert [len(rows) for rows in first] == [2, 3]
    runner.settled(house.writer)
    house.put("gps_location", Truck("浙A00053", lon=seen.lon, at=DAY + dt.timedelta(hours=30)).drive(10).rows)
    house.make("stop_reach", "gps_trip")
    again = [
        house.rows(f"SELECT * FROM marts.{name} WHERE day = ? ORDER BY ALL", [DAY.date()])
        for name in ("gps_stop", "gps_trip")
    ]
    assert again == first
