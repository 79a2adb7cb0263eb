"""What a number is once it has been read: plain values, no database, no HTML. Owned here because the command
line, wall, browser, PDF and API all carry exactly these."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

Window = Literal["now", "day", "week", "month", "quarter", "year"]
Status = Literal["ok", "missing", "unconnected", "failed", "insufficient", "small_cell", "no_total"]
"""ok: value is a number (a true 0 included) · missing: 未上报, no row reached us for the window · unconnected: 未接入, a
source that it needs has never delivered anything, and nothing failed · failed: 采集故障,
the source's last run failed and nothing covers the window · insufficient: 数据不足, the denominator is 0 or under
its floor · small_cell: 不单列, a count of persons that is not published below the district by itself, in the whole or in
this period; it is part of the total, value None · no_total: 不按范围统计, somebody sees some places only, and the metric
has no number of these together."""

DISTRICT = "330110"
UNPLACED = "330110000"
"""归属待核 is nobody's town: it has its own bar, but nobody can be asked about it."""
STATUS_LABELS = {
    "ok": "",
    "missing": "未上报",
    "unconnected": "未接入",
    "failed": "采集故障",
    "insufficient": "数据不足",
    "small_cell": "不单列",
    "no_total": "不按范围统计",
}
ABSENT: tuple[Status, ...] = ("missing", "unconnected", "failed")
"""Nothing reached us: what stands in the mart then is nobody's report."""
OVERDUE: tuple[Status, ...] = ("missing", "failed")
"""Nothing reached us of what somebody owes; a source that was never connected owes nothing."""


@dataclass(frozen=True)
class Place:
    """District, town (9-digit code) or company (its key). `parent` is the code one level up, "" for the district."""

    code: str
    label: str
    grain: Literal["district", "town", "company"]
    parent: str = ""


Basis = Literal["法规", "上级", "本局", "产品建议"]
"""Whose a target is: a law's, a higher authority's, the bureau's own, or proposed by this product and not confirmed."""
Tone = Literal["good", "warn", "bad", "advice", ""]
"""The colour of a judgement; advice: neutral, held against a proposal; "": not judged."""
NEUTRAL: tuple[Tone, ...] = ("", "advice")
"""Tones that have no colour of their own: what is drawn keeps that of its group."""


@dataclass(frozen=True)
class Target:
    """`green`: reached when value is on its good side, inclusive. `amber`: close to it; beyond it is red. Both in the
    metric's stored unit (ratios 0–1), and of the days that are over where a target grows with its period (序时进度):
    then `whole` is the target of the whole period, else None, and `elapsed` the part of it that is over, else 1.
    basis: on whose authority it stands; source: law and clause, paper, or who confirmed it and when."""

    green: float
    amber: float | None
    source: str
    whole: float | None = None
    elapsed: float = 1.0
    basis: Basis = "本局"

    @property
    def is_proposed(self) -> bool:
        """Whether it is a proposal of this product, which nobody has confirmed: it judges without colour."""
        return self.basis == "产品建议"

    @property
    def called(self) -> str:
        """What a reader is shown it as: 目标, or 建议值 until it is confirmed."""
        return "建议值" if self.is_proposed else "目标"

    @property
    def authority(self) -> str:
        """Basis and source in one text, as it stands where the target judges."""
        return f"{self.basis}：{self.source}"

    @property
    def entire(self) -> Target:
        """The target of the whole period: what complete windows are held against, beside which a chart shows them."""
        return self if self.whole is None else Target(self.whole, None, self.source, basis=self.basis)


@dataclass(frozen=True)
class Reading:
    """One number of one metric for one window and place, with everything a screen must say about it.

    win_start..win_end: business days Asia/Shanghai, both inclusive. value: in stored unit (ratio 0–1), None when status
    is not "ok". num, den: the parts; den None for a plain count. as_of: the OLDEST newest-data time of the inputs
    (aware), not the refresh time. previous / last_year: the value of the window of equal length before, and of the same
    window a year ago; None when not known. complete: False while win_end is not over. provisional: late data may still
    change it (72 h). held: Chinese reason when the model is carried over from an earlier generation, else "". doubt:
    Chinese reason why the number is implausible (D18), else "". judgement: against target and direction. parts: further
    figures to print beside, label → value. evened: which of previous and last_year were sums over more or fewer days
    and stand here for as many as ours (their mean a day × our days). held_from: start of the earlier window whose number of
    persons still stands, because fewer have changed since then than may be told of; None for the window's own."""

    metric: str
    label: str
    unit: str
    better: Literal["up", "down", "context"]
    window: Window
    win_start: dt.date
    win_end: dt.date
    place: Place
    value: float | None
    num: float | None
    den: float | None
    status: Status
    as_of: dt.datetime | None
    stale_after_s: int
    generation: str
    complete: bool = True
    provisional: bool = False
    held: str = ""
    doubt: str = ""
    previous: float | None = None
    last_year: float | None = None
    target: Target | None = None
    judgement: Literal["good", "warn", "bad"] | None = None
    parts: dict[str, float] = field(default_factory=dict)
    evened: tuple[str, ...] = ()
    held_from: dt.date | None = None

    @property
    def is_advised(self) -> bool:
        """Whether it is judged against a proposal of this product, which nobody has confirmed."""
        return self.judgement is not None and self.target is not None and self.target.is_proposed

    @property
    def tone(self) -> Tone:
        """The colour that the judgement has the authority for."""
        return "advice" if self.is_advised else self.judgement or ""


@dataclass(frozen=True)
class Point:
    """One step of a trend. Window as in Reading; value None where nothing is known (drawn as a gap, never as 0)."""

    win_start: dt.date
    win_end: dt.date
    value: float | None
    num: float | None
    den: float | None
    status: Status
    complete: bool = True


@dataclass(frozen=True)
class SourceState:
    """How fresh one landed table is. data_time: newest event it holds; landed_at: last successful load (both aware,
    None = never). due_s: the promise in seconds. error: Chinese text of the last failure, "" when the last run
    worked."""

    source: str
    entity: str
    label: str
    data_time: dt.datetime | None
    landed_at: dt.datetime | None
    stale_after_s: int
    rows: int
    quarantined: int
    error: str = ""

    @property
    def is_connected(self) -> bool:
        """False for one that is 未接入: nothing has ever come, and nothing failed on the way."""
        return self.data_time is not None or bool(self.error)


@dataclass(frozen=True)
class Generation:
    """A published, immutable picture. id such as 20261123T060000; built_at aware; data_time: oldest input's time.
    last_day: the newest business day with data. is_demo: the data come from stand-in sources."""

    id: str
    built_at: dt.datetime
    data_time: dt.datetime | None
    last_day: dt.date
    is_demo: bool
    release: str
