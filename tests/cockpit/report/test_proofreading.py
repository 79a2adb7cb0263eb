"""The proofreader: each of its eighteen rules finds a paper that breaks it and passes one that does not."""

from __future__ import annotations

import pytest

from cockpit.report import paper_text, proofreading

WRONG = {
    1: ["<p>本周上线率,环比上升</p>", "<p>余杭街道(含归属待核)最低</p>", '<p>标为"暂定"的数</p>'],
    2: ["<p>上线率９３．４％</p>", "<td>21，486 辆</td>"],
    4: ["<p>采集故障…</p>", "<p>目标—建议值</p>"],
    5: ["<p>在 63%-68% 之间</p>", "<p>约 3-5 家</p>", "<p>在 63～68% 之间</p>"],
    7: ["<p>共 120,000 行</p>", "<p>约 3亿4500万 元</p>", "<p>约 5十万 辆</p>", "<p>共 12,000 辆</p>"],
    8: ["<p>共 21486 辆</p>", "<td>7,842 家</td><td>1234 家</td>"],
    9: ["<p>指数为 .46</p>"],
    10: ["<p>报警处置率上升 2.1%</p>", "<p>上升 2.1 百分点</p>"],
    11: ["<p>报警减少了 2 倍</p>"],
    12: ["<p>新增二十五家企业</p>", "<p>达到百分之九</p>"],
    13: ["<p>26年11月28日</p>", "<p>11月05日</p>", "<p>2026.11.28 报送</p>", "<p>8:00 前</p>"],
    14: ["<p>交运发[2016]160号</p>", "<p>局发〔2026〕第3号</p>"],
    15: ["<p>第一、上线率</p>", "<p>一，要点</p>", "<p>1、上线率</p>", "<p>（一）、上线率</p>"],
    16: ["<p>见 fleet_online_rate</p>", "<td>2026-W47</td><td>W47</td>", "<p>缺陷 D19 共 3 行</p>"],
    17: ["<p>行驶 128.6 km</p>", "<p>时速 80 km/h</p>"],
    18: ['<td data-metric="a">93.4 %</td><p><b data-metric="a">93.5 %</b></p>'],
}
FINE = """<section class="bulletin"><h2>一、本周要点</h2>
<p>1.车辆上线率93.4%，升0.8个百分点，是近12周最高；“暂定”的数在11月28日前仍会改变，08:00打印。</p>
<p>第一，行驶128.6万公里，增加了2倍；区间为63%～68%；依据局发〔2026〕12号、GB/T 9704-2012。</p></section>
<table><tr><td data-metric="a">21,486 辆</td><td>7,842 / 8,396</td><td>11-23 14:06</td><td>0.46</td><td>—</td></tr></table>
<p>快照 20261123T140500，溯源码 0A1B2-C3D4E，数据截至 2026-11-23 14:05……——至此。<b data-metric="a">21,486 辆</b></p>
<dl class="definitions"><dd>按 fleet_online_rate 计</dd></dl><style>a{b:c}</style><svg><text>1月05日</text></svg>"""


@pytest.mark.parametrize("rule", sorted(WRONG))
def test_each_rule_finds_what_breaks_it(rule: int) -> None:
    for html in WRONG[rule]:
        found = proofreading.faults(paper_text.read(html))
        assert rule in {fault.rule for fault in found}, (html, found)
        assert proofreading.RULES[rule][0] in str(next(fault for fault in found if fault.rule == rule))


def test_the_rules_are_eighteen_and_a_paper_that_holds_them_passes() -> None:
    assert set(proofreading.RULES) == set(range(1, 19))
    assert [str(fault) for fault in proofreading.faults(paper_text.read(FINE))] == []


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (3, ["车辆上线率连续三周", "，未达标"]),
        (3, ["车辆上线率（", "本周）未达标"]),
        (4, ["采集故障…", "…待处理"]),
        (6, ["共登记货车21,", "486辆"]),
        (6, ["上线率93", "%，未达标"]),
    ],
)
def test_what_only_the_printed_lines_show_is_found_there(rule: int, lines: list[str]) -> None:
    html = f"<p>{''.join(lines)}</p>"
    assert rule in {fault.rule for fault in proofreading.faults(paper_text.read(html, [lines]))}
    whole = proofreading.faults(paper_text.read(html, [["".join(lines)]]))
    assert {3, 6}.isdisjoint({fault.rule for fault in whole})


def test_two_cells_below_each_other_are_no_broken_number() -> None:
    html = "<table><tr><td>车辆 12</td></tr><tr><td>34 辆</td></tr></table>"
    assert proofreading.faults(paper_text.read(html, [["车辆 12", "34 辆"]])) == []


def test_a_day_stands_in_words_in_the_bulletin_and_in_digits_in_a_table() -> None:
    days = "<p>截至 11-28 尚缺</p>"
    assert [fault.rule for fault in proofreading.faults(paper_text.read(f'<div class="bulletin">{days}</div>'))] == [13]
    assert proofreading.faults(paper_text.read(days)) == []


def test_what_somebody_else_named_is_not_proofread() -> None:
    odd = "GPS平台(二期),见 gps_location"
    assert proofreading.faults(paper_text.read(f"<p>{odd}</p>"))
    for html in (
        f'<p class="quoted">{odd}</p>',
        f'<section class="sources"><table><tr><td>{odd}</td></tr></table></section>',
    ):
        assert proofreading.faults(paper_text.read(html)) == [], html
