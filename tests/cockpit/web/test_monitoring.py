"""What other programs look at: alive, ready, and metrics that Prometheus' own parser reads."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from cockpit.web import app, monitoring
from warehouse.core import beats, request_queue
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


@pytest.fixture
def site(pictured: Path) -> Flask:
    return app.create_app(Settings(pictured))


def read(client: FlaskClient, **more: object) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", **more)  # type: ignore[arg-type]
    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    families = list(text_string_to_metric_families(answer.get_data(as_text=True)))
    assert all(family.name.startswith("zhengbei_") and family.documentation for family in families)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_metrics_say_what_stands_in_the_folder(site: Flask, pictured: Path) -> None:
    settings, book = Settings(pictured), SnapshotStore(pictured).current(Scope.ALL)
    beats.beat(settings.state, beats.LOADER, 1000.0)
    request_queue.book(settings.state, "refresh", 900.0, 950.0, "ok", 5, "")
    request_queue.book(settings.state, "refresh", 1000.0, 1007.5, "partial", 5, "")
    found = read(site.test_client())
    assert found["zhengbei_beat_timestamp_seconds", "loader"] == 1000.0
    assert found["zhengbei_job_finished_timestamp_seconds", "refresh"] == 1007.5
    assert found["zhengbei_job_duration_seconds", "refresh"] == 7.5 and found["zhengbei_job_success", "refresh"] == 0
    assert found["zhengbei_generation_timestamp_seconds",] == book.generation.built_at.timestamp()
    for state in book.sources():
        name = (state.source, state.entity)
        assert found["zhengbei_source_rows", *name] == state.rows
        assert (("zhengbei_source_timestamp_seconds", *name) in found) == (state.data_time is not None)
    assert found["zhengbei_disk_size_bytes",] == shutil.disk_usage(pictured).total


def test_metrics_answer_to_whom_they_are_meant_for(site: Flask, pictured: Path) -> None:
    client = site.test_client()
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.20.30.7"}).status_code == 404
    (pictured / "zhengbei.toml").write_text('metrics_from = ["10.20.30.0/24"]\n')
    open_to_them = app.create_app(Settings.at(pictured)).test_client()
    assert open_to_them.get("/metrics", environ_base={"REMOTE_ADDR": "10.20.30.7"}).status_code == 200
    assert open_to_them.get("/metrics").status_code == 404


def test_ready_is_what_can_be_trusted_as_the_present(
    site: Flask, pictured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, book = Settings(pictured), SnapshotStore(pictured).current(Scope.ALL)
    built = book.generation.built_at.timestamp()
    library = SnapshotStore(pictured)

    def lacking(now: float) -> list[str]:
        return list(monitoring._lacking(library, settings, now))

    assert lacking(built) == ["装载进程还没有运行过"]
    beats.beat(settings.state, beats.LOADER, built)
    assert lacking(built) == [] and lacking(built + beats.SILENT_S) == []
    assert lacking(built + beats.SILENT_S + 1) == ["装载进程没有心跳"]
    beats.beat(settings.state, beats.LOADER, built + monitoring.FRESH_S + 1)
    assert lacking(built + monitoring.FRESH_S + 1) == ["最近一次发布已超过 30 分钟"]
    beats.beat(settings.state, beats.LOADER, time.time())
    answer = site.test_client().get("/readyz")
    assert answer.status_code == 503 and answer.get_json()["ready"] is False


def test_before_anything_is_published_it_is_alive_and_not_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").get_data(as_text=True) == "ok"
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "还没有发布过数据" in answer.get_json()["lacking"]
    assert read(client)


def test_neither_asks_who_is_there(as_role: Callable[[str], FlaskClient], client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path).status_code in (200, 503)
