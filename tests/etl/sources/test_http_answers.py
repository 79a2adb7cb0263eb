"""What an answer of a source comes to, status by status, and how long is waited before asking again."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from etl.sources import http_client
from etl.sources.http_client import Transient
from warehouse.core.errors import ContractBroken, SourceRefused

NOW = dt.datetime(2026, 11, 23, 6, 5, tzinfo=dt.UTC)


def answer(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, request=httpx.Request("GET", "http://source/rows?page=2"))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
def test_what_may_pass_is_asked_again(status: int) -> None:
    with pytest.raises(Transient, match=f"HTTP {status}") as found:
        http_client._check(answer(status, **{"Retry-After": "7"}))
    assert found.value.wait_s == 7


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (403, SourceRefused, "不允许这个账号读取"),
        (404, ContractBroken, "没有这个接口"),
        (400, ContractBroken, "HTTP 400"),
        (201, ContractBroken, "HTTP 201"),
        (301, ContractBroken, "HTTP 301"),
        (499, ContractBroken, "HTTP 499"),
    ],
)
def test_what_does_not_pass_is_said(status: int, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as found:
        http_client._check(answer(status))
    assert "page=2" not in str(found.value) and "/rows" in str(found.value)


def test_two_hundred_is_right() -> None:
    http_client._check(answer(200))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Mon, 23 Nov 2026 06:06:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 06:04:00 GMT", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
    ],
)
def test_how_long_a_source_asks_to_wait(text: str, seconds: float) -> None:
    assert http_client.retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("wait_s", "left_s", "wait"),
    [(0, 100, True), (50, 100, 50), (50.1, 100, False), (1, 2, 1), (1, 1.9, False), (0, 0, True)],
)
def test_nobody_waits_longer_than_half_of_the_time_there_is(wait_s: float, left_s: float, wait: bool | float) -> None:
    found = http_client._backoff(Transient("HTTP 503", wait_s), left_s)
    assert found == wait and isinstance(found, bool) == isinstance(wait, bool)
    assert http_client._backoff(ValueError("x"), left_s) is False
