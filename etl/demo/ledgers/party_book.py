"""党建台账 as one workbook a month: twelve sheets, each the whole state at the end of the month, with the mess of
D14."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from etl.demo.ledgers import ledger
from etl.demo.ledgers.ledger import Sheet, day_date
from etl.demo.ledgers.party import (
    STAGES,
    Org,
    ever_large,
    members,
    organisations,
    register_on,
    short_name,
    stage_on,
    stages,
)
from etl.demo.ledgers.party_work import (
    Rows,
    activity_rows,
    posting_rows,
    register_rows,
    six_one_rows,
    survey_rows,
    task_rows,
    visit_rows,
)
from etl.demo.registers.registry import written_codes
from etl.demo.world import clock
from etl.demo.world.defects import Planted
from etl.demo.world.people import written_ids
from etl.demo.world.units import MEMBER_UNITS, UNIT_IDS
from etl.demo.world.world import World, person_names

SCIENTIFIC_SHARE = 0.02  # ids that lost their digits in a spreadsheet, on top of the ordinary miswritings
STATUS = {"confirmed": "已核实", "excluded": "已排除", "lead": "线索"}


@lru_cache(maxsize=4)
def spoken_ids(world: World) -> np.ndarray:
    """Id number of each driver in the ledger; some went through a number cell (3.30125E+17, D10)."""
    ids = written_ids(world, 847)[0].copy()
    if world.rates.d10_id_number:
        rows = members(world)["driver"].to_numpy()
        lost = rows[(world.chance(1001, rows) < SCIENTIFIC_SHARE) | (np.arange(len(rows)) == len(rows) // 3)]
        ids[lost] = [f"{n[0]}.{n[1:6]}E+17" for n in world.drivers["id_no"].to_numpy()[lost]]
    return ids


def _home(world: World, company: int, day: int) -> str:
    """Organisation in which the members of a company are on a day; without one of its own, the flowing branch."""
    for org in organisations(world):
        if company in org.companies and org.set_up_day <= day:
            return org.org_id
    return "ZB001"


def _unit_rows() -> Rows:
    return [(unit, name, "成员单位") for unit, name in zip(UNIT_IDS, MEMBER_UNITS, strict=True)]


def _org_rows(world: World, day: int) -> Rows:
    codes, names = written_codes(world)[1], person_names(world, 55, 80)
    return [
        (
            o.org_id,
            o.name,
            o.org_type,
            None if o.org_id == "ZB000" else "ZB000",
            str(codes[o.company]) if o.company >= 0 else None,
            day_date(o.set_up_day),
            day_date(o.set_up_day + 1095),
            names[k % 80],
            "正常",
        )
        for k, o in enumerate(organisations(world))
        if o.set_up_day <= day
    ]


def _listed(world: World, org: Org) -> list[str]:
    codes, names = written_codes(world)[1], world.companies["name"].to_numpy()
    if org.listing == "first":
        return [str(codes[org.companies[0]])]
    return [short_name(str(names[c])) if org.listing == "short" else str(codes[c]) for c in org.companies]


def _coverage_rows(world: World, day: int) -> Rows:
    return [
        (o.org_id, company)
        for o in organisations(world)
        if o.org_type == "联合" and o.set_up_day <= day
        for company in _listed(world, o)
    ]


def _member_rows(world: World, day: int) -> Rows:
    """A lead is listed from its day on and stays; a candidate with the stage of his newest event."""
    ids, now, rows = spoken_ids(world), stage_on(world, day), Rows()
    two = world.rates.d17_two_ledgers
    for m in members(world).itertuples():
        begins = m.lead_day if m.lead_day >= 0 else world.first_day - 1
        stage = m.stage or now.get(m.driver)
        if begins > day or (m.is_candidate and stage is None):
            continue
        is_known = m.lead_day < 0 or 0 <= m.verified_day <= day
        status = STATUS[m.outcome if is_known and m.outcome else "lead"]
        rows.append(
            (
                str(ids[m.driver]),
                _home(world, m.company, day) if status == "已核实" else None,
                stage if status == "已核实" else None,
                status,
                m.lead_source,
                day_date(m.verified_day) if is_known else None,
                day_date(m.badge_day) if 0 <= m.badge_day <= day and is_known else None,
            )
        )
        if two and m.outcome == "confirmed" and m.stage and is_known:
            rows.append((*rows[-1][:1], "ZB000", *rows[-1][2:]))
            two -= 1
    return rows


def _event_rows(world: World, day: int) -> Rows:
    ids, events = spoken_ids(world), stages(world)
    known = members(world).set_index("driver")
    rows = Rows()
    for driver, stage, at in zip(events.driver.tolist(), events.stage.tolist(), events.day.tolist(), strict=True):
        if at <= day and (
            known.at[driver, "is_candidate"]
            or known.at[driver, "lead_day"] < 0
            or 0 <= known.at[driver, "verified_day"] <= day
        ):
            rows.append((str(ids[driver]), STAGES[stage], day_date(at)))
    return rows


def sheets(world: World, month: int) -> list[Sheet]:
    """The twelve sheets of a month (months since 1970-01)."""
    day = clock.month_first_day(month + 1) - 1
    text = f"{int(clock.month_text(month)[5:])}月"
    title = f"{clock.month_text(month)[:4]}年{text}"
    return [
        Sheet("单位", ("单位编号", "单位名称", "类别"), _unit_rows(), f"党建联盟单位一览({title})"),
        Sheet(
            "组织",
            ("组织编号", "组织名称", "类别", "上级组织", "所在企业", "成立日期", "换届日期", "书记", "状态"),
            _org_rows(world, day),
            f"货运行业党组织一览({title})",
            has_hidden_row=True,
        ),
        Sheet("组织覆盖", ("组织编号", "覆盖企业"), _coverage_rows(world, day), "联合党组织覆盖企业", merged=0),
        Sheet(
            f"党员({text})",
            ("身份证号", "所在组织", "阶段", "核实状态", "线索来源", "核实日期", "亮身份日期"),
            _member_rows(world, day),
            f"货车司机党员台账({title})",
            note="身份证号请按文本填写",
        ),
        Sheet("发展阶段", ("身份证号", "阶段", "日期"), _event_rows(world, day), "发展党员进程"),
        Sheet(
            "一企二员",
            ("企业", "角色", "姓名", "派出单位", "任职起", "任职止"),
            posting_rows(world, day),
            f"一企二员配备表({title})",
            merged=0,
        ),
        Sheet(
            f"走访{text}",
            ("走访编号", "计划编号", "企业", "计划日期", "走访人", "走访时间", "走访记录"),
            visit_rows(world, day),
            "联系走访记录",
            has_hidden_row=True,
        ),
        Sheet(
            "六个一",
            ("企业", "事项序号", "事项名称", "期次", "完成日期", "佐证"),
            six_one_rows(world, day),
            "六个一服务完成情况",
            texts=("事项序号",),
        ),
        Sheet(
            f"活动({text})",
            ("活动编号", "类别", "阵地", "组织", "企业", "举办时间", "参加人次", "送书册数"),
            activity_rows(world, day),
            f"活动台账({title})",
            totals=("参加人次", "送书册数"),
            texts=("参加人次",),
        ),
        Sheet(
            "排查", ("轮次", "企业", "完成日期", "缺项数"), survey_rows(world, day), "排查摸底进度", texts=("缺项数",)
        ),
        Sheet(
            "五十辆名录",
            ("企业", "车辆数", "司机数", "党员数", "联系人", "最近确认日期", "版本"),
            register_rows(world, day),
            f"50辆车以上企业名录({title})",
            groups=(("数量", 1, 3),),
            totals=("车辆数", "司机数", "党员数"),
            texts=("车辆数", "司机数"),
        ),
        Sheet(
            "任务",
            ("任务编号", "单位", "任务", "期限", "完成日期"),
            task_rows(world, day),
            "成员单位任务清单",
            merged=1,
        ),
    ]


def file_name(month: int) -> str:
    """Path in the drop folder."""
    text = clock.month_text(month)
    return f"pb/党建台账_{text[:4]}年{text[5:]}月.xlsx"


def write(world: World, drop: Path, month: int) -> None:
    """Writes the workbook of a month."""
    ledger.write(drop / file_name(month), sheets(world, month), world.rates.d14_workbook)


def note(world: World, planted: Planted) -> None:
    """Adds what the workbooks carry wrong."""
    if world.rates.d14_workbook:
        planted.note(
            "D14",
            "pb",
            [
                "标题行",
                "合并单元格",
                "两行表头：五十辆名录",
                "合计行：活动、五十辆名录",
                "隐藏的作废行：组织、走访",
                "文本数字",
                "日期四种写法",
                "批注：党员",
                "表名带月份：党员、走访、活动",
            ],
        )
    ids, who = spoken_ids(world), members(world)["driver"].to_numpy()
    planted.note("D10", "pb_member", [str(ids[k]) for k in who if ids[k] != world.drivers["id_no"].iat[k]])
    planted.note("D17", "pb_stage_event", [str(ids[k]) for k in stages(world).wrong])
    planted.note(
        "D17", "pb_member", [f"two_ledgers={world.rates.d17_two_ledgers}"] if world.rates.d17_two_ledgers else []
    )
    codes, here = written_codes(world)[1], set(register_on(world, world.anchor_day).tolist())
    planted.note(
        "D23", "pb_register50", [str(codes[c]) for c in ever_large(world)[: world.rates.d23_register] if c in here]
    )
    planted.note(
        "D24",
        "pb_org_company",
        [f"{o.org_id}: {'、'.join(_listed(world, o))}" for o in organisations(world) if o.listing != "code"],
    )
