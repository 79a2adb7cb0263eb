"""What is measured for the rules: the machinery (loader, sources, disk, audit log, walls) and the indicators. Each
measurement names its subject, so that one rule can stand over many.

A subject that could not be measured is None, which neither fires nor clears; a subject that is no longer there is left
out, and what had fired over it is over."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cockpit.alerts import rules
from cockpit.alerts.rules import Rule
from cockpit.identity import sessions
from cockpit.presentation import format as fmt
from cockpit.presentation.reading_view import present
from cockpit.store import audit_anchor
from warehouse.catalog.metrics import metrics
from warehouse.compile.reading import DISTRICT, Reading
from warehouse.core import backup_report, beats, request_queue, units
from warehouse.core.settings import Settings
from warehouse.query.snapshot import Snapshot

REGULAR = ("live", "refresh")
"""Jobs that run all day, and so can be missed."""


@dataclass(frozen=True)
class Sign:
    """One measurement. value: None where it could not be made; words: what it says, in Chinese; href: where to look."""

    subject: str
    label: str
    value: float | None
    words: str
    href: str = "/health"


@dataclass(frozen=True)
class Look:
    """What a round of measurements looks at. book: None before the first publication; now: UTC seconds."""

    settings: Settings
    book: Snapshot | None
    now: float


def measured(rule: Rule, look: Look) -> list[Sign]:
    """The measurements of a rule. Raises what the look itself raises: then nothing is known of any of them."""
    return list(_indicator(rule, look) if rule.metric else HEALTH_PROBES[rule.watch](look))


def _loader(look: Look) -> Iterator[Sign]:
    silent = beats.silent_s(look.settings.state, beats.LOADER, look.now)
    if silent is not None:  # one that never ran here is not missed
        yield Sign("loader", "装载进程", silent, f"已 {fmt.duration(silent)}没有心跳，数字停在最近一次发布")


def _watch(look: Look) -> Iterator[Sign]:
    silent = beats.silent_s(look.settings.state, beats.WATCH, look.now)
    if silent is not None:
        yield Sign("watch", "网页服务", silent, f"告警巡视已 {fmt.duration(silent)}没有心跳")


def _jobs(look: Look) -> Iterator[Sign]:
    if beats.last(look.settings.state, beats.LOADER) is None:
        return
    for job in REGULAR:
        ended = request_queue.last_finished(look.settings.state, job)
        if ended is not None:
            age = max(0.0, look.now - ended)
            yield Sign(job, request_queue.JOBS[job], age, f"已 {fmt.duration(age)}没有跑完一次")


def _sources_used(look: Look) -> Iterator[Sign]:
    for state in look.book.sources() if look.book else ():
        if state.data_time is not None:  # one that was never connected is not late
            passed = look.now - state.data_time.timestamp()
            words = f"数据至 {fmt.clock(state.data_time)}，距今 {fmt.duration(passed)}，承诺 {fmt.duration(state.stale_after_s)}"
            subject = f"{state.source}_{state.entity}"
            yield Sign(subject, state.label, passed / max(1, state.stale_after_s), words, f"/health#source-{subject}")


def _sources_broken(look: Look) -> Iterator[Sign]:
    for state in look.book.sources() if look.book else ():
        if state.error or state.data_time is not None:
            subject = f"{state.source}_{state.entity}"
            yield Sign(
                subject, state.label, float(bool(state.error)), state.error or "取数正常", f"/health#source-{subject}"
            )


def _disk(look: Look) -> Iterator[Sign]:
    usage = shutil.disk_usage(look.settings.data)
    words = f"剩余 {usage.free / 2**30:.1f} GiB，共 {usage.total / 2**30:.0f} GiB"
    yield Sign("disk", "数据盘", usage.free / usage.total, words)


def _settings(look: Look) -> Iterator[Sign]:
    faults = rules.faults(look.settings)
    yield Sign("settings", "告警与收件方", float(len(faults)), "；".join(faults) or "没有错处", "/alerts")


def _backup(look: Look) -> Iterator[Sign]:
    is_demo = look.book is not None and look.book.generation.is_demo
    fault = backup_report.alarm(look.settings, dt.datetime.fromtimestamp(look.now, units.SHANGHAI), is_demo=is_demo)
    yield Sign("backup", "备份与恢复演练", float(bool(fault)), fault or backup_report.summary(look.settings) or "正常")


def _audit(look: Look) -> Iterator[Sign]:
    check = audit_anchor.last_check(look.settings.state)
    if check is not None:
        yield Sign("audit", "审计日志", float(len(check.faults)), "；".join(check.faults[:3]) or "完好", "/audit")


def _walls(look: Look) -> Iterator[Sign]:
    for one in sessions.devices(look.settings.state):
        if one["revoked_at"] is None and one["seen_at"] is not None:
            silent = max(0.0, look.now - one["seen_at"])
            yield Sign(one["screen"], f"大屏 {one['screen']}", silent, f"已 {fmt.duration(silent)}没有报到", "/screens")


HEALTH_PROBES: dict[str, Callable[[Look], Iterator[Sign]]] = {
    "loader_silent_s": _loader,
    "watch_silent_s": _watch,
    "job_age_s": _jobs,
    "source_used_share": _sources_used,
    "source_broken": _sources_broken,
    "disk_free_share": _disk,
    "settings_faults": _settings,
    "backup_faults": _backup,
    "audit_faults": _audit,
    "wall_silent_s": _walls,
}


def _indicator(rule: Rule, look: Look) -> Iterator[Sign]:
    if look.book is None:
        return
    metric = metrics()[rule.metric]
    readings = (
        [look.book.read(metric.id, rule.window or None)]
        if rule.places == "district"
        else look.book.by(metric.id, rule.window or None, grain=rule.places)
    )
    for reading in readings:
        view = present(reading, metric.decimals)
        change = f"，{view.previous} {view.delta.text}" if rule.figure == "change" else ""
        parts = f"（{view.parts}）" if view.parts else ""
        place = "" if reading.place.code == DISTRICT else f"&place={reading.place.code}"
        yield Sign(
            reading.place.code,
            reading.place.label,
            reading.value if rule.figure == "value" else _change(reading),
            f"{metric.label} {view.period} {view.text}{parts}{change}",
            f"/metric/{metric.id}?window={reading.window}{place}",
        )


def _change(reading: Reading) -> float | None:
    return None if reading.value is None or reading.previous is None else reading.value - reading.previous
