"""What a step of 名录填报 leaves behind: what was in force before it, and the bureau's own table as the file that is landed
like any change to it. Owns how a step that was cut off finds what it did already."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from etl.pipeline import intake
from etl.runtime.context import Context
from etl.worker.filing_forms import Form
from warehouse.core import request_queue
from warehouse.core.errors import UsageError
from warehouse.core.request_queue import Request
from warehouse.core.units import SHANGHAI
from warehouse.ingest import filed_lists, list_review
from warehouse.ingest.landing import sync_folder


def before(context: Context, form: Form, request: Request) -> dict[str, Any]:
    """What was in force before the step, written down once, before anything is changed: base, and own (the file of the
    bureau's own table, None where the shipped one holds) or rows (of a ledger)."""
    stored = request_queue.one(context.settings.state, request.id).result
    if stored is not None:
        found: dict[str, Any] = orjson.loads(filed_lists.unseal(context.settings, form.contract.table, stored))
        return found
    before: dict[str, Any] = {"base": list_review.base(context.writer, form.contract)}
    if form.is_ledger:
        before["rows"] = list_review.living(context.writer, form.contract)
    else:
        file = file_of(context, form)
        before["own"] = file.read_text("utf-8-sig") if file.exists() else None
    remember(context, form, request, before)
    return before


def remember(context: Context, form: Form, request: Request, values: dict[str, Any]) -> None:
    request_queue.keep(
        context.settings.state,
        request.id,
        filed_lists.seal(context.settings, form.contract.table, orjson.dumps(values)),
    )


def landed(context: Context, form: Form, request: Request) -> int | None:
    """The landing number of what this request landed before it was cut off, None when it had not come so far."""
    if request.attempts < 2 or request.result is None:
        return None
    if not form.is_ledger:  # such a table changes by its file only: a delivery since then is ours
        base = list_review.base(context.writer, form.contract)
        return base if base != before(context, form, request)["base"] else None
    return next((note.seq for note in context.landing.notes() if note.mapping.get("filed") == request.id), None)


def as_csv(names: list[str], rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\n")
    sheet.writerow(names)
    sheet.writerows(rows)
    return out.getvalue()


def put_own(context: Context, form: Form, text: str | None, base: int) -> int:
    """Writes the file of the bureau's own table and lands it; None takes it away, so that the shipped table holds again.
    Returns the landing number. Raises UsageError, and puts the file back, where it was not let in."""
    place = file_of(context, form)
    was = place.read_text("utf-8-sig") if place.exists() else None
    _write(place, text)
    intake.own_tables(context)
    seq = list_review.base(context.writer, form.contract)
    if seq <= base and text != was:
        _write(place, was)
        raise UsageError("新的内容没有装入，原来的仍然有效", to_do="请看数据健康页上的隔离记录，改正后重新提交")
    return max(seq, base)


def _write(place: Path, text: str | None) -> None:
    """Writes a file aside and renames it; None takes it away."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if text is None:
        place.unlink(missing_ok=True)
    else:
        aside = place.with_name(f".tmp-{place.name}")
        with open(aside, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, place)
    sync_folder(place.parent)


def file_of(context: Context, form: Form) -> Path:
    return context.settings.own / f"{form.contract.entity}.csv"


def now(context: Context) -> dt.datetime:
    return context.clock().replace(tzinfo=SHANGHAI)
