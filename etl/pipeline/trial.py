"""A source is tried: reach it, sign in, look for its tables and columns, fetch a few rows and hold them against the contract
– with the parser and the verdicts of loading, in a database that is thrown away.

Owns the order of these steps and what is told of each. Nothing is written into the data folder: no landing, no
warehouse, no cursor, no quarantine."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from etl.config.descriptions import addressed, described
from etl.config.schema import ADDRESS_OF, Endpoint, Feed
from etl.pipeline import suggest, trial_bench
from etl.pipeline.trial_bench import Bench, Sample
from warehouse.catalog.contracts import contracts
from warehouse.catalog.metrics import metrics
from warehouse.catalog.models import models
from warehouse.catalog.schema import Column, Contract
from warehouse.core import trial_report, units
from warehouse.core.data_rules import KINDS, cure, named
from warehouse.core.errors import CockpitError, ConfigError, ContractBroken, DataMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.core.trial_report import Breach, ColumnTrial, TableTrial, Trial
from warehouse.ingest import filed_lists, load, verdicts
from warehouse.ingest.column_rules import theirs
from warehouse.ingest.table_headers import plain
from warehouse.insight import lineage

BREACHES_SHOWN = 60
Progress = Callable[[str, int, int], None]


def run(settings: Settings, source: str, progress: Progress, now: dt.datetime | None = None) -> Trial:
    """Tries every feed of a source whose way is set up. now: aware. Every fault of the other side, of the description
    and of the rows is in the answer; raises UsageError for a source that nobody knows."""
    label = label_of(settings, source)
    try:
        hosts = _set_up(settings, source, label)
    except CockpitError as error:
        return Trial(source=source, label=label, code=error.exit_code, error=str(error))
    trial = Trial(source=source, label=label)
    number, total = 0, sum(len(wanted) for _, wanted in hosts.values())
    for address, (endpoint, wanted) in hosts.items():
        with trial_bench.opened(address, endpoint) as bench:
            shut: dict[str, CockpitError] = {}
            for feed in wanted:
                progress(f"试连 {feed.contract.label}", number, total)
                number += 1
                one = _tried(bench, feed, shut, now or units.now())
                if not (
                    feed.mapping_beside and one.code == DataMissing.exit_code
                ):  # nobody need ever put such a file there
                    trial.tables.append(one)
    progress("试连完成", total, total)
    trial.code = trial_report.worst([table.code for table in trial.tables])
    return trial


def reach(
    settings: Settings, source: str, now: dt.datetime | None = None
) -> Iterator[tuple[Feed, CockpitError | None]]:
    """Each feed of a source with what is wrong with it, None = it can be read: really signs in and asks for one row.
    Raises what is wrong with description or address."""
    for address, (endpoint, wanted) in _set_up(settings, source, label_of(settings, source)).items():
        with trial_bench.opened(address, endpoint) as bench:
            shut: dict[str, CockpitError] = {}
            for feed in wanted:
                try:
                    trial_bench.sign_in(bench, feed, shut)
                    trial_bench.fetch(bench, feed, now or units.now(), 1)
                except DataMissing:
                    yield feed, None  # there may be nothing new; the way is free
                except CockpitError as error:
                    yield feed, error
                else:
                    yield feed, None


def label_of(settings: Settings, source: str) -> str:
    """What a source is called. Raises UsageError for one that nobody knows."""
    labels = {
        contract.source: contract.label.partition("·")[0] for contract in contracts().values() if contract.load != "own"
    }
    feeds, faults = described(settings)
    known = {**{name: name for name in (*(feed.source for feed in feeds), *faults)}, **labels}
    if source not in known:
        raise UsageError(f"没有这个来源：{source}", to_do=f"可用：{'、'.join(sorted(known))}")
    return known[source]


def _set_up(settings: Settings, source: str, label: str) -> dict[str, tuple[Endpoint, list[Feed]]]:
    """Where a source lives, its one host or several, each with the feeds whose way is set up there. Raises what is
    wrong with what is written of it, ConfigError when nothing is."""
    feeds, faults = described(settings)
    endpoints, _, addresses = addressed(settings)
    mine = [feed for feed in feeds if feed.source == source]
    for fault in (faults.get(source), addresses.get(source), *(addresses.get(feed.lives_at) for feed in mine)):
        if fault is not None:
            raise fault
    wanted: dict[str, tuple[Endpoint, list[Feed]]] = {}
    for feed in mine:
        endpoint = endpoints.get(feed.lives_at)
        if endpoint is not None and feed.transport in endpoint.ways:
            wanted.setdefault(feed.lives_at, (endpoint, []))[1].append(feed)
    if not wanted:
        meant = "、".join(dict.fromkeys(ADDRESS_OF[feed.transport] for feed in mine)) or "dsn、url 或 drop"
        raise ConfigError(
            f"{label}未接入：没有写地址", where=f"sources.toml [{source}]", to_do=f"请写上 {meant}，见 etl/README.md"
        )
    return wanted


def _tried(bench: Bench, feed: Feed, shut: dict[str, CockpitError], now: dt.datetime) -> TableTrial:
    place = {"sql_database": feed.table, "http_json": feed.path, "files": feed.glob}[feed.transport]
    found = TableTrial(table=feed.contract.table, label=feed.contract.label, way=feed.transport, place=place)
    try:
        trial_bench.sign_in(bench, feed, shut)
        _judge(bench, feed, trial_bench.fetch(bench, feed, now), found, now)
    except CockpitError as error:
        found.error, found.code = str(error), error.exit_code
    if not found.looked_at or any(column.is_required for column in found.gaps):
        found.blocked = [one.label for one in metrics().values() if _needs(one.sources, one.optional, found.table)]
    else:
        found.partial = _partial(feed.contract, [column.name for column in found.gaps])
    return found


def _needs(sources: tuple[str, ...], optional: tuple[str, ...], table: str) -> bool:
    return table in sources and table not in optional


def _partial(contract: Contract, names: list[str]) -> list[str]:
    """Indicators below which a model reads one of these columns of the table."""
    reading = {
        name
        for name, model in models().items()
        if contract.table in model.sql and any(re.search(rf"\b{column}\b", model.sql) for column in names)
    }
    return [
        metrics()[one].label
        for one in lineage.above(contract.table)
        if contract.table not in metrics()[one].optional and any(node.name in reading for node in lineage.of(one))
    ]


def _judge(bench: Bench, feed: Feed, sample: Sample, found: TableTrial, now: dt.datetime) -> None:
    """Holds the rows against the contract, column by column and cell by cell."""
    found.place = sample.place
    mapping, there = dict(sample.mapping), {plain(name) for name in sample.theirs}
    absent = {
        ours: "、".join(lost)
        for ours, names in _needed(mapping).items()
        if (lost := [name for name in names if plain(name) not in there])
    }
    try:
        if absent and sample.kind == "json_rows":  # a database says what columns there are even of an empty table
            raise _lacking(feed, sample, absent)
        rows, absent = bench.read(feed, sample, mapping, now), {}
    except ContractBroken:
        if not (there and absent):
            raise
        mapping["columns"] = {ours: rule for ours, rule in mapping["columns"].items() if ours not in absent}
        lacking = _lacking(feed, sample, absent)
        found.error, found.code = str(lacking), lacking.exit_code
        _columns(bench, feed.contract, sample, mapping, absent, found)
        if not mapping["columns"]:
            return
        rows = bench.read(feed, sample, mapping, now)
    else:
        _columns(bench, feed.contract, sample, mapping, absent, found)
    if not rows.num_rows:
        if absent:
            return
        raise DataMissing("一行数据也没有", where=sample.place, to_do="请来源确认何时有数")
    found.looked_at = rows.num_rows
    load.examine(bench.writer, feed.contract, bench.privacy, sample.note(feed, mapping, now), rows)
    made = {column.name for column in found.columns if column.theirs and not column.is_absent}
    shown = verdicts.readable(bench.writer, feed.contract, trial_bench.SHOWN)
    found.rows = [{name: value for name, value in row.items() if name in made} for row in shown]
    _breaches(bench, feed.contract, found)
    if absent or found.breach_count:
        found.code = ContractBroken.exit_code


def _needed(mapping: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Our column → theirs that must be there; of a source whose rows a hook makes nobody knows before."""
    if mapping.get("hook"):
        return {}
    rules = {ours: {"from": rule} if isinstance(rule, str) else rule for ours, rule in mapping["columns"].items()}
    return {ours: theirs(rule) for ours, rule in rules.items() if not rule.get("optional")}


def _lacking(feed: Feed, sample: Sample, absent: dict[str, str]) -> ContractBroken:
    return ContractBroken(
        f"来源缺少列：{'、'.join(absent.values())}",
        where=f"{feed.source} {sample.place}",
        to_do="请与来源核对，或在来源描述的 columns 里改成现在的列名",
    )


def _columns(
    bench: Bench, contract: Contract, sample: Sample, mapping: dict[str, Any], absent: dict[str, str], found: TableTrial
) -> None:
    """What each of our columns is made of; for those made of nothing, which of theirs may be meant."""
    rules = {ours: theirs(rule) for ours, rule in mapping["columns"].items()}
    given = set(mapping.get("constants", {})) | ({"ledger_at"} if mapping.get("name_date") else set())
    there = {plain(name) for name in sample.theirs}
    # else a title stands above the header, or a hook makes the columns
    is_whole = not mapping.get("hook") and all(
        plain(name) in there for names in _needed(mapping).values() for name in names
    )
    gaps: list[Column] = []
    for column in contract.stored:
        names = [name for name in (column.name, column.source, column.fallback) if name]
        parts = next((rules[n] for n in names if n in rules and (not is_whole or plain(rules[n][0]) in there)), ())
        made_of = " + ".join(parts)
        gone = next((absent[name] for name in names if name in absent), "")
        constant = "（常数）" if given & set(names) else ""
        found.columns.append(
            ColumnTrial(
                name=column.name,
                label=column.label,
                theirs=made_of or gone or constant,
                is_required=column.required or column.name in contract.key,
                is_absent=bool(gone and not made_of),
            )
        )
        if not (made_of or constant):
            gaps.append(column)
    if is_whole:
        used = {plain(name) for names in rules.values() for name in names}
        unused = {name: values for name, values in sample.theirs.items() if plain(name) not in used}
        near = suggest.columns(bench.writer, gaps, unused)
        for one in found.columns:
            one.suggestion, one.because = near.get(one.name, ("", ""))
        found.unused = list(unused)


def _breaches(bench: Bench, contract: Contract, found: TableTrial) -> None:
    known = {column.name: column for column in contract.stored}
    gone = {column.name for column in found.gaps}
    for row, stated in bench.writer.execute("SELECT row_no, faults FROM aside ORDER BY row_no"):
        for fault in orjson.loads(stated):
            name, rule = fault["column"] or "", fault["rule"]
            if name in gone:
                continue  # said once, of the whole column
            found.breach_count += 1
            if len(found.breaches) < BREACHES_SHOWN:
                column = known.get(name)
                found.breaches.append(
                    Breach(
                        cell=fault["cell"] or f"第 {row + 1} 条",
                        column=name,
                        label=column.label if column else name,
                        value=fault["value"] or "",
                        fault=KINDS.get(rule) or named(rule),
                        allowed=_allowed(rule, column),
                    )
                )


def _allowed(rule: str, column: Column | None) -> str:
    """What may stand in the cell, or what to do."""
    if column is not None and rule == "code":
        return "应为 " + "、".join(column.allowed)
    if column is not None and rule == "type":
        return "应为月份，如 2026-01" if column.rule == "month" else f"应为{filed_lists.kind(column.type)}"
    return cure(rule)
