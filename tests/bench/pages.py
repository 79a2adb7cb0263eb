"""How long the server needs for readings and pages that nobody has asked before, and for pages asked again: from the
address to the bytes that leave. Of a page that nobody has asked, what other pages share (names of places, freshness of
sources) is known. Prints; judges nothing.

`python -m tests.bench.pages --data var`"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from flask import g
from plotly.io.json import to_json_plotly

from cockpit.identity.sessions import Viewer
from cockpit.pages import overview
from cockpit.web import app, cache_warmer, page_callback
from warehouse.compile.reading import DISTRICT
from warehouse.core.settings import Settings
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

READER = Viewer("person", "bench", "leader", scope=Scope.ALL)
OTHERS = ("/metric/site_visit_cnt", "/metric/p5_volunteer_hours")
"""A page of another metric, read before."""
KEYS = {
    "vehicle": "SELECT vehicle_key FROM marts.vehicle_current ORDER BY hash(vehicle_key) LIMIT 25",
    "alarm": "SELECT alarm_uid FROM marts.alarm_event ORDER BY hash(alarm_uid) LIMIT 25",
    "site": "SELECT site_id FROM marts.site",
    "unit": "SELECT DISTINCT unit_id FROM marts.unit_task",
    "organisation": "SELECT DISTINCT org_id FROM marts.company_organisation LIMIT 15",
}


def spread(name: str, spans: list[float]) -> None:
    """Median, p95 and worst of spans in seconds."""
    spans.sort()
    print(
        f"{name:<28}{len(spans):5} 次  中位 {spans[len(spans) // 2] * 1000:7.1f} ms  p95 {spans[int(len(spans) * 0.95)] * 1000:7.1f} ms  最长 {spans[-1] * 1000:7.1f} ms"
    )


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, required=True)
    web = app.create_app(Settings(options.parse_args().data))
    app.settle()  # as in a worker
    library: SnapshotStore = web.config["ZHENGBEI_LIBRARY"]
    book = library.current(Scope.ALL)
    town = book.places("town")[0].code

    def draw(path: str, search: str = "") -> None:
        with web.test_request_context("/"):
            g.viewer = READER
            to_json_plotly(page_callback.answer(library, path, search)[0])

    def fresh(act: Callable[[], object], shared: str = "") -> float:
        book._answers.clear()
        book.sources()
        if shared:
            draw(shared)
        return timed(act)

    requested = [(metric.id, window) for metric in book.metrics.values() for window in metric.windows]
    spread("读数，未问过", [fresh(lambda m=metric, w=window: book.read(m, w)) for metric, window in requested])  # type: ignore[misc]
    spread(
        "读数，问过",
        [timed(lambda m=metric, w=window: book.read(m, w)) for metric, window in [*requested, *requested]][
            len(requested) :
        ],
    )  # type: ignore[misc]
    pages = [
        (f"/metric/{metric}", f"?window={window}&place={place}")
        for metric, window in requested
        for place in (DISTRICT, *((town,) if "town" in book.metrics[metric].drill else ()))
    ]
    spread(
        "指标页，未问过",
        [fresh(lambda p=path, s=search: draw(p, s), shared=OTHERS[path == OTHERS[0]]) for path, search in pages],
    )  # type: ignore[misc]
    again = []
    for path, search in pages:
        draw(path, search)
        again.append(timed(lambda p=path, s=search: draw(p, s)))  # type: ignore[misc]
    spread("指标页，问过", again)
    book._answers.clear()
    draw("/")  # a served site asks ahead what the overview needs
    spread(
        "企业页，未问过",
        [timed(lambda c=company.code: draw(f"/company/{c}")) for company in book.places("company")[:40]],
    )  # type: ignore[misc]
    first = [
        *(
            f"/group/{group}?window={window}"
            for group in overview.grouped(book.metrics.values())
            for window in overview.WINDOWS
        ),
        *(f"{path}?window={window}" for path in ("/", "/all") for window in overview.WINDOWS),
        *(f"/town/{town.code}" for town in book.places("town")),
        *(f"/{kind}/{quote(str(key), safe='')}" for kind, sql in KEYS.items() for (key,) in book.ask(sql)),
        "/health",
        "/lineage",
        "/quarantine",
        "/alerts",
        "/announcement",
        "/supervision",
        "/mine",
        "/site",
        "/search?q=yh",
    ]
    book._answers.clear()
    cache_warmer.once(library, "", web.config["ZHENGBEI"].state)
    spread("其余各类页，首个读者", [timed(lambda p=page: draw(*p.split("?", 1))) for page in first])  # type: ignore[misc]
    print(f"总览，未问过  {fresh(lambda: draw('/')) * 1000:.0f} ms；问过  {timed(lambda: draw('/')) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
