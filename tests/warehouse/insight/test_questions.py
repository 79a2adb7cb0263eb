"""问数: what leaders type is understood as it is meant, and what is not is named."""

from __future__ import annotations

import datetime as dt
import random
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from warehouse.catalog import metrics as catalogue
from warehouse.core import units
from warehouse.insight.questions import dates, lexicon
from warehouse.insight.questions.understand import Understood, understand
from warehouse.query.scope import Scope
from warehouse.query.snapshot import Snapshot
from warehouse.query.snapshot_store import SnapshotStore

QUESTIONS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("questions.toml").read_text("utf-8"))[
    "question"
]
ENOUGH = 50


@pytest.fixture(scope="module")
def book(published: Path) -> Snapshot:
    return SnapshotStore(published).current(Scope.ALL)


@pytest.fixture(scope="module")
def names(book: Snapshot) -> dict[str, str]:
    """What the marks in the questions stand for: a company and a vehicle whose plate no other has."""
    company = next(place for place in book.places("company") if place.label.endswith("公司"))
    keys = [str(key) for (key,) in book.ask("SELECT vehicle_key FROM marts.vehicle_current ORDER BY 1")]
    numbers = Counter(key.partition("#")[0] for key in keys)
    key = next(key for key in keys if numbers[key.partition("#")[0]] == 1)
    return {"company": company.label, "code": company.code, "plate": key.partition("#")[0], "key": key}


def described(book: Snapshot, read: Understood) -> dict[str, Any]:
    """What was understood, as questions.toml writes it."""
    if read.problem:
        return {"none": read.problem}
    shown = {
        "metrics": list(read.metrics),
        "periods": [period.word for period in read.periods],
        "places": [] if read.ask == "record" else [place.label for place in read.places if place != book.home],
        "ask": read.ask,
        "grain": read.grain if read.ask in ("rank", "list") else "",
        "order": read.order,
        "which": read.which,
        "only": [f"{name}:{member}" for name, member in read.only],
        "page": "" if read.metrics else read.page,
        "against": read.against if read.ask == "value" else "",
    }
    return {key: value for key, value in shown.items() if value and (key, value) != ("ask", "value")}


def wanted(question: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    def filled(value: Any) -> Any:
        return [one.format(**names) for one in value] if isinstance(value, list) else value.format(**names)

    return {key: filled(value) for key, value in question.items() if key != "text"}


def test_most_questions_of_leaders_are_understood_and_none_wrongly(
    book: Snapshot, names: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = 0, []
    for question in QUESTIONS:
        read = understand(book, question["text"].format(**names))
        got, expected = described(book, read), wanted(question, names)
        if "order" not in expected:  # a plain 排名 may begin at either end, and says at which
            got.pop("order", None)
        right += got == expected
        if got != expected:
            wrong.append((question["text"], got, expected, [read.words(term) for term in read.leftover]))
    answered = [one for one in wrong if "none" not in one[1]]
    with capsys.disabled():
        print(f"\n问数：{len(QUESTIONS)} 问，答对 {right}，未答 {len(wrong) - len(answered)}，答错 {len(answered)}")
    assert right >= ENOUGH and not answered, wrong


def test_every_word_of_a_question_is_used_or_named(book: Snapshot, names: dict[str, str]) -> None:
    for question in QUESTIONS:
        text = question["text"].format(**names)
        read = understand(book, text)
        assert "".join(read.words(term) for term in read.terms) == lexicon.plain(text)
        assert read.problem or not read.leftover


def test_a_phrase_means_one_thing_and_every_metric_goes_by_its_name() -> None:
    senses: dict[str, set[lexicon.Sense]] = {}
    for phrase, sense in lexicon.phrases():
        senses.setdefault(lexicon.plain(phrase).lower() or phrase, set()).add(sense)
    assert {phrase: found for phrase, found in senses.items() if len(found) > 1} == {}
    known = lexicon.common()
    assert all(known[lexicon.plain(one.label).lower()].value == one.id for one in catalogue.metrics().values())


# -- words of time ---------------------------------------------------------------------------------------------------

SUNDAY, MONDAY = dt.date(2026, 11, 22), dt.date(2026, 11, 23)
NEW_YEAR, LEAP = dt.date(2027, 1, 1), dt.date(2028, 3, 1)
"""New Year's Day of 2027 is a Friday of the 53rd week of 2026."""
TIMES = (
    (MONDAY, "上周", "week:2026-W47"),
    (SUNDAY, "上周", "week:2026-W46"),
    (MONDAY, "上周二", "day:2026-11-17"),
    (SUNDAY, "上周二", "day:2026-11-10"),
    (SUNDAY, "上周日", "day:2026-11-15"),
    (MONDAY, "上星期天", "day:2026-11-22"),
    (SUNDAY, "周二", "day:2026-11-17"),
    (MONDAY, "周二", "day:2026-11-17"),
    (MONDAY, "周一", "day:2026-11-23"),
    (MONDAY, "周日", "day:2026-11-22"),
    (NEW_YEAR, "本周", "week:2026-W53"),
    (NEW_YEAR, "上周", "week:2026-W52"),
    (NEW_YEAR, "第53周", "week:2026-W53"),
    (NEW_YEAR, "第1周", "week:2026-W01"),
    (dt.date(2027, 1, 4), "上周", "week:2026-W53"),
    (dt.date(2027, 1, 4), "第53周", "week:2026-W53"),
    (dt.date(2028, 6, 1), "第53周", None),
    (NEW_YEAR, "昨天", "day:2026-12-31"),
    (NEW_YEAR, "上月", "month:2026-12"),
    (NEW_YEAR, "12月", "month:2026-12"),
    (NEW_YEAR, "上上个月", "month:2026-11"),
    (NEW_YEAR, "上季度", "quarter:2026-Q4"),
    (NEW_YEAR, "四季度", "quarter:2026-Q4"),
    (NEW_YEAR, "去年", "year:2026"),
    (NEW_YEAR, "今年以来", "year:2027"),
    (MONDAY, "年初至今", "year:2026"),
    (MONDAY, "12月", "month:2025-12"),
    (MONDAY, "11月", "month:2026-11"),
    (MONDAY, "去年十月", "month:2025-10"),
    (MONDAY, "2025年第四季度", "quarter:2025-Q4"),
    (MONDAY, "2026-W07", "week:2026-W07"),
    (MONDAY, "2026-11-18", "day:2026-11-18"),
    (MONDAY, "十一月二十号", "day:2026-11-20"),
    (MONDAY, "11月25日", "day:2025-11-25"),
    (MONDAY, "31号", "day:2026-10-31"),
    (LEAP, "2月29日", "day:2028-02-29"),
    (LEAP, "昨天", "day:2028-02-29"),
    (MONDAY, "2月29日", None),
    (MONDAY, "2026年13月", None),
    (MONDAY, "近三个月", "month*3"),
    (MONDAY, "最近半年", "month*6"),
    (MONDAY, "近几周", "week*6"),
    (MONDAY, "近0天", None),
    (MONDAY, "明天", dates.FUTURE),
    (MONDAY, "下周三", dates.FUTURE),
    (MONDAY, "今年12月", dates.FUTURE),
    (MONDAY, "2026年第48周", "week:2026-W48"),
    (MONDAY, "2026年第49周", dates.FUTURE),
)


@pytest.mark.parametrize(("today", "words", "meaning"), TIMES)
def test_words_of_time_are_relative_to_the_day(today: dt.date, words: str, meaning: str | None) -> None:
    found = dates.read(words.lower(), 0, today)
    if meaning is None:
        assert found is None or found[0] < len(words)
        return
    assert found is not None and found[0] == len(words)
    assert (found[1] if isinstance(found[1], str) else found[1].word) == meaning
    if isinstance(found[1], dates.Period) and found[1].at:
        assert units.window_of(found[1].window, units.parse_at(found[1].window, found[1].at))[0] <= today


@pytest.mark.parametrize(
    ("words", "length"), [("上周一共", 2), ("上周日均", 2), ("上周一报警", 3), ("周天气", 0), ("上周末", 2)]
)
def test_a_weekday_is_not_read_out_of_another_word(words: str, length: int) -> None:
    found = dates.read(words, 0, MONDAY)
    assert (found[0] if found else 0) == length


# -- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "leftover"),
    [
        ("西湖区上线率", ["西湖区"]),
        ("上线率最低的50辆以上企业", ["50辆以上企业"]),  # the rate of all companies is no answer to that
        ("上周未达标的指标最多的镇街", ["最多", "的镇街"]),
        ("各镇街上线率走势", ["各镇街"]),
        ("党员上线率", ["党员"]),
        ("哪个镇街上线率比上月差", ["哪个镇街"]),
        ("今年送课和送书多少场", ["送书"]),  # a filter is of one member
        ("分神驾驶最多的企业", ["分神驾驶"]),  # one kind of what the metric counts together
        ("哪些企业没有党建指导员", ["没", "党建指导员"]),  # counted with the other of the two only
        ("近三个月超速最多的企业", ["近三个月"]),
        ("为什么良渚上线率最低", ["最低"]),
        ("前一一名上线率", ["前一"]),
        ("哪个镇街上线率下降最多", ["下降"]),  # places are ranked by their number, not by its change
        ("上线率达标的镇街", ["达标"]),
        ("二月三十日的上线率", ["二月三十日"]),
        ("良渚数据质量", ["良渚"]),
        ("浙A00000昨天的轨迹", ["浙A00000"]),
        ("昨天的轨迹", ["轨迹"]),
        ("驾驶员夜间行驶占比高于30%的", ["于30%"]),
    ],
)
def test_what_an_answer_would_leave_out_is_named(book: Snapshot, text: str, leftover: list[str]) -> None:
    read = understand(book, text)
    words = "".join(read.words(term) for term in read.leftover)
    assert read.problem == "words" and all(one.strip("的") in words for one in leftover), (words, read)


def test_a_question_can_be_changed_by_its_words(book: Snapshot) -> None:
    read = understand(book, "上周良渚街道报警处置率")
    assert read.without(read.of("place")) == "上周报警处置率"
    assert read.instead(read.of("period"), "上月") == "上月良渚街道报警处置率"
    assert understand(book, read.instead(read.of("grain"), "各企业排名")).ask == "rank"


def test_part_of_a_name_is_enough_where_it_is_of_one_company_only(book: Snapshot) -> None:
    labels = {place.code: lexicon.plain(place.label) for place in book.places("company")}
    parts = {label[2:6] for label in labels.values() if label.endswith("公司")}
    alone = next(part for part in parts if sum(part in label for label in labels.values()) == 1)
    read = understand(book, f"{alone}有几辆车")
    assert [labels[place.code] for place in read.places] == [one for one in labels.values() if alone in one]
    shared = understand(book, "物流有限上线率")
    several = [code for code, label in labels.items() if "物流有限" in label]
    assert len(several) > 1 and (
        set(shared.choices) == set(several) if len(several) <= 8 else shared.problem == "words"
    )


def test_nothing_outside_the_scope_is_known(published: Path) -> None:
    store = SnapshotStore(published)
    whole = store.current(Scope.ALL)
    town, other = (place for place in whole.places("town") if place.label in ("良渚街道", "仁和街道"))
    book = store.current(Scope((town.code,), ()))
    assert understand(book, f"{town.label}上线率").places[0].code == town.code
    assert understand(book, f"{other.label}上线率").problem == "words"
    outside = next(place for place in whole.places("company") if place.parent == other.code)
    assert understand(book, f"{outside.label}有几辆车").problem == "words"


def test_nothing_typed_asks_nothing_and_a_name_alone_is_no_question(book: Snapshot) -> None:
    assert understand(book, "").problem == understand(book, "  ").problem == "empty"
    assert understand(book, "上周").problem == "empty"
    assert all(understand(book, name).is_name_only for name in ("lzjd", "良渚", "局长的工资"))
    assert not any(understand(book, name).is_name_only for name in ("上线率", "良渚上线率", "西湖区上线率", "良渚天气"))


def test_whatever_is_typed_is_read_to_its_end(book: Snapshot, names: dict[str, str]) -> None:
    pieces = [
        *"的十一前上周月年第近没哪比零下%#~ 　.号",
        "2月30日",
        "第99周",
        "0000年",
        "上上个",
        *lexicon.common(),
        *names.values(),
    ]
    chance = random.Random(18)
    for _ in range(400):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 7)))
        read = understand(book, text)
        assert "".join(read.words(term) for term in read.terms) == lexicon.plain(text)
        assert read.problem or read.metrics or read.page
