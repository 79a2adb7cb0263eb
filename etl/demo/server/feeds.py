"""What each list of the HTTP services holds: for a window of update times, the rows visible at an instant.

A feed is a function (after, until, now) → frame sorted by (updated_s, key), with after < updated_s <= until; times are
local seconds, `until` is never later than `now`. The HTTP layer turns frames into pages and knows nothing of the world.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from etl.demo.drivers import active_safety, attendance, management
from etl.demo.positions import positions, supervision
from etl.demo.positions.alarms import day_alarms, day_post_checks
from etl.demo.positions.terminals import installations
from etl.demo.server.files import CHECKS_OVER_API_DAYS
from etl.demo.world import clock
from etl.demo.world.books import Book
from etl.demo.world.clock import DAY
from etl.demo.world.world import World

POSITIONS_KEEP_S = 72 * 3600
ACTIVE_KEEP_DAYS = 45  # files of the past end where the stand-in began; the list must reach back to there
SILENT_DAY_AHEAD = 2  # days after the anchor on which the learning list answers 200 with nothing (D21)
UPDATE_SLACK_DAYS = 3  # a row of one day is updated at most this much later
FIX_SLACK_DAYS = 18
ALARM_COLUMNS = [
    "alarm_uid",
    "src",
    "warn_type",
    "level",
    "plate_no",
    "plate_color",
    "start_at",
    "end_at",
    "speed_kmh",
    "limit_kmh",
    "lon",
    "lat",
    "info",
    "updated_s",
]
Feed = Callable[[int, int, int], pd.DataFrame]


def _by_day(path: Path | None) -> dict[int, pd.DataFrame]:
    """A cached table of the past by its column `day`; nothing without a file."""
    if path is None or not path.exists():
        return {}
    return {int(day): frame.drop(columns="day") for day, frame in pd.read_parquet(path).groupby("day")}


class Feeds:
    """All lists of one world; `history` is the folder with what the past was cached in, or None to compute every
    day."""

    def __init__(self, world: World, history: Path | None) -> None:
        self.world = world
        self._known, self._due, self._failed = (
            _by_day(history and history / f"{name}.parquet") for name in ("alarms", "due_alarms", "failed_items")
        )
        books = {
            "alarms": Book(lambda d: self._alarms(d)[ALARM_COLUMNS], "alarm_uid"),
            "post_checks": Book(lambda d: day_post_checks(world, d), "check_id"),
            "alarm_urges": Book(self._urges, "urge_id"),
            "link_days": Book(lambda d: supervision.day_links(world, d), "platform_id", "day"),
            "plans": Book(lambda m: management.month_plans(world, m), "plan_id"),
            "learnings": Book(lambda m: management.month_learnings(world, m), "rec_id"),
            "checks": Book(lambda d: management.day_checks(world, d), "check_id", cached=64),
            "alarm_handles": Book(self._handles, "handle_id", cached=700),
            "score_months": Book(lambda m: management.month_scores(world, m), "id_no", "month"),
            "exams": Book(lambda m: attendance.month_exams(world, m), "exam_id", "id_no", "taken_at"),
            "check_items": Book(self._failed_items, "check_id", "item_code"),
            "identities": Book(lambda d: attendance.day_identities(world, d), "rec_id", cached=64),
            "courses": Book(lambda _: attendance.courses(world), "course_id"),
            "terminals": Book(lambda _: installations(world), "terminal_id", "installed_at"),
            "active_alarms": Book(
                lambda d: active_safety.day_alarms(world, d)[active_safety.ALARM_COLUMNS], "alarm_uid", cached=64
            ),
            "device_days": Book(lambda d: active_safety.day_devices(world, d), "terminal_id", "day", cached=64),
            "safety_codes": Book(lambda d: attendance.day_codes(world, d), "id_no", "day", cached=90),
        }
        self._books = books
        self._raised: list[dict[str, object]] = []
        daily, monthly, checks, active = self._daily, self._monthly, CHECKS_OVER_API_DAYS, ACTIVE_KEEP_DAYS
        self.systems: dict[str, dict[str, Feed]] = {
            "gps": {
                "positions": self.positions,
                "alarms": self.alarms,
                "post_checks": daily("post_checks", 1),
                "alarm_urges": daily("alarm_urges"),
                "link_days": daily("link_days"),
                "terminals": self._whole("terminals"),
            },
            "rdm": {
                "accounts": self.accounts,
                "plans": monthly("plans"),
                "learnings": self.learnings,
                "checks": daily("checks", keep_days=checks),
                "alarm_handles": daily("alarm_handles"),
                "score_months": monthly("score_months"),
                "courses": self._whole("courses"),
                "exams": monthly("exams"),
                "check_items": daily("check_items", FIX_SLACK_DAYS),
                "identities": daily("identities", keep_days=checks),
            },
            "as": {
                "alarms": daily("active_alarms", keep_days=active),
                "device_days": daily("device_days", keep_days=active),
            },
            "ext": {"safety_codes": daily("safety_codes", keep_days=attendance.CODES_HELD_DAYS)},
        }

    def _daily(self, name: str, slack: int = UPDATE_SLACK_DAYS, keep_days: int | None = None) -> Feed:
        """A list made day by day; with keep_days it forgets what was updated before that many days."""
        book = self._books[name]

        def feed(after: int, until: int, now: int) -> pd.DataFrame:
            if keep_days is not None:
                after = max(after, (now // DAY - keep_days) * DAY - 1)
            first = max(after // DAY - slack, self.world.first_day - 1)
            # a window before all history still has a day, without rows in it
            return book.window(range(first, max(until // DAY, first) + 1), after, until)

        return feed

    def _monthly(self, name: str) -> Feed:
        book = self._books[name]

        def feed(after: int, until: int, now: int) -> pd.DataFrame:
            first = clock.month_of(max(after // DAY - 40, self.world.first_day - 1))
            return book.window(range(first, max(clock.month_of(until // DAY), first) + 2), after, until)

        return feed

    def _whole(self, name: str) -> Feed:
        book = self._books[name]
        return lambda after, until, now: book.window([0], after, until)

    def _alarms(self, day: int) -> pd.DataFrame:
        return self._known[day] if day in self._known else day_alarms(self.world, day)

    def _due_alarms(self, day: int) -> pd.DataFrame:
        if day in self._due:
            return self._due[day]
        return active_safety.due_alarms(self.world, day)

    def _handles(self, day: int) -> pd.DataFrame:
        return pd.concat(
            [management.handles_of(self.world, book, day) for book in (self._alarms(day), self._due_alarms(day))],
            ignore_index=True,
        )

    def _urges(self, day: int) -> pd.DataFrame:
        parts = []
        for book in (self._alarms(day), self._due_alarms(day)):
            book = book[(book["level"] == 2).to_numpy()]
            book = book.assign(hash_key=management.alarm_keys(book))
            parts.append(
                book[~management.touched(self.world, book, day)][["alarm_uid", "company", "start_s", "hash_key"]]
            )
        return supervision.day_urges(self.world, pd.concat(parts, ignore_index=True), day)

    def _failed_items(self, day: int) -> pd.DataFrame:
        return self._failed[day] if day in self._failed else attendance.day_failed_items(self.world, day)

    def positions(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Messages received in the window, at most the last 72 h before `now`."""
        after = max(after, now - POSITIONS_KEEP_S)
        if until <= after:
            return pd.DataFrame({"updated_s": np.zeros(0, dtype=int)})
        rows = positions.messages(self.world, after, until)
        plates, colours = positions.spoken_plates(self.world)
        label = rows["label"]
        frame = {
            "plate_no": plates[label],
            "plate_color": colours[label],
            "loc_time": rows["loc_time"],
            "recv_time": rows["recv_time"],
            "lon_e6": rows["lon_e6"],
            "lat_e6": rows["lat_e6"],
            "encrypted": np.zeros(len(label), dtype=int),
        }
        frame |= {n: rows[n] for n in positions.COLUMNS if n not in frame}
        return pd.DataFrame(
            frame
            | {"platform_id": positions.platform_ids(self.world)[rows["platform"]], "updated_s": rows["recv_time"]},
            copy=False,
        )

    def alarms(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Alarms closed in the window, and those that somebody raised by hand."""
        frame = self._daily("alarms")(after, until, now)
        raised = [row for row in self._raised if after < int(str(row["updated_s"])) <= until]
        return (
            pd.concat([frame, pd.DataFrame(raised, columns=ALARM_COLUMNS)], ignore_index=True).sort_values(
                ["updated_s", "alarm_uid"], kind="stable", ignore_index=True
            )
            if raised
            else frame
        )

    def raise_alarm(self, second: int, vehicle: int, warn_type: int, level: int) -> str:
        """Adds an alarm of the tracked vehicle number `vehicle` that began and was reported at local second `second`;
        returns its uid."""
        uid, tracked = f"{clock.day_text(second // DAY)}{warn_type:04X}R{len(self._raised):07d}", self.world.track
        self._raised.append(
            {
                "alarm_uid": uid,
                "src": 1,
                "warn_type": warn_type,
                "level": level,
                "plate_no": str(tracked["plate_no"][vehicle]),
                "plate_color": int(tracked["plate_color"][vehicle]),
                "start_at": clock.second_texts(np.array([second]))[0],
                "end_at": None,
                "speed_kmh": 71,
                "limit_kmh": 0,
                "lon": 119.95,
                "lat": 30.35,
                "info": "人工触发",
                "updated_s": second,
            }
        )
        return uid

    def accounts(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Accounts in their state at `until`: an account seen twice shows its newest event only."""
        return management.accounts(self.world, until, after).sort_values(
            ["updated_s", "account_id"], kind="stable", ignore_index=True
        )

    def learnings(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Learning records uploaded in the window; on one day the service answers with nothing at all (D21)."""
        frame = self._monthly("learnings")(after, until, now)
        silent = self.world.rates.d21_silent_day and now // DAY == self.world.anchor_day + SILENT_DAY_AHEAD
        return frame.iloc[:0] if silent else frame
