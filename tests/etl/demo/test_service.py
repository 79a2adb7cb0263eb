from __future__ import annotations

import gzip
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from sqlalchemy import func, select

from etl.demo.positions.positions import TICK_S
from etl.demo.registers import churn, registry
from etl.demo.server import runner
from etl.demo.world import clock
from tests.etl.demo.conftest import DAYS, SCALE, SEED, STARTED, Client, SettableClock

NOW = STARTED + timedelta(minutes=10)
LONG_AGO = STARTED - timedelta(days=500)
LISTS = (
    "gps/api/v1/positions",
    "gps/api/v1/alarms",
    "gps/api/v1/post_checks",
    "rdm/api/v1/accounts",
    "rdm/api/v1/plans",
    "rdm/api/v1/learnings",
    "rdm/api/v1/checks",
    "rdm/api/v1/alarm_handles",
    "rdm/api/v1/score_months",
    "gps/api/v1/alarm_urges",
    "gps/api/v1/link_days",
    "gps/api/v1/terminals",
    "rdm/api/v1/exams",
    "rdm/api/v1/check_items",
    "rdm/api/v1/identities",
    "as/api/v1/alarms",
    "as/api/v1/device_days",
    "ext/api/v1/safety_codes",
)
CHANGING = ("accounts", "alarm_urges", "check_items", "terminals", "as/api/v1/alarms")


@pytest.mark.parametrize("path", LISTS)
def test_every_list_demands_a_token(client: Client, path: str) -> None:
    other = client.tokens["rdm" if path.startswith("gps") else "gps"]
    for header in ({}, {"Authorization": "Bearer 1.x"}, {"Authorization": f"Bearer {other}"}):
        answer = client.http.get(f"/{path}", headers=header)
        assert answer.status_code == 401 and answer.json()["code"] == 40102


def test_a_wrong_secret_gets_no_token(client: Client) -> None:
    answer = client.http.post("/gps/oauth/token", json={"client_id": "zhengbei", "client_secret": "错"})
    assert answer.status_code == 401 and answer.json()["code"] == 40101


@pytest.mark.parametrize("path", LISTS)
def test_a_window_asked_twice_is_identical_sorted_and_inside_its_bounds(client: Client, path: str) -> None:
    since = NOW - (timedelta(hours=1) if "positions" in path else timedelta(days=45))
    first, second = client.rows(f"/{path}", since, NOW), client.rows(f"/{path}", since, NOW)
    assert first == second and first
    stamps = [r["updated_at"] for r in first]
    assert stamps == sorted(stamps)
    assert since.strftime("%Y-%m-%d %H:%M:%S") < stamps[0] and stamps[-1] <= NOW.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("path", [p for p in LISTS if not any(name in p for name in CHANGING)])
def test_the_union_of_two_windows_is_the_whole_and_pages_lose_nothing(client: Client, path: str) -> None:
    since = NOW - (timedelta(minutes=20) if "positions" in path else timedelta(days=45))
    middle = since + (NOW - since) / 3
    whole = client.rows(f"/{path}", since, NOW, page_size=97)
    assert whole == client.rows(f"/{path}", since, middle) + client.rows(f"/{path}", middle, NOW)


def test_updated_until_is_capped_to_the_frozen_clock(client: Client) -> None:
    data = client.page("/gps/api/v1/positions", NOW - timedelta(minutes=1), NOW + timedelta(hours=5))
    assert data["updated_until"] == data["server_time"] == "2026-11-23T15:10:00+08:00"


def test_each_tick_carries_about_the_same_load(client: Client) -> None:
    counts = [
        client.page(
            "/gps/api/v1/positions", NOW - timedelta(seconds=TICK_S * (k + 1)), NOW - timedelta(seconds=TICK_S * k)
        )["total"]
        for k in range(6)
    ]
    assert min(counts) > 0.6 * max(counts)


def test_positions_are_kept_for_three_days_only(client: Client) -> None:
    rows = client.page("/gps/api/v1/positions", LONG_AGO, NOW - timedelta(hours=72))
    assert rows["total"] == 0


def test_unknown_lists_and_bad_parameters_are_refused_in_chinese(client: Client) -> None:
    head = {"Authorization": f"Bearer {client.tokens['gps']}"}
    assert client.http.get("/gps/api/v1/nothing", headers=head).status_code == 404
    for query in ("page_size=9999", "page=0", "updated_since=yesterday"):
        answer = client.http.get(f"/gps/api/v1/alarms?{query}", headers=head)
        assert answer.status_code == 400 and answer.json()["code"] == 40001


def test_answers_are_compressed_only_when_asked(client: Client) -> None:
    head = {"Authorization": f"Bearer {client.tokens['rdm']}"}
    plain = client.http.get("/rdm/api/v1/plans", headers=head | {"Accept-Encoding": "identity"})
    packed = client.http.get("/rdm/api/v1/plans", headers=head | {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert plain.json() == packed.json()


def test_handles_belong_to_alarms(client: Client) -> None:
    alarms = {
        r["alarm_uid"] for path in ("/gps/api/v1/alarms", "/as/api/v1/alarms") for r in client.rows(path, LONG_AGO, NOW)
    }
    handles = {r["alarm_uid"] for r in client.rows("/rdm/api/v1/alarm_handles", LONG_AGO, NOW)}
    assert handles and handles <= alarms


def test_a_later_clock_adds_rows_and_takes_none_away_and_a_restart_keeps_the_port_and_the_secret(folder: Path) -> None:
    moving = SettableClock(NOW)
    server = runner.serve(folder, moving)
    client = Client(server)
    begin = NOW - timedelta(minutes=30)
    early = client.rows("/gps/api/v1/positions", begin, NOW)
    moving.instant = NOW + timedelta(minutes=20)
    late = client.rows("/gps/api/v1/positions", begin, moving.instant)
    assert late[: len(early)] == early and len(late) > len(early)
    server.stop()
    again = runner.serve(folder, moving)
    assert (again.url, again.client_secret) == (server.url, server.client_secret)
    assert Client(again).rows("/gps/api/v1/positions", begin, moving.instant) == late
    again.stop()


def test_the_learning_list_falls_silent_for_one_day(folder: Path) -> None:
    moving = SettableClock(STARTED + timedelta(days=2))
    server = runner.serve(folder, moving)
    client = Client(server)
    assert client.page("/rdm/api/v1/learnings", LONG_AGO, moving.instant)["total"] == 0
    client.tokens = {}
    moving.instant += timedelta(days=1)
    client.tokens = {system: client.token(system) for system in ("gps", "rdm")}
    assert client.page("/rdm/api/v1/learnings", LONG_AGO, moving.instant)["total"] > 0
    server.stop()


def test_endpoints_are_written_for_the_owner_only(client: Client, folder: Path) -> None:
    path = folder / "endpoints.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(orjson.loads(path.read_bytes())) == {
        "http",
        "client_id",
        "client_secret",
        "registry_dsn",
        "digital_dsn",
        "drop",
        "started_at",
    }


def test_applying_registry_changes_twice_changes_nothing(tmp_path: Path) -> None:
    world = runner._world(SEED, SCALE, STARTED, False, DAYS)
    engine = registry.engine_for(f"sqlite:///{tmp_path / 'r.sqlite'}")
    registry.create(world, engine)

    def content() -> list[list[tuple]]:
        with engine.connect() as connection:
            return [sorted(map(str, connection.execute(select(t)))) for t in registry.METADATA.sorted_tables]

    before = content()
    last = churn.last_slot(world, clock.local_second(STARTED + timedelta(days=2)))
    churn.apply(world, engine, 0, last)
    after = content()
    churn.apply(world, engine, 0, last)
    assert before != after == content()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(registry.VEHICLE.c.status == "营运")) > 0


def test_a_second_prepare_changes_nothing_and_another_scale_is_refused(folder: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    runner.prepare(folder, SCALE, SEED, STARTED + timedelta(days=1), history_days=DAYS)
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    with pytest.raises(ValueError, match="已有另一个模拟世界"):
        runner.prepare(folder, SCALE + 1, SEED)


def test_drop_files_are_gb18030_with_chinese_headers(folder: Path) -> None:
    drop = folder / "drop"
    heads = {
        str(p.parent.relative_to(drop)): gzip.decompress(p.read_bytes()).decode("gb18030").splitlines()
        for p in sorted(drop.rglob("*.csv.gz"))
    }
    assert (
        heads["gps/location"][0].startswith("车牌号,车牌颜色,定位时间,接收时间,经度,纬度")
        and heads["gps/location"][0].count(",") == 16
    )
    assert (
        heads["gps/vehicle_day"][0].endswith("停车后首次出车,停车开始,行程数")
        and heads["gps/vehicle_day"][1].count(",") == 19
    )
    assert heads["rdm/check"][0] == "检查编号,车牌号,车牌颜色,身份证号,检查类型,检查时间,是否完整,里程表,更新时间"
    assert len(list((drop / "gps" / "location").iterdir())) == 24 + 15
    assert not (folder / "drop.part").exists()


def test_the_file_of_one_day_repeats_the_day_before(folder: Path) -> None:
    files = sorted((folder / "drop" / "gps" / "vehicle_day").iterdir())
    same = [b.name for a, b in pairwise(files) if a.read_bytes() == b.read_bytes()]
    planted = orjson.loads((folder / "planted.json").read_bytes())
    assert same == planted["D21"]["gps_vehicle_day"]["keys"]


def test_the_registry_carries_what_the_manifest_says(folder: Path) -> None:
    planted = orjson.loads((folder / "planted.json").read_bytes())
    engine = registry.engine_for(runner.registry_dsn_of(folder, None))
    with engine.connect() as connection:
        ids = set(connection.scalars(select(registry.DRIVER.c.id_no)))
        pairs = connection.execute(
            select(registry.VEHICLE.c.plate_no, func.count())
            .group_by(registry.VEHICLE.c.plate_no)
            .having(func.count() > 1)
        ).all()
    engine.dispose()
    assert set(planted.get("D10", {}).get("yz_driver", {}).get("keys", [])) <= ids
    assert {p for p, _ in pairs} <= set(planted["D01"]["yz_vehicle"]["keys"])
    assert {"D01", "D03", "D05", "D08", "D12", "D16", "D18", "D21", "D22"} <= planted.keys()
