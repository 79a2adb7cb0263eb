"""Which sources there are, and how each stands: 未接入, 已接入 or 描述有误. Reads what is written about them and the newest
snapshot; asks no source."""

from __future__ import annotations

import datetime as dt

import msgspec

from etl.config.descriptions import addressed, described
from etl.config.schema import ADDRESS_OF, Endpoint
from warehouse.catalog.contracts import contracts
from warehouse.core import trial_report
from warehouse.core.errors import ConfigError, DataMissing
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore


class Connection(msgspec.Struct, kw_only=True):
    """A source. state: 未接入, 已接入 or 描述有误; ways: by what it is set up to arrive, in words; tables: labels of its
    tables; newest: of its data, aware, None = none yet; fault: what is wrong with what is written, "" = nothing."""

    source: str
    label: str
    state: str
    ways: list[str]
    tables: list[str]
    newest: dt.datetime | None
    fault: str = ""


def every(settings: Settings) -> list[Connection]:
    """All sources in the order of their names. Raises Refused for an address file that others can read."""
    feeds, faults = described(settings)
    endpoints: dict[str, Endpoint] = {}
    if settings.sources.exists():
        try:
            endpoints, _, addresses = addressed(settings)
            faults = {**addresses, **faults}
        except ConfigError as error:  # nothing of the file can be read
            faults = {**dict.fromkeys({feed.source for feed in feeds}, error), **faults}
    newest = _newest(settings)
    tables: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    for contract in contracts().values():
        if contract.load != "own":
            label, _, table = contract.label.partition("·")
            labels[contract.source] = label
            tables.setdefault(contract.source, []).append(table or label)
    ways_to = {name: endpoint.ways for name, endpoint in endpoints.items()}
    found = []
    for source in sorted({*tables, *faults}):
        mine = [feed for feed in feeds if feed.source == source]
        ways = [
            way
            for way in ADDRESS_OF
            if any(feed.transport == way and way in ways_to.get(feed.lives_at, ()) for feed in mine)
        ]
        fault = str(faults[source]) if source in faults else ""
        connected = trial_report.CONNECTED if ways else trial_report.NOT_CONNECTED
        found.append(
            Connection(
                source=source,
                label=labels.get(source, source),
                state=trial_report.WRONG if fault else connected,
                ways=[trial_report.WAYS[way] for way in ways],
                tables=tables.get(source, []),
                newest=newest.get(source),
                fault=fault,
            )
        )
    return found


def _newest(settings: Settings) -> dict[str, dt.datetime]:
    try:
        states = SnapshotStore(settings.data).current(Scope.ALL).sources()
    except DataMissing:
        return {}
    found: dict[str, dt.datetime] = {}
    for state in states:
        if state.data_time and state.rows:
            found[state.source] = max(found.get(state.source, state.data_time), state.data_time)
    return found
