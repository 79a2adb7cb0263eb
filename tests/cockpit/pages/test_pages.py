"""Pages over the real published picture: everything is in the address, and one page is one generation."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from cockpit.identity.sessions import Viewer
from cockpit.pages import glossary, overview, toolbar
from cockpit.pages.page_context import PageContext
from cockpit.presentation import format as fmt
from cockpit.presentation import texts
from cockpit.presentation.address import Address
from cockpit.web import app, page_callback
from tests.cockpit.signing_in import good_body, post, sign_in
from tests.depth import depth
from tests.house import House
from warehouse.compile.reading import DISTRICT
from warehouse.core.errors import UsageError
from warehouse.core.settings import Settings
from warehouse.insight import operations
from warehouse.query import periods
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

LEADER = Viewer("person", "zhang", "leader", "", "张**", scope=Scope.ALL)


def walk(component: Any):  # type: ignore[no-untyped-def]
    """Every component and text below, in order."""
    if component is None:
        return
    if isinstance(component, list | tuple):
        for child in component:
            yield from walk(child)
        return
    yield component
    yield from walk(getattr(component, "children", None))


def words(component: Any) -> str:
    return " ".join(str(item) for item in walk(component) if isinstance(item, str | int | float))


OUTSIDE = ("/reports", "/password", "/shares", "/filing", "/accounts")
"""Where links of a page lead that are pages outside Dash."""


def links(component: Any) -> list[str]:
    return [item.href for item in walk(component) if getattr(item, "href", None)]


@pytest.fixture
def draw(web: Flask, library: SnapshotStore):  # type: ignore[no-untyped-def]
    def drawn(path: str, search: str = "") -> Any:
        with web.test_request_context("/"):
            g.viewer = LEADER
            return page_callback.draw(library, path, search)[0]

    return drawn


def test_the_overview_leads_to_every_metric(draw: Any, library: SnapshotStore) -> None:
    page = draw("/all")
    reached = {link.split("?")[0] for link in links(page)}
    for metric in library.current(Scope.ALL).metrics:
        assert f"/metric/{metric}" in reached
    home = draw("/")
    assert "/all" in {link.split("?")[0] for link in links(home)} and "要点" in words(home)


RESTS = ("&vs=year", "&of=rows&sort=-key&page=2", "&q=%E6%B5%99&of=rows")


def part_of(ways: Sequence[Any], number: int, step: int = 2) -> Sequence[Any]:
    """Every `step`-th, beginning elsewhere for each indicator; in a nightly run all. At least one."""
    return depth(ways[number % min(step, len(ways) or 1) :: step], ways)


@pytest.mark.slow
def test_every_metric_page_can_be_drawn_for_every_window_and_grain(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    town = book.places("town")[0]
    company = next(iter(book.places("company", town.code)), town)
    for number, metric in enumerate(book.metrics.values()):
        for window in part_of(metric.windows, number, 4):
            for place, grain in ((DISTRICT, DISTRICT), (town.code, town.grain), (company.code, company.grain)):
                page = draw(f"/metric/{metric.id}", f"?window={window}&place={place}")
                if grain not in (DISTRICT, *metric.drill):
                    assert "请回到全区查看" in words(page)
                    continue
                assert getattr(page, "id", "") == "shell-frame", (metric.id, window, place, words(page))
                assert metric.label in words(page)
                assert "口径与血缘" in words(page)


@pytest.mark.slow
def test_every_metric_page_can_be_split_listed_compared_and_narrowed_in_every_way(
    draw: Any, library: SnapshotStore
) -> None:
    book = library.current(Scope.ALL)
    town = book.places("town")[0].code
    for number, metric in enumerate(book.metrics.values()):
        for place in part_of([DISTRICT, *([town] if "town" in metric.drill else [])], number):
            ways = itertools.product(book.dimensions(metric, book.place(place)), RESTS)
            for by, rest in part_of(list(ways), number, 8):
                page = draw(f"/metric/{metric.id}", f"?place={place}&by={by}{rest}")
                assert getattr(page, "id", "") == "shell-frame", (metric.id, place, by, rest, words(page))
                assert "为什么变了" in words(page)
        for slice_ in metric.slices:
            for member, *_ in book.slices(metric.id, slice_)[:2]:
                page = draw(f"/metric/{metric.id}", f"?only={slice_}:{quote(member)}")
                assert "全部清除" in words(page), (metric.id, slice_, member, words(page))


def test_filters_are_chips_that_can_be_dropped_one_by_one_or_all(draw: Any) -> None:
    page = draw(
        "/metric/fleet_vehicle_cnt",
        "?window=week&only=energy:%E6%9F%B4%E6%B2%B9~vehicle_class:freight&by=emission_stage",
    )
    text = words(page)
    assert "能源类型：柴油" in text and "车辆类别：普通货物" in text
    ways = links(page)
    assert "/metric/fleet_vehicle_cnt?window=week&only=vehicle_class%3Afreight&by=emission_stage" in ways, "one dropped"
    assert "/metric/fleet_vehicle_cnt?window=week" in ways, "all dropped"
    assert any("only=energy%3A%E6%9F%B4%E6%B2%B9~vehicle_class%3Afreight~emission_stage%3A" in way for way in ways), (
        "a member of the split adds itself"
    )
    assert "没有" in words(draw("/metric/fleet_online_rate", "?only=day:2026-11-22"))


STATES = {
    "held": (
        "INSERT INTO meta.held SELECT DISTINCT table_name, '检查未通过' FROM duckdb_tables() WHERE schema_name = 'marts'",
        "沿用上期",
    ),
    "failed": (
        "UPDATE meta.source SET error = '连接超时'; DELETE FROM marts.vehicle_day; DELETE FROM meta.person_reading",
        "采集故障",
    ),
    "missing": (
        "UPDATE meta.source SET rows = 0; DELETE FROM marts.vehicle_day; DELETE FROM meta.person_reading",
        "未上报",
    ),
    "stale": ("UPDATE meta.source SET data_time = data_time - INTERVAL 30 DAY", "10-2"),
    # as an earlier release wrote it
    "hidden": (
        "ALTER TABLE meta.person_reading ADD COLUMN is_hidden BOOLEAN; "
        "UPDATE meta.person_reading SET is_hidden = true, num = NULL, den = NULL, parts = NULL",
        "不单列",
    ),
    "older": (
        "DROP TABLE marts.platform_link; DROP TABLE marts.source_delivery; DROP TABLE marts.alarm_event; ALTER TABLE marts.vehicle_day DROP COLUMN emission_stage",
        "未上报",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("state", list(STATES))
def test_every_metric_page_stands_in_every_state(elsewhere: Callable[[str], Flask], state: str) -> None:
    sql, expected = STATES[state]
    web = elsewhere(sql)
    library: SnapshotStore = web.config["ZHENGBEI_LIBRARY"]
    book, shown_text = library.current(Scope.ALL), []
    town = book.places("town")[0].code
    with web.test_request_context("/"):
        g.viewer = LEADER
        listed = list(book.metrics.values())
        sample = {metric.id for metric in part_of(listed, list(STATES).index(state), 3)}
        for number, metric in enumerate(sorted(listed, key=lambda metric: metric.id not in sample)):
            if number >= len(sample) and any(expected in text for text in shown_text):
                break
            ways = ["", "?of=rows&vs=year", *([f"?place={town}&by=company"] if "town" in metric.drill else [])]
            for search in part_of(ways, number, 3):
                page = page_callback.draw(library, f"/metric/{metric.id}", search)[0]
                assert getattr(page, "id", "") == "shell-frame", (state, metric.id, search, words(page))
                shown_text.append(words(page))
    assert any(expected in text for text in shown_text)


def test_what_an_earlier_release_published_of_persons_below_the_district_is_read_no_more(
    elsewhere: Callable[[str], Flask],
) -> None:
    """Snapshots of before the rule are still held: their zeros, handfuls and parts would tell what is hidden today."""
    book = (
        elsewhere(
            "DROP TABLE marts.one_person_owner; DROP TABLE marts.pooled_owner; INSERT INTO meta.person_reading "
            "SELECT metric, win, win_start, grain, place, '', '', 0, 1, NULL, NULL FROM "
            "(SELECT DISTINCT metric, win, win_start FROM meta.person_reading WHERE grain = 'district'), "
            "(SELECT 'company' AS grain, company_key AS place FROM marts.dim_company UNION ALL SELECT 'town', code FROM marts.dim_town)"
        )
        .config["ZHENGBEI_LIBRARY"]
        .current(Scope.ALL)
    )
    persons = [metric for metric in book.metrics.values() if metric.person]
    firm, town = book.places("company")[0].code, book.places("town")[0].code
    for metric in persons:
        for place in (firm, town):
            item = book.read(metric.id, place=place)
            assert (item.value, item.num, item.den) == (None, None, None), (metric.id, place)
        assert not book.by(metric.id, grain="company")
    assert book.pooled, "and its vehicles of one person stay behind a purpose"


@pytest.mark.slow
def test_every_metric_page_stands_before_any_source_has_delivered(tmp_path: Path) -> None:
    house = House.with_own_tables(tmp_path / "data")
    house.publish()
    house.close()
    web = app.create_app(Settings(tmp_path / "data"))
    library: SnapshotStore = web.config["ZHENGBEI_LIBRARY"]
    with web.test_request_context("/"):
        g.viewer = LEADER
        for path in ("/", "/health", *(f"/metric/{metric}" for metric in library.current(Scope.ALL).metrics)):
            page = page_callback.draw(library, path, "")[0]
            assert getattr(page, "id", "") == "shell-frame", (path, words(page))


def test_every_group_and_the_health_page_can_be_drawn(draw: Any, library: SnapshotStore) -> None:
    for group in {m.group for m in library.current(Scope.ALL).metrics.values()}:
        for window in ("day", "week", "month"):
            assert "按镇街" in words(draw(f"/group/{group}", f"?window={window}"))
    health = words(draw("/health"))
    for source in library.current(Scope.ALL).sources():
        assert source.label in health


def test_demonstration_data_are_marked_on_every_page(draw: Any, library: SnapshotStore) -> None:
    for path in ("/", "/group/fleet", "/metric/fleet_online_rate", "/health"):
        assert ("演示数据" in words(draw(path))) is library.current(Scope.ALL).generation.is_demo


def test_a_page_names_its_generation_and_every_tile_on_it_is_of_that_one(draw: Any, library: SnapshotStore) -> None:
    page = draw("/")
    here = library.current(Scope.ALL).generation.id
    found = {
        item.to_plotly_json()["props"]["data-generation"]
        for item in walk(page)
        if hasattr(item, "to_plotly_json") and "data-generation" in item.to_plotly_json()["props"]
    }
    assert found == {here}


def test_a_chosen_snapshot_goes_along_to_every_further_page(draw: Any, library: SnapshotStore) -> None:
    chosen = library.generations()[-1]
    for path in ("/", "/metric/fleet_online_rate", "/group/safety"):
        page = draw(path, f"?as_of={chosen}")
        ways = [link for link in links(page) if link.startswith(("/metric", "/group", "/health"))]
        menu = {f"{path}?as_of={other}" for other in library.generations()} | {path}
        assert ways and all(f"as_of={chosen}" in way for way in ways if way not in menu), path
        assert "不再更新" in words(page)


@pytest.mark.parametrize(
    ("path", "search", "said"),
    [
        ("/metric/nope", "", "没有这一页"),
        ("/group/nope", "", "没有这一页"),
        ("/nope", "", "没有这一页"),
        ("/metric/fleet_online_rate", "?at=xx", "链接中的参数不正确"),
        ("/", "?as_of=20000101T000000", "这份快照已不再保留"),
        ("/", "?as_of=29990101T000000", "没有这一页"),
        ("/metric/fleet_online_rate", "?place=../../etc", "链接中的参数不正确"),
        ("/", "?window=decade", "链接中的参数不正确"),
    ],
)
def test_what_cannot_be_shown_is_said_in_chinese(draw: Any, path: str, search: str, said: str) -> None:
    assert said in words(draw(path, search))


def test_without_any_data_the_page_says_what_to_do(server: Flask, data: Path) -> None:
    with server.test_request_context("/"):
        g.viewer = LEADER
        page, title, status = page_callback.draw(SnapshotStore(data), "/", "")
    assert title.startswith("还没有可看的数据") and status == 503 and "etl run" in words(page)


def test_the_heartbeat_says_generation_build_and_time(
    web: Flask, library: SnapshotStore, data_with_picture: Path
) -> None:
    client = sign_in(web.test_client(), data_with_picture)
    answer = client.get("/api/version").get_json()
    assert set(answer) == {"generation", "live", "loader_silent_s", "build", "server_time"}
    assert answer["generation"] == library.current(Scope.ALL).generation.id
    assert abs((dt.datetime.fromisoformat(answer["server_time"]) - dt.datetime.now(dt.UTC)).total_seconds()) < 10


def test_the_api_gives_the_same_number_as_the_page(web: Flask, library: SnapshotStore, data_with_picture: Path) -> None:
    client = sign_in(web.test_client(), data_with_picture)
    expected = library.current(Scope.ALL).read("fleet_online_rate", "week")
    answer = client.get("/api/metric/fleet_online_rate?window=week").get_json()
    assert answer["value"] == expected.value and answer["num"] == expected.num and answer["status"] == expected.status
    assert answer["win_start"] == expected.win_start.isoformat() and answer["place"]["code"] == DISTRICT
    assert client.get("/api/metric/nope").status_code == 404
    assert client.get("/api/metric/fleet_online_rate?at=zz").status_code == 400
    assert client.get("/api/metric/fleet_online_rate?as_of=20000101T000000").status_code == 410
    assert client.get("/healthz").get_data(as_text=True) == "ok"


def test_an_address_survives_the_round_trip_and_drops_what_it_does_not_know() -> None:
    address = Address.parse("/metric/x/", "?window=week&at=2026-W47&place=330110001&evil=1&q=顺 捷")
    assert address.here() == "/metric/x?window=week&at=2026-W47&place=330110001&q=%E9%A1%BA+%E6%8D%B7"
    assert address.here(at=None, q=None) == "/metric/x?window=week&place=330110001"
    assert Address.parse("/", "?as_of=g1&window=day").to("/health") == "/health?as_of=g1"
    with pytest.raises(UsageError):
        Address.parse("/", "?place=<script>")


def test_the_same_window_a_year_ago() -> None:
    assert toolbar.year_before("week", dt.date(2026, 11, 16)) == "2025-W47"
    assert toolbar.year_before("week", dt.date(2026, 12, 28)) == "2025-W52", "2025 has no week 53"
    assert toolbar.year_before("month", dt.date(2026, 11, 1)) == "2025-11"
    assert toolbar.year_before("day", dt.date(2028, 2, 29)) == "2027-02-28"
    assert toolbar.step("month", dt.date(2026, 1, 1), -1) == dt.date(2025, 12, 1)


def test_the_callback_draws_a_page_for_a_signed_in_reader(web: Flask, data_with_picture: Path) -> None:
    client: FlaskClient = sign_in(web.test_client(), data_with_picture)
    answer = post(client, good_body("/metric/fleet_online_rate"))
    assert answer.status_code == 200
    assert "车辆上线率" in answer.get_data(as_text=True)


def test_a_page_of_one_period_never_mixes_periods_and_says_provisional_once(draw: Any, library: SnapshotStore) -> None:
    book = library.current(Scope.ALL)
    for window in ("week", "month"):
        text = words(draw("/", f"?window={window}"))
        # a quarter or year on the page of a week says itself that it is still running
        other = [
            periods.read(
                book,
                metric,
                window,
                overview.period_of(PageContext(book, Address.parse("/", ""), LEADER, book.generation.built_at), window),
            )
            for metric in book.metrics.values()
            if (window not in metric.windows or metric.newest) and metric.windows[0] != "now"
        ]
        assert text.count("本期未结束") <= sum(not reading.complete for reading in other) and text.count("暂定") <= 1, (
            window
        )
        at = overview.period_of(PageContext(book, Address.parse("/", ""), LEADER, book.generation.built_at), window)
        for metric in book.metrics.values():
            if window in metric.windows and not (metric.cumulative or metric.newest):
                assert fmt.period_key(window, periods.read(book, metric, window, at).win_start) == at, metric.id


@pytest.mark.slow
def test_last_weeks_snapshot_shows_last_weeks_numbers_on_every_page(published: Path, tmp_path: Path) -> None:
    """Two generations, the older one built a week before: every page of it tells its own numbers and leads on within
    it."""
    folder = tmp_path / "data" / "published"
    shutil.copytree(published / "published", folder)
    newest = SnapshotStore(published).generations()[0]
    old = f"{dt.datetime.strptime(newest, '%Y%m%dT%H%M%S') - dt.timedelta(days=7):%Y%m%dT%H%M%S}"
    for suffix in (".json", ".duckdb", ".restricted.duckdb"):
        shutil.copyfile(folder / f"{newest}{suffix}", folder / f"{old}{suffix}")
    with duckdb.connect(str(folder / f"{old}.duckdb")) as con:
        con.execute(
            "UPDATE meta.generation SET id = ?, built_at = built_at - INTERVAL 7 DAY, last_day = last_day - 7", [old]
        )
        con.execute("DELETE FROM marts.vehicle_day WHERE day > (SELECT CAST(built_at AS DATE) FROM meta.generation)")
    web = app.create_app(Settings(tmp_path / "data"))
    library: SnapshotStore = web.config["ZHENGBEI_LIBRARY"]
    then, now = library.open(old, Scope.ALL), library.current(Scope.ALL)
    town = now.places("town")[0].code
    differ = 0
    with web.test_request_context("/"):
        g.viewer = LEADER
        for metric in (
            "fleet_online_rate",
            "fleet_km_per_vehicle_day",
            "safe_alarm_handled_rate",
            "dh_data_qualified_rate",
        ):
            for place in (DISTRICT, town):
                reading = then.read(metric, "week", None, place)
                page = page_callback.draw(library, f"/metric/{metric}", f"?window=week&place={place}&as_of={old}")[0]
                assert reading.win_end < now.read(metric, "week").win_end
                assert fmt.reading(reading, then.metrics[metric].decimals).text in words(page) and fmt.period(
                    "week", reading.win_start, reading.win_end
                ) in words(page)
                differ += reading.value != now.read(metric, "week", None, place).value
                assert all(
                    f"as_of={old}" in way
                    for way in links(page)
                    if way.startswith("/metric") and "/metric/" in way and "as_of=" in way and newest not in way
                )
        shown_text = words(page_callback.draw(library, "/", f"?as_of={old}")[0])
        assert (
            "第 46 周要点" in shown_text
            and "不再更新" in shown_text
            and "第 47 周要点" in words(page_callback.draw(library, "/", "")[0])
        )
    assert differ, "the two weeks are not the same"


@pytest.mark.parametrize(
    "path",
    [
        "/metric/nope",
        "/town/999999999",
        "/company/NOPE",
        "/group/nope",
        "/vehicle/NOPE%231",
        "/alarm/none",
        "/site/none",
        "/unit/none",
        "/organisation/none",
        "/lineage?metric=nope",
    ],
)
def test_a_thing_that_is_not_there_is_said_so(draw: Any, path: str) -> None:
    assert "没有这一页" in words(draw(*path.partition("?")[::2]))


def test_a_fault_of_ours_is_never_told_as_a_page_that_does_not_exist(
    draw: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(page_callback.routes, "render", broken)
    shown_text = words(draw("/"))
    assert (
        "页面出错" in shown_text
        and "没有这一页" not in shown_text
        and "page / failed" in caplog.text
        and "KeyError" in caplog.text
    )


def test_a_long_search_is_answered_with_a_sentence(draw: Any) -> None:
    typed = "杭州" + "很长的名字" * 12
    page = words(draw("/search", f"?q={quote(typed)}"))
    assert "搜索词超过 40 个字，只按前 40 个字查找" in page and "参数不正确" not in page
    assert "只按前" not in words(draw("/search", f"?q={quote(typed[:40])}"))
    assert Address.parse("/search", f"?q={quote('甲' * 39 + chr(10) + '乙')}").get("q") == "甲" * 39


def test_a_window_that_a_metric_does_not_have_is_not_silently_another(draw: Any, library: SnapshotStore) -> None:
    metric = next(
        m for m in library.current(Scope.ALL).metrics.values() if "year" not in m.windows and m.windows[0] == "week"
    )
    assert "不按“年”统计，这里显示的是" in words(draw(f"/metric/{metric.id}", "?window=year"))
    assert "这里显示的是" not in words(draw(f"/metric/{metric.id}", "?window=week"))


def test_windows_stand_in_one_order_on_every_page(draw: Any, library: SnapshotStore) -> None:
    order = list(texts.WINDOWS.values())
    for metric in library.current(Scope.ALL).metrics:
        for group in walk(draw(f"/metric/{metric}")):
            if getattr(group, "className", None) == "segments" and len(group.children) > 1:
                shown = [link.children for link in group.children if link.children in order]
                assert shown == sorted(shown, key=order.index), metric


def test_names_in_the_cause_of_a_change_lead_to_their_pages(draw: Any, library: SnapshotStore) -> None:
    book, found = library.current(Scope.ALL), False
    for metric in book.metrics.values():
        if "town" not in metric.drill or metric.kind == "now":
            continue
        for item in walk(draw(f"/metric/{metric.id}", "?by=town")):
            if getattr(item, "className", "") == "hero-sentence":
                ways = {link for link in links(item) if link.startswith(("/town/", "/company/"))}
                text = words(item)
                assert ways or not any(f"{town.label}拉" in text for town in book.places("town")), (metric.id, text)
                found = found or bool(ways)
    assert found


def test_every_map_of_towns_says_that_its_borders_are_approximate(draw: Any) -> None:
    assert texts.APPROXIMATE in words(draw("/metric/fleet_online_rate"))


def test_the_words_of_the_field_are_those_of_the_manual(draw: Any) -> None:
    found = dict(glossary.terms())
    assert len(found) > 30 and all(word and meaning for word, meaning in found.items())
    assert "业务日" in found["统计期"] and not any("`" in meaning for meaning in found.values())
    shown_text = words(draw("/glossary"))
    assert all(word in shown_text and meaning in shown_text for word, meaning in found.items())


def test_no_surface_says_how_many_alarms_wait_in_a_town_of_one_person(
    draw: Any, library: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = library.current(Scope.ALL)
    waiting = operations.open_by_town(book)
    town = next(place for place in book.places("town") if place.code in waiting)
    assert f"{town.label} 待处置 {waiting[town.code][0]} 起" in words(draw("/"))
    monkeypatch.setattr(book, "pooled", frozenset({town.code, *book.pooled}))
    assert f"{town.label} 不单列" in words(draw("/"))
    assert "不单列" in words(draw("/search", f"?q={quote(town.label + '超时未处置报警有多少')}"))
