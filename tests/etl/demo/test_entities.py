"""Every source delivers what its contracts ask for: the columns, the same rows each time, windows that keep their
word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import inspect

from etl.config.descriptions import feeds
from etl.config.schema import Feed
from etl.demo.app.http import AppLists
from etl.demo.drivers import active_safety, attendance
from etl.demo.positions import supervision, terminals
from etl.demo.registers import cases, matters, registry
from etl.demo.server import runner
from etl.demo.server.feeds import Feeds
from etl.demo.world import clock
from etl.demo.world.books import Book, versions
from etl.demo.world.clock import DAY
from etl.demo.world.world import World
from warehouse.catalog.contracts import contracts

DELIVERED = {f"{feed.source}_{feed.entity}" for feed in feeds()}


def wanted(feed: Feed) -> set[str]:
    """Names on the wire of a feed without a column mapping."""
    return {
        column.source for column in contracts()[f"{feed.source}_{feed.entity}"].columns if column.name != "ledger_at"
    }


def test_every_contract_of_a_foreign_source_has_a_feed() -> None:
    assert {name for name, contract in contracts().items() if contract.source != "own"} - DELIVERED == set()


def test_every_list_over_http_has_the_columns_of_its_contract_also_those_to_be_dropped(
    folder: Path, world: World
) -> None:
    lists, app, now = (
        Feeds(world, folder / "history"),
        AppLists(replace(world, scale=400)),
        clock.local_second(world.started_at),
    )
    for feed in feeds():
        if feed.transport != "http_json" or feed.entity == "location":
            continue
        name = feed.path.rpartition("/")[2]
        rows = app.lists[name](0, now) if feed.source == "mp" else lists.systems[feed.source][name](0, now, now)
        given = {("created_at" if name == "points" else "updated_at") if c == "updated_s" else c for c in rows.columns}
        assert wanted(feed) == given, feed.path
        assert len(rows), feed.path


def test_both_databases_have_the_columns_that_the_feeds_name(folder: Path) -> None:
    looks = {
        "yz": inspect(registry.engine_for(runner.registry_dsn_of(folder, None))),
        "pj": inspect(registry.engine_for(runner.digital_dsn_of(folder))),
    }
    for feed in feeds():
        if feed.transport == "sql_database":
            there = {str(column["name"]) for column in looks[feed.source].get_columns(feed.table)}
            requested = {rule if isinstance(rule, str) else rule.source for rule in feed.columns.values()} or wanted(
                feed
            )
            assert requested <= there, feed.table


@pytest.mark.parametrize(
    "make",
    [
        active_safety.day_alarms,
        active_safety.day_devices,
        attendance.day_failed_items,
        attendance.day_identities,
        attendance.day_codes,
        supervision.day_links,
        cases.day_permits,
        cases.day_penalties,
        matters.day_tickets,
    ],
    ids=lambda make: make.__name__,
)
def test_a_day_of_the_same_world_is_the_same(world: World, make) -> None:
    day = world.anchor_day - 3
    plain = getattr(make, "__wrapped__", make)
    pd.testing.assert_frame_equal(plain(world, day), plain(replace(world), day))


def test_a_book_shows_each_row_once_in_its_state_at_the_end_of_the_window() -> None:
    frame = pd.DataFrame({"key": ["a", "b"], "answer": ["yes", "no"]})
    book = Book(lambda _: versions(frame, np.array([10, 20]), np.array([50, -1]), {"answer": None}), "key")
    assert book.window([0], 0, 30).to_dict("list") == {"key": ["a", "b"], "answer": [None, None], "updated_s": [10, 20]}
    assert book.window([0], 0, 50)["answer"].tolist() == [None, "yes"]
    assert book.window([0], 10, 20)["key"].tolist() == ["b"], "the beginning is exclusive, the end is not"
    assert len(book.window([0], 50, 99)) == 0


def test_cameras_raise_events_and_ends_beside_alarms_and_send_some_rows_twice(world: World) -> None:
    frame = pd.concat([active_safety.day_alarms(world, world.anchor_day - k) for k in range(2, 32)])
    counted = frame[(frame["flag"] == 1) & (frame["code"] < active_safety.EVENT_FROM)].drop_duplicates("alarm_uid")
    assert 0.6 < len(counted) / frame["alarm_uid"].nunique() < 0.95
    assert frame["alarm_uid"].duplicated().any() and (frame["code"] >= 16).any() and (frame["flag"] == 2).any()
    assert 0.02 < (counted["level"] == 2).mean() < 0.3
    equipped = set(
        terminals.terminal_texts(
            np.concatenate(
                [terminals.terminal_of(world, world.anchor_day - k)[terminals.equipped(world)] for k in range(2, 33)]
            )
        )
    )
    assert set(frame["terminal_id"]) <= equipped


def test_a_terminal_is_never_in_two_vehicles_and_a_vehicle_never_without_one(world: World) -> None:
    for day in range(world.first_day, world.anchor_day + 200, 40):
        numbers = terminals.terminal_of(world, day)
        assert len(set(numbers.tolist())) == len(numbers)
    frame = terminals.installations(world)
    assert frame[frame["removed_at"].isna()].groupby("terminal_id").size().max() <= 2, "one that moved is put in twice"


def test_the_outage_of_a_platform_is_in_its_minutes(world: World) -> None:
    usual, outage = (supervision.day_links(world, world.anchor_day - k)["up_min"].to_numpy()[0] for k in (20, 21))
    assert usual - outage > 250


def test_urges_follow_alarms_that_nobody_handled(folder: Path, world: World) -> None:
    lists, now = Feeds(world, folder / "history"), clock.local_second(world.started_at)
    urges = lists.systems["gps"]["alarm_urges"](0, now, now)
    handled = set(lists.systems["rdm"]["alarm_handles"](0, now, now)["alarm_uid"])
    assert len(urges) and not set(urges["alarm_uid"]) & handled


def test_a_later_look_at_the_databases_writes_what_has_happened_since_and_looking_twice_nothing_more(
    world: World, tmp_path: Path
) -> None:
    from etl.demo.registers import live_tables

    engine = registry.engine_for(f"sqlite:///{tmp_path / 'digital.sqlite'}")
    live_tables.create(world, engine, matters.METADATA, matters.TABLES)

    def content() -> pd.DataFrame:
        return pd.read_sql_table("t_ticket", engine).sort_values(["gdh", "qd"], ignore_index=True)

    before, begun = content(), clock.local_second(world.started_at)
    live_tables.apply(world, engine, matters.TABLES, begun, begun + 20 * DAY)
    after = content()
    assert len(after) > len(before) and not after.duplicated(["gdh", "qd"]).any()
    assert after["bjsj"].notna().sum() > before["bjsj"].notna().sum()
    live_tables.apply(world, engine, matters.TABLES, begun, begun + 20 * DAY)
    pd.testing.assert_frame_equal(after, content())


def test_seven_of_the_ten_have_no_name_and_their_milestones_weigh_ten_each(world: World) -> None:
    items, nodes = (
        matters.day_items(world, world.first_day),
        matters.day_nodes(world, world.first_day).drop_duplicates(["nd", "xh", "jdh"]),
    )
    assert items.groupby("nd").size().eq(10).all() and items["mc"].notna().groupby(items["nd"]).sum().eq(3).all()
    assert np.allclose(nodes.groupby(["nd", "xh"])["qz"].sum(), 10.0)
