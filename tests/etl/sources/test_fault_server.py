"""F15–F19 and F21–F23 over HTTP, by page and by cursor: a scripted server does every wrong thing, one good round
follows, and the warehouse is the one that saw no fault; in between nothing of a part is in, and the operator reads
source and cause."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from etl.pipeline import intake
from etl.sources import http_client
from tests.conftest import WORLD_NOW
from tests.depth import depth
from tests.etl.sources.fault_server import (
    Ask,
    Fault,
    Wire,
    answers,
    closed_early,
    drip,
    drip_headers,
    no_words,
    reset,
    says,
    soon,
    torn_chunks,
    zipped,
)
from tests.etl.sources.line import PAGE, ROWS, TIME, Line, made, plain, row
from tests.etl.sources.lists import Row

pytestmark = pytest.mark.world


@pytest.fixture(scope="module", params=["page", "cursor"])
def line(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    yield from made(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    yield from made(tmp_path_factory.mktemp("window"), "window")


LOGIN = answers(
    "200 OK", "<!doctype html><html><title>统一身份认证</title></html>".encode(), ("Content-Type", "text/html")
)
EMPTY = says(
    {"code": 0, "message": "ok", "data": {"total": 0, "items": []}, "items": [], "count": 0, "next_cursor": None}
)
PASSING: dict[str, dict[int, Fault]] = {
    "F16 500, 502 and 503 in a row": {
        3: answers("500 Internal Server Error", b"boom"),
        4: answers("502 Bad Gateway", b"<html>"),
        5: answers("503 Service Unavailable"),
    },
    "F16 429 with Retry-After in seconds": {3: answers("429 Too Many Requests", b"", ("Retry-After", "1"))},
    "F16 429 with Retry-After as a date": {3: soon},
    "F16 a reset connection": {1: reset, 4: reset},
    "F16 a body that drips": {2: drip},
    "F16 headers that drip": {2: drip_headers},
    "F16 something that is not HTTP": {2: no_words},
    "F16 a token that ends half-way": {4: answers("401 Unauthorized", b'{"code": 40102}')},
    "F17 a body shorter than it says": {2: closed_early, 5: torn_chunks},
    "F17 broken gzip": {
        2: zipped(lambda body: body[:20] + bytes([body[20] ^ 0xFF, body[21] ^ 0xFF]) + body[22:]),
        4: zipped(lambda body: body[:-8] + bytes(8)),
    },
    "F19 gzip as it should be": {2: zipped(lambda body: body)},
}
STAYING: dict[str, tuple[Fault, str]] = {
    "F17 gzip that ends early and does not say so": (
        zipped(lambda body: body[: len(body) // 2], -1),
        "不是约定的 JSON",
    ),
    "F18 a log-in page": (LOGIN, "登录页"),
    "F18 null": (says(None), "不是约定的 JSON"),
    "F18 nothing": (answers("200 OK"), "不是约定的 JSON"),
    "F18 an empty object": (says({}), "不是约定的 JSON"),
    "F18 a bare empty list": (says([]), "不是约定的 JSON"),
    "F18 an error inside a 200": (
        says({"code": 50001, "message": "系统繁忙", "data": None}),
        "系统繁忙|不是约定的 JSON",
    ),
    "F18 a list of words": (says({"code": 0, "data": {"total": 1, "items": ["x"]}, "items": ["x"]}), "不是约定的 JSON"),
    "F18 null for a list": (says({"code": 0, "data": {"total": 1, "items": None}, "items": None}), "不是约定的 JSON"),
    "F18 a redirect to a log-in page": (
        answers("302 Found", b"", ("Location", "http://127.0.0.1:9/login")),
        "HTTP 302",
    ),
    "F18 403": (answers("403 Forbidden", b"<html>"), "HTTP 403"),
    "F19 an empty page in the middle": (EMPTY, "分页不完整"),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_over_within_the_same_round(name: str, line: Line) -> None:
    line.fresh().server.behave(PASSING[name])
    assert line.run() == []
    assert line.print() == line.truth and line.balanced()
    if "Retry-After" in name:
        assert line.server.moments[3] - line.server.moments[2] >= (1 if "seconds" in name else 0.9), (
            "as long as the source asked for"
        )


@pytest.mark.parametrize("name", STAYING)
@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.nightly), 3])
def test_a_fault_that_stays_is_told_and_nothing_of_the_part_is_in(name: str, number: int, line: Line) -> None:
    fault, text = STAYING[name]
    line.fresh().server.behave({number: fault})
    problems = line.run()
    assert (line.held(), line.cursor()) == (0, [])
    if not (
        number == 1 and fault is EMPTY
    ):  # a list that is empty from its first page on is no fault that one could see
        plain(problems)
        assert any(word in problems[0] for word in text.split("|")), problems[0]
    line.server.behave()
    assert line.run() == [] and line.print() == line.truth and line.balanced()
    line.server.behave(always=fault)  # and again when we hold rows
    held = line.cursor()
    line.run()
    assert line.print() == line.truth and line.cursor() == held, "an empty or wrong answer takes nothing away"


def test_f17_a_body_cut_at_every_hundredth_is_rejected_whole(line: Line) -> None:
    for share in depth(range(0, 100, 6), range(100)):

        def cut(wire: Wire, ask: Ask, share: int = share) -> None:
            status, headers, body = ask.right()
            wire.send(status, headers, body[: len(body) * share // 100], length=-1)

        line.fresh().server.behave({3: cut})
        plain(line.run(), "不是约定的 JSON")
        assert (line.held(), line.cursor()) == (0, []), share
    line.server.behave()
    assert line.run() == [] and line.print() == line.truth


def test_f16_a_source_that_stays_down_is_left_alone_for_a_while(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "FIRST_PAUSE_S", 1.0)
    monkeypatch.setattr(http_client, "TRIES", 2)
    line.fresh().server.behave(always=answers("503 Service Unavailable"))
    for _ in range(3):
        plain(line.run(), "HTTP 503", line.server.url)
    assert len(line.server.moments) == 6
    plain(line.run(), "秒后再试")
    assert len(line.server.moments) == 6, "nobody knocks while the pause lasts"
    line.server.behave()
    time.sleep(1.1)
    assert line.run() == [] and line.print() == line.truth


def test_f16_a_wait_longer_than_the_deadline_is_kept_without_blocking_the_round(line: Line) -> None:
    line.fresh().server.behave({2: answers("429 Too Many Requests", b"", ("Retry-After", "3600"))})
    started = time.monotonic()
    plain(line.run(), "HTTP 429")
    plain(line.run(), "要求暂缓")
    assert time.monotonic() - started < 3 and len(line.server.moments) == 2
    assert (line.held(), line.cursor()) == (0, [])


PAGES = ROWS // PAGE + 1
MUTATIONS = st.lists(
    st.tuples(
        st.integers(1, PAGES + 2),
        st.sampled_from(["twice", "skipped", "overlap", "reversed", "short", "empty", "doubled", "shift", "fresh"]),
        st.integers(1, PAGE),
    ),
    min_size=1,
    max_size=4,
)


def mutated(line: Line, kind: str, amount: int) -> Fault:
    def fault(wire: Wire, ask: Ask) -> None:
        rows = line.server.service.rows["post_check"]
        late = (line.now[0] - dt.timedelta(seconds=amount)).strftime(TIME)
        if (
            kind == "shift"
        ):  # a row is changed while the pages are turned: it leaves its place, and all behind it move up
            rows[amount] = {**rows[amount], "content": "已改", "updated_at": late}
        if kind == "fresh":  # a row comes in at the front
            rows.insert(0, row(0, check_id=f"N{ask.number}", updated_at=row(0)["sent_at"]))
        status, headers, body = ask.right()
        document = orjson.loads(body)
        holder = document.get("data", document)
        items, before = holder["items"], line.last
        line.last = list(items)
        holder["items"] = {
            "twice": before,
            "skipped": [],
            "overlap": before[-amount:] + items,
            "reversed": items[::-1],
            "short": items[:amount],
            "empty": [],
            "doubled": items + items[:amount],
        }.get(kind, items)
        wire.send(status, headers, orjson.dumps(document))

    return fault


def remembering(line: Line) -> Fault:
    """The right page; what was on it may come again."""

    def fault(wire: Wire, ask: Ask) -> None:
        status, headers, body = ask.right()
        document = orjson.loads(body)
        line.last = document.get("data", document)["items"]
        wire.send(status, headers, body)

    return fault


@given(script=MUTATIONS, persistent=st.booleans())
@settings(max_examples=depth(3, 60), deadline=None, derandomize=True, database=None)
def test_f19_whatever_happens_to_the_pages_the_table_is_whole_or_empty(
    line: Line, script: list[tuple[int, str, int]], persistent: bool
) -> None:
    line.fresh()
    line.last = []
    faults = {number: mutated(line, kind, amount) for number, kind, amount in script}
    if persistent:  # the same again each time the pages are turned anew
        faults |= {
            number + PAGES * turn: fault for turn in (1, 2) for number, fault in list(faults.items()) if number <= PAGES
        }
    line.server.behave(faults, always=remembering(line))
    problems = line.run()
    if problems:
        plain(problems, "分页")
        assert (line.held(), line.cursor()) == (0, []), "the cursor never moves on a part"
    line.server.behave()
    assert line.run() == [] and line.balanced()
    found = line.print()
    line.fresh(rows=line.server.service.rows["post_check"])
    assert line.run() == [] and found == line.print()


def test_f15_a_row_from_the_future_blocks_no_later_one(window: Line) -> None:
    """A source whose clock runs ahead and that does not keep to the asked-for window."""
    ahead = [
        row(number, content="将来", updated_at="2031-01-01 00:00:00") if number % 7 == 0 else row(number)
        for number in range(ROWS)
    ]
    window.fresh().server.behave(always=says(ahead))
    assert window.run() == []
    assert window.context.writer.execute(
        "SELECT max(_version) <= ? FROM raw.gps_post_check", [WORLD_NOW + dt.timedelta(minutes=1)]
    ) == [(True,)]
    assert dt.datetime.fromisoformat(window.cursor()[0][0]).replace(tzinfo=None) <= WORLD_NOW
    window.at(5)
    late = (WORLD_NOW + dt.timedelta(minutes=3)).strftime(TIME)
    window.server.service.rows["post_check"] = [
        row(number, updated_at=late) if number % 7 == 0 else row(number) for number in range(ROWS)
    ]
    window.server.behave()
    assert window.run() == []
    found = window.print()
    window.fresh(window.server.service.rows["post_check"]).at(5)
    assert window.run() == [] and window.print() == found


@given(order=st.permutations(range(5)))
@settings(max_examples=depth(3, 50), deadline=None, derandomize=True, database=None)
def test_f21_rows_that_arrive_late_and_in_any_order_end_in_the_same_table(window: Line, order: list[int]) -> None:
    window.fresh([])
    batches = [[row(number) for number in range(ROWS) if number % 5 == part] for part in range(5)]
    shown: list[Row] = []
    for step, part in enumerate(order):
        shown = window.server.service.rows["post_check"] = shown + batches[part]
        window.at(step * 5)
        assert window.run() == []
    assert window.print() == window.truth


def test_f21_rows_later_than_the_overlap_come_with_a_backfill(window: Line) -> None:
    old = {0, 1, 2, 40}
    window = dataclasses.replace(window, feed=structs.replace(window.feed, overlap_s=600)).fresh(
        [row(number) for number in range(ROWS) if number not in old]
    )
    assert window.run() == []
    window.at(60 * 48)
    window.server.service.rows["post_check"] = [row(number) for number in range(ROWS)]
    assert window.run() == [] and window.held() == ROWS - len(old), "later than the overlap: not by itself"
    assert window.run(back_to=WORLD_NOW - dt.timedelta(days=1)) == []
    assert window.print() == window.truth


@pytest.mark.parametrize("left", [0, 60])
def test_f22_a_restored_backup_is_frozen_and_named(left: int, window: Line) -> None:
    """The source stands where it was an hour ago; with `left` rows of that time still inside the overlap, or none."""
    probing = dataclasses.replace(
        window, feed=structs.replace(window.feed, probe=True, overlap_s=86400 if left else 600)
    ).fresh()
    assert probing.run() == [] and probing.print() == window.truth
    probing.at(30)
    probing.server.service.rows["post_check"] = [row(number) for number in range(left)]
    cursor = probing.cursor()
    for _ in range(2):
        plain(probing.run(), "F22", "倒退", "旧备份", "已冻结")
        assert probing.print() == window.truth and probing.cursor() == cursor
    probing.server.service.rows["post_check"] = [row(number) for number in range(ROWS)]
    assert probing.run() == [] and probing.print() == window.truth


def test_f22_a_newest_row_that_was_merely_changed_is_no_restored_backup(window: Line) -> None:
    probing = dataclasses.replace(window, feed=structs.replace(window.feed, probe=True)).fresh()
    assert probing.run() == []
    probing.at(30)
    probing.server.service.rows["post_check"][-1] = row(
        ROWS - 1, content="已改", updated_at=(WORLD_NOW + dt.timedelta(minutes=20)).strftime(TIME)
    )
    assert probing.run() == [] and probing.context.writer.execute(
        "SELECT count(*) FROM raw.gps_post_check WHERE content = '已改'"
    ) == [(1,)]


@pytest.mark.parametrize(("kept", "said"), [(ROWS * 9 // 10, "一次少了"), (ROWS // 2, "一次少了"), (0, "是空的")])
def test_f23_a_mass_delete_or_half_an_export_takes_nothing_away(kept: int, said: str, window: Line) -> None:
    window.fresh()
    assert window.run() == []
    window.server.behave(always=says([row(number) for number in range(kept)]))
    for _ in range(2):
        plain(intake.reconcile(window.context, [window.feed]), said)
        assert window.print() == window.truth and window.balanced()
    window.server.behave()
    assert intake.reconcile(window.context, [window.feed]) == [] and window.print() == window.truth


@pytest.mark.parametrize("name", ["a log-in page", "null", "an error", "500"])
def test_f18_a_wrong_answer_to_the_search_for_deletes_deletes_nothing(name: str, window: Line) -> None:
    window.fresh()
    assert window.run() == []
    wrong = {
        "a log-in page": LOGIN,
        "null": says(None),
        "an error": says({"code": 1}),
        "500": answers("500 Internal Server Error"),
    }[name]
    window.server.behave(always=wrong)
    plain(intake.reconcile(window.context, [window.feed]))
    assert window.print() == window.truth


def test_one_row_that_is_gone_is_marked_and_lives_again_when_it_returns(window: Line) -> None:
    window.fresh()
    assert window.run() == []
    rows = window.server.service.rows["post_check"]
    for present, gone in ((rows[1:], 1), (rows, 0)):
        window.server.service.rows["post_check"] = list(present)
        assert intake.reconcile(window.context, [window.feed]) == []
        assert window.context.writer.execute(
            "SELECT count(*) FROM raw.gps_post_check WHERE _deleted_at IS NOT NULL"
        ) == [(gone,)]
