"""The round: every half minute each rule is measured, what changed is entered, and letters leave. The web service runs it,
so that a dead loader is noticed by somebody else; the loader looks whether the round itself goes on, and runs one when
it does not.

One process at a time holds the lock; the others leave it to that one."""

from __future__ import annotations

import atexit
import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from cockpit.alerts import outbox, rules, store
from cockpit.alerts.probes import Look, Sign, measured
from cockpit.messages import receivers
from cockpit.store import app_db
from cockpit.store.alone import alone
from warehouse.core import beats
from warehouse.core.errors import CockpitError, DataMissing
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

ROUND_S = 30.0
OF_THE_WATCH = "watch_silent"
"""The rule over the round itself: whoever runs it is alive, so only the loader, which runs one in its place, can measure
it."""
LOG = logging.getLogger("cockpit")
ENDED = threading.Event()


def once(
    settings: Settings, library: SnapshotStore, *, in_place: bool = False, now: Callable[[], float] = time.time
) -> list[str]:
    """One round. in_place: it is run because the watch has fallen silent, and gives no sign of life in its name. Returns
    Chinese lines about what is wrong in alerts.toml and delivery.toml, could not be measured or was not delivered;
    nothing when another process is at it."""
    with alone(settings.data / ".alerts") as is_mine:
        if not is_mine:
            return []
        if not in_place:
            beats.beat(settings.state, beats.WATCH, now())
        given, faults = rules.in_force(settings)
        try:
            post, known = receivers.configured(settings)
        except CockpitError as error:
            post, known = None, []
            faults.append(str(error))
        by_name = {one.name: one for one in known}
        signs, problems = _measured(given, Look(settings, _book(library), now()), in_place)
        with app_db.writing(settings.state) as connection:
            # while a file is wrong nobody knows which of the bureau's own rules still hold
            ended = [] if faults else [*store.retire(connection, {rule.id for rule in given.rules}, now())]
            for rule in given.rules:
                if rule.id in signs:
                    ended += store.apply(connection, rule, signs[rule.id], now()).ended
            outbox.write(connection, given, by_name, ended, now())
        return [*faults, *problems, *outbox.send(settings, given, post, by_name, now)]


def _measured(given: rules.Plan, look: Look, in_place: bool) -> tuple[dict[str, list[Sign]], list[str]]:
    """Rule → its measurements; a rule that could not be measured is left out, and what had fired over it stays."""
    signs, problems = {}, []
    for rule in given.rules:
        if rule.id == OF_THE_WATCH and not in_place and rule.watch == "watch_silent_s":
            signs[rule.id] = [Sign("watch", "网页服务", 0.0, "告警巡视正常")]
            continue
        try:
            signs[rule.id] = measured(rule, look)
        except (CockpitError, OSError, sqlite3.Error) as error:
            problems.append(f"告警规则 {rule.id} 这一轮没有量到：{error}")
    return signs, problems


def start(settings: Settings, library: SnapshotStore) -> None:
    """Starts the thread of a web worker; it ends with the process."""
    thread = threading.Thread(target=_run, args=(settings, library), name="alerts", daemon=True)
    thread.start()
    atexit.register(_end, thread)


def _end(thread: threading.Thread) -> None:
    """Waits for the round that is under way: a thread inside the database when the interpreter goes ends the process by
    SIGABRT."""
    ENDED.set()
    thread.join()


def _run(settings: Settings, library: SnapshotStore) -> None:
    heard: set[str] = set()
    while not ENDED.wait(ROUND_S):
        try:
            lines = set(once(settings, library))
        except (CockpitError, sqlite3.Error, OSError) as error:
            lines = {str(error)}
        except Exception:
            LOG.exception("a round of alerts failed")
            continue
        for line in sorted(lines - heard):  # what lasts is written down once
            LOG.warning("%s", line)
        heard = lines


def _book(library: SnapshotStore) -> Snapshot | None:
    try:
        return library.current(Scope.ALL)
    except DataMissing:
        return None
