"""What other programs look at: /healthz (the server is there), /readyz (what it shows is to be trusted) and /metrics for
Prometheus. Read anew at each visit, from what the loader and the screens have written down; nothing about persons, and
no number of the bureau's.

/metrics answers only to addresses of `metrics_from` in zhengbei.toml, this machine by default."""

from __future__ import annotations

import ipaddress
import shutil
import time
from collections.abc import Iterator

from flask import Flask, Response, abort, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cockpit.alerts import store
from cockpit.identity import gate, sessions
from warehouse.core import beats, request_queue
from warehouse.core.errors import DataMissing
from warehouse.core.settings import RELEASE, Settings
from warehouse.publish import live
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

FRESH_S = 1800.0
"""A generation that is older was not followed by six refreshes."""
LEAST_FREE = 0.02
"""With less of the disk free nothing more can be published."""


def register(server: Flask, library: SnapshotStore, settings: Settings) -> None:
    """Adds the three routes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(library, settings))

    @server.get("/healthz")
    def healthz() -> Response:
        return Response("ok", mimetype="text/plain")

    @server.get("/readyz")
    def readyz() -> Response:
        lacking = list(_lacking(library, settings, time.time()))
        answer = jsonify(ready=not lacking, lacking=lacking)
        answer.status_code = 503 if lacking else 200
        return answer

    @server.get("/metrics")
    def metrics() -> Response:
        if not _may(settings, gate.address()):
            abort(404)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may(settings: Settings, address: str) -> bool:
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(here in ipaddress.ip_network(one, strict=False) for one in settings.options.metrics_from)


def _lacking(library: SnapshotStore, settings: Settings, now: float) -> Iterator[str]:
    """Why what is shown is not to be trusted as the present, in Chinese; nothing when it is."""
    try:
        age = now - library.current(Scope.ALL).generation.built_at.timestamp()
        if age > FRESH_S:
            yield "最近一次发布已超过 30 分钟"
    except DataMissing:
        yield "还没有发布过数据"
    silent = beats.silent_s(settings.state, beats.LOADER, now)
    if silent is None:
        yield "装载进程还没有运行过"
    elif silent > beats.SILENT_S:
        yield "装载进程没有心跳"
    usage = shutil.disk_usage(settings.data)
    if usage.free < LEAST_FREE * usage.total:
        yield "数据盘将满"


class _Collector(Collector):
    """Gauges over what stands in the data folder; by Prometheus' conventions: base units, seconds since 1970 for moments."""

    def __init__(self, library: SnapshotStore, settings: Settings) -> None:
        self._library, self._settings = library, settings

    def collect(self) -> Iterator[Metric]:
        state = self._settings.state
        yield InfoMetricFamily("zhengbei_release", "which code answers", {"version": RELEASE})
        yield from self._processes()
        try:
            yield from self._generation(self._library.current(Scope.ALL))
        except DataMissing:
            pass
        picture = live.head(self._settings.data)
        if picture is not None and picture.as_of is not None:
            yield GaugeMetricFamily(
                "zhengbei_positions_timestamp_seconds", "newest position", picture.as_of.timestamp()
            )
        walls = GaugeMetricFamily("zhengbei_wall_seen_timestamp_seconds", "last sign of a wall", labels=["screen"])
        for one in sessions.devices(state):
            if one["revoked_at"] is None and one["seen_at"]:
                walls.add_metric([one["screen"]], one["seen_at"])
        yield walls
        alerts = GaugeMetricFamily("zhengbei_alerts", "alerts that stand", labels=["grade", "taken"])
        standing = store.standing(state)
        for grade in ("urgent", "warn", "notice"):
            for is_taken in (False, True):
                count = sum(1 for one in standing if one.grade == grade and (one.taken_at is not None) == is_taken)
                alerts.add_metric([grade, str(is_taken).lower()], count)
        yield alerts
        usage = shutil.disk_usage(self._settings.data)
        yield GaugeMetricFamily("zhengbei_disk_free_bytes", "free on the disk of the data folder", usage.free)
        yield GaugeMetricFamily("zhengbei_disk_size_bytes", "size of the disk of the data folder", usage.total)

    def _processes(self) -> Iterator[Metric]:
        state = self._settings.state
        beat = GaugeMetricFamily(
            "zhengbei_beat_timestamp_seconds", "last sign of life of a process", labels=["process"]
        )
        for name in (beats.LOADER, beats.WATCH):
            at = beats.last(state, name)
            if at is not None:
                beat.add_metric([name], at)
        yield beat
        finished = GaugeMetricFamily("zhengbei_job_finished_timestamp_seconds", "last end of a job", labels=["job"])
        lasted = GaugeMetricFamily("zhengbei_job_duration_seconds", "how long its last run took", labels=["job"])
        fine = GaugeMetricFamily("zhengbei_job_success", "1 when its last run went well", labels=["job"])
        for run in request_queue.newest_runs(state):
            if run.finished_at is not None:
                finished.add_metric([run.job], run.finished_at.timestamp())
                lasted.add_metric([run.job], (run.finished_at - run.started_at).total_seconds())
            fine.add_metric([run.job], float(run.status == "ok"))
        yield from (finished, lasted, fine)

    def _generation(self, book: Snapshot) -> Iterator[Metric]:
        here = book.generation
        yield GaugeMetricFamily(
            "zhengbei_generation_timestamp_seconds", "when the newest generation was built", here.built_at.timestamp()
        )
        labels = ["source", "table"]
        newest = GaugeMetricFamily("zhengbei_source_timestamp_seconds", "newest data of a table", labels=labels)
        promised = GaugeMetricFamily("zhengbei_source_promise_seconds", "how old it may be", labels=labels)
        rows = GaugeMetricFamily("zhengbei_source_rows", "rows of a table", labels=labels)
        aside = GaugeMetricFamily("zhengbei_source_quarantined_rows", "records in quarantine", labels=labels)
        broken = GaugeMetricFamily("zhengbei_source_broken", "1 when fetching it fails", labels=labels)
        for one in book.sources():
            name = [one.source, one.entity]
            if one.data_time is not None:
                newest.add_metric(name, one.data_time.timestamp())
            promised.add_metric(name, one.stale_after_s)
            rows.add_metric(name, one.rows)
            aside.add_metric(name, one.quarantined)
            broken.add_metric(name, float(bool(one.error)))
        yield from (newest, promised, rows, aside, broken)
        held = GaugeMetricFamily(
            "zhengbei_models_held", "models carried over from an earlier generation", len(book.held())
        )
        yield held
