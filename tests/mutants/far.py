"""What the second computation says of a change that no test near it noticed: a small world is made again with the change
in place, and every indicator it can reach is compared until one differs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from etl.jobs import refresh
from etl.runtime.context import opened
from tests.independent import worlds
from tests.independent.conftest import audit_of_folder
from tests.independent.verdict import check
from warehouse.build.graph import below
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Metric
from warehouse.core.settings import Settings

WORLD = worlds.CLOCKS[0]


def difference(kind: str, file: str) -> str:
    """The first thing in which the product, as it now is, and the second computation differ; "" when there is none.
    kind, file: of the change. Raises whatever the product raises."""
    if not (metrics_reached := reached(kind, file)):
        return ""
    with tempfile.TemporaryDirectory(prefix="zhengbei-far-") as place:
        folder = Path(place) / "data"
        shutil.copytree(worlds.made(WORLD), folder, symlinks=True)
        with opened(Settings(folder), now=lambda: WORLD.now) as context:
            refresh.publish(context, full=True)
        audit = audit_of_folder(folder)
        for metric in metrics_reached:
            if found := check(audit.oracle, audit.book, metric).differences:
                return found[0]
    return ""


def reached(kind: str, file: str) -> list[Metric]:
    """The indicators that a change of a file can move, those that it names first."""
    name = Path(file).stem
    listed = list(metrics().values())
    if kind == "toml":
        return [metrics()[name]]
    if file.startswith(("warehouse/staging/", "warehouse/marts/")):
        changed = below(name)
        return sorted((metric for metric in listed if metric.mart in changed), key=lambda metric: metric.mart != name)
    # what is worked out for a page or a finding is no number of the catalogue, and the small world has landed already
    is_beside = file.startswith(("warehouse/insight/", "warehouse/ingest/")) or not file.startswith("warehouse/")
    return [] if is_beside else listed
