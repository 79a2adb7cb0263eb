"""The one list of rule ids and what each of them means in Chinese: typical defects (D), late rows (L), faults of
sources (F).

`etl status`, the screens and the weekly report all take their words from here."""

from __future__ import annotations

RULES = {
    "D01": "号牌重复",
    "D02": "号牌写法",
    "D03": "颜色代码",
    "D04": "坐标系或越界",
    "D05": "时钟错误",
    "D06": "未定位",
    "D07": "补传迟到",
    "D08": "单位或里程",
    "D09": "漂移",
    "D10": "身份证号",
    "D11": "信用代码",
    "D12": "镇街代码",
    "D13": "文字编码",
    "D14": "表格整理",
    "D15": "占位值",
    "D16": "过户更名",
    "D17": "发展阶段",
    "D18": "比例异常",
    "D19": "积分账不符",
    "D20": "志愿时数",
    "D21": "来源沉默",
    "D22": "物理删除",
    "D23": "台账与运政不一致",
    "D24": "企业写法不明",
    "D25": "一人多号",
    "L72": "冻结后迟到",
    "F15": "来源时钟偏快",
    "F22": "来源数据倒退",
    "F23": "没有更新时间",
    "F24": "同刻异地",
    "payload": "整份不合约定",
}
"""Rule id → its short name."""

TREATMENTS = {
    "D01": "两车并列保留，按最新业户计数，列出待核对",
    "D02": "按规则改正，改不了的隔离",
    "D03": "按平台换算，不作全局换算",
    "D04": "按坐标系换算，越界的不计入",
    "D05": "时间不可能，保留原值不计入",
    "D06": "未定位或定位停滞，不计入",
    "D07": "按主键并入，重算当日",
    "D08": "按平台倍率换算，异常里程不计入",
    "D09": "跳出又返回的点剔除",
    "D10": "校验不过，不生成人员键；必填的整行隔离，其余只隔离该字段",
    "D11": "保留原样，按名称与地址列出候选，人工确认",
    "D12": "按对照表归口，认不出的列入“归属待核”",
    "D13": "按 GB18030 解码，乱码计数",
    "D14": "合计行、隐藏行、合并单元格、多行表头按规则整理",
    "D15": "填充值按空处理",
    "D16": "按发生当日的业户计数",
    "D17": "次序颠倒或过快的不采信，保留先前的有效阶段",
    "D18": "指标标为存疑，列出待核对",
    "D19": "按分录重算，显示差额",
    "D20": "重叠合并、超时截断、无效剔除",
    "D21": "按未到处理，沿用上次并标明时间",
    "D22": "当日关闭；一次大批消失则拒绝",
    "D23": "两个数并列，不改台账",
    "D24": "由 own/alias.csv 对照，未确认的不计入",
    "D25": "以身份证号为准，电话只作弱匹配",
    "L72": "放在一边，不改已发布的数；补算须写明原因",
    "F15": "更新时间按到达时间计，发生时间晚于到达时间的行隔离",
    "F22": "冻结该来源，不覆盖不删除",
    "F23": "每轮重取，以最后取到的为准",
    "F24": "同一车辆同一时刻的另一个位置，隔离，先到的计入",
    "payload": "整份不装载，改正后重放",
}
"""Rule id → what is done about it."""

KINDS = {"type": "读不懂", "required": "必填缺失", "code": "代码不在约定之内"}
CURES = {
    "type": "请来源更正；若是写法不同，在来源描述或映射文件里说明后运行 etl replay",
    "required": "请来源补填",
    "code": "请来源更正，或在来源描述的 values 里写明它对应哪个代码",
    "D02": "请核对号牌；也可在“更正”里改好重放",
    "D10": "请来源核对证件号码（18 位，含校验位）",
    "L72": "确需计入时用 etl backfill 补算，并写明原因",
}
"""Rule, or kind of rule → what somebody can do about an entry of it in quarantine."""


def named(rule: str) -> str:
    """A rule of quarantine or defects in words, with its id: "必填缺失（uscc）", "漂移（D09）"."""
    kind, _, column = rule.partition(":")
    if column:
        return f"{KINDS.get(kind) or RULES.get(kind, kind)}（{column}）"
    return f"{RULES[rule]}（{rule}）" if rule in RULES else rule


def cure(rule: str) -> str:
    """What can be done about an entry in quarantine, in Chinese; "" where nothing is known."""
    return CURES.get(rule.partition(":")[0], "")
