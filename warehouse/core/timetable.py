"""When the printed reports come out: option `report_at` of zhengbei.toml, and what it means for a week, a month and a
quarter.

Owns the reading of the option and the arithmetic of the moments; runs nothing. A week's report comes on the named day
after the week; that of a month or a quarter at the same hour of the first Monday-to-Friday day on which late data no
longer change the period."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from warehouse.core import units
from warehouse.core.errors import ConfigError
from warehouse.core.settings import Settings

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHINESE = "一二三四五六日"
REPORTS = {"week": "周报", "month": "月报", "quarter": "季报"}
"""The windows that have a report, and what it is called."""
FREEZE_D = 3
"""Days after which what comes late waits in quarantine instead of changing a number (freeze_h = 72 of the
contracts)."""
WRITTEN = re.compile(rf"({'|'.join(DAYS)}|周[{CHINESE}])\s+([01]?\d|2[0-3]):([0-5]\d)")
LIKE_CRON = re.compile(r"[\d*/,?\-]+(\s+[\d*/,?\-]+)+|[0-7]\s+\d{1,2}:\d{2}")
HOW = 'report_at 写成英文或中文星期加钟点，如 "mon 08:00"、"周一 08:00"，时区 Asia/Shanghai'


@dataclass(frozen=True)
class Due:
    """A report and the moment from which it is expected (aware, Asia/Shanghai). start: first day of its window."""

    window: str
    start: dt.date
    moment: dt.datetime

    @property
    def at(self) -> str:
        """2026-W47, 2026-10 or 2026-Q3."""
        return units.at_label(self.window, self.start)

    @property
    def label(self) -> str:
        return f"{REPORTS[self.window]} {self.at}"


@dataclass(frozen=True)
class Timetable:
    """day: one of DAYS, by name, because a number means Monday to one scheduler and Tuesday to the next. Times are
    Asia/Shanghai."""

    day: str = "mon"
    hour: int = 8
    minute: int = 0

    def due(self, window: str, start: dt.date) -> Due:
        """When the report of the window that begins on `start` is due."""
        after = units.window_of(window, start)[1] + dt.timedelta(days=1)
        if window == "week":
            day = after + dt.timedelta(days=DAYS.index(self.day))
        else:
            day = after + dt.timedelta(days=FREEZE_D)
            day += dt.timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)
        return Due(window, start, dt.datetime.combine(day, dt.time(self.hour, self.minute), units.SHANGHAI))

    def newest(self, window: str, now: dt.datetime) -> Due:
        """The report of that window that fell due last, at or before `now` (aware)."""
        start = units.window_of(window, now.astimezone(units.SHANGHAI).date())[0]
        while self.due(window, start).moment > now:
            start = units.back(window, start, 1)
        return self.due(window, start)

    def coming(self, now: dt.datetime) -> list[Due]:
        """The next report of each window after `now`, the soonest first."""
        found = [self.due(window, units.back(window, self.newest(window, now).start, -1)) for window in REPORTS]
        return sorted(found, key=lambda due: due.moment)


def of(settings: Settings) -> Timetable:
    """The timetable of an installation. Raises ConfigError for anything that is not a day of the week by name and a
    time."""
    given = settings.options.report_at
    text = given.strip().lower()
    where = str(settings.data / "zhengbei.toml")
    if LIKE_CRON.fullmatch(text):
        raise ConfigError(
            f"report_at 不收 cron 写法，也不收数字星期：{given}",
            where=where,
            to_do=f"同一个数字在 crontab 里是周一，在调度程序里是周二，会晚一天；请把 {HOW}",
        )
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise ConfigError(f"report_at 看不懂：{given}", where=where, to_do=f"请把 {HOW}")
    day = found[1] if found[1] in DAYS else DAYS[CHINESE.index(found[1][1])]
    return Timetable(day, int(found[2]), int(found[3]))
