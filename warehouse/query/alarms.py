"""Alarms as a generation knows them: the newest ones, the day's sum, and how one stands in words."""

from __future__ import annotations

from typing import Any

from warehouse.core import statements
from warehouse.query import one_person
from warehouse.query.aggregates import Figures
from warehouse.query.opened import aware

text = statements.beside(__file__)


def newest(book: Figures, limit: int = 20) -> list[dict[str, Any]]:
    """Newest alarms, plates masked; status in words; no name of a town whose trucks are those of a few persons."""
    rows = book.ask(text("newest_alarms"), {"most": limit})
    return [
        {
            "raised_at": aware(at),
            "plate_mask": plate,
            "kind": kind,
            "level": level,
            "town": one_person.TOWN if code in book.pooled else town,
            "company": company,
            "status": status(result, handled, must, due, took, allowed),
        }
        for at, plate, kind, level, town, code, result, handled, must, due, company, took, allowed in rows
    ]


def summary(book: Figures) -> dict[str, Any]:
    """Alarms of the generation's day so far: raised, handled, due."""
    day = book.generation.built_at.date()
    raised, handled, due = book.ask(text("alarm_summary"), {"day": day})[0]
    return {"day": day, "raised": raised, "handled": handled, "due": due}


def status(
    result: int | None, handled: bool, must: bool, due: bool, took_s: float | None = None, limit_s: float | None = None
) -> str:
    """How an alarm stands, in words (JT/T 809 1403: 0 处理中 1 已处理完毕 2 不予处理 3 将来处理). took_s: seconds from the alarm
    to its handling, negative for one before it, None where no time is known; limit_s: seconds allowed, None = no limit.
    Why it stands so follows a comma."""
    if took_s is not None and took_s < 0:
        return "处置时间早于报警，存疑"
    if handled:
        if must and took_s is not None and limit_s is not None and took_s > limit_s:
            return "超时处置"
        return "不予处理" if result == 2 else "已处置"
    if result == 2:
        return "不予处理，未写理由"
    if result in (0, 3):
        return "超时处理中" if due else "处理中"
    return "超时未处置" if due else ("待处置" if must else "提示")
