"""What is worth waking somebody for, as data: the shipped rules.toml, and <data>/alerts.toml with the bureau's own rules,
its duty roster and its quiet hours. Owns the structures and what of them fits together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from cockpit.messages import receivers as to_write_to
from warehouse.catalog.metrics import metrics
from warehouse.catalog.schema import Text
from warehouse.core import toml
from warehouse.core.errors import CockpitError, ConfigError
from warehouse.core.settings import Settings

FILE = "alerts.toml"
SHIPPED = Path(__file__).with_name("rules.toml")
METRIC = "metric:"
HEALTH = {
    "loader_silent_s": "装载进程多久没有心跳",
    "job_age_s": "定时任务多久没有跑完一次",
    "source_used_share": "来源的数据时效用去多少",
    "source_broken": "来源取数失败",
    "disk_free_share": "数据盘剩余",
    "settings_faults": "alerts.toml 与 delivery.toml 的错处",
    "backup_faults": "备份或恢复演练没有成功、过期或没有设置",
    "audit_faults": "审计日志最近一次核对的不符之处",
    "wall_silent_s": "大屏多久没有报到",
    "watch_silent_s": "告警巡视多久没有心跳（由装载进程查看）",
}
"""What can be watched of the machinery itself: names end in the unit (_s seconds, _share part of 1; else a count)."""
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = r"^([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$"
Grade = Literal["urgent", "warn", "notice"]
GRADES: dict[str, str] = {"urgent": "紧急", "warn": "警告", "notice": "提示"}
Seconds = Annotated[int, Meta(ge=0, le=7 * 86400)]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. watch: what is measured, a name of HEALTH or metric:<id>; window: of a metric, its first unless given;
    places: of a metric, the district, each town or each company; figure: the value itself or its change against the
    window before (a ratio's in parts of 1). above or below: it fires beyond (exclusive); clear: it is over when the
    value is back there (inclusive), at the threshold itself unless given. for_s: seconds that it must last; to: names
    of receivers in delivery.toml, those on duty unless given."""

    id: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{1,40}$", description="小写字母、数字与下划线")]
    label: Text
    watch: Text
    window: Literal["", "now", "day", "week", "month", "quarter", "year"] = ""
    places: Literal["district", "town", "company"] = "district"
    figure: Literal["value", "change"] = "value"
    above: float | int | None = None
    below: float | int | None = None
    clear: float | int | None = None
    for_s: Seconds = 0
    grade: Grade = "warn"
    to: tuple[Text, ...] = ()
    to_do: str = ""
    off: bool = False

    @property
    def metric(self) -> str:
        """The indicator that is watched, "" for the machinery."""
        return self.watch.removeprefix(METRIC) if self.watch.startswith(METRIC) else ""

    def is_beyond(self, value: float) -> bool:
        """Whether a value is one to fire at."""
        return value > self.above if self.above is not None else value < float(self.below or 0)

    def is_back(self, value: float) -> bool:
        """Whether a value ends what has fired: not before it is back at `clear`, so that a saw-tooth fires once."""
        if self.clear is None:
            return not self.is_beyond(value)
        return value <= self.clear if self.above is not None else value >= self.clear


class Shift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is called when. to: a receiver in delivery.toml; level: 1 first, 2 when nobody of 1 has acknowledged in time, and
    so on. hours "20:00-08:00" go over midnight and belong to the day on which they begin."""

    to: Text
    level: Annotated[int, Meta(ge=1, le=5)] = 1
    days: tuple[Day, ...] = DAYS
    hours: Annotated[str, Meta(pattern=HOURS, description="如 08:00-20:00")] = "00:00-24:00"

    def covers(self, moment: dt.datetime) -> bool:
        """Whether it is this shift at that moment (Asia/Shanghai); its end is not part of it."""
        first, last = self.hours.split("-")
        minute = moment.hour * 60 + moment.minute
        begin, end = _minute(first), _minute(last)
        if begin < end:
            return DAYS[moment.weekday()] in self.days and begin <= minute < end
        today, yesterday = DAYS[moment.weekday()], DAYS[(moment.weekday() - 1) % 7]
        return (today in self.days and minute >= begin) or (yesterday in self.days and minute < end)


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """<data>/alerts.toml. quiet: hours in which only urgent alerts are sent, the others wait for their end; "" = none.
    escalate_s: how long an urgent alert may wait for somebody to acknowledge it."""

    rules: tuple[Rule, ...] = ()
    duty: tuple[Shift, ...] = ()
    quiet: Annotated[str, Meta(pattern=f"{HOURS}|^$", description="如 22:00-07:00；留空为没有")] = ""
    escalate_s: Annotated[int, Meta(ge=60, le=86400)] = 600

    def on_duty(self, level: int, moment: dt.datetime) -> list[str]:
        """Who of that level is on duty at that moment."""
        return [one.to for one in self.duty if one.level == level and one.covers(moment)]

    @property
    def highest(self) -> int:
        """The last level there is; 1 without a roster."""
        return max((one.level for one in self.duty), default=1)

    def quiet_until(self, moment: dt.datetime) -> dt.datetime | None:
        """When the quiet hours that it is now are over, None outside of them."""
        if not self.quiet or not Shift(to="-", hours=self.quiet).covers(moment):
            return None
        minute = _minute(self.quiet.split("-")[1])
        end = moment.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(minutes=minute)
        return end if end > moment else end + dt.timedelta(days=1)


def plan(settings: Settings) -> Plan:
    """What holds: the shipped rules, those of the same id replaced by the bureau's own, and further ones of its own.
    Rules that are off are left out. Raises ConfigError naming file, key and cure."""
    shipped = toml.read(SHIPPED, Plan)
    file = settings.data / FILE
    own = toml.read(file, Plan) if file.exists() else Plan()
    merged = {one.id: one for one in shipped.rules}
    for number, one in enumerate(own.rules, 1):
        if one.id in {earlier.id for earlier in own.rules[: number - 1]}:
            raise ConfigError(f"两条规则同名：{one.id}", where=FILE, to_do="请改掉其中一条的 id")
        _fits(one, f"{FILE} 第 {number} 条规则 {one.id}")
        merged[one.id] = one
    return Plan(
        rules=tuple(one for one in merged.values() if not one.off),
        duty=own.duty,
        quiet=own.quiet,
        escalate_s=own.escalate_s,
    )


def in_force(settings: Settings) -> tuple[Plan, list[str]]:
    """The plan, and what is wrong in alerts.toml, in Chinese: then the shipped rules hold alone, so that a slip of the pen
    in one rule never keeps a dead loader from being noticed."""
    try:
        return plan(settings), []
    except ConfigError as error:
        return Plan(rules=tuple(one for one in toml.read(SHIPPED, Plan).rules if not one.off)), [str(error)]


def faults(settings: Settings) -> list[str]:
    """What is wrong in alerts.toml and delivery.toml, in Chinese; nothing where all fits together."""
    given, found = in_force(settings)
    try:
        known = [one.name for one in to_write_to.configured(settings)[1]]
        known_receivers(given, known)
    except CockpitError as error:
        found.append(str(error))
    return found


def receivers(given: Plan) -> set[str]:
    """All receivers that the plan names."""
    return {one.to for one in given.duty} | {name for rule in given.rules for name in rule.to}


def known_receivers(given: Plan, known: Collection[str]) -> None:
    """Raises ConfigError when the plan names somebody whom delivery.toml does not know."""
    for name in sorted(receivers(given) - set(known)):
        toml.one_of(name, known, "to", FILE)


def _fits(rule: Rule, where: str) -> None:
    if (rule.above is None) == (rule.below is None):
        raise ConfigError("一条规则要写 above 或 below，且只写一个", where=where, to_do="请保留一个")
    limit = rule.above if rule.above is not None else rule.below
    if rule.clear is not None and rule.is_beyond(rule.clear) and rule.clear != limit:
        raise toml.refuse("clear", rule.clear, "恢复线在触发线以内", where)
    if rule.metric:
        toml.one_of(rule.metric, metrics(), "watch", where, what="指标")
        metric = metrics()[rule.metric]
        if rule.window:
            toml.one_of(rule.window, metric.windows, "window", where)
        if rule.places != "district":
            toml.one_of(rule.places, metric.drill, "places", where)
    else:
        toml.one_of(rule.watch, HEALTH, "watch", where)


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
