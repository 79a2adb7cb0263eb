"""Questions that must have no answer. Owns run.check_result, run.defect and run.review; decides what is held, repairs
nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from warehouse.build import graph
from warehouse.catalog.models import models
from warehouse.core.database import Writer

TABLES = """
CREATE TABLE IF NOT EXISTS run.check_result (as_of TIMESTAMP, model VARCHAR, name VARCHAR, severity VARCHAR, message VARCHAR, failed_rows BIGINT);
CREATE TABLE IF NOT EXISTS run.defect (rule VARCHAR, model VARCHAR, label VARCHAR, rows BIGINT);
CREATE TABLE IF NOT EXISTS run.review (rule VARCHAR, model VARCHAR, is_personal BOOLEAN, subject VARCHAR, detail VARCHAR);
"""
SAID = 3
"""So many findings of a check are told in its message."""
LISTED = 200
"""So many cases of a rule are listed for review; the defect's count tells how many there are."""


def run(writer: Writer, as_of: dt.datetime, made: Iterable[str]) -> dict[str, str]:
    """Runs the checks of the models in `made` and counts their defects. Returns model → message of what must be held:
    models with a failed `fail` check and every model that stands on them."""
    writer.execute(TABLES)
    with writer.transaction():
        return _run(writer, as_of, [*made])


def _run(writer: Writer, as_of: dt.datetime, made: Sequence[str]) -> dict[str, str]:
    held: dict[str, str] = {}
    writer.execute("DELETE FROM run.check_result WHERE model IN (SELECT unnest(CAST(? AS VARCHAR[])))", [made])
    writer.execute("DELETE FROM run.review WHERE model IN (SELECT unnest(CAST(? AS VARCHAR[])))", [made])
    for name in made:
        model = models()[name]
        for check in model.checks:
            failed = writer.execute(f"SELECT count(*) FROM ({check.sql})")[0][0]
            message = check.message
            if failed and " AS says" in check.sql:  # the question tells in words what it has found
                words = writer.execute(f"SELECT DISTINCT says FROM ({check.sql}) ORDER BY says LIMIT {SAID}")
                message = f"{message}：{'；'.join(str(row[0]) for row in words)}"
            writer.execute(
                "INSERT INTO run.check_result VALUES (?,?,?,?,?,?)",
                [as_of, name, check.name, check.severity, message, failed],
            )
            if failed and check.severity == "fail":
                for below in graph.below(name):
                    held.setdefault(below, f"{model.label}：{message}（{failed} 处）")
        if model.build != "scratch" and model.defects:
            writer.execute("DELETE FROM run.defect WHERE model = ?", [name])
            for rule, expression in model.defects.items():
                writer.execute(
                    f"INSERT INTO run.defect SELECT ?, ?, ?, coalesce({expression}, 0) FROM {model.layer}.{name} LIMIT 1",
                    [rule, name, model.label],
                )
        for rule, review in model.review.items():
            writer.execute(
                f"INSERT INTO run.review SELECT ?, ?, ?, subject, detail FROM ({review.sql}) ORDER BY subject, detail LIMIT {LISTED}",
                [rule, name, review.is_personal],
            )
    return held


def still_held(writer: Writer) -> dict[str, str]:
    """The same answer from the last results, for models that were not made anew; and those that could not be made."""
    held: dict[str, str] = {}
    for name, message, failed in writer.execute(
        "SELECT model, message, failed_rows FROM run.check_result WHERE severity = 'fail' AND failed_rows > 0"
    ):
        for below in graph.below(name):
            held.setdefault(below, f"{models()[name].label}：{message}（{failed} 处）")
    for name, why in writer.execute("SELECT model, why FROM build.unmade"):
        for below in graph.below(name):
            held.setdefault(below, f"{models()[name].label}：{why}")
    return held
