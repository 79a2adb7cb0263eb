"""Telephone and identity numbers in free text are blotted out however people write them, and what only looks like one
stays."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from warehouse.core import redaction
from warehouse.core.redaction import BLOT, blot, identity_number, in_line, scrub
from warehouse.ingest.pseudonymize import looked_at

SPELLINGS = [
    "13800138000",
    "138 0013 8000",
    "138-0013-8000",
    "138.0013.8000",
    "138\u00a00013\u00a08000",
    "138/0013/8000",
    "(138)00138000",
    "（138）0013-8000",
    "1 3 8 0 0 1 3 8 0 0 0",
    "138\u200b0013\u200b8000",
    "１３８００１３８０００",
    "+86 138 0013 8000",
    "+86-138.0013.8000",
    "0571-88886666",
    "(0571) 8888 6666",
    "0571 8888666",
    "330110 1980 0101 0016",
    "330110.19800101.0016",
    "33011019800101 001X",
    "33 01 10 19 80 01 01 00 1x",
]


@pytest.mark.parametrize("number", SPELLINGS)
@pytest.mark.parametrize("text", ["{}", "联系电话：{}。", "车主{}来访", "{},张某"])
def test_a_number_is_blotted_out_however_it_is_written(number: str, text: str) -> None:
    shown = blot(text.format(number))
    assert BLOT in shown and not any(digits in shown for digits in ("138", "8000", "8888", "1980", "１３８"))
    stored = looked_at(pa.chunked_array([pa.array([text.format(number)])]), blot)
    assert stored.to_pylist() == [shown]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 14:05:00 至 2026-11-30 08:00:00",
        "2026-11-23 2026-11-30 12 处",
        "13 行、2026-11-23：读不出",
        "91330110MA2ABCDE12",
        "浙A12345 黄",
        "120.0047, 30.3976",
        "第 15 行 3 列，共 1,234,567 行",
        "GD20261020000",
        "v1.5.6 / 2.0.0",
    ],
)
def test_what_is_no_number_of_a_person_stays(text: str) -> None:
    assert blot(text) == text


TODAY = dt.date(2026, 11, 23)


@pytest.fixture(autouse=True)
def on_that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a number is a grown-up's hangs on the day: a run that begins before midnight ends on another one."""
    monkeypatch.setattr(redaction, "_today", lambda: TODAY)


def number(born: dt.date, area: str = "330110", order: str = "001", *, fits: bool = True) -> str:
    """An identity number by GB 11643: the weight of the i-th digit is 2^(17-i) mod 11 (ISO 7064)."""
    stem = f"{area}{born:%Y%m%d}{order}"
    rest = (1 - sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(stem))) % 11
    return stem + "0123456789X"[rest if fits else (rest + 1) % 10]


def test_an_identity_number_has_its_digit_and_a_day_of_birth() -> None:
    for order in range(100, 130):  # every check digit there is, X among them
        good = number(dt.date(1980, 1, 1), order=str(order))
        assert identity_number(good) == good
        assert identity_number(good[:-1] + "0123456789X"[("0123456789X".index(good[-1]) + 1) % 11]) is None
    with_x = next(one for order in range(100, 130) if (one := number(dt.date(1980, 1, 1), order=str(order)))[-1] == "X")
    assert identity_number(f" '{with_x.lower()}") == with_x
    assert identity_number("".join(chr(ord(sign) + 0xFEE0) for sign in with_x)) == with_x, "full-width"
    assert identity_number(number(TODAY)) and identity_number(number(TODAY + dt.timedelta(days=1))) is None
    assert identity_number(number(dt.date(1900, 1, 1))) and identity_number(number(dt.date(1899, 12, 31))) is None
    odd = number(dt.date(1980, 1, 1))
    for text in (odd[:15], odd + "1", "3.3E+17", "", f"{odd[:6]}19800230{odd[14:]}"):
        assert identity_number(text) is None


def before(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


@pytest.mark.parametrize(
    ("text", "is_person"),
    [
        ("13800138000", True),
        ("+86 13800138000", True),
        (number(before(5844), fits=False), True),  # sixteen years: 16 × 365.25
        (number(before(5843), fits=False), False),  # younger, and the digit is wrong: a number of business
        (number(before(5843)), True),
        (number(before(1827)), True),  # five years
        (number(before(1826)), False),
        (number(before(9000), "930110"), True),
        (number(before(9000), "930110", fits=False), False),  # a company's code
        (number(before(5844), "930110"), True),
        (number(before(5843), "930110"), False),
        (number(before(9000), "030110"), False),
        (f"330110{before(9000):%y%m%d}001", False),  # fifteen digits may be anything here
        ("91330110MA2ABCDE12", False),
        ("330110199913450019", False),
    ],
)
def test_a_personal_number_in_a_column_of_something_else_is_replaced_and_one_of_business_stays(
    text: str, is_person: bool
) -> None:
    assert scrub(f"备注{text}。", lambda found: f"<{len(found)}>") == (
        f"备注<{11 if len(text) < 16 else 18}>。" if is_person else f"备注{text}。"
    )


def test_every_number_of_a_text_goes_and_what_lies_between_stays() -> None:
    assert scrub("13800138000、李四 139 0013 9000。", lambda found: found[-4:]) == "8000、李四 9000。"
    assert blot("甲13800138000乙0571-88886666丙330110800101001丁") == f"甲{BLOT}乙{BLOT}丙{BLOT}丁"
    assert in_line("  李四 \n 13800138000 ") == f"李四 {BLOT}" and in_line(" \n ") == ""
    assert blot("330110.19801345.0016") == "330110.19801345.0016", "the thirteenth month is no birthday"
