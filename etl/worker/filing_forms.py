"""Which tables people may file, how such a file is read, and what the pages are told of them. Owns the form; its steps
are etl.worker.list_filing.

A form is the bureau's own table, or a ledger that arrives as files and is whole each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from etl.config.descriptions import described
from etl.config.schema import Feed
from etl.runtime.context import Context
from warehouse.catalog.contracts import contracts
from warehouse.catalog.schema import Column, Contract
from warehouse.core import request_queue
from warehouse.core.units import SHANGHAI

HOLD_S = 24 * 3600
"""How long uploaded bytes wait to be put in force."""
YES_NO = {"是": "true", "否": "false"}


@dataclass(frozen=True)
class Form:
    """A table that can be filed. columns: what is asked for, in the order of the contract; mapping: how the uploaded
    file is read."""

    contract: Contract
    feed: Feed | None
    columns: tuple[Column, ...]
    mapping: dict[str, Any]

    @property
    def is_ledger(self) -> bool:
        return self.feed is not None

    def heading(self, column: Column) -> str:
        """What the column is called in the file."""
        return str(self._rule(column)["from"])

    def words(self, column: Column) -> dict[str, str]:
        """Word in the file → our value, where the column takes only such."""
        return dict(self._rule(column).get("values", {}))

    def _rule(self, column: Column) -> dict[str, Any]:
        rules: dict[str, dict[str, Any]] = self.mapping["columns"]
        return rules.get(column.name) or rules[column.source]


def forms(context: Context) -> dict[str, Form]:
    """All tables that can be filed, by name, the bureau's own first."""
    found = {contract.table: _own(contract) for contract in contracts().values() if contract.load == "own"}
    for feed in described(context.settings)[0]:
        if feed.transport == "files" and feed.snapshot and feed.contract.version == "ledger_at":
            found[feed.contract.table] = _ledger(feed)
    return found


def _own(contract: Contract) -> Form:
    rules: dict[str, dict[str, Any]] = {
        column.name: {"from": _short(column.label), **({"values": YES_NO} if column.type == "BOOLEAN" else {})}
        for column in contract.columns
    }
    return Form(contract, None, contract.columns, {"columns": rules, "cells": True})


def _short(label: str) -> str:
    """A label without what it explains in brackets."""
    return label.partition("（")[0]


def _ledger(feed: Feed) -> Form:
    """As the ledger itself is read; what is not kept (names, health) is not asked for."""
    given: dict[str, dict[str, Any]] = {
        ours: {"from": rule} if isinstance(rule, str) else rule
        for ours, rule in msgspec.to_builtins(feed.columns).items()
    }
    columns = []
    for column in feed.contract.columns:
        rule = given.get(column.name) or given.get(column.source)
        if rule is None:
            continue
        if column.treatment == "drop":
            rule["optional"] = True
        else:
            columns.append(column)
    mapping = {"columns": given, "sheet": feed.sheet, "snapshot": True, "cells": True}
    return Form(feed.contract, feed, tuple(columns), mapping)


def offer(context: Context) -> None:
    """Tells the pages which tables can be filed, and how."""
    state = context.settings.state
    request_queue.forget_uploads(state, context.clock().replace(tzinfo=SHANGHAI).timestamp() - HOLD_S)
    request_queue.offer(state, {name: _description(context, form) for name, form in forms(context).items()})


def _description(context: Context, form: Form) -> dict[str, Any]:
    contract = form.contract
    rows, newest = context.writer.execute(
        f"SELECT count(*), max(_version) FROM raw.{contract.table} WHERE _deleted_at IS NULL"
    )[0]
    month = f"{newest:%Y-%m}" if form.is_ledger and newest else None
    landed = context.writer.execute(
        "SELECT max(landed_at) FROM run.batch WHERE source = ? AND entity = ? AND rows_in > 0",
        [contract.source, contract.entity],
    )[0][0]
    return {
        "label": contract.label,
        "ledger": form.is_ledger,
        "sheet": (form.feed.sheet if form.feed else "") or _short(contract.label.rsplit("·", 1)[-1]),
        "rows": rows,
        "month": month,
        "landed_at": landed.isoformat(timespec="minutes") if landed else None,
        "current": not any(column.treatment in ("person", "holder", "phone") for column in form.columns),
        "columns": [
            {
                "name": column.name,
                "heading": form.heading(column),
                "label": column.label,
                "type": column.type,
                "unit": column.unit,
                "required": column.required or (form.is_ledger and column.name in contract.key),
                "key": column.name in contract.key,
                "personal": column.name not in contract.open,
                "words": list(form.words(column)),
            }
            for column in form.columns
        ],
    }
