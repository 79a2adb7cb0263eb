"""The page 接入: only the system administrator tries a source; the loader does it, and the page shows rows, breaches and
what stays 未接入."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from etl.config.descriptions import feeds
from etl.jobs import refresh
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from etl.worker import request_handlers
from tests.cockpit.signing_in import SAME_ORIGIN, said
from tests.etl.sources.test_connecting import FILES, MAPPED, addressed, described
from tests.house import House
from warehouse.core import request_queue

NOW = dt.datetime(2026, 11, 23, 14, 0)


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[Context]:
    house = House.published_empty(tmp_path / "data")
    settings = house.hand_over()
    (tmp_path / "yz").mkdir()
    addressed(settings.data, f'is_demo = true\n[yz]\ndrop = "{tmp_path / "yz"}"\n')
    described(settings.data, FILES + MAPPED)
    with opened(settings, now=lambda: NOW + dt.timedelta(minutes=5)) as context:
        yield context


@pytest.fixture
def data(loader: Context) -> Path:
    return loader.settings.data


def ask(client: FlaskClient, path: str, **values: str) -> int:
    return client.post(path, data=values, headers={**SAME_ORIGIN, "Sec-Fetch-Mode": "navigate"}).status_code


def shown(client: FlaskClient, path: str) -> str:
    return client.get(path).get_data(as_text=True)


def test_a_source_is_tried_from_the_page(as_role: Callable[[str], FlaskClient], loader: Context) -> None:
    admin, folder = as_role("admin"), Path(loader.endpoints["yz"].drop)
    (folder / "a.csv").write_text(
        "uscc,name,status,yz_updated_at\n91330110MA2ABCDE12,甲物流,失踪,2026-11-01 08:00:00\n", "utf-8"
    )
    page = shown(admin, "/connecting")
    assert page.count("○ 未接入") == 12 and "试连" in page
    assert ask(admin, "/connecting/yz") == 303 and ask(admin, "/connecting/own") == 404
    number = request_queue.newest(loader.settings.state)[0].id
    assert "等待" in shown(admin, f"/connecting?n={number}")
    assert request_handlers.serve(loader)
    page = shown(admin, f"/connecting?n={number}")
    assert (
        "甲物流" in page
        and "失踪" in page
        and "C2" in page
        and "代码不在约定之内" in page
        and "没有写入任何数据" in page
    )
    assert (
        list(loader.landing.notes(besides={note.seq for note in loader.landing.notes() if note.source == "own"})) == []
    )
    assert ask(as_role("analyst"), "/connecting/yz") == 403


def test_a_refused_payload_is_acknowledged_from_the_page(
    as_role: Callable[[str], FlaskClient], loader: Context
) -> None:
    admin, folder = as_role("admin"), Path(loader.endpoints["yz"].drop)
    (folder / "a.csv").write_text("uscc,name\n1,x\n", "utf-8")
    os.utime(folder / "a.csv", (1e9, 1e9))
    assert intake.run(loader, [feed for feed in feeds(loader.settings) if feed.source == "yz"])
    refresh.publish(loader)
    page = said(admin, "/quarantine")
    assert "整份未装载" in page and "a.csv" in page and "知道了" in page
    [seq] = [row[0] for row in loader.writer.execute("SELECT landing_seq FROM raw.quarantine")]
    assert ask(admin, f"/quarantine/{seq}/acknowledge", why="") == 400
    assert ask(admin, f"/quarantine/{seq}/acknowledge", why="试接") == 303
    assert request_handlers.serve(loader)
    page = said(admin, "/quarantine")
    assert "试接" in page and "user-admin" in page and "没有隔离的记录" in page
