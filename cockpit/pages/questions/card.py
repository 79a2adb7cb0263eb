"""问数 on the search page: what was understood of a question, as chips that change or drop it, and below them the answer, or
one sentence on what was not understood and what may be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from cockpit.pages.page_context import PageContext
from cockpit.pages.questions import numbers, pages, places
from cockpit.pages.questions.parts import GRAINS, STEPS
from cockpit.presentation import format as fmt
from cockpit.presentation.address import LONGEST_TYPED
from cockpit.presentation.tiles.attributes import aria
from warehouse.catalog.models import models
from warehouse.compile.reading import UNPLACED
from warehouse.core import units
from warehouse.core.errors import UsageError
from warehouse.insight.questions.dates import Period
from warehouse.insight.questions.lexicon import Kind
from warehouse.insight.questions.terms import Term
from warehouse.insight.questions.understand import ASKING, Understood, understand
from warehouse.query.places import plate

EXAMPLES = ("上周报警处置率", "哪个镇街上线率最低", "哪些50辆以上企业没有党组织", "近三个月轨迹完整率走势")
"""What may be asked, as it may be typed. Without a place: not every reader has the same ones."""
TIMES = {
    "day": ("昨天", "前天"),
    "week": ("上周", "上上周"),
    "month": ("上月", "本月"),
    "quarter": ("上季度", "本季度"),
    "year": ("今年", "去年"),
}
"""Other periods that the chip offers, by the windows of the metric."""
KINDS = {"high": "最高", "low": "最低", "worst": "最差", "best": "最好"}
AGAINST = {"year": "数值与同比", "previous": "数值与环比", "target": "数值与目标"}


def card(visit: PageContext, typed: str) -> Component | None:
    """The card; None for what is no question but a name or a code to be searched."""
    if not typed or (read := understand(visit.book, typed)).is_name_only:
        return None
    body = _answered(visit, read) if not read.problem else _problem(visit, read)
    chips = html.Div(_chips(visit, read), className="compare-bar", role="group", **aria(label="对问题的理解"))
    return html.Section(
        [
            html.Header(
                [html.H2("问数"), html.Span("按固定词表理解，不作推测；点选可修改", className="note")],
                className="card-head",
            ),
            chips,
            *body,
        ],
        className="card question",
        id="question",
    )


def _answered(visit: PageContext, read: Understood) -> list[Component]:
    """What stands below the chips; a sentence where a number is not counted as it was asked for."""
    try:
        if read.ask in ("page", "record"):
            return pages.way(visit, read)
        if read.ask == "trend":
            return numbers.trend(visit, read)
        if read.ask in ("rank", "list"):
            return places.listed_or_ranked(visit, read)
        return numbers.side_by_side(visit, read)
    except UsageError as error:
        return [html.P(f"{error.what}。{error.to_do}。", className="empty")]


# -- what was understood --------------------------------------------------------------------------------------------


def _chips(visit: PageContext, read: Understood) -> list[Component]:
    if read.metrics:
        chips = [_metric(visit, read)]
        # what nobody typed is told beside an answer only: 余杭区 beside 西湖区 would look like a guess
        chips += [_time(visit, read)] if read.periods or not read.problem else []
        chips += [_place(visit, read)] if read.places or not read.problem else []
        return [*chips, *_filters(visit, read), *([_ask(visit, read)] if not read.problem else [])]
    chips = [
        _chip(visit, read, f"{label}：{_called(visit, read, term)}", [term])
        for label, kinds in _THINGS.items()
        for term in read.of(*kinds)
    ]
    if read.periods:
        chips.append(_chip(visit, read, f"时间：{_times(read.periods)}", read.of("period")))
    if read.page:
        # a page or thing is asked for as a whole: there is nothing to drop
        chips.append(_chip(visit, read, f"问什么：打开{pages.page_name(visit, read)}", []))
    return chips


_THINGS: Mapping[str, tuple[Kind, ...]] = {
    "页面": ("page",),
    "车辆": ("vehicle",),
    "阵地": ("site",),
    "地点": ("place",),
    "待选": ("choose", "several"),
}


def _called(visit: PageContext, read: Understood, term: Term) -> str:
    if term.kind == "place":
        return visit.book.place(term.value).label
    return read.words(term)


def _metric(visit: PageContext, read: Understood) -> Component:
    named = [visit.book.metrics[name] for name in read.metrics]
    terms = read.of("metric", "part", "lacks") or read.of("population") or read.of("noun")
    first = named[0]
    others = {
        metric.label: metric.label
        for metric in visit.book.metrics.values()
        if metric.group == first.group and metric not in named
    }
    menu = {label: read.instead(terms, words) for label, words in others.items()} if len(named) == 1 else {}
    return _chip(visit, read, f"指标：{'、'.join(metric.label for metric in named)}", terms, menu)


def _time(visit: PageContext, read: Understood) -> Component:
    terms = read.of("period")
    windows = visit.book.metrics[read.metrics[0]].windows
    menu = {word: read.instead(terms, word) for window in windows for word in TIMES.get(window, ())}
    return _chip(visit, read, f"时间：{_times(read.periods)}", terms, menu)


def _times(periods: Sequence[Period]) -> str:
    return "、".join(map(_period, periods)) or "最新一期"


def _period(period: Period) -> str:
    if period.at is None:
        return f"近 {period.count} {STEPS[period.window]}"
    return fmt.period(period.window, *units.window_of(period.window, units.parse_at(period.window, period.at)))


def _place(visit: PageContext, read: Understood) -> Component:
    terms = read.of("place")
    drill = visit.book.metrics[read.metrics[0]].drill
    towns = [town.label for town in visit.book.places("town") if town.code != UNPLACED] if "town" in drill else []
    menu = {label: read.instead(terms, label) for label in towns}
    words = "、".join(place.label for place in read.places) or visit.book.home.label
    return _chip(visit, read, f"地点：{words}", terms, menu)


def _filters(visit: PageContext, read: Understood) -> list[Component]:
    metric = visit.book.metrics[read.metrics[0]]
    dimensions = models()[metric.mart].dimensions
    return [
        _chip(
            visit,
            read,
            f"{dimensions[name].label}：{visit.book.member(metric, name, member)}",
            read.of("only", "part", "site"),
        )
        for name, member in read.only
    ]


def _ask(visit: PageContext, read: Understood) -> Component:
    terms = read.of(*ASKING)
    metric = visit.book.metrics[read.metrics[0]]
    bare = read.instead(terms, "") if terms else read.text
    ways = {"数值": "", "走势": "走势"} if metric.kind != "now" else {"数值": ""}
    ways |= {
        f"各{GRAINS[grain]}排名": f"各{GRAINS[grain]}排名" for grain in ("town", "company") if grain in metric.drill
    }
    menu = {label: f"{bare} {words}".strip() for label, words in ways.items()} if not read.of("lacks") else {}
    return _chip(visit, read, f"问什么：{_manner(read)}", terms, menu)


def _manner(read: Understood) -> str:
    """How a number is asked for, in words."""
    called = GRAINS.get(read.grain, "")
    if read.ask == "rank":
        return f"{called}{KINDS[read.order]}{f'的 {read.top} 个' if read.top else '的在前'}"
    if read.which:
        return f"{'没有的' if read.which == 'lacking' else '未达标的'}{called}"
    if read.ask == "page":
        return "变化由哪里来"
    return {"trend": "走势", "compare": "对比"}.get(read.ask) or AGAINST.get(read.against, "数值")


def _chip(
    visit: PageContext, read: Understood, label: str, terms: Sequence[Term], menu: Mapping[str, str] | None = None
) -> Component:
    """A chip with what it may be changed to, and ✕ where words can be dropped. menu: label → the question then."""
    items = [
        dcc.Link(words, href=visit.address.here(q=question[:LONGEST_TYPED]), className="menu-item")
        for words, question in (menu or {}).items()
    ]
    shown: Component = html.Span(label, className="button")
    if items:
        shown = html.Details(
            [html.Summary(label, className="button"), html.Div(items, className="menu")], className="drop"
        )
    drop = [
        dcc.Link("✕", href=visit.address.here(q=read.without(terms)), className="button chip-x", title="去掉这个条件")
    ]
    return html.Span([shown, *(drop if terms and read.without(terms) else [])], className="chip chip-on")


# -- what was not ---------------------------------------------------------------------------------------------------


def _problem(visit: PageContext, read: Understood) -> list[Component]:
    if read.problem == "choose":
        return _choices(visit, read)
    sentence = {
        "future": "问到了还没有到的日子：这里只有已经发生的数，不作预测。",
        "person": "不按姓名查人，也不提供电话、证件号等个人信息；驾驶员名单请从企业页进入，说明用途后查看。",
        "words": f"没有理解{'、'.join(f'“{read.words(term).strip()}”' for term in read.leftover)}，因此不作答。",
        "empty": "没有说明要问哪一项指标。",
    }[read.problem]
    ways: list[Component] = []
    if read.problem == "words" and (rest := read.without(read.leftover)) and not understand(visit.book, rest).problem:
        ways.append(dcc.Link(f"去掉这些字再问：{rest}", href=visit.address.here(q=rest), className="button"))
    may = html.P(["可以这样问：", *examples(visit), "。"])
    bar = [html.Div(ways, className="compare-bar")] if ways else []
    return [html.P(sentence, className="notice-line", role="status"), *bar, may]


def examples(visit: PageContext) -> list[Component]:
    """What may be asked, each as a link that asks it."""
    pieces: list[Component] = []
    for one in EXAMPLES:
        pieces += [dcc.Link(one, href=visit.address.here(q=one)), html.Span("、")]
    return pieces[:-1]


def _choices(visit: PageContext, read: Understood) -> list[Component]:
    """What is meant has to be chosen: each choice is the question with its own words, or the page of a vehicle."""
    terms = [read.chosen_for] if read.chosen_for else read.of("metric", "part", "lacks", "noun", "population")
    links: list[Component] = []
    for key in read.choices:
        if read.chosen_for is not None and read.chosen_for.kind == "vehicle":
            tail = "/track" if read.page.endswith("/track") else ""
            at = read.periods[0].at if read.periods else None
            links.append(_link(plate(key), visit.address.to(f"/vehicle/{key.replace('#', '%23')}{tail}", at=at)))
            continue
        known = visit.book.known(key)
        label = known.label if known else visit.book.metrics[key].label
        links.append(_link(label, visit.address.here(q=read.instead(terms, label)[:LONGEST_TYPED])))
    words = f"“{read.words(read.chosen_for)}”" if read.chosen_for else "一次只能排列一项指标"
    sentence = f"{words}有 {len(read.choices)} 种可能，请选一项：" if read.chosen_for else f"{words}，请选一项："
    return [html.P(sentence, role="status"), html.Div(links, className="compare-bar")]


def _link(label: str, href: str) -> Component:
    return dcc.Link(label, href=href, className="button")
