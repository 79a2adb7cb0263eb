"""Fixed facts of every world: the twelve towns and where their fleets park, the platforms and their habits, the
outage."""

from __future__ import annotations

# code, name, share of companies, road node
TOWNS = (
    ("330110005", "五常街道", 0.05, "五常"),
    ("330110009", "仁和街道", 0.19, "仁和"),
    ("330110010", "良渚街道", 0.20, "良渚"),
    ("330110011", "闲林街道", 0.08, "闲林"),
    ("330110012", "仓前街道", 0.09, "仓前"),
    ("330110013", "余杭街道", 0.10, "余杭街道"),
    ("330110014", "中泰街道", 0.05, "中泰"),
    ("330110109", "径山镇", 0.05, "径山"),
    ("330110110", "瓶窑镇", 0.14, "瓶窑"),
    ("330110111", "鸬鸟镇", 0.015, "鸬鸟"),
    ("330110112", "百丈镇", 0.015, "百丈"),
    ("330110113", "黄湖镇", 0.02, "黄湖"),
)
IMPROVING_TOWN = 8  # 瓶窑镇: checks and learning rise over the 13 months
PLATFORMS = ("33011000001", "33011000002", "33011000003", "33011000004", "33011000005")
PLATFORM_SHARES = (0.40, 0.25, 0.15, 0.10, 0.10)
HEX_COLOUR_PLATFORM, KMH_PLATFORM, ETC_COLOUR_PLATFORM = 2, 3, 4
OUTAGE_PLATFORM, OUTAGE_DAYS_AGO, OUTAGE_FROM_S, OUTAGE_TO_S = 0, 21, 9 * 3600, 15 * 3600
PARK_NODES = (
    (0, 24),
    (1, 12, 18),
    (2, 13, 14, 29),
    (3, 25),
    (4, 24, 27),
    (5, 23, 26),
    (6, 26),
    (7, 20, 22),
    (8, 15, 19, 17),
    (9,),
    (10, 30),
    (11, 21),
)
