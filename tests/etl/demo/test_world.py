from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from etl.demo.drivers import management
from etl.demo.positions import alarms, movement, positions, statistics
from etl.demo.registers import registry
from etl.demo.world import clock, identity, people
from etl.demo.world.clock import DAY
from etl.demo.world.places import KMH_PLATFORM
from etl.demo.world.roads import distance_km
from etl.demo.world.world import World


@pytest.fixture(scope="module")
def clean(world: World) -> World:
    return replace(world, clean=True)


def test_the_same_seed_gives_the_same_rows_and_another_seed_does_not(world: World) -> None:
    again, other = replace(world), replace(world, seed=world.seed + 1)
    for name in ("companies", "vehicles", "drivers"):
        pd.testing.assert_frame_equal(getattr(world, name), getattr(again, name))
    pd.testing.assert_frame_equal(
        alarms.day_alarms.__wrapped__(world, world.anchor_day), alarms.day_alarms.__wrapped__(again, world.anchor_day)
    )
    assert list(world.vehicles["plate_no"]) != list(other.vehicles["plate_no"])


def test_as_many_motor_vehicles_are_in_service_as_the_scale_says(world: World) -> None:
    service = world.vehicles[(world.vehicles["status"] == "营运") & ~world.vehicles["is_trailer"]]
    assert len(service) == world.scale
    assert not world.vehicles["plate_no"].duplicated().any()
    assert (service.groupby("company").size() >= 50).any()


@pytest.mark.parametrize("scale", [20, 2000])
def test_small_and_large_worlds_have_companies_and_drivers_in_proportion(scale: int) -> None:
    world = World(3, scale, datetime(2026, 11, 23, 15, tzinfo=clock.SHANGHAI))
    heavy = world.vehicles[
        (world.vehicles["gross_mass_t"] > 4.5) & ~world.vehicles["is_trailer"] & (world.vehicles["status"] != "注销")
    ]
    assert abs(len(world.drivers) / len(heavy) - 1.17) < 0.03
    if scale == 2000:
        big = (
            world.vehicles[(world.vehicles["status"] == "营运") & ~world.vehicles["is_trailer"]]
            .groupby("company")
            .size()
            >= 50
        )
        assert 18 <= big.sum() <= 34


def test_every_identity_of_a_clean_world_passes_its_check_digit(clean: World) -> None:
    tables, planted = registry.frames(clean)
    assert planted.manifest() == {}
    assert all(identity.is_valid_id(i) for i in tables["yz_driver"]["id_no"])
    assert all(identity.is_valid_uscc(c) for c in tables["yz_company"]["uscc"].dropna())
    assert set(tables["yz_vehicle"]["plate_color"]) <= {1, 2, 93, 94}


def test_only_planted_id_numbers_fail_their_check_digit(world: World) -> None:
    written, kinds = people.written_ids(world, 741)
    assert [identity.is_valid_id(i) for i in written] == [k == "" for k in kinds]


def test_a_published_id_number_and_credit_code_agree_with_the_check_rules() -> None:
    assert identity.is_valid_id("11010519491231002X")
    assert identity.is_valid_uscc("91350100M000100Y43")


def test_nobody_drives_two_routes_at_once_and_each_run_starts_where_the_last_ended(world: World) -> None:
    legs = movement.join([movement.day_plan(world, world.anchor_day - k) for k in range(9)])
    same = legs.veh[1:] == legs.veh[:-1]
    assert ((legs.t0[1:] - legs.t1[:-1])[same] >= 20 * 60).all()
    origin, target = np.divmod(legs.route, world.roads.node_count)
    fresh = same & (legs.r0[1:] == 0)
    assert (origin[1:][fresh] == target[:-1][fresh]).all()


def test_vehicles_of_a_clean_world_never_jump(clean: World) -> None:
    noon = (clean.anchor_day - 1) * DAY + 12 * 3600
    rows = positions.messages(clean, noon, noon + 1800)
    order = np.lexsort((rows["loc_time"], rows["label"]))
    label, t, lon, lat = (rows[n][order] for n in ("label", "loc_time", "lon_e6", "lat_e6"))
    near = (label[1:] == label[:-1]) & (np.diff(t) > 0)
    km = distance_km(lon[:-1] / 1e6, lat[:-1] / 1e6, lon[1:] / 1e6, lat[1:] / 1e6)
    speed = km[near] / np.diff(t)[near] * 3600
    assert near.sum() > 100
    assert speed.max() < 130


def test_reported_speed_is_a_tenth_of_a_kilometre_per_hour_and_fits_the_movement(clean: World) -> None:
    noon = (clean.anchor_day - 1) * DAY + 12 * 3600
    rows = positions.messages(clean, noon, noon + 3600)
    moving = rows["speed_01kmh"] > 50
    assert 300 < np.median(rows["speed_01kmh"][moving]) < 900
    assert np.median(rows["lon_e6"]) > 119e6


def test_one_platform_of_a_defective_world_speaks_whole_kilometres_per_hour(world: World) -> None:
    noon = (world.anchor_day - 1) * DAY + 8 * 3600
    rows = positions.messages(world, noon, noon + 6 * 3600)
    odd = rows["platform"] == KMH_PLATFORM
    assert rows["speed_01kmh"][odd].max() <= 130 < rows["speed_01kmh"][~odd].max()


def test_the_union_of_small_windows_equals_the_large_one(world: World) -> None:
    begin = (world.anchor_day - 1) * DAY - 900  # across midnight
    whole = positions.messages(world, begin, begin + 1800)
    parts = [positions.messages(world, t, t + 60) for t in range(begin, begin + 1800, 60)]
    for name in whole:
        np.testing.assert_array_equal(whole[name], np.concatenate([p[name] for p in parts]))


def test_daily_statistics_agree_with_the_messages(clean: World) -> None:
    day = clean.anchor_day - 2
    table = statistics.vehicle_day(clean, day)
    rows = positions.messages(clean, day * DAY - 1, day * DAY + DAY - 1)
    assert abs(table["points"].sum() / len(rows["label"]) - 1) < 0.03
    assert (table["km_complete"] <= table["km_total"] + 1e-9).all()


def test_most_departures_have_their_check_in_the_stop_before(clean: World) -> None:
    done = total = 0
    for day in range(clean.anchor_day - 12, clean.anchor_day - 2):
        due = statistics.departures(clean, day)
        checks = management.day_checks(clean, day)
        at = checks[(checks["check_type"] == 1) & checks["complete"]].set_index("plate_no")["checked_at"]
        plates = clean.track["plate_no"][due["veh"].to_numpy()]
        low, high = clock.second_texts(due["stop_s"].to_numpy()), clock.second_texts(due["depart_s"].to_numpy())
        done += sum(p in at.index and a <= at[p] <= b for p, a, b in zip(plates, low, high, strict=True))
        total += len(due)
    assert 0.78 < done / total < 0.97


def test_spring_festival_is_quiet_and_sunday_slower_than_monday() -> None:
    assert movement.activity(clock.day_of(2026, 2, 17)) < 0.3
    assert movement.activity(clock.day_of(2026, 11, 22)) < movement.activity(clock.day_of(2026, 11, 23))
