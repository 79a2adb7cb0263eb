"""One fault server, one data folder and one feed between them; what every story of faults over HTTP starts from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from etl.config.descriptions import feeds
from etl.config.schema import Feed
from etl.pipeline import intake
from etl.runtime.context import Context, opened
from tests.conftest import WORLD_NOW
from tests.etl.sources import fault_server
from tests.etl.sources.fault_server import Server
from tests.etl.sources.lists import CLIENT, SECRET, Lists, Row
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.publish import recover

PAGE, ROWS, TIME = 9, 88, "%Y-%m-%d %H:%M:%S"
PROTOCOLS = {
    "page": 'token_path = "/page/token"\n',
    "cursor": 'auth = "oauth2"\ntoken_path = "/cursor/oauth2/token"\npaging = "cursor"\n[defaults.request]\nsince = "updated_from"\nuntil = "updated_to"\nsize = "limit"\n'
    '[defaults.answer]\nitems = "items"\ntotal = "count"\nnext = "next_cursor"\nuntil = "updated_to"\ncode = ""\n',
    "window": 'auth = "none"\npaging = "window"\ntime = "epoch_ms"\nkeys_path = "/keys/post_check"\nreconcile = true\n[defaults.request]\nsince = "from"\nuntil = "to"\n'
    '[defaults.answer]\nitems = ""\ntotal = ""\nuntil = ""\ncode = ""\n',
}
Prints = dict[str, tuple[int, int]]


def row(number: int, **rest: Any) -> Row:
    at = WORLD_NOW - dt.timedelta(hours=20) + dt.timedelta(minutes=10 * number)
    return {
        "check_id": f"C{number:04d}",
        "platform_id": "P1",
        "object_type": 1,
        "uscc": "91330110MA2ABCDE12",
        "sent_at": at.strftime(TIME),
        "limit_s": 600,
        "answered_at": (at + dt.timedelta(seconds=90)).strftime(TIME),
        "responder": "某",
        "content": "在岗",
        "updated_at": (at + dt.timedelta(minutes=2)).strftime(TIME),
        **rest,
    }


def settings_of(folder: Path, url: str, protocol: str, more: str = "") -> Settings:
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    (folder / "sources.toml").touch(0o600)
    (folder / "sources.toml").write_text(
        f'is_demo = true\n[gps]\nurl = "{url}"\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n{more}[gps.options]\ntimeout_s = 1\ndeadline_s = 12\n',
        "utf-8",
    )
    (folder / "sources" / "gps.toml").write_text(
        f'label = "动态监控"\n[defaults]\njobs = ["refresh"]\ntransport = "http_json"\nwindow_s = 864000\nfirst_back_s = 86400\noverlap_s = 86400\n'
        f'page_size = {PAGE}\n{PROTOCOLS[protocol]}\n[[feeds]]\nentity = "post_check"\npath = "/{protocol}/post_check"\n',
        "utf-8",
    )
    return Settings(folder)


@dataclasses.dataclass
class Line:
    """One server, one data folder and one feed between them."""

    server: Server
    context: Context
    feed: Feed
    now: list[dt.datetime]
    truth: Prints = dataclasses.field(default_factory=dict)
    last: list[Row] = dataclasses.field(default_factory=list)

    def fresh(self, rows: list[Row] | None = None) -> Line:
        """As on the first day: nothing fetched yet, the clock at WORLD_NOW, a server that does as it should."""
        for table in (
            "raw.gps_post_check",
            "raw.quarantine",
            "run.batch",
            "run.cursor",
            "run.answer",
            "run.delivery",
            "run.touched",
        ):
            self.context.writer.execute(f"DELETE FROM {table}")
        for client in self.context.http.values():
            client.close()
        self.context.http.clear()
        self.context.looked_at.clear()
        self.server.service.rows["post_check"] = [row(number) for number in range(ROWS)] if rows is None else rows
        self.server.behave()
        self.at(0)
        return self

    def at(self, minutes: float) -> None:
        self.now[0] = WORLD_NOW + dt.timedelta(minutes=minutes)
        self.server.service.now = self.now[0].replace(tzinfo=SHANGHAI)

    def run(self, **words: Any) -> list[str]:
        return intake.run(self.context, [self.feed], **words)

    def print(self) -> Prints:
        return recover.fingerprint(self.context.writer)

    def held(self) -> int:
        return int(self.context.writer.execute("SELECT count(*) FROM raw.gps_post_check")[0][0])

    def cursor(self) -> list[Any]:
        return self.context.writer.execute("SELECT cursor FROM run.cursor")

    def balanced(self) -> bool:
        return self.context.writer.execute(
            "SELECT count(*) FROM run.batch WHERE rows_in <> merged + older + duplicate + quarantined"
        ) == [(0,)]


def made(folder: Path, protocol: str) -> Iterator[Line]:
    now = [WORLD_NOW]
    with (
        fault_server.served(Lists({"post_check": []}, now=WORLD_NOW.replace(tzinfo=SHANGHAI))) as server,
        opened(settings_of(folder, server.url, protocol), now=lambda: now[0]) as context,
    ):
        feed = next(feed for feed in feeds(context.settings) if feed.source == "gps")
        found = Line(server, context, feed, now).fresh()
        assert found.run() == [] and found.held() == ROWS
        found.truth = found.print()
        yield found


def plain(problems: list[str], *words: str) -> None:
    """One sentence that names the source, the cause and what to do, and nothing that only a programmer reads."""
    assert len(problems) == 1
    text = problems[0]
    assert (
        "动态监控" in text
        and "处理办法" in text
        and "\n" not in text
        and "Traceback" not in text
        and SECRET not in text
    )
    assert all(word in text for word in words), text
