"""What a generation says of its data beside its numbers: checks, defects, revisions, what lies in quarantine.

Reads only the open file, and of it what lies in the scope that the book was opened for."""

from __future__ import annotations

from typing import Any

from warehouse.core import statements, units
from warehouse.query.aggregates import Figures
from warehouse.query.opened import aware
from warehouse.query.snapshot import Snapshot

text = statements.beside(__file__)


def revisions(book: Figures, metric: str | None = None) -> list[dict[str, Any]]:
    """Numbers of complete windows that were changed after they had been published, newest change first: old, new,
    when, in which generation; provisional: whether the old number was published as one that late data may still
    change; why: 口径变更 where the definition is another one, "" where new data have come."""
    revised = book.ask(text("revised_metrics"))
    if (metric,) not in revised and (metric or not revised):
        return []  # most numbers never change, and their pages need not look for it
    rows = book.ask(text("revisions"), {"metric": metric or None})
    return [
        {
            "metric": kpi,
            "window": window,
            "at": units.at_label(window, start),
            "place": place,
            "old": old,
            "new": new,
            "at_time": aware(at),
            "generation": generation,
            "provisional": bool(provisional),
            "why": why,
        }
        for kpi, window, start, place, old, new, at, generation, provisional, why in rows
    ]


def checks(book: Snapshot) -> list[dict[str, Any]]:
    """Results of the last checks."""
    held = book.held()
    return [
        {
            "model": model,
            "check": name,
            "severity": severity,
            "message": message,
            "failed_rows": failed,
            "held": model in held,
        }
        for model, name, severity, message, failed in book.ask(text("check_results"))
    ]


def defects(book: Figures) -> list[dict[str, Any]]:
    """Known defects found in the data: rule, table and number of rows or messages."""
    return [{"rule": rule, "label": label, "rows": int(rows)} for rule, label, rows in book.ask(text("defects"))]


def review(book: Figures) -> list[dict[str, str]]:
    """What somebody must look at, by rule: the subject and what is known of it. Nothing about persons."""
    return [dict(zip(("rule", "subject", "detail"), row, strict=True)) for row in book.ask(text("review"))]


def quarantine(book: Figures) -> list[dict[str, Any]]:
    """Records in quarantine by table and rule; is_row: the whole row is out, else a field of it is unknown."""
    return [
        {"table": f"{source}_{entity}", "rule": rule, "is_row": is_row, "rows": rows}
        for source, entity, rule, is_row, rows in book.ask(text("quarantine"))
    ]


def refused(book: Figures) -> list[dict[str, Any]]:
    """Payloads that are not in as a whole, newest first, with the reason and who has acknowledged them; none where the
    generation was published before this was published."""
    return book.records(text("refused_payloads"))
