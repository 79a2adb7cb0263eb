"""What each list of the two HTTP services holds: for a window of update times, the rows visible at an instant.

A feed is a function (after, until, now) → frame sorted by (updated_s, key), with after < updated_s <= until; times are
local seconds, `until` is never later than `now`. The HTTP layer turns frames into pages and knows nothing of the world.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from etl.demo import clock, management, positions
from etl.demo.alarms import day_alarms, day_post_checks
from etl.demo.clock import DAY
from etl.demo.files import CHECKS_OVER_API_DAYS
from etl.demo.world import World

POSITIONS_KEEP_S = 72 * 3600
SILENT_DAY_AHEAD = 2  # days after the anchor on which the learning list answers 200 with nothing (D21)
UPDATE_SLACK_DAYS = 3  # a row of one day is updated at most this much later
ALARM_COLUMNS = ["alarm_uid", "src", "warn_type", "level", "plate_no", "plate_color", "start_at", "end_at", "speed_kmh", "limit_kmh", "lon", "lat", "info", "updated_s"]
Feed = Callable[[int, int, int], pd.DataFrame]


def _window(frame: pd.DataFrame, key: str, after: int, until: int) -> pd.DataFrame:
    updated = frame["updated_s"].to_numpy()
    return frame[(updated > after) & (updated <= until)].sort_values(["updated_s", key], kind="stable", ignore_index=True)


class Feeds:
    """All lists of one world; `history` is the folder with the cached alarms, or None to compute every day."""

    def __init__(self, world: World, history: Path | None) -> None:
        self.world = world
        path = history / "alarms.parquet" if history else None
        self._alarms = pd.read_parquet(path) if path and path.exists() else pd.DataFrame({"day": np.zeros(0, dtype=int)})
        self._known = {int(day): frame for day, frame in self._alarms.groupby("day")}
        self.gps: dict[str, Feed] = {"positions": self.positions, "alarms": self.alarms, "post_checks": self.post_checks}
        self.rdm: dict[str, Feed] = {"accounts": self.accounts, "plans": self.plans, "learnings": self.learnings, "checks": self.checks,
                                     "alarm_handles": self.alarm_handles, "score_months": self.score_months}
        self._handles = lru_cache(maxsize=700)(self._day_handles)

    def _days(self, after: int, until: int, slack: int = UPDATE_SLACK_DAYS) -> range:
        first = max(after // DAY - slack, self.world.first_day - 1)
        return range(first, max(until // DAY, first) + 1)  # a window before all history still has a day, without rows in it

    def _months(self, after: int, until: int) -> range:
        first = clock.month_of(max(after // DAY - 40, self.world.first_day - 1))
        return range(first, max(clock.month_of(until // DAY), first) + 2)

    def _book(self, day: int) -> pd.DataFrame:
        return self._known[day] if day in self._known else day_alarms(self.world, day)

    def _day_handles(self, day: int) -> pd.DataFrame:
        return management.handles_of(self.world, self._book(day), day)

    def positions(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Messages received in the window, at most the last 72 h before `now`."""
        after = max(after, now - POSITIONS_KEEP_S)
        if until <= after:
            return pd.DataFrame({"updated_s": np.zeros(0, dtype=int)})
        rows = positions.messages(self.world, after, until)
        plates, colours = positions.spoken_plates(self.world)
        label = rows["label"]
        frame = {"plate_no": plates[label], "plate_color": colours[label], "loc_time": rows["loc_time"], "recv_time": rows["recv_time"], "lon_e6": rows["lon_e6"], "lat_e6": rows["lat_e6"],
                 "encrypted": np.zeros(len(label), dtype=int)}
        frame |= {n: rows[n] for n in positions.COLUMNS if n not in frame}
        return pd.DataFrame(frame | {"platform_id": positions.platform_ids(self.world)[rows["platform"]], "updated_s": rows["recv_time"]}, copy=False)

    def alarms(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Alarms closed in the window."""
        return _window(pd.concat([self._book(d) for d in self._days(after, until)])[ALARM_COLUMNS], "alarm_uid", after, until)

    def post_checks(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Post checks answered, or given up, in the window."""
        return _window(pd.concat([day_post_checks(self.world, d) for d in self._days(after, until, 1)]), "check_id", after, until)

    def accounts(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Accounts in their state at `until`: an account seen twice shows its newest event only."""
        return _window(management.accounts(self.world, until), "account_id", after, until)

    def plans(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Learning plans written or changed in the window."""
        return _window(pd.concat([management.month_plans(self.world, m) for m in self._months(after, until)]), "plan_id", after, until)

    def learnings(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Learning records uploaded in the window; on one day the service answers with nothing at all (D21)."""
        frame = pd.concat([management.month_learnings(self.world, m) for m in self._months(after, until)])
        if self.world.rates.d21_silent_day and now // DAY == self.world.anchor_day + SILENT_DAY_AHEAD:
            frame = frame.iloc[:0]
        return _window(frame, "rec_id", after, until)

    def checks(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Vehicle checks uploaded in the window, the last 35 days only."""
        after = max(after, (now // DAY - CHECKS_OVER_API_DAYS) * DAY - 1)
        return _window(pd.concat([management.day_checks(self.world, d) for d in self._days(after, until)]), "check_id", after, until)

    def alarm_handles(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Handling steps written in the window."""
        return _window(pd.concat([self._handles(d) for d in self._days(after, until)]), "handle_id", after, until)

    def score_months(self, after: int, until: int, now: int) -> pd.DataFrame:
        """Monthly scores published in the window."""
        return _window(pd.concat([management.month_scores(self.world, m) for m in self._months(after, until)]), "id_no", after, until)
