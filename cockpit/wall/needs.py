"""What needs a person now, scene by scene: at most a few short sentences made by rules from readings and boards. Pure.

A rule speaks only of what it knows: a number that is not there makes no sentence, and a scene without sentences says
that nothing is due, unless its sources are silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cockpit.casework.task_store import Task, about_what, overdue
from cockpit.presentation import format as fmt
from cockpit.presentation import reading_view
from cockpit.wall import layouts
from warehouse.insight import operations
from warehouse.insight.findings import numbers
from warehouse.insight.findings.numbers import Concern
from warehouse.query.programmes import scores
from warehouse.query.snapshot import Snapshot

SHOWN = 3
WINDOW = "week"
"""The period of the numbers that are named: the same as on the overview page."""
LATEST, ITEMS = 1, 2
"""Late tasks and late items that a sentence names: three sentences share one line and none of them may be cut."""
DAY_S = 86_400


@dataclass(frozen=True)
class Need:
    """One sentence. tone: bad (now), warn (soon), advice (behind what is only proposed). metric: the number that it is about, "" for anything else."""

    tone: str
    text: str
    metric: str = ""


def of(book: Snapshot, scene: str, today: dt.date, tasks: Sequence[Task] = ()) -> list[Need]:
    """The sentences of a scene, the most pressing first; on the programmes' scene what stands under supervision
    leads."""
    found = [*(need for rule in RULES[scene] for need in rule(book, today)), *off_target(book, scene)]
    led = supervised(tasks, today) if scene == "programmes" else []
    stated = [*led, *sorted(found, key=lambda need: need.tone != "bad"), *unreported(book, scene)]
    return stated[:SHOWN]


def silent_sources(book: Snapshot, _today: dt.date) -> list[Need]:
    """Sources whose last run failed."""
    failed = sorted({state.label for state in book.sources() if state.error})
    return (
        [Need("bad", f"采集故障：{'、'.join(failed[:2])}{f' 等 {len(failed)} 张表' if len(failed) > 2 else ''}")]
        if failed
        else []
    )


def unreported(book: Snapshot, scene: str) -> list[Need]:
    """Numbers of the scene that nobody reports: of them nothing can be said, not even that nothing is due."""
    shown = (book.metrics[metric] for metric in layouts.metrics(scene, book.metrics) if metric in book.metrics)
    lost = [metric.label for metric in shown if not book.reported(metric)]
    if not lost:
        return []
    return [Need("warn", f"{lost[0]}{f'等 {len(lost)} 项' if len(lost) > 1 else ''}未接入，无法判断")]


def late_alarms(book: Snapshot, _today: dt.date) -> list[Need]:
    """Alarms beyond the time allowed: those of the last 24 hours, which can still be reached, and those left lying."""
    if not operations.are_alarms_known(book):
        return []
    now = [one for one in operations.overdue(book, 200) if one.late_s < DAY_S]
    found = []
    if now:
        worst = max(now, key=lambda one: one.late_s)
        found.append(
            Need(
                "bad",
                f"{len(now)} 起报警超时未处置，最久已超时 {fmt.duration(worst.late_s)}（{fmt.town(worst.town)}）",
            )
        )
    old = dict(operations.waiting(book))["24小时以上"]
    if old:
        found.append(Need("warn", f"{old} 起报警超时 24 小时以上仍未处置"))
    return found


def worst_company(book: Snapshot, _today: dt.date) -> list[Need]:
    """The company with the most alarms left, when it stands out."""
    if not operations.are_alarms_known(book):
        return []
    rows = [row for row in operations.companies_waiting(book, 2) if row[0] != "个体业户"]
    return (
        [Need("bad", f"{fmt.company(rows[0][0])}近 7 天 {rows[0][1]} 起未按时处置，请约谈")]
        if rows and rows[0][1] >= 5
        else []
    )


def off_target(book: Snapshot, scene: str) -> list[Need]:
    """The numbers of the scene that are off their target or close to it, for the newest week, in the order in which every surface names them."""
    found = numbers.of_period(book, WINDOW, None, layouts.metrics(scene, book.metrics))
    return [_number(book, one) for one in found.pressing]


def _number(book: Snapshot, one: Concern) -> Need:
    shown = reading_view.present(one.reading, book.metrics[one.reading.metric].decimals)
    # three sentences share one line: the town that is behind says more than the target, which stands on the tile
    last = f"{fmt.town(one.worst.place.label)}最{'低' if one.reading.better == 'up' else '高'}" if one.worst else ""
    return Need(
        one.tone,
        f"{shown.label} {shown.text}（{shown.when}），{last or f'{reading_view.goal_name(one.reading)} {shown.target}'}",
        one.reading.metric,
    )


def risky_drivers(book: Snapshot, _today: dt.date) -> list[Need]:
    """Drivers the safety department must speak to: a number, never a name."""
    item = book.read("rdm_high_risk_driver_cnt") if "rdm_high_risk_driver_cnt" in book.metrics else None
    return [Need("bad", f"高风险司机 {fmt.number(item.value)} 人，请安全监督科逐人约谈")] if item and item.value else []


def missing_orgs(book: Snapshot, _today: dt.date) -> list[Need]:
    """Companies that should have a Party organisation and have none."""
    item = book.read("mem_org_built_rate") if "mem_org_built_rate" in book.metrics else None
    if item is None or item.value is None or item.den is None or item.num is None or item.den <= item.num:
        return []
    return [Need("bad", f"应建未建党组织 {fmt.number(item.den - item.num)} 家（应建 {fmt.number(item.den)} 家）")]


def lagging_programmes(book: Snapshot, _today: dt.date) -> list[Need]:
    """The programme farthest behind the time that has passed."""
    worst = min((one for one in scores(book) if one.ahead is not None), key=lambda one: one.ahead or 0, default=None)
    return (
        [Need(worst.tone, f"{worst.label}落后序时 {-worst.ahead} 个百分点")]
        if worst and worst.ahead and worst.ahead < 0
        else []
    )


def late_nodes(book: Snapshot, _today: dt.date) -> list[Need]:
    """Nodes of the ten items that are over their day."""
    late = [node for node in operations.milestones(book) if node.state == "overdue"]
    names = list(dict.fromkeys(f"第 {node.item_no} 项" for node in late))
    return (
        [
            Need(
                "bad",
                f"暖心实事 {len(late)} 个节点逾期：{'、'.join(names[:ITEMS])}{'等' if len(names) > ITEMS else ''}",
            )
        ]
        if late
        else []
    )


def late_units(book: Snapshot, _today: dt.date) -> list[Need]:
    """Member units with tasks over their day."""
    late = [(unit, over) for unit, _, _, over, _ in operations.unit_tasks(book) if over]
    return (
        [
            Need(
                "warn",
                f"{late[0][0]}等 {len(late)} 个单位有 {sum(over for _, over in late)} 项任务逾期"
                if len(late) > 1
                else f"{late[0][0]} {late[0][1]} 项任务逾期",
            )
        ]
        if late
        else []
    )


def closed_sites(book: Snapshot, _today: dt.date) -> list[Need]:
    """Sites out of use, and facilities under repair."""
    found = operations.sites(book)
    shut = [one.name for one in found if not one.is_open]
    broken = [one for one in found if one.broken]
    needs = [Need("bad", f"{'、'.join(shut[:2])}停用")] if shut else []
    if broken:
        needs.append(
            Need(
                "warn",
                f"{sum(len(one.broken) for one in broken)} 项设施维修中：{broken[0].name.removeprefix('演示·')}等"
                if len(broken) > 1
                else f"{broken[0].name.removeprefix('演示·')}有 {len(broken[0].broken)} 项设施维修中",
            )
        )
    return needs


RULES: dict[str, tuple[Callable[[Snapshot, dt.date], list[Need]], ...]] = {
    "overview": (silent_sources, late_alarms, lagging_programmes),
    "safety": (late_alarms, worst_company),
    "drivers": (risky_drivers,),
    "members": (missing_orgs,),
    "programmes": (late_nodes, late_units, lagging_programmes),
    "sites": (closed_sites,),
}


def supervised(tasks: Sequence[Task], today: dt.date) -> list[Need]:
    """What stands under supervision: how many, how many are late, and the latest of these by metric or kind of record.
    Never the words of a task, a record's own name or who is at it: people write there what a wall must not show."""
    standing = [task for task in tasks if task.is_standing]
    if not standing:
        return []
    late = overdue(standing, today)
    worst = "、".join(f"{about_what(task)}（{task.office}）{task.late(today)} 天" for task in late[:LATEST])
    return [
        Need(
            "bad" if late else "warn",
            f"督办在办 {len(standing)} 件" + (f"，逾期 {len(late)} 件，最久{worst}" if late else "，均未到期"),
        )
    ]
