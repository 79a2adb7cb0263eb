"""What looks like an identity number or a phone inside text. Owns the patterns; knows no key, no table and no file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
HALF_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ－　", "0123456789Xx- ")
BLOT = "〔已隐去〕"
_D, _S = "0-9０-９", r"[-－\s　]?"
LIKELY = rf"(^|[^{_D}])(([8８]{_S}[6６]{_S})?[1１]{_S}[3-9３-９]({_S}[{_D}]){{9}}|([{_D}]{_S}){{14}}[{_D}]|([{_D}]{_S}){{17}}[{_D}XxＸｘ])([^{_D}]|$)"
"""RE2 pattern that every text with a personal number fits (11, 15 or 18 digits standing alone), and few others: what
need not be looked at twice."""
NUMBER = re.compile(
    r"(?<!\d)(?:\d{6}[- ]?\d{4}[- ]?\d{4}[- ]?\d{3}[\dXx]|(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"
    r"|[1-8]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3})(?!\d)"
)
_BETWEEN = r"[\s\u200b-\u200f\u2060\ufeff.．·•/／\\\-–—_()（）\[\]【】]{0,3}"
WRITTEN = re.compile(
    rf"(?<!\d)(?:\d(?:{_BETWEEN}\d){{16}}{_BETWEEN}[\dXx]|(?:\+?86{_BETWEEN})?1{_BETWEEN}[3-9](?:{_BETWEEN}\d){{9}}"
    rf"|[(（]?0(?:{_BETWEEN}\d){{2,3}}{_BETWEEN}[2-9](?:{_BETWEEN}\d){{6,7}})(?!\d)"
)
"""The same however people write it: with dots, blanks of any width, strokes or brackets between the digits, and numbers of
the fixed network with their area code."""
MANY_DIGITS = r"([0-9０-９][^0-9０-９]{0,3}){10}"
"""RE2 pattern of every text that WRITTEN can fit."""
DAY = re.compile(r"20\d\d-\d\d-\d\d")
GROWN_UP, YOUNGEST = 16, 5
"""Years: business numbers carry the date of their day, people were born long before it."""


def identity_number(text: str) -> str | None:
    """The 18-digit identity number in upper case, None when it is none (D10).

    Check digit by GB 11643 (ISO 7064 mod 11-2); birth date must exist and not lie ahead. A leading apostrophe and a
    lower-case x are repaired; 15-digit numbers and numbers that went through a spreadsheet as 3.3E+17 are refused,
    because the century or the digits are gone."""
    number = text.strip().lstrip("'’").upper().translate(HALF_WIDTH)
    if not re.fullmatch(r"\d{17}[\dX]", number) or not _checks(number):
        return None
    born = _born(number)
    return number if born and born <= _today() else None


def _today() -> dt.date:
    return dt.datetime.now(SHANGHAI).date()


def blot(text: str) -> str:
    """Free text with everything that looks like an identity number (18 or 15 digits) or a phone blotted out, however it is
    written. Dates stay."""
    first = _replace(text, lambda number: BLOT, lambda number: True)
    plain = first.translate(HALF_WIDTH)
    out, last = [], 0
    for found in WRITTEN.finditer(plain):
        digits = re.sub(r"[^\dXx]", "", found.group())
        if DAY.search(found.group()) or (len(digits) == 18 and _born(digits) is None):
            continue
        out += [first[last : found.start()], BLOT]
        last = found.end()
    return "".join([*out, first[last:]])


def in_line(text: str) -> str:
    """What somebody wrote into a form as one line, with what looks like a personal number blotted out; "" for nothing
    but spaces."""
    return blot(" ".join(text.split()))


def scrub(text: str, token: Callable[[str], str]) -> str:
    """A value of a column that is meant for something else, with the personal numbers in it replaced by their token.
    Company codes and dated business numbers, which look alike, stay."""
    return _replace(text, token, _is_person)


def _replace(text: str, word: Callable[[str], str], counts: Callable[[str], bool]) -> str:
    plain = text.translate(HALF_WIDTH)  # one character for one, so that places stay
    out, last = [], 0
    for found in NUMBER.finditer(plain):
        number = re.sub(r"^\+?86[- ]?(?=1)|[- ]", "", found.group()).upper()
        if counts(number):
            out += [text[last : found.start()], word(number)]
            last = found.end()
    return "".join([*out, text[last:]]) if last else text


def _is_person(number: str) -> bool:
    if len(number) == 11:
        return True
    if len(number) != 18:
        return False
    born = _born(number)
    if born is None or number[0] == "0":
        return False
    age = (_today() - born).days / 365.25
    return (
        age >= GROWN_UP
        if number[0] == "9" and _checks(number)
        else number[0] != "9" and (age >= GROWN_UP or (age >= YOUNGEST and _checks(number)))
    )


def _born(number: str) -> dt.date | None:
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return born if born.year >= 1900 else None


def _checks(number: str) -> bool:
    return (
        CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(number[:17], WEIGHTS, strict=True)) % 11]
        == number[17]
    )
