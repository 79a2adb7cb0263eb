"""What the doctor asks of the loader (entry points `zhengbei.checks` and, of other systems, `zhengbei.far_checks`): is there
a backup, and was it proven; does every source let us in and read. Repairs nothing, writes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import click

from etl.pipeline import connections, trial
from etl.pipeline.connections import Connection
from warehouse.core import backup_report, trial_report, units
from warehouse.core.errors import CockpitError
from warehouse.core.settings import Settings

LIMIT_S = 60.0
"""For one source, however many tables it has; all are reached side by side."""
FAULTS_SHOWN = 3
Finding = tuple[str, bool, str]


def backup(settings: Settings, *, is_demo: bool) -> Iterator[Finding]:
    """One line."""
    alarm = backup_report.alarm(settings, units.now(), is_demo=is_demo)
    yield "备份", not alarm, alarm or backup_report.summary(settings) or "演示，不要求备份"


def sources(settings: Settings) -> Iterator[Finding]:
    """One line a connected source: it really signs in and asks one row of each table. Those without an address are named
    in one line, and are no fault."""
    try:
        every = connections.every(settings)
    except CockpitError as error:
        yield "来源", False, str(error)
        return
    named = [one for one in every if one.state == trial_report.CONNECTED]
    if named:
        click.echo(f"试连 {len(named)} 个来源（最多 {LIMIT_S:.0f} 秒）…", err=True)
    begun, reached = time.monotonic(), [(one, _Reached(settings, one)) for one in named]
    for one, answer in reached:
        answer.join(max(0.0, LIMIT_S - (time.monotonic() - begun)))
        yield f"来源 {one.label}", *answer.finding()
    for one in every:
        if one.state == trial_report.WRONG:
            yield f"来源 {one.label}", False, one.fault
    absent = [one.label for one in every if one.state == trial_report.NOT_CONNECTED]
    if absent:
        yield "未接入的来源", True, "、".join(absent)


class _Reached(threading.Thread):
    """A source being reached. A thread of its own, which the process need not wait for: some drivers cannot be told to
    give up."""

    def __init__(self, settings: Settings, one: Connection) -> None:
        super().__init__(daemon=True, name=f"doctor-{one.source}")
        self._settings, self._one = settings, one
        self._good, self._bad = 0, list[str]()
        self.start()

    def run(self) -> None:
        try:
            for feed, error in trial.reach(self._settings, self._one.source):
                if error is None:
                    self._good += 1
                else:
                    self._bad.append(f"{feed.contract.label.rpartition('·')[2]}：{error}")
        except CockpitError as error:
            self._bad.append(str(error))
        except Exception as error:  # one odd driver must not hide what the others say
            self._bad.append(
                f"程序出错（{type(error).__name__}）；处理办法：请运行 ./zhengbei source test {self._one.source}"
            )

    def finding(self) -> tuple[bool, str]:
        """(fine, text). The same fault of several tables is told once."""
        bad = list(dict.fromkeys(self._bad))
        if self.is_alive():
            bad.append(f"{LIMIT_S:.0f} 秒内没有答完；处理办法：请检查网络与对方负载")
        if not bad:
            return True, f"已登录，{self._good} 张表各读到一行"
        same = list(dict.fromkeys(text.partition("：")[2] for text in bad))
        shown = same if len(same) == 1 and len(bad) > 1 else bad[:FAULTS_SHOWN]
        more = f"（共 {len(bad)} 张表）" if len(bad) > 1 else ""
        return False, "；".join(shown) + more
