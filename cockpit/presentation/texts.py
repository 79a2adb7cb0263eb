"""Every word the browser shows that is not a metric's own label. One table a subject; no logic, no colour."""

from __future__ import annotations

BRAND = "正北数字驾驶舱"
BUREAU = "杭州市余杭区交通运输局"
DEMO = "演示数据"

GROUPS = {
    "fleet": "车队运行",
    "safety": "安全监管",
    "driver": "司机与远程管理",
    "membership": "组织与会员",
    "programme": "六大工程",
    "site": "服务阵地",
    "health": "数据健康",
}
"""Group id → heading, in reading order. A group without metrics is not shown."""

CHARTS = {
    "Download plot as a PNG": "下载图片",
    "Preparing image - this may take a few seconds": "正在生成图片…",
    "Image download succeeded": "图片已下载",
    "Sorry, there was a problem downloading your image!": "图片没有生成，请再试一次",
}
"""What the chart library says of itself → how we say it."""

CHART_NEEDS_SCRIPT = "浏览器未启用脚本，此处的图没有画出；数值见本页的文字与表格。"

SCENES = {
    "overview": "综合态势",
    "safety": "安全监管",
    "drivers": "司机与远程管理",
    "members": "组织与会员",
    "programmes": "六大工程",
    "sites": "服务阵地",
}
"""Scene of the wall → heading, in the order of rotation."""

ROLES = {
    "leader": "领导",
    "analyst": "业务",
    "duty": "值班",
    "party": "党务",
    "safety": "安全",
    "admin": "系统管理",
    "security": "安全管理",
    "auditor": "审计",
    "screen": "大屏",
    "token": "接口",
}

TOKEN_STATES = {"active": "有效", "over": "已到期", "revoked": "已撤销"}
"""How a token of the API stands."""
ACCOUNT_STATES = {
    "active": "可用",
    "invited": "待设密码",
    "locked": "已锁定",
    "disabled": "已停用",
    "idle": "已停用（满 90 天未登录）",
}
"""How an account stands."""
EVENTS = {
    "login": "登录",
    "logout": "退出登录",
    "login_failed": "登录失败",
    "login_locked": "登录被锁定",
    "login_slowed": "地址登录失败过多，开始放慢",
    "factor_added": "设置第二因素",
    "factor_failed": "动态码不符",
    "factor_locked": "动态码被锁定",
    "factor_recovered": "用恢复码登录",
    "factor_reset": "重置第二因素",
    "link_created": "生成一次性登录链接",
    "link_used": "使用一次性登录链接",
    "link_refused": "一次性登录链接被拒",
    "user_added": "新增账号",
    "user_disabled": "停用账号",
    "user_enabled": "恢复账号",
    "user_unlocked": "解除锁定",
    "password_changed": "更改密码",
    "password_reset": "重设密码",
    "role_changed": "更改角色",
    "scope_changed": "更改数据范围",
    "sign_on_failed": "统一认证登录未成",
    "token_added": "发出接口令牌",
    "token_revoked": "撤销接口令牌",
    "share_made": "生成分享链接",
    "share_opened": "打开分享链接",
    "share_refused": "分享链接被拒",
    "share_revoked": "撤销分享链接",
    "denied": "越权访问被拒",
    "person_purpose": "说明查看用途",
    "person_list": "查看驾驶员名单",
    "person_read": "查看驾驶员",
    "track_read": "查看车辆轨迹",
    "vehicle_read": "查看单人单车业户的车辆",
    "person_refused": "查看次数用尽被拒",
    "person_alert": "查看个人信息接近上限",
    "quarantine_read": "查看隔离记录",
    "exported": "导出",
    "report_released": "发布报告",
    "report_opened": "打开报告",
    "report_edit": "编辑报告",
    "report_review": "审核报告",
    "report_back": "退回报告",
    "report_sign": "签发报告",
    "delivered": "送达报告",
    "delivery_again": "重发报告",
    "delivery_ordered": "要求发送报告",
    "asked": "请求装载任务",
    "supervision_open": "交办督办",
    "supervision_take": "接办督办",
    "supervision_note": "填报督办进展",
    "supervision_withdraw": "撤回督办",
    "supervision_close": "办结督办",
    "supervision_reopen": "重新交办督办",
    "note_add": "新增批注",
    "note_withdraw": "撤回批注",
    "favourite_keep": "加入我的页面",
    "favourite_drop": "移出我的页面",
    "device_added": "登记大屏",
    "device_bound": "大屏登录",
    "device_moved": "大屏改绑地址",
    "device_refused": "大屏登录被拒",
    "device_revoked": "撤销大屏",
    "screen_steered": "遥控大屏",
    "screen_configured": "设置大屏轮播",
    "audit_keyed": "旧日志由密钥接管",
    "audit_begun": "开始以密钥记日志",
    "audit_broken": "日志核对不符",
    "alert_taken": "确认告警",
    "alert_silenced": "静默告警",
    "alert_unsilenced": "解除静默",
}
"""What the audit log calls it → how it is said."""
RESULTS = {"done": "完成", "refused": "拒绝", "failed": "未成", "": "未记"}

WINDOWS = {"now": "实时", "day": "日", "week": "周", "month": "月", "quarter": "季", "year": "年"}
PREVIOUS = {
    "now": "较昨日",
    "day": "环比前日",
    "week": "环比上周",
    "month": "环比上月",
    "quarter": "环比上季",
    "year": "比上年",
}
PER_DAY = "（按日均）"
"""Beside a comparison of sums over unequally many days."""
PREVIOUS_SHORT = "环比"
THIS = {
    "now": "当前",
    "day": "当日",
    "week": "本周",
    "month": "本月",
    "quarter": "本季",
    "year": "本年",
    "range": "本期",
}
"""How a paper or page speaks of its own period; range: any days that are no window."""
BEFORE = {"now": "昨日", "day": "前日", "week": "上周", "month": "上月", "quarter": "上季", "year": "上年"}
LAST_YEAR = "同比去年"
SAME = {"week": "去年同周", "month": "去年同月", "quarter": "去年同季"}
"""The window a report's 同比 is held against; a week's is 52 weeks back, so that weekdays match."""
LAST_YEAR_SAME = {"day": "去年同日（按星期）", "week": "去年同周", "month": "去年同月"}
RUN = {"week": "周", "month": "个月", "quarter": "个季度"}
"""How windows of that kind are counted."""

ORDER = "一二三四五六"
"""Numbers of the six programmes."""
MARKS = {"good": "✓", "warn": "!", "bad": "✕"}
"""A judgement as a glyph, beside its colour."""
ALARM_TONES = {
    "已处置": "good",
    "不予处理": "good",
    "超时处置": "warn",
    "处置时间早于报警，存疑": "warn",
    "不予处理，未写理由": "bad",
    "处理中": "warn",
    "待处置": "warn",
    "超时处理中": "bad",
    "超时未处置": "bad",
}
"""How an alarm stands → tone; 提示, which nobody has to handle, is told without a judgement."""
GLYPHS = {"good": "●", "aside": "◐", "warn": "▲", "bad": "✕", "held": "■", "none": "○"}
"""How something that delivers or is made stands, as a glyph beside its colour: fine, fine with rows put aside, late,
broken, carried over, nothing promised."""
JUDGEMENTS = {"good": "达成", "warn": "接近目标", "bad": "未达成"}
ADVISED = {"good": "达到建议值", "warn": "接近建议值", "bad": "未到建议值"}
"""The same, held against a value that this product proposes and the bureau has not confirmed: no judgement of its."""
UNITS = {
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "d": "天",
    "km": "公里",
    "km/h": "公里/小时",
    "m": "米",
    "t": "吨",
    "deg": "度",
}
"""Unit of a column → what a person writes beside a figure; other units are written as they are."""
SEVERITIES = {"fail": "阻断", "warn": "提示"}


APPROXIMATE = "示意图：镇街界线为近似，不作划界依据"
"""Beside every map whose borders are not surveyed."""

PROVISIONAL = "暂定"
DOUBT = "存疑"
HELD = "沿用上期"
INCOMPLETE = "本期未结束"
NO_DATA = "—"

LOGIN_FAILED = (
    "账号或密码不正确、账号已停用，或尝试过多。请核对后重试；连续多次不成功将锁定 15 分钟，停用的账号请联系安全管理员。"
)
LOGIN_STALE = "登录页已过期，请重新填写。"
CODE_FAILED = "动态码不正确、已用过，或尝试过多。请等应用显示下一个数字后再试；连续 5 次不成功将锁定 15 分钟。"
SIGN_ON_FAILED = "统一认证登录没有成功。请重新登录；仍不成功请联系安全管理员。"
PASSWORD_LINK_SPENT = "这个设置密码的链接已使用或已过期，请向安全管理员再要一个。"
OLD_PASSWORD_FAILED = "现在的密码不正确，密码没有改动。请核对后重试；连续多次不成功将锁定 15 分钟。"
LINK_ELSEWHERE = "一次性登录链接只在服务器本机有效，经代理打开的不收；请用账号登录。"
LINK_SPENT = "一次性登录链接已使用或已过期，请重新运行 ./zhengbei demo 取得新链接。"

ERRORS = {
    400: ("请求不完整", "请返回上一页后重试。"),
    401: ("需要登录", "登录已过期或尚未登录。"),
    403: ("没有权限", "当前账号不能使用这一项，如需要请联系安全管理员。"),
    404: ("没有这一页", "链接可能已改动，或该指标尚未发布。"),
    405: ("不支持的操作", "请返回上一页后重试。"),
    409: (
        "已经提交过一次",
        "请打开原来的页面核对是否已经办理，不必再次提交；登录地址只显示一次，没有看到时请撤销后重新登记。",
    ),
    410: ("这份快照已不再保留", "请看最新的快照；报告引用的快照长期保留。"),
    413: ("内容过大", "提交的内容超过上限。"),
    415: ("内容格式不支持", "请返回上一页后重试。"),
    429: ("操作过于频繁", "请稍后再试。"),
    500: ("页面出错", "错误已记录，请稍后重试；仍不成功请联系系统管理员。"),
    503: ("还没有可看的数据", "数据尚未发布，请先运行 ./zhengbei etl run。"),
}

FACILITIES = {
    "PARK": "停车",
    "REST": "休息",
    "HOTWATER": "热水",
    "MEALHEAT": "热饭",
    "SHOWER": "淋浴",
    "LAUNDRY": "洗衣",
    "TOILET": "如厕",
    "DINING": "餐饮",
    "SHOP": "便利店",
    "REPAIR": "维修",
    "FUEL": "加油",
    "LODGING": "住宿",
    "WIFI": "无线网",
    "AED": "急救",
    "CHARGE": "充电",
    "READING": "阅览",
    "PARTY_ROOM": "党员活动室",
    "GOV_SERVICE": "政务服务",
    "LEGAL": "法律援助",
    "HEALTH": "健康小屋",
}
BASIC_SERVICES = {code: FACILITIES[code] for code in ("PARK", "REST", "HOTWATER", "MEALHEAT", "SHOWER", "LAUNDRY")}
"""The five free basics of the 2025 service-area guide; 停车休息 is two codes (KPI 71)."""
NINE_SERVICES = ("FUEL", "SHOP", "DINING", "REPAIR", "WIFI", "PARK", "REST", "LODGING", "LAUNDRY")
"""The announcement's nine services."""
