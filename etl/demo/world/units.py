"""The ten member units of the founding announcement, in its order."""

from __future__ import annotations

MEMBER_UNITS = (
    "区交通运输局",
    "市公安局余杭分局",
    "区发改局",
    "区民政局",
    "区人力社保局",
    "区市场监督局",
    "区总工会",
    "团区委",
    "区妇联",
    "区交通集团",
)
UNIT_IDS = tuple(f"U{k:02d}" for k in range(1, len(MEMBER_UNITS) + 1))
SITE_IDS = ("ZD01", "ZD02", "ZD03", "ZD04", "ZD05")
